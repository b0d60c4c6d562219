"""The installed command, each time in a process of its own; stores built once."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from workbench.cli import main

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "docs" / "reference" / "json.md"
# Mappings whose keys come from the data, and how the reference calls those keys.
FREE = {"per_camera": "ID", "spaces": "NAME"}
FREE_OF = {"migrate": {"counts": "NAME"}}  # of one command alone
OPAQUE = {"columns_read_as", "options", "properties", "vectors", "bbox", "merge_history"}
OPAQUE |= {"first_reject", "tables"}


@dataclass(frozen=True)
class Done:
    """What a command did: exit code, stdout, stderr."""

    words: Sequence[str]
    code: int
    out: str
    err: str

    def document(self, code: int = 0) -> Any:
        """Return stdout, which is one JSON document with the keys of the reference."""
        assert self.code == code, f"{self.words}\n{self.out[:2000]}\n{self.err}"
        found = json.loads(self.out, parse_constant=lambda name: pytest.fail(name))
        wanted = reference()[self.words[0]]
        names = flat(found, FREE | FREE_OF.get(self.words[0], {}))
        assert names <= wanted, f"not in the reference: {sorted(names - wanted)}"
        tops = {re.split(r"[.\[]", name)[0] for name in wanted}
        assert set(found) == tops
        return found

    def error(self, code: int) -> dict[str, str | None]:
        """Return the error, which is the one JSON document on stdout."""
        assert self.code == code, f"{self.words}\n{self.out[:2000]}\n{self.err}"
        found = json.loads(self.out)
        assert list(found) == ["error"]
        assert list(found["error"]) == ["type", "message", "where", "next"]
        assert found["error"]["message"] and found["error"]["next"]
        return found["error"]


def flat(value: Any, free: Mapping[str, str] = FREE, name: str = "") -> set[str]:
    """Return the keys of a document as the reference writes them; `free` as FREE."""
    if isinstance(value, list):
        if any(not isinstance(one, dict) for one in value):
            return {name}
        return set().union(*(flat(one, free, f"{name}[]") for one in value))
    if not isinstance(value, dict) or name.rpartition(".")[2] in OPAQUE:
        return {name}
    found: set[str] = set()
    for key, inner in value.items():
        shown = free.get(name, key)
        found |= flat(inner, free, f"{name}.{shown}" if name else shown)
    return found


@cache
def reference() -> dict[str, set[str]]:
    """Return the documented keys of each command."""
    parts = REFERENCE.read_text(encoding="utf-8").split("\n## ")[1:]
    keys = {
        part.split("\n", 1)[0]: set(re.findall(r"^\| `([^`]+)` \|", part, re.MULTILINE))
        for part in parts
    }
    columns = keys["identities"]
    for name in ("identities", "appearances", "cameras"):
        keys[name] = {f"{name}[].{key}" for key in keys[name]}
    return keys | {
        "identity": keys["identity"] | columns,
        "demo": keys["demo"] | keys["stats"],
    }


def installed() -> list[str]:
    """Return the installed command, else the module."""
    beside = Path(sys.executable).parent / "workbench"
    return [str(beside)] if beside.exists() else [sys.executable, "-m", "workbench"]


def environment(**more: str) -> dict[str, str]:
    """Return an environment in which no setting of the machine acts."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WORKBENCH")}
    return kept | {"PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "default"} | more


Run = Callable[..., Done]


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Return a function that runs a command; `cwd` and variables may be given."""
    home = tmp_path_factory.mktemp("home")

    def command(*words: object, cwd: Path | None = None, **variables: str) -> Done:
        typed = [str(word) for word in words]
        done = subprocess.run(
            [*installed(), *typed],
            cwd=cwd or home,
            env=environment(**variables),
            capture_output=True,
            text=True,
            encoding="utf-8",
            stdin=subprocess.DEVNULL,
        )
        return Done(typed, done.returncode, done.stdout, done.stderr)

    return command


@pytest.fixture(scope="session")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Return a function as `run`, but in this process: for the many variants of a question."""
    home = tmp_path_factory.mktemp("home")

    def command(*words: object, cwd: Path | None = None, **variables: str) -> Done:
        typed = [str(word) for word in words]
        out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
        with (
            contextlib.chdir(cwd or home),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
            mock.patch.dict(os.environ, variables),
            warnings.catch_warnings(),
        ):
            code = main(typed)
        texts = []
        for stream in (out, err):
            stream.flush()
            texts.append(stream.buffer.getvalue().decode())  # type: ignore[attr-defined]
        return Done(typed, code, *texts)

    return command


@pytest.fixture(scope="session")
def quick_ask(quick: Run, site: Path) -> Callable[..., Any]:
    """Return a function as `ask`, but in this process."""

    def question(*words: object) -> Any:
        return quick(*words, "--store", site, "--json").document()

    return question


@pytest.fixture(scope="session")
def site_words(tiny_site: Path) -> list[str]:
    """Return the words that load the small site."""
    words = ["ingest", str(tiny_site / "appearances.csv")]
    for name in ("cameras", "adjacency", "outages", "identities"):
        words += [f"--{name}", str(tiny_site / f"{name}.csv")]
    words += ["--floor-plan", str(tiny_site / "floor_plan.yaml")]
    words += ["--face", str(tiny_site / "face.npz"), "--reid", str(tiny_site / "reid.npz")]
    return words


@pytest.fixture(scope="session")
def loaded(
    run: Run, site_words: list[str], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Done]:
    """Return the store of the small site, and what loading it said."""
    store = tmp_path_factory.mktemp("site") / "store"
    return store, run(*site_words, "--store", store, "--json")


@pytest.fixture(scope="session")
def site(loaded: tuple[Path, Done]) -> Path:
    """Return the store of the small site; not to be written."""
    store, done = loaded
    assert done.code == 0, done.err
    return store


@pytest.fixture
def copy(site: Path, tmp_path: Path) -> Path:
    """Return a copy of the store, to be written or broken."""
    shutil.copytree(site, tmp_path / "copy")
    return tmp_path / "copy"


@pytest.fixture(scope="session")
def ask(run: Run, site: Path) -> Callable[..., Any]:
    """Return a function that asks the small site and returns the document."""

    def question(*words: object) -> Any:
        return run(*words, "--store", site, "--json").document()

    return question
