"""What colour and which mark every point of a projection has, and the words that explain them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypedDict, get_args
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from workbench.errors import InvalidInputError
from workbench.views.charts.chart import palette
from workbench.views.style import ThemeName, clock_word, escape, identity_colour, viridis
from workbench.views.style import theme as theme_of

Colour = Literal[
    "identity",
    "camera",
    "time",
    "quality",
    "face_quality",
    "reid_quality",
    "blur_score",
    "detection_confidence",
]
"""What points can be coloured by; ``quality`` is the one that goes with the space."""

QUALITIES = {
    "face_quality": "face quality",
    "reid_quality": "body quality",
    "blur_score": "blur",
    "detection_confidence": "detection confidence",
}
PERSONS, CAMERAS = 12, 20
"""How many identities and cameras have a colour of their own: those with most points."""
_STEPS = 64
_LABEL = 26
_SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "star")
_UNKNOWN_SYMBOL = "x"
_OTHERS = {"light": "#C9CED4", "dark": "#47505A"}


class Called(TypedDict):
    """What points are called: names of identities and cameras by id, the zone of their times."""

    names: Mapping[str, str]
    cameras: Mapping[str, str]
    display_tz: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a legend: its label is escaped."""

    label: str
    code: int
    count: int


@dataclass(frozen=True, slots=True)
class PointColours:
    """How points are drawn.

    Parameters
    ----------
    title : str
        What the colours mean, escaped.
    codes : array of int
        The class of each point.
    palette, symbols : list of str
        The colour (``#rrggbb``) and plotly's symbol of each class.
    entries : list of Entry
        The legend: every class that has one.
    order : array of int
        The points in the order to draw them: what matters least first.
    values : array of float, optional
        Where the colour is a value: it, NaN where unknown.
    ticks : list of (float, str)
        Places and words of a colour bar.
    """

    title: str
    codes: np.ndarray
    palette: list[str]
    symbols: list[str]
    entries: list[Entry]
    order: np.ndarray
    values: np.ndarray | None = None
    ticks: list[tuple[float, str]] = field(default_factory=list)


def choices(points: pd.DataFrame) -> dict[str, str]:
    """Return what these points can be coloured by, with the words for it.

    Examples
    --------
    >>> choices(pd.DataFrame({"blur_score": [0.1], "face_quality": [None]}))
    {'identity': 'identity', 'camera': 'camera', 'time': 'time', 'blur_score': 'blur'}
    """
    there = {name: said for name, said in QUALITIES.items() if _has(points, name)}
    return {"identity": "identity", "camera": "camera", "time": "time", **there}


def _has(points: pd.DataFrame, name: str) -> bool:
    return name in points.columns and bool(points[name].notna().any())


def quality_of(points: pd.DataFrame, space: str) -> str:
    """Return the column of quality that goes with a space, else the first there is.

    Raises
    ------
    InvalidInputError
        When the points have no quality at all.
    """
    wanted = "face_quality" if space == "face" else "reid_quality"
    for name in (wanted, *QUALITIES):
        if _has(points, name):
            return name
    raise InvalidInputError(
        "These points have no quality: " + ", ".join(QUALITIES) + " are all missing.",
        where="colour",
        next="Use 'identity', 'camera' or 'time'.",
    )


def point_colours(
    points: pd.DataFrame,
    by: str,
    *,
    space: str,
    names: Mapping[str, str],
    cameras: Mapping[str, str],
    display_tz: str = "UTC",
    theme: ThemeName = "light",
) -> PointColours:
    """Return how points are drawn when they are coloured by one of :data:`Colour`.

    Raises
    ------
    InvalidInputError
        When they cannot be coloured by that.
    """
    if by not in get_args(Colour):
        raise InvalidInputError(
            f"Points cannot be coloured by {by!r:.200}.",
            where="colour",
            next=f"Use one of: {', '.join(get_args(Colour))}.",
        )
    if by == "identity":
        ids = _texts(points, "identity_id")
        known = {one: identity_colour(one) for one in ids.dropna().unique()}
        return _classes("identity", ids, names, known, PERSONS, "unidentified", theme)
    if by == "camera":
        ids = _texts(points, "camera_id")
        known = palette(set(ids.dropna().unique()))
        return _classes("camera", ids, cameras, known, CAMERAS, "no camera", theme)
    if by == "time":
        return _times(points["timestamp"], display_tz, theme)
    name = quality_of(points, space) if by == "quality" else by
    if not _has(points, name):
        return _values(QUALITIES[name], np.full(len(points), np.nan), [], theme)
    values = points[name].to_numpy("float64", na_value=np.nan)
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    ticks = [(float(at), f"{at:.2f}") for at in np.linspace(low, high, 5 if high > low else 1)]
    return _values(QUALITIES[name], values, ticks, theme)


def _texts(points: pd.DataFrame, name: str) -> pd.Series:
    return points[name].astype("str").where(points[name].notna()).reset_index(drop=True)


