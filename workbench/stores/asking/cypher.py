"""A question in Cypher, answered in a transaction that the server lets only read.

The server refuses a write in a transaction of READ access, but lets such a transaction end those
of others, drop its caches, list its users and read files of its machine (``LOAD CSV``). So it is
first asked for its plan, which runs nothing and says what the statement would do: what is no
reading of the graph is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import neo4j
import neo4j.graph
import neo4j.spatial
import neo4j.time
import pandas as pd
from neo4j import exceptions

from workbench.errors import InvalidInputError, StoreError
from workbench.stores import asking

_READS, _WRITES = {"r"}, {"r", "w", "rw"}  # what the server calls a statement
# The first two are reading to the server; the last two commit on their own.
_BEYOND = {
    "LoadCSV": "LOAD CSV",
    "TerminateTransactions": "TERMINATE TRANSACTIONS",
    "TransactionForeach": "IN TRANSACTIONS",
    "TransactionApply": "IN TRANSACTIONS",
}
_OF_THE_STATEMENT = tuple(
    f"Neo.ClientError.{name}." for name in ("Statement", "Procedure", "Transaction", "Schema")
)
# A line of its own, which keeps the columns that the server counts.
_CYPHER = "CYPHER 5\n"
_PLANNED = "CYPHER 5 EXPLAIN\n"
_SAID = {"app": "workbench", "op": "ask"}
_PLACE = re.compile(r"\s*\(line (\d+), column (\d+) \(offset: \d+\)\)")


def values_of(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of a question as the driver takes them: a time is a DATETIME in UTC."""
    return asking.checked_values(parameters, moment=_moment)


def _moment(us: int) -> Any:
    return pd.Timestamp(us, unit="us", tz="UTC").to_pydatetime()


def look(
    session: neo4j.Session, text: str, values: Mapping[str, Any], *, timeout_s: float, write: bool
) -> None:
    """Ask the server what a statement would do, and refuse it where that is not to be done.

    Raises
    ------
    InvalidInputError
        When it writes and `write` is False, or does something else than read and write the graph;
        nothing of it was run.
    """

    @neo4j.unit_of_work(metadata=_SAID, timeout=timeout_s)
    def looked(run: neo4j.ManagedTransaction) -> None:
        with blaming_the_statement(timeout_s):
            _refuse_unfit(run, text, values, write=write)

    session.execute_read(looked)


def read(
    session: neo4j.Session,
    text: str,
    values: Mapping[str, Any],
    timeout_s: float,
    most_rows: int,
) -> pd.DataFrame:
    """Return what the server answers in a transaction that it lets only read."""

    @neo4j.unit_of_work(metadata=_SAID, timeout=timeout_s)
    def answered(run: neo4j.ManagedTransaction) -> pd.DataFrame:
        with blaming_the_statement(timeout_s):
            return answer(run, text, values, most_rows)

    return session.execute_read(answered)


def _refuse_unfit(
    run: neo4j.ManagedTransaction, text: str, values: Mapping[str, Any], *, write: bool
) -> None:
    summary = run.run(_PLANNED + text, dict(values)).consume()
    done = summary.query_type or ""
    beyond = {_BEYOND[name] for name in _operators(summary.plan) if name in _BEYOND}
    if beyond or done not in _WRITES:
        what = " and ".join(sorted(beyond)) or "a command of the server"
        raise InvalidInputError(
            f"A question in Cypher is about the graph, and this is more ({what}).",
            where="the statement",
            next="Leave it out. Files are loaded with workbench ingest; the server is kept with "
            "its own tools.",
        )
    if not write and done not in _READS:
        raise _only_reading("it would write to the graph")


def _operators(plan: Any) -> Iterator[str]:
    if plan:
        yield str(plan["operatorType"]).split("@", 1)[0]
        for child in plan.get("children", ()):
            yield from _operators(child)


def answer(
    run: neo4j.Transaction | neo4j.ManagedTransaction,
    text: str,
    values: Mapping[str, Any],
    most_rows: int,
) -> pd.DataFrame:
    """Return what the server answers; the result is consumed."""
    result = run.run(_CYPHER + text, dict(values))
    names = result.keys()
    rows = [[plain(cell) for cell in record] for record in result.fetch(most_rows + 1)]
    result.consume()
    return asking.answer(names, rows, most_rows)


