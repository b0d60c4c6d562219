"""Client and server of a team's store killed at any moment: nothing acknowledged is lost."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tests.faults import team, team_trial, trial
from tests.servers import OwnServer

CLIENTS, SERVERS = 40, 3


def test_a_client_killed_at_a_moment(
    team_writer: team_trial.Writer, life: team.Life, tally: list[str]
) -> None:
    began = time.monotonic()
    results = team_trial.at_moments(team_writer, life, CLIENTS, seed=8)
    tally.append(trial.tallied("team: client killed", results, time.monotonic() - began))
    assert len([one for one in results if one.struck]) == CLIENTS
    assert not [one for one in results if one.wrong], tally[-1]


def test_a_server_killed_at_a_moment(
    new_neo4j: Callable[..., OwnServer], place: Path, tally: list[str]
) -> None:
    own = new_neo4j()
    life = team.Life(own.start(), place, seed=9)
    life.go(4)
    began = time.monotonic()
    rng = np.random.default_rng(9)
    results = [
        team_trial.server_killed(life, own, float(rng.uniform(0.05, 1)), patience_s=1)
        for _ in range(SERVERS)
    ]
    life.close()
    tally.append(trial.tallied("team: server killed", results, time.monotonic() - began))
    assert len(results) == SERVERS
    assert not [one for one in results if one.wrong], tally[-1]
