"""CSV, plain or gzipped, as batches of text: UTF-8, the delimiter found by looking."""

from __future__ import annotations

import csv
import re
from abc import abstractmethod
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from workbench.errors import InvalidInputError
from workbench.readers.files import (
    BATCH_ROWS,
    TextBatch,
    check_names,
    check_whole,
    existing,
    is_clean,
    open_lines,
    readable,
    reject_frame,
    unreadable,
)

DELIMITERS = ",;\t|"
_SAMPLE_LINES = 50
_END_OF_LINE = re.compile(r"\r\n|\r|\n")
_DATA = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*|\s*\d{4}-\d\d-\d\d[T ].*")


class CsvFile:
    """A CSV file: its columns and its rows as text.

    Parameters
    ----------
    path : path
        The file; ``.gz`` or not is seen from its first bytes.

    Attributes
    ----------
    columns : list of str
        The names in the first line.
    delimiter : str
        One of comma, semicolon, tab and bar.

    Raises
    ------
    NotFoundError
        When there is no such file.
    InvalidInputError
        When it is empty, has no header, or is no text.
    """

    format = "csv"
    meaning: Mapping[str, str] = {}
    spaces: Mapping[str, int] = {}

    def __init__(self, path: str | Path) -> None:
        self.path = existing(path)
        with self._lines() as lines:
            sample = list(islice(lines, _SAMPLE_LINES))
        first = next((line for line in sample if line.strip("\r\n")), "")
        if not first:
            raise InvalidInputError(
                f"{self.path.name!r} is empty.",
                where=str(self.path),
                next="Give a file whose first line names its columns.",
            )
        self.delimiter = self._told_by(sample)
        with self._lines() as lines:
            self.columns = self._header(self._reader(lines))

    def batches(self, rows: int = BATCH_ROWS) -> Iterator[TextBatch]:
        """Yield the data rows as text, `rows` at a time; blank lines are skipped."""
        position = 0
        with self._lines() as lines:
            reader = self._reader(lines)
            self._header(reader)
            while True:
                chunk = _chunk(reader, rows)
                if not chunk.cells and not chunk.faults:
                    return
                batch = self._batch(chunk, position)
                position += batch.read
                yield batch

    def check(self) -> None:
        """Refuse a torn gzip file before a row of it is used (plain text cannot be torn)."""
        check_whole(self.path)

    @contextmanager
    def _lines(self) -> Iterator[Iterator[str]]:
        with open_lines(self.path) as lines:
            yield lines

    def _told_by(self, sample: list[str]) -> str:
        """Return the delimiter, told by the first lines."""
        return _sniff(sample)

    def _reader(self, lines: Iterator[str]) -> Any:
        return csv.reader(lines, delimiter=self.delimiter, strict=True)

    def _header(self, reader: Any) -> list[str]:
        try:
            names: list[str] = next((row for row in reader if row), [])
        except csv.Error as error:
            raise unreadable(self.path, error) from error
        data = [name for name in names if _DATA.fullmatch(name)]
        if 2 * len(data) > len(names):
            raise InvalidInputError(
                f"{self.path.name!r} has no header: its first line holds data ({data[0]!r}).",
                where=f"{self.path}, line 1",
                next="Put the names of the columns in the first line.",
            )
        return check_names(names, self.path)

    def _batch(self, chunk: _Chunk, position: int) -> TextBatch:
        """Return one chunk as a batch whose first data row is row `position` of the file."""
        cells, starts = chunk.cells, chunk.starts
        width = np.fromiter(map(len, cells), dtype="int64", count=len(cells))
        data = np.append(starts[width > 0], np.array([at for at, _ in chunk.faults], dtype="int64"))
        data.sort()
        whole = np.flatnonzero(width == len(self.columns))
        kept = cells if len(whole) == len(cells) else [cells[row] for row in whole]
        line = starts[whole]
        ragged = np.flatnonzero((width > 0) & (width != len(self.columns)))
        rejects = [self._ragged(cells, starts, ragged)]
        if not is_clean(kept):
            clean = np.array([is_clean([row]) for row in kept], dtype=bool)
            rejects.append(self._foul([kept[row] for row in np.flatnonzero(~clean)], line[~clean]))
            kept, line = [kept[row] for row in np.flatnonzero(clean)], line[clean]
        for start, reason in chunk.faults:
            rejects.append(reject_frame(self.path, [start], reason=reason))
        return TextBatch(
            self._frame(kept),
            line,
            position + np.searchsorted(data, line),
            pd.concat(rejects, ignore_index=True).sort_values("line", ignore_index=True),
            len(data),
        )

    def _frame(self, rows: list[list[str]]) -> pd.DataFrame:
        columns = zip(*rows, strict=True) if rows else ([] for _ in self.columns)
        series = {
            name: pd.Series(pd.array(list(cells), dtype="str"))
            for name, cells in zip(self.columns, columns, strict=True)
        }
        return pd.DataFrame(series)

    def _ragged(self, cells: list[list[str]], starts: np.ndarray, rows: np.ndarray) -> pd.DataFrame:
        asked = len(self.columns)
        found = [cells[row] for row in rows]
        return reject_frame(
            self.path,
            starts[rows],
            value=[readable(self.delimiter.join(row)) for row in found],
            reason=[f"{len(row)} cells where the header has {asked}" for row in found],
        )

    def _foul(self, rows: list[list[str]], lines: np.ndarray) -> pd.DataFrame:
        bad = [next(n for n, cell in enumerate(row) if not is_clean([[cell]])) for row in rows]
        return reject_frame(
            self.path,
            lines,
            column=[self.columns[column] for column in bad],
            value=[readable(row[column]) for row, column in zip(rows, bad, strict=True)],
            reason="no text: bytes that are not UTF-8, or zero bytes",
        )


