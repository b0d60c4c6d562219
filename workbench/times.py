"""Instants: text to aware UTC, microseconds to and from pandas, and text again.

Inside the package an instant is ``datetime64[us, UTC]`` in a table and an integer number of
microseconds since 1970-01-01T00:00:00Z (``_us``) where it is computed with or stored.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import pandas as pd

from workbench.errors import InvalidInputError

DTYPE: Final = "datetime64[us, UTC]"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# The years 1000 to 8999: Python's own datetime ends at 1 and 9999, and a clock offset (at most
# 1e10 s, 317 years) must not lead beyond.
MIN_US = -30_610_224_000_000_000
MAX_US = 221_845_391_999_999_999

_TEXT = (
    r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?"
    r"(?P<offset>[Zz]|[+-]\d{2}(?::?\d{2})?)?$"
)


def zone(name: str) -> ZoneInfo:
    """Return the time zone called `name` (an IANA name such as ``Europe/Madrid``, or ``UTC``).

    Raises
    ------
    InvalidInputError
        When no such zone is known.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, TypeError, OSError) as error:
        raise InvalidInputError(
            f"There is no time zone called {name!r:.200}.",
            where="time zone",
            next="Use an IANA name, for example UTC, Europe/Madrid or America/New_York.",
        ) from error


def to_us(values: pd.Series) -> pd.Series:
    """Return microseconds since the epoch (``Int64``, missing where the time is missing)."""
    aware = values.astype(DTYPE)
    return aware.astype("int64").astype("Int64").mask(aware.isna())


def from_us(values: object) -> pd.Series:
    """Return aware UTC times (``datetime64[us, UTC]``) of microseconds since the epoch."""
    series = pd.Series(values)
    missing = series.isna().to_numpy()
    whole = np.where(missing, 0, series.to_numpy(dtype=object)).astype("int64")
    times = pd.Series(whole.astype("datetime64[us]"), index=series.index).dt.tz_localize("UTC")
    return times.mask(missing) if missing.any() else times


def parse(text: pd.Series, *, tz: str | None = None) -> tuple[pd.Series, pd.Series]:
    """Return the times that texts name, and the reason where one names none.

    Parameters
    ----------
    text : Series of str
        ISO 8601: ``2026-01-31T08:00:00.25Z``; a space may stand for the ``T``, seconds may be
        left out, up to six decimals. Surrounding blanks are ignored.
    tz : str, optional
        Zone of the times that carry no offset. Without it such a time is a reason.

    Returns
    -------
    times : Series of datetime64[us, UTC]
        Missing where there is a reason.
    reasons : Series of str
        Missing where the time was understood.
    """
    stripped = text.astype("str").str.strip()
    offset = stripped.str.extract(_TEXT, expand=False)
    shaped = stripped.str.match(_TEXT).fillna(False).astype(bool)
    naive = shaped & offset.isna()
    reasons = pd.Series(pd.NA, index=text.index, dtype="str")
    times = pd.Series(pd.NaT, index=text.index, dtype=DTYPE)

    reasons[~shaped] = "not an ISO 8601 time"
    aware = shaped & ~naive
    if aware.any():
        times[aware] = _parsed(stripped[aware], utc=True)
    if naive.any() and tz is None:
        reasons[naive] = "a time without zone or offset: say which with a time zone"
    elif naive.any():
        local = _parsed(stripped[naive], utc=False)
        placed = local.dt.tz_localize(zone(str(tz)), ambiguous="NaT", nonexistent="NaT")
        times[naive] = placed.dt.tz_convert("UTC")
        odd = local.notna() & placed.isna()
        reasons[odd[odd].index] = f"a local time that {tz} skips or repeats"
    reasons[shaped & times.isna() & reasons.isna()] = "not a date of the calendar"
    far = beyond(times)
    reasons[far] = "outside the years 1000 to 8999"
    return times.mask(far), reasons


def beyond(times: pd.Series) -> pd.Series:
    """Return which times lie outside of what a store keeps."""
    us = times.astype(DTYPE).astype("int64")
    return times.notna() & ((us < MIN_US) | (us > MAX_US))


def _parsed(text: pd.Series, *, utc: bool) -> pd.Series:
    # Times and zones of many shapes in one column: ISO8601 lets each cell have its own.
    times = pd.to_datetime(text, format="ISO8601", utc=utc, errors="coerce")
    return times.dt.as_unit("us")


def instant(value: object, *, tz: str | None = None, name: str = "time") -> int:
    """Return the microseconds since the epoch of one instant.

    Parameters
    ----------
    value : str, datetime, Timestamp or date-like
        ISO 8601 text or an aware datetime; a naive one needs `tz`.
    tz : str, optional
        Zone of a naive value.
    name : str
        What the value is called in an error.

    Raises
    ------
    InvalidInputError
        When it is no time, or naive without `tz`.

    Examples
    --------
    >>> instant("1970-01-01T00:00:01Z")
    1000000
    """
    if isinstance(value, datetime):
        exact = _exact(value)
        if exact is not None:
            return exact
        text = value.isoformat()
    elif isinstance(value, np.datetime64):
        text = str(value.astype("datetime64[us]"))
    else:
        text = str(value)
    if len(text.strip()) == 10:  # a date is the first instant of its day
        text = f"{text.strip()}T00:00"
    times, reasons = parse(pd.Series([text], dtype="str"), tz=tz)
    if not pd.isna(reasons[0]):
        raise InvalidInputError(
            f"{name} {text!r} cannot be used: {reasons[0]}.",
            where=name,
            next="Write it as 2026-01-31T08:00:00Z, or give the zone with --tz (Python: tz=).",
        )
    return int(times.astype("int64")[0])


def _exact(value: datetime) -> int | None:
    """Return the microseconds of an aware datetime without reading it as text, if they are whole.

    None where it would not be understood as text either: whoever asked is told why.
    """
    offset = None if pd.isna(value) else value.utcoffset()
    finer = isinstance(value, pd.Timestamp) and value.nanosecond != 0
    if offset is None or finer or offset % timedelta(minutes=1):
        return None
    us = microseconds(value)
    return us if MIN_US <= us <= MAX_US else None


def microseconds(moment: datetime) -> int:
    """Return the microseconds since the epoch of an aware datetime.

    Examples
    --------
    >>> microseconds(datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC))
    1000000
    """
    return (moment - _EPOCH) // timedelta(microseconds=1)


def moment(us: int) -> datetime:
    """Return the aware datetime of microseconds since the epoch.

    Examples
    --------
    >>> moment(1000000).isoformat()
    '1970-01-01T00:00:01+00:00'
    """
    return _EPOCH + timedelta(microseconds=us)


def iso(us: int | None) -> str | None:
    """Return ISO 8601 in UTC with microseconds and ``Z``, or None of None.

    Examples
    --------
    >>> iso(1000000)
    '1970-01-01T00:00:01.000000Z'
    """
    if us is None:
        return None
    return f"{np.datetime_as_string(np.datetime64(int(us), 'us'), unit='us')}Z"


def iso_column(times: pd.Series) -> list[str | None]:
    """Return ISO 8601 texts (UTC, microseconds, ``Z``) of a time column, None where missing."""
    aware = times.astype(DTYPE)
    naive = aware.dt.tz_localize(None).to_numpy().astype("datetime64[us]")
    text = np.datetime_as_string(naive, unit="us")
    missing = aware.isna().to_numpy()
    return [None if gone else f"{t}Z" for t, gone in zip(text, missing, strict=True)]
