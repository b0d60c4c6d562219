"""Parquet as batches of text, each type written in one canonical way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from workbench.errors import InvalidInputError
from workbench.readers.files import (
    BATCH_ROWS,
    TextBatch,
    check_names,
    existing,
    reject_frame,
    unreadable,
)
from workbench.schema import canonical_json

_NS = {"s": 1_000_000_000, "ms": 1_000_000, "us": 1_000, "ns": 1}


class ParquetFile:
    """A Parquet file: its columns and its rows as text (:func:`as_text` says how).

    Raises
    ------
    NotFoundError
        When there is no such file.
    InvalidInputError
        When it is no Parquet file, is torn, or names a column twice.
    """

    format = "parquet"
    meaning: Mapping[str, str] = {}
    spaces: Mapping[str, int] = {}

    def __init__(self, path: str | Path) -> None:
        self.path = existing(path)
        try:
            with pq.ParquetFile(self.path) as file:
                self.schema = file.schema_arrow
                self.rows = int(file.metadata.num_rows)
        except (pa.ArrowException, OSError, ValueError) as error:
            raise unreadable(self.path, error) from error
        self.columns = check_names(list(self.schema.names), self.path)
        self.nested = {field.name for field in self.schema if pa.types.is_nested(field.type)}

    def batches(self, rows: int = BATCH_ROWS) -> Iterator[TextBatch]:
        """Yield the rows as text, `rows` at a time; row 1 counts as line 2."""
        position = 0
        nothing = reject_frame(self.path)
        for batch in self.arrow_batches(rows):
            frame = pd.DataFrame(
                {
                    name: pd.Series(pd.array(self._text(name, column), dtype="str"))
                    for name, column in zip(self.columns, batch.columns, strict=True)
                }
            )
            where = np.arange(position, position + len(frame), dtype="int64")
            position += len(frame)
            yield TextBatch(frame, where + 2, where, nothing, len(frame))

    def arrow_batches(
        self, rows: int, columns: list[str] | None = None
    ) -> Iterator[pa.RecordBatch]:
        """Yield the rows as Arrow batches; a torn file is an InvalidInputError."""
        try:
            with pq.ParquetFile(self.path) as file:
                yield from file.iter_batches(batch_size=rows, columns=columns)
        except (pa.ArrowException, OSError) as error:
            raise unreadable(self.path, error) from error

    def check(self) -> None:
        """Return: the footer, which is written last, was read on opening."""

    def _text(self, name: str, column: pa.Array) -> pa.Array:
        try:
            return as_text(column)
        except (pa.ArrowException, ValueError, TypeError) as error:
            raise InvalidInputError(
                f"Column {name!r} of {self.path.name!r} cannot be read as text: {error}.",
                where=f"{self.path}, column {name}",
                next="Write the file again without that column, or with it as text.",
            ) from error


def as_text(column: pa.Array) -> pa.Array:
    """Return a column as text, '' where it is null.

    Times with a zone are ISO 8601 in UTC with six decimals and ``Z``, those without have no
    ``Z``; finer than a microsecond is rounded half to even. Floats are the shortest text that reads
    back as the same number (NaN is ''), truth is ``true`` or ``false``, lists and structures are
    JSON.

    Examples
    --------
    >>> as_text(pa.array([0.1, 30.0, None])).to_pylist()
    ['0.1', '30.0', '']
    """
    kind = column.type
    if pa.types.is_dictionary(kind):
        return as_text(column.dictionary_decode())
    if pa.types.is_null(kind):
        text = pa.array([""] * len(column), type=pa.large_string())
    elif pa.types.is_timestamp(kind):
        text = _times(column, "Z" if kind.tz else "")
    elif pa.types.is_floating(kind):
        text = _floats(column)
    elif pa.types.is_nested(kind):
        cells = [None if cell is None else canonical_json(cell) for cell in column.to_pylist()]
        text = pa.array(cells, type=pa.large_string())
    elif pa.types.is_duration(kind):
        text = column.cast(pa.int64()).cast(pa.large_string())
    else:
        text = column.cast(pa.large_string())
    return pc.fill_null(text, "")


def _floats(column: pa.Array) -> pa.Array:
    numbers = column.to_numpy(zero_copy_only=False)
    values, codes = np.unique(numbers, return_inverse=True)
    # np.unique takes 0.0 and -0.0 for one, and so does whoever reads the text.
    text = pa.array(values.astype("U32").tolist(), type=pa.large_string())
    text = pc.if_else(pa.array(np.isnan(values)), pa.scalar(None, pa.large_string()), text)
    return text.take(pa.array(codes.reshape(-1)))


def _times(column: pa.Array, suffix: str) -> pa.Array:
    missing = np.asarray(column.is_null())
    ticks = np.asarray(pc.fill_null(column.cast(pa.int64()), 0))
    scale = _NS[column.type.unit]
    if scale >= 1_000:
        wide = ticks * (scale // 1_000)
        if (wide // (scale // 1_000) != ticks).any():
            raise ValueError("a time beyond the calendar")
    else:
        wide, rest = np.divmod(ticks, 1_000)
        wide = wide + ((rest > 500) | ((rest == 500) & (wide % 2 == 1)))
    text = np.datetime_as_string(wide.astype("datetime64[us]"), unit="us")
    full = pa.array([f"{cell}{suffix}" for cell in text.tolist()], type=pa.large_string())
    return pc.if_else(pa.array(missing), pa.scalar(None, pa.large_string()), full)
