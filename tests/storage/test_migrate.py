"""From one store to another: whole, equal, or to go on with."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import neo4j
import numpy as np
import pandas as pd
import pytest
import yaml

import workbench
from tests.contracts.rows import same
from tests.servers import Server, connected, empty
from tests.storage import keeping, teams
from tests.storage.test_congruence import answers, tables
from workbench.cli import main
from workbench.errors import ConflictError, InvalidInputError, StoreDamagedError
from workbench.storage import transfer
from workbench.storage.content import content_hash, verify
from workbench.storage.folder import create_store, is_store, open_store
from workbench.storage.manager import HybridStorageManager
from workbench.storage.migrate import Migration, Place, migrate
from workbench.stores.graph.neo4j import Neo4jGraphStore
from workbench.stores.vectors.faiss import FAISSVectorStore


@pytest.fixture(scope="module")
def site(tiny_site: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a default store with something in every table."""
    return teams.loaded(tmp_path_factory.mktemp("site") / "store", tiny_site)


@pytest.fixture
def server(neo4j_server: Server, neo4j_driver: neo4j.Driver) -> Server:
    empty(neo4j_driver)
    return neo4j_server


def move(source: Path, place: Place, **said: bool) -> Migration:
    with closing(open_store(source)) as manager:
        return migrate(manager, place, **said)


def hidden(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.name.startswith(".")]


def test_there_and_back_is_equal(site: Path, server: Server, tmp_path: Path) -> None:
    there = move(site, Place(tmp_path / "team", server.config()))
    back = move(tmp_path / "team", Place(tmp_path / "back"))
    assert there.equal is back.equal is True
    assert there.content_hash == back.content_hash
    assert there.counts == back.counts
    assert there.counts["vectors face"] > 0 < there.counts["TAGGED_APPEARANCE"]
    assert "Neo4j" in there.target and "Neo4j" in back.source
    assert hidden(tmp_path) == []
    opened = [open_store(p) for p in (site, tmp_path / "team", tmp_path / "back")]
    for other in opened[1:]:
        same(tables(other), tables(opened[0]))
        assert answers(other) == answers(opened[0])
        assert verify(other.pair).ok
        for space in ("face", "reid"):
            norms = [m.vector.norms(space, named(m, space)) for m in (opened[0], other)]
            assert np.array_equal(*norms)
    assert len({m.graph.store_id for m in opened}) == 3
    for manager in opened:
        manager.close()


def named(manager: HybridStorageManager, space: str) -> np.ndarray:
    """Return the row ids of a space in order of appearance."""
    rows = manager.graph.vectors_of(space).sort_values("appearance_id")
    return rows["vid"].to_numpy()


def test_a_dry_run_writes_nothing(site: Path, server: Server, tmp_path: Path) -> None:
    said = move(site, Place(tmp_path / "team", server.config()), dry_run=True)
    assert said.equal is None
    assert said.counts["Appearance"] == 30
    assert list(tmp_path.iterdir()) == []
    with closing(connected(server)) as database:
        assert database.store() is None


class Struck(BaseException):
    """What ends a migration in its middle."""


@pytest.mark.parametrize("onto", ["server", "file"])
def test_an_interrupted_one_goes_on(
    site: Path, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, onto: str
) -> None:
    place = Place(tmp_path / "new", server.config() if onto == "server" else None)
    monkeypatch.setattr(transfer, "_ROWS", 7)
    written: list[int] = []
    page = transfer._page

    def struck(source: object, target: object, rows: pd.DataFrame) -> None:
        page(source, target, rows)  # type: ignore[arg-type]
        written.append(len(rows))
        if len(written) == 3:  # written, and not noted
            raise Struck

    monkeypatch.setattr(transfer, "_page", struck)
    with pytest.raises(Struck):
        move(site, place)
    assert not is_store(place.folder)
    assert len(hidden(tmp_path)) == 1
    done = move(site, place)
    assert done.equal
    assert done.resumed >= 14
    assert sum(written) == 30 + 7  # one batch twice
    assert hidden(tmp_path) == []
    with closing(open_store(place.folder)) as manager:
        assert verify(manager.pair).ok
        assert content_hash(manager.pair) == done.content_hash


