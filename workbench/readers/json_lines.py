"""JSON as a table: a key is a column, a list of numbers under a known key is a vector.

A cell is written in one canonical way (numbers as the shortest text that reads back, truth as
``true`` and ``false``, null as '', lists and objects as JSON), so that equal records have equal
ids. Vectors are no cells: they go to their space and are no part of the id.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from workbench.errors import InvalidInputError
from workbench.readers.files import (
    BATCH_ROWS,
    LARGEST_DIM,
    TextBatch,
    check_names,
    check_whole,
    existing,
    is_clean,
    is_name,
    readable,
    reject_frame,
)
from workbench.readers.json_records import Record, records
from workbench.schema import canonical_json

LARGEST_KEYS = 500
_NUMBERS_AT_ONCE = 8_000_000  # vectors of a batch, in numbers
VECTOR_KEYS = ("embedding", "vector", "face", "reid")


@dataclass(slots=True)
class Row:
    """One data row of a JSON file: where it stood, its cells and vectors, or what is wrong."""

    line: int
    cells: dict[str, str] = field(default_factory=dict)
    vectors: dict[str, np.ndarray] = field(default_factory=dict)
    fault: tuple[str, str, str] | None = None


class JsonFile:
    """JSON lines, an array or a document of objects, plain or gzipped, as batches of text.

    Parameters
    ----------
    path : path
        The file.
    space : str
        Space of the vectors whose key names none (``embedding``, ``vector``).
    sample : int, optional
        Look at so many rows only: enough to say what the file is.

    Raises
    ------
    NotFoundError
        When there is no such file.
    InvalidInputError
        When it is no JSON, holds no objects, or more different keys than a table can have.
    """

    format = "jsonl"
    meaning: Mapping[str, str] = {}

    def __init__(self, path: str | Path, *, space: str = "reid", sample: int | None = None) -> None:
        self.path = existing(path)
        self.sample = sample
        self._named = {"face": "face", "reid": "reid"} | dict.fromkeys(VECTOR_KEYS[:2], space)
        keys: dict[str, None] = {}
        self.spaces: Mapping[str, int] = {}
        self._keys: dict[str, str] = {}
        for row in islice(self._rows(), sample):
            keys |= dict.fromkeys(row.cells)
            if len(keys) > LARGEST_KEYS:
                raise self._refused(
                    f"has more than {LARGEST_KEYS} different keys",
                    "Put what differs from row to row into one nested object.",
                )
            for key, vector in row.vectors.items():
                self._meet(key, vector)
        self.columns = check_names(list(keys), self.path)
        if not self.columns:
            raise self._refused("holds no objects", "Give one object a row, with keys and values.")

    def batches(self, rows: int = BATCH_ROWS) -> Iterator[TextBatch]:
        """Yield the rows, at most `rows` at a time and fewer where they carry long vectors."""
        most = max(1, min(rows, _NUMBERS_AT_ONCE // max(1, sum(self.spaces.values()))))
        found, position = islice(self._rows(), self.sample), 0
        while chunk := list(islice(found, most)):
            yield self._batch(chunk, position)
            position += len(chunk)

    def check(self) -> None:
        """Refuse a torn gzip file; the rest was seen when the keys were looked for."""
        check_whole(self.path)

    def flat(self, value: dict[str, Any]) -> Iterable[dict[str, Any]]:
        """Return the rows that one record holds; here it is one."""
        return (value,)

    def _meet(self, key: str, vector: np.ndarray) -> None:
        """Note the space of a vector; the first of a space says its dimension."""
        space = self._named[key]
        other = self._keys.setdefault(space, key)
        if other != key:
            raise self._refused(
                f"holds vectors of the space {space!r} under two keys, {other!r} and {key!r}",
                "Give the one without a name a space of its own with --space NAME.",
            )
        self.spaces = {space: len(vector), **self.spaces}

    def _refused(self, why: str, todo: str) -> InvalidInputError:
        return InvalidInputError(f"{self.path.name!r} {why}.", where=str(self.path), next=todo)

    def _rows(self) -> Iterator[Row]:
        return chain.from_iterable(map(self._of_record, records(self.path)))

    def _of_record(self, record: Record) -> Iterable[Row]:
        if record.fault:
            return (Row(record.line, fault=("", record.text, record.fault)),)
        if not isinstance(record.value, dict):
            shown = readable(str(record.value)[:200])
            return (Row(record.line, fault=("", shown, "not an object with keys")),)
        try:
            flat = list(self.flat(record.value))
        except (ValueError, TypeError, RecursionError) as error:
            return (Row(record.line, fault=("", "", readable(str(error))[:200])),)
        return (self._row(record.line, one) for one in flat)

    def _row(self, line: int, value: dict[str, Any]) -> Row:
        row = Row(line)
        for key, said in value.items():
            try:
                if key in self._named and isinstance(said, list):
                    row.vectors[key] = vector_of(said)
                else:
                    row.cells[key] = cell(key, said)
            except (ValueError, TypeError, RecursionError, OverflowError) as error:
                shown = readable(str(said)[:200]) if not isinstance(said, list | dict) else ""
                return Row(line, fault=(readable(key)[:200], shown, readable(str(error))[:200]))
        return row

    def _batch(self, rows: list[Row], position: int) -> TextBatch:
        for row in rows:
            row.fault = row.fault or self._odd(row)
        good = [row for row in rows if row.fault is None]
        at = [n for n, row in enumerate(rows) if row.fault is None]
        bad = [(row.line, *row.fault) for row in rows if row.fault is not None]
        lines, columns, values, reasons = zip(*bad, strict=True) if bad else ((), (), (), ())
        frame = pd.DataFrame(
            {
                name: pd.Series(pd.array([row.cells.get(name, "") for row in good], dtype="str"))
                for name in self.columns
            },
            index=range(len(good)),
        )
        return TextBatch(
            frame,
            np.array([row.line for row in good], dtype="int64"),
            position + np.array(at, dtype="int64"),
            reject_frame(self.path, lines, list(columns), list(values), list(reasons)),
            len(rows),
            {space: self._matrix(good, space) for space in self.spaces},
        )

    def _odd(self, row: Row) -> tuple[str, str, str] | None:
        """Return what only the other rows show of one: a vector of another length."""
        for key, vector in row.vectors.items():
            wanted = self.spaces.get(self._named[key])
            if wanted != len(vector):
                return key, "", f"a vector of {len(vector)} numbers where the first has {wanted}"
        return None

    def _matrix(self, rows: list[Row], space: str) -> tuple[np.ndarray, np.ndarray]:
        key, dim = self._keys[space], self.spaces[space]
        matrix = np.zeros((len(rows), dim), dtype="float32")
        at = [n for n, row in enumerate(rows) if key in row.vectors]
        if at:
            matrix[at] = np.stack([rows[n].vectors[key] for n in at])
        has = ~np.isnan(matrix).any(axis=1) & (matrix != 0).any(axis=1)
        matrix[~has] = 0
        return matrix, has


def vector_of(said: list[Any]) -> np.ndarray:
    """Return a list of numbers as float32; ValueError where it is none."""
    numbers = np.asarray(said)
    if numbers.ndim != 1 or numbers.dtype.kind not in "iuf" or not 0 < len(numbers) <= LARGEST_DIM:
        raise ValueError(f"not a list of 1 to {LARGEST_DIM} numbers")
    with np.errstate(over="ignore"):
        vector = numbers.astype("float32")
    if np.isinf(vector).any():
        raise ValueError("a vector with an infinite number")
    return vector


def cell(key: str, said: Any) -> str:
    """Return a value as the text of a cell; ValueError where none can hold it.

    Examples
    --------
    >>> [cell("k", value) for value in (None, True, 7, 0.5, "x", {"b": 1, "a": []})]
    ['', 'true', '7', '0.5', 'x', '{"a":[],"b":1}']
    """
    if isinstance(said, str):
        text = said
    elif said is None or (isinstance(said, float) and said != said):
        text = ""
    elif isinstance(said, bool):
        text = "true" if said else "false"
    elif isinstance(said, int | float):
        text = repr(said)
    else:
        text = canonical_json(said)
    if not is_name(key):
        raise ValueError("a key that can name no column")
    if not is_clean([[text]]):
        raise ValueError("no text: half a character, or a zero byte")
    return text
