"""A site: its cameras on the plan of each level, the ways between them, and how people move."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from workbench import times
from workbench.errors import InvalidInputError
from workbench.views import style
from workbench.views.maps.flow import arrows_of, flow_traces, how_often, trimmed, width_entries
from workbench.views.maps.labels import Labels
from workbench.views.maps.plan import Ground, Plan, grounds, level_name, storey
from workbench.views.maps.sheet import (
    Sheet,
    cameras_traces,
    names_beside,
    one_legend,
    views_trace,
    way_hovers,
    ways_trace,
)
from workbench.views.maps.stays import local
from workbench.views.style import Theme, ThemeName, escape

_OTHERS = 3  # most other levels that are named beside the name of a level
_OUTAGES = 3  # most outages in the hover of a camera


def camera_map(
    cameras: pd.DataFrame,
    *,
    adjacency: pd.DataFrame | None = None,
    flow: pd.DataFrame | None = None,
    floor_plans: pd.DataFrame | None = None,
    outages: pd.DataFrame | None = None,
    level: str | None = None,
    title: str | None = None,
    display_tz: str = "UTC",
    theme: ThemeName = "light",
) -> go.Figure:
    """Return the map of a site, level by level: cameras, ways between them, moves of people.

    Ways are thin lines. Moves are curved arrows from camera to camera, the wider the more there
    were (width grows with the square root; the legend gives three widths); there and back bend
    to opposite sides. Of more than 24 arrows the busiest are drawn, those that together hold 70 %
    of the moves, 80 at most, and the subtitle says so.

    Moves between levels are no line across the sheet: words beside the name of a level say how
    many left it for another and how many came, wherever they were seen last and first; a triangle
    marks each camera with a way to another level (or those where moves begin and end, if no such
    way is known). Moves from a camera to itself are in its hover.

    Cameras without positions stand on a circle (or in a row, if only some lack one), and the map
    says so. A name that has no room is left to the hover.

    Parameters
    ----------
    cameras : DataFrame
        As in ``schema.CAMERA``; ``id`` is needed.
    adjacency, floor_plans, outages : DataFrame, optional
        As in ``schema.ADJACENT_TO``, ``schema.FLOOR_PLAN``, ``schema.OUTAGE``.
    flow : DataFrame, optional
        ``from_camera, to_camera, transitions, median_s``, as
        ``workbench.analytics.transitions.flow`` returns it.
    level : str, optional
        The only level to draw; by default all that have cameras.
    title : str, optional
        Text of the title.
    display_tz : str
        Time zone of the outages in the hovers.
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
    _require(cameras, ("id",), "cameras")
    moves = _moves(flow)
    ground = grounds(
        cameras, _named(moves, adjacency), floor_plans=floor_plans, level=level, everywhere=True
    )
    sheet = Sheet.of(ground)
    site = _Site(
        look=look,
        adjacency=adjacency,
        arrows=arrows_of(moves, ground),
        stubs=_stubs(moves, adjacency, ground),
        hovers=_hovers(moves, ground, outages, zone),
        out=set() if outages is None else set(outages["camera_id"]),
        most=int(moves["transitions"].max()) if len(moves) else 0,
    )
    titles, labels = _titles(sheet, ground, moves, look), sheet.labels()
    traces = [
        trace
        for number, plan in enumerate(ground.plans)
        if plan.panel
        for trace in _panel(site, number, plan, labels[plan.panel])
    ]
    figure = go.Figure(one_legend([*traces, *width_entries(site.arrows, site.most, look)]))
    heading = title if title is not None else _heading(moves)
    parts = _subtitle(ground, moves, site.arrows)
    figure.update_layout(sheet.layout(look, heading, parts, row=bool(titles), bar=False))
    figure.update_layout(annotations=titles, uirevision="camera_map")
    return figure


