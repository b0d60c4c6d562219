"""Who was at one place at nearly the same time: encounters of visits, and pairs of sightings.

Two visits of two identities at one camera (or place) are an **encounter** if they overlap once they
are widened by the window: the later one begins less than `window_s` after the earlier one ended.
Two sightings of two identities at one camera are a **pair** if less than `window_s` lies between
them; the document that this package follows counts those, and their number grows with the square
of the frame rate. Both are found by one sweep over what is sorted by place and start; the work
grows with what is found, not with what could be.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields

import numpy as np
import pandas as pd

from workbench.analytics import columns
from workbench.analytics.visits import locations, named, numbered, spelled_out

WINDOW_S = 60.0
RUN_GAP_S = 600.0
MEETING_S = 60.0
_AT_ONCE = 4_000_000  # rows held in memory at once
_LARGEST = 2**63  # no number is as large
_RUN_US = 30_000_000  # sightings nearer to each other than that are looked up together


def encounters(
    visits: pd.DataFrame, *, window_s: float = WINDOW_S, identity: str | None = None
) -> pd.DataFrame:
    """Return every encounter: two identities at one camera or place at nearly the same time.

    Parameters
    ----------
    visits : DataFrame
        As :func:`workbench.analytics.visits.visits` returns them.
    window_s : float
        Longest time between two visits of an encounter, in seconds, itself not included.
    identity : str, optional
        Only encounters of this one.

    Returns
    -------
    DataFrame
        ``a``, ``b`` (identities, in order of id), ``camera_id`` and ``place_id`` (one of the two
        is missing), ``start`` and ``end`` (from when to when both were there; of visits that do
        not overlap, the time between them: when the one had left and when the other came),
        ``overlap_s`` (0 where they do not overlap),
        ``a_dwell_s`` and ``b_dwell_s``; in order of start, a, b.

    Raises
    ------
    InvalidInputError
        When a column is missing or `window_s` is no duration.

    Examples
    --------
    >>> seen = pd.DataFrame({
    ...     "identity_id": ["ann", "ben"],
    ...     "camera_id": "door",
    ...     "place_id": None,
    ...     "start": pd.to_datetime([0, 10], unit="s", utc=True),
    ...     "end": pd.to_datetime([30, 50], unit="s", utc=True),
    ... })
    >>> encounters(seen)[["a", "b", "camera_id", "overlap_s"]]
         a    b camera_id  overlap_s
    0  ann  ben      door       20.0
    """
    stays = Stays.of(visits)
    window = columns.duration_us(window_s, "window_s")
    found = [_sided(stays, one, other) for one, other in stays.meet(window)]
    a, b = (np.concatenate(part) for part in zip(*found, strict=True))
    if identity is not None:
        asked = stays.people.get_indexer_for(pd.Index([identity]))[0]
        kept = (stays.who[a] == asked) | (stays.who[b] == asked)
        a, b = a[kept], b[kept]
    later, sooner = (
        np.maximum(stays.start[a], stays.start[b]),
        np.minimum(stays.end[a], stays.end[b]),
    )
    rows = np.lexsort((stays.who[b], stays.who[a], np.minimum(later, sooner)))
    a, b, later, sooner = a[rows], b[rows], later[rows], sooner[rows]
    where = stays.where[a]
    return columns.table(
        columns.ENCOUNTERS,
        {
            "a": stays.people.take(stays.who[a]),
            "b": stays.people.take(stays.who[b]),
            "camera_id": named(stays.cameras, where),
            "place_id": named(stays.places, where - len(stays.cameras)),
            "start": columns.instants(np.minimum(later, sooner)),
            "end": columns.instants(np.maximum(later, sooner)),
            "overlap_s": np.maximum(sooner - later, 0) / 1e6,
            "a_dwell_s": (stays.end - stays.start)[a] / 1e6,
            "b_dwell_s": (stays.end - stays.start)[b] / 1e6,
        },
    )


def walks(
    encounters: pd.DataFrame, *, run_gap_s: float = RUN_GAP_S, min_steps: int = 2
) -> pd.DataFrame:
    """Return the runs of encounters that led over several cameras: who went the same way.

    Parameters
    ----------
    encounters : DataFrame
        As :func:`encounters` returns them.
    run_gap_s : float
        Encounters of a pair nearer to each other than that are one run, seconds.
    min_steps : int
        Fewest cameras one after the other; the same one again after another counts again.

    Returns
    -------
    DataFrame
        ``a``, ``b``, ``start``, ``end``, ``steps``, ``encounters``, ``overlap_s`` and ``cameras``
        (ids of cameras, or places, in order: a list each); in order of start, a, b.
    """
    gap = columns.duration_us(run_gap_s, "run_gap_s")
    rows = encounters.sort_values(["a", "b", "start", "end"], kind="stable", ignore_index=True)
    where = rows["camera_id"].fillna(rows["place_id"])
    start, end = columns.microseconds(rows["start"]), columns.microseconds(rows["end"])
    same = (rows[["a", "b"]] == rows[["a", "b"]].shift()).all(axis=1).to_numpy(copy=True)
    same[1:] &= start[1:] - end[:-1] <= gap
    run = np.cumsum(~same)
    moved = ~same | (where != where.shift()).to_numpy()
    found = rows.groupby(run).agg(
        a=("a", "first"),
        b=("b", "first"),
        start=("start", "min"),
        end=("end", "max"),
        encounters=("a", "size"),
        overlap_s=("overlap_s", "sum"),
    )
    steps = where[moved].groupby(run[moved])
    found["steps"], found["cameras"] = steps.size(), steps.agg(list)
    found = found[found["steps"] >= columns.whole(min_steps, "min_steps")].sort_values(
        ["start", "a", "b"], ignore_index=True
    )
    return columns.table(columns.WALKS, {name: found[name] for name in columns.WALKS})


def meetings(encounters: pd.DataFrame, *, min_dwell_s: float = MEETING_S) -> pd.DataFrame:
    """Return the encounters at which both stayed, and together, for at least so many seconds."""
    columns.duration_us(min_dwell_s, "min_dwell_s")
    stayed = encounters[["a_dwell_s", "b_dwell_s", "overlap_s"]].min(axis=1) >= min_dwell_s
    return encounters[stayed].reset_index(drop=True)


def near(
    visits: pd.DataFrame, encounters: pd.DataFrame, *, around_s: float = 1800.0
) -> pd.DataFrame:
    """Return the visits within so many seconds before or after an encounter, each whole.

    Of many days it leaves what a timeline of encounters needs. Anybody's visits stay, whoever met.

    Parameters
    ----------
    visits : DataFrame
        Or any other table with ``start`` and ``end``: gaps, outages, implausible moves.
    encounters : DataFrame
        With ``start`` and ``end``.
    around_s : float
        Seconds, at least 0.

    Raises
    ------
    InvalidInputError
        When `around_s` is no duration, or a column is missing.

    Examples
    --------
    >>> def spans(*minutes):
    ...     times = pd.to_datetime(minutes, unit="m", utc=True)
    ...     return pd.DataFrame({"start": times, "end": times})
    >>> near(spans(0, 31, 99), spans(60))["start"].dt.strftime("%H:%M").tolist()
    ['00:31']
    """
    columns.require(visits, ("start", "end"), "visits")
    columns.require(encounters, ("start", "end"), "encounters")
    around = columns.duration_us(around_s, "around_s")
    known = encounters.dropna(subset=["start", "end"]).sort_values("start", kind="stable")
    begins, ends = (columns.microseconds(known[name]) for name in ("start", "end"))
    # The latest end of the encounters that begin in time: one of them lasts long enough, or none.
    reach = np.concatenate([[-(2**62)], np.maximum.accumulate(ends + around)])
    start, end = (columns.microseconds(visits[name]) for name in ("start", "end"))
    kept = reach[np.searchsorted(begins - around, end, side="right")] >= start
    return visits[kept & visits[["start", "end"]].notna().all(axis=1)].reset_index(drop=True)


def met(visits: pd.DataFrame, *, window_s: float = WINDOW_S, tz: str = "UTC") -> pd.DataFrame:
    """Return who met whom, counted by encounters: one row a pair of identities.

    Parameters
    ----------
    visits : DataFrame
        As :func:`workbench.analytics.visits.visits` returns them.
    window_s : float
        As for :func:`encounters`.
    tz : str
        IANA zone of the days.

    Returns
    -------
    DataFrame
        ``a``, ``b`` (``a < b``), ``count``, ``overlap_s``, ``cameras`` (different ones, places
        among them), ``days`` (different ones), ``first`` (``start`` of the first encounter) and
        ``last`` (latest ``end``): of visits that do not overlap these are when the one had left
        and when the other came, as for :func:`encounters`; by count, then ids.

    Raises
    ------
    InvalidInputError
        When a column is missing or `window_s` is no duration.
    """
    stays = Stays.of(visits)
    window = columns.duration_us(window_s, "window_s")
    days = local_days(stays.start, tz)
    tally = _Tally(stays.people)
    for one, other in stays.meet(window):
        later = stays.start[other]  # the other one of two never begins first
        sooner = np.minimum(stays.end[one], stays.end[other])
        tally.add(
            stays.who[one],
            stays.who[other],
            where=stays.where[one],
            day=days[other],
            first=np.minimum(later, sooner),
            last=np.maximum(later, sooner),
            overlap=np.maximum(sooner - later, 0),
        )
    return tally.table()


def seen_together(
    sightings: pd.DataFrame, *, window_s: float = WINDOW_S, tz: str = "UTC"
) -> pd.DataFrame:
    """Return who was seen with whom, counted by pairs of sightings: one row a pair of identities.

    Parameters
    ----------
    sightings : DataFrame
        As for :func:`workbench.analytics.visits.visits`.
    window_s : float
        Longest time between two sightings, in seconds, itself not included.
    tz : str
        IANA zone of the days.

    Returns
    -------
    DataFrame
        As :func:`met`, ``first`` and ``last`` the first and last sighting of those pairs;
        ``overlap_s`` is missing, for a sighting has no length.

    Raises
    ------
    InvalidInputError
        When a column is missing or `window_s` is no duration.
    """
    window = columns.duration_us(window_s, "window_s")
    runs = _Runs.of(sightings, max(window, _RUN_US))
    days = local_days(runs.us, tz)
    tally = _Tally(runs.stays.people)
    for one, other in runs.stays.meet(window):
        for row, run, low, high in runs.near(one, other, window):
            many = (high - low).astype("int64")
            some = many > 0
            row, run, many = row[some], run[some], many[some]
            earliest, latest = runs.us[low[some]], runs.us[high[some] - 1]
            tally.add(
                runs.stays.who[runs.of_row[row]],
                runs.stays.who[run],
                where=runs.stays.where[run],
                day=days[row],
                first=np.minimum(runs.us[row], earliest),
                last=np.maximum(runs.us[row], latest),
                count=many,
            )
    return tally.table().assign(overlap_s=np.nan)


def local_days(us: np.ndarray, tz: str) -> np.ndarray:
    """Return the number of the day of each instant on the calendar of a zone."""
    wall = columns.instants(us).dt.tz_convert(tz).dt.tz_localize(None)
    return wall.to_numpy(dtype="datetime64[D]").astype("int64")


@dataclass(frozen=True, slots=True)
class Order:
    """Groups and moments in them as one number each, in order of both: those are quickly found."""

    begun: int
    span: int
    moments: np.ndarray | None  # where the numbers would not fit: then a moment is its rank

    @classmethod
    def of(cls, groups: int, *us: np.ndarray) -> Order:
        """Return the order of so many groups and these moments."""
        known = [each for each in us if len(each)]
        begun = min((int(each.min()) for each in known), default=0)
        span = max((int(each.max()) for each in known), default=0) - begun + 2
        if max(groups, 1) * span < _LARGEST:
            return cls(begun, span, None)
        moments = np.unique(np.concatenate(known))
        return cls(0, len(moments) + 1, moments)

    def at(self, group: np.ndarray, us: np.ndarray) -> np.ndarray:
        """Return the numbers of these; a moment after all that are known counts as that."""
        if self.moments is not None:
            us = np.searchsorted(self.moments, us)
        return group * np.int64(self.span) + np.clip(us - self.begun, 0, self.span - 1)


def in_order(key: np.ndarray, *then: np.ndarray) -> np.ndarray:
    """Return the order of rows by a number, and by others where that is the same."""
    order = np.argsort(key)
    # Few numbers are the same, and sorting by one is many times as fast as by several.
    if (key[order[1:]] == key[order[:-1]]).any():
        return np.lexsort((*reversed(then), key))
    return order


@dataclass(frozen=True, slots=True)
class Stays:
    """Visits as numbers, sorted by place, then start: who, where, and microseconds."""

    who: np.ndarray
    where: np.ndarray
    start: np.ndarray
    end: np.ndarray
    people: pd.Index
    cameras: pd.Index
    places: pd.Index

    @classmethod
    def of(cls, visits: pd.DataFrame) -> Stays:
        """Return visits (``identity_id, camera_id, place_id, start, end``) as numbers."""
        columns.require(visits, ("identity_id", "camera_id", "start", "end"), "visits")
        who, people = pd.factorize(visits["identity_id"], sort=True)
        where, cameras, places = locations(visits)
        start, end = (columns.microseconds(visits[name]) for name in ("start", "end"))
        return cls(who, where, start, end, people, cameras, places).sorted()

    def sorted(self) -> Stays:
        """Return them in order of place and start, of two that begin together the longer first."""
        key = Order.of(self._places, self.start).at(self.where, self.start)
        order = in_order(key, -self.end, self.who)
        who, where, start, end = (
            values[order] for values in (self.who, self.where, self.start, self.end)
        )
        return Stays(who, where, start, end, self.people, self.cameras, self.places)

    @property
    def _places(self) -> int:
        return len(self.cameras) + len(self.places)

    def meet(self, window: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield positions of every two visits of an encounter, the one that begins first in front.

        All later visits of its place that begin before one has ended, and the window after it, meet
        it: nothing is looked at twice and nothing in vain.
        """
        order = Order.of(self._places, self.start)
        key = order.at(self.where, self.start)
        after = np.searchsorted(key, order.at(self.where, self.end + window))
        many = np.maximum(after - np.arange(len(self.who)) - 1, 0)
        part = np.cumsum(many) // _AT_ONCE
        nobody = np.empty(0, dtype="int64")
        yield nobody, nobody
        for number in np.unique(part):
            rows = np.flatnonzero(part == number)
            one, other = spelled_out(rows, rows + 1, many[rows])
            kept = self.who[one] != self.who[other]
            yield one[kept], other[kept]

    def across(self, others: Stays, window: int) -> tuple[np.ndarray, np.ndarray]:
        """Return positions of every two visits of an encounter, one of these and one of others'."""
        order = Order.of(self._places, self.start, others.start)
        mine, theirs = (order.at(stays.where, stays.start) for stays in (self, others))
        found = []
        # Whoever begins first: these (and together with them), then the others.
        for first, key, after in ((self, theirs, 0), (others, mine, 1)):
            low = np.searchsorted(key, order.at(first.where, first.start + after))
            high = np.searchsorted(key, order.at(first.where, first.end + window))
            found.append(spelled_out(np.arange(len(low)), low, np.maximum(high - low, 0)))
        (one, other), (late, early) = found
        return np.concatenate([one, early]), np.concatenate([other, late])


