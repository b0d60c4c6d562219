"""From one store to a new one, with another backend for its graph or the same.

The new store is filled in a hidden folder beside its place and gets its name when it says, row by
row and byte by byte, what the old one says. An interrupted migration left that folder: the same
command goes on from there, unless the old store has changed meanwhile.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from workbench.config import Neo4jConfig
from workbench.errors import ConflictError, InvalidInputError, StoreDamagedError
from workbench.progress import progress
from workbench.storage import team, whole
from workbench.storage.content import content_hash, verify
from workbench.storage.folder import create_store, is_store, open_store, refuse_network
from workbench.storage.manager import HybridStorageManager
from workbench.storage.manifest import BESIDE
from workbench.storage.transfer import Noted, total_rows, transfer
from workbench.stores.database import sync_folder

_NOTES = "migration.json"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a store is or is to be: its folder, and the server of its graph where it has one."""

    folder: Path
    neo4j: Neo4jConfig | None = None

    @property
    def words(self) -> str:
        """The folder, and where the graph is kept, for people."""
        if self.neo4j is None:
            return f"{self.folder} (graph in SQLite)"
        return f"{self.folder} (graph in Neo4j, {self.neo4j.uri}, database {self.neo4j.database})"


@dataclass(frozen=True, slots=True)
class Migration:
    """What was migrated, or would be.

    Parameters
    ----------
    source, target : str
        Where from and where to, in words.
    counts : dict of str to int
        Rows by label and kind, and vectors by space as ``vectors NAME``.
    content_hash : str
        SHA-256 over everything the old store says.
    equal : bool, optional
        Whether the new one says the same; None where nothing was done.
    resumed : int
        Rows that an interrupted migration had written before.
    """

    source: str
    target: str
    counts: dict[str, int]
    content_hash: str
    equal: bool | None
    resumed: int = 0


def migrate(
    manager: HybridStorageManager,
    target: Place,
    *,
    dry_run: bool = False,
    keep_id: bool = False,
    wait_s: float = 30.0,
) -> Migration:
    """Write everything of a store into a new one, verify it, and return what was done.

    Parameters
    ----------
    manager : HybridStorageManager
        The old store. On one machine others may go on writing to it; what they write is not
        taken along. Where its graph is on a server writers wait.
    target : Place
        Where the new one is to be: nothing may be there but an empty store.
    dry_run : bool
        Look at both and write nothing.
    keep_id : bool
        Give the new store the id and the sequence of the old one: it is the same store elsewhere.
    wait_s : float
        How long to wait for another writer.

    Raises
    ------
    ConflictError
        When a store with something in it is there, or the old one changed since a migration into
        this place was interrupted.
    StoreDamagedError
        When the old store is damaged, or the new one does not say the same.
    """
    place = whole.placed(target.folder)
    target = Place(place, target.neo4j)
    _refuse_taken(manager, target, wait_s)
    with manager.graph.cut():
        found = verify(manager.pair)
        if not found.ok:
            raise StoreDamagedError(
                f"The store is damaged ({found.problems[0].count} of {found.problems[0].kind}); "
                "it was not migrated.",
                where=str(manager.folder),
                next="See what is affected with: workbench verify --store DIR",
            )
        said = Migration(
            _words(manager), target.words, counts(manager), content_hash(manager.pair), None
        )
        if dry_run:
            return said
        resumed = _fill(manager, target, said, keep_id=keep_id, wait_s=wait_s)
    return Migration(said.source, said.target, said.counts, said.content_hash, True, resumed)


def counts(manager: HybridStorageManager) -> dict[str, int]:
    """Return the rows of a store by label and kind, and the named vectors of each space."""
    named = {
        f"vectors {space}": manager.graph.count_vectors(space) for space in manager.pair.spaces()
    }
    return {name: n for name, n in (manager.graph.counts() | named).items() if n}


def _words(manager: HybridStorageManager) -> str:
    folder = manager.folder
    if folder is None or not team.is_team_store(folder):
        return f"{folder} (graph in SQLite)"
    pairing = team.read_pairing(folder)
    return f"{folder} (graph in Neo4j, {pairing.uri}, database {pairing.database})"


def _refuse_taken(manager: HybridStorageManager, target: Place, wait_s: float) -> None:
    """Refuse a place that is taken: by a store with something in it, or by anything else."""
    place = target.folder
    if manager.folder is not None and place == whole.placed(manager.folder):
        raise InvalidInputError(
            "A store cannot be migrated into itself.",
            where=str(place),
            next="Give another folder as 'store' in the configuration.",
        )
    if not is_store(place):
        whole.require_vacant(place)
        resuming = is_store(_hidden(place, manager.graph.store_id))
        if target.neo4j is not None and not resuming and team.occupied(target.neo4j):
            raise _database_taken(target.neo4j)
        return
    if team.is_team_store(place) != (target.neo4j is not None):
        raise ConflictError(
            "The store in this folder keeps its graph elsewhere than the configuration says.",
            where=str(place),
            next="Give a new folder as 'store' in the configuration.",
        )
    there = open_store(place, wait_s=wait_s, neo4j=target.neo4j)
    try:
        if any(there.graph.counts().values()):
            raise _something_there(target)
    finally:
        there.close()


def _something_there(target: Place) -> ConflictError:
    return ConflictError(
        "There is a store with something in it; it was left as it is.",
        where=target.words,
        next="Give a new folder as 'store' in the configuration; where the graph is on a server, "
        "also an empty database.",
    )


