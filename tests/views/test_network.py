"""The graph of who meets whom: where people stand, how lines look, and what is said."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Any

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.views.conftest import HOSTILE
from tests.views.pairs import NAMES, ROWS, Row, chain, clique, pairs
from workbench.errors import InvalidInputError
from workbench.views import style
from workbench.views.charts import network as module
from workbench.views.charts.network import HANDLES, PEOPLE, RING, Network, Weight, network
from workbench.views.charts.network_places import HIGH_PX, WIDE_PX, network_places
from workbench.views.maps.labels import CHARACTER_PX
from workbench.views.style import escape

Places = dict[str, tuple[float, float]]


def part(figure: Any, name: str) -> Any:
    return next(trace for trace in figure.data if trace.name == name)


def lines(figure: Any) -> list[Any]:
    """Return the traces of lines that hold a line."""
    return [t for t in figure.data if t.mode == "lines" and not t.showlegend and len(t.x)]


def legend(figure: Any) -> list[str]:
    return [trace.name for trace in figure.data if trace.showlegend]


COLOURS = " · a colour is of one identity, not of a group"


def said(figure: Any) -> str:
    return str(figure.layout.title.subtitle.text).removesuffix(COLOURS)


def boxes(places: Places, rows: Sequence[Row]) -> list[np.ndarray]:
    """Return the corners (low, high) of each connected part, in pixels."""
    graph = nx.Graph([(row[0], row[1]) for row in rows])
    parts = [np.array([places[who] for who in one]) for one in nx.connected_components(graph)]
    return [np.array([at.min(axis=0), at.max(axis=0)]) for at in parts]


# ------------------------------------------------------------------ where people stand
def tangle() -> list[Row]:
    return [*clique(12), *chain(80), *ROWS]


def test_the_order_of_pairs_changes_no_place() -> None:
    rows = pairs(tangle())
    found = network_places(rows)
    for seed in range(3):
        assert network_places(rows.sample(frac=1, random_state=seed)) == found


def test_a_fresh_process_finds_the_same_places() -> None:
    script = (
        "import json; from tests.views.test_network import *;"
        "print(json.dumps(network_places(pairs(tangle()))))"
    )
    told = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONHASHSEED": "1", "PYTHONPATH": "."},
    ).stdout  # fmt: skip
    here = network_places(pairs(tangle()))
    assert json.loads(told) == {who: list(at) for who, at in here.items()}


@pytest.mark.parametrize(
    "rows",
    [ROWS, chain(300), clique(24), [*chain(30), *clique(9), *ROWS],
     [(f"a{n:03d}", f"b{n:03d}", 1, None, None) for n in range(300)],
     [("hub", f"n{n:03d}", 1, None, None) for n in range(300)]],
    ids=["few", "chain", "clique", "parts", "couples", "star"],
)  # fmt: skip
def test_everybody_stands_in_the_room_and_no_part_on_another(rows: list[Row]) -> None:
    places = network_places(pairs(rows))
    assert set(places) == {who for row in rows for who in row[:2]}
    at = np.array(list(places.values()))
    assert (at >= 0).all() and (at <= (WIDE_PX, HIGH_PX)).all()
    assert len(np.unique(at, axis=0)) == len(at), "two stand at one place"
    for one, two in itertools.combinations(boxes(places, rows), 2):
        apart = np.maximum(one[0], two[0]) - np.minimum(one[1], two[1])
        assert apart.max() > 5, "a part lies on another"


@settings(max_examples=30)
@given(st.sets(st.tuples(st.integers(0, 25), st.integers(0, 25)), min_size=1, max_size=40))
def test_whatever_the_pairs_are(found: set[tuple[int, int]]) -> None:
    two = sorted({(min(pair), max(pair)) for pair in found if pair[0] != pair[1]})
    rows: list[Row] = [(f"p{a:02d}", f"p{b:02d}", 1, None, None) for a, b in two]
    places = network_places(pairs(rows))
    at = np.array(list(places.values())).reshape(-1, 2)
    assert len(at) == len({who for row in rows for who in row[:2]})
    assert np.isfinite(at).all()
    assert (at >= 0).all() and (at <= (WIDE_PX, HIGH_PX)).all()
    for one, other in itertools.combinations(boxes(places, rows), 2):
        assert (np.maximum(one[0], other[0]) - np.minimum(one[1], other[1])).max() > 0


def test_the_largest_part_stands_first_and_wide() -> None:
    places = network_places(pairs([*chain(9), ("y", "z", 1, None, None)]))
    assert places["y"][1] < min(y for who, (_, y) in places.items() if who.startswith("n"))
    (one, *_) = boxes(places, chain(9))
    wide, high = one[1] - one[0]
    assert wide > 3 * high


def test_few_people_are_not_pulled_over_the_whole_room() -> None:
    assert network_places(pairs(ROWS[:1])) == {"p1": (220.0, 210.0), "p2": (340.0, 210.0)}


def test_nobody_has_no_place() -> None:
    assert network_places(pairs([])) == {}


# ------------------------------------------------------------------ lines
def test_lines_are_as_thick_as_two_were_long_together() -> None:
    weight = Weight.of(pairs())
    assert (weight.column, weight.steps) == ("overlap_s", (120.0, 600.0, 1200.0))
    assert weight.classes(pairs()).tolist() == [3, 1, 0, 0, 0]
    assert weight.words() == [
        "together under 2 min", "2 min to 10 min", "10 min to 20 min", "20 min and more",
    ]  # fmt: skip
    figure = network(pairs(asked=False))
    widths = [trace.line.width for trace in lines(figure) for _ in range(len(trace.x) // 3)]
    assert len(set(widths)) == 3 and widths == sorted(widths)
    assert widths.count(min(widths)) == 3  # 100 s, 10 s and none at all


def test_a_step_itself_is_of_the_thicker_class() -> None:
    weight = Weight.of(pairs())
    some = pd.DataFrame({"overlap_s": [119.9, 120.0, 1200.0, np.nan]})
    assert weight.classes(some).tolist() == [0, 1, 3, 0]


@pytest.mark.parametrize("known", [np.nan, 0.0])
def test_where_nothing_is_known_of_length_lines_are_as_thick_as_two_met_often(
    known: float,
) -> None:
    rows = pairs(overlap_s=known)
    weight = Weight.of(rows)
    assert (weight.column, weight.steps) == ("count", (2.0, 4.0, 13.0))
    assert weight.classes(rows).tolist() == [3, 2, 1, 1, 0]
    assert legend(network(rows))[2:] == [
        "together under 2 times", "2 times to 4 times", "4 times to 13 times", "13 times and more",
    ]  # fmt: skip


def test_more_than_chance_is_red_and_whole_the_rest_grey_and_dotted() -> None:
    figure = network(pairs())
    look = style.theme("light")
    kinds = {
        (trace.line.color, trace.line.dash): sum(len(t.x) // 3 for t in lines(figure)
            if t.line.color == trace.line.color)
        for trace in lines(figure)
    }  # fmt: skip
    assert kinds == {(look.unknown, "dot"): 3, (style.OKABE_ITO[1], "solid"): 2}
    assert legend(figure)[:2] == ["more than chance (q ≤ 0.05)", "chance may explain it"]
    assert said(figure) == "5 pairs · 6 people · 2 more than chance"
    assert "is it chance?" in figure.layout.title.text
    strict = network(pairs(), max_q=0.01)
    assert said(strict).endswith("1 more than chance")
    assert legend(strict)[0] == "more than chance (q ≤ 0.01)"


def test_where_chance_was_not_asked_about_nothing_is_said_of_it() -> None:
    figure = network(pairs(asked=False))
    assert {trace.line.dash for trace in lines(figure)} == {"solid"}
    assert {trace.line.color for trace in lines(figure)} == {style.theme("light").unknown}
    assert "chance" not in json.dumps(figure.to_plotly_json(), default=str)


def test_a_line_leads_from_one_to_the_other() -> None:
    figure = network(pairs(ROWS[:1]))
    (line,) = lines(figure)
    assert (list(line.x), list(line.y)) == ([220, 340, None], [210, 210, None])
    handles = part(figure, HANDLES)
    assert handles.x[0] > 220 and handles.x[-1] < 340 and list(handles.customdata) == [0] * 5
    assert handles.marker.opacity == 0 and "40 times" in handles.hovertext[0]


@pytest.mark.parametrize("rows", [[], ROWS[:1], ROWS, clique(12)])
def test_there_are_as_many_traces_whatever_the_pairs_are(rows: list[Row]) -> None:
    drawn = Network(style.theme("light"), {}, {}, Weight.of(pairs()), 0.05, True)
    table = pairs(rows)
    traces = drawn.traces(table, network_places(table))
    usual = drawn.traces(pairs(), network_places(pairs()))
    assert [(t["mode"], t.get("name")) for t in traces] == [
        (t["mode"], t.get("name")) for t in usual
    ]


# ------------------------------------------------------------------ people and what is said
def test_people_have_their_own_colour_and_grow_with_their_lines() -> None:
    people = part(network(pairs(), names=NAMES), PEOPLE)
    assert list(people.customdata) == [f"p{n}" for n in range(1, 7)]
    assert list(people.marker.color) == [style.identity_colour(who) for who in people.customdata]
    size = dict(zip(people.customdata, people.marker.size, strict=True))
    assert size["p1"] == size["p2"] == size["p3"] == size["p5"] > size["p4"] == size["p6"]
    assert list(people.text)[:4] == ["Ann", "Ben", "Cem", "p4"]


def test_hovers_say_what_is_known() -> None:
    figure = network(pairs(), names=NAMES, groups={"p1": 0, "p4": 1})
    people = part(figure, PEOPLE).hovertext
    assert people[0] == "<b>Ann</b><br>p1<br>2 companions drawn, 1 more than chance<br>group 1"
    assert people[3] == "<b>p4</b><br>1 companion drawn, 1 more than chance<br>group 2"
    assert "group" not in people[1]
    pair = part(figure, HANDLES).hovertext
    assert pair[0] == (
        "<b>Ann & Ben</b><br>p1 & p2<br>together 40 times at 4 cameras on 3 days<br>"
        "1 h 07 min at the same time<br>4.0 expected by chance; q = 0.001"
    )
    assert "together 1 time at 1 camera on 1 day" in pair[-1]
    small = network(pairs([("a", "b", 9, None, 1e-7)]))
    assert part(small, HANDLES).hovertext[0].endswith("0.9 expected by chance; q &lt; 0.0001")
    plain = part(network(pairs([("a", "b", 9, None, None)], asked=False)), HANDLES).hovertext[0]
    assert plain == "<b>a & b</b><br>together 9 times at 4 cameras on 3 days"


def test_hostile_names_are_text() -> None:
    rows: list[Row] = [(HOSTILE, "p2", 3, 30.0, 0.01)]
    figure = network(pairs(rows), names={"p2": HOSTILE}, title=HOSTILE)
    names = part(figure, PEOPLE)
    assert list(names.customdata) == [HOSTILE, "p2"]  # ids, which nobody sees
    told = figure.update_traces(customdata=None).to_json()
    assert "onerror" in told, "the name is not there at all"
    assert "<img" not in told and "\\u003cimg" not in told
    assert all("&lt;img" in text for text in [*names.text, *names.hovertext])


def covered(figure: Any) -> list[np.ndarray]:
    """Return the boxes (low, high) of the names, as plotly puts them: beyond the edge of a dot."""
    people = part(figure, PEOPLE)
    ways = {"top": 1, "bottom": -1, "middle": 0, "left": -1, "right": 1, "center": 0}
    found = []
    for x, y, text, spot, size in zip(
        people.x, people.y, people.text, people.textposition, people.marker.size, strict=True
    ):
        if text:
            half = np.array([len(text) * CHARACTER_PX * 11 / 12 / 2, 5.5])
            away = size / 2 / 0.8 + 1
            up, side = (ways[word] for word in spot.split())
            middle = np.array([x + side * (half[0] + away), y + up * (half[1] + away)])
            found.append(np.stack([middle - half, middle + half]))
    return found


@pytest.mark.parametrize("rows", [ROWS, clique(24), chain(60), clique(70)[:300]])
def test_names_cover_no_name_and_no_dot(rows: list[Row]) -> None:
    figure = network(pairs(rows), names=NAMES)
    people = part(figure, PEOPLE)
    names = covered(figure)
    assert len(names) >= 5
    for one, two in itertools.combinations(names, 2):
        shared = np.minimum(one[1], two[1]) - np.maximum(one[0], two[0])
        assert shared.min() <= 3, "two names lie on one another"
    dots = np.column_stack([people.x, people.y])
    for box in names:
        assert not ((dots > box[0]) & (dots < box[1])).all(axis=1).any(), "a name covers a dot"


def test_who_is_chosen_has_a_ring_and_a_name() -> None:
    rows = pairs(clique(40)[:300])
    names = {f"c{n:02d}": f"c{n:02d} of a long name" for n in range(40)}
    drawn = Network(style.theme("light"), names, {}, Weight.of(rows), 0.05, False)
    places = network_places(rows)
    people = drawn.traces(rows, places)[-1]
    silent = people["customdata"][people["text"].index("")]
    fresh = {t.get("name"): t for t in drawn.traces(rows, places, [silent])}
    assert (fresh[RING]["x"], fresh[RING]["y"]) == tuple([one] for one in places[silent])
    people = fresh[PEOPLE]
    assert people["text"][people["customdata"].index(silent)] == escape(names[silent], longest=18)
    gone = {t.get("name"): t for t in drawn.traces(rows, places, ["somebody else"])}
    assert gone[RING]["x"] == []


# ------------------------------------------------------------------ much and nothing
def test_of_more_than_300_pairs_the_first_300_are_drawn_and_it_is_said() -> None:
    figure = network(pairs(clique(70), asked=False))
    assert said(figure) == "300 pairs of 2,415 · 70 people"
    assert len(part(figure, HANDLES).x) == 300 * 5
    assert sum(len(trace.x) // 3 for trace in lines(figure)) == 300
    assert said(network(pairs(ROWS[:2]), of=9)).startswith("2 pairs of 9 · 3 people")


def test_a_company_of_70_who_all_met_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 5_000)
    figure = network(pairs(clique(70), asked=False))
    people = part(figure, PEOPLE)
    assert len(people.x) == 70 and said(figure).startswith("2,415 pairs · 70 people")
    at = np.column_stack([people.x, people.y])
    apart = np.linalg.norm(at[:, None] - at[None], axis=2) + np.eye(70) * 1e9
    assert apart.min() > 1


def test_300_pairs_are_drawn_soon() -> None:
    """Names were once placed in loops of Python: that took most of two seconds."""
    rows = pairs([(f"a{n:03d}", f"b{n:03d}", 1, None, None) for n in range(300)])
    places = network_places(rows)
    drawn = Network(style.theme("light"), {}, {}, Weight.of(rows), 0.05, False)
    began = time.process_time()
    drawn.traces(rows, places)
    assert time.process_time() - began < 1.5


def test_nobody_with_anybody_is_said() -> None:
    figure = network(pairs([]))
    assert [note.text for note in figure.layout.annotations] == [
        "No pair is left in what was asked about."
    ]
    assert said(figure) == "0 pairs · 0 people"
    assert part(figure, PEOPLE).x == ()
    assert not network(pairs()).layout.annotations


def test_one_pair_is_drawn() -> None:
    figure = network(pairs(ROWS[:1]), names=NAMES)
    assert said(figure) == "1 pair · 2 people · 1 more than chance"
    assert list(part(figure, PEOPLE).text) == ["Ann", "Ben"]


def test_the_same_pairs_give_the_same_picture() -> None:
    assert network(pairs(clique(9))).to_json() == network(pairs(clique(9))).to_json()


def test_it_is_drawn_on_dark_too() -> None:
    look = style.theme("dark")
    figure = network(pairs(asked=False), theme="dark")
    assert figure.layout.template.layout.paper_bgcolor == look.paper
    people = part(figure, PEOPLE)
    assert (people.textfont.color, people.marker.line.color) == (look.ink, look.paper)
    assert look.halo == people.textfont.shadow
    light = style.theme("light")
    told = figure.to_json()
    for colour in (light.ink, light.soft, light.paper):
        assert colour not in json.dumps(json.loads(told)["data"]), colour
    with pytest.raises(InvalidInputError, match="theme"):
        network(pairs(), theme="grey")  # type: ignore[arg-type]


def test_its_own_title_is_escaped_and_kept() -> None:
    assert network(pairs(), title="Who & whom").layout.title.text == "Who &amp; whom"
    assert network(pairs(), title="").layout.margin.t < network(pairs()).layout.margin.t
