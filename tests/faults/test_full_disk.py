"""A disk that is really full: what is refused is refused whole, and with room it goes on."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import NO_ROOT
from tests.faults import trial
from tests.faults.subject import opened
from tests.faults.workload import plan
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
