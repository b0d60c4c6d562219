"""The map of an explorer: where each identity went in her colour, and what moves when it plays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from workbench.views.explorers.playback import Playback
from workbench.views.maps.labels import Labels
from workbench.views.maps.plan import Plan, broken
from workbench.views.maps.scene import Notes, Scene, Setting, empty_labels, outage_words
from workbench.views.maps.sheet import cameras_traces, one_legend, views_trace, ways_trace
from workbench.views.maps.stays import called
from workbench.views.maps.stretches import on_plan, short_traces, unseen_traces
from workbench.views.style import duration, escape, identity_colour

PALE = 0.12
"""Opacity of what is not chosen."""

_NAMED = 12  # most identities that the legend names
_RADIUS = 9  # of the mark where somebody is, pixels


@dataclass(frozen=True, slots=True)
class PathsMap:
    """A figure of paths, and what is where in it, by number of the level.

    ``dots``: which trace the sightings are, their ``customdata`` the positions in `vertices`, and
    ``colours``, of each; ``axes``: what a shape on the level says of its axes. ``moving``: who gets
    a trail.
    """

    figure: go.Figure
    vertices: pd.DataFrame
    dots: dict[int, int]
    colours: dict[int, list[str]]
    axes: dict[int, dict[str, str]]
    moving: tuple[str, ...]

    @property
    def who(self) -> list[str]:
        """Return the identities drawn, in order."""
        return list(dict.fromkeys(self.vertices["who"]))


def paths_map(
    scene: Scene,
    setting: Setting,
    *,
    adjacency: pd.DataFrame | None,
    title: str,
    moving: tuple[str, ...],
) -> PathsMap:
    """Return the map of some identities' paths; :func:`frame` is what moves on it.

    Parameters
    ----------
    scene : Scene
        What is drawn.
    setting : Setting
        The ground and the looks.
    adjacency : DataFrame or None
        As in ``schema.ADJACENT_TO``.
    title : str
        Not escaped.
    moving : tuple of str
        The identities that get a trail.
    """
    labels, places = empty_labels(scene, setting)
    traces: list[go.Scatter] = []
    notes = setting.sheet.level_titles(setting.ground)
    dots: dict[int, int] = {}
    for number, plan in _panels(setting):
        below = [ways_trace(plan, adjacency, setting.look), views_trace(plan, setting.look)]
        traces += [trace for trace in below if trace is not None]
        traces += _lines(scene, setting, number, plan)
        traces += cameras_traces(plan, places, {}, set(), setting.look)
        dots[number] = len(traces)
        traces.append(_dots(scene, setting, number, plan))
        notes += _notes(scene, setting, number, plan, labels[plan.panel])
    figure = go.Figure(one_legend([*_entries(scene, setting), *traces]))
    # What is chosen is shown by the explorer: plotly would fade the names of cameras too.
    as_ever = {"marker": {"opacity": 1}, "textfont": {"color": setting.look.ink}}
    figure.update_traces(unselected=as_ever)
    shift = len(figure.data) - len(traces)
    figure.update_layout(
        setting.sheet.layout(setting.look, title, [], row=len(setting.ground.plans) > 1, bar=False),
        annotations=notes,
        uirevision="paths",
        clickmode="event",
        dragmode="pan",
        modebar={"remove": ["sendChartToCloud", "sendDataToCloud"]},
    )
    return PathsMap(
        figure,
        scene.vertices,
        {number: at + shift for number, at in dots.items()},
        {number: list(figure.data[at + shift].marker.color) for number, at in dots.items()},
        {number: _refs(plan) for number, plan in _panels(setting)},
        moving,
    )


def _panels(setting: Setting) -> Iterator[tuple[int, Plan]]:
    return ((i, plan) for i, plan in enumerate(setting.ground.plans) if plan.panel)


def _lines(scene: Scene, setting: Setting, number: int, plan: Plan) -> list[go.Scatter]:
    seen, short, gone = (on_plan(scene.stretches, number, k) for k in ("seen", "short", "gap"))
    lines = [
        go.Scatter(
            x=broken(part[["x0", "x1"]].to_numpy("float64")),
            y=broken(part[["y0", "y1"]].to_numpy("float64")),
            mode="lines", name="path", showlegend=False, hoverinfo="skip", opacity=0.6,
            line={"color": identity_colour(str(who)), "width": 2}, **plan.axes,
        )
        for who, part in seen.groupby("who", sort=False)
    ]  # fmt: skip
    look, tell = setting.look, setting.tell
    return [
        *short_traces(short, plan, tell, look), *lines, *unseen_traces(gone, plan, tell, look)
    ]  # fmt: skip


def _dots(scene: Scene, setting: Setting, number: int, plan: Plan) -> go.Scatter:
    at = np.flatnonzero(scene.vertices["plan"] == number)
    here = scene.vertices.iloc[at]
    colours = {who: identity_colour(who or None) for who in here["who"].unique()}
    size = np.where(here["on_floor"], 7.0, 9.0 + 3.0 * np.log10(1.0 + here["dwell_s"]))
    return go.Scatter(
        x=here["x"].tolist(),
        y=here["y"].tolist(),
        mode="markers",
        name="sighting",
        showlegend=False,
        marker={
            "size": np.minimum(size, 20).round(1).tolist(),
            "color": [colours[who] for who in here["who"]],
            "line": {"color": setting.look.edge, "width": 0.7},
        },
        hovertext=here["hover"].tolist(),
        hovertemplate="%{hovertext}<extra></extra>",
        customdata=at.tolist(),
        **plan.axes,
    )


def faint(colour: str, opacity: float) -> str:
    """Return a colour ``#rrggbb`` as one that lets the ground through."""
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, {opacity:g})"


