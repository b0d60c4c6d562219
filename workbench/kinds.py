"""The kinds of columns, and how a cell given as text or typed becomes a value of its kind.

==========  =======================  ==================================================
kind        column of a DataFrame    meaning
==========  =======================  ==================================================
``id``      ``str``                  1 to 200 characters, no control ones, kept as they are
``text``    ``str``                  any text without control characters but tab and line end
``time``    ``datetime64[us, UTC]``  an instant
``int``     ``Int64``                a whole number below 2**53
``float``   ``float64``              a finite number
``bool``    ``boolean``
``json``    ``str``                  JSON text of an object or a list, keys sorted
``blob``    ``object``               bytes
==========  =======================  ==================================================

Missing is ``NaN``/``NaT``/``NA`` in tables and ``None`` in records and JSON.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from workbench import times

Kind = Literal["id", "text", "time", "int", "float", "bool", "json", "blob"]

ID_LENGTH = 200
TEXT_LENGTH = 10_000
JSON_LENGTH = 100_000
LARGEST_WHOLE = 2**53
CONTROL_IN_ID = r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]"
CONTROL_IN_TEXT = r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]"
_DTYPES: dict[str, str] = {
    "id": "str",
    "text": "str",
    "json": "str",
    "time": times.DTYPE,
    "int": "Int64",
    "float": "float64",
    "bool": "boolean",
    "blob": "object",
}
_TRUE = {"true", "t", "yes", "y", "1", "1.0"}
_FALSE = {"false", "f", "no", "n", "0", "0.0"}


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name, kind, unit and meaning.

    ``statistic`` columns are recomputed by the store and never taken from input; ``minimum``,
    ``maximum`` (inclusive) and ``above`` (exclusive) bound a number.
    """

    name: str
    kind: Kind
    doc: str
    unit: str = ""
    required: bool = False
    references: str | None = None
    statistic: bool = False
    minimum: float | None = None
    above: float | None = None
    maximum: float | None = None

    @property
    def dtype(self) -> str:
        """Return the pandas dtype of the column."""
        return _DTYPES[self.kind]

    def missing(self, n: int) -> pd.Series:
        """Return `n` missing values."""
        return pd.Series([], dtype=self.dtype).reindex(range(n))


def coerce_column(values: pd.Series, column: Column) -> tuple[pd.Series, pd.Series]:
    """Return the values in the column's dtype and the reason where one cannot be used.

    Empty text is missing. Both series keep the index of `values`.
    """
    if column.kind in ("id", "text"):
        return _coerce_text(values, column)
    if column.kind == "time":
        return _coerce_time(values)
    if column.kind in ("int", "float"):
        return _coerce_number(values, column)
    if column.kind == "bool":
        return _coerce_bool(values)
    if column.kind == "json":
        return _coerce_json(values)
    return _coerce_blob(values)


def _no_reasons(values: pd.Series) -> pd.Series:
    return pd.Series(pd.NA, index=values.index, dtype="str")


def _as_text(values: pd.Series) -> pd.Series:
    if values.dtype == "str":
        text = values
    elif values.dtype == object:
        text = values.map(
            lambda value: _sound(value) if isinstance(value, str) else _text_of(value)
        )
        text = text.astype("str")
    else:
        text = values.map(_text_of, na_action="ignore").astype("str")
    return text.mask(text == "")


def _sound(value: str) -> str:
    # Half a surrogate pair fits no column of text: a control character stands for it, and is
    # refused with the same reason.
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return "\x00"
    return value


def _text_of(value: Any) -> Any:
    if value is None or value is pd.NA or value is pd.NaT:
        return pd.NA
    if isinstance(value, float):
        if np.isnan(value):
            return pd.NA
        # An id column read by pandas with a gap in it comes as floats: 2.0 was written 2.
        return str(int(value)) if value.is_integer() and abs(value) < LARGEST_WHOLE else repr(value)
    return str(value)


def _coerce_text(values: pd.Series, column: Column) -> tuple[pd.Series, pd.Series]:
    text = _as_text(values)
    reasons = _no_reasons(values)
    limit = ID_LENGTH if column.kind == "id" else TEXT_LENGTH
    long = text.str.len() > limit
    flaw = CONTROL_IN_ID if column.kind == "id" else CONTROL_IN_TEXT
    control = text.str.contains(flaw, regex=True)
    reasons[long.fillna(False).astype(bool)] = f"longer than {limit} characters"
    reasons[control.fillna(False).astype(bool)] = "holds a control character or is not UTF-8"
    return text.mask(reasons.notna()), reasons


