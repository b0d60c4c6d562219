"""Writing many: batches with both embeddings through Python, and files through the loader."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from measure import Report, folder, seconds, small
from synthetic import FACE, REID, SEED, Block, Crowd

import workbench

BATCH = 10_000


def batches(path: Path, crowd: Crowd) -> np.ndarray:
    """Return rows a second of each batch of appearances with both vectors, each committed."""
    rates = []
    with workbench.open(path, create=True) as bench:
        bench.cameras.add(crowd.cameras)
        bench.manager.create_identities(crowd.identities)
        for block in crowd.blocks(BATCH):
            took = seconds(
                lambda block=block: bench.appearances.add(
                    block.frame, face=block.face, reid=block.reid
                )
            )
            rates.append(len(block.frame) / took)
    return np.array(rates)


def files(path: Path, crowd: Crowd, *, vectors: bool) -> float:
    """Return rows a second of one CSV file through the loader, with or without its vectors."""
    blocks: list[Block] = list(crowd.blocks(BATCH))
    source = path.with_suffix(".csv")
    for number, block in enumerate(blocks):
        block.frame.to_csv(source, mode="a" if number else "w", header=not number, index=False)
    given = {}
    if vectors:
        for space in ("face", "reid"):
            given[space] = source.with_name(f"{path.name}-{space}.npy")
            np.save(given[space], np.concatenate([getattr(block, space) for block in blocks]))
    return crowd.rows / seconds(lambda: workbench.ingest(path, source, quiet=True, **given))


def main() -> int:
    """Return 0 if the targets are met."""
    little = small(__doc__)
    report = Report("Batch ingest", judged=not little)
    rows, people = (4_000, 200) if little else (100_000, 5_000)
    with folder() as root:
        both = Crowd(rows, people, face=FACE, reid=REID)
        rates = batches(root / "batches", both)
        what = f"appearances with face {FACE} + reid {REID}, batches of {min(rows, BATCH):,}"
        report.rate(what, rows, rates, at_least=10_000)
        plain = Crowd(rows, people)
        loads = [files(root / f"csv{n}", plain, vectors=False) for n in range(3)]
        report.rate("CSV without vectors, workbench.ingest", rows, np.array(loads), at_least=20_000)
        some = Crowd(rows // 4, people // 4, face=FACE, reid=REID)
        report.rate(
            "CSV with face and reid .npy, workbench.ingest",
            some.rows,
            np.array([files(root / "vectors", some, vectors=True)]),
        )
    return report.print(seed=SEED)


if __name__ == "__main__":
    raise SystemExit(main())
