"""``bench.appearances``: every detection in the store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pandas as pd

from workbench import times
from workbench.errors import InvalidInputError
from workbench.model import Appearance
from workbench.queries.crops import Crops
from workbench.queries.crops import drawn as drawn
from workbench.queries.ranges import Ids, Moment, checked, selection
from workbench.queries.unknown import unknown
from workbench.storage.manager import HybridStorageManager
from workbench.storage.pair import Vectors
from workbench.stores.graph.base import Selection


class Appearances:
    """Detections: add, find, change, delete."""

    def __init__(self, manager: HybridStorageManager) -> None:
        self._manager = manager
        self._crops = Crops(manager.graph)

    def add(
        self,
        frame: pd.DataFrame,
        *,
        face: Vectors | None = None,
        reid: Vectors | None = None,
        vectors: Mapping[str, Vectors] | None = None,
    ) -> int:
        """Write appearances with their vectors, all or none; return how many were new.

        Parameters
        ----------
        frame : DataFrame
            ``id``, ``timestamp`` (aware), ``camera_id`` or ``place_id``, and any other column of
            ``schema.APPEARANCE`` and ``identity_id``; columns of other names become properties.
            Cameras and identities have to exist.
        face, reid : array (n, dim), optional
            Vectors in the order of the rows; None or a row of NaN where there is none.
        vectors : mapping of str to array, optional
            The same for any space.

        Raises
        ------
        InvalidInputError, ConflictError, NotFoundError
            Nothing was written.
        """
        chosen = _by_space(face, reid, vectors)
        return self._manager.add_appearances(frame, vectors=chosen).count("new")

    def get(self, appearance_id: str) -> Appearance:
        """Return one appearance.

        Raises
        ------
        NotFoundError
            When it is not there.
        """
        found = self._manager.get_appearance(appearance_id)
        if found is None:
            raise unknown(self._manager.graph, "Appearance", appearance_id)
        return found

    def crop(self, appearance_id: str) -> bytes | None:
        """Return the picture of one appearance, PNG or JPEG; None where there is none to show.

        Those of the demo are drawn from the text in ``frame_path``. A path is opened only below the
        folder that its load named with ``--frames-root``, never through a link out of it, and only
        where it is a picture; it comes as a JPEG of at most 200 x 200 pixels.

        Raises
        ------
        NotFoundError
            When the appearance is not there.
        """
        found = self.get(appearance_id)
        return self._crops.picture(found.frame_path, found.load_id)

    def find(
        self,
        *,
        start: Moment = None,
        end: Moment = None,
        tz: str | None = None,
        camera: Ids = None,
        identity: Ids = None,
        unidentified: bool | None = None,
        limit: int | None = None,
        after: str | None = None,
    ) -> pd.DataFrame:
        """Return appearances in time order, ties by id (columns of ``schema.SIGHTING``).

        Parameters
        ----------
        start, end : time, optional
            Half-open range; a naive one needs `tz`.
        camera, identity : str or sequence of str, optional
            Any of these; places count as cameras.
        unidentified : bool, optional
            True: only those without an identity; False: only those with one.
        limit : int, optional
            At most so many.
        after : str, optional
            Only what comes after this appearance: the last one of the page before.
        """
        chosen = selection(
            self._manager.graph,
            start=start,
            end=end,
            tz=tz,
            camera=camera,
            identity=identity,
            unidentified=unidentified,
            limit=limit,
        )
        checked(after, "after")
        if after is not None:
            last = self._manager.graph.sightings(Selection(ids=[after]))
            if last.empty:
                raise unknown(self._manager.graph, "Appearance", after)
            chosen = replace(chosen, after=(int(times.to_us(last["timestamp"])[0]), after))
        return self._manager.graph.sightings(chosen)

    def unidentified(
        self, *, start: Moment = None, end: Moment = None, camera: Ids = None
    ) -> pd.DataFrame:
        """Return the appearances without an identity, in time order."""
        return self.find(start=start, end=end, camera=camera, unidentified=True)

    def update(
        self,
        frame: pd.DataFrame,
        *,
        face: Vectors | None = None,
        reid: Vectors | None = None,
        vectors: Mapping[str, Vectors] | None = None,
    ) -> int:
        """Change appearances by ``id``: the columns given, where not missing; return how many.

        Raises
        ------
        NotFoundError
            When one is not there; nothing was changed.
        """
        chosen = _by_space(face, reid, vectors)
        return self._manager.update_appearances(frame, vectors=chosen).count("differs")

    def delete(self, ids: str | Sequence[str]) -> int:
        """Delete appearances with their links and vectors; return how many.

        Raises
        ------
        NotFoundError
            When one is not there; nothing was deleted.
        """
        return self._manager.delete_appearances([ids] if isinstance(ids, str) else ids)


def _by_space(
    face: Vectors | None, reid: Vectors | None, others: Mapping[str, Vectors] | None
) -> dict[str, Vectors]:
    if others is not None and not isinstance(others, Mapping):
        raise InvalidInputError(
            f"vectors= is {type(others).__name__}, not a mapping of space to vectors.",
            where="vectors",
            next="Give it as vectors={'name': array}.",
        )
    given = {"face": face, "reid": reid, **(others or {})}
    return {space: found for space, found in given.items() if found is not None}
