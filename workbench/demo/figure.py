"""The drawing of one person: shapes in metres of nothing, with the height of the picture as 1.

y grows downwards, x from the middle of the picture; ``turn`` is 1 towards the camera and -1 away,
``side`` is 1 to the right and -1 to the left. Everything is drawn three times too large and shrunk.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from math import cos, pi, radians, sin
from typing import Final

from PIL import Image, ImageChops, ImageFilter

from workbench.demo.pen import Colour, Pen, Point, mix, rgb, shade

_OVER: Final = 3
_SHOE: Final = (38, 36, 38)
_INK: Final = (46, 36, 34)
_HEAD_Y, _NECK_Y, _SHOULDER_Y, _HIP_Y, _KNEE_Y, _FOOT_Y = 0.135, 0.2, 0.245, 0.525, 0.72, 0.925


@dataclass(frozen=True, slots=True)
class Silhouette:
    """What a text says: colours as ``rrggbb``, shares in percent, `facing` in degrees.

    ``facing`` is 0 towards the camera, 90 to the right of the picture, 180 away, 270 to the left.
    ``trim`` is the colour of the bag, ``hidden`` how much something in front hides.
    """

    top: str
    cut: str
    legs: str
    wear: str
    hair: str
    style: str
    skin: str
    build: int
    bag: str
    trim: str
    scene: str
    stride: int
    facing: int
    hidden: int
    blur: int


def picture_of(who: Silhouette, width: int, height: int) -> bytes:
    """Return the PNG of somebody, `width` by `height` pixels."""
    size = (width * _OVER, height * _OVER)
    picture = _room(rgb(who.scene), size)
    figure = Image.new("RGBA", size)
    _Figure(who, Pen(figure)).draw()
    shadow = _shadow(size)
    picture.paste(shadow, mask=shadow.getchannel("A"))
    picture.paste(_lit(figure), mask=figure.getchannel("A"))
    if who.hidden >= 20:
        _counter(picture, who)
    unit = min(size[1], 2 * size[0])
    picture = picture.filter(ImageFilter.GaussianBlur(unit * 0.011 * who.blur / 100))
    small = picture.resize((width, height), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    small.save(out, "PNG", optimize=True)
    return out.getvalue()


@dataclass(slots=True)
class _Figure:
    """Somebody in the order in which she is drawn: what is far first."""

    who: Silhouette
    pen: Pen

    def __post_init__(self) -> None:
        angle = radians(self.who.facing)
        self.turn, self.side = cos(angle), sin(angle)
        self.broad = 0.86 + 0.32 * self.who.build / 100
        self.top, self.legs, self.skin = map(rgb, (self.who.top, self.who.legs, self.who.skin))
        self.hair, self.trim = rgb(self.who.hair), rgb(self.who.trim)
        self.swing = sin(2 * pi * self.who.stride / 100)
        self.shoulder = 0.098 * self.broad * (0.6 + 0.4 * abs(self.turn))
        self.hip = 0.076 * self.broad * (0.72 + 0.28 * abs(self.turn))

    # dataclass(slots) needs to know them
    turn: float = 0
    side: float = 0
    broad: float = 1
    top: Colour = (0, 0, 0)
    legs: Colour = (0, 0, 0)
    skin: Colour = (0, 0, 0)
    hair: Colour = (0, 0, 0)
    trim: Colour = (0, 0, 0)
    swing: float = 0
    shoulder: float = 0
    hip: float = 0

    def draw(self) -> None:
        if self.turn > -0.25:
            self._bag_behind()
        self._arm(-1)
        self._leg(-1)
        self._leg(1)
        self._hair_behind()
        self._torso()
        self._dress_details()
        self._head()
        self._bag_in_front()
        self._arm(1)
        if self.who.bag == "tote":
            self._tote()

    # ---- limbs ---------------------------------------------------------------------------
    def _leg(self, which: int) -> None:
        far = 0.84 if which < 0 else 1.0
        reach = which * self.swing
        hip = (which * 0.037 * self.broad * abs(self.turn), _HIP_Y - 0.01)
        foot_x = hip[0] * 1.05 + reach * 0.125 * self.side
        foot_y = _FOOT_Y + reach * 0.016 * self.turn - max(0.0, -reach) * 0.012
        bend = 0.028 * max(0.0, -reach) + 0.008
        knee = ((hip[0] + foot_x) / 2 + bend * self.side, _KNEE_Y - 0.006 * max(0.0, -reach))
        cloth = shade(self.legs, far)
        thick = [0.045 * self.broad, 0.034 * self.broad, 0.025]
        bare = shade(self.skin, far * 0.97)
        ankle = (foot_x, foot_y - 0.012)
        self._shoe(foot_x, foot_y, far)
        if self.who.wear == "trousers":
            self.pen.limb([hip, knee, ankle], thick, cloth)
        else:
            self.pen.limb([hip, knee, ankle], [0.036 * self.broad, 0.026, 0.016], bare)
        if self.who.wear == "shorts":
            self.pen.limb([hip, knee], [0.046 * self.broad, 0.039 * self.broad], cloth)

    def _shoe(self, x: float, y: float, far: float) -> None:
        long, wide = 0.02 + 0.021 * abs(self.side), 0.0155
        self.pen.oval((x + 0.018 * self.side, y + 0.004), long, wide, shade(_SHOE, 0.7 + far * 0.3))

    def _hand(self, which: int) -> tuple[Point, Point, Point]:
        """Return shoulder, elbow and hand."""
        reach = -which * self.swing
        out = which * (self.shoulder - 0.008) * (1 if abs(self.turn) > 0.35 else 0.4)
        shoulder = (out, _SHOULDER_Y + 0.022)
        spread = which * 0.026 * abs(self.turn)
        hand = (
            out + spread + reach * 0.105 * self.side,
            0.52 - 0.014 * abs(self.swing) + reach * 0.014 * self.turn,
        )
        elbow = (
            (shoulder[0] + hand[0]) / 2 + spread * 0.5 - 0.02 * self.side * (0.4 + abs(self.swing)),
            0.392,
        )
        return shoulder, elbow, hand

    def _arm(self, which: int) -> None:
        far = 0.78 if which < 0 and abs(self.side) > 0.5 else 0.9
        shoulder, elbow, hand = self._hand(which)
        sleeve = shade(self.top, far)
        short = self.who.cut == "shirt" and self.who.wear == "shorts"
        self.pen.oval(hand, 0.019, 0.022, shade(self.skin, far + 0.08))
        thick = [0.034 * self.broad, 0.028 * self.broad, 0.021]
        if short:
            self.pen.limb(
                [shoulder, elbow, hand], [0.026, 0.021, 0.016], shade(self.skin, far + 0.08)
            )
            self.pen.limb([shoulder, elbow], [0.034 * self.broad, 0.032 * self.broad], sleeve)
        else:
            wrist = (elbow[0] + (hand[0] - elbow[0]) * 0.88, elbow[1] + (hand[1] - elbow[1]) * 0.88)
            self.pen.limb([shoulder, elbow, wrist], thick, sleeve)

    # ---- dress ---------------------------------------------------------------------------
    def _torso(self) -> None:
        long = self.who.cut == "coat"
        hem = 0.675 if long else 0.56
        wide = self.hip * (1.24 if long else 1.04)
        waist = self.hip * 0.93
        if self.who.wear == "skirt":
            self._skirt()
        lean = 0.012 * self.side
        right = [
            (0.028, _NECK_Y + 0.018),
            (self.shoulder * 0.86, _SHOULDER_Y - 0.008),
            (self.shoulder, _SHOULDER_Y + 0.035),
            (waist * 1.08, 0.36),
            (waist, 0.44),
            (wide, hem - 0.03),
            (wide * 0.97, hem),
        ]
        leaning = [lean, lean, 0, 0, 0, 0, 0]
        points = [(x + by, y) for (x, y), by in zip(right, leaning, strict=True)]
        points += [(by - x, y) for (x, y), by in zip(right[::-1], leaning[::-1], strict=True)]
        self.pen.line(
            [(lean, _NECK_Y - 0.01), (lean, _NECK_Y + 0.025)], 0.026, shade(self.skin, 0.86)
        )
        self.pen.shape(points, self.top)

    def _skirt(self) -> None:
        wide = self.hip * 1.22
        sway = 0.02 * self.swing * self.side
        self.pen.shape(
            [
                (-self.hip, 0.5),
                (self.hip, 0.5),
                (wide + sway, 0.69),
                (0, 0.705),
                (-wide + sway, 0.69),
            ],
            self.legs,
        )

    def _dress_details(self) -> None:
        lean = 0.012 * self.side + 0.045 * self.side * max(self.turn, 0)
        if self.who.cut == "uniform":
            self._bands()
        elif self.who.cut == "hoodie":
            self.pen.shape(
                [(-0.05, 0.225), (0, 0.205 if self.turn < 0 else 0.22), (0.05, 0.225), (0, 0.262)],
                shade(self.top, 0.82),
            )
        if self.turn < 0.3:
            return
        inner = mix(self.top, (245, 245, 242), 0.78)
        if self.who.cut in ("jacket", "coat"):
            end = 0.5 if self.who.cut == "jacket" else 0.42
            self.pen.polygon([(lean - 0.026, 0.214), (lean + 0.026, 0.214), (lean, end)], inner)
            hem = 0.555 if self.who.cut == "jacket" else 0.67
            self.pen.line([(lean, end - 0.04), (lean * 0.6, hem)], 0.003, shade(self.top, 0.7))
        elif self.who.cut == "shirt":
            self.pen.polygon(
                [(lean - 0.022, 0.214), (lean + 0.022, 0.214), (lean, 0.262)], self.skin
            )
        elif self.who.cut == "hoodie":
            for x in (-0.014, 0.014):
                self.pen.line([(lean + x, 0.25), (lean + x, 0.305)], 0.003, inner)

    def _bands(self) -> None:
        bright = (226, 220, 120)
        waist = self.hip * 0.96
        for y in (0.335, 0.47):
            self.pen.polygon(
                [(-waist * 1.02, y), (waist * 1.02, y), (waist, y + 0.02), (-waist, y + 0.02)],
                bright,
            )

    # ---- head ----------------------------------------------------------------------------
    def _centre(self) -> Point:
        return (0.02 * self.side, _HEAD_Y)

    def _hair_behind(self) -> None:
        x, y = self._centre()
        back = -0.03 * self.side
        dark = shade(self.hair, 0.82)
        if self.who.style == "long":
            ends = 0.262 if self.turn < 0 else 0.245
            self.pen.shape(
                [(x - 0.058 + back, y), (x + 0.058 + back, y), (x + 0.06 + back, ends - 0.02),
                 (x + back, ends), (x - 0.06 + back, ends - 0.02)], dark,
            )  # fmt: skip
        elif self.who.style == "curly":
            for i in range(9):
                a = 2 * pi * i / 9
                self.pen.oval(
                    (x + 0.044 * sin(a), y - 0.012 + 0.05 * cos(a)), 0.031, 0.031, self.hair
                )
        elif self.who.style == "tail" and self.turn >= 0.85:
            back = -1 if self.side > 0 else 1
            lock = [(x + back * 0.04, y + 0.03), (x + back * 0.052, y + 0.1)]
            self.pen.limb(lock, [0.016, 0.009], dark)
        elif self.who.style == "bun":
            self.pen.oval(
                (x - 0.05 * self.side, y - 0.066 + 0.03 * abs(self.side)), 0.03, 0.028, dark
            )

    def _head(self) -> None:
        x, y = self._centre()
        head = (0.05, 0.064)
        bald = self.who.style == "bald"
        self.pen.oval((x, y), *head, self.skin)
        if not bald:
            # Seen from the front the chin is free of hair.
            up = 0.011 * max(self.turn + 0.2, 0.0)
            self.pen.oval((x, y - up), head[0] + 0.004, head[1] + 0.004 - up, self.hair)
        if self.turn > -0.55:
            self._face((x, y), head, bald)
        elif self.who.style in ("short", "cap", "bald"):
            self.pen.oval((x, y + 0.052), 0.034, 0.014, shade(self.skin, 0.92))
        if self.who.style == "long" and self.turn < -0.2:
            self.pen.shape(
                [(x - 0.05, y), (x + 0.05, y), (x + 0.056, 0.25), (x, 0.268), (x - 0.056, 0.25)],
                self.hair,
            )
        elif self.who.style == "tail" and self.turn < 0.85:
            far = x - 0.06 * self.side
            self.pen.limb(
                [
                    (far, y - 0.02),
                    (far - 0.02 * self.side, y + 0.03),
                    (far - 0.012 * self.side, y + 0.095),
                ],
                [0.018, 0.02, 0.01],
                shade(self.hair, 0.85),
            )
        elif self.who.style == "cap":
            self._cap((x, y))

    def _face(self, centre: Point, head: Point, bald: bool) -> None:
        """Show the face: an oval of skin within the head, moved the way she looks."""
        x, y = centre
        size = self.pen.picture.size
        shown, within = Pen(Image.new("RGBA", size)), Pen(Image.new("RGBA", size))
        wide = head[0] * (0.74 + 0.2 * self.turn)
        aside = 0.058 - 0.036 * max(self.turn, 0)
        shown.oval((x + aside * self.side, y + 0.018), wide, head[1] * 0.84, self.skin)
        within.oval(centre, *head, self.skin)
        both = ImageChops.multiply(shown.picture.getchannel("A"), within.picture.getchannel("A"))
        if not bald:
            self.pen.picture.paste((*self.skin, 255), mask=both)
        if abs(self.side) > 0.6:
            self.pen.oval((x - 0.004 * self.side, y + 0.01), 0.009, 0.014, shade(self.skin, 0.88))
            nose = x + 0.05 * self.side
            self.pen.oval((nose, y + 0.012), 0.009, 0.008, self.skin)
        if self.turn > 0.35:
            self._features((x + 0.03 * self.side, y))

    def _features(self, centre: Point) -> None:
        x, y = centre
        apart = 0.018 * (0.55 + 0.45 * self.turn)
        for which in (-1, 1):
            self.pen.oval((x + which * apart, y + 0.009), 0.0052, 0.0064, _INK)
        self.pen.oval((x, y + 0.026), 0.005, 0.0055, shade(self.skin, 0.86))
        self.pen.line(
            [(x - 0.009, y + 0.042), (x, y + 0.0445), (x + 0.009, y + 0.042)],
            0.0024,
            shade(self.skin, 0.62),
        )

    def _cap(self, centre: Point) -> None:
        x, y = centre
        self.pen.shape(
            [
                (x - 0.056, y - 0.016),
                (x - 0.05, y - 0.055),
                (x, y - 0.078),
                (x + 0.05, y - 0.055),
                (x + 0.056, y - 0.016),
                (x, y - 0.024),
            ],
            self.trim,
        )
        if self.turn > -0.5:
            self.pen.oval(
                (x + 0.042 * self.side, y - 0.017),
                0.034 + 0.012 * abs(self.side),
                0.009,
                shade(self.trim, 0.75),
            )

    # ---- bags ----------------------------------------------------------------------------
    def _bag_behind(self) -> None:
        if self.who.bag == "backpack":
            x = -0.075 * self.side * self.broad
            wide = 0.052 + 0.022 * abs(self.turn)
            self.pen.box((x - wide, 0.25), (x + wide, 0.45), shade(self.trim, 0.85), 0.028)

    def _bag_in_front(self) -> None:
        if self.who.bag == "backpack":
            self._backpack()
        elif self.who.bag == "shoulder":
            low = (-0.085 * self.broad * (1 if abs(self.turn) > 0.4 else 0.5), 0.5)
            high = (self.shoulder * 0.55, _SHOULDER_Y - 0.008)
            self.pen.line([high, low], 0.0065, shade(self.trim, 0.8))
            self.pen.box((low[0] - 0.042, 0.49), (low[0] + 0.042, 0.575), self.trim, 0.016)
            self.pen.box(
                (low[0] - 0.042, 0.49), (low[0] + 0.042, 0.525), shade(self.trim, 0.85), 0.014
            )

    def _backpack(self) -> None:
        if self.turn > 0.3:
            for which in (-1, 1):
                x = which * self.shoulder * 0.55
                self.pen.line(
                    [(x, _SHOULDER_Y - 0.006), (x * 1.06, 0.36), (x * 1.2, 0.41)], 0.009, self.trim
                )
        elif self.turn <= -0.25:
            x, wide = -0.05 * self.side, 0.07
            self.pen.box((x - wide, 0.25), (x + wide, 0.455), self.trim, 0.03)
            self.pen.box(
                (x - wide * 0.7, 0.36), (x + wide * 0.7, 0.44), shade(self.trim, 0.82), 0.016
            )

    def _tote(self) -> None:
        _, _, (x, y) = self._hand(1)
        self.pen.line(
            [(x - 0.022, y + 0.055), (x, y + 0.005), (x + 0.022, y + 0.055)],
            0.004,
            shade(self.trim, 0.75),
        )
        self.pen.box((x - 0.045, y + 0.05), (x + 0.045, y + 0.145), self.trim, 0.01)


# ---- the room ----------------------------------------------------------------------------
def _room(wall: Colour, size: tuple[int, int]) -> Image.Image:
    """Return a wall, lighter above, and a floor."""
    picture = Image.new("RGB", (1, 100))
    for y in range(100):
        colour = (
            mix(wall, (255, 255, 255), 0.28 * (1 - y / 84))
            if y < 84
            else shade(wall, 0.86 + (y - 84) * 0.003)
        )
        picture.putpixel((0, y), colour)
    return picture.resize(size, Image.Resampling.BICUBIC)


def _shadow(size: tuple[int, int]) -> Image.Image:
    picture = Image.new("RGBA", size, (40, 36, 34, 0))
    mask = Image.new("RGBA", size)
    pen = Pen(mask)
    pen.oval((0.015, 0.938), 0.13, 0.02, (255, 255, 255))
    soft = mask.getchannel("A").filter(ImageFilter.GaussianBlur(pen.unit * 0.012))
    picture.putalpha(soft.point(lambda a: a * 0.34))
    return picture


def _lit(figure: Image.Image) -> Image.Image:
    """Return the figure with light from the upper left."""
    across = Image.linear_gradient("L").rotate(90).resize(figure.size)
    down = Image.linear_gradient("L").resize(figure.size)
    dark = ImageChops.add(across, down, scale=2.0).point(lambda v: 255 - int(max(0, v - 70) * 0.3))
    bands = [ImageChops.multiply(band, dark) for band in figure.split()[:3]]
    return Image.merge("RGB", bands)


def _counter(picture: Image.Image, who: Silhouette) -> None:
    """Draw a counter that hides so much of the figure, from below."""
    pen = Pen(picture.convert("RGBA"))
    top = 0.95 - 0.78 * min(who.hidden, 90) / 100
    wood = mix(rgb(who.scene), (120, 98, 78), 0.55)
    pen.box((-2, top), (2, 1.2), wood, 0)
    pen.box((-2, top), (2, top + 0.018), mix(wood, (255, 255, 255), 0.35), 0)
    picture.paste(pen.picture.convert("RGB"))
