"""The second notebook in JupyterLab: played with, clicked, brushed; several people at once."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

from tests.browser.chromium import Watched, watched
from tests.browser.explorer_page import ExplorerPage
from tests.browser.test_lab import TALL, put, run_all
from tests.notebooks.lab import server, words

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOK = ROOT / "notebooks" / "02_trajectories.ipynb"
# Said of a widget that took more than two seconds to load, which then loads all the same.
LATE = "[anywidget] Failed to initialize model."
PLAY = """import workbench

bench = workbench.open({!r})
explorer = bench.tracks.explore(bench.identities.all()["id"].tolist()[:4])
explorer"""


def written(path: Path, *cells: str) -> None:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(one) for one in cells])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    path.write_text(nbformat.writes(notebook), encoding="utf-8")


@pytest.fixture(scope="module")
def notebooks(hostile_store: Path, tmp_path_factory: Any) -> Path:
    """Return a folder with the notebook, and a small one of several people of another store."""
    folder: Path = tmp_path_factory.mktemp("notebooks")
    put(NOTEBOOK, folder / "trajectories.ipynb")
    written(folder / "several.ipynb", PLAY.format(str(hostile_store)))
    return folder


@pytest.fixture(scope="module")
def lab(browser: Any, notebooks: Path, small_demo: Path, tmp_path_factory: Any) -> Iterator[str]:
    """Return the address of a JupyterLab with them and the small demo."""
    command = [sys.executable, str(ROOT / "scripts" / "lab.py"), f"--store={small_demo}"]
    command += [f"--notebooks={notebooks}", *words()]
    with server(command, tmp_path_factory.mktemp("home"), ROOT) as address:
        yield address


def forgiven(watch: Watched) -> None:
    watch.errors[:] = [one for one in watch.errors if one != LATE]
    watch.check()


def test_in_jupyterlab_and_after_a_reload(browser: Any, lab: str) -> None:
    with watched(browser, height=TALL) as watch:
        run_all(watch, lab, "trajectories.ipynb")
        explorer = ExplorerPage(watch.page)
        chosen = explorer.said("count")
        assert chosen.split(" of ")[0] != chosen.split(" of ")[1].split()[0], "a cell brushed it"
        explorer.played_with()
        clock = explorer.said("clock")
        watch.page.keyboard.press("Control+s")
        watch.page.locator(".jp-mod-current .jp-DirtyIndicator, .jp-mod-dirty").first.wait_for(
            state="detached", timeout=20_000
        )
        watch.page.goto(watch.page.url.split("?")[0])
        after = ExplorerPage(watch.page)
        assert after.said("clock") == clock
        assert after.heads(), "nobody is anywhere after a reload"
        after.answers()
        after.changes("count", lambda: after.brush(0.05, 0.4))
        forgiven(watch)


def test_several_people_at_once_one_of_whom_has_a_hostile_name(browser: Any, lab: str) -> None:
    with watched(browser, height=2600) as watch:
        run_all(watch, lab, "several.ipynb")
        explorer = ExplorerPage(watch.page)
        assert watch.page.locator(".wb-strip .yaxislayer-above .ytick text").count() == 4
        explorer.played_with()
        title = explorer.root.locator(".wb-map .gtitle").first.text_content() or ""
        heads = [explorer.hover_a_head(number) for number in range(len(explorer.heads()))]
        above = explorer.root.locator(".wb-map .shape-label").all_text_contents()
        watch.names_stay_text(title, explorer.said("table"), " ".join(heads), " ".join(above))
        forgiven(watch)
