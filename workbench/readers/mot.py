"""MOTChallenge: ``gt.txt``, ``det.txt`` and what trackers write, one box a line and no header.

``frame, id, bb_left, bb_top, bb_width, bb_height, conf`` and then either ``class_id, visibility``
(ground truth, 9 numbers) or ``x, y, z`` (detections and results, 10 numbers). Ids count within one
sequence; -1 is "no id", "no score" or "no position". Frames count from 1: frame 1 is at the start
time. A line with an id whose ``conf`` is 0 marks a region that is to be ignored.
"""

from __future__ import annotations

import configparser
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from workbench.readers.appearances import AppearanceReader
from workbench.readers.csv import NumbersFile
from workbench.readers.files import BATCH_ROWS, TextBatch, TextFile, matches
from workbench.readers.options import LoadOptions

_BOX = ("frame", "id", "bb_left", "bb_top", "bb_width", "bb_height", "conf")
COLUMNS = {
    7: _BOX,
    8: (*_BOX, "class_id"),
    9: (*_BOX, "class_id", "visibility"),
    10: (*_BOX, "x", "y", "z"),
}
MEANING = {
    "frame": "frame",
    "tracking_id": "id",
    "bbox_x": "bb_left",
    "bbox_y": "bb_top",
    "bbox_w": "bb_width",
    "bbox_h": "bb_height",
    "detection_confidence": "conf",
}
_MAY_BE_NOTHING = ("id", "conf", "x", "y", "z")
_NOTHING = r"^-1(\.0*)?$"
_ZERO = r"^[+-]?0+(\.0*)?$"
_NUMBER = r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*"
_LINE = re.compile(rf"\s*\d+\s*,\s*-?\d+(\.0*)?\s*,{_NUMBER}(,{_NUMBER}){{4,7}}\s*")
_LARGEST_INFO = 100_000


class MotFile(NumbersFile):
    """A MOTChallenge file as text: ``-1`` for no id, score or position is an empty cell."""

    format = "mot"
    meaning: Mapping[str, str] = MEANING

    def batches(self, rows: int = BATCH_ROWS) -> Iterator[TextBatch]:
        """Yield the lines, `rows` at a time."""
        for text in super().batches(rows):
            for name in _MAY_BE_NOTHING:
                if name in text.frame:
                    nothing = matches(text.frame[name], _NOTHING)
                    text.frame[name] = text.frame[name].mask(nothing, "")
            yield text

    def _plain(self, line: str) -> str:
        return line.replace(" ", "")

    def _names(self, width: int) -> Sequence[str]:
        return COLUMNS.get(width, COLUMNS[10])


class MotReader(AppearanceReader):
    """The appearances of a MOTChallenge file; an id is a track of the camera, and who was tracked.

    Camera and frame rate come from ``seqinfo.ini`` where the file lies in the folder of a sequence
    and the options say nothing else. Ids count within a sequence, so the identity is "camera/id"
    unless ``--columns identity_id=id`` says that they are the same in all.
    """

    first_frame = 1

    def __init__(
        self, file: TextFile, options: LoadOptions, *, batch_rows: int = BATCH_ROWS
    ) -> None:
        super().__init__(file, resolved(file.path, options), batch_rows=batch_rows)

    @property
    def notes(self) -> list[str]:
        """Return what the format decided."""
        said = ["Frame 1 is at the start time."]
        said.append("Lines with an id and conf 0 are ignored regions: they are filtered out.")
        return said

    def _wanted(self, text: TextBatch) -> np.ndarray:
        ignored = matches(text.frame["conf"], _ZERO) & (text.frame["id"] != "").to_numpy(dtype=bool)
        return super()._wanted(text) & ~ignored


def is_mot(lines: Sequence[str]) -> bool:
    """Return whether most of the first lines of a file are of this format.

    Examples
    --------
    >>> is_mot(["1,-1,794.2,47.5,71.2,174.8,67.5"])
    True
    """
    return 2 * sum(bool(_LINE.fullmatch(line)) for line in lines) > len(lines)


def resolved(path: Path, options: LoadOptions) -> LoadOptions:
    """Return the options with what the folder of the sequence says, where they do not."""
    found = sequence(path)
    said: dict[str, str] = {}
    if found is not None and options.camera is None and "camera_id" not in options.columns:
        said["camera"] = found.camera
    if found is not None and found.fps is not None and options.fps is None:
        said["fps"] = found.fps
    if options.identity_from is None and "identity_id" not in options.columns:
        said["identity_from"] = "track"
    return replace(options, **said)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class SequenceInfo:
    """What the folder of a sequence says: the camera it is named after, and the frame rate."""

    camera: str
    fps: str | None


def sequence(path: Path) -> SequenceInfo | None:
    """Return what ``seqinfo.ini`` beside a file or one folder above it says, None without one."""
    folder = path.absolute().parent
    for place in (folder, folder.parent):
        info = place / "seqinfo.ini"
        if info.is_file() and place.name:
            return SequenceInfo(place.name, _frame_rate(info))
    return None


def _frame_rate(info: Path) -> str | None:
    said = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        with info.open(encoding="utf-8-sig") as file:
            said.read_string(file.read(_LARGEST_INFO))
        found = said.get("Sequence", "frameRate", fallback=None)
    except (OSError, ValueError, configparser.Error):
        return None
    return found.strip() if found and re.fullmatch(r"\s*\d{1,4}(\.\d{1,6})?\s*", found) else None
