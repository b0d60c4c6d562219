"""The tables beside the appearances: cameras, adjacency, outages, identities, sources.

Each function reads a whole CSV or Parquet file and returns a :class:`TableRead`, which unpacks into
the checked rows and the rejected ones. These tables are small: one row for a camera, not for a
sighting.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from workbench import geography, schema, times
from workbench.errors import InvalidInputError
from workbench.readers import columns
from workbench.readers.batches import IDENTITY_COLUMN, Cells, constant
from workbench.readers.clock import Clock
from workbench.readers.files import TextFile
from workbench.readers.opening import open_text
from workbench.readers.options import LoadOptions

METRES = {"m": 1.0, "ft": 0.3048, "mile": 1609.344}
_POSITION = ("position_x", "position_y", "position_z")
_STORED = ("load_id", "created_at", "updated_at")
SOURCE = schema.Table(
    "source",
    "Source",
    "What the file of one video does not say itself.",
    (
        schema.Column("file", "text", "Name of the file.", required=True),
        schema.Column("camera_id", "id", "The camera of all its rows."),
        schema.Column("start_time", "time", "The instant of frame 0."),
        schema.Column("fps", "text", "Frames a second, as a number or a fraction."),
    ),
    key=("file",),
)


@dataclass(frozen=True, slots=True)
class Meaning:
    """What the columns of one kind of table are called: our names, and foreign ones for them.

    `keeps` says whether its other columns are kept as properties.
    """

    names: tuple[str, ...]
    foreign: Mapping[str, str]
    keeps: bool = False

    def mapped(
        self, names: Sequence[str], given: Mapping[str, str] | None = None, option: str = "columns"
    ) -> columns.Mapped:
        """Return what the columns of a file mean; `given` is ours to theirs, from that option."""
        return columns.table(names, self.names, self.foreign, given or {}, option)


MEANINGS = {
    "cameras": Meaning(
        (
            *(c.name for c in schema.CAMERA.columns if c.name not in (*_STORED, "properties")),
            *geography.NAMES,
        ),
        {
            "camera_id": "id",
            "cam": "id",
            "camid": "id",
            "x_m": "position_x",
            "y_m": "position_y",
            "z_m": "position_z",
            "azimuth_deg": "orientation",
            **columns.DEGREES,
        },
        keeps=True,
    ),
    "adjacency": Meaning(
        ("from_camera", "to_camera", "distance_m", "time_s", "directed"),
        {"camera_a": "from_camera", "camera_b": "to_camera"},
    ),
    "outages": Meaning(("camera_id", "start", "end", "source"), columns.CAMERA_NAMES),
    "identities": Meaning(("identity_id", "name"), columns.IDENTITY_NAMES, keeps=True),
    "sources": Meaning(tuple(SOURCE.names), columns.CAMERA_NAMES),
}


@dataclass(frozen=True, slots=True)
class TableRead:
    """A table that was read: ``rows, rejects = read_cameras(path)``.

    Attributes
    ----------
    rows : DataFrame
        The table's columns in their dtypes, without those the store fills; each key once.
    rejects : DataFrame
        ``file, line, column, value, reason``.
    read : int
        Data rows of the file.
    columns_read_as : dict of str to str
        The file's columns read under another name, and that name.
    ignored : tuple of str
        Columns that this table has no place for.
    kept : tuple of str
        Columns that are kept as properties.
    line : array of int64
        For each of `rows` its line in the file; the header is line 1.
    name : str
        The file's name.
    """

    rows: pd.DataFrame
    rejects: pd.DataFrame
    read: int
    columns_read_as: dict[str, str] = field(default_factory=dict)
    ignored: tuple[str, ...] = ()
    kept: tuple[str, ...] = field(default=(), kw_only=True)
    line: np.ndarray = field(default_factory=lambda: np.array([], dtype="int64"))
    name: str = ""

    def __iter__(self) -> Iterator[pd.DataFrame]:
        """Yield the rows and the rejects, so that the two can be taken apart."""
        yield self.rows
        yield self.rejects


def read_cameras(path: str | Path, options: LoadOptions | None = None) -> TableRead:
    """Return a camera table (columns of ``schema.CAMERA``), positions in metres.

    Raises
    ------
    NotFoundError, InvalidInputError
        When the file is not there, is no table, or lacks the camera's id.
    """
    options = options or LoadOptions()
    meaning = MEANINGS["cameras"]
    file = open_text(path)
    _ask_camera(file, options)
    mapped = meaning.mapped(file.columns, options.camera_columns, "camera_columns")
    _check_unit(mapped.theirs, options)
    # The degrees stay with the camera, by one name: with the metres they say the origin.
    globe = {theirs: ours for ours, theirs in columns.degrees(mapped.theirs).items()}
    kept = (*mapped.properties, *globe.values())

    def rows(cells: Cells) -> dict[str, pd.Series]:
        plain = [name for name in meaning.names if name not in geography.NAMES]
        found = _checked(cells, schema.CAMERA, plain, options, ids=("id",))
        for name in _POSITION:
            if name in found:
                found[name] = found[name] * METRES[options.position_unit]
        if globe and not {"position_x", "position_y"} & set(found):
            found["position_x"], found["position_y"] = _on_globe(cells, file, options)
        named = cells.frame.rename(columns=globe)
        found["properties"] = schema.properties_text(named, kept)
        return found

    return _read(file, mapped, schema.CAMERA, rows, ("id",))


def _on_globe(cells: Cells, file: TextFile, options: LoadOptions) -> tuple[pd.Series, pd.Series]:
    if options.globe is None:
        said = [pd.to_numeric(cells.text(name), errors="coerce") for name in geography.NAMES]
        around = geography.middle(*said)
        raise InvalidInputError(
            f"{file.path.name!r} has its cameras in degrees, and nothing says which point of the "
            "globe is (0, 0) of the site.",
            where="columns " + ", ".join(cells.theirs[name] for name in geography.NAMES),
            next=f"Say it, the same for all files of the site: --origin={around or 'LON,LAT'}",
        )
    return cells.on_plane(options.globe)


def read_adjacency(path: str | Path, options: LoadOptions | None = None) -> TableRead:
    """Return ways between cameras (columns of ``schema.ADJACENT_TO``); both ways unless directed.

    Raises
    ------
    NotFoundError, InvalidInputError
        When the file is not there, is no table, or lacks one of the two cameras.
    """
    options = options or LoadOptions()
    meaning = MEANINGS["adjacency"]
    file = open_text(path)
    mapped = meaning.mapped(file.columns)

    def rows(cells: Cells) -> dict[str, pd.Series]:
        found = _checked(
            cells, schema.ADJACENT_TO, meaning.names, options, ids=("from_camera", "to_camera")
        )
        directed = found.get("directed", pd.Series(pd.NA, index=cells.frame.index, dtype="boolean"))
        found["directed"] = directed.fillna(False)
        itself = (found["from_camera"] == found["to_camera"]).to_numpy(dtype=bool)
        text = cells.text("to_camera")
        cells.problems.note(
            itself, "a way from a camera to itself", cells.theirs["to_camera"], text
        )
        return found

    return _read(file, mapped, schema.ADJACENT_TO, rows, ("from_camera", "to_camera"))


def read_outages(path: str | Path, options: LoadOptions | None = None) -> TableRead:
    """Return outages of cameras (columns of ``schema.OUTAGE``).

    Raises
    ------
    NotFoundError, InvalidInputError
        When the file is not there, is no table, lacks a column, or has naive times and no ``tz``.
    """
    options = options or LoadOptions()
    file = open_text(path)
    mapped = MEANINGS["outages"].mapped(file.columns)

    def rows(cells: Cells) -> dict[str, pd.Series]:
        found = _checked(cells, schema.OUTAGE, ["camera_id", "source"], options, ids=("camera_id",))
        found["start"] = _times(cells, "start", options, file)
        found["end"] = _times(cells, "end", options, file)
        backwards = (found["end"] <= found["start"]).to_numpy(dtype=bool)
        cells.problems.note(
            backwards, "ends before it starts", cells.theirs["end"], cells.text("end")
        )
        return found

    return _read(file, mapped, schema.OUTAGE, rows, ("camera_id", "start", "end"))


def read_identities(path: str | Path, options: LoadOptions | None = None) -> TableRead:
    """Return identities (columns of ``schema.IDENTITY``): id, name, all else as properties.

    Raises
    ------
    NotFoundError, InvalidInputError
        When the file is not there, is no table, or lacks the identity's id.
    """
    options = options or LoadOptions()
    file = open_text(path)
    mapped = MEANINGS["identities"].mapped(file.columns)

    def rows(cells: Cells) -> dict[str, pd.Series]:
        found = _checked(cells, schema.IDENTITY, ["name"], options)
        ids = options.prefixed(cells.text("identity_id"))
        found["id"] = cells.checked(replace(IDENTITY_COLUMN, required=True), ids)
        found["properties"] = schema.properties_text(cells.frame, mapped.properties)
        return found

    return _read(file, mapped, schema.IDENTITY, rows, ("identity_id",))


def read_sources(path: str | Path, options: LoadOptions | None = None) -> TableRead:
    """Return what is known of many videos (columns of :data:`SOURCE`): camera, start, frame rate.

    Camera ids are as in the file, without the dataset's name: they take the place of ``--camera``.

    Raises
    ------
    NotFoundError, InvalidInputError
        When the file is not there, is no table, lacks ``file``, or has naive times and no ``tz``.
    """
    options = options or LoadOptions()
    file = open_text(path)
    mapped = MEANINGS["sources"].mapped(file.columns)

    def rows(cells: Cells) -> dict[str, pd.Series]:
        found = _checked(
            cells, SOURCE, ["file", "camera_id", "fps"], replace(options, dataset=None)
        )
        if cells.has("start_time"):
            found["start_time"] = _times(cells, "start_time", options, file)
        cells.problems.add(
            _rates(cells.text("fps")), cells.theirs.get("fps", "fps"), cells.text("fps")
        )
        return found

    return _read(file, mapped, SOURCE, rows, ("file",))


def options_for(path: str | Path, options: LoadOptions, sources: pd.DataFrame) -> LoadOptions:
    """Return the options of one file: those given, and what `sources` says of it.

    Parameters
    ----------
    path : path
        The file; it is found in `sources` by its whole name, else by its last part.
    options : LoadOptions
        The options of all files.
    sources : DataFrame
        The rows of :func:`read_sources`.

    Raises
    ------
    InvalidInputError
        When an option and the table both say something.
    """
    name = str(path) if (sources["file"] == str(path)).any() else Path(path).name
    found = sources[sources["file"] == name]
    if found.empty:
        return options
    row = found.iloc[0]
    said: dict[str, str] = {}
    for ours, column in (("camera", "camera_id"), ("fps", "fps")):
        if not pd.isna(row[column]):
            said[ours] = str(row[column])
    if not pd.isna(row["start_time"]):
        said["start_time"] = str(times.iso_column(found["start_time"])[0])
    for ours in said:
        if getattr(options, ours) is not None:
            raise InvalidInputError(
                f"--{ours.replace('_', '-')} and --sources both speak of {name!r}.",
                where=f"--sources, file {name}",
                next=f"Leave out --{ours.replace('_', '-')}, or that cell of the table.",
            )
    return replace(options, **said)  # type: ignore[arg-type]


def _checked(
    cells: Cells,
    table: schema.Table,
    names: Sequence[str],
    options: LoadOptions,
    *,
    ids: tuple[str, ...] = (),
) -> dict[str, pd.Series]:
    """Return the columns the file has; camera and identity `ids` get the dataset's name."""
    return {
        name: cells.checked(
            table.column(name), options.prefixed(cells.text(name)) if name in ids else None
        )
        for name in names
        if cells.has(name)
    }


