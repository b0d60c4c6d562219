"""The first minute: a store, answers, a page."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import workbench


@pytest.fixture(scope="module")
def shown(run: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """Return an empty folder in which the demo was run, and what it said."""
    folder = tmp_path_factory.mktemp("demo")
    return folder, run("demo", "--small", cwd=folder)


@pytest.fixture(scope="module")
def page(shown: tuple[Path, Any]) -> str:
    return (shown[0] / "workbench-demo" / "demo.html").read_text(encoding="utf-8")


def one_line(text: str) -> str:
    return " ".join(text.split())


def test_it_answers_first_questions(shown: tuple[Path, Any]) -> None:
    folder, done = shown
    assert (done.code, done.err) == (0, "")
    said = one_line(done.out)
    for pattern in (
        r"What is in this store\? [\d,]+ sightings of 1\d\d people by 14 cameras;",
        r"Where did [^?]+\(id_\d+\) go, and what do we not know\?",
        r"for \d+ (h|min)[^;]* of them nobody saw this person, the longest time \d+",
        r"gaps? ha\w+ an explanation[^.]* in the [^.]+ was out all the time \(maintenance log\)",
        r"Who is this\? a\d+ is nobody known so far\.",
        r"at a cosine of 0\.\d+; the next other person is",
        r"What cannot be\? [^.]+ would have gone from",
        re.escape(str(folder / "workbench-demo" / "demo.html")),
    ):
        assert re.search(pattern, said), f"{pattern}\n{done.out}"


def test_what_it_says_is_what_the_store_says(shown: tuple[Path, Any], quick: Any) -> None:
    folder, done = shown
    stats = quick("stats", "--store", folder / "workbench-demo", "--json").document()
    counted = f"{stats['appearances']:,} sightings of {stats['identities']} people"
    assert counted in one_line(done.out)
    command = re.search(r"\$ workbench (track .+)", done.out)
    assert command is not None
    track = quick(*command[1].split(), "--json", cwd=folder).document()
    explained = [gap for gap in track["gaps"] if gap["reason"] == "outage"]
    assert explained
    n = len(explained)
    told = "One gap has an" if n == 1 else f"{n} gaps have an explanation; the first: in the"
    assert f"{told} " in one_line(done.out)
    part = done.out.partition("what do we not know?")[2].partition("  $ ")[0]
    rows = [line for line in part.splitlines() if " outage " in line and "gap_s" not in line]
    assert len(rows) == n, part
    assert f"was seen {len(track['sightings'])} times that day" in one_line(done.out)


def test_the_commands_it_names_work(shown: tuple[Path, Any], quick: Any) -> None:
    folder, done = shown
    commands = re.findall(r"^  (?:\$ )?workbench (.+)$", done.out, re.MULTILINE)
    assert len(commands) == 8
    for command in commands:
        if not command.endswith("FILE"):
            assert quick(*command.split(), cwd=folder).code == 0, command


def test_the_page_stands_alone(shown: tuple[Path, Any], page: str) -> None:
    assert "default-src 'none'" in page
    assert not re.search(r"<(script|link|img)[^>]+(src|href)=.?https?:", page)
    assert page.count('class="question"') == 4
    assert page.count("data-figure=") == 6
    assert sorted(p.name for p in shown[0].iterdir()) == ["workbench-demo"]


def test_the_page_gives_no_planted_story_away(shown: tuple[Path, Any], page: str) -> None:
    with workbench.open_demo(shown[0] / "workbench-demo", small=True) as bench:
        told = bench.demo.answers().to_frame()
    for text in told["what"]:
        assert text not in page
    assert "planted" not in page.split("<script>")[0]


def test_as_json_with_the_zone_of_the_page(quick: Any, tmp_path: Path) -> None:
    words = ["demo", "--small", "--seed", 3, "--store", tmp_path / "mine", "--json"]
    found = quick(*words, "--display-tz", "Europe/Madrid").document()
    assert found["cameras"] == 14
    assert found["html"] == str(tmp_path / "mine" / "demo.html")
    assert "times: Europe/Madrid" in Path(found["html"]).read_text(encoding="utf-8")
    other = ["demo", "--small", "--store", tmp_path / "mine", "--json"]
    assert "--reset" in quick(*other).error(2)["next"]  # seed 7 is another building
    assert quick(*other, "--reset").document()["appearances"] != found["appearances"]


def test_it_touches_no_store_of_others(quick: Any, copy: Path, tmp_path: Path) -> None:
    for words in (["demo", "--store", copy], ["demo", "--store", copy, "--reset"]):
        assert quick(*words, "--json").error(2)["where"] == str(copy)
    assert not (copy / "demo.html").exists()
    done = quick("demo", "--small", "--json", cwd=tmp_path, WORKBENCH_STORE=str(copy))
    assert done.document()["html"] == str(tmp_path / "workbench-demo" / "demo.html")
