"""The picture of a similarity answer."""

from __future__ import annotations

import pandas as pd

from workbench.views.neighbours import neighbours
from workbench.views.style import UNKNOWN, identity_colour


def hits(**changes: object) -> pd.DataFrame:
    rows = pd.DataFrame(
        {
            "query": ["q", "q"],
            "rank": [1, 2],
            "appearance_id": ["a1", "a2"],
            "identity_id": pd.Series(["p1", None], dtype="str"),
            "similarity": [0.9, -0.2],
            "camera_id": pd.Series(["c1", None], dtype="str"),
            "timestamp": pd.to_datetime(["2026-01-01T08:00Z", "2026-01-01T09:00Z"], utc=True),
        }
    )
    return rows.assign(**changes)


def test_one_row_a_hit_coloured_by_identity_with_the_cosine_named() -> None:
    figure = neighbours(hits(), space="face", display_tz="Europe/Madrid")
    points = figure.data[1]
    assert list(points.x) == [0.9, -0.2]
    assert list(points.marker.color) == [identity_colour("p1"), UNKNOWN]
    assert list(figure.layout.yaxis.ticktext) == ["a1 · p1", "a2 · unidentified"]
    assert "cosine 0.900 in face" in points.hovertext[0]
    assert "09:00:00+01:00 CET" in points.hovertext[0]
    assert figure.layout.xaxis.range[0] < -0.2
    assert "match" not in figure.to_json()


def test_hostile_text_is_text() -> None:
    bad = "<img src=x onerror=alert(1)>"
    hostile = hits(appearance_id=bad, identity_id=bad, camera_id=bad, query=bad)
    figure = neighbours(hostile, space="face")
    assert "<img" not in figure.to_json().replace("\\u003c", "<")


def test_no_hits_is_a_picture_too() -> None:
    assert neighbours(hits().iloc[:0], space="face").layout.title.text == "Nothing is near"
