"""One appearance at a time, the short way: what a live system writes, without a table of one row.

The short way takes only what is new and plainly right: cells that are of their kind as they stand,
a camera, an identity and spaces that are there. All else goes the long way, which finds it right
after all or says what is wrong with it. Both write the same.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from workbench import kinds, schema, times
from workbench.errors import InvalidInputError
from workbench.model import Appearance
from workbench.schema import Column
from workbench.storage.pair import StorePair, Vectors

_BOX = ("bbox_x", "bbox_y", "bbox_w", "bbox_h")
_FLAWED = {
    "id": re.compile(kinds.CONTROL_IN_ID),
    "text": re.compile(kinds.CONTROL_IN_TEXT),
}
_WHOSE = schema.SIGHTING.column("identity_id")
_LENGTH = {"id": kinds.ID_LENGTH, "text": kinds.TEXT_LENGTH}


class _LongWay(Exception):
    """The row has to go the long way; the unit of work is rolled back."""


def write_single(pair: StorePair, appearance: Appearance, vectors: Mapping[str, Vectors]) -> bool:
    """Write a new appearance with its vectors; False, having written nothing, for the long way."""
    cells = plain_cells(appearance)
    if cells is None:
        return False
    first = pair.graph.allocate_vids(len(vectors)) if vectors else 0
    vids = {space: first + n for n, space in enumerate(vectors)}
    try:
        with pair.unit():
            spaces = pair.spaces() if vectors else {}
            for space, vector in vectors.items():
                if space not in spaces or not _is_vector(vector, spaces[space].dim):
                    raise _LongWay
            if not pair.graph.add_appearance(cells, appearance.identity_id, vids):
                raise _LongWay
            for space, vector in vectors.items():
                pair.vector.put(space, np.array([vids[space]]), np.asarray(vector))
            if appearance.identity_id is not None:
                pair.graph.refresh_statistics([appearance.identity_id])
    except (_LongWay, InvalidInputError):
        return False
    return True


def plain_cells(appearance: Appearance) -> dict[str, Any] | None:
    """Return the cells of ``schema.APPEARANCE``, None where one is not plainly of its kind."""
    if (appearance.camera_id is None) == (appearance.place_id is None):
        return None
    box = appearance.bbox or (None,) * 4
    if len(box) != 4 or not _is_plain(appearance.identity_id, _WHOSE):
        return None
    given = dict(zip(_BOX, box, strict=True)) | {
        "properties": None,
        "created_at": appearance.created_at or datetime.now(UTC),
    }
    cells = {}
    for column in schema.APPEARANCE.columns:
        name = column.name
        value: Any = given[name] if name in given else getattr(appearance, name)
        if not _is_plain(value, column):
            return None
        cells[name] = value
        if column.kind == "float" and value is not None:
            cells[name] = float(value) + 0.0  # no negative zero: it would not come back as one
    return None if appearance.properties else cells


def _is_plain(value: Any, column: Column) -> bool:
    if value is None:
        return not column.required
    if column.kind in _FLAWED:
        text = type(value) is str and 0 < len(value) <= _LENGTH[column.kind]
        return text and not _FLAWED[column.kind].search(value)
    if column.kind == "time":
        return _is_moment(value)
    if column.kind == "int":
        return type(value) is int and abs(value) <= kinds.LARGEST_WHOLE and _inside(value, column)
    return type(value) in (int, float) and math.isfinite(value) and _inside(value, column)


def _is_vector(vector: Any, dim: int) -> bool:
    plain = isinstance(vector, np.ndarray) and vector.dtype.kind == "f"
    return plain and vector.shape == (1, dim)


def _is_moment(value: Any) -> bool:
    if type(value) is not datetime:
        return False
    offset = value.utcoffset()  # text of an offset has no seconds: such a time is refused
    if offset is None or offset % timedelta(minutes=1):
        return False
    return times.MIN_US <= times.microseconds(value) <= times.MAX_US


def _inside(value: float, column: Column) -> bool:
    return (
        (column.minimum is None or value >= column.minimum)
        and (column.above is None or value > column.above)
        and (column.maximum is None or value <= column.maximum)
    )
