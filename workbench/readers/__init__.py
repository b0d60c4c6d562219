"""Foreign files into checked tables. Nothing here knows a store.

One file a format, one rule a format in :mod:`workbench.readers.detect`, one entry in
:func:`read_appearances`. Readers give :class:`Batch` after :class:`Batch`; the tables beside the
appearances are read whole.
"""

from __future__ import annotations

from workbench.readers.batches import Batch, BatchReader
from workbench.readers.detect import Detection, detect
from workbench.readers.embeddings import Embeddings
from workbench.readers.files import sha256
from workbench.readers.floor_plans import read_floor_plan
from workbench.readers.options import LoadOptions
from workbench.readers.reading import read_appearances
from workbench.readers.tables import (
    TableRead,
    options_for,
    read_adjacency,
    read_cameras,
    read_identities,
    read_outages,
    read_sources,
)

__all__ = [
    "Batch",
    "BatchReader",
    "Detection",
    "Embeddings",
    "LoadOptions",
    "TableRead",
    "detect",
    "options_for",
    "read_adjacency",
    "read_appearances",
    "read_cameras",
    "read_floor_plan",
    "read_identities",
    "read_outages",
    "read_sources",
    "sha256",
]
