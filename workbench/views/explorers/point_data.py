"""Arrays as :class:`PointCloud` sends them: places, times, colours, images and marks, checked."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from workbench.errors import InvalidInputError
from workbench.views.style import OKABE_ITO, Theme, class_colours, escape, viridis

UNKNOWN_CODE = 0xFFFF
"""What is sent for a point whose class or value nobody knows."""
_SHADES = 256
_LEGEND = 24  # a longer legend is nobody's to read; the rest is counted
_LONGEST = 400  # characters of a line of text
_LINES = 14
_CONTRAST = 1.7  # below that, a dot of two pixels is lost on the surface
_COLOUR = re.compile(r"#[0-9A-Fa-f]{6}")


def plain(text: object) -> str:
    r"""Return text for a surface that never reads HTML: cleaned as everywhere, line by line.

    Examples
    --------
    >>> plain("<b>Ann</b>\nroom 1")
    '<b>Ann</b>\nroom 1'
    """
    if text is None:
        return ""
    lines = str(text).split("\n")[:_LINES]
    # `escape` takes out what turns or breaks a line; the browser sets the rest as text, unread.
    return "\n".join(html.unescape(escape(line, longest=_LONGEST)) for line in lines)


@dataclass(frozen=True)
class Ground:
    """An image below the points.

    Parameters
    ----------
    png : bytes
        A PNG, JPEG or WebP file.
    x0, y0, x1, y1 : float
        Where its left, lower, right and upper edge lie, in units of the points.
    opacity : float
        0 to 1.
    """

    png: bytes
    x0: float
    y0: float
    x1: float
    y1: float
    opacity: float = 1.0

    def sent(self) -> dict[str, Any]:
        """Return what the browser gets."""
        extent = [float(v) for v in (self.x0, self.y0, self.x1, self.y1)]
        if not np.isfinite(extent).all():
            raise InvalidInputError(
                f"An image cannot lie at {extent}.",
                where="ground",
                next="Give the edges as finite numbers, in units of the points.",
            )
        return {"png": bytes(self.png), "extent": extent, "opacity": float(self.opacity)}


@dataclass(frozen=True)
class Mark:
    """A marker, a line or an area over the points, with words if it has any.

    Parameters
    ----------
    x, y : float or sequence of float
        Its corners; a line or area that breaks has a missing value there. A marker may have many
        places.
    label : str
        Drawn beside the marker (or the first corner), where there is room.
    kind : {"marker", "line", "area"}
        An area is filled faintly.
    colour : str, optional
        ``#rrggbb``; the ink of the theme without it.
    dashed : bool
    width : float
        Of a line, or the size of a marker, in CSS pixels; 0 for the usual one.
    symbol : {"square", "circle", "diamond", "triangle", "cross"}
        Of a marker.
    above : bool
        Whether it is drawn over the points instead of below them.
    """

    x: Any
    y: Any
    label: str = ""
    kind: Literal["marker", "line", "area"] = "marker"
    colour: str | None = None
    dashed: bool = False
    width: float = 0.0
    symbol: Literal["square", "circle", "diamond", "triangle", "cross"] = "square"
    above: bool = True

    def sent(self) -> dict[str, Any]:
        """Return what the browser gets: no NaN, which JSON does not know, and clean words."""
        x, y = (np.atleast_1d(np.asarray(v, dtype=np.float64)) for v in (self.x, self.y))
        if x.shape != y.shape or x.ndim != 1:
            raise InvalidInputError(
                f"A mark has {x.size} x and {y.size} y.",
                where=f"marks, {plain(self.label) or self.kind}",
                next="Give as many x as y.",
            )
        if self.colour is not None:
            _check_colours([self.colour], "marks")
        gone = ~(np.isfinite(x) & np.isfinite(y))
        corners = np.column_stack([x, y]).round(9).astype(object)
        corners[gone] = None
        return {
            "corners": corners.tolist(),
            "label": plain(self.label),
            "kind": self.kind,
            "colour": self.colour,
            "dashed": self.dashed,
            "width": float(self.width),
            "symbol": self.symbol,
            "above": self.above,
        }


@dataclass(frozen=True)
class Places:
    """Where and when the points are, in the order sent: by time, so that a window is a stretch.

    Attributes
    ----------
    n : int
        Rows given.
    rows : numpy.ndarray
        Row of each point sent.
    points : bytes
        float32 (x, y) from the origin in `frame`: near it they are as exact as the screen.
    ticks : bytes
        uint32 steps of ``frame["unit"]`` seconds from ``frame["start"]``; empty without times.
    frame : dict
        Origin, bounds, counts and clock.
    """

    n: int
    rows: np.ndarray
    points: bytes
    ticks: bytes
    frame: dict[str, Any]

    @classmethod
    def of(
        cls, x: Any, y: Any, seconds: Any, clock: pd.Timestamp | None, display_tz: str
    ) -> Places:
        """Return the places of these arrays; rows without a place or time are left out."""
        xs = _floats(x, "x", None)
        ys = _floats(y, "y", len(xs))
        at = None if seconds is None else _floats(seconds, "seconds", len(xs))
        here = np.isfinite(xs) & np.isfinite(ys)
        if at is not None:
            here &= np.isfinite(at)
        rows = np.flatnonzero(here)
        if at is not None:
            rows = rows[np.argsort(at[rows], kind="stable")]
        ticks, when = _ticks(None if at is None else at[rows])
        points, where = _points(xs[rows], ys[rows])
        counts = {"n": len(rows), "left_out": len(xs) - len(rows)}
        return cls(
            n=len(xs),
            rows=rows,
            points=points,
            ticks=ticks,
            frame={**counts, **where, **when, **_clock(clock, display_tz)},
        )


@dataclass(frozen=True)
class Colours:
    """The colour of each row, and what is said of the colours.

    Attributes
    ----------
    codes : numpy.ndarray
        uint16 place in `palette` of each row; ``UNKNOWN_CODE`` for none.
    palette : list of str
    names : list of str
        For the legend; empty for none.
    bar : dict, optional
        Bounds and title of the colour bar.
    """

    codes: np.ndarray
    palette: list[str]
    names: list[str]
    bar: dict[str, Any] | None

    @classmethod
    def of(
        cls,
        n: int,
        *,
        codes: Any,
        palette: Sequence[str] | None,
        values: Any,
        names: Sequence[object] | None,
        title: str,
        look: Theme,
    ) -> Colours:
        """Return the colours by classes or by values; one colour for all without either."""
        if codes is not None and values is not None:
            raise InvalidInputError(
                "Points are coloured by classes or by values, not by both.",
                where="codes, values",
                next="Give one of them.",
            )
        if values is not None:
            return cls._by_values(_floats(values, "values", n, finite=False), title)
        if codes is None:
            return cls(np.zeros(n, dtype="<u2"), [seen(OKABE_ITO[0], look)], [], None)
        classes = _whole(codes, n)
        most = int(classes.max(initial=-1)) + 1
        colours = list(palette) if palette is not None else class_colours(most)
        _check_classes(classes, most, colours, names)
        return cls(
            np.where(classes < 0, UNKNOWN_CODE, classes).astype("<u2"),
            [seen(colour, look) for colour in colours],
            [plain(name) for name in names or ()],
            None,
        )

    @classmethod
    def _by_values(cls, values: np.ndarray, title: str) -> Colours:
        known = np.isfinite(values)
        low, high = (
            (float(values[known].min()), float(values[known].max())) if known.any() else (0.0, 0.0)
        )
        share = (values - low) / (high - low) if high > low else np.full(len(values), 0.5)
        codes = np.full(len(values), UNKNOWN_CODE, dtype="<u2")
        codes[known] = np.rint(share[known] * (_SHADES - 1))
        palette = [_hex(viridis(i / (_SHADES - 1))) for i in range(_SHADES)]
        return cls(codes, palette, [], {"low": low, "high": high, "title": plain(title)})

    def sent(self, rows: np.ndarray) -> dict[str, Any]:
        """Return what the browser gets: palette, colour bar, and a legend of large classes."""
        counts = np.bincount(self.codes[rows], minlength=UNKNOWN_CODE + 1)
        unknown, counts = int(counts[UNKNOWN_CODE]), counts[:UNKNOWN_CODE]
        order = np.argsort(-counts, kind="stable")
        there = order[counts[order] > 0]
        shown = sorted(there[:_LEGEND].tolist()) if self.names else []
        return {
            "palette": self.palette,
            "bar": self.bar,
            "legend": [[self.names[c], self.palette[c], int(counts[c])] for c in shown],
            "names": self.names,
            "more": max(0, len(there) - _LEGEND) if self.names else 0,
            "unknown": unknown,
        }


def seen(colour: str, look: Theme) -> str:
    """Return the colour, nearer to the ink where the paper of the theme would swallow it.

    Examples
    --------
    >>> from workbench.views.style import theme
    >>> seen("#0072B2", theme("light")), seen("#F0E442", theme("light"))
    ('#0072B2', '#d1c73e')
    """
    share = 0.0
    ink, paper, own = (_channels(c) for c in (look.ink, look.paper, colour))
    mixed = own
    while _contrast(mixed, paper) < _CONTRAST and share < 1:
        share += 0.05
        mixed = own * (1 - share) + ink * share
    if share == 0:
        return colour
    return "#{:02x}{:02x}{:02x}".format(*np.rint(mixed).astype(int))


def _channels(colour: str) -> np.ndarray:
    return np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)], dtype=np.float64)


def _contrast(one: np.ndarray, two: np.ndarray) -> float:
    """Return the contrast ratio of WCAG 2."""
    weights = np.array([0.2126, 0.7152, 0.0722])
    lights = [float(weights @ ((c / 255) ** 2.2)) + 0.05 for c in (one, two)]
    return max(lights) / min(lights)


def _hex(rgb: str) -> str:
    return "#{:02x}{:02x}{:02x}".format(*(int(part) for part in re.findall(r"\d+", rgb)))


def _points(x: np.ndarray, y: np.ndarray) -> tuple[bytes, dict[str, Any]]:
    if not len(x):
        return b"", {"origin": [0.0, 0.0], "bounds": [0.0, 0.0, 0.0, 0.0]}
    bounds = [float(v) for v in (x.min(), y.min(), x.max(), y.max())]
    origin = [(bounds[0] + bounds[2]) / 2, (bounds[1] + bounds[3]) / 2]
    xy = np.column_stack([x - origin[0], y - origin[1]]).astype("<f4")
    return xy.tobytes(), {"origin": origin, "bounds": bounds}


def _ticks(at: np.ndarray | None) -> tuple[bytes, dict[str, Any]]:
    """Return times as whole steps: of a millisecond, or as fine as 32 bits hold a longer span."""
    if at is None or not len(at):
        return b"", {"timed": at is not None, "start": 0.0, "end": 0.0, "unit": 0.001}
    start, end = float(at[0]), float(at[-1])
    unit = max(0.001, (end - start) / (2**32 - 16))
    # As JavaScript rounds, so that a bound given here meets the same points there.
    steps = np.floor((at - start) / unit + 0.5).astype("<u4")
    return steps.tobytes(), {"timed": True, "start": start, "end": end, "unit": unit}


def _clock(clock: pd.Timestamp | None, display_tz: str) -> dict[str, Any]:
    if clock is None:
        return {"clock_ms": None, "tz": display_tz}
    moment = pd.Timestamp(clock)
    if moment.tzinfo is None:
        raise InvalidInputError(
            f"The time {moment} has no time zone.",
            where="clock",
            next="Give an aware time, such as pd.Timestamp('2026-01-05', tz='UTC').",
        )
    return {"clock_ms": moment.timestamp() * 1000, "tz": display_tz}


def _floats(values: Any, where: str, n: int | None, *, finite: bool = True) -> np.ndarray:
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidInputError(
            f"Not all of {where} are numbers ({error}).", where=where, next="Give numbers."
        ) from error
    if array.ndim != 1 or (n is not None and len(array) != n):
        raise InvalidInputError(
            f"The shape is {array.shape}{'' if n is None else f', and there are {n:,} points'}.",
            where=where,
            next="Give one number for each point.",
        )
    return array


def _whole(codes: Any, n: int) -> np.ndarray:
    array = np.asarray(codes)
    if not len(array):
        array = array.astype(np.int64)
    if array.shape != (n,) or array.dtype.kind not in "iu":
        raise InvalidInputError(
            f"There are {n:,} points, and codes of the shape {array.shape} and type {array.dtype}.",
            where="codes",
            next="Give one whole number for each point, -1 where the class is unknown.",
        )
    return array.astype(np.int64)


def _check_classes(
    classes: np.ndarray, most: int, colours: list[str], names: Sequence[object] | None
) -> None:
    _check_colours(colours, "palette")
    if most > len(colours) or (names is not None and most > len(names)):
        short, what = (
            (len(colours), "colours") if most > len(colours) else (len(names or ()), "names")
        )
        raise InvalidInputError(
            f"There are {most:,} classes and {short:,} {what}.",
            where="palette" if what == "colours" else "names",
            next=f"Give one of the {what} for each class.",
        )
    if len(colours) > UNKNOWN_CODE:
        raise InvalidInputError(
            f"{len(colours):,} classes are more than can be coloured.",
            where="palette",
            next=f"Give at most {UNKNOWN_CODE:,} classes; classes may share a colour.",
        )


def _check_colours(colours: Sequence[str], where: str) -> None:
    for colour in colours:
        if not isinstance(colour, str) or not _COLOUR.fullmatch(colour):
            raise InvalidInputError(
                f"{colour!r} is no colour.", where=where, next="Write colours as '#rrggbb'."
            )
