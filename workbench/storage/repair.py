"""Repair: what is damaged is set aside and taken out, so that the rest is a sound store again.

Nothing is invented: a vector or a row whose bytes are lost is removed, and whoever still has the
file it came from gives it again with ``ingest --update``. What others refer to stays, and a
database whose pages cannot be read is not touched: there a backup helps.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from workbench.errors import InvalidInputError, StoreError
from workbench.storage.content import Examination, Problem, examine
from workbench.storage.pair import StorePair
from workbench.stores.database import sync_file, sync_folder
from workbench.stores.graph.base import Removal

ASIDE = "set-aside"
_HOPELESS = ("database", "space")
_AGAIN = "Give these vectors again: workbench ingest with the files they came from and --update."
# What is done about each kind.
_DEEDS = {
    "index": "The indexes of the database are made anew from its tables.",
    "row": "These rows are set aside and taken out; appearances of an identity that is taken out "
    "become unidentified. Load their file again to bring them back.",
    "dangling": "These rows refer to nothing: they are set aside and taken out.",
    "counter": "The store counts on from the highest number it has used.",
    "catalogue": "The rows of the files of vectors are counted again.",
    "vector_file": "The files get their names, headers and lengths again; a file of another store "
    "is put aside.",
    "vector_bytes": f"These vectors are taken out. {_AGAIN}",
    "vector_missing": f"The names of these vectors are taken out. {_AGAIN}",
    "statistics": "The statistics of these identities are computed again.",
}
_RESTORE = "Restore a backup: workbench restore"
_LEFT = {
    "database": f"{_RESTORE}. Pages of the database are damaged; nothing was touched.",
    "space": f"{_RESTORE}. What these vectors are is lost; nothing was touched.",
    "needed_row": f"{_RESTORE}. Other rows refer to these, so they stay. A camera, a place or a "
    "floor plan can also be given again: workbench ingest with the same file and --update.",
    "nowhere": "Give these appearances a camera: bench.appearances.update(...). Or: workbench "
    "restore",
}


@dataclass(frozen=True, slots=True)
class Repair:
    """What was done, or would be, and what is wrong with the store afterwards.

    Parameters
    ----------
    applied : bool
        Whether it was done.
    checked : dict
        What was looked at.
    problems : list of Problem
        What is wrong now; ``next`` says what would be done about it, or what else to do.
    done : list of str
        What was done, in words.
    set_aside : Path, optional
        The file in which the removed rows lie as they were: a line of JSON each.
    """

    applied: bool
    checked: dict[str, int]
    problems: list[Problem]
    done: list[str] = field(default_factory=list)
    set_aside: Path | None = None

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


def repair(pair: StorePair, folder: Path | None, *, apply: bool = False) -> Repair:
    """Say what would be done about each thing that is wrong, or do it and verify again.

    What is taken out is first written into a file of the folder ``set-aside`` of the store.

    Raises
    ------
    StoreError
        When the disk refuses; then nothing was changed but for the headers of files.
    """
    found = examine(pair)
    if not apply:
        return Repair(False, found.checked, found.problems(_DEEDS | _LEFT))
    advice = {kind: f"{_RESTORE}. It could not be mended." for kind in _DEEDS} | _LEFT
    if not found.found or found.found.keys() & set(_HOPELESS):
        return Repair(True, found.checked, found.problems(advice))
    done: list[str] = []
    aside = _Aside(folder)
    try:
        with pair.unit():
            done += _made_anew(pair, found)
            done += _taken_out(pair, examine(pair), aside)
            aside.finish()
        pair.sweep()
    except (StoreError, InvalidInputError) as error:
        done.append(f"Nothing else was done: {error.message}")
        aside.forget()
    left = examine(pair)
    return Repair(True, left.checked, left.problems(advice), done, aside.path)


def _made_anew(pair: StorePair, found: Examination) -> list[str]:
    """Make anew what follows from the rest, inside a unit of work; say what was done."""
    done: list[str] = []
    if "index" in found.found:
        pair.graph.mend_indexes()
        done.append("Indexes were made anew.")
    if found.found.keys() & {"counter", "catalogue"}:
        pair.graph.mend([one for one in found.graph if one.kind == "counter"])
        done.append("What the store counts with was counted again.")
    return done + pair.vector.mend_files()


def _taken_out(pair: StorePair, found: Examination, aside: _Aside) -> list[str]:
    """Set aside and take out what is lost, inside a unit of work; say what was done."""
    done: list[str] = []
    removed = pair.graph.removals(found.graph)
    aside.write(removed)
    pair.graph.mend(found.graph)
    done += _words(removed)
    for space, lost in found.lost.groupby("space"):
        names = lost["appearance_id"].tolist()
        aside.write(Removal("vector", f"{a} {v}", {"space": space, "appearance_id": a, "vid": v})
                    for a, v in zip(names, lost["vid"].tolist(), strict=True))  # fmt: skip
        pair.graph.unname_vectors(str(space), names)
        done.append(f"{len(names)} vectors of the space {space} were taken out. {_AGAIN}")
    if dropped := pair.vector.mend():
        done.append(f"{dropped} rows of the catalogue of vectors were taken out.")
    people = pair.graph.nodes("Identity")["id"].tolist()
    pair.graph.refresh_statistics(people)
    return done


def _words(removed: list[Removal]) -> list[str]:
    tables = sorted({one.table for one in removed})
    counts = {name: sum(one.table == name for one in removed) for name in tables}
    return [f"{count} rows of {name} were set aside." for name, count in counts.items()]


class _Aside:
    """The file of what is taken out: made with the first row, durable before the commit."""

    def __init__(self, folder: Path | None) -> None:
        name = f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}.jsonl"
        self._place = None if folder is None else folder / ASIDE / name
        self._lines: list[str] = []
        self.path: Path | None = None

    def write(self, rows: Iterable[Removal]) -> None:
        """Take in rows."""
        for one in rows:
            said = {"table": one.table, "key": one.key, "cells": one.cells}
            self._lines.append(json.dumps(said, default=_plain))

    def finish(self) -> None:
        """Write the file; it is durable when this returns.

        Raises
        ------
        StoreError
            When the disk refuses.
        """
        if not self._lines or self._place is None:
            return
        try:
            self._place.parent.mkdir(exist_ok=True)
            with self._place.open("x", encoding="utf-8") as file:
                file.write("".join(f"{line}\n" for line in self._lines))
                file.flush()
                sync_file(file.fileno())
            sync_folder(self._place.parent)
            sync_folder(self._place.parent.parent)
        except OSError as error:
            raise StoreError(
                f"What is taken out cannot be set aside ({error.strerror}).",
                where=str(self._place),
                next="Make room, then repeat the same command.",
            ) from error
        self.path = self._place

    def forget(self) -> None:
        """Remove the file of what was not taken out after all."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)
            self.path = None


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return {"base64": base64.b64encode(value).decode()}
    return str(value)
