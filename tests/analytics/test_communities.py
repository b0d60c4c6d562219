"""Groups: the same for the same pairs in any order and process, numbered by size."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.analytics.communities import communities

Rows = list[tuple[str, str, float]]


def table(rows: Rows, weight: str = "count") -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["a", "b", weight])


def among(*people: str, count: int = 5) -> Rows:
    return [(one, two, count) for one in people for two in people if one < two]


def tangle() -> Rows:
    """Return 200 pairs among 60 people, all alike: groups could be cut in many ways."""
    draw, who = random.Random(4), [f"p{n:02d}" for n in range(60)]
    return [(*sorted(draw.sample(who, 2)), 1) for _ in range(200)]


def test_groups_are_numbered_by_size_then_by_their_first_name() -> None:
    rows = [*among("x", "y", "z"), *among("c", "d"), *among("a", "b"), ("b", "x", 1)]
    found = communities(table(rows))
    assert found == {"x": 0, "y": 0, "z": 0, "a": 1, "b": 1, "c": 2, "d": 2}
    assert list(found) == ["x", "y", "z", "a", "b", "c", "d"]


def test_the_order_of_rows_changes_nothing() -> None:
    rows = table(tangle())
    found = communities(rows)
    assert 2 < len(set(found.values())) < 30
    for seed in range(4):
        mixed = rows.sample(frac=1, random_state=seed)
        assert list(communities(mixed).items()) == list(found.items())


def test_a_fresh_process_with_another_hash_finds_the_same() -> None:
    script = (
        "import json; from tests.analytics.test_communities import *;"
        "print(json.dumps(communities(table(tangle()))))"
    )
    told = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONHASHSEED": "1", "PYTHONPATH": "."},
    ).stdout  # fmt: skip
    assert json.loads(told) == communities(table(tangle()))


@given(st.lists(st.tuples(*[st.sampled_from("abcdefgh")] * 2, st.integers(0, 5)), max_size=12))
def test_everybody_in_a_pair_has_a_group_and_the_numbers_have_no_hole(rows: Rows) -> None:
    rows = [(min(one, two), max(one, two), count) for one, two, count in rows if one != two]
    found = communities(table(rows))
    assert set(found) == {who for one, two, _ in rows for who in (one, two)}
    sizes = pd.Series(found, dtype="int64").value_counts().sort_index()
    assert sizes.index.tolist() == list(range(len(sizes)))
    assert sizes.is_monotonic_decreasing


def test_nobody_has_no_group() -> None:
    assert communities(table([])) == {}


@pytest.mark.parametrize("nothing", [0, np.nan])
def test_what_binds_by_nothing_binds_nobody(nothing: float) -> None:
    assert communities(table([("a", "b", nothing)])) == {"a": 0, "b": 1}
    rows: Rows = [("a", "b", nothing), ("b", "c", 2.0)]
    assert communities(table(rows, "overlap_s"), weight="overlap_s") == {"b": 0, "c": 0, "a": 1}


def test_what_binds_can_be_another_column() -> None:
    rows = among("a", "b", "c", "d", count=1)
    frame = table(rows).assign(overlap_s=1.0)
    for column, bound in (("count", ("ad", "bc")), ("overlap_s", ("ab", "cd"))):
        frame.loc[(frame["a"] + frame["b"]).isin(bound), column] = 9
    assert communities(frame) == {"a": 0, "d": 0, "b": 1, "c": 1}
    assert communities(frame, weight="overlap_s") == {"a": 0, "b": 0, "c": 1, "d": 1}
