"""Who meets whom as a graph: people as dots, pairs as lines, thick if they were long together."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from workbench.views import style
from workbench.views.charts.against_chance import chance_words
from workbench.views.charts.chart import at_cameras, plural, wrapped
from workbench.views.charts.network_places import HIGH_PX, WIDE_PX, network_places
from workbench.views.maps.labels import Labels
from workbench.views.style import Theme, ThemeName, duration, escape, identity_colour

MOST = 300
"""Most pairs that one picture draws: with more of them nobody sees anything."""

PEOPLE = "people"
HANDLES = "pairs"
RING = "chosen"
"""Names of the traces: of the dots, of what can be clicked of the lines, of what is chosen."""

_HANDLES = (0.2, 0.35, 0.5, 0.65, 0.8)  # where on a line the mouse finds it
_WIDTHS = (1.2, 2.6, 4.6, 7.5)
_STEPS_S = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 18_000, 36_000, 86_400)
_NAME = 18
_EDGE_PX = (50.0, 26.0)
_TOP_PX, _BOTTOM_PX = 66, 78


def network(
    pairs: pd.DataFrame,
    *,
    names: Mapping[str, str] | None = None,
    groups: Mapping[str, int] | None = None,
    of: int | None = None,
    which: str = "",
    max_q: float = 0.05,
    title: str | None = None,
    theme: ThemeName = "light",
) -> go.Figure:
    """Return the graph of some pairs; the same pairs give the same picture.

    A line is as thick as two were long together (or as often, where nothing is known of length),
    orange and whole where chance does not explain them (q of at most `max_q`), grey and dotted
    where it may. A dot is the larger the more lines it has, in the colour of the identity. Who is
    not connected stands apart, the largest part first.

    Parameters
    ----------
    pairs : DataFrame
        Rows of ``bench.together.pairs()``: ``a, b, count, overlap_s, cameras, days, expected, q``.
        Of more than 300 the first 300 are drawn.
    names : mapping of str to str, optional
        What identities are called.
    groups : mapping of str to int, optional
        The number of everybody's group, said under the mouse.
    of : int, optional
        How many pairs there are in all.
    which : str
        Which of them these are, in words; not escaped.
    max_q : float
    title : str, optional
    theme : {'light', 'dark'}
    """
    look = style.theme(theme)
    drawn = pairs.head(MOST)
    network = Network(
        look, names or {}, groups or {}, Weight.of(pairs), max_q, bool(pairs["q"].notna().any())
    )
    places = network_places(drawn)
    figure = go.Figure(network.traces(drawn, places))
    heading = "Who meets whom" + (", and is it chance?" if network.asked else "")
    words = said(drawn, of or len(pairs), which, network.asked, max_q)
    figure.update_layout(network_layout(look, heading if title is None else title, words))
    figure.update_layout(annotations=network.empty(drawn))
    return figure


@dataclass(frozen=True, slots=True)
class Weight:
    """What makes a line thick: its column, and from where on a line is the next thicker."""

    column: str
    steps: tuple[float, ...]

    @classmethod
    def of(cls, pairs: pd.DataFrame) -> Weight:
        """Return that of some pairs: how long together, or how often where nobody knows."""
        long = pairs["overlap_s"].dropna()
        if not (long > 0).any():
            most = float(pairs["count"].max()) if len(pairs) else 1.0
            steps = sorted({max(2, round(most / part)) for part in (27, 9, 3)})
            return cls("count", tuple(float(one) for one in steps))
        wanted = [float(long.max()) / part for part in (27, 9, 3)]
        nearest = {min(_STEPS_S, key=lambda step: abs(np.log(step / one))) for one in wanted}
        return cls("overlap_s", tuple(float(one) for one in sorted(nearest)))

    def classes(self, pairs: pd.DataFrame) -> np.ndarray:
        """Return the class of each pair: 0 is thin."""
        return np.searchsorted(self.steps, pairs[self.column].fillna(0).to_numpy(), side="right")

    def words(self) -> list[str]:
        """Return what each class is called in the legend."""
        say = duration if self.column == "overlap_s" else "{:,.0f} times".format
        edges = [say(one) for one in self.steps]
        first = [f"together under {edges[0]}"]
        between = [f"{one} to {two}" for one, two in itertools.pairwise(edges)]
        return [*first, *between, f"{edges[-1]} and more"]


@dataclass(frozen=True, slots=True)
class Network:
    """How one network is drawn: its looks, what people are called, what makes a line thick."""

    look: Theme
    names: Mapping[str, str]
    groups: Mapping[str, int]
    weight: Weight
    max_q: float
    asked: bool

    def traces(
        self,
        pairs: pd.DataFrame,
        places: Mapping[str, tuple[float, float]],
        chosen: Sequence[str] = (),
    ) -> list[dict[str, Any]]:
        """Return the traces, always as many and in the same order, whatever the pairs are.

        Lines by width, those of chance and those that are more; what the mouse finds of them
        (``customdata``: the row of the pair); what is `chosen` (one identity, or two of a pair);
        people (``customdata``: the id).
        """
        ends = np.array(
            [[places[a], places[b]] for a, b in zip(pairs["a"], pairs["b"], strict=True)]
        )
        ends = ends.reshape(-1, 2, 2)
        many, more = self.weight.classes(pairs), self.meant(pairs)
        lines = [
            self._lines(ends[(many == width) & (more == kind)], width, kind)
            for kind in (False, True)
            for width in range(len(self.weight.steps) + 1)
        ]
        return [
            *lines,
            *self._legend(),
            self._handles(pairs, ends),
            self._ring(places, chosen),
            self._people(pairs, places, chosen),
        ]

    def meant(self, pairs: pd.DataFrame) -> np.ndarray:
        """Return which pairs are more than chance."""
        return (pairs["q"] <= self.max_q).fillna(False).to_numpy(dtype=bool)

    def called(self, who: object) -> str:
        """Return what somebody is called, escaped."""
        return escape(self.names.get(str(who), str(who)), longest=_NAME)

    # ------------------------------------------------------------------ what is drawn
    def _lines(self, ends: np.ndarray, width: int, kind: bool) -> dict[str, Any]:
        gap = np.full((len(ends), 1), np.nan)
        x, y = (np.hstack([ends[:, :, axis], gap]).ravel() for axis in (0, 1))
        return {
            "type": "scatter", "mode": "lines", "hoverinfo": "skip", "showlegend": False,
            "x": _cells(x), "y": _cells(y), "opacity": 0.9 if kind else 0.75,
            "line": self._line(kind) | {"width": _WIDTHS[width] + 1.2 * kind},
        }  # fmt: skip

    def _line(self, kind: bool) -> dict[str, Any]:
        if kind:
            return {"color": style.OKABE_ITO[1], "dash": "solid"}
        return {"color": self.look.unknown, "dash": "dot" if self.asked else "solid"}

    def _legend(self) -> list[dict[str, Any]]:
        """Return entries without a place: what kinds of line there are, and how thick they are."""
        kinds = [(True, f"more than chance (q ≤ {self.max_q:g})"), (False, "chance may explain it")]
        entries = [(self._line(kind) | {"width": 3}, name) for kind, name in kinds if self.asked]
        entries += [
            ({"color": self.look.soft, "width": width}, name)
            for width, name in zip(_WIDTHS, self.weight.words(), strict=False)
        ]
        return [
            {"type": "scatter", "mode": "lines", "x": [None], "y": [None], "line": line,
             "name": name, "showlegend": True, "hoverinfo": "skip"}
            for line, name in entries
        ]  # fmt: skip

    def _handles(self, pairs: pd.DataFrame, ends: np.ndarray) -> dict[str, Any]:
        """Return what the mouse finds of the lines: plotly finds points only."""
        at = np.array(_HANDLES)[None, :, None]
        points = ends[:, :1] * (1 - at) + ends[:, 1:] * at
        hovers = [self.hover(row) for row in pairs.to_dict("records")]
        return {
            "type": "scatter", "mode": "markers", "name": HANDLES, "showlegend": False,
            "x": _cells(points[:, :, 0].ravel()), "y": _cells(points[:, :, 1].ravel()),
            "marker": {"size": 12, "opacity": 0, "color": self.look.unknown},
            "customdata": [row for row in range(len(pairs)) for _ in _HANDLES],
            "hovertext": [text for text in hovers for _ in _HANDLES],
            "hovertemplate": "%{hovertext}<extra></extra>",
        }  # fmt: skip

    def _ring(
        self, places: Mapping[str, tuple[float, float]], chosen: Sequence[str]
    ) -> dict[str, Any]:
        at = [places[one] for one in chosen if one in places]
        return {
            "type": "scatter", "mode": "markers", "name": RING, "showlegend": False,
            "x": [x for x, _ in at], "y": [y for _, y in at], "hoverinfo": "skip",
            "marker": {"size": 25, "symbol": "circle-open", "color": self.look.ink,
                       "line": {"width": 2.5, "color": self.look.ink}},
        }  # fmt: skip

    def _people(
        self,
        pairs: pd.DataFrame,
        places: Mapping[str, tuple[float, float]],
        chosen: Sequence[str],
    ) -> dict[str, Any]:
        ends = pd.concat([pairs["a"], pairs["b"]])
        lines = ends.value_counts()
        who = sorted(lines.index.tolist())
        many = lines.reindex(who).to_numpy("int64")
        more = ends[np.tile(self.meant(pairs), 2)].value_counts()
        size = (9 + 2.6 * np.sqrt(many)).round(1)
        at = np.array([places[one] for one in who])
        beside = self._beside(who, many, at, size, chosen, {*more.index})
        return {
            "type": "scatter", "mode": "markers+text", "name": PEOPLE, "showlegend": False,
            "x": [places[one][0] for one in who], "y": [places[one][1] for one in who],
            "marker": {
                "size": size.tolist(), "opacity": 1,
                "color": [identity_colour(one) for one in who],
                "line": {"color": self.look.paper, "width": 1.5},
            },
            "text": [self.called(one) if beside[one] else "" for one in who],
            "textposition": [beside[one] or "top center" for one in who],
            "textfont": {"size": 11, "color": self.look.ink, "shadow": self.look.halo},
            "customdata": who, "cliponaxis": False,
            "hovertext": [
                self._person(one, int(n), int(more.get(one, 0)))
                for one, n in zip(who, many, strict=True)
            ],
            "hovertemplate": "%{hovertext}<extra></extra>",
        }  # fmt: skip

    def _beside(
        self,
        who: list[str],
        many: np.ndarray,
        at: np.ndarray,
        size: np.ndarray,
        chosen: Sequence[str],
        meant: set[str],
    ) -> dict[str, str]:
        """Return where the name of each stands, "" where there is no room for it.

        Those chosen first, wherever they cover least; then those `meant` (of a pair that is more
        than chance), then those of most lines.
        """
        # Labels may reach over the ends of an axis, to where its numbers stand: here are none.
        labels = Labels(
            1.0, [42 - _EDGE_PX[0], WIDE_PX + _EDGE_PX[0] - 18],
            [10 - _EDGE_PX[1], HIGH_PX + _EDGE_PX[1] - 10],
        )  # fmt: skip
        for point, wide in zip(at, size, strict=True):
            labels.block(point, float(wide) / 2)
        first = sorted(
            range(len(who)),
            key=lambda n: (who[n] not in chosen, who[n] not in meant, -many[n], who[n]),
        )
        found = {}
        for n in first:
            name = self.names.get(who[n], who[n])[:_NAME]
            found[who[n]] = labels.beside(
                float(at[n, 0]), float(at[n, 1]), name, "top center",
                radius_px=float(size[n]) / 2, always=who[n] in chosen,
            )  # fmt: skip
        return found

    # ------------------------------------------------------------------ what is said
    def hover(self, row: Mapping[Any, Any]) -> str:
        """Return what is known of a pair, as HTML."""
        one, two = self.called(row["a"]), self.called(row["b"])
        ids = f"{escape(row['a'])} & {escape(row['b'])}"
        lines = [f"<b>{one} & {two}</b>", *([ids] if ids != f"{one} & {two}" else [])]
        lines.append(
            f"together {plural(int(row['count']), 'time')}{at_cameras(row['cameras'])} on "
            f"{plural(int(row['days']), 'day')}"
        )
        if pd.notna(row["overlap_s"]):
            lines.append(at_once(row["overlap_s"]))
        if pd.notna(row["q"]):
            q = chance_words("q", row["q"])
            lines.append(f"{row['expected']:.1f} expected by chance; {q}")
        return "<br>".join(lines)

    def _person(self, who: str, many: int, more: int) -> str:
        name = self.called(who)
        lines = [f"<b>{name}</b>", *([escape(who)] if escape(who) != name else [])]
        lines.append(f"{plural(many, 'companion')} drawn")
        if self.asked:
            lines[-1] += f", {more:,} more than chance"
        if who in self.groups:
            lines.append(f"group {self.groups[who] + 1}")
        return "<br>".join(lines)

    def empty(self, pairs: pd.DataFrame) -> list[dict[str, Any]]:
        """Return what stands where nothing can be drawn."""
        if len(pairs):
            return []
        words = "No pair is left in what was asked about."
        return [{"text": words, "xref": "paper", "yref": "paper", "x": 0.5, "y": 0.5,
                 "showarrow": False, "font": {"size": 15, "color": self.look.soft}}]  # fmt: skip


def at_once(overlap_s: float) -> str:
    """Return for how long two were there at once, in words.

    Examples
    --------
    >>> at_once(70), at_once(0)
    ('1 min 10 s at the same time', 'never at the same time')
    """
    return f"{duration(overlap_s)} at the same time" if overlap_s > 0 else "never at the same time"


def network_layout(look: Theme, heading: str = "", subtitle: str = "") -> dict[str, Any]:
    """Return the layout of a network; without a heading there is no room for one."""
    top = _TOP_PX + 15 * subtitle.count("<br>") if heading else 8
    high = round(HIGH_PX + 2 * _EDGE_PX[1]) + top + _BOTTOM_PX
    blank = {"visible": False, "showgrid": False}
    return {
        "template": look.template,
        "height": high,
        "title": {
            "text": escape(heading), "subtitle": {"text": subtitle},
            "y": 1, "yanchor": "top", "yref": "container", "pad": {"l": 16, "t": 14},
        },
        "margin": {"l": 12, "r": 12, "t": top, "b": _BOTTOM_PX},
        "xaxis": blank | {"range": [-_EDGE_PX[0], WIDE_PX + _EDGE_PX[0]]},
        "yaxis": blank | {"range": [-_EDGE_PX[1], HIGH_PX + _EDGE_PX[1]]},
        "legend": {
            "orientation": "h", "x": 0, "y": 8 / high, "yref": "container",
            "yanchor": "bottom", "itemclick": False, "itemdoubleclick": False,
        },
        "dragmode": "pan", "clickmode": "event", "uirevision": "network",
    }  # fmt: skip


def said(drawn: pd.DataFrame, of: int, which: str, asked: bool, max_q: float) -> str:
    """Return how much of what there is stands in the picture."""
    people = len({*drawn["a"], *drawn["b"]})
    parts = [f"{plural(len(drawn), 'pair')}"]
    if of > len(drawn):
        parts[0] += f" of {of:,}, those {escape(which)}" if which else f" of {of:,}"
    parts.append(f"{people:,} people")
    if asked:
        more = int((drawn["q"] <= max_q).sum())
        parts.append(f"{more:,} more than chance")
    colours = ["a colour is of one identity, not of a group"] if people else []
    return wrapped([*parts, *colours])


def _cells(values: np.ndarray) -> list[float | None]:
    return [None if np.isnan(one) else round(float(one), 4) for one in values]