def _database_taken(config: Neo4jConfig) -> ConflictError:
    return ConflictError(
        "There is a store with something in it in this database; it was left as it is.",
        where=f"{config.uri}, database {config.database}",
        next="Give the address of an empty one: workbench server neo4j --dir NEW starts one to "
        "try things out.",
    )


def _fill(
    manager: HybridStorageManager,
    target: Place,
    said: Migration,
    *,
    keep_id: bool,
    wait_s: float,
) -> int:
    """Fill the hidden folder of a migration and give it its name; return the rows resumed."""
    with whole.refusals("The store cannot be migrated", target.folder):
        hidden = _hidden(target.folder, manager.graph.store_id)
        target.folder.parent.mkdir(parents=True, exist_ok=True)
        refuse_network(target.folder.parent)
        _begin(hidden, target, wait_s, manager.graph.store_id if keep_id else None)
        with _alone(hidden):
            noted = _noted(hidden, manager, said)
            resumed = sum(noted.rows.values())
            _write(manager, Place(hidden, target.neo4j), noted, keep_id=keep_id, wait_s=wait_s)
            _compare(hidden, target, said, wait_s)
            for name in BESIDE:
                _copy_beside(manager.folder, hidden, name)
            (hidden / _NOTES).unlink()
            sync_folder(hidden)
            whole.appear(hidden, target.folder)
    return resumed


def _copy_beside(source: Path | None, hidden: Path, name: str) -> None:
    """Copy what a store keeps beside its tables, where it does."""
    if source is None or not (source / name).is_file():
        return
    (hidden / name).unlink(missing_ok=True)
    with (source / name).open("rb") as file:
        whole.copy(file, hidden / name, os.fstat(file.fileno()).st_size)


def _hidden(place: Path, store_id: str) -> Path:
    # By the id of the old store: the same command finds it again.
    return place.with_name(f".{place.name[:200]}.{store_id[:16]}.moving")


def _begin(hidden: Path, target: Place, wait_s: float, store_id: str | None) -> None:
    """Make the hidden store where there is none; an empty one in its place becomes it."""
    if is_store(hidden):
        return
    shutil.rmtree(hidden, ignore_errors=True)
    if is_store(target.folder):
        os.rename(target.folder, hidden)
        return
    create_store(hidden, neo4j=target.neo4j, wait_s=wait_s, store_id=store_id)


@contextmanager
def _alone(hidden: Path) -> Iterator[None]:
    """Refuse while another process fills the same folder."""
    with whole.held(hidden) as free:
        if not free:
            raise ConflictError(
                "Another process migrates this store to this place.",
                where=str(hidden),
                next="Wait until it is done.",
            )
        yield


def _noted(hidden: Path, manager: HybridStorageManager, said: Migration) -> Noted:
    """Return how far an interrupted migration came; refuse where the old store changed since."""
    wanted = {"store_id": manager.graph.store_id, "content_hash": said.content_hash}
    try:
        notes: dict[str, Any] = json.loads((hidden / _NOTES).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        _note(hidden, wanted, Noted())
        return Noted()
    if {name: notes.get(name) for name in wanted} != wanted:
        raise ConflictError(
            "The store has changed since a migration to this place was interrupted.",
            where=str(hidden),
            next=f"Remove what that one left and begin again: rm -r '{hidden}'. Where the new "
            "graph is on a server, empty its database too.",
        )
    after = notes["after"]
    return Noted(dict(notes["rows"]), None if after is None else (int(after[0]), str(after[1])))


def _note(hidden: Path, wanted: dict[str, str], noted: Noted) -> None:
    fresh = hidden / f"{_NOTES}.new"
    fresh.write_text(json.dumps(wanted | asdict(noted)), encoding="utf-8")
    os.replace(fresh, hidden / _NOTES)


def _write(
    manager: HybridStorageManager, hidden: Place, noted: Noted, *, keep_id: bool, wait_s: float
) -> None:
    there = open_store(hidden.folder, wait_s=wait_s, neo4j=hidden.neo4j)
    wanted = json.loads((hidden.folder / _NOTES).read_text(encoding="utf-8"))
    known = {name: wanted[name] for name in ("store_id", "content_hash")}
    try:
        with progress(total_rows(manager.pair), "copying") as step:
            step(sum(noted.rows.values()))

            def note(so_far: Noted, rows: int) -> None:
                _note(hidden.folder, known, so_far)
                step(rows)

            transfer(manager.pair, there.pair, noted, note)
        if keep_id:
            there.graph.count_from(manager.graph.sequence())
    finally:
        there.close()


def _compare(hidden: Path, target: Place, said: Migration, wait_s: float) -> None:
    """Refuse a new store that is not sound or does not say what the old one says."""
    there = open_store(hidden, wait_s=wait_s, neo4j=target.neo4j)
    try:
        found = verify(there.pair)
        wrong = [f"{problem.count} of {problem.kind}" for problem in found.problems]
        if counts(there) != said.counts:
            wrong.append(f"it counts {counts(there)}, not {said.counts}")
        if not wrong and content_hash(there.pair) != said.content_hash:
            wrong.append("its content hash is another")
    finally:
        there.close()
    if wrong:
        raise StoreDamagedError(
            f"The new store does not say what the old one says ({'; '.join(wrong)}).",
            where=str(hidden),
            next=f"Remove it and migrate again: rm -r '{hidden}'. Where its graph is on a "
            "server, empty the database too.",
        )
