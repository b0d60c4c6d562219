"""Places in a writer where a trial can strike, by name: calls of the system and of the database.

A failpoint is a name and a number: the n-th call of that name from the moment it was armed. What
happens there: ``before`` kills the process before the call, ``after`` after it, ``torn`` writes
half of what was to be written and kills, ``ENOSPC`` and ``EIO`` let the call fail.
"""

from __future__ import annotations

import errno
import os
import signal
import sqlite3
from collections.abc import Callable
from typing import Any

from workbench.stores import database

SYSTEM = ("open", "pwrite", "fdatasync", "fsync", "rename", "replace", "unlink", "ftruncate")
SQL = (
    *("BEGIN", "COMMIT", "INSERT", "UPDATE", "DELETE", "VACUUM"),
    *("PRAGMA wal_checkpoint", "PRAGMA user_version"),
)
NAMES = (*SYSTEM, *SQL)
DEEDS = ("before", "after", "torn", "ENOSPC", "EIO")


class Counter:
    """Counts calls by name; with a target, strikes at one of them."""

    def __init__(
        self, name: str | None, number: int, deed: str, say: Callable[[str], None]
    ) -> None:
        self.target = name, number
        self.deed = deed
        self.say = say
        self.seen: dict[str, int] = {}

    def call(self, name: str, function: Callable[..., Any], *args: Any, **named: Any) -> Any:
        """Make a call, or what the trial wants instead."""
        self.seen[name] = self.seen.get(name, 0) + 1
        if self.target != (name, self.seen[name]):
            return function(*args, **named)
        self.say(f"struck {name} {self.seen[name]} {self.deed}")
        if self.deed in ("ENOSPC", "EIO"):
            code = getattr(errno, self.deed)
            if name in SQL:
                raise sqlite3.OperationalError("disk I/O error")
            raise OSError(code, os.strerror(code))
        if self.deed == "torn" and name == "pwrite":
            descriptor, data, offset = args
            function(descriptor, data[: len(data) // 2], offset)
        elif self.deed == "after":
            function(*args, **named)
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError("still alive")


def arm(name: str | None, number: int, deed: str, *, say: Callable[[str], None]) -> Counter:
    """Let this process be struck; without a name its calls are only counted."""
    counter = Counter(name, number, deed, say)
    for one in SYSTEM:
        setattr(os, one, _wrapped(counter, one, getattr(os, one)))

    class Watched(sqlite3.Connection):
        def execute(self, sql: str, *args: Any) -> Any:
            return counter.call(_kind(sql), super().execute, sql, *args)

        def executemany(self, sql: str, *args: Any) -> Any:
            return counter.call(_kind(sql), super().executemany, sql, *args)

    plain = database._connect

    def connect(path: Any, wait_s: float) -> sqlite3.Connection:
        plain(path, wait_s).close()
        return sqlite3.connect(
            path, timeout=wait_s, isolation_level=None, check_same_thread=False, factory=Watched
        )

    database._connect = connect
    return counter


def _wrapped(counter: Counter, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    def call(*args: Any, **named: Any) -> Any:
        return counter.call(name, function, *args, **named)

    return call


def _kind(sql: str) -> str:
    return next((name for name in SQL if sql.lstrip().startswith(name)), "SELECT")