def _sided(stays: Stays, one: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the two sides of each encounter in order of identity."""
    turned = stays.who[one] > stays.who[other]
    return np.where(turned, other, one), np.where(turned, one, other)


@dataclass(frozen=True, slots=True)
class _Runs:
    """Sightings in runs of one identity at one place; ``stays`` are the runs.

    ``us`` and ``of_row`` (which run) are by sighting, run after run, in order of time; ``first``
    is where each run begins, and one after the last.
    """

    stays: Stays
    us: np.ndarray
    of_row: np.ndarray
    first: np.ndarray
    keys: np.ndarray
    order: Order

    @classmethod
    def of(cls, sightings: pd.DataFrame, longest: int) -> _Runs:
        who, where, us, people, cameras, places = numbered(sightings)
        order = np.lexsort((us, who, where))
        who, where, us = who[order], where[order], us[order]
        begins = np.ones(len(us), dtype=bool)
        begins[1:] = (np.diff(who) != 0) | (np.diff(where) != 0) | (np.diff(us) > longest)
        first = np.append(np.flatnonzero(begins), len(us))
        # The sweep wants them by start: the runs change places, their sightings with them.
        start, end = us[first[:-1]], us[first[1:] - 1]
        by = np.lexsort((who[first[:-1]], -end, start, where[first[:-1]]))
        size = np.diff(first)[by]
        begin = np.append(0, np.cumsum(size))
        row = np.arange(len(us)) - np.repeat(begin[:-1], size) + np.repeat(first[:-1][by], size)
        stays = Stays(
            who[first[:-1]][by], where[first[:-1]][by], start[by], end[by], people, cameras, places
        )
        of_row = np.repeat(np.arange(len(size)), size)
        in_runs = Order.of(len(size), us)
        return cls(stays, us[row], of_row, begin, in_runs.at(of_row, us[row]), in_runs)

    def near(
        self, one: np.ndarray, other: np.ndarray, window: int
    ) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
        """Yield sightings of the shorter run of each two, the longer run, and who of it is near.

        That is from position low up to high, itself not included.
        """
        size = np.diff(self.first)
        shorter = size[one] <= size[other]
        short, long = np.where(shorter, one, other), np.where(shorter, other, one)
        many = size[short]
        part = np.cumsum(many) // _AT_ONCE
        for number in np.unique(part):
            rows = np.flatnonzero(part == number)
            run, row = spelled_out(long[rows], self.first[short[rows]], many[rows])
            us = self.us[row]
            low = np.searchsorted(self.keys, self.order.at(run, us - window + 1))
            high = np.searchsorted(self.keys, self.order.at(run, us + window))
            yield row, run, low, np.maximum(high, low)


@dataclass(frozen=True, slots=True)
class _Cells:
    """What is known of each pair at each place on each day."""

    pair: np.ndarray
    where: np.ndarray
    day: np.ndarray
    count: np.ndarray
    overlap: np.ndarray
    first: np.ndarray
    last: np.ndarray

    def reduced(self) -> _Cells:
        """Return them in order of pair, place and day, each once."""
        if not len(self.pair):
            return self
        # One number sorts faster than three; where the three do not fit into one, three do.
        day = self.day - self.day.min()
        wide, long = int(self.where.max()) + 1, int(day.max()) + 1
        if (int(self.pair.max()) + 1) * wide * long < 2**62:
            key = (self.pair * wide + self.where) * long + day
            if (key[1:] > key[:-1]).all():
                return self
            order = np.argsort(key)
        else:
            order = np.lexsort((day, self.where, self.pair))
        pair, where, day = (values[order] for values in (self.pair, self.where, self.day))
        at = _begins(pair, where, day)
        return _Cells(
            pair[at],
            where[at],
            day[at],
            np.add.reduceat(self.count[order], at),
            np.add.reduceat(self.overlap[order], at),
            np.minimum.reduceat(self.first[order], at),
            np.maximum.reduceat(self.last[order], at),
        )


class _Tally:
    """What is known of each pair, added up part by part."""

    def __init__(self, people: pd.Index) -> None:
        self._people = people
        nothing = np.empty(0, dtype="int64")
        self._parts = [_Cells(*[nothing] * len(fields(_Cells)))]

    def add(
        self,
        one: np.ndarray,
        other: np.ndarray,
        *,
        where: np.ndarray,
        day: np.ndarray,
        first: np.ndarray,
        last: np.ndarray,
        overlap: np.ndarray | int = 0,
        count: np.ndarray | int = 1,
    ) -> None:
        """Add encounters, or pairs of sightings, of these identities."""
        pair = np.minimum(one, other).astype("int64") * len(self._people) + np.maximum(one, other)
        overlap = np.broadcast_to(np.asarray(overlap, dtype="int64"), pair.shape)
        count = np.broadcast_to(np.asarray(count, dtype="int64"), pair.shape)
        self._parts.append(_Cells(pair, where, day, count, overlap, first, last).reduced())

    def table(self) -> pd.DataFrame:
        """Return one row a pair, by count, then ids."""
        parts = ((part.pair, part.where, part.day) for part in self._parts)
        pair, where, day = (np.concatenate(each) for each in zip(*parts, strict=True))
        sums = ((part.count, part.overlap, part.first, part.last) for part in self._parts)
        cells = _Cells(
            pair, where, day, *(np.concatenate(each) for each in zip(*sums, strict=True))
        ).reduced()
        at = _begins(cells.pair)
        pairs = cells.pair[at]
        row = np.repeat(np.arange(len(at)), np.diff(np.append(at, len(cells.pair))))
        at_place = row[_begins(cells.pair, cells.where)]
        n = len(self._people)
        count, overlap = _summed(cells.count, at), _summed(cells.overlap, at)
        order = np.argsort(-count, kind="stable")  # stable: they are in order of ids
        first = np.minimum.reduceat(cells.first, at) if len(at) else cells.first
        last = np.maximum.reduceat(cells.last, at) if len(at) else cells.last
        return columns.table(
            columns.CO_OCCURRENCES,
            {
                "a": self._people.take(pairs[order] // max(n, 1)),
                "b": self._people.take(pairs[order] % max(n, 1)),
                "count": count[order],
                "overlap_s": overlap[order] / 1e6,
                "cameras": np.bincount(at_place, minlength=len(at))[order],
                "days": _different(row, cells.day, len(at))[order],
                "first": columns.instants(first[order]),
                "last": columns.instants(last[order]),
            },
        )


def _begins(*values: np.ndarray) -> np.ndarray:
    """Return where rows begin that differ from those before."""
    begins = np.zeros(len(values[0]), dtype=bool)
    begins[:1] = True
    for each in values:
        begins[1:] |= each[1:] != each[:-1]
    return np.flatnonzero(begins)


def _summed(values: np.ndarray, at: np.ndarray) -> np.ndarray:
    return np.add.reduceat(values, at) if len(at) else values


def _different(row: np.ndarray, day: np.ndarray, rows: int) -> np.ndarray:
    """Return how many different days each row has."""
    first, last = day.min(initial=0), day.max(initial=0)
    long = int(last - first) + 1
    cell = np.sort(row * long + (day - first))
    return np.bincount(cell[_begins(cell)] // long, minlength=rows)
