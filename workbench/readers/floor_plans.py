"""Floor plans: a YAML that says how an image beside it lies in metres, or an outline on the globe.

An outline is GeoJSON (walls, streets, the edge of a site) and stands in for the tiles of a map
service: it is drawn once, here, and is from then on a floor plan like any other.
"""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from PIL import Image

from workbench import schema
from workbench.errors import InvalidInputError
from workbench.readers.files import content_of, existing, unreadable
from workbench.readers.options import LoadOptions
from workbench.readers.outline import drawn, origin_among, read_outline

KEYS = ("level", "image", "metres_per_pixel", "origin_px")
OUTLINE_KEYS = ("level", "outline")
MEDIA_TYPES = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp"}
LARGEST_YAML = 1_000_000
LARGEST_IMAGE = 50_000_000
LARGEST_AREA_PX = 100_000_000


def read_floor_plan(path: str | Path, options: LoadOptions | None = None) -> pd.DataFrame:
    """Return the floor plan a YAML describes, one row in the columns of ``schema.FLOOR_PLAN``.

    The YAML holds ``level``, ``image`` (a PNG, JPEG or WebP in its folder or below),
    ``metres_per_pixel`` and ``origin_px`` (``[column, row]`` of the point 0, 0); or ``level`` and
    ``outline`` (GeoJSON), and ``options.origin`` is the point 0, 0.
    ``load_id`` and ``created_at`` are left to the store.

    Raises
    ------
    NotFoundError
        When the YAML or the image is not there.
    InvalidInputError
        When one of them cannot be used, or the image lies outside the folder of the YAML.
    """
    place = existing(path)
    said = _said(place)
    if "outline" in said:
        return _checked(_outlined(place, said, options or LoadOptions()))
    image = _beside(place, said, "image")
    content = content_of(image, LARGEST_IMAGE)
    media_type, width, height = _looked_at(image, content)
    column, row = _origin(place, said["origin_px"])
    return _checked(
        {
            "level": str(said["level"]),
            "image": content,
            "media_type": media_type,
            "width_px": width,
            "height_px": height,
            "metres_per_pixel": _number(place, "metres_per_pixel", said["metres_per_pixel"]),
            "origin_x_px": column,
            "origin_y_px": row,
        }
    )


def _checked(plan: dict[str, Any]) -> pd.DataFrame:
    frame = pd.DataFrame({name: pd.Series([cell], dtype=object) for name, cell in plan.items()})
    return schema.FLOOR_PLAN.check(frame).drop(columns=["load_id", "created_at"])


def _outlined(path: Path, said: dict[str, Any], options: LoadOptions) -> dict[str, Any]:
    file = _beside(path, said, "outline")
    lines = read_outline(file)
    if options.globe is None:
        around = origin_among(lines) or "LON,LAT"
        raise InvalidInputError(
            f"{file.name!r} is in degrees, and nothing says which point of the globe is (0, 0).",
            where=str(file),
            next=f"Say it, the same for all files of the site: --origin={around}",
        )
    return {"level": str(said["level"]), **drawn(file, lines, options.globe)}


def _said(path: Path) -> dict[str, Any]:
    try:
        said = yaml.safe_load(content_of(path, LARGEST_YAML).decode("utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError, ValueError, RecursionError) as error:
        raise unreadable(path, error) from error
    if not isinstance(said, dict) or set(map(str, said)) not in (set(KEYS), set(OUTLINE_KEYS)):
        keys = f"{', '.join(KEYS)}; or {', '.join(OUTLINE_KEYS)}"
        raise _wrong(path, "the whole", f"needs exactly the keys {keys}")
    if isinstance(said["level"], bool) or not isinstance(said["level"], str | int | float):
        raise _wrong(path, "level", "is neither a text nor a number")
    return said


def _beside(path: Path, said: dict[str, Any], key: str) -> Path:
    name = said[key]
    if not isinstance(name, str) or not name.strip() or "\0" in name:
        raise _wrong(path, key, "is no file name")
    folder = path.resolve().parent
    file = (folder / name).resolve()
    if not file.is_relative_to(folder):
        raise _wrong(path, key, "leaves the folder of the YAML")
    return existing(file)


def _looked_at(path: Path, content: bytes) -> tuple[str, int, int]:
    """Return media type, width and height of an image that decodes to its last pixel."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what Pillow warns of is refused below
            with Image.open(io.BytesIO(content), formats=list(MEDIA_TYPES)) as image:
                kind, (width, height) = str(image.format), image.size
                if width * height > LARGEST_AREA_PX:
                    raise ValueError(f"{width} x {height} pixels are too many")
                image.load()
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError) as error:
        raise unreadable(path, error) from error
    return MEDIA_TYPES[kind], width, height


def _origin(path: Path, value: object) -> tuple[float, float]:
    if not isinstance(value, list) or len(value) != 2:
        raise _wrong(path, "origin_px", "is not [column, row]")
    return _number(path, "origin_px", value[0]), _number(path, "origin_px", value[1])


def _number(path: Path, key: str, value: object) -> float:
    # YAML 1.1 reads 1e-2 as text.
    try:
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise ValueError
        return float(value)
    except (ValueError, OverflowError) as error:
        raise _wrong(path, key, "is no number") from error


def _wrong(path: Path, key: str, why: str) -> InvalidInputError:
    return InvalidInputError(
        f"{path.name!r}: {key} {why}.",
        where=f"{path}, {key}",
        next="Write {level: ground, image: plan.png, metres_per_pixel: 0.05, origin_px: [0, 800]}.",
    )
