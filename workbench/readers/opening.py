"""Which container or format a file is, seen from its first bytes and lines."""

from __future__ import annotations

import re
from itertools import islice
from pathlib import Path

from workbench.errors import InvalidInputError
from workbench.readers.aicity import AiCityFile, is_aicity
from workbench.readers.csv import CsvFile
from workbench.readers.files import TextFile, existing, open_lines, unreadable
from workbench.readers.json_lines import JsonFile
from workbench.readers.json_records import records
from workbench.readers.metropolis import MetropolisFile, is_metropolis
from workbench.readers.mot import MotFile, is_mot
from workbench.readers.parquet import ParquetFile
from workbench.readers.reid_names import NamesFile, scheme_of

_SAMPLE_LINES = 50
_LIKE_JSON = re.compile(r'\{\s*("|\}|$)|\[\s*(\{|\]|$)')
# First bytes of what is no table, and what to say of it.
_FOREIGN = (
    (
        b"\x93NUMPY",
        "a matrix of vectors",
        "Give vectors with --face, --reid or --vectors SPACE=FILE.",
    ),
    (b"PK\x03\x04", "a zip archive (.npz, .xlsx, ...)", "Unpack it, or give vectors with --face."),
    (b"SQLite format 3", "an SQLite database", "Export the table as CSV or Parquet."),
    (b"\x89PNG", "a picture", "Floor plans are given as YAML with --floor-plan."),
    (b"\xff\xd8\xff", "a picture", "Floor plans are given as YAML with --floor-plan."),
    (b"\xff\xfe", "UTF-16 text", "Save it as UTF-8."),
    (b"\xfe\xff", "UTF-16 text", "Save it as UTF-8."),
)


def first_bytes(path: str | Path) -> bytes:
    """Return the first bytes of a file (16, or all of a shorter one)."""
    place = existing(path)
    try:
        with place.open("rb") as file:
            return file.read(16)
    except OSError as error:
        raise unreadable(place, error) from error


def open_text(
    path: str | Path, *, format: str = "auto", space: str = "reid", sample: int | None = None
) -> TextFile:
    """Return a file of rows, ready to give batches of text.

    Parameters
    ----------
    path : path
        The file, or a folder of images whose names say everything.
    format : str
        One of ``LoadOptions.format``; ``auto`` looks at the first lines.
    space : str
        Space of the vectors that stand in JSON under a key that names none.
    sample : int, optional
        Of JSON, look at so many rows only.

    Raises
    ------
    NotFoundError
        When there is no such file.
    InvalidInputError
        When it holds no table, or one that cannot be read.
    """
    if Path(path).is_dir():
        return NamesFile(path)
    head = first_bytes(path)
    for start, kind, todo in _FOREIGN:
        if head.startswith(start):
            raise InvalidInputError(f"{Path(path).name!r} is {kind}.", where=str(path), next=todo)
    if head.startswith(b"PAR1"):
        return ParquetFile(path)
    if format in _NUMBERS:
        _refuse_another(Path(path), format)
    found = format if format in (*_TEXTS, *_JSON, "csv") else _told(Path(path))
    if found in _JSON:
        return _JSON[found](path, space=space, sample=sample)
    return _TEXTS.get(found, CsvFile)(path)


_TEXTS: dict[str, type[CsvFile] | type[NamesFile]] = {
    "mot": MotFile,
    "aicity": AiCityFile,
    "reid": NamesFile,
}
_JSON: dict[str, type[JsonFile]] = {"jsonl": JsonFile, "metropolis": MetropolisFile}


# Formats without a header take any numbers: a file of another one would load as nonsense.
_NUMBERS = {"mot": "MOTChallenge", "aicity": "AI City"}


def _refuse_another(path: Path, format: str) -> None:
    """Refuse a file that is plainly of another format than the one stated."""
    found = _told(path)
    if found in (format, "csv"):  # what nothing is known of may be of any
        return
    todo = f"Leave --format out, or write --format {found}."
    if (format, found) == ("aicity", "mot"):
        todo += " Lines of AI City have blanks between their numbers, no commas."
    raise InvalidInputError(
        f"{path.name!r} looks like {_NUMBERS.get(found, found)}, not like {_NUMBERS[format]}: "
        "its columns would be taken for others.",
        where="--format",
        next=todo,
    )


def _told(path: Path) -> str:
    """Return the format of a text file, by its first lines."""
    with open_lines(path) as lines:
        first = list(islice((line.strip() for line in lines if line.strip()), _SAMPLE_LINES))
    if not first:
        return "csv"
    if _LIKE_JSON.match(first[0]):
        found = next((one.value for one in records(path) if not one.fault), None)
        return "metropolis" if is_metropolis(found) else "jsonl"
    if is_mot(first):
        return "mot"
    if is_aicity(first):
        return "aicity"
    return "reid" if scheme_of(first[:1]) and scheme_of(first) else "csv"
