"""The WebGL widget in a browser: what is drawn where, and what the mouse brings back to Python."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from tests.browser.chromium import Watched, watched
from tests.browser.conftest import HOSTILE

pytest.importorskip("anywidget", reason="the extra lab is not installed")

from tests.browser.widget_page import opened, send, served, take_back
from workbench.views.explorers.point_cloud import Ground, Mark, PointCloud

BLUE, RED, GREEN = (0, 0x72, 0xB2), (0xD5, 0x5E, 0), (0, 0x9E, 0x73)
GREY = (0x9A, 0xA0, 0xA6)
# A drawing done and its pixels there: two frames later at the latest.
SETTLED = """
() => new Promise((done) =>
    setTimeout(() => requestAnimationFrame(() => requestAnimationFrame(done)), 60))
"""


class Shown:
    """A widget on a page: where its points are in the window, and its pixels."""

    def __init__(self, watch: Watched, widget: PointCloud) -> None:
        self.watch, self.page, self.widget = watch, watch.page, widget
        self.frame = widget.get_state(["_frame"])["_frame"]

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Return the pixel of a place, in the window, as long as all of the points are in view."""
        box = self.page.locator(".wb-cloud-points").bounding_box()
        x0, y0, x1, y1 = self.frame["bounds"]
        w, h = box["width"], box["height"]
        kx = min(w * 0.94, w - 24) / (x1 - x0)
        ky = min(h * 0.94, h - 24) / (y1 - y0)
        if self.widget.equal_axes:
            kx = ky = min(kx, ky)
        return (
            box["x"] + w / 2 + (x - (x0 + x1) / 2) * kx,
            box["y"] + h / 2 - (y - (y0 + y1) / 2) * ky,
        )

    def pixels(self) -> np.ndarray:
        self.page.evaluate(SETTLED)
        return np.asarray(Image.open(io.BytesIO(self.page.screenshot())).convert("RGB")).astype(int)

    def colour(self, x: float, y: float) -> tuple[int, int, int]:
        px, py = self.at(x, y)
        return tuple(self.pixels()[round(py), round(px)])

    def is_drawn(self, x: float, y: float, colour: tuple[int, int, int] = BLUE) -> bool:
        return max(abs(a - b) for a, b in zip(self.colour(x, y), colour, strict=True)) < 40

    def drag(self, corners: list[tuple[float, float]], *, steps: int = 6) -> None:
        """Press at the first pixel, go by all of them, let go at the last."""
        mouse = self.page.mouse
        mouse.move(*corners[0])
        mouse.down()
        for corner in corners[1:]:
            mouse.move(*corner, steps=steps)
        mouse.up()
        self.page.evaluate(SETTLED)

    def tool(self, name: str) -> None:
        self.page.locator(f".wb-cloud [data-tool={name}]").click()

    def strip(self, share: float) -> tuple[float, float]:
        """Return the pixel of the timeline at a share of all of the time."""
        box = self.page.locator(".wb-cloud-strip").bounding_box()
        return box["x"] + 58 + share * (box["width"] - 72), box["y"] + 40

    def back(self) -> list[str]:
        return take_back(self.page, self.widget)


@pytest.fixture
def show(browser: Any, tmp_path: Path) -> Any:
    @contextmanager
    def on_a_page(widget: PointCloud) -> Iterator[Shown]:
        with (
            watched(browser, width=900, height=700) as watch,
            served(widget, tmp_path) as address,
        ):
            opened(watch.page, address)
            yield Shown(watch, widget)
            assert watch.left == [], "requests that would leave this machine"
            assert watch.errors == [], "errors in the console"

    return on_a_page


def corners(**more: Any) -> PointCloud:
    """Four points in the corners and one in the middle, ten seconds apart."""
    return PointCloud(
        [0.0, 10.0, 10.0, 0.0, 5.0],
        [0.0, 0.0, 10.0, 10.0, 5.0],
        codes=[0, 1, 2, -1, 0],
        seconds=[0.0, 10.0, 20.0, 30.0, 40.0],
        **more,
    )


def cloud(n: int = 20_000, **more: Any) -> PointCloud:
    x, y = np.random.default_rng(5).normal(0, 1, (2, n))
    return PointCloud(x + 4e5, y - 2e6, **more)


