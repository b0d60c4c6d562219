"""The sheet a map is drawn on: a pair of axes for each level, floor plans, cameras, a title."""

from __future__ import annotations

import base64
import io
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from PIL import Image

from workbench.errors import InvalidInputError
from workbench.geography import Origin
from workbench.views.maps.labels import INK_PX, Labels
from workbench.views.maps.plan import Ground, Plan, broken, corners, level_name, position
from workbench.views.style import Theme, duration, escape

_MEDIA = ("image/png", "image/jpeg", "image/webp")
_LEFT, _RIGHT, _BOTTOM, _BAR, _GAP = 56, 20, 150, 54, 50
_NARROW_PX = 700 - _LEFT - _RIGHT
_USUAL_PX = 780  # width for which the height is chosen: a notebook's column
_LINE_PX = 15
# Lightness turned round, hue kept: invert(1) hue-rotate(180deg) of CSS, on 0 to 1.
_TURN = np.array([[-0.574, 1.430, 0.144], [0.426, 0.430, 0.144], [0.426, 1.430, -0.856]])

_LIFT = 0.8
_INK, _SIDE_PX = 0.3, 1600

Frame = tuple[list[float], list[float]]


@dataclass(frozen=True, slots=True)
class Sheet:
    """Where the panels of a map lie: ranges of their axes, height in pixels, labels by panel."""

    plans: list[Plan]
    frames: list[Frame]
    linked: bool
    columns: int
    panel_px: float

    @classmethod
    def of(cls, ground: Ground) -> Sheet:
        """Return the sheet of these levels: one above the other, or tall ones side by side.

        All levels have one scale; where they lie above each other in the building, they have the
        same ranges too, so that a staircase is at the same place on each.
        """
        plans = ground.drawn
        frames, linked = _frames(plans)
        shape = max((up[1] - up[0]) / (across[1] - across[0]) for across, up in frames)
        n = len(plans)
        columns = n if n > 1 and shape > 1.1 else 1
        wide, least, most = (_USUAL_PX, 360, 600) if n == 1 else (_USUAL_PX, 230, 420)
        if columns > 1:
            wide, least, most = _USUAL_PX // n, 360, 620
        return cls(plans, frames, linked, columns, float(np.clip(wide * shape, least, most)))

    @property
    def plot_px(self) -> float:
        """Return the height of all panels together, in pixels."""
        rows = len(self.plans) // self.columns
        return rows * self.panel_px + (rows - 1) * _GAP

    def labels(self) -> dict[int, Labels]:
        """Return an empty set of labels for each panel, by its number."""
        wide = (_NARROW_PX - _GAP * (self.columns - 1)) / self.columns
        found = {}
        for plan, (across, up) in zip(self.plans, self.frames, strict=True):
            scale = min(wide / (across[1] - across[0]), self.panel_px / (up[1] - up[0]))
            found[plan.panel] = Labels(scale, across, up)
            if plan.floor is not None:
                found[plan.panel].spare(_ink(plan.floor, INK_PX / scale))
        return found

    def layout(
        self, look: Theme, title: str, notes: Sequence[str], *, row: bool, bar: bool = True
    ) -> dict[str, Any]:
        """Return the layout of the figure.

        Parameters
        ----------
        look : Theme
        title : str
            Not escaped.
        notes : sequence of str
            Parts of the subtitle, escaped; wrapped so that a narrow window holds them.
        row : bool
            Whether something stands right above the panels: a picker, the names of levels.
        bar : bool
            Whether a colour bar stands below them.
        """
        lines = _lines(notes)
        heading = "<br>".join(escape(part) for part in textwrap.wrap(title, 62)[:2]) or "Map"
        top = 30 + 21 * (1 + heading.count("<br>")) + _LINE_PX * len(lines) + (28 if row else 0)
        bottom = _BOTTOM if bar else _BOTTOM - _BAR
        height = round(top + self.plot_px + bottom)
        return {
            "template": look.template,
            "height": height,
            "autosize": True,
            "margin": {"l": _LEFT, "r": _RIGHT, "t": top, "b": bottom},
            "title": {
                "text": heading,
                "subtitle": {"text": " · <br>".join(lines)},
                "yref": "container",
                "y": 1.0,
                "yanchor": "top",
                "pad": {"l": 16, "t": 14},
            },
            "images": [floor_image(plan, look) for plan in self.plans if plan.floor is not None],
            "legend": {
                "orientation": "h",
                "x": 0,
                "xanchor": "left",
                "y": (_BAR + 8 if bar else 8) / height,
                "yref": "container",
                "yanchor": "bottom",
                "itemclick": False,
                "itemdoubleclick": False,
            },
            **self._axes(),
        }

    def level_titles(self, ground: Ground) -> list[dict[str, Any]]:
        """Return the name of each level above its panel; none for a site with one level."""
        if len(ground.plans) < 2:
            return []
        return [
            {
                "xref": f"{plan.axes['xaxis']} domain",
                "yref": f"{plan.axes['yaxis']} domain",
                "x": 0,
                "y": 1,
                "xanchor": "left",
                "yanchor": "bottom",
                "showarrow": False,
                "text": f"<b>{escape(_title(level_name(plan.level)), longest=40)}</b>",
                "font": {"size": 14},
            }
            for plan in self.plans
        ]

    def _axes(self) -> dict[str, Any]:
        axes: dict[str, Any] = {}
        rows = len(self.plans) // self.columns
        first = next((plan for plan in self.plans if plan.metric), None)
        for i, (plan, (across, up)) in enumerate(zip(self.plans, self.frames, strict=True)):
            row, column = divmod(i, self.columns)
            high, gap = self.panel_px / self.plot_px, _GAP / self.plot_px
            bottom = (rows - 1 - row) * (high + gap)
            shared: dict[str, Any] = {"constrain": "domain", "visible": plan.metric}
            if plan.floor is not None:
                shared |= {"showgrid": False}
            x, y = plan.axes["xaxis"], plan.axes["yaxis"]
            part = (1 - 0.06 * (self.columns - 1)) / self.columns
            axes[f"xaxis{x[1:]}"] = shared | {
                **_ticks(plan, across, 0, titled=row == rows - 1),
                "range": across,
                "anchor": y,
                "domain": [column * (part + 0.06), column * (part + 0.06) + part],
                **self._bound(plan, first, "x"),
            }
            axes[f"yaxis{y[1:]}"] = shared | {
                **_ticks(plan, up, 1, titled=column == 0),
                "range": up,
                "anchor": x,
                "domain": [bottom, min(bottom + high, 1.0)],
                "constraintoward": "top",
                **self._bound(plan, first, "y"),
            }
        return axes

    def _bound(self, plan: Plan, first: Plan | None, way: str) -> dict[str, Any]:
        """Return what ties an axis to another one, so that a metre is a metre everywhere."""
        square = {"scaleanchor": plan.axes["xaxis"], "scaleratio": 1} if way == "y" else {}
        if first is None or plan is first or not plan.metric:
            return square
        if self.linked:
            return {"matches": first.axes[f"{way}axis"]}
        return square or {"scaleanchor": first.axes["xaxis"], "scaleratio": 1}


