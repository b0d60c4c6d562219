"""What is special to rows in segments: commits, other readers, damage, what a crash left."""

from __future__ import annotations

import errno
import os
import sqlite3
from pathlib import Path

import faiss
import numpy as np
import pytest

from tests.contracts.vectors import equal, oracle_of, people
from workbench.errors import InvalidInputError, StoreDamagedError, StoreError
from workbench.stores.vectors import segment_files
from workbench.stores.vectors.base import VectorSpace
from workbench.stores.vectors.faiss import FAISSVectorStore
from workbench.stores.vectors.segment_files import HEADER

DIM = 16
ROWS = people(1300, DIM, seed=4)
VIDS = np.arange(1, 1301)


def opened(folder: Path) -> FAISSVectorStore:
    return FAISSVectorStore(folder)


@pytest.fixture
def store(tmp_path: Path) -> FAISSVectorStore:
    store = opened(tmp_path)
    store.create_space(VectorSpace("face", DIM, "float16"))
    store.put("face", VIDS, ROWS)
    return store


def segment_of(folder: Path, space: str = "face") -> Path:
    (path,) = folder.glob(f"{space}-*.seg")
    return path


def flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 0x10
    path.write_bytes(data)


def change(folder: Path, sql: str) -> None:
    connection = sqlite3.connect(folder / "vectors.sqlite")
    with connection:
        assert connection.execute(sql).rowcount == 1
    connection.close()


# ---------------------------------------------------------------------- commits
def test_another_handle_sees_a_write_after_its_commit_and_not_before(
    store: FAISSVectorStore, tmp_path: Path
) -> None:
    other = opened(tmp_path)
    target = np.eye(DIM)[0] * -1
    before = other.search("face", target, k=5)
    with store.rows.database.transaction():
        store.put("face", np.array([5000, 5001]), np.stack([target, target * 3]))
        store.remove("face", before["vid"].to_numpy()[:1])
        equal(other.search("face", target, k=5), before)
        assert other.counts() == {"face": 1300}
    got = other.search("face", target, k=5)
    assert got["vid"].tolist() == [5000, 5001, *before["vid"].tolist()[1:4]]
    assert other.counts() == {"face": 1301}
    equal(opened(tmp_path).search("face", target, k=5), got)


@pytest.mark.parametrize("asked_between", [True, False])
def test_a_search_inside_a_unit_that_fails_remembers_nothing(
    store: FAISSVectorStore, asked_between: bool
) -> None:
    target = np.eye(DIM)[0] * -1
    database = store.rows.database
    before = store.search("face", target, k=5)
    gone = before["vid"].to_numpy()[:1]
    with pytest.raises(ZeroDivisionError), database.transaction():
        store.put("face", np.array([6000]), target)
        store.remove("face", gone)
        assert store.search("face", target, k=1)["vid"].tolist() == [6000]
        raise ZeroDivisionError
    if asked_between:
        equal(store.search("face", target, k=5), before)
    store.put("face", np.array([6001]), target)  # at the same place as the row that is gone
    store.remove("face", before["vid"].to_numpy()[1:2])
    got = store.search("face", target, k=3)["vid"].tolist()
    assert got == [6001, before["vid"][0], before["vid"][2]]


def test_what_a_crash_left_behind_is_overwritten(store: FAISSVectorStore, tmp_path: Path) -> None:
    path = segment_of(tmp_path)
    committed = path.stat().st_size
    with path.open("ab") as file:
        file.write(b"\x3c" * 4096 + b"torn")
    again = opened(tmp_path)
    assert again.counts() == {"face": 1300}
    assert again.verify().empty
    oracle = oracle_of(again, "face", VIDS, ROWS)
    equal(again.search("face", ROWS[:3], k=9), oracle.search("face", ROWS[:3], k=9))
    again.put("face", np.array([2000]), np.ones((1, DIM)))
    oracle.put("face", np.array([2000]), np.ones((1, DIM)))
    equal(again.search("face", np.ones(DIM), k=9), oracle.search("face", np.ones(DIM), k=9))
    assert path.read_bytes()[committed : committed + 2 * DIM] == np.full(DIM, 0.25, "<f2").tobytes()
    assert again.verify().empty


