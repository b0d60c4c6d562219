"""What ``bench.together`` gives back: pictures, words, a timeline, and refusals."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import workbench
from workbench.errors import InvalidInputError, MissingExtraError, NotFoundError, WorkbenchError
from workbench.views import style
from workbench.views.charts.network import PEOPLE

WRONG: list[Any] = ["x", "", [], [1], b"x", object(), -1, None, float("nan")]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[workbench.Workbench]:
    """Return the small demo."""
    with workbench.open_demo(tmp_path_factory.mktemp("demo") / "store", small=True) as found:
        yield found


@pytest.fixture(scope="module")
def found(demo: workbench.Workbench) -> Any:
    """Return its pairs, asked about chance."""
    return demo.together.pairs(significance=True)


def people(figure: Any) -> Any:
    return next(trace for trace in figure.data if trace.name == PEOPLE)


# ------------------------------------------------------------------ pictures
def test_it_says_in_a_line_what_it_is(found: Any) -> None:
    more = len(found.significant())
    assert more > 0
    assert repr(found) == (
        f"{len(found.pairs):,} pairs of identities, {found.total_count:,} encounters; "
        f"{more} more than chance (q <= 0.05)"
    )
    bundle = found._repr_mimebundle_()
    assert bundle["text/plain"] == repr(found)
    assert bundle["application/vnd.plotly.v1+json"]["data"]


def test_its_table_is_a_copy(found: Any) -> None:
    table = found.to_frame()
    table["count"] = 0
    assert found.total_count > 0


def test_what_is_significant_is_the_least_q_first(found: Any) -> None:
    some = found.significant()
    assert (some["q"] <= 0.05).all() and some["q"].is_monotonic_increasing
    assert len(found.significant(1)) == int(found.pairs["q"].notna().sum())
    assert len(found.significant(q=0)) <= len(some)


def test_the_graph_holds_the_first_pairs_by_their_names(found: Any) -> None:
    figure = found.plot_network(top=10)
    assert figure.layout.title.subtitle.text.startswith(
        f"10 pairs of {len(found.pairs)}, those that chance explains least · "
    )
    first = found.pairs.sort_values(["q", "p", "a", "b"]).head(10)
    assert set(people(figure).customdata) == {*first["a"], *first["b"]}
    known = set(found._behind.names([*first["a"], *first["b"]]).values())
    assert known and set(people(figure).text) & known
    assert "group " in people(figure).hovertext[0]
    dark = found.plot_network(top=10, theme="dark", title="Mine")
    assert dark.layout.title.text == "Mine"
    assert dark.layout.template.layout.paper_bgcolor == style.theme("dark").paper


def test_without_chance_the_graph_holds_the_most_frequent(demo: workbench.Workbench) -> None:
    plain = demo.together.pairs()
    first = plain.pairs.head(5)
    figure = plain.plot_network(top=5)
    assert set(people(figure).customdata) == {*first["a"], *first["b"]}
    assert "chance" not in figure.layout.title.text


def test_the_matrix_has_groups_beside_each_other(found: Any) -> None:
    figure = found.plot_matrix(most=20)
    assert 0 < len(figure.data[0].z) <= 20
    longest = found.plot_matrix(value="overlap_s", most=20, title="Mine")
    assert longest.layout.title.text == "Mine"
    with pytest.raises(InvalidInputError, match="value"):
        found.plot_matrix(value="q")


def test_the_histogram_of_two_says_what_chance_makes_of_them(found: Any) -> None:
    row = found.significant().iloc[0]
    figure = found.plot_chance(row["b"], row["a"])
    marks = [note.text for note in figure.layout.annotations if "seen" in note.text]
    assert marks == [f"<b>seen: {row['count']}</b><br>more than chance"]
    assert sum(figure.data[0].y) == found.chance.samples
    names = found._behind.names([row["a"], row["b"]])
    assert all(name in figure.layout.title.text for name in names.values())


def test_the_first_picture_has_no_more_rows_than_asked_for(found: Any) -> None:
    assert len(found.plot(top=1).layout.yaxis.ticktext) <= 2
    assert len(found.plot(top=0).data) == 0


def test_chance_is_refused_where_it_was_not_asked_about(bench: workbench.Workbench) -> None:
    plain = bench.together.pairs()
    for ask in (lambda: plain.plot_chance("p1", "p5"), plain.significant):
        with pytest.raises(InvalidInputError, match="Nothing is known about chance") as refused:
            ask()
        assert refused.value.next == "Ask with significance=True."


@pytest.mark.parametrize("two", [("p1", "p2"), ("p1", "p1"), ("p1", "nobody"), (None, 5)])
def test_two_who_never_met_are_refused(bench: workbench.Workbench, two: Any) -> None:
    plain = bench.together.pairs()
    for ask in (plain.in_words, plain.plot_chance):
        with pytest.raises(InvalidInputError, match="are no pair here"):
            ask(*two)


def test_a_pair_is_told_in_a_sentence(found: Any, bench: workbench.Workbench) -> None:
    row = found.significant().iloc[0]
    said = found.in_words(row["b"], row["a"])
    assert said.startswith(f"together {row['count']} times at {row['cameras']} camera")
    assert f"{row['expected']:.1f} expected by chance; q " in said
    assert bench.together.pairs().in_words("p1", "p5") == "together 3 times at 3 cameras"


@pytest.mark.parametrize("value", WRONG, ids=lambda value: type(value).__name__)
def test_arguments_that_cannot_be_are_refused_by_name(found: Any, value: Any) -> None:
    calls: dict[str, list[Any]] = {
        "top": [found.plot, found.plot_network],
        "most": [found.plot_matrix],
        "q": [found.significant],
        "theme": [found.plot, found.plot_network, found.plot_matrix],
    }
    for name, some in calls.items():
        for call in some:
            with pytest.raises(WorkbenchError) as refused:
                call(**{name: value})
            assert refused.value.next and name in str(refused.value), (name, call)


def test_what_explores_needs_an_extra(
    bench: workbench.Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    pairs = bench.together.pairs()
    module = "workbench.views.explorers.co_occurrence_explorer"
    monkeypatch.delitem(sys.modules, module, raising=False)
    monkeypatch.setitem(sys.modules, "anywidget", None)
    for name in [one for one in sys.modules if one.startswith("workbench.views.explorers.")]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(
        MissingExtraError, match="CoOccurrenceExplorer needs the package"
    ) as missing:
        pairs.explore()
    assert missing.value.next == "pip install 'identity-workbench[lab]'"
    assert pairs.plot_network().data, "but pictures need none"


def test_pairs_of_one_can_be_explored_and_drawn(demo: workbench.Workbench, found: Any) -> None:
    row = found.significant().iloc[0]
    hers = demo.together.of(row["a"], significance=True)
    shown = hers.explore(title="Hers")
    assert repr(shown).endswith(f"of {len(hers.pairs)} pairs drawn")
    shown.show_pair(row["a"], row["b"])
    assert len(shown.encounters.options) == row["count"]
    assert (hers.plot_network().layout.title.subtitle.text).startswith(
        f"{len(hers.pairs)} pairs · "
    )


# ------------------------------------------------------------------ the timeline of two
def test_the_timeline_holds_the_encounters_and_what_was_near_them(
    bench: workbench.Workbench,
) -> None:
    whole = bench.tracks.timeline(["p1", "p5"])
    both = bench.together.timeline(["p1", "p5"])
    assert both.encounters is not None
    pd.testing.assert_frame_equal(both.encounters, bench.together.encounters("p1", "p5"))
    assert len(both.visits) == len(whole.visits), "all of it is within half an hour"
    near = bench.together.timeline(["p1", "p5"], around_s=1)
    assert 0 < len(near.visits) < len(whole.visits)
    endless = bench.together.timeline(["p1", "p5"], around_s=float("inf"))
    assert len(endless.visits) == len(whole.visits)
    second = pd.Timedelta(seconds=1)
    for stay in near.visits.itertuples():
        met = near.encounters
        assert ((met["start"] - second <= stay.end) & (met["end"] + second >= stay.start)).any()
    assert repr(near) == (
        f"Timeline of 'p1', 'p5': 3 encounters, {len(near.visits)} visits around them"
    )
    assert "encounters" not in repr(whole)
    marks = [trace for trace in near.plot().data if trace.meta == "encounters"]
    assert len(marks) == 1 and len(marks[0].x) == 3


def test_filters_of_the_timeline_are_those_of_pairs(bench: workbench.Workbench) -> None:
    both = bench.together.timeline(["p1", "p5"], camera="lab")
    assert both.encounters["camera_id"].tolist() == ["lab"]
    early = bench.together.timeline(["p1", "p5"], end="2026-01-12T08:00:05Z")
    assert len(early.encounters) == 1
    assert early.visits["start"].max() < pd.Timestamp("2026-01-12T08:00:05Z")


def test_the_window_of_the_timeline_is_that_of_pairs(demo: workbench.Workbench) -> None:
    met = demo.together.encounters()
    apart = met[(met["overlap_s"] == 0) & (met["end"] > met["start"])].iloc[0]
    two = [apart["a"], apart["b"]]
    usual, close = demo.together.timeline(two), demo.together.timeline(two, window_s=0)
    assert apart["start"] in usual.encounters["start"].tolist()
    assert apart["start"] not in close.encounters["start"].tolist()
    assert len(close.encounters) < len(usual.encounters)


def test_of_several_every_two_are_asked_about(bench: workbench.Workbench) -> None:
    some = bench.together.timeline(["p5", "p1", "p2", "p5"])
    assert some.identity_ids == ("p5", "p1", "p2")
    assert set(zip(some.encounters["a"], some.encounters["b"], strict=True)) == {("p1", "p5")}


def test_two_who_never_met_have_all_their_visits(bench: workbench.Workbench) -> None:
    none = bench.together.timeline(["p1", "p2"])
    assert none.encounters.empty
    assert len(none.visits) == len(bench.tracks.timeline(["p1", "p2"]).visits) > 0
    assert "0 encounters" in repr(none)
    assert none.plot().data


@pytest.mark.parametrize("ids", [[], ["p1"], ["p1", "p1"], "p1", (), None])
def test_fewer_than_two_are_refused(bench: workbench.Workbench, ids: Any) -> None:
    with pytest.raises(InvalidInputError, match="two different identities") as refused:
        bench.together.timeline(ids)
    assert refused.value.where == "ids"


def test_an_unknown_one_is_refused(bench: workbench.Workbench) -> None:
    with pytest.raises(NotFoundError, match="nobody"):
        bench.together.timeline(["p1", "nobody"])
    with pytest.raises(NotFoundError, match="attic"):
        bench.together.timeline(["p1", "p5"], camera="attic")


# ------------------------------------------------------------------ the network, and the demo
@pytest.mark.parametrize("value", WRONG[:-2], ids=lambda value: type(value).__name__)
def test_thresholds_of_the_network_that_cannot_be_are_refused(
    demo: workbench.Workbench, value: Any
) -> None:
    for name in ("min_count", "max_q"):
        with pytest.raises(InvalidInputError, match=name):
            demo.together.network(**{name: value})


def test_the_network_of_what_is_more_than_chance(demo: workbench.Workbench, found: Any) -> None:
    graph = demo.together.network(max_q=0.05)
    assert {tuple(sorted(edge)) for edge in graph.edges} == {
        (row.a, row.b) for row in found.significant().itertuples()
    }


def test_whether_it_is_the_demo_is_known(
    demo: workbench.Workbench, bench: workbench.Workbench, tmp_path: Path
) -> None:
    assert demo.demo.is_here and not bench.demo.is_here
    with pytest.raises(NotFoundError, match="not the demo"):
        bench.demo.answers()
    with workbench.open(tmp_path / "empty", create=True) as empty:
        assert not empty.demo.is_here


def test_pictures_send_no_more_than_is_drawn(found: Any) -> None:
    bundle = json.dumps(found._repr_mimebundle_(), default=str)
    assert len(bundle) < 500_000 and "http" not in bundle
