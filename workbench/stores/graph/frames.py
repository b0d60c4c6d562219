"""Cells of tables as what a database takes, and rows as a database gives them as tables.

Times are whole microseconds since the epoch, missing is None: the same for every backend.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from workbench import times
from workbench.schema import Column

_NO_TIME = np.iinfo("int64").min


def cells(series: pd.Series, column: Column) -> list[Any]:
    """Return the column's values as what a database stores, None where missing."""
    if column.kind == "time":
        return _numbers_or_none(times.to_us(series))
    if column.kind in ("int", "bool"):
        return _numbers_or_none(series.astype("Int64"))
    return _with_none(series.astype(object).to_numpy(), series.isna().to_numpy())


def _numbers_or_none(values: pd.Series) -> list[Any]:
    missing = values.isna().to_numpy()
    whole = values.fillna(0).to_numpy(dtype="int64")
    return whole.tolist() if not missing.any() else _with_none(whole.astype(object), missing)


def _with_none(values: np.ndarray, missing: np.ndarray) -> list[Any]:
    if missing.any():
        values = values.copy()
        values[missing] = None
    return values.tolist()


def frame(columns: Sequence[Column], rows: list[tuple]) -> pd.DataFrame:
    """Return rows as read from a database as a table of these columns."""
    if not rows:
        return _empty(tuple((c.name, c.dtype) for c in columns)).copy()
    parts = zip(*rows, strict=True)
    # Arrays, not series: making and aligning a series takes longer than filling a small one.
    return pd.DataFrame({c.name: _array(c, v) for c, v in zip(columns, parts, strict=False)})


def record(columns: Sequence[Column], row: tuple) -> dict[str, Any]:
    """Return one row as read from a database as cells by name; None where missing."""
    cells: dict[str, Any] = {c.name: value for c, value in zip(columns, row, strict=True)}
    for column in columns:
        value = cells[column.name]
        if column.kind == "time" and value is not None:
            cells[column.name] = times.moment(value)
        if column.kind == "bool" and value is not None:
            cells[column.name] = bool(value)
    return cells


@lru_cache(maxsize=64)
def _empty(columns: tuple[tuple[str, str], ...]) -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series([], dtype=dtype) for name, dtype in columns})


def _array(column: Column, values: Sequence[Any]) -> Any:
    # By way of Arrow: NumPy has no None, and a loop over the cells takes several times as long.
    if column.kind == "blob":
        return np.fromiter(values, dtype=object, count=len(values))
    if column.kind == "float":
        return pa.array(values, pa.float64()).to_numpy(zero_copy_only=False)
    if column.kind in ("time", "int", "bool"):
        # A truth value is a number in one database and itself in another.
        cells = pa.array(values).cast(pa.int64())
        if column.kind == "time":
            moments = cells.fill_null(_NO_TIME).to_numpy().view("datetime64[us]")
            return pd.DatetimeIndex(moments).tz_localize("UTC").array
        missing = cells.is_null().to_numpy(zero_copy_only=False)
        numbers = cells.fill_null(0).to_numpy()
        if column.kind == "bool":
            return pd.arrays.BooleanArray(numbers.astype(bool), missing)
        return pd.arrays.IntegerArray(numbers, missing)
    return pd.array(pa.array(values, pa.large_string()), dtype=column.dtype)


def dense(numbers: np.ndarray, ids: dict[int, str]) -> tuple[np.ndarray, list[str]]:
    """Return positions in the sorted ids that occur, -1 for -1, and those ids."""
    present = [int(no) for no in np.unique(numbers) if int(no) in ids]
    names = sorted({ids[no] for no in present})
    position = {name: n for n, name in enumerate(names)}
    keys = np.array(sorted(present), dtype="int64")
    values = np.array([position[ids[no]] for no in keys.tolist()], dtype="int64")
    if not len(keys):
        return np.full(len(numbers), -1, dtype="int64"), names
    at = np.searchsorted(keys, numbers).clip(0, len(keys) - 1)
    return np.where(keys[at] == numbers, values[at], -1), names
