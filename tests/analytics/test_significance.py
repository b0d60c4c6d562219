"""Is it chance: a planted truth, the null against itself, its parts by hand, and refusals."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from tests.analytics.busy_site import BusySite
from workbench.analytics import co_occurrence
from workbench.analytics import significance as module
from workbench.analytics.significance import significance
from workbench.errors import InvalidInputError

_DAYS = [pd.Timedelta(days=n) for n in range(5)]
SMALL = {"people": 90, "days": 6, "regulars": 4}


def flagged(pairs: pd.DataFrame, q: float = 0.05) -> set[tuple[str, str]]:
    return set(pairs.loc[pairs["q"] <= q, ["a", "b"]].itertuples(index=False, name=None))


def test_the_planted_pairs_are_found_and_the_regulars_drop_out():
    site = BusySite(11, planted=3, **SMALL)
    found = significance(site.visits(), seed=1)
    assert flagged(found.pairs) <= site.pairs and len(flagged(found.pairs)) >= 2
    by_count = found.pairs.sort_values("count", ascending=False)
    top = set(by_count.head(3)[["a", "b"]].itertuples(index=False, name=None))
    # Raw counts name the regulars, who are about all the time.
    assert not top & site.pairs
    assert all(int(who[1:]) < site.regulars for pair in top for who in pair)


def test_where_nothing_is_planted_nothing_is_found_and_p_is_not_too_small():
    for seed in (3, 4):
        site = BusySite(seed, planted=0, **SMALL)
        found = significance(site.visits(), seed=seed)
        assert flagged(found.pairs) == set()
        for level in (0.1, 0.01, 0.001):
            below = int((found.pairs["p"] <= level).sum())
            # Of so many tests a fair one goes below this level more often once in a thousand times.
            assert below <= stats.binom.ppf(0.999, found.tested, level)


def test_the_same_seed_gives_the_same_answer():
    visits = BusySite(5, planted=1, people=40, days=4, regulars=2).visits()
    one, same, other = (significance(visits, seed=seed, shifts=20).pairs for seed in (1, 1, 2))
    pd.testing.assert_frame_equal(one, same)
    assert not one["expected"].equals(other["expected"])


def test_moments_by_rank_give_the_same_answer(monkeypatch):
    visits = BusySite(5, planted=1, people=40, days=4, regulars=2).visits()
    quick = significance(visits, shifts=20).pairs
    monkeypatch.setattr(co_occurrence, "_LARGEST", 3)  # as if nothing fitted into one number
    pd.testing.assert_frame_equal(significance(visits, shifts=20).pairs, quick)


def test_the_order_of_the_rows_does_not_matter():
    visits = BusySite(5, planted=1, people=40, days=4, regulars=2).visits()
    mixed = visits.sample(frac=1, random_state=0).reset_index(drop=True)
    one, other = (significance(rows, shifts=20).pairs for rows in (visits, mixed))
    pd.testing.assert_frame_equal(one, other)


def test_what_chance_made_of_two_is_what_was_expected():
    visits = BusySite(5, planted=1, people=40, days=4, regulars=2).visits()
    found = significance(visits, seed=9, shifts=20)
    for row in found.pairs.head(20).to_dict("records"):
        drawn = found.null_counts(row["b"], row["a"])
        assert len(drawn) == found.samples == 40
        assert drawn.mean() == pytest.approx(row["expected"])


def test_pairs_of_one_identity_are_fewer_questions():
    visits = BusySite(5, planted=1, people=40, days=4, regulars=2).visits()
    whole, hers = significance(visits), significance(visits, identity="p001")
    assert (whole.tested, hers.tested) == (40 * 39 // 2, 39)
    both = whole.pairs.merge(hers.pairs, on=["a", "b"], suffixes=("", "_hers"))
    assert len(both) == len(hers.pairs)
    assert set(hers.pairs[["a", "b"]].stack().mode()) == {"p001"}
    assert both["expected"].equals(both["expected_hers"])
    assert (both["q_hers"] <= both["q"]).all()


def test_pairs_among_a_few_are_fewer_questions_about_the_same_site():
    visits = BusySite(5, planted=1, people=40, days=4, regulars=2).visits()
    few = ["p000", "p001", "p002", "p002", "nobody"]
    whole, theirs = significance(visits), significance(visits, among=few)
    assert theirs.tested == 3
    rows = whole.pairs[whole.pairs["a"].isin(few) & whole.pairs["b"].isin(few)]
    assert len(rows) == 2  # p000 and p002 never met: asked about all the same
    told = ["a", "b", "count", "expected", "p"]
    pd.testing.assert_frame_equal(theirs.pairs[told], rows[told].reset_index(drop=True))
    assert (theirs.pairs["q"] <= rows["q"].to_numpy()).all()
    assert (theirs.runs == whole.runs).all()
    hers = significance(visits, identity="p001", among=few)
    assert (hers.tested, len(hers.pairs)) == (2, 2)
    assert significance(visits, identity="p009", among=few).tested == 0
    nobody = significance(visits, among=[])
    assert (nobody.tested, len(nobody.pairs)) == (0, 0)


def test_progress_is_told():
    told: list[int] = []
    visits = BusySite(5, planted=0, people=10, days=2, regulars=1).visits()
    significance(visits, shifts=12, progress=told.append)
    assert told == [1] * 12


# ------------------------------------------------------------------ its parts by hand
def test_a_run_by_hand():
    hour = pd.Timestamp("2026-03-02T09:00:00Z").as_unit("us")
    way = [("x", 0), ("y", 60), ("y", 100), ("x", 200), ("z", 5000), ("w", 20_000)]
    rows = [("a", camera, t, t + 5) for camera, t in way]
    rows += [("b", camera, t + 3, t + 9) for camera, t in way]
    visits = pd.DataFrame(rows, columns=["identity_id", "camera_id", "start", "end"])
    for name in ("start", "end"):
        visits[name] = hour + pd.to_timedelta(visits[name], unit="s")
    found = significance(visits, window_s=10).pairs.iloc[0]
    assert found[["count", "runs", "longest", "observed"]].tolist() == [6, 3, 3, 6]


def test_the_tail_is_that_of_a_sum_of_so_many_draws():
    mass = np.zeros(module._CELLS)
    mass[[2, 5, 11]] = [0.7, 0.2, 0.1]
    rng = np.random.default_rng(1)
    many = rng.poisson(0.8, 400_000)
    draws = rng.choice([2, 5, 11], size=int(many.sum()), p=[0.7, 0.2, 0.1])
    sums = np.bincount(np.repeat(np.arange(len(many)), many), draws, len(many))
    for total in (0, 1, 2, 4, 7, 13):
        p = module._tails(np.array([total]), np.array([0.8]), mass)[0]
        assert p == pytest.approx((sums >= total).mean(), abs=0.003)


def test_q_is_as_if_all_the_others_had_been_tested_too():
    p = np.array([1e-5, 0.002, 0.03, 0.5])
    whole = stats.false_discovery_control(np.append(p, np.ones(96)))[:4]
    assert module._adjusted(p, 100) == pytest.approx(whole)
    assert module._adjusted(np.array([]), 0).size == 0


def test_a_share_is_extrapolated_where_few_were_seen():
    steps = np.zeros(module._LONGEST_RUN + 1)
    steps[1:4] = [800, 160, 40]
    share = module._shares(steps)
    assert share[1:4].tolist() == [1.0, 0.2, 0.04]
    assert share[4] == pytest.approx(0.008) and (np.diff(share) <= 0).all()


# ------------------------------------------------------------------ refusals
def test_contact_lists_and_short_recordings_are_refused():
    visits = BusySite(5, planted=0, people=30, days=1, regulars=3).visits()
    places = [f"m{n // 2}" for n in range(len(visits))]
    contacts = visits.assign(
        camera_id=pd.Series([None] * len(visits), dtype="str"), place_id=places
    )
    with pytest.raises(InvalidInputError, match="who met whom and not where"):
        significance(contacts)
    noon = visits["start"].min() + pd.Timedelta(hours=3)
    short = visits[(visits["start"] > noon) & (visits["end"] < noon + pd.Timedelta(minutes=30))]
    with pytest.raises(InvalidInputError, match="on a usual day"):
        significance(short)
    assert significance(short, longest_s=300).tested >= 0
    # Five such mornings are no longer than one: what is outside of them was not seen.
    mornings = [short.assign(start=short["start"] + d, end=short["end"] + d) for d in _DAYS]
    with pytest.raises(InvalidInputError, match="on a usual day"):
        significance(pd.concat(mornings, ignore_index=True))


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"shifts": 3}, "shifts is 3"),
        ({"seed": -1}, "seed is -1"),
        ({"seed": "x"}, "seed is 'x'"),
        ({"window_s": 600}, "do not take apart"),
        ({"longest_s": "long"}, "longest_s is 'long'"),
    ],
)
def test_what_cannot_be_is_refused(given, says):
    visits = BusySite(5, planted=0, people=6, days=1, regulars=1).visits()
    with pytest.raises(InvalidInputError, match=says):
        significance(visits, **given)


def test_nobody_gives_an_empty_table():
    nobody = BusySite(5, planted=0, people=6, days=1, regulars=1).visits().iloc[:0]
    assert significance(nobody).pairs.empty


def test_a_shift_meets_others_only_and_either_way_apart():
    start = pd.Timestamp("2026-03-02T09:00:00Z").as_unit("us")
    # Two hours apart, so that each meets at its own hour only: she herself, and the other.
    rows = [("a", 0), ("b", 4), ("a", 7200), ("b", 7204)]
    visits = pd.DataFrame(rows, columns=["identity_id", "at"])
    visits["start"] = start + pd.to_timedelta(visits["at"], unit="s")
    visits["end"] = visits["start"] + pd.Timedelta(seconds=10)
    visits = visits.assign(camera_id="x", place_id=pd.Series([None] * 4, dtype="str"))
    null = module.Null.of(visits, 60.0, "UTC", 10, 0, 20.0, 600.0)
    for drawn in null.draws():
        # Two hours, two ways, one encounter each: four runs of the one pair there is.
        assert drawn.pair.tolist() == [1, 1, 1, 1]
        assert drawn.encounters.tolist() == drawn.steps.tolist() == [1, 1, 1, 1]
