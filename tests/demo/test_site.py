"""The site as tables: the same every time, the right size, and physically possible."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from workbench import schema
from workbench.demo import Site, building, simulate
from workbench.demo.building import EYES, LEVELS

TABLES = ("cameras", "adjacency", "outages", "floor_plans", "identities", "appearances", "truth")


@pytest.fixture(params=["small", "full"])
def site(request: pytest.FixtureRequest) -> Site:
    """Return each of the two sites."""
    found: Site = request.getfixturevalue(request.param)
    return found


def passes(site: Site) -> pd.DataFrame:
    """Return the sightings with level, true person and what follows in the same track."""
    rows = site.appearances.assign(person=site.truth["person"])
    levels = site.cameras.set_index("id")["level"]
    rows["level"] = rows["camera_id"].map(levels)
    return rows


# ------------------------------------------------------------------ the same every time
def test_the_same_seed_makes_the_same_site(small: Site) -> None:
    again = simulate(small=True)
    for name in TABLES:
        pd.testing.assert_frame_equal(getattr(small, name), getattr(again, name), check_exact=True)
    assert small.answers == again.answers
    for one, other in zip(small.batches(), again.batches(), strict=True):
        pd.testing.assert_frame_equal(one[0], other[0], check_exact=True)
        for mine, theirs in zip(one[1:], other[1:], strict=True):
            assert mine.tobytes() == theirs.tobytes()


def test_another_seed_makes_another_site(small: Site) -> None:
    other = simulate(small=True, seed=8)
    assert set(other.identities["name"].dropna()) != set(small.identities["name"].dropna())
    pd.testing.assert_frame_equal(other.cameras, small.cameras)


@pytest.mark.parametrize("seed", [0, 11, 2**32 - 1])
def test_any_seed_has_all_stories(seed: int) -> None:
    stories = [answer["story"] for answer in simulate(small=True, seed=seed).answers]
    assert len(stories) == len(set(stories)) == 9


# ------------------------------------------------------------------ how much of it
def test_the_full_site_is_as_large_as_it_says(full: Site) -> None:
    assert 41_000 <= len(full.appearances) <= 46_000
    assert 370 <= len(full.identities) <= 430
    days = full.appearances["timestamp"].dt.day_name().unique().tolist()
    assert days == ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday"]


def test_the_small_site_is_small(small: Site) -> None:
    assert 4_000 <= len(small.appearances) <= 6_500
    assert 90 <= len(small.identities) <= 130


def test_tables_are_as_the_schema_says(site: Site) -> None:
    for name, table in (
        ("cameras", schema.CAMERA), ("adjacency", schema.ADJACENT_TO), ("outages", schema.OUTAGE),
        ("floor_plans", schema.FLOOR_PLAN), ("identities", schema.IDENTITY),
        ("appearances", schema.APPEARANCE),
    ):  # fmt: skip
        table.check(getattr(site, name))
    assert site.appearances["timestamp"].is_monotonic_increasing
    assert set(site.appearances["identity_id"].dropna()) == set(site.identities["id"])


def test_one_in_twelve_is_nobody_known_whole_passes_of_poor_quality(site: Site) -> None:
    rows = site.appearances
    nobody = rows["identity_id"].isna()
    assert 0.06 < nobody.mean() < 0.11
    by_track = nobody.groupby([rows["camera_id"], rows["tracking_id"]]).nunique()
    assert (by_track == 1).all()
    assert rows[nobody]["reid_quality"].mean() < rows[~nobody]["reid_quality"].mean() - 0.06
    assert rows["match_confidence"].isna().equals(nobody)


def test_a_face_is_seen_about_every_second_time(site: Site) -> None:
    assert 0.4 < site.appearances["face_quality"].isna().mean() < 0.6
    frame, faces, bodies = next(site.batches())
    assert np.isnan(faces).all(axis=1).tolist() == frame["face_quality"].isna().tolist()
    assert faces.shape == bodies.shape == (len(frame), 512)
    assert faces.dtype == bodies.dtype == np.float32
    assert not np.isnan(bodies).any()


def test_most_people_have_a_name_and_names_are_not_given_twice(site: Site) -> None:
    names = site.identities["name"]
    assert 0.7 < names.notna().mean() < 0.97
    assert names.dropna().is_unique
    assert names.isna().equals(site.identities["properties"].isna())


# ------------------------------------------------------------------ what can be
def test_everybody_is_seen_where_one_can_stand(site: Site) -> None:
    rows = passes(site)
    assert rows["floor_x_m"].between(0, building.WIDTH_M).all()
    assert rows["floor_y_m"].between(0, building.DEPTH_M).all()
    for level in LEVELS:
        here = rows[rows["level"] == level]
        x, y = here["floor_x_m"].to_numpy(), here["floor_y_m"].to_numpy()
        assert building.clearance(level)[building.cell_of(x, y)].min() > 0.1


def test_a_camera_sees_what_is_in_front_of_it(site: Site) -> None:
    eyes = pd.DataFrame(EYES).set_index("id").loc[site.appearances["camera_id"]]
    east = site.appearances["floor_x_m"].to_numpy() - eyes["x"].to_numpy()
    north = site.appearances["floor_y_m"].to_numpy() - eyes["y"].to_numpy()
    assert (np.hypot(east, north) <= eyes["range_m"].to_numpy() + 0.5).all()
    off = np.degrees(np.arctan2(east, north)) - eyes["orientation"].to_numpy()
    off = np.abs((off + 180) % 360 - 180)
    near = np.hypot(east, north) < 2
    assert (off[~near] <= eyes["fov"].to_numpy()[~near] / 2 + 10).all()


def test_nobody_is_faster_than_people_are(site: Site) -> None:
    rows = passes(site).sort_values(["person", "timestamp"])
    step = rows.groupby("person")[["floor_x_m", "floor_y_m"]].diff()
    seconds = rows.groupby("person")["timestamp"].diff().dt.total_seconds()
    same = rows["level"] == rows.groupby("person")["level"].shift()
    metres = np.hypot(step["floor_x_m"], step["floor_y_m"])[same] - 0.6  # measured, not exact
    assert (metres <= 2.3 * seconds[same]).all()


def test_walking_speeds_are_those_of_people(site: Site) -> None:
    rows = passes(site)
    track = rows.groupby(["camera_id", "tracking_id"])
    step = track[["floor_x_m", "floor_y_m"]].diff()
    seconds = track["timestamp"].diff().dt.total_seconds()
    speed = np.hypot(step["floor_x_m"], step["floor_y_m"]) / seconds
    walking = speed[(seconds > 1.5) & (seconds < 4.5) & (speed > 0.5)]
    assert 1.15 < walking.median() < 1.45
    assert 0.12 < walking.std() < 0.4
    assert 2.3 < seconds[speed > 0.5].median() < 3.2


def test_whoever_stands_is_seen_often_enough_to_be_one_visit(site: Site) -> None:
    rows = passes(site)
    gaps = rows.groupby(["camera_id", "tracking_id"])["timestamp"].diff().dt.total_seconds()
    assert (gaps.dropna() <= 30).mean() > 0.98
    assert 12 < gaps[gaps > 8].median() < 18


def test_dwell_times_have_a_long_tail(full: Site) -> None:
    track = full.appearances.groupby(["camera_id", "tracking_id"])["timestamp"]
    dwell = (track.max() - track.min()).dt.total_seconds()
    by_camera = dwell.groupby("camera_id")
    assert by_camera.median()["cam_02"] > 2.5 * by_camera.median()["cam_06"]  # queue, corridor
    stays = dwell["cam_02"][dwell["cam_02"] > 20]
    assert stays.mean() > stays.median() and 35 < stays.median() < 150


def test_the_building_lives_by_day(full: Site) -> None:
    hours = full.appearances["timestamp"].dt.hour
    assert hours.between(5, 21).all()
    assert hours.between(7, 18).mean() > 0.95
    share = hours.value_counts(normalize=True)
    assert share[12] > share[15] and share[8] > share[7]


def test_people_come_on_about_three_days_in_four(full: Site) -> None:
    people = full.identities.set_index("id")["properties"].astype("str")
    staff = people[people.str.contains('"role":"staff"', regex=False)].index
    rows = full.appearances[full.appearances["identity_id"].isin(staff)]
    days = rows.groupby("identity_id")["timestamp"].agg(lambda times: times.dt.date.nunique())
    assert 0.68 < days.mean() / 5 < 0.85


def test_boxes_lie_in_the_picture_and_shrink_with_distance(site: Site) -> None:
    rows = site.appearances
    assert (rows["bbox_x"] >= 0).all() and (rows["bbox_x"] + rows["bbox_w"] <= 1920.2).all()
    assert (rows["bbox_y"] >= 0).all() and (rows["bbox_y"] + rows["bbox_h"] <= 1080.2).all()
    eye = next(one for one in EYES if one.id == "cam_01")
    here = rows[rows["camera_id"] == eye.id]
    away = np.hypot(here["floor_x_m"] - eye.x, here["floor_y_m"] - eye.y)
    assert np.corrcoef(away, here["bbox_h"])[0, 1] < -0.8


def test_tracks_are_one_person_each(site: Site) -> None:
    rows = passes(site)
    assert (rows.groupby(["camera_id", "tracking_id"])["person"].nunique() == 1).all()
