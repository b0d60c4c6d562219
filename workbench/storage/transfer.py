"""Everything a store says, written into another one, whichever backends keep the two.

Rows go in batches by table, appearances with their links and vectors in order of time. A batch
that is written again changes nothing, so a transfer that was interrupted goes on at the batch
after the last one that it noted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from workbench import schema, times
from workbench.storage.pair import StorePair
from workbench.storage.rows import stored
from workbench.stores.graph.base import Selection
from workbench.stores.vectors.base import StoredRows

_ROWS = 5_000
_NO_NAMES = pd.DataFrame(
    {"appearance_id": pd.Series([], dtype="str"), "vid": pd.Series([], dtype="int64")}
)
_APPEARANCES = "Appearance"


@dataclass(slots=True)
class Noted:
    """How far a transfer is.

    Parameters
    ----------
    rows : dict of str to int
        Rows written, by label or kind.
    after : tuple of (int, str), optional
        Corrected time and id of the last appearance written.
    """

    rows: dict[str, int] = field(default_factory=dict)
    after: tuple[int, str] | None = None


def total_rows(source: StorePair) -> int:
    """Return how many rows a transfer writes; a link and its appearance are one."""
    counts = source.graph.counts()
    return sum(counts.values()) - counts["HAS_APPEARANCE"]


def transfer(
    source: StorePair,
    target: StorePair,
    noted: Noted,
    note: Callable[[Noted, int], None],
) -> None:
    """Write everything of `source` into `target`, from where `noted` says.

    Parameters
    ----------
    source, target : StorePair
        The source does not change meanwhile: the caller holds it.
    noted : Noted
        How far an interrupted transfer came; changed as this one goes on.
    note : callable
        Called after each batch with how far it is and how many rows the batch had.
    """
    with target.unit():
        for space in source.spaces().values():
            target.vector.create_space(space)
            target.graph.name_vectors(space.name, _NO_NAMES)  # it counts, whatever is in it
    for label, table in {**schema.NODES, **schema.EDGES}.items():
        if table.derived or label == "HAS_APPEARANCE":
            continue
        if label == _APPEARANCES:
            _appearances(source, target, noted, note)
        else:
            _table(source, target, label, noted, note)


def _table(
    source: StorePair,
    target: StorePair,
    label: str,
    noted: Noted,
    note: Callable[[Noted, int], None],
) -> None:
    rows = stored(source.graph, label)
    write = target.graph.upsert_nodes if label in schema.NODES else target.graph.upsert_edges
    for first in range(noted.rows.get(label, 0), len(rows), _ROWS):
        part = rows.iloc[first : first + _ROWS].reset_index(drop=True)
        with target.unit():
            write(label, part)
        noted.rows[label] = first + len(part)
        note(noted, len(part))


def _appearances(
    source: StorePair, target: StorePair, noted: Noted, note: Callable[[Noted, int], None]
) -> None:
    while True:
        page = source.graph.sightings(Selection(after=noted.after, limit=_ROWS))
        if page.empty:
            return
        last = page.iloc[-1]
        moment = int(times.to_us(page["timestamp"]).iloc[-1])
        _page(source, target, page)
        noted.after = (moment, str(last["id"]))
        noted.rows[_APPEARANCES] = noted.rows.get(_APPEARANCES, 0) + len(page)
        note(noted, len(page))


def _page(source: StorePair, target: StorePair, page: pd.DataFrame) -> None:
    """Write a page of appearances with their links and vectors in one unit of work."""
    ids = page["id"].tolist()
    nodes = page.assign(timestamp=page["timestamp_recorded"])[schema.APPEARANCE.names]
    links = source.graph.identities_of(ids)
    vectors = {}
    for space in source.spaces():
        named = source.graph.vectors_of(space, ids)
        if len(named):
            rows = source.vector.stored(space, named["vid"].to_numpy())
            vectors[space] = named, rows, target.graph.allocate_vids(len(named))
    with target.unit():
        for space, (named, rows, first) in vectors.items():
            vids = np.arange(first, first + len(named), dtype="int64")
            target.vector.put_stored(space, vids, StoredRows(*rows))
        target.graph.upsert_appearances(nodes, links)
        for space, (named, _, first) in vectors.items():
            vids = np.arange(first, first + len(named), dtype="int64")
            target.graph.name_vectors(space, named.assign(vid=vids))
