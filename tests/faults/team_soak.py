"""The parts of the soak that need a server: started when the first one is wanted."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import numpy as np

from tests.faults import team, team_trial, trial
from tests.servers import OwnServer
from workbench.stores.neo4j import server as neo4j_server

CLIENTS, STEPS, SERVERS = 20, 40, 5  # trials of a round
USUAL = {
    "team: client killed": 1000,
    "team: struck at a step": 1000,
    "team: server killed": 50,
}


def possible() -> bool:
    """Return whether a server can be started on this machine."""
    return not neo4j_server.missing()


class TeamSoak:
    """The parts, the server, and the process that writes to it."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="workbench-soak-neo4j-"))
        self._own = OwnServer(self._folder / "server")
        self._writer: team_trial.Writer | None = None

    def close(self) -> None:
        """End what was started."""
        if self._own.local is not None:
            self._own.remove()
        if self._writer is not None:
            self._writer.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _life(self, folder: Path, seed: int) -> team.Life:
        if self._writer is None:
            self._own.start()
            self._writer = team_trial.Writer()
        return team.Life(self._own.server, folder, 100_000 + 10 * seed)

    def clients(self, folder: Path, seed: int) -> list[trial.Result]:
        """Kill clients at random moments."""
        life = self._life(folder, seed)
        assert self._writer is not None
        try:
            return team_trial.at_moments(self._writer, life, CLIENTS, seed)
        finally:
            life.close()

    def steps(self, folder: Path, seed: int) -> list[trial.Result]:
        """Strike clients at named steps of the protocol."""
        life = self._life(folder, seed)
        assert self._writer is not None
        try:
            chosen = team_trial.points(STEPS, seed)
            return team_trial.at_steps(self._writer, life, chosen)
        finally:
            life.close()

    def servers(self, folder: Path, seed: int) -> list[trial.Result]:
        """Kill the server at random moments."""
        life = self._life(folder, seed)
        rng = np.random.default_rng(seed)
        try:
            return [
                team_trial.server_killed(
                    life, self._own, float(rng.uniform(0.03, 1.5)), patience_s=(1, 120)[n % 3 == 2]
                )
                for n in range(SERVERS)
            ]
        finally:
            life.close()
