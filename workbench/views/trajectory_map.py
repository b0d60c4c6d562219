"""Where somebody went: her sightings on the plan, coloured by time, dashed where nobody saw."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from workbench import times
from workbench.errors import InvalidInputError
from workbench.views import plan as ground_plan
from workbench.views.plan import Plan
from workbench.views.stays import local, moment, stops
from workbench.views.stretches import MANY, arcs, path_traces, stretches_of, unseen_traces
from workbench.views.style import LIGHT, UNKNOWN, colour_scale, escape, viridis

_LABELS = 6
_INK = "#1F2328"


def trajectory_map(
    sightings: pd.DataFrame,
    cameras: pd.DataFrame,
    *,
    floor_plans: pd.DataFrame | None = None,
    adjacency: pd.DataFrame | None = None,
    outages: pd.DataFrame | None = None,
    gaps: pd.DataFrame | None = None,
    title: str | None = None,
    display_tz: str = "UTC",
    level: str | None = None,
    max_gap_s: float = 30.0,
) -> go.Figure:
    """Return the map of one identity's trajectory.

    Sightings with a floor position stand where they were; those without one are drawn once a
    visit beside their camera, the larger the longer it lasted. The path is coloured by time
    (viridis; the colour bar gives local times), and dashed where no camera saw her for longer
    than `max_gap_s`, with the reason if `gaps` gives one. Long trajectories are thinned for
    display, visit by visit, and the subtitle says so. Cameras without positions stand on a circle
    (or in a row, if only some lack one) and the map says so. Places are not drawn.

    Parameters
    ----------
    sightings : DataFrame
        As in ``schema.SIGHTING``; ``timestamp`` and ``camera_id`` are needed.
    cameras : DataFrame
        As in ``schema.CAMERA``; ``id`` is needed.
    floor_plans, adjacency, outages : DataFrame, optional
        As in ``schema.FLOOR_PLAN``, ``schema.ADJACENT_TO``, ``schema.OUTAGE``.
    gaps : DataFrame, optional
        As ``workbench.analytics.gaps.gaps`` returns them.
    title : str, optional
        Text of the title; the identity by default.
    display_tz : str
        Time zone of the times shown.
    level : str, optional
        Level to draw; by default the one with most sightings.
    max_gap_s : float
        Longest time between two sightings of one visit, and of a stretch drawn as seen, seconds.

    Returns
    -------
    plotly.graph_objects.Figure

    Raises
    ------
    InvalidInputError
        When a column is missing, or the time zone is unknown.
    NotFoundError
        When there is no such level.
    """
    zone = times.zone(display_tz)
    points = _points(sightings, cameras)
    chosen = ground_plan.choose_level(points, cameras, floor_plans, level)
    here = _on_level(points, cameras, chosen)
    plan = ground_plan.ground(cameras, here, level=chosen, floor_plans=floor_plans)
    vertices = stops(here, plan, max_gap_s=max_gap_s, zone=zone, display_tz=display_tz)
    stretches = stretches_of(vertices, gaps, max_gap_s)

    figure = go.Figure()
    for trace in (
        ground_plan.ways_trace(plan, adjacency),
        ground_plan.views_trace(plan),
        *path_traces(vertices, stretches),
        *unseen_traces(stretches, plan, zone),
        *_dots(vertices),
        *ground_plan.cameras_traces(plan, _out(plan, outages, here, zone)),
        _ends(vertices),
    ):
        if trace is not None:
            figure.add_trace(trace)
    notes = _subtitle(points, here, vertices, plan, chosen)
    figure.update_layout(_layout(plan, here, zone, display_tz))
    figure.update_layout(title={"text": title_text(title, points), "subtitle": {"text": notes}})
    figure.update_layout(annotations=_annotations(vertices, stretches, plan, zone))
    return figure


def title_text(title: str | None, points: pd.DataFrame) -> str:
    """Return the title of a map, escaped: the one given, or whom it shows."""
    if title is not None:
        return escape(title)
    names = points["identity_id"].dropna().unique()
    if not len(names):
        return "Nobody identified"
    return "Trajectory of " + escape(
        ", ".join(map(str, names[:3])) + (", …" if len(names) > 3 else "")
    )


def _points(sightings: pd.DataFrame, cameras: pd.DataFrame) -> pd.DataFrame:
    for frame, names, subject in (
        (sightings, ("timestamp", "camera_id"), "sightings"),
        (cameras, ("id",), "cameras"),
    ):
        missing = [name for name in names if name not in frame.columns]
        if missing:
            raise InvalidInputError(
                f"The {subject} lack the column {missing[0]}.",
                where=f"columns given: {', '.join(map(str, frame.columns)) or 'none'}",
                next="Give the table as the room that made it returned it.",
            )
    wanted = ["id", "identity_id", "floor_x_m", "floor_y_m"]
    points = sightings.reindex(columns=[*sightings.columns, *set(wanted) - set(sightings.columns)])
    points = points[points["camera_id"].notna() & points["timestamp"].notna()]
    points = points.sort_values(["timestamp", "id"], kind="stable", ignore_index=True)
    return points.assign(us=points["timestamp"].dt.as_unit("us").astype("int64"))


def _on_level(points: pd.DataFrame, cameras: pd.DataFrame, level: str | None) -> pd.DataFrame:
    if level is None or "level" not in cameras.columns:
        return points
    elsewhere = cameras["id"][cameras["level"].notna() & (cameras["level"] != level)]
    return points[~points["camera_id"].isin(elsewhere)].reset_index(drop=True)


def _dots(vertices: pd.DataFrame) -> list[go.Scatter]:
    first = vertices["us"].min() if len(vertices) else 0
    small, edge = (8.0, 1.0) if len(vertices) <= MANY else (5.0, 0.4)
    size = np.where(
        vertices["on_floor"],
        small,
        9.0 + 3.0 * np.log10(1.0 + vertices["dwell_s"].to_numpy("float64")),
    )
    dots = go.Scatter(
        x=vertices["x"].tolist(),
        y=vertices["y"].tolist(),
        mode="markers",
        name="sighting",
        showlegend=False,
        marker={
            "size": np.minimum(size, 22).round(1).tolist(),
            "color": ((vertices["us"] - first) / 1e6).tolist(),
            "coloraxis": "coloraxis",
            "line": {"color": "rgba(31, 35, 40, 0.65)", "width": edge},
            "opacity": 1,
        },
        hovertext=vertices["hover"].tolist(),
        hovertemplate="%{hovertext}<extra></extra>",
    )
    # In the legend a value has no colour: it gets the middle one.
    entry = go.Scatter(
        x=[None], y=[None], mode="markers", name="sighting", marker={"color": viridis(0.5)}
    )
    return [dots, entry]


def _ends(vertices: pd.DataFrame) -> go.Scatter | None:
    if vertices.empty:
        return None
    two = pd.concat([vertices.drop_duplicates("who"), vertices.drop_duplicates("who", keep="last")])
    symbols = ["circle-open"] * (len(two) // 2) + ["square-open"] * (len(two) // 2)
    return go.Scatter(
        x=two["x"].tolist(),
        y=two["y"].tolist(),
        mode="markers",
        name="start and end",
        showlegend=False,
        hoverinfo="skip",
        marker={"symbol": symbols, "size": 22, "color": _INK, "line": {"width": 2, "color": _INK}},
    )


def _out(
    plan: Plan, outages: pd.DataFrame | None, here: pd.DataFrame, zone: ZoneInfo
) -> dict[str, str]:
    """Return what the hovers of the cameras say that were out in the time shown, by id."""
    if outages is None or outages.empty or here.empty:
        return {}
    rows = outages[
        outages["camera_id"].isin(plan.spots.index)
        & (outages["start"] <= here["timestamp"].iloc[-1])
        & (outages["end"] > here["timestamp"].iloc[0])
    ]
    notes: dict[str, str] = {}
    for row in rows.sort_values(["camera_id", "start"]).to_dict("records"):
        source = row.get("source")
        said = "" if pd.isna(source) else f" ({escape(source)})"
        line = f"<br>out {local(row['start'], zone)} – {local(row['end'], zone)}{said}"
        notes[row["camera_id"]] = notes.get(row["camera_id"], "") + line
    return notes


def _subtitle(
    points: pd.DataFrame, here: pd.DataFrame, vertices: pd.DataFrame, plan: Plan, level: str | None
) -> str:
    if points.empty:
        return "no sighting at a camera: nothing to draw"
    parts = [f"{len(points):,} sightings at {points['camera_id'].nunique()} cameras"]
    if len(points) > len(here):
        elsewhere = len(points) - len(here)
        parts.append(
            f"level {escape(level)} drawn; {elsewhere:,} sightings on other levels are not"
        )
    spots, floor = int(vertices["on_floor"].sum()), int(here["floor_x_m"].notna().sum())
    if 0 < spots < floor:
        parts.append(f"{spots:,} of {floor:,} positions drawn")
    if not plan.metric:
        parts.append(
            "no camera position is known: cameras stand on a circle, distances mean nothing"
        )
    elif not plan.spots["placed"].all():
        parts.append("cameras below the plan: position unknown")
    return " · ".join(parts)


def _layout(plan: Plan, here: pd.DataFrame, zone: ZoneInfo, display_tz: str) -> dict[str, Any]:
    axis: dict[str, Any] = {"constrain": "domain"}
    if not plan.metric:
        axis |= {"visible": False}
    if plan.floor is not None:
        axis |= {"showgrid": False}
    across, up = plan.frame()
    return {
        "template": LIGHT,
        "height": 700,
        "autosize": True,
        "margin": {"l": 56, "r": 20, "t": 104, "b": 128},
        "xaxis": axis | {"title": {"text": "east (m)"}, "range": across},
        "yaxis": axis
        | {"title": {"text": "north (m)"}, "range": up, "scaleanchor": "x", "scaleratio": 1},
        "images": [] if plan.floor is None else [ground_plan.floor_image(plan.floor)],
        "legend": {
            "orientation": "h",
            "x": 0,
            "xanchor": "left",
            "y": 1.0,
            "yanchor": "bottom",
            "itemclick": False,
            "itemdoubleclick": False,
        },
        "coloraxis": _colour_axis(here, zone, display_tz),
        "uirevision": "trajectory_map",
    }


def _colour_axis(here: pd.DataFrame, zone: ZoneInfo, display_tz: str) -> dict[str, Any]:
    first, last = (int(here["us"].min()), int(here["us"].max())) if len(here) else (0, 0)
    span = (last - first) / 1e6
    marks = np.linspace(0, span, 5) if span else np.zeros(1)
    moments = [first + round(mark * 1e6) for mark in marks]
    style = "%d %b %Y" if span > 8 * 86_400 else _style(first, last, zone)
    on = "" if style != "%H:%M:%S" else moment(first, zone, " on %Y-%m-%d")
    return {
        "colorscale": colour_scale(),
        "cmin": 0,
        "cmax": span or 1,
        "showscale": bool(len(here)),
        "colorbar": {
            "orientation": "h",
            "x": 0.5,
            "xanchor": "center",
            "y": 0,
            "yref": "container",
            "yanchor": "bottom",
            "len": 0.9,
            "thickness": 12,
            "tickmode": "array",
            "tickvals": marks.tolist(),
            "ticktext": [moment(us, zone, style) for us in moments],
            "title": {
                "text": f"local time{on} ({escape(display_tz)})",
                "side": "bottom",
                "font": {"size": 12},
            },
        },
    }


def _style(first: int, last: int, zone: ZoneInfo) -> str:
    one_day = moment(first, zone, "%Y-%m-%d") == moment(last, zone, "%Y-%m-%d")
    return "%H:%M:%S" if one_day else "%d %b %H:%M"


def _annotations(
    vertices: pd.DataFrame, stretches: pd.DataFrame, plan: Plan, zone: ZoneInfo
) -> list[dict[str, Any]]:
    notes = []
    out = stretches[stretches["unseen"] & (stretches["reason"] == "outage").fillna(False)]
    longest = (out["to_us"] - out["from_us"]).nlargest(_LABELS).index
    bows = arcs(out.loc[longest])
    for bow, step in zip(bows, out.loc[longest].to_dict("records"), strict=True):
        name = plan.spots["name"].get(step["outage_camera"], step["outage_camera"])
        notes.append(_note(bow[6], f"outage: {escape(name, longest=28)}", 0, -26, colour=UNKNOWN))
    return [*notes, *_end_notes(vertices, plan, zone)]


def _end_notes(vertices: pd.DataFrame, plan: Plan, zone: ZoneInfo) -> list[dict[str, Any]]:
    if vertices.empty:
        return []
    several = vertices["who"].nunique() > 1
    style = _style(int(vertices["us"].min()), int(vertices["until"].max()), zone)
    notes = []
    for who, hers in vertices.groupby("who", sort=False):
        whose = f"{escape(who, longest=20)}: " if several else ""
        for row, word, us in ((hers.iloc[0], "start", "us"), (hers.iloc[-1], "end", "until")):
            # Away from the camera, whose name stands behind it.
            faces = plan.spots["faces"][row["camera_id"]]
            side = -50 if word == "start" else 50
            angle = np.radians((0 if np.isnan(faces) else faces) + side)
            text = f"<b>{whose}{word}</b> {moment(int(row[us]), zone, style)}"
            ax, ay = round(60 * np.sin(angle)), round(-46 * np.cos(angle))
            notes.append(_note((row["x"], row["y"]), text, ax, ay))
    return notes


def _note(spot: Any, text: str, ax: int, ay: int, *, colour: str = _INK) -> dict[str, Any]:
    return {
        "x": float(spot[0]),
        "y": float(spot[1]),
        "text": text,
        "ax": ax,
        "ay": ay,
        "showarrow": True,
        "arrowhead": 0,
        "arrowwidth": 1,
        "arrowcolor": colour,
        "standoff": 8,
        "bgcolor": "rgba(255, 255, 255, 0.88)",
        "borderpad": 3,
        "font": {"size": 12, "color": _INK},
    }
