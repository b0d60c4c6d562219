"""A backup is one state of the store, whole or not there, and so many are kept."""

from __future__ import annotations

import fcntl
import os
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.storage import keeping
from tests.storage.breaking import (
    flip,
    hash_of,
    hidden,
    rewritten,
    script,
)
from workbench.errors import (
    InvalidInputError,
)
from workbench.session import open as open_bench
from workbench.storage import backup as backup_module
from workbench.storage import whole
from workbench.storage.backup import back_up, back_up_into, examined
from workbench.storage.folder import open_store
from workbench.storage.manager import HybridStorageManager
from workbench.storage.manifest import check_files, read_manifest
from workbench.storage.restore import restore
from workbench.stores.database import SqliteDatabase


def test_what_was_wiped_is_brought_back_equal(store: Path, tmp_path: Path) -> None:
    before = examined(store)
    made = back_up(store, tmp_path / "b")
    assert made.manifest.content_hash == before.content_hash
    assert made.manifest.sequence == before.sequence
    assert made.manifest.counts["appearances"] == made.manifest.counts["vectors"] == 12
    assert hash_of(store) == before.content_hash
    shutil.rmtree(store)
    restore(tmp_path / "b", store)
    assert examined(store) == before
    again = open_store(store)
    assert [x for x, _ in again.find_similar_faces(keeping.faces(range(5, 6))[0], k=1)] == [
        "a000005"
    ]
    keeping.put(again, range(12, 20))
    again.close()
    assert examined(store).counts["vectors"] == 20
    assert hidden(tmp_path) == []


def test_the_rooms_offer_it(store: Path, tmp_path: Path) -> None:
    import workbench

    with open_bench(store) as bench:
        made = bench.store.backup(tmp_path / "b")
        kept = bench.store.backup(into=tmp_path / "many", keep=1)
        for wrong in ({}, {"folder": "x", "into": "y"}, {"folder": "x", "keep": 1}):
            with pytest.raises(InvalidInputError, match="new folder"):
                bench.store.backup(**wrong)
        assert bench.store.content_hash() == made.manifest.content_hash
    assert kept.folder.parent == tmp_path / "many"
    done = workbench.restore(tmp_path / "b", tmp_path / "c")
    assert done.manifest == made.manifest
    with open_bench(tmp_path / "c") as bench:
        assert bench.store.verify().ok


def test_an_empty_store_and_one_without_vectors(tmp_path: Path) -> None:
    from workbench.storage.folder import create_store

    create_store(tmp_path / "empty")
    assert back_up(tmp_path / "empty", tmp_path / "b").manifest.counts["appearances"] == 0
    restore(tmp_path / "b", tmp_path / "again")
    assert hash_of(tmp_path / "again") == hash_of(tmp_path / "empty")


def test_files_of_the_demo_come_along_and_derived_ones_do_not(store: Path, tmp_path: Path) -> None:
    (store / "demo.json").write_text("{}")
    (store / "demo.html").write_text("<p>")
    for name in ("rejects", "derived"):
        (store / name).mkdir()
        (store / name / "x").write_text("x")
    back_up(store, tmp_path / "b")
    inside = {p.relative_to(tmp_path / "b").as_posix() for p in (tmp_path / "b").rglob("*.*")}
    assert inside == {
        "manifest.json",
        "content/demo.json",
        "content/store.sqlite",
        "content/vectors/face-000001.seg",
    }
    restore(tmp_path / "b", tmp_path / "c")
    assert (tmp_path / "c" / "demo.json").read_text() == "{}"


