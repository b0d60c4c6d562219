"""Clock offsets: how far the clocks of cameras that see the same people are apart."""

from __future__ import annotations

from dataclasses import dataclass

import networkx as nx
import numpy as np
import pandas as pd

from workbench.analytics import columns
from workbench.analytics.close_by import PASSES, STAYS, passes, stays, usual_step_s
from workbench.analytics.geometry import may_overlap, view_of
from workbench.errors import NotFoundError

MIN_PAIRS, MAX_OFFSET_S = 10, 60.0

_WINDOW_S = 2.0  # width in which the passes that agree have to lie
_AGREE = 0.3  # of all passes: fewer in the window, and it is no peak
_ONE_WAY = 0.25  # of the visits: fewer in one direction, and the other decides alone
_APART = 3.0  # spreads between two heaps; a single one cut in two has 2.3, an even one 2.7
_DRAWS = 200
_Z = 1.96  # of a normal distribution: 95 % of the middle
_SURE_S = 0.02  # no clock is known better than this from people who walk


def pair_offsets(
    sightings: pd.DataFrame,
    *,
    cameras: pd.DataFrame | None = None,
    max_gap_s: float = 30.0,
    max_offset_s: float = MAX_OFFSET_S,
    min_pairs: int = MIN_PAIRS,
    seed: int = 0,
) -> pd.DataFrame:
    """Return how far the clocks of each two cameras that see the same people at once are apart.

    Two ways, the first where it can be had:

    ``floor positions``
        Whoever walks by is at one spot at one time. Each sighting at one camera is laid on the
        way between two consecutive sightings of the same identity at the other; the difference of
        the two times is one reading. A spot passed twice and people standing around make readings
        everywhere, true ones agree: the 2 s in which most passes lie (one reading a pass, the
        median of its own) are taken if they hold at least `min_pairs` and 30 % of all, and their
        median is the offset.
    ``visits``
        Without positions: the middle of a visit at one camera less the middle of her visit at
        the other. Who walks from a to b is later at b by what the walk takes, who walks back
        earlier by as much: the readings have two heaps, and the clock is half-way between them
        (as the Network Time Protocol takes half the way there and back). Needs at least
        `min_pairs` pairs of visits that overlap, and cameras that may see one spot as far as is
        known (:func:`workbench.analytics.geometry.may_overlap`). Where there are no two heaps,
        or nearly everybody walks one way, the walk and the clock cannot be told apart: then the
        median counts, and the interval has room for a walk from one end to the other. It is never
        narrower than half the usual time between two sightings. Visits longer than
        `max_offset_s` are left out: their middle says nothing.

    Times are those given: an offset that the cameras already have (``clock_offset_s``) is in them.

    Parameters
    ----------
    sightings : DataFrame
        ``identity_id, camera_id, timestamp`` and perhaps ``floor_x_m, floor_y_m``, as in
        ``schema.SIGHTING``.
    cameras : DataFrame, optional
        ``id, position_x, position_y, orientation, fov, level`` as in ``schema.CAMERA``.
    max_gap_s : float
        Sightings at one camera with gaps of at most this are one visit, seconds.
    max_offset_s : float
        Greatest offset looked for, seconds.
    min_pairs : int
        Fewest passes or overlapping visits for an estimate.
    seed : int
        For the resampling behind the interval by visits.

    Returns
    -------
    DataFrame
        ``camera_a, camera_b`` (in order of id); ``offset_s``: what has to be added to the times
        of b so that they agree with those of a; ``low_s, high_s``: where it lies in 95 of 100
        cases (by the spread of the median; by 200 resamplings for visits); ``spread_s``: of one
        reading (1.48 times the median absolute deviation); ``pairs`` (readings); ``method``.

    Raises
    ------
    InvalidInputError
        When a column is missing, a duration is none or `min_pairs` is below 2.

    References
    ----------
    D. L. Mills, "Internet time synchronization: the Network Time Protocol", IEEE Transactions on
    Communications, 1991 (half the way there and back). P. J. Huber, "Robust Statistics", 1981
    (median and its deviation).
    """
    limit = columns.duration_us(max_offset_s, "max_offset_s") / 1e6
    columns.whole(min_pairs, "min_pairs", least=2)
    columns.require(sightings, ("identity_id", "camera_id", "timestamp"), "sightings")
    readings = passes(sightings, max_gap_s=max_gap_s, max_offset_s=limit)
    found: dict[tuple[str, str], _Estimate] = {}
    for (a, b), some in readings.groupby(["camera_a", "camera_b"], sort=True)["reading_s"]:
        by_passes = _by_passes(some.to_numpy(), min_pairs)
        if by_passes is not None:
            found[str(a), str(b)] = by_passes
    rng = np.random.default_rng(columns.whole(seed, "seed"))
    step_s = usual_step_s(sightings, max_gap_s=max_gap_s)
    near = stays(sightings, max_gap_s=max_gap_s, max_offset_s=limit)
    for (a, b), rows in near.groupby(["camera_a", "camera_b"], sort=True):
        pair = str(a), str(b)
        enough = rows["overlap"].sum() >= min_pairs
        if pair not in found and enough and _may_see_one_spot(*pair, cameras):
            found[pair] = _by_visits(rows, step_s, rng)
    order = sorted(found)
    known = [found[pair] for pair in order]
    return columns.table(
        columns.PAIR_OFFSETS,
        {
            "camera_a": pd.array([a for a, _ in order], dtype="str"),
            "camera_b": pd.array([b for _, b in order], dtype="str"),
            "offset_s": [one.offset for one in known],
            "low_s": [one.low for one in known],
            "high_s": [one.high for one in known],
            "spread_s": [one.spread for one in known],
            "pairs": [one.pairs for one in known],
            "method": pd.array([one.method for one in known], dtype="str"),
        },
    )


