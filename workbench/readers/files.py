"""Files as they lie on the disk, and the batches of text that are read from them.

Every format that holds a table is read into the same shape, a :class:`TextBatch`: one column of
text for each column of the file, an empty cell being the empty text. What a cell means is decided
later, once, whatever the format was.
"""

from __future__ import annotations

import hashlib
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from workbench.errors import InvalidInputError, NotFoundError

BATCH_ROWS = 20_000
REJECT_COLUMNS = ("file", "line", "column", "value", "reason")
_SHOWN = 200
_NAME_LENGTH = 200
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class TextBatch:
    """Some data rows of a file, as text.

    Attributes
    ----------
    frame : DataFrame of str
        The cells under the file's own names, '' where empty; index 0 to n - 1.
    line : array of int64
        Line of each row in the file; the header is line 1.
    position : array of int64
        Data row of each row, from 0, counted over all data rows, also those refused.
    rejects : DataFrame
        ``file, line, column, value, reason`` of the rows that could not even be read.
    read : int
        Data rows met: ``len(frame) + len(rejects)``.
    """

    frame: pd.DataFrame
    line: np.ndarray
    position: np.ndarray
    rejects: pd.DataFrame
    read: int


class TextFile(Protocol):
    """A file that gives batches of text; one class for each container (CSV, Parquet)."""

    path: Path
    format: str
    columns: list[str]

    def batches(self, rows: int = BATCH_ROWS) -> Iterator[TextBatch]:
        """Yield the data rows from the first on, `rows` at a time."""

    def check(self) -> None:
        """Refuse a container that is torn; reads what it needs to, no more."""


def existing(path: str | Path) -> Path:
    """Return the path of a file that is there.

    Raises
    ------
    NotFoundError
        When there is none.
    InvalidInputError
        When it is a directory, a device, a pipe, or may not be read.
    """
    place = Path(path)
    try:
        mode = place.stat().st_mode
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NotFoundError(
            f"There is no file {str(place)!r}.", where=str(place), next="Check the path."
        ) from error
    except (OSError, ValueError) as error:
        raise unreadable(place, error) from error
    if not stat.S_ISREG(mode):
        kind = "a directory" if stat.S_ISDIR(mode) else "no regular file"
        raise InvalidInputError(
            f"{str(place)!r} is {kind}.", where=str(place), next="Name the files themselves."
        )
    return place


def unreadable(path: Path, error: BaseException) -> InvalidInputError:
    """Return the error that says why `path` could not be read."""
    return InvalidInputError(
        f"{path.name!r} cannot be read: {error}.",
        where=str(path),
        next="Check that it is whole and that it is what its name says (workbench detect FILE).",
    )


def sha256(path: str | Path) -> str:
    """Return the SHA-256 of a file's bytes, as 64 hexadecimal digits; read piece by piece."""
    place = existing(path)
    try:
        with place.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise unreadable(place, error) from error


def check_names(names: list[str], path: Path) -> list[str]:
    """Return the column names of a file, or refuse those nobody could refer to."""
    for position, name in enumerate(names):
        if name == "":
            wrong = f"Column {position + 1} of {path.name!r} has no name."
        elif len(name) > _NAME_LENGTH or _CONTROL.search(name):
            wrong = f"Column {position + 1} of {path.name!r} has a name that is no text."
        elif name in names[:position]:
            wrong = f"{path.name!r} has two columns called {name!r}."
        else:
            continue
        raise InvalidInputError(
            wrong,
            where=f"{path}, line 1, column {position + 1}",
            next="Give each column a name of its own in the first line (pandas: index=False).",
        )
    return names


def matches(cells: pd.Series, pattern: str) -> np.ndarray:
    """Return which texts a pattern occurs in (array of bool); digits and blanks are ASCII ones."""
    text = pa.array(cells, type=pa.large_string())
    found = pc.fill_null(pc.match_substring_regex(text, pattern), False)
    return np.asarray(found, dtype=bool)


def reject_frame(
    path: Path,
    line: object = (),
    column: object = "",
    value: object = "",
    reason: object = "",
) -> pd.DataFrame:
    """Return rejected rows as a table (``file, line, column, value, reason``), one per line."""
    lines = np.asarray(line, dtype="int64").reshape(-1)
    index = range(len(lines))
    given = {"column": column, "value": value, "reason": reason}
    cells = {name: pd.Series(cell, index=index, dtype="str") for name, cell in given.items()}
    cells["value"] = shown(cells["value"])
    return pd.DataFrame(
        {"file": pd.Series(path.name, index=index, dtype="str"), "line": lines, **cells}
    )


def shown(values: pd.Series) -> pd.Series:
    """Return texts cut to a length that a list of rejects can hold."""
    long = values.str.len() > _SHOWN
    return values.where(~long, values.str.slice(0, _SHOWN - 3) + "...") if long.any() else values
