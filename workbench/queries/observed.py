"""Everything observed, as few arrays: what of it is asked for, and as which table."""

from __future__ import annotations

import numpy as np
import pandas as pd

from workbench import times
from workbench.stores.graph.base import Observations, Selection


def chosen_of(seen: Observations, chosen: Selection) -> Observations:
    """Return of all observations those that are selected by time, place and identity."""
    wanted = np.ones(len(seen.time_us), dtype=bool)
    if chosen.start_us is not None:
        wanted &= seen.time_us >= chosen.start_us
    if chosen.end_us is not None:
        wanted &= seen.time_us < chosen.end_us
    for numbers, names, asked in (
        (seen.place, seen.places, chosen.cameras),
        (seen.identity, seen.identities, chosen.identities),
    ):
        if asked is not None:
            found = pd.Index(names, dtype="str").get_indexer_for(pd.Index(list(asked)))
            wanted &= np.isin(numbers, found)
            wanted &= numbers >= 0
    return Observations(
        seen.identity[wanted],
        seen.place[wanted],
        seen.time_us[wanted],
        seen.identities,
        seen.places,
    )


def as_categories(seen: Observations, cameras: set[str]) -> pd.DataFrame:
    """Return observations as sightings whose names are categories: nothing is copied row by row."""
    at_camera = np.array([name in cameras for name in seen.places], dtype=bool)
    where = np.where((seen.place >= 0) & np.append(at_camera, False)[seen.place], seen.place, -1)
    return pd.DataFrame(
        {
            "identity_id": pd.Categorical.from_codes(
                seen.identity, pd.Index(seen.identities, dtype="str")
            ),
            "camera_id": pd.Categorical.from_codes(where, pd.Index(seen.places, dtype="str")),
            "place_id": pd.Categorical.from_codes(
                np.where(where < 0, seen.place, -1), pd.Index(seen.places, dtype="str")
            ),
            "timestamp": times.from_us(seen.time_us).array,
        }
    )


def as_sightings(
    seen: Observations, start_us: int | None, end_us: int | None, places: set[str]
) -> pd.DataFrame:
    """Return those of somebody in a range of time: the columns that visits are counted from."""
    wanted = seen.identity >= 0
    if start_us is not None:
        wanted &= seen.time_us >= start_us
    if end_us is not None:
        wanted &= seen.time_us < end_us
    who, where = seen.identity[wanted], seen.place[wanted]
    # A column of names is taken from the few different ones, not made row by row.
    names = pd.Series(seen.places, dtype="str")
    at_place = np.array([name in places for name in seen.places], dtype=bool)
    cameras = names.mask(at_place) if len(names) else names
    return pd.DataFrame(
        {
            "identity_id": pd.Series(seen.identities, dtype="str").take(who).array,
            "camera_id": cameras.take(where).array,
            "place_id": names.where(at_place).take(where).array if len(names) else names.array,
            "timestamp": times.from_us(seen.time_us[wanted]).array,
        }
    )
