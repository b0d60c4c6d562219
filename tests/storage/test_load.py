"""Loading files into a store, loading them again, and taking them back."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import workbench
from workbench.errors import ConflictError, InvalidInputError, NotFoundError
from workbench.storage.load import Load, LoadReport

HEADER = "id,timestamp,camera_id,identity_id,match_confidence\n"
ROWS = (
    "x1,2026-01-01T08:00:00Z,c1,p1,0.9\n"
    "x2,2026-01-01T08:00:05Z,c2,p1,0.7\n"
    "x3,2026-01-01T08:00:07Z,c2,,\n"
)


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str], Path]:
    """Return a function that writes a text file."""

    def make(name: str, text: str) -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return make


def load(store: Path, *files: Path, **options: Any) -> LoadReport:
    return workbench.ingest(store, list(files), quiet=True, **options)


def content(store: Path) -> str:
    with workbench.open(store) as bench:
        return bench.store.content_hash()


def shape(report: LoadReport) -> dict[str, int]:
    """Return the counts of data rows, which add up."""
    names = ("added", "updated", "unchanged", "duplicates", "filtered", "rejected")
    counts = {name: getattr(report, name) for name in names}
    assert sum(counts.values()) == report.rows
    return {name: n for name, n in counts.items() if n}


def test_a_file_becomes_rows_and_again_changes_nothing(tmp_path: Path, write: Any) -> None:
    store, file = tmp_path / "store", write("seen.csv", HEADER + ROWS)
    first = load(store, file)
    assert shape(first) == {"added": 3}
    assert (first.identities, first.appearances, first.cameras) == (1, 3, 2)
    before = content(store)
    with workbench.open(store) as bench:
        sequence = bench.manager.graph.sequence()
    again = load(store, file)
    assert shape(again) == {"unchanged": 3}
    assert again.load_id == first.load_id
    with workbench.open(store) as bench:
        assert bench.manager.graph.sequence() == sequence
        found = bench.appearances.get("x2")
        person = bench.identities.get("p1")
    assert content(store) == before
    assert (found.source_file, found.source_row, found.load_id) == ("seen.csv", 2, first.load_id)
    assert (person.num_appearances, person.num_cameras) == (2, 2)
    assert person.confidence_score == pytest.approx(0.8)


def test_the_same_content_under_other_options_is_refused(tmp_path: Path, write: Any) -> None:
    store, file = tmp_path / "store", write("seen.csv", HEADER + ROWS)
    first = load(store, file)
    before = content(store)
    copy = write("copy.csv", HEADER + ROWS)
    with pytest.raises(ConflictError, match=first.load_id) as caught:
        load(store, copy, dataset="other")
    assert caught.value.next == f"Take that load back first: workbench unload {first.load_id}"
    assert content(store) == before


def test_other_content_under_a_known_id_is_rejected_or_overwritten(
    tmp_path: Path, write: Any
) -> None:
    store = tmp_path / "store"
    load(store, write("one.csv", HEADER + ROWS))
    before = content(store)
    other = write("two.csv", HEADER + ROWS.replace("c2,p1,0.7", "c2,p1,0.5"))
    report = load(store, other)
    assert shape(report) == {"unchanged": 2, "rejected": 1}
    assert report.rejects_file is not None
    rejects = pd.read_csv(report.rejects_file)
    assert rejects[["file", "line", "column", "value"]].values.tolist() == [
        ["two.csv", 3, "match_confidence", 0.5]
    ]
    with workbench.open(store) as bench:
        assert bench.appearances.get("x2").match_confidence == 0.7
    changed = load(store, other, update=True)
    assert shape(changed) == {"unchanged": 2, "updated": 1}
    with workbench.open(store) as bench:
        assert bench.appearances.get("x2").match_confidence == 0.5
        bench.store.unload(changed.load_id)
        assert bench.appearances.get("x2").match_confidence == 0.7
        assert [found.appearances for found in bench.store.loads()] == [3]
    assert content(store) == before


def test_bad_rows_are_rejected_with_line_and_reason(tmp_path: Path, write: Any) -> None:
    store = tmp_path / "store"
    bad = "x4,yesterday,c1,p2,0.5\n" + "x5,2026-01-01T08:00:09Z,c1,p2,often\n" + "x6\n"
    report = load(store, write("seen.csv", HEADER + ROWS + bad))
    assert shape(report) == {"added": 3, "rejected": 3}
    rejects = pd.read_csv(report.rejects_file)
    assert rejects["line"].tolist() == [5, 6, 7]
    first = {"file": "seen.csv", "line": 5, "column": "timestamp", "value": "yesterday"}
    assert report.first_reject == {**first, "reason": "not an ISO 8601 time"}
    assert rejects["column"].tolist()[:2] == ["timestamp", "match_confidence"]
    with workbench.open(store) as bench:
        assert bench.identities.all()["id"].tolist() == ["p1"]


def test_columns_that_feed_none_of_ours_are_told(tmp_path: Path, write: Any) -> None:
    sources = "file,camera_id,start_time,fps,lens\nv.csv,c,2026-01-01T00:00:00Z,25,wide\n"
    report = load(
        tmp_path / "store",
        write("v.csv", "frame,pid,mood\n0,p1,good\n"),
        sources=write("sources.csv", sources),
        identities=write("who.csv", "identity_id,name,mood,team\np1,Ana,good,red\n"),
    )
    assert report.columns_as_properties == ["mood", "team"]
    assert report.columns_ignored == ["lens"]
    assert report.first_reject is None


def test_strict_refuses_everything_for_one_bad_row(tmp_path: Path, write: Any) -> None:
    store = tmp_path / "store"
    file = write("seen.csv", HEADER + ROWS + "x4,yesterday,c1,p2,0.5\n")
    with pytest.raises(InvalidInputError, match="yesterday") as caught:
        load(store, file, strict=True)
    assert caught.value.where == "seen.csv, line 5"
    assert not store.exists()
    load(store, write("good.csv", HEADER + ROWS), strict=True)
    before = content(store)
    clash = write("clash.csv", HEADER + "x1,2026-01-01T08:00:00Z,c2,p1,0.9\n")
    with pytest.raises(InvalidInputError, match="camera_id"):
        load(store, clash, strict=True)
    assert content(store) == before


def test_what_a_dry_run_rejects_stays_where_tests_write(
    tmp_path: Path, write: Any, temporary: Path
) -> None:
    file = write("bad.csv", HEADER + "x9,yesterday,c1,p1,0.9\n")
    report = load(tmp_path / "store", file, dry_run=True)
    assert report.rejects_file is not None and Path(report.rejects_file).parent == temporary


def test_a_dry_run_says_what_would_happen_and_writes_nothing(tmp_path: Path, write: Any) -> None:
    store = tmp_path / "store"
    file = write("seen.csv", HEADER + ROWS + ROWS.splitlines()[0] + "\nx9,never,c1,,\n")
    foreseen = load(store, file, dry_run=True)
    assert not store.exists()
    assert shape(foreseen) == {"added": 3, "duplicates": 1, "rejected": 1}
    done = load(store, file)
    assert shape(done) == shape(foreseen)
    for name in ("identities", "appearances", "cameras"):
        assert getattr(done, name) == getattr(foreseen, name) > 0
    before = content(store)
    more = write("more.csv", HEADER + ROWS + "x7,2026-01-01T09:00:00Z,c3,p7,\n")
    assert shape(load(store, more, dry_run=True)) == {"added": 1, "unchanged": 3}
    assert content(store) == before


def test_equal_rows_are_one_appearance_also_across_batches(
    tmp_path: Path, write: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [f"2026-01-01T08:00:{n:02d}Z,c1,p{n % 3}" for n in range(40)]
    text = "timestamp,camera_id,identity_id\n" + "\n".join(lines + lines[:5] + lines[:2])
    report = load(tmp_path / "store", write("seen.csv", text))
    assert shape(report) == {"added": 40, "duplicates": 7}
    assert report.appearances == 40


def test_an_interrupted_load_is_run_again_and_goes_on(
    tmp_path: Path, write: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = tmp_path / "store"
    lines = "".join(f"y{n},2026-01-01T08:{n // 60:02d}:{n % 60:02d}Z,c1,p1,\n" for n in range(900))
    file = write("long.csv", HEADER + lines + "y0,2026-01-01T08:00:00Z,c1,p1,\n")
    whole = load(tmp_path / "whole", file)
    assert shape(whole) == {"added": 900, "duplicates": 1}

    batches = Load._write_batch
    seen = []

    def interrupted(self: Load, manager: Any, name: str, batch: Any, *rest: Any) -> None:
        if seen:
            raise KeyboardInterrupt
        seen.append(len(batch.rows))
        batches(self, manager, name, batch, *rest)

    reader = workbench.storage.load.read_appearances  # type: ignore[attr-defined]
    monkeypatch.setattr(
        "workbench.storage.load.read_appearances",
        lambda path, options: reader(path, options, batch_rows=300),
    )
    monkeypatch.setattr(Load, "_write_batch", interrupted)
    with pytest.raises(KeyboardInterrupt):
        load(store, file)
    with workbench.open(store) as bench:
        assert bench.store.stats()["appearances"] == 300
        assert [found.complete for found in bench.store.loads()] == [False]
    monkeypatch.setattr(Load, "_write_batch", batches)
    assert shape(load(store, file)) == {"added": 600, "unchanged": 300, "duplicates": 1}
    assert content(store) == content(tmp_path / "whole")


def test_the_small_site_loads_whole_and_goes_whole(tmp_path: Path, tiny_site: Path) -> None:
    store = tmp_path / "store"
    report = workbench.ingest(
        store,
        tiny_site / "appearances.csv",
        cameras=tiny_site / "cameras.csv",
        adjacency=tiny_site / "adjacency.csv",
        outages=tiny_site / "outages.csv",
        identities=tiny_site / "identities.csv",
        floor_plan=tiny_site / "floor_plan.yaml",
        face=tiny_site / "face.npz",
        reid=tiny_site / "reid.npz",
        model_id="by hand",
    )
    assert report.vectors == {"face": 19, "reid": 29}
    assert (report.identities, report.appearances, report.cameras) == (5, 30, 4)
    with workbench.open(store) as bench:
        assert bench.store.verify().ok
        removed = bench.store.unload(report.load_id)
        assert removed["appearances"] == 30
        left = bench.manager.graph.counts()
        assert {label: n for label, n in left.items() if n} == {}
        assert bench.manager.vector.counts() == {"face": 0, "reid": 0}
        with pytest.raises(NotFoundError, match="no load"):
            bench.store.unload(report.load_id)


def test_unload_keeps_what_another_load_needs(tmp_path: Path, write: Any) -> None:
    store = tmp_path / "store"
    first = load(store, write("one.csv", HEADER + ROWS))
    load(store, write("two.csv", HEADER + "z1,2026-01-02T08:00:00Z,c1,p1,\n"))
    with workbench.open(store) as bench:
        removed = bench.store.unload(first.load_id)
        assert (removed["appearances"], removed["identities"], removed["cameras"]) == (3, 0, 1)
        assert bench.cameras.all()["id"].tolist() == ["c1"]
        assert bench.identities.get("p1").num_appearances == 1
        assert bench.store.verify().ok


def test_a_camera_table_fills_in_and_its_unload_takes_it_out(tmp_path: Path, write: Any) -> None:
    store = tmp_path / "store"
    load(store, write("one.csv", HEADER + ROWS))
    before = content(store)
    tables = write("cameras.csv", "id,name,clock_offset_s\nc1,Door,10\nc9,Yard,\n")
    report = load(store, cameras=tables)
    assert report.cameras == 1
    with workbench.open(store) as bench:
        assert bench.cameras.get("c1").name == "Door"
        assert bench.identities.get("p1").last_seen == pd.Timestamp("2026-01-01T08:00:10Z")
        bench.store.unload(report.load_id)
        assert bench.identities.get("p1").last_seen == pd.Timestamp("2026-01-01T08:00:05Z")
    assert content(store) == before


def test_a_table_row_that_contradicts_is_rejected_unless_told(tmp_path: Path, write: Any) -> None:
    store = tmp_path / "store"
    load(store, cameras=write("a.csv", "id,name\nc1,Door\n"))
    other = write("b.csv", "id,name\nc1,Gate\nc2,Yard\n")
    report = load(store, cameras=other)
    assert report.rejected == 1
    rejects = pd.read_csv(report.rejects_file)
    assert rejects.loc[0, ["file", "line", "column", "value"]].tolist() == [
        "b.csv", 2, "name", "Gate"
    ]  # fmt: skip
    load(store, cameras=other, update=True)
    with workbench.open(store) as bench:
        assert bench.cameras.get("c1").name == "Gate"


def test_vectors_by_row_count_every_data_row(tmp_path: Path, write: Any) -> None:
    rows = (
        "x1,2026-01-01T08:00:00Z,c1,p1,\n"
        "x2,never,c1,p1,\n"  # rejected
        "x3,2026-01-01T08:00:02Z,c9,p1,\n"  # filtered
        "x1,2026-01-01T08:00:00Z,c1,p1,\n"  # duplicate
        "x4,2026-01-01T08:00:04Z,c1,p1,\n"
    )
    vectors = np.eye(5, dtype="float32")
    vectors[0] = np.nan
    np.save(tmp_path / "face.npy", vectors)
    file = write("seen.csv", HEADER + rows)
    report = load(tmp_path / "store", file, face=tmp_path / "face.npy", where="camera_id == 'c1'")
    assert report.vectors == {"face": 1}
    with workbench.open(tmp_path / "store") as bench:
        hits = bench.similarity.like(vector=vectors[4], k=3).hits
        assert hits["appearance_id"].tolist() == ["x4"]
        assert hits["similarity"].tolist() == [1.0]
    np.save(tmp_path / "short.npy", vectors[:4])
    with pytest.raises(InvalidInputError, match="4 rows"):
        load(tmp_path / "other", file, face=tmp_path / "short.npy")
    assert not (tmp_path / "other").exists()


def test_a_space_keeps_its_settings(tmp_path: Path, write: Any) -> None:
    store = tmp_path / "store"
    np.save(tmp_path / "a.npy", np.eye(3, 8))
    file = write("seen.csv", HEADER + ROWS)
    load(store, file, vectors={"gait": tmp_path / "a.npy"}, model_id="m1", precision="int8")
    with workbench.open(store) as bench:
        space = bench.store.stats()["spaces"]["gait"]
    assert (space["dim"], space["model_id"], space["precision"]) == (8, "m1", "int8")
    before = content(store)
    more = write("more.csv", HEADER + ROWS.replace("x", "y"))
    np.save(tmp_path / "b.npy", np.eye(3, 9))
    for settings in ({"model_id": "m2"}, {"precision": "float16"}):
        with pytest.raises(ConflictError, match="gait"):
            load(store, more, vectors={"gait": tmp_path / "a.npy"}, **settings)
    with pytest.raises(ConflictError, match="dim 8, not 9"):
        load(store, more, vectors={"gait": tmp_path / "b.npy"})
    assert content(store) == before


def test_a_space_that_cannot_be_made_leaves_no_store(tmp_path: Path, write: Any) -> None:
    store, file = tmp_path / "store", write("seen.csv", HEADER + ROWS)
    np.save(tmp_path / "a.npy", np.eye(3, 8))
    config = write("config.yaml", "faiss: {spaces: {gait: {dimensions: 9}}}\n")
    with pytest.raises(InvalidInputError, match="9 dimensions"):
        load(store, file, vectors={"gait": tmp_path / "a.npy"}, config=config)
    with pytest.raises(InvalidInputError, match="int4"):
        load(store, file, vectors={"gait": tmp_path / "a.npy"}, precision="int4")
    with pytest.raises(InvalidInputError, match="Gait"):
        load(store, file, vectors={"Gait": tmp_path / "a.npy"})
    assert not store.exists()


def test_vectors_added_later_need_update(tmp_path: Path, write: Any) -> None:
    store, file = tmp_path / "store", write("seen.csv", HEADER + ROWS)
    load(store, file)
    np.save(tmp_path / "face.npy", np.eye(3, 8))
    assert shape(load(store, file, face=tmp_path / "face.npy")) == {"rejected": 3}
    done = load(store, file, face=tmp_path / "face.npy", update=True)
    assert shape(done) == {"updated": 3}
    assert done.vectors == {"face": 3}


def test_gzip_many_files_and_sources(tmp_path: Path, write: Any) -> None:
    for name in ("a", "b"):
        text = "frame,identity_id\n0,p1\n30,p2\n"
        (tmp_path / f"{name}.csv.gz").write_bytes(gzip.compress(text.encode()))
    sources = write(
        "sources.csv",
        "file,camera_id,start_time,fps\n"
        "a.csv.gz,c1,2026-01-01T08:00:00Z,30\n"
        "b.csv.gz,c2,2026-01-01T09:00:00Z,15\n",
    )
    report = load(tmp_path / "store", tmp_path / "a.csv.gz", tmp_path / "b.csv.gz", sources=sources)
    assert shape(report) == {"added": 4}
    with workbench.open(tmp_path / "store") as bench:
        seen = bench.appearances.find()
    assert seen["timestamp"].dt.strftime("%H:%M:%S").tolist() == [
        "08:00:00", "08:00:01", "09:00:00", "09:00:02"
    ]  # fmt: skip


def test_nothing_to_load_and_unknown_options_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="nothing to load"):
        load(tmp_path / "store")
    with pytest.raises(InvalidInputError, match="no option 'camra'"):
        load(tmp_path / "store", camra="c1")
    with pytest.raises(NotFoundError):
        load(tmp_path / "store", tmp_path / "missing.csv")
    assert not (tmp_path / "store").exists()
