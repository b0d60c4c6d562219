"""How every picture looks: two themes, their colours, and how foreign text is shown.

A view takes ``theme: ThemeName = "light"``, asks :func:`theme` for it and takes every colour that
is ink, paper or grey from there: the same code draws on a light and on a dark surface.

Colours: Okabe-Ito up to 8 classes, Glasbey-like beyond, viridis for values, grey for unknown.
"""

from __future__ import annotations

import hashlib
import html
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd
import plotly.graph_objects as go
import plotly.io as pio

from workbench.errors import InvalidInputError

ThemeName = Literal["light", "dark"]
"""What a view takes as ``theme=``."""
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
"""The grey of what nobody knows, on light and on dark."""
ALARM = "#B3261E"
"""What needs attention, on light; always with a word or a symbol beside it."""
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'Helvetica Neue', sans-serif"

# Black says "text" on light and nothing on dark; yellow and light green are hard to see on white.
_PALE = ("#97FF00", "#A0E491")
_IDENTITY = (*OKABE_ITO[:6], *(colour for colour in GLASBEY if colour not in _PALE))

CONFIG: dict[str, Any] = {"displaylogo": False, "responsive": True, "plotlyServerURL": ""}
"""Configuration every picture is shown with."""


@dataclass(frozen=True, slots=True)
class Theme:
    """The colours of one kind of surface.

    Attributes
    ----------
    name : str
        ``light`` or ``dark``.
    template : str
        Name of the plotly template: ``layout.template``.
    ink, soft, paper, grid : str
        Text and strong lines; secondary text and dashed lines; the surface; lines of a grid.
    unknown, alarm : str
        What nobody knows; what needs attention (always with a word or a symbol beside it).
    edge : str
        Outline of a coloured dot or bar, so that no colour of data is lost on the surface.
    casing : str
        Wide line below a coloured one, for the same reason.
    veil : str
        Background of a label that stands on a drawing: the paper, a little transparent.
    halo : str
        A CSS text shadow in the colour of the paper: ``textfont.shadow``.
    view, view_edge : str
        Filling and outline of what a camera sees.
    flow : str
        Arrows of people moving.
    button : str
        A button that is not chosen; its words are dark.
    """

    name: ThemeName
    template: str
    ink: str
    soft: str
    paper: str
    grid: str
    unknown: str
    alarm: str
    edge: str
    casing: str
    veil: str
    halo: str
    view: str
    view_edge: str
    flow: str
    button: str


def _halo(paper: str) -> str:
    steps = (-2, -1, 0, 1, 2)
    near = (f"{x}px {y}px 1px {paper}" for x in steps for y in steps if 1 < x * x + y * y < 8)
    return ", ".join((*near, f"0 0 7px {paper}"))


_THEMES: dict[str, Theme] = {
    "light": Theme(
        name="light",
        template=LIGHT,
        ink="#1F2328",
        soft="#57606A",
        paper="#FFFFFF",
        grid="#E6E8EB",
        unknown=UNKNOWN,
        alarm=ALARM,
        edge="rgba(31, 35, 40, 0.65)",
        casing="rgba(31, 35, 40, 0.45)",
        veil="rgba(255, 255, 255, 0.88)",
        halo=_halo("#FFFFFF"),
        view="rgba(86, 180, 233, 0.16)",
        view_edge="rgba(0, 114, 178, 0.35)",
        flow="#D55E00",
        button="#DDE2E8",
    ),
    "dark": Theme(
        name="dark",
        template=DARK,
        ink="#E6EDF3",
        soft="#9DA7B3",
        paper="#14181D",
        grid="#2B3138",
        unknown=UNKNOWN,
        alarm="#FF7B72",
        edge="rgba(230, 237, 243, 0.75)",
        casing="rgba(230, 237, 243, 0.55)",
        veil="rgba(20, 24, 29, 0.86)",
        halo=_halo("#14181D"),
        view="rgba(86, 180, 233, 0.18)",
        view_edge="rgba(86, 180, 233, 0.45)",
        flow="#F0A030",
        button="#98A3AF",
    ),
}


def theme(name: str) -> Theme:
    """Return the theme of that name: ``light`` or ``dark``.

    Raises
    ------
    InvalidInputError
        When there is no such theme.

    Examples
    --------
    >>> theme("dark").paper
    '#14181D'
    """
    found = _THEMES.get(name) if isinstance(name, str) else None
    if found is None:
        raise InvalidInputError(
            f"There is no theme {name!r}.",
            where="theme",
            next="Use 'light' or 'dark'.",
        )
    return found


