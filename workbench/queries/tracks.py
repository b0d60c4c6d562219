"""``bench.tracks``: where somebody went, and what is not known about it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from workbench import times
from workbench.analytics.activity import activity
from workbench.analytics.gaps import gaps
from workbench.analytics.plausibility import implausible
from workbench.analytics.transitions import flow, transitions
from workbench.analytics.visits import visits
from workbench.queries.movement import MAX_GAP_S as MAX_GAP_S
from workbench.queries.movement import Activity, Site, Timeline
from workbench.queries.movement import Trajectory as Trajectory
from workbench.queries.ranges import Ids, Moment, listed, selection
from workbench.stores.graph.base import GraphStore, Observations, Selection

MAX_SPEED_M_S = 4.0


class Tracks:
    """Visits, transitions, gaps, flow, and the trajectory of one identity."""

    def __init__(self, graph: GraphStore, *, display_tz: str = "UTC") -> None:
        self._graph = graph
        self._display_tz = display_tz

    def trajectory(
        self,
        identity_id: str,
        *,
        start: Moment = None,
        end: Moment = None,
        tz: str | None = None,
        max_gap_s: float = MAX_GAP_S,
        max_speed_m_s: float = MAX_SPEED_M_S,
    ) -> Trajectory:
        """Return where she went, with visits, transitions, gaps and implausible moves.

        Parameters
        ----------
        start, end : time, optional
            Half-open range; a naive one needs `tz`.
        max_gap_s : float
            Sightings at one camera with gaps of at most this are one visit.
        max_speed_m_s : float
            A faster move is implausible.

        Raises
        ------
        NotFoundError
            When there is no such identity.
        """
        with self._graph.snapshot():
            # As a list: None is nobody here, not everybody.
            chosen = selection(self._graph, start=start, end=end, tz=tz, identity=[identity_id])
            seen = self._graph.sightings(chosen)
            site = self._site()
            people = self._graph.nodes("Identity", ids=[identity_id])
        stays = visits(seen, max_gap_s=max_gap_s)
        moves = transitions(stays, cameras=site.cameras, adjacency=site.adjacency)
        return Trajectory(
            identity_id=identity_id,
            sightings=seen,
            visits=stays,
            transitions=moves,
            gaps=gaps(moves, max_gap_s=max_gap_s, outages=site.outages, adjacency=site.adjacency),
            implausible=implausible(
                seen,
                cameras=site.cameras,
                adjacency=site.adjacency,
                max_speed_m_s=max_speed_m_s,
            ),
            max_gap_s=max_gap_s,
            _site=site,
            _identities=people,
            _display_tz=self._display_tz,
        )

    def timeline(
        self,
        ids: str | Sequence[str],
        *,
        start: Moment = None,
        end: Moment = None,
        tz: str | None = None,
        max_gap_s: float = MAX_GAP_S,
    ) -> Timeline:
        """Return when these identities were where, with gaps, outages and implausible moves.

        Parameters
        ----------
        ids : str or sequence of str
            One identity, or several to compare.
        start, end : time, optional
            Half-open range; a naive one needs `tz`.
        max_gap_s : float
            Sightings at one camera with gaps of at most this are one visit.

        Raises
        ------
        NotFoundError
            When one of the identities is not there.
        """
        wanted = list(dict.fromkeys(listed(ids) or []))
        with self._graph.snapshot():
            chosen = selection(self._graph, start=start, end=end, tz=tz, identity=wanted)
            seen = self._graph.sightings(chosen)
            site = self._site()
            people = self._graph.nodes("Identity", ids=wanted)
        stays = visits(seen, max_gap_s=max_gap_s)
        moves = transitions(stays, cameras=site.cameras, adjacency=site.adjacency)
        return Timeline(
            identity_ids=tuple(wanted),
            visits=stays,
            gaps=gaps(moves, max_gap_s=max_gap_s, outages=site.outages, adjacency=site.adjacency),
            implausible=implausible(seen, cameras=site.cameras, adjacency=site.adjacency),
            _site=site,
            _identities=people,
            _display_tz=self._display_tz,
        )

    def activity(
        self,
        *,
        camera: Ids = None,
        identity: Ids = None,
        start: Moment = None,
        end: Moment = None,
        tz: str | None = None,
    ) -> Activity:
        """Return how much was seen where, by weekday and hour of the local clock.

        Everything counts, the sightings of nobody known too.

        Parameters
        ----------
        camera, identity : str or sequence of str, optional
            Only at these cameras (or places), only of these identities.
        start, end : time, optional
            Half-open range; a naive one needs `tz`.
        tz : str, optional
            Zone whose hours are counted; that of the pictures unless given.

        Raises
        ------
        NotFoundError
            When one of the cameras or identities is not there.
        """
        with self._graph.snapshot():
            chosen = selection(
                self._graph, start=start, end=end, tz=tz, camera=camera, identity=identity
            )
            seen = _chosen(self._graph.observations(), chosen)
            site = self._site()
        known = site.cameras["id"]
        if chosen.cameras is not None:
            known = known[known.isin(chosen.cameras)]
        counts = activity(
            _categories(seen, set(site.cameras["id"])),
            display_tz=tz or self._display_tz,
            cameras=known,
            outages=site.outages,
            start=None if chosen.start_us is None else times.moment(chosen.start_us),
            end=None if chosen.end_us is None else times.moment(chosen.end_us),
        )
        return Activity(counts=counts, display_tz=tz or self._display_tz, _cameras=site.cameras)

    def implausible(
        self,
        ids: Ids = None,
        *,
        start: Moment = None,
        end: Moment = None,
        tz: str | None = None,
        max_speed_m_s: float = MAX_SPEED_M_S,
    ) -> pd.DataFrame:
        """Return the moves that nobody can make, of these identities or of everybody.

        Columns ``identity_id, from_appearance, to_appearance, from_camera, to_camera, start, end,
        reason, speed_m_s, distance_m, gap_s``. It is a precise alarm, never proof of correctness.

        Raises
        ------
        NotFoundError
            When one of the identities is not there.
        """
        with self._graph.snapshot():
            chosen = selection(
                self._graph,
                start=start,
                end=end,
                tz=tz,
                identity=listed(ids),
                unidentified=False if ids is None else None,
            )
            seen = self._graph.sightings(chosen)
            site = self._site()
        return implausible(
            seen, cameras=site.cameras, adjacency=site.adjacency, max_speed_m_s=max_speed_m_s
        )

    def visits(
        self,
        ids: Ids = None,
        *,
        start: Moment = None,
        end: Moment = None,
        tz: str | None = None,
        max_gap_s: float = MAX_GAP_S,
    ) -> pd.DataFrame:
        """Return the visits of these identities, or of everybody.

        Columns ``identity_id, camera_id, place_id, start, end, dwell_s, sightings``.

        Raises
        ------
        NotFoundError
            When one of the identities is not there.
        """
        return visits(self._seen(ids, start, end, tz), max_gap_s=max_gap_s)

    def transitions(
        self,
        ids: Ids = None,
        *,
        start: Moment = None,
        end: Moment = None,
        tz: str | None = None,
        max_gap_s: float = MAX_GAP_S,
    ) -> pd.DataFrame:
        """Return the moves from one visit to the next.

        Columns ``identity_id, from_camera, to_camera, start, end, gap_s, distance_m,
        speed_m_s``.
        """
        stays = self.visits(ids, start=start, end=end, tz=tz, max_gap_s=max_gap_s)
        site = self._site()
        return transitions(stays, cameras=site.cameras, adjacency=site.adjacency)

    def gaps(
        self,
        ids: Ids = None,
        *,
        start: Moment = None,
        end: Moment = None,
        tz: str | None = None,
        max_gap_s: float = MAX_GAP_S,
    ) -> pd.DataFrame:
        """Return the times in which nobody saw them, and why: outage, blind or unknown."""
        site = self._site()
        return gaps(
            self.transitions(ids, start=start, end=end, tz=tz, max_gap_s=max_gap_s),
            max_gap_s=max_gap_s,
            outages=site.outages,
            adjacency=site.adjacency,
        )

    def flow(
        self,
        ids: Ids = None,
        *,
        start: Moment = None,
        end: Moment = None,
        tz: str | None = None,
        max_gap_s: float = MAX_GAP_S,
    ) -> pd.DataFrame:
        """Return how many moves lead from camera to camera, and their median time.

        Columns ``from_camera, to_camera, transitions, median_s``.
        """
        return flow(self.transitions(ids, start=start, end=end, tz=tz, max_gap_s=max_gap_s))

    def _site(self) -> Site:
        return Site(
            cameras=self._graph.nodes("Camera"),
            adjacency=self._graph.edges("ADJACENT_TO"),
            outages=self._graph.nodes("Outage"),
            floor_plans=self._graph.nodes("FloorPlan"),
        )

    def _seen(self, ids: Ids, start: Moment, end: Moment, tz: str | None) -> pd.DataFrame:
        """Return who was where and when: of everybody, the three columns that counting needs."""
        wanted = listed(ids)
        if wanted is None:
            chosen = selection(self._graph, start=start, end=end, tz=tz)
            places = set(self._graph.nodes("Place")["id"])
            return _frame(self._graph.observations(), chosen.start_us, chosen.end_us, places)
        return self._graph.sightings(
            selection(self._graph, start=start, end=end, tz=tz, identity=wanted)
        )


def _chosen(seen: Observations, chosen: Selection) -> Observations:
    """Return of all observations those that are selected by time, place and identity."""
    wanted = np.ones(len(seen.time_us), dtype=bool)
    if chosen.start_us is not None:
        wanted &= seen.time_us >= chosen.start_us
    if chosen.end_us is not None:
        wanted &= seen.time_us < chosen.end_us
    for numbers, names, asked in (
        (seen.place, seen.places, chosen.cameras),
        (seen.identity, seen.identities, chosen.identities),
    ):
        if asked is not None:
            found = pd.Index(names, dtype="str").get_indexer_for(pd.Index(list(asked)))
            wanted &= np.isin(numbers, found)
            wanted &= numbers >= 0
    return Observations(
        seen.identity[wanted],
        seen.place[wanted],
        seen.time_us[wanted],
        seen.identities,
        seen.places,
    )


def _categories(seen: Observations, cameras: set[str]) -> pd.DataFrame:
    """Return observations as sightings whose names are categories: nothing is copied row by row."""
    at_camera = np.array([name in cameras for name in seen.places], dtype=bool)
    where = np.where((seen.place >= 0) & np.append(at_camera, False)[seen.place], seen.place, -1)
    return pd.DataFrame(
        {
            "identity_id": pd.Categorical.from_codes(
                seen.identity, pd.Index(seen.identities, dtype="str")
            ),
            "camera_id": pd.Categorical.from_codes(where, pd.Index(seen.places, dtype="str")),
            "timestamp": times.from_us(seen.time_us).array,
        }
    )


def _frame(
    seen: Observations, start_us: int | None, end_us: int | None, places: set[str]
) -> pd.DataFrame:
    wanted = seen.identity >= 0
    if start_us is not None:
        wanted &= seen.time_us >= start_us
    if end_us is not None:
        wanted &= seen.time_us < end_us
    who, where = seen.identity[wanted], seen.place[wanted]
    # A column of names is taken from the few different ones, not made row by row.
    names = pd.Series(seen.places, dtype="str")
    at_place = np.array([name in places for name in seen.places], dtype=bool)
    cameras = names.mask(at_place) if len(names) else names
    return pd.DataFrame(
        {
            "identity_id": pd.Series(seen.identities, dtype="str").take(who).array,
            "camera_id": cameras.take(where).array,
            "place_id": names.where(at_place).take(where).array if len(names) else names.array,
            "timestamp": times.from_us(seen.time_us[wanted]).array,
        }
    )
