"""The building: it hangs together, walls are walls, and the drawing shows what is there."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from workbench.demo import building, drawing, site
from workbench.demo.building import EYES, FIRST, GROUND, LEVELS, SPACES
from workbench.demo.movement import Gait, Log
from workbench.demo.people import spot_in
from workbench.demo.ways import Habit, Spot, metres, reachable, way


def crossings(level: np.ndarray, x: np.ndarray, y: np.ndarray) -> int:
    """Return how many steps of a walk cross a wall of their level."""
    found = 0
    for number, name in enumerate(LEVELS):
        both = (level[:-1] == number) & (level[1:] == number)
        a, b = np.column_stack([x, y])[:-1][both], np.column_stack([x, y])[1:][both]
        for x0, y0, x1, y1 in building.walls(name):
            axis, at = (0, x0) if x0 == x1 else (1, y0)
            low, high = (y0, y1) if x0 == x1 else (x0, x1)
            over = (a[:, axis] - at) * (b[:, axis] - at) < 0
            share = (at - a[over, axis]) / (b[over, axis] - a[over, axis])
            where = a[over, 1 - axis] + share * (b[over, 1 - axis] - a[over, 1 - axis])
            found += int(((where > low) & (where < high)).sum())
    return found


def test_every_space_can_be_walked_to() -> None:
    assert reachable() == {(one.level, one.name) for one in SPACES}


def test_spaces_fill_the_building_without_overlap() -> None:
    for level in LEVELS:
        rooms = [one for one in SPACES if one.level == level]
        area = sum((one.x1 - one.x0) * (one.y1 - one.y0) for one in rooms)
        assert area == pytest.approx(building.WIDTH_M * building.DEPTH_M)


def test_nobody_walks_through_a_wall() -> None:
    rng = np.random.default_rng(1)
    log = Log(rng)
    rooms = [one for one in SPACES if one.kind not in ("stairs", "lift")]
    for number in range(300):
        a, b = (rooms[n] for n in rng.integers(len(rooms), size=2))
        here, there = (spot_in(one.level, one.name, rng, margin=0.6) for one in (a, b))
        habit = Habit(lift=bool(rng.integers(2)), back=bool(rng.integers(2)))
        lane = rng.uniform(-0.9, 0.9)
        log.walk(number, 0, 0.0, here, there, Gait(1.3, lane, habit))
    for _, walk in log.points().groupby("person"):
        assert crossings(*(walk[name].to_numpy() for name in ("level", "x", "y"))) == 0


def test_a_way_is_as_long_there_as_back() -> None:
    here, there = Spot(GROUND, "Lobby", 32, 1), Spot(FIRST, "Legal", 60, 3)
    assert metres(way(here, there, Habit())) == pytest.approx(
        metres(way(there, here, Habit())), rel=0.02
    )


def test_whoever_likes_the_lift_waits_for_it() -> None:
    here, there = Spot(GROUND, "Lobby", 32, 1), Spot(FIRST, "Lounge", 33, 3)
    assert not way(here, there, Habit()).waits
    assert len(way(here, there, Habit(lift=True)).waits) == 2


def test_the_back_way_leads_round_the_cameras() -> None:
    path = way(
        Spot(GROUND, "West passage", 14.5, 17), Spot(GROUND, "East passage", 49.5, 17),
        Habit(back=True),
    )  # fmt: skip
    column, row = building.cell_of(path.x, path.y)
    seen = building.seen_by(GROUND)[column, row] > 0
    unseen_m = metres(path) * (1 - seen.mean())
    assert unseen_m / 1.35 > 30
    assert path.y.max() > 26


def test_cameras_see_within_their_field_of_view_and_not_through_walls() -> None:
    for level in LEVELS:
        seen = building.seen_by(level)
        for number, eye in enumerate(EYES):
            column, row = ((seen >> number) & 1).nonzero()
            if eye.level != level:
                assert len(column) == 0
                continue
            x, y = (column + 0.5) * building.CELL_M, (row + 0.5) * building.CELL_M
            assert np.hypot(x - eye.x, y - eye.y).max() <= eye.range_m
            assert len(column) * building.CELL_M**2 > 15
            lines = [
                np.array([(eye.x, eye.y), (a, b)]) for a, b in zip(x[::7], y[::7], strict=True)
            ]
            flat = np.full(2, LEVELS.index(level))
            assert not any(crossings(flat, line[:, 0], line[:, 1]) for line in lines)


def test_at_least_twelve_cameras_that_know_their_neighbours() -> None:
    cameras, ways = site.cameras(), site.adjacency()
    assert len(cameras) >= 12 and set(cameras["level"]) == set(LEVELS)
    known = ["position_x", "position_y", "position_z", "orientation", "fov", "name", "location"]
    assert cameras[known].notna().all().all()
    assert set(ways["from_camera"]) | set(ways["to_camera"]) == set(cameras["id"])
    pace = ways["distance_m"] / ways["time_s"]
    assert pace.between(0.8, 1.5).all()
    levels = cameras.set_index("id")["level"]
    between = levels[ways["from_camera"]].to_numpy() != levels[ways["to_camera"]].to_numpy()
    assert between.sum() == 2


def test_the_drawing_shows_walls_where_walls_are_and_doors_open() -> None:
    plans = drawing.floor_plans()
    assert plans["level"].tolist() == list(LEVELS)
    for plan in plans.to_dict("records"):
        image = Image.open(io.BytesIO(plan["image"])).convert("L")
        assert image.size == (plan["width_px"], plan["height_px"])
        grey = np.asarray(image)

        def shade(x: float, y: float, plan: dict = plan, grey: np.ndarray = grey) -> int:
            column = plan["origin_x_px"] + x / plan["metres_per_pixel"]
            row = plan["origin_y_px"] - y / plan["metres_per_pixel"]
            return int(grey[round(row), round(column)])

        walls = building.walls(plan["level"])
        assert max(shade((a + c) / 2, (b + d) / 2) for a, b, c, d in walls) < 130
        doors = [o for o in building.OPENINGS if o.level == plan["level"]]
        assert min(shade(*door.middle) for door in doors) > 180