def _refs(plan: Plan) -> dict[str, str]:
    return {"xref": plan.axes["xaxis"], "yref": plan.axes["yaxis"]}


def _entries(scene: Scene, setting: Setting) -> list[go.Scatter]:
    """Return the entries of the legend: who has which colour."""
    who = [one for one in dict.fromkeys(scene.vertices["who"]) if one]
    return [
        go.Scatter(
            x=[None], y=[None], mode="lines+markers",
            name=called(one, setting.people),
            line={"color": identity_colour(one), "width": 3}, marker={"size": 8},
        )
        for one in who[:_NAMED]
    ]  # fmt: skip


def _notes(
    scene: Scene, setting: Setting, number: int, plan: Plan, labels: Labels
) -> list[dict[str, object]]:
    stand = labels.copy()
    stand.avoid(scene.marks(number))
    return Notes(plan, stand, setting.look).all(outage_words(scene, setting, number))


# ------------------------------------------------------------------ what moves
def frame(
    paths: PathsMap, playback: Playback, us: int, trail_s: float, setting: Setting
) -> list[dict[str, object]]:
    """Return what is drawn over the map to show a moment, as shapes of plotly.

    The trail of each identity in her colour, and a mark where she is: filled where somebody sees
    her at that moment, open where she was seen last. The ``name`` of a mark is what it says under
    the mouse, with how long ago that was.

    Shapes and not traces: plotly draws new shapes alone, and for a new trace every dot anew.
    """
    now = playback.at(us)
    trail = playback.trail(us, trail_s, now=now) if trail_s else now.iloc[:0]
    walked = [(str(who), part) for who, part in trail.groupby("who") if who in paths.moving]
    shapes: list[dict[str, object]] = []
    for number, axes in paths.axes.items():
        shapes += [_trail(who, part, number, axes) for who, part in walked]
        shapes += _heads(now[now["plan"] == number], axes, setting)
    return [shape for shape in shapes if shape]


def _trail(who: str, part: pd.DataFrame, number: int, axes: dict[str, str]) -> dict[str, object]:
    """Return one line with a break wherever she was away, nothing if she was."""
    here = (part["plan"] == number).to_numpy() & part["x"].notna().to_numpy()
    if here.sum() < 2:
        return {}
    begins = here & ~np.concatenate([[False], here[:-1]])
    letters = np.where(begins, "M", "L")[here]
    x, y = (part[name].to_numpy("float64")[here] for name in ("x", "y"))
    steps = zip(letters.tolist(), x.tolist(), y.tolist(), strict=True)
    return {
        "type": "path",
        "path": "".join(f"{letter}{east:.9g},{north:.9g}" for letter, east, north in steps),
        "line": {"color": identity_colour(who), "width": 6},
        "opacity": 0.9,
        **axes,
    }


def _heads(now: pd.DataFrame, axes: dict[str, str], setting: Setting) -> list[dict[str, object]]:
    named = len(now) <= _NAMED
    return [_head(row, named, axes, setting) for row in now.to_dict("records")]


def _head(
    row: Mapping[Any, Any], named: bool, axes: dict[str, str], setting: Setting
) -> dict[str, object]:
    colour, look = identity_colour(row["who"] or None), setting.look
    shape = {
        "type": "circle",
        "xsizemode": "pixel", "xanchor": float(row["x"]), "x0": -_RADIUS, "x1": _RADIUS,
        "ysizemode": "pixel", "yanchor": float(row["y"]), "y0": -_RADIUS, "y1": _RADIUS,
        "fillcolor": colour if row["seen"] else look.paper,
        "line": {"color": look.ink if row["seen"] else colour, "width": 3},
        "name": _said(row, setting),
        **axes,
    }  # fmt: skip
    if named:
        shape["label"] = {
            "text": _short(row["who"], setting),
            "textposition": "top center", "yanchor": "bottom",
            "font": {"size": 13, "color": look.ink, "shadow": look.halo},
        }  # fmt: skip
    return shape


def _short(who: str, setting: Setting) -> str:
    return escape(setting.people.get(who, who), longest=24) or "not identified"


def _said(row: Mapping[Any, Any], setting: Setting) -> str:
    name = called(str(row["who"]), setting.people)
    if row["seen"]:
        return f"<b>{name}</b><br>seen now"
    since = duration(row["since_s"])
    return f"<b>{name}</b><br>not seen for {since}: was here last<br>no sighting is not absence"
