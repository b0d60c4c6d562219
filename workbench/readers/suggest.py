"""The options that load a file of appearances: one question about it after the other."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from workbench import geography
from workbench.readers import columns, guess
from workbench.readers.appearances import id_repeats
from workbench.readers.clock import NUMBER
from workbench.readers.csv import CsvFile
from workbench.readers.files import TextFile, matches
from workbench.readers.mot import resolved
from workbench.readers.options import LoadOptions
from workbench.readers.reid_names import NOBODY, NamesFile
from workbench.schema import canonical_json

START = "2026-01-01T00:00:00Z"
USUAL_FPS = 25


@dataclass(frozen=True, slots=True)
class Step:
    """What one question about a file adds to the command, and why.

    Attributes
    ----------
    arguments : tuple of str
        Words of the command.
    reason : str
        Why, and what is still to be decided.
    preparation : str
        The command to type before, which writes the file `prepared`.
    prepared : str
        The file to load in place of the one asked about.
    named : mapping of str to str
        Our columns to the file's, guessed.
    """

    arguments: tuple[str, ...] = ()
    reason: str = ""
    preparation: str = ""
    prepared: str = ""
    named: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Suggestion:
    """How a file of appearances is loaded, and which of its columns are kept as properties."""

    steps: list[Step]
    properties: tuple[str, ...]
    known: Mapping[str, str]
    guessed: Mapping[str, str]


def suggested(file: TextFile, frame: pd.DataFrame) -> Suggestion:
    """Return how a file is loaded, by its columns and its first rows.

    Raises
    ------
    InvalidInputError
        With the question, when a column could mean two things.
    """
    options = resolved(file.path, LoadOptions()) if file.format == "mot" else LoadOptions()
    known = columns.appearances(file.columns, options, file.meaning).theirs
    asked: list[Callable[[pd.DataFrame, dict[str, str]], Step]] = [
        _name_time,
        lambda frame, theirs: tell_time(file, frame, theirs, options),
        lambda frame, theirs: _tell_camera(frame, theirs, options),
        lambda frame, theirs: _tell_identity(frame, theirs, options),
        _tell_id,
        lambda frame, theirs: Step() if "floor_x_m" in theirs else origin(frame),
        lambda frame, theirs: _tell_nobody(file, frame),
        lambda frame, theirs: _tell_vectors(file),
    ]
    steps: list[Step] = []
    guessed: dict[str, str] = {}
    for ask in asked:
        step = ask(frame, known | guessed)
        guessed |= dict(step.named)
        steps.append(step)
    used = {*known.values(), *guessed.values()}
    rest = tuple(name for name in file.columns if name not in used)
    return Suggestion(steps, rest, known, guessed)


_TRACKS = Step(("--identity-from", "track"), "tracks stand in for identities")


def _tell_nobody(file: TextFile, frame: pd.DataFrame) -> Step:
    """Say which names of images are of nobody: junk and distractors."""
    if not isinstance(file, NamesFile):
        return Step()
    found = [value for value in NOBODY if (frame["identity_id"] == value).any()]
    words = [part for value in found for part in ("--unidentified", value)]
    return Step(tuple(words), f"{' and '.join(found)} mean junk or distractors" if found else "")


def _tell_vectors(file: TextFile) -> Step:
    said = [f"{dim} numbers into {space}" for space, dim in file.spaces.items()]
    return Step(reason=f"each row may bring its vector: {', '.join(said)}" if said else "")


def _free(frame: pd.DataFrame, theirs: Mapping[str, str]) -> list[str]:
    return [str(name) for name in frame.columns if name not in theirs.values()]


def _taken(ours: str, theirs: str, reason: str) -> Step:
    named = {ours: theirs}
    return Step(("--columns", f"{ours}={theirs}"), f"{theirs} is taken for {reason}", named=named)


def _name_time(frame: pd.DataFrame, theirs: dict[str, str]) -> Step:
    if {"timestamp", "frame"} & set(theirs):
        return Step()
    found = guess.time(frame, _free(frame, theirs))
    if found is None:
        return Step()
    return _taken("timestamp", found, "the time: put another column if it is not")


def _tell_camera(frame: pd.DataFrame, theirs: dict[str, str], options: LoadOptions) -> Step:
    if options.camera is not None:
        return Step(reason=f"its camera is {options.camera}, after the folder with seqinfo.ini")
    if "camera_id" in theirs:
        return Step()
    found = guess.camera(frame, _free(frame, theirs))
    if found is not None:
        return _taken("camera_id", found, "camera: put another column if it is not")
    return Step(("--camera", "cam1"), "it names no camera: put yours")


def _tell_identity(frame: pd.DataFrame, theirs: dict[str, str], options: LoadOptions) -> Step:
    tracked = "tracking_id" in theirs
    if options.identity_from is not None and (frame[theirs["tracking_id"]] == "").all():
        return Step(reason="its ids are all -1: nobody is identified")
    if options.identity_from is not None:
        return Step(
            reason="ids count within a sequence, so camera/id is an identity: if they are the "
            "same in all cameras, add --columns identity_id=id"
        )
    if "identity_id" in theirs:
        nobody = tracked and (frame[theirs["identity_id"]] == "").all()
        return _TRACKS if nobody else Step()
    found = guess.identity(frame, _free(frame, theirs), by_name_only=tracked)
    if found is not None:
        return _taken("identity_id", found, "identity: remove it if it is not")
    if tracked:
        return _TRACKS
    if theirs.get("id") == "id" and id_repeats(frame):
        return _taken(
            "identity_id", "id", "identity because it repeats: tracking_id=id if it is a track"
        )
    return Step(
        reason="no column looks like an identity, so nobody would be known: if one is, "
        "add --columns identity_id=COLUMN"
    )


def _tell_id(frame: pd.DataFrame, theirs: dict[str, str]) -> Step:
    """Say what a column `id` is that repeats: loading would ask."""
    taken = [ours for ours, their in theirs.items() if their == "id"]
    if taken != ["id"] or "tracking_id" in theirs or not id_repeats(frame):
        return Step()
    return _taken("tracking_id", "id", "the track because it repeats: put what it is")


def origin(frame: pd.DataFrame) -> Step:
    """Return the origin for a file with places in degrees; nothing for any other."""
    theirs = columns.resolve(list(frame.columns), geography.NAMES, columns.DEGREES, {}, "columns")
    if not theirs or not len(frame):
        return Step()
    degrees = [pd.to_numeric(frame[theirs[name]], errors="coerce") for name in geography.NAMES]
    found = geography.middle(*degrees)
    if found is None:
        return Step()
    reason = "places in degrees become metres around --origin, which all files of a site share"
    return Step((f"--origin={found}",), reason, named=theirs)


def tell_time(
    file: TextFile, frame: pd.DataFrame, theirs: Mapping[str, str], options: LoadOptions
) -> Step:
    """Return what tells the times of a file: a zone, a unit, a frame rate, or a file prepared."""
    if "timestamp" not in theirs and options.fps is not None:
        reason = f"{options.fps} frames a second by seqinfo.ini; put the time of frame 1"
        return Step(("--start-time", START), reason)
    if "timestamp" not in theirs:
        return _tell_frames(file, frame, theirs["frame"]) if "frame" in theirs else Step()
    name = theirs["timestamp"]
    cells = frame[name][(frame[name] != "").to_numpy(dtype=bool)]
    if len(cells) and matches(cells, NUMBER).all():
        return _tell_unit(numbers(cells))
    if is_naive(cells):
        return Step(("--tz", "UTC"), "its times have no zone: put the one they were recorded in")
    if not len(cells) or guess.is_iso(cells):
        return Step()
    return _tell_other_form(file, name, cells)


def is_naive(cells: pd.Series) -> bool:
    """Return whether some cell is a time that names no zone."""
    return bool((matches(cells, guess.ISO) & ~matches(cells, guess.OFFSET)).any())


def numbers(cells: pd.Series) -> np.ndarray:
    """Return the numbers among cells; a 0 where there is none."""
    plain = cells[matches(cells, NUMBER)]
    return plain.astype("float64").to_numpy() if len(plain) else np.array([0.0])


# The least number that is a time of our days in that unit, counted from 1970.
_UNITS = ((1e14, "us"), (1e11, "ms"), (guess.EPOCH_S, "s"))


def _tell_unit(found: np.ndarray) -> Step:
    for least, unit in _UNITS:
        if found.min() >= least:
            return Step(("--time-unit", unit), f"its times are numbers, {unit} since 1970")
    reason = "its times are numbers from a start that only you know: put yours"
    return Step(("--time-unit", "s", "--start-time", START), reason)


def _tell_other_form(file: TextFile, name: str, cells: pd.Series) -> Step:
    """Return the line that writes times like 31/01/2026 8:00 as ISO 8601, where they are dated."""
    if not guess.is_dated(cells):
        reason = (
            f"{name} ({cells.iloc[0][:40]!r}) holds no date and time: name the column that does"
        )
        return Step(("--columns", "timestamp=COLUMN"), reason)
    if file.format not in ("csv", "parquet"):
        reason = f"its times ({cells.iloc[0][:40]!r}) are no ISO 8601: write them so first"
        return Step(("--tz", "UTC"), reason)
    offset = bool(matches(cells, guess.OFFSET).mean() > 0.5)
    column = canonical_json(name)
    program = (
        f'f[{column}] = pd.to_datetime(f[{column}], format="mixed", errors="coerce", utc=True, '
        f"dayfirst={guess.day_first(cells)})"
        f'.dt.strftime("%Y-%m-%dT%H:%M:%S.%f{"Z" if offset else ""}")'
    )
    reason = f"its times ({cells.iloc[0][:40]!r}) are no ISO 8601 and are written so first"
    if not offset:
        reason += "; they have no zone: put the one they were recorded in"
    return prepared(file, program, reason, () if offset else ("--tz", "UTC"))


def _tell_frames(file: TextFile, frame: pd.DataFrame, clock: str) -> Step:
    fps = _fps(frame, clock)
    reason = f"{fps or USUAL_FPS} frames a second " + (
        "by its seconds" if fps else "assumed: put yours"
    )
    sequences = [name for name in ("sequence", "seq") if name in frame]
    fps = fps or USUAL_FPS
    if sequences and matches(frame[sequences[0]], r"^\d+$").all() and file.format == "csv":
        return _sequences(file, clock, sequences[0], fps, reason)
    first = 1 if file.format == "mot" else 0
    reason += f"; it has no clock: put the time of frame {first}"
    return Step(("--fps", str(fps), "--start-time", START), reason)


def _fps(frame: pd.DataFrame, column: str) -> int | None:
    """Return the whole frame rate that a column of seconds beside the frames speaks of."""
    for name in ("t_seconds", "seconds", "time_s", "t"):
        if name not in frame or not len(frame):
            continue
        if not (matches(frame[name], NUMBER) & matches(frame[column], NUMBER)).all():
            continue
        seconds, frames = numbers(frame[name]), numbers(frame[column])
        if seconds.max() > 0:
            rate = round(float(frames[seconds.argmax()] / seconds.max()))
            if rate > 0 and np.abs(frames - seconds * rate).max() <= 0.51:
                return rate
    return None


def _sequences(file: TextFile, frame: str, sequence: str, fps: int, reason: str) -> Step:
    """Return the line that gives each sequence a day of its own: frames restart in each."""
    clock, part = map(canonical_json, (frame, sequence))
    program = (
        f'f["timestamp"] = (pd.Timestamp("{START}")'
        f' + pd.to_timedelta(f[{part}].astype(int) - 1, unit="D")'
        f' + pd.to_timedelta(f[{clock}].astype(int) * 1000000 // {fps}, unit="us"))'
        '.dt.strftime("%Y-%m-%dT%H:%M:%S.%fZ")'
    )
    reason = f"{reason}; frames restart in each {sequence}, so each gets a day of its own first"
    return prepared(file, program, reason)


def prepared(file: TextFile, program: str, reason: str, arguments: tuple[str, ...] = ()) -> Step:
    """Return the step that runs a line of Python over the file's table `f` and writes it anew."""
    target = f"{file.path.name.split('.')[0]}_timed.csv"
    # JSON texts are Python texts too, and their double quotes need no escape in the shell.
    source = canonical_json(str(file.path))
    if isinstance(file, CsvFile):
        part = "" if file.delimiter == "," else f", sep={canonical_json(file.delimiter)}"
        reading = f"pd.read_csv({source}, dtype=str, keep_default_na=False{part})"
    else:
        reading = f"pd.read_parquet({source})"
    whole = (
        f"import pandas as pd; f = {reading}; {program}; "
        f"f.to_csv({canonical_json(target)}, index=False)"
    )
    return Step(
        arguments=arguments,
        reason=reason,
        preparation=shlex.join(["python3", "-c", whole]),
        prepared=target,
    )