def test_rows_of_a_segment_that_was_never_committed_are_overwritten(tmp_path: Path) -> None:
    store = opened(tmp_path)
    store.create_space(VectorSpace("face", 2, "float32"))
    (tmp_path / "face-000001.seg").write_bytes(b"left by a crash" * 100)
    store.put("face", np.array([1]), np.array([[3, 4]]))
    assert np.array_equal(store.get("face", np.array([1])), np.float32([[0.6, 0.8]]))
    assert store.verify().empty


@pytest.mark.parametrize("first", [True, False])
def test_after_a_failed_sync_a_new_segment_is_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: bool
) -> None:
    def fail(descriptor: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    store = opened(tmp_path)
    store.create_space(VectorSpace("face", DIM, "float16"))
    if not first:
        store.put("face", VIDS[:10], ROWS[:10])
    before = store.vids("face")
    with monkeypatch.context() as patch:
        patch.setattr(segment_files, "sync_file", fail)
        with pytest.raises(StoreError, match="disk refused"):
            store.put("face", VIDS[10:20], ROWS[10:20])
    assert np.array_equal(store.vids("face"), before)
    assert len(store.search("face", ROWS[10], k=99)) == len(before)
    known = set(tmp_path.glob("*.seg"))
    store.put("face", VIDS[10:20], ROWS[10:20])
    assert len(set(tmp_path.glob("*.seg")) - known) == 1
    store.put("face", VIDS[20:30], ROWS[20:30])
    assert len(set(tmp_path.glob("*.seg")) - known) == 1
    vids = np.concatenate([before, VIDS[10:30]])
    for handle in (store, opened(tmp_path)):
        oracle = oracle_of(handle, "face", vids, ROWS[vids - 1])
        equal(handle.search("face", ROWS[15], k=9), oracle.search("face", ROWS[15], k=9))
        assert handle.verify().empty


def test_a_write_that_is_refused_is_seen_by_nobody(store: FAISSVectorStore, tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError):
        store.put("face", np.array([1400, 7]), ROWS[:2])  # 7 is taken
    for handle in (store, opened(tmp_path)):
        assert handle.counts() == {"face": 1300}
        assert handle.verify().empty


# ---------------------------------------------------------------------- damage
@pytest.mark.parametrize("warm", [True, False])
@pytest.mark.parametrize("k", [5, 1300])
def test_a_flipped_bit_hides_its_row_and_never_returns_a_wrong_one(
    store: FAISSVectorStore, tmp_path: Path, warm: bool, k: int
) -> None:
    hit = 701
    handle = store if warm else opened(tmp_path)
    if warm:
        assert store.search("face", ROWS[hit - 1], k=1)["vid"].tolist() == [hit]
    flip(segment_of(tmp_path), HEADER + (hit - 1) * 2 * DIM + 3)
    others = np.delete(VIDS, hit - 1)
    oracle = oracle_of(store, "face", others, ROWS[others - 1])
    got = handle.search("face", ROWS[hit - 1], k=k)
    equal(got, oracle.search("face", ROWS[hit - 1], k=k))
    found = handle.verify()
    assert found[["space", "vid"]].to_numpy().tolist() == [["face", hit]]
    with pytest.raises(StoreDamagedError, match=str(hit)):
        handle.get("face", np.array([1, hit]))


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE vector_row SET crc = crc + 1 WHERE vid = 701",
        "UPDATE vector_row SET norm = norm * 2 WHERE vid = 701",
        "UPDATE vector_row SET row_hash = row_hash + 1 WHERE vid = 701",
        "UPDATE vector_row SET scale = 0.5 WHERE vid = 701",
    ],
)
def test_a_changed_row_of_the_catalogue_is_hidden_and_named(
    store: FAISSVectorStore, tmp_path: Path, sql: str
) -> None:
    change(tmp_path, sql)
    others = np.delete(VIDS, 700)
    oracle = oracle_of(store, "face", others, ROWS[others - 1])
    for k in (5, 1300):
        got = opened(tmp_path).search("face", ROWS[700], k=k)
        equal(got, oracle.search("face", ROWS[700], k=k))
    assert opened(tmp_path).verify()["vid"].tolist() == [701]
    with pytest.raises(StoreDamagedError, match="701"):
        opened(tmp_path).norms("face", np.array([701]))


