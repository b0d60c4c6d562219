"""What ``bench.tracks`` learns from moves: the rooms on the small site by hand and on the demo."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

import workbench
from workbench.errors import InvalidInputError, NotFoundError
from workbench.queries.learned import ClockOffsets
from workbench.queries.picture import Picture


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[workbench.Workbench]:
    """Return the store of the small demo; its clocks may be set, nothing else."""
    folder = tmp_path_factory.mktemp("learned") / "demo"
    with workbench.open_demo(folder, small=True) as found:
        yield found


ROOMS = {
    "flow_matrix": "Flow of 4 cameras: 12 moves between cameras, 1 seen again at the same camera",
    "travel_times": "Travel times of 6 pairs of cameras: 12 moves",
    "adjacency": "Learned adjacency: 0 ways between 0 cameras, not written",
    "blind_areas": "Blind areas: 9 of 9 ways have a stretch that no camera sees",
    "clock_offsets": "Clock offsets of 4 cameras: none sees people with another",
}


@pytest.mark.parametrize("room", list(ROOMS))
def test_each_says_what_it_is_and_draws_itself(bench: workbench.Workbench, room: str) -> None:
    found = getattr(bench.tracks, room)()
    assert isinstance(found, Picture)
    assert repr(found).startswith(ROOMS[room])
    assert isinstance(found.to_frame(), pd.DataFrame)
    bundle = found._repr_mimebundle_()
    assert bundle["text/plain"] == repr(found)
    for theme in ("light", "dark"):
        figure = found.plot(title="Our <site>", theme=theme)
        assert figure.layout.title.text == "Our &lt;site&gt;"


def test_the_matrix_is_the_flow(bench: workbench.Workbench) -> None:
    found = bench.tracks.flow_matrix()
    flow = bench.tracks.flow()
    pd.testing.assert_frame_equal(found.to_frame(), flow)
    matrix = found.matrix()
    assert matrix.loc["entrance", "corridor"] == 4  # from the row to the column
    assert matrix.loc["corridor", "entrance"] == 0
    assert matrix.to_numpy().sum() == flow["transitions"].sum()
    # The words beside it and those above the picture count the same.
    assert found.plot().layout.title.subtitle.text.startswith(
        "12 moves between cameras (6 pairs) · 1 seen again at the same camera"
    )


@pytest.mark.parametrize("room", list(ROOMS))
def test_identities_and_times_choose_the_moves(bench: workbench.Workbench, room: str) -> None:
    ask = getattr(bench.tracks, room)
    with pytest.raises(NotFoundError, match="p9"):
        ask("p9")
    with pytest.raises(InvalidInputError, match="time zone"):
        ask(start="2026-01-12 09:00")
    if room != "clock_offsets":
        one, everybody = ask("p1").to_frame(), ask().to_frame()
        late = ask(start="2026-01-12 09:09", tz="Europe/Madrid").to_frame()
        if "transitions" in one and len(everybody):
            counts = [frame["transitions"].sum() for frame in (one, late, everybody)]
            assert counts[0] < counts[2] and counts[1] < counts[2]


def test_travel_times_take_their_own_arguments(bench: workbench.Workbench) -> None:
    found = bench.tracks.travel_times(longest_s=8, min_transitions=2)
    rows = found.to_frame().set_index(["from_camera", "to_camera"])
    assert rows.loc[("entrance", "corridor"), "transitions"] == 3
    assert repr(found).endswith(f"{rows['transitions'].sum()} moves")
    assert found.rank_correlation(min_transitions=9) != found.rank_correlation(min_transitions=9)
    assert found.by_distance().layout.title.text == "Median time and distance between cameras"


# ------------------------------------------------------------------ the demo
def test_the_blind_corridor_of_the_demo_stands_out(demo: workbench.Workbench) -> None:
    told = demo.demo.answers("blind_corridor").to_frame().iloc[0]
    areas = demo.tracks.blind_areas().to_frame()
    sure = areas[(areas["unseen"] >= 5) & (areas["blind_m"] > 0)]
    always = sure[sure["long_share"] == 1.0]
    pairs = {tuple(sorted(ends)) for ends in always[["from_camera", "to_camera"]].to_numpy()}
    assert pairs == {tuple(told["cameras"])}


def test_what_is_learned_can_be_written_and_is_not_before(
    demo: workbench.Workbench, tmp_path: Path
) -> None:
    learned = demo.tracks.adjacency()
    before = demo.cameras.adjacency()
    assert len(learned.to_frame()) >= 12
    assert learned.map().layout.title.text == "Ways learned from moves"
    learned.plot()
    pd.testing.assert_frame_equal(demo.cameras.adjacency(), before)
    with workbench.open(tmp_path / "empty", create=True) as other:
        other.cameras.add(demo.cameras.all()[["id", "name"]])
        assert other.cameras.add_adjacency(learned.to_frame()) == len(learned.to_frame())
    learned.to_frame().to_csv(tmp_path / "ways.csv", index=False)
    (tmp_path / "seen.csv").write_text("camera_id,timestamp\ncam_01,2026-01-12T08:00:00Z\n")
    workbench.ingest(
        tmp_path / "loaded", tmp_path / "seen.csv", adjacency=tmp_path / "ways.csv", quiet=True
    )
    with workbench.open(tmp_path / "loaded") as loaded:
        assert len(loaded.cameras.adjacency()) == len(learned.to_frame())


def cam(found: ClockOffsets, camera: str) -> pd.Series:
    return found.to_frame().set_index("camera_id").loc[camera]


def test_a_clock_set_wrong_is_found_and_set_right(demo: workbench.Workbench) -> None:
    right = cam(demo.tracks.clock_offsets(), "cam_04")
    assert right["low_s"] <= 0.0 <= right["high_s"]
    demo.cameras.update(pd.DataFrame({"id": ["cam_04"], "clock_offset_s": [7.5]}))
    found = demo.tracks.clock_offsets(reference="cam_01")
    wrong = cam(found, "cam_04")
    assert wrong["low_s"] <= -7.5 <= wrong["high_s"]
    assert wrong["high_s"] - wrong["low_s"] < 0.5
    assert (wrong["recorded_s"], wrong["neighbours"]) == (7.5, 1)
    assert cam(found, "cam_02")[["offset_s", "clock_offset_s"]].isna().all()
    assert found.to_update()["id"].tolist() == ["cam_04"]
    demo.cameras.update(found.to_update())
    mended = cam(demo.tracks.clock_offsets(reference="cam_01"), "cam_04")
    assert abs(mended["offset_s"]) < 0.05
    assert mended["low_s"] <= 0.0 <= mended["high_s"]
    demo.cameras.update(pd.DataFrame({"id": ["cam_04"], "clock_offset_s": [0.0]}))


def test_an_empty_store_learns_nothing_and_says_so(tmp_path: Path) -> None:
    with workbench.open(tmp_path / "empty", create=True) as bench:
        for room in ROOMS:
            found = getattr(bench.tracks, room)()
            assert found.to_frame().empty
            found.plot()
    shutil.rmtree(tmp_path / "empty")


def test_ways_between_all_cameras_are_warned_of(tmp_path: Path) -> None:
    from workbench.analytics.paths import AdjacencyWarning

    ids = [f"c{n:02d}" for n in range(11)]
    (tmp_path / "cameras.csv").write_text("id\n" + "\n".join(ids))
    workbench.ingest(tmp_path / "store", (), cameras=tmp_path / "cameras.csv", quiet=True)
    pairs = [(a, b) for n, a in enumerate(ids) for b in ids[n + 1 :]]
    ways = pd.DataFrame(pairs, columns=["from_camera", "to_camera"])
    with workbench.open(tmp_path / "store") as bench:
        with pytest.warns(AdjacencyWarning, match="55 of the 55 pairs") as caught:
            assert bench.cameras.add_adjacency(ways) == 55
        assert caught[0].filename == __file__
