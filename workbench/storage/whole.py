"""Folders that appear whole or not at all, and what is left of those that never did.

What is made or thrown away has a hidden name beside its place, ``.NAME.HEX.new`` or
``.NAME.HEX.gone``, until one rename puts it there. Whoever fills such a folder holds a lock on it;
one that nobody holds was left by a process that died, and the next one collects it.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import hashlib
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from workbench.errors import InvalidInputError, StoreError
from workbench.stores.database import sync_file, sync_folder

_BLOCK = 1 << 20
_ROOM = 233  # bytes of a name beside which ".", ".", 16 digits and ".gone" fit
_EXCHANGE = 2  # RENAME_EXCHANGE
_HERE = -100  # AT_FDCWD
_CANNOT = {errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EXDEV}


def placed(path: Path | str) -> Path:
    """Return the absolute path without links, of something that may not be there yet."""
    if not str(path) or "\0" in str(path):
        raise InvalidInputError(
            "No folder can have this name.", where=repr(str(path)), next="Give another name."
        )
    return Path(os.path.realpath(path))


def require_vacant(path: Path) -> None:
    """Refuse a place where something is; an empty folder is nothing."""
    if path.is_dir() and not any(path.iterdir()):
        return
    if os.path.lexists(path):
        raise InvalidInputError(
            "There is something here already; it was left as it is.",
            where=str(path),
            next="Give the name of a new folder.",
        )


@contextmanager
def refusals(what: str, where: Path) -> Iterator[None]:
    """Turn what the system refuses inside into our error; `what` could not be done `where`."""
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"{what} ({error.strerror or error}); what was there is as it was.",
            where=str(where),
            next="Make room, mend the permissions or give another folder, then repeat the same "
            "command.",
        ) from error


@contextmanager
def making(place: Path) -> Iterator[Path]:
    """Yield a hidden new folder beside `place`; what is at its name afterwards is removed."""
    fresh = _hidden(place, "new")
    fresh.mkdir()
    held = os.open(fresh, os.O_RDONLY)
    try:
        _hold(held)
        yield fresh
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
        os.close(held)


@contextmanager
def held(folder: Path) -> Iterator[bool]:
    """Hold a hidden folder that is filled at several times; say whether nobody else does."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            _hold(descriptor)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(descriptor)


def appear(fresh: Path, place: Path) -> None:
    """Give a finished folder its name, durably; only an empty folder may be there."""
    os.rename(fresh, place)
    try:
        sync_folder(place.parent)
    except OSError:
        os.rename(place, fresh)
        raise


def exchange(fresh: Path, place: Path) -> None:
    """Let two folders beside each other change names, durably.

    Linux does it in one step. Elsewhere there is a moment in which nothing has the name.
    """
    _swap(fresh, place)
    try:
        sync_folder(place.parent)
    except OSError:
        _swap(fresh, place)
        raise


def _swap(one: Path, other: Path) -> None:
    try:
        _exchange(one, other)
    except OSError as error:
        if error.errno not in _CANNOT:
            raise
        aside = _hidden(other, "gone")
        os.rename(other, aside)
        try:
            os.rename(one, other)
        except OSError:
            os.rename(aside, other)
            raise
        os.rename(aside, one)


def _exchange(one: Path, other: Path) -> None:
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if rename is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    names = os.fsencode(one), os.fsencode(other)
    if rename(_HERE, names[0], _HERE, names[1], ctypes.c_uint(_EXCHANGE)):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def discard(folder: Path, place: Path) -> None:
    """Remove a folder, hidden beside `place` first: half of it is never taken for the whole."""
    gone = _hidden(place, "gone")
    os.rename(folder, gone)
    sync_folder(gone.parent)
    shutil.rmtree(gone)


def collect(place: Path) -> int:
    """Remove what processes that died left beside `place` under its name; return how many."""
    left = re.compile(re.escape(f".{_clipped(place.name)}.") + r"[0-9a-f]{16}\.(new|gone)")
    try:
        found = [path for path in place.parent.iterdir() if left.fullmatch(path.name)]
    except OSError:
        return 0
    dead = [path for path in found if abandoned(path)]
    for path in dead:
        shutil.rmtree(path, ignore_errors=True)
    return len(dead)


def abandoned(folder: Path) -> bool:
    """Return whether nobody is at work in a hidden folder; False where that cannot be known."""
    try:
        held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(held)
    return True


def copy(source: BinaryIO, target: Path, size: int) -> str:
    """Copy the first `size` bytes into a new file, durably; return the SHA-256 of what was copied.

    Where the source is shorter, so is the copy.
    """
    digest = hashlib.sha256()
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    with os.fdopen(descriptor, "wb", buffering=0) as file:
        while size > 0 and (block := source.read(min(size, _BLOCK))):
            digest.update(block)
            _write(file.fileno(), block)
            size -= len(block)
        sync_file(file.fileno())
    return digest.hexdigest()


def write(target: Path, data: bytes) -> None:
    """Write a new file, durably."""
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    try:
        _write(descriptor, data)
        sync_file(descriptor)
    finally:
        os.close(descriptor)


def sync_tree(folder: Path) -> None:
    """Make the names in a folder and in its folders durable."""
    for inner, _, _ in os.walk(folder, topdown=False):
        sync_folder(Path(inner))


def _write(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _hold(descriptor: int) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise  # somebody took it for abandoned between its making and this line
    except OSError:
        return  # no locks here: then nobody can tell that it is abandoned either


def _hidden(place: Path, what: str) -> Path:
    return place.with_name(f".{_clipped(place.name)}.{os.urandom(8).hex()}.{what}")


def _clipped(name: str) -> str:
    return os.fsencode(name)[:_ROOM].decode(errors="ignore")
