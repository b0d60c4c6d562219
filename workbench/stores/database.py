"""One SQLite file as the commit point of a store on one machine.

Graph rows and the catalogue of vector segments live in the same file, so that one COMMIT makes
both visible. The rules kept here, once, for everybody who uses the file:

* write-ahead log, ``synchronous=FULL``, foreign keys, a busy wait;
* only the holder of the writer lock (``flock``, taken for one unit of work) writes;
* each commit counts one sequence number and remembers the id of the operation;
* row ids of vectors are leased in blocks by a commit of their own and never used twice;
* every row carries a checksum over its cells (:data:`ROW_HASH`);
* errors of the driver become ours here and nowhere else.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import threading
import uuid
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pandas as pd

from workbench.errors import (
    CapabilityError,
    InvalidInputError,
    NotFoundError,
    StoreBusyError,
    StoreDamagedError,
    StoreError,
    StoreVersionError,
)
from workbench.stores import asking, closing, locks
from workbench.stores.asking import sql as asking_sql

APPLICATION_ID = 0x5742_5331  # "WBS1": tells our files from other people's SQLite files
VERSION = 1
LEASE = 65_536
OPERATIONS_KEPT = 10_000
_CLEARED = 64  # units of work between two looks for operations too old to be asked for
ROW_HASH = "row_hash"

_DDL = """
CREATE TABLE store (
  no INTEGER PRIMARY KEY CHECK (no = 1), store_id TEXT NOT NULL, sequence INTEGER NOT NULL,
  next_vid INTEGER NOT NULL
) STRICT;
CREATE TABLE operation (sequence INTEGER PRIMARY KEY, op_id TEXT NOT NULL UNIQUE) STRICT;
"""

# By version, what makes a file of it one of the next version, inside a unit of work.
MIGRATIONS: dict[int, Callable[[SqliteDatabase], None]] = {}


def row_hash(*cells: object) -> int:
    """Return the checksum of a row: CRC-32 over the Python literals of its cells.

    A literal keeps kind and value apart from each other ('1', 1, 1.0 and b'1' all differ), and
    the shortest form of a float is exact, so equal rows and only those agree but for CRC
    collisions.
    """
    return zlib.crc32(repr(cells).encode("utf-8", "surrogatepass"))


class SqliteDatabase:
    """A connection to the store's database file.

    Parameters
    ----------
    path : Path
        The file; its folder holds the lock and the log beside it.
    wait_s : float
        How long to wait for another writer.

    Raises
    ------
    NotFoundError
        When there is no such file.
    StoreVersionError, StoreDamagedError
        When a newer version wrote it, or it is no store.
    """

    language = "sql"

    def __init__(self, path: Path, *, wait_s: float = 30.0) -> None:
        self.path = Path(path)
        self.home = str(self.path.parent)  # the store's folder, for people
        self.wait_s = wait_s
        self._translation = _Translation(self.path)
        self._mutex = threading.RLock()
        self._depth = 0
        self.units = 0  # of work that were begun here
        self._lease: tuple[int, int] = (0, 0)
        self._readers = locks.Readers(self.path.parent)
        if not self.path.is_file():
            raise NotFoundError(
                "There is no store here.",
                where=str(self.path.parent),
                next="Make one with: workbench ingest FILE --store DIR, or workbench demo",
            )
        self._file = locks.file_at(self.path)
        with _past_looking_at(), self.translated():
            self._connection = _connect(self.path, wait_s)
            try:
                self._check_ours()
                self._check_version()
                _prepare(self._connection)
                row = self._connection.execute("SELECT store_id FROM store").fetchone()
                self._require_same()
            except BaseException:
                self._connection.close()
                self._require_same()  # file and log of two stores look damaged together
                raise
        if row is None or not isinstance(row[0], str):  # a flipped bit makes it NULL
            self._connection.close()
            raise StoreDamagedError(
                "The store has lost its id.", where=str(self.path), next="Restore a backup."
            )
        self.store_id: str = row[0]
        try:
            self._migrate()
        except BaseException:
            self._connection.close()
            raise

    def _migrate(self) -> None:
        """Bring a file of an older version up to ours, in one unit of work: wholly or not at all.

        Whoever has it open with the older version is refused its next write.
        """
        if self._version() == VERSION:
            return
        with self.transaction():
            for version in range(self._version(), VERSION):  # somebody else may have done it
                MIGRATIONS[version](self)
            self.execute(f"PRAGMA user_version = {VERSION}")

    def _version(self) -> int:
        return int(self.value("PRAGMA user_version"))

    @classmethod
    def create(cls, path: Path, *, store_id: str | None = None) -> None:
        """Create an empty database file at `path`, durable when this returns.

        With the id of the store that it is going to be a copy of, where there is one.
        """
        made_id = store_id or uuid.uuid4().hex
        with _Translation(Path(path)):
            connection = _connect(Path(path), 30.0)
            try:
                _prepare(connection)
                connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                connection.executescript("BEGIN;" + _DDL)
                connection.execute("INSERT INTO store VALUES (1, ?, 0, 1)", (made_id,))
                connection.execute(f"PRAGMA user_version = {VERSION}")
                connection.execute("COMMIT")
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            finally:
                connection.close()

    def close(self) -> None:
        """Close the connection; closing twice is fine."""
        with self._mutex:
            # The last one to close removes the log by its name: never that of the store which a
            # restore puts there at this moment, so it waits for us, or we for it.
            if locks.file_at(self.path) == self._file:
                self._readers.share()
            self._connection.close()
            self._connection = closing.closed(self.home)
            self._readers.close()

    # ------------------------------------------------------------------ reading
    def rows(self, sql: str, parameters: Sequence[Any] | dict[str, Any] = ()) -> list[tuple]:
        """Return all rows of a statement."""
        with self._mutex, self.translated():
            return self._connection.execute(sql, parameters).fetchall()

    def stream(self, sql: str, parameters: Sequence[Any] = ()) -> Iterator[tuple]:
        """Return the rows of a statement one by one, straight from the driver."""
        with self.translated():
            return self._connection.execute(sql, parameters)

    def value(self, sql: str, parameters: Sequence[Any] = ()) -> Any:
        """Return the first cell of the first row, or None."""
        found = self.rows(sql, parameters)
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
        """Return the answer to a question in SQL, a column for each that it names.

        Parameters
        ----------
        text : str
            One statement that reads, with ``:name`` for values.
        parameters : mapping of str to object, optional
            Text, numbers, bool, None, aware times (as microseconds, ``_us``), and lists of these
            (as JSON text, for ``json_each(:name)``).
        write : bool
            Refused: see CapabilityError.
        timeout_s : float
            Seconds after which the question is given up.
        most_rows : int
            After which the answer is cut, with an AnswerCutWarning.

        Raises
        ------
        InvalidInputError
            When the statement does more than read, or SQLite does not understand it.
        CapabilityError
            For `write`: every row carries a checksum that only the workbench writes.
        StoreError
            When the answer does not come in time.
        """
        if write:
            raise CapabilityError(
                "This store is not written in SQL: every row carries a checksum, and a row "
                "changed by hand would count as damaged.",
                where="write",
                next="Use bench.appearances.update(...), bench.identities.link(...) and their "
                "like; in bulk: workbench ingest FILE --update",
            )
        self.value("SELECT 1")  # a store that was closed answers nobody
        self._require_same()
        with self.translated():
            frame = asking_sql.read(
                self.path,
                text,
                parameters or {},
                wait_s=self.wait_s,
                timeout_s=timeout_s,
                most_rows=most_rows,
            )
        self._require_same()
        return frame

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Hold one state of the store, and the files it names, for the statements inside."""
        with self._mutex:
            if self._connection.in_transaction:
                yield
                return
            # Before the state is chosen: what it names is not collected from here on.
            self._readers.share()
            try:
                self._require_same()
                with self.translated():
                    self._connection.execute("BEGIN")
                yield
            finally:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                self._readers.give_back()

    @contextmanager
    def collecting(self, wait_s: float = 1.0) -> Iterator[bool]:
        """Hold the writer lock without a transaction; say whether no snapshot is held anywhere.

        Only then a file that no row names can be removed: whoever looks later finds a state that
        does not name it.
        """
        with self._mutex, self._writer_lock():
            try:
                yield self._readers.alone(wait_s)
            finally:
                self._readers.give_back()

    @property
    def writing(self) -> bool:
        """Whether a unit of work of this connection is open."""
        return self._depth > 0

    def sequence(self) -> int:
        """Return the number of commits so far."""
        return int(self.value("SELECT sequence FROM store"))

    def settled(self, op_id: str) -> int | None:
        """Return the sequence at which the operation was committed, or None."""
        found = self.value("SELECT sequence FROM operation WHERE op_id = ?", (op_id,))
        return None if found is None else int(found)

    def count_from(self, sequence: int) -> None:
        """Let the store have had so many commits, as the one that it is a copy of."""
        with self.transaction():
            self.execute("DELETE FROM operation")
            self.execute("UPDATE store SET sequence = ?", (sequence - 1,))

    def checkpoint(self) -> None:
        """Fold the write-ahead log into the file; a reader or writer at work keeps it as it is."""
        with self._mutex:
            if self._connection.in_transaction:
                return
            # Not waiting: whoever waits here for a reader keeps all writers waiting too.
            self.rows("PRAGMA busy_timeout = 0")
            try:
                self.rows("PRAGMA wal_checkpoint(TRUNCATE)")
            finally:
                self.rows(f"PRAGMA busy_timeout = {round(1000 * self.wait_s)}")

    def copy_to(self, target: Path) -> None:
        """Write the state of the open snapshot into a new file, durable when this returns.

        Others may commit meanwhile: SQLite copies the pages that the read transaction of this
        connection sees.
        """
        with self._mutex, _Translation(target):
            if not self._connection.in_transaction or self._depth:
                raise RuntimeError("a copy is made of a snapshot: with database.snapshot()")
            self.sequence()  # a transaction chooses its state with its first question
            copy = sqlite3.connect(target, isolation_level=None)
            try:
                copy.execute("PRAGMA journal_mode = OFF")  # half a copy is no use to anybody
                self._connection.backup(copy, pages=-1)
            finally:
                copy.close()
        descriptor = os.open(target, os.O_RDWR)
        try:
            sync_file(descriptor)
        finally:
            os.close(descriptor)

    def vacuum(self) -> None:
        """Write the file anew without the room of deleted rows; the old one holds until then."""
        with self._mutex, self._writer_lock(), self.translated():
            self._connection.execute("VACUUM")
        self.checkpoint()

    @contextmanager
    def lenient(self) -> Iterator[None]:
        """Read text that is no UTF-8 as well, with its wrong bytes written out."""
        with self._mutex:
            before = self._connection.text_factory
            self._connection.text_factory = _any_text
            try:
                yield
            finally:
                self._connection.text_factory = before

    # ------------------------------------------------------------------ writing
    def execute(self, sql: str, parameters: Sequence[Any] | dict[str, Any] = ()) -> int:
        """Run one statement inside the unit of work; return how many rows it touched."""
        self._require_unit()
        with self.translated():
            return self._connection.execute(sql, parameters).rowcount

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]]) -> int:
        """Run one statement for each row inside the unit of work; return the rows touched."""
        self._require_unit()
        with self.translated():
            return self._connection.executemany(sql, rows).rowcount

    def script(self, ddl: str) -> None:
        """Run definitions inside the unit of work."""
        self._require_unit()
        with self.translated():
            for statement in ddl.split(";\n"):
                if statement.strip():
                    self._connection.execute(statement)

    @contextmanager
    def transaction(self, op_id: str | None = None) -> Iterator[None]:
        """Hold the writer lock and one transaction; commit at the end, roll back on an error.

        A transaction inside another one joins it.
        """
        with self._mutex:
            if self._depth:
                yield
                return
            with self._writer_lock(), self._unit(op_id):
                yield

    def allocate_vids(self, n: int) -> int:
        """Return the first of `n` consecutive row ids that nobody else gets, ever.

        Ids come from a block leased by a commit of its own: a transaction that is rolled back
        cannot give an id back, so what it left in a vector store never meets its double.
        """
        with self._mutex:
            first, end = self._lease
            if end - first < n:
                if self._depth:
                    raise RuntimeError("row ids are leased before the unit of work begins")
                with self.transaction():
                    first = int(self.value("SELECT next_vid FROM store"))
                    end = first + max(n, LEASE)
                    self.execute("UPDATE store SET next_vid = ?", (end,))
            self._lease = (first + n, end)
            return first

    @contextmanager
    def _unit(self, op_id: str | None) -> Iterator[None]:
        with self.translated():
            self._connection.execute("BEGIN IMMEDIATE")
        self._depth = 1
        self.units += 1
        try:
            with self.translated():
                self._check_version()
            yield
            self.execute("UPDATE store SET sequence = sequence + 1")
            self.execute(
                "INSERT INTO operation SELECT sequence, ? FROM store", (op_id or uuid.uuid4().hex,)
            )
            if self.units % _CLEARED == 0:
                self.execute(
                    "DELETE FROM operation WHERE sequence <= (SELECT sequence FROM store) - ?",
                    (OPERATIONS_KEPT,),
                )
            with self.translated():
                self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise
        finally:
            self._depth = 0

    @contextmanager
    def _writer_lock(self) -> Iterator[None]:
        with locks.writing(self.path.parent, self.wait_s):
            self._require_same()
            yield

    def _require_same(self) -> None:
        """Refuse where another file is at the path by now: what is written here would be lost."""
        if locks.file_at(self.path) != self._file:
            raise StoreBusyError(
                "The store was replaced or moved away while it was open; nothing was written.",
                where=str(self.path.parent),
                next="Open it again.",
            )

    def _require_unit(self) -> None:
        if not self._depth:
            raise RuntimeError("writing needs a unit of work: with database.transaction()")

    def _check_ours(self) -> None:
        application = self._connection.execute("PRAGMA application_id").fetchone()[0]
        if application != APPLICATION_ID:
            raise StoreDamagedError(
                "This file is no store of the workbench.",
                where=str(self.path),
                next="Give the folder of a store with --store, or make one with workbench ingest.",
            )

    def _check_version(self) -> None:
        version = self._connection.execute("PRAGMA user_version").fetchone()[0]
        if version < 1:
            raise StoreDamagedError(
                f"The store has the format {version}, which no version wrote.",
                where=str(self.path),
                next="Restore a backup.",
            )
        if version > VERSION:
            raise StoreVersionError(
                f"The store has format {version}; this version reads up to {VERSION}.",
                where=str(self.path),
                next="Use the newer version of the workbench that wrote it.",
            )

    def translated(self) -> AbstractContextManager[None]:
        """Turn errors of the SQLite driver inside into ours."""
        return self._translation


