"""The map of a site by its structure: cameras, ways, arrows by width, levels, hovers, escapes."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from workbench import schema
from workbench.errors import InvalidInputError, NotFoundError
from workbench.views import style
from workbench.views.maps.camera_map import camera_map
from workbench.views.maps.flow import MOST


def traces(figure: go.Figure, name: str, mode: str = "") -> list[go.Scatter]:
    return [t for t in figure.data if t.name == name and mode in t.mode]


def words(figure: go.Figure) -> list[str]:
    """Return what stands above each level, from the top."""
    return [note.text for note in figure.layout.annotations]


def flow_of(rows: list[tuple[str, str, int, float | None]]) -> pd.DataFrame:
    names = ["from_camera", "to_camera", "transitions", "median_s"]
    return pd.DataFrame(rows, columns=names).astype({"from_camera": "str", "to_camera": "str"})


@pytest.fixture
def site(scene: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of a map: three cameras on one level, moves between two of them."""
    rows = [("door", "hall", 100, 6.25), ("hall", "door", 25, 7.0), ("door", "door", 3, 40.0)]
    adjacency = {
        "from_camera": ["door"],
        "to_camera": ["hall"],
        "distance_m": [7.0],
        "time_s": [6.0],
        "directed": [False],
    }
    return {
        "cameras": scene["cameras"],
        "adjacency": pd.DataFrame(adjacency),
        "flow": flow_of(rows),
        "floor_plans": scene["floor_plans"],
        "outages": scene["outages"],
        "display_tz": "Europe/Madrid",
    }


@pytest.fixture
def two_levels(site: dict[str, Any]) -> dict[str, Any]:
    """Return the site with the yard on the first floor, which only the hall leads to."""
    site["cameras"]["level"] = ["ground", "ground", "first"]
    site["cameras"]["name"] = ["Door", "Hall", "Gallery"]
    more = flow_of([("hall", "yard", 12, 30.0), ("yard", "hall", 9, 28.0), ("yard", "door", 2, 9)])
    way = pd.DataFrame({"from_camera": ["hall"], "to_camera": ["yard"], "distance_m": [20.0]})
    return site | {
        "flow": pd.concat([site["flow"], more], ignore_index=True),
        "adjacency": pd.concat([site["adjacency"], way], ignore_index=True),
        "floor_plans": site["floor_plans"].assign(level="ground"),
    }


def test_what_is_drawn(site: Any) -> None:
    figure = camera_map(**site)
    assert {t.name for t in figure.data} == {
        "way between cameras",
        "field of view",
        "moves",
        "camera",
        "camera, out for a time",
        "5 moves",
        "20 moves",
        "100 moves",
    }
    assert figure.layout.title.text == "How people move from camera to camera"
    assert figure.layout.title.subtitle.text == "3 cameras · 125 moves between cameras"
    assert (figure.layout.yaxis.scaleanchor, figure.layout.yaxis.scaleratio) == ("x", 1)


def test_the_width_of_an_arrow_grows_with_the_square_root(site: Any) -> None:
    figure = camera_map(**site)
    thin, wide = sorted(t.line.width for t in traces(figure, "moves", "lines"))
    thinnest = 1.2
    assert (wide - thinnest) / (thin - thinnest) == pytest.approx(2, rel=0.02)  # 100 against 25
    # The legend says the same.
    (entry,) = traces(figure, "100 moves")
    assert entry.line.width == wide


def test_there_and_back_bend_to_opposite_sides(site: Any) -> None:
    there, back = traces(camera_map(**site), "moves", "lines")
    assert {np.sign(there.y[12]), np.sign(back.y[12])} == {1, -1}  # the two stand at y = 0
    assert all(0 < x < 10 for t in (there, back) for x in t.x if x is not None)


def test_heads_point_where_people_go_and_say_how_many(site: Any) -> None:
    (heads,) = traces(camera_map(**site), "moves", "markers")
    hall, door = heads.hovertext
    assert hall == "<b>Door → Hall</b><br>100 moves, median 6.2 s"
    assert door == "<b>Hall → Door</b><br>25 moves, median 7 s"
    east, west = heads.marker.angle
    assert 45 < east < 135  # clockwise from up
    assert -135 < west < -45
    assert heads.marker.size[0] > heads.marker.size[1]


