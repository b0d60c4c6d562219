"""Neo4j servers for tests: one for each worker, or one of its own that a test may kill.

Tests clear the database they are given. A server named by WORKBENCH_NEO4J_URI (several, with
spaces between them, for as many workers; WORKBENCH_NEO4J_USER, WORKBENCH_NEO4J_PASSWORD) is taken
only if it holds nothing.
"""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import neo4j
import pytest
from pydantic import SecretStr

from workbench.config import Neo4jConfig
from workbench.stores.graph.neo4j import Neo4jGraphStore
from workbench.stores.graph.neo4j_setup import apply_schema
from workbench.stores.neo4j import server as neo4j_server
from workbench.stores.neo4j.database import Neo4jDatabase

NO_SERVER = "no Neo4j server: it takes Java 17 and Maven (or WORKBENCH_NEO4J_URI)"
_BATCH = 10_000


@dataclass(frozen=True)
class Server:
    """A server that answers: where, and as whom; `local` is the process where it is ours."""

    uri: str
    user: str = "neo4j"
    password: str | None = None
    local: neo4j_server.LocalServer | None = None

    @property
    def auth(self) -> tuple[str, str] | None:
        """Return what the driver takes as `auth`."""
        return None if self.password is None else (self.user, self.password)

    def driver(self) -> neo4j.Driver:
        """Return a new driver; the caller closes it."""
        return neo4j.GraphDatabase.driver(self.uri, auth=self.auth)

    def config(self) -> Neo4jConfig:
        """Return how the product connects to it."""
        password = None if self.password is None else SecretStr(self.password)
        return Neo4jConfig(uri=self.uri, user=self.user, password=password)


# A statement that makes the server warn of something fails the test.
STRICT = {"warn_notification_severity": "INFORMATION"}


def connected(server: Server, *, wait_s: float = 30.0) -> Neo4jDatabase:
    """Return the database of a server; a warning of the server is an error."""
    return Neo4jDatabase(server.config(), wait_s=wait_s, driver_settings=STRICT)


def fresh_graph(server: Server, driver: neo4j.Driver) -> Neo4jGraphStore:
    """Return an empty graph store on a server whose schema is kept."""
    empty(driver)
    database = connected(server)
    apply_schema(database)
    return Neo4jGraphStore(database)


@dataclass
class OwnServer:
    """A server of one test, which may kill it, hold it still, and start it again as it was."""

    folder: Path
    password: str | None = None
    wait_s: float = 120.0
    local: neo4j_server.LocalServer | None = None

    def start(self) -> Server:
        """Return the server that answers in the folder, at the same port as before."""
        self.local = neo4j_server.start(self.folder, password=self.password, wait_s=self.wait_s)
        return self.server

    @property
    def server(self) -> Server:
        """Return where it answers, or last did."""
        assert self.local is not None, "it was never started"
        return Server(self.local.uri, password=self.password, local=self.local)

    @property
    def pid(self) -> int:
        """Return its process, or its last."""
        assert self.local is not None, "it was never started"
        return self.local.pid

    def kill(self) -> None:
        """Kill it: as a power cut, for what it had not written."""
        os.kill(self.pid, signal.SIGKILL)

    def hold(self) -> None:
        """Let it do nothing: connections stay open, no answer comes."""
        os.kill(self.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        """Let it go on after :meth:`hold`."""
        os.kill(self.pid, signal.SIGCONT)

    def stop(self) -> None:
        """Stop it in order."""
        neo4j_server.stop(self.folder)

    def remove(self) -> None:
        """End it and remove its folder."""
        neo4j_server.stop(self.folder, wait_s=0)
        shutil.rmtree(self.folder, ignore_errors=True)


def require() -> None:
    """Skip where no server can be started."""
    if neo4j_server.missing():
        pytest.skip(NO_SERVER)


@contextmanager
def one_a_worker(folders: pytest.TempPathFactory) -> Iterator[Server]:
    """Yield the server of this worker, its database empty."""
    if os.environ.get("WORKBENCH_NEO4J_URI"):
        yield _given()
        return
    require()
    own = OwnServer(folders.mktemp("neo4j") / "server")
    try:
        yield own.start()
    finally:
        own.remove()


def _given() -> Server:
    uris = os.environ["WORKBENCH_NEO4J_URI"].split()
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    if number >= len(uris):
        pytest.fail(f"WORKBENCH_NEO4J_URI names {len(uris)} server(s): one for each worker is due")
    server = Server(
        uris[number],
        os.environ.get("WORKBENCH_NEO4J_USER", "neo4j"),
        os.environ.get("WORKBENCH_NEO4J_PASSWORD") or None,
    )
    with server.driver() as driver:
        held = driver.execute_query("MATCH (n) RETURN count(n) AS n", database_="neo4j").records
    if held[0]["n"]:
        pytest.fail(f"{server.uri} holds {held[0]['n']} nodes: tests would delete them")
    return server


def empty(target: Server | neo4j.Driver, *, schema: bool = False) -> None:
    """Delete all data of a server, in batches; with `schema` its constraints and indexes too."""
    if isinstance(target, Server):
        with target.driver() as driver:
            empty(driver, schema=schema)
        return
    with target.session(database="neo4j") as session:
        # In two steps: a node with very many edges does not fit into one batch.
        for pattern, one in (("()-[x]->()", "DELETE x"), ("(x)", "DELETE x")):
            inner = f"CALL (x) {{ {one} }} IN TRANSACTIONS OF {_BATCH} ROWS"
            session.run(f"MATCH {pattern} {inner}").consume()
        if schema:
            _drop_schema(session)


def _drop_schema(session: neo4j.Session) -> None:
    shows = {
        "CONSTRAINT": "SHOW CONSTRAINTS",
        "INDEX": "SHOW INDEXES YIELD name, type WHERE type <> 'LOOKUP'",
    }
    for kind, show in shows.items():
        for name in [row["name"] for row in session.run(show)]:
            session.run(f"DROP {kind} `{name.replace('`', '``')}`").consume()