def inside(polygon: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return which points are inside, by counting edges to the right of each."""
    crossings = np.zeros(len(x), dtype=int)
    for (ax, ay), (bx, by) in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        with np.errstate(divide="ignore", invalid="ignore"):
            edge = ax + (y - ay) / (by - ay) * (bx - ax)
        crossings += ((ay > y) != (by > y)) & (x < edge)
    return crossings % 2 == 1


def test_points_are_where_they_belong_in_their_colours(show: Any) -> None:
    with show(corners()) as shown:
        assert shown.is_drawn(0, 0, BLUE)
        assert shown.is_drawn(10, 0, RED)
        assert shown.is_drawn(10, 10, GREEN)
        assert shown.is_drawn(0, 10, GREY)
        assert shown.is_drawn(5, 5, BLUE)
        assert shown.colour(2.5, 7.5) == (255, 255, 255)


def test_a_map_is_as_long_upwards_as_sideways_and_far_coordinates_stay_exact(show: Any) -> None:
    # Float32 alone would move these by metres.
    widget = PointCloud([4_400_000.0, 4_400_010.0], [5_500_000.0, 5_500_002.0], equal_axes=True)
    with show(widget) as shown:
        left, right = shown.at(4_400_000, 5_500_000), shown.at(4_400_010, 5_500_002)
        assert (right[0] - left[0]) / (left[1] - right[1]) == pytest.approx(5)
        assert shown.is_drawn(4_400_000, 5_500_000)
        assert shown.is_drawn(4_400_010, 5_500_002)


def test_a_lasso_takes_exactly_the_points_inside(show: Any) -> None:
    widget = cloud()
    told: list[int] = []
    widget.on_select(lambda indices: told.append(len(indices)))
    with show(widget) as shown:
        x, y = np.random.default_rng(5).normal(0, 1, (2, 20_000)) + np.array([[4e5], [-2e6]])
        star = [(-2.0, -1.5), (0.1, 2.2), (0.2, 0.1), (2.4, 0.4), (0.3, -2.6)]
        polygon = np.array([(a + 4e5, b - 2e6) for a, b in star])
        shown.tool("lasso")
        pixels = [shown.at(a, b) for a, b in polygon]
        # Whole pixels, so that Python knows the polygon that the mouse drew.
        pixels = [(round(a), round(b)) for a, b in pixels]
        shown.drag(pixels, steps=1)
        assert "_selection" in shown.back()
        (ax, ay), (bx, by) = shown.at(4e5, -2e6), shown.at(4e5 + 1, -2e6 + 1)
        drawn = np.array([((a - ax) / (bx - ax), (b - ay) / (by - ay)) for a, b in pixels])
        expected = np.flatnonzero(inside(drawn + np.array([4e5, -2e6]), x, y))
        assert 4000 < len(expected) < 16_000
        differing = np.setxor1d(widget.selected(), expected)
        # Float32 places: a point closer to the line than a millionth may be on either side.
        assert len(differing) <= 2
        assert told == [len(widget.selected())]


def test_a_box_selects_and_shift_adds_and_clear_empties(show: Any) -> None:
    widget = corners()
    with show(widget) as shown:
        shown.tool("box")
        shown.drag([shown.at(-0.2, -0.2), shown.at(5.5, 5.5)])
        shown.back()
        assert widget.selected().tolist() == [0, 4]
        shown.page.keyboard.down("Shift")
        shown.drag([shown.at(9, 9), shown.at(10.2, 10.2)])
        shown.page.keyboard.up("Shift")
        shown.back()
        assert widget.selected().tolist() == [0, 2, 4]
        assert "3 selected" in shown.page.locator(".wb-cloud-status").text_content()
        shown.page.get_by_role("button", name="Clear selection").click()
        shown.back()
        assert widget.selected().tolist() == []


def test_what_python_selects_stands_out(show: Any) -> None:
    widget = corners()
    with show(widget) as shown:
        widget.select([4])
        send(shown.page, widget, "_selection")
        assert shown.is_drawn(5, 5, BLUE)
        assert not shown.is_drawn(10, 0, RED), "the others are faded"


def test_a_click_brings_back_the_row_twice_if_clicked_twice(show: Any) -> None:
    widget = PointCloud([np.nan, 0.0, 10.0], [0.0, 0.0, 10.0], seconds=[0.0, 9.0, 3.0])
    clicks: list[int] = []
    widget.on_click(clicks.append)
    with show(widget) as shown:
        for _ in range(2):
            x, y = shown.at(10, 10)
            shown.page.mouse.click(x + 3, y - 2)
            shown.back()
        assert (widget.clicked, clicks) == (2, [2, 2])
        shown.page.mouse.click(*shown.at(5, 5))
        shown.back()
        assert clicks == [2, 2], "there is no point where it was clicked"


def test_the_mouse_over_a_point_says_what_python_answers(show: Any) -> None:
    widget = corners(hover=lambda index: f"point {index} {HOSTILE}\nsecond line")
    with show(widget) as shown:
        x, y = shown.at(10, 0)
        shown.page.mouse.move(x - 40, y)
        shown.page.mouse.move(x, y, steps=3)
        tip = shown.page.locator(".wb-cloud-tip")
        tip.wait_for(state="visible")
        shown.page.wait_for_function("() => window.saved.some((one) => one._hovered === 1)")
        shown.back()
        assert widget.hovered == 1
        send(shown.page, widget, "_hover_text")
        assert tip.text_content() == f"point 1 {HOSTILE}\nsecond line"


def test_hostile_words_stay_words(show: Any) -> None:
    widget = corners(
        names=[HOSTILE, "b", "c"],
        labels=[f"{HOSTILE} {i}" for i in range(5)],
        marks=[Mark(5, 5, label=HOSTILE)],
        x_title=HOSTILE,
        y_title=HOSTILE,
    )
    with show(widget) as shown:
        shown.page.mouse.move(*shown.at(0, 0), steps=4)
        tip = shown.page.locator(".wb-cloud-tip")
        tip.wait_for(state="visible")
        assert tip.text_content() == f"{HOSTILE} 0"
        assert shown.page.locator(".wb-cloud-legend").get_by_text(HOSTILE).count() == 1
        assert shown.page.locator(".wb-cloud img").count() == 0
        assert shown.page.evaluate("window.pwned") is None


def test_a_brush_hides_the_points_of_other_times_and_tells_python(show: Any) -> None:
    widget = corners()
    stretches: list[Any] = []
    widget.on_brush(stretches.append)
    with show(widget) as shown:
        shown.drag([shown.strip(0.15), shown.strip(0.6)])
        shown.back()
        assert widget.brush == pytest.approx((6, 24), abs=0.3)
        assert widget.time_window == widget.brush
        assert stretches[-1] == widget.brush
        assert not shown.is_drawn(0, 0)
        assert shown.is_drawn(10, 0, RED)
        assert shown.is_drawn(10, 10, GREEN)
        assert not shown.is_drawn(5, 5)
        # What is hidden is neither clicked nor drawn around.
        shown.page.mouse.click(*shown.at(0, 0))
        shown.tool("box")
        shown.drag([shown.at(-0.2, -0.2), shown.at(10.2, 10.2)])
        shown.back()
        assert widget.clicked is None
        assert widget.selected().tolist() == [1, 2]
        shown.drag([shown.strip(0.4), shown.strip(0.65)])
        shown.back()
        assert widget.brush == pytest.approx((16, 34), abs=0.4), "its middle moves it"
        shown.page.get_by_role("button", name="Clear selection").click()
        shown.page.mouse.dblclick(*shown.strip(0.95))
        shown.back()
        assert widget.brush is None
        assert shown.is_drawn(0, 0)


def test_a_filter_and_a_window_of_python_hide_points(show: Any) -> None:
    widget = corners()
    with show(widget) as shown:
        widget.show([True, False, True, True, False])
        send(shown.page, widget, "_mask")
        assert not shown.is_drawn(10, 0, RED)
        assert shown.is_drawn(10, 10, GREEN)
        assert "3 of 5 points" in shown.page.locator(".wb-cloud-status").text_content()
        widget.time_window = (20.0, 30.0)
        send(shown.page, widget, "time_window")
        assert not shown.is_drawn(0, 0)
        assert shown.is_drawn(10, 10, GREEN), "the ends of a window are in it"
        assert shown.is_drawn(0, 10, GREY)
        widget.show(None)
        widget.time_window = None
        send(shown.page, widget, "_mask", "time_window")
        assert shown.is_drawn(10, 0, RED)


def test_a_filter_that_leaves_nothing_shows_nothing(show: Any) -> None:
    widget = corners()
    with show(widget) as shown:
        widget.show(np.zeros(5, dtype=bool))
        send(shown.page, widget, "_mask")
        assert not shown.is_drawn(5, 5)


def test_at_a_moment_the_trail_is_bright_the_past_faded_the_future_hidden(show: Any) -> None:
    widget = corners()
    widget.trail_s = 15.0
    with show(widget) as shown:
        widget.now = 20.0
        send(shown.page, widget, "now")
        assert shown.is_drawn(10, 10, GREEN), "now"
        assert shown.is_drawn(10, 0, RED), "on the trail"
        faded = shown.colour(0, 0)
        assert faded != (255, 255, 255), "older ones are there"
        assert not shown.is_drawn(0, 0), "and faded"
        assert not shown.is_drawn(0, 10, GREY), "later ones are hidden"


def test_playing_advances_without_a_kernel_and_says_where_it_is(show: Any) -> None:
    widget = corners()
    widget.speed = 60.0
    with show(widget) as shown:
        shown.page.get_by_role("button", name="Play").click()
        shown.page.wait_for_function("() => window.values.playing === false", timeout=10_000)
        shown.back()
        assert (widget.playing, widget.now) == (False, 40.0)
        assert shown.is_drawn(5, 5)
        shown.page.get_by_role("button", name="All times").click()
        shown.back()
        assert widget.now is None


def test_python_plays_and_pauses(show: Any) -> None:
    widget = corners(controls=False)
    with show(widget) as shown:
        assert shown.page.get_by_role("button", name="Play").count() == 0
        widget.speed, widget.playing = 2.0, True
        send(shown.page, widget, "speed", "playing")
        shown.page.wait_for_function("() => window.values.now > 0.5", timeout=10_000)
        widget.playing = False
        send(shown.page, widget, "playing")
        shown.back()
        assert 0.5 < widget.now < 40
        before = shown.page.evaluate("window.values.now")
        shown.page.wait_for_timeout(400)
        assert shown.page.evaluate("window.values.now") == before


def test_the_wheel_zooms_dragging_moves_and_a_double_click_shows_all(show: Any) -> None:
    widget = corners()
    with show(widget) as shown:
        middle = shown.at(5, 5)
        shown.page.mouse.move(*middle)
        shown.page.mouse.wheel(0, -400)
        assert shown.is_drawn(5, 5), "what is under the mouse stays"
        assert not shown.is_drawn(0, 0)
        shown.drag([(middle[0] + 60, middle[1]), (middle[0] + 140, middle[1] + 30)])
        moved = shown.pixels()[round(middle[1] + 30), round(middle[0] + 80)]
        assert abs(moved - BLUE).max() < 40
        shown.page.mouse.dblclick(middle[0] + 60, middle[1] - 60)
        assert shown.is_drawn(0, 0)
        assert shown.is_drawn(10, 10, GREEN)


def test_the_keyboard_does_what_the_mouse_does(show: Any) -> None:
    widget = corners()
    with show(widget) as shown:
        shown.page.locator(".wb-cloud-over").focus()
        shown.page.keyboard.press("l")
        shown.back()
        assert widget.tool == "lasso"
        shown.page.keyboard.press("+")
        assert not shown.is_drawn(0, 0)
        shown.page.keyboard.press("0")
        assert shown.is_drawn(0, 0)
        shown.page.locator(".wb-cloud-strip").focus()
        shown.page.keyboard.press("ArrowRight")
        shown.back()
        assert widget.brush == pytest.approx((0, 4))


def test_an_image_lies_below_and_marks_above(show: Any) -> None:
    png = io.BytesIO()
    Image.new("RGB", (10, 10), (200, 240, 200)).save(png, "PNG")
    widget = corners(
        equal_axes=True,
        ground=[Ground(png.getvalue(), 0, 0, 10, 10)],
        marks=[
            Mark(
                [0, 5, np.nan, 8, 10], [2, 2, np.nan, 8, 8], kind="line", colour="#ff00ff", width=5
            )
        ],
    )
    with show(widget) as shown:
        shown.page.wait_for_timeout(200)
        assert shown.colour(2.5, 7.5) == (200, 240, 200)
        assert shown.is_drawn(5, 5)
        assert shown.is_drawn(3, 2, (255, 0, 255))
        assert shown.is_drawn(9, 8, (255, 0, 255))
        assert shown.colour(6.5, 5) == (200, 240, 200), "a line breaks where a place is missing"


UNKNOWN_RENDERER = """
const real = WebGL2RenderingContext.prototype.getExtension;
WebGL2RenderingContext.prototype.getExtension = function (name) {
    return name === "WEBGL_debug_renderer_info" ? null : real.call(this, name);
};
"""


@pytest.mark.parametrize("playing", [False, True])
def test_without_a_graphics_card_a_loop_draws_the_same(
    browser: Any, tmp_path: Path, playing: bool
) -> None:
    x, y = np.random.default_rng(1).normal(0, 1, (2, 60_000))
    widget = PointCloud(x, y, codes=np.where(x > 0, 0, -1), seconds=np.arange(60_000))
    widget.select(np.flatnonzero(y > 1))
    if playing:
        widget.now, widget.trail_s = 45_000.0, 30_000.0
    pictures = []
    with served(widget, tmp_path) as address:
        for script in ("", UNKNOWN_RENDERER):
            with watched(browser, width=900, height=700) as watch:
                watch.page.add_init_script(script)
                opened(watch.page, address)
                pictures.append(Shown(watch, widget).pixels())
    loop, card = pictures
    assert (loop != card).any(), "both were drawn in the same way"
    there = [(np.abs(picture - 255).sum(axis=2) > 60).mean() for picture in (loop, card)]
    assert there[0] == pytest.approx(there[1], rel=0.05)
    assert np.abs(loop - card).mean() < 1.5


def test_of_many_points_those_zoomed_in_on_are_dots_with_edges(show: Any) -> None:
    x, y = np.random.default_rng(1).normal(0, 1, (2, 60_000))
    with show(PointCloud(np.append(x, 20.0), np.append(y, 20.0))) as shown:
        px, py = shown.at(20, 20)
        shown.page.mouse.move(px, py)
        for _ in range(6):
            shown.page.mouse.wheel(0, -300)
            shown.page.evaluate(SETTLED)
        shown.page.mouse.move(px - 200, py + 200)
        window = shown.pixels()[round(py) - 8 : round(py) + 9, round(px) - 8 : round(px) + 9]
        inked = (np.abs(window - 255).sum(axis=2) > 100).sum()
        assert 30 < inked < 90, "a dot of eight pixels"


def test_colours_change_without_new_points(show: Any) -> None:
    widget = corners()
    with show(widget) as shown:
        widget.colour_by(values=[0.0, 1.0, 2.0, np.nan, 4.0], values_title="quality")
        send(shown.page, widget, "_codes", "_colours")
        assert shown.is_drawn(0, 0, (0x44, 0x01, 0x54))
        assert shown.is_drawn(5, 5, (0xFD, 0xE7, 0x25))
        assert shown.is_drawn(0, 10, GREY)
        legend = shown.page.locator(".wb-cloud-legend").text_content()
        assert "quality" in legend
        assert "unknown" in legend


def test_a_lost_surface_comes_back(show: Any) -> None:
    widget = corners()
    with show(widget) as shown:
        lose = """
            async () => {
                const gl = document.querySelector(".wb-cloud-points").getContext("webgl2");
                const lost = gl.getExtension("WEBGL_lose_context");
                lost.loseContext();
                await new Promise((done) => setTimeout(done, 200));
                const said = document.querySelector(".wb-cloud-words").textContent;
                window.bring = () => lost.restoreContext();
                return said;
            }
        """
        assert "took the drawing surface away" in shown.page.evaluate(lose)
        assert not shown.is_drawn(5, 5)
        shown.page.evaluate("window.bring()")
        shown.page.locator(".wb-cloud-words").wait_for(state="hidden")
        assert shown.is_drawn(5, 5)
        shown.page.evaluate(lose)
        shown.page.get_by_role("button", name="Draw again").click()
        assert shown.is_drawn(5, 5)
        assert shown.is_drawn(10, 0, RED)


def test_a_browser_without_webgl2_is_told_so(browser: Any, tmp_path: Path) -> None:
    with watched(browser) as watch, served(corners(), tmp_path) as address:
        watch.page.add_init_script("""
            const real = HTMLCanvasElement.prototype.getContext;
            HTMLCanvasElement.prototype.getContext = function (kind, ...more) {
                return kind === "webgl2" ? null : real.call(this, kind, ...more);
            };
        """)
        opened(watch.page, address)
        assert "no WebGL2" in watch.page.locator(".wb-cloud-words").text_content()
        assert watch.errors == []


def test_the_box_goes_away_whole(show: Any) -> None:
    with show(corners()) as shown:
        shown.page.evaluate("window.close_widget()")
        shown.page.wait_for_timeout(100)
        assert shown.page.locator(".wb-cloud").count() == 0


def test_times_of_day_are_those_of_the_zone(show: Any) -> None:
    clock = pd.Timestamp("2026-01-05 23:00", tz="UTC")
    with show(corners(clock=clock, display_tz="Europe/Madrid")) as shown:
        text = shown.page.locator(".wb-cloud-strip").get_attribute("aria-valuetext")
        assert text.startswith("6 Jan 2026 00:00:00 – 00:00:40"), text


@pytest.mark.parametrize("n", [0, 1])
def test_few_points_are_no_accident(show: Any, n: int) -> None:
    widget = PointCloud(np.zeros(n), np.zeros(n), seconds=np.zeros(n))
    with show(widget) as shown:
        assert f"{n} points" in shown.page.locator(".wb-cloud-status").text_content()
        shown.tool("lasso")
        shown.page.mouse.move(300, 300)
        shown.drag([(200, 100), (700, 100), (700, 450), (200, 450)])
        shown.back()
        assert len(widget.selected()) == n
