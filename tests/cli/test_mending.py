"""``repair``, ``sweep``, ``compact`` as they are typed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest


def broken(store: Path) -> None:
    segment = sorted((store / "vectors").glob("*.seg"))[0]
    content = bytearray(segment.read_bytes())
    content[-3] ^= 0xFF
    segment.write_bytes(bytes(content))


def test_a_sound_store(run: Any, quick: Any, copy: Path) -> None:
    said = run("repair", "--store", copy, "--json").document()
    assert (said["ok"], said["applied"], said["problems"]) == (True, False, [])
    assert said["done"] == [] and said["set_aside"] is None
    assert "Nothing is wrong" in quick("repair", "--store", copy).out
    assert quick("repair", "--apply", "--store", copy, "--json").document()["applied"] is True


def test_a_damaged_vector(run: Any, quick: Any, copy: Path) -> None:
    broken(copy)
    before = {p: p.read_bytes() for p in (copy / "vectors").iterdir()}
    said = run("repair", "--store", copy, "--json").document(code=1)
    assert (said["ok"], said["applied"]) == (False, False)
    (problem,) = said["problems"]
    assert problem["kind"] == "vector_bytes" and "--update" in problem["next"]
    text = quick("repair", "--store", copy)
    assert text.code == 1 and f"workbench repair --store {copy} --apply" in text.out
    assert before == {p: p.read_bytes() for p in (copy / "vectors").iterdir()}

    done = quick("repair", "--apply", "--store", copy, "--json").document()
    assert (done["ok"], done["applied"], done["problems"]) == (True, True, [])
    (line,) = Path(done["set_aside"]).read_text().splitlines()
    row = json.loads(line)
    assert row["table"] == "vector" and row["cells"]["appearance_id"] in row["key"]
    assert quick("verify", "--store", copy).code == 0


def test_repair_in_words(quick: Any, copy: Path) -> None:
    broken(copy)
    text = quick("repair", "--apply", "--store", copy)
    assert text.code == 0
    assert "were taken out" in text.out and "set-aside" in text.out
    assert "Nothing is wrong now." in text.out


def test_the_vector_is_brought_back(quick: Any, copy: Path, site_words: list[str]) -> None:
    broken(copy)
    quick("repair", "--apply", "--store", copy)
    assert quick("verify", "--store", copy, "--json").document()["checked"]["vectors"] == 47
    quick(*site_words, "--update", "--store", copy)
    assert quick("verify", "--store", copy, "--json").document()["checked"]["vectors"] == 48


@pytest.mark.parametrize("command", ["sweep", "compact"])
def test_giving_room_back(run: Any, quick: Any, copy: Path, command: str) -> None:
    said = run(command, "--store", copy, "--json").document()
    assert said["removed"] == 0
    assert said["bytes_before"] >= said["bytes_after"] > 0
    text = quick(command, "--store", copy)
    assert text.code == 0 and "removed" in text.out
    table = quick(command, "--store", copy, "--csv")
    assert table.out.splitlines()[0] == "removed,bytes_before,bytes_after"
    assert quick("verify", "--store", copy).code == 0


@pytest.mark.parametrize("command", ["repair", "sweep", "compact"])
def test_where_there_is_no_store(quick: Any, tmp_path: Path, command: str) -> None:
    assert quick(command, "--store", tmp_path / "none", "--json").error(3)
    assert not (tmp_path / "none").exists()
