"""The Python half of the WebGL widget: what is sent, what comes back, and what is refused."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from workbench.errors import InvalidInputError

pytest.importorskip("anywidget", reason="the extra lab is not installed")

from workbench.views.explorers.point_cloud import Ground, Mark, PointCloud

HOSTILE = "<img src=x onerror=window.pwned=1>\u202eevil"
WITHOUT = """
import sys
sys.modules["anywidget"] = None
import workbench.views, workbench.views.explorers
from workbench.errors import MissingExtraError
try:
    import workbench.views.explorers.point_cloud
except MissingExtraError as error:
    print(error.next)
"""


def sent(widget: PointCloud, name: str, kind: str = "<f4") -> np.ndarray:
    return np.frombuffer(widget.get_state([name])[name], dtype=kind)


def test_places_go_as_float32_around_an_origin_that_keeps_them_exact() -> None:
    x = 5_000_000 + np.array([0.001, 0.002, 10.0])
    widget = PointCloud(x, [1.0, 2.0, 3.0])
    frame = widget.get_state(["_frame"])["_frame"]
    xy = sent(widget, "_points").reshape(-1, 2)
    assert np.abs(xy[:, 0].astype(float) + frame["origin"][0] - x).max() < 1e-6
    assert frame["bounds"] == [x[0], 1.0, x[2], 3.0]


def test_rows_without_a_place_or_time_are_left_out_and_counted() -> None:
    x = [0.0, np.nan, 2.0, 3.0, np.inf]
    widget = PointCloud(x, [0.0, 1.0, 2.0, np.nan, 4.0], seconds=[5.0, 1, 2, 3, 4])
    assert widget.left_out == 3
    assert len(sent(widget, "_points")) == 4
    assert PointCloud([0.0, 1.0], [0.0, 1.0], seconds=[np.nan, 1.0]).left_out == 1
    assert repr(widget) == "PointCloud(2 points, 3 left out)"


def test_points_are_sent_by_time_and_come_back_as_rows() -> None:
    widget = PointCloud([9.0, np.nan, 7.0, 8.0], [0.0] * 4, seconds=[30.0, 0.0, 10.0, 20.0])
    assert sent(widget, "_ticks", "<u4").tolist() == [0, 10_000, 20_000]
    widget.set_state({"_selection": memoryview(np.array([0, 2], dtype="<u4").tobytes())})
    assert widget.selected().tolist() == [0, 2]
    widget.set_state({"_click": [1, 1]})
    assert widget.clicked == 3
    widget.set_state({"_hovered": 0})
    assert widget.hovered == 2
    widget.set_state({"_hovered": -1})
    assert widget.hovered is None


def test_times_of_years_are_as_fine_as_32_bits_allow() -> None:
    seconds = np.array([0.0, 1.0, 3.2e8])
    widget = PointCloud([0.0, 1.0, 2.0], [0.0] * 3, seconds=seconds)
    unit = widget.get_state(["_frame"])["_frame"]["unit"]
    assert np.abs(sent(widget, "_ticks", "<u4") * unit - seconds).max() < 0.08


def test_select_and_show_take_rows() -> None:
    widget = PointCloud([2.0, np.nan, 0.0], [0.0] * 3, seconds=[2.0, 1.0, 0.0])
    widget.select([2, 1])
    assert sent(widget, "_selection", "<u4").tolist() == [0]
    assert widget.selected().tolist() == [2]
    widget.select([])
    assert widget.selected().tolist() == []
    widget.show([True, True, False])
    assert np.unpackbits(sent(widget, "_mask", "u1"), bitorder="little")[:2].tolist() == [0, 1]
    widget.show([False] * 3)
    assert len(sent(widget, "_mask", "u1")) > 0, "none is not all"
    widget.show(None)
    assert len(sent(widget, "_mask", "u1")) == 0


def test_callbacks_hear_of_selections_clicks_and_brushes() -> None:
    widget = PointCloud([0.0, 1.0], [0.0, 1.0], seconds=[0.0, 9.0])
    heard: list[Any] = []
    widget.on_select(lambda rows: heard.append(("select", rows.tolist())))
    widget.on_click(lambda row: heard.append(("click", row)))
    widget.on_brush(lambda stretch: heard.append(("brush", stretch)))
    widget.set_state({"_selection": memoryview(np.array([1], dtype="<u4").tobytes())})
    widget.set_state({"_click": [0, 1]})
    widget.set_state({"_click": [0, 2]})
    widget.set_state({"brush": [1, 4]})
    widget.set_state({"brush": None})
    assert heard == [
        ("select", [1]),
        ("click", 0),
        ("click", 0),
        ("brush", (1.0, 4.0)),
        ("brush", None),
    ]


def test_what_a_browser_makes_up_does_no_harm() -> None:
    widget = PointCloud([0.0, 1.0], [0.0, 1.0], hover=["a", "b"].__getitem__)
    widget.set_state({"_click": [99, 1]})
    widget.set_state({"_hovered": 99})
    widget.set_state({"_selection": memoryview(np.array([1, 99], dtype="<u4").tobytes())})
    assert (widget.clicked, widget.hovered, widget.selected().tolist()) == (None, None, [1])


def test_python_answers_what_is_said_of_a_point() -> None:
    widget = PointCloud([3.0, 1.0], [0.0] * 2, seconds=[9.0, 1.0], hover=lambda row: f"row {row}")
    widget.set_state({"_hovered": 0})
    assert widget.get_state(["_hover_text"])["_hover_text"] == [0, "row 1"]


def test_many_labels_stay_here_and_few_are_sent() -> None:
    few = PointCloud([3.0, 1.0], [0.0] * 2, seconds=[9.0, 1.0], labels=["a", "b"])
    assert few.get_state(["_labels"])["_labels"] == ["b", "a"]
    n = 6_000
    many = PointCloud(np.arange(n), np.zeros(n), labels=[f"p{i}" for i in range(n)])
    assert many.get_state(["_labels"])["_labels"] == []
    many.set_state({"_hovered": 5_999})
    assert many.get_state(["_hover_text"])["_hover_text"] == [5_999, "p5999"]


def test_words_lose_what_turns_them_and_keep_their_letters() -> None:
    widget = PointCloud([0.0], [0.0], codes=[0], names=[HOSTILE], labels=[HOSTILE], x_title=HOSTILE)
    shown = "<img src=x onerror=window.pwned=1> evil"
    assert widget.get_state(["_labels"])["_labels"] == [shown]
    assert widget.get_state(["_colours"])["_colours"]["legend"][0][0] == shown
    assert widget.x_title == shown


def test_the_legend_counts_classes_and_says_how_many_it_leaves_out() -> None:
    codes = [-1, 0, 0, 2]
    widget = PointCloud([0.0, 1, 2, 3], [0.0] * 4, codes=codes, names=["a", "b", "c"])
    colours = widget.get_state(["_colours"])["_colours"]
    assert [(name, n) for name, _, n in colours["legend"]] == [("a", 2), ("c", 1)]
    assert colours["unknown"] == 1
    assert sent(widget, "_codes", "<u2").tolist() == [0xFFFF, 0, 0, 2]
    many = PointCloud(np.arange(40), np.zeros(40), codes=np.arange(40), names=list(range(40)))
    assert many.get_state(["_colours"])["_colours"]["more"] == 16


def test_values_are_shades_between_their_bounds_and_missing_ones_unknown() -> None:
    widget = PointCloud([0.0, 1, 2], [0.0] * 3, values=[-1.0, np.nan, 3.0], values_title="cosine")
    assert sent(widget, "_codes", "<u2").tolist() == [0, 0xFFFF, 255]
    bar = widget.get_state(["_colours"])["_colours"]["bar"]
    assert bar == {"low": -1.0, "high": 3.0, "title": "cosine"}
    flat = PointCloud([0.0, 1], [0.0] * 2, values=[2.0, 2.0])
    assert sent(flat, "_codes", "<u2").tolist() == [128, 128]
    nothing = PointCloud([0.0], [0.0], values=[np.nan])
    assert sent(nothing, "_codes", "<u2").tolist() == [0xFFFF]


def test_no_colour_is_lost_on_its_surface() -> None:
    for theme, lost in (("light", "#FFFFFF"), ("dark", "#000000")):
        widget = PointCloud([0.0], [0.0], codes=[0], palette=[lost], theme=theme)  # type: ignore[arg-type]
        assert widget.get_state(["_colours"])["_colours"]["palette"] != [lost]


def test_marks_and_images_are_sent_as_numbers_and_bytes() -> None:
    marks = [Mark([0, np.nan, 1], [0, 1, 1], kind="line", dashed=True), Mark(1, 2, label="cam")]
    widget = PointCloud([0.0], [0.0], ground=[Ground(b"png", 0, 0, 2, 1)], marks=marks)
    first, second = widget.get_state(["_marks"])["_marks"]
    assert first["corners"] == [[0.0, 0.0], [None, None], [1.0, 1.0]]
    assert (second["corners"], second["label"]) == ([[1.0, 2.0]], "cam")
    image = widget.get_state(["_ground"])["_ground"][0]
    assert (image["png"], image["extent"]) == (b"png", [0.0, 0.0, 2.0, 1.0])
    widget.marks = []
    assert widget.get_state(["_marks"])["_marks"] == []
    assert widget.ground == [Ground(b"png", 0, 0, 2, 1)]


@pytest.mark.parametrize(
    ("more", "where"),
    [
        ({"y": [0.0]}, "y"),
        ({"x": ["a", "b"]}, "x"),
        ({"x": [[0.0], [1.0]]}, "x"),
        ({"codes": [0]}, "codes"),
        ({"codes": [0.5, 1.0]}, "codes"),
        ({"codes": [0, 3], "palette": ["#000000"]}, "palette"),
        ({"codes": [0, 1], "names": ["a"]}, "names"),
        ({"codes": [0, 1], "palette": ["red", "#000000"]}, "palette"),
        ({"codes": [0, 1], "palette": ["#000000", "#000000;} body{"]}, "palette"),
        ({"codes": [0, 1], "values": [0.0, 1.0]}, "codes, values"),
        ({"values": [0.0]}, "values"),
        ({"seconds": [0.0]}, "seconds"),
        ({"labels": ["a"]}, "labels"),
        ({"clock": pd.Timestamp("2026-01-01")}, "clock"),
        ({"theme": "pink"}, "theme"),
        ({"ground": [Ground(b"", 0, 0, np.nan, 1)]}, "ground"),
        ({"marks": [Mark([0, 1], [0], label="cam")]}, "marks, cam"),
        ({"marks": [Mark(0, 0, colour="url(x)")]}, "marks"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(more: dict[str, Any], where: str) -> None:
    given = {"x": [0.0, 1.0], "y": [0.0, 1.0], **more}
    with pytest.raises(InvalidInputError) as refused:
        PointCloud(given.pop("x"), given.pop("y"), **given)
    assert refused.value.where == where
    assert refused.value.next


@pytest.mark.parametrize("window", [(2, 1), (0, np.nan), "ab", 5, (1, 2, 3)])
def test_a_window_that_is_none_is_refused(window: Any) -> None:
    widget = PointCloud([0.0], [0.0], seconds=[0.0])
    with pytest.raises(InvalidInputError):
        widget.time_window = window
    assert widget.time_window is None


@pytest.mark.parametrize("rows", [[2], [-1]])
def test_rows_that_are_not_there_cannot_be_selected(rows: list[int]) -> None:
    with pytest.raises(InvalidInputError):
        PointCloud([0.0, 1.0], [0.0, 1.0]).select(rows)


def test_a_mask_of_another_length_is_refused() -> None:
    with pytest.raises(InvalidInputError):
        PointCloud([0.0, 1.0], [0.0, 1.0]).show([True])


def test_a_million_points_are_ready_soon_and_small() -> None:
    n = 1_000_000
    x, y, at = np.random.default_rng(0).uniform(0, 1, (3, n))
    widget = PointCloud(x, y, codes=np.arange(n) % 7, seconds=at * 1e5)
    names = ["_points", "_codes", "_ticks"]
    assert sum(len(widget.get_state([name])[name]) for name in names) == 14 * n


def test_without_the_extra_the_pictures_work_and_the_error_names_the_line() -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT], capture_output=True, text=True)
    assert done.stdout.strip() == 'pip install "identity-workbench[lab]"', done.stderr


def test_the_wheel_holds_what_the_browser_runs(repository: Path) -> None:
    builder = pytest.importorskip("hatchling.builders.wheel").WheelBuilder(str(repository))
    files = {file.distribution_path for file in builder.recurse_included_files()}
    for name in ("point_cloud.js", "point_cloud.css", "point_cloud.py"):
        assert f"workbench/views/explorers/{name}" in files


def test_the_browsers_part_asks_for_nothing_and_reads_no_html() -> None:
    text = PointCloud([], []).get_state(["_esm"])["_esm"]
    assert len(text) > 10_000
    for forbidden in ("http", "fetch(", "import ", "innerHTML", "insertAdjacentHTML", "eval("):
        assert forbidden not in text, forbidden
