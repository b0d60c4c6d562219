"""The answers about the small site, worked out once more in the plainest way, without the package.

answers.json is typed by hand; this file counts with loops over thirty rows what the answers say, so
that a slip of the pen shows here and not as a mystery in a store's test.
"""

from __future__ import annotations

import csv
import json
import math
import statistics
import sys
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

Row = dict[str, Any]


def read(path: Path) -> list[Row]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def cameras(tiny_site: Path) -> dict[str, Row]:
    return {row["id"]: row for row in read(tiny_site / "cameras.csv")}


@pytest.fixture(scope="module")
def sightings(tiny_site: Path, cameras: dict[str, Row]) -> list[Row]:
    rows = read(tiny_site / "appearances.csv")
    for row in rows:
        offset = timedelta(seconds=float(cameras[row["camera_id"]]["clock_offset_s"]))
        row["at"] = datetime.fromisoformat(row["timestamp"]) + offset
    return sorted(rows, key=lambda row: (row["at"], row["id"]))


def of(sightings: list[Row], identity: str) -> list[Row]:
    return [row for row in sightings if row["identity_id"] == identity]


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def visits_of(rows: list[Row]) -> list[Row]:
    found: list[Row] = []
    for row in rows:
        same = [visit for visit in found if visit["camera_id"] == row["camera_id"]]
        if same and (row["at"] - same[-1]["end"]).total_seconds() <= 30:
            same[-1]["end"] = row["at"]
            same[-1]["sightings"] += 1
        else:
            found.append(
                {
                    "camera_id": row["camera_id"],
                    "start": row["at"],
                    "end": row["at"],
                    "sightings": 1,
                }
            )
    return sorted(found, key=lambda visit: visit["start"])


def test_counts(sightings: list[Row], cameras: dict[str, Row], answers: Any) -> None:
    said = answers["stats"]
    known = [row for row in sightings if row["identity_id"]]
    people = {row["identity_id"] for row in known}
    assert said["appearances"] == len(sightings) == len({row["id"] for row in sightings}) == 30
    assert said["unidentified"] == len(sightings) - len(known)
    assert (said["identities"], said["cameras"]) == (len(people), len(cameras)) == (5, 4)
    assert said["mean_appearances_per_identity"] == len(known) / len(people)
    assert at(said["first_seen"]) == sightings[0]["at"]
    assert at(said["last_seen"]) == sightings[-1]["at"]
    for camera, numbers in said["per_camera"].items():
        rows = [row for row in sightings if row["camera_id"] == camera]
        assert numbers["appearances"] == len(rows)
        assert numbers["identities"] == len({row["identity_id"] for row in rows} - {""})
        assert at(numbers["first_seen"]) == rows[0]["at"]
        assert at(numbers["last_seen"]) == rows[-1]["at"]


def test_identities(sightings: list[Row], tiny_site: Path, answers: Any) -> None:
    names = {row["identity_id"]: row["name"] for row in read(tiny_site / "identities.csv")}
    for identity, said in answers["identities"].items():
        rows = of(sightings, identity)
        assert said["name"] == names[identity]
        assert said["num_appearances"] == len(rows)
        assert said["num_cameras"] == len({row["camera_id"] for row in rows})
        scores = [float(row["match_confidence"]) for row in rows]
        assert said["confidence_score"] == pytest.approx(statistics.mean(scores))
        assert at(said["first_seen"]) == rows[0]["at"]
        assert at(said["last_seen"]) == rows[-1]["at"]


def test_visits(sightings: list[Row], answers: Any) -> None:
    worked = [
        (identity, v["camera_id"], v["start"], v["end"], v["sightings"])
        for identity in answers["identities"]
        for v in visits_of(of(sightings, identity))
    ]
    said = [
        (v["identity_id"], v["camera_id"], at(v["start"]), at(v["end"]), v["sightings"])
        for v in answers["visits"]
    ]
    assert said == worked
    for visit in answers["visits"]:
        dwell = (at(visit["end"]) - at(visit["start"])).total_seconds()
        assert visit["dwell_s"] == dwell


