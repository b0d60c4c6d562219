"""Blind areas: where between the cameras nobody sees, and for how long people are lost there."""

from __future__ import annotations

import numpy as np
import pandas as pd

from workbench.analytics import columns
from workbench.analytics.geometry import VIEW_RANGE_M, View, located, straight_m, view_of, within
from workbench.analytics.paths import directed
from workbench.analytics.travel_times import between_cameras

_STEP_M = 0.25


def blind_areas(
    transitions: pd.DataFrame,
    *,
    cameras: pd.DataFrame,
    adjacency: pd.DataFrame | None = None,
    max_gap_s: float = 30.0,
    view_range_m: float = VIEW_RANGE_M,
) -> pd.DataFrame:
    """Return between which cameras people are out of sight, how long, and how much is known of it.

    Looked at are cameras joined by an adjacency or, where none is given, by moves: with an
    adjacency, a move that skips a camera of the way was a camera that missed her, not a blind area.
    A move counts as ``unseen`` when nobody saw her in the whole of its gap; where another camera
    did, the way is covered.

    No sighting is not absence: what is blind here is what these cameras and this recognition saw.

    Parameters
    ----------
    transitions : DataFrame
        As :func:`workbench.analytics.transitions.transitions` returns them.
    cameras : DataFrame
        ``id, position_x, position_y, orientation, fov, level`` as in ``schema.CAMERA``.
    adjacency : DataFrame, optional
        As in ``schema.ADJACENT_TO``.
    max_gap_s : float
        What counts as a long time out of sight, seconds.
    view_range_m : float
        How far a camera sees a person, metres.

    Returns
    -------
    DataFrame
        ``from_camera, to_camera``; ``distance_m`` (length of the way where the adjacency has
        one, else the straight line); ``blind_m``: how much of the straight line no field of view
        of that level covers, sectors of `view_range_m`, walls not known (missing where a
        position is unknown or the levels differ); ``adjacent`` (whether the adjacency names it);
        ``transitions`` (how many moves), ``unseen`` (of them out of everybody's sight all the
        way); ``median_gap_s, p95_gap_s`` of the unseen ones, ``long_share`` (of them longer than
        `max_gap_s`). There and back are two rows. Those with most unseen moves come first, but
        all whose straight line is seen from end to end last; then in order of the two ids.

    Raises
    ------
    InvalidInputError
        When a column is missing or `max_gap_s` is no duration.
    """
    columns.duration_us(max_gap_s, "max_gap_s")
    columns.require(transitions, ("unseen_s",), "transitions")
    moves = between_cameras(transitions)
    pairs = _joined(moves, adjacency)
    hidden = moves[(moves["gap_s"] > 0) & (moves["unseen_s"] >= moves["gap_s"] - 1e-6)]
    hidden = hidden.assign(long=hidden["gap_s"] > max_gap_s)
    cells = hidden.groupby(["from_camera", "to_camera"])
    ends = pd.MultiIndex.from_frame(pairs[["from_camera", "to_camera"]])
    unseen = cells.size().reindex(ends, fill_value=0).to_numpy("int64")
    found = columns.table(
        columns.BLIND_AREAS,
        {
            "from_camera": pairs["from_camera"],
            "to_camera": pairs["to_camera"],
            "distance_m": pairs["way_m"].fillna(
                pd.Series(straight_m(cameras, pairs["from_camera"], pairs["to_camera"]))
            ),
            "blind_m": _blind_m(pairs, cameras, view_range_m),
            "adjacent": pairs["adjacent"],
            "transitions": pairs["transitions"],
            "unseen": unseen,
            "median_gap_s": cells["gap_s"].median().reindex(ends).to_numpy("float64"),
            "p95_gap_s": cells["gap_s"].quantile(0.95).reindex(ends).to_numpy("float64"),
            "long_share": cells["long"].mean().reindex(ends).to_numpy("float64"),
        },
    )
    found = found.sort_values(
        ["unseen", "from_camera", "to_camera"], ascending=[False, True, True], ignore_index=True
    )
    covered = (found["blind_m"] == 0).to_numpy(dtype=bool)
    return found.iloc[np.argsort(covered, kind="stable")].reset_index(drop=True)


