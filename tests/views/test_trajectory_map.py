"""The map by its structure: traces, axes, hovers, what is said and what is escaped."""

from __future__ import annotations

import base64
import io
import json
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
from PIL import Image

from workbench import schema
from workbench.errors import InvalidInputError, NotFoundError
from workbench.views import style
from workbench.views.maps.stays import DRAWN
from workbench.views.maps.trajectory_map import trajectory_map


def trace(figure: go.Figure, name: str, mode: str = "") -> go.Scatter:
    return next(t for t in figure.data if t.name == name and mode in t.mode)


def tags(figure: go.Figure) -> list[str]:
    """Return what the small frames with numbers of visits say."""
    notes = (note for note in figure.layout.annotations if note.bordercolor)
    return [note.text.removeprefix("<b>").removesuffix("</b>") for note in notes]


def names(figure: go.Figure) -> set[str]:
    return {t.name for t in figure.data}


def test_one_metre_is_as_long_up_as_across(scene: Any) -> None:
    layout = trajectory_map(**scene).layout
    assert (layout.yaxis.scaleanchor, layout.yaxis.scaleratio) == ("x", 1)
    assert (layout.xaxis.title.text, layout.yaxis.title.text) == ("east (m)", "north (m)")


def test_what_is_drawn(scene: Any) -> None:
    assert names(trajectory_map(**scene)) == {
        "way between cameras",
        "field of view",
        "path (colour: time)",
        "casing",
        "seen",
        "1, 2, 3: visits in order of time",
        "not followed, 30 s at most",
        "nobody saw",
        "sighting",
        "camera",
        "camera, out for a time",
        "start and end",
    }


def test_measured_positions_stand_where_they_were(scene: Any) -> None:
    dots = trace(trajectory_map(**scene), "sighting")
    assert list(dots.x[:2]) == [1.0, 2.0]
    assert list(dots.y[:2]) == [1.0, 1.0]


def test_a_visit_without_positions_is_one_dot_before_its_camera(scene: Any) -> None:
    dots = trace(trajectory_map(**scene), "sighting")
    assert len(dots.x) == 4  # two positions, two visits in the hall
    assert all(x > 10 for x in dots.x[2:])  # the hall camera at (10, 0) looks east
    assert (dots.x[2], dots.y[2]) != (dots.x[3], dots.y[3])
    assert dots.marker.size[2] > dots.marker.size[3]  # 10 s against a moment


def test_colour_is_time_and_the_bar_gives_local_times(scene: Any) -> None:
    figure = trajectory_map(**scene)
    assert list(trace(figure, "sighting").marker.color) == [0.0, 2.0, 10.0, 120.0]
    axis = figure.layout.coloraxis
    assert (axis.cmin, axis.cmax, axis.colorscale[0][1]) == (0, 120.0, "#440154")
    assert axis.colorbar.ticktext[0] == "09:00:00"
    assert axis.colorbar.ticktext[-1] == "09:02:00"
    assert axis.colorbar.title.text == "local time on 2026-01-12 (Europe/Madrid)"


def test_a_hover_names_a_path_and_not_a_description(scene: Any) -> None:
    scene["sightings"]["frame_path"] = "frames/0017.png"
    assert "frames/0017.png" in trace(trajectory_map(**scene), "sighting").hovertext[0]
    scene["sightings"]["frame_path"] = "silhouette:v1;top=3b5d8a"
    shown = trace(trajectory_map(**scene), "sighting").hovertext[0]
    assert "silhouette" not in shown
    assert "cams.csv" in shown  # where the row came from is said instead


def test_legend_and_colour_bar_stand_apart(scene: Any) -> None:
    layout = trajectory_map(**scene).layout
    bar, legend = layout.coloraxis.colorbar, layout.legend
    assert (bar.orientation, bar.y, bar.yref) == ("h", 0, "container")  # below everything
    assert (legend.yref, legend.yanchor) == ("container", "bottom")  # more rows grow upwards
    assert legend.y * layout.height > 50  # above the bar, its ticks and its title


def test_each_kind_stands_in_the_legend_once(scene: Any) -> None:
    scene["cameras"]["level"] = ["1", "0", "0"]
    entries = [t.name for t in trajectory_map(**scene).data if t.showlegend is not False]
    assert len(entries) == len(set(entries))
    assert {"path (colour: time)", "camera", "field of view", "change of level"} <= set(entries)


