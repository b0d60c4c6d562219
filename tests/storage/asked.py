"""Every question there is, asked of two stores that hold the same: equal answers, order included.

As a module it loads whole sites, which takes minutes: the full demo and, where the data of others
are, CAMPUS::

    python -m tests.storage.asked
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pandas as pd

import workbench
from tests.conftest import SHARED_DATA
from workbench.config import WorkbenchConfig
from workbench.errors import WorkbenchError
from workbench.storage.migrate import Place, migrate
from workbench.stores.neo4j import server as neo4j_server

# When, and by which load of the same file.
_WRITTEN = ["created_at", "updated_at", "loaded", "load", "load_id"]
_OF_A_STORE = ("bytes_total", "bytes_per_appearance", "derived_bytes", "sequence")


@dataclass(frozen=True)
class Subject:
    """Whom and what the questions are about: some of what is there."""

    people: list[str]
    seen: list[str]
    cameras: list[str]
    start: pd.Timestamp
    end: pd.Timestamp
    spaces: list[str]

    @classmethod
    def of(cls, bench: workbench.Workbench) -> Subject:
        """Return some of each, the same of every store that holds the same."""
        people = bench.identities.all()["id"].tolist()
        rows = bench.appearances.find()
        moments = rows["timestamp"]
        half = moments.iloc[0] + (moments.iloc[-1] - moments.iloc[0]) / 2
        return cls(
            people[:: max(1, len(people) // 3)][:3],
            rows["id"].iloc[:: max(1, len(rows) // 40)].tolist(),
            bench.cameras.all()["id"].tolist(),
            moments.iloc[0],
            half.floor("s"),
            sorted(bench.manager.vector.spaces()),
        )


Question = Callable[[workbench.Workbench, Subject], Any]

ROWS: dict[str, Question] = {
    "identities": lambda b, s: b.identities.all(),
    "identity": lambda b, s: [b.identities.get(who) for who in s.people],
    "identities found": lambda b, s: b.identities.search("a"),
    "identities at a camera": lambda b, s: b.identities.search(
        camera=s.cameras[0], start=s.start, end=s.end
    ),
    "her appearances": lambda b, s: [b.identities.appearances(who) for who in s.people],
    "appearances": lambda b, s: b.appearances.find(),
    "appearance": lambda b, s: [b.appearances.get(key) for key in s.seen[:5]],
    "appearances of a window": lambda b, s: b.appearances.find(
        camera=s.cameras[:2], start=s.start, end=s.end
    ),
    "a page of appearances": lambda b, s: b.appearances.find(after=s.seen[7], limit=50),
    "unidentified": lambda b, s: b.appearances.unidentified(),
    "cameras": lambda b, s: b.cameras.all(),
    "camera": lambda b, s: b.cameras.get(s.cameras[0]),
    "cameras of one": lambda b, s: b.cameras.search(identity=s.people[0]),
    "adjacency": lambda b, s: b.cameras.adjacency(),
    "outages": lambda b, s: b.cameras.outages(),
    "ways": lambda b, s: [
        b.cameras.path(s.cameras[0], other, by=by)
        for other in s.cameras[1:]
        for by in ("hops", "distance")
    ],
    "camera map": lambda b, s: b.cameras.map().to_frame(),
    "names": lambda b, s: [b.manager.graph.called(x) for x in ("Identity", "Camera", "Place")],
    "edges": lambda b, s: [b.manager.graph.edges(k) for k in ("NEXT", "SAME_TRACK", "CAPTURED_BY")],
    "links": lambda b, s: b.manager.graph.identities_of(s.seen),
}
MOVES: dict[str, Question] = {
    "trajectory": lambda b, s: [b.tracks.trajectory(who) for who in s.people],
    "timeline": lambda b, s: b.tracks.timeline(s.people),
    "report": lambda b, s: b.tracks.report(s.people, made=s.end),
    "activity": lambda b, s: b.tracks.activity(),
    "implausible": lambda b, s: b.tracks.implausible(),
    "visits": lambda b, s: b.tracks.visits(),
    "transitions": lambda b, s: b.tracks.transitions(),
    "gaps": lambda b, s: b.tracks.gaps(),
    "flow": lambda b, s: b.tracks.flow(),
    "flow matrix": lambda b, s: b.tracks.flow_matrix(),
    "travel times": lambda b, s: b.tracks.travel_times(),
    "learned adjacency": lambda b, s: b.tracks.adjacency(),
    "blind areas": lambda b, s: b.tracks.blind_areas(),
    "clock offsets": lambda b, s: b.tracks.clock_offsets(),
}
MEETS: dict[str, Question] = {
    "pairs": lambda b, s: b.together.pairs(),
    "pairs of sightings": lambda b, s: b.together.pairs(method="pairs", end=s.end),
    "whom she met": lambda b, s: [b.together.of(who) for who in s.people],
    "encounters": lambda b, s: b.together.encounters(s.people[0]),
    "companions": lambda b, s: [b.together.companions(who) for who in s.people],
    "meetings": lambda b, s: b.together.meetings(),
    "network": lambda b, s: nx.to_pandas_edgelist(b.together.network()),
    "chance": lambda b, s: b.together.pairs(significance=True, shifts=20),
    "timeline of two": lambda b, s: b.together.timeline(s.people[:2]),
}
LOOKS: dict[str, Question] = {
    "like an appearance": lambda b, s: [
        b.similarity.like(appearance=b.manager.graph.vectors_of(x)["appearance_id"].min(), space=x)
        for x in s.spaces
    ],
    "like an identity": lambda b, s: [
        b.similarity.like(identity=s.people[0], space=x, by="identity") for x in s.spaces
    ],
    "like, at some cameras": lambda b, s: [
        b.similarity.like(
            identity=s.people[0], space=x, camera=s.cameras[:3], start=s.start, end=s.end, k=25
        )
        for x in s.spaces
    ],
    "projection": lambda b, s: [b.similarity.projection(x) for x in s.spaces],
}
STORE: dict[str, Question] = {
    "statistics": lambda b, s: {
        name: value for name, value in b.store.stats().items() if name not in _OF_A_STORE
    },
    "content hash": lambda b, s: b.store.content_hash(),
    "sound": lambda b, s: b.store.verify().ok,
    "unknown": lambda b, s: [
        refusal(lambda: b.identities.get(s.people[0][:-1] + "#")),
        refusal(lambda: b.cameras.get("' OR 1=1 --")),
        refusal(lambda: b.appearances.find(camera=["nowhere"])),
        refusal(lambda: b.together.of("nobody")),
        refusal(lambda: b.similarity.like(appearance="none")),
    ],
}
QUESTIONS = ROWS | MOVES | MEETS | LOOKS | STORE


def refusal(ask: Callable[[], object]) -> tuple[str, ...]:
    """Return all that an error says."""
    try:
        ask()
    except WorkbenchError as error:
        return type(error).__name__, error.message, str(error.where), str(error.next)
    return ("nothing was refused",)


def plain(answer: Any) -> Any:
    """Return an answer as tables, numbers and text, without what differs by when it was written."""
    if isinstance(answer, pd.DataFrame):
        return answer.drop(columns=_WRITTEN, errors="ignore")
    if isinstance(answer, Mapping):
        return {name: plain(value) for name, value in answer.items()}
    if isinstance(answer, list | tuple):
        return [plain(one) for one in answer]
    if is_dataclass(answer) and not isinstance(answer, type):
        shown = [f.name for f in fields(answer) if not f.name.startswith("_")]
        return {n: plain(getattr(answer, n)) for n in shown if n not in _WRITTEN}
    return answer


def same(one: Any, other: Any, where: str) -> None:
    """Assert that two plain answers are equal, to the last digit and in their order."""
    assert type(one) is type(other), where
    if isinstance(one, pd.DataFrame):
        pd.testing.assert_frame_equal(one, other, check_exact=True, obj=where)
    elif isinstance(one, dict):
        assert list(one) == list(other), where
        for name, value in one.items():
            same(value, other[name], f"{where}, {name}")
    elif isinstance(one, list):
        assert len(one) == len(other), where
        for number, pair in enumerate(zip(one, other, strict=True)):
            same(*pair, f"{where} [{number}]")
    elif isinstance(one, np.ndarray):
        np.testing.assert_array_equal(one, other, err_msg=where)
    elif isinstance(one, pd.Series | pd.Index):
        assert one.equals(other), where
    elif not callable(one):
        assert one == other or (one != one and other != other), (where, one, other)


def compare(file: workbench.Workbench, team: workbench.Workbench) -> Iterator[tuple[str, int]]:
    """Ask both everything; yield each question that was answered alike, and the rows it gave."""
    subject = Subject.of(file)
    assert subject == Subject.of(team)
    for name, ask in QUESTIONS.items():
        asked = [plain(refused_or(ask, bench, subject)) for bench in (file, team)]
        same(*asked, name)
        yield name, rows_of(asked[0])


def refused_or(ask: Question, bench: workbench.Workbench, subject: Subject) -> Any:
    """Return the answer, or all that was said where a site has no answer (no clock, no plan)."""
    try:
        return ask(bench, subject)
    except WorkbenchError as error:
        return {"refused": (type(error).__name__, error.message, error.where, error.next)}


def rows_of(answer: Any) -> int:
    """Return how many rows an answer has, whatever it is made of."""
    if isinstance(answer, pd.DataFrame | np.ndarray | pd.Series | pd.Index):
        return len(answer)
    if isinstance(answer, dict):
        return sum(map(rows_of, answer.values())) if "refused" not in answer else 0
    return sum(map(rows_of, answer)) if isinstance(answer, list) else int(answer is not None)


def campus(files: Path, place: Path, config: WorkbenchConfig, *, name: str) -> None:
    """Load a file of CAMPUS into ``file`` and, through the same door, into ``team``."""
    options = {"fps": 30, "start_time": "2015-06-01T09:00:00Z", "quiet": True}
    for store, where in (("file", None), ("team", config)):
        workbench.ingest(
            place / store, files / name, cameras=files / "cameras.csv", config=where, **options
        )


def demo(place: Path, config: WorkbenchConfig, *, small: bool) -> None:
    """Make the demo site in ``file`` and move it into ``team``."""
    workbench.open_demo(place / "file", small=small).close()
    with workbench.open(place / "file") as bench:
        migrate(bench.manager, Place(place / "team", config.neo4j))


def ask_both(place: Path, config: WorkbenchConfig) -> dict[str, int]:
    """Return how many rows each question gave that ``file`` and ``team`` answer alike."""
    with (
        workbench.open(place / "file") as file,
        workbench.open(place / "team", config=config) as team,
    ):
        return dict(compare(file, team))


@contextmanager
def _served(place: Path) -> Iterator[WorkbenchConfig]:
    server = neo4j_server.start(place)
    try:
        said = {"graph": {"backend": "neo4j"}, "neo4j": {"uri": server.uri}}
        yield WorkbenchConfig.model_validate(said)
    finally:
        neo4j_server.stop(server)


def say(line: str) -> None:
    """Write a line now."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> int:
    """Load whole sites into both backends, ask everything, print what was alike."""
    files = SHARED_DATA / "campus_auditorium"
    sites: dict[str, Callable[[Path, WorkbenchConfig], None]] = {
        "the full demo": lambda place, config: demo(place, config, small=False)
    }
    if files.is_dir():
        sites["CAMPUS"] = lambda p, c: campus(files, p, c, name="appearances.csv.gz")
    for site, load in sites.items():
        with tempfile.TemporaryDirectory() as place, _served(Path(place) / "server") as config:
            begun = time.perf_counter()
            load(Path(place), config)
            say(f"{site}: in both after {time.perf_counter() - begun:.0f} s")
            alike = ask_both(Path(place), config)
            for name, rows in alike.items():
                say(f"  {name:26s} {rows:9,} rows alike")
            say(f"{site}: {len(alike)} questions answered alike")
    return 0


if __name__ == "__main__":
    sys.exit(main())