@dataclass(frozen=True, slots=True)
class _Site:
    """What is drawn of a site: see the functions that make each part."""

    look: Theme
    adjacency: pd.DataFrame | None
    arrows: pd.DataFrame
    stubs: pd.DataFrame
    hovers: dict[str, str]
    out: set[str]
    most: int


def _panel(site: _Site, number: int, plan: Plan, labels: Labels) -> list[go.Scatter]:
    """Return the traces of one level."""
    look = site.look
    here = site.arrows[site.arrows["plan"] == number]
    ends = site.stubs[site.stubs["plan"] == number]
    bows = trimmed(here, labels)
    labels.avoid(bows.reshape(-1, 2))
    places = names_beside(plan, labels)
    below = [
        ways_trace(plan, site.adjacency, look),
        way_hovers(plan, site.adjacency, look),
        views_trace(plan, look),
    ]
    return [
        *(trace for trace in below if trace is not None),
        *flow_traces(here, bows, plan, site.most, look),
        *_stub_traces(ends, plan, look),
        *cameras_traces(plan, places, site.hovers, site.out, look),
    ]


def _titles(sheet: Sheet, ground: Ground, moves: pd.DataFrame, look: Theme) -> list[dict[str, Any]]:
    """Return the name of each level, and beside it how many went to other levels and came."""
    titles = sheet.level_titles(ground)
    numbers = [i for i, plan in enumerate(ground.plans) if plan.panel]
    for title, number in zip(titles, numbers, strict=False):
        said = _between(number, ground, moves)
        words = f'<span style="font-size:12px;color:{look.soft}">{said}</span>'
        title["text"] += f"   {words}" if said else ""
    return titles


def _between(number: int, ground: Ground, moves: pd.DataFrame) -> str:
    """Return in words the moves from a level to the others and back, escaped."""
    one, two = ground.numbers(moves["from_camera"]), ground.numbers(moves["to_camera"])
    counts = moves["transitions"].to_numpy()
    said = []
    for other, there in enumerate(ground.plans):
        gone = int(counts[(one == number) & (two == other)].sum())
        come = int(counts[(one == other) & (two == number)].sum())
        if other != number and gone + come:
            where = "" if len(ground.plans) == 2 else escape(level_name(there.level), longest=24)
            said.append(
                (gone + come, _said(ground.plans[number].level, there.level, where, gone, come))
            )
    busiest = sorted(said, key=lambda pair: -pair[0])[:_OTHERS]
    return " · ".join(words for _, words in busiest)


def _said(own: str | None, there: str | None, where: str, gone: int, come: int) -> str:
    below, above = storey(own), storey(there)
    to, back = (f" to {where}", f" from {where}") if where else ("", "")
    if below is None or above is None:
        return f"{gone:,} left{to}, {come:,} came{back}"
    out, home = ("up", "down") if above > below else ("down", "up")
    return f"{gone:,} went {out}{to}, {come:,} came {home}{back}"


def _require(frame: pd.DataFrame, names: tuple[str, ...], subject: str) -> None:
    missing = [name for name in names if name not in frame.columns]
    if missing:
        raise InvalidInputError(
            f"The {subject} lack the column {missing[0]}.",
            where=f"columns given: {', '.join(map(str, frame.columns)) or 'none'}",
            next="Give the table as the room that made it returned it.",
        )


def _moves(flow: pd.DataFrame | None) -> pd.DataFrame:
    wanted = ["from_camera", "to_camera", "transitions", "median_s"]
    if flow is None:
        return pd.DataFrame({name: [] for name in wanted}).astype(
            {"from_camera": "str", "to_camera": "str", "transitions": "int64"}
        )
    _require(flow, tuple(wanted[:3]), "moves")
    rows = flow.reindex(columns=wanted)
    rows = rows[rows["from_camera"].notna() & rows["to_camera"].notna() & (rows["transitions"] > 0)]
    return rows.sort_values(
        ["transitions", "from_camera", "to_camera"], ascending=[False, True, True], kind="stable"
    ).reset_index(drop=True)


