"""The same identity at two cameras at nearly the same time: what clocks are compared by."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from workbench.analytics import columns
from workbench.analytics.visits import spelled_out, visits

PASSES, STAYS = "floor positions", "visits"

_STEP_US = 10_000_000  # longest time between two sightings that a straight line joins
_THIN_US = 500_000  # of many sightings a second one in so long is enough
_WALKING_M_S = 0.4
_NEAR_M = 0.5  # how far off the line a spot still lies on it
_AT_ONCE = 2_000_000  # pairs of rows held in memory at once


def stays(sightings: pd.DataFrame, *, max_gap_s: float, max_offset_s: float) -> pd.DataFrame:
    """Return the visits of one identity at two cameras whose middles are at most so far apart.

    Visits longer than that are left out.

    Returns
    -------
    DataFrame
        ``camera_a, camera_b`` (in order of id), ``reading_s``: middle at a less middle at b;
        ``overlap``: whether the two visits have a moment in common, as recorded; ``room_s``:
        half of their two lengths.
    """
    found = visits(sightings, max_gap_s=max_gap_s)
    found = found[found["camera_id"].notna() & (found["dwell_s"] <= max_offset_s)]
    camera, names = pd.factorize(found["camera_id"], sort=True)
    who = pd.factorize(found["identity_id"])[0]
    start, end = columns.microseconds(found["start"]), columns.microseconds(found["end"])
    middle = start + (end - start) // 2
    order = np.lexsort((middle, who))
    camera, who, start, end, middle = (x[order] for x in (camera, who, start, end, middle))
    limit = round(max_offset_s * 1e6)
    parts = []
    for one, two in _near(who, middle, who, middle, limit):
        kept = camera[one] < camera[two]
        a, b = one[kept], two[kept]
        overlap = (start[a] <= end[b]) & (start[b] <= end[a])
        readings = _readings(names, camera[a], camera[b], (middle[a] - middle[b]) / 1e6, overlap)
        parts.append(readings.assign(room_s=(end[a] - start[a] + end[b] - start[b]) / 2e6))
    return _joined(parts, names)


def passes(sightings: pd.DataFrame, *, max_gap_s: float, max_offset_s: float) -> pd.DataFrame:
    """Return the spots that one identity walked by at two cameras, and when at each.

    Each sighting with a floor position is laid on the straight lines between consecutive sightings
    (of one visit, at most 10 s apart, walking) of the same identity at another camera: within
    half a metre of it, it was there at the time at which the line passes. Of one pair of visits
    the median counts.

    Returns
    -------
    DataFrame
        ``camera_a, camera_b`` (in order of id), ``reading_s``: time at a less time at b;
        ``overlap``: always true; ``room_s``: always 0.
    """
    if not {"floor_x_m", "floor_y_m"} <= set(sightings.columns):
        return _joined([], pd.Index([], dtype="str"))
    seen = _Steps.of(sightings, max_gap_s)
    step = seen.walking()
    limit = round(max_offset_s * 1e6)
    parts = []
    for spot, line in _near(seen.who, seen.us, seen.who[step], seen.us[step], limit + _STEP_US):
        first = step[line]
        kept = seen.camera[spot] != seen.camera[first]
        spot, first = spot[kept], first[kept]
        share, off = seen.laid(spot, first)
        on = (share >= 0) & (share <= 1) & (off <= _NEAR_M)
        spot, first, share = spot[on], first[on], share[on]
        # When the line passes the spot, less when the other camera saw her there.
        reading = seen.us[first] - seen.us[spot] + share * (seen.us[first + 1] - seen.us[first])
        parts.append(seen.passed(spot, first, reading, limit))
    return _joined(parts, seen.names)


def usual_step_s(sightings: pd.DataFrame, *, max_gap_s: float) -> float:
    """Return the median time between two sightings of one visit, seconds; 0 if there are none."""
    rows = sightings[["identity_id", "camera_id", "timestamp"]].dropna()
    rows = rows.sort_values(["identity_id", "camera_id", "timestamp"])
    same = (rows[["identity_id", "camera_id"]] == rows[["identity_id", "camera_id"]].shift()).all(
        axis=1
    )
    step = rows["timestamp"].diff().dt.total_seconds()[same]
    within = step[step <= max_gap_s]
    return float(within.median()) if len(within) else 0.0


@dataclass(frozen=True, slots=True)
class _Steps:
    """Sightings with a floor position, thinned, in order of identity, camera and time.

    ``visit``: the number of the visit each belongs to.
    """

    who: np.ndarray
    camera: np.ndarray
    us: np.ndarray
    x: np.ndarray
    y: np.ndarray
    visit: np.ndarray
    names: pd.Index

    @classmethod
    def of(cls, sightings: pd.DataFrame, max_gap_s: float) -> _Steps:
        known = sightings[["identity_id", "camera_id", "timestamp"]].notna().all(axis=1)
        known &= sightings[["floor_x_m", "floor_y_m"]].notna().all(axis=1)
        rows = sightings[known]
        who = pd.factorize(rows["identity_id"])[0]
        camera, names = pd.factorize(rows["camera_id"], sort=True)
        us = columns.microseconds(rows["timestamp"])
        x, y = (rows[name].to_numpy("float64") for name in ("floor_x_m", "floor_y_m"))
        order = np.lexsort((us, camera, who))
        who, camera, us, x, y = (values[order] for values in (who, camera, us, x, y))
        other = (np.diff(who, prepend=-1) != 0) | (np.diff(camera, prepend=-1) != 0)
        thin = other | (np.diff(us // _THIN_US, prepend=0) != 0)
        longest = columns.duration_us(max_gap_s, "max_gap_s")
        visit = np.cumsum(other | (np.diff(us, prepend=0) > longest))
        who, camera, us, x, y = (values[thin] for values in (who, camera, us, x, y))
        return cls(who, camera, us, x, y, visit[thin], names)

    def walking(self) -> np.ndarray:
        """Return the sightings from which she walked to the next one of the same visit."""
        took = np.diff(self.us)
        gone = np.hypot(np.diff(self.x), np.diff(self.y))
        steps = (np.diff(self.visit) == 0) & (took > 0) & (took <= _STEP_US)
        return (steps & (gone >= _WALKING_M_S * took / 1e6)).nonzero()[0]

    def laid(self, spot: np.ndarray, first: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return where on the step each spot lies, 0 to 1 on it, and how far off it, metres."""
        along_x, along_y = self.x[first + 1] - self.x[first], self.y[first + 1] - self.y[first]
        to_x, to_y = self.x[spot] - self.x[first], self.y[spot] - self.y[first]
        share = (to_x * along_x + to_y * along_y) / (along_x**2 + along_y**2)
        return share, np.hypot(to_x - share * along_x, to_y - share * along_y)

    def passed(
        self, spot: np.ndarray, first: np.ndarray, reading: np.ndarray, limit: int
    ) -> pd.DataFrame:
        """Return the reading of each pair of visits: the median of its own."""
        turned = self.camera[spot] < self.camera[first]
        a, b = np.where(turned, spot, first), np.where(turned, first, spot)
        rows = _readings(
            self.names,
            self.camera[a],
            self.camera[b],
            np.where(turned, -reading, reading) / 1e6,
            np.ones(len(a), dtype=bool),
        ).assign(visit_a=self.visit[a], visit_b=self.visit[b])
        rows = rows[rows["reading_s"].abs() <= limit / 1e6]
        by = ["camera_a", "camera_b", "visit_a", "visit_b"]
        return rows.groupby(by, as_index=False, observed=True).agg(
            reading_s=("reading_s", "median"),
            overlap=("overlap", "all"),
            room_s=("room_s", "first"),
        )


