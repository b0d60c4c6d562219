"""Vectors from files: ``.npy`` in row order, ``.npz`` and Parquet with ids; memory stays bounded.

Whatever the file is, its vectors end as one array on the disk that is mapped, not read: the file
itself, or a temporary copy of what was compressed or in columns. Nothing is ever unpickled.
"""

from __future__ import annotations

import math
import os
import tempfile
import tokenize
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from shutil import copyfileobj
from typing import IO, Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa

from workbench.errors import InvalidInputError
from workbench.readers.files import LARGEST_DIM, existing, unreadable
from workbench.readers.opening import first_bytes
from workbench.readers.parquet import ParquetFile, as_text

CHUNK_BYTES = 16_000_000
_PARQUET_ROWS = 4096
_BROKEN = (
    OSError,
    ValueError,
    TypeError,
    EOFError,
    OverflowError,
    RuntimeError,
    SyntaxError,
    tokenize.TokenError,  # NumPy reads the header of a .npy file as Python would
    zipfile.BadZipFile,
    zlib.error,
)
Join = Literal["auto", "id", "row"]
_VERSIONS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


class Embeddings:
    """The vectors of one file.

    Parameters
    ----------
    path : path
        ``.npy`` (an array of rows x dimensions), ``.npz`` (``ids``, ``vectors``) or Parquet
        (``id``, ``vector``), seen from its first bytes.

    Attributes
    ----------
    dim : int
        Length of a vector.
    rows : int
        Rows of the file.
    ids : Index of str or None
        The id of each row, where the file has ids.
    has_vector : array of bool
        False for rows with a NaN or of zeros alone: they mean "no vector".

    Raises
    ------
    NotFoundError
        When there is no such file.
    InvalidInputError
        When it holds no such array, an infinite number (the row is named) or an id twice.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = existing(path)
        try:
            self._ids, self._vectors = _opened(self.path)
        except _BROKEN as error:
            if isinstance(error, InvalidInputError):
                raise
            raise unreadable(self.path, error) from error
        self.rows, self.dim = self._vectors.shape
        self.ids = None if self._ids is None else pd.Index(self._ids, dtype="str")
        self._check_ids()
        self.has_vector = self._scanned()

    @property
    def missing(self) -> int:
        """Return the number of rows that mean "no vector"."""
        return int(self.rows - self.has_vector.sum())

    def join(self, asked: Join = "auto", *, data_rows: int | None = None) -> Literal["id", "row"]:
        """Return how the vectors find their appearances: by ``id`` or by ``row``.

        Parameters
        ----------
        asked : str
            ``id``, ``row`` or ``auto``.
        data_rows : int, optional
            Data rows of the appearance file, also those filtered and rejected.

        Raises
        ------
        InvalidInputError
            When ids are asked for and there are none, or by row the numbers differ.
        """
        if asked not in ("auto", "id", "row"):
            raise self._wrong(
                f"--join {asked!r} is neither id nor row", "Write --join id or --join row."
            )
        if asked == "id" and self.ids is None:
            raise self._wrong(
                "has no ids to join by", "Use --join row, or a file with ids (.npz, Parquet)."
            )
        if asked == "id" or (asked == "auto" and self.ids is not None):
            return "id"
        if data_rows is not None and data_rows != self.rows:
            raise self._wrong(
                f"has {self.rows} rows where the appearances have {data_rows}",
                "In row order every data row counts, also rejected, filtered and equal ones.",
            )
        return "row"

    def by_position(self, positions: Sequence[int] | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the vectors of rows (from 0) and which of them have one.

        Returns
        -------
        vectors : float32 array, (n, dim)
            Zeros where there is none.
        has_vector : array of bool, (n,)
            Also False where the file has no such row.
        """
        wanted = np.asarray(positions, dtype="int64")
        inside = (wanted >= 0) & (wanted < self.rows)
        has = np.zeros(len(wanted), dtype=bool)
        has[inside] = self.has_vector[wanted[inside]]
        vectors = np.zeros((len(wanted), self.dim), dtype="float32")
        vectors[has] = self._vectors[wanted[has]]
        return vectors, has

    def by_id(self, ids: Sequence[str] | pd.Series) -> tuple[np.ndarray, np.ndarray]:
        """Return the vectors of appearances by their ids and which of them have one.

        Raises
        ------
        InvalidInputError
            When the file has no ids.
        """
        if self.ids is None:
            raise self._wrong("has no ids", "Use --join row.")
        return self.by_position(self.ids.get_indexer(pd.Index(list(ids), dtype="str")))

    def _wrong(self, why: str, todo: str) -> InvalidInputError:
        return InvalidInputError(f"{self.path.name!r}: {why}.", where=str(self.path), next=todo)

    def _check_ids(self) -> None:
        if self.ids is None:
            return
        if len(self.ids) != self.rows:
            raise self._wrong(
                f"{len(self.ids)} ids for {self.rows} vectors", "Give one id a vector."
            )
        twice = self.ids.duplicated()
        if twice.any():
            row = int(twice.argmax())
            raise self._wrong(
                f"the id {self.ids[row][:200]!r} is there twice (row {row})", "Give it once."
            )

    def _scanned(self) -> np.ndarray:
        has = np.zeros(self.rows, dtype=bool)
        step = max(1, CHUNK_BYTES // (4 * self.dim))
        for start in range(0, self.rows, step):
            # What float32 cannot hold becomes infinite here, and is refused as such.
            with np.errstate(over="ignore"):
                part = np.asarray(self._vectors[start : start + step]).astype("float32")
            infinite = np.isinf(part).any(axis=1)
            if infinite.any():
                row = start + int(infinite.argmax())
                raise self._wrong(
                    f"row {row} holds an infinite number",
                    "Use NaN or zeros for rows without a vector.",
                )
            has[start : start + step] = ~np.isnan(part).any(axis=1) & (part != 0).any(axis=1)
        return has


def _opened(path: Path) -> tuple[np.ndarray | None, np.ndarray]:
    head = first_bytes(path)
    if head.startswith(b"\x93NUMPY"):
        with path.open("rb") as file:
            return None, _checked(path, _mapped(file), "the array")
    if head.startswith(b"PK\x03\x04"):
        return _from_npz(path)
    if head.startswith(b"PAR1"):
        return _from_parquet(path)
    raise InvalidInputError(
        f"{path.name!r} is no file of vectors.",
        where=str(path),
        next="Give a .npy array, an .npz with ids and vectors, or Parquet with id and vector.",
    )


def _mapped(file: IO[bytes]) -> np.ndarray:
    """Return the array of an open ``.npy`` file, mapped; the file may be closed afterwards."""
    version = np.lib.format.read_magic(file)
    if version not in _VERSIONS:
        raise ValueError("an .npy version this package does not read")
    shape, fortran, dtype = _VERSIONS[version](file)
    if dtype.hasobject:
        raise ValueError("it holds Python objects, which are not read")
    if 0 in shape or dtype.itemsize == 0:
        return np.zeros(shape, dtype=dtype)
    size = math.prod(shape) * dtype.itemsize
    if min(shape) < 0 or file.tell() + size > os.fstat(file.fileno()).st_size:
        raise ValueError("it is shorter than its header says")
    order: Literal["C", "F"] = "F" if fortran else "C"
    return np.memmap(file, dtype=dtype, mode="r", offset=file.tell(), shape=shape, order=order)


def _checked(path: Path, array: np.ndarray, name: str) -> np.ndarray:
    if array.dtype.kind != "f" or array.dtype.itemsize > 8 or array.ndim != 2:
        raise InvalidInputError(
            f"{path.name!r}: {name} is {array.dtype} of shape {array.shape}, "
            "not rows of float16, float32 or float64.",
            where=str(path),
            next="Save a two-dimensional float array: one row a vector.",
        )
    if not 0 < array.shape[1] <= LARGEST_DIM:
        raise InvalidInputError(
            f"{path.name!r}: vectors of {array.shape[1]} numbers cannot be stored.",
            where=str(path),
            next=f"A vector has 1 to {LARGEST_DIM} numbers.",
        )
    return array


def _from_npz(path: Path) -> tuple[np.ndarray, np.ndarray]:
    with zipfile.ZipFile(path) as archive:
        parts = {}
        for name in ("ids", "vectors"):
            if f"{name}.npy" not in archive.namelist():
                raise ValueError(f"there is no array {name!r} in it (it needs ids and vectors)")
            # An unnamed copy: gone when the map of it is.
            with tempfile.TemporaryFile() as copy:
                with archive.open(f"{name}.npy") as member:
                    copyfileobj(member, copy, 1 << 20)
                copy.flush()
                copy.seek(0)
                parts[name] = _mapped(copy)
    return _id_texts(parts["ids"]), _checked(path, parts["vectors"], "vectors")


def _id_texts(ids: np.ndarray) -> np.ndarray:
    if ids.ndim != 1 or ids.dtype.kind not in "USiu":
        raise ValueError(f"ids are {ids.dtype} of shape {ids.shape}, not a row of texts or numbers")
    if ids.dtype.kind == "S":
        return np.array([cell.decode("utf-8") for cell in ids.tolist()], dtype=object)
    return np.array(ids).astype(str).astype(object)


def _from_parquet(path: Path) -> tuple[np.ndarray, np.ndarray]:
    file = ParquetFile(path)
    if not {"id", "vector"} <= set(file.columns):
        raise ValueError("it needs the columns id and vector")
    kind = file.schema.field("vector").type
    if not _is_float_list(kind):
        raise ValueError(f"its column vector is {kind}, not a list of floats")
    dim = _first_length(file)
    ids: list[np.ndarray] = []
    with tempfile.TemporaryFile() as copy:
        for batch in file.arrow_batches(_PARQUET_ROWS, ["id", "vector"]):
            seen = sum(map(len, ids))
            ids.append(np.array(as_text(batch.column("id")).to_pylist(), dtype=object))
            _matrix(batch.column("vector"), dim, seen).tofile(copy)
        copy.flush()
        shape = (sum(map(len, ids)), dim)
        matrix: np.ndarray = np.memmap(copy, dtype="float32", mode="r", shape=shape)
    return np.concatenate(ids), _checked(path, matrix, "vector")


def _is_float_list(kind: pa.DataType) -> bool:
    lists = (
        pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    )
    return bool(lists and pa.types.is_floating(kind.value_type))


def _first_length(file: ParquetFile) -> int:
    for batch in file.arrow_batches(_PARQUET_ROWS, ["vector"]):
        lengths = _lengths(batch.column("vector"))
        if (lengths > 0).any():
            return int(lengths[lengths > 0][0])
    raise ValueError("it holds no vectors")


def _lengths(column: Any) -> np.ndarray:
    """Return the length of each list, -1 where it is null."""
    if pa.types.is_fixed_size_list(column.type):
        return np.where(np.asarray(column.is_null()), -1, column.type.list_size)
    return np.asarray(column.value_lengths().fill_null(-1))


def _matrix(column: Any, dim: int, seen: int) -> np.ndarray:
    """Return one batch of lists as float32 rows; a null is a row of NaN."""
    lengths = _lengths(column)
    odd = np.flatnonzero((lengths != dim) & (lengths != -1))
    if len(odd):
        row = seen + int(odd[0])
        raise ValueError(f"vectors of {dim} and of {lengths[odd[0]]} numbers (row {row})")
    matrix = np.full((len(column), dim), np.nan, dtype="float32")
    flat = column.flatten().to_numpy(zero_copy_only=False)
    with np.errstate(over="ignore"):
        matrix[lengths == dim] = flat.astype("float32").reshape(-1, dim)
    return matrix
