"""Questions that people write themselves: what comes back, and that they can do nothing else."""

from __future__ import annotations

import os
import signal
import sqlite3
import threading
import time
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import workbench
from tests.servers import Server, empty
from workbench.config import GraphConfig, WorkbenchConfig
from workbench.errors import (
    CapabilityError,
    InvalidInputError,
    StoreBusyError,
    StoreError,
)
from workbench.stores import asking
from workbench.stores.asking import cypher as asking_cypher
from workbench.stores.asking import sql as asking_sql
from workbench.stores.database import SqliteDatabase
from workbench.stores.neo4j.database import Neo4jDatabase

HOSTILE_TEXT = "p2'}) DETACH DELETE (n) //; DELETE FROM appearance; --"


def load(folder: Path, site: Path, config: WorkbenchConfig | None = None) -> workbench.Workbench:
    """Return the store of the site computed by hand."""
    workbench.ingest(
        folder,
        site / "appearances.csv",
        cameras=site / "cameras.csv",
        adjacency=site / "adjacency.csv",
        config=config or WorkbenchConfig(),
        quiet=True,
    )
    return workbench.open(folder, config=config)


# --------------------------------------------------------------------------------------------
# Values and answers
# --------------------------------------------------------------------------------------------
def test_values_of_a_notebook_become_values_of_a_question() -> None:
    given = {
        "whole": np.int32(3),
        "part": np.float32(0.5),
        "truth": np.bool_(True),
        "text": np.str_("a"),
        "none": pd.NA,
        "hole": float("nan"),
        "when": datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC),
        "ids": pd.Series(["a", None, "b"], dtype="str"),
        "times": pd.DatetimeIndex(["1970-01-01T00:00:02Z", pd.NaT]),
        "array": np.array([1, 2]),
    }
    values = asking.checked_values(given, moment=int)
    assert values == {
        "whole": 3,
        "part": 0.5,
        "truth": True,
        "text": "a",
        "none": None,
        "hole": None,
        "when": 1_000_000,
        "ids": ["a", None, "b"],
        "times": [2_000_000, None],
        "array": [1, 2],
    }
    assert {type(value) for value in values.values()} <= {int, float, bool, str, list, type(None)}


@pytest.mark.parametrize(
    "value",
    [
        datetime(2026, 1, 1),
        np.datetime64("2026-01-01"),
        {"a": 1},
        b"bytes",
        float("inf"),
        2**63,
        "half \ud800",
        "nul \0",
        [[1]],
        np.zeros((2, 2)),
        pd.DataFrame({"a": [1]}),
        object(),
    ],
    ids=lambda value: type(value).__name__,
)
def test_other_values_are_refused_by_name(value: Any) -> None:
    with pytest.raises(InvalidInputError) as caught:
        asking.checked_values({"which": value}, moment=int)
    assert caught.value.where == "which"
    assert caught.value.next


def test_columns_have_the_dtypes_of_the_package() -> None:
    when = pd.Timestamp("2026-01-01T00:00:00Z").as_unit("us")
    rows = [(1, 1.5, "a", True, when, [1], None, 1, 2**60), (None,) * 7 + ("x", 0.5)]
    frame = asking.answer(list("abcdefghi"), rows, 10)
    said = ["Int64", "float64", "str", "boolean", "datetime64[us, UTC]"]
    assert frame.dtypes.astype("str").tolist() == said + ["object"] * 4
    assert frame.loc[0, "f"] == [1]
    assert frame.loc[0, "i"] == 2**60


def test_no_row_keeps_the_columns_and_no_column_is_fine() -> None:
    assert asking.answer(["a", "a"], [], 1).columns.tolist() == ["a", "a"]
    assert asking.answer([], [], 1).shape == (0, 0)


def test_every_answer_that_is_cut_says_so() -> None:
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("default")  # as in a notebook: a warning of one place comes once
        for _ in range(2):
            assert asking.answer(["n"], [(1,), (2,), (3,)], 2)["n"].tolist() == [1, 2]
    assert [warning.category for warning in said] == [asking.AnswerCutWarning] * 2
    assert "cut after 2 rows" in str(said[0].message)


