"""``workbench server neo4j`` as it is typed."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import Any

import neo4j
import pytest

from tests.servers import Server, require
from workbench.stores.neo4j import server as launcher

PASSWORD = "a password of a test"
CACHE = {name: os.environ[name] for name in ("WORKBENCH_CACHE",) if name in os.environ}


def words_after(text: str, line: str) -> list[str]:
    """Return what stands to be typed in the line after another."""
    lines = text.splitlines()
    return shlex.split(lines[lines.index(line) + 1])


def test_started_with_a_password_said_again_and_stopped(
    run: Any, quick: Any, tmp_path: Path
) -> None:
    require()
    folder = tmp_path / "my server; really"
    words = ["server", "neo4j", "--dir", folder]
    try:
        made = run(*words, "--json", NEO4J_PASSWORD=PASSWORD, **CACHE).document()
        assert made["dir"] == str(folder) and made["auth"] is True and made["stopped"] is False
        assert Path(made["log"]).is_file()
        with neo4j.GraphDatabase.driver(made["uri"], auth=("neo4j", PASSWORD)) as driver:
            driver.verify_connectivity()
        text = quick(*words).out
        assert "password  asked for, of the user neo4j (NEO4J_PASSWORD)" in text
        assert PASSWORD not in text
        assert words_after(text, "Use it:") == ["export", f"NEO4J_URI={made['uri']}"]
        stopped = quick(*words_after(text, "Stop it:")[1:])
        assert stopped.code == 0 and stopped.out.startswith(f"Stopped. Its data stays: {folder}\n")
        assert words_after(stopped.out, "Start it again:")[1:] == [str(word) for word in words]
        assert launcher.running(folder) is None
        again = quick(*words, "--stop")
        assert again.out.startswith(f"No server runs in {folder}\n")
        said = quick(*words, "--stop", "--json").document()
        assert said == dict.fromkeys(said) | {"dir": str(folder), "stopped": False}
        assert "NEO4J_PASSWORD" in quick(*words, "--json").error(2)["next"]
    finally:
        launcher.stop(folder)


def test_without_a_password_that_is_said(quick: Any, neo4j_server: Server) -> None:
    if neo4j_server.local is None:
        pytest.skip("the server of WORKBENCH_NEO4J_URI was not started here")
    words = ["server", "neo4j", "--dir", neo4j_server.local.folder]
    text = quick(*words).out
    assert "password  none: everybody on this machine can read and write it" in text
    table = quick(*words, "--csv").out.splitlines()
    assert table[0] == "uri,pid,dir,log,auth,stopped"
    assert table[1].startswith(f"{neo4j_server.uri},{neo4j_server.local.pid},")


def test_what_is_refused_makes_nothing(
    quick: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = sorted(tmp_path.rglob("*"))
    here = ["server", "neo4j", "--json"]
    error = quick(*here, "--stop", "--store", "s", cwd=tmp_path).error(3)
    assert error["where"] == str(tmp_path / "workbench-neo4j")
    # The store that a user names is no part of what is typed next.
    assert error["next"].endswith("workbench server neo4j --stop --dir DIR")
    quick(*here, "--stop", "--port", 7687, cwd=tmp_path).error(2)
    quick(*here, "--port", 0, cwd=tmp_path).error(2)
    quick("server", "redis", "--json", cwd=tmp_path).error(2)
    short = quick(*here, cwd=tmp_path, NEO4J_PASSWORD="short").error(2)
    assert short["where"] == "password" and "short'" not in str(short)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    error = quick(*here, cwd=tmp_path).error(2)
    assert error["type"] == "MissingExtraError" and "openjdk-17" in error["next"]
    assert sorted(tmp_path.rglob("*")) == before
