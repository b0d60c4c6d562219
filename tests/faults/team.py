"""A store whose graph is on a server, put on trial: one history that goes through many crashes.

Where a store on one machine is copied for each trial, this one lives on: a trial strikes the writer
somewhere in the next steps of a plan, the checker looks, does the step that was cut off, and the
next trial begins from there. What one crash left behind is there when the next one comes.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import neo4j
import numpy as np

import workbench
from tests.faults import workload
from tests.faults.subject import Ours, Vectors
from tests.faults.trial import Outcome, between, closest
from tests.servers import Server, empty
from workbench.config import WorkbenchConfig
from workbench.storage.nearest import nearest

STEPS = 150  # of a history; then another one begins in an empty database
PATIENCE = {"connection_timeout": 5, "max_transaction_retry_time": 5, "transaction_timeout": 60}


def config(
    server: Server | None = None, *, wait_s: float = 20.0, **patience: float
) -> WorkbenchConfig:
    """Return a configuration that does not wait long; without a server the folder says where."""
    said: dict[str, Any] = {"connection": PATIENCE | patience}
    if server is not None:
        said |= {"uri": server.uri, "user": server.user, "password": server.password}
    return WorkbenchConfig.model_validate(
        {"graph": {"backend": "neo4j"}, "neo4j": said, "writer_wait_s": wait_s}
    )


class Team(Ours):
    """A store of a team that is there."""

    def __init__(self, folder: Path, settings: WorkbenchConfig | None = None) -> None:
        self.bench = workbench.open(folder, config=settings or config())

    def strangers(self, vectors: Vectors) -> list[str]:
        """Return the appearances that a question with their own vector does not find first.

        What a crash left may be as near: it has to be passed over.
        """
        wrong = []
        for space, known in vectors.items():
            if known:
                ids = list(known)
                asked = np.stack([known[one] for one in ids])
                hits = nearest(self.bench.manager.pair, space, asked, k=1).set_index("query")
                found = hits["appearance_id"].reindex(range(len(ids))).tolist()
                pairs = zip(ids, found, strict=True)
                wrong += [f"{one} in {space} finds {it}" for one, it in pairs if one != it]
        return wrong

    def settle(self) -> None:
        """Wait until what a dead client left open on the server is over."""
        with self.bench.manager.graph.cut():
            pass

    def unswept(self) -> list[str]:
        """Return what is left to be swept, in words."""
        manager = self.bench.manager
        left = [f"to sweep: {len(manager.graph.to_sweep())}"] * (not manager.graph.to_sweep().empty)
        for space in manager.vector.spaces():
            named = manager.graph.vectors_of(space)["vid"].to_numpy()
            unnamed = np.setdiff1d(manager.vector.vids(space), named)
            left += [f"not swept in {space}: {len(unnamed)}"] * bool(len(unnamed))
        return left


@contextmanager
def opened(folder: Path, settings: WorkbenchConfig | None = None) -> Iterator[Team]:
    """Give an open store."""
    store = Team(folder, settings)
    try:
        yield store
    finally:
        store.close()


@lru_cache(maxsize=4)
def plan(seed: int) -> list[workload.Step]:
    """Return the steps of a history."""
    return workload.plan(seed, STEPS)


@lru_cache(maxsize=4)
def states(seed: int) -> list[workload.State]:
    """Return what must be there before the first step and after each."""
    return workload.states(plan(seed))


class Life:
    """A store on a server, and how far its history has come.

    Parameters
    ----------
    server : Server
        Its database is emptied for each history.
    place : Path
        Where the folders of vectors are made.
    seed : int
        Of the first history.
    """

    def __init__(self, server: Server, place: Path, seed: int) -> None:
        self.server = server
        self.place = place
        self.seed = seed - 1
        self.driver = server.driver()
        self.begin()

    def begin(self) -> None:
        """Begin the next history: with cameras, and nothing else."""
        self.seed += 1
        self.next = 0  # the step that comes next
        empty(self.driver)
        self.folder = self.place / f"life{self.seed}"
        shutil.rmtree(self.folder, ignore_errors=True)
        self.settings = config(self.server)
        with workbench.open(self.folder, config=self.settings, create=True) as bench:
            workload.prepare(bench)

    def room(self, steps: int) -> None:
        """See that there are so many steps left; a history that is too short is over."""
        if self.next + steps + 1 >= len(plan(self.seed)):
            self.begin()

    def go(self, steps: int = 1) -> None:
        """Do steps without being struck."""
        with opened(self.folder, self.settings) as store:
            for step in plan(self.seed)[self.next : self.next + steps]:
                store.do(step)
                self.next += 1

    def go_to(self, kind: str) -> None:
        """Do steps up to the next one of a kind."""
        while plan(self.seed)[self.next].kind != kind:
            self.room(10)
            self.go()

    def close(self) -> None:
        self.driver.close()

    def check(self, outcome: Outcome) -> list[str]:
        """Return what is wrong after a trial, and go on behind it; anew after something was."""
        try:
            wrong = [*outcome.wrong, *self._checked(outcome)]
        except Exception as error:
            wrong = [*outcome.wrong, f"{type(error).__name__}: {error}"]
        if wrong:
            self.begin()
        return wrong

    def _checked(self, outcome: Outcome) -> list[str]:
        """Look, look again, sweep, do the step that was cut off.

        I1 what was acknowledged is there. I2 no hit is another appearance's. I3 of the step that
        was not acknowledged everything is there or nothing, and the rest is swept. I4 opening,
        looking and sweeping change nothing.
        """
        steps, expected = plan(self.seed), states(self.seed)
        after = outcome.acked + 1
        with opened(self.folder, self.settings) as store:
            store.settle()
            found, vectors = store.observed()
            wrong = closest(between(expected, steps, after), found, vectors)
            wrong += store.strangers(vectors)
            wrong += [f"verify: {one}" for one in store.problems()]
            first = store.content_hash()
        with opened(self.folder, self.settings) as store:
            store.bench.store.sweep()
            wrong += store.unswept()
            if store.content_hash() != first:
                wrong.append("opening it again and sweeping changed what it says")
            store.do(steps[after])
            last = workload.differences(expected[after + 1], *store.observed())
            wrong += [f"after going on: {one}" for one in last]
        self.next = after + 1
        return wrong


def away(driver: neo4j.Driver, op: str = "unit") -> int:
    """End every open unit of work of others on a server, as if their connections broke."""
    text = (
        "SHOW TRANSACTIONS YIELD transactionId AS id, metaData AS said WHERE said.op = $op "
        "RETURN collect(id)"
    )
    with driver.session(database="neo4j") as session:
        ids = session.run(text, op=op).single(strict=True)[0]
        for one in ids:
            session.run("TERMINATE TRANSACTIONS $id", id=one).consume()
    return len(ids)
