"""Activity: how much was seen where, by hour and weekday, and how long the cameras looked."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from workbench import times
from workbench.analytics import columns
from workbench.errors import InvalidInputError

_CELLS = 7 * 24
_HOUR_US = 3_600_000_000
# Offsets of today's zones are whole quarters of an hour: a quarter lies in one local hour.
_SLOT_US = 900_000_000
_LONGEST_US = 100 * 366 * 24 * _HOUR_US


def activity(
    sightings: pd.DataFrame,
    *,
    display_tz: str = "UTC",
    cameras: Iterable[str] | None = None,
    outages: pd.DataFrame | None = None,
    start: datetime | None = None,
    end: datetime | None = None,
) -> pd.DataFrame:
    """Return how often each camera saw somebody, by weekday and hour of the local clock.

    One row for each camera and each hour of the week that lies in the time looked at, also where
    nothing was seen: zero sightings of a camera that was out is not absence, see ``out_h``. The
    time looked at goes from `start` to `end`; without them it is the whole local hours from that
    of the first sighting to that of the last. Sightings at a place, not at a camera, are counted
    under a missing ``camera_id``.

    Parameters
    ----------
    sightings : DataFrame
        ``timestamp`` (aware UTC, clocks corrected), ``camera_id`` and perhaps ``identity_id``, in
        any order.
    display_tz : str
        Zone whose hours and weekdays are counted.
    cameras : iterable of str, optional
        Cameras to list even if they saw nothing.
    outages : DataFrame, optional
        ``camera_id, start, end``, half-open, as in ``schema.OUTAGE``.
    start, end : datetime or Timestamp, optional
        Aware; half-open. Sightings outside are not counted.

    Returns
    -------
    DataFrame
        ``camera_id``; ``weekday`` (0 is Monday) and ``hour`` (0 to 23); ``sightings``;
        ``identities``: how many different ones; ``hours``: how often this hour of the week was in
        the time looked at, in hours (2.0 on a day whose clocks repeat it); ``out_h``: hours of
        these in which the camera was out. In order of camera, weekday, hour.

    Raises
    ------
    InvalidInputError
        When a column is missing, the zone is unknown, or the time looked at is longer than 100
        years.

    Examples
    --------
    >>> seen = pd.DataFrame({
    ...     "camera_id": "door",
    ...     "identity_id": ["ann", "ann", "ben"],
    ...     "timestamp": pd.to_datetime(["2026-01-12T08:10Z", "2026-01-12T08:50Z",
    ...                                  "2026-01-12T09:00Z"]),
    ... })
    >>> activity(seen, display_tz="Europe/Madrid")
      camera_id  weekday  hour  sightings  identities  hours  out_h
    0      door        0     9          2           1    1.0    0.0
    1      door        0    10          1           1    1.0    0.0
    """
    zone = times.zone(display_tz)
    columns.require(sightings, ("timestamp", "camera_id"), "sightings")
    seen = sightings[sightings["timestamp"].notna()]
    us = columns.microseconds(seen["timestamp"])
    first, last = _span(us, zone, start, end)
    within = (us >= first) & (us < last)
    seen, us = seen[within], us[within]

    known = pd.Index(list(cameras) if cameras is not None else [], dtype="str")
    code, found = pd.factorize(seen["camera_id"])
    there = pd.Index(found).astype("str")
    names = known.union(there).sort_values()
    rows = len(names) + 1
    # What is at no camera has code -1: one more row for it.
    where = np.append(names.get_indexer(there), -1)[code]
    where = np.where(where < 0, len(names), where)
    cell = where * _CELLS + _cells(us, zone)

    slots = np.arange(first // _SLOT_US * _SLOT_US, last, _SLOT_US)
    part = np.minimum(slots + _SLOT_US, last) - np.maximum(slots, first)
    hours = np.bincount(_cells(slots + _SLOT_US // 2, zone), part, _CELLS) / _HOUR_US
    count = np.bincount(cell, minlength=rows * _CELLS).reshape(rows, _CELLS)
    shown = np.tile(hours > 0, (rows, 1))
    shown[-1] &= count[-1].any()
    row, of_week = shown.nonzero()
    return columns.table(
        columns.ACTIVITY,
        {
            "camera_id": pd.Series([*names, None], dtype="str").array.take(row),
            "weekday": of_week // 24,
            "hour": of_week % 24,
            "sightings": count[shown],
            "identities": _different(seen, cell, rows)[shown],
            "hours": hours[of_week],
            "out_h": _out(outages, names, zone, first, last)[shown],
        },
    )


def _span(
    us: np.ndarray, zone: ZoneInfo, start: datetime | None, end: datetime | None
) -> tuple[int, int]:
    """Return the time looked at, in microseconds: half-open, empty if nothing was seen."""
    low, high = (int(us.min()), int(us.max()) + 1) if len(us) else (0, 0)
    into = low - _hour_begins(low, zone)
    past = high - 1 - _hour_begins(high - 1, zone)
    first = low - into if start is None else times.instant(start, name="start")
    last = high - 1 - past + _HOUR_US if end is None else times.instant(end, name="end")
    if not len(us) and (start is None or end is None):
        return 0, 0
    if last - first > _LONGEST_US:
        raise InvalidInputError(
            "Activity by hour of the week over more than 100 years says nothing.",
            where=f"{times.iso(first)} to {times.iso(last)}",
            next="Give start and end; a time far off is often a camera whose clock was never set.",
        )
    return first, max(first, last)


def _hour_begins(us: int, zone: ZoneInfo) -> int:
    local = times.moment(us).astimezone(zone)
    return us - (local.minute * 60 + local.second) * 1_000_000 - local.microsecond


def _cells(us: np.ndarray, zone: ZoneInfo) -> np.ndarray:
    """Return the hour of the week on the local clock, 0 (Monday 0 h) to 167, of each instant."""
    local = pd.DatetimeIndex(us.astype("datetime64[us]"), tz="UTC").tz_convert(zone)
    return local.day_of_week.to_numpy("int64") * 24 + local.hour.to_numpy("int64")


def _different(seen: pd.DataFrame, cell: np.ndarray, rows: int) -> np.ndarray:
    """Return how many different identities were seen in each cell, (rows, 168)."""
    if "identity_id" not in seen.columns:
        return np.zeros((rows, _CELLS), dtype="int64")
    who, people = pd.factorize(seen["identity_id"])
    pairs = np.unique(cell[who >= 0] * max(1, len(people)) + who[who >= 0])
    counted = np.bincount(pairs // max(1, len(people)), minlength=rows * _CELLS)
    return counted.reshape(rows, _CELLS)


def _out(
    outages: pd.DataFrame | None, names: pd.Index, zone: ZoneInfo, first: int, last: int
) -> np.ndarray:
    """Return the hours each camera was out in each cell, (cameras + 1, 168)."""
    hours = np.zeros((len(names) + 1, _CELLS))
    if outages is None or outages.empty:
        return hours
    who, low, high = _merged(outages, names)
    low, high = np.maximum(low, first), np.minimum(high, last)
    who, low, high = who[high > low], low[high > low], high[high > low]
    # Each outage as its quarters of an hour, of which the first and the last may be cut.
    begin = low // _SLOT_US
    many = -(-high // _SLOT_US) - begin
    nth = np.arange(many.sum()) - np.repeat(np.cumsum(many) - many, many)
    slot = (np.repeat(begin, many) + nth) * _SLOT_US
    part = np.minimum(slot + _SLOT_US, np.repeat(high, many)) - np.maximum(
        slot, np.repeat(low, many)
    )
    cell = np.repeat(who, many) * _CELLS + _cells(slot + _SLOT_US // 2, zone)
    return np.bincount(cell, part, hours.size).reshape(hours.shape) / _HOUR_US


def _merged(outages: pd.DataFrame, names: pd.Index) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return camera (position in `names`), start and end of each time out, none overlapping."""
    columns.require(outages, ("camera_id", "start", "end"), "outages")
    who = names.get_indexer(pd.Index(outages["camera_id"].astype("str")))
    known = (who >= 0) & outages[["start", "end"]].notna().all(axis=1).to_numpy()
    start = columns.microseconds(outages["start"][known])
    end = columns.microseconds(outages["end"][known])
    rows = pd.DataFrame({"who": who[known], "start": start, "end": end})
    rows = rows.sort_values(["who", "start"], kind="stable", ignore_index=True)
    until = rows.groupby("who")["end"].cummax().shift().fillna(0)
    begins = (rows["start"] > until) | (rows["who"] != rows["who"].shift())
    spans = rows.groupby(begins.cumsum()).agg({"who": "first", "start": "min", "end": "max"})
    return tuple(spans[name].to_numpy("int64") for name in ("who", "start", "end"))  # type: ignore[return-value]
