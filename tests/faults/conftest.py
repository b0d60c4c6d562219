"""The process that is forked for each trial, and the stores that trials begin with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults import trial


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
