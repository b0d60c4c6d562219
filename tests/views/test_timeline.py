"""The timeline by its structure: lanes, bars, gaps, outages, hovers, what is said and escaped."""

from __future__ import annotations

import json
import time
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from workbench.errors import InvalidInputError
from workbench.views.charts.lanes import stacked
from workbench.views.charts.timeline import LANES, timeline
from workbench.views.style import theme

MADRID = "Europe/Madrid"
DAY = 86_400.0


def at(seconds: Any) -> Any:
    """Return the instants so many seconds after 08:00 UTC (09:00 in Madrid) of a Monday."""
    found = pd.Timestamp("2026-01-12T08:00Z") + pd.to_timedelta(np.asarray(seconds) * 1e6, "us")
    return found.as_unit("us")


def stays(*rows: tuple[str, str, float, float]) -> pd.DataFrame:
    """Return visits: (identity, camera, from second, to second), with two sightings each."""
    frame = pd.DataFrame(rows, columns=["identity_id", "camera_id", "a", "b"])
    return pd.DataFrame(
        {
            "identity_id": frame["identity_id"].astype("str"),
            "camera_id": frame["camera_id"].astype("str"),
            "place_id": pd.Series([None] * len(frame), dtype="str"),
            "start": at(frame["a"]),
            "end": at(frame["b"]),
            "dwell_s": frame["b"] - frame["a"],
            "sightings": 2,
        }
    )


def moves(reason: str, *rows: tuple[str, str, str, float, float], **more: Any) -> pd.DataFrame:
    """Return gaps or implausible moves: (identity, from camera, to camera, from, to second)."""
    frame = pd.DataFrame(rows, columns=["identity_id", "from_camera", "to_camera", "a", "b"])
    frame = frame.assign(start=at(frame["a"]), end=at(frame["b"]), gap_s=frame["b"] - frame["a"])
    frame = frame.assign(unseen_s=frame["gap_s"], reason=reason, outage_camera=None, source=None)
    return frame.assign(**more)


def out(camera: str, a: float, b: float, source: str = "log") -> pd.DataFrame:
    return pd.DataFrame({"camera_id": [camera], "start": at([a]), "end": at([b]), "source": source})


def named(figure: go.Figure, name: str, *, legend: bool = False) -> Any:
    return next(t for t in figure.data if t.name == name and (t.showlegend is not False) == legend)


def labels(figure: go.Figure) -> list[str]:
    return list(figure.layout.yaxis.ticktext)


def notes(figure: go.Figure) -> list[str]:
    return [note.text for note in figure.layout.annotations]


@pytest.fixture
def cameras() -> pd.DataFrame:
    """Return three cameras on two storeys; the yard is on none."""
    return pd.DataFrame(
        {
            "id": ["door", "hall", "lab", "yard"],
            "name": ["Door", "Hall", "Lab", None],
            "level": ["ground", "ground", "first", None],
        }
    )


@pytest.fixture
def day(cameras: pd.DataFrame) -> dict[str, Any]:
    """Return a morning of p1: door, hall, 40 min unseen while the hall was out, lab."""
    return {
        "visits": stays(
            ("p1", "door", 0, 600), ("p1", "hall", 610, 610), ("p1", "lab", 3000, 3600)
        ),
        "gaps": moves("outage", ("p1", "hall", "lab", 610, 3000), outage_camera="hall"),
        "outages": out("hall", 1200, 2400),
        "cameras": cameras,
        "identities": pd.DataFrame({"id": ["p1"], "name": ["Ana"]}),
        "display_tz": MADRID,
    }


def test_one_identity_has_a_lane_a_camera_the_top_storey_first(day: Any) -> None:
    figure = timeline(**day)
    assert labels(figure) == ["Lab", "Door", "Hall"]
    assert figure.layout.title.text == "Timeline of Ana (p1)"
    assert figure.layout.title.subtitle.text == "3 visits at 3 cameras · 1 gap"
    assert {"first floor", "ground floor"} <= set(notes(figure))
    bars = named(figure, "Door (door)")
    assert (list(bars.base), list(bars.x)) == (["2026-01-12T09:00:00.000"], [600_000.0])
    assert list(bars.y) == [1.5]


