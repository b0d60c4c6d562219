"""How the people of the demo look: face and body vectors, qualities, and what to draw of them.

Nobody's face is in here: vectors are made from random numbers so that their cosines spread like
those of real models (``docs/explanation/demo-site.md`` says which, and how near). A vector is a sum
of independent directions, and the share of a direction in its square is its share in the cosine of
two vectors that have it in common:

- face: person (less of it the poorer the crop), camera, what all poor crops share, noise;
- body: what all bodies share, build, the clothes of the day, camera, side seen, noise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.demo.silhouettes import BAGS, CUTS, MARK, STYLES, WEARS

DIM: Final = 512

Floats = npt.NDArray[np.float32]
Rng = np.random.Generator

# Colours people wear to an office, commonest first, with how many in a hundred wear them.
_TOPS: Final = {
    "23252b": 13, "2c3e63": 13, "6f7680": 10, "eceae4": 11, "9db7d6": 9, "7a2230": 6, "2f5d46": 6,
    "c9b48f": 6, "c79a2b": 4, "2a7f86": 5, "b8322f": 4, "d99aa8": 4, "6b6b3a": 4, "8f7fb8": 3,
    "a8552f": 3, "e07b39": 2, "4a90c2": 5,
}  # fmt: skip
_LEGS: Final = {
    "1f2127": 26, "2a3550": 24, "4a5a78": 14, "55585e": 12, "b7a27c": 9, "3d3a33": 6, "77694f": 5,
    "dcd8cf": 2, "5a2d35": 2,
}  # fmt: skip
_SKIN: Final = ("f3d3bd", "e8bd9c", "d5a27c", "b97f56", "8d5a3a", "5f3b28")
_HAIR: Final = ("1d1a19", "33241c", "553a26", "7d5433", "a9733c", "d0a85c", "8a3b22", "9a9a9c")
_BAGS: Final = ("33312f", "6b4630", "2d4a6b", "8c2f39", "3f5b3f", "b0894f")
# Three and more who resemble each other wear this, every day.
_UNIFORM_FROM: Final = 3
_UNIFORM: Final[dict[str, Any]] = {
    "top": "1f3556",
    "cut": "uniform",
    "legs": "23262e",
    "wear": "trousers",
    "top_item": 0,
    "leg_item": 0,
}

# Shares of the square of a body vector; the noise depends on the quality.
_COMMON, _CLOTHES, _BUILD, _CAMERA, _SIDE = 0.38, 0.265, 0.05, 0.09, 0.07
_CAMERA_GAIN: Final = 0.10
# The same of a face vector; the person's share depends on the quality.
_FACE_COMMON, _FACE_CAMERA, _FACE_POOR = 0.003, 0.015, 0.04
_ALIKE: Final = 0.68
"""Cosine of the true faces of lookalikes; two of their crops are at about 0.35."""


@dataclass(frozen=True, slots=True)
class Looks:
    """The looks of everybody on a site, on every day and at every camera.

    Made by :meth:`of`; people, cameras and days are numbers from 0. `rows` in its methods is a
    table with integers ``person``, ``day``, ``camera`` and floats ``facing`` (degrees between the
    walking direction and the direction to the camera; 0 towards it, 180 away), ``distance_m`` and
    ``occlusion`` (0 to 1), and, but for :meth:`qualities`, with the columns that it returns.

    Examples
    --------
    >>> looks = Looks.of(people=3, cameras=2, days=1, seed=7)
    >>> rows = pd.DataFrame({"person": [0, 2], "day": 0, "camera": [0, 1], "facing": [10.0, 170.0],
    ...                      "distance_m": 4.0, "occlusion": 0.0})
    >>> rows = rows.join(looks.qualities(rows, np.random.default_rng(7)))
    >>> looks.bodies(rows, np.random.default_rng(7)).shape
    (2, 512)
    """

    people: int
    cameras: int
    days: int
    _faces: Floats
    _builds: Floats
    _clothes: Floats
    _outfits: npt.NDArray[np.object_]
    _face_common: Floats
    _face_poor: Floats
    _face_camera: Floats
    _body_common: Floats
    _body_camera: Floats
    _body_gain: Floats
    _body_sides: Floats
    _scenes: npt.NDArray[np.object_]

    @classmethod
    def of(
        cls,
        people: int,
        cameras: int,
        days: int,
        *,
        seed: int,
        lookalikes: Sequence[tuple[int, int]] = (),
    ) -> Looks:
        """Return the looks of so many people: the same for the same numbers and seed.

        Parameters
        ----------
        people, cameras, days : int
        seed : int
        lookalikes : sequence of pairs of person numbers
            Those that resemble each other in face and dress; pairs that share a person make a
            group of which each resembles each, as in a uniform.
        """
        rng = np.random.default_rng([seed, 0x100C5])
        leader = _leaders(people, lookalikes)
        wardrobe = _wardrobe(people, days, leader, rng)
        return cls(
            people=people,
            cameras=cameras,
            days=days,
            _faces=_true_faces(wardrobe, leader, rng),
            _builds=_mixed(leader, 0.5, rng),
            _clothes=_clothes_vectors(wardrobe, leader, rng),
            _outfits=_outfit_texts(wardrobe),
            _face_common=_directions(1, rng)[0],
            _face_poor=_directions(1, rng)[0],
            _face_camera=_directions(cameras, rng),
            _body_common=_directions(1, rng)[0],
            _body_camera=_directions(cameras, rng),
            _body_gain=(1 + _CAMERA_GAIN * rng.standard_normal((cameras, DIM))).astype("float32"),
            _body_sides=_directions(3, rng),
            _scenes=_scene_colours(cameras, rng),
        )

    def qualities(self, rows: pd.DataFrame, rng: Rng) -> pd.DataFrame:
        """Return ``face_quality``, ``reid_quality``, ``blur_score``, each 0 to 1, index of `rows`.

        ``face_quality`` is missing where there is no face to see: facing away, too far, hidden.
        ``blur_score`` is 0 for a sharp crop.
        """
        n = len(rows)
        turned = np.abs((rows["facing"].to_numpy("float64") + 180) % 360 - 180)
        away = rows["distance_m"].to_numpy("float64")
        hidden = rows["occlusion"].to_numpy("float64")
        size = np.clip(1.12 - away / 22, 0.05, 1)
        blur = np.clip(rng.beta(2, 7, n) + 0.35 * (1 - size), 0, 1)
        luck = rng.normal(0, 0.06, n)
        body = np.clip(0.97 * size * (1 - 0.7 * hidden) * (1 - 0.45 * blur) + luck, 0.02, 1)
        pose = np.clip(np.cos(np.radians(turned) * 0.82), 0, 1)
        near = np.clip(1.15 - away / 16, 0, 1)
        face = np.clip(
            pose**0.8 * near**0.7 * (1 - 0.8 * hidden) * (1 - 0.6 * blur)
            + rng.normal(0, 0.06, n), 0.01, 1
        )  # fmt: skip
        seen = turned + rng.normal(0, 12, n) < 98
        seen &= (away + rng.normal(0, 1.5, n) < 17) & (hidden + rng.normal(0, 0.08, n) < 0.55)
        return pd.DataFrame(
            {
                "face_quality": np.where(seen, face, np.nan).round(3),
                "reid_quality": body.round(3),
                "blur_score": blur.round(3),
            },
            index=rows.index,
        )

    def faces(self, rows: pd.DataFrame, rng: Rng) -> Floats:
        """Return face vectors of length 1, (n, 512) float32; NaN where ``face_quality`` is."""
        quality = rows["face_quality"].to_numpy("float32")
        seen = ~np.isnan(quality)
        person, camera = (rows[name].to_numpy()[seen] for name in ("person", "camera"))
        q = quality[seen]
        own = np.clip((0.29 + 0.52 * q) * _luck(len(q), rng), 0.02, 0.88)
        poor = _FACE_POOR * (1 - q)
        noise = np.clip(1 - own - poor - _FACE_COMMON - _FACE_CAMERA, 0.02, 1)
        made = rng.standard_normal((len(q), DIM), dtype="float32")
        made *= np.sqrt(noise / DIM)[:, None]
        made += np.sqrt(own)[:, None] * self._faces[person]
        made += np.sqrt(poor)[:, None] * self._face_poor
        made += np.sqrt(_FACE_CAMERA) * self._face_camera[camera]
        made += np.sqrt(_FACE_COMMON) * self._face_common
        out = np.full((len(rows), DIM), np.nan, dtype="float32")
        out[seen] = _unit(made)
        return out

    def bodies(self, rows: pd.DataFrame, rng: Rng) -> Floats:
        """Return body vectors of length 1, (n, 512) float32."""
        person, day, camera = (rows[name].to_numpy() for name in ("person", "day", "camera"))
        quality = rows["reid_quality"].to_numpy("float32")
        turned = np.radians(rows["facing"].to_numpy("float32"))
        noise = 0.05 + 0.24 * (1 - quality)
        made = rng.standard_normal((len(rows), DIM), dtype="float32")
        made *= np.sqrt(noise / DIM)[:, None]
        shown = np.clip(rng.normal(1, 0.3, len(rows)), 0.15, 1.8).astype("float32")
        made += np.sqrt(_CLOTHES * shown)[:, None] * self._clothes[person, day]
        made += np.sqrt(_BUILD) * self._builds[person]
        made += np.sqrt(_CAMERA) * self._body_camera[camera]
        made += np.sqrt(_COMMON) * self._body_common
        ahead, aside = np.cos(turned), np.abs(np.sin(turned))
        sides = np.stack([np.clip(ahead, 0, 1), aside, np.clip(-ahead, 0, 1)], axis=1)
        made += np.float32(np.sqrt(_SIDE)) * (sides @ self._body_sides)
        made *= self._body_gain[camera]
        return _unit(made)

    def crops(self, rows: pd.DataFrame, rng: Rng) -> pd.Series:
        """Return for ``frame_path`` what :func:`workbench.demo.silhouettes.draw` draws.

        It says clothes of the day and pose, never who it is.
        """
        person, day, camera = (rows[name].to_numpy() for name in ("person", "day", "camera"))
        facing = rows["facing"].to_numpy("float64")
        # An angle between two directions has no side; one is chosen for each stay at a camera.
        left = ((person * 7 + day * 3 + camera) % 2 == 1) & (facing >= 0)
        turned = np.where(left, -facing, facing)
        said = pd.DataFrame(
            {
                "scene": self._scenes[camera],
                "stride": _PERCENT_TEXT[rng.integers(0, 21, len(rows)) * 5],
                "facing": _DEGREE_TEXT[np.rint(turned / 5).astype("int64") * 5 % 360],
                "hidden": _PERCENT_TEXT[_percent(rows["occlusion"], 5)],
                "blur": _PERCENT_TEXT[_percent(rows["blur_score"], 5)],
            },
            index=rows.index,
            dtype="str",
        )
        text = pd.Series(self._outfits[person, day], index=rows.index, dtype="str")
        for name in said.columns:
            text = text + f";{name}=" + said[name]
        return text.rename("frame_path")


_PERCENT_TEXT = np.array([str(i) for i in range(101)], dtype=object)
_DEGREE_TEXT = np.array([str(i) for i in range(360)], dtype=object)


def _luck(n: int, rng: Rng) -> Floats:
    """Return by how much a crop shows more or less of a face than its quality says.

    A few in a hundred are cut or aligned badly, which no quality score notices.
    """
    fine = rng.normal(1.0, 0.16, n)
    return np.where(rng.random(n) < 0.08, rng.uniform(0.02, 0.55, n), fine).astype("float32")


def _percent(share: pd.Series, step: int) -> npt.NDArray[np.int64]:
    rounded = np.rint(np.clip(share.to_numpy("float64"), 0, 1) * 100 / step).astype("int64") * step
    return np.asarray(rounded)


def _directions(n: int, rng: Rng, spread: int = DIM) -> Floats:
    """Return `n` random unit vectors; the fewer dimensions they spread over, the more alike."""
    found = rng.standard_normal((n, spread), dtype="float32")
    if spread < DIM:
        found = found @ rng.standard_normal((spread, DIM), dtype="float32")
    return _unit(found)


def _unit(matrix: Floats) -> Floats:
    matrix /= np.sqrt(np.einsum("ij,ij->i", matrix, matrix))[:, None]
    return matrix


def _leaders(people: int, pairs: Sequence[tuple[int, int]]) -> npt.NDArray[np.int64]:
    """Return for each person the least number of the group she resembles: her own for most."""
    leader = np.arange(people)
    for one, other in pairs:
        low, high = sorted((leader[one], leader[other]))
        leader[leader == high] = low
    return leader


def _mixed(leader: npt.NDArray[np.int64], alike: float, rng: Rng, spread: int = DIM) -> Floats:
    """Return a direction for each person, those of one group at cosine `alike`."""
    shared, own = _directions(len(leader), rng, spread), _directions(len(leader), rng, spread)
    grouped = np.bincount(leader, minlength=len(leader))[leader] > 1
    mixed = np.sqrt(alike) * shared[leader] + np.sqrt(1 - alike) * own
    return _unit(np.where(grouped[:, None], mixed, own).astype("float32"))


def _true_faces(wardrobe: pd.DataFrame, leader: npt.NDArray[np.int64], rng: Rng) -> Floats:
    """Return everybody's face without any noise; people of one skin tone are a little nearer."""
    skin = wardrobe.loc[wardrobe["day"] == 0, "skin"].astype("category").cat.codes.to_numpy()
    tone = _directions(len(_SKIN), rng)[skin]
    own = _mixed(leader, _ALIKE, rng, spread=220)
    return _unit((np.sqrt(0.05) * tone + np.sqrt(0.95) * own).astype("float32"))


