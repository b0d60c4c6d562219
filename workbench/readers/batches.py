"""Checked appearances, batch by batch: what readers give and share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from workbench import geography, schema
from workbench.errors import InvalidInputError
from workbench.readers.clock import Clock
from workbench.readers.columns import Mapped
from workbench.readers.files import BATCH_ROWS, TextBatch, TextFile, Vectors, reject_frame
from workbench.readers.options import LoadOptions
from workbench.readers.where import Where

# The store fills these.
_STORED = ("load_id", "created_at")
_TABLE_COLUMNS = tuple(c for c in schema.APPEARANCE.columns if c.name not in _STORED)
_DEGREES = (
    schema.Column("longitude", "float", "East of Greenwich.", "degrees", minimum=-180, maximum=180),
    schema.Column("latitude", "float", "North of the equator.", "degrees", minimum=-90, maximum=90),
)
IDENTITY_COLUMN = schema.Column("identity_id", "id", "Whose appearance it is.")
ROW_COLUMNS = (*(column.name for column in _TABLE_COLUMNS), IDENTITY_COLUMN.name)


@dataclass(frozen=True, slots=True)
class Batch:
    """Some appearances of a file, ready to be stored.

    Attributes
    ----------
    rows : DataFrame
        The columns of ``schema.APPEARANCE`` in their dtypes, without ``load_id`` and
        ``created_at``, and ``identity_id`` (missing where unidentified); index 0 to n - 1.
        ``source_file`` and ``source_row`` are filled. Equal rows of the file are all here, with
        one id.
    position : array of int64
        For each of `rows` the data row of the file it came from, from 0; every data row counts,
        also those filtered or rejected: the row of its vector in a file in row order.
    line : array of int64
        For each of `rows` its line in the file; the header is line 1.
    rejects : DataFrame
        ``file, line, column, value, reason``; one line for each rejected data row, with the first
        thing that is wrong with it.
    read : int
        Data rows met.
    filtered : int
        Data rows that ``--where`` did not want, or that the format says do not count.
    vectors : mapping of str to (float32 array, array of bool)
        By space the vectors that stand in the file itself, one for each of `rows`, and which of
        them have one.
    """

    rows: pd.DataFrame
    position: np.ndarray
    line: np.ndarray
    rejects: pd.DataFrame
    read: int
    filtered: int
    vectors: Mapping[str, Vectors] = field(default_factory=dict)


class Problems:
    """The first thing wrong with each row of a table."""

    def __init__(self, rows: int) -> None:
        self.bad = np.zeros(rows, dtype=bool)
        self._column = np.full(rows, "", dtype=object)
        self._value = np.full(rows, "", dtype=object)
        self._reason = np.full(rows, "", dtype=object)

    def add(self, reasons: pd.Series, column: str, values: pd.Series) -> None:
        """Note reasons (missing where all is well) about a column of the file."""
        new = reasons.notna().to_numpy(dtype=bool)
        if not new.any():
            return
        new = new & ~self.bad
        self.bad |= new
        self._column[new] = column
        self._value[new] = values.to_numpy(dtype=object)[new]
        self._reason[new] = reasons.to_numpy(dtype=object)[new]

    def note(self, rows: np.ndarray, reason: str, column: str, values: pd.Series) -> None:
        """Note one reason about a column of the rows that are True in `rows`."""
        if rows.any():
            reasons = pd.Series(pd.NA, index=range(len(rows)), dtype="str")
            reasons[rows] = reason
            self.add(reasons, column, values)

    def rejects(self, file: TextFile, line: np.ndarray) -> pd.DataFrame:
        """Return the rejected rows as a table; `line` holds the line of every row."""
        bad = self.bad
        return reject_frame(
            file.path, line[bad], self._column[bad], self._value[bad], self._reason[bad]
        )


class Cells:
    """The text cells of a batch, taken by our names and turned into the kinds of the schema."""

    def __init__(self, frame: pd.DataFrame, theirs: dict[str, str]) -> None:
        self.frame = frame
        self.theirs = theirs
        self.problems = Problems(len(frame))

    def has(self, name: str) -> bool:
        """Return whether the file has a column for our `name`."""
        return name in self.theirs

    def text(self, name: str) -> pd.Series:
        """Return the cells of our column `name`, '' where empty or without a column."""
        if name in self.theirs:
            return self.frame[self.theirs[name]]
        return constant("", len(self.frame))

    def checked(self, column: schema.Column, cells: pd.Series | None = None) -> pd.Series:
        """Return a column in its dtype; what cannot be used is noted as a problem.

        `cells` are the texts, where they are not simply those of the file.
        """
        given = self.text(column.name) if cells is None else cells
        values, reasons = by_value(given, lambda cells: schema.coerce_column(cells, column))
        shown = self.text(column.name) if column.name in self.theirs else given
        self.problems.add(reasons, self.theirs.get(column.name, column.name), shown)
        if column.required:
            empty = values.isna().to_numpy(dtype=bool) & ~self.problems.bad
            self.problems.note(empty, "missing", self.theirs.get(column.name, column.name), shown)
        return values

    def on_plane(self, origin: geography.Origin) -> tuple[pd.Series, pd.Series]:
        """Return how far east and north of the origin each row is, in metres.

        Half a place, and one too far away, is noted as a problem.
        """
        longitude, latitude = (self.checked(column) for column in _DEGREES)
        theirs, text = self.theirs["longitude"], self.text("longitude")
        half = (longitude.isna() != latitude.isna()).to_numpy(dtype=bool)
        self.problems.note(half, "longitude and latitude go together", theirs, text)
        x, y = origin.metres(
            *(cells.to_numpy("float64", na_value=np.nan) for cells in (longitude, latitude))
        )
        far = np.hypot(x, y) > geography.FARTHEST_M
        reason = f"more than {geography.FARTHEST_M / 1000:.0f} km from --origin (LON,LAT)"
        self.problems.note(far, reason, theirs, text)
        return pd.Series(x, dtype="float64"), pd.Series(y, dtype="float64")


class BatchReader(ABC):
    """The appearances of one file: iterate it, as often as needed, to get each :class:`Batch`.

    Attributes
    ----------
    options : LoadOptions
        How it is read, ``format`` resolved; ``options.meaning()`` belongs to the record of a load.
    name : str
        The file's name, which its rows carry as ``source_file``.
    """

    def __init__(
        self,
        file: TextFile,
        options: LoadOptions,
        mapped: Mapped,
        clock: Clock,
        *,
        batch_rows: int = BATCH_ROWS,
    ) -> None:
        self.file = file
        self.name = file.path.name
        self.options = options
        self.mapped = mapped
        self.clock = clock
        self.batch_rows = batch_rows
        self._where = None if options.where is None else Where(options.where)
        if self._where is not None:
            self._where.check(file.columns)
        self._checked = False
        self._refuse_nested()

    def _refuse_nested(self) -> None:
        held: set[str] = getattr(self.file, "nested", set())
        nested = held & set(self.mapped.theirs.values())
        if nested:
            name = min(nested)
            raise InvalidInputError(
                f"Column {name!r} of {self.name!r} holds lists or structures.",
                where=f"{self.file.path}, column {name}",
                next="Write it with one value a row; other columns may stay as they are.",
            )

    @property
    def format(self) -> str:
        """Return the format that was found, as ``csv``."""
        return self.options.format

    @property
    def columns_read_as(self) -> dict[str, str]:
        """Return the file's columns that are read under another name, and that name."""
        return self.mapped.read_as

    def meaning(self) -> dict[str, Any]:
        """Return what decides what the rows of this file mean, ready for JSON."""
        return self.options.meaning()

    @property
    def notes(self) -> list[str]:
        """Return what the format decided that its rows do not say, a sentence each."""
        return []

    @property
    def spaces(self) -> Mapping[str, int]:
        """Return the spaces of the vectors that stand in the file, each with its dimension."""
        return self.file.spaces

    def count(self) -> int:
        """Return the number of data rows of the file, reading all of it."""
        return sum(text.read for text in self.file.batches(self.batch_rows))

    def check(self) -> None:
        """Refuse the file as a whole, before any row of it is used; called by iteration too.

        Raises
        ------
        InvalidInputError
            When it is torn, or its times need an option that was not given. Both can show at its
            very end, so this may read all of it.
        """
        if self._checked:
            return
        self.file.check()
        for text in self.file.batches(self.batch_rows):
            keep = self._wanted(text)
            self._refuse(text.frame[keep].reset_index(drop=True), text.line[keep])
            # Only a missing zone can show later than in the first rows.
            if self.clock.kind != "text" or self.clock.tz is not None:
                break
        self._checked = True

    def __iter__(self) -> Iterator[Batch]:
        """Yield the appearances in the order of the file."""
        self.check()
        for text in self.file.batches(self.batch_rows):
            yield self._batch(text)

    def _refuse(self, frame: pd.DataFrame, line: np.ndarray) -> None:
        self.clock.refuse(frame[self.clock.column], line, self.name)

    def _wanted(self, text: TextBatch) -> np.ndarray:
        """Return which rows count (array of bool)."""
        if self._where is None:
            return np.ones(len(text.frame), dtype=bool)
        return self._where.keep(text.frame)

    def _batch(self, text: TextBatch) -> Batch:
        keep = self._wanted(text)
        at = np.flatnonzero(keep)
        frame, line, position = text.frame, text.line[keep], text.position[keep]
        if not keep.all():
            frame = frame[keep].reset_index(drop=True)
        cells = Cells(frame, self.mapped.theirs)
        rows = pd.DataFrame(self._rows(cells))
        rows["source_file"] = constant(self.name, len(frame))
        rows["source_row"] = pd.Series(position + 1, dtype="Int64")
        rejects = text.rejects
        bad = cells.problems.bad
        if bad.any():
            rejects = pd.concat([rejects, cells.problems.rejects(self.file, line)])
            rejects = rejects.sort_values("line", kind="stable", ignore_index=True)
            rows, position, line = rows[~bad].reset_index(drop=True), position[~bad], line[~bad]
            at = at[~bad]
        rows, each = self._expanded(rows)
        vectors = {s: (v[at][each], has[at][each]) for s, (v, has) in text.vectors.items()}
        return Batch(
            _complete(rows),
            position[each],
            line[each],
            rejects,
            text.read,
            int((~keep).sum()),
            vectors,
        )

    def _expanded(self, rows: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray]:
        """Return the appearances of good data rows, and for each the data row it came from."""
        return rows, np.arange(len(rows))

    @abstractmethod
    def _rows(self, cells: Cells) -> dict[str, pd.Series]:
        """Return the columns this file has; what is wrong is noted in ``cells.problems``."""


def by_value(
    cells: pd.Series, read: Callable[[pd.Series], tuple[pd.Series, pd.Series]]
) -> tuple[pd.Series, pd.Series]:
    """Return what `read` makes of each cell, asking it once for each different text."""
    codes, different = pd.factorize(cells)
    values, reasons = read(pd.Series(different, dtype="str"))
    return values.take(codes).reset_index(drop=True), reasons.take(codes).reset_index(drop=True)


def constant(text: str, rows: int) -> pd.Series:
    """Return a column of `rows` equal texts."""
    return pd.Series(text, index=range(rows), dtype="str")


def with_format(options: LoadOptions, format: str) -> LoadOptions:
    """Return the options with the format that was found."""
    return replace(options, format=format)


def _complete(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the columns of a batch in order, those the file lacks all missing."""
    columns = (*_TABLE_COLUMNS, IDENTITY_COLUMN)
    return pd.DataFrame(
        {c.name: rows[c.name] if c.name in rows else c.missing(len(rows)) for c in columns}
    )
