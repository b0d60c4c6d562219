"""Hands for an explorer of trajectories on a page: click, drag, lasso, play."""

from __future__ import annotations

from playwright.sync_api import Locator, Page
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from tests.browser.parts import Parts

DOTS = ".wb-map .scatterlayer .points path.point"
# Which of the marks are sightings: a camera or a label says nothing when it is clicked.
SIGHTINGS = """
marks => marks.flatMap((mark, n) =>
    mark.closest(".trace").__data__[0].trace.customdata ? [n] : [])
"""
HEADS = ".wb-map .shapelayer .shape-group"
# How often anything within the traces of the map changed since the last call.
CHANGED = """
() => {
    window.changed ??= (() => {
        const seen = { count: 0 };
        const count = new MutationObserver((all) => { seen.count += all.length; });
        const of = { subtree: true, childList: true, attributes: true };
        document.querySelectorAll(".wb-map .scatterlayer").forEach((one) => count.observe(one, of));
        return seen;
    })();
    const count = window.changed.count;
    window.changed.count = 0;
    return count;
}
"""
# Where the marks are that say something under the mouse.
WHERE = """
groups => groups.flatMap(group => {
    const plot = group.closest(".js-plotly-plot");
    const mark = group.querySelector("path");  // plotly leaves the groups of what is gone
    if (!mark || !plot.layout.shapes[group.dataset.index]?.name) return [];
    const box = mark.getBoundingClientRect();
    return [[box.x + box.width / 2, box.y + box.height / 2]];
})
"""


