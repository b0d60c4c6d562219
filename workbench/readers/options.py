"""How a file is to be read: one frozen record, checked when it is made."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import pandas as pd

from workbench import schema, times
from workbench.errors import InvalidInputError
from workbench.geography import NAMES, Origin
from workbench.readers.frame_paths import frames_root
from workbench.readers.where import Where

FORMATS = (
    "auto", "csv", "parquet", "contacts", "mot", "aicity", "reid", "metropolis", "jsonl",
)  # fmt: skip
_CHOICES: dict[str, tuple[str, ...]] = {
    "format": FORMATS,
    "box": ("xywh", "xyxy"),
    "time_unit": ("s", "ms", "us"),
    "identity_from": ("track",),
    "position_unit": ("m", "ft", "mile"),
}
_FPS = re.compile(r"\d{1,9}(\.\d{1,12})?|\d{1,24}/\d{1,24}")
_ID = schema.Column("id", "id", "Any id.")


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadOptions:
    """How a file is to be read. The names are those of the command line.

    Parameters
    ----------
    format : str
        ``auto``, ``csv``, ``parquet``, ``contacts``, ``mot``, ``aicity``, ``reid``,
        ``metropolis`` or ``jsonl``.
    columns, camera_columns : mapping of str to str
        Our column name to the file's, for appearances and for camera tables.
    camera : str, optional
        The camera of every row, for a file without a camera column.
    box : str, optional
        ``xywh`` or ``xyxy`` (corners), where the columns could be either.
    tz : str, optional
        IANA zone of times without an offset.
    time_unit : str, optional
        ``s``, ``ms`` or ``us``: times are numbers, from `start_time` or the epoch.
    fps : number or str, optional
        Frames a second (also ``30000/1001``): times are `start_time` + frame / fps.
    start_time : str or datetime, optional
        The instant of frame 0 or time 0; kept as ISO 8601 in UTC.
    where : str, optional
        Which rows are wanted (:mod:`workbench.readers.where`).
    unidentified : tuple of str
        Identity cells that mean nobody, compared as text; an empty one always does.
    identity_from : str, optional
        ``track``: each camera and track becomes the provisional identity "camera/track".
    dataset : str, optional
        "NAME:" goes before identity and camera ids.
    position_unit : str
        ``m``, ``ft`` or ``mile``: unit of camera positions.
    origin : str, optional
        "LON,LAT", the point of the globe that is (0, 0): columns ``longitude`` and ``latitude``
        become metres east and north of it.
    frames_root : path, optional
        The folder that each ``frame_path`` is relative to. It is kept with the load, so that the
        pictures can be shown, and decides nothing about what the rows mean.
    space : str
        Space of the vectors that stand in the rows themselves (JSON: ``embedding``, ``vector``).

    Raises
    ------
    InvalidInputError
        Naming the option that cannot be used.

    Examples
    --------
    >>> LoadOptions(fps=30, start_time="2026-01-01T09:00", tz="Europe/Madrid").start_time
    '2026-01-01T08:00:00.000000Z'
    """

    format: str = "auto"
    columns: Mapping[str, str] = field(default_factory=dict)
    camera_columns: Mapping[str, str] = field(default_factory=dict)
    camera: str | None = None
    box: str | None = None
    tz: str | None = None
    time_unit: str | None = None
    fps: float | int | str | None = None
    start_time: str | datetime | None = None
    where: str | None = None
    unidentified: tuple[str, ...] = ()
    identity_from: str | None = None
    dataset: str | None = None
    position_unit: str = "m"
    origin: str | None = None
    frames_root: str | Path | None = None
    space: str = "reid"

    def __post_init__(self) -> None:
        """Check every option and put it into its canonical form."""
        for name, allowed in _CHOICES.items():
            given = getattr(self, name)
            if given is not None and given not in allowed:
                raise refused(name, given, "choose " + ", ".join(allowed))
        for name in ("columns", "camera_columns"):
            object.__setattr__(self, name, _pairs(name, getattr(self, name)))
        values = (self.unidentified,) if isinstance(self.unidentified, str) else self.unidentified
        object.__setattr__(self, "unidentified", tuple(str(value) for value in values or ()))
        for name in ("camera", "dataset"):
            object.__setattr__(self, name, _id(name, getattr(self, name)))
        if self.dataset is not None and ":" in self.dataset:
            raise refused("dataset", self.dataset, "a name without a colon")
        if self.tz is not None:
            times.zone(self.tz)
        self._set_times()
        if self.where is not None:
            Where(self.where)
        self._set_origin()
        if self.frames_root is not None:
            object.__setattr__(self, "frames_root", str(frames_root(self.frames_root)))
        object.__setattr__(self, "space", _id("space", self.space) or "reid")

    def _set_origin(self) -> None:
        if self.origin is not None:
            object.__setattr__(self, "origin", str(_origin(self.origin)))
        elif set(NAMES) & set(self.columns):
            raise refused("columns", "longitude=...", "degrees become metres with --origin LON,LAT")

    def _set_times(self) -> None:
        if self.start_time is not None:
            start = times.instant(self.start_time, tz=self.tz, name="--start-time")
            object.__setattr__(self, "start_time", times.iso(start))
        if self.fps is not None:
            object.__setattr__(self, "fps", str(_rate(self.fps)))

    @property
    def rate(self) -> Fraction | None:
        """Return the frames a second as an exact fraction."""
        return None if self.fps is None else Fraction(str(self.fps))

    @property
    def globe(self) -> Origin | None:
        """Return the point of the globe that is (0, 0), if degrees are to become metres."""
        return None if self.origin is None else Origin.of(self.origin)

    @property
    def start_us(self) -> int | None:
        """Return the start time in microseconds since the epoch."""
        return None if self.start_time is None else times.instant(self.start_time)

    def meaning(self) -> dict[str, Any]:
        """Return the options that decide what the rows of a file mean, ready for JSON.

        Two loads of one file with equal meanings bring the same rows. Take it from the options of
        a reader (``reader.options``), where ``auto`` has become the format that was found.

        Examples
        --------
        >>> LoadOptions(fps=30.0, start_time="2026-01-01T00:00Z").meaning()["fps"]
        '30'
        """
        said = {
            "format": None if self.format == "auto" else self.format,
            "columns": dict(sorted(self.columns.items())),
            "camera_columns": dict(sorted(self.camera_columns.items())),
            "camera": self.camera,
            "box": self.box,
            "tz": self.tz,
            "time_unit": self.time_unit,
            "fps": self.fps,
            "start_time": self.start_time,
            "where": self.where,
            "unidentified": sorted(set(self.unidentified)),
            "identity_from": self.identity_from,
            "dataset": self.dataset,
            "position_unit": self.position_unit,
        }
        # What came later is left out where it says nothing: older loads keep their ids.
        said |= {} if self.origin is None else {"origin": self.origin}
        return said if self.space == "reid" else said | {"space": self.space}

    def prefixed(self, ids: pd.Series) -> pd.Series:
        """Return identity or camera ids with the dataset's name before them; '' stays ''."""
        if self.dataset is None:
            return ids
        return (f"{self.dataset}:" + ids).where(ids != "", "")


