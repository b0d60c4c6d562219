"""``bench.similarity``: who looks like somebody."""

from __future__ import annotations

import numbers
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from workbench.errors import InvalidInputError, NotFoundError
from workbench.queries.crops import Crops
from workbench.queries.picture import Picture
from workbench.queries.projection import Projection, nobody, project
from workbench.queries.ranges import Ids, Moment, checked, selection
from workbench.queries.unknown import unknown
from workbench.storage.manager import HybridStorageManager
from workbench.storage.nearest import nearest, nearest_identities
from workbench.stores.graph.base import Selection

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

    from workbench.analytics.projection import Method
    from workbench.views.charts.point_colours import Colour
    from workbench.views.explorers.similarity_explorer import SimilarityExplorer
    from workbench.views.style import ThemeName

By = Literal["appearance", "identity"]
COLUMNS = [
    "query",
    "rank",
    "appearance_id",
    "identity_id",
    "similarity",
    "camera_id",
    "timestamp",
]


@dataclass(frozen=True, slots=True)
class Shown:
    """What a picture of hits shows beside them, by id: names, and where their crops are.

    ``pictures`` and ``queries``: ``frame_path`` and load. The latter is by name of the query: that
    of a vector could be the id of some appearance. ``crop`` makes a picture of the two.
    """

    names: Mapping[str, str] = field(default_factory=dict)
    cameras: Mapping[str, str] = field(default_factory=dict)
    pictures: Mapping[str, tuple[str, str | None]] = field(default_factory=dict)
    queries: Mapping[str, tuple[str, str | None]] = field(default_factory=dict)
    crop: Callable[[object, object], bytes | None] = lambda path, load: None


@dataclass(frozen=True, slots=True)
class Neighbours(Picture):
    """The answer of a similarity question: cosines, never a "match".

    Parameters
    ----------
    space : str
    k : int
        How many were asked for.
    exact : bool
        Whether every allowed row was compared.
    precision : str
        What the rows are stored in.
    plan : str
        How it was answered, in words.
    queries : list of str
        The queries in the order given.
    hits : DataFrame
        ``query, rank, appearance_id, identity_id, similarity, camera_id, timestamp``.
    """

    space: str
    k: int
    exact: bool
    precision: str
    plan: str
    queries: list[str]
    hits: pd.DataFrame
    _display_tz: str = field(default="UTC", repr=False)
    _shown: Shown = field(default_factory=Shown, repr=False)

    def to_frame(self) -> pd.DataFrame:
        """Return the hits."""
        return self.hits.copy()

    def plot(self, *, theme: ThemeName = "light") -> Figure:
        """Return a row for each hit: its crop, who, where, when, and the cosine as a bar.

        Parameters
        ----------
        theme : {'light', 'dark'}
        """
        from workbench.views.charts.neighbours import neighbours

        shown, nowhere = self._shown, (None, None)
        return neighbours(
            self.hits,
            space=self.space,
            display_tz=self._display_tz,
            crops=lambda one: shown.crop(*shown.pictures.get(one, nowhere)),
            query_crops=lambda one: shown.crop(*shown.queries.get(one, nowhere)),
            names=shown.names,
            cameras=shown.cameras,
            theme=theme,
        )

    def _line(self) -> str:
        return f"{len(self.hits)} neighbours in {self.space}: {self.plan}"


