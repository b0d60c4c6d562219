"""Implausible moves: what is claimed, and above all what is not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from workbench.analytics import columns
from workbench.analytics.geometry import View, may_overlap
from workbench.analytics.plausibility import implausible
from workbench.errors import InvalidInputError


def cameras(**places: tuple[float, float]) -> pd.DataFrame:
    frame = pd.DataFrame(places.values(), columns=["position_x", "position_y"], index=list(places))
    return frame.rename_axis("id").reset_index()


FAR = cameras(a=(0, 0), b=(100, 0), c=(0, 100))


def reasons(found: pd.DataFrame) -> list[tuple[str, str, str]]:
    names = ["from_appearance", "to_appearance", "reason"]
    return list(found[names].itertuples(index=False, name=None))


def test_small_site(site: Any, answers: Any) -> None:
    found = implausible(site["sightings"], cameras=site["cameras"], adjacency=site["adjacency"])
    names = list(answers["implausible"][0])
    assert found[names].to_dict("records") == answers["implausible"]


def test_two_places_at_once_and_too_fast(table: Any) -> None:
    rows = table([("p", "a", 0), ("p", "b", 0), ("p", "c", 10), ("p", "b", 100)])
    found = implausible(rows, cameras=FAR)
    assert reasons(found) == [
        ("a000", "a001", "two places at once"),
        ("a001", "a002", "too fast"),  # 141.4 m in 10 s
    ]  # and 141.4 m in 90 s is no hurry
    assert np.isnan(found["speed_m_s"][0])
    assert found["speed_m_s"][1] == pytest.approx(14.142, abs=0.001)
    assert found["distance_m"].round(3).tolist() == [100.0, 141.421]


def test_exactly_the_greatest_speed_is_possible(table: Any) -> None:
    rows = table([("p", "a", 0), ("p", "b", 25)])
    assert implausible(rows, cameras=FAR, max_speed_m_s=4.0).empty
    assert len(implausible(rows, cameras=FAR, max_speed_m_s=3.9)) == 1


def test_another_person_is_another_person(table: Any) -> None:
    assert implausible(table([("p", "a", 0), ("q", "b", 0)]), cameras=FAR).empty
    assert implausible(table([(None, "a", 0), (None, "b", 0)]), cameras=FAR).empty


def test_ties_go_by_appearance_id(table: Any) -> None:
    rows = table([("p", "b", 0), ("p", "a", 0), ("p", "a", 0)]).iloc[::-1]
    assert reasons(implausible(rows, cameras=FAR)) == [("a000", "a001", "two places at once")]


def test_a_camera_of_unknown_position_hides_nothing(table: Any) -> None:
    rows = table([("p", "a", 0), ("p", "x", 1), ("p", "b", 2)])
    assert reasons(implausible(rows, cameras=FAR)) == [("a000", "a002", "too fast")]


@pytest.mark.parametrize("ways", [[("a", "b", 0.0)], [("b", "a", 0.0)]])
def test_adjacency_of_distance_0_excuses(ways: Any, table: Any) -> None:
    adjacency = pd.DataFrame(ways, columns=["from_camera", "to_camera", "distance_m"])
    rows = table([("p", "a", 0), ("p", "b", 0)])
    assert implausible(rows, cameras=FAR, adjacency=adjacency).empty
    assert len(implausible(rows, cameras=FAR, adjacency=adjacency.assign(distance_m=1.0))) == 1


@pytest.mark.parametrize(("faces", "claims"), [((90, 270), 0), ((270, 90), 1)])
def test_overlapping_fields_of_view_excuse(faces: Any, claims: int, table: Any) -> None:
    near = cameras(a=(0, 0), b=(20, 0)).assign(orientation=faces, fov=60.0)
    rows = table([("p", "a", 0), ("p", "b", 0)])
    assert len(implausible(rows, cameras=near)) == claims


def test_where_nobody_knows_which_way_they_look_near_ones_may_overlap(table: Any) -> None:
    rows = table([("p", "a", 0), ("p", "b", 0)])
    assert implausible(rows, cameras=cameras(a=(0, 0), b=(20, 0))).empty
    assert len(implausible(rows, cameras=cameras(a=(0, 0), b=(31, 0)))) == 1
    assert len(implausible(rows, cameras=cameras(a=(0, 0), b=(20, 0)), view_range_m=5)) == 1


def test_other_levels_are_not_compared(table: Any) -> None:
    rows = table([("p", "a", 0), ("p", "b", 0)])
    assert implausible(rows, cameras=FAR.assign(level=["0", "1", "0"])).empty
    assert len(implausible(rows, cameras=FAR.assign(level=["0", None, "0"]))) == 1
    rows["floor_x_m"], rows["floor_y_m"] = [0.0, 50.0], [0.0, 0.0]  # each of its own drawing
    assert implausible(rows, cameras=FAR.assign(level=["0", "1", "0"])).empty


def test_floor_positions_come_before_cameras(table: Any) -> None:
    rows = table([("p", "a", 0), ("p", "b", 2)])
    rows["floor_x_m"], rows["floor_y_m"] = [49.0, 51.0], [0.0, 0.0]
    assert implausible(rows, cameras=FAR).empty  # 2 m in 2 s, whatever the cameras' places
    rows["floor_x_m"] = [0.0, 10.0]
    found = implausible(rows, cameras=FAR)
    assert found[["distance_m", "speed_m_s"]].to_numpy().tolist() == [[10.0, 5.0]]
    rows.loc[1, "floor_x_m"] = np.nan  # only one carries a position: the cameras count
    assert implausible(rows, cameras=FAR)["distance_m"].tolist() == [100.0]


def test_empty_in_empty_out(table: Any) -> None:
    found = implausible(table([]), cameras=FAR)
    assert found.empty
    assert found.dtypes.astype("str").to_dict() == columns.IMPLAUSIBLE


@pytest.mark.parametrize("speed", [0, -1, float("nan")])
def test_no_speed_is_refused(speed: float, table: Any) -> None:
    with pytest.raises(InvalidInputError, match="max_speed_m_s"):
        implausible(table([]), cameras=FAR, max_speed_m_s=speed)


@pytest.mark.parametrize(
    ("one", "two", "overlap"),
    [
        (View(0, 0, 90, 40), View(20, 0, 270, 40), True),  # face to face
        (View(0, 0, 270, 40), View(20, 0, 90, 40), False),  # back to back
        (View(0, 0, 0, 40), View(20, 0, 0, 40), False),  # side by side
        (View(0, 0, 0, 360), View(14, 0, 90, 20), True),  # one stands in the other's circle
        (View(0, 0, 0, 360), View(16, 0, 90, 20), False),
        (View(0, 0, 350, 16), View(0, 20, 190, 16), True),  # across north
        (View(0, 0, 45, 4), View(14, 0, 315, 4), True),  # thin beams that cross
        (View(0, 0, 0, 90), View(0.25, 5, 0, 0.2), True),  # a thin beam within a wide view
        (View(0, 0, 90, 40, "0"), View(20, 0, 270, 40, "1"), False),  # a floor between
        (View(0, 0, 90, 40, "0"), View(20, 0, 270, 40), True),
        (View(0, 0, 90, 40), View(31, 0, 270, 40), False),  # too far
    ],
)
def test_fields_of_view(one: View, two: View, overlap: bool) -> None:
    assert may_overlap(one, two) is may_overlap(two, one) is overlap


def test_campus_false_alarms_are_few(campus: Any) -> None:
    found = implausible(campus["sightings"], cameras=campus["cameras"])
    # True tracks: three moves between HC4 and IP2, 34 m apart, seem too fast only because a
    # camera's place stands for the person's. Nobody is in two places at once.
    assert len(found) == 3
    assert set(found["reason"]) == {"too fast"}
