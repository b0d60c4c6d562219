"""A site with something in every table, and stores of it on a server."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

import workbench
from tests.servers import Server
from workbench.config import WorkbenchConfig
from workbench.storage.folder import open_store
from workbench.storage.manager import HybridStorageManager
from workbench.storage.migrate import Place, migrate


def loaded(store: Path, site: Path, *, config: WorkbenchConfig | None = None) -> Path:
    """Load the site computed by hand into a new store, with tags, matches and a changed row."""
    tables = ("cameras", "adjacency", "outages", "identities")
    workbench.ingest(
        store,
        site / "appearances.csv",
        **{name: site / f"{name}.csv" for name in tables},
        floor_plan=site / "floor_plan.yaml",
        face=site / "face.npz",
        reid=site / "reid.npz",
        config=config,
        quiet=True,
    )
    with workbench.open(store, config=config) as bench:
        manager = bench.manager
        ids = manager.graph.sightings()["id"].tolist()
        manager.add_tags(pd.DataFrame({"kind": ["zone"], "name": ["<b>x</b>"]}))
        tags = pd.DataFrame({"tag_id": ["zone:<b>x</b>"], "weight": [0.5]})
        manager.tag(tags.assign(appearance_id=ids[0]))
        manager.tag(tags.assign(identity_id="p1"))
        manager.add_probable_matches(
            pd.DataFrame({"appearance_a": [ids[3]], "appearance_b": [ids[1]], "similarity": [0.9]})
        )
        manager.update_cameras(pd.DataFrame({"id": ["lab"], "clock_offset_s": [1.5]}))
        manager.unlink(ids[:1])
    return store


def config(server: Server, store: Path) -> WorkbenchConfig:
    """Return the configuration of a store on a server."""
    said = {"uri": server.uri, "user": server.user, "password": server.password}
    return WorkbenchConfig.model_validate(
        {"store": store, "graph": {"backend": "neo4j"}, "neo4j": said}
    )


def moved(source: Path, server: Server, store: Path) -> HybridStorageManager:
    """Migrate a store onto a server; return it open."""
    manager = open_store(source)
    migrate(manager, Place(store, server.config()))
    manager.close()
    return open_store(store)
