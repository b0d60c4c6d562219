"""Who met whom, as a symmetric heat map: identities in the order of their groups."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from workbench.errors import InvalidInputError
from workbench.views import style
from workbench.views.charts.against_chance import (
    COUNTED,
    Method,
    chance_words,
    counted_words,
    met_words,
)
from workbench.views.charts.chart import plural, words_px, wrapped
from workbench.views.charts.flow_matrix import side_by_side
from workbench.views.style import Theme, ThemeName, duration, escape

Value = Literal["count", "overlap_s"]
_NAME = 20
_CELL_PX, _LEAST_PX = 30, 12
_WIDE_PX = 480  # of the cells, in a narrow window
_NAMED_BELOW = 40  # most identities whose names stand below the columns too
_BAR_PX, _ABOVE_PX = 220, 20  # the colour bar, and what is between it and the cells
_GROUP_HEAD = "<i>group · people</i>"
_SECONDS = (1, 10, 60, 600, 3600, 36_000, 360_000, 3_600_000)


def pair_matrix(
    pairs: pd.DataFrame,
    *,
    groups: Mapping[str, int],
    names: Mapping[str, str] | None = None,
    value: Value = "count",
    method: Method = "encounters",
    max_q: float = 0.05,
    most: int = 60,
    title: str | None = None,
    theme: ThemeName = "light",
) -> go.Figure:
    """Return the heat map of who met whom, people of one group side by side.

    Inside a group those who meet much are neighbours (the order of the second eigenvector of the
    graph's Laplacian). The colour grows with the logarithm of `value`; blank is who never met. A
    pair that is more than chance (q of at most `max_q`) is framed.

    Parameters
    ----------
    pairs : DataFrame
        ``a, b, count, overlap_s, cameras, days, expected, q``, a pair once; the last two missing
        where chance was not asked about.
    groups : mapping of str to int
        Number of the group of each identity, 0 for the largest; who is not in it comes last.
    names : mapping of str to str, optional
        What identities are called.
    value : {'count', 'overlap_s'}
        What is coloured: encounters, or the seconds both were there (less than one counts as one).
    method : {'encounters', 'pairs'}
        What `count` counts: encounters, or pairs of sightings, which have no `overlap_s`.
    max_q : float
    most : int
        Most identities that are drawn: those of framed pairs first, then by encounters.
    title : str, optional
    theme : {'light', 'dark'}

    Raises
    ------
    InvalidInputError
        When `value` or `most` cannot be used.

    References
    ----------
    M. Fiedler, "A property of eigenvectors of nonnegative symmetric matrices and its application
    to graph theory", 1975.
    """
    _check(value, most, method)
    look = style.theme(theme)
    drawn = _Drawn.of(pairs, groups, names or {}, method, max_q, most)
    figure = go.Figure()
    if drawn.order:
        figure.add_trace(_cells(drawn, value, look))
        figure.add_traces(_frames(drawn, max_q, look))
    heading = "Who met whom" if title is None else title
    figure.update_layout(_layout(drawn, heading, _said(drawn, pairs, max_q), look))
    if drawn.order:
        # Held against the picture: plotly moves the title of one whose bar hangs on the cells.
        room = (figure.layout.margin.t - _ABOVE_PX) / figure.layout.height
        figure.update_traces(colorbar={"y": 1 - room}, selector={"type": "heatmap"})
    notes = [*_unit(drawn, value, look), *_group_names(drawn, look)]
    figure.update_layout(shapes=_lines(drawn, look), annotations=notes)
    return figure


def _check(value: str, most: object, method: str) -> None:
    if value not in get_args(Value):
        raise InvalidInputError(
            f"There is no value {value!r:.100} to colour.",
            where="value",
            next="Colour 'count' or 'overlap_s'.",
        )
    if (value, method) == ("overlap_s", "pairs"):
        raise InvalidInputError(
            "Sightings have no length: pairs of them do not overlap.",
            where="value",
            next="Colour 'count', or count encounters.",
        )
    if not isinstance(most, int) or most < 2:
        raise InvalidInputError(
            f"{most!r:.100} is not a number of people to draw.",
            where="most",
            next="Give a whole number of at least 2.",
        )


@dataclass(frozen=True, slots=True)
class _Drawn:
    """The identities in order, those of their pairs that are drawn, and how many there are in all.

    ``at`` are row and column of each pair, ``framed`` whether it is more than chance; ``blocks``
    are the groups: name, first row, and the row after the last.
    """

    order: list[str]
    pairs: pd.DataFrame
    at: np.ndarray
    framed: np.ndarray
    blocks: list[tuple[str, int, int]]
    names: Mapping[str, str]
    method: Method
    people: int

    @classmethod
    def of(
        cls,
        pairs: pd.DataFrame,
        groups: Mapping[str, int],
        names: Mapping[str, str],
        method: Method,
        max_q: float,
        most: int,
    ) -> _Drawn:
        """Return what is drawn of these pairs."""
        ranked = _ranked(pairs, max_q)
        chosen = ranked[:most]
        kept = pairs[pairs["a"].isin(chosen) & pairs["b"].isin(chosen)].reset_index(drop=True)
        order = _ordered(chosen, kept, groups)
        place = {one: i for i, one in enumerate(order)}
        sides = [kept[side].map(place).to_numpy("int64") for side in ("a", "b")]
        framed = (kept["q"] <= max_q).fillna(False).to_numpy(dtype=bool)
        blocks = _blocks(order, groups, set(ranked))
        return cls(order, kept, np.column_stack(sides), framed, blocks, names, method, len(ranked))

    @property
    def cell_px(self) -> float:
        """Return the height of a cell."""
        return min(_CELL_PX, max(_LEAST_PX, _WIDE_PX / max(len(self.order), 1)))

    @property
    def small(self) -> bool:
        """Return whether the whole is no wider than a narrow window: then cells are squares."""
        return len(self.order) * _CELL_PX <= _WIDE_PX

    def unit(self, value: Value) -> str:
        """Return what the colours are."""
        return "time together" if value == "overlap_s" else COUNTED[self.method]

    def called(self) -> list[str]:
        """Return what the identities are called, escaped."""
        return [escape(self.names.get(one, one), longest=_NAME) for one in self.order]

    def square(self, values: np.ndarray, blank: object = np.nan) -> np.ndarray:
        """Return values of the pairs as a symmetric matrix, `blank` where two never met."""
        matrix = np.full((len(self.order), len(self.order)), blank, dtype=values.dtype)
        one, two = self.at.T
        matrix[one, two] = matrix[two, one] = values
        return matrix


def _ranked(pairs: pd.DataFrame, max_q: float) -> list[str]:
    """Return everybody who met somebody: those of framed pairs first, then by encounters, id."""
    sides = [
        pd.DataFrame({"id": pairs[side], "count": pairs["count"], "meant": pairs["q"] <= max_q})
        for side in ("a", "b")
    ]
    people = pd.concat(sides).groupby("id", observed=True).agg({"count": "sum", "meant": "max"})
    people = people.reset_index().sort_values(
        ["meant", "count", "id"], ascending=[False, False, True], kind="stable"
    )
    return [str(one) for one in people["id"]]


def _ordered(chosen: list[str], pairs: pd.DataFrame, groups: Mapping[str, int]) -> list[str]:
    """Return identities by group, inside one so that those who meet much are neighbours."""
    ids = sorted(chosen)
    at = {one: i for i, one in enumerate(ids)}
    weight = np.zeros((len(ids), len(ids)))
    one, two = (pairs[side].map(at).to_numpy("int64") for side in ("a", "b"))
    weight[one, two] = weight[two, one] = np.log1p(pairs["count"].to_numpy("float64"))
    group = np.array([groups.get(one, np.inf) for one in ids], dtype="float64")
    order: list[int] = []
    for number in np.unique(group):
        members = np.flatnonzero(group == number)
        order += members[side_by_side(weight[np.ix_(members, members)])].tolist()
    return [ids[i] for i in order]


def _blocks(
    order: list[str], groups: Mapping[str, int], met: set[str]
) -> list[tuple[str, int, int]]:
    """Return the groups in order: what each is called, its first row, the row after its last."""
    numbers = [groups.get(one) for one in order]
    if not any(number is not None for number in numbers):
        return []
    size = Counter(groups.get(one) for one in met)
    blocks = []
    for number, here in Counter(numbers).items():  # in order of the rows: a group is together
        first = numbers.index(number)
        of = f"{here:,}" if here == size[number] else f"{here:,} of {size[number]:,}"
        called = "no group" if number is None else f"group {number + 1}"
        blocks.append((f"{called} · {of}", first, first + here))
    return blocks


def _cells(drawn: _Drawn, value: Value, look: Theme) -> go.Heatmap:
    amount = drawn.pairs[value].to_numpy("float64")
    most = max(float(amount.max(initial=1)), 1.0)
    ticks, texts = _ticks(value, most)
    told = ["<br>".join(_hover(row, drawn)) for row in drawn.pairs.to_dict("records")]
    places = list(range(len(drawn.order)))
    return go.Heatmap(
        # Nothing is less than one here: an encounter of no second counts as one of a second.
        z=np.log10(np.maximum(drawn.square(amount), 1)).round(4).tolist(),
        x=places, y=places, xgap=1, ygap=1,
        zmin=0.0, zmax=max(math.log10(most), 1e-9),
        # The first colours of the scale are lost on a dark surface.
        colorscale=style.colour_scale(style.VIRIDIS[2 if look.name == "dark" else 0 :]),
        hovertext=drawn.square(np.array(told, dtype=object), blank="").tolist(),
        hovertemplate="%{hovertext}<extra></extra>",
        hoverongaps=False,
        name=drawn.unit(value),
        colorbar={
            "orientation": "h", "thickness": 10, "outlinewidth": 0,
            "tickvals": np.log10(ticks).round(4).tolist(), "ticktext": texts, "ticklen": 3,
            "tickfont": {"size": 11, "color": look.soft},
            "len": _BAR_PX, "lenmode": "pixels", "x": 0, "xanchor": "left", "xpad": 0,
            "yref": "container", "yanchor": "bottom", "ypad": 0,
        },
    )  # fmt: skip


def _ticks(value: Value, most: float) -> tuple[list[float], list[str]]:
    """Return the ticks of the colour bar: powers of ten, or usual lengths of time."""
    if value == "overlap_s":
        seconds = [float(one) for one in _SECONDS if one <= most]
        return seconds, ["≤ 1 s", *(duration(one) for one in seconds[1:])]
    ticks = [10.0**n for n in range(int(math.log10(most)) + 1)]
    ticks += [most] if most > 2 * ticks[-1] else []
    return ticks, [f"{tick:,.0f}" for tick in ticks]


def _hover(row: Mapping[Any, Any], drawn: _Drawn) -> list[str]:
    lines = met_words(row, drawn.names, drawn.method)
    if pd.notna(row["overlap_s"]):
        lines.append(f"both there for {duration(float(row['overlap_s']))}")
    if pd.notna(row["q"]):
        lines.append(f"by chance {row['expected']:.1f}; {chance_words('q', row['q'])}")
    return lines


def _frames(drawn: _Drawn, max_q: float, look: Theme) -> list[go.Scatter]:
    """Return the frames of what is more than chance, ink on paper, and their word in the legend."""
    cells = drawn.at[drawn.framed]
    if not len(cells):
        return []
    x = np.array([-0.46, 0.46, 0.46, -0.46, -0.46, np.nan])
    y = np.array([-0.44, -0.44, 0.44, 0.44, -0.44, np.nan])
    row, column = np.concatenate([cells, cells[:, ::-1]]).T
    xs, ys = np.add.outer(column, x).ravel(), np.add.outer(row, y).ravel()
    wide, thin = (4.5, 2.0) if drawn.cell_px > 18 else (3.0, 1.5)
    frames = [
        go.Scatter(
            x=xs.tolist(), y=ys.tolist(), mode="lines", hoverinfo="skip",
            line={"color": colour, "width": width}, showlegend=False, cliponaxis=False,
        )
        for colour, width in ((look.paper, wide), (look.ink, thin))
    ]  # fmt: skip
    symbol = {"symbol": "square-open", "size": 13, "color": look.ink, "line": {"width": 2}}
    return [
        *frames,
        go.Scatter(
            x=[None], y=[None], mode="markers", marker=symbol, showlegend=True, hoverinfo="skip",
            name=f"more than chance (q ≤ {max_q:g})",
        ),
    ]  # fmt: skip


def _lines(drawn: _Drawn, look: Theme) -> list[dict[str, Any]]:
    """Return the diagonal and the lines between groups."""
    low, high = -0.5, len(drawn.order) - 0.5
    starts = [first - 0.5 for _, first, _ in drawn.blocks if first]
    ends = [(low, high, low, high)] if drawn.order else []
    ends += [end for at in starts for end in ((low, high, at, at), (at, at, low, high))]
    return [
        {
            "type": "line", "x0": x0, "x1": x1, "y0": y0, "y1": y1,
            "layer": "above" if i else "below", "opacity": 0.7 if i else 1.0,
            "line": {"color": look.unknown if i else look.grid, "width": 1},
        }
        for i, (x0, x1, y0, y1) in enumerate(ends)
    ]  # fmt: skip


def _unit(drawn: _Drawn, value: Value, look: Theme) -> list[dict[str, Any]]:
    """Return what the colours are, beside their bar."""
    beside = {"x": 0, "xref": "paper", "xanchor": "left", "xshift": _BAR_PX + 10}
    above = {"y": 1, "yref": "paper", "yanchor": "bottom", "yshift": _ABOVE_PX + 14}
    font = {"size": 12, "color": look.soft}
    note = beside | above | {"text": drawn.unit(value), "showarrow": False, "font": font}
    return [note] if drawn.order else []


def _group_names(drawn: _Drawn, look: Theme) -> list[dict[str, Any]]:
    """Return what stands beside each group, and above them what that is."""
    size = min(11, round(drawn.cell_px) - 1)
    notes = [(called, (first + end - 1) / 2, "middle") for called, first, end in drawn.blocks]
    if notes:
        notes.insert(0, (_GROUP_HEAD, -0.5, "bottom"))
    return [
        {
            "x": len(drawn.order) - 0.5, "y": y, "text": text, "showarrow": False,
            "xanchor": "left", "yanchor": anchor, "xshift": 5,
            "font": {"size": size, "color": look.soft},
        }
        for text, y, anchor in notes
    ]  # fmt: skip


def _said(drawn: _Drawn, pairs: pd.DataFrame, max_q: float) -> str:
    if pairs.empty:
        return "nobody was with anybody: no two were at one place within the window"
    n, met = len(drawn.order), len(drawn.pairs)
    if n == drawn.people:
        count = int(drawn.pairs["count"].sum())
        parts = [f"{plural(met, 'pair')} of {n:,} people, {counted_words(count, drawn.method)}"]
    else:
        first = "framed pairs first, then " if drawn.framed.any() else ""
        parts = [
            f"drawn: {n:,} of {drawn.people:,} people ({first}most encounters)",
            f"{met:,} of {plural(len(pairs), 'pair')}",
            "for the others: ask for fewer people, or set min_days=, min_overlap_s=",
        ]
    if pairs["q"].notna().any():
        framed, meant = int(drawn.framed.sum()), int((pairs["q"] <= max_q).sum())
        of = "none" if not meant else f"{framed:,}" + (f" of {meant:,}" if framed < meant else "")
        parts.append(f"{of} more than chance (q ≤ {max_q:g})")
    else:
        parts.append("whether it is chance was not asked")
    return wrapped([*parts, "blank: never together"])


def _layout(drawn: _Drawn, heading: str, said: str, look: Theme) -> dict[str, Any]:
    n = max(len(drawn.order), 1)
    legend = 24 if drawn.framed.any() else 0
    top = 66 + 15 * (said.count("<br>") + 1) + (50 if drawn.order else 0)
    named = n <= _NAMED_BELOW
    below = max((words_px(one) for one in drawn.called() if named), default=0)
    beside = max(words_px(one) for one in (_GROUP_HEAD, *(block[0] for block in drawn.blocks)))
    axis: dict[str, Any] = {
        "tickvals": list(range(len(drawn.order))),
        "ticktext": drawn.called(),
        "tickfont": {"size": min(11, round(drawn.cell_px) - 2), "color": look.soft},
        "showgrid": False,
        "ticks": "",
        "showline": True,
        "mirror": True,
        "visible": bool(drawn.order),
        "constrain": "domain",
    }
    across = {"range": [-0.5, n - 0.5], "tickangle": -90, "showticklabels": named}
    down = {"range": [n - 0.5, -0.5], "ticklabelstandoff": 4}
    return {
        "template": look.template,
        "height": round(drawn.cell_px * n + below) + top + 40 + legend,
        "title": {
            "text": escape(heading), "subtitle": {"text": said},
            "yref": "container", "y": 1.0, "yanchor": "top", "pad": {"l": 16, "t": 14},
        },
        "margin": {"l": 30, "r": beside + 12 if drawn.blocks else 20, "t": top, "b": 30 + legend},
        "xaxis": axis | across | {"constraintoward": "left"},
        "yaxis": axis | down | {"constraintoward": "top"}
        | ({"scaleanchor": "x"} if drawn.small else {}),
        "legend": {
            "orientation": "h", "x": 0, "y": 0, "yref": "container", "yanchor": "bottom",
            "itemclick": False, "itemdoubleclick": False,
        },
        "uirevision": "pair_matrix",
    }  # fmt: skip
