"""What a result with a picture is where it is looked at: a notebook, any page, a terminal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from IPython.core.formatters import DisplayFormatter

import workbench

RESULTS: dict[str, Callable[[workbench.Workbench], Any]] = {
    "trajectory": lambda bench: bench.tracks.trajectory("p2"),
    "timeline": lambda bench: bench.tracks.timeline("p2"),
    "activity": lambda bench: bench.tracks.activity(),
    "camera map": lambda bench: bench.cameras.map(),
    "neighbours": lambda bench: bench.similarity.like(identity="p1", k=3),
}


@pytest.mark.parametrize("of", RESULTS.values(), ids=RESULTS)
def test_a_notebook_shows_the_picture_in_kilobytes(
    bench: workbench.Workbench, of: Callable[[workbench.Workbench], Any]
) -> None:
    result = of(bench)
    shown, _ = DisplayFormatter().format(result)
    assert shown["application/vnd.plotly.v1+json"]["data"]
    # IPython asks for each kind that the bundle leaves out: plotly.js would be in every output.
    assert len(str(shown)) < 300_000
    assert shown["text/html"] != result._repr_html_()


@pytest.mark.parametrize("of", RESULTS.values(), ids=RESULTS)
def test_its_html_is_the_picture_with_everything_it_needs(
    bench: workbench.Workbench, of: Callable[[workbench.Workbench], Any]
) -> None:
    html = of(bench)._repr_html_()
    assert "Plotly.newPlot(" in html
    assert '<script src="' not in html, "drawn by something that is not in it"
    assert len(html) > 1_000_000, "without plotly.js"
