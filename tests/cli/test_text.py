"""Text, CSV and JSON: aligned, exact, and harmless whatever the data says."""

from __future__ import annotations

import csv
import io
import json

import numpy as np
import pandas as pd
import pytest

from workbench.cli.cells import csv_parts, json_parts, records
from workbench.cli.safe import clipped, safe, width
from workbench.cli.terminal import Screen

HOSTILE = "\x1b[2J\r\u202e\u2028\u0007"


def test_nothing_in_data_moves_the_cursor() -> None:
    frame = pd.DataFrame({"id": [HOSTILE, "b"], "n": [1, 2]})
    shown = Screen().table(frame) + Screen().facts({HOSTILE: HOSTILE, "x": [HOSTILE]})
    assert not set(shown) & set(HOSTILE) - set("[2J")
    assert "\\x1b[2J\\r\\u202e\\u2028\\x07" in shown
    assert shown.count("\n") == 3


def test_columns_stand_under_each_other() -> None:
    frame = pd.DataFrame({"id": ["Chloé", "山田", "e\u0301"], "n": [1, 2222, 3]})
    lines = Screen().table(frame).splitlines()
    assert {width(line) for line in lines} == {len("  Chloé      n")}
    assert lines[2].endswith("2,222")


def test_what_is_left_out_is_said() -> None:
    frame = pd.DataFrame({"n": range(1000)})
    text = Screen().table(frame, rows=5)
    assert text.endswith("(5 of 1,000 rows; --csv gives all)")
    assert Screen().table(frame.iloc[:0]) == "  (none)"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (float("nan"), "–"),
        (True, "yes"),
        (1234567, "1,234,567"),
        (0.12345, "0.123"),
        (30.0, "30"),
        (["a", "b"], "a, b"),
        ([], "–"),
        ("x" * 60, "x" * 43 + "…"),
        (pd.Timestamp("2026-10-25T00:30Z"), "2026-10-25 02:30:00+02:00"),
        (pd.Timestamp("2026-10-25T01:30:00.25Z"), "2026-10-25 02:30:00.25+01:00"),
    ],
)
def test_cells(value: object, text: str) -> None:
    assert Screen("Europe/Madrid").cell(value) == text


def test_wide_text_is_clipped_by_cells() -> None:
    assert clipped("山田太郎", 5) == "山田…"
    assert safe("a\u200cb") == "a\u200cb"  # a joiner is spelling


def test_json_has_no_nan_and_keeps_text() -> None:
    frame = pd.DataFrame(
        {
            "id": pd.Series(["é\u2028", None], dtype="str"),
            "x": [np.nan, 1.5],
            "n": pd.Series([None, 2], dtype="Int64"),
            "ok": pd.Series([True, None], dtype="boolean"),
            "at": pd.to_datetime(["2026-01-01T00:00Z", None]).astype("datetime64[us, UTC]"),
            "properties": pd.Series(['{"a": 1}', None], dtype="str"),
            "bbox": pd.Series([[1.0, float("inf")], None], dtype=object),
        }
    )
    text = b"".join(json_parts({"rows": frame, "none": frame.iloc[:0], "x": {"y": np.nan}}))
    assert "é".encode() in text
    found = json.loads(text)
    assert found["rows"] == [
        {
            "id": "é\u2028",
            "x": None,
            "n": None,
            "ok": True,
            "at": "2026-01-01T00:00:00.000000Z",
            "properties": {"a": 1},
            "bbox": [1.0, None],
        },
        {"id": None, "x": 1.5, "n": 2, "ok": None, "at": None, "properties": {}, "bbox": None},
    ]
    assert (found["none"], found["x"]) == ([], {"y": None})


def test_many_rows_are_one_document() -> None:
    frame = pd.DataFrame({"n": range(20_000)})
    text = b"".join(json_parts({"rows": frame}))
    assert [row["n"] for row in json.loads(text)["rows"]] == list(range(20_000))
    assert b"".join(csv_parts(frame)).count(b"\n") == 20_001


def test_csv_comes_back_letter_by_letter() -> None:
    cells = ['a,"b"', "line\nend", "carriage\rreturn", "=1+1", " blank ", "山田"]
    frame = pd.DataFrame({"text": cells, "list": [[1, "x"]] * 6, "ok": [True] * 6})
    text = b"".join(csv_parts(frame)).decode()
    found = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [row["text"] for row in found] == cells
    assert (found[0]["list"], found[0]["ok"]) == ('[1, "x"]', "true")


def test_a_name_that_is_no_utf8_is_still_json() -> None:
    text = b"".join(json_parts({"where": "a\udcff"}))
    assert json.loads(text) == {"where": "a\udcff"}


def test_records_of_an_empty_table() -> None:
    assert records(pd.DataFrame({"a": []})) == []
