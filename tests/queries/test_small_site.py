"""Every answer about the small site, computed by hand, through the rooms."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pandas as pd
import pytest

import workbench
from workbench import times
from workbench.errors import InvalidInputError, NotFoundError


def rows(frame: pd.DataFrame, like: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return rows with the keys of the expected ones, times as text, missing left out."""
    out = frame.copy()
    for name in out.columns:
        if isinstance(out[name].dtype, pd.DatetimeTZDtype):
            out[name] = times.iso_column(out[name])
    return [
        {key: row[key] for key in expected}
        for row, expected in zip(out.to_dict("records"), like, strict=True)
    ]


def by_identity(expected: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(expected, key=lambda row: row["identity_id"])


def test_stats(bench: workbench.Workbench, answers: dict[str, Any]) -> None:
    stats = bench.store.stats()
    expected = dict(answers["stats"])
    vectors = expected.pop("vectors")
    assert {name: space["vectors"] for name, space in stats["spaces"].items()} == vectors
    assert {key: stats[key] for key in expected} == expected


def test_identities(bench: workbench.Workbench, answers: dict[str, Any]) -> None:
    for key, expected in answers["identities"].items():
        found = asdict(bench.identities.get(key))
        for name, value in expected.items():
            if isinstance(value, float):
                assert found[name] == pytest.approx(value)
            elif name.endswith("_seen"):
                assert found[name] == pd.Timestamp(value)
            else:
                assert found[name] == value


@pytest.mark.parametrize("room", ["visits", "transitions", "gaps"])
def test_movement_of_everybody(
    bench: workbench.Workbench, answers: dict[str, Any], room: str
) -> None:
    expected = answers[room]
    found = rows(getattr(bench.tracks, room)(), expected)
    for one, other in zip(found, expected, strict=True):
        for key, value in other.items():
            if isinstance(value, float):
                assert one[key] == pytest.approx(value, abs=1e-3), (key, other)
            else:
                assert one[key] == value, (key, other)


def test_flow(bench: workbench.Workbench, answers: dict[str, Any]) -> None:
    assert rows(bench.tracks.flow(), answers["flow"]) == answers["flow"]


@pytest.mark.parametrize("who", ["p1", "p2", "p3", "p4", "p5"])
def test_a_trajectory_says_the_same_as_the_tables_of_everybody(
    bench: workbench.Workbench, answers: dict[str, Any], who: str
) -> None:
    track = bench.tracks.trajectory(who)
    for name in ("visits", "transitions", "gaps", "implausible"):
        expected = [row for row in answers[name] if row["identity_id"] == who]
        assert len(getattr(track, name)) == len(expected)
    assert len(track.to_frame()) == answers["identities"][who]["num_appearances"]
    assert track.to_frame()["timestamp"].is_monotonic_increasing


def test_the_impossible_move_is_named(bench: workbench.Workbench, answers: dict[str, Any]) -> None:
    found = bench.tracks.trajectory("p4").implausible
    assert rows(found, answers["implausible"]) == answers["implausible"]
    assert bench.tracks.trajectory("p4", max_speed_m_s=7).implausible.empty


def test_camera_paths(bench: workbench.Workbench, answers: dict[str, Any]) -> None:
    for expected in answers["paths"]:
        found = bench.cameras.path(expected["from"], expected["to"], by=expected["by"])
        assert list(found.cameras) == expected["cameras"]
        assert (found.hops, found.distance_m, found.time_s) == (
            expected["hops"],
            expected["distance_m"],
            expected["time_s"],
        )


def test_nearest(bench: workbench.Workbench, answers: dict[str, Any]) -> None:
    for expected in answers["nearest"]:
        asked = {key: expected[key] for key in ("appearance", "identity") if key in expected}
        found = bench.similarity.like(
            **asked, space=expected["space"], k=expected["k"], by=expected["by"]
        )
        pairs = list(zip(found.hits["appearance_id"], found.hits["similarity"], strict=True))
        assert [name for name, _ in pairs] == [name for name, _ in expected["results"]]
        for (_, similarity), (_, value) in zip(pairs, expected["results"], strict=True):
            assert similarity == pytest.approx(value, abs=2e-3)
        assert found.exact
        assert found.hits["rank"].tolist() == list(range(1, len(pairs) + 1))


def test_a_filtered_search_is_full_and_keeps_to_the_filter(bench: workbench.Workbench) -> None:
    found = bench.similarity.like(appearance="a01", camera="lab", k=3)
    assert found.hits["camera_id"].tolist() == ["lab"] * 3
    early = bench.similarity.like(
        appearance="a01", start="2026-01-12T08:00:00Z", end="2026-01-12T08:00:02Z", k=50
    )
    within = bench.appearances.find(start="2026-01-12T08:00:00Z", end="2026-01-12T08:00:02Z")
    assert set(early.hits["appearance_id"]) <= set(within["id"]) - {"a01"}


def test_windows_are_half_open_and_clocks_corrected(bench: workbench.Workbench) -> None:
    at = bench.appearances.get("b03")
    assert at.timestamp == pd.Timestamp("2026-01-12T08:09:56Z")
    assert at.timestamp_recorded == pd.Timestamp("2026-01-12T08:09:51Z")
    found = bench.appearances.find(start="2026-01-12T08:09:56Z", end="2026-01-12T08:09:57Z")
    assert found["id"].tolist() == ["b03"]
    assert bench.appearances.find(
        start="2026-01-12T08:09:50Z", end="2026-01-12T08:09:56Z", camera="office"
    ).empty
    local = bench.appearances.find(
        start="2026-01-12 09:09:56", end="2026-01-12 09:09:57", tz="Europe/Madrid"
    )
    assert local["id"].tolist() == ["b03"]


def test_paging_yields_everything_once(bench: workbench.Workbench) -> None:
    whole = bench.appearances.find()["id"].tolist()
    pages: list[str] = []
    last = None
    while True:
        page = bench.appearances.find(limit=7, after=last)["id"].tolist()
        if not page:
            break
        pages += page
        last = page[-1]
    assert pages == whole
    assert len(whole) == 30


def test_unidentified_and_searches(bench: workbench.Workbench) -> None:
    assert bench.appearances.unidentified()["id"].tolist() == ["u01", "u02"]
    assert bench.identities.search("chloé")["id"].tolist() == ["p3"]
    assert bench.identities.search(camera="office")["id"].tolist() == ["p2", "p3"]
    assert bench.cameras.search(identity="p5")["id"].tolist() == ["corridor", "entrance", "lab"]


def test_unknown_things_are_named(bench: workbench.Workbench) -> None:
    for ask in (
        lambda: bench.identities.get("p9"),
        lambda: bench.identities.appearances("p9"),
        lambda: bench.tracks.trajectory("p9"),
        lambda: bench.tracks.visits(["p1", "p9"]),
        lambda: bench.appearances.get("p9"),
        lambda: bench.appearances.find(after="p9"),
        lambda: bench.cameras.get("p9"),
        lambda: bench.cameras.path("entrance", "p9"),
        lambda: bench.similarity.like(appearance="p9"),
        lambda: bench.similarity.like(identity="p9"),
        lambda: bench.similarity.like(appearance="a01", camera="p9"),
        lambda: bench.appearances.find(camera=["lab", "p9"]),
        lambda: bench.appearances.find(identity=["p1", "p9"]),
        lambda: bench.identities.search(camera="p9"),
        lambda: bench.cameras.search(identity="p9"),
    ):
        with pytest.raises(NotFoundError, match="p9"):
            ask()
    with pytest.raises(NotFoundError, match="gait"):
        bench.similarity.like(appearance="a01", space="gait")
    with pytest.raises(NotFoundError, match="no vector in 'face'"):
        bench.similarity.like(appearance="u02")


def test_questions_that_mean_nothing_are_refused(bench: workbench.Workbench) -> None:
    for ask in (
        lambda: bench.similarity.like(),
        lambda: bench.similarity.like(appearance="a01", identity="p1"),
        lambda: bench.similarity.like(appearance="a01", k=0),
        lambda: bench.similarity.like(appearance="a01", min_similarity=2.0),
        lambda: bench.appearances.find(start="2026-01-02T00:00Z", end="2026-01-01T00:00Z"),
        lambda: bench.appearances.find(start="2026-01-02T00:00"),
        lambda: bench.appearances.find(limit=-1),
    ):
        with pytest.raises(InvalidInputError):
            ask()


def test_results_draw_themselves(bench: workbench.Workbench) -> None:
    track = bench.tracks.trajectory("p2")
    assert track.plot().data
    bundle = track._repr_mimebundle_()
    assert bundle["text/plain"].startswith("Trajectory of 'p2': 6 sightings")
    assert repr(track).endswith(", 4 visits, 1 gap, 0 implausible moves")
    found = bench.similarity.like(identity="p1", k=3)
    assert found.plot().data
