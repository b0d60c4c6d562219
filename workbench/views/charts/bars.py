"""The bars of a timeline: visits, coloured by camera, and the times in which a camera was out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from workbench.views.charts.chart import Chart, instants, note, plural, words_px
from workbench.views.charts.lanes import OUT, spans, stacked
from workbench.views.style import duration, escape

_HEIGHT = 0.64
_NARROW = 0.004


def visit_traces(shown: pd.DataFrame, chart: Chart) -> list[Any]:
    """Return the bars of visits, one trace a camera, and ticks for those too short to be seen.

    Parameters
    ----------
    shown : DataFrame
        Visits with ``spot``, the id of the camera or place.
    chart : Chart
    """
    if shown.empty:
        return []
    pieces = chart.clock.pieces(*spans(shown, chart.clock))
    rows = shown.iloc[pieces["row"]].reset_index(drop=True)
    lane = chart.lanes.find(pieces["day"], rows["spot" if chart.by_camera else "identity_id"])
    level, deep = stacked(lane, pieces["x0"], pieces["x1"])
    height = _HEIGHT / deep
    rows = rows.assign(
        height=height,
        x0=pieces["x0"],
        us=pieces["x1"] - pieces["x0"],
        y=(lane - _HEIGHT / 2 + height * (level + 0.5)).round(4),
        hover=np.array(_visit_hovers(shown, chart), dtype=object)[pieces["row"]],
    )
    narrow = rows["us"] < _NARROW * chart.span
    traces = [_bars(str(spot), hers, chart) for spot, hers in rows[~narrow].groupby("spot")]
    entries = [] if chart.by_camera else _entries(rows, chart)
    return [*traces, *([_ticks(rows[narrow], chart)] if narrow.any() else []), *entries]


def _bars(spot: str, rows: pd.DataFrame, chart: Chart) -> go.Bar:
    return go.Bar(
        orientation="h",
        base=instants(rows["x0"]),
        x=(rows["us"] / 1000).tolist(),
        y=rows["y"].tolist(),
        width=(rows["height"] * 0.94).round(4).tolist(),
        name=chart.camera(spot),
        showlegend=False,
        marker={"color": chart.colours[spot], "line": {"color": chart.look.edge, "width": 0.6}},
        hovertext=rows["hover"].tolist(),
        hovertemplate="%{hovertext}<extra></extra>",
    )


def _ticks(rows: pd.DataFrame, chart: Chart) -> go.Scatter:
    long = np.maximum(5.0, rows["height"] * chart.lane_px)
    return go.Scatter(
        x=instants(rows["x0"] + rows["us"] // 2),
        y=rows["y"].tolist(),
        mode="markers",
        name="short visit",
        showlegend=False,
        # plotly draws this symbol 1.4 times as long as its size says.
        marker={
            "symbol": "line-ns",
            # Of several sizes plotly makes bubbles, which it lets shine through.
            "opacity": 1,
            "size": (long / 1.4).round(1).tolist(),
            "line": {"width": 3, "color": rows["spot"].map(chart.colours).tolist()},
        },
        hovertext=rows["hover"].tolist(),
        hovertemplate="%{hovertext}<extra></extra>",
    )


def _entries(rows: pd.DataFrame, chart: Chart) -> list[go.Scatter]:
    """Return one entry of the legend for each camera, by name."""
    spots = sorted(rows["spot"].unique(), key=lambda spot: (chart.short(spot), spot))
    return [
        go.Scatter(
            x=[None],
            y=[None],
            mode="markers",
            name=chart.short(spot),
            legendrank=100,
            marker={"symbol": "square", "size": 11, "color": chart.colours[spot],
                    "line": {"color": chart.look.edge, "width": 0.6}},
        )
        for spot in spots
    ]  # fmt: skip


def _visit_hovers(shown: pd.DataFrame, chart: Chart) -> list[str]:
    people = {one: chart.person(one) for one in shown["identity_id"].unique()}
    spots = {one: chart.camera(one) for one in shown["spot"].unique()}
    lengths = (shown["end"] - shown["start"]).dt.total_seconds()
    counts = ["" if pd.isna(n) else f", {plural(int(n), 'sighting')}" for n in shown["sightings"]]
    return [
        f"<b>{people[who]}</b><br>{spots[spot]}<br>{when}<br>visit of {duration(long)}{count}"
        for who, spot, when, long, count in zip(
            shown["identity_id"], shown["spot"], chart.when(shown), lengths, counts, strict=True
        )
    ]


def outage_marks(
    out: pd.DataFrame | None, chart: Chart
) -> tuple[list[go.Bar], list[dict[str, Any]]]:
    """Return grey hatched bars where cameras were out, and what stands on those wide enough."""
    if out is None or chart.lanes.kind == "day":
        return [], []
    pieces = chart.clock.pieces(*spans(out, chart.clock))
    rows = out.iloc[pieces["row"]].reset_index(drop=True)
    own = chart.by_camera
    key = rows["camera_id"] if own else pd.Series(OUT, index=rows.index, dtype="object")
    lane = chart.lanes.find(pieces["day"], key)
    x0 = pieces["x0"].clip(lower=chart.clock.low)
    x1 = pieces["x1"].clip(upper=chart.clock.high)
    level, deep = stacked(lane, x0, x1)
    height = (0.96 if own else 0.8) / deep
    y = (lane - height * deep / 2 + height * (level + 0.5)).round(4)
    bars = go.Bar(
        orientation="h",
        base=instants(x0),
        x=((x1 - x0) / 1000).tolist(),
        y=y.tolist(),
        width=(height * 0.94).round(4).tolist(),
        name="camera out",
        marker={
            "color": "rgba(0, 0, 0, 0)",
            "line": {"color": chart.look.unknown, "width": 1},
            "pattern": {"shape": "/", "fgcolor": chart.look.unknown, "size": 6, "solidity": 0.25},
        },
        hovertext=_outage_hovers(rows, chart),
        hovertemplate="%{hovertext}<extra></extra>",
    )
    said = ["out"] * len(rows) if own else [chart.short(one) for one in rows["camera_id"]]
    words = zip(x0, x1, y, height, said, strict=True)
    return [bars], [_word(a, b, up, text, chart) for a, b, up, high, text in words
                    if high * chart.lane_px >= 11]  # fmt: skip


def _word(x0: int, x1: int, y: float, text: str, chart: Chart) -> dict[str, Any]:
    """Return what stands on a bar, or behind it where it is too short."""
    ink = {"color": chart.look.ink}
    wide = chart.px(x1) - chart.px(x0)
    if wide > words_px(text):
        return note((x0 + x1) // 2, y, text, chart, font=ink)
    if chart.px(x1) + words_px(text) > chart.px(chart.clock.high):
        return note(x0, y, text, chart, font=ink, xanchor="right", xshift=-3)
    return note(x1, y, text, chart, font=ink, xanchor="left", xshift=3)


def _outage_hovers(rows: pd.DataFrame, chart: Chart) -> list[str]:
    sources = rows.reindex(columns=["source"])["source"]
    said = ["" if pd.isna(one) else f"<br>says: {escape(one)}" for one in sources]
    return [
        f"<b>{chart.camera(camera)} was out</b><br>{when}{source}<br>no sighting is not absence"
        for camera, when, source in zip(rows["camera_id"], chart.when(rows), said, strict=True)
    ]
