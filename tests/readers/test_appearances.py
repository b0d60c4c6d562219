"""Appearances from tables: times, ids, boxes, identities, what is refused and what is rejected."""

from __future__ import annotations

import json
import uuid
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench import schema
from workbench.errors import InvalidInputError
from workbench.readers import LoadOptions, read_appearances
from workbench.readers.batches import ROW_COLUMNS
from workbench.readers.clock import _exact, _whole_us
from workbench.readers.row_ids import NAMESPACE

START = "2026-01-01T00:00:00Z"


def texts(times: pd.Series) -> list[str]:
    return [time.isoformat() for time in times]


def reasons(batch) -> list[tuple[int, str, str, str]]:
    return list(
        batch.rejects[["line", "column", "value", "reason"]].itertuples(index=False, name=None)
    )


def test_a_row_comes_out_in_the_columns_of_the_schema(load):
    batch = load(
        "timestamp,cam,person_id,track_id,frame_id,left,top,width,height,x_m,floor_y_m,"
        "detection_confidence,zone,note\n"
        "2026-01-01 08:00:00.25+01:00,c1,0002,t9,12,-3,1.5,10,20,4,5,0.75,hall,\n"
    )
    assert tuple(batch.rows.columns) == ROW_COLUMNS
    assert set(ROW_COLUMNS) == {*schema.APPEARANCE.names, "identity_id"} - {"load_id", "created_at"}
    for column in schema.APPEARANCE.columns:
        if column.name in batch.rows:
            assert str(batch.rows[column.name].dtype) == column.dtype, column.name
    row = batch.rows.iloc[0]
    assert row["timestamp"].isoformat() == "2026-01-01T07:00:00.250000+00:00"
    assert (row["camera_id"], row["identity_id"], row["tracking_id"]) == ("c1", "0002", "t9")
    assert row[["bbox_x", "bbox_y", "bbox_w", "bbox_h"]].tolist() == [-3, 1.5, 10, 20]
    assert row[["frame", "floor_x_m", "floor_y_m", "detection_confidence"]].tolist() == [
        12,
        4,
        5,
        0.75,
    ]
    assert row["properties"] == '{"zone":"hall"}'
    assert (row["source_file"], row["source_row"]) == ("seen.csv", 1)
    assert pd.isna(row["place_id"])


# --- times -------------------------------------------------------------------------------------


def test_frames_are_exact_microseconds(load):
    batch = load("frame,camera_id\n0,c\n1,c\n2,c\n30,c\n-1,c\n", fps=30, start_time=START)
    assert texts(batch.rows["timestamp"]) == [
        "2026-01-01T00:00:00+00:00",
        "2026-01-01T00:00:00.033333+00:00",
        "2026-01-01T00:00:00.066667+00:00",
        "2026-01-01T00:00:01+00:00",
        "2025-12-31T23:59:59.966667+00:00",
    ]


@given(
    st.lists(st.integers(-(2**53), 2**53), min_size=1),
    st.sampled_from(["30", "25", "29.97", "30000/1001", "0.5", "29.970029970029", "64000000", "3"])
    | st.fractions(min_value=Fraction(1, 1000), max_value=1000, max_denominator=10**9).map(str),
)
def test_frames_round_half_to_even(frames, fps):
    rate = LoadOptions(fps=fps).rate
    found = _whole_us(np.array(frames, dtype="int64"), rate)
    assert [int(us) for us in found] == [
        round(Fraction(frame) * 1_000_000 / rate) for frame in frames
    ]


def test_the_half_of_a_microsecond_goes_to_the_even_one():
    found = _whole_us(np.array([1, 3, 5, -1, -3]), Fraction(2_000_000))
    assert found.tolist() == [0, 2, 2, 0, -2]


@given(st.lists(st.decimals(-(10**12), 10**12, places=8), min_size=1))
def test_numbers_round_half_to_even(numbers):
    assert _exact([str(n) for n in numbers], 1_000_000) == [
        round(Fraction(n) * 1_000_000) for n in numbers
    ]


