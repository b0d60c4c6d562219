"""Ways between cameras over the adjacency: the best one, and the ties."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import networkx as nx
import pandas as pd

from workbench.errors import InvalidInputError, NotFoundError

By = Literal["hops", "distance", "time"]
_WEIGHTS = {"hops": None, "distance": "distance_m", "time": "time_s"}
# An adjacency of more cameras than this with this share of all pairs is a table of distances.
_MANY, _ALMOST_ALL = 10, 0.9


class AdjacencyWarning(UserWarning):
    """An adjacency in which nearly every camera is the neighbour of every other."""


@dataclass(frozen=True, slots=True)
class CameraPath:
    """A way from one camera to another.

    ``cameras`` in order, both ends included; ``hops`` (one less than the cameras); ``distance_m``
    and ``time_s``: totals, None when a step's own is unknown.
    """

    cameras: tuple[str, ...]
    hops: int
    distance_m: float | None
    time_s: float | None


def directed(adjacency: pd.DataFrame) -> pd.DataFrame:
    """Return the adjacency as steps in one direction each.

    A row that is not ``directed`` is a step both ways. Where a step is given by a row of its own
    and by the reverse of another, its own row counts, and the other fills what it leaves out.
    Rows from a camera to itself are left out.

    Returns
    -------
    DataFrame
        ``from_camera``, ``to_camera``, ``distance_m``, ``time_s``; one row a step, in order of ids.
    """
    steps = adjacency.reindex(
        columns=["from_camera", "to_camera", "distance_m", "time_s", "directed"]
    )
    one_way = steps["directed"].astype("boolean").fillna(False).astype(bool)
    back = steps[~one_way].rename(columns={"from_camera": "to_camera", "to_camera": "from_camera"})
    both = pd.concat([steps, back], ignore_index=True).drop(columns="directed")
    both = both.astype(
        {"from_camera": "str", "to_camera": "str", "distance_m": "float64", "time_s": "float64"}
    )
    both = both[both["from_camera"] != both["to_camera"]]
    # first() takes the first known value of each column: own rows come before reversed ones.
    return both.groupby(["from_camera", "to_camera"], sort=True, as_index=False).first()


def graph(adjacency: pd.DataFrame) -> nx.DiGraph:
    """Return the directed graph of an adjacency; ``distance_m`` and ``time_s`` on its edges.

    An unknown length or time is NaN. Cameras that only have a row to themselves are nodes too.
    """
    built = nx.DiGraph()
    for end in ("from_camera", "to_camera"):
        built.add_nodes_from(adjacency[end].dropna().astype("str"))
    steps = directed(adjacency)
    built.add_edges_from(
        (a, b, {"distance_m": distance, "time_s": time})
        for a, b, distance, time in steps.itertuples(index=False)
    )
    return built


def warn_if_complete(adjacency: pd.DataFrame, *, name: str = "The adjacency") -> None:
    """Warn of an adjacency that is a table of distances: nearly all pairs of many cameras.

    Parameters
    ----------
    adjacency : DataFrame
        As in ``schema.ADJACENT_TO``.
    name : str
        What it is called in the warning.

    Warns
    -----
    AdjacencyWarning
        Where more than 10 cameras are joined by at least 90 % of all pairs.
    """
    ends = directed(adjacency)[["from_camera", "to_camera"]].itertuples(index=False)
    joined = {frozenset(pair) for pair in ends}
    cameras, pairs = frozenset().union(*joined), len(joined)
    possible = len(cameras) * (len(cameras) - 1) // 2
    if len(cameras) > _MANY and pairs >= _ALMOST_ALL * possible:
        warnings.warn(
            f"{name} makes {pairs:,} of the {possible:,} pairs of {len(cameras):,} cameras "
            "neighbours. An adjacency names ways with no camera between; a table of distances "
            "makes every gap 'blind' and every path one hop. Keep the pairs that are neighbours, "
            "unless the distances of travel times are all you want.",
            AdjacencyWarning,
            stacklevel=3,
        )


def camera_path(
    adjacency: pd.DataFrame,
    a: str,
    b: str,
    *,
    by: By = "hops",
    cameras: pd.DataFrame | None = None,
) -> CameraPath:
    """Return the best way from camera `a` to camera `b`.

    Among equally good ways (lengths compared to the micrometre, times to the microsecond) the one
    whose sequence of camera ids is smallest, compared id by id in code point order. From a camera
    to itself it is that camera, 0 hops, 0.0 m, 0.0 s.

    Parameters
    ----------
    adjacency : DataFrame
        ``from_camera``, ``to_camera``, ``distance_m``, ``time_s``, ``directed``, as in
        ``schema.ADJACENT_TO``; a row that is not directed goes both ways.
    a, b : str
        Ids of cameras.
    by : {"hops", "distance", "time"}
        What is smallest on the way. A step of unknown length cannot be used by distance, one of
        unknown time not by time.
    cameras : DataFrame, optional
        ``id``: cameras that exist even if the adjacency does not name them.

    Raises
    ------
    NotFoundError
        When a camera is unknown or no way leads from `a` to `b`.
    InvalidInputError
        When `by` is none of the three.

    Examples
    --------
    >>> ways = pd.DataFrame(
    ...     [("a", "b", 5.0, 4.0), ("b", "c", 5.0, 4.0), ("a", "c", 30.0, 20.0)],
    ...     columns=["from_camera", "to_camera", "distance_m", "time_s"],
    ... )
    >>> camera_path(ways, "a", "c")
    CameraPath(cameras=('a', 'c'), hops=1, distance_m=30.0, time_s=20.0)
    >>> camera_path(ways, "a", "c", by="distance").cameras
    ('a', 'b', 'c')
    """
    if by not in _WEIGHTS:
        raise InvalidInputError(
            f"A way cannot be the best by {by!r}.", where="by", next="Use hops, distance or time."
        )
    ways = graph(adjacency)
    if cameras is not None:
        ways.add_nodes_from(cameras["id"].dropna().astype("str"))
    for camera in (a, b):
        if camera not in ways:
            raise NotFoundError(
                f"There is no camera {camera!r}.", where=camera, next="List them: workbench cameras"
            )
    return _measured(ways, _best(_weighted(ways, by), a, b, by))


def _weighted(ways: nx.DiGraph, by: By) -> nx.DiGraph:
    # Whole numbers add up without rounding, so that ties are ties.
    column = _WEIGHTS[by]
    usable = nx.DiGraph()
    usable.add_nodes_from(ways)
    for a, b, step in ways.edges(data=True):
        if column is None:
            usable.add_edge(a, b, weight=1)
        elif not math.isnan(step[column]):
            usable.add_edge(a, b, weight=round(step[column] * 1e6))
    return usable


def _best(ways: nx.DiGraph, a: str, b: str, by: By) -> list[str]:
    left = nx.single_source_dijkstra_path_length(ways.reverse(copy=False), b)
    if a not in left:
        raise NotFoundError(
            f"No way leads from camera {a!r} to camera {b!r}"
            + ("." if by == "hops" else f" over steps whose {by} is known."),
            where=f"{a} -> {b}",
            next="Load the missing steps with --adjacency"
            + ("." if by == "hops" else ", or ask by hops."),
        )
    best = nx.DiGraph()
    best.add_node(a)
    best.add_edges_from(
        (u, v)
        for u, v, weight in ways.edges(data="weight")
        if u in left and v in left and left[u] == left[v] + weight
    )
    return _smallest(best, a, b)


def _smallest(best: nx.DiGraph, a: str, b: str) -> list[str]:
    # Steps of weight 0 can make circles among the best: what was passed is taken out, and a step
    # counts only if the end is still within reach behind it.
    way = [a]
    while way[-1] != b:
        choices = sorted(best.successors(way[-1]))
        best.remove_node(way[-1])
        way.append(next(v for v in choices if nx.has_path(best, v, b)))
    return way


def _measured(ways: nx.DiGraph, way: list[str]) -> CameraPath:
    steps: list[dict[str, Any]] = [ways.edges[u, v] for u, v in pairwise(way)]
    distance = math.fsum(step["distance_m"] for step in steps)
    time = math.fsum(step["time_s"] for step in steps)
    return CameraPath(
        cameras=tuple(way),
        hops=len(steps),
        distance_m=None if math.isnan(distance) else distance,
        time_s=None if math.isnan(time) else time,
    )
