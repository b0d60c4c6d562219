"""Learned adjacency: which cameras are neighbours, from who moved between them and how fast."""

from __future__ import annotations

import numpy as np
import pandas as pd

from workbench.analytics import columns
from workbench.analytics.geometry import straight_m
from workbench.analytics.travel_times import between_cameras

MIN_TRANSITIONS, MIN_LIFT, SLACK = 10, 1.5, 0.25
_ONE_WAY = 0.05  # of the moves both ways: fewer back than this, and enough moves to tell
_MOMENT_S = 1.0


def learned_adjacency(
    transitions: pd.DataFrame,
    *,
    cameras: pd.DataFrame | None = None,
    min_transitions: int = MIN_TRANSITIONS,
    min_lift: float = MIN_LIFT,
    slack: float = SLACK,
    longest_s: float | None = None,
) -> pd.DataFrame:
    """Return which cameras are neighbours as far as the moves tell, with the evidence for it.

    Three steps, on pairs of cameras, there and back taken together:

    1. *Often.* At least `min_transitions` moves lead straight from one to the other.
    2. *More than chance.* They are at least `min_lift` times as many as were to be expected if
       people who leave one camera arrived anywhere in proportion to how many arrive there:
       moves at a times moves at b over all ends of moves. Departures and arrivals that belong
       together stand out against those that do not: the idea of Makris, Ellis and Black, here
       with identities instead of a cross-correlation of anonymous entries and exits.
    3. *Not by way of a third.* A pair goes if a third camera stands between: both its ways to the
       two have passed steps 1 and 2, and their usual times together are at most `slack` longer
       (and 1 s) than the usual time of the pair. Whoever was missed at the camera between
       makes such a pair. Usual is the time where the moves lie closest together (the half-sample
       mode): nights and meetings between two sightings do not move it.

    What comes out is a proposal for somebody who knows the building, never a fact: a way that
    people hardly take is not found, and cameras that see one spot hide ways from each other.

    Parameters
    ----------
    transitions : DataFrame
        As :func:`workbench.analytics.transitions.transitions` returns them.
    cameras : DataFrame, optional
        Not needed; where positions are known, no way is given a length below the straight line.
    min_transitions : int
        Fewest moves of a pair, both directions together.
    min_lift : float
        Fewest moves as a multiple of those expected by chance. Between four cameras or fewer
        hardly a pair can stand out so much: give 1 there.
    slack : float
        How much longer the way by a third camera may take, as a share.
    longest_s : float, optional
        Moves that took longer are left out, seconds; all count by default.

    Returns
    -------
    DataFrame
        The columns of ``schema.ADJACENT_TO`` that are known: ``from_camera, to_camera``,
        ``distance_m`` (the straight line; missing where unknown), ``time_s`` (the usual one),
        ``directed`` (fewer than 5 % went back, of 20 moves or more); and the evidence:
        ``transitions`` (in the direction of the row), ``back``, ``expected`` (both together, by
        chance), ``lift``. In order of the two ids; the busier direction comes first.

    Raises
    ------
    InvalidInputError
        When a column is missing, `longest_s` is no duration, or `min_transitions` or `min_lift`
        no number of at least 0.

    References
    ----------
    D. Makris, T. Ellis, J. Black, "Bridging the gaps between cameras", CVPR 2004. D. R. Bickel,
    R. Frühwirth, "On a fast, robust estimator of the mode", Computational Statistics & Data
    Analysis, 2006.
    """
    pairs = _pairs(between_cameras(transitions, longest_s=longest_s))
    fewest = columns.whole(min_transitions, "min_transitions")
    least = columns.number(min_lift, "min_lift")
    enough = (pairs["moves"] >= fewest) & (pairs["lift"] >= least)
    pairs = pairs[enough.to_numpy(dtype=bool)].reset_index(drop=True)
    pairs = pairs[~_by_a_third(pairs, slack)]
    return _as_ways(pairs, cameras)


