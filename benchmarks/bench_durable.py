"""Writing one at a time: each write is on the disk when it returns.

The baseline is a bare loop with the same number of syncs and the same bytes in the same run: the
two vectors appended to two files, each made durable, then one row committed to a SQLite file with
the same settings. Run one after the other in turns, so that the disk's mood hits both.
"""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import numpy as np
from measure import Report, folder, seconds, small
from synthetic import FACE, REID, SEED, Crowd

import workbench
from workbench.stores.database import sync_file


class BareLoop:
    """Two appended files and a table: what any durable store of this layout has to do."""

    def __init__(self, path: Path) -> None:
        path.mkdir()
        self._files = [
            (os.open(path / name, os.O_RDWR | os.O_CREAT), width)
            for name, width in (("face", FACE * 2), ("reid", REID))
        ]
        self._rows = 0
        self._database = sqlite3.connect(path / "bare.sqlite", isolation_level=None)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = FULL")
        self._database.execute("CREATE TABLE row (no INTEGER PRIMARY KEY, id TEXT, cells TEXT)")

    def write(self, key: str) -> None:
        """Write one row with two vectors."""
        for descriptor, width in self._files:
            os.pwrite(descriptor, os.urandom(width), self._rows * width)
            sync_file(descriptor)
        self._database.execute("BEGIN IMMEDIATE")
        self._database.execute("INSERT INTO row (id, cells) VALUES (?, ?)", (key, "x" * 400))
        self._database.execute("COMMIT")
        self._rows += 1


def main() -> int:
    """Return 0 if the targets are met."""
    little = small(str(__doc__).splitlines()[0])
    writes = 50 if little else 500
    report = Report("Single durable writes", judged=not little)
    crowd = Crowd(writes + 8, 50, face=FACE, reid=REID)
    block = next(crowd.blocks(crowd.rows))
    assert block.face is not None and block.reid is not None
    ours, bare = [], []
    with folder() as root, workbench.open(root / "store", create=True) as bench:
        bench.cameras.add(crowd.cameras)
        bench.manager.create_identities(crowd.identities)
        loop = BareLoop(root / "bare")

        def one(n: int) -> None:
            part = slice(n, n + 1)
            bench.appearances.add(
                block.frame.iloc[part], face=block.face[part], reid=block.reid[part]
            )

        for n in range(8):  # the first ones make spaces and segments
            one(n)
            loop.write(f"warm{n}")
        for n in range(8, 8 + writes):
            ours.append(seconds(lambda n=n: one(n)))
            bare.append(seconds(lambda n=n: loop.write(f"row{n}")))
    what = "bench.appearances.add, one row with both vectors"
    report.rate(what, writes, 1 / np.array(ours), at_least=100)
    report.rate("bare loop: 2 appends + fdatasync, 1 COMMIT", writes, 1 / np.array(bare))
    share = float(np.sum(bare) / np.sum(ours))
    report.fact(
        "rate of ours / rate of the bare loop",
        writes,
        f"{share:.2f}",
        target=">= 0.60",
        good=share >= 0.6,
    )
    return report.print(seed=SEED)


if __name__ == "__main__":
    raise SystemExit(main())
