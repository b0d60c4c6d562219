"""One vector to look for, from a file: ``.npy``, or a JSON list of numbers."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from workbench.errors import InvalidInputError, NotFoundError

_LARGEST_BYTES = 16_000_000
_NPY = b"\x93NUMPY"


def one_vector(path: Path) -> np.ndarray:
    """Return the vector of a file, shape (dim,); nothing is ever unpickled.

    Raises
    ------
    NotFoundError
        When there is no such file.
    InvalidInputError
        When it holds no vector, or more than one.
    """
    content = _content(path)
    try:
        if content.startswith(_NPY):
            found = _npy(path)
        else:
            found = np.asarray(json.loads(content.decode("utf-8-sig")), dtype="float64")
    except (ValueError, TypeError, EOFError, OSError, OverflowError, RecursionError) as error:
        raise _refused(path, "holds no list of numbers") from error
    if found.ndim == 2 and len(found) == 1:
        found = found[0]
    if found.ndim != 1 or not found.size:
        raise _refused(path, f"holds an array of shape {found.shape}, not one vector")
    if not np.issubdtype(found.dtype, np.number) or np.iscomplexobj(found):
        raise _refused(path, f"holds {found.dtype}, not numbers")
    return found.astype("float32")


def _content(path: Path) -> bytes:
    if not path.is_file():
        raise NotFoundError(
            f"There is no file {path}.",
            where=str(path),
            next="Give the path of a .npy or .json file.",
        )
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST_BYTES + 1)
    except OSError as error:
        raise _refused(path, f"cannot be read ({error.strerror})") from error
    if len(content) > _LARGEST_BYTES:
        raise _refused(path, "is too large for one vector")
    return content


def _npy(path: Path) -> np.ndarray:
    return np.asarray(np.load(path, allow_pickle=False))


def _refused(path: Path, why: str) -> InvalidInputError:
    return InvalidInputError(
        f"The file {why}.",
        where=str(path),
        next="One vector is a .npy array of shape (d,) or (1, d), or a JSON list of d numbers; "
        "for many use --vectors.",
    )
