"""Transitions and flow: by hand, and against a slow search for the next visit."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench import times
from workbench.analytics import columns
from workbench.analytics.transitions import flow, transitions
from workbench.analytics.visits import visits
from workbench.errors import InvalidInputError

Stay = tuple[str, str, float, float]


@pytest.fixture(scope="module")
def stays(after: Any) -> Any:
    def make(rows: list[Stay]) -> pd.DataFrame:
        return pd.DataFrame(
            {
                "identity_id": pd.Series([row[0] for row in rows], dtype="str"),
                "camera_id": pd.Series([row[1] for row in rows], dtype="str"),
                "start": after(row[2] for row in rows),
                "end": after(row[3] for row in rows),
            }
        )

    return make


def moves(found: pd.DataFrame) -> list[tuple[Any, ...]]:
    return list(found[["from_camera", "to_camera", "gap_s"]].itertuples(index=False, name=None))


def test_small_site(site: Any, answers: Any) -> None:
    found = transitions(
        visits(site["sightings"]), cameras=site["cameras"], adjacency=site["adjacency"]
    )
    said = pd.DataFrame(answers["transitions"])
    for name in ("identity_id", "from_camera", "to_camera", "gap_s"):
        assert found[name].tolist() == said[name].tolist(), name
    for name in ("start", "end"):
        assert times.iso_column(found[name]) == said[name].tolist()
    assert found["distance_m"].round(3).tolist() == said["distance_m"].tolist()
    assert found["speed_m_s"].round(4).tolist() == said["speed_m_s"].tolist()
    first = found.iloc[0]
    assert (first["way_m"], first["usual_s"], first["unseen_s"]) == (7.0, 6.0, 4.0)
    assert found["way_m"].isna().sum() == 3  # lab to lab, and office to lab twice: no direct step


def test_flow_of_the_small_site(site: Any, answers: Any) -> None:
    found = flow(transitions(visits(site["sightings"])))
    assert found.to_dict("records") == answers["flow"]


def test_from_overlapping_visits_each_to_the_next_that_begins_after_it(stays: Any) -> None:
    rows = stays([("p", "a", 0, 10), ("p", "b", 5, 15), ("p", "c", 20, 30), ("p", "a", 29, 40)])
    found = transitions(rows)
    # From c at 20-30 nothing begins at 30 or later: 29 is too early.
    assert moves(found) == [("a", "c", 10.0), ("b", "c", 5.0)]
    # While a had lost her, b saw her until 15.
    assert found["unseen_s"].tolist() == [5.0, 5.0]


def test_a_visit_that_begins_the_moment_one_ends_counts(stays: Any) -> None:
    assert moves(transitions(stays([("p", "a", 0, 10), ("p", "b", 10, 12)]))) == [("a", "b", 0.0)]


def test_same_camera_again_counts(stays: Any) -> None:
    found = transitions(stays([("p", "a", 0, 10), ("p", "a", 50, 60)]))
    assert moves(found) == [("a", "a", 40.0)]
    assert found["distance_m"].tolist() == [0.0]


def test_ties_of_start_go_by_camera_id(stays: Any) -> None:
    rows = stays([("p", "z", 20, 30), ("p", "b", 20, 25), ("p", "a", 0, 10)])
    assert moves(transitions(rows)) == [("a", "b", 10.0)]


def test_visits_of_a_moment_follow_each_other_once(stays: Any) -> None:
    rows = stays([("p", "b", 5, 5), ("p", "a", 5, 5)])
    assert moves(transitions(rows)) == [("a", "b", 0.0)]


def test_people_are_kept_apart(stays: Any) -> None:
    assert transitions(stays([("p", "a", 0, 1), ("q", "b", 2, 3)])).empty


def test_distance_is_missing_where_something_is_unknown(stays: Any) -> None:
    cameras = pd.DataFrame(
        {
            "id": ["a", "b", "c", "d", "e"],
            "position_x": [0.0, 3.0, 6.0, None, 6.0],
            "position_y": [0.0, 4.0, 8.0, None, 8.0],
            "level": ["0", None, "1", "0", "0"],
        }
    )
    steps = "abcdxxea"
    rows = stays([("p", camera, 10.0 * i, 10.0 * i) for i, camera in enumerate(steps)])
    found = transitions(rows, cameras=cameras)
    shown = found["distance_m"].fillna(-1).tolist()
    #       a-b  b-c  c-d  d-x  x-x  x-e   e-a
    assert shown == [5.0, 5.0, -1.0, -1.0, 0.0, -1.0, 10.0]
    assert (
        transitions(stays([("p", "a", 0, 1), ("p", "c", 2, 3)]), cameras=cameras)["distance_m"]
        .isna()
        .all()
    )
    assert found["speed_m_s"].fillna(-1).tolist() == [0.5, 0.5, -1.0, -1.0, 0.0, -1.0, 1.0]


def test_no_speed_without_time(stays: Any) -> None:
    cameras = pd.DataFrame({"id": ["a", "b"], "position_x": [0.0, 3.0], "position_y": [0.0, 4.0]})
    found = transitions(stays([("p", "a", 0, 10), ("p", "b", 10, 12)]), cameras=cameras)
    assert found["distance_m"].tolist() == [5.0]
    assert found["speed_m_s"].isna().all()


def test_places_have_columns_of_their_own_and_no_flow(table: Any) -> None:
    rows = table([("p", "cam", 0), ("p", None, 100), ("p", "cam", 200)])
    rows["place_id"] = pd.Series([None, "hall", None], dtype="str")
    found = transitions(visits(rows))
    assert found["from_camera"].fillna("-").tolist() == ["cam", "-"]
    assert found["from_place"].fillna("-").tolist() == ["-", "hall"]
    assert found["to_camera"].fillna("-").tolist() == ["-", "cam"]
    assert found["to_place"].fillna("-").tolist() == ["hall", "-"]
    assert flow(found).empty


def test_empty_in_empty_out(stays: Any) -> None:
    found = transitions(stays([]))
    assert found.dtypes.astype("str").to_dict() == columns.TRANSITIONS
    assert flow(found).dtypes.astype("str").to_dict() == columns.FLOW
    assert len(found) == len(flow(found)) == 0


def test_a_missing_column_is_named(stays: Any) -> None:
    with pytest.raises(InvalidInputError, match="end"):
        transitions(stays([("p", "a", 0, 1)]).drop(columns="end"))


def slow_moves(rows: list[Stay]) -> list[tuple[Any, ...]]:
    """For each visit, look at all later ones in turn; unseen seconds counted one by one."""
    found = []
    for person in sorted({row[0] for row in rows}):
        own = sorted((row for row in rows if row[0] == person), key=lambda r: (r[2], r[1]))
        for i, (_, camera, _, end) in enumerate(own):
            later = next((row for row in own[i + 1 :] if row[2] >= end), None)
            if later is not None:
                unseen = sum(
                    not any(row[2] <= second and second + 1 <= row[3] for row in own)
                    for second in range(int(end), int(later[2]))
                )
                found.append((person, camera, later[1], end, later[2], float(unseen)))
    return found


STAYS = st.lists(
    st.tuples(
        st.sampled_from("pq"), st.sampled_from("abcd"), st.integers(0, 25), st.integers(0, 8)
    ).map(lambda row: (row[0], row[1], row[2], row[2] + row[3])),
    max_size=16,
    unique_by=lambda row: (row[0], row[1], row[2]),
)


@settings(max_examples=200, deadline=None)
@given(rows=STAYS)
def test_as_searched_row_by_row(rows: list[Stay], stays: Any, after: Any) -> None:
    found = transitions(stays(rows))
    zero = after([0])[0]
    start = (found["start"] - zero).dt.total_seconds()
    end = (found["end"] - zero).dt.total_seconds()
    names = (found[name] for name in ("identity_id", "from_camera", "to_camera"))
    assert list(zip(*names, start, end, found["unseen_s"], strict=True)) == slow_moves(rows)


def test_campus_cameras_overlap(campus: Any) -> None:
    found = transitions(visits(campus["sightings"]), cameras=campus["cameras"])
    # HC4 lost person 0 for 144 s, but the others saw him all the time.
    first = found.iloc[0]
    assert (first["from_camera"], first["to_camera"]) == ("HC4", "HC4")
    assert first["gap_s"] == pytest.approx(144.433, abs=0.001)
    assert first["unseen_s"] == 0
