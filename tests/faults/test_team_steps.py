"""A client of a team's store struck at each step of the protocol: nothing acknowledged is lost."""

from __future__ import annotations

import time

import pytest

from tests.faults import team, team_points, team_trial, trial

TRIALS = 40  # each step with each deed


def test_a_client_struck_at_each_step_of_the_protocol(
    team_writer: team_trial.Writer, life: team.Life, tally: list[str]
) -> None:
    began = time.monotonic()
    chosen = team_trial.points(TRIALS, seed=7)
    kinds = {(name, deed) for name in team_points.PASSES for deed in team_points.deeds(name)}
    assert {(name, deed) for name, _, deed in chosen} == kinds
    results = team_trial.at_steps(team_writer, life, chosen)
    tally.append(trial.tallied("team: struck at a step", results, time.monotonic() - began))
    assert len([one for one in results if one.struck]) >= 0.9 * TRIALS
    assert not [one for one in results if one.wrong], tally[-1]


# What is taken away, and where its absence is looked for.
CAUGHT = {
    "named before written": [("commit", n, "after") for n in (1, 2, 3)],
    "row ids given out again": [("put", n, "unheard") for n in (1, 2)],
    "each statement for itself": [("write", n, "after") for n in (2, 4, 5, 6)],
    "op id not read back": [("commit", n, "unheard") for n in (1, 2)],
}


@pytest.mark.parametrize("variant", CAUGHT)
def test_strikes_catch(
    team_writer: team_trial.Writer, life: team.Life, tally: list[str], variant: str
) -> None:
    results = []
    for point in CAUGHT[variant]:
        if life.next:
            life.begin()
        life.go_to("batch")
        results.append(team_trial.at_a_step(team_writer, life, point, variant))
    caught = len([one for one in results if one.wrong])
    tally.append(f"caught: team: {variant}, struck: {caught} of {len(results)}")
    life.begin()
    assert caught >= len(results) / 2, results
