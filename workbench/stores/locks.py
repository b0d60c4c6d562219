"""Who may write a store, who reads a snapshot of it, and who stands in nobody's way: file locks.

Two files beside the database are locked with ``flock``, which the system gives back when a process
dies, so that no lock is ever left behind:

* ``writer.lock`` for oneself alone, by whoever writes, for one unit of work;
* ``readers.lock`` shared by everybody who holds a snapshot, and alone by whoever removes files
  that a snapshot may name.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from workbench.errors import StoreBusyError, StoreError


class Readers:
    """The lock of those who hold a snapshot of the store in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._descriptor: int | None = None

    def share(self) -> None:
        """Wait until nobody collects; nobody does until this is given back."""
        fcntl.flock(self._open(), fcntl.LOCK_SH)

    def alone(self, wait_s: float) -> bool:
        """Return whether nobody held a snapshot within that time; then nobody gets one."""
        return _locked(self._open(), wait_s)

    def give_back(self) -> None:
        """Let others have it."""
        fcntl.flock(self._open(), fcntl.LOCK_UN)

    def close(self) -> None:
        """Give it back for good."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _open(self) -> int:
        if self._descriptor is None:
            try:
                lock = self._folder / "readers.lock"
                self._descriptor = os.open(lock, os.O_RDONLY | os.O_CREAT, 0o644)
            except OSError:  # nobody collects where nobody can write
                self._descriptor = os.open(self._folder, os.O_RDONLY)
        return self._descriptor


@contextmanager
def writing(folder: Path, wait_s: float) -> Iterator[None]:
    """Hold the writer lock of the store in a folder.

    Raises
    ------
    StoreBusyError
        When another process writes for longer than `wait_s`, or has replaced the store meanwhile.
    StoreError
        When the folder cannot be written.
    """
    lock = folder / "writer.lock"
    try:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise StoreError(
            f"The store cannot be written ({error.strerror}); nothing was changed.",
            where=str(lock),
            next="Mend the permissions, then repeat the same command.",
        ) from error
    try:
        if not _locked(descriptor, wait_s):
            raise StoreBusyError(
                f"Another process has been writing for {wait_s:g} s.",
                where=str(folder),
                next="Try again when it has finished.",
            )
        held = os.fstat(descriptor)
        if file_at(lock) != (held.st_dev, held.st_ino):
            raise StoreBusyError(
                "The store was replaced while this waited for it; nothing was written.",
                where=str(folder),
                next="Open it again.",
            )
        yield
    finally:
        os.close(descriptor)


@contextmanager
def standing_still(folder: Path, wait_s: float = 30.0) -> Iterator[None]:
    """Hold the store in a folder still, sound or damaged: nobody writes, nobody reads a snapshot.

    Raises
    ------
    StoreBusyError
        When somebody goes on for longer than `wait_s`, or has replaced the store meanwhile.
    """
    with writing(folder, wait_s):
        readers = Readers(folder)
        try:
            if not readers.alone(wait_s):
                raise StoreBusyError(
                    f"Another process has been reading for {wait_s:g} s.",
                    where=str(folder),
                    next="Try again when it has finished.",
                )
            yield
        finally:
            readers.close()


@contextmanager
def alone(lock: Path, wait_s: float) -> Iterator[None]:
    """Hold the lock of a file, which is made where there is none.

    Raises
    ------
    StoreBusyError
        When another process holds it for longer than `wait_s`.
    OSError
        When the file cannot be made.
    """
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        if not _locked(descriptor, wait_s):
            raise StoreBusyError(
                f"Another process has been at work here for {wait_s:g} s.",
                where=str(lock.parent),
                next="Try again when it has finished.",
            )
        yield
    finally:
        os.close(descriptor)


def file_at(path: Path) -> tuple[int, int] | None:
    """Return which file is at a path, None where none is."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _locked(descriptor: int, wait_s: float) -> bool:
    """Return whether the lock was to be had, for oneself alone, within that time."""
    deadline, pause = time.monotonic() + wait_s, 0.001
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(pause)
            pause = min(pause * 2, 0.05)
