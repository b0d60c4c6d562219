"""The rejects file of a load: every row that could not be used, with line and reason."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pandas as pd

from workbench.readers import Batch, TableRead

COLUMNS = ("file", "line", "column", "value", "reason")
_OVERWRITE = "(--update overwrites)"


class Rejects:
    """Rows that were rejected so far, written to a file as they come.

    Parameters
    ----------
    path : Path
        The file; an older one is replaced, and none is made while nothing is rejected.
    """

    def __init__(self, path: Path) -> None:
        self._path = path.absolute()
        self._path.unlink(missing_ok=True)
        self.count = 0
        self.first: dict[str, object] | None = None

    @property
    def file(self) -> str | None:
        """Return the absolute path of the file, None while there is none."""
        return str(self._path) if self.count else None

    def add(self, *parts: pd.DataFrame) -> int:
        """Append rows in order of line; return how many lines they are of."""
        filled = [part[list(COLUMNS)] for part in parts if len(part)]
        if not filled:
            return 0
        rows = pd.concat(filled, ignore_index=True).sort_values("line", kind="stable")
        self._path.parent.mkdir(parents=True, exist_ok=True)
        fresh = not self._path.exists()
        with self._path.open("a", newline="", encoding="utf-8", errors="backslashreplace") as out:
            writer = csv.writer(out)
            if fresh:
                writer.writerow(COLUMNS)
            writer.writerows(rows.itertuples(index=False, name=None))
        if self.first is None:
            cells = {str(name): str(cell) for name, cell in rows.iloc[0].items()}
            self.first = {**cells, "line": int(rows["line"].iloc[0])}
        lines = len(rows.drop_duplicates(["file", "line"]))
        self.count += lines
        return lines


def of_appearances(
    name: str, batch: Batch, rows: pd.DataFrame, line: np.ndarray, conflicts: pd.DataFrame
) -> pd.DataFrame:
    """Return the rejects of appearances that contradict what is stored, one a row."""
    if conflicts.empty:
        return batch.rejects.iloc[:0]
    first = conflicts.drop_duplicates("id")
    lines = pd.Series(line, index=rows["id"].to_numpy())
    return pd.DataFrame(
        {
            "file": name,
            "line": lines.reindex(first["id"]).to_numpy(),
            "column": first["column"].to_numpy(),
            "value": first["given"].to_numpy(),
            "reason": [
                f"{key} is there with {stored} {_OVERWRITE}"
                for key, stored in zip(first["id"], first["stored"], strict=True)
            ],
        }
    )


def of_table(table: TableRead, conflicts: pd.DataFrame) -> pd.DataFrame:
    """Return the rejects of table rows that contradict what is stored, one a row."""
    first = conflicts.drop_duplicates("row")
    return pd.DataFrame(
        {
            "file": table.name,
            "line": table.line[first["row"].to_numpy(dtype="int64")],
            "column": first["column"].to_numpy(),
            "value": first["given"].to_numpy(),
            "reason": [f"is there with {stored!r} {_OVERWRITE}" for stored in first["stored"]],
        }
    )
