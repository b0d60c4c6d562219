"""One thing at a time: an identity, an appearance, a camera, as frozen records.

Many of them are a table (:mod:`workbench.schema`); these are what a method that is about one
takes and returns. Instants are aware datetimes; unknown is None.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

import pandas as pd

from workbench.schema import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """One person or vehicle, as far as is known.

    ``confidence_score`` says how sure the links are: the mean confidence of the links to her
    appearances that carry one. While none does, it is what was stated when the identity was
    created. It is a mean of scores, not a probability that the identity is one person.

    ``first_seen``, ``last_seen``, ``num_appearances``, ``num_cameras``, ``confidence_score`` and
    ``has_face`` are recomputed with every change and ignored on creation, except that a given
    ``confidence_score`` is kept as the stated one.
    """

    id: str
    name: str | None = None
    cluster_method: str | None = None
    confidence_score: float | None = None
    merge_history: tuple[str, ...] = ()
    properties: Mapping[str, Any] = field(default_factory=dict)
    load_id: str | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    first_seen: datetime | None = None
    last_seen: datetime | None = None
    num_appearances: int = 0
    num_cameras: int = 0
    has_face: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Appearance:
    """One detection. ``bbox`` is (x, y, w, h) in pixels; ``timestamp`` is corrected for the clock.

    ``face_embedding_idx`` and ``reid_embedding_idx`` are the row ids of its vectors, None without
    one; they are given by the store and ignored on creation.
    """

    id: str
    timestamp: datetime
    camera_id: str | None = None
    place_id: str | None = None
    tracking_id: str | None = None
    frame: int | None = None
    bbox: tuple[float, float, float, float] | None = None
    floor_x_m: float | None = None
    floor_y_m: float | None = None
    detection_confidence: float | None = None
    face_quality: float | None = None
    reid_quality: float | None = None
    blur_score: float | None = None
    frame_path: str | None = None
    match_confidence: float | None = None
    properties: Mapping[str, Any] = field(default_factory=dict)
    identity_id: str | None = None
    confidence: float | None = None
    method: str | None = None
    timestamp_recorded: datetime | None = None
    face_embedding_idx: int | None = None
    reid_embedding_idx: int | None = None
    load_id: str | None = None
    source_file: str | None = None
    source_row: int | None = None
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Camera:
    """A camera: metres, +y up; ``orientation`` and ``fov`` in degrees, clockwise from +y."""

    id: str
    name: str | None = None
    location: str | None = None
    position_x: float | None = None
    position_y: float | None = None
    position_z: float | None = None
    orientation: float | None = None
    fov: float | None = None
    level: str | None = None
    clock_offset_s: float | None = None
    properties: Mapping[str, Any] = field(default_factory=dict)
    load_id: str | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None


_BOX = ("bbox_x", "bbox_y", "bbox_w", "bbox_h")
Record = TypeVar("Record", Identity, Appearance, Camera)


def table_of(records: Iterable[Any], table: Table) -> pd.DataFrame:
    """Return checked rows of `table` made of records; fields it has no column for are left out."""
    rows = []
    for record in records:
        values = {f.name: getattr(record, f.name) for f in dataclasses.fields(record)}
        for name in ("properties", "merge_history"):
            if name in values:
                values[name] = values[name] if values[name] else None
                if isinstance(values[name], tuple):
                    values[name] = list(values[name])
                elif values[name] is not None:
                    values[name] = dict(values[name])
        if "bbox" in values:
            values |= dict(zip(_BOX, values.pop("bbox") or (None,) * 4, strict=True))
        if isinstance(record, Identity):
            values["stated_confidence"] = values["confidence_score"]
        rows.append(values)
    names = list(rows[0]) if rows else table.names
    try:
        frame = pd.DataFrame(rows, columns=names)
    except UnicodeEncodeError:  # half a surrogate pair fits only a column of objects: refused there
        frame = pd.DataFrame(rows, columns=names, dtype=object)
    return table.check(frame)


def records_of(rows: pd.DataFrame, kind: type[Record]) -> list[Record]:
    """Return one record for each row; columns the record has no field for are left out."""
    return [record_of(row, kind) for row in rows.to_dict("records")]


def record_of(row: Mapping[Any, Any], kind: type[Record]) -> Record:
    """Return the record of one row given as a mapping of column to cell."""
    known = {f.name: f for f in dataclasses.fields(kind)}
    values = {name: plain(value) for name, value in row.items()}
    for name in ("properties", "merge_history"):
        if isinstance(values.get(name), str):
            values[name] = json.loads(values[name])
    if "bbox" in known:
        box = tuple(values.pop(name) for name in _BOX)
        values["bbox"] = None if any(side is None for side in box) else box
    values["properties"] = values.get("properties") or {}
    if "merge_history" in known:
        values["merge_history"] = tuple(values.get("merge_history") or ())
    return kind(**{name: v for name, v in values.items() if name in known})


def plain(value: Any) -> Any:
    """Return a cell as Python has it: None where missing, datetime, int, float, text."""
    if value is None or value is pd.NA or value is pd.NaT:
        return None
    if isinstance(value, pd.Timestamp):
        return value.to_pydatetime()
    if isinstance(value, float) and value != value:
        return None
    return value.item() if hasattr(value, "item") else value