def test_the_axis_is_the_local_clock_and_names_its_zone(day: Any) -> None:
    axis = timeline(**day).layout.xaxis
    assert axis.title.text == "local time on Mon 12 Jan 2026 (Europe/Madrid)"
    assert axis.range[0] < "2026-01-12T09:00:00" < "2026-01-12T10:00:00" < axis.range[1]
    assert "(UTC)" in timeline(**day | {"display_tz": "UTC"}).layout.xaxis.title.text


def test_hovers_tell_who_where_when_and_how_long(day: Any) -> None:
    figure = timeline(**day)
    assert named(figure, "Door (door)").hovertext[0] == (
        "<b>Ana (p1)</b><br>Door (door)<br>2026-01-12 09:00:00 – 09:10:00 Europe/Madrid"
        "<br>visit of 10 min, 2 sightings"
    )


def test_a_visit_too_short_to_be_seen_is_a_tick_whose_hover_is_true(day: Any) -> None:
    ticks = named(timeline(**day), "short visit")
    assert list(ticks.x) == ["2026-01-12T09:10:10.000"]
    assert ticks.marker.line.width == 3
    assert ticks.marker.opacity == 1
    assert "visit of 0 s, 2 sightings" in ticks.hovertext[0]


def test_an_outage_is_hatched_in_the_lane_of_its_camera(day: Any) -> None:
    figure = timeline(**day)
    bar = named(figure, "camera out", legend=True)
    assert (bar.marker.pattern.shape, list(bar.y)) == ("/", [2.5])
    assert list(bar.base) == ["2026-01-12T09:20:00.000"]
    assert "<b>Hall (hall) was out</b>" in bar.hovertext[0]
    assert "says: log" in bar.hovertext[0]
    assert "out" in notes(figure)
    elsewhere = timeline(**day | {"outages": out("yard", 1200, 2400)})
    assert "camera out" not in {trace.name for trace in elsewhere.data}


def test_a_gap_is_dashed_with_its_reason(day: Any) -> None:
    figure = timeline(**day)
    line = named(figure, "unseen, a camera out")
    assert line.line.dash == "dash"
    assert list(line.y[:3]) == [2.5, 1.5, 0.5]
    assert list(line.x[:3:2]) == ["2026-01-12T09:10:10.000", "2026-01-12T09:50:00.000"]
    assert "reason: outage of Hall (hall)" in line.hovertext[1]
    assert "no sighting is not absence" in line.hovertext[1]
    assert "outage: Hall" in notes(figure)
    assert named(figure, "unseen, a camera out", legend=True).marker.symbol == "square"
    day["gaps"]["reason"] = "blind"
    assert named(timeline(**day), "unseen, blind area")
    day["gaps"]["reason"] = "of another kind"
    assert named(timeline(**day), "unseen, unknown why")


def test_a_gap_says_how_much_of_it_the_outage_covers(day: Any) -> None:
    day["gaps"]["outage_s"] = 1200.0
    figure = timeline(**day)
    hover = named(figure, "unseen, a camera out").hovertext[1]
    assert "reason: outage of Hall (hall) for 20 min of the 39 min 50 s<br>" in hover
    assert "partly outage: Hall" in notes(figure)
    day["gaps"]["outage_s"] = day["gaps"]["gap_s"]
    figure = timeline(**day)
    hover = named(figure, "unseen, a camera out").hovertext[1]
    assert "reason: outage of Hall (hall) all the time<br>" in hover
    assert "outage: Hall" in notes(figure)


def test_a_gap_in_which_another_camera_saw_her_is_none(day: Any) -> None:
    day["gaps"]["unseen_s"] = 100.0
    figure = timeline(**day)
    assert "gap" not in figure.layout.title.subtitle.text
    assert not any("unseen" in str(trace.name) for trace in figure.data)


def test_an_impossible_move_is_said_in_words(day: Any) -> None:
    odd = moves("too fast", ("p1", "door", "lab", 600, 3000), speed_m_s=6.54)
    for name in ("light", "dark"):
        figure = timeline(**day, implausible=odd, theme=name)
        line = named(figure, "implausible move")
        assert line.line.color == theme(name).alarm
        assert "<b>implausible: too fast, 6.5 m/s</b>" in line.hovertext[1]
        assert "<b>too fast, 6.5 m/s</b>" in notes(figure)
        assert "1 implausible move" in figure.layout.title.subtitle.text