class NumbersFile(CsvFile):
    """Lines of numbers without a header, whose columns are named by a format.

    A format says what a line is (:meth:`_plain`) and what so many columns are (:meth:`_names`).
    """

    def _told_by(self, sample: list[str]) -> str:
        widths = Counter(line.count(",") + 1 for line in sample if line.strip("\r\n"))
        self._width = widths.most_common(1)[0][0]
        return ","

    @contextmanager
    def _lines(self) -> Iterator[Iterator[str]]:
        with super()._lines() as lines:
            yield map(self._plain, lines)

    def _header(self, reader: Any) -> list[str]:
        """Return the names of the columns; no line is read for them."""
        return list(self._names(self._width))

    @abstractmethod
    def _plain(self, line: str) -> str:
        """Return a line as cells with commas between them."""

    @abstractmethod
    def _names(self, width: int) -> Sequence[str]:
        """Return the names of so many columns."""


@dataclass(slots=True)
class _Chunk:
    """Records as they were read: the cells and first line of each, and those that failed."""

    cells: list[list[str]]
    starts: np.ndarray
    faults: list[tuple[int, str]]


def _chunk(reader: Any, rows: int) -> _Chunk:
    """Return the next `rows` records, with the line and reason of each that was not CSV."""
    cells: list[list[str]] = []
    starts: list[np.ndarray] = []
    faults: list[tuple[int, str]] = []
    while len(cells) + len(faults) < rows:
        had, before = len(cells), reader.line_num
        reason = _extended(cells, reader, rows - len(cells) - len(faults))
        lines, end = _starts(cells[had:] if had else cells, before, reader.line_num, not reason)
        starts.append(lines)
        if reason is None:
            break
        over = f" (lines {end + 1} to {reader.line_num})" if reader.line_num > end + 1 else ""
        faults.append((end + 1, reason + over))
    return _Chunk(cells, np.concatenate([*starts, np.array([], dtype="int64")]), faults)


def _extended(cells: list[list[str]], reader: Any, rows: int) -> str | None:
    """Add up to `rows` records to `cells`; return why the one after them could not be read."""
    try:
        cells.extend(islice(reader, rows))
    except csv.Error as error:
        return f"not CSV: {error}"
    return None


def _starts(cells: list[list[str]], before: int, after: int, whole: bool) -> tuple[np.ndarray, int]:
    """Return the line where each record begins, and the last line of the last one."""
    if whole and after - before == len(cells):
        return np.arange(before + 1, after + 1, dtype="int64"), after
    spans = np.array(
        [
            1 + sum(len(_END_OF_LINE.findall(cell)) for cell in row if "\n" in cell or "\r" in cell)
            for row in cells
        ],
        dtype="int64",
    )
    ends = before + np.cumsum(spans)
    return ends - spans + 1, int(ends[-1]) if len(ends) else before


def _sniff(sample: list[str]) -> str:
    """Return the delimiter under which most lines have as many cells as the first."""

    def score(delimiter: str) -> tuple[float, int]:
        cells: list[list[str]] = []
        _extended(cells, csv.reader(iter(sample), delimiter=delimiter, strict=True), len(sample))
        widths = [len(row) for row in cells if row]
        if not widths or widths[0] < 2:
            return 0.0, 0
        return sum(width == widths[0] for width in widths) / len(widths), widths[0]

    return max(DELIMITERS, key=score)
