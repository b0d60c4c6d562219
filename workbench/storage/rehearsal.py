"""What a load would do, without writing: for ``--dry-run``, and before ``--strict`` begins."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from workbench.readers import Batch, TableRead
from workbench.storage import rows
from workbench.storage.appearances import CONTENT
from workbench.storage.manager import HybridStorageManager
from workbench.storage.rejects import Rejects, of_appearances, of_table


@dataclass(slots=True, kw_only=True)
class LoadReport:
    """What a load did.

    ``rows`` counts data rows of the appearance files, and every one of them is added, updated,
    unchanged, a duplicate, filtered or rejected; ``identities``, ``appearances`` and ``cameras``
    are the newly created ones. ``first_reject`` is the first row of the rejects file (``file, line,
    column, value, reason``), ``columns_as_properties`` are columns of the files that feed none of
    ours and are kept as properties, ``columns_ignored`` those that are left out,
    ``notes`` say what a format decided that the rows do not say, ``tables`` has for each kind of
    table that was given how many of its rows are new.
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
    columns_as_properties: list[str] = field(default_factory=list)
    columns_ignored: list[str] = field(default_factory=list)
    first_reject: dict[str, object] | None = None
    notes: list[str] = field(default_factory=list)
    tables: dict[str, int] = field(default_factory=dict)


# How a report calls the tables.
TABLES = {
    "Camera": "cameras",
    "ADJACENT_TO": "adjacency",
    "Outage": "outages",
    "Identity": "identities",
    "FloorPlan": "floor_plans",
}


class Rehearsal:
    """Counts into a report what writing would do, and collects the rows it would reject.

    Parameters
    ----------
    existing : HybridStorageManager or None
        The store, when there is one already.
    report : LoadReport
        Counted into.
    sink : Rejects
        Gets the bad rows.
    update : bool
        Whether what differs would be overwritten.
    """

    def __init__(
        self,
        existing: HybridStorageManager | None,
        report: LoadReport,
        sink: Rejects,
        *,
        update: bool,
    ) -> None:
        self._existing = existing
        self._report = report
        self.sink = sink
        self._update = update
        self._ids: dict[Hashable, object] = {}
        self.differing: set[Hashable] = set()
        self._firsts = pd.DataFrame()
        self._people: set[str] = set()
        self._cameras: set[str] = set()

    def table(self, label: str, table: TableRead) -> None:
        """Go through a table."""
        known = None if self._existing is None else rows.stored(self._existing.graph, label)
        conflicts = rows.conflicts_with(label, table.rows, known)
        self._report.tables[TABLES[label]] += rows.new_among(label, table.rows, known)
        self.sink.add(table.rejects, *([] if self._update else [of_table(table, conflicts)]))
        self._cameras.update(cameras_of(label, table))
        if label in ("Camera", "Identity"):
            met = self._cameras if label == "Camera" else self._people
            met.update(table.rows["id"])

    def batch(self, name: str, batch: Batch) -> None:
        """Go through a batch of appearances."""
        report, again = self._report, self._again(batch.rows)
        fresh = batch.rows[~again].reset_index(drop=True)
        outcome = np.array(["again"] * len(again), dtype=object)
        outcome[~again] = "new"
        rejects = [batch.rejects]
        if self._existing is not None:
            foreseen = self._existing.writer.foresee(fresh)
            outcome[~again] = foreseen.outcome.to_numpy(dtype=object)
            if not self._update:
                line = batch.line[~again]
                rejects.append(of_appearances(name, batch, fresh, line, foreseen.conflicts))
        report.rows += batch.read
        report.filtered += batch.filtered
        report.duplicates += data_rows(batch, again)
        report.appearances += int((outcome == "new").sum())
        report.added += data_rows(batch, outcome == "new")
        report.unchanged += data_rows(batch, outcome == "same")
        if self._update:
            report.updated += data_rows(batch, outcome == "differs")
        report.rejected += self.sink.add(*rejects)

    def differing_batch(self, name: str, batch: Batch) -> None:
        """Reject the rows of a batch that contradict the first one of their id in these files.

        A second way through the files, of the ids in `differing` alone: those of which not all
        rows are equal.
        """
        chosen = batch.rows["id"].isin(self.differing).to_numpy()
        rows_ = batch.rows[chosen].reset_index(drop=True)
        both = pd.concat([self._firsts, rows_], ignore_index=True)
        self._firsts = both.drop_duplicates("id", ignore_index=True)
        first = self._firsts.set_index("id").reindex(rows_["id"])
        reject: dict[str, list[object]] = {
            column: [] for column in ("file", "line", "column", "value", "reason")
        }
        for column in (*CONTENT[1:], "identity_id"):
            given, known = rows_[column], first[column].set_axis(rows_.index)
            differs = given.notna() & ~(given == known).fillna(False).astype(bool)
            at = differs.to_numpy().nonzero()[0]
            reject["file"] += [name] * len(at)
            reject["line"] += batch.line[chosen][at].tolist()
            reject["column"] += [column] * len(at)
            reject["value"] += [str(value) for value in given.iloc[at]]
            reject["reason"] += [
                f"{key} is there with {value} (--update overwrites)"
                for key, value in zip(rows_["id"].iloc[at], known.iloc[at], strict=True)
            ]
        found = pd.DataFrame(reject).drop_duplicates("line")
        self._report.duplicates -= len(found)
        self._report.rejected += self.sink.add(found)

    def finish(self) -> None:
        """Count the identities and cameras that would be made."""
        graph = None if self._existing is None else self._existing.graph
        known = {
            label: set() if graph is None else set(graph.nodes(label)["id"])
            for label in ("Identity", "Camera")
        }
        self._report.identities = len(self._people - known["Identity"])
        self._report.cameras = len(self._cameras - known["Camera"])
        self._report.rejects_file = self.sink.file
        self._report.first_reject = self.sink.first

    def _again(self, work: pd.DataFrame) -> np.ndarray:
        """Return which rows have an id that was met before; note all of them."""
        known = (work["id"].duplicated() | work["id"].isin(self._ids.keys())).to_numpy()
        said = work[[*CONTENT, "identity_id"]].astype("str")
        hashes = pd.util.hash_pandas_object(said, index=False).astype(object)
        for key, content in zip(work["id"].astype(object), hashes, strict=True):
            if self._ids.setdefault(key, content) != content:
                self.differing.add(key)
        self._people.update(work["identity_id"].dropna())
        self._cameras.update(work["camera_id"].dropna())
        return known


def cameras_of(label: str, table: TableRead) -> list[str]:
    """Return the cameras that a table refers to."""
    columns = [c.name for c in rows.table_named(label).columns if c.references == "camera"]
    if not columns:
        return []
    return pd.concat([table.rows[name] for name in columns]).drop_duplicates().tolist()


def data_rows(batch: Batch, chosen: np.ndarray) -> int:
    """Return how many data rows the chosen appearances came from."""
    return len(np.unique(batch.position[chosen]))
