"""The graph store of a team: one database of a Neo4j server."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pandas as pd

from workbench import schema, times
from workbench.config import Neo4jConfig
from workbench.errors import ConflictError, InvalidInputError, NotFoundError, StoreError
from workbench.schema import Table
from workbench.stores.graph import checks, cypher, frames
from workbench.stores.graph.base import Finding, GraphStore, Observations, Selection
from workbench.stores.graph.chains import Chains
from workbench.stores.neo4j_database import VERSION, Neo4jDatabase

_ROWS = 5_000  # that go with one statement
_STORE = (
    "MERGE (s:WorkbenchStore {no: 1}) ON CREATE SET s.store_id = $store_id, "
    "s.version = $version, s.sequence = 0, s.next_vid = 1 "
    "SET s.store_id = CASE WHEN $wanted IS NULL OR EXISTS { (:Appearance) } "
    "THEN s.store_id ELSE $wanted END RETURN s.store_id"
)
_PAIR = (
    "MATCH (s:WorkbenchStore {no: 1}) SET s.vectors_id = CASE WHEN s.vectors_id IS NULL "
    "OR ($claim AND NOT EXISTS { (:Appearance) }) THEN $id ELSE s.vectors_id END "
    "RETURN s.vectors_id"
)
_EVER = (-(2**62), 2**62)
_PLACE = ("camera_id", "tracking_id", "ts_us")  # in the chain of a track
_NAMES = ("Label", "RelationshipType", "Property")
_ORIGIN = "MATCH (c:Camera) WHERE c.id IN $ids RETURN c.id, c.clock_offset_s"


class Neo4jGraphStore(GraphStore):
    """Graph rows as :mod:`workbench.stores.graph.cypher` lays them out.

    Parameters
    ----------
    database : Neo4jDatabase
        With the schema applied.

    Raises
    ------
    NotFoundError
        When there is no store in the database.
    """

    supports = frozenset({"transactions", "durable"})

    def __init__(self, database: Neo4jDatabase) -> None:
        self.database = database
        self.store_id = database.require_store()
        self._chains = Chains(database)

    # ------------------------------------------------------------------ units of work
    @staticmethod
    def apply_schema(database: Neo4jDatabase, *, store_id: str | None = None) -> list[str]:
        """Create what is missing of the schema and the store's own node; say what was made.

        Constraints and indexes are awaited and compared with what was asked for.

        Raises
        ------
        StoreError
            When one is not there or not online at the end.
        """
        made = [one.name for one in _missing(database)]
        for one in _missing(database):
            database.define(one.text)
        # Names that the server has never seen make it warn of a mistake in every statement.
        for what, known in zip(_NAMES, cypher.names(), strict=True):
            _create_names(database, what, known)
        database.rows("await", "CALL db.awaitIndexes(300)")
        left = _missing(database)
        if left:
            raise StoreError(
                f"The server did not make {left[0].name}"
                + (f" and {len(left) - 1} more." if left[1:] else "."),
                where=database.where,
                next="See what the server says with: SHOW CONSTRAINTS, SHOW INDEXES",
            )
        fresh = {"store_id": uuid.uuid4().hex, "version": VERSION, "wanted": store_id}
        database.write("store", lambda run: run(_STORE, fresh))
        return made

    @classmethod
    def connected(cls, config: Neo4jConfig, *, wait_s: float = 30.0) -> Neo4jGraphStore:
        """Return the store in the database of a server.

        Raises
        ------
        ServerAwayError, ConfigurationError, NotFoundError
            When there is no answer, the user is refused, or there is no store.
        """
        database = Neo4jDatabase(config, wait_s=wait_s)
        try:
            return cls(database)
        except BaseException:
            database.close()
            raise

    @classmethod
    def prepared(
        cls, config: Neo4jConfig, *, wait_s: float = 30.0, store_id: str | None = None
    ) -> tuple[Neo4jGraphStore, list[str], list[str]]:
        """Return the store, made where there is none, what of its schema was made and was there.

        With `store_id` it gets this id while nothing is in it.
        """
        database = Neo4jDatabase(config, wait_s=wait_s)
        try:
            made = cls.apply_schema(database, store_id=store_id)
            there = [d.name for d in cypher.definitions() if d.name not in made]
            return cls(database), made, there
        except BaseException:
            database.close()
            raise

    def pair_with(self, vectors_id: str, *, claim: bool) -> None:
        """Bind the graph to the vectors of this id, or see that it is bound to them.

        Parameters
        ----------
        vectors_id : str
            Of the catalogue of vectors.
        claim : bool
            Take the place of others: only while nobody has appeared in the graph.

        Raises
        ------
        ConflictError
            When it belongs to others.
        """

        def bind(run: Any) -> list[tuple]:
            return run(_PAIR, {"id": vectors_id, "claim": claim})

        bound = self.database.write("pair", bind)[0][0]
        if bound != vectors_id:
            raise ConflictError(
                "The graph on this server belongs to the vectors of another folder.",
                where=self.database.where,
                next="Give that folder with --store, or another server or database.",
            )

    def close(self) -> None:
        self.database.close()

    @contextmanager
    def transaction(self, op_id: str | None = None) -> Iterator[None]:
        if not self.database.writing:
            self._chains.forget()
        with self.database.transaction(op_id, before_commit=self._chains.mend):
            yield

    @contextmanager
    def cut(self) -> Iterator[None]:
        with self.database.locked():
            yield

    def sequence(self) -> int:
        return self.database.sequence()

    def count_from(self, sequence: int) -> None:
        self.database.count_from(sequence)

    def settled(self, op_id: str) -> int | None:
        return self.database.settled(op_id)

    def allocate_vids(self, n: int) -> int:
        return self.database.allocate_vids(n)

    # ------------------------------------------------------------------ writing
    def upsert_nodes(self, label: str, frame: pd.DataFrame) -> int:
        self.database.require_unit()
        table = schema.NODES[label]
        rows = frame.drop_duplicates(list(table.key), keep="last")
        if table is schema.APPEARANCE:
            for part in _parts(rows):
                self._upsert_appearances(part)
        else:
            self._require_referred(table, rows)
            moved = self._moved(rows) if table is schema.CAMERA else []
            self._send(cypher.upsert_nodes(table), table, rows)
            self._shift(moved)
        return len(frame)

    def upsert_edges(self, kind: str, frame: pd.DataFrame) -> int:
        self.database.require_unit()
        table = schema.EDGES[kind]
        rows = frame.drop_duplicates(list(table.key), keep="last")
        if table is schema.HAS_APPEARANCE:
            for part in _parts(rows):
                self._link(part, self._places(part["appearance_id"].tolist()))
        else:
            self._send(cypher.upsert_edges(table), table, rows)
        return len(frame)

    def upsert_appearances(self, nodes: pd.DataFrame, links: pd.DataFrame) -> None:
        self.database.require_unit()
        for part in _parts(nodes):
            places = self._upsert_appearances(part)
            self._link(links[links["appearance_id"].isin(part["id"])], places)

    def _upsert_appearances(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Write a batch; return where it is in the chains now, and whose it is (as `_places`)."""
        table = schema.APPEARANCE
        self._require_referred(table, rows)
        now = rows[["id", "camera_id", "tracking_id"]].assign(ts_us=self._corrected(rows))
        before = self._places(rows["id"].tolist())
        self._send(cypher.upsert_nodes(table), table, rows, ts_us=now["ts_us"].tolist())
        known = now.merge(before, on="id", how="left", suffixes=("", "_before"))
        there = known["ts_us_before"].notna()
        same = there.copy()
        for name in _PLACE:
            mine, theirs = known[name], known[f"{name}_before"]
            same &= ((mine == theirs) | (mine.isna() & theirs.isna())).fillna(False).astype(bool)
        changed = known[~same]
        self._chains.cut(known.loc[there & ~same, "id"].tolist(), tracks=True)
        before = changed[changed["ts_us_before"].notna()]
        before = before[["identity_id", *(f"{name}_before" for name in _PLACE)]]
        before = before.rename(columns={f"{name}_before": name for name in _PLACE})
        for some in (changed, before):
            self._chains.people(some)
            self._chains.tracks(some)
        self._capture(rows, known.loc[there, "id"].tolist())
        return known

    def _places(self, ids: list[str]) -> pd.DataFrame:
        """Return where these appearances are in the chains: those that are there."""
        found = self.database.execute(
            "UNWIND $ids AS id MATCH (a:Appearance {id: id}) "
            "OPTIONAL MATCH (i:Identity)-[:HAS_APPEARANCE]->(a) "
            "RETURN a.id, a.camera_id, a.tracking_id, a.ts_us, i.id",
            ids=ids,
        )
        names = ["id", "camera_id", "tracking_id", "ts_us", "identity_id"]
        kinds = dict.fromkeys(names, "str") | {"ts_us": "Int64"}
        return _frame(found, kinds)

    def _capture(self, rows: pd.DataFrame, known: list[str]) -> None:
        """Write CAPTURED_BY of appearances that were just written; `known` were there before."""
        if known:
            self.database.execute(
                "UNWIND $ids AS id MATCH (:Appearance {id: id})-[r:CAPTURED_BY]->() DELETE r",
                ids=known,
            )
        seen = rows[rows["camera_id"].notna()]
        if len(seen):
            self.database.execute(
                "UNWIND range(0, $n - 1) AS k MATCH (a:Appearance {id: $id[k]}) "
                "MATCH (c:Camera {id: $camera_id[k]}) CREATE (a)-[r:CAPTURED_BY]->(c) "
                "SET r.timestamp_us = a.timestamp_us, r.timestamp = a.timestamp RETURN count(*)",
                n=len(seen),
                id=seen["id"].tolist(),
                camera_id=seen["camera_id"].tolist(),
            )

    def _corrected(self, rows: pd.DataFrame) -> np.ndarray:
        ids = rows["camera_id"].dropna().unique().tolist()
        offsets = {key: _us(offset) for key, offset in self.database.execute(_ORIGIN, ids=ids)}
        recorded = times.to_us(rows["timestamp"]).to_numpy(dtype="int64")
        shift = rows["camera_id"].map(offsets).fillna(0).to_numpy(dtype="int64")
        return recorded + shift

    def _moved(self, cameras: pd.DataFrame) -> list[tuple[str, int]]:
        """Return the cameras that are there whose clock these rows correct otherwise."""
        before = {
            key: _us(offset)
            for key, offset in self.database.execute(_ORIGIN, ids=cameras["id"].tolist())
        }
        offsets = zip(cameras["id"].tolist(), cameras["clock_offset_s"].tolist(), strict=True)
        return [(key, _us(s)) for key, s in offsets if before.get(key, _us(s)) != _us(s)]

    def _shift(self, moved: list[tuple[str, int]]) -> None:
        """Correct the times of everything that these cameras saw."""
        for camera, offset in moved:
            people = self.database.execute(
                "MATCH (a:Appearance {camera_id: $camera}) SET a.ts_us = a.timestamp_us + $offset "
                "WITH a OPTIONAL MATCH (a)-[r:NEXT]-() DELETE r WITH DISTINCT a "
                "MATCH (i:Identity)-[:HAS_APPEARANCE]->(a) RETURN DISTINCT i.id",
                camera=camera,
                offset=offset,
            )
            rows = _frame(people, {"identity_id": "str"})
            for moment in _EVER:
                self._chains.people(rows.assign(ts_us=moment))

    def _link(self, rows: pd.DataFrame, places: pd.DataFrame) -> None:
        """Write a batch of links of appearances that are where `places` says."""
        table = schema.HAS_APPEARANCE
        known = rows[["appearance_id", "identity_id"]].merge(
            places, left_on="appearance_id", right_on="id", how="left", suffixes=("", "_before")
        )
        new = known["identity_id_before"].isna()
        moved = ~new & (known["identity_id_before"] != known["identity_id"])
        self._unlink(known.loc[moved, "id"].tolist())
        self._chains.people(known[new | moved])
        self._chains.people(known[moved].assign(identity_id=known["identity_id_before"]))
        fresh = (new | moved).to_numpy()
        self._send(cypher.upsert_edges(table, new=True), table, rows[fresh])
        self._send(cypher.upsert_edges(table), table, rows[~fresh])

    def _unlink(self, ids: list[str]) -> int:
        if not ids:
            return 0
        self._chains.cut(ids, tracks=False)
        found = self.database.execute(
            "UNWIND $ids AS id MATCH (:Identity)-[r:HAS_APPEARANCE]->(:Appearance {id: id}) "
            "DELETE r RETURN count(*)",
            ids=ids,
        )
        return int(found[0][0])

    def _send(self, text: str, table: Table, rows: pd.DataFrame, **more: list[Any]) -> None:
        for part in _parts(rows):
            given = {cypher.physical(c): _cells(part[c.name], c) for c in table.columns}
            found = self.database.execute(text, n=len(part), **given, **more)
            if found[0][0] != len(part):
                self._require_referred(table, part)
                raise StoreError(
                    f"{found[0][0]} rows of {table.label} were written, not {len(part)}.",
                    where=self.database.where,
                    next="See whether the store is sound with: workbench verify --store DIR",
                )

    def _require_referred(self, table: Table, rows: pd.DataFrame) -> None:
        for column in table.columns:
            if column.references:
                self._require(column.references, rows[column.name])

    def _require(self, name: str, ids: pd.Series) -> None:
        wanted = ids.dropna().unique().tolist()
        label = next(t.label for t in schema.NODES.values() if t.name == name)
        unknown = sorted(set(wanted) - set(self.known(label, wanted))) if wanted else []
        if unknown:
            raise NotFoundError(
                f"There is no {name} {unknown[0]!r}"
                + (f" (nor {len(unknown) - 1} others)" if len(unknown) > 1 else "")
                + ".",
                where=name,
                next=f"Create the {name} first.",
            )

    def delete_nodes(self, label: str, keys: pd.DataFrame) -> int:
        self.database.require_unit()
        table = schema.NODES[label]
        rows = keys[list(table.key)].drop_duplicates()
        if "id" in table.key:
            ids = _sendable(rows["id"].tolist())
            self._refuse_referenced(table, ids)
            if label == "Appearance":
                self._leave(ids)
            if label == "Identity":
                self._abandon(ids)
        names = [cypher.physical(table.column(name)) for name in table.key]
        match = ", ".join(f"{name}: ${name}[k]" for name in names)
        gone = 0
        for part in _parts(rows):
            given = {
                n: _cells(part[k], table.column(k)) for n, k in zip(names, table.key, strict=True)
            }
            found = self.database.execute(
                f"UNWIND range(0, $n - 1) AS k MATCH (n:{label} {{{match}}}) "
                "DETACH DELETE n RETURN count(*)",
                n=len(part),
                **given,
            )
            gone += int(found[0][0])
        return gone

    def _leave(self, ids: list[str]) -> None:
        """Take appearances out of their chains and leave their vectors to be swept."""
        for first in range(0, len(ids), _ROWS):
            part = ids[first : first + _ROWS]
            self._unname("(a)-[r:EMBEDDED]->(s:VectorSpace)", part)
            places = self._places(part)
            self._chains.people(places)
            self._chains.tracks(places)

    def _abandon(self, ids: list[str]) -> None:
        self.database.execute(
            "UNWIND $ids AS id MATCH (:Identity {id: id})-[:HAS_APPEARANCE]->()-[r:NEXT]-() "
            "DELETE r",
            ids=ids,
        )

    def _refuse_referenced(self, table: Table, ids: list[str]) -> None:
        """Refuse to delete what other rows still refer to; edges go with their ends."""
        for other in (*schema.NODES.values(), *schema.EDGES.values()):
            for column in other.columns:
                if other.derived or column.references != table.name:
                    continue
                if other.edge and column.name in (*other.key, "identity_id"):
                    continue
                pattern = f"()-[n:{other.label}]->()" if other.edge else f"(n:{other.label})"
                text = f"MATCH {pattern} WHERE n.{column.name} IN $ids RETURN 1 LIMIT 1"
                if ids and self.database.execute(text, ids=ids):
                    raise _refused(f"a {other.name} refers to this {table.name}")

    def delete_edges(self, kind: str, keys: pd.DataFrame) -> int:
        self.database.require_unit()
        table = schema.EDGES[kind]
        if table is schema.HAS_APPEARANCE:
            return self._delete_links(keys["appearance_id"])
        first, second = table.columns[:2]
        rows = keys[list(table.key)].drop_duplicates()
        text = (
            f"UNWIND range(0, $n - 1) AS k MATCH (:{cypher.referred(first).label} "
            f"{{id: $first[k]}})-[r:{kind}]->(:{cypher.referred(second).label} {{id: $second[k]}}) "
            "DELETE r RETURN count(*)"
        )
        gone = 0
        for part in _parts(rows):
            ends = {"first": part[first.name].tolist(), "second": part[second.name].tolist()}
            gone += int(self.database.execute(text, n=len(part), **ends)[0][0])
        return gone

    def _delete_links(self, ids: pd.Series) -> int:
        gone = 0
        wanted = _sendable(ids.drop_duplicates().tolist())
        for first in range(0, len(wanted), _ROWS):
            places = self._places(wanted[first : first + _ROWS])
            linked = places[places["identity_id"].notna()]
            self._chains.people(linked)
            gone += self._unlink(linked["id"].tolist())
        return gone

    # ------------------------------------------------------------------ reading
    def nodes(self, label: str, *, ids: Sequence[str] | None = None) -> pd.DataFrame:
        table = schema.NODES[label]
        where = (
            "" if ids is None else f"WHERE n.{cypher.physical(table.column(table.key[0]))} IN $ids "
        )
        rows = self.database.rows(
            f"nodes {label}",
            f"MATCH (n:{label}) {where}"
            f"RETURN {cypher.columns(table)} ORDER BY {cypher.order(table)}",
            ids=None if ids is None else _sendable(ids),
        )
        return frames.frame(table.columns, rows)

    def node(self, label: str, key: str) -> dict[str, Any] | None:
        table = schema.NODES[label]
        if not _sendable([key]):
            return None
        first = cypher.physical(table.column(table.key[0]))
        rows = self.database.rows(
            f"node {label}",
            f"MATCH (n:{label} {{{first}: $key}}) RETURN {cypher.columns(table)} "
            f"ORDER BY {cypher.order(table)} LIMIT 1",
            key=key,
        )
        return frames.record(table.columns, rows[0]) if rows else None

    def known(self, label: str, ids: Sequence[str]) -> list[str]:
        text = f"MATCH (n:{label}) WHERE n.id IN $ids RETURN n.id"
        return [key for (key,) in self.database.rows("known", text, ids=_sendable(ids))]

    def ids_around(self, label: str, key: str, n: int) -> list[str]:
        if not _sendable([key]):
            return []
        text = f"MATCH (n:{label}) WHERE n.id {{}} $key RETURN n.id ORDER BY n.id {{}} LIMIT $n"
        before = self.database.rows("ids", text.format("<", "DESC"), key=key, n=n)
        rest = self.database.rows("ids", text.format(">=", ""), key=key, n=n)
        return [str(one) for (one,) in (*reversed(before), *rest)]

    def edges(
        self, kind: str, *, src: Sequence[str] | None = None, dst: Sequence[str] | None = None
    ) -> pd.DataFrame:
        table = schema.EDGES[kind]
        if table.derived and self.database.writing:
            self._chains.mend()
        first, second = (cypher.referred(column).label for column in table.columns[:2])
        conditions = ["x.id IN $src"] * (src is not None) + ["y.id IN $dst"] * (dst is not None)
        where = f"WHERE {' AND '.join(conditions)} " if conditions else ""
        rows = self.database.rows(
            f"edges {kind}",
            f"MATCH (x:{first})-[r:{kind}]->(y:{second}) {where}"
            f"RETURN {cypher.edge_columns(table)} ORDER BY x.id, y.id",
            src=None if src is None else _sendable(src),
            dst=None if dst is None else _sendable(dst),
        )
        return frames.frame(table.columns, rows)

    def counts(self) -> dict[str, int]:
        parts = [
            f"MATCH ()-[n:{t.label}]->() RETURN '{t.label}' AS label, count(n) AS n"
            if t.edge
            else f"MATCH (n:{t.label}) RETURN '{t.label}' AS label, count(n) AS n"
            for t in cypher.WRITTEN
        ]
        found = self.database.rows("counts", " UNION ALL ".join(parts))
        return dict.fromkeys((t.label for t in cypher.WRITTEN), 0) | dict(found)

    def findings(self) -> list[Finding]:
        return checks.findings(self.database)

    def mend(self, findings: Sequence[Finding]) -> None:
        if any(one.kind == "counter" for one in findings):
            checks.mend_counters(self.database)

    def mend_indexes(self) -> None:
        checks.mend_derived(self.database)
        rows = self.database.execute(
            "MATCH (a:Appearance) OPTIONAL MATCH (i:Identity)-[:HAS_APPEARANCE]->(a) "
            "RETURN DISTINCT i.id, a.camera_id, a.tracking_id"
        )
        chains = _frame(rows, dict.fromkeys(("identity_id", "camera_id", "tracking_id"), "str"))
        for moment in _EVER:
            self._chains.people(chains.assign(ts_us=moment))
            self._chains.tracks(chains.assign(ts_us=moment))

    # ------------------------------------------------------------------ vectors by name
    def name_vectors(self, space: str, frame: pd.DataFrame) -> None:
        self.database.require_unit()
        if frame.empty:
            return
        if frame["vid"].duplicated().any() or frame["appearance_id"].duplicated().any():
            raise _refused("a row id names one vector, and an appearance has one in a space")
        self.database.execute("MERGE (s:VectorSpace {name: $space}) RETURN s.name", space=space)
        idx = f"SET a.{space}_embedding_idx = $vid[k] " if space in cypher.INDEXED_SPACES else ""
        for part in _parts(frame):
            ids = part["appearance_id"].tolist()
            self._unname("(a)-[r:EMBEDDED]->(s:VectorSpace {name: $space})", ids, space=space)
            found = self.database.execute(
                "MATCH (s:VectorSpace {name: $space}) UNWIND range(0, $n - 1) AS k "
                "MATCH (a:Appearance {id: $id[k]}) CREATE (a)-[r:EMBEDDED {vid: $vid[k]}]->(s) "
                f"{idx}RETURN count(*)",
                space=space,
                n=len(part),
                id=ids,
                vid=part["vid"].tolist(),
            )
            if found[0][0] != len(part):
                self._require("appearance", part["appearance_id"])
        # The same name again un-named it for a moment: what has a name is not swept.
        self.swept(frame["vid"].to_numpy())

    def unname_vectors(self, space: str, appearance_ids: Sequence[str]) -> int:
        self.database.require_unit()
        pattern = "(a)-[r:EMBEDDED]->(s:VectorSpace {name: $space})"
        ids = list(dict.fromkeys(_sendable(appearance_ids)))
        parts = [ids[first : first + _ROWS] for first in range(0, len(ids), _ROWS)]
        return sum(self._unname(pattern, part, space=space) for part in parts)

    def _unname(self, pattern: str, ids: list[str], **parameters: Any) -> int:
        known = "".join(
            f"a.{s}_embedding_idx = CASE WHEN s.name = '{s}' THEN -1 ELSE a.{s}_embedding_idx END, "
            for s in cypher.INDEXED_SPACES
        )
        found = self.database.execute(
            f"UNWIND $ids AS id MATCH (a:Appearance {{id: id}}) MATCH {pattern} "
            f"SET {known.rstrip(', ')} "
            "WITH r, s.name AS space, r.vid AS vid DELETE r "
            "MERGE (w:WorkbenchSweep {vid: vid}) SET w.space = space RETURN count(*)",
            ids=ids,
            **parameters,
        )
        return int(found[0][0])

    def vectors_of(self, space: str, ids: Sequence[str] | None = None) -> pd.DataFrame:
        pattern = "(a:Appearance)-[r:EMBEDDED]->(:VectorSpace {name: $space})"
        where = "" if ids is None else "WHERE a.id IN $ids "
        rows = self.database.rows(
            "vectors",
            f"MATCH {pattern} {where}RETURN a.id, r.vid ORDER BY r.vid",
            space=space,
            ids=None if ids is None else _sendable(ids),
        )
        return _frame(rows, {"appearance_id": "str", "vid": "int64"})

    def owners(self, space: str, vids: np.ndarray) -> pd.DataFrame:
        rows = self.database.rows(
            "owners",
            "UNWIND $vids AS vid MATCH (a:Appearance)-[:EMBEDDED {vid: vid}]->"
            "(:VectorSpace {name: $space}) RETURN vid, a.id ORDER BY vid",
            space=space,
            vids=np.unique(np.asarray(vids, dtype="int64")).tolist(),
        )
        return _frame(rows, {"vid": "int64", "appearance_id": "str"})

    def to_sweep(self) -> pd.DataFrame:
        rows = self.database.rows(
            "sweep", "MATCH (w:WorkbenchSweep) RETURN w.space, w.vid ORDER BY w.space, w.vid"
        )
        return _frame(rows, {"space": "str", "vid": "int64"})

    def swept(self, vids: np.ndarray) -> None:
        self.database.execute(
            "MATCH (w:WorkbenchSweep) WHERE w.vid IN $vids DELETE w RETURN count(*)",
            vids=np.asarray(vids, dtype="int64").tolist(),
        )

    # ------------------------------------------------------------------ questions, natively
    def sightings(self, selection: Selection | None = None) -> pd.DataFrame:
        chosen = selection or Selection()
        match, parameters = _selected(chosen)
        corrected = cypher.columns(schema.APPEARANCE, "a").replace("a.timestamp_us", "a.ts_us", 1)
        limit = "" if chosen.limit is None else " LIMIT $limit"
        rows = self.database.rows(
            "sightings",
            f"{match} OPTIONAL MATCH (i:Identity)-[h:HAS_APPEARANCE]->(a) "
            f"RETURN {corrected}, a.timestamp_us, i.id, h.confidence, h.method "
            f"ORDER BY a.ts_us, a.id{limit}",
            limit=chosen.limit,
            **parameters,
        )
        return frames.frame(schema.SIGHTING.columns, rows)

    def identities_of(self, appearance_ids: Sequence[str]) -> pd.DataFrame:
        table = schema.HAS_APPEARANCE
        rows = self.database.rows(
            "identities of",
            "MATCH (y:Appearance) WHERE y.id IN $ids MATCH (x:Identity)-[r:HAS_APPEARANCE]->(y) "
            f"RETURN {cypher.edge_columns(table)} ORDER BY x.id, y.id",
            ids=_sendable(appearance_ids),
        )
        return frames.frame(table.columns, rows)

    def vids_within(self, space: str, selection: Selection) -> np.ndarray:
        if selection.limit is not None:  # the order that a limit needs is that of sightings
            return super().vids_within(space, selection)
        match, parameters = _selected(selection)
        rows = self.database.rows(
            "vids within",
            f"{match} MATCH (a)-[r:EMBEDDED]->(:VectorSpace {{name: $space}}) "
            "RETURN r.vid AS vid ORDER BY vid",
            space=space,
            **parameters,
        )
        return np.array([vid for (vid,) in rows], dtype="int64")

    def observations(self) -> Observations:
        # One row for each identity and place, its times in a list: names come once.
        rows = self.database.rows(
            "observations",
            "MATCH (a:Appearance) OPTIONAL MATCH (i:Identity)-[:HAS_APPEARANCE]->(a) "
            "RETURN i.id, coalesce(a.camera_id, a.place_id), collect(a.ts_us)",
        )
        people = sorted({who for who, _, _ in rows if who is not None})
        places = sorted({where for _, where, _ in rows if where is not None})
        person = {name: n for n, name in enumerate(people)} | {None: -1}
        place = {name: n for n, name in enumerate(places)} | {None: -1}
        sizes = [len(moments) for _, _, moments in rows]
        who = np.array([person[one] for one, _, _ in rows], dtype="int64")
        where = np.array([place[one] for _, one, _ in rows], dtype="int64")
        time_us = np.fromiter((t for _, _, ts in rows for t in ts), "int64", count=sum(sizes))
        return Observations(np.repeat(who, sizes), np.repeat(where, sizes), time_us, people, places)

    def refresh_statistics(self, identity_ids: Sequence[str]) -> None:
        self.database.require_unit()
        ids = list(dict.fromkeys(_sendable(identity_ids)))
        for first in range(0, len(ids), _ROWS):
            self.database.execute(_STATISTICS, ids=ids[first : first + _ROWS])


