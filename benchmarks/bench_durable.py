"""Writing one at a time: each write is on the disk when it returns.

The baseline is a bare loop with the same number of syncs and the same bytes in the same run: the
two vectors appended to two files, each made durable, then a commit of as many pages to a SQLite
file with the same settings. Both in turns, so that the disk's mood hits both.

Counted once with `strace -f -e trace=fdatasync,fsync`: 154 syncs in 51 writes of ours, which is
two segments and one commit each and one for a log that began anew; the log grew by 74 kB (18
pages: the row, its five indexes, vectors' catalogue, statistics) a write.
"""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
from measure import Report, folder, seconds, small
from synthetic import FACE, REID, SEED, Crowd

import workbench
from workbench.model import Appearance
from workbench.stores.database import sync_file

WARM = 8
PAGES = 16  # and the table's own page and the first page of the file: 18 in the log


class BareLoop:
    """Two appended files and a table: what any durable store of this layout has to do."""

    def __init__(self, path: Path) -> None:
        path.mkdir()
        self._files = [
            (os.open(path / name, os.O_RDWR | os.O_CREAT), width)
            for name, width in (("face", FACE * 2), ("reid", REID))
        ]
        self._rows = 0
        self._pages = os.urandom(PAGES * 4096)
        self._database = sqlite3.connect(path / "bare.sqlite", isolation_level=None)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = FULL")
        self._database.execute("CREATE TABLE row (no INTEGER PRIMARY KEY, id TEXT, cells BLOB)")

    def write(self, key: str) -> None:
        """Write one row with two vectors."""
        for descriptor, width in self._files:
            os.pwrite(descriptor, os.urandom(width), self._rows * width)
            sync_file(descriptor)
        self._database.execute("BEGIN IMMEDIATE")
        self._database.execute("INSERT INTO row (id, cells) VALUES (?, ?)", (key, self._pages))
        self._database.execute("COMMIT")
        self._rows += 1


def appearance_of(row: dict[str, Any]) -> Appearance:
    """Return the record of one row."""
    return Appearance(
        id=row["id"],
        timestamp=row["timestamp"].to_pydatetime(),
        camera_id=row["camera_id"],
        identity_id=row["identity_id"] if isinstance(row["identity_id"], str) else None,
        tracking_id=row["tracking_id"],
        bbox=(row["bbox_x"], row["bbox_y"], row["bbox_w"], row["bbox_h"]),
        detection_confidence=row["detection_confidence"],
    )


def main() -> int:
    """Return 0 if the targets are met."""
    little = small(str(__doc__).splitlines()[0])
    writes, frames = (50, 10) if little else (1_000, 50)
    report = Report("Single durable writes", judged=not little)
    crowd = Crowd(WARM + writes + frames, 50, face=FACE, reid=REID)
    block = next(crowd.blocks(crowd.rows))
    assert block.face is not None and block.reid is not None
    records = [appearance_of(row) for row in block.frame.to_dict("records")]
    ours, bare, tables = [], [], []
    with folder() as root, workbench.open(root / "store", create=True) as bench:
        bench.cameras.add(crowd.cameras)
        bench.manager.create_identities(crowd.identities)
        loop = BareLoop(root / "bare")
        store = bench.manager.store_appearance_with_embeddings

        def one(n: int) -> None:
            store(records[n], block.face[n], block.reid[n])

        def table(n: int) -> None:
            part = slice(n, n + 1)
            rows = block.frame.iloc[part]
            bench.appearances.add(rows, face=block.face[part], reid=block.reid[part])

        for n in range(WARM):  # the first ones make spaces and segments
            one(n)
            loop.write(f"warm{n}")
        for n in range(WARM, WARM + writes):
            ours.append(seconds(lambda n=n: one(n)))
            bare.append(seconds(lambda n=n: loop.write(f"row{n}")))
        for n in range(WARM + writes, crowd.rows):
            tables.append(seconds(lambda n=n: table(n)))
    what = "store_appearance_with_embeddings, face + reid"
    report.rate(what, writes, 1 / np.array(ours), at_least=100)
    report.rate("bare loop: 2 appends, each synced, and a commit", writes, 1 / np.array(bare))
    share = float(np.sum(bare) / np.sum(ours))
    report.fact(
        "time of the bare loop / time of ours",
        writes,
        f"{share:.2f}",
        target=">= 0.60",
        good=share >= 0.6,
    )
    report.rate("bench.appearances.add, tables of one row", frames, 1 / np.array(tables))
    return report.print(seed=SEED)


if __name__ == "__main__":
    raise SystemExit(main())
