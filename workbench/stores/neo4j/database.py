"""One Neo4j database as the commit point of a team's store.

The counterpart of :mod:`workbench.stores.database`, with the same rules kept by a server:

* only the holder of the writer lock writes: a unit of work begins by writing to the node of the
  store, which keeps every other unit waiting until it commits or is rolled back;
* each commit counts one sequence number and remembers the id of the operation, so that a commit
  whose answer was lost is looked up, not guessed;
* row ids of vectors are leased in blocks by a commit of their own and never used twice;
* reads are managed transactions, repeated by the driver while the server is away for a moment;
* every result is consumed, every transaction carries what it is for, every statement is Cypher 5;
* errors of the driver become ours here and nowhere else.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from typing import Any

import neo4j
import pandas as pd
from neo4j import exceptions

from workbench.config import Neo4jConfig
from workbench.errors import (
    ConfigurationError,
    InvalidInputError,
    NotFoundError,
    ServerAwayError,
    StoreBusyError,
    StoreError,
    StoreVersionError,
    UncertainCommitError,
    WorkbenchError,
)
from workbench.stores import asking, closing
from workbench.stores.asking import cypher as asking_cypher

VERSION = 1
LEASE = 65_536
OPERATIONS_KEPT = 10_000
_CLEARED = 64  # units of work between two looks for operations too old to be asked for
_FETCHED = 20_000  # records that come with one message
_PAUSE_S = 0.2

_LOCK = "MATCH (s:WorkbenchStore {no: 1}) SET s.writer = $op_id RETURN s.version"
_COUNT = (
    "MATCH (s:WorkbenchStore {no: 1}) SET s.sequence = s.sequence + 1 "
    "CREATE (o:WorkbenchOperation {op_id: $op_id, sequence: s.sequence}) RETURN o.sequence"
)
_CLEAR = (
    "MATCH (s:WorkbenchStore {no: 1}) MATCH (o:WorkbenchOperation) "
    "WHERE o.sequence <= s.sequence - $kept DELETE o RETURN count(*)"
)
_LEASED = "MATCH (s:WorkbenchStore {no: 1}) SET s.next_vid = s.next_vid + $n RETURN s.next_vid"
_END = (
    "SHOW TRANSACTIONS YIELD transactionId AS id, metaData AS said WHERE said.op_id = $op_id "
    "RETURN id"
)


class Neo4jDatabase:
    """A driver for the database of a store.

    Parameters
    ----------
    config : Neo4jConfig
        Where the server is, who asks, and how long to wait.
    wait_s : float
        How long to wait for another writer.
    driver_settings : mapping, optional
        Further settings of the driver.

    Raises
    ------
    ServerAwayError
        When no server answers.
    ConfigurationError
        When it refuses the user or does not know the database.
    """

    language = "cypher"

    def __init__(
        self,
        config: Neo4jConfig,
        *,
        wait_s: float = 30.0,
        driver_settings: Mapping[str, Any] | None = None,
    ) -> None:
        self.config = config
        self.home = self.where  # the store's folder, where it has one
        self.wait_s = wait_s
        self._translation = _Translation(config)
        self._mutex = threading.RLock()
        self._unit: neo4j.Transaction | None = None
        self._owner = 0
        self._locked = False
        self.units = 0  # of work that were begun here
        self._lease: tuple[int, int] = (0, 0)
        with self.translated():
            self._driver = neo4j.GraphDatabase.driver(
                config.uri,
                auth=_credentials(config),
                max_connection_pool_size=config.connection.max_pool_size,
                connection_timeout=config.connection.connection_timeout,
                connection_acquisition_timeout=config.connection.connection_timeout,
                max_transaction_retry_time=config.connection.max_transaction_retry_time,
                user_agent="identity-workbench",
                **(driver_settings or {}),
            )
        # One for all sessions: in a cluster, whoever reads sees what this process wrote.
        self._bookmarks = neo4j.GraphDatabase.bookmark_manager()
        try:
            with self.translated():
                self._driver.verify_connectivity()
        except BaseException:
            self._driver.close()
            raise

    def close(self) -> None:
        """Close the connections; closing twice is fine."""
        self._driver.close()
        self._driver = closing.closed(self.home)

    def translated(self) -> AbstractContextManager[None]:
        """Turn errors of the driver inside into ours."""
        return self._translation

    # ------------------------------------------------------------------ the store's own node
    def store(self) -> tuple[str, int] | None:
        """Return id and version of the store in this database, None where there is none."""
        text = "MATCH (s:WorkbenchStore {no: 1}) RETURN s.store_id, s.version"
        # A server on which there never was a store does not know these names, and would say so.
        quiet: dict[str, Any] = {"notifications_min_severity": "OFF"}
        found = self._managed("execute_read", "store", lambda run: run(text, {}), **quiet)
        return None if not found else (str(found[0][0]), int(found[0][1]))

    def require_store(self) -> str:
        """Return the id of the store in this database.

        Raises
        ------
        NotFoundError
            When there is none.
        StoreVersionError
            When a newer version made it.
        """
        there = self.store()
        if there is None:
            raise NotFoundError(
                "There is no store in this database.",
                where=self.where,
                next="Make one with: workbench init",
            )
        self._check_version(there[1])
        return there[0]

    @property
    def where(self) -> str:
        """The address and the name of the database, for people."""
        return f"{self.config.uri}, database {self.config.database}"

    # ------------------------------------------------------------------ reading
    def rows(self, op: str, text: str, **parameters: Any) -> list[tuple]:
        """Return all rows of a statement that reads; `op` says what it is for."""
        if self._mine():
            return self._run(text, parameters)
        return self._managed("execute_read", op, lambda run: run(text, parameters))

    def value(self, op: str, text: str, **parameters: Any) -> Any:
        """Return the first cell of the first row, or None."""
        found = self.rows(op, text, **parameters)
        return found[0][0] if found else None

    def ask(
        self,
        text: str,
        parameters: Mapping[str, Any] | None = None,
        *,
        write: bool = False,
        timeout_s: float = asking.TIMEOUT_S,
        most_rows: int = asking.MOST_ROWS,
    ) -> pd.DataFrame:
        """Return the answer to a question in Cypher, a column for each that it names.

        Parameters
        ----------
        text : str
            One statement, with ``$name`` for values.
        parameters : mapping of str to object, optional
            Text, numbers, bool, None, aware times (as DATETIME), and lists of these.
        write : bool
            Let it write, as one unit of work: it is counted in the sequence, wholly there or not
            at all. Statistics and the edges that follow from others (NEXT, SAME_TRACK) are left
            as they are: ``workbench repair --apply`` mends them.
        timeout_s : float
            Seconds after which the question is given up; one that writes has the unit's.
        most_rows : int
            After which the answer is cut, with an AnswerCutWarning.

        Returns
        -------
        DataFrame
            Nodes, relationships and paths as dicts (:func:`asking_cypher.plain`), times as
            Timestamps in UTC, points as tuples.

        Raises
        ------
        InvalidInputError
            When the server does not understand the statement, or it writes and `write` is False,
            or it is about more than the graph; nothing was changed.
        StoreError
            When the answer does not come in time.
        """
        asking.check_limits(timeout_s, most_rows)
        question = asking.checked_text(text)
        values = asking_cypher.values_of(parameters or {})
        limit_s = self.config.connection.transaction_timeout if write else timeout_s
        # What the server remarks on a statement it says when it answers.
        quiet = self._session(neo4j.READ_ACCESS, notifications_min_severity="OFF")
        with self.translated(), quiet as session:
            asking_cypher.look(session, question, values, timeout_s=limit_s, write=write)
        if not write:
            with self.translated(), self._session(neo4j.READ_ACCESS) as session:
                return asking_cypher.read(session, question, values, timeout_s, most_rows)
        with self.transaction(), asking_cypher.blaming_the_statement(limit_s):
            assert self._unit is not None
            return asking_cypher.answer(self._unit, question, values, most_rows)

    def plan(self, text: str, **parameters: Any) -> dict[str, Any]:
        """Return the plan by which the server would answer a statement."""
        with self.translated(), self._session(neo4j.READ_ACCESS) as session:
            summary = session.run(_cypher(f"EXPLAIN {text}"), parameters).consume()
        return dict(summary.plan or {})

    def sequence(self) -> int:
        """Return the number of commits so far."""
        text = "MATCH (s:WorkbenchStore {no: 1}) RETURN s.sequence"
        return int(self.value("sequence", text))

    def settled(self, op_id: str) -> int | None:
        """Return the sequence at which the operation was committed, or None.

        Waits for a unit of work that is still open somewhere: it may be that operation, whose
        connection was lost.
        """
        text = "MATCH (o:WorkbenchOperation {op_id: $op_id}) RETURN o.sequence"

        def look(run: _Run) -> list[tuple]:
            run(_LOCK, {"op_id": f"asks for {op_id}"})
            return run(text, {"op_id": op_id})

        if self._mine():
            found = self.rows("settled", text, op_id=op_id)
        else:
            found = self.write("settled", look, waits=True)
        return int(found[0][0]) if found else None

    # ------------------------------------------------------------------ writing
    def execute(self, text: str, **parameters: Any) -> list[tuple]:
        """Run one statement inside the unit of work; return its rows."""
        self.require_unit()
        return self._run(text, parameters)

    def write(
        self, op: str, work: Callable[[_Run], list[tuple]], *, waits: bool = False
    ) -> list[tuple]:
        """Return what `work` returns, done in a managed transaction outside any unit of work.

        The driver may do it more than once: doing it again has to change nothing. With `waits` it
        touches the node of the store, which a writer keeps locked: it waits for her as a unit of
        work does.
        """
        return self._managed("execute_write", op, work, waits=waits)

    def define(self, text: str) -> None:
        """Run a definition (a constraint, an index) in a transaction of its own."""
        self.write("define", lambda run: run(text, {}))

    def count_from(self, sequence: int) -> None:
        """Let the store have had so many commits, as the one that it is a copy of."""
        with self.transaction():
            self.execute("MATCH (o:WorkbenchOperation) DELETE o RETURN count(*)")
            self.execute(
                "MATCH (s:WorkbenchStore {no: 1}) SET s.sequence = $n RETURN 1", n=sequence - 1
            )

    @property
    def writing(self) -> bool:
        """Whether a unit of work of this connection is open."""
        return self._unit is not None

    def require_unit(self) -> None:
        """Refuse to write outside a unit of work."""
        if not self._mine():
            raise RuntimeError("writing needs a unit of work: with database.transaction()")

    @contextmanager
    def transaction(
        self, op_id: str | None = None, *, before_commit: Callable[[], None] | None = None
    ) -> Iterator[None]:
        """Hold the writer lock and one transaction; commit at the end, roll back on an error.

        A transaction inside another one joins it. `before_commit` is called when all that is
        written inside is written.
        """
        with self._mutex:
            if self._unit is not None:
                yield
                return
            if self._locked:  # it would wait for itself
                raise RuntimeError("nothing is written while the store is held still")
            with self._begun(op_id or uuid.uuid4().hex, before_commit):
                yield

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep every writer waiting while the questions inside are asked."""
        with self._mutex:
            if self._unit is not None or self._locked:
                yield
                return
            with self.translated(), self._session(neo4j.WRITE_ACCESS) as session:
                held = self._acquired(session, f"reads {uuid.uuid4().hex}")
                self._locked = True
                try:
                    yield
                finally:
                    self._locked = False
                    _undone(held)

    def allocate_vids(self, n: int) -> int:
        """Return the first of `n` consecutive row ids that nobody else gets, ever.

        Ids come from a block leased by a commit of its own: a transaction that is rolled back
        cannot give an id back, so what it left in a vector store never meets its double.
        """
        with self._mutex:
            first, end = self._lease
            if end - first < n:
                if self._unit is not None:
                    raise RuntimeError("row ids are leased before the unit of work begins")
                taken = max(n, LEASE)
                # A lease whose answer was lost is a gap in the numbers, and no more.
                ((end,),) = self.write("lease", lambda run: run(_LEASED, {"n": taken}), waits=True)
                first = end - taken
            self._lease = (first + n, end)
            return first

    # ------------------------------------------------------------------ units of work
    @contextmanager
    def _begun(self, op_id: str, before_commit: Callable[[], None] | None) -> Iterator[None]:
        with self.translated(), self._session(neo4j.WRITE_ACCESS) as session:
            unit = self._acquired(session, op_id)
            self._unit, self._owner = unit, threading.get_ident()
            self.units += 1
            try:
                yield
                if before_commit is not None:
                    before_commit()
                self._run(_COUNT, {"op_id": op_id})
                if self.units % _CLEARED == 0:
                    self._run(_CLEAR, {"kept": OPERATIONS_KEPT})
                self._commit(unit)
            finally:
                self._unit, self._owner = None, 0
                _undone(unit)

    def _commit(self, unit: neo4j.Transaction) -> None:
        try:
            unit.commit()
        except _AWAY as error:
            raise UncertainCommitError(
                "The Neo4j server went away while it was asked to keep what was written.",
                where=self.where,
                next="Repeat the same call when it is back: what is there is not written twice.",
            ) from error

    def _acquired(self, session: neo4j.Session, op_id: str) -> neo4j.Transaction:
        """Return a transaction that holds the writer lock.

        Beginning is repeated while the server is away for a moment; what comes after is not: the
        caller, who knows whether it was committed, does it again.
        """
        started = time.monotonic()
        while True:
            try:
                return self._lock(session, op_id)
            except (exceptions.ServiceUnavailable, exceptions.SessionExpired):
                waited = time.monotonic() - started
                if waited + _PAUSE_S > self.config.connection.max_transaction_retry_time:
                    raise
                time.sleep(_PAUSE_S)

    def _lock(self, session: neo4j.Session, op_id: str) -> neo4j.Transaction:
        said = {"app": "workbench", "op": "unit", "op_id": op_id}
        timeout = self.config.connection.transaction_timeout
        unit = session.begin_transaction(metadata=said, timeout=timeout)
        try:
            with self._patient(op_id):
                found = unit.run(_cypher(_LOCK), op_id=op_id).values()
            if not found:
                raise NotFoundError(
                    "There is no store in this database.",
                    where=self.where,
                    next="Make one with: workbench init",
                )
            self._check_version(int(found[0][0]))
        except BaseException:
            _undone(unit)
            raise
        return unit

    @contextmanager
    def _patient(self, op_id: str) -> Iterator[None]:
        """Wait inside for another writer, but not for longer than `wait_s`."""
        gave_up = threading.Event()
        watch = threading.Timer(self.wait_s, self._give_up, (op_id, gave_up))
        watch.daemon = True
        watch.start()
        try:
            yield
        except exceptions.Neo4jError as error:
            if not gave_up.is_set():
                raise
            raise StoreBusyError(
                f"Another process has held the store for more than {self.wait_s:g} s.",
                where=self.where,
                next="Try again in a moment.",
            ) from error
        finally:
            watch.cancel()

    def _give_up(self, op_id: str, gave_up: threading.Event) -> None:
        """End the transaction that waits: the driver has no way to wait for so long and no more."""
        gave_up.set()
        gone = suppress(exceptions.Neo4jError, exceptions.DriverError, WorkbenchError)
        with gone, self._session(neo4j.WRITE_ACCESS) as session:
            for (number,) in session.run(_cypher(_END), op_id=op_id).values():
                session.run(_cypher("TERMINATE TRANSACTIONS $id"), id=number).consume()

    def _check_version(self, version: int) -> None:
        if version > VERSION:
            raise StoreVersionError(
                f"The store has format {version}; this version reads up to {VERSION}.",
                where=self.where,
                next="Use the newer version of the workbench that made it.",
            )

    def _mine(self) -> bool:
        return self._unit is not None and self._owner == threading.get_ident()

    def _run(self, text: str, parameters: Mapping[str, Any]) -> list[tuple]:
        assert self._unit is not None
        with self.translated():
            return [tuple(row) for row in self._unit.run(_cypher(text), dict(parameters)).values()]

    def _managed(
        self,
        how: str,
        op: str,
        work: Callable[[_Run], list[tuple]],
        *,
        waits: bool = False,
        **settings: Any,
    ) -> list[tuple]:
        timeout = self.config.connection.transaction_timeout
        op_id = uuid.uuid4().hex
        said = {"app": "workbench", "op": op, "op_id": op_id}

        @neo4j.unit_of_work(metadata=said, timeout=timeout)
        def run_all(unit: neo4j.ManagedTransaction) -> list[tuple]:
            return work(
                lambda text, values: [
                    tuple(row) for row in unit.run(_cypher(text), dict(values)).values()
                ]
            )

        mode = neo4j.READ_ACCESS if how == "execute_read" else neo4j.WRITE_ACCESS
        patience = self._patient(op_id) if waits else nullcontext()
        with self.translated(), self._session(mode, **settings) as session, patience:
            return getattr(session, how)(run_all)

    def _session(self, mode: str, **settings: Any) -> neo4j.Session:
        return self._driver.session(
            database=self.config.database,
            default_access_mode=mode,
            fetch_size=_FETCHED,
            bookmark_manager=self._bookmarks,
            **settings,
        )


