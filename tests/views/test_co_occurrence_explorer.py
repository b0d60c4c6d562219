"""The explorer of who meets whom without a browser: a hand's clicks come as plotly tells them."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

import workbench
from tests.views.conftest import HOSTILE, sightings_of
from tests.views.pairs import NAMES, ROWS, Row, chain, encounters, pairs
from workbench.analytics.gaps import gaps
from workbench.analytics.transitions import transitions
from workbench.analytics.visits import visits
from workbench.errors import InvalidInputError, MissingExtraError, NotFoundError

pytest.importorskip("ipywidgets", reason="the extra lab is not installed")

from workbench.views import CoOccurrenceExplorer, TrajectoryExplorer
from workbench.views.charts.network import HANDLES, PEOPLE, RING
from workbench.views.charts.timeline import timeline

STARTS = ("2026-01-12T08:00:05Z", "2026-01-12T08:05:00Z")


class Behind:
    """What stands behind pairs, made up; it keeps what it was asked."""

    def __init__(self, *, cameras: bool = True, overlap_s: tuple[float, ...] = (30.0, 0.0)) -> None:
        self.cameras, self.overlap_s = cameras, overlap_s
        self.asked: list[Any] = []

    def encounters(self, a: str, b: str) -> pd.DataFrame:
        self.asked.append((a, b))
        return encounters(a, b, STARTS[: len(self.overlap_s)], self.overlap_s)

    def timeline(self, a: str, b: str, met: pd.DataFrame) -> go.Figure:
        stays = pd.concat([self._stays(a), self._stays(b)], ignore_index=True)
        return timeline(stays, encounters=met, order=(a, b))

    def _stays(self, who: str) -> pd.DataFrame:
        seen = [("hall", float(second), None) for second in (0, 20, 290, 310)]
        return visits(sightings_of(seen).assign(identity_id=who), max_gap_s=30.0)

    def trajectory(
        self, ids: list[str], start: pd.Timestamp | None, end: pd.Timestamp | None
    ) -> TrajectoryExplorer:
        self.asked.append((tuple(ids), start, end))
        seen = sightings_of([("hall", float(s), None) for s in (-300, 0, 20, 310)])
        seen = seen if self.cameras else seen.iloc[:0]
        stays = visits(seen, max_gap_s=30.0)
        site = pd.DataFrame(
            {"id": ["hall"], "name": ["Hall"], "position_x": 0.0, "position_y": 0.0}
        )
        moves = transitions(stays, cameras=site)
        return TrajectoryExplorer(seen, site, visits=stays, gaps=gaps(moves, max_gap_s=30.0))


def explorer(rows: list[Row] = ROWS, behind: Behind | None = None, **more: Any) -> Any:
    behind = behind or Behind()
    given: dict[str, Any] = {
        "encounters": behind.encounters, "timeline": behind.timeline,
        "trajectory": behind.trajectory, "names": NAMES, "cameras": {"hall": "Hall"},
        "groups": {"p1": 0}, "chance": lambda a, b: np.array([0, 0, 1, 3]),
    }  # fmt: skip
    table = pairs(rows, asked=more.pop("asked", True))
    return CoOccurrenceExplorer(table, **given | more)


def by_class(widget: Any, name: str) -> Any:
    """Return the part with a class name."""
    found = [widget] if name in getattr(widget, "_dom_classes", ()) else []
    for child in getattr(widget, "children", ()):
        found += [one] if (one := by_class(child, name)) is not None else []
    return found[0] if found else None


def told(shown: Any, name: str) -> str:
    return str(by_class(shown, f"wb-{name}").value)


def part(shown: Any, name: str) -> Any:
    return next(trace for trace in shown._graph.data if trace.name == name)


def drawn(shown: Any) -> list[tuple[str, str]]:
    return [tuple(row) for row in shown._drawn[["a", "b"]].to_numpy()]


def click(trace: Any, point: int) -> None:
    """Do what the browser does when a point is clicked: tell those who listen to the trace."""
    for listener in trace._click_callbacks:
        listener(trace, SimpleNamespace(point_inds=[point]), None)


def click_dot(shown: Any, who: str) -> None:
    click(part(shown, PEOPLE), list(part(shown, PEOPLE).customdata).index(who))


def click_line(shown: Any, a: str, b: str) -> None:
    click(
        part(shown, HANDLES),
        list(part(shown, HANDLES).customdata).index(drawn(shown).index((a, b))),
    )


# ------------------------------------------------------------------ the graph
def test_the_first_pairs_are_drawn_and_everything_can_be_found() -> None:
    shown = explorer()
    assert repr(shown) == "CoOccurrenceExplorer: 5 of 5 pairs drawn"
    for name in ("title", "search", "only", "again", "reset", "count", "details", "null",
                 "encounters", "listed", "stage", "network", "least-count"):  # fmt: skip
        assert by_class(shown, f"wb-{name}") is not None, name
    assert {"wb-together", "wb-fitted"} <= set(shown._dom_classes)
    assert drawn(shown)[:2] == [("p1", "p2"), ("p4", "p5")]
    assert told(shown, "count") == "<b>5 of 5 pairs</b>, 6 people"
    assert "Click a dot" in told(shown, "details")
    assert (shown.chosen, shown.played) == ((), None)
    assert shown.selection()[["a", "b"]].to_numpy().tolist() == [list(row) for row in drawn(shown)]
    assert by_class(shown, "wb-listed").layout.display == "none"


def test_a_slider_takes_lines_and_people_away_and_leaves_the_rest_in_their_place() -> None:
    shown = explorer()
    before = dict(shown._places)
    shown._thresholds.count.value = 7
    assert drawn(shown) == [("p1", "p2"), ("p1", "p3")]
    people = part(shown, PEOPLE)
    assert list(people.customdata) == ["p1", "p2", "p3"]
    assert list(people.x) == [before[who][0] for who in people.customdata]
    assert len(people.marker.size) == 3 and len(part(shown, HANDLES).x) == 10
    assert told(shown, "count") == "<b>2 of 2 pairs</b>, 3 people"
    assert repr(shown) == "CoOccurrenceExplorer: 2 of 5 pairs drawn"
    shown.again.click()
    assert list(people.x) != [before[who][0] for who in people.customdata]
    shown._thresholds.count.value = 1
    assert len(part(shown, PEOPLE).customdata) == 6, "who comes back has a place"


def test_nothing_left_is_said_and_drawn() -> None:
    shown = explorer()
    shown._thresholds.chance.value = 0.001
    shown._thresholds.count.value = 30
    shown._thresholds.chance.value = 0.001
    shown._pairs.loc[:, "q"] = 0.9  # nothing reaches it
    shown._filter()
    assert "No pair reaches these thresholds" in told(shown, "count")
    assert shown.selection().empty and not part(shown, PEOPLE).customdata
    shown.again.click()


# ------------------------------------------------------------------ a person
def test_a_click_on_a_dot_shows_her_companions_and_her_map() -> None:
    behind = Behind()
    shown = explorer(behind=behind)
    click_dot(shown, "p1")
    assert shown.chosen == ("p1",)
    said = told(shown, "details")
    assert (
        "<b>Ann <small>p1</small></b>" in said
        and "2 companions, 1 of them more than chance" in said
    )
    assert "group 1" in said
    assert said.index("Ben") < said.index("Cem") and "1 h 07 min" in said and "0.001" in said
    assert behind.asked == [(("p1",), None, None)]
    assert isinstance(shown.played, TrajectoryExplorer)
    assert shown.selection()["b"].tolist() == ["p2", "p3"]
    ring = part(shown, RING)
    assert (ring.x[0], ring.y[0]) == shown._places["p1"]
    assert by_class(shown, "wb-listed").layout.display == "none"


def test_only_whom_she_met_is_her_neighbourhood() -> None:
    shown = explorer()
    assert shown.only.disabled
    click_dot(shown, "p6")
    assert not shown.only.disabled
    shown.only.value = True
    assert drawn(shown) == [("p5", "p6")]
    click_dot(shown, "p5")
    assert drawn(shown) == [("p4", "p5"), ("p5", "p6")]
    shown.only.value = False
    assert len(drawn(shown)) == 5


def test_where_no_camera_saw_her_there_is_no_empty_map() -> None:
    shown = explorer(behind=Behind(cameras=False))
    click_dot(shown, "p1")
    assert shown.played is None
    assert "No camera saw this" in shown._stage.children[0].value


def test_thresholds_hide_companions_and_it_is_said() -> None:
    shown = explorer()
    shown._thresholds.count.value = 10
    shown.show_person("p1")
    assert "1 of 2 companions reach the thresholds" in told(shown, "details")
    assert "Cem" not in told(shown, "details")
    assert len(shown.selection()) == 2, "but all hers are chosen"


# ------------------------------------------------------------------ a pair
def test_a_click_on_a_line_shows_the_encounters() -> None:
    behind = Behind()
    shown = explorer(behind=behind)
    click_line(shown, "p1", "p2")
    assert shown.chosen == ("p1", "p2") and behind.asked == [("p1", "p2")]
    said = told(shown, "details")
    assert "Ann <small>p1</small> &amp; Ben <small>p2</small>" in said
    assert "together 40 times at 4 cameras on 3 days" in said
    assert "4.0 expected by chance; q = 0.001" in said and "<b>more than chance</b>" in said
    listed = by_class(shown, "wb-listed")
    assert listed.layout.display == "" and "<b>2 encounters</b>" in listed.children[0].value
    assert [label for label, _ in shown.encounters.options] == [
        "Mon 12 Jan 08:00:05  Hall  together for 30 s",
        "Mon 12 Jan 08:05:00  Hall  40 s apart, no overlap",
    ]
    assert shown.selection()[["a", "b"]].to_numpy().tolist() == [["p1", "p2"]]
    assert list(part(shown, RING).x) == [shown._places[who][0] for who in ("p1", "p2")]
    assert len(shown._null.children) == 1 and len(shown._strip.children) == 1
    assert shown.encounters.index is None and shown.played is None, "nothing is played unasked"


def test_an_encounter_is_played_with_both_from_its_start() -> None:
    behind = Behind()
    shown = explorer(behind=behind)
    shown.show_pair("p1", "p2")
    shown.encounters.value = 1
    who, start, end = behind.asked[-1]
    middle = pd.Timestamp(STARTS[1])
    assert who == ("p1", "p2")
    assert (start, end) == (
        middle - pd.Timedelta(minutes=10), middle + pd.Timedelta(minutes=10, seconds=40),
    )  # fmt: skip
    assert shown.played.player.now == middle.value // 1000
    first = shown.played
    shown.encounters.value = 0
    assert shown.played is not first
    assert shown.played.player.now == pd.Timestamp(STARTS[0]).value // 1000


def test_a_click_in_the_timeline_chooses_the_encounter() -> None:
    shown = explorer()
    made: list[Any] = []
    shown._timeline = lambda *given: made.append(Behind().timeline(*given)) or made[-1]
    shown.show_pair("p1", "p2")
    drawing = _drawing(shown._strip)
    marks = next(trace for trace in drawing.data if trace.meta == "encounters")
    click(marks, list(marks.customdata).index(1))
    assert shown.encounters.value == 1
    assert shown.played.player.now == pd.Timestamp(STARTS[1]).value // 1000


def _drawing(box: Any) -> Any:
    """Return the figure that an output of a box shows."""
    import ipywidgets

    view = box.children[0].outputs[0]["data"]["application/vnd.jupyter.widget-view+json"]
    return ipywidgets.widgets.widget._instances[view["model_id"]]


def test_two_may_be_named_in_any_order() -> None:
    shown = explorer()
    shown.show_pair("p2", "p1")
    assert shown.chosen == ("p1", "p2")


def test_chance_has_no_histogram_where_it_was_not_asked_about() -> None:
    shown = explorer(asked=False)
    shown.show_pair("p1", "p2")
    assert not shown._null.children and "chance" not in told(shown, "details")
    assert "is it chance" not in told(shown, "title")
    shown = explorer(chance=None)
    shown.show_pair("p1", "p3")
    assert not shown._null.children and "chance may explain it" in told(shown, "details")


@pytest.mark.parametrize("who", ["p9", "", None, 5, object()])
def test_who_is_in_no_pair_is_refused_and_nothing_changes(who: Any) -> None:
    shown = explorer()
    shown.show_pair("p1", "p2")
    before = told(shown, "details")
    with pytest.raises(NotFoundError, match="with nobody"):
        shown.show_person(who)
    for two in (("p1", who), (who, "p1"), ("p1", "p6")):
        with pytest.raises(NotFoundError, match="are no pair here"):
            shown.show_pair(*two)
    assert shown.chosen == ("p1", "p2") and told(shown, "details") == before


def test_all_again() -> None:
    shown = explorer()
    shown.show_pair("p1", "p2")
    shown.encounters.value = 0
    shown.search.value = "Ann"
    shown.only.value = True
    shown._thresholds.count.value = 2
    shown.reset.click()
    assert (shown.chosen, shown.played, shown.search.value) == ((), None, "")
    assert shown.only.disabled and not shown.only.value and shown._thresholds.count.value == 1
    assert len(drawn(shown)) == 5 and len(shown.selection()) == 5
    assert not shown._null.children and not shown._strip.children and not shown.encounters.options
    assert "Click a dot" in told(shown, "details") and not part(shown, RING).x


def test_all_again_is_drawn_once(monkeypatch: pytest.MonkeyPatch) -> None:
    shown, painted = explorer(), []
    shown._thresholds.count.value, shown._thresholds.days.value = 2, 2
    shown._thresholds.top.value = 3
    monkeypatch.setattr(shown, "_paint", lambda: painted.append(len(shown._drawn)))
    shown.clear()
    assert painted == [5]


def test_laid_out_again_everything_is_in_view() -> None:
    shown = explorer()
    graph = next(one.drawing for one in _all(shown) if getattr(one, "drawing", None) is not None)
    made = tuple(graph.layout.xaxis.range), tuple(graph.layout.yaxis.range)
    graph.update_layout(xaxis={"range": [3, 4]}, yaxis={"range": [5, 6]})  # zoomed by a hand
    shown.again.click()
    assert (tuple(graph.layout.xaxis.range), tuple(graph.layout.yaxis.range)) == made


def _all(widget: Any) -> Iterator[Any]:
    yield widget
    for part in getattr(widget, "children", ()):
        yield from _all(part)


# ------------------------------------------------------------------ search
@pytest.mark.parametrize("text", ["Ann (p1)", "Ann", "ann", "p1", " p1 ", "NN"])
def test_somebody_is_found_by_name_id_and_part(text: str) -> None:
    shown = explorer()
    shown.search.value = text
    assert shown.chosen == ("p1",) and not shown.only.value


def test_the_list_names_everybody() -> None:
    assert explorer().search.options == (
        "Ann (p1)", "Ben (p2)", "Cem (p3)", "p4", "p5", "p6",
    )  # fmt: skip


@pytest.mark.parametrize("text", ["Zoe", "p", "(", "<script>alert(1)</script>"])
def test_an_unknown_or_unclear_name_is_said_and_is_text(text: str) -> None:
    shown = explorer()
    shown.search.value = text
    assert shown.chosen == ()
    said = told(shown, "details")
    assert "Nobody here is called" in said and "<script" not in said
    if "<" in text:
        assert "&lt;script&gt;" in said


def test_somebody_not_drawn_is_drawn_with_whom_she_met() -> None:
    rows = [*chain(90, count=5), ("q1", "q2", 1, 5.0, None)]
    shown = explorer(rows)
    assert "q1" not in part(shown, PEOPLE).customdata
    shown.search.value = "q1"
    assert shown.only.value and drawn(shown) == [("q1", "q2")]
    assert told(shown, "count") == "<b>1 of 91 pairs</b>, 2 people"
    assert part(shown, RING).x[0] == shown._places["q1"][0]
    shown._thresholds.count.value = 2
    assert "No pair of hers reaches these thresholds" in told(shown, "count")
    shown.search.value = ""
    shown.search.value = "n010"
    assert shown.chosen == ("n010",) and ("n010", "n011") in drawn(shown)


def test_after_a_click_the_same_name_can_be_searched_again() -> None:
    shown = explorer()
    shown.search.value = "Ann"
    click_dot(shown, "p5")
    assert shown.search.value == "" and shown.chosen == ("p5",)
    shown.search.value = "Ann"
    assert shown.chosen == ("p1",)
    click_line(shown, "p1", "p2")
    assert shown.search.value == ""


def test_hostile_names_are_text_everywhere() -> None:
    rows: list[Row] = [(HOSTILE, "p2", 3, 30.0, 0.01), ("p2", "p3", 1, 1.0, 0.5)]
    shown = explorer(rows, names={"p2": HOSTILE}, cameras={"hall": HOSTILE}, title=HOSTILE)
    seen = []
    for who in (HOSTILE, "p2"):
        shown.show_person(who)
        seen.append(told(shown, "details"))
    shown.show_pair(HOSTILE, "p2")
    seen += [
        told(shown, "details"),
        told(shown, "title"),
        by_class(shown, "wb-listed").children[0].value,
    ]
    shown.search.value = HOSTILE + "?"
    seen.append(told(shown, "details"))
    people, handles = part(shown, PEOPLE), part(shown, HANDLES)
    seen += [*people.text, *people.hovertext, *handles.hovertext]
    assert sum("onerror" in text for text in seen) >= 8
    assert not [text for text in seen if "<img" in text]
    # What a list offers is text already, written as it is.
    assert f"{HOSTILE} (p2)" in shown.search.options
    assert HOSTILE[:20] in shown.encounters.options[0][0]


# ------------------------------------------------------------------ nothing, and pages
def test_nobody_met_anybody() -> None:
    shown = explorer([])
    assert repr(shown) == "CoOccurrenceExplorer: 0 of 0 pairs drawn"
    assert shown.selection().empty and list(shown.selection().columns) == list(pairs([]).columns)
    shown.search.value = "Ann"
    assert "Nobody here is called" in told(shown, "details")
    shown.again.click()
    shown.reset.click()


def test_one_pair_is_enough() -> None:
    shown = explorer(ROWS[:1])
    click_line(shown, "p1", "p2")
    click_dot(shown, "p2")
    assert shown.chosen == ("p2",) and len(shown.selection()) == 1


def test_a_page_that_opens_late_is_given_what_is_drawn_now() -> None:
    shown = explorer()
    shown._thresholds.count.value = 7
    click_dot(shown, "p1")
    state = shown._graph.get_state()
    names = [trace.get("name") for trace in state["_widget_data"]]
    traces = dict(zip(names, state["_widget_data"], strict=True))
    assert list(traces[PEOPLE]["customdata"]) == ["p1", "p2", "p3"]
    assert len(traces[PEOPLE]["x"]) == 3 and len(traces[RING]["x"]) == 1
    assert state["_widget_layout"]["template"] is not None
    json.dumps([t.get("x") for t in state["_widget_data"]], default=str)


def test_pictures_sit_in_outputs_of_their_own() -> None:
    shown = explorer()
    shown.show_pair("p1", "p2")
    for name in ("network", "histogram", "encounter-timeline"):
        (output,) = by_class(shown, f"wb-{name}").outputs
        assert list(output["data"]) == ["application/vnd.jupyter.widget-view+json", "text/plain"]
    config = shown._graph._config
    assert config["displaylogo"] is False and config["scrollZoom"] is True
    assert not by_class(shown, "wb-network").outputs[0]["metadata"]


@pytest.mark.parametrize("name", ["a", "count", "overlap_s", "days", "q", "p", "expected"])
def test_a_table_that_lacks_a_column_is_refused(name: str) -> None:
    behind = Behind()
    with pytest.raises(InvalidInputError, match=f"lack the column {name}") as refused:
        CoOccurrenceExplorer(
            pairs().drop(columns=name), encounters=behind.encounters,
            timeline=behind.timeline, trajectory=behind.trajectory,
        )  # fmt: skip
    assert "bench.together.pairs()" in refused.value.next


@pytest.mark.parametrize("given", [{"theme": "grey"}, {"display_tz": "Mars/Base"}])
def test_what_is_unknown_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputError):
        explorer(**given)


def test_it_is_drawn_on_dark_too() -> None:
    shown = explorer(theme="dark")
    assert shown._graph.layout.template.layout.paper_bgcolor == "#14181D"
    shown.show_pair("p1", "p2")
    assert _drawing(shown._null).layout.template.layout.paper_bgcolor == "#14181D"


# ------------------------------------------------------------------ the small site
@pytest.fixture(scope="module")
def bench(tiny_site: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Return the small site."""
    store = tmp_path_factory.mktemp("together") / "store"
    names = ("cameras", "adjacency", "outages", "identities")
    workbench.ingest(
        store, tiny_site / "appearances.csv", quiet=True,
        floor_plan=tiny_site / "floor_plan.yaml",
        **{name: tiny_site / f"{name}.csv" for name in names},
    )  # fmt: skip
    with workbench.open(store) as found:
        yield workbench.session.Workbench(found.manager, display_tz="Europe/Madrid")


