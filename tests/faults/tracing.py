"""strace as the one who strikes: at the n-th call of the system on a file of the store."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path

PROGRAM = shutil.which("strace")
CALLS = ("pwrite64", "write", "fdatasync", "fsync", "rename", "unlink", "ftruncate", "openat")
# Names of files that the steps of a trial may touch, made or not made yet.
_FILES = ("store.sqlite", "store.sqlite-wal", "writer.lock", "vectors", ".")


class Strace:
    """strace over one process, from where that has stopped itself until it is gone."""

    def __init__(self, log: Path) -> None:
        self.log = log
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process
        return self._process.pid

    def attach(self, pid: int, store: Path) -> None:
        """Watch a process that has stopped itself."""
        assert PROGRAM
        command = [PROGRAM, "-f", "-qq", "-y", "-o", str(self.log), *self.options(store)]
        self._process = subprocess.Popen([*command, "-p", str(pid)], stderr=subprocess.DEVNULL)

    def options(self, store: Path) -> list[str]:
        """Return what of the process is watched, and what is done to it."""
        raise NotImplementedError  # each kind says it

    def finish(self) -> str:
        """Return what reached the process, in words; nothing if it was not struck."""
        assert self._process
        self._process.wait(timeout=60)
        return ""


class Tracer(Strace):
    """strace that strikes, or counts.

    Parameters
    ----------
    log : Path
        Where it writes what it saw.
    call, number : str, int
        The call to strike at, and which one of them; without, calls are only counted.
    deed : {'SIGKILL', 'ENOSPC', 'EIO'}
        What happens there; an error from there on for good with `lasting`.
    """

    def __init__(
        self, log: Path, call: str = "", number: int = 0, deed: str = "SIGKILL", *,
        lasting: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(log)
        self._inject: list[str] = []
        if call:
            what = f"signal={deed}" if deed.startswith("SIG") else f"error={deed}"
            plus = "+" if lasting else ""
            self._inject = ["-e", f"inject={call}:{what}:when={number}{plus}"]
        self._kill = deed == "SIGKILL" and bool(call)

    def options(self, store: Path) -> list[str]:
        spaces = [f"vectors/{s}-{n:06d}.seg" for s in ("face", "reid") for n in range(1, 9)]
        paths = [part for name in (*_FILES, *spaces) for part in ("-P", str(store / name))]
        return ["-e", f"trace={','.join(CALLS)}", *self._inject, *paths]

    def finish(self) -> str:
        super().finish()
        text = self.log.read_text(errors="replace")
        if self._kill:
            return "SIGKILL" if "+++ killed by SIGKILL" in text else ""
        found = re.findall(r"(\w+)\(.*\(INJECTED\)", text)
        return f"{found[0]} {len(found)}" if found else ""

    def calls(self) -> Counter[str]:
        """Return how often each call was seen."""
        return Counter(re.findall(r"^\d+ +(\w+)\(", self.log.read_text(errors="replace"), re.M))
