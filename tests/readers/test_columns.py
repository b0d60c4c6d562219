"""What names mean, and the questions about those that could mean two things."""

from __future__ import annotations

import pytest

from workbench.errors import InvalidInputError
from workbench.readers import LoadOptions
from workbench.readers.columns import appearances


def mapped(names: str, /, **options: object) -> dict[str, str]:
    return appearances(names.split(), LoadOptions(**options)).theirs


def test_our_names_come_before_foreign_ones():
    found = appearances(["timestamp", "time", "person_id", "identity_id"], LoadOptions())
    assert found.theirs == {"timestamp": "timestamp", "identity_id": "identity_id"}
    assert found.properties == ("time", "person_id")
    assert found.read_as == {}


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("person_id", "identity_id"),
        ("pid", "identity_id"),
        ("cam", "camera_id"),
        ("camid", "camera_id"),
        ("track_id", "tracking_id"),
        ("time", "timestamp"),
        ("datetime", "timestamp"),
        ("frame_id", "frame"),
        ("x_m", "floor_x_m"),
        ("y_m", "floor_y_m"),
    ],
)
def test_foreign_names_are_understood_and_reported(theirs, ours):
    found = appearances([theirs, "z"], LoadOptions())
    assert found.theirs == {ours: theirs}
    assert found.read_as == {theirs: ours}


@pytest.mark.parametrize(
    "names", ["xmin ymin xmax ymax", "x1 y1 x2 y2", "bbox_x1 bbox_y1 bbox_x2 bbox_y2"]
)
def test_corner_boxes_are_implied_by_their_names(names):
    assert list(mapped(names)) == ["bbox_x1", "bbox_y1", "bbox_x2", "bbox_y2"]
    assert list(mapped(names).values()) == names.split()


def test_other_boxes_and_parts_of_them():
    assert list(mapped("left top width height")) == ["bbox_x", "bbox_y", "bbox_w", "bbox_h"]
    assert mapped("left top width") == {}


def test_what_the_caller_says_comes_first_and_may_be_said_twice():
    found = appearances(
        ["who", "timestamp", "when"],
        LoadOptions(columns={"identity_id": "who", "tracking_id": "who", "timestamp": "when"}),
    )
    assert found.theirs == {"timestamp": "when", "identity_id": "who", "tracking_id": "who"}
    assert found.properties == ("timestamp",)
    assert found.read_as == {"who": "identity_id, tracking_id", "when": "timestamp"}


def test_a_stated_use_is_not_guessed_over():
    assert mapped("person_id", columns={"tracking_id": "person_id"}) == {"tracking_id": "person_id"}
    assert mapped("id", columns={"tracking_id": "id"}) == {"tracking_id": "id"}
    both = mapped("frame", columns={"tracking_id": "frame"})
    assert both == {"tracking_id": "frame", "frame": "frame"}


@pytest.mark.parametrize(
    ("columns", "options", "question"),
    [
        ("time datetime", {}, "Which column is timestamp: 'time' or 'datetime'?"),
        ("pid person_id", {}, "Which column is identity_id"),
        ("x1 y1 x2 y2 left top width height", {}, "Two sets of columns could be the box"),
        ("xmin ymin xmax ymax x1 y1 x2 y2", {"box": "xyxy"}, "Two sets"),
        ("left top width height", {"box": "xyxy"}, "no such columns"),
        ("a b", {"columns": {"when": "a"}}, "'when' is none of our columns"),
        ("a b", {"columns": {"timestamp": "c"}}, "the file has no column 'c'"),
        ("a b c", {"columns": {"bbox_x": "a"}}, "A box needs bbox_x, bbox_y"),
        ("a b c d", {"box": "xywh", "columns": {"bbox_x1": "a"}}, "only one of them can count"),
        ("cam a", {"camera": "c1"}, "only one of them can count"),
        ("a b", {"identity_from": "track", "columns": {"identity_id": "a"}}, "only one"),
    ],
)
def test_what_could_mean_two_things_is_asked(columns, options, question):
    with pytest.raises(InvalidInputError, match=question) as caught:
        mapped(columns, **options)
    assert caught.value.next


def test_box_decides_between_two_sets():
    names = "x1 y1 x2 y2 left top width height"
    assert mapped(names, box="xyxy")["bbox_x2"] == "x2"
    assert mapped(names, box="xywh")["bbox_w"] == "width"
