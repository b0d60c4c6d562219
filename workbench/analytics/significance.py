"""Is it chance? Encounters against those of the same people at slightly other times.

**The null.** Everybody's day is shifted as a whole by up to 15 minutes, earlier or later, and held
against everybody else's true day. Path, dwell and time of day stay; being there *together* does
not. One of two is shifted, never both: two shifts alike would leave a true pair together. Small
shifts are among them: what was is one of the ways it could have been, and leaving those near it out
would make chance look rarer than it is.

**The statistic.** Encounters come in runs: two strangers who walk the same way at the same time
meet at every camera of it. Counting each as one more coincidence (a Poisson tail of their number)
calls hundreds of strangers companions on a busy site. So a run of encounters is one event. How
often chance makes one is known for each pair, from the shifts; how rarely it makes one over so many
cameras, and of people who come or go so nearly together, is known for the site, from all runs of
all shifts. The surprises of a pair's runs (-ln of those two shares) add up, and p is the share of a
compound Poisson distribution that is at least as surprising. q is Benjamini and Hochberg's, over
every two people there are and not only those who met.

Shifting in time is the data-stream permutation of animal social networks: Farine, D. R. and
Whitehead, H., "Constructing, conducting and interpreting animal social network analysis", Journal
of Animal Ecology 84 (2015); the compound distribution by Fourier transform: Embrechts, P. and
Frei, M., "Panjer recursion versus FFT for compound distributions", Mathematical Methods of
Operations Research 69 (2009).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from workbench.analytics import columns
from workbench.analytics.co_occurrence import (
    RUN_GAP_S,
    WINDOW_S,
    Order,
    Stays,
    in_order,
    local_days,
    met,
)
from workbench.errors import InvalidInputError

SHIFTS = 50
LONGEST_S = 900.0
MAX_Q = 0.05  # more than chance is who has at most so much
_LONGEST_RUN = 200  # steps; longer ones count as that
_UNIT, _CELLS = 0.25, 2048  # of the grid of surprises, in nats
_FEW = 20  # a share seen less often than that is extrapolated
_NARROW = 120  # cells of how nearly together, over two windows
_ROWS = 2_000  # distributions held in memory at once


@dataclass(frozen=True, slots=True)
class Significance:
    """Who met whom more often, and longer, than the same people would by chance.

    Parameters
    ----------
    pairs : DataFrame
        Columns of ``columns.SIGNIFICANCE``, by p, then ids: only pairs that met; any other has
        p = 1.
    tested : int
        Pairs asked about, over which q is taken: of all people there are, unless fewer were named.
    samples : int
        Chance meetings drawn for each pair: two a shift.
    runs : ndarray
        Share of chance runs of at least so many steps, by number of steps.
    """

    pairs: pd.DataFrame
    tested: int
    samples: int
    runs: np.ndarray = field(repr=False)
    _null: Null = field(repr=False)

    def null_counts(self, a: str, b: str) -> np.ndarray:
        """Return how often two people met in each sample of chance: one number a sample."""
        return self._null.counts_of(a, b)


def significance(
    visits: pd.DataFrame,
    *,
    window_s: float = WINDOW_S,
    tz: str = "UTC",
    shifts: int = SHIFTS,
    seed: int = 0,
    identity: str | None = None,
    among: Sequence[str] | None = None,
    longest_s: float = LONGEST_S,
    run_gap_s: float = RUN_GAP_S,
    progress: Callable[[int], None] | None = None,
) -> Significance:
    """Return for every pair that met whether it is chance.

    Parameters
    ----------
    visits : DataFrame
        As :func:`workbench.analytics.visits.visits` returns them.
    window_s : float
        As for :func:`workbench.analytics.co_occurrence.encounters`.
    tz : str
        IANA zone of the days that are shifted.
    shifts : int
        How often everybody is shifted; each gives two samples of every pair.
    seed : int
        The same seed gives the same answer.
    identity : str, optional
        Only pairs of this one are asked about: q is over those alone.
    among : sequence of str, optional
        Only pairs of two of these are asked about. Chance is learned from everybody all the same:
        give the visits of the whole site.
    longest_s : float
        The longest shift, seconds, earlier or later.
    run_gap_s : float
        Encounters of a pair nearer to each other than that are one run.
    progress : callable, optional
        Called with 1 after each shift.

    Returns
    -------
    Significance
        ``pairs`` has the columns of :func:`~workbench.analytics.co_occurrence.met` and ``runs``,
        ``longest`` (steps of the longest run: changes of camera, and one), ``observed``
        (encounters), ``expected`` (their mean by chance), ``lift``, ``p``, ``q``.

    Raises
    ------
    InvalidInputError
        When a parameter cannot be used, or shifting means nothing here: contact lists, a
        recording not much longer than the shifts.
    """
    _check(shifts, seed, window_s, longest_s)
    _refuse(visits, longest_s, tz)
    pairs = met(visits, window_s=window_s, tz=tz)
    null = Null.of(visits, window_s, tz, shifts, seed, longest_s, run_gap_s)
    pairs, tested = _asked(pairs, null.stays.people, identity, among)
    return _tested(pairs, null, tested, progress)


def _asked(
    pairs: pd.DataFrame, people: pd.Index, identity: str | None, among: Sequence[str] | None
) -> tuple[pd.DataFrame, int]:
    """Return the pairs that are asked about, and how many there are with those who never met."""
    n = len(people)
    if among is not None:
        pairs = pairs[pairs["a"].isin(among) & pairs["b"].isin(among)]
        n = int(people.isin(among).sum())
    tested = n * (n - 1) // 2
    if identity is not None:
        pairs = pairs[(pairs["a"] == identity) | (pairs["b"] == identity)]
        tested = n - 1 if identity in people and (among is None or identity in among) else 0
    return pairs.reset_index(drop=True), tested


@dataclass(frozen=True, slots=True)
class Runs:
    """Runs of encounters: ``pair`` (its number), ``steps``, ``near`` (a cell), ``encounters``."""

    pair: np.ndarray
    steps: np.ndarray
    near: np.ndarray
    encounters: np.ndarray


@dataclass(frozen=True, slots=True)
class Null:
    """The people of a store, and themselves at slightly other times."""

    stays: Stays
    day: np.ndarray
    days: int
    window: int
    gap: int
    shifts: int
    seed: int
    longest: float

    @classmethod
    def of(
        cls,
        visits: pd.DataFrame,
        window_s: float,
        tz: str,
        shifts: int,
        seed: int,
        longest_s: float,
        run_gap_s: float,
    ) -> Null:
        """Return what is needed to draw from the null."""
        stays = Stays.of(visits)
        days = local_days(stays.start, tz)
        first = int(days.min()) if len(days) else 0
        key = stays.who.astype("int64") * 100_000_000 + (days - first)
        different, day = np.unique(key, return_inverse=True)
        return cls(
            stays,
            day,
            len(different),
            columns.duration_us(window_s, "window_s"),
            columns.duration_us(run_gap_s, "run_gap_s"),
            shifts,
            seed,
            longest_s * 1e6,
        )

    def observed(self) -> Runs:
        """Return the runs that were."""
        one, other = (
            np.concatenate(part) for part in zip(*self.stays.meet(self.window), strict=True)
        )
        return self._runs(self.stays, self.stays, one, other)

    def draws(self) -> Iterator[Runs]:
        """Yield the runs of each shift, those of either way together."""
        for moved in self._moved(np.arange(len(self.day))):
            yield self._across(self.stays, moved)

    def counts_of(self, a: str, b: str) -> np.ndarray:
        """Return the encounters of two people in each sample."""
        asked = self.stays.people.get_indexer_for(pd.Index([a, b]))
        rows = np.flatnonzero(np.isin(self.stays.who, asked) & (self.stays.who >= 0))
        own = self._only(self.stays, rows)
        found = []
        for moved in self._moved(rows):
            one, other = own.across(moved, self.window)
            first = own.who[one][own.who[one] != moved.who[other]]
            found += [np.count_nonzero(first == asked[0]), np.count_nonzero(first == asked[1])]
        return np.array(found, dtype="int64")

    def _moved(self, rows: np.ndarray) -> Iterator[Stays]:
        """Yield some of the visits, shifted; whoever asks for whichever gets the same shifts."""
        rng = np.random.default_rng(self.seed)
        stays = self._only(self.stays, rows)
        for _ in range(self.shifts):
            away = rng.uniform(-self.longest, self.longest, self.days)
            shift = away.astype("int64")[self.day[rows]]
            yield replace(stays, start=stays.start + shift, end=stays.end + shift).sorted()

    @staticmethod
    def _only(stays: Stays, rows: np.ndarray) -> Stays:
        who, where, start, end = (
            values[rows] for values in (stays.who, stays.where, stays.start, stays.end)
        )
        return replace(stays, who=who, where=where, start=start, end=end)

    def _across(self, own: Stays, moved: Stays) -> Runs:
        one, other = own.across(moved, self.window)
        kept = own.who[one] != moved.who[other]
        return self._runs(own, moved, one[kept], other[kept])

    def _runs(self, own: Stays, moved: Stays, one: np.ndarray, other: np.ndarray) -> Runs:
        n = len(self.stays.people)
        a, b = own.who[one].astype("int64"), moved.who[other].astype("int64")
        # A way of its own for each of the two that may be the shifted one.
        way = 2 * (np.minimum(a, b) * n + np.maximum(a, b)) + (own is not moved) * (a > b)
        later = np.maximum(own.start[one], moved.start[other])
        sooner = np.minimum(own.end[one], moved.end[other])
        start, end, where = np.minimum(later, sooner), np.maximum(later, sooner), own.where[one]
        came = np.abs(own.start[one] - moved.start[other])
        apart = np.minimum(came, np.abs(own.end[one] - moved.end[other]))
        order = in_order(Order.of(2 * n * n, start).at(way, start), where)
        way, start, end, where = way[order], start[order], end[order], where[order]
        same = np.zeros(len(way), dtype=bool)
        same[1:] = (way[1:] == way[:-1]) & (start[1:] - end[:-1] <= self.gap)
        step = ~same
        step[1:] |= where[1:] != where[:-1]
        at = np.flatnonzero(~same)
        if not len(at):
            nothing = np.empty(0, dtype="int64")
            return Runs(nothing, nothing, nothing, nothing)
        size = np.diff(np.append(at, len(way)))
        steps = np.minimum(np.add.reduceat(step.astype("int64"), at), _LONGEST_RUN)
        mean = np.add.reduceat(apart[order], at) / size
        near = (mean * _NARROW / max(2 * self.window, 1)).astype("int64")
        return Runs(way[at] // 2, steps, np.minimum(near, _NARROW), size)


@dataclass(slots=True)
class _Chance:
    """What chance made, added up shift by shift, of the pairs whose numbers are `known`."""

    known: np.ndarray
    encounters: np.ndarray
    runs: np.ndarray
    kinds: np.ndarray  # of all runs, by steps and nearness

    @classmethod
    def of(cls, known: np.ndarray) -> _Chance:
        n = len(known)
        return cls(known, np.zeros(n), np.zeros(n), np.zeros((_LONGEST_RUN + 1, _NARROW + 1)))

    def at(self, pair: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return where these pairs are among those known, and which of them are."""
        if not len(self.known):
            return np.empty(0, dtype="int64"), np.zeros(len(pair), dtype=bool)
        place = np.minimum(np.searchsorted(self.known, pair), len(self.known) - 1)
        inside = self.known[place] == pair
        return place[inside], inside

    def add(self, drawn: Runs) -> None:
        """Add the runs of one shift."""
        at, inside = self.at(drawn.pair)
        n = len(self.known)
        self.encounters += np.bincount(at, drawn.encounters[inside], n)
        self.runs += np.bincount(at, minlength=n)
        kind = drawn.steps * (_NARROW + 1) + drawn.near
        self.kinds += np.bincount(kind, minlength=self.kinds.size).reshape(self.kinds.shape)


