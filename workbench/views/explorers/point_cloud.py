"""Up to a million points to play with, drawn by WebGL2, with a timeline linked to them.

The browser's part is ``point_cloud.js`` beside this file: it draws, picks and plays by itself, so
that a frame or a brush waits for no kernel; what was clicked, drawn around or brushed comes back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from workbench.errors import InvalidInputError, MissingExtraError
from workbench.views.explorers.point_data import (
    Colours,
    Ground,
    Mark,
    Places,
    plain,
)
from workbench.views.style import ThemeName
from workbench.views.style import theme as theme_of

try:
    import anywidget
    import traitlets
except ImportError as error:
    raise MissingExtraError(
        f"A widget needs a package that is not installed ({error}).",
        next='pip install "identity-workbench[lab]"',
    ) from error

__all__ = ["Ground", "Mark", "PointCloud"]

_SENT_LABELS = 5_000  # more labels than these stay here, and the browser asks for one at a time
Point = Callable[[int], object]


def _bytes() -> Any:
    # From the browser bytes come as a memoryview, and an echo of a large selection helps nobody.
    trait = traitlets.Bytes(b"")
    return trait.tag(sync=True, echo_update=False, from_json=lambda value, _: bytes(value))


def _synced(trait: Any) -> Any:
    return trait.tag(sync=True)


class PointCloud(anywidget.AnyWidget):
    """Points on a map or a projection, to zoom, point at, draw around, brush by time and play.

    Indices given and returned are rows of the arrays given. Rows whose place (or time, if there are
    times) is missing are left out and counted (:attr:`left_out`).

    Parameters
    ----------
    x, y : array of float, (n,)
    codes : array of int, (n,), optional
        Class of each point: a place in `palette`; -1 is unknown, drawn grey.
    palette : sequence of str, optional
        A colour ``#rrggbb`` a class; else those of ``views.style.class_colours``. A colour that the
        surface would swallow is drawn a little nearer to the ink.
    values : array of float, (n,), optional
        Instead of `codes`: drawn in viridis with a colour bar; missing values are grey.
    seconds : array of float, (n,), optional
        Time of each point in seconds since any origin: a timeline to brush stands below the points.
    labels : sequence of str, optional
        What is said of each point under the mouse.
    equal_axes : bool or float
        True for a map: a unit is as long upwards as sideways. A number: that many times as long
        (degrees: ``1 / cos(latitude)``).
    ground : sequence of Ground, optional
        Images below the points.
    marks : sequence of Mark, optional
        Markers, lines and areas over the points.
    height : int
        Height of the picture in CSS pixels, without the timeline.
    theme : {"light", "dark"}
    x_title, y_title : str
        Titles of the axes.
    names : sequence of str, optional
        Name of each class, for the legend; without them there is none.
    values_title : str
        What the colour bar stands for.
    hover : callable, optional
        ``hover(index)`` returns what is said of a point under the mouse; a line a line of text.
    clock : pandas.Timestamp, optional
        The aware time at which ``seconds`` is 0: the timeline then says times of day.
    display_tz : str
        Time zone of these times.
    controls : bool
        False leaves out the buttons to play, for a caller that has some.

    Attributes
    ----------
    clicked : int or None
        Point that was clicked last.
    hovered : int or None
        Point under the mouse.
    brush : (float, float) or None
        Stretch of time brushed with the mouse, in seconds; None for all of it.
    time_window : (float, float) or None
        Stretch of time shown, both ends in it; follows `brush`, and can be set.
    now : float or None
        When set, points up to it are drawn: those of the last `trail_s` brightly, older ones faded.
    trail_s : float
        Length of the bright trail in seconds.
    playing : bool
        Whether `now` runs by itself, in the browser.
    speed : float
        Seconds of `now` a second.
    tool : {"pan", "lasso", "box"}
        What dragging the mouse does.
    ground, marks : list
        As given; can be set anew.

    Raises
    ------
    InvalidInputError
        When arrays differ in length, or a colour, a code or a time is none.

    Examples
    --------
    >>> cloud = PointCloud([0.0, 1.0, float("nan")], [0.0, 1.0, 2.0], codes=[0, 1, 0])
    >>> cloud
    PointCloud(2 points, 1 left out)
    >>> cloud.select([1])
    >>> cloud.selected().tolist()
    [1]
    """

    _esm = Path(__file__).with_name("point_cloud.js")
    _css = Path(__file__).with_name("point_cloud.css")

    _points, _codes, _ticks = _bytes(), _bytes(), _bytes()
    _mask, _selection = _bytes(), _bytes()
    _frame, _colours, _look = (_synced(traitlets.Dict()) for _ in range(3))
    _ground, _marks = _synced(traitlets.List()), _synced(traitlets.List())
    _labels = _synced(traitlets.List())
    _asks = _synced(traitlets.Bool(False))
    _click, _hover_text = _synced(traitlets.List()), _synced(traitlets.List())
    _hovered = _synced(traitlets.Int(-1))

    height = _synced(traitlets.Int(480, min=120))
    equal_axes = _synced(traitlets.Float(0.0))
    x_title, y_title = _synced(traitlets.Unicode("")), _synced(traitlets.Unicode(""))
    brush = _synced(traitlets.Any(None, allow_none=True))
    time_window = _synced(traitlets.Any(None, allow_none=True))
    now = _synced(traitlets.Float(None, allow_none=True))
    trail_s = _synced(traitlets.Float(60.0, min=0.0))
    playing = _synced(traitlets.Bool(False))
    speed = _synced(traitlets.Float(1.0))
    controls = _synced(traitlets.Bool(True))
    tool = _synced(traitlets.Enum(["pan", "lasso", "box"], "pan"))
    clicked = traitlets.Int(None, allow_none=True)
    hovered = traitlets.Int(None, allow_none=True)

    def __init__(
        self,
        x: Any,
        y: Any,
        *,
        codes: Any = None,
        palette: Sequence[str] | None = None,
        values: Any = None,
        seconds: Any = None,
        labels: Sequence[object] | None = None,
        equal_axes: bool | float = False,
        ground: Sequence[Ground] | None = None,
        marks: Sequence[Mark] | None = None,
        height: int = 480,
        theme: ThemeName = "light",
        x_title: str = "",
        y_title: str = "",
        names: Sequence[object] | None = None,
        values_title: str = "",
        hover: Callable[[int], object] | None = None,
        clock: pd.Timestamp | None = None,
        display_tz: str = "UTC",
        controls: bool = True,
    ) -> None:
        look = theme_of(theme)
        places = Places.of(x, y, seconds, clock, display_tz)
        super().__init__(
            height=height,
            equal_axes=float(equal_axes),
            controls=controls,
            x_title=plain(x_title),
            y_title=plain(y_title),
            _points=places.points,
            _ticks=places.ticks,
            _frame=places.frame,
            _look=_ink(look),
        )
        self._places = places
        self._theme = look
        self._hover = self._speaker(labels, hover)
        self._told: dict[str, list[Callable[[Any], object]]] = {"click": [], "select": []}
        self.add_class("wb-cloud-widget")
        # Played through in a minute, unless the caller knows better.
        span = places.frame["end"] - places.frame["start"]
        self.speed, self.trail_s = max(1.0, span / 60), max(1.0, span / 40)
        self.colour_by(
            codes=codes, palette=palette, values=values, names=names, values_title=values_title
        )
        self.ground = ground or ()
        self.marks = marks or ()
        self.observe(self._on_click, "_click")
        self.observe(self._on_hover, "_hovered")
        self.observe(self._on_selection, "_selection")

    @traitlets.validate("time_window", "brush")
    def _check_window(self, proposal: Any) -> tuple[float, float] | None:
        return _window(proposal["value"], proposal["trait"].name)

    def __repr__(self) -> str:
        out = f", {self.left_out:,} left out" if self.left_out else ""
        return f"PointCloud({len(self._places.rows):,} points{out})"

    @property
    def left_out(self) -> int:
        """How many rows have no place (or no time) and are not drawn."""
        return self._places.n - len(self._places.rows)

    @property
    def ground(self) -> list[Ground]:
        """The images below the points."""
        return list(self._grounds)

    @ground.setter
    def ground(self, images: Sequence[Ground]) -> None:
        self._grounds = list(images)
        self._ground = [image.sent() for image in self._grounds]

    @property
    def marks(self) -> list[Mark]:
        """The markers, lines and areas over the points."""
        return list(self._drawn)

    @marks.setter
    def marks(self, marks: Sequence[Mark]) -> None:
        self._drawn = list(marks)
        self._marks = [mark.sent() for mark in self._drawn]

    def colour_by(
        self,
        *,
        codes: Any = None,
        palette: Sequence[str] | None = None,
        values: Any = None,
        names: Sequence[object] | None = None,
        values_title: str = "",
    ) -> None:
        """Colour the points anew, by classes or by values, as when they were made.

        Raises
        ------
        InvalidInputError
            When both are given, the length differs from that of the points, or a colour is none.
        """
        colours = Colours.of(
            self._places.n,
            codes=codes,
            palette=palette,
            values=values,
            names=names,
            title=values_title,
            look=self._theme,
        )
        with self.hold_sync():
            self._codes = colours.codes[self._places.rows].tobytes()
            self._colours = colours.sent(self._places.rows)

    def selected(self) -> np.ndarray:
        """Return the rows selected, ascending."""
        places = np.frombuffer(self._selection, dtype="<u4")
        there = np.zeros(self._places.n, dtype=bool)
        there[self._places.rows[places[places < len(self._places.rows)]]] = True
        return np.flatnonzero(there)

    def select(self, indices: Any) -> None:
        """Select these rows instead of those selected; rows that are left out are passed over.

        Raises
        ------
        InvalidInputError
            When there is no such row.
        """
        chosen = np.unique(np.asarray(indices, dtype=np.int64).ravel())
        if len(chosen) and (chosen[0] < 0 or chosen[-1] >= self._places.n):
            raise InvalidInputError(
                f"There are {self._places.n:,} points; {chosen[0]} to {chosen[-1]} were asked for.",
                where="indices",
                next="Give rows of the arrays the points were made of.",
            )
        inside = np.isin(self._places.rows, chosen)
        self._selection = np.flatnonzero(inside).astype("<u4").tobytes()

    def show(self, mask: Any | None = None) -> None:
        """Show the rows where `mask` is true and hide the others; None shows all.

        Raises
        ------
        InvalidInputError
            When the mask is not as long as the points.
        """
        if mask is None:
            self._mask = b""
            return
        shown = np.asarray(mask, dtype=bool)
        if shown.shape != (self._places.n,):
            raise InvalidInputError(
                f"The mask has the shape {shown.shape}; there are {self._places.n:,} points.",
                where="mask",
                next="Give one True or False for each point.",
            )
        # An empty mask means all: one byte more tells "none of none" from it.
        packed = np.packbits(shown[self._places.rows], bitorder="little")
        self._mask = packed.tobytes() + b"\0"

    def on_select(self, fn: Callable[[np.ndarray], object]) -> None:
        """Call `fn(indices)` whenever the selection changes."""
        self._told["select"].append(fn)

    def on_click(self, fn: Callable[[int], object]) -> None:
        """Call `fn(index)` whenever a point is clicked, the same one again too."""
        self._told["click"].append(fn)

    def on_brush(self, fn: Callable[[tuple[float, float] | None], object]) -> None:
        """Call `fn((start, end))` in seconds while and after the timeline is brushed.

        It is called with None when the brush is taken away.
        """
        self.observe(lambda change: fn(change["new"]), "brush")

    def _speaker(
        self, labels: Sequence[object] | None, hover: Callable[[int], object] | None
    ) -> Callable[[int], object] | None:
        if labels is not None:
            if len(labels) != self._places.n:
                raise InvalidInputError(
                    f"There are {len(labels):,} labels for {self._places.n:,} points.",
                    where="labels",
                    next="Give one label for each point.",
                )
            if hover is None and self._places.n <= _SENT_LABELS:
                self._labels = [plain(labels[row]) for row in self._places.rows]
                return None
        kept = labels
        speaker = hover or (None if kept is None else lambda index: kept[index])
        self._asks = speaker is not None
        return speaker

    def _on_click(self, change: Any) -> None:
        if not change["new"]:
            return
        index = self._row(change["new"][0])
        self.clicked = index
        if index is not None:
            for fn in self._told["click"]:
                fn(index)

    def _on_hover(self, change: Any) -> None:
        self.hovered = self._row(change["new"])
        if self.hovered is not None and self._hover is not None:
            self._hover_text = [change["new"], plain(self._hover(self.hovered))]

    def _on_selection(self, change: Any) -> None:
        indices = self.selected()
        for fn in self._told["select"]:
            fn(indices)

    def _row(self, place: Any) -> int | None:
        rows = self._places.rows
        there = isinstance(place, int) and 0 <= place < len(rows)
        return int(rows[place]) if there else None


def _window(value: Any, where: str) -> tuple[float, float] | None:
    if value is None:
        return None
    try:
        begin, end = (float(bound) for bound in value)
    except (TypeError, ValueError):
        begin, end = np.nan, np.nan
    if not (np.isfinite(begin) and np.isfinite(end) and begin <= end):
        raise InvalidInputError(
            f"{value!r} is no stretch of time.",
            where=where,
            next="Give (start, end) in seconds, start before end, or None.",
        )
    return begin, end


def _ink(look: Any) -> dict[str, str]:
    names = ("name", "ink", "soft", "paper", "grid", "unknown", "edge", "veil", "button")
    return {name: getattr(look, name) for name in names}