_STATISTICS = (
    "UNWIND $ids AS id MATCH (i:Identity {id: id}) "
    "OPTIONAL MATCH (i)-[h:HAS_APPEARANCE]->(a:Appearance) "
    "WITH i, count(a) AS n, count(DISTINCT a.camera_id) AS cameras, min(a.ts_us) AS first, "
    "max(a.ts_us) AS last, count(h.confidence) AS scored, sum(h.confidence) AS total, "
    "max(a.face_embedding_idx) AS face "
    "SET i.num_appearances = n, i.num_cameras = cameras, "
    f"i.first_seen_us = first, i.first_seen = {cypher.moment('first')}, "
    f"i.last_seen_us = last, i.last_seen = {cypher.moment('last')}, "
    "i.confidence_score = CASE WHEN scored = 0 THEN i.stated_confidence "
    "ELSE round(total / scored, 12) END, "
    "i.has_face = coalesce(face >= 0, false) RETURN count(*)"
)


def _selected(chosen: Selection) -> tuple[str, dict[str, Any]]:
    """Return the beginning of a statement that finds the appearances ``a``, and its parameters."""
    parameters: dict[str, Any] = {}
    conditions: list[str] = []
    match = "MATCH (a:Appearance)"
    if chosen.identities is not None:
        parameters["identities"] = list(dict.fromkeys(_sendable(chosen.identities)))
        match = (
            "UNWIND $identities AS whose "
            "MATCH (:Identity {id: whose})-[:HAS_APPEARANCE]->(a:Appearance)"
        )
    for name, ids in (("ids", chosen.ids), ("loads", chosen.loads), ("cameras", chosen.cameras)):
        if ids is not None:
            parameters[name] = _sendable(ids)
            conditions.append(_AMONG[name])
    for name, condition in _RANGE.items():
        value = getattr(chosen, name)
        if value is not None:
            parameters[name] = value
            conditions.append(condition)
    if chosen.unidentified is not None:
        negated = "NOT " if chosen.unidentified else ""
        conditions.append(f"{negated}EXISTS {{ (:Identity)-[:HAS_APPEARANCE]->(a) }}")
    if chosen.after is not None:
        parameters["after_us"], parameters["after_id"] = chosen.after
        conditions.append("(a.ts_us > $after_us OR (a.ts_us = $after_us AND a.id > $after_id))")
        conditions.append("a.ts_us >= $after_us")  # what an index understands
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    return match + where, parameters