class Similarity:
    """Nearest appearances and identities by face, body or any other space."""

    def __init__(self, manager: HybridStorageManager, *, display_tz: str = "UTC") -> None:
        self._manager = manager
        self._display_tz = display_tz
        self._crops = Crops(manager.graph)

    def like(
        self,
        *,
        vector: np.ndarray | None = None,
        appearance: str | None = None,
        identity: str | None = None,
        space: str = "face",
        k: int = 10,
        camera: Ids = None,
        start: Moment = None,
        end: Moment = None,
        tz: str | None = None,
        min_similarity: float | None = None,
        by: By = "appearance",
        names: Sequence[str] | None = None,
    ) -> Neighbours:
        """Return the nearest by cosine: always min(k, matches), ties by appearance id.

        Parameters
        ----------
        vector : array (dim,) or (n, dim), optional
            One or many vectors to look for.
        appearance : str, optional
            Look for what this one shows; it is not in its own answer.
        identity : str, optional
            Look for the normalised mean of her vectors; none of hers is in the answer.
        space : str
            The vector space.
        k : int
            How many for each query.
        camera, start, end : optional
            Only appearances at these cameras (or places), in this half-open range.
        min_similarity : float, optional
            Cosine from which on; no threshold unless given.
        by : {'appearance', 'identity'}
            ``identity``: the best appearance of each identity.
        names : sequence of str, optional
            What the queries are called in the answer.

        Raises
        ------
        InvalidInputError
            Unless exactly one of `vector`, `appearance`, `identity` is given; a bad vector.
        NotFoundError
            When the space, appearance or identity is not there, or has no vector in the space.
        """
        given = {"vector": vector, "appearance": appearance, "identity": identity}
        if sum(value is not None for value in given.values()) != 1:
            raise InvalidInputError(
                "One thing to look for is needed: a vector, an appearance or an identity.",
                where=", ".join(name for name, value in given.items() if value is not None)
                or "like",
                next="Give exactly one of vector=, appearance=, identity=.",
            )
        _check(k, min_similarity, by)
        checked(appearance, "appearance")
        checked(identity, "identity")
        chosen = selection(self._manager.graph, start=start, end=end, tz=tz, camera=camera)
        with self._manager.graph.snapshot():
            self._settings(space)
            queries, labels, own = self._queries(space, vector, appearance, identity, names)
            within = None
            if not chosen.everything:
                within = np.setdiff1d(self._manager.graph.vids_within(space, chosen), own)
            find = nearest_identities if by == "identity" else nearest
            hits = find(
                self._manager.pair,
                space,
                queries,
                k=k,
                min_similarity=min_similarity,
                within=within,
                without=own.tolist(),
            )
            total = self._manager.vector.counts()[space]
            compared = total - len(own) if within is None else len(within)
            asked = [] if appearance is None else [appearance]
            return self._answer(space, k, labels, hits, compared, total, asked=asked)

    def projection(
        self,
        space: str = "face",
        *,
        method: Method = "pca",
        seed: int = 0,
        camera: Ids = None,
        start: Moment = None,
        end: Moment = None,
        tz: str | None = None,
    ) -> Projection:
        """Return the vectors of a space as points: alike ones come to lie near each other.

        Parameters
        ----------
        space : str
            The vector space.
        method : {'pca', 'umap'}
            ``pca``: the two directions of largest variance. ``umap``: who is near whom; the extra
            ``umap``.
        seed : int
            Of the random pairs that cosines are held against, and of ``umap``.
        camera, start, end : optional
            Only appearances at these cameras (or places), in this half-open range.

        Raises
        ------
        NotFoundError
            When the space or a camera is not there.
        InvalidInputError
            For an unknown method, a naive time without `tz`.
        MissingExtraError
            For ``umap`` where it is not installed.
        """
        chosen = selection(self._manager.graph, start=start, end=end, tz=tz, camera=camera)
        return project(
            self._manager,
            self._settings(space),
            chosen,
            method=method,
            seed=seed,
            display_tz=self._display_tz,
            near=lambda key, k: self._near(key, space, k).to_frame(),
        )

    def explore(
        self,
        space: str = "face",
        *,
        method: Method = "pca",
        seed: int = 0,
        camera: Ids = None,
        start: Moment = None,
        end: Moment = None,
        tz: str | None = None,
        colour: Colour = "identity",
        k: int = 10,
        theme: ThemeName = "light",
    ) -> SimilarityExplorer:
        """Return the vectors of a space to play with: click, lasso, filter, ask; in a notebook.

        ``.selection()`` is what the lasso holds and ``.clicked`` what was clicked, as tables.

        Parameters
        ----------
        space, method, seed, camera, start, end, tz
            As for :meth:`projection`.
        colour : str
            What points are coloured by at first: ``identity``, ``camera``, ``time``, ``quality``.
        k : int
            How many neighbours a click shows.
        theme : {'light', 'dark'}

        Raises
        ------
        MissingExtraError
            When the extra ``lab`` is not installed.
        """
        found = self.projection(
            space, method=method, seed=seed, camera=camera, start=start, end=end, tz=tz
        )
        return found.explore(colour=colour, k=k, theme=theme)

    def _near(self, key: str, space: str, k: int) -> Neighbours:
        """Return the nearest to an appearance, or to an identity where none is so called."""
        if not self._manager.graph.nodes("Appearance", ids=[key]).empty:
            return self.like(appearance=key, space=space, k=k)
        if self._manager.graph.nodes("Identity", ids=[key]).empty:
            raise nobody(self._manager.graph, key)
        return self.like(identity=key, space=space, k=k)

    def _queries(
        self,
        space: str,
        vector: np.ndarray | None,
        appearance: str | None,
        identity: str | None,
        names: Sequence[str] | None,
    ) -> tuple[np.ndarray, list[str], np.ndarray]:
        """Return the vectors to look for, what they are called, and the vids left out."""
        if vector is not None:
            matrix = np.atleast_2d(np.asarray(vector))
            labels = list(names) if names is not None else [str(n) for n in range(len(matrix))]
            return matrix, labels, np.array([], dtype="int64")
        if appearance is not None:
            vids, rows = self._manager.pair.named_rows(
                space, lambda: self._vids(space, [appearance])
            )
            if not len(vids):
                self._require_appearance(appearance)
                raise _without(space, f"appearance {appearance}")
            return rows, [appearance], vids
        assert identity is not None
        hers = Selection(identities=[identity])
        vids, found = self._manager.pair.named_rows(
            space, lambda: self._manager.graph.vids_within(space, hers)
        )
        if not len(vids):
            if not self._manager.graph.known("Identity", [identity]):
                raise unknown(self._manager.graph, "Identity", identity)
            raise _without(space, f"identity {identity}")
        rows = found.astype("float64")
        rows /= np.linalg.norm(rows, axis=1)[:, None]
        return rows.mean(axis=0)[None].astype("float32"), [identity], vids

    def _vids(self, space: str, ids: list[str]) -> np.ndarray:
        return self._manager.graph.vectors_of(space, ids)["vid"].to_numpy(dtype="int64")

    def _require_appearance(self, appearance: str) -> None:
        if self._manager.graph.nodes("Appearance", ids=[appearance]).empty:
            raise unknown(self._manager.graph, "Appearance", appearance)

    def _settings(self, space: str) -> Any:
        found = self._manager.pair.spaces()
        checked(space, "space")
        if space not in found:
            known = ", ".join(sorted(found)) or "none yet"
            raise NotFoundError(
                f"There is no vector space {space!r}.",
                where=f"space {space}",
                next=f"Spaces here: {known}."
                + (f" Ask with space={min(found)!r}, or load" if found else " Load")
                + " vectors with --face, --reid or --vectors.",
            )
        return found[space]

    def _answer(
        self,
        space: str,
        k: int,
        labels: list[str],
        hits: pd.DataFrame,
        compared: int,
        total: int,
        *,
        asked: list[str],
    ) -> Neighbours:
        graph = self._manager.graph
        ids = hits["appearance_id"].unique().tolist()
        seen = graph.sightings(Selection(ids=[*ids, *asked])).set_index("id")
        pictures = self._pictures(seen)
        rows = hits[["query", "rank", "appearance_id", "similarity"]].copy()
        for name in ("identity_id", "camera_id", "timestamp"):
            rows[name] = seen[name].reindex(hits["appearance_id"]).array
        rows["query"] = pd.Series(labels, dtype="str").take(hits["query"].to_numpy()).array
        settings = self._settings(space)
        plan = (
            f"exact: {compared:,} of {total:,} rows compared, "
            f"{self._manager.vector.index_of(space)}"
        )
        return Neighbours(
            space,
            k,
            True,
            settings.precision,
            plan,
            labels,
            rows[COLUMNS],
            self._display_tz,
            Shown(
                names=graph.called("Identity", _distinct(rows["identity_id"])),
                cameras=graph.called("Camera", _distinct(rows["camera_id"])),
                pictures=pictures,
                queries={one: pictures[one] for one in asked if one in pictures},
                crop=self._crops.picture,
            ),
        )

    def _pictures(self, seen: pd.DataFrame) -> dict[str, tuple[str, str | None]]:
        """Return path and load of the crops of sightings, by id, and learn where each load's are.

        Now: a picture of the answer may be drawn when the store is closed.
        """
        known = seen[seen["frame_path"].notna()]
        loads = known["load_id"].astype(object).where(known["load_id"].notna(), None)
        for load in set(loads) - {None}:
            self._crops.root(load)
        pairs = zip(known["frame_path"].astype("str"), loads, strict=True)
        return dict(zip(known.index.astype("str"), pairs, strict=True))


def _distinct(ids: pd.Series) -> list[str]:
    return ids.dropna().unique().tolist()


def _check(k: int, min_similarity: float | None, by: str) -> None:
    if not isinstance(k, numbers.Integral) or not 0 < k < 2**32:
        raise InvalidInputError(
            f"k is {k!r:.200}.", where="k", next="Ask for a whole number, at least one."
        )
    least = min_similarity
    if least is not None and not (isinstance(least, numbers.Real) and -1.0 <= least <= 1.0):
        raise InvalidInputError(
            f"min_similarity is {least!r:.200}; a cosine lies between -1 and 1.",
            where="min_similarity",
            next="Give a cosine, or leave it out.",
        )
    if by not in ("appearance", "identity"):
        raise InvalidInputError(
            f"by is {by!r}.", where="by", next="Use 'appearance' or 'identity'."
        )


def _without(space: str, what: str) -> NotFoundError:
    return NotFoundError(
        f"There is no vector in {space!r} for {what}.",
        where=what,
        next="Ask in another space, or look for another one.",
    )
