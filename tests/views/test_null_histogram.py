"""The histogram of chance: one bar a number, a line for what was seen, and its words."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.views.conftest import HOSTILE
from workbench.errors import InvalidInputError
from workbench.views import style
from workbench.views.charts.null_histogram import null_histogram

COUNTS = [0] * 78 + [1] * 8 + [2] * 11 + [3, 4, 4]
NAMES = ("Ann", "Bo")


def line(figure: Any) -> Any:
    return next(shape for shape in figure.layout.shapes if shape.type == "line")


def words(figure: Any) -> str:
    return next(one.text for one in figure.layout.annotations if "seen" in one.text)


def said(figure: Any) -> str:
    return figure.layout.title.subtitle.text.replace("<br>", " · ")


def test_one_bar_for_each_number_and_a_line_where_two_were_seen():
    figure = null_histogram(COUNTS, observed=6, p=3.7e-5, q=0.0146, expected=0.41, names=NAMES)
    bars = figure.data[0]
    assert list(bars.y) == [78, 8, 11, 1, 2, 0, 0]
    assert list(figure.layout.xaxis.ticktext) == ["0", "1", "2", "3", "4", "5", "6"]
    assert (line(figure).x0, line(figure).x1) == (6, 6)
    assert words(figure) == "<b>seen: 6</b><br>more than chance"
    assert bars.hovertext[1] == "<b>1 encounter</b><br>in 8 of 100 samples of chance"
    assert figure.layout.yaxis.title.text == "samples of chance (of 100)"
    assert figure.layout.title.text == "Ann & Bo: is it chance?"


def test_the_subtitle_says_that_p_is_not_of_the_bars():
    assert said(null_histogram(COUNTS, observed=6, p=3.7e-5, q=0.0146, names=NAMES)) == (
        "seen to meet 6 times · by chance 0 to 4, on average 0.41 · "
        "as many or more in none of 100 samples · p &lt; 0.0001, q = 0.015 · "
        "the bars only count; p also weighs how many cameras they passed, how nearly together · "
        "q allows for all the pairs of people that were asked about"
    )
    figure = null_histogram(COUNTS, observed=6, q=0.98, tested=78_210, names=NAMES)
    assert said(figure).endswith("q allows for all 78,210 pairs of people that were asked about")
    plain = said(null_histogram(COUNTS, observed=2, expected=0.5, names=NAMES))
    assert plain == (
        "seen to meet twice · by chance 0 to 4, on average 0.50 · "
        "as many or more in 14 of 100 samples"
    )


@pytest.mark.parametrize(
    ("q", "colour", "dash", "verdict"),
    [
        (0.05, style.OKABE_ITO[1], "solid", "<br>more than chance"),
        (0.051, style.theme("light").soft, "dot", "<br>chance may explain it"),
        (np.nan, style.theme("light").ink, "solid", ""),
    ],
)
def test_the_line_says_what_q_says_by_words_colour_and_dashes(
    q: float, colour: str, dash: str, verdict: str
):
    figure = null_histogram(COUNTS, observed=6, q=q, names=NAMES)
    assert (line(figure).line.color, line(figure).line.dash) == (colour, dash)
    assert words(figure) == f"<b>seen: 6</b>{verdict}"


def test_what_was_seen_among_the_bars_stands_in_its_bar():
    figure = null_histogram(np.array([1, 2, 2, 3]), observed=1, names=NAMES)
    assert line(figure).x0 == 1
    assert list(figure.data[0].y) == [0, 1, 2, 1]


def test_no_encounter_by_chance_is_one_bar():
    figure = null_histogram(np.zeros(100, dtype=int), observed=1, names=NAMES)
    assert list(figure.data[0].y) == [100, 0]
    assert "by chance never · as many or more in none of 100 samples" in said(figure)


@pytest.mark.parametrize(("counts", "observed"), [(COUNTS, 1220), ([500, 501, 503], 3)])
def test_far_from_the_bars_the_axis_is_broken_and_the_number_written(
    counts: list[int], observed: int
):
    figure = null_histogram(counts, observed=observed, names=NAMES)
    bars, low, high = figure.data[0], *figure.layout.xaxis.range
    at = dict(zip(figure.layout.xaxis.tickvals, figure.layout.xaxis.ticktext, strict=True))
    assert at[line(figure).x0] == f"{observed:,}"
    assert low < line(figure).x0 < high
    assert line(figure).x0 > len(bars.x) if observed == 1220 else line(figure).x0 < -1
    assert any(one.text == "∕∕" for one in figure.layout.annotations)
    assert len(bars.x) / (high - low) > 0.4


def test_many_numbers_share_a_bar_and_the_axis_says_so():
    counts = np.random.default_rng(0).poisson(900, 400)
    figure = null_histogram(counts, observed=930, names=NAMES)
    bars = figure.data[0]
    assert len(bars.x) <= 60 and sum(bars.y) == 400
    assert figure.layout.xaxis.title.text == "encounters, 5 numbers a bar"
    at = bars.hovertext.index(next(one for one in bars.hovertext if "930 to 934" in one))
    assert bars.y[at] == ((counts >= 930) & (counts <= 934)).sum()
    assert at - 0.5 < line(figure).x0 < at + 0.5


def test_names_and_titles_are_shown_and_never_run():
    for figure in (
        null_histogram(COUNTS, observed=6, names=(HOSTILE, "Bo")),
        null_histogram(COUNTS, observed=6, names=NAMES, title=HOSTILE),
    ):
        text = figure.to_json()
        assert "<img" not in text and "\\u003cimg" not in text
        assert "&lt;img" in figure.layout.title.text


def test_without_a_sample_there_is_nothing_to_draw():
    with pytest.raises(InvalidInputError, match="no sample") as caught:
        null_histogram([], observed=6, names=NAMES)
    assert caught.value.where == "counts"