def _wardrobe(people: int, days: int, leader: npt.NDArray[np.int64], rng: Rng) -> pd.DataFrame:
    """Return what everybody wears on every day: a row a person and day, in that order."""
    tops, cuts = (
        _weighted(_TOPS, (people, 5), rng),
        rng.choice(4, (people, 5), p=[0.5, 0.2, 0.1, 0.2]),
    )
    legs = _weighted(_LEGS, (people, 4), rng)
    wears = rng.choice(3, (people, 4), p=[0.82, 0.13, 0.05])
    skin = rng.choice(len(_SKIN), people, p=[0.2, 0.24, 0.2, 0.15, 0.13, 0.08])
    hair = _hair(skin, rng)
    style = rng.choice(6, people, p=[0.42, 0.2, 0.08, 0.12, 0.11, 0.07])
    build = rng.integers(2, 19, people) * 5
    bag = rng.choice(len(BAGS), people, p=[0.42, 0.26, 0.2, 0.12])
    trim = rng.integers(0, len(_BAGS), people)
    # Another top nearly every day, trousers again sooner: the order of each wardrobe is shuffled.
    top_of = np.argsort(rng.random((people, 5)), axis=1)[:, np.arange(days) % 5]
    legs_of = np.argsort(rng.random((people, 4)), axis=1)[:, np.arange(days) % 4]
    who = np.repeat(np.arange(people), days)
    like = leader[who]
    day = np.tile(np.arange(days), people)
    top, leg = top_of[like, day], legs_of[like, day]
    table = pd.DataFrame({"person": who, "day": day, "top_item": top, "leg_item": leg})
    table["top"] = np.take(list(_TOPS), tops[like, top])
    table["cut"] = np.take(CUTS, cuts[like, top])
    table["legs"] = np.take(list(_LEGS), legs[like, leg])
    table["wear"] = np.take(WEARS, wears[like, leg])
    table["hair"], table["style"] = np.take(_HAIR, hair[like]), np.take(STYLES, style[like])
    table["skin"], table["build"] = np.take(_SKIN, skin[like]), build[like]
    table["bag"], table["trim"] = np.take(BAGS, bag[like]), np.take(_BAGS, trim[like])
    uniformed = (np.bincount(leader, minlength=people) >= _UNIFORM_FROM)[like]
    for name, worn in _UNIFORM.items():
        table.loc[uniformed, name] = worn
    return table


