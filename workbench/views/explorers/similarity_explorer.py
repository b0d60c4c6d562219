"""The vectors of a space to play with: points, their neighbours, and what a lasso holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from zoneinfo import ZoneInfo

import ipywidgets as W
import numpy as np
import pandas as pd

from workbench.errors import WorkbenchError
from workbench.views.charts.point_colours import (
    Called,
    PointColours,
    choices,
    hovers,
    point_colours,
    quality_of,
)
from workbench.views.charts.projection import axes, title
from workbench.views.explorers.canvas import MOST, canvas
from workbench.views.explorers.fitting import Fitting
from workbench.views.explorers.neighbour_panel import Crop, NeighbourPanel, Standing
from workbench.views.style import VIRIDIS, ThemeName, escape, plain
from workbench.views.style import theme as theme_of

Neighbours = Callable[[str, int], pd.DataFrame]
"""Hits for the id of an appearance or identity, and how many (``bench.similarity.like``)."""

_GLYPHS = {
    "circle": "●",
    "square": "■",
    "diamond": "◆",
    "triangle-up": "▲",
    "cross": "✚",
    "star": "★",
    "x": "✕",
}
_STEPS_S = (1, 10, 60, 300, 900, 1800, 3600, 3 * 3600, 6 * 3600, 12 * 3600, 86_400, 7 * 86_400)
_EDGES = 200
_NOTHING = np.empty(0, dtype="int64")


class SimilarityExplorer(W.VBox):
    """Vectors as points, to be clicked, lassoed, filtered and asked for.

    It takes tables and callables, and fetches nothing by itself.

    Parameters
    ----------
    points : DataFrame
        Columns of ``schema.SIGHTING``, and ``x``, ``y``.
    space : str
        The vector space.
    neighbours : callable
        ``neighbours(id, k)``: the nearest to an appearance or identity, as
        ``bench.similarity.like`` has them; an error of this package for an id that is not there.
    random : array of float
        Cosines of random pairs, ascending.
    standing : callable
        ``standing(cosine)``: where it stands among them, in words.
    crop : callable, optional
        ``crop(appearance_id)``: its picture as PNG or JPEG, or None.
    method, kept, model_id
        How the places were found, what share of the variance the axes keep, who made the vectors.
    colour : str
        What points are coloured by at first: ``identity``, ``camera``, ``time``, ``quality`` or a
        column of quality.
    names, cameras : mapping of str to str, optional
        Names of identities and cameras by id.
    display_tz : str
        Zone of the times shown.
    k : int
        How many neighbours are shown.
    theme : {'light', 'dark'}
    most : int
        Beyond so many points the canvas is that of WebGL.

    Raises
    ------
    InvalidInputError
        When the points cannot be coloured by that, or there is no such theme.
    """

    def __init__(
        self,
        points: pd.DataFrame,
        *,
        space: str,
        neighbours: Neighbours,
        random: np.ndarray,
        standing: Standing,
        crop: Crop | None = None,
        method: str = "pca",
        kept: tuple[float, float] | None = None,
        model_id: str | None = None,
        colour: str = "identity",
        names: Mapping[str, str] | None = None,
        cameras: Mapping[str, str] | None = None,
        display_tz: str = "UTC",
        k: int = 10,
        theme: ThemeName = "light",
        most: int = MOST,
    ) -> None:
        self._points = points.reset_index(drop=True)
        self._space, self._neighbours, self._k = space, neighbours, k
        self._theme, self._look = theme, theme_of(theme)
        self._called: Called = {
            "names": names or {}, "cameras": cameras or {}, "display_tz": display_tz,
        }  # fmt: skip
        self._us = self._points["timestamp"].to_numpy("datetime64[us]").astype("int64")
        self._position = {one: at for at, one in enumerate(self._points["id"].tolist())}
        self._clicked, self._chosen = _NOTHING, _NOTHING
        self._shown = np.ones(len(points), dtype=bool)
        self._panel = NeighbourPanel(
            space=space,
            random=random,
            standing=standing,
            crop=crop,
            look=self._look,
            **self._called,
        )
        said = title(len(points), len(points), space=space, method=method, model_id=model_id)
        first = quality_of(self._points, space) if colour == "quality" else colour
        self._colours = self._colouring(first)
        self._canvas = canvas(
            self._points["x"].to_numpy("float64"),
            self._points["y"].to_numpy("float64"),
            hovers(self._points, **self._called).to_numpy(object) if len(points) else _NOTHING,
            axes=axes(method, kept),
            look=self._look,
            most=most,
        )
        self._make_controls(first)
        super().__init__(self._composed(said))
        self.add_class("wb-similarity").add_class("wb-fitted")
        self._link()

    # ------------------------------------------------------------------ how it is put together
    def _make_controls(self, colour: str) -> None:
        there = choices(self._points) | ({colour: colour} if colour not in _KNOWN else {})
        self.colour = W.Dropdown(
            options=[(said, name) for name, said in there.items()], value=colour,
            description="colour",
        )  # fmt: skip
        self.camera = W.SelectMultiple(
            options=self._cameras(), rows=4, description="cameras",
            tooltip="none chosen: all of them",
        )  # fmt: skip
        self.time = self._time_slider()
        self.query = W.Text(
            placeholder="appearance or identity id", description="ask for",
            continuous_update=False,
        )  # fmt: skip
        self.reset = W.Button(description="show all", tooltip="no filter, no selection")
        self._count, self._legend, self._near = W.HTML(), W.HTML(), W.HTML()
        self._when = W.HTML()

    def _composed(self, said: Mapping[str, Any]) -> list[W.Widget]:
        head = W.HTML(
            f"{_OUTLINE}<div style='font-size:16px;line-height:1.3'><b>{said['text']}</b><br><span "
            f"style='font-size:12px;opacity:.8'>{said['subtitle']['text']}</span></div>"
        )
        named = {
            "title": head, "colour": self.colour, "camera": self.camera, "time": self.time,
            "query": self.query, "reset": self.reset, "count": self._count, "when": self._when,
            "legend": self._legend, "neighbours": self._near, "canvas": self._canvas.widget,
        }  # fmt: skip
        for name, widget in named.items():
            widget.add_class(f"wb-{name}")
        for name, px in _WIDE_PX.items():
            named[name].layout.width = f"{px}px"
        self._when.layout.margin = "2px 2px 2px 12px"  # a handle of the slider reaches over its end
        self._canvas.widget.layout.min_width = "0"
        self._near.layout = W.Layout(
            flex="1 1 385px", max_width="470px", max_height="700px", overflow="auto"
        )
        left = W.VBox([self._canvas.widget, self._legend, Fitting()])
        # In a narrow window the panel goes below the points.
        left.layout = W.Layout(flex="2 1 430px", min_width="0")
        both = W.HBox([left, self._near], layout=W.Layout(flex_flow="row wrap"))
        asked = W.VBox(
            [W.HBox([self.colour, self.query]), W.HBox([self.time, self._when, self.reset])]
        )
        above = W.HBox([asked, self.camera], layout=W.Layout(flex_flow="row wrap"))
        return [head, above, self._count, both]

    def _cameras(self) -> list[tuple[str, str]]:
        names = self._called["cameras"]
        there = sorted(self._points["camera_id"].dropna().unique().tolist())
        return [(plain(names.get(one) or one, longest=40), one) for one in there]

    def _time_slider(self) -> W.Widget:
        edges = _edges(self._us)
        local = pd.to_datetime(edges, unit="us", utc=True).tz_convert(
            ZoneInfo(self._called["display_tz"])
        )
        form = "%d %b %H:%M" if edges[-1] - edges[0] > 3600e6 else "%H:%M:%S"
        options = list(zip(local.strftime(form).tolist(), edges.tolist(), strict=True))
        return W.SelectionRangeSlider(
            options=options, index=(0, len(options) - 1), description="time",
            continuous_update=False, readout=False,
        )  # fmt: skip

    def _link(self) -> None:
        self.colour.observe(self._recolour, "value")
        self.camera.observe(self._filter, "value")
        self.time.observe(self._filter, "value")
        self.query.observe(lambda change: self.ask(change["new"]), "value")
        self.reset.on_click(lambda _: self.clear())
        self._canvas.on_click(self._click)
        self._canvas.on_select(self._choose)
        self._near.value = self._panel.empty()
        self._draw()

    # ------------------------------------------------------------------ what it tells
    def selection(self) -> pd.DataFrame:
        """Return what the lasso holds: columns of ``schema.SIGHTING``, and ``x``, ``y``."""
        return self._points.iloc[self._chosen].reset_index(drop=True)

    @property
    def clicked(self) -> pd.DataFrame:
        """Return the sighting that was clicked or asked for last, as a table of one row or none."""
        return self._points.iloc[self._clicked].reset_index(drop=True)

    @property
    def shown(self) -> pd.DataFrame:
        """Return what the filters leave."""
        return self._points[self._shown].reset_index(drop=True)

    def __repr__(self) -> str:
        return (
            f"SimilarityExplorer of {self._space}: {int(self._shown.sum())} of "
            f"{len(self._points)} vectors shown"
        )

    # ------------------------------------------------------------------ what happens
    def ask(self, key: str) -> None:
        """Show the neighbours of an appearance or identity; an id not there is said in words."""
        wanted = key.strip()
        if not wanted:
            self._say(_NOTHING, _NOTHING, self._panel.empty())
            return
        try:
            hits = self._neighbours(wanted, self._k)
        except WorkbenchError as error:
            self._say(_NOTHING, _NOTHING, self._panel.failed(error))
            return
        near = self._positions(hits["appearance_id"])
        if wanted in self._position:
            asked = np.array([self._position[wanted]])
            row = self._points.iloc[asked[0]].to_dict()
            self._say(asked, near, self._panel.of_appearance(row, hits))
            return
        hers = np.flatnonzero(
            (self._points["identity_id"] == wanted).to_numpy(bool, na_value=False)
        )
        self._say(hers, near, self._panel.of_identity(wanted, len(hers), hits))

    def clear(self) -> None:
        """Take filters and selection away."""
        self.camera.value = ()
        self.time.index = (0, len(self.time.options) - 1)
        self._choose(_NOTHING)
        self._canvas.select(_NOTHING)

    def _say(self, asked: np.ndarray, near: np.ndarray, words: str) -> None:
        self._clicked = asked if len(asked) == 1 else _NOTHING
        self._asked, self._close = asked, near
        self._near.value = words
        self._mark()

    _asked, _close = _NOTHING, _NOTHING

    def _mark(self) -> None:
        self._canvas.mark(*(some[self._shown[some]] for some in (self._asked, self._close)))

    def _positions(self, ids: pd.Series) -> np.ndarray:
        found = [self._position[one] for one in ids.tolist() if one in self._position]
        return np.array(found, dtype="int64")

    def _click(self, position: int) -> None:
        self.ask(str(self._points["id"].iloc[position]))

    def _choose(self, positions: np.ndarray) -> None:
        self._chosen = positions[self._shown[positions]]
        self._say_count()

    def _recolour(self, change: Mapping[str, Any]) -> None:
        self._colours = self._colouring(change["new"])
        self._draw()

    def _filter(self, _: object) -> None:
        shown = np.ones(len(self._points), dtype=bool)
        if self.camera.value:
            shown &= self._points["camera_id"].isin(self.camera.value).to_numpy(bool)
        start, end = self.time.value
        shown &= (self._us >= start) & (self._us < end)
        self._shown = shown
        self._chosen = self._chosen[shown[self._chosen]]
        self._draw()

    def _colouring(self, by: str) -> PointColours:
        return point_colours(self._points, by, space=self._space, theme=self._theme, **self._called)

    def _draw(self) -> None:
        self._canvas.draw(self._shown, self._colours)
        self._canvas.select(self._chosen)
        self._mark()
        self._legend.value = _legend(self._colours, symbols=self._canvas.symbols)
        self._say_count()

    def _say_count(self) -> None:
        hint = "draw a lasso to select" if not len(self._chosen) else "selected: .selection()"
        some = f"{len(self._chosen):,} " if len(self._chosen) else ""
        first, last = (self.time.options[at][0] for at in self.time.index)
        self._when.value = f"{first} – {last} {escape(self._called['display_tz'])}"
        self._count.value = (
            f"<b>{int(self._shown.sum()):,} of {len(self._points):,} shown</b> · {some}{hint}"
        )


_KNOWN = ("identity", "camera", "time")
# plotly's outline of a lasso would take every click, and the mouse, from the points inside.
_OUTLINE = "<style>.wb-similarity .selectionlayer path{pointer-events:none!important}</style>"
_WIDE_PX = {"colour": 230, "camera": 260, "query": 290, "time": 215, "when": 235, "reset": 76}


def _edges(us: np.ndarray) -> np.ndarray:
    """Return round moments around all of these, microseconds, at most some 200, at least two."""
    if not len(us):
        return np.array([0, 1_000_000])
    low, high = int(us.min()), int(us.max())
    step_s = next((s for s in _STEPS_S if (high - low) / 1e6 <= s * _EDGES), 0)
    step = round((step_s or max((high - low) / 1e6 / _EDGES, 1)) * 1e6)
    first = low // step * step
    return np.arange(first, high // step * step + step + 1, step, dtype="int64")


def _legend(colours: PointColours, *, symbols: bool) -> str:
    """Return what colours and marks mean, as HTML: entries, or a bar of viridis."""
    parts = []
    if colours.values is not None and colours.ticks:
        ends = [colours.ticks[0], colours.ticks[len(colours.ticks) // 2], colours.ticks[-1]]
        words = "".join(f"<span>{escape(word)}</span>" for _, word in dict(ends).items())
        parts.append(
            f"<div style='max-width:420px'><div style='height:10px;background:linear-gradient("
            f"to right,{','.join(VIRIDIS)})'></div><div style='display:flex;"
            f"justify-content:space-between'>{words}</div></div>"
        )
    for entry in colours.entries:
        glyph = _GLYPHS[colours.symbols[entry.code]] if symbols else "●"
        parts.append(
            f"<span style='white-space:nowrap;margin-right:14px'><span aria-hidden='true' "
            f"style='color:{colours.palette[entry.code]}'>{glyph}</span> {entry.label} "
            f"<span style='opacity:.7'>{entry.count:,}</span></span>"
        )
    asked, near = "◇○" if symbols else "◆●"
    rings = (
        f"<span style='white-space:nowrap'>{asked} asked for &nbsp; {near} its neighbours</span>"
    )
    return (
        "<div style='font-size:12px;line-height:1.55;white-space:normal'>"
        f"<b>{colours.title}</b><br>{' '.join(parts)} {rings}</div>"
    )
