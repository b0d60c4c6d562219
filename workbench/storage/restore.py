"""Bringing a backup back: checked before anything is changed, and there in one step."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from workbench.config import Neo4jConfig
from workbench.errors import ConflictError, InvalidInputError
from workbench.storage import whole
from workbench.storage.backup import examined
from workbench.storage.folder import VECTORS, is_store, open_store, refuse_network
from workbench.storage.manifest import STORE, Manifest, check_files, damaged, read_manifest
from workbench.storage.migrate import Place, migrate
from workbench.storage.team import is_team_store
from workbench.stores.locks import standing_still


@dataclass(frozen=True, slots=True)
class Restored:
    """A store that was brought back.

    Parameters
    ----------
    folder : Path
        Where it is.
    manifest : Manifest
        Of the backup it came from.
    replaced : bool
        Whether another store was there before.
    """

    folder: Path
    manifest: Manifest
    replaced: bool


def restore(
    backup: Path,
    store: Path,
    *,
    replace: bool = False,
    wait_s: float = 30.0,
    neo4j: Neo4jConfig | None = None,
) -> Restored:
    """Bring the store of a backup back, with the id and the sequence that it had.

    Parameters
    ----------
    backup : Path
        Folder of the backup; it is only read.
    store : Path
        Where the store is to be.
    replace : bool
        Take the place of the store that is there, unless its graph is on a server. Its folder is
        removed with everything in it. Who has it open is refused from then on, and has to open
        the new one.
    wait_s : float
        How long to wait until nobody writes or reads the store that is replaced.
    neo4j : Neo4jConfig, optional
        The server that is to keep the graph: its database has to be empty, and nothing is
        replaced. A restore that was interrupted goes on when the same is asked for again.

    Raises
    ------
    NotFoundError
        When there is no backup.
    StoreDamagedError, StoreVersionError
        When a file of it is damaged or missing, or a newer version wrote it.
    ConflictError
        When a store is there and `replace` is False.
    InvalidInputError
        When something else is there, or one of the two lies inside the other.
    StoreBusyError, StoreError
        When somebody goes on writing, or the disk refuses. Whatever is raised, what was there is
        as it was.
    """
    backup, store = whole.placed(backup), whole.placed(store)
    manifest = read_manifest(backup)
    _refuse_overlap(backup, store)
    if replace:
        _refuse_server(store, neo4j)
    if neo4j is not None:
        return _restored_onto(neo4j, backup, manifest, store, wait_s=wait_s)
    replaced = is_store(store)
    with whole.refusals("The backup cannot be restored", store):
        _refuse_taken(store, replace)
        check_files(backup, manifest)
        store.parent.mkdir(parents=True, exist_ok=True)
        refuse_network(store.parent)
        whole.collect(store)
        with whole.making(store) as fresh:
            _fill(backup, manifest, fresh)
            if replaced:
                with standing_still(store, wait_s):
                    whole.exchange(fresh, store)
            else:
                _refuse_taken(store, replace)
                whole.appear(fresh, store)
    return Restored(store, manifest, replaced)


def _restored_onto(
    neo4j: Neo4jConfig,
    backup: Path,
    manifest: Manifest,
    store: Path,
    *,
    wait_s: float,
) -> Restored:
    """Bring a store back with its graph on a server: as a file first, then from there."""
    with whole.refusals("The backup cannot be restored", store):
        check_files(backup, manifest)
        store.parent.mkdir(parents=True, exist_ok=True)
        refuse_network(store.parent)
        whole.collect(store)
        with whole.making(store) as fresh:
            _fill(backup, manifest, fresh)
            manager = open_store(fresh, wait_s=wait_s)
            try:
                migrate(manager, Place(store, neo4j), keep_id=True, wait_s=wait_s)
            finally:
                manager.close()
    return Restored(store, manifest, False)


def _refuse_server(store: Path, neo4j: Neo4jConfig | None) -> None:
    """Refuse to replace where a graph is, or is to be, on a server: its folder alone is not it."""
    if neo4j is None and not is_team_store(store):
        return
    raise InvalidInputError(
        "A graph on a server cannot be replaced in one step; nothing was changed.",
        where=f"--replace, {store if neo4j is None else Place(store, neo4j).words}",
        next="Give a new folder with --store, without --replace; where its graph is to be on a "
        "server, also an empty database.",
    )


def _refuse_overlap(backup: Path, store: Path) -> None:
    if backup.is_relative_to(store) or store.is_relative_to(backup):
        raise InvalidInputError(
            "Backup and store lie inside each other.",
            where=str(store),
            next="Give another folder with --store, or move the backup.",
        )


def _refuse_taken(store: Path, replace: bool) -> None:
    if not is_store(store):
        whole.require_vacant(store)
    elif not replace:
        raise ConflictError(
            "There is a store here already; it was left as it is.",
            where=str(store),
            next="Give a new folder with --store, or take its place with --replace.",
        )


def _fill(backup: Path, manifest: Manifest, fresh: Path) -> None:
    """Copy the files of a backup into a new folder and see that they are the same store."""
    (fresh / VECTORS).mkdir()
    for file in manifest.files:
        source = backup / STORE / file.name
        with source.open("rb") as opened:
            if whole.copy(opened, fresh / file.name, file.bytes) != file.sha256:
                raise damaged(source, "its bytes are not those that were written")
    said = examined(fresh)
    if said.problems:  # it was made of a damaged store, or by hand
        raise damaged(backup / STORE, f"verify finds {'; '.join(said.problems)}")
    wanted = manifest.store_id, manifest.sequence, manifest.content_hash
    if (said.store_id, said.sequence, said.content_hash) != wanted:
        raise damaged(backup / STORE, "it is not the store that the manifest describes")
    whole.sync_tree(fresh)
