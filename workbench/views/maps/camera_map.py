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
from workbench.views.maps.labels import Labels
from workbench.views.maps.plan import Ground, Plan, broken, grounds, level_name, storey
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
from workbench.views.style import Theme, ThemeName, duration, escape

SHARE = 0.75
"""Share of the moves within a level that the arrows drawn hold: the busiest ways."""
FEW, MOST = 24, 80
"""So many arrows are always drawn; most arrows drawn."""

_THIN, _WIDE, _STEPS = 1.2, 9.5, 12
_STUBS = 6  # most cameras of a level at which moves to other levels are written
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
    to opposite sides. Of more than 24 arrows the busiest are drawn, those that together hold 75 %
    of the moves, 80 at most, and the subtitle says so.

    Moves between levels are no line across the sheet: a triangle marks each camera with a way to
    another level (or those where most moves begin, if no such way is known), words beside it say
    how many went there and came back. Moves from a camera to itself are in its hover.

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
        arrows=_arrows(moves, ground),
        stubs=_stubs(moves, adjacency, ground),
        hovers=_hovers(moves, ground, outages, zone),
        out=set() if outages is None else set(outages["camera_id"]),
        most=int(moves["transitions"].max()) if len(moves) else 0,
    )
    titles, labels = sheet.level_titles(ground), sheet.labels()
    panels = [
        _panel(site, number, plan, labels[plan.panel])
        for number, plan in enumerate(ground.plans)
        if plan.panel
    ]
    traces = [trace for one, _ in panels for trace in one]
    figure = go.Figure(one_legend([*traces, *_widths(site)]))
    heading = title if title is not None else _heading(moves)
    parts = _subtitle(ground, moves, site.arrows)
    figure.update_layout(sheet.layout(look, heading, parts, row=bool(titles), bar=False))
    notes = [note for _, here in panels for note in here]
    figure.update_layout(annotations=[*titles, *notes], uirevision="camera_map")
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


def _panel(
    site: _Site, number: int, plan: Plan, labels: Labels
) -> tuple[list[go.Scatter], list[dict[str, Any]]]:
    """Return the traces of one level and what is written on it."""
    look = site.look
    here = site.arrows[site.arrows["plan"] == number]
    ends = site.stubs[site.stubs["plan"] == number]
    bows = _trimmed(here, labels)
    labels.avoid(bows.reshape(-1, 2))
    places = names_beside(plan, labels)
    below = [
        ways_trace(plan, site.adjacency, look),
        way_hovers(plan, site.adjacency, look),
        views_trace(plan, look),
    ]
    traces = [
        *(trace for trace in below if trace is not None),
        *_flow_traces(here, bows, plan, site.most, look),
        *_stub_traces(ends, plan, look),
        *cameras_traces(plan, places, site.hovers, site.out, look),
    ]
    return traces, _stub_notes(ends, plan, labels, look)


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


def _arrows(moves: pd.DataFrame, ground: Ground) -> pd.DataFrame:
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


def _trimmed(arrows: pd.DataFrame, labels: Labels) -> np.ndarray:
    """Return the bows, (n, 25, 2), that leave and reach a camera at a little distance."""
    start, end = arrows[["x0", "y0"]].to_numpy("float64"), arrows[["x1", "y1"]].to_numpy("float64")
    across = end - start
    bend = start + across / 2 - 0.2 * np.column_stack([-across[:, 1], across[:, 0]])
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


def _flow_traces(
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
    return f"<b>{escape(move['from_name'])} → {escape(move['to_name'])}</b><br>{_times(move)}"


def _times(move: Mapping[Any, Any]) -> str:
    count = int(move["transitions"])
    usual = "" if pd.isna(move["median_s"]) else f", median {duration(round(move['median_s'], 1))}"
    return f"{count:,} move{'s' * (count != 1)}{usual}"


def _widths(site: _Site) -> list[go.Scatter]:
    """Return the legend's lines: the width of three counts."""
    if site.arrows.empty:
        return []
    top = int(site.arrows["transitions"].max())
    counts = sorted({_round(top / 20), _round(top / 4), top})
    return [
        go.Scatter(
            x=[None],
            y=[None],
            mode="lines",
            name=f"{count:,} move{'s' * (count != 1)}",
            line={"color": site.look.flow, "width": round(float(_width(count, site.most)), 2)},
            opacity=0.6,
        )
        for count in counts
    ]


def _round(count: float) -> int:
    """Return a count near by with one digit that is not 0, at least 1."""
    whole = max(1, round(count))
    unit = 10 ** (len(str(whole)) - 1)
    return max(1, round(whole / unit) * unit)


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


def _stub_notes(
    stubs: pd.DataFrame, plan: Plan, labels: Labels, look: Theme
) -> list[dict[str, Any]]:
    notes = []
    for stub in stubs.to_dict("records"):
        text = _stub_text(stub, plan)
        place = labels.near(stub["x"], stub["y"], text)
        if place is not None:
            notes.append(
                {
                    "x": float(stub["x"]),
                    "y": float(stub["y"]),
                    "xref": plan.axes["xaxis"],
                    "yref": plan.axes["yaxis"],
                    "text": text,
                    "ax": place[0],
                    "ay": -place[1],
                    "showarrow": True,
                    "arrowhead": 0,
                    "arrowwidth": 1,
                    "arrowcolor": look.soft,
                    "standoff": 12,
                    "bgcolor": look.veil,
                    "borderpad": 2,
                    "font": {"size": 12, "color": look.ink},
                }
            )
    return notes


def _stub_text(stub: Mapping[Any, Any], plan: Plan) -> str:
    where = escape(level_name(stub["other"]), longest=24)
    own, there = storey(plan.level), storey(stub["other"])
    if not stub["gone"] and not stub["come"]:
        return f"way to {where}"
    if own is None or there is None:
        return f"to {where}: {stub['gone']:,} · from there: {stub['come']:,}"
    out, back = ("up", "down") if there > own else ("down", "up")
    return f"{stub['gone']:,} went {out}, {stub['come']:,} came {back}"


def _hovers(
    moves: pd.DataFrame, ground: Ground, outages: pd.DataFrame | None, zone: ZoneInfo
) -> dict[str, str]:
    """Return more lines for the hover of each camera, escaped."""
    again = moves[moves["from_camera"] == moves["to_camera"]]
    apart = moves[moves["from_camera"] != moves["to_camera"]]
    gone = apart.groupby("from_camera")["transitions"].sum()
    come = apart.groupby("to_camera")["transitions"].sum()
    back = {row["from_camera"]: _times(row) for row in again.to_dict("records")}
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
        f"({escape(level_name(ground.of(move['to_camera']).level))}): {_times(move)}"
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
        parts.append(f"{between:,} of them between levels")
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
