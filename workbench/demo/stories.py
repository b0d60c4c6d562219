"""The planted stories: some are lived (who meets whom), some are mistakes in who was recognised.

:func:`plan` settles before anything happens who has which appointments; :func:`twist` settles
afterwards, from what the cameras saw, which passes are taken for somebody else's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from workbench import schema
from workbench.demo import mistakes
from workbench.demo.building import EYES, FIRST, GROUND
from workbench.demo.days import HOUR, Date, moment
from workbench.demo.movement import Gait
from workbench.demo.people import Person, spot_in
from workbench.demo.ways import Habit, Spot

_CAMERA = {eye.id: number for number, eye in enumerate(EYES)}
_OUT_CAMERA, _OUT_DAY, _OUT_FROM, _OUT_TO = "cam_08", 1, 11.65 * HOUR, 12.85 * HOUR
_GROUP_AT, _GROUP_S, _GROUP_ROOM, _GROUP_CAMERA = 14 * HOUR, 45 * 60.0, "Meeting G.1", "cam_07"

# Where people hang about who are always around: from, to (hours), level, space, x, y, facing.
_HAUNTS = (
    (8.3, 8.9, GROUND, "Lobby", 30.0, 3.5, 180.0),
    (8.5, 9.1, FIRST, "Lounge", 32.5, 4.5, 180.0),
    (9.9, 10.5, FIRST, "Lounge", 32.5, 4.5, 180.0),
    (10.2, 10.8, GROUND, "Canteen", 55.5, 4.8, 150.0),
    (12.2, 12.9, GROUND, "Canteen", 55.5, 4.8, 150.0),
    (14.9, 15.5, FIRST, "Lounge", 32.5, 4.5, 180.0),
    (16.7, 17.3, GROUND, "Lobby", 31.0, 4.5, 180.0),
)
# Where two can meet unnoticed, and where they then go: spots, and the cameras they pass.
_TRYSTS = (
    (Spot(FIRST, "North corridor", 5.6, 27.2), (FIRST, "Quiet room"), ("cam_12", "cam_13")),
    (Spot(GROUND, "West link", 14.3, 23.0), (FIRST, "Board room"), ("cam_06", "cam_04", "cam_08")),
    (Spot(GROUND, "Main corridor", 58.6, 13.3), (GROUND, "Archive"), ("cam_05", "cam_07")),
    (Spot(FIRST, "East link", 49.3, 23.0), (FIRST, "Meeting 1.1"), ("cam_08", "cam_10")),
    (Spot(FIRST, "North corridor", 58.5, 27.3), (FIRST, "Quiet room"), ("cam_14", "cam_13")),
)  # fmt: skip
# Two ends of the building, so far apart that nobody is at both within seconds.
_ENDS = (
    (Spot(GROUND, "Main corridor", 4.0, 13.5), Spot(GROUND, "Main corridor", 58.0, 13.5)),
    (Spot(FIRST, "North corridor", 6.0, 27.2), Spot(FIRST, "North corridor", 57.0, 27.2)),
)

Dates = dict[tuple[int, int], list[Date]]


@dataclass(frozen=True, slots=True)
class Meeting:
    """When and where people met: seconds since midnight of a day."""

    day: int
    start: float
    end: float
    cameras: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """Who has which part, by person number, and what is in her diary."""

    people: list[Person]
    days: int
    dates: Dates
    regulars: tuple[int, ...]
    pair: tuple[int, ...]
    trysts: tuple[Meeting, ...]
    group: tuple[int, ...]
    sessions: tuple[Meeting, ...]
    guest: int
    doubles: tuple[int, int]
    merged: tuple[int, int]
    siblings: tuple[tuple[int, int], ...]

    @property
    def taken(self) -> set[int]:
        """Return everybody who has a part already."""
        alike = {one for pair in self.siblings for one in pair}
        return {
            *self.regulars,
            *self.pair,
            *self.group,
            self.guest,
            *alike,
            *self.doubles,
            *self.merged,
        }

    def out_of_order(self, seen: pd.DataFrame) -> np.ndarray:
        """Return which sightings never were, because the camera was out."""
        out = (seen["camera"] == _CAMERA[_OUT_CAMERA]) & (seen["day"] == _OUT_DAY)
        return (out & seen["t"].between(_OUT_FROM, _OUT_TO, inclusive="left")).to_numpy()

    def outages(self) -> pd.DataFrame:
        """Return the outage, as rows of ``schema.OUTAGE``."""
        row = {"camera_id": _OUT_CAMERA, "source": "maintenance log"}
        ends = {"start": moment(_OUT_DAY, _OUT_FROM), "end": moment(_OUT_DAY, _OUT_TO)}
        return schema.OUTAGE.check(pd.DataFrame([row | ends]))


@dataclass(frozen=True, slots=True)
class Twists:
    """Whom the store takes each sighting for, by label: a person's number, or beyond for more.

    ``kept`` sightings stay identified; ``rare`` labels may have few; ``named`` and ``unnamed``
    say which labels have a name whatever chance says.
    """

    label: np.ndarray
    kept: np.ndarray
    lookalikes: tuple[tuple[int, int], ...]
    rare: frozenset[int]
    named: frozenset[int]
    unnamed: frozenset[int]
    owners: dict[int, int]
    trip: mistakes.Mistake
    merge: mistakes.Mistake
    split: mistakes.Mistake

    @property
    def extra(self) -> int:
        """Return how many labels there are beyond the people."""
        return len(self.owners)

    def owner_of(self, label: int) -> int:
        """Return whose name an identity bears."""
        return self.owners.get(label, label)


# ------------------------------------------------------------------ before
def plan(people: list[Person], days: int, rng: np.random.Generator) -> Plan:
    """Return who plays which part; people with a part come on the days it needs."""
    people = list(people)
    small = days < 5
    staff = [p.number for p in people if p.role == "staff" and p.leaves - p.arrives > 6.5 * HOUR]
    free = [int(n) for n in rng.permutation(staff)]
    dates: Dates = {}
    regulars = _regulars(people, days, free, dates, rng)
    pair, trysts = _pair(people, days, free, dates, rng)
    group, sessions = _group(people, days, free, dates, rng, n=5 if small else 6)
    guest = _callers(people, days, small, rng)
    doubles = _doubles(people, days, free, dates, rng)
    merged = _merged(people, days, free, dates, rng)
    siblings = _siblings(people, free, rng, n=3 if small else 6)
    return Plan(
        people=people,
        days=days,
        dates=dates,
        regulars=regulars,
        pair=pair,
        trysts=trysts,
        group=group,
        sessions=sessions,
        guest=guest,
        doubles=doubles,
        merged=merged,
        siblings=siblings,
    )


def _come(people: list[Person], number: int, days: Iterable[int]) -> None:
    came = people[number].days
    people[number] = replace(
        people[number], days=tuple(c or day in set(days) for day, c in enumerate(came))
    )


def _regulars(
    people: list[Person], days: int, free: list[int], dates: Dates, rng: np.random.Generator
) -> tuple[int, ...]:
    """Return those who are always around: each at busy places at busy hours, for themselves."""
    guards = [p.number for p in people if p.role == "security"][:1]
    keepers = [p.number for p in people if p.role == "facilities"][:1]
    chosen = [*guards, *keepers, free.pop(), free.pop()]
    for number in chosen:
        _come(people, number, range(days))
        for day in range(days):
            # On two days alone so much of it would drown the other stories.
            usual_s, often = (800.0, 0.88) if days >= 5 else (250.0, 0.75)
            dates[number, day] = _haunting(usual_s, often, rng)
    return tuple(chosen)


def _haunting(usual_s: float, often: float, rng: np.random.Generator) -> list[Date]:
    found: list[Date] = []
    for low, high, level, name, x, y, facing in _HAUNTS:
        start = rng.uniform(low, high) * HOUR
        if rng.random() > often or (found and start < found[-1].end + 300):
            continue
        spot = Spot(level, name, x + rng.uniform(-2, 2), y + rng.uniform(-1, 1))
        found.append(Date(start, start + usual_s * rng.normal(1, 0.15), spot, facing))
    return found


def _pair(
    people: list[Person], days: int, free: list[int], dates: Dates, rng: np.random.Generator
) -> tuple[tuple[int, ...], tuple[Meeting, ...]]:
    """Return two of different departments who meet where few come, and go on side by side."""
    one = free.pop()
    other = next(n for n in free[::-1] if people[n].department != people[one].department)
    free.remove(other)
    hours = [
        (day, hour)
        for day in range(days)
        for hour in ((10.2, 15.0) if days < 5 else (rng.choice([10.2, 15.0]),))
    ]
    met = []
    for n, (day, hour) in enumerate(hours):
        tryst = _TRYSTS[n % len(_TRYSTS)]
        met.append(
            _tryst((one, other), int(day), float(hour) + rng.uniform(0, 0.9), tryst, dates, rng)
        )
    for number in (one, other):
        _come(people, number, [meeting.day for meeting in met])
    return (one, other), tuple(met)


def _tryst(
    who: tuple[int, int],
    day: int,
    hour: float,
    tryst: tuple[Spot, tuple[str, str], tuple[str, ...]],
    dates: Dates,
    rng: np.random.Generator,
) -> Meeting:
    spot, room, cameras = tryst
    start = hour * HOUR
    go = start + rng.uniform(14, 26)
    speed, habit = rng.normal(1.2, 0.05), Habit()
    for n, number in enumerate(who):
        here = replace(spot, x=spot.x + 0.4 * n, y=spot.y + 0.3 * n)
        gait = Gait(speed, 0.45 - 0.9 * n, habit)
        there = spot_in(*room, rng)
        stay = go + rng.uniform(360, 540) + n * rng.uniform(150, 260)
        dates.setdefault((number, day), []).extend(
            [
                Date(start + rng.uniform(-12, 12), go, here, 90.0 + 180 * n),
                Date(go, stay, there, walk_at=go + n * rng.uniform(0.3, 1.2), gait=gait),
            ]
        )
    return Meeting(day, start - 30, go + 150, cameras)


def _group(
    people: list[Person],
    days: int,
    free: list[int],
    dates: Dates,
    rng: np.random.Generator,
    *,
    n: int,
) -> tuple[tuple[int, ...], tuple[Meeting, ...]]:
    """Return people of different departments with a meeting of their own, same hour, same room."""
    group: list[int] = []
    for number in free[::-1]:
        if len(group) < n and people[number].department not in {
            people[m].department for m in group
        }:
            group.append(number)
    for number in group:
        free.remove(number)
    held = (0, 1) if days < 5 else (0, 2, 4)
    for number in group:
        _come(people, number, held)
        for day in held:
            start = _GROUP_AT + rng.normal(-40, 45)
            end = _GROUP_AT + _GROUP_S + rng.uniform(0, 25)
            spot = spot_in(GROUND, _GROUP_ROOM, rng)
            dates.setdefault((number, day), []).append(Date(start, end, spot))
    sessions = tuple(
        Meeting(day, _GROUP_AT - 200, _GROUP_AT + _GROUP_S + 60, (_GROUP_CAMERA,)) for day in held
    )
    return tuple(group), sessions


def _callers(people: list[Person], days: int, small: bool, rng: np.random.Generator) -> int:
    """Return the one guest who looks in once; some couriers too come no farther than the desk."""
    guest = next(p.number for p in people if p.role == "visitor")
    day = int(rng.integers(days))
    people[guest] = replace(
        people[guest], errand="guest", days=tuple(d == day for d in range(days))
    )
    couriers = [p.number for p in people if p.role == "delivery"][: 3 if small else 6]
    for number in couriers:
        _come(people, number, rng.choice(days, min(days, 3), replace=False).tolist())
        people[number] = replace(people[number], errand="courier", side_door=False)
    return guest


def _doubles(
    people: list[Person], days: int, free: list[int], dates: Dates, rng: np.random.Generator
) -> tuple[int, int]:
    """Return two who look alike and once turn up at two ends of the building within seconds."""
    one, other = _walkers(people, free)
    day = int(rng.integers(days))
    for number in (one, other):
        _come(people, number, [day])
    _far_apart((one, other), day, float(rng.choice([9.8, 11.2, 15.4])), dates, rng)
    return one, other


def _merged(
    people: list[Person], days: int, free: list[int], dates: Dates, rng: np.random.Generator
) -> tuple[int, int]:
    """Return two who look alike and come on few days, one of them in common."""
    one, other = _walkers(people, free, homely=True)
    level = people[one].desk.level
    order = rng.permutation(days)
    for number, came in ((one, order[: days // 2]), (other, order[days // 2 - 1 :][:2])):
        people[number] = replace(people[number], days=tuple(d in came for d in range(days)))
    common = int(order[days // 2 - 1])
    for hour in (9.6, 15.2):
        _far_apart((one, other), common, hour, dates, rng, level)
    return one, other


def _walkers(people: list[Person], free: list[int], *, homely: bool = False) -> tuple[int, int]:
    """Return two who take the stairs; ``homely``: of one level, who fetch few coffees."""
    walkers = [n for n in free[::-1] if not people[n].gait.habit.lift]
    if homely:
        walkers.sort(key=lambda n: people[n].coffees)
        level = people[walkers[0]].desk.level
        walkers = [n for n in walkers if people[n].desk.level == level]
    one, other = walkers[:2]
    free.remove(one)
    free.remove(other)
    return one, other


def _far_apart(
    who: tuple[int, int],
    day: int,
    hour: float,
    dates: Dates,
    rng: np.random.Generator,
    level: str | None = None,
) -> None:
    """Send two people to two ends of the building: one is there when the other has just left."""
    known = [pair for pair in _ENDS if level in (None, pair[0].level)]
    ends = list(known[int(rng.integers(len(known)))])
    if rng.random() < 0.5:
        ends.reverse()
    start = (hour + rng.uniform(0, 0.4)) * HOUR
    for n, number in enumerate(who):
        begin = start + rng.uniform(-1, 1) + 17.0 * n
        dates.setdefault((number, day), []).append(Date(begin, begin + 2, ends[n], 0.0))


def _siblings(
    people: list[Person], free: list[int], rng: np.random.Generator, *, n: int
) -> tuple[tuple[int, int], ...]:
    """Return pairs who look alike; half of them bear the same name, as siblings do."""
    pairs = []
    for number in range(n):
        one, other = free.pop(), free.pop()
        if number % 2 == 0:
            family = people[one].name.rpartition(" ")[2]
            first = people[other].name.partition(" ")[0]
            people[other] = replace(people[other], name=f"{first} {family}")
        pairs.append((one, other))
    return tuple(pairs)


# ------------------------------------------------------------------ afterwards
def twist(seen: pd.DataFrame, plan: Plan, rng: np.random.Generator) -> Twists:
    """Return whom the store takes each sighting for."""
    label = seen["person"].to_numpy().copy()
    extra = len(plan.people)
    staff = {p.number for p in plan.people if p.role == "staff"} - plan.taken
    others = {p.number for p in plan.people} - plan.taken
    trip = mistakes.impossible_trip(seen, [plan.doubles, staff, others], rng)
    merge = mistakes.wrong_merge(seen, *plan.merged)
    staff -= {trip.who, trip.whom}
    split = mistakes.wrong_split(seen, staff, plan.days, rng)
    label[trip.rows] = trip.who
    label[merge.rows] = merge.who
    label[split.rows] = extra
    kept = _kept(seen, plan) | trip.near | merge.near
    return Twists(
        label=label,
        kept=kept,
        lookalikes=(*plan.siblings, (trip.who, trip.whom), (merge.who, merge.whom)),
        rare=frozenset({plan.guest}),
        named=frozenset({*plan.regulars, *plan.pair, *plan.group, split.who, trip.who, merge.who}),
        unnamed=frozenset({extra}),
        owners={extra: split.who},
        trip=trip,
        merge=merge,
        split=split,
    )


def _kept(seen: pd.DataFrame, plan: Plan) -> np.ndarray:
    """Return the sightings without which a story could not be found."""
    person, day, t = (seen[name].to_numpy() for name in ("person", "day", "t"))
    kept = person == plan.guest
    for who, meetings in ((plan.pair, plan.trysts), (plan.group, plan.sessions)):
        for meeting in meetings:
            when = (day == meeting.day) & (t >= meeting.start - 60) & (t <= meeting.end + 60)
            kept |= when & np.isin(person, who)
    return np.asarray(kept)


__all__ = ["Meeting", "Plan", "Twists", "plan", "twist"]
