"""Repair: what is lost is set aside and taken out, the rest is sound again and can be written."""

from __future__ import annotations

import contextlib
import json
import shutil
import sqlite3
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import workbench
from tests.faults import workload
from workbench.errors import StoreDamagedError
from workbench.storage.content import examine
from workbench.stores.database import row_hash

STEPS = workload.plan(5, 12)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    store = tmp_path_factory.mktemp("sound") / "store"
    with workbench.open(store, create=True) as bench:
        workload.prepare(bench)
        for step in STEPS:
            workload.do(bench, step)
        seen = bench.appearances.find()["id"].tolist()
        bench.identities.link(seen[:3], "ann")
        bench.identities.link(seen[3:5], "bob")
    return store


@pytest.fixture
def store(sound: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sound, tmp_path / "store"))


def change(store: Path, *statements: str) -> None:
    connection = sqlite3.connect(store / "store.sqlite")
    connection.create_function("row_hash", -1, row_hash, deterministic=True)
    with connection:
        for statement in statements:
            assert connection.execute(statement).rowcount > 0, statement
    connection.close()


def kinds(store: Path) -> dict[str, int]:
    with workbench.open(store) as bench:
        return {problem.kind: problem.count for problem in bench.store.verify().problems}


def mended(store: Path) -> list[dict[str, object]]:
    """Repair the store, see that it is sound and can be written; return what was set aside."""
    with workbench.open(store) as bench:
        before = bench.store.verify()
        asked = bench.store.repair()
        assert not asked.applied and not asked.ok and asked.set_aside is None
        assert [p.kind for p in asked.problems] == [p.kind for p in before.problems]
        assert all(problem.next for problem in asked.problems)
        assert bench.store.verify() == before, "a dry run changes nothing"
        done = bench.store.repair(apply=True)
        assert done.ok and done.applied, done.problems
        workload.do(bench, workload.Step("batch", ("z",), (workload.Row(1, "c1", 8, 9),)))
        assert bench.store.verify().ok
    if done.set_aside is None:
        return []
    assert done.set_aside.parent == store / "set-aside"
    return [json.loads(line) for line in done.set_aside.read_text().splitlines()]


def test_a_sound_store_is_left_as_it_is(store: Path) -> None:
    with workbench.open(store) as bench:
        before = bench.store.content_hash()
        assert bench.store.repair().ok
        done = bench.store.repair(apply=True)
        assert done.ok and not done.done and done.set_aside is None
        assert bench.store.content_hash() == before


@pytest.mark.parametrize(
    ("sql", "kind", "gone"),
    [
        ("UPDATE appearance SET frame = 7 WHERE no = 2", "row", "appearance"),
        ("UPDATE identity SET name = 'x' WHERE id = 'ann'", "row", "identity"),
        ("UPDATE embedding SET row_hash = 5 WHERE vid = (SELECT min(vid) FROM embedding)",
         "row", "embedding"),
        ("UPDATE vector_row SET crc = crc + 1 WHERE vid = (SELECT min(vid) FROM embedding)",
         "vector_bytes", "vector"),
        ("DELETE FROM vector_row WHERE vid = (SELECT min(vid) FROM embedding)",
         "vector_missing", "vector"),
        ("UPDATE store SET sequence = 2", "counter", None),
        ("UPDATE store SET next_vid = 1", "catalogue", None),
        ("UPDATE segment SET rows = 3", "catalogue", None),
    ],
)  # fmt: skip
def test_rows(store: Path, sql: str, kind: str, gone: str | None) -> None:
    change(store, sql)
    assert kind in kinds(store)
    aside = mended(store)
    assert {str(row["table"]) for row in aside} >= ({gone} if gone else set())
    if gone is None:
        assert not aside


def test_an_identity_that_is_lost_leaves_her_appearances(store: Path) -> None:
    change(store, "UPDATE identity SET name = 'x' WHERE id = 'ann'")
    with workbench.open(store) as bench:
        with pytest.raises(StoreDamagedError, match="'ann'"):
            bench.identities.get("ann")
        assert bench.identities.get("bob").id == "bob"
    aside = mended(store)
    assert [row["key"] for row in aside if row["table"] == "identity"] == ["ann"]
    assert sum(row["table"] == "has_appearance" for row in aside) == 3
    with workbench.open(store) as bench:
        assert bench.appearances.find()["identity_id"].dropna().unique().tolist() == ["bob"]


