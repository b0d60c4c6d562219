"""A small store, made once and copied for each test that writes or breaks it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.storage import keeping
from workbench.storage.folder import open_store
from workbench.storage.manager import HybridStorageManager


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a store of twelve appearances, not to be written."""
    folder = tmp_path_factory.mktemp("once") / "store"
    keeping.make(folder).close()
    return folder


@pytest.fixture
def store(made_once: Path, tmp_path: Path) -> Path:
    """Return the folder of a copy of it, closed."""
    return shutil.copytree(made_once, tmp_path / "store")


@pytest.fixture
def manager(store: Path) -> Iterator[HybridStorageManager]:
    """Return the same store, open."""
    opened = open_store(store)
    yield opened
    opened.close()
