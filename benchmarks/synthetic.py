"""Synthetic sightings for benchmarks: identities of very different size, seen in tracklets.

A vector is a normal draw around the centre of its tracklet, which is one around the centre of its
identity. Nothing is a random positive: what a search finds is near because it shows the same one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

SEED = 7
TRACKLET = 8
FACE, REID = 512, 2048
CAMERAS = 40
# Shares of variance: cosine ~0.65 between tracklets of one identity, ~0.90 inside a tracklet.
_OF_IDENTITY, _OF_TRACKLET = 0.65, 0.25
_UNKNOWN = 0.1
_START = pd.Timestamp("2026-01-12T08:00:00Z")


@dataclass(frozen=True, slots=True)
class Block:
    """Appearances in order of time, and their vectors (None where not asked for)."""

    frame: pd.DataFrame
    face: np.ndarray | None
    reid: np.ndarray | None


class Crowd:
    """`rows` appearances of `people` identities; the same seed gives the same ones.

    Parameters
    ----------
    rows : int
        Appearances.
    people : int
        Identities; their numbers of tracklets follow Zipf's law (exponent 1).
    face, reid : int
        Dimension of the vectors, 0 for none.
    """

    def __init__(
        self, rows: int, people: int, *, face: int = 0, reid: int = 0, seed: int = SEED
    ) -> None:
        self.rows, self.people, self.seed = rows, people, seed
        self._rng = np.random.default_rng(seed)
        self._centres = {
            name: self._rng.standard_normal((people, dim), dtype="float32")
            for name, dim in (("face", face), ("reid", reid))
            if dim
        }
        self._share = 1.0 / np.arange(1, people + 1)
        self._share /= self._share.sum()

    @property
    def identities(self) -> pd.DataFrame:
        """Return the table of identities."""
        return pd.DataFrame({"id": [f"p{n:06d}" for n in range(self.people)]})

    @property
    def cameras(self) -> pd.DataFrame:
        """Return the table of cameras: a grid of 25 m."""
        at = np.arange(CAMERAS)
        return pd.DataFrame(
            {
                "id": [f"cam{n:02d}" for n in at],
                "position_x": at % 8 * 25.0,
                "position_y": at // 8 * 25.0,
            }
        )

    def blocks(self, size: int = 10_000) -> Iterator[Block]:
        """Yield the appearances in blocks of `size`."""
        for first in range(0, self.rows, size):
            yield self._block(first, min(size, self.rows - first))

    def _block(self, first: int, n: int) -> Block:
        rng = np.random.default_rng([self.seed, first])
        tracks = -(-n // TRACKLET)
        who = rng.choice(self.people, size=tracks, p=self._share)
        known = rng.random(tracks) >= _UNKNOWN
        camera = rng.integers(0, CAMERAS, tracks)
        track = np.arange(n) // TRACKLET
        number = first + np.arange(n)
        names = np.array([f"p{k:06d}" for k in who], dtype=object)
        names[~known] = None
        box = rng.uniform(0, 900, (n, 4)).round(1)
        frame = pd.DataFrame(
            {
                "id": [f"a{k:08d}" for k in number],
                "timestamp": (_START + pd.to_timedelta(number * 250, unit="ms")).as_unit("us"),
                "camera_id": pd.Series([f"cam{k:02d}" for k in camera], dtype="str").take(track),
                "identity_id": pd.Series(names, dtype="str").take(track),
                "tracking_id": [f"{first + k}" for k in track],
                "bbox_x": box[:, 0],
                "bbox_y": box[:, 1],
                "bbox_w": box[:, 2],
                "bbox_h": box[:, 3],
                "detection_confidence": rng.uniform(0.5, 1.0, n).round(3),
            }
        )
        for column in frame:
            frame[column] = frame[column].array  # `take` kept the index of what it took from
        frame = frame.reset_index(drop=True)
        vectors = {name: self._vectors(name, who, track, rng) for name in self._centres}
        return Block(frame, vectors.get("face"), vectors.get("reid"))

    def _vectors(
        self, name: str, who: np.ndarray, track: np.ndarray, rng: np.random.Generator
    ) -> np.ndarray:
        centres = self._centres[name]
        dim = centres.shape[1]
        own = 1.0 - _OF_IDENTITY - _OF_TRACKLET
        tracklet = np.sqrt(_OF_IDENTITY) * centres[who]
        tracklet += np.sqrt(_OF_TRACKLET) * rng.standard_normal((len(who), dim), dtype="float32")
        rows = rng.standard_normal((len(track), dim), dtype="float32")
        return (np.sqrt(own) * rows + tracklet[track]).astype("float32")

    def queries(self, name: str, n: int) -> np.ndarray:
        """Return vectors nobody has stored: nine of ten of known identities, one of a stranger."""
        rng = np.random.default_rng([self.seed, 1, 1])
        dim = self._centres[name].shape[1]
        who = rng.choice(self.people, size=n, p=self._share)
        centre = self._centres[name][who]
        strangers = rng.random(n) < _UNKNOWN
        centre[strangers] = rng.standard_normal((int(strangers.sum()), dim), dtype="float32")
        noise = rng.standard_normal((n, dim), dtype="float32")
        rows = np.sqrt(_OF_IDENTITY) * centre + np.sqrt(1 - _OF_IDENTITY) * noise
        return rows.astype("float32")
