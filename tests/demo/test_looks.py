"""The looks of the people of the demo spread like those of real models: held as ranges.

`docs/explanation/demo-site.md` says which real figures stand behind the ranges.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from workbench.demo import silhouettes
from workbench.demo.looks import Looks

PEOPLE, CAMERAS, DAYS, ROWS = 200, 10, 4, 14_000
LOOKALIKES = [(0, 1), (2, 3), (3, 4)]


def rows_of(n: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "person": rng.integers(0, PEOPLE, n),
            "day": rng.integers(0, DAYS, n),
            "camera": rng.integers(0, CAMERAS, n),
            "facing": rng.uniform(0, 180, n),
            "distance_m": 1 + rng.gamma(4, 1.6, n),
            "occlusion": np.clip(rng.beta(1, 8, n) * 1.2, 0, 1),
        }
    )


@dataclass
class Seen:
    rows: pd.DataFrame
    faces: np.ndarray
    bodies: np.ndarray
    looks: Looks

    def of(self, name: str) -> np.ndarray:
        return self.rows[name].to_numpy()


@pytest.fixture(scope="module")
def seen() -> Seen:
    looks = Looks.of(PEOPLE, CAMERAS, DAYS, seed=7, lookalikes=LOOKALIKES)
    rows, rng = rows_of(ROWS, 1), np.random.default_rng(2)
    rows = rows.join(looks.qualities(rows, rng))
    return Seen(rows, looks.faces(rows, rng), looks.bodies(rows, rng), looks)


def pairs(seen: Seen, chosen: np.ndarray, *, same: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return pairs of rows of one person, or of people that are no lookalikes."""
    rng, person = np.random.default_rng(3), seen.of("person")
    if same:
        order = chosen[np.lexsort((rng.random(len(chosen)), person[chosen]))]
        steps = [(order[k:], order[:-k]) for k in range(1, 10)]
        a, b = (np.concatenate([step[i] for step in steps]) for i in (0, 1))
        keep = person[a] == person[b]
    else:
        a, b = rng.choice(chosen, 150_000), rng.choice(chosen, 150_000)
        keep = (person[a] != person[b]) & ((person[a] > 4) | (person[b] > 4))
    return a[keep], b[keep]


