"""Execute the notebooks on a fresh demo store and keep their outputs, stripped of what differs.

Run it after a change of a notebook, of the demo or of a picture, and look at what git says has
changed: `python scripts/run_notebooks.py [NOTEBOOK ...]`. Times, versions, ids of widgets and
whatever else differs from run to run is left out; `make test` compares the rest. The notebook that
asks a Neo4j server gets one of its own for the time; where none can be started it is left as it is.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

import workbench
from workbench.stores.neo4j import server as neo4j_server

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "notebooks"
LANGUAGE = {"name": "python"}
WIDGET = "application/vnd.jupyter.widget-view+json"
WITH_A_SERVER = "08_backends.ipynb"
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}


def execute(path: Path) -> NotebookNode:
    """Return the notebook with the outputs of a fresh run; an error in a cell is raised."""
    notebook = nbformat.read(path, as_version=4)
    settings = {"metadata": {"path": str(path.parent)}}
    NotebookClient(notebook, timeout=300, kernel_name="python3", resources=settings).execute()
    return strip(notebook)


def strip(notebook: NotebookNode) -> NotebookNode:
    """Return the notebook without what differs from run to run; its outputs stay."""
    notebook.metadata = NotebookNode(kernelspec=KERNEL, language_info=LANGUAGE)
    for cell in notebook.cells:
        tags = cell.metadata.get("tags", [])
        cell.metadata = NotebookNode(tags=tags) if tags else NotebookNode()
        # A widget lives in its kernel: what is kept of it is its line of text.
        for output in cell.get("outputs", []):
            output.get("data", {}).pop(WIDGET, None)
    return notebook


@contextmanager
def server_for(path: Path, folder: Path) -> Iterator[str | None]:
    """Let the notebook that needs a server have one; yield why there is none, else None."""
    why_not = neo4j_server.missing() if path.name == WITH_A_SERVER else None
    if path.name != WITH_A_SERVER or why_not is not None:
        yield why_not
        return
    server = neo4j_server.start(folder, wait_s=300)
    os.environ["NEO4J_URI"] = server.uri
    try:
        yield None
    finally:
        del os.environ["NEO4J_URI"]
        neo4j_server.stop(server)


def main(given: list[str]) -> int:
    """Write every notebook, or those given, and return 0."""
    paths = [Path(name).resolve() for name in given] or sorted(FOLDER.glob("*.ipynb"))
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "demo"
        workbench.open_demo(store).close()
        os.environ |= {"WORKBENCH_STORE": str(store), "PLOTLY_RENDERER": "plotly_mimetype"}
        os.environ["IPYTHONDIR"] = str(Path(folder) / "ipython")
        for path in paths:
            with server_for(path, Path(folder) / "server") as why_not:
                if why_not is not None:
                    print(f"{path.name}: left as it is ({why_not})")
                    continue
                notebook = execute(path)
            path.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8")
            print(f"{path.name}: {path.stat().st_size / 1e6:.2f} MB")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