def _hair(skin: npt.NDArray[Any], rng: Rng) -> npt.NDArray[np.int64]:
    light = rng.choice(len(_HAIR), len(skin), p=[0.1, 0.18, 0.22, 0.16, 0.1, 0.1, 0.05, 0.09])
    dark = rng.choice(len(_HAIR), len(skin), p=[0.6, 0.28, 0.04, 0, 0, 0, 0, 0.08])
    return np.asarray(np.where(skin < 3, light, dark))


def _weighted(colours: dict[str, int], shape: tuple[int, int], rng: Rng) -> npt.NDArray[np.int64]:
    weights = np.array(list(colours.values()), dtype="float64")
    return rng.choice(len(colours), shape, p=weights / weights.sum())


def _clothes_vectors(wardrobe: pd.DataFrame, leader: npt.NDArray[np.int64], rng: Rng) -> Floats:
    """Return (people, days, 512): similar colours give similar vectors, each garment its own."""
    made = np.zeros((len(wardrobe), DIM), dtype="float32")
    for name, share in (("top", 0.36), ("legs", 0.18), ("hair", 0.05), ("trim", 0.03)):
        made += np.sqrt(share) * _colour_vectors(wardrobe[name], rng)
    for name, share in (("cut", 0.08), ("wear", 0.06), ("style", 0.03), ("bag", 0.04)):
        codes = wardrobe[name].astype("category").cat.codes.to_numpy()
        made += np.sqrt(share) * _directions(8, rng)[codes]
    people, days = len(leader), len(wardrobe) // len(leader)
    person = wardrobe["person"].to_numpy()
    for name, share in (("top_item", 0.12), ("leg_item", 0.05)):
        for item in range(5):
            worn = (wardrobe[name] == item).to_numpy()
            made[worn] += np.sqrt(share) * _mixed(leader, 0.6, rng)[person[worn]]
    return _unit(made).reshape(people, days, DIM)