def _named(moves: pd.DataFrame, adjacency: pd.DataFrame | None) -> pd.DataFrame:
    """Return every camera that is named anywhere, as points without a position."""
    frames = [moves] if adjacency is None else [moves, adjacency]
    columns = [frame[name] for frame in frames for name in ("from_camera", "to_camera")]
    named = pd.concat(columns).dropna().astype("str").drop_duplicates()
    return pd.DataFrame({"camera_id": named, "floor_x_m": np.nan, "floor_y_m": np.nan}).reset_index(
        drop=True
    )


def _stubs(moves: pd.DataFrame, adjacency: pd.DataFrame | None, ground: Ground) -> pd.DataFrame:
    """Return each camera with a way or moves to another level, those with most moves first.

    Returns
    -------
    DataFrame
        ``plan, camera, other`` (level there), ``gone, come`` (moves), ``x, y``.
    """
    wanted = ["plan", "camera", "other", "gone", "come", "x", "y"]
    pairs = [moves[["from_camera", "to_camera", "transitions"]].assign(known=False)]
    if adjacency is not None and len(adjacency):
        ways = adjacency[["from_camera", "to_camera"]]
        pairs.append(ways.assign(transitions=0, known=True))
    rows = pd.concat(pairs)
    rows = rows.assign(
        one=ground.numbers(rows["from_camera"]), two=ground.numbers(rows["to_camera"])
    )
    rows = rows[rows["one"] != rows["two"]]
    if rows.empty:
        return pd.DataFrame(columns=wanted)
    gone = rows.rename(
        columns={"one": "plan", "from_camera": "camera", "two": "other", "transitions": "gone"}
    ).assign(come=0)
    come = rows.rename(
        columns={"two": "plan", "to_camera": "camera", "one": "other", "transitions": "come"}
    ).assign(gone=0)
    both = pd.concat([gone, come]).groupby(["plan", "camera", "other"], as_index=False)
    found = both.agg({"gone": "sum", "come": "sum", "known": "any"})
    if found["known"].any():
        found = found[found["known"]]
    spots = pd.concat([plan.spots[["x", "y"]] for plan in ground.plans])
    found = found.assign(x=found["camera"].map(spots["x"]), y=found["camera"].map(spots["y"]))
    order = (-(found["gone"] + found["come"])).argsort(kind="stable")
    return found.iloc[order].assign(
        other=[ground.plans[i].level for i in found["other"].iloc[order]]
    )


def _stub_traces(stubs: pd.DataFrame, plan: Plan, look: Theme) -> list[go.Scatter]:
    if stubs.empty:
        return []
    own = storey(plan.level)
    return [
        go.Scatter(
            x=stubs["x"].tolist(),
            y=stubs["y"].tolist(),
            mode="markers",
            name="way to another level",
            hoverinfo="skip",
            marker={
                "symbol": [_symbol(own, storey(other)) for other in stubs["other"]],
                "size": 24,
                "color": look.flow,
                "line": {"width": 2, "color": look.flow},
            },
            **plan.axes,
        )
    ]


def _symbol(own: float | None, other: float | None) -> str:
    if own is None or other is None:
        return "diamond-open"
    return "triangle-up-open" if other > own else "triangle-down-open"


def _hovers(
    moves: pd.DataFrame, ground: Ground, outages: pd.DataFrame | None, zone: ZoneInfo
) -> dict[str, str]:
    """Return more lines for the hover of each camera, escaped."""
    again = moves[moves["from_camera"] == moves["to_camera"]]
    apart = moves[moves["from_camera"] != moves["to_camera"]]
    gone = apart.groupby("from_camera")["transitions"].sum()
    come = apart.groupby("to_camera")["transitions"].sum()
    back = {row["from_camera"]: how_often(row) for row in again.to_dict("records")}
    number = {camera: i for i, plan in enumerate(ground.plans) for camera in plan.spots.index}
    lines: dict[str, str] = {}
    for camera in ground.names:
        said = []
        if camera in gone.index or camera in come.index:
            said.append(f"{gone.get(camera, 0):,} moves from here, {come.get(camera, 0):,} to here")
        if camera in back:
            said.append(f"seen here again: {back[camera]}")
        said += _elsewhere(camera, apart, ground, number)
        said += _out_lines(camera, outages, zone)
        lines[camera] = "".join(f"<br>{line}" for line in said)
    return lines


