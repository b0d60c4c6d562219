"""Tables as JSON and CSV: exact, in UTC, without NaN."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from workbench import times

_BLOCK = 8192
_BOX = ("bbox_x", "bbox_y", "bbox_w", "bbox_h")
# Columns that hold JSON, and what stands for a missing one.
_JSON: dict[str, Any] = {"properties": {}, "merge_history": []}


def json_parts(document: Mapping[str, Any]) -> Iterator[bytes]:
    """Return one JSON document in UTF-8, part by part; a table is written block by block."""
    yield b"{"
    for n, (name, value) in enumerate(document.items()):
        yield _bytes((", " if n else "") + json.dumps(name, ensure_ascii=False) + ": ")
        if isinstance(value, pd.DataFrame):
            yield from _array(value)
        else:
            yield _bytes(_dumps(value))
    yield b"}\n"


def _array(frame: pd.DataFrame) -> Iterator[bytes]:
    yield b"["
    for first in range(0, len(frame), _BLOCK):
        rows = records(frame.iloc[first : first + _BLOCK])
        yield _bytes((",\n" if first else "\n") + ",\n".join(map(_encode, rows)))
    yield b"]"


_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode


def _dumps(value: object) -> str:
    return _encode(plain(value))


def _bytes(text: str) -> bytes:
    # A file name that is no UTF-8 becomes an escape, which JSON allows.
    return text.encode("utf-8", "backslashreplace")


def plain(value: Any) -> Any:
    """Return a value as JSON has it: None for what is missing or no number."""
    if isinstance(value, pd.DataFrame):
        return records(value)
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if isinstance(value, pd.Timestamp):
        return None if pd.isna(value) else times.iso(times.instant(value))
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or value is pd.NA or value is pd.NaT:
        return None
    return None if isinstance(value, float) and not math.isfinite(value) else value


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return one mapping for each row, ready for JSON.

    Examples
    --------
    >>> records(pd.DataFrame({"id": ["a"], "speed_m_s": [float("nan")]}))
    [{'id': 'a', 'speed_m_s': None}]
    """
    names = [str(name) for name in frame.columns]
    cells = [column(frame[name]) for name in frame.columns]
    return [dict(zip(names, row, strict=True)) for row in zip(*cells, strict=True)]


def column(values: pd.Series) -> list[Any]:
    """Return the cells of a column, ready for JSON: times in UTC, None where missing."""
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        return list(times.iso_column(values))
    if values.name in _JSON:
        return [
            json.loads(text) if isinstance(text, str) else _JSON[str(values.name)]
            for text in values
        ]
    if pd.api.types.is_float_dtype(values.dtype):
        values = values.astype(object).where(
            np.isfinite(values.to_numpy("float64", na_value=np.nan)), None
        )
        return [None if cell is None else float(cell) for cell in values]
    if pd.api.types.is_object_dtype(values.dtype):
        return [plain(cell) for cell in values]
    return values.astype(object).where(values.notna(), None).tolist()


def csv_parts(frame: pd.DataFrame) -> Iterator[bytes]:
    """Return a table as CSV in UTF-8 with a header, part by part; missing cells are empty."""
    yield _lines([list(map(str, frame.columns))])
    for first in range(0, len(frame), _BLOCK):
        block = frame.iloc[first : first + _BLOCK]
        yield _lines(zip(*(map(_text, column(block[name])) for name in block), strict=True))


class _Lines(list[str]):
    """Takes what csv writes, a line at a time, and ends each line as Unix does.

    Told to end lines with both characters, csv quotes a cell that holds either of them.
    """

    def write(self, line: str) -> None:
        self.append(line.removesuffix("\r\n") + "\n")


def _lines(rows: Any) -> bytes:
    lines = _Lines()
    csv.writer(lines, lineterminator="\r\n").writerows(rows)
    return _bytes("".join(lines))


def _text(cell: Any) -> Any:
    if isinstance(cell, bool):
        return "true" if cell else "false"
    return _dumps(cell) if isinstance(cell, list | dict) else cell


def boxes(frame: pd.DataFrame) -> list[list[float] | None]:
    """Return the box of each row as [x, y, w, h], None where there is none."""
    sides = zip(*(column(frame[name]) for name in _BOX), strict=True)
    return [None if None in box else list(box) for box in sides]
