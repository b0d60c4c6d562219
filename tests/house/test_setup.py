"""The set-up: requirements said once, pinned versions, doors, contracts, the wheel."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml

PINNED = re.compile(r"^[A-Za-z0-9._-]+==[A-Za-z0-9.!+_-]+( ; python_version .+)?$")
ASKED_FOR = {
    "faiss-cpu",
    "ipywidgets",
    "jupyterlab",
    "nbval",
    "neo4j",
    "networkx",
    "numpy",
    "pandas",
    "plotly",
}


def name_of(requirement: str) -> str:
    return re.split(r"[<>=!~\[ ;]", requirement, maxsplit=1)[0].lower().replace("_", "-")


def bounds_of(requirement: str) -> str:
    return requirement[len(name_of(requirement)) :]


@pytest.fixture(scope="module")
def project(repository: Path) -> dict[str, Any]:
    return tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture(scope="module")
def wanted(project: dict[str, Any]) -> dict[str, str]:
    """Return the bounds of every requirement for working with the package, by name."""
    extras = project["optional-dependencies"]
    listed = [*project["dependencies"], *extras["lab"], *extras["app"], *extras["neo4j"]]
    listed += [entry for entry in extras["test"] if name_of(entry) == "nbval"]
    return {name_of(entry): bounds_of(entry) for entry in listed}


def test_environment_yml_says_what_pyproject_says(
    repository: Path, project: dict[str, Any], wanted: dict[str, str]
) -> None:
    parsed = yaml.safe_load((repository / "environment.yml").read_text(encoding="utf-8"))
    plain = [entry for entry in parsed["dependencies"] if isinstance(entry, str)]
    (by_pip,) = [entry["pip"] for entry in parsed["dependencies"] if isinstance(entry, dict)]
    listed = [entry for entry in [*plain, *by_pip] if not entry.startswith("-e ")]
    named = {name_of(entry): bounds_of(entry) for entry in listed}
    assert named.pop("python") == project["requires-python"]
    assert named.pop("pip") == ""
    assert named == wanted
    assert parsed["channels"] == ["conda-forge", "nodefaults"]
    assert [entry for entry in by_pip if entry.startswith("-e ")] == ["-e .[lab,app,neo4j,test]"]
    assert set(named) >= ASKED_FOR


def test_environment_yml_is_what_the_script_writes(repository: Path) -> None:
    script = repository / "scripts" / "write_environment.py"
    done = subprocess.run([sys.executable, str(script), "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_every_requirement_has_bounds(project: dict[str, Any]) -> None:
    unbound = [entry for entry in project["dependencies"] if ">=" not in entry]
    assert not unbound


def test_constraints_pin_every_requirement_exactly(
    repository: Path, project: dict[str, Any]
) -> None:
    lines = (repository / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert [line for line in pins if not PINNED.match(line)] == []
    pinned = {name_of(line) for line in pins}
    extras = project["optional-dependencies"].values()
    every = [*project["dependencies"], *(entry for extra in extras for entry in extra)]
    assert {name_of(entry) for entry in every} <= pinned


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).parent / "lint-imports"
    environment = dict(os.environ, PYTHONPATH=str(folder))
    return subprocess.run(
        [str(program), "--no-cache"], cwd=folder, env=environment, capture_output=True, text=True
    )


@pytest.mark.parametrize(
    ("file", "line", "broken"),
    [
        ("errors.py", "from workbench import schema", "Imports go downwards only"),
        ("unplaced.py", "x = 1", "Imports go downwards only"),
        ("analytics/extra.py", "import workbench.stores", "Readers, analytics and views"),
        ("analytics/extra.py", "import workbench.views", "Imports go downwards only"),
        ("analytics/extra.py", "import sqlite3", "Database drivers only inside stores"),
        ("storage/extra.py", "import faiss", "Database drivers only inside stores"),
        ("analytics/extra.py", "import plotly.graph_objects", "Drawing libraries only inside"),
    ],
)
def test_the_import_contracts_catch(
    repository: Path, tmp_path: Path, file: str, line: str, broken: str
) -> None:
    """Each contract is seen to break on a copy of the package with one line too many."""
    shutil.copytree(repository / "workbench", tmp_path / "workbench")
    shutil.copy(repository / "pyproject.toml", tmp_path)
    target = tmp_path / "workbench" / file
    target.parent.mkdir(exist_ok=True)
    (target.parent / "__init__.py").touch()
    with target.open("a", encoding="utf-8") as open_file:
        open_file.write(f"\n{line}\n")
    done = lint_imports(tmp_path)
    assert done.returncode == 1
    assert re.search(rf"{broken}.*BROKEN", done.stdout), done.stdout[-3000:]


def test_the_wheel_brings_the_small_site(repository: Path, tmp_path: Path) -> None:
    copy = tmp_path / "source"
    shutil.copytree(
        repository,
        copy,
        ignore=shutil.ignore_patterns(".git", ".venv", "*cache*", "__pycache__", "workbench-*"),
    )
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    done = subprocess.run(command, cwd=copy, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("identity_workbench-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        archive.extractall(tmp_path / "installed")
    site = {path.name for path in (repository / "data" / "tiny_site").iterdir()}
    assert {f"workbench/demo/tiny_site/{name}" for name in site} <= names
    assert not {name.split("/")[0] for name in names} & {"tests", "scripts", "docs", "data"}
    code = "from workbench.demo import tiny_site_folder; print(tiny_site_folder())"
    environment = dict(os.environ, PYTHONPATH=str(tmp_path / "installed"))
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert Path(done.stdout.strip()) == tmp_path / "installed/workbench/demo/tiny_site", done.stderr


def make(repository: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    if shutil.which("make") is None:
        pytest.skip("make is not installed")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    return subprocess.run(
        ["make", *arguments], cwd=repository, env=kept | environ, capture_output=True, text=True
    )


def test_make_says_what_to_do_without_a_fitting_python(repository: Path, tmp_path: Path) -> None:
    old = tmp_path / "python3"
    old.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    old.chmod(0o755)
    done = make(repository, "demo", f"VENV={tmp_path / 'venv'}", f"PYTHON={old}")
    assert done.returncode != 0
    assert "No Python 3.11, 3.12 or 3.13 found" in done.stderr
    assert "make demo PYTHON=" in done.stderr


def test_make_alone_lists_its_targets(repository: Path) -> None:
    listed = make(repository).stdout
    for target in ("demo", "lab", "test", "bench", "clean"):
        assert f"make {target}\t" in listed


def test_the_core_installs_no_notebook_and_no_browser(project: dict[str, Any]) -> None:
    core = {name_of(entry) for entry in project["dependencies"]}
    assert not core & {"anywidget", "ipykernel", "ipywidgets", "jupyterlab", "nbval", "playwright"}


def test_the_test_environment_has_what_the_lab_has(repository: Path) -> None:
    script = (repository / "scripts" / "make_environment.sh").read_text(encoding="utf-8")
    packages = dict(re.findall(r"^    (\w+)\) package='?([^' ]+)'? ;;$", script, re.MULTILINE))
    assert packages == {
        "demo": ".",
        "lab": ".[lab]",
        "app": ".[lab,app]",
        "test": ".[lab,app,neo4j,test]",
    }


def test_the_build_server_brings_what_the_tests_take(repository: Path) -> None:
    script = (repository / ".ci" / "run").read_text(encoding="utf-8")
    for name in ("chromium", "fonts-dejavu-core", "maven", "openjdk-17-jre-headless", "strace"):
        assert name in script
