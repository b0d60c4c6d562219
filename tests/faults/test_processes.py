"""Several processes on one store: whoever is told "written" finds it, whoever reads reads a truth.

WORKBENCH_SOAK lets the growing store be read for a minute, by a process and by a notebook.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd
import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

import workbench
from tests.faults import machine, processes
from workbench.errors import StoreBusyError

SOAK = bool(os.environ.get("WORKBENCH_SOAK"))
SECONDS = 60.0 if SOAK else 5.0
ROUNDS = 120 if SOAK else 15
ROWS = {
    f"s{n:02d}": {"second": n, "camera": f"c{1 + n % 2}", "face": n + 1, "reid": n + 1}
    for n in range(40)
}


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Return a store with three cameras, two people and forty rows."""
    folder = tmp_path / "store"
    with machine.opened(folder, create=True) as bench:
        bench.cameras.add(pd.DataFrame({"id": list(machine.CAMERAS)}))
        for who in ("ann", "bob"):
            machine.perform(bench, ("create", {"who": who}))
        machine.perform(bench, ("batch", {"rows": ROWS}))
    return folder


def state() -> machine.State:
    """Return what the store holds at first."""
    return {"rows": dict(ROWS), "links": {}, "people": {"ann": None, "bob": None}}


def segments(store: Path) -> set[str]:
    return {path.name for path in (store / "vectors").glob("*.seg")}


def named(bench: workbench.Workbench) -> set[str]:
    """Return the files that the catalogue names."""
    database = bench.manager.graph.database  # type: ignore[attr-defined]
    rows = database.rows("SELECT s.name, g.no FROM segment g JOIN space s ON s.no = g.space_no")
    return {f"{space}-{number:06d}.seg" for space, number in rows}


def mapped(store: Path) -> list[str]:
    """Return the removed files of vectors that this process still has mapped."""
    table = Path("/proc/self/maps")
    lines = table.read_text().splitlines() if table.exists() else []
    return [line for line in lines if f"{store}/vectors" in line and "(deleted)" in line]


# ------------------------------------------------------------------ all at once
def test_four_processes_write_and_read_at_once(
    store: Path, start: processes.Start, tally: list[str]
) -> None:
    writers = [start("mix", store, name, ROUNDS) for name in "pqrt"]
    for writer in writers:
        writer.hear("ready")
    for writer in writers:
        writer.tell()
    ends = [writer.hear("state") for writer in writers]  # an error in one of them is said here
    total = state()
    for end in ends:
        total["rows"] |= end["state"]["rows"]
        total["links"] |= end["state"]["links"]
    with machine.opened(store) as bench:
        assert machine.differences(bench, total) == []
        report = bench.store.verify()
        assert report.ok, report
        for one, row in list(total["rows"].items())[:: 1 if SOAK else 4]:
            words = {"space": "face", "seed": row["face"], "k": 1, "by": "appearance"}
            assert machine.like(bench, words)["appearance_id"].tolist() == [one]
        bench.store.sweep()
        assert segments(store) == named(bench)
    writes = sum(sum(end["did"].values()) for end in ends)
    tally.append(f"4 processes: {writes} writes, {len(total['rows'])} rows")


def test_what_is_asked_while_another_compacts_is_right(
    store: Path, start: processes.Start, tally: list[str]
) -> None:
    writer = start("churn", store)
    answers = 0
    with machine.opened(store) as bench:
        writer.hear("ready")
        writer.tell()
        end = time.monotonic() + (20 if SOAK else 2)
        first = max(segments(store))
        while time.monotonic() < end or max(segments(store)) == first:
            words = {
                "space": ("face", "reid")[answers % 2],
                "seed": 1 + answers % 60,
                "k": (3, 200)[answers % 3 == 0],
                "by": "appearance",
                "camera": ["c1", "c2"][: 1 + answers % 2],  # the other one sees what comes and goes
            }
            wrong = machine.answered(state(), words, machine.like(bench, words))
            assert not wrong, (words, wrong)
            hits = machine.like(bench, words | {"camera": None, "k": 3})
            assert len(hits) == 3, hits
            answers += 1
        writer.end()
        compactions = writer.hear("compacted")
        assert compactions
        assert machine.differences(bench, state()) == []
        machine.like(bench, {"space": "face", "seed": 1, "k": 3, "by": "appearance"})
        machine.like(bench, {"space": "reid", "seed": 1, "k": 3, "by": "appearance"})
        assert mapped(store) == [], "it holds on to files that are gone"
        bench.store.sweep()
        assert segments(store) == named(bench)
        assert len(segments(store)) == 2, "a file for each space"
    tally.append(f"{answers} answers during {compactions} compactions")


