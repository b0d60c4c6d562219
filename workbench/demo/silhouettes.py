"""Drawn people: a short text says clothes and pose, a small picture comes back.

A demo site has no photographs. Its appearances carry a text instead of a path to a picture, and
:func:`draw` turns it into one when somebody looks. It is a drawing and looks like one.

The text is data from a store and is read as such: one fixed form, every field there once, in order,
within its range; anything else is refused.

``silhouette:v1;top=3b5d8a;cut=shirt;legs=2b2f3a;wear=trousers;hair=4a3020;style=short;skin=c68642;
build=50;bag=none;trim=7a4a2b;scene=e4e0d6;stride=40;facing=20;hidden=0;blur=5`` (in one line)
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from workbench.demo.figure import Silhouette, picture_of
from workbench.errors import InvalidInputError

MARK: Final = "silhouette:"
"""What a text of this form begins with; nothing else does."""

CUTS: Final = ("shirt", "jacket", "coat", "hoodie", "uniform")
WEARS: Final = ("trousers", "skirt", "shorts")
STYLES: Final = ("short", "long", "bun", "curly", "tail", "bald", "cap")
BAGS: Final = ("none", "backpack", "shoulder", "tote")

_COLOUR = "[0-9a-f]{6}"
_PERCENT = "[0-9]{1,3}"
_FIELDS: Final[Mapping[str, str]] = {
    "top": _COLOUR,
    "cut": "|".join(CUTS),
    "legs": _COLOUR,
    "wear": "|".join(WEARS),
    "hair": _COLOUR,
    "style": "|".join(STYLES),
    "skin": _COLOUR,
    "build": _PERCENT,
    "bag": "|".join(BAGS),
    "trim": _COLOUR,
    "scene": _COLOUR,
    "stride": _PERCENT,
    "facing": _PERCENT,
    "hidden": _PERCENT,
    "blur": _PERCENT,
}
_HIGHEST: Final = {"build": 100, "stride": 100, "facing": 359, "hidden": 100, "blur": 100}
_FORM = re.compile(
    f"{MARK}v1;" + ";".join(f"{name}=(?P<{name}>{form})" for name, form in _FIELDS.items()),
    re.ASCII,
)
_LARGEST_PX: Final = 1024


def is_silhouette(text: str) -> bool:
    """Return whether this is a text that :func:`draw` draws.

    Examples
    --------
    >>> is_silhouette("frames/0017.png")
    False
    """
    try:
        parse(text)
    except InvalidInputError:
        return False
    return True


def parse(text: str) -> Silhouette:
    """Return what the text says.

    Raises
    ------
    InvalidInputError
        When it is not of the one form, or a number is out of its range.
    """
    found = _FORM.fullmatch(text) if isinstance(text, str) and len(text) <= 400 else None
    if found is None:
        raise _refused(text, "is not of the form of a silhouette")
    said: dict[str, str] = found.groupdict()
    numbers = {name: int(said[name]) for name in _HIGHEST}
    for name, highest in _HIGHEST.items():
        if numbers[name] > highest:
            raise _refused(text, f"has {name} above {highest}")
    words = {name: value for name, value in said.items() if name not in _HIGHEST}
    return Silhouette(**words, **numbers)  # type: ignore[arg-type]


def draw(text: str, *, width: int = 64, height: int = 128) -> bytes:
    """Return the drawing as a PNG of `width` by `height` pixels; the same text, the same bytes.

    Parameters
    ----------
    text : str
        As the module says.
    width, height : int
        Pixels, 8 to 1024; 1 : 2 suits best, other shapes get more background.

    Raises
    ------
    InvalidInputError
        When the text is not of the form or the size is out of range.
    """
    for name, size in (("width", width), ("height", height)):
        if type(size) is not int or not 8 <= size <= _LARGEST_PX:
            raise InvalidInputError(
                f"{name} is {size!r:.50}.",
                where=name,
                next=f"Give whole pixels, 8 to {_LARGEST_PX}.",
            )
    return _drawn(parse(text), width, height)


@lru_cache(maxsize=512)
def _drawn(who: Silhouette, width: int, height: int) -> bytes:
    return picture_of(who, width, height)


def _refused(text: object, why: str) -> InvalidInputError:
    return InvalidInputError(
        f"The text of a drawn person {why}: {text!r:.120}.",
        where="frame_path",
        next="It is written by the demo; make the demo anew with: workbench demo --reset",
    )