@pytest.mark.parametrize(
    ("cells", "options", "wanted"),
    [
        (["1767225600", "1767225600.25"], {"time_unit": "s"}, ["00:00:00", "00:00:00.250000"]),
        (["1767225600001"], {"time_unit": "ms"}, ["00:00:00.001000"]),
        (["1767225600000001"], {"time_unit": "us"}, ["00:00:00.000001"]),
        (
            ["0", "1.5", "1e1"],
            {"time_unit": "s", "start_time": START},
            ["00:00:00", "00:00:01.500000", "00:00:10"],
        ),
        (
            ["0.0000005", "0.0000015"],
            {"time_unit": "s", "start_time": START},
            ["00:00:00", "00:00:00.000002"],
        ),
    ],
)
def test_numbers_with_a_unit(load, cells, options, wanted):
    batch = load("time,camera_id\n" + "".join(f"{cell},c\n" for cell in cells), **options)
    assert texts(batch.rows["timestamp"]) == [f"2026-01-01T{time}+00:00" for time in wanted]


def test_naive_times_take_the_zone_and_its_odd_hours_are_bad_rows(load):
    batch = load(
        "timestamp,camera_id\n2026-01-01 08:00,c\n2026-03-29 02:30:00,c\n2026-10-25 02:30:00,c\n",
        tz="Europe/Madrid",
    )
    assert texts(batch.rows["timestamp"]) == ["2026-01-01T07:00:00+00:00"]
    odd = "a local time that Europe/Madrid skips or repeats"
    assert reasons(batch) == [
        (3, "timestamp", "2026-03-29 02:30:00", odd),
        (4, "timestamp", "2026-10-25 02:30:00", odd),
    ]


def test_a_naive_time_at_the_very_end_refuses_the_file_before_a_row(write):
    body = "2026-01-01T00:00:00Z,c\n" * 50 + "2026-01-01T00:00:00,c\n"
    reader = read_appearances(write("timestamp,camera_id\n" + body), batch_rows=7)
    with pytest.raises(InvalidInputError, match="no time zone") as caught:
        next(iter(reader))
    assert "line 52" in caught.value.where and "--tz" in caught.value.next


def test_a_naive_time_that_nobody_wants_refuses_nothing(load):
    content = "timestamp,camera_id\n2026-01-01T00:00:00Z,a\n2026-01-01T00:00:00,b\n"
    batch = load(content, where="camera_id == 'a'")
    assert (len(batch.rows), batch.filtered) == (1, 1)


@pytest.mark.parametrize(
    ("content", "options", "says"),
    [
        ("camera_id,x\nc,1\n", {}, "has no time"),
        ("camera_id,frame\nc,1\n", {}, "has no time"),
        ("camera_id,frame\nc,1\n", {"fps": 30}, "--fps needs the instant of frame 0"),
        ("camera_id,x\nc,1\n", {"fps": 30, "start_time": START}, "no column of frames"),
        (
            "camera_id,frame,timestamp\nc,1,2026-01-01T00:00Z\n",
            {"fps": 30, "start_time": START},
            "--fps cannot count",
        ),
        ("camera_id,time\nc,2026-01-01T00:00Z\n", {"start_time": START}, "--start-time has no use"),
        ("camera_id,frame\nc,1\n", {"fps": 30, "time_unit": "s", "start_time": START}, "two ways"),
        ("camera_id,time\nc,17\n", {}, "is a number"),
        ("camera_id,time\nc,2026-01-01T00:00Z\n", {"time_unit": "s"}, "is no number"),
        ("timestamp,x\n2026-01-01T00:00Z,1\n", {}, "has no camera"),
        (
            "timestamp,camera_id\n2026-01-01T00:00Z,1\n",
            {"camera": "c"},
            "only one of them can count",
        ),
        ("timestamp,camera_id\n2026-01-01T00:00Z,1\n", {"identity_from": "track"}, "has no tracks"),
        ("timestamp,camera_id\n2026-01-01T00:00Z,1\n", {"unidentified": "-1"}, "has no identities"),
        (
            "timestamp,camera_id\n2026-01-01T00:00Z,1\n",
            {"where": "list == 'x'"},
            "no column of the file",
        ),
    ],
)
def test_a_file_that_cannot_be_read_as_asked_is_refused(load, content, options, says):
    with pytest.raises(InvalidInputError, match=says) as caught:
        load(content, **options)
    assert caught.value.where and caught.value.next


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("", "missing"),
        ("never", "not an ISO 8601 time"),
        ("2026-02-30T00:00:00Z", "not a date of the calendar"),
        ("2026-01-01T00:00:00.1234567Z", "not an ISO 8601 time"),
    ],
)
def test_bad_times_are_bad_rows(load, cell, reason):
    batch = load(f"timestamp,camera_id\n2026-01-01T00:00Z,c\n{cell},c\n")
    assert reasons(batch) == [(3, "timestamp", cell, reason)]


