"""The process that is forked for each trial, and the stores that trials begin with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults import processes, team, team_trial, trial
from tests.servers import Server


@pytest.fixture(scope="session")
def writer() -> Iterator[trial.Writer]:
    """Return the process that writes."""
    found = trial.Writer()
    yield found
    found.close()


@pytest.fixture(scope="session")
def bases(tmp_path_factory: pytest.TempPathFactory) -> list[trial.Base]:
    """Return stores in the middle of their plans: every kind of step is in one of the windows."""
    folder = tmp_path_factory.mktemp("bases")
    return trial.bases(folder)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Return a folder for the stores of trials."""
    return tmp_path


@pytest.fixture
def start() -> Iterator[processes.Start]:
    """Return what starts a process; all of them are ended afterwards."""
    running: list[processes.Process] = []

    def one(*words: object) -> processes.Process:
        running.append(processes.Process(*words))
        return running[-1]

    yield one
    for process in running:
        process.close()


@pytest.fixture(scope="session")
def team_writer() -> Iterator[team_trial.Writer]:
    """Return the process that writes to stores whose graph is on a server."""
    found = team_trial.Writer()
    yield found
    found.close()


@pytest.fixture(scope="module")
def life(
    neo4j_server: Server, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[team.Life]:
    """Return a store whose graph is on the server of this worker; what was there is deleted."""
    seed = 1000 * (1 + sum(request.module.__name__.encode()) % 50)
    made = team.Life(neo4j_server, tmp_path_factory.mktemp("team"), seed)
    yield made
    made.close()
