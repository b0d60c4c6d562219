"""The oracle: vectors in arrays, searched by comparing with every one."""

from __future__ import annotations

import numpy as np
import pandas as pd

from workbench.errors import InvalidInputError, NotFoundError
from workbench.stores.vectors import precision
from workbench.stores.vectors.base import (
    Hits,
    StoredRows,
    VectorSpace,
    VectorStore,
    checked,
    paired,
    ranked,
)


class MemoryVectorStore(VectorStore):
    """One dictionary a space; nothing outlives the process."""

    supports = frozenset({"filtered_search"})

    def __init__(self) -> None:
        self._spaces: dict[str, VectorSpace] = {}
        self._rows: dict[str, dict[int, tuple[np.ndarray, np.float32, float]]] = {}

    def close(self) -> None:
        pass

    def spaces(self) -> dict[str, VectorSpace]:
        return dict(self._spaces)

    def create_space(self, space: VectorSpace) -> None:
        if self._new(space):
            self._spaces[space.name] = space
            self._rows[space.name] = {}

    def renew_space(self, space: VectorSpace) -> None:
        self._space(space.name)
        self._spaces[space.name] = space
        self._rows[space.name] = {}

    def put(self, space: str, vids: np.ndarray, vectors: np.ndarray) -> None:
        found = self._space(space)
        rows = precision.encode(checked(vectors, found.dim), found.precision)
        self.put_stored(space, vids, StoredRows(*rows))

    def put_stored(self, space: str, vids: np.ndarray, rows: StoredRows) -> None:
        self._space(space)
        codes, scales, norms = rows
        ids = paired(vids, codes).tolist()
        if any(vid in rows for rows in self._rows.values() for vid in ids):
            raise InvalidInputError(
                "A row id is taken; nothing was written.",
                where="vids",
                next="Take fresh ones with allocate_vids.",
            )
        for vid, *row in zip(ids, codes, scales, norms, strict=True):
            self._rows[space][vid] = (row[0], row[1], float(row[2]))

    def remove(self, space: str, vids: np.ndarray) -> int:
        rows = self._rows.get(space, {})
        return sum(rows.pop(vid, None) is not None for vid in np.asarray(vids).tolist())

    def hits(
        self,
        space: str,
        queries: np.ndarray,
        *,
        k: int,
        min_similarity: float | None = None,
        within: np.ndarray | None = None,
    ) -> Hits:
        found = self._space(space)
        targets = checked(queries, found.dim, what="query")
        vids = self.vids(space)
        if within is not None:
            vids = vids[np.isin(vids, within)]
        codes, _ = self._codes(space, vids)
        hits, values = [], []
        for query in targets:
            near = precision.similarities(codes, query)
            last = np.sort(near)[::-1][: max(k, 0)]
            wanted = near >= last[-1] if len(last) else np.zeros(len(near), dtype=bool)
            if min_similarity is not None:
                wanted &= near >= min_similarity
            hits.append(vids[wanted])
            values.append(near[wanted])
        return ranked(hits, values)

    def _codes(self, space: str, vids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        rows = self._rows[space]
        unknown = [vid for vid in np.asarray(vids).tolist() if vid not in rows]
        if unknown:
            raise NotFoundError(
                f"There is no vector {unknown[0]}.",
                where=f"space {space}",
                next="Give row ids that the space holds.",
            )
        found = self._spaces[space]
        if not len(vids):
            empty = np.empty((0, found.dim), dtype=precision.DTYPES[found.precision])
            return empty, np.empty(0, dtype="float32")
        chosen = [rows[vid] for vid in np.asarray(vids).tolist()]
        return np.stack([row[0] for row in chosen]), np.array([row[1] for row in chosen])

    def get(self, space: str, vids: np.ndarray) -> np.ndarray:
        self._space(space)
        return precision.decode(*self._codes(space, vids))

    def stored(self, space: str, vids: np.ndarray) -> StoredRows:
        self._space(space)
        return StoredRows(*self._codes(space, vids), self.norms(space, vids))

    def norms(self, space: str, vids: np.ndarray) -> np.ndarray:
        self._space(space)
        self._codes(space, vids)  # says which one is not there
        return np.array([self._rows[space][vid][2] for vid in np.asarray(vids).tolist()])

    def checksums(self, space: str, vids: np.ndarray) -> np.ndarray:
        self._space(space)
        return np.array(precision.checksums(*self._codes(space, vids)), dtype="int64")

    def encode_checksums(self, space: str, vectors: np.ndarray) -> np.ndarray:
        found = self._space(space)
        codes, scales, _ = precision.encode(checked(vectors, found.dim), found.precision)
        return np.array(precision.checksums(codes, scales), dtype="int64")

    def vids(self, space: str) -> np.ndarray:
        self._space(space)
        return np.array(sorted(self._rows[space]), dtype="int64")

    def counts(self) -> dict[str, int]:
        return {name: len(rows) for name, rows in self._rows.items()}

    def verify(self) -> pd.DataFrame:
        return pd.DataFrame(
            {
                "space": pd.Series([], dtype="str"),
                "vid": pd.Series([], dtype="int64"),
                "problem": pd.Series([], dtype="str"),
            }
        )
