"""A graph store and a vector store as one: units of work, what must exist, vectors, sweeping."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from workbench import schema
from workbench.errors import (
    InvalidInputError,
    NotFoundError,
    ServerAwayError,
    StoreBusyError,
    StoreError,
    UncertainCommitError,
    WorkbenchError,
)
from workbench.stores.graph.base import GraphStore
from workbench.stores.vectors.base import DEFAULT_PRECISION, VectorSpace, VectorStore, checked

_NEXT = {
    "identity": "See who is there with: workbench identities",
    "appearance": "See what is there with: workbench appearances",
    "camera": "See which there are with: workbench cameras",
    "place": "Places come with contact lists: workbench ingest FILE",
    "tag": "Make it first: add_tags(...)",
}

_TRIES = 4  # to read a vector that others replace meanwhile

# One row for each appearance; None or a row of NaN where there is no vector.
Vectors = np.ndarray | Sequence[Any]


class StorePair:
    """Two stores that are written together.

    Parameters
    ----------
    graph : GraphStore
    vector : VectorStore
    space_settings : mapping of str to mapping, optional
        What a space that is not there yet is to be: ``dim``, ``precision``, ``index_type``,
        ``model_id``, ``threshold``.
    """

    def __init__(
        self,
        graph: GraphStore,
        vector: VectorStore,
        space_settings: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        self.graph = graph
        self.vector = vector
        self.space_settings = dict(space_settings or {})
        self._counted: set[str] = set()

    @contextmanager
    def unit(self) -> Iterator[None]:
        """Open one unit of work; a commit whose answer was lost is looked up before giving up.

        Raises
        ------
        UncertainCommitError
            When it cannot be looked up: then nobody knows whether it was written.
        ServerAwayError
            When the server went away; nothing was written.
        """
        op_id = uuid.uuid4().hex
        try:
            with self._in_doubt(), self.graph.transaction(op_id):
                yield
        except StoreBusyError:  # it never began
            raise
        except UncertainCommitError as error:
            if not self._written(op_id, error):
                raise ServerAwayError(
                    "The server went away before it kept what was written; nothing was changed.",
                    where=error.where,
                    next="Repeat the same call.",
                ) from error
        except StoreError as error:
            if not self._written(op_id, error):
                raise

    @contextmanager
    def _in_doubt(self) -> Iterator[None]:
        """Forget which spaces count when what is done inside fails: one may have been new."""
        try:
            yield
        except BaseException:
            self._counted.clear()
            raise

    def _written(self, op_id: str, error: WorkbenchError) -> bool:
        """Return whether the unit of work that ended with this error was committed all the same."""
        try:
            return self.graph.settled(op_id) is not None
        except (ServerAwayError, StoreBusyError):
            raise UncertainCommitError(
                "The server went away while it was asked to keep what was written; it is not known "
                "whether it did.",
                where=error.where,
                next="Repeat the same call when the server is back: what is there is not written "
                "twice.",
            ) from error

    def named_rows(
        self, space: str, ask: Callable[[], np.ndarray]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the row ids that the graph answers when asked, and their vectors.

        Where the two stores share no snapshot, another process may replace a vector between the
        two questions: then both are asked again.
        """
        for _ in range(_TRIES):
            vids = ask()
            with suppress(NotFoundError):
                return vids, self.vector.get(space, vids)
        vids = ask()
        return vids, self.vector.get(space, vids)

    def sweep(self) -> int:
        """Remove un-named vectors that are recorded for it; return how many.

        What cannot be removed now stays recorded: the write before it is committed all the same.
        """
        records = self.graph.to_sweep()
        if records.empty:
            return 0
        try:
            with self.unit():
                for space, vids in records.groupby("space")["vid"]:
                    self.vector.remove(str(space), vids.to_numpy())
                self.graph.swept(records["vid"].to_numpy())
        except (StoreError, ServerAwayError):
            return 0
        return len(records)

    def require(self, name: str, ids: Sequence[str] | pd.Series) -> pd.DataFrame:
        """Return the distinct ids as keys; refuse one that is not there."""
        label = next(t.label for t in schema.NODES.values() if t.name == name)
        wanted = _listed(name, ids)
        known = self.graph.known(label, wanted.tolist())
        unknown = wanted[~wanted.isin(known)]
        if len(unknown):
            raise NotFoundError(
                f"There is no {name} {unknown.iloc[0]!r}"
                + (f" (nor {len(unknown) - 1} others)" if len(unknown) > 1 else "")
                + ".",
                where=f"{name} {unknown.iloc[0]}",
                next=_NEXT[name],
            )
        return pd.DataFrame({"id": wanted.reset_index(drop=True)})

    def matrix(self, space: str, vectors: Vectors, n: int) -> tuple[np.ndarray, np.ndarray]:
        """Return checked vectors (n, dim) of a space and which rows have one.

        Raises
        ------
        InvalidInputError
            For a wrong dimension or number of rows, NaN among numbers, infinity, length zero.
        """
        given, mask = _split(vectors)
        if len(mask) != n:
            raise InvalidInputError(
                f"{len(mask)} vectors were given for {n} appearances.",
                where=f"space {space}",
                next="Give one row for each appearance; None or a row of NaN is no vector.",
            )
        known = self.spaces().get(space)
        dim = known.dim if known else self.stated(space).get("dim") or np.shape(given)[-1]
        if mask.any() and not known:
            self.space(space, dim)  # refuses what could not be made, before anything is written
        if mask.all() and n:
            return checked(given, dim, what=f"{space} vector"), mask
        matrix = np.zeros((n, dim), dtype="float32")
        if mask.any():
            matrix[mask] = checked(given, dim, what=f"{space} vector")
        return matrix, mask

    def stated(self, space: str) -> Mapping[str, Any]:
        """Return what was said about a space before it was made."""
        return self.space_settings.get(space, {})

    def space(self, name: str, dim: int) -> VectorSpace:
        """Return the space as it is, or as it will be made for vectors of `dim` numbers."""
        known = self.spaces().get(name)
        if known is not None:
            return known
        return planned_space(name, dim, self.stated(name))

    def make_space(self, name: str, dim: int) -> None:
        """Make a space that is not there, inside a unit of work."""
        if name in self.spaces():
            return
        planned = self.space(name, dim)
        if name in self.vector.spaces():
            self.vector.renew_space(planned)
        else:
            self.vector.create_space(planned)

    def spaces(self) -> dict[str, VectorSpace]:
        """Return the spaces that count, by name: not what is left of a write that failed."""
        there = self.vector.spaces()
        new = [name for name in there if name not in self._counted]
        if new:  # one that counts always will
            self._counted.update(self.graph.spaces_named(new))
        return {name: space for name, space in there.items() if name in self._counted}


