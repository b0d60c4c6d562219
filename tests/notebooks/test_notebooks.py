"""The notebooks as they are committed: run, thin, small, the same when they run again."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook, new_output

import workbench

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
FIGURE = "application/vnd.plotly.v1+json"
LONGEST_CELL = 15
LARGEST_BYTES = 1_500_000
IGNORED = "nbval-ignore-output"
WITH_A_KEY = {"03_co_occurrence"}  # it ends with the answers, and what they teach
A_PATH = re.compile(r"(/home/|/root/|/tmp/|/work/|/Users/|site-packages|[A-Z]:\\\\)")
AN_ADDRESS = re.compile(r"https?://")


def code_cells(path: Path) -> list[Any]:
    return [cell for cell in nbformat.read(path, 4).cells if cell.cell_type == "code"]


def python_of(source: str) -> ast.Module:
    """Return the Python of a cell; magics are none."""
    lines = [] if source.startswith("%%") else source.splitlines()
    return ast.parse("\n".join(line for line in lines if not line.startswith("%")))


def says_something(source: str) -> bool:
    """Return whether the last line of a cell is a value, which a notebook then shows."""
    if source.startswith("%%"):  # an answer is shown unless it gets a name
        return " -o " not in source.splitlines()[0]
    body = python_of(source).body
    return bool(body) and isinstance(body[-1], ast.Expr) and not source.rstrip().endswith(";")


each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def test_there_is_a_first_look() -> None:
    assert FOLDER / "01_first_look.ipynb" in NOTEBOOKS


@each_notebook
def test_it_was_run_from_top_to_bottom(path: Path) -> None:
    cells = code_cells(path)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    for cell in cells:
        if IGNORED not in cell.metadata.get("tags", []):
            shown = any(o.output_type in ("execute_result", "display_data") for o in cell.outputs)
            assert shown == says_something(cell.source), cell.source


@each_notebook
def test_its_outputs_name_no_machine(path: Path) -> None:
    for cell in code_cells(path):
        for output in cell.outputs:
            assert output.output_type in ("execute_result", "display_data"), output
            # A figure of plotly alone has no line of text; a result with a picture has.
            assert "text/plain" in output.data or FIGURE in output.data
            assert len(output.data.get("text/plain", "")) < 3000, "a dump, not an answer"
            assert not [kind for kind in output.data if "widget" in kind or "javascript" in kind]
            text = str({kind: said for kind, said in output.data.items() if kind != FIGURE})
            assert not A_PATH.search(text) and not AN_ADDRESS.search(text), text
            assert not A_PATH.search(str(output.data.get(FIGURE, "")))


@each_notebook
def test_it_is_thin(path: Path) -> None:
    assert path.stat().st_size < LARGEST_BYTES
    read = nbformat.read(path, 4)
    assert set(read.metadata) == {"kernelspec", "language_info"}
    nbformat.validate(read)
    for cell in code_cells(path):
        lines = cell.source.splitlines()
        assert len(lines) <= LONGEST_CELL and max(map(len, lines)) <= 100, cell.source
        defined = (ast.FunctionDef, ast.ClassDef, ast.Lambda, ast.For, ast.While)
        assert not [node for node in ast.walk(python_of(cell.source)) if isinstance(node, defined)]
        assert "print(" not in cell.source
        assert "answers" not in cell.source or path.stem in WITH_A_KEY, "it gives away the answer"
        assert set(cell.metadata) <= {"tags"}


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a fresh store of the demo, the one the outputs are of."""
    folder = tmp_path_factory.mktemp("stores") / "demo"
    workbench.open_demo(folder).close()
    return folder


def compare(notebooks: Path, store: Path) -> subprocess.CompletedProcess[str]:
    """Run nbval on a folder of notebooks."""
    command = [sys.executable, "-m", "pytest", "-q", str(notebooks), "-p", "no:cacheprovider"]
    command += ["--nbval", "--nbval-current-env", "--nbval-cell-timeout=120", "--color=no"]
    used = {"WORKBENCH_STORE": str(store), "PLOTLY_RENDERER": "plotly_mimetype"}
    used["IPYTHONDIR"] = str(store.parent / "ipython")  # no start-up files of whoever runs this
    return subprocess.run(command, cwd=ROOT, env=os.environ | used, capture_output=True, text=True)


def test_they_say_the_same_again(demo: Path) -> None:
    done = compare(FOLDER, demo)
    cells = sum(len(code_cells(path)) for path in NOTEBOOKS)
    assert done.returncode == 0, (
        f"{done.stdout[-4000:]}\n{done.stderr[-1000:]}\nMeant? Then run: "
        "python scripts/run_notebooks.py"
    )
    assert f"{cells} passed" in done.stdout


