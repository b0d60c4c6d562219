"""Who is together more than chance would have it: a few lines until the tool has a room for it."""

from __future__ import annotations

import numpy as np
import pandas as pd

WITHIN_S = 10.0
SHIFTS = 30


def together(sightings: pd.DataFrame, within_s: float = 60.0) -> pd.Series:
    """Return the raw count of each pair: sightings of both at one camera within so many seconds."""
    rows = sightings[sightings["identity_id"].notna()].sort_values(["camera_id", "timestamp"])
    who, names = pd.factorize(rows["identity_id"], sort=True)
    us = rows["timestamp"].astype("int64").to_numpy()
    key = pd.factorize(rows["camera_id"])[0] * 10**16 + us - us.min()
    one, two = _until(key, key + int(within_s * 1e6))
    return _pairs(who[one], who[two], names).size().sort_values(ascending=False)


def encounters(visits: pd.DataFrame, within_s: float = WITHIN_S) -> pd.DataFrame:
    """Return each time that two visits to one camera overlap or nearly do: ``a, b, camera, us``."""
    rows = visits[visits["camera_id"].notna()].sort_values(["camera_id", "start"])
    who, names = pd.factorize(rows["identity_id"], sort=True)
    start, end = (rows[name].astype("int64").to_numpy() for name in ("start", "end"))
    base = pd.factorize(rows["camera_id"])[0] * 10**16 - start.min()
    one, two = _until(base + start, base + end + int(within_s * 1e6))
    met = pd.DataFrame(
        {
            "a": names[np.minimum(who[one], who[two])], "b": names[np.maximum(who[one], who[two])],
            "camera": rows["camera_id"].to_numpy()[one], "us": start[two],
        }
    )  # fmt: skip
    return met[met["a"] != met["b"]].assign(day=met["us"] // 86_400_000_000)


def against_chance(visits: pd.DataFrame, seed: int = 0) -> pd.DataFrame:
    """Return pairs by how much oftener they meet than if each day of each were moved in time.

    Columns ``n, days, cameras, expected, lift``, index ``a, b``.
    """
    rng = np.random.default_rng(seed)
    found = encounters(visits).groupby(["a", "b"]).agg(
        n=("us", "size"), days=("day", "nunique"), cameras=("camera", "nunique")
    )  # fmt: skip
    day = visits.groupby(["identity_id", visits["start"].dt.date]).ngroup().to_numpy()
    expected = pd.Series(0.0, index=found.index)
    for _ in range(SHIFTS):
        shift = rng.uniform(120, 900, day.max() + 1) * rng.choice([-1, 1], day.max() + 1)
        moved = pd.to_timedelta((shift[day] * 1e6).astype("int64"), unit="us")
        other = visits.assign(start=visits["start"] + moved, end=visits["end"] + moved)
        counts = encounters(other).groupby(["a", "b"]).size()
        expected = expected.add(counts.reindex(found.index).fillna(0.0) / SHIFTS)
    found["expected"] = expected
    found["lift"] = found["n"] / (expected + 1 / SHIFTS)
    return found.sort_values(["days", "lift"], ascending=False)


def _until(key: np.ndarray, last: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return each position with each later one whose key is below its last."""
    count = np.searchsorted(key, last) - np.arange(len(key)) - 1
    count = np.maximum(count, 0)
    one = np.repeat(np.arange(len(key)), count)
    return one, one + 1 + np.arange(len(one)) - np.repeat(np.cumsum(count) - count, count)


def _pairs(one: np.ndarray, two: np.ndarray, names: pd.Index) -> object:
    frame = pd.DataFrame({"a": names[np.minimum(one, two)], "b": names[np.maximum(one, two)]})
    return frame[frame["a"] != frame["b"]].groupby(["a", "b"])