def test_a_place_of_another_row_is_hidden_and_named(
    store: FAISSVectorStore, tmp_path: Path
) -> None:
    change(tmp_path, "UPDATE vector_row SET vid = 9999 WHERE vid = 701")
    got = opened(tmp_path).search("face", ROWS[700], k=1300)["vid"]
    assert 9999 not in got.tolist()
    assert opened(tmp_path).verify()["vid"].tolist() == [9999]


def test_changed_settings_of_a_space_are_damage(store: FAISSVectorStore, tmp_path: Path) -> None:
    change(tmp_path, "UPDATE space SET threshold = 0.9")
    with pytest.raises(StoreDamagedError, match="face"):
        opened(tmp_path).search("face", ROWS[0], k=1)


def test_a_segment_that_is_not_ours_is_damage(store: FAISSVectorStore, tmp_path: Path) -> None:
    path = segment_of(tmp_path)
    sound = path.read_bytes()
    store.create_space(VectorSpace("body", DIM, "float16"))
    store.put("body", np.array([3000]), ROWS[:1])
    elsewhere = opened(tmp_path / "elsewhere")
    elsewhere.create_space(VectorSpace("face", DIM, "float16"))
    elsewhere.put("face", VIDS, ROWS)
    foreign = {
        "half a header": sound[:30],
        "empty": b"",
        "of another space": segment_of(tmp_path, "body").read_bytes().ljust(len(sound), b"\0"),
        "of another store": segment_of(tmp_path / "elsewhere").read_bytes(),
        "another kind of file": b"PK\x03\x04".ljust(len(sound), b"\0"),
        "a flipped bit in the header": bytes([sound[0] ^ 1]) + sound[1:],
    }
    for what, data in foreign.items():
        path.write_bytes(data)
        for ask in (
            lambda handle: handle.search("face", ROWS[0], k=3),
            lambda handle: handle.get("face", VIDS[:1]),
        ):
            with pytest.raises(StoreDamagedError):
                ask(opened(tmp_path))
        assert opened(tmp_path).verify()["vid"].tolist() == VIDS.tolist(), what
    path.unlink()
    with pytest.raises(StoreDamagedError):
        opened(tmp_path).search("face", ROWS[0], k=3)
    path.write_bytes(sound)
    assert opened(tmp_path).verify().empty


@pytest.mark.parametrize("kept", [0, 1, 40, 1299])
def test_what_a_truncated_segment_still_has_is_found(
    store: FAISSVectorStore, tmp_path: Path, kept: int
) -> None:
    path = segment_of(tmp_path)
    path.write_bytes(path.read_bytes()[: HEADER + kept * DIM * 2 + 5])
    again = opened(tmp_path)
    assert again.verify()["vid"].tolist() == VIDS[kept:].tolist()
    got = again.search("face", ROWS[:3], k=1300)
    assert set(got["vid"]) == set(VIDS[:kept])
    with pytest.raises(StoreDamagedError):
        again.get("face", VIDS[kept : kept + 1])
    again.put("face", np.array([9000]), np.ones((1, DIM)))
    assert again.search("face", np.ones(DIM), k=1)["vid"].tolist() == [9000]


def test_zeroed_and_infinite_rows_are_hidden_and_do_not_disturb(
    store: FAISSVectorStore, tmp_path: Path
) -> None:
    path = segment_of(tmp_path)
    data = bytearray(path.read_bytes())
    data[HEADER + 2 * DIM * 2 : HEADER + 3 * DIM * 2] = bytes(DIM * 2)
    data[HEADER + 5 * DIM * 2 : HEADER + 6 * DIM * 2] = b"\x00\x7c" * DIM  # infinity
    data[HEADER + 7 * DIM * 2 : HEADER + 8 * DIM * 2] = b"\xff\x7f" * DIM  # not a number
    path.write_bytes(data)
    again = opened(tmp_path)
    assert again.verify()["vid"].tolist() == VIDS[[2, 5, 7]].tolist()
    left = np.delete(np.arange(1300), [2, 5, 7])
    oracle = oracle_of(again, "face", VIDS[left], ROWS[left])
    equal(again.search("face", ROWS[:9], k=20), oracle.search("face", ROWS[:9], k=20))


