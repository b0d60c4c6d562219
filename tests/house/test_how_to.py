"""The how-to pages: what they tell people to type runs, in the order of the page."""

from __future__ import annotations

import itertools
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers import require
from workbench.stores.neo4j import jars as neo4j_jars
from workbench.stores.neo4j import server as neo4j_server

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "docs" / "how-to"
BLOCK = re.compile(r"^```(console|ipython|python|yaml)\n(.*?)^```", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)")
# What a page may use beside the command of the project.
SHELL = {"mkdir", "cp", "mv", "ls", "head", "cat"}

# Cells of a notebook: one shell runs those that follow each other.
NOTEBOOK = """
import sys
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell()
for cell in sys.argv[1:]:
    done = shell.run_cell(cell)
    done.raise_error()
    if done.result is not None:
        print(done.result)
"""

# These start a server of their own: its folder.
WITH_A_SERVER = {"work-as-a-team": "team-server"}
FIXED = re.compile(r" --port \d+")  # a test takes a free one
SET = re.compile(r"^ *export (\w+)=(\S+)$", re.MULTILINE)

pages = pytest.mark.parametrize("page", sorted(FOLDER.glob("*.md")), ids=lambda page: page.stem)


def ran(words: list[str], folder: Path, variables: dict[str, str] | None = None) -> str:
    """Run a command in a folder where `workbench` is the installed one; return its stdout."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    # As somebody who set logging up: what a server remarks on a statement is then printed.
    (folder / "sitecustomize.py").write_text("import logging\nlogging.basicConfig()\n")
    sources = os.pathsep.join([str(folder), str(ROOT), os.environ.get("PYTHONPATH", "")])
    sources = sources.rstrip(os.pathsep)
    there = dict(os.environ, PATH=path, HOME=str(folder), PYTHONPATH=sources) | (variables or {})
    done = subprocess.run(words, cwd=folder, env=there, capture_output=True, text=True)
    assert done.returncode == 0, f"{words[-1]}\n{done.stdout}\n{done.stderr}"
    assert "notification" not in done.stderr, done.stderr  # of a server, by its driver
    return done.stdout


def follow(page: Path, folder: Path) -> dict[str, str]:
    """Do what a page says, block by block; return what each command printed."""
    shutil.copytree(ROOT / "data", folder / "data")
    said: dict[str, str] = {}
    told: dict[str, str] = {}
    if page.stem in WITH_A_SERVER:  # HOME is another one: not fetched again
        told["WORKBENCH_CACHE"] = str(neo4j_jars.jars().parent.parent)
    found = BLOCK.findall(page.read_text(encoding="utf-8"))
    for kind, some in itertools.groupby(found, key=lambda block: block[0]):
        codes = [code for _, code in some]
        if kind == "ipython":
            said["".join(codes)] = ran([sys.executable, "-c", NOTEBOOK, *codes], folder)
            continue
        for code in codes:
            do(kind, code, folder, said, told)
    return said


def do(kind: str, code: str, folder: Path, said: dict[str, str], told: dict[str, str]) -> None:
    """Do what one block says; `told` are the variables that the page has set."""
    if kind == "yaml":  # the first line names the file
        name = re.match(r"# (\S+)\n", code)
        assert name, f"a YAML block without the name of its file:\n{code}"
        (folder / name[1]).write_text(code, encoding="utf-8")
    elif kind == "python":
        said[code] = ran([sys.executable, "-W", "error", "-c", code], folder, told)
    else:
        for line in filter(lambda line: line.startswith("$ "), code.split("\n")):
            command = line.removeprefix("$ ")
            if given := SET.match(command):  # to what was printed before, as the page says
                told[given[1]] = dict(SET.findall("\n".join(said.values())))[given[1]]
                continue
            assert shlex.split(command)[0] in {"workbench", *SHELL}, command
            said[command] = ran(["bash", "-c", FIXED.sub("", command)], folder, told)


@pages
def test_what_it_says_runs(page: Path, tmp_path: Path) -> None:
    if shutil.which("workbench", path=str(Path(sys.executable).parent)) is None:
        pytest.skip("the command 'workbench' is not installed in this environment")
    if page.stem in WITH_A_SERVER:
        require()
    try:
        said = follow(page, tmp_path)
    finally:
        if page.stem in WITH_A_SERVER:
            neo4j_server.stop(tmp_path / WITH_A_SERVER[page.stem], wait_s=0)
    assert said, f"{page.name} tells nobody to do anything"
    check = CHECKS.get(page.stem)
    if check is not None:
        check(tmp_path, said)


@pages
def test_every_link_leads_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert [link for link in LINK.findall(text) if not (page.parent / link).exists()] == []


def check_report(folder: Path, said: dict[str, str]) -> None:
    written = sorted(path.name for path in folder.glob("*.html"))
    assert written == ["ben.html", "everybody.html", "two.html"]
    ben = (folder / "ben.html").read_text(encoding="utf-8")
    assert "Times: Europe/Madrid." in ben
    assert "Corridor (corridor) was out" in ben
    assert (folder / "ben.csv").read_text(encoding="utf-8").count("\n") == 7


def check_floor_plan(folder: Path, said: dict[str, str]) -> None:
    assert any("metres_per_pixel: 0.05\n" in text for text in said.values())
    assert "floor-plan" in said["workbench detect plans/ground.yaml"]
    drawn = (folder / "check.html").read_text(encoding="utf-8")
    assert "data:image/png;base64," in drawn
    assert "cdn.plot.ly" not in drawn.split("<script", 1)[0]
    assert "--origin=-9.14,38.71" in said["workbench detect data/samples/harbour/cameras.csv"]
    assert "longitude (0.0" in (folder / "ana.html").read_text(encoding="utf-8")


def check_ask(folder: Path, said: dict[str, str]) -> None:
    shown = next(text for code, text in said.items() if "%%sql" in code)
    assert "Entrance hall" in shown
    assert re.search(r"p1\s+8\n1\s+p3", shown)


CHECKS = {"report": check_report, "floor-plan": check_floor_plan, "ask-the-database": check_ask}
