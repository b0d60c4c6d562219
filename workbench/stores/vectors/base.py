"""What a vector store can do, and what a vector space is.

Rows are immutable under their row id (``vid``, int64, from the graph store): a changed vector is a
new vid. A vector is normalised when it is written, its length is kept beside it, and what is
searched and returned is what the space's precision kept of it.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

import numpy as np
import pandas as pd

from workbench.errors import ConflictError, InvalidInputError, NotFoundError

Precision = Literal["float32", "float16", "int8"]
IndexKind = Literal["IndexFlatIP", "IndexFlatL2"]

DEFAULT_DIM = {"face": 512, "reid": 2048}
DEFAULT_PRECISION: dict[str, Precision] = {"face": "float16", "reid": "int8"}
LARGEST_DIM = 65_536
_CACHED = 64
_NAME = re.compile(r"[a-z][a-z0-9_]{0,30}")


@dataclass(frozen=True, slots=True)
class VectorSpace:
    """One kind of embedding: which model made it and how it is kept.

    Parameters
    ----------
    name : str
        ``face``, ``reid`` or another word of small letters, digits and ``_``.
    dim : int
        Length of a vector.
    precision : {'float32', 'float16', 'int8'}
        What a stored number is; int8 has one scale for each row.
    index_type : {'IndexFlatIP', 'IndexFlatL2'}
        The exact FAISS index that ranks the rows. On normalised rows both give one order.
    model_id : str, optional
        The model that made the vectors.
    threshold : float, optional
        Similarity from which a person calls it the same; it belongs to the model.
    metric : str
        Always ``cosine``.
    """

    name: str
    dim: int
    precision: Precision = "float16"
    index_type: IndexKind = "IndexFlatIP"
    model_id: str | None = None
    threshold: float | None = None
    metric: str = "cosine"

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise InvalidInputError(
                f"{self.name!r} cannot name a vector space.",
                where="space",
                next="Use small letters, digits and _, beginning with a letter, at most 31.",
            )
        if not 1 <= self.dim <= LARGEST_DIM:
            raise InvalidInputError(
                f"A vector space cannot have {self.dim} dimensions.",
                where=f"space {self.name}",
                next=f"Use 1 to {LARGEST_DIM}.",
            )
        choices = {
            "precision": (self.precision, get_args(Precision)),
            "index_type": (self.index_type, get_args(IndexKind)),
            "metric": (self.metric, ("cosine",)),
        }
        for name, (value, allowed) in choices.items():
            if value not in allowed:
                raise InvalidInputError(
                    f"{name} {value!r} is not known.",
                    where=f"space {self.name}",
                    next=f"Use one of: {', '.join(allowed)}.",
                )


class Hits(NamedTuple):
    """The rows found for queries, one column an array: a table costs more than a search.

    By query (its position), similarity downwards, ties by vid.
    """

    query: np.ndarray
    vid: np.ndarray
    similarity: np.ndarray


def checked(vectors: np.ndarray, dim: int, *, what: str = "vector") -> np.ndarray:
    """Return the vectors as float32 (n, dim), refused as :func:`checked_lengths` does."""
    return checked_lengths(vectors, dim, what=what)[0]


def checked_lengths(
    vectors: np.ndarray, dim: int, *, what: str = "vector"
) -> tuple[np.ndarray, np.ndarray]:
    """Return the vectors as float32 (n, dim) and their lengths, float64 (n,).

    Raises
    ------
    InvalidInputError
        For another shape or type, NaN, infinity, or a vector of length zero, naming the row.
    """
    try:
        matrix = np.asarray(vectors)
        numeric = matrix.dtype.kind in "fiu"
    except (ValueError, TypeError):
        numeric = False
    if not numeric:
        raise InvalidInputError(
            f"The {what} is no array of numbers.",
            where=what,
            next=f"Give an array of {dim} numbers, or (n, {dim}) for many.",
        )
    matrix = np.atleast_2d(matrix)
    if matrix.ndim != 2 or matrix.shape[1] != dim:
        raise InvalidInputError(
            f"The {what} has shape {tuple(np.shape(vectors))}; {dim} numbers are needed.",
            where=what,
            next=f"Give an array of {dim} numbers, or (n, {dim}) for many.",
        )
    if matrix.dtype != np.float32 or not matrix.flags.c_contiguous:
        with np.errstate(over="ignore"):  # beyond float32 becomes infinite, and is refused
            matrix = np.ascontiguousarray(matrix, dtype="float32")
    lengths = lengths_of(matrix)
    fit = np.isfinite(lengths) & (lengths > 0)
    if not fit.all():
        wrong = np.flatnonzero(~fit)
        reason = "has length zero" if lengths[wrong[0]] == 0 else "holds NaN or infinity"
        raise InvalidInputError(
            f"The {what} {reason}.",
            where=f"{what}, row {wrong[0]}",
            next="Leave it out: an appearance may have no vector.",
        )
    return matrix, lengths


def lengths_of(matrix: np.ndarray) -> np.ndarray:
    """Return the length of each row, summed in double precision, float64 (n,)."""
    squares = np.empty(len(matrix))
    # A few rows at a time stay in the processor's cache; a row's sum depends on that row alone.
    for first in range(0, len(matrix), _CACHED):
        block = matrix[first : first + _CACHED].astype("float64")
        np.multiply(block, block, out=block)
        squares[first : first + _CACHED] = block.sum(axis=1)
    return np.sqrt(squares)


def paired(vids: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Return the row ids as int64, one for each vector.

    Raises
    ------
    InvalidInputError
        When there are more or fewer, or one is given twice.
    """
    ids = np.asarray(vids, dtype="int64")
    if ids.shape != (len(vectors),) or len(set(ids.tolist())) != len(ids):
        raise InvalidInputError(
            f"{len(vectors)} vectors need as many row ids, each another.",
            where="vids",
            next="Give one row id for each vector.",
        )
    return ids


