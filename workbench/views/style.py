"""How every picture looks: one plotly template, its colours, and how foreign text is shown.

Colours: Okabe-Ito up to 8 classes, Glasbey-like beyond, viridis for values, grey for unknown.
"""

from __future__ import annotations

import hashlib
import html
from collections.abc import Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import plotly.io as pio

LIGHT = "workbench"
"""Name of the template for light surfaces."""
DARK = "workbench-dark"
"""Name of the template for dark surfaces."""

OKABE_ITO = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#CC79A7",
    "#E69F00",
    "#56B4E9",
    "#F0E442",
    "#000000",
)
# Far from each other and from the above, after Glasbey et al. 2007; neither grey nor near white.
GLASBEY = (
    "#8C3BFF",
    "#018700",
    "#97FF00",
    "#FFA52F",
    "#573B00",
    "#FF28FD",
    "#005659",
    "#0000DD",
    "#C5A5FF",
    "#BA6F00",
    "#6B004F",
    "#00CDCF",
    "#FF7266",
    "#366962",
    "#D60000",
    "#00AF89",
    "#9A4D67",
    "#A0E491",
    "#5D7E00",
    "#E146A0",
    "#00457C",
    "#A877AC",
    "#B7B500",
    "#5901A3",
)
VIRIDIS = (
    "#440154",
    "#482878",
    "#3E4989",
    "#31688E",
    "#26828E",
    "#1F9E89",
    "#35B779",
    "#6DCD59",
    "#B4DE2C",
    "#FDE725",
)
UNKNOWN = "#9AA0A6"
"""The grey of what nobody knows."""
ALARM = "#B3261E"
"""What needs attention; always with a word or a symbol beside it."""
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'Helvetica Neue', sans-serif"

# Black says "text" on light and nothing on dark; yellow and light green are hard to see on white.
_PALE = ("#97FF00", "#A0E491")
_IDENTITY = (*OKABE_ITO[:6], *(colour for colour in GLASBEY if colour not in _PALE))

CONFIG: dict[str, Any] = {"displaylogo": False, "responsive": True, "plotlyServerURL": ""}
"""Configuration every picture is shown with."""


def class_colours(n: int) -> list[str]:
    """Return `n` colours for classes: Okabe-Ito for the first 8, then Glasbey, then round again.

    Examples
    --------
    >>> class_colours(2)
    ['#0072B2', '#D55E00']
    """
    palette = (*OKABE_ITO, *GLASBEY)
    return [palette[i % len(palette)] for i in range(n)]


def identity_colour(identity_id: str | None) -> str:
    """Return the colour of an identity, the same in every view and session; grey for none.

    Taken from a hash of the id. Two identities may share one: never tell them apart by it alone.

    Examples
    --------
    >>> identity_colour("p1") == identity_colour("p1"), identity_colour(None)
    (True, '#9AA0A6')
    """
    if identity_id is None or pd.isna(identity_id):
        return UNKNOWN
    digest = hashlib.sha256(str(identity_id).encode("utf-8", "surrogatepass")).digest()
    return _IDENTITY[int.from_bytes(digest[:4], "big") % len(_IDENTITY)]


def viridis(share: float) -> str:
    """Return the viridis colour at `share` (0 to 1) as ``rgb(r, g, b)``."""
    place = min(max(share, 0.0), 1.0) * (len(VIRIDIS) - 1)
    low = min(int(place), len(VIRIDIS) - 2)
    one, two = (_rgb(VIRIDIS[i]) for i in (low, low + 1))
    mixed = (round(a + (b - a) * (place - low)) for a, b in zip(one, two, strict=True))
    return "rgb({}, {}, {})".format(*mixed)


def _rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def colour_scale(colours: Sequence[str] = VIRIDIS) -> list[list[Any]]:
    """Return a plotly colour scale of evenly spaced colours."""
    return [[i / (len(colours) - 1), colour] for i, colour in enumerate(colours)]


def escape(value: object, *, longest: int = 120) -> str:
    """Return text from data so that HTML, a plotly hover or a label shows it letter by letter.

    Line ends and characters that turn the direction of writing become blanks; what is longer than
    `longest` characters ends in an ellipsis; missing is empty.

    Examples
    --------
    >>> escape("<b>cam & co</b>")
    '&lt;b&gt;cam &amp; co&lt;/b&gt;'
    """
    if value is None or (not isinstance(value, str) and pd.isna(value)):  # type: ignore[call-overload]
        return ""
    text = str(value).translate(_BLANKED)
    shown = text if len(text) <= longest else text[: longest - 1] + "…"
    # plotly knows no &quot;, and both know the number.
    return html.escape(shown, quote=True).replace("&quot;", "&#34;").replace("&#x27;", "&#39;")


_CONTROL = (*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029)
_DIRECTION = (0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_BLANKED = dict.fromkeys((*_CONTROL, *_DIRECTION), " ")


def duration(seconds: float) -> str:
    """Return a length of time as people write it.

    Examples
    --------
    >>> [duration(s) for s in (4.25, 90, 3700, 200_000)]
    ['4.2 s', '1 min 30 s', '1 h 01 min', '2 d 07 h']
    """
    if pd.isna(seconds):
        return "unknown"
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds % 1 else f"{seconds:.0f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s" if whole % 60 else f"{whole // 60} min"
    if whole < 86_400:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole // 86_400} d {whole % 86_400 // 3600:02d} h"


def _template(ink: str, soft: str, paper: str, grid: str) -> go.layout.Template:
    axis = {
        "gridcolor": grid,
        "linecolor": grid,
        "zeroline": False,
        "ticks": "outside",
        "ticklen": 4,
        "tickcolor": grid,
        "tickfont": {"size": 11, "color": soft},
        "title": {"font": {"size": 12, "color": soft}, "standoff": 8},
        "automargin": True,
    }
    layout = {
        "font": {"family": FONT, "size": 13, "color": ink},
        "title": {
            "x": 0,
            "xref": "container",
            "xanchor": "left",
            "pad": {"l": 16},
            "font": {"size": 17, "color": ink},
            "subtitle": {"font": {"size": 12, "color": soft}},
        },
        "paper_bgcolor": paper,
        "plot_bgcolor": paper,
        "colorway": list(OKABE_ITO[:7]),
        "colorscale": {"sequential": colour_scale(), "sequentialminus": colour_scale()},
        "coloraxis": {
            "colorbar": {
                "outlinewidth": 0,
                "thickness": 12,
                "ticklen": 4,
                "tickfont": {"size": 11, "color": soft},
            }
        },
        "xaxis": axis,
        "yaxis": axis,
        "legend": {"bgcolor": "rgba(0,0,0,0)", "font": {"size": 12, "color": ink}},
        "hoverlabel": {
            "font": {"family": FONT, "size": 12, "color": ink},
            "bgcolor": paper,
            "bordercolor": soft,
            "align": "left",
        },
        "hovermode": "closest",
        # A figure of this product leaves the machine only when its owner sends it.
        "modebar": {
            "remove": ["sendChartToCloud", "sendDataToCloud", "lasso2d", "select2d"],
            "bgcolor": "rgba(0,0,0,0)",
            "color": soft,
            "activecolor": ink,
        },
        "margin": {"l": 56, "r": 16, "t": 64, "b": 56},
    }
    return go.layout.Template(layout=layout)


pio.templates[LIGHT] = _template("#1F2328", "#57606A", "#FFFFFF", "#E6E8EB")
pio.templates[DARK] = _template("#E6EDF3", "#9DA7B3", "#14181D", "#2B3138")
