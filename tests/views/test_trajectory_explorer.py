"""The explorer of trajectories without a browser: what a hand does is told as plotly tells it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

import workbench
from workbench.errors import InvalidInputError, MissingExtraError, NotFoundError
from workbench.views.explorers import trajectory_explorer as module
from workbench.views.style import identity_colour

HOSTILE = "<img src=x onerror=alert(1)>"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)


@pytest.fixture(scope="module")
def bench(tiny_site: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Return the small site, in which p3 has a hostile name."""
    store = tmp_path_factory.mktemp("explorer") / "store"
    names = ("cameras", "adjacency", "outages", "identities")
    workbench.ingest(
        store, tiny_site / "appearances.csv", quiet=True,
        floor_plan=tiny_site / "floor_plan.yaml",
        **{name: tiny_site / f"{name}.csv" for name in names},
    )  # fmt: skip
    with workbench.open(store) as found:
        found.identities.create("hostile", name=HOSTILE)
        found.identities.link(["u01", "u02"], "hostile")
        yield found


def at(clock: str) -> pd.Timestamp:
    return pd.Timestamp(f"2026-01-12T{clock}+01:00").tz_convert("UTC")


def strip_of(explorer: Any) -> Any:
    return explorer._stage._strip


def drag(explorer: Any, start: str, end: str) -> None:
    """Brush the timeline as the browser tells it: in local time of the picture."""
    box = {"xref": "x", "yref": "y", "type": "rect", "y0": 0, "y1": 1}
    ends = {"x0": f"2026-01-12 {start}", "x1": f"2026-01-12 {end}"}
    strip_of(explorer).plotly_relayout({"selections": [box | ends]})


def dots(explorer: Any) -> Any:
    stage = explorer._stage
    return stage._map.data[next(iter(stage._paths.dots.values()))]


def point(explorer: Any, appearance: str) -> tuple[Any, Any]:
    """Return the trace of the sightings and what plotly says of a click on one of them."""
    stage, trace = explorer._stage, dots(explorer)
    ids = stage._vertices["id"].iloc[list(trace.customdata)].tolist()
    return trace, SimpleNamespace(point_inds=[ids.index(appearance)])


def test_all_is_chosen_until_something_is(bench: Any) -> None:
    explorer = bench.tracks.trajectory("p1").explore()
    assert explorer.selection()["id"].tolist() == [f"a0{n}" for n in range(1, 9)]
    assert list(explorer.selection().columns) == list(bench.tracks.trajectory("p1").to_frame())
    assert repr(explorer) == "TrajectoryExplorer of 8 sightings"
    assert "8 of 8 sightings" in explorer._count.value
    assert explorer.brush is None and explorer._clear.layout.display == "none"


def test_dragging_over_the_timeline_chooses_a_time(bench: Any) -> None:
    explorer = bench.tracks.trajectory("p1").explore()
    drag(explorer, "08:00:04", "08:00:11.5")  # the picture is in UTC; before the end is not at it
    assert explorer.selection()["id"].tolist() == ["a03", "a04"]
    assert "2 of 8 sightings" in explorer._count.value and "a04" in explorer._table.value
    assert "a05" not in explorer._table.value
    strong = [colour == identity_colour("p1") for colour in dots(explorer).marker.color]
    assert strong == [False, False, True, True, False, False, False, False]
    assert strip_of(explorer).layout.shapes[1].visible is True
    explorer.clear()
    assert len(explorer.selection()) == 8 and explorer.brush is None
    assert set(dots(explorer).marker.color) == {identity_colour("p1")}
    assert strip_of(explorer).layout.shapes[1].visible is False


def test_a_time_may_be_chosen_in_python(bench: Any) -> None:
    explorer = bench.tracks.explore(["p1", "p5"])
    explorer.brush = (at("09:00:00"), at("09:00:02"))
    assert explorer.selection()["id"].tolist() == ["a01", "e01"]


def test_a_lasso_chooses_marks_and_a_brush_among_them(bench: Any) -> None:
    explorer = bench.tracks.trajectory("p1").explore()
    trace, inside = point(explorer, "a02")
    inside.point_inds += point(explorer, "a08")[1].point_inds
    explorer._stage._lassoed(trace, inside, None)
    assert explorer.selection()["id"].tolist() == ["a02", "a08"]
    explorer.brush = (at("09:01:00"), at("09:02:00"))
    assert explorer.selection()["id"].tolist() == ["a08"]
    explorer.clear()
    assert len(explorer.selection()) == 8


