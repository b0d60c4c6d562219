"""The flow as a heat map: from the camera of the row to that of the column."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from workbench.views import style
from workbench.views.charts.chart import column, plural, wrapped
from workbench.views.style import Theme, ThemeName, duration, escape

_WRITTEN = 24  # most cameras for which the counts stand in the cells
_CELL_PX, _LEAST_PX = 30, 12
_NAME = 24
_WIDE_PX = 560  # of the cells, in a narrow window


def flow_matrix(
    flow: pd.DataFrame,
    *,
    cameras: pd.DataFrame | None = None,
    learned: pd.DataFrame | None = None,
    adjacency: pd.DataFrame | None = None,
    title: str | None = None,
    theme: ThemeName = "light",
) -> go.Figure:
    """Return the heat map of moves: rows are where they begin, columns where they end.

    Cameras with many moves between them stand side by side (the order of the second eigenvector
    of the graph's Laplacian). The colour grows with the logarithm of the count, which stands in
    the cell; a pair without a move is blank. A cell on the diagonal says how often people left a
    camera and came back to it without being seen elsewhere.

    Parameters
    ----------
    flow : DataFrame
        ``from_camera, to_camera, transitions, median_s``.
    cameras : DataFrame, optional
        ``id, name``.
    learned : DataFrame, optional
        Ways to frame: ``from_camera, to_camera``, perhaps ``directed, expected, lift``.
    adjacency : DataFrame, optional
        Ways to mark with a dot: as in ``schema.ADJACENT_TO``.
    title : str, optional
    theme : {'light', 'dark'}

    References
    ----------
    M. Fiedler, "A property of eigenvectors of nonnegative symmetric matrices and its application
    to graph theory", 1975.
    """
    look = style.theme(theme)
    order = _order(flow, [learned, adjacency])
    names = column(cameras, "name")
    marked = _marked(order, learned, adjacency, names)
    figure = go.Figure()
    if len(order):
        figure.add_trace(_cells(flow, order, names, marked.told, look))
        figure.add_traces(_marks(marked, look))
    heading = "From camera to camera" if title is None else title
    said = _said(flow, learned, adjacency)
    row = 28 if learned is not None or marked.dots else 0
    figure.update_layout(_layout(order, names, heading, said, row, look))
    figure.update_layout(shapes=_frames(marked, look))
    return figure


@dataclass(frozen=True, slots=True)
class _Marked:
    """Cells, as (row, column), that are framed and dotted, and what the hover says of them."""

    frames: list[tuple[int, int]] | None
    dots: list[tuple[int, int]]
    told: dict[tuple[int, int], str]


def _marked(
    order: list[str],
    learned: pd.DataFrame | None,
    adjacency: pd.DataFrame | None,
    names: Mapping[str, str],
) -> _Marked:
    at = {camera: i for i, camera in enumerate(order)}

    def cells(ways: pd.DataFrame | None) -> dict[tuple[int, int], dict[Any, Any]]:
        rows = [] if ways is None else _both_ways(ways)
        return {(at[row["from_camera"]], at[row["to_camera"]]): row for row in rows}

    framed, dotted = cells(learned), cells(adjacency)
    told = {cell: _learned(row) for cell, row in framed.items()}
    for cell in dotted:
        told[cell] = told.get(cell, "") + "<br>neighbours in the store"
    return _Marked(None if learned is None else list(framed), list(dotted), told)


def _order(flow: pd.DataFrame, ways: Iterable[pd.DataFrame | None]) -> list[str]:
    """Return the cameras so that those with many moves between them are neighbours."""
    frames = [flow, *(frame for frame in ways if frame is not None)]
    ids = sorted({str(one) for frame in frames for end in ("from_camera", "to_camera")
                  for one in frame[end].dropna()})  # fmt: skip
    counts = np.nan_to_num(_square(flow, "transitions", ids))
    return [ids[i] for i in side_by_side(np.log1p(counts + counts.T))]


def side_by_side(weight: np.ndarray) -> np.ndarray:
    """Return an order in which those with much between them are neighbours; the first come early.

    That of the second eigenvector of the Laplacian of `weight`, a symmetric matrix.
    """
    if len(weight) < 3:
        return np.arange(len(weight))
    # A little of everything, so that parts with nothing between them have an order too.
    weight = weight + 1e-3
    np.fill_diagonal(weight, 0.0)
    second = np.linalg.eigh(np.diag(weight.sum(axis=1)) - weight)[1][:, 1].round(9)
    return np.argsort(-second if second[0] > 0 else second, kind="stable")


def _square(flow: pd.DataFrame, value: str, order: list[str]) -> np.ndarray:
    """Return a column as a matrix, missing where there was no move."""
    matrix = np.full((len(order), len(order)), np.nan)
    at = {camera: i for i, camera in enumerate(order)}
    rows = flow[flow["from_camera"].isin(order) & flow["to_camera"].isin(order)]
    one, two = (rows[end].map(at).to_numpy("int64") for end in ("from_camera", "to_camera"))
    matrix[one, two] = rows[value].to_numpy("float64")
    return matrix


def _cells(
    flow: pd.DataFrame,
    order: list[str],
    names: Mapping[str, str],
    told: Mapping[tuple[int, int], str],
    look: Theme,
) -> go.Heatmap:
    counts = _square(flow, "transitions", order)
    took = _square(flow, "median_s", order)
    shown = [_called(one, names) for one in order]
    hovers = [
        [
            _hover(shown[i], shown[j], counts[i, j], took[i, j]) + told.get((i, j), "")
            for j in range(len(order))
        ]
        for i in range(len(order))
    ]
    most = float(np.nanmax(counts)) if np.isfinite(counts).any() else 1.0
    ticks = [10**n for n in range(int(math.log10(most)) + 1)]
    ticks += [int(most)] if most > 2 * ticks[-1] else []
    written = len(order) <= _WRITTEN
    return go.Heatmap(
        z=np.log10(counts).tolist(),
        x=list(range(len(order))),
        y=list(range(len(order))),
        zmin=0.0,
        zmax=max(math.log10(most), 1e-9),
        colorscale=style.colour_scale(),
        text=[["" if np.isnan(cell) else f"{cell:.0f}" for cell in row] for row in counts],
        texttemplate="%{text}" if written else None,
        textfont={"size": 10},
        hovertext=hovers,
        hovertemplate="%{hovertext}<extra></extra>",
        hoverongaps=False,
        xgap=1,
        ygap=1,
        name="moves",
        colorbar={
            "title": {"text": "moves", "font": {"size": 12, "color": look.soft}},
            "tickvals": [math.log10(tick) for tick in ticks],
            "ticktext": [f"{tick:,}" for tick in ticks],
            "thickness": 12,
            "outlinewidth": 0,
            "ticklen": 4,
            "tickfont": {"size": 11, "color": look.soft},
            "len": min(1.0, 0.35 + 3 / len(order)),
            "y": 1.0,
            "yanchor": "top",
        },
    )


def _called(camera: str, names: Mapping[str, str]) -> str:
    return escape(names.get(camera, camera), longest=_NAME)


def _hover(one: str, two: str, count: float, median_s: float) -> str:
    if np.isnan(count):
        return f"<b>{one} → {two}</b><br>nobody"
    moves = plural(int(count), "move")
    usual = "" if np.isnan(median_s) else f"<br>half of them within {duration(round(median_s, 1))}"
    if one == two:
        return f"<b>{one}</b><br>left and seen here again: {moves}{usual}"
    return f"<b>{one} → {two}</b><br>{moves}{usual}"


def _marks(marked: _Marked, look: Theme) -> list[go.Scatter]:
    """Return dots on the ways of the store, and what the legend says of the frames."""
    legend = {"showlegend": True, "hoverinfo": "skip", "mode": "markers"}
    marks = []
    if marked.frames is not None:
        marks.append(
            go.Scatter(
                x=[None],
                y=[None],
                name="learned: neighbours",
                marker={"symbol": "square-open", "size": 15, "color": look.ink,
                        "line": {"width": 2.5, "color": look.ink}},
                **legend,
            )
        )  # fmt: skip
    if marked.dots:
        marks.append(
            go.Scatter(
                x=[column + 0.31 for _, column in marked.dots],
                y=[row - 0.2 for row, _ in marked.dots],
                name="neighbours in the store",
                marker={"symbol": "circle", "size": 7, "color": look.ink,
                        "line": {"width": 1.5, "color": look.paper}},
                **legend,
            )
        )  # fmt: skip
    return marks


def _frames(marked: _Marked, look: Theme) -> list[dict[str, Any]]:
    """Return a frame around each learned cell: ink on paper, seen on every colour."""
    return [
        {
            "type": "rect",
            "x0": column - 0.46,
            "x1": column + 0.46,
            "y0": row - 0.43,
            "y1": row + 0.43,
            "line": {"color": colour, "width": width},
        }
        for row, column in marked.frames or []
        for colour, width in ((look.paper, 4.5), (look.ink, 2))
    ]


def _both_ways(ways: pd.DataFrame) -> list[dict[Any, Any]]:
    back = ways.rename(columns={"from_camera": "to_camera", "to_camera": "from_camera"})
    one_way = ways.get("directed", pd.Series(False, index=ways.index)).astype("boolean")
    turned = back[~one_way.fillna(False).to_numpy(dtype=bool)]
    rows: list[dict[Any, Any]] = pd.concat([ways, turned]).to_dict("records")
    return rows


def _learned(row: Mapping[Any, Any]) -> str:
    if "lift" not in row:
        return "<br>learned: neighbours"
    moves = plural(int(row["transitions"]) + int(row["back"]), "move")
    return (
        f"<br>learned: neighbours, {moves} there and back,"
        f"<br>{row['lift']:.1f} times what chance gives ({row['expected']:.0f}), "
        f"usually {duration(round(float(row['time_s']), 1))}"
    )


def _said(flow: pd.DataFrame, learned: pd.DataFrame | None, adjacency: pd.DataFrame | None) -> str:
    apart = flow["from_camera"] != flow["to_camera"]
    parts = [
        f"{plural(int(flow['transitions'][apart].sum()), 'move')} between cameras "
        f"({plural(int(apart.sum()), 'pair')})",
        f"{int(flow['transitions'][~apart].sum()):,} seen again at the same camera",
        "blank: nobody went that way",
    ]
    if learned is not None:
        parts.insert(0, plural(len(learned), "learned way"))
    if adjacency is not None and len(adjacency):
        parts.insert(1, f"{plural(len(adjacency), 'way')} in the store")
    return wrapped(parts)


def _layout(
    order: list[str], names: Mapping[str, str], heading: str, said: str, row: int, look: Theme
) -> dict[str, Any]:
    n = max(len(order), 1)
    cell = min(_CELL_PX, max(_LEAST_PX, _WIDE_PX / n))
    top = 84 + row + 15 * said.count("<br>")
    shown = [_called(one, names) for one in order]
    axis: dict[str, Any] = {
        "tickvals": list(range(len(order))),
        "ticktext": shown,
        "showgrid": False,
        "ticks": "",
        "visible": bool(order),
    }
    return {
        "template": look.template,
        "height": round(cell * n) + top + 172,
        "title": {
            "text": escape(heading),
            "subtitle": {"text": said},
            "yref": "container",
            "y": 1.0,
            "yanchor": "top",
            "pad": {"l": 16, "t": 18},
        },
        "margin": {"l": 60, "r": 20, "t": top, "b": 60},
        "xaxis": axis
        | {
            "title": {"text": "to"},
            "range": [-0.5, n - 0.5],
            "tickangle": -50 if n > 4 else 0,
            "constrain": "domain",
            "side": "bottom",
        },
        "yaxis": axis
        | {
            "title": {"text": "from"},
            "range": [n - 0.5, -0.5],
        },
        "legend": {"orientation": "h", "x": 0, "y": 1.01, "yanchor": "bottom"},
        "uirevision": "flow_matrix",
    }
