"""What a power cut may leave: recorded writes replayed, with what was not synced lost or reordered.

A killed process loses nothing of what it wrote; the machine does. So the calls of a writer are
recorded with their bytes, and played into folders as a disk may have them at any moment: what was
synced is there, and of the rest nothing, or all, or any of it in any order, down to sectors. The
name of a new file holds only after its folder was synced; a removed one may be back.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tests.faults.tracing import Strace

SECTOR = 512
LOSSES = ("everything", "nothing", "some", "all but the first", "all but the last")
_CALLS = "openat,pwrite64,write,ftruncate,fdatasync,fsync,rename,unlink,unlinkat,mkdir"
_LINE = re.compile(r"^\d+ +(\w+)\((.*)\) += +(-?\d+)(.*)$")


class Recorder(Strace):
    """strace that writes down every write with its bytes; to be given to a trial as its tracer."""

    def options(self, store: Path) -> list[str]:
        return ["-xx", "-s", "100000000", "-e", f"trace={_CALLS}"]


@dataclass(frozen=True, slots=True)
class Call:
    """One recorded call: ``write``, ``truncate``, ``sync``, ``create``, ``remove``, ``rename``,
    ``ack``, each with the paths and bytes that it is about."""

    kind: str
    path: str
    offset: int = 0
    data: bytes = b""
    target: str = ""


def recorded(log: Path, store: Path, acks: Path) -> list[Call]:
    """Return the calls of a log that concern files of the store, and the acknowledgements."""
    found = []
    for line in log.read_text(errors="replace").splitlines():
        match = _LINE.match(line)
        if match and int(match[3]) >= 0:
            found += _calls(match[1], match[2], match[4], str(store), str(acks))
    return found


def _calls(name: str, rest: str, result: str, store: str, acks: str) -> list[Call]:
    texts = [_plain(text) for text in re.findall(r'"((?:\\x[0-9a-f]{2})*)"', rest)]
    opened = re.match(r"\d+<([^>]*)>", rest)
    path = _name(opened[1]) if opened else ""
    if name == "write" and path == acks:
        return [Call("ack", "", data=texts[0])]
    if name == "openat":
        path = _name(re.match(r"<([^>]*)>", result)[1]) if "<" in result else ""  # type: ignore[index]
        made = [Call("create", path)] if "O_CREAT" in rest else []
        cut = [Call("truncate", path)] if "O_TRUNC" in rest else []
        return made + cut if path.startswith(store) else []
    if name in ("rename", "unlink", "unlinkat", "mkdir"):
        first = texts[0].decode()
        target = texts[1].decode() if name == "rename" else ""
        kind = {"rename": "rename", "mkdir": "mkdir"}.get(name, "remove")
        return [Call(kind, first, target=target)] if first.startswith(store) else []
    if not path.startswith(store) or path.endswith("-shm"):
        return []
    if name in ("fdatasync", "fsync"):
        return [Call("sync", path)]
    if name == "ftruncate":
        return [Call("truncate", path, int(rest.rsplit(", ", 1)[1]))]
    if name == "pwrite64":
        return [Call("write", path, int(rest.rsplit(", ", 1)[1]), texts[0])]
    raise AssertionError(f"{name} to a file of the store cannot be replayed: {rest[:200]}")


def _plain(text: str) -> bytes:
    return bytes.fromhex(text.replace("\\x", ""))


def _name(text: str) -> str:
    return _plain(text).decode() if text.startswith("\\x") else text


# ------------------------------------------------------------------ the disk
@dataclass(slots=True)
class File:
    """What of a file is on the disk for sure, and what was done to it since."""

    durable: bytes = b""
    pending: list[Call] = field(default_factory=list)


class Disk:
    """A folder as a disk may have it after a power cut."""

    def __init__(self, folder: Path, name: str) -> None:
        self.name = name
        self.files: dict[str, File] = {}
        for path in folder.rglob("*"):
            if path.is_file() and not path.name.endswith("-shm"):
                known = str(Path(name) / path.relative_to(folder))
                self.files[known] = File(path.read_bytes())
        self.durable_names = dict(self.files)  # as the folders on the disk have them

    def play(self, call: Call) -> None:
        """Take a call in."""
        if call.kind == "create" and call.path not in self.files:
            self.files[call.path] = File()
        elif call.kind in ("write", "truncate"):
            self.files[call.path].pending.append(call)
        elif call.kind == "remove":
            self.files.pop(call.path, None)
        elif call.kind == "rename":
            self.files[call.target] = self.files.pop(call.path)
        elif call.kind == "sync":
            self._sync(call.path)

    def _sync(self, path: str) -> None:
        if path in self.files:
            file = self.files[path]
            file.durable = _applied(file.durable, file.pending)
            file.pending = []
            return
        inside = {n for n in {*self.files, *self.durable_names} if str(Path(n).parent) == path}
        for name in inside:
            if name in self.files:
                self.durable_names[name] = self.files[name]
            else:
                self.durable_names.pop(name)

    def cut(self, loss: str, rng: np.random.Generator, place: Path) -> None:
        """Write to `place` what the disk may have if the power goes now."""
        (place / "vectors").mkdir(parents=True, exist_ok=True)
        names = self.durable_names if loss == "everything" else self.files
        if loss == "some":
            names = {**self.durable_names, **self.files}
            unsure = {n for n in names if self.files.get(n) is not self.durable_names.get(n)}
            for name in sorted(unsure):
                options = [d[name] for d in (self.files, self.durable_names) if name in d]
                choice = int(rng.integers(0, len(options) + 1))
                if choice == len(options) and (
                    name not in self.files or name not in self.durable_names
                ):
                    names.pop(name)
                else:
                    names[name] = options[min(choice, len(options) - 1)]
        for name, file in names.items():
            target = place / Path(name).relative_to(self.name)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(_applied(file.durable, _kept(file.pending, loss, rng)))


def _kept(pending: list[Call], loss: str, rng: np.random.Generator) -> list[Call]:
    if loss == "everything":
        return []
    if loss == "nothing":
        return pending
    if loss == "all but the first":
        return pending[1:]
    if loss == "all but the last":
        return pending[:-1]
    pieces = [piece for call in pending for piece in _sectors(call)]
    return [piece for piece in pieces if rng.random() < 0.5]


def _sectors(call: Call) -> Iterator[Call]:
    if call.kind != "write":
        yield call
        return
    first = 0
    while first < len(call.data):
        # Sectors of the disk, not of the call: a row may begin in the middle of one.
        length = SECTOR - (call.offset + first) % SECTOR
        yield Call("write", call.path, call.offset + first, call.data[first : first + length])
        first += length


def _applied(durable: bytes, calls: list[Call]) -> bytes:
    data = bytearray(durable)
    for call in calls:
        if call.kind == "truncate":
            data = data[: call.offset].ljust(call.offset, b"\0")
        else:
            end = call.offset + len(call.data)
            data = data.ljust(end, b"\0") if len(data) < end else data
            data[call.offset : end] = call.data
    return bytes(data)


# ------------------------------------------------------------------ all the cuts
@dataclass(frozen=True, slots=True)
class Cut:
    """A moment of a recording and what is lost then."""

    after: int
    loss: str


def cuts(calls: list[Call], rng: np.random.Generator, count: int) -> list[Cut]:
    """Return moments just before and after syncs and acknowledgements, with what is lost."""
    sharp = [n for n, call in enumerate(calls) if call.kind in ("sync", "ack", "remove", "rename")]
    moments = sorted({m for n in sharp for m in (n, n + 1)})
    every = [Cut(m, loss) for m in moments for loss in LOSSES]
    chosen = rng.choice(len(every), min(count, len(every)), replace=False)
    return [every[n] for n in sorted(chosen.tolist())]


def played(base: Path, name: str, calls: list[Call], cut: Cut, seed: int, place: Path) -> int:
    """Write the folder of a cut to `place`; return the last step that was acknowledged, or -1."""
    disk = Disk(base, name)
    acked = -1
    for call in calls[: cut.after]:
        if call.kind == "ack":
            words = call.data.decode().split()
            acked = int(words[1]) if words[0] == "ack" else acked
        else:
            disk.play(call)
    if place.exists():
        shutil.rmtree(place)
    disk.cut(cut.loss, np.random.default_rng([seed, cut.after]), place)
    return acked
