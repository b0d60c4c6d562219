"""Who met whom by group: order, blanks, frames, what is left out, escapes."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.views.conftest import HOSTILE
from workbench.errors import InvalidInputError
from workbench.views.charts.pair_matrix import pair_matrix

GROUPS = {"a1": 0, "a2": 0, "a3": 0, "b1": 1, "b2": 1}


def pairs_of(*rows: tuple[str, str, int, float, float]) -> pd.DataFrame:
    """Return a table of pairs: (a, b, count, overlap, q)."""
    table = pd.DataFrame(rows, columns=["a", "b", "count", "overlap_s", "q"])
    return table.assign(cameras=2, days=1, expected=np.where(table["q"].isna(), np.nan, 0.5))


PAIRS = pairs_of(
    ("a1", "a2", 100, 90.0, 0.001),
    ("a2", "a3", 10, 30.0, 0.2),
    ("b1", "b2", 10, 3600.0, 0.05),
    ("a1", "b1", 1, 0.0, 1.0),
    ("b2", "x", 1, 5.0, 1.0),
)


def trace(figure: Any, kind: str) -> Any:
    return next(one for one in figure.data if one.type == kind)


def order(figure: Any) -> list[str]:
    return list(figure.layout.yaxis.ticktext)


def said(figure: Any) -> str:
    return figure.layout.title.subtitle.text.replace("<br>", " · ")


def cell(figure: Any, one: str, two: str) -> tuple[Any, str]:
    at = order(figure)
    cells = trace(figure, "heatmap")
    return cells.z[at.index(one)][at.index(two)], cells.hovertext[at.index(one)][at.index(two)]


def test_the_colour_is_the_logarithm_of_the_count_both_ways_and_blank_where_two_never_met():
    figure = pair_matrix(PAIRS, groups=GROUPS)
    assert cell(figure, "a1", "a2") == cell(figure, "a2", "a1")
    assert cell(figure, "a1", "a2")[0] == 2 and cell(figure, "a1", "b1")[0] == 0
    assert np.isnan(cell(figure, "a1", "b2")[0]) and cell(figure, "a1", "b2")[1] == ""
    assert np.isnan(cell(figure, "a1", "a1")[0])
    assert list(trace(figure, "heatmap").colorbar.ticktext) == ["1", "10", "100"]
    assert order(figure) == list(figure.layout.xaxis.ticktext)


def test_time_together_is_coloured_from_one_second_on():
    figure = pair_matrix(PAIRS, groups=GROUPS, value="overlap_s")
    assert cell(figure, "b1", "b2")[0] == pytest.approx(np.log10(3600))
    assert cell(figure, "a1", "b1")[0] == 0
    assert list(trace(figure, "heatmap").colorbar.ticktext) == [
        "≤ 1 s", "10 s", "1 min", "10 min", "1 h 00 min",
    ]  # fmt: skip
    assert any(one.text == "time together" for one in figure.layout.annotations)


def test_groups_stand_together_and_who_is_in_none_comes_last():
    figure = pair_matrix(PAIRS, groups=GROUPS)
    assert {*order(figure)[:3]} == {"a1", "a2", "a3"} and {*order(figure)[3:5]} == {"b1", "b2"}
    assert order(figure)[5] == "x"
    texts = [(one.text, one.y) for one in figure.layout.annotations[2:]]
    assert texts == [("group 1 · 3", 1), ("group 2 · 2", 3.5), ("no group · 1", 5)]
    between = {(one.y0, one.y1) for one in figure.layout.shapes if one.y0 == one.y1}
    assert between == {(2.5, 2.5), (4.5, 4.5)}
    assert {one.x0 for one in figure.layout.shapes if one.x0 == one.x1} == {2.5, 4.5}


def test_without_groups_there_is_neither_a_line_nor_a_label():
    figure = pair_matrix(PAIRS, groups={})
    assert [one.text for one in figure.layout.annotations] == ["encounters"]
    assert len(figure.layout.shapes) == 1


def test_inside_a_group_those_who_meet_much_are_neighbours():
    table = pairs_of(
        *((a, b, 50 if (a in "aceg") == (b in "aceg") else 1, 1.0, np.nan)
          for a, b in itertools.combinations("abcdefgh", 2))
    )  # fmt: skip
    found = order(pair_matrix(table, groups=dict.fromkeys("abcdefgh", 0)))
    assert {frozenset(found[:4]), frozenset(found[4:])} == {frozenset("aceg"), frozenset("bdfh")}


def test_what_is_more_than_chance_is_framed_on_both_sides():
    figure = pair_matrix(PAIRS, groups=GROUPS)
    frames = [one for one in figure.data if one.type == "scatter" and one.mode == "lines"]
    at = order(figure)
    middles = {
        (round(np.mean(ys[:4]), 6), round(np.mean(xs[:4]), 6))
        for xs, ys in zip(
            np.reshape(frames[0].x, (-1, 6)), np.reshape(frames[0].y, (-1, 6)), strict=True
        )
    }
    expected = {(at.index(a), at.index(b)) for a, b in (("a1", "a2"), ("b1", "b2"))}
    assert middles == expected | {(b, a) for a, b in expected}
    assert [one.name for one in figure.data if one.showlegend] == ["more than chance (q ≤ 0.05)"]
    assert "2 more than chance (q ≤ 0.05)" in said(figure)
    none = pair_matrix(PAIRS.assign(q=1.0), groups=GROUPS)
    assert [one.type for one in none.data] == ["heatmap"]
    assert "none more than chance" in said(none)


def test_the_hover_says_who_how_often_how_long_and_what_chance_makes():
    figure = pair_matrix(PAIRS, groups=GROUPS, names={"b1": "Bea"})
    assert cell(figure, "Bea", "b2")[1] == (
        "<b>Bea & b2</b><br>b1 & b2<br>10 encounters at 2 cameras on 1 day<br>"
        "both there for 1 h 00 min<br>by chance 0.5; q = 0.05"
    )
    plain = pair_matrix(PAIRS.assign(q=np.nan, expected=np.nan), groups=GROUPS)
    assert cell(plain, "b1", "b2")[1].endswith("both there for 1 h 00 min")
    assert said(plain).endswith("whether it is chance was not asked · blank: never together")


def test_of_many_those_of_framed_pairs_are_drawn_first_then_those_with_most_encounters():
    figure = pair_matrix(PAIRS.assign(q=[1.0, 1.0, 0.001, 1.0, 1.0]), groups=GROUPS, most=4)
    assert {*order(figure)} == {"b1", "b2", "a1", "a2"}
    assert said(figure).startswith(
        "drawn: 4 of 6 people (framed pairs first, then most encounters) · 3 of 5 pairs · "
        "for the others: ask for fewer people, or set min_days=, min_overlap_s="
    )
    assert "group 1 · 2 of 3" in [one.text for one in figure.layout.annotations]
    two = pair_matrix(PAIRS, groups=GROUPS, most=2)
    assert {*order(two)} == {"a1", "a2"} and "1 of 2 more than chance" in said(two)


def test_names_below_the_columns_go_where_they_have_no_room():
    ring = [f"p{i:03d}" for i in range(70)]
    table = pairs_of(*((a, b, 1, 1.0, np.nan) for a, b in itertools.pairwise(ring)))
    few = pair_matrix(table, groups={}, most=40).layout
    all_of_them = pair_matrix(table, groups={}, most=70).layout
    assert few.xaxis.showticklabels and not all_of_them.xaxis.showticklabels
    assert len(all_of_them.yaxis.ticktext) == 70 and all_of_them.height > few.height


def test_pairs_of_sightings_are_counted_and_have_no_length():
    table = PAIRS.assign(overlap_s=np.nan, q=np.nan)
    figure = pair_matrix(table, groups=GROUPS, method="pairs")
    assert cell(figure, "a1", "a2")[1].endswith("100 pairs of sightings at 2 cameras on 1 day")
    assert "122 pairs of sightings" in said(figure)
    with pytest.raises(InvalidInputError, match="no length"):
        pair_matrix(table, groups=GROUPS, method="pairs", value="overlap_s")


def test_names_are_shown_and_never_run():
    figure = pair_matrix(PAIRS, groups=GROUPS, names={"a1": HOSTILE}, title=HOSTILE)
    text = figure.to_json()
    assert "<img" not in text and "\\u003cimg" not in text
    assert any("&lt;img" in one for one in order(figure))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nobody_with_anybody_is_said(theme: str):
    figure = pair_matrix(PAIRS.iloc[:0], groups={}, theme=theme)
    assert len(figure.data) == 0 and "nobody was with anybody" in said(figure)
    assert not figure.layout.shapes and not figure.layout.annotations


@pytest.mark.parametrize(
    ("given", "where"),
    [({"value": "lift"}, "value"), ({"most": 1}, "most"), ({"most": 2.5}, "most")],
)
def test_what_cannot_be_drawn_is_said(given: dict[str, Any], where: str):
    with pytest.raises(InvalidInputError) as caught:
        pair_matrix(PAIRS, groups=GROUPS, **given)
    assert caught.value.where == where