# --------------------------------------------------------------------------------------------
# SQL
# --------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def local(
    tmp_path_factory: pytest.TempPathFactory, tiny_site: Path
) -> Iterator[workbench.Workbench]:
    with load(tmp_path_factory.mktemp("local") / "store", tiny_site) as bench:
        yield bench


@pytest.fixture(scope="module")
def sqlite(local: workbench.Workbench) -> SqliteDatabase:
    return local.manager.graph.database  # type: ignore[attr-defined]


def test_sql_answers_as_the_rooms_do(local: workbench.Workbench, sqlite: SqliteDatabase) -> None:
    text = """SELECT a.id, c.id AS camera_id, a.time_us
      FROM corrected a JOIN camera c ON c.no = a.camera_no
      JOIN has_appearance h ON h.appearance_id = a.id WHERE h.identity_id = :who ORDER BY 3, 1"""
    found = sqlite.ask(text, {"who": "p2"})
    asked = local.identities.appearances("p2")
    assert found["id"].tolist() == asked["id"].tolist()
    assert found["camera_id"].tolist() == asked["camera_id"].tolist()
    times = pd.to_datetime(found["time_us"].astype("int64"), unit="us", utc=True)
    assert times.tolist() == asked["timestamp"].tolist()


def test_values_in_sql(sqlite: SqliteDatabase) -> None:
    values = {
        "text": HOSTILE_TEXT,
        "when": pd.Timestamp("1970-01-01T00:00:00.000001Z"),
        "ids": pd.Index(["p2", HOSTILE_TEXT]),
    }
    text = "SELECT :text AS text, :when AS at, (SELECT count(*) FROM json_each(:ids)) AS n"
    assert sqlite.ask(text, values).loc[0].tolist() == [HOSTILE_TEXT, 1, 2]
    chosen = "SELECT id FROM identity WHERE id IN (SELECT value FROM json_each(:ids))"
    assert sqlite.ask(chosen, values)["id"].tolist() == ["p2"]


@pytest.mark.parametrize(
    "text",
    [
        "DELETE FROM appearance",
        "WITH gone AS (SELECT 1) DELETE FROM appearance RETURNING id",
        "UPDATE store SET sequence = 0",
        "INSERT INTO sweep VALUES (1, 'x')",
        "DROP VIEW next",
        "CREATE TABLE mine (a)",
        "CREATE TEMP TABLE mine (a)",
        "CREATE VIRTUAL TABLE mine USING fts5(a)",
        "ATTACH '{folder}/other.sqlite' AS other",
        "VACUUM INTO '{folder}/other.sqlite'",
        "VACUUM",
        "PRAGMA writable_schema = 1",
        "PRAGMA query_only = 0",
        "PRAGMA journal_mode = DELETE",
        "PRAGMA wal_checkpoint(TRUNCATE)",
        "SELECT * FROM pragma_database_list",
        "SELECT load_extension('{folder}/x')",
        "SELECT fts3_tokenizer('simple')",
        "BEGIN IMMEDIATE",
        "ANALYZE",
        "SELECT 1; DELETE FROM appearance",
        "EXPLAIN DELETE FROM appearance",
    ],
)
def test_a_question_in_sql_does_nothing_but_read(
    sqlite: SqliteDatabase, tmp_path: Path, text: str
) -> None:
    before = sqlite.path.read_bytes(), sqlite.sequence()
    with pytest.raises(InvalidInputError) as caught:
        sqlite.ask(text.format(folder=tmp_path))
    assert caught.value.next
    assert (sqlite.path.read_bytes(), sqlite.sequence()) == before
    assert list(tmp_path.iterdir()) == []
    with sqlite.transaction():  # no lock was left behind
        sqlite.execute("UPDATE store SET next_vid = next_vid")


