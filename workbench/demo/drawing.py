"""The floor plans of the demo, drawn as an architect would: paper, walls, tinted rooms, names."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
from PIL import Image, ImageDraw, ImageFont

from workbench import schema
from workbench.demo import building
from workbench.demo.building import DEPTH_M, FIRST, GROUND, LEVELS, WIDTH_M, Opening, Space

PX_PER_M = 24
_OVER = 3  # drawn so many times larger, then reduced
_MARGIN_M = 2.0
_FOOT_M = 3.2  # below the building: scale bar and entrances
_PAPER, _OUT = "#FBFAF7", "#F3F1EB"
_WALL, _OUTER, _FINE, _INK = "#5B626C", "#3F464F", "#A9AFB7", "#6A717B"
_TINTS = {
    "office": "#EEF3F7", "meeting": "#EEF4EC", "open": "#FAF3E4", "corridor": "#FDFDFB",
    "stairs": "#F4F2EE", "lift": "#ECEBE8", "service": "#F1F0ED",
}  # fmt: skip


class _Sheet:
    """A drawing in metres, y up, supersampled."""

    def __init__(self) -> None:
        self.scale = PX_PER_M * _OVER
        self.width = round((WIDTH_M + 2 * _MARGIN_M) * PX_PER_M)
        self.height = round((DEPTH_M + _MARGIN_M + _FOOT_M) * PX_PER_M)
        self.image = Image.new("RGB", (self.width * _OVER, self.height * _OVER), _OUT)
        self.pen = ImageDraw.Draw(self.image)

    def at(self, x: float, y: float) -> tuple[float, float]:
        return (x + _MARGIN_M) * self.scale, (DEPTH_M + _MARGIN_M - y) * self.scale

    def box(self, x0: float, y0: float, x1: float, y1: float, fill: str, line: str = "") -> None:
        corners = (*self.at(x0, y1), *self.at(x1, y0))
        self.pen.rectangle(corners, fill=fill, outline=line or None, width=round(0.05 * self.scale))

    def line(self, points: list[tuple[float, float]], colour: str, wide_m: float) -> None:
        self.pen.line(
            [self.at(*point) for point in points], fill=colour, width=round(wide_m * self.scale)
        )

    def disc(self, x: float, y: float, r: float, fill: str, line: str = "") -> None:
        corners = (*self.at(x - r, y + r), *self.at(x + r, y - r))
        self.pen.ellipse(corners, fill=fill, outline=line or None, width=round(0.04 * self.scale))

    def text(self, x: float, y: float, words: str, size_m: float, colour: str = _INK) -> None:
        font = ImageFont.load_default(size_m * self.scale)
        spot = self.at(x, y)
        self.pen.multiline_text(
            spot, words, fill=colour, font=font, anchor="mm", align="center", spacing=self.scale / 4
        )

    def png(self) -> bytes:
        small = self.image.reduce(_OVER)
        out = io.BytesIO()
        small.quantize(160, dither=Image.Dither.NONE).save(out, "PNG")
        return out.getvalue()


def floor_plans() -> pd.DataFrame:
    """Return the drawings of both levels, as rows of ``schema.FLOOR_PLAN``."""
    rows = []
    for level in LEVELS:
        sheet = _draw(level)
        rows.append(
            {
                "level": level,
                "image": sheet.png(),
                "media_type": "image/png",
                "width_px": sheet.width,
                "height_px": sheet.height,
                "metres_per_pixel": 1 / PX_PER_M,
                "origin_x_px": _MARGIN_M * PX_PER_M,
                "origin_y_px": (DEPTH_M + _MARGIN_M) * PX_PER_M,
            }
        )
    return schema.FLOOR_PLAN.check(pd.DataFrame(rows))


def _draw(level: str) -> _Sheet:
    sheet = _Sheet()
    sheet.box(0, 0, WIDTH_M, DEPTH_M, _PAPER)
    rooms = [one for one in building.SPACES if one.level == level]
    for one in rooms:
        sheet.box(one.x0, one.y0, one.x1, one.y1, _TINTS[one.kind])
        _furnish(sheet, one)
    for opening in (o for o in building.OPENINGS if o.level == level and not o.open):
        _door(sheet, opening)
    _walls(sheet, level)
    for one in rooms:
        _label(sheet, one)
    _foot(sheet, level)
    return sheet


def _walls(sheet: _Sheet, level: str) -> None:
    """Inner walls first, so that the outer ones run through."""
    found = building.walls(level)
    upright = found[:, 0] == found[:, 2]
    outer = np.isin(found[:, 0], (0, WIDTH_M)) & upright
    outer |= np.isin(found[:, 1], (0, DEPTH_M)) & ~upright
    for walls, half, colour in ((found[~outer], 0.1, _WALL), (found[outer], 0.18, _OUTER)):
        for x0, y0, x1, y1 in walls:
            sheet.box(x0 - half, y0 - half, x1 + half, y1 + half, colour)


# ------------------------------------------------------------------ furniture and symbols
def _furnish(sheet: _Sheet, one: Space) -> None:
    if one.kind == "office":
        _desks(sheet, one)
    elif one.kind == "meeting":
        _table(sheet, one)
    elif one.kind == "stairs":
        _steps(sheet, one)
    elif one.kind == "lift":
        sheet.line([(one.x0, one.y0), (one.x1, one.y1)], _FINE, 0.05)
        sheet.line([(one.x0, one.y1), (one.x1, one.y0)], _FINE, 0.05)
    extras = _EXTRAS.get((one.level, one.name))
    if extras is not None:
        extras(sheet)


def _desks(sheet: _Sheet, one: Space) -> None:
    """Pairs of desks in rows, free of the middle, where the name stands."""
    wide, deep = 1.5, 1.5
    across = max(int((one.x1 - one.x0 - 1.2) / 3.2), 1)
    step = (one.x1 - one.x0) / across
    for n in range(across):
        x = one.x0 + step * (n + 0.5)
        for y in (one.y0 + 2.3, one.y1 - 1.8):
            sheet.box(x - wide / 2, y - deep / 2, x + wide / 2, y + deep / 2, "#FFFFFF", "#D3D9DF")
            sheet.line([(x - wide / 2, y), (x + wide / 2, y)], "#D3D9DF", 0.05)


def _table(sheet: _Sheet, one: Space) -> None:
    x, y = one.middle
    half_x, half_y = min(3.2, (one.x1 - one.x0) / 3.2), 0.6
    seats = round(half_x * 1.8)
    y -= 0.75
    for n in range(seats):
        seat = x - half_x + (2 * n + 1) * half_x / seats
        sheet.disc(seat, y + half_y + 0.35, 0.22, "#FFFFFF", "#CBD8C6")
        sheet.disc(seat, y - half_y - 0.35, 0.22, "#FFFFFF", "#CBD8C6")
    sheet.box(x - half_x, y - half_y, x + half_x, y + half_y, "#FFFFFF", "#CBD8C6")


def _steps(sheet: _Sheet, one: Space) -> None:
    middle = one.middle[0]
    sheet.line([(middle, one.y0 + 1.6), (middle, one.y1 - 1.8)], _FINE, 0.08)
    y = one.y0 + 1.6
    while y <= one.y1 - 1.75:
        sheet.line([(one.x0, y), (one.x1, y)], "#C9CDD2", 0.05)
        y += 0.36
    x = (one.x0 + middle) / 2
    sheet.line([(x, one.y0 + 0.9), (x, one.y1 - 1.1)], _INK, 0.07)
    sheet.line([(x - 0.3, one.y1 - 1.6), (x, one.y1 - 1.1), (x + 0.3, one.y1 - 1.6)], _INK, 0.07)


def _lobby(sheet: _Sheet) -> None:
    sheet.box(38.2, 8.0, 38.9, 11.2, "#FFFFFF", "#D9C9A3")
    for x, y in ((27.4, 2.2), (28.6, 2.2), (27.4, 4.6), (28.6, 4.6)):
        sheet.box(x - 0.45, y - 0.45, x + 0.45, y + 0.45, "#FFFFFF", "#D9C9A3")
    sheet.text(38.3, 11.55, "reception", 0.5)


def _cafe(sheet: _Sheet) -> None:
    sheet.box(54.0, 1.2, 62.4, 2.0, "#FFFFFF", "#D9C9A3")
    sheet.text(58.2, 0.72, "counter", 0.5)
    for x in (42.4, 45.0, 47.6):
        for y in (1.9, 8.0, 10.4):
            sheet.disc(x, y, 0.55, "#FFFFFF", "#D9C9A3")


def _lounge(sheet: _Sheet) -> None:
    sheet.box(30.6, 0.3, 35.6, 1.0, "#FFFFFF", "#D9C9A3")
    for x, y in ((26.4, 9.3), (26.4, 7.2), (37.9, 9.3), (37.9, 7.2)):
        sheet.box(x - 0.9, y - 0.5, x + 0.9, y + 0.5, "#FFFFFF", "#D9C9A3")
    sheet.text(36.6, 0.7, "coffee", 0.5)


def _printers(sheet: _Sheet) -> None:
    for x in (25.3, 27.0):
        sheet.box(x, 30.9, x + 1.0, 31.6, "#FFFFFF", "#D9C9A3")


_EXTRAS = {
    (GROUND, "Lobby"): _lobby,
    (GROUND, "Canteen"): _cafe,
    (FIRST, "Lounge"): _lounge,
    (FIRST, "Printers"): _printers,
}


def _door(sheet: _Sheet, opening: Opening) -> None:
    """Draw the leaf of a door, ajar, on the side of the room."""
    if opening.b == "outside" or opening.a == "Lift":
        return
    room = building.space(opening.level, opening.a)
    width = opening.high - opening.low
    into = 1 if (room.middle[0 if opening.upright else 1]) > opening.at else -1
    hinge, r = opening.low, width
    if opening.upright:
        tip = (opening.at + into * r, hinge)
        sheet.line([(opening.at, hinge), tip], _FINE, 0.06)
        box = (opening.at - r, hinge + r, opening.at + r, hinge - r)
        arc = (270, 360) if into > 0 else (180, 270)
    else:
        tip = (hinge, opening.at + into * r)
        sheet.line([(hinge, opening.at), tip], _FINE, 0.06)
        box = (hinge - r, opening.at + r, hinge + r, opening.at - r)
        arc = (270, 360) if into > 0 else (0, 90)
    corners = (*sheet.at(box[0], box[1]), *sheet.at(box[2], box[3]))
    sheet.pen.arc(corners, *arc, fill="#C4C9CF", width=round(0.04 * sheet.scale))


def _label(sheet: _Sheet, one: Space) -> None:
    x, y = one.middle
    if one.kind in ("stairs", "lift") or one.name.endswith("link"):
        return
    narrow = one.x1 - one.x0 < 5.6
    words = one.name.replace(" ", "\n") if narrow and one.kind != "corridor" else one.name
    size = 0.62 if one.kind == "corridor" or narrow else 0.85
    if one.kind == "corridor" and not one.lengthwise:
        return
    if one.kind == "meeting":
        y += 1.15
    if (one.level, one.name) == (GROUND, "Canteen"):
        x, y = 46.5, 5.0
    if one.name == "Main corridor":
        x = 44.0
    sheet.text(x, y, words, size, "#8A919B" if one.kind == "corridor" else _INK)


def _foot(sheet: _Sheet, level: str) -> None:
    y = -1.9
    for n in range(10):
        sheet.box(n, y, n + 1, y + 0.22, _INK if n % 2 == 0 else "#FFFFFF", _INK)
    for at, words in ((0, "0"), (5, "5"), (10, "10 m")):
        sheet.text(at, y - 0.55, words, 0.55)
    sheet.text(WIDTH_M - 4, y - 0.1, level, 0.8)
    if level == GROUND:
        sheet.pen.polygon([sheet.at(*p) for p in ((31.4, -1.1), (32.6, -1.1), (32, -0.35))], _INK)
        sheet.text(32, -1.7, "main entrance", 0.6)
        sheet.pen.polygon([sheet.at(*p) for p in ((-1.1, 12.9), (-1.1, 14.1), (-0.35, 13.5))], _INK)
