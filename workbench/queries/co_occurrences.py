"""What ``bench.together`` gives back: who was with whom, pictures of it, and words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from workbench.analytics import columns
from workbench.analytics.communities import communities
from workbench.analytics.significance import MAX_Q, Significance
from workbench.errors import InvalidInputError
from workbench.queries.picture import Picture

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

    from workbench.views.explorers.co_occurrence_explorer import CoOccurrenceExplorer
    from workbench.views.explorers.trajectory_explorer import TrajectoryExplorer
    from workbench.views.style import ThemeName

Method = Literal["encounters", "pairs"]


@dataclass(frozen=True, slots=True)
class Behind:
    """What stands behind pairs, for whoever asks: the room they come from, as it was asked."""

    names: Callable[[list[str]], dict[str, str]]
    cameras: Callable[[], dict[str, str]]
    encounters: Callable[[str, str], pd.DataFrame]
    timeline: Callable[[str, str, pd.DataFrame, ThemeName], Figure]
    trajectory: Callable[[list[str], Any, Any, ThemeName], TrajectoryExplorer]
    display_tz: str
    contacts: bool = False  # a list of them: who met whom, and not where


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
    _behind: Behind | None = field(default=None, repr=False)

    @property
    def total_count(self) -> int:
        """Return how many encounters, or pairs of sightings, there are in all."""
        return int(self.pairs["count"].sum())

    def __repr__(self) -> str:
        n, count = len(self.pairs), self.total_count
        said = f"{n:,} pair{'s' * (n != 1)} of identities, {count:,} {self._counted}"
        if self.chance is not None:
            many = int((self.pairs["q"] <= MAX_Q).sum())
            said += f"; {many:,} more than chance (q <= {MAX_Q:g})"
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

        often = self._told.head(columns.whole(top, "top"))
        rows, note = often, f"the {len(often)} most frequent"
        if self.chance is not None:
            least = self._first(top)
            rows = pd.concat([least, often]).drop_duplicates(["a", "b"])
            note = f"the {len(least)} that chance explains least, then the most frequent"
        drawn = [self._drawn(a, b) for a, b in rows[["a", "b"]].itertuples(index=False)]
        rows = rows.assign(low=[low for low, _ in drawn], high=[high for _, high in drawn])
        tested = None if self.chance is None else self.chance.tested
        return against_chance(
            rows,
            names=self._names(rows),
            note=note,
            met=len(self.pairs),
            tested=tested,
            method=self.method,
            title=title,
            theme=theme,
        )

    def _drawn(self, a: str, b: str) -> tuple[float, float]:
        """Return 5 and 95 % of what chance made of two."""
        if self.chance is None:
            return np.nan, np.nan
        low, high = np.quantile(self.chance.null_counts(a, b), (0.05, 0.95))
        return float(low), float(high)

    def plot_network(
        self, *, top: int = 60, title: str | None = None, theme: ThemeName = "light"
    ) -> Figure:
        """Return the graph of the first pairs: lines thick by overlap, whole if more than chance.

        First are those with the least q; without chance the most frequent. At most 300 are drawn.
        """
        from workbench.views.charts.network import network

        rows = self._first(top)
        which = "that met most often" if self.chance is None else "that chance explains least"
        return network(
            rows,
            which=which,
            names=self._names(rows),
            groups=communities(self.pairs),
            of=len(self.pairs),
            title=title,
            theme=theme,
        )

    def plot_matrix(
        self,
        *,
        value: Literal["count", "overlap_s"] = "count",
        most: int = 60,
        title: str | None = None,
        theme: ThemeName = "light",
    ) -> Figure:
        """Return the heat map of who met whom, people of one group side by side.

        Groups are communities (Louvain, by count). Of more than `most` identities those are drawn
        that are more than chance, then those who met most.
        """
        from workbench.views.charts.pair_matrix import pair_matrix

        return pair_matrix(
            self._told,
            groups=communities(self.pairs),
            names=self._names(self.pairs),
            value=value,
            method=self.method,
            most=most,
            title=title,
            theme=theme,
        )

    def plot_chance(
        self, a: str, b: str, *, title: str | None = None, theme: ThemeName = "light"
    ) -> Figure:
        """Return the histogram of what chance makes of two, and what was seen of them.

        Raises
        ------
        InvalidInputError
            When chance was not asked about, or the two never met.
        """
        from workbench.views.charts.null_histogram import null_histogram

        row, chance = self._row(a, b), self._asked()
        names = self._names(pd.DataFrame({"a": [row["a"]], "b": [row["b"]]}))
        return null_histogram(
            chance.null_counts(row["a"], row["b"]),
            observed=int(row["count"]),
            p=row["p"],
            q=row["q"],
            expected=row["expected"],
            names=(names.get(row["a"], row["a"]), names.get(row["b"], row["b"])),
            title=title,
            theme=theme,
        )

    def explore(
        self, *, title: str | None = None, theme: ThemeName = "light"
    ) -> CoOccurrenceExplorer:
        """Return the graph to play with: thresholds, search, and what is behind a dot or a line.

        A dot opens her companions, timeline and map; a line the encounters of two, and an
        encounter is played on the map. ``.selection()`` of it is what was chosen, as pairs.

        Raises
        ------
        MissingExtraError
            When ipywidgets or anywidget is not installed.
        """
        from workbench.views import CoOccurrenceExplorer

        behind = self._behind
        assert behind is not None  # pairs are made by the room, which gives it
        return CoOccurrenceExplorer(
            self._told,
            encounters=behind.encounters,
            timeline=lambda a, b, met: behind.timeline(a, b, met, theme),
            trajectory=lambda ids, start, end: behind.trajectory(ids, start, end, theme),
            chance=None if self.chance is None else self.chance.null_counts,
            names=self._names(self.pairs),
            cameras=behind.cameras(),
            groups=communities(self.pairs),
            title=title,
            display_tz=behind.display_tz,
            theme=theme,
        )

    @property
    def _told(self) -> pd.DataFrame:
        """Return the pairs as they are told: a contact is a moment, and a place of its own."""
        if self._behind is None or not self._behind.contacts:
            return self.pairs
        nowhere = pd.array([pd.NA] * len(self.pairs), dtype="Int64")
        return self.pairs.assign(cameras=nowhere, overlap_s=np.nan)

    def _names(self, rows: pd.DataFrame) -> dict[str, str]:
        return {} if self._behind is None else self._behind.names([*rows["a"], *rows["b"]])

    def _first(self, top: int) -> pd.DataFrame:
        """Return the first pairs: by q where chance was asked about, by count otherwise."""
        top = columns.whole(top, "top")
        if self.chance is None:
            return self._told.head(top)
        return self._told.sort_values(["q", "p", "a", "b"], kind="stable").head(top)

    def significant(self, q: float = MAX_Q) -> pd.DataFrame:
        """Return the pairs that chance does not explain, by q, then p.

        Raises
        ------
        InvalidInputError
            When chance was not asked about.
        """
        self._asked()
        found = self.pairs[self.pairs["q"] <= columns.number(q, "q")]
        return found.sort_values(["q", "p", "a", "b"], kind="stable", ignore_index=True)

    def in_words(self, a: str, b: str) -> str:
        """Return what is known of two, in a sentence.

        Raises
        ------
        InvalidInputError
            When the two never met.
        """
        return words(self._row(a, b))

    def _asked(self) -> Significance:
        if self.chance is None:
            raise InvalidInputError(
                "Nothing is known about chance here.",
                where="significance",
                next="Ask with significance=True.",
            )
        return self.chance

    def _row(self, a: str, b: str) -> dict[str, Any]:
        low, high = sorted((str(a), str(b)))
        rows = self._told[(self.pairs["a"] == low) & (self.pairs["b"] == high)]
        if rows.empty:
            raise InvalidInputError(
                f"{a!r:.100} and {b!r:.100} are no pair here: they did not meet in what was asked "
                "about, or there is no such identity.",
                where="a, b",
                next="Take two of a row of .to_frame().",
            )
        return {str(name): cell for name, cell in rows.iloc[0].items()}


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
    said = f"together {times}"
    if pd.notna(row["cameras"]):  # a contact list knows of none
        said += f" at {row['cameras']} camera{'' if row['cameras'] == 1 else 's'}"
    if pd.isna(row["q"]):
        return said
    q = f"q = {row['q']:.2g}" if row["q"] >= 1e-4 else "q < 0.0001"
    return f"{said}; {row['expected']:.1f} expected by chance; {q}"
