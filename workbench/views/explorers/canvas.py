"""The two kinds of canvas a projection is drawn on: plotly, and beyond 50,000 points our WebGL.

Both are drawn, marked and listened to alike; positions are rows of the points given.
"""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import Any, Protocol

import ipywidgets as W
import numpy as np
import plotly.graph_objects as go

from workbench.views.charts.point_colours import PointColours
from workbench.views.charts.projection import MANY, POINT_PX, SMALL_PX
from workbench.views.charts.projection import MOST as MOST
from workbench.views.explorers.fitting import Drawing
from workbench.views.explorers.point_cloud import Mark, PointCloud
from workbench.views.style import Theme

Positions = np.ndarray
HEIGHT = 540
_NOTHING = np.empty(0, dtype="int64")
_BASE, _NEAR, _ASKED = range(3)


class Canvas(Protocol):
    """Points that are drawn, marked, clicked and lassoed."""

    widget: W.Widget
    symbols: bool
    """Whether classes differ by their marks too."""

    def draw(self, shown: np.ndarray, colours: PointColours) -> None:
        """Draw the points where `shown` is true in these colours."""

    def mark(self, asked: Positions, near: Positions) -> None:
        """Put rings around what was asked for, and around what is near it."""

    def select(self, chosen: Positions) -> None:
        """Show these as chosen; none of them is chosen where it is empty."""

    def on_click(self, fn: Callable[[int], None]) -> None:
        """Call `fn(position)` when a point is clicked."""

    def on_select(self, fn: Callable[[Positions], None]) -> None:
        """Call `fn(positions)` when a lasso or box was drawn or taken away."""


def canvas(
    x: np.ndarray,
    y: np.ndarray,
    hovers: np.ndarray,
    *,
    axes: dict[str, Any],
    look: Theme,
    most: int = MOST,
) -> Canvas:
    """Return the canvas for so many points.

    Parameters
    ----------
    x, y : array of float
    hovers : array of str
        What the mouse says over each, escaped.
    axes : dict
        ``xaxis`` and ``yaxis`` of a plotly layout.
    look : Theme
    most : int
        Beyond so many points it is that of WebGL.
    """
    kind = PlotlyCanvas if len(x) <= most else CloudCanvas
    return kind(x, y, hovers, axes=axes, look=look)


class PlotlyCanvas:
    """Up to 50,000 points: one trace of points, and two of rings around some."""

    symbols = True
    _outlined = False

    def __init__(
        self, x: np.ndarray, y: np.ndarray, hovers: np.ndarray, *, axes: dict[str, Any], look: Theme
    ) -> None:
        self._x, self._y, self._hovers = x, y, hovers
        self._drawn = _NOTHING
        self._told_click: list[Callable[[int], None]] = []
        self._told_select: list[Callable[[Positions], None]] = []
        self.figure = Drawing(_empty(axes, look, len(x)))
        points = self.figure.data[_BASE]
        points.on_click(self._clicked)
        points.on_selection(self._selected)
        points.on_deselect(lambda *_: self._chosen(_NOTHING))
        self.widget = self.figure.boxed("points")

    def draw(self, shown: np.ndarray, colours: PointColours) -> None:
        """Draw the points where `shown` is true in these colours."""
        self._drawn = colours.order[shown[colours.order]]
        codes, symbols = colours.codes[self._drawn], np.array(colours.symbols, dtype=object)
        count = len(colours.palette)
        # The base trace alone: rings stay where they are.
        with self.figure.batch_update():
            points = self.figure.data[_BASE]
            points.x, points.y = self._x[self._drawn], self._y[self._drawn]
            points.hovertext = self._hovers[self._drawn].tolist()
            points.selectedpoints = None
            points.marker.colorscale = [
                [(n + side) / count, colour]
                for n, colour in enumerate(colours.palette)
                for side in (0, 1)
            ]
            points.marker.cmin, points.marker.cmax = -0.5, count - 0.5
            points.marker.color = codes.astype("float32")
            points.marker.symbol = symbols[codes].tolist()

    def mark(self, asked: Positions, near: Positions) -> None:
        """Put rings around what was asked for, and around what is near it."""
        with self.figure.batch_update():
            for number, some in ((_NEAR, near), (_ASKED, asked)):
                rings = self.figure.data[number]
                rings.x, rings.y = self._x[some], self._y[some]
            self.figure.data[_ASKED].marker.size = 20 if len(asked) == 1 else 9

    def select(self, chosen: Positions) -> None:
        """Show these as chosen; none of them is chosen where it is empty."""
        places = np.flatnonzero(np.isin(self._drawn, chosen)).tolist()
        if self._outlined and not len(chosen):
            # The outline is the browser's own: this figure knows of none that it could take away.
            self._outlined = False
            self.figure.plotly_relayout({"selections": []})
        self.figure.data[_BASE].selectedpoints = places if len(chosen) else None

    def on_click(self, fn: Callable[[int], None]) -> None:
        """Call `fn(position)` when a point is clicked."""
        self._told_click.append(fn)

    def on_select(self, fn: Callable[[Positions], None]) -> None:
        """Call `fn(positions)` when a lasso or box was drawn or taken away."""
        self._told_select.append(fn)

    def _clicked(self, _: object, points: Any, __: object) -> None:
        inside = [at for at in points.point_inds if at < len(self._drawn)]
        for fn in self._told_click if inside else ():
            fn(int(self._drawn[inside[0]]))

    def _selected(self, _: object, points: Any, __: object) -> None:
        self._outlined = True
        places = np.asarray(points.point_inds, dtype="int64")
        self._chosen(np.sort(self._drawn[places[places < len(self._drawn)]]))

    def _chosen(self, positions: Positions) -> None:
        for fn in self._told_select:
            fn(positions)


