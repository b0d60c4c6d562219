"""What a cosine is held against: random pairs, none of one track, the same for the same seed."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.analytics.random_pairs import RandomPairs, draw_pairs, random_pairs


def test_no_pair_is_of_one_track_or_of_one_row() -> None:
    groups = np.repeat(np.arange(40), 10)
    pairs, every = draw_pairs(groups, pairs=5_000)
    assert not every and len(pairs) == 5_000
    assert (groups[pairs[:, 0]] != groups[pairs[:, 1]]).all()
    unknown, _ = draw_pairs(np.full(400, -1), pairs=5_000)
    assert (unknown[:, 0] != unknown[:, 1]).all()


def test_the_seed_decides_and_nothing_else() -> None:
    groups = np.arange(500)
    one, two, other = (draw_pairs(groups, pairs=100, seed=seed)[0] for seed in (1, 1, 2))
    assert (one == two).all() and not (one == other).all()


def test_few_rows_have_all_their_pairs() -> None:
    rows = np.array([[3.0, 0.0], [0.0, 2.0], [1.0, 1.0]])
    found = random_pairs(lambda at: rows[at], np.array([-1, -1, -1]))
    assert found.every
    np.testing.assert_allclose(found.cosines, [0.0, 0.5**0.5, 0.5**0.5])


def test_cosines_are_those_of_the_pairs_drawn() -> None:
    rows = np.random.default_rng(8).normal(size=(300, 16)).astype("float32")
    groups = np.arange(300)
    found = random_pairs(lambda at: rows[at], groups, pairs=5_000, seed=9)
    unit = rows.astype("float64") / np.linalg.norm(rows.astype("float64"), axis=1)[:, None]
    drawn, _ = draw_pairs(groups, pairs=5_000, seed=9)
    expected = np.sort((unit[drawn[:, 0]] * unit[drawn[:, 1]]).sum(axis=1))
    np.testing.assert_allclose(found.cosines, expected, atol=1e-12)


@pytest.mark.parametrize("groups", [[], [1], [4, 4, 4]])
def test_without_pairs_nothing_is_claimed(groups: list[int]) -> None:
    rows = np.ones((3, 2))
    found = random_pairs(lambda at: rows[at], np.array(groups, dtype="int64"))
    assert len(found.cosines) == 0 and np.isnan(found.share_below(0.5))
    assert found.words(0.5) == "no random pair to compare with"


def test_words_never_round_up_to_all() -> None:
    some = RandomPairs(np.linspace(0.0, 1.0, 20_001))
    assert some.words(0.99999) == "higher than 99.9 % of random pairs"
    assert some.words(0.992) == "higher than 99.1 % of random pairs"
    assert some.words(1.1) == "higher than all 20,001 random pairs"
