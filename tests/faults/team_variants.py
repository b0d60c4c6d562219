"""The product with one safeguard of the two stores taken away (see ``safeguards``)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import numpy as np

from tests.faults import safeguards
from tests.faults.safeguards import remove, removed
from workbench.storage import sweep
from workbench.stores.graph.neo4j import Neo4jGraphStore
from workbench.stores.neo4j import database as neo4j_database
from workbench.stores.neo4j.database import Neo4jDatabase
from workbench.stores.vectors.faiss import FAISSVectorStore

__all__ = ["REMOVE", "remove", "removed"]


def _named_before_written() -> None:
    """Commit what names the vectors first, then write them."""
    waiting: list[Callable[[], None]] = []

    def later(self: Any, space: str, vids: Any, vectors: Any) -> None:
        waiting.append(lambda: put(self, space, vids, np.array(vectors)))

    @contextmanager
    def first(self: Any, op_id: str | None = None) -> Iterator[None]:
        with transaction(self, op_id):
            yield
        while waiting:
            waiting.pop(0)()

    put = safeguards.replace(FAISSVectorStore, "put", later)
    transaction = safeguards.replace(Neo4jGraphStore, "transaction", first)


def _not_asked() -> None:
    safeguards.replace(Neo4jDatabase, "settled", lambda self, op_id: None)


def _sweeping_by_old_names(*, locked: bool) -> None:
    """Ask which vectors are named before it is asked which are there."""

    def never_named(pair: Any) -> int:
        removed = 0
        with pair.unit() if locked else nullcontext():
            for space in pair.vector.spaces():
                named = pair.graph.vectors_of(space)["vid"].to_numpy()
                unnamed = np.setdiff1d(pair.vector.vids(space), named)
                removed += pair.vector.remove(space, unnamed) if len(unnamed) else 0
        return removed

    safeguards.replace(sweep, "_never_named", never_named)


def _given_again() -> None:
    """Give row ids out again that the last unit of work took and did not name."""

    def allocate(self: Any, n: int) -> int:
        unit, first = self._lease
        if unit != self.units:
            text = "MATCH ()-[r:EMBEDDED]->() RETURN max(r.vid)"
            first = 1 + int(self.value("vids", text) or 0)
        self._lease = (self.units, first + n)
        return int(first)

    safeguards.replace(Neo4jDatabase, "allocate_vids", allocate)


def _unlocked() -> None:
    """Begin a unit of work without keeping others waiting."""
    text = neo4j_database._LOCK.replace("SET s.writer = $op_id ", "WITH s, $op_id AS o ")
    safeguards.replace(neo4j_database, "_LOCK", text)


def _statements_alone() -> None:
    """Commit each statement for itself: half of a step may be there."""

    def execute(self: Any, text: str, **parameters: Any) -> list[tuple]:
        return list(self.write("alone", lambda run: run(text, parameters)))

    safeguards.replace(Neo4jDatabase, "execute", execute)
    safeguards.replace(Neo4jDatabase, "_mine", lambda self: False)
    safeguards.replace(Neo4jDatabase, "require_unit", lambda self: None)


REMOVE: dict[str, Callable[[], None]] = {
    "named before written": _named_before_written,
    "op id not read back": _not_asked,
    "swept without the lock": lambda: _sweeping_by_old_names(locked=False),
    "swept by names of before": lambda: _sweeping_by_old_names(locked=True),
    "row ids given out again": _given_again,
    "units that do not wait": _unlocked,
    "each statement for itself": _statements_alone,
}
safeguards.REMOVE.update(REMOVE)
