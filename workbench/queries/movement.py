"""What ``bench.tracks`` gives back: where somebody went, when, and how much was seen where."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pandas as pd

from workbench.analytics.co_occurrence import near
from workbench.analytics.gaps import unseen_gaps
from workbench.queries.picture import Picture

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

    from workbench.views.explorers.trajectory_explorer import TrajectoryExplorer
    from workbench.views.style import ThemeName

Crop = Callable[[str], bytes | None]
"""Given the id of an appearance, its picture (PNG or JPEG), or None."""

MAX_GAP_S = 30.0
_ENDLESS_S = 1e9  # 31 years: a picture counts microseconds, and has none for infinity


@dataclass(frozen=True, slots=True)
class Site:
    """Where the cameras are and what is known about them: four tables of the store."""

    cameras: pd.DataFrame
    adjacency: pd.DataFrame
    outages: pd.DataFrame
    floor_plans: pd.DataFrame


@dataclass(frozen=True, slots=True)
class Movement:
    """What was seen of some identities, and what follows from it: six tables, one state."""

    sightings: pd.DataFrame
    visits: pd.DataFrame
    transitions: pd.DataFrame
    gaps: pd.DataFrame
    site: Site
    identities: pd.DataFrame | None


def unseen_words(gaps: pd.DataFrame) -> str:
    """Return what is said after a count of gaps: how many of them no camera saw, if not all."""
    unseen = len(unseen_gaps(gaps))
    return "" if unseen == len(gaps) else f" ({unseen:,} unseen)"


def _count(rows: pd.DataFrame, word: str) -> str:
    return f"{len(rows):,} {word}{'s' * (len(rows) != 1)}"


@dataclass(frozen=True, slots=True)
class Trajectory(Picture):
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
    _identities: pd.DataFrame | None = field(default=None, repr=False)
    _display_tz: str = field(default="UTC", repr=False)
    _crop: Crop | None = field(default=None, repr=False)

    def __repr__(self) -> str:
        return (
            f"Trajectory of {self.identity_id!r}: {_count(self.sightings, 'sighting')}, "
            f"{_count(self.visits, 'visit')}, "
            f"{_count(self.gaps, 'gap')}{unseen_words(self.gaps)}, "
            f"{_count(self.implausible, 'implausible move')}"
        )

    @property
    def unseen_gaps(self) -> pd.DataFrame:
        """Return the gaps in which no other camera saw her either, each absence once."""
        return unseen_gaps(self.gaps)

    def to_frame(self) -> pd.DataFrame:
        """Return the sightings."""
        return self.sightings.copy()

    def plot(
        self,
        *,
        title: str | None = None,
        level: str | None = None,
        theme: ThemeName = "light",
    ) -> Figure:
        """Return the map: cameras, the path coloured by time, dashed where nobody saw."""
        from workbench.views.maps.trajectory_map import trajectory_map

        site = self._site
        assert site is not None  # a trajectory is made by the room, which gives it
        return trajectory_map(
            self.sightings,
            site.cameras,
            floor_plans=site.floor_plans,
            adjacency=site.adjacency,
            outages=site.outages,
            gaps=self.gaps,
            implausible=self.implausible,
            identities=self._identities,
            title=f"Trajectory of {self._called()}" if title is None else title,
            display_tz=self._display_tz,
            level=level,
            max_gap_s=min(self.max_gap_s, _ENDLESS_S),
            theme=theme,
        )

    def explore(
        self,
        *,
        title: str | None = None,
        level: str | None = None,
        crop: Crop | None = None,
        theme: ThemeName = "light",
    ) -> TrajectoryExplorer:
        """Return the map to play with: play, click, brush, lasso; in a notebook or in Voila.

        ``.selection()`` of it is what was chosen, as sightings. `crop` gives the picture of an
        appearance; by default that of the store, where it has one.

        Raises
        ------
        MissingExtraError
            When ipywidgets or anywidget is not installed.
        """
        site = self._site
        assert site is not None  # as above
        return explorer(
            Movement(
                self.sightings, self.visits, self.transitions, self.gaps, site, self._identities
            ),
            title=title,
            level=level,
            crop=crop or self._crop,
            display_tz=self._display_tz,
            max_gap_s=self.max_gap_s,
            theme=theme,
        )

    def _called(self) -> str:
        known = self._identities
        if known is None:
            return self.identity_id
        names = known["name"][known["id"] == self.identity_id].dropna().tolist()
        return f"{names[0]} ({self.identity_id})" if names else self.identity_id

    def timeline(self, *, title: str | None = None, theme: ThemeName = "light") -> Figure:
        """Return the timeline: one lane a camera, visits, gaps with their reason, outages."""
        site = self._site
        assert site is not None  # as above
        return Timeline(
            identity_ids=(self.identity_id,),
            visits=self.visits,
            gaps=self.gaps,
            implausible=self.implausible,
            _site=site,
            _identities=self._identities,
            _display_tz=self._display_tz,
        ).plot(title=title, theme=theme)


def explorer(
    moved: Movement,
    *,
    title: str | None,
    level: str | None,
    crop: Crop | None,
    display_tz: str,
    max_gap_s: float,
    theme: ThemeName,
) -> TrajectoryExplorer:
    """Return the map to play with of what was seen of some identities."""
    from workbench.views import TrajectoryExplorer

    return TrajectoryExplorer(
        moved.sightings,
        moved.site.cameras,
        visits=moved.visits,
        gaps=moved.gaps,
        floor_plans=moved.site.floor_plans,
        adjacency=moved.site.adjacency,
        outages=moved.site.outages,
        identities=moved.identities,
        crop=crop,
        title=title,
        display_tz=display_tz,
        level=level,
        max_gap_s=min(max_gap_s, _ENDLESS_S),
        theme=theme,
    )


@dataclass(frozen=True, slots=True)
class Timeline(Picture):
    """When these identities were where: tables, and a picture of them in lanes.

    Parameters
    ----------
    identity_ids : tuple of str
        Whom it is about, in the order asked for.
    visits, gaps, implausible : DataFrame
        As the methods of ``bench.tracks`` give them.
    encounters : DataFrame, optional
        As ``bench.together.encounters`` gives them, to be drawn between their lanes.
    """

    identity_ids: tuple[str, ...]
    visits: pd.DataFrame
    gaps: pd.DataFrame
    implausible: pd.DataFrame
    encounters: pd.DataFrame | None = None
    _site: Site | None = field(default=None, repr=False)
    _identities: pd.DataFrame | None = field(default=None, repr=False)
    _display_tz: str = field(default="UTC", repr=False)

    def __repr__(self) -> str:
        few = ", ".join(map(repr, self.identity_ids[:3]))
        more = len(self.identity_ids) - 3
        if self.encounters is not None:
            them = "it" if len(self.encounters) == 1 else "them"
            return (
                f"Timeline of {few}{f' and {more} more' if more > 0 else ''}: "
                f"{_count(self.encounters, 'encounter')}, "
                f"{_count(self.visits, 'visit')} around {them}"
            )
        return (
            f"Timeline of {few}{f' and {more} more' if more > 0 else ''}: "
            f"{_count(self.visits, 'visit')}, "
            f"{_count(self.gaps, 'gap')}{unseen_words(self.gaps)}, "
            f"{_count(self.implausible, 'implausible move')}"
        )

    def to_frame(self) -> pd.DataFrame:
        """Return the visits."""
        return self.visits.copy()

    def around(self, encounters: pd.DataFrame, around_s: float) -> Timeline:
        """Return the same with these encounters, and what was around them alone.

        Visits within `around_s` seconds before or after one, and what follows from them; all, where
        there is no encounter.
        """
        if encounters.empty:
            return replace(self, encounters=encounters)
        site = self._site
        assert site is not None  # a timeline is made by the room, which gives it
        visits, gaps, implausible, outages = (
            near(table, encounters, around_s=around_s)
            for table in (self.visits, self.gaps, self.implausible, site.outages)
        )
        return replace(
            self,
            visits=visits,
            gaps=gaps,
            implausible=implausible,
            encounters=encounters,
            _site=replace(site, outages=outages),
        )

    def plot(self, *, title: str | None = None, theme: ThemeName = "light") -> Figure:
        """Return the picture: one lane a camera, or one an identity if there are several."""
        from workbench.views.charts.timeline import timeline

        site = self._site
        assert site is not None  # a timeline is made by the room, which gives it
        return timeline(
            self.visits,
            outages=site.outages,
            gaps=self.gaps,
            cameras=site.cameras,
            implausible=self.implausible,
            identities=self._identities,
            encounters=self.encounters,
            order=self.identity_ids,
            title=title,
            display_tz=self._display_tz,
            theme=theme,
        )


@dataclass(frozen=True, slots=True)
class Activity(Picture):
    """How much was seen where, by hour and weekday: a table, and a picture of it.

    Parameters
    ----------
    counts : DataFrame
        As :func:`workbench.analytics.activity.activity` returns it.
    display_tz : str
        Zone of its hours.
    """

    counts: pd.DataFrame
    display_tz: str = "UTC"
    _cameras: pd.DataFrame | None = field(default=None, repr=False)

    def __repr__(self) -> str:
        seen = int(self.counts["sightings"].sum())
        return (
            f"Activity at {self.counts['camera_id'].nunique()} cameras: {seen} sightings "
            f"by weekday and hour ({self.display_tz})"
        )

    def to_frame(self) -> pd.DataFrame:
        """Return the counts: one row a camera, weekday and hour."""
        return self.counts.copy()

    def plot(self, *, title: str | None = None, theme: ThemeName = "light") -> Figure:
        """Return the picture: hour by weekday, one panel a camera, all of them on top."""
        from workbench.views.charts.activity import activity as draw

        return draw(
            self.counts,
            cameras=self._cameras,
            title=title,
            display_tz=self.display_tz,
            theme=theme,
        )
