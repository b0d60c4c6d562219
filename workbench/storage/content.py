"""Is the store what it should be? Verification, and a hash over everything it says."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from workbench import schema
from workbench.errors import NotFoundError, StoreDamagedError
from workbench.schema import Table
from workbench.storage.pair import StorePair
from workbench.storage.rows import stored
from workbench.stores.graph.base import Finding, GraphStore

_BLOCK = 8192
_SAMPLE = 20
_SHOWN = 5
# Written by the clock or by the store, not said by anybody.
_UNSAID = {"created_at", "updated_at", "at"}
_MEND = "See what would be done about it with: workbench repair"
_ADVICE = {
    "database": "Restore a backup with workbench restore: pages of the database are damaged.",
    "space": "Restore a backup with workbench restore: what these vectors are is lost.",
    "needed_row": "Restore a backup with workbench restore. A camera, a place or a floor plan can "
    "also be given again: workbench ingest with the same file and --update.",
    "nowhere": "Give these appearances a camera: bench.appearances.update(...).",
    "self_hit": "Open the store again; if it stays, restore a backup with workbench restore.",
}
_REFERENCES = ("row", "dangling")


@dataclass(frozen=True, slots=True)
class Problem:
    """One kind of thing that is wrong, how often, and some of the ids concerned."""

    kind: str
    count: int
    examples: list[str]
    next: str


@dataclass(frozen=True, slots=True)
class Verification:
    """What was looked at and what is wrong with it."""

    checked: dict[str, int]
    problems: list[Problem]

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


def _none_lost() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "space": pd.Series([], dtype="str"),
            "appearance_id": pd.Series([], dtype="str"),
            "vid": pd.Series([], dtype="int64"),
        }
    )


@dataclass(slots=True)
class Examination:
    """Everything that is wrong with a store: in words by kind, and for whoever mends it.

    Parameters
    ----------
    checked : dict
        What was looked at.
    found : dict
        Findings in words, by kind.
    graph : list of Finding
        Those of the graph store.
    lost : DataFrame
        ``space, appearance_id, vid``: the named vectors that cannot be read.
    """

    checked: dict[str, int]
    found: dict[str, list[str]] = field(default_factory=dict)
    graph: list[Finding] = field(default_factory=list)
    lost: pd.DataFrame = field(default_factory=_none_lost)

    def add(self, kind: str, texts: list[str]) -> None:
        """Take in findings of a kind."""
        if texts:
            self.found[kind] = [*self.found.get(kind, []), *texts]

    @property
    def verification(self) -> Verification:
        """The same, for people: a few examples and what to do next."""
        return Verification(self.checked, self.problems(_ADVICE))

    def problems(self, advice: dict[str, str]) -> list[Problem]:
        """Return the findings by kind, with what to do about each."""
        return [
            Problem(kind, len(ids), ids[:_SHOWN], advice.get(kind, _MEND))
            for kind, ids in self.found.items()
        ]


def verify(pair: StorePair) -> Verification:
    """Return what is wrong with a store; what a crash left behind is not.

    Checksums of every row and every vector, indexes and references, the files of vectors, the
    numbers that the store counts with, that every named vector is there, that statistics are what
    they say, that an appearance is somewhere, and for a sample that a vector finds itself.
    """
    return examine(pair).verification


def examine(pair: StorePair) -> Examination:
    """Return everything that is wrong with a store."""
    names = ("identities", "appearances", "cameras", "links", "vectors", "spaces")
    out = Examination(dict.fromkeys(names, 0))
    with pair.graph.cut(), pair.graph.unchecked():
        try:
            _examine_graph(pair.graph, out)
            if "database" not in out.found:
                _examine_vectors(pair, out)
            # What is counted of damaged rows says nothing.
            if not out.found.keys() & {"database", "index", "row", "needed_row", "dangling"}:
                out.add("statistics", _stale(pair.graph))
                out.add("nowhere", _nowhere(pair.graph))
        except StoreDamagedError as error:
            out.add("database", [error.message])
    if "database" in out.found:  # the rest may be no more than what follows from it
        out.found = {"database": out.found["database"]}
    return out


def _examine_graph(graph: GraphStore, out: Examination) -> None:
    out.graph = graph.findings()
    for one in out.graph:
        needed = one.kind in _REFERENCES and not one.removable
        out.add("needed_row" if needed else one.kind, [one.text])
    if "database" in out.found:
        return
    counts = graph.counts()
    kinds = {"identities": "Identity", "appearances": "Appearance", "cameras": "Camera"}
    for name, label in (kinds | {"links": "HAS_APPEARANCE"}).items():
        out.checked[name] = counts[label]


def _examine_vectors(pair: StorePair, out: Examination) -> None:
    for kind, texts in pair.vector.findings().items():
        out.add(kind, texts)
    if "space" in out.found:
        return
    damaged = pair.vector.verify()
    for space in pair.spaces():
        named = pair.graph.vectors_of(space)
        out.checked["vectors"] += len(named)
        out.checked["spaces"] += 1
        bad = damaged.loc[damaged["space"] == space, "vid"]
        there = pair.vector.vids(space)
        broken = named["vid"].isin(bad) & named["vid"].isin(there)
        gone = ~named["vid"].isin(there)
        out.add("vector_bytes", _said(named[broken], space))
        out.add("vector_missing", _said(named[gone], space))
        lost = named[broken | gone].assign(space=space)
        out.lost = pd.concat([out.lost, lost[list(out.lost)]], ignore_index=True)
        sound = named[~broken & ~gone]
        sample = sound.iloc[:: max(1, len(sound) // _SAMPLE)]
        out.add("self_hit", _said(sample[~_hits(pair, space, sample["vid"].to_numpy())], space))


def _said(named: pd.DataFrame, space: str) -> list[str]:
    return [f"{one} ({space})" for one in named["appearance_id"]]


def _hits(pair: StorePair, space: str, vids: np.ndarray) -> np.ndarray:
    """Return which vectors find themselves."""
    if not len(vids):
        return np.zeros(0, dtype=bool)
    try:
        own = pair.vector.get(space, vids)
        found = pair.vector.search(space, own, k=1)
    except (StoreDamagedError, NotFoundError):
        return np.zeros(len(vids), dtype=bool)
    itself = found["vid"].to_numpy() == vids[found["query"].to_numpy()]
    return np.isin(np.arange(len(vids)), found["query"].to_numpy()[itself])


def _stale(graph: GraphStore) -> list[str]:
    """Return identities whose statistics differ from their appearances."""
    people = graph.nodes("Identity").set_index("id")
    seen = graph.observations()
    rows = pd.DataFrame({"identity": seen.identity, "place": seen.place, "time": seen.time_us})
    rows = rows[rows["identity"] >= 0]
    by = rows.groupby("identity")
    names = pd.Index(seen.identities, dtype="str")
    count = by.size().set_axis(names[by.size().index]).reindex(people.index).fillna(0)
    wrong = people["num_appearances"].fillna(-1).astype("int64") != count.astype("int64")
    for column, values in (("first_seen", by["time"].min()), ("last_seen", by["time"].max())):
        expected = pd.to_datetime(values.set_axis(names[values.index]), unit="us", utc=True)
        expected = expected.reindex(people.index)
        wrong |= ~((people[column] == expected) | (people[column].isna() & expected.isna()))
    return people.index[wrong.to_numpy()].tolist()


def _nowhere(graph: GraphStore) -> list[str]:
    rows = graph.nodes("Appearance")[["id", "camera_id", "place_id"]]
    return rows.loc[rows["camera_id"].isna() == rows["place_id"].isna(), "id"].tolist()


def content_hash(pair: StorePair) -> str:
    """Return SHA-256 over everything the store says, in order of key.

    Two stores that say the same have the same hash, whichever backends keep them: row ids,
    sequence numbers and the times of writing are left out, vectors count as what is stored of
    them.
    """
    digest = hashlib.sha256()
    with pair.graph.cut():
        for label, table in {**schema.NODES, **schema.EDGES}.items():
            if not table.derived:
                for block in _texts(table, stored(pair.graph, label)):
                    digest.update(block)
        for name, space in sorted(pair.spaces().items()):
            digest.update(repr(space).encode())
            named = pair.graph.vectors_of(name).sort_values("appearance_id")
            for first in range(0, len(named), _BLOCK):
                part = named.iloc[first : first + _BLOCK]
                digest.update("\n".join(part["appearance_id"]).encode())
                digest.update(pair.vector.get(name, part["vid"].to_numpy()).tobytes())
    return digest.hexdigest()


def _texts(table: Table, rows: pd.DataFrame) -> Iterator[bytes]:
    said = [c for c in table.columns if c.name not in _UNSAID and not c.statistic]
    rows = rows.sort_values(list(table.key), ignore_index=True)
    yield f"{table.label} {len(rows)}\n".encode()
    for first in range(0, len(rows), _BLOCK):
        block = rows.iloc[first : first + _BLOCK]
        for column in said:
            values = block[column.name]
            if column.kind == "time":
                values = values.astype("int64").where(values.notna())
            cells = values.astype(object).where(values.notna(), None).tolist()
            yield f"{column.name} {cells!r}\n".encode("utf-8", "surrogatepass")