def test_several_identities_have_a_lane_each_and_cameras_a_colour(day: Any) -> None:
    visits = pd.concat([day["visits"], stays(("p2", "hall", 0, 1500), ("p3", "lab", 0, 60))])
    figure = timeline(**day | {"visits": visits}, order=["p3", "p1", "p9"])
    assert [label.split(" <")[0] for label in labels(figure)[:4]] == ["p3", "Ana", "p9", "p2"]
    assert labels(figure)[4] == "<i>cameras out</i>"
    assert figure.layout.title.text == "Timeline of 4 identities"
    hall = named(figure, "Hall (hall)")
    assert list(hall.y) == [3.5]
    assert named(figure, "A  Hall", legend=True).marker.color == hall.marker.color
    dashes = named(figure, "unseen, a camera out")
    assert set(dashes.y) - {None} == {1.5}
    assert "Hall" in notes(figure)  # on the bar of its outage


def test_a_camera_has_the_same_colour_whoever_is_drawn_alone(day: Any) -> None:
    one = named(timeline(**day), "Lab (lab)").marker.color
    other = day | {"visits": stays(("p7", "lab", 0, 900), ("p7", "yard", 900, 1800))}
    assert named(timeline(**other), "Lab (lab)").marker.color == one


def of_ten_cameras() -> pd.DataFrame:
    """Return two people at ten cameras, c0 visited ten times, c9 once: a long and short ones."""
    rows = [("p1", f"c{n}", 600 * (10 * n + k), 600 * (10 * n + k) + 5)
            for n in range(10) for k in range(10 - n)]  # fmt: skip
    return stays(*rows, ("p2", "c9", 0, 20_000))


def test_seven_cameras_have_a_colour_and_a_letter_and_the_others_are_grey() -> None:
    figure = timeline(of_ten_cameras())
    entries = [t.name for t in figure.data if t.name and t.showlegend is not False]
    assert entries[:7] == [f"{letter}  c{n}" for n, letter in enumerate("ABCDEFG")]
    assert entries[7] == "·  3 other cameras"
    colours = [named(figure, name, legend=True).marker.color for name in entries[:8]]
    assert len(set(colours)) == 8
    assert named(figure, "c9").marker.color == colours[7] == theme("light").unknown


def test_letters_stand_above_what_is_too_short_and_names_on_what_is_long() -> None:
    figure = timeline(of_ten_cameras())
    letters = named(figure, "letters of cameras")
    assert letters.text[0].startswith("A")
    assert "c9" in notes(figure)
    assert max(map(len, letters.text)) <= 5
    assert "p1" not in str(letters.text)


def test_letters_that_have_no_room_are_cut() -> None:
    many = stays(*[("p1", f"c{n % 7}", 60 * n, 60 * n + 1) for n in range(400)],
                 ("p2", "c0", 0, 30_000))  # fmt: skip
    texts = named(timeline(many), "letters of cameras").text
    assert all(len(text) <= 5 for text in texts)
    assert any(text.endswith("…") for text in texts)


def test_without_room_for_letters_the_legend_has_none() -> None:
    rows = [(f"p{n}", "a", 0.0, 60.0 + n) for n in range(60)]
    figure = timeline(stays(*rows))
    assert named(figure, "a", legend=True)
    assert "letters of cameras" not in {t.name for t in figure.data}


def test_overlapping_visits_share_the_height_of_a_lane() -> None:
    visits = stays(
        ("p1", "a", 0, 100), ("p1", "b", 50, 150), ("p1", "c", 200, 300), ("p2", "a", 0, 100)
    )
    figure = timeline(visits)
    a, b, c = (named(figure, name) for name in "abc")
    assert a.width[0] == b.width[0] == pytest.approx(c.width[0] / 2, abs=1e-3)
    assert a.y[0] < 0.5 < b.y[0]
    assert (c.y[0], a.y[1]) == (0.5, 1.5)


def test_rows_never_cover_each_other() -> None:
    rng = np.random.default_rng(2)
    lane = rng.integers(0, 4, 300).astype("float64")
    x0 = pd.Series(rng.integers(0, 1000, 300))
    x1 = x0 + rng.integers(0, 60, 300)
    row, deep = stacked(lane, x0, x1)
    assert (row < deep).all()
    for i in range(300):
        beside = (lane == lane[i]) & (row == row[i]) & (x0 < x1[i]) & (x1 > x0[i])
        beside[i] = False
        assert not (beside & (x1 > x0)).any() or x0[i] == x1[i]


