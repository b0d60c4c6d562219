"""The launcher of a local Neo4j server: started, found, stopped; what is missing is named."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import neo4j
import pytest

from tests.servers import OwnServer, Server, empty
from workbench.errors import (
    ConflictError,
    InvalidInputError,
    MissingExtraError,
    ServerAwayError,
    StoreError,
)
from workbench.stores.neo4j import jars as neo4j_jars
from workbench.stores.neo4j import server as launcher
from workbench.stores.neo4j.server import LocalServer, missing, running, start, stop

PASSWORD = "a password of a test"


def gone(pid: int) -> bool:
    """Return whether no process has this number any more, but for one nobody took note of."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def ask(server: Server, statement: str) -> list[object]:
    with server.driver() as driver:
        return [row[0] for row in driver.execute_query(statement, database_="neo4j").records]


# ------------------------------------------------------------------ real servers
def test_it_answers_on_loopback_and_is_found(neo4j_server: Server) -> None:
    local = neo4j_server.local
    if local is None:
        pytest.skip("the server of WORKBENCH_NEO4J_URI was not started here")
    assert ask(neo4j_server, "RETURN 1") == [1]
    assert local.uri.startswith("bolt://127.0.0.1:") and local.auth is False
    assert running(local.folder) == local
    assert "Started." in local.log.read_text(encoding="utf-8")
    began = time.monotonic()
    assert start(local.folder) == local and start(local.folder, password=PASSWORD) == local
    assert time.monotonic() - began < 3
    (said,) = ask(neo4j_server, "CALL dbms.listConfig('db.transaction.timeout') YIELD value")
    assert said in ("30s", "PT30S")


def test_emptied_it_holds_nothing(neo4j_server: Server, neo4j_driver: neo4j.Driver) -> None:
    empty(neo4j_driver, schema=True)  # what other tests left
    for statement in (
        "UNWIND range(1, 30) AS k MERGE (a:T {id: k}) MERGE (b:T {id: k + 1}) MERGE (a)-[:X]->(b)",
        "CREATE CONSTRAINT `odd``name` FOR (a:T) REQUIRE a.id IS UNIQUE",
        "CREATE INDEX t_x FOR (a:T) ON (a.x)",
    ):
        neo4j_driver.execute_query(statement, database_="neo4j")
    empty(neo4j_driver)
    assert ask(neo4j_server, "MATCH (n) RETURN count(n)") == [0]
    assert len(ask(neo4j_server, "SHOW CONSTRAINTS")) == 1
    empty(neo4j_server, schema=True)
    assert ask(neo4j_server, "SHOW CONSTRAINTS") == []
    assert set(ask(neo4j_server, "SHOW INDEXES YIELD type RETURN type")) == {"LOOKUP"}


def test_killed_and_stopped_it_starts_again_with_its_data(
    new_neo4j: Callable[..., OwnServer],
) -> None:
    own = new_neo4j()
    first = own.start()
    assert ask(first, "CREATE (a:T {x: 7}) RETURN a.x") == [7]
    killed = own.pid
    own.kill()
    with ThreadPoolExecutor(2) as two:
        both = list(two.map(start, [own.folder] * 2))
    again = own.start()
    assert both == [own.local] * 2
    assert again.uri == first.uri and own.pid != killed
    assert ask(again, "MATCH (a:T) RETURN a.x") == [7]
    own.hold()
    with pytest.raises(ServerAwayError, match="does not answer after"):
        start(own.folder, wait_s=0.5)  # as others would start it: it is left as it is
    own.go_on()
    assert ask(again, "RETURN 2") == [2]
    assert stop(own.pid) is True
    assert gone(own.pid) and running(own.folder) is None
    assert stop(own.pid) is False and stop(own.folder) is False


def test_a_password_is_asked_for(new_neo4j: Callable[..., OwnServer]) -> None:
    own = new_neo4j(password=PASSWORD)
    server = own.start()
    assert server.local is not None and server.local.auth
    assert ask(server, "RETURN 1") == [1]
    for wrong in (None, "neo4j", "something else"):
        with pytest.raises(neo4j.exceptions.ClientError, match=r"(?i)auth|unauthorized"):
            ask(Server(server.uri, password=wrong), "RETURN 1")
    texts = [p.read_bytes() for p in own.folder.glob("*") if p.is_file()]
    texts += [(own.folder / "conf" / "neo4j.conf").read_bytes(), server.local.log.read_bytes()]
    assert not any(PASSWORD.encode() in text for text in texts)
    assert stop(server.local)
    with pytest.raises(ConflictError, match="has a password"):
        start(own.folder)
    with pytest.raises(InvalidInputError, match="does not open") as raised:
        start(own.folder, password="something else")
    assert raised.value.where == str(own.folder) and running(own.folder) is None


