"""The compose file of a team's Neo4j, and the variables that it and the workbench read."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from tests.servers import Server
from workbench import config
from workbench.config import WorkbenchConfig, load_config

NO_CLIENT = "docker-compose.yml: read as YAML alone, for there is no docker compose here"
VARIABLE = re.compile(r"\$\{(\w+)(?::([-?])([^}]*))?\}")
LINE = re.compile(r"^(?P<said># )?(?P<name>[A-Z][A-Z0-9_]*)=(?P<value>.*)$", re.MULTILINE)
ALIASES = {"NEO4J_USERNAME"}  # of NEO4J_USER


@pytest.fixture(scope="module")
def text(repository: Path) -> str:
    return (repository / "docker-compose.yml").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def neo4j(text: str) -> dict[str, Any]:
    whole = yaml.safe_load(text)
    assert set(whole) == {"services", "volumes"}  # and no version
    assert set(whole["services"]) == {"neo4j"}
    return whole["services"]["neo4j"]


@pytest.fixture(scope="module")
def example(repository: Path) -> dict[str, tuple[bool, str]]:
    """Return by variable whether it is said only, and its value."""
    lines = (repository / ".env.example").read_text(encoding="utf-8")
    found = [match.groupdict() for match in LINE.finditer(lines)]
    assert len({one["name"] for one in found}) == len(found)
    return {one["name"]: (one["said"] is not None, one["value"]) for one in found}


def test_the_server_is_reached_from_this_machine_alone(neo4j: dict[str, Any]) -> None:
    inside = set()
    for port in neo4j["ports"]:
        found = re.fullmatch(r"127\.0\.0\.1:\$\{\w+:-\d+\}:(\d+)", port)
        assert found, port
        inside.add(found[1])
    assert inside == {"7687", "7474"}
    assert "network_mode" not in neo4j


def test_there_is_no_password_to_begin_with(neo4j: dict[str, Any]) -> None:
    user, password = neo4j["environment"]["NEO4J_AUTH"].split("/", 1)
    found = VARIABLE.fullmatch(password)
    assert user == "neo4j"
    assert found and found[1] == "NEO4J_PASSWORD" and found[2] == "?" and ".env" in found[3]


def test_the_health_check_works_in_that_image(neo4j: dict[str, Any]) -> None:
    assert re.fullmatch(r"neo4j:5\.26(\.\d+)?-community", neo4j["image"])
    check = neo4j["healthcheck"]
    assert check["test"][0] == "CMD-SHELL"
    assert "wget" in check["test"][1] and "--spider" in check["test"][1]
    assert "curl" not in str(check)
    assert check["start_period"]
    assert not any("http_enabled" in name for name in neo4j["environment"])  # it asks on 7474


def test_what_it_keeps_outlives_it(text: str, neo4j: dict[str, Any]) -> None:
    assert {"neo4j_data:/data", "neo4j_logs:/logs"} == set(neo4j["volumes"])
    assert set(yaml.safe_load(text)["volumes"]) == {"neo4j_data", "neo4j_logs"}
    assert neo4j["restart"] == "unless-stopped"


def test_it_tells_nobody_and_reads_no_file(neo4j: dict[str, Any]) -> None:
    settings = neo4j["environment"]
    assert settings["NEO4J_dbms_usage__report_enabled"] == "false"
    assert settings["NEO4J_dbms_security_allow__csv__import__from__file__urls"] == "false"
    assert settings["NEO4J_db_transaction_timeout"] == "60s"
    assert "apoc" not in str(neo4j).lower()
    assert "procedures_unrestricted" not in str(settings)


def test_it_is_at_work_as_one_that_the_workbench_starts(
    neo4j: dict[str, Any], neo4j_server: Server
) -> None:
    its = {name: value for name, value in settings_of(neo4j) if "keep_alive" in name}
    asked = "SHOW SETTINGS $names YIELD name, value RETURN name, value"
    with neo4j_server.driver() as driver:
        found = driver.execute_query(asked, names=list(its), database_="neo4j").records
    assert {row["name"]: row["value"] for row in found} == its
    assert len(its) == 2


def test_each_setting_says_why(text: str, neo4j: dict[str, Any]) -> None:
    lines = text.splitlines()
    for name in [*neo4j["environment"], "healthcheck", "start_period", "restart"]:
        at = next(n for n, line in enumerate(lines) if line.strip().startswith(f"{name}:"))
        before = lines[at - 1].strip(), lines[at + 1].strip()
        assert any(line.startswith("# ") and line.endswith(".") for line in before), name


def settings_of(service: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Return the settings of the server as the image reads them, with their defaults."""
    for name, value in service["environment"].items():
        if name != "NEO4J_AUTH":
            parts = name.removeprefix("NEO4J_").split("__")
            yield "_".join(part.replace("_", ".") for part in parts), VARIABLE.sub(r"\3", value)


