"""A store whose graph is on a server: whose it is, what is wrong with it, put away and back."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import neo4j
import numpy as np
import pandas as pd
import pytest

import workbench
from tests.servers import Server, connected, empty
from tests.storage import teams
from tests.storage.test_congruence import answers
from workbench.cli import main
from workbench.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
    ServerAwayError,
    StoreBusyError,
    StoreDamagedError,
    StoreVersionError,
)
from workbench.queries.similarity import Similarity
from workbench.storage.backup import back_up
from workbench.storage.content import content_hash, verify
from workbench.storage.folder import create_store, open_store
from workbench.storage.manager import HybridStorageManager
from workbench.storage.repair import repair
from workbench.storage.restore import restore


@pytest.fixture(scope="module")
def site(tiny_site: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a default store with something in every table."""
    return teams.loaded(tmp_path_factory.mktemp("site") / "store", tiny_site)


@pytest.fixture
def server(neo4j_server: Server, neo4j_driver: neo4j.Driver) -> Server:
    empty(neo4j_driver)
    return neo4j_server


@pytest.fixture
def team(site: Path, server: Server, tmp_path: Path) -> Iterator[HybridStorageManager]:
    """Return the site on the server, open."""
    manager = teams.moved(site, server, tmp_path / "team")
    yield manager
    manager.close()


# ------------------------------------------------------------------ whose graph it is
def test_files_load_straight_into_it(
    tiny_site: Path, site: Path, server: Server, tmp_path: Path
) -> None:
    teams.loaded(tmp_path / "team", tiny_site, config=teams.config(server, tmp_path / "team"))
    with closing(open_store(tmp_path / "team")) as there, closing(open_store(site)) as one:
        assert content_hash(there.pair) == content_hash(one.pair)
        assert answers(there) == answers(one)
        assert verify(there.pair).ok


def test_a_folder_and_a_graph_belong_together(
    team: HybridStorageManager, server: Server, tmp_path: Path
) -> None:
    with pytest.raises(ConflictError, match="another folder"):
        create_store(tmp_path / "other", neo4j=server.config())
    assert not (tmp_path / "other").exists()
    shutil.copytree(tmp_path / "team", tmp_path / "copy")
    said = json.loads((tmp_path / "copy" / "server.json").read_text())
    for name, error in (("store_id", "not the one"), ("vectors_id", "another folder")):
        (tmp_path / "copy" / "server.json").write_text(json.dumps(said | {name: "0" * 32}))
        with pytest.raises(ConflictError, match=error):
            open_store(tmp_path / "copy")


def test_what_says_where_the_graph_is(team: HybridStorageManager, tmp_path: Path) -> None:
    file = tmp_path / "team" / "server.json"
    kept = file.read_text()
    assert "password" not in kept
    for text in ("", "{}", "[1]", kept.replace("neo4j", "other"), kept[:-9]):
        file.write_text(text)
        with pytest.raises(StoreDamagedError, match="cannot be read"):
            open_store(tmp_path / "team")
    file.write_text(kept.replace("bolt://127.0.0.1:", "bolt://127.0.0.1:1"))
    with pytest.raises((ServerAwayError, InvalidInputError)):
        open_store(tmp_path / "team")


def test_a_configuration_that_says_otherwise_is_refused(
    team: HybridStorageManager, site: Path, server: Server, tmp_path: Path
) -> None:
    with pytest.raises(ConflictError, match="SQLite; the configuration says Neo4j"):
        workbench.open(site, config=teams.config(server, site))
    plain = teams.config(server, tmp_path / "team").model_dump()
    plain["graph"]["backend"] = "sqlite"
    with pytest.raises(ConflictError, match="Neo4j; the configuration says SQLite"):
        workbench.open(tmp_path / "team", config=type(teams.config(server, site))(**plain))


def test_an_empty_database_and_a_newer_one(server: Server, tmp_path: Path) -> None:
    create_store(tmp_path / "team", neo4j=server.config())
    with closing(connected(server)) as database:
        database.write("newer", lambda run: run("MATCH (s:WorkbenchStore) SET s.version = 99", {}))
    with pytest.raises(StoreVersionError, match="99"):
        open_store(tmp_path / "team")
    with server.driver() as driver:
        empty(driver)
    with pytest.raises(NotFoundError, match="no store"):
        open_store(tmp_path / "team")


def test_a_writer_that_is_held_up_says_so(team: HybridStorageManager, tmp_path: Path) -> None:
    with closing(open_store(tmp_path / "team", wait_s=0.3)) as other:
        with team.graph.cut(), pytest.raises(StoreBusyError, match=r"0\.3 s"):
            other.delete_identities(["p1"])
        assert other.get_identity("p1") is not None
        assert other.delete_identities(["p1"]) == 1


