"""What is done to a store in a trial, and what must be in it after each step.

A plan is a list of steps, each one call that a user waits for. ``states(plan)`` says in plain
dicts what a store holds after none, one, two... of them; ``observed(bench)`` reads the same out of
a store through the rooms everybody uses. No code of the product is in the first.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

import workbench
from workbench.model import Appearance

START = pd.Timestamp("2026-01-12T08:00:00Z")
CAMERAS = ("c1", "c2", "c3")
PEOPLE = ("ann", "bob", "cy")
DIMS = {"face": 48, "reid": 80}


@dataclass(frozen=True, slots=True)
class Row:
    """An appearance as the model knows it; a vector is named by the seed it is drawn from."""

    second: int
    camera: str
    face: int | None
    reid: int | None


@dataclass(slots=True)
class State:
    """What a store holds."""

    rows: dict[str, Row]
    links: dict[str, str]
    people: set[str]


@dataclass(frozen=True, slots=True)
class Step:
    """One call: its name, and what it is about."""

    kind: str
    ids: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()
    who: str = ""


def vector(seed: int, space: str) -> np.ndarray:
    """Return the vector of a seed, of length one."""
    key = hashlib.sha256(f"{space} {seed}".encode()).digest()
    drawn = np.random.default_rng(int.from_bytes(key[:8], "big")).normal(size=DIMS[space])
    return (drawn / np.linalg.norm(drawn)).astype("float32")


# ------------------------------------------------------------------ plans
def plan(seed: int, steps: int = 16) -> list[Step]:
    """Return steps of every kind, in an order of its own for each seed."""
    rng = np.random.default_rng(seed)
    made: list[Step] = [Step("people", PEOPLE), _batch(rng, 0, 12), _batch(rng, 12, 1, "one")]
    state = states(made)[-1]
    kinds = ["batch", "one", "link", "unlink", "again", "delete", "forget", "compact", "sweep"]
    while len(made) < steps:
        if len(made) % len(kinds) == 0:
            rng.shuffle(kinds)
        step = _step(kinds[len(made) % len(kinds)], state, rng, len(made))
        made.append(step)
        state = applied(state, step)
    return made


def _step(kind: str, state: State, rng: np.random.Generator, number: int) -> Step:
    ids = sorted(state.rows)
    some = tuple(str(i) for i in rng.choice(ids, min(len(ids), 3), replace=False)) if ids else ()
    if kind == "batch":
        return _batch(rng, number * 20, int(rng.integers(2, 15)))
    if kind == "one":
        return _batch(rng, number * 20, 1, "one")
    if kind == "link":
        return Step("link", some, who=str(rng.choice(sorted(state.people or {"ann"}))))
    if kind == "again":  # other vectors for appearances that have some
        rows = tuple(_row(rng, state.rows[i]) for i in some)
        return Step("again", some, rows)
    if kind == "forget":
        return (
            Step("people", (f"p{number}",))
            if len(state.people) < 3
            else Step("forget", (max(state.people),))
        )
    return Step(kind, some if kind in ("unlink", "delete") else ())


def _batch(rng: np.random.Generator, first: int, count: int, kind: str = "batch") -> Step:
    ids = tuple(f"a{first + n:04d}" for n in range(count))
    return Step(kind, ids, tuple(_row(rng) for _ in ids))


def _row(rng: np.random.Generator, known: Row | None = None) -> Row:
    face, reid = (int(n) for n in rng.integers(1, 1 << 40, 2))
    if known is not None:
        return Row(known.second, known.camera, face, reid)
    return Row(
        int(rng.integers(0, 3600)),
        str(rng.choice(CAMERAS)),
        face if rng.random() < 0.6 else None,
        reid,
    )


# ------------------------------------------------------------------ the model
def states(steps: list[Step]) -> list[State]:
    """Return what is there before the first step and after each."""
    found = [State({}, {}, set())]
    for step in steps:
        found.append(applied(found[-1], step))
    return found


def applied(state: State, step: Step) -> State:
    """Return the state after a step."""
    new = deepcopy(state)
    _MODEL[step.kind](new, step)
    return new


def _add(state: State, step: Step) -> None:
    state.rows.update(zip(step.ids, step.rows, strict=True))


def _link(state: State, step: Step) -> None:
    state.links.update(dict.fromkeys(step.ids, step.who))


def _unlink(state: State, step: Step) -> None:
    for one in step.ids:
        state.links.pop(one, None)


def _delete(state: State, step: Step) -> None:
    for one in step.ids:
        state.rows.pop(one)
        state.links.pop(one, None)


def _people(state: State, step: Step) -> None:
    state.people.update(step.ids)


def _forget(state: State, step: Step) -> None:
    state.people.difference_update(step.ids)
    state.links = {a: who for a, who in state.links.items() if who not in step.ids}


def _nothing(state: State, step: Step) -> None:
    """Leave everything as it is: what is swept or compacted was not visible."""


_MODEL: dict[str, Callable[[State, Step], None]] = {
    "batch": _add,
    "one": _add,
    "again": _add,
    "link": _link,
    "unlink": _unlink,
    "delete": _delete,
    "people": _people,
    "forget": _forget,
    "compact": _nothing,
    "sweep": _nothing,
}


# ------------------------------------------------------------------ the store
def prepare(bench: workbench.Workbench) -> None:
    """Make the cameras, which every step relies on."""
    bench.cameras.add(pd.DataFrame({"id": list(CAMERAS), "name": [f"Camera {c}" for c in CAMERAS]}))


def do(bench: workbench.Workbench, step: Step) -> None:
    """Do a step; one that was done before is done again without harm."""
    _DOING[step.kind](bench, step)


def _do_batch(bench: workbench.Workbench, step: Step) -> None:
    bench.appearances.add(_frame(step), face=_vectors(step, "face"), reid=_vectors(step, "reid"))


def _do_one(bench: workbench.Workbench, step: Step) -> None:
    (one,), (row,) = step.ids, step.rows
    bench.manager.store_appearance_with_embeddings(
        Appearance(id=one, timestamp=_moment(row), camera_id=row.camera),
        *(None if n is None else vector(n, s) for n, s in ((row.face, "face"), (row.reid, "reid"))),
    )


def _do_again(bench: workbench.Workbench, step: Step) -> None:
    bench.appearances.update(
        pd.DataFrame({"id": list(step.ids)}),
        face=_vectors(step, "face"),
        reid=_vectors(step, "reid"),
    )


def _do_link(bench: workbench.Workbench, step: Step) -> None:
    bench.identities.link(list(step.ids), step.who)


def _do_unlink(bench: workbench.Workbench, step: Step) -> None:
    bench.identities.unlink(list(step.ids))


def _do_delete(bench: workbench.Workbench, step: Step) -> None:
    there = set(bench.appearances.find()["id"])
    bench.appearances.delete([one for one in step.ids if one in there])


def _do_people(bench: workbench.Workbench, step: Step) -> None:
    for one in step.ids:  # a unit of work each: several in one acknowledged step
        bench.manager.create_identities(pd.DataFrame({"id": [one]}))


def _do_forget(bench: workbench.Workbench, step: Step) -> None:
    there = set(bench.identities.all()["id"])
    bench.identities.delete([one for one in step.ids if one in there])


_DOING: dict[str, Callable[[workbench.Workbench, Step], Any]] = {
    "batch": _do_batch,
    "one": _do_one,
    "again": _do_again,
    "link": _do_link,
    "unlink": _do_unlink,
    "delete": _do_delete,
    "people": _do_people,
    "forget": _do_forget,
    "compact": lambda bench, step: bench.store.compact(),
    "sweep": lambda bench, step: bench.store.sweep(),
}


def _moment(row: Row) -> Any:
    return (START + pd.Timedelta(seconds=row.second)).to_pydatetime()


def _frame(step: Step) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "id": list(step.ids),
            "camera_id": [row.camera for row in step.rows],
            "timestamp": pd.to_datetime([_moment(row) for row in step.rows], utc=True),
        }
    )


def _vectors(step: Step, space: str) -> list[np.ndarray | None]:
    seeds = [getattr(row, space) for row in step.rows]
    return [None if seed is None else vector(seed, space) for seed in seeds]


def observed(bench: workbench.Workbench) -> tuple[State, dict[str, dict[str, np.ndarray]]]:
    """Return what a store holds, and its vectors by space and appearance; seeds are unknown."""
    seen = bench.appearances.find()
    vectors = {}
    for space in bench.manager.vector.spaces():
        named = bench.manager.graph.vectors_of(space)
        matrix = bench.manager.vector.get(space, named["vid"].to_numpy())
        vectors[space] = dict(zip(named["appearance_id"], matrix, strict=True))
    seconds = ((seen["timestamp"] - START) // pd.Timedelta(seconds=1)).tolist()
    rows = {
        one: Row(second, camera, 0 if one in vectors.get("face", {}) else None,
                 0 if one in vectors.get("reid", {}) else None)
        for one, second, camera in zip(seen["id"], seconds, seen["camera_id"], strict=True)
    }  # fmt: skip
    linked = seen[seen["identity_id"].notna()]
    links = dict(zip(linked["id"], linked["identity_id"], strict=True))
    return State(rows, links, set(bench.identities.all()["id"])), vectors


def differences(
    expected: State, found: State, vectors: dict[str, dict[str, np.ndarray]]
) -> list[str]:
    """Return in words how a store differs from what it should hold; nothing if it does not."""
    wrong = [f"{n} missing" for n in sorted(expected.rows.keys() - found.rows.keys())]
    wrong += [f"{n} should not be there" for n in sorted(found.rows.keys() - expected.rows.keys())]
    if found.links != expected.links:
        wrong.append(f"links {sorted(set(found.links.items()) ^ set(expected.links.items()))}")
    if found.people != expected.people:
        wrong.append(f"people {sorted(found.people ^ expected.people)}")
    for one in expected.rows.keys() & found.rows.keys():
        mine, there = expected.rows[one], found.rows[one]
        if (mine.second, mine.camera) != (there.second, there.camera):
            wrong.append(f"{one} is {there}, not {mine}")
        for space in DIMS:
            seed, stored = getattr(mine, space), vectors.get(space, {}).get(one)
            if (seed is None) != (stored is None):
                wrong.append(f"{one} has {'a' if seed is None else 'no'} vector in {space}")
            elif seed is not None and stored is not None and stored @ vector(seed, space) < 0.99:
                wrong.append(f"{one} has another's vector in {space}")
    return wrong
