"""Ways through the building: a walkable graph, the shortest way between two spots, rounded off."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import networkx as nx
import numpy as np

from workbench.demo import building
from workbench.demo.building import FIRST, GROUND, LEVELS, OPENINGS, OUTSIDE, SPACES, Opening, Space

STEP_M = 0.25
_STAIRS_PACE = 1.8  # so many times slower than on the flat
_LIFT_M = 8.0  # what a ride is worth in metres to somebody who likes the lift
_LIFT_AVOIDED_M = 120.0
_CAR = (31.5, 21.0)  # where one stands in the lift
_BACK_WAY = 4.0  # what the front costs somebody who pushes a cart
_CORNER_M = 1.3
_WALL_M = 0.42  # how near to a wall the middle of a person comes
_CALM = 3  # steps over which the room beside a way is smoothed, before and after

Node = tuple[str, float, float]  # level, x, y


_T = np.linspace(0, 1, 5)[None, :, None]
_BOW = ((1 - _T) ** 2, 2 * _T * (1 - _T), _T**2)


@dataclass(frozen=True, slots=True)
class Spot:
    """Where somebody can stand: a point of a space."""

    level: str
    space: str
    x: float
    y: float

    @property
    def anchor(self) -> Node:
        """Return the node of the graph that stands for it: of its space, or the next one."""
        one = building.space(self.level, self.space)
        return _nearest(one, self.x, self.y) if one.kind == "corridor" else _anchor(one)


@dataclass(frozen=True, slots=True)
class Habit:
    """How somebody chooses a way: by lift rather than stairs, by the back rather than in front."""

    lift: bool = False
    back: bool = False


@dataclass(frozen=True, slots=True)
class Way:
    """A way in steps of at most a quarter of a metre: positions and what they cost.

    ``pace`` is how many times slower than on the flat each step is; ``waits`` are the positions
    in these arrays where one waits (0: for the lift, 1: in it); ``room`` is how far one may walk
    beside the line, ``right_x, right_y`` where its right side is.
    """

    x: np.ndarray
    y: np.ndarray
    level: np.ndarray
    along: np.ndarray
    pace: np.ndarray
    room: np.ndarray
    right_x: np.ndarray
    right_y: np.ndarray
    waits: tuple[int, ...] = field(default=())


def metres(way: Way) -> float:
    """Return the length of a way on the plan."""
    return float(way.along[-1])


# ------------------------------------------------------------------ the graph
def _anchor(one: Space) -> Node:
    x, y = one.middle
    return one.level, x, y + 0.001  # a node of its own: no line of a corridor runs through it


def _portals(opening: Opening) -> list[Node]:
    """Return the points through which people pass: one of a door, several of a wide opening."""
    width = opening.high - opening.low
    n = 1 if width < 3.5 else 1 + 2 * int(width / 4)
    at = opening.low + width * (np.arange(n) + 0.5) / n
    return [
        (opening.level, opening.at, float(v)) if opening.upright
        else (opening.level, float(v), opening.at)
        for v in at
    ]  # fmt: skip


def _projected(one: Space, node: Node) -> Node:
    x, y = one.middle
    return (one.level, node[1], y) if one.lengthwise else (one.level, x, node[2])


def _length(a: Node, b: Node) -> float:
    return float(np.hypot(a[1] - b[1], a[2] - b[2]))


@functools.cache
def graph(habit: Habit) -> nx.Graph:
    """Return the walkable graph of both levels, weighed by a habit; nodes are points."""
    ways = nx.Graph()
    for one in SPACES:
        doors = [node for opening in _openings(one) for node in _portals(opening)]
        if one.kind == "corridor":
            _along(ways, one, doors, habit)
        elif one.kind not in ("stairs", "lift"):
            _across(ways, one, doors, habit)
    for name, (up, down) in {"Main stairs": (27.1, 28.9), "East stairs": (61.1, 62.9)}.items():
        _climb(ways, name, up, down)
    _ride(ways, habit)
    return ways


def _along(ways: nx.Graph, one: Space, doors: list[Node], habit: Habit) -> None:
    cost = _cost(one, habit)
    line = _line(one)
    for a, b in pairwise(line):
        ways.add_edge(a, b, weight=_length(a, b) * cost)
    for node in doors:
        if node != _projected(one, node):
            ways.add_edge(node, _projected(one, node), weight=_length(node, _projected(one, node)))


@functools.cache
def _line(one: Space) -> list[Node]:
    """Return the points of a corridor's middle at which people turn off, in order."""
    doors = [node for opening in _openings(one) for node in _portals(opening)]
    axis = 1 if one.lengthwise else 2
    return sorted({_projected(one, node) for node in doors}, key=lambda node: node[axis])


def _nearest(one: Space, x: float, y: float) -> Node:
    return min(_line(one), key=lambda node: (abs(node[1] - x) + abs(node[2] - y), node))


