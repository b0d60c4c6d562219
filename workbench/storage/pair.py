"""A graph store and a vector store as one: units of work, what must exist, vectors, sweeping."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pandas as pd

from workbench import schema
from workbench.errors import InvalidInputError, NotFoundError, ServerAwayError, StoreError
from workbench.stores.graph.base import GraphStore
from workbench.stores.vectors.base import DEFAULT_PRECISION, VectorSpace, VectorStore, checked

_PLURAL = {"identity": "identities", "appearance": "appearances", "camera": "cameras"}


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
        space_settings: Mapping[str, Mapping[str, object]] | None = None,
    ) -> None:
        self.graph = graph
        self.vector = vector
        self.space_settings = dict(space_settings or {})

    @contextmanager
    def unit(self) -> Iterator[None]:
        """Open one unit of work; a commit whose answer was lost is looked up before giving up."""
        op_id = uuid.uuid4().hex
        try:
            with self.graph.transaction(op_id):
                yield
        except (ServerAwayError, StoreError):
            if self.graph.settled(op_id) is None:
                raise

    def sweep(self) -> int:
        """Remove un-named vectors that are recorded for it; return how many."""
        records = self.graph.to_sweep()
        if records.empty:
            return 0
        for space, vids in records.groupby("space")["vid"]:
            self.vector.remove(str(space), vids.to_numpy())
        with self.unit():
            self.graph.swept(records["vid"].to_numpy())
        return len(records)

    def require(self, name: str, ids: Sequence[str] | pd.Series) -> pd.DataFrame:
        """Return the distinct ids as keys; refuse one that is not there."""
        label = next(t.label for t in schema.NODES.values() if t.name == name)
        wanted = pd.Series(list(ids), dtype="str").dropna().drop_duplicates()
        known = self.graph.nodes(label, ids=wanted.tolist())["id"]
        unknown = wanted[~wanted.isin(known)]
        if len(unknown):
            raise NotFoundError(
                f"There is no {name} {unknown.iloc[0]!r}"
                + (f" (nor {len(unknown) - 1} others)" if len(unknown) > 1 else "")
                + ".",
                where=f"{name} {unknown.iloc[0]}",
                next=f"See what is there with: workbench {_PLURAL[name]}",
            )
        return pd.DataFrame({"id": wanted.reset_index(drop=True)})

    def matrix(self, space: str, vectors: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
        """Return checked vectors (n, dim) of a space and which rows have one.

        Raises
        ------
        InvalidInputError
            For a wrong dimension or number of rows, NaN among numbers, infinity, length zero.
        """
        rows = [np.nan if row is None else row for row in vectors]  # None is "no vector" too
        known = self.vector.spaces().get(space)
        dims = {np.shape(row)[-1] for row in rows if np.ndim(row)}
        dim = known.dim if known else self._stated(space).get("dim") or max(dims, default=0)
        if len(rows) != n:
            raise InvalidInputError(
                f"{len(rows)} vectors were given for {n} appearances.",
                where=f"space {space}",
                next="Give one row for each appearance; a row of NaN is no vector.",
            )
        matrix = np.full((n, int(dim)), np.nan, dtype="float32")
        mask = np.zeros(n, dtype=bool)
        try:
            full = np.asarray(vectors, dtype="float64")
        except (TypeError, ValueError):
            full = None
        if full is not None and full.ndim == 2:
            mask = ~np.isnan(full).all(axis=1)
            matrix = np.full((n, full.shape[1]), np.nan, dtype="float32")
            chosen = full[mask]
        else:
            mask = np.array([np.ndim(row) > 0 for row in rows])
            chosen = np.array([row for row in rows if np.ndim(row)])
        if mask.any():
            chosen = checked(chosen, int(dim), what=f"{space} vector")
            matrix = np.full((n, int(dim)), np.nan, dtype="float32")
            matrix[mask] = chosen
        return matrix, mask

    def _stated(self, space: str) -> Mapping[str, object]:
        return self.space_settings.get(space, {})

    def space(self, name: str, dim: int) -> VectorSpace:
        """Return the space as it is, or as it will be made for vectors of `dim` numbers."""
        known = self.vector.spaces().get(name)
        if known is not None:
            return known
        made = VectorSpace(name, dim, DEFAULT_PRECISION.get(name, "float16"))
        stated = {key: value for key, value in self._stated(name).items() if value is not None}
        made = replace(made, **stated)
        if made.dim != dim:
            raise InvalidInputError(
                f"The configuration gives the space {name!r} {made.dim} dimensions; "
                f"the vectors have {dim}.",
                where=f"space {name}",
                next="Correct the configuration or give the right file.",
            )
        return made

    def make_space(self, name: str, dim: int) -> None:
        if name not in self.vector.spaces():
            self.vector.create_space(self.space(name, dim))
