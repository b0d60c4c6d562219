"""By how much the clocks of the cameras are off, each with its interval."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from workbench.views import style
from workbench.views.charts.chart import column, plural
from workbench.views.style import Theme, ThemeName, escape

_ROW_PX, _NAME, _PAIRS = 28, 28, 5


def clock_offsets(
    offsets: pd.DataFrame,
    pairs: pd.DataFrame,
    *,
    cameras: pd.DataFrame | None = None,
    title: str | None = None,
    theme: ThemeName = "light",
) -> go.Figure:
    """Return one line a camera: what has to be added to its times, and the 95 % interval.

    A clock that is off beyond doubt (its interval does not hold 0) is a filled dot in the colour
    of an alarm with the seconds beside it, the reference a diamond, the others open dots.
    A camera that nothing compares with the reference stands last, without a dot, and says so.

    Parameters
    ----------
    offsets : DataFrame
        ``camera_id, offset_s, low_s, high_s, pairs, reference, recorded_s, clock_offset_s``.
    pairs : DataFrame
        ``camera_a, camera_b, offset_s, low_s, high_s, pairs, method``: for the hovers.
    cameras : DataFrame, optional
        ``id, name``.
    title : str, optional
    theme : {'light', 'dark'}
    """
    look, names = style.theme(theme), column(cameras, "name")
    known = offsets["offset_s"].notna()
    rows = pd.concat([offsets[known], offsets[~known]]).reset_index(drop=True)
    rows["row"] = np.arange(len(rows))
    rows["kind"] = _kinds(rows)
    rows["hover"] = [_hover(row, pairs, names) for row in rows.to_dict("records")]
    figure, across = go.Figure(), _range(rows)
    for kind in ("reference", "off", "agrees", "unknown"):
        some = rows[rows["kind"] == kind]
        if len(some):
            figure.add_trace(_dots(some, kind, across[0] + 0.015 * (across[1] - across[0]), look))
    heading = "Whose clock is off?" if title is None else title
    figure.update_layout(
        template=look.template,
        title={"text": escape(heading), "subtitle": {"text": _said(rows, names)}},
        margin={"l": 60, "r": 40, "t": 80, "b": 96},
        height=220 + _ROW_PX * max(len(rows), 2),
        xaxis={
            "title": {"text": "seconds to add to its times (dot: estimate, line: 95 %)"},
            "range": across,
            "zeroline": True,
            "zerolinecolor": look.soft,
            "zerolinewidth": 1,
        },
        yaxis={
            "tickvals": rows["row"].tolist(),
            "ticktext": [_called(one, names) for one in rows["camera_id"]],
            "range": [len(rows) - 0.4, -0.6],
            "ticks": "",
            "visible": bool(len(rows)),
        },
        legend={"orientation": "h", "x": 0, "y": 0.01, "yref": "container", "yanchor": "bottom"},
        uirevision="clock_offsets",
    )
    return figure


def _called(camera: str, names: Mapping[str, str]) -> str:
    return escape(names.get(camera, camera), longest=_NAME)


def _kinds(rows: pd.DataFrame) -> np.ndarray:
    off = (rows["low_s"] > 0) | (rows["high_s"] < 0)
    kinds = np.where(rows["offset_s"].isna(), "unknown", np.where(off, "off", "agrees"))
    compared = len(rows) and rows["pairs"].sum() > 0
    reference = (rows["camera_id"] == rows["reference"]) & bool(compared)
    alone = (rows["camera_id"] == rows["reference"]) & (rows["pairs"] == 0)
    return np.where(alone, "unknown", np.where(reference, "reference", kinds))


def _dots(some: pd.DataFrame, kind: str, left: float, look: Theme) -> go.Scatter:
    blue = style.OKABE_ITO[0] if look.name == "light" else style.OKABE_ITO[5]
    symbol, colour, name = {
        "reference": ("diamond", look.ink, "reference: taken for right"),
        "off": ("circle", look.alarm, "off"),
        "agrees": ("circle-open", blue, "agrees, as far as can be told"),
        "unknown": ("x-thin", look.unknown, "unknown: nothing compares it with the reference"),
    }[kind]
    middle = some["offset_s"] if kind != "unknown" else pd.Series(left, index=some.index)
    marked = {
        "off": [f"{value:+.2f} s" for value in middle],
        "unknown": ["unknown"] * len(some),
    }.get(kind)
    interval = None
    if kind in ("off", "agrees"):
        interval = {
            "type": "data",
            "symmetric": False,
            "array": (some["high_s"] - some["offset_s"]).tolist(),
            "arrayminus": (some["offset_s"] - some["low_s"]).tolist(),
            "color": colour,
            "thickness": 2,
            "width": 5,
        }
    return go.Scatter(
        x=middle.tolist(),
        y=some["row"].tolist(),
        mode="markers" if marked is None else "markers+text",
        name=name,
        text=marked,
        textposition="top center" if kind == "off" else "middle right",
        textfont={"size": 11, "color": colour if kind == "off" else look.soft},
        error_x=interval,
        marker={"symbol": symbol, "size": 10, "color": colour,
                "line": {"width": 1.8, "color": colour}},
        hovertext=some["hover"].tolist(),
        hovertemplate="%{hovertext}<extra></extra>",
        cliponaxis=False,
    )  # fmt: skip


def _hover(row: Mapping[Any, Any], pairs: pd.DataFrame, names: Mapping[str, str]) -> str:
    own = row["camera_id"]
    said = [f"<b>{_called(own, names)}</b> ({escape(own, longest=40)})"]
    if row["kind"] == "unknown":
        said.append("no chain of cameras that see the same people leads to the reference")
    elif row["kind"] == "reference":
        said.append("its clock is taken for right")
    else:
        said.append(
            f"add {row['offset_s']:+.2f} s (95 %: {row['low_s']:+.2f} to {row['high_s']:+.2f})"
        )
        said.append(
            f"clock_offset_s is {row['recorded_s']:.2f} s and would be {row['clock_offset_s']:.2f}"
        )
    mine = pairs[(pairs["camera_a"] == own) | (pairs["camera_b"] == own)]
    for pair in mine.head(_PAIRS).to_dict("records"):
        forward = pair["camera_b"] == own
        other = pair["camera_a"] if forward else pair["camera_b"]
        seconds = pair["offset_s"] if forward else -pair["offset_s"]
        said.append(
            f"against {_called(other, names)}: {seconds:+.2f} s, "
            f"{plural(int(pair['pairs']), 'reading')} by {escape(pair['method'])}"
        )
    return "<br>".join(said)


def _said(rows: pd.DataFrame, names: Mapping[str, str]) -> str:
    if not len(rows):
        return "no camera is known"
    kinds = rows["kind"]
    if (kinds == "unknown").all():
        return "no two cameras see enough of the same people at once: nothing can be said"
    off = int((kinds == "off").sum())
    return " · ".join(
        [
            f"relative to {_called(rows['reference'].iloc[0], names)}",
            "none is off beyond doubt" if not off else f"{off} off beyond doubt",
            f"{int((kinds == 'unknown').sum())} of {plural(len(rows), 'camera')} unknown",
        ]
    )


def _range(rows: pd.DataFrame) -> list[float]:
    ends = pd.concat([rows["low_s"], rows["high_s"]]).dropna()
    far = max(1.0, float(ends.abs().max())) if len(ends) else 1.0
    low = min(0.0, float(ends.min())) if len(ends) else 0.0
    high = max(0.0, float(ends.max())) if len(ends) else 0.0
    return [round(low - 0.25 * far, 3), round(high + 0.25 * far, 3)]