def _classes(
    title: str,
    ids: pd.Series,
    names: Mapping[str, str],
    colours: Mapping[str, str],
    most: int,
    nobody: str,
    theme: ThemeName,
) -> PointColours:
    """Return colours for the most frequent ids, one grey for the others, a mark for none."""
    counts = ids.value_counts()
    ranked = sorted(counts.index, key=lambda one: (-counts[one], one))[:most]
    others, none = len(ranked), len(ranked) + 1
    place = {one: code for code, one in enumerate(ranked)}
    known = ids.map(place).astype("float64").fillna(others)
    codes = known.where(ids.notna(), none).to_numpy("int64")
    looks = [colours[one] for one in ranked] + [_OTHERS[theme], theme_of(theme).unknown]
    marks = [_SYMBOLS[n % len(_SYMBOLS)] for n in range(len(ranked))] + ["circle", _UNKNOWN_SYMBOL]
    labels = [escape(names.get(one) or one, longest=_LABEL) for one in ranked]
    rest = len(counts) - len(ranked)
    word = {"identity": "identities", "camera": "cameras"}[title]
    labels += [f"{rest:,} other {word if rest > 1 else title}", nobody]
    found = np.bincount(codes, minlength=none + 1).tolist()
    entries = [Entry(label, n, found[n]) for n, label in enumerate(labels) if found[n]]
    # The grey of the others never lies over a colour, nor the many over the few.
    height = np.array([*range(2, others + 2), 0, 1])
    order = np.argsort(height[codes], kind="stable")
    return PointColours(title, codes, looks, marks, entries, order)


def _times(moments: pd.Series, display_tz: str, theme: ThemeName) -> PointColours:
    us = moments.to_numpy("datetime64[us]").astype("int64").astype("float64")
    if not len(us):
        return _values(clock_word(display_tz), us, [], theme)
    low, high = us.min(), us.max()
    places = np.linspace(low, high, 5 if high > low else 1)
    local = pd.to_datetime(places.astype("int64"), unit="us", utc=True)
    local = local.tz_convert(ZoneInfo(display_tz))
    form = "%a %d %b %H:%M" if high - low > 86_400e6 else "%H:%M:%S"
    ticks = list(zip(places.tolist(), local.strftime(form).tolist(), strict=True))
    return _values(f"{clock_word(display_tz)} ({escape(display_tz)})", us, ticks, theme)


def _values(
    title: str, values: np.ndarray, ticks: list[tuple[float, str]], theme: ThemeName
) -> PointColours:
    """Return viridis in steps for values, and a grey mark where there is none."""
    known = np.isfinite(values)
    span = (ticks[-1][0] - ticks[0][0]) if ticks else 0.0
    share = (values - ticks[0][0]) / span if span else np.zeros(len(values))
    steps = np.nan_to_num(share * _STEPS).astype("int64").clip(0, _STEPS - 1)
    codes = np.where(known, steps, _STEPS)
    looks = [_hex(viridis((n + 0.5) / _STEPS)) for n in range(_STEPS)]
    marks = ["circle"] * _STEPS + [_UNKNOWN_SYMBOL]
    missing = int((~known).sum())
    entries = [Entry("unknown", _STEPS, missing)] if missing else []
    # In no order of its own: what was seen last would hide what was seen first.
    order = np.random.default_rng(0).permutation(len(values))
    order = order[np.argsort(known[order], kind="stable")]
    return PointColours(
        title, codes, [*looks, theme_of(theme).unknown], marks, entries, order, values, ticks
    )


def _hex(colour: str) -> str:
    numbers = colour.removeprefix("rgb(").removesuffix(")").split(",")
    return "#" + "".join(f"{int(one):02X}" for one in numbers)


def hovers(
    points: pd.DataFrame,
    *,
    names: Mapping[str, str],
    cameras: Mapping[str, str],
    display_tz: str = "UTC",
) -> pd.Series:
    """Return what the mouse says over each point, escaped: who, camera, local time, id."""
    who = _said(points["identity_id"], names, "unidentified")
    where = _said(points["camera_id"], cameras, "no camera")
    local = points["timestamp"].dt.tz_convert(ZoneInfo(display_tz))
    when = local.dt.strftime("%Y-%m-%d %H:%M:%S").reset_index(drop=True)
    ids = pd.Series([escape(one, longest=60) for one in points["id"]], dtype="str")
    zone = escape(display_tz)
    return "<b>" + who + "</b><br>" + where + "<br>" + when + f" {zone}<br>appearance " + ids


def _said(ids: pd.Series, names: Mapping[str, str], nobody: str) -> pd.Series:
    said = {one: called(one, names) for one in ids.dropna().unique()}
    found = ids.astype(object).map(said).astype(object)
    return found.fillna(nobody).astype("str").reset_index(drop=True)


def called(key: str, names: Mapping[str, str]) -> str:
    """Return what an id is called, escaped: its name, and the id if that is another.

    Examples
    --------
    >>> called("p1", {"p1": "<b>"}), called("p2", {})
    ('&lt;b&gt; (p1)', 'p2')
    """
    own, name = escape(key, longest=40), names.get(key)
    return own if name is None or name == key else f"{escape(name, longest=60)} ({own})"
