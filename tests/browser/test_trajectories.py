"""The second notebook in JupyterLab and as a page of Voila: played with, clicked, brushed."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

from tests.browser.chromium import Watched, watched
from tests.browser.conftest import HOSTILE
from tests.browser.explorer_page import ExplorerPage
from tests.browser.test_lab import TALL, put, run_all
from tests.notebooks.lab import server, words

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOK = ROOT / "notebooks" / "02_trajectories.ipynb"
# Said of a widget that took more than two seconds to load, which then loads all the same.
LATE = "[anywidget] Failed to initialize model."
# Voila's renderer of text, which has nothing to do with what is shown.
VOILA = "r.setData is not a function"
PLAY = """import workbench

bench = workbench.open()
explorer = bench.tracks.explore(bench.identities.all()["id"].tolist()[:4])
explorer"""


def written(path: Path, *cells: str) -> None:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(one) for one in cells])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    path.write_text(nbformat.writes(notebook), encoding="utf-8")


@pytest.fixture(scope="module")
def notebooks(tmp_path_factory: Any) -> Path:
    """Return a folder with the notebook, and a small one of several people."""
    folder: Path = tmp_path_factory.mktemp("notebooks")
    put(NOTEBOOK, folder / "trajectories.ipynb")
    written(folder / "several.ipynb", PLAY)
    return folder


@pytest.fixture(scope="module")
def lab(browser: Any, notebooks: Path, small_demo: Path, tmp_path_factory: Any) -> Iterator[str]:
    """Return the address of a JupyterLab with them and the small demo."""
    command = [sys.executable, str(ROOT / "scripts" / "lab.py"), f"--store={small_demo}"]
    command += [f"--notebooks={notebooks}", *words()]
    with server(command, tmp_path_factory.mktemp("home"), ROOT) as address:
        yield address


@pytest.fixture(scope="module")
def app(browser: Any, notebooks: Path, hostile_store: Path, tmp_path_factory: Any) -> Iterator[str]:
    """Return the address of the pages, with the store of hostile names."""
    pytest.importorskip("voila", reason="Voila is not installed (the extra app)")
    command = [sys.executable, str(ROOT / "scripts" / "app.py"), f"--store={hostile_store}"]
    command += [f"--notebooks={notebooks}", "--no-browser", f"--port={free_port()}"]
    with server(command, tmp_path_factory.mktemp("home"), ROOT) as address:
        yield address


def free_port() -> int:
    # Voila, asked for any port, says that it listens at 0.
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def forgiven(watch: Watched) -> None:
    watch.errors[:] = [one for one in watch.errors if one not in (LATE, VOILA)]
    watch.check()


def played_with(explorer: ExplorerPage) -> None:
    """Do everything a hand can do, and see the others follow."""
    if explorer.root.locator(".wb-clear").is_visible():
        explorer.changes("count", lambda: explorer.root.locator(".wb-clear").click())
    explorer.changes("clock", lambda: explorer.press("following"))
    explorer.changes("clock", lambda: explorer.press("on"))
    explorer.changes("clock", explorer.slide)
    details = explorer.click_a_mark()
    assert "visit" in details and "UTC" in details
    everything = explorer.said("count")
    table = explorer.said("table")
    some = explorer.changes("count", lambda: explorer.brush(0.05, 0.4))
    assert some.split(" of ")[0] != everything.split(" of ")[0]
    assert explorer.said("table") != table or "0 of" in some
    again = explorer.changes("count", lambda: explorer.root.locator(".wb-clear").click())
    assert again == everything
    explorer.changes("count", explorer.lasso)
    explorer.changes("count", lambda: explorer.root.locator(".wb-clear").click())
    explorer.changes("clock", explorer.play)
    explorer.play()
    explorer.page.wait_for_timeout(1500)  # what was on its way when it was paused


def test_in_jupyterlab_and_after_a_reload(browser: Any, lab: str) -> None:
    with watched(browser, height=TALL) as watch:
        run_all(watch, lab, "trajectories.ipynb")
        explorer = ExplorerPage(watch.page)
        chosen = explorer.said("count")
        assert chosen.split(" of ")[0] != chosen.split(" of ")[1].split()[0], "a cell brushed it"
        played_with(explorer)
        clock = explorer.said("clock")
        watch.page.keyboard.press("Control+s")
        watch.page.locator(".jp-mod-current .jp-DirtyIndicator, .jp-mod-dirty").first.wait_for(
            state="detached", timeout=20_000
        )
        watch.page.goto(watch.page.url.split("?")[0])
        after = ExplorerPage(watch.page)
        assert after.said("clock") == clock
        after.answers()
        after.changes("count", lambda: after.brush(0.05, 0.4))
        forgiven(watch)


def test_several_people_at_once(browser: Any, lab: str) -> None:
    with watched(browser, height=2600) as watch:
        run_all(watch, lab, "several.ipynb")
        explorer = ExplorerPage(watch.page)
        assert watch.page.locator(".wb-strip .yaxislayer-above .ytick text").count() == 4
        played_with(explorer)
        forgiven(watch)


def test_as_a_page_with_hostile_names(browser: Any, app: str) -> None:
    with watched(browser, height=2600) as watch:
        page = watch.page
        page.goto(app)
        page.get_by_role("link", name="several").click()
        explorer = ExplorerPage(page)
        played_with(explorer)
        assert HOSTILE in page.locator(".wb-trajectory").inner_text()
        assert page.locator("img[src=x]").count() == 0
        assert page.evaluate("window.pwned") is None
        assert page.locator(".jp-InputArea").count() == 0, "a page shows no code"
        forgiven(watch)