_Run = Callable[[str, Mapping[str, Any]], list[tuple]]


def _cypher(text: str) -> Any:
    # Newer servers have another language as their default; this one is frozen.
    return f"CYPHER 5 {text}"


def _credentials(config: Neo4jConfig) -> tuple[str, str] | None:
    return None if config.password is None else (config.user, config.password.get_secret_value())


def _undone(unit: neo4j.Transaction) -> None:
    """Roll back what was not committed; where the connection is gone the server does it."""
    with suppress(exceptions.Neo4jError, exceptions.DriverError, OSError):
        unit.close()


class _Translation(AbstractContextManager[None]):
    """Turns errors of the driver into ours."""

    def __init__(self, config: Neo4jConfig) -> None:
        self._config = config

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, exceptions.Neo4jError | exceptions.DriverError):
            raise _ours(error, self._config) from error


_AWAY = (
    exceptions.ServiceUnavailable,
    exceptions.SessionExpired,
    exceptions.ConnectionPoolError,
    exceptions.DatabaseUnavailable,
    exceptions.NotALeader,
)
_SECURITY = "ClientError.Security."
_TOO_LARGE = ("MemoryPoolOutOfMemory", "OutOfMemoryError", "StackOverFlow")


def _ours(error: Exception, config: Neo4jConfig) -> WorkbenchError:
    where = f"{config.uri}, database {config.database}"
    said = getattr(error, "message", None) or str(error)  # str() of the server's shows all codes
    text = said.splitlines()[0] if said else type(error).__name__
    code = getattr(error, "code", None) or ""
    if isinstance(error, _AWAY):
        return ServerAwayError(
            "The Neo4j server does not answer.",
            where=where,
            next="Start it and repeat, or see that neo4j.uri (NEO4J_URI) is its address. One to "
            "try things out starts with: workbench server neo4j",
        )
    # Who was refused too often is told with a code of its own that it is to wait.
    if isinstance(error, exceptions.AuthError | exceptions.Forbidden) or _SECURITY in code:
        without = " without a password" if config.password is None else ""
        return ConfigurationError(
            f"The Neo4j server refuses the user {config.user!r}{without}.",
            where=f"neo4j.user and neo4j.password, {where}",
            next="Set NEO4J_USER and NEO4J_PASSWORD, or neo4j.password in the configuration.",
        )
    if code.endswith("DatabaseNotFound"):
        return ConfigurationError(
            f"The Neo4j server has no database {config.database!r}.",
            where=f"neo4j.database, {where}",
            next="Give the name of one that it has: the Community edition has 'neo4j' alone.",
        )
    if isinstance(error, exceptions.ConstraintError):
        return InvalidInputError(
            f"The store refused the rows ({text}); nothing was written.",
            where=where,
            next="Correct the rows, then give them again.",
        )
    return _of_work(error, code, text, config, where)


def _of_work(
    error: Exception, code: str, text: str, config: Neo4jConfig, where: str
) -> WorkbenchError:
    """Return the error of a statement that the server began and did not finish."""
    if "TimedOut" in code or "Timeout" in code:
        return StoreError(
            f"The server did not finish within {config.connection.transaction_timeout:g} s; "
            "nothing of this step was written.",
            where=where,
            next="Ask for less at a time, or raise neo4j.connection.transaction_timeout.",
        )
    if any(name in code for name in _TOO_LARGE):
        return StoreError(
            "The server has too little memory for this step; nothing of it was written.",
            where=where,
            next="Give the server more memory (server.memory.heap.max_size), or do less at a time.",
        )
    if isinstance(error, exceptions.TransientError):
        return StoreBusyError(
            f"The server could not do it now ({text}).", where=where, next="Try again in a moment."
        )
    return StoreError(
        f"The Neo4j server refused ({text}).",
        where=where,
        next="See whether the store is sound with: workbench verify --store DIR",
    )
