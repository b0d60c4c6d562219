"""What was loaded: the record of each load, and taking one back."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from workbench import schema, times
from workbench.errors import ConflictError, NotFoundError
from workbench.readers import BatchReader, LoadOptions, sha256
from workbench.schema import Table, canonical_json
from workbench.storage.manager import HybridStorageManager
from workbench.storage.rows import put, refresh_after, table_named
from workbench.stores.graph.base import Selection

if TYPE_CHECKING:
    from workbench.storage.appearances import Written
    from workbench.storage.load import LoadFiles

_LOST = "lost"


@dataclass(frozen=True, slots=True)
class RecordedFile:
    """One file of a load: what it was for, its name, its content, what its rows meant."""

    role: str
    name: str
    sha256: str
    options: str


@dataclass(frozen=True, slots=True)
class LoadRecord:
    """The identity of a load: the same files read the same way are the same load."""

    load_id: str
    files: tuple[RecordedFile, ...]
    options: str

    @classmethod
    def of(
        cls, readers: Sequence[BatchReader], files: LoadFiles, options: LoadOptions
    ) -> LoadRecord:
        """Return the record of files that were opened."""
        found = [
            RecordedFile(
                "contacts" if reader.format == "contacts" else "appearances",
                reader.name,
                sha256(path),
                canonical_json(reader.options.meaning()),
            )
            for reader, path in zip(readers, files.appearances, strict=True)
        ]
        others: list[tuple[str, Path | None]] = [
            ("cameras", files.cameras),
            ("adjacency", files.adjacency),
            ("outages", files.outages),
            ("identities", files.identities),
            ("sources", files.sources),
            *(("floor-plan", path) for path in files.floor_plans),
            *((f"vectors:{space}", path) for space, path in sorted(files.vectors.items())),
        ]
        meaning = canonical_json(options.meaning())
        found += [
            RecordedFile(role, Path(path).name, sha256(path), meaning)
            for role, path in others
            if path is not None
        ]
        said = [[file.role, file.sha256, file.options] for file in found]
        key = hashlib.sha256(canonical_json(said).encode()).hexdigest()[:12]
        return cls(key, tuple(found), meaning)

    def begin(self, manager: HybridStorageManager) -> None:
        """Write the load as begun; one that was interrupted keeps its beginning."""
        known = manager.graph.nodes("Load", ids=[self.load_id])
        if len(known):
            return
        load = pd.DataFrame(
            {
                "id": [self.load_id],
                "options": [self.options],
                "at": [pd.Timestamp.now("UTC").as_unit("us")],
                "complete": [False],
            }
        )
        files = pd.DataFrame([vars_of(file) for file in self.files])
        files["load_id"], files["position"] = self.load_id, range(len(files))
        with manager.unit():
            manager.graph.upsert_nodes("Load", schema.LOAD.check(load))
            manager.graph.upsert_nodes("LoadFile", schema.LOAD_FILE.check(files))

    def finish(self, manager: HybridStorageManager, rows: int) -> None:
        """Write that the load reached its end."""
        load = manager.graph.nodes("Load", ids=[self.load_id])
        load["complete"], load["rows"] = True, rows
        with manager.unit():
            manager.graph.upsert_nodes("Load", schema.LOAD.check(load))

    def changed(self, manager: HybridStorageManager, label: str, before: pd.DataFrame) -> None:
        """Keep rows that the load changed as they were; the first change counts."""
        if before.empty:
            return
        table = table_named(label)
        texts = (
            _texts(table, before) if label != "FloorPlan" else ['{"lost":"image"}'] * len(before)
        )
        self._keep(manager, label, _keys(table, before), texts)

    def changed_appearances(self, manager: HybridStorageManager, written: Written) -> None:
        """Keep appearances that the load overwrote as they were."""
        if written.before.empty:
            return
        before = written.before
        texts = _texts(schema.SIGHTING, before)
        lost = before["id"].isin(written.lost)
        texts = ['{"lost":"vectors"}' if gone else t for t, gone in zip(texts, lost, strict=True)]
        self._keep(manager, "Appearance", _keys(schema.APPEARANCE, before), texts)

    def _keep(
        self, manager: HybridStorageManager, label: str, keys: list[str], texts: list[str]
    ) -> None:
        rows = pd.DataFrame({"key": keys, "before": texts})
        rows["load_id"], rows["label"] = self.load_id, label
        known = manager.graph.nodes("LoadChange", ids=[self.load_id])
        rows = rows[~rows["key"].isin(known.loc[known["label"] == label, "key"])]
        with manager.unit():
            manager.graph.upsert_nodes("LoadChange", schema.LOAD_CHANGE.check(rows))


def vars_of(file: RecordedFile) -> dict[str, str]:
    """Return the fields of a recorded file."""
    return {name: getattr(file, name) for name in ("role", "name", "sha256", "options")}


@dataclass(frozen=True, slots=True)
class LoadSummary:
    """A load as ``workbench loads`` shows it."""

    load_id: str
    files: list[dict[str, Any]]
    options: dict[str, Any]
    at: str | None
    rows: int
    appearances: int
    complete: bool


def loads(manager: HybridStorageManager) -> list[LoadSummary]:
    """Return the loads of a store in order of time."""
    rows = manager.graph.nodes("Load").sort_values(["at", "id"])
    files = manager.graph.nodes("LoadFile")
    counts = manager.graph.nodes("Appearance")["load_id"].value_counts()
    return [
        LoadSummary(
            load_id=row["id"],
            files=files.loc[files["load_id"] == row["id"], ["role", "name", "sha256"]].to_dict(
                "records"
            ),
            options=json.loads(row["options"]),
            at=times.iso(int(row["at"].value // 1000)),
            rows=0 if pd.isna(row["rows"]) else int(row["rows"]),
            appearances=int(counts.get(row["id"], 0)),
            complete=bool(row["complete"]),
        )
        for row in rows.to_dict("records")
    ]


def recorded_load(manager: HybridStorageManager, load_id: str) -> LoadSummary:
    """Return one load.

    Raises
    ------
    NotFoundError
        When there is no such load.
    """
    for found in loads(manager):
        if found.load_id == load_id:
            return found
    raise NotFoundError(
        f"There is no load {load_id!r}.",
        where=f"load {load_id}",
        next="See which there are with: workbench loads",
    )


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
    table = table_named(label)
    graph = manager.graph
    if label in schema.NODES:
        rows = graph.nodes(label)
        return graph.delete_nodes(label, rows.loc[rows["load_id"] == load_id, list(table.key)])
    rows = graph.edges(label)
    return graph.delete_edges(label, rows.loc[rows["load_id"] == load_id, list(table.key)])


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


def _keys(table: Table, rows: pd.DataFrame) -> list[str]:
    return _texts(
        Table(table.name, table.label, "", tuple(table.column(k) for k in table.key)), rows
    )


def _texts(table: Table, rows: pd.DataFrame) -> list[str]:
    columns = {}
    for column in table.columns:
        values = rows[column.name]
        if column.kind == "time":
            values = times.to_us(values)
        columns[column.name] = values.astype(object).where(values.notna(), None)
    return [canonical_json(row) for row in pd.DataFrame(columns, dtype=object).to_dict("records")]


def _rows(table: Table, texts: list[str]) -> pd.DataFrame:
    rows = pd.DataFrame([json.loads(text) for text in texts], columns=table.names)
    for column in table.columns:
        if column.kind == "time":
            rows[column.name] = times.from_us(rows[column.name].astype("Int64"))
    return table.coerce(rows)[0]
