"""How much was seen where: hour by weekday, one panel a camera, and one of all together on top."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from workbench import times
from workbench.errors import InvalidInputError
from workbench.views.charts.chart import plural
from workbench.views.charts.panels import DAYS, Grid, Slot
from workbench.views.maps.plan import level_name, levels_of
from workbench.views.style import VIRIDIS, Theme, ThemeName, colour_scale, escape
from workbench.views.style import theme as theme_of

PANELS = 48
"""Most cameras that one picture draws."""

_NEEDED = ("camera_id", "weekday", "hour", "sightings")
_MEASURES = ("sightings", "identities", "hours", "out_h", "looked")
_NO_CAMERA = "no camera: counted at places"
_TOP, _BOTTOM, _LEGEND, _ENTRY = 74, 58, 26, 19
_NOTHING, _LOOKED, _OUT = 0, 1, 2
_MOMENT_H = 1 / 60
_NUMBERS = 12
_EMPTY = {"light": "#F1F3F5", "dark": "#20262D"}
# On light the least seen is the palest: more seen is more ink. On dark it is more light.
_SCALES = {"light": ("#FCF8B8", *VIRIDIS[::-1]), "dark": VIRIDIS}
_CROSS_PX = 6


def activity(
    counts: pd.DataFrame,
    *,
    cameras: pd.DataFrame | None = None,
    title: str | None = None,
    display_tz: str = "UTC",
    theme: ThemeName = "light",
) -> go.Figure:
    """Return the picture of how much was seen, by hour and weekday: a heat map for each camera.

    The colour is the number of sightings for each hour the camera looked (viridis, on a scale of
    square roots so that quiet cameras show too; the same for all cameras, and one of its own for
    all of them together, on top). A pale cell: it looked and saw nobody. Grey with a cross: it
    was out all that time, and no sighting is not absence. No cell: not in the time asked about.
    The legend says so of those that occur.
    Hours before the first and after the last in which anything was seen, and weekdays without
    any, are cut.

    Parameters
    ----------
    counts : DataFrame
        As :func:`workbench.analytics.activity.activity` returns it: ``camera_id, weekday, hour,
        sightings`` and perhaps ``identities, hours, out_h``.
    cameras : DataFrame, optional
        As in ``schema.CAMERA``: panels are in order of ``level``, the top storey first, and name.
    title : str, optional
        Text of the title.
    display_tz : str
        Zone of the hours counted.
    theme : str
        ``light`` or ``dark``.

    Returns
    -------
    plotly.graph_objects.Figure

    Raises
    ------
    InvalidInputError
        When a column is missing, or the time zone or the theme is unknown.
    """
    look = theme_of(theme)
    times.zone(display_tz)
    cells = _checked(counts)
    facts = _order(cells, cameras)
    grid = Grid.of(*_active(cells), _groups(facts), look, display_tz)
    drawn = list(zip(grid.slots, _panels(cells, facts, grid), strict=True))
    if grid.whole is not None:
        drawn.append((grid.whole, _together(cells, grid)))
    figure = go.Figure(_traces(drawn, grid))
    figure.update_layout(_layout(drawn, grid))
    spots = int(cells["spot"].nunique())
    figure.update_layout(
        title={
            "text": escape(title) if title is not None else "Activity by hour and weekday",
            "subtitle": {"text": _subtitle(cells, len(facts), spots)},
        }
    )
    return figure


def _checked(counts: pd.DataFrame) -> pd.DataFrame:
    missing = [name for name in _NEEDED if name not in counts.columns]
    if missing:
        raise InvalidInputError(
            f"The counts lack the column {missing[0]}.",
            where=f"columns given: {', '.join(map(str, counts.columns)) or 'none'}",
            next="Give the table as bench.tracks.activity(...).to_frame() returned it.",
        )
    rows = counts.reindex(columns=[*_NEEDED, "identities", "hours", "out_h"])
    rows["spot"] = rows["camera_id"].astype("str").fillna("")
    rows["hours"] = rows["hours"].fillna(1.0)
    rows["out_h"] = rows["out_h"].fillna(0.0)
    looked = rows["hours"] - rows["out_h"]
    # A camera that was out for all but seconds, or saw somebody all the same, makes no rate.
    rows["looked"] = looked.where(looked > _MOMENT_H, _MOMENT_H)
    return rows


def _order(cells: pd.DataFrame, cameras: pd.DataFrame | None) -> pd.DataFrame:
    """Return the cameras drawn, by level and name: ``name, level`` by id; places come last."""
    known = pd.DataFrame({"id": pd.Series([], dtype="str")}) if cameras is None else cameras
    known = known.reindex(columns=["id", "name", "level"]).dropna(subset=["id"]).astype("str")
    seen = cells.groupby("spot")["sightings"].sum()
    busiest = seen.sort_values(ascending=False, kind="stable").index[:PANELS]
    facts = known.drop_duplicates("id").set_index("id").reindex(busiest)
    facts["name"] = facts["name"].fillna(pd.Series(busiest, index=busiest))
    storeys = {name: n for n, name in enumerate(levels_of(known, None))}
    known_at = [storeys.get(level, len(storeys)) for level in facts["level"]]
    facts["storey"] = np.array(known_at, dtype="int64") + (facts.index == "")
    facts.index.name = "spot"
    return facts.sort_values(["storey", "name", "spot"])


def _groups(facts: pd.DataFrame) -> list[tuple[str, int]]:
    """Return heading and number of panels of each level; no heading where there is but one."""
    sizes = facts.groupby("storey").size()
    if len(sizes) < 2:
        return [("", len(facts))]
    first = facts.drop_duplicates("storey").set_index("storey")["level"]
    names = [None if pd.isna(first[n]) else str(first[n]) for n in sizes.index]
    return [(escape(level_name(name)), int(n)) for name, n in zip(names, sizes, strict=True)]


def _active(cells: pd.DataFrame) -> tuple[list[int], list[int]]:
    """Return the weekdays and the hours in which anything was seen, without holes in the hours."""
    seen = cells[cells["sightings"] > 0]
    if seen.empty:
        return [], []
    hours = range(int(seen["hour"].min()), int(seen["hour"].max()) + 1)
    return sorted(seen["weekday"].unique().tolist()), list(hours)


@dataclass(frozen=True, slots=True)
class _Panel:
    """One heat map, days by hours: sightings per hour, what each cell is, what its hover says."""

    name: str
    rate: np.ndarray
    cell: np.ndarray
    hover: np.ndarray

    @classmethod
    def of(cls, name: str, title: str, found: Mapping[str, np.ndarray], grid: Grid) -> _Panel:
        """Return the panel of these measures, called `title` in the hovers."""
        hours, out = found["hours"], found["out_h"]
        rate = found["sightings"] / found["looked"]
        gone = (out >= hours - _MOMENT_H) & (found["sightings"] == 0)
        rate[gone] = np.nan
        cell = np.where(np.isnan(hours), _NOTHING, np.where(gone, _OUT, _LOOKED))
        hover = np.full(rate.shape, "", dtype=object)
        for d, h in np.argwhere(cell != _NOTHING):
            when = f"{DAYS[grid.days[d]]} {grid.hours[h]:02d}:00 – {grid.hours[h] + 1:02d}:00"
            facts = {key: float(values[d, h]) for key, values in found.items()}
            lines = [f"<b>{title}</b>", f"{when} {escape(grid.zone)}", *_told(facts, rate[d, h])]
            hover[d, h] = "<br>".join(lines)
        return cls(name, rate, cell, hover)

    @property
    def gone(self) -> np.ndarray:
        """Return where the camera was out all the time."""
        return self.cell == _OUT

    @property
    def empty(self) -> np.ndarray:
        """Return where the camera looked and saw nobody."""
        return (self.cell == _LOOKED) & ~(self.rate > 0)


def _panels(cells: pd.DataFrame, facts: pd.DataFrame, grid: Grid) -> list[_Panel]:
    """Return the panel of each camera."""
    rows = cells[cells["spot"].isin(facts.index)]
    place = facts.index.get_indexer(pd.Index(rows["spot"]))
    cubes = {name: _cube(rows, name, place, len(facts), grid) for name in _MEASURES}
    found = []
    for i, (spot, name) in enumerate(zip(facts.index, facts["name"], strict=True)):
        short = escape(name, longest=grid.longest) if spot else _NO_CAMERA
        own = "" if name == spot else f" ({escape(spot, longest=40)})"
        full = f"{escape(name, longest=60)}{own}" if spot else _NO_CAMERA
        found.append(_Panel.of(short, full, {key: cube[i] for key, cube in cubes.items()}, grid))
    return found


def _together(cells: pd.DataFrame, grid: Grid) -> _Panel:
    """Return the panel of all cameras: all they saw for each hour of the clock."""
    rows = cells.groupby(["weekday", "hour"], as_index=False).agg(
        sightings=("sightings", "sum"), hours=("hours", "max"), out_h=("out_h", "min")
    )
    rows["identities"], rows["looked"] = np.nan, rows["hours"]
    nothing = np.zeros(len(rows), dtype="int64")
    found = {name: _cube(rows, name, nothing, 1, grid)[0] for name in _MEASURES}
    return _Panel.of("<b>All cameras together</b>", "all cameras together", found, grid)


def _cube(rows: pd.DataFrame, name: str, place: np.ndarray, n: int, grid: Grid) -> np.ndarray:
    """Return a column as an array (n, days, hours), missing where there is no row."""
    found = np.full((n, len(grid.days), len(grid.hours)), np.nan)
    day = pd.Index(grid.days, dtype="int64").get_indexer(pd.Index(rows["weekday"]))
    hour = pd.Index(grid.hours, dtype="int64").get_indexer(pd.Index(rows["hour"]))
    inside = (day >= 0) & (hour >= 0)
    found[place[inside], day[inside], hour[inside]] = rows[name].to_numpy("float64")[inside]
    return found


def _told(facts: Mapping[str, float], rate: float) -> list[str]:
    """Return what a hover says of one cell."""
    sightings, people = facts["sightings"], facts["identities"]
    hours, out = facts["hours"], facts["out_h"]
    if np.isnan(rate):
        return [f"camera out, all of {hours:.3g} h", "no sighting is not absence"]
    told = f"{rate:,.0f}" if rate >= 100 else f"{rate:.3g}"
    counted = f"{sightings:,.0f} in {hours - out:.3g} h"
    lines = [
        f"{told} sightings per hour",
        counted if np.isnan(people) else f"{counted}, {people:,.0f} different identities",
    ]
    return [*lines, f"camera out {out:.2g} of {hours:.3g} h"] if out > _MOMENT_H else lines


# --------------------------------------------------------------------------------------------
# Drawing
# --------------------------------------------------------------------------------------------
def _traces(drawn: Sequence[tuple[Slot, _Panel]], grid: Grid) -> list[Any]:
    traces: list[Any] = []
    for number, (slot, panel) in enumerate(drawn, start=1):
        axes = {"xaxis": f"x{number}", "yaxis": f"y{number}"}
        traces += _heat(panel, grid, axes, whole=slot is grid.whole)
    return [*traces, *_entries(drawn, grid.look)]


def _entries(drawn: Sequence[tuple[Slot, _Panel]], look: Theme) -> list[go.Scatter]:
    """Return the legend of the cells without a colour: only of those that occur."""
    panels = [panel for _, panel in drawn]
    outline = {"width": 1, "color": look.unknown}
    cross = {"width": 1.2, "color": look.paper}
    entries = (
        (any(panel.empty.any() for panel in panels), "looked, and nobody was seen",
         {"symbol": "square", "color": _EMPTY[look.name], "line": outline}),
        (any(panel.gone.any() for panel in panels), "camera out all that time: not known",
         {"symbol": "square-x", "color": look.unknown, "line": cross}),
        (any((panel.cell == _NOTHING).any() for panel in panels), "not in the time asked about",
         {"symbol": "square", "color": look.paper, "line": outline | {"color": look.grid}}),
    )  # fmt: skip
    return [
        go.Scatter(x=[None], y=[None], mode="markers", name=name, marker={"size": 12} | marker)
        for there, name, marker in entries
        if there
    ]


def _heat(panel: _Panel, grid: Grid, axes: dict[str, str], *, whole: bool) -> list[Any]:
    """Return the ground of a panel (looked and saw nobody, or out), the values, the crosses."""
    days = list(range(len(grid.days)))
    # Hours as places between their ticks: 9 covers what lies between 9 and 10.
    middle = [hour + 0.5 for hour in grid.hours]
    seen = panel.rate > 0
    ground = np.where(panel.gone, 1.0, np.where(panel.empty, 0.0, np.nan))
    heat = {
        "x": middle,
        "y": days,
        "xgap": 1,
        "ygap": 1,
        "hoverongaps": False,
        "hovertemplate": "%{hovertext}<extra></extra>",
        "hovertext": panel.hover.tolist(),
    } | axes
    values: dict[str, Any] = {"z": _listed(np.sqrt(np.where(seen, panel.rate, np.nan)))}
    # Where a cell is wide enough in a narrow window, its number stands in it.
    if len(grid.hours) <= (_NUMBERS if whole else _NUMBERS // grid.columns):
        numbers = [[f"{one:,.0f}" if one > 0 else "" for one in row] for row in panel.rate]
        values |= {"text": numbers, "texttemplate": "%{text}", "textfont": {"size": 11}}
    flat = [[0.0, _EMPTY[grid.look.name]], [1.0, grid.look.unknown]]
    return [
        go.Heatmap(z=_listed(ground), colorscale=flat, zmin=0, zmax=1, showscale=False,
                   name="nobody seen, or out", **heat),
        go.Heatmap(coloraxis="coloraxis2" if whole else "coloraxis", name=panel.name,
                   **values, **heat),
        *_crosses(panel, middle, days, grid.look, axes),
    ]  # fmt: skip


def _crosses(
    panel: _Panel, middle: list[float], days: list[int], look: Theme, axes: dict[str, str]
) -> list[go.Scatter]:
    at = np.argwhere(panel.gone)
    if not len(at):
        return []
    return [
        go.Scatter(
            x=[middle[h] for _, h in at],
            y=[days[d] for d, _ in at],
            mode="markers",
            name="camera out",
            showlegend=False,
            hoverinfo="skip",
            marker={"symbol": "x-thin", "size": _CROSS_PX,
                    "line": {"width": 1.2, "color": look.paper}},
            **axes,
        )
    ]  # fmt: skip


def _listed(values: np.ndarray) -> list[list[float | None]]:
    return [[None if np.isnan(one) else round(float(one), 4) for one in row] for row in values]


def _layout(drawn: Sequence[tuple[Slot, _Panel]], grid: Grid) -> dict[str, Any]:
    entries = len(_entries(drawn, grid.look))
    bottom = _BOTTOM + (_LEGEND + _ENTRY * (entries > 2) if entries else 0)
    layout: dict[str, Any] = {
        "template": grid.look.template,
        "height": _TOP + grid.height + bottom,
        "margin": {"t": _TOP, "b": bottom, "l": 56, "r": 92},
        "showlegend": entries > 0,  # plotly shows none of a single entry unless told to
        "legend": {"orientation": "h", "x": 0, "xanchor": "left",
                   "y": round(-54 / grid.height, 4), "yanchor": "top",
                   "itemclick": False, "itemdoubleclick": False},
        "annotations": grid.titles([(slot, panel.name) for slot, panel in drawn]),
        "uirevision": "activity",
    }  # fmt: skip
    for number, (slot, _panel) in enumerate(drawn, start=1):
        layout |= grid.axes(slot, number)
    each = [panel for slot, panel in drawn if slot is not grid.whole]
    layout["coloraxis"] = _scale(grid, "sightings<br>per hour", each, 0.0, grid.split)
    if grid.whole is not None:
        both = [panel for slot, panel in drawn if slot is grid.whole]
        layout["coloraxis2"] = _scale(grid, "all cameras,<br>per hour", both, grid.split, 1.0)
    return layout


def _scale(
    grid: Grid, title: str, panels: Sequence[_Panel], low: float, high: float
) -> dict[str, Any]:
    """Return a colour axis over square roots, whose bar says the numbers themselves."""
    seen = [panel.rate[panel.rate > 0] for panel in panels]
    most = max((float(one.max()) for one in seen if one.size), default=1.0)
    ticks = _ticks(most)
    return {
        "colorscale": colour_scale(_SCALES[grid.look.name]),
        "cmin": 0,
        "cmax": round(most**0.5, 4),
        "showscale": bool(grid.hours),
        "colorbar": {
            "title": {"text": title, "font": {"size": 11}, "side": "top"},
            "x": 1.01,
            "xanchor": "left",
            "y": high,
            "yanchor": "top",
            "lenmode": "pixels",
            "len": grid.bar_px(low, high),
            "thickness": 10,
            "tickvals": [round(tick**0.5, 4) for tick in ticks],
            "ticktext": [f"{tick:,.3g}" if tick < 1000 else f"{tick:,.0f}" for tick in ticks],
        },
    }


def _ticks(most: float) -> list[float]:
    """Return round numbers from 0 to `most`, about evenly spaced as square roots.

    Examples
    --------
    >>> _ticks(780.0)
    [0.0, 45.0, 150.0, 400.0, 750.0]
    """
    found: list[float] = [0.0]
    for share in (0.25, 0.5, 0.75, 1.0):
        wanted = most * share**2
        unit = 10.0 ** np.floor(np.log10(wanted)) / 2
        tick = np.floor(wanted / unit) * unit
        tick = float(f"{tick:.2g}")
        if tick > found[-1]:
            found.append(tick)
    return found


def _subtitle(cells: pd.DataFrame, drawn: int, spots: int) -> str:
    total = int(cells["sightings"].sum())
    if not total:
        return "nothing was seen: nothing to draw"
    parts = [f"{plural(total, 'sighting')} at {plural(spots, 'camera')}"]
    if drawn < spots:
        parts.append(f"the {drawn} busiest are drawn")
    return " · ".join(parts)