def _joined(moves: pd.DataFrame, adjacency: pd.DataFrame | None) -> pd.DataFrame:
    """Return the pairs looked at: ``from_camera, to_camera, way_m, adjacent, transitions``."""
    ends = ["from_camera", "to_camera"]
    counted = moves.groupby(ends).size().rename("transitions").reset_index()
    if adjacency is None or adjacency.empty:
        return counted.assign(way_m=np.nan, adjacent=False)
    steps = directed(adjacency).rename(columns={"distance_m": "way_m"})[[*ends, "way_m"]]
    pairs = steps.merge(counted, how="left", on=ends)
    return pairs.assign(adjacent=True, transitions=pairs["transitions"].fillna(0))


def _blind_m(pairs: pd.DataFrame, cameras: pd.DataFrame, view_range_m: float) -> np.ndarray:
    stretches = blind_stretches(pairs, cameras=cameras, view_range_m=view_range_m)
    ends = stretches[["x0", "y0", "x1", "y1"]].to_numpy("float64")
    length = pd.Series(np.hypot(*(ends[:, 2:] - ends[:, :2]).T), index=stretches["pair"])
    metres = length.groupby(level=0).sum().reindex(range(len(pairs)), fill_value=0.0)
    straight = straight_m(cameras, pairs["from_camera"], pairs["to_camera"])
    # Where no view at all is known, nothing is known to be blind.
    unknown = np.isnan(straight) | (not _views(cameras))
    return np.where(unknown, np.nan, metres.to_numpy("float64"))


def _views(cameras: pd.DataFrame) -> list[View]:
    """Return the fields of view of the cameras whose place, direction and angle are known."""
    needed = ("position_x", "orientation", "fov")
    return [
        view_of(camera)
        for camera in cameras.to_dict("records")
        if not pd.isna([camera.get(name) for name in needed]).any()
    ]


def blind_stretches(
    pairs: pd.DataFrame, *, cameras: pd.DataFrame, view_range_m: float = VIEW_RANGE_M
) -> pd.DataFrame:
    """Return the stretches of the straight lines between cameras that no field of view covers.

    Walked along in steps of a quarter of a metre. A camera whose direction or angle is unknown
    covers nothing for certain and is left out; so is one on another level. Where that is so of
    all cameras there is no stretch: nothing is known.

    Parameters
    ----------
    pairs : DataFrame
        ``from_camera, to_camera``.
    cameras : DataFrame
        ``id, position_x, position_y, orientation, fov, level`` as in ``schema.CAMERA``.
    view_range_m : float
        How far a camera sees a person, metres.

    Returns
    -------
    DataFrame
        ``pair`` (row of `pairs`, from 0), ``x0, y0, x1, y1`` (metres); in order along the way.
    """
    straight = straight_m(cameras, pairs["from_camera"], pairs["to_camera"])
    places = located(cameras)
    views = _views(cameras)
    found = [
        _uncovered(row, places.loc[[a, b]], length, views, view_range_m)
        for row, (a, b, length) in enumerate(
            zip(pairs["from_camera"], pairs["to_camera"], straight, strict=True)
        )
        if length > 0 and views
    ]
    wanted = ["pair", "x0", "y0", "x1", "y1"]
    return pd.DataFrame(np.vstack([np.empty((0, 5)), *found]), columns=wanted).astype(
        {"pair": "int64"}
    )


def _uncovered(
    row: int, ends: pd.DataFrame, length: float, views: list[View], view_range_m: float
) -> np.ndarray:
    """Return the stretches of one line, (n, 5): runs of steps that nobody's view covers."""
    steps = max(int(np.ceil(length / _STEP_M)), 1)
    share = np.linspace(0.0, 1.0, steps + 1)
    x0, x1 = ends["position_x"]
    y0, y1 = ends["position_y"]
    middle = (share[:-1] + share[1:]) / 2
    x, y = x0 + middle * (x1 - x0), y0 + middle * (y1 - y0)
    level = ends["level"].iloc[0]
    seen = np.zeros(steps, dtype=bool)
    for view in views:
        if pd.isna(level) or view.level is None or view.level == level:
            seen |= within(view, x, y, view_range_m)
    edge = np.diff(np.concatenate([[False], ~seen, [False]]).astype("int8"))
    first, last = (edge == 1).nonzero()[0], (edge == -1).nonzero()[0]
    at = np.column_stack([share[first], share[last]])
    return np.column_stack(
        [
            np.full(len(at), row),
            x0 + at[:, 0] * (x1 - x0),
            y0 + at[:, 0] * (y1 - y0),
            x0 + at[:, 1] * (x1 - x0),
            y0 + at[:, 1] * (y1 - y0),
        ]
    )
