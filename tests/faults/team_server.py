"""The process that is forked for each trial of a store whose graph is on a server.

As ``tests/faults/server.py``, whose lines it speaks. The child does the next steps of a history,
and ends when it was struck and the step at which it was is acknowledged after all.
"""

from __future__ import annotations

import os
import traceback
from pathlib import Path
from typing import Any

from tests.faults import server, team, team_points, team_variants
from tests.servers import Server
from workbench.errors import WorkbenchError

TRIES = 3  # of each step, and of opening the store


def run(trial: dict[str, Any]) -> None:
    """Do the steps of a trial in this process, and end it."""
    acks = os.open(trial["acks"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def say(text: str) -> None:
        os.write(acks, f"{text}\n".encode())

    try:
        if trial.get("variant"):
            team_variants.remove(trial["variant"])
        counter = team_points.arm(*(trial.get("failpoint") or (None, 0, "before")), say=say)
        _steps(trial, say, counter)
    except BaseException:
        say(f"crash {traceback.format_exc()!r}")
        os._exit(70)
    os._exit(0)


def _steps(trial: dict[str, Any], say: Any, counter: team_points.Counter) -> None:
    steps = team.plan(trial["seed"])
    store: team.Team | None = None
    number, tries = trial["first"], TRIES
    while number <= trial["last"] and not (counter.struck and tries == TRIES):
        try:
            if store is None:
                settings = team.config(Server(*trial["server"]))
                store = team.Team(Path(trial["store"]), settings)
            store.do(steps[number])
        except WorkbenchError as error:
            say(f"error {number} {type(error).__name__} {error.message}")
            tries -= 1
            if not tries:
                say(f"gave up {number}")
                return
            continue
        say(f"ack {number}")
        number, tries = number + 1, TRIES
    if store is not None:
        store.close()


if __name__ == "__main__":
    server.serve(run)
