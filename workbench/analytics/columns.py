"""The columns of every answer of this folder, once; and what its functions ask of their input.

Names carry their unit: ``_s`` seconds, ``_m`` metres, ``_m_s`` metres a second.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from workbench import times
from workbench.errors import InvalidInputError

Columns = dict[str, str]
_MOST = 2**32  # no count and no seed of a library is larger
_TIME = pd.DatetimeTZDtype(unit="us", tz="UTC")

VISITS: Columns = {
    "identity_id": "str",
    "camera_id": "str",
    "place_id": "str",
    "start": times.DTYPE,
    "end": times.DTYPE,
    "dwell_s": "float64",
    "sightings": "int64",
}

TRANSITIONS: Columns = {
    "identity_id": "str",
    "from_camera": "str",
    "to_camera": "str",
    "from_place": "str",
    "to_place": "str",
    "start": times.DTYPE,
    "end": times.DTYPE,
    "gap_s": "float64",
    "unseen_s": "float64",
    "distance_m": "float64",
    "speed_m_s": "float64",
    "way_m": "float64",
    "usual_s": "float64",
}

FLOW: Columns = {
    "from_camera": "str",
    "to_camera": "str",
    "transitions": "int64",
    "median_s": "float64",
}

GAPS: Columns = {
    "identity_id": "str",
    "start": times.DTYPE,
    "end": times.DTYPE,
    "gap_s": "float64",
    "unseen_s": "float64",
    "from_camera": "str",
    "to_camera": "str",
    "reason": "str",
    "outage_camera": "str",
    "outage_s": "float64",
    "source": "str",
}

IMPLAUSIBLE: Columns = {
    "identity_id": "str",
    "from_appearance": "str",
    "to_appearance": "str",
    "from_camera": "str",
    "to_camera": "str",
    "start": times.DTYPE,
    "end": times.DTYPE,
    "reason": "str",
    "speed_m_s": "float64",
    "distance_m": "float64",
    "gap_s": "float64",
}

ACTIVITY: Columns = {
    "camera_id": "str",
    "weekday": "int64",
    "hour": "int64",
    "sightings": "int64",
    "identities": "int64",
    "hours": "float64",
    "out_h": "float64",
}

TRAVEL_TIMES: Columns = {
    "from_camera": "str",
    "to_camera": "str",
    "transitions": "int64",
    "p05_s": "float64",
    "median_s": "float64",
    "p95_s": "float64",
    "iqr_s": "float64",
    "distance_m": "float64",
    "speed_m_s": "float64",
}

BLIND_AREAS: Columns = {
    "from_camera": "str",
    "to_camera": "str",
    "distance_m": "float64",
    "blind_m": "float64",
    "adjacent": "bool",
    "transitions": "int64",
    "unseen": "int64",
    "median_gap_s": "float64",
    "p95_gap_s": "float64",
    "long_share": "float64",
}

PAIR_OFFSETS: Columns = {
    "camera_a": "str",
    "camera_b": "str",
    "offset_s": "float64",
    "low_s": "float64",
    "high_s": "float64",
    "spread_s": "float64",
    "pairs": "int64",
    "method": "str",
}

CLOCK_OFFSETS: Columns = {
    "camera_id": "str",
    "offset_s": "float64",
    "low_s": "float64",
    "high_s": "float64",
    "pairs": "int64",
    "neighbours": "int64",
    "reference": "str",
    "recorded_s": "float64",
    "clock_offset_s": "float64",
}

ENCOUNTERS: Columns = {
    "a": "str",
    "b": "str",
    "camera_id": "str",
    "place_id": "str",
    "start": times.DTYPE,
    "end": times.DTYPE,
    "overlap_s": "float64",
    "a_dwell_s": "float64",
    "b_dwell_s": "float64",
}

CO_OCCURRENCES: Columns = {
    "a": "str",
    "b": "str",
    "count": "int64",
    "overlap_s": "float64",
    "cameras": "int64",
    "days": "int64",
    "first": times.DTYPE,
    "last": times.DTYPE,
}

WALKS: Columns = {
    "a": "str",
    "b": "str",
    "start": times.DTYPE,
    "end": times.DTYPE,
    "steps": "int64",
    "encounters": "int64",
    "overlap_s": "float64",
    "cameras": "object",
}

SIGNIFICANCE: Columns = {
    **CO_OCCURRENCES,
    "runs": "int64",
    "longest": "int64",
    "observed": "int64",
    "expected": "float64",
    "lift": "float64",
    "p": "float64",
    "q": "float64",
}

LEARNED: Columns = {
    "from_camera": "str",
    "to_camera": "str",
    "distance_m": "float64",
    "time_s": "float64",
    "directed": "bool",
    "transitions": "int64",
    "back": "int64",
    "expected": "float64",
    "lift": "float64",
}


def table(columns: Columns, values: dict[str, object]) -> pd.DataFrame:
    """Return a table of these columns, in their order and dtypes, index 0 to n - 1."""
    return pd.DataFrame({name: _typed(values[name], dtype) for name, dtype in columns.items()})


def _typed(values: Any, dtype: str) -> Any:
    # Arrays, not series: making and aligning a series takes longer than filling a small one.
    if dtype in ("float64", "int64", "bool"):
        return np.asarray(values, dtype=dtype)
    array = values.array if isinstance(values, pd.Series | pd.Index) else values
    return pd.array(array, dtype=pd.api.types.pandas_dtype(dtype))  # type: ignore[arg-type]


def require(frame: pd.DataFrame, names: Iterable[str], subject: str) -> None:
    """Check that a table has the columns that a computation reads.

    Raises
    ------
    InvalidInputError
        Naming the columns that are missing.
    """
    missing = [name for name in names if name not in frame.columns]
    if missing:
        raise InvalidInputError(
            f"The {subject} lack the column{'s' if len(missing) > 1 else ''} {', '.join(missing)}.",
            where=f"columns given: {', '.join(map(str, frame.columns)) or 'none'}",
            next="Give the table as the room that made it returned it.",
        )


def microseconds(column: pd.Series) -> np.ndarray:
    """Return int64 microseconds since the epoch of a time column without missing values."""
    if column.dtype != _TIME:
        column = column.astype(_TIME)
    return column.to_numpy(dtype="datetime64[us]").view("int64")


def instants(us: np.ndarray) -> pd.Series:
    """Return aware UTC times of int64 microseconds since the epoch."""
    return pd.Series(us.astype("datetime64[us]")).dt.tz_localize("UTC")


def whole(value: int, name: str, *, least: int = 0) -> int:
    """Return a count as it was given.

    Raises
    ------
    InvalidInputError
        When it is no whole number of at least `least`.
    """
    if not (isinstance(value, numbers.Integral) and least <= value < _MOST):
        raise InvalidInputError(
            f"{name} is {value!r:.200}.",
            where=name,
            next=f"Give a whole number, {least} or more.",
        )
    return int(value)


def number(value: float, name: str) -> float:
    """Return a measure as it was given.

    Raises
    ------
    InvalidInputError
        When it is no number of at least 0.
    """
    if not (isinstance(value, numbers.Real) and value >= 0):
        raise InvalidInputError(
            f"{name} is {value!r:.200}.", where=name, next="Give a number, 0 or more."
        )
    return float(value)


def duration_us(seconds: float, name: str) -> int:
    """Return a duration in whole microseconds, so that "at most" is exact.

    Raises
    ------
    InvalidInputError
        When it is no number of at least 0.
    """
    if not (isinstance(seconds, numbers.Real) and seconds >= 0):
        raise InvalidInputError(
            f"{name} is {seconds!r}: a number of seconds of at least 0 is needed.",
            where=name,
            next=f"Give {name} as seconds, for example 30.",
        )
    # Longer than the calendar is the same as endless.
    longest = times.MAX_US - times.MIN_US
    return longest if math.isinf(seconds) else min(round(seconds * 1e6), longest)