def test_transitions_and_flow(sightings: list[Row], cameras: dict[str, Row], answers: Any) -> None:
    worked = []
    cells: dict[tuple[str, str], list[float]] = {}
    for identity in answers["identities"]:
        for one, two in pairwise(visits_of(of(sightings, identity))):
            gap = (two["start"] - one["end"]).total_seconds()
            assert gap >= 0, "no visits overlap on this site"
            pair = (one["camera_id"], two["camera_id"])
            a, b = (cameras[camera] for camera in pair)
            line = math.hypot(
                float(a["position_x"]) - float(b["position_x"]),
                float(a["position_y"]) - float(b["position_y"]),
            )
            worked.append((identity, *pair, one["end"], two["start"], gap))
            cells.setdefault(pair, []).append(gap)
            said = answers["transitions"][len(worked) - 1]
            assert said["distance_m"] == pytest.approx(line, abs=5e-4)
            assert said["speed_m_s"] == pytest.approx(line / gap, abs=5e-5)
    said_moves = [
        (
            t["identity_id"],
            t["from_camera"],
            t["to_camera"],
            at(t["start"]),
            at(t["end"]),
            t["gap_s"],
        )
        for t in answers["transitions"]
    ]
    assert said_moves == worked
    said_cells = {
        (c["from_camera"], c["to_camera"]): (c["transitions"], c["median_s"])
        for c in answers["flow"]
    }
    assert said_cells == {k: (len(v), statistics.median(v)) for k, v in cells.items()}
    assert list(said_cells) == sorted(said_cells)


def test_gaps_are_the_long_transitions(tiny_site: Path, answers: Any) -> None:
    long = [t for t in answers["transitions"] if t["gap_s"] > 30]
    names = ("identity_id", "from_camera", "to_camera", "start", "end", "gap_s")
    assert [[g[n] for n in names] for g in answers["gaps"]] == [[t[n] for n in names] for t in long]
    assert {gap["reason"] for gap in answers["gaps"]} == {"outage", "blind", "unknown"}
    (outage,) = read(tiny_site / "outages.csv")
    (explained,) = [gap for gap in answers["gaps"] if gap["reason"] == "outage"]
    assert at(outage["start"]) <= at(explained["start"])
    assert at(explained["end"]) <= at(outage["end"])
    assert explained["source"] == outage["source"]


def test_no_camera_saw_while_it_was_out(sightings: list[Row], tiny_site: Path) -> None:
    (outage,) = read(tiny_site / "outages.csv")
    seen = [row for row in sightings if row["camera_id"] == outage["camera_id"]]
    assert not [r for r in seen if at(outage["start"]) <= r["at"] < at(outage["end"])]


def test_one_move_is_too_fast_and_nobody_else_hurries(sightings: list[Row], answers: Any) -> None:
    fast = []
    for identity in answers["identities"]:
        for one, two in pairwise(of(sightings, identity)):
            ways = [float(two[n]) - float(one[n]) for n in ("floor_x_m", "floor_y_m")]
            speed = math.hypot(*ways) / (two["at"] - one["at"]).total_seconds()
            if speed > 4:
                fast.append((identity, one["id"], two["id"], speed))
            else:
                assert speed < 2, (one["id"], two["id"], speed)
    said = [
        (i["identity_id"], i["from_appearance"], i["to_appearance"], i["speed_m_s"])
        for i in answers["implausible"]
    ]
    assert said == fast


def test_everybody_stands_where_her_camera_looks(
    sightings: list[Row], cameras: dict[str, Row]
) -> None:
    for row in sightings:
        if not row["floor_x_m"]:
            continue
        camera = cameras[row["camera_id"]]
        east = float(row["floor_x_m"]) - float(camera["position_x"])
        north = float(row["floor_y_m"]) - float(camera["position_y"])
        bearing = math.degrees(math.atan2(east, north))
        off = (bearing - float(camera["orientation"]) + 180) % 360 - 180
        assert abs(off) <= float(camera["fov"]) / 2, row["id"]


def test_paths(tiny_site: Path, answers: Any) -> None:
    ways: dict[tuple[str, str], tuple[float, float]] = {}
    for row in read(tiny_site / "adjacency.csv"):
        step = (float(row["distance_m"]), float(row["time_s"]))
        ways[row["from_camera"], row["to_camera"]] = step
        if row["directed"] == "false":
            ways[row["to_camera"], row["from_camera"]] = step
    for said in answers["paths"]:
        found = all_paths(ways, (said["from"],), said["to"])
        measured = [(measure(ways, path), path) for path in found]
        rank = ["hops", "distance", "time"].index(said["by"])
        numbers, path = min(measured, key=lambda one: (one[0][rank], one[1]))
        assert list(path) == said["cameras"], said
        assert numbers == (said["hops"], said["distance_m"], said["time_s"])


