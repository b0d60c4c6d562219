"""The nearest appearances and identities: vectors found, then named by the graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    exclude: Sequence[str] = (),
) -> pd.DataFrame:
    """Return the nearest named rows: ``query, appearance_id, vid, similarity, rank``.

    A threshold of the space is applied unless one is given; ties by appearance id. Rows of
    the appearances in `exclude` are left out. Always min(k, matches) rows a query.
    """
    found = hits(
        pair, space, queries, k=k, min_similarity=min_similarity, within=within, exclude=exclude
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
    exclude: Sequence[str] = (),
) -> Named:
    """Return what :func:`nearest` gives, as arrays in its order."""
    barred = set(exclude)
    more = len(barred)
    with pair.graph.snapshot():
        while True:
            query, vid, similarity = pair.vector.hits(
                space, queries, k=k + more, min_similarity=min_similarity, within=within
            )
            names = pair.graph.names_of(space, np.unique(vid))
            name = np.array([names.get(one) for one in vid.tolist()], dtype=object)
            kept = np.array([one is not None and one not in barred for one in name], dtype=bool)
            # Rows that nobody names took places of rows that count: ask for more.
            found_all = np.bincount(query)
            short = np.bincount(query[kept], minlength=len(found_all)) < k
            if not (short & (found_all >= k + more)).any():
                break
            more = 2 * (more + k)
    query, vid, similarity, name = (part[kept] for part in (query, vid, similarity, name))
    order = np.lexsort((name.astype("str"), -similarity, query))
    query = query[order]
    best = np.arange(len(query)) - np.searchsorted(query, query) < k
    order = order[best]
    return Named(query[best], name[order], vid[order], similarity[order])


def nearest_identities(
    pair: StorePair,
    space: str,
    queries: np.ndarray,
    *,
    k: int = 10,
    min_similarity: float | None = None,
    within: np.ndarray | None = None,
    exclude: Sequence[str] = (),
) -> pd.DataFrame:
    """Return the best appearance of each of the k nearest identities.

    Columns ``query, appearance_id, identity_id, vid, similarity, rank``.
    """
    total = len(pair.vector.vids(space)) if within is None else len(within)
    ask = min(total, 4 * k + 16)
    while True:
        hits = nearest(
            pair,
            space,
            queries,
            k=ask,
            min_similarity=min_similarity,
            within=within,
            exclude=exclude,
        )
        links = pair.graph.identities_of(hits["appearance_id"].unique().tolist())
        owned = hits.merge(links[["appearance_id", "identity_id"]], on="appearance_id")
        best = owned.sort_values(["query", "rank"]).drop_duplicates(["query", "identity_id"])
        people = best.groupby("query").size().reindex(hits["query"].unique()).fillna(0)
        if ask >= total or (people >= k).all():
            break
        ask = min(total, ask * 4)
    best = best.groupby("query", sort=False).head(k).reset_index(drop=True)
    best["rank"] = best.groupby("query").cumcount() + 1
    return best[["query", "appearance_id", "identity_id", "vid", "similarity", "rank"]]


def matching(
    pair: StorePair,
    given: Mapping[str, np.ndarray | None],
    *,
    k: int = 10,
    min_similarity: float | None = None,
) -> list[tuple[str, float]]:
    """Return identity ids and the mean over the spaces given of their best cosine in each."""
    spaces = pair.vector.spaces()
    asked = {space: v for space, v in given.items() if v is not None and space in spaces}
    candidates: set[str] = set()
    for space, vector in asked.items():
        candidates |= set(nearest_identities(pair, space, vector, k=k)["identity_id"])
    scores: dict[str, list[float]] = {name: [] for name in candidates}
    for space, vector in asked.items():
        # A candidate of one space gets her true best in the other, however far down it is.
        within = pair.graph.vids_within(space, Selection(identities=sorted(candidates)))
        best = nearest_identities(pair, space, vector, k=len(candidates), within=within)
        for name, similarity in zip(best["identity_id"], best["similarity"], strict=True):
            scores[name].append(float(similarity))
    fused = [(name, float(np.mean(values))) for name, values in scores.items() if values]
    wanted = [hit for hit in fused if min_similarity is None or hit[1] >= min_similarity]
    return sorted(wanted, key=lambda hit: (-hit[1], hit[0]))[:k]
