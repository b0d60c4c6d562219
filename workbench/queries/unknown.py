"""The error about an id that is not there, and the ids that were perhaps meant."""

from __future__ import annotations

import re
from difflib import SequenceMatcher, get_close_matches

from workbench.errors import NotFoundError
from workbench.kinds import ID_LENGTH
from workbench.stores.graph.base import GraphStore

# How many ids on either side of the place where it would stand are compared: never a whole store.
_AROUND = 300
_MOST = 3
_NEXT = {
    "Identity": "See who is there with: workbench identities",
    "Appearance": "See what is there with: workbench appearances --limit 10",
    "Camera": "See which cameras there are with: workbench cameras",
}


def unknown(graph: GraphStore, label: str, key: str, *, what: str | None = None) -> NotFoundError:
    """Return the error about an id that no node of `label` has, naming ids that are near.

    Parameters
    ----------
    graph : GraphStore
    label : str
        ``Identity``, ``Appearance`` or ``Camera``.
    key : str
        The id that was asked for.
    what : str, optional
        What was looked for, where that is more than one kind of thing.
    """
    near = near_ids(graph, label, key)
    meant = f"Did you mean {' or '.join(map(repr, near))}? " if near else ""
    return NotFoundError(
        f"There is no {what or label.lower()} {key!r}.",
        where=f"{label.lower()} {key}",
        next=meant + _NEXT[label],
    )


def near_ids(graph: GraphStore, label: str, key: str) -> list[str]:
    """Return at most three ids of nodes that are written like `key`, the nearest first.

    Those that differ in case, blanks or leading zeros alone are looked up. Of the others only ids
    near `key` in order are compared, so that a large store answers as fast as a small one.
    """
    if not isinstance(key, str) or not 0 < len(key) <= ID_LENGTH:
        return []  # what no id can be is written like none
    spelt = {key.lower(), key.upper(), key.title(), key.strip()}
    if key.isdecimal():
        spelt |= {key.lstrip("0").zfill(digits) for digits in range(1, 9)}
    same = graph.nodes(label, ids=sorted(spelt - {key, ""}))["id"].astype("str").tolist()
    around = {
        one
        for start in dict.fromkeys((key, key.lower(), key.upper()))
        for one in graph.ids_around(label, start, _AROUND)
    }
    alike = sorted(one for one in around if _bare(one) == _bare(key))
    if same or alike:
        return list(dict.fromkeys([*same, *alike]))[:_MOST]
    folded = {one.casefold(): one for one in sorted(around, reverse=True)}
    close = get_close_matches(key.casefold(), folded, n=max(len(folded), 1))
    close.sort(key=lambda one: (-SequenceMatcher(a=key.casefold(), b=one).ratio(), one))
    return [folded[one] for one in close[:_MOST]]


def _bare(key: str) -> str:
    """Return an id without case, signs and leading zeros.

    Examples
    --------
    >>> _bare("Cam_01"), _bare("cam 1")
    ('cam1', 'cam1')
    """
    parts = re.findall(r"\d+|[^\W\d_]+", key.casefold())
    return "".join(part.lstrip("0") or "0" if part.isdecimal() else part for part in parts)
