"""Who was with whom among a million, beside joins in DuckDB; growth; reading; and chance."""

from __future__ import annotations

import resource
from collections.abc import Sequence
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
from measure import Report, folder, side_by_side, small, times_of

import workbench
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
SELECT a.who AS a, b.who AS b, {{told}} FROM seen a JOIN around b
  ON a.place = b.place AND a.bucket = b.bucket AND a.who < b.who
  AND abs(a.us - b.us) < {WINDOW_S}000000
GROUP BY a.who, b.who
"""
COUNT = "count(*) AS count"
# What a join of sightings can tell of a pair: all columns of ours but the seconds of overlap.
COLUMNS = f"""{COUNT}, count(DISTINCT a.place) AS cameras,
  count(DISTINCT a.us // {DAY_US}) AS days,
  min(least(a.us, b.us)) AS first, max(greatest(a.us, b.us)) AS last"""
GROWTH = (0.1, 0.3, 1.0, 3.0)


def a_day(rows: int, days: float = 1.0) -> pd.DataFrame:
    """Return so many appearances of one day at 20 cameras, in tracklets of ten, a second each.

    Or of as many days as are said.
    """
    rng = np.random.default_rng(SEED)
    tracks, people = rows // TRACKLET, max(rows // 50, 2)
    who = np.repeat(rng.integers(0, people, tracks), TRACKLET)
    place = np.repeat(rng.integers(0, CAMERAS, tracks), TRACKLET)
    us = np.repeat(rng.integers(0, round(days * DAY_US), tracks), TRACKLET)
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


def joined(seen: pd.DataFrame, told: str, cores: int | None = None) -> pd.DataFrame:
    """Return the pairs that DuckDB finds with a join of buckets of a window each.

    On so many cores, or on all there are; we take one.
    """
    with duckdb.connect(config={"threads": cores} if cores else {}) as base:
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
        return pd.DataFrame(base.sql(JOIN.format(told=told)).fetchnumpy())


def same(seen: pd.DataFrame) -> None:
    """Fail unless DuckDB and we say the same of every pair of people."""
    ours = seen_together(seen, window_s=WINDOW_S)
    for side in "ab":
        ours[side] = seen["identity_id"].cat.categories.get_indexer(ours[side])
    for side in ("first", "last"):
        ours[side] = ours[side].dt.tz_localize(None).astype("int64")
    names = ["a", "b", "count", "cameras", "first", "last"]
    pair = ["a", "b"]
    theirs = joined(seen, COLUMNS)[names].sort_values(pair, ignore_index=True)
    pd.testing.assert_frame_equal(
        ours[names].sort_values(pair, ignore_index=True), theirs, check_dtype=False
    )


def beside_joins(report: Report, seen: pd.DataFrame, runs: int) -> None:
    """Measure both counts beside DuckDB: the same columns, then no more than how often."""
    encountered = lambda _: met(visits(seen), window_s=WINDOW_S)  # noqa: E731
    ours, bare = side_by_side(encountered, lambda _: joined(seen, COLUMNS, cores=1), runs)
    report.duration(
        "encounters of all pairs, visits included; baseline: DuckDB joins buckets, same columns, "
        "on one core as we do",
        len(seen), ours, below=1.0, bare=bare, within=0.1,
    )  # fmt: skip
    ours, bare = side_by_side(encountered, lambda _: joined(seen, COLUMNS), runs)
    report.duration("the same; baseline: DuckDB on all cores", len(seen), ours, bare=bare)
    ours, bare = side_by_side(encountered, lambda _: joined(seen, COUNT), runs)
    report.duration(
        "the same; baseline: DuckDB on all cores counts, no other column",
        len(seen),
        ours,
        bare=bare,
    )
    ours, bare = side_by_side(
        lambda _: seen_together(seen, window_s=WINDOW_S), lambda _: joined(seen, COLUMNS), runs
    )
    found = int(joined(seen, COUNT)["count"].sum())
    report.duration(
        f"pairs of sightings ({found:,}), the answer of the join itself; baseline: the join",
        len(seen), ours, bare=bare,
    )  # fmt: skip


def growth(report: Report, rows: int, runs: int, *, longer: bool) -> str:
    """Return a plot of the time by appearances: of a longer recording, or of a denser day."""
    sizes, took, work = [round(rows * part) for part in GROWTH], [], []
    for part, many in zip(GROWTH, sizes, strict=True):
        seen = a_day(many, part if longer else 1.0)
        took.append(float(np.median(times_of(lambda _, seen=seen: met(visits(seen)), runs))))
        # On a denser day encounters grow with the square of the appearances: they are work too.
        work.append(many if longer else many + int(met(visits(seen))["count"].sum()))
    what = "a longer recording" if longer else "a denser day"
    per = "appearance" if longer else "appearance and encounter"
    times = took[-1] / work[-1] / (took[0] / work[0])
    report.fact(
        f"growth with {what}: time per {per}, most beside fewest", sizes[-1], f"{times:.2f}x"
    )
    straight = [took[0] * each / work[0] for each in work]
    title = f"\nseconds by appearances, {what}; | is where the fewest would lead, by {per}"
    return f"{title}\n{plotted(sizes, took, straight)}"


def plotted(sizes: Sequence[int], took: Sequence[float], straight: Sequence[float]) -> str:
    """Return bars of times by size, each with a mark where it would be if it were in proportion.

    Examples
    --------
    >>> print(plotted([100, 300], [0.1, 0.35], [0.1, 0.3]))
           100    0.10 s  #################|
           300    0.35 s  ###################################################|########
    """
    longest = max(*took, *straight)
    lines = []
    for size, spent, wanted in zip(sizes, took, straight, strict=True):
        bar = list("#" * max(round(60 * spent / longest), 1) + " " * 60)
        bar[round(60 * wanted / longest)] = "|"
        lines.append(f"{size:>10,}  {spent:6.2f} s  {''.join(bar).rstrip()}")
    return "\n".join(lines)


def reading(report: Report, store: Path, seen: pd.DataFrame, runs: int) -> None:
    """Measure how long the default store takes to give the three columns, and the whole answer."""
    with workbench.open(store, create=True) as bench:
        bench.cameras.add(pd.DataFrame({"id": seen["camera_id"].cat.categories}))
        bench.manager.create_identities(pd.DataFrame({"id": seen["identity_id"].cat.categories}))
        for first in range(0, len(seen), 50_000):
            block = seen.iloc[first : first + 50_000].astype(
                {"identity_id": "str", "camera_id": "str"}
            )
            block["id"] = [f"a{n:08d}" for n in block.index]
            bench.appearances.add(block.reset_index(drop=True))
        bench.manager.graph.checkpoint()
        report.duration(
            "identity, camera and time of all from the default store (SQLite)",
            len(seen), times_of(lambda _: bench.manager.graph.observations(), runs), below=2.0,
        )  # fmt: skip
        report.duration(
            "bench.together.pairs(), that reading included",
            len(seen), times_of(lambda _: bench.together.pairs(), runs),
        )  # fmt: skip


def main() -> int:
    """Return 0 if the targets are met."""
    little = small(__doc__)
    rows, runs = (20_000, 2) if little else (1_000_000, 5)
    report = Report("Together", judged=not little)
    seen = a_day(rows)
    same(a_day(20_000))
    beside_joins(report, seen, runs)
    plots = [growth(report, rows, max(runs // 2, 1), longer=longer) for longer in (True, False)]
    site = BusySite(SEED, people=60 if little else 300).visits()
    chance = times_of(lambda n: significance(site, seed=n, shifts=100), runs)
    report.duration(
        "is it chance: 300 people, 10 days, 100 shifts, both ways round",
        len(site), chance, below=5.0,
    )  # fmt: skip
    with folder() as root:
        reading(report, root / "store", seen, runs)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    report.fact("memory at most, DuckDB's included", rows, f"{peak:,.0f} MB")
    missed = report.print(seed=SEED)
    print(*plots, sep="\n")
    return missed


if __name__ == "__main__":
    raise SystemExit(main())
