"""Camera, adjacency, outage, identity and source tables."""

from __future__ import annotations

import pandas as pd
import pytest

from workbench import schema
from workbench.errors import InvalidInputError, NotFoundError
from workbench.readers import (
    LoadOptions,
    options_for,
    read_adjacency,
    read_cameras,
    read_identities,
    read_outages,
    read_sources,
)

STORED = {"load_id", "created_at", "updated_at"}


def reasons(rejects: pd.DataFrame) -> list[tuple[int, str, str]]:
    return list(rejects[["line", "column", "reason"]].itertuples(index=False, name=None))


def test_cameras_in_our_columns_and_kinds(write):
    path = write(
        "camera_id,name,x_m,y_m,z_m,azimuth_deg,fov,level,note\nc1,Hall,1,2.5,3,90,60,0,new\n"
    )
    found = read_cameras(path, LoadOptions(dataset="D"))
    rows, rejects = found
    assert set(rows.columns) == set(schema.CAMERA.names) - STORED
    for name in rows.columns:
        assert str(rows[name].dtype) == schema.CAMERA.column(name).dtype
    row = rows.iloc[0]
    assert row[["id", "name", "level", "properties"]].tolist() == [
        "D:c1",
        "Hall",
        "0",
        '{"note":"new"}',
    ]
    assert row[["position_x", "position_y", "position_z", "orientation", "fov"]].tolist() == [
        1,
        2.5,
        3,
        90,
        60,
    ]
    assert found.columns_read_as["azimuth_deg"] == "orientation"
    assert (found.read, len(rejects)) == (1, 0)


@pytest.mark.parametrize(("unit", "metres"), [("m", 10), ("ft", 3.048), ("mile", 16093.44)])
def test_positions_become_metres(write, unit, metres):
    path = write("id,position_x,orientation\nc1,10,10\n")
    row = read_cameras(path, LoadOptions(position_unit=unit)).rows.iloc[0]
    assert row["position_x"] == pytest.approx(metres) and row["orientation"] == 10


def test_a_unit_that_contradicts_a_name_is_refused(write):
    with pytest.raises(InvalidInputError, match="contradicts 'x_m'"):
        read_cameras(write("id,x_m\nc1,10\n"), LoadOptions(position_unit="ft"))


def test_camera_columns_and_the_question_about_two_ids(write):
    path = write("id,camera_id,breite\n1,c1,60\n")
    with pytest.raises(InvalidInputError, match="'id' or 'camera_id'"):
        read_cameras(path)
    columns = {"id": "camera_id", "fov": "breite"}
    row = read_cameras(path, LoadOptions(camera_columns=columns)).rows.iloc[0]
    assert (row["id"], row["fov"], row["properties"]) == ("c1", 60, '{"id":"1"}')


def test_bad_and_repeated_rows_of_a_table(write):
    path = write("id,fov\nc1,60\n,60\nc2,0\nc1,60\nc1,70\nc3\nc4,wide\n")
    rows, rejects = read_cameras(path)
    assert rows["id"].tolist() == ["c1"]
    assert reasons(rejects) == [
        (3, "id", "missing"),
        (4, "fov", "not above 0"),
        (6, "id", "id given before with other content"),
        (7, "", "1 cells where the header has 2"),
        (8, "fov", "not a number"),
    ]


def test_adjacency(write):
    path = write(
        "camera_a,camera_b,distance_m,time_s,directed,colour\na,b,40,,,x\nb,a,,12.5,yes,\nc,c,1,1,,\na,c,-1,,,\n"
    )
    found = read_adjacency(path, LoadOptions(dataset="D"))
    rows, rejects = found
    assert rows["from_camera"].tolist() == ["D:a", "D:b"] and rows["to_camera"].tolist() == [
        "D:b",
        "D:a",
    ]
    assert rows["distance_m"].fillna(-1).tolist() == [40, -1]
    assert rows["time_s"].fillna(-1).tolist() == [-1, 12.5]
    assert rows["directed"].tolist() == [False, True]
    assert reasons(rejects) == [
        (4, "camera_b", "a way from a camera to itself"),
        (5, "distance_m", "less than 0"),
    ]
    assert found.ignored == ("colour",)
    assert set(rows.columns) == set(schema.ADJACENT_TO.names) - STORED


