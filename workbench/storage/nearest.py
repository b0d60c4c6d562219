"""The nearest appearances and identities: vectors found, then named by the graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

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
    barred = set(exclude)
    more = len(barred)
    with pair.graph.snapshot():
        while True:
            hits = pair.vector.search(
                space, queries, k=k + more, min_similarity=min_similarity, within=within
            )
            query, vid, similarity = (
                hits[name].to_numpy() for name in ("query", "vid", "similarity")
            )
            name = _owners(pair, space, vid)
            kept = np.array([one is not None and one not in barred for one in name], dtype=bool)
            # Rows that nobody names took places of rows that count: ask for more.
            found_all = np.bincount(query)
            short = np.bincount(query[kept], minlength=len(found_all)) < k
            if not (short & (found_all >= k + more)).any():
                break
            more = 2 * (more + k)
    query, vid, similarity, name = (column[kept] for column in (query, vid, similarity, name))
    order = np.lexsort((name.astype("str"), -similarity, query))
    query = query[order]
    rank = np.arange(len(query)) - np.searchsorted(query, query) + 1
    order, query, rank = (column[rank <= k] for column in (order, query, rank))
    return pd.DataFrame(
        {
            "query": query,
            "appearance_id": pd.Series(name[order], dtype="str"),
            "vid": vid[order],
            "similarity": similarity[order],
            "rank": rank,
        }
    )


def _owners(pair: StorePair, space: str, vids: np.ndarray) -> np.ndarray:
    """Return the appearance that names each vid, None where nobody does."""
    rows = pair.graph.owners(space, np.unique(vids))
    names = dict(zip(rows["vid"].tolist(), rows["appearance_id"].tolist(), strict=True))
    out = np.empty(len(vids), dtype=object)
    out[:] = [names.get(vid) for vid in vids.tolist()]
    return out


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