def test_dashed_only_where_nobody_saw(scene: Any) -> None:
    figure = trajectory_map(**scene)
    dashed = trace(figure, "nobody saw", "lines")
    assert dashed.line.dash == "dash"
    assert list(dashed.x).count(None) == 1
    seen = [t for t in figure.data if t.name == "seen"]
    assert sum(list(t.x).count(None) for t in seen) == 1
    assert all(t.line.dash is None for t in seen)


def test_from_camera_to_camera_it_is_dotted_where_nobody_followed(scene: Any) -> None:
    figure = trajectory_map(**scene)
    dotted = trace(figure, "not followed, 30 s at most", "lines")
    assert dotted.line.dash == "dot"
    dots = trace(figure, "sighting")
    assert list(dotted.x) == [dots.x[1], dots.x[2], None]  # from the door to the hall
    told = trace(figure, "not followed, 30 s at most", "markers").hovertext
    assert told[0].split("<br>") == [
        "<b>p1</b>",
        "<b>nobody saw for 8 s</b>",
        "2026-01-12 09:00:02 – 09:00:10 Europe/Madrid",
        "Door (door) → Hall (hall)",
        "no sighting is not absence",
    ]
    assert "10 s at most" in str(names(trajectory_map(**scene, max_gap_s=10)))


def test_cameras_that_see_her_at_once_are_joined_by_what_was_seen(scene: Any, walk: Any) -> None:
    rows = [("door", 0, 1.0), ("hall", 3, 8.0), ("door", 5, 2.0), ("hall", 9, 9.0)]
    figure = trajectory_map(**scene | {"sightings": walk(rows), "gaps": None})
    assert not {name for name in names(figure) if "not followed" in name}
    # A third camera that goes on seeing her does not show the way between two others.
    rows = [("yard", 0, 1.0), ("hall", 1, 5.0), ("door", 8, 2.0), ("yard", 12, 3.0)]
    figure = trajectory_map(**scene | {"sightings": walk(rows), "gaps": None})
    told = trace(figure, "not followed, 30 s at most", "markers").hovertext
    assert [text.split("<br>")[1] for text in told] == ["<b>seen meanwhile by another camera</b>"]


def test_visits_have_their_number_in_order_of_time(scene: Any, walk: Any) -> None:
    figure = trajectory_map(**scene)
    assert tags(figure) == ["1", "2", "3"]
    hovers = trace(figure, "sighting").hovertext
    assert [text.split("<br>")[2 + 1].split(":")[0] for text in hovers] == [
        "visit 1 of 3", "visit 1 of 3", "visit 2 of 3", "visit 3 of 3"
    ]  # fmt: skip
    rows = [(("door", "hall")[i % 2], 100 * i, 5.0 + 12 * (i % 2)) for i in range(12)]
    assert tags(trajectory_map(**scene | {"sightings": walk(rows)})) == ["1, 3, 5 …", "2, 4, 6 …"]


def test_one_visit_and_several_people_have_no_numbers(scene: Any, walk: Any) -> None:
    one = trajectory_map(**scene | {"sightings": walk([("door", 0, 1.0)])})
    two = walk([("door", 0, 1.0), ("hall", 60, 5.0)]).assign(identity_id=["p1", "p2"])
    for figure in (one, trajectory_map(**scene | {"sightings": two})):
        assert tags(figure) == []
        assert "1, 2, 3: visits in order of time" not in names(figure)


def test_hovers_name_the_person(scene: Any, hostile: str) -> None:
    people = pd.DataFrame({"id": ["p1"], "name": [hostile]})
    text = str([t.hovertext for t in trajectory_map(**scene, identities=people).data])
    assert "<b>&lt;img src=x onerror=alert(1)&gt; (p1)</b>" in text
    assert hostile not in text


