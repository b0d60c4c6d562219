"""The files that hold vectors: a header that says whose they are, then rows of one size.

A row is written at (committed rows x row size), never at the end of the file: what a crash left
behind is overwritten. Its bytes are on the disk before the transaction that names it commits.
Nothing is ever changed in a row that was committed; compaction writes another file.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from workbench.errors import StoreDamagedError, StoreError
from workbench.stores.database import sync_file, sync_folder
from workbench.stores.vectors import precision
from workbench.stores.vectors.base import VectorSpace

HEADER = 64
_MAGIC = b"WBSEGMT1"
_LAYOUT = struct.Struct("<8s32sII8s4x")  # magic, store id, dim, segment number, dtype


class SegmentFiles:
    """The segment files of a store.

    Parameters
    ----------
    folder : Path
        Where they lie.
    store_id : str
        Whose they are; a file of another store is not read.
    """

    def __init__(self, folder: Path, store_id: str) -> None:
        self.folder = Path(folder)
        self._store_id = store_id
        self._maps: dict[tuple[VectorSpace, int], np.ndarray] = {}

    def path(self, space: str, number: int) -> Path:
        """Return the file of a segment."""
        return self.folder / f"{space}-{number:06d}.seg"

    # ------------------------------------------------------------------ writing
    def append(self, space: VectorSpace, number: int, rows: int, codes: np.ndarray) -> None:
        """Write `codes` behind the first `rows` rows; durable when this returns.

        Raises
        ------
        StoreError
            When the disk refuses. The file must not be appended to again: after a failed sync the
            kernel may have dropped the pages and call them clean.
        """
        path = self.path(space.name, number)
        stride = codes.shape[1] * codes.itemsize
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
            try:
                if rows == 0:
                    _pwrite(descriptor, memoryview(self.header(space, number)), 0)
                _pwrite(descriptor, precision.as_bytes(codes), HEADER + rows * stride)
                sync_file(descriptor)
            finally:
                os.close(descriptor)
            if rows == 0:
                sync_folder(self.folder)
        except OSError as error:
            raise StoreError(
                f"The disk refused the vectors ({error.strerror}); nothing was written.",
                where=str(path),
                next="Make room or mend the disk, then repeat the same command.",
            ) from error

    def header(self, space: VectorSpace, number: int) -> bytes:
        """Return the first bytes of a segment file."""
        fixed = _LAYOUT.pack(
            _MAGIC,
            self._store_id.encode(),
            space.dim,
            number,
            precision.DTYPES[space.precision].encode(),
        )
        return fixed.ljust(HEADER - 4, b"\0") + struct.pack("<I", zlib.crc32(fixed))

    # ------------------------------------------------------------------ reading
    def known(self, space: VectorSpace, number: int, rows: int) -> np.ndarray | None:
        """Return the codes of a segment if at least `rows` of them are mapped already."""
        found = self._maps.get((space, number))
        return found if found is not None and len(found) >= rows else None

    def mapped(self, space: VectorSpace, number: int, rows: int, *, keep: bool) -> np.ndarray:
        """Return the codes of the first `rows` rows, or of those that a shorter file has, mapped.

        `keep` it for the next question only where nothing of it can be rolled back: the file of a
        segment that was never committed may be replaced by another of its name.

        Raises
        ------
        StoreDamagedError
            When the file is not there, or not the one that was written here.
        """
        path = self.path(space.name, number)
        kind = np.dtype(precision.DTYPES[space.precision])
        try:
            with path.open("rb") as file:
                header = file.read(HEADER)
                there = (os.fstat(file.fileno()).st_size - HEADER) // (kind.itemsize * space.dim)
                if header != self.header(space, number):
                    raise ValueError("it is not the file that was written here")
                rows = min(rows, there)
                found = np.empty((0, space.dim), dtype=kind)
                if rows:
                    found = np.memmap(file, kind, "r", HEADER, (rows, space.dim))
        except (OSError, ValueError) as error:
            raise StoreDamagedError(
                f"A file of vectors cannot be read: {error}.",
                where=str(path),
                next="See what is affected with: workbench verify --store DIR",
            ) from error
        if keep:
            self._maps[space, number] = found
        return found

    def mend(self, space: VectorSpace, number: int, rows: int) -> None:
        """Give a file its header, and zeros where it ends too early; durable when this returns."""
        size = HEADER + rows * space.dim * np.dtype(precision.DTYPES[space.precision]).itemsize
        descriptor = os.open(self.path(space.name, number), os.O_RDWR | os.O_CREAT, 0o644)
        try:
            header = self.header(space, number)
            if os.pread(descriptor, HEADER, 0) != header:
                _pwrite(descriptor, memoryview(header), 0)
            if os.fstat(descriptor).st_size < size:
                os.ftruncate(descriptor, size)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        sync_folder(self.folder)
        self.forget()

    # ------------------------------------------------------------------ what nobody names
    def strangers(self, named: Iterable[tuple[str, int]]) -> list[Path]:
        """Return the files of segments that are not among these: what a crash left behind."""
        known = {self.path(*one) for one in named}
        return sorted(path for path in self.folder.glob("*.seg") if path not in known)

    def discard(self, paths: Iterable[Path]) -> None:
        """Remove files that nobody names; whoever has one mapped keeps what it sees."""
        for path in paths:
            path.unlink(missing_ok=True)
        self.forget()

    def forget(self) -> None:
        """Let go of what is mapped: a removed file takes its room until nobody has it mapped."""
        self._maps.clear()


def _pwrite(descriptor: int, data: memoryview, offset: int) -> None:
    while len(data):
        written = os.pwrite(descriptor, data, offset)
        data, offset = data[written:], offset + written
