"""A busy site with a truth: people walk about on their own, a few pairs go together.

Everybody has an hour to come, and takes walks of a few cameras through the day; a few regulars are
about all the time. Nobody waits for anybody, so who meets does so by chance, but for the planted
pairs: on some of their days one goes where the other goes, a few seconds behind. A class, where
there is one, goes to one room at one hour, each on their own: together by the timetable.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

ZERO = pd.Timestamp("2026-03-02T00:00:00Z")
HOUR = 3600.0
Walk = list[tuple[int, float, float]]


@dataclass
class BusySite:
    """What the site is like; :meth:`visits` simulates it."""

    seed: int
    people: int = 300
    cameras: int = 12
    days: int = 10
    planted: int = 6
    together_days: int = 2
    regulars: int = 6
    classes: int = 0
    pairs: set[tuple[str, str]] = field(default_factory=set)
    classmates: set[tuple[str, str]] = field(default_factory=set)

    def visits(self) -> pd.DataFrame:
        """Return the visits, and fill in who was planted."""
        self._rng = np.random.default_rng(self.seed)
        spots = self._rng.uniform(0, 100, (self.cameras, 2))
        self._far = np.hypot(*(spots[:, None] - spots[None]).transpose(2, 0, 1))
        self._near = np.argsort(self._far, axis=1)[:, 1:4]
        self._comes = self._rng.normal(9 * HOUR, 0.5 * HOUR, self.people)
        self._walks = 1 + self._rng.gamma(3, 2 / 3, self.people)
        self._walks[: self.regulars] = 28
        days = {
            (day, who): self._day(who)
            for day in range(self.days)
            for who in range(self.people)
            if who < self.regulars or self._rng.random() < 0.75
        }
        self._plant(days)
        self._teach(days)
        return self._table(days)

    def _day(self, who: int) -> Walk:
        at = self._comes[who] + self._rng.normal(0, 900)
        spot, way = int(self._rng.integers(self.cameras)), []
        for _ in range(1 + self._rng.poisson(self._walks[who])):
            before = -1
            if self._rng.random() < 0.5:
                spot = int(self._rng.integers(self.cameras))
            for _ in range(int(self._rng.integers(2, 7))):
                stay = 2 + self._rng.exponential(12)
                way.append((spot, at, at + stay))
                on = [int(one) for one in self._near[spot] if one != before]
                before, spot = spot, int(self._rng.choice(on))
                at += stay + 3 + self._far[before, spot] / 1.3 * self._rng.lognormal(0, 0.15)
            at += 300 + self._rng.exponential(0.05 * HOUR if who < self.regulars else HOUR)
        return way

    def _plant(self, days: dict[tuple[int, int], Walk]) -> None:
        others = self._rng.permutation(np.arange(self.regulars, self.people))
        for a, b in others[: 2 * self.planted].reshape(-1, 2):
            self.pairs.add(_names(a, b))
            there = [day for day in range(self.days) if (day, int(a)) in days]
            for day in self._rng.permutation(there)[: self.together_days]:
                lag = self._rng.uniform(2, 15)
                days[int(day), int(b)] = [
                    (spot, start + lag + self._rng.normal(0, 2), end + lag + self._rng.normal(0, 2))
                    for spot, start, end in days[int(day), int(a)]
                ]

    def _teach(self, days: dict[tuple[int, int], Walk]) -> None:
        """Send each class of eight to its room at its hour on every day."""
        for number in range(self.classes):
            first = self.regulars + 2 * self.planted + 8 * number
            room, hour = int(self._rng.integers(self.cameras)), float(self._rng.uniform(10, 16))
            for day in range(self.days):
                for who in range(first, first + 8):
                    begins = hour * HOUR + self._rng.normal(0, 60)
                    stay = (room, begins, begins + 45 * 60)
                    way = [one for one in days.get((day, who), []) if one[2] < begins]
                    days[day, who] = [*way, stay]
            members = range(first, first + 8)
            self.classmates |= {_names(a, b) for a in members for b in members if a < b}

    def _table(self, days: dict[tuple[int, int], Walk]) -> pd.DataFrame:
        rows = [
            (f"p{who:03d}", f"c{spot:02d}", day * 86_400 + start, day * 86_400 + max(start, end))
            for (day, who), way in days.items()
            for spot, start, end in way
        ]
        table = pd.DataFrame(rows, columns=["identity_id", "camera_id", "start", "end"])
        for name in ("start", "end"):
            us = (table[name] * 1e6).astype("int64").to_numpy()
            table[name] = ZERO.as_unit("us") + pd.to_timedelta(us, unit="us")
        return table.assign(place_id=pd.Series([None] * len(table), dtype="str"))


def _names(a: int, b: int) -> tuple[str, str]:
    return f"p{min(a, b):03d}", f"p{max(a, b):03d}"
