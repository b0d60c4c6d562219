"""MOTChallenge: who, when, where, and what does not count."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from workbench.errors import InvalidInputError
from workbench.readers import LoadOptions, detect, read_appearances

START = "2026-01-01T00:00:00Z"
CLOCK = {"start_time": START, "fps": 25}
GT = "1,1,10,20,30.5,40,1,1,0.5\n2,1,11,20,30,40,1,1,1\n2,7,5,5,9,9,0,8,1\n26,2,-3,0,1,2,1,7,0.1\n"


def test_ground_truth(load):
    batch = load(GT, "gt.txt", camera="c", **CLOCK)
    rows = batch.rows
    assert rows["identity_id"].tolist() == ["c/1", "c/1", "c/2"]
    assert rows["tracking_id"].tolist() == ["1", "1", "2"]
    assert (batch.read, batch.filtered, len(batch.rejects)) == (4, 1, 0)
    assert batch.position.tolist() == [0, 1, 3] and batch.line.tolist() == [1, 2, 4]
    assert rows[["bbox_x", "bbox_y", "bbox_w", "bbox_h"]].iloc[2].tolist() == [-3, 0, 1, 2]
    assert rows["properties"].iloc[0] == '{"class_id":"1","visibility":"0.5"}'


def test_frame_1_is_at_the_start_time(load):
    rows = load(GT, "gt.txt", camera="c", **CLOCK).rows
    seen = [time.isoformat()[17:] for time in rows["timestamp"]]
    assert seen == ["00+00:00", "00.040000+00:00", "01+00:00"]
    assert rows["frame"].tolist() == [1, 2, 26]


def test_detections_are_of_nobody(load):
    content = "1,-1,10,20,30,40,0.9,-1,-1,-1\n1,-1,1,2,3,4,0,-1,-1,-1\n3,-1,1,2,3,4,-1,5,6.5,0\n"
    batch = load(content, "det.txt", camera="c", **CLOCK)
    assert batch.rows["identity_id"].isna().all() and batch.rows["tracking_id"].isna().all()
    # A score of 0 is a score where nobody is identified.
    assert batch.filtered == 0 and batch.rows["detection_confidence"].iloc[1] == 0
    assert np.isnan(batch.rows["detection_confidence"].iloc[2])
    assert batch.rows["properties"].isna().tolist() == [True, True, False]


def test_ids_may_hold_in_all_cameras(load):
    rows = load(GT, "gt.txt", camera="c", columns={"identity_id": "id"}, **CLOCK).rows
    assert rows["identity_id"].tolist() == ["1", "1", "2"]


def test_rows_wanted_are_said_by_the_names_of_the_format(load):
    batch = load(GT, "gt.txt", camera="c", where="class_id == 1 and visibility > 0.6", **CLOCK)
    assert len(batch.rows) == 1 and batch.filtered == 3


def test_bad_lines_are_refused_with_their_line(load):
    content = GT + "x,1,2,3,4,5,1,1,1\n4,1,2,3\n5,1,2,3,-4,5,1,1,1\n"
    rejects = load(content, "gt.txt", camera="c", **CLOCK).rejects
    assert rejects["line"].tolist() == [5, 6, 7]
    assert rejects["column"].tolist() == ["frame", "", "bb_width"]


def test_the_folder_of_the_sequence_says_camera_and_rate(repository, tmp_path):
    sample = repository / "data" / "samples" / "mot" / "HALL-01"
    reader = read_appearances(sample / "gt" / "gt.txt", LoadOptions(start_time=START))
    assert (reader.options.camera, reader.options.fps) == ("HALL-01", "25")
    other = LoadOptions(start_time=START, camera="mine", fps=30)
    reader = read_appearances(sample / "gt" / "gt.txt", other)
    assert (reader.options.camera, reader.options.fps) == ("mine", "30")
    alone = tmp_path / "gt.txt"
    shutil.copy(sample / "gt" / "gt.txt", alone)
    with pytest.raises(InvalidInputError, match="no camera"):
        read_appearances(alone, LoadOptions(**CLOCK))


@pytest.mark.parametrize(
    "info",
    ["", "[Sequence\n", "[Sequence]\nframeRate=%(x)s\n", "[Sequence]\nframeRate=-5\n", b"\xff"],
)
def test_a_broken_seqinfo_names_the_camera_alone(tmp_path, info):
    folder = tmp_path / "SEQ-2" / "gt"
    folder.mkdir(parents=True)
    (folder / "gt.txt").write_text(GT)
    (folder.parent / "seqinfo.ini").write_bytes(info if isinstance(info, bytes) else info.encode())
    reader = read_appearances(folder / "gt.txt", LoadOptions(**CLOCK))
    assert (reader.options.camera, reader.options.fps) == ("SEQ-2", "25")
    assert "--fps" in detect(folder / "gt.txt").next


def test_it_is_told_by_its_lines(write):
    assert detect(write(GT, "a.csv")).format == "mot"
    assert detect(write(GT, "a.txt.gz")).format == "mot"
    assert detect(write("1,2,3,4,5,6,7\n" * 3, "a.txt")).format == "mot"
    assert detect(write("1,2,3,4,5\n" * 3, "a.txt")).format == "unknown"
    assert detect(write("a,b,c,d,e,f,g\n" + GT[:30], "a.csv")).format == "unknown"


def test_a_word_that_is_no_number_does_not_hide_the_format(write):
    found = detect(write(GT + "?,?,?\n"))
    assert found.format == "mot" and "--camera" in found.next


def test_the_same_file_read_twice_has_the_same_ids(write):
    path = write(GT, "gt.txt")
    ids = [
        next(iter(read_appearances(path, LoadOptions(camera="c", **CLOCK)))).rows["id"].tolist()
        for _ in range(2)
    ]
    assert ids[0] == ids[1] and len(set(ids[0])) == 3


def test_batches_are_of_the_size_asked_for(write):
    path: Path = write(GT * 5, "gt.txt")
    reader = read_appearances(path, LoadOptions(camera="c", **CLOCK), batch_rows=3)
    batches = list(reader)
    assert [batch.read for batch in batches] == [3] * 6 + [2]
    assert reader.count() == 20


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        ({}, "--fps --start-time --camera"),
        ({"camera": "gate"}, "--fps --start-time"),
        ({"camera": "gate", "fps": 25}, "--start-time"),
        ({"camera": "gate", "start_time": START}, "--fps"),
        ({"start_time": START}, "--fps --camera"),
        ({"start_time": START, "fps": 25}, "--camera"),
    ],
)
def test_it_asks_for_what_is_missing_and_for_no_column(load, given, asked):
    with pytest.raises(InvalidInputError) as caught:
        load("1,1,10,20,30,40,1,1,0.5\n" * 3, "gt.txt", **given)
    assert " ".join(re.findall(r"--[a-z-]+", caught.value.next)) == asked
    assert ("when frame 1 was" in caught.value.next) == ("--start-time" in asked)
    assert "frame 0" not in str(caught.value)
