"""How far long work is: a bar that goes away in a terminal and a notebook, nothing elsewhere."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from workbench import progress as module
from workbench.progress import progress


class Screen(io.StringIO):
    """A stderr that is a terminal."""

    def isatty(self) -> bool:
        return True


class Handle:
    """What IPython's display gives back, remembering what was shown."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def update(self, shown: dict[str, str], *, raw: bool) -> None:
        assert raw and list(shown) == ["text/plain"]
        self.said.append(shown["text/plain"])


def visible(written: str) -> str:
    """Return what stands in the last line of a terminal when all is written."""
    line = ""
    for part in written.split("\r")[1:]:
        line = part + line[len(part) :]
    return line.strip()


def work(total: int = 10, *, fail: bool = False) -> None:
    with progress(total, "shifts") as step:
        for done in range(total):
            step(1)
            if fail and done == 4:
                raise ZeroDivisionError


@pytest.fixture
def notebook(monkeypatch: pytest.MonkeyPatch) -> Handle:
    """Let it look as in a notebook, in which everything is told at once."""
    display = pytest.importorskip("IPython.display", reason="the extra lab is not installed")
    import IPython

    handle = Handle()

    def show(shown: dict[str, str], *, raw: bool, display_id: bool) -> Handle:
        assert display_id
        handle.update(shown, raw=raw)
        return handle

    monkeypatch.setattr(IPython, "get_ipython", lambda: SimpleNamespace(kernel=object()))
    monkeypatch.setattr(display, "display", show)
    monkeypatch.setattr(module, "_EVERY_S", -1.0)
    return handle


def test_where_nobody_looks_nothing_is_written(capfd: pytest.CaptureFixture[str]) -> None:
    work()
    assert capfd.readouterr() == ("", "")


def test_a_program_without_a_console_works_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    work()


def test_in_a_terminal_there_is_a_bar_and_then_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen()
    monkeypatch.setattr(sys, "stderr", screen)
    work()
    assert "shifts" in screen.getvalue() and "0/10" in screen.getvalue()
    assert visible(screen.getvalue()) == ""
    assert "\n" not in screen.getvalue()


def test_in_a_terminal_a_mistake_takes_the_bar_away_too(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen()
    monkeypatch.setattr(sys, "stderr", screen)
    with pytest.raises(ZeroDivisionError):
        work(fail=True)
    assert visible(screen.getvalue()) == ""


def test_in_a_notebook_it_is_told_beside_stderr_and_is_gone_at_the_end(
    notebook: Handle, capfd: pytest.CaptureFixture[str]
) -> None:
    work()
    assert capfd.readouterr() == ("", "")
    assert notebook.said[0] == notebook.said[-1] == ""
    assert len(notebook.said) == 12
    assert "shifts" in notebook.said[5] and "5/10" in notebook.said[5]


def test_in_a_notebook_a_mistake_takes_the_bar_away_too(notebook: Handle) -> None:
    with pytest.raises(ZeroDivisionError):
        work(fail=True)
    assert notebook.said[-1] == "" and len(notebook.said) == 7


def test_a_notebook_is_not_told_of_every_step(
    notebook: Handle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_EVERY_S", 3600.0)
    work(1000)
    assert notebook.said == ["", ""]


def test_ipython_in_a_terminal_is_a_terminal(
    notebook: Handle, monkeypatch: pytest.MonkeyPatch
) -> None:
    import IPython

    for shell in (None, SimpleNamespace()):
        monkeypatch.setattr(IPython, "get_ipython", lambda shell=shell: shell)
        work()
    assert notebook.said == []


CELLS = (
    "import pandas as pd, workbench\n"
    "from workbench import progress\n"
    "progress._EVERY_S = -1.0\n"
    "rows = [('p%d' % who, 'c%d' % cam, pd.Timestamp('2026-01-12T08:00Z')\n"
    "         + pd.Timedelta(days=day, hours=8 * (who + cam + day) % 9, minutes=who * 7))\n"
    "        for who in range(6) for cam in range(3) for day in range(4)]\n"
    "seen = pd.DataFrame(rows, columns=['identity_id', 'camera_id', 'timestamp'])\n"
    "seen['id'] = ['s%d' % n for n in range(len(seen))]\n"
    "bench = workbench.open('store', create=True)\n"
    "bench.cameras.add(pd.DataFrame({'id': seen['camera_id'].unique()}))\n"
    "bench.manager.create_identities(pd.DataFrame({'id': seen['identity_id'].unique()}))\n"
    "bench.appearances.add(seen);",
    "found = bench.together.pairs(significance=True)\nprint(found.chance is not None)",
    "bench.close()",
)


def test_a_notebook_that_ran_keeps_no_bar_and_no_warning(tmp_path: Path) -> None:
    nbformat = pytest.importorskip("nbformat", reason="the extra lab is not installed")
    from nbclient import NotebookClient

    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(one) for one in CELLS])
    NotebookClient(book, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    kept: list[Any] = [output for cell in book.cells for output in cell.outputs]
    assert not [output for output in kept if output.get("name") == "stderr"]
    told = [output for output in book.cells[1].outputs if output["output_type"] != "stream"]
    assert [output["data"]["text/plain"] for output in told] == [""], "one bar, and empty"
    assert [one["text"] for one in kept if one.get("name") == "stdout"][-1:] == ["True\n"]
