"""A restore brings back what was put away, in one step; or it says what is wrong, no more."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.storage import keeping
from tests.storage.breaking import (
    DAMAGES,
    empty,
    flip,
    hash_of,
    hidden,
    lengthen,
    link,
    rewritten,
    shorten,
)
from workbench.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
    StoreBusyError,
    StoreDamagedError,
    StoreVersionError,
    WorkbenchError,
)
from workbench.storage import whole
from workbench.storage.backup import back_up, back_up_into, examined
from workbench.storage.folder import open_store
from workbench.storage.manager import HybridStorageManager
from workbench.storage.restore import restore
from workbench.stores.locks import standing_still


def test_a_damaged_file_of_a_backup_is_named_and_nothing_is_changed(
    store: Path, tmp_path: Path
) -> None:
    (store / "demo.json").write_text('{"site": "demo"}')
    good, bad = tmp_path / "good", tmp_path / "bad"
    back_up(store, good)
    before = hash_of(store)
    files = [p.relative_to(good) for p in sorted(good.rglob("*")) if p.is_file()]
    assert len(files) == 4
    for name in files:
        for damage in DAMAGES:
            if name.name == "manifest.json" and damage in (link, lengthen):
                continue  # a longer manifest that says the same is the same
            shutil.copytree(good, bad)
            damage(bad / name)
            for target in (tmp_path / "new", store):
                with pytest.raises(StoreDamagedError) as caught:
                    restore(bad, target, replace=True)
                assert name.name in caught.value.message, (name, damage)
                assert caught.value.where == str(bad / name)
                assert caught.value.next
            assert not (tmp_path / "new").exists() and hidden(tmp_path) == []
            shutil.rmtree(bad)
    assert hash_of(store) == before


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda said: said.update(format=2), StoreVersionError),
        (lambda said: said.update(kind="x"), StoreDamagedError),
        (lambda said: said.pop("files"), StoreDamagedError),
        (lambda said: said.update(files=[]), StoreDamagedError),
        (lambda said: said.update(counts=[1]), StoreDamagedError),
        (lambda said: said.update(sequence="one"), StoreDamagedError),
        (lambda said: said["files"].append(said["files"][0]), StoreDamagedError),
        (lambda said: said.update(content_hash="0" * 64), StoreDamagedError),
        (lambda said: said.update(sequence=said["sequence"] + 1), StoreDamagedError),
        (lambda said: said.update(store_id="0" * 32), StoreDamagedError),
    ],
)
def test_a_manifest_made_by_hand_is_refused(
    store: Path, tmp_path: Path, change: Callable[[dict[str, Any]], None], error: type
) -> None:
    back_up(store, tmp_path / "b")
    rewritten(tmp_path / "b", change)
    with pytest.raises(error) as caught:
        restore(tmp_path / "b", tmp_path / "new")
    assert caught.value.exit_code == 4
    assert sorted(p.name for p in tmp_path.iterdir()) == ["b", "store"]


@pytest.mark.parametrize(
    "name", ["../../escaped", "vectors/../../../x-1.seg", "writer.lock", "vectors/.x-1.seg"]
)
def test_a_name_that_no_file_of_a_store_has_is_refused(
    store: Path, tmp_path: Path, name: str
) -> None:
    back_up(store, tmp_path / "b")
    segment = tmp_path / "b" / "content" / "vectors" / "face-000001.seg"
    shutil.copy(segment, tmp_path / "b" / "content" / name)
    rewritten(
        tmp_path / "b",
        lambda said: said["files"].append(said["files"][-1] | {"name": name}),
    )
    with pytest.raises(StoreDamagedError, match=r"manifest\.json.* does not say"):
        restore(tmp_path / "b", tmp_path / "new")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    "text", [b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 200_000, b'{"format": 1}', b"\0" * 99]
)
def test_what_is_no_manifest_is_refused(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "manifest.json").write_bytes(text)
    with pytest.raises(StoreDamagedError, match=r"manifest\.json"):
        restore(tmp_path / "b", tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_backup_of_a_newer_store_is_refused(store: Path, tmp_path: Path) -> None:
    with sqlite3.connect(store / "store.sqlite") as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StoreVersionError):
        back_up(store, tmp_path / "b")
    assert not (tmp_path / "b").exists() and hidden(tmp_path) == []


def test_where_there_is_no_backup(store: Path, tmp_path: Path) -> None:
    kept = back_up_into(store, tmp_path / "many").folder
    for path in (tmp_path / "none", store, tmp_path, store / "store.sqlite"):
        with pytest.raises(NotFoundError):
            restore(path, tmp_path / "new")
    with pytest.raises(NotFoundError) as caught:
        restore(tmp_path / "many", tmp_path / "new")
    assert str(kept) in str(caught.value.next)
    with pytest.raises(NotFoundError):
        back_up(tmp_path / "none", tmp_path / "new")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["many", "store"]


def _row(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE appearance SET camera_no = camera_no, blur_score = 1")
    connection.close()


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("vectors/face-000001.seg", flip),
        ("vectors/face-000001.seg", shorten),
        ("vectors/face-000001.seg", os.unlink),
        ("store.sqlite", _row),
        ("store.sqlite", empty),
    ],
)
def test_a_damaged_store_is_not_backed_up(
    store: Path, tmp_path: Path, name: str, damage: Callable[[Path], None]
) -> None:
    damage(store / name)
    with pytest.raises(StoreDamagedError) as caught:
        back_up(store, tmp_path / "b")
    assert str(store) in str(caught.value.where)
    with pytest.raises(StoreDamagedError):
        back_up_into(store, tmp_path / "many")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["many", "store"]
    assert list((tmp_path / "many").iterdir()) == []


def test_where_something_is_nothing_is_written(store: Path, tmp_path: Path) -> None:
    back_up(store, tmp_path / "b")
    (tmp_path / "file").write_text("mine")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").write_text("mine")
    (tmp_path / "empty").mkdir()
    before = sorted(p.as_posix() for p in tmp_path.rglob("*") if not p.name.endswith(".lock"))
    inside = [store / "b", store, store / "vectors" / "deep" / "b"]
    for path in (tmp_path / "file", tmp_path / "full", tmp_path / "b", *inside):
        with pytest.raises(InvalidInputError):
            back_up(store, path)
    for path in inside:
        with pytest.raises(InvalidInputError):
            back_up_into(store, path)
    for path in (tmp_path / "file", tmp_path / "full", tmp_path / "b", tmp_path / "b" / "s"):
        with pytest.raises(InvalidInputError):
            restore(tmp_path / "b", path, replace=True)
    with pytest.raises(ConflictError, match="a store here already"):
        restore(tmp_path / "b", store)
    after = sorted(p.as_posix() for p in tmp_path.rglob("*") if not p.name.endswith(".lock"))
    assert after == before
    back_up(store, tmp_path / "empty")
    (tmp_path / "hollow").mkdir()
    restore(tmp_path / "empty", tmp_path / "hollow")
    assert hash_of(tmp_path / "hollow") == hash_of(store)


def test_a_backup_in_the_store_that_it_would_replace_is_refused(
    store: Path, tmp_path: Path
) -> None:
    back_up(store, tmp_path / "b")
    shutil.move(tmp_path / "b", store / "b")
    with pytest.raises(InvalidInputError, match="inside each other"):
        restore(store / "b", store, replace=True)


@pytest.mark.parametrize(
    "name",
    ["a b", "-rf", "[x]*?", "ü\u202e", "a\nb", "x" * 255, "é" * 127],
)
def test_any_name_a_folder_can_have(store: Path, tmp_path: Path, name: str) -> None:
    shutil.move(store, tmp_path / name)
    store = tmp_path / name
    back_up(store, tmp_path / "to" / name)
    back_up_into(store, tmp_path / "into" / name)
    kept = back_up_into(store, tmp_path / "into" / name, keep=1)
    assert os.listdir(tmp_path / "into" / name) == [kept.folder.name]
    restore(tmp_path / "to" / name, tmp_path / "new" / name)
    restore(tmp_path / "to" / name, store, replace=True)
    assert os.listdir(tmp_path / "new") == os.listdir(tmp_path / "to") == [name]
    assert sorted(os.listdir(tmp_path)) == sorted(["into", name, "new", "to"])


def test_no_name_at_all(store: Path) -> None:
    for name in ("", "a\0b"):
        with pytest.raises(InvalidInputError):
            whole.placed(name)


@pytest.mark.parametrize("at_once", [True, False])
def test_replace_leaves_the_store_of_the_backup(
    store: Path, tmp_path: Path, at_once: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not at_once:

        def cannot(*_: object) -> None:
            raise OSError(errno.ENOSYS, "no such call")

        monkeypatch.setattr(whole, "_exchange", cannot)
    before = examined(store)
    back_up(store, tmp_path / "b")
    manager = open_store(store)
    keeping.put(manager, range(12, 30))
    manager.close()
    assert restore(tmp_path / "b", store, replace=True).replaced
    assert examined(store) == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["b", "store"]


def test_who_has_the_old_store_open_is_refused(
    manager: HybridStorageManager, store: Path, tmp_path: Path
) -> None:
    back_up(store, tmp_path / "b")
    keeping.put(manager, range(12, 15))
    restore(tmp_path / "b", store, replace=True)
    before = examined(store)
    refused: list[Callable[[], object]] = [
        lambda: keeping.put(manager, range(15, 18)),
        lambda: manager.add_cameras(pd.DataFrame({"id": ["c9"]})),
        lambda: manager.delete_appearances(["a000001"]),
        lambda: manager.vector.collect(),
        lambda: manager.graph.observations(),
        lambda: manager.find_similar_faces(keeping.faces(range(1))[0]),
    ]
    for act in refused[:4]:
        with pytest.raises(StoreBusyError, match="replaced") as caught:
            act()
        assert caught.value.next
    with pytest.raises(StoreBusyError, match="replaced"), manager.graph.snapshot():
        pass
    manager.close()
    assert examined(store) == before
    again = open_store(store)
    keeping.put(again, range(12, 18))
    again.close()
    assert examined(store).counts["appearances"] == 18


def test_closing_the_old_one_leaves_the_log_of_the_new_one(
    manager: HybridStorageManager, store: Path, tmp_path: Path
) -> None:
    back_up(store, tmp_path / "b")
    keeping.put(manager, range(12, 15))
    restore(tmp_path / "b", store, replace=True)
    new = open_store(store)
    keeping.put(new, range(12, 40))
    assert (store / "store.sqlite-wal").stat().st_size
    manager.close()
    assert (store / "store.sqlite-wal").stat().st_size
    shutil.copytree(store, tmp_path / "crashed")  # what a killed process leaves
    assert examined(tmp_path / "crashed").counts["appearances"] == 40
    new.close()


def test_nobody_closes_while_a_store_takes_the_place(
    manager: HybridStorageManager, store: Path
) -> None:
    closing = threading.Thread(target=manager.close)
    with standing_still(store, 1.0):
        closing.start()
        closing.join(0.2)
        assert closing.is_alive()
    closing.join()


def test_a_writer_that_waited_for_the_old_store_is_refused(
    manager: HybridStorageManager, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    back_up(store, tmp_path / "b")
    plain, raised = whole.exchange, []

    def write() -> None:
        try:
            keeping.put(manager, range(12, 15))
        except WorkbenchError as error:
            raised.append(error)

    waiting = threading.Thread(target=write)

    def slowly(fresh: Path, place: Path) -> None:
        waiting.start()
        time.sleep(0.3)
        plain(fresh, place)

    monkeypatch.setattr(whole, "exchange", slowly)
    restore(tmp_path / "b", store, replace=True)
    waiting.join()
    assert [type(one) for one in raised] == [StoreBusyError]
    assert examined(store).counts["appearances"] == 12


@pytest.mark.parametrize("kind", ["writing", "reading"])
def test_a_store_at_work_is_not_replaced(
    manager: HybridStorageManager, store: Path, tmp_path: Path, kind: str
) -> None:
    back_up(store, tmp_path / "b")
    at_work = manager.unit() if kind == "writing" else manager.graph.snapshot()
    with at_work, pytest.raises(StoreBusyError, match=kind):
        restore(tmp_path / "b", store, replace=True, wait_s=0.2)
    keeping.put(manager, range(12, 15))
    assert hidden(tmp_path) == []
    assert examined(store).counts["appearances"] == 15


@pytest.mark.parametrize("damage", [flip, empty, shorten])
def test_a_damaged_store_can_be_replaced(
    store: Path, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    before = examined(store)
    back_up(store, tmp_path / "b")
    damage(store / "store.sqlite")
    os.unlink(store / "vectors" / "face-000001.seg")
    restore(tmp_path / "b", store, replace=True)
    assert examined(store) == before
