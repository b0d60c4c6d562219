"""CSV: lines, delimiters, bad bytes, torn files."""

from __future__ import annotations

import csv
import gzip
import io
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import InvalidInputError, NotFoundError
from workbench.readers.csv import CsvFile
from workbench.readers.files import TextBatch
from workbench.readers.opening import open_text


def only(path: Path, rows: int = 1000) -> TextBatch:
    (batch,) = CsvFile(path).batches(rows)
    return batch


def rejects(batch: TextBatch) -> list[tuple[object, ...]]:
    return list(
        batch.rejects[["line", "column", "value", "reason"]].itertuples(index=False, name=None)
    )


def test_lines_and_positions_are_those_of_the_file(write):
    batch = only(write('a,b\n1,2\n\n3,"x\ny"\n5,6\n'))
    assert batch.frame.to_dict("list") == {"a": ["1", "3", "5"], "b": ["2", "x\ny", "6"]}
    assert batch.line.tolist() == [2, 4, 6]
    assert batch.position.tolist() == [0, 1, 2]
    assert batch.read == 3
    assert batch.frame.dtypes.tolist() == ["str", "str"]


def test_ragged_rows_are_rejected_and_counted(write):
    batch = only(write("a,b,c,d,e,f\n1,2,3,4,5,6\n1,2,3,4,5\n1,2,3,4,5,6,7\n7,8,9,10,11,12\n"))
    assert rejects(batch) == [
        (3, "", "1,2,3,4,5", "5 cells where the header has 6"),
        (4, "", "1,2,3,4,5,6,7", "7 cells where the header has 6"),
    ]
    assert batch.frame["a"].tolist() == ["1", "7"]
    assert batch.position.tolist() == [0, 3]
    assert batch.read == 4


def test_bytes_that_are_no_utf8_cost_their_row_alone(write):
    batch = only(write(b"\xef\xbb\xbfa,b\n1,ok\n2,caf\xe9\n3,gut\n4,x\x00y\n"))
    assert batch.frame["a"].tolist() == ["1", "3"]
    assert batch.frame.columns.tolist() == ["a", "b"]
    assert [(line, column) for line, column, _, _ in rejects(batch)] == [(3, "b"), (5, "b")]
    assert batch.rejects["value"][0] == "caf\ufffd"
    assert batch.position.tolist() == [0, 2]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(write, delimiter):
    text = f"id{delimiter}list{delimiter}when\n1{delimiter}a{delimiter}x\n"
    file = CsvFile(write(text))
    assert file.delimiter == delimiter
    assert file.columns == ["id", "list", "when"]


def test_a_delimiter_inside_cells_is_not_taken_for_one(write):
    file = CsvFile(write('a;b\n"1,2,3";x|y\n"4,5,6";z|z\n'))
    assert file.columns == ["a", "b"]
    assert CsvFile(write("a;b, in words\n1;x\n2;y, z\n")).delimiter == ";"


def test_a_quote_that_never_closes_costs_what_it_swallowed(write):
    batch = only(write('a,b\n1,2\n3,"open\n5,6\n7,8\n'))
    assert batch.frame["a"].tolist() == ["1"]
    assert batch.rejects["line"].tolist() == [3]
    assert batch.rejects["reason"][0].endswith("(lines 3 to 5)")
    assert batch.read == 2


def test_a_stray_quote_costs_its_row_alone(write):
    batch = only(write('a,b\n1,"x"y\n3,"u\nv"\n5,6\n'))
    assert batch.rejects["line"].tolist() == [2]
    assert batch.frame["a"].tolist() == ["3", "5"]
    # A fault ends a batch of records; the numbering goes on behind it.
    assert batch.line.tolist() == [3, 5]


def test_batches_go_on_where_the_one_before_ended(write):
    path = write("a\n" + "".join(f"r{n}\n\n" for n in range(10)))
    batches = list(CsvFile(path).batches(6))
    assert np.concatenate([b.position for b in batches]).tolist() == list(range(10))
    assert np.concatenate([b.line for b in batches]).tolist() == list(range(2, 22, 2))


def test_gzip_is_seen_by_its_bytes(write):
    path = write("a,b\n1,2\n", "rows.gz").rename(Path(write("x", "n")).parent / "rows.csv")
    assert only(path).frame["b"].tolist() == ["2"]


@pytest.mark.parametrize("cut", [30, -9, -1])
def test_a_torn_gzip_is_refused_before_a_row(write, cut):
    text = "a,b\n" + "".join(f"{os.urandom(8).hex()},2\n" for n in range(20_000))
    path = write(gzip.compress(text.encode())[:cut], "torn.csv")
    with pytest.raises(InvalidInputError, match="cannot be read"):
        CsvFile(path).check()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "empty"),
        ("\n\n", "empty"),
        ("a,a\n1,2\n", "two columns called 'a'"),
        ("a,\n1,2\n", "Column 2 .* no name"),
        ("a,b\x07\n1,2\n", "no text"),
        (b"a,\xff\xfe\n1,2\n", "no text"),
        ("1,1,912.0,484\n2,1,913,484\n", "no header"),
        ("2026-01-01T00:00:00Z,3\n", "no header"),
        ("a" * 300 + ",b\n", "no text"),
        (b"\xff\xfea\x00", "UTF-16"),
        (b"\x89PNG\r\n\x1a\n", "a picture"),
        (b"\x93NUMPY\x01\x00", "matrix"),
        (b"PK\x03\x04xxxx", "zip"),
        (b"PAR1 and no more", "cannot be read"),
    ],
)
def test_what_is_no_table_is_refused(write, content, says):
    with pytest.raises(InvalidInputError, match=says) as caught:
        open_text(write(content))
    assert caught.value.where and caught.value.next


def test_missing_files_and_folders(tmp_path):
    with pytest.raises(NotFoundError):
        open_text(tmp_path / "none.csv")
    with pytest.raises(InvalidInputError, match="a directory"):
        open_text(tmp_path)
    with pytest.raises(InvalidInputError, match="no regular file"):
        open_text("/dev/null")
    with pytest.raises(InvalidInputError):
        open_text("a\0b")


def test_a_file_without_line_ends_does_not_fill_the_memory(write):
    path = write("a,b\n" + "x" * 3_000_000, "long.csv")
    batch = only(path)
    assert len(batch.frame) == 0
    assert "field larger" in batch.rejects["reason"][0]


CELL = st.text(st.sampled_from('ab,"\n\r é|;'), max_size=5)


@given(st.lists(st.lists(CELL, min_size=3, max_size=3), min_size=1, max_size=12), st.integers(1, 5))
def test_what_csv_writes_comes_back_with_its_lines(tmp_path_factory, rows, size):
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(["x", "y", "z"])
    starts = []
    for row in rows:
        starts.append(
            2
            + out.getvalue()[len("x,y,z\r\n") :]
            .replace("\r\n", "\n")
            .replace("\r", "\n")
            .count("\n")
        )
        writer.writerow(row)
    path = tmp_path_factory.mktemp("csv") / "f.csv"
    path.write_bytes(out.getvalue().encode())
    batches = list(CsvFile(path).batches(size))
    frame = pd.concat([batch.frame for batch in batches])
    assert frame.to_numpy().tolist() == rows
    assert np.concatenate([batch.line for batch in batches]).tolist() == starts
    assert not any(len(batch.rejects) for batch in batches)
