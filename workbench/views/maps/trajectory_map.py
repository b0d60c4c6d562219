"""Where somebody went: her sightings on the plan, coloured by time, dashed where nobody saw."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from workbench import times
from workbench.errors import InvalidInputError
from workbench.views import style
from workbench.views.maps.plan import grounds, level_name
from workbench.views.maps.scene import Scene, Setting, clock_style, draw, empty_labels
from workbench.views.maps.sheet import Sheet, one_legend, views_trace, ways_trace
from workbench.views.maps.stays import DRAWN, moment
from workbench.views.style import ThemeName, colour_scale, escape

_FEW = 12  # this many stops on several days are readable at once
_DAYS = 31  # most days that can be picked
_BUTTONS = 6  # more than this many scenes go into a list


def trajectory_map(
    sightings: pd.DataFrame,
    cameras: pd.DataFrame,
    *,
    floor_plans: pd.DataFrame | None = None,
    adjacency: pd.DataFrame | None = None,
    outages: pd.DataFrame | None = None,
    gaps: pd.DataFrame | None = None,
    implausible: pd.DataFrame | None = None,
    identities: pd.DataFrame | None = None,
    title: str | None = None,
    display_tz: str = "UTC",
    level: str | None = None,
    max_gap_s: float = 30.0,
    theme: ThemeName = "light",
) -> go.Figure:
    """Return the map of one identity's trajectory.

    Sightings with a floor position stand where they were; those without one are drawn once a
    visit beside their camera, the larger the longer it lasted. The path is coloured by time
    (viridis; the colour bar gives local times) within a visit, and between visits at cameras that
    saw her at once; dotted where nobody followed her, and dashed where no camera saw her for longer
    than `max_gap_s`, with the reason if `gaps` gives one. Small numbers give the order of her
    visits, those near each other together, where there is room. Every level she was on is drawn,
    the top storey first, all to one scale; where she left a level, a triangle says when and where
    to. Moves that nobody can make are marked in red with their distance and time.

    A trajectory of several local days has a picker above the map: one day, or all. Where all of
    them are more than a reader can take in (12 stops), the day with most sightings is shown
    first, and the subtitle says so. At most 31 days can be picked, those with most sightings.

    Long trajectories are thinned for display, visit by visit, and the subtitle says so. Cameras
    without positions stand on a circle (or in a row, if only some lack one) and the map says so.
    A name that has no room is left to the hover of its camera. Places are not drawn.

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
    implausible : DataFrame, optional
        As ``workbench.analytics.plausibility.implausible`` returns them.
    identities : DataFrame, optional
        ``id, name``: what people are called in the hovers.
    title : str, optional
        Text of the title; the identity by default.
    display_tz : str
        Time zone of the times shown, and of the days.
    level : str, optional
        The only level to draw; by default all she was on.
    max_gap_s : float
        Longest time between two sightings of one visit, seconds; nobody saw her for longer: a gap.
    theme : {'light', 'dark'}
        What it is drawn on. On dark the lightness of a floor plan is turned round.

    Returns
    -------
    plotly.graph_objects.Figure

    Raises
    ------
    InvalidInputError
        When a column is missing, or the time zone or the theme is unknown.
    NotFoundError
        When there is no such level.
    """
    zone, look = times.zone(display_tz), style.theme(theme)
    points = points_of(sightings, cameras)
    ground = grounds(cameras, points, floor_plans=floor_plans, level=level)
    setting = Setting(
        ground=ground,
        sheet=Sheet.of(ground),
        look=look,
        zone=zone,
        display_tz=display_tz,
        max_gap_s=max_gap_s,
        gaps=gaps,
        outages=outages,
        implausible=implausible,
        people=people_of(identities),
    )
    scenes, shown = _scenes(points, setting)
    labels, places = empty_labels(scenes[shown], setting)
    drawn = [draw(scene, setting, labels, places) for scene in scenes]
    base = _base(setting, adjacency)
    traces = [*base, *(trace for one, _ in drawn for trace in one)]
    visible = _visible(len(base), [len(one) for one, _ in drawn])
    for trace, seen in zip(traces, visible[shown], strict=True):
        trace.visible = seen
    figure = go.Figure(traces)

    titles = setting.sheet.level_titles(ground)
    looks = [
        {"annotations": titles + notes, "coloraxis": _colour_axis(scene, setting)}
        for scene, (_, notes) in zip(scenes, drawn, strict=True)
    ]
    parts, row = _subtitle(points, scenes, shown, setting), len(scenes) > 1 or bool(titles)
    figure.update_layout(setting.sheet.layout(look, title_of(title, points), parts, row=row))
    figure.update_layout(looks[shown], uirevision="trajectory_map")
    figure.update_layout(updatemenus=_pickers(scenes, shown, visible, looks))
    return figure


def title_of(title: str | None, points: pd.DataFrame) -> str:
    """Return the title of a map, not escaped: the one given, or whom it shows."""
    if title is not None:
        return title
    names = points["identity_id"].dropna().unique()
    if not len(names):
        return "Nobody identified"
    return "Trajectory of " + ", ".join(map(str, names[:3])) + (", …" if len(names) > 3 else "")


def people_of(identities: pd.DataFrame | None) -> dict[str, str]:
    """Return the names of identities by id, of those that have one."""
    if identities is None or not {"id", "name"} <= set(identities.columns):
        return {}
    known = identities[["id", "name"]].dropna().astype("str")
    return dict(zip(known["id"], known["name"], strict=True))


def points_of(sightings: pd.DataFrame, cameras: pd.DataFrame) -> pd.DataFrame:
    """Return the sightings at cameras in order of time, with ``us`` (microseconds since 1970).

    Raises
    ------
    InvalidInputError
        When a column that is needed is missing.
    """
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


def _scenes(points: pd.DataFrame, setting: Setting) -> tuple[list[Scene], int]:
    """Return all days as one scene, then each of several days; and which is shown first."""
    clock = points["timestamp"].dt.tz_convert(setting.zone).dt.tz_localize(None)
    number, days = pd.factorize(clock.dt.normalize(), sort=True)
    if len(days) < 2:
        return [Scene.of("", points, setting, DRAWN)], 0
    everything = Scene.of(f"all {len(days)} days", points, setting, DRAWN)
    counts = np.bincount(number, minlength=len(days))
    picked = np.sort(np.argsort(-counts, kind="stable")[:_DAYS])
    years = days.year.nunique() > 1 if hasattr(days, "year") else False
    most = max(200, DRAWN // len(picked))
    scenes = [everything]
    for day in picked:
        at = pd.Timestamp(days[day])
        label = f"{at:%a} {at.day} {at:%b}" + (f" {at.year}" if years else "")
        rows = points[number == day].reset_index(drop=True)
        scenes.append(Scene.of(label, rows, setting, most))
    readable = len(everything.vertices) <= _FEW
    return scenes, 0 if readable else 1 + int(np.argmax(counts[picked]))


def _base(setting: Setting, adjacency: pd.DataFrame | None) -> list[go.Scatter]:
    traces = []
    for plan in setting.ground.drawn:
        traces += [ways_trace(plan, adjacency, setting.look), views_trace(plan, setting.look)]
    return one_legend([trace for trace in traces if trace is not None])


def _visible(base: int, sizes: list[int]) -> list[list[bool]]:
    """Return for each scene which of all traces are drawn."""
    owner = np.repeat(np.arange(-1, len(sizes)), [base, *sizes])
    return [((owner == -1) | (owner == i)).tolist() for i in range(len(sizes))]


def _pickers(
    scenes: list[Scene], shown: int, visible: list[list[bool]], looks: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Return the picker of days: buttons, or a list if there are many; none for one day."""
    if len(scenes) < 2:
        return []
    few = len(scenes) <= _BUTTONS
    changes = [
        [{"visible": seen}, {"annotations": look["annotations"], **_flat(look["coloraxis"])}]
        for seen, look in zip(visible, looks, strict=True)
    ]
    return [
        {
            "type": "buttons" if few else "dropdown",
            "direction": "right" if few else "down",
            "x": 1,
            "xanchor": "right",
            "y": 1,
            "yanchor": "bottom",
            "pad": {"b": 4, "t": 0, "l": 0, "r": 0},
            "active": shown,
            "buttons": [
                {"label": scene.label, "method": "update", "args": change}
                for scene, change in zip(scenes, changes, strict=True)
            ],
        }
    ]


