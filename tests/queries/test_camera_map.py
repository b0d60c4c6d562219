"""``bench.cameras.map()``: the tables, the picture, and what a notebook shows of it."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import workbench
from workbench.errors import NotFoundError


def test_the_map_holds_the_tables_of_the_rooms(bench: workbench.Workbench) -> None:
    found = bench.cameras.map()
    pd.testing.assert_frame_equal(found.to_frame(), bench.tracks.flow())
    pd.testing.assert_frame_equal(found.cameras, bench.cameras.all())
    pd.testing.assert_frame_equal(found.adjacency, bench.cameras.adjacency())
    assert repr(found) == "Map of 4 cameras: 5 ways, 12 moves"


def test_its_moves_can_be_those_of_some_people_and_times(bench: workbench.Workbench) -> None:
    one = bench.cameras.map(identity="p1")
    pd.testing.assert_frame_equal(one.flow, bench.tracks.flow("p1"))
    late = bench.cameras.map(start="2026-01-12 09:09", tz="Europe/Madrid")
    pd.testing.assert_frame_equal(
        late.flow, bench.tracks.flow(start="2026-01-12 09:09", tz="Europe/Madrid")
    )
    assert len(one.flow) < len(late.flow) < len(bench.cameras.map().flow)
    with pytest.raises(NotFoundError, match="p9"):
        bench.cameras.map(identity="p9")


def test_a_notebook_shows_the_picture_and_a_line(bench: workbench.Workbench) -> None:
    found = bench.cameras.map()
    bundle = found._repr_mimebundle_()
    assert set(bundle) == {"application/vnd.plotly.v1+json", "text/html", "text/plain"}
    assert bundle["text/plain"] == repr(found)
    names = {trace["name"] for trace in bundle["application/vnd.plotly.v1+json"]["data"]}
    assert {"camera", "moves", "camera, out for a time"} <= names


def test_the_picture_takes_title_level_and_theme(bench: workbench.Workbench) -> None:
    figure = bench.cameras.map().plot(title="Our site", level="ground", theme="dark")
    assert figure.layout.title.text == "Our site"
    assert figure.layout.template.layout.paper_bgcolor == "#14181D"
    assert len(figure.layout.images) == 1


def test_a_trajectory_draws_its_implausible_moves_in_both_themes(
    bench: workbench.Workbench,
) -> None:
    track = bench.tracks.trajectory("p4")
    assert len(track.implausible)
    figure = track.plot(theme="dark")
    assert "cannot be" in {trace.name for trace in figure.data}
    assert figure.layout.template.layout.paper_bgcolor == "#14181D"


def test_an_empty_store_has_a_map_that_says_so(tmp_path: Path) -> None:
    with workbench.open(tmp_path / "empty", create=True) as bench:
        found = bench.cameras.map()
        assert repr(found) == "Map of 0 cameras: 0 ways, 0 moves"
        assert found.plot().layout.title.subtitle.text == "no camera is known"