def test_moves_back_to_the_same_camera_are_in_its_hover(site: Any) -> None:
    figure = camera_map(**site)
    hovers = [hover for t in traces(figure, "camera", "markers") for hover in t.hovertext]
    door = next(hover for hover in hovers if "<b>Door</b>" in hover)
    assert "100 moves from here, 25 to here" in door
    assert "seen here again: 3 moves, median 40 s" in door
    assert sum(len(t.x) for t in traces(figure, "moves", "markers")) == 2


def test_ways_are_thin_lines_that_say_how_long_they_are(site: Any) -> None:
    figure = camera_map(**site)
    (line,) = traces(figure, "way between cameras", "lines")
    assert (list(line.x), list(line.y)) == ([0, 10, None], [0, 0, None])
    (middle,) = traces(figure, "way between cameras", "markers")
    assert list(middle.x) == [5]
    expected = "<b>Door ↔ Hall</b><br>a way between neighbours<br>7 m<br>usually 6 s"
    assert middle.hovertext == (expected,)


def test_outages_are_marked_and_told(site: Any, hostile: str) -> None:
    (out,) = traces(camera_map(**site), "camera, out for a time")
    assert out.marker.symbol == "x"
    assert "out 2026-01-12 09:01:00 – 2026-01-12 09:01:30 Europe/Madrid" in out.hovertext[0]
    assert hostile not in out.hovertext[0]


def test_moves_between_levels_are_words_and_no_line(two_levels: Any) -> None:
    figure = camera_map(**two_levels)
    above, below = words(figure)
    assert above.startswith("<b>First floor</b>")
    assert below.startswith("<b>Ground floor</b>")
    # The same moves are counted on both levels: what left one came to the other.
    assert ">11 went down, 12 came up<" in above
    assert ">12 went up, 11 came down<" in below
    first, ground = traces(figure, "way to another level")
    assert (first.yaxis, list(first.marker.symbol)) == ("y", ["triangle-down-open"])
    assert (ground.yaxis, list(ground.marker.symbol)) == ("y2", ["triangle-up-open"])
    assert {t.yaxis for t in traces(figure, "moves")} == {"y2"}
    assert "23 of them between levels (there and back differ: not every way is seen)" in (
        figure.layout.title.subtitle.text.replace(" · <br>", " · ")
    )
    hovers = [h for t in traces(figure, "camera", "markers") for h in t.hovertext]
    gallery = next(hover for hover in hovers if "<b>Gallery</b>" in hover)
    assert "to Hall (ground floor): 9 moves, median 28 s" in gallery


def test_where_no_way_between_levels_is_known_the_moves_tell(two_levels: Any) -> None:
    known = traces(camera_map(**two_levels), "way to another level")
    assert [len(t.x) for t in known] == [1, 1]
    figure = camera_map(**two_levels | {"adjacency": None})
    marks = traces(figure, "way to another level")
    assert {t.yaxis: len(t.x) for t in marks} == {"y": 1, "y2": 2}  # to the door too
    assert words(figure) == words(camera_map(**two_levels))


def test_as_many_there_as_back_need_no_explanation(two_levels: Any) -> None:
    moves = flow_of([("hall", "yard", 7, 30.0), ("yard", "door", 7, 28.0)])
    figure = camera_map(**two_levels | {"flow": moves})
    assert ">7 went up, 7 came down<" in words(figure)[1]
    assert "differ" not in figure.layout.title.subtitle.text


def test_of_more_than_two_levels_each_is_named(two_levels: Any) -> None:
    two_levels["cameras"]["level"] = ["ground", "second", "first"]
    above, middle, below = words(camera_map(**two_levels))
    assert ">12 went down to first floor, 9 came up from first floor" not in above
    assert "25 went down to ground floor, 100 came up from ground floor" in above
    assert "2 went down to ground floor, 0 came up from ground floor" in middle
    assert "0 went up to first floor, 2 came down from first floor" in below


def test_levels_of_unknown_height_are_neither_up_nor_down(two_levels: Any) -> None:
    two_levels["cameras"]["level"] = ["east wing", "east wing", "west wing"]
    east, west = words(camera_map(**two_levels))
    assert "12 left to west wing, 11 came from west wing" in east
    assert "11 left to east wing, 12 came from east wing" in west