def _ticks(plan: Plan, span: list[float], way: int, *, titled: bool) -> dict[str, Any]:
    """Return title and ticks of an axis: metres, or degrees where the origin is known.

    `way` is 0 for the axis to the east, 1 for the one to the north. The axis stays one of metres,
    so that a metre across is a metre up; only what stands at its ticks is in degrees.
    """
    if plan.globe is None:
        return {"title": {"text": ("east (m)", "north (m)")[way] if titled else ""}}
    ends = plan.globe.degrees(np.array(span), np.array(span))[way]
    rough = abs(ends[1] - ends[0]) / 5
    power = 10.0 ** np.floor(np.log10(rough))
    step = power * min((1, 2, 5, 10), key=lambda times: abs(times * power - rough))
    first = np.ceil(ends[0] / step) * step
    degrees = first + step * np.arange(int((ends[1] - first) / step + 1e-9) + 1)
    here = np.array([plan.globe.longitude, plan.globe.latitude])
    points = np.tile(here, (len(degrees) + 1, 1))
    points[:-1, way] = degrees
    points[-1, way] += step
    metres = plan.globe.metres(points[:, 0], points[:, 1])[way]
    places = max(0, int(-np.floor(np.log10(step))))
    name = ("longitude", "latitude")[way]
    scale = f"{name} ({step:.{places}f}° are {metres[-1]:,.0f} m)"
    return {
        "title": {"text": scale if titled else ""},
        "tickmode": "array",
        "tickvals": metres[:-1].tolist(),
        "ticktext": [f"{degree:.{places}f}°" for degree in degrees],
    }


