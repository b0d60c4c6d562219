"""The page about the graph in Neo4j: what it says is there, and its statements answer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import neo4j
import pandas as pd
import pytest

import workbench
from tests.servers import Server, empty
from workbench.config import WorkbenchConfig
from workbench.session import Workbench
from workbench.stores.graph import cypher

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "neo4j.md"
TEXT = PAGE.read_text(encoding="utf-8")
# What the server calls the bytes of a driver.
BYTES = "LIST<INTEGER NOT NULL>"


def sections() -> dict[str, dict[str, str]]:
    """Return label or type -> property -> type, as the page says."""
    found = {}
    for part in TEXT.split("\n### ")[1:]:
        rows = re.findall(r"^\| `(\w+)` \| ([A-Z ]+?)(?: \(JSON\))? \|", part, re.MULTILINE)
        found[part.split("\n", 1)[0]] = dict(rows)
    for name, said in re.findall(r"^\| `(\w+)` \| (.*) \|$", TEXT, re.MULTILINE):
        if name.startswith("Workbench") or name == "VectorSpace":
            found[name] = dict.fromkeys(re.findall(r"`(\w+)`", said), "")
    return found


@pytest.fixture(scope="module")
def bench(
    neo4j_server: Server, tiny_site: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Workbench]:
    """Return the site computed by hand with its graph on a server."""
    empty(neo4j_server, schema=True)
    folder = tmp_path_factory.mktemp("team") / "store"
    settings = WorkbenchConfig(
        store=folder, graph={"backend": "neo4j"}, neo4j=neo4j_server.config()
    )
    tables = {
        name: tiny_site / f"{name}.csv"
        for name in ("cameras", "adjacency", "outages", "identities")
    }
    workbench.ingest(
        None,
        tiny_site / "appearances.csv",
        **tables,
        floor_plan=tiny_site / "floor_plan.yaml",
        face=tiny_site / "face.npz",
        reid=tiny_site / "reid.npz",
        config=settings,
        quiet=True,
    )
    with workbench.open(settings) as opened:
        yield opened


def statements() -> list[str]:
    return re.findall(r"^```cypher\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)


def asked(bench: Workbench, number: int, **values: Any) -> pd.DataFrame:
    return bench.manager.graph.database.ask(statements()[number], values)  # type: ignore[attr-defined]


def us(moment: str) -> int:
    return pd.Timestamp(moment).value // 1000


# ------------------------------------------------------------------ what is there
def test_every_name_that_a_store_uses_is_on_the_page() -> None:
    labels, kinds, keys = cypher.names()
    said = sections()
    assert set(said) == {*labels, *kinds}
    # The ends of a relationship are no properties of it.
    ends = {"appearance_a", "appearance_b", "from_appearance", "to_appearance", "from_camera"}
    ends |= {"to_camera", "tag_id", "appearance_id", "identity_id"}
    assert {key for one in said.values() for key in one} == set(keys) - ends | {"vectors_id"}


def test_what_a_server_holds_is_what_the_page_says(
    bench: Workbench, neo4j_driver: neo4j.Driver
) -> None:
    said = sections()
    for pattern, name in (("(n)", "labels(n)[0]"), ("()-[n]->()", "type(n)")):
        held = neo4j_driver.execute_query(
            f"MATCH {pattern} UNWIND keys(n) AS key "
            f"RETURN DISTINCT {name} AS what, key, valueType(n[key]) AS kind",
            database_="neo4j",
        ).records
        assert len(held) > 10
        for row in held:
            wanted = said[row["what"]][row["key"]]
            kind = row["kind"].removesuffix(" NOT NULL").replace(BYTES, "BYTES")
            assert not wanted or kind == wanted, dict(row)


def test_constraints_and_indexes_are_those_of_the_server(
    bench: Workbench, neo4j_driver: neo4j.Driver
) -> None:
    part = TEXT.split("## Constraints and indexes")[1]
    said = set(re.findall(r"^\| `(\w+)` \| (constraint|index) \|", part, re.MULTILINE))
    found = {
        kind: {
            row["name"]
            for row in neo4j_driver.execute_query(
                f"SHOW {shown} YIELD name, type WHERE type <> 'LOOKUP' RETURN name",
                database_="neo4j",
            ).records
        }
        for kind, shown in (("constraint", "CONSTRAINTS"), ("index", "INDEXES"))
    }
    # A constraint has an index of its own, under its name.
    there = {(name, "constraint") for name in found["constraint"]}
    there |= {(name, "index") for name in found["index"] - found["constraint"]}
    assert said == there


# ------------------------------------------------------------------ the statements
def test_who_was_at_a_camera_in_a_window(bench: Workbench) -> None:
    window = {"start_us": us("2026-01-12T08:00Z"), "end_us": us("2026-01-12T08:13Z")}
    found = asked(bench, 0, camera="lab", **window)
    # By hand: a06 a07 a08 (08:00:16 and later), e03 (08:00:17), b05 b06 (08:12:16 and later).
    assert found[["identity_id", "sightings"]].to_numpy().tolist() == [
        ["p1", 3],
        ["p5", 1],
        ["p2", 2],
    ]
    called = bench.identities.all().set_index("id")["name"]
    assert found["name"].tolist() == called[found["identity_id"]].tolist()


def test_her_trajectory_by_next(bench: Workbench, answers: dict[str, Any]) -> None:
    found = asked(bench, 1, who="p1")
    track = bench.tracks.trajectory("p1").sightings
    assert found["appearance_id"].tolist() == track["id"].tolist()
    assert found["camera_id"].tolist() == track["camera_id"].tolist()
    assert (
        found["time_delta"].iloc[1:].tolist()
        == (track["timestamp"].diff().iloc[1:].dt.total_seconds() * 1000).astype(int).tolist()
    )
    assert pd.isna(found["time_delta"].iloc[0])


def test_whom_she_met(bench: Workbench, answers: dict[str, Any]) -> None:
    (pair,) = answers["pairs"]["pairs"]
    found = asked(bench, 2, who=pair["a"])
    assert found.to_numpy().tolist() == [[pair["b"], pair["count"], pair["cameras"]]]


def test_the_row_ids_of_vectors(bench: Workbench) -> None:
    found = asked(bench, 3, camera="lab", space="face")
    at = bench.appearances.find(camera="lab")["id"]
    named = bench.manager.graph.vectors_of("face", at.tolist()).sort_values("appearance_id")
    assert found["appearance_id"].tolist() == named["appearance_id"].tolist()
    assert found["vid"].tolist() == named["vid"].tolist() and len(found) > 5


def test_the_file_a_sighting_came_from(bench: Workbench) -> None:
    (load,) = bench.store.loads()
    found = asked(bench, 4, appearance="a01").iloc[0]
    assert (found["file"], found["row"]) == ("appearances.csv", 1)
    assert found["sha256"] in str(load)


def test_there_are_no_other_statements() -> None:
    assert len(statements()) == 5