def test_a_mended_file_has_lost_only_what_is_lost(store: FAISSVectorStore, tmp_path: Path) -> None:
    path = segment_of(tmp_path)
    sound = path.read_bytes()
    path.write_bytes(b"?" + sound[1 : HEADER + 1000 * DIM * 2])
    again = opened(tmp_path)
    assert len(again.verify()) == 1300
    again.rows.mend(again.spaces()["face"])
    assert again.verify()["vid"].tolist() == VIDS[1000:].tolist()
    path.unlink()
    again.rows.mend(again.spaces()["face"])
    assert again.verify()["vid"].tolist() == VIDS.tolist()


# ---------------------------------------------------------------------- compaction
def test_compaction_keeps_every_answer_and_drops_the_bytes(
    store: FAISSVectorStore, tmp_path: Path
) -> None:
    other = opened(tmp_path)
    other.search("face", ROWS[0], k=3)
    store.remove("face", VIDS[::2])
    before = store.search("face", ROWS[:5], k=30)
    size = segment_of(tmp_path).stat().st_size
    with store.rows.database.transaction():
        assert store.compact() == 650
    assert store.collect() == 1
    assert segment_of(tmp_path).stat().st_size < 0.6 * size
    for handle in (store, other, opened(tmp_path)):
        equal(handle.search("face", ROWS[:5], k=30), before)
        assert handle.counts() == {"face": 650} and handle.verify().empty
    store.put("face", np.array([9000]), np.ones((1, DIM)))
    assert other.search("face", np.ones(DIM), k=1)["vid"].tolist() == [9000]
    with store.rows.database.transaction():
        assert store.compact() == 0  # nothing was removed since


def test_a_compaction_that_fails_changes_nothing(store: FAISSVectorStore, tmp_path: Path) -> None:
    store.remove("face", VIDS[:700])
    before = store.search("face", ROWS[:5], k=30)
    with pytest.raises(ZeroDivisionError), store.rows.database.transaction():
        store.compact()
        raise ZeroDivisionError
    assert len(list(tmp_path.glob("*.seg"))) == 2
    for handle in (store, opened(tmp_path)):
        equal(handle.search("face", ROWS[:5], k=30), before)
    assert store.collect() == 1 and store.verify().empty
    store.put("face", np.array([9000]), np.ones((1, DIM)))
    assert store.search("face", np.ones(DIM), k=1)["vid"].tolist() == [9000]


def test_an_emptied_space_is_compacted_to_nothing_and_its_number_not_taken_again(
    store: FAISSVectorStore, tmp_path: Path
) -> None:
    other = opened(tmp_path)
    other.search("face", ROWS[0], k=3)
    store.remove("face", VIDS)
    with store.rows.database.transaction():
        store.compact()
    store.collect()
    assert list(tmp_path.glob("*.seg")) == []
    store.put("face", np.array([9000]), np.ones((1, DIM)))
    assert segment_of(tmp_path).name == "face-000002.seg"
    assert other.search("face", ROWS[0], k=3)["vid"].tolist() == [9000]


def test_what_a_snapshot_names_is_not_collected(store: FAISSVectorStore, tmp_path: Path) -> None:
    other = opened(tmp_path)
    with other.rows.database.snapshot():
        assert len(other.vids("face")) == 1300
        store.remove("face", VIDS[:700])
        with store.rows.database.transaction():
            store.compact()
        assert store.collect() == 0
        assert np.array_equal(other.get("face", VIDS[:1]), other.get("face", VIDS[:1]))
    assert store.collect() == 1
    assert other.counts() == {"face": 600}


def test_a_damaged_space_is_not_compacted(store: FAISSVectorStore, tmp_path: Path) -> None:
    store.remove("face", VIDS[:700])
    flip(segment_of(tmp_path), HEADER + 1000 * DIM * 2)
    with pytest.raises(StoreDamagedError, match="face"), store.rows.database.transaction():
        store.compact()
    assert store.verify()["vid"].tolist() == [1001]


