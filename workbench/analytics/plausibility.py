"""What cannot be: one identity at two places at once, or faster than people move."""

from __future__ import annotations

import numbers
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from workbench.analytics import columns
from workbench.analytics.geometry import VIEW_COLUMNS, VIEW_RANGE_M, located, may_overlap, view_of
from workbench.errors import InvalidInputError

TWO_PLACES, TOO_FAST = "two places at once", "too fast"


def implausible(
    sightings: pd.DataFrame,
    *,
    cameras: pd.DataFrame,
    adjacency: pd.DataFrame | None = None,
    max_speed_m_s: float = 4.0,
    view_range_m: float = VIEW_RANGE_M,
) -> pd.DataFrame:
    """Return the moves of an identity that nobody can make.

    The sightings of each identity whose position is known are put in order of time (ties: id).
    From one to the next at another camera the straight line is measured: between their floor
    positions where both carry one, else between the two cameras. ``two places at once``: the same
    instant, more than 0 m apart. ``too fast``: more than `max_speed_m_s` over the time between.

    No claim is made between cameras

    - whose adjacency distance is 0, in either direction,
    - whose fields of view overlap or may do so
      (:func:`workbench.analytics.geometry.may_overlap`): sectors of `view_range_m`; a camera whose
      orientation or angle is unknown may look any way, a full circle,
    - on different known levels, or of unknown position.

    It is a precise alarm, never proof of correctness: a wrong merge of two people who were far
    apart in time passes unseen.

    Parameters
    ----------
    sightings : DataFrame
        ``id, identity_id, timestamp, camera_id, floor_x_m, floor_y_m`` as in ``schema.SIGHTING``.
    cameras : DataFrame
        ``id, position_x, position_y, orientation, fov, level`` as in ``schema.CAMERA``.
    adjacency : DataFrame, optional
        ``from_camera, to_camera, distance_m``.
    max_speed_m_s : float
        Greatest speed of a person, in m/s.
    view_range_m : float
        How far a camera sees a person, in metres.

    Returns
    -------
    DataFrame
        ``identity_id, from_appearance, to_appearance, from_camera, to_camera``, ``start`` and
        ``end`` (times of the two), ``reason, speed_m_s`` (missing for two places at once),
        ``distance_m, gap_s``; in order of identity and time.

    Raises
    ------
    InvalidInputError
        When a column is missing or `max_speed_m_s` is no number above 0.
    """
    if not (isinstance(max_speed_m_s, numbers.Real) and max_speed_m_s > 0):
        raise InvalidInputError(
            f"max_speed_m_s is {max_speed_m_s!r}: a speed above 0 is needed.",
            where="max_speed_m_s",
            next="Give it in metres a second, for example 4.",
        )
    columns.require(sightings, ("id", "identity_id", "timestamp", "camera_id"), "sightings")
    seen = _Seen.of(sightings, located(cameras))
    one, two = seen.steps()
    gap_us = seen.us[two] - seen.us[one]
    distance = seen.metres(one, two)
    fast = (distance > 0) & (distance > max_speed_m_s * (gap_us / 1e6))
    fast[fast] = ~_excused(seen, one[fast], two[fast], cameras, adjacency, view_range_m)
    one, two, gap_us, distance = one[fast], two[fast], gap_us[fast], distance[fast]
    still = gap_us == 0
    id_, who, camera = (sightings[name].array for name in ("id", "identity_id", "camera_id"))
    first, second = seen.row[one], seen.row[two]
    return columns.table(
        columns.IMPLAUSIBLE,
        {
            "identity_id": who.take(first),
            "from_appearance": id_.take(first),
            "to_appearance": id_.take(second),
            "from_camera": camera.take(first),
            "to_camera": camera.take(second),
            "start": columns.instants(seen.us[one]),
            "end": columns.instants(seen.us[two]),
            "reason": np.where(still, TWO_PLACES, TOO_FAST),
            "speed_m_s": distance / np.where(still, np.nan, gap_us / 1e6),
            "distance_m": distance,
            "gap_s": gap_us / 1e6,
        },
    )


