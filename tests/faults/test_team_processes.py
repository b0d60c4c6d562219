"""Several clients of a team's store: nobody loses what was acknowledged, nobody sees too much."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import workbench
from tests.faults import machine, processes, team, team_variants
from tests.servers import Server, empty
from workbench.errors import ServerAwayError, StoreBusyError, StoreError, WorkbenchError
from workbench.stores.vectors.faiss import FAISSVectorStore

SOAK = bool(os.environ.get("WORKBENCH_SOAK"))
SECONDS = 60.0 if SOAK else 4.0
ROUNDS = 60 if SOAK else 8
ROWS = {
    f"s{n:02d}": {"second": n, "camera": f"c{1 + n % 2}", "face": n + 1, "reid": n + 1}
    for n in range(12)
}
MORE = {"m1": {"second": 50, "camera": "c1", "face": 501, "reid": 502}}


@pytest.fixture
def bare(neo4j_server: Server, place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a store with three cameras."""
    empty(neo4j_server)
    if neo4j_server.password is not None:  # the processes find it where a user would leave it
        monkeypatch.setenv("NEO4J_USER", neo4j_server.user)
        monkeypatch.setenv("NEO4J_PASSWORD", neo4j_server.password)
    folder = place / "store"
    with workbench.open(folder, config=team.config(neo4j_server), create=True) as bench:
        bench.cameras.add(pd.DataFrame({"id": list(machine.CAMERAS)}))
    return folder


@pytest.fixture
def store(bare: Path) -> Path:
    """Return a store with three cameras, two people and twelve rows."""
    with machine.opened(bare) as bench:
        for who in ("ann", "bob"):
            machine.perform(bench, ("create", {"who": who}))
        machine.perform(bench, ("batch", {"rows": ROWS}))
    return bare


def state() -> machine.State:
    """Return what the store holds at first."""
    return {"rows": dict(ROWS), "links": {}, "people": {"ann": None, "bob": None}}


def sound(store: Path, expected: machine.State) -> list[str]:
    """Return what is wrong with a store that nobody writes to."""
    with team.opened(store) as found:
        found.settle()
        try:
            wrong = [str(one) for one in machine.differences(found.bench, expected)]
            wrong += found.problems()
            found.bench.store.sweep()
            return wrong + found.unswept()
        except WorkbenchError as error:
            return [f"{type(error).__name__}: {error}"]


# ------------------------------------------------------------------ writers
def test_two_processes_write_at_once_and_nothing_is_lost(
    store: Path, start: processes.Start, tally: list[str]
) -> None:
    writers = [start("mix", store, name, ROUNDS) for name in "pq"]
    for writer in writers:
        writer.hear("ready")
    for writer in writers:
        writer.tell()
    ends = [writer.hear("state") for writer in writers]  # an error in one of them is said here
    total = state()
    for end in ends:
        total["rows"] |= end["state"]["rows"]
        total["links"] |= end["state"]["links"]
    assert sound(store, total) == []
    writes = sum(sum(end["did"].values()) for end in ends)
    tally.append(f"team: 2 processes: {writes} writes, {len(total['rows'])} rows")


def test_who_waits_gets_its_turn_and_who_waits_too_long_is_told(
    store: Path, start: processes.Start
) -> None:
    holder = start("obey", store)
    holder.hear("ready")
    holder.tell(("hold", {"who": "ghost"}))
    holder.hear("held")
    with machine.opened(store, wait_s=0.5) as hasty, machine.opened(store) as patient:
        before = machine.differences(hasty, state())
        assert before == []  # whoever only reads is not kept waiting, and sees no ghost
        for operation in (("create", {"who": "cy"}), ("batch", {"rows": MORE})):
            began = time.monotonic()
            with pytest.raises(StoreBusyError, match=r"for more than 0.5 s") as refused:
                machine.perform(hasty, operation)
            assert 0.4 <= time.monotonic() - began < 8, operation
            assert refused.value.next
        waiting = threading.Thread(
            target=machine.perform, args=(patient, ("create", {"who": "cy"}))
        )
        waiting.start()
        time.sleep(0.5)
        assert waiting.is_alive(), "it did not wait"
        holder.tell()
        holder.hear("let go")
        waiting.join(30)
        machine.perform(hasty, ("batch", {"rows": MORE}))
    expected = machine.applied(state(), ("create", {"who": "cy"}))
    assert sound(store, machine.applied(expected, ("batch", {"rows": MORE}))) == []


def test_a_dead_holder_keeps_nobody_waiting(store: Path, start: processes.Start) -> None:
    holder = start("obey", store)
    holder.hear("ready")
    holder.tell(("hold", {"who": "ghost"}))
    holder.hear("held")
    holder.kill()
    with machine.opened(store, wait_s=10) as bench:
        machine.perform(bench, ("create", {"who": "cy"}))
    assert sound(store, machine.applied(state(), ("create", {"who": "cy"}))) == []


