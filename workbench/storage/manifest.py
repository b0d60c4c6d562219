"""What a backup says about itself, and whether its files are what it says.

``manifest.json`` names every file of the backup with its length and checksum, and carries a
checksum of its own. It is written last: a folder without it is no backup.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from workbench.errors import NotFoundError, StoreDamagedError, StoreVersionError
from workbench.storage.folder import FILE, VECTORS

MANIFEST = "manifest.json"
STORE = "content"
BESIDE = ("demo.json", "demo.answers")  # what the demo store keeps beside its database
NAMES = re.compile("|".join([*map(re.escape, (FILE, *BESIDE)), VECTORS + r"/\w+-\d+\.seg"]))
_FORMAT = 1
_KIND = "workbench backup"
_LONGEST = 1 << 26  # bytes of a manifest


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A file of a backup: its name in the store's folder, its length and its SHA-256."""

    name: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup says about itself.

    Parameters
    ----------
    version : str
        Of the workbench that made it.
    store_id : str
        Of the store.
    sequence : int
        Commits in it.
    counts : dict of str to int
        What ``verify`` looked at: ``identities, appearances, cameras, links, vectors, spaces``.
    content_hash : str
        SHA-256 over everything the store said.
    created : str
        ISO 8601, UTC.
    files : tuple of KeptFile
    """

    version: str
    store_id: str
    sequence: int
    counts: dict[str, int]
    content_hash: str
    created: str
    files: tuple[KeptFile, ...]

    @property
    def total_bytes(self) -> int:
        """Return the bytes of all files."""
        return sum(file.bytes for file in self.files)

    def text(self) -> bytes:
        """Return the manifest as it is written."""
        said = {"kind": _KIND, "format": _FORMAT, **asdict(self)}
        return json.dumps(said | {"sha256": _digest(said)}, indent=1).encode() + b"\n"


def read_manifest(folder: Path) -> Manifest:
    """Return the manifest of a backup; its files are not looked at.

    Raises
    ------
    NotFoundError
        When no backup is here.
    StoreDamagedError, StoreVersionError
        When it is incomplete, damaged, something else, or of a newer version.
    """
    path = folder / MANIFEST
    try:
        with path.open("rb") as file:
            said = json.loads(file.read(_LONGEST))
    except (FileNotFoundError, NotADirectoryError):
        raise _none_here(folder) from None
    except (OSError, ValueError, RecursionError) as error:
        raise damaged(path, f"it cannot be read ({type(error).__name__})") from error
    if not isinstance(said, dict) or said.get("kind") != _KIND:
        raise damaged(path, "it is not that of a backup of the workbench")
    if isinstance(said.get("format"), int) and said["format"] > _FORMAT:
        raise StoreVersionError(
            f"The backup has format {said['format']}; this version reads up to {_FORMAT}.",
            where=str(path),
            next="Use the newer version of the workbench that made it.",
        )
    if said.pop("sha256", None) != _digest(said):
        raise damaged(path, "it is not as it was written")
    try:
        return _manifest(said)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise damaged(path, "it does not say what a manifest says") from error


def _manifest(said: dict[str, Any]) -> Manifest:
    files = tuple(
        KeptFile(str(f["name"]), int(f["bytes"]), str(f["sha256"])) for f in said["files"]
    )
    names = [file.name for file in files]
    if FILE not in names or len(set(names)) < len(names) or not all(map(NAMES.fullmatch, names)):
        raise ValueError("files")
    return Manifest(
        version=str(said["version"]),
        store_id=str(said["store_id"]),
        sequence=int(said["sequence"]),
        counts={str(name): int(n) for name, n in said["counts"].items()},
        content_hash=str(said["content_hash"]),
        created=str(said["created"]),
        files=files,
    )


def check_files(folder: Path, manifest: Manifest) -> None:
    """Refuse a backup of which a file is missing or is not as it was written, naming it."""
    for file in manifest.files:  # lengths first: they are known at once
        path = folder / STORE / file.name
        try:
            found = os.lstat(path)
        except OSError as error:
            raise damaged(path, "it is not there") from error
        if not stat.S_ISREG(found.st_mode):
            raise damaged(path, "it is no file")
        if found.st_size != file.bytes:
            raise damaged(path, f"it has {found.st_size:,} bytes, not {file.bytes:,}")
    for file in manifest.files:
        path = folder / STORE / file.name
        try:
            same = measured(path) == (file.bytes, file.sha256)
        except OSError as error:
            raise damaged(path, f"it cannot be read ({error.strerror})") from error
        if not same:
            raise damaged(path, "its bytes are not those that were written")


def damaged(path: Path, why: str) -> StoreDamagedError:
    """Return the error about a file of a backup."""
    return StoreDamagedError(
        f"The backup is damaged: of {path.name!r}, {why}. Nothing was changed.",
        where=str(path),
        next="Restore another backup.",
    )


def _none_here(folder: Path) -> NotFoundError | StoreDamagedError:
    if (folder / STORE / FILE).is_file():
        return damaged(folder / MANIFEST, "it is not there: the backup is incomplete")
    try:
        inside = sorted(p for p in folder.iterdir() if (p / MANIFEST).is_file())
    except OSError:
        inside = []
    return NotFoundError(
        "There is no backup here.",
        where=str(folder),
        next=f"Give one of the {len(inside)} backups in it, as: {inside[-1]}"
        if inside
        else "Give the folder of a backup: the one in which manifest.json is.",
    )


def measured(path: Path) -> tuple[int, str]:
    """Return length and SHA-256 of a file."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return os.fstat(file.fileno()).st_size, digest


def _digest(said: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
