"""The graph contract, kept by each store."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import neo4j
import pytest

from tests.contracts.graph import (
    GraphDurableContract,
    GraphStoreContract,
    GraphTransactionsContract,
)
from tests.contracts.questions import GraphQuestionsContract
from tests.servers import Server, connected, fresh_graph
from workbench.stores.database import SqliteDatabase
from workbench.stores.graph.base import GraphStore
from workbench.stores.graph.memory import MemoryGraphStore
from workbench.stores.graph.neo4j import Neo4jGraphStore
from workbench.stores.graph.sqlite import SqliteGraphStore


class TestMemoryGraphStore(GraphStoreContract, GraphTransactionsContract, GraphQuestionsContract):
    @pytest.fixture
    def store(self) -> GraphStore:
        return MemoryGraphStore()


class TestSqliteGraphStore(
    GraphStoreContract, GraphTransactionsContract, GraphDurableContract, GraphQuestionsContract
):
    @pytest.fixture
    def store(self, tmp_path: Path) -> GraphStore:
        path = tmp_path / "store.sqlite"
        SqliteDatabase.create(path)
        database = SqliteDatabase(path)
        with database.transaction():
            SqliteGraphStore.apply_schema(database)
        return SqliteGraphStore(database)

    @pytest.fixture
    def reopen(self) -> Callable[[SqliteGraphStore], SqliteGraphStore]:
        return lambda store: SqliteGraphStore(SqliteDatabase(store.database.path))


class TestNeo4jGraphStore(
    GraphStoreContract, GraphTransactionsContract, GraphDurableContract, GraphQuestionsContract
):
    @pytest.fixture
    def store(self, neo4j_server: Server, neo4j_driver: neo4j.Driver) -> Iterator[GraphStore]:
        made = fresh_graph(neo4j_server, neo4j_driver)
        yield made
        made.close()

    @pytest.fixture
    def reopen(
        self, neo4j_server: Server
    ) -> Iterator[Callable[[Neo4jGraphStore], Neo4jGraphStore]]:
        opened: list[Neo4jGraphStore] = []

        def again(store: Neo4jGraphStore) -> Neo4jGraphStore:
            opened.append(Neo4jGraphStore(connected(neo4j_server)))
            return opened[-1]

        yield again
        for one in opened:
            one.close()