def _empty(axes: dict[str, Any], look: Theme, n: int) -> go.Figure:
    """Return the figure before anything is drawn: points, rings of the near, ring of the asked."""
    size = POINT_PX if n <= MANY else SMALL_PX
    points = go.Scattergl(
        mode="markers",
        name="vectors",
        marker={"size": size, "opacity": 0.85, "showscale": False},
        unselected={"marker": {"opacity": 0.12}},
        hovertemplate="%{hovertext}<extra></extra>",
    )
    rings = [
        # WebGL too: what is SVG lies below it.
        go.Scattergl(
            x=[], y=[], mode="markers", name=name, hoverinfo="skip",
            marker={"symbol": symbol, "size": px, "color": look.ink, "opacity": 1,
                    "line": {"width": wide, "color": look.ink}},
            unselected={"marker": {"opacity": 1}},
        )
        for name, symbol, px, wide in (
            ("near", "circle-open", 13, 1.8), ("asked", "diamond-open", 20, 2.6),
        )
    ]  # fmt: skip
    return go.Figure(
        [points, *rings],
        {
            "template": look.template,
            "showlegend": False,
            "height": HEIGHT,
            "margin": {"l": 60, "r": 12, "t": 34, "b": 48},
            "dragmode": "lasso",
            "clickmode": "event",
            # What was zoomed in on stays so when colours change.
            "uirevision": "kept",
            # The template takes lasso and box away, which belong here.
            "modebar": {"remove": ["sendChartToCloud", "sendDataToCloud"], "orientation": "h"},
            **axes,
        },
    )


class CloudCanvas:
    """Beyond 50,000 points: our own WebGL."""

    symbols = False

    def __init__(
        self, x: np.ndarray, y: np.ndarray, hovers: np.ndarray, *, axes: dict[str, Any], look: Theme
    ) -> None:
        self._x, self._y, self._look = x, y, look
        said = {name: axes[f"{name}axis"]["title"]["text"] for name in "xy"}
        self.cloud = PointCloud(
            x,
            y,
            height=HEIGHT,
            theme=look.name,
            equal_axes="scaleanchor" in axes["yaxis"],
            x_title=said["x"],
            y_title=said["y"],
            hover=lambda at: _plain(hovers[at]),
        )
        self.cloud.tool = "lasso"
        self.widget = self.cloud

    def draw(self, shown: np.ndarray, colours: PointColours) -> None:
        """Draw the points where `shown` is true in these colours."""
        self.cloud.colour_by(codes=colours.codes, palette=colours.palette)
        self.cloud.show(None if shown.all() else shown)

    def mark(self, asked: Positions, near: Positions) -> None:
        """Put marks on what was asked for, and on what is near it."""
        ink = self._look.ink
        # Alone it is larger than the ring that the browser puts around what was clicked.
        wide = 18 if len(asked) == 1 else 8
        rings = [
            Mark(self._x[near], self._y[near], symbol="circle", width=7, colour=ink),
            Mark(self._x[asked], self._y[asked], symbol="diamond", width=wide, colour=ink),
        ]
        self.cloud.marks = [
            ring for ring, some in zip(rings, (near, asked), strict=True) if len(some)
        ]

    def select(self, chosen: Positions) -> None:
        """Show these as chosen; none of them is chosen where it is empty."""
        if not np.array_equal(self.cloud.selected(), chosen):
            self.cloud.select(chosen)

    def on_click(self, fn: Callable[[int], None]) -> None:
        """Call `fn(position)` when a point is clicked."""
        self.cloud.on_click(fn)

    def on_select(self, fn: Callable[[Positions], None]) -> None:
        """Call `fn(positions)` when a lasso or box was drawn or taken away."""
        self.cloud.on_select(fn)


def _plain(hover: str) -> str:
    """Return an escaped hover as plain lines: what it goes to writes text, not HTML."""
    lines = hover.replace("<b>", "").replace("</b>", "").split("<br>")
    return "\n".join(html.unescape(line) for line in lines)
