"""How people move from camera to camera, as arrows: which are drawn, how wide, what they tell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from workbench.views.maps.labels import Labels
from workbench.views.maps.plan import Ground, Plan, broken
from workbench.views.style import Theme, duration, escape

SHARE = 0.7
"""Share of the moves within a level that the arrows drawn hold: the busiest ways."""
FEW, MOST = 24, 80
"""So many arrows are always drawn; most arrows drawn."""

_THIN, _WIDE, _STEPS = 1.2, 8.0, 12
_BEND = 0.25  # of the way: more, and what runs along one corridor lies farther apart


def arrows_of(moves: pd.DataFrame, ground: Ground) -> pd.DataFrame:
    """Return the moves within one level that are drawn, each with its two ends."""
    rows = moves[moves["from_camera"] != moves["to_camera"]]
    one, two = ground.numbers(rows["from_camera"]), ground.numbers(rows["to_camera"])
    drawn = [i for i, plan in enumerate(ground.plans) if plan.panel]
    inside = (one == two) & np.isin(one, drawn)
    spots = pd.concat([plan.spots[["x", "y"]] for plan in ground.plans])
    rows = rows[inside].assign(plan=one[inside])
    before = rows["transitions"].cumsum() - rows["transitions"]
    if len(rows) > FEW:
        rows = rows[before < SHARE * rows["transitions"].sum()].head(MOST)
    return rows.assign(
        x0=rows["from_camera"].map(spots["x"]),
        y0=rows["from_camera"].map(spots["y"]),
        x1=rows["to_camera"].map(spots["x"]),
        y1=rows["to_camera"].map(spots["y"]),
        from_name=rows["from_camera"].map(ground.names),
        to_name=rows["to_camera"].map(ground.names),
    )


def trimmed(arrows: pd.DataFrame, labels: Labels) -> np.ndarray:
    """Return the bows, (n, 25, 2), that leave and reach a camera at a little distance."""
    start, end = arrows[["x0", "y0"]].to_numpy("float64"), arrows[["x1", "y1"]].to_numpy("float64")
    across = end - start
    bend = start + across / 2 - _BEND * np.column_stack([-across[:, 1], across[:, 0]])
    far = np.maximum(np.hypot(across[:, 0], across[:, 1]), 1e-9)
    cut = np.minimum(12 / labels.scale / far, 0.3)[:, None]
    t = (cut + np.linspace(0, 1, 25)[None, :] * (1 - 2 * cut))[:, :, None]
    return (
        (1 - t) ** 2 * start[:, None, :]
        + 2 * t * (1 - t) * bend[:, None, :]
        + t**2 * end[:, None, :]
    )


def _width(count: np.ndarray | float, most: int) -> Any:
    return _THIN + (_WIDE - _THIN) * np.sqrt(np.asarray(count, dtype="float64") / max(most, 1))


def flow_traces(
    arrows: pd.DataFrame, bows: np.ndarray, plan: Plan, most: int, look: Theme
) -> list[go.Scatter]:
    """Return the arrows of one level: lines by width, and a head on each that tells about it."""
    if arrows.empty:
        return []
    width = _width(arrows["transitions"].to_numpy(), most)
    step = np.round((width - _THIN) / (_WIDE - _THIN) * _STEPS)
    lines = [
        go.Scatter(
            x=broken(bows[step == one, :, 0]),
            y=broken(bows[step == one, :, 1]),
            mode="lines",
            name="moves",
            showlegend=False,
            hoverinfo="skip",
            line={
                "color": look.flow,
                "width": round(float(width[step == one].mean()), 2),
                "simplify": False,
            },
            opacity=0.6,
            **plan.axes,
        )
        for one in np.unique(step)
    ]
    ahead = bows[:, 18] - bows[:, 14]
    heads = go.Scatter(
        x=bows[:, 16, 0].tolist(),
        y=bows[:, 16, 1].tolist(),
        mode="markers",
        name="moves",
        showlegend=False,
        marker={
            "symbol": "triangle-up",
            "angle": np.degrees(np.arctan2(ahead[:, 0], ahead[:, 1])).round(1).tolist(),
            "size": (7 + 1.25 * width).round(1).tolist(),
            "color": look.flow,
            "line": {"color": look.paper, "width": 1},
        },
        hovertext=[_move_text(move) for move in arrows.to_dict("records")],
        hovertemplate="%{hovertext}<extra></extra>",
        **plan.axes,
    )
    return [*lines, heads]


def _move_text(move: Mapping[Any, Any]) -> str:
    return f"<b>{escape(move['from_name'])} → {escape(move['to_name'])}</b><br>{how_often(move)}"


def how_often(move: Mapping[Any, Any]) -> str:
    """Return how many moves there were and how long half of them took at most."""
    count = int(move["transitions"])
    usual = "" if pd.isna(move["median_s"]) else f", median {duration(round(move['median_s'], 1))}"
    return f"{count:,} move{'s' * (count != 1)}{usual}"


def width_entries(arrows: pd.DataFrame, most: int, look: Theme) -> list[go.Scatter]:
    """Return the legend's lines: the width of three counts."""
    if arrows.empty:
        return []
    top = int(arrows["transitions"].max())
    counts = sorted({_round(top / 20), _round(top / 4), top})
    return [
        go.Scatter(
            x=[None],
            y=[None],
            mode="lines",
            name=f"{count:,} move{'s' * (count != 1)}",
            line={"color": look.flow, "width": round(float(_width(count, most)), 2)},
            opacity=0.6,
        )
        for count in counts
    ]


def _round(count: float) -> int:
    """Return a count near by with one digit that is not 0, at least 1."""
    whole = max(1, round(count))
    unit = 10 ** (len(str(whole)) - 1)
    return max(1, round(whole / unit) * unit)
