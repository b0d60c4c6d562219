"""Who was with whom among a million, beside a join in DuckDB; growth; and the time chance takes."""

from __future__ import annotations

import resource

import duckdb
import numpy as np
import pandas as pd
from measure import Report, side_by_side, small, times_of

from tests.analytics.busy_site import BusySite
from workbench.analytics.co_occurrence import met, seen_together
from workbench.analytics.significance import significance
from workbench.analytics.visits import visits

SEED = 7
CAMERAS, TRACKLET = 20, 10
WINDOW_S = 60
DAY_US = 86_400_000_000
JOIN = f"""
WITH seen AS (
  SELECT who, place, us, us // {WINDOW_S}000000 AS bucket FROM sightings),
around AS (
  SELECT who, place, us, bucket + step AS bucket FROM seen, range(-1, 2) AS steps(step))
SELECT a.who, b.who, count(*) FROM seen a JOIN around b
  ON a.place = b.place AND a.bucket = b.bucket AND a.who < b.who
  AND abs(a.us - b.us) < {WINDOW_S}000000
GROUP BY ALL
"""


def a_day(rows: int) -> pd.DataFrame:
    """Return so many appearances of one day at 20 cameras, in tracklets of ten, a second each."""
    rng = np.random.default_rng(SEED)
    tracks, people = rows // TRACKLET, max(rows // 50, 2)
    who = np.repeat(rng.integers(0, people, tracks), TRACKLET)
    place = np.repeat(rng.integers(0, CAMERAS, tracks), TRACKLET)
    us = np.repeat(rng.integers(0, DAY_US, tracks), TRACKLET)
    us += np.tile(np.arange(TRACKLET) * 1_000_000, tracks)
    names = pd.Index([f"p{n:06d}" for n in range(people)], dtype="str")
    cameras = pd.Index([f"c{n:02d}" for n in range(CAMERAS)], dtype="str")
    return pd.DataFrame(
        {
            "identity_id": pd.Categorical.from_codes(who, names),
            "camera_id": pd.Categorical.from_codes(place, cameras),
            "timestamp": pd.Series(us.astype("datetime64[us]")).dt.tz_localize("UTC"),
        }
    )


def joined(seen: pd.DataFrame) -> int:
    """Return how many pairs DuckDB finds with a join of buckets of a window each."""
    with duckdb.connect() as base:
        base.register(
            "sightings",
            pd.DataFrame(
                {
                    "who": seen["identity_id"].cat.codes,
                    "place": seen["camera_id"].cat.codes,
                    "us": seen["timestamp"].dt.tz_localize(None).astype("int64"),
                }
            ),
        )
        return len(base.sql(JOIN).fetchnumpy()["who"])


def main() -> int:
    """Return 0 if the targets are met."""
    little = small(__doc__)
    rows, runs = (20_000, 2) if little else (1_000_000, 5)
    report = Report("Together", judged=not little)
    seen = a_day(rows)
    ours, bare = side_by_side(
        lambda _: met(visits(seen), window_s=WINDOW_S), lambda _: joined(seen), runs
    )
    report.duration(
        "encounters of all pairs, visits included; baseline: DuckDB joins buckets",
        rows, ours, below=1.0, bare=bare, within=0.1,
    )  # fmt: skip
    pairs = times_of(lambda _: seen_together(seen, window_s=WINDOW_S), runs)
    found = int(seen_together(seen, window_s=WINDOW_S)["count"].sum())
    report.duration(f"pairs of sightings of all pairs ({found:,} of them)", rows, pairs)
    first = None
    for many in (rows // 10, rows // 3, rows, 3 * rows):
        more = a_day(many)
        took = float(np.median(times_of(lambda _, more=more: met(visits(more)), max(runs // 2, 1))))
        count = int(met(visits(more))["count"].sum())
        first = first or took / (many + count)
        report.fact(
            "growth: time per appearance and encounter, beside that of the fewest",
            many, f"{took / (many + count) / first:.2f}x ({count:,} encounters)",
        )  # fmt: skip
    site = BusySite(SEED, people=60 if little else 300).visits()
    chance = times_of(lambda n: significance(site, seed=n), runs)
    report.duration(
        "is it chance: 300 people, 10 days, 50 shifts both ways", len(site), chance, below=5.0
    )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    report.fact("memory at most, DuckDB's included", rows, f"{peak:,.0f} MB")
    return report.print(seed=SEED)


if __name__ == "__main__":
    raise SystemExit(main())
