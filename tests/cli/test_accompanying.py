"""``pairs`` and ``together``: their filters, what they say of chance, and their text."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.analytics.busy_site import BusySite


@pytest.fixture(scope="module")
def busy(quick: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a store in which 40 people meet on four days."""
    folder = tmp_path_factory.mktemp("busy")
    seen = BusySite(5, planted=1, people=40, days=4, regulars=2).visits()
    seen = seen.rename(columns={"start": "timestamp"})[["timestamp", "camera_id", "identity_id"]]
    seen.to_csv(folder / "seen.csv", index=False)
    assert quick("ingest", folder / "seen.csv", "--store", folder / "store").code == 0
    return folder / "store"


def test_the_filters_of_pairs(quick_ask: Callable[..., Any]) -> None:
    both = quick_ask("pairs", "--identity", "p1", "--identity", "p5")
    assert [(row["a"], row["b"]) for row in both["pairs"]] == [("p1", "p5")]
    assert quick_ask("pairs", "--identity", "p2", "--identity", "p5")["total_pairs"] == 0
    overlap = both["pairs"][0]["overlap_s"]
    assert quick_ask("pairs", "--min-overlap", overlap)["total_pairs"] == 1
    assert quick_ask("pairs", "--min-overlap", overlap + 0.001)["total_pairs"] == 0
    assert quick_ask("pairs", "--min-days", 1)["total_pairs"] == 1
    assert quick_ask("pairs", "--min-days", 2)["total_pairs"] == 0


def test_together_says_how_it_counted(quick_ask: Callable[..., Any]) -> None:
    found = quick_ask("together", "p5", "--window", 30)
    assert [row["identity_id"] for row in found.pop("companions")] == ["p1"]
    assert found == {
        "identity_id": "p5",
        "method": "encounters",
        "window_s": 30.0,
        "total_companions": 1,
        "total_count": 3,
        "seed": None,
        "tested": None,
        "more_than_chance": None,
    }
    assert quick_ask("together", "p5", "--identity", "p2")["total_companions"] == 0
    assert quick_ask("together", "p5", "--identity", "p1")["total_companions"] == 1
    assert quick_ask("together", "p5", "--min-days", 2)["companions"] == []


def test_chance_says_its_seed_and_how_many_pairs_were_tested(
    quick: Callable[..., Any], busy: Path
) -> None:
    def asked(*words: object) -> Any:
        return quick(*words, "--significance", "--seed", 3, "--store", busy, "--json").document()

    everybody, few = (
        asked("pairs", "--top", 1000, *words)
        for words in ((), ("--identity", "p000", "--identity", "p001", "--identity", "p002"))
    )
    assert (everybody["seed"], everybody["tested"], few["tested"]) == (3, 40 * 39 // 2, 3)
    row = few["pairs"][0]
    same = next(r for r in everybody["pairs"] if (r["a"], r["b"]) == (row["a"], row["b"]))
    # Chance is learned from all of them, whoever is asked about.
    assert {k: v for k, v in same.items() if k != "q"} == {k: v for k, v in row.items() if k != "q"}
    hers = asked("together", "p001")
    assert (hers["seed"], hers["tested"]) == (3, 39)


@pytest.mark.parametrize(
    ("words", "total"),
    [(["pairs"], "total_pairs"), (["together", "p001"], "total_companions")],
    ids=["pairs", "together"],
)
def test_a_csv_that_is_not_all_says_so_beside_it(
    quick: Callable[..., Any], busy: Path, words: list[str], total: str
) -> None:
    n = json.loads(quick(*words, "--store", busy, "--json").out)[total]
    cut, whole = (quick(*words, "--store", busy, "--csv", "--top", top) for top in (2, n))
    assert (len(cut.out.splitlines()), len(whole.out.splitlines())) == (3, n + 1)
    noun = "pairs" if words == ["pairs"] else "companions"
    assert cut.err == f"note: 2 of {n:,} {noun}; --top {n} gives all\n"
    assert whole.err == ""
    for form in ([], ["--json"]):  # the total is in them
        assert quick(*words, "--store", busy, "--top", 2, *form).err == ""


def test_those_more_than_chance_are_listed_beyond_the_first(
    quick: Callable[..., Any], busy: Path
) -> None:
    words = ("pairs", "--store", busy, "--significance", "--seed", 3, "--top", 1)
    found = json.loads(quick(*words, "--json").out)
    meant = [row for row in found["pairs"] if row["q"] <= 0.05]
    assert found["more_than_chance"] == len(meant) > 0
    first, *rest = found["pairs"]
    assert all(row["q"] <= 0.05 for row in rest) and first["count"] >= rest[0]["count"]
    lines = quick(*words, "--csv").out.splitlines()
    assert len(lines) == 1 + len(found["pairs"])


def test_a_longer_shift_can_be_asked_for(quick: Callable[..., Any], busy: Path) -> None:
    words = ("pairs", "--store", busy, "--significance", "--window", 300, "--json")
    assert "--longest" in quick(*words).error(2)["next"]
    assert quick(*words, "--longest", 1200).code == 0


def test_the_text_of_together_has_the_companions_in_one_column(
    quick: Callable[..., Any], site: Path, busy: Path
) -> None:
    said = quick("together", "p5", "--store", site).out.splitlines()
    assert said[0] == "1 companion, 3 encounters"
    assert said[3].split()[:2] == ["companion", "count"] and said[4].split()[:2] == ["p1", "3"]
    chance = quick("together", "p001", "--store", busy, "--significance", "--top", 3).out
    assert "companions, " in chance.splitlines()[0] and "p001" not in chance
    assert "pairs" not in chance
    nobody = quick("together", "p5", "--identity", "p2", "--store", site)
    assert (nobody.code, nobody.out) == (
        0,
        "Nobody was seen together with this identity in what was asked about.\n",
    )


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("pairs", "--identity", "p1"), "One identity alone"),
        (("pairs", "--min-overlap", "-1"), "min_overlap_s is -1"),
        (("pairs", "--min-overlap", "1", "--method", "pairs"), "have no length"),
        (("together", "p1", "--min-days", "0"), "min-days"),
    ],
)
def test_filters_that_cannot_be_are_refused(
    quick: Callable[..., Any], site: Path, words: tuple[str, ...], says: str
) -> None:
    error = quick(*words, "--store", site, "--json").error(2)
    assert says in f"{error['message']} {error['where']}"
