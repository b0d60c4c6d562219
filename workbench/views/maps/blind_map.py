"""The map of what nobody sees: the stretches between cameras, the wider the more went there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from workbench.views import style
from workbench.views.maps.labels import Labels
from workbench.views.maps.plan import Ground, Plan, broken, grounds, level_name
from workbench.views.maps.sheet import (
    Sheet,
    cameras_traces,
    names_beside,
    one_legend,
    views_trace,
    ways_trace,
)
from workbench.views.style import Theme, ThemeName, duration, escape

_THIN, _WIDE, _STEPS = 2.0, 11.0, 10


def blind_map(
    areas: pd.DataFrame,
    stretches: pd.DataFrame,
    cameras: pd.DataFrame,
    *,
    adjacency: pd.DataFrame | None = None,
    floor_plans: pd.DataFrame | None = None,
    max_gap_s: float = 30.0,
    level: str | None = None,
    title: str | None = None,
    theme: ThemeName = "light",
) -> go.Figure:
    """Return the map of a site with what lies between the cameras and no field of view covers.

    A stretch is as wide as many went that way out of everybody's sight (the width grows with the
    square root; there and back together), dashed where a position is not known, so that the place
    is only a guess. A ring marks a camera from which a way leads to another level; its hover
    tells how long people are gone. Straight lines: where the walls are is not known.

    Parameters
    ----------
    areas : DataFrame
        ``from_camera, to_camera, distance_m, blind_m, transitions, unseen, median_gap_s,
        long_share``.
    stretches : DataFrame
        ``pair`` (row of `areas`), ``x0, y0, x1, y1`` (metres).
    cameras, adjacency, floor_plans : DataFrame
        As in :mod:`workbench.schema`.
    max_gap_s : float
        What counts as long, seconds: for the words.
    level : str, optional
        The only level to draw.
    title : str, optional
    theme : {'light', 'dark'}

    Raises
    ------
    NotFoundError
        When there is no such level.
    """
    look = style.theme(theme)
    ends = pd.concat([areas["from_camera"], areas["to_camera"]]).drop_duplicates()
    points = pd.DataFrame({"camera_id": ends, "floor_x_m": np.nan, "floor_y_m": np.nan})
    ground = grounds(cameras, points, floor_plans=floor_plans, level=level, everywhere=True)
    sheet = Sheet.of(ground)
    lines = _lines(areas, stretches, ground, max_gap_s)
    most = int(lines["unseen"].max()) if len(lines) else 0
    site = _Blind(look, adjacency, lines, _across(areas, ground), most)
    titles, labels = sheet.level_titles(ground), sheet.labels()
    traces = [
        trace
        for number, plan in enumerate(ground.plans)
        if plan.panel
        for trace in _panel(site, number, plan, labels[plan.panel])
    ]
    figure = go.Figure(one_legend([*traces, *_widths(lines, most, look)]))
    heading = title if title is not None else "Where nobody sees"
    figure.update_layout(sheet.layout(look, heading, _said(areas), row=bool(titles), bar=False))
    figure.update_layout(annotations=titles, uirevision="blind_map")
    return figure


@dataclass(frozen=True, slots=True)
class _Blind:
    look: Theme
    adjacency: pd.DataFrame | None
    lines: pd.DataFrame
    across: dict[str, str]
    most: int


def _lines(
    areas: pd.DataFrame, stretches: pd.DataFrame, ground: Ground, max_gap_s: float
) -> pd.DataFrame:
    """Return what is drawn: one row a stretch, there and back together.

    Returns
    -------
    DataFrame
        ``plan, x0, y0, x1, y1, sure, unseen, hover``.
    """
    both = _pairs(areas, ground, max_gap_s)
    inside = both[both["one"] == both["two"]]
    known = inside.merge(stretches, on="pair").assign(sure=True)
    spots = pd.concat([plan.spots[["x", "y"]] for plan in ground.plans])
    guessed = inside[inside["blind_m"].isna()]
    guessed = guessed.assign(
        sure=False,
        x0=guessed["from_camera"].map(spots["x"]),
        y0=guessed["from_camera"].map(spots["y"]),
        x1=guessed["to_camera"].map(spots["x"]),
        y1=guessed["to_camera"].map(spots["y"]),
    )
    rows = pd.concat([known, guessed], ignore_index=True)
    return rows.rename(columns={"one": "plan"}).sort_values("unseen", kind="stable")


def _pairs(areas: pd.DataFrame, ground: Ground, max_gap_s: float) -> pd.DataFrame:
    """Return the pairs of cameras, each once: its first row, all of its moves, what it tells."""
    ends = areas[["from_camera", "to_camera"]].to_numpy(dtype=object)
    key = pd.Series([tuple(sorted(pair)) for pair in ends], index=areas.index, dtype=object)
    rows = areas.assign(pair=np.arange(len(areas)), key=key)
    told: dict[Any, list[str]] = {}
    for row in rows.to_dict("records"):
        told.setdefault(row["key"], []).append(_direction(row, ground.names, max_gap_s))
    unseen = rows.groupby("key")["unseen"].sum()
    rows = rows.drop_duplicates("key").reset_index(drop=True)
    rows["unseen"] = rows["key"].map(unseen).astype("int64")
    rows["hover"] = [
        "<br>".join([_length(row), *told[row["key"]]]) for row in rows.to_dict("records")
    ]
    rows["one"], rows["two"] = (
        ground.numbers(rows["from_camera"]),
        ground.numbers(rows["to_camera"]),
    )
    return rows[rows["unseen"] > 0]


def _length(row: Mapping[Any, Any]) -> str:
    way = "" if pd.isna(row["distance_m"]) else f", the way {row['distance_m']:.0f} m"
    if pd.isna(row["blind_m"]):
        return "nobody sees; where exactly is not known"
    return f"nobody sees {row['blind_m']:.0f} m of the straight line{way}"


def _direction(row: Mapping[Any, Any], names: Mapping[str, str], max_gap_s: float) -> str:
    one, two = escape(names[row["from_camera"]]), escape(names[row["to_camera"]])
    unseen = int(row["unseen"])
    said = f"<b>{one} → {two}</b>: {unseen:,} move{'s' * (unseen != 1)} unseen"
    if unseen:
        said += (
            f", median {duration(round(float(row['median_gap_s']), 1))}, "
            f"{row['long_share']:.0%} longer than {duration(max_gap_s)}"
        )
    return said


def _across(areas: pd.DataFrame, ground: Ground) -> dict[str, str]:
    """Return what the hover of a camera says of ways to other levels, escaped."""
    one, two = ground.numbers(areas["from_camera"]), ground.numbers(areas["to_camera"])
    rows = areas[(one != two) & (areas["unseen"] > 0).to_numpy()]
    told: dict[str, str] = {}
    for row in rows.to_dict("records"):
        where = escape(level_name(ground.of(row["to_camera"]).level))
        told[row["from_camera"]] = told.get(row["from_camera"], "") + (
            f"<br>out of sight to {escape(ground.names[row['to_camera']])} ({where}): "
            f"{int(row['unseen']):,} moves, median {duration(round(row['median_gap_s'], 1))}"
        )
    return told


def _panel(site: _Blind, number: int, plan: Plan, labels: Labels) -> list[go.Scatter]:
    """Return the traces of one level."""
    look = site.look
    here = site.lines[site.lines["plan"] == number]
    middles = here[["x0", "y0", "x1", "y1"]].to_numpy("float64")
    along = np.linspace(0, 1, 12)[None, :, None]
    drawn = (1 - along) * middles[:, None, :2] + along * middles[:, None, 2:]
    labels.avoid(drawn.reshape(-1, 2))
    places = names_beside(plan, labels)
    below = [ways_trace(plan, site.adjacency, look), views_trace(plan, look)]
    return [
        *(trace for trace in below if trace is not None),
        *_stretches(here, plan, site.most, look),
        *_rings(site, plan),
        *cameras_traces(plan, places, site.across, set(), look),
    ]


def _width(count: Any, most: int) -> Any:
    share = np.sqrt(np.asarray(count, dtype="float64") / max(most, 1))
    return _THIN + (_WIDE - _THIN) * share


def _stretches(here: pd.DataFrame, plan: Plan, most: int, look: Theme) -> list[go.Scatter]:
    if here.empty:
        return []
    width = _width(here["unseen"], most)
    step = np.round((width - _THIN) / (_WIDE - _THIN) * _STEPS)
    traces = []
    for sure in (True, False):
        for one in np.unique(step):
            some = here[(step == one) & (here["sure"] == sure).to_numpy(dtype=bool)]
            if some.empty:
                continue
            traces.append(
                go.Scatter(
                    x=broken(some[["x0", "x1"]].to_numpy("float64")),
                    y=broken(some[["y0", "y1"]].to_numpy("float64")),
                    mode="lines",
                    name="nobody sees" if sure else "nobody sees, place not known",
                    showlegend=False,
                    hoverinfo="skip",
                    opacity=0.7,
                    line={
                        "color": look.flow,
                        "width": round(float(_THIN + one / _STEPS * (_WIDE - _THIN)), 2),
                        "dash": "solid" if sure else "dot",
                    },
                    **plan.axes,
                )
            )
    return [*traces, _tellers(here, plan, look)]


def _tellers(here: pd.DataFrame, plan: Plan, look: Theme) -> go.Scatter:
    """Return a dot in the middle of each stretch that tells about it."""
    return go.Scatter(
        x=here[["x0", "x1"]].mean(axis=1).tolist(),
        y=here[["y0", "y1"]].mean(axis=1).tolist(),
        mode="markers",
        name="blind stretch",
        showlegend=False,
        marker={"symbol": "circle", "size": 8, "color": look.paper,
                "line": {"color": look.flow, "width": 2}},
        hovertext=here["hover"].tolist(),
        hovertemplate="%{hovertext}<extra></extra>",
        **plan.axes,
    )  # fmt: skip


def _rings(site: _Blind, plan: Plan) -> list[go.Scatter]:
    some = plan.spots[plan.spots.index.isin(list(site.across))]
    if some.empty:
        return []
    return [
        go.Scatter(
            x=some["x"].tolist(),
            y=some["y"].tolist(),
            mode="markers",
            name="out of sight to another level",
            hoverinfo="skip",
            marker={"symbol": "circle-open", "size": 22, "color": site.look.flow,
                    "line": {"width": 2, "color": site.look.flow}},
            **plan.axes,
        )
    ]  # fmt: skip


def _widths(lines: pd.DataFrame, most: int, look: Theme) -> list[go.Scatter]:
    """Return the legend's lines: the width of three counts."""
    counts = sorted({max(1, round(most / 16)), max(1, round(most / 4)), most}) if most else []
    return [
        go.Scatter(
            x=[None],
            y=[None],
            mode="lines",
            name=f"nobody sees: {count:,} move{'s' * (count != 1)}",
            line={"color": look.flow, "width": round(float(_width(count, most)), 2)},
            opacity=0.7,
        )
        for count in counts
    ]


def _said(areas: pd.DataFrame) -> list[str]:
    if areas.empty:
        return ["no two cameras are joined by a way or by a move"]
    blind = areas[areas["blind_m"] > 0]
    unknown = areas[areas["blind_m"].isna()]
    parts = [
        f"{int(blind['unseen'].sum()):,} moves out of sight on "
        f"{len(blind)} of {len(areas)} ways, there and back apart",
        "straight lines, walls not known",
    ]
    if len(unknown):
        parts.insert(1, f"{int(unknown['unseen'].sum()):,} more where the place is not known")
    if not areas["adjacent"].any():
        parts.append("no adjacency given: pairs joined by moves")
    return parts
