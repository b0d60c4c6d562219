"""Vectors as rows of fixed size in append-only files: the durable truth under the indexes.

A segment is a file of one space: a header of 64 bytes, then the codes of one row after the other.
The database beside it says how many rows are committed and which row id (``vid``) is where, with
a checksum of its bytes. A row is written at (committed rows x row size), never at the end of the
file: what a crash left behind is overwritten. Its bytes are on the disk before the transaction
that names it commits.
"""

from __future__ import annotations

import os
import struct
import zlib
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from workbench.errors import StoreDamagedError, StoreError
from workbench.stores.database import ROW_HASH, SqliteDatabase, sync_file, sync_folder
from workbench.stores.vectors import precision
from workbench.stores.vectors.base import VectorSpace

HEADER = 64
_MAGIC = b"WBSEGMT1"
_LAYOUT = struct.Struct("<8s32sII8s4x")  # magic, store id, dim, segment number, dtype
_SPACE = ("name", "dim", "precision", "index_type", "model_id", "threshold", "metric")

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
        self.folder = Path(folder)
        self.database = database
        self._maps: dict[int, np.ndarray] = {}
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
        marks = ", ".join(f"?{n + 1}" for n in range(len(_SPACE)))
        threshold = None if space.threshold is None else float(space.threshold)
        values = [getattr(space, name) if name != "threshold" else threshold for name in _SPACE]
        with self.database.transaction():
            self._known = (0, {})
            self.database.execute(
                f"INSERT INTO space ({columns}, {ROW_HASH}) VALUES ({marks}, {ROW_HASH}({marks}))",
                values,
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
    def append(
        self, space: VectorSpace, vids: np.ndarray, vectors: np.ndarray, norms: np.ndarray
    ) -> None:
        """Write checked vectors of these lengths; their bytes are durable when this returns."""
        if not len(vectors):
            return
        codes, scales, norms = precision.encode(vectors, space.precision, norms)
        crcs = precision.checksums(codes, scales)
        with self.database.transaction():
            segment, rows = self._open_segment(space)
            self._write(space, segment, rows, codes)
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

    def _open_segment(self, space: VectorSpace) -> tuple[int, int]:
        for no in sorted(self._suspect):
            self.database.execute("UPDATE segment SET sealed = 1 WHERE no = ?", (no,))
        found = self.database.rows(
            "SELECT g.no, g.rows FROM segment g JOIN space s ON s.no = g.space_no "
            "WHERE s.name = ? AND NOT g.sealed ORDER BY g.no DESC LIMIT 1",
            (space.name,),
        )
        if found:
            return found[0]
        # The row of a suspect one may have been rolled back: its number is not taken again.
        last = int(self.database.value("SELECT coalesce(max(no), 0) FROM segment"))
        number = max(last, *self._suspect, 0) + 1
        self.database.execute(
            "INSERT INTO segment (no, space_no, rows) SELECT ?, no, 0 FROM space WHERE name = ?",
            (number, space.name),
        )
        return number, 0

    def _write(self, space: VectorSpace, segment: int, rows: int, codes: np.ndarray) -> None:
        path = self._path(space.name, segment)
        data = precision.as_bytes(codes)
        stride = codes.shape[1] * codes.itemsize
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
            try:
                if rows == 0:
                    _pwrite(descriptor, memoryview(self._header(space, segment)), 0)
                _pwrite(descriptor, data, HEADER + rows * stride)
                sync_file(descriptor)
            finally:
                os.close(descriptor)
            if rows == 0:
                sync_folder(self.folder)
        except OSError as error:
            # After a failed sync the kernel may have dropped the pages and call them clean:
            # nothing is appended to this file again.
            self._suspect.add(segment)
            raise StoreError(
                f"The disk refused the vectors ({error.strerror}); nothing was written.",
                where=str(path),
                next="Make room or mend the disk, then repeat the same command.",
            ) from error

    def _header(self, space: VectorSpace, segment: int) -> bytes:
        fixed = _LAYOUT.pack(
            _MAGIC,
            self.database.store_id.encode(),
            space.dim,
            segment,
            precision.DTYPES[space.precision].encode(),
        )
        return fixed.ljust(HEADER - 4, b"\0") + struct.pack("<I", zlib.crc32(fixed))

    def _path(self, space: str, segment: int) -> Path:
        return self.folder / f"{space}-{segment:06d}.seg"

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
        return int(
            self.database.value(
                "SELECT count(*) FROM segment g JOIN space s ON s.no = g.space_no "
                "JOIN vector_row r ON r.place >= (g.no << 32) AND r.place < (g.no << 32) + g.rows "
                "WHERE s.name = ?",
                (space,),
            )
        )

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
        """Return the codes (n, dim) at these places."""
        places = np.asarray(places, dtype="int64")
        segments, rows = places >> 32, places & 0xFFFFFFFF
        if len(places) and (segments == segments[0]).all():
            return self._map(space, int(segments[0]), int(rows.max()) + 1)[rows]
        out = np.empty((len(places), space.dim), dtype=precision.DTYPES[space.precision])
        for no in np.unique(segments).tolist():
            here = segments == no
            out[here] = self._map(space, no, int(rows[here].max()) + 1)[rows[here]]
        return out

    def _map(self, space: VectorSpace, segment: int, rows: int) -> np.ndarray:
        known = self._maps.get(segment)
        if known is not None and len(known) >= rows:
            return known
        _, committed = self.progress(space.name)
        rows = max(rows, committed.get(segment, 0))
        path = self._path(space.name, segment)
        try:
            with path.open("rb") as file:
                header = file.read(HEADER)
            if header != self._header(space, segment):
                raise ValueError("it is not the file that was written here")
            mapped = np.memmap(
                path,
                dtype=precision.DTYPES[space.precision],
                mode="r",
                offset=HEADER,
                shape=(rows, space.dim),
            )
        except (OSError, ValueError) as error:
            raise StoreDamagedError(
                f"A file of vectors cannot be read: {error}.",
                where=str(path),
                next="See what is affected with: workbench verify --store DIR",
            ) from error
        self._maps[segment] = mapped
        return mapped

    def damaged(self, space: VectorSpace) -> pd.DataFrame:
        """Return ``vid, problem`` of every committed row whose bytes are not what was written."""
        problems: list[pd.DataFrame] = []
        _, segments = self.progress(space.name)
        for no, rows in segments.items():
            for first in range(0, rows, 4096):
                low = (no << 32) + first
                problems.append(self._damaged_block(space, low, min(4096, rows - first)))
        return pd.concat(problems, ignore_index=True) if problems else _problems([], [])

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

    def bytes(self) -> int:
        """Return the bytes of the segment files."""
        return sum(path.stat().st_size for path in self.folder.glob("*.seg"))


@lru_cache(maxsize=256)
def _space(*settings: Any) -> VectorSpace:
    # Asked for with every search and every write; the same settings are the same space.
    return VectorSpace(*settings)


def _pwrite(descriptor: int, data: memoryview, offset: int) -> None:
    while len(data):
        written = os.pwrite(descriptor, data, offset)
        data, offset = data[written:], offset + written


def _problems(vids: list[int], reasons: list[str]) -> pd.DataFrame:
    return pd.DataFrame(
        {"vid": pd.Series(vids, dtype="int64"), "problem": pd.Series(reasons, dtype="str")}
    )
