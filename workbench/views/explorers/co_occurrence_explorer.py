"""Who meets whom to play with: the graph, and behind each dot and line what it stands for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import ipywidgets as W
import numpy as np
import pandas as pd
import plotly.graph_objects as go

from workbench import times
from workbench.errors import NotFoundError
from workbench.views import style
from workbench.views.charts.chart import require
from workbench.views.charts.network import HANDLES, PEOPLE, Network, Weight, network_layout
from workbench.views.charts.network_places import network_places
from workbench.views.charts.null_histogram import null_histogram
from workbench.views.explorers import companion_words as words
from workbench.views.explorers.fitting import Drawing, Fitting, close_all
from workbench.views.explorers.thresholds import Thresholds
from workbench.views.explorers.trajectory_explorer import TrajectoryExplorer
from workbench.views.style import ThemeName, escape, plain

Encounters = Callable[[str, str], pd.DataFrame]
"""Every encounter of two identities, as ``bench.together.encounters`` gives them."""
Timeline = Callable[[str, str, pd.DataFrame], go.Figure]
"""The timeline of two and some encounters (:mod:`workbench.views.charts.timeline`)."""
Trajectory = Callable[[list[str], pd.Timestamp | None, pd.Timestamp | None], TrajectoryExplorer]
"""The trajectories of some identities to play with, of a half-open range of time or of all."""
Chance = Callable[[str, str], np.ndarray]
"""How often chance makes two meet, one number a sample."""

_AROUND = pd.Timedelta(minutes=10)  # what is played before and after an encounter
_PEOPLE = 3_000  # most names that a list to choose from holds


class CoOccurrenceExplorer(W.VBox):
    """People who were together as a graph, to be filtered, searched and clicked.

    A dot that is clicked shows her companions, her timeline and her map; a line the encounters of
    two, and an encounter is played on the map. It takes tables and callables, and fetches nothing
    by itself.

    Parameters
    ----------
    pairs : DataFrame
        As ``bench.together.pairs().pairs``.
    encounters, timeline, trajectory : callable
        What stands behind a pair and a person.
    chance : callable, optional
        What chance makes of two; without it there is no histogram.
    names, cameras : mapping of str to str, optional
        Names of identities and of cameras (and places), by id.
    groups : mapping of str to int, optional
        The number of everybody's group.
    title : str, optional
    display_tz : str
        Zone of the times shown.
    max_q : float
        What is more than chance.
    theme : {'light', 'dark'}

    Raises
    ------
    InvalidInputError
        When a column is missing, or the time zone or the theme is unknown.
    """

    def __init__(
        self,
        pairs: pd.DataFrame,
        *,
        encounters: Encounters,
        timeline: Timeline,
        trajectory: Trajectory,
        chance: Chance | None = None,
        names: Mapping[str, str] | None = None,
        cameras: Mapping[str, str] | None = None,
        groups: Mapping[str, int] | None = None,
        title: str | None = None,
        display_tz: str = "UTC",
        max_q: float = 0.05,
        theme: ThemeName = "light",
    ) -> None:
        require(pairs, _NEEDED, "pairs", "bench.together.pairs()")
        self._pairs = pairs.reset_index(drop=True)
        self._encounters, self._timeline, self._trajectory = encounters, timeline, trajectory
        self._chance, self._cameras, self._theme = chance, cameras or {}, theme
        self._zone = times.zone(display_tz)
        self._network = Network(
            style.theme(theme), names or {}, groups or {}, Weight.of(pairs), max_q,
            bool(pairs["q"].notna().any()),
        )  # fmt: skip
        self._chosen: tuple[str, ...] = ()
        self._still = False
        self._met = pd.DataFrame()
        self._places: dict[str, tuple[float, float]] = {}
        self._make_controls()
        self._sift()
        self._graph = Drawing(go.Figure(self._network.traces(self._drawn, self._places)))
        self._graph.update_layout(network_layout(self._network.look))
        super().__init__(self._composed(title))
        self.add_class("wb-together").add_class("wb-fitted")
        self._link()
        self._show_nothing()

    # ------------------------------------------------------------------ how it is put together
    def _make_controls(self) -> None:
        self._thresholds = Thresholds(self._pairs)
        who = sorted({*self._pairs["a"], *self._pairs["b"]})
        self._called = {self._label(one): one for one in who}
        self.search = W.Combobox(
            options=sorted(self._called)[:_PEOPLE], placeholder="name or id", description="search",
            continuous_update=False, style={"description_width": "52px"},
            layout={"width": "285px"},
        )  # fmt: skip
        self.only = W.Checkbox(
            description="only whom she met", indent=False, disabled=True, layout={"width": "150px"}
        )
        self.again = W.Button(description="lay out again", layout={"width": "110px"})
        self.reset = W.Button(description="show all", layout={"width": "90px"})
        self._count, self._details = W.HTML(), W.HTML()
        self._null, self._strip, self._stage = W.VBox(), W.VBox(), W.VBox()
        self.encounters = W.Select(options=[], rows=7, layout={"width": "auto"})
        self._listed = W.VBox([W.HTML(), self.encounters, self._strip])

    def _label(self, who: str) -> str:
        name = self._network.names.get(who)
        return plain(who) if not name or name == who else f"{plain(name)} ({plain(who)})"

    def _composed(self, title: str | None) -> list[W.Widget]:
        heading = "Who meets whom" + (", and is it chance?" if self._network.asked else "")
        said = escape(heading if title is None else title)
        head = W.HTML(f"<div style='font-size:16px'><b>{said}</b></div>")
        named = {
            "title": head, "search": self.search, "only": self.only, "again": self.again,
            "reset": self.reset, "count": self._count, "details": self._details,
            "null": self._null, "encounters": self.encounters, "listed": self._listed,
            "stage": self._stage,
        }  # fmt: skip
        for name, widget in named.items():
            widget.add_class(f"wb-{name}")
        graph = W.VBox([self._graph.boxed("network"), Fitting()])
        graph.layout = W.Layout(flex="3 1 520px", min_width="0")
        beside = W.VBox([self._details, self._null])
        beside.layout = W.Layout(flex="1 1 300px", min_width="0", max_height="620px")
        beside.layout.overflow = "auto"
        asked = W.HBox([self.search, self.only, self.again, self.reset])
        asked.layout.flex_flow = "row wrap"
        both = W.HBox([graph, beside], layout=W.Layout(flex_flow="row wrap"))
        return [head, self._thresholds, asked, self._count, both, self._listed, self._stage]

    def _link(self) -> None:
        self._thresholds.listen(self._filter)
        self.search.observe(lambda change: self._search(change["new"]), "value")
        self.only.observe(lambda _: self._filter(), "value")
        self.again.on_click(lambda _: self._lay_out())
        self.reset.on_click(lambda _: self.clear())
        self.encounters.observe(lambda change: self._play(change["new"]), "value")
        for trace in self._graph.data:
            if trace.name == PEOPLE:
                trace.on_click(self._dot_clicked)
            elif trace.name == HANDLES:
                trace.on_click(self._line_clicked)

    # ------------------------------------------------------------------ what it tells
    def selection(self) -> pd.DataFrame:
        """Return the pairs chosen: that of a line, those of a dot; all that are drawn if none is.

        Columns of ``bench.together.pairs()``.
        """
        if not self._chosen:
            return self._drawn.reset_index(drop=True)
        rows = self._pairs
        for one in self._chosen:
            rows = rows[(rows["a"] == one) | (rows["b"] == one)]
        return rows.reset_index(drop=True)

    @property
    def chosen(self) -> tuple[str, ...]:
        """Return the identity that is chosen, or the two of a pair, or nobody."""
        return self._chosen

    @property
    def played(self) -> TrajectoryExplorer | None:
        """Return the map and timeline that are shown below, if any are."""
        shown = [one for one in self._stage.children if isinstance(one, TrajectoryExplorer)]
        return shown[0] if shown else None

    def __repr__(self) -> str:
        return f"CoOccurrenceExplorer: {len(self._drawn)} of {len(self._pairs)} pairs drawn"

    # ------------------------------------------------------------------ what can be done
    def show_person(self, who: str) -> None:
        """Show somebody: her companions, her timeline and her map.

        Raises
        ------
        NotFoundError
            When she was with nobody.
        """
        who = str(who)
        met = (self._pairs["a"] == who) | (self._pairs["b"] == who)
        self._require(met, f"{who!r:.100} was with nobody here.")
        hers = self._thresholds.left()
        hers = hers[(hers["a"] == who) | (hers["b"] == who)]
        self._choose((who,), words.person(who, hers, self._network, of=int(met.sum())))
        self._put(self._trajectory([who], None, None))

    def show_pair(self, a: str, b: str) -> None:
        """Show two: how often they met and when, and what chance makes of it.

        Raises
        ------
        NotFoundError
            When they were never together.
        """
        a, b = sorted((str(a), str(b)))
        both = (self._pairs["a"] == a) & (self._pairs["b"] == b)
        self._require(both, f"{a!r:.100} and {b!r:.100} are no pair here.")
        row = self._pairs[both].iloc[0].to_dict()
        self._choose((a, b), words.pair(row, self._network))
        self._met = self._encounters(a, b)
        called = self._network.names.get(a, a), self._network.names.get(b, b)
        if self._chance is not None and pd.notna(row["q"]):
            figure = null_histogram(
                self._chance(a, b), observed=int(row["count"]), p=row["p"], q=row["q"],
                expected=row["expected"], names=called, theme=self._theme,
            )  # fmt: skip
            # What its title says stands above it already, and there is little room.
            bare = {"title": {"text": "", "subtitle": {"text": ""}}, "height": 260}
            figure.update_layout(bare | {"margin": {"t": 56}})
            _fill(self._null, Drawing(figure).boxed("histogram", wheel=False))
        self._list()

    def clear(self) -> None:
        """Take thresholds and choice away."""
        self._chosen, self._still = (), True  # one picture of the end, none of each step to it
        self.search.value, self.only.value = "", False
        self._thresholds.clear()
        self._still = False
        self._show_nothing()
        self._lay_out()

    def _require(self, rows: pd.Series, otherwise: str) -> None:
        if not rows.any():
            raise NotFoundError(
                otherwise, where="CoOccurrenceExplorer", next="Take ids of .selection()."
            )

    def _choose(self, who: tuple[str, ...], said: str) -> None:
        self._chosen = who
        self._show_nothing(said)
        self._filter()

    def _show_nothing(self, said: str = "") -> None:
        """Take away what stands behind a choice; these words stay, or an invitation to choose."""
        self._details.value = said or words.invitation(self._network)
        _fill(self._null)
        _fill(self._strip)
        self._put()
        self._met = pd.DataFrame()
        self.encounters.options = []
        self._listed.layout.display = "none"
        self.only.disabled = not self._chosen

    def _list(self) -> None:
        """Show the encounters of the two chosen: as a list, and in time."""
        lines = words.encounter_lines(self._met, self._cameras, self._zone)
        self.encounters.options = list(zip(lines, range(len(lines)), strict=True))
        self.encounters.index = None
        head = self._listed.children[0]
        head.value = (
            f"<b>{len(lines):,} encounter{'s' * (len(lines) != 1)}</b>: choose one in the list or "
            "click it in the timeline, and it is played below "
            f"<span style='opacity:.7'>(times: {escape(str(self._zone))})</span>"
        )
        timeline = Drawing(self._timeline(self._chosen[0], self._chosen[1], self._met))
        # From the bottom: drawn narrow first, plotly would leave it in the axis when it gets wide.
        from_bottom = {"yref": "container", "y": 0.01, "yanchor": "bottom"}
        timeline.update_layout(legend=from_bottom)
        for trace in timeline.data:
            if trace.meta == "encounters":
                trace.on_click(self._encounter_clicked)
        _fill(self._strip, timeline.boxed("encounter-timeline", wheel=False))
        self._listed.layout.display = ""

    def _play(self, row: int | None) -> None:
        """Play an encounter: both on the map, from a little before it to a little after."""
        if row is None or not len(self._met):
            return
        one = self._met.iloc[row]
        shown = self._trajectory(list(self._chosen), one["start"] - _AROUND, one["end"] + _AROUND)
        shown.player.now = int(times.to_us(pd.Series([one["start"]])).iloc[0])
        self._put(shown)

    def _put(self, *shown: TrajectoryExplorer) -> None:
        """Show a map and timeline below instead of those there are, or why there is no map."""
        if self.played is not None:
            self.played.player.stop()
        none = words.unseen(self._network)
        _fill(self._stage, *(W.HTML(none) if one.selection().empty else one for one in shown))

    # ------------------------------------------------------------------ what a hand does
    def _dot_clicked(self, trace: Any, points: Any, _: object) -> None:
        if points.point_inds:
            self.search.value = ""  # what stands there is not who is shown
            self.show_person(str(trace.customdata[points.point_inds[0]]))

    def _line_clicked(self, trace: Any, points: Any, _: object) -> None:
        if points.point_inds:
            self.search.value = ""
            row = self._drawn.iloc[int(trace.customdata[points.point_inds[0]])]
            self.show_pair(str(row["a"]), str(row["b"]))

    def _encounter_clicked(self, trace: Any, points: Any, _: object) -> None:
        if points.point_inds:
            self.encounters.value = int(trace.customdata[points.point_inds[0]])

    def _search(self, text: str) -> None:
        asked = text.strip()
        if not asked:
            return
        found = self._called.get(asked) or self._alike(asked)
        if found is None:
            self._details.value = words.nobody(asked, self._network)
            return
        self.show_person(found)
        if found not in {*self._drawn["a"], *self._drawn["b"]}:
            self.only.value = True  # she is not among those drawn: draw hers

    def _alike(self, asked: str) -> str | None:
        """Return who has that id, or is the only one whose name or id holds that text."""
        if asked in self._called.values():
            return asked
        held = [one for label, one in self._called.items() if asked.casefold() in label.casefold()]
        return held[0] if len(held) == 1 else None

    # ------------------------------------------------------------------ what is drawn
    def _filter(self) -> None:
        if not self._still:
            self._sift()
            self._paint()

    def _sift(self) -> None:
        """Choose the pairs that are drawn, say how many they are, and place their people."""
        left = self._thresholds.left()
        around = self._chosen[0] if self.only.value and self._chosen else None
        self._drawn = self._thresholds.drawn(left, around)
        self._count.value = self._thresholds.said(len(left), self._drawn, around is not None)
        # Who stays keeps her place as long as nobody new comes: less is easier to follow so.
        if not {*self._drawn["a"], *self._drawn["b"]} <= set(self._places):
            self._places = network_places(self._drawn)

    def _lay_out(self) -> None:
        self._places = {}
        self._filter()
        # What a hand has zoomed and moved is in the layout too: all is shown where it was made for.
        made = network_layout(self._network.look)
        self._graph.plotly_relayout(
            {f"{axis}.range": made[axis]["range"] for axis in ("xaxis", "yaxis")}
        )

    def _paint(self) -> None:
        fresh = self._network.traces(self._drawn, self._places, self._chosen)
        with self._graph.batch_update():
            for trace, wanted in zip(self._graph.data, fresh, strict=True):
                for name in _MOVING & wanted.keys():
                    trace[name] = wanted[name]
                if "marker" in wanted:
                    trace.marker.size = wanted["marker"]["size"]
                    trace.marker.color = wanted["marker"]["color"]


_MOVING = frozenset({"x", "y", "text", "textposition", "customdata", "hovertext"})
_NEEDED = ("a", "b", "count", "overlap_s", "cameras", "days", "expected", "p", "q")


def _fill(box: W.Box, *shown: W.Widget) -> None:
    """Put widgets into a box instead of those there are, which nobody will see again."""
    gone, box.children = box.children, shown
    for one in gone:
        close_all(one)
