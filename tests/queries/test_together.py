"""``bench.together``: the small site by hand, real contact lists and tracks, and refusals."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import networkx as nx
import numpy as np
import pandas as pd
import pytest

import workbench
from tests.analytics.busy_site import BusySite
from workbench import schema
from workbench.errors import InvalidInputError, NotFoundError
from workbench.queries.co_occurrences import words

ZERO = "2026-01-01T00:00Z"


def test_pairs_of_sightings_are_those_counted_by_hand(bench, tiny_site: Path) -> None:
    answer = json.loads((tiny_site / "answers.json").read_text())["pairs"]
    found = bench.together.pairs(method="pairs", window_s=answer["window_s"])
    assert (len(found.pairs), found.total_count) == (answer["total_pairs"], answer["total_count"])
    for row in answer["pairs"]:
        mine = found.pairs.iloc[0]
        assert {name: mine[name] for name in row} == row
    assert found.pairs["overlap_s"].isna().all() and found.pairs["q"].isna().all()


def test_encounters_of_the_small_site(bench) -> None:
    found = bench.together.pairs()
    row = found.pairs.iloc[0]
    # Ana and Emil, a second behind her: entrance, corridor, laboratory. By then she has left each.
    assert (row["a"], row["b"], row["count"], row["cameras"]) == ("p1", "p5", 3, 3)
    each = bench.together.encounters("p1", "p5")
    assert each["camera_id"].tolist() == ["entrance", "corridor", "lab"]
    assert row["overlap_s"] == pytest.approx(each["overlap_s"].sum())
    assert found.in_words("p5", "p1") == "together 3 times at 3 cameras"
    assert repr(found) == "1 pair of identities, 3 encounters"


def test_of_one_identity_and_her_companions(bench) -> None:
    assert bench.together.of("p1").pairs["b"].tolist() == ["p5"]
    walk = bench.together.companions("p5").iloc[0]
    assert walk["cameras"] == ["entrance", "corridor", "lab"] and walk["steps"] == 3


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[workbench.Workbench]:
    """Give a store of twelve people who are seen at random at three cameras and a place."""
    rng = np.random.default_rng(11)
    n = 900
    where = rng.integers(0, 4, n)
    seen = pd.DataFrame(
        {
            "id": [f"s{k}" for k in range(n)],
            "timestamp": pd.Timestamp("2026-01-12T08:00Z")
            + pd.to_timedelta(rng.integers(0, 7_200, n), unit="s"),
            "camera_id": [f"c{k}" if k < 3 else None for k in where],
            "place_id": [None if k < 3 else "yard" for k in where],
            "identity_id": [f"p{k}" if k < 12 else None for k in rng.integers(0, 13, n)],
        }
    )
    with workbench.open(tmp_path_factory.mktemp("busy") / "store", create=True) as bench:
        bench.cameras.add(pd.DataFrame({"id": ["c0", "c1", "c2"], "clock_offset_s": [0, -3.5, 2]}))
        with bench.manager.graph.transaction():
            bench.manager.graph.upsert_nodes(
                "Place", schema.PLACE.check(pd.DataFrame({"id": ["yard"]}))
            )
        bench.manager.create_identities(pd.DataFrame({"id": [f"p{k}" for k in range(12)]}))
        bench.appearances.add(seen)
        yield bench


@pytest.mark.parametrize("method", ["encounters", "pairs"])
@pytest.mark.parametrize(
    ("window_s", "max_gap_s", "given"),
    [
        (0, 0, {}),
        (5, 45, {}),
        (60, 30, {"start": "2026-01-12T09:00Z"}),
        (20, 5, {"end": "2026-01-12T09:00Z", "camera": ["c0", "yard"]}),
        (float("inf"), float("inf"), {}),
    ],
)
def test_whom_one_met_are_those_of_all_pairs_that_are_hers(
    busy: workbench.Workbench, method: str, window_s: float, max_gap_s: float, given: dict
) -> None:
    asked = {"window_s": window_s, "max_gap_s": max_gap_s, **given}
    pairs = busy.together.pairs(method=method, **asked).pairs
    met = busy.together.encounters(**asked)
    for who in ("p0", "p5", "p11"):
        found = busy.together.of(who, method=method, **asked).pairs
        pd.testing.assert_frame_equal(found, hers(pairs, who))
        pd.testing.assert_frame_equal(busy.together.encounters(who, **asked), hers(met, who))


def hers(rows: pd.DataFrame, who: str) -> pd.DataFrame:
    return rows[(rows["a"] == who) | (rows["b"] == who)].reset_index(drop=True)


def test_who_walks_past_meets_nobody(tmp_path: Path) -> None:
    minutes = {"p1": range(0, 300, 10), "p2": range(30, 240, 10), "p3": range(100, 120, 10)}
    rows = [(who, s) for who, seen in minutes.items() for s in seen]
    with workbench.open(tmp_path / "store", create=True) as bench:
        bench.cameras.add(pd.DataFrame({"id": ["hall"]}))
        bench.manager.create_identities(pd.DataFrame({"id": list(minutes)}))
        start = pd.Timestamp("2026-01-12T08:00Z")
        seen = pd.DataFrame(rows, columns=["identity_id", "s"])
        seen["timestamp"] = start + pd.to_timedelta(seen.pop("s"), unit="s")
        bench.appearances.add(seen.assign(camera_id="hall", id=[f"s{n}" for n in range(len(seen))]))
        assert len(bench.together.encounters()) == 3
        met = bench.together.meetings()
        # p3 was there for ten seconds.
        assert met[["a", "b", "overlap_s"]].to_numpy().tolist() == [["p1", "p2", 200.0]]
        assert len(bench.together.meetings("p3")) == 0
        assert len(bench.together.meetings("p3", "p1", min_dwell_s=10)) == 1
        assert bench.together.meetings(min_dwell_s=201).empty
        with pytest.raises(NotFoundError):
            bench.together.meetings("p9")


def test_filters(bench) -> None:
    assert bench.together.pairs(camera="lab").pairs["count"].tolist()[0] == 1
    assert bench.together.pairs(identity=["p2", "p3", "p5"]).pairs.empty
    assert bench.together.pairs(end="2026-01-12T08:00:05Z").pairs["count"].tolist() == [1]
    assert bench.together.pairs(min_days=2).pairs.empty
    assert bench.together.pairs(min_overlap_s=1e6).pairs.empty


def test_what_is_not_there_or_cannot_be_is_refused(bench) -> None:
    with pytest.raises(NotFoundError):
        bench.together.of("p9")
    with pytest.raises(NotFoundError):
        bench.together.pairs(camera="attic")
    with pytest.raises(InvalidInputError, match="method"):
        bench.together.pairs(method="raw")
    with pytest.raises(InvalidInputError, match="encounters only"):
        bench.together.pairs(method="pairs", significance=True)
    with pytest.raises(InvalidInputError, match="Nothing is known about chance"):
        bench.together.pairs().significant()
    with pytest.raises(InvalidInputError, match="are no pair here"):
        bench.together.pairs().in_words("p1", "p2")
    for alone in ("p1", ["p1", "p1"], []):
        with pytest.raises(InvalidInputError, match="One identity alone"):
            bench.together.pairs(identity=alone)
    with pytest.raises(InvalidInputError, match="named twice"):
        bench.together.encounters("p1", "p1")


def test_filters_that_cannot_be_are_refused(bench) -> None:
    for given in ({"min_days": -1}, {"min_days": 1.5}, {"min_overlap_s": -1}):
        with pytest.raises(InvalidInputError, match=next(iter(given))):
            bench.together.pairs(**given)
    with pytest.raises(InvalidInputError, match="have no length"):
        bench.together.pairs(method="pairs", min_overlap_s=1)


def test_only_with_some(bench) -> None:
    assert bench.together.of("p1", identity="p5").pairs["b"].tolist() == ["p5"]
    assert bench.together.of("p1", identity=["p2", "p3"]).pairs.empty
    with pytest.raises(NotFoundError):
        bench.together.of("p1", identity="p9")


def test_chance_is_learned_from_the_whole_site_whoever_is_asked_about(tmp_path: Path) -> None:
    seen = BusySite(5, planted=1, people=40, days=4, regulars=2).visits()
    seen = seen.rename(columns={"start": "timestamp"})[["identity_id", "camera_id", "timestamp"]]
    with workbench.open(tmp_path / "store", create=True) as bench:
        bench.cameras.add(pd.DataFrame({"id": seen["camera_id"].unique()}))
        bench.manager.create_identities(pd.DataFrame({"id": seen["identity_id"].unique()}))
        seen["id"] = [f"s{n}" for n in range(len(seen))]
        bench.appearances.add(seen)
        whole = bench.together.pairs(significance=True)
        two = ["p000", "p001"]
        asked = bench.together.pairs(identity=two, significance=True)
        one = asked.pairs.iloc[0]
        assert asked.chance.tested == 1 and len(asked.pairs) == 1
        row = whole.pairs.set_index(["a", "b"]).loc[tuple(two)]
        assert one[["count", "expected", "p"]].tolist() == row[["count", "expected", "p"]].tolist()
        assert one["q"] == one["p"]  # one question
        plain = bench.together.pairs(identity=two).pairs.iloc[0]
        assert plain[["count", "days"]].tolist() == one[["count", "days"]].tolist()
        hers = bench.together.of("p001", identity="p000", significance=True)
        assert hers.chance.tested == 1 and hers.pairs.iloc[0]["q"] == one["q"]


def test_the_network_carries_the_pairs(bench) -> None:
    graph = bench.together.network()
    assert isinstance(graph, nx.Graph)
    assert graph.edges["p1", "p5"]["count"] == 3
    assert graph.nodes["p1"]["group"] == graph.nodes["p5"]["group"]
    assert nx.number_of_edges(bench.together.network(min_count=4)) == 0


def test_words_say_no_more_than_is_known() -> None:
    row = {"count": 2, "cameras": 1, "expected": 0.04, "q": 3e-7}
    assert words(row) == "together twice at 1 camera; 0.0 expected by chance; q < 0.0001"


def test_a_store_with_nobody_in_it(tmp_path: Path) -> None:
    with workbench.open(tmp_path / "store", create=True) as bench:
        assert bench.together.pairs().pairs.empty
        assert bench.together.pairs(significance=True).pairs.empty
        assert bench.together.encounters().empty
        assert len(bench.together.network()) == 0


@pytest.mark.parametrize(
    ("file", "pairs", "rows", "top"),
    [
        ("sfhh_conference_contacts.csv.gz", 9_565, 70_261, ("1650", "1668", 1_220)),
        ("invs15_workplace_contacts.csv.gz", 4_274, 78_249, ("119", "366", 1_302)),
    ],
)
def test_contact_lists_count_as_their_readme_says(
    tmp_path: Path, shared_data: Path, file: str, pairs: int, rows: int, top: tuple[str, str, int]
) -> None:
    store = tmp_path / "store"
    given = shared_data / "sociopatterns" / file
    workbench.ingest(store, given, format="contacts", start_time=ZERO, quiet=True)
    with workbench.open(store) as bench:
        for method in ("pairs", "encounters"):
            found = bench.together.pairs(method=method)
            assert (len(found.pairs), found.total_count) == (pairs, rows)
            first = found.pairs.iloc[0]
            assert (first["a"], first["b"], first["count"]) == top
        with pytest.raises(InvalidInputError, match="who met whom and not where"):
            bench.together.pairs(significance=True)


def test_most_contact_is_inside_departments(tmp_path: Path, shared_data: Path) -> None:
    folder, store = shared_data / "sociopatterns", tmp_path / "store"
    workbench.ingest(
        store,
        folder / "invs15_workplace_contacts.csv.gz",
        identities=folder / "invs15_workplace_people.csv",
        format="contacts",
        start_time=ZERO,
        quiet=True,
    )
    with workbench.open(store) as bench:
        people = bench.identities.all()
        group = {
            who: json.loads(said)["group"] for who, said in people[["id", "properties"]].values
        }
        pairs = bench.together.pairs().pairs
    inside = pairs["a"].map(group) == pairs["b"].map(group)
    assert (pairs["count"][inside].sum(), pairs["count"].sum()) == (59_673, 78_249)


def test_campus_counts_as_analytics_says(tmp_path: Path, shared_data: Path) -> None:
    store = tmp_path / "store"
    given = shared_data / "campus_auditorium" / "appearances.csv.gz"
    workbench.ingest(store, given, fps=30, start_time=ZERO, quiet=True)
    with workbench.open(store) as bench:
        found = bench.together.pairs(method="pairs", window_s=0.03)
        assert (len(found.pairs), found.total_count) == (197, 742_978)
        assert found.pairs.iloc[0][["a", "b", "count"]].tolist() == ["2", "4", 9_308]
        with pytest.raises(InvalidInputError, match="182 s long on a usual day"):
            bench.together.significance()


def test_the_demo_holds_its_hidden_pair(tmp_path: Path) -> None:
    with workbench.open_demo(tmp_path / "demo") as bench:
        told = {
            answer["story"]: answer for answer in bench.demo.answers().to_frame().to_dict("records")
        }
        one, other = sorted(told["hidden_pair"]["identities"])
        regulars = set(told["busy_regulars"]["identities"])
        group = set(told["scheduled_group"]["identities"])
        everybody = bench.together.pairs(significance=True, window_s=10)
        # About all the time, and no more together than chance has it.
        first = everybody.pairs.head(6)
        assert {*first["a"], *first["b"]} == regulars
        assert (first["q"] > 0.5).all() and first["lift"].between(0.8, 1.4).all()
        left = everybody.significant()[["a", "b"]].to_numpy().tolist()
        assert [one, other] in left
        assert all(set(pair) <= group for pair in left if pair != [one, other])
        hers = bench.together.of(one, significance=True, window_s=10)
        assert hers.significant()[["a", "b"]].to_numpy().tolist() == [[one, other]]
        picture = hers.plot()
        assert any(trace.name.startswith("seen, more than chance") for trace in picture.data)
        assert hers.in_words(one, other).startswith("together 8 times at 7 cameras; ")
