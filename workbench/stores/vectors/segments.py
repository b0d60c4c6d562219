"""Vectors as rows of fixed size in append-only files: the durable truth under the indexes.

A segment is a file of one space (:mod:`workbench.stores.vectors.segment_files`). The database
beside it says how many rows are committed and which row id (``vid``) is where, with a checksum of
its bytes. The bytes of a row are on the disk before the transaction that names it commits.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from workbench.errors import InvalidInputError, StoreDamagedError, StoreError
from workbench.stores.database import ROW_HASH, SqliteDatabase
from workbench.stores.vectors import precision
from workbench.stores.vectors.base import StoredRows, VectorSpace
from workbench.stores.vectors.segment_files import SegmentFiles

_BLOCK = 8192  # rows that are compacted or checked at a time
_SPACE = ("name", "dim", "precision", "index_type", "model_id", "threshold", "metric")

_MARKS = ", ".join(f"?{n + 1}" for n in range(len(_SPACE)))

_DDL = f"""CREATE TABLE space (
  no INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, dim INTEGER NOT NULL,
  precision TEXT NOT NULL, index_type TEXT NOT NULL, model_id TEXT, threshold REAL,
  metric TEXT NOT NULL, removals INTEGER NOT NULL DEFAULT 0, {ROW_HASH} INTEGER NOT NULL
) STRICT;
CREATE TABLE segment (
  no INTEGER PRIMARY KEY, space_no INTEGER NOT NULL REFERENCES space (no),
  rows INTEGER NOT NULL, sealed INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE vector_row (
  place INTEGER PRIMARY KEY, vid INTEGER NOT NULL UNIQUE, crc INTEGER NOT NULL,
  scale REAL NOT NULL, norm REAL NOT NULL, {ROW_HASH} INTEGER NOT NULL
) STRICT;
"""


_PRESENT = (
    "SELECT count(*) FROM segment g JOIN space s ON s.no = g.space_no "
    "JOIN vector_row r ON r.place >= (g.no << 32) AND r.place < (g.no << 32) + g.rows "
    "WHERE s.name = ?"
)
_OUTSIDE = (
    "NOT EXISTS (SELECT 1 FROM segment g JOIN space s ON s.no = g.space_no "
    "WHERE g.no = place >> 32 AND (place & 4294967295) < g.rows)"
)


def _values(space: VectorSpace) -> list[Any]:
    """Return the cells of a space, in the order of `_SPACE`."""
    threshold = None if space.threshold is None else float(space.threshold)
    return [getattr(space, name) if name != "threshold" else threshold for name in _SPACE]


class SegmentRows:
    """The rows of all spaces of a store.

    Parameters
    ----------
    folder : Path
        Where the segment files lie.
    database : SqliteDatabase
        Holds the catalogue; a graph store that shares it shares its commits.
    """

    def __init__(self, folder: Path, database: SqliteDatabase) -> None:
        self.files = SegmentFiles(folder, database.store_id)
        self.database = database
        self.gives_vids = True  # that row ids come from the database beside the rows
        self._suspect: set[int] = set()
        self._known: tuple[int, dict[str, VectorSpace]] = (0, {})

    @staticmethod
    def apply_schema(database: SqliteDatabase) -> None:
        """Create the catalogue's tables in a new file, inside a unit of work."""
        database.script(_DDL)

    # ------------------------------------------------------------------ spaces
    def spaces(self) -> dict[str, VectorSpace]:
        """Return the spaces by name."""
        unit = self.database.units if self.database.writing else 0
        if unit and self._known[0] == unit:  # nobody else writes while we do
            return self._known[1]
        columns = ", ".join(_SPACE)
        rows = self.database.rows(
            f"SELECT {columns}, {ROW_HASH} = {ROW_HASH}({columns}) FROM space ORDER BY name"
        )
        for row in rows:
            if not row[-1]:
                raise StoreDamagedError(
                    f"The settings of the vector space {row[0]!r} are damaged.",
                    where=str(self.database.path),
                    next="See what else is affected with: workbench verify --store DIR",
                )
        self._known = unit, {row[0]: _space(*row[:-1]) for row in rows}
        return self._known[1]

    def create_space(self, space: VectorSpace) -> None:
        """Write a new space."""
        columns = ", ".join(_SPACE)
        with self.database.transaction():
            self._known = (0, {})
            self.database.execute(
                f"INSERT INTO space ({columns}, {ROW_HASH}) "
                f"VALUES ({_MARKS}, {ROW_HASH}({_MARKS}))",
                _values(space),
            )

    def renew_space(self, space: VectorSpace) -> None:
        """Write a space anew, without its rows."""
        mine = "SELECT g.no FROM segment g JOIN space s ON s.no = g.space_no WHERE s.name = ?"
        with self.database.transaction():
            self._known = (0, {})
            self.database.execute(
                f"DELETE FROM vector_row WHERE place >> 32 IN ({mine})", (space.name,)
            )
            # The numbers of its segments stay in use: a file of one may be there, of other rows.
            self.database.execute(
                f"UPDATE segment SET rows = 0, sealed = 1 WHERE no IN ({mine})", (space.name,)
            )
            self.database.execute(
                f"UPDATE space SET ({', '.join(_SPACE)}, {ROW_HASH}) = "
                f"({_MARKS}, {ROW_HASH}({_MARKS})), removals = removals + 1 WHERE name = ?1",
                _values(space),
            )

    def progress(self, space: str) -> tuple[int, dict[int, int]]:
        """Return how often rows were removed, and the committed rows of each segment."""
        rows = self.database.rows(
            "SELECT s.removals, g.no, g.rows FROM space s LEFT JOIN segment g ON g.space_no = s.no "
            "WHERE s.name = ? ORDER BY g.no",
            (space,),
        )
        segments = {no: count for _, no, count in rows if no is not None}
        return (rows[0][0] if rows else 0), segments

    # ------------------------------------------------------------------ writing
    def append(self, space: VectorSpace, vids: np.ndarray, given: StoredRows) -> None:
        """Write encoded rows; their bytes are durable when this returns."""
        codes, scales, norms = given
        if not len(codes):
            return
        crcs = precision.checksums(codes, scales)
        with self.database.transaction():
            segment, rows = self._open_segment(space)
            try:
                self.files.append(space, segment, rows, codes)
            except StoreError:
                self._suspect.add(segment)  # nothing is appended to this file again
                raise
            first = (segment << 32) + rows
            places = range(first, first + len(codes))
            self.database.executemany(
                "INSERT INTO vector_row "
                f"VALUES (?1, ?2, ?3, ?4, ?5, {ROW_HASH}(?1, ?2, ?3, ?4, ?5))",
                zip(
                    places,
                    np.asarray(vids).tolist(),
                    crcs,
                    scales.astype("float64").tolist(),
                    norms.tolist(),
                    strict=True,
                ),
            )
            self.database.execute(
                "UPDATE segment SET rows = ? WHERE no = ?", (rows + len(codes), segment)
            )

    def remove(self, space: str, vids: np.ndarray) -> int:
        """Take rows out of the catalogue; their bytes stay until the space is compacted."""
        with self.database.transaction():
            gone = self.database.executemany(
                "DELETE FROM vector_row WHERE vid = ? AND place >> 32 IN (SELECT g.no "
                "FROM segment g JOIN space s ON s.no = g.space_no WHERE s.name = ?)",
                ((vid, space) for vid in np.asarray(vids).tolist()),
            )
            if gone > 0:
                self.database.execute(
                    "UPDATE space SET removals = removals + 1 WHERE name = ?", (space,)
                )
        return max(gone, 0)

    # ------------------------------------------------------------------ compaction
    def dead(self, space: str) -> int:
        """Return how many rows of the files no row of the catalogue names any more."""
        return sum(self.progress(space)[1].values()) - self.count(space)

    def compact(self, space: VectorSpace) -> None:
        """Write the rows that count into a new segment, which takes the place of the others.

        The files that are not named any more are left to :meth:`collect`.

        Raises
        ------
        StoreDamagedError
            When rows are damaged: what cannot be read is not made to look sound.
        """
        if len(self.damaged(space)):
            raise StoreDamagedError(
                f"The space {space.name!r} has damaged rows and cannot be compacted.",
                where=f"space {space.name}",
                next="See what would be done about them with: workbench repair --store DIR",
            )
        with self.database.transaction():
            place = self.catalogue(space.name, {})[0]
            old = list(self.progress(space.name)[1])
            # Always a new one: the highest number stays in use, and is never given twice.
            new = self._new_segment(space)
            for first in range(0, len(place), _BLOCK):
                block = place[first : first + _BLOCK]
                self.files.append(space, new, first, self.codes(space, block))
                moved = range((new << 32) + first, (new << 32) + first + len(block))
                self.database.executemany(
                    f"UPDATE vector_row SET place = ?1, "
                    f"{ROW_HASH} = {ROW_HASH}(?1, vid, crc, scale, norm) WHERE place = ?2",
                    zip(moved, block.tolist(), strict=True),
                )
            self.database.execute("UPDATE segment SET rows = ? WHERE no = ?", (len(place), new))
            for no in old:
                self.database.execute("DELETE FROM segment WHERE no = ?", (no,))

    def strangers(self) -> list[Path]:
        """Return the files that no committed row names: what a crash or a compaction left."""
        named = self.database.rows(
            "SELECT s.name, g.no FROM segment g JOIN space s ON s.no = g.space_no"
        )
        return self.files.strangers(named)

    def collect(self) -> int:
        """Remove those files, but none while somebody holds a snapshot, which may name them."""
        with self.database.collecting() as free:
            return self.files.discard(self.strangers()) if free else 0

    def _open_segment(self, space: VectorSpace) -> tuple[int, int]:
        for no in sorted(self._suspect):
            self.database.execute("UPDATE segment SET sealed = 1 WHERE no = ?", (no,))
        found = self.database.rows(
            "SELECT g.no, g.rows FROM segment g JOIN space s ON s.no = g.space_no "
            "WHERE s.name = ? AND NOT g.sealed ORDER BY g.no DESC LIMIT 1",
            (space.name,),
        )
        if found:
            self._refuse_overwriting(space, *found[0])
            return found[0]
        return self._new_segment(space), 0

    def _refuse_overwriting(self, space: VectorSpace, segment: int, rows: int) -> None:
        end = (segment << 32) + rows
        behind = "SELECT 1 FROM vector_row WHERE place >= ? AND place < ? LIMIT 1"
        if self.database.rows(behind, (end, (segment + 1) << 32)):
            raise StoreDamagedError(
                f"Segment {segment} says that it ends before rows that are there.",
                where=f"space {space.name}",
                next="See what would be done about it with: workbench repair --store DIR",
            )

    def _new_segment(self, space: VectorSpace) -> int:
        # The row of a suspect one may have been rolled back: its number is not taken again.
        last = int(self.database.value("SELECT coalesce(max(no), 0) FROM segment"))
        number = max(last, *self._suspect, 0) + 1
        self.database.execute(
            "INSERT INTO segment (no, space_no, rows) SELECT ?, no, 0 FROM space WHERE name = ?",
            (number, space.name),
        )
        return number

    # ------------------------------------------------------------------ reading
    def catalogue(
        self, space: str, since: dict[int, int], *, sound: bool = False
    ) -> tuple[np.ndarray, ...]:
        """Return place, vid, scale and crc of the rows behind `since` (rows known by segment).

        With `sound`, only of rows of the catalogue that are as they were written.
        """
        _, segments = self.progress(space)
        check = f"AND {ROW_HASH} = {ROW_HASH}(place, vid, crc, scale, norm)" if sound else ""
        found: list[tuple] = []
        for no, rows in segments.items():
            found += self.database.rows(
                "SELECT place, vid, scale, crc FROM vector_row WHERE place >= ? AND place < ? "
                f"{check} ORDER BY place",
                ((no << 32) + since.get(no, 0), (no << 32) + rows),
            )
        columns = zip(*found, strict=True) if found else ((), (), (), ())
        kinds = ("int64", "int64", "float32", "int64")
        return tuple(np.array(c, dtype=kind) for c, kind in zip(columns, kinds, strict=True))

    def count(self, space: str) -> int:
        """Return the number of rows of a space."""
        removals, segments = self.progress(space)
        if not removals:  # nothing is missing from what was committed: no need to count
            return sum(segments.values())
        return self._present(space)

    def located(self, vids: np.ndarray) -> pd.DataFrame:
        """Return ``place, vid, crc, scale, norm`` of those vids whose catalogue row is sound."""
        marks = "[" + ",".join(map(str, np.asarray(vids).tolist())) + "]"
        rows = self.database.rows(
            "SELECT place, vid, crc, scale, norm FROM vector_row "
            "WHERE vid IN (SELECT value FROM json_each(?)) "
            f"AND {ROW_HASH} = {ROW_HASH}(place, vid, crc, scale, norm) ORDER BY vid",
            (marks,),
        )
        columns = ["place", "vid", "crc", "scale", "norm"]
        parts = list(zip(*rows, strict=True)) if rows else [()] * 5
        kinds = ["int64", "int64", "int64", "float32", "float64"]
        return pd.DataFrame(
            {c: np.array(v, dtype=k) for c, v, k in zip(columns, parts, kinds, strict=True)}
        )

    def codes(self, space: VectorSpace, places: np.ndarray) -> np.ndarray:
        """Return the codes (n, dim) at these places; zeros where a file ends before them."""
        places = np.asarray(places, dtype="int64")
        segments, rows = places >> 32, places & 0xFFFFFFFF
        if len(places) and (segments == segments[0]).all():
            whole = self._map(space, int(segments[0]), int(rows.max()) + 1)
            if rows.max() < len(whole):
                return whole[rows]
        out = np.zeros((len(places), space.dim), dtype=precision.DTYPES[space.precision])
        for no in np.unique(segments).tolist():
            here = segments == no
            whole = self._map(space, no, int(rows[here].max()) + 1)
            here &= rows < len(whole)
            out[here] = whole[rows[here]]
        return out

    def _map(self, space: VectorSpace, segment: int, rows: int) -> np.ndarray:
        known = self.files.known(space, segment, rows)
        if known is not None:
            return known
        _, committed = self.progress(space.name)
        rows = max(rows, committed.get(segment, 0))
        return self.files.mapped(space, segment, rows, keep=not self.database.writing)

    def damaged(self, space: VectorSpace) -> pd.DataFrame:
        """Return ``vid, problem`` of every committed row whose bytes are not what was written."""
        problems: list[pd.DataFrame] = []
        _, segments = self.progress(space.name)
        for no, rows in segments.items():
            for first in range(0, rows, 4096):
                low = (no << 32) + first
                problems.append(self._damaged_block(space, low, min(4096, rows - first)))
        return pd.concat(problems, ignore_index=True) if problems else _problems([], [])

    def findings(self) -> dict[str, list[str]]:
        """Return what is wrong beside the bytes of rows, by kind."""
        found: dict[str, list[str]] = {"vector_file": [], "catalogue": [], "space": []}
        try:
            spaces = self.spaces()
        except (StoreDamagedError, InvalidInputError) as error:
            return found | {"space": [error.message]}
        for name, space in spaces.items():
            for no, rows in self.progress(name)[1].items():
                if rows and (wrong := self.files.wrong(space, no, rows)):
                    found["vector_file"].append(wrong)
        found["catalogue"] = self._miscounted()
        return found

    def _miscounted(self) -> list[str]:
        """Return what the catalogue counts and what is not so."""
        next_vid = int(self.database.value("SELECT next_vid FROM store"))
        last = int(self.database.value("SELECT coalesce(max(vid), 0) FROM vector_row"))
        taken = self.gives_vids and next_vid <= last
        found = [f"the next vector would be {next_vid}, and {last} is one"] * taken
        outside = self.database.value(f"SELECT count(*) FROM vector_row WHERE {_OUTSIDE}")
        found += [f"{outside} rows lie behind the end of their segment"] * bool(outside)
        for name in self.spaces():
            removals, segments = self.progress(name)
            there = self._present(name)
            if not removals and sum(segments.values()) != there:
                found.append(f"space {name} counts {sum(segments.values())} rows, not {there}")
        return found

    def _present(self, space: str) -> int:
        return int(self.database.value(_PRESENT, (space,)))

    def recount(self) -> None:
        """Let the catalogue count what is there, inside a unit of work."""
        self.database.execute(
            "UPDATE store SET next_vid = max(next_vid, 1 + (SELECT coalesce(max(vid), 0) "
            "FROM vector_row))"
        )
        self.database.execute(
            "UPDATE segment SET rows = max(rows, coalesce((SELECT max(r.place) + 1 - (no << 32) "
            "FROM vector_row r WHERE r.place >= no << 32 AND r.place < (no + 1) << 32), 0))"
        )
        for name in self.spaces():
            removals, segments = self.progress(name)
            if not removals and sum(segments.values()) != self._present(name):
                self.database.execute("UPDATE space SET removals = 1 WHERE name = ?", (name,))

    def lost(self) -> list[int]:
        """Return the places of rows of the catalogue that are not as they were written."""
        rows = self.database.rows(
            f"SELECT place FROM vector_row NOT INDEXED WHERE {ROW_HASH} IS NOT "
            f"{ROW_HASH}(place, vid, crc, scale, norm) OR {_OUTSIDE}"
        )
        return [place for (place,) in rows]

    def drop(self, places: list[int]) -> None:
        """Take these rows out of the catalogue, inside a unit of work."""
        self.database.executemany(
            "DELETE FROM vector_row WHERE place = ?", ((place,) for place in places)
        )
        self.database.execute("UPDATE space SET removals = removals + 1")

    def put_right(self, aside: Path) -> list[str]:
        """Give files whose header says what they are their names; put those of others aside."""
        known = [
            (space, no)
            for name, space in self.spaces().items()
            for no, rows in self.progress(name)[1].items()
            if rows
        ]
        return self.files.put_right(known, aside)

    def mend(self, space: VectorSpace) -> None:
        """Give the files of a space their header and length again; rows that are lost stay lost.

        Afterwards :meth:`damaged` names those rows alone, and no others.
        """
        for no, rows in self.progress(space.name)[1].items():
            self.files.mend(space, no, rows)

    def _damaged_block(self, space: VectorSpace, low: int, rows: int) -> pd.DataFrame:
        found = self.database.rows(
            f"SELECT place, vid, crc, scale, {ROW_HASH} = {ROW_HASH}(place, vid, crc, scale, norm) "
            "FROM vector_row WHERE place >= ? AND place < ? ORDER BY place",
            (low, low + rows),
        )
        if not found:
            return _problems([], [])
        place, vid, crc, scale, sound = (np.array(v) for v in zip(*found, strict=True))
        try:
            codes = self.codes(space, place)
        except StoreDamagedError as error:
            return _problems(vid.tolist(), [error.message] * len(vid))
        stored = precision.checksums(codes, scale.astype("float32"))
        torn = np.array(stored, dtype="int64") != crc
        wrong = torn | (sound == 0)
        return _problems(vid[wrong].tolist(), ["bytes differ from the checksum"] * int(wrong.sum()))


@lru_cache(maxsize=256)
def _space(*settings: Any) -> VectorSpace:
    # Asked for with every search and every write; the same settings are the same space.
    return VectorSpace(*settings)


def _problems(vids: list[int], reasons: list[str]) -> pd.DataFrame:
    return pd.DataFrame(
        {"vid": pd.Series(vids, dtype="int64"), "problem": pd.Series(reasons, dtype="str")}
    )
