"""Ids that were perhaps meant: found near the one asked for, without a walk through the store."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from tests.contracts import rows as r
from workbench.queries.unknown import near_ids, unknown
from workbench.stores.database import SqliteDatabase
from workbench.stores.graph.base import GraphStore
from workbench.stores.graph.memory import MemoryGraphStore
from workbench.stores.graph.sqlite import SqliteGraphStore

MANY = [f"{n:06d}" for n in range(3_000)]


def sqlite(folder: Path) -> GraphStore:
    SqliteDatabase.create(folder / "s.sqlite")
    database = SqliteDatabase(folder / "s.sqlite")
    with database.transaction():
        SqliteGraphStore.apply_schema(database)
    return SqliteGraphStore(database)


def filled(made: GraphStore) -> GraphStore:
    people = r.rows("Identity", *({"id": key} for key in MANY))
    cameras = r.rows("Camera", *({"id": key} for key in ("Gate 1", "gate_2", "züri", "𝒵")))
    with made.transaction():
        made.upsert_nodes("Identity", people)
        made.upsert_nodes("Camera", cameras)
    return made


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> GraphStore:
    """Return a store of many numbered people and a few cameras."""
    return filled(MemoryGraphStore() if request.param == "memory" else sqlite(tmp_path))


def test_both_stores_know_who_stands_around(store: GraphStore) -> None:
    assert store.ids_around("Identity", "001000", 2) == MANY[998:1002]
    assert store.ids_around("Identity", "001000x", 1) == MANY[1000:1002]
    assert store.ids_around("Identity", "", 2) == MANY[:2]
    assert store.ids_around("Identity", "x", 2) == MANY[-2:]
    assert store.ids_around("Camera", "z", 9) == ["Gate 1", "gate_2", "züri", "𝒵"]
    assert store.ids_around("Appearance", "a", 9) == []


@pytest.mark.parametrize(
    ("label", "key", "near"),
    [
        ("Identity", "7", ["000007"]),
        ("Identity", "0001234", ["001234"]),
        ("Identity", " 001234", ["001234"]),
        ("Camera", "GATE1", ["Gate 1"]),
        ("Camera", "gate-02", ["gate_2"]),
        ("Camera", "zürich", ["züri"]),
        ("Camera", "roof", []),
        ("Camera", "", []),
    ],
)
def test_the_id_that_was_meant(store: GraphStore, label: str, key: str, near: list[str]) -> None:
    assert near_ids(store, label, key) == near


def test_a_large_store_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = filled(sqlite(tmp_path))
    asked = []
    nodes = SqliteGraphStore.nodes

    def watched(
        self: SqliteGraphStore, label: str, *, ids: list[str] | None = None
    ) -> pd.DataFrame:
        asked.append(ids)
        return nodes(self, label, ids=ids)

    monkeypatch.setattr(SqliteGraphStore, "nodes", watched)
    assert "'001234'" in str(unknown(store, "Identity", "001234x").next)
    assert asked and all(ids is not None and len(ids) < 20 for ids in asked)
