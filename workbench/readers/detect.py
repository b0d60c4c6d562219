"""What a file is, and the command that loads it: one table of rules."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd
import yaml

from workbench import geography
from workbench.errors import InvalidInputError
from workbench.readers import columns, guess, suggest
from workbench.readers.contacts import COLUMNS as CONTACT_COLUMNS
from workbench.readers.embeddings import Embeddings
from workbench.readers.files import TextFile, existing
from workbench.readers.opening import first_bytes, open_text
from workbench.readers.outline import origin_among, read_outline
from workbench.readers.parquet import ParquetFile
from workbench.readers.reid_names import NamesFile
from workbench.readers.suggest import START, Step
from workbench.readers.tables import MEANINGS

SAMPLE_ROWS = 1_000
SPACES = {512: "--face", 2048: "--reid"}


@dataclass(frozen=True, slots=True)
class Detection:
    """What a file is.

    Attributes
    ----------
    format : str
        ``csv``, ``parquet``, ``jsonl``, ``mot``, ``aicity``, ``reid``, ``metropolis``
        (appearances), ``contacts``, ``cameras``, ``adjacency``, ``outages``,
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
    columns_as_properties : list of str
        Columns that feed none of ours and are kept as properties.
    columns_ignored : list of str
        Columns that this kind of table has no place for.
    """

    format: str
    confidence: float
    reason: str
    columns: list[str]
    rows_sampled: int
    next: str
    columns_as_properties: list[str] = field(default_factory=list)
    columns_ignored: list[str] = field(default_factory=list)


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
_GLOBE = frozenset({*geography.NAMES, *columns.DEGREES})
_METRES = frozenset({"position_x", "position_y", "x_m", "y_m"})
_PLACED = _GLOBE | _METRES | {"position_z", "z_m", "orientation", "azimuth_deg", "fov"}
_PLACED |= {"location", "level", "clock_offset_s"}
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
# Formats that say themselves what their columns are.
_FIXED = {
    "mot": "MOTChallenge: frame, id, box and confidence in numbers, without a header",
    "aicity": "AI City Challenge: nine numbers a line, blanks between; ids hold in all cameras; "
    "xworld and yworld are kept as properties: if they are metres on your floor, add "
    "--columns floor_x_m=xworld --columns floor_y_m=yworld",
    "reid": "names of images that say whose they are, by which camera, and the frame",
    "metropolis": "messages of NVIDIA Metropolis: tracked objects with sensor and time",
}
# What the command says before the name of the file.
_TABLE_WORDS = {
    "cameras": ("--cameras",),
    "adjacency": ("--adjacency",),
    "outages": ("--outages",),
    "identities": ("--identities",),
    "sources": ("APPEARANCES.csv", "--sources"),
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
    if Path(path).is_dir():
        return _table(NamesFile(path))
    place = existing(path)
    head = first_bytes(place)
    if head.startswith((b"\x93NUMPY", b"PK\x03\x04")):
        return _vectors(place)
    if place.suffix.lower() in (".yaml", ".yml"):
        return _floor_plan(place)
    if place.suffix.lower() == ".geojson":
        return _outline(place)
    try:
        file = open_text(place, sample=SAMPLE_ROWS)
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
    if file.format in _FIXED or rule is None or (rule.format == "identities" and _are_seen(frame)):
        return _appearances(file, frame)
    step = _contacts(file, frame) if rule.format == "contacts" else _other(frame, rule.format)
    words = _TABLE_WORDS.get(rule.format, ())
    kept, ignored = _unused(rule.format, file.columns)
    return Detection(
        rule.format,
        rule.confidence,
        rule.reason + step.reason,
        file.columns,
        len(frame),
        _line([step], words, file),
        kept,
        ignored,
    )


def _are_seen(frame: pd.DataFrame) -> bool:
    """Return whether rows with an identity are sightings: it comes again, and there are times."""
    who = next(name for name in frame.columns if name in _IDENTITY)
    others = [str(name) for name in frame.columns if name != who]
    return frame[who].nunique() < len(frame) and guess.time(frame, others) is not None


def _unused(format: str, names: list[str]) -> tuple[list[str], list[str]]:
    """Return the columns that a table only keeps as properties, and those it leaves out."""
    if format == "contacts":
        return [name for name in names if name not in CONTACT_COLUMNS], []
    meaning = MEANINGS[format]
    try:
        rest = list(meaning.mapped(names).properties)
    except InvalidInputError:  # a question, which the load will ask
        return [], []
    return (rest, []) if meaning.keeps else ([], rest)


def _command(*arguments: str) -> str:
    return shlex.join(["workbench", "ingest", *arguments])


def _line(steps: Sequence[Step], words: Sequence[str], file: TextFile) -> str:
    """Return the command of some steps; `words` go before the file, those of the steps after."""
    first = next((step for step in steps if step.preparation), Step())
    arguments = [argument for step in steps for argument in step.arguments]
    command = _command(*words, first.prepared or str(file.path), *arguments)
    return f"{first.preparation} && {command}" if first.preparation else command


def _contacts(file: TextFile, frame: pd.DataFrame) -> Step:
    words = ("--format", "contacts")
    filled = frame["t"][(frame["t"] != "").to_numpy(dtype=bool)]
    if guess.is_dated(filled):
        program = (
            'f["t"] = (pd.to_datetime(f["t"], format="mixed", errors="coerce", utc=True, '
            f'dayfirst={guess.day_first(filled)}) - pd.Timestamp(0, tz="UTC"))'
            ".dt.total_seconds()"
        )
        reason = "; t is written as seconds first, times without a zone taken for UTC"
        return suggest.prepared(file, program, reason, words)
    if suggest.numbers(filled).min() > guess.EPOCH_S:
        return Step(words, "; t is Unix time")
    reason = "; t counts from a start that only you know: put yours"
    return Step((*words, "--start-time", START), reason)


def _other(frame: pd.DataFrame, format: str) -> Step:
    if format == "cameras":
        step = Step() if _METRES & set(frame.columns) else suggest.origin(frame)
        return replace(step, reason=step.reason and f"; {step.reason}")
    named = {"outages": ("start", "end"), "sources": ("start_time",)}.get(format, ())
    if any(suggest.is_naive(frame[name]) for name in named if name in frame):
        return Step(("--tz", "UTC"), "; its times have no zone: put the one they were written in")
    return Step()


def _appearances(file: TextFile, frame: pd.DataFrame) -> Detection:
    """Return the detection of a file in which each row is an appearance, or of nothing known."""
    try:
        found = suggest.suggested(file, frame)
    except InvalidInputError as error:
        reason = f"appearances, with a question: {error.message}"
        naive = any(suggest.is_naive(frame[name]) for name in _TIME if name in frame)
        command = _command(str(file.path), *(("--tz", "UTC") if naive else ()))
        return Detection(
            file.format, 0.5, reason, file.columns, len(frame), f"{command}  # {error.next}"
        )
    if not {"timestamp", "frame"} & {*found.known, *found.guessed}:
        return _timeless(file, frame)
    reasons = [_FIXED[file.format]] if file.format in _FIXED else []
    reasons += [f"named as in {file.scheme.name}"] if isinstance(file, NamesFile) else []
    reasons += [
        "each row has a time or a frame"
        + ("" if "camera_id" not in found.known else " and a camera")
    ]
    reasons += [step.reason for step in found.steps if step.reason]
    return Detection(
        file.format,
        0.95 if file.format in _FIXED else _confidence(found.known, found.guessed),
        "; ".join(reasons),
        file.columns,
        len(frame),
        _line(found.steps, [], file),
        list(found.properties),
    )


def _confidence(known: Mapping[str, str], guessed: Mapping[str, str]) -> float:
    if "timestamp" in guessed:
        return 0.6
    return 0.95 if {"camera_id", "timestamp"} <= set(known) else 0.8


def _timeless(file: TextFile, frame: pd.DataFrame) -> Detection:
    wanted = ["timestamp"] + (["camera_id"] if not _CAMERA & set(file.columns) else [])
    names = [part for name in wanted for part in ("--columns", f"{name}=COLUMN")]
    reason = "no column is known as a time or a frame, and without time nothing can be loaded"
    table = len(file.columns) > 1 and len(frame) > 0
    # Prose and code read as one column: there is none to name.
    todo = _command(str(file.path), *names) if table else None
    return _unknown(file.path, file.columns, len(frame), reason, todo)


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
    if "outline" in keys and "level" in keys:
        command = _command("--floor-plan", str(path), "--origin=LON,LAT")
        reason = "an outline on the globe; put the origin of the site"
        return Detection("floor-plan", 0.95, reason, keys, 1, command)
    reason = "YAML, but no floor plan (image, metres_per_pixel, or outline)"
    return _unknown(path, keys, 0, reason, None)


def _outline(path: Path) -> Detection:
    try:
        lines = read_outline(path)
    except InvalidInputError as error:
        return _unknown(path, [], 0, error.message, error.next)
    reason = "an outline of a site; a YAML beside it names its level: {level: ground, outline: "
    command = _command("--floor-plan", "SITE.yaml", f"--origin={origin_among(lines) or 'LON,LAT'}")
    return Detection("outline", 0.9, f"{reason}{path.name}}}", [], len(lines), command)


def _unknown(path: Path, names: list[str], rows: int, reason: str, todo: str | None) -> Detection:
    todo = todo or "workbench ingest --help"
    return Detection("unknown", 0.0, f"none of the known formats: {reason}", names, rows, todo)
