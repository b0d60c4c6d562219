"""A bench that was closed says so, in the same words whatever keeps its graph."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import workbench
from tests.servers import Server, empty
from workbench.config import GraphConfig, WorkbenchConfig
from workbench.errors import StoreError
from workbench.model import Identity

FACE = np.array([1.0, 0.0, 0.0, 0.0])
ASKED: dict[str, Callable[[workbench.Workbench], object]] = {
    "trajectory": lambda bench: bench.tracks.trajectory("p2"),
    "visits": lambda bench: bench.tracks.visits(),
    "find": lambda bench: bench.appearances.find(identity="p2"),
    "delete": lambda bench: bench.appearances.delete(["a1"]),
    "identity": lambda bench: bench.identities.get("p2"),
    "identities": lambda bench: bench.identities.all(),
    "update": lambda bench: bench.identities.update(pd.DataFrame({"id": ["p2"], "name": ["x"]})),
    "create": lambda bench: bench.manager.create_identity(Identity(id="new")),
    "cameras": lambda bench: bench.cameras.all(),
    "map": lambda bench: bench.cameras.map(),
    "pairs": lambda bench: bench.together.pairs(),
    "significance": lambda bench: bench.together.significance(),
    "like": lambda bench: bench.similarity.like(identity="p2", space="face"),
    "projection": lambda bench: bench.similarity.projection(space="face"),
    "faces": lambda bench: bench.manager.find_similar_faces(FACE),
    "stats": lambda bench: bench.store.stats(),
    "loads": lambda bench: bench.store.loads(),
    "unload": lambda bench: bench.store.unload("x"),
    "verify": lambda bench: bench.store.verify(),
    "repair": lambda bench: bench.store.repair(apply=True),
    "sweep": lambda bench: bench.store.sweep(),
    "compact": lambda bench: bench.store.compact(),
    "hash": lambda bench: bench.store.content_hash(),
    "backup": lambda bench: bench.store.backup(bench.manager.folder.parent / "backup"),
    "unit": lambda bench: bench.manager.unit().__enter__(),
}


@pytest.fixture(scope="module", params=["sqlite", "neo4j"])
def closed(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, tiny_site: Path
) -> Iterator[workbench.Workbench]:
    """Return a bench of each kind that answered questions and was closed, twice."""
    config = WorkbenchConfig()
    if request.param == "neo4j":
        server: Server = request.getfixturevalue("neo4j_server")
        empty(server, schema=True)
        config = WorkbenchConfig(graph=GraphConfig(backend="neo4j"), neo4j=server.config())
    folder = tmp_path_factory.mktemp(request.param) / "store"
    files = {"cameras": tiny_site / "cameras.csv", "face": tiny_site / "face.npz"}
    workbench.ingest(
        folder, tiny_site / "appearances.csv", **files, model_id="m", config=config, quiet=True
    )
    bench = workbench.open(folder, config=config)
    assert not bench.closed
    bench.similarity.like(identity="p2", space="face")
    bench.close()
    bench.close()
    yield bench


@pytest.mark.parametrize("asked", ASKED)
def test_it_says_so(closed: workbench.Workbench, asked: str) -> None:
    assert closed.closed
    with pytest.raises(StoreError) as caught:
        ASKED[asked](closed)
    said = caught.value
    assert said.message == "This bench was closed."
    assert said.where == str(closed.manager.folder)
    assert said.next == "Open it again: bench = workbench.open(...)"