def test_several_days_are_panels_over_the_same_hours() -> None:
    visits = stays(
        ("p1", "a", 0, 600),
        ("p1", "b", 4 * 3600, 5 * 3600),
        ("p1", "a", 2 * DAY + 300, 2 * DAY + 900),
    )
    night = moves("unknown", ("p1", "b", "a", 5 * 3600, 2 * DAY + 300))
    figure = timeline(visits, gaps=night, display_tz=MADRID)
    assert labels(figure) == ["a", "b", "a"]
    assert [note for note in notes(figure) if note.startswith("<b>")] == [
        "<b>Mon 12 Jan</b>  09:00 – 14:00",
        "<b>Tue 13 Jan</b>  not seen",
        "<b>Wed 14 Jan</b>  09:05 – 09:15",
    ]
    assert list(named(figure, "a").base) == ["2026-01-12T09:00:00.000", "2026-01-12T09:05:00.000"]
    assert tuple(figure.layout.xaxis.range) == (
        "2026-01-12T09:00:00.000",
        "2026-01-12T14:00:00.000",
    )
    assert figure.layout.xaxis.title.text == "local time of day (Europe/Madrid)"
    assert "1 gap (1 of them between days, not drawn)" in figure.layout.title.subtitle.text
    assert "Wed" not in str(named(figure, "a").hovertext)
    assert "2026-01-14 09:05:00 – 09:15:00" in named(figure, "a").hovertext[1]


def test_a_visit_over_midnight_is_cut_and_its_hover_is_whole() -> None:
    visits = stays(("p1", "a", 12 * 3600, 17 * 3600), ("p1", "a", 30 * 3600, 39 * 3600))
    figure = timeline(visits, display_tz=MADRID)
    bars = named(figure, "a")
    assert list(bars.x) == [3 * 3.6e6, 2 * 3.6e6, 9 * 3.6e6]
    assert bars.hovertext[0] == bars.hovertext[1]
    assert "2026-01-12 21:00:00 – 2026-01-13 02:00:00" in bars.hovertext[0]


def test_short_days_at_different_hours_begin_at_their_first_visit() -> None:
    visits = stays(("p1", "a", 0, 300), ("p1", "a", DAY + 6 * 3600, DAY + 6 * 3600 + 600))
    figure = timeline(visits, display_tz=MADRID)
    assert list(named(figure, "a").base) == ["1970-01-01T00:00:00.000"] * 2
    assert "since the first visit of the day" in figure.layout.xaxis.title.text
    assert MADRID in figure.layout.xaxis.title.text
    assert "<b>Tue 13 Jan</b>  15:00 – 15:10" in notes(figure)


def test_one_identity_over_many_days_has_a_lane_a_day() -> None:
    rows = [("p1", f"c{n}", d * DAY + n * 3600, d * DAY + n * 3600 + 900)
            for d in range(30) for n in range(4)]  # fmt: skip
    figure = timeline(stays(*rows))
    assert labels(figure)[:2] == ["Mon 12 Jan", "Tue 13 Jan"]
    assert len(labels(figure)) == 30
    assert named(figure, "A  c0", legend=True)


def test_too_many_identities_are_cut_to_those_seen_longest() -> None:
    rows = [(f"p{n}", "a", 0.0, 60.0 + n) for n in range(LANES + 5)]
    figure = timeline(stays(*rows))
    assert len(labels(figure)) == LANES
    assert f"{LANES} of {LANES + 5} identities drawn" in figure.layout.title.subtitle.text
    assert labels(figure)[0].startswith("p5 ")


def test_the_hour_that_clocks_repeat_is_told_apart_in_the_hover() -> None:
    visits = stays(("p1", "a", 0, 5400), ("p1", "a", 7200, 7300))
    visits["start"] += pd.Timestamp("2026-10-24T16:10Z") - pd.Timestamp("2026-01-12T00:00Z")
    visits["end"] += pd.Timestamp("2026-10-24T16:10Z") - pd.Timestamp("2026-01-12T00:00Z")
    bar = named(timeline(visits, display_tz=MADRID), "a")
    assert "2026-10-25 02:10:00 +0200 – 02:40:00 Europe/Madrid" in bar.hovertext[0]
    assert bar.x[0] == 5400 * 1000  # as long as it was