@dataclass(frozen=True, slots=True)
class _Seen:
    """The sightings whose position is known, as arrays in order of identity, time and id.

    ``row`` is the position in the table given, ``camera`` one in `names`; ``x``, ``y`` are on the
    floor where known, ``camera_x``, ``camera_y`` and ``level`` (-1 unknown) those of the camera.
    """

    row: np.ndarray
    who: np.ndarray
    us: np.ndarray
    camera: np.ndarray
    names: list[str]
    x: np.ndarray
    y: np.ndarray
    camera_x: np.ndarray
    camera_y: np.ndarray
    level: np.ndarray

    @classmethod
    def of(cls, sightings: pd.DataFrame, places: pd.DataFrame) -> _Seen:
        """Return the sightings at cameras or floor positions that are known."""
        nothing = pd.Series(np.nan, index=sightings.index)
        x, y = (
            sightings.get(name, nothing).to_numpy("float64") for name in ("floor_x_m", "floor_y_m")
        )
        who = pd.factorize(sightings["identity_id"], sort=True)[0]
        camera, names = pd.factorize(sightings["camera_id"])
        at = places.index.get_indexer(pd.Index(names, dtype="str"))
        # One more row, of which nothing is known: what is not found has position -1.
        spots = [
            np.append(values, unknown)[at][camera] if len(names) else np.full(len(who), unknown)
            for values, unknown in (
                (places["position_x"].to_numpy(), np.nan),
                (places["position_y"].to_numpy(), np.nan),
                (pd.factorize(places["level"])[0], -1),
            )
        ]
        known = (who >= 0) & (camera >= 0) & sightings["timestamp"].notna().to_numpy()
        known &= ~(np.isnan(x) | np.isnan(y)) | ~(np.isnan(spots[0]) | np.isnan(spots[1]))
        kept = known.nonzero()[0]
        us = columns.microseconds(sightings["timestamp"].iloc[kept])
        order = np.lexsort((_rank(sightings["id"].iloc[kept], who[kept], us), us, who[kept]))
        row = kept[order]
        arrays = [values[row] for values in (x, y, *spots)]
        return cls(row, who[row], us[order], camera[row], list(names), *arrays)

    def steps(self) -> tuple[np.ndarray, np.ndarray]:
        """Return each step from a sighting to the next of the same one at another camera."""
        apart = (self.who[:-1] == self.who[1:]) & (self.camera[:-1] != self.camera[1:])
        one = apart.nonzero()[0]
        return one, one + 1

    def metres(self, one: np.ndarray, two: np.ndarray) -> np.ndarray:
        """Return the straight line of each step, missing where unknown or on other levels."""
        floor = np.hypot(self.x[one] - self.x[two], self.y[one] - self.y[two])
        line = np.hypot(
            self.camera_x[one] - self.camera_x[two], self.camera_y[one] - self.camera_y[two]
        )
        a, b = self.level[one], self.level[two]
        elsewhere = (a >= 0) & (b >= 0) & (a != b)
        return np.where(elsewhere, np.nan, np.where(np.isnan(floor), line, floor))


def _rank(ids: pd.Series, who: np.ndarray, us: np.ndarray) -> np.ndarray:
    # Ids decide only between equal times: a million of them need not be sorted for that.
    order = np.lexsort((us, who))
    equal = (np.diff(who[order]) == 0) & (np.diff(us[order]) == 0)
    tied = order[np.append(equal, False) | np.append(False, equal)[: len(order)]]
    rank = np.zeros(len(ids), dtype="int64")
    rank[tied] = pd.factorize(ids.iloc[tied], sort=True)[0]
    return rank


def _excused(
    seen: _Seen,
    one: np.ndarray,
    two: np.ndarray,
    cameras: pd.DataFrame,
    adjacency: pd.DataFrame | None,
    view_range_m: float,
) -> np.ndarray:
    """Return where the two cameras may see one spot, so that nothing can be said."""
    number = seen.camera[one] * len(seen.names) + seen.camera[two]
    pairs, at = np.unique(number, return_inverse=True)
    ends = [(seen.names[n // len(seen.names)], seen.names[n % len(seen.names)]) for n in pairs]
    touching = _touching(adjacency)
    views = _views(cameras, {name for pair in ends for name in pair})
    excused = [
        frozenset((a, b)) in touching
        or (a in views and b in views and may_overlap(views[a], views[b], range_m=view_range_m))
        for a, b in ends
    ]
    return np.array(excused, dtype=bool)[at]


def _touching(adjacency: pd.DataFrame | None) -> set[frozenset[str]]:
    if adjacency is None or adjacency.empty:
        return set()
    near = adjacency[(adjacency["distance_m"] == 0).fillna(False)]
    return {frozenset(pair) for pair in zip(near["from_camera"], near["to_camera"], strict=True)}


def _views(cameras: pd.DataFrame, wanted: set[str]) -> dict[str, Any]:
    if not {"position_x", "position_y"} <= set(cameras.columns):
        return {}
    names = [name for name in ("id", *VIEW_COLUMNS) if name in cameras]
    rows = zip(*(cameras[name].tolist() for name in names), strict=True)
    views: list[dict[Hashable, Any]] = [
        dict(zip(names, row, strict=True)) for row in rows if row[0] in wanted
    ]
    return {
        view["id"]: view_of(view)
        for view in views
        if pd.notna(view["position_x"]) and pd.notna(view["position_y"])
    }
