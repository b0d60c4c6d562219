"""Who was together, and is it chance: what is filled, what is open, and hostile names."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from tests.views.conftest import HOSTILE
from workbench.views import style
from workbench.views.charts.against_chance import against_chance

ROWS = pd.DataFrame(
    {
        "a": ["p1", "p1", "p2"],
        "b": ["p2", "p3", "p3"],
        "count": [9, 4, 12],
        "cameras": [3, 1, 2],
        "days": [2, 1, 2],
        "expected": [0.5, 3.2, 11.0],
        "q": [0.00001, 0.4, 1.0],
        "low": [0.0, 1.0, 7.0],
        "high": [2.0, 6.0, 15.0],
    }
)


def named(figure: Any, name: str) -> Any:
    return next(trace for trace in figure.data if trace.name.startswith(name))


def test_what_is_more_than_chance_is_filled():
    figure = against_chance(ROWS)
    meant, open_ones = named(figure, "seen, more"), named(figure, "seen, chance")
    assert (list(meant.x), list(meant.y), meant.marker.symbol) == ([9], [0], "circle")
    assert meant.marker.color == style.OKABE_ITO[1] != open_ones.marker.color
    assert (list(open_ones.x), open_ones.marker.symbol) == ([4, 12], "circle-open")
    assert "9 encounters at 3 cameras on 2 days" in meant.hovertext[0]
    assert "by chance 0.5 (middle 90 %: 0 to 2)" in meant.hovertext[0]
    assert "q &lt; 0.0001" in meant.hovertext[0] and "q = 0.4" in open_ones.hovertext[0]


def test_the_bars_are_those_of_chance():
    bars, means = (named(against_chance(ROWS), f"by chance: {what}") for what in ("middle", "mean"))
    assert [x for x in bars.x if x is not None] == [0, 2, 1, 6, 7, 15]
    assert [x for x in means.x if x is not None] == [0.5, 0.5, 3.2, 3.2, 11, 11]


def test_without_chance_only_what_was_seen_is_drawn():
    blank = ROWS.assign(**dict.fromkeys(("expected", "q", "low", "high"), np.nan))
    figure = against_chance(blank)
    assert [trace.name for trace in figure.data] == ["seen"]
    assert figure.layout.title.text == "Who was together"
    assert "chance" not in figure.data[0].hovertext[0]


def test_names_are_shown_and_never_run():
    figure = against_chance(ROWS, names={"p1": HOSTILE}, note=HOSTILE, title=HOSTILE)
    said = figure.to_json()
    assert "<img" not in said and "\\u003cimg" not in said
    assert "&lt;img" in figure.layout.yaxis.ticktext[0]
    assert figure.layout.yaxis.ticktext[2] == "p2 & p3"


def said(figure: Any) -> str:
    return figure.layout.title.subtitle.text.replace("<br>", " · ")


def test_the_subtitle_says_how_many_of_how_many_and_over_how_many_q_is():
    text = said(against_chance(ROWS, note="the first", met=1846, tested=78_210))
    assert text == (
        "3 of 1,846 pairs that met: the first · 1 of these more than chance (q ≤ 0.05) · "
        "q over all 78,210 pairs of people, met or not"
    )
    assert said(against_chance(ROWS, met=3)).startswith("3 pairs · 1 of these")
    assert said(against_chance(ROWS, max_q=1e-9, tested=1)).endswith(
        "none of these more than chance (q ≤ 1e-09) · q over all 1 pair of people, met or not · "
        "beyond its bar yet open: some of so many are, and a walk past many cameras is one event"
    )


def test_a_subtitle_of_more_lines_takes_its_room_from_nothing():
    one, more = against_chance(ROWS.assign(q=np.nan)), against_chance(ROWS, note="x" * 80)
    assert one.layout.margin.t == 84
    assert more.layout.margin.t - one.layout.margin.t == 15
    assert more.layout.height - one.layout.height == 15


def test_pairs_of_sightings_are_not_called_encounters():
    figure = against_chance(ROWS, method="pairs")
    assert figure.layout.xaxis.title.text == "pairs of sightings"
    assert "9 pairs of sightings at 3 cameras" in figure.data[2].hovertext[0]
    assert against_chance(ROWS).layout.xaxis.title.text == "encounters"


def test_nobody_gives_an_empty_picture():
    assert len(against_chance(ROWS.iloc[:0]).data) == 0
