"""Rows are compared with their checksums the first time this process reads them.

Computing a checksum takes longer than reading a row, so that which rows were found sound is
remembered by their numbers. What a process has read once it does not look at again: bytes that go
wrong afterwards are found by the next process, or by ``verify``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from itertools import chain
from operator import itemgetter
from zlib import crc32

import numpy as np

from workbench import schema
from workbench.errors import StoreDamagedError
from workbench.stores.database import ROW_HASH, SqliteDatabase
from workbench.stores.graph import tables

_LARGEST = 1 << 24  # a row whose number is beyond this is looked at every time
_COLUMNS = {table.name: tables.hashed(table) for table in tables.WRITTEN}
_ENCODED = ("utf-8", "surrogatepass")  # as database.row_hash does, without its call

# What a sighting is read with beside its columns, so that its row's checksum can be computed.
SIGHTING_NUMBERS = ("no", "identity_no", "camera_no", "place_no", "load_no", "linked_us", ROW_HASH)
_AT = {column.name: n for n, column in enumerate(schema.SIGHTING.columns)}
_AT["timestamp_us"] = _AT["timestamp_recorded"]
_AT["created_us"] = _AT["created_at"]
_AT |= {name: n for n, name in enumerate(SIGHTING_NUMBERS, start=len(schema.SIGHTING.columns))}
_CELLS = [_AT[name] for name in _COLUMNS["appearance"]]

_REFERRED = ("identity", "camera", "place", "load")


class SoundRows:
    """Which rows of a store's tables were found sound by this process.

    Parameters
    ----------
    database : SqliteDatabase
        The file.
    """

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database
        self._sound: dict[str, np.ndarray] = {}
        self._eager = True
        # identity, place and time of the appearances that were looked at
        self._seen = np.empty((0, 3), dtype="int64")
        self.off = 0  # while not zero, nothing is compared

    def require(self, name: str, numbers: Iterable[int | None]) -> None:
        """Refuse rows of a table that are damaged or not there.

        Raises
        ------
        StoreDamagedError
            Naming one of them.
        """
        if self.off:
            return
        # A set: most of what is referred to is the same few rows.
        different = set(numbers)
        different.discard(None)
        wanted = np.fromiter(different, "int64", len(different))
        self._look(name, self._fresh(name, wanted))

    def sighting_numbers(self) -> tuple[str, ...]:
        """Return what sightings are to be read with: all, as long as most of them are new here."""
        return SIGHTING_NUMBERS if self._eager and not self.off else SIGHTING_NUMBERS[:1]

    def require_sightings(self, rows: Sequence[tuple]) -> None:
        """Refuse rows of sightings, with :meth:`sighting_numbers` behind them, that are damaged.

        What an appearance refers to is looked at with it, and remembered with it.
        """
        if self.off or not rows:
            return
        numbers = np.fromiter(map(itemgetter(_AT["no"]), rows), "int64", len(rows))
        moments = np.fromiter(map(itemgetter(1), rows), "int64", len(rows))
        twice = len(set(numbers.tolist())) < len(rows)
        if twice or (np.diff(moments) < 0).any():  # an index that led here is damaged
            raise _damaged("an index of appearances", self._database)
        fresh = self._fresh("appearance", numbers)
        self._eager = 2 * len(fresh) > len(rows)
        if not len(fresh):
            return
        if len(rows[0]) > _AT["no"] + 1:
            self._compare(rows, fresh)
        else:
            self._look("appearance", fresh)

    def _compare(self, rows: Sequence[tuple], fresh: np.ndarray) -> None:
        """Compare sightings that were read with all their numbers, as far as they are new here."""
        new = set(fresh.tolist())
        rows = rows if len(new) == len(rows) else [row for row in rows if row[_AT["no"]] in new]
        known, cells = itemgetter(_AT[ROW_HASH]), itemgetter(*_CELLS)
        for row in rows:
            if known(row) != crc32(repr(cells(row)).encode(*_ENCODED)):
                raise _damaged(f"appearance {row[0]!r}", self._database)
        for name in _REFERRED:
            self.require(name, map(itemgetter(_AT[f"{name}_no"]), rows))
        self._remember("appearance", fresh)

    def require_seen(self, seen: np.ndarray) -> None:
        """Refuse rows of an index (number, identity, place, time) that differ from the table."""
        if self.off or not len(seen):
            return
        numbers = seen[:, 0]
        if (np.diff(np.sort(numbers)) == 0).any():
            raise _damaged("the index of appearances", self._database)
        known = self._known(numbers)
        known[known] = (self._seen[numbers[known]] == seen[known, 1:]).all(axis=1)
        if not known.all():  # not seen yet, written by another process meanwhile, or damaged
            self._recall(seen[~known])

    def _known(self, numbers: np.ndarray) -> np.ndarray:
        """Return which appearances were found sound."""
        sound = self._sound.get("appearance", np.zeros(0, dtype=bool))
        known = (numbers >= 0) & (numbers < min(len(sound), len(self._seen)))
        known[known] = sound[numbers[known]]
        return known

    def _recall(self, seen: np.ndarray) -> None:
        """Compare rows of an index with those of the table, and remember them."""
        self._look("appearance", self._fresh("appearance", seen[:, 0]))
        rows = self._database.rows(
            "SELECT no, coalesce(identity_no, -1), coalesce(camera_no, -place_no, 0), timestamp_us "
            "FROM appearance NOT INDEXED WHERE no IN (SELECT value FROM json_each(?)) ORDER BY no",
            (json.dumps(seen[:, 0].tolist()),),
        )
        found = np.fromiter(chain.from_iterable(rows), "int64", 4 * len(rows)).reshape(-1, 4)
        if not np.array_equal(found, seen[np.argsort(seen[:, 0])]):
            raise _damaged("the index of appearances", self._database)
        found = found[(found[:, 0] >= 0) & (found[:, 0] < _LARGEST)]
        most = int(found[:, 0].max(initial=-1)) + 1
        if most > len(self._seen):
            more = np.zeros((most + 4096 - len(self._seen), 3), dtype="int64")
            self._seen = np.concatenate([self._seen, more])
        self._seen[found[:, 0]] = found[:, 1:]

    def _fresh(self, name: str, numbers: np.ndarray) -> np.ndarray:
        known = self._sound.get(name, np.zeros(0, dtype=bool))
        if not len(numbers):
            return numbers
        if numbers.max() < len(known) and numbers.min() >= 0:
            return numbers[~known[numbers]]
        inside = (numbers >= 0) & (numbers < len(known))
        inside[inside] = known[numbers[inside]]
        return numbers[~inside]

    def _look(self, name: str, numbers: np.ndarray) -> None:
        if not len(numbers):
            return
        least, most = int(numbers.min()), int(numbers.max())
        which: tuple[str, tuple[object, ...]] = ("no BETWEEN ? AND ?", (least, most))
        if most - least >= len(numbers):  # not one row after the other
            marks = json.dumps(numbers.tolist())
            which = ("no IN (SELECT value FROM json_each(?))", (marks,))
        statement = f"SELECT no, {ROW_HASH}, {', '.join(_COLUMNS[name])} FROM {name} WHERE "
        with self._database.translated():
            # Row by row: half a million cells at a time would keep the garbage collector busy.
            found = [
                row[1] == crc32(repr(row[2:]).encode(*_ENCODED)) or row[2]
                for row in self._database.stream(statement + which[0], which[1])
            ]
        wrong = [one for one in found if one is not True]
        if wrong:
            raise _damaged(f"{name} {wrong[0]!r}", self._database)
        if len(found) < len(numbers):
            raise _damaged(f"a {name} that other rows refer to", self._database)
        if name == "appearance":
            for other in _REFERRED:
                refers = f"SELECT DISTINCT {other}_no FROM appearance NOT INDEXED WHERE {which[0]}"
                self.require(other, (no for (no,) in self._database.rows(refers, which[1])))
        self._remember(name, numbers)

    def _remember(self, name: str, numbers: np.ndarray) -> None:
        numbers = numbers[(numbers >= 0) & (numbers < _LARGEST)]
        known = self._sound.get(name, np.zeros(0, dtype=bool))
        if len(numbers) and numbers.max() >= len(known):
            known = np.concatenate([known, np.zeros(numbers.max() + 4096 - len(known), bool)])
        known[numbers] = True
        self._sound[name] = known


def _damaged(what: str, database: SqliteDatabase) -> StoreDamagedError:
    return StoreDamagedError(
        f"A row of the store is not what was written: {what}.",
        where=str(database.path),
        next="See what is affected with: workbench verify --store DIR",
    )