class ExplorerPage(Parts):
    """The explorer of trajectories that is on a page."""

    def __init__(self, page: Page) -> None:
        super().__init__(page, ".wb-trajectory")
        self.root.locator(DOTS).first.wait_for(state="attached", timeout=90_000)
        self.root.locator(".wb-strip .main-svg").first.wait_for(timeout=60_000)
        page.wait_for_timeout(1000)  # plotly lays its axes out once more

    def said(self, name: str) -> str:
        """Return the words of a part: clock, count, table or details."""
        if name == "clock":
            return self.root.locator(".wb-player .widget-html-content b").first.inner_text()
        return super().said(name)

    def touched(self) -> None:
        """Move the slider, click a mark, brush the timeline; see clock, details, table follow."""
        self.clear()
        self.changes("clock", self.slide)
        details = self.click_a_mark()
        assert "visit" in details and "UTC" in details
        everything, table = self.said("count"), self.said("table")
        some = self.changes("count", lambda: self.brush(0.05, 0.4))
        assert some.split(" of ")[0] != everything.split(" of ")[0]
        assert self.said("table") != table or "0 of" in some
        self.clear()
        assert self.said("count") == everything

    def played_with(self) -> None:
        """Do everything a hand can do, and see the others follow."""
        self.touched()
        self.changes("clock", lambda: self.press("following"))
        self.moves_alone()
        assert "seen" in self.hover_a_head()
        self.changes("clock", lambda: self.press("on"))
        self.changes("count", self.lasso)
        self.clear()
        self.changes("clock", self.play)
        self.play()
        self.page.wait_for_timeout(1500)  # what was on its way when it was paused

    def moves_alone(self) -> None:
        """See that a step moves a mark, and that plotly draws no sighting anew for it."""
        self.press("preceding")
        self.page.wait_for_timeout(500)
        before = self.heads()
        self.page.evaluate(CHANGED)
        self.changes("clock", lambda: self.press("on"))
        self.until(lambda: self.heads() != before)
        assert self.page.evaluate(CHANGED) == 0, "the traces were drawn anew"

    def heads(self) -> list[list[float]]:
        """Return where the marks are that move, pixels of the window."""
        found: list[list[float]] = self.root.locator(HEADS).evaluate_all(WHERE)
        return found

    def hover_a_head(self, number: int = 0) -> str:
        """Return what one of the marks that move says under the mouse."""
        self.root.locator(".wb-map .plotly").first.scroll_into_view_if_needed()
        x, y = self.heads()[number]
        self.page.mouse.move(x + 30, y + 30)
        self.page.mouse.move(x + 4, y + 4, steps=3)
        tip = self.page.locator(".wb-telling:visible")
        tip.wait_for(timeout=5_000)
        said = tip.inner_text()
        self.page.locator(".wb-player").first.hover()
        tip.wait_for(state="hidden", timeout=5_000)
        return said

    def clear(self) -> None:
        """Take brush and lasso away, if there are any."""
        button = self.root.locator(".wb-clear")
        if button.is_visible():
            self.changes("count", button.click)

    def answers(self) -> None:
        """Wait until the kernel answers a page that was loaded anew: a press before is lost."""
        for _ in range(6):
            try:
                self.changes("clock", lambda: self.press("preceding"), within_s=5)
                return
            except AssertionError:
                continue
        raise AssertionError("nothing answers")

    def press(self, name: str) -> None:
        """Press a button of the player: back, on, preceding or following."""
        self.root.locator(f"button.wb-{name}").click()

    def play(self) -> None:
        """Press play, or pause."""
        self.root.locator(".jupyter-widget-play button, .widget-play button").first.click()

    def slide(self) -> None:
        """Move the slider a good way to the right."""
        handle = self.root.locator(".noUi-handle").first
        box, track = handle.bounding_box(), self.root.locator(".noUi-target").first.bounding_box()
        assert box and track
        self.drag(
            box["x"] + box["width"] / 2, box["y"] + box["height"] / 2,
            track["x"] + 0.6 * track["width"], box["y"] + box["height"] / 2,
        )  # fmt: skip

    def click_a_mark(self) -> str:
        """Click sightings on the map until the details say something else; return what they say."""
        marks = self.root.locator(DOTS)
        some = marks.evaluate_all(SIGHTINGS)
        for n in some[:: max(1, len(some) // 40)]:
            try:
                return self.changes("details", lambda n=n: self._click(marks.nth(n)), within_s=2)
            except (AssertionError, PlaywrightTimeout):
                continue  # another mark lies over it
        raise AssertionError("no mark can be clicked")

    def _click(self, mark: Locator) -> None:
        mark.scroll_into_view_if_needed(timeout=1000)
        box = mark.bounding_box()
        assert box
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        self.page.mouse.move(x - 2, y - 2)
        self.page.mouse.move(x, y, steps=2)
        self.page.wait_for_timeout(300)
        self.page.mouse.click(x, y)

    def brush(self, start: float, end: float) -> None:
        """Drag over the timeline, from one share of its width to another."""
        plot = self.root.locator(".wb-strip .nsewdrag").first
        plot.scroll_into_view_if_needed()
        box = plot.bounding_box()
        assert box
        y = box["y"] + box["height"] / 2
        self.drag(box["x"] + start * box["width"], y, box["x"] + end * box["width"], y)

    def lasso(self) -> None:
        """Draw a lasso around the left half of the first level of the map."""
        self.root.locator(".wb-map .plotly").first.scroll_into_view_if_needed()
        self.root.locator(".wb-map .js-plotly-plot").first.hover()
        self.root.locator(".wb-map .modebar-btn[data-val='lasso']").first.click()
        plot = self.root.locator(".wb-map .nsewdrag").first.bounding_box()
        assert plot
        left, top = plot["x"] + 4, plot["y"] + 4
        right, bottom = left + plot["width"] / 2, top + plot["height"] - 8
        self.page.mouse.move(left, top)
        self.page.mouse.down()
        for x, y in ((right, top), (right, bottom), (left, bottom), (left, top)):
            self.page.mouse.move(x, y, steps=8)
        self.page.mouse.up()

    def drag(self, x0: float, y0: float, x1: float, y1: float) -> None:
        """Drag with the mouse."""
        self.page.mouse.move(x0, y0)
        self.page.mouse.down()
        self.page.mouse.move(x1, y1, steps=6)
        self.page.mouse.up()
