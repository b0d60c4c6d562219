"""`make lab` opens JupyterLab on the notebooks, on this machine only, with the store asked for."""

from __future__ import annotations

import json
import os
import re
import runpy
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

import workbench
from tests.notebooks.lab import ADDRESS, server, words

ROOT = Path(__file__).resolve().parents[2]
# An address that is neither this machine's own nor that of none.
ABROAD = re.compile(
    r'inet_addr\("(?!127\.|0\.0\.0\.0)|inet_pton\(AF_INET6, "(?!::1"|::"|::ffff:127\.)'
)


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    """Return what `make` takes for an environment made already: the Python of this one."""
    folder = tmp_path / "environment"
    (folder / "bin").mkdir(parents=True)
    program = folder / "bin" / "python"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    (folder / ".lab").touch()
    return folder


@pytest.fixture
def small_store(tiny_site: Path, tmp_path: Path) -> Path:
    """Return a store of a few rows, in a folder with a blank in its name."""
    folder = tmp_path / "a store"
    workbench.ingest(folder, tiny_site / "appearances.csv", quiet=True)
    return folder


def make_lab(environment: Path, *more: str) -> list[str]:
    if shutil.which("make") is None:
        pytest.skip("make is not installed")
    return ["make", "--no-print-directory", "lab", f"VENV={environment}", *more]


def ask(address: str, path: str, *, token: str | None) -> Any:
    base = address.split("/lab")[0]
    headers = {} if token is None else {"Authorization": f"token {token}"}
    with urlopen(Request(base + path, headers=headers), timeout=20) as answer:
        return json.load(answer)


def listeners(port: int) -> list[str]:
    """Return the addresses this machine listens on at a port, as the kernel writes them."""
    found = []
    for table in ("tcp", "tcp6"):
        path = Path("/proc/net") / table
        lines = path.read_text().splitlines()[1:] if path.exists() else []
        rows = [line.split() for line in lines]
        found += [row[1] for row in rows if row[3] == "0A" and row[1].endswith(f":{port:04X}")]
    return found


def test_it_serves_the_notebooks_and_the_store(
    environment: Path, small_store: Path, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    store = os.path.relpath(small_store, ROOT)
    command = make_lab(environment, f"STORE={store}", f"LAB_WORDS={' '.join(words())}")
    with server(command, home, ROOT) as address:
        found = ADDRESS.fullmatch(address)
        assert found and "/lab/tree/01_first_look.ipynb?" in address
        port, token = int(found[1]), found[2]
        with pytest.raises(HTTPError) as refused:
            ask(address, "/api/contents", token=None)
        assert refused.value.code == 403
        refused.value.close()
        listed = ask(address, "/api/contents", token=token)["content"]
        assert "01_first_look.ipynb" in {entry["name"] for entry in listed}
        assert ask(address, "/lab/api/news", token=token) == {"news": []}
        assert ask(address, "/lab/api/update", token=token)["notification"] is None
        if sys.platform == "linux":
            assert listeners(port) == [f"0100007F:{port:04X}"]
    said = (home / "lab.log").read_text(encoding="utf-8")
    assert f"with the store {small_store}" in said
    if sys.platform == "linux":
        assert listeners(port) == [], "it goes on after it was stopped"


def test_it_asks_nobody(environment: Path, small_store: Path, tmp_path: Path) -> None:
    """Under strace: whatever the server is asked for, it looks up and connects to no other machine.

    What the browser asks for is watched in tests/browser.
    """
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed (Debian, Ubuntu: apt install strace)")
    home, calls = tmp_path / "home", tmp_path / "calls"
    home.mkdir()
    command = ["strace", "-f", "-qq", "-e", "trace=connect,sendto,sendmsg", "-o", str(calls)]
    command += make_lab(environment, f"STORE={small_store}", f"LAB_WORDS={' '.join(words())}")
    with server(command, home, ROOT) as address:
        token = address.split("token=")[1]
        for path in ("news", "update", "extensions?query=widgets&refresh=1"):
            ask(address, f"/lab/api/{path}", token=token)
    said = calls.read_text(encoding="utf-8", errors="replace")
    assert "AF_UNIX" in said or "AF_INET" in said, "strace saw nothing"
    assert [line for line in said.splitlines() if ABROAD.search(line)] == []


def test_what_takes_its_time_is_said_first(tmp_path: Path) -> None:
    if shutil.which("make") is None:
        pytest.skip("make is not installed")
    (tmp_path / "bin").mkdir()
    command = ["make", "--no-print-directory", f"{tmp_path}/.lab", f"VENV={tmp_path}"]

    def said() -> str:
        # The installer itself is left out.
        done = subprocess.run(
            [*command, "ENVIRONMENT=echo install"], cwd=ROOT, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    here = "JupyterLab is not here yet: installing it"
    assert said() == f"{here} (a minute or two, once)\ninstall lab\n"
    (tmp_path / "bin" / "python").touch()
    assert said() == f"{here} (about half a minute, once)\ninstall lab\n"
    (tmp_path / "bin" / "jupyter-lab").touch()
    assert said() == "install lab\n"


def test_a_folder_without_a_store_is_refused(environment: Path, tmp_path: Path) -> None:
    command = make_lab(environment, f"STORE={tmp_path}", "LAB_WORDS=--allow-root")
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode != 0
    assert str(tmp_path) in done.stderr and "next:" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root is refused")
def test_root_is_told_what_to_do(environment: Path) -> None:
    done = subprocess.run(make_lab(environment), cwd=ROOT, capture_output=True, text=True)
    assert done.returncode != 0
    assert "LAB_WORDS=--allow-root" in done.stderr


def test_without_a_store_it_is_the_demo_made_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = runpy.run_path(str(ROOT / "scripts" / "lab.py"))
    made: list[Path] = []
    fill = partial(workbench.open_demo, small=True)
    monkeypatch.setattr(workbench, "open_demo", lambda folder: made.append(folder) or fill(folder))
    monkeypatch.setitem(lab["store_of"].__globals__, "ROOT", tmp_path)
    wanted = tmp_path / "workbench-demo"
    assert [lab["store_of"](None) for _ in range(2)] == [wanted, wanted]
    assert made == [wanted]
