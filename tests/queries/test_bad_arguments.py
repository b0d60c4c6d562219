"""An argument that cannot be is refused by name, whatever it is: no raw error of a library."""

from __future__ import annotations

from typing import Any

import pytest

import workbench
from workbench.errors import WorkbenchError

NO_NUMBER: list[Any] = ["a", "", [1], b"x", object(), -1]
NO_IDS: list[Any] = [5, -1, 1.5, True, b"x", object(), float("nan")]
CALLS = {
    "tracks.adjacency": {
        "ids": NO_IDS,
        "min_lift": NO_NUMBER,
        "min_transitions": [*NO_NUMBER, 1.5],
    },
    "tracks.travel_times": {"ids": NO_IDS, "min_transitions": NO_NUMBER, "longest_s": NO_NUMBER},
    "tracks.clock_offsets": {
        "ids": NO_IDS,
        "min_pairs": NO_NUMBER,
        "max_offset_s": NO_NUMBER,
        "seed": [*NO_NUMBER, 1.5, float("inf"), 2**40],
    },
    "tracks.flow_matrix": {"ids": NO_IDS, "max_gap_s": NO_NUMBER},
    "tracks.explore": {"ids": NO_IDS, "max_gap_s": NO_NUMBER},
    "tracks.timeline": {"ids": NO_IDS, "max_gap_s": NO_NUMBER},
    "tracks.report": {"ids": NO_IDS},
    "tracks.implausible": {"ids": NO_IDS, "max_speed_m_s": NO_NUMBER},
    "tracks.activity": {"camera": NO_IDS, "identity": NO_IDS, "tz": [5, [1], b"x", object()]},
    "identities.search": {"text": NO_IDS, "camera": NO_IDS},
    "appearances.find": {"after": NO_IDS, "identity": NO_IDS},
    "similarity.projection": {
        "seed": [*NO_NUMBER, 1.5, 2**40],
        "camera": NO_IDS,
        "space": [5, [1], object()],
    },
    "similarity.like": {
        "k": [*NO_NUMBER, 0, 1.5, 10**30],
        "min_similarity": [*NO_NUMBER[:-1], 2],
        "camera": NO_IDS,
        "space": [5, [1], object()],
        "appearance": [5, [1], b"x", object()],
    },
    "together.pairs": {
        "method": [*NO_IDS, "raw", None],
        "window_s": NO_NUMBER,
        "camera": NO_IDS,
        "identity": NO_IDS,
        "min_overlap_s": NO_NUMBER,
        "min_days": [*NO_NUMBER, 1.5],
        "max_gap_s": NO_NUMBER,
    },
    "together.of": {"identity": NO_IDS, "window_s": NO_NUMBER},
    "together.encounters": {"window_s": NO_NUMBER, "camera": NO_IDS, "max_gap_s": NO_NUMBER},
    "together.companions": {
        "window_s": NO_NUMBER,
        "min_steps": [*NO_NUMBER, 1.5],
        "run_gap_s": NO_NUMBER,
    },
    "together.network": {"min_count": [*NO_NUMBER, 1.5], "window_s": NO_NUMBER, "camera": NO_IDS},
    "together.significance": {
        "window_s": NO_NUMBER,
        "camera": NO_IDS,
        "seed": [*NO_NUMBER, 1.5, 2**40],
        "shifts": [*NO_NUMBER, 1.5],
        "longest_s": NO_NUMBER,
    },
    "together.timeline": {
        "ids": [*NO_IDS, [], "p1", None],
        "window_s": NO_NUMBER,
        "camera": NO_IDS,
        "max_gap_s": NO_NUMBER,
        "around_s": NO_NUMBER,
    },
}
GIVEN = {"explore": {"ids": "p1"}, "timeline": {"ids": ["p1", "p5"]}, "like": {"appearance": "a01"}}
GIVEN |= {method: {"identity_id": "p1"} for method in ("of", "companions")}
CASES = [
    (call, name, value)
    for call, arguments in CALLS.items()
    for name, values in arguments.items()
    for value in values
]


@pytest.mark.parametrize(
    ("call", "name", "value"), CASES, ids=[f"{c}-{n}-{type(v).__name__}" for c, n, v in CASES]
)
def test_it_is_refused_by_name(
    bench: workbench.Workbench, call: str, name: str, value: Any
) -> None:
    room, method = call.split(".")
    with pytest.raises(WorkbenchError) as caught:
        getattr(getattr(bench, room), method)(**GIVEN.get(method, {}) | {name: value})
    assert caught.value.where and caught.value.next
    assert name in str(caught.value) or (name == "tz" and "time zone" in str(caught.value))


@pytest.mark.parametrize("value", [*NO_IDS, "p9", "", [], ["p1"]], ids=lambda v: type(v).__name__)
def test_who_cannot_be_is_refused(bench: workbench.Workbench, value: Any) -> None:
    room = bench.together
    for ask in (room.of, room.companions, room.encounters, lambda b: room.encounters("p1", b)):
        with pytest.raises(WorkbenchError) as caught:
            ask(value)
        assert caught.value.where and caught.value.next


def test_a_visit_may_be_endless(bench: workbench.Workbench) -> None:
    track = bench.tracks.trajectory("p1", max_gap_s=float("inf"))
    assert track.gaps.empty
    assert track.plot().data
    assert bench.tracks.explore("p1", max_gap_s=float("inf")) is not None
