"""Serve the notebooks as pages, without their code, with one store. `make app [STORE=dir]` runs it.

It listens on this machine only, asks for its token, and asks nobody for anything. Without a store
it is the demo, made first where it is missing. Words it does not know go to Voila (`--no-browser`,
`--port=8867`).
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from lab import ROOT, serve


def words_of(notebooks: Path, more: list[str]) -> list[str]:
    """Return the command that serves the notebooks; `more` are words of the user."""
    return [
        *[sys.executable, "-m", "voila", str(notebooks)],
        "--Voila.ip=127.0.0.1",
        "--Voila.auto_token=True",
        # Ours: it asks no server elsewhere for icons.
        "--template=workbench",
        # A page that nobody looks at any more needs no kernel.
        "--MappingKernelManager.cull_idle_timeout=3600",
        *more,
    ]


def main() -> int:
    """Become Voila, or return the exit code of `workbench` for what is wrong."""
    ours = str(ROOT / "scripts" / "app_settings")
    paths = os.pathsep.join(filter(None, [ours, os.environ.get("JUPYTER_PATH")]))
    return serve(__doc__, words_of, "The notebooks as pages,", {"JUPYTER_PATH": paths})


if __name__ == "__main__":
    raise SystemExit(main())
