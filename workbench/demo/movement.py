"""People on their ways, half second by half second: where they are, and which way they look."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from workbench.demo.building import LEVELS
from workbench.demo.ways import Habit, Spot, Way, way

STEP_S = 0.5
_LIFT_WAIT = (2.4, 0.6)  # log-normal, seconds before its door
_LIFT_RIDE_S = (9.0, 14.0)
_SWAY_M = 0.12


@dataclass(frozen=True, slots=True)
class Gait:
    """How somebody walks: metres a second, and where in a corridor (0 middle, 1 right wall)."""

    speed: float
    lane: float
    habit: Habit = field(default=Habit())


@dataclass(slots=True)
class Log:
    """Where people were, told walk by walk and stay by stay.

    Times are seconds since midnight of the day; people and days are numbers.
    """

    rng: np.random.Generator
    _who: list[tuple[int, int, int]] = field(default_factory=list)
    _parts: list[tuple[np.ndarray, ...]] = field(default_factory=list)

    def walk(self, person: int, day: int, start: float, a: Spot, b: Spot, gait: Gait) -> float:
        """Note a walk and return when it ends."""
        path = way(a, b, gait.habit)
        lasts = np.diff(path.along, prepend=0.0) * path.pace / gait.speed
        waits = np.zeros(len(lasts))
        if path.waits:
            waits[path.waits[0] + 1] = self.rng.lognormal(*_LIFT_WAIT)
            waits[path.waits[1] + 1] = self.rng.uniform(*_LIFT_RIDE_S)
        clock = np.cumsum(lasts + waits)
        if clock[-1] > STEP_S:
            t = np.arange(self.rng.uniform(0, STEP_S), clock[-1], STEP_S)
            place = np.interp(t, clock, np.arange(len(clock)))
            at = place.astype("int64")
            still = waits[np.minimum(at + 1, len(waits) - 1)] > 0
            x, y = self._beside(path, place, gait.lane)
            heading = np.degrees(np.arctan2(-path.right_y[at], path.right_x[at]))
            heading += 14 * np.sin(t / 3.1 + self.rng.uniform(0, 6.28))
            self._note(person, day, start + t, x, y, path.level[at], heading, still)
        return start + float(clock[-1])

    def _beside(self, path: Way, place: np.ndarray, lane: float) -> tuple[np.ndarray, np.ndarray]:
        """Return positions beside the middle of the way, at the way's own ends on it."""
        along = path.along
        ends = np.minimum(np.minimum(along, along[-1] - along) / 1.5, 1.0)
        drift = 0.22 * np.sin(along / 1.7 + self.rng.uniform(0, 6.28))
        aside = np.clip(lane + drift, -1.0, 1.0) * path.room * ends
        steps = np.arange(len(along))
        return (
            np.interp(place, steps, path.x + aside * path.right_x),
            np.interp(place, steps, path.y + aside * path.right_y),
        )

    def stand(
        self, person: int, day: int, start: float, end: float, spot: Spot, facing: float
    ) -> float:
        """Note a stay at one spot, looking towards `facing` (degrees), and return when it ends."""
        n = max(int((end - start) / (2 * STEP_S)), 1)
        t = start + np.arange(n) * 2 * STEP_S
        phase = self.rng.uniform(0, 6.28, 3)
        x = spot.x + _SWAY_M * (np.sin(t / 9 + phase[0]) - np.sin(t[0] / 9 + phase[0]))
        y = spot.y + _SWAY_M * (np.sin(t / 11 + phase[1]) - np.sin(t[0] / 11 + phase[1]))
        heading = facing + 50 * np.sin(t / 17 + phase[2]) + self.rng.normal(0, 12, n)
        level = np.full(n, LEVELS.index(spot.level))
        self._note(person, day, t, x, y, level, heading, np.ones(n, dtype=bool))
        return end

    def _note(self, person: int, day: int, *columns: np.ndarray) -> None:
        self._who.append((person, day, len(columns[0])))
        self._parts.append(columns)

    def points(self) -> pd.DataFrame:
        """Return where everybody was, in order of person, day and time.

        Columns ``person, day, t`` (seconds since midnight), ``x, y, level`` (number),
        ``heading`` (degrees clockwise from north), ``still``.
        """
        person, day, lengths = (np.array(cells) for cells in zip(*self._who, strict=True))
        found = {"person": np.repeat(person, lengths), "day": np.repeat(day, lengths)}
        for n, name in enumerate(("t", "x", "y", "level", "heading", "still")):
            found[name] = np.concatenate([part[n] for part in self._parts])
        order = np.lexsort((found["t"], found["day"], found["person"]))
        return pd.DataFrame({name: values[order] for name, values in found.items()})
