"""Who belongs together: groups of people who meet each other more than others."""

from __future__ import annotations

import networkx as nx
import pandas as pd


def communities(pairs: pd.DataFrame, *, weight: str = "count") -> dict[str, int]:
    """Return the number of the group of everybody in some pairs, the largest group first.

    Groups are of the Louvain method, the same for the same pairs in whatever order.

    Parameters
    ----------
    pairs : DataFrame
        ``a, b`` and `weight`: as :func:`workbench.analytics.co_occurrence.met` returns them.
    weight : str
        What binds two; where it is 0 or missing, nothing does.

    References
    ----------
    V. D. Blondel et al., "Fast unfolding of communities in large networks", 2008.

    Examples
    --------
    >>> said = [("ann", "ben", 9), ("ben", "cem", 9), ("dan", "eva", 4), ("cem", "dan", 1)]
    >>> communities(pd.DataFrame(said, columns=["a", "b", "count"]))
    {'ann': 0, 'ben': 0, 'cem': 0, 'dan': 1, 'eva': 1}
    """
    rows = pairs[["a", "b", weight]].sort_values(["a", "b"], ignore_index=True)
    graph = nx.Graph()
    graph.add_nodes_from(sorted({*rows["a"], *rows["b"]}))
    bound = rows[rows[weight] > 0]  # by nothing is not at all: Louvain divides by what there is
    graph.add_weighted_edges_from(bound.itertuples(index=False), weight=weight)
    found = nx.community.louvain_communities(graph, weight=weight, seed=0)
    ordered = sorted((sorted(group) for group in found), key=lambda one: (-len(one), one))
    return {who: number for number, group in enumerate(ordered) for who in group}
