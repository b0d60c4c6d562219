"""The notebook of the two backends: with a server, without one, and where it must not write."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import neo4j
import pytest
from nbclient import NotebookClient

import workbench
from tests.servers import Server
from workbench.config import WorkbenchConfig

NOTEBOOK = Path(__file__).resolve().parents[2] / "notebooks" / "08_backends.ipynb"
TITLE = "team = workbench.open("  # the cell that knows whether there is a server
NOBODY = "bolt://127.0.0.1:9"


def said(cell: Any) -> str:
    """Return the text of a cell's last output."""
    return str(cell.outputs[-1].data["text/plain"]) if cell.get("outputs") else ""


def needing_a_server(cells: list[Any]) -> list[Any]:
    """Return the cells that are about the server; of the table of times one column is not."""
    tagged = [cell for cell in cells if cell.metadata.get("tags")]
    return [cell for cell in tagged if "median(" not in cell.source]


def run(monkeypatch: pytest.MonkeyPatch, server: Server | str | None, *, whole: bool) -> list[Any]:
    """Return the cells of the notebook after they ran; without `whole` until it has a server."""
    read = nbformat.read(NOTEBOOK, 4)
    for cell in read.cells:
        if cell.cell_type == "code":
            cell.outputs = []
    (found,) = [n for n, cell in enumerate(read.cells) if TITLE in cell.source]
    if not whole:
        read.cells = read.cells[: found + 1]
    uri = server.uri if isinstance(server, Server) else server
    if uri is not None:
        monkeypatch.setenv("NEO4J_URI", uri)
    if isinstance(server, Server) and server.password is not None:
        monkeypatch.setenv("NEO4J_USER", server.user)
        monkeypatch.setenv("NEO4J_PASSWORD", server.password)
    NotebookClient(read, timeout=240, resources={"metadata": {"path": NOTEBOOK.parent}}).execute()
    for cell in read.cells:
        for output in cell.get("outputs", []):
            assert output.output_type in ("execute_result", "display_data"), output
    return list(read.cells)


def test_what_is_committed_was_asked_of_a_server() -> None:
    texts = [said(cell) for cell in needing_a_server(nbformat.read(NOTEBOOK, 4).cells)]
    assert len(texts) >= 10 and all(texts)
    assert [text for text in texts if "left out" in text] == []


def test_who_and_which_face_are_named_before_they_are_asked_about() -> None:
    cells = nbformat.read(NOTEBOOK, 4).cells
    for heading, named in (("## Where did she go?", "name"), ("## Who looks like", "face_quality")):
        (at,) = [n for n, cell in enumerate(cells) if cell.source.startswith(heading)]
        head, row = said(cells[at + 1]).splitlines()
        assert head.split()[0] == "id" and named in head and row


def test_with_a_server_every_answer_is_equal(
    monkeypatch: pytest.MonkeyPatch, empty_neo4j: Server, neo4j_driver: neo4j.Driver
) -> None:
    cells = run(monkeypatch, empty_neo4j, whole=True)
    texts = [said(cell) for cell in needing_a_server(cells)]
    assert sum("equal" in text for text in texts) >= 8
    assert not any("left out" in text for text in texts)
    (times,) = [said(cell) for cell in cells if "median(" in cell.source]
    assert "server" in times and "ratio" in times
    assert texts[-1] == "'the server is as empty as it was'"
    left = neo4j_driver.execute_query("MATCH (n) RETURN labels(n) AS labels", database_="neo4j")
    # The schema's own node, and the operation that took the rest away.
    assert sorted(row["labels"][0] for row in left.records) == [
        "WorkbenchOperation",
        "WorkbenchStore",
    ]


def test_without_a_server_it_says_so_and_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    cells = run(monkeypatch, None, whole=True)
    lines = {said(cell) for cell in needing_a_server(cells)}
    assert len(lines) == 1
    assert "no server (NEO4J_URI is not set; workbench server neo4j starts one)" in lines.pop()
    (times,) = [said(cell) for cell in cells if "median(" in cell.source]
    assert "file" in times and "server" not in times


def test_a_server_that_does_not_answer_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    cells = run(monkeypatch, NOBODY, whole=False)
    assert "left out: The Neo4j server does not answer." in said(cells[-1])


def test_what_is_on_a_server_stays_there(
    monkeypatch: pytest.MonkeyPatch, empty_neo4j: Server, tiny_site: Path, tmp_path: Path
) -> None:
    settings = WorkbenchConfig(
        store=tmp_path / "team", graph={"backend": "neo4j"}, neo4j=empty_neo4j.config()
    )
    workbench.ingest(None, tiny_site / "appearances.csv", config=settings, quiet=True)
    with workbench.open(settings) as bench:
        before = bench.store.content_hash()
    cells = run(monkeypatch, empty_neo4j, whole=False)
    assert "left out: There is a store with something in it" in said(cells[-1])
    with workbench.open(settings) as bench:
        assert bench.store.content_hash() == before