def _times(cells: Cells, name: str, options: LoadOptions, file: TextFile) -> pd.Series:
    text = cells.text(name)
    clock = Clock("text", cells.theirs[name], options.tz)
    clock.refuse(text, np.arange(len(text)) + 2, file.path.name)
    found, reasons = clock.read(text)
    if name == "start_time":  # the only one that may be missing
        reasons = reasons.mask((text == "").to_numpy(dtype=bool))
    cells.problems.add(reasons, cells.theirs[name], text)
    return found


def _rates(cells: pd.Series) -> pd.Series:
    wrong = [cell != "" and not _is_rate(cell) for cell in cells]
    reasons = pd.Series(pd.NA, index=cells.index, dtype="str")
    return reasons.mask(np.array(wrong, dtype=bool), "no number of frames a second")


def _is_rate(cell: str) -> bool:
    try:
        LoadOptions(fps=cell)
    except InvalidInputError:
        return False
    return True


def _read(
    file: TextFile,
    mapped: columns.Mapped,
    table: schema.Table,
    rows_of: Callable[[Cells], dict[str, pd.Series]],
    needed: tuple[str, ...],
) -> TableRead:
    missing = [name for name in needed if name not in mapped.theirs]
    if missing:
        raise InvalidInputError(
            f"{file.path.name!r} has no {', '.join(missing)}, which {table.label} needs.",
            where=f"{file.path.name}, line 1",
            next="Its columns are: " + ", ".join(file.columns),
        )
    file.check()
    texts = list(file.batches())
    frame = (
        pd.concat([text.frame for text in texts], ignore_index=True) if texts else _nothing(file)
    )
    line = np.concatenate([text.line for text in texts]) if texts else np.array([], dtype="int64")
    cells = Cells(frame, mapped.theirs)
    found = rows_of(cells)
    stored = {c.name for c in table.columns if c.statistic} | set(_STORED)
    complete = pd.DataFrame(
        {
            c.name: found[c.name] if c.name in found else c.missing(len(frame))
            for c in table.columns
            if c.name not in stored
        }
    )
    good = _once(complete, cells, table, mapped.theirs[needed[0]])
    broken = [text.rejects for text in texts] + [cells.problems.rejects(file, line)]
    rejects = pd.concat(broken, ignore_index=True).sort_values("line", ignore_index=True)
    keeps = "properties" in complete.columns
    return TableRead(
        complete[good].reset_index(drop=True),
        rejects,
        sum(text.read for text in texts),
        mapped.read_as,
        () if keeps else mapped.properties,
        line[good],
        file.path.name,
        kept=mapped.properties if keeps else (),
    )


