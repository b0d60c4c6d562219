"""What the README and the guides tell people to type is there, and runs."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers import Server
from workbench.stores.neo4j import jars as neo4j_jars

ROOT = Path(__file__).resolve().parents[2]
GUIDES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
BLOCK = re.compile(r"^```(console|python)\n(.*?)^```", re.DOTALL | re.MULTILINE)
TEAM = "For a team"
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)")


def blocks(kind: str) -> list[str]:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return [code for found, code in BLOCK.findall(text) if found == kind]


def sections() -> dict[str, str]:
    parts = (ROOT / "README.md").read_text(encoding="utf-8").split("\n## ")
    return {part.split("\n", 1)[0]: part for part in parts}


def commands(path: Path) -> list[str]:
    return typed(path.read_text(encoding="utf-8"))


def typed(text: str) -> list[str]:
    lines = [
        line for kind, code in BLOCK.findall(text) if kind == "console" for line in code.split("\n")
    ]
    return [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]


def environment(home: Path) -> dict[str, str]:
    """Return an environment in which `workbench` is the installed command."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    return dict(os.environ, PATH=path, HOME=str(home))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return an empty folder with the data of the repository in it, as in a clone."""
    shutil.copytree(ROOT / "data", tmp_path / "data")
    return tmp_path


def test_the_readme_has_the_two_commands() -> None:
    assert {"make demo", "make test"} <= set(commands(ROOT / "README.md"))


@pytest.mark.parametrize("path", GUIDES, ids=lambda path: path.name)
def test_every_make_target_exists(path: Path) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for command in commands(path):
        words = shlex.split(command)
        if "make" in words:
            target = words[words.index("make") + 1]
            assert re.search(rf"^{target}:", makefile, re.MULTILINE), command


@pytest.mark.parametrize("path", GUIDES, ids=lambda path: path.name)
def test_every_link_leads_somewhere(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert [link for link in LINK.findall(text) if not (ROOT / link).exists()] == []


def own_commands() -> list[str]:
    """Return the commands of the project that need no server."""
    parts = [part for name, part in sections().items() if name != TEAM]
    return [c for part in parts for c in typed(part) if c.split()[0] == "workbench"]


def test_every_command_is_of_a_kind_that_is_tested() -> None:
    kinds = {command.split()[0] for command in commands(ROOT / "README.md")}
    kinds -= {"make", "workbench", "python3", ".venv/bin/python", ".venv/bin/workbench"}
    assert kinds == {"export"} <= {command.split()[0] for command in typed(sections()[TEAM])}


def test_the_commands_run_in_the_order_given(folder: Path) -> None:
    if not own_commands():
        return
    if shutil.which("workbench", path=str(Path(sys.executable).parent)) is None:
        pytest.skip("the command 'workbench' is not installed in this environment")
    for command in own_commands():
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=folder,
            env=environment(folder),
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"


def test_the_commands_for_a_team_run(folder: Path, empty_neo4j: Server) -> None:
    if shutil.which("workbench", path=str(Path(sys.executable).parent)) is None:
        pytest.skip("the command 'workbench' is not installed in this environment")
    server, known, said = empty_neo4j, environment(folder), ""
    if server.local is not None:  # HOME is another one: not fetched again
        known["WORKBENCH_CACHE"] = str(neo4j_jars.jars().parent.parent)
    if server.password is not None:
        known |= {"NEO4J_USER": server.user, "NEO4J_PASSWORD": server.password}
    for command in typed(sections()[TEAM]):
        if command.startswith("workbench server neo4j"):  # it answers that it runs already
            if server.local is None:
                said = f"export NEO4J_URI={server.uri}"
                continue
            command += f" --dir {shlex.quote(str(server.local.folder))}"
        elif command.startswith("export "):  # the line that was printed
            known["NEO4J_URI"] = re.findall(r"export NEO4J_URI=(\S+)", said)[0]
            continue
        done = subprocess.run(
            ["bash", "-c", command], cwd=folder, env=known, capture_output=True, text=True
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        said = done.stdout
    assert "p1" in said and (folder / "team" / "server.json").is_file()


@pytest.mark.parametrize("code", blocks("python"), ids=lambda code: f"{len(code)} characters")
def test_the_python_runs(folder: Path, code: str) -> None:
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=folder,
        env=environment(folder) | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def test_a_fresh_clone_gets_there_by_pip_and_by_make(tmp_path: Path) -> None:
    """The three pip lines of the README, then `make demo`, in a copy of what git has."""
    if os.environ.get("WORKBENCH_REQUIRE", "") in ("", "0"):
        pytest.skip("installing a fresh copy, by pip and by make (WORKBENCH_REQUIRE=all does it)")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, tmp_path / name)
    others = ("make", "workbench", "export")
    by_pip = [c for c in commands(ROOT / "README.md") if c.split()[0] not in others]
    assert len(by_pip) == 3
    kept = {name: v for name, v in os.environ.items() if name not in ("PYTHONPATH", "MAKEFLAGS")}
    for command in [*by_pip, "make demo"]:
        done = subprocess.run(
            ["bash", "-c", command], cwd=tmp_path, env=kept, capture_output=True, text=True
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    pages = list((tmp_path / "workbench-demo").rglob("*.html")) + list(tmp_path.glob("*.html"))
    assert pages, "make demo wrote no page"
