"""When a row was: from a time, a number, or the frame of a video.

All three end as whole microseconds, computed exactly: a frame is ``start + frame / fps`` and a
number ``start + number x unit``, both rounded half to even.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from fractions import Fraction
from typing import Literal

import numpy as np
import pandas as pd

from workbench import schema, times
from workbench.errors import InvalidInputError
from workbench.readers.files import TextFile, matches
from workbench.readers.options import LoadOptions

UNIT_US = {"s": 1_000_000, "ms": 1_000, "us": 1}
NUMBER = r"^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*$"
_NAIVE = r"^\s*\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?\s*$"
# No time needs an exponent of more digits, and Decimal takes no more than eighteen.
_COUNT = r"^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?\s*$"
_WHOLE = r"^\s*[+-]?\d{1,12}\s*$"
_SPAN_US = times.MAX_US - times.MIN_US
_FAR = "outside the years 1 to 9999"
_FRAME = schema.APPEARANCE.column("frame")


@dataclass(frozen=True, slots=True)
class Clock:
    """Where the times of a file come from.

    Attributes
    ----------
    kind : str
        ``text`` (ISO 8601), ``number`` or ``frame``.
    column : str
        The file's column that holds them.
    tz : str or None
        Zone of texts without an offset.
    unit_us : int
        Microseconds of one (numbers).
    rate : Fraction
        Frames a second (frames).
    start_us : int
        The instant of number 0, or of the first frame.
    first : int
        Number of the first frame: 0, or 1 where a format counts from there.
    """

    kind: Literal["text", "number", "frame"]
    column: str
    tz: str | None = None
    unit_us: int = 1
    rate: Fraction = Fraction(1)
    start_us: int = 0
    first: int = 0

    def read(self, cells: pd.Series) -> tuple[pd.Series, pd.Series]:
        """Return the times of cells (``datetime64[us, UTC]``) and why one names none."""
        given = cells.where(cells != "")
        if self.kind == "text":
            found, reasons = times.parse(given, tz=self.tz)
        elif self.kind == "number":
            found, reasons = _numbers(given, self.unit_us, self.start_us)
        else:
            found, reasons = _frames(given, self.rate, self.start_us, self.first)
        return found, reasons.mask(given.isna(), "missing")

    def refuse(self, cells: pd.Series, lines: np.ndarray, file: str) -> None:
        """Refuse a file with a time that only an option not given could explain.

        Raises
        ------
        InvalidInputError
            Naming the first such line.
        """
        if self.kind == "text" and self.tz is None:
            naive = matches(cells, _NAIVE)
            if naive.any():
                raise self._refused(
                    "has no time zone", cells, lines, naive, file, "Name it: --tz Europe/Madrid"
                )
        if self.kind == "frame":
            return
        filled = (cells != "").to_numpy(dtype=bool)
        number = matches(cells, NUMBER)
        if self.kind == "text" and number.any() and (number == filled).all():
            todo = "Say what it counts: --time-unit s, ms or us (from --start-time or 1970)"
            raise self._refused("is a number", cells, lines, number, file, todo)
        if self.kind == "number" and filled.any() and not number.any():
            todo = "Leave out --time-unit, or name the column: --columns timestamp=COLUMN"
            raise self._refused("is no number", cells, lines, filled, file, todo)

    def _refused(
        self, why: str, cells: pd.Series, lines: np.ndarray, rows: np.ndarray, file: str, todo: str
    ) -> InvalidInputError:
        first = int(rows.argmax())
        return InvalidInputError(
            f"The time {cells.iloc[first][:100]!r} {why}.",
            where=f"{file}, line {lines[first]}, column {self.column}",
            next=f"{todo}.",
        )


def plan(theirs: dict[str, str], options: LoadOptions, file: TextFile, *, first: int = 0) -> Clock:
    """Return the clock of a file whose columns mean `theirs` (ours to the file's).

    `first` is the number of the frame at the start time.

    Raises
    ------
    InvalidInputError
        When the file has no time, or options contradict it or each other.
    """
    if options.fps is not None:
        return _frame_clock(theirs, options, file, first)
    if "timestamp" not in theirs:
        raise _no_time(theirs, options, file, first)
    if options.time_unit is not None:
        return number_clock(theirs["timestamp"], options)
    if options.start_time is not None:
        raise InvalidInputError(
            f"--start-time has no use: {theirs['timestamp']!r} says when each row was.",
            where="--start-time",
            next="Leave it out; or --time-unit s where that column counts from the start.",
        )
    return Clock("text", theirs["timestamp"], options.tz)


def number_clock(column: str, options: LoadOptions) -> Clock:
    """Return the clock of a column that counts time from a start (seconds unless said)."""
    unit = UNIT_US[options.time_unit or "s"]
    return Clock("number", column, unit_us=unit, start_us=options.start_us or 0)


def _frame_clock(theirs: dict[str, str], options: LoadOptions, file: TextFile, first: int) -> Clock:
    if options.time_unit is not None:
        raise InvalidInputError(
            "--fps and --time-unit are two ways to tell the time.",
            where="--fps",
            next="Give --fps for frames, --time-unit for numbers.",
        )
    if "timestamp" in theirs:
        raise InvalidInputError(
            f"{file.path.name!r} has times ({theirs['timestamp']!r}), so --fps cannot count.",
            where="--fps",
            next="Leave out --fps and --start-time.",
        )
    if "frame" not in theirs:
        raise InvalidInputError(
            f"{file.path.name!r} has no column of frames for --fps.",
            where="--fps",
            next="Name it: --columns frame=COLUMN.",
        )
    if options.rate is None or options.start_us is None:
        raise InvalidInputError(
            f"--fps needs the instant of frame {first}.",
            where="--start-time",
            next=f"Add {_asked(theirs, options, file, first)}.",
        )
    start_us = options.start_us
    return Clock("frame", theirs["frame"], rate=options.rate, start_us=start_us, first=first)


def _no_time(
    theirs: dict[str, str], options: LoadOptions, file: TextFile, first: int
) -> InvalidInputError:
    """Return what is missing for a file without times, in terms of what it has."""
    named = "--columns timestamp=COLUMN"
    said, todo = "", f"Name the column: {named}"
    if "frame" in theirs:
        said = f", only frames ({theirs['frame']!r})"
        todo = f"Add {_asked(theirs, options, file, first)}"
        todo += "" if file.meaning else f", or name the column of times: {named}"
    return InvalidInputError(
        f"{file.path.name!r} has no time{said}.",
        where=f"{file.path.name}, line 1",
        next=f"{todo}. 'workbench detect' says what a file is.",
    )


def _asked(theirs: dict[str, str], options: LoadOptions, file: TextFile, first: int) -> str:
    """Return the options that a file of frames still needs, each with what it means."""
    asked = []
    if options.rate is None:
        asked.append("--fps 25 (the recording's frames a second)")
    if options.start_us is None:
        asked.append(f"--start-time 2026-01-01T00:00:00Z (when frame {first} was)")
    if file.meaning and "camera_id" not in theirs and options.camera is None:
        asked.append("--camera ID (which camera it was)")
    return ", ".join(asked)


def _frames(
    cells: pd.Series, rate: Fraction, start_us: int, first: int
) -> tuple[pd.Series, pd.Series]:
    frames, reasons = schema.coerce_column(cells, _FRAME)
    us = _whole_us(frames.fillna(first).to_numpy(dtype="int64") - first, rate)
    return _placed(us, start_us, reasons)


def _whole_us(frames: np.ndarray, rate: Fraction) -> np.ndarray:
    """Return frame / rate in microseconds, rounded half to even (int64, or exact objects)."""
    above, below = rate.denominator * 1_000_000, rate.numerator
    far = np.abs(frames).max(initial=0) / float(rate) * 1e6 > 9e18
    if far or below * above > 2**62:
        frames = frames.astype(object)
    whole, rest = frames // below, frames % below  # np.divmod takes no objects
    part, left = rest * above // below, rest * above % below
    twice = 2 * left
    us = whole * above + part
    return us + ((twice > below) | ((twice == below) & (us % 2 == 1)))


def _numbers(cells: pd.Series, unit_us: int, start_us: int) -> tuple[pd.Series, pd.Series]:
    reasons = pd.Series(pd.NA, index=cells.index, dtype="str")
    number = matches(cells, _COUNT)
    whole = matches(cells, _WHOLE)
    us = np.zeros(len(cells), dtype=object if (number & ~whole).any() else "int64")
    us[whole] = cells[whole].str.strip().astype("int64").to_numpy() * unit_us
    if us.dtype == object:
        us[number & ~whole] = _exact(cells[number & ~whole].tolist(), unit_us)
    reasons[~number] = "not a number"
    return _placed(us, start_us, reasons)


def _exact(cells: list[str], unit_us: int) -> list[int]:
    with localcontext() as context:
        context.prec = 60
        numbers = [Decimal(cell.strip()[:200]) for cell in cells]
        # An exponent can name a number that no memory holds: what is far is only known as far.
        return [
            int((number * unit_us).to_integral_value(ROUND_HALF_EVEN))
            if number.adjusted() < 30
            else _SPAN_US * 4
            for number in numbers
        ]


def _placed(us: np.ndarray, start_us: int, reasons: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Return times `us` after the start; what the calendar does not hold gets a reason."""
    far = np.asarray((us > times.MAX_US - start_us) | (us < times.MIN_US - start_us), dtype=bool)
    reasons[far & reasons.isna().to_numpy()] = _FAR
    near = np.where(far | reasons.notna().to_numpy(), 0, us).astype("int64") + start_us
    found = pd.Series(near.astype("datetime64[us]"), index=reasons.index).dt.tz_localize("UTC")
    return found.mask(reasons.notna()), reasons
