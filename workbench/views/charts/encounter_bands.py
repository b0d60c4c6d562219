"""The encounters of a timeline: what links the lanes of two over the time they were together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from workbench.views.charts.chart import Chart, instants, require
from workbench.views.charts.lanes import OUT, spans
from workbench.views.style import OKABE_ITO, duration

COLOUR = OKABE_ITO[1]
"""What says "together"; no camera of such a timeline has it."""
OVERLAP, NEAR = "together (visits overlap)", "near in time (no overlap)"
"""The two entries of the legend."""
MARKED = "encounters"
"""``meta`` of the trace whose points can be clicked."""

_NEEDED = ("a", "b", "camera_id", "start", "end", "overlap_s")
_FILL = "rgba(213, 94, 0, 0.28)"
_DOT_PX, _MARK_PX, _CROWDED_PX, _APART_PX = 5.0, 10.0, 7.0, 8.0
_EDGE_PX = 5.0
_LETTER_PX = 13.0
_BEHIND = -1  # bars, their letters and the lanes between stay in front
_WIDTH = {True: 2.0, False: 1.4}


def among(encounters: pd.DataFrame | None, drawn: Sequence[str]) -> pd.DataFrame | None:
    """Return the encounters between those drawn, with ``position`` in the table given and ``spot``.

    None where there are no encounters at all, or no two are drawn.

    Raises
    ------
    InvalidInputError
        When a column is missing.
    """
    if encounters is None or encounters.empty or len(drawn) < 2:
        return None
    require(encounters, _NEEDED, "encounters", "bench.together.encounters")
    rows = encounters.reindex(columns=[*_NEEDED, "place_id"])
    rows = rows.assign(
        position=np.arange(len(rows)),
        spot=rows["camera_id"].astype("str").fillna(rows["place_id"].astype("str")),
    )
    between = rows["a"].isin(drawn) & rows["b"].isin(drawn) & (rows["a"] != rows["b"])
    timed = rows["start"].notna() & rows["end"].notna()
    return rows[between & timed].reset_index(drop=True)


def links_of(met: pd.DataFrame, chart: Chart) -> pd.DataFrame:
    """Return what is drawn of encounters, one row for each panel that one lies in.

    Adds ``day``, ``x0``, ``x1`` (microseconds of the axis), ``upper``, ``lower`` (y of the two
    lanes), ``middle`` and ``at`` (where the marker stands: beside the middle where it is crowded),
    ``y`` of the marker, and ``overlaps``.
    """
    pieces = chart.clock.pieces(*spans(met, chart.clock))
    rows = met.iloc[pieces["row"]].reset_index(drop=True)
    one, two = (chart.lanes.find(pieces["day"], rows[side]) for side in ("a", "b"))
    x0 = pieces["x0"].clip(lower=chart.clock.low)
    x1 = pieces["x1"].clip(upper=chart.clock.high)
    upper = np.minimum(one, two)
    links = rows.assign(
        day=pieces["day"],
        x0=x0,
        x1=x1,
        middle=x0 + (x1 - x0) // 2,
        upper=upper,
        lower=np.maximum(one, two),
        y=(upper + chart.bar / 2 + _room(chart) / 2).round(4),
        overlaps=rows["overlap_s"] > 0,
    )
    links = links.dropna(subset=["upper", "lower"])
    links = links.sort_values(["day", "upper", "middle", "lower", "position"], ignore_index=True)
    beside = links.groupby(["day", "upper"])["middle"]
    return links.assign(at=beside.transform(_apart, chart).astype("int64"))


def _room(chart: Chart) -> float:
    """Return the height between a bar and what stands above the next, as a share of a lane."""
    return 1 - chart.bar - (_LETTER_PX / chart.lane_px if chart.lettered else 0.0)


def _apart(middle: pd.Series, chart: Chart) -> np.ndarray:
    """Return places at which no marker covers another, as near to the sorted ones as can be."""
    from scipy.optimize import isotonic_regression  # takes a while to load

    px = _px(middle, chart).to_numpy()
    wide = chart.px(chart.clock.high) - 2 * _EDGE_PX
    steps = min(_APART_PX, wide / len(px)) * np.arange(len(px))
    nearest = isotonic_regression(px - steps).x
    moved = np.clip(nearest, _EDGE_PX, _EDGE_PX + wide - steps[-1]) + steps
    at = chart.clock.low + np.rint(moved / chart.px(chart.clock.high) * chart.span)
    return np.where(np.abs(moved - px) > 0.01, at, middle).astype("int64")


def _px(x: pd.Series, chart: Chart) -> pd.Series:
    return (x - chart.clock.low) / max(chart.span, 1) * chart.px(chart.clock.high)


def encounter_traces(links: pd.DataFrame | None, chart: Chart) -> list[go.Scatter]:
    """Return bands and brackets between lanes, a marker for each to click, and the legend."""
    if links is None or links.empty:
        return []
    traces: list[go.Scatter] = []
    for overlaps, rows in links.groupby("overlaps", sort=False):
        together = bool(overlaps)
        traces += [*_bands(rows, chart)] if together else []
        traces += [_brackets(rows, chart, together=together), _entry(chart, together=together)]
    return [*traces, _markers(links, chart)]


def _bands(rows: pd.DataFrame, chart: Chart) -> list[go.Scatter]:
    """Return what is filled behind two lanes next to each other while both were there.

    Around the bars where there are no other lanes, whose bands it would cover, else between them.
    """
    rows = rows[rows["lower"] - rows["upper"] < 1.5]
    if rows.empty:
        return []
    half = chart.bar / 2
    alone = chart.lanes.table.loc[chart.lanes.table["key"] != OUT, "key"].nunique() == 2
    edge = half + 3 / chart.lane_px if alone else -half
    top, low = rows["upper"] - edge, rows["lower"] + edge
    sides = [(rows["x0"], top), (rows["x1"], top), (rows["x1"], low), (rows["x0"], low),
             (rows["x0"], top)]  # fmt: skip
    return [
        go.Scatter(
            **_path(sides),
            mode="lines",
            fill="toself",
            fillcolor=_FILL,
            line={"color": COLOUR, "width": 1.5},
            name=OVERLAP,
            showlegend=False,
            hoverinfo="skip",
            zorder=_BEHIND,
        )
    ]


def _brackets(rows: pd.DataFrame, chart: Chart, *, together: bool) -> go.Scatter:
    """Return lines from lane to lane through the markers, with a dot at both ends.

    A line passes behind the lanes between, at its own time.
    """
    half = chart.bar / 2
    ends = rows["upper"] + half, rows["lower"] - half
    way = [
        (rows["middle"], ends[0]),
        (rows["at"], rows["y"]),
        (rows["middle"], rows["upper"] + 1 - half),
        (rows["middle"], ends[1]),
    ]
    dots = [_DOT_PX, 0, 0, _DOT_PX, 0]
    return go.Scatter(
        **_path(way),
        mode="lines+markers",
        line=_line(together),
        marker={
            "color": COLOUR if together else chart.look.paper,
            "size": dots * len(rows),
            "opacity": [1, 0, 0, 1, 0] * len(rows),
            "line": {"color": COLOUR, "width": 1},
        },
        name=OVERLAP if together else NEAR,
        showlegend=False,
        hoverinfo="skip",
        zorder=_BEHIND,
    )


def _path(points: Sequence[tuple[pd.Series, pd.Series]]) -> dict[str, Any]:
    """Return x and y of one line a row through these points, one after the other."""
    n = len(points[0][0])
    nothing = np.full((n, 1), None, dtype=object)
    x = np.stack([x.to_numpy("int64") for x, _ in points], axis=1)
    y = np.stack([y.to_numpy("float64") for _, y in points], axis=1).round(4).astype(object)
    across = np.array(instants(x.ravel()), dtype=object).reshape(x.shape)
    return {
        "x": np.hstack([across, nothing]).ravel().tolist(),
        "y": np.hstack([y, nothing]).ravel().tolist(),
    }


def _line(together: bool) -> dict[str, Any]:
    return {"color": COLOUR, "width": _WIDTH[together], "dash": "solid" if together else "3px,2px"}


def _markers(links: pd.DataFrame, chart: Chart) -> go.Scatter:
    """Return the points that can be clicked: filled where visits overlap, open where not.

    Those beside others are smaller.
    """
    px = _px(links["at"], chart)
    rows = [links["day"], links["upper"]]
    room = np.fmin(px.groupby(rows).diff(), px.groupby(rows).diff(-1).abs())
    return go.Scatter(
        x=instants(links["at"]),
        y=links["y"].tolist(),
        mode="markers",
        name=MARKED,
        meta=MARKED,
        showlegend=False,
        customdata=links["position"].tolist(),
        marker={
            "symbol": "circle",
            "size": np.where(room < _MARK_PX + 1, _CROWDED_PX, _MARK_PX).tolist(),
            "opacity": 1,  # of several sizes plotly makes bubbles, which it lets shine through
            "color": np.where(links["overlaps"], COLOUR, chart.look.paper).tolist(),
            "line": {
                "width": 1.6,
                "color": np.where(links["overlaps"], chart.look.paper, COLOUR).tolist(),
            },
        },
        hovertext=_hovers(links, chart),
        hovertemplate="%{hovertext}<extra></extra>",
    )


def _entry(chart: Chart, *, together: bool) -> go.Scatter:
    return go.Scatter(
        x=[None],
        y=[None],
        mode="lines+markers",
        name=OVERLAP if together else NEAR,
        legendrank=90 if together else 91,
        line=_line(together),
        marker={
            "symbol": "circle",
            "size": _MARK_PX,
            "color": COLOUR if together else chart.look.paper,
            "line": {"color": chart.look.paper if together else COLOUR, "width": 1.8},
        },
    )


def _hovers(links: pd.DataFrame, chart: Chart) -> list[str]:
    """Return who was where and when, and for how long together or how far apart in time."""
    people = {one: chart.person(one) for one in {*links["a"], *links["b"]}}
    apart = (links["end"] - links["start"]).dt.total_seconds()
    said = [
        how_long(long, between) for long, between in zip(links["overlap_s"], apart, strict=True)
    ]
    return [
        f"<b>{people[a]} and {people[b]}</b><br>{chart.camera(spot)}<br>{when}<br>{words}"
        for a, b, spot, when, words in zip(
            links["a"], links["b"], links["spot"], chart.when(links), said, strict=True
        )
    ]


def how_long(overlap_s: float, apart_s: float) -> str:
    """Return for how long two were together, or how far apart in time they were.

    Examples
    --------
    >>> how_long(30, 30), how_long(0, 20), how_long(0, 0)
    ('together for 30 s', '20 s apart, no overlap', 'seen at the same moment')
    """
    if overlap_s > 0:
        return f"together for {duration(overlap_s)}"
    return f"{duration(apart_s)} apart, no overlap" if apart_s > 0 else "seen at the same moment"
