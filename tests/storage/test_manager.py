"""The manager's contract on two oracles, and on the default pair that shares one file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import neo4j
import numpy as np
import pandas as pd
import pytest

from tests.contracts.manager import NEW, StorageManagerContract, frame, state
from tests.contracts.rows import same
from tests.contracts.similarity import SimilarityContract
from tests.servers import Server, empty
from workbench.errors import CapabilityError, ConflictError, InvalidInputError, ServerAwayError
from workbench.model import Appearance, Identity
from workbench.storage.content import verify
from workbench.storage.folder import create_store, open_store
from workbench.storage.manager import HybridStorageManager, Neo4jStorageManager
from workbench.storage.sweep import sweep
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


class TestTeamStore(StorageManagerContract, SimilarityContract):
    """The graph on a real server, vectors in a folder with a catalogue of its own."""

    @pytest.fixture
    def manager(
        self, neo4j_server: Server, neo4j_driver: neo4j.Driver, tmp_path: Path
    ) -> Iterator[HybridStorageManager]:
        empty(neo4j_driver)
        create_store(tmp_path / "store", neo4j=neo4j_server.config())
        made = open_store(tmp_path / "store", neo4j=neo4j_server.config())
        yield made
        made.close()

    def test_everything_is_there_again(
        self, site: HybridStorageManager, neo4j_server: Server, tmp_path: Path
    ) -> None:
        before, sequence = state(site), site.graph.sequence()
        site.close()
        again = open_store(tmp_path / "store")  # the folder knows its server
        same(state(again), before)
        assert again.graph.sequence() == sequence
        assert [x for x, _ in again.find_similar_faces(np.eye(4)[0], k=2)] == ["a1", "a3"]
        again.close()

    def test_vectors_of_a_failed_unit_are_invisible_and_swept(
        self, site: HybridStorageManager
    ) -> None:
        vid = site.graph.allocate_vids(1)
        with pytest.raises(ZeroDivisionError), site.unit():
            site.vector.put("face", np.array([vid]), np.eye(4)[:1])
            raise ZeroDivisionError
        assert vid in site.vector.vids("face")
        assert [x for x, _ in site.find_similar_faces(np.eye(4)[0], k=9)] == [
            "a1",
            "a3",
            "a2",
            "a5",
        ]
        assert verify(site.pair).ok
        assert sweep(site.pair, None).removed == 1
        assert vid not in site.vector.vids("face")

    def test_row_ids_of_the_documents_names_come_from_the_graph(
        self, site: HybridStorageManager
    ) -> None:
        assert isinstance(site.vector, FAISSVectorStore)
        first = site.vector.add_face_embedding(np.eye(4)[1], "somebody")
        assert site.graph.allocate_vids(1) == first + 1
        assert [name for name, _ in site.vector.search_faces(np.eye(4)[1], k=1)] == ["a2"]


class TestByAddress:
    """The constructors of the requirement document."""

    @pytest.fixture
    def server(self, neo4j_server: Server, neo4j_driver: neo4j.Driver) -> Server:
        empty(neo4j_driver)
        return neo4j_server

    def test_address_user_password_and_folder(self, server: Server, tmp_path: Path) -> None:
        face, body = np.eye(512)[3], np.eye(2048)[5]
        shown = Appearance(id="a", timestamp=datetime.now(UTC), camera_id="c", identity_id="ann")
        with closing(HybridStorageManager(server.uri, "neo4j", server.password, tmp_path)) as store:
            store.add_cameras(frame({"id": "c"}))
            store.create_identity(Identity(id="ann"))
            assert store.store_appearance_with_embeddings(shown, face, body) == "a"
        named = {"neo4j_uri": server.uri, "neo4j_user": "neo4j", "neo4j_password": server.password}
        with closing(HybridStorageManager(**named, faiss_index_path=tmp_path)) as store:
            assert store.find_matching_identities(face, body, k=5) == [("ann", 1.0)]
            assert store.vector.search_faces(face, k=1)[0][0] == "a"
        with pytest.raises(ConflictError, match="another folder"):
            HybridStorageManager(server.uri, "neo4j", server.password, tmp_path / "other")

    def test_a_graph_without_vectors(self, server: Server, tmp_path: Path) -> None:
        with closing(Neo4jStorageManager(server.uri, "neo4j", server.password)) as graph:
            graph.create_identity(Identity(id="ann"))
            graph.add_cameras(frame({"id": "c"}))
            graph.add_appearances(frame({**NEW, "camera_id": "c", "identity_id": "ann"}))
            assert len(graph.get_identity_appearances("ann")) == 1
            before = state(graph)
            for ask in (
                lambda: graph.find_similar_faces(np.eye(4)[0]),
                lambda: graph.find_matching_identities(np.eye(4)[0]),
                lambda: graph.add_appearances(
                    frame({**NEW, "id": "o", "camera_id": "c"}), vectors={"face": np.eye(4)[:1]}
                ),
            ):
                with pytest.raises(CapabilityError, match="no vectors"):
                    ask()
            same(state(graph), before)
        vectors = FAISSVectorStore(tmp_path)
        with (
            pytest.raises(ConflictError, match="another folder"),
            closing(Neo4jStorageManager(server.uri, "neo4j", server.password, vector=vectors)),
        ):
            HybridStorageManager(server.uri, "neo4j", server.password, tmp_path / "other")
        vectors.close()

    def test_what_is_no_address(self, tmp_path: Path) -> None:
        with pytest.raises(InvalidInputError, match="address"):
            HybridStorageManager("localhost", "neo4j", None, tmp_path)
        with pytest.raises(TypeError, match="neo4j_uri"):
            HybridStorageManager("bolt://localhost", "neo4j")  # type: ignore[call-overload]
        with pytest.raises(ServerAwayError):
            HybridStorageManager("bolt://localhost:1", "neo4j", None, tmp_path)
