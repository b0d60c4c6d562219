"""The page of `workbench demo`, opened from the disk in a browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import workbench
from tests.browser.chromium import Watched, watched
from workbench.cli import main
from workbench.cli.demo_page import demo_page
from workbench.cli.demo_story import story_of


def open_page(watch: Watched, path: Path) -> list[Any]:
    watch.page.goto(path.as_uri())
    pictures = watch.pictures()
    assert len(pictures) >= 3
    return pictures


def shown_beside_its_hover(watch: Watched) -> None:
    """Check that the crop of a sighting stands beside its hover, and goes with it."""
    name = watch.page.locator("script[data-crops]").first.get_attribute("data-crops")
    picture, crop = watch.page.locator(f"#{name}"), watch.page.locator("img.crop")
    picture.scroll_into_view_if_needed()
    dots = picture.locator("path.point").all()
    for dot in dots:
        dot.hover(force=True)
        watch.page.wait_for_timeout(100)
        if crop.is_visible():
            break
    assert crop.is_visible(), f"no crop at any of {len(dots)} marks"
    assert (crop.get_attribute("src") or "").startswith("data:image/jpeg;base64,")
    assert crop.evaluate("one => one.naturalHeight") == 96
    label = picture.locator(".hoverlayer .hovertext").first.bounding_box()
    here = crop.bounding_box()
    assert label and here
    beside = here["x"] + here["width"] <= label["x"] or label["x"] + label["width"] <= here["x"]
    assert beside, "the crop covers the words of the hover"
    watch.page.mouse.move(5, 5)
    crop.wait_for(state="hidden", timeout=5000)


def test_the_page_of_the_demo(browser: Any, tmp_path: Path) -> None:
    store = tmp_path / "demo"
    assert main(["demo", "--small", "--store", str(store)]) == 0
    with watched(browser) as watch:
        pictures = open_page(watch, store / "demo.html")
        assert all(watch.marks(picture) for picture in pictures), "a picture without a mark"
        said = [watch.hover(picture) for picture in pictures]
        assert all(said), f"pictures that say nothing under the mouse: {said}"
        assert any("UTC" in text for text in said), said
        shown_beside_its_hover(watch)
        watch.check()


def test_names_that_are_html_stay_text(browser: Any, hostile_store: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    with workbench.open(hostile_store) as bench:
        page.write_text(demo_page(story_of(bench, "store"), "UTC"), encoding="utf-8")
    with watched(browser) as watch:
        pictures = open_page(watch, page)
        said = [watch.hover(picture) for picture in pictures]
        shown = watch.page.locator("body").inner_text()
        assert "onerror=window.pwned" in shown
        assert any("<b>Ben</b><img" in text for text in said), said
        assert any("<b>Office</b><svg" in text for text in said), said
        assert watch.page.locator("img[src=x]").count() == 0
        assert watch.page.evaluate("window.pwned") is None
        watch.check()


def test_a_result_draws_itself_on_any_page(
    browser: Any, hostile_store: Path, tmp_path: Path
) -> None:
    page = tmp_path / "mine.html"
    with workbench.open(hostile_store) as bench:
        who = bench.identities.all()["id"].iloc[1]
        page.write_text(f"<body>{bench.tracks.trajectory(who)._repr_html_()}</body>", "utf-8")
    with watched(browser) as watch:
        watch.page.goto(page.as_uri())
        (picture,) = watch.pictures()
        assert "UTC" in watch.hover(picture)
        assert watch.page.evaluate("window.pwned") is None
        watch.check()
