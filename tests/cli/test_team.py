"""``workbench init`` and ``workbench migrate`` as they are typed, on a real server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.servers import Server
from workbench.stores.graph import cypher


def variables(server: Server) -> dict[str, str]:
    """Return what names the server to a command."""
    said = {"NEO4J_URI": server.uri, "NEO4J_USER": server.user}
    return said if server.password is None else said | {"NEO4J_PASSWORD": server.password}


def test_init_says_what_it_made(quick: Any, empty_neo4j: Server, tmp_path: Path) -> None:
    words = ["init", "--graph", "neo4j", "--store", tmp_path / "team"]
    first = quick(*words, "--json", **variables(empty_neo4j)).document()
    names = [one.name for one in cypher.definitions()]
    assert first == {
        "store": str(tmp_path / "team"),
        "created": True,
        "graph": "neo4j",
        "uri": empty_neo4j.uri,
        "database": "neo4j",
        "made": names,
        "there": [],
    }
    again = quick(*words, "--json", **variables(empty_neo4j)).document()
    assert again == first | {"created": False, "made": [], "there": names}
    text = quick(*words, **variables(empty_neo4j)).out
    assert "The store that was here, ready:" in text and empty_neo4j.uri in text
    alone = quick("init", "--store", tmp_path / "alone", "--json").document()
    assert (alone["graph"], alone["uri"], alone["made"], alone["created"]) == (
        "sqlite",
        None,
        [],
        True,
    )


def test_migrate_there_and_back_says_the_same(
    quick: Any, site: Path, empty_neo4j: Server, tmp_path: Path
) -> None:
    (tmp_path / "team.yaml").write_text(f"store: {tmp_path / 'team'}\ngraph: {{backend: neo4j}}\n")
    (tmp_path / "back.yaml").write_text(f"store: {tmp_path / 'back'}\n")
    there = ["migrate", "--to", tmp_path / "team.yaml", "--store", site, "--json"]
    known = variables(empty_neo4j)
    dry = quick(*there, "--dry-run", **known).document()
    assert dry["equal"] is None and dry["counts"]["Appearance"] == 30
    assert not (tmp_path / "team").exists()
    done = quick(*there, **known).document()
    assert done == dry | {"equal": True} and done["resumed"] == 0
    assert quick(*there, **known).error(2)["type"] == "ConflictError"
    back = ["migrate", "--to", tmp_path / "back.yaml", "--store", tmp_path / "team", "--json"]
    again = quick(*back, **known).document()
    assert again["equal"] is True and again["content_hash"] == done["content_hash"]
    assert again["counts"] == done["counts"] and again["from"] == done["to"]