def test_without_moves_the_ways_to_other_levels_are_said(two_levels: Any) -> None:
    figure = camera_map(**two_levels | {"flow": None})
    assert words(figure) == ["<b>First floor</b>", "<b>Ground floor</b>"]
    assert len(traces(figure, "way to another level")) == 2
    assert figure.layout.title.text == "The cameras of the site"


def test_one_level_can_be_chosen(two_levels: Any) -> None:
    figure = camera_map(**two_levels, level="first")
    assert "yaxis2" not in figure.layout
    assert [list(t.text) for t in traces(figure, "camera", "markers")] == [["Gallery"]]
    assert "other levels are not drawn" in figure.layout.title.subtitle.text
    with pytest.raises(NotFoundError, match="level '7'"):
        camera_map(**two_levels, level="7")


def test_without_positions_cameras_stand_on_a_circle() -> None:
    flow = flow_of([("1", "2", 5, 1.0), ("2", "3", 4, None), ("3", "1", 3, 2.0)])
    figure = camera_map(schema.CAMERA.empty(), flow=flow)
    (cameras,) = traces(figure, "camera")
    assert np.hypot(cameras.x, cameras.y) == pytest.approx(10.0)
    assert "stand on a circle, distances mean nothing" in figure.layout.title.subtitle.text
    assert figure.layout.xaxis.visible is False
    (heads,) = traces(figure, "moves", "markers")
    assert "4 moves" in heads.hovertext[1]
    assert "median" not in heads.hovertext[1]


def test_the_busiest_arrows_are_drawn_and_the_map_says_how_many() -> None:
    names = [f"c{i:02d}" for i in range(12)]
    pairs = [(a, b) for a in names for b in names if a != b]
    rows = [(a, b, 1 + 20 * (i < 6), 1.0) for i, (a, b) in enumerate(pairs)]
    figure = camera_map(schema.CAMERA.empty(), flow=flow_of(rows))
    (heads,) = traces(figure, "moves", "markers")
    assert len(heads.x) == 6 + 51  # 6 x 21 + 51 x 1 are 70 % of 252
    assert "the 57 busiest of 132 arrows drawn: 70% of the moves" in str(
        figure.layout.title.subtitle.text
    )
    assert sum("21 moves" in hover for hover in heads.hovertext) == 6
    (heads,) = traces(
        camera_map(schema.CAMERA.empty(), flow=flow_of([(a, b, 1, 1.0) for a, b in pairs])),
        "moves",
        "markers",
    )
    assert len(heads.x) == MOST < 0.7 * len(pairs)


def test_hostile_text_is_escaped_everywhere(two_levels: Any, hostile: str) -> None:
    two_levels["cameras"]["name"] = hostile
    two_levels["cameras"].loc[2, "level"] = hostile
    for title in (None, hostile):
        text = str(json.loads(camera_map(**two_levels, title=title).to_json()))
        assert "<img" not in text
        assert text.count("&lt;img") > 6


@pytest.mark.parametrize("name", ["light", "dark"])
def test_themes(two_levels: Any, name: str) -> None:
    figure, look = camera_map(**two_levels, theme=name), style.theme(name)
    assert figure.layout.template.layout.paper_bgcolor == look.paper
    assert "sendChartToCloud" in figure.layout.template.layout.modebar.remove
    assert {t.line.color for t in traces(figure, "moves", "lines")} == {look.flow}
    assert {t.marker.color for t in traces(figure, "camera")} == {look.ink}


def test_the_same_input_gives_the_same_picture(two_levels: Any) -> None:
    again = dict(two_levels, flow=two_levels["flow"].sample(frac=1, random_state=1))
    assert camera_map(**two_levels).to_json() == camera_map(**again).to_json()


def test_no_camera_gives_an_empty_map_that_says_so() -> None:
    figure = camera_map(schema.CAMERA.empty())
    assert figure.layout.title.subtitle.text == "no camera is known"


def test_what_cannot_be_drawn_is_refused(site: Any) -> None:
    with pytest.raises(InvalidInputError, match="transitions"):
        camera_map(**dict(site, flow=site["flow"].drop(columns="transitions")))
    with pytest.raises(InvalidInputError, match="lack the column id"):
        camera_map(**dict(site, cameras=site["cameras"].drop(columns="id")))
    with pytest.raises(InvalidInputError, match="sepia"):
        camera_map(**dict(site, theme="sepia"))