def keep_outputs_small() -> None:
    """Let plotly send a notebook the figure alone where it would guess to send plotly.js too.

    In a kernel that plotly does not know it adds an HTML copy of 5 MB to every output. What the
    user chose (``plotly.io.renderers.default``, ``PLOTLY_RENDERER``) and what plotly knows about
    JupyterLab, Voila or VS Code (the figure alone) stays as it is.
    """
    if pio.renderers.default == "plotly_mimetype+notebook" and "PLOTLY_RENDERER" not in os.environ:
        pio.renderers.default = "plotly_mimetype"


def display_bundle(figure: go.Figure, text: str) -> dict[str, Any]:
    """Return what a notebook shows of a result that has a picture: the figure, and a line of text.

    Only the figure's own numbers are in it, some kilobytes: the notebook's plotly draws them. There
    is no plotly.js in it, and no address of a CDN. Where nothing draws, the line stands; it is HTML
    too, so that IPython does not ask the result for the 5 MB of :func:`display_html`.

    Parameters
    ----------
    figure : plotly.graph_objects.Figure
    text : str
        One short line, the same for the same result.
    """
    drawn = json.loads(figure.to_json(engine="json"))
    return {
        "application/vnd.plotly.v1+json": drawn | {"config": dict(CONFIG)},
        "text/html": f"<p>{escape(text, longest=1000)}</p>",
        "text/plain": text,
    }


def display_html(figure: go.Figure) -> str:
    """Return the figure as a piece of HTML that draws itself anywhere, without the network.

    plotly.js is inside, 5 MB: for a page of one's own, not for the outputs of a notebook.
    """
    html_text: str = figure.to_html(config=dict(CONFIG), include_plotlyjs=True, full_html=False)
    return html_text


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


def plain(value: object, *, longest: int = 120) -> str:
    """Return text from data for where no HTML is read, such as the options of a list.

    Its length, and the characters that cannot be seen, are as for :func:`escape`.

    Examples
    --------
    >>> plain("cam & co"), plain("a line and one more", longest=8)
    ('cam & co', 'a line …')
    """
    return html.unescape(escape(value, longest=longest))


_CONTROL = (*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029)
_DIRECTION = (0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_BLANKED = dict.fromkeys((*_CONTROL, *_DIRECTION), " ")


def clock_word(display_tz: str) -> str:
    """Return what the times of a zone are called on an axis.

    Examples
    --------
    >>> clock_word("UTC"), clock_word("Europe/Madrid")
    ('time', 'local time')
    """
    return "time" if display_tz == "UTC" else "local time"


def duration(seconds: float) -> str:
    """Return a length of time as people write it, rounded to the last thing that is said.

    Examples
    --------
    >>> [duration(s) for s in (4.25, 59.97, 90, 3700, 13_905, 200_000)]
    ['4.2 s', '1 min', '1 min 30 s', '1 h 02 min', '3 h 52 min', '2 d 08 h']
    """
    if pd.isna(seconds):
        return "unknown"
    short = round(seconds, 1)
    if short < 60:
        return f"{short:.1f} s" if short % 1 else f"{short:.0f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s" if whole % 60 else f"{whole // 60} min"
    minutes = round(seconds / 60)
    if minutes < 1440:
        return f"{minutes // 60} h {minutes % 60:02d} min"
    hours = round(seconds / 3600)
    return f"{hours // 24} d {hours % 24:02d} h"


def share_of(part_s: float, whole_s: float) -> str:
    """Return how much of a length of time a part of it is, in words after what is told of it.

    Nothing where the part is not known.

    Examples
    --------
    >>> share_of(2400, 3120), share_of(90, 90), share_of(float("nan"), 90)
    (' for 40 min of the 52 min', ' all the time', '')
    """
    if pd.isna(part_s):
        return ""
    if part_s > whole_s - 1e-6:
        return " all the time"
    return f" for {duration(part_s)} of the {duration(whole_s)}"


def _template(look: Theme) -> go.layout.Template:
    ink, soft, paper, grid = look.ink, look.soft, look.paper, look.grid
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
        "annotationdefaults": {
            "font": {"size": 12, "color": ink},
            "arrowcolor": soft,
            "arrowhead": 0,
            "arrowwidth": 1,
        },
        # plotly paints the chosen button nearly white, on every theme: the words on it are dark.
        "updatemenudefaults": {
            "bgcolor": look.button,
            "bordercolor": look.button,
            "font": {"size": 12, "color": "#1F2328"},
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


for _theme in _THEMES.values():
    pio.templates[_theme.template] = _template(_theme)
