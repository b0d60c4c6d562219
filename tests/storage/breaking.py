"""What tests of backups share: looking at folders, breaking files, a process of their own."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.storage import keeping
from workbench.storage.backup import examined

SCRIPT = Path(keeping.__file__)
ROOT = Path(__file__).resolve().parents[2]


def hash_of(folder: Path) -> str:
    """Return the content hash of a store that is sound."""
    said = examined(folder)
    assert not said.problems
    return said.content_hash


def hidden(folder: Path) -> list[str]:
    """Return the hidden names in a folder."""
    return sorted(p.name for p in folder.iterdir() if p.name.startswith("."))


def script(*words: str) -> subprocess.Popen[str]:
    """Start the script beside this file."""
    return subprocess.Popen(
        [sys.executable, str(SCRIPT), *words],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def flip(path: Path) -> None:
    """Change one bit."""
    data = bytearray(path.read_bytes())
    data[len(data) * 2 // 3] ^= 0x10
    path.write_bytes(data)


def shorten(path: Path) -> None:
    """Cut the end off."""
    os.truncate(path, path.stat().st_size - 2)  # the manifest ends with a line end


def empty(path: Path) -> None:
    """Leave nothing in it."""
    os.truncate(path, 0)


def lengthen(path: Path) -> None:
    """Put a byte behind it."""
    with path.open("ab") as file:
        file.write(b"\0")


def link(path: Path) -> None:
    """Put a link in its place."""
    path.rename(path.with_suffix(".aside"))
    path.symlink_to(path.with_suffix(".aside"))


DAMAGES: list[Callable[[Path], None]] = [flip, shorten, empty, lengthen, link, os.unlink]


def rewritten(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change what a manifest says, with a checksum that fits."""
    path = folder / "manifest.json"
    said = json.loads(path.read_text())
    del said["sha256"]
    change(said)
    digest = hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
    path.write_text(json.dumps(said | {"sha256": digest}))
