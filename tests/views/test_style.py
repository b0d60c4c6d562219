"""The template, the colours, and how foreign text is shown."""

from __future__ import annotations

import html

import plotly.io as pio
import pytest
from hypothesis import given
from hypothesis import strategies as st

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
