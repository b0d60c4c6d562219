"""What drawings are made with: a pen whose paper has the height 1, and colours."""

from __future__ import annotations

from math import hypot

from PIL import Image, ImageDraw

Colour = tuple[int, int, int]
Point = tuple[float, float]


class Pen:
    """Draws in a picture whose height is 1 and whose middle is x = 0."""

    def __init__(self, picture: Image.Image) -> None:
        self.picture = picture
        self.unit = min(picture.height, 2 * picture.width)
        self._left = picture.width / 2
        self._top = (picture.height - self.unit) / 2
        self._draw = ImageDraw.Draw(picture)

    def at(self, point: Point) -> Point:
        """Return the pixel of a point."""
        return (self._left + point[0] * self.unit, self._top + point[1] * self.unit)

    def shape(self, points: list[Point], colour: Colour) -> None:
        """Fill what a smooth line through the points encloses."""
        self._draw.polygon([self.at(p) for p in smooth(points)], fill=(*colour, 255))

    def polygon(self, points: list[Point], colour: Colour) -> None:
        """Fill what straight lines between the points enclose."""
        self._draw.polygon([self.at(p) for p in points], fill=(*colour, 255))

    def oval(self, centre: Point, rx: float, ry: float, colour: Colour) -> None:
        """Fill an ellipse of these two radii."""
        (x, y), (a, b) = self.at(centre), (rx * self.unit, ry * self.unit)
        self._draw.ellipse((x - a, y - b, x + a, y + b), fill=(*colour, 255))

    def box(self, low: Point, high: Point, colour: Colour, round_by: float = 0.012) -> None:
        """Fill a rectangle between two corners, its own corners rounded."""
        (x0, y0), (x1, y1) = self.at(low), self.at(high)
        corners = (min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1))
        self._draw.rounded_rectangle(corners, round_by * self.unit, fill=(*colour, 255))

    def limb(self, points: list[Point], thick: list[float], colour: Colour) -> None:
        """Draw a limb along the points, as thick at each of them as said, round at the joints."""
        for point, radius in zip(points, thick, strict=True):
            self.oval(point, radius, radius, colour)
        for (a, ra), (b, rb) in zip(
            zip(points, thick, strict=True), zip(points[1:], thick[1:], strict=True), strict=False
        ):
            length = hypot(b[0] - a[0], b[1] - a[1]) or 1
            nx, ny = (b[1] - a[1]) / length, -(b[0] - a[0]) / length
            self.polygon(
                [
                    (a[0] + nx * ra, a[1] + ny * ra),
                    (b[0] + nx * rb, b[1] + ny * rb),
                    (b[0] - nx * rb, b[1] - ny * rb),
                    (a[0] - nx * ra, a[1] - ny * ra),
                ],
                colour,
            )

    def line(self, points: list[Point], thick: float, colour: Colour) -> None:
        """Draw a line along the points, everywhere as thick."""
        self.limb(points, [thick] * len(points), colour)


def smooth(points: list[Point], steps: int = 6) -> list[Point]:
    """Return a closed Catmull-Rom line through the points."""
    n, out = len(points), []
    for i in range(n):
        p0, p1, p2, p3 = (points[(i + k) % n] for k in (-1, 0, 1, 2))
        for step in range(steps):
            t = step / steps
            weights = (
                -0.5 * t + t * t - 0.5 * t**3, 1 - 2.5 * t * t + 1.5 * t**3,
                0.5 * t + 2 * t * t - 1.5 * t**3, -0.5 * t * t + 0.5 * t**3,
            )  # fmt: skip
            pairs = list(zip(weights, (p0, p1, p2, p3), strict=True))
            out.append((sum(w * p[0] for w, p in pairs), sum(w * p[1] for w, p in pairs)))
    return out


def rgb(text: str) -> Colour:
    """Return the colour written ``rrggbb``."""
    return int(text[0:2], 16), int(text[2:4], 16), int(text[4:6], 16)


def shade(colour: Colour, by: float) -> Colour:
    """Return a colour so many times as light."""
    r, g, b = (min(255, round(part * by)) for part in colour)
    return r, g, b


def mix(one: Colour, other: Colour, share: float) -> Colour:
    """Return the first colour with this share of the other in it."""
    r, g, b = (round(a + (c - a) * share) for a, c in zip(one, other, strict=True))
    return r, g, b
