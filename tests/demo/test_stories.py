"""Every planted story can be found with the tool, without its answer; then the answer agrees."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import networkx as nx
import pandas as pd

import workbench
from workbench.demo.building import EYES

_SPEC = importlib.util.spec_from_file_location("chance", Path(__file__).with_name("chance.py"))
assert _SPEC and _SPEC.loader
chance = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(chance)

Bench = workbench.Workbench


def answer(bench: Bench, story: str) -> dict[str, Any]:
    """Return the one answer to a story."""
    rows = bench.demo.answers(story).to_frame()
    assert len(rows) == 1
    return {str(name): cell for name, cell in rows.iloc[0].items()}


def department(bench: Bench, identity: str) -> str | None:
    """Return the department that the store knows."""
    return bench.identities.get(identity).properties.get("department")


def nearest(bench: Bench, appearance: str) -> list[str]:
    """Return whom an appearance looks like: by face if there is one, else by body."""
    known = bench.appearances.get(appearance)
    space = "face" if known.face_embedding_idx is not None else "reid"
    hits = bench.similarity.like(appearance=appearance, space=space, k=4, by="identity").hits
    return [name for name in hits["identity_id"] if isinstance(name, str)]


# ------------------------------------------------------------------ what people did
def test_busy_regulars_are_at_the_top_by_count_and_gone_against_chance(full_bench: Bench) -> None:
    raw = chance.together(full_bench.appearances.find())
    top = {name for pair in raw.head(6).index for name in pair}
    assert top == set(answer(full_bench, "busy_regulars")["identities"])
    pairs = chance.against_chance(full_bench.tracks.visits())
    lifts = pairs["lift"].reindex([tuple(sorted(pair)) for pair in raw.head(6).index])
    assert lifts.max() < 2.0


def test_the_hidden_pair_stands_out_against_chance(bench: Bench) -> None:
    days = bench.appearances.find()["timestamp"].dt.date.nunique()
    pairs = chance.against_chance(bench.tracks.visits())
    often = pairs[(pairs["days"] >= min(days, 3)) & (pairs["cameras"] >= 4) & (pairs["n"] >= 6)]
    often = often.sort_values("lift", ascending=False)
    apart = [pair for pair in often.index if len({department(bench, who) for who in pair}) == 2]
    expected = tuple(sorted(answer(bench, "hidden_pair")["identities"]))
    assert expected in apart[:3]
    row = pairs.loc[expected]
    assert row["lift"] > 5 and row["n"] < 20


def test_the_pair_is_not_among_the_first_by_count(full_bench: Bench) -> None:
    raw = chance.together(full_bench.appearances.find())
    pair = tuple(sorted(answer(full_bench, "hidden_pair")["identities"]))
    assert list(raw.index).index(pair) >= 8
    assert raw[pair] < raw.iloc[0] / 5


def test_the_group_meets_at_one_hour_on_its_days(bench: Bench) -> None:
    met = chance.encounters(bench.tracks.visits(), within_s=60.0)
    met["slot"] = (met["us"] + 900_000_000) // 1_800_000_000 % 48  # half an hour of the day
    days = met.groupby(["a", "b", "camera", "slot"])["day"].nunique()
    wanted = 2 if met["day"].nunique() < 5 else 3
    again = days[days >= wanted].reset_index()
    groups = []
    for camera, rows in again.groupby("camera"):
        ties = nx.Graph(list(zip(rows["a"], rows["b"], strict=True)))
        groups += [(max(nx.find_cliques(ties), key=len), str(camera))]
    members, camera = max(groups, key=lambda found: len(found[0]))
    told = answer(bench, "scheduled_group")
    assert len(members) >= 3 and camera in told["cameras"]
    assert set(members) <= set(told["identities"])
    hours = met[met["a"].isin(members) & met["b"].isin(members) & (met["camera"] == camera)]
    assert (hours["us"] // 3_600_000_000 % 24).mode().iloc[0] in (13, 14)
    assert len(members) >= 0.6 * len(told["identities"])


def test_the_guest_was_seen_once(bench: Bench) -> None:
    visits = bench.tracks.visits()
    counts = visits.groupby("identity_id").size()
    assert counts[counts == 1].index.tolist() == answer(bench, "one_visit")["identities"]


# ------------------------------------------------------------------ what cameras did not see
def test_the_outage_explains_gaps(bench: Bench) -> None:
    gaps = bench.tracks.gaps()
    out = gaps[gaps["reason"] == "outage"]
    told = answer(bench, "camera_outage")
    assert out["outage_camera"].unique().tolist() == told["cameras"]
    assert out["source"].unique().tolist() == ["maintenance log"]
    assert len(out) > 10 and out["identity_id"].nunique() > 5
    known = bench.cameras.outages().iloc[0]
    assert (known["start"], known["end"]) == (told["start"], told["end"])
    assert known["start"].day_name() == "Tuesday"
    camera = told["cameras"][0]
    seen = bench.appearances.find(camera=camera, start=told["start"], end=told["end"])
    assert seen.empty
    hour = pd.Timedelta(minutes=72)
    for start in (told["start"] - hour, told["end"]):
        assert len(bench.appearances.find(camera=camera, start=start, end=start + hour)) > 0


def test_the_blind_corridor_takes_its_time_and_nothing_is_wrong(bench: Bench) -> None:
    moves = bench.tracks.transitions()
    gaps = bench.tracks.gaps()
    blind = gaps[(gaps["reason"] == "blind") & (gaps["from_camera"] != gaps["to_camera"])]
    moves = moves.merge(blind[["identity_id", "start", "from_camera", "to_camera"]])
    usual = moves[moves["gap_s"] < 1.4 * moves["usual_s"]]
    levels = bench.cameras.all().set_index("id")["level"]
    here = levels[usual["from_camera"]].to_numpy() == levels[usual["to_camera"]].to_numpy()
    pairs = usual[here].groupby(["from_camera", "to_camera"]).size().sort_values()
    told = answer(bench, "blind_corridor")
    assert sorted(pairs.index[-1]) == told["cameras"]
    both = [n for pair, n in pairs.items() if sorted(pair) == told["cameras"]]
    assert sum(both) > 0.7 * pairs.sum() and sum(both) >= 6


# ------------------------------------------------------------------ who was taken for whom
def test_the_impossible_trip_is_that_of_a_lookalike(bench: Bench) -> None:
    told = answer(bench, "impossible_trip")
    who, whom = told["identities"]
    moves = bench.tracks.trajectory(who).implausible
    assert 1 <= len(moves) <= 4
    odd = bench.appearances.find(camera=told["cameras"], start=told["start"], identity=who)
    wrong = odd[odd["timestamp"] <= told["end"]]["id"]
    ends = set(moves["from_appearance"]) | set(moves["to_appearance"])
    assert ends & set(wrong)
    assert any(whom in nearest(bench, one)[:2] for one in wrong)


def test_only_mistakes_are_implausible(bench: Bench) -> None:
    moves = bench.tracks.implausible()
    counts = moves.groupby("identity_id").size()
    trip, merge = answer(bench, "impossible_trip"), answer(bench, "wrong_merge")
    assert set(counts.index) == {trip["identities"][0], *merge["identities"]}


def test_the_wrong_merge_is_at_two_places_with_two_faces(bench: Bench) -> None:
    (who,) = answer(bench, "wrong_merge")["identities"]
    moves = bench.tracks.trajectory(who).implausible
    assert len(moves) >= 2
    # By face its sightings fall apart: those of one person are nearer to each other.
    mine = set(bench.appearances.find(identity=who)["id"])
    pair = moves.iloc[0]
    near = {
        end: set(self_like(bench, pair[end], mine)) for end in ("from_appearance", "to_appearance")
    }
    assert len(near["from_appearance"] & near["to_appearance"]) < 8


def self_like(bench: Bench, appearance: str, mine: set[str]) -> list[str]:
    """Return the ten sightings among hers that a sighting looks most like, by body."""
    hits = bench.similarity.like(appearance=appearance, space="reid", k=400).hits
    return [name for name in hits["appearance_id"] if name in mine][:10]


def test_the_two_of_a_split_are_nearest_by_face_and_never_there_together(bench: Bench) -> None:
    one, two = answer(bench, "wrong_split")["identities"]
    hits = bench.similarity.like(identity=two, space="face", k=3, by="identity").hits
    known = [name for name in hits["identity_id"] if isinstance(name, str)]
    assert known[0] == one
    back = bench.similarity.like(identity=one, space="face", k=3, by="identity").hits
    assert two in back["identity_id"].tolist()
    seen = [bench.appearances.find(identity=who)["timestamp"] for who in (one, two)]
    assert seen[0].max() < seen[1].min()


def test_the_split_is_found_among_everybody(small_bench: Bench) -> None:
    people = small_bench.identities.all()
    pairs = []
    for who in people.loc[people["has_face"].fillna(False), "id"]:
        hits = small_bench.similarity.like(identity=who, space="face", k=3, by="identity").hits
        hits = hits[hits["identity_id"].notna()]
        pairs.append((hits["similarity"].iloc[0], *sorted((who, hits["identity_id"].iloc[0]))))
    first = [pair[1:] for pair in sorted(set(pairs), reverse=True)[:8]]
    told = answer(small_bench, "wrong_split")["identities"]
    assert tuple(sorted(told)) in first


def test_every_story_names_what_exists(bench: Bench) -> None:
    answers = bench.demo.answers().to_frame()
    people, cameras = set(bench.identities.all()["id"]), {eye.id for eye in EYES}
    for row in answers.to_dict("records"):
        assert set(row["identities"]) <= people
        assert set(row["cameras"]) <= cameras
        assert row["start"] <= row["end"]
        assert all(name in row["what"] for name in row["identities"])