def test_labels_leave_the_words_of_a_drawing_free(scene: Any) -> None:
    def place(ink: tuple[int, int, int, int] | None) -> tuple[float, float]:
        drawing = Image.new("RGB", (200, 100), "white")
        if ink:
            drawing.paste((0, 0, 0), ink)
        out = io.BytesIO()
        drawing.save(out, "PNG")
        scene["floor_plans"]["image"] = [out.getvalue()]
        notes = trajectory_map(**scene).layout.annotations
        (start,) = (note for note in notes if "start" in note.text)
        return start.ax, start.ay

    free = place(None)
    # All black above or below, where the words stood: they go to the other side.
    other = place((24, 0, 90, 78) if free[1] < 0 else (24, 82, 90, 100))
    assert other[1] * free[1] < 0


def test_another_camera_that_saw_her_closes_the_gap(scene: Any, walk: Any) -> None:
    rows = [("door", 0, None), ("hall", 1, None), ("hall", 30, None), ("hall", 59, None)]
    scene["sightings"] = walk([*rows, ("door", 60, None)])
    assert "nobody saw" not in names(trajectory_map(**scene))


def test_a_dashed_stretch_begins_where_she_was_seen_last(scene: Any, walk: Any) -> None:
    rows = [("hall", 0, None), ("door", 5, 1.0), ("hall", 30, None), ("hall", 130, None)]
    scene["sightings"] = walk(rows)
    figure = trajectory_map(**scene)
    dots, dashed = trace(figure, "sighting"), trace(figure, "nobody saw", "lines")
    assert dashed.x[0] == dots.x[0] != dots.x[1]  # the visit in the hall outlasted the door's
    assert "Hall (hall) → Hall (hall)" in trace(figure, "nobody saw", "markers").hovertext[0]


def test_an_outage_is_named_on_the_dashed_stretch(scene: Any) -> None:
    figure = trajectory_map(**scene)
    notes = [note.text for note in figure.layout.annotations]
    assert "outage: Hall" in notes
    hover = trace(figure, "nobody saw", "markers").hovertext[0]
    assert "nobody saw for 1 min 40 s" in hover
    assert "reason: outage of Hall (hall)" in hover
    assert "2026-01-12 09:00:20 – 09:02:00 Europe/Madrid" in hover
    out = trace(figure, "camera, out for a time")
    assert out.marker.symbol == "x"
    assert "out 2026-01-12 09:01:00 – 2026-01-12 09:01:30" in out.hovertext[0]


def test_start_and_end_are_marked(scene: Any) -> None:
    figure = trajectory_map(**scene)
    notes = [note.text for note in figure.layout.annotations if note.showarrow]
    assert notes[:2] == ["<b>start</b> 09:00:00", "<b>end</b> 09:02:00"]
    assert list(trace(figure, "start and end").marker.symbol) == ["circle-open", "square-open"]


def test_hovers_say_who_where_when_how_sure_and_from_what(scene: Any) -> None:
    first, _, third, _ = trace(trajectory_map(**scene), "sighting").hovertext
    assert first.split("<br>") == [
        "<b>p1</b>",
        "Door (door)",
        "2026-01-12 09:00:00 Europe/Madrid",
        "visit 1 of 3: 2 s, 2 sightings",
        "confidence of the link 0.75",
        "linked: manual",
        "a000 · frame 17",
        "cams.csv, row 3",
        "<i>at (1.0, 1.0) m</i>",
    ]
    assert "2026-01-12 09:00:10 – 09:00:20 Europe/Madrid" in third
    assert "the exact spot is unknown" in third


def test_hostile_text_is_escaped_everywhere(scene: Any, hostile: str) -> None:
    scene["sightings"]["identity_id"] = hostile
    scene["sightings"]["method"] = hostile
    scene["sightings"]["source_file"] = hostile
    scene["sightings"]["tracking_id"] = hostile
    scene["cameras"]["name"] = hostile
    scene["gaps"]["identity_id"] = hostile
    for title in (None, hostile):
        # Read back: as JSON plotly writes every < as a number.
        text = str(json.loads(trajectory_map(**scene, title=title).to_json()))
        assert "<img" not in text
        assert text.count("&lt;img") > 10


def test_no_button_sends_the_chart_anywhere(scene: Any) -> None:
    removed = trajectory_map(**scene).layout.template.layout.modebar.remove
    assert "sendChartToCloud" in removed