def _tested(
    pairs: pd.DataFrame, null: Null, tested: int, progress: Callable[[int], None] | None
) -> Significance:
    people = null.stays.people
    a, b = (people.get_indexer_for(pd.Index(pairs[side])).astype("int64") for side in "ab")
    order = np.argsort(a * len(people) + b)
    chance = _Chance.of((a * len(people) + b)[order])
    for drawn in null.draws():
        chance.add(drawn)
        if progress is not None:
            progress(1)
    samples = 2 * null.shifts
    seen = null.observed()
    at, inside = chance.at(seen.pair)
    share, surprise = _surprises(chance.kinds)
    kind = surprise[seen.steps, seen.near]
    n = len(pairs)
    # One more than was drawn, here and there: nothing is impossible because it was not drawn.
    rate = (chance.runs + 1) / (samples + 1)
    mass = np.bincount(surprise.ravel(), chance.kinds.ravel(), _CELLS)
    mass[max(int(mass.nonzero()[0].max(initial=0)), int(kind.max(initial=0)))] += 1
    p = _tails(np.bincount(at, kind[inside], n).astype("int64"), rate, mass / mass.sum())
    longest = np.zeros(n, dtype="int64")
    np.maximum.at(longest, at, seen.steps[inside])
    back = np.argsort(order)
    expected = (chance.encounters / samples)[back]
    table = pairs.assign(
        runs=np.bincount(at, minlength=n)[back].astype("int64"),
        longest=longest[back],
        observed=pairs["count"],
        expected=expected,
        lift=pairs["count"].to_numpy() / np.where(expected > 0, expected, np.nan),
        p=p[back],
        q=_adjusted(p, tested)[back],
    )
    table = table.sort_values(["p", "a", "b"], kind="stable", ignore_index=True)
    return Significance(table, tested, samples, share, null)


