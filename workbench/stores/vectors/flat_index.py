"""A FAISS index in memory over the codes of rows, ranked by inner product, and how sure it is.

FAISS's single precision is not the exact cosine. An index says what it found and what no row that
it left out can exceed; who asks reads the rows that may be among the nearest and compares them
exactly.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import faiss
import numpy as np

from workbench.stores.vectors.base import VectorSpace

_PART = math.log(1.02)  # int8 rows whose codes differ in length by more are ranked apart
ROUNDING = 1e-5  # how far the index's single precision may be from the exact cosine
_THREADS = faiss.omp_get_max_threads()
# FAISS gives a query one thread. A scan of more numbers than this takes longer than it takes to
# start threads (2 ms, 0.1 ms), and is shared among all of them.
_SHARED = 1 << 23


@dataclass(slots=True)
class Part:
    """A FAISS index of rows of nearly the same length, and their positions in the whole."""

    faiss: faiss.Index
    position: np.ndarray = field(default_factory=lambda: np.empty(0, dtype="int64"))
    length: np.ndarray = field(default_factory=lambda: np.empty(0, dtype="float32"))
    shortest: float = math.inf
    longest: float = 0.0

    def add(self, position: np.ndarray, codes: np.ndarray, lengths: np.ndarray) -> None:
        """Take in codes, their positions in the whole and their lengths."""
        _add(self.faiss, codes)
        self.position = np.concatenate([self.position, position])
        self.length = np.concatenate([self.length, lengths])
        self.shortest = min(self.shortest, float(lengths.min()))
        self.longest = max(self.longest, float(lengths.max()))

    def cosine(self, value: Any, length: Any) -> Any:
        """Return the cosine, but for rounding, of rows of these lengths and values."""
        if self.faiss.metric_type == faiss.METRIC_L2:
            value = (1.0 + length**2 - value) / 2.0  # of the inner product
        return value / length

    def ceiling(self, value: float) -> float:
        """Return what the cosine of a row with this value, or a worse one, cannot exceed."""
        return ROUNDING + max(self.cosine(value, end) for end in (self.shortest, self.longest))

    def best(
        self, units: np.ndarray, fetch: int, allowed: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return values and rows of the best `fetch` of each query, best first, (n, fetch)."""
        shares = self._shares(units, allowed)
        if len(shares) == 1:
            return self.faiss.search(units, fetch, params=shares[0])
        found = _at_once(lambda share: self.faiss.search(units, fetch, params=share), shares)
        values, rows = (np.concatenate(columns, axis=1) for columns in zip(*found, strict=True))
        far = values if self.faiss.metric_type == faiss.METRIC_L2 else -values
        order = np.argsort(far, axis=1, kind="stable")[:, :fetch]
        return np.take_along_axis(values, order, 1), np.take_along_axis(rows, order, 1)

    def down_to(
        self, unit: np.ndarray, cosine: float, allowed: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return values and rows of all whose cosine may be at least this, in no order."""
        cosine = max(cosine, -1.0) - 2 * ROUNDING
        ends = (self.shortest, self.longest)
        if self.faiss.metric_type == faiss.METRIC_L2:
            radius = max(1.0 + end**2 - 2.0 * cosine * end for end in ends)
        else:
            radius = min(cosine * end for end in ends)
        found = _at_once(
            lambda share: self.faiss.range_search(unit[None], radius, params=share)[1:],
            self._shares(unit[None], allowed),
        )
        values, rows = (np.concatenate(columns) for columns in zip(*found, strict=True))
        return values, rows

    def _shares(self, units: np.ndarray, allowed: np.ndarray | None) -> list[Any]:
        """Return what each thread is to look at, as FAISS's parameters of a search."""
        rows = len(self.position)
        bits = None if allowed is None else np.packbits(allowed, bitorder="little")
        work = (rows if allowed is None else int(np.count_nonzero(allowed))) * self.faiss.d
        count = max(1, min(_THREADS, work // _SHARED)) if len(units) == 1 else 1
        # Many queries are shared out by FAISS itself.
        faiss.omp_set_num_threads(1 if len(units) == 1 else _THREADS)
        ends = [rows * share // count for share in range(count + 1)]
        return [_only(first, last, rows, bits) for first, last in pairwise(ends)]


@dataclass(slots=True)
class FlatIndex:
    """What is in memory of one space: place n of every array is the row at position n.

    FAISS ranks by inner product. The scale of an int8 row is not in its codes, so that rows of
    equal cosine have values as different as the lengths of their codes: the rows are parted by
    length, and a value bounds the cosine closely within a part.
    """

    kind: Callable[[], faiss.Index]
    parts: dict[int, Part] = field(default_factory=dict)
    place: np.ndarray = field(default_factory=lambda: np.empty(0, dtype="int64"))
    vid: np.ndarray = field(default_factory=lambda: np.empty(0, dtype="int64"))
    scale: np.ndarray = field(default_factory=lambda: np.empty(0, dtype="float32"))
    crc: np.ndarray = field(default_factory=lambda: np.empty(0, dtype="int64"))
    live: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=bool))
    rows: dict[int, int] = field(default_factory=dict)
    removals: int = 0

    def add(self, first: int, codes: np.ndarray, lengths: np.ndarray) -> None:
        """Take in the codes, and their lengths, of the rows from position `first` on."""
        which = np.zeros(len(codes), dtype="int64")
        if codes.dtype == np.int8:
            which = np.floor(np.log(np.maximum(lengths, 1.0)) / _PART).astype("int64")
        for number in np.unique(which).tolist():
            mine = which == number
            part = self.parts.setdefault(number, Part(self.kind()))
            part.add(first + np.flatnonzero(mine), codes[mine], lengths[mine])


def _flat(space: VectorSpace) -> faiss.Index:
    metric = faiss.METRIC_INNER_PRODUCT
    if space.index_type == "IndexFlatL2" and space.precision != "int8":
        metric = faiss.METRIC_L2
    if space.precision == "float32":
        return faiss.IndexFlat(space.dim, metric)
    if space.precision == "float16":
        index = faiss.IndexScalarQuantizer(space.dim, faiss.ScalarQuantizer.QT_fp16, metric)
    else:
        # A uniform range of exactly 255 steps decodes byte b to b - 128. (The kind made for signed
        # bytes, QT_8bit_direct_signed, rounds the query to bytes too: all zeros for a unit vector.)
        index = faiss.IndexScalarQuantizer(space.dim, faiss.ScalarQuantizer.QT_8bit_uniform, metric)
        faiss.copy_array_to_vector(np.array([-128.5, 255.0], dtype="float32"), index.sq.trained)
    index.is_trained = True
    return index


# Index kinds by name; another kind is another entry.
INDEX_KINDS: dict[str, Callable[[VectorSpace], faiss.Index]] = {
    "IndexFlatIP": _flat,
    "IndexFlatL2": _flat,
}


def _only(first: int, last: int, rows: int, bits: np.ndarray | None) -> Any:
    """Return FAISS's parameters for rows from first to last of all the rows, those set in bits."""
    if bits is None and (first, last) == (0, rows):
        return None
    selector: Any = faiss.IDSelectorRange(first, last)
    if bits is not None:
        allowed = faiss.IDSelectorBitmap(bits)  # type: ignore[call-arg, arg-type]
        selector = faiss.IDSelectorAnd(selector, allowed)
    return faiss.SearchParameters(sel=selector)  # type: ignore[call-arg]


def _at_once(work: Callable[[Any], Any], shares: list[Any]) -> list[Any]:
    if len(shares) == 1:
        return [work(shares[0])]
    # Threads of this call alone: a pool that lives on would hang in a process that was forked.
    with ThreadPoolExecutor(len(shares) - 1) as others:
        waiting = [others.submit(work, share) for share in shares[1:]]
        return [work(shares[0]), *(one.result() for one in waiting)]


def _add(index: faiss.Index, codes: np.ndarray) -> None:
    # The index takes the stored bytes as they are; int8 has 128 added to be unsigned.
    if codes.dtype == np.int8:
        codes = codes.view("uint8") ^ np.uint8(0x80)
    index.add_sa_codes(np.ascontiguousarray(codes).view("uint8").reshape(len(codes), -1))
