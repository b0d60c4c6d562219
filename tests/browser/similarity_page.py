"""Hands for an explorer of vectors on a page: click, lasso, ask, colour, filter."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Page

from tests.browser.parts import Parts

# Where the nth point from the left is in the window; from the right where n is negative.
NTH = """
(picture, n) => {
    const box = picture.getBoundingClientRect(), layout = picture._fullLayout;
    const { x, y } = picture._fullData[0];
    const which = [...x.keys()].sort((a, b) => x[a] - x[b]).at(n);
    return [
        box.x + layout._size.l + layout.xaxis.d2p(x[which]),
        box.y + layout._size.t + layout.yaxis.d2p(y[which]),
    ];
}
"""
# Where the first point is whose hover has some words in it.
CALLED = """
(picture, words) => {
    const box = picture.getBoundingClientRect(), layout = picture._fullLayout;
    const { x, y, hovertext } = picture._fullData[0];
    const n = hovertext.findIndex(said => said.includes(words));
    return [
        box.x + layout._size.l + layout.xaxis.d2p(x[n]),
        box.y + layout._size.t + layout.yaxis.d2p(y[n]),
    ];
}
"""
# Where the points, the rings of the near and the mark of the asked are drawn.
DRAWN = "picture => picture._fullData.map(trace => [...trace.x].map((x, n) => [x, trace.y[n]]))"
AS_WIDE_AS_ITS_ROOM = """
picture => {
    const wide = picture.querySelector(".main-svg").getBoundingClientRect().width;
    return Math.abs(wide - picture.parentElement.getBoundingClientRect().width) < 3;
}
"""


class SimilarityPage(Parts):
    """The explorer of vectors that is on a page; its points by WebGL where `cloud` is true."""

    def __init__(self, page: Page, *, cloud: bool = False) -> None:
        super().__init__(page, ".wb-similarity")
        drawn = ".wb-cloud-points" if cloud else ".wb-canvas .js-plotly-plot"
        self.picture = self.root.locator(drawn)
        self.picture.wait_for(timeout=60_000)
        if not cloud:
            self.picture.locator(".main-svg").first.wait_for(state="attached", timeout=60_000)
            self.until(lambda: bool(self.picture.evaluate(AS_WIDE_AS_ITS_ROOM)))
        self.picture.scroll_into_view_if_needed()

    def drawn(self) -> list[list[list[float]]]:
        """Return the places of the points, of the rings of the near, of what was asked for."""
        found: list[list[list[float]]] = self.picture.evaluate(DRAWN)
        return found

    def redrawn(self, trace: int, deed: Callable[[], object]) -> list[list[float]]:
        """Do something; return the places of a trace, which have to be others then."""
        before = self.drawn()[trace]
        deed()
        self.until(lambda: self.drawn()[trace] != before)
        return self.drawn()[trace]

    def click_a_point(self, nth: int = 0) -> None:
        """Click the nth point from the left; from the right where it is negative."""
        self.click(*self.picture.evaluate(NTH, nth))

    def click(self, x: float, y: float) -> None:
        """Go there as a hand does, and click."""
        self.page.mouse.move(x - 5, y - 5)
        self.page.mouse.move(x, y, steps=3)
        self.page.wait_for_timeout(300)
        self.page.mouse.click(x, y)

    def hover(self, words: str) -> str:
        """Return what stands beside the mouse over a point whose hover has some words in it."""
        x, y = self.picture.evaluate(CALLED, words)
        said = self.picture.locator(".hoverlayer")
        for off in (3, 2, 1, 0):  # a busy machine may miss the first
            self.page.mouse.move(x - 40, y - 40)
            self.page.mouse.move(x + off, y, steps=3)
            self.page.wait_for_timeout(400)
            if said.text_content():
                break
        return said.text_content() or ""

    def lasso(self, share: float = 0.6) -> None:
        """Draw a lasso around the points at the left: a share of the width of the picture."""
        plot = self.picture.locator(".nsewdrag")
        box = (plot.first if plot.count() else self.picture).bounding_box()
        assert box
        left, top = box["x"] + 6, box["y"] + 6
        right, bottom = left + share * box["width"], top + box["height"] - 12
        self.page.mouse.move(left, top)
        self.page.mouse.down()
        for x, y in ((right, top), (right, bottom), (left, bottom), (left, top + 4)):
            self.page.mouse.move(x, y, steps=6)
        self.page.mouse.up()

    def selected(self) -> int:
        """Return how many points the lasso holds, as the explorer says it."""
        found = re.search(r"([\d,]+) selected", self.said("count"))
        return int(found[1].replace(",", "")) if found else 0

    def shown(self) -> int:
        """Return how many points are shown, as the explorer says it."""
        return int(self.said("count").split(" of ")[0].replace(",", ""))

    def ask(self, key: str) -> None:
        """Write an id into the box and press Enter."""
        box = self.part("query").locator("input")
        box.fill(key)
        box.press("Enter")

    def filter_by_camera(self, position: int = 0) -> None:
        """Choose one camera of the list."""
        self.part("camera").locator("select").select_option(index=position)

    def shorten_the_time(self) -> None:
        """Drag the end of the time to its middle."""
        handle = self.part("time").locator(".noUi-handle").last.bounding_box()
        track = self.part("time").locator(".noUi-target").bounding_box()
        assert handle and track
        x, y = handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 2
        self.page.mouse.move(x, y)
        self.page.mouse.down()
        self.page.mouse.move(track["x"] + track["width"] / 2, y, steps=6)
        self.page.mouse.up()
