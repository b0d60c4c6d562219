"""A full disk or a death in a backup or a restore: the old one or the new one is whole."""

from __future__ import annotations

import errno
import os
import resource
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.storage import keeping
from tests.storage.breaking import (
    hash_of,
    hidden,
    script,
)
from workbench.errors import (
    StoreError,
)
from workbench.storage import whole
from workbench.storage.backup import back_up, back_up_into, examined
from workbench.storage.folder import open_store
from workbench.storage.manifest import check_files, read_manifest
from workbench.storage.restore import restore


@pytest.mark.parametrize("call", ["write", "fsync", "fdatasync", "mkdir", "rename", "_exchange"])
@pytest.mark.parametrize("act", ["backup", "restore"])
def test_a_disk_that_refuses_leaves_all_as_it_was(
    store: Path, tmp_path: Path, call: str, act: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    back_up_into(store, tmp_path / "kept")
    manager = open_store(store)
    keeping.put(manager, range(12, 15))
    manager.close()
    before, names = hash_of(store), _visible(tmp_path)
    refused = 0
    for at in range(1, 40):
        with monkeypatch.context() as patch:
            count = _refusing(patch, call, at)
            try:
                if act == "backup":
                    back_up_into(store, tmp_path / "kept", keep=9)
                else:
                    restore(next((tmp_path / "kept").iterdir()), store, replace=True)
            except StoreError as error:
                assert "No space left" in str(error) and error.where and error.next
                refused += 1
            else:
                assert len(count) < at
                break
        assert _visible(tmp_path) == names
        assert hidden(tmp_path) == [] and hidden(tmp_path / "kept") == []
        assert hash_of(store) == before
    makes = {"rename": act == "backup", "_exchange": act == "restore"}
    assert (refused > 0) == makes.get(call, True)
    assert hash_of(store) == before if act == "backup" else hash_of(store) != before


def _visible(folder: Path) -> list[str]:
    found = (p.relative_to(folder).as_posix() for p in folder.rglob("*"))
    return sorted(name for name in found if not name.endswith(".lock"))


def _refusing(patch: pytest.MonkeyPatch, call: str, at: int) -> list[int]:
    """Let the call number `at` fail; return a list that grows by one with each call."""
    owner = whole if call == "_exchange" else os
    plain, count = getattr(owner, call), []

    def refusing(*given: Any, **named: Any) -> Any:
        if call == "mkdir" and os.path.isdir(given[0]):
            return plain(*given, **named)
        count.append(len(count))
        if len(count) == at:
            raise OSError(errno.ENOSPC, "No space left on device")
        return plain(*given, **named)

    patch.setattr(owner, call, refusing)
    return count


def test_a_database_that_does_not_fit_leaves_nothing(store: Path, tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (32_768, before[1]))
    try:
        with pytest.raises(StoreError, match=r"refused|cannot"):
            back_up(store, tmp_path / "b")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["store"]


class Killer:
    """Does a piece of work in children that are killed, each in a folder of its own."""

    def __init__(self, which: str, start: Path, trials: Path) -> None:
        self.which, self.start, self.trials = which, start, trials
        self.process = script("die")

    def die(self, at: int) -> tuple[str, Path]:
        folder = self.trials / str(at)
        shutil.copytree(self.start, folder)
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(f"{self.which}\t{at}\t{folder}\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip(), folder

    def deaths(self) -> Iterator[Path]:
        """Yield the folder after each death: at 20 calls over the whole, and at the last 4."""
        said, _ = self.die(0)
        assert said.startswith("done "), said
        calls = int(said.split()[1])
        points = {1 + n * (calls - 1) // 19 for n in range(20)} | set(range(calls - 3, calls + 1))
        assert len(points) >= 20
        for at in sorted(points):
            said, folder = self.die(at)
            assert said == f"killed {signal.SIGKILL:d}"
            yield folder
            shutil.rmtree(folder)

    def close(self) -> None:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()


@pytest.fixture
def deaths(store: Path, tmp_path: Path) -> Iterator[Callable[[str], Iterator[Path]]]:
    """Return a function: the folder after each death of a piece of work.

    In it are a store, and in ``kept`` the backup of what it was three appearances ago.
    """
    back_up_into(store, tmp_path / "start" / "kept")
    manager = open_store(store)
    keeping.put(manager, range(12, 15))
    manager.close()
    shutil.move(store, tmp_path / "start" / "store")
    made: list[Killer] = []

    def begin(which: str) -> Iterator[Path]:
        made.append(Killer(which, tmp_path / "start", tmp_path / "trials"))
        return made[0].deaths()

    yield begin
    for killer in made:
        killer.close()


def _whole(folder: Path) -> int:
    """Return how many appearances a backup holds of which every byte is there."""
    manifest = read_manifest(folder)
    check_files(folder, manifest)
    return manifest.counts["appearances"]


def test_killed_in_a_backup_the_old_or_the_new_one_is_whole(
    deaths: Callable[[str], Iterator[Path]],
) -> None:
    seen = set()
    for folder in deaths("back up"):
        found = [p for p in (folder / "kept").iterdir() if not p.name.startswith(".")]
        sizes = tuple(sorted(_whole(path) for path in found))
        if sizes not in seen:
            for n, path in enumerate(found):
                restore(path, folder / f"new{n}")  # compares the content hash
        seen.add(sizes)
        made = back_up_into(folder / "store", folder / "kept", keep=1)
        assert made.manifest.counts["appearances"] == 15
        (left,) = (folder / "kept").iterdir()
        assert _whole(left) == 15
    assert seen == {(12,), (12, 15), (15,)}


def test_killed_in_a_backup_of_its_own_it_is_whole_or_not_there(
    deaths: Callable[[str], Iterator[Path]],
) -> None:
    seen = set()
    for folder in deaths("back up alone"):
        there = (folder / "alone").exists()
        seen.add(there)
        if there:
            assert _whole(folder / "alone") == 15
        else:
            back_up(folder / "store", folder / "alone")
            assert hidden(folder) == []
    assert seen == {True, False}


def test_killed_in_a_replacing_restore_the_old_or_the_new_store_is_there(
    deaths: Callable[[str], Iterator[Path]],
) -> None:
    seen = set()
    for folder in deaths("replace"):
        said = examined(folder / "store")
        assert not said.problems and said.counts["appearances"] in (12, 15)
        seen.add(said.counts["appearances"])
        (kept,) = (folder / "kept").iterdir()
        restore(kept, folder / "store", replace=True)
        assert hidden(folder) == []
    assert seen == {12, 15}


def test_killed_in_a_restore_the_store_is_whole_or_not_there(
    deaths: Callable[[str], Iterator[Path]],
) -> None:
    seen = set()
    for folder in deaths("bring"):
        there = (folder / "new").exists()
        seen.add(there)
        (kept,) = (folder / "kept").iterdir()
        if not there:
            restore(kept, folder / "new")
            assert hidden(folder) == []
        assert examined(folder / "new").content_hash == read_manifest(kept).content_hash
    assert seen == {True, False}
