"""Processes that outlive who began them: begun, known again by their command line, ended.

The number of a process is given to another one some day; what it runs tells them apart. A process
has no command line while its program is loaded and while it ends.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from workbench.errors import StoreError

_PAUSE_S = 0.1
_KILL_S = 15.0
# What this process began: it has to take note of their end, or they stay as zombies.
_BEGUN: set[int] = set()


def begin(command: Sequence[str], folder: Path, environment: Mapping[str, str], log: Path) -> int:
    """Return the number of a new process in a session of its own; what it says goes to `log`."""
    with open(log, "wb") as said:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    _BEGUN.add(process.pid)
    process.returncode = 0  # it outlives us: nobody need wait for it
    return process.pid


def command_line(pid: int) -> str | None:
    """Return the command line of a process, '' where it has none, None when there is no process.

    Examples
    --------
    >>> "python" in command_line(os.getpid()), command_line(0)
    (True, None)
    """
    if pid <= 0:
        return None
    if pid in _BEGUN:
        with suppress(ChildProcessError):
            if os.waitpid(pid, os.WNOHANG)[0] == pid:
                _BEGUN.discard(pid)
    return _line_of_linux(pid) if os.path.isdir("/proc/self") else _line_of_ps(pid)


def end(pid: int, gone: Callable[[], bool], wait_s: float) -> None:
    """Ask a process to end, kill it when it has not after `wait_s` seconds, and see it gone.

    Raises
    ------
    StoreError
        When it is of another user, or does not end.
    """
    for how, patience in ((signal.SIGTERM, wait_s), (signal.SIGKILL, _KILL_S)):
        _signal(pid, how)
        if within(patience, gone):
            return
    raise StoreError(
        f"The process {pid} does not end.", where=str(pid), next=f"See what it does: ps -p {pid}"
    )


def within(wait_s: float, done: Callable[[], bool]) -> bool:
    """Return whether it came true within that time."""
    deadline = time.monotonic() + wait_s
    while not done():
        if time.monotonic() >= deadline:
            return False
        time.sleep(_PAUSE_S)
    return True


def _line_of_linux(pid: int) -> str | None:
    here = Path(f"/proc/{pid}")
    try:
        words = (here / "cmdline").read_bytes()
        if words:
            return os.fsdecode(words.replace(b"\0", b" "))
        # Of a process whose first thread has ended, others may still hold files.
        state = (here / "stat").read_bytes().rpartition(b")")[2].split()[0]
        return None if state in (b"Z", b"X") and len(os.listdir(here / "task")) < 2 else ""
    except (FileNotFoundError, ProcessLookupError):
        return None


def _line_of_ps(pid: int) -> str | None:
    done = subprocess.run(
        ["ps", "-ww", "-o", "stat=,command=", "-p", str(pid)], capture_output=True
    )
    state, _, words = os.fsdecode(done.stdout).strip().partition(" ")
    return None if done.returncode or state.startswith("Z") else words


def _signal(pid: int, how: signal.Signals) -> None:
    try:
        os.killpg(pid, how)  # it leads a session: a script that calls the program ends with it
    except ProcessLookupError:
        return
    except PermissionError as error:
        raise StoreError(
            f"The process {pid} is of another user.",
            where=str(pid),
            next="Ask that user to end it.",
        ) from error
