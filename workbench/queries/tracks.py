"""``bench.tracks``: where somebody went, and what is not known about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from workbench import times
from workbench.analytics.gaps import gaps
from workbench.analytics.plausibility import implausible
from workbench.analytics.transitions import flow, transitions
from workbench.analytics.visits import visits
from workbench.queries.ranges import Ids, Moment, listed, selection
from workbench.stores.graph.base import GraphStore, Observations

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

MAX_GAP_S = 30.0
MAX_SPEED_M_S = 4.0


@dataclass(frozen=True, slots=True)
class Site:
    """Where the cameras are and what is known about them: four tables of the store."""

    cameras: pd.DataFrame
    adjacency: pd.DataFrame
    outages: pd.DataFrame
    floor_plans: pd.DataFrame


@dataclass(frozen=True, slots=True)
class Trajectory:
    """Where one identity went: tables, and a map of them.

    Parameters
    ----------
    identity_id : str
    sightings : DataFrame
        Columns of ``schema.SIGHTING``, in time order.
    visits, transitions, gaps, implausible : DataFrame
        As the methods of ``bench.tracks`` give them.
    """

    identity_id: str
    sightings: pd.DataFrame
    visits: pd.DataFrame
    transitions: pd.DataFrame
    gaps: pd.DataFrame
    implausible: pd.DataFrame
    max_gap_s: float = MAX_GAP_S
    _site: Site | None = field(default=None, repr=False)
    _display_tz: str = field(default="UTC", repr=False)

    def __repr__(self) -> str:
        return (
            f"Trajectory of {self.identity_id!r}: {len(self.sightings)} sightings, "
            f"{len(self.visits)} visits, {len(self.gaps)} gaps, "
            f"{len(self.implausible)} implausible moves"
        )

    def to_frame(self) -> pd.DataFrame:
        """Return the sightings."""
        return self.sightings.copy()

    def plot(self, *, title: str | None = None, level: str | None = None) -> Figure:
        """Return the map: cameras, the path coloured by time, dashed where nobody saw."""
        from workbench.views.trajectory_map import trajectory_map

        site = self._site
        assert site is not None  # a trajectory is made by the room, which gives it
        return trajectory_map(
            self.sightings,
            site.cameras,
            floor_plans=site.floor_plans,
            adjacency=site.adjacency,
            outages=site.outages,
            gaps=self.gaps,
            title=title,
            display_tz=self._display_tz,
            level=level,
            max_gap_s=self.max_gap_s,
        )

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        bundle = dict(self.plot()._repr_mimebundle_(**kwargs))
        return bundle | {"text/plain": repr(self)}


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
            _display_tz=self._display_tz,
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
