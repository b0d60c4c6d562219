"""Text for people: short aligned tables, local times, thousands separated, data made harmless."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from workbench import times
from workbench.cli.safe import clipped, safe, width

_CELL = 44
_MISSING = "–"


class Screen:
    """Writes tables and facts for a terminal.

    Parameters
    ----------
    display_tz : str
        Zone of the times shown.
    """

    def __init__(self, display_tz: str = "UTC") -> None:
        self.display_tz = display_tz
        self._zone = times.zone(display_tz)

    def facts(self, said: Mapping[str, object]) -> str:
        """Return one line for each fact, values under each other."""
        widest = max((width(safe(name)) for name in said), default=0)
        return "\n".join(
            f"{_padded(safe(name), widest)}  {self.cell(value, zone=True, longest=200)}"
            for name, value in said.items()
        )

    def table(
        self, frame: pd.DataFrame, columns: Sequence[str] | None = None, *, rows: int = 40
    ) -> str:
        """Return a table of these columns; a last line says what was left out, and the zone."""
        shown = frame if columns is None else frame[list(columns)]
        if shown.empty:
            return "  (none)"
        names = [str(name) for name in shown.columns]
        right = [pd.api.types.is_numeric_dtype(dtype) for dtype in shown.dtypes]
        head = shown.head(rows)
        cells = [[self.cell(cell) for cell in head.iloc[:, n]] for n in range(len(names))]
        wide = [max(map(width, [name, *texts])) for name, texts in zip(names, cells, strict=True)]
        lines = [_line(names, wide, right)]
        lines += [_line(row, wide, right) for row in zip(*cells, strict=True)]
        notes = []
        if len(frame) > rows:
            notes.append(f"{rows:,} of {len(frame):,} rows; --csv gives all")
        if any(isinstance(dtype, pd.DatetimeTZDtype) for dtype in shown.dtypes):
            notes.append(f"times: {safe(self.display_tz)}")
        return "\n".join([*lines, *([f"  ({'; '.join(notes)})"] if notes else [])])

    def cell(self, value: Any, *, zone: bool = False, longest: int = _CELL) -> str:
        """Return one value as short safe text; `zone` names the zone of a time."""
        if isinstance(value, list | tuple | dict):
            text = _json(value) if isinstance(value, dict) else ", ".join(map(str, value))
            text = text if value else _MISSING
        elif value is None or pd.isna(value):
            text = _MISSING
        elif isinstance(value, pd.Timestamp):
            text = self.time(value) + (f" {self.display_tz}" if zone else "")
        elif isinstance(value, bool | np.bool_):
            text = "yes" if value else "no"
        elif isinstance(value, int | np.integer):
            text = f"{int(value):,}"
        elif isinstance(value, float | np.floating):
            text = number(float(value))
        else:
            text = str(value)
        return clipped(safe(text), longest)

    def time(self, value: pd.Timestamp) -> str:
        """Return a time in the display zone, with its offset unless that is UTC itself."""
        local = value.tz_convert(self._zone)
        text = local.strftime("%Y-%m-%d %H:%M:%S")
        if local.microsecond:
            text += f".{local.microsecond:06d}".rstrip("0")
        # The hour that is repeated in autumn would mean two things without it.
        offset = local.strftime("%z")
        return text if self.display_tz == "UTC" else f"{text}{offset[:3]}:{offset[3:]}"


def number(value: float) -> str:
    """Return a number with thousands separated and at most three decimals.

    Examples
    --------
    >>> number(12345.0), number(0.92308), number(1e-9)
    ('12,345', '0.923', '1e-09')
    """
    if value and abs(value) < 0.0005:
        return f"{value:.3g}"
    return f"{value:,.3f}".rstrip("0").rstrip(".")


def moment(text: str | None) -> pd.Timestamp | None:
    """Return the time that an ISO 8601 text of a document names."""
    return None if text is None else pd.Timestamp(text)


def plural(n: int, one: str, many: str | None = None) -> str:
    """Return a count with its noun.

    Examples
    --------
    >>> plural(1, "row"), plural(1200, "row"), plural(2, "identity", "identities")
    ('1 row', '1,200 rows', '2 identities')
    """
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def _padded(text: str, wide: int, right: bool = False) -> str:
    room = " " * (wide - width(text))
    return room + text if right else text + room


def _line(cells: Sequence[str], wide: Sequence[int], right: Sequence[bool]) -> str:
    padded = (_padded(c, w, r) for c, w, r in zip(cells, wide, right, strict=True))
    return ("  " + "  ".join(padded)).rstrip()
