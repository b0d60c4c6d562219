"""Where words stand on a map, so that none covers another: greedy, in the order asked.

What a label covers depends on how wide the reader's window is, which nobody knows: places are
chosen for a narrow one (700 px), and on a wider one the same labels are farther apart.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

CHARACTER_PX = 7.0
"""Width of a character of size 12 in the widest of our fonts."""
_LINE_PX = 16.0
_DOT_PX = 6.4  # radius of a usual dot
INK_PX = 5.0
"""How far apart the points are by which a drawing says where it has ink."""
_INK_WEIGHT = 0.5
_AROUND = (
    (30, 24), (-30, 24), (30, -24), (-30, -24), (0, 30), (0, -30), (44, 0), (-44, 0),
    (54, 44), (-54, 44), (54, -44), (-54, -44), (0, 58), (0, -58), (84, 20), (-84, 20),
    (84, -20), (-84, -20), (90, 66), (-90, 66), (90, -66), (-90, -66), (0, 86), (0, -86),
)  # fmt: skip

_TIGHT = (
    (0, 17), (0, -17), (17, 0), (-17, 0), (12, 15), (-12, 15), (12, -15), (-12, -15),
    (0, 27), (0, -27), (27, 0), (-27, 0), (20, 24), (-20, 24), (20, -24), (-20, -24),
)  # fmt: skip
_TAG_CHARACTER_PX, _TAG_PX = 6.2, 16.0

Box = tuple[float, float, float, float]


class Labels:
    """The labels of one pair of axes.

    Parameters
    ----------
    scale : float
        Pixels for one metre, in a narrow window.
    across, up : sequence of float
        Ranges of the two axes, in metres.
    """

    def __init__(self, scale: float, across: list[float], up: list[float]) -> None:
        self.scale = scale
        self._low = np.array([across[0], up[0]])
        wide, high = (across[1] - across[0]) * scale, (up[1] - up[0]) * scale
        self._edge: Box = (-40.0, -8.0, wide + 16.0, high + 8.0)
        self._taken = np.empty((0, 4))
        self._marks = np.empty((0, 2))
        self._ink = np.empty((0, 2))

    def block(self, points: np.ndarray, half_px: float) -> None:
        """Let no label cover these points, (n, 2) in metres."""
        at = self._px(points)
        self._taken = np.vstack([self._taken, np.hstack([at - half_px, at + half_px])])

    def avoid(self, points: np.ndarray) -> None:
        """Let labels cover as few of these points as can be: a path stays readable."""
        self._marks = np.vstack([self._marks, self._px(points)])

    def spare(self, points: np.ndarray) -> None:
        """Let labels cover few of these points too: what is written on a floor plan."""
        self._ink = np.vstack([self._ink, self._px(points)])

    def copy(self) -> Labels:
        """Return the same, to go on with on its own."""
        other = Labels.__new__(Labels)
        other.scale, other._low, other._edge = self.scale, self._low, self._edge
        other._taken, other._marks, other._ink = self._taken, self._marks, self._ink
        return other

    def beside(
        self,
        x: float,
        y: float,
        text: str,
        prefer: str,
        *,
        radius_px: float = _DOT_PX,
        always: bool = False,
    ) -> str:
        """Return a plotly textposition at which a name covers nothing, or "" if there is none.

        A larger dot holds its name farther away. `always` is as for :meth:`near`.
        """
        wide = len(text) * CHARACTER_PX
        half, away = wide / 2, (radius_px - _DOT_PX) / 0.8
        aside, up = 5 + away + half, 14 + away
        spots = {
            "middle right": (9 + away + half, 0.0),
            "middle left": (-9 - away - half, 0.0),
            "top center": (0.0, 15.0 + away),
            "bottom center": (0.0, -15.0 - away),
            "top right": (aside, up),
            "top left": (-aside, up),
            "bottom right": (aside, -up),
            "bottom left": (-aside, -up),
        }
        order = sorted(spots, key=lambda name: name != prefer)
        boxes = [self._box(x, y, *spots[name], wide, _LINE_PX - 1) for name in order]
        best = self._best(boxes, patience=0.34, always=always)
        if best is None:
            return ""
        self._taken = np.vstack([self._taken, boxes[best]])
        return order[best]

    def near(
        self, x: float, y: float, text: str, *, always: bool = False
    ) -> tuple[int, int] | None:
        """Return where a note stands from its point (px right, px up), or None if nowhere.

        With `always` it stands somewhere, at the place where it covers least.
        """
        wide = len(text) * CHARACTER_PX + 8
        offsets = [(dx + np.sign(dx) * wide / 2, dy) for dx, dy in _AROUND]
        boxes = [self._box(x, y, dx, dy, wide, _LINE_PX + 6) for dx, dy in offsets]
        best = self._best(boxes, patience=0.12, always=always)
        if best is None:
            return None
        self._taken = np.vstack([self._taken, boxes[best]])
        return round(offsets[best][0]), round(offsets[best][1])

    def tag(self, x: float, y: float, text: str) -> tuple[int, int] | None:
        """Return where a small tag stands close to its point (px right, px up), or None."""
        wide = len(text) * _TAG_CHARACTER_PX + 6
        offsets = [(dx + np.sign(dx) * (wide / 2 - 8), dy) for dx, dy in _TIGHT]
        boxes = [self._box(x, y, dx, dy, wide, _TAG_PX) for dx, dy in offsets]
        best = self._best(boxes, patience=0.25)
        if best is None:
            return None
        self._taken = np.vstack([self._taken, boxes[best]])
        return round(offsets[best][0]), round(offsets[best][1])

    def _px(self, points: np.ndarray) -> np.ndarray:
        return (np.asarray(points, dtype="float64").reshape(-1, 2) - self._low) * self.scale

    def _box(self, x: float, y: float, dx: float, dy: float, wide: float, high: float) -> Box:
        (px, py), *_ = self._px(np.array([x, y]))
        left, low = px + dx - wide / 2, py + dy - high / 2
        return (left, low, left + wide, low + high)

    def _best(self, boxes: list[Box], patience: float, *, always: bool = False) -> int | None:
        """Return which box is free and covers least; a later one must be better to be taken.

        With `always` the one that covers least where none is free.
        """
        taken = [self._overlap(box) for box in boxes]
        free = [i for i, shared in enumerate(taken) if not shared]
        if not free and always:
            return taken.index(min(taken))
        return min(free, key=lambda i: self._covered(boxes[i]) + patience * i, default=None)

    def _overlap(self, box: Box) -> float:
        return _outside(box, self._edge) + _shared(box, self._taken)

    def _covered(self, box: Box) -> float:
        return _inside(self._marks, box) + _INK_WEIGHT * _inside(self._ink, box)


def _inside(points: np.ndarray, box: Box) -> int:
    x, y = points[:, 0], points[:, 1]
    return int(((x > box[0]) & (x < box[2]) & (y > box[1]) & (y < box[3])).sum())


def _shared(box: Box, others: np.ndarray) -> float:
    sides = np.minimum(others[:, 2:], box[2:]) - np.maximum(others[:, :2], box[:2])
    return float(sides.clip(0).prod(axis=1).sum())


def _outside(box: Box, edge: Box) -> float:
    parts: Iterable[float] = (
        edge[0] - box[0],
        edge[1] - box[1],
        box[2] - edge[2],
        box[3] - edge[3],
    )
    return 100.0 * sum(max(part, 0.0) for part in parts)
