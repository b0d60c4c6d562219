"""By which way the server answers: every hot question begins at an index."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import neo4j
import numpy as np
import pandas as pd
import pytest

from tests.contracts import rows as r
from tests.servers import Server, fresh_graph
from workbench.stores.graph.base import Selection
from workbench.stores.graph.chains import Chains
from workbench.stores.graph.neo4j import Neo4jGraphStore
from workbench.stores.neo4j.database import Neo4jDatabase

N = 3_000  # appearances; of so few the planner would rather look at all
DAY = "2026-03-01T"


@pytest.fixture(scope="module")
def store(neo4j_server: Server, neo4j_driver: neo4j.Driver) -> Iterator[Neo4jGraphStore]:
    made = fresh_graph(neo4j_server, neo4j_driver)
    people = [f"p{n}" for n in range(300)]
    at = pd.Timestamp(f"{DAY}08:00Z") + pd.to_timedelta(np.arange(N), unit="s")
    number = np.arange(N)
    rows = pd.DataFrame(
        {
            "id": [f"a{n}" for n in number],
            "timestamp": at,
            "camera_id": [f"c{n % 20}" for n in number],
            "tracking_id": [f"t{n // 5}" for n in number],
        }
    )
    links = pd.DataFrame(
        {"identity_id": [people[n % 300] for n in number], "appearance_id": rows["id"]}
    )
    with made.transaction():
        r.put(made, "Camera", *({"id": f"c{n}"} for n in range(20)))
        r.put(made, "Identity", *({"id": one} for one in people))
        made.upsert_nodes("Appearance", r.table_of("Appearance").check(rows))
        made.upsert_edges("HAS_APPEARANCE", r.table_of("HAS_APPEARANCE").check(links))
        made.name_vectors("face", pd.DataFrame({"appearance_id": rows["id"], "vid": number + 1}))
    yield made
    made.close()


US = 1_000_000
START = int(pd.Timestamp(f"{DAY}08:10Z").value // 1000)
READS: dict[str, Callable[[Neo4jGraphStore], Any]] = {
    "an identity": lambda s: s.node("Identity", "p7"),
    "an appearance": lambda s: s.nodes("Appearance", ids=["a1", "a2"]),
    "which ids are there": lambda s: s.known("Appearance", ["a1", "none"]),
    "ids around one": lambda s: s.ids_around("Identity", "p7", 3),
    "a trajectory": lambda s: s.sightings(Selection(identities=["p7"])),
    "a trajectory in a window": lambda s: s.sightings(
        Selection(identities=["p7"], start_us=START, end_us=START + 600 * US)
    ),
    "a page": lambda s: s.sightings(Selection(after=(START, "a600"), limit=20)),
    "a window of time": lambda s: s.sightings(Selection(start_us=START, end_us=START + 60 * US)),
    "appearances by id": lambda s: s.sightings(Selection(ids=["a5", "a6"])),
    "a load": lambda s: s.sightings(Selection(loads=["l1"])),
    "ids to identities": lambda s: s.identities_of([f"a{n}" for n in range(100)]),
    "row ids to appearances": lambda s: s.owners("face", np.arange(1, 50)),
    "vectors of appearances": lambda s: s.vectors_of("face", ["a1", "a2"]),
    "vectors of an identity": lambda s: s.vids_within("face", Selection(identities=["p7"])),
    "whom one may have met": lambda s: s.observations_around("p7", 60 * US),
    "the next sighting": lambda s: s.edges("NEXT", src=["a1"]),
    "ways from a camera": lambda s: s.edges("ADJACENT_TO", src=["c1"]),
}


def operators(plan: dict[str, Any]) -> list[str]:
    """Return the operators of a plan without the runtime's suffix."""
    found = [plan["operatorType"].split("@")[0]]
    for child in plan.get("children", []):
        found += operators(child)
    return found


def asked(
    store: Neo4jGraphStore, monkeypatch: pytest.MonkeyPatch, do: Callable[[Neo4jGraphStore], Any]
) -> list[tuple[str, dict[str, Any]]]:
    """Return the statements that a question or a write sends, with their parameters."""
    found: list[tuple[str, dict[str, Any]]] = []
    rows, execute = Neo4jDatabase.rows, Neo4jDatabase.execute

    def read(self: Neo4jDatabase, op: str, text: str, **parameters: Any) -> list[tuple]:
        found.append((text, parameters))
        return rows(self, op, text, **parameters)

    def write(self: Neo4jDatabase, text: str, **parameters: Any) -> list[tuple]:
        found.append((text, parameters))
        return execute(self, text, **parameters)

    with monkeypatch.context() as patch:
        patch.setattr(Neo4jDatabase, "rows", read)
        patch.setattr(Neo4jDatabase, "execute", write)
        do(store)
    return found


def whole_scans(store: Neo4jGraphStore, text: str, parameters: dict[str, Any]) -> list[str]:
    """Return the operators of a plan that look at everything of a label or a type."""
    found = operators(store.database.plan(text, **parameters))
    scans = ("AllNodesScan", "NodeByLabelScan", "RelationshipTypeScan", "NodeIndexScan")
    small = ("WorkbenchStore", "VectorSpace", "WorkbenchSweep")
    if any(f":{label}" in text for label in small) and "Appearance" not in text:
        return []
    return [one for one in found if any(scan in one for scan in scans)]


@pytest.mark.parametrize("question", READS)
def test_a_hot_question_begins_at_an_index(
    store: Neo4jGraphStore, monkeypatch: pytest.MonkeyPatch, question: str
) -> None:
    statements = asked(store, monkeypatch, READS[question])
    assert statements
    for text, parameters in statements:
        found = operators(store.database.plan(text, **parameters))
        assert any("IndexSeek" in one for one in found), (text, found)
        assert whole_scans(store, text, parameters) == [], text


def test_a_batch_is_written_by_way_of_indexes(
    store: Neo4jGraphStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(made: Neo4jGraphStore) -> None:
        rows = {"id": "a7", "timestamp": f"{DAY}09:00Z", "camera_id": "c3", "tracking_id": "t9"}
        with made.transaction():
            r.put(made, "Appearance", rows)
            r.put(made, "HAS_APPEARANCE", {"identity_id": "p9", "appearance_id": "a7"})
            made.name_vectors("face", pd.DataFrame({"appearance_id": ["a7"], "vid": [N + 9]}))
            made.refresh_statistics(["p7", "p9"])
            made.delete_edges("HAS_APPEARANCE", pd.DataFrame({"appearance_id": ["a8"]}))
            made.delete_nodes("Appearance", pd.DataFrame({"id": ["a9"]}))

    statements = asked(store, monkeypatch, write)
    assert len(statements) > 12
    for text, parameters in statements:
        assert whole_scans(store, text, parameters) == [], text


def test_chains_are_mended_around_what_changed(
    store: Neo4jGraphStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    mended: list[int] = []
    mend = Chains.mend

    def counted(self: Chains) -> None:
        before = len(self._people) + len(self._tracks)
        mend(self)
        mended.append(before)

    monkeypatch.setattr(Chains, "mend", counted)
    before = store.edges("NEXT")
    with store.transaction():
        r.put(store, "HAS_APPEARANCE", {"identity_id": "p1", "appearance_id": "a20"})
    after = store.edges("NEXT")
    changed = before.merge(after, how="outer", indicator=True)
    gone, new = ((changed["_merge"] == side).sum() for side in ("left_only", "right_only"))
    assert (gone, new) == (2, 2)  # first of one chain, second of another
    assert mended[0] > 0
