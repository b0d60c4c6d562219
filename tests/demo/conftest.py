"""The simulated site, small and full, as tables and as stores: each made once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import workbench
from workbench.demo import Site, simulate


@pytest.fixture(scope="session")
def small() -> Site:
    """Return the small site."""
    return simulate(small=True)


@pytest.fixture(scope="session")
def full() -> Site:
    """Return the full site."""
    return simulate()


@pytest.fixture(scope="session")
def small_bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[workbench.Workbench]:
    """Return the store of the small site; not to be written."""
    with workbench.open_demo(tmp_path_factory.mktemp("small") / "demo", small=True) as found:
        yield found


@pytest.fixture(scope="session")
def full_bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[workbench.Workbench]:
    """Return the store of the full site; not to be written."""
    with workbench.open_demo(tmp_path_factory.mktemp("full") / "demo") as found:
        yield found


@pytest.fixture(params=["small", "full"])
def bench(request: pytest.FixtureRequest) -> workbench.Workbench:
    """Return each of the two stores."""
    found: workbench.Workbench = request.getfixturevalue(f"{request.param}_bench")
    return found