def test_a_unit_of_work_that_the_server_ended_writes_nothing(
    store: Path, neo4j_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server ends it after the vectors are written, as for a client that was asleep."""
    put, ended = FAISSVectorStore.put, []
    with machine.opened(store) as bench, neo4j_server.driver() as driver:

        def slow(*words: Any) -> None:
            put(*words)
            ended.append(team.away(driver))

        with monkeypatch.context() as patch:
            patch.setattr(FAISSVectorStore, "put", slow)
            with pytest.raises((StoreError, ServerAwayError)):
                machine.perform(bench, ("batch", {"rows": MORE}))
        assert ended[0] == 1
        assert machine.differences(bench, state()) == []
        machine.perform(bench, ("batch", {"rows": MORE}))
    assert sound(store, machine.applied(state(), ("batch", {"rows": MORE}))) == []


# ------------------------------------------------------------------ a sweeper
def swept_meanwhile(store: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Sweep while a unit of work is open that has written vectors and not named them."""
    put, written, go_on = FAISSVectorStore.put, threading.Event(), threading.Event()
    with machine.opened(store) as writer, machine.opened(store) as sweeper:

        def paused(*words: Any) -> None:
            put(*words)
            if threading.current_thread() is writing:
                written.set()
                go_on.wait(30)

        monkeypatch.setattr(FAISSVectorStore, "put", paused)
        writing = threading.Thread(target=machine.perform, args=(writer, ("batch", {"rows": MORE})))
        sweeping = threading.Thread(target=sweeper.store.sweep)
        writing.start()
        assert written.wait(30)
        sweeping.start()
        sweeping.join(1)  # it waits for the writer, or does its harm meanwhile
        go_on.set()
        for one in (writing, sweeping):
            one.join(30)
            assert not one.is_alive()
    return sound(store, machine.applied(state(), ("batch", {"rows": MORE})))


def test_a_sweeper_leaves_the_vectors_of_an_open_unit_alone(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert swept_meanwhile(store, monkeypatch) == []


def swept_asleep(store: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Sweep, and lose the writer lock on the way to another one who writes."""
    vids, done = FAISSVectorStore.vids, []
    with (
        machine.opened(store) as sweeper,
        machine.opened(store) as other,
        server.driver() as driver,
    ):
        graph = sweeper.manager.graph
        named = graph.vectors_of

        def interrupted() -> None:
            if not done and graph.database.writing:  # type: ignore[attr-defined]
                done.append(team.away(driver))
                machine.perform(other, ("batch", {"rows": MORE}))

        def asked(*words: Any) -> pd.DataFrame:
            found = named(*words)
            interrupted()
            return found

        def looked(self: Any, space: str) -> np.ndarray:
            found = vids(self, space)
            if self is sweeper.manager.vector and moment == "looked":
                interrupted()
            return found

        wrong: list[str] = []
        for moment in ("asked", "looked"):
            with monkeypatch.context() as patch:
                patch.setattr(graph, "vectors_of", asked if moment == "asked" else named)
                patch.setattr(FAISSVectorStore, "vids", looked)
                with pytest.raises((StoreError, ServerAwayError)):
                    sweeper.store.sweep()
            assert done == [1]
            wrong += sound(store, machine.applied(state(), ("batch", {"rows": MORE})))
            if wrong:
                return wrong
            machine.perform(other, ("delete", {"ids": list(MORE)}))
            done.clear()
    return wrong


def test_a_sweeper_that_lost_its_lock_removes_nothing_of_others(
    store: Path, neo4j_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert swept_asleep(store, neo4j_server, monkeypatch) == []


@pytest.mark.parametrize("variant", ["swept without the lock", "units that do not wait"])
def test_a_sweeper_without_a_lock_is_caught(
    store: Path, monkeypatch: pytest.MonkeyPatch, variant: str
) -> None:
    with team_variants.removed(variant):
        assert swept_meanwhile(store, monkeypatch) != []


def test_a_sweeper_that_asks_in_the_wrong_order_is_caught(
    store: Path, neo4j_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    with team_variants.removed("swept by names of before"):
        assert swept_asleep(store, neo4j_server, monkeypatch) != []


# ------------------------------------------------------------------ a reader
class Watch(processes.Watch):
    """A reader whose questions are those of any store."""

    def count(self) -> Callable[[int], bool]:
        said = self.bench.store.stats()
        held = int(said["appearances"])

        def fits(rows: int) -> bool:
            cameras = {c: len(range(n, rows, 3)) for n, c in enumerate(machine.CAMERAS)}
            seen = {c: one["appearances"] for c, one in said["per_camera"].items()}
            return held == rows and seen == cameras

        fits.__doc__ = f"{said!r:.2000}"  # for the message, if nothing fits
        return fits


def test_a_reader_sees_no_vector_that_is_not_named(
    bare: Path, start: processes.Start, place: Path, tally: list[str]
) -> None:
    progress = place / "progress"
    with workbench.open(bare) as bench:
        bench.manager.create_identities(pd.DataFrame({"id": list(processes.PEOPLE)}))
        # The space is there before the first question about it.
        bench.appearances.add(processes.expected(1), face=processes.vectors(0, 1))
        writer = start("write", bare, progress, SECONDS)
        watch = Watch(bench, progress)
        writer.hear("ready")
        writer.tell()
        deadline = time.monotonic() + 30
        while not (progress.exists() and progress.stat().st_size >= 16):
            assert time.monotonic() < deadline, "the writer never began"
            time.sleep(0.01)
        said = watch.ask(SECONDS - 0.5)
        rows = writer.hear("wrote")
        for question in (watch.find, watch.near):
            watch.once(question)
        assert watch.seen == rows, "the last answers do not show everything"
        assert bench.store.verify().ok
    tally.append(f"team: {said['answers']} answers beside a writer, each a prefix of {rows} rows")
