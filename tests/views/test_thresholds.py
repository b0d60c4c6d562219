"""The thresholds of a network: which pairs they leave, whose, and what is said of the others."""

from __future__ import annotations

import numpy as np
import pytest

from tests.views.pairs import chain, clique, pairs

pytest.importorskip("ipywidgets", reason="ipywidgets is not installed (the extra lab)")

from workbench.views.charts.network import MOST
from workbench.views.explorers.thresholds import Thresholds


def left(limits: Thresholds) -> list[str]:
    return (limits.left()["a"] + limits.left()["b"]).tolist()


def test_each_threshold_leaves_what_it_says() -> None:
    limits = Thresholds(pairs())
    assert left(limits) == ["p1p2", "p4p5", "p1p3", "p5p6", "p2p3"]
    limits.count.value = 3
    assert left(limits) == ["p1p2", "p1p3", "p2p3"]
    limits.clear()
    limits.overlap.value = 60
    assert left(limits) == ["p1p2", "p1p3", "p2p3"]
    limits.overlap.value = 600
    assert left(limits) == ["p1p2"]
    limits.clear()
    limits.days.value = 2
    assert left(limits) == ["p1p2", "p4p5", "p1p3", "p2p3"]
    limits.clear()
    limits.chance.value = 0.05
    assert left(limits) == ["p1p2", "p4p5"]
    limits.clear()
    assert len(left(limits)) == 5


@pytest.mark.parametrize(
    ("order", "first"),
    [
        ("chance", ["p1p2", "p4p5", "p1p3", "p5p6", "p2p3"]),
        ("count", ["p1p2", "p1p3", "p2p3", "p4p5", "p5p6"]),
        ("overlap", ["p5p6", "p1p2", "p1p3", "p2p3", "p4p5"]),
        ("days", ["p1p2", "p1p3", "p4p5", "p2p3", "p5p6"]),
    ],
)
def test_the_order_says_who_is_first(order: str, first: list[str]) -> None:
    rows = pairs()
    rows.loc[2, "days"], rows.loc[4, "overlap_s"] = 1, 9000.0
    limits = Thresholds(rows.sample(frac=1, random_state=1))
    limits.order.value = order
    assert left(limits) == first
    limits.top.value = 2
    some = limits.drawn(limits.left(), None)
    assert (some["a"] + some["b"]).tolist() == first[:2]
    assert f"people, first: {dict((b, a) for a, b in limits.order.options)[order]}" in limits.said(
        5, some, False
    )


def test_a_threshold_is_told_to_who_listens() -> None:
    limits, heard = Thresholds(pairs()), []
    limits.listen(lambda: heard.append(len(limits.left())))
    limits.count.value, limits.top.value, limits.order.value = 2, 3, "days"
    limits.days.value, limits.chance.value, limits.overlap.value = 2, 0.1, 5
    assert heard == [4, 4, 4, 4, 2, 2]


def test_sliders_end_where_the_pairs_do_and_show_only_what_is_known() -> None:
    limits = Thresholds(pairs())
    assert [value for _, value in limits.count.options] == [1, 2, 3, 4, 5, 7, 10, 15, 20, 30]
    assert [label for label, _ in limits.overlap.options][-2:] == ["30 min", "1 h 00 min"]
    assert (limits.days.max, limits.top.max) == (3, 5)
    plain = Thresholds(pairs(asked=False, overlap_s=np.nan))
    assert [label for label, _ in plain.order.options] == ["met most often", "met on most days"]
    shown = plain.children[0].children
    assert plain.chance not in shown and plain.overlap not in shown and plain.count in shown
    assert left(plain) == ["p1p2", "p1p3", "p2p3", "p4p5", "p5p6"]
    assert repr(plain) == "Thresholds()"


def test_her_neighbourhood_is_hers_and_those_among_whom_she_met() -> None:
    limits = Thresholds(pairs())
    around = limits.drawn(limits.left(), "p2")
    assert (around["a"] + around["b"]).tolist() == ["p1p2", "p2p3", "p1p3"]
    limits.top.value = 1
    around = limits.drawn(limits.left(), "p2")
    assert (around["a"] + around["b"]).tolist() == ["p1p2"], "p3 is not drawn, so neither is hers"
    crowd = Thresholds(pairs(clique(40)))
    crowd.top.value = 39
    around = crowd.drawn(crowd.left(), "c00")
    assert len(around) == MOST and (around.head(39)[["a", "b"]] == "c00").any(axis=1).all()


def test_it_is_said_how_much_is_drawn_and_what_to_do() -> None:
    limits = Thresholds(pairs(chain(90)))
    some = limits.drawn(limits.left(), None)
    assert (len(some), limits.top.max) == (40, 90)
    said = limits.said(90, some, False)
    assert said.startswith("<b>40 of 90 pairs</b>, 41 people, first: met most often.")
    assert "draw more, raise a threshold" in said
    limits.top.value = 90
    assert (
        limits.said(90, limits.drawn(limits.left(), None), False)
        == "<b>90 of 90 pairs</b>, 91 people"
    )
    assert limits.said(0, some.iloc[:0], False).startswith(
        "<b>No pair reaches these thresholds.</b>"
    )
    assert limits.said(9, some.iloc[:0], True).startswith("<b>No pair of hers reaches these")
    many = Thresholds(pairs(chain(400)))
    many.top.value = many.top.max
    assert many.top.max == MOST
    said = many.said(400, many.drawn(many.left(), None), False)
    assert said.startswith("<b>300 of 400 pairs</b>") and "draw more" not in said
