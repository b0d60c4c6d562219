"""A Neo4j server on this machine, for trying things out and for tests: started, found, stopped.

The server is Neo4j Community, run by Java in a session of its own; it outlives who started it. Its
folder holds ``conf/``, ``data/``, ``logs/`` and ``server.json``, which says where it answers and
as which process. It listens on the loopback address alone.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import socket
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

from workbench.errors import (
    ConflictError,
    InvalidInputError,
    MissingExtraError,
    ServerAwayError,
    StoreError,
)
from workbench.stores.locks import alone
from workbench.stores.neo4j import processes
from workbench.stores.neo4j.jars import class_path, environment, jars, java, missing

__all__ = ["LocalServer", "kept", "missing", "running", "start", "stop"]

USER = "neo4j"
SHORTEST_PASSWORD = 8  # of characters: the server's own rule
_HOST = "127.0.0.1"
_URI = re.compile(r"bolt://127\.0\.0\.1:\d{1,5}\Z")
_RECORD = "server.json"
_LOCK = "server.lock"
_ENTRY = "org.neo4j.server.CommunityEntryPoint"
_OPENED = ("java.base/java.nio", "java.base/java.io", "java.base/sun.nio.ch",
           "java.base/java.util.concurrent")  # fmt: skip
_ANSWER_S = 2.0
_RUNS_S = 30.0  # one that was started before has read its log by now
_PAUSE_S = 0.1
_END_S = 20.0
_SETTINGS = """\
# Written anew at each start: what is changed here is lost.
server.bolt.enabled=true
server.bolt.listen_address={host}:{port}
server.http.enabled=false
server.https.enabled=false
dbms.security.auth_enabled={auth}
server.memory.pagecache.size=256m
dbms.usage_report.enabled=false
db.transaction.timeout=30s
# It says that it is at work; who hears nothing twice counts it as away (20 s, not 2 minutes).
server.bolt.connection_keep_alive=10s
server.bolt.connection_keep_alive_probes=2
# A statement does not read the files of this machine.
dbms.security.allow_csv_import_from_file_urls=false
# Half a gigabyte of empty files less.
db.tx_log.preallocate=false
# Ten seconds less until it has stopped: nobody comes back to a server that is asked to end.
internal.dbms.bolt.netty_server_shutdown_quiet_period=0
"""


@dataclass(frozen=True, slots=True)
class LocalServer:
    """A Neo4j server on this machine.

    Parameters
    ----------
    uri : str
        Where it answers, ``bolt://127.0.0.1:PORT``.
    pid : int
        Its process.
    folder : Path
        Where its data is.
    log : Path
        What it says.
    auth : bool
        Whether it asks for a password; else everybody on this machine can read and write it.
    """

    uri: str
    pid: int
    folder: Path
    log: Path
    auth: bool


def start(
    folder: Path | str,
    *,
    port: int | None = None,
    password: str | None = None,
    wait_s: float = 60.0,
) -> LocalServer:
    """Return a server that answers, its data in `folder`; one that runs there already as it is.

    Parameters
    ----------
    folder : path
        A folder of its own: new, empty, or of such a server before.
    port : int, optional
        Where it listens; else where it did the last time, or at a free port.
    password : str, optional
        Of the user ``neo4j``. Without one everybody on this machine can read and write it.
    wait_s : float
        How long it may take until it answers, in seconds.

    Raises
    ------
    MissingExtraError
        When Java, Maven or the driver is not here.
    InvalidInputError
        When the folder holds something else, the port is taken, the password is too short or not
        that of the server in the folder.
    ServerAwayError
        When it does not come up; nothing is left running.
    StoreBusyError
        When another process has been starting it for longer than `wait_s`.
    """
    _driver()
    _check_password(password)
    place = _place(folder)
    try:
        _check_own(place)
        command = _command(place)
        place.mkdir(parents=True, exist_ok=True)
        with alone(place / _LOCK, wait_s):
            found = running(place)
            if found is not None:
                _await(found, min(wait_s, _RUNS_S))
                return found
            return _launched(place, command, port, password, wait_s)
    except OSError as error:
        raise StoreError(
            f"The folder of the server cannot be written ({error.strerror or error}).",
            where=str(place),
            next="Make room, mend the permissions or give another folder.",
        ) from error


def running(folder: Path | str) -> LocalServer | None:
    """Return the server that runs in a folder, None where none does."""
    place = Path(os.path.realpath(folder))
    record = _record(place)
    if record is None or not _serves(record["pid"], place):
        return None
    return _server(place, record)


def kept(folder: Path | str) -> bool:
    """Return whether a folder is that of such a server, running or not."""
    return _record(Path(os.path.realpath(folder))) is not None


def stop(server: LocalServer | Path | str | int, *, wait_s: float = _END_S) -> bool:
    """Return whether a server ran, given by its folder or process; now it does not.

    It is asked to end, and killed when it has not after `wait_s` seconds. A process that is no
    such server is left alone.

    Raises
    ------
    StoreError
        When the process is of another user, or does not end.
    """
    if isinstance(server, int):
        pid, place = server, None
    else:
        place = server.folder if isinstance(server, LocalServer) else Path(server)
        found = running(place)
        if found is None:
            return False
        pid, place = found.pid, found.folder
    if not _serves(pid, place):
        return False
    processes.end(pid, lambda: not _may_serve(pid, place), wait_s)
    return True


# --------------------------------------------------------------------------------------------
# Starting
# --------------------------------------------------------------------------------------------
def _driver() -> ModuleType:
    try:
        import neo4j
    except ImportError as error:
        raise MissingExtraError(
            f"A Neo4j server is spoken to with a package that is not installed ({error}).",
            where="neo4j",
            next="pip install 'identity-workbench[neo4j]'",
        ) from error
    return neo4j


def _check_password(password: str | None) -> None:
    if password is not None and (len(password) < SHORTEST_PASSWORD or password == USER):
        raise InvalidInputError(
            f"The password is too short: the server takes {SHORTEST_PASSWORD} characters or more.",
            where="password",
            next="Choose a longer one, or none.",
        )


def _place(folder: Path | str) -> Path:
    """Return the absolute path of the folder."""
    if not str(folder) or not str(folder).isprintable():
        raise InvalidInputError(
            "No folder of a server can have this name.",
            where=repr(str(folder)),
            next="Give another name.",
        )
    return Path(os.path.realpath(folder))


def _check_own(place: Path) -> None:
    """Refuse a folder that holds something else."""
    if _record(place) is not None or not os.path.lexists(place):
        return
    names = [] if not place.is_dir() else os.listdir(place)
    if not place.is_dir() or any(not name.startswith("server.") for name in names):
        raise InvalidInputError(
            "There is something else here; it was left as it is.",
            where=str(place),
            next="Give the name of a new folder.",
        )


def _command(place: Path) -> list[str]:
    opened = [f"--add-opens={package}=ALL-UNNAMED" for package in _OPENED]
    memory = ["-Xms256m", "-Xmx1g", "-XX:+UseParallelGC"]
    return [java(), *memory, *opened, "-cp", class_path(jars()), *_words(place)]


def _words(place: Path) -> list[str]:
    """Return the words by which the process of this folder is known."""
    return [_ENTRY, f"--home-dir={place}", f"--config-dir={place / 'conf'}", "--console-mode"]


def _launched(
    place: Path, command: list[str], port: int | None, password: str | None, wait_s: float
) -> LocalServer:
    before = _record(place) or {}
    if before.get("auth") and password is None:
        raise ConflictError(
            "The server in this folder has a password; without it, it is not started.",
            where=str(place),
            next="export NEO4J_PASSWORD=... with its password, or give a new folder.",
        )
    if before:  # a process that was killed may still hold the files
        processes.within(_END_S, lambda: processes.command_line(before["pid"]) != "")
    chosen = _free_port(port, before.get("uri"))
    record = {
        "server": "neo4j",
        "uri": f"bolt://{_HOST}:{chosen}",
        "pid": 0,
        "auth": password is not None,
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    _write_record(place, record)  # from now on the folder is known as one of ours
    _write_settings(place, chosen, password is not None)
    log = place / "logs" / "console.log"
    pid = processes.begin(command, place, environment(), log)
    try:
        _write_record(place, record | {"pid": pid})
        server = _server(place, record | {"pid": pid})
        _await(server, wait_s)
        if password is not None:
            _log_in(server, password)
    except BaseException:
        if _may_serve(pid, place):
            processes.end(pid, lambda: not _may_serve(pid, place), _END_S)
        raise
    return server


def _free_port(asked: int | None, before: str | None) -> int:
    last = int(before.rpartition(":")[2]) if before else 0
    for port in [asked] if asked is not None else [last, 0]:
        with socket.socket() as probe, suppress(OSError, OverflowError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((_HOST, port))
            return int(probe.getsockname()[1])
    raise InvalidInputError(
        f"The port {asked} cannot be had on this machine: something listens there.",
        where=f"port {asked}",
        next="Give another port, or none.",
    )


def _write_settings(place: Path, port: int, auth: bool) -> None:
    for name in ("conf", "logs"):
        (place / name).mkdir(exist_ok=True)
    text = _SETTINGS.format(host=_HOST, port=port, auth="true" if auth else "false")
    (place / "conf" / "neo4j.conf").write_text(text, encoding="utf-8")


def _await(server: LocalServer, wait_s: float) -> None:
    """Wait until it answers; raise when it ends, or takes too long."""
    what = f"does not answer after {wait_s:g} s"
    deadline = time.monotonic() + wait_s
    while not _answers(server):
        if not _may_serve(server.pid, server.folder):
            what = "ended while it started"
            break
        if time.monotonic() >= deadline:
            break
        time.sleep(_PAUSE_S)
    else:
        return
    raise ServerAwayError(
        f"The Neo4j server {what}. Its log ends with:\n{_last_lines(server.log)}",
        where=str(server.log),
        next="Read the log; what is in the folder stays. One that stands still is ended with: "
        f"workbench server neo4j --stop --dir {shlex.quote(str(server.folder))}",
    )


def _answers(server: LocalServer) -> bool:
    """Return whether it takes questions; asking for a password is an answer."""
    neo4j = _driver()
    patience = {"connection_timeout": _ANSWER_S, "connection_acquisition_timeout": _ANSWER_S}
    try:
        with neo4j.GraphDatabase.driver(server.uri, **patience) as driver:
            driver.verify_connectivity()
            with driver.session(database="neo4j") as session:
                session.run("RETURN 1").consume()
    except neo4j.exceptions.Neo4jError as error:
        return not error.is_retryable()
    except (neo4j.exceptions.DriverError, OSError):
        return False
    return True


def _log_in(server: LocalServer, password: str) -> None:
    """Make sure that the password opens it; a new server is given it."""
    if _opens(server, password, "SHOW CURRENT USER"):
        return
    # A new server knows one password, and with it allows nothing but to change it.
    change = f"ALTER CURRENT USER SET PASSWORD FROM '{USER}' TO $password"
    if not _opens(server, USER, change, {"password": password}):
        raise InvalidInputError(
            "The password does not open the server in this folder; it was not started.",
            where=str(server.folder),
            next="Give the password that this server was given first.",
        )


def _opens(
    server: LocalServer, password: str, statement: str, values: dict[str, str] | None = None
) -> bool:
    """Return whether the password is taken for a statement to the system's own database."""
    neo4j = _driver()
    with neo4j.GraphDatabase.driver(server.uri, auth=(USER, password)) as driver:
        try:
            driver.execute_query(statement, values, database_="system")
        except neo4j.exceptions.AuthError:
            return False
        except neo4j.exceptions.ClientError as error:
            if "CredentialsExpired" in str(error.code):  # the one it was born with
                return False
            raise InvalidInputError(
                f"The server refuses the password ({error.message}).",
                where="password",
                next="Choose another one.",
            ) from error
        except (neo4j.exceptions.Neo4jError, neo4j.exceptions.DriverError) as error:
            raise ServerAwayError(
                f"The server does not answer any more ({error}).",
                where=server.uri,
                next=f"Read its log: {server.log}",
            ) from error
    return True