def test_the_floor_plan_lies_where_it_should(scene: Any) -> None:
    figure = trajectory_map(**scene)
    image = figure.layout.images[0]
    assert (image.x, image.y, image.sizex, image.sizey) == (-1.0, 9.0, 20.0, 10.0)
    head, data = image.source.split(",")
    assert head == "data:image/png;base64"
    assert base64.b64decode(data) == scene["floor_plans"]["image"][0]
    assert figure.layout.xaxis.range[0] < -1.0  # all of it is in view
    assert figure.layout.yaxis.range[1] > 9.0


def test_a_floor_plan_of_another_kind_is_refused(scene: Any) -> None:
    scene["floor_plans"]["media_type"] = "image/svg+xml"
    with pytest.raises(InvalidInputError, match="svg"):
        trajectory_map(**scene)


def test_without_any_position_cameras_stand_on_a_circle(scene: Any, walk: Any) -> None:
    scene["cameras"] = schema.CAMERA.empty()
    scene["floor_plans"] = None
    scene["sightings"] = walk([("3", 0, None), ("1", 5, None), ("2", 9, None), ("1", 20, None)])
    figure = trajectory_map(**scene)
    assert "stand on a circle, distances mean nothing" in figure.layout.title.subtitle.text
    assert figure.layout.xaxis.visible is False
    cameras = trace(figure, "camera")
    assert list(cameras.text) == ["1", "2", "3"]
    assert np.hypot(cameras.x, cameras.y) == pytest.approx(10.0)


def test_a_camera_without_position_stands_below_and_the_map_says_so(scene: Any) -> None:
    scene["cameras"].loc[1, ["position_x", "position_y"]] = np.nan
    figure = trajectory_map(**scene)
    assert "cameras below the plan: position unknown" in figure.layout.title.subtitle.text
    out = trace(figure, "camera, out for a time")
    assert out.y[0] < -1.0  # under the drawing, whose lower edge is at -1
    assert "position unknown" in out.hovertext[0]


def two_levels(scene: dict[str, Any]) -> dict[str, Any]:
    """Return the scene with the door on the first floor, above the rest, and a plan of each."""
    scene["cameras"]["level"] = ["first", "ground", "ground"]
    plans = pd.concat([scene["floor_plans"]] * 2, ignore_index=True)
    return scene | {"floor_plans": plans.assign(level=["ground", "first"])}


def test_every_level_she_was_on_is_drawn_to_one_scale(scene: Any) -> None:
    figure = trajectory_map(**two_levels(scene))
    layout = figure.layout
    titles = {n.yref: n.text for n in layout.annotations if "domain" in n.yref}
    assert titles == {"y domain": "<b>First floor</b>", "y2 domain": "<b>Ground floor</b>"}
    assert layout.yaxis.domain[0] > layout.yaxis2.domain[1]  # the first floor is above
    assert (layout.yaxis.scaleanchor, layout.yaxis.scaleratio) == ("x", 1)
    assert (layout.xaxis2.matches, layout.yaxis2.matches) == ("x", "y")
    assert layout.xaxis2.range == layout.xaxis.range
    assert [image.yref for image in layout.images] == ["y", "y2"]
    where = {t.yaxis: list(t.text) for t in figure.data if t.name == "camera"}
    assert "Door" in where["y"]
    assert "Door" not in where["y2"]


def test_a_tall_building_has_its_levels_side_by_side(scene: Any) -> None:
    scene = two_levels(scene)
    scene["floor_plans"]["height_px"] = 400
    layout = trajectory_map(**scene).layout
    assert layout.xaxis.domain[1] < layout.xaxis2.domain[0]
    assert layout.yaxis.domain == layout.yaxis2.domain


def test_a_change_of_level_is_marked_where_it_happens(scene: Any) -> None:
    figure = trajectory_map(**two_levels(scene))
    up, down = (t for t in figure.data if t.name == "change of level")
    assert (up.yaxis, down.yaxis) == ("y", "y2")
    assert (list(up.x), list(up.marker.symbol)) == ([2.0], ["triangle-down"])
    assert list(down.marker.symbol) == ["triangle-down"]
    assert "<b>down to ground floor</b>" in up.hovertext[0]
    assert "Door (door) → Hall (hall)" in up.hovertext[0]
    assert "<b>down from first floor</b>" in down.hovertext[0]
    notes = [n for n in figure.layout.annotations if n.showarrow and "down" in n.text]
    assert [(n.text, n.yref) for n in notes] == [("down to ground floor 09:00", "y")]
    # No line leads across the sheet.
    seen = [t for t in figure.data if t.name == "seen"]
    assert sum(list(t.x).count(None) for t in seen) == 1


