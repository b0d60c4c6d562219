"""What every graph store does, whichever it is."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.contracts import rows as r
from workbench import schema
from workbench.errors import InvalidInputError, NotFoundError
from workbench.stores.graph.base import GraphStore


def named(*pairs: tuple[str, int]) -> pd.DataFrame:
    ids, vids = zip(*pairs, strict=True)
    return pd.DataFrame({"appearance_id": pd.Series(ids, dtype="str"), "vid": np.array(vids)})


def pairs_of(frame: pd.DataFrame) -> list[tuple[Any, ...]]:
    return list(frame.itertuples(index=False, name=None))


DANGLING = [
    ("HAS_APPEARANCE", {"identity_id": "eve", "appearance_id": "a0"}),
    ("HAS_APPEARANCE", {"identity_id": "ann", "appearance_id": "x"}),
    ("ADJACENT_TO", {"from_camera": "c1", "to_camera": "x"}),
    ("PROBABLE_MATCH", {"appearance_a": "a0", "appearance_b": "x"}),
    ("TAGGED_IDENTITY", {"tag_id": "x", "identity_id": "ann"}),
    (
        "Outage",
        {"camera_id": "x", "start": "2026-01-01T00:00Z", "end": "2026-01-02T00:00Z"},
    ),
    ("Appearance", {"id": "n", "timestamp": "2026-01-01T00:00Z", "camera_id": "x"}),
    ("Identity", {"id": "n", "load_id": "x"}),
]


MISNAMED = [
    ("face", [("none", 9)], NotFoundError),
    ("face", [("a1", 1)], InvalidInputError),
    ("reid", [("a0", 1)], InvalidInputError),
    ("face", [("a1", 8), ("a1", 9)], InvalidInputError),
]


class GraphStoreContract:
    """Rows in, the same rows out; names of vectors; what is refused."""

    @pytest.fixture
    def store(self) -> GraphStore:
        raise NotImplementedError

    @pytest.fixture
    def small(self, store: GraphStore) -> GraphStore:
        """Return two cameras, two people and four appearances, one of them linked."""
        r.put(store, "Camera", {"id": "c1"}, {"id": "c2"})
        r.put(store, "Identity", {"id": "ann"}, {"id": "bob"})
        r.put(
            store,
            "Appearance",
            *(
                {"id": f"a{n}", "timestamp": f"2026-01-01T00:00:0{n}Z", "camera_id": "c1"}
                for n in range(4)
            ),
        )
        r.put(store, "HAS_APPEARANCE", {"identity_id": "ann", "appearance_id": "a0"})
        return store

    def test_every_declared_capability_is_tested(self, store: GraphStore) -> None:
        for name in store.supports:
            assert isinstance(self, CAPABILITIES[name])

    def test_every_label_and_kind_round_trips_in_code_point_order(self, store: GraphStore) -> None:
        for table in r.WRITTEN:
            wanted = r.odd_rows(table)
            with store.transaction():
                assert r.put_frame(store, table.label, wanted.iloc[::-1]) == len(r.IDS)
            by = table.names[:2] if table.edge else list(table.key)
            r.equal(r.read(store, table.label), r.in_order(wanted, by))
        assert store.findings() == []
        counts = store.counts()
        assert counts == {table.label: len(r.IDS) for table in r.WRITTEN}

    def test_writing_again_changes_nothing_and_overwrites(self, store: GraphStore) -> None:
        for table in r.WRITTEN:
            with store.transaction():
                r.put_frame(store, table.label, r.odd_rows(table))
        before = r.dump(store)
        for table in r.WRITTEN:
            with store.transaction():
                r.put_frame(store, table.label, r.odd_rows(table))
        r.same(r.dump(store), before)
        for table in r.WRITTEN:
            bare = r.odd_rows(table).copy()
            free = [c.name for c in table.columns if not c.required]
            bare[free] = pd.DataFrame(
                {name: table.column(name).missing(len(bare)) for name in free}
            )
            with store.transaction():
                r.put_frame(store, table.label, bare)
            by = table.names[:2] if table.edge else list(table.key)
            r.equal(r.read(store, table.label), r.in_order(bare, by))

    def test_the_last_of_two_rows_with_one_key_counts(self, store: GraphStore) -> None:
        twice = pd.concat([r.rows("Camera", {"id": "c", "name": n}) for n in ("one", "two")])
        with store.transaction():
            store.upsert_nodes("Camera", twice)
        assert store.nodes("Camera")["name"].tolist() == ["two"]

    def test_an_empty_answer_has_the_columns_and_dtypes(self, store: GraphStore) -> None:
        for table in (*r.WRITTEN, *r.DERIVED):
            r.equal(r.read(store, table.label), table.empty())
            with store.transaction():
                if not table.derived:
                    assert r.put_frame(store, table.label, table.empty()) == 0
        r.equal(store.sightings(), schema.SIGHTING.empty())
        r.equal(store.identities_of([]), schema.HAS_APPEARANCE.empty())
        dtypes = {"appearance_id": "str", "vid": "int64", "space": "str"}
        for frame, names in (
            (store.vectors_of("face"), ["appearance_id", "vid"]),
            (store.owners("face", np.array([1])), ["vid", "appearance_id"]),
            (store.to_sweep(), ["space", "vid"]),
        ):
            r.equal(frame, pd.DataFrame({n: pd.Series([], dtype=dtypes[n]) for n in names}))
        assert set(store.counts().values()) == {0}
        seen = store.observations()
        for array in (seen.identity, seen.place, seen.time_us):
            assert array.shape == (0,)
            assert array.dtype == "int64"
        assert (seen.identities, seen.places) == ([], [])

    def test_ids_select_and_unknown_ones_select_nothing(self, store: GraphStore) -> None:
        for table in r.WRITTEN:
            with store.transaction():
                r.put_frame(store, table.label, r.odd_rows(table))
        strange = ["none", "\ud800", "a\x00", "'; --", "%", ""]
        got = store.nodes("Appearance", ids=[r.IDS[6], *strange, r.IDS[0], r.IDS[0]])
        assert got["id"].tolist() == [r.IDS[0], r.IDS[6]]
        assert store.nodes("Outage", ids=[r.IDS[5]])["camera_id"].tolist() == [r.IDS[5]]
        assert store.nodes("LoadFile", ids=strange).empty
        links = store.edges("HAS_APPEARANCE", src=[r.IDS[2], "none"])
        assert links["identity_id"].tolist() == [r.IDS[2]]
        assert store.edges("HAS_APPEARANCE", src=[r.IDS[2]], dst=strange).empty
        match = store.edges("PROBABLE_MATCH", src=[r.IDS[3]], dst=[r.IDS[4]])
        assert len(match) == 1
        assert store.edges("PROBABLE_MATCH", src=[r.IDS[3]], dst=[r.IDS[3]]).empty
        assert store.nodes("Camera", ids=[]).empty
        assert store.edges("ADJACENT_TO", src=[]).empty

    # ------------------------------------------------------------------ deleting
    def test_deleting_the_unknown_deletes_nothing(self, small: GraphStore) -> None:
        before = r.dump(small)
        with small.transaction():
            for table in r.WRITTEN:
                delete = small.delete_edges if table.edge else small.delete_nodes
                strangers = r.odd_rows(table)[list(table.key)]
                assert delete(table.label, strangers) == 0
                assert delete(table.label, strangers.iloc[:0]) == 0
        r.same(r.dump(small), before)

    def test_deleting_says_how_many_there_were(self, store: GraphStore) -> None:
        for table in r.WRITTEN:
            with store.transaction():
                r.put_frame(store, table.label, r.odd_rows(table))
        for table in reversed(r.WRITTEN):
            delete = store.delete_edges if table.edge else store.delete_nodes
            with store.transaction():
                known = r.odd_rows(table)[list(table.key)]
                assert delete(table.label, pd.concat([known[:2], known[:2]])) == 2
            assert len(r.read(store, table.label)) == len(r.IDS) - 2
            with store.transaction():
                assert delete(table.label, known) == len(r.IDS) - 2
        assert set(store.counts().values()) == {0}

    def test_a_node_goes_with_its_edges_and_names(self, small: GraphStore) -> None:
        r.put(small, "PROBABLE_MATCH", {"appearance_a": "a0", "appearance_b": "a1"})
        r.put(small, "PROBABLE_MATCH", {"appearance_a": "a1", "appearance_b": "a2"})
        r.put(small, "Tag", {"id": "t", "kind": "zone", "name": "x"})
        r.put(small, "TAGGED_APPEARANCE", {"tag_id": "t", "appearance_id": "a0"})
        r.put(small, "TAGGED_IDENTITY", {"tag_id": "t", "identity_id": "ann"})
        r.put(small, "ADJACENT_TO", {"from_camera": "c1", "to_camera": "c2"})
        with small.transaction():
            small.name_vectors("face", named(("a0", 11), ("a1", 12)))
            assert small.delete_nodes("Appearance", pd.DataFrame({"id": ["a0"]})) == 1
            assert small.delete_nodes("Camera", pd.DataFrame({"id": ["c2"]})) == 1
        assert small.counts() == {table.label: 0 for table in r.WRITTEN} | {
            "Camera": 1,
            "Identity": 2,
            "Appearance": 3,
            "PROBABLE_MATCH": 1,
            "Tag": 1,
            "TAGGED_IDENTITY": 1,
        }
        assert pairs_of(small.vectors_of("face")) == [("a1", 12)]
        assert pairs_of(small.to_sweep()) == [("face", 11)]

    def test_the_appearances_of_a_deleted_identity_stay(self, small: GraphStore) -> None:
        with small.transaction():
            assert small.delete_nodes("Identity", pd.DataFrame({"id": ["ann"]})) == 1
        assert small.edges("HAS_APPEARANCE").empty
        assert len(small.sightings()) == 4

    def test_what_others_refer_to_is_not_deleted(self, small: GraphStore) -> None:
        r.put(small, "Load", {"id": "l", "options": "{}", "at": "2026-01-01T00:00Z", "complete": 1})
        r.put(small, "Place", {"id": "p", "load_id": "l"})
        before = r.dump(small)
        for label, key in (("Camera", "c1"), ("Load", "l")):
            with pytest.raises(InvalidInputError), small.transaction():
                small.delete_nodes(label, pd.DataFrame({"id": [key]}))
        r.same(r.dump(small), before)

    # ------------------------------------------------------------------ links and ends
    def test_an_appearance_has_at_most_one_identity(self, small: GraphStore) -> None:
        r.put(small, "HAS_APPEARANCE", {"identity_id": "bob", "appearance_id": "a0"})
        links = small.edges("HAS_APPEARANCE")
        assert links[["identity_id", "appearance_id"]].to_numpy().tolist() == [["bob", "a0"]]
        assert small.counts()["HAS_APPEARANCE"] == 1
        r.equal(small.identities_of(["a0", "a1", "none"]), links)

    def test_what_a_row_refers_to_has_to_exist(self, small: GraphStore) -> None:
        before = r.dump(small)
        for label, record in DANGLING:
            with pytest.raises(NotFoundError):
                r.put(small, label, record)
        r.same(r.dump(small), before)

    def test_writing_needs_a_unit_of_work(self, small: GraphStore) -> None:
        keys = pd.DataFrame({"id": ["a0"], "appearance_id": ["a0"]})
        for write in (
            lambda: small.upsert_nodes("Camera", r.rows("Camera", {"id": "x"})),
            lambda: small.upsert_edges("HAS_APPEARANCE", small.edges("HAS_APPEARANCE")),
            lambda: small.delete_nodes("Appearance", keys),
            lambda: small.delete_edges("HAS_APPEARANCE", keys),
            lambda: small.name_vectors("face", named(("a0", 1))),
            lambda: small.unname_vectors("face", ["a0"]),
        ):
            with pytest.raises(RuntimeError, match="unit of work"):
                write()

    # ------------------------------------------------------------------ sequence and row ids
    def test_each_unit_of_work_counts_one(self, store: GraphStore) -> None:
        before = store.sequence()
        with store.transaction("first"):
            r.put(store, "Camera", {"id": "a"})  # a unit inside another joins it
            r.put(store, "Camera", {"id": "b"})
        assert store.sequence() == before + 1
        assert store.settled("first") == before + 1
        assert store.settled("second") is None
        with store.transaction("second"):
            assert store.settled("third") is None
        assert store.settled("first") == before + 1
        assert store.settled("second") == before + 2 == store.sequence()

    def test_an_operation_is_committed_once(self, store: GraphStore) -> None:
        with store.transaction("one"):
            pass
        with pytest.raises(InvalidInputError), store.transaction("one"):
            r.put(store, "Camera", {"id": "a"})
        assert store.nodes("Camera").empty
        assert store.sequence() == store.settled("one")

    def test_row_ids_never_repeat(self, store: GraphStore) -> None:
        sizes = [1, 3, 1, 70_000, 2, 65_536, 1]
        blocks = [(first := store.allocate_vids(n), first + n) for n in sizes]
        assert min(blocks)[0] >= 1
        assert all(end <= start for (_, end), (start, _) in pairwise(sorted(blocks)))

    # ------------------------------------------------------------------ vectors by name
    def test_naming_and_un_naming(self, small: GraphStore) -> None:
        with small.transaction():
            small.name_vectors("face", named(("a2", 5), ("a0", 7)))
            small.name_vectors("reid", named(("a0", 6)))
            small.name_vectors("face", named(("a0", 7)).iloc[:0])
        assert pairs_of(small.vectors_of("face")) == [("a2", 5), ("a0", 7)]
        assert pairs_of(small.vectors_of("face", ["a0", "none"])) == [("a0", 7)]
        assert small.vectors_of("face", []).empty
        assert small.vectors_of("none").empty
        counted = [small.count_vectors(space) for space in ("face", "reid", "none")]
        assert counted == [2, 1, 0]
        assert pairs_of(small.owners("face", np.array([7, 6, 99, 7]))) == [(7, "a0")]
        assert pairs_of(small.owners("reid", np.array([6, 7]))) == [(6, "a0")]
        assert small.to_sweep().empty
        with small.transaction():
            assert small.unname_vectors("face", ["a2", "a1", "none", "a2"]) == 1
            assert small.unname_vectors("none", ["a2"]) == 0
            assert small.unname_vectors("face", []) == 0
        assert pairs_of(small.vectors_of("face")) == [("a0", 7)]
        assert pairs_of(small.to_sweep()) == [("face", 5)]

    def test_a_new_name_leaves_the_old_vector_to_be_swept(self, small: GraphStore) -> None:
        with small.transaction():
            small.name_vectors("face", named(("a0", 1), ("a1", 2)))
            small.name_vectors("reid", named(("a0", 3)))
        with small.transaction():
            small.name_vectors("face", named(("a0", 4)))
        assert pairs_of(small.vectors_of("face")) == [("a1", 2), ("a0", 4)]
        assert pairs_of(small.vectors_of("reid")) == [("a0", 3)]
        assert pairs_of(small.to_sweep()) == [("face", 1)]
        with small.transaction():
            small.swept(np.array([1, 77]))
        assert small.to_sweep().empty

    def test_who_came_with_this_unit_of_work_is_named_and_named_anew(
        self, small: GraphStore
    ) -> None:
        new = {"id": "new", "timestamp": "2026-01-01T00:00:09Z", "camera_id": "c2"}
        with small.transaction():
            r.put(small, "Appearance", new)
            small.name_vectors("face", named(("new", 1)))
            small.name_vectors("reid", named(("new", 2)))
            small.name_vectors("face", named(("new", 3), ("a1", 4)))
        assert pairs_of(small.vectors_of("face")) == [("new", 3), ("a1", 4)]
        assert pairs_of(small.vectors_of("reid")) == [("new", 2)]
        assert pairs_of(small.to_sweep()) == [("face", 1)]
        with small.transaction():  # the same id, not the same appearance
            small.delete_nodes("Appearance", pd.DataFrame({"id": ["new"]}))
            r.put(small, "Appearance", new)
            small.name_vectors("face", named(("new", 5)))
        assert pairs_of(small.vectors_of("face")) == [("a1", 4), ("new", 5)]
        assert sorted(pairs_of(small.to_sweep())) == [("face", 1), ("face", 3), ("reid", 2)]

    def test_the_same_name_again_is_not_swept(self, small: GraphStore) -> None:
        for _ in range(2):
            with small.transaction():
                small.name_vectors("face", named(("a0", 1)))
        assert pairs_of(small.vectors_of("face")) == [("a0", 1)]
        assert small.to_sweep().empty

    def test_a_row_id_names_one_vector_and_an_appearance_has_one(self, small: GraphStore) -> None:
        with small.transaction():
            small.name_vectors("face", named(("a0", 1)))
        before = r.dump(small)
        for space, pairs, error in MISNAMED:
            with pytest.raises(error), small.transaction():
                small.name_vectors(space, named(*pairs))
        r.same(r.dump(small), before)

    def test_closing_twice_is_fine(self, store: GraphStore) -> None:
        store.close()
        store.close()


class GraphTransactionsContract:
    """The capability ``transactions``: a rolled-back unit of work leaves nothing."""

    def test_a_failed_unit_leaves_nothing(self, small: GraphStore) -> None:
        with small.transaction():
            small.name_vectors("face", named(("a0", 1)))
        before, sequence = r.dump(small), small.sequence()
        with pytest.raises(ZeroDivisionError), small.transaction("lost"):
            for table in r.WRITTEN:
                r.put_frame(small, table.label, r.odd_rows(table))
            small.name_vectors("face", named(("a0", 2), ("a1", 3)))
            small.delete_nodes("Appearance", pd.DataFrame({"id": ["a1", "a2"]}))
            small.delete_edges("HAS_APPEARANCE", pd.DataFrame({"appearance_id": ["a0"]}))
            small.refresh_statistics(["ann"])
            raise ZeroDivisionError
        r.same(r.dump(small), before)
        assert small.sequence() == sequence
        assert small.settled("lost") is None
        with small.transaction("lost"):  # and the store goes on
            small.delete_nodes("Appearance", pd.DataFrame({"id": ["a1"]}))
        assert small.settled("lost") == sequence + 1

    def test_an_error_inside_a_joined_unit_undoes_the_whole(self, small: GraphStore) -> None:
        before = r.dump(small)
        with pytest.raises(NotFoundError), small.transaction():
            r.put(small, "Camera", {"id": "new"})
            r.put(small, "HAS_APPEARANCE", {"identity_id": "none", "appearance_id": "a1"})
        r.same(r.dump(small), before)

    def test_row_ids_are_not_given_back(self, store: GraphStore) -> None:
        first = store.allocate_vids(10)
        with pytest.raises(ZeroDivisionError), store.transaction():
            second = store.allocate_vids(10)
            raise ZeroDivisionError
        assert second >= first + 10
        assert store.allocate_vids(10) >= second + 10


class GraphDurableContract:
    """The capability ``durable``: what was committed is there in the next process."""

    @pytest.fixture
    def reopen(self) -> Callable[[GraphStore], GraphStore]:
        raise NotImplementedError

    def test_everything_is_there_again(
        self, store: GraphStore, reopen: Callable[[GraphStore], GraphStore]
    ) -> None:
        for table in r.WRITTEN:
            with store.transaction(f"write {table.label}"):
                r.put_frame(store, table.label, r.odd_rows(table))
        with store.transaction():
            store.name_vectors("face", named((r.IDS[0], 1), (r.IDS[1], 2)))
            store.unname_vectors("face", [r.IDS[0]])
        tables = {t.label: r.read(store, t.label) for t in r.WRITTEN}
        sequence, store_id = store.sequence(), store.store_id
        again = reopen(store)
        for label, wanted in tables.items():
            r.equal(r.read(again, label), wanted)
        assert pairs_of(again.to_sweep()) == [("face", 1)]
        assert (again.sequence(), again.store_id) == (sequence, store_id)
        assert again.settled("write Tag") == store.settled("write Tag") is not None

    def test_row_ids_go_on(
        self, store: GraphStore, reopen: Callable[[GraphStore], GraphStore]
    ) -> None:
        taken = [store.allocate_vids(5)]
        for _ in range(3):
            store = reopen(store)
            taken.append(store.allocate_vids(5))
        assert all(later >= earlier + 5 for earlier, later in pairwise(taken))


CAPABILITIES = {"transactions": GraphTransactionsContract, "durable": GraphDurableContract}
