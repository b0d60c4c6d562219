"""Timelines, activity and implausible moves of everybody, through the room."""

from __future__ import annotations

import pandas as pd
import pytest

import workbench
from workbench.errors import InvalidInputError, NotFoundError


def test_what_is_odd_about_everybody(bench: workbench.Workbench) -> None:
    found = bench.tracks.implausible()
    alone = bench.tracks.trajectory("p4").implausible
    pd.testing.assert_frame_equal(found, alone)
    assert found["start"].tolist() == [pd.Timestamp("2026-01-12T08:30:00Z")]
    assert found["end"].tolist() == [pd.Timestamp("2026-01-12T08:30:02Z")]
    assert bench.tracks.implausible(["p1", "p2"]).empty
    assert bench.tracks.implausible([]).empty
    assert bench.tracks.implausible("p4", max_speed_m_s=7).empty
    assert bench.tracks.implausible(end="2026-01-12T08:30:02Z").empty
    with pytest.raises(NotFoundError, match="p9"):
        bench.tracks.implausible(["p4", "p9"])


def test_a_timeline_says_the_same_as_the_tables(bench: workbench.Workbench) -> None:
    found = bench.tracks.timeline(["p4", "p2", "p4"])
    assert found.identity_ids == ("p4", "p2")
    pd.testing.assert_frame_equal(found.visits, bench.tracks.visits(["p2", "p4"]))
    pd.testing.assert_frame_equal(found.gaps, bench.tracks.gaps(["p2", "p4"]))
    assert repr(found) == "Timeline of 'p4', 'p2': 7 visits, 2 gaps, 1 implausible move"
    found.gaps.loc[0, "unseen_s"] = 0.0
    assert ", 2 gaps (1 unseen), " in repr(found)
    assert found.plot().layout.yaxis.ticktext[0].startswith("Dana Levi")
    frame = found.to_frame()
    frame["sightings"] = 0
    assert found.visits["sightings"].min() > 0
    with pytest.raises(NotFoundError, match="p9"):
        bench.tracks.timeline(["p1", "p9"])


def test_a_timeline_of_one_is_that_of_her_trajectory(bench: workbench.Workbench) -> None:
    one = bench.tracks.timeline("p2").plot(theme="dark")
    assert one.to_json() == bench.tracks.trajectory("p2").timeline(theme="dark").to_json()
    assert one.layout.title.text == "Timeline of Ben Okafor (p2)"


def test_a_range_cuts_a_timeline(bench: workbench.Workbench) -> None:
    found = bench.tracks.timeline("p2", start="2026-01-12T09:12", tz="Europe/Madrid")
    assert found.visits["camera_id"].tolist() == ["lab"]
    assert bench.tracks.timeline("p2", max_gap_s=1).gaps["gap_s"].min() > 1


def test_activity_counts_in_the_zone_asked_for(bench: workbench.Workbench) -> None:
    found = bench.tracks.activity(tz="Europe/Madrid")
    assert found.counts["hour"].unique().tolist() == [9]
    assert bench.tracks.activity().counts["hour"].unique().tolist() == [8]
    assert found.counts["sightings"].sum() == 30
    assert found.counts.set_index("camera_id").at["corridor", "out_h"] == pytest.approx(5 / 60)
    assert repr(found) == "Activity at 4 cameras: 30 sightings by weekday and hour (Europe/Madrid)"
    assert found.plot(theme="dark").data


def test_activity_of_some(bench: workbench.Workbench) -> None:
    office = bench.tracks.activity(camera="office").to_frame()
    assert office[["camera_id", "sightings", "identities"]].to_numpy().tolist() == [
        ["office", 4, 2]
    ]
    ana = bench.tracks.activity(identity="p1").to_frame().set_index("camera_id")["sightings"]
    assert ana.to_dict() == {"corridor": 2, "entrance": 3, "lab": 3, "office": 0}
    early = bench.tracks.activity(start="2026-01-12T08:00Z", end="2026-01-12T08:00:02Z")
    assert early.counts["sightings"].sum() == 2
    for asked in ({"camera": "p9"}, {"identity": ["p1", "p9"]}):
        with pytest.raises(NotFoundError, match="p9"):
            bench.tracks.activity(**asked)
    with pytest.raises(InvalidInputError, match="Mars"):
        bench.tracks.activity(tz="Mars/Olympus")


def test_nobody_known_is_not_one_who_was_never_seen(bench: workbench.Workbench) -> None:
    bench.identities.create("p6")
    assert bench.tracks.activity(identity="p6").counts["sightings"].sum() == 0
    assert bench.tracks.timeline("p6").plot().layout.title.text == "Timeline of identity p6"


def test_results_show_themselves_as_pictures(bench: workbench.Workbench) -> None:
    for result in (
        bench.tracks.timeline("p2"),
        bench.tracks.activity(),
        bench.tracks.trajectory("p2"),
    ):
        bundle = result._repr_mimebundle_()
        assert bundle["text/plain"] == repr(result)
        assert bundle["application/vnd.plotly.v1+json"]["data"]