def test_the_outage_that_hides_a_change_of_level_is_named(scene: Any) -> None:
    scene = two_levels(scene)
    scene["sightings"]["camera_id"] = ["hall", "hall", "hall", "hall", "door"]
    scene["gaps"]["to_camera"] = "door"
    figure = trajectory_map(**scene)
    notes = [n.text for n in figure.layout.annotations]
    assert "up to first floor 09:00 (outage: Hall)" in notes
    mark = next(t for t in figure.data if t.name == "change of level" and t.yaxis == "y2")
    assert "reason: outage of Hall" in mark.hovertext[0]


def test_many_changes_at_one_spot_share_their_words(scene: Any, walk: Any) -> None:
    rows = [(("door", "hall")[i % 2], 100 * i, 5.0) for i in range(13)]
    figure = trajectory_map(**two_levels(scene | {"sightings": walk(rows)}))
    notes = [n.text for n in figure.layout.annotations]
    assert "down 09:00, 09:03, 09:06 +3" in notes
    assert "up 09:01, 09:05, 09:08 +3" in notes


def test_changes_of_several_days_are_counted(scene: Any, walk: Any) -> None:
    rows = [(("door", "hall")[i % 2], 40_000 * i, 5.0) for i in range(8)]
    figure = trajectory_map(**two_levels(scene | {"sightings": walk(rows)}))
    notes = [n.text for n in figure.layout.annotations]
    assert {"down 4 times", "up to first floor 3 times"} <= set(notes)


def test_one_level_can_be_chosen(scene: Any) -> None:
    scene = two_levels(scene)
    figure = trajectory_map(**scene, level="ground")
    assert "ground floor drawn; 2 sightings on other levels are not" in str(
        figure.layout.title.subtitle.text
    )
    assert "yaxis2" not in figure.layout
    # Where she came from is said, since that level is not there to show it.
    assert "down from first floor 09:00" in [n.text for n in figure.layout.annotations]
    assert "Door" in trace(trajectory_map(**scene, level="first"), "camera").text
    with pytest.raises(NotFoundError, match="level '7'"):
        trajectory_map(**scene, level="7")


def test_time_on_an_undrawn_level_is_not_time_nobody_saw(scene: Any, walk: Any) -> None:
    seen = [("hall", 0, 1.0), ("door", 50, 1.0), ("door", 70, 1.0), ("hall", 100, 1.0)]
    scene = two_levels(scene | {"sightings": walk(seen)})
    assert "nobody saw" not in names(trajectory_map(**scene, level="ground"))


def test_levels_without_a_known_order_are_not_up_or_down(scene: Any) -> None:
    scene["cameras"]["level"] = ["west wing", "yard", "yard"]
    scene["floor_plans"] = None
    figure = trajectory_map(**scene)
    assert "over to yard 09:00" in [n.text for n in figure.layout.annotations]


def test_what_nobody_can_do_is_marked_with_words(scene: Any) -> None:
    scene["implausible"] = pd.DataFrame(
        {
            "identity_id": "p1",
            "from_appearance": ["a001", "a000"],
            "to_appearance": ["a002", "a001"],
            "from_camera": "door",
            "to_camera": "hall",
            "reason": ["too fast", "two places at once"],
            "speed_m_s": [35.2, np.nan],
            "distance_m": [211.4, 12.0],
            "gap_s": [6.0, 0.0],
        }
    )
    figure = trajectory_map(**scene)
    signs = trace(figure, "cannot be", "markers")
    assert signs.hovertext[1].startswith("<b>p1</b><br><b>cannot be: 211.4 m in 6 s</b>")
    assert "too fast: 35.2 m/s" in signs.hovertext[1]
    assert "a001 → a002" in signs.hovertext[1]
    notes = [n.text for n in figure.layout.annotations]
    assert "<b>cannot be: 211.4 m in 6 s</b>" in notes
    assert "<b>cannot be: 12.0 m apart at one moment</b>" in notes
    line = trace(figure, "cannot be", "lines")
    dots = trace(figure, "sighting")
    assert (line.x[3], line.x[4]) == (2.0, dots.x[2])  # from the floor to the visit's dot
    assert line.line.color == signs.marker.color == style.theme("light").alarm


