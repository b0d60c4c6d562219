"""No sort of a raw table, no id and no property tells who has a part in a story."""

from __future__ import annotations

import json

import pandas as pd
import pytest

import workbench

SECRET = (
    "hidden_pair", "scheduled_group", "impossible_trip", "wrong_merge", "wrong_split", "one_visit",
)  # fmt: skip


def told(bench: workbench.Workbench, *stories: str) -> set[str]:
    """Return the identities of these stories."""
    rows = bench.demo.answers().to_frame()
    return {who for row in rows[rows["story"].isin(stories)]["identities"] for who in row}


def people(bench: workbench.Workbench) -> pd.DataFrame:
    """Return the raw table of identities, with lengths of text and the first word of each."""
    table = bench.identities.all()
    table["name_length"] = table["name"].str.len()
    table["number"] = table["id"].str[3:].astype("int64")
    table["span"] = (table["last_seen"] - table["first_seen"]).dt.total_seconds()
    return table


def test_no_column_of_the_identities_sorts_a_story_to_an_end(
    full_bench: workbench.Workbench,
) -> None:
    table = people(full_bench)
    for column in (
        "number", "name", "name_length", "properties", "first_seen", "last_seen", "span",
        "num_appearances", "num_cameras", "confidence_score",
    ):  # fmt: skip
        order = table[["id", column]].dropna().sort_values([column, "id"])
        for story in SECRET:
            ids = told(full_bench, story)
            for end in (order.head(len(ids) + 1), order.tail(len(ids) + 1)):
                assert not ids <= set(end["id"]), (column, story)


def test_values_that_a_story_has_others_have_too(bench: workbench.Workbench) -> None:
    table = people(bench)
    part = table["id"].isin(told(bench, *SECRET, "busy_regulars"))
    for column in ("cluster_method", "stated_confidence", "merge_history", "has_face"):
        assert set(table[part][column].dropna()) <= set(table[~part][column].dropna()), column
    keys = table["properties"].dropna().map(lambda text: tuple(sorted(json.loads(text))))
    assert set(keys[part]) <= set(keys[~part])


def test_the_second_of_a_split_is_one_of_many_without_a_name(bench: workbench.Workbench) -> None:
    table = people(bench)
    nameless = table[table["name"].isna()]
    second = bench.demo.answers("wrong_split").to_frame()["identities"].iloc[0][1]
    assert second in set(nameless["id"]) and len(nameless) >= 8
    rank = nameless["num_appearances"].rank(pct=True)[nameless["id"] == second].iloc[0]
    assert 0 < rank < 1 or len(nameless) > 10
    days = (
        bench.appearances.find(identity=nameless["id"].tolist())
        .groupby("identity_id")["timestamp"]
        .agg(lambda times: times.dt.date.nunique())
    )
    assert (days.drop(second) >= days[second]).sum() >= 2


def test_the_guest_is_not_the_only_one_with_few_sightings(bench: workbench.Workbench) -> None:
    table = people(bench).set_index("id")
    (guest,) = told(bench, "one_visit")
    few = table[table["num_appearances"] <= table.loc[guest, "num_appearances"]]
    assert len(few) >= 4
    assert (table["num_cameras"] == 1).sum() >= 3


@pytest.mark.parametrize("column", ["num_appearances", "num_cameras"])
def test_a_merge_is_of_ordinary_size(bench: workbench.Workbench, column: str) -> None:
    table = people(bench)
    (merged,) = told(bench, "wrong_merge")
    rank = table[column].rank(pct=True)[table["id"] == merged].iloc[0]
    assert 0.2 < rank < 0.97


def test_wrong_links_are_as_sure_as_right_ones(bench: workbench.Workbench) -> None:
    links = bench.manager.graph.edges("HAS_APPEARANCE")
    assert links["method"].unique().tolist() == ["deterministic"]
    assert links["created_at"].dt.floor("h").nunique() <= 2
    means = links.groupby("identity_id")["confidence"].mean()
    for story in ("impossible_trip", "wrong_merge", "wrong_split"):
        ranks = means.rank(pct=True)[sorted(told(bench, story))]
        assert ranks.between(0.02, 0.98).any()


def test_ids_of_appearances_and_tracks_follow_time_alone(bench: workbench.Workbench) -> None:
    rows = bench.appearances.find()
    assert rows["id"].is_monotonic_increasing and rows["timestamp"].is_monotonic_increasing
    first = rows.groupby(["camera_id", "tracking_id"])["timestamp"].min().reset_index()
    order = first.sort_values(["camera_id", "tracking_id"])
    late = order.groupby("camera_id")["timestamp"].diff().dt.total_seconds()
    assert (late.dropna() > -60).all()  # the first sightings of a pass may be missed
    assert rows["properties"].isna().all()


def test_answers_lie_in_no_file_as_plain_text(small_bench: workbench.Workbench) -> None:
    folder = small_bench.manager.folder
    assert folder is not None
    for path in folder.iterdir():
        if path.is_file():
            assert b"hidden_pair" not in path.read_bytes(), path.name
