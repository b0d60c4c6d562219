"""A writer is killed or refused by the disk at any of its calls: nothing acknowledged is lost."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.faults import campaign, failpoints, tracing, trial

KILLS, ERRORS, CHEAP = 60, 60, 80
traced = pytest.mark.skipif(tracing.PROGRAM is None, reason="no strace on the path (apt: strace)")


@pytest.fixture(scope="module")
def counts(
    writer: trial.Writer, bases: list[trial.Base], tmp_path_factory: pytest.TempPathFactory
) -> list[dict[str, int]]:
    """Return the calls of each base."""
    folder = tmp_path_factory.mktemp("counts")
    return [campaign.calls_of(writer, base, folder) for base in bases]


@traced
@pytest.mark.parametrize(
    ("deeds", "total", "what"),
    [
        (("SIGKILL",), KILLS, "killed at a call of the system"),
        (("ENOSPC", "EIO", "ENOSPC+", "EIO+"), ERRORS, "refused by the disk"),
    ],
)
def test_a_writer_struck_by_strace(
    writer: trial.Writer,
    bases: list[trial.Base],
    counts: list[dict[str, int]],
    place: Path,
    tally: list[str],
    deeds: tuple[str, ...],
    total: int,
    what: str,
) -> None:
    began = time.monotonic()
    if deeds != ("SIGKILL",):  # what reads cannot be refused by a full disk
        counts = [
            {c: n for c, n in each.items() if c not in ("openat", "unlink")} for each in counts
        ]
    results = campaign.struck(writer, bases, place, campaign.spread(counts, deeds, total, seed=11))
    tally.append(trial.tallied(what, results, time.monotonic() - began))
    assert len([one for one in results if one.struck]) >= 0.95 * total
    assert not [one for one in results if one.wrong], tally[-1]


def test_a_writer_struck_at_failpoints(
    writer: trial.Writer, bases: list[trial.Base], place: Path, tally: list[str]
) -> None:
    began = time.monotonic()
    counts = [campaign.failpoints_of(writer, base, place) for base in bases]
    points = campaign.spread(counts, failpoints.DEEDS, CHEAP, seed=12)
    results = campaign.struck_inside(writer, bases, place, points)
    tally.append(trial.tallied("struck at failpoints", results, time.monotonic() - began))
    assert len([one for one in results if one.struck]) >= 0.95 * CHEAP
    assert not [one for one in results if one.wrong], tally[-1]
