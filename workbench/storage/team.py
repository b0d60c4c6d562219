"""A store of a team: its graph on a server, its vectors in a folder of the host that serves.

::

    my-store/
      server.json      which graph on which server; no password
      vectors/         the catalogue of vectors and the segments of their rows
      rejects/         rows that a load could not use

Graph and vectors know each other by their ids: a folder is never read beside the graph of another
one. The graph's commit is the only one that counts, as on one machine.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.config import Neo4jConfig
from workbench.errors import ConflictError, NotFoundError, StoreDamagedError
from workbench.storage import whole
from workbench.storage.manager import HybridStorageManager
from workbench.stores.database import sync_folder
from workbench.stores.registry import backend
from workbench.stores.vectors.faiss import FAISSVectorStore

if TYPE_CHECKING:
    from workbench.stores.graph.neo4j import Neo4jGraphStore

SERVER = "server.json"
VECTORS = "vectors"
_KIND = "workbench store with its graph on a server"
_LONGEST = 1 << 16  # bytes of a server.json


@dataclass(frozen=True, slots=True)
class Pairing:
    """Which graph the vectors of a folder belong to.

    Parameters
    ----------
    uri, database : str
        Where the graph was when the folder was made.
    store_id : str
        Of the graph.
    vectors_id : str
        Of the catalogue of vectors.
    """

    uri: str
    database: str
    store_id: str
    vectors_id: str


@dataclass(frozen=True, slots=True)
class Prepared:
    """What was set up on a server.

    Parameters
    ----------
    uri, database, store_id : str
    made : list of str
        Constraints and indexes that were created.
    there : list of str
        Those that were there.
    """

    uri: str
    database: str
    store_id: str
    made: list[str] = field(default_factory=list)
    there: list[str] = field(default_factory=list)


def is_team_store(path: Path) -> bool:
    """Return whether the store in this folder has its graph on a server."""
    try:
        return (Path(path) / SERVER).is_file()
    except OSError:  # a name that no file can have
        return False


def prepare(config: Neo4jConfig, *, wait_s: float = 30.0) -> Prepared:
    """Make what is missing of a store's schema on a server, and say what was done."""
    store, made, there = _graph_store().prepared(config, wait_s=wait_s)
    try:
        return Prepared(config.uri, config.database, store.store_id, made, there)
    finally:
        store.close()


def occupied(config: Neo4jConfig) -> bool:
    """Return whether a store with something in it is in the database of a server."""
    try:
        graph = _graph_store().connected(config)
    except NotFoundError:
        return False
    try:
        return any(graph.counts().values())
    finally:
        graph.close()


def create_team_store(
    path: Path, config: Neo4jConfig, *, wait_s: float = 30.0, store_id: str | None = None
) -> None:
    """Make the folder of a store whose graph is on a server, and that graph where there is none.

    With `store_id` the graph gets this id while nothing is in it.

    Raises
    ------
    ConflictError
        When the graph there belongs to the vectors of another folder.
    ServerAwayError
        When no server answers. Whatever is raised, no folder was made.
    """
    with whole.making(path) as fresh:
        graph = _graph_store().prepared(config, wait_s=wait_s, store_id=store_id)[0]
        vectors = FAISSVectorStore(fresh / VECTORS, wait_s=wait_s)
        try:
            graph.pair_with(vectors.store_id, claim=True)
            pairing = Pairing(config.uri, config.database, graph.store_id, vectors.store_id)
        finally:
            vectors.close()
            graph.close()
        said = {"kind": _KIND, "graph": "neo4j", **asdict(pairing)}
        whole.write(fresh / SERVER, json.dumps(said, indent=1).encode() + b"\n")
        sync_folder(fresh)
        whole.appear(fresh, path)


def open_team_store(
    path: Path,
    config: Neo4jConfig,
    *,
    wait_s: float = 30.0,
    space_settings: Mapping[str, Mapping[str, object]] | None = None,
) -> HybridStorageManager:
    """Return the store of this folder, with the graph that belongs to it.

    Address and database are those of the configuration where it names them, else those that the
    folder was made with.

    Raises
    ------
    ConflictError
        When the graph there is another one, or belongs to the vectors of another folder.
    ServerAwayError
        When the server does not answer.
    """
    path = Path(path).absolute()
    pairing = read_pairing(path)
    graph = _graph_store().connected(reached(path, config), wait_s=wait_s)
    try:
        if graph.store_id != pairing.store_id:
            raise ConflictError(
                "The graph on this server is not the one that the vectors in the folder belong to.",
                where=f"{path}, {graph.database.where}",
                next="Give the folder of that graph with --store, or the address of the graph of "
                "this folder with NEO4J_URI.",
            )
        graph.pair_with(pairing.vectors_id, claim=False)
        vectors = FAISSVectorStore(path / VECTORS, wait_s=wait_s)
    except BaseException:
        graph.close()
        raise
    # To people the store is the folder, not the server or the catalogue in it.
    graph.database.home = vectors.rows.database.home = str(path)
    return HybridStorageManager(graph, vectors, space_settings=space_settings, folder=path)


def reached(path: Path, config: Neo4jConfig) -> Neo4jConfig:
    """Return how the graph of this folder is reached: as configured, else as it was made with."""
    pairing = read_pairing(path)
    names = [name for name in ("uri", "database") if name not in config.model_fields_set]
    return config.model_copy(update={name: getattr(pairing, name) for name in names})


def read_pairing(path: Path) -> Pairing:
    """Return which graph the vectors of a folder belong to."""
    file = Path(path) / SERVER
    try:
        with file.open("rb") as opened:
            said: dict[str, Any] = json.loads(opened.read(_LONGEST))
        if said["kind"] != _KIND or said["graph"] != "neo4j":
            raise ValueError(said["kind"])
        names = ("uri", "database", "store_id", "vectors_id")
        return Pairing(*(str(said[name]) for name in names))
    except FileNotFoundError:
        raise NotFoundError(
            "There is no store here.",
            where=str(path),
            next="Make one with: workbench init --config FILE --store DIR",
        ) from None
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise StoreDamagedError(
            f"What says where the graph of this store is cannot be read ({type(error).__name__}).",
            where=str(file),
            next="Restore a backup with workbench restore.",
        ) from error


def _graph_store() -> type[Neo4jGraphStore]:
    return backend("graph", "neo4j")
