"""Options: checked when they are made, canonical in a record."""

from __future__ import annotations

import dataclasses
import json
from fractions import Fraction

import pytest

from workbench.errors import InvalidInputError
from workbench.readers import LoadOptions


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({"format": "xml"}, "--format"),
        ({"box": "ltrb"}, "--box"),
        ({"time_unit": "min"}, "--time-unit"),
        ({"identity_from": "camera"}, "--identity-from"),
        ({"position_unit": "yard"}, "--position-unit"),
        ({"columns": "a=b"}, "--columns"),
        ({"camera": ""}, "--camera"),
        ({"camera": "x" * 201}, "--camera"),
        ({"camera": "a\x07"}, "--camera"),
        ({"dataset": "a:b"}, "--dataset"),
        ({"dataset": ""}, "--dataset"),
        ({"tz": "Mars/Olympus"}, "time zone"),
        ({"fps": 0}, "--fps"),
        ({"fps": -25}, "--fps"),
        ({"fps": "nan"}, "--fps"),
        ({"fps": "inf"}, "--fps"),
        ({"fps": "30/0"}, "--fps"),
        ({"fps": "fast"}, "--fps"),
        ({"start_time": "yesterday"}, "--start-time"),
        ({"start_time": "2026-01-01T00:00"}, "--start-time"),
        ({"where": "a"}, "--where a"),
    ],
)
def test_the_option_that_cannot_be_used_is_named(options, names):
    with pytest.raises(InvalidInputError) as caught:
        LoadOptions(**options)
    assert caught.value.where == names
    assert caught.value.next


def test_frame_rates_are_exact():
    assert LoadOptions(fps=29.97).rate == Fraction(2997, 100)
    assert LoadOptions(fps="30000/1001").rate == Fraction(30000, 1001)
    odd = LoadOptions(fps=29.970029970029)
    assert dataclasses.replace(odd, camera="c").rate == odd.rate
    assert LoadOptions(fps=30.0).fps == LoadOptions(fps="30").fps == "30"


def test_the_meaning_is_the_same_however_it_was_said():
    one = LoadOptions(fps=30, start_time="2026-01-01T01:00+01:00", unidentified=("b", "a", "a"))
    other = LoadOptions(fps="30.0", start_time="2026-01-01T00:00:00Z", unidentified=["a", "b"])
    assert one.meaning() == other.meaning()
    assert json.loads(json.dumps(one.meaning())) == one.meaning()


@pytest.mark.parametrize(
    "options",
    [
        {"columns": {"timestamp": "when"}},
        {"camera_columns": {"id": "c"}},
        {"camera": "c"},
        {"box": "xyxy"},
        {"tz": "UTC"},
        {"time_unit": "s"},
        {"fps": 25},
        {"start_time": "2026-01-01T00:00Z"},
        {"where": "a > 0"},
        {"unidentified": ("-1",)},
        {"identity_from": "track"},
        {"dataset": "d"},
        {"position_unit": "ft"},
    ],
)
def test_every_option_has_a_meaning(options):
    assert LoadOptions(**options).meaning() != LoadOptions().meaning()
