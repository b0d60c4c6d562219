"""The page of `workbench report`, opened from the disk in a browser: read, asked, printed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import workbench
from tests.browser.chromium import Watched, watched
from tests.browser.conftest import HOSTILE

PAPER = {"width": 718, "height": 1000}  # A4 without its margins, in pixels


@pytest.fixture(scope="module")
def several(small_demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the page on the three who were seen most."""
    path = tmp_path_factory.mktemp("report") / "three.html"
    with workbench.open(small_demo) as bench:
        people = bench.identities.all().sort_values("num_appearances", ascending=False)
        bench.tracks.report(people["id"].head(3).tolist()).to_html(path)
    return path


def test_pictures_are_drawn_and_speak(browser: Any, several: Path) -> None:
    with watched(browser) as watch:
        watch.page.goto(several.as_uri())
        pictures = watch.pictures()
        assert len(pictures) == 1 + 3 * 2
        assert all(watch.marks(picture) for picture in pictures), "a picture without a mark"
        said = [watch.hover(picture) for picture in pictures]
        assert all("UTC" in text for text in said), said
        plan = watch.page.locator("#wb-figure-2 image").first
        assert plan.evaluate("one => one.href.baseVal").startswith("data:image/png;base64,")
        sizes = watch.page.locator(".strip img").evaluate_all(
            "all => all.map(i => i.naturalHeight)"
        )
        assert len(sizes) == 3 * 6
        assert set(sizes) == {96}
        watch.check()


def test_the_list_leads_down_and_back(browser: Any, several: Path) -> None:
    with watched(browser) as watch:
        watch.page.goto(several.as_uri())
        watch.pictures()
        place = watch.page.locator("#identity-3")
        watch.page.locator('a[href="#identity-3"]').click()
        assert -2 <= place.evaluate("one => one.getBoundingClientRect().top") < 400
        place.locator("a", has_text="back to the list").click()
        top = watch.page.locator("#identities").evaluate("o => o.getBoundingClientRect().top")
        assert -2 <= top < 400


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_is_wider_than_the_window(browser: Any, several: Path, width: int) -> None:
    with watched(browser, width=width) as watch:
        watch.page.goto(several.as_uri())
        watch.pictures()
        assert watch.page.evaluate("document.documentElement.scrollWidth") <= width


def printed(watch: Watched) -> None:
    """Let the page do what it does before it is printed."""
    watch.page.emulate_media(media="print")
    watch.page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    watch.page.wait_for_timeout(300)


def test_on_paper_nothing_is_cut_off(browser: Any, several: Path, tmp_path: Path) -> None:
    with watched(browser) as watch:
        watch.page.goto(several.as_uri())
        watch.pictures()
        printed(watch)
        wide = "all => all.map(one => one.getBoundingClientRect().width)"
        assert max(watch.page.locator(".main-svg").evaluate_all(wide)) < PAPER["width"] - 20
        watch.page.set_viewport_size(PAPER)
        watch.page.wait_for_timeout(1000)  # a picture follows the window, a moment later
        printed(watch)
        ends = "all => all.map(one => one.getBoundingClientRect())"
        for box in watch.page.locator(".main-svg, table, .strip, pre").evaluate_all(ends):
            assert box["right"] <= PAPER["width"] + 1, box
        for box in watch.page.locator("figure").evaluate_all(ends):
            assert box["height"] <= PAPER["height"] - 100, box
        assert not watch.page.locator(".modebar-container").first.is_visible()
        assert not watch.page.locator(".back").first.is_visible()
        tall = watch.page.locator(".tall").evaluate_all(
            "all => all.filter(one => one.scrollHeight > one.clientHeight + 1).length"
        )
        assert tall == 0, "rows of a table are hidden on paper"
        white = watch.page.locator("header").evaluate("one => getComputedStyle(one).background")
        assert "gradient" not in white
        watch.page.evaluate("window.dispatchEvent(new Event('afterprint'))")
        watch.page.emulate_media(media="screen")
        watch.page.set_viewport_size({"width": 1280, "height": 1000})
        watch.page.wait_for_timeout(500)
        now = watch.page.locator(".main-svg").evaluate_all(wide)
        assert max(now) > 900, "after printing a picture is as wide as before"
        paper = tmp_path / "report.pdf"
        watch.page.pdf(path=paper, format="A4", prefer_css_page_size=True)
        sheets = len(re.findall(rb"/Type\s*/Page\b", paper.read_bytes()))
        assert 3 * 4 < sheets < 60
        watch.check()


def test_names_that_are_html_stay_text(browser: Any, hostile_store: Path, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    with workbench.open(hostile_store) as bench:
        bench.tracks.report(["p1", f"p2{HOSTILE}", "p4"]).to_html(path)
    with watched(browser) as watch:
        watch.page.goto(path.as_uri())
        pictures = watch.pictures()
        said = [watch.hover(picture) for picture in pictures]
        assert all(said), said
        shown = watch.page.locator("body").inner_text()
        assert HOSTILE in shown
        assert "<b>Office</b><svg onload=window.pwned=2>" in shown
        assert watch.page.title() == "Where 3 identities were seen"
        assert watch.page.locator("img[src=x], main b").count() == 0
        assert watch.page.evaluate("window.pwned") is None
        printed(watch)
        assert watch.page.evaluate("window.pwned") is None
        watch.check()


def test_nobody_seen_is_a_page_too(browser: Any, hostile_store: Path, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    with workbench.open(hostile_store) as bench:
        bench.tracks.report("p1", end="2020-01-01T00:00:00Z").to_html(path)
    with watched(browser) as watch:
        watch.page.goto(path.as_uri())
        assert "No sighting in this period" in watch.page.locator("main").inner_text()
        assert watch.page.locator(".js-plotly-plot").count() == 0
        assert watch.left == []
        assert watch.errors == []
