"""Clock offsets: planted ones are found within what is said of them, others are not invented."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.analytics import columns
from workbench.analytics.clocks import clock_offsets, pair_offsets
from workbench.analytics.close_by import passes, usual_step_s
from workbench.errors import InvalidInputError, NotFoundError

ZERO = pd.Timestamp("2026-01-12T08:00:00Z").as_unit("us")
# A corridor of 30 m: a sees 0 to 18 m of it, b 12 to 30 m, c 25 m on.
REACH = {"a": (0.0, 18.0), "b": (12.0, 30.0), "c": (25.0, 40.0)}


def walked(
    n: int = 60, *, offsets: dict[str, float] | None = None, back: float = 0.5, seed: int = 0
) -> pd.DataFrame:
    """Return sightings of `n` people who walk through the corridor, a second apart.

    `offsets`: what has to be added to the times of a camera; `back`: the share that walks west.
    """
    rng = np.random.default_rng(seed)
    rows = []
    for person in range(n):
        speed, west = rng.uniform(0.9, 1.7), rng.random() < back
        for camera, (low, high) in REACH.items():
            x = np.arange(low + rng.uniform(0, speed), high, speed)
            gone = (40 - x if west else x) / speed
            at = 300.0 * person + gone - (offsets or {}).get(camera, 0.0)
            seen = x + rng.normal(0, 0.05, len(x))
            rows += [(f"p{person:03d}", camera, t, s, 1.0) for t, s in zip(at, seen, strict=True)]
    frame = pd.DataFrame(
        rows, columns=["identity_id", "camera_id", "second", "floor_x_m", "floor_y_m"]
    )
    after = pd.to_timedelta((frame["second"] * 1e6).round().astype("int64"), unit="us")
    return frame.assign(id=frame.index.astype("str"), timestamp=ZERO + after)


def pair(found: pd.DataFrame, a: str, b: str) -> Any:
    return found[(found["camera_a"] == a) & (found["camera_b"] == b)].iloc[0]


@pytest.mark.parametrize(
    ("way", "planted", "error"),
    [
        ("floor positions", 0.0, 0.1),
        ("floor positions", 7.5, 0.1),
        ("floor positions", -20.0, 0.1),  # no two visits overlap any more
        ("visits", 0.0, 1.0),
        ("visits", 7.5, 1.0),
    ],
)
def test_a_planted_offset_lies_in_its_interval(way: str, planted: float, error: float) -> None:
    seen = walked(offsets={"b": planted})
    if way == "visits":
        seen = seen.drop(columns=["floor_x_m", "floor_y_m"])
    found = pair_offsets(seen)
    assert list(found.columns) == list(columns.PAIR_OFFSETS)
    one = pair(found, "a", "b")
    assert one["method"] == way
    assert one["low_s"] <= planted <= one["high_s"]
    assert abs(one["offset_s"] - planted) < error
    assert one["pairs"] >= 40


def test_with_nobody_in_common_nothing_is_said() -> None:
    seen = walked(20)
    others = seen.assign(identity_id=seen["identity_id"] + seen["camera_id"])
    assert pair_offsets(others).empty
    assert pair_offsets(seen.iloc[:0]).empty
    assert pair_offsets(walked(8)).empty  # fewer than min_pairs
    assert len(pair_offsets(walked(8), min_pairs=5)) == 2


def test_who_only_walks_one_way_makes_no_clock_wrong_for_certain() -> None:
    seen = walked(back=0.0).drop(columns=["floor_x_m"])
    one = pair(pair_offsets(seen), "a", "b")
    assert one["low_s"] <= 0.0 <= one["high_s"]


def test_cameras_that_cannot_see_one_spot_are_not_compared_by_visits() -> None:
    seen = walked().drop(columns=["floor_x_m"])
    cameras = pd.DataFrame(
        {
            "id": ["a", "b"],
            "position_x": [0.0, 100.0],
            "position_y": [0.0, 0.0],
            "orientation": [90.0, 90.0],
            "fov": [60.0, 60.0],
        }
    )
    found = pair_offsets(seen, cameras=cameras)
    assert list(zip(found["camera_a"], found["camera_b"], strict=True)) == [("b", "c")]


def test_people_who_stand_do_not_decide() -> None:
    seen = walked(offsets={"b": 5.0})
    # Twenty people stand in the middle for five minutes, in sight of both.
    second = np.tile(np.arange(0, 300, 5.0), 40)
    who = [f"s{i:02d}" for i in range(20) for _ in range(120)]
    camera = np.repeat(np.tile(["a", "b"], 20), 60)
    stood = pd.DataFrame(
        {
            "identity_id": who,
            "camera_id": camera,
            "timestamp": ZERO + pd.to_timedelta(second - 5.0 * (camera == "b"), unit="s"),
            "floor_x_m": 15.0,
            "floor_y_m": 1.0,
        }
    )
    one = pair(pair_offsets(pd.concat([seen, stood], ignore_index=True)), "a", "b")
    assert one["low_s"] <= 5.0 <= one["high_s"]


def test_the_same_seed_says_the_same() -> None:
    seen = walked(30).drop(columns=["floor_x_m"])
    pd.testing.assert_frame_equal(pair_offsets(seen, seed=3), pair_offsets(seen, seed=3))


def test_a_frame_rate_that_is_higher_changes_little() -> None:
    seen = walked(offsets={"b": 3.0})
    step = pd.Timedelta(milliseconds=40)
    many = pd.concat([seen.assign(timestamp=seen["timestamp"] + step * k) for k in range(3)])
    assert len(passes(many, max_gap_s=30, max_offset_s=60)) > 0
    assert pair(pair_offsets(many), "a", "b")["offset_s"] == pytest.approx(3.0, abs=0.1)


def test_the_usual_step_is_the_time_between_sightings() -> None:
    assert usual_step_s(walked(10), max_gap_s=30) == pytest.approx(1.0, abs=0.01)
    assert usual_step_s(walked(10).iloc[:1], max_gap_s=30) == 0.0


@pytest.mark.parametrize("given", [{"min_pairs": 1}, {"max_offset_s": -1}, {"max_gap_s": -1}])
def test_what_means_nothing_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputError, match=next(iter(given))):
        pair_offsets(walked(12), **given)
    with pytest.raises(InvalidInputError, match="camera_id"):
        pair_offsets(walked(2).drop(columns=["camera_id"]))


# ------------------------------------------------------------------ from pairs to cameras
def pairs_of(rows: list[tuple[str, str, float, float]]) -> pd.DataFrame:
    """Return pairs: (a, b, offset, half of its interval)."""
    return pd.DataFrame(
        {
            "camera_a": [row[0] for row in rows],
            "camera_b": [row[1] for row in rows],
            "offset_s": [row[2] for row in rows],
            "low_s": [row[2] - row[3] for row in rows],
            "high_s": [row[2] + row[3] for row in rows],
            "spread_s": 0.1,
            "pairs": 20,
            "method": "visits",
        }
    )


def cameras_of(ids: str, recorded: float = 0.0) -> pd.DataFrame:
    return pd.DataFrame({"id": list(ids), "clock_offset_s": recorded})


def test_offsets_add_up_along_a_chain_and_errors_by_squares() -> None:
    pairs = pairs_of([("a", "b", 2.0, 0.3), ("b", "c", -5.0, 0.4)])
    found = clock_offsets(pairs, cameras=cameras_of("abcd", 1.5), reference="a")
    assert list(found.columns) == list(columns.CLOCK_OFFSETS)
    assert found["offset_s"].tolist() == pytest.approx([0.0, 2.0, -3.0, np.nan], nan_ok=True)
    half = (found["high_s"] - found["low_s"]) / 2
    assert half.tolist() == pytest.approx([0.0, 0.3, 0.5, np.nan], nan_ok=True)
    assert found["clock_offset_s"].tolist() == pytest.approx([1.5, 3.5, -1.5, np.nan], nan_ok=True)
    assert found["neighbours"].tolist() == [1, 2, 1, 0]


def test_what_contradicts_itself_is_less_sure() -> None:
    agree = pairs_of([("a", "b", 2.0, 0.3), ("b", "c", 1.0, 0.3), ("a", "c", 3.0, 0.3)])
    differ = pairs_of([("a", "b", 2.0, 0.3), ("b", "c", 1.0, 0.3), ("a", "c", 9.0, 0.3)])
    calm, torn = (
        clock_offsets(pairs, cameras=cameras_of("abc"), reference="a") for pairs in (agree, differ)
    )
    assert calm["offset_s"].tolist() == pytest.approx([0.0, 2.0, 3.0])
    # Least squares shares the 6 s equally among the three.
    assert torn["offset_s"].tolist() == pytest.approx([0.0, 4.0, 7.0])
    assert (torn["high_s"] - torn["low_s"]).sum() > 5 * (calm["high_s"] - calm["low_s"]).sum()


def test_the_reference_is_the_clock_in_the_middle() -> None:
    pairs = pairs_of([("a", "b", 9.0, 0.1), ("b", "c", -9.0, 0.1), ("c", "d", 0.5, 0.1)])
    found = clock_offsets(pairs, cameras=cameras_of("abcde"))
    assert found["reference"].unique().tolist() == ["c"]
    assert found["offset_s"].iloc[4] != 0.0  # e is compared with nobody: unknown
    with pytest.raises(NotFoundError, match="nobody"):
        clock_offsets(pairs, cameras=cameras_of("abc"), reference="nobody")


def test_without_pairs_everything_is_unknown_but_the_reference() -> None:
    found = clock_offsets(pairs_of([]), cameras=cameras_of("ab"))
    assert found["offset_s"].isna().tolist() == [False, True]
    assert clock_offsets(pairs_of([]), cameras=cameras_of("")).empty


@settings(max_examples=25)
@given(st.lists(st.floats(-50, 50), min_size=2, max_size=8))
def test_true_clocks_come_back_from_their_differences(clock: list[float]) -> None:
    ids = "abcdefgh"[: len(clock)]
    rows = [
        (ids[i], ids[j], clock[j] - clock[i], 0.2)
        for i in range(len(clock))
        for j in (i + 1, i + 3)
        if j < len(clock)
    ]
    found = clock_offsets(pairs_of(rows), cameras=cameras_of(ids), reference="a")
    assert found["offset_s"].tolist() == pytest.approx([c - clock[0] for c in clock], abs=1e-6)