def _openings(one: Space) -> list[Opening]:
    return [o for o in OPENINGS if o.level == one.level and one.name in (o.a, o.b)]


def _cost(one: Space, habit: Habit) -> float:
    front = (one.level, one.name) in ((GROUND, "Main corridor"), (GROUND, "Lobby"))
    return _BACK_WAY if habit.back and front else 1.0


def _across(ways: nx.Graph, one: Space, doors: list[Node], habit: Habit) -> None:
    anchor = _anchor(one)
    for n, a in enumerate(doors):
        ways.add_edge(anchor, a, weight=_length(anchor, a) + 500.0)
        for b in doors[n + 1 :]:
            ways.add_edge(a, b, weight=_length(a, b) * _cost(one, habit))


def _climb(ways: nx.Graph, name: str, up: float, down: float) -> None:
    foot, top = (
        next(_portals(o)[0] for o in OPENINGS if o.a == name and o.level == level)
        for level in LEVELS
    )
    points = [foot, (GROUND, up, 16.6), (GROUND, up, 20.9), (GROUND, (up + down) / 2, 21.2)]
    points += [(FIRST, (up + down) / 2, 21.2), (FIRST, down, 20.9), (FIRST, down, 16.6), top]
    for a, b in pairwise(points):
        steep = _STAIRS_PACE if min(a[2], b[2]) > 16 else 1.0
        ways.add_edge(a, b, weight=_length(a, b) * steep + 0.01, pace=steep)


def _ride(ways: nx.Graph, habit: Habit) -> None:
    doors = [(level, _CAR[0], 20.0) for level in LEVELS]
    cars = [(level, *_CAR) for level in LEVELS]
    cost = _LIFT_M if habit.lift else _LIFT_AVOIDED_M
    for door, car in zip(doors, cars, strict=True):
        ways.add_edge(door, car, weight=1.0)
    ways.add_edge(*cars, weight=cost)


@functools.cache
def _from(anchor: Node, habit: Habit) -> dict[Node, list[Node]]:
    found: dict[Node, list[Node]] = nx.single_source_dijkstra_path(graph(habit), anchor)
    return found


# ------------------------------------------------------------------ one way
@functools.lru_cache(maxsize=20_000)
def way(a: Spot, b: Spot, habit: Habit) -> Way:
    """Return the way from one spot to another: the shortest one, its corners rounded."""
    here, there = (a.level, a.x, a.y), (b.level, b.x, b.y)
    if (a.level, a.space) == (b.level, b.space):
        return _laid([here, there])
    nodes = _from(a.anchor, habit)[b.anchor]
    nodes = _begun(here, a, nodes)
    nodes = _begun(there, b, nodes[::-1])[::-1]
    return _laid([here, *nodes, there])


def _begun(here: Node, spot: Spot, nodes: list[Node]) -> list[Node]:
    """Return the nodes as whoever stands at the spot takes them: no step back along a corridor."""
    one = building.space(spot.level, spot.space)
    if one.kind != "corridor":
        return nodes[1:]  # the first one only stood for the space
    start = _projected(one, here)
    if len(nodes) > 1 and _length(start, nodes[1]) < _length(nodes[0], nodes[1]) + 1e-6:
        on = _line(one)
        if nodes[0] in on and nodes[1] in on:
            nodes = nodes[1:]
    return [start, *nodes]


def via(spots: Sequence[Spot], habit: Habit) -> list[Way]:
    """Return the ways from each spot to the next."""
    return [way(a, b, habit) for a, b in pairwise(spots)]


def _laid(nodes: list[Node]) -> Way:
    points, pace, waits = _with_waits(nodes)
    bent, bent_pace, kept = _rounded(points, pace, waits)
    return _stepped(bent, bent_pace, kept)


def _with_waits(nodes: list[Node]) -> tuple[np.ndarray, np.ndarray, dict[int, int]]:
    """Return points (n, 3), pace of the step that ends at each, where one waits for what."""
    points = [(x, y, LEVELS.index(level)) for level, x, y in nodes]
    steep = _steep()
    pace = [1.0] + [steep.get(step, 1.0) for step in pairwise(nodes)]
    for n, (a, b) in enumerate(pairwise(nodes)):
        if a[0] != b[0] and (a[1], a[2]) == _CAR:
            # Before the door of the lift: nodes n - 1 (door) and n (car) on this level.
            points.insert(n - 1, (_CAR[0], 18.7, LEVELS.index(a[0])))
            pace.insert(n - 1, 1.0)
            return np.array(points), np.array(pace), {n - 1: 0, n + 1: 1}
    return np.array(points), np.array(pace), {}


@functools.cache
def _steep() -> dict[tuple[Node, Node], float]:
    """Return the steps of the stairs, both ways, and how many times slower they are."""
    slow = {(a, b): pace for a, b, pace in graph(Habit()).edges(data="pace") if pace is not None}
    return slow | {(b, a): pace for (a, b), pace in slow.items()}