def test_what_nothing_refers_to_any_more(store: Path) -> None:
    change(store, "DELETE FROM identity WHERE id = 'ann'")
    assert kinds(store) == {"dangling": 3}
    mended(store)


def test_a_damaged_index_is_made_anew(store: Path) -> None:
    connection = sqlite3.connect(store / "store.sqlite")
    connection.execute("PRAGMA writable_schema = ON")
    (ddl,) = connection.execute(
        "SELECT sql FROM sqlite_schema WHERE name = 'appearance_timestamp'"
    ).fetchone()
    with connection:  # rows that are written while the index is said to be of some rows only
        connection.execute(
            "UPDATE sqlite_schema SET sql = sql || ' WHERE frame > 0' "
            "WHERE name = 'appearance_timestamp'"
        )
    connection.close()
    connection = sqlite3.connect(store / "store.sqlite")
    connection.execute("PRAGMA writable_schema = ON")
    with connection:
        connection.execute("REINDEX appearance_timestamp")
        connection.execute(
            "UPDATE sqlite_schema SET sql = ? WHERE name = 'appearance_timestamp'", (ddl,)
        )
    connection.close()
    assert set(kinds(store)) == {"index"}
    assert mended(store) == []


@pytest.mark.parametrize("how", ["gone", "header", "short", "foreign", "swapped"])
def test_files_of_vectors(store: Path, sound: Path, tmp_path: Path, how: str) -> None:
    face, reid = sorted((store / "vectors").glob("*.seg"))
    content = face.read_bytes()
    if how == "gone":
        face.unlink()
    elif how == "header":
        face.write_bytes(b"x" + content[1:])
    elif how == "short":
        face.write_bytes(content[: 64 + 3 * 2 * workload.DIMS["face"] + 5])
    elif how == "swapped":
        face.write_bytes(reid.read_bytes())
        reid.write_bytes(content)
    else:
        with workbench.open(tmp_path / "other", create=True) as bench:
            workload.prepare(bench)
            workload.do(bench, STEPS[1])
        face.write_bytes(next((tmp_path / "other" / "vectors").glob("face*")).read_bytes())
    with workbench.open(sound) as bench:
        faces = len(bench.manager.graph.vectors_of("face"))
        bodies = len(bench.manager.graph.vectors_of("reid"))
    found = kinds(store)
    assert found["vector_file"] == (2 if how == "swapped" else 1)
    if how == "short":
        assert 0 < found["vector_bytes"] < faces
    mended(store)
    with workbench.open(store) as bench:
        left = {"gone": 0, "foreign": 0, "short": faces - found.get("vector_bytes", 0)}.get(
            how, faces
        )
        assert len(bench.manager.graph.vectors_of("face")) == left + 1
        assert len(bench.manager.graph.vectors_of("reid")) == bodies + 1
        assert bench.store.compact().removed >= 0
    assert (store / "set-aside" / face.name).exists() == (how == "foreign")


def test_a_camera_stays_and_can_be_given_again(store: Path, tmp_path: Path) -> None:
    change(store, "UPDATE camera SET name = 'x' WHERE id = 'c1'")
    assert kinds(store) == {"needed_row": 1}
    with workbench.open(store) as bench:
        done = bench.store.repair(apply=True)
        assert [problem.kind for problem in done.problems] == ["needed_row"]
        assert "workbench restore" in done.problems[0].next and "--update" in done.problems[0].next
    file = tmp_path / "cameras.csv"
    file.write_text("camera_id,name\nc1,Camera c1\n")
    workbench.ingest(store, cameras=file, update=True, quiet=True)
    assert kinds(store) == {}


def test_pages_that_cannot_be_read_are_not_touched(store: Path) -> None:
    file = store / "store.sqlite"
    content = bytearray(file.read_bytes())
    connection = sqlite3.connect(file)
    (page,) = connection.execute(
        "SELECT rootpage FROM sqlite_schema WHERE name = 'embedding'"
    ).fetchone()
    connection.close()
    content[(page - 1) * 4096 : page * 4096] = bytes(4096)
    file.write_bytes(bytes(content))
    with workbench.open(store) as bench:
        done = bench.store.repair(apply=True)
        assert [problem.kind for problem in done.problems] == ["database"]
        assert "workbench restore" in done.problems[0].next
    assert file.read_bytes() == bytes(content)


