"""Ways between cameras: by hand, and against a search through every way there is."""

from __future__ import annotations

import itertools
import math
from dataclasses import FrozenInstanceError
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.analytics.paths import (
    AdjacencyWarning,
    CameraPath,
    camera_path,
    warn_if_complete,
)
from workbench.errors import InvalidInputError, NotFoundError

NAN = float("nan")


def ways(*rows: tuple[Any, ...]) -> pd.DataFrame:
    names = ["from_camera", "to_camera", "distance_m", "time_s", "directed"]
    full = [(*row, *(NAN, NAN, False)[len(row) - 2 :]) for row in rows]
    return pd.DataFrame(full, columns=names)


def test_small_site(site: Any, answers: Any) -> None:
    for said in answers["paths"]:
        found = camera_path(site["adjacency"], said["from"], said["to"], by=said["by"])
        assert list(found.cameras) == said["cameras"]
        assert (found.hops, found.distance_m, found.time_s) == (
            said["hops"],
            said["distance_m"],
            said["time_s"],
        )


def test_one_way_is_one_way() -> None:
    table = ways(("a", "b", 1.0, 1.0, True))
    assert camera_path(table, "a", "b").cameras == ("a", "b")
    with pytest.raises(NotFoundError, match="No way leads from camera 'b'"):
        camera_path(table, "b", "a")


def test_ties_by_the_sequence_of_ids_in_code_point_order() -> None:
    table = ways(("a", "é"), ("é", "z"), ("a", "B"), ("B", "z"), ("a", "b"), ("b", "z"))
    assert camera_path(table, "a", "z").cameras == ("a", "B", "z")


def test_ties_of_length_are_not_decided_by_rounding() -> None:
    # 0.1 + 0.2 + 0.3 is more than 0.6 to a computer that adds floats.
    long = [("a", "b", 0.3), ("b", "c", 0.2), ("c", "z", 0.1)]
    table = ways(*long, ("a", "d", 0.6), ("d", "z", 0.0))
    assert camera_path(table, "a", "z", by="distance").cameras == ("a", "b", "c", "z")


def test_steps_of_no_length_make_no_circles() -> None:
    table = ways(("a", "b", 0.0), ("b", "c", 0.0), ("a", "c", 0.0), ("c", "z", 1.0))
    assert camera_path(table, "a", "z", by="distance").cameras == ("a", "b", "c", "z")


def test_a_step_of_unknown_length_is_no_way_by_distance() -> None:
    table = ways(("a", "z", NAN, 1.0), ("a", "b", 1.0, 9.0), ("b", "z", 1.0, 9.0))
    assert camera_path(table, "a", "z") == CameraPath(("a", "z"), 1, None, 1.0)
    assert camera_path(table, "a", "z", by="distance").cameras == ("a", "b", "z")
    with pytest.raises(NotFoundError, match="distance is known"):
        camera_path(ways(("a", "z")), "a", "z", by="distance")


def test_its_own_row_comes_before_the_reverse_of_another() -> None:
    table = ways(("a", "b", 10.0, NAN), ("b", "a", 7.0, 3.0))
    assert camera_path(table, "a", "b") == CameraPath(("a", "b"), 1, 10.0, 3.0)
    assert camera_path(table, "b", "a") == CameraPath(("b", "a"), 1, 7.0, 3.0)


def test_from_a_camera_to_itself() -> None:
    table = ways(("a", "b"), ("c", "c", 5.0))
    for camera in ("a", "c"):
        found = camera_path(table, camera, camera, by="time")
        assert found == CameraPath((camera,), 0, 0.0, 0.0)


def test_unknown_cameras_are_named() -> None:
    with pytest.raises(NotFoundError, match="no camera 'x'"):
        camera_path(ways(("a", "b")), "a", "x")
    cameras = pd.DataFrame({"id": ["x"]})
    with pytest.raises(NotFoundError, match="No way"):
        camera_path(ways(("a", "b")), "a", "x", cameras=cameras)
    assert camera_path(ways(("a", "b")), "x", "x", cameras=cameras).hops == 0


