"""Places in degrees: cameras, sightings and outlines on the plane of an origin."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import workbench
from workbench.errors import ConflictError, InvalidInputError
from workbench.geography import Origin, middle, origin_of
from workbench.readers import LoadOptions, detect, read_cameras, read_floor_plan
from workbench.readers import outline as outlines

HARBOUR = Path(__file__).resolve().parents[2] / "data" / "samples" / "harbour"
ORIGIN = "-9.14,38.705"
SQUARE = [[-9.141, 38.704], [-9.139, 38.704], [-9.139, 38.706], [-9.141, 38.706], [-9.141, 38.704]]


# Length of a degree on WGS 84, as tables of geodesy print it (metres, east and north).
@pytest.mark.parametrize(
    ("latitude", "east", "north"),
    [(0, 111_320, 110_574), (45, 78_847, 111_132), (60, 55_800, 111_412)],
)
def test_a_degree_is_as_long_as_the_tables_say(latitude, east, north):
    here = Origin(10, latitude)
    x, _ = here.metres(np.array([11.0]), np.array([float(latitude)]))
    _, y = here.metres(np.array([10.0]), np.array([latitude + 1.0]))
    assert (x[0], y[0]) == (pytest.approx(east, abs=1), pytest.approx(north, abs=1))


def test_a_site_on_the_date_line_is_one_site():
    x, _ = Origin(179.999, 0).metres(np.array([-179.999]), np.array([0.0]))
    assert x[0] == pytest.approx(222.64, abs=0.01)
    longitude, _ = Origin(179.999, 0).degrees(x, np.array([0.0]))
    assert longitude[0] == pytest.approx(-179.999)


@pytest.mark.parametrize("text", ["", "1", "1,2,3", "181,0", "0,90", "x,y", "nan,0", "1;2"])
def test_what_is_no_point_of_the_globe_is_refused(text):
    with pytest.raises(InvalidInputError, match="--origin"):
        LoadOptions(origin=text)


def test_an_origin_has_one_form_and_older_loads_keep_their_meaning():
    assert LoadOptions(origin=" -9.140 , 38.7050").origin == ORIGIN
    assert LoadOptions(origin=ORIGIN).meaning()["origin"] == ORIGIN
    assert "origin" not in LoadOptions().meaning()


def test_cameras_in_degrees_become_metres_and_keep_their_degrees(write):
    path = write("camera_id,lng,lat,note\na,-9.14,38.705,x\nb,-9.139,38.706,\nc,,,\n")
    found = read_cameras(path, LoadOptions(origin=ORIGIN))
    rows = found.rows
    assert rows["position_x"].round(2).tolist()[:2] == [0, 86.98]
    assert rows["position_y"].round(2).tolist()[:2] == [0, 111.01]
    assert rows["position_x"].isna().tolist() == [False, False, True]
    assert json.loads(rows["properties"][0]) == {
        "latitude": "38.705",
        "longitude": "-9.14",
        "note": "x",
    }
    assert found.columns_read_as == {"camera_id": "id", "lat": "latitude", "lng": "longitude"}
    assert found.kept == ("note",)
    assert str(origin_of(rows)) == ORIGIN


def test_metres_count_where_both_are_given(write):
    path = write("id,x_m,y_m,lon,lat\na,1,2,-9.14,38.705\n")
    row = read_cameras(path).rows.iloc[0]
    assert (row["position_x"], row["position_y"]) == (1, 2)


def test_degrees_without_an_origin_are_refused_with_one_to_say(write):
    with pytest.raises(InvalidInputError) as refused:
        read_cameras(write("id,lon,lat\na,-9.141,38.7049\nb,-9.139,38.7051\n"))
    assert refused.value.next.endswith("--origin=-9.14,38.7")


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ("-9.14,", "longitude and latitude go together"),
        ("-9.14,91", "more than 90"),
        ("-190,38.7", "less than -180"),
        ("38.705,-9.14", "more than 100 km from --origin (LON,LAT)"),
        ("east,38.7", "not a number"),
    ],
)
def test_a_place_that_is_none_is_a_bad_row(write, cells, reason):
    path = write(f"id,lon,lat\na,-9.14,38.705\nb,{cells}\n")
    rows, rejects = read_cameras(path, LoadOptions(origin=ORIGIN))
    assert rows["id"].tolist() == ["a"]
    assert reason in rejects["reason"].iloc[0] and rejects["line"].tolist() == [3]


def test_sightings_in_degrees_stand_on_the_floor(load):
    text = "time,cam,longitude,latitude\n2026-01-01T00:00Z,c,-9.139,38.706\n2026-01-01T00:00Z,c,,\n"
    rows = load(text, origin=ORIGIN).rows
    assert rows["floor_x_m"].round(2).tolist()[0] == 86.98
    assert rows["floor_y_m"].isna().tolist() == [False, True]
    assert rows["properties"].isna().all()
    assert load(text).rows["floor_x_m"].isna().all()
    assert json.loads(load(text).rows["properties"][0])["latitude"] == "38.706"


def test_naming_a_column_of_degrees_asks_for_the_origin():
    with pytest.raises(InvalidInputError, match="--origin"):
        LoadOptions(columns={"longitude": "east"})


def test_an_origin_is_known_only_where_metres_and_degrees_agree():
    place = '{"latitude":"38.706","longitude":"-9.139"}'
    cameras = pd.DataFrame({"position_x": [86.98], "position_y": [111.01], "properties": [place]})
    found = origin_of(cameras)
    assert (found.longitude, found.latitude) == (pytest.approx(-9.14), pytest.approx(38.705))
    turned = pd.concat([cameras, cameras.assign(position_x=-111.01)], ignore_index=True)
    assert origin_of(turned) is None
    assert origin_of(cameras.assign(properties='{"latitude":[1]}')) is None
    assert origin_of(cameras.drop(columns="properties")) is None


def test_a_middle_is_a_round_number_or_none():
    series = pd.Series([-9.1412, -9.1388, np.nan])
    assert str(middle(series, pd.Series([38.7049, 38.7051, 1.0]))) == "-9.14,38.7"
    assert middle(series, pd.Series([np.nan] * 3)) is None


def outline(write, geometry: object) -> Path:
    write(json.dumps(geometry), "site.geojson")
    return write("{level: quay, outline: site.geojson}", "site.yaml")


def test_an_outline_is_drawn_where_it_lies(write):
    path = outline(write, {"type": "Polygon", "coordinates": [SQUARE]})
    plan = read_floor_plan(path, LoadOptions(origin=ORIGIN)).iloc[0]
    assert (plan["level"], plan["media_type"]) == ("quay", "image/png")
    with Image.open(io.BytesIO(plan["image"])) as picture:
        assert picture.size == (plan["width_px"], plan["height_px"])
        grey = np.asarray(picture.convert("L"))
    line = np.argwhere(grey < 180)
    # The outer edges of the square, in metres from the origin: 87.0 east and west, 111.0 up, down.
    x = (line[:, 1] + 0.5 - plan["origin_x_px"]) * plan["metres_per_pixel"]
    y = (plan["origin_y_px"] - line[:, 0] - 0.5) * plan["metres_per_pixel"]
    assert (x.min(), x.max()) == (pytest.approx(-87, abs=0.5), pytest.approx(87, abs=0.5))
    assert (y.min(), y.max()) == (pytest.approx(-111, abs=0.5), pytest.approx(111, abs=0.5))
    inside = grey[round(plan["origin_y_px"]), round(plan["origin_x_px"])]
    assert grey[0, 0] == 255 and inside < 255


def test_a_hole_is_paper_again(write):
    hole = (np.array(SQUARE) * 0.5 + np.array([-9.14, 38.705]) * 0.5).tolist()
    path = outline(write, {"type": "Polygon", "coordinates": [SQUARE, hole]})
    plan = read_floor_plan(path, LoadOptions(origin=ORIGIN)).iloc[0]
    with Image.open(io.BytesIO(plan["image"])) as picture:
        middle_px = (round(plan["origin_x_px"]), round(plan["origin_y_px"]))
        assert picture.getpixel(middle_px) == (255, 255, 255)


@pytest.mark.parametrize(
    ("geometry", "says"),
    [
        ({"type": "Point", "coordinates": [0, 0]}, "neither lines nor areas"),
        ({"type": "FeatureCollection", "features": []}, "neither lines nor areas"),
        ({"type": "Feature", "geometry": None}, "neither lines nor areas"),
        ({"type": "Circle"}, "cannot be read"),
        ([], "cannot be read"),
        ({"type": "LineString", "coordinates": [[0, 0]]}, "cannot be read"),
        ({"type": "LineString", "coordinates": [[0], [1]]}, "cannot be read"),
        ({"type": "LineString", "coordinates": [["a", 0], [1, 0]]}, "cannot be read"),
        ({"type": "LineString", "coordinates": 5}, "cannot be read"),
        ({"type": "LineString", "coordinates": [[0, 0], [1, 0]]}, "more than 100 km"),
        ({"type": "LineString", "coordinates": [[-9.14, 38.7], [float("nan"), 0]]}, "more than"),
    ],
)
def test_an_outline_that_cannot_be_drawn_is_refused(write, geometry, says):
    with pytest.raises(InvalidInputError, match=says):
        read_floor_plan(outline(write, geometry), LoadOptions(origin=ORIGIN))


def test_an_outline_has_limits_and_stays_in_its_folder(write, monkeypatch):
    path = outline(write, {"type": "LineString", "coordinates": SQUARE})
    with pytest.raises(InvalidInputError, match="nothing says"):
        read_floor_plan(path)
    monkeypatch.setattr(outlines, "MOST_POINTS", 4)
    with pytest.raises(InvalidInputError, match="more than 4 points"):
        read_floor_plan(path, LoadOptions(origin=ORIGIN))
    monkeypatch.setattr(outlines, "LARGEST", 10)
    with pytest.raises(InvalidInputError, match="larger than 10 bytes"):
        read_floor_plan(path, LoadOptions(origin=ORIGIN))
    with pytest.raises(InvalidInputError, match="leaves the folder"):
        read_floor_plan(write("{level: a, outline: ../x.geojson}", "far.yaml"))


def test_detect_tells_files_in_degrees():
    told = {name: detect(HARBOUR / name) for name in ("cameras.csv", "sightings.csv")}
    assert [one.format for one in told.values()] == ["cameras", "csv"]
    for one in told.values():
        assert "--origin=-9.14,38.71" in one.next and "which all files" in one.reason
    assert told["sightings.csv"].columns_as_properties == []
    assert detect(HARBOUR / "quarter.yaml").format == "floor-plan"
    assert detect(HARBOUR / "quarter.geojson").format == "outline"


def test_a_site_has_one_origin(tmp_path):
    store = tmp_path / "store"
    given = {"cameras": HARBOUR / "cameras.csv", "floor_plan": HARBOUR / "quarter.yaml"}
    workbench.ingest(store, **given, origin=ORIGIN, quiet=True)
    for files in ({"files": HARBOUR / "sightings.csv"}, given):
        with pytest.raises(ConflictError, match="The origin of this site is"):
            workbench.ingest(store, **files, origin="-9.15,38.7", quiet=True)
    workbench.ingest(store, HARBOUR / "sightings.csv", origin=" -9.140,38.7050", quiet=True)
