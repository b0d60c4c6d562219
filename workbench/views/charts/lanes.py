"""The lanes of a timeline: which there are, where each lies, and where an instant lies in them.

The axis across is the local clock. Where several days are drawn, each is a panel of its own below
the one before, all over the same hours: nights are cut, and the same hour stands below itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

DAY_US = 86_400_000_000
_HOUR_US = 3_600_000_000
_AT_ONCE_US = 18 * _HOUR_US
_EMPTY_DAYS = 10
_HEADER = 1.25
_LOOSE = 1.5

OUT = "\0out"
"""Key of the lane of all outages, where the lanes are identities."""

Kind = Literal["camera", "identity", "day"]


@dataclass(frozen=True, slots=True)
class Clock:
    """How instants become places on the axis across.

    ``days``: the local days drawn, counted from 1970-01-01, a panel each; ``begins``: what each
    panel counts from, microseconds of the local clock; ``origin``: where that lies on the axis;
    ``low, high``: range of the axis. ``cut``: whether there is more than one panel; ``aligned``:
    whether each begins at its first visit instead of midnight, since all days over the same hours
    would be too short to read.
    """

    zone: ZoneInfo
    days: tuple[int, ...]
    begins: tuple[int, ...]
    origin: int
    low: int
    high: int
    cut: bool
    aligned: bool = False

    def local(self, instants: pd.Series) -> np.ndarray:
        """Return microseconds on the local clock of aware instants."""
        return local_us(instants, self.zone)

    def pieces(self, start: np.ndarray, end: np.ndarray) -> pd.DataFrame:
        """Return times (microseconds on the local clock) as pieces, none longer than its panel.

        Returns
        -------
        DataFrame
            ``row`` (position in the times given), ``day``, ``x0, x1``; pieces outside of what is
            drawn are left out.
        """
        if self.cut:
            found = _by_day(start, end)
            found = found[found["day"].isin(self.days)]
        else:
            day = self.days[0] if self.days else 0
            found = pd.DataFrame(
                {"row": np.arange(len(start)), "day": day, "from": start, "to": end}
            )
        begins = pd.Series(self.begins, index=self.days, dtype="int64")
        shift = self.origin - begins.reindex(found["day"]).to_numpy("int64")
        found = found.assign(x0=found["from"] + shift, x1=found["to"] + shift)
        inside = (found["x1"] >= self.low) & (found["x0"] <= self.high)
        return found.loc[inside, ["row", "day", "x0", "x1"]].reset_index(drop=True)

    def steps(self, start: np.ndarray, end: np.ndarray) -> pd.DataFrame:
        """Return times that begin and end in one panel: ``row, day, x0, x1``."""
        if self.cut:
            together = start // DAY_US == np.maximum(end - 1, start) // DAY_US
            start = np.where(together, start, -(2**61))
            end = np.where(together, end, -(2**61))
        return self.pieces(start, end)


def _by_day(start: np.ndarray, end: np.ndarray) -> pd.DataFrame:
    first = start // DAY_US
    many = np.maximum(end - 1, start) // DAY_US - first + 1
    row = np.repeat(np.arange(len(start)), many)
    day = np.repeat(first, many) + np.arange(len(row))
    day -= np.repeat(np.cumsum(many) - many, many)
    return pd.DataFrame(
        {
            "row": row,
            "day": day,
            "from": np.maximum(start[row], day * DAY_US),
            "to": np.minimum(end[row], (day + 1) * DAY_US),
        }
    )


def local_us(instants: pd.Series, zone: ZoneInfo) -> np.ndarray:
    """Return microseconds on the clock of a zone, of aware instants."""
    naive = instants.dt.tz_convert(zone).dt.tz_localize(None)
    return naive.to_numpy(dtype="datetime64[us]").view("int64")


def clock_of(visits: pd.DataFrame, zone: ZoneInfo, *, empty: bool = True) -> Clock:
    """Return the clock that shows these visits: one panel, or one a day.

    A day without a visit has a panel too, if it lies between few others and `empty` ones are
    wanted.
    """
    if visits.empty:
        return Clock(zone, (0,), (0,), 0, 0, _HOUR_US, False)
    start = local_us(visits["start"], zone)
    end = start + _lengths(visits)
    first, last = int(start.min()), int(end.max())
    if last - first <= _AT_ONCE_US or first // DAY_US == last // DAY_US:
        low, high = _padded(first, last)
        return Clock(zone, (first // DAY_US,), (0,), 0, low, high, False)
    pieces = _by_day(start, end)
    days = _days(pieces["day"], most=_EMPTY_DAYS if empty else 0)
    by_day = pieces.groupby("day")
    starts, lengths = by_day["from"].min(), by_day["to"].max() - by_day["from"].min()
    of_day = pieces[["from", "to"]].sub(pieces["day"] * DAY_US, axis=0)
    low, high = _padded(int(of_day["from"].min()), int(of_day["to"].max()))
    if high - low > _LOOSE * lengths.max() + _HOUR_US:
        first_of = starts.reindex(list(days), fill_value=0)
        begins = tuple(int(one) for one in first_of)
        low, high = _padded(0, int(lengths.max()))
        return Clock(zone, days, begins, 0, low, high, True, aligned=True)
    origin = days[0] * DAY_US
    begins = tuple(day * DAY_US for day in days)
    low, high = max(low, 0) + origin, min(high, DAY_US) + origin
    return Clock(zone, days, begins, origin, low, high, True)


def _lengths(visits: pd.DataFrame) -> np.ndarray:
    # True lengths, not of the local clock: in the night in which clocks change they differ.
    length = (visits["end"] - visits["start"]).to_numpy(dtype="timedelta64[us]")
    return np.maximum(length.astype("int64"), 0)


def spans(frame: pd.DataFrame, clock: Clock) -> tuple[np.ndarray, np.ndarray]:
    """Return start and end on the local clock of rows with ``start`` and ``end``."""
    start = clock.local(frame["start"])
    return start, start + _lengths(frame)


def _days(seen: pd.Series, *, most: int) -> tuple[int, ...]:
    first, last = int(seen.min()), int(seen.max())
    if last - first < most:
        return tuple(range(first, last + 1))
    return tuple(int(day) for day in np.unique(seen))


def _padded(first: int, last: int) -> tuple[int, int]:
    span = last - first
    if span > 4 * _HOUR_US:
        return first // _HOUR_US * _HOUR_US, -(-last // _HOUR_US) * _HOUR_US
    pad = max(round(0.03 * span), 1_000_000)
    return first - pad, last + pad


@dataclass(frozen=True, slots=True)
class Lanes:
    """Where each lane lies, from the top downwards.

    ``table``: ``day, key, y``, one row a lane; ``headers``: day and y of the line above each
    panel; ``bottom``: the lower end.
    """

    kind: Kind
    table: pd.DataFrame
    headers: tuple[tuple[int, float], ...]
    bottom: float

    def find(self, day: pd.Series, key: pd.Series) -> np.ndarray:
        """Return y of each (day, key), missing where there is no such lane."""
        lanes = pd.Series(
            self.table["y"].to_numpy("float64"),
            index=pd.MultiIndex.from_frame(self.table[["day", "key"]]),
        )
        wanted = pd.MultiIndex.from_arrays([day.to_numpy(), key.to_numpy(dtype=object)])
        return lanes.reindex(wanted).to_numpy("float64")


def lanes_of(
    kind: Kind, clock: Clock, keys: Sequence[str], used: Iterable[tuple[int, str]] | None
) -> Lanes:
    """Return the lanes of each panel: `keys` in order, only those `used` on its day if given."""
    wanted = None if used is None else set(used)
    rows: list[tuple[int, str, float]] = []
    headers: list[tuple[int, float]] = []
    y = 0.0
    for day in clock.days:
        if clock.cut and kind != "day":
            headers.append((day, y + _HEADER - 0.75))
            y += _HEADER
        for key in keys:
            if wanted is None or (day, key) in wanted:
                rows.append((day, key, y + 0.5))
                y += 1.0
    table = pd.DataFrame(rows, columns=["day", "key", "y"])
    return Lanes(kind, table, tuple(headers), y)


def stacked(lane: np.ndarray, x0: pd.Series, x1: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """Return the row of each piece in its lane so that none covers another, and of how many rows.

    Only pieces that overlap, directly or through others, share the height of their lane. A loop
    over visits, of which there are few: sightings were counted before.
    """
    order = np.lexsort((x1, x0, lane))
    row, deep = np.zeros(len(order), dtype="int64"), np.ones(len(order), dtype="int64")
    ends: list[int] = []
    bunch: list[int] = []
    whose = None
    pieces = zip(order.tolist(), lane[order], x0.iloc[order], x1.iloc[order], strict=True)
    for position, which, begins, stops in pieces:
        if which != whose or begins >= max(ends, default=begins):
            deep[bunch] = len(ends)
            whose, ends, bunch = which, [], []
        free = next((i for i, end in enumerate(ends) if end <= begins), len(ends))
        ends[free : free + 1] = [stops]
        row[position] = free
        bunch.append(position)
    deep[bunch] = len(ends)
    return row, deep


def day_name(day: int, *, year: bool = False) -> str:
    """Return a day (counted from 1970-01-01) as people write it.

    Examples
    --------
    >>> day_name(20465), day_name(20465, year=True)
    ('Mon 12 Jan', 'Mon 12 Jan 2026')
    """
    on = date(1970, 1, 1) + timedelta(days=day)
    return f"{on:%a} {on.day} {on:%b}" + (f" {on.year}" if year else "")
