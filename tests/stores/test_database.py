"""The database file: one writer at a time, versions, files of other people, two processes."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from tests.contracts import rows as r
from tests.contracts.graph import named
from workbench.errors import (
    ConfigurationError,
    NotFoundError,
    StoreBusyError,
    StoreDamagedError,
    StoreError,
    StoreVersionError,
)
from workbench.stores.database import LEASE, VERSION, SqliteDatabase, row_hash
from workbench.stores.graph.memory import MemoryGraphStore
from workbench.stores.graph.sqlite import SqliteGraphStore
from workbench.stores.registry import BACKENDS, backend
from workbench.stores.vectors.base import VectorSpace
from workbench.stores.vectors.faiss import FAISSVectorStore


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "store.sqlite"
    SqliteDatabase.create(path)
    return path


def test_a_store_from_a_newer_version_is_refused(path: Path) -> None:
    already_open = SqliteDatabase(path)
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {VERSION + 1}")
    connection.close()
    with pytest.raises(StoreVersionError, match=f"format {VERSION + 1}"):
        SqliteDatabase(path)
    with pytest.raises(StoreVersionError), already_open.transaction():
        already_open.execute("UPDATE store SET next_vid = 99")
    assert already_open.sequence() == 0
    assert already_open.value("SELECT next_vid FROM store") == 1


def test_a_foreign_file_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    theirs = tmp_path / "theirs.sqlite"
    connection = sqlite3.connect(theirs)
    connection.execute("CREATE TABLE diary (text)")
    connection.commit()
    connection.close()
    (tmp_path / "text.sqlite").write_text("no database at all" * 100)
    (tmp_path / "empty.sqlite").touch()
    for file in sorted(tmp_path.iterdir()):
        before = file.read_bytes()
        with pytest.raises(StoreDamagedError):
            SqliteDatabase(file)
        assert file.read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 3


def test_damaged_pages_are_our_error(path: Path) -> None:
    store = SqliteGraphStore(SqliteDatabase(path))
    with store.transaction():
        SqliteGraphStore.apply_schema(store.database)
    store.close()
    data = bytearray(path.read_bytes())
    data[200 : len(data)] = b"\xa5" * (len(data) - 200)
    path.write_bytes(data)
    with pytest.raises(StoreDamagedError):
        SqliteDatabase(path)


def test_no_file_is_not_found_and_nothing_is_made(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        SqliteDatabase(tmp_path / "store.sqlite")
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_made_is_our_error(path: Path) -> None:
    with pytest.raises(StoreError):
        SqliteDatabase.create(path)  # there is one
    with pytest.raises(StoreError):
        SqliteDatabase.create(path.parent / "no such folder" / "store.sqlite")


def test_a_lock_that_cannot_be_made_is_our_error(path: Path) -> None:
    database = SqliteDatabase(path)
    (path.parent / "writer.lock").mkdir()
    with pytest.raises(StoreError, match="cannot be written"), database.transaction():
        pass


# ---------------------------------------------------------------------- one writer at a time
def test_a_second_writer_waits_and_then_gives_up(path: Path) -> None:
    one, other = SqliteDatabase(path), SqliteDatabase(path, wait_s=0.2)
    with one.transaction():
        began = time.monotonic()
        with pytest.raises(StoreBusyError), other.transaction():
            pass
        assert 0.2 <= time.monotonic() - began < 5
        assert other.sequence() == 0  # reading goes on
    with other.transaction():
        pass
    assert one.sequence() == 2


def test_a_second_writer_gets_its_turn(path: Path) -> None:
    one, other = SqliteDatabase(path), SqliteDatabase(path)
    order: list[str] = []

    def write() -> None:
        with other.transaction():
            order.append("other")

    with one.transaction():
        thread = threading.Thread(target=write)
        thread.start()
        time.sleep(0.1)
        order.append("one")
    thread.join(10)
    assert order == ["one", "other"]
    assert one.sequence() == 2


def test_two_handles_never_get_the_same_row_id(path: Path) -> None:
    one, other = SqliteDatabase(path), SqliteDatabase(path)
    taken = [handle.allocate_vids(1) for handle in (one, other, one, other)]
    assert len(set(taken)) == 4
    assert abs(taken[0] - taken[1]) == LEASE
    with pytest.raises(RuntimeError, match="before the unit"), one.transaction():
        one.allocate_vids(LEASE + 1)


def test_a_snapshot_holds_one_state(path: Path) -> None:
    one, other = SqliteDatabase(path), SqliteDatabase(path)
    with one.snapshot():
        before = one.sequence()
        with other.transaction():
            pass
        assert one.sequence() == before
        with one.snapshot():
            assert one.sequence() == before
    assert one.sequence() == before + 1


def test_equal_rows_and_only_those_have_one_checksum() -> None:
    rows = [(1,), ("1",), (1.0,), (b"1",), (None,), ("é",), ("\ud800",), (0.1,), (1, 1), ("",)]
    assert len({row_hash(*row) for row in rows}) == len(rows)
    assert row_hash(1, "a", 0.1) == row_hash(1, "a", 0.1)


# ---------------------------------------------------------------------- two processes
READER = """
import sys, time
import numpy as np
from workbench.stores.vectors.faiss import FAISSVectorStore
folder, total = sys.argv[1], int(sys.argv[2])
store = FAISSVectorStore(folder)
print("ready", flush=True)
end = time.monotonic() + 60
seen = -1
while seen < total and time.monotonic() < end:
    target = np.random.default_rng(max(seen, 0)).normal(size=8)
    found = np.sort(store.search("face", target, k=10**6)["vid"].to_numpy())
    rows = store.get("face", found)
    wanted = np.array([np.random.default_rng(v).normal(size=8) for v in found]).reshape(-1, 8)
    wanted = wanted / np.linalg.norm(wanted, axis=1, keepdims=True)
    assert np.abs(rows - wanted).max(initial=0) < 1e-3, "content"
    assert np.array_equal(found, np.arange(1, len(found) + 1)), "a gap"
    assert len(found) % 25 == 0, "a torn batch"
    assert len(found) >= seen, "went back"
    near = store.search("face", target, k=5)
    assert len(near) >= min(5, len(found))
    if len(found) > seen:
        print(len(found), flush=True)
    seen = len(found)
