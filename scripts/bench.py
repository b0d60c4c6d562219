"""Run the benchmarks, one file a subject: `make bench`, or scripts/bench.py WORD to run some.

Options go to each of them: `scripts/bench.py --small` is a smoke test.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main(words: list[str]) -> int:
    """Return 0 if every benchmark met what it promises; a failing one does not stop the rest."""
    options = [word for word in words if word.startswith("-")]
    words = [word for word in words if not word.startswith("-")]
    found = sorted((ROOT / "benchmarks").glob("bench_*.py"))
    chosen = [path for path in found if not words or any(word in path.stem for word in words)]
    if not chosen:
        print("No benchmark matches.", file=sys.stderr)
        return 2
    environment = dict(os.environ, PYTHONPATH=str(ROOT))
    missed = []
    for path in chosen:
        print(f"== {path.stem}", flush=True)
        command = [sys.executable, str(path), *options]
        if subprocess.run(command, cwd=ROOT, env=environment).returncode:
            missed.append(path.stem)
    print(f"{len(chosen)} benchmarks, {len(missed)} missed: {', '.join(missed) or 'none'}")
    return 1 if missed else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
