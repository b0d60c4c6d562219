"""The power goes: what was not synced is lost or reordered, and nothing acknowledged is."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from tests.faults import campaign, powerloss, tracing, trial

CUTS = 48
traced = pytest.mark.skipif(tracing.PROGRAM is None, reason="no strace on the path (apt: strace)")


@traced
def test_what_was_acknowledged_survives_a_power_cut(
    writer: trial.Writer, bases: list[trial.Base], place: Path, tally: list[str]
) -> None:
    began = time.monotonic()
    results = campaign.cut_everywhere(writer, bases, place, count=CUTS, seed=21)
    tally.append(trial.tallied("power cut", results, time.monotonic() - began))
    assert len(results) == CUTS
    assert not [one for one in results if one.wrong], tally[-1]


@traced
def test_a_recording_replayed_whole_is_the_store(
    writer: trial.Writer, bases: list[trial.Base], place: Path
) -> None:
    base = bases[1]
    recorder = powerloss.Recorder(place / "log")
    trial.run(writer, base, place / "written", tracer=recorder)
    calls = powerloss.recorded(recorder.log, place / "written", place / "written.acks")
    everything = powerloss.Cut(len(calls), "nothing")
    powerloss.played(base.folder, str(place / "written"), calls, everything, 1, place / "replayed")
    there = {p.name: p.read_bytes() for p in (place / "written").rglob("*") if p.is_file()}
    again = {p.name: p.read_bytes() for p in (place / "replayed").rglob("*") if p.is_file()}
    assert {name: data for name, data in there.items() if not name.endswith("-shm")} == again


# ------------------------------------------------------------------ the disk that is simulated
def _disk(tmp_path: Path) -> powerloss.Disk:
    folder = tmp_path / "before"
    folder.mkdir()
    (folder / "old").write_bytes(b"o" * 1024)
    return powerloss.Disk(folder, "/d")


def _after(disk: powerloss.Disk, loss: str, tmp_path: Path, seed: int = 0) -> dict[str, bytes]:
    place = tmp_path / f"after-{loss}-{seed}"
    disk.cut(loss, np.random.default_rng(seed), place)
    return {p.name: p.read_bytes() for p in place.iterdir() if p.is_file()}


def test_the_disk_keeps_what_was_synced_and_no_more(tmp_path: Path) -> None:
    call = powerloss.Call
    disk = _disk(tmp_path)
    disk.play(call("write", "/d/old", 0, b"a" * 512))
    disk.play(call("sync", "/d/old"))
    disk.play(call("write", "/d/old", 512, b"b" * 1024))
    assert _after(disk, "everything", tmp_path) == {"old": b"a" * 512 + b"o" * 512}
    assert _after(disk, "nothing", tmp_path) == {"old": b"a" * 512 + b"b" * 1024}
    some = {_after(disk, "some", tmp_path, seed)["old"][512:] for seed in range(12)}
    assert some == {b"o" * 512, b"b" * 1024, b"b" * 512, b"o" * 512 + b"b" * 512}


def test_a_name_holds_only_after_its_folder_was_synced(tmp_path: Path) -> None:
    call = powerloss.Call
    disk = _disk(tmp_path)
    disk.play(call("create", "/d/new"))
    disk.play(call("write", "/d/new", 0, b"n"))
    disk.play(call("sync", "/d/new"))
    disk.play(call("remove", "/d/old"))
    assert set(_after(disk, "everything", tmp_path)) == {"old"}
    disk.play(call("sync", "/d"))
    assert _after(disk, "everything", tmp_path / "x") == {"new": b"n"}
