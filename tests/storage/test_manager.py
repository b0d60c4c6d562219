"""The manager's contract on two oracles, and on the default pair that shares one file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.contracts.manager import NEW, StorageManagerContract, frame, state
from tests.contracts.rows import same
from tests.contracts.similarity import SimilarityContract
from workbench.errors import InvalidInputError
from workbench.storage.folder import create_store, open_store
from workbench.storage.manager import HybridStorageManager
from workbench.stores.graph.memory import MemoryGraphStore
from workbench.stores.vectors.base import VectorSpace
from workbench.stores.vectors.faiss import FAISSVectorStore
from workbench.stores.vectors.memory import MemoryVectorStore


class TestMemory(StorageManagerContract, SimilarityContract):
    @pytest.fixture
    def manager(self) -> HybridStorageManager:
        return HybridStorageManager(MemoryGraphStore(), MemoryVectorStore())


class TestDefaultStore(StorageManagerContract, SimilarityContract):
    @pytest.fixture
    def manager(self, tmp_path: Path) -> HybridStorageManager:
        create_store(tmp_path / "store")
        return open_store(tmp_path / "store")

    def test_everything_is_there_again(self, site: HybridStorageManager, tmp_path: Path) -> None:
        before, sequence = state(site), site.graph.sequence()
        site.close()
        again = open_store(tmp_path / "store")
        same(state(again), before)
        assert again.graph.sequence() == sequence
        assert [x for x, _ in again.find_similar_faces(np.eye(4)[0], k=2)] == ["a1", "a3"]

    def test_a_failed_unit_leaves_no_vectors_either(self, site: HybridStorageManager) -> None:
        before = state(site)
        with pytest.raises(ZeroDivisionError), site.unit():
            site.vector.put("face", np.array([1 << 40]), np.ones((1, 4)))
            raise ZeroDivisionError
        same(state(site), before)

    def test_the_documents_names_find_what_the_graph_names(
        self, site: HybridStorageManager
    ) -> None:
        assert isinstance(site.vector, FAISSVectorStore)
        for _ in range(20):
            site.vector.add_face_embedding(np.array([1, 0, 0, 0.01]), "unnamed")
        faces = site.vector.search_faces(np.eye(4)[0], k=2)
        assert [name for name, _ in faces] == ["a1", "a3"]
        assert [name for name, _ in site.vector.search_reid(np.eye(3)[1], k=1)] == ["a3"]

    def test_a_second_handle_sees_a_write(self, site: HybridStorageManager, tmp_path: Path) -> None:
        other = open_store(tmp_path / "store")
        target = np.eye(4)[3]
        assert other.find_similar_faces(target, k=1)[0][1] == 0
        site.add_appearances(frame(NEW), vectors={"face": [[0, 0, 0, 1]]})
        assert other.find_similar_faces(target, k=1) == [("n", pytest.approx(1.0))]
        site.delete_appearances(["n"])
        assert other.find_similar_faces(target, k=1)[0][1] == 0


@pytest.mark.parametrize("kind", ["memory", "default"])
def test_settings_of_a_space_that_is_not_there_yet(kind: str, tmp_path: Path) -> None:
    settings = {"face": {"dim": 4, "precision": "int8", "model_id": "m", "threshold": 0.4}}
    if kind == "memory":
        pair = MemoryGraphStore(), MemoryVectorStore()
        manager = HybridStorageManager(*pair, space_settings=settings)
    else:
        create_store(tmp_path / "store")
        manager = open_store(tmp_path / "store", space_settings=settings)
    manager.add_cameras(frame({"id": "c1"}))
    with pytest.raises(InvalidInputError, match="4"):
        manager.add_appearances(frame(NEW), vectors={"face": [[1, 2, 3]]})
    assert manager.vector.spaces() == {}
    assert manager.graph.nodes("Appearance").empty
    manager.add_appearances(pd.DataFrame([NEW]), vectors={"face": [[1, 2, 3, 4]]})
    wanted = VectorSpace("face", 4, "int8", "IndexFlatIP", "m", 0.4)
    assert manager.vector.spaces() == {"face": wanted}
