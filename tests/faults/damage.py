"""One trial with bytes destroyed: a store, one damage to its files, and what it says afterwards.

What must hold: every answer is right, or a row is missing that ``verify`` names, or the error is
one of ours; ``verify`` ends, and either names the damage or the store says exactly what it said
before; what it does not name is intact; then ``repair`` makes it sound, or says that a backup has
to be restored.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

import workbench
from tests.faults import workload
from workbench.errors import WorkbenchError
from workbench.storage.content import Examination, examine
from workbench.storage.nearest import nearest

PAGE = 4096
SEED = 5
STEPS = 40
LOGGED = 6  # steps whose commits are in the log, where there is one


@dataclass(frozen=True, slots=True)
class Truth:
    """A store to be damaged: its files, and the states in which it may be found.

    Parameters
    ----------
    folder, other : Path
        The store, and another one, which says `theirs`.
    states : list of State
        What it may say: one state, or where a log may have been cut, one for each commit.
    """

    folder: Path
    other: Path
    states: list[workload.State]
    content_hash: str
    theirs: workload.State


@dataclass(frozen=True, slots=True)
class Damage:
    """What is done to one file."""

    kind: str
    file: str
    point: int
    do: Callable[[Path], None]

    def __str__(self) -> str:
        return f"{self.kind} {self.file} {self.point}"


# ------------------------------------------------------------------ stores to be damaged
def truths(folder: Path) -> tuple[Truth, Truth]:
    """Make a store that was closed, and one whose log a killed process left."""
    steps = workload.plan(SEED, STEPS)
    states = workload.states(steps)
    foreign = workload.plan(SEED + 1, 8)
    other, theirs = _filled(folder / "other", foreign), workload.states(foreign)[-1]
    closed = folder / "closed"
    _filled(closed, steps)
    logged, open_ = folder / "logged", folder / "open"
    with workbench.open(open_, create=True) as bench:
        workload.prepare(bench)
        for number, step in enumerate(steps):
            if number == len(steps) - LOGGED:
                bench.manager.graph.checkpoint()
            workload.do(bench, step)
        said = bench.store.content_hash()
        shutil.copytree(open_, logged)  # as it is while the process lives
    with workbench.open(closed) as bench:
        same = bench.store.content_hash()
    assert (logged / "store.sqlite-wal").stat().st_size > 8 * PAGE, "a log is needed"
    return (
        Truth(closed, other, states[-1:], same, theirs),
        Truth(logged, other, states[-LOGGED - 1 :], said, theirs),
    )


def _filled(folder: Path, steps: list[workload.Step]) -> Path:
    with workbench.open(folder, create=True) as bench:
        workload.prepare(bench)
        for step in steps:
            workload.do(bench, step)
    return folder


# ------------------------------------------------------------------ damages
def damages(truth: Truth, count: int, seed: int) -> list[Damage]:
    """Return `count` different damages: those that are always tried, then drawn ones."""
    rng = np.random.default_rng(seed)
    fixed = [*_whole(truth), *_cuts(truth)]
    drawn = _drawn(truth, rng)
    chosen = fixed if len(fixed) <= count // 3 else _some(fixed, count // 3, rng)
    known = {str(one) for one in chosen}
    while len(chosen) < count:
        one = next(drawn)
        if str(one) not in known:
            known.add(str(one))
            chosen.append(one)
    return chosen


def _some(given: list[Damage], count: int, rng: np.random.Generator) -> list[Damage]:
    """Return some of them, of every kind if there is room."""
    order = rng.permutation(len(given)).tolist()
    kinds: dict[str, int] = {}
    ranks = {}
    for n in order:
        kinds[given[n].kind] = kinds.get(given[n].kind, 0) + 1
        ranks[n] = kinds[given[n].kind]
    return [given[n] for n in sorted(order, key=ranks.__getitem__)[:count]]


def _files(folder: Path) -> list[str]:
    found = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    return [name for name in found if (folder / name).stat().st_size]


def _whole(truth: Truth) -> Iterator[Damage]:
    """Yield what is done to whole files."""
    segments = [name for name in _files(truth.folder) if name.endswith(".seg")]
    for name in _files(truth.folder):
        yield Damage("removed", name, 0, lambda at, name=name: (at / name).unlink())  # type: ignore[misc]
        yield Damage("emptied", name, 0, lambda at, name=name: os.truncate(at / name, 0))  # type: ignore[misc]
    for name in segments[1:]:
        yield Damage("swapped", name, 0, lambda at, name=name: _swap(at, segments[0], name))  # type: ignore[misc]
    theirs = [name for name in _files(truth.other) if not name.endswith((".lock", "-shm"))]
    for name in theirs:
        for place in [name] if name.endswith("sqlite") else segments:
            yield Damage(
                "of another store", place, theirs.index(name),
                lambda at, name=name, place=place: _put(truth.other / name, at / place),  # type: ignore[misc]
            )  # fmt: skip
    yield Damage(
        "newer", "store.sqlite", 99, lambda at: _patch(at / "store.sqlite", 60, b"\0\0\0c")
    )
    yield Damage(
        "format 0", "store.sqlite", 0, lambda at: _patch(at / "store.sqlite", 60, bytes(4))
    )


def _cuts(truth: Truth) -> Iterator[Damage]:
    """Yield files cut at the borders of blocks, and pages made zero."""
    for name in _files(truth.folder):
        size = (truth.folder / name).stat().st_size
        cuts = {64, 512, size - 1, *range(PAGE, size, PAGE)}
        for cut in sorted(c for c in cuts if 0 < c < size):
            yield Damage(
                "cut", name, cut, lambda at, name=name, cut=cut: os.truncate(at / name, cut)
            )  # type: ignore[misc]
        for page in range(0, size, PAGE):
            yield Damage(
                "zeroed", name, page,
                lambda at, name=name, page=page, size=size: _patch(  # type: ignore[misc]
                    at / name, page, bytes(min(PAGE, size - page))
                ),
            )  # fmt: skip


def _drawn(truth: Truth, rng: np.random.Generator) -> Iterator[Damage]:
    """Yield single flipped bits, as many in each file, half of them where something is written."""
    names = [name for name in _files(truth.folder) if not name.endswith("-shm")]
    written = {
        n: np.flatnonzero(np.frombuffer((truth.folder / n).read_bytes(), "u1")) for n in names
    }
    names += [name for name in _files(truth.folder) if name.endswith("-shm")][:1]
    weights = np.array([4.0 if name.endswith("sqlite") else 1.0 for name in names])
    while True:
        name = names[int(rng.choice(len(names), p=weights / weights.sum()))]
        size = (truth.folder / name).stat().st_size
        at = int(rng.integers(size))
        if name in written and len(written[name]) and rng.random() < 0.8:
            nonzero = written[name]
            at = int(nonzero[np.searchsorted(nonzero, at) % len(nonzero)])
        bit = int(rng.integers(8))
        yield Damage("flipped", name, at * 8 + bit, lambda path, name=name, at=at, bit=bit:
                     _flip(path / name, at, bit))  # type: ignore[misc]  # fmt: skip


def _flip(path: Path, at: int, bit: int) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 1 << bit
    path.write_bytes(bytes(content))


def _patch(path: Path, at: int, content: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(content)


def _put(source: Path, target: Path) -> None:
    target.write_bytes(source.read_bytes())


def _swap(at: Path, one: str, other: str) -> None:
    first, second = (at / one).read_bytes(), (at / other).read_bytes()
    (at / one).write_bytes(second)
    (at / other).write_bytes(first)


# ------------------------------------------------------------------ looking
@dataclass(slots=True)
class Seen:
    """What a store answered: rows, links, people, vectors; what it refused; what was wrong."""

    rows: dict[str, tuple[int, str]] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    people: set[str] = field(default_factory=set)
    vectors: dict[tuple[str, str], np.ndarray] = field(default_factory=dict)
    hits: dict[tuple[str, str], str] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)

    def ask(self, work: Callable[..., Any], *given: Any) -> Any:
        """Return what a question is answered, None where it is refused with an error of ours."""
        try:
            return work(*given)
        except WorkbenchError as error:
            self.refused.append(f"{type(error).__name__} {error.message}")
            return None


def look(bench: workbench.Workbench, state: workload.State) -> Seen:
    """Ask a store for everything, in ways that need different rows of it."""
    seen = Seen()
    seen.ask(_sightings, bench, seen)
    for who in sorted(state.people):
        seen.ask(bench.identities.get, who)
    seen.ask(_tracked, bench, min(state.links.values(), default="ann"), seen)
    seen.people = set(seen.ask(lambda: bench.identities.all()["id"].tolist()) or [])
    for space in workload.DIMS:
        seen.ask(_vectors, bench, space, seen)
        seen.ask(_hits, bench, space, state, seen)
    seen.ask(bench.store.stats)
    return seen


def _sightings(bench: workbench.Workbench, seen: Seen) -> None:
    found = bench.appearances.find()
    seconds = ((found["timestamp"] - workload.START).dt.total_seconds()).tolist()
    columns = (found["id"], seconds, found["camera_id"], found["identity_id"])
    for one, second, camera, who in zip(*columns, strict=True):
        if one in seen.rows:
            raise AssertionError(f"{one} is there twice")
        seen.rows[one] = (second, camera)
        if isinstance(who, str):
            seen.links[one] = who


def _vectors(bench: workbench.Workbench, space: str, seen: Seen) -> None:
    named = bench.manager.graph.vectors_of(space)
    vids = named["vid"].to_numpy()
    got = seen.ask(bench.manager.vector.get, space, vids)
    if got is None:  # one of them is lost: then one by one
        got = [seen.ask(bench.manager.vector.get, space, vid) for vid in vids[:, None]]
    for one, vector in zip(named["appearance_id"], got, strict=True):
        if vector is not None:
            seen.vectors[one, space] = vector.ravel()


def _hits(bench: workbench.Workbench, space: str, state: workload.State, seen: Seen) -> None:
    wanted = {one: getattr(row, space) for one, row in sorted(state.rows.items())}
    wanted = {one: seed for one, seed in wanted.items() if seed is not None}
    queries = np.stack([workload.vector(seed, space) for seed in wanted.values()])
    found = nearest(bench.manager.pair, space, queries, k=1)
    near = found[found["similarity"] > 0.99]
    asked = [list(wanted)[n] for n in near["query"]]
    for one, hit in zip(asked, near["appearance_id"], strict=True):
        seen.hits[one, space] = hit


def _tracked(bench: workbench.Workbench, who: str, seen: Seen) -> None:
    for one in bench.tracks.trajectory(who).sightings["id"]:
        if seen.links and seen.links.get(one) != who:
            raise AssertionError(f"{one} is in the track of {who}, not of {seen.links.get(one)}")


def wrong_answers(seen: Seen, state: workload.State) -> list[str]:
    """Return the answers that are not right, seen from one state; what is missing is not wrong."""
    wrong = []
    for one, (second, camera) in seen.rows.items():
        row = state.rows.get(one)
        if row is None or (row.second, row.camera) != (second, camera):
            wrong.append(f"{one} is at {second} {camera}, not {row}")
        elif seen.links.get(one) not in (state.links.get(one), None):
            wrong.append(f"{one} is {seen.links[one]}, not {state.links.get(one)}")
    wrong += [f"nobody is {who}" for who in seen.people - state.people]
    for (one, space), got in seen.vectors.items():
        seed = getattr(state.rows.get(one), space, None)
        if seed is None or got @ workload.vector(seed, space) < 0.99:
            wrong.append(f"{one} has another vector in {space}")
    wrong += [f"{a} is found as {b} in {s}" for (a, s), b in seen.hits.items() if a != b]
    return wrong


def missing(seen: Seen, state: workload.State) -> list[tuple[str, str]]:
    """Return what is not there, as the words that would name it."""
    out = [("appearance", one) for one in state.rows.keys() - seen.rows.keys()]
    out += [("link", one) for one in state.links.keys() - seen.links.keys() if one in seen.rows]
    out += [("identity", who) for who in state.people - seen.people]
    for space in workload.DIMS:
        having = {one for one, row in state.rows.items() if getattr(row, space) is not None}
        there = {one for one, s in seen.vectors if s == space}
        out += [(space, one) for one in having - there]
    return out


# ------------------------------------------------------------------ the trial
def trial(truth: Truth, damage: Damage, place: Path) -> list[str]:
    """Damage a copy of the store; return what is wrong with what became of it."""
    shutil.copytree(truth.folder, place)
    damage.do(place)
    try:
        if damage.kind == "of another store" and damage.file == "store.sqlite":
            truth = replace(truth, states=[*truth.states, truth.theirs])
            found = _looked_at(truth, place, True)
        else:
            found = _looked_at(truth, place, "wal" in damage.file)
        return [*found, *_mended(truth, place)]
    except (Exception, SystemExit) as error:  # what is not ours must not come out
        return [f"{type(error).__name__}: {error}"]
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _looked_at(truth: Truth, place: Path, cut_log: bool) -> list[str]:
    last = truth.states[-1]
    try:
        with workbench.open(place) as bench:
            seen = look(bench, last)
            said = examine(bench.manager.pair)
            now = "" if said.found else bench.store.content_hash()
    except WorkbenchError as error:
        return [] if error.next else [f"no way on: {error.message}"]
    # Whoever cuts a log off leaves what a process killed earlier would have left.
    states = truth.states if cut_log else truth.states[-1:]
    tried = [wrong_answers(seen, state) for state in states]
    wrong = min(tried, key=len)
    if not said.found:
        whole = [not missing(seen, s) and not wrong_answers(seen, s) for s in states]
        wrong += [f"refused, and verify says nothing: {one}" for one in seen.refused[:2]]
        if not any(whole):
            wrong.append(f"missing, and verify says nothing: {missing(seen, last)[:3]}")
        if not cut_log and now != truth.content_hash:
            wrong.append("it says something else, and verify says nothing")
    elif not cut_log:
        wrong += _unnamed(seen, said, last)
    return wrong


_WIDE = {"database", "index", "needed_row", "dangling", "space", "catalogue", "counter"}


def _unnamed(seen: Seen, said: Examination, state: workload.State) -> list[str]:
    """Return what is missing though verify does not name it."""
    if said.found.keys() & _WIDE or seen.refused:
        return []
    named = " ".join(text for texts in said.found.values() for text in texts).split()
    gone = [(what, one) for what, one in missing(seen, state) if one not in named]
    return [f"{what} of {one} is missing, verify says {said.found}" for what, one in gone[:3]]


def _mended(truth: Truth, place: Path) -> list[str]:
    """Repair the store, or restore it where that is said; then it is sound and can be written."""
    wrong: list[str] = []
    try:
        with workbench.open(place) as bench:
            done = bench.store.repair(apply=True)
            left = done.problems
            if not left:
                return [*wrong, *_goes_on(bench, truth)]
        wrong += [
            f"no way on from {one.kind}" for one in left if "workbench restore" not in one.next
        ]
    except WorkbenchError as error:
        if not error.next:
            wrong.append(f"no way on: {error.message}")
    shutil.rmtree(place)
    shutil.copytree(truth.folder, place)  # what `workbench restore` does, tested elsewhere
    with workbench.open(place) as bench:
        return [*wrong, *_goes_on(bench, truth)]


def _goes_on(bench: workbench.Workbench, truth: Truth) -> list[str]:
    step = workload.Step("batch", ("new",), (workload.Row(7, "c1", 77, 78),))
    workload.do(bench, step)
    states = [workload.applied(state, step) for state in truth.states]
    seen = look(bench, states[-1])
    # Who was taken out is nobody's identity any more; what is there is right.
    wrong = min((wrong_answers(seen, state) for state in states), key=len)
    wrong += [f"after mending, refused: {one}" for one in seen.refused[:2]
              if not one.startswith("NotFoundError")]  # fmt: skip
    if seen.rows.get("new") != (7, "c1") or ("new", "reid") not in seen.vectors:
        wrong.append("what was written afterwards is not there")
    return wrong + [f"after mending: {p.kind} {p.examples}" for p in bench.store.verify().problems]


def counted(results: list[tuple[Damage, list[str]]]) -> str:
    """Return the line a run ends with: trials, distinct points, violations."""
    points = {(one.file.split("-0")[0], one.kind) for one, _ in results}
    wrong = [f"{one}: {'; '.join(said)}" for one, said in results if said]
    return (
        f"damaged files: {len(results)} trials, {len({str(one) for one, _ in results})} points, "
        f"{len(points)} kinds of file and damage, {len(wrong)} violations"
        + "".join(f"\n  {line}" for line in wrong[:20])
    )


def run(folder: Path, count: int, seed: int = SEED) -> list[tuple[Damage, list[str]]]:
    """Do so many trials in a folder, half of them with a log that a killed process left."""
    results = []
    for truth, share in zip(truths(folder), (count - count // 3, count // 3), strict=True):
        for number, one in enumerate(damages(truth, share, seed)):
            place = folder / f"{truth.folder.name}-{number}"
            results.append((one, trial(truth, one, place)))
    return results