@contextmanager
def blaming_the_statement(timeout_s: float) -> Iterator[None]:
    """Turn errors that the statement is to blame for into ours; those of the server pass."""
    try:
        yield
    except exceptions.BrokenRecordError as error:
        raise InvalidInputError(
            f"A value of the answer has no counterpart here ({error.__cause__}).",
            where="the statement",
            next="Return it as text: toString(...).",
        ) from error
    except exceptions.TransientError as error:
        if "Memory" not in (error.code or ""):
            raise
        raise StoreError(  # here, so that the driver does not try it again and again
            "The answer takes more memory than the server has for it.",
            where="the statement",
            next="Ask for less with a condition, or give the server more memory.",
        ) from error
    except exceptions.ClientError as error:
        code, said = error.code or "", error.message or ""
        if "TimedOut" in code:
            raise StoreError(
                f"The answer did not come within {timeout_s:g} s.",
                where="the statement",
                next="Ask for less with a condition or a LIMIT, or wait longer: timeout_s=, "
                "--timeout S.",
            ) from error
        if code.endswith("Statement.AccessMode"):
            raise _only_reading(said) from error
        ours = code.startswith(_OF_THE_STATEMENT)
        if not ours or isinstance(error, exceptions.AuthError | exceptions.ConstraintError):
            raise
        raise _not_understood(said) from error


def _only_reading(said: str) -> InvalidInputError:
    return InvalidInputError(
        f"A question reads the graph unless it is to write ({said.rstrip('.')}).",
        where="the statement",
        next="Change rows by bench.appearances.update(...) and its like. Where you must write by "
        "hand: write=True, --write.",
    )


def _not_understood(said: str) -> InvalidInputError:
    first = said.splitlines()[0] if said else "no reason given"
    place = _PLACE.search(first)
    where = "the statement"
    if place and int(place[1]) > 1:  # the first line is ours
        where = f"line {int(place[1]) - 1}, column {place[2]} of the statement"
    return InvalidInputError(
        f"The server does not take this question ({_PLACE.sub('', first).rstrip('.')}).",
        where=where,
        next="Correct it. Labels and properties: docs/how-to/ask-the-database.md",
    )


def plain(value: Any) -> Any:
    """Return a value of the driver as Python and pandas have it.

    A node is a dict of ``labels, id, properties``, a relationship of ``type, start, end,
    properties`` (the ids of its nodes, None where the answer does not hold them), a path of
    ``nodes, relationships``; a time with a zone a Timestamp in UTC, a point a tuple.
    """
    if isinstance(value, neo4j.graph.Node | neo4j.graph.Relationship | neo4j.graph.Path):
        return _of_graph(value)
    if isinstance(value, neo4j.spatial.Point):
        return tuple(value)
    if isinstance(value, list):
        return [plain(one) for one in value]
    if isinstance(value, dict):
        return {name: plain(one) for name, one in value.items()}
    if type(value).__module__.startswith("neo4j.time"):
        return _of_time(value)
    return value


def _of_graph(
    value: neo4j.graph.Node | neo4j.graph.Relationship | neo4j.graph.Path,
) -> dict[str, Any]:
    if isinstance(value, neo4j.graph.Path):
        return {
            "nodes": [plain(node) for node in value.nodes],
            "relationships": [plain(edge) for edge in value.relationships],
        }
    properties = {name: plain(one) for name, one in value.items()}
    if isinstance(value, neo4j.graph.Node):
        labels = sorted(value.labels)
        return {"labels": labels, "id": value.get("id"), "properties": properties}
    start, end = (None if node is None else node.get("id") for node in value.nodes)
    return {"type": value.type, "start": start, "end": end, "properties": properties}


def _of_time(value: Any) -> Any:
    if isinstance(value, neo4j.time.Duration):
        exact = not value.months
        return pd.Timedelta(value.days, "D") + _seconds(value) if exact else value.iso_format()
    try:
        native = value.to_native()
        if isinstance(value, neo4j.time.DateTime) and value.tzinfo is not None:
            return pd.Timestamp(native).tz_convert("UTC").as_unit("us")
    except (ValueError, OverflowError):  # beyond the years that Python has
        return value.iso_format()
    return native


def _seconds(value: neo4j.time.Duration) -> pd.Timedelta:
    return pd.Timedelta(value.seconds, "s") + pd.Timedelta(value.nanoseconds, "ns")
