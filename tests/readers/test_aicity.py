"""AI City Challenge: nine numbers a line."""

from __future__ import annotations

import json

import pytest

from workbench.errors import InvalidInputError
from workbench.readers import detect

CLOCK = {"start_time": "2026-01-01T00:00:00Z", "fps": 10}
LINES = "1 42 0 100 200 30 60 3.5 -7.25\n2 42 10 5 6 7 8 3.5 -7.25\n  2\t43  10 5 6 7 8 -1 -1 \n"


def test_columns(load):
    batch = load(LINES, "ground_truth.txt", **CLOCK)
    rows = batch.rows
    assert rows["camera_id"].tolist() == ["1", "2", "2"]
    assert rows["identity_id"].tolist() == ["42", "42", "43"]
    assert [t.isoformat()[17:19] for t in rows["timestamp"]] == ["00", "01", "01"]
    assert rows[["bbox_x", "bbox_y", "bbox_w", "bbox_h"]].iloc[0].tolist() == [100, 200, 30, 60]
    assert len(batch.rejects) == 0 and batch.line.tolist() == [1, 2, 3]


def test_world_coordinates_are_metres_only_where_somebody_says_so(load):
    rows = load(LINES, "ground_truth.txt", **CLOCK).rows
    assert rows["floor_x_m"].isna().all()
    assert json.loads(rows["properties"].iloc[0]) == {"xworld": "3.5", "yworld": "-7.25"}
    metres = {"floor_x_m": "xworld", "floor_y_m": "yworld"}
    rows = load(LINES, "ground_truth.txt", columns=metres, **CLOCK).rows
    assert rows[["floor_x_m", "floor_y_m"]].iloc[1].tolist() == [3.5, -7.25]


def test_a_camera_beside_those_of_the_file_is_refused(load):
    with pytest.raises(InvalidInputError, match="only one of them can count"):
        load(LINES, "ground_truth.txt", camera="gate", **CLOCK)


def test_bad_lines(load):
    rejects = load(LINES + "1 2 3\n1 2 x 4 5 6 7 8 9\n", "g.txt", **CLOCK).rejects
    assert rejects["line"].tolist() == [4, 5]
    assert rejects["reason"][0] == "3 numbers between blanks where 9 belong"


@pytest.mark.parametrize(
    "line", ["1 2\t3", "1\t42\t0", '1 "2" 3', "1,2 3 4 5 6 7 8 9 10", "1 2 3  "]
)
def test_a_bad_line_is_rejected_as_it_stands_in_the_file(load, line):
    batch = load(LINES + line + "\n\n" + LINES, "g.txt", **CLOCK)
    assert batch.rejects["line"].tolist() == [4]
    assert batch.rejects["value"].tolist() == [line]
    assert ("commas" in batch.rejects["reason"][0]) == ("," in line)
    assert len(batch.rows) == 6


def test_it_is_told_by_its_lines(write):
    found = detect(write(LINES, "ground_truth.txt"))
    assert found.format == "aicity" and "metres" in found.reason
    assert detect(write("1 2 3\n4 5 6\n", "x.txt")).format == "unknown"


MOT = "1,1,10,20,30,40,1,1,0.5\n2,1,11,20,30,40,1,1,0.5\n"


@pytest.mark.parametrize(
    ("lines", "stated", "looks", "told"),
    [
        (MOT, "aicity", "MOTChallenge", "mot"),  # frames would have become cameras
        (LINES, "mot", "AI City", "aicity"),
        ('{"camera_id": "a"}\n', "mot", "jsonl", "jsonl"),
        ("0002_c1s1_000451_03.jpg\n", "aicity", "reid", "reid"),
    ],
)
def test_a_file_of_another_format_is_refused(load, lines, stated, looks, told):
    with pytest.raises(InvalidInputError, match=f"looks like {looks}, not like") as caught:
        load(lines, "seen.txt", format=stated, **CLOCK)
    assert caught.value.where == "--format"
    assert f"--format {told}." in caught.value.next


@pytest.mark.parametrize(("format", "camera"), [("mot", "gate"), ("aicity", None)])
def test_what_looks_like_nothing_is_read_as_stated(load, format, camera):
    options = CLOCK | {"format": format, "camera": camera}
    assert len(load("one two three\n1 2 3\n", "seen.txt", **options).rejects)
