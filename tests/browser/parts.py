"""A widget of ours on a page: the words of its parts, and waiting until they are others."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Locator, Page


class Parts:
    """What stands in `root`; a part is what has the class ``wb-`` and its name."""

    def __init__(self, page: Page, root: str) -> None:
        self.page = page
        self.root = page.locator(root).first
        self.root.wait_for(timeout=60_000)

    def part(self, name: str) -> Locator:
        """Return a part."""
        return self.root.locator(f".wb-{name}").first

    def said(self, name: str) -> str:
        """Return the words of a part."""
        return self.part(name).inner_text()

    def until(self, happened: Callable[[], bool], *, within_s: float = 20) -> None:
        """Wait until something has happened."""
        for _ in range(round(within_s * 10)):
            if happened():
                return
            self.page.wait_for_timeout(100)
        raise AssertionError("it did not happen")

    def changes(self, name: str, deed: Callable[[], object], *, within_s: float = 20) -> str:
        """Do something; return what a part says then, which has to be something else."""
        before = self.said(name)
        deed()
        for _ in range(round(within_s * 10)):
            now = self.said(name)
            if now != before:
                return now
            self.page.wait_for_timeout(100)
        raise AssertionError(f"{name} still says: {before[:300]}")
