"""Real sets of others: row for row what their files say."""

from __future__ import annotations

import csv
import gzip
import json
import random
import shlex
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pandas as pd
import pytest

from workbench import times
from workbench.readers import (
    LoadOptions,
    detect,
    read_adjacency,
    read_appearances,
    read_cameras,
    read_identities,
)

START = "2026-01-01T00:00:00Z"


def rows_of(path: Path, **options: object) -> pd.DataFrame:
    batches = list(read_appearances(path, LoadOptions(**options)))
    assert sum(len(batch.rejects) for batch in batches) == 0
    return pd.concat([batch.rows for batch in batches], ignore_index=True)


def test_campus_is_what_its_file_says(shared_data):
    path = shared_data / "campus_auditorium" / "appearances.csv.gz"
    rows = rows_of(path, fps=30, start_time=START)
    assert len(rows) == 134_168 and rows["id"].is_unique
    assert rows["camera_id"].value_counts().to_dict() == {
        "IP5": 72_989,
        "IP2": 44_223,
        "HC3": 13_694,
        "HC4": 3_262,
    }
    assert rows["identity_id"].nunique() == 21
    with gzip.open(path, "rt") as file:
        theirs = list(csv.DictReader(file))
    start = times.instant(START)
    for n in random.Random(7).sample(range(len(theirs)), 25):
        their, ours = theirs[n], rows.iloc[n]
        assert (ours["identity_id"], ours["camera_id"]) == (
            their["identity_id"],
            their["camera_id"],
        )
        assert (ours["source_row"], ours["frame"]) == (n + 1, int(their["frame"]))
        exact = start + round(Fraction(int(their["frame"]) * 1_000_000, 30))
        assert times.instant(ours["timestamp"].isoformat()) == exact
        box = [float(their[name]) for name in ("xmin", "ymin", "xmax", "ymax")]
        assert ours[["bbox_x", "bbox_y"]].tolist() == box[:2]
        assert ours[["bbox_w", "bbox_h"]].tolist() == [box[2] - box[0], box[3] - box[1]]
        kept = {name: their[name] for name in ("t_seconds", "occluded", "generated")}
        assert json.loads(ours["properties"]) == kept


def test_chirla_has_the_known_people(shared_data):
    path = shared_data / "chirla" / "appearances.csv.gz"
    rows = rows_of(path, where="identity_id > 0", tz="Europe/Madrid")
    assert len(rows) == 10_638
    assert rows["identity_id"].nunique() == 21
    assert rows["timestamp"].dt.tz_convert("Europe/Madrid").dt.date.nunique() == 7
    assert rows["timestamp"][0].isoformat() == "2023-06-02T09:14:25.133000+00:00"
    everything = rows_of(path, tz="Europe/Madrid")
    assert len(everything) == 13_333 and everything["id"].is_unique


def test_contacts(shared_data):
    path = shared_data / "sociopatterns" / "sfhh_conference_contacts.csv.gz"
    rows = rows_of(path, start_time=START)
    assert len(rows) == 2 * 70_261 and rows["id"].is_unique
    assert rows["identity_id"].nunique() == 403
    pairs = rows.groupby("place_id")["identity_id"].agg(lambda ids: tuple(sorted(ids)))
    assert pairs.nunique() == 9_565
    assert pairs.value_counts().head(1).to_dict() == {("1650", "1668"): 1_220}


def test_tables(shared_data):
    cameras, rejects = read_cameras(shared_data / "campus_auditorium" / "cameras.csv")
    assert cameras["id"].tolist() == ["HC3", "HC4", "IP2", "IP5"] and rejects.empty
    assert cameras[["position_x", "position_y", "position_z", "orientation"]].iloc[0].tolist() == [
        16.22,
        0.3,
        1.68,
        18,
    ]
    ways, rejects = read_adjacency(shared_data / "veri776_test" / "camera_distances.csv")
    assert len(ways) == 190 and rejects.empty
    people, rejects = read_identities(shared_data / "sociopatterns" / "invs15_workplace_people.csv")
    assert len(people) == 232 and rejects.empty


def test_market1501_loads_after_the_line_that_detect_names(shared_data, tmp_path):
    path = shared_data / "market1501" / "appearances.csv.gz"
    preparation, command = detect(path).next.split(" && ")
    words = shlex.split(preparation)
    subprocess.run([sys.executable, *words[1:]], cwd=tmp_path, check=True)
    name, *options = shlex.split(command)[2:]
    assert options == []
    rows = rows_of(tmp_path / name)
    assert len(rows) == 12_936 and rows["identity_id"].nunique() == 751 and rows["id"].is_unique
    assert rows["timestamp"].dt.date.nunique() == 6


@pytest.mark.parametrize(
    ("file", "rows"),
    [
        ("campus_auditorium/appearances_1hz.csv.gz", 4_470),
        ("chirla/appearances.csv.gz", 13_333),
        ("veri776_test/appearances.csv.gz", 11_579),
        ("sociopatterns/invs15_workplace_contacts.csv.gz", 2 * 78_249),
    ],
)
def test_the_command_that_detect_names_loads_the_file(shared_data, file, rows):
    _, _, name, *options = shlex.split(detect(shared_data / file).next)
    keys = [option[2:].replace("-", "_") for option in options[::2]]
    assert len(rows_of(Path(name), **dict(zip(keys, options[1::2], strict=True)))) == rows
