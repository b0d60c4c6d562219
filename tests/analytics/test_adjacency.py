"""Learned adjacency: a row of cameras by hand, each step of the rule, and the demo."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from workbench import schema
from workbench.analytics import columns
from workbench.analytics.adjacency import learned_adjacency, usual_s
from workbench.analytics.transitions import transitions
from workbench.analytics.visits import visits
from workbench.demo import simulate


def moves_of(rows: list[tuple[str, str, int, float]]) -> pd.DataFrame:
    """Return transitions: (from, to, how many, how long)."""
    return pd.DataFrame(
        [(one, two, gap) for one, two, n, gap in rows for _ in range(n)],
        columns=["from_camera", "to_camera", "gap_s"],
    ).astype({"from_camera": "str", "to_camera": "str", "gap_s": "float64"})


CHAIN = [("a", "b", 50, 10.0), ("b", "a", 40, 10.0), ("b", "c", 90, 10.0), ("a", "c", 10, 21.0),
         ("c", "d", 100, 12.0)]  # fmt: skip


def ways(found: pd.DataFrame) -> list[str]:
    return [f"{a}{b}" for a, b in zip(found["from_camera"], found["to_camera"], strict=True)]


def test_a_row_of_cameras_of_which_one_misses_people() -> None:
    found = learned_adjacency(moves_of(CHAIN), min_lift=1)  # of four cameras none stands out
    assert list(found.columns) == list(columns.LEARNED)
    assert ways(found) == ["ab", "bc", "cd"]
    first = found.iloc[0]
    assert (first["transitions"], first["back"], first["time_s"]) == (50, 40, 10.0)
    # Moves end or begin 100 times at a, 180 at b, of 580 ends in all.
    assert first["expected"] == pytest.approx(100 * 180 / 580)
    assert first["lift"] == pytest.approx(90 / (100 * 180 / 580))
    assert found["directed"].tolist() == [False, True, True]
    assert found["distance_m"].isna().all()


def test_the_shortcut_is_kept_where_the_third_camera_is_a_detour() -> None:
    quick = [row if row[:2] != ("a", "c") else ("a", "c", 60, 9.0) for row in CHAIN]
    assert "ac" in ways(learned_adjacency(moves_of(quick), min_lift=0.5))
    assert "ac" not in ways(learned_adjacency(moves_of(CHAIN), min_lift=0))
    # 10 + 10 s by b, 15 s straight: 20 is within 1.4 of it but not within 1.25 and a second.
    slow = [row if row[:2] != ("a", "c") else ("a", "c", 10, 15.0) for row in CHAIN]
    assert "ac" in ways(learned_adjacency(moves_of(slow), min_lift=0))
    assert "ac" not in ways(learned_adjacency(moves_of(slow), min_lift=0, slack=0.4))


def test_few_moves_and_moves_by_chance_make_no_way() -> None:
    rare = [*CHAIN, ("d", "e", 9, 5.0)]
    assert ways(learned_adjacency(moves_of(CHAIN))) == ["ab", "cd"]  # b to c: 1.44 times chance
    assert "de" not in ways(learned_adjacency(moves_of(rare)))
    assert "de" in ways(learned_adjacency(moves_of(rare), min_transitions=9))
    every = [(a, b, 20, 10.0) for a in "abcdef" for b in "abcdef" if a < b]
    assert learned_adjacency(moves_of(every)).empty  # everybody goes everywhere: 1.2 at most
    assert learned_adjacency(moves_of([])).empty


def test_the_busier_direction_comes_first_and_the_line_is_measured() -> None:
    cameras = pd.DataFrame(
        {"id": ["a", "b"], "position_x": [0.0, 3.0], "position_y": [0.0, 4.0], "level": None}
    )
    found = learned_adjacency(moves_of([("a", "b", 10, 5.0), ("b", "a", 30, 6.0)]), cameras=cameras)
    assert ways(found) == ["ba"]
    assert found["distance_m"].tolist() == [5.0]


def test_the_frame_is_an_adjacency() -> None:
    rows = schema.ADJACENT_TO.check(learned_adjacency(moves_of(CHAIN), min_lift=1))
    assert len(rows) == 3


def test_the_usual_time_is_where_the_moves_lie_closest() -> None:
    night = np.concatenate([np.full(30, 14.0), np.linspace(600, 90_000, 60)])
    assert usual_s(pd.Series(night)) == 14.0
    assert usual_s(pd.Series([7.0])) == 7.0
    assert usual_s(pd.Series([1.0, 2.0, 3.0])) == 2.0


@pytest.mark.parametrize("seed", [7, 1])
def test_most_ways_of_the_demo_are_found_and_few_others(seed: int) -> None:
    site = simulate(small=True, seed=seed)
    found = learned_adjacency(transitions(visits(site.appearances)))
    learned, true = (
        {frozenset(pair) for pair in zip(some["from_camera"], some["to_camera"], strict=True)}
        for some in (found, site.adjacency)
    )
    right = len(learned & true)
    assert right / len(learned) >= 0.8
    assert right / len(true) >= 0.65
