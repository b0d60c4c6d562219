"""What the columns of a file mean: theirs to ours.

First what the caller said (``--columns ours=theirs``), then our own names, then foreign names that
are commonly understood. What is left over becomes properties. Where a name could mean two things
the file is refused with the question.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from workbench.errors import InvalidInputError
from workbench.geography import NAMES
from workbench.readers.options import LoadOptions, option

APPEARANCE = (
    "id",
    "timestamp",
    "camera_id",
    "identity_id",
    "tracking_id",
    "frame",
    "floor_x_m",
    "floor_y_m",
    "detection_confidence",
    "face_quality",
    "reid_quality",
    "blur_score",
    "frame_path",
    "match_confidence",
)
EDGES = ("bbox_x", "bbox_y", "bbox_w", "bbox_h")
CORNERS = ("bbox_x1", "bbox_y1", "bbox_x2", "bbox_y2")
IDENTITY_NAMES = {"person_id": "identity_id", "pid": "identity_id"}
CAMERA_NAMES = {"cam": "camera_id", "camid": "camera_id"}
FOREIGN = {
    **IDENTITY_NAMES,
    **CAMERA_NAMES,
    "track_id": "tracking_id",
    "time": "timestamp",
    "datetime": "timestamp",
    "frame_id": "frame",
    "x_m": "floor_x_m",
    "y_m": "floor_y_m",
}
DEGREES = {"lon": "longitude", "lng": "longitude", "long": "longitude", "lat": "latitude"}
# Boxes are understood as a whole: "left" without "width" may be anything.
BOXES = (
    EDGES,
    CORNERS,
    ("left", "top", "width", "height"),
    ("xmin", "ymin", "xmax", "ymax"),
    ("x1", "y1", "x2", "y2"),
)
_CORNER_BOXES = (BOXES[1], BOXES[3], BOXES[4])


@dataclass(frozen=True, slots=True)
class Mapped:
    """What the columns of one file mean.

    Attributes
    ----------
    theirs : dict of str to str
        Our name to the file's.
    properties : tuple of str
        The file's columns that are kept as properties.
    """

    theirs: dict[str, str]
    properties: tuple[str, ...]

    @property
    def read_as(self) -> dict[str, str]:
        """Return the file's columns read under another name, and that name."""
        found: dict[str, list[str]] = {}
        for ours, theirs in self.theirs.items():
            if ours != theirs:
                found.setdefault(theirs, []).append(ours)
        return {theirs: ", ".join(ours) for theirs, ours in sorted(found.items())}


def appearances(
    columns: Sequence[str], options: LoadOptions, known: Mapping[str, str] | None = None
) -> Mapped:
    """Return what the columns of an appearance file mean; `known` is what its format says of them.

    Raises
    ------
    InvalidInputError
        When the caller names a column that is not there, or a name could mean two things.
    """
    named = (*APPEARANCE, *EDGES, *CORNERS, *NAMES)
    explicit = _explicit(columns, named, options.columns, "columns")
    taken = {"identity_id"} if options.identity_from is not None else set()
    formal = {our: their for our, their in (known or {}).items() if our not in taken}
    explicit = formal | explicit
    if options.identity_from is not None:
        if "identity_id" in explicit:
            raise _both("--columns identity_id=...", "--identity-from")
        ours = tuple(name for name in APPEARANCE if name != "identity_id")
    else:
        ours = APPEARANCE
    # Without an origin degrees are properties; where there are metres they count.
    globe = NAMES if options.origin is not None else ()
    theirs = resolve(columns, (*ours, *globe), FOREIGN | DEGREES, explicit, "columns")
    if {"floor_x_m", "floor_y_m"} & set(theirs):
        theirs = {our: their for our, their in theirs.items() if our not in NAMES}
    theirs |= _box(columns, explicit, options.box)
    if options.camera is not None and "camera_id" in theirs:
        raise _both(f"the file's column {theirs['camera_id']!r}", "--camera")
    return Mapped(theirs, _rest(columns, theirs))


def degrees(theirs: Mapping[str, str]) -> dict[str, str]:
    """Return the columns of longitude and latitude, ours to theirs, or nothing without both."""
    found = {our: theirs[our] for our in NAMES if our in theirs}
    return found if len(found) == len(NAMES) else {}


