"""All writes of the product, and reads by id: a graph store and a vector store kept one.

*Name what you wrote*: vectors go first, under fresh row ids, durable; then one transaction of the
graph names them, together with appearances, links and statistics. That commit is the only one that
counts. What no committed row names is invisible and gets swept.
"""

from __future__ import annotations

import uuid
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np
import pandas as pd

from workbench import schema, times
from workbench.errors import ConflictError, InvalidInputError, NotFoundError, StoreError
from workbench.errors import ServerAwayError
from workbench.model import Appearance, Camera, Identity, records_of, table_of
from workbench.stores.graph.base import GraphStore, Selection
from workbench.stores.vectors.base import (
    DEFAULT_PRECISION,
    VectorSpace,
    VectorStore,
    checked,
)

# What a row says about the appearance itself; where it came from may differ without a conflict.
CONTENT = [
    name
    for name in schema.APPEARANCE.names
    if name not in ("load_id", "source_file", "source_row", "created_at")
]


@dataclass(frozen=True, slots=True)
class Written:
    """What a batch did: ids by outcome; ``conflicts`` says in which column each one differs."""

    added: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    conflicts: pd.DataFrame = field(default_factory=lambda: _conflicts({}))
    identities: list[str] = field(default_factory=list)
    cameras: list[str] = field(default_factory=list)
    vectors: dict[str, int] = field(default_factory=dict)


class StorageManager(ABC):
    """What a store of identities offers, under the names of the requirement document."""

    @abstractmethod
    def create_identity(self, identity: Identity) -> str:
        """Create an identity and return its id; the same again changes nothing."""

    @abstractmethod
    def create_appearance(self, appearance: Appearance) -> str:
        """Create an appearance and return its id; the same again changes nothing."""

    @abstractmethod
    def link_appearance_to_identity(
        self,
        appearance_id: str,
        identity_id: str,
        confidence: float | None = None,
        method: str | None = None,
    ) -> None:
        """Link an appearance to an identity; a link to another one is moved."""

    @abstractmethod
    def find_similar_faces(
        self, embedding: np.ndarray, k: int = 10, min_similarity: float | None = None
    ) -> list[tuple[str, float]]:
        """Return appearance ids and cosines of the nearest faces."""

    @abstractmethod
    def get_identity(self, identity_id: str) -> Identity | None:
        """Return the identity, or None."""

    @abstractmethod
    def get_identity_appearances(
        self,
        identity_id: str,
        start_time: datetime | str | None = None,
        end_time: datetime | str | None = None,
    ) -> list[Appearance]:
        """Return her appearances in time order; the range is half-open."""


