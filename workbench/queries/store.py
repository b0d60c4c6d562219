"""``bench.store``: what is in it, what was loaded, and whether it is sound."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from workbench import times
from workbench.config import WorkbenchConfig, load_config
from workbench.errors import CapabilityError, InvalidInputError
from workbench.storage import content, record
from workbench.storage.backup import Backup, back_up, back_up_into
from workbench.storage.folder import bytes_of
from workbench.storage.manager import HybridStorageManager
from workbench.storage.migrate import Migration, Place, migrate
from workbench.storage.repair import Repair, repair
from workbench.storage.sweep import Freed, compact, sweep
from workbench.storage.unload import unload


class Store:
    """Counts, loads, verification."""

    def __init__(self, manager: HybridStorageManager) -> None:
        self._manager = manager

    def stats(self) -> dict[str, Any]:
        """Return counts, first and last times, per camera and per space, and bytes."""
        graph, vector = self._manager.graph, self._manager.vector
        graph.checkpoint()
        with graph.snapshot():
            counts = graph.counts()
            seen = graph.observations()
            cameras = graph.nodes("Camera")["id"].tolist()
            spaces = self._manager.pair.spaces()
            rows = {name: graph.count_vectors(name) for name in spaces}
            sequence = graph.sequence()
        identified = int((seen.identity >= 0).sum())
        people = counts["Identity"]
        size = (
            bytes_of(self._manager.folder) if self._manager.folder else {"total": 0, "derived": 0}
        )
        total = len(seen.identity)
        return {
            "identities": people,
            "appearances": total,
            "unidentified": total - identified,
            "cameras": counts["Camera"],
            "first_seen": times.iso(int(seen.time_us.min())) if total else None,
            "last_seen": times.iso(int(seen.time_us.max())) if total else None,
            "mean_appearances_per_identity": identified / people if people else None,
            "per_camera": _per_camera(seen, cameras),
            "spaces": {
                name: {
                    "dim": space.dim,
                    "metric": space.metric,
                    "model_id": space.model_id,
                    "threshold": space.threshold,
                    "precision": space.precision,
                    "vectors": rows[name],
                    "index": vector.index_of(name),
                }
                for name, space in spaces.items()
            },
            "bytes_total": size["total"],
            "bytes_per_appearance": size["total"] / total if total else None,
            "derived_bytes": size["derived"],
            "sequence": sequence,
        }

    def loads(self) -> list[record.LoadSummary]:
        """Return what was loaded, in order of time."""
        return record.loads(self._manager)

    def unload(self, load_id: str) -> dict[str, int]:
        """Take a load back, whole, and return what was removed.

        Raises
        ------
        NotFoundError
            When there is no such load.
        ConflictError
            When a later load has to be taken back first.
        """
        return unload(self._manager, load_id)

    def verify(self) -> content.Verification:
        """Return what is wrong with the store; what a crash left behind is not."""
        return content.verify(self._manager.pair)

    def repair(self, *, apply: bool = False) -> Repair:
        """Return what would be done about what :meth:`verify` finds, or do it and verify again.

        A vector or row whose bytes are lost is set aside in a file of the store's folder and
        taken out, so that the rest is sound and can be written; indexes, headers, counts and
        statistics are made anew. What others refer to stays: there a backup helps.

        Parameters
        ----------
        apply : bool
            Do it; otherwise nothing is changed.

        Raises
        ------
        StoreDamagedError
            When the store is damaged so badly that it cannot be looked at.
        """
        return repair(self._manager.pair, self._manager.folder, apply=apply)

    def sweep(self) -> Freed:
        """Remove vectors that no appearance names, and files that an interrupted write left.

        They are invisible anyway; this gives their room back.
        """
        return sweep(self._manager.pair, self._manager.folder)

    def compact(self) -> Freed:
        """Sweep, and write the files anew that hold bytes of what was deleted or overwritten.

        Raises
        ------
        StoreDamagedError
            When a row is damaged.
        """
        return compact(self._manager.pair, self._manager.folder)

    def content_hash(self) -> str:
        """Return SHA-256 over everything the store says."""
        return content.content_hash(self._manager.pair)

    def backup(
        self,
        folder: str | Path | None = None,
        *,
        into: str | Path | None = None,
        keep: int | None = None,
    ) -> Backup:
        """Write a backup of the store and return what is in it; others may go on writing.

        It holds the store as it was at one commit, is verified, and appears whole or not at all.
        :func:`workbench.restore` brings it back.

        Parameters
        ----------
        folder : path, optional
            A new folder for it.
        into : path, optional
            A folder of backups instead, in which it is named by its time (UTC) and sequence.
        keep : int, optional
            With `into`: remove the oldest backups of this store, so that so many are left.

        Raises
        ------
        InvalidInputError
            When something is at `folder`, or it lies inside the store; or not one of `folder` and
            `into` is given.
        StoreDamagedError
            When the store is damaged: a backup of it would look sound.
        StoreError
            When the disk refuses; no backup was made and none was removed.
        """
        if (folder is None) == (into is None) or (keep is not None and into is None):
            raise InvalidInputError(
                "A backup needs a new folder, or a folder of backups with how many to keep.",
                where="folder, into, keep",
                next="Give a new folder, or: --into PARENT --keep N",
            )
        manager, store = self._manager, self._manager.folder
        if store is None:
            raise CapabilityError(
                "Only a store in a folder can be backed up.",
                where="this store",
                next="Load the same files into a store in a folder.",
            )
        manager.graph.sequence()  # a bench that was closed answers nobody
        if folder is not None:
            return back_up(store, Path(folder), manager=manager)
        return back_up_into(store, Path(str(into)), keep=keep, manager=manager)

    def migrate(self, to: str | Path | WorkbenchConfig, *, dry_run: bool = False) -> Migration:
        """Write everything into a new store, with another backend or the same; verify it.

        An interrupted migration goes on where it stopped when it is asked for again.

        Parameters
        ----------
        to : path or WorkbenchConfig
            The configuration of the new store: ``store``, its folder; ``graph.backend``; and
            ``neo4j`` where its graph is on a server.
        dry_run : bool
            Look at both stores and write nothing.

        Raises
        ------
        ConflictError
            When a store with something in it is there.
        StoreDamagedError
            When this store is damaged, or the new one does not say the same.
        """
        config = to if isinstance(to, WorkbenchConfig) else load_config(to, file_wins=True)
        if "store" not in config.model_fields_set:
            raise InvalidInputError(
                "The configuration of the new store does not say where it is to be.",
                where="store",
                next="Name a new folder with: store: DIR",
            )
        server = config.neo4j if config.graph.backend == "neo4j" else None
        place = Place(config.store, server)
        return migrate(self._manager, place, dry_run=dry_run, wait_s=config.writer_wait_s)


def _per_camera(seen: Any, cameras: list[str]) -> dict[str, dict[str, Any]]:
    rows = pd.DataFrame({"place": seen.place, "identity": seen.identity, "time": seen.time_us})
    rows = rows[
        np.isin(seen.place, [n for n, name in enumerate(seen.places) if name in set(cameras)])
    ]
    by = rows.groupby("place")
    facts = pd.DataFrame(
        {
            "appearances": by.size(),
            "identities": rows[rows["identity"] >= 0].groupby("place")["identity"].nunique(),
            "first": by["time"].min(),
            "last": by["time"].max(),
        }
    )
    facts.index = pd.Index([seen.places[n] for n in facts.index], dtype="str")
    empty = {"appearances": 0, "identities": 0, "first_seen": None, "last_seen": None}
    found = {
        name: {
            "appearances": int(row["appearances"]),
            "identities": 0 if pd.isna(row["identities"]) else int(row["identities"]),
            "first_seen": times.iso(int(row["first"])),
            "last_seen": times.iso(int(row["last"])),
        }
        for name, row in facts.to_dict("index").items()
    }
    return {name: found.get(name, empty) for name in cameras}
