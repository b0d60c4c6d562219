"""One trial: a store, a process that writes to it and is struck, and what is there afterwards."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.faults import workload
from tests.faults.subject import opened

ROOT = Path(__file__).resolve().parents[2]


@dataclass(slots=True)
class Outcome:
    """What became of a trial."""

    status: int
    acked: int  # the number of the last step that was acknowledged, or the one before the first
    said: list[str]
    struck: str = ""  # what reached the process, in words; empty if nothing did
    wrong: list[str] = field(default_factory=list)


class Server:
    """A module run as a program that answers lines with lines."""

    def __init__(self, module: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", module],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def close(self) -> None:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        self._process.wait(timeout=60)
        self._process.stdout.close()

    def ask(self, order: dict[str, Any]) -> None:
        """Send an order as a line of JSON."""
        assert self._process.stdin
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()

    def line(self) -> str:
        """Return the next line of its answer."""
        assert self._process.stdout
        return self._process.stdout.readline()


class Writer(Server):
    """The process that is forked for each trial (``tests/faults/server.py``)."""

    def __init__(self) -> None:
        super().__init__("tests.faults.server")

    def start(self, trial: dict[str, Any]) -> int:
        self.ask(trial)
        return int(self._word("pid"))

    def status(self) -> int:
        return int(self._word("status"))

    def _word(self, name: str) -> str:
        word, _, rest = self.line().partition(" ")
        assert word == name, f"the writer said {word!r}"
        return rest


@dataclass(frozen=True, slots=True)
class Base:
    """A store in which the steps before `first` of a plan are done, to be copied for trials."""

    folder: Path
    seed: int
    first: int
    last: int
    subject: str = "ours"


def base(folder: Path, *, seed: int, first: int, last: int, subject: str = "ours") -> Base:
    """Make a base in a new folder."""
    steps = workload.plan(seed)
    with opened(subject, folder) as store:
        store.prepare()
        for step in steps[:first]:
            store.do(step)
    return Base(folder, seed, first, min(last, len(steps) - 1), subject)


# Seed and window of each base: together they hold every kind of step.
WINDOWS = ((1, 3, 6), (1, 7, 10), (2, 3, 7), (4, 9, 13))


def bases(folder: Path) -> list[Base]:
    """Make the bases of all windows."""
    return [
        base(folder / f"{seed}-{first}", seed=seed, first=first, last=last)
        for seed, first, last in WINDOWS
    ]


def copied(what: Base, place: Path) -> None:
    """Copy the store of a base."""
    shutil.copytree(what.folder, place)


def run(
    writer: Writer,
    what: Base,
    place: Path,
    *,
    failpoint: Sequence[Any] | None = None,
    tracer: Any = None,
    variant: str | None = None,
) -> Outcome:
    """Copy the base to `place`, do its steps there in a process that is struck; say what it said.

    `tracer` is ``tests.faults.tracing.Tracer``: who watches the process, and strikes it.
    """
    copied(what, place)
    acks = place.with_name(f"{place.name}.acks")
    trial = {
        "store": str(place), "seed": what.seed, "first": what.first, "last": what.last,
        "acks": str(acks), "failpoint": failpoint, "variant": variant, "stop": tracer is not None,
        "subject": what.subject,
    }  # fmt: skip
    pid = writer.start(trial)
    if tracer is not None:
        _wait_for(pid, "State", "T")
        tracer.attach(pid, place)
        _wait_for(pid, "TracerPid", str(tracer.pid))
        os.kill(pid, signal.SIGCONT)
    status = writer.status()
    said = acks.read_text().splitlines()
    struck = next((line for line in said if line.startswith("struck")), "")
    if tracer is not None:
        struck = tracer.finish()
    done = [int(line.split()[1]) for line in said if line.startswith("ack")]
    crashes = [line for line in said if line.startswith("crash")]
    return Outcome(status, max(done, default=what.first - 1), said, struck, crashes)


def _wait_for(pid: int, name: str, value: str) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith(f"{name}:") and line.split()[1] == value:
                return
        time.sleep(0.001)
    raise AssertionError(f"{name} of {pid} never became {value}")


# ------------------------------------------------------------------ the checker
def check(what: Base, place: Path, outcome: Outcome) -> list[str]:
    """Return what :func:`checked` found; that it could not look at the store is wrong as well."""
    try:
        return checked(what, place, outcome)
    except Exception as error:
        return [*outcome.wrong, f"{type(error).__name__}: {error}"]


def checked(what: Base, place: Path, outcome: Outcome) -> list[str]:
    """Return what is wrong with a store after a trial; nothing if every promise was kept.

    I1 what was acknowledged is there, with the right content. I2 no hit is another appearance's.
    I3 of the step that was not acknowledged, everything is there or nothing. I4 opening it again
    changes nothing. Then the steps that are left are done, and the store is what it would be.
    """
    steps = workload.plan(what.seed)
    expected = workload.states(steps)
    wrong = list(outcome.wrong)
    with opened(what.subject, place) as store:
        found, vectors = store.observed()
        wrong += closest(between(expected, steps, outcome.acked + 1), found, vectors)
        wrong += store.strangers(vectors)
        first = store.content_hash()
    with opened(what.subject, place) as store:
        if store.content_hash() != first:
            wrong.append("opening it again changed what it says")
        wrong += [f"verify: {one}" for one in store.problems()]
        for step in steps[outcome.acked + 1 : what.last + 1]:
            store.do(step)
        found, vectors = store.observed()
        last = workload.differences(expected[what.last + 1], found, vectors)
        wrong += [f"after going on: {one}" for one in last]
        wrong += [f"after going on, verify: {one}" for one in store.problems()]
    return wrong


def between(
    expected: list[workload.State], steps: list[workload.Step], after: int
) -> list[workload.State]:
    """Return the states in which a store may be when the first `after` steps were acknowledged.

    Several units of work may be in one step; after each of them the store is as it may be.
    """
    allowed = [expected[after]]
    if after < len(steps):
        step = steps[after]
        for n in range(1, len(step.ids)) if step.kind == "people" else ():
            part = workload.Step("people", step.ids[:n])
            allowed.append(workload.applied(expected[after], part))
        allowed.append(expected[after + 1])
    return allowed


def closest(
    allowed: list[workload.State], found: workload.State, vectors: dict[str, Any]
) -> list[str]:
    tried = [workload.differences(state, found, vectors) for state in allowed]
    return min(tried, key=len)


@dataclass(frozen=True, slots=True)
class Result:
    """Where a trial struck, in words, and what was wrong afterwards."""

    point: str
    struck: bool
    wrong: tuple[str, ...]


def tallied(what: str, results: Sequence[Result], seconds: float) -> str:
    """Return the line a run ends with: trials, distinct points reached, violations, time."""
    struck = [one for one in results if one.struck]
    wrong = [one for one in struck if one.wrong]
    lines = [f"  {one.point}: {'; '.join(one.wrong)[:500]}" for one in wrong[:10]]
    return "\n".join([
        f"{what}: {len(struck)} trials ({len(results) - len(struck)} struck nothing), "
        f"{len({one.point for one in struck})} points, {len(wrong)} violations, "
        f"{seconds / max(1, len(results)):.2f} s each",
        *lines,
    ])  # fmt: skip