def test_a_page_that_opens_late_gets_what_is_drawn_now(bench: Any) -> None:
    explorer = bench.tracks.trajectory("p1").explore()
    drag(explorer, "08:00:04", "08:00:11.5")
    assert strip_of(explorer).get_state()["_widget_layout"]["shapes"][1]["visible"] is True
    # What the browser leaves undefined comes as plotly's own mark for it.
    figure = explorer._stage._map
    figure.plotly_relayout({"selections": [{"x0": 1, "opacity": object()}]})
    layout = figure.get_state()["_widget_layout"]
    assert layout["selections"] == [{"x0": 1}]
    json.dumps(layout)


def test_a_mark_that_is_a_visit_stands_for_all_its_sightings(
    tiny_site: Path, tmp_path: Path
) -> None:
    rows = pd.read_csv(tiny_site / "appearances.csv", dtype="str")
    rows.drop(columns=["floor_x_m", "floor_y_m"]).to_csv(tmp_path / "rows.csv", index=False)
    workbench.ingest(
        tmp_path / "s", tmp_path / "rows.csv", cameras=tiny_site / "cameras.csv", quiet=True
    )
    with workbench.open(tmp_path / "s") as bench:
        explorer = bench.tracks.trajectory("p1").explore()
        explorer._stage._lassoed(*point(explorer, "a04"), None)
        assert explorer.selection()["id"].tolist() == ["a04", "a05"]


def test_a_click_says_what_is_known_and_goes_there(bench: Any) -> None:
    asked = []
    track = bench.tracks.trajectory("p1")
    explorer = track.explore(crop=lambda one: asked.append(one) or PNG)
    explorer._stage._dot_clicked(*point(explorer, "a06"), None)
    assert explorer.clicked == "a06" and asked == ["a06"]
    said = explorer._details.value
    assert "Laboratory" in said or "lab" in said
    for part in ("2026-01-12 08:00:16", "0.96", "0.95", "data:image/png;base64,", "row 8"):
        assert part in said, part
    assert explorer.player.now == at("09:00:16").value // 1000


def test_a_click_on_the_timeline_is_on_a_visit(bench: Any) -> None:
    explorer = bench.tracks.trajectory("p1").explore()
    bars = next(t for t in strip_of(explorer).data if t.customdata is not None)
    explorer._stage._visit_clicked(bars, SimpleNamespace(point_inds=[3]), None)  # the second visit
    assert explorer.clicked == "a04"


def test_text_from_data_stays_text(bench: Any) -> None:
    explorer = bench.tracks.explore(["p1", "hostile"])
    explorer._stage._dot_clicked(*point(explorer, "u01"), None)
    places = [explorer._details.value, explorer._table.value]
    places += [explorer._stage._map.to_json(), strip_of(explorer).to_json()]
    for text in places:
        assert "onerror" in text, "the name is not there at all"
        assert "<img src=x" not in text and "\\u003cimg src=x" not in text


def test_jumping_stepping_and_playing(bench: Any) -> None:
    player = bench.tracks.trajectory("p1").explore().player
    start = at("09:00:00").value // 1000
    assert (player.first, player.now) == (start, start)
    player.to_following()
    assert player.now == start + 2_000_000
    player.speed.value = 5
    player.step(1)
    assert player.now == start + 7_000_000
    player.to_preceding()
    assert player.now == start + 4_000_000
    player.step(-1)
    assert player.now == start
    assert player.play.step * player._unit == 500_000, "a tenth of a second of playing, at 5x"


def test_playing_skips_what_nobody_saw(bench: Any) -> None:
    player = bench.tracks.trajectory("p1").explore().player
    player.speed.value, player.play.playing = 10, True
    player.now = player.first + 30_000_000  # four seconds after she was last seen
    assert player.now == at("09:01:56").value // 1000
    player.skip.value = False
    player.now = player.first + 40_000_000
    assert player.now == player.first + 40_000_000


def moving(explorer: Any, kind: str) -> list[dict[str, Any]]:
    """Return what is drawn over the map: the shapes of a kind, "circle" or "path"."""
    shapes = explorer._stage._map.get_state()["_widget_layout"]["shapes"]
    return [one for one in shapes if one["type"] == kind]