def _flat(tree: dict[str, Any], name: str = "coloraxis") -> dict[str, Any]:
    """Return nested settings as plotly changes them: ``{"coloraxis.colorbar.len": 0.9}``."""
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        path = f"{name}.{key}"
        flat |= _flat(value, path) if isinstance(value, dict) else {path: value}
    return flat


def _subtitle(points: pd.DataFrame, scenes: list[Scene], shown: int, setting: Setting) -> list[str]:
    if points.empty:
        return ["no sighting at a camera: nothing to draw"]
    everything = scenes[0]
    parts = [f"{len(points):,} sightings at {points['camera_id'].nunique()} cameras"]
    if len(scenes) > 1:
        first, last = (moment(us, setting.zone, "%d %b %Y") for us in everything.span)
        parts[0] += f", {first} – {last}"
    if shown:
        day = scenes[shown]
        parts.append(f"first shown: {day.label}, the busiest day, {len(day.points):,} sightings")
    parts += _unseen_levels(points, setting)
    spots = int(scenes[shown].vertices["on_floor"].sum())
    floor = int(scenes[shown].points["floor_x_m"].notna().sum())
    if not floor:
        parts.append("no floor positions: a dot is a visit")
    if 0 < spots < floor:
        parts.append(f"{spots:,} of {floor:,} positions drawn")
    plans = setting.ground.drawn
    if not any(plan.metric for plan in plans):
        parts.append(
            "no camera position is known: cameras stand on a circle, distances mean nothing"
        )
    elif not all(plan.spots["placed"].all() for plan in plans):
        parts.append("cameras below the plan: position unknown")
    return parts


def _unseen_levels(points: pd.DataFrame, setting: Setting) -> list[str]:
    drawn = {i for i, plan in enumerate(setting.ground.plans) if plan.panel}
    elsewhere = int((~np.isin(setting.ground.numbers(points["camera_id"]), list(drawn))).sum())
    if not elsewhere:
        return []
    names = ", ".join(escape(level_name(plan.level)) for plan in setting.ground.drawn)
    return [f"{names} drawn; {elsewhere:,} sightings on other levels are not"]


def _colour_axis(scene: Scene, setting: Setting) -> dict[str, Any]:
    zone, (first, last) = setting.zone, scene.span
    shown_tz = setting.display_tz
    span = (last - first) / 1e6
    marks = np.linspace(0, span, 5) if span else np.zeros(1)
    moments = [first + round(mark * 1e6) for mark in marks]
    form = "%d %b %Y" if span > 8 * 86_400 else clock_style(scene.span, zone)
    on = "" if form != "%H:%M:%S" else moment(first, zone, " on %Y-%m-%d")
    return {
        "colorscale": colour_scale(),
        "cmin": 0,
        "cmax": span or 1,
        "showscale": bool(len(scene.points)),
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
            "ticktext": [moment(us, zone, form) for us in moments],
            "title": {
                "text": f"{style.clock_word(shown_tz)}{on} ({escape(shown_tz)})",
                "side": "bottom",
                "font": {"size": 12},
            },
        },
    }
