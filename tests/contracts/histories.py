"""Random histories of a graph store: what happened, unit of work by unit of work.

Small worlds collide often: few ids, few times, a place that bears a camera's id, row ids that are
named twice, ids that do not exist, units of work that fail at their end.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import strategies as st

from tests.contracts import rows as r
from workbench.errors import WorkbenchError
from workbench.stores.graph.base import GraphStore, Selection

APPEARANCES = [f"a{n}" for n in range(5)] + ["é", "😀"]
PEOPLE = ["ann", "bob", "ÿ"]
CAMERAS = ["c1", "c2", "both"]
PLACES = ["p1", "both"]
LOADS = ["l1", "l2"]
_START = pd.Timestamp("1969-12-31T23:59:58Z").as_unit("us")
# Dyadic numbers: their sums and means are exact in any order.
_SCORES = [None, 0.25, 0.5, 1.0]
_OFFSETS = [None, 0.0, 2.0, -1.5, 0.0000005, -0.0000025, 1.0000005]

Operation = tuple[str, tuple[Any, ...]]
_appearance = st.sampled_from(APPEARANCES)
_person = st.sampled_from(PEOPLE)
_space = st.sampled_from(["face", "reid"])
_microseconds = st.sampled_from([0, 1, 500_000, 2_000_000, 2_000_001, 4_000_000])
_operations = st.one_of(
    st.tuples(
        st.just("appear"),
        st.tuples(
            _appearance,
            _microseconds,
            st.sampled_from([*CAMERAS, *CAMERAS, None]),
            st.sampled_from(PLACES),
            st.sampled_from(["t1", "t2", None]),
            st.sampled_from([*LOADS, None]),
        ),
    ),
    st.tuples(
        st.just("link"),
        st.tuples(_appearance, st.sampled_from([*PEOPLE, "nobody"]), st.sampled_from(_SCORES)),
    ),
    st.tuples(st.just("unlink"), st.tuples(_appearance)),
    st.tuples(st.just("identity"), st.tuples(_person, st.sampled_from(_SCORES))),
    st.tuples(st.just("camera"), st.tuples(st.sampled_from(CAMERAS), st.sampled_from(_OFFSETS))),
    st.tuples(
        st.just("delete"),
        st.sampled_from(
            [("Appearance", x) for x in APPEARANCES]
            + [("Identity", x) for x in PEOPLE]
            + [("Camera", "c1"), ("Place", "both"), ("Load", "l1")]
        ),
    ),
    st.tuples(st.just("match"), st.tuples(_appearance, _appearance)),
    st.tuples(st.just("name"), st.tuples(_space, _appearance, st.integers(1, 12))),
    st.tuples(st.just("unname"), st.tuples(_space, _appearance)),
    st.tuples(st.just("swept"), st.tuples(st.integers(1, 12))),
    st.tuples(st.just("refresh"), st.just(())),
    st.tuples(st.just("fail"), st.just(())),
)
units = st.lists(st.lists(_operations, min_size=1, max_size=4), min_size=2, max_size=12)
_instants = st.integers(-3, 6).map(lambda n: -2_000_000 + n * 1_000_000)
selections = st.builds(
    Selection,
    ids=st.none() | st.lists(_appearance, max_size=4),
    identities=st.none() | st.lists(_person, max_size=2),
    cameras=st.none() | st.lists(st.sampled_from([*CAMERAS, *PLACES]), max_size=3),
    loads=st.none() | st.lists(st.sampled_from(LOADS), max_size=2),
    start_us=st.none() | _instants,
    end_us=st.none() | _instants,
    unidentified=st.none() | st.booleans(),
    after=st.none() | st.tuples(_instants, _appearance),
    limit=st.none() | st.integers(0, 4),
)


def begin(store: GraphStore) -> None:
    """Write the world in which histories happen."""
    at = "2026-01-01T00:00Z"
    loads = [{"id": x, "options": "{}", "at": at, "complete": True} for x in LOADS]
    with store.transaction():
        r.put(store, "Load", *loads)
        r.put(store, "Camera", *({"id": x} for x in CAMERAS))
        r.put(store, "Place", *({"id": x} for x in PLACES))
        r.put(store, "Identity", *({"id": x} for x in PEOPLE))
        # Neighbours in time, written against their order: at a camera and a place of one id too.
        for key, us, camera, who in (
            ("😀", 2_000_000, "both", "ann"),
            ("a1", 2_000_000, None, "ann"),
            ("a0", 2_000_000, "both", "ann"),
            ("é", 0, "c1", "bob"),
        ):
            _appear(store, key, us, camera, "both", "t1", None)
            _link(store, key, who, 0.5)


def happen(store: GraphStore, history: list[list[Operation]]) -> list[Any]:
    """Run each unit of work; return what each operation said, or the error that undid the unit."""
    said: list[Any] = []
    for number, operations in enumerate(history):
        answers: list[Any] = []
        try:
            with store.transaction(f"unit {number}"):
                answers += [_RUN[name](store, *rest) for name, rest in operations]
        except (WorkbenchError, ZeroDivisionError) as error:
            answers = [type(error)]
        said.append(answers)
    return said


def _appear(
    store: GraphStore, key: str, us: int, camera: str | None, place: str, track: Any, load: Any
) -> int:
    record = {"id": key, "timestamp": _START + pd.Timedelta(us, "us"), "camera_id": camera}
    record |= {"place_id": None if camera else place, "tracking_id": track, "load_id": load}
    return r.put(store, "Appearance", record)


def _link(store: GraphStore, key: str, who: str, confidence: float | None) -> int:
    record = {"appearance_id": key, "identity_id": who, "confidence": confidence}
    return r.put(store, "HAS_APPEARANCE", record)


def _fail(_: GraphStore) -> int:
    raise ZeroDivisionError


_RUN: dict[str, Callable[..., Any]] = {
    "appear": _appear,
    "link": _link,
    "unlink": lambda s, key: s.delete_edges(
        "HAS_APPEARANCE", pd.DataFrame({"appearance_id": [key]})
    ),
    "identity": lambda s, key, x: r.put(s, "Identity", {"id": key, "stated_confidence": x}),
    "camera": lambda s, key, x: r.put(s, "Camera", {"id": key, "clock_offset_s": x}),
    "delete": lambda s, label, key: s.delete_nodes(label, pd.DataFrame({"id": [key]})),
    "match": lambda s, a, b: r.put(s, "PROBABLE_MATCH", {"appearance_a": a, "appearance_b": b}),
    "name": lambda s, space, key, vid: s.name_vectors(
        space, pd.DataFrame({"appearance_id": pd.Series([key], dtype="str"), "vid": [vid]})
    ),
    "unname": lambda s, space, key: s.unname_vectors(space, [key]),
    "swept": lambda s, vid: s.swept(np.array([vid])),
    "refresh": lambda s: s.refresh_statistics(PEOPLE),
    "fail": _fail,
}


def counted(store: GraphStore) -> list[tuple[Any, ...]]:
    """Return the observations in an order of their own."""
    return numbers(store.observations())


def numbers(seen: Any) -> list[tuple[Any, ...]]:
    """Return observations by name, sorted."""
    who = np.array([*seen.identities, ""], dtype=object)[seen.identity]
    where = np.array([*seen.places, ""], dtype=object)[seen.place]
    return [
        seen.identities,
        seen.places,
        *sorted(zip(who, where, seen.time_us.tolist(), strict=True)),
    ]
