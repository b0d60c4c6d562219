"""How often two were together, beside what chance would make of it: one row a pair."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from workbench.views import style
from workbench.views.charts.chart import at_cameras, plural, wrapped
from workbench.views.style import Theme, ThemeName, escape

Method = Literal["encounters", "pairs"]
"""What is counted: encounters, or pairs of sightings."""
COUNTED = {"encounters": "encounters", "pairs": "pairs of sightings"}
"""What several of those are called."""
_ROW_PX, _NAME = 28, 20
_YET_OPEN = (
    "beyond its bar yet open: some of so many are, and a walk past many cameras is one event"
)


def against_chance(
    pairs: pd.DataFrame,
    *,
    names: Mapping[str, str] | None = None,
    max_q: float = 0.05,
    note: str = "",
    met: int | None = None,
    tested: int | None = None,
    method: Method = "encounters",
    title: str | None = None,
    theme: ThemeName = "light",
) -> go.Figure:
    """Return the picture of some pairs: a dot for what was seen, a bar for what chance makes.

    A dot is filled where chance does not explain it (q of at most `max_q`) and open where it may.
    The bar holds the middle 90 % of what chance made of the pair, its line the mean.

    Parameters
    ----------
    pairs : DataFrame
        ``a, b, count, cameras, days, expected, q`` and ``low, high`` (5 and 95 % of chance), in
        the order of the rows; the last four missing where chance was not asked about.
    names : mapping of str to str, optional
        What identities are called.
    max_q : float
    note : str
        Which pairs these are, for the subtitle; not escaped.
    met : int, optional
        Pairs that met in all, of which these are drawn.
    tested : int, optional
        Pairs of people over which q is taken, those who never met among them.
    method : {'encounters', 'pairs'}
        What `count` counts: encounters, or pairs of sightings.
    title : str, optional
    theme : {'light', 'dark'}
    """
    look, called = style.theme(theme), names or {}
    rows = pairs.reset_index(drop=True).assign(row=np.arange(len(pairs)))
    asked = bool(rows["q"].notna().any())
    meant = (rows["q"] <= max_q) & rows["q"].notna()
    figure = go.Figure()
    if asked:
        figure.add_traces(_chance(rows, look))
    for part, name, symbol in (
        (rows[meant], f"seen, more than chance (q ≤ {max_q:g})", "circle"),
        (rows[~meant], "seen, chance may explain it" if asked else "seen", "circle-open"),
    ):
        if len(part):
            figure.add_trace(_seen(part, name, symbol, _hovers(part, called, method), look))
    verdict = _verdict(rows, meant, max_q, tested) if asked else []
    said = wrapped([_which(len(rows), note, met), *verdict])
    top, height = 69 + 15 * (said.count("<br>") + 1), 210 + _ROW_PX * max(len(rows), 3)
    heading = "Who was together" + (", and is it chance?" if asked else "")
    figure.update_layout(
        template=look.template,
        title={
            "text": escape(heading if title is None else title),
            "subtitle": {"text": said},
            "x": 0, "xref": "container", "pad": {"l": 16, "t": 14},
            "y": 1, "yanchor": "top", "yref": "container",
        },
        height=height + top - 84,
        margin={"l": 20, "r": 20, "t": top, "b": 110},
        xaxis={"title": {"text": COUNTED[method]}, "rangemode": "tozero", "zeroline": True},
        yaxis={
            "tickvals": rows["row"].tolist(),
            "ticktext": [pair_name(row["a"], row["b"], called) for row in rows.to_dict("records")],
            "range": [len(rows) - 0.4, -0.6],
            "showgrid": False, "ticks": "", "automargin": True,
            "ticklabelstandoff": 6,
        },
        legend={
            "orientation": "h", "x": 0, "y": 8 / (height + top - 84),
            "yref": "container", "yanchor": "bottom", "itemclick": False, "itemdoubleclick": False,
        },
        uirevision="against chance",
    )  # fmt: skip
    return figure


def pair_name(a: str, b: str, names: Mapping[str, str]) -> str:
    """Return what two are called, escaped.

    Examples
    --------
    >>> pair_name("p1", "p2", {"p1": "Ann"})
    'Ann & p2'
    """
    return " & ".join(escape(names.get(one, one), longest=_NAME) for one in (a, b))


def counted_words(n: int, method: Method) -> str:
    """Return how often two met, in the words of what was counted.

    Examples
    --------
    >>> counted_words(1, "encounters"), counted_words(1200, "pairs")
    ('1 encounter', '1,200 pairs of sightings')
    """
    return f"{plural(n, 'pair')} of sightings" if method == "pairs" else plural(n, "encounter")


def met_words(
    row: Mapping[Any, Any], names: Mapping[str, str], method: Method = "encounters"
) -> list[str]:
    """Return the first lines of the hover of a pair: who, their ids if others, how often, where."""
    called, ids = pair_name(row["a"], row["b"], names), pair_name(row["a"], row["b"], {})
    return [
        f"<b>{called}</b>",
        *([ids] if ids != called else []),
        f"{counted_words(int(row['count']), method)}{at_cameras(row['cameras'])} on "
        f"{plural(int(row['days']), 'day')}",
    ]


def chance_words(name: str, value: float) -> str:
    """Return a p or a q as it stands in a picture, as HTML; nothing where it is missing.

    Examples
    --------
    >>> chance_words("q", 0.0146), chance_words("p", 1e-6), chance_words("q", float("nan"))
    ('q = 0.015', 'p &lt; 0.0001', '')
    """
    if pd.isna(value):
        return ""
    return f"{name} = {value:.2g}" if value >= 1e-4 else f"{name} &lt; 0.0001"


def _which(drawn: int, note: str, met: int | None) -> str:
    """Return which pairs these are, and of how many."""
    of = plural(drawn, "pair")
    if met is not None and met > drawn:
        of = f"{drawn:,} of {plural(met, 'pair')} that met"
    return f"{of}: {escape(note)}" if note else of


def _verdict(rows: pd.DataFrame, meant: pd.Series, max_q: float, tested: int | None) -> list[str]:
    """Return how many chance does not explain, over how many q is taken, and why so few are."""
    said = [f"{f'{meant.sum():,}' if meant.any() else 'none'} of these more than chance "
            f"(q ≤ {max_q:g})"]  # fmt: skip
    if tested is not None:
        said.append(f"q over all {plural(tested, 'pair')} of people, met or not")
    if (~meant & (rows["count"] > rows["high"])).any():
        said.append(_YET_OPEN)
    return said


def _chance(rows: pd.DataFrame, look: Theme) -> list[go.Scatter]:
    """Return the bars of chance, and the lines of its means."""
    bars, means = [], []
    for row in rows.to_dict("records"):
        y = row["row"]
        bars += [(row["low"], y), (row["high"], y), (None, None)]
        means += [(row["expected"], y - 0.32), (row["expected"], y + 0.32), (None, None)]
    return [
        go.Scatter(
            x=[x for x, _ in points], y=[y for _, y in points], mode="lines", name=name,
            line={"color": look.unknown, "width": width}, opacity=opacity, hoverinfo="skip",
        )
        for points, name, width, opacity in (
            (bars, "by chance: middle 90 %", 12, 0.4), (means, "by chance: mean", 2, 1.0),
        )
    ]  # fmt: skip


def _seen(rows: pd.DataFrame, name: str, symbol: str, hovers: list[str], look: Theme) -> go.Scatter:
    return go.Scatter(
        x=rows["count"].tolist(),
        y=rows["row"].tolist(),
        mode="markers",
        name=name,
        marker={
            "symbol": symbol, "size": 13,
            "color": style.OKABE_ITO[1] if symbol == "circle" else look.ink,
            "line": {"color": look.ink, "width": 1.5},
        },
        hovertext=hovers,
        hovertemplate="%{hovertext}<extra></extra>",
        cliponaxis=False,
    )  # fmt: skip


def _hovers(rows: pd.DataFrame, names: Mapping[str, str], method: Method) -> list[str]:
    return ["<br>".join(_hover(row, names, method)) for row in rows.to_dict("records")]


def _hover(row: Mapping[Any, Any], names: Mapping[str, str], method: Method) -> list[str]:
    lines = met_words(row, names, method)
    if pd.notna(row["q"]):
        lines.append(
            f"by chance {row['expected']:.1f} (middle 90 %: {row['low']:g} to {row['high']:g})"
        )
        lines.append(chance_words("q", row["q"]))
    return lines