# ---------------------------------------------------------------------- FAISS
@pytest.mark.parametrize("kind", ["IndexFlatIP", "IndexFlatL2"])
def test_answers_are_those_of_the_bare_index(tmp_path: Path, kind: str) -> None:
    rows, queries = people(2000, 64, seed=6), people(20, 64, seed=7)
    unit = rows / np.linalg.norm(rows.astype("float64"), axis=1, keepdims=True)
    asked = queries / np.linalg.norm(queries, axis=1, keepdims=True)
    store = opened(tmp_path)
    metric = faiss.METRIC_INNER_PRODUCT if kind == "IndexFlatIP" else faiss.METRIC_L2
    half = faiss.IndexScalarQuantizer(64, faiss.ScalarQuantizer.QT_fp16, metric)
    half.is_trained = True
    bare = {"float32": getattr(faiss, kind)(64), "float16": half}
    for number, (precision, index) in enumerate(bare.items(), start=1):
        index.add(unit.astype("float32"))
        store.create_space(VectorSpace(precision, 64, precision, kind))
        first = 10_000 * number
        store.put(precision, np.arange(first, first + 2000), rows)
        values, positions = index.search(asked, 10)
        got = store.search(precision, queries, k=10)
        if (kind, precision) != ("IndexFlatL2", "float16"):  # rounded lengths move a distance
            assert np.array_equal(got["vid"].to_numpy().reshape(20, 10) - first, positions)
        cosines = values if kind == "IndexFlatIP" else 1 - values / 2
        wide = 2e-3 if precision == "float16" else 1e-5
        np.testing.assert_allclose(got["similarity"].to_numpy().reshape(20, 10), cosines, atol=wide)


# ---------------------------------------------------------------------- the document's names
def test_faces_and_bodies_by_appearance(tmp_path: Path) -> None:
    store = opened(tmp_path)
    assert store.search_faces(np.ones(3)) == []
    ids = ["b", "a", "é", "far"]
    faces = [[1, 0, 0], [2, 0, 0], [0, 3, 0], [-1, 0, 0]]
    idx = [store.add_face_embedding(np.array(v), i) for v, i in zip(faces, ids, strict=True)]
    assert len(set(idx)) == 4
    assert store.add_reid_embedding(np.arange(1, 6), "b") not in idx
    assert {n: (s.dim, s.precision) for n, s in store.spaces().items()} == {
        "face": (3, "float16"),
        "reid": (5, "int8"),
    }
    for handle in (store, opened(tmp_path)):
        assert handle.search_faces(np.array([5, 0, 0]), k=3) == [("a", 1.0), ("b", 1.0), ("é", 0.0)]
        assert handle.search_faces(np.array([5, 0, 0]), k=1) == [("a", 1.0)]
        assert handle.search_faces(np.array([5, 0, 0]), min_similarity=0.5) == [
            ("a", 1.0),
            ("b", 1.0),
        ]
        assert [i for i, _ in handle.search_reid(np.arange(1, 6))] == ["b"]
    store.remove("face", np.array(idx[:1]))
    assert [i for i, _ in store.search_faces(np.array([5, 0, 0]))] == ["a", "é", "far"]


@pytest.mark.parametrize(
    "bad", [[1, 0], [[1, 0, 0], [0, 1, 0]], [0, 0, 0], 3.0, [[1], [1, 2]], "x"]
)
def test_a_bad_embedding_is_refused(tmp_path: Path, bad: object) -> None:
    store = opened(tmp_path)
    store.add_face_embedding(np.ones(3), "a")
    for ask in (lambda: store.add_face_embedding(bad, "b"), lambda: store.search_faces(bad)):
        with pytest.raises(InvalidInputError):
            ask()
    assert store.counts() == {"face": 1}


@pytest.mark.parametrize("bad", ["", "x" * 201, "a\nb", "\ud800", "a\x00", None])
def test_a_bad_appearance_id_is_refused(tmp_path: Path, bad: str) -> None:
    store = opened(tmp_path)
    with pytest.raises(InvalidInputError):
        store.add_face_embedding(np.ones(3), bad)
    assert store.spaces() == {}
    for vector in ([[1], [1, 2]], [], "x"):  # nor does a bad first vector make a space
        with pytest.raises(InvalidInputError):
            store.add_face_embedding(vector, "a")
    assert store.spaces() == {}
