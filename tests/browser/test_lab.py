"""JupyterLab as `make lab` starts it, and the first notebook in it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

from tests.browser.chromium import Watched, watched
from tests.browser.explorer_page import ExplorerPage
from tests.notebooks.lab import server, words

ROOT = Path(__file__).resolve().parents[2]
FIRST = ROOT / "notebooks" / "01_first_look.ipynb"
FIGURE = "application/vnd.plotly.v1+json"
IDLE = """
async () => {
    const answer = await fetch("/api/kernels");
    const kernels = answer.ok ? await answer.json() : [];
    return kernels.length > 0 && kernels.every(one => one.execution_state === "idle");
}
"""
ERROR = ".jp-OutputArea-output[data-mime-type='application/vnd.jupyter.error']"
# Every cell has its number, or one has failed: then the cells below it never get theirs.
FINISHED = """
error => document.querySelector(error) !== null ||
    [...document.querySelectorAll(".jp-CodeCell .jp-InputArea-prompt")]
        .every(prompt => /^\\[\\d+\\]:$/.test(prompt.textContent.trim()))
"""
# A notebook as tall as this is drawn whole: JupyterLab leaves out what is not in view.
TALL = 9000


def put(notebook: Path, target: Path, store: Path | None = None) -> int:
    """Write a notebook without outputs, of another store if given; return how many cells draw."""
    read = nbformat.read(notebook, as_version=4)
    drawn = 0
    for cell in (cell for cell in read.cells if cell.cell_type == "code"):
        drawn += any(FIGURE in output.get("data", {}) for output in cell.outputs)
        cell.outputs, cell.execution_count = [], None
    if store is not None:
        code = f"import os\nos.environ['WORKBENCH_STORE'] = {str(store)!r}"
        read.cells.insert(0, nbformat.v4.new_code_cell(code))
    target.write_text(nbformat.writes(read), encoding="utf-8")
    return drawn


@pytest.fixture(scope="module")
def lab(
    browser: Any, small_demo: Path, hostile_store: Path, tmp_path_factory: Any
) -> Iterator[tuple[str, int]]:
    """Return the address of a JupyterLab with two notebooks, and how many cells draw."""
    folder = tmp_path_factory.mktemp("notebooks")
    drawn = put(FIRST, folder / "first.ipynb")
    put(FIRST, folder / "hostile.ipynb", hostile_store)
    command = [sys.executable, str(ROOT / "scripts" / "lab.py"), f"--store={small_demo}"]
    command += [f"--notebooks={folder}", *words()]
    with server(command, tmp_path_factory.mktemp("home"), ROOT) as address:
        yield address, drawn


def run_all(watch: Watched, address: str, name: str, *, within_s: float = 60) -> None:
    """Open a notebook, run all of it, and wait until every cell is done and the kernel idle."""
    page = watch.page
    base, token = address.split("/lab")[0], address.split("token=")[1]
    page.goto(f"{base}/lab/workspaces/{name.split('.')[0]}/tree/{name}?reset&token={token}")
    page.locator(".jp-NotebookPanel-toolbar").wait_for(timeout=60_000)
    # Idle as JupyterLab sees it: a cell run before that only makes it ask which kernel is meant.
    page.locator("#jp-main-statusbar").get_by_text("| Idle").wait_for(timeout=60_000)
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.locator(".lm-Menu-item[data-command='runmenu:run-all']").click()
    page.wait_for_function(FINISHED, arg=ERROR, timeout=within_s * 1000)
    failed = page.locator(ERROR)
    assert failed.count() == 0, failed.first.text_content()
    page.wait_for_function(IDLE, timeout=60_000)


def test_the_notebook_runs_and_draws(browser: Any, lab: tuple[str, int]) -> None:
    address, drawn = lab
    with watched(browser, height=TALL) as watch:
        run_all(watch, address, "first.ipynb")
        assert watch.page.locator(".jp-OutputArea-output[data-mime-type*='stderr']").count() == 0
        pictures = watch.pictures()
        played = watch.page.locator(".wb-trajectory .js-plotly-plot").count()
        assert played == 2, "a map to play with and its timeline"
        assert len(pictures) == drawn + played
        said = [watch.hover(picture) for picture in pictures]
        assert all(said), f"pictures that say nothing under the mouse: {said}"
        ExplorerPage(watch.page).touched()
        watch.check()


def test_names_that_are_html_stay_text(browser: Any, lab: tuple[str, int]) -> None:
    with watched(browser, height=TALL) as watch:
        run_all(watch, lab[0], "hostile.ipynb")
        said = [watch.hover(picture) for picture in watch.pictures()]
        assert any("<b>Ben</b><img" in text for text in said), said
        assert any("<b>Office</b><svg" in text for text in said), said
        watch.names_stay_text()
        watch.check()