def _colour_vectors(colours: pd.Series, rng: Rng) -> Floats:
    """Return unit vectors whose cosine falls with the distance of the colours."""
    known, at = np.unique(colours.to_numpy("str"), return_inverse=True)
    rgb = np.array([[int(c[i : i + 2], 16) for i in (0, 2, 4)] for c in known]) / 255
    phase = (rgb @ rng.normal(0, 2.6, (3, DIM))) + rng.uniform(0, 2 * np.pi, DIM)
    waves = np.cos(phase).astype("float32")
    return _unit(waves - waves[at].mean(axis=0))[at]


def _outfit_texts(wardrobe: pd.DataFrame) -> npt.NDArray[np.object_]:
    """Return (people, days) of the beginnings of the texts of the crops."""
    text = pd.Series(f"{MARK}v1", index=wardrobe.index, dtype="str")
    for name in ("top", "cut", "legs", "wear", "hair", "style", "skin", "build", "bag", "trim"):
        text = text + f";{name}=" + wardrobe[name].astype("str")
    days = int(wardrobe["day"].max()) + 1
    return text.to_numpy(dtype=object).reshape(-1, days)


def _scene_colours(cameras: int, rng: Rng) -> npt.NDArray[np.object_]:
    """Return a soft background for each camera, so that one knows the place by its light."""
    hue = (np.arange(cameras) * 0.381966 + rng.random()) % 1
    wave = np.cos(2 * np.pi * (hue[:, None] + np.array([0, 1 / 3, 2 / 3])))
    rgb = np.rint(218 + 16 * wave).astype(int)
    return np.array(["{:02x}{:02x}{:02x}".format(*one) for one in rgb], dtype=object)