def test_what_changed_meanwhile_is_not_mixed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeping.make(tmp_path / "old").close()
    with monkeypatch.context() as patch:
        patch.setattr(transfer, "_page", lambda *_: (_ for _ in ()).throw(Struck))
        with pytest.raises(Struck):
            move(tmp_path / "old", Place(tmp_path / "new"))
    with closing(open_store(tmp_path / "old")) as manager:
        keeping.put(manager, range(12, 15))
    with pytest.raises(ConflictError, match="changed"):
        move(tmp_path / "old", Place(tmp_path / "new"))
    assert not (tmp_path / "new").exists()


def test_an_empty_store_is_taken_and_a_full_one_is_not(
    site: Path, server: Server, tmp_path: Path
) -> None:
    create_store(tmp_path / "team", neo4j=server.config())
    place = Place(tmp_path / "team", server.config())
    assert move(site, place).equal
    for other in (place, Place(tmp_path / "other", server.config()), Place(site.parent / "store")):
        with pytest.raises((ConflictError, InvalidInputError)):
            move(site, other)
    with pytest.raises(ConflictError, match="elsewhere"):
        move(site, Place(tmp_path / "team"))
    (tmp_path / "thing").write_text("x")
    with pytest.raises(InvalidInputError, match="something here"):
        move(site, Place(tmp_path / "thing"))
    with closing(open_store(tmp_path / "team")) as manager:
        assert len(manager.graph.sightings()) == 30


def test_a_store_that_says_something_else_does_not_appear(
    site: Path, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    upsert = Neo4jGraphStore.upsert_nodes

    def lossy(self: Neo4jGraphStore, label: str, frame: pd.DataFrame) -> int:
        if label == "Outage":
            frame = frame.assign(source="?")
        return upsert(self, label, frame)

    monkeypatch.setattr(Neo4jGraphStore, "upsert_nodes", lossy)
    with pytest.raises(StoreDamagedError, match="content hash"):
        move(site, Place(tmp_path / "team", server.config()))
    assert not (tmp_path / "team").exists()


def test_a_damaged_store_is_not_migrated(tmp_path: Path) -> None:
    keeping.make(tmp_path / "old").close()
    segment = next((tmp_path / "old" / "vectors").glob("face-*.seg"))
    data = bytearray(segment.read_bytes())
    data[70] ^= 1
    segment.write_bytes(data)
    with pytest.raises(StoreDamagedError, match="vector_bytes"):
        move(tmp_path / "old", Place(tmp_path / "new"))
    assert hidden(tmp_path) == []


def test_rows_of_another_precision_are_refused(tmp_path: Path) -> None:
    keeping.make(tmp_path / "old").close()
    with closing(open_store(tmp_path / "old")) as manager:
        assert isinstance(manager.vector, FAISSVectorStore)
        rows = manager.vector.stored("face", manager.vector.vids("face")[:1])
        wrong = rows._replace(codes=rows.codes.astype("float32"))
        with pytest.raises(InvalidInputError, match="float32"):
            manager.vector.put_stored("face", np.array([1 << 40]), wrong)


def test_the_command(
    site: Path, server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    to = tmp_path / "team.yaml"
    said = {"store": str(tmp_path / "team"), "graph": {"backend": "neo4j"}}
    to.write_text(yaml.safe_dump(said | {"neo4j": {"uri": server.uri}}))
    words = ["migrate", "--to", str(to), "--store", str(site), "--json"]
    assert main([*words, "--dry-run"]) == 0
    planned = json.loads(capsys.readouterr().out)
    assert main(words) == 0
    done = json.loads(capsys.readouterr().out)
    keys = {"from", "to", "counts", "content_hash", "equal", "resumed"}
    assert set(planned) == set(done) == keys
    assert (planned["equal"], done["equal"]) == (None, True)
    assert planned["content_hash"] == done["content_hash"]
    assert main(words) == 2
    assert "something in it" in capsys.readouterr().out
    with workbench.open(to) as bench:
        assert bench.store.content_hash() == done["content_hash"]
