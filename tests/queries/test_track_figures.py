"""The figures of docs/explanation/tracks.md: on the data of others, and alarms on the demo."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from workbench.analytics.plausibility import implausible
from workbench.demo import simulate


@pytest.fixture(scope="module")
def script(repository: Path) -> ModuleType:
    path = repository / "scripts" / "track_figures.py"
    spec = importlib.util.spec_from_file_location("track_figures", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def figure(said: str, what: str) -> list[float]:
    """Return the numbers at the end of the line that begins so."""
    line = next(line for line in said.splitlines() if line.startswith(what))
    return [float(one) for one in re.findall(r"-?\d+\.?\d*", line[len(what) :])]


def test_travel_times_of_vehicles_grow_with_the_distance(
    script: ModuleType, shared_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert script.main(["veri", "--data", str(shared_data), "--out", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    rho = figure(said, "Spearman, median time against distance, pairs of 5 or more moves")[0]
    assert 0.3 < rho < 0.6  # stated as it is: the order of distances is kept by half
    between, any_two = figure(said, "metres between them, median; between any two cameras")
    assert between < any_two / 2  # learned neighbours are near
    page = (tmp_path / "veri_times_by_distance.html").read_text(encoding="utf-8")
    assert "rank correlation" in page and "cdn.plot.ly" not in page.split("<body>")[1][:2000]


def test_the_flow_of_campus_against_its_layout(
    script: ModuleType, shared_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert script.main(["campus", "--data", str(shared_data)]) == 0
    said = capsys.readouterr().out
    metres, moves = figure(said, "HC3 - IP5: metres apart, moves both ways")
    assert (metres, moves) == (17.0, 26.0)
    assert figure(said, "HC4 - IP2: metres apart, moves both ways") == [34.1, 5.0]
    assert figure(said, "HC3 - HC4: metres apart, moves both ways") == [15.3, 0.0]


def test_data_that_is_not_there_is_named(
    script: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert script.main(["veri", "--data", str(tmp_path)]) == 3
    assert "veri776_test" in capsys.readouterr().err


def test_no_alarm_on_true_tracks_and_some_on_wrong_merges(script: ModuleType) -> None:
    site = simulate(small=True)
    true = script._true_tracks(site)
    alarms = implausible(true, cameras=site.cameras, adjacency=site.adjacency)
    assert alarms.empty
    walking = script.walkers(site, 40, hours=2.0, rng=np.random.default_rng(0))
    assert implausible(walking, cameras=site.cameras, adjacency=site.adjacency).empty
    short, long = (
        script.caught_walking(site, true, hours=hours, seed=0, trials=60) for hours in (0.5, 4.0)
    )
    assert short < 0.3 < 0.6 < long
    demo = script.caught_in_demo(site, true, hours=4.0, seed=0, trials=60)
    assert 0.0 <= demo < 0.3
    assert demo == script.caught_in_demo(site, true, hours=4.0, seed=0, trials=60)
