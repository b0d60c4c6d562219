"""Thousands of trials, for a night: ``make soak``.

It goes on where it was interrupted (``soak/progress.json``), each part in rounds with a seed of
their own, and writes what it counted to ``docs/reference/soak.md``. ``--part NAME=N`` asks for
other numbers than the usual ones.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

import workbench
from tests.bad_input import case, mutated
from tests.faults import campaign, damage, failpoints, team_soak, trial
from tests.servers import NO_SERVER

ROOT = Path(__file__).resolve().parents[2]
PROGRESS = ROOT / "soak" / "progress.json"
SUMMARY = ROOT / "docs" / "reference" / "soak.md"
ROUND = 20
USUAL = {
    "killed at a call of the system": 500,
    "refused by the disk": 300,
    "struck at a failpoint": 5000,
    "power cut": 1000,
    "damaged file": 2000,
    "bad input": 10_000,
    **team_soak.USUAL,
}
_NOTHING: dict[str, Any] = {"rounds": 0, "trials": 0, "points": [], "wrong": [], "seconds": 0.0}


class Soak:
    """The parts, and the process that writes for them."""

    def __init__(self) -> None:
        self._writer = trial.Writer()
        self._site = Path(tempfile.mkdtemp(prefix="workbench-soak-site-"))
        self.team = team_soak.TeamSoak()

    def close(self) -> None:
        self.team.close()
        self._writer.close()
        shutil.rmtree(self._site)

    def bases(self, folder: Path, seed: int, *, steps: int) -> list[trial.Base]:
        """Make two bases at random places of plans of their own."""
        rng = np.random.default_rng(seed)
        made = []
        for n in range(2):
            first = int(rng.integers(2, 15 - steps))
            one = {"seed": 1000 + 2 * seed + n, "first": first, "last": first + steps - 1}
            made.append(trial.base(folder / f"base{n}", **one))
        return made

    def kills(self, folder: Path, seed: int) -> list[trial.Result]:
        bases = self.bases(folder, seed, steps=3)
        counts = [campaign.calls_of(self._writer, base, folder) for base in bases]
        points = campaign.spread(counts, ("SIGKILL",), ROUND, seed)
        return campaign.struck(self._writer, bases, folder, points)

    def errors(self, folder: Path, seed: int) -> list[trial.Result]:
        bases = self.bases(folder, seed, steps=3)
        counts = [campaign.calls_of(self._writer, base, folder) for base in bases]
        deeds = ("ENOSPC", "EIO", "ENOSPC+", "EIO+")
        points = campaign.spread(campaign.refusable(counts), deeds, ROUND, seed)
        return campaign.struck(self._writer, bases, folder, points)

    def inside(self, folder: Path, seed: int) -> list[trial.Result]:
        bases = self.bases(folder, seed, steps=1)
        counts = [campaign.failpoints_of(self._writer, base, folder) for base in bases]
        points = campaign.spread(counts, failpoints.DEEDS, 4 * ROUND, seed)
        return campaign.struck_inside(self._writer, bases, folder, points)

    def cuts(self, folder: Path, seed: int) -> list[trial.Result]:
        bases = self.bases(folder, seed, steps=3)
        return campaign.cut_everywhere(self._writer, bases, folder, count=ROUND, seed=seed)

    def damages(self, folder: Path, seed: int) -> list[trial.Result]:
        found = damage.run(folder, 5 * ROUND, seed)
        return [trial.Result(str(one), struck=True, wrong=tuple(said)) for one, said in found]

    def inputs(self, folder: Path, seed: int) -> list[trial.Result]:
        store = self._site / "store"
        if not store.exists():
            case.filled(store, ROOT / "data" / "tiny_site")
        with workbench.open(store) as bench:
            refused, wrong = mutated.met(Random(seed), 10 * ROUND, bench, store, folder)
        results = [trial.Result(f"{seed} {one}", struck=True, wrong=()) for one in refused]
        return results + [trial.Result(f"{seed}", struck=True, wrong=(one,)) for one in wrong]


def soak(wanted: dict[str, int], seconds: float) -> dict[str, Any]:
    """Do what is missing of each part, for at most so long; return what was counted in all."""
    counted: dict[str, Any] = json.loads(PROGRESS.read_text()) if PROGRESS.exists() else {}
    until = time.monotonic() + seconds
    work = Soak()
    works = (work.kills, work.errors, work.inside, work.cuts, work.damages, work.inputs)
    team = (work.team.clients, work.team.steps, work.team.servers)
    parts = dict(zip(USUAL, works + team, strict=True))
    try:
        for name, total in wanted.items():
            if name in team_soak.USUAL and not team_soak.possible():
                sys.stderr.write(f"{name}: left out, {NO_SERVER}\n")
                continue
            mine = counted.setdefault(name, deepcopy(_NOTHING))
            while mine["trials"] < total and time.monotonic() < until:
                _round(parts[name], mine)
                _keep(counted)
                said = f"{name}: {mine['trials']} of {total}, {len(mine['wrong'])} violations"
                sys.stderr.write(f"\r{said:<78}")
                sys.stderr.flush()
            sys.stderr.write("\n")
    finally:
        work.close()
    return counted


def _round(part: Callable[[Path, int], list[trial.Result]], mine: dict[str, Any]) -> None:
    began = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="workbench-soak-"))
    results = [one for one in part(folder, 100 + mine["rounds"]) if one.struck]
    mine["rounds"] += 1
    mine["trials"] += len(results)
    mine["points"] = sorted({*mine["points"], *(one.point for one in results)})
    mine["wrong"] += [f"{one.point}: {'; '.join(one.wrong)}" for one in results if one.wrong]
    mine["seconds"] += time.monotonic() - began
    if not any(one.wrong for one in results):
        shutil.rmtree(folder)


def _keep(counted: dict[str, Any]) -> None:
    PROGRESS.parent.mkdir(exist_ok=True)
    fresh = PROGRESS.with_suffix(".new")
    fresh.write_text(json.dumps(counted))
    fresh.replace(PROGRESS)


def summary(counted: dict[str, Any], before: str = "") -> str:
    """Return the page of what was counted; of parts with no count here the line it had before."""
    earlier = {line.split(" | ")[0]: line for line in before.splitlines() if " | " in line}
    machine = f"{os.cpu_count()} cores, Python {platform.python_version()}, {platform.system()}"
    lines = [
        "# What the soak counted",
        "",
        "Written by `make soak` (`tests/faults/soak.py`). What a trial is, and what it shows:",
        "[durability](../explanation/durability.md). Trials that reached nothing are not counted.",
        "",
        f"Machine: {machine}.",
        "",
        "| trial | trials | of | distinct points | violations | seconds each |",
        "|---|---|---|---|---|---|",
    ]
    for name, usual in USUAL.items():
        one = counted.get(name, _NOTHING)
        if not one["trials"] and f"| {name}" in earlier:
            lines.append(earlier[f"| {name}"])  # counted on a machine that is no more
            continue
        counts = (one["trials"], usual, len(one["points"]), len(one["wrong"]))
        each = one["seconds"] / max(1, one["trials"])
        lines.append(f"| {name} | {' | '.join(map(str, counts))} | {each:.2f} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    """Run; return how it went, for the shell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--part", action="append", default=[], metavar="NAME=N")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="Stop after so long.")
    given = parser.parse_args()
    wanted = dict(USUAL)
    for one in given.part:
        name, _, number = one.rpartition("=")
        wanted = {**wanted, name: int(number)} if name in USUAL else wanted
    counted = soak(wanted, given.seconds)
    page = summary(counted, SUMMARY.read_text() if SUMMARY.exists() else "")
    SUMMARY.write_text(page)
    wrong = [line for one in counted.values() for line in one["wrong"]]
    sys.stdout.write(page + "".join(f"{line}\n" for line in wrong[:50]))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
