"""Vectors of a space as points: where they lie, and who is near whom; `bench.similarity`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from workbench.analytics.projection import Method, places
from workbench.analytics.random_pairs import RandomPairs, random_pairs
from workbench.errors import NotFoundError
from workbench.queries.crops import Crops
from workbench.queries.picture import Picture
from workbench.queries.unknown import near_ids
from workbench.storage.manager import HybridStorageManager
from workbench.stores.graph.base import GraphStore, Selection
from workbench.stores.vectors.base import VectorSpace

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

    from workbench.views.charts.point_colours import Colour
    from workbench.views.explorers.similarity_explorer import SimilarityExplorer
    from workbench.views.style import ThemeName

_BLOCK = 4_096  # vectors in memory at a time
Near = Callable[[str, int], pd.DataFrame]
"""Hits for the id of an appearance or identity, and how many."""


def _nobody_asked(key: str, k: int) -> pd.DataFrame:
    raise NotFoundError(f"There is no store to ask for {key!r}.", next="Use bench.similarity.")


@dataclass(frozen=True, slots=True)
class Projection(Picture):
    """The vectors of a space, two numbers each. Distances on the picture are not cosines.

    Parameters
    ----------
    space : str
    model_id : str, optional
        The model that made the vectors.
    method : {'pca', 'umap'}
        How the places were found.
    kept : tuple of float, optional
        The shares of the variance that the two axes keep, 0 to 1; None for ``umap``.
    total : int
        How many vectors the space has.
    points : DataFrame
        Columns of ``schema.SIGHTING``, and ``x``, ``y``: an appearance each, in time order.
    random : RandomPairs
        Cosines of random pairs of these vectors, pairs of one track left out.
    """

    space: str
    model_id: str | None
    method: Method
    kept: tuple[float, float] | None
    total: int
    points: pd.DataFrame
    random: RandomPairs
    _display_tz: str = field(default="UTC", repr=False)
    _names: dict[str, str] = field(default_factory=dict, repr=False)
    _cameras: dict[str, str] = field(default_factory=dict, repr=False)
    _near: Near = field(default=_nobody_asked, repr=False)
    _crop: Callable[[str], bytes | None] | None = field(default=None, repr=False)

    def __repr__(self) -> str:
        made = "" if self.model_id is None else f" by {self.model_id}"
        return f"Projection of {self.space}{made}: {len(self.points):,} of {self.total:,} vectors"

    def to_frame(self) -> pd.DataFrame:
        """Return the points: columns of ``schema.SIGHTING``, and ``x``, ``y``."""
        return self.points.copy()

    def plot(self, *, colour: Colour = "identity", theme: ThemeName = "light") -> Figure:
        """Return the points as a picture that stands still.

        Parameters
        ----------
        colour : str
            ``identity``, ``camera``, ``time``, ``quality`` or a column of quality.
        theme : {'light', 'dark'}

        Raises
        ------
        InvalidInputError
            When the points cannot be coloured by that.
        """
        from workbench.views.charts.projection import projection

        return projection(
            self.points,
            space=self.space,
            kept=self.kept,
            method=self.method,
            model_id=self.model_id,
            colour=colour,
            names=self._names,
            cameras=self._cameras,
            display_tz=self._display_tz,
            theme=theme,
        )

    def explore(
        self, *, colour: Colour = "identity", k: int = 10, theme: ThemeName = "light"
    ) -> SimilarityExplorer:
        """Return the points to play with: click, lasso, filter, ask.

        Parameters
        ----------
        colour : str
            What they are coloured by at first.
        k : int
            How many neighbours a click shows.
        theme : {'light', 'dark'}

        Raises
        ------
        MissingExtraError
            When the extra ``lab`` is not installed.
        """
        from workbench.views import SimilarityExplorer

        return SimilarityExplorer(
            self.points,
            space=self.space,
            kept=self.kept,
            method=self.method,
            model_id=self.model_id,
            neighbours=self._near,
            random=self.random.cosines,
            standing=self.random.words,
            crop=self._crop,
            colour=colour,
            names=self._names,
            cameras=self._cameras,
            display_tz=self._display_tz,
            k=k,
            theme=theme,
        )

    def _line(self) -> str:
        kept = "" if self.kept is None else f", {sum(self.kept):.0%} of the variance"
        return f"{len(self.points)} of {self.total} vectors of {self.space}: {self.method}{kept}"


def project(
    manager: HybridStorageManager,
    space: VectorSpace,
    chosen: Selection,
    *,
    method: Method,
    seed: int,
    display_tz: str,
    near: Near,
) -> Projection:
    """Return the projection of the vectors of the appearances chosen."""
    graph, vectors = manager.graph, manager.vector
    with graph.snapshot():
        rows = graph.sightings(chosen)
        every = vectors.vids(space.name)
        vids, rows = _owned(graph, space.name, every, rows)

        def block(vids: np.ndarray) -> Iterator[np.ndarray]:
            for first in range(0, len(vids), _BLOCK):
                yield vectors.get(space.name, vids[first : first + _BLOCK])

        found = places(lambda: block(vids), space.dim, method=method, seed=seed)
        random = random_pairs(
            lambda at: vectors.get(space.name, vids[at]), _tracks(rows), seed=seed
        )
        names, cameras = graph.called("Identity"), graph.called("Camera")
    points = rows.assign(x=found.xy[:, 0], y=found.xy[:, 1])
    crops = Crops(graph)

    def crop(appearance_id: str) -> bytes | None:
        seen = manager.get_appearance(appearance_id)
        return None if seen is None else crops.picture(seen.frame_path, seen.load_id)

    return Projection(
        space.name,
        space.model_id,
        method,
        found.kept,
        len(every),
        points,
        random,
        display_tz,
        names,
        cameras,
        near,
        crop,
    )


def _owned(
    graph: GraphStore, space: str, vids: np.ndarray, rows: pd.DataFrame
) -> tuple[np.ndarray, pd.DataFrame]:
    """Return the vids of the appearances that have one in the space, and those, row by row."""
    owners = graph.owners(space, vids).set_index("appearance_id")["vid"]
    found = owners.reindex(rows["id"])
    there = found.notna().to_numpy()
    return found[there].to_numpy("int64"), rows[there].reset_index(drop=True)


def _tracks(rows: pd.DataFrame) -> np.ndarray:
    """Return the track of each row as a number, -1 where it is not known."""
    camera = rows["camera_id"].fillna(rows["place_id"])
    codes = rows.assign(_camera=camera).groupby(["_camera", "tracking_id"], dropna=False).ngroup()
    return codes.where(rows["tracking_id"].notna() & camera.notna(), -1).to_numpy("int64")


def nobody(graph: GraphStore, key: str) -> NotFoundError:
    """Return the error about an id that is neither an appearance nor an identity."""
    near = [*near_ids(graph, "Identity", key), *near_ids(graph, "Appearance", key)][:4]
    meant = f"Did you mean {' or '.join(map(repr, near))}?" if near else ""
    return NotFoundError(
        f"There is no appearance or identity {key!r}.",
        where=f"id {key}",
        next=meant or "Give the id of an appearance or of an identity.",
    )