def test_a_snapshot_holds_while_another_writes_and_compacts(
    store: Path, start: processes.Start
) -> None:
    writer = start("obey", store)
    writer.hear("ready")
    after = state()
    asked = {"space": "face", "k": 50, "by": "appearance", "seed": 5}
    with machine.opened(store) as warm, machine.opened(store) as cold:
        machine.like(warm, asked)
        before = segments(store)
        with warm.manager.graph.snapshot(), cold.manager.graph.snapshot():
            cold.manager.graph.sequence()  # a snapshot is of the moment of its first question
            warm.manager.graph.sequence()
            gone = {"ids": [f"s{n:02d}" for n in range(0, 40, 2)]}
            new = {"rows": {"new": ROWS["s04"]}, "links": {"new": "ann"}}
            began = time.monotonic()
            for operation in (("delete", gone), ("compact", {}), ("batch", new), ("compact", {})):
                writer.ask(operation)
                after = machine.applied(after, operation)
            assert time.monotonic() - began < 20, "the writer waited for a reader"
            for bench in (warm, cold):
                assert machine.differences(bench, state()) == []
                assert machine.answered(state(), asked, machine.like(bench, asked)) == []
                assert bench.store.verify().ok
            assert before <= segments(store), "a file was removed under a snapshot that names it"
        for bench in (warm, cold):
            assert machine.differences(bench, after) == []
            assert machine.answered(after, asked, machine.like(bench, asked)) == []
        writer.ask(("sweep", {}))
        assert segments(store) == named(warm)
        assert len(segments(store)) == 2


def test_nobody_waits_for_who_holds_a_snapshot(store: Path, start: processes.Start) -> None:
    """Not who counts, which folds the log if it can; nor who writes meanwhile."""
    writer = start("obey", store)
    writer.hear("ready")
    with machine.opened(store) as holder, machine.opened(store) as bench:
        with holder.manager.graph.snapshot():
            holder.manager.graph.sequence()
            writer.ask(("create", {"who": "cy"}))
            began = time.monotonic()
            assert bench.store.stats()["identities"] == 3
            writer.ask(("create", {"who": "dan"}))
            assert bench.store.stats()["identities"] == 4
            assert time.monotonic() - began < 10
        assert holder.store.stats()["identities"] == 4


# ------------------------------------------------------------------ the lock
def test_who_dies_with_the_lock_leaves_it_free(store: Path, start: processes.Start) -> None:
    holder = start("obey", store)
    holder.hear("ready")
    holder.tell(("hold", {"who": "ghost"}))
    holder.hear("held")
    with machine.opened(store, wait_s=20) as bench:
        holder.kill()
        began = time.monotonic()
        machine.perform(bench, ("create", {"who": "cy"}))
        assert time.monotonic() - began < 15
        assert bench.identities.all()["id"].tolist() == ["ann", "bob", "cy"]
        assert bench.store.verify().ok


def test_who_waits_too_long_is_told_and_nothing_is_changed(
    store: Path, start: processes.Start
) -> None:
    holder = start("obey", store)
    holder.hear("ready")
    link = ("link", {"ids": ["s01", "s02"], "who": "ann"})
    writes: list[machine.Operation] = [
        ("one", {"rows": {"n1": ROWS["s01"]}}),
        ("batch", {"rows": {"n1": ROWS["s01"], "n2": ROWS["s02"]}}),
        ("again", {"rows": {"s01": {"face": 99}}}),
        link,
        ("delete", {"ids": ["s01"]}),
        ("create", {"who": "cy"}),
        ("forget", {"who": "bob"}),
        ("sweep", {}),
        ("compact", {}),
    ]
    with machine.opened(store, wait_s=0.2) as bench:
        before = bench.store.content_hash()
        holder.tell(("hold", {"who": "ghost"}))
        holder.hear("held")
        for operation in writes:
            began = time.monotonic()
            with pytest.raises(StoreBusyError, match="Another process") as refused:
                machine.perform(bench, operation)
            assert 0.2 <= time.monotonic() - began < 15, operation
            assert refused.value.next
            # Whoever only reads is not kept waiting, and sees nothing of what is not committed.
            assert machine.differences(bench, state()) == []
        assert bench.store.content_hash() == before
        holder.tell()
        holder.hear("let go")
        machine.perform(bench, link)
        assert machine.differences(bench, machine.applied(state(), link)) == []