def _title(name: str) -> str:
    return name[:1].upper() + name[1:]


def _frames(plans: list[Plan]) -> tuple[list[Frame], bool]:
    frames = [plan.frame() for plan in plans]
    metric = np.array([frame for plan, frame in zip(plans, frames, strict=True) if plan.metric])
    if len(metric) < 2:
        return frames, False
    # Axes 0: plan, 1: x or y, 2: low or high.
    low, high = metric[:, :, 0].min(axis=0), metric[:, :, 1].max(axis=0)
    span = (metric[:, :, 1] - metric[:, :, 0]).max(axis=0)
    if ((high - low) <= 1.3 * span).all():
        joint: Frame = ([low[0], high[0]], [low[1], high[1]])
        return [joint if p.metric else f for p, f in zip(plans, frames, strict=True)], True
    own = []
    for plan, (across, up) in zip(plans, frames, strict=True):
        x, y = np.mean(across), np.mean(up)
        wider = ([x - span[0] / 2, x + span[0] / 2], [y - span[1] / 2, y + span[1] / 2])
        own.append(wider if plan.metric else (across, up))
    return own, False


def _lines(notes: Sequence[str], longest: int = 92) -> list[str]:
    lines: list[str] = []
    for note in notes:
        if lines and len(lines[-1]) + len(note) + 3 <= longest:
            lines[-1] += f" · {note}"
        else:
            lines.append(note)
    return lines


def floor_image(plan: Plan, look: Theme) -> dict[str, Any]:
    """Return the floor plan as a plotly layout image: a data URI, in metres, below everything.

    On dark its lightness is turned round and its hues are kept: white becomes the paper, black
    the ink. A picture that cannot be read for that is shown as it is, faintly.

    Raises
    ------
    InvalidInputError
        When it is neither PNG, JPEG nor WebP.
    """
    floor = plan.floor
    assert floor is not None  # only levels with a drawing are asked for it
    media, data, opacity = str(floor["media_type"]), bytes(floor["image"]), 0.9
    if media not in _MEDIA:
        raise InvalidInputError(
            f"A floor plan of type {media!r} cannot be drawn.",
            where=f"level {floor['level']}",
            next="Load it as PNG, JPEG or WebP.",
        )
    if look.name == "dark":
        turned = _turned(data, look)
        media, data, opacity = (media, data, 0.35) if turned is None else ("image/png", turned, 1.0)
    (left, top), (right, bottom) = corners(floor)
    return {
        "source": f"data:{media};base64,{base64.b64encode(data).decode('ascii')}",
        "xref": plan.axes["xaxis"],
        "yref": plan.axes["yaxis"],
        "x": left,
        "y": top,
        "sizex": right - left,
        "sizey": top - bottom,
        "sizing": "stretch",
        "layer": "below",
        "opacity": opacity,
    }


def _ink(floor: pd.Series, cell_m: float) -> np.ndarray:
    """Return where a floor plan has lines and words, (n, 2) in metres, about one point a cell."""
    try:
        with Image.open(io.BytesIO(bytes(floor["image"]))) as picture:
            grey = picture.convert("L")
    except (OSError, ValueError, Image.DecompressionBombError):
        return np.empty((0, 2))
    grey.thumbnail((_SIDE_PX, _SIDE_PX))
    light = np.asarray(grey, dtype="float32") / 255
    row, column = np.nonzero(np.abs(light - np.median(light)) > _INK)
    (left, top), (right, bottom) = corners(floor)
    cell = np.array([right - left, top - bottom]) / (light.shape[1], light.shape[0])
    spots = np.column_stack([column, row]) * cell
    cells = np.unique((spots / cell_m).astype("int64"), axis=0)
    return (cells + 0.5) * cell_m * (1, -1) + (left, top)


