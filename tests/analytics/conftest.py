"""Small tables for the analytics, and the site computed by hand as the store would give it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import pandas as pd
import pytest

from workbench import schema

ZERO = pd.Timestamp("2026-01-12T08:00:00Z").as_unit("us")


def seconds(values: Iterable[float]) -> pd.Series:
    """Return the instants so many seconds after 08:00 UTC."""
    whole = [round(value * 1e6) for value in values]
    return ZERO + pd.Series(pd.to_timedelta(whole, unit="us")).dt.as_unit("us")


def sightings_of(rows: list[tuple[str | None, str | None, float]]) -> pd.DataFrame:
    """Return sightings of (identity, camera, second), ids a000, a001, ... in the order given."""
    frame = pd.DataFrame(
        {
            "id": [f"a{i:03d}" for i in range(len(rows))],
            "timestamp": seconds(row[2] for row in rows),
            "camera_id": pd.Series([row[1] for row in rows], dtype="str"),
            "identity_id": pd.Series([row[0] for row in rows], dtype="str"),
        }
    )
    return schema.SIGHTING.coerce(frame)[0]


@pytest.fixture(scope="session")
def table() -> Callable[[list[tuple[str | None, str | None, float]]], pd.DataFrame]:
    """Return the maker of small sighting tables."""
    return sightings_of


@pytest.fixture(scope="session")
def site(tiny_site: Path) -> dict[str, pd.DataFrame]:
    """Return the tables of the small site, clocks corrected."""

    def read(name: str) -> pd.DataFrame:
        return pd.read_csv(tiny_site / f"{name}.csv", dtype="str")

    cameras = schema.CAMERA.check(read("cameras"))
    rows = read("appearances").rename(columns={"match_confidence": "confidence"})
    sightings, problems = schema.SIGHTING.coerce(rows)
    assert problems.empty
    offset = sightings["camera_id"].map(cameras.set_index("id")["clock_offset_s"])
    sightings["timestamp"] += pd.to_timedelta(offset, unit="s").dt.as_unit("us")
    return {
        "sightings": sightings,
        "cameras": cameras,
        "adjacency": schema.ADJACENT_TO.check(read("adjacency")),
        "outages": schema.OUTAGE.check(read("outages")),
    }


@pytest.fixture(scope="session")
def campus(shared_data: Path) -> dict[str, pd.DataFrame]:
    """Return CAMPUS with an invented start: four overlapping cameras, 134,168 sightings."""
    folder = shared_data / "campus_auditorium"
    raw = pd.read_csv(folder / "appearances.csv.gz", dtype={"identity_id": "str"})
    after = pd.to_timedelta((raw["frame"] * 1e6 / 30).round().astype("int64"), unit="us")
    places = pd.read_csv(folder / "cameras.csv")
    names = {"camera_id": "id", "x_m": "position_x", "y_m": "position_y"}
    return {
        "sightings": pd.DataFrame(
            {
                "id": "r" + raw.index.astype("str").str.zfill(6),
                "identity_id": raw["identity_id"],
                "camera_id": raw["camera_id"],
                "timestamp": ZERO + after.dt.as_unit("us"),
            }
        ),
        "cameras": schema.CAMERA.coerce(places.rename(columns=names))[0],
    }


@pytest.fixture(scope="session")
def after() -> Callable[[Iterable[float]], pd.Series]:
    """Return the maker of instants: so many seconds after 08:00 UTC."""
    return seconds
