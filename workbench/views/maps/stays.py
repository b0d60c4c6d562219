"""What a map draws of many sightings: measured positions, and one dot a visit where none is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from workbench.geography import Origin
from workbench.views.maps.plan import Ground, position, spread
from workbench.views.style import duration, escape

DRAWN = 2_000
"""Most positions, and most visits, that one map draws."""


class Facts(Protocol):
    """What has to be known to say whose and where a sighting is."""

    @property
    def people(self) -> Mapping[str, str]:
        """Names of identities by id."""

    @property
    def ground(self) -> Ground:
        """Where the cameras stand, and their names."""

    @property
    def zone(self) -> ZoneInfo:
        """Of the times."""

    @property
    def display_tz(self) -> str:
        """What the zone is called."""


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def moment(us: int, zone: ZoneInfo, style: str = "%Y-%m-%d %H:%M:%S") -> str:
    """Return an instant (microseconds since the epoch) as local time."""
    return (_EPOCH + timedelta(microseconds=int(us))).astimezone(zone).strftime(style)


def local(instant: pd.Timestamp, zone: ZoneInfo) -> str:
    """Return an aware instant as local time to the second."""
    return instant.tz_convert(zone).strftime("%Y-%m-%d %H:%M:%S")


def stops(
    points: pd.DataFrame,
    ground: Ground,
    *,
    max_gap_s: float,
    zone: ZoneInfo,
    display_tz: str,
    most: int = DRAWN,
    people: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Return what is drawn of the sightings, in order of identity and time.

    A visit (sightings of one identity at one camera with gaps of at most `max_gap_s`) is drawn by
    its measured floor positions, thinned evenly with its first and last kept; a visit without any
    is one dot beside its camera.

    Parameters
    ----------
    points : DataFrame
        Sightings at cameras, in order of time, with ``us``.
    ground : Ground
        Where the cameras stand.
    max_gap_s : float
        Longest gap within a visit, seconds.
    zone, display_tz
        Time zone of the hovers and its name.
    most : int
        Most positions, and most visits, to keep.
    people : mapping of str to str, optional
        Names of identities by id, where known.

    Returns
    -------
    DataFrame
        ``id, who, camera_id, us, since, until`` (of its visit), ``stop`` (number of the visit
        of that identity, from 1, in order of time), ``dwell_s, plan`` (position of its level in
        the ground), ``x, y, on_floor, hover``.
    """
    rows = points.assign(who=points["identity_id"].astype("str").fillna(""))
    rows["stay"] = _stay(rows, max_gap_s)
    measured = rows["floor_x_m"].notna() & rows["floor_y_m"].notna()
    by_stay = rows.groupby("stay")
    rows["until"] = by_stay["us"].transform("max")
    rows["since"] = by_stay["us"].transform("min")
    rows["dwell_s"] = (rows["until"] - rows["since"]) / 1e6
    rows["n"] = by_stay["us"].transform("size")
    rows["stop"], rows["stops"] = _numbered(rows)
    rows["on_floor"] = measured.groupby(rows["stay"]).transform("any")
    floor = _thinned(rows[measured], most)
    dots = rows[~rows["on_floor"]].drop_duplicates("stay")
    dots = dots.iloc[_evenly(len(dots), most)]
    drawn = pd.concat([floor, _beside_cameras(dots, ground)])
    drawn["plan"] = ground.numbers(drawn["camera_id"])
    drawn["x"] = drawn["floor_x_m"].astype("float64")
    drawn["y"] = drawn["floor_y_m"].astype("float64")
    order = {who: i for i, who in enumerate(dict.fromkeys(rows["who"]))}
    drawn = drawn.assign(_o=drawn["who"].map(order)).sort_values(
        ["_o", "us", "stay"], kind="stable", ignore_index=True
    )
    names = ground.names
    drawn["hover"] = pd.Series(
        [
            _hover(row, people or {}, names, zone, display_tz, ground.globe)
            for row in drawn.to_dict("records")
        ],
        dtype="str",
    )
    visit = ["since", "until", "stop", "dwell_s"]
    return drawn[["id", "who", "camera_id", "us", *visit, "plan", "x", "y", "on_floor", "hover"]]


