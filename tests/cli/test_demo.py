"""The first minute: a store, answers, a page."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="module")
def shown(run: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """Return an empty folder in which the demo was run, and what it said."""
    folder = tmp_path_factory.mktemp("demo")
    return folder, run("demo", cwd=folder)


def test_it_answers_first_questions(shown: tuple[Path, Any]) -> None:
    folder, done = shown
    assert (done.code, done.err) == (0, "")
    for text in (
        "30 sightings of 5 people by 4 cameras; 2 sightings of nobody known.",
        "Where did p2 go?",
        "the\n  camera corridor on the way was out (maintenance log)",
        "Who looks like u01, which is nobody known so far?",
        "The nearest face is b01, p2 (Ben Okafor), at a cosine of 0.8.",
        "What is odd?",
        "close to p5\n  (Emil Novák)",
        str(folder / "workbench-demo" / "demo.html"),
    ):
        assert text in done.out, text


def test_the_commands_it_names_work(shown: tuple[Path, Any], quick: Any) -> None:
    folder, done = shown
    commands = re.findall(r"^  (?:\$ )?workbench (.+)$", done.out, re.MULTILINE)
    assert len(commands) == 8
    for command in commands:
        if not command.endswith("FILE"):
            assert quick(*command.split(), cwd=folder).code == 0, command


def test_the_page_stands_alone(shown: tuple[Path, Any]) -> None:
    page = (shown[0] / "workbench-demo" / "demo.html").read_text(encoding="utf-8")
    assert "The way of p2 (Ben Okafor)" in page
    assert "default-src 'none'" in page
    assert not re.search(r"<(script|link|img)[^>]+(src|href)=.?https?:", page)
    assert page.count('class="question"') == 4
    assert sorted(p.name for p in shown[0].iterdir()) == ["workbench-demo"]


def test_as_json_with_the_zone_of_the_page(quick: Any, tmp_path: Path) -> None:
    words = ["demo", "--small", "--seed", 3, "--store", tmp_path / "mine", "--json"]
    found = quick(*words, "--display-tz", "Europe/Madrid").document()
    assert (found["identities"], found["appearances"]) == (5, 30)
    assert found["html"] == str(tmp_path / "mine" / "demo.html")
    assert "2026-01-12 09:09:40" in Path(found["html"]).read_text(encoding="utf-8")
    assert quick("demo", "--store", tmp_path / "mine", "--reset", "--json").document()["html"]


def test_it_touches_no_store_of_others(quick: Any, copy: Path, tmp_path: Path) -> None:
    for words in (["demo", "--store", copy], ["demo", "--store", copy, "--reset"]):
        assert quick(*words, "--json").error(2)["where"] == str(copy)
    assert not (copy / "demo.html").exists()
    done = quick("demo", "--json", cwd=tmp_path, WORKBENCH_STORE=str(copy))
    assert done.document()["html"] == str(tmp_path / "workbench-demo" / "demo.html")
