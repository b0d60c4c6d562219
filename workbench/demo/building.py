"""The building of the demo: spaces, openings and walls of two levels, as plain geometry in metres.

Every space is a rectangle. Walls follow from their outlines, less the openings; what a camera can
see and how far a wall is away is worked out once for each cell of a fine grid.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

GROUND, FIRST = "ground floor", "first floor"
LEVELS = (GROUND, FIRST)
WIDTH_M, DEPTH_M = 64.0, 36.0
CELL_M = 0.25
OUTSIDE = "outside"

_DOOR_M = 0.55  # half the width of a door


@dataclass(frozen=True, slots=True)
class Space:
    """A room or a stretch of corridor: a rectangle from (x0, y0) to (x1, y1) on one level.

    ``kind``: office, meeting, open (lobby, lounge, canteen), corridor, stairs, lift or service.
    """

    name: str
    level: str
    kind: str
    x0: float
    y0: float
    x1: float
    y1: float

    @property
    def middle(self) -> tuple[float, float]:
        """Return the middle of the rectangle."""
        return (self.x0 + self.x1) / 2, (self.y0 + self.y1) / 2

    @property
    def lengthwise(self) -> bool:
        """Return whether it is longer from west to east than from south to north."""
        return self.x1 - self.x0 >= self.y1 - self.y0


@dataclass(frozen=True, slots=True)
class Opening:
    """Where a wall lets people through: a door, or a wide opening that one can see through.

    It lies on the line x = `at` (``upright``) or y = `at`, from `low` to `high`, between spaces
    `a` and `b`.
    """

    level: str
    a: str
    b: str
    upright: bool
    at: float
    low: float
    high: float
    open: bool = False

    @property
    def middle(self) -> tuple[float, float]:
        """Return the middle of the opening."""
        across = (self.low + self.high) / 2
        return (self.at, across) if self.upright else (across, self.at)


@dataclass(frozen=True, slots=True)
class Eye:
    """A camera of the building.

    ``orientation`` in degrees clockwise from north (+y), ``range_m`` how far it tells a person.
    """

    id: str
    name: str
    location: str
    level: str
    x: float
    y: float
    z: float
    orientation: float
    fov: float
    range_m: float
    spot: tuple[float, float]


def _rooms(
    level: str, kind: str, y0: float, y1: float, **spans: tuple[float, float]
) -> list[Space]:
    return [
        Space(name.replace("_", " "), level, kind, x0, y0, x1, y1)
        for name, (x0, x1) in spans.items()
    ]


def _frame(level: str) -> list[Space]:
    """Return what both levels share: corridors, passages, stairs and the core."""
    return [
        Space("Main corridor", level, "corridor", 0, 12, 64, 15),
        Space("North corridor", level, "corridor", 0, 26, 64, 28.5),
        Space("West passage", level, "corridor", 13, 15, 16, 20),
        Space("West link", level, "corridor", 13, 20, 16, 26),
        Space("East passage", level, "corridor", 48, 15, 51, 20),
        Space("East link", level, "corridor", 48, 20, 51, 26),
        Space("Main stairs", level, "stairs", 26, 15, 30, 22),
        Space("East stairs", level, "stairs", 60, 15, 64, 22),
        Space("Lift lobby", level, "open", 30, 15, 36, 20),
        Space("Lift", level, "lift", 30, 20, 33, 22),
        Space("Plant", level, "service", 26, 22, 33, 26),
        Space("Store", level, "service", 33, 20, 36, 26),
        Space("Toilets", level, "service", 36, 15, 40, 26),
        Space("Cleaning", level, "service", 60, 22, 64, 26),
    ]


_S, _N = (0.0, 12.0), (28.5, 36.0)

SPACES: tuple[Space, ...] = (
    *_frame(GROUND),
    *_rooms(GROUND, "service", *_S, Workshop=(0, 14), Post_room=(14, 24)),
    *_rooms(GROUND, "open", *_S, Lobby=(24, 40), Canteen=(40, 64)),
    Space("Seminar room", GROUND, "meeting", 0, 15, 13, 26),
    Space("Sales", GROUND, "office", 16, 15, 26, 26),
    Space("Meeting G.1", GROUND, "meeting", 40, 15, 48, 20),
    Space("Meeting G.2", GROUND, "meeting", 40, 20, 48, 26),
    Space("Training", GROUND, "meeting", 51, 15, 60, 26),
    *_rooms(GROUND, "office", *_N, Logistics=(0, 12), Operations=(12, 24)),
    *_rooms(GROUND, "service", *_N, Archive=(24, 33)),
    *_rooms(GROUND, "office", *_N, Purchasing=(33, 44), IT=(44, 54), Customer_care=(54, 64)),
    *_frame(FIRST),
    *_rooms(FIRST, "office", *_S, Engineering=(0, 14), Design=(14, 24)),
    *_rooms(FIRST, "open", *_S, Lounge=(24, 40)),
    *_rooms(FIRST, "office", *_S, Finance=(40, 52), Legal=(52, 64)),
    Space("Meeting 1.1", FIRST, "meeting", 0, 15, 13, 20),
    Space("Meeting 1.2", FIRST, "meeting", 0, 20, 13, 26),
    Space("Research", FIRST, "office", 16, 15, 26, 26),
    Space("Board room", FIRST, "meeting", 40, 15, 48, 26),
    Space("Marketing", FIRST, "office", 51, 15, 60, 26),
    *_rooms(FIRST, "office", *_N, Software=(0, 13), Data=(13, 24)),
    *_rooms(FIRST, "open", *_N, Printers=(24, 29)),
    *_rooms(FIRST, "meeting", *_N, Quiet_room=(29, 34)),
    *_rooms(FIRST, "office", *_N, People_team=(34, 44), Management=(44, 54), Support=(54, 64)),
)


def _wide(level: str, a: str, b: str, at: float, low: float, high: float) -> Opening:
    return Opening(level, a, b, False, at, low, high, open=True)


def _across(level: str, room: str, corridor: str, at: float, x: float) -> Opening:
    return Opening(level, room, corridor, False, at, x - _DOOR_M, x + _DOOR_M)


def _beside(level: str, room: str, corridor: str, at: float, y: float) -> Opening:
    return Opening(level, room, corridor, True, at, y - _DOOR_M, y + _DOOR_M)


def _frame_openings(level: str) -> list[Opening]:
    main, north = "Main corridor", "North corridor"
    return [
        _wide(level, "West passage", main, 15, 13.3, 15.7),
        _wide(level, "East passage", main, 15, 48.3, 50.7),
        _across(level, "West link", "West passage", 20, 14.5),
        _across(level, "East link", "East passage", 20, 49.5),
        _wide(level, "West link", north, 26, 13.3, 15.7),
        _wide(level, "East link", north, 26, 48.3, 50.7),
        _wide(level, "Main stairs", main, 15, 26.4, 29.6),
        _wide(level, "East stairs", main, 15, 60.4, 63.6),
        _wide(level, "Lift lobby", main, 15, 30.6, 35.4),
        _across(level, "Lift", "Lift lobby", 20, 31.5),
        _across(level, "Plant", north, 26, 29.5),
        _across(level, "Store", north, 26, 34.5),
        _across(level, "Toilets", main, 15, 38),
        _across(level, "Cleaning", north, 26, 62),
    ]


def _doors(level: str, corridor: str, at: float, **where: float) -> list[Opening]:
    return [_across(level, name.replace("_", " "), corridor, at, x) for name, x in where.items()]


OPENINGS: tuple[Opening, ...] = (
    *_frame_openings(GROUND),
    Opening(GROUND, "Lobby", OUTSIDE, False, 0, 30.6, 33.4),
    Opening(GROUND, "Main corridor", OUTSIDE, True, 0, 12.7, 14.3),
    _wide(GROUND, "Lobby", "Main corridor", 12, 26.5, 37.5),
    Opening(GROUND, "Canteen", "Lobby", True, 40, 3.0, 7.0, open=True),
    *_doors(GROUND, "Main corridor", 12, Workshop=7, Post_room=19, Canteen=52),
    *_doors(GROUND, "Main corridor", 15, Sales=21),
    _beside(GROUND, "Seminar room", "West passage", 13, 18),
    _beside(GROUND, "Meeting G.1", "East passage", 48, 17.5),
    _beside(GROUND, "Meeting G.2", "East link", 48, 23),
    _beside(GROUND, "Training", "East passage", 51, 18),
    *_doors(GROUND, "North corridor", 28.5, Logistics=6, Operations=18, Archive=28.5),
    *_doors(GROUND, "North corridor", 28.5, Purchasing=38.5, IT=49, Customer_care=59),
    *_frame_openings(FIRST),
    _wide(FIRST, "Lounge", "Main corridor", 12, 27.5, 36.5),
    *_doors(FIRST, "Main corridor", 12, Engineering=7, Design=19, Finance=46, Legal=58),
    *_doors(FIRST, "Main corridor", 15, Research=21),
    _beside(FIRST, "Meeting 1.1", "West passage", 13, 17.5),
    _beside(FIRST, "Meeting 1.2", "West link", 13, 23),
    _beside(FIRST, "Board room", "East passage", 48, 18),
    _beside(FIRST, "Marketing", "East passage", 51, 18),
    *_doors(FIRST, "North corridor", 28.5, Software=6.5, Data=18.5, Quiet_room=31.5),
    _wide(FIRST, "Printers", "North corridor", 28.5, 24.5, 28.5),
    *_doors(FIRST, "North corridor", 28.5, People_team=39, Management=49, Support=59),
)

EYES: tuple[Eye, ...] = (
    Eye("cam_01", "Main entrance", "lobby, north-west corner, over the entrance and reception",
        GROUND, 24.4, 11.6, 3.4, 131, 80, 15.0, (32, 5)),
    Eye("cam_02", "Canteen counter", "canteen, north-east corner, over the counter",
        GROUND, 63.5, 11.5, 3.0, 222, 84, 14.0, (57, 5)),
    Eye("cam_03", "Delivery entrance", "main corridor, west end, facing the side entrance",
        GROUND, 12.8, 14.7, 2.8, 266, 66, 13.5, (5, 13.5)),
    Eye("cam_04", "Lift lobby", "ground floor, above the lift, facing the main corridor",
        GROUND, 33.0, 19.7, 2.8, 180, 96, 12.0, (33, 14.5)),
    Eye("cam_05", "East stairs", "main corridor, facing the stairs at the east end",
        GROUND, 51.2, 12.3, 2.8, 84, 66, 13.5, (57, 13.5)),
    Eye("cam_06", "West passage", "main corridor, facing north into the west passage",
        GROUND, 14.5, 12.3, 2.8, 0, 68, 12.0, (14.5, 17)),
    Eye("cam_07", "East passage", "main corridor, facing north into the east passage",
        GROUND, 49.5, 12.3, 2.8, 0, 68, 12.0, (49.5, 17)),
    Eye("cam_08", "Lift lobby upstairs", "first floor, above the lift, facing the main corridor",
        FIRST, 33.0, 19.7, 2.8, 180, 96, 12.0, (33, 14.5)),
    Eye("cam_09", "Coffee corner", "lounge, south-west corner",
        FIRST, 24.4, 0.5, 3.0, 48, 92, 14.5, (32, 5)),
    Eye("cam_10", "West corridor", "main corridor upstairs, facing west to the passage",
        FIRST, 25.6, 14.7, 2.8, 266, 64, 14.0, (20, 13.5)),
    Eye("cam_11", "East stairs upstairs", "main corridor upstairs, facing east to the stairs",
        FIRST, 47.0, 12.3, 2.8, 84, 66, 15.0, (55, 13.5)),
    Eye("cam_12", "North-west corridor", "north corridor, west end, facing east",
        FIRST, 0.4, 27.3, 2.8, 90, 66, 15.0, (8, 27.25)),
    Eye("cam_13", "Printers", "north corridor, facing the printers",
        FIRST, 35.6, 26.3, 2.8, 285, 70, 13.5, (28, 27.25)),
    Eye("cam_14", "North-east corridor", "north corridor, east end, facing west",
        FIRST, 63.6, 27.3, 2.8, 270, 66, 15.0, (56, 27.25)),
)  # fmt: skip

NEIGHBOURS: tuple[tuple[int, int], ...] = (
    (1, 2), (1, 4), (1, 6), (1, 7), (2, 5), (3, 6), (4, 6), (4, 7), (5, 7), (6, 7),
    (4, 8), (5, 11), (8, 9), (8, 10), (8, 11), (9, 10), (9, 11), (10, 12), (11, 14),
    (12, 13), (13, 14),
)  # fmt: skip
"""Cameras between which no other one looks, by number."""


@functools.cache
def space(level: str, name: str) -> Space:
    """Return the space called `name` on a level."""
    return next(one for one in SPACES if (one.level, one.name) == (level, name))


@functools.cache
def walls(level: str, *, doors: bool = False) -> np.ndarray:
    """Return the walls of a level as segments (n, 4): x0, y0, x1, y1.

    With ``doors`` a door counts as wall, as it does to the eye; a wide opening never does.
    """
    found: list[tuple[float, float, float, float]] = []
    for upright in (True, False):
        lines: dict[float, list[tuple[float, float]]] = {}
        for one in (s for s in SPACES if s.level == level):
            sides = ((one.x0, one.y0, one.y1), (one.x1, one.y0, one.y1))
            if not upright:
                sides = ((one.y0, one.x0, one.x1), (one.y1, one.x0, one.x1))
            for at, low, high in sides:
                lines.setdefault(at, []).append((low, high))
        for at, spans in sorted(lines.items()):
            holes = [
                (o.low, o.high)
                for o in OPENINGS
                if o.level == level and o.upright == upright and o.at == at
                if o.open or not doors
            ]
            for low, high in _less(_united(spans), holes):
                found.append((at, low, at, high) if upright else (low, at, high, at))
    return np.array(found)


def _united(spans: list[tuple[float, float]]) -> list[tuple[float, float]]:
    out: list[tuple[float, float]] = []
    for low, high in sorted(spans):
        if out and low <= out[-1][1]:
            out[-1] = (out[-1][0], max(high, out[-1][1]))
        else:
            out.append((low, high))
    return out


def _less(
    spans: list[tuple[float, float]], holes: list[tuple[float, float]]
) -> list[tuple[float, float]]:
    out = spans
    for low, high in holes:
        cut = [part for a, b in out for part in ((a, min(b, low)), (max(a, high), b))]
        out = [(a, b) for a, b in cut if b - a > 1e-9]
    return out


@functools.cache
def _cells() -> tuple[np.ndarray, np.ndarray]:
    x = (np.arange(round(WIDTH_M / CELL_M)) + 0.5) * CELL_M
    y = (np.arange(round(DEPTH_M / CELL_M)) + 0.5) * CELL_M
    across, up = np.meshgrid(x, y, indexing="ij")
    return across, up


@functools.cache
def clearance(level: str) -> np.ndarray:
    """Return the metres from the middle of each cell to the nearest wall, (256, 144)."""
    x, y = _cells()
    best = np.full(x.shape, np.inf)
    for x0, y0, x1, y1 in walls(level):
        dx = np.maximum(np.maximum(x0 - x, x - x1), 0.0)
        dy = np.maximum(np.maximum(y0 - y, y - y1), 0.0)
        np.minimum(best, dx * dx + dy * dy, out=best)
    return np.sqrt(best)


@functools.cache
def seen_by(level: str) -> np.ndarray:
    """Return for each cell of a level which cameras see it: bit n for camera n, (256, 144)."""
    x, y = _cells()
    seen = np.zeros(x.shape, dtype="int64")
    for number, eye in enumerate(EYES):
        if eye.level != level:
            continue
        east, north = x - eye.x, y - eye.y
        far = np.hypot(east, north)
        off = np.degrees(np.arctan2(east, north)) - eye.orientation
        inside = np.abs((off + 180) % 360 - 180) <= eye.fov / 2
        inside &= (far <= eye.range_m) & (far >= 0.8)
        at = inside.nonzero()
        clear = _in_sight(eye, x[at], y[at])
        seen[at[0][clear], at[1][clear]] |= 1 << number
    return seen


def _in_sight(eye: Eye, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return which spots no wall hides: the line to the eye crosses none."""
    clear = np.ones(len(x), dtype=bool)
    for x0, y0, x1, y1 in walls(eye.level, doors=True):
        # Walls run along an axis: where does the line of sight cross the wall's line?
        (a, b), (c, d) = ((eye.x, x), (eye.y, y)) if x0 == x1 else ((eye.y, y), (eye.x, x))
        at, low, high = (x0, y0, y1) if x0 == x1 else (y0, x0, x1)
        crosses = (a - at) * (b - at) < 0
        with np.errstate(divide="ignore", invalid="ignore"):
            where = c + (d - c) * (at - a) / (b - a)
        clear &= ~(crosses & (where > low) & (where < high))
    return clear


def cell_of(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the cell of each spot; what lies outside falls into the nearest one."""
    column = np.minimum((x / CELL_M).astype("int64"), round(WIDTH_M / CELL_M) - 1)
    row = np.minimum((y / CELL_M).astype("int64"), round(DEPTH_M / CELL_M) - 1)
    return np.maximum(column, 0), np.maximum(row, 0)