def _pairs(moves: pd.DataFrame) -> pd.DataFrame:
    """Return each pair of cameras: ``a < b, there, back, moves, time_s, expected, lift``."""
    one, two = (moves[name].to_numpy(dtype=object) for name in ("from_camera", "to_camera"))
    there = one < two
    rows = pd.DataFrame(
        {
            "a": pd.array(np.where(there, one, two), dtype="str"),
            "b": pd.array(np.where(there, two, one), dtype="str"),
            "there": there,
            "gap_s": moves["gap_s"],
        }
    )
    pairs = rows.groupby(["a", "b"], sort=True).agg(
        moves=("gap_s", "size"), there=("there", "sum"), time_s=("gap_s", usual_s)
    )
    pairs = pairs.reset_index().astype({"moves": "int64", "there": "int64"})
    pairs["back"] = pairs["moves"] - pairs["there"]
    ends = pd.concat([pairs.set_index("a")["moves"], pairs.set_index("b")["moves"]])
    at = ends.groupby(level=0).sum().astype("float64")
    here, other = (pairs[end].map(at).astype("float64") for end in ("a", "b"))
    pairs["expected"] = here * other / max(float(at.sum()), 1.0)
    pairs["lift"] = pairs["moves"] / pairs["expected"]
    return pairs


def usual_s(gaps: pd.Series) -> float:
    """Return where values lie closest together: the half of them in the least space, and again.

    Examples
    --------
    >>> usual_s(pd.Series([3.0, 14.0, 15.0, 15.5, 40.0, 3600.0]))
    15.25
    """
    x = np.sort(gaps.to_numpy("float64"))
    while len(x) > 2:
        half = (len(x) + 1) // 2
        first = int((x[half - 1 :] - x[: len(x) - half + 1]).argmin())
        x = x[first : first + half] if len(x) > 3 or x[1] - x[0] != x[2] - x[1] else x[1:2]
    return float(x.mean())


def _by_a_third(pairs: pd.DataFrame, slack: float) -> np.ndarray:
    """Return the pairs between which a third camera stands."""
    cameras = pd.Index(sorted({*pairs["a"], *pairs["b"]}), dtype="str")
    a, b = cameras.get_indexer(pairs["a"]), cameras.get_indexer(pairs["b"])
    times = np.full((len(cameras), len(cameras)), np.inf)
    times[a, b] = times[b, a] = pairs["time_s"]
    # The way by the best third camera of all, for every pair at once.
    third = (times[a] + times[b]).min(axis=1) if len(cameras) else np.empty(0)
    own = pairs["time_s"].to_numpy("float64")
    return np.asarray(third <= (1 + slack) * own + _MOMENT_S)


def _as_ways(pairs: pd.DataFrame, cameras: pd.DataFrame | None) -> pd.DataFrame:
    turned = (pairs["back"] > pairs["there"]).to_numpy(dtype=bool)
    a, b = (pairs[name].to_numpy(dtype=object) for name in ("a", "b"))
    there, back = pairs["there"].to_numpy("int64"), pairs["back"].to_numpy("int64")
    here = pd.Series(np.where(turned, b, a), dtype="str")
    other = pd.Series(np.where(turned, a, b), dtype="str")
    fewer = np.minimum(there, back)
    distance = np.full(len(pairs), np.nan) if cameras is None else straight_m(cameras, here, other)
    ways = columns.table(
        columns.LEARNED,
        {
            "from_camera": here,
            "to_camera": other,
            "distance_m": distance,
            "time_s": pairs["time_s"],
            "directed": (fewer < _ONE_WAY * (there + back)) & (there + back >= 1 / _ONE_WAY),
            "transitions": np.maximum(there, back),
            "back": fewer,
            "expected": pairs["expected"],
            "lift": pairs["lift"],
        },
    )
    return ways.sort_values(["from_camera", "to_camera"], ignore_index=True)
