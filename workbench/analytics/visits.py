"""Visits: who stayed where, from when to when."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from workbench.analytics import columns


def visits(sightings: pd.DataFrame, *, max_gap_s: float = 30.0) -> pd.DataFrame:
    """Return the visits: sightings of one identity at one camera with gaps of at most `max_gap_s`.

    Visits of one identity at several cameras may overlap: another camera does not end a visit. A
    gap of exactly `max_gap_s` (compared in whole microseconds) stays inside the visit. A place
    acts like a camera; a sighting that names both counts for its camera. Sightings without an
    identity, a time, or any camera or place are in no visit.

    Parameters
    ----------
    sightings : DataFrame
        ``identity_id``, ``timestamp`` (aware UTC, clocks corrected), ``camera_id`` and perhaps
        ``place_id``, in any order, as in ``schema.SIGHTING``.
    max_gap_s : float
        Longest time between two sightings of one visit, in seconds.

    Returns
    -------
    DataFrame
        ``identity_id``, ``camera_id`` and ``place_id`` (one of the two is missing), ``start`` and
        ``end`` (first and last sighting), ``dwell_s`` (end - start), ``sightings`` (how many); in
        order of identity, start, then camera (before places) by id.

    Raises
    ------
    InvalidInputError
        When a column is missing or `max_gap_s` is no duration.

    Examples
    --------
    >>> seen = pd.DataFrame({
    ...     "identity_id": "ann",
    ...     "camera_id": "door",
    ...     "timestamp": pd.to_datetime([0, 30, 61], unit="s", utc=True),
    ... })
    >>> visits(seen, max_gap_s=30)[["camera_id", "dwell_s", "sightings"]]
      camera_id  dwell_s  sightings
    0      door     30.0          2
    1      door      0.0          1
    """
    longest = columns.duration_us(max_gap_s, "max_gap_s")
    who, where, us, people, cameras, places = numbered(sightings)

    # One number for (identity, location): sorting it with the time brings each visit together.
    many = max(len(cameras) + len(places), 1)
    spot, us = _in_order(who.astype("int64") * many + where, us)
    begins = np.ones(len(us), dtype=bool)
    begins[1:] = (spot[1:] != spot[:-1]) | (np.diff(us) > longest)
    first = begins.nonzero()[0]
    last = np.append(first[1:], len(us))[: len(first)] - 1
    who, where = np.divmod(spot[first], many)

    rows = np.lexsort((where, us[first], who))
    start, end = us[first][rows], us[last][rows]
    return columns.table(
        columns.VISITS,
        {
            "identity_id": people.take(who[rows]),
            "camera_id": named(cameras, where[rows]),
            "place_id": named(places, where[rows] - len(cameras)),
            "start": columns.instants(start),
            "end": columns.instants(end),
            "dwell_s": (end - start) / 1e6,
            "sightings": (last - first + 1)[rows],
        },
    )


def numbered(
    sightings: pd.DataFrame,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, pd.Index, pd.Index, pd.Index]:
    """Return who, where and when (microseconds) of each sighting that has all three, and the names.

    The names are those of identities, cameras and places, as :func:`locations` numbers them.

    Raises
    ------
    InvalidInputError
        When a column is missing.
    """
    columns.require(sightings, ("identity_id", "timestamp", "camera_id"), "sightings")
    who, people = pd.factorize(sightings["identity_id"], sort=True)
    where, cameras, places = locations(sightings)
    known = (who >= 0) & (where >= 0) & sightings["timestamp"].notna().to_numpy()
    us = columns.microseconds(sightings["timestamp"][known])
    return who[known], where[known], us, people, cameras, places


def spelled_out(
    rows: np.ndarray, low: np.ndarray, counts: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return each of `rows` as often as it counts, and beside it low, low + 1 and so on.

    Examples
    --------
    >>> spelled_out(np.array([7, 8, 9]), np.array([0, 4, 2]), np.array([2, 0, 1]))
    (array([7, 7, 9]), array([0, 1, 2]))
    """
    ends = np.cumsum(counts)
    step = np.arange(int(counts.sum())) - np.repeat(ends - counts, counts)
    return np.repeat(rows, counts), np.repeat(low, counts) + step


def _in_order(spot: np.ndarray, us: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return both by (identity, location), then time."""
    if not len(us):
        return spot, us
    # One number that holds both is sorted several times as fast as two, where both fit into one.
    begun = int(us.min())
    bits = (int(us.max()) - begun).bit_length()
    if int(spot.max()).bit_length() + bits < 63:
        both = np.sort(spot << bits | (us - begun))
        return both >> bits, (both & ((1 << bits) - 1)) + begun
    order = np.lexsort((us, spot))
    return spot[order], us[order]


def locations(frame: pd.DataFrame) -> tuple[np.ndarray, pd.Index, pd.Index]:
    """Return where each row is as one number, and the names of the cameras and places.

    Numbers 0 to ``len(cameras) - 1`` are cameras in order of id, those after them places in order
    of id, -1 neither.
    """
    camera, cameras = pd.factorize(frame["camera_id"], sort=True)
    if "place_id" not in frame.columns:
        return camera, cameras, pd.Index([], dtype="str")
    place, places = pd.factorize(frame["place_id"], sort=True)
    return (
        np.where(camera >= 0, camera, np.where(place >= 0, len(cameras) + place, -1)),
        cameras,
        places,
    )


def named(names: pd.Index, numbers: np.ndarray) -> Any:
    """Return the names that numbers stand for, an array, missing where one stands for none."""
    inside = (numbers >= 0) & (numbers < len(names))
    return names.astype("str").array.take(np.where(inside, numbers, -1), allow_fill=True)
