"""What ``bench.tracks`` learns of a site from moves: flow, ways, times, blind areas, clocks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pandas as pd

from workbench.analytics.travel_times import rank_correlation
from workbench.queries.picture import Picture

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

    from workbench.queries.movement import Site
    from workbench.views.style import ThemeName


@dataclass(frozen=True, slots=True)
class FlowMatrix(Picture):
    """How many moves lead from which camera to which: a table, and a heat map of it.

    Parameters
    ----------
    flow : DataFrame
        ``from_camera, to_camera, transitions, median_s``, as ``bench.tracks.flow`` gives it. A
        move from a camera to itself: she was seen again there, and nowhere else meanwhile.
    """

    flow: pd.DataFrame
    _cameras: pd.DataFrame | None = field(default=None, repr=False)

    def __repr__(self) -> str:
        ends = {*self.flow["from_camera"], *self.flow["to_camera"]}
        apart = self.flow["from_camera"] != self.flow["to_camera"]
        moves, again = (int(self.flow["transitions"][which].sum()) for which in (apart, ~apart))
        return (
            f"Flow of {len(ends)} cameras: {moves} moves between cameras, "
            f"{again} seen again at the same camera"
        )

    def to_frame(self) -> pd.DataFrame:
        """Return the flow: one row a pair of cameras."""
        return self.flow.copy()

    def matrix(self) -> pd.DataFrame:
        """Return the moves as a matrix: from the camera of the row to that of the column."""
        return _matrix(self.flow)

    def plot(self, *, title: str | None = None, theme: ThemeName = "light") -> Figure:
        """Return the heat map: cameras in an order that puts neighbours side by side."""
        from workbench.views.charts.flow_matrix import flow_matrix

        return flow_matrix(self.flow, cameras=self._cameras, title=title, theme=theme)


@dataclass(frozen=True, slots=True)
class LearnedAdjacency(Picture):
    """Which cameras are neighbours as far as the moves tell: a table, and two pictures of it.

    Nothing is written. Whoever agrees gives the table, or the rows she agrees with, to
    ``bench.cameras.add_adjacency``, or saves it and loads it with ``ingest --adjacency``.

    Parameters
    ----------
    ways : DataFrame
        As :func:`workbench.analytics.adjacency.learned_adjacency` returns them.
    """

    ways: pd.DataFrame
    _flow: pd.DataFrame = field(repr=False)
    _site: Site = field(repr=False)

    def __repr__(self) -> str:
        ends = {*self.ways["from_camera"], *self.ways["to_camera"]}
        return f"Learned adjacency: {len(self.ways)} ways between {len(ends)} cameras, not written"

    def to_frame(self) -> pd.DataFrame:
        """Return the ways: columns of ``schema.ADJACENT_TO``, and the evidence for each."""
        return self.ways.copy()

    def plot(self, *, title: str | None = None, theme: ThemeName = "light") -> Figure:
        """Return the heat map of the flow: learned ways framed, those of the store dotted."""
        from workbench.views.charts.flow_matrix import flow_matrix

        return flow_matrix(
            self._flow,
            cameras=self._site.cameras,
            learned=self.ways,
            adjacency=self._site.adjacency,
            title="Which cameras are neighbours?" if title is None else title,
            theme=theme,
        )

    def map(
        self, *, title: str | None = None, level: str | None = None, theme: ThemeName = "light"
    ) -> Figure:
        """Return the map of the site with the learned ways as its ways."""
        from workbench.views.maps.camera_map import camera_map

        return camera_map(
            self._site.cameras,
            adjacency=self.ways,
            floor_plans=self._site.floor_plans,
            level=level,
            title="Ways learned from moves" if title is None else title,
            theme=theme,
        )


@dataclass(frozen=True, slots=True)
class TravelTimes(Picture):
    """How long people take from camera to camera: a table, and pictures of it.

    Parameters
    ----------
    times : DataFrame
        As :func:`workbench.analytics.travel_times.travel_times` returns them.
    """

    times: pd.DataFrame
    _moves: pd.DataFrame = field(repr=False)
    _cameras: pd.DataFrame | None = field(default=None, repr=False)

    def __repr__(self) -> str:
        return (
            f"Travel times of {len(self.times)} pairs of cameras: "
            f"{int(self.times['transitions'].sum())} moves"
        )

    def to_frame(self) -> pd.DataFrame:
        """Return the times: one row a pair of cameras, there and back apart."""
        return self.times.copy()

    def rank_correlation(self, *, min_transitions: int = 5) -> float:
        """Return Spearman's rank correlation of median time and distance, -1 to 1.

        Over the pairs with at least `min_transitions` moves and a known distance; missing (nan)
        for fewer than three of them.
        """
        return rank_correlation(self.times, min_transitions=min_transitions)

    def plot(
        self, *, title: str | None = None, most: int = 20, theme: ThemeName = "light"
    ) -> Figure:
        """Return the distributions of the `most` frequent pairs, on a logarithmic axis of time."""
        from workbench.views.charts.travel_times import travel_times

        return travel_times(
            self.times,
            self._moves,
            cameras=self._cameras,
            most=most,
            title=title,
            theme=theme,
        )

    def by_distance(
        self, *, title: str | None = None, min_transitions: int = 5, theme: ThemeName = "light"
    ) -> Figure:
        """Return the median times against the distances, with the rank correlation."""
        from workbench.views.charts.travel_times import by_distance

        enough = self.times["transitions"] >= min_transitions
        return by_distance(
            self.times[enough],
            correlation=self.rank_correlation(min_transitions=min_transitions),
            cameras=self._cameras,
            title=title,
            theme=theme,
        )


@dataclass(frozen=True, slots=True)
class BlindAreas(Picture):
    """Where between the cameras nobody sees: a table, and a map of it.

    Parameters
    ----------
    areas : DataFrame
        As :func:`workbench.analytics.blind_areas.blind_areas` returns them.
    max_gap_s : float
        What counts as a long time out of sight.
    """

    areas: pd.DataFrame
    max_gap_s: float
    _stretches: pd.DataFrame = field(repr=False)
    _site: Site = field(repr=False)

    def __repr__(self) -> str:
        blind = int((self.areas["blind_m"] > 0).sum())  # of the others it is not known
        return (
            f"Blind areas: {blind} of {len(self.areas)} ways have a stretch that no camera sees, "
            f"{int(self.areas['unseen'].sum())} moves out of everybody's sight"
        )

    def to_frame(self) -> pd.DataFrame:
        """Return the ways: one row a pair of cameras, there and back apart."""
        return self.areas.copy()

    def plot(
        self, *, title: str | None = None, level: str | None = None, theme: ThemeName = "light"
    ) -> Figure:
        """Return the map: the stretches nobody sees, the wider the more went that way."""
        from workbench.views.maps.blind_map import blind_map

        return blind_map(
            self.areas,
            self._stretches,
            self._site.cameras,
            adjacency=self._site.adjacency,
            floor_plans=self._site.floor_plans,
            max_gap_s=self.max_gap_s,
            level=level,
            title=title,
            theme=theme,
        )


@dataclass(frozen=True, slots=True)
class ClockOffsets(Picture):
    """By how much the clocks of the cameras are off: two tables, and a picture of them.

    Nothing is written. Whoever agrees gives the cameras their clocks:
    ``bench.cameras.update(offsets.to_update())``.

    Parameters
    ----------
    cameras : DataFrame
        As :func:`workbench.analytics.clocks.clock_offsets` returns them.
    pairs : DataFrame
        As :func:`workbench.analytics.clocks.pair_offsets` returns them.
    """

    cameras: pd.DataFrame
    pairs: pd.DataFrame
    _names: pd.DataFrame | None = field(default=None, repr=False)

    def __repr__(self) -> str:
        known = self.cameras["offset_s"].notna()
        if not len(self.pairs):
            return f"Clock offsets of {len(self.cameras)} cameras: none sees people with another"
        return (
            f"Clock offsets of {int(known.sum())} of {len(self.cameras)} cameras, "
            f"relative to {self.cameras['reference'].iloc[0]!r}, from {len(self.pairs)} pairs"
        )

    def to_frame(self) -> pd.DataFrame:
        """Return the offsets: one row a camera, missing where no chain of pairs leads to it."""
        return self.cameras.copy()

    def to_update(self) -> pd.DataFrame:
        """Return ``id, clock_offset_s`` of the cameras whose clock is off beyond doubt.

        Those whose interval does not hold 0; for ``bench.cameras.update``.
        """
        sure = (self.cameras["low_s"] > 0) | (self.cameras["high_s"] < 0)
        rows = self.cameras[sure][["camera_id", "clock_offset_s"]]
        return rows.rename(columns={"camera_id": "id"}).reset_index(drop=True)

    def plot(self, *, title: str | None = None, theme: ThemeName = "light") -> Figure:
        """Return the offsets with their intervals, one camera a line."""
        from workbench.views.charts.clock_offsets import clock_offsets

        return clock_offsets(
            self.cameras, self.pairs, cameras=self._names, title=title, theme=theme
        )


def _matrix(flow: pd.DataFrame) -> pd.DataFrame:
    ids = sorted({*flow["from_camera"], *flow["to_camera"]})
    counts = flow.set_index(["from_camera", "to_camera"])["transitions"].unstack(fill_value=0)
    return counts.reindex(index=ids, columns=ids, fill_value=0).astype("int64")