def all_paths(ways: Any, path: tuple[str, ...], goal: str) -> list[tuple[str, ...]]:
    if path[-1] == goal:
        return [path]
    steps = [b for a, b in ways if a == path[-1] and b not in path]
    return [found for step in steps for found in all_paths(ways, (*path, step), goal)]


def measure(ways: Any, path: tuple[str, ...]) -> tuple[int, float, float]:
    steps = [ways[pair] for pair in pairwise(path)]
    return len(steps), sum(s[0] for s in steps), sum(s[1] for s in steps)


def vectors(tiny_site: Path, space: str) -> dict[str, np.ndarray]:
    with np.load(tiny_site / f"{space}.npz", allow_pickle=False) as file:
        assert file["vectors"].dtype == np.float32
        rows = zip(file["ids"].tolist(), file["vectors"], strict=True)
        return {i: v / np.linalg.norm(v) for i, v in rows if np.isfinite(v).all() and v.any()}


def test_vectors(tiny_site: Path, answers: Any, sightings: list[Row]) -> None:
    who = {row["id"]: row["identity_id"] for row in sightings}
    for said in answers["nearest"]:
        known = vectors(tiny_site, said["space"])
        assert len(known) == answers["stats"]["vectors"][said["space"]]
        if "identity" in said:
            own = {i for i in known if who[i] == said["identity"]}
            query = np.mean([known[i] for i in sorted(own)], axis=0)
            query = query / np.linalg.norm(query)
        else:
            own, query = {said["appearance"]}, known[said["appearance"]]
        ranked = sorted(
            ((round(float(known[i] @ query), 4), i) for i in known if i not in own),
            key=lambda one: (-one[0], one[1]),
        )
        if said["by"] == "identity":
            first = {who[i]: (s, i) for s, i in reversed(ranked) if who[i]}
            ranked = sorted(first.values(), key=lambda one: (-one[0], one[1]))
        found = [[i, s] for s, i in ranked[: said["k"]]]
        assert [i for i, _ in found] == [i for i, _ in said["results"]]
        scores = [s for _, s in said["results"]]
        assert [s for _, s in found] == pytest.approx(scores, abs=2e-4)


def test_pairs(sightings: list[Row], answers: Any) -> None:
    counted: dict[tuple[str, str], int] = {}
    for one in sightings:
        for two in sightings:
            a, b = one["identity_id"], two["identity_id"]
            apart = abs((one["at"] - two["at"]).total_seconds())
            if a and a < b and one["camera_id"] == two["camera_id"] and apart < 60:
                counted[a, b] = counted.get((a, b), 0) + 1
    said = answers["pairs"]
    assert {(p["a"], p["b"]): p["count"] for p in said["pairs"]} == counted
    assert (said["total_pairs"], said["total_count"]) == (len(counted), sum(counted.values()))


def test_the_floor_plan_is_small_and_lies_where_it_says(tiny_site: Path) -> None:
    plan = yaml.safe_load((tiny_site / "floor_plan.yaml").read_text(encoding="utf-8"))
    image = tiny_site / plan["image"]
    assert image.stat().st_size < 40_000
    with Image.open(image) as drawn:
        width, height = drawn.size
        dark = drawn.convert("L").getpixel(tuple(plan["origin_px"]))
    assert isinstance(dark, int | float) and dark < 128, "a wall corner is at (0, 0) m"
    left, bottom = plan["origin_px"]
    assert left + 20 / plan["metres_per_pixel"] <= width
    assert bottom - 12 / plan["metres_per_pixel"] >= 0
    assert bottom <= height


def test_the_script_writes_the_same_files_again(tiny_site: Path, repository: Path) -> None:
    sys.path.insert(0, str(repository / "scripts"))
    try:
        import make_tiny_site
    finally:
        sys.path.pop(0)
    for space, made in (
        ("face", make_tiny_site.face_vectors()),
        ("reid", make_tiny_site.body_vectors()),
    ):
        with np.load(tiny_site / f"{space}.npz", allow_pickle=False) as file:
            assert file["ids"].tolist() == made[0]
            np.testing.assert_array_equal(file["vectors"], made[1])


def test_answers_are_plain_json(tiny_site: Path) -> None:
    json.loads((tiny_site / "answers.json").read_text(encoding="utf-8"))
