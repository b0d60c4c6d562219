"""The store of the small site, for every question about it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import workbench


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[workbench.Workbench]:
    with workbench.open_demo(tmp_path_factory.mktemp("demo") / "store", small=True) as found:
        yield found
