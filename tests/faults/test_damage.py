"""Bytes destroyed: never a wrong answer, the damage is named, and there is a way on."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.faults import damage, workload

TRIALS = 110


def test_no_damage_is_ever_a_wrong_answer(tmp_path: Path, tally: list[str]) -> None:
    results = damage.run(tmp_path, TRIALS)
    said = damage.counted(results)
    tally.append(said)
    assert len(results) == TRIALS
    assert "0 violations" in said


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory) -> damage.Truth:
    return damage.truths(tmp_path_factory.mktemp("truths"))[0]


def test_an_undamaged_store_is_no_violation(truth: damage.Truth, tmp_path: Path) -> None:
    nothing = damage.Damage("nothing", "store.sqlite", 0, lambda at: None)
    assert damage.trial(truth, nothing, tmp_path / "copy") == []


def test_a_wrong_answer_is_noticed(truth: damage.Truth) -> None:
    """What the trials look for, given by hand: another time, identity, vector, hit."""
    state = truth.states[-1]
    one, other = sorted(state.rows)[:2]
    row = state.rows[one]
    seen = damage.Seen(rows={one: (row.second + 1, row.camera)})
    assert damage.wrong_answers(seen, state)
    seen = damage.Seen(rows={one: (row.second, row.camera)}, links={one: "nobody"})
    assert damage.wrong_answers(seen, state)
    assert damage.wrong_answers(damage.Seen(people={"nobody"}), state)
    wrong = {(one, "reid"): workload.vector(1, "reid")}
    assert damage.wrong_answers(damage.Seen(vectors=wrong), state)
    assert damage.wrong_answers(damage.Seen(hits={(one, "reid"): other}), state)
    assert not damage.wrong_answers(damage.Seen(), state)
    assert len(damage.missing(damage.Seen(), state)) > len(state.rows)


@pytest.mark.parametrize("safeguard", ["rows", "vectors", "verify"])
def test_a_missing_safeguard_is_noticed(
    truth: damage.Truth, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, safeguard: str
) -> None:
    """The trials fail on a product that does not compare rows, or vectors, or finds nothing."""
    from workbench.stores.graph import mending
    from workbench.stores.graph.soundness import SoundRows
    from workbench.stores.vectors.faiss import FAISSVectorStore
    from workbench.stores.vectors.segments import SegmentRows

    if safeguard == "rows":
        monkeypatch.setattr(SoundRows, "require", lambda self, name, numbers: None)
        monkeypatch.setattr(SoundRows, "require_sightings", lambda self, rows: None)
    if safeguard == "vectors":
        plain = FAISSVectorStore.get

        def careless(self, space, vids):  # type: ignore[no-untyped-def]
            rows = self._sound(space, vids)
            codes = self.rows.codes(self._space(space), rows["place"].to_numpy())
            from workbench.stores.vectors import precision

            return precision.decode(codes, rows["scale"].to_numpy())

        assert plain is not careless
        monkeypatch.setattr(FAISSVectorStore, "get", careless)
    if safeguard == "verify":
        monkeypatch.setattr(mending, "_wrong", lambda database, layout: iter(()))
        monkeypatch.setattr(SegmentRows, "findings", lambda self: {})
    said = [damage.trial(truth, one, tmp_path / "copy") for one in _aimed(truth)]
    assert any(said)
    assert not (tmp_path / "copy").exists()


def _aimed(truth: damage.Truth) -> list[damage.Damage]:
    """Return damages to bytes that are sure to be read: a camera's id, a time, a body."""
    body = next(p for p in (truth.folder / "vectors").glob("reid*"))
    name = body.relative_to(truth.folder).as_posix()

    def whole(at: Path) -> None:
        size = (at / name).stat().st_size - 64
        damage._patch(at / name, 64, bytes([7, 130]) * (size // 2))

    def renamed(at: Path) -> None:
        import sqlite3

        connection = sqlite3.connect(at / "store.sqlite")
        with connection:
            connection.execute("UPDATE appearance SET timestamp_us = timestamp_us + 1000000")
        connection.close()

    return [damage.Damage("aimed", name, 0, whole), damage.Damage("aimed", "rows", 0, renamed)]


def test_a_trial_leaves_its_store_alone(truth: damage.Truth, tmp_path: Path) -> None:
    before = {p: p.read_bytes() for p in truth.folder.rglob("*") if p.is_file()}
    removed = damage.Damage("gone", "vectors", 0, lambda at: shutil.rmtree(at / "vectors"))
    assert damage.trial(truth, removed, tmp_path / "copy") == []
    assert before == {p: p.read_bytes() for p in truth.folder.rglob("*") if p.is_file()}
