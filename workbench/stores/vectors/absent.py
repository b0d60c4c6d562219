"""No vectors: the vector store of a graph that is used alone."""

from __future__ import annotations

from typing import NoReturn

import numpy as np
import pandas as pd

from workbench.errors import CapabilityError
from workbench.stores.vectors.base import Hits, StoredRows, VectorSpace, VectorStore


class AbsentVectorStore(VectorStore):
    """Holds nothing and says so: every question about vectors and every write is refused."""

    def close(self) -> None:
        pass

    def spaces(self) -> dict[str, VectorSpace]:
        return {}

    def counts(self) -> dict[str, int]:
        return {}

    def verify(self) -> pd.DataFrame:
        columns = {"space": "str", "vid": "int64", "problem": "str"}
        return pd.DataFrame({name: pd.Series([], dtype=kind) for name, kind in columns.items()})

    def remove(self, space: str, vids: np.ndarray) -> int:
        return 0  # what a graph left to be swept lies elsewhere

    def create_space(self, space: VectorSpace) -> None:
        raise refused()

    def renew_space(self, space: VectorSpace) -> None:
        raise refused()

    def put(self, space: str, vids: np.ndarray, vectors: np.ndarray) -> None:
        raise refused()

    def put_stored(self, space: str, vids: np.ndarray, rows: StoredRows) -> None:
        raise refused()

    def hits(
        self,
        space: str,
        queries: np.ndarray,
        *,
        k: int,
        min_similarity: float | None = None,
        within: np.ndarray | None = None,
    ) -> Hits:
        raise refused()

    def get(self, space: str, vids: np.ndarray) -> np.ndarray:
        raise refused()

    def stored(self, space: str, vids: np.ndarray) -> StoredRows:
        raise refused()

    def norms(self, space: str, vids: np.ndarray) -> np.ndarray:
        raise refused()

    def checksums(self, space: str, vids: np.ndarray) -> np.ndarray:
        raise refused()

    def encode_checksums(self, space: str, vectors: np.ndarray) -> np.ndarray:
        raise refused()

    def vids(self, space: str) -> np.ndarray:
        raise refused()

    def _space(self, name: str) -> NoReturn:
        raise refused()


def refused() -> CapabilityError:
    """Return the error of a question about vectors where there are none."""
    return CapabilityError(
        "There are no vectors here: this graph is used without a vector store.",
        where="vector",
        next="Give one: Neo4jStorageManager(uri, user, password, vector=FAISSVectorStore(folder)).",
    )
