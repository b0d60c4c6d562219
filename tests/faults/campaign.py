"""Many trials at points spread over the steps of the bases: kills, refusals, power cuts."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from tests.faults import failpoints, powerloss, tracing, trial

Point = tuple[int, str, int, str]  # base, call, number, deed


def calls_of(writer: trial.Writer, base: trial.Base, place: Path) -> dict[str, int]:
    """Return how often each call is made while the steps of a base are done."""
    tracer = tracing.Tracer(place / "count.log")
    outcome = trial.run(writer, base, place / f"count-{base.seed}-{base.first}", tracer=tracer)
    assert outcome.status == 0 and not outcome.wrong, outcome
    return dict(tracer.calls())


def failpoints_of(writer: trial.Writer, base: trial.Base, place: Path) -> dict[str, int]:
    """Return how often each failpoint is passed while the steps of a base are done."""
    outcome = trial.run(writer, base, place / f"pass-{base.seed}-{base.first}")
    assert outcome.status == 0 and not outcome.wrong, outcome
    counted: dict[str, int] = json.loads(outcome.said[-1].partition(" ")[2])
    return {name: number for name, number in counted.items() if name in failpoints.NAMES}


def spread(
    counts: Sequence[dict[str, int]], deeds: Sequence[str], total: int, seed: int
) -> list[Point]:
    """Return points spread evenly over bases, calls and deeds, at random numbers of the call."""
    rng = np.random.default_rng(seed)
    kinds = [(n, call, deed) for n, each in enumerate(counts) for call in each for deed in deeds]
    rng.shuffle(kinds)
    found: dict[Point, None] = {}
    for turn in range(20 * total):
        number, call, deed = kinds[turn % len(kinds)]
        often = counts[int(number)][call]
        found[int(number), str(call), int(rng.integers(1, often + 1)), str(deed)] = None
        if len(found) == total:
            break
    return list(found)


def struck(
    writer: trial.Writer, bases: list[trial.Base], place: Path, points: Sequence[Point]
) -> list[trial.Result]:
    """Return what each trial by strace came to."""

    def strike(base: trial.Base, folder: Path, call: str, count: int, deed: str) -> trial.Outcome:
        kind, lasting = deed.removesuffix("+"), deed.endswith("+")
        log = folder.with_name(f"{folder.name}.log")
        tracer = tracing.Tracer(log, call, count, kind, lasting=lasting)
        return trial.run(writer, base, folder, tracer=tracer)

    return [_tried(bases, place / f"t{n}", point, strike) for n, point in enumerate(points)]


def struck_inside(
    writer: trial.Writer, bases: list[trial.Base], place: Path, points: Sequence[Point]
) -> list[trial.Result]:
    """Return what each trial at a failpoint came to."""

    def strike(base: trial.Base, folder: Path, name: str, count: int, deed: str) -> trial.Outcome:
        return trial.run(writer, base, folder, failpoint=(name, count, deed))

    return [_tried(bases, place / f"f{n}", point, strike) for n, point in enumerate(points)]


def _tried(
    bases: list[trial.Base], folder: Path, point: Point, strike: Callable[..., trial.Outcome]
) -> trial.Result:
    number, call, count, deed = point
    base = bases[number]
    outcome = strike(base, folder, call, count, deed)
    wrong = trial.check(base, folder, outcome)
    # What is refused goes on and ends well; everything else is to die of the signal.
    if outcome.struck and outcome.status != (0 if deed.startswith("E") else -9):
        wrong.append(f"it ended with {outcome.status}: {outcome.said[-1:]}")
    if not wrong:  # what was wrong is left to be looked at
        shutil.rmtree(folder)
    where = f"{base.seed}-{base.first} {call} {count} {deed}"
    return trial.Result(where, bool(outcome.struck), tuple(wrong))


def refusable(counts: Sequence[dict[str, int]]) -> list[dict[str, int]]:
    """Return the calls that a full or broken disk may refuse to a writer."""
    return [{c: n for c, n in each.items() if c not in ("openat", "unlink")} for each in counts]


def cut_everywhere(
    writer: trial.Writer,
    bases: list[trial.Base],
    place: Path,
    *,
    count: int,
    seed: int,
    variant: str | None = None,
) -> list[trial.Result]:
    """Return what the stores are after `count` power cuts, shared among the bases."""
    results = []
    for base in bases:
        name = f"{base.seed}-{base.first}"
        recorder = powerloss.Recorder(place / f"{name}.log")
        written = place / f"{name}-written"
        outcome = trial.run(writer, base, written, tracer=recorder, variant=variant)
        assert outcome.status == 0, outcome
        calls = powerloss.recorded(recorder.log, written, written.with_name(f"{written.name}.acks"))
        rng = np.random.default_rng([seed, base.seed, base.first])
        for cut in powerloss.cuts(calls, rng, count // len(bases)):
            folder = place / f"{name}-cut"
            acked = powerloss.played(base.folder, str(written), calls, cut, seed, folder)
            after = trial.Outcome(0, max(acked, base.first - 1), [], "cut")
            wrong = trial.check(base, folder, after)
            point = f"{name} after call {cut.after}, {cut.loss} lost"
            results.append(trial.Result(point, struck=True, wrong=tuple(wrong)))
            if not wrong:
                shutil.rmtree(folder)
    return results
