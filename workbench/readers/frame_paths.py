"""Where the picture of a row lies: below the folder the user named, and nowhere else.

A ``frame_path`` is text from a file, so it is taken for hostile: it is looked at when the row is
loaded, and once more when the picture is opened, because a link can be put there in between.
"""

from __future__ import annotations

import os
import re
from functools import partial
from pathlib import Path

import pandas as pd

from workbench.errors import InvalidInputError

LONGEST = 4096
_ABSOLUTE = re.compile(r"[/\\]|[A-Za-z]:|[A-Za-z][A-Za-z0-9+.-]+://|~")
_PARTS = re.compile(r"[/\\]")


def frames_root(given: str | Path) -> Path:
    """Return the folder of the pictures, links in its own path resolved.

    Raises
    ------
    InvalidInputError
        When it is no folder.
    """
    try:
        root = Path(given).resolve()
        found = root.is_dir()
    except (OSError, ValueError, RuntimeError):
        found = False
    if not found:
        raise InvalidInputError(
            f"--frames-root {str(given)[:200]!r} is no folder.",
            where="--frames-root",
            next="Name the folder that the frame paths of the rows begin at.",
        )
    return root


def check_paths(cells: pd.Series, root: Path, below: str = "") -> tuple[pd.Series, pd.Series]:
    """Return the paths of rows and why one may not be used (missing where it may).

    Parameters
    ----------
    cells : Series of str
        Paths as they stand in the file; '' where there is none.
    root : Path
        What they have to lie below (:func:`frames_root`).
    below : str
        The folder below it that they are relative to.
    """
    whole = f"{below}/" + cells if below else cells
    reasons = whole.map(partial(why_not, root)).astype("str")
    return cells, reasons


def why_not(root: Path, text: str) -> str | None:
    """Return why a path may not be used, None where it may; whether it is there is not asked.

    Examples
    --------
    >>> why_not(Path("/srv/crops"), "../secret.jpg")
    "leads out of the frames root by '..'"
    """
    if text == "":
        return None
    if len(text) > LONGEST or "\0" in text:
        return "no path"
    if _ABSOLUTE.match(text):
        return "an absolute path; below the frames root it has to be relative"
    if ".." in _PARTS.split(text):
        return "leads out of the frames root by '..'"
    try:
        real = os.path.realpath(root / text)
    except (OSError, ValueError):
        return "no path"
    if not Path(real).is_relative_to(root):
        return "leads out of the frames root by a link"
    return None


def picture_path(root: Path, text: str) -> Path | None:
    """Return the regular file that a path names below `root`, None where there is none."""
    if why_not(root, text) is not None:
        return None
    place = Path(os.path.realpath(root / text))
    return place if place.is_file() else None