@pytest.mark.parametrize("text", ["DELETE FROM appearance", "DROP VIEW next"])
@pytest.mark.parametrize("left", ["mode=ro", "query_only"])
def test_each_lock_holds_alone(
    sqlite: SqliteDatabase, monkeypatch: pytest.MonkeyPatch, left: str, text: str
) -> None:
    connect = sqlite3.connect

    def opened(address: str, **words: Any) -> sqlite3.Connection:
        connection = connect(
            address if left == "mode=ro" else address.replace("=ro", "=rw"), **words
        )
        assert "=ro" in address
        return connection

    monkeypatch.setattr(sqlite3, "connect", opened)
    monkeypatch.setattr(asking_sql, "_may", lambda *said: sqlite3.SQLITE_OK)
    if left == "mode=ro":
        monkeypatch.setattr(asking_sql, "_ONLY_READING", "PRAGMA query_only = 0")
    with pytest.raises(InvalidInputError, match="readonly"):
        sqlite.ask(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("SELEC 1", ["SELEC", "syntax error"]),
        ("SELECT x FROM nowhere", ["no such table: nowhere"]),
        ("SELECT :who", [":who", "no value"]),
        ("SELECT ?", ["no name"]),
        ("-- nothing", ["no question"]),
        (" \n", ["no question"]),
        ("SELECT '\ud800'", ["surrogate"]),
        ("SELECT '\0'", ["NUL"]),
        ("SELECT zeroblob(1000000000)", ["too big"]),
    ],
)
def test_a_mistake_in_sql_is_said(sqlite: SqliteDatabase, text: str, words: list[str]) -> None:
    with pytest.raises(InvalidInputError) as caught:
        sqlite.ask(text)
    assert all(word in str(caught.value) for word in words), str(caught.value)
    assert caught.value.where and caught.value.next


ENDLESS = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT {} FROM c"


def test_sql_that_takes_too_long_is_given_up(sqlite: SqliteDatabase) -> None:
    began = time.monotonic()
    with pytest.raises(StoreError, match=r"within 0\.2 s"):
        sqlite.ask(ENDLESS.format("count(*)"), timeout_s=0.2)
    assert time.monotonic() - began < 5


def test_sql_is_interrupted_like_any_cell(sqlite: SqliteDatabase) -> None:
    # Begun in the background of a shell, a process ignores this signal.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            sqlite.ask(ENDLESS.format("count(*)"), timeout_s=30)
    finally:
        timer.join()
        signal.signal(signal.SIGINT, before)


def test_sql_without_end_is_cut(sqlite: SqliteDatabase) -> None:
    with pytest.warns(asking.AnswerCutWarning):
        assert len(sqlite.ask(ENDLESS.format("n"), most_rows=1000)) == 1000


@pytest.mark.parametrize(
    "limits", [{"timeout_s": 0}, {"timeout_s": float("nan")}, {"most_rows": 0}]
)
def test_a_limit_that_is_none_is_refused(sqlite: SqliteDatabase, limits: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputError, match="limit"):
        sqlite.ask("SELECT 1", **limits)


def test_the_default_store_is_not_written_by_hand(sqlite: SqliteDatabase) -> None:
    with pytest.raises(CapabilityError, match="checksum") as caught:
        sqlite.ask("DELETE FROM appearance", write=True)
    assert "bench.appearances.update" in str(caught.value.next)


def test_the_views_of_the_edges_are_there(sqlite: SqliteDatabase) -> None:
    for view in ("has_appearance", "captured_by", "corrected", "next", "same_track"):
        assert len(sqlite.ask(f"SELECT * FROM {view}")) > 0, view


def test_a_store_that_was_replaced_answers_nobody(tmp_path: Path, tiny_site: Path) -> None:
    with load(tmp_path / "store", tiny_site) as bench:
        (tmp_path / "store").rename(tmp_path / "moved")
        load(tmp_path / "store", tiny_site).close()
        with pytest.raises(StoreBusyError):
            bench.manager.graph.database.ask("SELECT 1")  # type: ignore[attr-defined]


