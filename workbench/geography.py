"""Longitude and latitude as metres of a plane: east and north of an origin, and back.

Inside the package a place is metres of a local plane; a site that is given in degrees gets an
origin, and its plane touches the globe (WGS 84) there. Within a few kilometres the scale is true
to 0.1 %, at 20 km from the origin to 0.5 % at the latitudes people live at; farther away than
:data:`FARTHEST_M` nothing is a site any more.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from workbench.errors import InvalidInputError

FARTHEST_M = 100_000.0
NAMES = ("longitude", "latitude")
"""What the two are called, as columns of a file and among the properties of a camera."""

# WGS 84: half the longer axis in metres, and the square of the first eccentricity.
_AXIS_M, _E2 = 6_378_137.0, 0.006_694_379_990_14
_PAIR = re.compile(r"\s*([-+]?\d{1,3}(?:\.\d{1,15})?)\s*,\s*([-+]?\d{1,2}(?:\.\d{1,15})?)\s*")
_AGREE_M = 1.0


@dataclass(frozen=True, slots=True)
class Origin:
    """The point of the globe that is (0, 0) of a site's plane, in degrees.

    Examples
    --------
    >>> tower = Origin(2.2945, 48.8584)
    >>> x, y = tower.metres(np.array([2.3045]), np.array([48.8584]))
    >>> float(x.round(1)[0]), float(y[0])
    (733.8, 0.0)
    >>> [round(float(degrees[0]), 6) for degrees in tower.degrees(x, y)]
    [2.3045, 48.8584]
    """

    longitude: float
    latitude: float

    @classmethod
    def of(cls, text: str) -> Origin:
        """Return the origin that "LON,LAT" names, in degrees east and north.

        Raises
        ------
        InvalidInputError
            When the text is no such pair.
        """
        found = _PAIR.fullmatch(text)
        if found:
            longitude, latitude = map(float, found.groups())
            # Nearer to a pole a plane with east and north is none.
            if abs(longitude) <= 180 and abs(latitude) <= 89:
                return cls(longitude, latitude)
        raise InvalidInputError(
            f"{text[:100]!r} is no point of the globe.",
            where="origin",
            next="Write LON,LAT in degrees, east and north positive: 2.2945,48.8584",
        )

    def __str__(self) -> str:
        return f"{self.longitude:.10g},{self.latitude:.10g}"

    def metres(self, longitude: np.ndarray, latitude: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return how far east and north of the origin these points lie, in metres."""
        across, up = self._metres_a_degree()
        east = (longitude - self.longitude + 180) % 360 - 180  # the shorter way round the globe
        return east * across, (latitude - self.latitude) * up

    def degrees(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return longitude and latitude of points given in metres."""
        across, up = self._metres_a_degree()
        longitude = (self.longitude + np.asarray(x) / across + 180) % 360 - 180
        return longitude, self.latitude + np.asarray(y) / up

    def _metres_a_degree(self) -> tuple[float, float]:
        """Return the length of a degree eastwards and northwards, here (radii of curvature)."""
        here = math.radians(self.latitude)
        flat = 1 - _E2 * math.sin(here) ** 2
        across = _AXIS_M / math.sqrt(flat) * math.cos(here)
        up = _AXIS_M * (1 - _E2) / flat**1.5
        return math.radians(across), math.radians(up)


def middle(longitude: pd.Series, latitude: pd.Series) -> Origin | None:
    """Return a point amid these that is easy to write down, or None where there is none."""
    good = longitude.between(-180, 180) & latitude.between(-89, 89)
    if not good.any():
        return None
    # Round: so the files of one site, each asked alone, are likely to give the same.
    return Origin.of(f"{longitude[good].median():.2f},{latitude[good].median():.2f}")


def origin_of(cameras: pd.DataFrame) -> Origin | None:
    """Return the origin of a site whose cameras are known in degrees and in metres, or None.

    Parameters
    ----------
    cameras : DataFrame
        ``position_x, position_y`` (metres) and ``properties`` (JSON with the degrees as given).

    Returns
    -------
    Origin or None
        None where no camera has both, or where they do not agree to a metre: then the metres are
        those of a plan of its own.
    """
    known = cameras.reindex(columns=["position_x", "position_y", "properties"]).dropna()
    degrees = pd.DataFrame(_degrees(known["properties"]), index=known.index, columns=list(NAMES))
    spots = pd.concat([known[["position_x", "position_y"]].astype("float64"), degrees], axis=1)
    spots = spots.dropna()
    if spots.empty:
        return None
    x, y = spots["position_x"].to_numpy(), spots["position_y"].to_numpy()
    longitude, latitude = (spots[name].to_numpy() for name in NAMES)
    found = _behind(longitude[0], latitude[0], x[0], y[0])
    if found is None:
        return None
    east, north = found.metres(longitude, latitude)
    return found if np.hypot(east - x, north - y).max() <= _AGREE_M else None


def _degrees(properties: Iterable[str]) -> list[tuple[float, float]]:
    found = []
    for text in properties:
        said = json.loads(text)
        try:
            found.append((float(said[NAMES[0]]), float(said[NAMES[1]])))
        except (KeyError, TypeError, ValueError):
            found.append((math.nan, math.nan))
    return found


def _behind(longitude: float, latitude: float, x: float, y: float) -> Origin | None:
    """Return the origin from which this point is (x, y) metres away."""
    if not abs(latitude) <= 89 or math.hypot(x, y) > 2 * FARTHEST_M:
        return None
    here = Origin(longitude, latitude)
    # How long a degree is depends on where the origin is; the guess converges at once.
    for _ in range(8):
        west, south = here.degrees(np.array([0.0]), np.array([0.0]))
        east, north = Origin(float(west[0]), float(south[0])).metres(
            np.array([longitude]), np.array([latitude])
        )
        across, up = here._metres_a_degree()
        here = Origin(
            here.longitude + (float(east[0]) - x) / across,
            here.latitude + (float(north[0]) - y) / up,
        )
        if abs(here.latitude) > 89:
            return None
    return here
