"""The store of the small site computed by hand, for every question about it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import workbench


@pytest.fixture(scope="module")
def bench(
    tmp_path_factory: pytest.TempPathFactory, tiny_site: Path
) -> Iterator[workbench.Workbench]:
    store = tmp_path_factory.mktemp("tiny") / "store"
    workbench.ingest(
        store,
        tiny_site / "appearances.csv",
        cameras=tiny_site / "cameras.csv",
        adjacency=tiny_site / "adjacency.csv",
        outages=tiny_site / "outages.csv",
        identities=tiny_site / "identities.csv",
        floor_plan=tiny_site / "floor_plan.yaml",
        face=tiny_site / "face.npz",
        reid=tiny_site / "reid.npz",
        model_id="by hand",
        quiet=True,
    )
    with workbench.open(store) as found:
        yield found
