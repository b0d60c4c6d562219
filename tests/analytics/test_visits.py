"""Visits: by hand, against a slow row-by-row count, and the figure CAMPUS must give."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench import schema, times
from workbench.analytics import columns
from workbench.analytics.visits import visits
from workbench.errors import InvalidInputError


def plain(frame: pd.DataFrame, zero: pd.Timestamp) -> list[tuple[Any, ...]]:
    start = (frame["start"] - zero).dt.total_seconds()
    end = (frame["end"] - zero).dt.total_seconds()
    cells = zip(
        frame["identity_id"], frame["camera_id"], start, end, frame["sightings"], strict=True
    )
    return list(cells)


ZERO = pd.Timestamp("2026-01-12T08:00:00Z")


def test_small_site(site: Any, answers: Any) -> None:
    found = visits(site["sightings"])
    said = pd.DataFrame(answers["visits"])
    assert found["place_id"].isna().all()
    for name in ("identity_id", "camera_id", "dwell_s", "sightings"):
        assert found[name].tolist() == said[name].tolist(), name
    for name in ("start", "end"):
        assert times.iso_column(found[name]) == said[name].tolist()


def test_a_gap_of_exactly_max_gap_stays_in_the_visit(table: Any) -> None:
    rows = table([("p", "c", 0), ("p", "c", 30), ("p", "c", 60.000001)])
    assert plain(visits(rows, max_gap_s=30), ZERO) == [
        ("p", "c", 0.0, 30.0, 2),
        ("p", "c", 60.000001, 60.000001, 1),
    ]


def test_another_camera_does_not_end_a_visit(table: Any) -> None:
    rows = table([("p", "b", 0), ("p", "a", 1), ("p", "b", 2), ("p", "a", 2), ("q", "b", 1)])
    assert plain(visits(rows), ZERO) == [
        ("p", "b", 0.0, 2.0, 2),
        ("p", "a", 1.0, 2.0, 2),
        ("q", "b", 1.0, 1.0, 1),
    ]


def test_order_is_code_points_and_ids_keep_their_letters(table: Any) -> None:
    names = ["Z", "a", "é", "10", "9", "0002", "2", "😀", "\uffee"]
    rows = table([(name, "c", 0) for name in names])
    assert visits(rows)["identity_id"].tolist() == sorted(names)


def test_a_place_acts_like_a_camera(table: Any) -> None:
    rows = table([("p", None, 0), ("p", None, 5), ("p", "cam", 6), ("p", None, 7), ("p", None, 9)])
    rows["place_id"] = pd.Series(["hall", "hall", "hall", "yard", None], dtype="str")
    found = visits(rows)
    assert found["camera_id"].fillna("-").tolist() == ["-", "cam", "-"]
    assert found["place_id"].fillna("-").tolist() == ["hall", "-", "yard"]
    assert found["sightings"].tolist() == [2, 1, 1]


def test_a_place_with_a_camera_s_name_is_another_spot(table: Any) -> None:
    rows = table([("p", "x", 0), ("p", None, 1)])
    rows["place_id"] = pd.Series([None, "x"], dtype="str")
    assert len(visits(rows)) == 2


def test_unidentified_sightings_are_in_no_visit(table: Any) -> None:
    assert visits(table([(None, "c", 0), (None, "c", 1)])).empty


@pytest.mark.parametrize("rows", [schema.SIGHTING.empty(), None])
def test_empty_in_empty_out(rows: Any, table: Any) -> None:
    found = visits(table([(None, "c", 0)]) if rows is None else rows)
    assert found.empty
    assert found.dtypes.astype("str").to_dict() == columns.VISITS


@pytest.mark.parametrize("gap", [-1, float("nan")])
def test_no_duration_is_refused(gap: float, table: Any) -> None:
    with pytest.raises(InvalidInputError, match="max_gap_s"):
        visits(table([("p", "c", 0)]), max_gap_s=gap)


def test_an_endless_gap_keeps_everything_together(table: Any) -> None:
    rows = table([("p", "c", 0), ("p", "c", 1e9)])
    assert len(visits(rows, max_gap_s=float("inf"))) == 1


def test_a_missing_column_is_named(table: Any) -> None:
    with pytest.raises(InvalidInputError, match="camera_id"):
        visits(table([("p", "c", 0)]).drop(columns="camera_id"))


def slow_visits(rows: list[tuple[str, str, int]], gap: int) -> list[tuple[Any, ...]]:
    """One sighting after the other, each into the last visit of its person and camera."""
    found: list[list[Any]] = []
    for who, camera, second in sorted(rows, key=lambda row: row[2]):
        own = [visit for visit in found if visit[:2] == [who, camera]]
        if own and second - own[-1][3] <= gap:
            own[-1][3] = second
            own[-1][4] += 1
        else:
            found.append([who, camera, second, second, 1])
    return [tuple(visit) for visit in sorted(found, key=lambda v: (v[0], v[2], v[1]))]


SIGHTINGS = st.lists(
    st.tuples(st.sampled_from("pq"), st.sampled_from("abc"), st.integers(0, 40)), max_size=40
)


@settings(max_examples=150, deadline=None)
@given(rows=SIGHTINGS, gap=st.integers(0, 12))
def test_as_counted_row_by_row(rows: list[tuple[str, str, int]], gap: int, table: Any) -> None:
    assert plain(visits(table(rows), max_gap_s=gap), ZERO) == slow_visits(rows, gap)


def test_centuries_and_many_people_fit_too(table: Any) -> None:
    # Too much for one number of 63 bits: who, where and a time of centuries.
    rows = [(f"p{n:04d}", "c", t) for n in range(1100) for t in (7e9, -2e9, 3, 7e9 + 9)]
    found = visits(table(rows), max_gap_s=10)
    hers = [(-2_000_000_000, 0, 1), (3, 0, 1), (7_000_000_000, 9, 2)]
    assert plain(found, ZERO) == [
        (f"p{n:04d}", "c", begin, begin + stay, many)
        for n in range(1100)
        for begin, stay, many in hers
    ]


def test_campus_gives_87_visits(campus: Any) -> None:
    found = visits(campus["sightings"], max_gap_s=30)
    assert len(found) == 87
    assert found["sightings"].sum() == 134_168
