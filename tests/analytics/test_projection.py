"""Places of vectors on a sheet: against numpy's own decomposition, in blocks, at the edges."""

from __future__ import annotations

import sys
import tracemalloc
from collections.abc import Iterator

import numpy as np
import pytest

from tests.conftest import NO_UMAP
from workbench.analytics.projection import places
from workbench.errors import InvalidInputError, MissingExtraError


def vectors(n: int, dim: int, *, seed: int = 3) -> np.ndarray:
    """Return unit vectors that differ most along some directions."""
    chance = np.random.default_rng(seed)
    rows = chance.normal(size=(n, dim)) * np.linspace(3.0, 0.2, dim) + 1.0
    rows = rows @ np.linalg.qr(chance.normal(size=(dim, dim)))[0]
    return (rows / np.linalg.norm(rows, axis=1)[:, None]).astype("float32")


def by_numpy(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the places and shares as the singular values of the whole matrix say."""
    centred = rows.astype("float64") - rows.astype("float64").mean(axis=0)
    _, strong, axes = np.linalg.svd(centred, full_matrices=False)
    axes = axes[:2]
    sign = np.sign(axes[[0, 1], np.abs(axes).argmax(axis=1)])
    return centred @ (axes * sign[:, None]).T, strong[:2] ** 2 / (strong**2).sum()


@pytest.mark.parametrize("block", [1, 7, 64, 1000])
def test_it_is_what_numpy_says_however_the_blocks_are_cut(block: int) -> None:
    rows = vectors(200, 12)
    found = places(lambda: (rows[at : at + block] for at in range(0, 200, block)), 12)
    xy, shares = by_numpy(rows)
    np.testing.assert_allclose(found.xy, xy, atol=1e-9)
    np.testing.assert_allclose(found.kept, shares, atol=1e-12)


def test_nothing_is_lost_where_all_are_nearly_the_same() -> None:
    rows = np.full((50, 4), 1e6)
    rows[:, 1] += np.arange(50) * 1e-3
    found = places(lambda: [rows[:20], rows[20:]], 4)
    assert found.kept == pytest.approx((1.0, 0.0), abs=1e-6)
    np.testing.assert_allclose(found.xy[:, 0], (np.arange(50) - 24.5) * 1e-3, atol=1e-8)


def test_the_sign_is_that_of_the_largest_coefficient() -> None:
    rows = vectors(60, 5)
    there = places(lambda: [rows], 5).xy
    np.testing.assert_allclose(places(lambda: [rows[::-1]], 5).xy[::-1], there, atol=1e-9)


@pytest.mark.parametrize(
    ("n", "dim", "kept"),
    [(0, 3, (0.0, 0.0)), (1, 3, (0.0, 0.0)), (2, 1, (1.0, 0.0))],
)
def test_few_vectors_have_places_too(n: int, dim: int, kept: tuple[float, float]) -> None:
    rows = np.arange(n * dim, dtype="float64").reshape(n, dim)
    found = places(lambda: [rows], dim)
    assert found.xy.shape == (n, 2) and np.isfinite(found.xy).all()
    assert found.kept == pytest.approx(kept)


def test_memory_is_that_of_a_block_not_of_all() -> None:
    n, dim, block = 40_000, 128, 2_000

    def blocks() -> Iterator[np.ndarray]:
        chance = np.random.default_rng(5)
        for _ in range(n // block):
            yield chance.normal(size=(block, dim)).astype("float32")

    tracemalloc.start()
    places(blocks, dim)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < n * dim * 4 / 2, f"{peak / 1e6:.0f} MB"


def test_an_unknown_projection_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="no projection 'tsne'") as caught:
        places(lambda: [], 3, method="tsne")  # type: ignore[arg-type]
    assert caught.value.next == "Use one of: pca, umap."


def test_without_umap_the_line_that_installs_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "umap", None)
    with pytest.raises(MissingExtraError) as caught:
        places(lambda: [vectors(20, 4)], 4, method="umap")
    assert "pip install 'identity-workbench[umap]'" in str(caught.value)


@pytest.fixture
def umap() -> None:
    try:
        import umap  # noqa: F401
    except (ImportError, Warning):
        pytest.skip(f"{NO_UMAP} (pip install umap-learn)")


@pytest.mark.usefixtures("umap")
@pytest.mark.filterwarnings("ignore")
def test_umap_keeps_two_crowds_apart_and_says_the_same_twice() -> None:
    rows = vectors(60, 8)
    rows[30:] = -rows[30:]
    first, again = (places(lambda: [rows], 8, method="umap", seed=4) for _ in range(2))
    assert first.kept is None and first.xy.shape == (60, 2)
    np.testing.assert_array_equal(first.xy, again.xy)
    with pytest.raises(InvalidInputError, match="at least 10 vectors; here are 9"):
        places(lambda: [rows[:9]], 8, method="umap")
