"""A process that has imported everything and is forked for each trial, so that a trial is cheap.

It reads one JSON line a trial from its standard input::

    {"store": DIR, "seed": 3, "first": 2, "last": 6, "acks": FILE, "stop": true,
     "failpoint": null | [name, number, deed], "variant": null | name}

forks, and answers with two lines: ``pid N``, and when the child is gone, ``status N``. The child
does the steps first..last of the plan of that seed. Each acknowledged step is a line "ack N" in
`acks`; a refused one a line "error N KIND message", after which the step is tried once more, and
given up with "gave up N". With `stop` the child stops itself before it begins, to be traced.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import faiss  # noqa: F401 - imported once, before the forks
import pandas as pd  # noqa: F401

from tests.faults import failpoints, safeguards, workload
from tests.faults.subject import opened
from workbench.errors import WorkbenchError


def serve(work: Callable[[dict[str, Any]], None]) -> None:
    """Answer trials until the input ends: `work` does one in a process of its own, and ends it."""
    _warm_up()
    for line in sys.stdin:
        trial = json.loads(line)
        pid = os.fork()
        if pid == 0:
            work(trial)
        print(f"pid {pid}", flush=True)  # noqa: T201 - its answer
        _, status = os.waitpid(pid, 0)
        print(f"status {os.waitstatus_to_exitcode(status)}", flush=True)  # noqa: T201


def _warm_up() -> None:
    """Do a whole plan once, so that no child has to import anything."""
    with (
        tempfile.TemporaryDirectory() as folder,
        opened("ours", Path(folder) / "store") as store,
    ):
        store.prepare()
        for step in workload.plan(1):
            store.do(step)


def run(trial: dict[str, Any]) -> None:
    """Do the steps of a trial in this process, and end it."""
    acks = os.open(trial["acks"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def say(text: str) -> None:
        os.write(acks, f"{text}\n".encode())

    try:
        if trial.get("variant"):
            safeguards.remove(trial["variant"])
        if trial.get("stop"):
            os.kill(os.getpid(), signal.SIGSTOP)
        counter = failpoints.arm(*(trial.get("failpoint") or (None, 0, "before")), say=say)
        _steps(trial, say, counter)
        say(f"counted {json.dumps(counter.seen)}")
    except BaseException:
        say(f"crash {traceback.format_exc()!r}")
        os._exit(70)
    os._exit(0)


def _steps(trial: dict[str, Any], say: Any, counter: failpoints.Counter) -> None:
    steps = workload.plan(trial["seed"])
    number: int | str = "opening"
    tries = 2  # of each step, and of opening the store
    with ExitStack() as stack:
        store: Any = None
        left = list(range(trial["first"], trial["last"] + 1))
        while left:
            try:
                if store is None:
                    place = Path(trial["store"])
                    store = stack.enter_context(opened(trial.get("subject", "ours"), place))
                number = left[0]
                store.do(steps[left[0]])
            except WorkbenchError as error:
                say(f"error {number} {type(error).__name__} {error.message}")
                tries -= 1
                if not tries:
                    say(f"gave up {number}")
                    return
                continue
            say(f"ack {left.pop(0)}")
            tries = 2
            counter.call("step", int)  # a moment of its own: just after an answer


if __name__ == "__main__":
    serve(run)
