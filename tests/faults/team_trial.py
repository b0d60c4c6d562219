"""Trials of a store whose graph is on a server: its client struck, or its server killed."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np

from tests.faults import team, team_points, team_variants, trial
from tests.servers import OwnServer
from workbench.errors import ServerAwayError, StoreError

WINDOW = 3  # steps in which a client is killed at a moment
REACH = 12  # steps within which a named step is looked for
Point = tuple[str, int, str]


class Writer(trial.Writer):
    """The process that is forked for each trial (``tests/faults/team_server.py``)."""

    def __init__(self) -> None:
        trial.Server.__init__(self, "tests.faults.team_server")


def started(
    writer: Writer, life: team.Life, steps: int, point: Point | None, variant: str | None
) -> int:
    """Let the next steps of a history be done; return the process that does them."""
    life.room(steps)
    _acks(life).unlink(missing_ok=True)
    return writer.start({
        "store": str(life.folder), "seed": life.seed, "first": life.next,
        "last": life.next + steps - 1, "acks": str(_acks(life)), "failpoint": point,
        "variant": variant, "server": [life.server.uri, life.server.user, life.server.password],
    })  # fmt: skip


def ended(writer: Writer, life: team.Life) -> trial.Outcome:
    """Return what became of it."""
    status = writer.status()
    said = _acks(life).read_text().splitlines() if _acks(life).exists() else []
    done = [int(line.split()[1]) for line in said if line.startswith("ack")]
    struck = next((line for line in said if line.startswith("struck")), "")
    wrong = [line for line in said if line.startswith(("crash", "gave up"))]
    return trial.Outcome(status, max(done, default=life.next - 1), said, struck, wrong)


def _acks(life: team.Life) -> Path:
    return life.folder.with_name(f"{life.folder.name}.acks")


# ------------------------------------------------------------------ a named step
def at_a_step(
    writer: Writer, life: team.Life, point: Point, variant: str | None = None
) -> trial.Result:
    """Return what came of a client that was struck at a named step."""
    name, _, deed = point
    with team_variants.removed(variant):
        started(writer, life, REACH, point, variant)
        outcome = ended(writer, life)
        where = f"{life.seed}-{outcome.acked + 1} {' '.join(map(str, point))}"
        wrong = life.check(_judged(outcome, name, deed))
    return trial.Result(where, bool(outcome.struck), tuple(wrong))


def _judged(outcome: trial.Outcome, name: str, deed: str) -> trial.Outcome:
    """Add what is wrong with how it ended."""
    killed = bool(outcome.struck) and deed in team_points.KILLS
    if outcome.status != (-signal.SIGKILL if killed else 0):
        outcome.wrong.append(f"it ended with {outcome.status}: {outcome.said[-1:]}")
    errors = [line for line in outcome.said if line.startswith("error")]
    if (name, deed) == ("commit", "unheard") and errors:
        outcome.wrong.append(f"it was committed and refused: {errors}")
    strange = [line for line in errors if line.split()[2] not in ("ServerAwayError", "StoreError")]
    outcome.wrong += [f"another error than was due: {line}" for line in strange]
    return outcome


def points(total: int, seed: int, names: Sequence[str] | None = None) -> list[Point]:
    """Return so many points, each step and deed as often as any other, at random passes."""
    rng = np.random.default_rng(seed)
    kinds = [(n, d) for n in names or team_points.PASSES for d in team_points.deeds(n)]
    rng.shuffle(kinds)
    chosen = [kinds[n % len(kinds)] for n in range(total)]
    return [(str(n), int(rng.integers(1, team_points.PASSES[n] + 1)), str(d)) for n, d in chosen]


def at_steps(
    writer: Writer, life: team.Life, chosen: Sequence[Point], variant: str | None = None
) -> list[trial.Result]:
    """Return what each trial at a named step came to; each space is made but once in a history."""
    results = []
    for point in chosen:
        if point[0] == "space":
            life.begin()
        results.append(at_a_step(writer, life, point, variant))
    return results


# ------------------------------------------------------------------ a moment
def usual_s(writer: Writer, life: team.Life) -> float:
    """Return how long a window of steps takes, in seconds, the process included."""
    took = []
    for _ in range(3):
        began = time.monotonic()
        started(writer, life, WINDOW, None, None)
        outcome = ended(writer, life)
        took.append(time.monotonic() - began)
        assert outcome.status == 0 and outcome.acked == life.next + WINDOW - 1, outcome
        life.next = outcome.acked + 1
    return float(np.median(took))


def at_moments(
    writer: Writer, life: team.Life, total: int, seed: int, variant: str | None = None
) -> list[trial.Result]:
    """Kill the client at random moments, until so many died of it; return what each came to."""
    rng = np.random.default_rng(seed)
    usual = usual_s(writer, life)
    results: list[trial.Result] = []
    while sum(one.struck for one in results) < total and len(results) < 2 * total + 5:
        pid = started(writer, life, WINDOW, None, variant)
        moment = float(rng.uniform(0.03, usual))
        time.sleep(moment)
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        outcome = ended(writer, life)
        died = outcome.status == -signal.SIGKILL
        usual *= 1 if died else 0.9  # it came too late: the machine has less to do by now
        if not died and outcome.status:
            outcome.wrong.append(f"it ended with {outcome.status}: {outcome.said[-1:]}")
        where = f"{life.seed}-{outcome.acked + 1} {1000 * moment:.0f} ms"
        with team_variants.removed(variant):
            results.append(trial.Result(where, died, tuple(life.check(outcome))))
    return results


# ------------------------------------------------------------------ the server
def server_killed(
    life: team.Life, own: OwnServer, moment_s: float, *, patience_s: float
) -> trial.Result:
    """Kill the server while a client writes; start it again; let the client repeat its call.

    A client with less patience than the server takes to come back is told that it is away; one
    with more may not notice.
    """
    life.room(40)
    first, done, errors = life.next, [life.next - 1], []
    settings = team.config(life.server, max_transaction_retry_time=patience_s)
    told, back = threading.Event(), threading.Event()
    with team.opened(life.folder, settings) as store:

        def write() -> None:
            number = first
            while not (back.is_set() and done[0] > first) and number < first + 38:
                try:
                    store.do(team.plan(life.seed)[number])
                except Exception as error:
                    errors.append(error)
                    told.set()
                    if not back.wait(120) or len(errors) > 3:
                        return
                    continue
                done[0], number = number, number + 1

        thread = threading.Thread(target=write, daemon=True)
        thread.start()
        time.sleep(moment_s)
        own.kill()
        kept_waiting = patience_s < 10 and not told.wait(3 * patience_s + 10)
        own.start()
        back.set()
        thread.join(120)
        wrong = ["the client hangs"] * thread.is_alive()
    due = (ServerAwayError, StoreError)
    wrong += [f"{type(e).__name__}: {e}" for e in errors if not isinstance(e, due)]
    wrong += ["it was not told that the server is away"] * kept_waiting
    wrong += [f"what was refused does not go through: {e}" for e in errors[3:]]
    outcome = trial.Outcome(0, done[0], [str(one) for one in errors], "killed", wrong)
    where = f"{life.seed}-{first} server after {1000 * moment_s:.0f} ms, patience {patience_s:g} s"
    return trial.Result(where, True, tuple(life.check(outcome)))
