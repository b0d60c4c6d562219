"""Which container a file is, seen from its first bytes."""

from __future__ import annotations

from pathlib import Path

from workbench.errors import InvalidInputError
from workbench.readers.csv import CsvFile
from workbench.readers.files import TextFile, existing, unreadable
from workbench.readers.parquet import ParquetFile

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


def open_text(path: str | Path) -> TextFile:
    """Return a file of rows, ready to give batches of text.

    Raises
    ------
    NotFoundError
        When there is no such file.
    InvalidInputError
        When it holds no table, or one that cannot be read.
    """
    head = first_bytes(path)
    for start, kind, todo in _FOREIGN:
        if head.startswith(start):
            raise InvalidInputError(f"{Path(path).name!r} is {kind}.", where=str(path), next=todo)
    return ParquetFile(path) if head.startswith(b"PAR1") else CsvFile(path)