def cosines(vectors: np.ndarray, pair: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    return np.einsum("ij,ij->i", vectors[pair[0]], vectors[pair[1]])


def with_face(seen: Seen) -> np.ndarray:
    return np.flatnonzero(seen.rows["face_quality"].notna())


def first_right(seen: Seen, vectors: np.ndarray, asked: np.ndarray, gallery: np.ndarray) -> float:
    """Return how often the nearest of the gallery is the one asked for; hers at her camera out."""
    person, camera = seen.of("person"), seen.of("camera")
    near = vectors[asked] @ vectors[gallery].T
    hers = person[asked][:, None] == person[gallery]
    near[hers & (camera[asked][:, None] == camera[gallery])] = -2
    return float(hers[np.arange(len(asked)), near.argmax(axis=1)].mean())


# ---- faces -------------------------------------------------------------------------------
def test_about_half_of_all_have_no_face_and_none_of_those_facing_away(seen: Seen) -> None:
    missing = seen.rows["face_quality"].isna()
    assert 0.4 < missing.mean() < 0.6
    assert missing[seen.rows["facing"] > 150].all()
    assert missing[seen.rows["occlusion"] > 0.9].all()
    near = (seen.rows["facing"] < 30) & (seen.rows["distance_m"] < 6)
    assert missing[near & (seen.rows["occlusion"] < 0.2)].mean() < 0.01
    assert (np.isnan(seen.faces).all(axis=1) == missing).all()
    assert (np.isnan(seen.faces).any(axis=1) == missing).all()


def test_faces_of_one_person_and_of_two(seen: Seen) -> None:
    own = cosines(seen.faces, pairs(seen, with_face(seen), same=True))
    others = cosines(seen.faces, pairs(seen, with_face(seen), same=False))
    assert 0.45 < own.mean() < 0.65
    assert 0.10 < own.std() < 0.16
    assert -0.01 < others.mean() < 0.05
    assert 0.045 < others.std() < 0.07
    assert (own < np.quantile(others, 0.999)).mean() == pytest.approx(0.037, abs=0.02)


def test_the_better_the_crop_the_nearer_the_faces(seen: Seen) -> None:
    pair = pairs(seen, with_face(seen), same=True)
    own, quality = cosines(seen.faces, pair), seen.of("face_quality")
    worst = np.minimum(quality[pair[0]], quality[pair[1]])
    poor, fair, good = (own[(worst >= a) & (worst < a + 0.25)].mean() for a in (0, 0.25, 0.5))
    assert poor + 0.04 < fair < good - 0.04


def test_a_face_is_found_again(seen: Seen) -> None:
    chosen = with_face(seen)
    assert first_right(seen, seen.faces, chosen[:400], chosen[400:]) > 0.95


# ---- bodies ------------------------------------------------------------------------------
def test_bodies_by_day_and_camera(seen: Seen) -> None:
    everything = np.arange(ROWS)
    pair = pairs(seen, everything, same=True)
    own, day, camera = cosines(seen.bodies, pair), seen.of("day"), seen.of("camera")
    same_day, same_camera = (x[pair[0]] == x[pair[1]] for x in (day, camera))
    others = cosines(seen.bodies, pairs(seen, everything, same=False))
    assert 0.38 < others.mean() < 0.5
    assert 0.78 < own[same_day & same_camera].mean() < 0.88
    assert 0.64 < own[same_day & ~same_camera].mean() < 0.75
    assert 0.47 < own[~same_day & ~same_camera].mean() < 0.58
    shift = own[~same_day & same_camera].mean() - own[~same_day & ~same_camera].mean()
    assert 0.05 < shift < 0.13


def test_a_body_is_found_on_the_same_day_and_seldom_on_another(seen: Seen) -> None:
    day = seen.of("day")
    today, other = np.flatnonzero(day == 0), np.flatnonzero(day != 0)
    within = first_right(seen, seen.bodies, today[:500], today[500:])
    across = first_right(seen, seen.bodies, today[:500], other)
    assert 0.75 < within < 0.97
    assert across < 0.5 * within


# ---- lookalikes --------------------------------------------------------------------------
@pytest.mark.parametrize(("one", "other"), [(0, 1), (2, 4)])
def test_lookalikes_resemble_each_other_in_face_and_dress(seen: Seen, one: int, other: int) -> None:
    person, day = seen.of("person"), seen.of("day")
    a, b = (np.intersect1d(with_face(seen), np.flatnonzero(person == x)) for x in (one, other))
    assert 0.27 < (seen.faces[a] @ seen.faces[b].T).mean() < 0.45
    near = seen.bodies[person == one] @ seen.bodies[person == other].T
    same_day = day[person == one][:, None] == day[person == other]
    assert near[same_day].mean() > 0.6
    clothes = seen.looks.crops(seen.rows, np.random.default_rng(0)).str.extract(
        r"(top=.*);trim", expand=False
    )
    mine, hers = (clothes[(person == x) & (day == 0)].unique().tolist() for x in (one, other))
    assert mine == hers
    assert len(mine) == 1


def test_three_who_resemble_each_other_wear_a_uniform_every_day(seen: Seen) -> None:
    cuts = seen.looks.crops(seen.rows, np.random.default_rng(0)).str.extract(r"cut=(\w+)")[0]
    uniformed = cuts == "uniform"
    assert set(seen.rows["person"][uniformed]) == {2, 3, 4}
    assert uniformed[seen.rows["person"].isin([2, 3, 4])].all()


# ---- the crops ---------------------------------------------------------------------------
def test_every_crop_can_be_drawn_and_does_not_say_who_it_is(seen: Seen) -> None:
    text = seen.looks.crops(seen.rows, np.random.default_rng(4))
    assert text.index.equals(seen.rows.index)
    assert text.map(silhouettes.is_silhouette).all()
    clothes = text.str.split(";scene", expand=True)[0]
    by_day = clothes.groupby([seen.rows["person"], seen.rows["day"]]).nunique()
    assert (by_day == 1).all()
    lookalike = clothes[(seen.rows["person"] == 0) & (seen.rows["day"] == 0)].iloc[0]
    assert lookalike in clothes[seen.rows["person"] == 1].tolist()
    changed = clothes.groupby(seen.rows["person"]).nunique()
    assert (changed > 1).mean() > 0.95


def test_the_drawing_looks_the_way_the_row_says() -> None:
    looks = Looks.of(2, 1, 1, seed=7)
    rows = rows_of(4, 1).assign(person=[0, 0, 1, 1], day=0, camera=0, facing=[0.0, 180, 90, 357])
    rows["occlusion"] = [0.0, 0.5, 1.0, 0.0]
    rows["blur_score"] = [0.0, 1.0, 0.5, 0.0]
    said = [silhouettes.parse(one) for one in looks.crops(rows, np.random.default_rng(1))]
    assert [one.facing for one in said[:2]] == [0, 180]
    assert said[2].facing in (90, 270)
    assert said[3].facing in (355, 5)
    assert [one.hidden for one in said] == [0, 50, 100, 0]
    assert [one.blur for one in said] == [0, 100, 50, 0]


# ---- all of it ---------------------------------------------------------------------------
def test_the_same_seed_gives_the_same_and_another_seed_others() -> None:
    rows = rows_of(50, 5)

    def made(seed: int) -> list[np.ndarray]:
        looks, rng = Looks.of(PEOPLE, CAMERAS, DAYS, seed=seed), np.random.default_rng(6)
        full = rows.join(looks.qualities(rows, rng))
        return [looks.bodies(full, rng), looks.faces(full, rng), looks.crops(full, rng).to_numpy()]

    one, again, other = made(7), made(7), made(8)
    for a, b in zip(one, again, strict=True):
        np.testing.assert_array_equal(a, b)
    assert np.abs(one[0] - other[0]).max() > 0.01
    assert (one[2] != other[2]).all()


def test_vectors_have_length_one_and_qualities_lie_within_0_and_1(seen: Seen) -> None:
    np.testing.assert_allclose(np.linalg.norm(seen.bodies, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(seen.faces[with_face(seen)], axis=1), 1, atol=1e-5)
    for name in ("face_quality", "reid_quality", "blur_score"):
        assert seen.rows[name].dropna().between(0, 1).all()
    assert seen.faces.dtype == seen.bodies.dtype == np.float32
    assert seen.faces.flags.c_contiguous
    assert seen.bodies.flags.c_contiguous


def test_no_rows_are_no_rows() -> None:
    looks, rng = Looks.of(3, 1, 1, seed=7), np.random.default_rng(1)
    rows = rows_of(0, 1)
    rows = rows.join(looks.qualities(rows, rng))
    assert looks.faces(rows, rng).shape == looks.bodies(rows, rng).shape == (0, 512)
    assert looks.crops(rows, rng).empty


def test_forty_thousand_rows_take_seconds(seen: Seen) -> None:
    rows = pd.concat([seen.rows] * 3, ignore_index=True).head(40_000)
    begun = time.process_time()
    seen.looks.faces(rows, np.random.default_rng(1))
    seen.looks.bodies(rows, np.random.default_rng(1))
    assert time.process_time() - begun < 6  # 1.3 s on an idle machine