def test_what_is_committed_after_the_cut_is_not_in_it(
    manager: HybridStorageManager,
    store: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = examined(store)
    plain = SqliteDatabase.copy_to

    def meddled(database: SqliteDatabase, target: Path) -> None:
        keeping.put(manager, range(12, 500))
        plain(database, target)
        keeping.put(manager, range(500, 600))

    monkeypatch.setattr(SqliteDatabase, "copy_to", meddled)
    made = back_up(store, tmp_path / "b")
    monkeypatch.undo()
    assert made.manifest.content_hash == before.content_hash
    assert (made.manifest.sequence, made.manifest.store_id) == (before.sequence, before.store_id)
    segment = tmp_path / "b" / "content" / "vectors" / "face-000001.seg"
    assert segment.stat().st_size == 64 + 12 * 4 * 2  # header, rows of four float16
    assert examined(store).counts["appearances"] == 600


def test_a_compaction_meanwhile_takes_nothing_away(
    manager: HybridStorageManager,
    store: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = hash_of(store)
    plain, files = SqliteDatabase.copy_to, list((store / "vectors").iterdir())

    def meddled(database: SqliteDatabase, target: Path) -> None:
        with manager.unit():
            manager.vector.compact()
        for path in files:  # as one that waits for nobody
            path.unlink()
        plain(database, target)

    manager.delete_appearances(["a000003"])
    deleted = hash_of(store)
    assert deleted != before
    monkeypatch.setattr(SqliteDatabase, "copy_to", meddled)
    back_up(store, tmp_path / "b")
    monkeypatch.undo()
    restore(tmp_path / "b", tmp_path / "c")
    assert hash_of(tmp_path / "c") == deleted


def test_a_file_that_goes_before_the_cut_is_looked_for_again(
    manager: HybridStorageManager,
    store: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    manager.delete_appearances(["a000003"])
    plain, looks = backup_module._segments, []

    def late(database: SqliteDatabase, folder: Path) -> dict[str, int]:
        found = plain(database, folder)
        looks.append(found)
        if len(looks) == 1:
            with manager.unit():
                manager.vector.compact()
            for name in found:
                (folder / name).unlink()
        return found

    monkeypatch.setattr(backup_module, "_segments", late)
    made = back_up(store, tmp_path / "b")
    assert len(looks) == 2 and looks[0] != looks[1]
    assert made.manifest.content_hash == hash_of(store)


def test_a_backup_under_writing_is_a_prefix_of_what_was_written(
    store: Path, tmp_path: Path
) -> None:
    writer = script("write", str(store))
    assert writer.stdout
    try:
        made = []
        for n in range(4):
            known = int(writer.stdout.readline())
            made.append((known, back_up(store, tmp_path / f"b{n}")))
    finally:
        writer.kill()
        said = writer.stdout.read().split()  # and what was read ahead already
        writer.communicate()
    last = int(said[-1]) if said else made[-1][0]
    sizes = []
    for known, one in made:
        restore(one.folder, tmp_path / "again", replace=True)
        again = open_store(tmp_path / "again")
        rows = again.vector.vids("face")
        ids = again.graph.nodes("Appearance")["id"].tolist()
        found = again.vector.get("face", np.sort(rows))
        again.close()
        assert ids == [f"a{n:06d}" for n in range(len(ids))]
        assert known <= len(ids) <= last + 3 and len(ids) % 3 == 0
        assert np.allclose(found, keeping.faces(range(len(ids))), atol=1e-3)
        assert hash_of(tmp_path / "again") == one.manifest.content_hash
        sizes.append(len(ids))
    assert sizes == sorted(sizes) and sizes[0] < sizes[-1]


def test_keep_leaves_so_many_of_this_store_and_all_else(store: Path, tmp_path: Path) -> None:
    many = tmp_path / "many"
    keeping.make(tmp_path / "other").close()
    foreign = back_up_into(tmp_path / "other", many).folder
    old = [back_up_into(store, many).folder for _ in range(2)]
    by_hand = many / "by hand"
    shutil.copytree(old[0], by_hand)
    torn = many / "backup-20200101T000000Z-1"
    shutil.copytree(old[0], torn)
    flip(torn / "manifest.json")
    bare = many / "backup-20200101T000000Z-2"
    bare.mkdir()
    link = many / "backup-20200101T000000Z-3"
    link.symlink_to(by_hand)
    (many / "backup-20200101T000000Z-4").write_text("a file")
    others = {p.name for p in many.iterdir()} - {p.name for p in old}
    made = [back_up_into(store, many, keep=3) for _ in range(3)]
    assert [one.removed for one in made] == [[], [old[0]], [old[1]]]
    assert {p.name for p in many.iterdir()} == others | {one.folder.name for one in made}
    last = back_up_into(store, many, keep=1)
    assert last.removed == [one.folder for one in made]
    assert {p.name for p in many.iterdir()} == others | {last.folder.name}
    check_files(foreign, read_manifest(foreign))
    with pytest.raises(InvalidInputError):
        back_up_into(store, many, keep=0)


def test_the_new_one_is_kept_when_the_clock_went_back(store: Path, tmp_path: Path) -> None:
    ahead = back_up_into(store, tmp_path / "many").folder
    rewritten(ahead, lambda said: said.update(created="2999-01-01T00:00:00.000000Z"))
    made = back_up_into(store, tmp_path / "many", keep=1)
    assert made.removed == [ahead]
    assert os.listdir(tmp_path / "many") == [made.folder.name]


def test_names_are_time_and_sequence_and_never_taken_twice(store: Path, tmp_path: Path) -> None:
    made = [back_up_into(store, tmp_path / "many") for _ in range(4)]
    assert len({one.folder for one in made}) == 4
    sequence = made[0].manifest.sequence
    for one in made:
        time_, _, number = one.folder.name.removeprefix("backup-").partition("-")
        assert int(number) == sequence
        assert abs((pd.Timestamp(time_) - pd.Timestamp.now("UTC")).total_seconds()) < 60


def test_only_what_nobody_holds_is_collected(store: Path, tmp_path: Path) -> None:
    many = tmp_path / "many"
    for name in ("dead.new", "dead.gone"):
        hexed = name.replace("dead", ".backup.0123456789abcdef")
        (many / hexed / "store").mkdir(parents=True)
    alive = many / ".backup.aaaaaaaaaaaaaaaa.new"
    alive.mkdir()
    (many / ".backup.short.new").mkdir()
    held = os.open(alive, os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_EX)
    back_up_into(store, many)
    assert hidden(many) == [alive.name, ".backup.short.new"]
    os.close(held)
    back_up_into(store, many)
    assert hidden(many) == [".backup.short.new"]


def test_what_is_collected_has_the_very_name(tmp_path: Path) -> None:
    left = [tmp_path / f".{name}.0123456789abcdef.new" for name in ("[x]+", "x", "a.b", "acb")]
    for path in left:
        path.mkdir()
    assert whole.collect(tmp_path / "[x]+") == 1
    assert whole.collect(tmp_path / "a.b") == 1
    assert sorted(tmp_path.iterdir()) == sorted([left[1], left[3]])
