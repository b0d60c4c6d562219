"""The similarity explorer in JupyterLab: clicked, lassoed, asked, coloured; names stay text."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pandas as pd
import pytest

import workbench
from tests.browser.chromium import Watched, watched
from tests.browser.conftest import HOSTILE
from tests.browser.similarity_page import SimilarityPage
from tests.browser.test_lab import ROOT, put, run_all
from tests.notebooks.lab import server, words

NOTEBOOK = ROOT / "notebooks" / "04_similarity.ipynb"
TALL = 6000
# What anywidget says when a module took longer than two seconds to load: it is shown all the same.
SLOW = "[anywidget] Failed to initialize model."
MANY = 60_000  # more than plotly draws


def small_notebook(target: Path, store: Path, space: str) -> None:
    """Write a notebook of the explorer alone."""
    code = f"import workbench\nbench = workbench.open({str(store)!r})"
    show = f"explorer = bench.similarity.explore({space!r})\nexplorer"
    cells = [nbformat.v4.new_code_cell(source) for source in (code, show)]
    spec = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    book = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": spec})
    target.write_text(nbformat.writes(book), encoding="utf-8")


@pytest.fixture(scope="module")
def many(tmp_path_factory: Any) -> Path:
    """Return a store of more vectors than plotly draws, of forty people at two cameras."""
    folder: Path = tmp_path_factory.mktemp("many")
    chance = np.random.default_rng(4)
    who = chance.integers(0, 40, MANY)
    vectors = chance.normal(size=(40, 16))[who] + 0.4 * chance.normal(size=(MANY, 16))
    np.save(folder / "reid.npy", vectors.astype("float32"))
    first = pd.Timestamp("2026-01-12T08:00:00Z")
    rows = pd.DataFrame(
        {
            "id": [f"a{n:05d}" for n in range(MANY)],
            "timestamp": first + pd.to_timedelta(np.arange(MANY), unit="s"),
            "camera_id": np.where(np.arange(MANY) % 3, "hall", "yard"),
            "identity_id": [f"p{n}" for n in who],
        }
    )
    rows.to_csv(folder / "rows.csv", index=False)
    store, vectors_file = folder / "store", folder / "reid.npy"
    workbench.ingest(store, folder / "rows.csv", reid=vectors_file, quiet=True)
    return store


@pytest.fixture(scope="module")
def lab(
    browser: Any, small_demo: Path, hostile_store: Path, many: Path, tmp_path_factory: Any
) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("notebooks")
    put(NOTEBOOK, folder / "similarity.ipynb")
    small_notebook(folder / "hostile_points.ipynb", hostile_store, "face")
    small_notebook(folder / "many.ipynb", many, "reid")
    command = [sys.executable, str(ROOT / "scripts" / "lab.py"), f"--store={small_demo}"]
    command += [f"--notebooks={folder}", *words()]
    with server(command, tmp_path_factory.mktemp("home"), ROOT) as address:
        yield address


def no_other_error(watch: Watched) -> None:
    watch.errors = [said for said in watch.errors if SLOW not in said]
    assert watch.left == [] and watch.errors == []


def check(watch: Watched) -> None:
    no_other_error(watch)
    watch.check()


def test_click_lasso_ask_colour_and_filter(browser: Any, lab: str) -> None:
    with watched(browser, width=1400, height=TALL) as watch:
        run_all(watch, lab, "similarity.ipynb")
        shown = SimilarityPage(watch.page)
        asked = shown.said("neighbours")
        assert "cosine" in asked and "random pairs" in asked
        clicked = shown.changes("neighbours", shown.click_a_point)
        assert "nearest to" in clicked and "UTC" in clicked
        assert watch.page.locator(".wb-neighbours img").count() > 1
        assert "match" not in shown.root.inner_text().lower()

        shown.changes("count", shown.lasso)
        assert 0 < shown.selected() < shown.shown()

        assert "unidentified" in shown.said("legend")
        colour = shown.part("colour").locator("select")
        legend = shown.changes("legend", lambda: colour.select_option(label="time"))
        assert "time (UTC)" in legend

        some = shown.redrawn(0, shown.filter_by_camera)
        assert len(some) == shown.shown()

        said = shown.changes("neighbours", lambda: shown.ask("id_0"))
        assert "There is no appearance or identity 'id_0'." in said and "Did you mean" in said
        check(watch)


def test_names_that_are_html_stay_text(browser: Any, lab: str) -> None:
    with watched(browser, width=1400, height=2000) as watch:
        run_all(watch, lab, "hostile_points.ipynb")
        shown = SimilarityPage(watch.page)
        for nth in (0, -1):
            shown.changes("neighbours", lambda nth=nth: shown.click_a_point(nth))
        options = shown.part("camera").locator("select").inner_text()
        assert "<b>Office</b><svg" in options
        said = shown.changes("neighbours", lambda: shown.ask(f"p2{HOSTILE}"))
        watch.names_stay_text(shown.said("legend"), said, shown.hover("Ben"))
        nobody = shown.changes("neighbours", lambda: shown.ask(HOSTILE))
        watch.names_stay_text(nobody)
        check(watch)


def test_more_points_than_plotly_draws(browser: Any, lab: str) -> None:
    with watched(browser, width=1400, height=2000) as watch:
        run_all(watch, lab, "many.ipynb")
        shown = SimilarityPage(watch.page, cloud=True)
        assert f"{MANY:,} of {MANY:,} shown" in shown.said("count")
        box = shown.picture.bounding_box()
        assert box
        middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        said = shown.changes("neighbours", lambda: shown.click(*middle))
        assert "nearest to" in said and "cosine" in said and "UTC" in said
        shown.changes("count", shown.lasso)
        assert 0 < shown.selected() < MANY
        shown.changes("count", shown.filter_by_camera)
        assert shown.shown() == MANY * 2 // 3 and 0 < shown.selected() < shown.shown()
        no_other_error(watch)
