"""A JupyterLab, or Voila, started by a command, with its own files out of everybody's way."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ADDRESS = re.compile(r"http://127\.0\.0\.1:(\d+)/(?:lab\S*)?\?token=([0-9a-f]{20,})")


def settings(home: Path) -> dict[str, str]:
    """Return an environment in which Jupyter keeps its own files under `home`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("JUPYTER")}
    folders = {f"JUPYTER_{name}_DIR": str(home / name) for name in ("CONFIG", "DATA", "RUNTIME")}
    return kept | folders | {"HOME": str(home)}


@contextmanager
def server(command: list[str], home: Path, cwd: Path) -> Iterator[str]:
    """Give the address of a JupyterLab or Voila started by `command`; stop it at the end."""
    log = home / "lab.log"
    with log.open("w") as said:
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env=settings(home),
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        for _ in range(600):
            found = ADDRESS.search(log.read_text(errors="replace"))
            if found or process.poll() is not None:
                break
            time.sleep(0.1)
        assert found, f"It did not start:\n{log.read_text(errors='replace')[-3000:]}"
        wait_for(int(found[1]))
        yield found.group()
    finally:
        stop(process)


def wait_for(port: int) -> None:
    """Return when somebody listens: on a busy machine the address is said before."""
    for _ in range(300):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return


def stop(process: subprocess.Popen[bytes]) -> None:
    """End what the command started, kernels too, and wait until nothing of it is left."""
    for _ in range(300):
        try:
            os.killpg(process.pid, signal.SIGTERM)
        except ProcessLookupError:
            return
        process.poll()
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGKILL)
    raise AssertionError("it did not stop when asked")


def words(*more: str) -> list[str]:
    """Return words for JupyterLab: no browser, any free port."""
    as_root = ["--allow-root"] if os.geteuid() == 0 else []
    return ["--no-browser", "--ServerApp.port=0", *as_root, *more]
