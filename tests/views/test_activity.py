"""The picture of activity by its structure: panels, cells, scales, hovers, what is escaped."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from workbench.errors import InvalidInputError
from workbench.views.charts.activity import PANELS, activity
from workbench.views.style import theme

MADRID = "Europe/Madrid"


def counts(*rows: tuple[str | None, int, int, int, float, float]) -> pd.DataFrame:
    """Return counts: (camera, weekday, hour, sightings, hours, hours out); one identity each."""
    names = ["camera_id", "weekday", "hour", "sightings", "hours", "out_h"]
    frame = pd.DataFrame(rows, columns=names).astype({"camera_id": "str"})
    return frame.assign(identities=(frame["sightings"] > 0).astype("int64"))


def heat(figure: go.Figure, name: str) -> go.Heatmap:
    """Return the values of a panel."""
    return next(t for t in figure.data if t.type == "heatmap" and name in t.name)


def ground(figure: go.Figure, name: str) -> go.Heatmap:
    """Return what lies below them: 0 where nobody was seen, 1 where the camera was out."""
    at = heat(figure, name).xaxis
    return next(t for t in figure.data if t.type == "heatmap" and t.xaxis == at)


def headings(figure: go.Figure) -> list[str]:
    return [note.text for note in figure.layout.annotations]


@pytest.fixture
def cameras() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "id": ["c1", "c2", "c3"],
            "name": ["Yard", "Door", "Attic"],
            "level": ["ground", "ground", "first"],
        }
    )


@pytest.fixture
def week() -> pd.DataFrame:
    """Return Monday and Wednesday, 8 to 10: door busy, yard out, attic half out."""
    return counts(
        ("c1", 0, 8, 0, 1.0, 1.0), ("c1", 0, 9, 4, 1.0, 0.0),
        ("c1", 2, 8, 0, 1.0, 0.0), ("c1", 2, 9, 0, 1.0, 0.0),
        ("c2", 0, 8, 400, 2.0, 0.0), ("c2", 0, 9, 0, 2.0, 0.0),
        ("c2", 2, 8, 9, 1.0, 0.0), ("c2", 2, 9, 1, 1.0, 0.0),
        ("c3", 0, 8, 8, 1.0, 0.5), ("c3", 2, 9, 1, 1.0, 0.0),
    )  # fmt: skip


def test_panels_stand_by_storey_and_name_below_the_whole(week: Any, cameras: Any) -> None:
    figure = activity(week, cameras=cameras, display_tz=MADRID)
    assert headings(figure) == ["Attic", "Door", "Yard", "<b>All cameras together</b>",
                                "<b>first floor</b>", "<b>ground floor</b>"]  # fmt: skip
    assert len([t for t in figure.data if t.type == "heatmap"]) == 8
    tops = {name: figure.layout[f"yaxis{heat(figure, name).yaxis[1:]}"].domain[1]
            for name in ("All", "Attic", "Door", "Yard")}  # fmt: skip
    assert tops["All"] > tops["Attic"] > tops["Door"] == tops["Yard"]


def test_a_cell_is_sightings_for_each_hour_the_camera_looked(week: Any, cameras: Any) -> None:
    figure = activity(week, cameras=cameras)
    squares = {name: np.array(heat(figure, name).z, dtype="float64") ** 2
               for name in ("Door", "Attic", "All")}  # fmt: skip
    assert squares["Door"][0][0] == pytest.approx(200, abs=0.01)  # 400 in 2 h
    assert squares["Attic"][0][0] == pytest.approx(16, abs=0.01)  # 8 in the half hour it looked
    assert squares["All"][0].tolist() == pytest.approx([204, 2], abs=0.01)
    assert "8 in 0.5 h, 1 different identities" in heat(figure, "Attic").hovertext[0][0]
    assert "camera out 0.5 of 1 h" in heat(figure, "Attic").hovertext[0][0]


def test_out_is_not_the_same_as_nobody(week: Any, cameras: Any) -> None:
    figure = activity(week, cameras=cameras)
    below, values = ground(figure, "Yard"), heat(figure, "Yard")
    assert [list(row) for row in below.z] == [[1.0, None], [0.0, 0.0]]
    assert [list(row) for row in values.z] == [[None, 2.0], [None, None]]
    assert "camera out, all of 1 h<br>no sighting is not absence" in below.hovertext[0][0]
    assert "0 sightings per hour" in below.hovertext[1][0]
    crosses = next(t for t in figure.data if t.name == "camera out")
    assert (list(crosses.x), list(crosses.y)) == ([8.5], [0])
    legend = [t.name for t in figure.data if t.type == "scatter" and t.showlegend is not False]
    assert legend == [
        "looked, and nobody was seen",
        "camera out all that time: not known",
        "not in the time asked about",
    ]
    assert figure.layout.showlegend
    none_out = activity(week[week["camera_id"] == "c2"])
    assert "camera out all that time: not known" not in {t.name for t in none_out.data}


def test_a_legend_of_one_entry_is_shown_and_none_where_every_cell_has_a_colour(week: Any) -> None:
    seen = week[week["sightings"] > 0].assign(out_h=0.0)
    quiet = seen.iloc[:1].assign(hour=9, sightings=0)
    figure = activity(pd.concat([seen.iloc[:1], quiet, quiet.assign(hour=10, sightings=3)]))
    assert [t.name for t in figure.data if t.type == "scatter"] == ["looked, and nobody was seen"]
    assert figure.layout.showlegend
    full = activity(seen.iloc[:1])
    assert not [t for t in full.data if t.type == "scatter"]
    assert not full.layout.showlegend


def test_what_was_not_looked_at_has_no_cell(week: Any, cameras: Any) -> None:
    figure = activity(week, cameras=cameras)
    assert ground(figure, "Attic").z[0][1] is None
    assert heat(figure, "Attic").z[0][1] is None
    assert heat(figure, "Attic").hovertext[0][1] == ""


def test_rows_are_the_weekdays_that_occur_from_the_top(week: Any, cameras: Any) -> None:
    axis = activity(week, cameras=cameras).layout.yaxis
    assert (axis.tickvals, axis.ticktext) == ((0, 1), ("Mon", "Wed"))
    assert axis.range[0] > axis.range[1]


def test_hours_are_cut_to_where_something_happened() -> None:
    rows = [("c", 0, hour, 5 if hour in (7, 19) else 0, 1.0, 0.0) for hour in range(24)]
    figure = activity(counts(*rows), display_tz=MADRID)
    assert list(heat(figure, "c").x) == [hour + 0.5 for hour in range(7, 20)]
    assert tuple(figure.layout.xaxis.range) == (7, 20)
    assert figure.layout.xaxis.title.text == "hour of the day (Europe/Madrid)"


def test_all_cameras_have_one_scale_and_the_whole_its_own(week: Any, cameras: Any) -> None:
    figure = activity(week, cameras=cameras)
    axes = {name: heat(figure, name).coloraxis for name in ("Yard", "Door", "Attic", "All")}
    assert axes == {"Yard": "coloraxis", "Door": "coloraxis", "Attic": "coloraxis",
                    "All": "coloraxis2"}  # fmt: skip
    bar = figure.layout.coloraxis.colorbar
    assert bar.title.text == "sightings<br>per hour"
    assert figure.layout.coloraxis.cmin == 0
    assert figure.layout.coloraxis.cmax == pytest.approx(200**0.5, abs=1e-3)
    assert (bar.tickvals[-1], bar.ticktext[-1]) == (pytest.approx(200**0.5, abs=1e-3), "200")
    over = figure.layout.coloraxis2.colorbar
    assert over.y > bar.y  # one above the other


@pytest.mark.parametrize("n", [1, 4, 14, 40, PANELS + 9])
def test_any_number_of_cameras(n: int) -> None:
    rows = [(f"c{i:02d}", day, hour, i + 1, 1.0, 0.0)
            for i in range(n) for day in range(7) for hour in range(24)]  # fmt: skip
    figure = activity(counts(*rows))
    maps = {t.xaxis for t in figure.data if t.type == "heatmap"}
    assert len(maps) == (1 if n == 1 else min(n, PANELS) + 1)
    layout = figure.layout
    boxes = [(*layout[f"xaxis{at[1:]}"].domain, *layout[f"yaxis{at[1:]}"].domain) for at in maps]
    for i, (left, right, low, high) in enumerate(boxes):
        assert 0 <= left < right <= 1.0001
        assert -0.0001 <= low < high <= 1
        for other in boxes[:i]:
            beside = other[1] <= left or right <= other[0]
            assert beside or other[3] <= low or high <= other[2]
    busiest = f"the {PANELS} busiest are drawn"
    assert (busiest in layout.title.subtitle.text) == (n > PANELS)
    shown = [axis for axis in layout.to_plotly_json() if axis.startswith("xaxis")]
    titles = [layout[axis].title.text for axis in shown]
    assert titles.count("hour of the day (UTC)") == 1


def test_numbers_stand_in_cells_that_are_wide_enough(week: Any, cameras: Any) -> None:
    figure = activity(week, cameras=cameras)
    assert list(heat(figure, "All").text[0]) == ["204", "2"]
    rows = [("c", 0, hour, 5, 1.0, 0.0) for hour in range(24)]
    assert heat(activity(counts(*rows)), "c").texttemplate is None


def test_what_is_at_no_camera_comes_last(week: Any, cameras: Any) -> None:
    both = pd.concat([week, counts((None, 0, 8, 1000, 1.0, 0.0))])
    figure = activity(both, cameras=cameras)
    assert headings(figure)[3] == "no camera: counted at places"


def test_light_has_more_ink_for_more_and_dark_more_light(week: Any, cameras: Any) -> None:
    def ends(figure: go.Figure) -> tuple[str, str]:
        scale = figure.layout.coloraxis.colorscale
        return scale[0][1], scale[-1][1]

    light, dark = (activity(week, cameras=cameras, theme=name) for name in ("light", "dark"))
    assert ends(light)[1] == ends(dark)[0] == "#440154"
    assert dark.layout.template.layout.paper_bgcolor == theme("dark").paper
    assert "sendChartToCloud" in light.layout.template.layout.modebar.remove
    with pytest.raises(InvalidInputError, match="sepia"):
        activity(week, theme="sepia")  # type: ignore[arg-type]


def test_names_from_data_are_escaped(week: Any, cameras: Any, hostile: str) -> None:
    cameras.loc[:, ["name", "level"]] = hostile
    week["camera_id"] = week["camera_id"].replace("c3", hostile)
    for title in (None, hostile):
        text = str(json.loads(activity(week, cameras=cameras, title=title).to_json()))
        assert "<img" not in text
        assert text.count("&lt;img") > 10


def test_nothing_seen_gives_an_empty_picture_that_says_so() -> None:
    for empty in (counts(), counts(("c1", 0, 8, 0, 1.0, 0.0))):
        figure = activity(empty)
        assert figure.layout.title.subtitle.text == "nothing was seen: nothing to draw"
        json.loads(figure.to_json())


def test_the_same_input_gives_the_same_picture(week: Any, cameras: Any) -> None:
    again = week.sample(frac=1, random_state=1)
    assert activity(week, cameras=cameras).to_json() == activity(again, cameras=cameras).to_json()


def test_what_cannot_be_drawn_is_refused(week: Any) -> None:
    with pytest.raises(InvalidInputError, match="weekday"):
        activity(week.drop(columns="weekday"))
    with pytest.raises(InvalidInputError, match="Mars"):
        activity(week, display_tz="Mars/Olympus")
