"""``backup`` and ``restore`` as they are typed."""

from __future__ import annotations

import os
import re
import shlex
import shutil
from pathlib import Path
from typing import Any

COUNTS = ["identities", "appearances", "cameras", "links", "vectors", "spaces"]


def test_a_store_is_put_away_wiped_and_brought_back(
    run: Any, quick: Any, copy: Path, tmp_path: Path
) -> None:
    before = quick("appearances", "--store", copy, "--csv").out
    checked = quick("verify", "--store", copy, "--json").document()["checked"]
    made = run("backup", tmp_path / "b", "--store", copy, "--json").document()
    assert made["folder"] == str(tmp_path / "b") and made["removed"] == []
    assert made["counts"] == checked and list(checked) == COUNTS
    assert made["bytes"] == sum(
        p.stat().st_size for p in (tmp_path / "b" / "content").rglob("*") if p.is_file()
    )
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", made["created"])
    sequence = quick("stats", "--store", copy, "--json").document()["sequence"]
    shutil.rmtree(copy)
    done = run("restore", tmp_path / "b", "--store", copy, "--json").document()
    assert done["replaced"] is False and done["folder"] == str(copy)
    for key in ("sequence", "counts", "content_hash", "bytes", "created"):
        assert done[key] == made[key]
    assert made["sequence"] == sequence
    assert quick("appearances", "--store", copy, "--csv").out == before
    assert quick("verify", "--store", copy, "--json").document()["ok"]


def test_what_it_says_to_type_brings_it_back(quick: Any, copy: Path, tmp_path: Path) -> None:
    place = tmp_path / "my backups; really"
    text = quick("backup", place / "one", "--store", copy).out
    line = next(line for line in text.splitlines() if "workbench restore" in line)
    words = shlex.split(line)[1:]
    words[words.index("DIR")] = str(tmp_path / "again")
    again = quick(*words)
    assert again.code == 0, again.err
    look = next(line for line in again.out.splitlines() if "workbench stats" in line)
    assert quick(*shlex.split(look)[1:]).code == 0
    assert "content hash" in text and "bytes" in text and str(place / "one") in text


def test_the_table_is_what_was_counted(quick: Any, copy: Path, tmp_path: Path) -> None:
    lines = quick("backup", tmp_path / "b", "--store", copy, "--csv").out.splitlines()
    assert lines[0] == "what,count"
    assert [line.split(",")[0] for line in lines[1:]] == COUNTS
    assert quick("restore", tmp_path / "b", "--store", tmp_path / "c", "--csv").out == "".join(
        f"{line}\n" for line in lines
    )


def test_a_series_keeps_so_many(quick: Any, copy: Path, tmp_path: Path) -> None:
    words = ["backup", "--into", tmp_path / "many", "--keep", 2, "--store", copy, "--json"]
    made = [quick(*words).document() for _ in range(3)]
    assert [one["removed"] for one in made] == [[], [], [made[0]["folder"]]]
    assert sorted(os.listdir(tmp_path / "many")) == sorted(
        Path(one["folder"]).name for one in made[1:]
    )
    assert all(re.fullmatch(r".*/backup-\d{8}T\d{6}Z-\d+", one["folder"]) for one in made)
    error = quick("restore", tmp_path / "many", "--store", tmp_path / "c", "--json").error(3)
    assert made[2]["folder"] in error["next"]


def test_what_is_refused_changes_nothing(quick: Any, copy: Path, tmp_path: Path) -> None:
    quick("backup", tmp_path / "b", "--store", copy)
    at, new = ["--store", copy, "--json"], ["--store", tmp_path / "new", "--json"]
    before = sorted(p.as_posix() for p in tmp_path.rglob("*"))
    for words, code in (
        (["backup", *at], 2),
        (["backup", tmp_path / "b", *at], 2),
        (["backup", copy / "inside", *at], 2),
        (["backup", tmp_path / "x", "--into", tmp_path / "y", *at], 2),
        (["backup", tmp_path / "x", "--keep", 2, *at], 2),
        (["backup", "--into", tmp_path / "x", "--keep", 0, *at], 2),
        (["backup", tmp_path / "x", *new], 3),
        (["restore", *new], 2),
        (["restore", tmp_path / "none", *new], 3),
        (["restore", copy, *new], 3),
        (["restore", tmp_path / "b", *at], 2),
        (["restore", tmp_path / "b", "--store", tmp_path, "--replace", "--json"], 2),
    ):
        error = quick(*words).error(code)
        assert "_" not in error["message"], error
    assert sorted(p.as_posix() for p in tmp_path.rglob("*")) == before
    error = quick("restore", tmp_path / "b", *at).error(2)
    assert error["type"] == "ConflictError" and "--replace" in error["next"]
    assert quick("restore", tmp_path / "b", "--replace", *at).document()["replaced"] is True


def test_a_damaged_backup_is_exit_4_and_named(quick: Any, copy: Path, tmp_path: Path) -> None:
    quick("backup", tmp_path / "b", "--store", copy)
    (segment, *_) = sorted((tmp_path / "b" / "content" / "vectors").iterdir())
    data = bytearray(segment.read_bytes())
    data[-1] ^= 1
    segment.write_bytes(data)
    error = quick("restore", tmp_path / "b", "--store", tmp_path / "new", "--json").error(4)
    assert error["type"] == "StoreDamagedError" and error["where"] == str(segment)
    assert not (tmp_path / "new").exists()
    data[-1] ^= 1
    segment.write_bytes(data)
    os.unlink(tmp_path / "b" / "manifest.json")
    error = quick("restore", tmp_path / "b", "--store", tmp_path / "new", "--json").error(4)
    assert "incomplete" in error["message"]


def test_a_damaged_store_is_exit_4_and_not_backed_up(
    quick: Any, copy: Path, tmp_path: Path
) -> None:
    (segment, *_) = sorted((copy / "vectors").iterdir())
    os.truncate(segment, 70)
    error = quick("backup", tmp_path / "b", "--store", copy, "--json").error(4)
    assert error["type"] == "StoreDamagedError"
    assert f"workbench verify --store {copy}" in error["next"]
    assert not (tmp_path / "b").exists()
