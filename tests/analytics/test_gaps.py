"""Gaps: which transitions are long, and what explains them."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from workbench import times
from workbench.analytics import columns
from workbench.analytics.gaps import gaps, unseen_gaps
from workbench.analytics.transitions import transitions
from workbench.analytics.visits import visits
from workbench.errors import InvalidInputError
from workbench.views.charts.links import unseen


@pytest.fixture(scope="module")
def moves(after: Any) -> Any:
    def make(*rows: tuple[str, str, float, float]) -> pd.DataFrame:
        frame = pd.DataFrame(rows, columns=["from_camera", "to_camera", "start", "end"])
        return frame.assign(
            identity_id="p",
            gap_s=frame["end"] - frame["start"],
            start=after(frame["start"]),
            end=after(frame["end"]),
        )

    return make


@pytest.fixture(scope="module")
def out(after: Any) -> Any:
    def make(*rows: tuple[str, float, float, str]) -> pd.DataFrame:
        frame = pd.DataFrame(rows, columns=["camera_id", "start", "end", "source"])
        return frame.assign(start=after(frame["start"]), end=after(frame["end"]))

    return make


#     b1
#   /    \
# a        c - d      and one way only: d -> e
#   \    /
#     b2
WAYS = pd.DataFrame(
    [("a", "b1"), ("a", "b2"), ("b1", "c"), ("b2", "c"), ("c", "d"), ("d", "e")],
    columns=["from_camera", "to_camera"],
).assign(directed=[False] * 5 + [True])


def test_small_site(site: Any, answers: Any) -> None:
    moves = transitions(visits(site["sightings"]), cameras=site["cameras"])
    found = gaps(moves, max_gap_s=30, outages=site["outages"], adjacency=site["adjacency"])
    said = pd.DataFrame(answers["gaps"])
    for name in ("identity_id", "from_camera", "to_camera", "gap_s", "reason"):
        assert found[name].tolist() == said[name].tolist(), name
    for name in ("start", "end"):
        assert times.iso_column(found[name]) == said[name].tolist()
    for name in ("outage_camera", "source"):
        assert found[name].fillna("").tolist() == said[name].fillna("").tolist()
    assert found["unseen_s"].tolist() == found["gap_s"].tolist()
    assert found["outage_s"].fillna(0).tolist() == [0, 120, 0, 0, 0]


def test_longer_than_max_gap_only(moves: Any) -> None:
    rows = moves(("a", "c", 0, 30), ("a", "c", 0, 30.000001))
    assert gaps(rows, max_gap_s=30)["gap_s"].tolist() == [30.000001]


def test_reasons_without_outages(moves: Any) -> None:
    pairs = ["ab1", "ac", "aa", "de", "ed", "ce", "ax", "xx"]
    rows = moves(*((p[0], p[1:], 0, 100) for p in pairs))
    reasons = gaps(rows, adjacency=WAYS)["reason"].tolist()
    assert dict(zip(pairs, reasons, strict=True)) == {
        "ab1": "blind",  # neighbours
        "ac": "unknown",  # b1 or b2 stands between
        "aa": "blind",  # the same camera again
        "de": "blind",  # neighbours, in this direction
        "ed": "unknown",  # no way back
        "ce": "unknown",  # d stands between, on a way in one direction
        "ax": "unknown",  # nothing is known of x
        "xx": "unknown",
    }


def test_nothing_is_blind_without_an_adjacency(moves: Any) -> None:
    rows = moves(("a", "b1", 0, 100), ("a", "a", 0, 100))
    assert gaps(rows)["reason"].tolist() == ["unknown", "unknown"]


@pytest.mark.parametrize("camera", ["a", "b1", "b2", "c"])
def test_an_outage_anywhere_on_a_shortest_way_explains(camera: str, moves: Any, out: Any) -> None:
    found = gaps(
        moves(("a", "c", 0, 100)), adjacency=WAYS, outages=out((camera, 40, 50, "log"))
    ).iloc[0]
    assert (found["reason"], found["outage_camera"], found["source"]) == ("outage", camera, "log")


@pytest.mark.parametrize(
    ("camera", "start", "end"), [("d", 40, 50), ("b1", 100, 200), ("b1", -50, 0)]
)
def test_outages_elsewhere_or_at_other_times_do_not(
    camera: str, start: float, end: float, moves: Any, out: Any
) -> None:
    rows = moves(("a", "c", 0, 100))
    found = gaps(rows, adjacency=WAYS, outages=out((camera, start, end, "log"))).iloc[0]
    assert found["reason"] == "unknown"
    assert pd.isna(found["outage_camera"])


def test_the_longest_outage_within_the_gap_is_named(moves: Any, out: Any) -> None:
    outages = out(("b2", 0, 20, "x"), ("b1", 50, 70, "y"), ("a", 90, 1000, "z"))
    found = gaps(moves(("a", "c", 0, 100)), adjacency=WAYS, outages=outages)
    assert found[["outage_camera", "source"]].to_numpy().tolist() == [["b1", "y"]]


@pytest.mark.parametrize(
    ("outages", "covered"),
    [
        ([("x", 60, 100)], 40),
        ([("x", -500, 500)], 100),  # no more than the gap
        ([("x", 0, 30), ("x", 20, 40)], 40),  # reported twice, counted once
        ([("x", 10, 20), ("x", 50, 55), ("x", 12, 15)], 15),
        ([("x", 10, 20), ("x", 50, 55), ("a", 80, 94)], 15),  # the one that was out longest
    ],
)
def test_an_outage_explains_no_more_than_it_covers(
    outages: list[tuple[str, float, float]], covered: float, moves: Any, out: Any
) -> None:
    rows = moves(("a", "x", 0, 100), ("a", "b1", 0, 50))
    found = gaps(rows, outages=out(*((*one, "log") for one in outages)))
    assert found["outage_s"].tolist()[0] == covered
    assert found["outage_camera"].tolist()[0] == "x"


def test_who_reported_it_is_said_of_the_longest_outage(moves: Any, out: Any) -> None:
    outages = out(("x", 10, 20, "short"), ("x", 30, 60, "long"), ("x", 70, 80, "short"))
    found = gaps(moves(("a", "x", 0, 100)), outages=outages).iloc[0]
    assert (found["source"], found["outage_s"]) == ("long", 50)


def test_where_no_camera_was_out_nothing_is_covered(moves: Any, out: Any) -> None:
    rows = moves(("a", "b1", 0, 100), ("a", "x", 0, 100))
    assert gaps(rows)["outage_s"].isna().all()
    covered = gaps(rows, adjacency=WAYS, outages=out(("x", 1, 2, "log")))["outage_s"]
    assert covered.isna().tolist() == [True, False]


def test_its_own_cameras_are_on_the_way_without_an_adjacency(moves: Any, out: Any) -> None:
    found = gaps(moves(("a", "x", 0, 100)), outages=out(("x", 10, 20, "log")))
    assert found["reason"].tolist() == ["outage"]


def test_an_outage_comes_before_blind(moves: Any, out: Any) -> None:
    rows = moves(("a", "b1", 0, 100))
    found = gaps(rows, adjacency=WAYS, outages=out(("a", 10, 20, "log")))
    assert found["reason"].tolist() == ["outage"]


def test_a_place_is_on_no_way(moves: Any, out: Any) -> None:
    rows = moves(("a", "b1", 0, 100), ("a", "b1", 0, 100))
    rows["to_camera"] = pd.Series([None, "b1"], dtype="str")
    assert gaps(rows, adjacency=WAYS, outages=out(("c", 1, 2, "log")))["reason"].tolist() == [
        "unknown",
        "blind",
    ]


def test_an_absence_that_no_camera_saw_counts_once(table: Any) -> None:
    """While a lost her b watched; then both lost her at one moment until c."""
    seen = [("p", "a", 0), ("p", "a", 5), ("p", "a", 60), ("p", "a", 61), ("p", "c", 180)]
    seen += [("p", "b", second) for second in (2, 21, 41, 61)]
    found = gaps(transitions(visits(table(seen))))
    assert found[["from_camera", "gap_s", "unseen_s"]].to_numpy().tolist() == [
        ["a", 55, 0],
        ["b", 119, 119],
        ["a", 119, 119],
    ]
    assert unseen_gaps(found)["gap_s"].tolist() == [119]
    assert len(unseen_gaps(found.assign(unseen_s=float("nan")))) == 2  # not known: not watched
    assert unseen_gaps(found.iloc[:1]).empty
    # Views may not ask the analytics; what they take for unseen is the same.
    pd.testing.assert_frame_equal(unseen_gaps(found), unseen(found))


def test_empty_in_empty_out(moves: Any, out: Any) -> None:
    rows = moves(("a", "b1", 0, 10))
    found = gaps(rows, adjacency=WAYS, outages=out(("c", 1, 2, "log")))
    assert found.empty
    assert found.dtypes.astype("str").to_dict() == columns.GAPS


def test_no_duration_is_refused(moves: Any) -> None:
    with pytest.raises(InvalidInputError, match="max_gap_s"):
        gaps(moves(("a", "b1", 0, 10)), max_gap_s=-1)
