"""Batches of appearances: what is new, what is the same, what contradicts, and writing it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from workbench import schema
from workbench.errors import ConflictError, InvalidInputError
from workbench.schema import canonical_json
from workbench.storage.pair import StorePair
from workbench.storage.rows import refresh_gaps, with_zero_statistics
from workbench.stores.graph.base import Selection

# What a row says about the appearance itself; where it came from may differ without a conflict.
_ORIGIN = ("load_id", "source_file", "source_row", "created_at")
CONTENT = [name for name in schema.APPEARANCE.names if name not in _ORIGIN]

Matrices = Mapping[str, tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What writing rows would do.

    Parameters
    ----------
    outcome : Series of str
        ``new``, ``same`` or ``differs`` for each row.
    conflicts : DataFrame
        ``id, column, stored, given`` of everything that differs.
    """

    outcome: pd.Series
    conflicts: pd.DataFrame


@dataclass(frozen=True, slots=True)
class Written:
    """What a batch did.

    Parameters
    ----------
    outcome : Series of str
        ``new``, ``same``, ``differs`` (overwritten) or ``conflict`` (left alone) for each row.
    conflicts : DataFrame
        ``id, column, stored, given`` of what differs and was left alone.
    identities, cameras : list of str
        Ids of those that were made.
    vectors : dict of str to int
        Vectors written, by space.
    before : DataFrame
        The overwritten appearances as they were (columns of ``schema.SIGHTING``).
    lost : list of str
        Those of them whose vectors were replaced.
    """

    outcome: pd.Series
    conflicts: pd.DataFrame
    identities: list[str] = field(default_factory=list)
    cameras: list[str] = field(default_factory=list)
    vectors: dict[str, int] = field(default_factory=dict)
    before: pd.DataFrame = field(default_factory=schema.SIGHTING.empty)
    lost: list[str] = field(default_factory=list)

    def count(self, outcome: str) -> int:
        """Return how many rows had this outcome."""
        return int((self.outcome == outcome).sum())


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is to be done with each row, and which rows are written."""

    outcome: pd.Series
    conflicts: pd.DataFrame
    chosen: np.ndarray


class AppearanceWriter:
    """Writes appearances with their vectors and links, one unit of work a batch."""

    def __init__(self, pair: StorePair) -> None:
        self._pair = pair
        self._graph = pair.graph
        self._vector = pair.vector

    def write(
        self,
        rows: pd.DataFrame,
        matrices: Matrices,
        *,
        create: bool,
        update: bool = False,
        strict: bool = False,
    ) -> Written:
        """Write checked rows in one unit of work.

        Parameters
        ----------
        rows : DataFrame
            All columns of ``schema.APPEARANCE`` and ``identity_id``, ids unique.
        matrices : mapping of str to (array, mask)
            Vectors in the order of the rows, and which rows have one.
        create : bool
            Make identities, cameras and places that are not there.
        update : bool
            Overwrite what differs; otherwise it is a conflict.
        strict : bool
            Refuse the whole batch when there is a conflict.
        """
        seen = self._graph.sequence()
        plan = self._plan(rows, matrices, update=update, strict=strict)
        if not plan.chosen.any():
            return Written(plan.outcome, plan.conflicts)
        wanted = {space: int(mask.sum()) for space, (_, mask) in matrices.items() if mask.any()}
        vids = {space: self._graph.allocate_vids(n) for space, n in wanted.items()}
        with self._pair.unit():
            if self._graph.sequence() != seen:  # somebody wrote between the look and the lock
                plan = self._plan(rows, matrices, update=update, strict=strict)
            work = rows[plan.chosen].reset_index(drop=True)
            # A copy of a batch of vectors costs as much as encoding it: none where all are meant.
            picked = {
                space: (matrix if plan.chosen.all() else matrix[plan.chosen], mask[plan.chosen])
                for space, (matrix, mask) in matrices.items()
            }
            before, lost = schema.SIGHTING.empty(), []
            if (plan.outcome == "differs").any():
                before = self._graph.sightings(Selection(ids=work["id"].tolist()))
                lost = self._replaced(before["id"].tolist(), work, picked)
                work = _over(work, before)
            made = self._commit(work, picked, vids, before, create=create)
            if len(before):
                refresh_gaps(self._graph, before["id"].tolist())
        self._pair.sweep()
        return Written(plan.outcome, plan.conflicts, *made, before, lost)

    def _plan(self, rows: pd.DataFrame, matrices: Matrices, *, update: bool, strict: bool) -> _Plan:
        foreseen = self.foresee(rows, matrices)
        outcome, conflicts = foreseen.outcome, foreseen.conflicts
        if update:
            conflicts = _conflicts({})
        elif strict and len(conflicts):
            raise _refusal(conflicts.iloc[0])
        else:
            outcome = outcome.mask(outcome == "differs", "conflict")
        return _Plan(outcome, conflicts, outcome.isin(["new", "differs"]).to_numpy())

    def foresee(self, rows: pd.DataFrame, matrices: Matrices | None = None) -> Foreseen:
        """Return what writing these rows would do.

        A cell that is not given contradicts nothing. A given one that differs from what is
        stored does, also where nothing is stored: the row says more than it did.
        """
        outcome = pd.Series("new", index=rows.index, dtype="str")
        known = self._graph.sightings(Selection(ids=rows["id"].tolist()))
        if known.empty:
            return Foreseen(outcome, _conflicts({}))
        known["timestamp"] = known["timestamp_recorded"]
        there = rows["id"].isin(known["id"])
        outcome[there] = "same"
        mine = rows[there]
        theirs = known.set_index("id").reindex(mine["id"])
        found: dict[str, list[str]] = {"id": [], "column": [], "stored": [], "given": []}
        for name in [*CONTENT[1:], "identity_id"]:
            given, stored = mine[name], theirs[name].set_axis(mine.index)
            differs = given.notna() & ~(given == stored).fillna(False).astype(bool)
            _note(found, mine["id"], name, stored, given, differs)
            outcome[differs[differs].index] = "differs"
        for space, (matrix, mask) in (matrices or {}).items():
            differs = self._vectors_differ(space, mine, matrix, mask)
            text = pd.Series("another vector, or none", index=mine.index)
            _note(found, mine["id"], f"vector {space}", text, text, differs)
            outcome[differs[differs].index] = "differs"
        return Foreseen(outcome, _conflicts(found))

    def _vectors_differ(
        self, space: str, mine: pd.DataFrame, matrix: np.ndarray, mask: np.ndarray
    ) -> pd.Series:
        differs = pd.Series(mask[mine.index], index=mine.index)
        if space not in self._pair.spaces() or not differs.any():
            return differs
        named = self._graph.vectors_of(space, mine["id"].tolist()).set_index("appearance_id")
        both = differs & mine["id"].isin(named.index)
        if both.any():
            vids = named["vid"].reindex(mine.loc[both, "id"]).to_numpy(dtype="int64")
            stored = self._vector.checksums(space, vids)
            given = self._vector.encode_checksums(space, matrix[both[both].index])
            differs[both] = stored != given
        return differs

    def _replaced(self, ids: list[str], work: pd.DataFrame, matrices: Matrices) -> list[str]:
        found: set[str] = set()
        for space, (_, mask) in matrices.items():
            named = self._graph.vectors_of(space, ids)["appearance_id"]
            found |= set(named) & set(work.loc[mask, "id"])
        return sorted(found)

    def _commit(
        self,
        work: pd.DataFrame,
        matrices: Matrices,
        first: Mapping[str, int],
        before: pd.DataFrame,
        *,
        create: bool,
    ) -> tuple[list[str], list[str], dict[str, int]]:
        """Write inside the unit of work; return the identities, cameras and vectors made.

        `first` are the first row ids, by space, `before` the sightings of what is overwritten.
        """
        graph, now = self._graph, pd.Timestamp.now("UTC").as_unit("us")
        if not create:
            for name in ("camera", "place", "identity"):
                self._pair.require(name, work[f"{name}_id"])
        work["created_at"] = work["created_at"].fillna(now)
        names = {}
        for space, (matrix, mask) in matrices.items():
            if not mask.any():
                continue
            given = matrix if mask.all() else matrix[mask]
            self._pair.make_space(space, given.shape[1])
            vids = np.arange(first[space], first[space] + len(given), dtype="int64")
            self._vector.put(space, vids, given)
            names[space] = pd.DataFrame({"appearance_id": work.loc[mask, "id"], "vid": vids})
        identities, cameras = self._make_missing(work, now) if create else ([], [])
        links = _links(work, before, now)
        graph.upsert_appearances(work[schema.APPEARANCE.names], links)
        for space, frame in names.items():
            graph.name_vectors(space, frame)
        touched = set(before["identity_id"].dropna()) | set(links["identity_id"])
        graph.refresh_statistics(sorted(touched))
        return identities, cameras, {space: len(frame) for space, frame in names.items()}

    def _make_missing(self, work: pd.DataFrame, now: pd.Timestamp) -> tuple[list[str], list[str]]:
        made = {}
        columns = {"Camera": "camera_id", "Place": "place_id", "Identity": "identity_id"}
        for label, column in columns.items():
            wanted = work[[column, "load_id"]].dropna(subset=[column]).drop_duplicates(column)
            known = self._graph.known(label, wanted[column].tolist())
            new = wanted[~wanted[column].isin(known)].rename(columns={column: "id"})
            new = new.assign(created_at=now, updated_at=now, cluster_method="ingest")
            rows = schema.NODES[label].coerce(with_zero_statistics(label, new))[0]
            self._graph.upsert_nodes(label, rows)
            made[label] = rows["id"].tolist()
        return made["Identity"], made["Camera"]


def checked_appearances(frame: pd.DataFrame) -> pd.DataFrame:
    """Return checked rows with ``identity_id``; columns of other names become properties.

    Raises
    ------
    InvalidInputError
        Naming the row and column.
    """
    others = [c for c in schema.as_table(frame).columns if c not in schema.SIGHTING.names]
    given = frame.reset_index(drop=True)
    if others:
        given = given.assign(properties=schema.properties_text(given, others))
    rows = schema.APPEARANCE.check(given)
    nowhere = (rows["camera_id"].isna() == rows["place_id"].isna()).to_numpy().nonzero()[0]
    if len(nowhere):
        raise InvalidInputError(
            "An appearance needs either a camera or a place.",
            where=f"row {nowhere[0]}, column camera_id",
            next="Give camera_id, or place_id where there was no camera.",
        )
    if "identity_id" not in given:
        given = given.assign(identity_id=pd.Series(pd.NA, index=given.index, dtype="str"))
    who = schema.SIGHTING.column("identity_id")
    rows["identity_id"], reasons = schema.coerce_column(given["identity_id"], who)
    wrong = reasons.notna().to_numpy().nonzero()[0]
    if len(wrong):
        raise InvalidInputError(
            f"identity_id cannot be used: {reasons.iloc[wrong[0]]}.",
            where=f"row {wrong[0]}, column identity_id",
            next="Correct it; nothing was written.",
        )
    return rows


def changed(frame: pd.DataFrame, old: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of `frame` filled up from the stored ones: whole rows again.

    A missing cell leaves a value as it is. A row that names a camera leaves its place, and the
    other way round. Columns of other names change these properties and leave the others.
    """
    given = frame.reset_index(drop=True)
    stored = old.assign(timestamp=old["timestamp_recorded"]).set_index("id")
    stored = stored.reindex(given["id"].astype("str")).reset_index()
    for mine, other in (("camera_id", "place_id"), ("place_id", "camera_id")):
        if mine in given:
            stored[other] = stored[other].mask(given[mine].notna())
    out = pd.DataFrame({"id": given["id"]})
    for name in [*CONTENT[1:], "identity_id"]:
        known = stored[name].astype(object)
        out[name] = (
            given[name].astype(object).where(given[name].notna(), known)
            if name in given
            else stored[name]
        )
    others = [name for name in given.columns if name not in schema.SIGHTING.names]
    if others:
        new = schema.properties_text(given, others)
        out["properties"] = [_joined(*texts) for texts in zip(out["properties"], new, strict=True)]
    return out


