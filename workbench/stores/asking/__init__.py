"""Questions that people write themselves, in the language of a database.

What both databases have in common: which values a question may be given, how long it may take,
how many rows come back, and what kind of column they become. What a question may do is decided by
the database, never by looking at its text: :mod:`workbench.stores.asking.sql`,
:mod:`workbench.stores.asking.cypher`.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol, runtime_checkable

import numpy as np
import pandas as pd

from workbench import times
from workbench.errors import InvalidInputError
from workbench.kinds import LARGEST_WHOLE

TIMEOUT_S = 60.0
MOST_ROWS = 100_000
_WHOLE = 2**63
_KINDS = "text, numbers, True, False, None, times with a zone, and lists of these"


class AnswerCutWarning(UserWarning):
    """An answer had more rows than it may have, and was cut."""


@runtime_checkable
class Askable(Protocol):
    """A database that answers questions in its language: ``"sql"`` or ``"cypher"``."""

    language: str

    def ask(
        self,
        text: str,
        parameters: Mapping[str, Any] | None = None,
        *,
        write: bool = False,
        timeout_s: float = TIMEOUT_S,
        most_rows: int = MOST_ROWS,
    ) -> pd.DataFrame:
        """Return the answer, a column for each that the question names."""


def check_limits(timeout_s: float, most_rows: int) -> None:
    """Refuse limits that are none: a server takes a time of 0 for as long as it likes."""
    for name, value, least in (("timeout_s", timeout_s, 0.001), ("most_rows", most_rows, 1)):
        if not least <= value <= LARGEST_WHOLE:
            raise InvalidInputError(
                f"The limit cannot be {value}.", where=name, next=f"Give {least} or more."
            )


def checked_text(text: str) -> str:
    """Return the text of a question that a database can be given.

    Raises
    ------
    InvalidInputError
        When there is none, or it holds what is no text.
    """
    if not text.strip():
        raise InvalidInputError(
            "There is no question.", where="the statement", next="Write one after the options."
        )
    _sound(text, "the statement")
    return text


def checked_values(
    parameters: Mapping[str, Any],
    *,
    moment: Callable[[int], Any],
    several: Callable[[list[Any]], Any] = list,
) -> dict[str, Any]:
    """Return the values of a question as its database takes them.

    Parameters
    ----------
    parameters : mapping of str to object
        Text, numbers (also numpy's), bool, None, aware times, and lists of these; a Series, an
        Index and an array are lists. What is missing in pandas is None.
    moment : callable
        Makes the database's value of microseconds since the epoch.
    several : callable
        Makes the database's value of a list.

    Raises
    ------
    InvalidInputError
        Naming the parameter that is something else.

    Examples
    --------
    >>> checked_values({"ids": pd.Index(["p1", "p2"]), "k": np.int64(3)}, moment=int)
    {'ids': ['p1', 'p2'], 'k': 3}
    """
    values: dict[str, Any] = {}
    for name, value in parameters.items():
        if isinstance(value, list | tuple | pd.Series | pd.Index | np.ndarray):
            if getattr(value, "ndim", 1) != 1:
                raise _refused(name, "is a table of several columns")
            values[name] = several([_scalar(name, one, moment) for one in value])
        else:
            values[name] = _scalar(name, value, moment)
    return values


def _scalar(name: str, value: Any, moment: Callable[[int], Any]) -> Any:
    if value is None or value is pd.NA or value is pd.NaT:
        return None
    if isinstance(value, np.generic) and not isinstance(value, np.datetime64):
        value = value.item()  # numpy's float64 is a float, but not its float32
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _sound(str(value), name)
    if isinstance(value, int | float):
        return _number(name, value)
    if isinstance(value, datetime):
        return moment(times.instant(value, name=name))
    raise _refused(name, f"is a {type(value).__name__}")


def _number(name: str, value: int | float) -> int | float | None:
    if isinstance(value, int):
        if not -_WHOLE <= value < _WHOLE:
            raise _refused(name, "is a whole number of more than 64 bits")
        return int(value)
    if math.isinf(value):
        raise _refused(name, "is no finite number")
    return None if math.isnan(value) else float(value)


def _sound(text: str, name: str) -> str:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise _refused(name, "holds half a character (a surrogate)") from None
    if "\0" in text:
        raise _refused(name, "holds the character NUL")
    return text


def _refused(name: str, why: str) -> InvalidInputError:
    return InvalidInputError(
        f"A value of the question cannot be used: it {why}.",
        where=name,
        next=f"Values are {_KINDS}.",
    )


def answer(names: Sequence[str], rows: Iterable[Sequence[Any]], most_rows: int) -> pd.DataFrame:
    """Return the rows of an answer as a table, whose columns have the dtypes of the package.

    A column of whole numbers is ``Int64``, of truths ``boolean``, of text ``str``, of times
    ``datetime64[us, UTC]``; one of several kinds, or of none, is ``object``.

    Parameters
    ----------
    names : sequence of str
        Of the columns, as in the question.
    rows : iterable of sequences
        At most one more than `most_rows`: it is left out, and the warning given.
    most_rows : int

    Warns
    -----
    AnswerCutWarning
        When there were more rows.

    Examples
    --------
    >>> answer(["id", "n"], [("p1", 2), ("p2", None)], 10).dtypes.astype("str").tolist()
    ['str', 'Int64']
    """
    found = list(rows)
    if len(found) > most_rows:
        del found[most_rows:]
        # With a memory of its own, or the second answer that is cut would not say so.
        warnings.warn_explicit(
            f"The answer was cut after {most_rows:,} rows; there are more. Count them, or ask for "
            "less with a condition or a LIMIT.",
            AnswerCutWarning,
            filename="workbench",
            lineno=1,
            registry={},
        )
    columns = zip(*found, strict=True) if found else [()] * len(names)
    series = {at: _column(list(cells)) for at, cells in enumerate(columns)}
    frame = pd.DataFrame(series, index=pd.RangeIndex(len(found)))
    frame.columns = pd.Index(list(names), dtype="str")
    return frame


def _column(cells: list[Any]) -> pd.Series:
    kinds = {type(cell) for cell in cells if cell is not None}
    dtypes = {str: "str", bool: "boolean", int: "Int64", pd.Timestamp: times.DTYPE}
    if len(kinds) == 1 and kinds <= dtypes.keys():
        return pd.Series(cells, dtype=dtypes[kinds.pop()])
    if float in kinds and kinds <= {int, float} and not _inexact(cells):
        return pd.Series(cells, dtype="float64")
    return pd.Series(cells, dtype=object)


def _inexact(cells: list[Any]) -> bool:
    return any(isinstance(cell, int) and abs(cell) > LARGEST_WHOLE for cell in cells)
