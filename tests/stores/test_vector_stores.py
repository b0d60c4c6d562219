"""The vector contract, kept by each store."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.contracts.vectors import (
    FilteredSearchContract,
    VectorDurableContract,
    VectorStoreContract,
)
from workbench.stores.vectors import flat_index
from workbench.stores.vectors.base import VectorStore
from workbench.stores.vectors.faiss import FAISSVectorStore
from workbench.stores.vectors.memory import MemoryVectorStore


class TestMemoryVectorStore(VectorStoreContract, FilteredSearchContract):
    @pytest.fixture
    def store(self) -> VectorStore:
        return MemoryVectorStore()


class TestFAISSVectorStore(VectorStoreContract, FilteredSearchContract, VectorDurableContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> VectorStore:
        return FAISSVectorStore(tmp_path)

    @pytest.fixture
    def reopen(self, tmp_path: Path) -> Callable[[VectorStore], VectorStore]:
        return lambda store: FAISSVectorStore(tmp_path)


class TestFAISSVectorStoreInThreads(TestFAISSVectorStore):
    """The same with every scan shared among threads, as it is on a store of many rows."""

    @pytest.fixture(autouse=True)
    def _shared(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(flat_index, "_SHARED", 1)
        monkeypatch.setattr(flat_index, "_THREADS", 3)
