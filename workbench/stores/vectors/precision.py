"""What a precision keeps of a vector: codes, one scale a row, and the way back."""

from __future__ import annotations

import zlib

import numpy as np

from workbench.stores.vectors.base import Precision, lengths_of

DTYPES: dict[str, str] = {"float32": "<f4", "float16": "<f2", "int8": "i1"}
_CACHED = 64  # rows encoded at a time: they stay in the processor's cache


def encode(
    vectors: np.ndarray, precision: Precision, norms: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return codes (n, d), scales (n,) and norms (n,) of checked vectors.

    The vector is divided by its length (the norm). ``int8`` divides the result by its largest
    magnitude over 127 (the scale) and rounds; the scale is 1 otherwise.
    """
    if norms is None:
        norms = lengths_of(vectors)
    codes = np.empty(vectors.shape, dtype=DTYPES[precision])
    scales = np.ones(len(vectors), dtype="float32")
    for first in range(0, len(vectors), _CACHED):
        some = slice(first, first + _CACHED)
        unit = (vectors[some] / norms[some, None]).astype("float32")
        if precision == "int8":
            scales[some] = np.maximum(unit.max(axis=1), -unit.min(axis=1)) / np.float32(127.0)
            unit /= scales[some, None]
            np.clip(np.rint(unit, out=unit), -127, 127, out=unit)
        codes[some] = unit
    return codes, scales, norms


def decode(codes: np.ndarray, scales: np.ndarray) -> np.ndarray:
    """Return what the codes stand for, float32 (n, d)."""
    rows = codes.astype("float32")
    return rows * scales[:, None] if codes.dtype == np.int8 else rows


def similarities(codes: np.ndarray, query: np.ndarray) -> np.ndarray:
    """Return the cosine of every stored row with a query, float64 (n,), within [-1, 1].

    The cosine of what is stored: rounding changed its length a little, and the scale of a row
    cancels. Summed row by row in double precision: the same bytes give the same number wherever
    the row stands, which the order of equally near rows depends on.
    """
    rows = codes.astype("float64")
    target = query.astype("float64")
    lengths = np.sqrt((rows * rows).sum(axis=1) * (target * target).sum())
    return np.clip((rows * target).sum(axis=1) / lengths, -1.0, 1.0)


def lengths(codes: np.ndarray) -> np.ndarray:
    """Return the length of each row of codes, scales left out, float32 (n,)."""
    rows = codes.astype("float32")
    return np.sqrt(np.einsum("ij,ij->i", rows, rows))


def checksums(codes: np.ndarray, scales: np.ndarray) -> list[int]:
    """Return CRC-32 of each row: its codes, then its scale."""
    width = codes.shape[1] * codes.itemsize
    data = as_bytes(codes)
    tail = as_bytes(scales.astype("<f4"))
    crc = zlib.crc32
    return [
        crc(tail[4 * n : 4 * n + 4], crc(data[width * n : width * (n + 1)]))
        for n in range(len(codes))
    ]


def as_bytes(array: np.ndarray) -> memoryview:
    """Return the bytes of an array, row after row, without copying one that is in order."""
    return np.ascontiguousarray(array).reshape(-1).view("uint8").data
