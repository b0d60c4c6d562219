"""AI City Challenge: ``ground_truth.txt`` and submissions, nine numbers a line, blanks between.

``camera_id obj_id frame_id xmin ymin width height xworld yworld``; an object has one id in all
cameras. The publishers do not say what ``xworld, yworld`` are measured in, and they differ between
years (degrees of GPS, metres, -1 for nothing), so they are kept as properties: who knows that they
are metres on the floor says ``--columns floor_x_m=xworld --columns floor_y_m=yworld``.
Frames count from 0 (the sets of 2024 begin there): frame 0 is at the start time.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from workbench.readers.csv import NumbersFile

COLUMNS = (
    "camera_id",
    "obj_id",
    "frame_id",
    "xmin",
    "ymin",
    "width",
    "height",
    "xworld",
    "yworld",
)
MEANING = {
    "camera_id": "camera_id",
    "identity_id": "obj_id",
    "frame": "frame_id",
    "bbox_x": "xmin",
    "bbox_y": "ymin",
    "bbox_w": "width",
    "bbox_h": "height",
}
_NUMBER = r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?"
_LINE = re.compile(rf"\s*\d+\s+\d+\s+\d+(\s+{_NUMBER}){{6}}\s*")


class AiCityFile(NumbersFile):
    """A file of the AI City Challenge as text."""

    format = "aicity"
    meaning: Mapping[str, str] = MEANING

    def _plain(self, line: str) -> str:
        end = "\n" if line.endswith("\n") else ""
        cells = line.split()
        if not cells or (len(cells) == len(COLUMNS) and "," not in line and '"' not in line):
            return ",".join(cells) + end
        # What is no such line stays one cell: it is rejected as it stands in the file.
        return '"' + line.rstrip("\r\n").replace('"', '""') + '"' + end

    def _ragged(self, cells: list[list[str]], starts: np.ndarray, rows: np.ndarray) -> pd.DataFrame:
        counts = [len(cells[row][0].split()) for row in rows]
        asked = len(COLUMNS)
        reasons = [
            "commas or quotes where blanks belong"
            if n == asked
            else f"{n} numbers between blanks where {asked} belong"
            for n in counts
        ]
        return super()._ragged(cells, starts, rows).assign(reason=pd.array(reasons, dtype="str"))

    def _names(self, width: int) -> Sequence[str]:
        return COLUMNS


def is_aicity(lines: Sequence[str]) -> bool:
    """Return whether most of the first lines of a file are of this format.

    Examples
    --------
    >>> is_aicity(["1 7 0 611 312 52 140 3.21 -8.5"])
    True
    """
    return 2 * sum(bool(_LINE.fullmatch(line)) for line in lines) > len(lines)