def test_the_mark_is_open_while_nobody_sees_her(bench: Any) -> None:
    explorer = bench.tracks.trajectory("p1").explore()
    colour = identity_colour("p1")
    explorer.player.now = at("09:00:02").value // 1000
    (head,) = moving(explorer, "circle")
    assert (head["xanchor"], head["fillcolor"]) == (3.0, colour)
    assert head["line"]["color"] != colour and head["label"]["text"] == "Ana Ruiz"
    assert head["name"] == "<b>Ana Ruiz (p1)</b><br>seen now"
    explorer.player.now = at("09:00:40").value // 1000
    (head,) = moving(explorer, "circle")
    assert head["xanchor"] == 18.0
    assert head["fillcolor"] != colour and head["line"]["color"] == colour
    assert "not seen for 14 s" in head["name"]
    assert strip_of(explorer).layout.shapes[0].x0.startswith("2026-01-12 08:00:40")


def test_the_trail_is_a_line_in_her_colour_with_breaks(bench: Any) -> None:
    explorer = bench.tracks.trajectory("p1").explore()
    explorer.player.now = at("09:00:18").value // 1000
    (trail,) = moving(explorer, "path")
    assert trail["line"]["color"] == identity_colour("p1")
    assert trail["path"].startswith("M1,") and trail["path"].count("M") == 3, trail["path"]
    explorer.player.trail.value = 0.0
    assert moving(explorer, "path") == []


def test_what_moves_is_one_message_that_holds_no_trace(
    bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    explorer, sent = bench.tracks.explore(["p1", "p2"]), []
    for figure in (explorer._stage._map, strip_of(explorer)):
        monkeypatch.setattr(figure, "_send_relayout_msg", lambda data, **_: sent.append(list(data)))
        for name in ("_send_update_msg", "_send_restyle_msg"):
            monkeypatch.setattr(figure, name, lambda *_, **__: pytest.fail("the dots are sent"))
    explorer.player.now = at("09:00:12").value // 1000
    assert sent == [["shapes"], ["shapes"]]


def test_several_have_their_own_colours_and_lanes(bench: Any) -> None:
    explorer = bench.tracks.explore(["p1", "p2", "p5"])
    colours = set(dots(explorer).marker.color)
    assert colours == {identity_colour(one) for one in ("p1", "p2", "p5")}
    assert len(strip_of(explorer).layout.yaxis.ticktext) == 3
    alone = bench.tracks.trajectory("p2").explore()
    assert len(strip_of(alone).layout.yaxis.ticktext) == 4, "for one person lanes are cameras"
    outage = [text.text for text in alone._stage._map.layout.annotations if "outage" in text.text]
    assert outage == ["outage: Corridor"]


def test_beyond_what_plotly_can_draw_it_is_our_widget(
    bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST", 5)
    explorer = bench.tracks.explore(["p1", "p5"])
    cloud = explorer._stage._cloud
    assert repr(cloud) == "PointCloud(11 points)"
    explorer.brush = (at("09:00:00"), at("09:00:02"))
    assert tuple(cloud.time_window) == (0.0, 2.0)
    cloud.brush = (2.0, 4.1)
    assert explorer.selection()["id"].tolist() == ["a02", "a03"]
    explorer.clear()
    assert cloud.brush is None and len(explorer.selection()) == 11
    cloud.select([0, 3])
    assert explorer.selection()["id"].tolist() == ["a01", "a03"]
    cloud._click = [1, 1]
    assert explorer.clicked == "e01" and "p5" in explorer._details.value
    assert cloud.now == 1.0
    explorer.player.to_following()
    assert cloud.now == 2.0


def test_what_is_missing_is_said(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NotFoundError, match="nobody"):
        bench.tracks.explore(["p1", "nobody"])
    with pytest.raises(InvalidInputError, match="Nobody is named"):
        bench.tracks.explore([])
    with pytest.raises(NotFoundError, match="attic"):
        bench.tracks.trajectory("p1").explore(level="attic")
    name = "workbench.views.explorers.trajectory_explorer"
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    monkeypatch.delitem(sys.modules, name)
    with pytest.raises(MissingExtraError) as missing:
        bench.tracks.trajectory("p1").explore()
    assert missing.value.next == "pip install 'identity-workbench[lab]'"


def test_somebody_who_was_never_seen_has_an_empty_one(bench: Any) -> None:
    bench.identities.create("unseen")
    explorer = bench.tracks.trajectory("unseen").explore()
    assert explorer.selection().empty and explorer.player.now == 0
    explorer.player.to_following()
    explorer.clear()
