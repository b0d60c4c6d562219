"""The files that hold vectors: a header that says whose they are, then rows of one size.

A row is written at (committed rows x row size), never at the end of the file: what a crash left
behind is overwritten. Its bytes are on the disk before the transaction that names it commits.
Nothing is ever changed in a row that was committed; compaction writes another file.
"""

from __future__ import annotations

import contextlib
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

    def wrong(self, space: VectorSpace, number: int, rows: int) -> str:
        """Return in words what is wrong with a file of so many rows but for their bytes, or ''."""
        path = self.path(space.name, number)
        try:
            with path.open("rb") as file:
                header, size = file.read(HEADER), os.fstat(file.fileno()).st_size
        except FileNotFoundError:
            return f"{path.name} is not there"
        except OSError as error:
            return f"{path.name} cannot be read: {error.strerror}"
        if header != self.header(space, number):
            owner = _owner(header)
            if owner is None:
                return f"{path.name} has a damaged header"
            whose = "this" if owner[0] == self._store_id else "another"
            return f"{path.name} is segment {owner[1]} of {whose} store"
        missing = _size(space, rows) - size
        return f"{path.name} is {missing} bytes too short" if missing > 0 else ""

    def put_right(self, known: Iterable[tuple[VectorSpace, int]], aside: Path) -> list[str]:
        """Give files whose header says what they are their names; put those of others aside.

        Returns in words what was done; durable when this returns.
        """
        named = {number: self.path(space.name, number) for space, number in known}
        here = {path: self._mine(path) for path in sorted(self.folder.glob("*.seg"))}
        at_home = {path for path, number in here.items() if named.get(number or -1) == path}
        moves: list[tuple[Path, Path]] = []
        for path, number in here.items():
            home = named.get(number or -1)
            if home is not None and path != home and home not in at_home:
                moves.append((path, home))
                at_home.add(home)
            elif path not in at_home and path in named.values() and number != 0:
                moves.append((path, _free(aside, path.name)))
        if moves:
            self._move(moves)
        return [f"{path.name} was moved to {home.parent.name}/{home.name}" for path, home in moves]

    def _mine(self, path: Path) -> int | None:
        """Return the number in the header of a file, 0 where it is torn, None of another store."""
        with path.open("rb") as file:
            owner = _owner(file.read(HEADER))
        if owner is None:
            return 0
        return owner[1] if owner[0] == self._store_id else None

    def _move(self, moves: list[tuple[Path, Path]]) -> None:
        waiting = [(path.rename(path.with_suffix(".moving")), home) for path, home in moves]
        for path, home in waiting:
            home.parent.mkdir(exist_ok=True)
            path.rename(home)
            sync_folder(home.parent)
        sync_folder(self.folder)
        self.forget()

    def mend(self, space: VectorSpace, number: int, rows: int) -> None:
        """Give a file its header, and zeros where it ends too early; durable when this returns."""
        size = _size(space, rows)
        if not self.folder.is_dir():
            self.folder.mkdir()
            sync_folder(self.folder.parent)
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
        """Return the files of segments that are not among these: what a crash left behind.

        A file of another store is not among them: it may be all that is left of that one.
        """
        known = {self.path(*one) for one in named}
        others = sorted(path for path in self.folder.glob("*.seg") if path not in known)
        return [path for path in others if self._mine(path) is not None]

    def discard(self, paths: Iterable[Path]) -> int:
        """Remove files that nobody names and return how many; one that will not go stays behind.

        Whoever has one mapped keeps what it sees.
        """
        gone = 0
        for path in paths:
            with contextlib.suppress(OSError):
                path.unlink()
                gone += 1
        self.forget()
        return gone

    def forget(self) -> None:
        """Let go of what is mapped: a removed file takes its room until nobody has it mapped."""
        self._maps.clear()


def _size(space: VectorSpace, rows: int) -> int:
    """Return the bytes of a file of so many rows."""
    return HEADER + rows * space.dim * np.dtype(precision.DTYPES[space.precision]).itemsize


def _owner(header: bytes) -> tuple[str, int] | None:
    """Return the store and the number of the segment that a header says, None where it is torn."""
    fixed = header[: _LAYOUT.size]
    if len(header) < HEADER or header[HEADER - 4 :] != struct.pack("<I", zlib.crc32(fixed)):
        return None
    _, store_id, _, number, _ = _LAYOUT.unpack(fixed)
    return store_id.decode("ascii", "replace"), number


def _free(folder: Path, name: str) -> Path:
    """Return a path of that name in a folder, with a number where it is taken."""
    path, number = folder / name, 1
    while path.exists():
        path, number = folder / f"{name}.{number}", number + 1
    return path


def _pwrite(descriptor: int, data: memoryview, offset: int) -> None:
    while len(data):
        written = os.pwrite(descriptor, data, offset)
        data, offset = data[written:], offset + written