def _may_see_one_spot(a: str, b: str, cameras: pd.DataFrame | None) -> bool:
    if cameras is None or not {"position_x", "position_y"} <= set(cameras.columns):
        return True
    known = cameras[cameras["id"].isin([a, b])].dropna(subset=["position_x", "position_y"])
    if len(known) < 2:
        return True
    return may_overlap(*(view_of(camera) for camera in known.to_dict("records")))


@dataclass(frozen=True, slots=True)
class _Estimate:
    offset: float
    low: float
    high: float
    spread: float
    pairs: int
    method: str


def _by_passes(readings: np.ndarray, min_pairs: int) -> _Estimate | None:
    """Return the offset on which most readings agree, or None where they do not."""
    x = np.sort(readings)
    within = np.searchsorted(x, x + _WINDOW_S, side="right") - np.arange(len(x))
    first = int(within.argmax())
    middle = float(np.median(x[first : first + within[first]]))
    agreeing = x[np.abs(x - middle) <= _WINDOW_S]
    if len(agreeing) < max(min_pairs, _AGREE * len(x)):
        return None
    offset = float(np.median(agreeing))
    spread = _spread(agreeing - offset)
    # The median of n readings has 1.25 times the error of their mean.
    half = _Z * max(1.2533 * spread / np.sqrt(len(agreeing)), _SURE_S)
    return _Estimate(offset, offset - half, offset + half, spread, len(agreeing), PASSES)


def _by_visits(some: pd.DataFrame, step_s: float, rng: np.random.Generator) -> _Estimate:
    """Return what lies half-way between those who walk there and those who walk back."""
    readings = some["reading_s"].to_numpy("float64")
    offset, both = _halfway(readings)
    drawn = [_halfway(rng.choice(readings, len(readings)))[0] for _ in range(_DRAWS)]
    low, high = (float(end) for end in np.quantile(drawn, [0.025, 0.975]))
    # Where a visit begins and ends is known as well as its sightings lie close, no better.
    half = max(step_s / 2, _Z * _SURE_S)
    if not both:
        # Visits that overlap have their middles at most half of their two lengths apart.
        half = max(half, float(some["room_s"].median()))
    low, high = min(low, offset - half), max(high, offset + half)
    return _Estimate(offset, low, high, _spread(readings - offset), len(readings), STAYS)


def _halfway(readings: np.ndarray) -> tuple[float, bool]:
    """Return the middle between two heaps and whether there are two; else that of all."""
    middle = float(np.median(readings))
    for _ in range(50):
        above = readings > middle
        if above.all() or not above.any():
            break
        low, high = float(np.median(readings[~above])), float(np.median(readings[above]))
        if abs((low + high) / 2 - middle) < 1e-6:
            near = np.minimum(np.abs(readings - low), np.abs(readings - high))
            share = float(above.mean())
            both = high - low > _APART * _spread(near) and _ONE_WAY <= share <= 1 - _ONE_WAY
            return (middle, True) if both else (float(np.median(readings)), False)
        middle = (low + high) / 2
    return float(np.median(readings)), False


def _spread(deviations: np.ndarray) -> float:
    return 1.4826 * float(np.median(np.abs(deviations)))


