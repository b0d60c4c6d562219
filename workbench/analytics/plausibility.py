"""What cannot be: one identity at two places at once, or faster than people move."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from workbench.analytics import columns
from workbench.analytics.geometry import (
    VIEW_RANGE_M,
    line_m,
    located,
    may_overlap,
    other_level,
    view_of,
)
from workbench.errors import InvalidInputError

TWO_PLACES, TOO_FAST = "two places at once", "too fast"


def implausible(
    sightings: pd.DataFrame,
    *,
    cameras: pd.DataFrame,
    adjacency: pd.DataFrame | None = None,
    max_speed_m_s: float = 4.0,
    view_range_m: float = VIEW_RANGE_M,
) -> pd.DataFrame:
    """Return the moves of an identity that nobody can make.

    The sightings of each identity whose position is known are put in order of time (ties: id).
    From one to the next at another camera the straight line is measured: between their floor
    positions where both carry one, else between the two cameras. ``two places at once``: the same
    instant, more than 0 m apart. ``too fast``: more than `max_speed_m_s` over the time between.

    No claim is made between cameras

    - whose adjacency distance is 0, in either direction,
    - whose fields of view overlap or may do so
      (:func:`workbench.analytics.geometry.may_overlap`): sectors of `view_range_m`; a camera whose
      orientation or angle is unknown may look any way, a full circle,
    - on different known levels, or of unknown position.

    It is a precise alarm, never proof of correctness: a wrong merge of two people who were far
    apart in time passes unseen.

    Parameters
    ----------
    sightings : DataFrame
        ``id, identity_id, timestamp, camera_id, floor_x_m, floor_y_m`` as in ``schema.SIGHTING``.
    cameras : DataFrame
        ``id, position_x, position_y, orientation, fov, level`` as in ``schema.CAMERA``.
    adjacency : DataFrame, optional
        ``from_camera, to_camera, distance_m``.
    max_speed_m_s : float
        Greatest speed of a person, in m/s.
    view_range_m : float
        How far a camera sees a person, in metres.

    Returns
    -------
    DataFrame
        ``identity_id, from_appearance, to_appearance, from_camera, to_camera, reason,
        speed_m_s`` (missing for two places at once), ``distance_m, gap_s``; in order of identity
        and time.

    Raises
    ------
    InvalidInputError
        When a column is missing or `max_speed_m_s` is no number above 0.
    """
    if not max_speed_m_s > 0:
        raise InvalidInputError(
            f"max_speed_m_s is {max_speed_m_s!r}: a speed above 0 is needed.",
            where="max_speed_m_s",
            next="Give it in metres a second, for example 4.",
        )
    columns.require(sightings, ("id", "identity_id", "timestamp", "camera_id"), "sightings")
    places = located(cameras)
    moves = _moves(_placed(sightings, places), places)
    seconds = moves["gap_us"] / 1e6
    moves = moves[(moves["distance_m"] > 0) & (moves["distance_m"] > max_speed_m_s * seconds)]
    moves = moves[~_excused(moves, cameras, adjacency, view_range_m)]
    still = (moves["gap_us"] == 0).to_numpy()
    gap_s = moves["gap_us"].to_numpy() / 1e6
    speed = moves["distance_m"].to_numpy() / np.where(still, np.nan, gap_s)
    found: dict[str, object] = {
        "reason": np.where(still, TWO_PLACES, TOO_FAST),
        "speed_m_s": speed,
        "gap_s": gap_s,
    }
    moves = moves.reset_index(drop=True)
    rest = {name: moves[name] for name in columns.IMPLAUSIBLE if name not in found}
    return columns.table(columns.IMPLAUSIBLE, found | rest)


def _placed(sightings: pd.DataFrame, places: pd.DataFrame) -> pd.DataFrame:
    """Return the sightings whose position is known, in order of identity, time and id."""
    wanted = ["id", "identity_id", "timestamp", "camera_id", "floor_x_m", "floor_y_m"]
    rows = sightings.reindex(columns=wanted)
    rows = rows[rows["identity_id"].notna() & rows["timestamp"].notna() & rows["camera_id"].notna()]
    on_plan = places.index[places["position_x"].notna() & places["position_y"].notna()]
    on_floor = rows["floor_x_m"].notna() & rows["floor_y_m"].notna()
    rows = rows[on_floor | rows["camera_id"].isin(on_plan)]
    rows = rows.assign(us=columns.microseconds(rows["timestamp"]))
    who = pd.factorize(rows["identity_id"], sort=True)[0]
    # Ids decide only between equal times: a million of them need not be sorted for that.
    tied = rows.duplicated(["identity_id", "us"], keep=False).to_numpy()
    rank = np.zeros(len(rows), dtype="int64")
    rank[tied] = pd.factorize(rows["id"][tied], sort=True)[0]
    return rows.iloc[np.lexsort((rank, rows["us"].to_numpy(), who))].reset_index(drop=True)


def _moves(rows: pd.DataFrame, places: pd.DataFrame) -> pd.DataFrame:
    """Return each step from a sighting to the next of hers at another camera, with its metres."""
    one, two = rows.iloc[:-1].reset_index(drop=True), rows.iloc[1:].reset_index(drop=True)
    apart = (one["identity_id"] == two["identity_id"]) & (one["camera_id"] != two["camera_id"])
    one, two = one[apart].reset_index(drop=True), two[apart].reset_index(drop=True)
    floor = np.hypot(
        one["floor_x_m"].to_numpy("float64") - two["floor_x_m"].to_numpy("float64"),
        one["floor_y_m"].to_numpy("float64") - two["floor_y_m"].to_numpy("float64"),
    )
    elsewhere = other_level(places, one["camera_id"], two["camera_id"])
    line = line_m(places, one["camera_id"], two["camera_id"])
    line = np.where(np.isnan(floor), line, floor)
    return pd.DataFrame(
        {
            "identity_id": one["identity_id"],
            "from_appearance": one["id"],
            "to_appearance": two["id"],
            "from_camera": one["camera_id"],
            "to_camera": two["camera_id"],
            "gap_us": two["us"].to_numpy() - one["us"].to_numpy(),
            "distance_m": np.where(elsewhere, np.nan, line),
        }
    )


def _excused(
    moves: pd.DataFrame,
    cameras: pd.DataFrame,
    adjacency: pd.DataFrame | None,
    view_range_m: float,
) -> np.ndarray:
    """Return where the two cameras may see one spot, so that nothing can be said."""
    pairs = moves[["from_camera", "to_camera"]].drop_duplicates()
    touching = _touching(adjacency)
    views = _views(cameras[cameras["id"].isin(pairs.to_numpy().ravel())])
    excused = {
        (a, b)
        for a, b in pairs.itertuples(index=False)
        if frozenset((a, b)) in touching
        or (a in views and b in views and may_overlap(views[a], views[b], range_m=view_range_m))
    }
    ends = zip(moves["from_camera"], moves["to_camera"], strict=True)
    return np.fromiter((pair in excused for pair in ends), dtype=bool, count=len(moves))


def _touching(adjacency: pd.DataFrame | None) -> set[frozenset[str]]:
    if adjacency is None or adjacency.empty:
        return set()
    near = adjacency[(adjacency["distance_m"] == 0).fillna(False)]
    return {frozenset(pair) for pair in zip(near["from_camera"], near["to_camera"], strict=True)}


def _views(cameras: pd.DataFrame) -> dict[str, Any]:
    if not {"position_x", "position_y"} <= set(cameras.columns):
        return {}
    known = cameras[cameras["position_x"].notna() & cameras["position_y"].notna()]
    return {row["id"]: view_of(row) for row in known.to_dict("records")}
