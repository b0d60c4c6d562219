"""The part of ``bench.tracks`` that learns from everybody's moves."""

from __future__ import annotations

from abc import ABC, abstractmethod

import pandas as pd

from workbench.analytics.adjacency import MIN_LIFT, MIN_TRANSITIONS, learned_adjacency
from workbench.analytics.blind_areas import blind_areas, blind_stretches
from workbench.analytics.clocks import MAX_OFFSET_S, MIN_PAIRS, clock_offsets, pair_offsets
from workbench.analytics.transitions import flow
from workbench.analytics.travel_times import between_cameras, travel_times
from workbench.queries.learned import (
    BlindAreas,
    ClockOffsets,
    FlowMatrix,
    LearnedAdjacency,
    TravelTimes,
)
from workbench.queries.movement import MAX_GAP_S, Site
from workbench.queries.ranges import Ids, Moment, listed, selection
from workbench.stores.graph.base import GraphStore


class Learning(ABC):
    """Flow, travel times, neighbours, blind areas and clocks: what the moves tell about a site."""

    _graph: GraphStore

    @abstractmethod
    def transitions(
        self,
        ids: Ids = None,
        *,
        start: Moment = None,
        end: Moment = None,
        tz: str | None = None,
        max_gap_s: float = MAX_GAP_S,
    ) -> pd.DataFrame:
        """Return the moves from one visit to the next."""

    @abstractmethod
    def _site(self) -> Site:
        """Return where the cameras are and what is known about them."""

    def _sightings(self, ids: Ids, start: Moment, end: Moment, tz: str | None) -> pd.DataFrame:
        """Return the sightings of these identities, or of everybody who is identified."""
        chosen = selection(
            self._graph,
            start=start,
            end=end,
            tz=tz,
            identity=listed(ids),
            unidentified=False if ids is None else None,
        )
        return self._graph.sightings(chosen)

    def flow_matrix(
        self,
        ids: Ids = None,
        *,
        start: Moment = None,
        end: Moment = None,
        tz: str | None = None,
        max_gap_s: float = MAX_GAP_S,
    ) -> FlowMatrix:
        """Return the flow as a matrix of cameras, with its heat map."""
        moves = self.transitions(ids, start=start, end=end, tz=tz, max_gap_s=max_gap_s)
        return FlowMatrix(flow(moves), self._site().cameras)

    def travel_times(
        self,
        ids: Ids = None,
        *,
        start: Moment = None,
        end: Moment = None,
        tz: str | None = None,
        max_gap_s: float = MAX_GAP_S,
        min_transitions: int = 1,
        longest_s: float | None = None,
    ) -> TravelTimes:
        """Return how long people take from camera to camera: quantiles of each pair, a picture.

        Columns ``from_camera, to_camera, transitions, p05_s, median_s, p95_s, iqr_s, distance_m,
        speed_m_s``: :func:`workbench.analytics.travel_times.travel_times`. Moves that took longer
        than `longest_s` and pairs with fewer than `min_transitions` moves are left out.
        """
        moves = between_cameras(
            self.transitions(ids, start=start, end=end, tz=tz, max_gap_s=max_gap_s),
            longest_s=longest_s,
        )
        found = travel_times(moves, min_transitions=min_transitions)
        return TravelTimes(found, moves, self._site().cameras)

    def adjacency(
        self,
        ids: Ids = None,
        *,
        start: Moment = None,
        end: Moment = None,
        tz: str | None = None,
        max_gap_s: float = MAX_GAP_S,
        min_transitions: int = MIN_TRANSITIONS,
        min_lift: float = MIN_LIFT,
        longest_s: float | None = None,
    ) -> LearnedAdjacency:
        """Return which cameras are neighbours as far as the moves tell; nothing is written.

        The rule and the columns: :func:`workbench.analytics.adjacency.learned_adjacency`. An
        adjacency that the store has is not used, only shown beside it.
        """
        moves = self.transitions(ids, start=start, end=end, tz=tz, max_gap_s=max_gap_s)
        site = self._site()
        ways = learned_adjacency(
            moves,
            cameras=site.cameras,
            min_transitions=min_transitions,
            min_lift=min_lift,
            longest_s=longest_s,
        )
        return LearnedAdjacency(ways, flow(moves), site)

    def blind_areas(
        self,
        ids: Ids = None,
        *,
        start: Moment = None,
        end: Moment = None,
        tz: str | None = None,
        max_gap_s: float = MAX_GAP_S,
    ) -> BlindAreas:
        """Return between which cameras nobody sees, for how long, and how many went that way.

        Columns ``from_camera, to_camera, distance_m, blind_m, adjacent, transitions, unseen,
        median_gap_s, p95_gap_s, long_share``:
        :func:`workbench.analytics.blind_areas.blind_areas`.
        """
        moves = self.transitions(ids, start=start, end=end, tz=tz, max_gap_s=max_gap_s)
        site = self._site()
        areas = blind_areas(
            moves, cameras=site.cameras, adjacency=site.adjacency, max_gap_s=max_gap_s
        )
        return BlindAreas(areas, max_gap_s, blind_stretches(areas, cameras=site.cameras), site)

    def clock_offsets(
        self,
        ids: Ids = None,
        *,
        start: Moment = None,
        end: Moment = None,
        tz: str | None = None,
        reference: str | None = None,
        max_gap_s: float = MAX_GAP_S,
        max_offset_s: float = MAX_OFFSET_S,
        min_pairs: int = MIN_PAIRS,
        seed: int = 0,
    ) -> ClockOffsets:
        """Return by how much the clocks are off, from people whom two cameras see at once.

        ``offset_s`` is what has to be added to what the store says now, ``clock_offset_s`` what
        to give to the camera. Methods and columns: :mod:`workbench.analytics.clocks`.

        Raises
        ------
        NotFoundError
            When one of the identities or the camera `reference` is not there.
        """
        with self._graph.snapshot():
            seen = self._sightings(ids, start, end, tz)
            cameras = self._site().cameras
        pairs = pair_offsets(
            seen,
            cameras=cameras,
            max_gap_s=max_gap_s,
            max_offset_s=max_offset_s,
            min_pairs=min_pairs,
            seed=seed,
        )
        offsets = clock_offsets(pairs, cameras=cameras, reference=reference)
        return ClockOffsets(offsets, pairs, cameras)