def test_a_changed_output_is_seen(tmp_path: Path) -> None:
    """The comparison fails where it should, and only there: not on the numbers of a picture."""
    shutil.copy(FOLDER / "conftest.py", tmp_path)
    draw = "from IPython.display import display\n"
    draw += f"display({{{FIGURE!r}: {{'data': []}}, 'text/plain': 'Map'}}, raw=True)"
    cells = [
        new_code_cell(source, execution_count=1, outputs=[new_output(kind, data=data, **count)])
        for source, kind, data, count in (
            ("1 + 1", "execute_result", {"text/plain": "2"}, {"execution_count": 1}),
            ("1 + 1", "execute_result", {"text/plain": "3"}, {"execution_count": 1}),
            (draw, "display_data", {FIGURE: {"data": [1]}, "text/plain": "Map"}, {}),
            (draw, "display_data", {FIGURE: {"data": []}, "text/plain": "Plan"}, {}),
        )
    ]
    nbformat.write(new_notebook(cells=cells), tmp_path / "changed.ipynb")
    done = compare(tmp_path, tmp_path)
    assert done.returncode == 1
    for cell, failed in enumerate([False, True, False, True]):
        assert (f"changed.ipynb::Cell {cell}" in done.stdout) == failed, done.stdout[-3000:]


def test_real_data_by_one_line(shared_data: Path, tmp_path: Path) -> None:
    """The cells work on a store of somebody else's data: here one that has no vectors."""
    folder = shared_data / "campus_auditorium"
    workbench.ingest(
        tmp_path / "store",
        folder / "appearances_1hz.csv.gz",
        cameras=folder / "cameras.csv",
        fps=30,
        start_time="2015-06-01T09:00:00Z",
        quiet=True,
    )
    read = nbformat.read(FOLDER / "01_first_look.ipynb", 4)
    code = [cell for cell in read.cells if cell.cell_type == "code"]
    (line,) = [one for one in code[0].source.splitlines() if one.startswith("bench = ")]
    code[0].source = code[0].source.replace(line, f"bench = workbench.open({'store'!r})")
    NotebookClient(read, allow_errors=True, resources={"metadata": {"path": tmp_path}}).execute()
    said = [
        f"{output.ename}: {output.evalue}"
        for cell in code
        for output in cell.outputs
        if output.output_type == "error"
    ]
    assert said[0].startswith("AssertionError: No vectors in this store")
    assert len(said) == 2, "only the question about faces and the one that follows from it"
    drawn = [cell for cell in code if any(FIGURE in o.get("data", {}) for o in cell.outputs)]
    assert len(drawn) == 5


EXPLORERS = {
    "02_trajectories": "TrajectoryExplorer",
    "03_co_occurrence": "CoOccurrenceExplorer",
    "04_similarity": "SimilarityExplorer",
}


@pytest.mark.parametrize("name", EXPLORERS)
def test_the_others_on_real_data_by_one_line(name: str, shared_data: Path, tmp_path: Path) -> None:
    """Real tracks; the set comes without vectors, so that these are drawn for its rows."""
    folder = shared_data / "campus_auditorium"
    np.save(tmp_path / "v.npy", np.random.default_rng(1).normal(size=(4_470, 32)).astype("f4"))
    workbench.ingest(
        tmp_path / "store",
        folder / "appearances_1hz.csv.gz",
        cameras=folder / "cameras.csv",
        fps=30,
        start_time="2015-06-01T09:00:00Z",
        reid=tmp_path / "v.npy",
        quiet=True,
    )
    read = nbformat.read(FOLDER / f"{name}.ipynb", 4)
    first = next(cell for cell in read.cells if cell.cell_type == "code")
    (line,) = [one for one in first.source.splitlines() if one.startswith("bench = ")]
    first.source = first.source.replace(line, f"bench = workbench.open({'store'!r})")
    NotebookClient(read, resources={"metadata": {"path": tmp_path}}).execute()
    said = str([cell.get("outputs") for cell in read.cells])
    assert EXPLORERS[name] in said


def test_together_on_a_list_of_contacts(shared_data: Path, tmp_path: Path) -> None:
    """Chance is refused, with the reason; the counts are those of its README."""
    contacts = shared_data / "sociopatterns" / "sfhh_conference_contacts.csv.gz"
    start = "2026-01-02T08:00:00Z"
    workbench.ingest(tmp_path / "store", contacts, format="contacts", start_time=start, quiet=True)
    read = nbformat.read(FOLDER / "03_co_occurrence.ipynb", 4)
    first = next(cell for cell in read.cells if cell.cell_type == "code")
    (line,) = [one for one in first.source.splitlines() if one.startswith("bench = ")]
    first.source = first.source.replace(line, f"bench = workbench.open({'store'!r})")
    NotebookClient(read, resources={"metadata": {"path": tmp_path}}).execute()
    said = [
        output.data.get("text/plain", "")
        for cell in read.cells
        for output in cell.get("outputs", [])
        if output.output_type == "execute_result"
    ]
    assert any("who met whom and not where each of them was" in one for one in said)
    assert "9,565 pairs of identities, 70,261 encounters" in said
    assert said[-1] == "'together 1,220 times'"
