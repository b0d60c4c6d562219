"""What every part of one timeline needs to know: its clock and lanes, names, colours, words."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from workbench.errors import InvalidInputError
from workbench.views.charts.lanes import Clock, Lanes
from workbench.views.style import GLASBEY, OKABE_ITO, Theme, escape

NAME = 28
"""Most characters of a name on an axis or in a legend."""

# Seen on white and on near black, and none is the grey of what nobody knows.
_NARROW_PX, _LEADING_PX = 540.0, 2.0
_LETTERED_PX = 30.0
LETTERS = "ABCDEFG"
"""What the cameras with most visits are called in lanes of identities: as many as have a colour."""
_DARK_OR_PALE = {"#97FF00", "#573B00", "#005659", "#0000DD", "#6B004F", "#366962", "#A0E491",
                 "#00457C", "#5901A3", "#C5A5FF", "#FFA52F"}  # fmt: skip
_PALETTE = (*OKABE_ITO[:6], *(colour for colour in GLASBEY if colour not in _DARK_OR_PALE))


@dataclass(frozen=True, slots=True)
class Chart:
    """One timeline: ``names`` of cameras, ``people`` of identities, ``colours`` of cameras.

    ``letters``: what stands above a visit for its camera, where lanes are not cameras;
    ``linked``: whether encounters link the lanes, which need room between them.
    """

    clock: Clock
    lanes: Lanes
    look: Theme
    names: Mapping[str, str]
    people: Mapping[str, str]
    levels: Mapping[str, str]
    colours: Mapping[str, str]
    zone: str
    letters: Mapping[str, str] = field(default_factory=dict)
    linked: bool = False

    @property
    def span(self) -> int:
        """Return the length of the axis across, microseconds."""
        return self.clock.high - self.clock.low

    @property
    def lane_px(self) -> float:
        """Return the height of a lane: less where there are many."""
        high = (30.0, 20.0, 15.0) if self.lanes.kind == "camera" else (46.0, 34.0, 15.0)
        if self.linked:
            high = (52.0, 44.0, 22.0)
        return high[sum(self.lanes.bottom > n for n in (12, 45))]

    @property
    def bar(self) -> float:
        """Return the height of a bar, as a share of its lane."""
        return 0.46 if self.linked else 0.56 if self.lettered else 0.64

    def px(self, x: float) -> float:
        """Return a place on the axis across in pixels of a narrow window (700 px)."""
        return (x - self.clock.low) / max(self.span, 1) * _NARROW_PX

    @property
    def by_camera(self) -> bool:
        """Return whether the lanes are cameras."""
        return self.lanes.kind == "camera"

    @property
    def lettered(self) -> bool:
        """Return whether there is room for letters above the visits."""
        return not self.by_camera and self.lane_px > _LETTERED_PX

    def short(self, camera: object) -> str:
        """Return what a camera is called on an axis, escaped."""
        return escape(self.names.get(str(camera), str(camera)), longest=NAME)

    def camera(self, key: object) -> str:
        """Return what a camera is called, escaped, and its id if that is another."""
        return _named(key, self.names.get(str(key)))

    def person(self, key: object) -> str:
        """Return what an identity is called, escaped, and its id if that is another."""
        return _named(key, self.people.get(str(key)))

    def when(self, rows: pd.DataFrame) -> list[str]:
        """Return "from - to zone" of each row; the date of the end only where it is another."""
        start, end = (rows[name].dt.tz_convert(self.clock.zone) for name in ("start", "end"))
        begins, ends = (moments.dt.strftime("%Y-%m-%d %H:%M:%S") for moments in (start, end))
        # Only where clocks change in between does the name of the zone leave a doubt.
        offsets = (moments.dt.strftime(" %z") for moments in (start, end))
        doubt = [a if a != b else "" for a, b in zip(*offsets, strict=True)]
        zone = escape(self.zone)
        return [
            f"{a}{off} – {b[11:] if a[:10] == b[:10] else b} {zone}"
            for a, off, b in zip(begins, doubt, ends, strict=True)
        ]


def _named(key: object, name: str | None) -> str:
    own = escape(key, longest=40)
    return own if name is None or name == key else f"{escape(name, longest=60)} ({own})"


def require(frame: pd.DataFrame, columns: Sequence[str], table: str, source: str) -> None:
    """Stop where a table lacks one of these columns.

    Raises
    ------
    InvalidInputError
    """
    missing = [name for name in columns if name not in frame.columns]
    if missing:
        raise InvalidInputError(
            f"The {table} lack the column {missing[0]}.",
            where=f"columns given: {', '.join(map(str, frame.columns)) or 'none'}",
            next=f"Give the table as {source} returned it.",
        )


def busiest(visits: pd.DataFrame, most: int = len(LETTERS)) -> list[str]:
    """Return the cameras with most visits (rows with ``spot``), those of equal count by id."""
    counts = visits["spot"].value_counts()
    order = sorted(counts.index, key=lambda spot: (-counts[spot], spot))
    return order[:most]


def ranked(cameras: Sequence[str], *, taken: str | None = None) -> dict[str, str]:
    """Return a colour for each of a few cameras, in the order of their letters; none is `taken`."""
    free = [colour for colour in _PALETTE if colour != taken]
    return dict(zip(cameras, free, strict=False))


def palette(cameras: set[str]) -> dict[str, str]:
    """Return a colour for each camera of a site: the same in every timeline of it."""
    return {name: _PALETTE[i % len(_PALETTE)] for i, name in enumerate(sorted(cameras))}


def column(frame: pd.DataFrame | None, name: str) -> dict[str, str]:
    """Return a column of a table by id, as text, without what is missing or blank."""
    if frame is None or not {"id", name} <= set(frame.columns):
        return {}
    known = frame[["id", name]].dropna().astype("str")
    pairs = zip(known["id"], known[name], strict=True)
    return {key: value for key, value in pairs if value.strip()}


def instants(us: Any) -> list[str]:
    """Return microseconds of the local clock as plotly reads them."""
    whole = np.asarray(us, dtype="int64").astype("datetime64[us]")
    return [str(one) for one in np.datetime_as_string(whole.astype("datetime64[ms]"), unit="ms")]


def plural(n: int, word: str) -> str:
    """Return a count with its word.

    Examples
    --------
    >>> plural(1, "gap"), plural(1200, "visit")
    ('1 gap', '1,200 visits')
    """
    return f"{n:,} {word}{'s' * (n != 1)}"


def at_cameras(n: Any) -> str:
    """Return at how many cameras, in words; nothing where nobody knows, as of contact lists.

    Examples
    --------
    >>> at_cameras(2), at_cameras(pd.NA)
    (' at 2 cameras', '')
    """
    return "" if pd.isna(n) else f" at {plural(int(n), 'camera')}"


def wrapped(parts: Sequence[str], longest: int = 92) -> str:
    """Return the parts of a subtitle, broken into lines that a narrow window holds.

    Examples
    --------
    >>> wrapped(["one", "two", "three"], longest=9)
    'one · two<br>three'
    """
    lines: list[str] = []
    for part in parts:
        if lines and len(lines[-1]) + len(part) + 3 <= longest:
            lines[-1] += f" · {part}"
        else:
            lines.append(part)
    return "<br>".join(lines)


def words_px(text: str) -> float:
    """Return about how wide small words are, in pixels.

    Examples
    --------
    >>> words_px("<b>Main &amp; side</b>")
    74.0
    """
    return 8 + 6.0 * len(html.unescape(re.sub(r"<[^>]*>", "", text)))


def apart(notes: Sequence[dict[str, Any]], chart: Chart) -> list[dict[str, Any]]:
    """Return the notes that cover none before them: the rest is left to the hovers."""
    taken: list[tuple[float, float, float, float]] = []
    free = []
    for one in notes:
        wide = words_px(one["text"])
        at = chart.px(_us(one["x"])) if one.get("xref") != "paper" else 0.0
        shift = {"left": 0.0, "right": -wide}.get(one.get("xanchor", ""), -wide / 2)
        left = at + one.get("xshift", 0) + shift
        high = one["font"]["size"] + _LEADING_PX
        top = one["y"] * chart.lane_px - one.get("yshift", 0) - high / 2
        box = (left, top, left + wide, top + high)
        if not any(_cover(box, other) for other in taken):
            taken.append(box)
            free.append(one)
    return free


def _us(instant: str) -> int:
    return int(np.datetime64(instant, "us").astype("int64"))


def _cover(one: tuple[float, ...], two: tuple[float, ...]) -> bool:
    apart_across = one[2] <= two[0] or two[2] <= one[0]
    return not (apart_across or one[3] <= two[1] or two[3] <= one[1])


def note(x: int, y: float, text: str, chart: Chart, **more: Any) -> dict[str, Any]:
    """Return a plotly annotation of small words at a place of the chart."""
    font = {"size": 11, "color": chart.look.soft, "shadow": chart.look.halo} | more.pop("font", {})
    place = {"x": instants([x])[0], "y": round(float(y), 4), "text": text, "showarrow": False}
    return place | {"font": font} | more
