"""What a precision keeps of a vector: codes, one scale a row, and the way back."""

from __future__ import annotations

import zlib

import numpy as np

from workbench.stores.vectors.base import Precision

DTYPES: dict[str, str] = {"float32": "<f4", "float16": "<f2", "int8": "i1"}


def encode(vectors: np.ndarray, precision: Precision) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return codes (n, d), scales (n,) and norms (n,) of checked vectors.

    The vector is divided by its length (the norm). ``int8`` divides the result by its largest
    magnitude over 127 (the scale) and rounds; the scale is 1 otherwise.
    """
    norms = np.linalg.norm(vectors.astype("float64"), axis=1)
    unit = (vectors / norms[:, None]).astype("float32")
    if precision != "int8":
        return unit.astype(DTYPES[precision]), np.ones(len(unit), dtype="float32"), norms
    scales = (np.abs(unit).max(axis=1) / 127.0).astype("float32")
    codes = np.rint(unit / scales[:, None]).clip(-127, 127).astype("i1")
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
    data = memoryview(np.ascontiguousarray(codes)).cast("B") if len(codes) else b""
    tail = memoryview(np.ascontiguousarray(scales, dtype="<f4")).cast("B") if len(codes) else b""
    crc = zlib.crc32
    return [
        crc(tail[4 * n : 4 * n + 4], crc(data[width * n : width * (n + 1)]))
        for n in range(len(codes))
    ]
