"""The process that is forked for each trial, the stores that trials begin with, and the tally."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults import trial

TALLIES: list[str] = []
"""What each run of trials counted, for the end of the test run."""


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
def tally() -> Iterator[list[str]]:
    """Return where a test puts the line that is to be printed at the end of the run."""
    lines: list[str] = []
    yield lines
    TALLIES.extend(lines)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Return a folder for the stores of trials."""
    return tmp_path


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what was counted."""
    if TALLIES:
        terminalreporter.section("faults")
        for line in TALLIES:
            terminalreporter.write_line(line)
