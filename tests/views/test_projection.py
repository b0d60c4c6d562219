"""The picture of vectors as points: what is drawn, in which colours, and what is said."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tests.views.points import CAMERAS, HOSTILE, NAMES, points
from workbench.errors import InvalidInputError
from workbench.views.charts import projection as chart
from workbench.views.charts.point_colours import PERSONS, choices, point_colours
from workbench.views.charts.projection import projection
from workbench.views.style import UNKNOWN, identity_colour

SAID = {"space": "face", "names": NAMES, "cameras": CAMERAS}


def test_axes_say_what_they_keep_and_the_title_what_it_is() -> None:
    figure = projection(points(), kept=(0.234, 0.081), model_id="m<1>", **SAID)
    assert figure.layout.xaxis.title.text == "PC 1 (23 % of the variance)"
    assert figure.layout.yaxis.title.text == "PC 2 (8 % of the variance)"
    assert figure.layout.yaxis.scaleanchor == "x"
    assert figure.layout.title.text == "60 vectors of face"
    below = figure.layout.title.subtitle.text
    assert "PCA · model m&lt;1&gt;" in below and "distances here are not cosines" in below
    assert "match" not in figure.to_json()


def test_umap_claims_no_share() -> None:
    figure = projection(points(), method="umap", **SAID)
    assert figure.layout.xaxis.title.text == "UMAP 1"
    assert "UMAP · model unknown" in figure.layout.title.subtitle.text


def test_identities_have_their_colour_and_the_unidentified_a_mark_of_their_own() -> None:
    rows = points()
    by_name = {trace.name: trace for trace in projection(rows, **SAID).data}
    hostile = "&lt;img src=x onerror=alert(1)&gt;"[:26]
    (first,) = [name for name in by_name if name.startswith("&lt;img")]
    assert hostile[:10] in first and "(30)" in first
    assert by_name[first].marker.color == identity_colour("p1")
    assert by_name["Ada (20)"].marker.color == identity_colour("p2")
    nobody = by_name["unidentified (5)"]
    assert (nobody.marker.color, nobody.marker.symbol) == (UNKNOWN, "x")
    assert all(trace.marker.symbol != "x" for trace in by_name.values() if trace is not nobody)
    assert sum(len(trace.x) for trace in by_name.values()) == len(rows)
    assert HOSTILE not in projection(rows, **SAID).to_json()
    said = by_name["Ada (20)"].hovertext[0]
    assert said.startswith("<b>Ada (p2)</b><br>") and "UTC" in said and "appearance a0" in said


def test_those_beyond_the_most_frequent_are_one_grey_below_all_others() -> None:
    n = 400
    rows = points(n)
    rows["identity_id"] = pd.Series([f"p{at % 20:02d}" for at in range(n)], dtype="str")
    found = point_colours(rows, "identity", space="face", names={}, cameras={})
    assert [entry.label for entry in found.entries][-1] == f"{20 - PERSONS} other identities"
    others = found.codes == PERSONS
    assert others[found.order[: others.sum()]].all()
    colours = [(found.palette[e.code], found.symbols[e.code]) for e in found.entries]
    assert len(set(colours)) == len(colours)


@pytest.mark.parametrize("colour", ["time", "quality", "face_quality"])
def test_values_are_viridis_with_a_bar(colour: str) -> None:
    figure = projection(points(), colour=colour, display_tz="Europe/Madrid", **SAID)
    bar = figure.data[-1].marker.colorbar
    assert figure.data[-1].marker.showscale
    assert bar.title.text == {"time": "local time (Europe/Madrid)"}.get(colour, "face quality")
    assert bar.ticktext[0] == ("09:00:00" if colour == "time" else "0.02")
    if colour != "time":
        assert (figure.data[0].name, figure.data[0].marker.symbol) == ("unknown (6)", "x")


def test_what_is_not_there_is_no_choice() -> None:
    assert list(choices(points())) == ["identity", "camera", "time", "face_quality"]
    rows = points().assign(face_quality=np.nan)
    with pytest.raises(InvalidInputError, match="have no quality"):
        projection(rows, colour="quality", **SAID)
    with pytest.raises(InvalidInputError, match="cannot be coloured by 'mood'"):
        projection(rows, colour="mood", **SAID)


def test_of_too_many_every_so_many_th_is_drawn_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chart, "MOST", 25)
    figure = projection(points(), **SAID)
    assert sum(len(trace.x) for trace in figure.data) == 20
    assert figure.layout.title.text == "20 of 60 vectors of face"


@pytest.mark.parametrize("colour", ["identity", "camera", "time"])
def test_nothing_is_drawn_of_nothing(colour: str) -> None:
    figure = projection(points(1).iloc[:0], colour=colour, **SAID)
    assert sum(len(trace.x) for trace in figure.data) == 0
    assert figure.layout.title.text == "0 vectors of face"


def test_the_same_points_are_the_same_picture() -> None:
    one, two = (projection(points(), colour="time", **SAID).to_json() for _ in range(2))
    assert one == two
