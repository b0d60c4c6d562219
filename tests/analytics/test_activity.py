"""Activity by weekday and hour: counted on the local clock, and how long the cameras looked."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from workbench.analytics import columns
from workbench.analytics.activity import activity
from workbench.errors import InvalidInputError

MADRID = "Europe/Madrid"


def seen(*rows: tuple[str | None, str]) -> pd.DataFrame:
    """Return sightings of ann: (camera, time)."""
    return pd.DataFrame(
        {
            "camera_id": pd.Series([row[0] for row in rows], dtype="str"),
            "identity_id": "ann",
            "timestamp": pd.to_datetime([row[1] for row in rows], utc=True),
        }
    )


def out(*rows: tuple[str, str, str]) -> pd.DataFrame:
    """Return outages: (camera, start, end)."""
    frame = pd.DataFrame(rows, columns=["camera_id", "start", "end"])
    return frame.assign(
        start=pd.to_datetime(frame["start"], utc=True), end=pd.to_datetime(frame["end"], utc=True)
    )


def cell(found: pd.DataFrame, weekday: int, hour: int, camera: str = "door") -> dict[str, Any]:
    """Return the one row of a camera and hour."""
    chosen = (found["weekday"] == weekday) & (found["hour"] == hour)
    (row,) = found[chosen & (found["camera_id"] == camera)].to_dict("records")
    return row


def test_small_site(site: Any) -> None:
    found = activity(
        site["sightings"],
        display_tz=MADRID,
        cameras=site["cameras"]["id"],
        outages=site["outages"],
    )
    # One hour of one Monday, 9 to 10 local time; u01 and u02 are sightings of nobody known.
    assert found.to_dict("records") == [
        {"camera_id": name, "weekday": 0, "hour": 9, "sightings": n, "identities": people,
         "hours": 1.0, "out_h": out_h}
        for name, n, people, out_h in (
            ("corridor", 7, 5, 5 / 60), ("entrance", 9, 5, 0.0), ("lab", 10, 5, 0.0),
            ("office", 4, 2, 0.0),
        )
    ]  # fmt: skip
    assert dict(found.dtypes.astype("str")) == {
        name: "str" if dtype == "str" else dtype for name, dtype in columns.ACTIVITY.items()
    }


def test_hours_are_those_of_the_zone(site: Any) -> None:
    assert set(activity(site["sightings"])["hour"]) == {8}
    assert set(activity(site["sightings"], display_tz="Asia/Kolkata")["hour"]) == {13, 14}


def test_zero_where_a_camera_looked_and_saw_nobody() -> None:
    rows = seen(("door", "2026-01-12T08:10Z"), ("door", "2026-01-12T10:50Z"))
    found = activity(rows, cameras=["door", "yard"])
    assert found["hour"].tolist() == [8, 9, 10] * 2
    assert found["sightings"].tolist() == [1, 0, 1, 0, 0, 0]
    assert found["hours"].tolist() == [1.0] * 6


def test_weeks_add_up() -> None:
    rows = seen(("door", "2026-01-12T08:10Z"), ("door", "2026-01-26T08:50Z"))
    found = activity(rows)
    assert len(found) == 7 * 24
    monday = cell(found, 0, 8)
    assert (monday["sightings"], monday["identities"], monday["hours"]) == (2, 1, 3.0)
    assert cell(found, 0, 9)["hours"] == 2.0


def test_an_hour_that_the_clock_repeats_counts_twice_and_a_skipped_one_not() -> None:
    rows = seen(("door", "2026-10-24T23:10Z"), ("door", "2026-10-25T00:30Z"),
                ("door", "2026-10-25T01:30Z"), ("door", "2026-10-25T02:30Z"))  # fmt: skip
    found = activity(rows, display_tz=MADRID)
    assert found[["weekday", "hour", "sightings", "hours"]].to_numpy().tolist() == [
        [6, 1, 1, 1.0],
        [6, 2, 2, 2.0],
        [6, 3, 1, 1.0],
    ]
    rows = seen(("door", "2026-03-29T00:30Z"), ("door", "2026-03-29T01:30Z"))
    assert activity(rows, display_tz=MADRID)["hour"].tolist() == [1, 3]


def test_outages_are_counted_once_within_the_time_looked_at() -> None:
    rows = seen(("door", "2026-01-12T08:10Z"), ("door", "2026-01-12T10:50Z"))
    found = activity(
        rows,
        outages=out(
            ("door", "2026-01-01T00:00Z", "2026-01-12T08:06Z"),
            ("door", "2026-01-12T08:30Z", "2026-01-12T09:30Z"),
            ("door", "2026-01-12T08:40Z", "2026-01-12T08:50Z"),
            ("door", "2026-01-12T09:00Z", "2026-01-12T10:00Z"),
            ("yard", "2026-01-12T10:00Z", "2026-01-12T11:00Z"),
        ),
    )
    assert found["out_h"].tolist() == pytest.approx([0.6, 1.0, 0.0])


def test_a_range_is_half_open_and_its_hours_are_looked_at() -> None:
    rows = seen(("door", "2026-01-12T08:10Z"), ("door", "2026-01-12T10:30Z"))
    start, end = pd.Timestamp("2026-01-12T08:10Z"), pd.Timestamp("2026-01-12T10:30Z")
    found = activity(rows, start=start, end=end)
    assert found["sightings"].tolist() == [1, 0, 0]
    assert found["hours"].tolist() == pytest.approx([50 / 60, 1.0, 0.5])


def test_what_is_at_no_camera_stands_last() -> None:
    found = activity(seen(("door", "2026-01-12T08:10Z"), (None, "2026-01-12T08:20Z")))
    assert found["camera_id"].isna().tolist() == [False, True]
    assert found["sightings"].tolist() == [1, 1]


@pytest.mark.parametrize("zone", [MADRID, "Asia/Kolkata", "America/St_Johns", "UTC"])
def test_the_same_as_counted_one_by_one(zone: str) -> None:
    rng = np.random.default_rng(5)
    n = 400
    at = pd.Timestamp("2026-10-20T00:00Z") + pd.to_timedelta(rng.integers(0, 9 * 86400, n), "s")
    names = ["a", "b", "c"]
    rows = pd.DataFrame(
        {
            "camera_id": [names[i] for i in rng.integers(0, 3, n)],
            "identity_id": [f"p{i}" for i in rng.integers(0, 5, n)],
            "timestamp": pd.DatetimeIndex(at).as_unit("us"),
        }
    )
    expected: dict[tuple[str, int, int], list[str]] = {}
    for row in rows.itertuples():
        local = row.timestamp.to_pydatetime().astimezone(ZoneInfo(zone))
        key = (row.camera_id, local.weekday(), local.hour)
        expected.setdefault(key, []).append(row.identity_id)
    found = activity(rows, display_tz=zone)
    told = {
        (row.camera_id, row.weekday, row.hour): (row.sightings, row.identities)
        for row in found[found["sightings"] > 0].itertuples()
    }
    assert told == {key: (len(who), len(set(who))) for key, who in expected.items()}
    assert found["sightings"].sum() == n


def test_nothing_seen_gives_an_empty_table() -> None:
    found = activity(seen(), cameras=["door"])
    assert found.empty
    assert list(found) == list(columns.ACTIVITY)
    start, end = pd.Timestamp("2026-01-12T08:00Z"), pd.Timestamp("2026-01-12T10:00Z")
    assert activity(seen(), cameras=["door"], start=start, end=end)["hours"].tolist() == [1, 1]


def test_what_means_nothing_is_refused() -> None:
    rows = seen(("door", "1826-01-12T08:10Z"), ("door", "2026-01-12T08:10Z"))
    with pytest.raises(InvalidInputError, match="100 years"):
        activity(rows)
    with pytest.raises(InvalidInputError, match="camera_id"):
        activity(rows.drop(columns="camera_id"))
    with pytest.raises(InvalidInputError, match="Mars"):
        activity(rows, display_tz="Mars/Olympus")
