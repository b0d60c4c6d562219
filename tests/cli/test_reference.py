"""The reference is what the commands are; the help is quick."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import click
import pytest

from workbench.cli.program import program

CONTRACT = {
    "ingest": "load_id, format, columns_read_as, rows, added, updated, unchanged, duplicates, "
    "filtered, rejected, rejects_file, identities, appearances, cameras, vectors, seconds",
    "detect": "format, confidence, reason, columns, rows_sampled, next",
    "loads": "loads[].load_id, loads[].files[].name, loads[].options, loads[].at, loads[].rows, "
    "loads[].appearances",
    "unload": "removed.appearances",
    "stats": "identities, appearances, unidentified, cameras, first_seen, last_seen, "
    "mean_appearances_per_identity, per_camera.ID.appearances, per_camera.ID.identities, "
    "per_camera.ID.first_seen, per_camera.ID.last_seen, spaces.NAME.dim, spaces.NAME.metric, "
    "spaces.NAME.model_id, spaces.NAME.threshold, spaces.NAME.precision, spaces.NAME.vectors, "
    "spaces.NAME.index, bytes_total, bytes_per_appearance, derived_bytes, sequence",
    "identity": "id, name, cameras",
    "track": "identity_id, sightings[].appearance_id, sightings[].timestamp, "
    "sightings[].camera_id, sightings[].tracking_id, sightings[].bbox, sightings[].confidence, "
    "sightings[].method, visits[].camera_id, visits[].start, visits[].end, visits[].dwell_s, "
    "visits[].sightings, transitions[].from_camera, transitions[].to_camera, "
    "transitions[].start, transitions[].end, transitions[].gap_s, transitions[].distance_m, "
    "transitions[].speed_m_s, gaps[].start, gaps[].end, gaps[].gap_s, gaps[].from_camera, "
    "gaps[].to_camera, gaps[].reason, implausible[].from_appearance, "
    "implausible[].to_appearance, implausible[].reason, implausible[].speed_m_s",
    "visits": "visits[].identity_id",
    "flow": "cells[].from_camera, cells[].to_camera, cells[].transitions, cells[].median_s",
    "find": "space, k, exact, precision, plan, queries[].query, queries[].results[].rank, "
    "queries[].results[].appearance_id, queries[].results[].identity_id, "
    "queries[].results[].similarity, queries[].results[].camera_id, "
    "queries[].results[].timestamp",
    "pairs": "method, window_s, total_pairs, total_count, pairs[].a, pairs[].b, pairs[].count, "
    "pairs[].overlap_s, pairs[].cameras, pairs[].days, pairs[].first, pairs[].last, "
    "pairs[].observed, pairs[].expected, pairs[].lift, pairs[].p, pairs[].q",
    "together": "identity_id, companions[].identity_id, companions[].count, companions[].q",
    "path": "cameras, hops, distance_m, time_s",
    "report": "file, bytes, sections",
    "verify": "ok, problems[].kind, problems[].count, problems[].examples, problems[].next",
    "repair": "ok, applied, problems[].kind, problems[].count, problems[].examples, "
    "problems[].next, done, set_aside",
    "sweep": "removed, bytes_before, bytes_after",
    "compact": "removed, bytes_before, bytes_after",
    "demo": "html, sequence",
    "backup": "sequence, counts.identities, counts.appearances, counts.cameras, counts.links, "
    "counts.vectors, counts.spaces, content_hash, folder, removed",
    "restore": "sequence, counts.identities, counts.appearances, counts.cameras, counts.links, "
    "counts.vectors, counts.spaces, content_hash, folder",
    "migrate": "from, to, counts.NAME, content_hash, equal, resumed",
    "init": "store, created, graph, uri, database, made, there",
    "server": "uri, pid",
}
OPTIONS = {
    "ingest": "format columns camera camera-columns box tz time-unit fps start-time where "
    "unidentified identity-from dataset position-unit origin cameras adjacency outages floor-plan "
    "identities sources face reid vectors join model-id precision update strict dry-run",
    "identities": "start end camera identity limit after",
    "appearances": "start end camera identity limit after",
    "cameras": "start end camera identity limit after",
    "track": "start end max-gap max-speed",
    "visits": "max-gap",
    "flow": "max-gap",
    "find": "appearance identity vector vectors space k camera start end min-similarity by",
    "pairs": "method window start end camera identity min-overlap min-days significance seed top",
    "together": "method window start end camera identity min-overlap min-days significance "
    "seed top",
    "path": "by",
    "report": "html start end tz",
    "demo": "small reset seed",
    "repair": "apply",
    "backup": "into keep",
    "restore": "replace",
    "migrate": "to dry-run",
    "init": "graph",
    "server": "dir port stop",
}
NAMES = (
    "demo detect ingest loads unload stats identities appearances cameras identity track visits "
    "flow find pairs together path report verify repair sweep compact backup restore migrate init "
    "server"
)


def section(repository: Path, page: str, name: str) -> str:
    text = (repository / "docs" / "reference" / page).read_text(encoding="utf-8")
    parts = {part.split("\n", 1)[0]: part for part in text.split("\n## ")[1:]}
    return parts[name]


def test_the_commands_are_those_of_the_contract_so_far() -> None:
    assert list(program.commands) == NAMES.split()


@pytest.mark.parametrize("name", NAMES.split())
def test_every_command_is_documented(repository: Path, name: str) -> None:
    text = section(repository, "command-line.md", name)
    section(repository, "json.md", name)
    wanted = {f"--{option}" for option in OPTIONS.get(name, "").split()}
    taken = {flag for p in program.commands[name].params for flag in p.opts if flag[0] == "-"}
    assert wanted <= taken
    assert {"--store", "--config", "--json", "--csv", "--display-tz"} <= taken
    for flag in wanted:
        assert f"`{flag}" in text, flag
    assert all(p.help for p in program.commands[name].params if isinstance(p, click.Option))


@pytest.mark.parametrize("name", CONTRACT)
def test_the_keys_of_the_contract_are_documented(repository: Path, name: str) -> None:
    documented = set(re.findall(r"^\| `([^`]+)` \|", section(repository, "json.md", name), re.M))
    if name in ("identity", "demo"):
        other = section(repository, "json.md", {"identity": "identities", "demo": "stats"}[name])
        documented |= set(re.findall(r"^\| `([^`]+)` \|", other, re.M))
    assert set(CONTRACT[name].split(", ")) <= documented


def test_the_reference_is_current(repository: Path) -> None:
    script = repository / "scripts" / "write_reference.py"
    done = subprocess.run([sys.executable, str(script), "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_help_is_quick_and_lists_what_works(run: Any) -> None:
    began = time.perf_counter()
    done = run("--help")
    assert time.perf_counter() - began < 1.5
    listed = done.out.split("Commands:")[1].split("Start with")[0]
    assert re.findall(r"^  (\w+) ", listed, re.MULTILINE) == NAMES.split()
    assert run().out == done.out


@pytest.mark.parametrize("words", [["--version"], ["--help"], ["ingest", "--help"]])
def test_help_imports_nothing_heavy(words: list[str], repository: Path) -> None:
    code = (
        "import sys; from workbench.cli import main; code = main(sys.argv[1:]); "
        "assert code == 0; print(sorted({'pandas', 'numpy', 'faiss', 'plotly', 'pydantic'} & "
        "set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *words], cwd=repository, capture_output=True, text=True
    )
    assert done.stdout.splitlines()[-1] == "[]", done.stderr


def test_the_module_is_the_command(repository: Path) -> None:
    words = [sys.executable, "-m", "workbench", "--version"]
    done = subprocess.run(words, cwd=repository, capture_output=True, text=True)
    assert re.fullmatch(r"workbench \d+\.\d+\.\d+\n", done.stdout)
