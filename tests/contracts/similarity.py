"""Who is near, in both stores: found by vectors, named by the graph, scored by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.contracts.manager import NEW, frame
from workbench.errors import InvalidInputError, NotFoundError
from workbench.model import Identity
from workbench.storage.manager import HybridStorageManager
from workbench.storage.nearest import nearest, nearest_identities
from workbench.stores.graph.base import Selection

HALF = 2**-0.5


def scored(answer: list[tuple[str, float]]) -> list[tuple[str, Any]]:
    return [(name, pytest.approx(score, abs=2e-3)) for name, score in answer]


class SimilarityContract:
    """Questions of similarity about the site of StorageManagerContract."""

    def test_similar_faces(self, site: HybridStorageManager) -> None:
        target = np.array([5.0, 0, 0, 0])
        assert scored(site.find_similar_faces(target, k=3)) == [
            ("a1", 1.0),
            ("a3", HALF),
            ("a2", 0.0),  # as far as a5, and before it
        ]
        assert len(site.find_similar_faces(target, k=99)) == 4
        assert site.find_similar_faces(target, k=0) == []
        assert scored(site.find_similar_faces(target, min_similarity=0.7)) == [
            ("a1", 1.0),
            ("a3", HALF),
        ]
        with pytest.raises(InvalidInputError):
            site.find_similar_faces(np.ones(3))

    def test_ties_come_in_order_of_id_not_of_row(self, site: HybridStorageManager) -> None:
        names = ["z", "Z", "é", "0"]
        site.add_appearances(
            frame(*({**NEW, "id": name} for name in names)), vectors={"face": [[0, 0, 0, 1]] * 4}
        )
        for k in (1, 2, 4):
            got = [name for name, _ in site.find_similar_faces(np.eye(4)[3], k=k)]
            assert got == sorted(names)[:k]

    def test_what_nobody_names_takes_no_place(self, site: HybridStorageManager) -> None:
        first = site.graph.allocate_vids(50)
        with site.unit():
            site.vector.put("face", np.arange(first, first + 50), np.array([[1, 0, 0, 0]] * 50))
        got = [name for name, _ in site.find_similar_faces(np.eye(4)[0], k=2)]
        assert got == ["a1", "a3"]

    def test_nearest_appearances_and_identities(self, site: HybridStorageManager) -> None:
        queries = np.array([[1, 0, 0, 0], [0, 0, 1, 0]])
        got = nearest(site.pair, "face", queries, k=2)
        assert got[["query", "appearance_id", "rank"]].to_numpy().tolist() == [
            [0, "a1", 1],
            [0, "a3", 2],
            [1, "a5", 1],
            [1, "a1", 2],
        ]
        within = site.graph.vids_within("face", Selection(cameras=["c2"]))
        got = nearest(site.pair, "face", queries, k=5, within=within)
        assert got["appearance_id"].tolist() == ["a2", "a2"]
        people = nearest_identities(site.pair, "face", queries, k=5)
        assert people[["query", "identity_id", "appearance_id"]].to_numpy().tolist() == [
            [0, "ann", "a1"],
            [0, "bob", "a3"],
            [1, "ann", "a1"],
            [1, "bob", "a3"],
        ]
        with pytest.raises(NotFoundError, match="voice"):
            nearest(site.pair, "voice", queries, k=1)

    def test_matching_identities_with_scores(self, site: HybridStorageManager) -> None:
        face, body = np.array([1.0, 0, 0, 0]), np.array([0, 1.0, 0])
        both = [("bob", (HALF + 1) / 2), ("ann", 0.5)]
        assert scored(site.find_matching_identities(face, body)) == both
        assert scored(site.find_matching_identities(face, body, k=1)) == both[:1]
        assert scored(site.find_matching_identities(face, body, min_similarity=0.6)) == both[:1]
        assert scored(site.find_matching_identities(face, None)) == [("ann", 1.0), ("bob", HALF)]
        assert scored(site.find_matching_identities(None, body)) == [("bob", 1.0), ("ann", 0.0)]
        assert site.find_matching_identities(None, None) == []
        site.create_identity(Identity(id="Zoe"))
        site.add_appearances(frame({**NEW, "identity_id": "Zoe"}), vectors={"face": [[1, 0, 0, 0]]})
        got = site.find_matching_identities(face, body)  # she has no body: her face alone counts
        assert scored(got) == [("Zoe", 1.0), *both]
        got = site.find_matching_identities(face, None)
        assert scored(got) == [("Zoe", 1.0), ("ann", 1.0), ("bob", HALF)]

    def test_the_best_of_both_need_not_be_first_in_either(self, site: HybridStorageManager) -> None:
        site.create_identity(Identity(id="eve"))
        site.add_appearances(
            frame({**NEW, "identity_id": "eve"}),
            vectors={"face": [[0.95, 0, 0, 0.3]], "reid": [[0, 0.95, 0.3]]},
        )
        face, body = np.array([1.0, 0, 0, 0]), np.array([0, 1.0, 0])
        got = [name for name, _ in site.find_matching_identities(face, body, k=1)]
        assert got == ["eve"]
