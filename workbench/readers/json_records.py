"""JSON as a stream of records: lines, an array, or one document; memory holds one at a time.

What is no JSON on a line is a fault of that line alone. In an array nobody can tell where the next
record begins, so a fault there refuses the file.
"""

from __future__ import annotations

import io
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

from workbench.errors import InvalidInputError
from workbench.readers.files import open_binary, open_lines, readable, unreadable

LONGEST = 16_000_000
"""Characters of the longest record that is read."""
LARGEST_DOCUMENT = 256_000_000
_CHUNK = 1 << 20
_BETWEEN = re.compile(r"[\s,]*")
_BLANKS = re.compile(r"\s*")
_BLANK = " \t\r\n"
Layout = Literal["lines", "array", "document"]


@dataclass(frozen=True, slots=True)
class Record:
    """One record: its line, what it says, or why it says nothing."""

    line: int
    value: Any = None
    fault: str = ""
    text: str = ""


def layout(path: Path) -> Layout | None:
    """Return how a file holds its records, None where it is no JSON; only its beginning is read.

    Raises
    ------
    InvalidInputError
        When it cannot be read.
    """
    begin = _first(path, _CHUNK)
    if not begin.startswith("{"):
        return "array" if begin.startswith("[") else None
    first = _first(path, LONGEST)
    named = {suffix.lower() for suffix in path.suffixes}
    if named & {".jsonl", ".ndjson"} or not _parsed(first, 1).fault:
        return "lines"
    # A line that is no document on its own: the first of several, or of a torn file of lines.
    return "document" if re.match(r'\{\s*("|$)', first) else "lines"


def _first(path: Path, longest: int) -> str:
    """Return the first line that is not blank, or so much of it."""
    with open_lines(path, longest=longest) as lines:
        return next((line for line in lines if line.strip()), "").strip()


def records(path: Path) -> Iterator[Record]:
    """Yield the records of a file in order.

    Raises
    ------
    InvalidInputError
        When it is no JSON, or its array or document is torn.
    """
    how = layout(path)
    if how == "lines":
        yield from _of_lines(path)
    elif how == "array":
        yield from _of_array(path)
    elif how == "document":
        yield from _of_document(path)
    else:
        raise InvalidInputError(
            f"{path.name!r} is no JSON.",
            where=str(path),
            next="Write one object a line (JSON lines), or one array of objects.",
        )


def _of_lines(path: Path) -> Iterator[Record]:
    number, long = 0, False
    with open_lines(path, longest=LONGEST) as lines:
        for line in lines:
            piece, long = long, not line.endswith(("\n", "\r")) and len(line) == LONGEST
            if piece:  # what is left of a line that was too long
                continue
            number += 1
            if long:
                yield Record(
                    number, None, f"longer than {LONGEST} characters", readable(line[:200])
                )
            elif line.strip(_BLANK + "\ufeff"):
                yield _parsed(line, number)


def _parsed(line: str, number: int) -> Record:
    try:
        return Record(number, _DECODER.decode(line.strip(_BLANK)))
    except (ValueError, RecursionError) as error:
        return Record(number, None, f"not JSON: {_why(error)}", readable(line[:200]))


def _of_array(path: Path) -> Iterator[Record]:
    """Yield the elements of an array, reading as much as the next one needs."""
    with open_binary(path) as (binary, _):
        text = io.TextIOWrapper(binary, encoding="utf-8-sig", errors="surrogateescape")
        with text:
            array = _Array(path, partial(text.read, _CHUNK))
            array.open()
            while not array.ended():
                yield Record(array.line, array.next())


class _Array:
    """An array that is read piece by piece; `line` is where the next element begins."""

    def __init__(self, path: Path, read: Callable[[], str]) -> None:
        self._path, self._read = path, read
        self._text, self._at = "", 0
        self.line = 1

    def open(self) -> None:
        """Go past the bracket at the beginning."""
        self._skip(_BLANKS)
        self._at += 1

    def ended(self) -> bool:
        """Go to the next element; return whether there is none."""
        self._skip(_BETWEEN)
        return self._text.startswith("]", self._at)

    def next(self) -> Any:
        """Return the next element."""
        while True:
            try:
                value, end = _DECODER.raw_decode(self._text, self._at)
                if end < len(self._text):  # a number at the very end may go on
                    self._pass(end)
                    return value
                why = "the array has no end"
            except (ValueError, RecursionError) as error:
                why = _why(error)  # not the error, which holds all that was read
            if len(self._text) - self._at > LONGEST or not self._more():
                raise unreadable(self._path, ValueError(f"line {self.line} is no JSON: {why}"))

    def _skip(self, what: re.Pattern[str]) -> None:
        while True:
            found = what.match(self._text, self._at)
            self._pass(found.end() if found else self._at)
            if self._at < len(self._text):
                return
            if not self._more():
                raise unreadable(self._path, ValueError("the array has no end"))

    def _pass(self, end: int) -> None:
        self.line += self._text.count("\n", self._at, end)
        self._at = end

    def _more(self) -> bool:
        """Read on, twice as much each time: a long element is not scanned again and again."""
        left = self._text[self._at :]
        parts = [left]
        size = 0
        while size <= len(left) and (part := self._read()):
            parts.append(part)
            size += len(part)
        self._text, self._at = "".join(parts), 0
        return size > 0


def _of_document(path: Path) -> Iterator[Record]:
    """Yield the records of one object: itself, or those of the only list of objects in it."""
    with open_lines(path, longest=LARGEST_DOCUMENT) as lines:
        text = "".join(_at_most(lines, path))
    try:
        value = _DECODER.decode(text.strip(_BLANK))
    except (ValueError, RecursionError) as error:
        raise unreadable(path, ValueError(f"it is no JSON: {_why(error)}")) from error
    lists = [v for v in value.values() if isinstance(v, list) and v and isinstance(v[0], dict)]
    plain = [v for v in value.values() if not isinstance(v, list | dict)]
    if len(lists) == 1 and len(plain) <= 2:
        yield from (Record(n, one) for n, one in enumerate(lists[0], start=1))
    else:
        yield Record(1, value)


def _at_most(lines: Iterator[str], path: Path) -> Iterator[str]:
    left = LARGEST_DOCUMENT
    for line in lines:
        left -= len(line)
        if left < 0:
            raise InvalidInputError(
                f"{path.name!r} is one JSON document of more than {LARGEST_DOCUMENT} characters.",
                where=str(path),
                next="Write one object a line (JSON lines): those are read in batches.",
            )
        yield line


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the pairs of an object as a mapping; a key twice is refused."""
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = Counter(key for key, _ in pairs).most_common(1)[0][0]
        raise ValueError(f"the key {twice[:50]!r} is there twice")
    return found


_DECODER = json.JSONDecoder(object_pairs_hook=_once)


def _why(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "nested too deep"
    return readable(str(error))[:200]
