"""Many dimensions on a sheet of paper: two numbers for each vector.

The vectors come in blocks and are never held together, so that a million of them need no more
memory than one block: :func:`principal_axes` goes over them twice. :func:`umap_places` is the
extra ``umap`` (UMAP, McInnes et al. 2018), which has to hold them.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Literal, get_args

import numpy as np

from workbench.analytics import columns
from workbench.errors import InvalidInputError, MissingExtraError

Method = Literal["pca", "umap"]
Blocks = Callable[[], Iterable[np.ndarray]]
"""Gives the vectors from the first one on, float (n, dim) each block, whenever it is called."""

_FEWEST = 10
_NEIGHBOURS = 15


@dataclass(frozen=True, slots=True)
class Places:
    """Where each vector is drawn.

    Parameters
    ----------
    xy : array (n, 2) of float64
    kept : tuple of float, optional
        The shares of the variance that the two axes keep, 0 to 1; None where axes mean nothing.
    """

    xy: np.ndarray
    kept: tuple[float, float] | None = None


def places(blocks: Blocks, dim: int, *, method: Method = "pca", seed: int = 0) -> Places:
    """Return two numbers for each vector: vectors that are alike come to lie near each other.

    Parameters
    ----------
    blocks : callable
        Gives the vectors in blocks, the same ones at each call.
    dim : int
        Length of a vector.
    method : {'pca', 'umap'}
        ``pca``: the two directions of largest variance, the same on every run. ``umap``: keeps who
        is near whom, not how far; the extra ``umap``.
    seed : int
        Of chance in ``umap``.

    Raises
    ------
    InvalidInputError
        For an unknown method, a seed that is no whole number, or fewer than 10 vectors for
        ``umap``.
    MissingExtraError
        When ``umap`` is not installed.

    Examples
    --------
    >>> found = places(lambda: [np.array([[0.0, 0.0], [3.0, 4.0]])], 2)
    >>> found.xy.round(3).tolist(), [round(share, 3) for share in found.kept]
    ([[-2.5, 0.0], [2.5, 0.0]], [1.0, 0.0])
    """
    if method not in get_args(Method):
        raise InvalidInputError(
            f"There is no projection {method!r:.200}.",
            where="method",
            next=f"Use one of: {', '.join(get_args(Method))}.",
        )
    columns.whole(seed, "seed")
    return principal_axes(blocks, dim) if method == "pca" else umap_places(blocks, dim, seed=seed)


def principal_axes(blocks: Blocks, dim: int) -> Places:
    """Return the places along the two directions in which the vectors differ most.

    The sign of an axis is the one in which its largest coefficient is positive. Sums are in double
    precision; memory is one block and a matrix of `dim` by `dim`.
    """
    count, mean, scatter = _moments(blocks, dim)
    if not count:
        return Places(np.empty((0, 2)), (0.0, 0.0))
    values, vectors = np.linalg.eigh(scatter)
    axes = np.zeros((dim, 2))
    axes[:, : min(dim, 2)] = vectors[:, ::-1][:, :2]
    largest = np.abs(axes).argmax(axis=0)
    axes *= np.where(axes[largest, [0, 1]] < 0, -1.0, 1.0)
    strong = np.zeros(2)
    strong[: min(dim, 2)] = values[::-1][:2].clip(min=0.0)
    total = float(values.clip(min=0.0).sum())
    first, second = (strong / total if total > 0 else strong).tolist()
    xy = [(np.asarray(block, dtype="float64") - mean) @ axes for block in blocks()]
    return Places(np.concatenate([np.empty((0, 2)), *xy]), (first, second))


def _moments(blocks: Blocks, dim: int) -> tuple[int, np.ndarray, np.ndarray]:
    """Return how many vectors there are, their mean, and their scatter around it."""
    count, total, scatter = 0, np.zeros(dim), np.zeros((dim, dim))
    pivot: np.ndarray | None = None
    for block in blocks():
        rows = np.asarray(block, dtype="float64")
        if pivot is None and len(rows):
            pivot = rows.mean(axis=0)
        if pivot is None:
            continue
        # Around a point near the mean: nothing is lost where all vectors are nearly the same.
        rows = rows - pivot
        count += len(rows)
        total += rows.sum(axis=0)
        scatter += rows.T @ rows
    if pivot is None:
        return 0, total, scatter
    shift = total / count
    return count, pivot + shift, scatter - count * np.outer(shift, shift)


def umap_places(blocks: Blocks, dim: int, *, seed: int = 0) -> Places:
    """Return the places UMAP finds by cosine; the same seed, the same places on one machine.

    Raises
    ------
    MissingExtraError
        When ``umap-learn`` is not installed.
    InvalidInputError
        For fewer than 10 vectors.
    """
    umap = _umap()
    rows = np.concatenate([np.empty((0, dim), "float32"), *blocks()]).astype("float32", copy=False)
    if len(rows) < _FEWEST:
        raise InvalidInputError(
            f"UMAP needs at least {_FEWEST} vectors; here are {len(rows)}.",
            where="method",
            next="Use method='pca'.",
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what its own libraries have to say to its authors
        model = umap.UMAP(
            n_components=2,
            metric="cosine",
            n_neighbors=min(_NEIGHBOURS, len(rows) - 1),
            random_state=seed,
            n_jobs=1,
        )
        return Places(np.asarray(model.fit_transform(rows), dtype="float64"))


def _umap() -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return import_module("umap")
    except ImportError as error:
        raise MissingExtraError(
            f"The projection 'umap' needs a package that is not installed ({error}).",
            where="method",
            next="Install it: pip install 'identity-workbench[umap]'; or use method='pca'.",
        ) from error
