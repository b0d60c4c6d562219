"""Which pairs a network shows: thresholds to slide, whose they are, and how many are drawn."""

from __future__ import annotations

from collections.abc import Callable

import ipywidgets as W
import numpy as np
import pandas as pd

from workbench.views.charts.network import MOST
from workbench.views.style import duration

_USUAL = 40
_COUNTS = (1, 2, 3, 4, 5, 7, 10, 15, 20, 30, 50, 70, 100, 200, 300, 500, 1000, 2000, 5000, 10_000)
_LENGTHS_S = (0, 1, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 18_000, 36_000)
_CHANCES = (0.2, 0.1, 0.05, 0.01, 0.001)
_ORDERS = {
    "chance": ["q", "p", "count"],
    "count": ["count"],
    "overlap": ["overlap_s", "count"],
    "days": ["days", "count"],
}
_SAID = {
    "chance": "chance explains least",
    "count": "met most often",
    "overlap": "together longest",
    "days": "met on most days",
}
_LOWEST_FIRST = ("q", "p")


class Thresholds(W.VBox):
    """Sliders, and the pairs that they leave.

    Parameters
    ----------
    pairs : DataFrame
        ``a, b, count, overlap_s, days, p, q``.
    """

    def __init__(self, pairs: pd.DataFrame) -> None:
        self._pairs = pairs
        asked, long = bool(pairs["q"].notna().any()), bool((pairs["overlap_s"] > 0).any())
        orders = ["chance"] * asked + ["count"] + ["overlap"] * long + ["days"]
        self.order = W.Dropdown(
            options=[(_SAID[one], one) for one in orders], description="first",
        )  # fmt: skip
        most = max(1, min(len(pairs), MOST))
        self.top = W.IntSlider(
            value=min(_USUAL, most), min=1, max=most, description="draw", continuous_update=False,
        )  # fmt: skip
        self.count = _slider("times", _COUNTS, pairs["count"].max(), "{:,}".format)
        self.overlap = _slider("overlap", _LENGTHS_S, pairs["overlap_s"].max(), duration)
        self.days = W.IntSlider(
            value=1, min=1, max=max(int(pairs["days"].max()) if len(pairs) else 1, 1),
            description="days", continuous_update=False,
        )  # fmt: skip
        self.chance = W.SelectionSlider(
            options=[("any", np.inf), *((f"q ≤ {one:g}", one) for one in _CHANCES)],
            description="chance", continuous_update=False,
        )  # fmt: skip
        shown = [self.order, self.top, self.count]
        shown += [self.overlap] if long else []
        shown += [self.days] + ([self.chance] if asked else [])
        for widget, tip in zip(
            (self.order, self.top, self.count, self.overlap, self.days, self.chance),
            ("which pairs are drawn first", "how many pairs are drawn", "together so often or more",
             "so long at the same time or longer", "on so many days or more",
             "how well chance explains it, at most"),
            strict=True,
        ):  # fmt: skip
            widget.tooltip, widget.style.description_width = tip, "52px"
            widget.layout.width = "285px"
        for name, widget in self._named().items():
            widget.add_class(f"wb-{name}")
        super().__init__([W.HBox(shown, layout=W.Layout(flex_flow="row wrap"))])

    def _named(self) -> dict[str, W.Widget]:
        names = ("order", "top", "count", "overlap", "days", "chance")
        return {f"least-{name}": getattr(self, name) for name in names}

    def listen(self, listener: Callable[[], None]) -> None:
        """Call a function whenever one of them is another."""
        for widget in self._named().values():
            widget.observe(lambda _: listener(), "value")

    def left(self) -> pd.DataFrame:
        """Return the pairs that reach all thresholds, the first of them first."""
        rows = self._pairs
        kept = (rows["count"] >= self.count.value) & (rows["days"] >= self.days.value)
        if self.overlap.value > 0:
            kept &= rows["overlap_s"] >= self.overlap.value
        if np.isfinite(self.chance.value):
            kept &= rows["q"] <= self.chance.value
        by = _ORDERS[self.order.value]
        up = [name in _LOWEST_FIRST for name in by]
        return rows[kept].sort_values(
            [*by, "a", "b"], ascending=[*up, True, True], kind="stable", ignore_index=True
        )

    def drawn(self, left: pd.DataFrame, around: str | None) -> pd.DataFrame:
        """Return which of these are drawn: the first; `around` somebody hers, then of hers.

        Those among the people she was with follow, so far as there is room.
        """
        if around is None:
            return left.head(self.top.value)
        hers = (left["a"] == around) | (left["b"] == around)
        first = left[hers].head(self.top.value)
        known = {*first["a"], *first["b"]}
        among = left[~hers & left["a"].isin(known) & left["b"].isin(known)]
        return pd.concat([first, among.head(MOST - len(first))], ignore_index=True)

    def clear(self) -> None:
        """Take all thresholds away."""
        self.count.index = self.overlap.index = self.chance.index = 0
        self.days.value, self.top.value = 1, min(_USUAL, self.top.max)

    def said(self, left: int, drawn: pd.DataFrame, around: bool) -> str:
        """Return how much is drawn, and what to do where that is not all."""
        people = len({*drawn["a"], *drawn["b"]})
        if not left:
            return "<b>No pair reaches these thresholds.</b> Lower one, or press “show all”."
        if not len(drawn):
            return (
                "<b>No pair of hers reaches these thresholds.</b> Lower one, or press “show all”."
            )
        pairs = f"<b>{len(drawn):,} of {left:,} pairs</b>, {people:,} people"
        if around or len(drawn) == left:
            return pairs
        more = "draw more, " if self.top.value < self.top.max else ""
        return (
            f"{pairs}, first: {_SAID[self.order.value]}. To see others {more}raise a threshold, or "
            "search for somebody and draw only whom she met."
        )

    def __repr__(self) -> str:
        return "Thresholds()"


def _slider(
    name: str, steps: tuple[int, ...], most: float, said: Callable[[int], str]
) -> W.SelectionSlider:
    last = steps[0] if pd.isna(most) else most
    options = [(said(one), one) for one in steps if one <= max(last, steps[0])]
    return W.SelectionSlider(options=options, description=name, continuous_update=False)
