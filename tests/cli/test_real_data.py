"""Real sets of others through the command: their figures come back."""

from __future__ import annotations

import csv
import gzip
import os
import random
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import workbench

START = "2015-06-01T09:00:00Z"


def rows_of(path: Path) -> list[dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def content_hash(store: Path) -> str:
    with workbench.open(store) as bench:
        return bench.store.content_hash()


def test_campus(run: Any, quick: Any, shared_data: Path, tmp_path: Path) -> None:
    folder, store = shared_data / "campus_auditorium", tmp_path / "campus"
    words = ["ingest", folder / "appearances.csv.gz", "--fps", 30, "--start-time", START]
    words += ["--cameras", folder / "cameras.csv", "--store", store, "--json"]
    found = run(*words).document()
    assert (found["rows"], found["added"], found["rejected"]) == (134_168, 134_168, 0)
    assert (found["identities"], found["cameras"]) == (21, 4)
    before = content_hash(store)
    assert run("track", "2", "--store", store, "--json").document()["identity_id"] == "2"
    again = run(*words).document()
    assert (again["unchanged"], again["added"]) == (134_168, 0)
    assert content_hash(store) == before

    stats = run("stats", "--store", store, "--json").document()
    assert (stats["identities"], stats["appearances"], stats["unidentified"]) == (21, 134_168, 0)
    seen = {name: camera["appearances"] for name, camera in stats["per_camera"].items()}
    assert seen == {"IP5": 72_989, "IP2": 44_223, "HC3": 13_694, "HC4": 3_262}
    assert stats["first_seen"] == "2015-06-01T09:00:00.000000Z"
    _spot_check(quick, store, rows_of(folder / "appearances.csv.gz"))


def _spot_check(quick: Any, store: Path, theirs: list[dict[str, str]]) -> None:
    """Compare 25 rows of the file, drawn with a seed, with the tracks of their people."""
    drawn = random.Random(15).sample(theirs, 25)
    tracks: dict[str, Counter[tuple[Any, ...]]] = {}
    for row in drawn:
        who = row["identity_id"]
        if who not in tracks:
            track = quick("track", who, "--store", store, "--json").document()
            tracks[who] = Counter(
                (s["timestamp"], s["camera_id"], tuple(s["bbox"])) for s in track["sightings"]
            )
            assert sum(tracks[who].values()) == sum(r["identity_id"] == who for r in theirs)
        us = round(Fraction(int(row["frame"]) * 1_000_000, 30))
        at = datetime(2015, 6, 1, 9, tzinfo=UTC) + timedelta(microseconds=us)
        x1, y1, x2, y2 = (float(row[name]) for name in ("xmin", "ymin", "xmax", "ymax"))
        when = at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        assert tracks[who][when, row["camera_id"], (x1, y1, x2 - x1, y2 - y1)] == 1, row


def test_chirla(run: Any, shared_data: Path, tmp_path: Path) -> None:
    path, store = shared_data / "chirla" / "appearances.csv.gz", tmp_path / "chirla"
    words = ["ingest", path, "--tz", "Europe/Madrid", "--where", "identity_id > 0"]
    found = run(*words, "--store", store, "--json").document()
    assert (found["rows"], found["added"], found["filtered"]) == (13_333, 10_638, 2_695)
    stats = run("stats", "--store", store, "--json").document()
    assert (stats["identities"], stats["appearances"], stats["cameras"]) == (21, 10_638, 7)
    seen = run("appearances", "--store", store, "--json").document()["appearances"]
    local = ZoneInfo("Europe/Madrid")
    days = {datetime.fromisoformat(row["timestamp"]).astimezone(local).date() for row in seen}
    assert len(days) == 7
    theirs = [row for row in rows_of(path) if int(row["identity_id"]) > 0]
    assert Counter(row["identity_id"] for row in seen) == Counter(
        row["identity_id"] for row in theirs
    )


def test_market_loads_by_the_line_that_detect_names(
    run: Any, shared_data: Path, tmp_path: Path
) -> None:
    path = shared_data / "market1501" / "appearances.csv.gz"
    detected = run("detect", path, "--json").document()
    search = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    done = subprocess.run(
        ["bash", "-c", detected["next"]],
        cwd=tmp_path,
        env=dict(os.environ, PATH=search),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    stats = run("stats", "--store", tmp_path / "workbench-store", "--json").document()
    assert (stats["identities"], stats["appearances"], stats["cameras"]) == (751, 12_936, 6)


def test_contacts_of_a_conference(run: Any, shared_data: Path, tmp_path: Path) -> None:
    path = shared_data / "sociopatterns" / "sfhh_conference_contacts.csv.gz"
    words = ["ingest", path, "--start-time", "2009-06-04T00:00:00Z", "--store", tmp_path / "s"]
    found = run(*words, "--json").document()
    assert (found["format"], found["rows"], found["identities"]) == ("contacts", 70_261, 403)
    assert found["appearances"] == 2 * 70_261
