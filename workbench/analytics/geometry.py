"""Where cameras are and what they see: straight lines and fields of view on the plan.

Plan coordinates in metres, +y up, orientation in degrees clockwise from +y; heights are left out,
since people walk on the floor.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

VIEW_RANGE_M = 15.0
"""How far a camera is taken to see a person well enough to follow her, in metres."""

VIEW_COLUMNS = ("position_x", "position_y", "orientation", "fov", "level")
"""What of a camera its field of view follows from."""

_STEP_M = 0.25


@dataclass(frozen=True, slots=True)
class View:
    """The field of view of one camera: a sector of the plan.

    ``orientation`` or ``fov`` missing means that it may look any way: a full circle.
    """

    x: float
    y: float
    orientation: float
    fov: float
    level: str | None = None


def straight_m(cameras: pd.DataFrame, a: pd.Series, b: pd.Series) -> np.ndarray:
    """Return the metres between cameras `a` and `b`, row by row, on the plan.

    0.0 for the same camera; missing where a camera or its position is unknown, or where both
    levels are known and differ.
    """
    places = located(cameras)
    here, there = _positions(places, a), _positions(places, b)
    # One more row, of which nothing is known: what is not found has position -1.
    x = np.append(places["position_x"].to_numpy(), np.nan)
    y = np.append(places["position_y"].to_numpy(), np.nan)
    apart = np.hypot(x[here] - x[there], y[here] - y[there])
    level = np.append(pd.factorize(places["level"])[0], -1)
    elsewhere = (level[here] >= 0) & (level[there] >= 0) & (level[here] != level[there])
    same = (a.to_numpy(dtype=object) == b.to_numpy(dtype=object)) & a.notna().to_numpy()
    return np.where(same.astype(bool), 0.0, np.where(elsewhere, np.nan, apart))


def _positions(places: pd.DataFrame, ids: pd.Series) -> np.ndarray:
    # A missing id must find nothing, not a camera whose id happens to be missing.
    return places.index.get_indexer(pd.Index(ids))


def located(cameras: pd.DataFrame) -> pd.DataFrame:
    """Return ``position_x``, ``position_y`` (float64) and ``level`` (str), by camera id."""
    known = cameras["id"].notna().to_numpy()
    nothing = pd.Series(np.nan, index=cameras.index)
    return pd.DataFrame(
        {
            "position_x": cameras.get("position_x", nothing).to_numpy("float64")[known],
            "position_y": cameras.get("position_y", nothing).to_numpy("float64")[known],
            "level": cameras.get("level", nothing).array.astype("str")[known],
        },
        index=pd.Index(cameras["id"].array[known], dtype="str"),
    )


def view_of(camera: Mapping[Hashable, Any]) -> View:
    """Return the field of view of one row of a camera table with a known position."""
    level = camera.get("level")
    return View(
        x=float(camera["position_x"]),
        y=float(camera["position_y"]),
        orientation=_number(camera.get("orientation")),
        fov=_number(camera.get("fov")),
        level=None if pd.isna(level) else str(level),
    )


def _number(value: Any) -> float:
    return math.nan if pd.isna(value) else float(value)


@lru_cache(maxsize=10_000)  # the same cameras, question after question
def may_overlap(a: View, b: View, *, range_m: float = VIEW_RANGE_M) -> bool:
    """Return whether the two may see one spot of the floor, as far as is known.

    A field of view is the sector of `range_m` around its orientation; where orientation or angle
    is unknown it may be anywhere in the full circle. On different known levels nothing overlaps.
    The outlines are compared point by point, a quarter of a metre apart: an overlap thinner than
    that can be missed. Walls are not known here.

    Examples
    --------
    >>> north, south = View(0, 0, 0, 90), View(0, 20, 180, 90)
    >>> may_overlap(north, south), may_overlap(north, View(0, 20, 0, 90))
    (True, False)
    """
    if a.level is not None and b.level is not None and a.level != b.level:
        return False
    if np.hypot(a.x - b.x, a.y - b.y) > 2 * range_m:
        return False
    inside_b = within(b, *_outline(a, range_m), range_m)
    inside_a = within(a, *_outline(b, range_m), range_m)
    return bool(inside_a.any() or inside_b.any())


def _outline(view: View, range_m: float) -> tuple[np.ndarray, np.ndarray]:
    half = _half_angle(view)
    middle = 0.0 if np.isnan(view.orientation) else view.orientation
    arc_m = 2 * np.radians(half) * range_m
    angles = np.radians(np.linspace(middle - half, middle + half, int(arc_m / _STEP_M) + 2))
    along = np.linspace(0.0, range_m, int(range_m / _STEP_M) + 2)
    east = np.concatenate(
        [along * np.sin(angles[0]), range_m * np.sin(angles), along * np.sin(angles[-1])]
    )
    north = np.concatenate(
        [along * np.cos(angles[0]), range_m * np.cos(angles), along * np.cos(angles[-1])]
    )
    return view.x + east, view.y + north


def within(view: View, x: np.ndarray, y: np.ndarray, range_m: float) -> np.ndarray:
    """Return which of these spots of the floor, in metres, are in the field of view."""
    east, north = x - view.x, y - view.y
    near = np.hypot(east, north) <= range_m + 1e-9
    half = _half_angle(view)
    if half >= 180.0:
        return near
    off = np.degrees(np.arctan2(east, north)) - view.orientation
    off = np.abs((off + 180.0) % 360.0 - 180.0)
    return near & ((off <= half + 1e-9) | (np.hypot(east, north) < 1e-9))


def _half_angle(view: View) -> float:
    if np.isnan(view.orientation) or np.isnan(view.fov):
        return 180.0
    return min(view.fov / 2, 180.0)
