"""Small multiples over the hours of the day: where each panel stands, and its axes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from workbench.views.style import Theme, escape

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")

_HEAD, _LEVEL, _BETWEEN, _ROW, _GAP = 22, 28, 30, 15, 0.03
_LONGEST = {1: 60, 2: 34, 3: 22, 4: 15}


@dataclass(frozen=True, slots=True)
class Slot:
    """The place of one panel, in shares of the plot from its lower left corner.

    ``last``: whether no panel stands below it, so that it has the hours written under it.
    """

    left: float
    right: float
    low: float
    high: float
    column: int
    last: bool


@dataclass(frozen=True, slots=True)
class Grid:
    """Weekdays and hours that every panel shows, and where the panels stand.

    ``whole``: the panel above the others, if there is one; ``headings``: name and height of what
    stands above each group of panels; ``split``: height between the whole and the others.
    """

    days: list[int]
    hours: list[int]
    columns: int
    slots: list[Slot]
    whole: Slot | None
    headings: list[tuple[str, float]]
    split: float
    height: int
    look: Theme
    zone: str

    @classmethod
    def of(
        cls,
        days: list[int],
        hours: list[int],
        groups: Sequence[tuple[str, int]],
        look: Theme,
        zone: str,
    ) -> Grid:
        """Return the grid of groups of panels (heading, how many), each group from a new row on.

        More than one panel in all have the whole above them.
        """
        many = sum(n for _, n in groups)
        columns = 1 if many == 1 else 2 if many <= 4 else 3 if many <= 15 else 4
        panel = max(len(days), 3) * (_ROW if many > 1 else 2 * _ROW)
        whole = max(len(days), 4) * round(1.4 * _ROW) if many > 1 else 0
        top = _HEAD + whole + _BETWEEN if whole else 0
        split, tops, headings = top, [], []
        for heading, n in groups:
            if heading:
                headings.append((heading, float(top + _LEVEL - 16)))
                top += _LEVEL
            for first in range(0, n, columns):
                tops += [(column, top + _HEAD) for column in range(min(columns, n - first))]
                top += _HEAD + panel
        height = max(top, 1)

        def slot(left: float, right: float, high: int, px: int, column: int, last: bool) -> Slot:
            return Slot(left, right, 1 - (high + px) / height, 1 - high / height, column, last)

        wide = (1 - _GAP * (columns - 1)) / columns
        lowest = {column: high for column, high in tops}
        slots = [
            slot(at := column * (wide + _GAP), at + wide, high, panel, column,
                 high == lowest[column])
            for column, high in tops
        ]  # fmt: skip
        return cls(
            days=days,
            hours=hours,
            columns=columns,
            slots=slots,
            whole=slot(0.0, 1.0, _HEAD, whole, 0, True) if whole else None,
            headings=[(name, 1 - high / height) for name, high in headings],
            split=1 - split / height,
            height=height,
            look=look,
            zone=zone,
        )

    @property
    def longest(self) -> int:
        """Return the most characters of a name that a panel has room for in a narrow window."""
        return _LONGEST[self.columns]

    def bar_px(self, low: float, high: float) -> int:
        """Return the length of a colour bar with its title, beside panels between two heights."""
        return round(min(240, max(90, (high - low) * self.height)))

    def axes(self, slot: Slot, number: int) -> dict[str, Any]:
        """Return the two axes of a panel, by their names in a layout."""
        across: dict[str, Any] = {
            "domain": [slot.left, slot.right],
            "anchor": f"y{number}",
            "range": [self.hours[0], self.hours[-1] + 1] if self.hours else [0, 1],
            "showgrid": False,
            "matches": None if number == 1 else "x",
            "showticklabels": slot.last,
            **self._ticks(slot is self.whole),
        }
        if slot.last and slot.column == 0 and slot is not self.whole:
            across["title"] = {"text": f"hour of the day ({escape(self.zone)})"}
        up = {
            "domain": [slot.low, slot.high],
            "anchor": f"x{number}",
            # Numbers, not categories: plotly turns z round with those, but not what is told of it.
            "range": [len(self.days) - 0.5, -0.5],
            "tickvals": list(range(len(self.days))),
            "ticktext": [DAYS[day] for day in self.days],
            "showgrid": False,
            "fixedrange": True,
            "showticklabels": slot.column == 0,
            "ticks": "",
        }
        if not self.hours:
            across, up = {"visible": False}, {"visible": False}
        return {f"xaxis{number}": across, f"yaxis{number}": up}

    def _ticks(self, whole: bool) -> dict[str, Any]:
        low, high = (self.hours[0], self.hours[-1] + 1) if self.hours else (0, 1)
        if high - low == 1:
            return {"tickvals": [low + 0.5], "ticktext": [f"{low:02d} – {high:02d}"]}
        most = 13 if whole else max(3, 12 // self.columns)
        step = next((n for n in (1, 2, 3, 4, 6) if (high - low) / n <= most), 12)
        ticks = [hour for hour in range(low, high + 1) if hour % step == 0]
        return {"tickvals": ticks, "ticktext": [f"{hour:02d}" for hour in ticks]}

    def titles(self, named: Sequence[tuple[Slot, str]]) -> list[dict[str, Any]]:
        """Return what stands above each panel, and above each group of panels."""
        if not self.hours:
            return []
        plain = {"xref": "paper", "xanchor": "left", "yref": "paper", "showarrow": False}
        ink, soft = self.look.ink, self.look.soft
        return [
            *(
                plain | {"x": slot.left, "y": slot.high, "yanchor": "bottom", "text": name,
                         "font": {"size": 12, "color": ink}}
                for slot, name in named
            ),
            *(
                plain | {"x": 0, "y": high, "yanchor": "top", "text": f"<b>{name}</b>",
                         "font": {"size": 12, "color": soft}}
                for name, high in self.headings
            ),
        ]  # fmt: skip