def _coerce_time(values: pd.Series) -> tuple[pd.Series, pd.Series]:
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        aware = values.dt.tz_convert("UTC").dt.as_unit("us")
        reasons = _no_reasons(values)
        far = times.beyond(aware)
        reasons[far] = "outside the years 1000 to 8999"
        return aware.mask(far), reasons
    text = values.map(lambda v: v.isoformat() if hasattr(v, "isoformat") else v, na_action="ignore")
    text = _as_text(text.astype(object))
    given = text.notna()
    result = pd.Series(pd.NaT, index=values.index, dtype=times.DTYPE)
    reasons = _no_reasons(values)
    if given.any():
        result[given], reasons[given] = times.parse(text[given])
    return result, reasons


def _coerce_number(values: pd.Series, column: Column) -> tuple[pd.Series, pd.Series]:
    reasons = _no_reasons(values)
    if values.dtype == "str" or values.dtype == object:
        text = _as_text(values)
        given = text.notna()
        plain = text.str.match(r"^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*$")
        numbers = pd.to_numeric(text.where(plain.fillna(False).astype(bool)), errors="coerce")
    else:
        given = values.notna()
        numbers = pd.to_numeric(values, errors="coerce")
    numbers = numbers.astype("Float64").astype("float64")
    reasons[given & numbers.isna()] = "not a number"
    reasons[~np.isfinite(numbers) & numbers.notna()] = "not a finite number"
    if column.minimum is not None:
        reasons[numbers < column.minimum] = f"less than {column.minimum:g}"
    if column.above is not None:
        reasons[numbers <= column.above] = f"not above {column.above:g}"
    if column.maximum is not None:
        reasons[numbers > column.maximum] = f"more than {column.maximum:g}"
    if column.kind == "int":
        reasons[numbers.abs() > LARGEST_WHOLE] = "too large"
        reasons[(numbers % 1 != 0) & numbers.notna() & reasons.isna()] = "not a whole number"
    numbers = numbers.mask(reasons.notna())
    return (numbers.astype("Int64") if column.kind == "int" else numbers + 0.0), reasons


def _coerce_bool(values: pd.Series) -> tuple[pd.Series, pd.Series]:
    if values.dtype == bool or values.dtype == "boolean":
        return values.astype("boolean"), _no_reasons(values)
    text = _as_text(values).str.strip().str.lower()
    result = pd.Series(pd.NA, index=values.index, dtype="boolean")
    result[text.isin(_TRUE)] = True
    result[text.isin(_FALSE)] = False
    reasons = _no_reasons(values)
    reasons[text.notna() & result.isna()] = "neither true nor false"
    return result, reasons


def canonical_json(value: Any) -> str:
    """Return JSON text with sorted keys and no blanks: equal values give equal text.

    Examples
    --------
    >>> canonical_json({"b": 1, "a": "é"})
    '{"a":"é","b":1}'
    """
    return json.dumps(
        value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False
    )


def _coerce_json(values: pd.Series) -> tuple[pd.Series, pd.Series]:
    reasons = _no_reasons(values)
    texts: list[Any] = []
    wrong: dict[int, str] = {}
    for position, value in enumerate(values):
        if value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value)):
            texts.append(pd.NA)
            continue
        try:
            parsed = json.loads(value) if isinstance(value, str) else value
            text = canonical_json(parsed)
            text.encode("utf-8")
        except (TypeError, ValueError, RecursionError):
            wrong[position] = "not JSON, or a value JSON cannot hold"
            texts.append(pd.NA)
            continue
        if not isinstance(parsed, dict | list):
            wrong[position] = "neither an object nor a list"
        elif len(text) > JSON_LENGTH:
            wrong[position] = f"longer than {JSON_LENGTH} characters"
        texts.append(pd.NA if position in wrong else text)
    for position, reason in wrong.items():
        reasons.iloc[position] = reason
    return pd.Series(texts, index=values.index, dtype="str"), reasons


def _coerce_blob(values: pd.Series) -> tuple[pd.Series, pd.Series]:
    reasons = _no_reasons(values)
    bad = [value is not None and not isinstance(value, bytes) for value in values]
    reasons[np.array(bad, dtype=bool)] = "not bytes"
    return values.astype(object).where(reasons.isna(), None), reasons


def properties_text(frame: pd.DataFrame, columns: Iterable[str]) -> pd.Series:
    """Return JSON texts that keep `columns` of text (empty cells left out), missing if all are.

    Equal rows give equal text. Built column by column, not row by row.
    """
    text = pd.Series("", index=frame.index, dtype="str")
    for name in sorted(columns):
        cells = _as_text(frame[name])
        filled = cells.notna()
        if not filled.any():
            continue
        codes, values = pd.factorize(cells[filled])
        encoded = np.array(
            [f"{canonical_json(name)}:{canonical_json(v)}" for v in values], dtype=object
        )
        piece = pd.Series("", index=frame.index, dtype="str")
        piece[filled] = encoded[codes]
        joint = pd.Series("", index=frame.index, dtype="str").mask(filled & (text != ""), ",")
        text = text + joint + piece
    return ("{" + text + "}").mask(text == "")
