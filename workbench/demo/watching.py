"""What the cameras make of people on their ways: passes, sightings, boxes."""

from __future__ import annotations

import numpy as np
import pandas as pd

from workbench.demo import building
from workbench.demo.building import EYES, LEVELS

WALKING_S, STANDING_S = 3.0, 15.0
"""Seconds between two sightings in one pass, of somebody who walks and of one who stands."""

FPS = 12.5
WIDTH_PX, HEIGHT_PX = 1920.0, 1080.0
_HORIZON_PX = 260.0  # the cameras look down a little
_PASS_S = 4.0  # out of sight for longer: another track
_MISSED = 0.05  # share of sightings that the detector misses
_BLURRED_M = 0.10  # how well a spot on the floor is told from a picture
_SMALLEST_PX = 40.0


def sightings(
    points: pd.DataFrame, heights_m: np.ndarray, rng: np.random.Generator
) -> pd.DataFrame:
    """Return what the cameras saw, in order of time.

    Parameters
    ----------
    points : DataFrame
        As :meth:`workbench.demo.movement.Log.points` gives them.
    heights_m : array
        How tall everybody is, by number.
    rng : Generator

    Returns
    -------
    DataFrame
        ``person, day, t, camera`` (number), ``track`` (number within the camera), ``x, y``
        (measured on the floor), ``facing`` (degrees off the direction to the camera),
        ``distance_m, occlusion`` and ``bbox_x, bbox_y, bbox_w, bbox_h`` (pixels).
    """
    level = points["level"].to_numpy()
    cells = building.cell_of(points["x"].to_numpy(), points["y"].to_numpy())
    mask = np.where(level == 0, *(building.seen_by(name)[cells] for name in LEVELS))
    seen = pd.concat(
        [_by_one(points, mask, number, rng) for number in range(len(EYES))], ignore_index=True
    )
    seen = seen[rng.random(len(seen)) > _MISSED]
    seen = seen.sort_values(["day", "t", "camera", "person"], ignore_index=True)
    return _boxed(seen, heights_m, rng)


def _by_one(
    points: pd.DataFrame, mask: np.ndarray, number: int, rng: np.random.Generator
) -> pd.DataFrame:
    """Return the sightings of one camera: so many a pass, by what each step is worth."""
    here = points[(mask >> number) & 1 == 1]
    t, person, day = (here[name].to_numpy() for name in ("t", "person", "day"))
    gone = np.diff(t, prepend=-1e9)
    begins = (gone > _PASS_S) | (np.diff(person, prepend=-1) != 0) | (np.diff(day, prepend=-1) != 0)
    track = np.cumsum(begins) - 1
    worth = np.where(begins, 0.0, gone / np.where(here["still"], STANDING_S, WALKING_S))
    first = begins.nonzero()[0]
    done = np.cumsum(worth)
    done = done - done[first][track] + rng.uniform(0.25, 1.0, len(first))[track]
    ticks = np.floor(done)
    due = (ticks > np.where(begins, 0.0, np.roll(ticks, 1))) & (ticks > 0)
    found = here[due].assign(camera=number, pass_=track[due])
    # Passes are numbered as they begin, so that a number tells the time and nothing else.
    start = pd.Series(day[first] * 1e6 + t[first]).rank(method="first").to_numpy(dtype="int64")
    return found.assign(track=start[found["pass_"].to_numpy()]).drop(columns="pass_")


def _boxed(seen: pd.DataFrame, heights_m: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
    n = len(seen)
    eyes = pd.DataFrame(
        {
            name: [getattr(eye, name) for eye in EYES]
            for name in ("x", "y", "z", "orientation", "fov")
        }
    ).take(seen["camera"].to_numpy())
    east, north = (seen[name].to_numpy() - eyes[name].to_numpy() for name in ("x", "y"))
    away = np.hypot(east, north)
    bearing = np.degrees(np.arctan2(east, north))
    off = (bearing - eyes["orientation"].to_numpy() + 180) % 360 - 180
    towards = (bearing + 180 - seen["heading"].to_numpy() + 180) % 360 - 180
    focal = WIDTH_PX / 2 / np.tan(np.radians(np.minimum(eyes["fov"].to_numpy() + 8, 110) / 2))
    depth = np.maximum(away * np.cos(np.radians(off)), 0.6)
    tall = heights_m[seen["person"].to_numpy()]
    foot = _HORIZON_PX + focal * eyes["z"].to_numpy() / depth
    head = _HORIZON_PX + focal * (eyes["z"].to_numpy() - tall) / depth
    middle = WIDTH_PX / 2 + focal * np.tan(np.radians(off))
    wide = (foot - head) * rng.normal(0.36, 0.03, n)
    shaken = rng.normal(0, 0.012, (4, n)) * (foot - head)
    left, right = middle - wide / 2 + shaken[0], middle + wide / 2 + shaken[1]
    left, right = np.clip(left, 0, WIDTH_PX), np.clip(right, 0, WIDTH_PX)
    top, bottom = (np.clip(v + s, 0, HEIGHT_PX) for v, s in ((head, shaken[2]), (foot, shaken[3])))
    out = seen.drop(columns=["heading", "still", "level"]).assign(
        x=seen["x"] + np.clip(rng.normal(0, _BLURRED_M, n), -0.2, 0.2),
        y=seen["y"] + np.clip(rng.normal(0, _BLURRED_M, n), -0.2, 0.2),
        facing=np.abs(towards),
        distance_m=away,
        occlusion=np.clip(rng.beta(1.1, 6, n) - 0.05, 0, 0.9),
        bbox_x=left, bbox_y=top, bbox_w=right - left, bbox_h=bottom - top,
    )  # fmt: skip
    shown = (out["bbox_h"] > _SMALLEST_PX) & (out["bbox_w"] > _SMALLEST_PX / 4)
    return out[shown].reset_index(drop=True)
