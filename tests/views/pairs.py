"""Pairs of people made up for tests: the table of ``bench.together.pairs()``, and encounters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

NAMES = {"p1": "Ann", "p2": "Ben", "p3": "Cem"}
Row = tuple[str, str, int, float | None, float | None]
ROWS: list[Row] = [
    ("p1", "p2", 40, 4000.0, 0.001),
    ("p1", "p3", 9, 500.0, 0.2),
    ("p2", "p3", 3, 100.0, 0.9),
    ("p4", "p5", 2, 10.0, 0.04),
    ("p5", "p6", 1, 0.0, 0.6),
]
"""Two, how often, how long, and q: three who all met, and a chain of three beside them."""


def pairs(rows: Sequence[Row] = ROWS, *, asked: bool = True, **more: Any) -> pd.DataFrame:
    """Return the table of these pairs; with `asked` off nothing is known of chance."""
    frame = pd.DataFrame(rows, columns=["a", "b", "count", "overlap_s", "q"])
    frame = frame.astype(
        {"a": "str", "b": "str", "count": "int64", "overlap_s": "float64", "q": "float64"}
    )
    if not asked:
        frame["q"] = np.nan
    often = frame["count"]
    known = {"cameras": often.clip(upper=4), "days": often.clip(upper=3), "p": frame["q"] / 10}
    expected = (often / 10).where(frame["q"].notna())
    when = pd.Timestamp("2026-01-12T08:00Z")
    return frame.assign(**known, expected=expected, first=when, last=when).assign(**more)


def chain(n: int, *, count: int = 2) -> list[Row]:
    """Return `n` pairs of people who met one after the other."""
    return [(f"n{i:03d}", f"n{i + 1:03d}", count, 60.0, None) for i in range(n)]


def clique(n: int) -> list[Row]:
    """Return the pairs of `n` people who all met."""
    who = [f"c{i:02d}" for i in range(n)]
    return [
        (one, two, 1 + i % 7, 30.0, None)
        for i, (one, two) in enumerate((a, b) for a in who for b in who if a < b)
    ]


def encounters(a: str, b: str, starts: Sequence[str], overlap_s: Sequence[float]) -> pd.DataFrame:
    """Return encounters of two at the camera ``hall``, each 40 s long or 40 s apart."""
    start = pd.to_datetime(list(starts), utc=True).as_unit("us")
    hall = pd.Series(["hall"] * len(start), dtype="str")
    none = pd.Series([None] * len(start), dtype="str")
    return pd.DataFrame(
        {
            "a": a, "b": b, "camera_id": hall, "place_id": none, "start": start,
            "end": start + pd.Timedelta(seconds=40), "overlap_s": list(overlap_s),
            "a_dwell_s": 50.0, "b_dwell_s": 60.0,
        }
    )  # fmt: skip
