"""One history on two stores gives one state; a native answer is the derived one."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import neo4j
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.contracts import histories
from tests.contracts import rows as r
from tests.servers import Server, fresh_graph
from workbench.stores.database import SqliteDatabase
from workbench.stores.graph.base import GraphStore, Selection
from workbench.stores.graph.memory import MemoryGraphStore
from workbench.stores.graph.sqlite import SqliteGraphStore

few = settings(max_examples=14, deadline=None, derandomize=True, database=None)
fewer = settings(few, max_examples=8)  # each unit of work goes over to a server and back
Opened = Callable[[], AbstractContextManager[GraphStore]]


@contextmanager
def sqlite_store() -> Iterator[GraphStore]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "store.sqlite"
        SqliteDatabase.create(path)
        store = SqliteGraphStore(SqliteDatabase(path))
        with store.transaction():
            SqliteGraphStore.apply_schema(store.database)
        histories.begin(store)
        yield store
        store.close()


@pytest.fixture(scope="session")
def neo4j_store(neo4j_server: Server, neo4j_driver: neo4j.Driver) -> Opened:
    """Return what opens an empty store on the server."""

    @contextmanager
    def opened() -> Iterator[GraphStore]:
        store = fresh_graph(neo4j_server, neo4j_driver)
        histories.begin(store)
        yield store
        store.close()

    return opened


def agree(
    opened: AbstractContextManager[GraphStore],
    history: list[list[histories.Operation]],
    chosen: list[Selection],
) -> None:
    """Assert that a store and the oracle, after one history, say the same."""
    oracle = MemoryGraphStore()
    histories.begin(oracle)
    with opened as store:
        started = store.sequence() - oracle.sequence()
        assert histories.happen(store, history) == histories.happen(oracle, history)
        r.same(r.dump(store), r.dump(oracle))
        assert store.counts() == oracle.counts()
        assert store.findings() == []
        assert store.sequence() - started == oracle.sequence()
        assert histories.counted(store) == histories.counted(oracle)
        for number in range(len(history)):
            settled = oracle.settled(f"unit {number}")
            assert store.settled(f"unit {number}") == (settled and settled + started)
        for space in ("face", "reid"):
            r.equal(store.owners(space, np.arange(13)), oracle.owners(space, np.arange(13)))
        for selection in chosen:
            r.equal(store.sightings(selection), oracle.sightings(selection))


def native_is_derived(
    opened: AbstractContextManager[GraphStore],
    history: list[list[histories.Operation]],
    chosen: list[Selection],
) -> None:
    """Assert that what a store answers natively is what follows from its primitives."""
    with opened as store:
        histories.happen(store, history)
        r.equal(store.sightings(), GraphStore.sightings(store))
        assert histories.counted(store) == histories.numbers(GraphStore.observations(store))
        for who in (*histories.PEOPLE, "none"):
            for margin_us in (0, 1_500_000, 2**62):
                around = store.observations_around(who, margin_us)
                derived = GraphStore.observations_around(store, who, margin_us)
                assert histories.numbers(around) == histories.numbers(derived)
        ids = [*histories.APPEARANCES, "none"]
        r.equal(store.identities_of(ids), GraphStore.identities_of(store, ids))
        for label in ("Appearance", "Identity"):
            assert sorted(store.known(label, ids)) == GraphStore.known(store, label, ids)
        for selection in chosen:
            r.equal(store.sightings(selection), GraphStore.sightings(store, selection))
            for space in ("face", "reid"):
                native = store.vids_within(space, selection)
                derived = GraphStore.vids_within(store, space, selection)
                assert native.tolist() == derived.tolist()
        with store.transaction():
            store.refresh_statistics(histories.PEOPLE)
            native_statistics = store.nodes("Identity")
            GraphStore.refresh_statistics(store, histories.PEOPLE)
            r.equal(native_statistics, store.nodes("Identity"))


@few
@given(history=histories.units, chosen=st.lists(histories.selections, min_size=2, max_size=2))
def test_sqlite_and_memory_agree(
    history: list[list[histories.Operation]], chosen: list[Selection]
) -> None:
    agree(sqlite_store(), history, chosen)


@few
@given(history=histories.units, chosen=st.lists(histories.selections, min_size=6, max_size=6))
def test_native_is_derived(
    history: list[list[histories.Operation]], chosen: list[Selection]
) -> None:
    native_is_derived(sqlite_store(), history, chosen)


@fewer
@given(history=histories.units, chosen=st.lists(histories.selections, min_size=2, max_size=2))
def test_neo4j_and_memory_agree(
    neo4j_store: Opened, history: list[list[histories.Operation]], chosen: list[Selection]
) -> None:
    agree(neo4j_store(), history, chosen)


@fewer
@given(history=histories.units, chosen=st.lists(histories.selections, min_size=6, max_size=6))
def test_native_is_derived_on_neo4j(
    neo4j_store: Opened, history: list[list[histories.Operation]], chosen: list[Selection]
) -> None:
    native_is_derived(neo4j_store(), history, chosen)
