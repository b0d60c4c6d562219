"""The one test command: format, lint, types, import contracts, tests. `make test` runs it.

Every step runs even if an earlier one failed; the exit status is 0 only if all passed. pytest runs
last, so that its own closing line closes the output. Words after the command go to pytest.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent

STEPS: dict[str, list[str]] = {
    "format": ["ruff", "format", "--check", "--quiet", "."],
    "lint": ["ruff", "check", "--quiet", "."],
    "types": ["mypy", "--no-error-summary"],
    "imports": ["lint-imports", "--no-cache"],
}


def run_step(name: str, command: list[str]) -> bool:
    """Return whether one step passed; its output is shown only if it did not."""
    began = time.perf_counter()
    done = subprocess.run(
        [str(BIN / command[0]), *command[1:]],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    passed = done.returncode == 0
    if not passed:
        # mypy's notes list every overload of pandas: pages that hide the line that matters.
        lines = done.stdout.rstrip().splitlines()
        print("\n".join(line for line in lines if ": note: " not in line))
    print(f"{name}: {'passed' if passed else 'FAILED'} ({time.perf_counter() - began:.1f} s)")
    sys.stdout.flush()
    return passed


def run_tests(arguments: list[str], failed: list[str]) -> int:
    """Return the exit status of pytest; it repeats before its closing line what failed earlier."""
    environment = dict(os.environ, WORKBENCH_FAILED_STEPS=",".join(failed))
    command = [sys.executable, "-m", "pytest", "-q", "-n", "2", "--dist", "loadfile", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment).returncode


def main(arguments: list[str]) -> int:
    """Return 0 if every step passed, 1 otherwise."""
    failed = [name for name, command in STEPS.items() if not run_step(name, command)]
    tests = run_tests(arguments, failed)
    return 1 if failed or tests else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