def test_by_something_else_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="'stairs'"):
        camera_path(ways(("a", "b")), "a", "b", by="stairs")  # type: ignore[arg-type]


def test_the_answer_is_frozen() -> None:
    found = camera_path(ways(("a", "b")), "a", "b")
    with pytest.raises(FrozenInstanceError):
        found.hops = 3  # type: ignore[misc]


def slow_path(rows: list[tuple[Any, ...]], a: str, b: str, by: str) -> tuple[str, ...] | None:
    """Try every sequence of distinct cameras."""
    steps: dict[tuple[str, str], float] = {}
    for one, two, distance, time, directed in rows:
        weight = {"hops": 1, "distance": distance, "time": time}[by]
        steps[one, two] = weight
        if not directed:
            steps.setdefault((two, one), weight)
    others = sorted({camera for row in rows for camera in row[:2]} - {a, b})
    best: tuple[float, tuple[str, ...]] | None = None
    for n in range(len(others) + 1):
        for between in itertools.permutations(others, n):
            way = (a, *between, b)
            lengths = [steps.get(pair, NAN) for pair in itertools.pairwise(way)]
            if not any(map(math.isnan, lengths)):
                best = min(best or (math.inf, ()), (sum(lengths), way))
    return best[1] if best else None


LENGTH = st.sampled_from([0.0, 1.0, 2.0, NAN])
ROWS = st.lists(
    st.tuples(
        st.sampled_from("abcde"), st.sampled_from("abcde"), LENGTH, LENGTH, st.booleans()
    ).filter(lambda row: row[0] != row[1]),
    max_size=9,
    unique_by=lambda row: frozenset(row[:2]),
)


@settings(max_examples=200, deadline=None)
@given(rows=ROWS, by=st.sampled_from(["hops", "distance", "time"]))
def test_as_found_by_trying_every_way(rows: list[tuple[Any, ...]], by: Any) -> None:
    cameras = pd.DataFrame({"id": list("abcde")})
    said = slow_path(rows, "a", "e", by)
    if said is None:
        with pytest.raises(NotFoundError):
            camera_path(ways(*rows), "a", "e", by=by, cameras=cameras)
    else:
        assert camera_path(ways(*rows), "a", "e", by=by, cameras=cameras).cameras == said


BACK = {"from_camera": "to_camera", "to_camera": "from_camera"}


def pairs_of(n: int, left_out: int = 0) -> pd.DataFrame:
    pairs = list(itertools.combinations([f"c{i:02d}" for i in range(n)], 2))
    pairs = pairs[: len(pairs) - left_out]
    return pd.DataFrame(pairs, columns=["from_camera", "to_camera"]).assign(
        distance_m=1.0, time_s=NAN, directed=False
    )


@pytest.mark.parametrize(("cameras", "left_out"), [(11, 0), (11, 5), (20, 19)])
def test_distances_of_all_pairs_are_no_adjacency(cameras: int, left_out: int) -> None:
    ways = pairs_of(cameras, left_out)
    with pytest.warns(AdjacencyWarning, match=f"makes {len(ways)} of the .* 'blind'"):
        warn_if_complete(ways)
    both_ways = pd.concat([ways, ways.rename(columns=BACK)]).assign(directed=True)
    with pytest.warns(AdjacencyWarning, match=f"ways.csv makes {len(ways)} of the"):
        warn_if_complete(both_ways, name="ways.csv")


@pytest.mark.parametrize(("cameras", "left_out"), [(10, 0), (11, 6), (20, 20), (1, 0)])
def test_few_cameras_or_fewer_pairs_may_be_an_adjacency(cameras: int, left_out: int) -> None:
    warn_if_complete(pairs_of(cameras, left_out))  # a warning would be an error here
