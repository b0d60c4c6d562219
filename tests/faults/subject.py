"""What is put on trial: the product, or something that is known to break its promises."""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import faiss
import numpy as np

import workbench
from tests.faults import workload
from tests.faults.workload import State, Step

Vectors = dict[str, dict[str, np.ndarray]]


class Subject(Protocol):
    """A store that is open."""

    def prepare(self) -> None: ...
    def do(self, step: Step) -> None: ...
    def observed(self) -> tuple[State, Vectors]: ...
    def strangers(self, vectors: Vectors) -> list[str]: ...
    def content_hash(self) -> str: ...
    def problems(self) -> list[str]: ...
    def close(self) -> None: ...


class Ours:
    """The product, as everybody uses it."""

    def __init__(self, folder: Path) -> None:
        self.bench = workbench.open(folder, create=not (folder / "store.sqlite").exists())

    def prepare(self) -> None:
        workload.prepare(self.bench)

    def do(self, step: Step) -> None:
        workload.do(self.bench, step)

    def observed(self) -> tuple[State, Vectors]:
        return workload.observed(self.bench)

    def strangers(self, vectors: Vectors) -> list[str]:
        """Return the appearances that a search with their own vector does not find first."""
        wrong = []
        for space, known in vectors.items():
            if not known:
                continue
            ids = list(known)
            store, graph = self.bench.manager.vector, self.bench.manager.graph
            hits = store.search(space, np.stack([known[one] for one in ids]), k=1)
            best = hits[hits["rank"] == 1].set_index("query")["vid"]
            names = graph.names_of(space, best.to_numpy())
            found = {q: names.get(vid) for q, vid in best.items()}
            wrong += [
                f"{one} in {space} finds {found.get(q)}"
                for q, one in enumerate(ids)
                if found.get(q) != one
            ]
        return wrong

    def content_hash(self) -> str:
        return self.bench.store.content_hash()

    def problems(self) -> list[str]:
        return [f"{one.kind} {one.examples}" for one in self.bench.store.verify().problems]

    def close(self) -> None:
        self.bench.close()


class Document:
    """The protocol of the requirement document: FAISS first, then the graph; saved now and then.

    A vector's position in the index is what the graph's row remembers. The index is written every
    few operations, over the old file. It is here to be caught.
    """

    SAVED_EVERY = 3  # operations; the document says 300 seconds

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self._folder = folder
        self._graph = sqlite3.connect(folder / "graph.sqlite", isolation_level=None)
        self._graph.execute("PRAGMA journal_mode = WAL")
        self._graph.executescript(
            "CREATE TABLE IF NOT EXISTS a (id TEXT PRIMARY KEY, second INT, camera TEXT, who TEXT,"
            " face INT, reid INT); CREATE TABLE IF NOT EXISTS p (id TEXT PRIMARY KEY);"
        )
        self._index = {space: self._loaded(space) for space in workload.DIMS}
        self._operations = 0

    def _loaded(self, space: str) -> Any:
        path = self._folder / f"{space}.index"
        if path.exists():
            return faiss.read_index(str(path))
        return faiss.IndexFlatIP(workload.DIMS[space])

    def prepare(self) -> None:
        self._save()

    def _save(self) -> None:
        for space, index in self._index.items():
            faiss.write_index(index, str(self._folder / f"{space}.index"))

    def do(self, step: Step) -> None:
        if step.kind in ("batch", "one", "again"):
            for one, row in zip(step.ids, step.rows, strict=True):
                self._write(one, row)
        elif step.kind == "link":
            self._each("UPDATE a SET who = ?2 WHERE id = ?1", [(i, step.who) for i in step.ids])
        elif step.kind == "unlink":
            self._each("UPDATE a SET who = NULL WHERE id = ?1", [(i,) for i in step.ids])
        elif step.kind == "delete":
            self._each("DELETE FROM a WHERE id = ?1", [(i,) for i in step.ids])
        elif step.kind == "people":
            self._each("INSERT OR IGNORE INTO p VALUES (?1)", [(i,) for i in step.ids])
        elif step.kind == "forget":
            self._each("UPDATE a SET who = NULL WHERE who = ?1", [(i,) for i in step.ids])
            self._each("DELETE FROM p WHERE id = ?1", [(i,) for i in step.ids])
        self._operations += 1
        if self._operations % self.SAVED_EVERY == 0:
            self._save()

    def _write(self, one: str, row: workload.Row) -> None:
        places = []
        for space in workload.DIMS:
            seed = getattr(row, space)
            places.append(None if seed is None else self._index[space].ntotal)
            if seed is not None:
                self._index[space].add(workload.vector(seed, space)[None])
        self._graph.execute(
            "INSERT INTO a VALUES (?1, ?2, ?3, NULL, ?4, ?5) ON CONFLICT (id) DO UPDATE SET "
            "face = excluded.face, reid = excluded.reid",
            (one, row.second, row.camera, *places),
        )

    def _each(self, sql: str, rows: list[tuple[Any, ...]]) -> None:
        for row in rows:
            self._graph.execute(sql, row)

    def observed(self) -> tuple[State, Vectors]:
        rows = self._graph.execute("SELECT id, second, camera, who, face, reid FROM a").fetchall()
        vectors: Vectors = {space: {} for space in workload.DIMS}
        state = State({}, {}, {row[0] for row in self._graph.execute("SELECT id FROM p")})
        for one, second, camera, who, *places in rows:
            state.rows[one] = workload.Row(
                second, camera, *(None if p is None else 0 for p in places)
            )
            if who is not None:
                state.links[one] = who
            for space, place in zip(workload.DIMS, places, strict=True):
                if place is not None and place < self._index[space].ntotal:
                    vectors[space][one] = self._index[space].reconstruct(place)
        return state, vectors

    def strangers(self, vectors: Vectors) -> list[str]:
        return []

    def content_hash(self) -> str:
        state, vectors = self.observed()
        return hashlib.sha256(repr((sorted(state.rows.items()), len(vectors))).encode()).hexdigest()

    def problems(self) -> list[str]:
        return []

    def close(self) -> None:
        self._save()
        self._graph.close()


SUBJECTS: dict[str, Callable[[Path], Subject]] = {"ours": Ours, "document": Document}


@contextlib.contextmanager
def opened(name: str, folder: Path) -> Iterator[Subject]:
    """Give an open store of a kind."""
    found = SUBJECTS[name](folder)
    try:
        yield found
    finally:
        found.close()
