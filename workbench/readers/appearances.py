"""Appearances from a table with one row for each: checked, with ids, times, boxes, properties."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from workbench import schema
from workbench.errors import InvalidInputError
from workbench.readers import clock as clocks
from workbench.readers import columns
from workbench.readers.batches import (
    IDENTITY_COLUMN,
    BatchReader,
    Cells,
    by_value,
    constant,
    with_format,
)
from workbench.readers.files import BATCH_ROWS, TextFile
from workbench.readers.frame_paths import check_paths
from workbench.readers.options import LoadOptions, option
from workbench.readers.row_ids import from_options, row_ids

_PLAIN = (
    "tracking_id",
    "frame",
    "floor_x_m",
    "floor_y_m",
    "detection_confidence",
    "face_quality",
    "reid_quality",
    "blur_score",
    "frame_path",
    "match_confidence",
)
_PIXEL = {
    name: schema.Column(name, "float", "An edge of the box.", "px") for name in columns.CORNERS
}
_ID = schema.Column("id", "id", "Key.")
_CAMERA = schema.Column("camera_id", "id", "The camera that saw it.", required=True)


class AppearanceReader(BatchReader):
    """The appearances of a CSV or Parquet file.

    Parameters
    ----------
    file : TextFile
        The open file.
    options : LoadOptions
        How it is to be read.
    batch_rows : int
        Data rows of a batch.

    Raises
    ------
    InvalidInputError
        When the file lacks a camera or a time, when an option has no use, or when a name could
        mean two things.
    """

    first_frame = 0
    """Number of the frame that is at the start time."""
    below = ""
    """Where below the frames root the paths of the file begin."""

    def __init__(
        self, file: TextFile, options: LoadOptions, *, batch_rows: int = BATCH_ROWS
    ) -> None:
        mapped = columns.appearances(file.columns, options, file.meaning)
        clock = clocks.plan(mapped.theirs, options, file, first=self.first_frame)
        _require(mapped.theirs, options, file)
        resolved = with_format(options, file.format)
        super().__init__(file, resolved, mapped, clock, batch_rows=batch_rows)
        self._added = from_options(options)
        self._asked = False

    def _refuse(self, frame: pd.DataFrame, line: np.ndarray) -> None:
        super()._refuse(frame, line)
        if (
            not self._asked
            and self.mapped.theirs.get("id") == "id"
            and "id" not in self.options.columns
        ):
            _ask_id(frame, self.name)
        self._asked = True

    def _rows(self, cells: Cells) -> dict[str, pd.Series]:
        rows = {"id": self._ids(cells), "timestamp": self._times(cells)}
        rows["camera_id"] = self._cameras(cells)
        rows |= {
            name: cells.checked(schema.APPEARANCE.column(name))
            for name in _PLAIN
            if cells.has(name)
        }
        if self.options.globe is not None and columns.degrees(cells.theirs):
            rows["floor_x_m"], rows["floor_y_m"] = cells.on_plane(self.options.globe)
        self._confine(cells)
        rows |= _boxes(cells)
        if self.mapped.properties:
            rows["properties"] = properties(cells, self.mapped.properties)
        rows[IDENTITY_COLUMN.name] = self._identities(cells)
        return rows

    def _confine(self, cells: Cells) -> None:
        """Note the rows whose picture would lie outside the folder of pictures."""
        if self.options.frames_root is None or not cells.has("frame_path"):
            return
        root, text = Path(self.options.frames_root), cells.text("frame_path")
        _, reasons = by_value(text, lambda paths: check_paths(paths, root, self.below))
        cells.problems.add(reasons, cells.theirs["frame_path"], text)

    def _ids(self, cells: Cells) -> pd.Series:
        if not cells.has("id"):
            return row_ids(cells.frame, self._added)
        given = cells.checked(_ID)
        empty = (cells.text("id") == "").to_numpy(dtype=bool)
        if empty.any():
            given[empty] = row_ids(cells.frame[empty], self._added)
        return given

    def _times(self, cells: Cells) -> pd.Series:
        text = cells.frame[self.clock.column]
        found, reasons = by_value(text, self.clock.read)
        cells.problems.add(reasons, self.clock.column, text)
        return found

    def _cameras(self, cells: Cells) -> pd.Series:
        return cells.checked(_CAMERA, self.options.prefixed(self._raw_cameras(cells)))

    def _raw_cameras(self, cells: Cells) -> pd.Series:
        if self.options.camera is not None:
            return constant(self.options.camera, len(cells.frame))
        return cells.text("camera_id")

    def _identities(self, cells: Cells) -> pd.Series:
        source = "tracking_id" if self.options.identity_from == "track" else "identity_id"
        text = cells.text(source)
        if self.options.unidentified:
            text = text.mask(text.isin(self.options.unidentified), "")
        if source == "tracking_id":
            text = (self._raw_cameras(cells) + "/" + text).where(text != "", "")
        return cells.checked(IDENTITY_COLUMN, self.options.prefixed(text))


def properties(cells: Cells, names: tuple[str, ...]) -> pd.Series:
    """Return the columns that are none of ours as JSON text, missing where all are empty."""
    text = schema.properties_text(cells.frame, names)
    long = (text.str.len() > schema.JSON_LENGTH).fillna(False).to_numpy(dtype=bool)
    cells.problems.note(long, f"properties longer than {schema.JSON_LENGTH} characters", "", text)
    return text


def _boxes(cells: Cells) -> dict[str, pd.Series]:
    names = next((n for n in (columns.EDGES, columns.CORNERS) if cells.has(n[0])), None)
    if names is None:
        return {}
    kinds = [_PIXEL[n] if n in _PIXEL else schema.APPEARANCE.column(n) for n in names]
    box = [cells.checked(kind) for kind in kinds]
    filled = np.array([edge.notna().to_numpy() for edge in box]).sum(axis=0)
    partial = (filled > 0) & (filled < 4)
    cells.problems.note(partial, "a part of a box", cells.theirs[names[0]], cells.text(names[0]))
    if names is columns.CORNERS:
        box = _corners(cells, box)
    return dict(zip(columns.EDGES, box, strict=True))


def _corners(cells: Cells, box: list[pd.Series]) -> list[pd.Series]:
    left, top, right, bottom = box
    for far, near in (("bbox_x2", "bbox_x1"), ("bbox_y2", "bbox_y1")):
        low, high = (left, right) if far == "bbox_x2" else (top, bottom)
        cells.problems.note(
            (high < low).to_numpy(dtype=bool),
            f"less than {cells.theirs[near]}",
            cells.theirs[far],
            cells.text(far),
        )
    return [left, top, right - left, bottom - top]


def _require(theirs: dict[str, str], options: LoadOptions, file: TextFile) -> None:
    where = f"{file.path.name}, line 1"
    if "camera_id" not in theirs and options.camera is None:
        raise InvalidInputError(
            f"{file.path.name!r} has no camera.",
            where=where,
            next="Name the camera: --camera ID."
            if file.meaning
            else "Name the column (--columns camera_id=COLUMN) or the camera (--camera ID). "
            "Its columns are: " + ", ".join(file.columns),
        )
    if options.identity_from == "track" and "tracking_id" not in theirs:
        raise InvalidInputError(
            f"{file.path.name!r} has no tracks to take identities from.",
            where=option("identity_from"),
            next="Name the column: --columns tracking_id=COLUMN.",
        )
    if options.unidentified and not {"identity_id", "tracking_id"} & set(theirs):
        raise InvalidInputError(
            f"{file.path.name!r} has no identities, so none can mean nobody.",
            where=option("unidentified"),
            next="Name the column (--columns identity_id=COLUMN) or leave the option out.",
        )


def id_repeats(frame: pd.DataFrame) -> bool:
    """Return whether a column `id` cannot be the appearance's own: in most rows it comes again."""
    frame = frame[frame["id"] != ""]
    if frame["id"].nunique() * 2 > len(frame):
        return False
    rows = frame.drop_duplicates()
    return len(rows) >= 4 and rows["id"].nunique() * 2 <= len(rows)


def _ask_id(frame: pd.DataFrame, file: str) -> None:
    if id_repeats(frame):
        raise InvalidInputError(
            f"Is 'id' in {file!r} the appearance, the track or the identity? It repeats.",
            where=f"{file}, column id",
            next="Say which: --columns tracking_id=id or --columns identity_id=id "
            "(or --columns id=id, and all but the first of each are rejected).",
        )
