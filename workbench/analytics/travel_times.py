"""Travel times: how long people take from one camera to another."""

from __future__ import annotations

import numpy as np
import pandas as pd

from workbench.analytics import columns


def travel_times(
    transitions: pd.DataFrame, *, min_transitions: int = 1, longest_s: float | None = None
) -> pd.DataFrame:
    """Return how long the moves between each two cameras took: quantiles, spread, usual speed.

    There and back are two rows. Returns to the same camera and moves that begin or end at a place
    without a camera are no ways between cameras and are left out. The times are those in which
    she was seen at neither of the two; where the cameras see one spot they are 0 or nearly so.

    The quantiles are empirical (linear between the two nearest moves): times of travel are
    skewed, and a night or a meeting in between is one long move, so that a mean would say little.

    Parameters
    ----------
    transitions : DataFrame
        As :func:`workbench.analytics.transitions.transitions` returns them.
    min_transitions : int
        Pairs with fewer moves are left out.
    longest_s : float, optional
        Moves that took longer are left out, seconds; all count by default.

    Returns
    -------
    DataFrame
        ``from_camera, to_camera``; ``transitions`` (how many); ``p05_s, median_s, p95_s`` of their
        gaps; ``iqr_s`` (75 % less 25 %); ``distance_m``: length of the way where the adjacency
        has one, else the straight line, missing where neither is known; ``speed_m_s``: that over
        the median (missing where it is 0). In order of the two ids.

    Raises
    ------
    InvalidInputError
        When a column is missing or `longest_s` is no duration.

    Examples
    --------
    >>> moves = pd.DataFrame({
    ...     "from_camera": "door", "to_camera": "desk", "gap_s": [4.0, 5.0, 6.0, 60.0],
    ...     "distance_m": 11.0, "way_m": float("nan"),
    ... })
    >>> travel_times(moves)[["transitions", "median_s", "iqr_s", "speed_m_s"]]
       transitions  median_s  iqr_s  speed_m_s
    0            4       5.5  14.75        2.0
    """
    rows = between_cameras(transitions, longest_s=longest_s)
    way = pd.Series(np.nan, index=rows.index).astype("float64")
    for name in ("way_m", "distance_m"):
        if name in rows:
            way = way.fillna(rows[name])
    cells = rows.assign(way=way).groupby(["from_camera", "to_camera"], sort=True)
    count = cells.size()
    count = count[count >= columns.whole(min_transitions, "min_transitions")]
    quantile = {
        share: cells["gap_s"].quantile(share).reindex(count.index).to_numpy("float64")
        for share in (0.05, 0.25, 0.5, 0.75, 0.95)
    }
    distance = cells["way"].first().reindex(count.index).to_numpy("float64")
    median = quantile[0.5]
    return columns.table(
        columns.TRAVEL_TIMES,
        {
            "from_camera": count.index.get_level_values(0),
            "to_camera": count.index.get_level_values(1),
            "transitions": count.to_numpy(),
            "p05_s": quantile[0.05],
            "median_s": median,
            "p95_s": quantile[0.95],
            "iqr_s": quantile[0.75] - quantile[0.25],
            "distance_m": distance,
            "speed_m_s": distance / np.where(median > 0, median, np.nan),
        },
    )


def between_cameras(transitions: pd.DataFrame, *, longest_s: float | None = None) -> pd.DataFrame:
    """Return the moves from one camera to another one, those of at most `longest_s` if given.

    Raises
    ------
    InvalidInputError
        When a column is missing or `longest_s` is no duration.
    """
    columns.require(transitions, ("from_camera", "to_camera", "gap_s"), "transitions")
    one, two = transitions["from_camera"], transitions["to_camera"]
    kept = one.notna() & two.notna() & (one != two)
    if longest_s is not None:
        columns.duration_us(longest_s, "longest_s")
        kept &= transitions["gap_s"] <= longest_s
    return transitions[kept.to_numpy(dtype=bool)].reset_index(drop=True)


def rank_correlation(times: pd.DataFrame, *, min_transitions: int = 5) -> float:
    """Return Spearman's rank correlation of ``median_s`` and ``distance_m``: -1 to 1.

    Over the pairs with at least `min_transitions` moves and a known distance; nan for fewer than
    three of them, or where all are equal.

    Examples
    --------
    >>> times = pd.DataFrame({
    ...     "transitions": 9,
    ...     "median_s": [5.0, 9.0, 8.0, 30.0],
    ...     "distance_m": [4.0, 9.0, 10.0, 20.0],
    ... })
    >>> rank_correlation(times)
    0.8
    """
    columns.require(times, ("transitions", "median_s", "distance_m"), "travel times")
    fewest = columns.whole(min_transitions, "min_transitions")
    kept = times[(times["transitions"] >= fewest) & times["distance_m"].notna()]
    ranks = kept[["median_s", "distance_m"]].rank()
    if len(ranks) < 3 or (ranks.nunique() < 2).any():
        return float("nan")
    return round(float(np.corrcoef(ranks["median_s"], ranks["distance_m"])[0, 1]), 6)
