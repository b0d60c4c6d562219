"""NVIDIA Metropolis: frames, messages, behaviours and what was joined over cameras."""

from __future__ import annotations

import copy
import json

import pytest

from workbench.readers import LoadOptions, detect, read_appearances

TIME = "2026-01-01T00:00:00.000Z"
BOX = {"leftX": 10.0, "topY": 20, "rightX": 40.5, "bottomY": 80}
OBJECT = {
    "id": "4",
    "bbox": BOX,
    "type": "Person",
    "confidence": 0.75,
    "info": {"cap": "no"},
    "embedding": {"vector": [1.0, 2.0], "info": {}},
    "coordinate": {"x": 1.5, "y": -2.25, "z": 0},
}
FRAME = {"version": "4.0", "id": "90", "timestamp": TIME, "sensorId": "hall", "objects": [OBJECT]}
MESSAGE = {
    "messageid": "m1",
    "@timestamp": TIME,
    "sensor": {"id": "gate", "type": "Camera"},
    "object": {
        "id": "9",
        "bbox": {"topleftx": 1, "toplefty": 2, "bottomrightx": 4, "bottomrighty": 8},
        "person": {"age": 45},
    },
    "videoPath": "",
}
BEHAVIOUR = {
    "key": "k",
    "id": "hall #-# 4",
    "sensorId": "hall",
    "objectId": "4",
    "objectType": "Person",
    "timestamp": TIME,
    "end": "2026-01-01T00:00:02.000Z",
    "startFrame": "0",
    "endFrame": "60",
    "timestamps": [f"2026-01-01T00:00:0{n}.000Z" for n in range(3)],
    "frameIds": ["0", "30", "60"],
    "bboxes": [BOX, BOX, BOX],
    "confidences": [0.5, 0.6, 0.7],
    "locations": [[1, 2], [3, 4]],
    "locationMask": [True, False, True],
    "embeddings": [[1.0, 2.0]],
    "embeddingMask": [False, True, False],
}
JOINED = {"batchId": "1", "globalId": "17", "objectType": "Person", "matched": [BEHAVIOUR]}


def read(write, *values, name="m.jsonl", **options):
    content = "".join(json.dumps(value) + "\n" for value in values)
    (batch,) = read_appearances(write(content, name), LoadOptions(**options))
    return batch


def test_a_frame_has_a_row_for_each_object(write):
    other = {**OBJECT, "id": "5", "embedding": None, "coordinate": None, "globalId": "17"}
    batch = read(write, {**FRAME, "objects": [OBJECT, other]}, FRAME | {"id": "91"})
    rows = batch.rows
    assert rows["tracking_id"].tolist() == ["4", "5", "4"] and rows["frame"].tolist() == [
        90,
        90,
        91,
    ]
    assert rows["identity_id"].tolist()[1] == "17" and rows["identity_id"].isna()[0]
    assert rows[["bbox_x", "bbox_y", "bbox_w", "bbox_h"]].iloc[0].tolist() == [10, 20, 30.5, 60]
    assert rows[["floor_x_m", "floor_y_m"]].iloc[0].tolist() == [1.5, -2.25]
    assert rows["floor_x_m"].isna().tolist() == [False, True, False]
    assert batch.vectors["reid"][1].tolist() == [True, False, True]
    assert batch.line.tolist() == [1, 1, 2] and batch.position.tolist() == [0, 1, 2]
    assert json.loads(rows["properties"][0]) == {"type": "Person", "info": '{"cap":"no"}'}


def test_a_message_is_one_row(write):
    rows = read(write, MESSAGE).rows
    assert rows["camera_id"].tolist() == ["gate"] and rows["tracking_id"].tolist() == ["9"]
    assert rows[["bbox_w", "bbox_h"]].iloc[0].tolist() == [3, 6]
    assert json.loads(rows["properties"][0])["messageid"] == "m1"


def test_what_was_joined_has_a_row_for_each_moment(write):
    batch = read(write, JOINED)
    rows = batch.rows
    assert rows["identity_id"].tolist() == ["17"] * 3 and rows["frame"].tolist() == [0, 30, 60]
    assert rows["detection_confidence"].tolist() == [0.5, 0.6, 0.7]
    assert rows["floor_x_m"].fillna(-1).tolist() == [1, -1, 3]
    assert batch.vectors["reid"][1].tolist() == [False, True, False]


def test_a_behaviour_without_moments_is_its_beginning_and_its_end(write):
    short = {key: said for key, said in BEHAVIOUR.items() if key not in ("timestamps", "bboxes")}
    rows = read(write, short, identity_from="track").rows
    assert [t.second for t in rows["timestamp"]] == [0, 2] and rows["frame"].tolist() == [0, 60]
    assert rows["identity_id"].tolist() == ["hall/4"] * 2


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("bboxes", [BOX]),
        ("locationMask", [True]),
        ("confidences", "x"),
        ("embeddings", {"a": 1}),
        ("timestamps", 5),
        ("timestamps", {"a": 1}),
        ("timestamps", ["x", "y", "z"]),
        ("bboxes", [1, 2, 3]),
        ("locations", [1, 2, 3]),
        ("locationMask", 3),
    ],
)
def test_lists_that_do_not_fit_are_bad_rows(write, key, value):
    odd = copy.deepcopy(JOINED)
    odd["matched"][0][key] = value
    batch = read(write, JOINED, odd)
    assert len(batch.rows) >= 3 and set(batch.rejects["line"]) <= {2}
    assert len(batch.rejects) or key in ("bboxes", "locations")


@pytest.mark.parametrize(
    "odd", [{"matched": 5}, {"matched": [5]}, {"objects": 3}, {"objects": [1]}]
)
def test_odd_messages_are_bad_rows(write, odd):
    batch = read(write, FRAME, {**FRAME, **odd})
    assert len(batch.rows) == 1 and batch.rejects["line"].tolist() == [2]


def test_samples_are_told_and_loaded_by_the_line_detect_names(repository):
    folder = repository / "data" / "samples" / "metropolis"
    found = detect(folder / "frames.jsonl")
    assert found.format == "metropolis" and found.next.endswith("--identity-from track")
    found = detect(folder / "mtmc.json")
    assert found.format == "metropolis" and "identity-from" not in found.next


def test_as_plain_json_where_somebody_says_so(write):
    batch = read(write, FRAME, format="jsonl", columns={"camera_id": "sensorId"})
    assert len(batch.rows) == 1 and batch.rows["id"].tolist() == ["90"]