def planned_space(name: str, dim: int, stated: Mapping[str, Any]) -> VectorSpace:
    """Return the space that vectors of `dim` numbers will get, with what was stated about it.

    Raises
    ------
    InvalidInputError
        For a setting that cannot be, or another dimension than the one stated.
    """
    made = VectorSpace(name, dim, DEFAULT_PRECISION.get(name, "float16"))
    made = replace(made, **{key: value for key, value in stated.items() if value is not None})
    if made.dim != dim:
        raise InvalidInputError(
            f"The configuration gives the space {name!r} {made.dim} dimensions; "
            f"the vectors have {dim}.",
            where=f"space {name}",
            next="Correct the configuration or give the right file.",
        )
    return made


def _listed(name: str, ids: Any) -> pd.Series:
    try:
        given = [str(one) for one in ids if not pd.isna(one)]
    except (TypeError, ValueError) as error:
        raise InvalidInputError(
            f"Ids are needed, not {ids!r:.200}.", where=name, next="Give a list of ids."
        ) from error
    # Half a surrogate pair fits no column of text: looked for before there is one.
    broken = [one for one in given if one.encode(errors="ignore").decode() != one]
    if broken:
        raise NotFoundError(
            f"There is no {name} {broken[0]!r}.", where=f"{name} {broken[0]!r}", next=_NEXT[name]
        )
    return pd.Series(given, dtype="str").drop_duplicates()


def _split(vectors: Any) -> tuple[Any, np.ndarray]:
    """Return the rows that are vectors, and for each row whether it is one."""
    whole = None
    if isinstance(vectors, np.ndarray) and vectors.dtype.kind in "fiu":
        whole = np.atleast_2d(vectors)
    if whole is not None:
        mask = np.ones(len(whole), dtype=bool)
        if whole.dtype.kind == "f" and whole.ndim == 2:
            maybe = np.isnan(whole[:, :1]).any(axis=1)  # a row of nothing but NaN begins with one
            mask[maybe] = ~np.isnan(whole[maybe]).all(axis=1)
        return whole if mask.all() else whole[mask], mask
    if not isinstance(vectors, Iterable):
        raise InvalidInputError(
            f"Vectors have to be an array (n, dimensions), not {type(vectors).__name__}.",
            where="vectors",
            next="Give one row for each appearance.",
        )
    try:
        rows = [np.asarray(row) for row in vectors if row is not None]
    except ValueError as error:
        raise InvalidInputError(
            "A vector is no row of numbers.", where="vectors", next="Give vectors of one length."
        ) from error
    empty = [row.dtype.kind == "f" and bool(np.isnan(row).all()) for row in rows]
    mask = np.array([row is not None for row in vectors], dtype=bool)
    mask[mask.nonzero()[0][np.array(empty, dtype=bool)]] = False
    kept = [row for row, nothing in zip(rows, empty, strict=True) if not nothing]
    lengths = {row.shape for row in kept}
    if len(lengths) > 1:
        raise InvalidInputError(
            f"The vectors have different shapes: {sorted(lengths)}.",
            where="vectors",
            next="Give vectors of one length.",
        )
    return (np.stack(kept) if kept else np.zeros((0, 1), dtype="float32")), mask
