"""What was loaded: the record of each load, and what it changed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from workbench import schema, times
from workbench.errors import InvalidInputError, NotFoundError
from workbench.readers import BatchReader, LoadOptions, sha256
from workbench.schema import Table, canonical_json
from workbench.storage.manager import HybridStorageManager
from workbench.storage.rows import table_named

if TYPE_CHECKING:
    from workbench.storage.appearances import Written


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadFiles:
    """The files of one load: appearances, tables beside them, vectors by space."""

    appearances: Sequence[Path] = ()
    cameras: Path | None = None
    adjacency: Path | None = None
    outages: Path | None = None
    floor_plans: Sequence[Path] = ()
    identities: Path | None = None
    sources: Path | None = None
    vectors: Mapping[str, Path] = field(default_factory=dict)


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
                canonical_json(reader.meaning()),
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
        root = _root(readers, options)
        kept = options.meaning() | ({} if root is None else {"frames_root": root})
        found += [
            RecordedFile(role, Path(path).name, sha256(path), meaning)
            for role, path in others
            if path is not None
        ]
        said = [[file.role, file.sha256, file.options] for file in found]
        key = hashlib.sha256(canonical_json(said).encode()).hexdigest()[:12]
        return cls(key, tuple(found), canonical_json(kept))

    def begin(self, manager: HybridStorageManager) -> None:
        """Write the load as begun; one that was interrupted keeps its beginning."""
        known = manager.graph.nodes("Load", ids=[self.load_id])
        if len(known):
            self.keep_options(manager)
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

    def keep_options(self, manager: HybridStorageManager) -> None:
        """Write where the pictures lie now, where the load is known with another folder."""
        load = manager.graph.nodes("Load", ids=[self.load_id])
        if not len(load) or load["options"].iloc[0] == self.options:
            return
        if "frames_root" in json.loads(self.options):  # none given: what is known stays
            load["options"] = self.options
            with manager.unit():
                manager.graph.upsert_nodes("Load", schema.LOAD.check(load))

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


def _root(readers: Sequence[BatchReader], options: LoadOptions) -> str | None:
    """Return the folder of the pictures: as it was given, or as a reader of pictures knows it."""
    roots = {str(r.options.frames_root) for r in readers if r.options.frames_root is not None}
    if len(roots) > 1:
        raise InvalidInputError(
            "Several folders of pictures in one load need a folder above them all.",
            where="--frames-root",
            next="Name it with --frames-root, or load the folders one by one.",
        )
    return next(iter(roots), None if options.frames_root is None else str(options.frames_root))


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
