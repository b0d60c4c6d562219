"""The stage of plotly: every sighting with a place a mark, every visit without one."""

from __future__ import annotations

from typing import Any

import ipywidgets as W
import numpy as np
import pandas as pd

from workbench import times
from workbench.views.explorers.fitting import Drawing, Fitting
from workbench.views.explorers.paths import PALE, faint, frame, paths_map
from workbench.views.explorers.playback import Playback, Seen
from workbench.views.explorers.stage import Listener, Stretch
from workbench.views.explorers.strip import BRUSH, CURSOR, clock, instant, strip
from workbench.views.explorers.telling import Telling
from workbench.views.maps.scene import Scene, Setting

MOST = 10_000
"""Most sightings it is made for."""

_TRAILED = 12  # most identities that get a trail


class FigureStage:
    """A map and a timeline as two plotly figures, linked.

    Parameters
    ----------
    points : DataFrame
        The sightings, as :func:`workbench.views.maps.trajectory_map.points_of` returns them.
    setting : Setting
        The ground and the looks.
    visits, gaps, outages : DataFrame
        As ``bench.tracks`` gives them.
    adjacency : DataFrame or None
    title : str
        Not escaped.
    """

    def __init__(
        self,
        points: pd.DataFrame,
        setting: Setting,
        *,
        visits: pd.DataFrame,
        gaps: pd.DataFrame,
        outages: pd.DataFrame,
        adjacency: pd.DataFrame | None,
        title: str,
    ) -> None:
        self._points, self._setting = points, setting
        scene = Scene.of("", points, setting, MOST)
        self._vertices = scene.vertices
        self._playback = Playback(scene.vertices)
        self.seen = Seen(scene.vertices["us"].to_numpy(), scene.vertices["until"].to_numpy())
        who = [one for one in dict.fromkeys(scene.vertices["who"]) if one]
        self._paths = paths_map(
            scene, setting, adjacency=adjacency, moving=tuple(who[:_TRAILED]), title=title
        )
        line = strip(
            visits, gaps=gaps, outages=outages, names=setting.ground.names,
            people=setting.people, zone=setting.zone, look=setting.look,
        )  # fmt: skip
        self._marks: list[dict[str, Any]] = [one.to_plotly_json() for one in line.layout.shapes]
        self._map, self._strip = Drawing(self._paths.figure), Drawing(line)
        self._rows = pd.Series(np.arange(len(points)), index=points["id"].to_numpy(dtype=object))
        self.widgets: list[W.Widget] = [
            self._map.boxed("map"), self._strip.boxed("strip"), Fitting(), Telling(),
        ]  # fmt: skip

    def listen(self, listener: Listener) -> None:
        """Tell it from now on what a hand did."""
        self._listener = listener
        for number in self._paths.dots.values():
            self._map.data[number].on_click(self._dot_clicked)
            self._map.data[number].on_selection(self._lassoed)
        for trace in self._strip.data:
            if trace.customdata is not None:
                trace.on_click(self._visit_clicked)
                trace.on_deselect(lambda *_: listener.brushed(None))
        self._strip.layout.on_change(self._brushed, "selections")

    def show(self, us: int, trail_s: float) -> None:
        """Show a moment, with the path of the last seconds."""
        self._map.put_shapes(frame(self._paths, self._playback, us, trail_s, self._setting))
        at = clock(pd.Series([times.moment(us)]), self._setting.zone)[0]
        self._mark(CURSOR, {"x0": at, "x1": at})

    def restrict(self, stretch: Stretch | None, inside: np.ndarray | None) -> None:
        """Show the marks of what is chosen strongly, the others palely."""
        lit = self._lit(stretch, inside)
        with self._map.batch_update():
            for level, number in self._paths.dots.items():
                at = np.asarray(self._map.data[number].customdata, dtype="int64")
                strong = self._paths.colours[level]
                # By the colour: an opacity would wait for what plotly holds to be selected.
                self._map.data[number].marker.color = [
                    one if shown else faint(one, PALE)
                    for one, shown in zip(strong, lit[at], strict=True)
                ]
        self._mark(BRUSH, self._rectangle(stretch))

    def _mark(self, number: int, change: dict[str, Any]) -> None:
        self._marks[number] = self._marks[number] | change
        self._strip.put_shapes(list(self._marks))

    def _lit(self, stretch: Stretch | None, inside: np.ndarray | None) -> np.ndarray:
        rows = self._vertices
        lit = np.ones(len(rows), dtype=bool)
        if stretch is not None:
            start, end = times.to_us(pd.Series(stretch)).tolist()
            us, until = rows["us"].to_numpy("int64"), rows["until"].to_numpy("int64")
            lit = (us < end) & (np.where(rows["on_floor"], us, until) >= start)
        if inside is not None:
            lit &= inside[self._rows[rows["id"].to_numpy(dtype=object)].to_numpy()]
        return lit

    def _rectangle(self, stretch: Stretch | None) -> dict[str, Any]:
        if stretch is None:
            return {"visible": False}
        start, end = clock(pd.Series(stretch), self._setting.zone)
        return {"visible": True, "x0": start, "x1": end}

    # ------------------------------------------------------------------ what a hand does
    def _dot_clicked(self, trace: Any, points: Any, _: object) -> None:
        if points.point_inds:
            self._clicked(int(trace.customdata[points.point_inds[0]]))

    def _visit_clicked(self, trace: Any, points: Any, _: object) -> None:
        if points.point_inds:
            us = int(trace.customdata[points.point_inds[0]])
            self._clicked(int(np.flatnonzero(self._vertices["since"].to_numpy("int64") == us)[0]))

    def _clicked(self, vertex: int) -> None:
        mark = self._vertices.iloc[vertex]
        self._listener.clicked(int(self._rows[mark["id"]]), str(mark["hover"]))

    def _brushed(self, *_: object) -> None:
        # What the browser says is in the figure's own dictionary; the objects plotly hands to a
        # callback are those of before.
        boxes = self._strip.to_dict()["layout"].get("selections") or []
        if boxes:
            one, two = sorted(instant(boxes[-1][end], self._setting.zone) for end in ("x0", "x1"))
            # A rectangle of ours stands instead: a selection does not outlive the page.
            self._strip.plotly_relayout({"selections": []})
            self._listener.brushed((one, two))

    def _lassoed(self, trace: Any, points: Any, _: object) -> None:
        marks = self._vertices.iloc[[int(trace.customdata[n]) for n in points.point_inds]]
        if marks.empty:  # of a level in which nothing was drawn
            return
        self._map.plotly_relayout({"selections": []})  # what is chosen shows by its strength
        rows = self._points
        inside = rows["id"].isin(marks.loc[marks["on_floor"], "id"]).to_numpy(copy=True)
        us, who = rows["us"].to_numpy(), rows["identity_id"].astype("str").fillna("").to_numpy()
        for mark in marks[~marks["on_floor"]].itertuples():  # visits, of which there are few
            here = (who == mark.who) & (rows["camera_id"] == mark.camera_id).to_numpy()
            inside |= here & (us >= mark.since) & (us <= mark.until)
        self._listener.lassoed(inside)