def _joined(old: object, new: object) -> str | None:
    said = [json.loads(text) for text in (old, new) if isinstance(text, str)]
    return canonical_json({k: v for part in said for k, v in part.items()}) if said else None


def _over(work: pd.DataFrame, before: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with what they leave unknown filled from what is stored."""
    old = before.assign(timestamp=before["timestamp_recorded"]).set_index("id")
    old = old.reindex(work["id"]).reset_index()
    there = work["id"].isin(before["id"])
    # It was seen in one spot: whoever moves it to a camera takes it from its place.
    old["place_id"] = old["place_id"].mask(work["camera_id"].notna())
    old["camera_id"] = old["camera_id"].mask(work["place_id"].notna())
    out = work.copy()
    for name in [*CONTENT[1:], "identity_id"]:
        out[name] = out[name].where(out[name].notna(), old[name])
    for name in _ORIGIN:
        # A row keeps the load that brought it: taking a later load back must not delete it.
        out[name] = out[name].where(~there, old[name])
    return out


def _links(work: pd.DataFrame, before: pd.DataFrame, now: pd.Timestamp) -> pd.DataFrame:
    linked = work[work["identity_id"].notna()].reset_index(drop=True)
    links = pd.DataFrame(
        {
            "identity_id": linked["identity_id"],
            "appearance_id": linked["id"],
            "confidence": linked["match_confidence"],
            "method": "deterministic",
            "created_at": now,
        }
    )
    # A link that is there already is left as it is: who made it is part of it.
    old = before.set_index("id")["identity_id"].reindex(links["appearance_id"])
    new = (old.to_numpy(dtype=object) != links["identity_id"].to_numpy(dtype=object)).astype(bool)
    return schema.HAS_APPEARANCE.coerce(links[new])[0]


def _refusal(first: pd.Series) -> ConflictError:
    return ConflictError(
        f"Appearance {first['id']!r} is there with {first['column']} {first['stored']}, "
        f"not {first['given']}.",
        where=f"appearance {first['id']}, column {first['column']}",
        next="Give it another id, or change it with bench.appearances.update(...).",
    )


def _note(
    found: dict[str, list[str]],
    ids: pd.Series,
    column: str,
    stored: pd.Series,
    given: pd.Series,
    differs: pd.Series,
) -> None:
    found["id"] += ids[differs].tolist()
    found["column"] += [column] * int(differs.sum())
    found["stored"] += ["nothing" if pd.isna(v) else str(v) for v in stored[differs]]
    found["given"] += [str(value) for value in given[differs]]


def _conflicts(found: Mapping[str, list[str]]) -> pd.DataFrame:
    names = ["id", "column", "stored", "given"]
    return pd.DataFrame({n: pd.Series(list(found.get(n, [])), dtype="str") for n in names})