def table(
    columns: Sequence[str],
    ours: Sequence[str],
    foreign: Mapping[str, str],
    given: Mapping[str, str],
    name: str,
) -> Mapped:
    """Return what the columns of a camera, outage, ... table mean; `name` is the option's."""
    explicit = _explicit(columns, ours, given, name)
    theirs = resolve(columns, ours, foreign, explicit, name)
    return Mapped(theirs, _rest(columns, theirs))


def resolve(
    columns: Sequence[str],
    ours: Sequence[str],
    foreign: Mapping[str, str],
    explicit: Mapping[str, str],
    name: str,
) -> dict[str, str]:
    """Return our names and the file's columns for them, in the order of `ours`."""
    used = set(explicit.values())
    theirs: dict[str, str] = {}
    for our in ours:
        if our in explicit:
            theirs[our] = explicit[our]
        # Trackers call a track "id"; who says so does not mean the appearance as well.
        elif our in columns and not (our == "id" and our in used):
            theirs[our] = our
        else:
            found = [c for c in columns if foreign.get(c) == our and c not in used]
            if len(found) > 1:
                raise _question(our, found, name)
            theirs.update({our: found[0]} if found else {})
    if not degrees(theirs):  # half a place on the globe is none
        return {our: their for our, their in theirs.items() if our not in NAMES}
    return theirs


def _explicit(
    columns: Sequence[str], ours: Sequence[str], given: Mapping[str, str], name: str
) -> dict[str, str]:
    for our, their in given.items():
        if our not in ours:
            raise InvalidInputError(
                f"{option(name)} {our}={their}: {our!r} is none of our columns.",
                where=option(name),
                next="Ours are: " + ", ".join(ours),
            )
        if their not in columns:
            raise InvalidInputError(
                f"{option(name)} {our}={their}: the file has no column {their!r}.",
                where=option(name),
                next="Its columns are: " + ", ".join(columns),
            )
    return dict(given)


def _box(columns: Sequence[str], explicit: Mapping[str, str], box: str | None) -> dict[str, str]:
    """Return the box columns, ours to theirs, edges or corners but never both."""
    stated = {our: their for our, their in explicit.items() if our in (*EDGES, *CORNERS)}
    if stated:
        return _stated_box(columns, stated, box)
    found = [names for names in BOXES if all(name in columns for name in names)]
    if box is not None:
        found = [names for names in found if (names in _CORNER_BOXES) == (box == "xyxy")]
        if not found:
            wanted = CORNERS if box == "xyxy" else EDGES
            raise InvalidInputError(
                f"--box {box}: the file has no such columns.",
                where="--box",
                next="Name them: " + " ".join(f"--columns {name}=COLUMN" for name in wanted),
            )
    if len(found) > 1:
        raise InvalidInputError(
            "Two sets of columns could be the box: " + " and ".join(map(", ".join, found)) + ".",
            where="columns " + ", ".join(found[0]),
            next="Say which with --box xywh or --box xyxy, or with --columns bbox_x=COLUMN ...",
        )
    if not found:
        return {}
    ours = CORNERS if found[0] in _CORNER_BOXES else EDGES
    return dict(zip(ours, found[0], strict=True))


def _stated_box(columns: Sequence[str], stated: dict[str, str], box: str | None) -> dict[str, str]:
    ours = CORNERS if any(name in CORNERS for name in stated) else EDGES
    if box is not None and (box == "xyxy") != (ours is CORNERS):
        raise _both(f"--columns {next(iter(stated))}=...", f"--box {box}")
    whole = {name: name for name in ours if name in columns} | stated
    if set(whole) != set(ours):
        missing = [name for name in ours if name not in whole]
        raise InvalidInputError(
            "A box needs " + ", ".join(ours) + ".",
            where="--columns",
            next="Name the rest: " + " ".join(f"--columns {name}=COLUMN" for name in missing),
        )
    return {name: whole[name] for name in ours}


def _rest(columns: Sequence[str], theirs: Mapping[str, str]) -> tuple[str, ...]:
    used = set(theirs.values())
    return tuple(column for column in columns if column not in used)


def _question(our: str, found: Sequence[str], name: str) -> InvalidInputError:
    return InvalidInputError(
        f"Which column is {our}: " + " or ".join(repr(their) for their in found) + "?",
        where="columns " + ", ".join(found),
        next="Say which: " + " or ".join(f"{option(name)} {our}={their}" for their in found),
    )


def _both(one: str, other: str) -> InvalidInputError:
    return InvalidInputError(
        f"Both {one} and {other} are given, and only one of them can count.",
        where=other,
        next=f"Leave out {other}, or load a file without that column.",
    )
