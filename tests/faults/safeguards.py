"""The product changed for trials: with one safeguard taken away, or of a later version."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np

from workbench.stores import database
from workbench.stores.vectors import precision, segment_files
from workbench.stores.vectors.faiss import FAISSVectorStore

_TAKEN: list[tuple[Any, str, Any]] = []


def remove(name: str) -> None:
    """Take a safeguard away in this process."""
    REMOVE[name]()


@contextmanager
def removed(name: str | None) -> Iterator[None]:
    """Take a safeguard away for a while."""
    if name is not None:
        remove(name)
    try:
        yield
    finally:
        while _TAKEN:
            setattr(*_TAKEN.pop())


def replace(owner: Any, name: str, value: Any) -> Any:
    """Put something in the place of an attribute until the end of :func:`removed`; return it."""
    before = getattr(owner, name)
    _TAKEN.append((owner, name, before))
    setattr(owner, name, value)
    return before


def _no_fdatasync() -> None:
    replace(segment_files, "sync_file", lambda descriptor: None)


def _no_crc_check() -> None:
    def read(self: Any, space: Any, index: Any, positions: Any) -> Any:
        return positions, self.rows.codes(space, index.place[positions])

    def get(self: Any, space: str, vids: Any) -> Any:
        rows = self._sound(space, vids)
        codes = self.rows.codes(self._space(space), rows["place"].to_numpy())
        return precision.decode(codes, rows["scale"].to_numpy())

    replace(FAISSVectorStore, "_read", read)
    replace(FAISSVectorStore, "get", get)


def _append_at_the_end() -> None:
    def append(descriptor: int, data: memoryview, offset: int) -> None:
        plain(descriptor, data, offset if offset == 0 else os.lseek(descriptor, 0, os.SEEK_END))

    plain = replace(segment_files, "_pwrite", append)


def _commit_before_sync() -> None:
    """Write the bytes only after the transaction that names them."""
    waiting: list[Callable[[], None]] = []

    def later(self: Any, space: Any, number: int, rows: int, codes: Any) -> None:
        kept = np.array(codes)
        waiting.append(lambda: plain(self, space, number, rows, kept))

    @contextmanager
    def first(self: Any, op_id: Any) -> Iterator[None]:
        with unit(self, op_id):
            yield
        while waiting:
            waiting.pop(0)()

    plain = replace(segment_files.SegmentFiles, "append", later)
    unit = replace(database.SqliteDatabase, "_unit", first)


def _errors_ignored() -> None:
    """Write vectors as if the disk never refused."""

    def pwrite(descriptor: int, data: memoryview, offset: int) -> None:
        with suppress(OSError):
            plain(descriptor, data, offset)

    plain = replace(segment_files, "_pwrite", pwrite)


def _version_2() -> None:
    """Be a later version, which has one more table, filled row by row from another."""

    def invented(file: Any) -> None:
        file.execute("CREATE TABLE invented (no INTEGER PRIMARY KEY, twice TEXT) STRICT")
        for no, name in file.rows("SELECT no, id FROM appearance ORDER BY no"):
            file.execute("INSERT INTO invented VALUES (?, ?)", (no, name * 2))

    replace(database, "VERSION", 2)
    replace(database, "MIGRATIONS", {1: invented})


REMOVE: dict[str, Callable[[], None]] = {
    "no fdatasync": _no_fdatasync,
    "no crc check": _no_crc_check,
    "append at the end of the file": _append_at_the_end,
    "commit before sync": _commit_before_sync,
    "errors of writing ignored": _errors_ignored,
    "version 2": _version_2,
}
