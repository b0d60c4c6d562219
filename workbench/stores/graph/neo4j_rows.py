"""Writing rows into Neo4j: batches of nodes and edges, and what follows from them.

Every statement carries a batch. The chains of appearances are noted as they change and mended at
the end of the unit of work (:mod:`workbench.stores.graph.chains`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from workbench import schema, times
from workbench.errors import InvalidInputError, NotFoundError, StoreError
from workbench.schema import Table
from workbench.stores.graph import checks, cypher, frames
from workbench.stores.graph.chains import Chains
from workbench.stores.neo4j.database import Neo4jDatabase

_ROWS = 5_000  # that go with one statement
_EVER = (-(2**62), 2**62)
_PLACE = ("camera_id", "tracking_id", "ts_us")  # in the chain of a track
_ORIGIN = f"{cypher.among_ids('c', 'Camera', '$ids')}RETURN c.id, c.clock_offset_s"
_APPEARANCES = f"UNWIND $ids AS id {cypher.by_id('a', 'Appearance', 'id')}"


class Neo4jRows:
    """The rows of a store, written inside a unit of work of its database."""

    def __init__(self, database: Neo4jDatabase) -> None:
        self.database = database
        self.chains = Chains(database)
        self.begin()

    def begin(self) -> None:
        """Forget what was noted of another unit of work."""
        self.chains.forget()
        # Appearances that this unit made, and their names: no others have to be looked for.
        self._fresh: set[str] = set()
        self._named: set[tuple[str, str]] = set()

    def upsert_nodes(self, label: str, frame: pd.DataFrame) -> int:
        """Write checked rows of a label; return how many."""
        table = schema.NODES[label]
        rows = frame.drop_duplicates(list(table.key), keep="last")
        if table is schema.APPEARANCE:
            self.upsert_appearances(rows, schema.HAS_APPEARANCE.empty())
        else:
            self._require_referred(table, rows)
            moved = self._moved(rows) if table is schema.CAMERA else []
            self._send(cypher.upsert_nodes(table), table, rows)
            self._shift(moved)
        return len(frame)

    def upsert_edges(self, kind: str, frame: pd.DataFrame) -> int:
        """Write checked rows of a kind; return how many."""
        table = schema.EDGES[kind]
        rows = frame.drop_duplicates(list(table.key), keep="last")
        if table is schema.HAS_APPEARANCE:
            for part in _parts(rows):
                self._link(part, self._places(part["appearance_id"].tolist()))
        else:
            self._send(cypher.upsert_edges(table), table, rows)
        return len(frame)

    def upsert_appearances(self, nodes: pd.DataFrame, links: pd.DataFrame) -> None:
        """Write appearances and the links of some of them."""
        for part in _parts(nodes):
            now = self._placed(part)
            before = self._places(part["id"].tolist())
            there = part["id"].isin(before["id"])
            linked = links[links["appearance_id"].isin(part["id"])]
            fresh = ~linked["appearance_id"].isin(before["id"])
            self._create(part[~there], now[~there], linked[fresh])
            if there.any():
                known = self._overwrite(part[there], now[there], before)
                self._link(linked[~fresh], known)

    def _create(self, rows: pd.DataFrame, now: pd.DataFrame, links: pd.DataFrame) -> None:
        """Write appearances that are not there, with what they have of a camera and of a link."""
        if rows.empty:
            return
        link = links.rename(columns={name: f"link_{name}" for name in links.columns})
        whole = rows.assign(ts_us=now["ts_us"]).merge(
            link, left_on="id", right_on="link_appearance_id", how="left"
        )
        seen, linked = whole["camera_id"].notna(), whole["link_identity_id"].notna()
        for _, part in whole.groupby([seen, linked], sort=False):
            self._create_alike(part.reset_index(drop=True))
        self.chains.people(whole.rename(columns={"link_identity_id": "identity_id"}))
        self.chains.tracks(whole)
        self._fresh.update(rows["id"].tolist())

    def _create_alike(self, rows: pd.DataFrame) -> None:
        """Write appearances that all have a camera or have none, and so for a link."""
        nodes, links = schema.APPEARANCE, schema.HAS_APPEARANCE
        given = _given(rows, nodes) | {"ts_us": rows["ts_us"].tolist()}
        linked = bool(rows["link_identity_id"].notna().all())
        if linked:
            given |= _given(rows, links, prefix="link_")
        text = cypher.create_appearances(given.keys(), linked=linked)
        found = self.database.execute(text, n=len(rows), **given)
        if found[0][0] != len(rows):
            self._require("camera", rows["camera_id"])
            self._require("identity", rows["link_identity_id"])
            raise self._lost(found[0][0], nodes, len(rows))

    def _overwrite(
        self, rows: pd.DataFrame, now: pd.DataFrame, before: pd.DataFrame
    ) -> pd.DataFrame:
        """Write appearances that are there; return where they are now, and whose (`_places`)."""
        table = schema.APPEARANCE
        known = now.merge(before, on="id", how="left", suffixes=("", "_before"))
        self._send(cypher.upsert_nodes(table), table, rows, ts_us=now["ts_us"].tolist())
        same = pd.Series(True, index=known.index)
        for name in _PLACE:
            mine, theirs = known[name], known[f"{name}_before"]
            same &= ((mine == theirs) | (mine.isna() & theirs.isna())).fillna(False).astype(bool)
        changed = known[~same]
        self.chains.cut(changed["id"].tolist(), tracks=True)
        left = changed[["identity_id", *(f"{name}_before" for name in _PLACE)]]
        left = left.rename(columns={f"{name}_before": name for name in _PLACE})
        for some in (changed, left):
            self.chains.people(some)
            self.chains.tracks(some)
        self._capture(rows)
        return known

    def _places(self, ids: list[str]) -> pd.DataFrame:
        """Return where these appearances are in the chains: those that are there."""
        found = self.database.execute(
            f"{_APPEARANCES}OPTIONAL MATCH (i:Identity)-[:HAS_APPEARANCE]->(a) "
            "RETURN a.id, a.camera_id, a.tracking_id, a.ts_us, i.id",
            ids=ids,
        )
        names = ["id", "camera_id", "tracking_id", "ts_us", "identity_id"]
        kinds = dict.fromkeys(names, "str") | {"ts_us": "Int64"}
        return framed(found, kinds)

    def _capture(self, rows: pd.DataFrame) -> None:
        """Write CAPTURED_BY of appearances that were there, and were just written again."""
        ids = rows["id"].tolist()
        self.database.execute(f"{_APPEARANCES}MATCH (a)-[r:CAPTURED_BY]->() DELETE r", ids=ids)
        seen = rows[rows["camera_id"].notna()]
        if len(seen):
            self.database.execute(
                f"UNWIND range(0, $n - 1) AS k {cypher.by_id('a', 'Appearance', '$id[k]')}"
                f"{cypher.by_id('c', 'Camera', '$camera_id[k]')}CREATE (a)-[r:CAPTURED_BY]->(c) "
                "SET r.timestamp_us = a.timestamp_us, r.timestamp = a.timestamp RETURN count(*)",
                n=len(seen),
                id=seen["id"].tolist(),
                camera_id=seen["camera_id"].tolist(),
            )

    def _placed(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Return where appearances will be: id, camera, track, corrected time; all must be known.

        Raises
        ------
        NotFoundError
            When a camera, place or load is not there.
        """
        ids = rows["camera_id"].dropna().unique().tolist()
        offsets = {key: _us(offset) for key, offset in self.database.execute(_ORIGIN, ids=ids)}
        if len(offsets) < len(ids):
            self._require("camera", rows["camera_id"])
        self._require_referred(schema.APPEARANCE, rows.assign(camera_id=None))
        recorded = times.to_us(rows["timestamp"]).to_numpy(dtype="int64")
        shift = rows["camera_id"].map(offsets).fillna(0).to_numpy(dtype="int64")
        return rows[["id", "camera_id", "tracking_id"]].assign(ts_us=recorded + shift)

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
                "MATCH (a:Appearance {camera_id: $camera}) "
                "USING INDEX SEEK a:Appearance(camera_id, ts_us) WHERE a.ts_us IS NOT NULL "
                "SET a.ts_us = a.timestamp_us + $offset "
                "WITH a OPTIONAL MATCH (a)-[r:NEXT]-() DELETE r WITH DISTINCT a "
                "MATCH (i:Identity)-[:HAS_APPEARANCE]->(a) RETURN DISTINCT i.id",
                camera=camera,
                offset=offset,
            )
            rows = framed(people, {"identity_id": "str"})
            for moment in _EVER:
                self.chains.people(rows.assign(ts_us=moment))

    def _link(self, rows: pd.DataFrame, places: pd.DataFrame) -> None:
        """Write a batch of links of appearances that are where `places` says."""
        table = schema.HAS_APPEARANCE
        known = rows[["appearance_id", "identity_id"]].merge(
            places, left_on="appearance_id", right_on="id", how="left", suffixes=("", "_before")
        )
        new = known["identity_id_before"].isna()
        moved = ~new & (known["identity_id_before"] != known["identity_id"])
        self._unlink(known.loc[moved, "id"].tolist())
        self.chains.people(known[new | moved])
        self.chains.people(known[moved].assign(identity_id=known["identity_id_before"]))
        fresh = (new | moved).to_numpy()
        self._send(cypher.upsert_edges(table, new=True), table, rows[fresh])
        self._send(cypher.upsert_edges(table), table, rows[~fresh])

    def _unlink(self, ids: list[str]) -> int:
        if not ids:
            return 0
        self.chains.cut(ids, tracks=False)
        found = self.database.execute(
            f"{_APPEARANCES}MATCH (:Identity)-[r:HAS_APPEARANCE]->(a) DELETE r RETURN count(*)",
            ids=ids,
        )
        return int(found[0][0])

    def _send(self, text: str, table: Table, rows: pd.DataFrame, **more: list[Any]) -> None:
        for part in _parts(rows):
            given = {cypher.physical(c): _cells(part[c.name], c) for c in table.columns}
            found = self.database.execute(text, n=len(part), **given, **more)
            if found[0][0] != len(part):
                self._require_referred(table, part)
                raise self._lost(found[0][0], table, len(part))

    def _lost(self, written: int, table: Table, wanted: int) -> StoreError:
        return StoreError(
            f"{written} rows of {table.label} were written, not {wanted}.",
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

    def known(self, label: str, ids: Sequence[str]) -> list[str]:
        """Return those of the ids that are there, in any order."""
        text = f"{cypher.among_ids('n', label, '$ids')}RETURN n.id"
        return [key for (key,) in self.database.rows("known", text, ids=sendable(ids))]

    def delete_nodes(self, label: str, keys: pd.DataFrame) -> int:
        """Delete by key columns, with every edge and vector name; return how many there were."""
        table = schema.NODES[label]
        rows = keys[list(table.key)].drop_duplicates()
        if "id" in table.key:
            ids = sendable(rows["id"].tolist())
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
                f"USING INDEX SEEK n:{label}({', '.join(names)}) DETACH DELETE n RETURN count(*)",
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
            self.chains.people(places)
            self.chains.tracks(places)

    def _abandon(self, ids: list[str]) -> None:
        self.database.execute(
            f"UNWIND $ids AS id {cypher.by_id('i', 'Identity', 'id')}"
            "MATCH (i)-[:HAS_APPEARANCE]->()-[r:NEXT]-() "
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
        """Delete by key columns; return how many there were."""
        table = schema.EDGES[kind]
        if table is schema.HAS_APPEARANCE:
            return self._delete_links(keys["appearance_id"])
        first, second = table.columns[:2]
        rows = keys[list(table.key)].drop_duplicates()
        text = (
            "UNWIND range(0, $n - 1) AS k "
            f"{cypher.by_id('x', cypher.referred(first).label, '$first[k]')}"
            f"{cypher.by_id('y', cypher.referred(second).label, '$second[k]')}"
            f"MATCH (x)-[r:{kind}]->(y) DELETE r RETURN count(*)"
        )
        gone = 0
        for part in _parts(rows):
            ends = {"first": part[first.name].tolist(), "second": part[second.name].tolist()}
            gone += int(self.database.execute(text, n=len(part), **ends)[0][0])
        return gone

    def _delete_links(self, ids: pd.Series) -> int:
        gone = 0
        wanted = sendable(ids.drop_duplicates().tolist())
        for first in range(0, len(wanted), _ROWS):
            places = self._places(wanted[first : first + _ROWS])
            linked = places[places["identity_id"].notna()]
            self.chains.people(linked)
            gone += self._unlink(linked["id"].tolist())
        return gone

    # ------------------------------------------------------------------ vectors by name
    def name_vectors(self, space: str, frame: pd.DataFrame) -> int:
        """Name rows of a space (``appearance_id``, ``vid``); return how many had a name before."""
        if frame["vid"].duplicated().any() or frame["appearance_id"].duplicated().any():
            raise _refused("a row id names one vector, and an appearance has one in a space")
        self.database.execute("MERGE (s:VectorSpace {name: $space}) RETURN s.name", space=space)
        idx = f"SET a.{space}_embedding_idx = $vid[k] " if space in cypher.INDEXED_SPACES else ""
        left = 0
        for part in _parts(frame):
            ids = part["appearance_id"].tolist()
            left += self.unname_vectors(
                space, [a for a in ids if a not in self._fresh or (space, a) in self._named]
            )
            self._named.update((space, a) for a in ids)
            found = self.database.execute(
                "MATCH (s:VectorSpace {name: $space}) UNWIND range(0, $n - 1) AS k "
                f"{cypher.by_id('a', 'Appearance', '$id[k]')}"
                "CREATE (a)-[r:EMBEDDED {vid: $vid[k]}]->(s) "
                f"{idx}RETURN count(*)",
                space=space,
                n=len(part),
                id=ids,
                vid=part["vid"].tolist(),
            )
            if found[0][0] != len(part):
                self._require("appearance", part["appearance_id"])
        return left

    def unname_vectors(self, space: str, appearance_ids: Sequence[str]) -> int:
        """Un-name the vectors of appearances, leave them to be swept; return how many."""
        pattern = "(a)-[r:EMBEDDED]->(s:VectorSpace {name: $space})"
        ids = list(dict.fromkeys(sendable(appearance_ids)))
        parts = [ids[first : first + _ROWS] for first in range(0, len(ids), _ROWS)]
        return sum(self._unname(pattern, part, space=space) for part in parts)

    def _unname(self, pattern: str, ids: list[str], **parameters: Any) -> int:
        known = "".join(
            f"a.{s}_embedding_idx = CASE WHEN s.name = '{s}' THEN -1 ELSE a.{s}_embedding_idx END, "
            for s in cypher.INDEXED_SPACES
        )
        found = self.database.execute(
            f"{_APPEARANCES}MATCH {pattern} "
            f"SET {known.rstrip(', ')} "
            "WITH r, s.name AS space, r.vid AS vid DELETE r "
            "MERGE (w:WorkbenchSweep {vid: vid}) SET w.space = space RETURN count(*)",
            ids=ids,
            **parameters,
        )
        return int(found[0][0])

    # ------------------------------------------------------------------ making anew
    def mend_derived(self) -> None:
        """Mend everything that follows from the rest."""
        wrong = checks.mend_derived(self.database)
        for first in range(0, len(wrong), _ROWS):
            ids = wrong[first : first + _ROWS]
            self.chains.cut(ids, tracks=True)
            places = self._places(ids)
            self.chains.people(places)
            self.chains.tracks(places)


def _parts(rows: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """Yield the rows in batches that go with one statement each."""
    for first in range(0, len(rows), _ROWS):
        yield rows.iloc[first : first + _ROWS].reset_index(drop=True)


def _given(rows: pd.DataFrame, table: Table, *, prefix: str = "") -> dict[str, list[Any]]:
    """Return the columns of a table in which something is, as they go to the server."""
    cells = {
        f"{prefix}{cypher.physical(c)}": _cells(rows[f"{prefix}{c.name}"], c) for c in table.columns
    }
    return {name: values for name, values in cells.items() if values is not None}


def _cells(series: pd.Series, column: schema.Column) -> list[Any] | None:
    """Return a column as it goes to the server, None where nothing is in it."""
    values = frames.cells(series, column)
    if column.kind == "bool":
        values = [None if value is None else bool(value) for value in values]
    return None if all(value is None for value in values) else values


def sendable(ids: Sequence[str]) -> list[str]:
    """Return those that are text in valid Unicode: no other can be an id, or can be sent."""
    return [
        key for key in ids if isinstance(key, str) and key.encode(errors="ignore").decode() == key
    ]


def framed(rows: list[tuple], kinds: dict[str, str]) -> pd.DataFrame:
    """Return rows as a table of columns of these names and dtypes."""
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
