"""A disk that is really full: what is refused is refused whole, and with room it goes on."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import workbench
from tests.conftest import NO_ROOT
from tests.faults import safeguards, trial
from tests.faults.subject import opened
from tests.faults.workload import plan
from workbench.config import WorkbenchConfig
from workbench.errors import StoreError

DISK = 8 << 20
LEFT = [0, 4, 12, 20, 40, 60, 80, 120, 160, 200, 300, 400]  # kilobytes


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Return a folder on a file system of eight megabytes in memory."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(folder)]
    if os.geteuid() or subprocess.run(command, capture_output=True).returncode:
        pytest.skip(NO_ROOT)
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder: Path, left: int) -> Path:
    """Leave so many kilobytes on the file system of a folder; return the file that fills it."""
    filler = folder / "filler"
    about = os.statvfs(folder)
    with filler.open("wb") as file:
        file.write(bytes(max(0, about.f_bavail * about.f_frsize - 1024 * left)))
    return filler


def test_a_full_disk_refuses_whole_steps_and_with_room_it_goes_on(
    small_disk: Path, bases: list[trial.Base], tally: list[str]
) -> None:
    began, results, refused = time.monotonic(), [], 0
    for number, left in enumerate(LEFT):
        base = bases[number % len(bases)]
        steps = plan(base.seed)
        place = small_disk / f"store{number}"
        trial.copied(base, place)
        acked, wrong = base.first - 1, []
        with opened(base.subject, place) as store:
            filler = fill(small_disk, left)
            try:
                for one in range(base.first, base.last + 1):
                    store.do(steps[one])
                    acked = one
            except StoreError:
                refused += 1
                if store.problems():
                    wrong.append("verify, while the disk was full")
            filler.unlink()
            for one in range(acked + 1, base.last + 1):  # the same handle goes on
                store.do(steps[one])
                acked = one
        wrong += trial.check(base, place, trial.Outcome(0, acked, [], "full"))
        results.append(trial.Result(f"{left} kB left", struck=True, wrong=tuple(wrong)))
    tally.append(trial.tallied("a full disk", results, time.monotonic() - began))
    tally.append(f"  of them {refused} refused a step")
    assert refused >= len(LEFT) // 3
    assert not [one for one in results if one.wrong], tally[0]


def refused_and_repeated(folder: Path, left: int) -> str:
    """Add vectors that need more room than is left, then with room; return what is wrong.

    A hundred rows of 512 numbers need 200 kB, the rest of them not a quarter of that.
    """
    config = WorkbenchConfig.model_validate({"faiss": {"face": {"precision": "float32"}}})
    vectors = np.random.default_rng(left).normal(size=(100, 512)).astype("float32")
    rows = pd.DataFrame({"id": [f"a{n:03d}" for n in range(100)], "camera_id": "c1"})
    rows["timestamp"] = pd.Timestamp("2026-01-12T08:00:00Z")
    with workbench.open(folder, config=config, create=True) as bench:
        bench.cameras.add(pd.DataFrame({"id": ["c1"]}))
        filler = fill(folder.parent, left)
        try:
            bench.appearances.add(rows, face=vectors)
            wrong = "not refused"
        except StoreError as error:
            wrong = "" if "vectors" in error.message else f"refused, but {error.message}"
        finally:
            filler.unlink()
        if wrong or len(bench.appearances.find()) or not bench.store.verify().ok:
            return wrong or "something of it is there"
        bench.appearances.add(rows, face=vectors)
        ids = bench.manager.graph.vectors_of("face")
        kept = bench.manager.vector.get("face", ids["vid"].to_numpy())
        true = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        order = ids["appearance_id"].str[1:].astype(int).to_numpy()
        if not np.allclose(kept, true[order], atol=1e-6) or not bench.store.verify().ok:
            return "with room, other vectors are there"
    return ""


@pytest.mark.parametrize("without", [None, "errors of writing ignored"])
def test_vectors_that_do_not_fit_are_refused(small_disk: Path, without: str | None) -> None:
    with safeguards.removed(without):
        said = {left: refused_and_repeated(small_disk / f"{left}", left) for left in (100, 140)}
    assert all(said.values()) if without else not any(said.values()), said