def test_adjacency_without_directed_goes_both_ways(write):
    assert read_adjacency(write("from_camera,to_camera\na,b\n")).rows["directed"].tolist() == [
        False
    ]


def test_outages(write):
    path = write(
        "camera_id,start,end,source\na,2026-01-01T00:00Z,2026-01-01T01:00:00Z,log\n"
        "a,2026-01-02 00:00,2026-01-01 23:59,log\na,2026-01-03 00:00,,\n"
        ",2026-01-03 00:00,2026-01-04 00:00,\n"
    )
    rows, rejects = read_outages(path, LoadOptions(tz="Europe/Madrid", dataset="D"))
    assert rows["camera_id"].tolist() == ["D:a"]
    assert str(rows["start"].dtype) == "datetime64[us, UTC]"
    assert reasons(rejects) == [
        (3, "end", "ends before it starts"),
        (4, "end", "missing"),
        (5, "camera_id", "missing"),
    ]
    with pytest.raises(InvalidInputError, match="no time zone"):
        read_outages(path)


def test_identities(write):
    rows, _ = read_identities(
        write("person_id,name,group\n0020,Ada,DCAR\n89,,\n"), LoadOptions(dataset="D")
    )
    assert rows["id"].tolist() == ["D:0020", "D:89"]
    assert rows["name"].fillna("").tolist() == ["Ada", ""]
    assert rows["properties"].fillna("").tolist() == ['{"group":"DCAR"}', ""]
    assert not {"num_appearances", "has_face"} & set(rows.columns)


def test_sources_give_each_file_its_options(write):
    path = write(
        "file,camera_id,start_time,fps\n"
        "a.csv,c1,2026-01-01 08:00,30000/1001\nb.csv,c2,,\nx.csv,c3,,fast\n"
    )
    rows, rejects = read_sources(path, LoadOptions(tz="UTC", dataset="D"))
    assert reasons(rejects) == [(4, "fps", "no number of frames a second")]
    given = LoadOptions(dataset="D", where="n > 1")
    first = options_for("some/where/a.csv", given, rows)
    assert (first.camera, first.fps, first.start_time) == (
        "c1",
        "30000/1001",
        "2026-01-01T08:00:00.000000Z",
    )
    assert first.where == "n > 1"
    assert (options_for("b.csv", given, rows).camera, options_for("b.csv", given, rows).fps) == (
        "c2",
        None,
    )
    assert options_for("none.csv", given, rows) is given
    with pytest.raises(InvalidInputError, match="--camera and --sources both"):
        options_for("a.csv", LoadOptions(camera="k"), rows)


@pytest.mark.parametrize(
    ("read", "content", "says"),
    [
        (read_cameras, "name,fov\nx,1\n", "has no id"),
        (read_adjacency, "from_camera,x\na,b\n", "has no to_camera"),
        (read_outages, "camera_id,start\na,2026-01-01T00:00Z\n", "has no end"),
        (read_identities, "name\nAda\n", "has no identity_id"),
        (read_sources, "camera_id\nc\n", "has no file"),
        (read_cameras, "cam,camid\na,b\n", "Which column is id"),
    ],
)
def test_what_a_table_lacks_is_said(write, read, content, says):
    with pytest.raises(InvalidInputError, match=says) as caught:
        read(write(content))
    assert caught.value.where and caught.value.next


def test_missing_and_empty_tables(write, tmp_path):
    with pytest.raises(NotFoundError):
        read_cameras(tmp_path / "none.csv")
    rows, rejects = read_cameras(write("id,fov\n"))
    assert len(rows) == len(rejects) == 0
    assert str(rows["fov"].dtype) == "float64"


def test_tables_come_zipped_and_as_parquet(write, tmp_path):
    assert read_identities(write("pid,name\n1,Ada\n", "p.csv.gz")).rows["id"].tolist() == ["1"]
    pd.DataFrame({"id": ["c1"], "position_x": [1.5]}).to_parquet(tmp_path / "c.parquet")
    assert read_cameras(tmp_path / "c.parquet").rows["position_x"].tolist() == [1.5]
