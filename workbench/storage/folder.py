"""A store as a folder on one machine: it appears whole or not at all.

::

    my-store/
      store.sqlite     graph rows, links, loads, the catalogue of vectors: the commit point
      vectors/         segments of vector rows
      writer.lock      held by whoever writes
      rejects/         rows that a load could not use

Where the graph is on a server, :mod:`workbench.storage.team` says what the folder holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from workbench.config import Neo4jConfig
from workbench.errors import InvalidInputError, NotFoundError, StoreError
from workbench.storage import team
from workbench.storage.manager import HybridStorageManager
from workbench.storage.whole import appear, making
from workbench.stores.database import SqliteDatabase, sync_folder
from workbench.stores.graph.sqlite import SqliteGraphStore
from workbench.stores.vectors.faiss import FAISSVectorStore

FILE = "store.sqlite"
VECTORS = team.VECTORS
_NETWORK = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "afpfs", "fuse.sshfs", "ceph", "glusterfs"}


def is_store(path: Path) -> bool:
    """Return whether a store is in this folder."""
    try:
        return (Path(path) / FILE).is_file() or team.is_team_store(path)
    except OSError:  # a name that no file can have
        return False


def create_store(
    path: Path,
    *,
    neo4j: Neo4jConfig | None = None,
    wait_s: float = 30.0,
    store_id: str | None = None,
) -> None:
    """Make an empty store; one that is there is left as it is.

    Parameters
    ----------
    path : Path
    neo4j : Neo4jConfig, optional
        The server that is to keep its graph; a file in the folder otherwise.
    wait_s : float
        How long to wait for whoever writes to that graph.
    store_id : str, optional
        Its id, where it is going to be a copy of another one.

    Raises
    ------
    InvalidInputError
        When something else is there, or the folder lies on a network file system.
    """
    path = Path(path).absolute()
    if is_store(path):
        return
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise InvalidInputError(
            "There is something here that is no store.",
            where=str(path),
            next="Give a new or empty folder with --store.",
        )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        refuse_network(path.parent)
        if neo4j is not None:
            team.create_team_store(path, neo4j, wait_s=wait_s, store_id=store_id)
            return
        with making(path) as fresh:
            _fill(fresh, store_id)
            appear(fresh, path)
    except OSError as error:
        if is_store(path):  # somebody else made it in the meantime
            return
        raise StoreError(
            f"The store cannot be made ({error.strerror}).",
            where=str(path),
            next="Give a folder that can be written with --store.",
        ) from error


def _fill(folder: Path, store_id: str | None) -> None:
    (folder / VECTORS).mkdir()
    SqliteDatabase.create(folder / FILE, store_id=store_id)
    database = SqliteDatabase(folder / FILE)
    try:
        with database.transaction():
            SqliteGraphStore.apply_schema(database)
            FAISSVectorStore.apply_schema(database)
    finally:
        database.close()
    sync_folder(folder)


def refuse_network(folder: Path) -> None:
    """Refuse a folder on a network file system: no store can lie there."""
    # Locks and memory maps are not to be trusted there. Only Linux tells the kind this easily.
    table = Path("/proc/self/mounts")
    if not table.exists():
        return
    best, kind = "", ""
    for line in table.read_text(errors="replace").splitlines():
        _, point, name, *_ = line.split(" ")
        inside = folder.resolve().as_posix() + "/"
        if inside.startswith(point.rstrip("/") + "/") and len(point) >= len(best):
            best, kind = point, name
    if kind in _NETWORK:
        raise InvalidInputError(
            f"A store cannot lie on a network file system ({kind}).",
            where=str(folder),
            next="Give a folder on a local disk with --store.",
        )


def open_store(
    path: Path,
    *,
    wait_s: float = 30.0,
    space_settings: Mapping[str, Mapping[str, object]] | None = None,
    neo4j: Neo4jConfig | None = None,
) -> HybridStorageManager:
    """Return the store in this folder.

    Parameters
    ----------
    path : Path
    wait_s : float
        How long to wait for another writer.
    space_settings : mapping, optional
        As for :class:`HybridStorageManager`.
    neo4j : Neo4jConfig, optional
        How to reach the server, where the graph is on one.

    Raises
    ------
    NotFoundError
        When there is none.
    """
    path = Path(path).absolute()
    if not is_store(path):
        raise NotFoundError(
            "There is no store here.",
            where=str(path),
            next="Make one with: workbench ingest FILE --store DIR, or look at one with: "
            "workbench demo",
        )
    if team.is_team_store(path):
        settings = neo4j or Neo4jConfig()
        return team.open_team_store(path, settings, wait_s=wait_s, space_settings=space_settings)
    database = SqliteDatabase(path / FILE, wait_s=wait_s)
    vectors = FAISSVectorStore(path / VECTORS, database=database)
    return HybridStorageManager(
        SqliteGraphStore(database), vectors, space_settings=space_settings, folder=path
    )


def bytes_of(path: Path) -> dict[str, int]:
    """Return ``total`` (database, its log, segments) and ``derived`` bytes of a store folder."""
    path = Path(path)
    catalogue = (path / VECTORS).glob("vectors.sqlite*")  # where the graph is on a server
    kept = [*path.glob(f"{FILE}*"), *(path / VECTORS).glob("*.seg"), *catalogue]
    derived = [p for p in (path / "derived").rglob("*") if p.is_file()]
    return {
        "total": sum(p.stat().st_size for p in kept if not p.name.endswith("-shm")),
        "derived": sum(p.stat().st_size for p in derived),
    }
