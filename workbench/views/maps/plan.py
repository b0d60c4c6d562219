"""The ground a map is drawn on: the levels of a site, and where the cameras of each stand."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from workbench.errors import NotFoundError
from workbench.geography import Origin, origin_of

VIEW_M = 15.0
"""Length of a field of view as drawn, in metres; less on a small plan."""

_SPREAD = np.pi * (3 - np.sqrt(5))  # golden angle: points on a spiral that never hide each other
_STOREYS = ("ground", "first", "second", "third", "fourth", "fifth", "sixth", "seventh")


@dataclass(frozen=True, slots=True)
class Plan:
    """The ground of one level.

    ``spots``: one row a camera, by id: ``name, x, y, faces`` (degrees clockwise from +y, missing
    if unknown), ``fov, placed`` (whether x and y are its real position). ``metric``: whether
    distances on the map mean anything. ``reach``: length of a field of view as drawn. ``floor``:
    the floor plan's row, or None. ``panel``: number of the pair of axes it is drawn on, from 1;
    0 for a level that is known and not drawn. ``globe``: the point of the globe that is (0, 0),
    if the site is known in degrees.
    """

    spots: pd.DataFrame
    metric: bool
    reach: float
    floor: pd.Series | None
    level: str | None
    low: tuple[float, float]
    high: tuple[float, float]
    panel: int = 1
    globe: Origin | None = None

    def frame(self) -> tuple[list[float], list[float]]:
        """Return the ranges of the two axes: everything, and a margin around it."""
        x, y = self.spots["x"].to_numpy(), self.spots["y"].to_numpy()
        left, right = min([self.low[0], *x]), max([self.high[0], *x])
        bottom, top = min([self.low[1], *y]), max([self.high[1], *y])
        pad = 0.03 * max(right - left, top - bottom) if self.floor is not None else self.reach
        pad = pad or 1.0
        return [float(left - pad), float(right + pad)], [float(bottom - pad), float(top + pad)]

    @property
    def axes(self) -> dict[str, str]:
        """Return the axes of its traces, as plotly calls them."""
        number = "" if self.panel < 2 else str(self.panel)
        return {"xaxis": f"x{number}", "yaxis": f"y{number}"}


@dataclass(frozen=True, slots=True)
class Ground:
    """The levels of one map, from the top storey down; cameras of unknown level on the lowest."""

    plans: tuple[Plan, ...]

    @property
    def drawn(self) -> list[Plan]:
        """Return the levels that have a pair of axes."""
        return [plan for plan in self.plans if plan.panel]

    @property
    def names(self) -> dict[str, str]:
        """Return what each camera is called, by id."""
        spots = pd.concat([plan.spots["name"] for plan in self.plans])
        return {str(camera): str(name) for camera, name in spots.items()}

    @property
    def globe(self) -> Origin | None:
        """Return the point of the globe that is (0, 0), if the site is known in degrees."""
        return self.plans[0].globe

    def of(self, camera: str) -> Plan:
        """Return the level a camera stands on."""
        return next(plan for plan in self.plans if camera in plan.spots.index)

    def numbers(self, cameras: pd.Series) -> np.ndarray:
        """Return the position among the levels of each of these cameras."""
        at = {camera: i for i, plan in enumerate(self.plans) for camera in plan.spots.index}
        return cameras.map(at).to_numpy("int64")


def position(x: float, y: float, globe: Origin | None) -> str:
    """Return where a point is in words: in metres, or in degrees where the origin is known.

    Examples
    --------
    >>> position(1.26, -3, None)
    'at (1.3, -3.0) m'
    >>> position(0, 0, Origin(-73.9855, 40.758))
    'at 40.75800° N, 73.98550° W'
    """
    if globe is None:
        return f"at ({x:.1f}, {y:.1f}) m"
    longitude, latitude = (float(one[0]) for one in globe.degrees(np.array([x]), np.array([y])))
    north, east = "N" if latitude >= 0 else "S", "E" if longitude >= 0 else "W"
    return f"at {abs(latitude):.5f}° {north}, {abs(longitude):.5f}° {east}"


def storey(level: str | None) -> float | None:
    """Return which storey a level is, if its name says so: 0 is the ground.

    Examples
    --------
    >>> [storey(name) for name in ("ground", "First floor", "-1", "north wing")]
    [0.0, 1.0, -1.0, None]
    """
    said = re.sub(r"\s*(floor|level|storey|story)\s*", "", (level or "").strip().lower())
    if said in _STOREYS:
        return float(_STOREYS.index(said))
    if said == "basement":
        return -1.0
    return float(said) if re.fullmatch(r"[-+]?\d{1,3}", said) else None


def level_name(level: str | None) -> str:
    """Return what people call a level, not escaped.

    Examples
    --------
    >>> level_name("first"), level_name("2"), level_name("North wing")
    ('first floor', 'level 2', 'North wing')
    """
    said = level or "unknown level"
    if said.lower() in _STOREYS:
        return f"{said} floor"
    return f"level {said}" if re.fullmatch(r"[-+]?\d{1,3}|.", said) else said


def levels_of(cameras: pd.DataFrame, floor_plans: pd.DataFrame | None) -> list[str]:
    """Return the names of the levels known, from the top storey down, else in order of name."""
    known = set(cameras.reindex(columns=["level"])["level"].dropna().astype("str"))
    if floor_plans is not None:
        known |= set(floor_plans["level"].dropna().astype("str"))
    names = sorted(known)
    heights = [storey(name) for name in names]
    if any(height is None for height in heights):
        return names
    return sorted(names, key=lambda name: -(storey(name) or 0.0))


def grounds(
    cameras: pd.DataFrame,
    points: pd.DataFrame,
    *,
    floor_plans: pd.DataFrame | None = None,
    level: str | None = None,
    everywhere: bool = False,
) -> Ground:
    """Return where everything stands, level by level, and which levels are drawn.

    Parameters
    ----------
    cameras, points, floor_plans : DataFrame
        As a map takes them; `points` are sightings with ``camera_id, floor_x_m, floor_y_m``.
    level : str, optional
        The only one to draw.
    everywhere : bool
        Whether to draw every level that has a camera, and not only those with a point.

    Raises
    ------
    NotFoundError
        When no camera and no floor plan is on the level asked for.
    """
    names = levels_of(cameras, floor_plans)
    if level is not None and level not in names:
        raise NotFoundError(
            f"There is no level {level!r}.",
            where=f"levels: {', '.join(names) or 'none is known'}",
            next="Use one of these, or none to draw all.",
        )
    levels: list[str | None] = [*names] or [None]
    home = _homes(cameras, points["camera_id"], levels, level)
    plans = [
        ground(
            cameras[cameras["id"].map(home) == position],
            points[points["camera_id"].map(home) == position],
            level=name,
            floor_plans=floor_plans,
        )
        for position, name in enumerate(levels)
    ]
    globe = origin_of(cameras)
    busy = set(home[home.index.isin(points["camera_id"])]) if len(points) else set()
    if everywhere or not busy:
        busy = set(home) or {len(levels) - 1}
    chosen = busy if level is None else {levels.index(level)}
    panels = iter(range(1, len(levels) + 1))
    return Ground(
        tuple(
            replace(plan, panel=next(panels) if position in chosen else 0, globe=globe)
            for position, plan in enumerate(plans)
        )
    )


def _homes(
    cameras: pd.DataFrame, seen: pd.Series, levels: list[str | None], level: str | None
) -> pd.Series:
    """Return the position among the levels of every camera, by id."""
    known = cameras.reindex(columns=["id", "level"]).set_index("id")["level"]
    others = sorted(set(seen.dropna()) - set(known.index))
    known = known.reindex([*known.index, *others])
    unknown = levels.index(level) if level is not None else len(levels) - 1
    number = {name: position for position, name in enumerate(levels)}
    return known.map(number).fillna(unknown).astype("int64")


def ground(
    cameras: pd.DataFrame,
    points: pd.DataFrame,
    *,
    level: str | None = None,
    floor_plans: pd.DataFrame | None = None,
) -> Plan:
    """Return where each of these cameras stands on the map of their level.

    Cameras without a position stand in a row below the others; if no position at all is known,
    neither of a camera nor on the floor, they stand on a circle in order of id.
    """
    floor = _floor(floor_plans, level)
    spots = _known(cameras, points)
    on_floor = points[["floor_x_m", "floor_y_m"]].dropna().to_numpy("float64")
    placed = spots["placed"].to_numpy(dtype=bool)
    extent = np.vstack(
        [spots.loc[placed, ["x", "y"]].to_numpy("float64"), on_floor, corners(floor)]
    )
    if not len(extent):
        circle = _on_circle(spots)
        return Plan(circle, False, 3.0, None, level, low=(-10.0, -10.0), high=(10.0, 10.0))
    low, high = extent.min(axis=0), extent.max(axis=0)
    size = float(np.hypot(*(high - low))) or 10.0
    reach = min(VIEW_M, 0.14 * size)
    row = _in_row(spots, low, high, reach)
    return Plan(row, True, reach, floor, level, low=(low[0], low[1]), high=(high[0], high[1]))


def _known(cameras: pd.DataFrame, points: pd.DataFrame) -> pd.DataFrame:
    columns = ["id", "name", "position_x", "position_y", "orientation", "fov", "level"]
    known = cameras.reindex(columns=columns)
    others = sorted(set(points["camera_id"]) - set(cameras["id"]))
    ids = [*known["id"], *others]
    spots = known.set_index("id").reindex(ids).sort_index()
    spots.index.name = "id"
    spots["name"] = spots["name"].astype("str").fillna(pd.Series(spots.index, index=spots.index))
    spots = spots.rename(columns={"position_x": "x", "position_y": "y", "orientation": "faces"})
    spots = spots.astype({name: "float64" for name in ("x", "y", "faces", "fov")})
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


def corners(floor: pd.Series | None) -> np.ndarray:
    """Return the left upper and the right lower corner of a floor plan in metres; none for None."""
    if floor is None:
        return np.empty((0, 2))
    scale = float(floor["metres_per_pixel"])
    left, top = -float(floor["origin_x_px"]) * scale, float(floor["origin_y_px"]) * scale
    right = left + float(floor["width_px"]) * scale
    return np.array([[left, top], [right, top - float(floor["height_px"]) * scale]])


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


def broken(rows: Iterable[Iterable[float]] | np.ndarray) -> list[float | None]:
    """Return the rows of a matrix end to end with a break (None) after each."""
    cells: list[float | None] = []
    for row in rows:
        cells += [*(float(cell) for cell in row), None]
    return cells
