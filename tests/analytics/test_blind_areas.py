"""Blind areas: the small site by hand, who counts as unseen, and which stretch nobody covers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from workbench.analytics import columns
from workbench.analytics.blind_areas import blind_areas, blind_stretches
from workbench.analytics.transitions import transitions
from workbench.analytics.visits import visits
from workbench.errors import InvalidInputError


def of(site: Any, **more: Any) -> pd.DataFrame:
    moves = transitions(
        visits(site["sightings"]), cameras=site["cameras"], adjacency=site["adjacency"]
    )
    given = {"cameras": site["cameras"], "adjacency": site["adjacency"]} | more
    return blind_areas(moves, **given)


def test_small_site(site: Any) -> None:
    found = of(site)
    assert list(found.columns) == list(columns.BLIND_AREAS)
    # Five ways, four of them both ways.
    assert len(found) == 9 and found["adjacent"].all()
    rows = found.set_index(["from_camera", "to_camera"])
    first = found.iloc[0]
    assert (first["from_camera"], first["to_camera"]) == ("entrance", "corridor")
    # Ana 4 s, Emil and Ben 8 s, Chloé a minute; nobody else saw them meanwhile.
    assert (first["transitions"], first["unseen"], first["median_gap_s"]) == (4, 4, 8.0)
    assert first["long_share"] == 0.25
    assert first["p95_gap_s"] == pytest.approx(52.2)
    assert first["distance_m"] == 7.0
    # The entrance looks west and the corridor south, at right angles to the line between them.
    assert first["blind_m"] == pytest.approx(20.89**0.5)
    # From the laboratory to the entrance one passes 0.8 m below the corridor's camera, which
    # sees 45 degrees to either side: 1.6 of 9 m, to the nearest step of a quarter of a metre.
    assert rows.loc[("lab", "entrance"), "blind_m"] == pytest.approx(7.4, abs=0.26)
    nobody = rows.loc[("corridor", "entrance")]
    assert (nobody["transitions"], nobody["unseen"]) == (0, 0)
    assert np.isnan(nobody["median_gap_s"]) and np.isnan(nobody["long_share"])


def test_without_an_adjacency_moves_join_the_cameras(site: Any) -> None:
    found = of(site, adjacency=None)
    assert not found["adjacent"].any()
    pairs = set(zip(found["from_camera"], found["to_camera"], strict=True))
    assert ("office", "lab") in pairs and ("corridor", "entrance") not in pairs


def test_where_another_camera_saw_her_she_was_not_unseen() -> None:
    at = pd.Timestamp("2026-01-12T08:00:00Z").as_unit("us")
    moves = pd.DataFrame(
        {
            "from_camera": "a",
            "to_camera": "b",
            "start": at,
            "end": at,
            "gap_s": [10.0, 10.0, 0.0],
            "unseen_s": [10.0, 4.0, 0.0],
        }
    )
    cameras = pd.DataFrame({"id": ["a", "b"]})
    found = blind_areas(moves, cameras=cameras)
    assert (found["transitions"].tolist(), found["unseen"].tolist()) == ([3], [1])
    assert np.isnan(found["blind_m"]).all() and np.isnan(found["distance_m"]).all()
    with pytest.raises(InvalidInputError, match="max_gap_s"):
        blind_areas(moves, cameras=cameras, max_gap_s=-1)


@pytest.fixture
def corridor() -> pd.DataFrame:
    """Return a corridor of 40 m: a looks east along it, b at its end too, away from it."""
    return pd.DataFrame(
        {
            "id": ["a", "b", "c", "up"],
            "position_x": [0.0, 40.0, 30.0, 20.0],
            "position_y": [0.0, 0.0, -4.0, 0.0],
            "orientation": [90.0, 90.0, 0.0, 90.0],
            "fov": [60.0, 60.0, 90.0, 360.0],
            "level": ["0", "0", "0", "1"],
        }
    )


def test_a_stretch_is_what_no_view_of_the_level_covers(corridor: pd.DataFrame) -> None:
    pair = pd.DataFrame({"from_camera": ["a"], "to_camera": ["b"]})
    found = blind_stretches(pair, cameras=corridor)
    # a sees 15 m; c, 4 m beside the corridor, sees 26 to 34 m; the camera upstairs nothing here.
    assert found["x0"].tolist() == pytest.approx([15.0, 34.0], abs=0.26)
    assert found["x1"].tolist() == pytest.approx([26.0, 40.0], abs=0.26)
    assert found["pair"].tolist() == [0, 0]
    assert (found[["y0", "y1"]] == 0).all(axis=None)
    near = blind_stretches(pair, cameras=corridor, view_range_m=5)
    assert len(near) == 2 and near["x0"].iloc[0] == pytest.approx(5.0, abs=0.26)


def test_other_levels_and_unknown_places_have_no_stretch(corridor: pd.DataFrame) -> None:
    pairs = pd.DataFrame({"from_camera": ["a", "a"], "to_camera": ["up", "gone"]})
    assert blind_stretches(pairs, cameras=corridor).empty
