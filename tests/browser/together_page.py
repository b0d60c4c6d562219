"""Hands for an explorer of who meets whom on a page: slide, search, click a dot, a line, a time."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page

from tests.browser.parts import Parts

# The points of the trace of some name: id or row of each, and where it is in the window.
POINTS = """
(picture, name) => {
    const box = picture.getBoundingClientRect(), { xaxis, yaxis, _size } = picture._fullLayout;
    const trace = picture._fullData.find(one => one.name === name || one.meta === name);
    return [...(trace.customdata ?? [])].map((one, n) => [
        one, box.x + _size.l + xaxis.d2p(trace.x[n]), box.y + _size.t + yaxis.d2p(trace.y[n]),
    ]);
}
"""
# Where everybody stands, whatever the window shows of it.
PLACES = """
picture => {
    const people = picture._fullData.find(one => one.name === "people");
    return Object.fromEntries(people.customdata.map((who, n) => [who, [people.x[n], people.y[n]]]));
}
"""
# How many lines are drawn: plotly has two ends and nothing between for each.
LINES = """
picture => picture._fullData
    .filter(one => one.mode === "lines" && one.x)
    .reduce((all, one) => all + Math.floor([...one.x].filter(x => x !== null).length / 2), 0)
"""
LAID_OUT = """
picture => {
    const wide = picture.querySelector(".main-svg")?.getBoundingClientRect().width ?? 0;
    return wide > 0 && Math.abs(wide - picture.parentElement.getBoundingClientRect().width) < 3;
}
"""
PICTURE = ".js-plotly-plot"


class TogetherPage(Parts):
    """The explorer of who meets whom that is on a page."""

    def __init__(self, page: Page) -> None:
        super().__init__(page, ".wb-together")
        self.graph = self.drawn("network")

    def drawn(self, name: str) -> Locator:
        """Return a picture when it is drawn, as wide as its room: network, histogram, timeline."""
        picture = self.root.locator(f".wb-{name} {PICTURE}").first
        picture.locator(".main-svg").first.wait_for(state="attached", timeout=60_000)
        self.until(lambda: bool(picture.evaluate(LAID_OUT)))
        return picture

    # ------------------------------------------------------------------ what is drawn
    def lines(self) -> int:
        """Return how many lines are drawn."""
        return int(self.graph.evaluate(LINES))

    def places(self) -> dict[str, list[float]]:
        """Return where everybody drawn stands, by id."""
        found: dict[str, list[float]] = self.graph.evaluate(PLACES)
        return found

    def counted(self) -> tuple[int, int, int]:
        """Return pairs drawn, pairs that reach the thresholds and people, as it is said."""
        found = re.match(r"([\d,]+) of ([\d,]+) pairs, ([\d,]+) people", self.said("count"))
        assert found, self.said("count")
        drawn, left, people = (int(one.replace(",", "")) for one in found.groups())
        return drawn, left, people

    def clock(self) -> str:
        """Return the time that is played below, or "" while nothing is."""
        clock = self.part("stage").locator(".wb-player .widget-html-content b")
        return clock.first.inner_text() if clock.count() else ""

    # ------------------------------------------------------------------ what a hand does
    def slide(self, name: str, words: str) -> None:
        """Drag a threshold to the right until it says these words: ``top``, ``chance`` ..."""
        slider = self.part(f"least-{name}")
        handle, track = slider.locator(".noUi-handle"), slider.locator(".noUi-target")
        readout = slider.locator(".widget-readout")
        at, room = handle.bounding_box(), track.bounding_box()
        assert at and room
        y = room["y"] + room["height"] / 2
        self.page.mouse.move(at["x"] + at["width"] / 2, at["y"] + at["height"] / 2)
        self.page.mouse.down()
        for step in range(round(room["width"]) + 1):
            self.page.mouse.move(room["x"] + step, y)
            if readout.inner_text() == words:
                break
        self.page.mouse.up()
        assert readout.inner_text() == words

    def look_for(self, text: str) -> None:
        """Write something into the search box and press Enter."""
        box = self.part("search").locator("input")
        box.fill(text)
        box.press("Enter")

    def only_hers(self) -> None:
        """Tick, or untick, that only whom she met is drawn."""
        self.part("only").locator("input").click()

    def show_all(self) -> None:
        """Press what takes everything back."""
        self.part("reset").click()

    def click_dot(self, who: str) -> str:
        """Click somebody; return what is said of her."""
        at = next((x, y) for one, x, y in self.points(self.graph, "people") if one == who)
        return self.changes("details", lambda: self.click(*at))

    def click_line(self, row: int) -> str:
        """Click the line of a row of the pairs drawn, where nothing else is near."""
        dots, handles = (self.points(self.graph, name) for name in ("people", "pairs"))
        others = [at for one, *at in handles if one != row] + [at for _, *at in dots]

        def room(at: list[float]) -> float:
            return min((at[0] - x) ** 2 + (at[1] - y) ** 2 for x, y in others)

        best = max((at for one, *at in handles if one == row), key=room)
        return self.changes("details", lambda: self.click(*best))

    def click_encounter(self, row: int) -> None:
        """Click the marker of an encounter in the timeline of the two."""
        timeline = self.drawn("encounter-timeline")
        at = next((x, y) for one, x, y in self.points(timeline, "encounters") if one == row)
        self.click(*at)

    def points(self, picture: Locator, name: str) -> list[list[float]]:
        """Return the points of a trace, by its name or meta: id or row, and place in the window."""
        picture.scroll_into_view_if_needed()
        found: list[list[float]] = picture.evaluate(POINTS, name)
        return found

    def click(self, x: float, y: float) -> None:
        """Go there as a hand does, and click."""
        self.page.mouse.move(x - 5, y - 5)
        self.page.mouse.move(x, y, steps=3)
        self.page.wait_for_timeout(300)
        self.page.mouse.click(x, y)

    def hover(self, picture: Locator, name: str, which: str | int) -> str:
        """Return what stands beside the mouse over one point of a trace."""
        x, y = next((x, y) for one, x, y in self.points(picture, name) if one == which)
        said = picture.locator(".hoverlayer")
        for off in (3, 2, 1, 0):  # a busy machine may miss the first
            self.page.mouse.move(x - 40, y - 40)
            self.page.mouse.move(x + off, y, steps=3)
            self.page.wait_for_timeout(400)
            if said.text_content():
                break
        return said.text_content() or ""
