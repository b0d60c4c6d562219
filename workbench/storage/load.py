"""One run of the loader: files in, rows in the store, a record of what was read and how.

Everything that can be refused is refused before the first row is written. Then each batch commits
on its own: a load that was interrupted is run again and goes on, because rows that are there with
the same content are left alone.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from workbench import schema
from workbench.errors import ConflictError, InvalidInputError
from workbench.readers import (
    Batch,
    BatchReader,
    Embeddings,
    LoadOptions,
    TableRead,
    options_for,
    read_adjacency,
    read_appearances,
    read_cameras,
    read_floor_plan,
    read_identities,
    read_outages,
    read_sources,
)
from workbench.storage import rows
from workbench.storage.manager import HybridStorageManager
from workbench.storage.pair import planned_space
from workbench.storage.record import LoadFiles, LoadRecord, recorded_load
from workbench.storage.rehearsal import TABLES, LoadReport, Rehearsal, cameras_of, data_rows
from workbench.storage.rejects import COLUMNS, Rejects, of_appearances, of_table
from workbench.stores.graph.base import Selection
from workbench.stores.vectors.base import Precision


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadPolicy:
    """How a load behaves, apart from what its rows mean.

    Parameters
    ----------
    join : {'auto', 'id', 'row'}
        How vectors find their appearances.
    model_id, precision : str, optional
        Settings of vector spaces that the load makes.
    update : bool
        Overwrite what differs instead of rejecting it.
    strict : bool
        Refuse everything when a row is bad.
    dry_run : bool
        Say what would happen and write nothing.
    quiet : bool
        No progress bar.
    """

    join: str = "auto"
    model_id: str | None = None
    precision: Precision | None = None
    update: bool = False
    strict: bool = False
    dry_run: bool = False
    quiet: bool = False


class Load:
    """A load that was read and checked, ready to run.

    Parameters
    ----------
    files : LoadFiles
    options : LoadOptions
        What the rows mean.
    policy : LoadPolicy

    Raises
    ------
    InvalidInputError, NotFoundError
        When a file cannot be read as it is; nothing was written.
    """

    def __init__(self, files: LoadFiles, options: LoadOptions, policy: LoadPolicy) -> None:
        self.files, self.options, self.policy = files, options, policy
        if not any((files.appearances, *_tables(files).values(), files.floor_plans)):
            raise InvalidInputError(
                "There is nothing to load.",
                where="FILE",
                next="Name a file, or a table with --cameras, --adjacency, --outages, "
                "--identities or --floor-plan.",
            )
        sources, self._sources_ignored = _source_rows(files, options)
        self.readers: list[BatchReader] = [
            read_appearances(path, options_for(path, options, sources))
            for path in files.appearances
        ]
        self.tables = _read_tables(files, options)
        _warn_of(self.tables)
        self.embeddings = {space: Embeddings(path) for space, path in files.vectors.items()}
        if self.embeddings and not self.readers:
            raise InvalidInputError(
                "Vectors need the file of their appearances.",
                where=", ".join(f"--vectors {space}" for space in self.embeddings),
                next="Name the appearance file too; rows that are there are left alone.",
            )
        self.spaces = _spaces(self.readers, self.embeddings)
        self.joins = {space: self._join(found) for space, found in self.embeddings.items()}
        self.record = LoadRecord.of(self.readers, files, options)

    def _join(self, found: Embeddings) -> str:
        by_id = self.policy.join == "id" or (self.policy.join == "auto" and found.ids is not None)
        if not by_id and len(self.readers) > 1:
            raise InvalidInputError(
                "Vectors in row order need exactly one appearance file.",
                where=str(found.path),
                next="Load the files one by one, or give vectors with ids (.npz, Parquet).",
            )
        count = None if by_id else self.readers[0].count()
        return found.join(self.policy.join, data_rows=count)  # type: ignore[arg-type]

    def run(
        self,
        existing: HybridStorageManager | None,
        make: Callable[[], HybridStorageManager],
        *,
        space_settings: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> LoadReport:
        """Write the load and return what it did.

        Parameters
        ----------
        existing : HybridStorageManager or None
            The store, when there is one already.
        make : callable
            Makes it; called only after everything was found fit to be written.
        space_settings : mapping of str to mapping, optional
            What the configuration says of vector spaces.
        """
        started = time.monotonic()
        report = self._report()
        if existing is not None:
            self._check_against(existing)
        if existing is not None and self._is_complete(existing):
            report.rows = report.unchanged = recorded_load(existing, self.record.load_id).rows
            if not self.policy.dry_run:
                self.record.keep_options(existing)
        else:
            self._check_spaces(existing, space_settings or {})
            for reader in self.readers:
                reader.check()
            if self.policy.strict or self.policy.dry_run:
                rehearsed = self._rehearse(existing)
                report = rehearsed if self.policy.dry_run else report
            if not self.policy.dry_run:
                self._write(existing if existing is not None else make(), report)
        report.seconds = time.monotonic() - started
        return report

    def _report(self) -> LoadReport:
        """Return a report of nothing done yet."""
        formats = {reader.format for reader in self.readers}
        read_as = [reader.columns_read_as for reader in self.readers]
        read_as += [table.columns_read_as for _, table in self.tables]
        kept = [reader.mapped.properties for reader in self.readers]
        kept += [table.kept for _, table in self.tables]
        ignored = [table.ignored for _, table in self.tables] + [self._sources_ignored]
        return LoadReport(
            load_id=self.record.load_id,
            format=next(iter(formats)) if len(formats) == 1 else "mixed" if formats else None,
            columns_read_as={name: ours for part in read_as for name, ours in part.items()},
            columns_as_properties=_each_once(kept),
            columns_ignored=_each_once(ignored),
            notes=_each_once([tuple(reader.notes) for reader in self.readers]),
            tables={TABLES[label]: 0 for label, _ in self.tables},
        )

    def _check_spaces(
        self,
        existing: HybridStorageManager | None,
        space_settings: Mapping[str, Mapping[str, Any]],
    ) -> None:
        """Refuse vector spaces that could not be made, while there is nothing to undo."""
        there = {} if existing is None else existing.pair.spaces()
        for space, dim in self.spaces.items():
            if space not in there:
                stated = space_settings.get(space, {})
                planned_space(space, dim, {**stated, **self._settings()})

    # ------------------------------------------------------------------ before writing
    def _is_complete(self, manager: HybridStorageManager) -> bool:
        known = manager.graph.nodes("Load", ids=[self.record.load_id])
        return not self.policy.update and bool(known["complete"].fillna(False).any())

    def _check_against(self, manager: HybridStorageManager) -> None:
        """Refuse content that was loaded under other options, and vectors that do not fit."""
        known = manager.graph.nodes("LoadFile")
        for file in self.record.files:
            if file.role not in ("appearances", "contacts"):
                continue
            same = known[(known["sha256"] == file.sha256) & (known["role"] == file.role)]
            other = same[same["options"] != file.options]
            if len(other):
                load_id = other["load_id"].iloc[0]
                raise ConflictError(
                    f"{file.name} was loaded before with other options, as load {load_id}.",
                    where=file.name,
                    next=f"Take that load back first: workbench unload {load_id}",
                )
        self._check_origin(manager)
        for space, dim in self.spaces.items():
            self._check_space(manager, space, dim)

    def _check_origin(self, manager: HybridStorageManager) -> None:
        """Refuse another origin than that of the store: one site, one plane."""
        loads = manager.graph.nodes("Load")["options"].dropna()
        known = {json.loads(options).get("origin") for options in loads} - {None}
        if self.options.origin is not None and known - {self.options.origin}:
            theirs = sorted(known)[0]
            raise ConflictError(
                f"The origin of this site is {theirs}, not {self.options.origin}: its metres "
                "would be counted from two points.",
                where="--origin",
                next=f"Give --origin={theirs}, or load into another store.",
            )

    def _check_space(self, manager: HybridStorageManager, space: str, dim: int) -> None:
        there = manager.pair.spaces().get(space)
        if there is None:
            return
        wanted = {"dim": dim, "model_id": self.policy.model_id, "precision": self.policy.precision}
        for name, value in wanted.items():
            if value is not None and value != getattr(there, name):
                raise ConflictError(
                    f"The space {space!r} has {name} {getattr(there, name)}, not {value}.",
                    where=f"space {space}",
                    next="Give the vectors a space of their own: --vectors NAME=FILE",
                )

    def _rehearse(self, existing: HybridStorageManager | None) -> LoadReport:
        """Return what writing would do; with ``strict`` refuse the load for a bad row."""
        report = self._report()
        path = Path(tempfile.gettempdir()) / f"workbench-rejects-{self.record.load_id}.csv"
        rehearsal = Rehearsal(existing, report, Rejects(path), update=self.policy.update)
        for label, table in self.tables:
            rehearsal.table(label, table)
        report.rejected = 0 if self.readers else rehearsal.sink.count
        for reader in self.readers:
            for batch in self._progress(reader):
                rehearsal.batch(reader.name, batch)
        if rehearsal.differing and not self.policy.update:
            for reader in self.readers:
                for batch in reader:
                    rehearsal.differing_batch(reader.name, batch)
        if self.policy.strict and rehearsal.sink.first is not None:
            first = rehearsal.sink.first
            raise InvalidInputError(
                f"{rehearsal.sink.count} rows cannot be used; the first: {first['column']} "
                f"{str(first['value'])!r}: {first['reason']}. Nothing was written.",
                where=f"{first['file']}, line {first['line']}",
                next="Correct the file, or leave out --strict to load the good rows.",
            )
        rehearsal.finish()
        return report

    # ------------------------------------------------------------------ writing
    def _write(self, manager: HybridStorageManager, report: LoadReport) -> None:
        self._set_spaces(manager)
        self.record.begin(manager)
        folder = manager.folder or Path(tempfile.gettempdir())
        sink = Rejects(folder / "rejects" / f"{self.record.load_id}.csv")
        for label, table in self.tables:
            self._write_table(manager, label, table, report, sink)
        report.rejected = 0 if self.readers else sink.count
        for reader in self.readers:
            reader.batch_rows = min(reader.batch_rows, manager.graph.unit_rows)
            for batch in self._progress(reader):
                self._write_batch(manager, reader.name, batch, report, sink)
        self.record.finish(manager, report.rows)
        report.rejects_file = sink.file
        report.first_reject = sink.first

    def _set_spaces(self, manager: HybridStorageManager) -> None:
        for space in self.spaces:
            stated = manager.pair.stated(space)
            manager.pair.space_settings[space] = {**stated, **self._settings()}

    def _settings(self) -> dict[str, object]:
        given = {"model_id": self.policy.model_id, "precision": self.policy.precision}
        return {name: value for name, value in given.items() if value is not None}

    def _write_table(
        self,
        manager: HybridStorageManager,
        label: str,
        table: TableRead,
        report: LoadReport,
        sink: Rejects,
    ) -> None:
        load_id = self.record.load_id
        if cameras := cameras_of(label, table):
            made = rows.merge_rows(
                manager.pair, "Camera", pd.DataFrame({"id": cameras}), load_id=load_id
            )
            report.cameras += made.added
        merged = rows.merge_rows(
            manager.pair, label, table.rows, update=self.policy.update, load_id=load_id
        )
        self.record.changed(manager, label, merged.before)
        report.tables[TABLES[label]] += merged.added
        report.cameras += merged.added if label == "Camera" else 0
        report.identities += merged.added if label == "Identity" else 0
        left = [] if self.policy.update else [of_table(table, merged.conflicts)]
        sink.add(table.rejects, *left)

    def _write_batch(
        self,
        manager: HybridStorageManager,
        name: str,
        batch: Batch,
        report: LoadReport,
        sink: Rejects,
    ) -> None:
        work = batch.rows.assign(load_id=self.record.load_id)
        work["created_at"] = schema.APPEARANCE.column("created_at").missing(len(work))
        rejects = [batch.rejects]
        outcome = np.array(["conflict"] * len(work), dtype=object)
        left = np.arange(len(work))
        while len(left):
            # The same id twice in a batch: the second is compared with what the first one wrote.
            first = ~work["id"].iloc[left].duplicated().to_numpy()
            at, left = left[first], left[~first]
            part = work.iloc[at].reset_index(drop=True)
            written = manager.writer.write(
                part, self._vectors(batch, at), create=True, update=self.policy.update
            )
            outcome[at] = written.outcome.to_numpy(dtype=object)
            self.record.changed_appearances(manager, written)
            rejects.append(of_appearances(name, batch, part, batch.line[at], written.conflicts))
            report.identities += len(written.identities)
            report.cameras += len(written.cameras)
            for space, n in written.vectors.items():
                report.vectors[space] = report.vectors.get(space, 0) + n
        self._count(manager, batch, work, outcome, report)
        report.rejected += sink.add(*rejects)

    def _vectors(self, batch: Batch, at: np.ndarray) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        inside = {space: (found[at], has[at]) for space, (found, has) in batch.vectors.items()}
        return inside | {
            space: found.by_id(batch.rows["id"].iloc[at])
            if self.joins[space] == "id"
            else found.by_position(batch.position[at])
            for space, found in self.embeddings.items()
        }

    def _count(
        self,
        manager: HybridStorageManager,
        batch: Batch,
        work: pd.DataFrame,
        outcome: np.ndarray,
        report: LoadReport,
    ) -> None:
        report.rows += batch.read
        report.filtered += batch.filtered
        report.appearances += int((outcome == "new").sum())
        report.added += data_rows(batch, outcome == "new")
        report.updated += data_rows(batch, outcome == "differs")
        same = outcome == "same"
        if not same.any():
            return
        # Equal to a row of this load from elsewhere: a duplicate. Else it was there before.
        here = work[same]
        known = manager.graph.sightings(Selection(ids=here["id"].tolist())).set_index("id")
        known = known.reindex(here["id"]).set_axis(here.index)
        itself = (known["source_file"] == here["source_file"]) & (
            known["source_row"] == here["source_row"]
        ).fillna(False)
        again = np.zeros(len(work), dtype=bool)
        again[same] = ((known["load_id"] == self.record.load_id) & ~itself).to_numpy(dtype=bool)
        report.duplicates += data_rows(batch, again)
        report.unchanged += data_rows(batch, same & ~again)

    def _progress(self, reader: BatchReader) -> Iterator[Batch]:
        seen = sys.stderr.isatty() or "ipykernel" in sys.modules
        shown = seen and not self.policy.quiet
        with tqdm(desc=reader.name, unit=" rows", disable=not shown, file=sys.stderr) as bar:
            for batch in reader:
                yield batch
                bar.update(batch.read)


def _spaces(readers: list[BatchReader], beside: Mapping[str, Embeddings]) -> dict[str, int]:
    """Return the vector spaces of a load with their dimensions: of its files, and beside them."""
    dims = {space: found.dim for space, found in beside.items()}
    for reader in readers:
        for space, dim in reader.spaces.items():
            if space in beside or dims.setdefault(space, dim) != dim:
                other = repr(beside[space].path.name) if space in beside else "another file"
                raise InvalidInputError(
                    f"{reader.name!r} brings vectors of {dim} numbers for the space {space!r}, "
                    f"and {other} brings vectors of {dims[space]}.",
                    where=f"space {space}",
                    next="Give those in the rows another space: --space NAME.",
                )
    return dims


def _tables(files: LoadFiles) -> dict[str, Path | None]:
    return {
        "Camera": files.cameras,
        "ADJACENT_TO": files.adjacency,
        "Outage": files.outages,
        "Identity": files.identities,
    }


def _read_tables(files: LoadFiles, options: LoadOptions) -> list[tuple[str, TableRead]]:
    readers: dict[str, Any] = {
        "Camera": read_cameras,
        "ADJACENT_TO": read_adjacency,
        "Outage": read_outages,
        "Identity": read_identities,
    }
    found = [
        (label, readers[label](path, options))
        for label, path in _tables(files).items()
        if path is not None
    ]
    for path in files.floor_plans:
        plan = read_floor_plan(path, options)
        nothing = pd.DataFrame(columns=list(COLUMNS))
        read = TableRead(plan, nothing, 1, line=np.array([1]), name=path.name)
        found.append(("FloorPlan", read))
    return found


def _warn_of(tables: list[tuple[str, TableRead]]) -> None:
    from workbench.analytics.paths import warn_if_complete

    for label, table in tables:
        if label == "ADJACENT_TO":
            warn_if_complete(table.rows, name=table.name)


def _each_once(parts: list[tuple[str, ...]]) -> list[str]:
    return list(dict.fromkeys(name for part in parts for name in part))


def _source_rows(files: LoadFiles, options: LoadOptions) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return what is known of each video, and the columns that nobody asked for."""
    if files.sources is None:
        return pd.DataFrame({n: pd.Series([], dtype="str") for n in ("file", "camera_id")}), ()
    read = read_sources(files.sources, options)
    if len(read.rejects):
        first = read.rejects.iloc[0]
        raise InvalidInputError(
            f"The sources table has a bad row: {first['column']}: {first['reason']}.",
            where=f"{first['file']}, line {first['line']}",
            next="Correct it: without it the times of a whole file are unknown.",
        )
    return read.rows, read.ignored