def _once(rows: pd.DataFrame, cells: Cells, table: schema.Table, theirs: str) -> np.ndarray:
    """Return which rows to keep: the first of each key; another of other content is a problem."""
    key = list(table.key)
    candidates = rows[~cells.problems.bad]
    again = candidates.duplicated(key, keep="first")
    same = candidates.astype(object).duplicated(keep="first")
    clash = np.zeros(len(rows), dtype=bool)
    clash[candidates.index[again & ~same]] = True
    reason = f"{' and '.join(key)} given before with other content"
    cells.problems.note(clash, reason, theirs, cells.frame[theirs])
    good = ~cells.problems.bad
    good[candidates.index[again]] = False
    return good


def _nothing(file: TextFile) -> pd.DataFrame:
    return pd.DataFrame({name: constant("", 0) for name in file.columns})


def _ask_camera(file: TextFile, options: LoadOptions) -> None:
    if {"id", "camera_id"} <= set(file.columns) and "id" not in options.camera_columns:
        raise InvalidInputError(
            f"Which column of {file.path.name!r} is the camera's id: 'id' or 'camera_id'?",
            where="columns id, camera_id",
            next="Say which: --camera-columns id=id or --camera-columns id=camera_id",
        )


def _check_unit(theirs: dict[str, str], options: LoadOptions) -> None:
    metres = [name for name in ("x_m", "y_m", "z_m") if name in theirs.values()]
    if metres and options.position_unit != "m":
        raise InvalidInputError(
            f"--position-unit {options.position_unit} contradicts {metres[0]!r} (metres).",
            where="--position-unit",
            next="Leave the option out, or rename the column.",
        )
