"""Random histories on the default store and on a team's: equal answers and equal errors."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import neo4j
import numpy as np
import pandas as pd
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.contracts import rows as r
from tests.contracts.manager import frame
from tests.servers import Server, empty
from workbench.errors import WorkbenchError
from workbench.model import Identity
from workbench.storage.content import content_hash, verify
from workbench.storage.folder import create_store, open_store
from workbench.storage.manager import HybridStorageManager
from workbench.stores.graph.base import Selection

# Few of everything, so that it collides; names as hostile as an id can be.
_HOSTILE = "x'}) DETACH DELETE n //"
_ids = st.sampled_from(["a1", "a2", "a3", "é", _HOSTILE])
_people = st.sampled_from(["ann", "bob", "😀", "nobody"])
_cameras = st.sampled_from(["c1", "c2", "none"])
_seconds = st.integers(0, 5)
_number = st.sampled_from([0.0, 1.0, -1.0, 0.5, 3.0, float("nan")])
_face = st.none() | st.lists(_number, min_size=3, max_size=3) | st.just([1.0, 2.0])
_sighting = st.fixed_dictionaries(
    {"id": _ids, "at": _seconds, "camera_id": _cameras, "identity_id": st.none() | _people},
    optional={"tracking_id": st.sampled_from(["t1", "t2"]), "note": st.sampled_from(["x", 1])},
)
_operations = st.one_of(
    st.tuples(st.just("appear"), st.lists(st.tuples(_sighting, _face), min_size=1, max_size=3)),
    st.tuples(st.just("appear"), st.lists(st.tuples(_sighting, _face), min_size=1, max_size=3)),
    st.tuples(st.just("update"), st.tuples(_sighting, _face)),
    st.tuples(st.just("delete"), st.lists(_ids, max_size=2)),
    st.tuples(st.just("link"), st.tuples(_ids, _people, st.sampled_from([None, 0.5, 1.0]))),
    st.tuples(st.just("unlink"), st.lists(_ids, max_size=2)),
    st.tuples(st.just("person"), st.tuples(_people, st.sampled_from([None, "Ann", "<b>"]))),
    st.tuples(st.just("forget"), st.lists(_people, max_size=2)),
    st.tuples(st.just("clock"), st.tuples(_cameras, st.sampled_from([0.0, 2.0, -1.5]))),
    st.tuples(st.just("way"), st.tuples(_cameras, _cameras, st.sampled_from([None, 4.0, -1.0]))),
    st.tuples(st.just("match"), st.tuples(_ids, _ids)),
    st.tuples(st.just("tag"), st.tuples(st.sampled_from(["zone:x", "none"]), _people)),
    st.tuples(st.just("gone"), _cameras),
    st.tuples(st.just("sweep"), st.none()),
)
histories = st.lists(_operations, min_size=3, max_size=10)


def _row(said: dict[str, Any]) -> dict[str, Any]:
    return {**said, "timestamp": f"2026-03-01T09:00:0{said['at']}Z"} | {"at": said["at"]}


def _appear(store: HybridStorageManager, given: list[tuple[dict[str, Any], Any]]) -> Any:
    rows, faces = zip(*given, strict=True)
    vectors = {"face": list(faces)} if any(face is not None for face in faces) else None
    done = store.add_appearances(frame(*map(_row, rows)), vectors=vectors)
    return done.outcome.tolist(), done.vectors


def _update(store: HybridStorageManager, given: tuple[dict[str, Any], Any]) -> Any:
    row, face = given
    vectors = None if face is None else {"face": [face]}
    done = store.update_appearances(frame(_row(row)), vectors=vectors)
    return done.outcome.tolist(), done.lost


def _way(store: HybridStorageManager, given: tuple[str, str, float | None]) -> int:
    a, b, far = given
    return store.add_adjacency(frame({"from_camera": a, "to_camera": b, "distance_m": far}))


_DO: dict[str, Callable[[HybridStorageManager, Any], Any]] = {
    "appear": _appear,
    "update": _update,
    "delete": lambda store, ids: store.delete_appearances(ids),
    "link": lambda store, x: store.link_appearance_to_identity(*x),
    "unlink": lambda store, ids: store.unlink(ids),
    "person": lambda store, x: store.create_identity(Identity(id=x[0], name=x[1])),
    "forget": lambda store, ids: store.delete_identities(ids),
    "clock": lambda store, x: store.update_cameras(frame({"id": x[0], "clock_offset_s": x[1]})),
    "way": _way,
    "match": lambda store, x: store.add_probable_matches(
        frame({"appearance_a": x[0], "appearance_b": x[1], "similarity": 0.5})
    ),
    "tag": lambda store, x: store.tag(frame({"tag_id": x[0], "identity_id": x[1]})),
    "gone": lambda store, camera: store.delete_cameras([camera]),
    "sweep": lambda store, _: store.sweep(),
}


def said(store: HybridStorageManager, name: str, given: Any) -> Any:
    """Return what an operation answers, or all that its error says."""
    try:
        return _DO[name](store, given)
    except WorkbenchError as error:
        return type(error), error.message, error.where, error.next


def answers(store: HybridStorageManager) -> list[Any]:
    """Return the answers to every question by id, in the order in which they come."""
    found: list[Any] = []
    for person in ("ann", "bob", "😀", "nobody", _HOSTILE, "\x00", "\ud800"):
        got = store.get_identity(person)
        found.append(None if got is None else (got.name, got.num_appearances, got.first_seen))
        try:
            mine = store.get_identity_appearances(person, "2026-03-01T09:00:01Z")
            found.append([(a.id, a.timestamp, a.camera_id, a.confidence) for a in mine])
        except WorkbenchError as error:
            found.append((type(error), error.message, error.next))
    for query in ([1.0, 0, 0], [1.0, 1, 0], [0, 0, 0], [1.0, 0]):
        try:
            vector = np.array(query)
            found.append(store.find_similar_faces(vector, k=3))
            found.append(store.find_matching_identities(vector, k=2))
        except WorkbenchError as error:
            found.append((type(error), error.message, error.where, error.next))
    return found


def tables(store: HybridStorageManager) -> dict[str, pd.DataFrame]:
    """Return everything the graph says, without row ids and times of writing."""
    held = {}
    for label, rows in r.dump(store.graph).items():
        clock = [c for c in ("created_at", "updated_at") if c in rows]
        held[label] = rows.drop(columns=[*clock, *(["vid"] if "vid" in rows else [])])
    for name in ("vectors face", "vectors reid"):
        held[name] = held[name].sort_values("appearance_id", ignore_index=True)
    del held["sweep"]
    seen = store.graph.sightings(Selection(start_us=0, unidentified=False))
    return held | {"seen": seen.drop(columns="created_at")}


@pytest.fixture(scope="session")
def pairs(neo4j_server: Server, neo4j_driver: neo4j.Driver) -> Callable[[], Iterator[Any]]:
    """Return what opens an empty default store and an empty store on the server."""

    def opened() -> Iterator[Any]:
        empty(neo4j_driver)
        with tempfile.TemporaryDirectory() as folder:
            places = Path(folder) / "one", Path(folder) / "team"
            create_store(places[0])
            create_store(places[1], neo4j=neo4j_server.config())
            with closing(open_store(places[0])) as one, closing(open_store(places[1])) as team:
                for store in (one, team):
                    store.add_cameras(frame({"id": "c1"}, {"id": "c2", "clock_offset_s": 1.0}))
                    store.create_identities(frame({"id": "ann"}, {"id": "bob"}))
                    store.add_tags(frame({"kind": "zone", "name": "x"}))
                yield one, team

    return opened


@settings(
    max_examples=20,
    deadline=None,
    derandomize=True,
    database=None,
    phases=(Phase.explicit, Phase.generate),  # making a case smaller takes minutes on a server
)
@given(history=histories)
def test_two_managers_agree(
    pairs: Callable[[], Iterator[Any]], history: list[tuple[str, Any]]
) -> None:
    for one, team in pairs():
        for name, what in history:
            assert said(team, name, what) == said(one, name, what), (name, what)
        assert answers(team) == answers(one)
        r.same(tables(team), tables(one))
        assert verify(team.pair).ok
        assert verify(one.pair).ok
        assert content_hash(team.pair) == content_hash(one.pair)