class HybridStorageManager(StorageManager):
    """A graph store and a vector store as one.

    Parameters
    ----------
    graph : GraphStore
        Offered as ``.graph``.
    vector : VectorStore
        Offered as ``.vector``.
    space_settings : mapping of str to dict, optional
        Settings of spaces that are not there yet: ``dim``, ``precision``, ``index_type``,
        ``model_id``, ``threshold``. A space takes its dimension from its first vectors otherwise.
    """

    def __init__(
        self,
        graph: GraphStore,
        vector: VectorStore,
        *,
        space_settings: Mapping[str, Mapping[str, object]] | None = None,
    ) -> None:
        self.graph = graph
        self.vector = vector
        self.space_settings = dict(space_settings or {})
        if hasattr(vector, "named_by"):
            vector.named_by(graph.owners)

    def close(self) -> None:
        """Close both stores."""
        self.vector.close()
        self.graph.close()

    @contextmanager
    def unit(self) -> Iterator[None]:
        """Open one unit of work; a commit whose answer was lost is looked up before giving up."""
        op_id = uuid.uuid4().hex
        try:
            with self.graph.transaction(op_id):
                yield
        except (ServerAwayError, StoreError):
            if self.graph.settled(op_id) is None:
                raise

    # ------------------------------------------------------------------ appearances
    def create_appearance(self, appearance: Appearance) -> str:
        self.add_appearances(_appearance_row(appearance))
        return appearance.id

    def store_appearance_with_embeddings(
        self,
        appearance: Appearance,
        face_embedding: np.ndarray | None = None,
        reid_embedding: np.ndarray | None = None,
    ) -> str:
        """Create an appearance with its vectors, all or nothing, and return its id."""
        given = {"face": face_embedding, "reid": reid_embedding}
        vectors = {name: np.atleast_2d(v) for name, v in given.items() if v is not None}
        self.add_appearances(_appearance_row(appearance), vectors=vectors)
        return appearance.id

    def add_appearances(
        self, frame: pd.DataFrame, *, vectors: Mapping[str, np.ndarray] | None = None
    ) -> Written:
        """Create appearances, all or none; cameras, places and identities have to exist.

        Parameters
        ----------
        frame : DataFrame
            Columns of ``schema.APPEARANCE`` and ``identity_id``.
        vectors : mapping of str to array (n, dim), optional
            By space, in the order of the rows; a row of nothing but NaN is "no vector".

        Raises
        ------
        InvalidInputError, ConflictError, NotFoundError
            Nothing was written.
        """
        rows = _checked_appearances(frame)
        matrices = {space: self.matrix(space, m, len(rows)) for space, m in (vectors or {}).items()}
        written = self.write_appearances(rows, matrices, create=False, strict=True)
        return written

    def write_appearances(
        self,
        rows: pd.DataFrame,
        matrices: Mapping[str, tuple[np.ndarray, np.ndarray]],
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
        outcome, conflicts = self._compare(rows, matrices)
        if len(conflicts) and not update:
            if strict:
                first = conflicts.iloc[0]
                raise ConflictError(
                    f"Appearance {first['id']!r} is there with another {first['column']}.",
                    where=f"appearance {first['id']}, column {first['column']}",
                    next="Give it another id, or change it with bench.appearances.update(...).",
                )
            outcome = outcome.mask(outcome == "differs", "conflict")
        chosen = outcome.isin(["new", "differs"]).to_numpy()
        work = rows[chosen].reset_index(drop=True)
        if update:
            work = self._over_old(work)
        picked = {
            space: (matrix[chosen], mask[chosen]) for space, (matrix, mask) in matrices.items()
        }
        made = self._write(work, picked, create=create) if len(work) else ({}, {}, {})
        return Written(
            added=rows.loc[outcome == "new", "id"].tolist(),
            updated=rows.loc[outcome == "differs", "id"].tolist(),
            unchanged=rows.loc[outcome == "same", "id"].tolist(),
            conflicts=conflicts,
            identities=list(made[0]),
            cameras=list(made[1]),
            vectors=dict(made[2]),
        )

    def _compare(
        self, rows: pd.DataFrame, matrices: Mapping[str, tuple[np.ndarray, np.ndarray]]
    ) -> tuple[pd.Series, pd.DataFrame]:
        """Return new / same / differs for each row, and the columns that differ.

        An unknown value contradicts nothing: only what is given and different is a conflict.
        """
        outcome = pd.Series("new", index=rows.index, dtype="str")
        known = self.graph.sightings(Selection(ids=rows["id"].tolist()))
        if known.empty:
            return outcome, _conflicts({})
        known["timestamp"] = known["timestamp_recorded"]
        there = rows["id"].isin(known["id"])
        outcome[there] = "same"
        mine = rows[there]
        theirs = known.set_index("id").reindex(mine["id"])
        found: dict[str, list] = {"id": [], "column": [], "stored": [], "given": []}
        for name in [*CONTENT[1:], "identity_id"]:
            given, stored = mine[name], theirs[name].set_axis(mine.index)
            differs = given.notna() & ~(given == stored).fillna(False).astype(bool)
            _note(found, mine["id"], name, stored, given, differs)
            outcome[differs[differs].index] = "differs"
        for space, (matrix, mask) in matrices.items():
            differs = self._vectors_differ(space, mine, matrix, mask)
            text = pd.Series("a vector", index=mine.index)
            _note(found, mine["id"], f"vector {space}", text, text, differs)
            outcome[differs[differs].index] = "differs"
        return outcome, _conflicts(found)

    def _vectors_differ(
        self, space: str, mine: pd.DataFrame, matrix: np.ndarray, mask: np.ndarray
    ) -> pd.Series:
        differs = pd.Series(mask[mine.index], index=mine.index)
        if space not in self.vector.spaces() or not differs.any():
            return differs
        named = self.graph.vectors_of(space, mine["id"].tolist()).set_index("appearance_id")["vid"]
        both = differs & mine["id"].isin(named.index)
        if both.any():
            vids = named.reindex(mine.loc[both, "id"]).to_numpy(dtype="int64")
            stored = self.vector.checksums(space, vids)
            given = self.vector.encode_checksums(space, matrix[both[both].index])
            differs[both] = stored != given
        return differs

    def _over_old(self, work: pd.DataFrame) -> pd.DataFrame:
        """Return the rows with what they leave unknown filled from what is stored."""
        old = self.graph.sightings(Selection(ids=work["id"].tolist())).set_index("id")
        old["timestamp"] = old["timestamp_recorded"]
        old = old.reindex(work["id"]).reset_index()
        # A row keeps the load that brought it: taking a later load back must not delete it.
        kept = old["created_at"].notna()
        out = work.copy()
        for name in [*schema.APPEARANCE.names, "identity_id"]:
            if name == "id":
                continue
            out[name] = out[name].where(out[name].notna(), old[name])
        for name in ("load_id", "source_file", "source_row", "created_at"):
            out[name] = out[name].where(~kept, old[name])
        return out

    def _write(
        self,
        work: pd.DataFrame,
        matrices: Mapping[str, tuple[np.ndarray, np.ndarray]],
        *,
        create: bool,
    ) -> tuple[list[str], list[str], dict[str, int]]:
        now = pd.Timestamp.now("UTC").as_unit("us")
        work["created_at"] = work["created_at"].fillna(now)
        vids = {
            space: self.graph.allocate_vids(int(mask.sum()))
            for space, (_, mask) in matrices.items()
            if mask.any()
        }
        before = self.graph.identities_of(work["id"].tolist())["identity_id"]
        with self.unit():
            names = {}
            for space, first in vids.items():
                matrix, mask = matrices[space]
                self._make_space(space, matrix.shape[1])
                ids = np.arange(first, first + int(mask.sum()), dtype="int64")
                self.vector.put(space, ids, matrix[mask])
                names[space] = pd.DataFrame({"appearance_id": work.loc[mask, "id"], "vid": ids})
            identities, cameras = self._make_missing(work, now) if create else ([], [])
            self.graph.upsert_nodes("Appearance", work[schema.APPEARANCE.names])
            links = self._links(work, now)
            self.graph.upsert_edges("HAS_APPEARANCE", links)
            for space, frame in names.items():
                self.graph.name_vectors(space, frame)
            touched = set(before.dropna()) | set(links["identity_id"])
            self.graph.refresh_statistics(sorted(touched))
        self.sweep()
        return identities, cameras, {space: len(frame) for space, frame in names.items()}

    def _links(self, work: pd.DataFrame, now: pd.Timestamp) -> pd.DataFrame:
        linked = work[work["identity_id"].notna()]
        links = pd.DataFrame(
            {
                "identity_id": linked["identity_id"],
                "appearance_id": linked["id"],
                "confidence": linked["match_confidence"],
                "method": "deterministic",
                "created_at": now,
            }
        )
        old = self.graph.identities_of(linked["id"].tolist())
        merged = links.merge(old, on=["identity_id", "appearance_id"], how="left", indicator=True)
        # A link that is there already is left as it is: who made it is part of it.
        return schema.HAS_APPEARANCE.coerce(links[(merged["_merge"] == "left_only").to_numpy()])[0]

    def _make_missing(self, work: pd.DataFrame, now: pd.Timestamp) -> tuple[list[str], list[str]]:
        made = {}
        for label, column in (
            ("Camera", "camera_id"),
            ("Place", "place_id"),
            ("Identity", "identity_id"),
        ):
            wanted = work[[column, "load_id"]].dropna(subset=[column]).drop_duplicates(column)
            known = self.graph.nodes(label, ids=wanted[column].tolist())["id"]
            new = wanted[~wanted[column].isin(known)].rename(columns={column: "id"})
            new = new.assign(created_at=now, updated_at=now, cluster_method="ingest")
            rows = schema.NODES[label].coerce(_with_zero_statistics(label, new))[0]
            self.graph.upsert_nodes(label, rows)
            made[label] = rows["id"].tolist()
        return made["Identity"], made["Camera"]

    def update_appearances(
        self, frame: pd.DataFrame, *, vectors: Mapping[str, np.ndarray] | None = None
    ) -> Written:
        """Change appearances that exist: the columns given, where they are not missing.

        Raises
        ------
        NotFoundError
            Naming the first id that is not there; nothing was written.
        """
        self._require("appearance", frame["id"])
        old = self.graph.sightings(Selection(ids=frame["id"].astype("str").tolist()))
        full = old.assign(timestamp=old["timestamp_recorded"]).set_index("id")
        full = full.reindex(frame["id"]).reset_index()
        given = frame.reset_index(drop=True)
        full = full[["id", *(c for c in CONTENT[1:] if c not in given), "identity_id"]]
        full = full.drop(columns="identity_id") if "identity_id" in given else full
        joint = pd.concat([full, given.drop(columns="id")], axis=1)
        rows = _checked_appearances(joint)
        matrices = {s: self.matrix(s, m, len(rows)) for s, m in (vectors or {}).items()}
        return self.write_appearances(rows, matrices, create=False, update=True)

    def delete_appearances(self, ids: Sequence[str]) -> int:
        """Delete appearances with their links and vectors; return how many.

        Raises
        ------
        NotFoundError
            Naming the first id that is not there; nothing was deleted.
        """
        keys = self._require("appearance", ids)
        touched = self.graph.identities_of(keys["id"].tolist())["identity_id"]
        with self.unit():
            gone = self.graph.delete_nodes("Appearance", keys)
            self.graph.refresh_statistics(sorted(set(touched)))
        self.sweep()
        return gone

    def get_appearance(self, appearance_id: str) -> Appearance | None:
        """Return the appearance, or None."""
        rows = self.graph.sightings(Selection(ids=[appearance_id]))
        return self._appearances(rows)[0] if len(rows) else None

    def get_identity_appearances(
        self,
        identity_id: str,
        start_time: datetime | str | None = None,
        end_time: datetime | str | None = None,
    ) -> list[Appearance]:
        self._require("identity", [identity_id])
        chosen = Selection(
            identities=[identity_id],
            start_us=None if start_time is None else times.instant(start_time, name="start"),
            end_us=None if end_time is None else times.instant(end_time, name="end"),
        )
        return self._appearances(self.graph.sightings(chosen))

    def _appearances(self, rows: pd.DataFrame) -> list[Appearance]:
        for space in ("face", "reid"):
            named = self.graph.vectors_of(space, rows["id"].tolist())
            vids = named.set_index("appearance_id")["vid"].astype("Int64")
            rows[f"{space}_embedding_idx"] = vids.reindex(rows["id"]).to_numpy()
        return records_of(rows, Appearance)

    # ------------------------------------------------------------------ identities and links
    def create_identity(self, identity: Identity) -> str:
        self.create_identities(table_of([identity], schema.IDENTITY))
        return identity.id

    def create_identities(self, frame: pd.DataFrame) -> int:
        """Create identities, all or none; return how many were new.

        Raises
        ------
        ConflictError
            When one is there with other content; nothing was written.
        """
        return self._create("Identity", frame)

    def update_identities(self, frame: pd.DataFrame) -> int:
        """Change identities that exist: the columns given, where they are not missing."""
        self._require("identity", frame["id"])
        return self.merge_rows("Identity", frame, update=True)[1]

    def delete_identities(self, ids: Sequence[str]) -> int:
        """Delete identities; their appearances stay, unidentified. Return how many."""
        keys = self._require("identity", ids)
        with self.unit():
            return self.graph.delete_nodes("Identity", keys)

    def get_identity(self, identity_id: str) -> Identity | None:
        rows = self.graph.nodes("Identity", ids=[identity_id])
        return records_of(rows, Identity)[0] if len(rows) else None

    def get_identities_for_appearances(self, appearance_ids: Sequence[str]) -> dict[str, str]:
        """Return the identity id of each of these appearances that has one."""
        links = self.graph.identities_of(list(appearance_ids))
        return dict(zip(links["appearance_id"], links["identity_id"], strict=True))

    def link_appearance_to_identity(
        self,
        appearance_id: str,
        identity_id: str,
        confidence: float | None = None,
        method: str | None = None,
    ) -> None:
        self.link(
            pd.DataFrame(
                {
                    "appearance_id": [appearance_id],
                    "identity_id": [identity_id],
                    "confidence": [confidence],
                    "method": [method],
                }
            )
        )

    def link(self, frame: pd.DataFrame) -> int:
        """Link appearances to identities (columns of HAS_APPEARANCE); return how many.

        Raises
        ------
        NotFoundError
            Naming the appearance or identity that is not there; nothing was written.
        """
        rows = schema.HAS_APPEARANCE.check(frame)
        self._require("appearance", rows["appearance_id"])
        self._require("identity", rows["identity_id"])
        rows["method"] = rows["method"].fillna("manual")
        before = self.graph.identities_of(rows["appearance_id"].tolist())
        since = before.set_index(["appearance_id", "identity_id"])["created_at"]
        keys = pd.MultiIndex.from_frame(rows[["appearance_id", "identity_id"]])
        now = pd.Timestamp.now("UTC").as_unit("us")
        rows["created_at"] = since.reindex(keys).fillna(now).to_numpy()
        rows["created_at"] = pd.to_datetime(rows["created_at"], utc=True).dt.as_unit("us")
        with self.unit():
            count = self.graph.upsert_edges("HAS_APPEARANCE", rows)
            touched = set(before["identity_id"]) | set(rows["identity_id"])
            self.graph.refresh_statistics(sorted(touched))
        return count

    def unlink(self, appearance_ids: Sequence[str]) -> int:
        """Make appearances unidentified; return how many were linked.

        Raises
        ------
        NotFoundError
            Naming the first id that is not there; nothing was changed.
        """
        keys = self._require("appearance", appearance_ids).rename(columns={"id": "appearance_id"})
        touched = self.graph.identities_of(keys["appearance_id"].tolist())["identity_id"]
        with self.unit():
            count = self.graph.delete_edges("HAS_APPEARANCE", keys)
            self.graph.refresh_statistics(sorted(set(touched)))
        return count

    # ------------------------------------------------------------------ cameras and other tables
    def add_cameras(self, frame: pd.DataFrame) -> int:
        """Create cameras, all or none; return how many were new."""
        return self._create("Camera", frame)

    def update_cameras(self, frame: pd.DataFrame) -> int:
        """Change cameras that exist: the columns given, where they are not missing."""
        self._require("camera", frame["id"])
        return self.merge_rows("Camera", frame, update=True)[1]

    def delete_cameras(self, ids: Sequence[str]) -> int:
        """Delete cameras that saw nothing, with their adjacency and outages; return how many."""
        keys = self._require("camera", ids)
        seen = self.graph.sightings(Selection(cameras=keys["id"].tolist(), limit=1))
        if len(seen):
            raise ConflictError(
                f"Camera {seen['camera_id'].iloc[0]!r} has appearances.",
                where=f"camera {seen['camera_id'].iloc[0]}",
                next="Delete its appearances first, or keep the camera.",
            )
        outages = self.graph.nodes("Outage", ids=keys["id"].tolist())
        with self.unit():
            self.graph.delete_nodes("Outage", outages)
            return self.graph.delete_nodes("Camera", keys)

    def get_camera(self, camera_id: str) -> Camera | None:
        """Return the camera, or None."""
        rows = self.graph.nodes("Camera", ids=[camera_id])
        return records_of(rows, Camera)[0] if len(rows) else None

    def add_adjacency(self, frame: pd.DataFrame) -> int:
        """Write ways between cameras that exist (``schema.ADJACENT_TO``); return how many."""
        rows = schema.ADJACENT_TO.check(frame)
        self._require("camera", pd.concat([rows["from_camera"], rows["to_camera"]]))
        rows["directed"] = rows["directed"].fillna(False)
        return self._stamped_edges("ADJACENT_TO", rows)

    def add_probable_matches(self, frame: pd.DataFrame) -> int:
        """Write candidate pairs of appearances (``schema.PROBABLE_MATCH``); return how many.

        The pair is put in order of id and its ``temporal_gap`` computed.
        """
        rows = schema.PROBABLE_MATCH.coerce(frame)[0]
        ends = ["appearance_a", "appearance_b"]
        same = (rows[ends[0]] == rows[ends[1]]).to_numpy().nonzero()[0]
        if len(same):
            raise InvalidInputError(
                "An appearance is no match of itself.", where=f"row {same[0]}", next="Leave it out."
            )
        swap = rows[ends[0]] > rows[ends[1]]
        rows.loc[swap, ends] = rows.loc[swap, ends[::-1]].to_numpy()
        rows = schema.PROBABLE_MATCH.check(rows)
        both = pd.concat([rows[ends[0]], rows[ends[1]]])
        self._require("appearance", both)
        seen = self.graph.sightings(Selection(ids=both.unique().tolist())).set_index("id")
        when = times.to_us(seen["timestamp"])
        gap = when.reindex(rows[ends[0]]).to_numpy() - when.reindex(rows[ends[1]]).to_numpy()
        rows["temporal_gap"] = np.abs(gap.astype("float64")) / 1e6
        return self._stamped_edges("PROBABLE_MATCH", rows)

    def _stamped_edges(self, kind: str, rows: pd.DataFrame) -> int:
        table = schema.EDGES[kind]
        old = self.graph.edges(kind).set_index(list(table.key))["created_at"]
        keys = pd.MultiIndex.from_frame(rows[list(table.key)])
        now = pd.Timestamp.now("UTC").as_unit("us")
        rows["created_at"] = pd.Series(old.reindex(keys).array, index=rows.index).fillna(now)
        with self.unit():
            return self.graph.upsert_edges(kind, rows)

    def _create(self, label: str, frame: pd.DataFrame) -> int:
        added, _, conflicts = self.merge_rows(label, frame, update=False, strict=True)
        return added

    def merge_rows(
        self,
        label: str,
        frame: pd.DataFrame,
        *,
        update: bool,
        strict: bool = False,
        load_id: str | None = None,
    ) -> tuple[int, int, pd.DataFrame]:
        """Write rows of a table by key: new ones, and what was unknown of those that are there.

        Returns
        -------
        added, changed : int
        conflicts : DataFrame
            Columns ``row, column, stored, given``: known values that the rows contradict. With
            `update` they are overwritten; with `strict` they are a ``ConflictError``.
        """
        table = schema.NODES.get(label) or schema.EDGES[label]
        rows = table.check(frame)
        key = list(table.key)
        joint = rows[key].merge(self._all(label), on=key, how="left")
        now = pd.Timestamp.now("UTC").as_unit("us")
        old = self._all(label).set_index(key).index
        there = pd.MultiIndex.from_frame(rows[key]).isin(old) if len(key) > 1 else rows[
            key[0]
        ].isin(old)
        there = np.asarray(there, dtype=bool)
        fixed = {"created_at", "updated_at", "load_id"}
        fixed |= {column.name for column in table.columns if column.statistic}
        content = [name for name in table.names if name not in key and name not in fixed]
        found: list[pd.DataFrame] = []
        changed = np.zeros(len(rows), dtype=bool)
        for name in content:
            given, stored = rows[name], joint[name]
            equal = (given == stored).fillna(False).astype(bool)
            differs = there & given.notna().to_numpy() & ~equal.to_numpy()
            clash = differs & stored.notna().to_numpy()
            if clash.any():
                at = clash.nonzero()[0]
                found.append(
                    pd.DataFrame(
                        {
                            "row": at,
                            "column": name,
                            "stored": stored.iloc[at].astype(object).to_numpy(),
                            "given": given.iloc[at].astype(object).to_numpy(),
                        }
                    )
                )
            changed |= differs
            rows[name] = given.where(given.notna(), stored)
        conflicts = pd.concat(found, ignore_index=True) if found else pd.DataFrame(
            columns=["row", "column", "stored", "given"]
        )
        if strict and len(conflicts):
            first = conflicts.iloc[0]
            name = ", ".join(str(rows.iloc[first["row"]][k]) for k in key)
            raise ConflictError(
                f"{label} {name!r} is there with another {first['column']}.",
                where=f"row {first['row']}, column {first['column']}",
                next="Leave it out, or change it with the update method.",
            )
        for name in fixed & set(table.names):
            rows[name] = joint[name].where(there, rows[name])
        if load_id is not None:
            rows["load_id"] = rows["load_id"].where(there, load_id)
        if "created_at" in table.names:
            rows["created_at"] = rows["created_at"].fillna(now)
        if "updated_at" in table.names:
            rows["updated_at"] = rows["updated_at"].where(~(changed | ~there), now)
        clashing = np.zeros(len(rows), dtype=bool)
        if not update and len(conflicts):
            clashing[conflicts["row"].to_numpy(dtype="int64")] = True
        write = (~there | changed) & ~clashing
        work = _with_zero_statistics(label, rows[write].reset_index(drop=True))
        work = table.coerce(work)[0]
        if len(work):
            with self.unit():
                if label in schema.NODES:
                    self.graph.upsert_nodes(label, work)
                else:
                    self.graph.upsert_edges(label, work)
                self._after_merge(label, work)
        return int((~there).sum()), int((changed & there & ~clashing).sum()), conflicts

    def _all(self, label: str) -> pd.DataFrame:
        return self.graph.nodes(label) if label in schema.NODES else self.graph.edges(label)

    def _after_merge(self, label: str, work: pd.DataFrame) -> None:
        """Keep statistics true: a clock offset moves everybody whom the camera saw."""
        if label == "Identity":
            self.graph.refresh_statistics(work["id"].tolist())
        if label == "Camera":
            seen = self.graph.sightings(Selection(cameras=work["id"].tolist(), unidentified=False))
            self.graph.refresh_statistics(sorted(seen["identity_id"].unique()))

    # ------------------------------------------------------------------ vectors
    def matrix(self, space: str, vectors: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
        """Return checked vectors (n, dim) of a space and which rows have one.

        Raises
        ------
        InvalidInputError
            For a wrong dimension or number of rows, NaN among numbers, infinity, length zero.
        """
        rows = [np.nan if row is None else row for row in vectors]  # None is "no vector" too
        known = self.vector.spaces().get(space)
        dims = {np.shape(row)[-1] for row in rows if np.ndim(row)}
        dim = known.dim if known else self._stated(space).get("dim") or max(dims, default=0)
        if len(rows) != n:
            raise InvalidInputError(
                f"{len(rows)} vectors were given for {n} appearances.",
                where=f"space {space}",
                next="Give one row for each appearance; a row of NaN is no vector.",
            )
        matrix = np.full((n, int(dim)), np.nan, dtype="float32")
        mask = np.zeros(n, dtype=bool)
        try:
            full = np.asarray(vectors, dtype="float64")
        except (TypeError, ValueError):
            full = None
        if full is not None and full.ndim == 2:
            mask = ~np.isnan(full).all(axis=1)
            matrix = np.full((n, full.shape[1]), np.nan, dtype="float32")
            chosen = full[mask]
        else:
            mask = np.array([np.ndim(row) > 0 for row in rows])
            chosen = np.array([row for row in rows if np.ndim(row)])
        if mask.any():
            chosen = checked(chosen, int(dim), what=f"{space} vector")
            matrix = np.full((n, int(dim)), np.nan, dtype="float32")
            matrix[mask] = chosen
        return matrix, mask

    def _stated(self, space: str) -> Mapping[str, object]:
        return self.space_settings.get(space, {})

    def space(self, name: str, dim: int) -> VectorSpace:
        """Return the space as it is, or as it will be made for vectors of `dim` numbers."""
        known = self.vector.spaces().get(name)
        if known is not None:
            return known
        made = VectorSpace(name, dim, DEFAULT_PRECISION.get(name, "float16"))
        stated = {key: value for key, value in self._stated(name).items() if value is not None}
        made = replace(made, **stated)
        if made.dim != dim:
            raise InvalidInputError(
                f"The configuration gives the space {name!r} {made.dim} dimensions; "
                f"the vectors have {dim}.",
                where=f"space {name}",
                next="Correct the configuration or give the right file.",
            )
        return made

    def _make_space(self, name: str, dim: int) -> None:
        if name not in self.vector.spaces():
            self.vector.create_space(self.space(name, dim))

    def find_similar_faces(
        self, embedding: np.ndarray, k: int = 10, min_similarity: float | None = None
    ) -> list[tuple[str, float]]:
        hits = self.nearest("face", embedding, k=k, min_similarity=min_similarity)
        return list(zip(hits["appearance_id"], hits["similarity"], strict=True))

    def nearest(
        self,
        space: str,
        queries: np.ndarray,
        *,
        k: int = 10,
        min_similarity: float | None = None,
        within: np.ndarray | None = None,
        exclude: Sequence[str] = (),
    ) -> pd.DataFrame:
        """Return the nearest named rows: ``query, appearance_id, vid, similarity, rank``.

        A threshold of the space is applied unless one is given; ties by appearance id. Rows of
        the appearances in `exclude` are left out. Always min(k, matches) rows a query.
        """
        found = self.vector.spaces().get(space)
        if found is None:
            self.vector.search(space, queries, k=k)  # says which spaces there are
        barred = set(exclude)
        more = len(barred)
        with self.graph.snapshot():
            while True:
                hits = self.vector.search(
                    space, queries, k=k + more, min_similarity=min_similarity, within=within
                )
                owned = hits.merge(self.graph.owners(space, hits["vid"].unique()), on="vid")
                owned = owned[~owned["appearance_id"].isin(barred)]
                # Rows that nobody names took places of rows that count: ask for more.
                found_all = hits.groupby("query").size()
                kept = owned.groupby("query").size().reindex(found_all.index).fillna(0)
                short = (kept < k) & (found_all >= k + more)
                if not short.any():
                    break
                more = 2 * (more + k)
        owned = owned.sort_values(
            ["query", "similarity", "appearance_id"], ascending=[True, False, True]
        )
        owned = owned.groupby("query", sort=False).head(k).reset_index(drop=True)
        owned["rank"] = owned.groupby("query").cumcount() + 1
        return owned[["query", "appearance_id", "vid", "similarity", "rank"]]

    def find_matching_identities(
        self,
        face_embedding: np.ndarray | None,
        reid_embedding: np.ndarray | None,
        k: int = 10,
        min_similarity: float | None = None,
    ) -> list[tuple[str, float]]:
        """Return identity ids and fused scores, best first, ties by id.

        The score of an identity is the mean, over the spaces asked, of the cosine of her nearest
        appearance in it; a space in which she has no vector does not count. It is a mean of
        cosines of two models, not a probability. `min_similarity` bounds the fused score.
        """
        given = {"face": face_embedding, "reid": reid_embedding}
        asked = {s: v for s, v in given.items() if v is not None and s in self.vector.spaces()}
        candidates: set[str] = set()
        for space, vector in asked.items():
            candidates |= set(self.nearest_identities(space, vector, k=k)["identity_id"])
        scores: dict[str, list[float]] = {name: [] for name in candidates}
        for space, vector in asked.items():
            within = self.graph.vids_within(space, Selection(identities=sorted(candidates)))
            best = self.nearest_identities(space, vector, k=len(candidates), within=within)
            for name, similarity in zip(best["identity_id"], best["similarity"], strict=True):
                scores[name].append(similarity)
        fused = [(name, float(np.mean(values))) for name, values in scores.items() if values]
        wanted = [x for x in fused if min_similarity is None or x[1] >= min_similarity]
        return sorted(wanted, key=lambda x: (-x[1], x[0]))[:k]

    def nearest_identities(
        self,
        space: str,
        queries: np.ndarray,
        *,
        k: int = 10,
        min_similarity: float | None = None,
        within: np.ndarray | None = None,
        exclude: Sequence[str] = (),
    ) -> pd.DataFrame:
        """Return the best appearance of each of the k nearest identities.

        Columns ``query, appearance_id, identity_id, vid, similarity, rank``.
        """
        total = len(self.vector.vids(space)) if within is None else len(within)
        ask = min(total, 4 * k + 16)
        while True:
            hits = self.nearest(
                space, queries, k=ask, min_similarity=min_similarity, within=within, exclude=exclude
            )
            links = self.graph.identities_of(hits["appearance_id"].unique().tolist())
            owned = hits.merge(links[["appearance_id", "identity_id"]], on="appearance_id")
            best = owned.sort_values(["query", "rank"]).drop_duplicates(["query", "identity_id"])
            people = best.groupby("query").size().reindex(hits["query"].unique()).fillna(0)
            if ask >= total or (people >= k).all():
                break
            ask = min(total, ask * 4)
        best = best.groupby("query", sort=False).head(k).reset_index(drop=True)
        best["rank"] = best.groupby("query").cumcount() + 1
        return best[["query", "appearance_id", "identity_id", "vid", "similarity", "rank"]]

    def sweep(self) -> int:
        """Remove un-named vectors that are recorded for it; return how many."""
        records = self.graph.to_sweep()
        if records.empty:
            return 0
        for space, vids in records.groupby("space")["vid"]:
            self.vector.remove(str(space), vids.to_numpy())
        with self.unit():
            self.graph.swept(records["vid"].to_numpy())
        return len(records)

    def _require(self, name: str, ids: Sequence[str] | pd.Series) -> pd.DataFrame:
        """Return the distinct ids as keys; refuse one that is not there."""
        label = next(t.label for t in schema.NODES.values() if t.name == name)
        wanted = pd.Series(list(ids), dtype="str").dropna().drop_duplicates()
        known = self.graph.nodes(label, ids=wanted.tolist())["id"]
        unknown = wanted[~wanted.isin(known)]
        if len(unknown):
            raise NotFoundError(
                f"There is no {name} {unknown.iloc[0]!r}"
                + (f" (nor {len(unknown) - 1} others)" if len(unknown) > 1 else "")
                + ".",
                where=f"{name} {unknown.iloc[0]}",
                next=f"See what is there with: workbench {_PLURAL[name]}",
            )
        return pd.DataFrame({"id": wanted.reset_index(drop=True)})


_PLURAL = {"identity": "identities", "appearance": "appearances", "camera": "cameras"}


def _appearance_row(appearance: Appearance) -> pd.DataFrame:
    row = table_of([appearance], schema.APPEARANCE)
    return row.assign(identity_id=appearance.identity_id)


def _checked_appearances(frame: pd.DataFrame) -> pd.DataFrame:
    """Return checked rows with ``identity_id``; other columns become properties."""
    others = [c for c in frame.columns if c not in schema.SIGHTING.names]
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
    who = given.get("identity_id", pd.Series(pd.NA, index=given.index, dtype="str"))
    column = schema.SIGHTING.column("identity_id")
    rows["identity_id"], reasons = schema.coerce_column(who, column)
    if reasons.notna().any():
        at = reasons.notna().to_numpy().nonzero()[0][0]
        raise InvalidInputError(
            f"identity_id cannot be used: {reasons.iloc[at]}.",
            where=f"row {at}, column identity_id",
            next="Correct it; nothing was written.",
        )
    return rows


def _with_zero_statistics(label: str, rows: pd.DataFrame) -> pd.DataFrame:
    if label != "Identity":
        return rows
    out = rows.copy()
    for name, empty in (("num_appearances", 0), ("num_cameras", 0), ("has_face", False)):
        out[name] = out[name].fillna(empty) if name in out else empty
    if "stated_confidence" in out:
        score = out["confidence_score"] if "confidence_score" in out else pd.Series(np.nan, out.index)
        out["confidence_score"] = score.fillna(out["stated_confidence"])
    return out


def _note(
    found: dict[str, list],
    ids: pd.Series,
    column: str,
    stored: pd.Series,
    given: pd.Series,
    differs: pd.Series,
) -> None:
    found["id"] += ids[differs].tolist()
    found["column"] += [column] * int(differs.sum())
    found["stored"] += [str(v) for v in stored[differs]]
    found["given"] += [str(v) for v in given[differs]]


def _conflicts(found: Mapping[str, list]) -> pd.DataFrame:
    names = ["id", "column", "stored", "given"]
    return pd.DataFrame({n: pd.Series(list(found.get(n, [])), dtype="str") for n in names})
