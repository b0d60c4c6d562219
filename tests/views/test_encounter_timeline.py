"""The encounters on a timeline: what links two lanes, when, in which form, and what is clicked."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from workbench.errors import InvalidInputError
from workbench.views.charts.encounter_bands import COLOUR, NEAR, OVERLAP
from workbench.views.charts.timeline import timeline
from workbench.views.style import OKABE_ITO, theme

MADRID = "Europe/Madrid"
DAY = 86_400.0


def at(seconds: Any) -> Any:
    """Return the instants so many seconds after 08:00 UTC (09:00 in Madrid) of a Monday."""
    found = pd.Timestamp("2026-01-12T08:00Z") + pd.to_timedelta(np.asarray(seconds) * 1e6, "us")
    return found.as_unit("us")


def stays(*rows: tuple[str, str, float, float]) -> pd.DataFrame:
    """Return visits: (identity, camera, from second, to second)."""
    frame = pd.DataFrame(rows, columns=["identity_id", "camera_id", "a", "b"])
    frame = frame.assign(place_id=pd.Series([None] * len(frame), dtype="str"), sightings=2)
    return frame.assign(start=at(frame["a"]), end=at(frame["b"]))


def meetings(*rows: tuple[str, str, str, float, float, float]) -> pd.DataFrame:
    """Return encounters: (a, b, camera, from second, to second, overlap in seconds)."""
    frame = pd.DataFrame(rows, columns=["a", "b", "camera_id", "s", "e", "overlap_s"])
    frame = frame.assign(place_id=pd.Series([None] * len(frame), dtype="str"))
    return frame.assign(start=at(frame["s"]), end=at(frame["e"]), a_dwell_s=1.0, b_dwell_s=1.0)


@pytest.fixture
def morning() -> dict[str, Any]:
    """Return Ana and Ben: together at the door, then 20 s apart at the lab; Cy came with Ana."""
    return {
        "visits": stays(
            ("p1", "door", 0, 600), ("p1", "lab", 1200, 1500),
            ("p2", "door", 120, 700), ("p2", "lab", 1520, 1800),
            ("p3", "door", 0, 60),
        ),
        "encounters": meetings(
            ("p1", "p3", "door", 0, 60, 60.0),
            ("p1", "p2", "door", 120, 600, 480.0),
            ("p1", "p2", "lab", 1500, 1520, 0.0),
        ),
        "cameras": pd.DataFrame({"id": ["door", "lab"], "name": ["Door", "Lab"]}),
        "identities": pd.DataFrame({"id": ["p1", "p2"], "name": ["Ana", "Ben"]}),
        "order": ["p1", "p2", "p3"],
        "display_tz": MADRID,
    }  # fmt: skip


def pair(morning: dict[str, Any]) -> dict[str, Any]:
    """Return the same morning without Cy: his encounter keeps its row."""
    visits = morning["visits"]
    return morning | {"visits": visits[visits["identity_id"] != "p3"], "order": ["p1", "p2"]}


def marks(figure: go.Figure) -> Any:
    (trace,) = [trace for trace in figure.data if trace.meta == "encounters"]
    return trace


def drawn(figure: go.Figure, name: str, *, fill: str | None = None) -> Any:
    return next(t for t in figure.data
                if t.name == name and t.showlegend is False and t.fill == fill)  # fmt: skip


def clock(seconds: float) -> str:
    return (at([seconds])[0] + pd.Timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%S.000")


def test_each_encounter_has_one_point_that_knows_its_row(morning: Any) -> None:
    points = marks(timeline(**pair(morning)))
    assert list(points.customdata) == [1, 2]  # row 0 is with somebody who is not drawn
    assert all(type(position) is int for position in points.customdata)
    assert list(points.x) == [clock(360), clock(1510)]
    assert all(0.5 < y < 1.5 for y in points.y)  # between the two lanes
    assert sorted(marks(timeline(**morning)).customdata) == [0, 1, 2]


def test_a_table_that_was_filtered_counts_its_rows_from_the_first(morning: Any) -> None:
    rest = morning["encounters"].iloc[1:]
    assert list(marks(timeline(**pair(morning) | {"encounters": rest})).customdata) == [0, 1]


def test_together_is_filled_and_solid_and_near_in_time_is_open_and_dashed(morning: Any) -> None:
    for name in ("light", "dark"):
        figure = timeline(**pair(morning), theme=name)
        paper = theme(name).paper
        assert list(marks(figure).marker.color) == [COLOUR, paper]
        assert list(marks(figure).marker.line.color) == [paper, COLOUR]
        assert drawn(figure, OVERLAP).line.dash == "solid"
        assert "px" in drawn(figure, NEAR).line.dash
        assert COLOUR == OKABE_ITO[1] == drawn(figure, NEAR).line.color


def test_the_legend_has_an_entry_for_each_kind_there_is(morning: Any) -> None:
    def entries(figure: go.Figure) -> set[str]:
        return {t.name for t in figure.data if t.showlegend is not False} & {OVERLAP, NEAR}

    assert entries(timeline(**morning)) == {OVERLAP, NEAR}
    only = morning["encounters"].iloc[[1]]
    assert entries(timeline(**morning | {"encounters": only})) == {OVERLAP}


def test_a_band_lies_over_the_time_of_the_overlap_around_both_bars(morning: Any) -> None:
    band = drawn(timeline(**pair(morning)), OVERLAP, fill="toself")
    assert list(band.x) == [*(clock(s) for s in (120, 600, 600, 120, 120)), None]
    assert min(band.y[:5]) < 0.5
    assert max(band.y[:5]) > 1.5
    assert band.line.width >= 1.5  # seen however short
    assert band.zorder < 0  # bars stay in front


def test_among_several_a_band_covers_nobody_else(morning: Any) -> None:
    band = drawn(timeline(**morning), OVERLAP, fill="toself")
    assert len(band.x) == 6  # none for those who have a lane between them
    assert 0.5 < min(band.y[:5]) < max(band.y[:5]) < 1.5


def test_a_line_passes_the_lane_between_at_its_own_time_with_dots_at_the_two(morning: Any) -> None:
    line = drawn(timeline(**morning), OVERLAP)
    of_p3 = [(x, y) for x, y in zip(line.x, line.y, strict=True) if x == clock(30)]
    assert 0.5 < of_p3[0][1] < 1.0  # below the bar of p1
    assert 2.0 < of_p3[-1][1] < 2.5  # above the bar of p3
    assert line.zorder < 0
    assert [size > 0 for size in line.marker.size[:5]] == [True, False, False, True, False]
    assert len(line.marker.size) == len(line.x)


def test_a_line_whose_marker_stands_aside_is_back_before_the_lane_between() -> None:
    rows = [("p1", "a", 0, 8 * 3600), ("p2", "a", 0, 60), ("p3", "a", 0, 8 * 3600)]
    met = meetings(*(("p1", "p3", "a", 9000 + n, 9000 + n, 0.0) for n in range(4)))
    figure = timeline(stays(*rows), encounters=met, order=["p1", "p2", "p3"])
    line = drawn(figure, NEAR)
    way = pd.DataFrame({"x": pd.to_datetime(pd.Series(line.x)), "y": line.y}).dropna()
    own = pd.Timestamp("2026-01-12T10:30")  # 9,000 s after eight; the axis is UTC here
    aside = (way["x"] - own).abs() > pd.Timedelta(seconds=5)
    assert aside.sum() == 4
    assert way["y"][aside].max() < 1.0 < way["y"][~aside].max()
    assert (way["y"][~aside].between(1.0, 1.5)).sum() == 4  # above the bar of p2


def test_hovers_tell_who_where_when_and_how_long(morning: Any) -> None:
    assert list(marks(timeline(**pair(morning))).hovertext) == [
        "<b>Ana (p1) and Ben (p2)</b><br>Door (door)<br>"
        "2026-01-12 09:02:00 – 09:10:00 Europe/Madrid<br>together for 8 min",
        "<b>Ana (p1) and Ben (p2)</b><br>Lab (lab)<br>"
        "2026-01-12 09:25:00 – 09:25:20 Europe/Madrid<br>20 s apart, no overlap",
    ]


def test_the_subtitle_counts_them_and_the_title_stays(morning: Any) -> None:
    title = timeline(**pair(morning)).layout.title
    assert title.text == "Timeline of 2 identities"
    assert title.subtitle.text == "4 visits at 2 cameras · 2 encounters"


def test_no_camera_has_the_colour_of_together(morning: Any) -> None:
    rows = [("p1", f"c{n}", 60.0 * n, 60.0 * n + 50) for n in range(7)]
    visits = pd.concat([morning["visits"], stays(*rows)])
    plain = timeline(**morning | {"visits": visits, "encounters": None})
    assert any(t.type == "bar" and t.marker.color == COLOUR for t in plain.data)
    linked = timeline(**morning | {"visits": visits})
    assert not any(t.type == "bar" and t.marker.color == COLOUR for t in linked.data)


def test_where_they_met_has_a_letter_first(morning: Any) -> None:
    rows = [("p1", f"c{n}", 60.0 * k, 60.0 * k + 5) for n in range(9) for k in range(9)]
    figure = timeline(**morning | {"visits": pd.concat([morning["visits"], stays(*rows)])})
    entries = [t.name for t in figure.data if t.showlegend is not False]
    assert {"A  Door", "B  Lab", "C  c0"} <= set(entries)


def test_one_identity_or_no_encounter_changes_nothing(morning: Any) -> None:
    alone = {"visits": stays(("p1", "door", 0, 600)), "encounters": morning["encounters"]}
    without = timeline(alone["visits"]).to_json()
    assert timeline(**alone).to_json() == without
    bare = timeline(**morning | {"encounters": None}).to_json()
    assert timeline(**morning | {"encounters": morning["encounters"].iloc[:0]}).to_json() == bare


def test_several_days_are_linked_each_in_its_panel() -> None:
    visits = stays(
        ("p1", "a", 0, 600),
        ("p2", "a", 300, 4 * 3600),
        ("p1", "a", 2 * DAY, 2 * DAY + 600),
        ("p2", "a", 2 * DAY, 2 * DAY + 900),
    )
    met = meetings(("p1", "p2", "a", 2 * DAY, 2 * DAY + 600, 600.0),
                   ("p1", "p2", "a", 300, 600, 300.0),
                   ("p1", "p2", "a", 9 * DAY, 9 * DAY + 60, 60.0))  # fmt: skip
    figure = timeline(visits, encounters=met, display_tz=MADRID)
    points = marks(figure)
    assert list(points.customdata) == [1, 0]  # the third is on a day that is not drawn
    assert list(points.x) == [clock(450), clock(300)]  # over the same hours
    assert points.y[1] - points.y[0] > 2
    heads = [n.text for n in figure.layout.annotations if n.text.startswith("<b>")]
    assert heads == [
        "<b>Mon 12 Jan</b>  09:00 – 13:00 · 1 encounter",
        "<b>Wed 14 Jan</b>  09:00 – 09:15 · 1 encounter",
    ]  # nothing is said of Tuesday: its visits may have been left out
    assert "2 encounters" in figure.layout.title.subtitle.text
    assert "2026-01-14 09:00:00" in points.hovertext[1]


def test_an_encounter_over_midnight_is_in_both_panels_and_counted_once() -> None:
    late = 14 * 3600.0  # 23:00 in Madrid
    visits = stays(("p1", "a", late, late + 7200), ("p2", "a", late, late + 7200),
                   ("p1", "a", 0, 60), ("p2", "a", 2 * DAY, 2 * DAY + 60))  # fmt: skip
    met = meetings(("p1", "p2", "a", late, late + 7200, 7200.0))
    figure = timeline(visits, encounters=met, display_tz=MADRID)
    assert list(marks(figure).customdata) == [0, 0]
    assert "1 encounter" in figure.layout.title.subtitle.text.split(" · ")
    assert set(marks(figure).hovertext) == {marks(figure).hovertext[0]}


def test_markers_that_crowd_stand_side_by_side_near_their_time() -> None:
    visits = stays(("p1", "a", 0, 8 * 3600), ("p2", "a", 0, 8 * 3600))
    seconds = [0.0, *(4 * 3600 + 5.0 * n for n in range(20)), 8 * 3600 - 1.0]
    met = meetings(*(("p1", "p2", "a", s, s, 0.0) for s in seconds))
    points = marks(timeline(visits, encounters=met))
    figure_span = 8 * 3600.0
    px = (pd.to_datetime(pd.Series(points.x)) - pd.Timestamp("2026-01-12T08:00")).dt.total_seconds()
    px = px / figure_span * 540
    assert px.diff().min() > 6.9  # each can be clicked, in a narrow window too
    assert abs(px[1:21].mean() - 540 / 2) < 2  # about their own time
    assert 0 < px.iloc[0] < px.iloc[-1] < 540
    assert points.marker.size[0] > points.marker.size[10]
    assert points.marker.opacity == 1


def test_a_gap_that_leads_to_a_visit_left_out_is_not_drawn(morning: Any) -> None:
    gaps = pd.DataFrame({"identity_id": ["p1", "p1"], "from_camera": "door", "to_camera": "lab",
                         "start": at([600, 1500]), "end": at([1200, 9000]),
                         "gap_s": [600.0, 7500.0], "reason": "unknown"})  # fmt: skip
    said = timeline(**morning, gaps=gaps).layout.title.subtitle.text
    assert said == "5 visits at 2 cameras · 3 encounters · 1 gap"
    plain = timeline(**morning | {"encounters": None}, gaps=gaps).layout.title.subtitle.text
    assert plain == "5 visits at 2 cameras · 2 gaps"


def test_places_and_names_from_data_are_escaped(morning: Any, hostile: str) -> None:
    met = morning["encounters"]
    met["camera_id"], met["place_id"] = None, hostile
    morning["identities"]["name"] = hostile
    text = str(json.loads(timeline(**morning).to_json()))
    assert "<img" not in text
    assert text.count("&lt;img") > 6


def test_encounters_without_a_column_are_refused(morning: Any) -> None:
    with pytest.raises(InvalidInputError, match="encounters lack the column overlap_s"):
        timeline(**morning | {"encounters": morning["encounters"].drop(columns="overlap_s")})


def test_many_encounters_of_many_are_drawn_at_once() -> None:
    rng = np.random.default_rng(1)
    n, people = 5_000, [f"p{i:02d}" for i in range(30)]
    start = rng.integers(0, 4, n) * DAY + rng.uniform(0, 8 * 3600, n)
    who = np.sort(np.stack([rng.permutation(30)[:2] for _ in range(n)]), axis=1)
    names = np.array(people)
    met = pd.DataFrame({"a": names[who[:, 0]], "b": names[who[:, 1]], "camera_id": "c",
                        "place_id": None, "start": at(start), "end": at(start + 30),
                        "overlap_s": 30.0 * rng.integers(0, 2, n)})  # fmt: skip
    visits = pd.concat([met.rename(columns={side: "identity_id"})[
        ["identity_id", "camera_id", "place_id", "start", "end"]] for side in "ab"])  # fmt: skip
    timeline(visits.head(10), encounters=met.head(10))
    figure = timeline(visits, encounters=met)
    assert sorted(marks(figure).customdata) == list(range(n))
