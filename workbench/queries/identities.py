"""``bench.identities``: who is known."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from workbench.model import Identity
from workbench.queries.ranges import Ids, Moment, checked, listed, selection
from workbench.queries.unknown import unknown
from workbench.storage.manager import HybridStorageManager


class Identities:
    """People and vehicles: create, look up, link to what they were seen in."""

    def __init__(self, manager: HybridStorageManager) -> None:
        self._manager = manager

    def create(
        self,
        id: str | None = None,
        *,
        name: str | None = None,
        confidence: float | None = None,
        method: str = "manual",
        properties: Mapping[str, Any] | None = None,
    ) -> str:
        """Create an identity and return its id; the same again changes nothing.

        Parameters
        ----------
        id : str, optional
            A new UUID unless given.
        name : str, optional
            What people call her.
        confidence : float, optional
            How sure whoever creates it is that it is one person.
        method : str
            How it came about.
        properties : mapping, optional
            Anything else that JSON can hold.

        Raises
        ------
        ConflictError
            When it is there with other content.
        """
        identity = Identity(
            id=str(uuid.uuid4()) if id is None else id,
            name=name,
            confidence_score=confidence,
            cluster_method=method,
            properties=dict(properties or {}),
        )
        return self._manager.create_identity(identity)

    def get(self, identity_id: str) -> Identity:
        """Return one identity.

        Raises
        ------
        NotFoundError
            When it is not there.
        """
        found = self._manager.get_identity(identity_id)
        if found is None:
            raise unknown(self._manager.graph, "Identity", identity_id)
        return found

    def all(self) -> pd.DataFrame:
        """Return every identity with its statistics, in order of id."""
        return self._manager.graph.nodes("Identity")

    def search(
        self,
        text: str | None = None,
        *,
        start: Moment = None,
        end: Moment = None,
        tz: str | None = None,
        camera: Ids = None,
        identity: Ids = None,
    ) -> pd.DataFrame:
        """Return identities whose id or name holds `text` and who were there, in order of id.

        `identity` narrows it to these.
        """
        people = self.all()
        if identity is not None:
            people = people[people["id"].isin(listed(identity) or [])]
        checked(text, "text")
        if text is not None:
            wanted = text.casefold()
            held = [
                wanted in str(key).casefold() or (isinstance(n, str) and wanted in n.casefold())
                for key, n in zip(people["id"], people["name"], strict=True)
            ]
            people = people[pd.Series(held, index=people.index, dtype=bool)]
        chosen = selection(
            self._manager.graph,
            start=start,
            end=end,
            tz=tz,
            camera=camera,
            identity=identity,
            unidentified=False,
        )
        if start is not None or end is not None or camera is not None:
            seen = self._manager.graph.sightings(chosen)["identity_id"]
            people = people[people["id"].isin(seen)]
        return people.reset_index(drop=True)

    def appearances(
        self, identity_id: str, *, start: Moment = None, end: Moment = None, tz: str | None = None
    ) -> pd.DataFrame:
        """Return her appearances in time order (columns of ``schema.SIGHTING``).

        Raises
        ------
        NotFoundError
            When there is no such identity.
        """
        self.get(identity_id)
        return self._manager.graph.sightings(
            selection(self._manager.graph, start=start, end=end, tz=tz, identity=identity_id)
        )

    def link(
        self,
        appearance_ids: str | Sequence[str],
        identity_id: str,
        *,
        confidence: float | None = None,
        method: str = "manual",
    ) -> int:
        """Link appearances to an identity and return how many; other links of theirs are moved.

        Raises
        ------
        NotFoundError
            When an appearance or the identity is not there; nothing was changed.
        """
        ids = [appearance_ids] if isinstance(appearance_ids, str) else list(appearance_ids)
        rows = pd.DataFrame({"appearance_id": pd.Series(ids, dtype="str")})
        rows["identity_id"], rows["confidence"], rows["method"] = identity_id, confidence, method
        return self._manager.link(rows)

    def unlink(self, appearance_ids: str | Sequence[str]) -> int:
        """Make appearances unidentified and return how many were linked.

        Raises
        ------
        NotFoundError
            When one is not there; nothing was changed.
        """
        ids = [appearance_ids] if isinstance(appearance_ids, str) else appearance_ids
        return self._manager.unlink(ids)

    def update(self, frame: pd.DataFrame) -> int:
        """Change identities by ``id``: the columns given, where not missing; return how many."""
        return self._manager.update_identities(frame)

    def delete(self, ids: str | Sequence[str]) -> int:
        """Delete identities and return how many; their appearances stay, unidentified."""
        return self._manager.delete_identities([ids] if isinstance(ids, str) else ids)
