"""The ground a map is drawn on: where cameras stand, what they see, the drawing of the floor."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from workbench.errors import InvalidInputError, NotFoundError
from workbench.views.style import ALARM, UNKNOWN, escape

VIEW_M = 15.0
"""Length of a field of view as drawn, in metres; less on a small plan."""

_MEDIA = ("image/png", "image/jpeg", "image/webp")
_SPREAD = np.pi * (3 - np.sqrt(5))  # golden angle: points on a spiral that never hide each other
_HALO = ", ".join(f"{x}px {y}px 1px #fff" for x in (-1, 1) for y in (-1, 1)) + ", 0 0 6px #fff"


@dataclass(frozen=True, slots=True)
class Plan:
    """The ground of one map.

    ``spots``: one row a camera, by id: ``name, x, y, faces`` (degrees clockwise from +y, missing
    if unknown), ``fov, placed`` (whether x and y are its real position). ``metric``: whether
    distances on the map mean anything. ``reach``: length of a field of view as drawn. ``floor``:
    the floor plan's row, or None.
    """

    spots: pd.DataFrame
    metric: bool
    reach: float
    floor: pd.Series | None
    level: str | None
    low: tuple[float, float]
    high: tuple[float, float]

    def frame(self) -> tuple[list[float], list[float]]:
        """Return the ranges of the two axes: everything, and a margin around it."""
        x, y = self.spots["x"].to_numpy(), self.spots["y"].to_numpy()
        left, right = min([self.low[0], *x]), max([self.high[0], *x])
        bottom, top = min([self.low[1], *y]), max([self.high[1], *y])
        pad = 0.03 * max(right - left, top - bottom) if self.floor is not None else self.reach
        pad = pad or 1.0
        return [float(left - pad), float(right + pad)], [float(bottom - pad), float(top + pad)]


def choose_level(
    points: pd.DataFrame, cameras: pd.DataFrame, floor_plans: pd.DataFrame | None, level: str | None
) -> str | None:
    """Return the level to draw: the one asked for, else the one with most sightings.

    Raises
    ------
    NotFoundError
        When no camera and no floor plan is on the level asked for.
    """
    known = cameras.reindex(columns=["id", "level"]).dropna().astype("str")
    drawn = [] if floor_plans is None else list(floor_plans["level"].dropna())
    names = sorted({*known["level"], *drawn})
    if level is not None:
        if level not in names:
            raise NotFoundError(
                f"There is no level {level!r}.",
                where=f"levels: {', '.join(names) or 'none is known'}",
                next="Use one of these, or none to let the map choose.",
            )
        return level
    seen = points["camera_id"].map(known.set_index("id")["level"]).dropna()
    if len(seen):
        counts = seen.value_counts()
        return min(counts.index[counts == counts.max()])
    return names[0] if len(names) == 1 else None


def ground(
    cameras: pd.DataFrame,
    points: pd.DataFrame,
    *,
    level: str | None = None,
    floor_plans: pd.DataFrame | None = None,
) -> Plan:
    """Return where every camera of a level stands on the map.

    Cameras without a position stand in a row below the others; if no position at all is known,
    neither of a camera nor on the floor, they stand on a circle in order of id.
    """
    floor = _floor(floor_plans, level)
    spots = _known(cameras, points, level)
    on_floor = points[["floor_x_m", "floor_y_m"]].dropna().to_numpy("float64")
    placed = spots["placed"].to_numpy(dtype=bool)
    extent = np.vstack(
        [spots.loc[placed, ["x", "y"]].to_numpy("float64"), on_floor, _corners(floor)]
    )
    if not len(extent):
        circle = _on_circle(spots)
        return Plan(circle, False, 3.0, None, level, low=(-10.0, -10.0), high=(10.0, 10.0))
    low, high = extent.min(axis=0), extent.max(axis=0)
    size = float(np.hypot(*(high - low))) or 10.0
    reach = min(VIEW_M, 0.14 * size)
    row = _in_row(spots, low, high, reach)
    return Plan(row, True, reach, floor, level, low=(low[0], low[1]), high=(high[0], high[1]))


def _known(cameras: pd.DataFrame, points: pd.DataFrame, level: str | None) -> pd.DataFrame:
    columns = ["id", "name", "position_x", "position_y", "orientation", "fov", "level"]
    known = cameras.reindex(columns=columns)
    if level is not None:
        known = known[known["level"].isna() | (known["level"] == level)]
    others = sorted(set(points["camera_id"]) - set(cameras["id"]))
    ids = [*known["id"], *others]
    spots = known.set_index("id").reindex(ids).sort_index()
    spots.index.name = "id"
    spots["name"] = spots["name"].astype("str").fillna(pd.Series(spots.index, index=spots.index))
    spots = spots.rename(columns={"position_x": "x", "position_y": "y", "orientation": "faces"})
    numbers = {name: "float64" for name in ("x", "y", "faces", "fov")}
    spots = spots.astype(numbers)
    return spots.assign(placed=spots["x"].notna() & spots["y"].notna())


def _on_circle(spots: pd.DataFrame) -> pd.DataFrame:
    angle = 2 * np.pi * np.arange(len(spots)) / max(len(spots), 1)
    radius = 10.0
    return spots.assign(
        x=radius * np.sin(angle), y=radius * np.cos(angle), faces=(np.degrees(angle) + 180) % 360
    )


def _in_row(spots: pd.DataFrame, low: np.ndarray, high: np.ndarray, reach: float) -> pd.DataFrame:
    lost = ~spots["placed"].to_numpy(dtype=bool)
    if not lost.any():
        return spots
    row = spots.copy()
    n = int(lost.sum())
    wide = max(high[0] - low[0], 2.5 * reach * n)
    row.loc[lost, "x"] = low[0] + wide * (np.arange(n) + 0.5) / n
    row.loc[lost, "y"] = low[1] - 1.6 * reach
    row.loc[lost, "faces"] = 0.0
    return row


def _floor(floor_plans: pd.DataFrame | None, level: str | None) -> pd.Series | None:
    if floor_plans is None or floor_plans.empty:
        return None
    here = floor_plans[floor_plans["level"] == level] if level is not None else floor_plans
    # Without any level known, a single drawing is the drawing.
    return here.iloc[0] if len(here) == 1 else None


def _corners(floor: pd.Series | None) -> np.ndarray:
    if floor is None:
        return np.empty((0, 2))
    scale = float(floor["metres_per_pixel"])
    left, top = -float(floor["origin_x_px"]) * scale, float(floor["origin_y_px"]) * scale
    right = left + float(floor["width_px"]) * scale
    return np.array([[left, top], [right, top - float(floor["height_px"]) * scale]])


def floor_image(floor: pd.Series) -> dict[str, Any]:
    """Return the floor plan as a plotly layout image: a data URI, in metres, below everything.

    Raises
    ------
    InvalidInputError
        When it is neither PNG, JPEG nor WebP.
    """
    media = str(floor["media_type"])
    if media not in _MEDIA:
        raise InvalidInputError(
            f"A floor plan of type {media!r} cannot be drawn.",
            where=f"level {floor['level']}",
            next="Load it as PNG, JPEG or WebP.",
        )
    (left, top), (right, bottom) = _corners(floor)
    image = base64.b64encode(bytes(floor["image"])).decode("ascii")
    return {
        "source": f"data:{media};base64,{image}",
        "xref": "x",
        "yref": "y",
        "x": left,
        "y": top,
        "sizex": right - left,
        "sizey": top - bottom,
        "sizing": "stretch",
        "layer": "below",
        "opacity": 0.9,
    }


def spread(plan: Plan, camera: str, n: int) -> np.ndarray:
    """Return `n` spots, (n, 2), for what a camera saw at places nobody measured.

    On a spiral in front of it, or around it where nobody knows which way it looks; always the
    same for the same `n`.
    """
    spot = plan.spots.loc[camera]
    turn = np.arange(n) * _SPREAD
    inner = 0.0
    middle = np.array([spot["x"], spot["y"]])
    if np.isnan(spot["faces"]):
        inner = 0.35
    else:
        away = np.radians(spot["faces"])
        middle = middle + 0.62 * plan.reach * np.array([np.sin(away), np.cos(away)])
    share = (np.arange(n) + 0.5) / n if n > 1 or inner else np.zeros(n)
    far = 0.34 * plan.reach * np.sqrt(inner + (1 - inner) * share)
    return middle + np.column_stack([far * np.sin(turn), far * np.cos(turn)])


def ways_trace(plan: Plan, adjacency: pd.DataFrame | None) -> go.Scatter | None:
    """Return the ways between neighbouring cameras as thin lines, or None if there are none."""
    if adjacency is None or adjacency.empty:
        return None
    spots = plan.spots
    inside = adjacency["from_camera"].isin(spots.index) & adjacency["to_camera"].isin(spots.index)
    ends = adjacency[inside]
    x = np.column_stack([spots["x"].loc[ends["from_camera"]], spots["x"].loc[ends["to_camera"]]])
    y = np.column_stack([spots["y"].loc[ends["from_camera"]], spots["y"].loc[ends["to_camera"]]])
    return go.Scatter(
        x=broken(x),
        y=broken(y),
        mode="lines",
        name="way between cameras",
        line={"color": UNKNOWN, "width": 1},
        opacity=0.55,
        hoverinfo="skip",
    )


def broken(rows: np.ndarray) -> list[float | None]:
    """Return the rows of a matrix end to end with a break (None) after each."""
    cells: list[float | None] = []
    for row in rows.tolist():
        cells += [*row, None]
    return cells


def views_trace(plan: Plan) -> go.Scatter | None:
    """Return the fields of view as light sectors, or None if no camera's direction is known.

    Where only the direction is known, a line shows it.
    """
    known = plan.spots[plan.spots["placed"] & plan.spots["faces"].notna()]
    if known.empty:
        return None
    outlines = [_sector(spot, plan.reach) for _, spot in known.iterrows()]
    x: list[float | None] = []
    y: list[float | None] = []
    for outline in outlines:
        x += [*outline[:, 0].tolist(), None]
        y += [*outline[:, 1].tolist(), None]
    return go.Scatter(
        x=x,
        y=y,
        mode="lines",
        fill="toself",
        fillcolor="rgba(86, 180, 233, 0.16)",
        line={"color": "rgba(0, 114, 178, 0.35)", "width": 1},
        name="field of view",
        hoverinfo="skip",
    )


def _sector(spot: pd.Series, reach: float) -> np.ndarray:
    half = 0.0 if np.isnan(spot["fov"]) else min(float(spot["fov"]) / 2, 180.0)
    angle = np.radians(np.linspace(spot["faces"] - half, spot["faces"] + half, 25))
    arc = np.column_stack([reach * np.sin(angle), reach * np.cos(angle)])
    ends = np.zeros((1, 2))
    return np.vstack([ends, arc, ends]) + np.array([spot["x"], spot["y"]])


def cameras_traces(plan: Plan, out: dict[str, str]) -> list[go.Scatter]:
    """Return the cameras with their names, and apart those that were out in the time shown.

    Parameters
    ----------
    plan : Plan
        The ground.
    out : dict
        Lines for the hover of each camera that was out, by id, already escaped.
    """
    gone = plan.spots.index.isin(list(out))
    drawn = (
        (plan.spots[~gone], "camera", "square", "#1F2328"),
        (plan.spots[gone], "camera, out for a time", "x", ALARM),
    )
    return [
        _cameras(spots, out, name=name, symbol=symbol, colour=colour)
        for spots, name, symbol, colour in drawn
        if len(spots)
    ]


def _cameras(
    spots: pd.DataFrame, out: dict[str, str], *, name: str, symbol: str, colour: str
) -> go.Scatter:
    return go.Scatter(
        x=spots["x"].tolist(),
        y=spots["y"].tolist(),
        mode="markers+text",
        name=name,
        text=[escape(name, longest=28) for name in spots["name"]],
        textposition=[_beside(faces) for faces in spots["faces"]],
        textfont={"size": 12, "shadow": _HALO},
        marker={
            "symbol": symbol,
            "size": 10,
            "color": colour,
            "line": {"color": "#FFFFFF", "width": 1.5},
        },
        hovertext=[
            _about(str(camera), spot) + out.get(str(camera), "")
            for camera, spot in spots.iterrows()
        ],
        hovertemplate="%{hovertext}<extra></extra>",
    )


def _beside(faces: float) -> str:
    # The name stands behind the camera; two of them back to back leave room for both.
    if np.isnan(faces):
        return "top center"
    return "middle left" if 45 <= faces % 360 < 225 else "middle right"


def _about(camera: str, spot: pd.Series) -> str:
    lines = [f"<b>{escape(spot['name'])}</b>", f"camera {escape(camera)}"]
    if spot["placed"]:
        lines.append(f"at ({spot['x']:.1f}, {spot['y']:.1f}) m")
    else:
        lines.append("position unknown")
    if spot["placed"] and not np.isnan(spot["faces"]):
        angle = "" if np.isnan(spot["fov"]) else f", {spot['fov']:.0f}° wide"
        lines.append(f"looks to {spot['faces']:.0f}°{angle}")
    if not pd.isna(spot["level"]):
        lines.append(f"level {escape(spot['level'])}")
    return "<br>".join(lines)