@pytest.mark.parametrize(
    "cell", ["1e300", "9" * 25, "-99999999999999", "1e99999999999999999999", "x", ""]
)
def test_numbers_no_calendar_holds_are_bad_rows(load, cell):
    batch = load(f"timestamp,camera_id\n5,c\n{cell},c\n6.5,c\n", time_unit="s")
    assert len(batch.rows) == 2
    assert [line for line, *_ in reasons(batch)] == [3]


# --- ids ---------------------------------------------------------------------------------------


def test_ids_are_uuid5_over_the_sorted_cells(load):
    batch = load('frame,camera_id,n\n7,c1,"a ""b"" é"\n', fps=29.97, start_time=START, dataset="D")
    name = (
        '[[["camera_id","c1"],["frame","7"],["n","a \\"b\\" é"]],'
        '{"dataset":"D","fps":"2997/100","start_time":"2026-01-01T00:00:00.000000Z"}]'
    )
    assert batch.rows["id"].tolist() == [str(uuid.uuid5(NAMESPACE, name))]


@given(
    st.lists(
        st.lists(st.text(st.characters(codec="utf-8"), max_size=6), min_size=2, max_size=2),
        max_size=6,
    )
)
def test_ids_are_those_of_a_reading_row_by_row(rows):
    from workbench.readers.row_ids import row_ids

    frame = pd.DataFrame(rows, columns=['b"', "a"], dtype="str")
    wanted = [
        str(uuid.uuid5(NAMESPACE, schema.canonical_json([[["a", a], ['b"', b]], {"fps": "30"}])))
        for b, a in rows
    ]
    assert row_ids(frame, {"fps": "30"}).tolist() == wanted


def test_what_came_from_options_is_part_of_the_id(load):
    content = "frame,x\n7,1\n"
    given = {"fps": 30, "start_time": START, "camera": "c"}
    changes = [
        {},
        {"fps": 25},
        {"camera": "d"},
        {"start_time": "2026-01-02T00:00Z"},
        {"dataset": "D"},
    ]
    ids = [load(content, **(given | change)).rows["id"][0] for change in changes]
    assert len(set(ids)) == len(changes)
    assert load(content, **given, where="x == 1").rows["id"][0] == ids[0]


def test_the_order_of_columns_and_rows_does_not_change_an_id(load):
    one = load("timestamp,camera_id,n\n2026-01-01T00:00Z,c,1\n2026-01-01T00:00Z,c,2\n")
    other = load("n,camera_id,timestamp\n2,c,2026-01-01T00:00Z\n1,c,2026-01-01T00:00Z\n")
    assert one.rows["id"].tolist() == other.rows["id"].tolist()[::-1]


def test_given_ids_are_kept_and_empty_ones_made(load):
    batch = load("id,timestamp,camera_id\nA1,2026-01-01T00:00Z,c\n,2026-01-01T00:00Z,c\n")
    assert batch.rows["id"][0] == "A1"
    assert uuid.UUID(batch.rows["id"][1]).version == 5


