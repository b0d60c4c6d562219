"""What a column with a name of its own may mean, told by its name and its cells.

These are guesses: :func:`workbench.readers.detect` names each of them in its reason, and nothing is
ever loaded by one that nobody typed.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence

import pandas as pd

from workbench.readers.clock import NUMBER
from workbench.readers.files import matches

EPOCH_S = 1e8
ISO = r"^\s*\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?([Zz]|[+-]\d{2}(:?\d{2})?)?\s*$"
OFFSET = r":\d{2}(\.\d+)?\s*([Zz]|[+-]\d{2}(:?\d{2})?)\s*$"
_DATED = r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}"
_YEAR_FIRST = r"^\s*\d{4}\D"
_FRACTION = r"\.\d*[1-9]"
_FLAGS = {"0", "1", "true", "false", "yes", "no"}


def _words_of(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Words of names, the ones that say most first.
_PEOPLE = (
    _words_of(
        "person persons personid people pid subject subjectid who whom identity individual human "
        "pedestrian player visitor employee user userid member worker staff student patient guest "
        "customer passenger suspect animal vehicle plate badge gid"
    ),
    frozenset(["name", "label"]),
)
_CAMERAS = (
    _words_of("camera cameraid cameras cam cams camno device sensor channel stream cctv"),
    _words_of("station place location where site gate door room zone"),
)
_TIMES = (_words_of("when time timestamp ts datetime at seen captured recorded utc"),)
# Words of what is counted, measured, filed or sorted by, and of other things than the one sought.
_MEASURED = _words_of(
    "x y z w h x1 x2 y1 y2 left top right bottom xmin xmax ymin ymax cx cy width height size area "
    "lat lon angle speed score conf confidence prob quality blur count num n fps age day hour "
    "duration seconds index idx row line type class category model version file path url image "
    "img frame crop box bbox t"
)
_SORTED = _words_of(
    "list split subset set fold gender sex color colour level floor weather view sequence seq "
    "direction activity action event status state group role team video clip source start end "
    "date time datetime track tracklet tracking detection det"
)
_PLACES = _CAMERAS[0] | _CAMERAS[1]
_NOBODY = _MEASURED | _SORTED | _PLACES


def time(frame: pd.DataFrame, free: Sequence[str]) -> str | None:
    """Return the column among `free` whose cells are times, None where there is none."""
    named = _hinted(free, _TIMES, frozenset())
    others = [name for name in free if name not in named]
    dated = [name for name in (*named, *others) if len(frame) and is_dated(_filled(frame[name]))]
    counted = [name for name in named if _since_1970(_filled(frame[name]))]
    return next(iter([*dated, *counted]), None)


def camera(frame: pd.DataFrame, free: Sequence[str]) -> str | None:
    """Return the column among `free` that is named like a camera, None where there is none."""
    named = _hinted(free, _CAMERAS, _MEASURED | _SORTED)
    return next((name for name in named if _are_names(_filled(frame[name]))), None)


def identity(frame: pd.DataFrame, free: Sequence[str], *, by_name_only: bool = False) -> str | None:
    """Return the column among `free` that looks like identities, None where there is none.

    One named like them comes first; else one of texts, or of whole numbers, that come again.
    """
    sure = _hinted(free, _PEOPLE[:1], _NOBODY)
    found = next((name for name in sure if _are_names(_filled(frame[name]))), None)
    if found is not None or by_name_only:
        return found
    named = _hinted(free, _PEOPLE[1:], _NOBODY)
    again = [name for name in named if _come_again(_filled(frame[name]))]
    return next(iter(again), None) or _by_look(frame, free)


def is_dated(cells: pd.Series) -> bool:
    """Return whether most cells are times with a date, in ISO 8601 or another common form."""
    if not len(cells):
        return False
    if matches(cells, ISO).mean() > 0.5:
        return True
    return bool(matches(cells, _DATED).mean() > 0.5 and parsed(cells).notna().mean() > 0.5)


def is_iso(cells: pd.Series) -> bool:
    """Return whether some cell is a time that can be read as it is."""
    return bool(matches(cells, ISO).any())


def day_first(cells: pd.Series) -> bool:
    """Return whether dates begin with the day, as far as they tell: without a sign they do not."""
    if matches(cells, _YEAR_FIRST).all():
        return False
    parts = cells.str.extract(r"^\s*(\d{1,2})[-/.](\d{1,2})[-/.]").dropna().astype("int64")
    return bool((parts[0] > 12).any() or matches(cells, r"^\s*\d{1,2}\.").all())


def parsed(cells: pd.Series) -> pd.Series:
    """Return the times that pandas sees in cells, missing where it sees none."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pd.to_datetime(
            cells, format="mixed", utc=True, errors="coerce", dayfirst=day_first(cells)
        )


def _filled(cells: pd.Series) -> pd.Series:
    return cells[(cells != "").to_numpy(dtype=bool)]


def _words(name: str) -> set[str]:
    """Return the words of a name.

    Examples
    --------
    >>> sorted(_words("personName-2"))
    ['2', 'name', 'person']
    """
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    return set(re.split(r"[\W_]+", parted.lower())) - {""}


def _hinted(
    names: Sequence[str], hints: Sequence[frozenset[str]], other: frozenset[str]
) -> list[str]:
    """Return the names with a word of `hints` and none of `other`, the best first."""
    ranked = [
        (rank, not {"id", "no", "number"} & _words(name), at, name)
        for at, name in enumerate(names)
        for rank, words in enumerate(hints)
        if words & _words(name) and not (other - words) & _words(name)
    ]
    return list(dict.fromkeys(name for *_, name in sorted(ranked)))


def _are_names(cells: pd.Series) -> bool:
    """Return whether cells can name something: neither measured numbers nor times."""
    number = matches(cells, NUMBER)
    return bool(len(cells) and not (number & matches(cells, _FRACTION)).any() and not is_iso(cells))


def _come_again(cells: pd.Series) -> bool:
    different = set(cells.unique())
    return (
        _are_names(cells)
        and 1 < len(different) < len(cells)
        and not {one.strip().lower() for one in different} <= _FLAGS
    )


def _by_look(frame: pd.DataFrame, free: Sequence[str]) -> str | None:
    fitting = [
        (bool(matches(cells, NUMBER).all()), -cells.nunique(), at, name)
        for at, name in enumerate(free)
        if not _NOBODY & _words(name) and _come_again(cells := _filled(frame[name]))
    ]
    return min(fitting)[-1] if fitting else None


def _since_1970(cells: pd.Series) -> bool:
    if not len(cells) or not matches(cells, NUMBER).all():
        return False
    return bool(cells.astype("float64").min() >= EPOCH_S)
