"""A day in the building, person by person: arrival, coffee, meetings, lunch, rounds, leaving."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from workbench.demo import building
from workbench.demo.building import FIRST, GROUND
from workbench.demo.movement import Gait, Log
from workbench.demo.people import Person, spot_in
from workbench.demo.ways import Spot

HOUR = 3600.0
MONDAY = pd.Timestamp("2026-03-02", tz="UTC").as_unit("us")
"""Midnight before the first day."""


def moment(day: int, seconds: float) -> pd.Timestamp:
    """Return the time of a second of a day."""
    return MONDAY + pd.Timedelta(round(day * 86_400_000 + seconds * 1000), unit="ms")


FRONT, SIDE = Spot(GROUND, "Lobby", 32.0, 0.35), Spot(GROUND, "Main corridor", 0.35, 13.5)
_MEETING_ROOMS = [(s.level, s.name) for s in building.SPACES if s.kind == "meeting"]
_ROUND = [
    Spot(GROUND, "Lobby", 34.0, 7.0), Spot(GROUND, "Main corridor", 8.0, 13.5),
    Spot(GROUND, "North corridor", 20.0, 27.2), Spot(GROUND, "North corridor", 44.0, 27.2),
    Spot(GROUND, "Main corridor", 57.0, 13.5), Spot(FIRST, "Main corridor", 55.0, 13.5),
    Spot(FIRST, "North corridor", 56.0, 27.2), Spot(FIRST, "North corridor", 27.0, 27.2),
    Spot(FIRST, "North corridor", 7.0, 27.2), Spot(FIRST, "Main corridor", 8.0, 13.5),
    Spot(FIRST, "Lounge", 30.0, 6.0),
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Date:
    """Something with a time and a place: be there from `start` to `end`, stand where seen.

    ``facing`` is where one looks meanwhile, or None where no camera looks at all.
    ``leave_for`` is where one goes straight afterwards, at the same moment as the others.
    """

    start: float
    end: float
    spot: Spot
    facing: float | None = None
    walk_at: float | None = None
    gait: Gait | None = None


@dataclass(slots=True)
class Walker:
    """One person on one day: knows where she is and what time it is."""

    log: Log
    person: Person
    day: int
    at: Spot
    now: float
    rng: np.random.Generator = field(init=False)

    def __post_init__(self) -> None:
        self.rng = self.log.rng

    def go(self, spot: Spot, *, at: float | None = None, gait: Gait | None = None) -> None:
        """Walk to a spot, starting at a time or now."""
        start = max(self.now, self.now if at is None else at)
        chosen = self.person.gait if gait is None else gait
        self.now = self.log.walk(self.person.number, self.day, start, self.at, spot, chosen)
        self.at = spot

    def stand(self, seconds: float, facing: float) -> None:
        """Stay where a camera may look."""
        end = self.now + max(seconds, 4.0)
        self.now = self.log.stand(self.person.number, self.day, self.now, end, self.at, facing)

    def rest(self, until: float) -> None:
        """Stay where no camera looks."""
        self.now = max(self.now, until)

    def back(self) -> None:
        """Go to the own desk."""
        self.go(self.person.desk)


# ------------------------------------------------------------------ what people do
def coffee(w: Walker) -> None:
    """Fetch a coffee: in the lounge upstairs, at the counter of the canteen below."""
    if w.person.desk.level == FIRST:
        w.go(Spot(FIRST, "Lounge", w.rng.uniform(31.5, 35), w.rng.uniform(1.3, 2.2)))
        w.stand(w.rng.lognormal(3.7, 0.4), 180.0)
        if w.rng.random() < 0.3:
            w.go(Spot(FIRST, "Lounge", w.rng.uniform(29, 37), w.rng.uniform(3.5, 8)))
            w.stand(w.rng.lognormal(4.4, 0.5), w.rng.uniform(0, 360))
    else:
        counter(w, 3.6)
    w.back()


def counter(w: Walker, log_median: float) -> None:
    """Queue at the counter of the canteen and be served."""
    w.go(Spot(GROUND, "Canteen", w.rng.uniform(53.0, 56.5), w.rng.uniform(3.0, 4.0)))
    w.stand(w.rng.lognormal(log_median, 0.5), 110.0)
    w.go(Spot(GROUND, "Canteen", w.rng.uniform(57.5, 61.0), w.rng.uniform(2.9, 3.4)))
    w.stand(w.rng.lognormal(3.0, 0.35), 180.0)


def lunch(w: Walker) -> None:
    """Eat in the canteen, elsewhere, or at the desk."""
    kind = w.person.lunch if w.rng.random() < 0.75 else w.rng.choice(["canteen", "out", "desk"])
    if kind == "canteen":
        counter(w, 3.8)
        w.go(Spot(GROUND, "Canteen", w.rng.uniform(41, 47), w.rng.uniform(1.2, 11)))
        w.rest(w.now + w.rng.lognormal(7.3, 0.3))
        w.back()
    elif kind == "out":
        w.go(_door(w.person))
        w.rest(w.now + w.rng.lognormal(7.7, 0.25))
        w.back()


def printing(w: Walker) -> None:
    """Fetch something from the printers upstairs."""
    w.go(Spot(FIRST, "Printers", w.rng.uniform(25.2, 27.8), w.rng.uniform(29.2, 30.4)))
    w.stand(w.rng.lognormal(3.5, 0.5), 0.0)
    w.back()


def toilets(w: Walker) -> None:
    """Leave the desk for a few minutes."""
    w.go(spot_in(w.person.desk.level, "Toilets", w.rng))
    w.rest(w.now + w.rng.lognormal(5.0, 0.4))
    w.back()


def meeting(w: Walker) -> None:
    """Sit in some meeting room for half an hour or longer."""
    level, name = _MEETING_ROOMS[int(w.rng.integers(len(_MEETING_ROOMS)))]
    w.go(spot_in(level, name, w.rng))
    w.rest(w.now + w.rng.uniform(0.4, 1.1) * HOUR)
    w.back()


def colleague(w: Walker) -> None:
    """Look in on another office."""
    offices = [s for s in building.SPACES if s.kind == "office"]
    one = offices[int(w.rng.integers(len(offices)))]
    w.go(spot_in(one.level, one.name, w.rng))
    w.rest(w.now + w.rng.lognormal(5.8, 0.7))
    w.back()


def rounds(w: Walker) -> None:
    """Walk once through the building, as guards do."""
    turn = int(w.rng.integers(len(_ROUND)))
    for spot in _ROUND[turn:] + _ROUND[:turn]:
        if w.rng.random() < 0.55:
            w.go(spot)
    w.back()


def _door(person: Person) -> Spot:
    return SIDE if person.side_door else FRONT


# ------------------------------------------------------------------ whole days
def live(log: Log, person: Person, day: int, dates: list[Date]) -> None:
    """Live one day of somebody; `dates` come before everything else."""
    if person.role in ("visitor", "delivery"):
        _visit(log, person, day)
        return
    arrives = person.arrives + log.rng.normal(0, 9 * 60)
    leaves = max(person.leaves + log.rng.normal(0, 18 * 60), arrives + 1.5 * HOUR)
    if dates:
        arrives = min(arrives, min(date.start for date in dates) - 0.5 * HOUR)
        leaves = max(leaves, max(date.end for date in dates) + 0.5 * HOUR)
    w = Walker(log, person, day, _door(person), arrives)
    if person.role == "staff" and log.rng.random() < 0.13:
        counter(w, 3.6)
    w.back()
    _work(w, _wishes(person, log.rng, arrives, leaves), dates, leaves)
    w.go(_door(person), at=leaves)


Wish = tuple[float, Callable[[Walker], None]]


def _wishes(person: Person, rng: np.random.Generator, arrives: float, leaves: float) -> list[Wish]:
    """Return what somebody wants to do on a day, and when; not all of it will fit."""

    def some(mean: float, what: Callable[[Walker], None]) -> list[Wish]:
        return [(rng.uniform(arrives + 900, leaves - 900), what) for _ in range(rng.poisson(mean))]

    if person.role in ("cleaning", "security", "facilities"):
        return some(2.0 if person.role == "security" else 1.1, rounds) + some(1.0, colleague)
    if person.role in ("reception", "canteen"):
        return some(1.2, toilets) + some(0.6, colleague)
    length = (leaves - arrives) / (8.5 * HOUR)
    wishes = some(0.45 * person.coffees * length, coffee) + some(0.4 * length, meeting)
    wishes += some(0.3 * length, printing) + some(0.4 * length, toilets)
    wishes += some(0.22 * length, colleague)
    noon = rng.normal(12.5, 0.4) * HOUR
    return [*wishes, (noon, lunch)] if arrives < noon < leaves - HOUR else wishes


def _work(w: Walker, wishes: list[Wish], dates: list[Date], leaves: float) -> None:
    for start, what in sorted(wishes, key=lambda wish: wish[0]):
        dates = _kept(w, dates, before=start)
        # Whoever has a date soon, or is still busy, lets it be.
        soon = bool(dates) and dates[0].start - start < 1.3 * HOUR
        if start >= w.now and not soon and start < leaves - 600:
            w.rest(start)
            what(w)
    _kept(w, dates, before=np.inf)


def _kept(w: Walker, dates: list[Date], *, before: float) -> list[Date]:
    """Keep the dates that begin before a time and return the others."""
    for date in [one for one in dates if one.start < before]:
        if date.walk_at is None:
            # So as to be there in time: a first guess, then it is what it is.
            w.go(date.spot, at=date.start - _lead(w, date))
        else:
            w.go(date.spot, at=date.walk_at, gait=date.gait)
        if date.facing is not None:
            w.stand(date.end - w.now, date.facing)
        w.rest(date.end)
    left = [one for one in dates if one.start >= before]
    if len(left) < len(dates) and not (left and left[0].walk_at is not None):
        w.back()
    return left


def _lead(w: Walker, date: Date) -> float:
    from workbench.demo.ways import way

    path = way(w.at, date.spot, w.person.gait.habit)
    return float((np.diff(path.along) * path.pace[1:]).sum() / w.person.gait.speed)


def _visit(log: Log, person: Person, day: int) -> None:
    rng = log.rng
    start = rng.uniform(8.5, 15.5) * HOUR
    if person.errand:
        _call(Walker(log, person, day, FRONT, start))
        return
    if person.role == "delivery":
        w = Walker(log, person, day, SIDE, start)
        w.go(spot_in(GROUND, "Post room", rng) if rng.random() < 0.55
             else Spot(GROUND, "Canteen", rng.uniform(55, 61), rng.uniform(4, 6)))  # fmt: skip
        w.stand(rng.lognormal(4.2, 0.4), 100.0)
        w.go(SIDE)
        return
    w = Walker(log, person, day, FRONT, start)
    w.go(Spot(GROUND, "Lobby", rng.uniform(36.2, 37.3), rng.uniform(8.3, 10.9)))
    w.stand(rng.lognormal(3.9, 0.4), 90.0)
    if rng.random() < 0.3:
        w.go(Spot(GROUND, "Lobby", rng.uniform(27, 30), rng.uniform(2, 5)))
        w.stand(rng.lognormal(4.4, 0.5), rng.uniform(0, 180))
    level, name = _MEETING_ROOMS[int(rng.integers(len(_MEETING_ROOMS)))]
    w.go(spot_in(level, name, rng))
    w.rest(w.now + rng.uniform(0.5, 1.8) * HOUR)
    if rng.random() < 0.3:
        counter(w, 4.0)
    w.go(FRONT)


def _call(w: Walker) -> None:
    """Come no farther than the desk of the reception, and go again."""
    guest = w.person.errand == "guest"
    w.go(Spot(GROUND, "Lobby", w.rng.uniform(34, 37), w.rng.uniform(3.5, 6.5)))
    w.stand(w.rng.lognormal(5.4 if guest else 4.0, 0.15), 60.0)
    w.go(FRONT)
