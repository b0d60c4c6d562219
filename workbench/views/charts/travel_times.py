"""How long people take from camera to camera: boxes on a logarithmic axis, and against distance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from workbench.views import style
from workbench.views.charts.chart import column, plural, wrapped
from workbench.views.style import Theme, ThemeName, duration, escape

_LEAST_S = 0.1  # a logarithm has no place for 0
_ROW_PX, _OUTSIDE, _NAME = 26, 150, 22
_TICKS = {
    0.1: "0.1 s", 1: "1 s", 10: "10 s", 60: "1 min", 600: "10 min", 3600: "1 h",
    21_600: "6 h", 86_400: "1 d", 604_800: "7 d", 6_048_000: "70 d",
}  # fmt: skip


def travel_times(
    times: pd.DataFrame,
    moves: pd.DataFrame,
    *,
    cameras: pd.DataFrame | None = None,
    most: int = 20,
    title: str | None = None,
    theme: ThemeName = "light",
) -> go.Figure:
    """Return the distribution of times of the `most` frequent pairs, one row a direction.

    A box holds the middle half with a line at the median, its whiskers 5 % to 95 %; every move
    outside them is a dot (of more than 150 evenly picked ones). Pairs with the shortest
    median stand on top. The axis is logarithmic; what took less than 0.1 s stands at 0.1 s.

    Parameters
    ----------
    times : DataFrame
        ``from_camera, to_camera, transitions, p05_s, median_s, p95_s, iqr_s, distance_m,
        speed_m_s``.
    moves : DataFrame
        ``from_camera, to_camera, gap_s``: each move.
    cameras : DataFrame, optional
        ``id, name``.
    most : int
        How many pairs are drawn.
    title : str, optional
    theme : {'light', 'dark'}
    """
    look, names = style.theme(theme), column(cameras, "name")
    rows = times.sort_values(
        ["transitions", "from_camera", "to_camera"], ascending=[False, True, True], kind="stable"
    ).head(most)
    rows = rows.sort_values(["median_s", "from_camera", "to_camera"], kind="stable")
    rows = rows.reset_index(drop=True).assign(row=np.arange(len(rows)))
    rows["called"] = [_pair(row, names) for row in rows.to_dict("records")]
    figure = go.Figure()
    if len(rows):
        drawn = moves.merge(rows[["from_camera", "to_camera", "row", "p05_s", "p95_s"]])
        figure.add_trace(_boxes(rows, drawn, look))
        figure.add_trace(_outside(drawn, rows, look))
        figure.add_trace(_medians(rows, look))
    total, shown = int(times["transitions"].sum()), int(rows["transitions"].sum())
    parts = [f"{plural(shown, 'move')} of the {plural(len(rows), 'most frequent pair')}"]
    if shown < total:
        parts[0] = f"{shown:,} of {plural(total, 'move')}: the {len(rows)} most frequent pairs"
    parts.append("box: middle half, whiskers: 5 % to 95 %, dots: outside")
    heading = "How long it takes from camera to camera" if title is None else title
    figure.update_layout(_frame(heading, parts, look))
    figure.update_layout(
        height=190 + _ROW_PX * max(len(rows), 3),
        showlegend=False,
        xaxis=_time_axis("time out of sight of the two", drawn["gap_s"] if len(rows) else None),
        yaxis={
            "tickvals": rows["row"].tolist(),
            "ticktext": rows["called"].tolist(),
            "range": [len(rows) - 0.4, -0.6],
            "showgrid": False,
            "ticks": "",
            "visible": bool(len(rows)),
        },
        uirevision="travel_times",
    )
    return figure


def _pair(row: Mapping[Any, Any], names: Mapping[str, str]) -> str:
    one, two = (
        escape(names.get(str(row[end]), str(row[end])), longest=_NAME)
        for end in ("from_camera", "to_camera")
    )
    return f"{one} → {two}"


def _boxes(rows: pd.DataFrame, drawn: pd.DataFrame, look: Theme) -> go.Box:
    cells = drawn.groupby("row")["gap_s"]

    def at_least(values: pd.Series) -> list[float]:
        return [float(value) for value in np.maximum(values.to_numpy("float64"), _LEAST_S)]

    return go.Box(
        y=rows["row"].tolist(),
        q1=at_least(cells.quantile(0.25)),
        median=at_least(rows["median_s"]),
        q3=at_least(cells.quantile(0.75)),
        lowerfence=at_least(rows["p05_s"]),
        upperfence=at_least(rows["p95_s"]),
        orientation="h",
        name="times",
        width=0.62,
        line={"color": style.OKABE_ITO[5], "width": 1.5},
        fillcolor="rgba(86, 180, 233, 0.35)",
        hoverinfo="skip",
        showlegend=False,
    )


def _outside(drawn: pd.DataFrame, rows: pd.DataFrame, look: Theme) -> go.Scatter:
    out = drawn[(drawn["gap_s"] < drawn["p05_s"]) | (drawn["gap_s"] > drawn["p95_s"])]
    out = out.sort_values(["row", "gap_s"], kind="stable")
    at = out.groupby("row").cumcount()
    step = np.ceil(out.groupby("row")["gap_s"].transform("size") / _OUTSIDE)
    out = out[(at % step == 0).to_numpy(dtype=bool)]
    called = out["row"].map(rows["called"])
    return go.Scatter(
        x=np.maximum(out["gap_s"], _LEAST_S).tolist(),
        y=out["row"].tolist(),
        mode="markers",
        name="outside 5 % to 95 %",
        marker={"size": 5, "color": look.soft, "opacity": 0.55},
        hovertext=[
            f"<b>{pair}</b><br>one move: {duration(round(float(gap), 1))}"
            for pair, gap in zip(called, out["gap_s"], strict=True)
        ],
        hovertemplate="%{hovertext}<extra></extra>",
    )


def _medians(rows: pd.DataFrame, look: Theme) -> go.Scatter:
    """Return a dot at each median that tells about the pair."""
    return go.Scatter(
        x=np.maximum(rows["median_s"], _LEAST_S).tolist(),
        y=rows["row"].tolist(),
        mode="markers",
        name="median",
        marker={"size": 7, "color": look.ink, "line": {"width": 1, "color": look.paper}},
        hovertext=[_hover(row) for row in rows.to_dict("records")],
        hovertemplate="%{hovertext}<extra></extra>",
    )


def _hover(row: Mapping[Any, Any]) -> str:
    said = [
        f"<b>{row['called']}</b>",
        plural(int(row["transitions"]), "move"),
        f"median {_span(row['median_s'])}, 5 % {_span(row['p05_s'])}, 95 % {_span(row['p95_s'])}",
        f"the middle half lies within {_span(row['iqr_s'])}",
    ]
    if pd.notna(row["distance_m"]):
        speed = "" if pd.isna(row["speed_m_s"]) else f", {row['speed_m_s']:.1f} m/s at the median"
        said.append(f"{row['distance_m']:.0f} m{speed}")
    return "<br>".join(said)


def _span(seconds: float) -> str:
    return duration(round(float(seconds), 1))


def by_distance(
    times: pd.DataFrame,
    *,
    correlation: float = float("nan"),
    cameras: pd.DataFrame | None = None,
    title: str | None = None,
    theme: ThemeName = "light",
) -> go.Figure:
    """Return the median time of each pair against its distance, 5 % to 95 % as a line.

    The larger a dot, the more moves (its area grows with them). Pairs of unknown distance are
    not drawn. The axis of time is logarithmic; less than 0.1 s stands at 0.1 s.

    Parameters
    ----------
    times : DataFrame
        As :func:`travel_times` takes it.
    correlation : float
        Spearman's rank correlation, for the subtitle; nan if there is none.
    cameras : DataFrame, optional
        ``id, name``.
    title : str, optional
    theme : {'light', 'dark'}
    """
    look, names = style.theme(theme), column(cameras, "name")
    rows = times[times["distance_m"].notna()].reset_index(drop=True)
    rows["called"] = [_pair(row, names) for row in rows.to_dict("records")]
    middle = np.maximum(rows["median_s"].to_numpy("float64"), _LEAST_S)
    low = np.maximum(rows["p05_s"].to_numpy("float64"), _LEAST_S)
    high = np.maximum(rows["p95_s"].to_numpy("float64"), _LEAST_S)
    size = 6 + 14 * np.sqrt(rows["transitions"] / max(int(rows["transitions"].max() or 1), 1)
                            if len(rows) else rows["transitions"])  # fmt: skip
    figure = go.Figure(
        go.Scatter(
            x=rows["distance_m"].tolist(),
            y=middle.tolist(),
            mode="markers",
            name="pair of cameras",
            error_y={
                "type": "data",
                "symmetric": False,
                "array": (high - middle).tolist(),
                "arrayminus": (middle - low).tolist(),
                "color": look.unknown,
                "thickness": 1,
                "width": 0,
            },
            marker={
                "size": size.round(1).tolist(),
                "color": style.OKABE_ITO[0] if look.name == "light" else style.OKABE_ITO[5],
                "line": {"color": look.paper, "width": 1},
                "opacity": 0.85,
            },
            hovertext=[_hover(row) for row in rows.to_dict("records")],
            hovertemplate="%{hovertext}<extra></extra>",
        )
    )
    parts = [f"{plural(len(rows), 'pair')} of cameras, the larger the dot the more moves",
             "line: 5 % to 95 %"]  # fmt: skip
    if not np.isnan(correlation):
        parts.insert(0, f"Spearman's rank correlation {correlation:.2f}")
    heading = "Median time and distance between cameras" if title is None else title
    figure.update_layout(_frame(heading, parts, look))
    ends = pd.Series(np.concatenate([low, high]))
    figure.update_layout(
        height=520,
        showlegend=False,
        xaxis={"title": {"text": "distance (m)"}, "rangemode": "tozero"},
        yaxis=_time_axis("median time", ends if len(rows) else None),
        uirevision="by_distance",
    )
    return figure


def _time_axis(name: str, values: pd.Series | None) -> dict[str, Any]:
    """Return a logarithmic axis of time whose ticks are words."""
    low, high = (1.0, 60.0) if values is None else (float(values.min()), float(values.max()))
    low, high = np.log10(max(low, _LEAST_S)), np.log10(max(high, 1.0))
    pad = 0.04 * (high - low) + 0.05
    return {
        "type": "log",
        "title": {"text": name},
        "tickvals": list(_TICKS),
        "ticktext": list(_TICKS.values()),
        "range": [round(low - pad, 4), round(high + pad, 4)],
    }


def _frame(heading: str, parts: list[str], look: Theme) -> dict[str, Any]:
    return {
        "template": look.template,
        "title": {"text": escape(heading), "subtitle": {"text": wrapped(parts)}},
        "margin": {"l": 60, "r": 24, "t": 96, "b": 60},
    }