def test_equal_rows_stay_and_have_one_id(load):
    batch = load("timestamp,camera_id\n" + "2026-01-01T00:00Z,c\n" * 3)
    assert len(batch.rows) == 3 and batch.rows["id"].nunique() == 1
    assert batch.rows["source_row"].tolist() == [1, 2, 3]


def test_an_id_that_repeats_everywhere_is_asked_about(load):
    content = "id,timestamp,camera_id\n" + "".join(
        f"7,2026-01-01T00:00:0{n}Z,c\n" for n in range(6)
    )
    with pytest.raises(InvalidInputError, match="the appearance, the track or the identity"):
        load(content)
    batch = load(content, columns={"tracking_id": "id"})
    assert batch.rows["tracking_id"].tolist() == ["7"] * 6 and batch.rows["id"].nunique() == 6
    assert load(content, columns={"id": "id"}).rows["id"].tolist() == ["7"] * 6


# --- identities, cameras -----------------------------------------------------------------------


def test_unidentified_is_empty_or_what_was_said(load):
    content = "timestamp,camera_id,identity_id\n" + "".join(
        f"2026-01-01T00:00Z,c,{cell}\n" for cell in ["-1", "0", "00", "", "0002"]
    )
    assert load(content).rows["identity_id"].fillna("none").tolist() == [
        "-1",
        "0",
        "00",
        "none",
        "0002",
    ]
    said = load(content, unidentified=("-1", "0")).rows["identity_id"]
    assert said.fillna("none").tolist() == ["none", "none", "00", "none", "0002"]


def test_identities_from_tracks_and_the_name_of_the_dataset(load):
    content = "timestamp,camera_id,tracking_id\n2026-01-01T00:00Z,c1,7\n2026-01-01T00:00Z,c2,\n"
    rows = load(content, identity_from="track").rows
    assert rows["identity_id"].fillna("none").tolist() == ["c1/7", "none"]
    rows = load(content, identity_from="track", dataset="D").rows
    assert rows["identity_id"].fillna("none").tolist() == ["D:c1/7", "none"]
    assert rows["camera_id"].tolist() == ["D:c1", "D:c2"]
    assert rows["tracking_id"].fillna("none").tolist() == ["7", "none"]
    plain = load(
        "timestamp,pid\n2026-01-01T00:00Z,1\n2026-01-01T00:00Z,\n", dataset="D", camera="k"
    ).rows
    assert plain["identity_id"].fillna("none").tolist() == ["D:1", "none"]
    assert plain["camera_id"].tolist() == ["D:k", "D:k"]


# --- boxes, rejects ----------------------------------------------------------------------------


def test_corner_boxes_become_edges(load):
    batch = load(
        "timestamp,camera_id,x1,y1,x2,y2\n2026-01-01T00:00Z,c,-2,3,10,4.5\n2026-01-01T00:00Z,c,,,,\n"
    )
    box = batch.rows[["bbox_x", "bbox_y", "bbox_w", "bbox_h"]]
    assert box.iloc[0].tolist() == [-2, 3, 12, 1.5]
    assert box.iloc[1].isna().all()


@pytest.mark.parametrize(
    ("columns", "cells", "reject"),
    [
        ("x1,y1,x2,y2", "5,0,4,9", ("x2", "4", "less than x1")),
        ("x1,y1,x2,y2", "5,9,6,8", ("y2", "8", "less than y1")),
        ("x1,y1,x2,y2", "5,,6,8", ("x1", "5", "a part of a box")),
        ("left,top,width,height", "1,1,-1,1", ("width", "-1", "less than 0")),
        ("left,top,width,height", "1,1,wide,1", ("width", "wide", "not a number")),
        ("left,top,width,height", "1e999,1,1,1", ("left", "1e999", "not a finite number")),
        (
            "identity_id,track_id",
            f"{'x' * 201},1",
            ("identity_id", "x" * 197 + "...", "longer than 200 characters"),
        ),
        ("frame,n", "1.5,1", ("frame", "1.5", "not a whole number")),
    ],
)
def test_bad_cells_are_bad_rows_named_as_in_the_file(load, columns, cells, reject):
    empty = "," * cells.count(",")
    batch = load(
        f"timestamp,camera_id,{columns}\n2026-01-01T00:00Z,c,{cells}\n2026-01-01T00:00Z,c,{empty}\n"
    )
    assert reasons(batch) == [(2, *reject)]
    assert batch.rejects["file"].tolist() == ["seen.csv"]
    assert batch.rows["source_row"].tolist() == [2]


