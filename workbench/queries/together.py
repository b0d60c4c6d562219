"""``bench.together``: who was with whom, and whether it is chance."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import networkx as nx
import numpy as np
import pandas as pd
from tqdm import tqdm

from workbench.analytics import co_occurrence
from workbench.analytics.co_occurrence import RUN_GAP_S, WINDOW_S
from workbench.analytics.significance import LONGEST_S, SHIFTS, Significance, significance
from workbench.analytics.visits import visits
from workbench.errors import InvalidInputError
from workbench.queries.movement import MAX_GAP_S
from workbench.queries.observed import as_categories, chosen_of
from workbench.queries.picture import Picture
from workbench.queries.ranges import Ids, Moment, selection
from workbench.stores.graph.base import GraphStore

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

    from workbench.views.style import ThemeName

Method = Literal["encounters", "pairs"]
METHODS = ("encounters", "pairs")
_CHANCE = ("observed", "expected", "lift", "p", "q")


@dataclass(frozen=True, slots=True)
class CoOccurrences(Picture):
    """Who was with whom: one row a pair of identities, and a picture of the first of them.

    Parameters
    ----------
    pairs : DataFrame
        ``a, b, count, overlap_s, cameras, days, first, last, observed, expected, lift, p, q``; by
        count, then ids. The last five are missing unless chance was asked about.
    method : {'encounters', 'pairs'}
        What is counted: encounters of visits, or pairs of sightings.
    window_s : float
    chance : Significance or None
        What was found out about chance.
    """

    pairs: pd.DataFrame
    method: Method
    window_s: float
    chance: Significance | None = field(default=None, repr=False)
    _names: Callable[[list[str]], dict[str, str]] = field(default=lambda ids: {}, repr=False)

    @property
    def total_count(self) -> int:
        """Return how many encounters, or pairs of sightings, there are in all."""
        return int(self.pairs["count"].sum())

    def __repr__(self) -> str:
        n, count = len(self.pairs), self.total_count
        said = f"{n:,} pair{'s' * (n != 1)} of identities, {count:,} {self._counted}"
        if self.chance is not None:
            said += f"; {int((self.pairs['q'] <= 0.05).sum()):,} more than chance (q <= 0.05)"
        return said

    @property
    def _counted(self) -> str:
        word, of = ("encounter", "") if self.method == "encounters" else ("pair", " of sightings")
        return f"{word}{'s' * (self.total_count != 1)}{of}"

    def to_frame(self) -> pd.DataFrame:
        """Return the pairs."""
        return self.pairs.copy()

    def plot(
        self,
        *,
        top: int = 12,
        title: str | None = None,
        theme: ThemeName = "light",
    ) -> Figure:
        """Return the picture of the first pairs: what was seen, beside what chance makes of it.

        The `top` pairs with the least q, then the `top` most frequent; without chance those only.
        """
        from workbench.views.charts.against_chance import against_chance

        often = self.pairs.head(top)
        rows, note = often, f"the {len(often)} most frequent"
        if self.chance is not None:
            least = self.pairs.sort_values(["q", "p", "a", "b"], kind="stable").head(top)
            rows = pd.concat([least, often]).drop_duplicates(["a", "b"])
            note = f"the {len(least)} that chance explains least, then the most frequent"
        drawn = [self._drawn(a, b) for a, b in rows[["a", "b"]].itertuples(index=False)]
        rows = rows.assign(low=[low for low, _ in drawn], high=[high for _, high in drawn])
        names = self._names([*rows["a"], *rows["b"]])
        return against_chance(rows, names=names, note=note, title=title, theme=theme)

    def _drawn(self, a: str, b: str) -> tuple[float, float]:
        """Return 5 and 95 % of what chance made of two."""
        if self.chance is None:
            return np.nan, np.nan
        low, high = np.quantile(self.chance.null_counts(a, b), (0.05, 0.95))
        return float(low), float(high)

    def significant(self, q: float = 0.05) -> pd.DataFrame:
        """Return the pairs that chance does not explain, by q, then p.

        Raises
        ------
        InvalidInputError
            When chance was not asked about.
        """
        if self.chance is None:
            raise InvalidInputError(
                "Nothing is known about chance here.",
                where="significance",
                next="Ask with significance=True.",
            )
        found = self.pairs[self.pairs["q"] <= q]
        return found.sort_values(["q", "p", "a", "b"], kind="stable", ignore_index=True)

    def in_words(self, a: str, b: str) -> str:
        """Return what is known of two, in a sentence.

        Raises
        ------
        InvalidInputError
            When the two never met.
        """
        low, high = sorted((a, b))
        rows = self.pairs[(self.pairs["a"] == low) & (self.pairs["b"] == high)]
        if rows.empty:
            raise InvalidInputError(
                f"{a!r} and {b!r} were never together here.",
                where="a, b",
                next="Take two of a row of .to_frame().",
            )
        return words({str(name): cell for name, cell in rows.iloc[0].items()})


def words(row: Mapping[str, Any]) -> str:
    """Return a pair in a sentence: how often and where, and what chance would make of it.

    Examples
    --------
    >>> words({"count": 6, "cameras": 4, "expected": 0.8, "q": 0.003})
    'together 6 times at 4 cameras; 0.8 expected by chance; q = 0.003'
    >>> words({"count": 1, "cameras": 1, "expected": np.nan, "q": np.nan})
    'together once at 1 camera'
    """
    times = {1: "once", 2: "twice"}.get(row["count"], f"{row['count']:,} times")
    said = f"together {times} at {row['cameras']} camera{'' if row['cameras'] == 1 else 's'}"
    if pd.isna(row["q"]):
        return said
    q = f"q = {row['q']:.2g}" if row["q"] >= 1e-4 else "q < 0.0001"
    return f"{said}; {row['expected']:.1f} expected by chance; {q}"


class Together:
    """Encounters, companions, and the network of who meets whom; and whether it is chance."""

    def __init__(self, graph: GraphStore, *, display_tz: str = "UTC") -> None:
        self._graph = graph
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
            Only among these.
        min_overlap_s : float
            Only pairs that overlapped for at least so long in all.
        min_days : int
            Only pairs that met on at least so many days.
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
        seen = self._seen(start, end, tz, camera, identity)
        chance = None
        if significance:
            _require_encounters(method)
            drawn = {"seed": seed, "shifts": shifts, "identity": _whose, "longest_s": longest_s}
            chance = self._chance(seen, window_s, max_gap_s, **drawn)
            rows = chance.pairs.sort_values(
                ["count", "a", "b"], ascending=[False, True, True], ignore_index=True
            ).drop(columns=["runs", "longest"])
        else:
            rows = self._counted(seen, method, window_s, max_gap_s)
            rows = rows.assign(observed=pd.array([pd.NA] * len(rows), dtype="Int64"))
            rows = rows.assign(**dict.fromkeys(_CHANCE[1:], np.nan))
        kept = rows["days"] >= min_days
        if min_overlap_s > 0:
            kept &= rows["overlap_s"] >= min_overlap_s
        return CoOccurrences(
            rows[kept].reset_index(drop=True), method, window_s, chance, self._called
        )

    def of(self, identity_id: str, **given: Any) -> CoOccurrences:
        """Return whom one identity was with; everything else as for :meth:`pairs`.

        With ``significance`` q is over her pairs alone: fewer questions than of everybody, so the
        same p weighs more.

        Raises
        ------
        NotFoundError
            When there is no such identity.
        """
        selection(self._graph, identity=[identity_id])
        found = self.pairs(**given, _whose=identity_id)
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

        Raises
        ------
        NotFoundError
            When one of them is not there.
        """
        asked = [one for one in (a, b) if one is not None]
        selection(self._graph, identity=asked or None)
        both = asked if len(asked) == 2 else None
        stays = visits(self._seen(start, end, tz, camera, both), max_gap_s=max_gap_s)
        only = asked[0] if len(asked) == 1 else None
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
            community (Louvain, by count), the largest first.
        """
        if max_q is not None:
            given["significance"] = True
        found = self.pairs(**given)
        rows = found.pairs[found.pairs["count"] >= min_count]
        if max_q is not None:
            rows = rows[rows["q"] <= max_q]
        graph = nx.from_pandas_edgelist(rows, "a", "b", edge_attr=True)
        groups = nx.community.louvain_communities(graph, weight="count", seed=0)
        ordered = sorted((sorted(group) for group in groups), key=lambda one: (-len(one), one))
        for number, members in enumerate(ordered):
            nx.set_node_attributes(graph, dict.fromkeys(members, number), "group")
        return graph

    def _called(self, ids: list[str]) -> dict[str, str]:
        people = self._graph.nodes("Identity", ids=list(dict.fromkeys(ids)))
        known = people.dropna(subset="name")
        return dict(zip(known["id"], known["name"], strict=True))

    # ------------------------------------------------------------------ what is counted
    def _seen(
        self, start: Moment, end: Moment, tz: str | None, camera: Ids, identity: Ids
    ) -> pd.DataFrame:
        with self._graph.snapshot():
            chosen = selection(
                self._graph, start=start, end=end, tz=tz, camera=camera, identity=identity
            )
            seen = chosen_of(self._graph.observations(), chosen)
            cameras = set(self._graph.nodes("Camera")["id"])
        return as_categories(seen, cameras)

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
        with _progress(drawn["shifts"]) as bar:
            return significance(
                stays, window_s=window_s, tz=self._display_tz, progress=bar.update, **drawn
            )


def _require_encounters(method: str) -> None:
    if method != "encounters":
        raise InvalidInputError(
            "Chance is told of encounters only: pairs of sightings grow with the frame rate.",
            where="method",
            next="Leave the method out, or ask without significance.",
        )


@contextmanager
def _progress(shifts: int) -> Iterator[Any]:
    shown = sys.stderr.isatty() or "ipykernel" in sys.modules
    with tqdm(total=shifts, desc="shifts", disable=not shown, file=sys.stderr, leave=False) as bar:
        yield bar
