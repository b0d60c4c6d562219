"""What the processes do that write and read one store at the same time.

``mix STORE NAME ROUNDS`` writes, changes and deletes rows of its own, reads after each step, and
says at its end what must be there. ``churn STORE`` writes, deletes and compacts until its input
ends. ``obey STORE`` does the operations it is given, line by line; ``hold`` leaves it in the middle
of a unit of work. ``write STORE PROGRESS SECONDS`` writes the ordered series of ``watch``: row n in
second n with vector n, every third unit of work a batch.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import struct
import subprocess
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import workbench
from tests.faults import machine
from workbench.model import Appearance

ROOT = Path(__file__).resolve().parents[2]
DIM = 24
PEOPLE = ("walker", "other")
_TOLERANCE = 2e-3  # of a cosine of vectors that are kept as float16


# ------------------------------------------------------------------ the ordered series
def size(unit: int) -> int:
    """Return how many rows a unit of work of the series has."""
    return 4 if unit % 3 == 2 else 1


def rows_after(units: int) -> int:
    """Return how many rows there are after so many units of work."""
    return units + 3 * (units // 3)


def vectors(first: int, count: int) -> np.ndarray:
    """Return the vectors of rows of the series, of length one."""
    found = np.empty((count, DIM))
    for n in range(count):
        key = hashlib.sha256(f"series {first + n}".encode()).digest()
        found[n] = np.random.default_rng(int.from_bytes(key[:8], "big")).normal(size=DIM)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def expected(rows: int) -> pd.DataFrame:
    """Return what the first rows of the series say."""
    n = np.arange(rows)
    return pd.DataFrame(
        {
            "id": [f"s{k:06d}" for k in n],
            "timestamp": pd.to_datetime(machine.START + pd.to_timedelta(n, unit="s"), utc=True),
            "camera_id": [machine.CAMERAS[k % 3] for k in n],
            "identity_id": [PEOPLE[k % 2] for k in n],
        }
    )


def write_series(store: Path, progress: Path, seconds: float) -> None:
    """Write the series; say in `progress` how many units were begun, and acknowledged."""
    told = os.open(progress, os.O_RDWR | os.O_CREAT, 0o644)
    end = time.monotonic() + seconds
    unit = 0
    with workbench.open(store) as bench:
        while time.monotonic() < end:
            os.pwrite(told, struct.pack("<q", unit + 1), 0)
            _write_unit(bench, rows_after(unit), size(unit))
            unit += 1
            os.pwrite(told, struct.pack("<q", unit), 8)
    os.close(told)
    say("wrote", rows_after(unit))


def _write_unit(bench: workbench.Workbench, first: int, count: int) -> None:
    rows = expected(first + count).iloc[first:] if count > 1 else None
    if rows is not None:
        bench.appearances.add(rows, face=vectors(first, count))
        return
    moment = (machine.START + pd.Timedelta(seconds=first)).to_pydatetime()
    bench.manager.store_appearance_with_embeddings(
        Appearance(
            id=f"s{first:06d}",
            timestamp=moment,
            camera_id=machine.CAMERAS[first % 3],
            identity_id=PEOPLE[first % 2],
        ),
        vectors(first, 1)[0],
    )


class Watch:
    """A reader that keeps one store open, and checks that each answer is a prefix of the series.

    Every answer has to show a whole number of units of work: at least those acknowledged before
    the question and those of the answers before, at most those begun before the answer came.
    """

    def __init__(self, bench: workbench.Workbench, progress: Path, seed: int = 1) -> None:
        self.bench = bench
        self.progress = progress
        self.rng = np.random.default_rng(seed)
        self.seen = 0  # rows that some answer showed
        self.answers: Counter[str] = Counter()
        self.slowest = (0.0, "")
        self._vectors = vectors(0, 0)
        self._series = expected(0)

    def ask(self, seconds: float) -> dict[str, Any]:
        """Ask for so long; return how many answers were right, and how slow the slowest was."""
        end = time.monotonic() + seconds
        questions = [self.count, self.find, self.some, self.person, self.path, self.near,
                     self.near_one, self.people_near]  # fmt: skip
        while time.monotonic() < end or sum(self.answers.values()) < len(questions):
            self.once(questions[sum(self.answers.values()) % len(questions)])
        return {
            "answers": sum(self.answers.values()), "rows": self.seen, "by": dict(self.answers),
            "slowest_s": round(self.slowest[0], 3), "slowest": self.slowest[1],
        }  # fmt: skip

    def once(self, question: Callable[[], Callable[[int], bool]]) -> None:
        """Ask one question and check its answer."""
        least = max(rows_after(self._told(8)), self.seen)
        began = time.perf_counter()
        fits = question()
        took = time.perf_counter() - began
        allowed = [rows_after(n) for n in range(self._told(0) + 1)]
        allowed = [rows for rows in allowed if rows >= least]
        self._know(allowed[-1])
        right = [rows for rows in allowed if fits(rows)]
        assert right, f"{question.__name__} is no prefix of {allowed} rows: {fits.__doc__}"
        self.seen = max(self.seen, right[0])
        self.answers[question.__name__] += 1
        self.slowest = max(self.slowest, (took, question.__name__))

    def _told(self, offset: int) -> int:
        data = self.progress.read_bytes() if self.progress.exists() else b""
        return struct.unpack("<qq", data.ljust(16, b"\0"))[offset // 8]

    def _know(self, rows: int) -> None:
        if rows > len(self._vectors):
            more = vectors(len(self._vectors), rows + 500 - len(self._vectors))
            self._vectors = np.concatenate([self._vectors, more])
            self._series = expected(len(self._vectors))

    # ------------------------------------------------------------------ questions
    def count(self) -> Callable[[int], bool]:
        said = self.bench.store.stats()

        def fits(rows: int) -> bool:
            cameras = {c: len(range(n, rows, 3)) for n, c in enumerate(machine.CAMERAS)}
            held = said["spaces"]["face"]["vectors"] if said["spaces"] else 0
            seen = {c: one["appearances"] for c, one in said["per_camera"].items()}
            return said["appearances"] == rows == held and seen == cameras

        return _told(fits, said)

    def find(self) -> Callable[[int], bool]:
        found = self.bench.appearances.find()
        return _told(lambda rows: self._same(found, self._series.iloc[:rows]), len(found))

    def some(self) -> Callable[[int], bool]:
        """Ask for one camera from some second on."""
        camera = int(self.rng.integers(0, 3))
        start = int(self.rng.integers(0, self.seen + 1))
        moment = machine.moment(start).to_pydatetime()
        found = self.bench.appearances.find(camera=machine.CAMERAS[camera], start=moment)

        def fits(rows: int) -> bool:
            series = self._series.iloc[start:rows]
            return self._same(found, series[series["camera_id"] == machine.CAMERAS[camera]])

        return _told(fits, (camera, start, len(found)))

    def person(self) -> Callable[[int], bool]:
        who = int(self.rng.integers(0, 2))
        found = self.bench.identities.get(PEOPLE[who])

        def fits(rows: int) -> bool:
            mine = range(who, rows, 2)
            last = machine.moment(mine[-1]) if mine else None
            return found.num_appearances == len(mine) and found.last_seen == last

        return _told(fits, found)

    def path(self) -> Callable[[int], bool]:
        who = int(self.rng.integers(0, 2))
        found = self.bench.tracks.trajectory(PEOPLE[who]).sightings
        return _told(lambda rows: self._same(found, self._series.iloc[who:rows:2]), len(found))

    def near(self) -> Callable[[int], bool]:
        """Ask for the vector of a row that may not be there yet."""
        number = int(self.rng.integers(0, self.seen + 10))
        if not self.seen:
            return lambda rows: True
        target = vectors(number, 1)[0]
        hits = self.bench.similarity.like(vector=target, k=5).hits
        return self._nearest(hits, 5, target, lambda rows: np.arange(rows))

    def near_one(self) -> Callable[[int], bool]:
        if not self.seen:
            return lambda rows: True
        number = int(self.rng.integers(0, self.seen))
        camera = int(self.rng.integers(0, 3))
        hits = self.bench.similarity.like(
            appearance=f"s{number:06d}", camera=machine.CAMERAS[camera], k=3
        ).hits
        return self._nearest(
            hits,
            3,
            vectors(number, 1)[0],
            lambda rows: np.array([n for n in range(camera, rows, 3) if n != number], dtype=int),
        )

    def people_near(self) -> Callable[[int], bool]:
        if self.seen < 2:
            return lambda rows: True
        target = vectors(int(self.rng.integers(0, self.seen)), 1)[0]
        hits = self.bench.similarity.like(vector=target, k=2, by="identity").hits

        def fits(rows: int) -> bool:
            near = self._vectors[:rows] @ target
            best = {who: float(near[n::2].max()) for n, who in enumerate(PEOPLE)}
            said = dict(zip(hits["identity_id"], hits["similarity"], strict=True))
            off = [abs(said.get(who, -2.0) - best[who]) for who in PEOPLE]
            return max(off) < _TOLERANCE

        return _told(fits, hits)

    def _nearest(
        self, hits: pd.DataFrame, k: int, target: np.ndarray, among: Callable[[int], np.ndarray]
    ) -> Callable[[int], bool]:
        numbers = hits["appearance_id"].str[1:].astype(int).to_numpy()
        said = hits["similarity"].to_numpy()

        def fits(rows: int) -> bool:
            asked = among(rows)
            near = self._vectors[asked] @ target
            if len(numbers) != min(k, len(asked)) or not np.isin(numbers, asked).all():
                return False
            mine = self._vectors[numbers] @ target
            others = near[~np.isin(asked, numbers)]
            last = float(said[-1]) if len(said) else -1.0
            return (
                bool((abs(mine - said) < _TOLERANCE).all())
                and not (others > last + _TOLERANCE).any()
            )

        return _told(fits, hits)

    def _same(self, found: pd.DataFrame, series: pd.DataFrame) -> bool:
        return len(found) == len(series) and all(
            (found[name].to_numpy() == series[name].to_numpy()).all() for name in series.columns
        )


def _told(fits: Callable[[int], bool], answer: object) -> Callable[[int], bool]:
    fits.__doc__ = f"{answer!r:.2000}"  # for the message, if nothing fits
    return fits


# ------------------------------------------------------------------ everybody at once
def mix(store: Path, name: str, rounds: int) -> None:
    """Write, change, link and delete rows of one's own; say what must be there, or what failed."""
    rng = np.random.default_rng(int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big"))
    state = machine.EMPTY | {"people": {"ann": None, "bob": None}}
    did: Counter[str] = Counter()
    with machine.opened(store) as bench:
        for number in range(rounds):
            operation = _own(rng, state, name, number)
            did[operation[0]] += 1
            machine.perform(bench, operation)
            state = machine.applied(state, operation)
            _own_rows(bench, state, name, rng)
    say("state", {"state": state, "did": dict(did)})


def _own(
    rng: np.random.Generator, state: machine.State, name: str, number: int
) -> machine.Operation:
    ids = sorted(state["rows"])
    kind = str(rng.choice(["batch", "one", "one", "link", "unlink", "delete", "again", "compact"]))
    if kind in ("batch", "one") or len(ids) < 4:
        kind = kind if kind == "one" else "batch"
        count = 1 if kind == "one" else int(rng.integers(2, 6))
        seeds = rng.integers(1, 1 << 40, (count, 2)).tolist()
        rows = {
            f"{name}{number:03d}-{n}": {
                "second": int(rng.integers(0, 600)), "camera": str(rng.choice(machine.CAMERAS)),
                "face": face, "reid": reid,
            }
            for n, (face, reid) in enumerate(seeds)
        }  # fmt: skip
        return kind, {"rows": rows, "links": dict.fromkeys(rows, "ann") if number % 2 else {}}
    if kind == "compact":
        return ("compact" if number % 4 == 0 else "sweep"), {}
    some = [str(one) for one in rng.choice(ids, 2, replace=False)]
    if kind == "again":
        return kind, {"rows": {one: {"face": int(rng.integers(1, 1 << 40))} for one in some}}
    return kind, {
        "ids": some,
        **({"who": str(rng.choice(["ann", "bob"]))} if kind == "link" else {}),
    }


def _own_rows(
    bench: workbench.Workbench, state: machine.State, name: str, rng: np.random.Generator
) -> None:
    """Check that what this process was told is written is there for it, whatever others do."""
    seen = bench.appearances.find()
    mine = seen[seen["id"].str.startswith(name)]
    assert mine["id"].tolist() == machine.eligible(state, {}), "not my rows"
    linked = mine[mine["identity_id"].notna()]
    links = dict(zip(linked["id"], linked["identity_id"], strict=True))
    assert links == state["links"], "not my links"
    one = str(rng.choice(sorted(state["rows"])))
    seed = state["rows"][one]["face"]
    words = {"space": "face", "seed": seed, "k": 1, "by": "appearance"}
    hits = machine.like(bench, words)
    assert hits["appearance_id"].tolist() == [one], f"{one} finds {hits!r}"


def churn(store: Path) -> None:
    """Write, delete and compact until the input ends; say how often."""
    compactions = 0
    os.set_blocking(0, False)
    with machine.opened(store) as bench:
        while _waits():
            rows = {
                f"x{compactions}-{n}": {"second": n, "camera": "c3", "face": n + 1, "reid": n + 1}
                for n in range(6)
            }
            machine.perform(bench, ("batch", {"rows": rows}))
            machine.perform(bench, ("delete", {"ids": list(rows)}))
            machine.perform(bench, ("compact", {}))
            compactions += 1
    say("compacted", compactions)


def _waits() -> bool:
    """Return whether the input is still open."""
    try:
        return os.read(0, 1) != b""
    except BlockingIOError:
        return True


def obey(store: Path) -> None:
    """Do what the lines of the input say, and answer each."""
    with machine.opened(store) as bench:
        say("ready", None)
        for line in sys.stdin:
            name, words = json.loads(line)
            if name == "hold":
                _hold(bench, words)
                continue
            machine.perform(bench, (name, words))
            say("done", bench.manager.graph.sequence())


def _hold(bench: workbench.Workbench, words: dict[str, Any]) -> None:
    """Stay in a unit of work that has written something, until the next line comes."""
    try:
        with bench.manager.unit():
            machine.perform(bench, ("create", {"who": words["who"]}))
            say("held", None)
            sys.stdin.readline()
            raise InterruptedError
    except InterruptedError:
        say("let go", None)


# ------------------------------------------------------------------ processes
def say(word: str, what: Any) -> None:
    """Write a line for the one who started this process."""
    print(json.dumps([word, what]), flush=True)  # noqa: T201


class Process:
    """A process of this file.

    Parameters
    ----------
    words : str or Path
        What it is to do: the words of the command.
    """

    def __init__(self, *words: object) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.processes", *map(str, words)],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def tell(self, what: object = None) -> None:
        """Give it a line."""
        assert self._process.stdin
        self._process.stdin.write(json.dumps(what) + "\n")
        self._process.stdin.flush()

    def hear(self, word: str) -> Any:
        """Wait for a line of it that begins with this word, and return what it says."""
        assert self._process.stdout
        line = self._process.stdout.readline()
        said = json.loads(line) if line else ["nothing", None]
        assert said[0] == word, said[1] if said[0] == "failed" else said
        return said[1]

    def ask(self, operation: machine.Operation) -> Any:
        """Let it do an operation and wait until it is acknowledged."""
        self.tell(operation)
        return self.hear("done")

    def end(self) -> None:
        """End its input."""
        assert self._process.stdin
        self._process.stdin.close()

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()
        self._process.wait(timeout=30)

    def close(self) -> None:
        """End it if it goes on, and let go of it."""
        assert self._process.stdin and self._process.stdout
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(timeout=30)
        self._process.stdout.close()


Start = Callable[..., Process]  # what the fixture of that name returns


def main(words: list[str]) -> None:
    """Do what the words of the command say; what goes wrong is said in one line."""
    name, store, *rest = words
    try:
        if name in ("mix", "write", "churn"):
            say("ready", None)
            sys.stdin.readline()  # everybody begins at the same moment
        if name == "mix":
            mix(Path(store), rest[0], int(rest[1]))
        elif name == "write":
            write_series(Path(store), Path(rest[0]), float(rest[1]))
        else:
            {"churn": churn, "obey": obey}[name](Path(store))
    except BaseException:
        say("failed", traceback.format_exc())
        raise


if __name__ == "__main__":
    main(sys.argv[1:])
