"""The nearest appearances and identities: vectors found, then named by the graph."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from itertools import groupby, islice
from operator import itemgetter
from typing import NamedTuple

import numpy as np
import pandas as pd

from workbench.storage.pair import StorePair
from workbench.stores.graph.base import Selection


def nearest(
    pair: StorePair,
    space: str,
    queries: np.ndarray,
    *,
    k: int = 10,
    min_similarity: float | None = None,
    within: np.ndarray | None = None,
    without: Collection[int] = (),
) -> pd.DataFrame:
    """Return the nearest named rows: ``query, appearance_id, vid, similarity, rank``.

    Always min(k, matches) rows a query; ties by appearance id; no threshold unless one is given.
    `within` are the only vids allowed, `without` some that are not.
    """
    found = hits(
        pair,
        space,
        queries,
        k=k,
        min_similarity=min_similarity,
        within=within,
        without=without,
    )
    first = np.searchsorted(found.query, found.query)
    return pd.DataFrame(
        {
            "query": found.query,
            "appearance_id": pd.Series(found.appearance_id, dtype="str"),
            "vid": found.vid,
            "similarity": found.similarity,
            "rank": np.arange(1, len(first) + 1, dtype="int64") - first,
        }
    )


class Named(NamedTuple):
    """The answer of :func:`nearest` as arrays: one query is answered faster than a table made."""

    query: np.ndarray
    appearance_id: np.ndarray
    vid: np.ndarray
    similarity: np.ndarray


def hits(
    pair: StorePair,
    space: str,
    queries: np.ndarray,
    *,
    k: int = 10,
    min_similarity: float | None = None,
    within: np.ndarray | None = None,
    without: Collection[int] = (),
) -> Named:
    """Return what :func:`nearest` gives, as arrays in its order."""
    left_out = frozenset(without)
    more = len(left_out)
    with pair.graph.snapshot():
        while True:
            query, vid, similarity = pair.vector.hits(
                space, queries, k=k + more, min_similarity=min_similarity, within=within
            )
            names = pair.graph.names_of(space, np.unique(vid))
            found = zip(query.tolist(), (-similarity).tolist(), vid.tolist(), strict=True)
            named = [
                (q, far, names[one], one)
                for q, far, one in found
                if one in names and one not in left_out
            ]
            if len(named) == len(vid):
                break
            # Rows left out or named by nobody took places of rows that count: ask for more.
            asked = np.bincount(query)
            kept = np.bincount([row[0] for row in named], minlength=len(asked))
            if not ((kept < k) & (asked >= k + more)).any():
                break
            more = 2 * (more + k)
    # A handful of rows a query: sorting them as tuples takes less than one call of NumPy.
    named.sort()
    best = [row for _, rows in groupby(named, itemgetter(0)) for row in islice(rows, max(k, 0))]
    columns = list(zip(*best, strict=True)) or [()] * 4
    kinds = (np.dtype("int64"), np.dtype("float64"), np.dtype(object), np.dtype("int64"))
    query, far, name, vid = (np.array(c, dtype=d) for c, d in zip(columns, kinds, strict=True))
    return Named(query, name, vid, -far)


def nearest_identities(
    pair: StorePair,
    space: str,
    queries: np.ndarray,
    *,
    k: int = 10,
    min_similarity: float | None = None,
    within: np.ndarray | None = None,
    without: Collection[int] = (),
) -> pd.DataFrame:
    """Return the best appearance of each of the k nearest identities.

    Columns ``query, appearance_id, identity_id, vid, similarity, rank``.
    """
    total = pair.vector.counts()[space] if within is None else len(within)
    ask = min(total, 4 * k + 16)
    while True:
        found = nearest(
            pair,
            space,
            queries,
            k=ask,
            min_similarity=min_similarity,
            within=within,
            without=without,
        )
        links = pair.graph.identities_of(found["appearance_id"].unique().tolist())
        whose = links.drop_duplicates("appearance_id").set_index("appearance_id")["identity_id"]
        owned = found.assign(identity_id=whose.reindex(found["appearance_id"]).array)
        best = owned[owned["identity_id"].notna()].drop_duplicates(["query", "identity_id"])
        people = np.bincount(best["query"], minlength=len(np.atleast_2d(queries)))
        if ask >= total or (people[found["query"].unique()] >= k).all():
            break
        ask = min(total, ask * 4)
    rank = best.groupby("query").cumcount().to_numpy() + 1
    best = best.assign(rank=rank)[rank <= k].reset_index(drop=True)
    return best[["query", "appearance_id", "identity_id", "vid", "similarity", "rank"]]


def matching(
    pair: StorePair,
    given: Mapping[str, np.ndarray | None],
    *,
    k: int = 10,
    min_similarity: float | None = None,
) -> list[tuple[str, float]]:
    """Return identity ids and the mean over the spaces given of their best cosine in each.

    Exact: the best of both need not be first in either, so each space is asked for more people
    until nobody left out can score as much as the last of the answer.
    """
    spaces = pair.spaces()
    asked = {space: v for space, v in given.items() if v is not None and space in spaces}
    depth = 2 * k
    while True:
        ranked = {s: nearest_identities(pair, s, v, k=depth) for s, v in asked.items()}
        fused = _fused(pair, asked, sorted({n for r in ranked.values() for n in r["identity_id"]}))
        # Whoever was not met is at most as near, in every space, as the last one met there.
        bound = [r["similarity"].iloc[-1] for r in ranked.values() if len(r) == depth]
        if not bound or (len(fused) >= k and fused[k - 1][1] > max(bound)):
            break
        depth *= 4
    return [hit for hit in fused if min_similarity is None or hit[1] >= min_similarity][:k]


def _fused(
    pair: StorePair, asked: Mapping[str, np.ndarray], people: list[str]
) -> list[tuple[str, float]]:
    """Return these people with their scores, best first, ties by id."""
    scores: dict[str, list[float]] = {name: [] for name in people}
    for space, vector in asked.items():
        within = pair.graph.vids_within(space, Selection(identities=people))
        best = nearest_identities(pair, space, vector, k=len(people), within=within)
        for name, similarity in zip(best["identity_id"], best["similarity"], strict=True):
            scores[name].append(float(similarity))
    fused = [(name, float(np.mean(values))) for name, values in scores.items() if values]
    return sorted(fused, key=lambda hit: (-hit[1], hit[0]))
