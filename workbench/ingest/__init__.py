"""Foreign files into checked tables. Nothing here knows a store.

One file a format, one rule a format in :mod:`workbench.ingest.detect`, one entry in
:func:`read_appearances`. Readers give :class:`Batch` after :class:`Batch`; the tables beside the
appearances are read whole.
"""

from __future__ import annotations

from workbench.ingest.batches import Batch, BatchReader
from workbench.ingest.detect import Detection, detect
from workbench.ingest.embeddings import Embeddings
from workbench.ingest.files import sha256
from workbench.ingest.floor_plans import read_floor_plan
from workbench.ingest.options import LoadOptions
from workbench.ingest.reading import read_appearances
from workbench.ingest.tables import (
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