def test_one_reject_for_a_row_however_much_is_wrong_with_it(load):
    batch = load("timestamp,camera_id,frame\nnever,,x\n2026-01-01T00:00Z,c,1\n")
    assert reasons(batch) == [(2, "timestamp", "never", "not an ISO 8601 time")]
    assert len(batch.rows) + len(batch.rejects) == batch.read == 2


def test_an_empty_camera_is_a_bad_row(load):
    batch = load("timestamp,cam\n2026-01-01T00:00Z,\n2026-01-01T00:00Z,c\n", dataset="D")
    assert reasons(batch) == [(2, "cam", "", "missing")]


def test_rejects_come_in_the_order_of_the_file(load):
    batch = load("timestamp,camera_id\nnever,c\nbroken\n2026-01-01T00:00Z,c\n")
    assert batch.rejects["line"].tolist() == [2, 3]


def test_a_reject_shows_the_cell_of_the_file(load):
    cell = "x" * 199
    batch = load(f"timestamp,camera_id\n2026-01-01T00:00Z,{cell}\n", dataset="D")
    assert reasons(batch) == [(2, "camera_id", cell, "longer than 200 characters")]


def test_where_is_checked_before_a_row_is_read(write):
    path = write("timestamp,camera_id\n")
    with pytest.raises(InvalidInputError, match="no column of the file"):
        read_appearances(path, LoadOptions(where="list == 'x'"))


def test_positions_count_every_data_row(load):
    batch = load(
        "timestamp,camera_id,n\n2026-01-01T00:00Z,c,1\nbroken\n2026-01-01T00:00Z,c,2\n\n"
        "never,c,3\n2026-01-01T00:00Z,c,4\n",
        where="n != 2",
    )
    assert batch.position.tolist() == [0, 4]
    assert batch.line.tolist() == [2, 7]
    assert (batch.read, batch.filtered, len(batch.rejects)) == (5, 1, 2)
    assert batch.rejects["line"].tolist() == [3, 6]
    assert batch.rows["source_row"].tolist() == [1, 5]


def test_properties_that_are_too_long_are_a_bad_row(load):
    cells = "x" * 60_000
    batch = load(
        f"timestamp,camera_id,n,m\n2026-01-01T00:00Z,c,{cells},{cells}\n2026-01-01T00:00Z,c,1,\n"
    )
    assert [reason for *_, reason in reasons(batch)] == ["properties longer than 100000 characters"]
    assert json.loads(batch.rows["properties"][0]) == {"n": "1"}


def test_a_file_of_a_header_alone_has_no_rows(write):
    reader = read_appearances(write("timestamp,camera_id\n"))
    assert list(reader) == [] and reader.count() == 0


def test_a_reader_says_what_it_reads_and_can_be_read_again(write):
    body = "".join(f"2026-01-01T00:00:{n:02}Z,c,{n}\n" for n in range(25))
    reader = read_appearances(write("time,camera_id,pid\n" + body), batch_rows=10)
    assert (reader.format, reader.name, reader.count()) == ("csv", "seen.csv", 25)
    assert reader.options.meaning()["format"] == "csv"
    assert reader.columns_read_as == {"pid": "identity_id", "time": "timestamp"}
    first, second = ([batch.rows for batch in reader] for _ in range(2))
    assert [len(rows) for rows in first] == [10, 10, 5]
    pd.testing.assert_frame_equal(pd.concat(first), pd.concat(second))
    whole = next(iter(read_appearances(reader.file.path)))
    pd.testing.assert_frame_equal(pd.concat(first, ignore_index=True), whole.rows)
