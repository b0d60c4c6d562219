"""Taking a load back, whole: what it brought goes, what it changed is put back."""

from __future__ import annotations

import json

import pandas as pd

from workbench import schema, times
from workbench.errors import ConflictError
from workbench.schema import Table
from workbench.storage.manager import HybridStorageManager
from workbench.storage.record import recorded_load
from workbench.storage.rows import put, refresh_after, stored, table_named
from workbench.stores.graph.base import Selection


def unload(manager: HybridStorageManager, load_id: str) -> dict[str, int]:
    """Take a load back, whole, and return what was removed and what was put back.

    Raises
    ------
    NotFoundError
        When there is no such load.
    ConflictError
        When a later load changed what this one changed, or it replaced vectors or a floor plan,
        which are not kept; nothing was changed.
    """
    recorded_load(manager, load_id)
    changes = _changes(manager, load_id)
    graph = manager.graph
    mine = graph.sightings(Selection(loads=[load_id]))
    removed: dict[str, int] = {}
    touched = set(mine["identity_id"].dropna())
    with manager.unit():
        removed["appearances"] = graph.delete_nodes("Appearance", mine[["id"]])
        touched |= _put_back(manager, changes)
        graph.refresh_statistics(sorted(touched))
        for name, label in (("adjacency", "ADJACENT_TO"), ("outages", "Outage")):
            removed[name] = _remove(manager, label, load_id)
        removed["floor_plans"] = _remove(manager, "FloorPlan", load_id)
        people = graph.nodes("Identity")
        unseen = people["num_appearances"] == 0
        removed["identities"] = _release(manager, "Identity", people, unseen, load_id)
        for name, label in (("cameras", "Camera"), ("places", "Place")):
            rows = graph.nodes(label)
            removed[name] = _release(
                manager, label, rows, ~rows["id"].isin(_used(manager, label)), load_id
            )
        removed["restored"] = len(changes)
        _forget(manager, load_id)
    manager.sweep()
    return removed


def _changes(manager: HybridStorageManager, load_id: str) -> pd.DataFrame:
    everything = manager.graph.nodes("LoadChange")
    mine = everything[everything["load_id"] == load_id]
    lost = mine[mine["before"].str.startswith('{"lost"')]
    if len(lost):
        raise ConflictError(
            f"Load {load_id} replaced vectors or a floor plan, which cannot be put back "
            f"({len(lost)} rows).",
            where=f"{lost['label'].iloc[0]} {lost['key'].iloc[0]}",
            next="Restore a backup from before it, or load the earlier file again with --update.",
        )
    began = manager.graph.nodes("Load").set_index("id")["at"]
    both = mine[["label", "key"]].merge(everything, on=["label", "key"])
    later = both[both["load_id"].map(began) > began[load_id]]
    if len(later):
        other = later["load_id"].iloc[0]
        raise ConflictError(
            f"Load {other} changed {later['label'].iloc[0]} {later['key'].iloc[0]} afterwards.",
            where=f"load {other}",
            next=f"Take that one back first: workbench unload {other}",
        )
    return mine


def _put_back(manager: HybridStorageManager, changes: pd.DataFrame) -> set[str]:
    """Write rows as they were where they are still there; return the identities concerned."""
    graph, touched = manager.graph, set()
    for label, group in changes.groupby("label"):
        table = schema.SIGHTING if label == "Appearance" else table_named(str(label))
        rows = _rows(table, group["before"].tolist())
        if label == "Appearance":
            rows = rows[rows["id"].isin(graph.nodes("Appearance", ids=rows["id"].tolist())["id"])]
            touched |= set(graph.identities_of(rows["id"].tolist())["identity_id"])
            touched |= set(rows["identity_id"].dropna())
            nodes = rows.assign(timestamp=rows["timestamp_recorded"])
            graph.upsert_nodes("Appearance", schema.APPEARANCE.coerce(nodes)[0])
            graph.delete_edges(
                "HAS_APPEARANCE", rows[["id"]].rename(columns={"id": "appearance_id"})
            )
            links = rows[rows["identity_id"].notna()].rename(columns={"id": "appearance_id"})
            links = links[links["identity_id"].isin(graph.nodes("Identity")["id"])]
            graph.upsert_edges("HAS_APPEARANCE", schema.HAS_APPEARANCE.coerce(links)[0])
        else:
            put(graph, str(label), table.coerce(rows)[0])
            refresh_after(graph, str(label), rows)
    return touched


def _remove(manager: HybridStorageManager, label: str, load_id: str) -> int:
    rows = stored(manager.graph, label)
    keys = rows.loc[rows["load_id"] == load_id, list(table_named(label).key)]
    if label in schema.NODES:
        return manager.graph.delete_nodes(label, keys)
    return manager.graph.delete_edges(label, keys)


def _release(
    manager: HybridStorageManager,
    label: str,
    rows: pd.DataFrame,
    free: pd.Series,
    load_id: str,
) -> int:
    """Delete what came with the load and nobody needs; let go of what somebody does."""
    mine = rows["load_id"] == load_id
    manager.graph.delete_nodes(label, rows.loc[mine & free, ["id"]])
    kept = rows[mine & ~free].assign(load_id=None)
    manager.graph.upsert_nodes(label, schema.NODES[label].coerce(kept)[0])
    return int((mine & free).sum())


def _used(manager: HybridStorageManager, label: str) -> set[str]:
    column = "camera_id" if label == "Camera" else "place_id"
    used = set(manager.graph.nodes("Appearance")[column].dropna())
    if label == "Camera":
        ways = manager.graph.edges("ADJACENT_TO")
        used |= set(ways["from_camera"]) | set(ways["to_camera"])
        used |= set(manager.graph.nodes("Outage")["camera_id"])
    return used


def _forget(manager: HybridStorageManager, load_id: str) -> None:
    graph = manager.graph
    for label in ("LoadChange", "LoadFile"):
        rows = graph.nodes(label, ids=[load_id])
        graph.delete_nodes(label, rows[list(schema.NODES[label].key)])
    graph.delete_nodes("Load", pd.DataFrame({"id": pd.Series([load_id], dtype="str")}))


def _rows(table: Table, texts: list[str]) -> pd.DataFrame:
    rows = pd.DataFrame([json.loads(text) for text in texts], columns=table.names)
    for column in table.columns:
        if column.kind == "time":
            rows[column.name] = times.from_us(rows[column.name].astype("Int64"))
    return table.coerce(rows)[0]
