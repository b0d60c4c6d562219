"""Encounters and pairs: by hand, and against every two rows compared with each other."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.analytics import co_occurrence
from workbench.analytics.co_occurrence import (
    Stays,
    encounters,
    meetings,
    met,
    near,
    seen_together,
    walks,
)
from workbench.analytics.visits import visits
from workbench.errors import InvalidInputError

ZERO = pd.Timestamp("2026-01-12T08:00:00Z").as_unit("us")


def stays(*rows: tuple[str, str, float, float]) -> pd.DataFrame:
    """Return visits: (who, camera, from second, to second)."""
    return pd.DataFrame(
        {
            "identity_id": [row[0] for row in rows],
            "camera_id": [row[1] for row in rows],
            "place_id": pd.Series([None] * len(rows), dtype="str"),
            "start": [ZERO + pd.Timedelta(seconds=row[2]) for row in rows],
            "end": [ZERO + pd.Timedelta(seconds=row[3]) for row in rows],
        }
    )


def seen(*rows: tuple[str, str, float]) -> pd.DataFrame:
    """Return sightings: (who, camera, second)."""
    return pd.DataFrame(
        {
            "identity_id": [row[0] for row in rows],
            "camera_id": [row[1] for row in rows],
            "timestamp": [ZERO + pd.Timedelta(seconds=row[2]) for row in rows],
        }
    )


def counts(table: pd.DataFrame) -> dict[tuple[str, str], int]:
    return {(a, b): n for a, b, n in table[["a", "b", "count"]].itertuples(index=False)}


def test_an_encounter_by_hand():
    rows = stays(("ben", "door", 0, 30), ("ann", "door", 20, 50), ("ann", "hall", 20, 50))
    found = encounters(rows, window_s=60).iloc[0]
    assert (found["a"], found["b"], found["camera_id"]) == ("ann", "ben", "door")
    assert (found["start"] - ZERO).total_seconds() == 20 and found["overlap_s"] == 10
    assert (found["end"] - ZERO).total_seconds() == 30
    assert (found["a_dwell_s"], found["b_dwell_s"]) == (30, 30)


@pytest.mark.parametrize(("later", "many"), [(89.999999, 1), (90, 0), (90.000001, 0)])
def test_the_window_is_half_open(later, many):
    rows = stays(("a", "x", 0, 30), ("b", "x", later, later + 5))
    assert len(encounters(rows, window_s=60)) == many
    pair = seen(("a", "x", 30), ("b", "x", later))
    assert seen_together(pair, window_s=60)["count"].sum() == many


def test_the_window_is_half_open_inside_longer_runs_too():
    table = seen(("a", "x", 0), ("a", "x", 7), ("b", "x", 3), ("b", "x", 14))
    # 3 and 7 of a and b are less than 7 s apart twice (0-3, 7-3); 7-14 is just 7 s.
    assert seen_together(table, window_s=7)["count"].tolist() == [2]


def test_visits_that_do_not_overlap_have_the_time_between_them():
    found = encounters(stays(("a", "x", 0, 10), ("b", "x", 15, 20)), window_s=60).iloc[0]
    assert found["overlap_s"] == 0
    assert (found["end"] - found["start"]).total_seconds() == 5


def test_the_table_of_pairs_by_hand():
    rows = stays(
        ("a", "x", 0, 10), ("b", "x", 5, 20), ("a", "y", 100, 110), ("b", "y", 100, 104),
        ("a", "x", 86_400, 86_410), ("b", "x", 86_500, 86_510), ("c", "x", 86_405, 86_406),
    )  # fmt: skip
    found = met(rows, window_s=60)
    assert counts(found) == {("a", "b"): 2, ("a", "c"): 1}
    one = found.iloc[0]
    assert (one["overlap_s"], one["cameras"], one["days"]) == (9, 2, 1)
    assert ((one["first"] - ZERO).total_seconds(), (one["last"] - ZERO).total_seconds()) == (5, 104)


def test_days_are_those_of_the_zone():
    rows = stays(*[(who, "x", t, t) for who in "ab" for t in (15 * 3600, 17 * 3600)])
    assert met(rows)["days"].tolist() == [2]  # 23:00 and 01:00 UTC
    assert met(rows, tz="America/New_York")["days"].tolist() == [1]


def test_days_before_1970_and_long_after_are_counted_apart():
    seconds = [float((year - 2026) * 31_557_600) for year in (1901, 1902, 2026, 2200)]
    rows = stays(*[(who, "x", t, t) for who in "abc" for t in seconds])
    assert met(rows)["days"].tolist() == [4, 4, 4]
    assert met(rows[rows["identity_id"] != "c"].iloc[[0, 1, 4, 5]])["days"].tolist() == [2]


def test_places_act_like_cameras_and_stay_apart_from_them():
    rows = stays(("a", "x", 0, 1), ("b", "x", 0, 1), ("c", "x", 0, 1))
    rows["place_id"] = pd.Series([None, "x", "x"], dtype="str")
    rows["camera_id"] = pd.Series(["x", None, None], dtype="str")
    found = encounters(rows)
    assert found[["a", "b", "place_id"]].to_numpy().tolist() == [["b", "c", "x"]]
    assert found["camera_id"].isna().all()


def test_who_begins_together_meets_whatever_the_names():
    for names in (("a", "b"), ("b", "a")):
        rows = stays((names[0], "x", 10, 20), (names[1], "x", 10, 10))
        for either in (rows, rows.iloc[::-1]):
            assert len(encounters(either, window_s=0)) == 1


def test_only_one_identity():
    rows = stays(*[(who, "x", 0, 1) for who in "abc"])
    assert len(encounters(rows)) == 3
    found = encounters(rows, identity="b")
    assert found[["a", "b"]].to_numpy().tolist() == [["a", "b"], ["b", "c"]]
    assert encounters(rows, identity="nobody").empty


@pytest.mark.parametrize("function", [encounters, met])
def test_nothing_gives_an_empty_table(function):
    assert function(stays()).empty and function(stays(("a", "x", 0, 1))).empty
    assert seen_together(seen()).empty


@pytest.mark.parametrize("window", [-1, float("nan"), "x", None])
def test_what_is_no_window_is_refused(window):
    with pytest.raises(InvalidInputError, match="window_s"):
        met(stays(("a", "x", 0, 1)), window_s=window)


def test_a_walk_over_cameras_in_order():
    way = [("x", 0), ("y", 60), ("y", 100), ("x", 200), ("z", 5000)]
    rows = stays(*[(who, camera, t, t + 5) for who in "ab" for camera, t in way])
    found = walks(encounters(rows, window_s=10), run_gap_s=600).iloc[0]
    assert (found["steps"], found["encounters"], found["overlap_s"]) == (3, 4, 20)
    assert found["cameras"] == ["x", "y", "x"]
    alone = walks(encounters(rows, window_s=10), run_gap_s=600, min_steps=1)
    assert alone["cameras"].tolist() == [["x", "y", "x"], ["z"]]
    assert walks(encounters(stays())).empty


def test_a_meeting_is_where_both_stay():
    rows = stays(("a", "x", 0, 100), ("b", "x", 20, 90), ("c", "x", 50, 55))
    assert meetings(encounters(rows), min_dwell_s=60)[["a", "b"]].to_numpy().tolist() == [
        ["a", "b"]
    ]


PEOPLE = st.lists(
    st.tuples(st.sampled_from("abc"), st.sampled_from("xy"), st.integers(0, 25)), max_size=40
)


@settings(max_examples=150, deadline=None)
@given(rows=PEOPLE, window=st.sampled_from([0, 1, 3, 7]), few=st.booleans())
def test_as_if_every_two_had_been_compared(rows: list[Any], window: int, few: bool) -> None:
    table = seen(*rows)
    held = co_occurrence._AT_ONCE, co_occurrence._LARGEST
    # A few rows at once, and moments by rank, as if they did not fit into one number with a place.
    co_occurrence._AT_ONCE, co_occurrence._LARGEST = (3, 3) if few else held
    try:
        pairs, runs = seen_together(table, window_s=window), visits(table, max_gap_s=2)
        meets, each = met(runs, window_s=window), encounters(runs, window_s=window)
    finally:
        co_occurrence._AT_ONCE, co_occurrence._LARGEST = held
    wanted: dict[tuple[str, str], int] = {}
    for one, other in combinations(rows, 2):
        if one[0] != other[0] and one[1] == other[1] and abs(one[2] - other[2]) < window:
            pair = (min(one[0], other[0]), max(one[0], other[0]))
            wanted[pair] = wanted.get(pair, 0) + 1
    assert counts(pairs) == wanted
    wanted, overlap = {}, {}
    for one, other in combinations(runs.to_dict("records"), 2):
        first, last = sorted((one, other), key=lambda v: (v["start"], -v["end"].value))
        near = (last["start"] - first["end"]).total_seconds() < window
        if one["identity_id"] != other["identity_id"] and one["camera_id"] == other["camera_id"]:
            pair = tuple(sorted((one["identity_id"], other["identity_id"])))
            wanted[pair] = wanted.get(pair, 0) + near
            both = (min(one["end"], other["end"]) - last["start"]).total_seconds()
            overlap[pair] = overlap.get(pair, 0) + near * max(both, 0)
    wanted = {pair: n for pair, n in wanted.items() if n}
    assert counts(meets) == wanted and len(each) == sum(wanted.values())
    assert {(a, b): s for a, b, s in meets[["a", "b", "overlap_s"]].itertuples(index=False)} == {
        pair: overlap[pair] for pair in wanted
    }


@pytest.mark.parametrize("largest", [2**63, 3])
def test_meetings_with_others_are_those_of_both_together(
    largest: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(co_occurrence, "_LARGEST", largest)
    rng = np.random.default_rng(3)
    rows = [
        ("abcdef"[i], "xyz"[j], t, t + d)
        for i, j, t, d in rng.integers(0, [6, 3, 500, 40], (80, 4))
    ]
    own, others = Stays.of(stays(*rows)), Stays.of(stays(*rows[:40]))
    one, other = own.across(others, 20_000_000)
    found = sorted(
        (int(own.start[i]), int(own.end[i]), int(others.start[j]), int(others.end[j]))
        for i, j in zip(one, other, strict=True)
    )
    wanted = sorted(
        (int(own.start[i]), int(own.end[i]), int(others.start[j]), int(others.end[j]))
        for i in range(len(own.who))
        for j in range(len(others.who))
        if own.where[i] == others.where[j]
        and max(own.start[i], others.start[j]) - min(own.end[i], others.end[j]) < 20_000_000
    )
    assert found == wanted


def spans(*rows: tuple[float, float]) -> pd.DataFrame:
    """Return times: from second, to second."""
    return stays(*(("p1", "a", *row) for row in rows))[["start", "end"]]


def test_near_keeps_what_reaches_into_the_time_around_an_encounter() -> None:
    met = spans((5000, 5100), (20_000, 20_000))
    rows = [
        ("p1", "a", 0, 4000),
        ("p1", "a", 0, 4399),
        ("p1", "b", 5700, 6000),
        ("p3", "b", 5701, 19_399),
        ("p1", "a", 0, 90_000),
        ("p2", "a", 20_600, 20_700),
    ]
    visits = stays(*rows)
    visits.index = visits.index + 7
    kept = near(visits, met, around_s=600)
    assert ((kept["end"] - ZERO).dt.total_seconds()).tolist() == [6000, 90_000, 20_700]
    assert list(kept.index) == [0, 1, 2]
    assert kept["end"].dtype == visits["end"].dtype
    assert len(near(visits, met, around_s=601)) == 5
    assert len(near(visits, met.iloc[:0])) == 0
    assert len(near(visits, met, around_s=1e300)) == len(visits)


def test_near_agrees_with_looking_at_every_two() -> None:
    rng = np.random.default_rng(5)
    a, c = rng.uniform(0, 86_400, 300), rng.uniform(0, 86_400, 12)
    long, overlap = rng.uniform(0, 2000, 300), rng.uniform(0, 4000, 12)
    visits = stays(*(("p1", "a", s, s + w) for s, w in zip(a, long, strict=True)))
    met = spans(*((s, s + w) for s, w in zip(c, overlap, strict=True)))
    around = pd.Timedelta(seconds=300)
    begins, ends = met["start"].to_numpy()[None] - around, met["end"].to_numpy()[None] + around
    touch = (visits["start"].to_numpy()[:, None] <= ends) & (
        visits["end"].to_numpy()[:, None] >= begins
    )
    expected = visits[touch.any(axis=1)].reset_index(drop=True)
    assert 0 < len(expected) < len(visits)
    pd.testing.assert_frame_equal(near(visits, met, around_s=300), expected)


@pytest.mark.parametrize("around_s", [-1.0, float("nan"), "long", None])
def test_near_refuses_what_is_no_length_of_time(around_s: Any) -> None:
    visits = stays(("p1", "a", 0, 4000))
    with pytest.raises(InvalidInputError, match="around_s is"):
        near(visits, spans((0, 1)), around_s=around_s)