def _elsewhere(
    camera: str, moves: pd.DataFrame, ground: Ground, number: Mapping[str, int]
) -> list[str]:
    """Return a line for each of the three ways to other levels that were taken most."""
    away = moves[(moves["from_camera"] == camera)]
    away = away[away["to_camera"].map(number) != number[camera]].head(3)
    return [
        f"to {escape(ground.names[move['to_camera']])} "
        f"({escape(level_name(ground.of(move['to_camera']).level))}): {how_often(move)}"
        for move in away.to_dict("records")
    ]


def _out_lines(camera: str, outages: pd.DataFrame | None, zone: ZoneInfo) -> list[str]:
    if outages is None or outages.empty:
        return []
    rows = outages[outages["camera_id"] == camera].sort_values("start")
    lines = [
        f"out {local(row['start'], zone)} – {local(row['end'], zone)} {escape(zone.key)}"
        + ("" if pd.isna(row.get("source")) else f" ({escape(row['source'])})")
        for row in rows.head(_OUTAGES).to_dict("records")
    ]
    more = len(rows) - _OUTAGES
    return [*lines, f"and {more} more times"] if more > 0 else lines


def _uneven(moves: pd.DataFrame, one: np.ndarray, two: np.ndarray) -> str:
    """Return why more went one way between two levels than the other, if that is so."""
    ends = pd.DataFrame({"one": one, "two": two, "n": moves["transitions"].to_numpy()})
    there = ends[ends["one"] != ends["two"]].groupby(["one", "two"])["n"].sum()
    back = there.swaplevel().reindex(there.index, fill_value=0)
    return " (there and back differ: not every way is seen)" if (there != back).any() else ""


def _heading(moves: pd.DataFrame) -> str:
    return "How people move from camera to camera" if len(moves) else "The cameras of the site"


def _subtitle(ground: Ground, moves: pd.DataFrame, arrows: pd.DataFrame) -> list[str]:
    plans = ground.drawn
    n = sum(len(plan.spots) for plan in plans)
    if not n:
        return ["no camera is known"]
    parts = [f"{n:,} camera{'s' * (n != 1)}" + (f" on {len(plans)} levels" * (len(plans) > 1))]
    apart = moves[moves["from_camera"] != moves["to_camera"]]
    one, two = ground.numbers(apart["from_camera"]), ground.numbers(apart["to_camera"])
    drawn = [i for i, plan in enumerate(ground.plans) if plan.panel]
    inside = apart[(one == two) & np.isin(one, drawn)]
    between = int(apart.loc[one != two, "transitions"].sum())
    if len(apart):
        parts.append(f"{apart['transitions'].sum():,} moves between cameras")
    if between:
        parts.append(f"{between:,} of them between levels" + _uneven(apart, one, two))
    if len(arrows) < len(inside):
        share = arrows["transitions"].sum() / inside["transitions"].sum()
        drawn_of = f"the {len(arrows)} busiest of {len(inside)} arrows drawn"
        parts.append(f"{drawn_of}: {share:.0%} of the moves within a level")
    if len(plans) < len(ground.plans):
        parts.append("other levels are not drawn")
    if not any(plan.metric for plan in plans):
        parts.append(
            "no camera position is known: cameras stand on a circle, distances mean nothing"
        )
    elif not all(plan.spots["placed"].all() for plan in plans):
        parts.append("cameras below the plan: position unknown")
    return parts
