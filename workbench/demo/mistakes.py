"""Mistakes of recognition, chosen where the cameras saw what makes them believable and findable."""

from __future__ import annotations

import functools
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from workbench.demo.building import EYES
from workbench.errors import NotFoundError

APART_M = 30.5  # two cameras farther apart than this never see one spot
TOO_FAST_M_S = 4.5
_FAR_M = 24.0
_WITHIN_S = (1.0, 10.0)
_TRIES, _OFTEN = 300, 2

TOLD = {
    "impossible_trip": (
        "{0} would have gone from one end of the building to the other in a few seconds: one pass "
        "is that of {1}, who looks like her."
    ),
    "wrong_merge": (
        "{0} is two people taken for one: the faces are of two kinds, and when both were there at "
        "the same time the moves cannot be."
    ),
    "wrong_split": (
        "{0} and {1} are one person: never there at the same time, with one face. {1} begins when "
        "{0} ends."
    ),
}
"""What the answer to each kind of mistake says; {0} and {1} are the identities concerned."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """``rows`` are taken for sightings of `who`, but show `whom`; ``near`` must stay identified."""

    who: int
    whom: int
    rows: np.ndarray
    near: np.ndarray


def impossible_trip(
    seen: pd.DataFrame,
    among: Sequence[Collection[int]],
    rng: np.random.Generator,
) -> Mistake:
    """Return a pass of one person that begins seconds after another one's, far away.

    Both of the first of `among` that has such, if need be while she is still seen.
    """
    tries = [
        (people, (low, _WITHIN_S[1])) for low in (_WITHIN_S[0], -20.0, -90.0) for people in among
    ]
    for people, within in tries:
        passes = _passes(seen[seen["person"].isin(list(people))])
        found = _leaps(passes, within)
        if len(found):
            break
    if found.empty:
        raise _nothing("impossible_trip")
    # Best where she is not seen again meanwhile; which of these is left to chance.
    best = found.nlargest(12, "far").reset_index(drop=True)
    best["often"] = [
        _flights(seen[seen["person"] == passes.loc[one, "person"]],
                 seen[seen["pass_"] == passes.loc[two, "pass_"]])
        for one, two in zip(best["one"], best["two"], strict=True)
    ]  # fmt: skip
    best = best[best["often"] == best["often"].min()]
    chosen = best.iloc[int(rng.integers(len(best)))]
    mine, theirs = passes.loc[chosen["one"]], passes.loc[chosen["two"]]
    rows = (seen["pass_"] == theirs["pass_"]).to_numpy()
    near = rows | (seen["pass_"] == mine["pass_"]).to_numpy()
    return Mistake(int(mine["person"]), int(theirs["person"]), rows, near)


def _passes(seen: pd.DataFrame) -> pd.DataFrame:
    """Return each pass: who, where, and where and when it begins and ends."""
    rows = seen.assign(at=seen["day"] * 86_400 + seen["t"]).sort_values(["at", "pass_"])
    by = rows.groupby("pass_")
    first, last = by.first(), by.last()
    return pd.DataFrame(
        {
            "person": first["person"], "camera": first["camera"], "n": by.size(),
            "start": first["at"], "x0": first["x"], "y0": first["y"],
            "end": last["at"], "x1": last["x"], "y1": last["y"],
        }
    ).reset_index()  # fmt: skip


def _leaps(passes: pd.DataFrame, within: tuple[float, float]) -> pd.DataFrame:
    """Return the passes that nobody can have made one after the other: ``one, two, far``."""
    starts = passes.sort_values("start").reset_index()
    at = starts["start"].to_numpy()
    low = np.searchsorted(at, passes["end"].to_numpy() + within[0])
    high = np.searchsorted(at, passes["end"].to_numpy() + within[1])
    one = np.repeat(np.arange(len(passes)), high - low)
    two = starts["index"].to_numpy()[
        np.arange(len(one)) - np.repeat(np.cumsum(high - low) - (high - low), high - low)
        + np.repeat(low, high - low)
    ]  # fmt: skip
    here, there = passes.iloc[one], passes.iloc[two]
    far = np.hypot(
        here["x1"].to_numpy() - there["x0"].to_numpy(),
        here["y1"].to_numpy() - there["y0"].to_numpy(),
    )
    between = there["start"].to_numpy() - here["end"].to_numpy()
    fits = _apart()[here["camera"].to_numpy(), there["camera"].to_numpy()]
    fits &= here["person"].to_numpy() != there["person"].to_numpy()
    fits &= (far > _FAR_M) & (far > TOO_FAST_M_S * between)
    return pd.DataFrame({"one": one, "two": two, "far": far})[fits]


def _flights(one: pd.DataFrame, two: pd.DataFrame) -> int:
    """Return how often one person who made both sightings would have had to fly."""
    both = pd.concat([one, two])
    both = both.assign(at=both["day"] * 86_400 + both["t"]).sort_values(["at", "pass_"])
    step = np.diff(both[["x", "y", "at"]].to_numpy("float64"), axis=0)
    camera = both["camera"].to_numpy()
    fast = np.hypot(step[:, 0], step[:, 1]) > TOO_FAST_M_S * step[:, 2]
    return int((fast & _apart()[camera[:-1], camera[1:]]).sum())


@functools.cache
def _apart() -> np.ndarray:
    """Return which cameras are on one level and too far apart to see one spot."""
    x, y, ground = (
        np.array(values)
        for values in zip(*((e.x, e.y, e.level == EYES[0].level) for e in EYES), strict=True)
    )
    far = np.hypot(x[:, None] - x[None, :], y[:, None] - y[None, :])
    return np.asarray((far > APART_M) & (ground[:, None] == ground[None, :]))


def two_at_once(seen: pd.DataFrame, rng: np.random.Generator) -> tuple[int, int]:
    """Return two people who, taken for one, would have had to fly, and more than once if can be.

    Neither is seen much more or less than most, so that two in one are not remarkable.
    """
    counts = seen.groupby("person").size()
    middling = counts.index[counts.between(counts.quantile(0.1), counts.quantile(0.9))]
    passes = _passes(seen[seen["person"].isin(middling)])
    leaps = _leaps(passes, (-3600.0, _WITHIN_S[1]))
    people = passes["person"].to_numpy()
    pairs = np.unique(np.sort(people[leaps[["one", "two"]].to_numpy()], axis=1), axis=0)
    by = dict(iter(seen.groupby("person")))
    most, pair = 0, (0, 0)
    for one, other in rng.permutation(pairs)[:_TRIES]:
        flights = _flights(by[one], by[other])
        if flights > most:
            most, pair = flights, (int(one), int(other))
        if most >= _OFTEN:
            break
    if not most:
        raise _nothing("wrong_merge")
    return pair


def wrong_merge(seen: pd.DataFrame, one: int, other: int) -> Mistake:
    """Return everything of one person as another's; what shows it on their common days stays."""
    person, day = seen["person"].to_numpy(), seen["day"].to_numpy()
    common = np.intersect1d(day[person == one], day[person == other])
    near = np.isin(person, (one, other)) & np.isin(day, common)
    return Mistake(one, other, person == other, near)


def wrong_split(
    seen: pd.DataFrame, among: Collection[int], days: int, rng: np.random.Generator
) -> Mistake:
    """Return somebody seen on many days; `rows` are those of the later ones."""
    mine = seen[seen["person"].isin(list(among))]
    by = mine.groupby("person").agg(days=("day", "nunique"), n=("day", "size"))
    often = by[by["days"] >= min(days, 4)]
    middling = often[often["n"].between(often["n"].quantile(0.4), often["n"].quantile(0.85))]
    if middling.empty:
        raise _nothing("wrong_split")
    who = int(rng.choice(middling.index.to_numpy()))
    rows = (seen["person"] == who) & (seen["day"] >= (days + 1) // 2)
    return Mistake(who, who, rows.to_numpy(), np.zeros(len(seen), dtype=bool))


def _nothing(kind: str) -> NotFoundError:
    return NotFoundError(
        f"Nobody here is fit for one more {kind}.",
        where=kind,
        next="Make the demo anew with: workbench demo --reset",
    )
