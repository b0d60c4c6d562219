"""Making, opening and remaking the demo store; its room; mistakes planted for a class."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import workbench
from workbench.errors import InvalidInputError, NotFoundError
from workbench.queries import demo as room

KINDS = ("wrong_merge", "wrong_split", "impossible_trip")


@pytest.fixture
def folder(small_bench: workbench.Workbench, tmp_path: Path) -> Path:
    """Return a copy of the small demo, to be written."""
    assert small_bench.manager.folder is not None
    shutil.copytree(small_bench.manager.folder, tmp_path / "demo")
    return tmp_path / "demo"


@pytest.fixture
def copy(folder: Path) -> Iterator[workbench.Workbench]:
    """Return the copy, open."""
    with workbench.open(folder) as found:
        yield found


# ------------------------------------------------------------------ the store
def test_it_holds_the_whole_site(small_bench: workbench.Workbench) -> None:
    stats = small_bench.store.stats()
    assert stats["cameras"] == 14 and stats["appearances"] > 4_000
    assert {name: one["model_id"] for name, one in stats["spaces"].items()} == {
        "face": "simulated-face", "reid": "simulated-body",
    }  # fmt: skip
    assert stats["spaces"]["reid"]["vectors"] == stats["appearances"]
    assert len(small_bench.cameras.floor_plans()) == 2
    assert len(small_bench.cameras.outages()) == 1
    assert not small_bench.store.verify().problems
    seen = small_bench.appearances.find(limit=1)
    assert seen["source_file"].iloc[0] == "demo"


def test_what_is_there_is_opened_not_made(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("it was made again")

    monkeypatch.setattr(room, "make", never)
    with workbench.open_demo(folder, small=True) as bench:
        assert bench.store.stats()["cameras"] == 14


@pytest.mark.parametrize("wish", [{"seed": 3, "small": True}, {"small": False}])
def test_another_demo_is_refused_without_reset(folder: Path, wish: dict[str, object]) -> None:
    before = sorted(path.name for path in folder.iterdir())
    with pytest.raises(InvalidInputError, match="the small one of seed 7") as refused:
        workbench.open_demo(folder, **wish)  # type: ignore[arg-type]
    assert "--reset" in str(refused.value.next) and refused.value.where == str(folder)
    assert sorted(path.name for path in folder.iterdir()) == before


def test_a_demo_of_an_earlier_version_is_refused_too(folder: Path) -> None:
    (folder / room.MARK).write_text(json.dumps({"site": "tiny_site"}))
    with pytest.raises(InvalidInputError, match="an earlier version"):
        workbench.open_demo(folder, small=True)


def test_reset_makes_it_anew(folder: Path) -> None:
    with workbench.open_demo(folder, small=True, seed=3, reset=True) as bench:
        assert not bench.store.verify().problems
    assert json.loads((folder / room.MARK).read_text())["seed"] == 3
    assert [path.name for path in folder.parent.iterdir()] == ["demo"]


@pytest.mark.parametrize("reset", [False, True])
@pytest.mark.parametrize("name", ["note.txt", "demo.json"])
def test_what_others_made_is_left_alone(tmp_path: Path, name: str, reset: bool) -> None:
    (tmp_path / name).write_text("[1, 2]")
    with pytest.raises(InvalidInputError, match="did not make"):
        workbench.open_demo(tmp_path, small=True, reset=reset)
    assert (tmp_path / name).read_text() == "[1, 2]"


def test_it_appears_whole_or_not_at_all(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("the power went off")

    monkeypatch.setattr(room, "_keep", broken)
    with pytest.raises(RuntimeError):
        workbench.open_demo(tmp_path / "new", small=True)
    with pytest.raises(RuntimeError):
        workbench.open_demo(folder, small=True, seed=3, reset=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["demo"]
    with workbench.open_demo(folder, small=True) as bench:
        assert not bench.store.verify().problems


# ------------------------------------------------------------------ the room
def test_answers_are_readable_and_can_be_asked_one_by_one(
    small_bench: workbench.Workbench,
) -> None:
    answers = small_bench.demo.answers()
    assert len(answers) == 9
    text, page = repr(answers), answers._repr_html_()
    for row in answers.to_frame().to_dict("records"):
        assert row["story"] in text and row["what"] in page
    one = small_bench.demo.answers("camera_outage").to_frame()
    assert one["cameras"].tolist() == [["cam_08"]]
    with pytest.raises(InvalidInputError, match="no story 'love'") as refused:
        small_bench.demo.answers("love")
    assert "hidden_pair" in str(refused.value.next)


def test_another_store_has_no_answers(tmp_path: Path) -> None:
    with workbench.open(tmp_path / "mine", create=True) as bench:
        for ask in (bench.demo.answers, lambda: bench.demo.inject("wrong_merge")):
            with pytest.raises(NotFoundError, match="not the demo"):
                ask()


# ------------------------------------------------------------------ planting
@pytest.mark.parametrize("kind", KINDS)
def test_a_mistake_is_planted_in_silence_and_the_store_stays_sound(
    copy: workbench.Workbench, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    taken = {who for row in copy.demo.answers().to_frame()["identities"] for who in row}
    before = copy.store.content_hash()
    assert copy.demo.inject(kind, seed=3) is None  # type: ignore[func-returns-value]
    assert capsys.readouterr() == ("", "")
    assert copy.store.content_hash() != before
    assert not copy.store.verify().problems
    rows = copy.demo.answers(kind).to_frame()
    assert len(rows) == 2 and len(copy.demo.answers()) == 10
    concerned = rows["identities"].iloc[1]
    assert not taken & set(concerned)
    assert set(concerned) <= set(copy.identities.all()["id"])
    assert (copy.identities.all()["num_appearances"] > 0).all()
    assert copy.manager.graph.edges("HAS_APPEARANCE")["method"].unique().tolist() == [
        "deterministic"
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_plants_the_same(folder: Path, tmp_path: Path, kind: str) -> None:
    shutil.copytree(folder, tmp_path / "other")
    links = []
    for path, seed in ((folder, 5), (tmp_path / "other", 5)):
        with workbench.open(path) as bench:
            bench.demo.inject(kind, seed=seed)
            found = bench.manager.graph.edges("HAS_APPEARANCE")
            links.append((found[["identity_id", "appearance_id"]], repr(bench.demo.answers())))
    assert links[0][0].equals(links[1][0])
    assert links[0][1] == links[1][1]


def test_a_planted_trip_is_implausible(copy: workbench.Workbench) -> None:
    copy.demo.inject("impossible_trip", seed=1)
    who = copy.demo.answers("impossible_trip").to_frame()["identities"].iloc[1][0]
    assert len(copy.tracks.trajectory(who).implausible)


@pytest.mark.parametrize("seed", range(4))
def test_a_planted_merge_has_moves_that_cannot_be_between_two_bodies(
    copy: workbench.Workbench, seed: int
) -> None:
    before = set(copy.tracks.implausible()["identity_id"])
    copy.demo.inject("wrong_merge", seed=seed)
    (who,) = copy.demo.answers("wrong_merge").to_frame()["identities"].iloc[1]
    moves = copy.tracks.implausible()
    assert set(moves["identity_id"]) - before == {who}
    assert len(moves[moves["identity_id"] == who]) >= 2
    move = moves[moves["identity_id"] == who].iloc[0]
    hers = copy.appearances.find(identity=who)["id"]
    near = []
    for end in ("from_appearance", "to_appearance"):
        hits = copy.similarity.like(appearance=move[end], space="reid", k=300).hits["appearance_id"]
        near.append(set(hits[hits.isin(hers)][:8]))
    assert len(near[0] & near[1]) <= 4


def test_a_planted_split_leaves_two_that_look_alike(copy: workbench.Workbench) -> None:
    copy.demo.inject("wrong_split", seed=1)
    one, two = copy.demo.answers("wrong_split").to_frame()["identities"].iloc[1]
    hits = copy.similarity.like(identity=two, space="face", k=3, by="identity").hits
    assert one in hits["identity_id"].tolist()[:2]
    assert copy.identities.get(two).name is None


def test_several_mistakes_concern_others_each_time(copy: workbench.Workbench) -> None:
    for kind in KINDS * 2:
        copy.demo.inject(kind, seed=4)
    concerned = [who for row in copy.demo.answers().to_frame()["identities"] for who in row]
    assert len(concerned) == len(set(concerned))
    assert not copy.store.verify().problems


def test_an_unknown_kind_or_seed_changes_nothing(copy: workbench.Workbench) -> None:
    before = copy.store.content_hash()
    with pytest.raises(InvalidInputError) as refused:
        copy.demo.inject("wrong_mood")
    assert all(kind in str(refused.value.next) for kind in KINDS)
    for seed in (-1, 1.5, "3", True):
        with pytest.raises(InvalidInputError, match="seed is"):
            copy.demo.inject("wrong_merge", seed=seed)  # type: ignore[arg-type]
    assert copy.store.content_hash() == before