def _turned(data: bytes, look: Theme) -> bytes | None:
    try:
        with Image.open(io.BytesIO(data)) as picture:
            pixels = np.asarray(picture.convert("RGBA"), dtype="float32") / 255
    except (OSError, ValueError, Image.DecompressionBombError):
        return None
    paper, ink = (
        np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)], dtype="float32") / 255
        for colour in (look.paper, look.ink)
    )
    # What is grey on white would be dim on black: the words of a drawing have to be read.
    light = np.clip(1 - pixels[..., :3] @ _TURN.T.astype("float32"), 0, 1) ** _LIFT
    colours = paper + (ink - paper) * light
    whole = np.dstack([colours, pixels[..., 3:]])
    out = io.BytesIO()
    Image.fromarray((whole * 255).round().astype("uint8"), "RGBA").save(out, "PNG")
    return out.getvalue()


def ways_trace(plan: Plan, adjacency: pd.DataFrame | None, look: Theme) -> go.Scatter | None:
    """Return the ways between neighbouring cameras of a level, or None if there are none."""
    if adjacency is None or adjacency.empty:
        return None
    ends = _ways(plan, adjacency)
    if ends.empty:
        return None
    return go.Scatter(
        x=broken(ends[["x0", "x1"]].to_numpy("float64")),
        y=broken(ends[["y0", "y1"]].to_numpy("float64")),
        mode="lines",
        name="way between cameras",
        line={"color": look.unknown, "width": 1},
        opacity=0.55,
        hoverinfo="skip",
        **plan.axes,
    )


def _ways(plan: Plan, adjacency: pd.DataFrame) -> pd.DataFrame:
    """Return the ways between two cameras of a level, each with its ends."""
    spots = plan.spots
    inside = adjacency["from_camera"].isin(spots.index) & adjacency["to_camera"].isin(spots.index)
    ends = adjacency[inside]
    return ends.assign(
        x0=ends["from_camera"].map(spots["x"]),
        y0=ends["from_camera"].map(spots["y"]),
        x1=ends["to_camera"].map(spots["x"]),
        y1=ends["to_camera"].map(spots["y"]),
    )


def way_hovers(plan: Plan, adjacency: pd.DataFrame | None, look: Theme) -> go.Scatter | None:
    """Return a small dot in the middle of each way that tells how long it is, or None."""
    ends = None if adjacency is None or adjacency.empty else _ways(plan, adjacency)
    if ends is None or ends.empty:
        return None
    names = plan.spots["name"]
    return go.Scatter(
        x=((ends["x0"] + ends["x1"]) / 2).tolist(),
        y=((ends["y0"] + ends["y1"]) / 2).tolist(),
        mode="markers",
        name="way between cameras",
        showlegend=False,
        marker={"size": 4, "color": look.unknown},
        hovertext=[_way_text(way, names) for way in ends.to_dict("records")],
        hovertemplate="%{hovertext}<extra></extra>",
        **plan.axes,
    )


def _way_text(way: Mapping[Any, Any], names: pd.Series) -> str:
    one, two = escape(names[way["from_camera"]]), escape(names[way["to_camera"]])
    directed = way.get("directed")
    line = "→" if pd.notna(directed) and directed else "↔"
    said = [f"<b>{one} {line} {two}</b>", "a way between neighbours"]
    if pd.notna(way.get("distance_m")):
        said.append(f"{way['distance_m']:.0f} m")
    if pd.notna(way.get("time_s")):
        said.append(f"usually {duration(way['time_s'])}")
    return "<br>".join(said)


def views_trace(plan: Plan, look: Theme) -> go.Scatter | None:
    """Return the fields of view as light sectors, or None if no camera's direction is known.

    Where only the direction is known, a line shows it.
    """
    known = plan.spots[plan.spots["placed"] & plan.spots["faces"].notna()]
    if known.empty:
        return None
    outlines = [_sector(spot, plan.reach) for _, spot in known.iterrows()]
    return go.Scatter(
        x=broken(outline[:, 0] for outline in outlines),
        y=broken(outline[:, 1] for outline in outlines),
        mode="lines",
        fill="toself",
        fillcolor=look.view,
        line={"color": look.view_edge, "width": 1},
        name="field of view",
        hoverinfo="skip",
        **plan.axes,
    )


