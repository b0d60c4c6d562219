"""A small store to back up; and, run as a script, processes that write it or die at a system call.

``keeping.py write STORE`` writes and prints what was acknowledged until it is killed.
``keeping.py die WORK TRIALS`` reads ``WHICH N FOLDER`` lines: each is done in a child that is
killed before the N-th of the calls below, or reports how many there were.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from workbench.storage import backup, restore, whole
from workbench.storage.folder import create_store, open_store
from workbench.storage.manager import HybridStorageManager
from workbench.stores.database import SqliteDatabase

BEGAN = pd.Timestamp("2026-03-02T08:00:00Z")
CALLS = ["open", "write", "fsync", "fdatasync", "mkdir", "rename", "unlink", "rmdir", "close"]


def make(folder: Path, n: int = 12) -> HybridStorageManager:
    """Return a new store with so many appearances."""
    create_store(folder)
    manager = open_store(folder)
    manager.add_cameras(pd.DataFrame({"id": ["c1"], "name": ["Door"]}))
    put(manager, range(n))
    return manager


def put(manager: HybridStorageManager, numbers: range) -> None:
    """Write the appearances of these numbers in one unit of work."""
    frame = pd.DataFrame(
        {
            "id": [f"a{n:06d}" for n in numbers],
            "timestamp": [BEGAN + pd.Timedelta(seconds=n) for n in numbers],
            "camera_id": "c1",
        }
    )
    manager.add_appearances(frame, vectors={"face": faces(numbers)})


def faces(numbers: range) -> np.ndarray:
    """Return the vector of each number, of length one."""
    angle = np.array(numbers, dtype="float64")
    rows = np.column_stack([np.cos(angle), np.sin(angle), np.cos(2 * angle), np.sin(2 * angle)])
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def _write(store: Path) -> None:
    manager = open_store(store)
    first = 12
    while True:
        put(manager, range(first, first + 3))
        first += 3
        sys.stdout.write(f"{first}\n")
        sys.stdout.flush()


def _back_up(folder: Path) -> None:
    backup.back_up_into(folder / "store", folder / "kept", keep=1)


def _back_up_alone(folder: Path) -> None:
    backup.back_up(folder / "store", folder / "alone")


def _replace(folder: Path) -> None:
    restore.restore(next((folder / "kept").iterdir()), folder / "store", replace=True)


def _bring(folder: Path) -> None:
    restore.restore(next((folder / "kept").iterdir()), folder / "new")


WORK: dict[str, Callable[[Path], None]] = {
    "back up": _back_up,
    "back up alone": _back_up_alone,
    "replace": _replace,
    "bring": _bring,
}


class _Death:
    """Kills this process before the n-th of the calls that change something on a disk."""

    def __init__(self, at: int) -> None:
        self.at, self.count = at, 0

    def before(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*given: Any, **named: Any) -> Any:
            self.count += 1
            if self.count == self.at:
                os.kill(os.getpid(), signal.SIGKILL)
            return call(*given, **named)

        return counted

    def lurk(self) -> None:
        for name in CALLS:
            setattr(os, name, self.before(getattr(os, name)))
        whole._exchange = self.before(whole._exchange)
        SqliteDatabase.copy_to = self.before(SqliteDatabase.copy_to)  # type: ignore[method-assign]
        SqliteDatabase.close = self.before(SqliteDatabase.close)  # type: ignore[method-assign]


def _die(which: str, at: int, folder: Path) -> str:
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        death = _Death(at)
        death.lurk()
        try:
            WORK[which](folder)
            os.write(writing, str(death.count).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        said = pipe.read()
    _, status = os.waitpid(child, 0)
    return f"killed {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else f"done {said}"


def main() -> None:
    """Do what the words say."""
    if sys.argv[1] == "write":
        _write(Path(sys.argv[2]))
    for line in sys.stdin:
        which, at, folder = line.rstrip("\n").split("\t")
        sys.stdout.write(f"{_die(which, int(at), Path(folder))}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
