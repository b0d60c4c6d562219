"""Parquet: every type as its one text."""

from __future__ import annotations

import datetime
import decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import InvalidInputError
from workbench.readers import LoadOptions, read_appearances
from workbench.readers.parquet import ParquetFile, as_text

US = pa.timestamp("us")


@pytest.mark.parametrize(
    ("values", "kind", "texts"),
    [
        (["a", "", None], pa.string(), ["a", "", ""]),
        ([1, -2, None], pa.int64(), ["1", "-2", ""]),
        ([0.1, 30.0, 1e16, float("nan"), None], pa.float64(), ["0.1", "30.0", "1e+16", "", ""]),
        ([0.1, 2.5], pa.float32(), ["0.1", "2.5"]),
        ([True, False, None], pa.bool_(), ["true", "false", ""]),
        (
            [0, 1_500_000, None],
            US,
            ["1970-01-01T00:00:00.000000", "1970-01-01T00:00:01.500000", ""],
        ),
        ([0], pa.timestamp("s", tz="Europe/Madrid"), ["1970-01-01T00:00:00.000000Z"]),
        (
            [500, 1500, 1501, -500],
            pa.timestamp("ns", "UTC"),
            [
                "1970-01-01T00:00:00.000000Z",
                "1970-01-01T00:00:00.000002Z",
                "1970-01-01T00:00:00.000002Z",
                "1970-01-01T00:00:00.000000Z",
            ],
        ),
        ([datetime.date(2026, 1, 31)], pa.date32(), ["2026-01-31"]),
        ([decimal.Decimal("1.50")], pa.decimal128(5, 2), ["1.50"]),
        ([[1, 2], None], pa.list_(pa.int64()), ["[1,2]", ""]),
        (
            [{"b": 1, "a": "é"}],
            pa.struct([("b", pa.int64()), ("a", pa.string())]),
            ['{"a":"é","b":1}'],
        ),
        ([None, None], pa.null(), ["", ""]),
        (["x", None], pa.dictionary(pa.int8(), pa.string()), ["x", ""]),
        ([b"utf8"], pa.binary(), ["utf8"]),
    ],
)
def test_each_type_has_one_text(values, kind, texts):
    assert as_text(pa.array(values, type=kind)).to_pylist() == texts


@given(st.lists(st.floats(allow_nan=False), min_size=1))
def test_floats_are_the_shortest_text_that_reads_back(values):
    texts = as_text(pa.array(values, type=pa.float64())).to_pylist()
    assert [float(text) for text in texts] == values
    assert [text.lstrip("-") for text in texts] == [repr(abs(value)) for value in values]


def test_rows_have_the_numbers_they_would_have_in_a_csv(tmp_path):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"a": list(range(7))}), path, row_group_size=3)
    batches = list(ParquetFile(path).batches(2))
    assert np.concatenate([b.line for b in batches]).tolist() == list(range(2, 9))
    assert np.concatenate([b.position for b in batches]).tolist() == list(range(7))


def test_a_parquet_file_and_its_csv_bring_the_same_appearances(tmp_path):
    frame = pd.DataFrame(
        {
            "camera_id": ["c1", "c2"],
            "timestamp": pd.to_datetime(
                ["2026-01-01T08:00:00.25Z", "2026-01-01T09:00Z"], format="ISO8601"
            ),
            "identity_id": ["0002", None],
            "bbox_x": [1.5, 2.0],
            "bbox_y": [1, 2],
            "bbox_w": [3, 4],
            "bbox_h": [5, 6],
            "zone": ["a", None],
        }
    )
    frame.to_parquet(tmp_path / "a.parquet")
    text = frame.assign(timestamp=frame["timestamp"].dt.strftime("%Y-%m-%dT%H:%M:%S.%fZ"))
    text.to_csv(tmp_path / "a.csv", index=False)
    one, other = (
        next(iter(read_appearances(tmp_path / f"a.{kind}", LoadOptions(format=kind)))).rows
        for kind in ("parquet", "csv")
    )
    pd.testing.assert_frame_equal(
        one.drop(columns="source_file"), other.drop(columns="source_file")
    )


def test_bytes_that_are_no_text_name_their_column(tmp_path):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"crop": pa.array([b"\xff\xd8"])}), path)
    with pytest.raises(InvalidInputError, match="'crop'"):
        list(ParquetFile(path).batches())


def test_a_torn_file_is_refused(tmp_path):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"a": list(range(1000))}), path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InvalidInputError, match="cannot be read"):
        ParquetFile(path)


def test_the_format_that_was_asked_for_counts(tmp_path):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"a": [1]}), path)
    with pytest.raises(InvalidInputError, match="is parquet, not csv"):
        read_appearances(path, LoadOptions(format="csv"))
