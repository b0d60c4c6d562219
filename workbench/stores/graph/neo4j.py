"""The graph store of a team: one database of a Neo4j server."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pandas as pd

from workbench import schema
from workbench.config import Neo4jConfig
from workbench.stores.graph import checks, cypher, frames, neo4j_setup
from workbench.stores.graph.base import Finding, GraphStore, Observations, Selection
from workbench.stores.graph.neo4j_rows import Neo4jRows, framed, sendable
from workbench.stores.neo4j.database import Neo4jDatabase

_PEOPLE = 5_000  # whose statistics are made with one statement


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
    # A server keeps what is not committed in its heap: about 20 kB for each appearance.
    unit_rows = 10_000

    def __init__(self, database: Neo4jDatabase) -> None:
        self.database = database
        self.store_id = database.require_store()
        self._rows = Neo4jRows(database)

    # ------------------------------------------------------------------ units of work
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
            made = neo4j_setup.apply_schema(database, store_id=store_id)
            there = [d.name for d in cypher.definitions() if d.name not in made]
            return cls(database), made, there
        except BaseException:
            database.close()
            raise

    def pair_with(self, vectors_id: str, *, claim: bool) -> None:
        """Bind the graph to the vectors of this id (:func:`neo4j_setup.pair_with`)."""
        neo4j_setup.pair_with(self.database, vectors_id, claim=claim)

    def close(self) -> None:
        self.database.close()

    @contextmanager
    def transaction(self, op_id: str | None = None) -> Iterator[None]:
        if not self.database.writing:
            self._rows.begin()
        with self.database.transaction(op_id, before_commit=self._rows.chains.mend):
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
        return self._rows.upsert_nodes(label, frame)

    def upsert_edges(self, kind: str, frame: pd.DataFrame) -> int:
        self.database.require_unit()
        return self._rows.upsert_edges(kind, frame)

    def upsert_appearances(self, nodes: pd.DataFrame, links: pd.DataFrame) -> None:
        self.database.require_unit()
        self._rows.upsert_appearances(nodes, links)

    def delete_nodes(self, label: str, keys: pd.DataFrame) -> int:
        self.database.require_unit()
        return self._rows.delete_nodes(label, keys)

    def delete_edges(self, kind: str, keys: pd.DataFrame) -> int:
        self.database.require_unit()
        return self._rows.delete_edges(kind, keys)

    # ------------------------------------------------------------------ reading
    def nodes(self, label: str, *, ids: Sequence[str] | None = None) -> pd.DataFrame:
        table = schema.NODES[label]
        first = cypher.physical(table.column(table.key[0]))
        chosen = ""
        if ids is not None:
            hint = f"USING INDEX SEEK n:{label}(id) " if first == "id" else ""
            chosen = f"{hint}WHERE n.{first} IN $ids "
        rows = self.database.rows(
            f"nodes {label}",
            f"MATCH (n:{label}) {chosen}"
            f"RETURN {cypher.columns(table)} ORDER BY {cypher.order(table)}",
            ids=None if ids is None else sendable(ids),
        )
        return frames.frame(table.columns, rows)

    def node(self, label: str, key: str) -> dict[str, Any] | None:
        table = schema.NODES[label]
        if not sendable([key]):
            return None
        first = cypher.physical(table.column(table.key[0]))
        hint = f"USING INDEX SEEK n:{label}(id) " if first == "id" else ""
        rows = self.database.rows(
            f"node {label}",
            f"MATCH (n:{label} {{{first}: $key}}) {hint}RETURN {cypher.columns(table)} "
            f"ORDER BY {cypher.order(table)} LIMIT 1",
            key=key,
        )
        return frames.record(table.columns, rows[0]) if rows else None

    def known(self, label: str, ids: Sequence[str]) -> list[str]:
        return self._rows.known(label, ids)

    def called(self, label: str, ids: Sequence[str] | None = None) -> dict[str, str]:
        found = "" if ids is None else cypher.among_ids("n", label, "$ids")
        rows = self.database.rows(
            f"names {label}",
            f"{found or f'MATCH (n:{label}) '}WITH n WHERE n.name IS NOT NULL "
            "RETURN n.id, n.name ORDER BY n.id",
            ids=None if ids is None else sendable(ids),
        )
        return dict(rows)

    def ids_around(self, label: str, key: str, n: int) -> list[str]:
        if not sendable([key]):
            return []
        text = (
            f"MATCH (n:{label}) USING INDEX SEEK n:{label}(id) WHERE n.id {{}} $key "
            "RETURN n.id ORDER BY n.id {} LIMIT $n"
        )
        before = self.database.rows("ids", text.format("<", "DESC"), key=key, n=n)
        rest = self.database.rows("ids", text.format(">=", ""), key=key, n=n)
        return [str(one) for (one,) in (*reversed(before), *rest)]

    def edges(
        self, kind: str, *, src: Sequence[str] | None = None, dst: Sequence[str] | None = None
    ) -> pd.DataFrame:
        table = schema.EDGES[kind]
        if table.derived and self.database.writing:
            self._rows.chains.mend()
        first, second = (cypher.referred(column).label for column in table.columns[:2])
        found = ""
        if src is not None:
            found += cypher.among_ids("x", first, "$src")
        if dst is not None:
            found += cypher.among_ids("y", second, "$dst")
        rows = self.database.rows(
            f"edges {kind}",
            f"{found}MATCH (x:{first})-[r:{kind}]->(y:{second}) "
            f"RETURN {cypher.edge_columns(table)} ORDER BY x.id, y.id",
            src=None if src is None else sendable(src),
            dst=None if dst is None else sendable(dst),
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
        self._rows.mend_derived()

    # ------------------------------------------------------------------ vectors by name
    def name_vectors(self, space: str, frame: pd.DataFrame) -> None:
        self.database.require_unit()
        if self._rows.name_vectors(space, frame):
            # The same name again un-named it for a moment: what has a name is not swept.
            self.swept(frame["vid"].to_numpy())

    def unname_vectors(self, space: str, appearance_ids: Sequence[str]) -> int:
        self.database.require_unit()
        return self._rows.unname_vectors(space, appearance_ids)

    def vectors_of(self, space: str, ids: Sequence[str] | None = None) -> pd.DataFrame:
        found = "" if ids is None else cypher.among_ids("a", "Appearance", "$ids")
        rows = self.database.rows(
            "vectors",
            f"{found}MATCH (a:Appearance)-[r:EMBEDDED]->(:VectorSpace {{name: $space}}) "
            "RETURN a.id, r.vid ORDER BY r.vid",
            space=space,
            ids=None if ids is None else sendable(ids),
        )
        return framed(rows, {"appearance_id": "str", "vid": "int64"})

    def spaces_named(self, spaces: Sequence[str]) -> list[str]:
        text = "MATCH (s:VectorSpace) WHERE s.name IN $names RETURN s.name"
        known = {name for (name,) in self.database.rows("spaces", text, names=list(spaces))}
        return [name for name in spaces if name in known]

    def count_vectors(self, space: str) -> int:
        text = "MATCH ()-[r:EMBEDDED]->(:VectorSpace {name: $space}) RETURN count(r)"
        return int(self.database.value("count vectors", text, space=space))

    def owners(self, space: str, vids: np.ndarray) -> pd.DataFrame:
        rows = self.database.value(
            "owners",
            "UNWIND $vids AS vid MATCH (a:Appearance)-[r:EMBEDDED {vid: vid}]->"
            "(s:VectorSpace {name: $space}) USING INDEX SEEK r:EMBEDDED(vid) "
            f"WITH vid, a ORDER BY vid {_AT_ONCE.format('vid, a.id')}",
            space=space,
            vids=np.unique(np.asarray(vids, dtype="int64")).tolist(),
        )
        return framed(rows, {"vid": "int64", "appearance_id": "str"})

    def to_sweep(self) -> pd.DataFrame:
        rows = self.database.rows(
            "sweep", "MATCH (w:WorkbenchSweep) RETURN w.space, w.vid ORDER BY w.space, w.vid"
        )
        return framed(rows, {"space": "str", "vid": "int64"})

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
        rows = self.database.value(
            "identities of",
            f"{cypher.among_ids('y', 'Appearance', '$ids')}"
            "MATCH (x:Identity)-[r:HAS_APPEARANCE]->(y) WITH x, r, y ORDER BY x.id, y.id "
            f"{_AT_ONCE.format(cypher.edge_columns(table))}",
            ids=sendable(appearance_ids),
        )
        return frames.frame(table.columns, rows)

    def vids_within(self, space: str, selection: Selection) -> np.ndarray:
        if selection.limit is not None:  # the order that a limit needs is that of sightings
            return super().vids_within(space, selection)
        match, parameters = _selected(selection)
        if space in cypher.INDEXED_SPACES:  # what the appearance itself says, with no step further
            found = f"WITH a.{space}_embedding_idx AS vid WHERE vid >= 0"
        else:
            parameters["space"] = space
            found = "MATCH (a)-[r:EMBEDDED]->(:VectorSpace {name: $space}) WITH r.vid AS vid"
        vids = self.database.value(
            "vids within", f"{match} {found} RETURN collect(vid)", **parameters
        )
        return np.sort(np.array(vids, dtype="int64"))

    def observations(self) -> Observations:
        # One row for each identity and place, its times in a list: names come once.
        rows = self.database.rows(
            "observations",
            "MATCH (a:Appearance) OPTIONAL MATCH (i:Identity)-[:HAS_APPEARANCE]->(a) "
            "RETURN i.id, coalesce(a.camera_id, a.place_id), collect(a.ts_us)",
        )
        return _observed(rows)

    def observations_around(self, identity_id: str, margin_us: int) -> Observations:
        known = sendable([identity_id])
        hers = self.database.rows("her places", _HERS, id=identity_id) if known else []
        if not hers:
            return _observed([])
        spans = _spans(hers, min(margin_us, 2**61))
        return _observed(self.database.rows("observations around", _AROUND, **spans))

    def refresh_statistics(self, identity_ids: Sequence[str]) -> None:
        self.database.require_unit()
        ids = list(dict.fromkeys(sendable(identity_ids)))
        for first in range(0, len(ids), _PEOPLE):
            self.database.execute(_STATISTICS, ids=ids[first : first + _PEOPLE])


# The rows that belong to a list of ids, as one: the driver takes as long for a row as for a list.
_AT_ONCE = "RETURN collect([{}])"
_STATISTICS = (
    f"UNWIND $ids AS id {cypher.by_id('i', 'Identity', 'id')}"
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


_HERS = (
    cypher.by_id("i", "Identity", "$id") + "MATCH (i)-[:HAS_APPEARANCE]->(a:Appearance) "
    "WITH coalesce(a.camera_id, a.place_id) AS spot, a WHERE spot IS NOT NULL "
    "RETURN spot, collect(a.ts_us)"
)
# Whoever was at one of the spots within one of the spans: everything of them at these spots.
_AROUND = (
    "UNWIND range(0, size($spot) - 1) AS k CALL (k) { "
    + " UNION ALL ".join(
        f"MATCH (b:Appearance) USING INDEX SEEK b:Appearance({column}, ts_us) "
        f"WHERE b.{column} = $spot[k] AND b.ts_us >= $least[k] AND b.ts_us <= $most[k]{alone} "
        "RETURN b"
        for column, alone in (("camera_id", ""), ("place_id", " AND b.camera_id IS NULL"))
    )
    + " } MATCH (i:Identity)-[:HAS_APPEARANCE]->(b) "
    "WITH i, collect(DISTINCT $spot[k]) AS spots "
    "MATCH (i)-[:HAS_APPEARANCE]->(a:Appearance) "
    "WITH i, spots, coalesce(a.camera_id, a.place_id) AS spot, a WHERE spot IN spots "
    "RETURN i.id, spot, collect(a.ts_us)"
)


def _spans(hers: list[tuple], margin_us: int) -> dict[str, list]:
    """Return the stretches of time within the margin of what was seen at each spot."""
    spot: list[str] = []
    bounds = []
    for name, moments in hers:
        at = np.sort(np.array(moments, dtype="int64"))
        apart = np.diff(at) > 2 * margin_us
        first, last = at[np.append(True, apart)], at[np.append(apart, True)]
        bounds.append((first - margin_us, last + margin_us))
        spot += [name] * len(first)
    least, most = np.hstack(bounds)
    return {"spot": spot, "least": least.tolist(), "most": most.tolist()}


def _observed(rows: list[tuple]) -> Observations:
    """Return observations from rows of who, where, and a list of times."""
    people = sorted({who for who, _, _ in rows if who is not None})
    places = sorted({where for _, where, _ in rows if where is not None})
    person = {name: n for n, name in enumerate(people)} | {None: -1}
    place = {name: n for n, name in enumerate(places)} | {None: -1}
    sizes = [len(moments) for _, _, moments in rows]
    who = np.array([person[one] for one, _, _ in rows], dtype="int64")
    where = np.array([place[one] for _, one, _ in rows], dtype="int64")
    time_us = np.fromiter((t for _, _, ts in rows for t in ts), "int64", count=sum(sizes))
    return Observations(np.repeat(who, sizes), np.repeat(where, sizes), time_us, people, places)


def _selected(chosen: Selection) -> tuple[str, dict[str, Any]]:
    """Return the beginning of a statement that finds the appearances ``a``, and its parameters."""
    parameters: dict[str, Any] = {}
    conditions: list[str] = []
    for name, given in (("ids", chosen.ids), ("loads", chosen.loads), ("cameras", chosen.cameras)):
        if given is not None:
            parameters[name] = list(dict.fromkeys(sendable(given)))
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
    if chosen.identities is not None:
        parameters["identities"] = list(dict.fromkeys(sendable(chosen.identities)))
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    return _start(chosen) + where, parameters


def _start(chosen: Selection) -> str:
    """Return the pattern of the appearances, begun at the index that leads to the fewest."""
    if chosen.identities is not None:
        person = cypher.by_id("whose", "Identity", "one")
        return f"UNWIND $identities AS one {person}MATCH (whose)-[:HAS_APPEARANCE]->(a:Appearance)"
    if chosen.ids is not None:
        return "MATCH (a:Appearance) USING INDEX SEEK a:Appearance(id)"
    if chosen.cameras is not None:
        least = "$start_us" if chosen.start_us is not None else str(-(2**62))
        most = "$end_us" if chosen.end_us is not None else str(2**62)
        return (
            "UNWIND $cameras AS spot CALL (spot) { MATCH (a:Appearance) "
            "USING INDEX SEEK a:Appearance(camera_id, ts_us) "
            f"WHERE a.camera_id = spot AND a.ts_us >= {least} AND a.ts_us < {most} RETURN a "
            "UNION ALL MATCH (a:Appearance) USING INDEX SEEK a:Appearance(place_id, ts_us) "
            f"WHERE a.place_id = spot AND a.ts_us >= {least} AND a.ts_us < {most} "
            "RETURN a } WITH a"
        )
    if chosen.loads is not None:
        return "MATCH (a:Appearance) USING INDEX SEEK a:Appearance(load_id)"
    if any(bound is not None for bound in (chosen.start_us, chosen.end_us, chosen.after)):
        return "MATCH (a:Appearance) USING INDEX SEEK a:Appearance(ts_us)"
    return "MATCH (a:Appearance)"


_AMONG = {
    "ids": "a.id IN $ids",
    "loads": "a.load_id IN $loads",
    "cameras": "(a.camera_id IN $cameras OR a.place_id IN $cameras)",
}
_RANGE = {"start_us": "a.ts_us >= $start_us", "end_us": "a.ts_us < $end_us"}
