"""%sql and %cypher in a real shell: whom they ask, with which values, and where the answer goes."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

import workbench
from tests.servers import Server, empty
from workbench.config import GraphConfig, WorkbenchConfig
from workbench.errors import CapabilityError, InvalidInputError, NotFoundError, StoreError
from workbench.magics import parameter_names, read_request
from workbench.schema import APPEARANCE, IDENTITY
from workbench.stores.graph import cypher, tables

HOSTILE = "p2' OR 1=1 --"


class Notebook:
    """A shell without a terminal: cells are run as a notebook runs them."""

    def __init__(self) -> None:
        from IPython.core.interactiveshell import InteractiveShell

        self.shell = InteractiveShell()
        self.shell.history_manager.enabled = False

    def run(self, cell: str, **names: Any) -> Any:
        """Run a cell and return what it shows, or raise what it raises."""
        self.shell.user_ns.update(names)
        done = self.shell.run_cell(cell, silent=False)
        done.raise_error()
        return done.result

    def __getitem__(self, name: str) -> Any:
        return self.shell.user_ns[name]

    def __contains__(self, name: str) -> bool:
        return name in self.shell.user_ns


@pytest.fixture
def notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Notebook]:
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.chdir(tmp_path)
    notebook = Notebook()
    notebook.run("%load_ext workbench")
    yield notebook
    notebook.shell.history_manager.end_session()
    notebook.shell.reset()


@pytest.fixture
def page(repository: Path) -> str:
    return (repository / "docs" / "how-to" / "ask-the-database.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def bench(
    tmp_path_factory: pytest.TempPathFactory, tiny_site: Path
) -> Iterator[workbench.Workbench]:
    folder = tmp_path_factory.mktemp("bench") / "store"
    workbench.ingest(folder, tiny_site / "appearances.csv", quiet=True)
    with workbench.open(folder) as found:
        yield found


@pytest.fixture(scope="module")
def team(
    tmp_path_factory: pytest.TempPathFactory, tiny_site: Path, neo4j_server: Server
) -> Iterator[workbench.Workbench]:
    empty(neo4j_server, schema=True)
    config = WorkbenchConfig(graph=GraphConfig(backend="neo4j"), neo4j=neo4j_server.config())
    folder = tmp_path_factory.mktemp("team") / "store"
    files = {"cameras": tiny_site / "cameras.csv", "adjacency": tiny_site / "adjacency.csv"}
    workbench.ingest(folder, tiny_site / "appearances.csv", **files, config=config, quiet=True)
    with workbench.open(folder, config=config) as found:
        yield found


WHO = "SELECT id FROM identity WHERE id {} ORDER BY id"


def test_a_cell_shows_the_answer(notebook: Notebook, bench: workbench.Workbench) -> None:
    shown = notebook.run(f"%%sql\n{WHO.format('= :who')}", bench=bench, who="p2")
    assert isinstance(shown, pd.DataFrame)
    assert shown.to_dict("list") == {"id": ["p2"]}


def test_a_line_gives_the_answer(notebook: Notebook, bench: workbench.Workbench) -> None:
    notebook.run(f"found = %sql {WHO.format('= $who')}", bench=bench, who="p2")
    assert notebook["found"]["id"].tolist() == ["p2"]


def test_a_named_answer_is_kept_and_not_shown(
    notebook: Notebook, bench: workbench.Workbench
) -> None:
    assert notebook.run(f"%%sql -o found\n{WHO.format('= :who')}", bench=bench, who="p3") is None
    assert notebook["found"]["id"].tolist() == ["p3"]


def test_values_are_values(notebook: Notebook, bench: workbench.Workbench) -> None:
    """The notebook writes $names and {names} into lines of other magics."""
    names = {"bench": bench, "who": HOSTILE, "few": pd.Series(["p2", HOSTILE])}
    assert len(notebook.run(f"%sql {WHO.format('= $who')}", **names)) == 0
    assert notebook.run("%sql SELECT '{who}' AS a, :who AS b").loc[0].tolist() == ["{who}", HOSTILE]
    listed = WHO.format("IN (SELECT value FROM json_each(:few))")
    assert notebook.run(f"%sql {listed}")["id"].tolist() == ["p2"]


def test_a_name_that_is_not_there_is_said(notebook: Notebook, bench: workbench.Workbench) -> None:
    with pytest.raises(NotFoundError) as caught:
        notebook.run(f"%sql {WHO.format('= :nobody')}", bench=bench)
    assert caught.value.where == ":nobody"
    assert "nobody = " in str(caught.value.next)
    with pytest.raises(InvalidInputError) as refused:
        notebook.run(f"%sql {WHO.format('= :nobody')}", nobody={"a": 1})
    assert refused.value.where == "nobody"


@pytest.mark.parametrize(
    ("language", "text", "names"),
    [
        ("sql", "SELECT ':a', \":b\", `:c`, [:d], 'it''s :e' -- :f\n, /* :g\n :h */ :i", ["i"]),
        ("sql", "SELECT :a, @b, $c, :a, 'x'':d', :e_1", ["a", "b", "c", "e_1"]),
        ("sql", "SELECT 1 /* :a", ["a"]),
        ("cypher", "MATCH (n:Label {id: $a}) // $b\nWHERE n.`$c` = '\\'$d' /* $e */", ["a"]),
        (
            "cypher",
            'RETURN $`a b`, "$c \\" $d", $e, $a1, $a1, `x`, $größe',
            ["a b", "e", "a1", "größe"],
        ),
        ("cypher", "RETURN 1", []),
    ],
)
def test_which_names_a_question_asks_for(language: str, text: str, names: list[str]) -> None:
    assert parameter_names(text, language) == names


def test_no_store_and_several_stores(
    notebook: Notebook, bench: workbench.Workbench, tmp_path: Path, tiny_site: Path
) -> None:
    with pytest.raises(NotFoundError, match="No store is open") as caught:
        notebook.run("%sql SELECT 1")
    assert "workbench.open" in str(caught.value.next)
    workbench.ingest(tmp_path / "other", cameras=tiny_site / "cameras.csv", quiet=True)
    with workbench.open(tmp_path / "other") as other:
        with pytest.raises(InvalidInputError, match="other, site") as several:
            notebook.run("%sql SELECT 1", site=bench, other=other)
        assert several.value.next == "Say which: --bench other"
        notebook.run("again = site; _ = other")
        count = "SELECT count(*) AS n FROM appearance"
        assert notebook.run(f"%sql --bench site {count}")["n"].item() > 0
        assert notebook.run(f"%sql --bench=other {count}")["n"].item() == 0
    del notebook.shell.user_ns["other"]
    assert notebook.run(f"%sql {count}")["n"].item() > 0
    assert notebook.run(f"%%sql --store '{tmp_path}/other'\n{count}")["n"].item() == 0
    with pytest.raises(NotFoundError):
        notebook.run(f"%sql --store {tmp_path}/none {count}")
    with pytest.raises(NotFoundError, match="nobody is no open store"):
        notebook.run(f"%sql --bench nobody {count}")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("--loud SELECT 1", ["--loud", "no option"]),
        ("-o", ["-o", "needs a value"]),
        ("-o 1x SELECT 1", ["1x", "no name"]),
        ("-o class SELECT 1", ["class", "no name"]),
        ("--timeout soon SELECT 1", ["--timeout", "number"]),
        ("--timeout 0 SELECT 1", ["timeout_s", "limit"]),
        ("--bench bench --store here SELECT 1", ["two stores"]),
        ("", ["no question"]),
        ("--write DELETE FROM appearance", ["checksum"]),
        ("DELETE FROM appearance", ["reads this store"]),
    ],
)
def test_bad_usage_is_said(
    notebook: Notebook, bench: workbench.Workbench, line: str, words: list[str]
) -> None:
    with pytest.raises(InvalidInputError) as caught:
        notebook.run(f"%sql {line}", bench=bench)
    assert all(word in str(caught.value) for word in words), str(caught.value)
    assert caught.value.next


def test_options_come_first_and_the_question_is_left_as_it_is() -> None:
    read = read_request(" -o a --write  --timeout=2.5 MATCH (n) -- (m)  RETURN -n.x ", None)
    assert (read.text, read.output, read.write) == ("MATCH (n) -- (m)  RETURN -n.x", "a", True)
    assert read.timeout == 2.5
    assert read_request("-- a comment", "SELECT 1\n").text == "-- a comment\nSELECT 1\n"
    assert read_request("", "SELECT '--write -o x'").write is False


def test_the_other_language_is_named(notebook: Notebook, bench: workbench.Workbench) -> None:
    with pytest.raises(CapabilityError, match="SQLite") as caught:
        notebook.run("%cypher RETURN 1", bench=bench)
    assert "%sql" in str(caught.value.next)


def test_neo4j_is_asked_in_cypher(notebook: Notebook, team: workbench.Workbench) -> None:
    text = "MATCH (i:Identity) WHERE i.id = $who OR i.id IN $few RETURN i.id AS id ORDER BY id"
    names = {"team": team, "who": HOSTILE, "few": pd.Index(["p2", "p1"]), "i": "not a value"}
    assert notebook.run(f"%%cypher\n{text}", **names)["id"].tolist() == ["p1", "p2"]
    assert notebook.run("%cypher -o x RETURN '$no {who}' AS a, $who AS b") is None
    assert notebook["x"].loc[0].tolist() == ["$no {who}", HOSTILE]
    with pytest.raises(CapabilityError, match="Neo4j") as caught:
        notebook.run("%sql SELECT 1")
    assert "%cypher" in str(caught.value.next)


def test_cypher_writes_only_when_asked_to(notebook: Notebook, team: workbench.Workbench) -> None:
    text = "MATCH (i:Identity {id: $who}) SET i.name = $name RETURN i.name AS name"
    with pytest.raises(InvalidInputError, match="unless it is to write"):
        notebook.run(f"%%cypher\n{text}", team=team, who="p5", name="Eve")
    assert team.identities.get("p5").name is None
    assert notebook.run(f"%%cypher --write\n{text}")["name"].tolist() == ["Eve"]
    assert team.identities.get("p5").name == "Eve"


def test_the_cells_of_the_page(notebook: Notebook, team: workbench.Workbench, page: str) -> None:
    """The cells in SQL are run with all how-to pages (tests/house)."""
    start = pd.Timestamp("2026-01-12T09:00", tz="Europe/Madrid")
    notebook.shell.user_ns.update(bench=team, who="p2", few=["p1", "p3"], start=start)
    first, second = re.findall(r"^```cypher\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    shown = notebook.run(first)
    assert shown["sightings"].sum() == team.identities.get("p2").num_appearances
    assert isinstance(shown["first"].dtype, pd.DatetimeTZDtype)
    assert notebook.run(second) is None
    counted = team.together.pairs(method="pairs", window_s=60).to_frame()
    counted = counted[counted["a"].isin(["p1", "p3"])]
    assert notebook["together"].values.tolist() == counted[["a", "b", "count"]].values.tolist()


def test_the_page_names_all_there_is(page: str) -> None:
    words = set(re.findall(r"\w+", page))
    labels, kinds, _ = cypher.names()
    assert set(labels) | set(kinds) <= words
    made = set(re.findall(r"CREATE (?:TABLE|VIEW) (\w+)", tables.ddl()))
    assert made | {"store", "operation"} <= words
    properties = {cypher.physical(c) for c in (*APPEARANCE.columns, *IDENTITY.columns)}
    own = {"properties", "created_us", "updated_us", "stated_confidence", "merge_history"}
    own |= {"cluster_method", "match_confidence", "frame_path"}
    assert properties - own - {"first_seen_us", "last_seen_us"} <= words


def test_the_package_needs_no_notebook() -> None:
    code = "import sys, workbench, workbench.magics; print('IPython' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


# --------------------------------------------------------------------------------------------
# A bench that was closed
# --------------------------------------------------------------------------------------------
def test_the_one_that_is_open_is_asked(
    notebook: Notebook, bench: workbench.Workbench, tmp_path: Path, tiny_site: Path
) -> None:
    workbench.ingest(tmp_path / "other", cameras=tiny_site / "cameras.csv", quiet=True)
    other = workbench.open(tmp_path / "other")
    other.close()
    with pytest.raises(NotFoundError, match="No store is open"):
        notebook.run("%sql SELECT 1", other=other)
    count = notebook.run("%sql SELECT count(*) AS n FROM appearance", site=bench)
    assert count["n"].item() > 0
    with pytest.raises(StoreError, match="This bench was closed") as caught:
        notebook.run("%sql --bench other SELECT 1")
    assert caught.value.where == str(tmp_path / "other")


def test_a_closed_bench_of_neo4j_answers_nobody(
    notebook: Notebook, team: workbench.Workbench, neo4j_server: Server
) -> None:
    config = WorkbenchConfig(neo4j=neo4j_server.config())
    again = workbench.open(team.manager.folder, config=config)
    again.close()
    with pytest.raises(StoreError, match="This bench was closed") as caught:
        notebook.run("%cypher --bench again RETURN 1", again=again)
    assert caught.value.where == str(team.manager.folder)


# --------------------------------------------------------------------------------------------
# What a notebook shows of an error
# --------------------------------------------------------------------------------------------
def shown(folder: Path, *cells: str) -> list[list[str]]:
    """Return the lines that a real kernel shows of the error of each cell."""
    first = f"%load_ext workbench\nimport workbench\nbench = workbench.open({str(folder)!r})"
    run = new_notebook(cells=[new_code_cell(text) for text in (first, *cells)])
    place = {"metadata": {"path": folder.parent}}
    NotebookClient(run, timeout=120, allow_errors=True, resources=place).execute()
    assert run.cells[0].outputs == []
    outputs = [cell.outputs[-1] for cell in run.cells[1:]]
    return ["\n".join(output.traceback).splitlines() for output in outputs]


def test_a_typo_in_sql_is_shown_without_frames(bench: workbench.Workbench) -> None:
    typo, cell, other, plain = shown(
        bench.manager.folder,
        "%sql SELEKT 1",
        '%%sql\nSELECT "\x1b[2J\u202e" + FROM x',
        "%cypher RETURN 1",
        "bench.tracks.trajectory('nobody')",
    )
    assert typo[0].startswith('InvalidInputError: SQLite does not take this question (near "SELEKT')
    assert typo[1] == "  where: the statement"
    assert typo[2].startswith("  next:  One statement that reads")
    assert len(typo) == len(cell) == len(other) == 3
    assert not [line for line in cell if "\x1b" in line or "\u202e" in line]
    assert other[0] == "CapabilityError: This store keeps its graph in SQLite."
    assert len(plain) > 10, "an ordinary cell shows where it happened"


def test_what_an_error_quotes_is_shown_and_not_obeyed(
    notebook: Notebook, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(NotFoundError) as caught:
        notebook.run("%sql --store 'a\x1b[2J\u202eé' SELECT 1")
    assert "a\x1b[2J" in str(caught.value.where)
    assert r"a\x1b[2J\u202eé" in capsys.readouterr().out
    assert caught.value.__cause__ is None


def test_a_typo_in_cypher_is_shown_without_frames(
    team: workbench.Workbench, neo4j_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    if neo4j_server.password is not None:
        monkeypatch.setenv("NEO4J_USER", neo4j_server.user)
        monkeypatch.setenv("NEO4J_PASSWORD", neo4j_server.password)
    (typo,) = shown(team.manager.folder, "%cypher MATCH (n:Identity) RETRUN n")
    assert len(typo) == 3
    assert typo[0].startswith("InvalidInputError: The server does not take this question")
    assert "RETRUN" in typo[0]
    assert typo[1] == "  where: line 1, column 20 of the statement"
    assert typo[2].startswith("  next:  Correct it.")
