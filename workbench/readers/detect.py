"""What a file is, and the command that loads it: one table of rules."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from workbench.errors import InvalidInputError
from workbench.readers import columns
from workbench.readers.clock import NUMBER
from workbench.readers.embeddings import Embeddings
from workbench.readers.files import TextFile, existing, matches
from workbench.readers.opening import first_bytes, open_text
from workbench.readers.options import LoadOptions
from workbench.readers.parquet import ParquetFile
from workbench.schema import canonical_json

SAMPLE_ROWS = 1_000
START = "2026-01-01T00:00:00Z"
USUAL_FPS = 25
SPACES = {512: "--face", 2048: "--reid"}


@dataclass(frozen=True, slots=True)
class Detection:
    """What a file is.

    Attributes
    ----------
    format : str
        ``csv``, ``parquet`` (appearances), ``contacts``, ``cameras``, ``adjacency``, ``outages``,
        ``identities``, ``sources``, ``floor-plan``, ``embeddings`` or ``unknown``.
    confidence : float
        0 to 1.
    reason : str
        What it was told by, and what is still to be decided.
    columns : list of str
        The file's columns.
    rows_sampled : int
        Rows looked at.
    next : str
        The command to type.
    """

    format: str
    confidence: float
    reason: str
    columns: list[str]
    rows_sampled: int
    next: str


@dataclass(frozen=True, slots=True)
class Rule:
    """A kind of file told by its columns.

    It holds where the file has a column of each set in `needs` and none in `lacks`.
    """

    format: str
    needs: tuple[frozenset[str], ...]
    lacks: frozenset[str]
    confidence: float
    reason: str

    def holds(self, names: set[str]) -> bool:
        """Return whether a file with these columns is of this kind."""
        return all(need & names for need in self.needs) and not self.lacks & names


def _names(*ours: str) -> frozenset[str]:
    """Return our names and the foreign ones read as them."""
    return frozenset({*ours} | {their for their, our in columns.FOREIGN.items() if our in ours})


_TIME = _names("timestamp")
_FRAME = _names("frame")
_CAMERA = _names("camera_id")
_IDENTITY = _names("identity_id")
_SEEN = _TIME | _FRAME | _IDENTITY | {name for names in columns.BOXES for name in names}
_PLACED = frozenset({"position_x", "position_y", "position_z", "x_m", "y_m", "z_m"}) | frozenset(
    {"orientation", "azimuth_deg", "fov", "location", "level", "clock_offset_s"}
)
# From the most particular to the most general: the first that holds is the answer.
RULES = (
    Rule(
        "contacts",
        (frozenset("t"), frozenset("i"), frozenset("j")),
        _CAMERA | _TIME | _FRAME,
        0.95,
        "columns t, i, j: two people met at a time",
    ),
    Rule(
        "outages",
        (_CAMERA, frozenset({"start"}), frozenset({"end"})),
        _SEEN,
        0.9,
        "a camera, a start and an end",
    ),
    Rule(
        "adjacency",
        (frozenset({"from_camera", "camera_a"}), frozenset({"to_camera", "camera_b"})),
        _SEEN,
        0.95,
        "two cameras in each row",
    ),
    Rule(
        "sources",
        (frozenset({"file"}), _CAMERA | {"start_time", "fps"}),
        _SEEN,
        0.85,
        "a file in each row, with its camera, start or frame rate",
    ),
    Rule(
        "cameras",
        (_CAMERA | {"id"}, _PLACED),
        _SEEN,
        0.9,
        "a camera in each row, with where it hangs or looks",
    ),
    Rule(
        "identities",
        (_IDENTITY,),
        _CAMERA | _TIME | _FRAME,
        0.8,
        "an identity in each row, and neither a camera nor a time",
    ),
)
_TABLE_OPTIONS = {
    "cameras": "--cameras",
    "adjacency": "--adjacency",
    "outages": "--outages",
    "identities": "--identities",
    "sources": "--sources",
    "floor-plan": "--floor-plan",
}


def detect(path: str | Path) -> Detection:
    """Return what a file is and the command that loads it; of rows, only the first are read.

    Raises
    ------
    NotFoundError
        When there is no such file.
    InvalidInputError
        When it cannot be read at all.
    """
    place = existing(path)
    head = first_bytes(place)
    if head.startswith((b"\x93NUMPY", b"PK\x03\x04")):
        return _vectors(place)
    if place.suffix.lower() in (".yaml", ".yml"):
        return _floor_plan(place)
    try:
        file = open_text(place)
    except InvalidInputError as error:
        return _unknown(place, [], 0, str(error.message), error.next)
    if isinstance(file, ParquetFile) and {"id", "vector"} == set(file.columns):
        return _vectors(place)
    return _table(file)


def table_format(file: TextFile) -> str:
    """Return the format of a file of rows by its columns alone (``csv`` if nothing particular)."""
    names = set(file.columns)
    return next((rule.format for rule in RULES if rule.holds(names)), file.format)


def _table(file: TextFile) -> Detection:
    sample = next(file.batches(SAMPLE_ROWS), None)
    frame = (
        pd.DataFrame({n: [] for n in file.columns}, dtype="str") if sample is None else sample.frame
    )
    names = set(file.columns)
    rule = next((rule for rule in RULES if rule.holds(names)), None)
    if rule is None:
        return _appearances(file, frame)
    if rule.format == "contacts":
        arguments, reason = _contact_arguments(frame)
        command = _command(str(file.path), "--format", "contacts", *arguments)
    else:
        arguments, reason = _table_arguments(frame, rule.format)
        command = _command(_TABLE_OPTIONS[rule.format], str(file.path), *arguments)
    told = rule.reason + reason
    return Detection(rule.format, rule.confidence, told, file.columns, len(frame), command)


def _command(*arguments: str) -> str:
    return shlex.join(["workbench", "ingest", *arguments])


def _contact_arguments(frame: pd.DataFrame) -> tuple[list[str], str]:
    if _numbers(frame["t"]).min() > 1e8:
        return [], "; t is Unix time"
    return ["--start-time", START], "; t counts from a start that only you know: put yours"


def _table_arguments(frame: pd.DataFrame, format: str) -> tuple[list[str], str]:
    column = {"outages": "start", "sources": "start_time"}.get(format)
    if column in frame and _is_naive(frame[column]):
        return ["--tz", "UTC"], "; its times have no zone: put the one they were written in"
    return [], ""


def _numbers(cells: pd.Series) -> np.ndarray:
    plain = cells[matches(cells, NUMBER)]
    return plain.astype("float64").to_numpy() if len(plain) else np.array([0.0])


def _is_naive(cells: pd.Series) -> bool:
    return bool(matches(cells, r"^\s*\d{4}-\d{2}-\d{2}[T ][0-9:.]+\s*$").any())


def _appearances(file: TextFile, frame: pd.DataFrame) -> Detection:
    """Return the detection of a file in which each row is an appearance, or of nothing known."""
    names = set(file.columns)
    if not (_TIME | _FRAME) & names:
        return _timeless(file, frame)
    try:
        theirs = columns.appearances(file.columns, LoadOptions()).theirs
    except InvalidInputError as error:
        reason = f"appearances, with a question: {error.message}"
        command = _command(str(file.path))
        return Detection(
            file.format, 0.5, reason, file.columns, len(frame), f"{command}  # {error.next}"
        )
    steps = [_tell_time(file, frame, theirs), _tell_camera(theirs), _tell_identity(theirs)]
    reasons = [
        "each row has a time or a frame" + ("" if "camera_id" not in theirs else " and a camera")
    ]
    reasons += [step.reason for step in steps if step.reason]
    arguments = [argument for step in steps for argument in step.arguments]
    source = steps[0].prepared or str(file.path)
    command = _command(source, *arguments)
    if steps[0].preparation:
        command = f"{steps[0].preparation} && {command}"
    confidence = 0.95 if "camera_id" in theirs and "timestamp" in theirs else 0.8
    return Detection(file.format, confidence, "; ".join(reasons), file.columns, len(frame), command)


@dataclass(frozen=True, slots=True)
class _Step:
    """What one question about a file adds to the command, and why."""

    arguments: tuple[str, ...] = ()
    reason: str = ""
    preparation: str = ""
    prepared: str = ""


def _tell_camera(theirs: dict[str, str]) -> _Step:
    if "camera_id" in theirs:
        return _Step()
    return _Step(("--camera", "cam1"), "it names no camera: put yours")


def _tell_identity(theirs: dict[str, str]) -> _Step:
    if "identity_id" in theirs or "tracking_id" not in theirs:
        return _Step()
    return _Step(("--identity-from", "track"), "tracks stand in for identities")


def _tell_time(file: TextFile, frame: pd.DataFrame, theirs: dict[str, str]) -> _Step:
    if "timestamp" not in theirs:
        return _tell_frames(file, frame, theirs)
    cells = frame[theirs["timestamp"]]
    if len(cells) and matches(cells, NUMBER).all():
        return _tell_unit(_numbers(cells))
    if _is_naive(cells):
        return _Step(("--tz", "UTC"), "its times have no zone: put the one they were recorded in")
    return _Step()


# The least number that is a time of our days in that unit, counted from 1970.
_UNITS = ((1e14, "us"), (1e11, "ms"), (1e8, "s"))


def _tell_unit(numbers: np.ndarray) -> _Step:
    for least, unit in _UNITS:
        if numbers.min() >= least:
            return _Step(("--time-unit", unit), f"its times are numbers, {unit} since 1970")
    reason = "its times are numbers from a start that only you know: put yours"
    return _Step(("--time-unit", "s", "--start-time", START), reason)


def _tell_frames(file: TextFile, frame: pd.DataFrame, theirs: dict[str, str]) -> _Step:
    fps = _fps(frame, theirs["frame"])
    reason = f"{fps or USUAL_FPS} frames a second " + (
        "by its seconds" if fps else "assumed: put yours"
    )
    sequences = [name for name in ("sequence", "seq") if name in frame]
    fps = fps or USUAL_FPS
    if sequences and matches(frame[sequences[0]], r"^\d+$").all() and file.format == "csv":
        return _prepared(file, theirs["frame"], sequences[0], fps, reason)
    reason += "; it has no clock: put the time of frame 0"
    return _Step(("--fps", str(fps), "--start-time", START), reason)


def _fps(frame: pd.DataFrame, column: str) -> int | None:
    """Return the whole frame rate that a column of seconds beside the frames speaks of."""
    for name in ("t_seconds", "seconds", "time_s", "t"):
        if name not in frame or not len(frame):
            continue
        if not (matches(frame[name], NUMBER) & matches(frame[column], NUMBER)).all():
            continue
        seconds, frames = _numbers(frame[name]), _numbers(frame[column])
        if seconds.max() > 0:
            rate = round(float(frames[seconds.argmax()] / seconds.max()))
            if rate > 0 and np.abs(frames - seconds * rate).max() <= 0.51:
                return rate
    return None


def _prepared(file: TextFile, frame: str, sequence: str, fps: int, reason: str) -> _Step:
    """Return the line that gives each sequence a day of its own: frames restart in each."""
    stem = file.path.name.split(".")[0]
    target = f"{stem}_timed.csv"
    # JSON texts are Python texts too, and their double quotes need no escape in the shell.
    source, clock, part = map(canonical_json, (str(file.path), frame, sequence))
    program = (
        f"import pandas as pd; f = pd.read_csv({source}, dtype=str, keep_default_na=False); "
        f'f["timestamp"] = (pd.Timestamp("{START}")'
        f' + pd.to_timedelta(f[{part}].astype(int), unit="D")'
        f' + pd.to_timedelta(f[{clock}].astype(int) * 1000000 // {fps}, unit="us"))'
        '.dt.strftime("%Y-%m-%dT%H:%M:%S.%fZ"); '
        f"f.to_csv({canonical_json(target)}, index=False)"
    )
    return _Step(
        reason=f"{reason}; frames restart in each {sequence}, so each gets a day of its own first",
        preparation=shlex.join(["python3", "-c", program]),
        prepared=target,
    )


def _timeless(file: TextFile, frame: pd.DataFrame) -> Detection:
    wanted = ["timestamp"] + (["camera_id"] if not _CAMERA & set(file.columns) else [])
    names = [part for name in wanted for part in ("--columns", f"{name}=COLUMN")]
    reason = "no column is known as a time or a frame, and without time nothing can be loaded"
    return _unknown(file.path, file.columns, len(frame), reason, _command(str(file.path), *names))


def _vectors(path: Path) -> Detection:
    try:
        found = Embeddings(path)
    except InvalidInputError as error:
        return _unknown(path, [], 0, error.message, error.next)
    how = "by id" if found.ids is not None else "in row order"
    reason = f"{found.rows} vectors of {found.dim} numbers, {how}; {found.missing} rows without one"
    option = SPACES.get(found.dim)
    given = [option, str(path)] if option else ["--vectors", f"SPACE={path}"]
    names = ["id", "vector"] if found.ids is not None else []
    command = _command("APPEARANCES.csv", *given)
    return Detection("embeddings", 0.95, reason, names, found.rows, command)


def _floor_plan(path: Path) -> Detection:
    try:
        with path.open("rb") as file:
            said = yaml.safe_load(file.read(1_000_000).decode("utf-8"))
    except (OSError, yaml.YAMLError, ValueError, RecursionError):
        said = None
    keys = sorted(map(str, said)) if isinstance(said, dict) else []
    if "metres_per_pixel" in keys and "image" in keys:
        command = _command("--floor-plan", str(path))
        return Detection("floor-plan", 0.95, "an image and its scale", keys, 1, command)
    return _unknown(path, keys, 0, "YAML, but no floor plan (image, metres_per_pixel)", None)


def _unknown(path: Path, names: list[str], rows: int, reason: str, todo: str | None) -> Detection:
    return Detection("unknown", 0.0, reason, names, rows, todo or "workbench ingest --help")
