"""Where the people of a network stand: the same pairs, in whatever order, the same places."""

from __future__ import annotations

import math

import networkx as nx
import numpy as np
import pandas as pd

_FEW = 60
"""Up to so many people the distances of the drawing are those of the graph."""

WIDE_PX, HIGH_PX = 560.0, 420.0
"""The room there is, of a narrow window."""

_LONGEST_PX = 120.0  # of a line, where there is room for more
_ROOM = np.array([1.5, 1.0])  # right of each part, and below it


def network_places(pairs: pd.DataFrame, *, weight: str = "count") -> dict[str, tuple[float, float]]:
    """Return a place for everybody in some pairs: pixels of a narrow window, 560 wide, 420 high.

    People who are not connected stand apart: each part of the network is drawn by itself (up to 60
    people so that distances are those of the graph, beyond that by springs), turned so that it is
    wide, and the parts stand in rows, the largest first.

    Parameters
    ----------
    pairs : DataFrame
        ``a, b`` and `weight`.
    weight : str
        What draws two together.

    References
    ----------
    T. Kamada and S. Kawai, "An algorithm for drawing general undirected graphs", 1989.
    T. M. J. Fruchterman and E. M. Reingold, "Graph drawing by force-directed placement", 1991.

    Examples
    --------
    >>> network_places(pd.DataFrame([("ann", "ben", 9)], columns=["a", "b", "count"]))
    {'ann': (220.0, 210.0), 'ben': (340.0, 210.0)}
    """
    rows = pairs[["a", "b"]].assign(weight=np.log1p(pairs[weight].fillna(0).astype("float64")))
    rows = rows.sort_values(["a", "b"], ignore_index=True)
    graph = nx.Graph()
    graph.add_nodes_from(sorted({*rows["a"], *rows["b"]}))
    graph.add_weighted_edges_from(rows.itertuples(index=False))
    parts = sorted(map(sorted, nx.connected_components(graph)), key=lambda one: (-len(one), one))
    if not parts:
        return {}
    at = _fitted(_in_rows([_arranged(graph.subgraph(part), part) for part in parts]))
    who = [one for part in parts for one in part]
    return {one: (x, y) for one, (x, y) in zip(who, at.round(2).tolist(), strict=True)}


def _arranged(graph: nx.Graph, people: list[str]) -> np.ndarray:
    """Return places of one connected part, from 0 on, neighbours about 1 apart."""
    if len(people) == 2:
        return np.array([[0.0, 0.0], [1.0, 0.0]])
    ordered = nx.Graph()
    ordered.add_nodes_from(people)
    ordered.add_weighted_edges_from(sorted(graph.edges(data="weight")))
    if len(people) <= _FEW:
        at = nx.kamada_kawai_layout(ordered, weight=None)
    else:
        at = nx.spring_layout(ordered, weight="weight", iterations=120, seed=0)
    places = np.array([at[one] for one in people])
    number = {one: n for n, one in enumerate(people)}
    ends = np.array([[number[a], number[b]] for a, b in ordered.edges])
    length = np.linalg.norm(places[ends[:, 0]] - places[ends[:, 1]], axis=1)
    return _laid_flat(places / max(float(np.median(length)), 1e-9))


def _laid_flat(places: np.ndarray) -> np.ndarray:
    """Return places turned so that they are wider than high, the first of them on the left."""
    centred = places - places.mean(axis=0)
    _, axes = np.linalg.eigh(centred.T @ centred)
    turned = centred @ axes[:, ::-1]
    for axis in (0, 1):
        far = turned[np.argmax(np.abs(np.round(turned[:, axis], 6))), axis]
        if far > 0:
            turned[:, axis] *= -1
    return np.asarray(turned - turned.min(axis=0))


def _in_rows(parts: list[np.ndarray]) -> np.ndarray:
    """Return the places of all parts, moved into rows about as wide as a picture is."""
    sizes = [at.max(axis=0) + _ROOM for at in parts]
    area = sum(float(width * height) for width, height in sizes)
    most = max([math.sqrt(WIDE_PX / HIGH_PX * area), *(float(width) for width, _ in sizes)])
    x = y = high = 0.0
    found = []
    for at, (width, height) in zip(parts, sizes, strict=True):
        if x > 0 and x + width > most + 1e-9:
            x, y, high = 0.0, y - high, 0.0
        found.append(at + np.array([x, y - at[:, 1].max()]))  # from the top of its row downwards
        x, high = x + width, max(high, height)
    return np.vstack(found)


def _fitted(places: np.ndarray) -> np.ndarray:
    """Return places stretched to the room there is, in the middle of it."""
    low, size = places.min(axis=0), np.ptp(places, axis=0)
    room = np.array([WIDE_PX, HIGH_PX])
    scale = np.minimum(room / np.maximum(size, 1e-9), _LONGEST_PX)
    return np.asarray((places - low - size / 2) * scale + room / 2)
