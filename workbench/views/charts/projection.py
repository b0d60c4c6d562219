"""Vectors as points on a sheet: who lies near whom, as far as two axes can tell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from workbench.views.charts.point_colours import Called, PointColours, hovers, point_colours
from workbench.views.style import Theme, ThemeName, colour_scale, escape
from workbench.views.style import theme as theme_of

MOST = 50_000
"""How many points plotly draws at once."""
POINT_PX, SMALL_PX = 6, 4
"""Size of a point where there are few and where there are many."""
MANY = 10_000
DISTANCES = "near on the picture is a hint: distances here are not cosines"
_HEIGHT = 640


def projection(
    points: pd.DataFrame,
    *,
    space: str,
    kept: tuple[float, float] | None = None,
    method: str = "pca",
    model_id: str | None = None,
    colour: str = "identity",
    names: Mapping[str, str] | None = None,
    cameras: Mapping[str, str] | None = None,
    display_tz: str = "UTC",
    theme: ThemeName = "light",
) -> go.Figure:
    """Return a picture of vectors as points.

    Of more than 50,000 points every so many-th is drawn, and the picture says so.

    Parameters
    ----------
    points : DataFrame
        Columns of ``schema.SIGHTING``, and ``x``, ``y``.
    space : str
        The vector space.
    kept : tuple of float, optional
        The shares of the variance that the axes keep, 0 to 1.
    method, model_id : str, optional
        How the places were found, and which model made the vectors.
    colour : str
        ``identity``, ``camera``, ``time``, ``quality`` or a column of quality.
    names, cameras : mapping of str to str, optional
        Names of identities and cameras by id, where known.
    display_tz : str
        Zone of the times shown.
    theme : {'light', 'dark'}

    Raises
    ------
    InvalidInputError
        When the points cannot be coloured by that, or there is no such theme.
    """
    look = theme_of(theme)
    step = -(-len(points) // MOST) if len(points) else 1
    drawn = points.iloc[::step].reset_index(drop=True)
    shown: Called = {"names": names or {}, "cameras": cameras or {}, "display_tz": display_tz}
    colours = point_colours(drawn, colour, space=space, theme=theme, **shown)
    said = hovers(drawn, **shown).to_numpy(object) if len(drawn) else np.empty(0, object)
    figure = go.Figure(_traces(drawn, colours, said, look))
    figure.update_layout(
        template=look.template,
        title=title(len(points), len(drawn), space=space, method=method, model_id=model_id),
        height=_HEIGHT,
        margin={"l": 64, "r": 24, "t": 76, "b": 56},
        legend={"title": {"text": f"{colours.title} (points)"}, "itemsizing": "constant"},
        **axes(method, kept),
    )
    return figure


def title(
    total: int, drawn: int, *, space: str, method: str, model_id: str | None
) -> dict[str, Any]:
    """Return what a picture of vectors is called: space, how many, model, what it is not."""
    how = {"pca": "PCA", "umap": "UMAP"}.get(method, escape(method))
    made = f"model {escape(model_id, longest=40)}" if model_id else "model unknown"
    part = f"{drawn:,} of {total:,}" if drawn < total else f"{total:,}"
    return {
        "text": f"{part} vectors of {escape(space)}",
        "subtitle": {"text": f"{how} · {made} · {DISTANCES}"},
    }


def axes(method: str, kept: tuple[float, float] | None) -> dict[str, Any]:
    """Return the axes: for PCA with the share of the variance each keeps."""
    shares = kept or (None, None)
    said = [
        f"{'UMAP' if method == 'umap' else 'PC'} {n}"
        + ("" if share is None else f" ({share:.0%} of the variance)".replace("%", " %"))
        for n, share in enumerate(shares, start=1)
    ]
    plain = {"showgrid": True, "nticks": 6}
    same = {"scaleanchor": "x", "scaleratio": 1} if method == "pca" else {}
    return {
        "xaxis": plain | {"title": {"text": said[0]}},
        "yaxis": plain | same | {"title": {"text": said[1]}},
    }


def _traces(
    points: pd.DataFrame, colours: PointColours, said: np.ndarray, look: Theme
) -> list[go.Scattergl]:
    if colours.values is not None:
        known = colours.codes < len(colours.palette) - 1
        bar = _bar(points[known], colours, said[known], colours.values[known])
        missing = [_class(points, entry, colours, said) for entry in colours.entries]
        return [*missing, bar]
    found = [_class(points, entry, colours, said) for entry in reversed(colours.entries)]
    # Drawn first, named last: what has no colour of its own.
    behind = colours.palette[-2:]
    return sorted(found, key=lambda trace: trace.marker.color not in behind)


def _scatter(points: pd.DataFrame, said: np.ndarray, **more: Any) -> go.Scattergl:
    return go.Scattergl(
        x=points["x"].to_numpy("float64").round(5).tolist(),
        y=points["y"].to_numpy("float64").round(5).tolist(),
        mode="markers",
        hovertext=said.tolist(),
        hovertemplate="%{hovertext}<extra></extra>",
        **more,
    )


def _class(
    points: pd.DataFrame, entry: Any, colours: PointColours, said: np.ndarray
) -> go.Scattergl:
    mine = colours.codes == entry.code
    return _scatter(
        points[mine],
        said[mine],
        name=f"{entry.label} ({entry.count:,})",
        legendrank=1000 + entry.code,
        showlegend=True,
        marker={
            "color": colours.palette[entry.code],
            "symbol": colours.symbols[entry.code],
            "size": POINT_PX if len(points) <= MANY else SMALL_PX,
            "opacity": 0.85,
        },
    )


def _bar(
    points: pd.DataFrame, colours: PointColours, said: np.ndarray, values: np.ndarray
) -> go.Scattergl:
    ticks = colours.ticks
    return _scatter(
        points,
        said,
        showlegend=False,
        marker={
            "color": values.tolist(),
            "colorscale": colour_scale(),
            "cmin": ticks[0][0] if ticks else 0,
            "cmax": ticks[-1][0] if ticks else 1,
            "size": POINT_PX,
            "opacity": 0.85,
            "showscale": bool(ticks),
            "colorbar": {
                "title": {"text": colours.title, "side": "right"},
                "tickvals": [at for at, _ in ticks],
                "ticktext": [word for _, word in ticks],
                "outlinewidth": 0,
                "thickness": 12,
                # The legend, if anything is unknown, stands above it.
                "y": 0.46,
                "len": 0.92,
            },
        },
    )
