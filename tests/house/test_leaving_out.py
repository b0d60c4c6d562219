"""Tests left out are named at the end, and are failures where nothing may be left out."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = """
import pytest

def test_runs():
    pass

def test_left_out():
    pytest.skip("no such server")

def test_left_out_too():
    pytest.skip("no such server")

def test_of_others(shared_data):
    pass

@pytest.mark.xfail(reason="known")
def test_expected():
    raise AssertionError
"""


@pytest.fixture
def folder(tmp_path: Path, repository: Path) -> Path:
    """Return a folder of five tests that has no ../shared/data beside it."""
    here = tmp_path / "clone" / "tests"
    here.mkdir(parents=True)
    shutil.copy(repository / "tests" / "conftest.py", here)
    (here / "test_five.py").write_text(TESTS, encoding="utf-8")
    return here


def outcome(folder: Path, **environ: str) -> tuple[int, list[str]]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WORKBENCH_")}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(folder)]
    done = subprocess.run(
        command, cwd=folder.parent, env=kept | environ, capture_output=True, text=True
    )
    return done.returncode, done.stdout.rstrip().splitlines()


def test_what_was_left_out_is_named(folder: Path) -> None:
    status, lines = outcome(folder)
    assert status == 0
    assert "left out: no such server (2 tests)" in lines
    assert any(line.startswith("left out: the data folder of others") for line in lines)
    assert lines[-1].startswith("1 passed, 3 skipped, 1 xfailed")


def test_nothing_may_be_left_out_where_all_is_required(folder: Path) -> None:
    status, lines = outcome(folder, WORKBENCH_REQUIRE="all")
    assert status == 1
    assert lines[-1].startswith("2 failed, 1 passed, 1 skipped, 1 xfailed")
    assert any("left out although WORKBENCH_REQUIRE is set: no such server" in s for s in lines)


def test_a_step_that_failed_before_is_named_at_the_end(folder: Path) -> None:
    _, lines = outcome(folder, WORKBENCH_FAILED_STEPS="lint,types")
    assert "FAILED before the tests, see above: lint,types" in lines
