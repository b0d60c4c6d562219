"""Outlines: the lines and areas of a GeoJSON file (RFC 7946), and the drawing of them."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image, ImageDraw

from workbench.errors import InvalidInputError
from workbench.geography import FARTHEST_M, Origin, middle
from workbench.readers.files import content_of, unreadable

LARGEST = 50_000_000
MOST_POINTS = 1_000_000
_SIDE_PX, _MARGIN, _FINER = 2000, 0.04, 2
_PAPER, _AREA, _LINE = (255, 255, 255), (243, 244, 246), (96, 103, 112)
# How deep the lines of each type lie in its coordinates, and whether they close to an area.
_TYPES = {
    "LineString": (0, False),
    "MultiLineString": (1, False),
    "Polygon": (1, True),
    "MultiPolygon": (2, True),
}
_POINTS = ("Point", "MultiPoint")


@dataclass(frozen=True, slots=True)
class Line:
    """A line in degrees, (n, 2), longitude first; ``area`` if it encloses one, ``hole`` if not."""

    degrees: np.ndarray
    area: bool
    hole: bool


def read_outline(path: Path) -> list[Line]:
    """Return the lines and areas of a GeoJSON file; points are left out.

    Raises
    ------
    InvalidInputError
        When it is no GeoJSON, has nothing to draw, or more than :data:`MOST_POINTS`.
    """
    content = content_of(path, LARGEST)
    try:
        said = json.loads(content)
        lines = [line for shape in _shapes(said) for line in _lines(shape)]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise unreadable(path, error) from error
    if not lines:
        raise _refused(path, "has neither lines nor areas", "Give a GeoJSON of them.")
    if sum(len(line.degrees) for line in lines) > MOST_POINTS:
        raise _refused(path, f"has more than {MOST_POINTS:,} points", "Simplify it.")
    return lines


def origin_among(lines: list[Line]) -> Origin | None:
    """Return a point amid the lines that is easy to write down, or None where there is none."""
    degrees = pd.DataFrame(np.vstack([line.degrees for line in lines]))
    return middle(degrees[0], degrees[1])


def _shapes(said: Any) -> Iterator[dict[str, Any]]:
    kind = said["type"]
    if kind == "FeatureCollection":
        for feature in said["features"]:
            yield from _shapes(feature)
    elif kind == "Feature":
        if said["geometry"] is not None:
            yield from _shapes(said["geometry"])
    elif kind == "GeometryCollection":
        for shape in said["geometries"]:
            yield from _shapes(shape)
    elif kind in _TYPES:
        yield said
    elif kind not in _POINTS:
        raise ValueError(f"{str(kind)[:40]!r} is no type of GeoJSON")


def _lines(shape: dict[str, Any]) -> Iterator[Line]:
    depth, area = _TYPES[shape["type"]]
    groups = [shape["coordinates"]]
    for _ in range(depth - 1):
        groups = [part for group in groups for part in group]
    for group in groups:
        for number, part in enumerate(group if depth else [group]):
            degrees = np.array([point[:2] for point in part], dtype="float64")
            if degrees.ndim != 2 or degrees.shape[1] != 2 or len(degrees) < 2:
                raise ValueError("a line needs two points, each with longitude and latitude")
            yield Line(degrees, area, hole=area and number > 0)


def drawn(path: Path, lines: list[Line], origin: Origin) -> dict[str, Any]:
    """Return the drawing, as the columns of ``schema.FLOOR_PLAN`` but the level.

    Raises
    ------
    InvalidInputError
        When a point lies farther than :data:`~workbench.geography.FARTHEST_M` from the origin.
    """
    metres = [np.column_stack(origin.metres(*line.degrees.T)) for line in lines]
    every = np.vstack(metres)
    if not np.hypot(*every.T).max() <= FARTHEST_M:  # NaN is refused too
        far = f"has points more than {FARTHEST_M / 1000:.0f} km from --origin {origin}"
        raise _refused(path, far, "Both have the longitude first. Or cut it to the site.")
    low, high = every.min(axis=0), every.max(axis=0)
    margin = _MARGIN * max(float((high - low).max()), 1.0)
    low, high = low - margin, high + margin
    scale = float((high - low).max()) / _SIDE_PX
    width, height = (max(int(np.ceil(side / scale)), 1) for side in high - low)
    upper_left = np.array([low[0], high[1]])
    pixels = [(spots - upper_left) * (1, -1) / scale for spots in metres]
    return {
        "image": _png(lines, pixels, (width, height)),
        "media_type": "image/png",
        "width_px": width,
        "height_px": height,
        "metres_per_pixel": scale,
        "origin_x_px": float(-upper_left[0] / scale),
        "origin_y_px": float(upper_left[1] / scale),
    }


def _png(lines: list[Line], pixels: list[np.ndarray], size: tuple[int, int]) -> bytes:
    # Drawn finer and made smaller: Pillow's own lines have steps.
    picture = Image.new("RGB", (size[0] * _FINER, size[1] * _FINER), _PAPER)
    pen = ImageDraw.Draw(picture)
    shapes = [[tuple(spot) for spot in spots * _FINER] for spots in pixels]
    for line, shape in zip(lines, shapes, strict=True):
        if line.area and len(shape) > 2:
            pen.polygon(shape, fill=_PAPER if line.hole else _AREA)
    for shape in shapes:
        pen.line(shape, fill=_LINE, width=2 * _FINER, joint="curve")
    out = io.BytesIO()
    picture.resize(size, Image.Resampling.LANCZOS).save(out, "PNG", optimize=True)
    return out.getvalue()


def _refused(path: Path, why: str, advice: str) -> InvalidInputError:
    return InvalidInputError(f"{path.name!r} {why}.", where=str(path), next=advice)