def test_a_store_that_was_closed_answers_nobody(tmp_path: Path, tiny_site: Path) -> None:
    bench = load(tmp_path / "store", tiny_site)
    bench.close()
    with pytest.raises(StoreError, match="closed"):
        bench.manager.graph.database.ask("SELECT 1")  # type: ignore[attr-defined]


# --------------------------------------------------------------------------------------------
# Cypher
# --------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def team(
    tmp_path_factory: pytest.TempPathFactory, tiny_site: Path, neo4j_server: Server
) -> Iterator[workbench.Workbench]:
    empty(neo4j_server, schema=True)
    config = WorkbenchConfig(graph=GraphConfig(backend="neo4j"), neo4j=neo4j_server.config())
    with load(tmp_path_factory.mktemp("team") / "store", tiny_site, config) as bench:
        yield bench


@pytest.fixture(scope="module")
def neo4j(team: workbench.Workbench) -> Neo4jDatabase:
    return team.manager.graph.database  # type: ignore[attr-defined]


def graph_of(database: Neo4jDatabase) -> list[tuple]:
    """Return what a statement could have changed."""
    counted = (
        "MATCH (n) WITH count(n) AS nodes, count(DISTINCT n.id) AS ids "
        "OPTIONAL MATCH ()-[r]->() RETURN nodes, ids, count(r)"
    )
    named = "SHOW INDEXES YIELD name RETURN count(name)"
    users = "SHOW USERS YIELD user RETURN count(user)"
    return [row for text in (counted, named, users) for row in database.rows("test", text)]


def test_cypher_answers_as_the_rooms_do(team: workbench.Workbench, neo4j: Neo4jDatabase) -> None:
    text = """MATCH (:Identity {id: $who})-[:HAS_APPEARANCE]->(a:Appearance)
      RETURN a.id AS id, a.camera_id AS camera_id, a.ts_us AS ts_us, a.timestamp AS recorded
      ORDER BY a.ts_us, id"""
    found = neo4j.ask(text, {"who": "p2"})
    asked = team.identities.appearances("p2")
    assert found["id"].tolist() == asked["id"].tolist()
    assert found["camera_id"].tolist() == asked["camera_id"].tolist()
    corrected = pd.to_datetime(found["ts_us"].astype("int64"), unit="us", utc=True)
    assert corrected.tolist() == asked["timestamp"].tolist()
    later = (corrected - found["recorded"]).dt.total_seconds()
    assert later[found["camera_id"] == "office"].tolist() == [5.0, 5.0]  # its clock is slow


def test_values_in_cypher(neo4j: Neo4jDatabase) -> None:
    when = pd.Timestamp("2026-01-12T09:00:00.000001+01:00")
    values = {"text": HOSTILE_TEXT, "when": when, "ids": pd.Index(["p2", HOSTILE_TEXT]), "no": None}
    text = "RETURN $text AS text, $when AS at, size($ids) AS n, $no AS no"
    assert neo4j.ask(text, values).loc[0].tolist() == [HOSTILE_TEXT, when, 2, None]
    chosen = "MATCH (i:Identity) WHERE i.id IN $ids RETURN i.id AS id"
    assert neo4j.ask(chosen, values)["id"].tolist() == ["p2"]
    after = "MATCH (a:Appearance) WHERE a.timestamp < $when RETURN count(a) AS n"
    assert neo4j.ask(after, values)["n"].tolist() == [1]


