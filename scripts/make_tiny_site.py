"""Write the binary files of data/tiny_site: floor_plan.png, face.npz, reid.npz.

Everything in them is chosen by hand and explained in data/tiny_site/README.md; nothing is drawn by
chance. The tables and answers.json beside them are typed, not written by this script.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

SITE = Path(__file__).resolve().parent.parent / "data" / "tiny_site"

# axis -> weight. Axes 0-4 are the faces of p1-p5; 5-15 are what differs from picture to picture.
# Lengths are 1, 5 (3-4-5) or 13 (5-12-13), so every cosine is a fraction.
FACES: dict[str, dict[int, float]] = {
    "a01": {0: 1},
    "a02": {0: 12, 5: 5},
    "a04": {0: 4, 6: 3},
    "a06": {0: 3, 7: 4},
    "a07": {0: float("nan")},  # turned away: no vector
    "b01": {1: 1},
    "b04": {1: 4, 8: 3},
    "b05": {1: 12, 9: 5},
    "c01": {2: 4, 0: 3},
    "c02": {2: 1},
    "c04": {2: 4, 10: 3},
    "c05": {2: 12, 11: 5},
    "d01": {3: 12, 0: 5},
    "d02": {3: 1},
    "d03": {4: 4, 12: 3},  # called p4, but this is the face of p5
    "d04": {4: 12, 12: 5},
    "d05": {3: 4, 13: 3},
    "e01": {4: 1},
    "e03": {4: 4, 14: 3},
    "u01": {1: 4, 15: 3},  # nobody said so, but this is the face of p2
    "u02": {},  # all zero: no vector
}
# Who it is by the body: 0-4 p1-p5, 9 somebody else. Bodies also look a little like their camera.
BODIES = {"a": 0, "b": 1, "c": 2, "d": 3, "e": 4, "u01": 1, "u02": 9, "d03": 4, "d04": 4}
CAMERA_AXIS = {"entrance": 5, "corridor": 6, "lab": 7, "office": 8}

SCALE_PX_PER_M = 20
ORIGIN_PX = (20, 260)
ROOMS: list[tuple[str, tuple[float, float, float, float], str]] = [
    ("Entrance hall", (0, 0, 6, 12), "#f4f1ea"),
    ("Corridor", (6, 4, 14, 7), "#eef1f4"),
    ("Office", (6, 7, 14, 12), "#f1f4ea"),
    ("Store room", (6, 0, 14, 4), "#e4e4e4"),
    ("Laboratory", (14, 0, 20, 12), "#eaf1f4"),
]
# Gaps in the walls: from and to, in metres.
DOORS = [
    ((0, 5), (0, 7)),
    ((6, 4.6), (6, 6.4)),
    ((14, 4.6), (14, 6.4)),
    ((9.4, 7), (10.6, 7)),
    ((6, 9), (6, 10)),
    ((20, 5.4), (20, 6.6)),
    ((12, 4), (13, 4)),
]


def pixel(x_m: float, y_m: float) -> tuple[int, int]:
    """Return the pixel column and row of a point in metres."""
    x = ORIGIN_PX[0] + x_m * SCALE_PX_PER_M
    y = ORIGIN_PX[1] - y_m * SCALE_PX_PER_M
    return round(x), round(y)


def face_vectors() -> tuple[list[str], np.ndarray]:
    """Return ids and the (21, 16) float32 matrix of the faces, not normalised."""
    vectors = np.zeros((len(FACES), 16), dtype=np.float32)
    for row, weights in enumerate(FACES.values()):
        for axis, weight in weights.items():
            vectors[row, axis] = weight
    vectors[np.isnan(vectors).any(axis=1)] = np.nan
    return list(FACES), vectors


def body_vectors() -> tuple[list[str], np.ndarray]:
    """Return ids and the (29, 10) float32 matrix of the bodies: 12 for who, 5 for the camera."""
    with (SITE / "appearances.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["bbox_x"]]
    ids = [row["id"] for row in rows]
    vectors = np.zeros((len(rows), 10), dtype=np.float32)
    for position, row in enumerate(rows):
        who = BODIES.get(row["id"], BODIES.get(row["id"][0], 9))
        vectors[position, who] = 12
        vectors[position, CAMERA_AXIS[row["camera_id"]]] = 5
    return ids, vectors


def floor_plan() -> Image.Image:
    """Return the drawing of the five rooms: 440 x 280 pixels, 20 pixels a metre."""
    image = Image.new("RGB", (440, 280), "white")
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(size=12)
    for name, (left, bottom, right, top), colour in ROOMS:
        box = (*pixel(left, top), *pixel(right, bottom))
        draw.rectangle(box, fill=colour, outline="#444444", width=3)
        draw.text((box[0] + 8, box[1] + 6), name, fill="#555555", font=font)
    for start, end in DOORS:
        draw.line((*pixel(*start), *pixel(*end)), fill="white", width=5)
    draw.line((*pixel(15, -0.5), *pixel(20, -0.5)), fill="#444444", width=2)
    draw.text((pixel(15, -0.5)[0] - 30, 262), "5 m", fill="#444444", font=font)
    return image.quantize(colors=32)


def main() -> None:
    """Write the three files."""
    for name, (ids, vectors) in {"face": face_vectors(), "reid": body_vectors()}.items():
        np.savez(SITE / f"{name}.npz", ids=np.array(ids, dtype=np.str_), vectors=vectors)
    floor_plan().save(SITE / "floor_plan.png", optimize=True)


if __name__ == "__main__":
    main()
