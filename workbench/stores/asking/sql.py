"""A question in SQL, answered by a connection that cannot write.

Three locks, each of SQLite itself: the file is opened for reading alone, ``query_only`` is on, and
an authorizer refuses everything but reading: other files (``ATTACH``), extensions, settings,
transactions. A question that takes too long is interrupted; so is one whose asker gives up.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pandas as pd

from workbench.errors import InvalidInputError, StoreError
from workbench.stores import asking

_READING = {
    sqlite3.SQLITE_SELECT,
    sqlite3.SQLITE_READ,
    sqlite3.SQLITE_FUNCTION,
    sqlite3.SQLITE_RECURSIVE,
}
# Pragmas that say how the tables are, and nothing else.
_LOOKING = {"table_info", "table_xinfo", "table_list", "index_list", "index_info", "index_xinfo"}
# Functions that are tables: of lists among the values, and of how the tables are.
_TABLES = ("json_each", "json_tree", *(f"pragma_{name}" for name in sorted(_LOOKING)))
# By which memory or files of the process could be reached.
_DANGEROUS = {"load_extension", "fts3_tokenizer", "readfile", "writefile", "edit"}
_ONLY_READING = "PRAGMA query_only = 1"
_LONGEST = 1 << 26  # bytes of a text: one made in the question would fill the memory otherwise
_STEPS = 20_000  # of SQLite's machine between two looks at the clock
_OF_THE_FILE = tuple(
    f"SQLITE_{name}"
    for name in ("CORRUPT", "NOTADB", "BUSY", "LOCKED", "IOERR", "CANTOPEN", "FULL", "NOMEM")
)


def read(
    path: Path,
    text: str,
    parameters: Mapping[str, Any],
    *,
    wait_s: float,
    timeout_s: float,
    most_rows: int,
) -> pd.DataFrame:
    """Return what the database file at `path` answers.

    A time among the parameters becomes whole microseconds since the epoch, as the tables have
    them, a list JSON text: ``WHERE id IN (SELECT value FROM json_each(:ids))``.

    Raises
    ------
    InvalidInputError
        When the question does more than read, or SQLite does not understand it.
    StoreError
        When the answer does not come in time.
    sqlite3.Error
        When it is the file that is at fault.
    """
    asking.check_limits(timeout_s, most_rows)
    question = asking.checked_text(text)
    values = asking.checked_values(parameters, moment=int, several=json.dumps)
    with closing(_connected(path, wait_s)) as connection:
        deadline = time.monotonic() + timeout_s
        connection.set_progress_handler(lambda: time.monotonic() > deadline, _STEPS)
        try:
            cursor = connection.execute(question, values)
            if cursor.description is None:
                raise _not_understood("this is no question")
            names = [column[0] for column in cursor.description]
            return asking.answer(names, cursor.fetchmany(most_rows + 1), most_rows)
        except (sqlite3.Error, sqlite3.Warning) as error:
            name = getattr(error, "sqlite_errorname", "") or ""
            if name.startswith(_OF_THE_FILE):
                raise
            if name == "SQLITE_INTERRUPT":
                raise _interrupted(deadline, timeout_s) from error
            raise _ours(name, str(error)) from error


def _connected(path: Path, wait_s: float) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=wait_s, isolation_level=None
    )
    connection.execute(_ONLY_READING)
    for function in _TABLES:  # to make one, SQLite asks the authorizer as for a new table
        connection.execute(f"SELECT 1 FROM {function} LIMIT 0")
    connection.text_factory = lambda data: data.decode("utf-8", "backslashreplace")
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST)
    connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
    connection.set_authorizer(_may)
    return connection


def _may(action: int, first: str | None, second: str | None, *where: str | None) -> int:
    allowed = action in _READING
    if action == sqlite3.SQLITE_FUNCTION:
        allowed = (second or "").lower() not in _DANGEROUS
    if action == sqlite3.SQLITE_PRAGMA:
        allowed = (first or "").lower() in _LOOKING
    return sqlite3.SQLITE_OK if allowed else sqlite3.SQLITE_DENY


def _interrupted(deadline: float, timeout_s: float) -> BaseException:
    # The clock is looked at from Python, and there an interrupt of the notebook is noticed too.
    if time.monotonic() <= deadline:
        return KeyboardInterrupt()
    return StoreError(
        f"The answer did not come within {timeout_s:g} s.",
        where="the statement",
        next="Ask for less with a condition or a LIMIT, or wait longer: timeout_s=, --timeout S.",
    )


def _ours(name: str, said: str) -> InvalidInputError:
    refused = name in ("SQLITE_AUTH", "SQLITE_READONLY") or "not authorized" in said
    if refused or "prohibited" in said:
        return InvalidInputError(
            f"A question in SQL reads this store, and does nothing else ({said}).",
            where="the statement",
            next="Change rows by bench.appearances.update(...), bench.identities.link(...) and "
            "their like.",
        )
    missing = said.removeprefix("You did not supply a value for binding parameter ")
    if missing != said:
        return InvalidInputError(
            f"The parameter {missing.rstrip('.')} has no value.",
            where="the statement",
            next="Give it a value: parameters={'name': value}.",
        )
    return _not_understood(said)


def _not_understood(said: str) -> InvalidInputError:
    return InvalidInputError(
        f"SQLite does not take this question ({said.rstrip('.')}).",
        where="the statement",
        next="One statement that reads, with :name for values. Tables and views: "
        "SELECT name, sql FROM sqlite_schema",
    )