def test_the_server_knows_each_setting(neo4j: dict[str, Any], neo4j_server: Server) -> None:
    asked = "SHOW SETTINGS $names YIELD name RETURN collect(name) AS names"
    names = [name for name, _ in settings_of(neo4j)]
    with neo4j_server.driver() as driver:
        found = driver.execute_query(asked, names=names, database_="neo4j").records[0]["names"]
    assert sorted(found) == sorted(names)
    assert "server.memory.heap.max_size" in names


def test_the_example_says_every_variable_of_the_compose_file(
    text: str, example: dict[str, tuple[bool, str]]
) -> None:
    for name, how, value in VARIABLE.findall(text):
        assert name in example, name
        assert example[name] == ((True, value) if how == "-" else (False, "")), name


def keys(block: type[BaseModel] = WorkbenchConfig, above: tuple[str, ...] = ()) -> Iterator[Any]:
    """Return every key of the workbench that concerns this server, and its default."""
    for name, field in block.model_fields.items():
        kind = field.annotation
        if name in ("faiss", "memory"):
            continue
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from keys(kind, (*above, name))
        else:
            yield (*above, name), field.default


def test_the_example_says_every_variable_of_the_workbench(
    text: str, example: dict[str, tuple[bool, str]]
) -> None:
    short = {key: name for name, key in config._DOCUMENT_NAMES.items() if name not in ALIASES}
    wanted = {
        short.get(key, "WORKBENCH_" + "__".join(key).upper()): default for key, default in keys()
    }
    server = {name for name, _, _ in VARIABLE.findall(text)}
    assert set(example) == set(wanted) | server
    for name, default in wanted.items():
        said, value = example[name]
        if said:
            assert value == str(default), name
    chosen = load_config(environ={name: value for name, (_, value) in example.items()})
    assert chosen.graph.backend == "neo4j"
    assert chosen.neo4j.password is None
    assert {name for name, (said, _) in example.items() if not said} == {
        "NEO4J_PASSWORD",
        "WORKBENCH_GRAPH__BACKEND",
    }


def test_git_takes_the_example_and_not_the_secrets(repository: Path) -> None:
    lines = (repository / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert ".env" in lines
    assert not {".env*", ".env.*", ".env.example"} & set(lines)


def client() -> list[str] | None:
    """Return the command of docker compose, None where there is none."""
    if shutil.which("docker"):
        plugin = ["docker", "compose"]
        if subprocess.run([*plugin, "version"], capture_output=True).returncode == 0:
            return plugin
    return ["docker-compose"] if shutil.which("docker-compose") else None


def test_docker_compose_takes_it(repository: Path, tmp_path: Path, tally: list[str]) -> None:
    """It reads files alone: no engine is needed."""
    command = client()
    if command is None:
        tally.append(NO_CLIENT)
        return
    shutil.copy(repository / "docker-compose.yml", tmp_path)

    def asked(**environ: str) -> subprocess.CompletedProcess[str]:
        there = {
            name: os.environ[name] for name in ("PATH", "HOME", "PYTHONPATH") if name in os.environ
        }
        return subprocess.run(
            [*command, "config"], cwd=tmp_path, env=there | environ, capture_output=True, text=True
        )

    refused = asked()
    assert refused.returncode != 0
    assert "NEO4J_PASSWORD" in refused.stderr
    taken = asked(NEO4J_PASSWORD="only for this test")
    assert taken.returncode == 0, taken.stderr
    assert "neo4j/only for this test" in taken.stdout
    example = (repository / ".env.example").read_text(encoding="utf-8")
    (tmp_path / ".env").write_text(example.replace("PASSWORD=\n", "PASSWORD=of-the-file\n"))
    assert "neo4j/of-the-file" in asked().stdout