def test_who_waits_not_too_long_gets_its_turn(store: Path, start: processes.Start) -> None:
    holder, waiting = start("obey", store), start("obey", store)
    for process in (holder, waiting):
        process.hear("ready")
    holder.tell(("hold", {"who": "ghost"}))
    holder.hear("held")
    waiting.tell(("create", {"who": "cy"}))
    time.sleep(0.3)
    with machine.opened(store) as bench:
        assert bench.identities.all()["id"].tolist() == ["ann", "bob"]
        holder.tell()
        holder.hear("let go")
        waiting.hear("done")
        assert bench.identities.all()["id"].tolist() == ["ann", "bob", "cy"]


# ------------------------------------------------------------------ a store that grows
@pytest.fixture
def growing(tmp_path: Path) -> Path:
    """Return a store in which the series may begin."""
    folder = tmp_path / "growing"
    with workbench.open(folder, create=True) as bench:
        bench.cameras.add(pd.DataFrame({"id": list(machine.CAMERAS)}))
        bench.manager.create_identities(pd.DataFrame({"id": list(processes.PEOPLE)}))
        # The space is there before the first question about it.
        bench.appearances.add(processes.expected(1), face=processes.vectors(0, 1))
    return folder


def test_every_answer_is_a_prefix_of_the_truth(
    growing: Path, start: processes.Start, tmp_path: Path, tally: list[str]
) -> None:
    progress = tmp_path / "progress"
    writer = start("write", growing, progress, SECONDS)
    with workbench.open(growing) as bench:
        watch = processes.Watch(bench, progress)
        writer.hear("ready")
        writer.tell()
        _until_it_began(progress)
        said = watch.ask(SECONDS - 0.5)
        rows = writer.hear("wrote")
        for question in (watch.count, watch.find, watch.path, watch.near):
            watch.once(question)
        assert watch.seen == rows, "the last answers do not show everything"
        assert bench.store.verify().ok
    assert said["rows"] > 3 and all(said["by"].values()) and len(said["by"]) == 8
    tally.append(f"{said['answers']} answers, each a prefix of {rows} rows: {said}")


def _until_it_began(progress: Path) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if progress.exists() and progress.stat().st_size >= 16:
            return
        time.sleep(0.005)
    raise AssertionError("the writer never began")


CELLS = [
    """import os
from pathlib import Path
import workbench
from tests.faults import processes
bench = workbench.open(os.environ["WORKBENCH_STORE"])
watch = processes.Watch(bench, Path(os.environ["SERIES_PROGRESS"]))
bench.store.stats()["appearances"]""",
    """said = watch.ask(float(os.environ["SERIES_SECONDS"]))
said["answers"]""",
    """bench.tracks.trajectory("walker").plot()
len(bench.appearances.find()) >= said["rows"]""",
    """watch.once(watch.find)
said""",
]


def test_a_notebook_reads_what_another_process_writes(
    growing: Path,
    start: processes.Start,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    tally: list[str],
) -> None:
    progress = tmp_path / "progress"
    seconds = 60.0 if SOAK else 3.0
    for name, value in (
        ("WORKBENCH_STORE", growing),
        ("SERIES_PROGRESS", progress),
        ("SERIES_SECONDS", seconds),
        ("IPYTHONDIR", tmp_path / "ipython"),
        ("PLOTLY_RENDERER", "plotly_mimetype"),
    ):
        monkeypatch.setenv(name, str(value))
    # The kernel takes seconds to start: the writer goes on until the notebook is done.
    writer = start("write", growing, progress, seconds + 600)
    writer.hear("ready")
    writer.tell()
    _until_it_began(progress)
    book = new_notebook(cells=[new_code_cell(source) for source in CELLS])
    where: dict[str, Any] = {"metadata": {"path": str(processes.ROOT)}}
    NotebookClient(book, timeout=seconds + 120, kernel_name="python3", resources=where).execute()
    writer.kill()
    shown = [
        next(o for o in cell.outputs if o.output_type == "execute_result") for cell in book.cells
    ]
    said = [output.data["text/plain"] for output in shown]
    nbformat.validate(book)
    assert int(said[0]) > 0 and int(said[1]) >= 8 and said[2] == "True"
    with workbench.open(growing) as bench:
        assert bench.store.verify().ok
    tally.append(f"in a notebook: {said[3]}")
