"""A page of headless Chromium that lets no request leave the machine, and remembers each try."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Dialog, Locator, Page, Route
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from tests.browser.conftest import HOSTILE

STAYS = {"data", "blob", "file", "about"}
HERE = {"127.0.0.1"}
UPLOAD = re.compile(r"cloud|share|upload|send", re.IGNORECASE)
# Where the marks of a picture are now, in one go: a mark of an SVG cannot be waited for.
MARKS = """
picture => {
    const parts = "path.point, .points path, .barlayer .point path, .heatmaplayer image";
    const boxes = [...picture.querySelectorAll(parts)].map(mark => mark.getBoundingClientRect());
    const shares = [0.1, 0.3, 0.5, 0.7, 0.9];
    return boxes.filter(box => box.width > 0 && box.height > 0).flatMap(box =>
        box.width < 60 ? [[box.x + box.width / 2, box.y + box.height / 2]] :
        shares.map(share => [box.x + share * box.width, box.y + share * box.height]));
}
"""


class Watched:
    """A page, the addresses it asked for elsewhere, and the errors of its console."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.left: list[str] = []
        self.errors: list[str] = []
        page.route("**/*", self._decide)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on(
            "console",
            lambda said: self.errors.append(said.text) if said.type == "error" else None,
        )
        page.on("websocket", lambda socket: self._note(socket.url))
        page.on("dialog", self._refuse)

    def _refuse(self, dialog: Dialog) -> None:
        if dialog.type == "beforeunload":  # JupyterLab's, about what is not saved
            dialog.accept()
        else:
            self.errors.append(f"a window opened: {dialog.message}")
            dialog.dismiss()

    def _decide(self, route: Route) -> None:
        if self._note(route.request.url):
            route.continue_()
        else:
            route.abort()

    def _note(self, address: str) -> bool:
        parts = urlsplit(address)
        stays = parts.scheme in STAYS or parts.hostname in HERE
        if not stays:
            self.left.append(address)
        return stays

    def pictures(self) -> list[Locator]:
        """Return the pictures of plotly on the page, each drawn."""
        if self.page.locator("script[data-figure]").count():  # a page of ours draws them in turn
            self.page.locator("html[data-drawn]").wait_for(state="attached", timeout=120_000)
        found = self.page.locator(".js-plotly-plot").all()
        for picture in found:
            picture.locator(".main-svg").first.wait_for(state="attached", timeout=20_000)
        return found

    def marks(self, picture: Locator) -> list[list[float]]:
        """Return places on the dots, bars and tiles of a picture, in pixels of the window."""
        picture.scroll_into_view_if_needed()
        return picture.evaluate(MARKS)

    def hover(self, picture: Locator, tries: int = 8) -> str:
        """Return what the picture says when the mouse is over one of its marks."""
        where = self.marks(picture)
        some = where[:: max(1, len(where) // tries)]
        for x, y in (*some, *some):  # again: a busy machine may miss the first
            self.page.mouse.move(x - 3, y - 3)
            self.page.mouse.move(x, y, steps=2)
            try:
                picture.locator(".hoverlayer .hovertext").first.wait_for(timeout=1500)
            except PlaywrightTimeout:
                continue
            return picture.locator(".hoverlayer").text_content() or ""
        return ""

    def names_stay_text(self, *said: str) -> None:
        """Fail unless each text shows the hostile name as it was written, and nothing of it ran."""
        for text in said:
            assert HOSTILE[:14] in text, text[:500]  # a legend shortens it
        made = self.page.locator("img[src=x], svg[onload], [onerror]")
        assert made.count() == 0, made.first.evaluate("one => one.outerHTML")
        assert self.page.evaluate("window.pwned") is None

    def check(self) -> None:
        """Fail if a request left the machine, an error was said, or a picture offers an upload."""
        assert self.left == [], "requests that would leave this machine"
        assert self.errors == [], "errors in the console"
        buttons = self.page.locator(".modebar-btn").evaluate_all("all => all.map(b => b.outerHTML)")
        assert buttons, "no picture has buttons"
        assert [html for html in buttons if UPLOAD.search(html)] == []


@contextmanager
def watched(browser: Browser, *, width: int = 1280, height: int = 1000) -> Iterator[Watched]:
    """Give a watched page; where the block fails, the failure names a screenshot of it."""
    page = browser.new_page(viewport={"width": width, "height": height})
    try:
        yield Watched(page)
    except BaseException as error:
        path = Path(tempfile.mkdtemp(prefix="workbench-browser-")) / "page.png"
        page.screenshot(path=path)
        error.add_note(f"what the browser showed: {path}")
        raise
    finally:
        page.close()
