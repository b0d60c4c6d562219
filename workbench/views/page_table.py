"""The tables of a page: every cell escaped, numbers right, times in the display zone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from workbench.views.style import escape

LONGEST = 200
"""Most characters of a cell."""

_LONG = 40  # characters from which on a cell may take several lines
_WITHIN = 12  # rows of a tall table that are seen without scrolling


@dataclass(frozen=True, slots=True)
class Link:
    """A cell that leads to another place of the same page; before it a spot of a colour.

    Nothing leads out of a page: ``anchor`` is that of a chapter.
    """

    text: str
    anchor: str
    colour: str = ""


def table_html(
    frame: pd.DataFrame,
    *,
    rows: int = 50,
    display_tz: str = "UTC",
    label: str = "",
    tall: bool = False,
) -> str:
    """Return a table as HTML, every cell escaped; numbers right, missing as a dash.

    Parameters
    ----------
    frame : DataFrame
        What to show; its index is not shown.
    rows : int
        Most rows shown; a line says how many there are.
    display_tz : str
        Time zone of its time columns; a line names it.
    label : str
        What a screen reader calls it.
    tall : bool
        It may have many rows: on a screen it scrolls in a frame of its own, on paper it is whole.
    """
    shown = frame.head(rows)
    marks = [
        ' class="number"' if pd.api.types.is_numeric_dtype(dtype) else "" for dtype in frame.dtypes
    ]
    clocks = [isinstance(dtype, pd.DatetimeTZDtype) for dtype in frame.dtypes]
    head = "".join(
        f'<th scope="col"{mark}>{escape(name)}</th>'
        for name, mark in zip(frame.columns, marks, strict=True)
    )
    body = "".join(
        "<tr>"
        + "".join(
            f"<td{mark or _mark(value)}>{cell(value, display_tz)}</td>"
            for value, mark in zip(row, marks, strict=True)
        )
        + "</tr>"
        for row in shown.itertuples(index=False, name=None)
    )
    notes = [f"{len(shown):,} of {len(frame):,} rows"] if len(shown) < len(frame) else []
    notes += [f"{len(frame):,} rows"] if tall and not notes and len(frame) > _WITHIN else []
    notes += [f"times: {display_tz}"] if any(clocks) and len(frame) else []
    notes += ["no rows"] if frame.empty else []
    under = f'<p class="note">{escape(" · ".join(notes))}</p>' if notes else ""
    # What scrolls has to be reached without a mouse, and then be called something.
    named = f' role="region" aria-label="{escape(label)}"' if label else ""
    kind = "scroll tall" if tall else "scroll"
    return (
        f'<div class="{kind}" tabindex="0"{named}><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>{under}"
    )


def _mark(value: Any) -> str:
    if isinstance(value, pd.Timestamp):
        return ' class="time"'
    return ' class="long"' if isinstance(value, str) and len(value) > _LONG else ""


def cell(value: Any, display_tz: str) -> str:
    """Return one value as HTML: escaped, numbers rounded to three decimals, missing as a dash."""
    if isinstance(value, Link):
        return _link(value)
    if isinstance(value, list | tuple | dict):
        return escape(value, longest=LONGEST)
    if value is None or pd.isna(value):
        return '<span class="unknown">–</span>'
    if isinstance(value, pd.Timestamp):
        return escape(clock(value, display_tz))
    if isinstance(value, int | np.integer) and not isinstance(value, bool):
        return escape(f"{int(value):,}")
    if isinstance(value, float | np.floating):
        return escape(f"{float(value):,.3f}".rstrip("0").rstrip("."))
    return escape(value, longest=LONGEST)


def clock(value: pd.Timestamp, display_tz: str) -> str:
    """Return a time on the clock of a zone, with as many decimals of the second as it has."""
    local = value.tz_convert(display_tz) if value.tzinfo else value
    text = local.strftime("%Y-%m-%d %H:%M:%S")
    return text + f".{value.microsecond:06d}".rstrip("0") if value.microsecond else text


def spot(colour: str) -> str:
    """Return a spot of a colour beside words that say the same."""
    return f'<span class="spot" style="background:{escape(colour)}"></span>' if colour else ""


def _link(value: Link) -> str:
    words = escape(value.text, longest=LONGEST)
    return f'<a href="#{escape(value.anchor)}">{spot(value.colour)}{words}</a>'