def _sector(spot: pd.Series, reach: float) -> np.ndarray:
    half = 0.0 if np.isnan(spot["fov"]) else min(float(spot["fov"]) / 2, 180.0)
    angle = np.radians(np.linspace(spot["faces"] - half, spot["faces"] + half, 25))
    arc = np.column_stack([reach * np.sin(angle), reach * np.cos(angle)])
    ends = np.zeros((1, 2))
    return np.vstack([ends, arc, ends]) + np.array([spot["x"], spot["y"]])


def names_beside(plan: Plan, labels: Labels) -> pd.Series:
    """Return where each camera's name stands (a plotly textposition), "" where there is no room."""
    spots = plan.spots
    labels.block(spots[["x", "y"]].to_numpy("float64"), 7)
    return pd.Series(
        [
            labels.beside(spot["x"], spot["y"], _called(spot["name"]), _behind(spot["faces"]))
            for _, spot in spots.iterrows()
        ],
        index=spots.index,
        dtype="str",
    )


def _called(name: str) -> str:
    return name if len(name) <= 28 else name[:27] + "…"


def _behind(faces: float) -> str:
    # The name stands behind the camera; two of them back to back leave room for both.
    if np.isnan(faces):
        return "top center"
    return "middle left" if 45 <= faces % 360 < 225 else "middle right"


def cameras_traces(
    plan: Plan, names: pd.Series, notes: dict[str, str], out: set[str], look: Theme
) -> list[go.Scatter]:
    """Return the cameras with their names, and apart those that were out in the time shown.

    Parameters
    ----------
    plan : Plan
        The level.
    names : Series
        Where each name stands, as :func:`names_beside` returns them.
    notes : dict
        More lines for the hover of a camera, by id, already escaped.
    out : set of str
        The cameras that were out.
    look : Theme
    """
    gone = plan.spots.index.isin(list(out))
    drawn = (
        (plan.spots[~gone], "camera", "square", look.ink),
        (plan.spots[gone], "camera, out for a time", "x", look.alarm),
    )
    return [
        go.Scatter(
            x=spots["x"].tolist(),
            y=spots["y"].tolist(),
            mode="markers+text",
            name=name,
            text=[
                escape(_called(name)) if place else ""
                for name, place in zip(spots["name"], names[spots.index], strict=True)
            ],
            textposition=[place or "top center" for place in names[spots.index]],
            textfont={"size": 12, "color": look.ink, "shadow": look.halo},
            marker={
                "symbol": symbol,
                "size": 10,
                "color": colour,
                "line": {"color": look.paper, "width": 1.5},
            },
            hovertext=[
                _about(str(camera), spot, plan.globe) + notes.get(str(camera), "")
                for camera, spot in spots.iterrows()
            ],
            hovertemplate="%{hovertext}<extra></extra>",
            cliponaxis=False,
            **plan.axes,
        )
        for spots, name, symbol, colour in drawn
        if len(spots)
    ]


def _about(camera: str, spot: pd.Series, globe: Origin | None) -> str:
    lines = [f"<b>{escape(spot['name'])}</b>", f"camera {escape(camera)}"]
    if spot["placed"]:
        lines.append(position(spot["x"], spot["y"], globe))
    else:
        lines.append("position unknown")
    if spot["placed"] and not np.isnan(spot["faces"]):
        angle = "" if np.isnan(spot["fov"]) else f", {spot['fov']:.0f}° wide"
        lines.append(f"looks to {spot['faces']:.0f}°{angle}")
    if not pd.isna(spot["level"]):
        lines.append(escape(level_name(str(spot["level"]))))
    return "<br>".join(lines)


def one_legend(traces: Sequence[go.Scatter]) -> list[go.Scatter]:
    """Return the traces, each name in the legend once."""
    named: set[str] = set()
    for trace in traces:
        if trace.showlegend is None and trace.name in named:
            trace.showlegend = False
        elif trace.showlegend is None:
            named.add(trace.name)
    return list(traces)
