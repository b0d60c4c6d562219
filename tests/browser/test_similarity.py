"""The similarity explorer in JupyterLab: clicked, lassoed, asked, coloured; names stay text."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

from tests.browser.chromium import Watched, watched
from tests.browser.test_lab import ROOT, put, run_all
from tests.notebooks.lab import server, words

NOTEBOOK = ROOT / "notebooks" / "04_similarity.ipynb"
TALL = 6000
# What anywidget says when a module took longer than two seconds to load: it is shown all the same.
SLOW = "[anywidget] Failed to initialize model."
# Where some points are in the window, those far from all others first.
ALONE = """
picture => {
    const box = picture.getBoundingClientRect(), layout = picture._fullLayout;
    const { x, y } = picture._fullData[0];
    const at = n => [
        box.x + layout._size.l + layout.xaxis.d2p(x[n]),
        box.y + layout._size.t + layout.yaxis.d2p(y[n]),
    ];
    const ends = [...x.keys()].sort((a, b) => x[a] - x[b]);
    return [at(ends[0]), at(ends[ends.length - 1])];
}
"""


def small_notebook(target: Path, store: Path, space: str) -> None:
    """Write a notebook of the explorer alone."""
    code = f"import workbench\nbench = workbench.open({str(store)!r})"
    show = f"explorer = bench.similarity.explore({space!r})\nexplorer"
    cells = [nbformat.v4.new_code_cell(source) for source in (code, show)]
    spec = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    book = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": spec})
    target.write_text(nbformat.writes(book), encoding="utf-8")


@pytest.fixture(scope="module")
def lab(
    browser: Any, small_demo: Path, hostile_store: Path, tmp_path_factory: Any
) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("notebooks")
    put(NOTEBOOK, folder / "similarity.ipynb")
    small_notebook(folder / "hostile_points.ipynb", hostile_store, "face")
    command = [sys.executable, str(ROOT / "scripts" / "lab.py"), f"--store={small_demo}"]
    command += [f"--notebooks={folder}", *words()]
    with server(command, tmp_path_factory.mktemp("home"), ROOT) as address:
        yield address


def picture(watch: Watched) -> Any:
    """Return the explorer's picture, drawn and as wide as its room."""
    found = watch.page.locator(".wb-similarity .wb-canvas .js-plotly-plot")
    found.locator(".main-svg").first.wait_for(state="attached", timeout=30_000)
    watch.page.wait_for_function(
        """() => {
            const one = document.querySelector(".wb-canvas .js-plotly-plot");
            const wide = one.querySelector(".main-svg").getBoundingClientRect().width;
            return Math.abs(wide - one.parentElement.getBoundingClientRect().width) < 3;
        }""",
        timeout=20_000,
    )
    found.scroll_into_view_if_needed()
    return found


def text(watch: Watched, name: str) -> str:
    return str(watch.page.locator(f".wb-{name}").first.inner_text())


def changes(watch: Watched, name: str, before: str) -> str:
    """Wait until a panel says something else, and return it."""
    watch.page.wait_for_function(
        "([name, before]) => document.querySelector('.wb-' + name).innerText !== before",
        arg=[name, before],
        timeout=20_000,
    )
    return text(watch, name)


def click_a_point(watch: Watched, shown: Any, which: int = 0) -> None:
    x, y = shown.evaluate(ALONE)[which]
    watch.page.mouse.move(x - 5, y - 5)
    watch.page.mouse.move(x, y, steps=3)
    watch.page.wait_for_timeout(300)
    watch.page.mouse.click(x, y)


def check(watch: Watched) -> None:
    watch.errors = [said for said in watch.errors if SLOW not in said]
    watch.check()


def test_click_lasso_ask_colour_and_filter(browser: Any, lab: str) -> None:
    with watched(browser, width=1400, height=TALL) as watch:
        run_all(watch, lab, "similarity.ipynb")
        shown = picture(watch)
        asked = text(watch, "neighbours")
        assert "cosine" in asked and "random pairs" in asked
        click_a_point(watch, shown)
        clicked = changes(watch, "neighbours", asked)
        assert "nearest to" in clicked and "UTC" in clicked
        assert watch.page.locator(".wb-neighbours img").count() > 1
        assert "match" not in text(watch, "similarity").lower()

        count = text(watch, "count")
        box = shown.bounding_box()
        left, right = box["x"] + 80, box["x"] + box["width"] - 60
        top, bottom = box["y"] + 60, box["y"] + box["height"] - 80
        watch.page.mouse.move(left, top)
        watch.page.mouse.down()
        for x, y in ((right, top), (right, bottom), (left, bottom), (left, top + 4)):
            watch.page.mouse.move(x, y, steps=6)
        watch.page.mouse.up()
        assert "selected" in changes(watch, "count", count)

        legend = text(watch, "legend")
        assert "unidentified" in legend
        watch.page.locator(".wb-colour select").select_option(label="time")
        assert "time (UTC)" in changes(watch, "legend", legend)

        count = text(watch, "count")
        watch.page.locator(".wb-camera select").select_option(index=0)
        assert changes(watch, "count", count) != count

        query = watch.page.locator(".wb-query input")
        query.fill("id_0")
        query.press("Enter")
        said = changes(watch, "neighbours", clicked)
        assert "There is no appearance or identity 'id_0'." in said and "Did you mean" in said
        check(watch)


def test_names_that_are_html_stay_text(browser: Any, lab: str) -> None:
    with watched(browser, width=1400, height=2000) as watch:
        run_all(watch, lab, "hostile_points.ipynb")
        shown = picture(watch)
        assert "<b>Ben</b><img" in text(watch, "legend")
        said = text(watch, "neighbours")
        for which in (0, 1):
            click_a_point(watch, shown, which)
            said = changes(watch, "neighbours", said)
        options = watch.page.locator(".wb-camera select").inner_text()
        assert "<b>Office</b><svg" in options
        query = watch.page.locator(".wb-query input")
        query.fill("p2<b>Ben</b><img src=x onerror=window.pwned=1>")
        query.press("Enter")
        assert "<b>Ben</b><img" in changes(watch, "neighbours", said)
        assert watch.page.locator("img[src=x]").count() == 0
        assert watch.page.evaluate("window.pwned") is None
        check(watch)
