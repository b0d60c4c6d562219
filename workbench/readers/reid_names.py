"""Re-identification sets whose image names say everything: Market-1501, MARS, VeRi.

==================================== ===========================================================
``0002_c1s1_000451_03.jpg``          Market-1501: identity, camera, sequence, frame, detection
``0001C1T0001F001.jpg``              MARS: identity, camera, tracklet, frame of the tracklet
``0002_c002_00030600_0.jpg``         VeRi: identity, camera, frame, detection
==================================== ===========================================================

A folder of such images, or a list of their names, one a line. Identities are kept letter by letter
("0002"), cameras are numbers without leading zeros, as in the tables that go with these sets.
Junk and distractors (-1, 0000, 00-1) are identities unless ``--unidentified`` says that they are
nobody. Frame 0 is at the start time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from workbench import times
from workbench.errors import InvalidInputError
from workbench.readers.appearances import AppearanceReader
from workbench.readers.batches import Cells
from workbench.readers.files import (
    BATCH_ROWS,
    TextBatch,
    TextFile,
    existing,
    names_below,
    open_lines,
    readable,
    reject_frame,
)
from workbench.readers.options import LoadOptions

IMAGES = (".jpg", ".jpeg", ".png", ".bmp", ".webp")
NOBODY = ("-1", "0000", "00-1")
DAY_US = 86_400_000_000
_IMAGE = r"(?:\.(?:[jJ][pP][eE]?[gG]|[pP][nN][gG]|[bB][mM][pP]|[wW][eE][bB][pP]))+"
_SAMPLE = 50
_FOLDER = r"^(?:[^\x00]*[/\\])?"


@dataclass(frozen=True, slots=True)
class Scheme:
    """How a set names its images: a pattern, and the names of what it holds, in order."""

    name: str
    pattern: str
    columns: tuple[str, ...]

    @property
    def whole(self) -> str:
        """Return the pattern of a whole path."""
        return f"{_FOLDER}{self.pattern}{_IMAGE}$"


SCHEMES = (
    Scheme(
        "Market-1501",
        r"(-1|\d{4})_c0*(\d{1,2})s(\d{1,2})_(\d{1,8})_(\d{1,3})",
        ("identity_id", "camera_id", "sequence", "frame", "detection"),
    ),
    Scheme(
        "MARS",
        r"(\d{4}|00-1)C0*(\d{1,2})T(\d{4})F(\d{3,5})",
        ("identity_id", "camera_id", "tracking_id", "frame"),
    ),
    Scheme(
        "VeRi",
        r"(\d{3,4})_c0*(\d{1,3})_(\d{8})_(\d{1,3})",
        ("identity_id", "camera_id", "frame", "detection"),
    ),
)
_NOTES = {
    "Market-1501": "Frames restart in each sequence: sequence 1 begins at the start time, "
    "each later one a day after the one before.",
    "MARS": "Frames count within a tracklet, so every tracklet begins at the start time: "
    "these names hold no time of day.",
    "VeRi": "Frame 0 is at the start time.",
}


def scheme_of(names: Sequence[str]) -> Scheme | None:
    """Return how names are formed: the scheme of most of them, None where no half of them has one.

    Examples
    --------
    >>> scheme_of(["query/0002_c1s1_000451_03.jpg"]).name
    'Market-1501'
    """
    counts = [sum(bool(re.match(s.whole, name)) for name in names) for s in SCHEMES]
    best = max(range(len(SCHEMES)), key=counts.__getitem__)
    return SCHEMES[best] if counts[best] * 2 > len(names) else None


class NamesFile:
    """A list of image names, or a folder of images, as text: the name and what it says.

    Raises
    ------
    NotFoundError
        When there is no such file or folder.
    InvalidInputError
        When most of the first names follow none of the schemes.
    """

    format = "reid"
    spaces: Mapping[str, int] = {}

    def __init__(self, path: str | Path) -> None:
        self.is_folder = Path(path).is_dir()
        self.path = Path(path) if self.is_folder else existing(path)
        first = [name for _, name in islice(self._names(), _SAMPLE)]
        scheme = scheme_of(first) if first else None
        if scheme is None:
            kinds = ", ".join(f"{s.name}" for s in SCHEMES)
            raise InvalidInputError(
                f"{self.path.name!r} holds no image names of a known form ({kinds})."
                if first
                else f"{self.path.name!r} is a directory that holds no images."
                if self.is_folder
                else f"{self.path.name!r} is empty.",
                where=str(self.path),
                next="Give a table that says whose each image is: CSV with a column frame_path.",
            )
        self.scheme = scheme
        self.columns = ["image", *scheme.columns]
        self.meaning: Mapping[str, str] = {"frame_path": "image"}

    def batches(self, rows: int = BATCH_ROWS) -> Iterator[TextBatch]:
        """Yield the names, `rows` at a time."""
        names, position = self._names(), 0
        while chunk := list(islice(names, rows)):
            yield self._batch(chunk, position)
            position += len(chunk)

    def check(self) -> None:
        """Return: a list of names cannot be torn."""

    def _batch(self, chunk: list[tuple[int, str]], position: int) -> TextBatch:
        lines = np.array([line for line, _ in chunk], dtype="int64")
        text = pd.Series([name for _, name in chunk], dtype="str")
        found = text.str.extract(self.scheme.whole)
        good = found[0].notna().to_numpy(dtype=bool)
        frame = found[good].set_axis(list(self.scheme.columns), axis=1)
        frame.insert(0, "image", text[good])
        reason = f"not named as in {self.scheme.name}"
        bad = text[~good].to_numpy(dtype=object)
        rejects = reject_frame(self.path, lines[~good], "image", bad, reason)
        where = np.arange(position, position + len(chunk), dtype="int64")[good]
        return TextBatch(frame.reset_index(drop=True), lines[good], where, rejects, len(chunk))

    def _names(self) -> Iterator[tuple[int, str]]:
        """Yield the names with their line, or their number in the order of a folder."""
        if self.is_folder:
            names = map(readable, names_below(self.path))
            yield from enumerate((n for n in names if n.lower().endswith(IMAGES)), start=1)
            return
        with open_lines(self.path) as lines:
            named = ((n, line.strip()) for n, line in enumerate(lines, start=1))
            yield from ((n, readable(name)) for n, name in named if name)


class NamesReader(AppearanceReader):
    """The appearances of image names: whose, by which camera, when, and where the image is.

    The ``frame_path`` of a folder's images is relative to the frames root, which is the folder
    itself where none is given.
    """

    def __init__(
        self, file: TextFile, options: LoadOptions, *, batch_rows: int = BATCH_ROWS
    ) -> None:
        if not isinstance(file, NamesFile):
            raise TypeError("image names are read from a list of names or a folder")
        if file.is_folder and options.frames_root is None:
            options = replace(options, frames_root=file.path)
        self.scheme = file.scheme.name
        self.below = _below(file, options)
        super().__init__(file, options, batch_rows=batch_rows)
        if self.below:  # one name in two folders is two images
            self._added = {**self._added, "frames_below": self.below}

    def meaning(self) -> dict[str, Any]:
        """Return what decides what the rows mean: also where the folder is below the root."""
        return super().meaning() | ({"frames_below": self.below} if self.below else {})

    @property
    def notes(self) -> list[str]:
        """Return how the frames of these names are counted."""
        return [_NOTES[self.scheme]]

    def _rows(self, cells: Cells) -> dict[str, pd.Series]:
        rows = super()._rows(cells)
        if self.below and "frame_path" in rows:
            rows["frame_path"] = f"{self.below}/" + rows["frame_path"]
        return rows

    def _times(self, cells: Cells) -> pd.Series:
        found = super()._times(cells)
        if self.scheme != "Market-1501":
            return found
        days = cells.frame["sequence"].astype("int64") - 1
        late = (times.to_us(found).fillna(0) > times.MAX_US - days * DAY_US).to_numpy(dtype=bool)
        text = cells.frame["sequence"]
        cells.problems.note(late, "outside the years 1000 to 8999", "sequence", text)
        return found + pd.to_timedelta(days.mask(late, 0), unit="D")


def _below(file: NamesFile, options: LoadOptions) -> str:
    """Return where a folder of images is below the frames root, '' where it is the root."""
    if not file.is_folder:
        return ""
    folder, root = file.path.resolve(), Path(str(options.frames_root))
    if not folder.is_relative_to(root):
        raise InvalidInputError(
            f"{file.path.name!r} is not below the frames root.",
            where="--frames-root",
            next="Name a folder above it, or leave the option out: the folder is its own root.",
        )
    inside = folder.relative_to(root).as_posix()
    return "" if inside == "." else inside
