"""How often two were together, beside what chance would make of it: one row a pair."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from workbench.views import style
from workbench.views.charts.chart import plural
from workbench.views.style import Theme, ThemeName, escape

_ROW_PX, _NAME = 28, 20


def against_chance(
    pairs: pd.DataFrame,
    *,
    names: Mapping[str, str] | None = None,
    max_q: float = 0.05,
    note: str = "",
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
        More of the subtitle, not escaped.
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
            figure.add_trace(_seen(part, name, symbol, called, look))
    said = [plural(len(rows), "pair"), escape(note)] if note else [plural(len(rows), "pair")]
    heading = "Who was together" + (", and is it chance?" if asked else "")
    figure.update_layout(
        template=look.template,
        title={
            "text": escape(heading if title is None else title),
            "subtitle": {"text": " · ".join(said)},
            "x": 0, "xref": "container", "pad": {"l": 16, "t": 14},
            "y": 1, "yanchor": "top", "yref": "container",
        },
        height=210 + _ROW_PX * max(len(rows), 3),
        margin={"l": 20, "r": 20, "t": 84, "b": 110},
        xaxis={"title": {"text": "encounters"}, "rangemode": "tozero", "zeroline": True},
        yaxis={
            "tickvals": rows["row"].tolist(),
            "ticktext": [_pair(row, called) for row in rows.to_dict("records")],
            "range": [len(rows) - 0.4, -0.6],
            "showgrid": False, "ticks": "", "automargin": True,
        },
        legend={
            "orientation": "h", "x": 0, "y": 8 / (210 + _ROW_PX * max(len(rows), 3)),
            "yref": "container", "yanchor": "bottom", "itemclick": False, "itemdoubleclick": False,
        },
        uirevision="against chance",
    )  # fmt: skip
    return figure


def _pair(row: Mapping[Any, Any], names: Mapping[str, str]) -> str:
    one, two = (escape(names.get(row[side], row[side]), longest=_NAME) for side in "ab")
    return f"{one} & {two}"


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


def _seen(
    rows: pd.DataFrame, name: str, symbol: str, names: Mapping[str, str], look: Theme
) -> go.Scatter:
    return go.Scatter(
        x=rows["count"].tolist(),
        y=rows["row"].tolist(),
        mode="markers",
        name=name,
        marker={
            "symbol": symbol, "size": 13,
            "color": style.OKABE_ITO[5] if symbol == "circle" else look.ink,
            "line": {"color": look.ink, "width": 1.5},
        },
        hovertext=[_hover(row, names) for row in rows.to_dict("records")],
        hovertemplate="%{hovertext}<extra></extra>",
        cliponaxis=False,
    )  # fmt: skip


def _hover(row: Mapping[Any, Any], names: Mapping[str, str]) -> str:
    ids = f"{escape(row['a'])} & {escape(row['b'])}"
    lines = [f"<b>{_pair(row, names)}</b>", *([ids] if ids != _pair(row, names) else [])]
    lines.append(
        f"{plural(int(row['count']), 'encounter')} at {plural(int(row['cameras']), 'camera')} "
        f"on {plural(int(row['days']), 'day')}"
    )
    if pd.notna(row["q"]):
        lines.append(
            f"by chance {row['expected']:.1f} (middle 90 %: {row['low']:g} to {row['high']:g})"
        )
        lines.append(f"q = {row['q']:.2g}" if row["q"] >= 1e-4 else "q &lt; 0.0001")
    return "<br>".join(lines)
