"""A backup: one state of a store as a folder that is whole or not there.

::

    my-backup/
      manifest.json    what is in it, with a checksum of every file and of itself; written last
      content/         the database and the vectors, as they were at one commit

Rejects, indexes and pages can be made again and are not part of it.
"""

from __future__ import annotations

import os
import re
import shutil
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

import numpy as np

from workbench import __version__
from workbench.errors import (
    InvalidInputError,
    NotFoundError,
    StoreDamagedError,
    StoreError,
)
from workbench.storage import whole
from workbench.storage.content import content_hash, verify
from workbench.storage.folder import FILE, VECTORS, is_store, open_store
from workbench.storage.manager import HybridStorageManager
from workbench.storage.manifest import (
    BESIDE,
    MANIFEST,
    NAMES,
    STORE,
    KeptFile,
    Manifest,
    measured,
    read_manifest,
)
from workbench.storage.migrate import Place, migrate
from workbench.storage.team import is_team_store
from workbench.stores.database import SqliteDatabase
from workbench.stores.vectors import precision
from workbench.stores.vectors.segment_files import HEADER
from workbench.stores.vectors.segments import SegmentRows

_SERIES = re.compile(r"backup-\d{8}T\d{6}Z-\d+")
_UNNAMED = "backup"  # what comes or goes in a folder of backups is hidden under this name
_TRIES = 5
_MEND = (
    "See what is affected with: workbench verify --store DIR. Then mend it with workbench repair, "
    "or restore an older backup."
)


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup that was made.

    Parameters
    ----------
    folder : Path
        Where it is.
    manifest : Manifest
        What is in it.
    removed : list of Path
        Older backups of this store that were removed for it.
    """

    folder: Path
    manifest: Manifest
    removed: list[Path] = field(default_factory=list)


def back_up(store: Path, folder: Path, *, manager: HybridStorageManager | None = None) -> Backup:
    """Write a backup of a store into a new folder, while others may read and write the store.

    Parameters
    ----------
    store : Path
    folder : Path
        A new folder.
    manager : HybridStorageManager, optional
        The store, open: needed where its graph is on a server. The backup holds the same in a
        file then, and writers wait.

    Raises
    ------
    NotFoundError
        When there is no store.
    InvalidInputError
        When something is at `folder`, or it lies inside the store.
    StoreDamagedError
        When the store is damaged: a backup of it would look sound.
    StoreError
        When the disk refuses. Whatever is raised, there is no folder then.
    """
    store, folder = _store_at(store), whole.placed(folder)
    _refuse_inside(store, folder)
    with whole.refusals("The backup cannot be written", folder):
        whole.require_vacant(folder)
        folder.parent.mkdir(parents=True, exist_ok=True)
        whole.collect(folder)
        with whole.making(folder) as fresh:
            manifest = _filled(store, fresh, datetime.now(UTC), manager)
            whole.appear(fresh, folder)
    return Backup(folder, manifest)


def back_up_into(
    store: Path,
    parent: Path,
    *,
    keep: int | None = None,
    manager: HybridStorageManager | None = None,
) -> Backup:
    """Write a backup of a store under a name of its time, then remove older ones beyond `keep`.

    Only whole backups of this same store count and are removed, oldest first; nothing else in
    `parent` is touched.

    Raises
    ------
    NotFoundError, InvalidInputError, StoreDamagedError, StoreError
        As for :func:`back_up`; then no backup was removed.
    """
    if keep is not None and keep < 1:
        raise InvalidInputError(
            "At least one backup is kept: the new one.", where="keep", next="Give --keep 1 or more."
        )
    store, parent = _store_at(store), whole.placed(parent)
    _refuse_inside(store, parent)
    with whole.refusals("The backup cannot be written", parent):
        parent.mkdir(parents=True, exist_ok=True)
        whole.collect(parent / _UNNAMED)
        with whole.making(parent / _UNNAMED) as fresh:
            now = datetime.now(UTC)
            manifest = _filled(store, fresh, now, manager)
            folder = _named(parent, now, manifest.sequence)
            whole.appear(fresh, folder)
    removed = [] if keep is None else _thin_out(folder, manifest.store_id, keep)
    return Backup(folder, manifest, removed)


def _store_at(path: Path) -> Path:
    path = whole.placed(path)
    if not is_store(path):
        raise NotFoundError(
            "There is no store here to back up.",
            where=str(path),
            next="Give the folder of a store with --store.",
        )
    return path


def _refuse_inside(store: Path, folder: Path) -> None:
    if folder.is_relative_to(store):
        raise InvalidInputError(
            "A backup inside its own store would be lost with it.",
            where=str(folder),
            next="Give a folder outside the store, on another disk if there is one.",
        )


def _filled(
    store: Path, fresh: Path, now: datetime, manager: HybridStorageManager | None
) -> Manifest:
    """Fill the folder of a backup; everything in it is durable when this returns."""
    copy = fresh / STORE
    if manager is not None and is_team_store(store):
        migrate(manager, Place(copy), keep_id=True)
    else:
        _copy_cut(store, copy)
    said = examined(copy)
    if said.problems:
        raise StoreDamagedError(
            f"The store is damaged ({'; '.join(said.problems)}); no backup was made of it.",
            where=str(store),
            next=_MEND,
        )
    _strip(copy)
    names = sorted(p.relative_to(copy).as_posix() for p in copy.rglob("*") if p.is_file())
    manifest = Manifest(
        version=__version__,
        store_id=said.store_id,
        sequence=said.sequence,
        counts=said.counts,
        content_hash=said.content_hash,
        created=now.isoformat(timespec="microseconds").replace("+00:00", "Z"),
        files=tuple(KeptFile(name, *measured(copy / name)) for name in names),
    )
    whole.sync_tree(fresh)
    whole.write(fresh / MANIFEST, manifest.text())
    whole.sync_tree(fresh)
    return manifest


def _copy_cut(store: Path, target: Path) -> None:
    """Copy one committed state of a store, and no byte that belongs to a later one."""
    database = SqliteDatabase(store / FILE)
    try:
        with ExitStack() as opened:
            files = _cut(database, store, target, opened)
            for name, (file, size) in files.items():
                whole.copy(file, target / name, size)
                if (target / name).stat().st_size != size:
                    raise _unreadable(store / name, "it is too short")
    finally:
        database.close()
    for name in BESIDE:
        if (store / name).is_file():
            with (store / name).open("rb") as file:
                whole.copy(file, target / name, os.fstat(file.fileno()).st_size)


def _cut(
    database: SqliteDatabase, store: Path, target: Path, opened: ExitStack
) -> dict[str, tuple[BinaryIO, int]]:
    """Copy the database of one state; return its files of vectors, open, and their lengths.

    An open file stays what it is whatever is removed later, and committed rows never change: the
    state need not be held while the vectors are copied.
    """
    for _ in range(_TRIES):
        with ExitStack() as tried, database.snapshot():
            try:
                files: dict[str, tuple[BinaryIO, int]] = {
                    name: (tried.enter_context((store / name).open("rb")), size)
                    for name, size in _segments(database, store).items()
                }
            except FileNotFoundError as error:  # compacted away before this state was held
                gone = error
                continue
            (target / VECTORS).mkdir(parents=True)
            database.copy_to(target / FILE)
            opened.push(tried.pop_all())
            return files
    raise _unreadable(Path(gone.filename), "it is not there") from gone


def _segments(database: SqliteDatabase, store: Path) -> dict[str, int]:
    """Return the files of vectors that hold committed rows, and the bytes of those rows."""
    rows = SegmentRows(store / VECTORS, database)
    return {
        rows.files.path(name, number).relative_to(store).as_posix(): HEADER
        + count * space.dim * np.dtype(precision.DTYPES[space.precision]).itemsize
        for name, space in rows.spaces().items()
        for number, count in rows.progress(name)[1].items()
        if count
    }


def _unreadable(path: Path, why: str) -> StoreDamagedError:
    return StoreDamagedError(
        f"A file of vectors cannot be backed up: {why}.",
        where=str(path),
        next=_MEND,
    )


def _strip(copy: Path) -> None:
    """Remove what looking at a copy left in it: locks, indexes, an empty log."""
    log = copy / f"{FILE}-wal"
    if log.exists() and log.stat().st_size:
        raise StoreError(
            "Somebody has opened the backup while it was being made.",
            where=str(copy),
            next="Repeat the same command.",
        )
    for path in copy.iterdir():
        if path.name == VECTORS or NAMES.fullmatch(path.name):
            continue
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def _named(parent: Path, now: datetime, sequence: int) -> Path:
    """Return the path of a backup of this time, some seconds later where the name is taken."""
    while True:
        path = parent / f"backup-{now:%Y%m%dT%H%M%SZ}-{sequence}"
        if not os.path.lexists(path):
            return path
        now += timedelta(seconds=1)


def _thin_out(newest: Path, store_id: str, keep: int) -> list[Path]:
    others = []
    for path in newest.parent.iterdir():
        if (
            not _SERIES.fullmatch(path.name)
            or path == newest
            or path.is_symlink()
            or not path.is_dir()
        ):
            continue
        try:
            manifest = read_manifest(path)
        except (NotFoundError, StoreError):  # not known to be ours: not ours to remove
            continue
        if manifest.store_id == store_id:
            others.append((manifest.created, manifest.sequence, path))
    surplus = [path for *_, path in sorted(others)][: max(0, len(others) + 1 - keep)]
    for path in surplus:
        with whole.refusals(f"The new backup is whole: {newest.name}. An old one stays", path):
            whole.discard(path, path.with_name(_UNNAMED))
    return surplus


# ------------------------------------------------------------------ looking at one
@dataclass(frozen=True, slots=True)
class Examined:
    """What a store is: its id and sequence, counts, content hash, and what is wrong with it."""

    store_id: str
    sequence: int
    counts: dict[str, int]
    content_hash: str
    problems: list[str]


def examined(folder: Path) -> Examined:
    """Return what the store in a folder is, looked at whole; no hash where it is damaged."""
    try:
        return _looked_at(folder)
    except StoreDamagedError as error:  # so badly that it cannot be looked at
        return Examined("", 0, {}, "", [error.message])


def _looked_at(folder: Path) -> Examined:
    manager = open_store(folder)
    try:
        found = verify(manager.pair)
        return Examined(
            store_id=str(getattr(manager.graph, "store_id", "")),
            sequence=manager.graph.sequence(),
            counts=found.checked,
            content_hash=content_hash(manager.pair) if found.ok else "",
            problems=[f"{problem.count} of {problem.kind}" for problem in found.problems],
        )
    finally:
        manager.close()