def test_names_from_data_are_escaped_everywhere(day: Any, hostile: str) -> None:
    day["cameras"].loc[:, ["name", "level"]] = hostile
    day["cameras"].loc[2, "level"] = f"{hostile} 2"
    day["identities"]["name"] = hostile
    day["outages"]["source"] = hostile
    day["visits"]["identity_id"] = day["gaps"]["identity_id"] = hostile
    odd = moves(hostile, (hostile, "door", "lab", 600, 3000), speed_m_s=6.54)
    several = pd.concat([day["visits"], stays((f"{hostile}2", hostile, 0, 5000))])
    for visits, title in ((day["visits"], None), (several, hostile)):
        figure = timeline(**day | {"visits": visits}, implausible=odd, title=title)
        text = str(json.loads(figure.to_json()))
        assert "<img" not in text
        assert text.count("&lt;img") > 10


def test_it_is_drawn_in_the_theme_asked_for(day: Any) -> None:
    light, dark = (timeline(**day, theme=name) for name in ("light", "dark"))
    papers = [figure.layout.template.layout.paper_bgcolor for figure in (light, dark)]
    assert papers == [theme("light").paper, theme("dark").paper]
    assert theme("light").soft not in dark.to_json().replace(dark.layout.template.to_json(), "")
    assert "sendChartToCloud" in dark.layout.template.layout.modebar.remove
    with pytest.raises(InvalidInputError, match="sepia"):
        timeline(**day, theme="sepia")  # type: ignore[arg-type]


def test_notes_that_would_cover_another_are_left_to_the_hovers(day: Any) -> None:
    rows = [("p1", "door", "lab", 600.0 + n, 3000.0 + n) for n in range(5)]
    figure = timeline(**day, implausible=moves("too fast", *rows, speed_m_s=5.0))
    assert notes(figure).count("<b>too fast, 5.0 m/s</b>") == 1
    assert len([text for text in named(figure, "implausible move").hovertext if text]) == 5


def test_nobody_gives_an_empty_picture_that_says_so() -> None:
    figure = timeline(stays())
    assert figure.layout.title.subtitle.text == "no visit: nothing to draw"
    assert figure.layout.xaxis.visible is False
    one = timeline(stays(), order=["p1"])
    assert one.layout.title.text == "Timeline of identity p1"
    assert one.layout.xaxis.visible is False  # not 1970


def test_contacts_at_places_have_lanes_too() -> None:
    visits = stays(("p1", "a", 0, 600))
    visits["place_id"], visits["camera_id"] = "table 7", None
    figure = timeline(visits)
    assert labels(figure) == ["table 7"]


def test_the_same_input_gives_the_same_picture(day: Any) -> None:
    again = day | {"visits": day["visits"].sample(frac=1, random_state=3)}
    assert timeline(**day).to_json() == timeline(**again).to_json()


def test_ten_thousand_visits_are_drawn_in_a_few_traces_and_at_once() -> None:
    rng = np.random.default_rng(1)
    n = 10_000
    start = rng.integers(0, 4, n) * DAY + rng.uniform(0, 8 * 3600, n)
    frame = pd.DataFrame({"identity_id": "p" + pd.Series(np.arange(n) % 30).astype("str"),
                          "camera_id": "c" + pd.Series(np.arange(n) % 14).astype("str"),
                          "start": at(start), "end": at(start + rng.exponential(60, n)),
                          "sightings": 2})  # fmt: skip
    timeline(frame.head(10))
    began = time.perf_counter()
    figure = timeline(frame)
    assert time.perf_counter() - began < 3  # under 1 s alone; machines that test are busy
    assert len(figure.data) < 40


def test_what_cannot_be_drawn_is_refused(day: Any) -> None:
    with pytest.raises(InvalidInputError, match="camera_id"):
        timeline(day["visits"].drop(columns="camera_id"))
    with pytest.raises(InvalidInputError, match="Mars"):
        timeline(**day | {"display_tz": "Mars/Olympus"})