def _rounded(
    points: np.ndarray, pace: np.ndarray, waits: dict[int, int]
) -> tuple[np.ndarray, np.ndarray, dict[int, int]]:
    """Return the points with each corner replaced by a bow of five."""
    if len(points) < 3:
        return points, pace, waits
    at = points[1:-1, :2]
    steps = np.diff(points[:, :2], axis=0)
    lengths = np.sqrt((steps**2).sum(axis=1))
    radius = np.minimum(0.48 * np.minimum(lengths[:-1], lengths[1:]), _CORNER_M)
    unit = steps / np.maximum(lengths, 1e-9)[:, None]
    start, end = at - unit[:-1] * radius[:, None], at + unit[1:] * radius[:, None]
    bows = _BOW[0] * start[:, None] + _BOW[1] * at[:, None] + _BOW[2] * end[:, None]
    level = np.repeat(points[1:-1, 2], 5)
    middle = np.column_stack([bows.reshape(-1, 2), level])
    paces = np.column_stack([pace[1:-1], np.repeat(pace[1:-1, None], 2, 1), pace[2:], pace[2:]])
    bent = np.vstack([points[:1], middle, points[-1:]])
    return (
        bent,
        np.concatenate([pace[:1], paces.reshape(-1), pace[-1:]]),
        {1 + (n - 1) * 5 + 2: kind for n, kind in waits.items()},
    )


def _stepped(points: np.ndarray, pace: np.ndarray, waits: dict[int, int]) -> Way:
    """Return the way in even steps, with its sides and how much room there is."""
    gone = np.hypot(np.diff(points[:, 0]), np.diff(points[:, 1]))
    along = np.concatenate([[0.0], np.cumsum(gone)])
    total = along[-1]
    changes = np.nonzero(np.diff(points[:, 2]))[0]
    marks = [along[c] for c in changes] + [along[n] for n in waits]
    even = np.linspace(0, total, max(int(np.ceil(total / STEP_M)) + 1, 2))
    at = np.sort(np.concatenate([even, marks, [along[c] for c in changes]]))
    x, y = (np.interp(at, along, points[:, n]) for n in (0, 1))
    level = np.full(len(at), int(points[0, 2]))
    for c in changes:
        # Two points at the one place of the change: the first below, the second above.
        where = np.searchsorted(at, along[c], side="left") + 1
        level[where:] = int(points[c + 1, 2])
    slow = pace[np.clip(np.searchsorted(along, at, side="left"), 1, len(along) - 1)]
    stops = tuple(
        int(np.searchsorted(at, along[n], side="left"))
        for n, _ in sorted(waits.items(), key=lambda item: item[1])
    )
    dx, dy = _smooth_direction(x, y)
    return Way(x, y, level, at, slow, _room(x, y, level), dy, -dx, stops)


def _smooth_direction(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    n = len(x)
    if n < 6:
        dx, dy = np.full(n, x[-1] - x[0]), np.full(n, y[-1] - y[0])
    else:
        dx, dy = np.empty(n), np.empty(n)
        for values, out in ((x, dx), (y, dy)):
            out[2:-2] = values[4:] - values[:-4]
            out[:2], out[-2:] = values[3] - values[0], values[-1] - values[-4]
    size = np.maximum(np.hypot(dx, dy), 1e-9)
    return dx / size, dy / size


def _room(x: np.ndarray, y: np.ndarray, level: np.ndarray) -> np.ndarray:
    """Return how far beside the line one may walk: never through a wall, calm from step to step."""
    free = _free()[(level, *building.cell_of(x, y))]
    n, wide = len(free), 2 * _CALM + 1
    padded = np.concatenate([np.full(_CALM, free[0]), free, np.full(_CALM, free[-1])])
    least = padded[:n]
    for shift in range(1, wide):
        least = np.minimum(least, padded[shift : shift + n])
    sums = np.zeros(n + wide)
    ends = np.concatenate([np.full(_CALM, least[0]), least, np.full(_CALM, least[-1])])
    np.cumsum(ends, out=sums[1:])
    return (sums[wide:] - sums[:-wide]) / wide


@functools.cache
def _free() -> np.ndarray:
    """Return how far one may keep aside in each cell of each level, in metres."""
    wall = np.stack([building.clearance(level) for level in LEVELS])
    return np.clip(wall - _WALL_M, 0.0, 1.1)


def reachable() -> set[tuple[str, str]]:
    """Return the spaces that can be walked to from the lobby, as (level, name)."""
    lobby = _anchor(building.space(GROUND, "Lobby"))
    there = nx.node_connected_component(graph(Habit()), lobby)
    return {
        (one.level, one.name)
        for one in SPACES
        if any(node in there for opening in _openings(one) for node in _portals(opening))
    }


__all__ = ["OUTSIDE", "Habit", "Spot", "Way", "graph", "metres", "reachable", "via", "way"]
