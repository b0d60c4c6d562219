"""Gaps: the long times between visits, and what explains them."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pandas as pd

from workbench.analytics import columns
from workbench.analytics.paths import graph

OUTAGE, BLIND, UNKNOWN = "outage", "blind", "unknown"


def gaps(
    transitions: pd.DataFrame,
    *,
    max_gap_s: float = 30.0,
    outages: pd.DataFrame | None = None,
    adjacency: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Return the transitions longer than `max_gap_s`, each with what explains it.

    ``reason`` is the first of these that holds:

    ``outage``
        A camera on the way was out for some of the gap. On the way are the two cameras themselves
        and every camera on a shortest way between them, by hops over the adjacency, all ties
        counted. ``outage_camera`` is the one that was out longest within the gap (ties: least
        id), ``outage_s`` how long of the gap, ``source`` says who reported it. A part that no
        outage covers is not explained by it.
    ``blind``
        No camera is between: the adjacency names the two as neighbours in that direction, or they
        are one and the same camera and the adjacency knows it. She was where none looks.
    ``unknown``
        Anything else. Without an adjacency nothing is called blind.

    No sighting is not absence: a gap says that this identity was not recognised, no more. Where
    cameras overlap another one may have seen her meanwhile: see ``unseen_s``.

    Parameters
    ----------
    transitions : DataFrame
        As :func:`workbench.analytics.transitions.transitions` returns them.
    max_gap_s : float
        Gaps of exactly this many seconds are not listed.
    outages : DataFrame, optional
        ``camera_id, start, end, source``, half-open, as in ``schema.OUTAGE``.
    adjacency : DataFrame, optional
        As in ``schema.ADJACENT_TO``.

    Returns
    -------
    DataFrame
        ``identity_id, start, end, gap_s, unseen_s, from_camera, to_camera, reason,
        outage_camera, outage_s, source``, in the order of `transitions`. The cameras are missing
        where the visit was at a place, what is said of an outage where there was none.

    Raises
    ------
    InvalidInputError
        When a column is missing or `max_gap_s` is no duration.
    """
    longest = columns.duration_us(max_gap_s, "max_gap_s")
    needed = ("identity_id", "from_camera", "to_camera", "start", "end", "gap_s")
    columns.require(transitions, needed, "transitions")
    start = columns.microseconds(transitions["start"])
    end = columns.microseconds(transitions["end"])
    long = transitions.loc[end - start > longest, [n for n in columns.GAPS if n in transitions]]
    long = long.reset_index(drop=True)
    if "unseen_s" not in long:
        long["unseen_s"] = np.nan

    ways, blind = _ways(long, adjacency)
    out = _outages_on_way(long, ways, outages)
    reason = np.where(blind, BLIND, UNKNOWN).astype(object)
    reason[out["outage_camera"].notna().to_numpy()] = OUTAGE
    return columns.table(columns.GAPS, dict(long.items()) | {"reason": reason} | dict(out.items()))


def unseen_gaps(gaps: pd.DataFrame) -> pd.DataFrame:
    """Return the gaps in which no other camera saw her either, each absence once.

    Where cameras overlap, one of them may see her all through the gap of another, and two visits
    that end at once may lead to the same next one.

    Parameters
    ----------
    gaps : DataFrame
        As :func:`gaps` returns them. Where ``unseen_s`` is missing, a gap counts as unseen.

    Raises
    ------
    InvalidInputError
        When a column is missing.
    """
    columns.require(gaps, ("identity_id", "start", "end", "gap_s", "unseen_s"), "gaps")
    hidden = gaps["unseen_s"].isna() | (gaps["unseen_s"] >= gaps["gap_s"] - 1e-6)
    once = gaps[hidden].drop_duplicates(["identity_id", "start", "end"])
    return once.reset_index(drop=True)


def _ways(
    long: pd.DataFrame, adjacency: pd.DataFrame | None
) -> tuple[list[tuple[str, str, str]], np.ndarray]:
    """Return from, to and each camera on the way, and the gaps where none is between."""
    pairs = long[["from_camera", "to_camera"]].dropna().drop_duplicates()
    ways = graph(adjacency) if adjacency is not None and len(adjacency) else nx.DiGraph()
    back = ways.reverse(copy=False)
    ahead = {a: _hops(ways, a) for a in pairs["from_camera"].unique()}
    behind = {b: _hops(back, b) for b in pairs["to_camera"].unique()}
    found: list[tuple[str, str, str]] = []
    blind: set[tuple[str, str]] = set()
    for a, b in pairs.itertuples(index=False):
        hops = ahead[a].get(b)
        between = _between(ahead[a], behind[b], hops) - {a, b}
        found += [(a, b, camera) for camera in sorted(between | {a, b})]
        if hops is not None and not between:
            blind.add((a, b))
    ends = zip(long["from_camera"], long["to_camera"], strict=True)
    return found, np.fromiter((pair in blind for pair in ends), dtype=bool, count=len(long))


def _hops(ways: nx.DiGraph, camera: str) -> dict[str, int]:
    return dict(nx.single_source_shortest_path_length(ways, camera)) if camera in ways else {}


def _between(ahead: dict[str, int], behind: dict[str, int], hops: int | None) -> set[str]:
    if hops is None:
        return set()
    return {camera for camera, n in ahead.items() if n + behind.get(camera, hops + 1) == hops}


def _outages_on_way(
    long: pd.DataFrame, ways: list[tuple[str, str, str]], outages: pd.DataFrame | None
) -> pd.DataFrame:
    """Return ``outage_camera, outage_s, source`` of each gap, missing where none was out."""
    texts = ["outage_camera", "source"]
    if outages is None or outages.empty or long.empty:
        nothing = pd.DataFrame(columns=texts, index=long.index, dtype="str")
        return nothing.assign(outage_s=np.nan)
    table = pd.DataFrame(ways, columns=["from_camera", "to_camera", "camera_id"], dtype="str")
    numbered = long[["from_camera", "to_camera"]].assign(gap=np.arange(len(long)))
    on_way = numbered.merge(table, on=["from_camera", "to_camera"])[["gap", "camera_id"]]
    known = outages.reindex(columns=["camera_id", "start", "end", "source"])
    met = on_way.merge(known, on="camera_id")
    gap = long.loc[met["gap"]].reset_index(drop=True)
    first, last = (
        pick(columns.microseconds(met[name]), columns.microseconds(gap[name]))
        for name, pick in (("start", np.maximum), ("end", np.minimum))
    )
    met = met.assign(first=first, last=last)[last > first]
    met["outage_s"] = _covered(met) / 1e6
    met["long"] = met["last"] - met["first"]
    # The camera that was out longest; of its outages the longest says who reported it.
    met = met.sort_values(
        ["gap", "outage_s", "camera_id", "long"], ascending=[True, False, True, False]
    )
    named = (
        met.drop_duplicates("gap").set_index("gap").rename(columns={"camera_id": "outage_camera"})
    )
    found = named.reindex(range(len(long)))[["outage_camera", "outage_s", "source"]]
    return found.astype(dict.fromkeys(texts, "str"))


def _covered(met: pd.DataFrame) -> pd.Series:
    """Return how long the camera of each row was out within its gap, what overlaps counted once."""
    rows = met.sort_values(["gap", "camera_id", "first"])
    whose = [rows["gap"], rows["camera_id"]]
    until = rows.groupby(whose)["last"].cummax()
    until = until.groupby(whose).shift(fill_value=0)
    fresh = (rows["last"] - np.maximum(rows["first"], until)).clip(lower=0)
    return fresh.groupby(whose).transform("sum")
