"""``bench.together``: who was with whom, and whether it is chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, get_args

import networkx as nx
import numpy as np
import pandas as pd

from workbench.analytics import co_occurrence, columns
from workbench.analytics.co_occurrence import MEETING_S, RUN_GAP_S, WINDOW_S
from workbench.analytics.communities import communities
from workbench.analytics.significance import LONGEST_S, SHIFTS, Significance, significance
from workbench.analytics.visits import visits
from workbench.errors import InvalidInputError
from workbench.progress import progress
from workbench.queries.co_occurrences import Behind, CoOccurrences, Method
from workbench.queries.movement import MAX_GAP_S, Timeline
from workbench.queries.observed import as_categories, chosen_of
from workbench.queries.ranges import Ids, Moment, listed, selection
from workbench.queries.tracks import Tracks
from workbench.stores.graph.base import GraphStore

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

    from workbench.views.explorers.trajectory_explorer import TrajectoryExplorer
    from workbench.views.style import ThemeName

AROUND_S = 1800.0
METHODS = get_args(Method)
_CHANCE = ("observed", "expected", "lift", "p", "q")


class Together:
    """Encounters, companions, and the network of who meets whom; and whether it is chance."""

    def __init__(
        self, graph: GraphStore, *, tracks: Tracks | None = None, display_tz: str = "UTC"
    ) -> None:
        self._graph = graph
        self._tracks = tracks or Tracks(graph, display_tz=display_tz)
        self._display_tz = display_tz

    def pairs(
        self,
        *,
        method: Method = "encounters",
        window_s: float = WINDOW_S,
        start: Moment = None,
        end: Moment = None,
        tz: str | None = None,
        camera: Ids = None,
        identity: Ids = None,
        min_overlap_s: float = 0.0,
        min_days: int = 1,
        significance: bool = False,
        seed: int = 0,
        shifts: int = SHIFTS,
        longest_s: float = LONGEST_S,
        max_gap_s: float = MAX_GAP_S,
        _whose: str | None = None,
    ) -> CoOccurrences:
        """Return who was with whom, one row a pair of identities.

        Parameters
        ----------
        method : {'encounters', 'pairs'}
            Count overlapping visits, or every two sightings within the window.
        window_s : float
            What is farther apart in time is not together, seconds.
        start, end : time, optional
            Half-open range; a naive one needs `tz`.
        camera : str or sequence of str, optional
            Only at these cameras or places.
        identity : str or sequence of str, optional
            Only pairs of two of these. Chance is learned from everybody all the same; q is over
            the pairs of these, those who never met among them.
        min_overlap_s : float
            Only pairs that overlapped for at least so long in all. Not with `method` 'pairs'.
        min_days : int
            Only pairs that met on at least so many days. Neither changes p or q: what is left out
            was asked about too.
        significance : bool
            Say whether it is chance (:mod:`workbench.analytics.significance`).
        seed, shifts : int
            Of the chance that is drawn.
        longest_s : float
            The longest shift, seconds; a recording has to be four times as long on a usual day.
        max_gap_s : float
            Sightings at one camera with gaps of at most this are one visit.

        Raises
        ------
        NotFoundError
            When a camera or an identity is not there.
        InvalidInputError
            When a parameter cannot be used, or chance means nothing here.
        """
        among = listed(identity, "identity")
        selection(self._graph, identity=among)
        if among is not None and _whose is None and len(set(among)) < 2:
            raise InvalidInputError(
                "One identity alone makes no pair.",
                where="identity",
                next="Name two or more, or ask whom one was with: workbench together ID, in Python "
                "bench.together.of(id).",
            )
        if significance:  # chance is learned from everybody, whoever is asked about
            seen = self._seen(start, end, tz, camera, None)
        else:
            around = None if _whose is None else (_whose, window_s, max_gap_s)
            seen = self._seen(start, end, tz, camera, among, around=around)
        chance = None
        if significance:
            _require_encounters(method)
            drawn = {"seed": seed, "shifts": shifts, "longest_s": longest_s}
            asked = {"identity": _whose, "among": among}
            chance = self._chance(seen, window_s, max_gap_s, **drawn, **asked)
            rows = chance.pairs.sort_values(
                ["count", "a", "b"], ascending=[False, True, True], ignore_index=True
            ).drop(columns=["runs", "longest"])
        else:
            rows = self._counted(seen, method, window_s, max_gap_s)
            rows = rows.assign(observed=pd.array([pd.NA] * len(rows), dtype="Int64"))
            rows = rows.assign(**dict.fromkeys(_CHANCE[1:], np.nan))
        rows = _long_enough(rows, method, min_overlap_s, min_days)
        when = {"start": start, "end": end, "tz": tz, "max_gap_s": max_gap_s}
        behind = self._behind(window_s=window_s, camera=camera, **when)
        contacts = bool(len(seen)) and bool(seen["camera_id"].isna().all())
        return CoOccurrences(rows, method, window_s, chance, replace(behind, contacts=contacts))

    def of(self, identity_id: str, *, identity: Ids = None, **given: Any) -> CoOccurrences:
        """Return whom one identity was with; everything else as for :meth:`pairs`.

        With ``significance`` q is over her pairs alone: fewer questions than of everybody, so the
        same p weighs more.

        Parameters
        ----------
        identity_id : str
            Whose pairs.
        identity : str or sequence of str, optional
            Only with these.
        **given
            As for :meth:`pairs`.

        Raises
        ------
        NotFoundError
            When there is no such identity.
        """
        selection(self._graph, identity=[identity_id])
        others = listed(identity, "identity")
        among = None if others is None else [identity_id, *others]
        found = self.pairs(identity=among, **given, _whose=identity_id)
        hers = (found.pairs["a"] == identity_id) | (found.pairs["b"] == identity_id)
        rows = found.pairs[hers].reset_index(drop=True)
        return replace(found, pairs=rows)

    def encounters(
        self,
        a: str | None = None,
        b: str | None = None,
        *,
        window_s: float = WINDOW_S,
        start: Moment = None,
        end: Moment = None,
        tz: str | None = None,
        camera: Ids = None,
        max_gap_s: float = MAX_GAP_S,
    ) -> pd.DataFrame:
        """Return every encounter, of one identity or of two, or of everybody.

        Columns ``a, b, camera_id, place_id, start, end, overlap_s, a_dwell_s, b_dwell_s``.
        ``start`` and ``end`` are from when to when both were there. Where ``overlap_s`` is 0 the
        visits are within the window and do not overlap: then they are the time between the two,
        from when the one had left to when the other came.

        Raises
        ------
        NotFoundError
            When one of them is not there.
        """
        asked = [one for one in (a, b) if one is not None]
        selection(self._graph, identity=asked or None)
        if len(asked) == 2 and a == b:
            raise InvalidInputError(
                f"{a!r:.100} is named twice.",
                where="a, b",
                next="Name two different identities, or one to see whom she met.",
            )
        both = asked if len(asked) == 2 else None
        only = asked[0] if len(asked) == 1 else None
        around = None if only is None else (only, window_s, max_gap_s)
        seen = self._seen(start, end, tz, camera, both, around=around)
        stays = visits(seen, max_gap_s=max_gap_s)
        return co_occurrence.encounters(stays, window_s=window_s, identity=only)

    def companions(
        self,
        identity_id: str,
        *,
        window_s: float = WINDOW_S,
        min_steps: int = 2,
        run_gap_s: float = RUN_GAP_S,
        start: Moment = None,
        end: Moment = None,
        tz: str | None = None,
        max_gap_s: float = MAX_GAP_S,
    ) -> pd.DataFrame:
        """Return who went the same way as one identity: runs of encounters over several cameras.

        Columns ``a, b, start, end, steps, encounters, overlap_s, cameras`` (in order).

        Raises
        ------
        NotFoundError
            When there is no such identity.
        """
        found = self.encounters(
            identity_id, window_s=window_s, start=start, end=end, tz=tz, max_gap_s=max_gap_s
        )
        return co_occurrence.walks(found, run_gap_s=run_gap_s, min_steps=min_steps)

    def meetings(
        self,
        a: str | None = None,
        b: str | None = None,
        *,
        min_dwell_s: float = MEETING_S,
        **given: Any,
    ) -> pd.DataFrame:
        """Return the encounters at which both stayed, and together, for so many seconds or more.

        Who walks past somebody meets nobody. Columns as for :meth:`encounters`.

        Parameters
        ----------
        a, b : str, optional
            Of one identity, or of two; of everybody without.
        min_dwell_s : float
            How long both stayed, and were there at once, seconds.
        **given
            As for :meth:`encounters`.

        Raises
        ------
        NotFoundError
            When one of them is not there.
        """
        found = self.encounters(a, b, **given)
        return co_occurrence.meetings(found, min_dwell_s=min_dwell_s)

    def significance(self, **given: Any) -> Significance:
        """Return for every pair that met whether it is chance, with the null it is held against.

        Parameters
        ----------
        **given
            As for :meth:`pairs`.

        Raises
        ------
        NotFoundError
            When a camera or an identity is not there.
        InvalidInputError
            When a parameter cannot be used, or shifting means nothing here.
        """
        found = self.pairs(**given, significance=True).chance
        assert found is not None  # it was asked about
        return found

    def network(self, *, max_q: float | None = None, min_count: int = 1, **given: Any) -> nx.Graph:
        """Return who meets whom as a graph: identities, and an edge for each pair.

        Parameters
        ----------
        max_q : float, optional
            Only edges that chance does not explain; asks about chance.
        min_count : int
            Only edges of at least so many encounters.
        **given
            As for :meth:`pairs`.

        Returns
        -------
        networkx.Graph
            Edges carry the columns of :meth:`pairs`, nodes their ``group``: the number of their
            community (Louvain, by count), the largest first. As a table:
            ``networkx.to_pandas_edgelist``.
        """
        if max_q is not None:
            given["significance"] = True
        found = self.pairs(**given)
        rows = found.pairs[found.pairs["count"] >= columns.whole(min_count, "min_count")]
        if max_q is not None:
            rows = rows[rows["q"] <= columns.number(max_q, "max_q")]
        graph = nx.from_pandas_edgelist(rows, "a", "b", edge_attr=True)
        nx.set_node_attributes(graph, communities(rows), "group")
        return graph

    def timeline(
        self,
        ids: Sequence[str],
        *,
        window_s: float = WINDOW_S,
        start: Moment = None,
        end: Moment = None,
        tz: str | None = None,
        camera: Ids = None,
        max_gap_s: float = MAX_GAP_S,
        around_s: float = AROUND_S,
    ) -> Timeline:
        """Return when two or more identities were together, and where they were around then.

        Parameters
        ----------
        ids : sequence of str
            Two identities or more.
        window_s, start, end, tz, camera, max_gap_s
            As for :meth:`pairs`.
        around_s : float
            How much before and after each encounter is shown, seconds.

        Returns
        -------
        Timeline
            Its ``encounters`` are those among them, its ``visits`` those near an encounter (all,
            where there is none).

        Raises
        ------
        NotFoundError
            When one of them is not there.
        InvalidInputError
            When fewer than two are named.
        """
        wanted = list(dict.fromkeys(listed(ids) or []))
        if len(wanted) < 2:
            raise InvalidInputError(
                "Who was together needs two different identities.",
                where="ids",
                next="Name two or more; bench.tracks.timeline() is of one too.",
            )
        stays = visits(self._seen(start, end, tz, camera, wanted), max_gap_s=max_gap_s)
        met = co_occurrence.encounters(stays, window_s=window_s)
        whole = self._tracks.timeline(wanted, start=start, end=end, tz=tz, max_gap_s=max_gap_s)
        return whole.around(met, columns.number(around_s, "around_s"))

    def _behind(self, **asked: Any) -> Behind:
        """Return what stands behind pairs that were asked for so."""

        def timeline(a: str, b: str, met: pd.DataFrame, theme: ThemeName) -> Figure:
            when = {name: asked[name] for name in ("start", "end", "tz", "max_gap_s")}
            whole = self._tracks.timeline([a, b], **when)
            return whole.around(met, AROUND_S).plot(theme=theme)

        def trajectory(
            ids: list[str], start: Moment, end: Moment, theme: ThemeName
        ) -> TrajectoryExplorer:
            return self._tracks.explore(
                ids,
                start=start or asked["start"],
                end=end or asked["end"],
                tz=asked["tz"],
                max_gap_s=asked["max_gap_s"],
                theme=theme,
            )

        return Behind(
            names=self._called,
            cameras=self._places,
            encounters=lambda a, b: self.encounters(a, b, **asked),
            timeline=timeline,
            trajectory=trajectory,
            display_tz=self._display_tz,
        )

    def _places(self) -> dict[str, str]:
        return self._graph.called("Camera") | self._graph.called("Place")

    def _called(self, ids: list[str]) -> dict[str, str]:
        return self._graph.called("Identity", list(dict.fromkeys(ids)))

    # ------------------------------------------------------------------ what is counted
    def _seen(
        self,
        start: Moment,
        end: Moment,
        tz: str | None,
        camera: Ids,
        identity: Ids,
        *,
        around: tuple[str, float, float] | None = None,
    ) -> pd.DataFrame:
        """Return what was observed: `around` one identity, with a window and a gap, what she needs.

        Who met her was seen within the window of a visit of hers, or visits would not be near:
        the sightings of both have gaps of at most the longest in a visit.
        """
        with self._graph.snapshot():
            chosen = selection(
                self._graph, start=start, end=end, tz=tz, camera=camera, identity=identity
            )
            if around is None:
                seen = self._graph.observations()
            else:
                whose, window_s, max_gap_s = around
                margin_us = columns.duration_us(window_s, "window_s")
                margin_us += columns.duration_us(max_gap_s, "max_gap_s")
                seen = self._graph.observations_around(whose, margin_us)
            cameras = set(self._graph.nodes("Camera")["id"])
        return as_categories(chosen_of(seen, chosen), cameras)

    def _counted(
        self, seen: pd.DataFrame, method: Method, window_s: float, max_gap_s: float
    ) -> pd.DataFrame:
        if method not in METHODS:
            raise InvalidInputError(
                f"There is no method {method!r:.100}.",
                where="method",
                next="Count 'encounters', or 'pairs' of sightings.",
            )
        if method == "pairs":
            return co_occurrence.seen_together(seen, window_s=window_s, tz=self._display_tz)
        stays = visits(seen, max_gap_s=max_gap_s)
        return co_occurrence.met(stays, window_s=window_s, tz=self._display_tz)

    def _chance(
        self, seen: pd.DataFrame, window_s: float, max_gap_s: float, **drawn: Any
    ) -> Significance:
        stays = visits(seen, max_gap_s=max_gap_s)
        with progress(drawn["shifts"], "shifts") as step:
            return significance(
                stays, window_s=window_s, tz=self._display_tz, progress=step, **drawn
            )


def _long_enough(
    rows: pd.DataFrame, method: str, min_overlap_s: float, min_days: int
) -> pd.DataFrame:
    """Return the pairs that were together for so long, on so many days."""
    kept = rows["days"] >= columns.whole(min_days, "min_days")
    if columns.number(min_overlap_s, "min_overlap_s"):
        if method == "pairs":
            raise InvalidInputError(
                "Sightings have no length: pairs of them do not overlap.",
                where="min_overlap_s",
                next="Leave it out, or count encounters.",
            )
        kept &= rows["overlap_s"] >= min_overlap_s
    return rows[kept].reset_index(drop=True)


def _require_encounters(method: str) -> None:
    if method != "encounters":
        raise InvalidInputError(
            "Chance is told of encounters only: pairs of sightings grow with the frame rate.",
            where="method",
            next="Leave the method out, or ask without significance.",
        )
