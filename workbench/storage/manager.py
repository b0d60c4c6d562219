"""All writes of the product, and reads by id: a graph store and a vector store kept one.

*Name what you wrote*: vectors go first, under fresh row ids, durable; then one transaction of the
graph names them, together with appearances, links and statistics. That commit is the only one that
counts. What no committed row names is invisible and gets swept.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, overload

import numpy as np
import pandas as pd

from workbench import schema, times
from workbench.errors import ConflictError, InvalidInputError, NotFoundError
from workbench.model import Appearance, Camera, Identity, record_of, records_of, table_of
from workbench.storage import nearest
from workbench.storage.addresses import graph_on_server, stores_of
from workbench.storage.appearances import AppearanceWriter, Written, changed, checked_appearances
from workbench.storage.pair import StorePair, Vectors
from workbench.storage.rows import Merge, gaps_of, merge_rows, stored
from workbench.storage.single import write_single
from workbench.stores.graph.base import GraphStore, Selection
from workbench.stores.vectors.absent import AbsentVectorStore, refused
from workbench.stores.vectors.base import VectorStore
from workbench.stores.vectors.faiss import FAISSVectorStore


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

    Made of two stores, or as the requirement document has it: of the address, user and password
    of a Neo4j server, whose database is made ready where it is not, and a folder of vectors.

    Parameters
    ----------
    graph : GraphStore
        Offered as ``.graph``.
    vector : VectorStore
        Offered as ``.vector``.
    neo4j_uri, neo4j_user, neo4j_password, faiss_index_path : str
        Instead of the two.
    space_settings : mapping of str to dict, optional
        Settings of spaces that are not there yet: ``dim``, ``precision``, ``index_type``,
        ``model_id``, ``threshold``. A space takes its dimension from its first vectors otherwise.
    """

    @overload
    def __init__(
        self,
        graph: GraphStore,
        vector: VectorStore,
        *,
        space_settings: Mapping[str, Mapping[str, object]] | None = None,
        folder: Path | None = None,
    ) -> None: ...

    @overload
    def __init__(
        self,
        neo4j_uri: str,
        neo4j_user: str,
        neo4j_password: str | None,
        faiss_index_path: str | Path,
        *,
        space_settings: Mapping[str, Mapping[str, object]] | None = None,
        folder: Path | None = None,
    ) -> None: ...

    def __init__(
        self,
        *stores: Any,
        space_settings: Mapping[str, Mapping[str, object]] | None = None,
        folder: Path | None = None,
        **named: Any,
    ) -> None:
        graph, vector = stores_of(*stores, **named)
        self.folder = folder
        self.closed = False
        self.graph: GraphStore = graph
        self.vector: VectorStore = vector
        self.pair = StorePair(graph, vector, space_settings)
        self.writer = AppearanceWriter(self.pair)
        if hasattr(vector, "named_by"):
            vector.named_by(graph.owners, graph.allocate_vids)

    def close(self) -> None:
        """Close both stores."""
        self.closed = True
        self.vector.close()
        self.graph.close()

    @contextmanager
    def unit(self) -> Iterator[None]:
        """Open one unit of work: what is written inside becomes visible together, or not at all."""
        with self.pair.unit():
            yield

    def sweep(self) -> int:
        """Remove un-named vectors that are recorded for it; return how many."""
        return self.pair.sweep()

    # ------------------------------------------------------------------ appearances
    def create_appearance(self, appearance: Appearance) -> str:
        return self.store_appearance_with_embeddings(appearance)

    def store_appearance_with_embeddings(
        self,
        appearance: Appearance,
        face_embedding: np.ndarray | None = None,
        reid_embedding: np.ndarray | None = None,
    ) -> str:
        """Create an appearance with its vectors, all or nothing, and return its id."""
        given = {"face": face_embedding, "reid": reid_embedding}
        vectors = {name: _one_row(v) for name, v in given.items() if v is not None}
        if not write_single(self.pair, appearance, vectors):
            self.add_appearances(_appearance_row(appearance), vectors=vectors)
        return appearance.id

    def add_appearances(
        self, frame: pd.DataFrame, *, vectors: Mapping[str, Vectors] | None = None
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
        rows = checked_appearances(frame)
        matrices = {
            space: self.pair.matrix(space, m, len(rows)) for space, m in (vectors or {}).items()
        }
        written = self.writer.write(rows, matrices, create=False, strict=True)
        return written

    def update_appearances(
        self, frame: pd.DataFrame, *, vectors: Mapping[str, Vectors] | None = None
    ) -> Written:
        """Change appearances that exist: the columns given, where they are not missing.

        Raises
        ------
        NotFoundError
            Naming the first id that is not there; nothing was written.
        """
        self._require_ids("appearance", frame)
        old = self.graph.sightings(Selection(ids=frame["id"].astype("str").tolist()))
        rows = checked_appearances(changed(frame, old))
        matrices = {s: self.pair.matrix(s, m, len(rows)) for s, m in (vectors or {}).items()}
        return self.writer.write(rows, matrices, create=False, update=True)

    def _require_ids(self, name: str, frame: pd.DataFrame) -> None:
        if not isinstance(frame, pd.DataFrame) or "id" not in frame:
            raise InvalidInputError(
                "A table with a column 'id' is needed.",
                where="id",
                next=f"Say which {name} each row is about.",
            )
        self.pair.require(name, frame["id"])

    def delete_appearances(self, ids: Sequence[str]) -> int:
        """Delete appearances with their links and vectors; return how many.

        Raises
        ------
        NotFoundError
            Naming the first id that is not there; nothing was deleted.
        """
        keys = self.pair.require("appearance", ids)
        touched = self.graph.identities_of(keys["id"].tolist())["identity_id"]
        with self.pair.unit():
            gone = self.graph.delete_nodes("Appearance", keys)
            self.graph.refresh_statistics(sorted(set(touched)))
        self.pair.sweep()
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
        self.pair.require("identity", [identity_id])
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
        self._require_ids("identity", frame)
        return merge_rows(self.pair, "Identity", frame, update=True).changed

    def delete_identities(self, ids: Sequence[str]) -> int:
        """Delete identities; their appearances stay, unidentified. Return how many."""
        keys = self.pair.require("identity", ids)
        with self.pair.unit():
            return self.graph.delete_nodes("Identity", keys)

    def get_identity(self, identity_id: str) -> Identity | None:
        row = self.graph.node("Identity", identity_id)
        return None if row is None else record_of(row, Identity)

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
        self.pair.require("appearance", rows["appearance_id"])
        self.pair.require("identity", rows["identity_id"])
        rows["method"] = rows["method"].fillna("manual")
        before = self.graph.identities_of(rows["appearance_id"].tolist())
        since = before.set_index(["appearance_id", "identity_id"])["created_at"]
        keys = pd.MultiIndex.from_frame(rows[["appearance_id", "identity_id"]])
        now = pd.Timestamp.now("UTC").as_unit("us")
        rows["created_at"] = since.reindex(keys).fillna(now).to_numpy()
        rows["created_at"] = pd.to_datetime(rows["created_at"], utc=True).dt.as_unit("us")
        known = rows.merge(before, how="left", on=list(rows.columns[:-1]), indicator=True)
        new = rows[(known["_merge"] == "left_only").to_numpy()].reset_index(drop=True)
        if len(new):
            with self.pair.unit():
                self.graph.upsert_edges("HAS_APPEARANCE", new)
                touched = set(before["identity_id"]) | set(new["identity_id"])
                self.graph.refresh_statistics(sorted(touched))
        return len(rows)

    def unlink(self, appearance_ids: Sequence[str]) -> int:
        """Make appearances unidentified; return how many were linked.

        Raises
        ------
        NotFoundError
            Naming the first id that is not there; nothing was changed.
        """
        keys = self.pair.require("appearance", appearance_ids).rename(
            columns={"id": "appearance_id"}
        )
        touched = self.graph.identities_of(keys["appearance_id"].tolist())["identity_id"]
        if touched.empty:
            return 0
        with self.pair.unit():
            count = self.graph.delete_edges("HAS_APPEARANCE", keys)
            self.graph.refresh_statistics(sorted(set(touched)))
        return count

    # ------------------------------------------------------------------ cameras and other tables
    def add_cameras(self, frame: pd.DataFrame) -> int:
        """Create cameras, all or none; return how many were new."""
        return self._create("Camera", frame)

    def update_cameras(self, frame: pd.DataFrame) -> int:
        """Change cameras that exist: the columns given, where they are not missing."""
        self._require_ids("camera", frame)
        return merge_rows(self.pair, "Camera", frame, update=True).changed

    def delete_cameras(self, ids: Sequence[str]) -> int:
        """Delete cameras that saw nothing, with their adjacency and outages; return how many."""
        keys = self.pair.require("camera", ids)
        seen = self.graph.sightings(Selection(cameras=keys["id"].tolist()))
        seen = seen[seen["camera_id"].isin(keys["id"])]  # a place may bear a camera's id
        if len(seen):
            raise ConflictError(
                f"Camera {seen['camera_id'].iloc[0]!r} has appearances.",
                where=f"camera {seen['camera_id'].iloc[0]}",
                next="Delete its appearances first, or keep the camera.",
            )
        outages = self.graph.nodes("Outage", ids=keys["id"].tolist())
        with self.pair.unit():
            self.graph.delete_nodes("Outage", outages)
            return self.graph.delete_nodes("Camera", keys)

    def get_camera(self, camera_id: str) -> Camera | None:
        """Return the camera, or None."""
        row = self.graph.node("Camera", camera_id)
        return None if row is None else record_of(row, Camera)

    def add_adjacency(self, frame: pd.DataFrame) -> int:
        """Write ways between cameras that exist (``schema.ADJACENT_TO``); return how many."""
        rows = schema.ADJACENT_TO.check(frame)
        self.pair.require("camera", pd.concat([rows["from_camera"], rows["to_camera"]]))
        rows["directed"] = rows["directed"].fillna(False)
        merge_rows(self.pair, "ADJACENT_TO", rows, update=True)
        return len(rows)

    def add_outages(self, frame: pd.DataFrame) -> int:
        """Write outages of cameras that exist (``schema.OUTAGE``); return how many were new."""
        rows = schema.OUTAGE.check(frame)
        backwards = (rows["end"] <= rows["start"]).to_numpy(dtype=bool).nonzero()[0]
        if len(backwards):
            raise InvalidInputError(
                "An outage ends before it starts.",
                where=f"row {backwards[0]}, column end",
                next="Give a later end; the end itself is not included.",
            )
        self.pair.require("camera", rows["camera_id"])
        return merge_rows(self.pair, "Outage", rows, strict=True).added

    def add_probable_matches(self, frame: pd.DataFrame) -> int:
        """Write candidate pairs of appearances (``schema.PROBABLE_MATCH``); return how many.

        The pair is put in order of id and its ``temporal_gap`` computed.
        """
        rows = schema.PROBABLE_MATCH.check(frame)
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
        self.pair.require("appearance", both)
        rows["temporal_gap"] = gaps_of(self.graph, rows)
        merge_rows(self.pair, "PROBABLE_MATCH", rows, update=True)
        return len(rows)

    def delete_edges(self, kind: str, frame: pd.DataFrame) -> int:
        """Delete ways, candidate pairs or tags of things by their key columns; return how many.

        Raises
        ------
        NotFoundError
            Naming the first that is not there; nothing was deleted.
        """
        if kind not in ("ADJACENT_TO", "PROBABLE_MATCH", "TAGGED_IDENTITY", "TAGGED_APPEARANCE"):
            raise InvalidInputError(
                f"{kind!r} cannot be deleted by itself.",
                where="kind",
                next="Use unlink for HAS_APPEARANCE; the others follow from appearances.",
            )
        key = list(schema.EDGES[kind].key)
        there = frame[key].merge(stored(self.graph, kind, frame)[key], how="left", indicator=True)
        gone = (there["_merge"] == "left_only").to_numpy().nonzero()[0]
        if len(gone):
            name = " -> ".join(str(cell) for cell in frame[key].iloc[gone[0]])
            raise NotFoundError(
                f"There is no {kind} {name}.", where=f"row {gone[0]}", next="Leave it out."
            )
        with self.pair.unit():
            return self.graph.delete_edges(kind, frame[key])

    def add_tags(self, frame: pd.DataFrame) -> int:
        """Create tags (``kind``, ``name``; the id is "kind:name"); return how many were new."""
        given = frame.assign(id=frame["kind"].astype("str") + ":" + frame["name"].astype("str"))
        return self._create("Tag", given)

    def tag(self, frame: pd.DataFrame) -> int:
        """Tag identities or appearances; return how many.

        Parameters
        ----------
        frame : DataFrame
            ``tag_id``, ``weight`` and either ``identity_id`` or ``appearance_id``.

        Raises
        ------
        NotFoundError
            When a tag, identity or appearance is not there; nothing was written.
        """
        what = "identity" if "identity_id" in frame else "appearance"
        kind = f"TAGGED_{what.upper()}"
        rows = schema.EDGES[kind].check(frame)
        self.pair.require("tag", rows["tag_id"])
        self.pair.require(what, rows[f"{what}_id"])
        merge_rows(self.pair, kind, rows, update=True)
        return len(rows)

    def _create(self, label: str, frame: pd.DataFrame) -> int:
        return merge_rows(self.pair, label, frame, strict=True).added

    def merge(self, label: str, frame: pd.DataFrame, *, update: bool = False) -> Merge:
        """Write rows of any table by key (:func:`workbench.storage.rows.merge_rows`)."""
        return merge_rows(self.pair, label, frame, update=update)

    # ------------------------------------------------------------------ similarity
    def find_similar_faces(
        self, embedding: np.ndarray, k: int = 10, min_similarity: float | None = None
    ) -> list[tuple[str, float]]:
        if "face" not in self.pair.spaces():
            return []
        hits = nearest.hits(self.pair, "face", embedding, k=k, min_similarity=min_similarity)
        return list(zip(hits.appearance_id.tolist(), hits.similarity.tolist(), strict=True))

    def find_matching_identities(
        self,
        face_embedding: np.ndarray | None = None,
        reid_embedding: np.ndarray | None = None,
        k: int = 10,
        min_similarity: float | None = None,
    ) -> list[tuple[str, float]]:
        """Return identity ids and fused scores, best first, ties by id.

        The score of an identity is the mean, over the spaces asked, of the cosine of her nearest
        appearance in it; a space in which she has no vector does not count. It is a mean of
        cosines of two models, not a probability. `min_similarity` bounds the fused score.
        """
        given = {"face": face_embedding, "reid": reid_embedding}
        return nearest.matching(self.pair, given, k=k, min_similarity=min_similarity)


class Neo4jStorageManager(HybridStorageManager):
    """A graph on a Neo4j server, with a vector store or without.

    Parameters
    ----------
    uri, user : str
    password : str or None
        None where the server asks for none.
    database : str
        Its name on the server.
    vector : VectorStore, optional
        Without one every question about vectors is a ``CapabilityError``.
    """

    def __init__(
        self,
        uri: str,
        user: str,
        password: str | None,
        *,
        database: str = "neo4j",
        vector: VectorStore | None = None,
    ) -> None:
        graph = graph_on_server(uri, user, password, database)
        try:
            if isinstance(vector, FAISSVectorStore):
                graph.pair_with(vector.store_id, claim=True)
            super().__init__(graph, vector or AbsentVectorStore())
        except BaseException:
            graph.close()
            raise

    def find_similar_faces(
        self, embedding: np.ndarray, k: int = 10, min_similarity: float | None = None
    ) -> list[tuple[str, float]]:
        self._require_vectors()
        return super().find_similar_faces(embedding, k, min_similarity)

    def find_matching_identities(
        self,
        face_embedding: np.ndarray | None = None,
        reid_embedding: np.ndarray | None = None,
        k: int = 10,
        min_similarity: float | None = None,
    ) -> list[tuple[str, float]]:
        self._require_vectors()
        return super().find_matching_identities(face_embedding, reid_embedding, k, min_similarity)

    def _require_vectors(self) -> None:
        if isinstance(self.vector, AbsentVectorStore):
            raise refused()


def _one_row(vector: object) -> Vectors:
    return np.atleast_2d(vector) if isinstance(vector, np.ndarray) else [vector]


def _appearance_row(appearance: Appearance) -> pd.DataFrame:
    row = table_of([appearance], schema.APPEARANCE)
    return row.assign(identity_id=appearance.identity_id)
