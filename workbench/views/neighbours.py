"""The nearest appearances, by cosine."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pandas as pd
import plotly.graph_objects as go

from workbench.views.style import LIGHT, UNKNOWN, escape, identity_colour

_ROW_PX = 30


def neighbours(hits: pd.DataFrame, *, space: str, display_tz: str = "UTC") -> go.Figure:
    """Return a picture of hits: one row each, its cosine to the right, coloured by identity.

    Parameters
    ----------
    hits : DataFrame
        ``query, rank, appearance_id, identity_id, similarity, camera_id, timestamp``.
    space : str
        The vector space the cosines are of.
    display_tz : str
        Zone of the times shown.
    """
    shown = hits.sort_values(["query", "rank"], kind="stable")
    when = shown["timestamp"].dt.tz_convert(ZoneInfo(display_tz))
    labels = [
        f"{escape(name)} · {escape(who) if isinstance(who, str) else 'unidentified'}"
        for name, who in zip(shown["appearance_id"], shown["identity_id"], strict=True)
    ]
    colours = [
        identity_colour(who) if isinstance(who, str) else UNKNOWN for who in shown["identity_id"]
    ]
    hovers = [
        f"<b>{label}</b><br>cosine {cosine:.3f} in {escape(space)}<br>"
        f"{escape(camera) if isinstance(camera, str) else 'no camera'}, {moment} {moment:%Z}"
        for label, cosine, camera, moment in zip(
            labels, shown["similarity"], shown["camera_id"], when, strict=True
        )
    ]
    rows = list(range(len(shown)))
    lowest = min(0.0, float(shown["similarity"].min())) if rows else 0.0
    figure = go.Figure(
        [
            go.Scatter(
                x=[x for cosine in shown["similarity"] for x in (lowest, cosine, None)],
                y=[y for row in rows for y in (row, row, None)],
                mode="lines",
                line={"color": UNKNOWN, "width": 1.5},
                hoverinfo="skip",
            ),
            go.Scatter(
                x=shown["similarity"],
                y=rows,
                mode="markers+text",
                marker={"size": 13, "color": colours, "line": {"width": 1, "color": "white"}},
                text=[f"{cosine:.3f}" for cosine in shown["similarity"]],
                textposition="middle right",
                hovertext=hovers,
                hovertemplate="%{hovertext}<extra></extra>",
                cliponaxis=False,
            ),
        ]
    )
    named = [escape(query) for query in shown["query"].unique()]
    whom = ", ".join(named[:3]) + (", …" if len(named) > 3 else "")
    figure.update_layout(
        template=LIGHT,
        title={"text": f"Nearest to {whom} by {escape(space)}" if named else "Nothing is near"},
        showlegend=False,
        height=150 + _ROW_PX * max(1, len(rows)),
        margin={"l": 10, "r": 60, "t": 70, "b": 50},
        xaxis={
            "title": {"text": f"cosine ({escape(space)})"},
            "range": [lowest - 0.03, 1.08],
            "zeroline": False,
        },
        yaxis={
            "tickmode": "array",
            "tickvals": rows,
            "ticktext": labels,
            "range": [len(rows) - 0.4, -0.6],
            "automargin": True,
            "showgrid": False,
        },
    )
    return figure
