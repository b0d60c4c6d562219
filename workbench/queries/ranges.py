"""What callers say about when and where, as a selection."""

from __future__ import annotations

import numbers
from collections.abc import Iterable, Sequence
from datetime import datetime

from workbench import times
from workbench.errors import InvalidInputError
from workbench.queries.unknown import unknown
from workbench.stores.graph.base import GraphStore, Selection

Moment = str | datetime | None
Ids = str | Sequence[str] | None


def listed(ids: Ids, name: str = "ids") -> list[str] | None:
    """Return ids as a list; one text is one id, None stays None.

    Examples
    --------
    >>> listed("p1"), listed(["p1", "p2"]), listed(None)
    (['p1'], ['p1', 'p2'], None)
    """
    if ids is None:
        return None
    if isinstance(ids, str):
        return [ids]
    if isinstance(ids, bytes) or not isinstance(ids, Iterable):
        raise InvalidInputError(
            f"{name} is {ids!r:.200}.",
            where=name,
            next="Give an id as text, or a list of ids.",
        )
    return [str(one) for one in ids]


def checked(value: str | None, name: str) -> None:
    """Refuse what is no text where one id or name is asked for.

    Raises
    ------
    InvalidInputError
        Naming the argument.
    """
    if value is not None and not isinstance(value, str):
        raise InvalidInputError(
            f"{name} is {value!r:.200}.", where=name, next="Give it as text, in quotes."
        )


def selection(
    graph: GraphStore,
    *,
    start: Moment = None,
    end: Moment = None,
    tz: str | None = None,
    camera: Ids = None,
    identity: Ids = None,
    unidentified: bool | None = None,
    limit: int | None = None,
) -> Selection:
    """Return the selection of a half-open range of time, cameras (or places) and identities.

    Raises
    ------
    InvalidInputError
        For a naive time without `tz`, a range that ends before it starts, a negative limit.
    NotFoundError
        Naming the camera, place or identity that is not in `graph`: a slip of the keyboard must
        not look like an empty answer.
    """
    first = None if start is None else times.instant(start, tz=tz, name="start")
    last = None if end is None else times.instant(end, tz=tz, name="end")
    if first is not None and last is not None and last < first:
        raise InvalidInputError(
            f"The range ends at {times.iso(last)}, before it starts at {times.iso(first)}.",
            where="end",
            next="Give a start and a later end; the end itself is not included.",
        )
    if limit is not None and not (isinstance(limit, numbers.Integral) and limit >= 0):
        raise InvalidInputError(
            f"limit is {limit!r:.200}.",
            where="limit",
            next="Give a whole number, 0 or more, or leave it out for all.",
        )
    cameras, identities = listed(camera, "camera"), listed(identity, "identity")
    _require(graph, cameras or [], identities or [])
    return Selection(
        start_us=first,
        end_us=last,
        cameras=cameras,
        identities=identities,
        unidentified=unidentified,
        limit=limit,
    )


def _require(graph: GraphStore, cameras: list[str], identities: list[str]) -> None:
    if cameras:
        there = set(graph.known("Camera", cameras))
        others = [one for one in cameras if one not in there]
        there |= set(graph.known("Place", others)) if others else set()
        for one in others:
            if one not in there:
                raise unknown(graph, "Camera", one, what="camera or place")
    if len(identities) == 1:  # a cell at a time is read faster than a table is made
        there = {one for one in identities if graph.node("Identity", one) is not None}
    else:
        there = set(graph.known("Identity", identities)) if identities else set()
    for one in identities:
        if one not in there:
            raise unknown(graph, "Identity", one)
