"""How alike two vectors of a space are by chance: what a cosine is held against."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

PAIRS = 20_000
_BLOCK = 2_048
_TRIES = 8


@dataclass(frozen=True, slots=True)
class RandomPairs:
    """The cosines of random pairs of a space, pairs of one track left out.

    Parameters
    ----------
    cosines : array of float64
        Ascending.
    seed : int
        What the pairs were drawn with.
    every : bool
        Whether these are all pairs there are, not a sample of them.
    """

    cosines: np.ndarray
    seed: int = 0
    every: bool = False

    def share_below(self, cosine: float) -> float:
        """Return the share of random pairs that are less alike, 0 to 1; NaN where there is none.

        Examples
        --------
        >>> RandomPairs(np.array([-0.1, 0.0, 0.1, 0.4])).share_below(0.2)
        0.75
        """
        if not len(self.cosines):
            return float("nan")
        return float(np.searchsorted(self.cosines, cosine, side="left") / len(self.cosines))

    def words(self, cosine: float) -> str:
        """Return where a cosine stands, in words that claim no more than was drawn.

        Examples
        --------
        >>> some = RandomPairs(np.linspace(-1.0, 1.0, 1000))
        >>> some.words(0.9905)
        'higher than 99.5 % of random pairs'
        >>> some.words(2.0), some.words(-1.0)
        ('higher than all 1,000 random pairs', 'higher than no random pair')
        """
        share = self.share_below(cosine)
        if np.isnan(share):
            return "no random pair to compare with"
        if share == 1.0:
            return f"higher than all {len(self.cosines):,} random pairs"
        if share == 0.0:
            return "higher than no random pair"
        # Downwards: 99.97 % is not said to be 100 %.
        return f"higher than {np.floor(share * 1000) / 10:.1f} % of random pairs"

    def histogram(self, low: float, high: float, bins: int = 60) -> np.ndarray:
        """Return how many of the pairs lie in each of `bins` equal parts from `low` to `high`."""
        return np.histogram(self.cosines, bins=bins, range=(low, high))[0]


def draw_pairs(groups: np.ndarray, *, pairs: int = PAIRS, seed: int = 0) -> tuple[np.ndarray, bool]:
    """Return positions of random pairs, int64 (m, 2), and whether they are all there are.

    Parameters
    ----------
    groups : array of int
        The track of each row, -1 where unknown; no pair is of one track.
    pairs : int
        At most so many, drawn with replacement; all pairs where there are no more than that.
    seed : int

    Examples
    --------
    >>> draw_pairs(np.array([0, 0, 1]))
    (array([[0, 2],
           [1, 2]]), True)
    """
    n = len(groups)
    if n * (n - 1) // 2 <= pairs:
        every = np.stack(np.triu_indices(n, k=1), axis=1).astype("int64")
        return every[_apart(every, groups)], True
    chance = np.random.default_rng(seed)
    found = np.empty((0, 2), dtype="int64")
    for _ in range(_TRIES):
        some = chance.integers(0, n, size=(pairs, 2))
        found = np.concatenate([found, some[_apart(some, groups)]])
        if len(found) >= pairs:
            break
    return found[:pairs], False


def _apart(pairs: np.ndarray, groups: np.ndarray) -> np.ndarray:
    one, two = groups[pairs[:, 0]], groups[pairs[:, 1]]
    return (pairs[:, 0] != pairs[:, 1]) & ((one != two) | (one < 0))


def random_pairs(
    vectors: Callable[[np.ndarray], np.ndarray],
    groups: np.ndarray,
    *,
    pairs: int = PAIRS,
    seed: int = 0,
) -> RandomPairs:
    """Return the cosines of random pairs, ascending: as high as two strangers may come.

    Pairs of one person at two times are among them as often as chance has it.

    Parameters
    ----------
    vectors : callable
        The vectors at some positions, (n, dim); asked for some thousands at a time.
    groups, pairs, seed
        As for :func:`draw_pairs`.
    """
    drawn, every = draw_pairs(groups, pairs=pairs, seed=seed)
    parts = [np.empty(0)]
    for first in range(0, len(drawn), _BLOCK):
        some = drawn[first : first + _BLOCK]
        needed, where = np.unique(some, return_inverse=True)
        rows = np.asarray(vectors(needed), dtype="float64")
        rows /= np.linalg.norm(rows, axis=1)[:, None]
        one, two = where.reshape(some.shape).T
        parts.append(np.einsum("ij,ij->i", rows[one], rows[two]))
    return RandomPairs(np.sort(np.concatenate(parts)).clip(-1.0, 1.0), seed, every)
