"""Rows of a table by key: new ones are written, known values are not contradicted in silence."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from workbench import schema, times
from workbench.errors import ConflictError, StoreDamagedError
from workbench.schema import Table
from workbench.storage.pair import StorePair
from workbench.stores.graph.base import GraphStore, Selection

_STAMPS = ("created_at", "updated_at", "load_id")


@dataclass(frozen=True, slots=True)
class Merge:
    """What came of merging rows into a table.

    Parameters
    ----------
    added, changed, unchanged : int
        Rows that were not there; that were there and say more or other things now; the rest.
    conflicts : DataFrame
        ``row, column, stored, given``: known values that a row contradicts.
    before : DataFrame
        The changed rows as they were.
    """

    added: int
    changed: int
    unchanged: int
    conflicts: pd.DataFrame
    before: pd.DataFrame


def table_named(label: str) -> Table:
    """Return the table of a label or kind."""
    return schema.NODES.get(label) or schema.EDGES[label]


def stored(graph: GraphStore, label: str, like: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return the rows of a label or kind: all, or those that begin with a key of `like`."""
    first = None
    if like is not None:
        first = like[table_named(label).key[0]].unique().tolist()
    if label in schema.NODES:
        return graph.nodes(label, ids=first)
    return graph.edges(label, src=first)


def _known(graph: GraphStore, label: str, given: pd.DataFrame, update: bool) -> pd.DataFrame:
    """Return what is stored of these rows; of a damaged one nothing, if it is to be overwritten."""
    try:
        return stored(graph, label, given)
    except StoreDamagedError:
        if not update or label not in schema.NODES:
            raise
    parts = []
    for number in range(len(given)):
        try:
            parts.append(stored(graph, label, given.iloc[[number]]))
        except StoreDamagedError:  # written anew, whole, as if it had not been there
            continue
    return pd.concat(parts) if parts else table_named(label).empty()


def put(graph: GraphStore, label: str, rows: pd.DataFrame) -> None:
    """Write rows of a label or kind, inside a unit of work."""
    if label in schema.NODES:
        graph.upsert_nodes(label, rows)
    else:
        graph.upsert_edges(label, rows)


def merge_rows(
    pair: StorePair,
    label: str,
    frame: pd.DataFrame,
    *,
    update: bool = False,
    strict: bool = False,
    load_id: str | None = None,
) -> Merge:
    """Write what rows say that the store did not know; return what came of it.

    An unknown value says nothing: it neither contradicts nor overwrites a known one.

    Parameters
    ----------
    update : bool
        Overwrite known values that differ; otherwise such a row is left out as a conflict.
    strict : bool
        Refuse all rows when there is a conflict.
    load_id : str, optional
        The load that new rows belong to.
    """
    table = table_named(label)
    given = table.check(frame)
    there, old = _matched(given, _known(pair.graph, label, given, update), table)
    conflicts, changed = _differences(given, old, there, table)
    if strict and len(conflicts):
        raise _refusal(label, given, conflicts, table)
    clash = np.zeros(len(given), dtype=bool)
    if not update:
        clash[conflicts["row"].to_numpy(dtype="int64")] = True
    rows = _joined(given, old, there, changed, table, load_id)
    chosen = (~there | changed) & ~clash
    work = table.coerce(with_zero_statistics(label, rows[chosen].reset_index(drop=True)))[0]
    if len(work):
        with pair.unit():
            put(pair.graph, label, work)
            refresh_after(pair.graph, label, work)
    touched = changed & there & ~clash
    before = table.coerce(old[touched].reset_index(drop=True))[0]
    added = int((~there).sum())
    return Merge(
        added, int(touched.sum()), len(given) - added - int(touched.sum()), conflicts, before
    )


def conflicts_with(label: str, frame: pd.DataFrame, known: pd.DataFrame | None) -> pd.DataFrame:
    """Return what merging would find contradicted: ``row, column, stored, given``."""
    table = table_named(label)
    given = table.check(frame)
    there, old = _matched(given, table.empty() if known is None else known, table)
    return _differences(given, old, there, table)[0]


def new_among(label: str, frame: pd.DataFrame, known: pd.DataFrame | None) -> int:
    """Return how many rows merging would add."""
    if known is None:
        return len(frame)
    table = table_named(label)
    return int((~_matched(table.check(frame), known, table)[0]).sum())


def refresh_after(graph: GraphStore, label: str, rows: pd.DataFrame) -> None:
    """Keep statistics true: a clock offset moves everybody whom the camera saw."""
    if label == "Identity":
        graph.refresh_statistics(rows["id"].tolist())
    if label == "Camera":
        seen = graph.sightings(Selection(cameras=rows["id"].tolist(), unidentified=False))
        graph.refresh_statistics(sorted(seen["identity_id"].unique()))
        if graph.counts()["PROBABLE_MATCH"]:
            seen = graph.sightings(Selection(cameras=rows["id"].tolist()))
            refresh_gaps(graph, seen["id"].tolist())