# ------------------------------------------------------------------ put away and brought back
def test_a_space_whose_first_write_failed_does_not_count(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = teams.config(server, tmp_path / "team")
    row = {"id": ["a"], "timestamp": ["2026-03-01T09:00Z"], "camera_id": ["c"]}
    with workbench.open(tmp_path / "team", config=config, create=True) as bench:
        bench.cameras.add(pd.DataFrame({"id": ["c"]}))
        before = bench.store.content_hash()

        def away(*_: object) -> None:
            raise ServerAwayError("It went away.")

        with monkeypatch.context() as patch:
            patch.setattr(bench.manager.graph.database, "_commit", away)
            with pytest.raises(ServerAwayError):
                bench.appearances.add(pd.DataFrame(row), face=np.ones((1, 4)))
        assert bench.manager.vector.counts() == {"face": 1}  # what nobody named
        assert bench.store.stats()["spaces"] == {}
        assert bench.store.content_hash() == before
        with pytest.raises(NotFoundError, match="no vector space"):
            bench.similarity.like(vector=np.ones(4))
        with workbench.open(tmp_path / "team", config=config) as other:  # and of another length
            other.appearances.add(pd.DataFrame(row), face=np.eye(2)[:1])
        hits = bench.similarity.like(vector=np.eye(2)[0]).hits
        assert (hits["appearance_id"].tolist(), hits["similarity"].tolist()) == (["a"], [1.0])
        assert bench.manager.vector.counts() == {"face": 1}
        assert bench.store.verify().ok


def test_a_vector_that_is_replaced_while_it_is_looked_for(
    team: HybridStorageManager, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = team.graph.vectors_of("face")
    key, vid = named["appearance_id"].iloc[0], named["vid"].to_numpy()[:1]
    other = team.vector.get("face", named["vid"].to_numpy()[1:2])
    get, replaced = team.vector.get, []

    def slow(space: str, vids: np.ndarray) -> np.ndarray:
        if not replaced:  # somebody else is faster, once
            with closing(open_store(tmp_path / "team")) as writer:
                writer.update_appearances(pd.DataFrame({"id": [key]}), vectors={"face": other})
            replaced.append(vid)
        return get(space, vids)

    monkeypatch.setattr(team.vector, "get", slow)
    hits = Similarity(team).like(appearance=key, space="face", k=1).hits
    assert replaced and hits["similarity"].iloc[0] == pytest.approx(1, abs=1e-5)
    assert hits["appearance_id"].tolist() == [named["appearance_id"].iloc[1]]


def test_a_backup_comes_back_on_either(
    team: HybridStorageManager, site: Path, server: Server, tmp_path: Path
) -> None:
    team.add_cameras(pd.DataFrame({"id": ["new"]}))
    made = back_up(tmp_path / "team", tmp_path / "b", manager=team)
    wanted = content_hash(team.pair), team.graph.sequence(), team.graph.store_id
    assert (made.manifest.content_hash, made.manifest.sequence, made.manifest.store_id) == wanted
    said = answers(team)
    with pytest.raises(ConflictError, match="in this database") as refused:
        restore(tmp_path / "b", tmp_path / "again", neo4j=server.config())
    assert server.uri in str(refused.value) and "server neo4j --dir NEW" in str(refused.value)
    with pytest.raises(InvalidInputError, match="replaced"):
        restore(tmp_path / "b", tmp_path / "team", neo4j=server.config(), replace=True)
    with pytest.raises(InvalidInputError, match="on a server cannot be replaced"):
        restore(tmp_path / "b", tmp_path / "team", replace=True)
    assert answers(team) == said
    restore(tmp_path / "b", tmp_path / "laptop")
    with server.driver() as driver:
        empty(driver)
    restore(tmp_path / "b", tmp_path / "again", neo4j=server.config())
    for name in ("laptop", "again"):
        with closing(open_store(tmp_path / name)) as back:
            found = content_hash(back.pair), back.graph.sequence(), back.graph.store_id
            assert found == wanted
            assert answers(back) == said
            assert verify(back.pair).ok
            back.add_cameras(pd.DataFrame({"id": ["newer"]}))  # it goes on
            assert back.graph.sequence() == wanted[1] + 1
    assert [p for p in tmp_path.iterdir() if p.name.startswith(".")] == []


def test_the_commands(
    team: HybridStorageManager, server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = ["--store", str(tmp_path / "team"), "--json"]
    for words in (["verify"], ["repair"], ["sweep"], ["compact"]):
        assert main([*words, *store]) == 0
        capsys.readouterr()
    assert main(["backup", "--into", str(tmp_path / "many"), "--keep", "1", *store]) == 0
    assert main(["backup", "--into", str(tmp_path / "many"), "--keep", "1", *store]) == 0
    assert len(list((tmp_path / "many").iterdir())) == 1
    capsys.readouterr()
    assert main(["init", *store]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["created"], said["graph"], said["made"]) == (False, "neo4j", [])
    assert "appearance_id_unique" in said["there"]


# ------------------------------------------------------------------ what is wrong, and mended
BROKEN = {
    "MATCH ()-[r:NEXT]->() DELETE r": "index",
    "MATCH (a:Appearance)-[r:NEXT]->(b) DELETE r CREATE (b)-[:NEXT]->(a)": "index",
    "MATCH ()-[r:NEXT]->() SET r.time_delta = 1": "index",
    "MATCH ()-[r:SAME_TRACK]->() DELETE r": "index",
    "MATCH ()-[r:CAPTURED_BY]->() WITH r LIMIT 1 DELETE r": "index",
    "MATCH (a:Appearance) MATCH (c:Camera {id: 'lab'}) CREATE (a)-[:CAPTURED_BY]->(c)": "index",
    "MATCH ()-[r:CAPTURED_BY]->() SET r.timestamp_us = 0": "index",
    "MATCH (a:Appearance) WITH collect(a) AS xs WITH xs[0] AS x, xs[5] AS y "
    "CREATE (x)-[:NEXT]->(y)": "index",
    "MATCH (a:Appearance) WHERE NOT EXISTS { (:Identity)-->(a) } WITH a LIMIT 1 "
    "MATCH (b:Appearance) WITH a, b LIMIT 3 "
    "CREATE (a)-[:NEXT]->(b), (b)-[:SAME_TRACK]->(a)": "index",
    "MATCH (a:Appearance) SET a.ts_us = a.ts_us + 1": "index",
    "MATCH (a:Appearance) WITH a SKIP 3 LIMIT 2 SET a.ts_us = a.ts_us + 3600000000": "index",
    "MATCH (a:Appearance) SET a.timestamp = datetime()": "index",
    "MATCH (a:Appearance) SET a.face_embedding_idx = 7": "index",
    "MATCH (s:WorkbenchStore) SET s.sequence = 1": "counter",
    "MATCH (i:Identity) SET i.num_appearances = 99": "statistics",
    "MATCH (i:Identity) SET i.first_seen_us = 0": "statistics",
}
HOPELESS = {
    "MATCH (a:Appearance) SET a.camera_id = 'nowhere'": "needed_row",
    "MATCH (a:Appearance) WITH a LIMIT 1 REMOVE a.timestamp_us": "needed_row",
    "MATCH ()-[r:HAS_APPEARANCE]->() WITH r LIMIT 1 SET r.key = 'x'": "needed_row",
    "MATCH (i:Identity {id: 'p2'}) MATCH (:Identity {id: 'p1'})-[:HAS_APPEARANCE]->(a) "
    "WITH i, a LIMIT 1 CREATE (i)-[:HAS_APPEARANCE {key: 'other'}]->(a)": "needed_row",
}


def test_what_another_client_broke_is_found_and_mended(
    team: HybridStorageManager, server: Server, tmp_path: Path
) -> None:
    before = content_hash(team.pair)
    with closing(connected(server)) as database:
        for text, kind in BROKEN.items():
            database.write("break", lambda run, text=text: run(text, {}))
            kinds = {problem.kind for problem in verify(team.pair).problems}
            assert kind in kinds, text
            done = repair(team.pair, tmp_path / "team", apply=True)
            assert done.ok, (text, done.problems)
    assert verify(team.pair).ok
    assert content_hash(team.pair) == before


@pytest.mark.parametrize("text", HOPELESS)
def test_what_cannot_be_mended_is_said(
    team: HybridStorageManager, server: Server, tmp_path: Path, text: str
) -> None:
    with closing(connected(server)) as database:
        database.write("break", lambda run: run(text, {}))
    found = {problem.kind: problem for problem in verify(team.pair).problems}
    assert HOPELESS[text] in found
    assert "restore" in found[HOPELESS[text]].next
    done = repair(team.pair, tmp_path / "team", apply=True)
    assert HOPELESS[text] in {problem.kind for problem in done.problems}


def test_a_flipped_bit_of_a_vector_is_found_and_taken_out(
    team: HybridStorageManager, tmp_path: Path
) -> None:
    segment = next((tmp_path / "team" / "vectors").glob("face-*.seg"))
    data = bytearray(segment.read_bytes())
    data[64] ^= 1
    segment.write_bytes(data)
    found = verify(team.pair)
    assert [problem.kind for problem in found.problems] == ["vector_bytes"]
    done = repair(team.pair, tmp_path / "team", apply=True)
    assert done.ok
    assert done.set_aside is not None and "vid" in done.set_aside.read_text()
    assert verify(team.pair).ok
