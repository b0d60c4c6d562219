"""The pictures of what is learned, by structure: cells, boxes, intervals, stretches, escapes."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from workbench.views.charts.clock_offsets import clock_offsets
from workbench.views.charts.flow_matrix import flow_matrix
from workbench.views.charts.travel_times import by_distance, travel_times
from workbench.views.maps.blind_map import blind_map
from workbench.views.style import theme

HOSTILE = "<img src=x onerror=alert(1)>"
CAMERAS = pd.DataFrame(
    {
        "id": ["a", "b", "c", "d"],
        "name": ["Door", "Hall", HOSTILE, None],
        "position_x": [0.0, 40.0, 40.0, np.nan],
        "position_y": [0.0, 0.0, 30.0, np.nan],
        "orientation": [90.0, 270.0, np.nan, np.nan],
        "fov": [60.0, 60.0, np.nan, np.nan],
        "level": ["0", "0", "0", "1"],
    }
)
FLOW = pd.DataFrame(
    [("a", "b", 1000, 20.0), ("b", "a", 10, 21.5), ("a", "a", 3, 400.0), ("c", "d", 1, 9.0),
     ("b", "c", 100, 30.0)],
    columns=["from_camera", "to_camera", "transitions", "median_s"],
)  # fmt: skip


def named(figure: go.Figure, name: str) -> Any:
    return next(trace for trace in figure.data if trace.name == name)


def no_markup(figure: go.Figure) -> None:
    text = json.dumps(figure.to_plotly_json(), default=str)
    assert "<img" not in text and "&lt;img" in text


# ------------------------------------------------------------------ flow
def test_cells_hold_counts_and_blanks_where_nobody_went() -> None:
    figure = flow_matrix(FLOW, cameras=CAMERAS)
    cells = named(figure, "moves")
    names = figure.layout.yaxis.ticktext
    assert {"Door", "Hall", "d"} < set(names) and len(names) == 4
    door, hall = names.index("Door"), names.index("Hall")
    assert cells.z[door][hall] == pytest.approx(3.0)  # 1,000 moves on an axis of powers of ten
    assert cells.text[door][hall] == "1000"
    assert cells.text[hall][door] == "10"
    assert np.isnan(cells.z[door][names.index("d")]) and cells.text[door][names.index("d")] == ""
    assert "1,000 moves" in cells.hovertext[door][hall] and "20 s" in cells.hovertext[door][hall]
    assert "seen here again: 3 moves" in cells.hovertext[door][door]
    assert figure.layout.yaxis.range[0] > figure.layout.yaxis.range[1]  # the first row is on top
    no_markup(figure)


def test_cameras_with_many_moves_between_them_are_neighbours() -> None:
    ids = [f"k{i}" for i in range(8)]
    shuffled = [ids[i] for i in (3, 0, 6, 1, 7, 4, 2, 5)]
    rows = [(a, b, 50, 1.0) for a, b in pairwise(shuffled)]
    figure = flow_matrix(pd.DataFrame(rows, columns=list(FLOW.columns)))
    found = list(figure.layout.xaxis.ticktext)
    assert found in (shuffled, shuffled[::-1])


def test_learned_ways_are_framed_and_those_of_the_store_dotted() -> None:
    learned = pd.DataFrame(
        {
            "from_camera": ["a"], "to_camera": ["b"], "time_s": [20.0], "directed": [False],
            "transitions": [1000], "back": [10], "expected": [500.0], "lift": [2.02],
        }
    )  # fmt: skip
    store = pd.DataFrame({"from_camera": ["b"], "to_camera": ["c"], "directed": [True]})
    figure = flow_matrix(FLOW, cameras=CAMERAS, learned=learned, adjacency=store)
    assert len(figure.layout.shapes) == 2 * 2  # there and back, ink on paper
    assert len(named(figure, "neighbours in the store").x) == 1
    names = list(figure.layout.xaxis.ticktext)
    hover = named(figure, "moves").hovertext[names.index("Hall")][names.index("Door")]
    assert "2.0 times what chance gives (500)" in hover
    assert "1 learned way" in figure.layout.title.subtitle.text


@pytest.mark.parametrize("name", ["light", "dark"])
def test_nothing_is_drawn_where_nothing_is_known(name: Any) -> None:
    paper = theme(name).paper
    figures = [
        flow_matrix(FLOW.iloc[:0], theme=name),
        travel_times(TIMES.iloc[:0], MOVES.iloc[:0], theme=name),
        by_distance(TIMES.iloc[:0], theme=name),
        clock_offsets(OFFSETS.iloc[:0], PAIRS.iloc[:0], theme=name),
        blind_map(AREAS.iloc[:0], STRETCHES.iloc[:0], CAMERAS.iloc[:0], theme=name),
    ]
    for figure in figures:
        assert figure.layout.template.layout.paper_bgcolor == paper
        assert not any(t.hovertext for t in figure.data)


# ------------------------------------------------------------------ travel times
MOVES = pd.DataFrame(
    {
        "from_camera": ["a"] * 20 + ["b"] * 3,
        "to_camera": ["b"] * 20 + ["c"] * 3,
        "gap_s": [*np.arange(1.0, 20.0), 7200.0, 0.0, 0.0, 5.0],
    }
)
TIMES = pd.DataFrame(
    [("a", "b", 20, 1.95, 10.5, 378.05, 9.5, 40.0, 3.8), ("b", "c", 3, 0.0, 0.0, 4.5, 2.5, np.nan,
      np.nan)],
    columns=["from_camera", "to_camera", "transitions", "p05_s", "median_s", "p95_s", "iqr_s",
             "distance_m", "speed_m_s"],
)  # fmt: skip


def test_boxes_and_the_moves_outside_them() -> None:
    figure = travel_times(TIMES, MOVES, cameras=CAMERAS)
    box = named(figure, "times")
    # The shortest median stands on top; a logarithm has no place for 0 s.
    assert list(figure.layout.yaxis.ticktext)[1] == "Door → Hall"
    assert list(box.median) == [0.1, 10.5]
    assert (box.q1[1], box.q3[1], box.upperfence[1]) == (5.75, 15.25, 378.05)
    outside = named(figure, "outside 5 % to 95 %")
    assert sorted(outside.x) == [1.0, 5.0, 7200.0]
    assert any("2 h 00 min" in text for text in outside.hovertext)
    assert "40 m, 3.8 m/s at the median" in named(figure, "median").hovertext[1]
    assert figure.layout.xaxis.type == "log"
    no_markup(figure)


def test_only_the_most_frequent_pairs_are_drawn_and_the_subtitle_says_so() -> None:
    figure = travel_times(TIMES, MOVES, most=1)
    assert len(figure.layout.yaxis.ticktext) == 1
    assert figure.layout.title.subtitle.text.startswith("20 of 23 moves")


def test_times_against_distances_leave_out_the_unknown() -> None:
    figure = by_distance(TIMES, correlation=0.4321)
    dots = named(figure, "pair of cameras")
    assert (list(dots.x), list(dots.y)) == ([40.0], [10.5])
    assert dots.error_y.array[0] == pytest.approx(378.05 - 10.5)
    assert "correlation 0.43" in figure.layout.title.subtitle.text


# ------------------------------------------------------------------ clocks
OFFSETS = pd.DataFrame(
    {
        "camera_id": ["a", "b", "c", "d"],
        "offset_s": [0.0, -7.5, 0.2, np.nan],
        "low_s": [0.0, -7.6, -0.3, np.nan],
        "high_s": [0.0, -7.4, 0.7, np.nan],
        "pairs": [60, 40, 20, 0],
        "reference": "a",
        "recorded_s": [0.0, 7.5, 0.0, 0.0],
        "clock_offset_s": [0.0, 0.0, 0.2, np.nan],
    }
)
PAIRS = pd.DataFrame(
    {
        "camera_a": ["a", "a"],
        "camera_b": ["b", "c"],
        "offset_s": [-7.5, 0.2],
        "low_s": [-7.6, -0.3],
        "high_s": [-7.4, 0.7],
        "pairs": [40, 20],
        "method": ["floor positions", HOSTILE],
    }
)


def test_clocks_that_are_off_stand_out_and_the_unknown_says_so() -> None:
    figure = clock_offsets(OFFSETS, PAIRS, cameras=CAMERAS)
    off = named(figure, "off")
    assert list(off.x) == [-7.5] and list(off.text) == ["-7.50 s"]
    assert off.error_x.array[0] == pytest.approx(0.1)
    assert "clock_offset_s is 7.50 s and would be 0.00" in off.hovertext[0]
    assert "against Door: -7.50 s, 40 readings by floor positions" in off.hovertext[0]
    assert list(named(figure, "agrees, as far as can be told").x) == [0.2]
    unknown = named(figure, "unknown: nothing compares it with the reference")
    assert list(unknown.text) == ["unknown"] and unknown.x[0] < -7.6
    assert "against Hall: +7.50 s" in named(figure, "reference: taken for right").hovertext[0]
    assert "1 off beyond doubt" in figure.layout.title.subtitle.text
    no_markup(figure)


def test_without_pairs_all_clocks_are_unknown() -> None:
    alone = OFFSETS.assign(pairs=0, offset_s=[0.0, np.nan, np.nan, np.nan])
    figure = clock_offsets(alone, PAIRS.iloc[:0])
    assert [trace.name for trace in figure.data] == [
        "unknown: nothing compares it with the reference"
    ]
    assert "nothing can be said" in figure.layout.title.subtitle.text


# ------------------------------------------------------------------ blind areas
AREAS = pd.DataFrame(
    [("a", "b", 44.0, 10.0, True, 300, 256, 20.0, 90.0, 0.25),
     ("b", "a", 44.0, 10.0, True, 0, 0, np.nan, np.nan, np.nan),
     ("b", "c", 30.0, 30.0, True, 20, 16, 30.0, 60.0, 0.5),
     ("c", "d", np.nan, np.nan, True, 9, 9, 12.0, 12.0, 0.0)],
    columns=["from_camera", "to_camera", "distance_m", "blind_m", "adjacent", "transitions",
             "unseen", "median_gap_s", "p95_gap_s", "long_share"],
)  # fmt: skip
STRETCHES = pd.DataFrame(
    [(0, 15.0, 0.0, 25.0, 0.0), (1, 25.0, 0.0, 15.0, 0.0), (2, 40.0, 0.0, 40.0, 30.0)],
    columns=["pair", "x0", "y0", "x1", "y1"],
)


def test_stretches_are_as_wide_as_many_went_there() -> None:
    figure = blind_map(AREAS, STRETCHES, CAMERAS, max_gap_s=30)
    lines = {t.x[0]: t.line.width for t in figure.data if t.name == "nobody sees"}
    assert set(lines) == {15.0, 40.0}
    assert len(named(figure, "blind stretch").x) == 2  # there and back are one line
    assert lines[15.0] == 11.0 and 2.0 < lines[40.0] < 6.0  # a sixteenth of the moves: a quarter
    tell = named(figure, "blind stretch")
    hover = next(text for text in tell.hovertext if "Door" in text)
    assert "nobody sees 10 m of the straight line, the way 44 m" in hover
    assert "<b>Door → Hall</b>: 256 moves unseen, median 20 s, 25% longer than 30 s" in hover
    assert "<b>Hall → Door</b>: 0 moves unseen" in hover
    no_markup(figure)


def test_a_way_to_another_level_is_a_ring_and_told_by_the_camera() -> None:
    figure = blind_map(AREAS, STRETCHES, CAMERAS)
    assert list(named(figure, "out of sight to another level").x) == [40.0]
    hovers = [text for t in figure.data if t.name == "camera" for text in t.hovertext]
    assert any("out of sight to d (level 1): 9 moves, median 12 s" in text for text in hovers)


def test_where_no_position_is_known_the_line_is_a_guess() -> None:
    bare = CAMERAS[["id", "name"]]
    areas = AREAS.assign(blind_m=np.nan)
    figure = blind_map(areas, STRETCHES.iloc[:0], bare)
    assert named(figure, "nobody sees, place not known").line.dash == "dot"
    assert "where exactly is not known" in named(figure, "blind stretch").hovertext[0]
