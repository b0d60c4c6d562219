"""How often two people meet by chance, and how often they did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from workbench.errors import InvalidInputError
from workbench.views import style
from workbench.views.charts.against_chance import chance_words, pair_name
from workbench.views.charts.chart import plural, wrapped
from workbench.views.style import Theme, ThemeName, escape

_MOST_BARS = 60  # whole numbers with a bar of their own; more of them share one
_WRITTEN = 24  # most bars with their height in words
_NEAR = 12  # so far from the bars the axis goes on as it is
_HEIGHT_PX, _LABELS_PX = 380, 40
_MEANT, _MAY_BE, _SEEN = "more than chance", "chance may explain it", "seen"


def null_histogram(
    counts: np.ndarray | Sequence[int],
    *,
    observed: int,
    p: float = float("nan"),
    q: float = float("nan"),
    expected: float | None = None,
    names: tuple[str, str],
    max_q: float = 0.05,
    tested: int | None = None,
    title: str | None = None,
    theme: ThemeName = "light",
) -> go.Figure:
    """Return the histogram of how often two meet by chance, and a line where they were seen to.

    One bar for each number of encounters; where these are more than 60, several share a bar. The
    axis is broken where what was seen is far from every bar. The bars count encounters and no
    more: `p` is of something else (runs of encounters, weighed by how many cameras they went over
    and how nearly together both came or went), and cannot be read from them.

    Parameters
    ----------
    counts : sequence of int
        Encounters in each sample of chance.
    observed : int
        Encounters that were seen.
    p, q : float, optional
        What was found out about chance; missing if unknown.
    expected : float, optional
        Mean of the encounters by chance; otherwise that of `counts`.
    names : (str, str)
        What the two are called.
    max_q : float
        What is more than chance.
    tested : int, optional
        Pairs of people over which q is taken.
    title : str, optional
    theme : {'light', 'dark'}

    Raises
    ------
    InvalidInputError
        When there is no sample.
    """
    look = style.theme(theme)
    drawn = np.asarray(counts, dtype="int64")
    if not len(drawn):
        raise InvalidInputError(
            "There is no sample of chance to draw.",
            where="counts",
            next="Give the encounters of each sample: Significance.null_counts(a, b).",
        )
    axis = _Axis.of(drawn, int(observed))
    verdict = _SEEN if pd.isna(q) else _MEANT if q <= max_q else _MAY_BE
    said = wrapped([*_said(drawn, int(observed), p, q, expected), *_of_q(q, tested)])
    asked = f"{pair_name(*names, {})}: is it chance?"
    heading = asked if title is None else escape(title)
    figure = go.Figure(_bars(drawn, axis, look))
    figure.update_layout(_layout(drawn, axis, heading, said, look))
    _mark(figure, axis, int(observed), verdict, look)
    return figure


@dataclass(frozen=True, slots=True)
class _Axis:
    """Where a number of encounters stands: bars of `step` numbers from `first` on, `n` of them.

    ``seen`` is where the line stands; ``gap`` is where the axis is broken, if it is.
    """

    first: int
    step: int
    n: int
    seen: float
    gap: float | None

    @classmethod
    def of(cls, counts: np.ndarray, observed: int) -> _Axis:
        """Return the axis that holds the bars, and the line if it is not far from them."""
        low, high = int(counts.min()), int(counts.max())
        far = max(_NEAR, 2 * (high - low + 1))
        broken = not low - far <= observed <= high + far
        if not broken:
            low, high = min(low, observed), max(high, observed)
        if low <= far:  # an axis from nothing on, where that is near
            low = 0 if not broken or observed > high else low
        step = _step(high - low + 1)
        first = low // step * step
        n = high // step - first // step + 1
        room = max(2.0, n / 6)
        if not broken:
            return cls(first, step, n, (observed - first) / step - (step - 1) / (2 * step), None)
        if observed > high:
            return cls(first, step, n, n - 1 + room, n - 1 + 0.5 * room)
        return cls(first, step, n, -room, -0.5 * room)

    @property
    def ends(self) -> tuple[float, float]:
        """Return the range of the axis."""
        left, right = min(-0.5, self.seen), max(self.n - 0.5, self.seen)
        return left - 0.6, right + 0.6

    def said(self, bar: int) -> str:
        """Return the numbers of a bar."""
        low = self.first + bar * self.step
        return f"{low:,}" if self.step == 1 else f"{low:,} to {low + self.step - 1:,}"

    def ticks(self, observed: int) -> tuple[list[float], list[str]]:
        """Return about a dozen ticks at the bars, and one at what was seen where it is far."""
        every = _step(self.n, 14)
        bars = [bar for bar in range(self.n) if (self.first // self.step + bar) % every == 0]
        at = [bar - (self.step - 1) / (2 * self.step) for bar in bars]
        texts = [f"{self.first + bar * self.step:,}" for bar in bars]
        far = self.gap is not None
        return at + [self.seen] * far, texts + [f"{observed:,}"] * far


def _step(wide: int, most: int = _MOST_BARS) -> int:
    """Return 1, 2, 5, 10, 20, ...: the first of which at most so many cover the width."""
    steps = (lead * 10**power for power in range(19) for lead in (1, 2, 5))
    return next(step for step in steps if step * most >= wide)


def _bars(counts: np.ndarray, axis: _Axis, look: Theme) -> go.Bar:
    n = len(counts)
    high = np.bincount((counts - axis.first) // axis.step, minlength=axis.n).tolist()
    return go.Bar(
        x=list(range(axis.n)),
        y=high,
        width=0.86,
        name="by chance",
        marker={"color": look.unknown, "line": {"width": 0}},
        opacity=0.75,
        hovertext=[
            f"<b>{axis.said(bar)} encounter{'s' * (axis.said(bar) != '1')}</b><br>"
            f"in {times:,} of {plural(n, 'sample')} of chance"
            for bar, times in enumerate(high)
        ],
        hovertemplate="%{hovertext}<extra></extra>",
        showlegend=False,
    )


def _said(
    counts: np.ndarray, observed: int, p: float, q: float, expected: float | None
) -> list[str]:
    low, high, n = int(counts.min()), int(counts.max()), len(counts)
    mean = float(counts.mean()) if expected is None or pd.isna(expected) else expected
    mean_said = f", on average {mean:.{2 if mean < 10 else 0}f}"
    span = f"{low:,}" if low == high else f"{low:,} to {high:,}"
    as_many = int((counts >= observed).sum())
    said = [
        f"seen to meet {_times(observed)}",
        f"by chance {span + mean_said if high else 'never'}",
        f"as many or more in {f'{as_many:,}' if as_many else 'none'} of {plural(n, 'sample')}",
    ]
    known = [word for word in (chance_words("p", p), chance_words("q", q)) if word]
    if known:
        said += [
            ", ".join(known),
            "the bars only count; p also weighs how many cameras they passed, how nearly together",
        ]
    return said


def _of_q(q: float, tested: int | None) -> list[str]:
    """Return why q is more than p; nothing where q is missing."""
    asked = "the pairs" if tested is None else plural(tested, "pair")
    return [] if pd.isna(q) else [f"q allows for all {asked} of people that were asked about"]


def _times(n: int) -> str:
    return {1: "once", 2: "twice"}.get(n, f"{n:,} times")


def _layout(
    counts: np.ndarray, axis: _Axis, heading: str, said: str, look: Theme
) -> dict[str, Any]:
    top = 62 + 15 * (said.count("<br>") + 1) + _LABELS_PX
    unit = "encounters" if axis.step == 1 else f"encounters, {axis.step:,} numbers a bar"
    return {
        "template": look.template,
        "height": _HEIGHT_PX + top - 120,
        "title": {
            "text": heading,
            "subtitle": {"text": said},
            "yref": "container",
            "y": 1.0,
            "yanchor": "top",
            "pad": {"l": 16, "t": 14},
        },
        "margin": {"l": 64, "r": 24, "t": top, "b": 56},
        "xaxis": {
            "title": {"text": unit},
            "range": list(axis.ends),
            "showgrid": False,
            "ticks": "",
        },
        "yaxis": {
            "title": {"text": f"samples of chance (of {len(counts):,})"},
            "rangemode": "tozero",
            "tickformat": ",d",
            "nticks": 6,
        },
        "showlegend": False,
        "uirevision": "null histogram",
    }


def _mark(figure: go.Figure, axis: _Axis, observed: int, verdict: str, look: Theme) -> None:
    """Draw the line of what was seen with its words, the heights of the bars and the break."""
    at, texts = axis.ticks(observed)
    figure.update_xaxes(tickvals=at, ticktext=texts)
    colour = {_MEANT: style.OKABE_ITO[1], _MAY_BE: look.soft}.get(verdict, look.ink)
    line = {"color": colour, "width": 3, "dash": "dot" if verdict == _MAY_BE else "solid"}
    figure.add_shape(
        type="line", xref="x", yref="paper", x0=axis.seen, x1=axis.seen, y0=0, y1=1.03, line=line
    )
    left, right = axis.ends
    share = (axis.seen - left) / (right - left)
    anchor = "left" if share < 0.25 else "right" if share > 0.75 else "center"
    words = f"<b>seen: {observed:,}</b>" + (f"<br>{verdict}" if verdict != _SEEN else "")
    figure.add_annotation(
        x=axis.seen, y=1.03, yref="paper", yanchor="bottom", xanchor=anchor, text=words,
        showarrow=False, align=anchor, font={"size": 12, "color": look.ink},
        xshift={"left": -4, "right": 4}.get(anchor, 0),
    )  # fmt: skip
    if axis.gap is not None:
        figure.add_annotation(
            x=axis.gap, y=0, yref="paper", yanchor="middle", text="∕∕", showarrow=False,
            bgcolor=look.paper, borderpad=0, font={"size": 14, "color": look.soft},
            hovertext="the axis is broken here",
        )  # fmt: skip
    _write_heights(figure, look)


def _write_heights(figure: go.Figure, look: Theme) -> None:
    bars = figure.data[0]
    if len(bars.x) > _WRITTEN:
        return
    for x, y in zip(bars.x, bars.y, strict=True):
        if y:
            figure.add_annotation(
                x=x, y=y, text=f"{y:,}", showarrow=False, yanchor="bottom", bgcolor=look.veil,
                borderpad=1, yshift=1, font={"size": 11, "color": look.soft},
            )  # fmt: skip
