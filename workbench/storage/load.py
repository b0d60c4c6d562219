"""One run of the loader: files in, rows in the store, a record of what was read and how.

Everything that can be refused is refused before the first row is written. Then each batch commits
on its own: a load that was interrupted is run again and goes on, because rows that are there with
the same content are left alone.
"""

from __future__ import annotations

import csv
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from workbench import schema
from workbench.errors import ConflictError, InvalidInputError
from workbench.ingest import (
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
from workbench.storage.manager import HybridStorageManager
from workbench.storage.record import LoadRecord, recorded_load
from workbench.storage.rows import merge_rows, table_named
from workbench.stores.graph.base import Selection
from workbench.stores.vectors.base import Precision

REJECT_COLUMNS = ("file", "line", "column", "value", "reason")


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


@dataclass(slots=True, kw_only=True)
class LoadReport:
    """What a load did.

    ``rows`` counts data rows of the appearance files, and every one of them is added, updated,
    unchanged, a duplicate, filtered or rejected; ``identities``, ``appearances`` and ``cameras``
    are the newly created ones.
    """

    load_id: str
    format: str | None = None
    columns_read_as: dict[str, str] = field(default_factory=dict)
    rows: int = 0
    added: int = 0
    updated: int = 0
    unchanged: int = 0
    duplicates: int = 0
    filtered: int = 0
    rejected: int = 0
    rejects_file: str | None = None
    identities: int = 0
    appearances: int = 0
    cameras: int = 0
    vectors: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0


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
        sources = _source_rows(files, options)
        self.readers: list[BatchReader] = [
            read_appearances(path, options_for(path, options, sources))
            for path in files.appearances
        ]
        self.tables = _read_tables(files, options)
        self.embeddings = {space: Embeddings(path) for space, path in files.vectors.items()}
        if self.embeddings and not self.readers:
            raise InvalidInputError(
                "Vectors need the file of their appearances.",
                where=", ".join(f"--vectors {space}" for space in self.embeddings),
                next="Name the appearance file too; rows that are there are left alone.",
            )
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
        rows = None if by_id else self.readers[0].count()
        return found.join(self.policy.join, data_rows=rows)  # type: ignore[arg-type]

    def run(
        self, existing: HybridStorageManager | None, make: Callable[[], HybridStorageManager]
    ) -> LoadReport:
        """Write the load and return what it did.

        Parameters
        ----------
        existing : HybridStorageManager or None
            The store, when there is one already.
        make : callable
            Makes it; called only after everything was found fit to be written.
        """
        started = time.monotonic()
        report = LoadReport(load_id=self.record.load_id)
        if self.readers:
            formats = {reader.format for reader in self.readers}
            report.format = formats.pop() if len(formats) == 1 else "mixed"
        for reader in self.readers:
            report.columns_read_as |= reader.columns_read_as
        for _, table in self.tables:
            report.columns_read_as |= table.columns_read_as
        if existing is not None:
            self._check_against(existing)
            if self._is_complete(existing):
                report.rows = report.unchanged = recorded_load(existing, self.record.load_id).rows
                report.seconds = time.monotonic() - started
                return report
        for reader in self.readers:
            reader.check()
        if self.policy.strict or self.policy.dry_run:
            self._rehearse(existing, report)
        if not self.policy.dry_run:
            manager = existing if existing is not None else make()
            report = self._write(manager, replace_counts(report))
        report.seconds = time.monotonic() - started
        return report

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
        for space, found in self.embeddings.items():
            self._check_space(manager, space, found.dim)

    def _check_space(self, manager: HybridStorageManager, space: str, dim: int) -> None:
        there = manager.vector.spaces().get(space)
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

    def _rehearse(self, existing: HybridStorageManager | None, report: LoadReport) -> None:
        """Go through every row without writing; with ``strict`` refuse what is bad."""
        rejects = [table.rejects for _, table in self.tables]
        ids: set[str] = set()
        for reader in self.readers:
            for batch in self._progress(reader):
                rejects.append(batch.rejects)
                report.rows += batch.read
                report.filtered += batch.filtered
                found = self._foreseen(existing, batch, ids, report)
                rejects.append(found)
        bad = pd.concat(rejects, ignore_index=True) if rejects else pd.DataFrame()
        report.rejected = len(bad) - sum(len(t.rejects) for _, t in self.tables)
        if self.policy.strict and len(bad):
            first = bad.iloc[0]
            raise InvalidInputError(
                f"{len(bad)} rows cannot be used; the first: {first['column']} "
                f"{str(first['value'])!r}: {first['reason']}. Nothing was written.",
                where=f"{first['file']}, line {first['line']}",
                next="Correct the file, or leave out --strict to load the good rows.",
            )
        if len(bad):
            folder = Path(tempfile.gettempdir())
            path = folder / f"workbench-rejects-{self.record.load_id}.csv"
            path.unlink(missing_ok=True)
            report.rejects_file = _reject(path, bad)

    def _foreseen(
        self,
        existing: HybridStorageManager | None,
        batch: Batch,
        ids: set[str],
        report: LoadReport,
    ) -> pd.DataFrame:
        rows = batch.rows
        again = (rows["id"].duplicated() | rows["id"].isin(ids)).to_numpy()
        ids.update(rows["id"])
        report.duplicates += _data_rows(batch, again)
        fresh = rows[~again].reset_index(drop=True)
        if existing is None:
            report.added += _data_rows(batch, ~again)
            report.appearances += len(fresh)
            return batch.rejects.iloc[:0]
        known = existing.writer.foresee(fresh)
        outcome = np.array(["again"] * len(rows), dtype=object)
        outcome[~again] = known.outcome.to_numpy(dtype=object)
        report.added += _data_rows(batch, outcome == "new")
        report.appearances += int((outcome == "new").sum())
        report.unchanged += _data_rows(batch, outcome == "same")
        if self.policy.update:
            report.updated += _data_rows(batch, outcome == "differs")
            return batch.rejects.iloc[:0]
        return _conflict_rejects(self._name(batch), batch, known.conflicts)

    # ------------------------------------------------------------------ writing
    def _write(self, manager: HybridStorageManager, report: LoadReport) -> LoadReport:
        self._set_spaces(manager)
        self.record.begin(manager)
        rejects = Path(manager.folder or tempfile.gettempdir()) / "rejects"
        sink = rejects / f"{self.record.load_id}.csv"
        sink.unlink(missing_ok=True)
        for label, table in self.tables:
            self._write_table(manager, label, table, report, sink)
        for reader in self.readers:
            for batch in self._progress(reader):
                self._write_batch(manager, batch, report, sink)
        self.record.finish(manager, report.rows)
        return report

    def _set_spaces(self, manager: HybridStorageManager) -> None:
        given = {"model_id": self.policy.model_id, "precision": self.policy.precision}
        stated = {name: value for name, value in given.items() if value is not None}
        for space, found in self.embeddings.items():
            settings = dict(manager.pair.space_settings.get(space, {})) | stated
            manager.pair.space_settings[space] = settings
            manager.pair.space(space, found.dim)  # refuses what cannot be made

    def _write_table(
        self,
        manager: HybridStorageManager,
        label: str,
        table: TableRead,
        report: LoadReport,
        sink: Path,
    ) -> None:
        rejects = [table.rejects]
        cameras = [c.name for c in table_named(label).columns if c.references == "camera"]
        if cameras:
            ids = pd.concat([table.rows[name] for name in cameras]).drop_duplicates()
            known = manager.graph.nodes("Camera", ids=ids.tolist())["id"]
            new = pd.DataFrame({"id": ids[~ids.isin(known)]})
            merge_rows(manager.pair, "Camera", new, load_id=self.record.load_id)
            report.cameras += len(new)
        merged = merge_rows(
            manager.pair,
            label,
            table.rows,
            update=self.policy.update,
            load_id=self.record.load_id,
        )
        self.record.changed(manager, label, merged.before)
        if not self.policy.update and len(merged.conflicts):
            rejects.append(_table_rejects(table, merged.conflicts))
        if label == "Camera":
            report.cameras += merged.added
        if label == "Identity":
            report.identities += merged.added
        bad = pd.concat(rejects, ignore_index=True)
        if not self.readers:
            report.rejected += len(bad)
        if len(bad):
            report.rejects_file = _reject(sink, bad)

    def _write_batch(
        self, manager: HybridStorageManager, batch: Batch, report: LoadReport, sink: Path
    ) -> None:
        rows = batch.rows.assign(load_id=self.record.load_id)
        rows["created_at"] = schema.APPEARANCE.column("created_at").missing(len(rows))
        rejects = [batch.rejects]
        left = np.arange(len(rows))
        outcome = np.array(["conflict"] * len(rows), dtype=object)
        while len(left):
            # The same id twice in a batch: the second is compared with what the first one wrote.
            part = rows.iloc[left].reset_index(drop=True)
            first = ~part["id"].duplicated().to_numpy()
            at, part = left[first], part[first].reset_index(drop=True)
            written = manager.writer.write(
                part, self._vectors(batch, at), create=True, update=self.policy.update
            )
            outcome[at] = written.outcome.to_numpy(dtype=object)
            self.record.changed_appearances(manager, written)
            rejects.append(_conflict_rejects(self._name(batch), batch, written.conflicts, at, rows))
            report.identities += len(written.identities)
            report.cameras += len(written.cameras)
            for space, n in written.vectors.items():
                report.vectors[space] = report.vectors.get(space, 0) + n
            left = left[~first]
        self._count(manager, batch, rows, outcome, report)
        bad = (
            pd.concat([r for r in rejects if len(r)], ignore_index=True)
            if any(len(r) for r in rejects)
            else batch.rejects
        )
        bad = bad.sort_values("line", kind="stable", ignore_index=True)
        report.rejected += len(bad.drop_duplicates("line"))
        if len(bad):
            report.rejects_file = _reject(sink, bad)

    def _vectors(self, batch: Batch, at: np.ndarray) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        return {
            space: found.by_id(batch.rows["id"].iloc[at])
            if self.joins[space] == "id"
            else found.by_position(batch.position[at])
            for space, found in self.embeddings.items()
        }

    def _count(
        self,
        manager: HybridStorageManager,
        batch: Batch,
        rows: pd.DataFrame,
        outcome: np.ndarray,
        report: LoadReport,
    ) -> None:
        report.rows += batch.read
        report.filtered += batch.filtered
        report.appearances += int((outcome == "new").sum())
        report.added += _data_rows(batch, outcome == "new")
        report.updated += _data_rows(batch, outcome == "differs")
        same = outcome == "same"
        if not same.any():
            return
        # Equal to a row of this load from elsewhere: a duplicate. Else it was there before.
        known = manager.graph.sightings(Selection(ids=rows.loc[same, "id"].tolist()))
        known = known.set_index("id").reindex(rows.loc[same, "id"])
        here = rows.loc[same, ["source_file", "source_row"]]
        itself = (known["source_file"].to_numpy() == here["source_file"].to_numpy()) & (
            known["source_row"].to_numpy() == here["source_row"].to_numpy()
        )
        mine = (known["load_id"] == self.record.load_id).to_numpy()
        again = np.zeros(len(rows), dtype=bool)
        again[same.nonzero()[0]] = mine & ~itself.astype(bool)
        report.duplicates += _data_rows(batch, again)
        report.unchanged += _data_rows(batch, same & ~again)

    def _progress(self, reader: BatchReader) -> Iterator[Batch]:
        shown = not self.policy.quiet and sys.stderr.isatty()
        with tqdm(desc=reader.name, unit=" rows", disable=not shown, file=sys.stderr) as bar:
            for batch in reader:
                yield batch
                bar.update(batch.read)

    @staticmethod
    def _name(batch: Batch) -> str:
        return str(batch.rows["source_file"].iloc[0]) if len(batch.rows) else ""


def replace_counts(report: LoadReport) -> LoadReport:
    """Return the report with what a rehearsal counted taken out again."""
    return LoadReport(
        load_id=report.load_id, format=report.format, columns_read_as=report.columns_read_as
    )


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
        plan = read_floor_plan(path)
        nothing = pd.DataFrame(columns=list(REJECT_COLUMNS))
        found.append(("FloorPlan", TableRead(plan, nothing, 1, line=np.array([1]))))
    return found


def _source_rows(files: LoadFiles, options: LoadOptions) -> pd.DataFrame:
    if files.sources is None:
        return pd.DataFrame({n: pd.Series([], dtype="str") for n in ("file", "camera_id")})
    read = read_sources(files.sources, options)
    if len(read.rejects):
        first = read.rejects.iloc[0]
        raise InvalidInputError(
            f"The sources table has a bad row: {first['column']}: {first['reason']}.",
            where=f"{first['file']}, line {first['line']}",
            next="Correct it: without it the times of a whole file are unknown.",
        )
    return read.rows


def _data_rows(batch: Batch, chosen: np.ndarray) -> int:
    """Return how many data rows the chosen appearances came from."""
    return len(np.unique(batch.position[chosen]))


def _conflict_rejects(
    name: str,
    batch: Batch,
    conflicts: pd.DataFrame,
    at: np.ndarray | None = None,
    rows: pd.DataFrame | None = None,
) -> pd.DataFrame:
    if conflicts.empty:
        return batch.rejects.iloc[:0]
    first = conflicts.drop_duplicates("id")
    ids = batch.rows["id"] if at is None else batch.rows["id"].iloc[at]
    lines = pd.Series(batch.line if at is None else batch.line[at], index=ids.to_numpy())
    lines = lines[~lines.index.duplicated()]
    return pd.DataFrame(
        {
            "file": name,
            "line": lines.reindex(first["id"]).to_numpy(),
            "column": first["column"].to_numpy(),
            "value": first["given"].to_numpy(),
            "reason": [
                f"{i} is there with {s} (--update overwrites)"
                for i, s in zip(first["id"], first["stored"], strict=True)
            ],
        }
    )


def _table_rejects(table: TableRead, conflicts: pd.DataFrame) -> pd.DataFrame:
    first = conflicts.drop_duplicates("row")
    return pd.DataFrame(
        {
            "file": table.name,
            "line": table.line[first["row"].to_numpy(dtype="int64")],
            "column": first["column"].to_numpy(),
            "value": first["given"].to_numpy(),
            "reason": [f"is there with {s!r} (--update overwrites)" for s in first["stored"]],
        }
    )


def _reject(path: Path, rejects: pd.DataFrame) -> str:
    """Append rows to a rejects file and return its absolute path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = not path.exists()
    with path.open("a", newline="", encoding="utf-8", errors="backslashreplace") as out:
        writer = csv.writer(out)
        if fresh:
            writer.writerow(REJECT_COLUMNS)
        writer.writerows(rejects[list(REJECT_COLUMNS)].itertuples(index=False, name=None))
    return str(path.absolute())
