"""Travel times: by hand on the small site, and what is left out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from workbench.analytics import columns
from workbench.analytics.transitions import transitions
from workbench.analytics.travel_times import between_cameras, rank_correlation, travel_times
from workbench.analytics.visits import visits
from workbench.errors import InvalidInputError


@pytest.fixture(scope="module")
def moves(site: Any) -> pd.DataFrame:
    return transitions(
        visits(site["sightings"]), cameras=site["cameras"], adjacency=site["adjacency"]
    )


def test_small_site(moves: pd.DataFrame, answers: Any) -> None:
    found = travel_times(moves)
    assert list(found.columns) == list(columns.TRAVEL_TIMES)
    apart = [row for row in answers["flow"] if row["from_camera"] != row["to_camera"]]
    for name in ("from_camera", "to_camera", "transitions", "median_s"):
        assert found[name].tolist() == [row[name] for row in apart], name
    # Entrance to corridor: 4, 8, 8, 60 s over a way of 7 m.
    row = found[(found["from_camera"] == "entrance") & (found["to_camera"] == "corridor")].iloc[0]
    assert (row["p05_s"], row["p95_s"]) == pytest.approx((4.6, 52.2))
    assert row["iqr_s"] == pytest.approx(21 - 7)
    assert (row["distance_m"], row["speed_m_s"]) == pytest.approx((7.0, 7 / 8))


def test_where_the_adjacency_is_silent_the_straight_line_counts(moves: pd.DataFrame) -> None:
    found = travel_times(moves).set_index(["from_camera", "to_camera"])
    assert found.loc[("office", "lab"), "distance_m"] == pytest.approx(22.5**0.5)


def test_long_moves_and_rare_pairs_are_left_out(moves: pd.DataFrame) -> None:
    short = travel_times(moves, longest_s=8)
    pair = short[(short["from_camera"] == "entrance") & (short["to_camera"] == "corridor")]
    assert pair["transitions"].tolist() == [3]
    assert between_cameras(moves, longest_s=8)["gap_s"].max() == 8.0
    assert (travel_times(moves, min_transitions=2)["transitions"] >= 2).all()
    with pytest.raises(InvalidInputError, match="longest_s"):
        travel_times(moves, longest_s=-1)


def test_places_and_returns_are_no_ways() -> None:
    rows = pd.DataFrame(
        {"from_camera": ["a", "a", None], "to_camera": ["a", "b", "b"], "gap_s": [5.0, 0.0, 1.0]}
    )
    found = travel_times(rows.astype({"from_camera": "str"}))
    assert found[["from_camera", "to_camera", "transitions"]].values.tolist() == [["a", "b", 1]]
    assert np.isnan(found["speed_m_s"]).all()  # no time at all: no speed
    assert travel_times(rows.iloc[:0]).empty


def test_the_rank_correlation_asks_for_enough_pairs() -> None:
    rows = pd.DataFrame(
        {
            "transitions": [9, 9, 9, 1],
            "median_s": [1.0, 2.0, 3.0, 0.0],
            "distance_m": [10.0, 20.0, 30.0, 99.0],
        }
    )
    assert rank_correlation(rows, min_transitions=5) == 1.0
    assert rank_correlation(rows, min_transitions=1) == pytest.approx(-0.2)
    assert np.isnan(rank_correlation(rows.iloc[:2]))
    assert np.isnan(rank_correlation(rows.assign(distance_m=7.0)))
