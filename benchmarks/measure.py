"""How a benchmark measures and says what it found: one table, `met` or `MISSED`, an exit code."""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import platform
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

_PACKAGES = ("numpy", "pandas", "pyarrow", "faiss-cpu")
_COLUMNS = ("what", "n", "p50", "p95", "baseline", "ratio", "target", "verdict")


def small(description: str) -> bool:
    """Return whether the small size is asked for (``--small``: a smoke test, nothing is judged)."""
    return asked(description)[0]


def asked(description: str, parts: Sequence[str] = ()) -> tuple[bool, str | None]:
    """Return whether the small size is asked for, and which part (``--only``), None for all."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--small", action="store_true", help="a smoke test: small, not judged")
    if parts:
        parser.add_argument("--only", choices=parts, help="measure one part alone")
    found = parser.parse_args()
    return bool(found.small), getattr(found, "only", None)


def machine() -> str:
    """Return cores, load, interpreter and versions in one line."""
    versions = [f"{name} {importlib.metadata.version(name)}" for name in _PACKAGES]
    load = "/".join(f"{part:.1f}" for part in os.getloadavg())
    return (
        f"{platform.machine()}, {os.cpu_count()} cores, load {load}, "
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, "
        + ", ".join(versions)
    )


@contextmanager
def folder() -> Iterator[Path]:
    """Give an empty folder, removed afterwards."""
    path = Path(tempfile.mkdtemp(prefix="workbench-bench-"))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def seconds(work: Callable[[], object]) -> float:
    """Return how long it takes once."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def times_of(work: Callable[[int], object], runs: int) -> np.ndarray:
    """Return how long each of `runs` takes in seconds, after one that does not count."""
    work(0)
    return np.array([seconds(lambda n=n: work(n)) for n in range(runs)])


def side_by_side(
    ours: Callable[[int], object], bare: Callable[[int], object], runs: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the times of both, run in turns, so that what disturbs one disturbs the other."""
    ours(0), bare(0)
    pairs = [(seconds(lambda n=n: ours(n)), seconds(lambda n=n: bare(n))) for n in range(runs)]
    return tuple(np.array(column) for column in zip(*pairs, strict=True))  # type: ignore[return-value]


class Report:
    """The table of a benchmark.

    Parameters
    ----------
    title : str
    judged : bool
        Whether missed targets count; not in a smoke test.
    """

    def __init__(self, title: str, *, judged: bool = True) -> None:
        self.title, self.judged = title, judged
        self.rows: list[tuple[str, ...]] = []
        self.missed = 0

    def rate(self, what: str, n: int, rates: np.ndarray, *, at_least: float | None = None) -> None:
        """Note rates a second; the median is judged."""
        p50, p05 = np.quantile(rates, 0.5), np.quantile(rates, 0.05)
        target = "" if at_least is None else f">= {at_least:,.0f}/s"
        good = at_least is None or p50 >= at_least
        self._row(what, n, f"{p50:,.0f}/s", f"{p05:,.0f}/s", "", "", target, good)

    def duration(
        self,
        what: str,
        n: int,
        took: np.ndarray,
        *,
        below: float | None = None,
        p95_below: float | None = None,
        bare: np.ndarray | None = None,
        within: float | None = None,
    ) -> None:
        """Note durations; the median is judged, alone or as a multiple of the bare one's.

        With `p95_below` the 95th percentile is.
        """
        p50, p95 = np.quantile(took, 0.5), np.quantile(took, 0.95)
        baseline = ratio = ""
        targets, good = [], True
        if bare is not None:
            times = float(p50 / np.quantile(bare, 0.5))
            baseline, ratio = _time(float(np.quantile(bare, 0.5))), f"{times:.2f}x"
            if within is not None:
                targets.append(f"<= {within:g}x")
                good = times <= within
        if below is not None:
            targets.append(f"< {_time(below)}")
            good = good and p50 < below
        if p95_below is not None:
            targets.append(f"p95 < {_time(p95_below)}")
            good = good and p95 < p95_below
        target = ", ".join(targets)
        self._row(what, n, _time(float(p50)), _time(float(p95)), baseline, ratio, target, good)

    def fact(self, what: str, n: int, value: str, *, target: str = "", good: bool = True) -> None:
        """Note anything else that was measured."""
        self._row(what, n, value, "", "", "", target, good)

    def _row(
        self,
        what: str,
        n: int,
        p50: str,
        p95: str,
        baseline: str,
        ratio: str,
        target: str,
        good: bool,
    ) -> None:
        verdict = "" if not target or not self.judged else "met" if good else "MISSED"
        self.missed += verdict == "MISSED"
        self.rows.append((what, f"{n:,}", p50, p95, baseline, ratio, target, verdict))

    def print(self, *, seed: int) -> int:
        """Print the table and return the exit code: 1 when a target was missed."""
        table = [_COLUMNS, *self.rows]
        widths = [max(len(row[n]) for row in table) for n in range(len(_COLUMNS))]
        print(f"{self.title} (seed {seed}{'' if self.judged else ', small: not judged'})")
        print(machine())
        for row in table:
            print("  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip())
        return 1 if self.missed and self.judged else 0


def _time(value: float) -> str:
    return f"{value:.2f} s" if value >= 1 else f"{value * 1000:.3g} ms"
