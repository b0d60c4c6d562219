"""The notebooks as pages, as `make app` serves them, of a store whose names try to run a script."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.chromium import Watched, watched
from tests.browser.conftest import HOSTILE, HOSTILE_CAMERA
from tests.browser.explorer_page import ExplorerPage
from tests.browser.similarity_page import SimilarityPage
from tests.browser.test_lab import put
from tests.browser.together_page import TogetherPage
from tests.notebooks.lab import server

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("01_first_look", "02_trajectories", "03_co_occurrence", "04_similarity", "08_backends")
# Said of a widget that took more than two seconds to load, which then loads all the same.
LATE = "[anywidget] Failed to initialize model."
# Voila's renderer of text, which has nothing to do with what is shown.
VOILA = "r.setData is not a function"


@pytest.fixture(scope="module")
def app(browser: Any, hostile_store: Path, tmp_path_factory: Any) -> Iterator[str]:
    """Return the address of the pages."""
    pytest.importorskip("voila", reason="Voila is not installed (the extra app)")
    folder = tmp_path_factory.mktemp("notebooks")
    for name in NAMES:
        put(ROOT / "notebooks" / f"{name}.ipynb", folder / f"{name}.ipynb")
    command = [sys.executable, str(ROOT / "scripts" / "app.py"), f"--store={hostile_store}"]
    command += [f"--notebooks={folder}", "--no-browser", f"--port={free_port()}"]
    with server(command, tmp_path_factory.mktemp("home"), ROOT) as address:
        yield address


def free_port() -> int:
    # Voila, asked for any port, says that it listens at 0.
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def opened(watch: Watched, app: str, name: str) -> Page:
    """Open a page by its link in the list of them."""
    watch.page.goto(app)
    watch.page.get_by_role("link", name=name.replace("_", " ")).click()
    return watch.page


def check(watch: Watched, *, pictures: bool = True) -> None:
    watch.errors[:] = [one for one in watch.errors if one not in (LATE, VOILA)]
    if pictures:
        watch.check()
    assert watch.left == [] and watch.errors == []
    assert watch.page.locator(".jp-CodeCell .jp-InputArea").count() == 0, "a page shows no code"


def test_the_first_look(browser: Any, app: str) -> None:
    with watched(browser, height=9000) as watch:
        page = opened(watch, app, "01_first_look")
        ExplorerPage(page).touched()
        watch.names_stay_text(page.locator("body").inner_text())
        check(watch)


def test_trajectories(browser: Any, app: str) -> None:
    with watched(browser, height=6000) as watch:
        page = opened(watch, app, "02_trajectories")
        explorer = ExplorerPage(page)
        explorer.played_with()
        watch.names_stay_text(explorer.said("table"), explorer.click_a_mark())
        check(watch)


def test_co_occurrence(browser: Any, app: str) -> None:
    with watched(browser, width=1400, height=8000) as watch:
        page = opened(watch, app, "03_co_occurrence")
        shown = TogetherPage(page)
        said = page.locator("body").inner_text()
        assert "chance was not asked about" in said, "these recordings are too short for it"
        assert "There was an error" not in said
        shown.drawn("encounter-timeline")
        assert "together 3 times" in shown.said("details")
        shown.part("encounters").locator("select").select_option(index=1)
        assert HOSTILE_CAMERA[:14] in ExplorerPage(page).root.locator(".wb-map").inner_text()
        watch.names_stay_text()
        shown.changes("details", shown.show_all)
        check(watch)


def test_similarity(browser: Any, app: str) -> None:
    with watched(browser, width=1400, height=6000) as watch:
        page = opened(watch, app, "04_similarity")
        shown = SimilarityPage(page)
        shown.changes("neighbours", shown.click_a_point)
        shown.changes("count", shown.lasso)
        assert 0 < shown.selected() < shown.shown()
        everybody = shown.shown()

        assert "nearest to" in shown.changes("neighbours", lambda: shown.click_a_point(4))
        assert shown.selected(), "a point inside a lasso is clicked, and the lasso stays"

        shown.redrawn(1, lambda: shown.ask(f"p2{HOSTILE}"))
        assert "the mean of" in shown.said("neighbours")
        watch.names_stay_text(shown.said("neighbours"), shown.said("legend"), shown.hover("Ben"))

        some = shown.redrawn(0, shown.filter_by_camera)
        assert len(some) == shown.shown() < everybody
        shown.redrawn(0, shown.part("reset").click)
        assert shown.shown() == everybody and shown.selected() == 0
        shown.until(lambda: shown.picture.locator(".selectionlayer path").count() == 0)
        some = shown.redrawn(0, shown.shorten_the_time)
        assert len(some) == shown.shown() < everybody
        check(watch)


def test_backends_without_a_server(browser: Any, app: str) -> None:
    with watched(browser, width=1200, height=6000) as watch:
        page = opened(watch, app, "08_backends")
        # The last cell that speaks: by then all others have.
        page.get_by_text("The building is taken off the server").wait_for(timeout=180_000)
        said = page.locator("body").inner_text()
        assert "There was an error" not in said
        assert said.count("left out: no server (NEO4J_URI is not set") >= 9
        assert "her trajectory" in said, "the times of the file are there"
        check(watch, pictures=False)
