"""The template, the colours, and how foreign text is shown."""

from __future__ import annotations

import html

import plotly.graph_objects as go
import plotly.io as pio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import InvalidInputError
from workbench.views import style


@pytest.mark.parametrize("name", [style.LIGHT, style.DARK])
def test_the_template_sends_nothing_to_a_cloud(name: str) -> None:
    layout = pio.templates[name].layout
    assert {"sendChartToCloud", "sendDataToCloud"} <= set(layout.modebar.remove)
    assert style.CONFIG["plotlyServerURL"] == ""


def test_the_user_s_own_default_template_is_left_alone() -> None:
    assert pio.templates.default == "plotly"


def test_values_are_viridis() -> None:
    assert pio.templates[style.LIGHT].layout.colorscale.sequential[0] == (0, "#440154")
    assert style.viridis(0) == "rgb(68, 1, 84)"
    assert style.viridis(1) == style.viridis(7) == "rgb(253, 231, 37)"


def test_okabe_ito_up_to_eight_then_glasbey() -> None:
    assert tuple(style.class_colours(8)) == style.OKABE_ITO
    assert style.class_colours(9)[8] == style.GLASBEY[0]
    assert len(set(style.class_colours(32))) == 32
    assert len(style.class_colours(100)) == 100


def test_an_identity_keeps_its_colour() -> None:
    # Written down: a change of it would repaint everybody's reports.
    assert style.identity_colour("p1") == "#FFA52F"
    assert style.identity_colour("0002") != style.identity_colour("2")
    assert style.identity_colour(None) == style.identity_colour(float("nan")) == style.UNKNOWN  # type: ignore[arg-type]


def test_people_are_spread_over_the_colours() -> None:
    assert len({style.identity_colour(f"person {i}") for i in range(500)}) == 28


def test_hostile_text_is_shown_and_not_run() -> None:
    assert style.escape("<img src=x onerror=\"f('1')\">") == (
        "&lt;img src=x onerror=&#34;f(&#39;1&#39;)&#34;&gt;"
    )
    assert style.escape("a\u202eb\nc\x00d\u2028e") == "a b c d e"
    assert style.escape(None) == style.escape(float("nan")) == ""
    assert style.escape("x" * 300, longest=5) == "xxxx…"


@given(st.text())
def test_escaping_loses_nothing_that_can_be_seen(text: str) -> None:
    shown = style.escape(text, longest=10**6)
    assert not set("<>\"'\n\u202e") & set(shown)
    blanked = "".join(" " if ord(c) in style._BLANKED else c for c in text)
    # html.unescape alone would read &#34 in a text that held it: compare what a browser shows.
    assert html.unescape(shown) == blanked


@pytest.mark.parametrize("name", ["light", "dark"])
def test_a_theme_is_what_its_template_shows(name: str) -> None:
    look = style.theme(name)
    layout = pio.templates[look.template].layout
    assert look.name == name
    assert (layout.font.color, layout.paper_bgcolor) == (look.ink, look.paper)
    assert layout.annotationdefaults.font.color == look.ink
    assert look.paper in look.halo


def _contrast(one: str, two: str) -> float:
    """Return the contrast of two colours as WCAG 2 defines it."""
    shares = []
    for colour in (one, two):
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        r, g, b = (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
        shares.append(0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05)
    return max(shares) / min(shares)


@pytest.mark.parametrize("name", ["light", "dark"])
def test_words_can_be_read_on_their_paper(name: str) -> None:
    look = style.theme(name)
    assert _contrast(look.ink, look.paper) >= 12
    assert min(_contrast(colour, look.paper) for colour in (look.soft, look.alarm)) >= 4.5
    assert _contrast(look.flow, look.paper) >= 3
    menu = pio.templates[look.template].layout.updatemenudefaults
    # plotly paints the chosen button in this colour and lets nobody change it.
    for behind in (menu.bgcolor, "#F4FAFF"):
        assert _contrast(menu.font.color, behind) >= 4.5


@pytest.mark.parametrize("name", ["sepia", "", None, ["light"]])
def test_a_theme_that_is_not_there_is_refused(name: str) -> None:
    with pytest.raises(InvalidInputError, match="no theme") as caught:
        style.theme(name)
    assert "'light' or 'dark'" in str(caught.value.next)


def test_a_notebook_gets_the_figure_alone() -> None:
    figure = go.Figure(go.Scatter(x=[1.5], y=[2]), layout={"template": style.DARK})
    bundle = style.display_bundle(figure, "one dot")
    # Without a line of HTML in it, IPython would ask the result for 5 MB of it.
    assert set(bundle) == {"application/vnd.plotly.v1+json", "text/html", "text/plain"}
    assert bundle["text/html"] == "<p>one dot</p>"
    drawn = bundle["application/vnd.plotly.v1+json"]
    assert drawn["data"][0]["x"] == [1.5]
    assert drawn["config"]["plotlyServerURL"] == ""
    assert bundle == style.display_bundle(figure, "one dot")
    assert len(str(bundle)) < 20_000
    assert "http" not in str(bundle)


def test_the_line_of_html_is_escaped() -> None:
    bundle = style.display_bundle(go.Figure(), "map of <img src=x onerror=alert(1)>")
    assert bundle["text/html"] == "<p>map of &lt;img src=x onerror=alert(1)&gt;</p>"


@pytest.mark.parametrize(
    ("guess", "kept"),
    [
        ("plotly_mimetype+notebook", "plotly_mimetype"),
        ("plotly_mimetype", "plotly_mimetype"),
        ("browser", "browser"),
        ("notebook", "notebook"),
    ],
)
def test_no_output_carries_a_copy_of_plotly(
    monkeypatch: pytest.MonkeyPatch, guess: str, kept: str
) -> None:
    monkeypatch.delenv("PLOTLY_RENDERER", raising=False)
    before = pio.renderers.default
    try:
        pio.renderers.default = guess
        style.keep_outputs_small()
        assert pio.renderers.default == kept
    finally:
        pio.renderers.default = before


def test_the_renderer_the_user_chose_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLOTLY_RENDERER", "plotly_mimetype+notebook")
    before = pio.renderers.default
    try:
        pio.renderers.default = "plotly_mimetype+notebook"
        style.keep_outputs_small()
        assert pio.renderers.default == "plotly_mimetype+notebook"
    finally:
        pio.renderers.default = before