class StoredRows(NamedTuple):
    """Rows as they are stored: codes (n, dim), scales (n,), and the lengths once given (n,)."""

    codes: np.ndarray
    scales: np.ndarray
    norms: np.ndarray


class VectorStore(ABC):
    """Vectors by space and row id.

    ``supports`` declares capabilities: ``filtered_search`` (`within` of a search), ``durable`` (a
    row that was put survives the process).
    """

    supports: frozenset[str] = frozenset()

    @abstractmethod
    def close(self) -> None:
        """Release what the store holds; closing twice is fine."""

    @abstractmethod
    def spaces(self) -> dict[str, VectorSpace]:
        """Return the spaces by name."""

    @abstractmethod
    def create_space(self, space: VectorSpace) -> None:
        """Make a space; the same again changes nothing, another under its name is refused."""

    @abstractmethod
    def renew_space(self, space: VectorSpace) -> None:
        """Throw away a space and its rows, of which nobody knows, and make it as said."""

    @abstractmethod
    def put(self, space: str, vids: np.ndarray, vectors: np.ndarray) -> None:
        """Write rows, durable when this returns (or with the unit of work it shares).

        A row is immutable: a vid that is there already, in whichever space, is refused.
        """

    @abstractmethod
    def remove(self, space: str, vids: np.ndarray) -> int:
        """Take rows out of every later answer; return how many there were."""

    @abstractmethod
    def hits(
        self,
        space: str,
        queries: np.ndarray,
        *,
        k: int,
        min_similarity: float | None = None,
        within: np.ndarray | None = None,
    ) -> Hits:
        """Return the nearest rows of each query: what :meth:`search` gives as a table."""

    def search(
        self,
        space: str,
        queries: np.ndarray,
        *,
        k: int,
        min_similarity: float | None = None,
        within: np.ndarray | None = None,
    ) -> pd.DataFrame:
        """Return the nearest rows: ``query, vid, similarity, rank``.

        For each query at least the min(k, matches) nearest, and every further row exactly as
        near as the last of them, so that whoever knows the ids can break the tie. By similarity
        downwards, ties by vid; rank counts from 1. `within` restricts to these vids.
        """
        found = self.hits(space, queries, k=k, min_similarity=min_similarity, within=within)
        first = np.searchsorted(found.query, found.query)
        rank = np.arange(1, len(first) + 1, dtype="int64") - first
        return pd.DataFrame({**found._asdict(), "rank": rank}, copy=False)

    @abstractmethod
    def get(self, space: str, vids: np.ndarray) -> np.ndarray:
        """Return stored vectors, normalised, float32 (n, dim).

        An unknown vid is a ``NotFoundError``, one whose bytes changed a ``StoreDamagedError``.
        """

    @abstractmethod
    def norms(self, space: str, vids: np.ndarray) -> np.ndarray:
        """Return the lengths the vectors had when they were given, float64 (n,)."""

    @abstractmethod
    def stored(self, space: str, vids: np.ndarray) -> StoredRows:
        """Return rows as they are stored, refused as by :meth:`get`."""

    @abstractmethod
    def put_stored(self, space: str, vids: np.ndarray, rows: StoredRows) -> None:
        """Write rows of another store of the same precision as they are, as :meth:`put` does."""

    @abstractmethod
    def checksums(self, space: str, vids: np.ndarray) -> np.ndarray:
        """Return CRC-32 of the stored bytes of the vectors (codes and scale), int64 (n,)."""

    @abstractmethod
    def encode_checksums(self, space: str, vectors: np.ndarray) -> np.ndarray:
        """Return the checksums these vectors would have if they were stored."""

    @abstractmethod
    def vids(self, space: str) -> np.ndarray:
        """Return the row ids of a space, ascending."""

    @abstractmethod
    def counts(self) -> dict[str, int]:
        """Return the number of rows of each space."""

    @abstractmethod
    def verify(self) -> pd.DataFrame:
        """Return ``space, vid, problem`` for every row whose bytes are not what was written."""

    def findings(self) -> dict[str, list[str]]:
        """Return what else is not as it was written, in words, by kind: files, the catalogue."""
        return {}

    def mend_files(self) -> list[str]:
        """Count rows again, give files their place, header and length; say what was done.

        Inside a unit of work. Afterwards :meth:`verify` names the rows whose bytes are lost, and
        no others.
        """
        return []

    def mend(self) -> int:
        """Take lost rows out, inside a unit of work, once nobody names them; return how many."""
        return 0

    def flush(self) -> None:  # noqa: B027 - only a store that buffers has something to do
        """Make durable what is not yet; a store whose put is durable has nothing to do."""

    def compact(self) -> int:
        """Give the room of removed rows back, inside a unit of work; return of how many.

        A store that gives it back by itself has nothing to do. A damaged row is refused with
        ``StoreDamagedError``.
        """
        return 0

    def collect(self) -> int:
        """Remove files that no committed row names, outside any unit of work; return how many."""
        return 0

    def index_of(self, space: str) -> str:
        """Return which index answers a search, in words."""
        found = self._space(space)
        return f"{found.index_type} over {found.precision}"

    def _space(self, name: str) -> VectorSpace:
        found = self.spaces().get(name)
        if found is None:
            known = ", ".join(sorted(self.spaces())) or "none yet"
            raise NotFoundError(
                f"There is no vector space {name!r}.",
                where=f"space {name}",
                next=f"Spaces here: {known}. Load vectors with --face, --reid or --vectors.",
            )
        return found

    def _new(self, space: VectorSpace) -> bool:
        """Return whether the space has to be made; refuse another one under its name."""
        known = self.spaces().get(space.name)
        if known is not None and known != space:
            raise ConflictError(
                f"The space {space.name!r} is there with {known.dim} dimensions, "
                f"{known.precision}, model {known.model_id}.",
                where=f"space {space.name}",
                next="Give the new vectors another space, or the same settings.",
            )
        return known is None


def ranked(vids: Sequence[np.ndarray], similarities: Sequence[np.ndarray]) -> Hits:
    """Return the answer of a search from what was found for each query, in order."""
    query = np.repeat(np.arange(len(vids), dtype="int64"), [len(found) for found in vids])
    vid = np.concatenate([np.empty(0, dtype="int64"), *vids]).astype("int64")
    similarity = np.concatenate([np.empty(0), *similarities]).astype("float64")
    order = np.lexsort((vid, -similarity, query))
    return Hits(query, vid[order], similarity[order])
