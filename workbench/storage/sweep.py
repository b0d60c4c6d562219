"""Giving room back: vectors that no row names, files that a crash left, bytes of what was deleted.

Nothing here is needed for a right answer: what no committed row names is invisible anyway.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from workbench.storage.folder import bytes_of
from workbench.storage.pair import StorePair
from workbench.storage.whole import collect


@dataclass(frozen=True, slots=True)
class Freed:
    """How much was removed: rows of vectors and files; and the bytes of the store."""

    removed: int
    bytes_before: int
    bytes_after: int


def sweep(pair: StorePair, folder: Path | None) -> Freed:
    """Remove vectors that no appearance names, and files that an interrupted write left behind."""
    pair.graph.checkpoint()
    before = _bytes(folder)
    removed = pair.sweep() + _never_named(pair) + pair.vector.collect()
    if folder is not None:
        removed += collect(folder)
    pair.graph.checkpoint()  # what this wrote is not more than there was
    return Freed(removed, before, _bytes(folder))


def compact(pair: StorePair, folder: Path | None) -> Freed:
    """Sweep, and write files anew that hold bytes of what was removed.

    Raises
    ------
    StoreDamagedError
        When a row is damaged; nothing was changed but for what :func:`sweep` removes.
    """
    swept = sweep(pair, folder)
    with pair.unit():
        dropped = pair.vector.compact()
    pair.graph.compact()
    pair.vector.collect()
    return Freed(swept.removed + dropped, swept.bytes_before, _bytes(folder))


def _bytes(folder: Path | None) -> int:
    return bytes_of(folder)["total"] if folder is not None else 0


def _never_named(pair: StorePair) -> int:
    """Remove vectors that were put and never named; whoever put them was told nothing.

    Where the two stores share their commits there are none but those put by hand.
    """
    removed = 0
    with pair.unit():
        for space in pair.vector.spaces():
            # What is there first, then what is named: that answer comes from the unit of work, so
            # nobody else was writing until then, and what it does not name never will be named.
            there = pair.vector.vids(space)
            unnamed = np.setdiff1d(there, pair.graph.vectors_of(space)["vid"].to_numpy())
            if len(unnamed):
                removed += pair.vector.remove(space, unnamed)
    return removed