def _near(
    who: np.ndarray, us: np.ndarray, other: np.ndarray, other_us: np.ndarray, limit: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield positions of each row and of every other of the same one within the limit of time."""
    order = np.lexsort((other_us, other))
    # Times as ranks, so that (identity, time) fits in one number whatever the calendar.
    moments = np.unique(other_us)
    base = len(moments) + 1
    keys = other[order].astype("int64") * base + np.searchsorted(moments, other_us[order])
    low = np.searchsorted(
        keys, who.astype("int64") * base + np.searchsorted(moments, us - limit, side="left")
    )
    high = np.searchsorted(
        keys, who.astype("int64") * base + np.searchsorted(moments, us + limit, side="right")
    )
    count = high - low
    part = np.cumsum(count) // _AT_ONCE
    for number in np.unique(part):
        rows = (part == number).nonzero()[0]
        each, place = spelled_out(rows, low[rows], count[rows])
        yield each, order[place]


def _readings(
    names: pd.Index, a: np.ndarray, b: np.ndarray, reading_s: np.ndarray, overlap: np.ndarray
) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "camera_a": pd.Categorical.from_codes(a, names),
            "camera_b": pd.Categorical.from_codes(b, names),
            "reading_s": reading_s,
            "overlap": overlap,
            "room_s": 0.0,
        }
    )


def _joined(parts: list[pd.DataFrame], names: pd.Index) -> pd.DataFrame:
    nobody = np.empty(0, dtype="int64")
    empty = _readings(names, nobody, nobody, np.empty(0), np.empty(0, dtype=bool))
    rows = pd.concat([part[list(empty.columns)] for part in parts]) if parts else empty
    return rows.astype({"camera_a": "str", "camera_b": "str"}).reset_index(drop=True)