def _numbered(rows: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """Return which visit of its identity each sighting is of, in order of time, and of how many."""
    # In order of time, a visit's first row comes where the visit begins.
    begins = rows.drop_duplicates("stay")
    number = begins.groupby("who").cumcount() + 1
    number.index = pd.Index(begins["stay"])
    stop = rows["stay"].map(number)
    return stop, stop.groupby(rows["who"]).transform("max")


def called(who: str, people: Mapping[str, str]) -> str:
    """Return what an identity is called, escaped, and its id if that is another."""
    name = people.get(who)
    if not who or name is None or name == who:
        return escape(who) or "not identified"
    return f"{escape(name, longest=60)} ({escape(who, longest=40)})"


def _stay(rows: pd.DataFrame, max_gap_s: float) -> np.ndarray:
    """Return the number of the visit each sighting belongs to."""
    spot = rows.groupby(["who", "camera_id"], sort=False).ngroup().to_numpy()
    us = rows["us"].to_numpy()
    order = np.lexsort((us, spot))
    begins = np.ones(len(rows), dtype=bool)
    apart = np.diff(us[order]) > round(max_gap_s * 1e6)
    begins[1:] = (np.diff(spot[order]) != 0) | apart
    stay = np.empty(len(rows), dtype="int64")
    stay[order] = np.cumsum(begins)
    return stay


def _thinned(measured: pd.DataFrame, most: int) -> pd.DataFrame:
    every = -(-len(measured) // most) if len(measured) else 1
    place = measured.groupby("stay").cumcount()
    last = ~measured.duplicated("stay", keep="last")
    thin = measured[(place % every == 0) | last]
    return thin.iloc[_evenly(len(thin), 2 * most)]


def _evenly(n: int, most: int) -> np.ndarray:
    return np.arange(n) if n <= most else np.linspace(0, n - 1, most).round().astype("int64")


def _beside_cameras(dots: pd.DataFrame, ground: Ground) -> pd.DataFrame:
    placed = dots.copy()
    x, y = np.empty(len(dots)), np.empty(len(dots))
    for camera, where in dots.groupby("camera_id").indices.items():
        spots = spread(ground.of(str(camera)), str(camera), len(where))
        x[where], y[where] = spots[:, 0], spots[:, 1]
    placed["floor_x_m"], placed["floor_y_m"] = x, y
    return placed


def place(camera: object, names: Mapping[str, str]) -> str:
    """Return what a camera is called, escaped, and its id if that is another."""
    name = names.get(str(camera), str(camera))
    return escape(camera) if name == camera else f"{escape(name)} ({escape(camera)})"


def _hover(
    row: Mapping[Any, Any],
    people: Mapping[str, str],
    names: Mapping[str, str],
    zone: ZoneInfo,
    display_tz: str,
    globe: Origin | None,
) -> str:
    until = moment(row["until"], zone, "%H:%M:%S")
    if row["on_floor"]:
        where = position(row["x"], row["y"], globe)
        when = moment(row["us"], zone, "%Y-%m-%d %H:%M:%S")
    else:
        where = "beside its camera: the exact spot is unknown"
        when = f"{moment(row['us'], zone)} – {until}"
    visit = f"visit {row['stop']:,} of {row['stops']:,}: {duration(row['dwell_s'])}, "
    visit += f"{row['n']} sighting{'s' * (row['n'] != 1)}"
    lines = [
        f"<b>{called(row['who'], people)}</b>",
        place(row["camera_id"], names),
        f"{when} {escape(display_tz)}",
        visit,
        *_certainty(row),
        *_source(row),
        f"<i>{where}</i>",
    ]
    return "<br>".join(lines)


def facts(row: Mapping[Any, Any], setting: Facts, *, html: bool = False) -> str:
    """Return what is known of one sighting, line by line; as HTML with its text escaped.

    Parameters
    ----------
    row : Series or mapping
        A sighting with ``us``.
    setting : object
        With ``people``, ``ground.names``, ``zone`` and ``display_tz``.
    html : bool
        Whether to write HTML; plain text otherwise, for what never reads any.
    """
    who = row["identity_id"]
    name = called("" if pd.isna(who) else str(who), setting.people)
    lines = [
        f"<b>{name}</b>" if html else name,
        place(row["camera_id"], setting.ground.names),
        f"{moment(row['us'], setting.zone)} {escape(setting.display_tz)}",
        *_certainty(row),
        *_source(row),
    ]
    return "<br>".join(lines) if html else unescape("\n".join(lines))


def _certainty(row: Mapping[Any, Any]) -> list[str]:
    lines = []
    if not pd.isna(row.get("confidence")):
        lines.append(f"confidence of the link {row['confidence']:.2f}")
    if not pd.isna(row.get("method")):
        lines.append(f"linked: {escape(row['method'])}")
    if not pd.isna(row.get("detection_confidence")):
        lines.append(f"detector score {row['detection_confidence']:.2f}")
    return lines


def _source(row: Mapping[Any, Any]) -> list[str]:
    parts = []
    if not pd.isna(row.get("id")):
        parts.append(escape(row["id"], longest=40))
    if not pd.isna(row.get("tracking_id")):
        parts.append(f"track {escape(row['tracking_id'], longest=24)}")
    if not pd.isna(row.get("frame")):
        parts.append(f"frame {int(row['frame'])}")
    lines = [" · ".join(parts)] if parts else []
    path = row.get("frame_path")
    # What is no path but a description ("silhouette:...") says nothing to a reader.
    if not pd.isna(path) and not re.match(r"[a-z]{2,}:", str(path)):
        lines.append(escape(path, longest=60))
    elif not pd.isna(row.get("source_file")):
        number = "" if pd.isna(row.get("source_row")) else f", row {int(row['source_row'])}"
        lines.append(escape(row["source_file"], longest=60) + number)
    return lines