def test_what_a_graph_is_made_of(neo4j: Neo4jDatabase) -> None:
    text = """MATCH p = (i:Identity {id: 'p1'})-[r:HAS_APPEARANCE]->(a:Appearance {id: 'a01'})
      RETURN i, r, p, [a.id, i] AS list, {who: i.id} AS map"""
    i, r, p, both, said = neo4j.ask(text).loc[0]
    assert (i["labels"], i["id"], i["properties"]["num_appearances"]) == (["Identity"], "p1", 8)
    assert isinstance(i["properties"]["first_seen"], pd.Timestamp)
    assert (r["type"], r["start"], r["end"]) == ("HAS_APPEARANCE", "p1", "a01")
    assert r["properties"]["key"] == "a01"
    assert [node["id"] for node in p["nodes"]] == ["p1", "a01"]
    assert p["relationships"] == [r]
    assert both == ["a01", i]
    assert said == {"who": "p1"}


def test_times_and_places(neo4j: Neo4jDatabase) -> None:
    text = """RETURN datetime('2026-01-01T00:00:00.5+02:00') AS zoned,
      localdatetime('2026-01-01T00:00') AS naive, date('2026-01-01') AS day,
      duration('P1DT1.5S') AS exact, duration('P1M') AS month, point({x: 1, y: 2}) AS point"""
    zoned, naive, day, exact, month, point = neo4j.ask(text).loc[0]
    assert zoned == pd.Timestamp("2025-12-31T22:00:00.5Z")
    assert (naive, day.isoformat()) == (datetime(2026, 1, 1), "2026-01-01")
    assert (exact, month) == (pd.Timedelta("1 day 00:00:01.5"), "P1M")
    assert point == (1.0, 2.0)
    with pytest.raises(InvalidInputError, match="no counterpart"):
        neo4j.ask("RETURN datetime('+20000-01-01T00:00:00Z') AS far")


COMMANDS = [
    "LOAD CSV FROM 'file:///etc/hosts' AS line RETURN line",
    "CALL { LOAD CSV FROM 'http://127.0.0.1:1/' AS line RETURN line } RETURN line",
    "SHOW USERS",
    "CREATE USER mallory SET PASSWORD 'abcdefgh'",
    "ALTER CURRENT USER SET PASSWORD FROM 'a' TO 'bcdefghi'",
    "TERMINATE TRANSACTIONS 'neo4j-transaction-1'",
    "CALL dbms.killConnection('bolt-1')",
    "CALL db.clearQueryCaches()",
    "DROP INDEX appearance_ts_us",
    "CREATE INDEX mine FOR (n:Appearance) ON (n.blur_score)",
    "UNWIND [1, 2] AS x CALL (x) { CREATE (:Camera {id: toString(x)}) } IN TRANSACTIONS OF 1 ROW",
    "MATCH (n) CALL (n) { DETACH DELETE n } IN TRANSACTIONS OF 1 ROW",
    "RETURN 1; MATCH (n) DETACH DELETE n",
]
WRITES = [
    "CREATE (:Camera {id: 'mine'}) RETURN 1",
    "MATCH (n) DETACH DELETE n",
    "MATCH (i:Identity) SET i.name = 'x'",
    "MATCH (i:Identity) REMOVE i:Identity",
    "MERGE (i:Identity {id: 'p2'}) ON MATCH SET i.name = 'x'",
    "CALL db.createProperty('mine')",
    "CYPHER 5 CREATE (:Camera {id: 'mine'})",
    "// MATCH\nCREATE (:Camera {id: 'mine'})",
]


@pytest.mark.parametrize("text", COMMANDS + WRITES)
def test_a_question_in_cypher_does_nothing_but_read(neo4j: Neo4jDatabase, text: str) -> None:
    before = graph_of(neo4j), neo4j.sequence()
    with pytest.raises(InvalidInputError) as caught:
        neo4j.ask(text)
    assert caught.value.next
    assert (graph_of(neo4j), neo4j.sequence()) == before


@pytest.mark.parametrize("text", COMMANDS)
def test_writing_is_about_the_graph_alone(neo4j: Neo4jDatabase, text: str) -> None:
    before = graph_of(neo4j), neo4j.sequence()
    with pytest.raises(InvalidInputError):
        neo4j.ask(text, write=True)
    assert (graph_of(neo4j), neo4j.sequence()) == before