"""


def test_another_process_reads_while_this_one_writes(tmp_path: Path, repository: Path) -> None:
    store = FAISSVectorStore(tmp_path)
    store.create_space(VectorSpace("face", 8, "float16"))
    total = 1500
    reader = subprocess.Popen(
        [sys.executable, "-c", READER, str(tmp_path), str(total)],
        stdout=subprocess.PIPE,
        text=True,
        env=dict(os.environ, PYTHONPATH=str(repository)),
    )
    assert reader.stdout is not None
    with reader:
        assert reader.stdout.readline() == "ready\n"
        for first in range(1, total, 25):
            vids = np.arange(first, first + 25)
            rows = np.stack([np.random.default_rng(v).normal(size=8) for v in vids])
            with store.rows.database.transaction():
                store.put("face", vids[:10], rows[:10])
                store.put("face", vids[10:], rows[10:])
        seen = [int(line) for line in reader.stdout]
    assert reader.returncode == 0
    assert seen[-1] == total
    assert len(seen) > 2  # it did read while this one wrote


def test_a_writer_that_is_killed_leaves_the_lock_free_and_nothing_visible(
    path: Path, repository: Path
) -> None:
    script = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from workbench.stores.database import SqliteDatabase\n"
        "database = SqliteDatabase(Path(sys.argv[1]))\n"
        "with database.transaction('lost'):\n"
        "    database.execute('UPDATE store SET next_vid = 77')\n"
        "    print('inside', flush=True)\n"
        "    time.sleep(60)\n"
    )
    writer = subprocess.Popen(
        [sys.executable, "-c", script, str(path)],
        stdout=subprocess.PIPE,
        text=True,
        env=dict(os.environ, PYTHONPATH=str(repository)),
    )
    assert writer.stdout is not None
    with writer:
        assert writer.stdout.readline() == "inside\n"
        writer.kill()
    database = SqliteDatabase(path, wait_s=5)
    with database.transaction("next"):
        assert database.value("SELECT next_vid FROM store") == 1
    assert database.settled("lost") is None
    assert database.settled("next") == 1


# ---------------------------------------------------------------------- the graph's file
def test_a_changed_name_of_a_vector_is_no_name(path: Path) -> None:
    store = SqliteGraphStore(SqliteDatabase(path))
    with store.transaction():
        SqliteGraphStore.apply_schema(store.database)
    seen = [{"id": key, "timestamp": "2026-01-01T00:00Z"} for key in ("a", "b", "c")]
    r.put(store, "Appearance", *seen)
    with store.transaction():
        store.name_vectors("face", named(("a", 1), ("b", 2)))
    connection = sqlite3.connect(path)
    with connection:
        connection.execute("UPDATE embedding SET appearance_no = 3 WHERE vid = 1")
    connection.close()
    assert store.owners("face", np.array([1, 2]))["vid"].tolist() == [2]


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE identity SET name = 'Anne'",
        "UPDATE identity SET num_appearances = num_appearances + 1",
        "UPDATE appearance SET timestamp_us = timestamp_us + 1",
        "UPDATE appearance SET confidence = 0.75",
        "UPDATE appearance SET identity_no = NULL, camera_no = 1",
        "UPDATE camera SET clock_offset_s = 1e-9",
        "UPDATE embedding SET vid = vid + 1",
        "UPDATE identity SET row_hash = row_hash + 1",
    ],
)
def test_every_changed_row_is_named(path: Path, sql: str) -> None:
    store = SqliteGraphStore(SqliteDatabase(path))
    with store.transaction():
        SqliteGraphStore.apply_schema(store.database)
    r.put(store, "Camera", {"id": "c", "clock_offset_s": 0.1})
    r.put(store, "Identity", {"id": "ann", "name": "Ann"})
    r.put(store, "Appearance", {"id": "a", "timestamp": "2026-01-01T00:00Z"})
    link = {"identity_id": "ann", "appearance_id": "a", "confidence": 0.5}
    r.put(store, "HAS_APPEARANCE", link)
    with store.transaction():
        store.name_vectors("face", named(("a", 1)))
        store.refresh_statistics(["ann"])
    assert store.findings() == []
    connection = sqlite3.connect(path)
    with connection:
        assert connection.execute(sql).rowcount == 1
    connection.close()
    assert [one.kind for one in store.findings()] == ["row"]


# ---------------------------------------------------------------------- backends by name
def test_every_backend_of_the_registry_is_there() -> None:
    for family, known in BACKENDS.items():
        for name in known:
            assert isinstance(backend(family, name).supports, frozenset)
    assert backend("graph", "memory") is MemoryGraphStore
    with pytest.raises(ConfigurationError, match="faiss, memory") as caught:
        backend("vector", "faiz")
    assert caught.value.where == "vector.backend"


def test_a_store_whose_id_is_gone_is_damaged(tmp_path: Path) -> None:
    file = tmp_path / "store.sqlite"
    SqliteDatabase.create(file)
    for change in (
        "UPDATE sqlite_schema SET sql = replace(sql, 'store_id TEXT NOT NULL', 'store_id TEXT')",
        "UPDATE store SET store_id = NULL",
    ):
        connection = sqlite3.connect(file)
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute(change)
        connection.commit()
        connection.close()
    with pytest.raises(StoreDamagedError, match="lost its id"):
        SqliteDatabase(file)