def test_the_small_site_can_be_explored(bench: Any) -> None:
    shown = bench.together.pairs().explore()
    shown.show_pair("p1", "p5")
    met = bench.together.encounters("p1", "p5")
    labels = [label for label, _ in shown.encounters.options]
    assert len(labels) == len(met) == 3
    assert labels[0].startswith("Mon 12 Jan 09:00:0") and "Entrance" in labels[0]
    assert "Europe/Madrid" in by_class(shown, "wb-listed").children[0].value
    shown.encounters.value = 2
    assert shown.played.player.now == pytest.approx(met["start"].iloc[2].value // 1000, abs=10_000)
    who = set(shown.played.selection()["identity_id"])
    assert who == {"p1", "p5"}
    shown.show_person("p5")
    assert set(shown.played.selection()["identity_id"]) == {"p5"}
    assert bench.together.pairs(min_days=2).explore().selection().empty


def test_pairs_of_a_range_of_time_play_that_range(bench: Any) -> None:
    shown = bench.together.pairs(end="2026-01-12T08:00:05Z").explore()
    shown.show_pair("p1", "p5")
    assert len(shown.encounters.options) == 1
    shown.show_person("p1")
    assert shown.played.selection()["timestamp"].max() < pd.Timestamp("2026-01-12T08:00:05Z")


def test_what_is_not_installed_is_named(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    monkeypatch.delitem(sys.modules, "workbench.views.explorers.co_occurrence_explorer")
    with pytest.raises(MissingExtraError) as missing:
        bench.together.pairs().explore()
    assert missing.value.next == "pip install 'identity-workbench[lab]'"
