"""Files as they lie on the disk, and the batches of text that are read from them.

Every format that holds a table is read into the same shape, a :class:`TextBatch`: one column of
text for each column of the file, an empty cell being the empty text. What a cell means is decided
later, once, whatever the format was.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import re
import stat
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO, Protocol

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from workbench.errors import InvalidInputError, NotFoundError

Vectors = tuple[np.ndarray, np.ndarray]
BATCH_ROWS = 20_000
# Numbers of the longest vector.
LARGEST_DIM = 65_536
# A line longer than this is read in pieces: a file without line ends must not fill the memory.
LINE_LENGTH = 1_000_000
REJECT_COLUMNS = ("file", "line", "column", "value", "reason")
_SHOWN = 200
_TORN = (EOFError, zlib.error, OSError)
_NAME_LENGTH = 200
_NO_TEXT = re.compile(r"[\x00\ud800-\udfff]")
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
    vectors : mapping of str to (float32 array, array of bool)
        By space the vectors that stand in the rows themselves, and which rows have one.
    """

    frame: pd.DataFrame
    line: np.ndarray
    position: np.ndarray
    rejects: pd.DataFrame
    read: int
    vectors: Mapping[str, Vectors] = field(default_factory=dict)


class TextFile(Protocol):
    """A file that gives batches of text; one class for each container or format.

    ``meaning`` is what the format itself says of its columns (ours to the file's), ``spaces`` the
    vector spaces whose vectors stand in the rows, each with its dimension.
    """

    path: Path
    format: str
    columns: list[str]
    meaning: Mapping[str, str]
    spaces: Mapping[str, int]

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
    """Return the SHA-256 of a file's bytes, as 64 hexadecimal digits; read piece by piece.

    Of a folder: of the names in it, which are all that is read of it.
    """
    if Path(path).is_dir():
        digest = hashlib.sha256()
        for name in names_below(Path(path)):
            digest.update(os.fsencode(name) + b"\0")
        return digest.hexdigest()
    place = existing(path)
    try:
        with place.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise unreadable(place, error) from error


def names_below(folder: Path) -> list[str]:
    """Return the paths of the files below a folder, relative to it, in order of the text.

    Links to folders are not followed.
    """
    found = []
    for place, _, names in os.walk(folder, onerror=_refuse_folder):
        inside = os.path.relpath(place, folder)
        found += [name if inside == "." else f"{inside}/{name}" for name in names]
    return sorted(found)


def _refuse_folder(error: OSError) -> None:
    raise unreadable(Path(str(error.filename)), error) from error


@contextmanager
def open_binary(path: Path) -> Iterator[tuple[IO[bytes], bool]]:
    """Open a file, plain or gzipped; give its bytes and whether it is gzipped."""
    try:
        with path.open("rb") as raw:
            zipped = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            if not zipped:
                yield raw, False
                return
            with gzip.open(raw) as unzipped:
                yield unzipped, True  # type: ignore[misc]
    except _TORN as error:
        raise unreadable(path, error) from error


@contextmanager
def open_lines(path: Path, *, longest: int = LINE_LENGTH) -> Iterator[Iterator[str]]:
    """Open a text file, plain or gzipped; give its lines with their ends.

    A line longer than `longest` comes in pieces. What is no UTF-8 is kept as surrogates, so that
    only the rows that hold it are lost.
    """
    with open_binary(path) as (binary, _):
        text = io.TextIOWrapper(binary, encoding="utf-8-sig", errors="surrogateescape", newline="")
        with text:
            yield iter(partial(text.readline, longest), "")


def check_whole(path: Path) -> None:
    """Refuse a torn gzip file (plain text cannot be torn)."""
    with open_binary(path) as (binary, zipped):
        while zipped and binary.read(1 << 20):
            pass


def is_clean(rows: Iterable[Iterable[str]]) -> bool:
    """Return whether rows of cells are text that can be stored."""
    joined = "".join(map("".join, rows))
    try:
        joined.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in joined


def readable(text: str) -> str:
    """Return a text with what is no Unicode replaced."""
    return _NO_TEXT.sub("\ufffd", text)


def is_name(name: str) -> bool:
    """Return whether a text can name a column."""
    return 0 < len(name) <= _NAME_LENGTH and not _CONTROL.search(name)


def check_names(names: list[str], path: Path) -> list[str]:
    """Return the column names of a file, or refuse those nobody could refer to."""
    for position, name in enumerate(names):
        if name == "":
            wrong = f"Column {position + 1} of {path.name!r} has no name."
        elif not is_name(name):
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


def content_of(path: Path, most: int) -> bytes:
    """Return the bytes of a small file.

    Raises
    ------
    InvalidInputError
        When it cannot be read, or has more than `most` bytes.
    """
    try:
        with path.open("rb") as file:
            content = file.read(most + 1)
    except OSError as error:
        raise unreadable(path, error) from error
    if len(content) > most:
        raise InvalidInputError(
            f"{path.name!r} is larger than {most:,} bytes.",
            where=str(path),
            next="Make it smaller.",
        )
    return content
