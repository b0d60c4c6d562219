"""The graph contract, kept by each store."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.contracts.graph import (
    GraphDurableContract,
    GraphStoreContract,
    GraphTransactionsContract,
)
from tests.contracts.questions import GraphQuestionsContract
from workbench.stores.database import SqliteDatabase
from workbench.stores.graph.base import GraphStore
from workbench.stores.graph.memory import MemoryGraphStore
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
