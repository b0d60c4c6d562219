"""``init`` and ``server``: a store made ready, and a graph server on this machine to try it on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from workbench.cli.answer import Answer
from workbench.cli.options import FILE, Call, answering
from workbench.errors import InvalidInputError, NotFoundError

if TYPE_CHECKING:
    from workbench.cli.terminal import Screen
    from workbench.stores.neo4j.server import LocalServer

_WAIT_S = 300.0  # after a kill, a large database reads its log first


@click.command()
@click.option(
    "--graph",
    type=click.Choice(["sqlite", "neo4j"]),
    help="Where a new store keeps its graph: a file of its folder, or the server of NEO4J_URI.",
)
@answering
def init(call: Call, graph: str | None) -> Answer:
    """Make an empty store ready, its folder and the schema of its graph; say what was done.

    On a server every constraint and index is created where it is missing, awaited and compared
    with what was asked for. What is there stays as it is.
    """
    import dataclasses

    from workbench.session import init as make_ready

    done = make_ready(call.settings, graph=graph)
    said = dataclasses.asdict(done) | {"store": str(done.store)}
    return _ready(said)


def _ready(said: dict[str, Any]) -> Answer:
    import pandas as pd

    from workbench.cli.safe import safe

    def text(screen: Screen) -> str:
        verb = "A new store" if said["created"] else "The store that was here"
        where = "in a file of its folder"
        if said["graph"] == "neo4j":
            where = f"at {said['uri']}, database {said['database']}"
        facts = {
            "  graph": where,
            "  constraints and indexes made": len(said["made"]),
            "  there before": len(said["there"]),
        }
        if said["graph"] != "neo4j":
            facts = {"  graph": where}
        lines = [f"{verb}, ready:\n  {safe(said['store'])}", screen.facts(facts)]
        lines += [f"  made: {name}" for name in said["made"]]
        return "\n".join(lines)

    return Answer(document=said, table=pd.DataFrame([said]), text=text)


@click.command()
@click.argument("kind", type=click.Choice(["neo4j"]), metavar="neo4j")
@click.option(
    "--dir",
    "folder",
    type=FILE,
    default="workbench-neo4j",
    show_default=True,
    metavar="DIR",
    help="The folder of the server and its data.",
)
@click.option(
    "--port",
    type=click.IntRange(1, 65_535),
    metavar="N",
    help="Where it listens; else where it did the last time, or at a free port.",
)
@click.option("--stop", "ends", is_flag=True, help="Stop the server of that folder.")
@answering
def server(call: Call, kind: str, folder: Path, port: int | None, ends: bool) -> Answer:
    """Start a Neo4j server on this machine, to try things out; it goes on in the background.

    It listens on this machine alone. Where NEO4J_PASSWORD is set, it asks for that password (user
    neo4j); else everybody on this machine can read and write it. It takes Java 17 and Maven, which
    brings Neo4j Community once (about 120 MB).
    """
    if ends and port is not None:
        raise InvalidInputError(
            "A server that is stopped needs no port.",
            where="--stop --port",
            next="Give one of the two.",
        )
    return _stopped(folder) if ends else _started(call, folder, port)


def _started(call: Call, folder: Path, port: int | None) -> Answer:
    from workbench.stores.neo4j import server as neo4j_server

    given = call.settings.neo4j.password
    password = given.get_secret_value() if given is not None else None
    found = neo4j_server.start(folder, port=port, password=password, wait_s=_WAIT_S)
    return _answer(found, folder, stopped=False)


def _stopped(folder: Path) -> Answer:
    from workbench.stores.neo4j import server as neo4j_server

    if not neo4j_server.kept(folder):
        raise NotFoundError(
            "There is no folder of a Neo4j server here.",
            where=str(folder.absolute()),
            next="Name it: workbench server neo4j --stop --dir DIR",
        )
    found = neo4j_server.running(folder)
    return _answer(found, folder, stopped=found is not None and neo4j_server.stop(found))


def _answer(found: LocalServer | None, folder: Path, *, stopped: bool) -> Answer:
    import pandas as pd

    said: dict[str, Any] = {
        "uri": found.uri if found else None,
        "pid": found.pid if found else None,
        "dir": str(found.folder if found else folder.absolute()),
        "log": str(found.log) if found else None,
        "auth": found.auth if found else None,
        "stopped": stopped,
    }
    return Answer(
        document=said,
        table=pd.DataFrame([said]),
        text=lambda screen: _text(said, str(folder)),
    )


def _text(said: dict[str, Any], typed: str) -> str:
    from workbench.cli.safe import safe

    if said["stopped"]:
        return f"Stopped. Its data stays: {safe(said['dir'])}\n{_again(typed)}"
    if said["uri"] is None:
        return f"No server runs in {safe(said['dir'])}\n{_again(typed)}"
    password = "asked for, of the user neo4j (NEO4J_PASSWORD)"
    if not said["auth"]:
        password = "none: everybody on this machine can read and write it"
    return "\n".join(
        [
            f"A Neo4j server answers at {said['uri']}",
            f"  process   {said['pid']}",
            f"  data      {safe(said['dir'])}",
            f"  log       {safe(said['log'])}",
            f"  password  {password}",
            f"Use it:\n  export NEO4J_URI={said['uri']}\n"
            "  workbench init --graph neo4j --store my-team-store",
            f"Stop it:\n  {_words('--stop', typed)}",
        ]
    )


def _again(typed: str) -> str:
    return f"Start it again:\n  {_words(None, typed)}"


def _words(option: str | None, typed: str) -> str:
    import shlex

    from workbench.cli.safe import safe

    place = [] if typed == "workbench-neo4j" else ["--dir", typed]
    return safe(shlex.join(["workbench", "server", "neo4j", *([option] if option else []), *place]))
