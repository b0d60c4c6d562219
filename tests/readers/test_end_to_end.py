"""Samples of foreign formats by the command: what detect says, what is loaded, what is shown."""

from __future__ import annotations

import io
import json
import os
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import workbench
from workbench.cli import main
from workbench.cli.loading import FORMATS as OFFERED
from workbench.readers.options import FORMATS
from workbench.storage.load import Load

SAMPLES = Path(__file__).resolve().parents[2] / "data" / "samples"
# File: format, data rows, filtered, identities, unidentified, cameras, vectors.
KNOWN = {
    "mot/HALL-01/gt/gt.txt": ("mot", 75, 20, 3, 0, 1, {}),
    "mot/HALL-01/det/det.txt": ("mot", 50, 0, 0, 50, 1, {}),
    "aicity/ground_truth.txt": ("aicity", 60, 0, 3, 0, 2, {}),
    "reid/market_names.txt": ("reid", 30, 0, 3, 12, 3, {}),
    "reid/mars_names.txt": ("reid", 24, 0, 2, 0, 2, {}),
    "reid/veri_names.txt": ("reid", 18, 0, 3, 0, 3, {}),
    "reid/crops": ("reid", 4, 0, 2, 0, 2, {}),
    "metropolis/frames.jsonl": ("metropolis", 18, 0, 3, 0, 2, {"reid": 18}),
    "metropolis/mtmc.json": ("metropolis", 12, 0, 2, 0, 2, {"reid": 3}),
    "tracks.jsonl": ("jsonl", 12, 0, 3, 0, 2, {"reid": 12}),
}
Run = Callable[..., dict[str, Any]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Return a function that types a command and returns its document."""

    def typed(*words: object, code: int = 0) -> dict[str, Any]:
        found = main([*map(str, words), "--json"])
        out = capsys.readouterr().out
        assert found == code, out
        return json.loads(out)

    return typed


def test_every_sample_is_known_and_described() -> None:
    described = (SAMPLES.parent / "README.md").read_text(encoding="utf-8")
    for name in KNOWN:
        assert (SAMPLES / name).exists()
        assert name.rsplit("/", 1)[-1] in described


def test_the_command_offers_what_the_readers_read() -> None:
    assert OFFERED == FORMATS


@pytest.mark.parametrize("name", KNOWN)
def test_what_detect_names_loads_the_sample(run: Run, tmp_path: Path, name: str) -> None:
    format, rows, filtered, people, nobody, cameras, vectors = KNOWN[name]
    found = run("detect", SAMPLES / name)
    assert (found["format"], found["confidence"]) == (format, 0.95) and found["reason"]
    store = tmp_path / "store"
    words = [*shlex.split(found["next"])[1:], "--store", store]
    first = run(*words)
    assert (first["rows"], first["filtered"], first["rejected"]) == (rows, filtered, 0)
    assert first["added"] == rows - filtered and first["vectors"] == vectors
    assert first["format"] == format
    stats = run("stats", "--store", store)
    assert (stats["identities"], stats["unidentified"]) == (people, nobody)
    assert stats["cameras"] == cameras
    again = run(*words)
    assert (again["unchanged"], again["added"], again["vectors"]) == (rows, 0, {})
    assert run("stats", "--store", store)["sequence"] == stats["sequence"]
    assert run("verify", "--store", store)["ok"]


def test_ignored_regions_are_said(run: Run, tmp_path: Path) -> None:
    words = ["ingest", SAMPLES / "mot/HALL-01/gt/gt.txt", "--start-time", "2026-01-01T00:00Z"]
    notes = run(*words, "--store", tmp_path / "s")["notes"]
    assert any("filtered out" in note for note in notes) and any("Frame 1" in n for n in notes)


@pytest.mark.parametrize(
    "name", ["metropolis/frames.jsonl", "tracks.jsonl", "metropolis/mtmc.json"]
)
def test_a_load_that_stopped_is_run_again_and_goes_on(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    whole = tmp_path / "whole"
    run("ingest", SAMPLES / name, "--store", whole)
    monkeypatch.setattr("workbench.readers.json_lines._NUMBERS_AT_ONCE", 8 * 4)
    write, store, written = Load._write_batch, tmp_path / "store", []

    def stopped(self: Load, *rest: Any) -> None:
        if len(written) == 1:
            raise RuntimeError("the power went")
        write(self, *rest)
        written.append(rest)

    monkeypatch.setattr(Load, "_write_batch", stopped)
    with pytest.raises(RuntimeError):
        workbench.ingest(store, SAMPLES / name, quiet=True)
    assert run("stats", "--store", store)["identities"] <= 3
    monkeypatch.setattr(Load, "_write_batch", write)
    found = run("ingest", SAMPLES / name, "--store", store)
    assert found["unchanged"] == 4 and found["added"] == found["rows"] - 4
    with workbench.open(store) as one, workbench.open(whole) as other:
        assert one.store.content_hash() == other.store.content_hash()


def test_vectors_of_rows_are_found_by_cosine(run: Run, tmp_path: Path) -> None:
    store = tmp_path / "s"
    run("ingest", SAMPLES / "tracks.jsonl", "--store", store)
    said = run("find", "--identity", "ada", "--space", "reid", "--store", store)
    assert said["queries"][0]["results"][0]["identity_id"] in {"ben", "cy"}
    rows = [json.loads(line) for line in (SAMPLES / "tracks.jsonl").read_text().splitlines()]
    with workbench.open(store) as bench:
        near = bench.similarity.like(vector=np.array(rows[0]["embedding"]), space="reid", k=1)
        hit = bench.appearances.get(near.to_frame()["appearance_id"].iloc[0])
    assert hit.source_row == 1 and near.to_frame()["similarity"].iloc[0] > 0.999


def test_vectors_in_the_rows_and_beside_them_need_two_spaces(run: Run, tmp_path: Path) -> None:
    np.save(tmp_path / "v.npy", np.ones((12, 8), dtype="float32"))
    words = ["ingest", SAMPLES / "tracks.jsonl", "--reid", tmp_path / "v.npy"]
    error = run(*words, "--store", tmp_path / "s", code=2)["error"]
    assert "--space" in error["next"] and not (tmp_path / "s").exists()
    both = run(*words, "--space", "own", "--store", tmp_path / "s")
    assert both["vectors"] == {"own": 12, "reid": 12}


def test_a_vector_of_another_length_than_the_space(run: Run, tmp_path: Path) -> None:
    store = tmp_path / "s"
    run("ingest", SAMPLES / "tracks.jsonl", "--store", store)
    other = tmp_path / "o.jsonl"
    row = {"timestamp": "2026-01-01T00:00Z", "camera_id": "c", "vector": [1, 2]}
    other.write_text(json.dumps(row))
    error = run("ingest", other, "--store", store, code=2)["error"]
    assert "dim 8, not 2" in error["message"]


@pytest.fixture
def crops(tmp_path: Path) -> Path:
    """Return a folder of crops with one that is none and one that is large."""
    folder = tmp_path / "crops"
    shutil.copytree(SAMPLES / "reid" / "crops", folder)
    (folder / "0009_c1s1_000100_00.jpg").write_bytes(b"<svg onload=alert(1)>")
    Image.new("RGB", (1200, 400), "red").save(folder / "0009_c1s1_000200_00.png")
    return folder


CLOCK = ("--fps", "25", "--start-time", "2026-01-01T00:00Z")


def shown(store: Path) -> dict[str, bytes | None]:
    with workbench.open(store) as bench:
        rows = bench.appearances.find()
        crops = [bench.appearances.crop(one) for one in rows["id"]]
        return dict(zip(rows["frame_path"], crops, strict=True))


def test_crops_are_small_pictures_from_below_the_root(
    run: Run, tmp_path: Path, crops: Path
) -> None:
    store = tmp_path / "s"
    assert run("ingest", crops, *CLOCK, "--store", store)["added"] == 6
    found = shown(store)
    assert found["0009_c1s1_000100_00.jpg"] is None, "no picture"
    for name, size in (
        ("0009_c1s1_000200_00.png", (200, 67)),
        ("0003_c1s1_001003_00.jpg", (48, 96)),
    ):
        with Image.open(io.BytesIO(found[name] or b"")) as picture:
            assert (picture.format, picture.size) == ("JPEG", size)


def test_a_crop_is_not_read_through_a_link_put_there_later(
    run: Run, tmp_path: Path, crops: Path
) -> None:
    store, secret = tmp_path / "s", tmp_path / "secret.png"
    run("ingest", crops, *CLOCK, "--store", store)
    shutil.move(crops / "0009_c1s1_000200_00.png", secret)
    os.symlink(secret, crops / "0009_c1s1_000200_00.png")
    assert shown(store)["0009_c1s1_000200_00.png"] is None


def test_crops_that_moved_are_found_under_the_new_root(
    run: Run, tmp_path: Path, crops: Path
) -> None:
    table, store = tmp_path / "seen.csv", tmp_path / "s"
    table.write_text(
        "timestamp,camera_id,frame_path\n2026-01-01T00:00Z,c,0003_c1s1_001003_00.jpg\n"
    )
    run("ingest", table, "--store", store)
    assert set(shown(store).values()) == {None}, "without a root no path is opened"
    assert run("ingest", table, "--frames-root", crops, "--store", store)["unchanged"] == 1
    assert None not in shown(store).values()
    shutil.move(crops, tmp_path / "moved")
    assert set(shown(store).values()) == {None}
    run("ingest", table, "--frames-root", tmp_path / "moved", "--store", store)
    assert None not in shown(store).values()
    run("ingest", table, "--store", store)
    assert None not in shown(store).values(), "no root given: the known one stays"


def test_two_folders_need_one_root_above_them(run: Run, tmp_path: Path, crops: Path) -> None:
    other = shutil.copytree(crops, tmp_path / "query")
    error = run("ingest", crops, other, *CLOCK, "--store", tmp_path / "s", code=2)["error"]
    assert "--frames-root" in error["next"]
    words = ["ingest", crops, other, *CLOCK, "--frames-root", tmp_path]
    assert run(*words, "--store", tmp_path / "s")["added"] == 12
    assert {path.split("/")[0] for path in shown(tmp_path / "s")} == {"crops", "query"}