def option(name: str) -> str:
    """Return what an option is called on the command line.

    Examples
    --------
    >>> option("start_time")
    '--start-time'
    """
    return "--" + name.replace("_", "-")


def refused(name: str, value: object, advice: str) -> InvalidInputError:
    """Return the error for an option whose value cannot be used."""
    return InvalidInputError(
        f"{option(name)} {str(value)[:200]!r} cannot be used: {advice}.",
        where=option(name),
        next=f"Give another value to {option(name)} (Python: {name}=).",
    )


def _pairs(name: str, given: Mapping[str, str] | None) -> dict[str, str]:
    if given is not None and not isinstance(given, Mapping):
        raise refused(name, given, "a mapping of our names to the file's")
    return {str(ours): str(theirs) for ours, theirs in (given or {}).items()}


def _id(name: str, value: object) -> str | None:
    if value is None:
        return None
    checked, reasons = schema.coerce_column(pd.Series([str(value)], dtype="str"), _ID)
    if pd.isna(checked[0]):
        raise refused(name, value, "empty" if pd.isna(reasons[0]) else str(reasons[0]))
    return str(checked[0])


def _origin(value: object) -> Origin:
    try:
        return Origin.of(str(value))
    except InvalidInputError as error:
        raise refused("origin", value, "LON,LAT in degrees, as 2.2945,48.8584") from error


def _rate(value: object) -> Fraction:
    text = str(value).strip()
    rate = Fraction(0)
    if _FPS.fullmatch(text):
        try:
            rate = Fraction(text)
        except ZeroDivisionError:
            rate = Fraction(0)
    if rate <= 0:
        raise refused("fps", value, "frames a second are a number above 0, as 29.97 or 30000/1001")
    return rate
