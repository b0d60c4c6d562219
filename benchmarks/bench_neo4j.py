"""The same load and the same questions on a Neo4j server of this machine and in a file."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from measure import Report, folder, side_by_side, small
from synthetic import SEED, Crowd

import workbench
from workbench.config import WorkbenchConfig
from workbench.stores.graph.base import Selection
from workbench.stores.graph.neo4j import Neo4jGraphStore
from workbench.stores.neo4j import server as neo4j_server

BATCH = Neo4jGraphStore.unit_rows  # as `workbench ingest` gives them
DAY_US = 86_400_000_000


@contextmanager
def server(place: Path) -> Iterator[str]:
    """Give the address of a server of its own, stopped afterwards."""
    found = neo4j_server.start(place)
    try:
        yield found.uri
    finally:
        neo4j_server.stop(found)


def loaded(bench: workbench.Workbench, crowd: Crowd) -> np.ndarray:
    """Load everybody batch by batch; return the appearances a second of each batch."""
    manager, rates = bench.manager, []
    manager.add_cameras(crowd.cameras)
    manager.create_identities(crowd.identities)
    for block in crowd.blocks(BATCH):
        begun = time.perf_counter()
        manager.add_appearances(block.frame, vectors={"face": block.face})
        rates.append(len(block.frame) / (time.perf_counter() - begun))
    return np.array(rates)


def questions(bench: workbench.Workbench, people: list[str], ids: list[str]) -> dict[str, Any]:
    """Return what is asked, each a function of the number of the run."""
    graph = bench.manager.graph
    seen = graph.sightings(Selection(limit=1))["timestamp"].iloc[0]
    start = int(seen.value // 1000)

    def person(n: int) -> str:
        return people[n % len(people)]

    return {
        "an identity": lambda n: bench.identities.get(person(n)),
        "her sightings": lambda n: graph.sightings(Selection(identities=[person(n)])),
        "a page of her window": lambda n: graph.sightings(
            Selection(identities=[person(n)], start_us=start, end_us=start + DAY_US, limit=50)
        ),
        "100 appearances to identities": lambda n: graph.identities_of(ids[n : n + 100]),
        "a minute at three cameras": lambda n: graph.sightings(
            Selection(
                cameras=["cam00", "cam01", "cam02"],
                start_us=start + n * 60_000_000,
                end_us=start + (n + 1) * 60_000_000,
            )
        ),
        "whom she met, 60 s": lambda n: bench.together.of(person(n)),
    }


LIMITS = {"whom she met, 60 s": 0.1}


def chains(graph: Neo4jGraphStore) -> tuple[int, float, float]:
    """Take every chain away and let it be found and made; return edges, seconds to make, in all."""
    some = "MATCH ()-[r:NEXT|SAME_TRACK]->() WITH r LIMIT 20000 DELETE r RETURN count(*)"
    edges = 0
    while gone := graph.database.write("cut", lambda run: run(some, {}))[0][0]:
        edges += gone
    noted = graph._rows.chains
    mend, took = noted.mend, []

    def timed() -> None:
        begun = time.perf_counter()
        mend()
        took.append(time.perf_counter() - begun)

    noted.mend = timed  # type: ignore[method-assign]
    begun = time.perf_counter()
    with graph.transaction():
        graph.mend_indexes()
    return edges, max(took), time.perf_counter() - begun


def main() -> int:
    """Print the table; return 1 when a target was missed."""
    smoke = small(__doc__ or "")
    rows, people = (5_000, 500) if smoke else (100_000, 10_000)
    report = Report(f"Neo4j, {rows:,} appearances of {people:,} identities", judged=not smoke)
    with folder() as place, server(place / "server") as uri:
        said = {"graph": {"backend": "neo4j"}, "neo4j": {"uri": uri}}
        config = WorkbenchConfig.model_validate(said)
        with (
            workbench.open(place / "team", config=config, create=True) as team,
            workbench.open(place / "file", create=True) as file,
        ):
            crowd = Crowd(rows, people, face=128)
            rates = loaded(team, crowd)
            bare = loaded(file, Crowd(rows, people, face=128))
            report.rate(
                "ingest with links, vectors, statistics, chains", rows, rates, at_least=3_000
            )
            report.rate("the same into the file", rows, bare)
            ask(report, team, file, rows, 20 if smoke else 200)
            graph = team.manager.graph
            assert isinstance(graph, Neo4jGraphStore)
            edges, took, whole = chains(graph)
            made = f"{edges / took:,.0f} edges/s, {whole:.1f} s with looking"
            report.fact("every chain made anew", edges, made)
    return report.print(seed=SEED)


def ask(
    report: Report,
    team: workbench.Workbench,
    file: workbench.Workbench,
    rows: int,
    runs: int,
) -> None:
    """Ask both, in turns."""
    known = team.identities.all()
    rng = np.random.default_rng(SEED)
    people = rng.permutation(known.loc[known["num_appearances"] > 0, "id"].to_numpy()).tolist()
    ids = team.manager.graph.sightings(Selection(limit=runs + 100))["id"].tolist()
    ours, bare = questions(team, people, ids), questions(file, people, ids)
    for what in ours:
        few = max(3, runs // 10) if what in LIMITS else runs
        times = side_by_side(ours[what], bare[what], few)
        report.duration(what, rows, times[0], bare=times[1], p95_below=LIMITS.get(what, 0.05))
    filtered = [similar(bench, people) for bench in (team, file)]
    times = side_by_side(filtered[0], filtered[1], runs)
    report.duration(
        "similar, two cameras, a day, by identity", rows, times[0], bare=times[1], p95_below=0.1
    )


def similar(bench: workbench.Workbench, people: list[str]) -> Callable[[int], object]:
    """Return a question for the people most like one, at two cameras within a day."""
    first = bench.manager.graph.sightings(Selection(limit=1))["timestamp"].iloc[0]

    def one(n: int) -> object:
        return bench.similarity.like(
            identity=people[n % len(people)],
            camera=["cam00", "cam01"],
            start=first,
            end=first + pd.Timedelta(days=1),
            by="identity",
            k=10,
        )

    return one


if __name__ == "__main__":
    raise SystemExit(main())