def days(walk: Any) -> pd.DataFrame:
    """Return sightings on three days in Madrid, the second the busiest."""
    rows = [("door", 0, 1.0), ("hall", 40, None)]
    rows += [("door", 86_400 + 60 * i, 1.0 + i) for i in range(30)]
    return walk([*rows, ("hall", 2 * 86_400, 3.0), ("door", 2 * 86_400 + 15 * 3600, 3.0)])


def test_of_several_days_the_busiest_is_shown_and_the_others_can_be_picked(
    scene: Any, walk: Any
) -> None:
    figure = trajectory_map(**scene | {"sightings": days(walk)})
    picker = figure.layout.updatemenus[0]
    labels = ["all 4 days", "Mon 12 Jan", "Tue 13 Jan", "Wed 14 Jan", "Thu 15 Jan"]
    assert [button.label for button in picker.buttons] == labels
    assert picker.active == 2
    assert "first shown: Tue 13 Jan, the busiest day, 30 sightings" in str(
        figure.layout.title.subtitle.text
    )
    shown = [t for t in figure.data if t.visible and t.name == "sighting"]
    assert [len(t.x) for t in shown] == [30]
    assert figure.layout.coloraxis.colorbar.ticktext[0] == "09:00:00"


def test_a_picked_day_changes_traces_notes_and_colours(scene: Any, walk: Any) -> None:
    figure = trajectory_map(**scene | {"sightings": days(walk)})
    everything, monday, *_ = figure.layout.updatemenus[0].buttons
    changed, layout = monday.args
    seen = [t for t, v in zip(figure.data, changed["visible"], strict=True) if v]
    assert [len(t.x) for t in seen if t.name == "sighting"] == [2]
    assert {"camera", "field of view", "way between cameras"} <= {t.name for t in seen}
    assert layout["coloraxis.cmax"] == 40.0
    assert layout["coloraxis.colorbar.ticktext"][-1] == "09:00:40"
    texts = [note["text"] for note in layout["annotations"] if note["showarrow"]]
    assert texts[:2] == ["<b>start</b> 09:00:00", "<b>end</b> 09:00:40"]
    seen = [t for t, v in zip(figure.data, everything.args[0]["visible"], strict=True) if v]
    assert sum(len(t.x) for t in seen if t.name == "sighting") == 34


def test_a_few_stops_on_several_days_are_shown_together(scene: Any, walk: Any) -> None:
    scene["sightings"] = walk([("door", 0, 1.0), ("hall", 2 * 86_400, None)])
    figure = trajectory_map(**scene)
    assert figure.layout.updatemenus[0].active == 0
    assert "busiest" not in figure.layout.title.subtitle.text


def test_names_that_have_no_room_are_left_to_the_hover(scene: Any) -> None:
    scene["cameras"] = pd.concat(
        [scene["cameras"].assign(id=lambda c, i=i: c["id"] + "b" * i) for i in range(8)],
        ignore_index=True,
    ).assign(name="A camera with a long name")
    cameras = trace(trajectory_map(**scene), "camera")
    assert 0 < sum(text != "" for text in cameras.text) < len(cameras.text)
    assert all("A camera with a long name" in hover for hover in cameras.hovertext)


@pytest.mark.parametrize("name", ["light", "dark"])
def test_nothing_drawn_is_lost_on_its_surface(scene: Any, name: str) -> None:
    figure = trajectory_map(**scene, theme=name)
    look = style.theme(name)
    assert figure.layout.template.layout.paper_bgcolor == look.paper
    assert trace(figure, "camera").marker.color == look.ink
    assert trace(figure, "camera").textfont.shadow == look.halo
    assert trace(figure, "nobody saw", "lines").line.color == look.soft
    assert all(n.font.color in (look.ink, look.alarm) for n in figure.layout.annotations)