class _Translation(AbstractContextManager[None]):
    """Turns errors of the driver into ours; a class, because it is entered with every statement."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, sqlite3.Error):
            raise _ours(error, self._path) from error
        if isinstance(error, UnicodeDecodeError):  # the driver quotes what it found in the file
            raise _ours(
                sqlite3.OperationalError("could not decode to UTF-8"), self._path
            ) from error


@contextmanager
def _past_looking_at() -> Iterator[None]:
    """Say that a backup helps, where a store cannot even be opened to look what is wrong."""
    try:
        yield
    except StoreDamagedError as error:
        if error.next and "workbench verify" in error.next:
            error.next = "Restore a backup: workbench restore BACKUP --store DIR --replace"
        raise


def _any_text(data: bytes) -> str:
    return data.decode("utf-8", "backslashreplace")


def _connect(path: Path, wait_s: float) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=wait_s, isolation_level=None, check_same_thread=False)


def _prepare(connection: sqlite3.Connection) -> None:
    # Only after the file was seen to be ours: the first line writes to it.
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA fullfsync = ON")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA temp_store = MEMORY")
    connection.execute("PRAGMA cache_size = -65536")
    connection.create_function(ROW_HASH, -1, row_hash, deterministic=True)


def _ours(error: sqlite3.Error, path: Path) -> Exception:
    text = str(error)
    name = getattr(error, "sqlite_errorname", "") or ""
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return StoreBusyError(
            "Another process holds the store.", where=str(path), next="Try again in a moment."
        )
    # The only function of ours fails on nothing but text that is no UTF-8.
    torn = "decode to UTF-8" in text or "user-defined function raised" in text
    if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")) or torn:
        return StoreDamagedError(
            f"The database file is damaged ({text}).",
            where=str(path),
            next="See what is affected with: workbench verify --store DIR",
        )
    if name.startswith(("SQLITE_FULL", "SQLITE_IOERR", "SQLITE_READONLY", "SQLITE_CANTOPEN")):
        return StoreError(
            f"The disk refused ({text}); nothing of this step was written.",
            where=str(path),
            next="Make room or mend the permissions, then repeat the same command.",
        )
    if name.startswith("SQLITE_CONSTRAINT"):
        return InvalidInputError(
            f"The store refused the rows ({text}); nothing was written.",
            where=str(path),
            next="Correct the rows, then give them again.",
        )
    return StoreError(
        f"The database refused ({text}).",
        where=str(path),
        next="See whether the store is sound with: workbench verify --store DIR",
    )


def sync_file(descriptor: int) -> None:
    """Make the bytes of an open file durable."""
    if hasattr(fcntl, "F_FULLFSYNC"):  # macOS: fsync alone stops at the drive's cache
        fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
    else:
        os.fdatasync(descriptor)


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
