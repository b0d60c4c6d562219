"""Is the store what it should be? Verification, and a hash over everything it says."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from workbench import schema
from workbench.schema import Table
from workbench.storage.pair import StorePair
from workbench.storage.rows import stored
from workbench.stores.graph.base import GraphStore

_BLOCK = 8192
_SAMPLE = 20
# Written by the clock or by the store, not said by anybody.
_UNSAID = {"created_at", "updated_at", "at"}
_AGAIN = "Restore a backup, or ingest the vectors of these appearances again with --update."
_ADVICE = {
    "database": "Restore a backup: the database file itself is damaged.",
    "row": "Restore a backup, or unload and ingest the load again that brought these rows.",
    "vector_bytes": _AGAIN,
    "vector_missing": _AGAIN,
    "statistics": "Tell the authors: statistics are recomputed with every write.",
    "nowhere": "Give these appearances a camera: bench.appearances.update(...).",
    "self_hit": "Open the store again; if it stays, restore a backup.",
}


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


def verify(pair: StorePair) -> Verification:
    """Return what is wrong with a store; what a crash left behind is not.

    Checksums of every row and every vector, that every named vector is there and of length one,
    that statistics are what they say, that an appearance is somewhere, and for a sample that a
    vector finds itself.
    """
    graph, vector = pair.graph, pair.vector
    with graph.snapshot():
        found = {kind: ids for kind, ids in graph.damaged().items() if ids}
        counts = graph.counts()
        checked = {
            "identities": counts["Identity"],
            "appearances": counts["Appearance"],
            "cameras": counts["Camera"],
            "links": counts["HAS_APPEARANCE"],
            "vectors": 0,
        }
        if "database" not in found:
            found |= _vectors(pair, checked)
            found["statistics"] = _stale(graph)
            found["nowhere"] = _nowhere(graph)
    problems = [
        Problem(kind, len(ids), [str(i) for i in ids[:5]], _ADVICE[kind])
        for kind, ids in found.items()
        if ids
    ]
    return Verification(checked | {"spaces": len(vector.spaces())}, problems)


def _vectors(pair: StorePair, checked: dict[str, int]) -> dict[str, list[str]]:
    damaged = pair.vector.verify()
    found: dict[str, list[str]] = {"vector_bytes": [], "vector_missing": [], "self_hit": []}
    for space in pair.vector.spaces():
        named = pair.graph.vectors_of(space)
        checked["vectors"] += len(named)
        bad = damaged.loc[damaged["space"] == space, "vid"]
        broken = named["vid"].isin(bad)
        gone = ~named["vid"].isin(pair.vector.vids(space))
        found["vector_bytes"] += named.loc[broken, "appearance_id"].tolist()
        found["vector_missing"] += named.loc[gone, "appearance_id"].tolist()
        sound = named[~broken & ~gone]
        sample = sound.iloc[:: max(1, len(sound) // _SAMPLE)]
        found["self_hit"] += [
            f"{appearance_id} ({space})"
            for appearance_id, vid in zip(sample["appearance_id"], sample["vid"], strict=True)
            if not _hits(pair, space, int(vid))
        ]
    return found


def _hits(pair: StorePair, space: str, vid: int) -> bool:
    own = pair.vector.get(space, np.array([vid]))
    return vid in pair.vector.search(space, own, k=1)["vid"].to_list()


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
    with pair.graph.snapshot():
        for label, table in {**schema.NODES, **schema.EDGES}.items():
            if not table.derived:
                for block in _texts(table, stored(pair.graph, label)):
                    digest.update(block)
        for name, space in sorted(pair.vector.spaces().items()):
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