def _surprises(kinds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the share of runs of at least so many steps, and the surprise of every kind of run.

    In whole units; every run has a little, so that many short ones count.
    """
    share = _shares(kinds.sum(axis=1))
    near = np.cumsum(kinds.sum(axis=0) + 1)
    surprise = -np.log(share)[:, None] - np.log(near / near[-1])[None] + 2 * _UNIT
    return share, np.minimum(np.round(surprise / _UNIT), _CELLS - 1).astype("int64")


def _shares(steps: np.ndarray) -> np.ndarray:
    """Return the share of runs of at least so many steps; where few were seen, extrapolated."""
    total = steps.sum()
    if not total:
        return np.append(1.0, 0.5 ** np.arange(len(steps) - 1))
    share = np.cumsum(steps[::-1])[::-1] / total
    last = int(np.flatnonzero(share * total >= _FEW).max(initial=1))
    ratio = share[last] / share[last - 1] if last > 1 else 0.5
    share[last + 1 :] = share[last] * np.minimum(ratio, 0.9) ** np.arange(1, len(share) - last)
    return share


def _tails(total: np.ndarray, rate: np.ndarray, mass: np.ndarray) -> np.ndarray:
    """Return how likely chance is at least as surprising as `total`, by pair.

    The sum of a Poisson number (of mean `rate`) of draws from `mass`, by Fourier transform.
    """
    wave = np.fft.rfft(mass)
    p = np.ones(len(total))
    rates, number = np.unique(rate, return_inverse=True)  # many pairs have the same one
    for begin in range(0, len(rates), _ROWS):
        some = rates[begin : begin + _ROWS, None]
        whole = np.fft.irfft(np.exp(some * (wave - 1)), n=_CELLS, axis=1)
        tail = np.cumsum(np.maximum(whole, 0)[:, ::-1], axis=1)[:, ::-1]
        rows = (number >= begin) & (number < begin + _ROWS)
        at = np.minimum(total[rows], _CELLS - 1)
        # The transform is exact to about 1e-16 a cell: what is smaller than that is noise.
        p[rows] = np.clip(tail[number[rows] - begin, at], 1e-13, 1)
    return p


def _adjusted(p: np.ndarray, tested: int) -> np.ndarray:
    """Return Benjamini and Hochberg's q of these; all the others that were tested have p = 1."""
    from scipy.stats import false_discovery_control

    if not len(p):
        return p
    return np.minimum(false_discovery_control(p) * (tested / len(p)), 1.0)


def _check(shifts: int, seed: int, window_s: float, longest_s: float) -> None:
    columns.whole(shifts, "shifts", least=10)
    columns.whole(seed, "seed", least=0)
    window = columns.duration_us(window_s, "window_s")
    longest = columns.duration_us(longest_s, "longest_s")
    if 4 * window > longest:
        raise InvalidInputError(
            f"Shifts of up to {longest_s:g} s do not take apart who is within {window_s:g} s.",
            where="window_s, longest_s",
            next=f"Give a window of at most {longest_s / 4:g} s, or longer shifts "
            "(--longest, Python: longest_s=).",
        )


def _refuse(visits: pd.DataFrame, longest_s: float, tz: str) -> None:
    """Refuse where shifting means nothing, with the reason."""
    columns.require(visits, ("identity_id", "camera_id", "start", "end"), "visits")
    if visits.empty:
        return
    if "place_id" in visits.columns and visits["camera_id"].isna().all():
        at_one = visits.groupby("place_id", observed=True)["identity_id"].nunique()
        if (at_one <= 2).all():
            raise InvalidInputError(
                "A contact list says who met whom and not where each of them was: shifted in "
                "time nobody would meet anybody, and every contact would look meant.",
                where="visits: all at places of two people each",
                next="Count its contacts instead; chance cannot be told from them.",
            )
    by_day = visits.groupby(local_days(columns.microseconds(visits["start"]), tz))
    length = float((by_day["end"].max() - by_day["start"].min()).dt.total_seconds().median())
    if length < 4 * longest_s:
        raise InvalidInputError(
            f"What is asked about is {length:,.0f} s long on a usual day: shifted by up to "
            f"{longest_s:g} s most of it would leave it, and everybody would look as if they had "
            "come together.",
            where="visits",
            next=f"Ask about at least {4 * longest_s:,.0f} s a day, or give shorter shifts "
            "(--longest, Python: longest_s=).",
        )