# ---------------------------------------------------------------------- writes beside damage
@pytest.mark.parametrize(
    "write",
    [
        lambda bench: bench.identities.link(["a0000"], "bob"),
        lambda bench: bench.identities.unlink(["a0000"]),
        lambda bench: bench.manager.graph.refresh_statistics(["ann"]),
    ],
)
def test_a_write_does_not_make_a_damaged_row_look_sound(store: Path, write: object) -> None:
    change(
        store,
        "UPDATE appearance SET frame = 7 WHERE id = 'a0000'",
        "UPDATE identity SET name = 'x' WHERE id = 'ann'",
    )
    before = kinds(store)
    with workbench.open(store) as bench:
        careless = bench.manager.graph.unchecked()
        with contextlib.suppress(StoreDamagedError), bench.manager.pair.unit(), careless:
            write(bench)  # type: ignore[operator]
        assert {f.text for f in bench.manager.graph.findings()} >= {"appearance a0000"}
        assert {f.text for f in bench.manager.graph.findings()} >= {"identity ann"}
    assert before["row"] == kinds(store)["row"] == 2


def test_an_appearance_that_keeps_its_link_keeps_its_damage(store: Path) -> None:
    with workbench.open(store) as bench:
        graph = bench.manager.graph
        row = graph.nodes("Appearance", ids=["a0000"])
    change(store, "UPDATE appearance SET confidence = 0.125 WHERE id = 'a0000'")
    with workbench.open(store) as bench:
        graph = bench.manager.graph
        with bench.manager.pair.unit():
            graph.upsert_nodes("Appearance", row)
        assert [one.text for one in graph.findings()] == ["appearance a0000"]


# ---------------------------------------------------------------------- reads
_WHO = "UPDATE identity SET name = 'x', confidence_score = 0.5"
_WHEN = "UPDATE appearance SET timestamp_us = timestamp_us + 1000000"
_NAMED = "UPDATE camera SET name = 'x'"
_READS = {
    "find": (lambda bench: bench.appearances.find(), (_WHO, _WHEN, _NAMED)),
    "get": (lambda bench: bench.appearances.get("a0000"), (_WHEN,)),
    "all": (lambda bench: bench.identities.all(), (_WHO,)),
    "track": (lambda bench: bench.tracks.trajectory("ann"), (_WHO, _WHEN, _NAMED)),
    "counted": (lambda bench: bench.manager.graph.observations(), (_WHO, _WHEN, _NAMED)),
    "next": (lambda bench: bench.manager.graph.edges("NEXT"), (_WHO, _WHEN)),
    "cameras": (lambda bench: bench.cameras.all(), (_NAMED,)),
}


@pytest.mark.parametrize(
    ("name", "sql"), [(name, sql) for name, (_, all_) in _READS.items() for sql in all_]
)
def test_a_changed_row_is_no_answer(store: Path, name: str, sql: str) -> None:
    change(store, sql)
    with workbench.open(store) as bench:
        with pytest.raises(StoreDamagedError, match="not what was written") as caught:
            _READS[name][0](bench)
        assert "workbench verify" in str(caught.value.next)


def test_a_changed_index_is_no_answer(store: Path) -> None:
    with workbench.open(store) as bench:
        graph = bench.manager.graph
        seen = graph.observations()
        flat = np.array([[1, 2, 1, 5]])
        with pytest.raises(StoreDamagedError):
            graph._rows.require_seen(flat)  # type: ignore[attr-defined]
        assert np.array_equal(graph.observations().time_us, seen.time_us)


def test_a_hit_is_not_resolved_to_a_damaged_appearance(store: Path) -> None:
    change(store, "UPDATE appearance SET frame = 7 WHERE id = 'a0000'")
    with workbench.open(store) as bench:
        for space in workload.DIMS:
            found = bench.manager.graph.unchecked
            with found():
                named = bench.manager.graph.vectors_of(space)
            owners = bench.manager.graph.owners(space, named["vid"].to_numpy())
            assert set(named["appearance_id"]) - set(owners["appearance_id"]) <= {"a0000"}
            assert "a0000" not in set(owners["appearance_id"])


def test_what_another_process_wrote_is_read(store: Path) -> None:
    with workbench.open(store) as reader, workbench.open(store) as writer:
        before = reader.manager.graph.observations()
        reader.appearances.find()
        frame = pd.DataFrame({"id": ["a0000"], "timestamp": ["2026-01-12T09:59:00Z"]})
        writer.appearances.update(frame)
        after = reader.manager.graph.observations()
        assert len(after.time_us) == len(before.time_us)
        assert not np.array_equal(np.sort(after.time_us), np.sort(before.time_us))
        assert not examine(reader.manager.pair).found