@pytest.mark.parametrize("text", WRITES)
def test_the_server_itself_refuses_to_write(
    neo4j: Neo4jDatabase, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setattr(asking_cypher, "look", lambda *said, **words: None)
    before = graph_of(neo4j)
    with pytest.raises(InvalidInputError, match="read access mode"):
        neo4j.ask(text)
    assert graph_of(neo4j) == before


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("MATCH (n) RETRUN n", ["RETRUN", "line 1, column 11"]),
        ("MATCH (n)\nRETURN m", ["`m`", "line 2, column 8"]),
        ("RETURN $who", ["who"]),
        ("RETURN 1 / 0", ["zero"]),
        ("RETURN 1 AS a, 2 AS a", ["same name"]),
        ("CALL nothing.there()", ["nothing.there"]),
        ("", ["no question"]),
    ],
)
def test_a_mistake_in_cypher_is_said(neo4j: Neo4jDatabase, text: str, words: list[str]) -> None:
    with pytest.raises(InvalidInputError) as caught:
        neo4j.ask(text)
    assert all(word in str(caught.value) for word in words), str(caught.value)
    assert caught.value.where and caught.value.next


def test_cypher_that_takes_too_long_is_given_up(neo4j: Neo4jDatabase) -> None:
    began = time.monotonic()
    with pytest.raises(StoreError, match=r"within 0\.5 s"):
        neo4j.ask("UNWIND range(1, 10000000000) AS x RETURN sum(x % 2)", timeout_s=0.5)
    assert time.monotonic() - began < 10


def test_cypher_that_fills_the_memory_is_not_tried_again(neo4j: Neo4jDatabase) -> None:
    with pytest.raises(StoreError, match="more memory than the server has"):
        neo4j.ask("UNWIND range(1, 10000000000) AS x RETURN collect(x)")


def test_cypher_without_end_is_cut(neo4j: Neo4jDatabase) -> None:
    with pytest.warns(asking.AnswerCutWarning):
        found = neo4j.ask("UNWIND range(1, 10000000000) AS x RETURN x", most_rows=1000)
    assert found["x"].tolist() == list(range(1, 1001))


def test_writing_is_one_unit_of_work(neo4j: Neo4jDatabase) -> None:
    before = neo4j.sequence()
    with pytest.warns(asking.AnswerCutWarning):  # what is not shown is written all the same
        made = neo4j.ask(
            "UNWIND range(1, 50) AS x CREATE (c:Camera {id: $name + x}) RETURN c.id AS id",
            {"name": "made "},
            write=True,
            most_rows=2,
        )
    assert made["id"].tolist() == ["made 1", "made 2"]
    there = "MATCH (c:Camera) WHERE c.id STARTS WITH 'made ' RETURN count(c) AS n"
    assert neo4j.ask(there)["n"].tolist() == [50]
    assert neo4j.sequence() == before + 1
    with pytest.raises(InvalidInputError, match="refused the rows"):
        neo4j.ask(
            "UNWIND range(50, 60) AS x MERGE (c:Camera {id: 'made ' + (110 - x)}) "
            "CREATE (:Camera {id: 'made ' + x})",
            write=True,
        )
    assert neo4j.ask(there)["n"].tolist() == [50]
    neo4j.ask("MATCH (c:Camera) WHERE c.id STARTS WITH 'made ' DELETE c", write=True)
    assert neo4j.sequence() == before + 2


def test_what_writing_by_hand_leaves_is_mended(
    team: workbench.Workbench, neo4j: Neo4jDatabase
) -> None:
    neo4j.ask("MATCH (:Appearance)-[n:NEXT]->() DELETE n", write=True)
    neo4j.ask("MATCH (i:Identity {id: 'p1'}) SET i.num_appearances = 77", write=True)
    assert not team.store.verify().ok
    assert team.store.repair(apply=True).ok
    assert neo4j.ask("MATCH ()-[n:NEXT]->() RETURN count(n) > 0 AS there")["there"].all()
