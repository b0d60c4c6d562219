"""Files written for one test."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from workbench.readers import Batch, LoadOptions, read_appearances

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Return a function that writes text or bytes under a name (``.gz``: zipped)."""

    def put(content: str | bytes, name: str = "seen.csv") -> Path:
        path = tmp_path / name
        data = content.encode() if isinstance(content, str) else content
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return path

    return put


@pytest.fixture
def load(write: Write) -> Callable[..., Batch]:
    """Return a function that writes a CSV and reads it as one batch."""

    def read(content: str | bytes, name: str = "seen.csv", **options: object) -> Batch:
        reader = read_appearances(write(content, name), LoadOptions(**options))
        batches = list(reader)
        return Batch(
            pd.concat([batch.rows for batch in batches], ignore_index=True),
            batches[0].position,
            batches[0].line,
            batches[0].rejects,
            batches[0].read,
            batches[0].filtered,
        )

    return read
