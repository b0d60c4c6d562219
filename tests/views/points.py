"""A few vectors as points, some of them with names that would run."""

from __future__ import annotations

import numpy as np
import pandas as pd

from workbench import schema

HOSTILE = "<img src=x onerror=alert(1)>"
NAMES = {"p1": HOSTILE, "p2": "Ada"}
CAMERAS = {"c1": HOSTILE, "c2": "Hall"}


def points(n: int = 60) -> pd.DataFrame:
    """Return points of p1 (half), p2 (a third), others and nobody, at two cameras."""
    who = ["p1"] * (n // 2) + ["p2"] * (n // 3)
    who += [f"q{at}" if at % 2 else None for at in range(n - len(who))]
    rows = pd.DataFrame(
        {
            "id": [f"a{at:05d}" for at in range(n)],
            "timestamp": pd.Timestamp("2026-01-12T08:00:00Z").as_unit("us")
            + pd.to_timedelta(np.arange(n) * 60, unit="s"),
            "camera_id": ["c1" if at % 3 else "c2" for at in range(n)],
            "identity_id": pd.Series(who, dtype="str"),
            "face_quality": [None if at % 10 == 0 else at / n for at in range(n)],
        }
    )
    chance = np.random.default_rng(0)
    rows = schema.SIGHTING.coerce(rows)[0]
    return rows.assign(x=chance.normal(size=n), y=chance.normal(size=n))