# ------------------------------------------------------------------ refusals, no server started
def script(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of programs of a machine without Java, Maven and jars."""
    programs = tmp_path / "programs"
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("WORKBENCH_CACHE", str(tmp_path / "cache"))
    return programs


def put_java(programs: Path, then: str = "exit 1", version: str = "17.0.9") -> Path:
    said = f"""if [ "$1" = -version ]; then echo 'openjdk version "{version}"' >&2; exit 0; fi"""
    return script(programs / "java", f"{said}\n{then}")


def put_maven(programs: Path, then: str) -> None:
    script(programs / "mvn", f'PATH={os.defpath}\nfolder=$(dirname "$4")\n{then}')


BRINGS = (
    f'echo once >> "$0.said"; mkdir "$folder/lib"; : > "$folder/lib/neo4j-{neo4j_jars.VERSION}.jar"'
)


def test_what_is_missing_is_named(machine: Path, tmp_path: Path) -> None:
    assert "Java 17" in str(missing())
    with pytest.raises(MissingExtraError, match="Java 17") as raised:
        start(tmp_path / "s")
    assert "openjdk-17-jre-headless maven" in str(raised.value.next)
    put_java(machine, version="1.8.0_392")
    with pytest.raises(MissingExtraError, match="is 8"):
        start(tmp_path / "s")
    put_java(machine)
    assert "mvn" in str(missing())
    with pytest.raises(MissingExtraError, match="mvn"):
        start(tmp_path / "s")
    put_maven(machine, BRINGS)
    assert missing() is None
    assert not (tmp_path / "s").exists()


def test_a_java_of_java_home_is_taken_where_it_fits(
    machine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_java(machine)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "jdk"))
    assert neo4j_jars.java() == str(machine / "java")
    put_java(tmp_path / "jdk" / "bin", version="11.0.2")
    assert neo4j_jars.java() == str(machine / "java")
    home = put_java(tmp_path / "jdk" / "bin", version="21")
    assert neo4j_jars.java() == str(home)


def test_the_driver_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "neo4j", None)
    with pytest.raises(MissingExtraError) as raised:
        start(tmp_path / "s")
    assert raised.value.next == "pip install 'identity-workbench[neo4j]'"


def test_jars_are_fetched_once(
    machine: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    left = tmp_path / "cache" / f".neo4j-{neo4j_jars.VERSION}.1.new"
    left.mkdir(parents=True)
    put_maven(machine, f"sleep 0.2; {BRINGS}")
    with ThreadPoolExecutor(2) as both:
        found = list(both.map(lambda _: neo4j_jars.jars(), range(2)))
    place = tmp_path / "cache" / f"neo4j-{neo4j_jars.VERSION}"
    assert found == [place / "lib"] * 2
    assert (machine / "mvn.said").read_text() == "once\n"
    assert neo4j_jars.VERSION in (place / "pom.xml").read_text(encoding="utf-8")
    said = capsys.readouterr()
    assert said.out == "" and said.err.count("once, about 120 MB") == 1
    assert sorted(os.listdir(place.parent)) == [place.name, f"{place.name}.lock"]


@pytest.mark.parametrize("then", ["echo '[ERROR] no such host'; exit 1", "exit 0"])
def test_jars_that_cannot_be_fetched_leave_nothing(
    machine: Path, tmp_path: Path, then: str
) -> None:
    put_maven(machine, then)
    with pytest.raises(ServerAwayError, match=r"no such host|no reason"):
        neo4j_jars.jars()
    assert os.listdir(tmp_path / "cache") == [f"neo4j-{neo4j_jars.VERSION}.lock"]


def test_a_cache_that_cannot_be_one(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_maven(machine, BRINGS)
    monkeypatch.setenv("WORKBENCH_CACHE", str(machine / "mvn"))
    with pytest.raises(StoreError, match="cache") as raised:
        neo4j_jars.jars()
    assert "WORKBENCH_CACHE" in str(raised.value.next)
    with pytest.raises(InvalidInputError, match="Java cannot read"):
        neo4j_jars.class_path(Path("a:b"))


def test_where_the_cache_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"neo4j-{neo4j_jars.VERSION}"
    monkeypatch.delenv("WORKBENCH_CACHE", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    (tmp_path / ".cache" / "workbench" / name).mkdir(parents=True)
    assert neo4j_jars.jars() == tmp_path / ".cache" / "workbench" / name / "lib"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "x"))
    (tmp_path / "x" / "workbench" / name).mkdir(parents=True)
    assert neo4j_jars.jars() == tmp_path / "x" / "workbench" / name / "lib"


@pytest.fixture
def ready(machine: Path) -> Path:
    """Return the folder of programs of a machine that has all but a Java."""
    put_maven(machine, BRINGS)
    put_java(machine)
    neo4j_jars.jars()
    return machine


def test_a_java_that_dies_says_why(ready: Path, tmp_path: Path) -> None:
    put_java(ready, "echo 'the lock is held'; exit 3")
    with pytest.raises(ServerAwayError, match=r"ended while it started(?s:.*)lock is held") as said:
        start(tmp_path / "s")
    assert said.value.where == str(tmp_path / "s" / "logs" / "console.log")
    assert running(tmp_path / "s") is None
    with pytest.raises(ServerAwayError):  # the folder is known as ours
        start(tmp_path / "s")


def test_one_that_does_not_come_up_is_not_left_running(ready: Path, tmp_path: Path) -> None:
    put_java(ready, f"trap '' TERM; echo $$ > '{tmp_path}/pid'; while :; do /bin/sleep 0.1; done")
    with (
        pytest.MonkeyPatch.context() as patch,
        pytest.raises(ServerAwayError, match=r"after 0\.5 s"),
    ):
        # One that does not end when it is asked to is killed.
        patch.setattr("workbench.stores.neo4j.server._END_S", 0.3)
        start(tmp_path / "s", wait_s=0.5)
    assert gone(int((tmp_path / "pid").read_text()))


def test_two_at_once_start_one_after_the_other(
    ready: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "log"
    put_java(ready, f"echo begun >> {log}; /bin/sleep 0.3; echo ended >> {log}; exit 1")
    chosen = launcher._free_port

    def slow(*words: Any) -> int:
        time.sleep(0.3)  # the other one comes meanwhile
        return chosen(*words)

    monkeypatch.setattr(launcher, "_free_port", slow)
    with ThreadPoolExecutor(2) as both:
        starts = [both.submit(start, tmp_path / "s") for _ in range(2)]
    assert [type(one.exception()) for one in starts] == [ServerAwayError] * 2
    assert log.read_text().split() == ["begun", "ended"] * 2


def test_a_folder_of_something_else_is_left_alone(ready: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "thesis.txt").write_text("words", encoding="utf-8")
    for place in (other, other / "thesis.txt", tmp_path / "a\nb"):
        with pytest.raises(InvalidInputError):
            start(place)
    for lie in ({"pid": "1"}, {"uri": "bolt://elsewhere:7687"}, {"server": "x"}):
        record = {"server": "neo4j", "uri": "bolt://127.0.0.1:1", "pid": 0, "auth": False}
        (other / "server.json").write_text(json.dumps(record | lie), encoding="utf-8")
        with pytest.raises(InvalidInputError, match="something else"):
            start(other)
    assert sorted(os.listdir(other)) == ["server.json", "thesis.txt"]
    assert stop(other) is False and running(other / "none") is None


def test_bad_words_are_refused(ready: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="8 characters"):
        start(tmp_path / "s", password="short")
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        for port in (taken, 70_000, -1):
            with pytest.raises(InvalidInputError) as raised:
                start(tmp_path / "s", port=port)
            assert raised.value.where == f"port {port}"


def test_a_number_that_another_process_has_now_is_not_killed(tmp_path: Path) -> None:
    other = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True
    )
    try:
        record = {"server": "neo4j", "uri": "bolt://127.0.0.1:1", "pid": other.pid, "auth": False}
        (tmp_path / "server.json").write_text(json.dumps(record), encoding="utf-8")
        assert running(tmp_path) is None
        assert stop(tmp_path) is False and stop(other.pid) is False
        lying = LocalServer("bolt://127.0.0.1:1", other.pid, tmp_path, tmp_path / "log", False)
        assert stop(lying) is False
        assert other.poll() is None
    finally:
        other.send_signal(signal.SIGKILL)
        other.wait()
