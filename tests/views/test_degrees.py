"""A site in degrees: what its axes and hovers say, and that a metre stays a metre."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from workbench.geography import Origin
from workbench.views.maps.trajectory_map import trajectory_map

ORIGIN = Origin(-9.14, 38.705)


@pytest.fixture
def harbour(scene: dict[str, Any]) -> dict[str, Any]:
    """Return the scene with its cameras in degrees too."""
    cameras = scene["cameras"].copy()
    longitude, latitude = ORIGIN.degrees(
        cameras["position_x"].to_numpy("float64"), cameras["position_y"].to_numpy("float64")
    )
    cameras["properties"] = [
        json.dumps({"longitude": f"{x:.9f}", "latitude": f"{y:.9f}"})
        for x, y in zip(longitude, latitude, strict=True)
    ]
    return scene | {"cameras": cameras}


def test_axes_say_degrees_and_stay_metres(harbour):
    layout = trajectory_map(**harbour).layout
    said = [float(text.rstrip("°")) for text in layout.xaxis.ticktext]
    x, _ = ORIGIN.metres(np.array(said), np.full(len(said), 38.705))
    assert len(said) >= 3 and list(layout.xaxis.tickvals) == pytest.approx(x.tolist(), abs=0.05)
    assert layout.xaxis.title.text == "longitude (0.00005° are 4 m)"
    assert layout.yaxis.title.text == "latitude (0.00002° are 2 m)"
    assert layout.yaxis.scaleanchor == "x" and layout.yaxis.scaleratio == 1


def test_hovers_say_degrees(harbour):
    hovers = [
        text
        for trace in trajectory_map(**harbour).data
        for text in np.atleast_1d(trace.hovertext if trace.hovertext is not None else [])
    ]
    assert any("at 38.70500° N, 9.13989° W" in text for text in hovers)  # the hall, 10 m east
    assert not any(" m<" in text and "at (" in text for text in hovers)


def test_without_degrees_axes_are_metres(scene):
    layout = trajectory_map(**scene).layout
    assert layout.xaxis.title.text == "east (m)" and layout.xaxis.tickvals is None


def test_degrees_that_do_not_agree_with_the_metres_are_left_out(harbour):
    cameras = harbour["cameras"].assign(position_y=pd.Series([0.0, 0.0, 50.0]))
    layout = trajectory_map(**harbour | {"cameras": cameras}).layout
    assert layout.xaxis.title.text == "east (m)"