def clock_offsets(
    pairs: pd.DataFrame, *, cameras: pd.DataFrame, reference: str | None = None
) -> pd.DataFrame:
    """Return by how much each camera's clock is off, relative to one of them.

    The offsets of all pairs at once, by least squares over the graph of pairs, each weighted by
    its interval. Where pairs around a circle contradict each other more than their intervals
    allow, all intervals are widened by as much. A camera that no chain of pairs joins to the
    reference is unknown: missing, never 0.

    Parameters
    ----------
    pairs : DataFrame
        As :func:`pair_offsets` returns them.
    cameras : DataFrame
        ``id`` and perhaps ``clock_offset_s`` as in ``schema.CAMERA``.
    reference : str, optional
        The camera whose clock is taken for right; by default, of the cameras joined to each other
        by most readings, the one whose clock lies in the middle (ties: most readings, least id).

    Returns
    -------
    DataFrame
        ``camera_id``; ``offset_s``: what has to be added to its times so that they agree with
        the reference; ``low_s, high_s`` (95 %); ``pairs`` (readings it takes part in),
        ``neighbours`` (cameras compared with directly); ``reference``; ``recorded_s`` (the
        ``clock_offset_s`` that the camera has); ``clock_offset_s``: the two added, what to give
        to the camera. In order of id.

    Raises
    ------
    NotFoundError
        When there is no camera `reference`.

    Examples
    --------
    >>> pairs = pd.DataFrame({
    ...     "camera_a": ["a", "b"], "camera_b": ["b", "c"], "offset_s": [2.0, -5.0],
    ...     "low_s": [1.9, -5.1], "high_s": [2.1, -4.9], "pairs": [40, 30],
    ... })
    >>> cameras = pd.DataFrame({"id": ["a", "b", "c", "d"]})
    >>> found = clock_offsets(pairs, cameras=cameras, reference="a")
    >>> found[["camera_id", "offset_s", "neighbours"]]
      camera_id  offset_s  neighbours
    0         a       0.0           1
    1         b       2.0           2
    2         c      -3.0           1
    3         d       NaN           0
    """
    ids = sorted({*cameras["id"].astype("str"), *pairs["camera_a"], *pairs["camera_b"]})
    if reference is not None and reference not in ids:
        raise NotFoundError(
            f"There is no camera {reference!r:.200}.",
            where="reference",
            next="List them: workbench cameras",
        )
    seen = pd.concat([pairs.set_index(f"camera_{end}")["pairs"] for end in "ab"])
    readings = seen.groupby(level=0).sum().reindex(ids, fill_value=0)
    graph = nx.Graph(list(zip(pairs["camera_a"], pairs["camera_b"], strict=True)))
    graph.add_nodes_from(ids)
    zero = reference if reference is not None else _reference(graph, pairs, readings)
    offset, half = _solved(pairs, graph, zero)
    known = cameras.reindex(columns=["id", "clock_offset_s"]).set_index("id")["clock_offset_s"]
    recorded = known.reindex(ids).fillna(0.0).to_numpy("float64")
    offsets = offset.reindex(ids).to_numpy("float64")
    halves = half.reindex(ids).to_numpy("float64")
    return columns.table(
        columns.CLOCK_OFFSETS,
        {
            "camera_id": pd.array(ids, dtype="str"),
            "offset_s": offsets,
            "low_s": offsets - halves,
            "high_s": offsets + halves,
            "pairs": readings.to_numpy("int64"),
            "neighbours": [graph.degree(one) for one in ids],
            "reference": pd.array([zero] * len(ids), dtype="str"),
            "recorded_s": recorded,
            "clock_offset_s": recorded + offsets,
        },
    )


def _reference(graph: nx.Graph, pairs: pd.DataFrame, readings: pd.Series) -> str | None:
    """Return the camera whose clock lies in the middle, of those with most readings together."""
    if not len(graph):
        return None
    parts = nx.connected_components(graph)
    most = min(parts, key=lambda some: (-int(readings[list(some)].sum()), min(some)))
    offset = _solved(pairs, graph, min(most))[0]
    away = {one: float((offset - offset[one]).abs().sum()) for one in most}
    return min(most, key=lambda one: (round(away[one], 3), -int(readings[one]), one))


def _solved(pairs: pd.DataFrame, graph: nx.Graph, zero: str | None) -> tuple[pd.Series, pd.Series]:
    """Return offsets and half intervals of the cameras joined, by weighted least squares."""
    joined = nx.node_connected_component(graph, zero) if zero is not None else set()
    pairs = pairs[pairs["camera_a"].isin(joined)]
    free = pd.Index(sorted(joined - {zero}), dtype="str")
    rows = np.arange(len(pairs))
    design = np.zeros((len(pairs), len(free) + 1))  # the last column is the reference: dropped
    design[rows, free.get_indexer(pairs["camera_b"])] += 1.0
    design[rows, free.get_indexer(pairs["camera_a"])] -= 1.0
    design = design[:, :-1]
    # The longer side of an interval: by visits it can be uneven.
    offset, low, high = (pairs[f"{name}_s"].to_numpy() for name in ("offset", "low", "high"))
    error = np.maximum(high - offset, offset - low) / _Z
    said = offset / error
    scaled = design / error[:, None]
    answer = np.linalg.lstsq(scaled, said, rcond=None)[0]
    more = len(pairs) - len(free)
    contradiction = float(((scaled @ answer - said) ** 2).sum()) / more if more > 0 else 1.0
    spread = np.linalg.inv(scaled.T @ scaled) * max(1.0, contradiction)
    half = _Z * np.sqrt(np.diag(spread)) if len(free) else np.empty(0)
    at_zero = pd.Series(0.0, index=pd.Index(sorted(joined & {zero}), dtype="str"))
    return (
        pd.concat([at_zero, pd.Series(answer, index=free, dtype="float64")]),
        pd.concat([at_zero, pd.Series(half, index=free, dtype="float64")]),
    )
