"""A trajectory with everything a map can show, small enough to check by eye."""

from __future__ import annotations

import io
from typing import Any

import pandas as pd
import pytest
from PIL import Image

from workbench import schema

HOSTILE = "<img src=x onerror=alert(1)>"
ZERO = pd.Timestamp("2026-01-12T08:00:00Z").as_unit("us")


def at(seconds: float) -> pd.Timestamp:
    """Return the instant so many seconds after 08:00 UTC."""
    return ZERO + pd.Timedelta(microseconds=round(seconds * 1e6))


def sightings_of(rows: list[tuple[str, float, float | None]]) -> pd.DataFrame:
    """Return sightings of p1: (camera, second, x on the floor or None; y is 1)."""
    return schema.SIGHTING.coerce(
        pd.DataFrame(
            {
                "id": [f"a{i:03d}" for i in range(len(rows))],
                "timestamp": [at(row[1]) for row in rows],
                "camera_id": [row[0] for row in rows],
                "identity_id": "p1",
                "floor_x_m": [row[2] for row in rows],
                "floor_y_m": [None if row[2] is None else 1.0 for row in rows],
                "confidence": 0.75,
                "method": "manual",
                "frame": 17,
                "source_file": "cams.csv",
                "source_row": 3,
            }
        )
    )[0]


@pytest.fixture
def scene() -> dict[str, Any]:
    """Return the arguments of a map: door and hall seen, then an outage, then the hall again."""
    picture = io.BytesIO()
    Image.new("RGB", (200, 100), "white").save(picture, "PNG")
    cameras = {
        "id": ["door", "hall", "yard"],
        "name": ["Door", "Hall", HOSTILE],
        "position_x": [0.0, 10.0, 20.0],
        "position_y": [0.0, 0.0, 5.0],
        "orientation": [0.0, 90.0, None],
        "fov": [60.0, None, None],
        "level": ["0", "0", "0"],
    }
    plan = {
        "level": "0",
        "image": picture.getvalue(),
        "media_type": "image/png",
        "width_px": 200,
        "height_px": 100,
        "metres_per_pixel": 0.1,
        "origin_x_px": 10.0,
        "origin_y_px": 90.0,
    }
    outage = {"camera_id": "hall", "start": at(60), "end": at(90), "source": HOSTILE}
    gap = {
        "identity_id": "p1",
        "start": at(20),
        "end": at(120),
        "gap_s": 100.0,
        "from_camera": "hall",
        "to_camera": "hall",
        "reason": "outage",
        "outage_camera": "hall",
        "source": HOSTILE,
    }
    rows = [("door", 0, 1.0), ("door", 2, 2.0), ("hall", 10, None), ("hall", 20, None)]
    return {
        "sightings": sightings_of([*rows, ("hall", 120, None)]),
        "cameras": schema.CAMERA.coerce(pd.DataFrame(cameras))[0],
        "floor_plans": pd.DataFrame([plan]),
        "adjacency": pd.DataFrame({"from_camera": ["door"], "to_camera": ["hall"]}),
        "outages": pd.DataFrame([outage]),
        "gaps": pd.DataFrame([gap]),
        "display_tz": "Europe/Madrid",
    }


@pytest.fixture(scope="session")
def walk() -> Any:
    """Return the maker of trajectories."""
    return sightings_of


@pytest.fixture(scope="session")
def hostile() -> str:
    """Return a name that would run if it were not escaped."""
    return HOSTILE