def _last_lines(log: Path, lines: int = 8) -> str:
    try:
        with open(log, encoding="utf-8", errors="replace") as text:
            return "\n".join(line.rstrip()[:300] for line in deque(text, lines))
    except OSError:
        return "(no log)"


# --------------------------------------------------------------------------------------------
# The record in the folder, and the process it names
# --------------------------------------------------------------------------------------------
def _server(place: Path, record: dict[str, Any]) -> LocalServer:
    log = place / "logs" / "console.log"
    return LocalServer(record["uri"], record["pid"], place, log, record["auth"])


def _record(place: Path) -> dict[str, Any] | None:
    """Return what the folder says of its server, None where it says nothing of the kind."""
    try:
        said = json.loads((place / _RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    kinds = {"uri": str, "pid": int, "auth": bool}
    if not isinstance(said, dict) or said.get("server") != "neo4j":
        return None
    if any(type(said.get(key)) is not kind for key, kind in kinds.items()):
        return None
    return said if _URI.match(said["uri"]) else None


def _write_record(place: Path, record: dict[str, Any]) -> None:
    fresh = place / f"{_RECORD}.new"
    fresh.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    os.replace(fresh, place / _RECORD)


def _serves(pid: int, place: Path | None) -> bool:
    """Return whether a process is such a server, that of the folder where one is given.

    A number that was given to another process meanwhile is told by its command line.
    """
    words = _words(place)[:-1] if place is not None else [_ENTRY]
    return " ".join(words) in (processes.command_line(pid) or "")


def _may_serve(pid: int, place: Path | None) -> bool:
    # While the program is loaded, and while it ends, its process has no command line.
    return processes.command_line(pid) == "" or _serves(pid, place)
