"""Asking by id and streaming: an identity, her trajectory, who was where and when for everybody."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from measure import Report, folder, seconds, small, times_of
from synthetic import SEED, Crowd

import workbench
from workbench.stores.graph.base import Selection

SIGHTINGS = 1_000
READ = 50_000


def filled(path: Path, crowd: Crowd) -> workbench.Workbench:
    """Return a store with the crowd, and one identity with exactly a thousand sightings."""
    bench = workbench.open(path, create=True)
    bench.cameras.add(crowd.cameras)
    one = pd.DataFrame({"id": ["the one"]})
    bench.manager.create_identities(pd.concat([crowd.identities, one]))
    for block in crowd.blocks(50_000):
        bench.appearances.add(block.frame)
    hers = next(Crowd(SIGHTINGS, 1, seed=SEED + 1).blocks()).frame
    hers = hers.assign(id="one-" + hers["id"], identity_id="the one")
    bench.appearances.add(hers)
    bench.manager.graph.checkpoint()
    return bench


def first_and_again(store: Path, limit: int, runs: int) -> tuple[np.ndarray, np.ndarray]:
    """Return how long a fresh handle takes for so many sightings, and how long the same one again.

    Rows are compared with their checksums the first time a handle reads them.
    """
    times = []
    for _ in range(runs + 1):  # the first one finds the disk cold
        with workbench.open(store) as bench:
            read = partial(bench.appearances.find, limit=limit)
            times.append((seconds(read), seconds(read)))
    first, again = zip(*times[1:], strict=True)
    return np.array(first), np.array(again)


def main() -> int:
    """Return 0 if the targets are met."""
    little = small(__doc__)
    rows, people, runs = (5_000, 200, 10) if little else (1_000_000, 20_000, 200)
    report = Report("Questions", judged=not little)
    rng = np.random.default_rng(SEED)
    with folder() as root:
        bench = filled(root / "store", Crowd(rows, people))
        graph = bench.manager.graph
        some = [f"p{n:06d}" for n in rng.integers(0, people, runs)]
        report.duration(
            "identity by id (bench.identities.get)",
            rows,
            times_of(lambda n: bench.identities.get(some[n]), runs),
            below=0.001,
        )
        her = Selection(identities=["the one"])
        report.duration(
            f"trajectory with {SIGHTINGS:,} sightings, visits, gaps, implausible moves",
            rows,
            times_of(lambda n: bench.tracks.trajectory("the one"), runs // 4),
            below=0.020,
        )
        report.duration(
            "her sightings alone (graph.sightings)",
            rows,
            times_of(lambda n: graph.sightings(her), runs // 4),
        )
        report.duration(
            "stream (identity, place, time) of all (graph.observations)",
            rows + SIGHTINGS,
            times_of(lambda n: graph.observations(), 3 if little else 7),
            below=2.0,
        )
        bench.close()
        first, again = first_and_again(root / "store", min(rows, READ), 3 if little else 7)
        report.duration(
            "sightings read for the first time by a process, beside the second time",
            min(rows, READ),
            first,
            bare=again,
        )
    return report.print(seed=SEED)


if __name__ == "__main__":
    raise SystemExit(main())