def refresh_gaps(graph: GraphStore, appearance_ids: list[str]) -> None:
    """Recompute the ``temporal_gap`` of the candidate pairs of these appearances."""
    if not graph.counts()["PROBABLE_MATCH"]:
        return
    kind, both = "PROBABLE_MATCH", ["appearance_a", "appearance_b"]
    edges = [graph.edges(kind, src=appearance_ids), graph.edges(kind, dst=appearance_ids)]
    pairs = pd.concat(edges, ignore_index=True).drop_duplicates(both, ignore_index=True)
    if len(pairs):
        pairs["temporal_gap"] = gaps_of(graph, pairs)
        graph.upsert_edges(kind, pairs)


def gaps_of(graph: GraphStore, pairs: pd.DataFrame) -> np.ndarray:
    """Return the time between the two appearances of each pair, seconds."""
    a, b = pairs["appearance_a"], pairs["appearance_b"]
    ids = pd.concat([a, b]).unique().tolist()
    when = times.to_us(graph.sightings(Selection(ids=ids)).set_index("id")["timestamp"])
    gap = when.reindex(a).to_numpy(dtype="int64") - when.reindex(b).to_numpy(dtype="int64")
    return np.abs(gap) / 1e6


def with_zero_statistics(label: str, rows: pd.DataFrame) -> pd.DataFrame:
    """Return identities with the statistics of somebody never seen, where they have none."""
    if label != "Identity":
        return rows
    out = rows.copy()
    for name, empty in (("num_appearances", 0), ("num_cameras", 0), ("has_face", False)):
        out[name] = out[name].fillna(empty) if name in out else empty
    if "stated_confidence" in out:
        unknown = pd.Series(np.nan, index=out.index)
        score = out.get("confidence_score", unknown)
        out["confidence_score"] = score.fillna(out["stated_confidence"])
    return out


def _matched(
    given: pd.DataFrame, known: pd.DataFrame, table: Table
) -> tuple[np.ndarray, pd.DataFrame]:
    """Return which rows are there already, and what is stored of each, missing where not."""
    key = list(table.key)
    old = given[key].merge(known, on=key, how="left", indicator=True)
    there = (old.pop("_merge") == "both").to_numpy()
    return there, old


def _differences(
    given: pd.DataFrame, old: pd.DataFrame, there: np.ndarray, table: Table
) -> tuple[pd.DataFrame, np.ndarray]:
    parts = []
    changed = np.zeros(len(given), dtype=bool)
    for column in table.columns:
        name = column.name
        if name in table.key or name in _STAMPS or column.statistic:
            continue
        equal = (given[name] == old[name]).fillna(False).to_numpy(dtype=bool)
        differs = there & given[name].notna().to_numpy() & ~equal
        changed |= differs
        at = (differs & old[name].notna().to_numpy()).nonzero()[0]
        cells = [frame[name].iloc[at].map(str).to_numpy(dtype=object) for frame in (old, given)]
        parts.append(
            pd.DataFrame({"row": at, "column": name, "stored": cells[0], "given": cells[1]})
        )
    return pd.concat(parts, ignore_index=True), changed


def _joined(
    given: pd.DataFrame,
    old: pd.DataFrame,
    there: np.ndarray,
    changed: np.ndarray,
    table: Table,
    load_id: str | None,
) -> pd.DataFrame:
    """Return the rows as they are to be stored: known values where nothing was given."""
    now = pd.Timestamp.now("UTC").as_unit("us")
    rows = given.copy()
    for column in table.columns:
        name = column.name
        if name in table.key:
            continue
        if column.statistic or name in _STAMPS:
            rows[name] = rows[name].where(~there, old[name])
        else:
            rows[name] = rows[name].where(rows[name].notna(), old[name])
    if load_id is not None and "load_id" in rows:
        # Who came with an earlier load stays with it: taking this one back must not delete it.
        rows["load_id"] = rows["load_id"].where(there, load_id)
    if "created_at" in rows:
        rows["created_at"] = rows["created_at"].fillna(now)
    if "updated_at" in rows:
        rows["updated_at"] = rows["updated_at"].where(~(changed | ~there), now)
    return rows


def _refusal(
    label: str, given: pd.DataFrame, conflicts: pd.DataFrame, table: Table
) -> ConflictError:
    first = conflicts.iloc[0]
    name = ", ".join(str(given.iloc[int(first["row"])][key]) for key in table.key)
    return ConflictError(
        f"{label} {name!r} is there with {first['column']} {first['stored']!r}, "
        f"not {first['given']!r}.",
        where=f"row {first['row']}, column {first['column']}",
        next="Leave it out, or change it with the update method.",
    )
