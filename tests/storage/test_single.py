"""The short way of one appearance writes what the long way writes, or nothing at all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.contracts.manager import state
from tests.contracts.rows import same
from workbench.errors import WorkbenchError
from workbench.model import Appearance
from workbench.storage.folder import create_store, open_store
from workbench.storage.manager import HybridStorageManager, _appearance_row
from workbench.storage.single import write_single
from workbench.stores.graph.memory import MemoryGraphStore
from workbench.stores.vectors.memory import MemoryVectorStore

MADE = datetime(2026, 1, 12, 9, tzinfo=UTC)
PLAIN = Appearance(id="n", timestamp=MADE, camera_id="c1", created_at=MADE)
FACE = np.array([[3.0, 4.0, 0.0]])
SHORT: dict[str, tuple[Appearance, dict[str, np.ndarray]]] = {
    "least": (PLAIN, {}),
    "with vectors": (PLAIN, {"face": FACE, "reid": FACE.astype("float32")}),
    "identified": (replace(PLAIN, identity_id="p1", match_confidence=0.5), {"face": FACE}),
    "at a place": (replace(PLAIN, camera_id=None, place_id="hall"), {}),
    "full": (
        replace(
            PLAIN,
            id="0002",
            timestamp=datetime(2026, 1, 1, 0, 0, 0, 1, tzinfo=timezone(timedelta(hours=-5))),
            tracking_id="😀",
            frame=2**53,
            bbox=(-0.0, 1, 2.5, 0),
            floor_x_m=5e-324,
            detection_confidence=1.0,
            frame_path="a\tb",
            source_file="f.csv",
            source_row=1,
        ),
        {},
    ),
}
LONG: dict[str, tuple[Appearance, dict[str, Any]]] = {
    "there already": (replace(PLAIN, id="a"), {}),
    "text for a time": (replace(PLAIN, timestamp="2026-01-12T09:00:00Z"), {}),  # type: ignore[arg-type]
    "naive": (replace(PLAIN, timestamp=MADE.replace(tzinfo=None)), {}),
    "offset with seconds": (
        replace(PLAIN, timestamp=MADE.astimezone(timezone(timedelta(seconds=1172)))),
        {},
    ),
    "before the calendar": (
        replace(PLAIN, timestamp=datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=1)))),
        {},
    ),
    "properties": (replace(PLAIN, properties={"b": 1}), {}),
    "no camera": (replace(PLAIN, camera_id="none"), {}),
    "no identity": (replace(PLAIN, identity_id="none"), {}),
    "no load": (replace(PLAIN, load_id="none"), {}),
    "nowhere": (replace(PLAIN, camera_id=None), {}),
    "camera and place": (replace(PLAIN, place_id="hall"), {}),
    "control character": (replace(PLAIN, id="a\x00"), {}),
    "half a pair": (replace(PLAIN, tracking_id="\ud800"), {}),
    "empty": (replace(PLAIN, identity_id=""), {}),
    "too long": (replace(PLAIN, id="x" * 201), {}),
    "negative width": (replace(PLAIN, bbox=(0, 0, -1, 1)), {}),
    "infinite": (replace(PLAIN, face_quality=float("inf")), {}),
    "a truth value": (replace(PLAIN, blur_score=True), {}),
    "too large": (replace(PLAIN, frame=2**53 + 1), {}),
    "number for a text": (replace(PLAIN, tracking_id=7), {}),  # type: ignore[arg-type]
    "no space": (PLAIN, {"other": FACE}),
    "wrong dimension": (PLAIN, {"face": np.ones((1, 4))}),
    "NaN": (PLAIN, {"face": np.full((1, 3), np.nan)}),
    "half NaN": (PLAIN, {"face": np.array([[1.0, np.nan, 0.0]])}),
    "two": (PLAIN, {"face": np.ones((2, 3))}),
    "whole numbers": (PLAIN, {"face": np.ones((1, 3), dtype="int64")}),
}


@pytest.fixture(params=["memory", "default"])
def managers(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[tuple[HybridStorageManager, ...]]:
    """Return two equal stores."""
    found = []
    for name in ("one", "two"):
        if request.param == "memory":
            found.append(HybridStorageManager(MemoryGraphStore(), MemoryVectorStore()))
        else:
            create_store(tmp_path / name)
            found.append(open_store(tmp_path / name))
        _fill(found[-1])
    yield tuple(found)
    for manager in found:
        manager.close()


def _fill(manager: HybridStorageManager) -> None:
    manager.add_cameras(pd.DataFrame({"id": ["c1"], "clock_offset_s": [5.0]}))
    manager.create_identities(pd.DataFrame({"id": ["p1"]}))
    manager.merge("Place", pd.DataFrame({"id": ["hall"]}))
    rows = pd.DataFrame({"id": ["a"], "timestamp": [MADE], "camera_id": ["c1"]})
    manager.add_appearances(rows, vectors={"face": np.eye(3)[:1], "reid": np.eye(3)[:1]})


def timeless(manager: HybridStorageManager) -> dict[str, pd.DataFrame]:
    """Return everything in both stores but when it was written, and under which row ids."""
    return {
        name: table.drop(columns=["created_at", "updated_at", "vid"], errors="ignore")
        for name, table in state(manager).items()
    }


@pytest.mark.parametrize("name", SHORT)
def test_both_ways_write_the_same(
    name: str, managers: tuple[HybridStorageManager, HybridStorageManager]
) -> None:
    appearance, vectors = SHORT[name]
    short, long = managers
    assert write_single(short.pair, appearance, vectors)
    long.add_appearances(_appearance_row(appearance), vectors=vectors)
    same(timeless(short), timeless(long))
    assert short.get_appearance(appearance.id) == replace(
        long.get_appearance(appearance.id) or PLAIN
    )


@pytest.mark.parametrize("name", LONG)
def test_all_else_goes_the_long_way(
    name: str, managers: tuple[HybridStorageManager, HybridStorageManager]
) -> None:
    appearance, vectors = LONG[name]
    short, long = managers
    before = state(short)
    assert not write_single(short.pair, appearance, vectors)
    same(state(short), before)
    assert outcome(short, appearance, vectors) == outcome(long, appearance, vectors)
    same(timeless(short), timeless(long))


def outcome(manager: HybridStorageManager, appearance: Appearance, vectors: dict[str, Any]) -> str:
    """Return what the manager says."""
    try:
        if set(vectors) <= {"face", "reid"}:
            manager.store_appearance_with_embeddings(
                appearance, vectors.get("face"), vectors.get("reid")
            )
        else:
            manager.add_appearances(_appearance_row(appearance), vectors=vectors)
    except WorkbenchError as error:
        return str(error)
    return "written"


def test_a_full_disk_leaves_nothing(
    managers: tuple[HybridStorageManager, HybridStorageManager], monkeypatch: pytest.MonkeyPatch
) -> None:
    manager = managers[0]
    if "durable" not in manager.graph.supports:
        return

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    before = state(manager)
    monkeypatch.setattr("os.pwrite", full)
    with pytest.raises(WorkbenchError):
        write_single(manager.pair, PLAIN, {"face": FACE})
    monkeypatch.undo()
    same(state(manager), before)
    assert write_single(manager.pair, PLAIN, {"face": FACE})
