"""The default graph store: one SQLite file, no server."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from itertools import chain
from operator import itemgetter
from typing import Any

import numpy as np
import pandas as pd

from workbench import schema, times
from workbench.errors import NotFoundError
from workbench.schema import Table
from workbench.stores.database import ROW_HASH, SqliteDatabase
from workbench.stores.graph import frames, mending, tables
from workbench.stores.graph.base import (
    Finding,
    GraphStore,
    Observations,
    Removal,
    Selection,
)
from workbench.stores.graph.soundness import SoundRows

_IDS = "(SELECT value FROM json_each(?))"
_ADD_APPEARANCE = tables.upsert(schema.APPEARANCE)
_OFFSET = "coalesce(CAST(round(c.clock_offset_s * 1000000) AS INTEGER), 0)"


class SqliteGraphStore(GraphStore):
    """Graph rows in the tables of :mod:`workbench.stores.graph.tables`.

    Parameters
    ----------
    database : SqliteDatabase
        The file; a vector store that shares it shares its commits.
    """

    supports = frozenset({"transactions", "durable"})

    def __init__(self, database: SqliteDatabase) -> None:
        self.database = database
        self.store_id = database.store_id
        self._rows = SoundRows(database)

    @contextmanager
    def unchecked(self) -> Iterator[None]:
        with self.database.lenient():
            self._rows.off += 1
            try:
                yield
            finally:
                self._rows.off -= 1

    @staticmethod
    def apply_schema(database: SqliteDatabase) -> None:
        """Create the tables in a new file, inside a unit of work."""
        database.script(tables.ddl())

    def close(self) -> None:
        self.database.close()

    def transaction(self, op_id: str | None = None) -> AbstractContextManager[None]:
        return self.database.transaction(op_id)

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        with self.database.snapshot():
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
        return self._upsert(schema.NODES[label], frame)

    def upsert_edges(self, kind: str, frame: pd.DataFrame) -> int:
        if kind == "HAS_APPEARANCE":
            return self._link(frame)
        return self._upsert(schema.EDGES[kind], frame)

    def upsert_appearances(self, nodes: pd.DataFrame, links: pd.DataFrame) -> None:
        # One statement a row instead of two: the link is part of the appearance's row.
        joint = nodes[["id"]].merge(links, left_on="id", right_on="appearance_id", how="left")
        self._upsert(schema.APPEARANCE, nodes, self._link_cells(joint))

    def add_appearance(
        self, cells: Mapping[str, Any], identity_id: str | None, vids: Mapping[str, int]
    ) -> bool:
        named = [("identity", identity_id)]
        named += [(c.references, cells[c.name]) for c in schema.APPEARANCE.columns if c.references]
        numbers = {
            name: self.database.value(f"SELECT no FROM {name} WHERE id = ?", (key,))
            for name, key in named
            if key is not None
        }
        there = self.database.value("SELECT no FROM appearance WHERE id = ?", (cells["id"],))
        if there is not None or None in numbers.values():
            return False
        row = [
            numbers.get(c.references) if c.references else _stored(cells[c.name])
            for c in schema.APPEARANCE.columns
        ]
        link: list[Any] = [None] * len(tables.LINK)
        if identity_id is not None:
            since = times.microseconds(datetime.now(UTC))
            link = [numbers["identity"], cells["match_confidence"], "deterministic", since]
        self.database.execute(_ADD_APPEARANCE, [*row, *link])
        number = self.database.value("SELECT last_insert_rowid()")
        for space, vid in vids.items():
            self._name(self._space_number(space), [vid], [number])
        return True

    def _upsert(
        self, table: Table, frame: pd.DataFrame, more: Sequence[list[Any]] | None = None
    ) -> int:
        if frame.empty:
            return 0
        columns = [
            self._numbers(column.references, frame[column.name])
            if column.references
            else frames.cells(frame[column.name], column)
            for column in table.columns
        ]
        if table is schema.APPEARANCE:
            columns += more or [[None] * len(frame)] * len(tables.LINK)
        self.database.executemany(tables.upsert(table), zip(*columns, strict=True))
        return len(frame)

    def _link(self, frame: pd.DataFrame) -> int:
        if frame.empty:
            return 0
        which = self._numbers("appearance", frame["appearance_id"])
        self.database.executemany(
            f"{tables.link_changed('?2', '?3', '?4', '?5')} WHERE no = ?1",
            zip(which, *self._link_cells(frame), strict=True),
        )
        return len(frame)

    def _link_cells(self, links: pd.DataFrame) -> list[list[Any]]:
        """Return the columns of ``tables.LINK``."""
        rest = ("confidence", "method", "created_at")
        return [
            self._numbers("identity", links["identity_id"]),
            *(frames.cells(links[n], schema.HAS_APPEARANCE.column(n)) for n in rest),
        ]

    def _numbers(self, name: str, ids: pd.Series) -> list[Any]:
        codes, different = pd.factorize(ids)
        wanted = different.tolist()
        if not wanted:
            return [None] * len(ids)
        found = dict(
            self.database.rows(f"SELECT id, no FROM {name} WHERE id IN {_IDS}", (_json(wanted),))
        )
        if len(found) < len(wanted):
            unknown = sorted(set(wanted) - set(found))
            raise NotFoundError(
                f"There is no {name} {unknown[0]!r}"
                + (f" (nor {len(unknown) - 1} others)" if len(unknown) > 1 else "")
                + ".",
                where=name,
                next=f"Create the {name} first.",
            )
        numbers = np.array([*(found[key] for key in wanted), None], dtype=object)
        return numbers[codes].tolist()  # the code of a missing id is -1: the last one, None

    def delete_nodes(self, label: str, keys: pd.DataFrame) -> int:
        table = schema.NODES[label]
        with self._picked(table, keys):
            if label == "Appearance":
                self._unname("appearance_no IN (SELECT no FROM picked)")
            if label == "Identity":
                self._unlink("identity_no IN (SELECT no FROM picked)")
            return self.database.execute(
                f"DELETE FROM {table.name} WHERE no IN (SELECT no FROM picked)"
            )

    def delete_edges(self, kind: str, keys: pd.DataFrame) -> int:
        if kind == "HAS_APPEARANCE":
            with self._picked(schema.APPEARANCE, keys.rename(columns={"appearance_id": "id"})):
                return self._unlink("no IN (SELECT no FROM picked) AND identity_no IS NOT NULL")
        table = schema.EDGES[kind]
        with self._picked(table, keys):
            return self.database.execute(
                f"DELETE FROM {table.name} WHERE no IN (SELECT no FROM picked)"
            )

    def _unlink(self, where: str) -> int:
        return self.database.execute(f"{tables.unlinked()} WHERE {where}")

    def _unname(self, where: str, *parameters: Any) -> int:
        self.database.execute(
            "INSERT OR IGNORE INTO sweep SELECT e.vid, s.name FROM embedding e "
            f"JOIN named_space s ON s.no = e.space_no WHERE {where}",
            parameters,
        )
        return self.database.execute(f"DELETE FROM embedding WHERE {where}", parameters)

    @contextmanager
    def _picked(self, table: Table, keys: pd.DataFrame) -> Iterator[None]:
        """Fill the temporary table ``picked`` with the row numbers of these keys."""
        self.database.execute("CREATE TEMP TABLE IF NOT EXISTS picked (no INTEGER PRIMARY KEY)")
        self.database.execute("DELETE FROM picked")
        conditions = []
        columns = []
        for position, name in enumerate(table.key, start=1):
            column = table.column(name)
            columns.append(frames.cells(keys[name], column))
            value = f"?{position}"
            if column.references:
                value = f"(SELECT no FROM {column.references} WHERE id = ?{position})"
            conditions.append(f"{tables.physical(column)} = {value}")
        self.database.executemany(
            f"INSERT OR IGNORE INTO picked SELECT no FROM {table.name} "
            f"WHERE {' AND '.join(conditions)}",
            zip(*columns, strict=True),
        )
        yield

    # ------------------------------------------------------------------ reading
    def nodes(self, label: str, *, ids: Sequence[str] | None = None) -> pd.DataFrame:
        table = schema.NODES[label]
        columns, source = tables.select(table)
        first = table.column(table.key[0])
        key = f"t{'r0' if first.references else ''}.{'id' if first.references else first.name}"
        where = "" if ids is None else f" WHERE {key} IN {_IDS}"
        order = ", ".join([key, *(f"t.{tables.physical(table.column(n))}" for n in table.key[1:])])
        numbers = tables.numbers(table)
        rows = self.database.rows(
            # Numbers first: a cell after them is that of the row, not of an index that led to it.
            f"SELECT {numbers}, {columns} FROM {source}{where} ORDER BY {order}",
            () if ids is None else (_json(ids),),
        )
        rows = self._sound(table, rows)
        if ids is not None and not first.references:
            self._require_asked(table, rows, ids)
        return frames.frame(table.columns, rows)

    def _sound(self, table: Table, rows: list[tuple]) -> list[tuple]:
        """Return rows without the numbers they begin with, which are those of sound rows."""
        named = [table.name, *(c.references for c in table.columns if c.references)]
        if not rows:
            return rows
        for position, name in enumerate(named, start=1):
            self._rows.require(str(name), map(itemgetter(position), rows))
        return [row[len(named) + 1 :] for row in rows]

    def _require_asked(self, table: Table, rows: list[tuple], ids: Sequence[str]) -> None:
        if not self._rows.off and not {row[0] for row in rows} <= set(ids):
            raise tables.damaged_index(table.name, str(self.database.path))

    def node(self, label: str, key: str) -> dict[str, Any] | None:
        table = schema.NODES[label]
        columns, source = tables.select(table)
        first = table.column(table.key[0])
        if first.references or not _is_text(key):
            return super().node(label, key)
        numbers = tables.numbers(table)
        where = f"WHERE t.{first.name} = ?"
        rows = self.database.rows(f"SELECT {numbers}, {columns} FROM {source} {where}", (key,))
        rows = self._sound(table, rows)
        self._require_asked(table, rows, (key,))
        return frames.record(table.columns, rows[0]) if rows else None

    def ids_around(self, label: str, key: str, n: int) -> list[str]:
        if not _is_text(key):
            return []
        source = f"SELECT id FROM {schema.NODES[label].name} WHERE id"
        before = self.database.rows(f"{source} < ? ORDER BY id DESC LIMIT ?", (key, n))
        rest = self.database.rows(f"{source} >= ? ORDER BY id LIMIT ?", (key, n))
        return [str(one) for (one,) in (*reversed(before), *rest)]

    def edges(
        self, kind: str, *, src: Sequence[str] | None = None, dst: Sequence[str] | None = None
    ) -> pd.DataFrame:
        table = schema.EDGES[kind]
        if table.derived or kind == "HAS_APPEARANCE":
            return self._viewed(table, src, dst)
        columns, source = tables.select(table)
        conditions = [f"tr{n}.id IN {_IDS}" for n, ids in enumerate((src, dst)) if ids is not None]
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        rows = self.database.rows(
            f"SELECT {tables.numbers(table)}, {columns} FROM {source}{where} "
            "ORDER BY tr0.id, tr1.id",
            [_json(ids) for ids in (src, dst) if ids is not None],
        )
        return frames.frame(table.columns, self._sound(table, rows))

    def _viewed(
        self, table: Table, src: Sequence[str] | None, dst: Sequence[str] | None
    ) -> pd.DataFrame:
        names = [column.name for column in table.columns]
        physical = [
            "linked_us" if n == "created_at" else "timestamp_us" if n == "timestamp" else n
            for n in names
        ]
        ends = [(names[0], src), (names[1], dst)]
        conditions = [f"{name} IN {_IDS}" for name, ids in ends if ids is not None]
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        rows = self.database.rows(
            f"SELECT {', '.join(physical)} FROM {table.name}{where} "
            f"ORDER BY {names[0]}, {names[1]}",
            [_json(ids) for _, ids in ends if ids is not None],
        )
        self._require_viewed({row[n] for row in rows for n in (0, 1)})
        return frames.frame(table.columns, rows)

    def _require_viewed(self, ids: set[str]) -> None:
        """Refuse appearances, and whom and what they refer to, that are damaged."""
        numbers = self.database.rows(
            f"SELECT row_hash, no, identity_no, camera_no FROM appearance WHERE id IN {_IDS}",
            (_json(sorted(ids)),),
        )
        for position, name in enumerate(("appearance", "identity", "camera"), start=1):
            self._rows.require(name, map(itemgetter(position), numbers))

    def counts(self) -> dict[str, int]:
        counted = {t.label: f"(SELECT count(*) FROM {t.name})" for t in tables.WRITTEN}
        counted["HAS_APPEARANCE"] = (
            "(SELECT count(*) FROM appearance WHERE identity_no IS NOT NULL)"
        )
        row = self.database.rows(f"SELECT {', '.join(counted.values())}")[0]
        return dict(zip(counted, row, strict=True))

    def checkpoint(self) -> None:
        self.database.checkpoint()

    def compact(self) -> None:
        self.database.vacuum()

    def findings(self) -> list[Finding]:
        with self.snapshot():
            return mending.findings(self.database)

    def removals(self, findings: Sequence[Finding]) -> list[Removal]:
        return mending.removals(self.database, findings)

    def mend(self, findings: Sequence[Finding]) -> None:
        mending.mend(self.database, findings)

    def mend_indexes(self) -> None:
        self.database.execute("REINDEX")

    # ------------------------------------------------------------------ vectors by name
    def name_vectors(self, space: str, frame: pd.DataFrame) -> None:
        if frame.empty:
            return
        which = self._numbers("appearance", frame["appearance_id"])
        number = self._space_number(space)
        self._unname(f"appearance_no IN {_IDS} AND space_no = {number}", json.dumps(which))
        self._name(number, frame["vid"].tolist(), which)
        # The same name again un-named it for a moment: what has a name is not swept.
        self.swept(frame["vid"].to_numpy())

    def _space_number(self, space: str) -> int:
        number = self.database.value("SELECT no FROM named_space WHERE name = ?", (space,))
        if number is None:
            self.database.execute("INSERT INTO named_space (name) VALUES (?)", (space,))
            return self._space_number(space)
        return int(number)

    def _name(self, space_no: int, vids: list[int], which: list[int]) -> None:
        self.database.executemany(
            f"INSERT INTO embedding VALUES (?1, ?2, ?3, {ROW_HASH}(?1, ?2, ?3))",
            zip(vids, which, [space_no] * len(which), strict=True),
        )

    def unname_vectors(self, space: str, appearance_ids: Sequence[str]) -> int:
        number = self.database.value("SELECT no FROM named_space WHERE name = ?", (space,))
        ids = pd.DataFrame({"id": pd.Series(list(appearance_ids), dtype=object)})
        with self._picked(schema.APPEARANCE, ids):
            return self._unname(
                f"appearance_no IN (SELECT no FROM picked) AND space_no = {int(number or 0)}"
            )

    def vectors_of(self, space: str, ids: Sequence[str] | None = None) -> pd.DataFrame:
        where = "" if ids is None else f" AND a.id IN {_IDS}"
        rows = self.database.rows(
            f"SELECT e.{ROW_HASH} = {ROW_HASH}(e.vid, e.appearance_no, e.space_no), "
            "a.no, a.id, e.vid FROM embedding e "
            "JOIN appearance a ON a.no = e.appearance_no "
            "WHERE e.space_no = (SELECT no FROM named_space WHERE name = ?)"
            f"{where} ORDER BY e.vid",
            (space,) if ids is None else (space, _json(ids)),
        )
        self._rows.require("appearance", map(itemgetter(1), rows))
        if not self._rows.off and not all(row[0] for row in rows):
            raise tables.damaged_index("embedding", str(self.database.path))
        rows = [row[2:] for row in rows]
        return _named(rows, ["appearance_id", "vid"])

    def count_vectors(self, space: str) -> int:
        return int(
            self.database.value(
                "SELECT count(*) FROM embedding WHERE space_no = "
                "(SELECT no FROM named_space WHERE name = ?)",
                (space,),
            )
        )

    def owners(self, space: str, vids: np.ndarray) -> pd.DataFrame:
        return _named(self._owners(space, vids), ["vid", "appearance_id"])

    def names_of(self, space: str, vids: np.ndarray) -> dict[int, str]:
        return dict(self._owners(space, vids))

    def _owners(self, space: str, vids: np.ndarray) -> list[tuple]:
        return self.database.rows(
            "SELECT e.vid, a.id FROM embedding e JOIN appearance a ON a.no = e.appearance_no "
            f"WHERE e.vid IN {_IDS} AND e.space_no = (SELECT no FROM named_space WHERE name = ?) "
            f"AND e.{ROW_HASH} = {ROW_HASH}(e.vid, e.appearance_no, e.space_no) "
            f"AND {tables.sound(schema.APPEARANCE, 'a')} ORDER BY e.vid",
            (json.dumps(np.asarray(vids).tolist()), space),
        )

    def to_sweep(self) -> pd.DataFrame:
        rows = self.database.rows("SELECT space, vid FROM sweep ORDER BY space, vid")
        return _named(rows, ["space", "vid"])

    def swept(self, vids: np.ndarray) -> None:
        self.database.execute(
            f"DELETE FROM sweep WHERE vid IN {_IDS}", (json.dumps(np.asarray(vids).tolist()),)
        )

    # ------------------------------------------------------------------ questions, natively
    def sightings(self, selection: Selection | None = None) -> pd.DataFrame:
        chosen = selection or Selection()
        columns, source = tables.select(schema.APPEARANCE, "a")
        moment, where, parameters = self._where(chosen)
        columns = columns.replace("a.timestamp_us", f"{moment}", 1)
        numbers = ", ".join(f"a.{name}" for name in self._rows.sighting_numbers())
        limit = "" if chosen.limit is None else f" LIMIT {int(chosen.limit)}"
        # What an index leads to is looked at in the table: an index may be what is damaged.
        if where:
            shifted = "LEFT JOIN camera c ON c.no = a.camera_no" if "c." in where else ""
            source = (
                f"(SELECT a.no AS picked FROM appearance a {shifted} {where}) CROSS JOIN "
                + source.replace("appearance a", "appearance a ON a.no = picked", 1)
            )
        rows = self.database.rows(
            f"SELECT {columns}, a.timestamp_us, i.id, a.confidence, a.method, {numbers} "
            f"FROM {source} "
            "LEFT JOIN camera c ON c.no = a.camera_no LEFT JOIN identity i ON i.no = a.identity_no "
            f"ORDER BY {moment}, a.id{limit}",
            parameters,
        )
        self._rows.require_sightings(rows)
        return frames.frame(schema.SIGHTING.columns, rows)

    def vids_within(self, space: str, selection: Selection) -> np.ndarray:
        if selection.limit is not None:  # the order that a limit needs is that of sightings
            return super().vids_within(space, selection)
        _, where, parameters = self._where(selection)
        rows = self.database.rows(
            "SELECT e.vid FROM appearance a LEFT JOIN camera c ON c.no = a.camera_no "
            "JOIN embedding e ON e.appearance_no = a.no "
            f"{where or 'WHERE 1'} AND e.space_no = (SELECT no FROM named_space WHERE name = ?) "
            "ORDER BY e.vid",
            [*parameters, space],
        )
        return np.array([row[0] for row in rows], dtype="int64")

    def _where(self, chosen: Selection) -> tuple[str, str, list[Any]]:
        """Return the expression of corrected time, the WHERE clause and its parameters."""
        least, most = self.database.rows(
            f"SELECT coalesce(min({_OFFSET}), 0), coalesce(max({_OFFSET}), 0) FROM camera c"
        )[0]
        least, most = min(least, 0), max(most, 0)
        shifted = least != 0 or most != 0
        moment = f"(a.timestamp_us + {_OFFSET})" if shifted else "a.timestamp_us"
        found: list[tuple[str, list[Any]]] = []
        if chosen.ids is not None:
            found.append((f"a.id IN {_IDS}", [_json(chosen.ids)]))
        if chosen.identities is not None:
            people = f"(SELECT no FROM identity WHERE id IN {_IDS})"
            found.append((f"a.identity_no IN {people}", [_json(chosen.identities)]))
        if chosen.cameras is not None:
            found.append(self._at(chosen.cameras))
        if chosen.loads is not None:
            found.append(
                (f"a.load_no IN (SELECT no FROM load WHERE id IN {_IDS})", [_json(chosen.loads)])
            )
        if chosen.start_us is not None:
            # The bound on the recorded time lets the index work; the other one decides.
            found.append(("a.timestamp_us >= ?", [chosen.start_us - most]))
            found.append((f"{moment} >= ?", [chosen.start_us]))
        if chosen.end_us is not None:
            found.append(("a.timestamp_us < ?", [chosen.end_us - least]))
            found.append((f"{moment} < ?", [chosen.end_us]))
        if chosen.unidentified is not None:
            found.append((f"a.identity_no IS {'' if chosen.unidentified else 'NOT '}NULL", []))
        if chosen.after is not None:
            found.append((f"({moment}, a.id) > (?, ?)", list(chosen.after)))
        where = "WHERE " + " AND ".join(text for text, _ in found) if found else ""
        return moment, where, [value for _, values in found for value in values]

    @staticmethod
    def _at(cameras: Sequence[str]) -> tuple[str, list[Any]]:
        text = (
            f"(a.camera_no IN (SELECT no FROM camera WHERE id IN {_IDS}) "
            f"OR a.place_no IN (SELECT no FROM place WHERE id IN {_IDS}))"
        )
        return text, [_json(cameras), _json(cameras)]

    def observations(self) -> Observations:
        with self.snapshot():
            # Read from the covering index alone; places get negative numbers for the moment.
            cursor = self.database.stream(
                "SELECT no, coalesce(identity_no, -1), coalesce(camera_no, -place_no, 0), "
                "timestamp_us FROM appearance INDEXED BY appearance_of_identity"
            )
            with self.database.translated():
                flat = np.fromiter(chain.from_iterable(cursor), dtype="int64").reshape(-1, 4)
            self._rows.require_seen(flat)
            people = dict(self.database.rows("SELECT no, id FROM identity"))
            cameras = self.database.rows(f"SELECT c.no, c.id, {_OFFSET} FROM camera c")
            places = self.database.rows("SELECT -no, id, 0 FROM place")
            self._rows.require("identity", people)
            self._rows.require("camera", (row[0] for row in cameras))
            self._rows.require("place", (-row[0] for row in places))
        _, who, where, time_us = flat.T
        spots = {no: (key, offset) for no, key, offset in (*cameras, *places)}
        identity, identities = frames.dense(who, people)
        place, names = frames.dense(where, {no: key for no, (key, _) in spots.items()})
        # By number, not by name: a place that bears a camera's id has no clock of its own.
        numbers, at = np.unique(where, return_inverse=True)
        offsets = np.array([spots.get(no, ("", 0))[1] for no in numbers.tolist()], dtype="int64")
        shifted = time_us + offsets[at] if len(numbers) else time_us.copy()
        return Observations(identity, place, shifted, identities, names)

    def refresh_statistics(self, identity_ids: Sequence[str]) -> None:
        picked = f"no IN (SELECT no FROM identity WHERE id IN {_IDS})"
        # Without clock offsets every fact but one is read from the covering index alone.
        shifted = self.database.value(f"SELECT max({_OFFSET} <> 0) FROM camera c")
        moment = f"a.timestamp_us + {_OFFSET}" if shifted else "a.timestamp_us"
        camera = "LEFT JOIN camera c ON c.no = a.camera_no" if shifted else ""
        self.database.execute(
            "UPDATE identity SET (first_seen_us, last_seen_us, num_appearances, num_cameras, "
            f"confidence_score) = (SELECT min({moment}), max({moment}), count(*), "
            "count(DISTINCT a.camera_no), "
            "coalesce(round(avg(a.confidence), 12), stated_confidence) "
            f"FROM appearance a {camera} WHERE a.identity_no = identity.no), "
            # CROSS JOIN keeps her appearances outside, so that the first face ends the search.
            "has_face = EXISTS (SELECT 1 FROM appearance a CROSS JOIN embedding e "
            "WHERE a.identity_no = identity.no AND e.appearance_no = a.no AND e.space_no = "
            "(SELECT no FROM named_space WHERE name = 'face')), "
            # What was damaged before stays so, though its statistics are new.
            f"{ROW_HASH} = iif({tables.sound(schema.IDENTITY)}, 0, {tables.LOST}) WHERE {picked}",
            (_json(identity_ids),),
        )
        columns = ", ".join(tables.names(schema.IDENTITY))
        self.database.execute(
            f"UPDATE identity SET {ROW_HASH} = {ROW_HASH}({columns}) "
            f"WHERE {picked} AND {ROW_HASH} = 0",
            (_json(identity_ids),),
        )


def _is_text(key: object) -> bool:
    """Return whether it can be bound as it is: no NUL, at which a text ends; valid Unicode."""
    return isinstance(key, str) and "\0" not in key and key.encode(errors="ignore").decode() == key


def _stored(value: Any) -> Any:
    return times.microseconds(value) if isinstance(value, datetime) else value


def _json(ids: Sequence[str]) -> str:
    # SQLite ends a text of JSON at a NUL and would find another id: no id here holds one.
    return json.dumps([key for key in ids if "\0" not in str(key)])


def _named(rows: list[tuple], columns: list[str]) -> pd.DataFrame:
    parts = list(zip(*rows, strict=True)) if rows else [()] * len(columns)
    dtypes = {"vid": "int64"}
    return pd.DataFrame(
        {
            n: pd.Series(list(v), dtype=dtypes.get(n, "str"))
            for n, v in zip(columns, parts, strict=True)
        }
    )