def test_a_floor_plan_is_turned_round_on_dark(scene: Any) -> None:
    picture = io.BytesIO()
    drawn = Image.new("RGB", (200, 100), "white")
    drawn.putpixel((0, 0), (0, 0, 0))
    drawn.save(picture, "PNG")
    scene["floor_plans"]["image"] = [picture.getvalue()]
    image = trajectory_map(**scene, theme="dark").layout.images[0]
    turned = Image.open(io.BytesIO(base64.b64decode(image.source.split(",")[1]))).convert("RGB")
    look = style.theme("dark")
    black, white = ("#{:02X}{:02X}{:02X}".format(*turned.getpixel(at)) for at in ((0, 0), (9, 9)))
    assert (white, black) == (look.paper, look.ink)


def test_a_floor_plan_that_cannot_be_read_is_faint_on_dark(scene: Any) -> None:
    scene["floor_plans"]["image"] = [b"no picture"]
    image = trajectory_map(**scene, theme="dark").layout.images[0]
    assert base64.b64decode(image.source.split(",")[1]) == b"no picture"
    assert image.opacity < 0.5


def test_ten_thousand_points_are_thinned_and_the_map_says_so(scene: Any) -> None:
    n = 10_000
    step = np.arange(n)
    scene["sightings"] = pd.DataFrame(
        {
            "id": "r" + pd.Series(step).astype("str"),
            "identity_id": "p1",
            "camera_id": np.where(step < 6_000, "door", "hall"),
            "timestamp": pd.Timestamp("2026-01-12T08:00Z") + pd.to_timedelta(step, unit="s"),
            "floor_x_m": step / 1000,
            "floor_y_m": 1.0,
        }
    ).astype({"camera_id": "str"})
    figure = trajectory_map(**scene)
    dots = trace(figure, "sighting")
    assert DRAWN * 0.9 < len(dots.x) < DRAWN * 1.1
    assert {0.0, 5.999, 6.0, 9.999} <= set(dots.x)  # first and last of both visits
    assert "of 10,000 positions drawn" in figure.layout.title.subtitle.text
    assert "nobody saw" not in names(figure)


def test_no_sighting_gives_an_empty_map_that_says_so(scene: Any) -> None:
    scene["sightings"] = schema.SIGHTING.empty()
    figure = trajectory_map(**scene)
    assert figure.layout.title.subtitle.text == "no sighting at a camera: nothing to draw"
    assert figure.layout.coloraxis.showscale is False


def test_contacts_at_places_are_not_drawn(scene: Any) -> None:
    scene["sightings"]["place_id"] = "hall"
    scene["sightings"]["camera_id"] = pd.Series([None] * 5, dtype="str")
    assert "nothing to draw" in trajectory_map(**scene).layout.title.subtitle.text


def test_one_single_sighting(scene: Any) -> None:
    scene["sightings"] = scene["sightings"].iloc[:1]
    figure = trajectory_map(**scene)
    assert list(trace(figure, "sighting").x) == [1.0]
    assert figure.layout.coloraxis.colorbar.ticktext == ("09:00:00",)


def test_several_days_show_the_date(scene: Any, walk: Any) -> None:
    scene["sightings"] = walk([("door", 0, 1.0), ("hall", 2 * 86_400, None)])
    figure = trajectory_map(**scene)
    assert figure.layout.coloraxis.colorbar.ticktext[0] == "12 Jan 09:00"
    assert figure.layout.annotations[-1].text == "<b>end</b> 14 Jan 09:00"


def test_the_same_input_gives_the_same_picture(scene: Any) -> None:
    again = dict(scene, sightings=scene["sightings"].sample(frac=1, random_state=1))
    assert trajectory_map(**scene).to_json() == trajectory_map(**again).to_json()
    json.loads(trajectory_map(**scene).to_json())


def test_what_cannot_be_drawn_is_refused(scene: Any) -> None:
    with pytest.raises(InvalidInputError, match="camera_id"):
        trajectory_map(**dict(scene, sightings=scene["sightings"].drop(columns="camera_id")))
    with pytest.raises(InvalidInputError, match="Mars"):
        trajectory_map(**dict(scene, display_tz="Mars/Olympus"))
    with pytest.raises(InvalidInputError, match="sepia"):
        trajectory_map(**dict(scene, theme="sepia"))
