"""What the manager of two stores does, whichever they are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.contracts import rows as r
from workbench.errors import ConflictError, InvalidInputError, NotFoundError
from workbench.model import Appearance, Camera, Identity
from workbench.storage.manager import HybridStorageManager, StorageManager
from workbench.stores.graph.base import Selection
from workbench.stores.vectors.base import VectorSpace

NAN = float("nan")
NEW = {"id": "n", "timestamp": "2026-03-01T10:00:00Z", "camera_id": "c1"}
# Frames that are refused, with the vectors given beside them.
REFUSED: list[tuple[list[dict[str, Any]], dict[str, Any], type[Exception]]] = [
    ([{**NEW, "camera_id": "none"}], {}, NotFoundError),
    ([{**NEW, "identity_id": "none"}], {}, NotFoundError),
    ([{**NEW, "camera_id": None, "place_id": "none"}], {}, NotFoundError),
    ([{**NEW, "camera_id": None}], {}, InvalidInputError),
    ([{**NEW, "place_id": "hall"}], {}, InvalidInputError),
    ([{**NEW, "timestamp": "2026-03-01T10:00:00"}], {}, InvalidInputError),
    ([{**NEW, "timestamp": "noon"}], {}, InvalidInputError),
    ([{**NEW, "timestamp": None}], {}, InvalidInputError),
    ([{**NEW, "id": "a\nb"}], {}, InvalidInputError),
    ([{**NEW, "id": "x" * 201}], {}, InvalidInputError),
    ([{**NEW, "id": ""}], {}, InvalidInputError),
    ([{**NEW, "identity_id": "a\x00"}], {}, InvalidInputError),
    ([{**NEW, "bbox_x": float("inf")}], {}, InvalidInputError),
    ([{**NEW, "bbox_w": -1}], {}, InvalidInputError),
    ([{**NEW, "frame": 1.5}], {}, InvalidInputError),
    ([NEW, NEW], {}, InvalidInputError),
    ([NEW, {**NEW, "id": "a1"}], {}, ConflictError),
    ([NEW, {"id": "o", "timestamp": "x", "camera_id": "c1"}], {}, InvalidInputError),
    ([NEW], {"face": [[1, NAN, 0, 0]]}, InvalidInputError),
    ([NEW], {"face": [[0, 0, 0, 0]]}, InvalidInputError),
    ([NEW], {"face": [[1, float("inf"), 0, 0]]}, InvalidInputError),
    ([NEW], {"face": [[1, 0, 0]]}, InvalidInputError),
    ([NEW], {"face": [[1, 0, 0, 0], [1, 0, 0, 0]]}, InvalidInputError),
    ([NEW], {"face": []}, InvalidInputError),
    ([NEW], {"face": [[1, 0, 0, 0]], "reid": [[1, 0]]}, InvalidInputError),
    ([NEW], {"face": [[1, 0, 0, 0]], "Not a name": [[1, 0]]}, InvalidInputError),
    ([NEW, {**NEW, "id": "o"}], {"face": [[1, 0, 0, 0], [1, 0]]}, InvalidInputError),
]


def frame(*records: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame(list(records))


def state(manager: HybridStorageManager) -> dict[str, pd.DataFrame]:
    """Return everything in both stores."""
    held = r.dump(manager.graph)
    for space in manager.vector.spaces():
        vids = manager.vector.vids(space)
        crcs = manager.vector.checksums(space, vids)
        held[f"space {space}"] = pd.DataFrame({"vid": vids, "crc": crcs})
    return held


def true_statistics(manager: HybridStorageManager) -> None:
    """Assert that what is stored of every identity follows from her appearances."""
    seen = manager.graph.sightings()
    faces = set(manager.graph.vectors_of("face")["appearance_id"])
    for row in manager.graph.nodes("Identity").itertuples():
        mine = seen[seen["identity_id"] == row.id]
        assert row.num_appearances == len(mine)
        assert row.num_cameras == mine["camera_id"].nunique()
        assert row.has_face == bool(faces & set(mine["id"]))
        for got, wanted in (
            (row.first_seen, mine["timestamp"].min()),
            (row.last_seen, mine["timestamp"].max()),
        ):
            assert got == wanted or (pd.isna(got) and pd.isna(wanted))
        scores = mine["confidence"].dropna()
        wanted = scores.mean() if len(scores) else row.stated_confidence
        assert row.confidence_score == pytest.approx(wanted, nan_ok=True)


class StorageManagerContract:
    """Two people, five appearances; faces in 4 numbers, bodies in 3.

    ==  ========  ==========  =====  =============  ==========
    id  recorded  where       whose  face           body
    ==  ========  ==========  =====  =============  ==========
    a1  09:00:00  c1          ann    (1, 0, 0, 0)   (1, 0, 0)
    a2  09:00:30  c2 (+10 s)  ann    (0, 2, 0, 0)   -
    a3  09:01:00  c1          bob    (1, 1, 0, 0)   (0, 3, 0)
    a4  09:02:00  c2 (+10 s)  bob    -              (1, 1, 0)
    a5  09:03:00  hall        -      (0, 0, 1, 0)   -
    ==  ========  ==========  =====  =============  ==========
    """

    @pytest.fixture
    def manager(self) -> HybridStorageManager:
        raise NotImplementedError

    @pytest.fixture
    def site(self, manager: HybridStorageManager) -> HybridStorageManager:
        manager.add_cameras(frame({"id": "c1"}, {"id": "c2", "clock_offset_s": 10}))
        r.put(manager.graph, "Place", {"id": "hall"})
        manager.create_identities(
            frame({"id": "ann", "stated_confidence": 0.25}, {"id": "bob", "name": "Bob"})
        )
        day = "2026-03-01T09:0"
        rows = frame(
            {"id": "a1", "timestamp": f"{day}0:00Z", "camera_id": "c1", "identity_id": "ann"},
            {"id": "a2", "timestamp": f"{day}0:30Z", "camera_id": "c2", "identity_id": "ann"},
            {"id": "a3", "timestamp": f"{day}1:00Z", "camera_id": "c1", "identity_id": "bob"},
            {"id": "a4", "timestamp": f"{day}2:00Z", "camera_id": "c2", "identity_id": "bob"},
            {"id": "a5", "timestamp": f"{day}3:00Z", "place_id": "hall"},
        )
        rows["match_confidence"] = [0.5, 1.0, None, None, None]
        face = np.array([[1, 0, 0, 0], [0, 2, 0, 0], [1, 1, 0, 0], [NAN] * 4, [0, 0, 1, 0]])
        body = [np.array([1, 0, 0]), None, [0, 3, 0], np.array([1.0, 1, 0]), None]
        manager.add_appearances(rows, vectors={"face": face, "reid": body})
        return manager

    # ------------------------------------------------------------------ writing and reading one
    def test_it_is_a_storage_manager(self, site: HybridStorageManager) -> None:
        assert isinstance(site, StorageManager)
        assert site.graph.counts()["Appearance"] == 5
        assert site.vector.counts() == {"face": 4, "reid": 3}
        assert site.vector.spaces()["face"] == VectorSpace("face", 4, "float16")
        assert site.vector.spaces()["reid"] == VectorSpace("reid", 3, "int8")
        true_statistics(site)

    def test_an_appearance_comes_back_whole(self, site: HybridStorageManager) -> None:
        given = Appearance(
            id="é 1",
            timestamp=pd.Timestamp("1969-07-20T20:17:40.123456Z").to_pydatetime(),
            camera_id="c2",
            tracking_id="007",
            frame=12,
            bbox=(-1.5, 0.0, 20.25, 40.0),
            floor_x_m=1e-300,
            detection_confidence=-3.5,
            frame_path="a/b.png",
            match_confidence=0.75,
            properties={"colour": "réd", "n": [1, None]},
            identity_id="ann",
            source_row=3,
        )
        face, body = np.array([3.0, 4, 0, 0]), np.array([1.0, 2, 2])
        assert site.store_appearance_with_embeddings(given, face, body) == "é 1"
        got = site.get_appearance("é 1")
        assert got is not None
        kept = {name: getattr(got, name) for name in ("bbox", "properties", "tracking_id", "frame")}
        assert kept == {name: getattr(given, name) for name in kept}
        assert got.timestamp_recorded == given.timestamp
        assert (got.timestamp - given.timestamp).total_seconds() == 10
        assert (got.identity_id, got.confidence, got.method) == ("ann", 0.75, "deterministic")
        assert (got.floor_x_m, got.detection_confidence, got.face_quality) == (1e-300, -3.5, None)
        assert (got.place_id, got.source_row, got.frame_path) == (None, 3, "a/b.png")
        assert got.created_at is not None
        vids = np.array([got.face_embedding_idx])
        np.testing.assert_allclose(site.vector.get("face", vids), [[0.6, 0.8, 0, 0]], atol=1e-3)
        assert site.vector.norms("reid", np.array([got.reid_embedding_idx])).tolist() == [3.0]
        plain = site.get_appearance("a5")
        assert plain is not None
        assert (plain.identity_id, plain.reid_embedding_idx, plain.bbox) == (None, None, None)
        true_statistics(site)

    def test_an_identity_comes_back_whole(self, site: HybridStorageManager) -> None:
        given = Identity(
            id="eve",
            name="Eve 😀",
            cluster_method="manual",
            confidence_score=0.5,
            merge_history=("x", "y"),
            properties={"a": {"b": 1}},
        )
        assert site.create_identity(given) == "eve"
        got = site.get_identity("eve")
        assert got is not None
        names = ("name", "cluster_method", "confidence_score", "merge_history", "properties")
        for name in (*names, "num_appearances", "num_cameras", "has_face", "first_seen"):
            assert getattr(got, name) == getattr(given, name), name
        assert got.created_at == got.updated_at is not None
        ann = site.get_identity("ann")
        assert ann is not None
        assert (ann.num_appearances, ann.num_cameras, ann.has_face) == (2, 2, True)
        assert ann.confidence_score == 0.75
        assert str(ann.last_seen) == "2026-03-01 09:00:40+00:00"

    def test_what_is_not_there_is_none(self, site: HybridStorageManager) -> None:
        for name in ("none", "", "a1\x00", "\ud800", "%"):
            assert site.get_identity(name) is None
            assert site.get_appearance(name) is None
            assert site.get_camera(name) is None
        assert site.get_identities_for_appearances(["none", "a5"]) == {}
        with pytest.raises(NotFoundError, match="none"):
            site.get_identity_appearances("none")

    def test_appearances_of_an_identity_in_a_half_open_range(
        self, site: HybridStorageManager
    ) -> None:
        def ids(**rest: Any) -> list[str]:
            return [a.id for a in site.get_identity_appearances("ann", **rest)]

        assert ids() == ["a1", "a2"]
        assert ids(start_time="2026-03-01T09:00:40Z") == ["a2"]
        assert ids(end_time="2026-03-01T09:00:40Z") == ["a1"]
        stamp = pd.Timestamp("2026-03-01T10:00:00+01:00").to_pydatetime()
        assert ids(start_time=stamp, end_time=stamp) == []
        with pytest.raises(InvalidInputError):
            ids(start_time="2026-03-01T09:00:00")
        assert site.get_identities_for_appearances(["a1", "a4", "a5"]) == {"a1": "ann", "a4": "bob"}

    # ------------------------------------------------------------------ the same again
    def test_the_same_again_changes_nothing(self, site: HybridStorageManager) -> None:
        a5 = site.get_appearance("a5")
        assert a5 is not None
        ways = frame({"from_camera": "c1", "to_camera": "c2", "distance_m": 5})
        site.add_adjacency(ways)
        before, sequence = state(site), site.graph.sequence()
        assert site.create_identity(Identity(id="bob", name="Bob")) == "bob"
        assert site.create_identities(frame({"id": "bob"}, {"id": "ann"})) == 0
        assert site.add_cameras(frame({"id": "c2", "clock_offset_s": 10})) == 0
        assert site.create_appearance(a5) == "a5"
        again = Appearance(id="a3", timestamp=a5.timestamp, camera_id="c1", identity_id="bob")
        again = Appearance(
            id="a3",
            timestamp=pd.Timestamp("2026-03-01T09:01:00Z").to_pydatetime(),
            camera_id="c1",
            identity_id="bob",
        )
        face, body = np.array([1.0, 1, 0, 0]), np.array([0, 3, 0])
        site.store_appearance_with_embeddings(again, face, body)
        site.store_appearance_with_embeddings(again, face)
        assert site.sweep() == 0
        site.add_appearances(frame(NEW).iloc[:0])
        assert site.graph.sequence() == sequence
        r.same(state(site), before)

    def test_a_link_made_again_changes_nothing(self, site: HybridStorageManager) -> None:
        site.link_appearance_to_identity("a5", "ann", 0.5, "manual")
        before = state(site)
        site.link_appearance_to_identity("a5", "ann", 0.5, "manual")
        r.same(state(site), before)

    def test_other_content_under_an_id_is_a_conflict(self, site: HybridStorageManager) -> None:
        before = state(site)
        noon = pd.Timestamp("2026-03-01T12:00:00Z").to_pydatetime()
        three = pd.Timestamp("2026-03-01T09:01:00Z").to_pydatetime()
        for write in (
            lambda: site.create_identity(Identity(id="bob", name="Robert")),
            lambda: site.create_identities(frame({"id": "new"}, {"id": "bob", "name": "Rob"})),
            lambda: site.add_cameras(frame({"id": "c2", "clock_offset_s": 11}, {"id": "c3"})),
            lambda: site.create_appearance(Appearance(id="a3", timestamp=noon, camera_id="c1")),
            lambda: site.create_appearance(Appearance(id="a3", timestamp=three, camera_id="c2")),
            lambda: site.create_appearance(
                Appearance(id="a3", timestamp=three, camera_id="c1", identity_id="ann")
            ),
            lambda: site.store_appearance_with_embeddings(
                Appearance(id="a3", timestamp=three, camera_id="c1"), np.array([1.0, 1.1, 0, 0])
            ),
        ):
            with pytest.raises(ConflictError):
                write()
        r.same(state(site), before)

    def test_a_refused_frame_changes_nothing(self, site: HybridStorageManager) -> None:
        before = state(site)
        for records, vectors, error in REFUSED:
            with pytest.raises(error):
                site.add_appearances(frame(*records), vectors=vectors)
        with pytest.raises(InvalidInputError):  # only a column of objects can hold half a pair
            site.add_appearances(pd.DataFrame([{**NEW, "id": "\ud800"}], dtype=object))
        r.same(state(site), before)
        assert site.vector.verify().empty

    # ------------------------------------------------------------------ changing
    def test_an_update_changes_what_is_given(self, site: HybridStorageManager) -> None:
        site.update_appearances(frame({"id": "a1", "bbox_x": 7.5, "tracking_id": None}))
        site.update_appearances(
            frame(
                {"id": "a3", "timestamp": "2026-03-01T08:00:00Z", "identity_id": "ann"},
                {"id": "a1", "timestamp": "2026-03-01T08:30:00Z", "identity_id": None},
            )
        )
        a1 = site.graph.sightings(Selection(ids=["a1"])).iloc[0]
        assert (a1["bbox_x"], a1["camera_id"], a1["identity_id"]) == (7.5, "c1", "ann")
        assert str(a1["timestamp"]) == "2026-03-01 08:30:00+00:00"
        assert site.get_identities_for_appearances(["a3"]) == {"a3": "ann"}
        true_statistics(site)
        ann = site.get_identity("ann")
        assert ann is not None
        assert (ann.num_appearances, str(ann.first_seen)) == (3, "2026-03-01 08:00:00+00:00")

    def test_a_new_vector_replaces_the_old_one(self, site: HybridStorageManager) -> None:
        old = dict(site.graph.vectors_of("face").itertuples(index=False, name=None))
        site.update_appearances(
            frame({"id": "a1"}, {"id": "a4"}), vectors={"face": [[0, 0, 0, 1], [0, 0, 1, 1]]}
        )
        now = dict(site.graph.vectors_of("face").itertuples(index=False, name=None))
        assert now["a1"] not in old.values()
        assert now["a2"] == old["a2"]
        found = site.find_similar_faces(np.array([0, 0, 0, 1.0]), k=2)
        assert found == [("a1", pytest.approx(1.0)), ("a4", pytest.approx(2**-0.5))]
        assert site.sweep() == 0
        assert old["a1"] not in site.vector.vids("face")
        assert site.vector.counts() == {"face": 5, "reid": 3}
        before, sequence = state(site), site.graph.sequence()
        site.update_appearances(frame({"id": "a1"}), vectors={"face": [[0, 0, 0, 1]]})
        assert site.graph.sequence() == sequence
        r.same(state(site), before)
        true_statistics(site)

    def test_an_update_of_the_unknown_or_with_nonsense_changes_nothing(
        self, site: HybridStorageManager
    ) -> None:
        before = state(site)
        for write, error in (
            (lambda: site.update_appearances(frame({"id": "a1"}, {"id": "x"})), NotFoundError),
            (lambda: site.update_appearances(frame({"id": "a1", "bbox_w": -1})), InvalidInputError),
            (
                lambda: site.update_appearances(frame({"id": "a1", "camera_id": "x"})),
                NotFoundError,
            ),
            (
                lambda: site.update_appearances(
                    frame({"id": "a1", "bbox_x": 3}), vectors={"face": [[1, 2]]}
                ),
                InvalidInputError,
            ),
            (lambda: site.update_identities(frame({"id": "x", "name": "y"})), NotFoundError),
            (lambda: site.update_cameras(frame({"id": "x", "fov": 3})), NotFoundError),
            (lambda: site.update_cameras(frame({"id": "c1", "fov": -3})), InvalidInputError),
            (
                lambda: site.update_cameras(frame({"id": "c1", "clock_offset_s": 1e300})),
                InvalidInputError,
            ),
        ):
            with pytest.raises(error):
                write()
        r.same(state(site), before)

    def test_identities_and_cameras_are_updated(self, site: HybridStorageManager) -> None:
        assert site.update_identities(frame({"id": "bob", "name": "Robert"}, {"id": "ann"})) == 1
        bob = site.get_identity("bob")
        assert bob is not None
        assert bob.name == "Robert"
        assert bob.num_appearances == 2
        assert site.update_cameras(frame({"id": "c2", "clock_offset_s": -3600, "level": "0"})) == 1
        assert site.get_camera("c2") == Camera(
            id="c2",
            level="0",
            clock_offset_s=-3600.0,
            created_at=site.get_camera("c2").created_at,
            updated_at=site.get_camera("c2").updated_at,
        )
        true_statistics(site)  # a clock moves everybody whom the camera saw
        bob = site.get_identity("bob")
        assert bob is not None
        assert str(bob.first_seen) == "2026-03-01 08:02:00+00:00"

    # ------------------------------------------------------------------ links
    def test_links_are_made_moved_and_taken_back(self, site: HybridStorageManager) -> None:
        site.link_appearance_to_identity("a5", "bob", 0.25)
        a5 = site.get_appearance("a5")
        assert a5 is not None
        assert (a5.identity_id, a5.confidence, a5.method) == ("bob", 0.25, "manual")
        true_statistics(site)
        links = frame(
            {"appearance_id": "a5", "identity_id": "ann", "method": "probabilistic"},
            {"appearance_id": "a3", "identity_id": "ann", "confidence": 1.0},
        )
        assert site.link(links) == 2
        true_statistics(site)
        assert site.get_identities_for_appearances(["a3", "a5"]) == {"a3": "ann", "a5": "ann"}
        assert site.unlink(["a3", "a5", "a3"]) == 2
        assert site.unlink(["a3"]) == 0
        true_statistics(site)
        assert site.get_identities_for_appearances(["a3", "a5"]) == {}
        assert site.graph.counts()["Appearance"] == 5

    def test_a_link_to_nothing_is_refused_whole(self, site: HybridStorageManager) -> None:
        before = state(site)
        good = {"appearance_id": "a5", "identity_id": "ann"}
        for write in (
            lambda: site.link(frame(good, {"appearance_id": "x", "identity_id": "ann"})),
            lambda: site.link(frame(good, {"appearance_id": "a1", "identity_id": "x"})),
            lambda: site.link_appearance_to_identity("a1", "x"),
            lambda: site.unlink(["a1", "x"]),
            lambda: site.delete_appearances(["a1", "x"]),
            lambda: site.delete_identities(["ann", "x"]),
            lambda: site.delete_cameras(["x"]),
        ):
            with pytest.raises(NotFoundError, match="x"):
                write()
        with pytest.raises(InvalidInputError):
            site.link(frame(good, good))
        r.same(state(site), before)

    # ------------------------------------------------------------------ deleting
    def test_deleted_appearances_are_gone_from_both_stores(
        self, site: HybridStorageManager
    ) -> None:
        assert site.delete_appearances(["a1", "a5", "a1"]) == 2
        assert site.get_appearance("a1") is None
        assert site.vector.counts() == {"face": 2, "reid": 2}
        assert [name for name, _ in site.find_similar_faces(np.eye(4)[0])] == ["a3", "a2"]
        assert site.graph.to_sweep().empty
        true_statistics(site)

    def test_the_appearances_of_a_deleted_identity_stay(self, site: HybridStorageManager) -> None:
        assert site.delete_identities(["ann"]) == 1
        assert site.get_identity("ann") is None
        a1 = site.get_appearance("a1")
        assert a1 is not None
        assert a1.identity_id is None
        assert site.vector.counts() == {"face": 4, "reid": 3}
        assert site.find_matching_identities(np.eye(4)[0], None) == [
            ("bob", pytest.approx(2**-0.5))
        ]

    def test_a_camera_that_saw_something_stays(self, site: HybridStorageManager) -> None:
        site.add_cameras(frame({"id": "c3"}))
        site.add_adjacency(frame({"from_camera": "c3", "to_camera": "c1"}))
        out = {"camera_id": "c3", "start": "2026-01-01T00:00Z", "end": "2026-01-02T00:00Z"}
        r.put(site.graph, "Outage", out)
        before = state(site)
        with pytest.raises(ConflictError, match="c1"):
            site.delete_cameras(["c3", "c1"])
        r.same(state(site), before)
        assert site.delete_cameras(["c3"]) == 1
        counts = site.graph.counts()
        assert (counts["Camera"], counts["ADJACENT_TO"], counts["Outage"]) == (2, 0, 0)

    # ------------------------------------------------------------------ other tables
    def test_adjacency(self, site: HybridStorageManager) -> None:
        ways = frame({"from_camera": "c2", "to_camera": "c1", "distance_m": 12, "time_s": 9.5})
        assert site.add_adjacency(ways) == 1
        way = site.graph.edges("ADJACENT_TO").iloc[0]
        assert (way["distance_m"], way["time_s"], way["directed"]) == (12.0, 9.5, False)
        with pytest.raises(NotFoundError, match="c9"):
            site.add_adjacency(frame({"from_camera": "c1", "to_camera": "c9"}))
        with pytest.raises(InvalidInputError):
            site.add_adjacency(frame({"from_camera": "c1", "to_camera": "c2", "distance_m": -1}))
        assert site.graph.counts()["ADJACENT_TO"] == 1

    def test_probable_matches(self, site: HybridStorageManager) -> None:
        pair = {"appearance_a": "a4", "appearance_b": "a1", "similarity": 0.5, "method": "reid"}
        assert site.add_probable_matches(frame(pair)) == 1
        match = site.graph.edges("PROBABLE_MATCH").iloc[0]
        assert (match["appearance_a"], match["appearance_b"]) == ("a1", "a4")
        assert (match["temporal_gap"], match["similarity"]) == (130.0, 0.5)  # clocks corrected
        before = state(site)
        turned = {"appearance_a": "a1", "appearance_b": "a4"}
        for pairs, error in (
            ([{**pair, "appearance_a": "a1"}], InvalidInputError),
            ([{**pair, "appearance_a": "x"}], NotFoundError),
            ([pair, turned], InvalidInputError),
        ):
            with pytest.raises(error):
                site.add_probable_matches(frame(*pairs))
        r.same(state(site), before)

    def test_a_probable_match_with_nonsense_is_refused(self, site: HybridStorageManager) -> None:
        pair = {"appearance_a": "a4", "appearance_b": "a1", "similarity": "high"}
        with pytest.raises(InvalidInputError):
            site.add_probable_matches(frame(pair))

    # ------------------------------------------------------------------ nothing, and failure
    def test_an_empty_store_answers(self, manager: HybridStorageManager) -> None:
        assert manager.find_similar_faces(np.ones(4)) == []
        assert manager.find_matching_identities(np.ones(4), np.ones(3)) == []
        assert manager.get_identity("ann") is None
        assert manager.sweep() == 0

    def test_a_failed_unit_leaves_nothing(self, site: HybridStorageManager) -> None:
        before = r.dump(site.graph)
        with pytest.raises(ZeroDivisionError), site.unit():
            site.link_appearance_to_identity("a5", "ann")
            site.create_identities(frame({"id": "eve"}))
            raise ZeroDivisionError
        r.same(r.dump(site.graph), before)

    # ------------------------------------------------------------------ found by review
    def test_a_writer_in_between_is_not_overwritten(
        self, site: HybridStorageManager, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Between the look at what is there and the lock, somebody else writes the same id."""
        other = {**NEW, "bbox_x": 1.0}
        allocate = site.graph.allocate_vids

        def meanwhile(n: int) -> int:
            monkeypatch.undo()
            site.add_appearances(frame(other))
            return allocate(n)

        monkeypatch.setattr(site.graph, "allocate_vids", meanwhile)
        with pytest.raises(ConflictError, match="bbox_x"):
            site.add_appearances(
                frame({**NEW, "bbox_x": 2.0}), vectors={"face": np.array([[1.0, 0, 0, 0]])}
            )
        kept = site.get_appearance(NEW["id"])
        assert kept is not None
        assert kept.face_embedding_idx is None
        assert site.graph.sightings(Selection(ids=[NEW["id"]]))["bbox_x"].tolist() == [1.0]

    def test_an_update_moves_between_camera_and_place_and_keeps_properties(
        self, site: HybridStorageManager
    ) -> None:
        site.add_appearances(frame({**NEW, "hat": "red", "coat": "blue"}))
        site.update_appearances(frame({"id": NEW["id"], "place_id": "hall", "hat": "green"}))
        moved = site.get_appearance(NEW["id"])
        assert moved is not None
        assert (moved.camera_id, moved.place_id) == (None, "hall")
        assert dict(moved.properties) == {"hat": "green", "coat": "blue"}
        site.update_appearances(
            frame({"id": NEW["id"], "camera_id": "c1", "timestamp": None, "bbox_y": 3})
        )
        back = site.get_appearance(NEW["id"])
        assert back is not None
        assert (back.camera_id, back.place_id) == ("c1", None)
        assert back.timestamp == moved.timestamp

    def test_the_same_edge_again_is_no_commit(self, site: HybridStorageManager) -> None:
        match = frame({"appearance_a": "a1", "appearance_b": "a4", "similarity": 0.5})
        way = frame({"from_camera": "c1", "to_camera": "c2", "distance_m": 3.0})
        link = frame({"appearance_id": "a5", "identity_id": "bob", "confidence": 0.5})
        for _ in range(2):
            site.add_probable_matches(match)
            site.add_adjacency(way)
            site.link(link)
            sequence = site.graph.sequence()
        site.unlink(["a5"])
        site.unlink(["a5"])
        assert site.graph.sequence() == sequence + 1

    def test_the_gap_of_a_candidate_pair_follows_the_clock(
        self, site: HybridStorageManager
    ) -> None:
        site.add_probable_matches(frame({"appearance_a": "a1", "appearance_b": "a4"}))

        def gap() -> float:
            return float(site.graph.edges("PROBABLE_MATCH")["temporal_gap"].iloc[0])

        assert gap() == 130.0  # 09:00:00 at c1, 09:02:00 and ten seconds at c2
        site.update_cameras(frame({"id": "c2", "clock_offset_s": 40}))
        assert gap() == 160.0
        site.update_appearances(frame({"id": "a1", "timestamp": "2026-03-01T09:00:30Z"}))
        assert gap() == 130.0

    def test_tags(self, site: HybridStorageManager) -> None:
        tags = frame({"kind": "zone", "name": "north"}, {"kind": "watchlist", "name": "vip"})
        assert site.add_tags(tags) == 2
        assert site.add_tags(tags) == 0
        site.tag(frame({"tag_id": "watchlist:vip", "identity_id": "ann", "weight": 0.5}))
        site.tag(frame({"tag_id": "zone:north", "appearance_id": "a1"}))
        assert site.graph.edges("TAGGED_IDENTITY")["weight"].tolist() == [0.5]
        with pytest.raises(NotFoundError, match="nobody"):
            site.tag(frame({"tag_id": "zone:north", "identity_id": "nobody"}))
        with pytest.raises(NotFoundError, match="zone:south"):
            site.tag(frame({"tag_id": "zone:south", "identity_id": "ann"}))
        gone = frame({"tag_id": "watchlist:vip", "identity_id": "ann"})
        assert site.delete_edges("TAGGED_IDENTITY", gone) == 1
        with pytest.raises(NotFoundError, match="watchlist:vip -> ann"):
            site.delete_edges("TAGGED_IDENTITY", gone)
        site.delete_appearances(["a1"])
        assert site.graph.edges("TAGGED_APPEARANCE").empty

    def test_tables_without_ids_and_vectors_that_are_none_are_refused(
        self, site: HybridStorageManager
    ) -> None:
        before = state(site)
        for write in (site.update_appearances, site.update_identities, site.update_cameras):
            with pytest.raises(InvalidInputError, match="'id'"):
                write(frame({"name": "x"}))
        for vectors in (3.0, [[1.0, 0, 0, 0], [1.0]], [["a", "b", "c", "d"]]):
            with pytest.raises(InvalidInputError):
                site.add_appearances(frame(NEW), vectors={"face": vectors})  # type: ignore[dict-item]
        r.same(state(site), before)
