"""Transitions: from one visit to the next, and how often each way is taken."""

from __future__ import annotations

import numpy as np
import pandas as pd

from workbench.analytics import columns
from workbench.analytics.geometry import straight_m
from workbench.analytics.paths import directed
from workbench.analytics.visits import locations, named


def transitions(
    visits: pd.DataFrame,
    *,
    cameras: pd.DataFrame | None = None,
    adjacency: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Return the transitions: from each visit of an identity to the next that begins after it.

    An identity's visits are put in order of start (ties: camera id, cameras before places). From
    each visit there is one transition, to the first visit later in that order that begins when
    this one ended or after that; none if there is no such visit. The same camera again counts.
    Where cameras overlap, two visits can therefore lead to the same next one, and in the time of a
    transition another camera may have seen her: ``unseen_s`` is what nobody saw of it.

    Parameters
    ----------
    visits : DataFrame
        As :func:`workbench.analytics.visits.visits` returns them.
    cameras : DataFrame, optional
        ``id, position_x, position_y`` (m) and ``level``: for distances and speeds.
    adjacency : DataFrame, optional
        As in ``schema.ADJACENT_TO``: for ``way_m`` and ``usual_s``.

    Returns
    -------
    DataFrame
        ``identity_id``; ``from_camera, to_camera`` (or ``from_place, to_place``); ``start`` (the
        one visit's end) and ``end`` (the next one's start); ``gap_s`` between them; ``unseen_s``
        of it; ``distance_m``: straight line between the cameras (0 for the same one, missing
        where a position is unknown or on different levels); ``speed_m_s``: that line over the gap
        (missing where the gap is 0); ``way_m, usual_s``: length and usual time of the direct
        step, where the adjacency has one. In order of identity, start of the visit left, camera.

    Raises
    ------
    InvalidInputError
        When a column is missing.
    """
    columns.require(visits, ("identity_id", "camera_id", "start", "end"), "visits")
    where, camera_names, place_names = locations(visits)
    who, people = pd.factorize(visits["identity_id"], sort=True)
    start, end = columns.microseconds(visits["start"]), columns.microseconds(visits["end"])
    order = np.lexsort((where, start, who))
    who, where, start, end = who[order], where[order], start[order], end[order]

    first, later, unseen = _links(who, start, end)
    gap = start[later] - end[first]
    there, then = where[first], where[later]
    found = {
        "identity_id": people.take(who[first]),
        "from_camera": named(camera_names, there),
        "to_camera": named(camera_names, then),
        "from_place": named(place_names, there - len(camera_names)),
        "to_place": named(place_names, then - len(camera_names)),
        "start": columns.instants(end[first]),
        "end": columns.instants(start[later]),
        "gap_s": gap / 1e6,
        "unseen_s": unseen / 1e6,
    }
    pairs = pd.DataFrame({name: found[name] for name in ("from_camera", "to_camera")})
    return columns.table(columns.TRANSITIONS, found | _measures(pairs, gap, cameras, adjacency))


def _links(
    who: np.ndarray, start: np.ndarray, end: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return positions of each visit left and of the next, and the microseconds nobody saw."""
    # Times as ranks, so that (identity, time) fits in one number whatever the calendar.
    moments, ranks = np.unique(np.concatenate([start, end]), return_inverse=True)
    base = who.astype("int64") * (len(moments) + 1)
    starts, ends = base + ranks[: len(start)], base + ranks[len(start) :]
    visit = np.arange(len(who))
    later = np.maximum(np.searchsorted(starts, ends, side="left"), visit + 1)
    found = later < len(who)
    found[found] = who[later[found]] == who[visit[found]]

    # Unseen before a visit: from the latest end of all earlier ones of hers to its start.
    until = moments[np.maximum.accumulate(ends) - base] if len(who) else end
    hole = np.zeros(len(who), dtype="int64")
    hers = who[1:] == who[:-1]
    hole[1:][hers] = np.maximum(start[1:] - until[:-1], 0)[hers]
    unseen = np.cumsum(hole)
    first, later = visit[found], later[found]
    return first, later, unseen[later] - unseen[first]


def _measures(
    pairs: pd.DataFrame,
    gap_us: np.ndarray,
    cameras: pd.DataFrame | None,
    adjacency: pd.DataFrame | None,
) -> dict[str, object]:
    known = pd.DataFrame({"id": pd.Series([], dtype="str")}) if cameras is None else cameras
    distance = straight_m(known, pairs["from_camera"], pairs["to_camera"])
    moving = gap_us > 0
    speed = np.full(len(pairs), np.nan)
    speed[moving] = distance[moving] / (gap_us[moving] / 1e6)
    way: dict[str, object] = {"way_m": np.nan, "usual_s": np.nan}
    if adjacency is not None and len(adjacency):
        steps = pairs.merge(directed(adjacency), how="left", on=["from_camera", "to_camera"])
        way = {"way_m": steps["distance_m"], "usual_s": steps["time_s"]}
    else:
        way = {name: np.full(len(pairs), np.nan) for name in way}
    return {"distance_m": distance, "speed_m_s": speed, **way}


def flow(transitions: pd.DataFrame) -> pd.DataFrame:
    """Return how often each way between two cameras was taken, and how long it usually took.

    Transitions that begin or end at a place without a camera are not counted.

    Parameters
    ----------
    transitions : DataFrame
        As :func:`transitions` returns them.

    Returns
    -------
    DataFrame
        ``from_camera, to_camera, transitions`` (how many), ``median_s`` (median of their gaps);
        in order of the two ids.

    Raises
    ------
    InvalidInputError
        When a column is missing.
    """
    columns.require(transitions, ("from_camera", "to_camera", "gap_s"), "transitions")
    cells = transitions.groupby(["from_camera", "to_camera"], sort=True)["gap_s"]
    counted = cells.agg(["size", "median"]).reset_index()
    return columns.table(
        columns.FLOW,
        {
            "from_camera": counted["from_camera"],
            "to_camera": counted["to_camera"],
            "transitions": counted["size"],
            "median_s": counted["median"],
        },
    )
