"""``bench.tracks``: where somebody went, and what is not known about it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from workbench import times
from workbench.analytics.activity import activity
from workbench.analytics.gaps import gaps
from workbench.analytics.plausibility import implausible
from workbench.analytics.transitions import flow, transitions
from workbench.analytics.visits import visits
from workbench.errors import InvalidInputError
from workbench.queries.learning import Learning
from workbench.queries.movement import MAX_GAP_S as MAX_GAP_S
from workbench.queries.movement import Activity, Crop, Movement, Site, Timeline, explorer
from workbench.queries.movement import Trajectory as Trajectory
from workbench.queries.observed import as_categories, as_sightings, chosen_of
from workbench.queries.ranges import Ids, Moment, listed, selection
from workbench.queries.report import Report, report_of
from workbench.stores.graph.base import GraphStore

if TYPE_CHECKING:
    from workbench.views.explorers.trajectory_explorer import TrajectoryExplorer
    from workbench.views.style import ThemeName

MAX_SPEED_M_S = 4.0


class Tracks(Learning):
    """Visits, transitions, gaps, flow, and the trajectory of one identity."""

    def __init__(
        self, graph: GraphStore, *, display_tz: str = "UTC", crop: Crop | None = None
    ) -> None:
        self._graph = graph
        self._display_tz = display_tz
        self._crop = crop

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
        # As a list: None is nobody here, not everybody.
        moved = self._moved([identity_id], start, end, tz, max_gap_s)
        return Trajectory(
            identity_id=identity_id,
            sightings=moved.sightings,
            visits=moved.visits,
            transitions=moved.transitions,
            gaps=moved.gaps,
            implausible=_implausible(moved.sightings, moved.site, max_speed_m_s),
            max_gap_s=max_gap_s,
            _site=moved.site,
            _identities=moved.identities,
            _display_tz=self._display_tz,
            _crop=self._crop,
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
        moved = self._moved(wanted, start, end, tz, max_gap_s)
        return Timeline(
            identity_ids=tuple(wanted),
            visits=moved.visits,
            gaps=moved.gaps,
            implausible=_implausible(moved.sightings, moved.site, MAX_SPEED_M_S),
            _site=moved.site,
            _identities=moved.identities,
            _display_tz=self._display_tz,
        )

    def report(
        self,
        ids: str | Sequence[str],
        *,
        start: Moment = None,
        end: Moment = None,
        tz: str | None = None,
        max_gap_s: float = MAX_GAP_S,
        max_speed_m_s: float = MAX_SPEED_M_S,
        made: Moment = None,
    ) -> Report:
        """Return what is known of these identities, for one page to hand on (``.to_html(path)``).

        Parameters
        ----------
        ids : str or sequence of str
            One identity, or up to 60.
        start, end, tz, max_gap_s, max_speed_m_s
            As for :meth:`trajectory`.
        made : time, optional
            The time of making that stands on the page; now unless given. With it the same store
            and the same question give the same page, byte for byte.

        Raises
        ------
        InvalidInputError
            When no identity is named, or more than 60.
        NotFoundError
            When one of them is not there.
        """
        return report_of(
            self._graph,
            self.trajectory,
            ids,
            made=made,
            display_tz=self._display_tz,
            start=start,
            end=end,
            tz=tz,
            max_gap_s=max_gap_s,
            max_speed_m_s=max_speed_m_s,
        )

    def explore(
        self,
        ids: str | Sequence[str],
        *,
        start: Moment = None,
        end: Moment = None,
        tz: str | None = None,
        max_gap_s: float = MAX_GAP_S,
        title: str | None = None,
        level: str | None = None,
        theme: ThemeName = "light",
    ) -> TrajectoryExplorer:
        """Return the map of these identities to play with, each in her own colour.

        Parameters
        ----------
        ids : str or sequence of str
            One identity, or several to compare.
        start, end : time, optional
            Half-open range; a naive one needs `tz`.
        max_gap_s : float
            Sightings at one camera with gaps of at most this are one visit.
        title, level, theme
            As for :meth:`Trajectory.explore`.

        Raises
        ------
        NotFoundError
            When one of the identities is not there, or there is no such level.
        MissingExtraError
            When ipywidgets or anywidget is not installed.
        """
        wanted = list(dict.fromkeys(listed(ids) or []))
        if not wanted:
            raise InvalidInputError(
                "Nobody is named to be explored.",
                where="ids",
                next="Give ids of identities: bench.identities.all() has them.",
            )
        return explorer(
            self._moved(wanted, start, end, tz, max_gap_s),
            title=title,
            level=level,
            crop=self._crop,
            display_tz=self._display_tz,
            max_gap_s=max_gap_s,
            theme=theme,
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
            seen = chosen_of(self._graph.observations(), chosen)
            site = self._site()
        known = site.cameras["id"]
        if chosen.cameras is not None:
            known = known[known.isin(chosen.cameras)]
        counts = activity(
            as_categories(seen, set(site.cameras["id"])),
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
            seen = self._sightings(ids, start, end, tz)
            site = self._site()
        return _implausible(seen, site, max_speed_m_s)

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

    def _moved(
        self, ids: list[str], start: Moment, end: Moment, tz: str | None, max_gap_s: float
    ) -> Movement:
        """Return what was seen of these identities, of one state of the store."""
        with self._graph.snapshot():
            chosen = selection(self._graph, start=start, end=end, tz=tz, identity=ids)
            seen = self._graph.sightings(chosen)
            site = self._site()
            people = self._graph.nodes("Identity", ids=ids)
        stays = visits(seen, max_gap_s=max_gap_s)
        moves = transitions(stays, cameras=site.cameras, adjacency=site.adjacency)
        dark = gaps(moves, max_gap_s=max_gap_s, outages=site.outages, adjacency=site.adjacency)
        return Movement(seen, stays, moves, dark, site, people)

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
            return as_sightings(self._graph.observations(), chosen.start_us, chosen.end_us, places)
        return self._graph.sightings(
            selection(self._graph, start=start, end=end, tz=tz, identity=wanted)
        )


def _implausible(seen: pd.DataFrame, site: Site, max_speed_m_s: float) -> pd.DataFrame:
    return implausible(
        seen, cameras=site.cameras, adjacency=site.adjacency, max_speed_m_s=max_speed_m_s
    )