_AMONG = {
    "ids": "a.id IN $ids",
    "loads": "a.load_id IN $loads",
    "cameras": "(a.camera_id IN $cameras OR a.place_id IN $cameras)",
}
_RANGE = {"start_us": "a.ts_us >= $start_us", "end_us": "a.ts_us < $end_us"}


def _create_names(database: Neo4jDatabase, what: str, names: list[str]) -> None:
    text = f"UNWIND $names AS name CALL db.create{what}(name) RETURN count(*)"
    database.write("names", lambda run: run(text, {"names": names}))


def _parts(rows: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """Yield the rows in batches that go with one statement each."""
    for first in range(0, len(rows), _ROWS):
        yield rows.iloc[first : first + _ROWS].reset_index(drop=True)


def _missing(database: Neo4jDatabase) -> list[cypher.Definition]:
    """Return the definitions that are not there, or not online."""
    constraints = database.rows("schema", "SHOW CONSTRAINTS YIELD name RETURN name")
    indexes = database.rows(
        "schema", "SHOW INDEXES YIELD name, state WHERE state = 'ONLINE' RETURN name"
    )
    there = {name for (name,) in (*constraints, *indexes)}
    online = {name for (name,) in indexes}  # also that of a constraint
    return [one for one in cypher.definitions() if one.name not in there & online]


def _cells(series: pd.Series, column: schema.Column) -> list[Any] | None:
    """Return a column as it goes to the server, None where nothing is in it."""
    values = frames.cells(series, column)
    if column.kind == "bool":
        values = [None if value is None else bool(value) for value in values]
    return None if all(value is None for value in values) else values


def _sendable(ids: Sequence[str]) -> list[str]:
    """Return those that are text in valid Unicode: no other can be an id, or can be sent."""
    return [
        key for key in ids if isinstance(key, str) and key.encode(errors="ignore").decode() == key
    ]


def _frame(rows: list[tuple], kinds: dict[str, str]) -> pd.DataFrame:
    parts = list(zip(*rows, strict=True)) if rows else [()] * len(kinds)
    return pd.DataFrame(
        {
            name: pd.Series(list(values), dtype=kind)
            for (name, kind), values in zip(kinds.items(), parts, strict=True)
        }
    )


def _us(offset: float | None) -> int:
    """Return seconds as whole microseconds, halves away from zero as everywhere."""
    if offset is None or offset != offset:
        return 0
    return int(np.sign(offset) * np.floor(abs(offset * 1e6) + 0.5))


def _refused(reason: str) -> InvalidInputError:
    return InvalidInputError(f"The store refused the rows ({reason}); nothing was written.")
