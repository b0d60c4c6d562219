"""A trajectory to play with: map, timeline, details and table, linked."""

from __future__ import annotations

import base64
from collections.abc import Callable

import ipywidgets as W
import numpy as np
import pandas as pd

from workbench import times
from workbench.views import style
from workbench.views.explorers.cloud_stage import CloudStage
from workbench.views.explorers.figure_stage import MOST, FigureStage
from workbench.views.explorers.player import Player
from workbench.views.explorers.stage import Listener, Stage, Stretch
from workbench.views.maps.plan import grounds
from workbench.views.maps.scene import Setting
from workbench.views.maps.sheet import Sheet
from workbench.views.maps.stays import called, local, moment, place
from workbench.views.maps.trajectory_map import people_of, points_of
from workbench.views.style import ThemeName, escape

_ROWS = 100  # most rows of the table
_SHOWN = ["us", "identity_id", "camera_id", "detection_confidence", "id"]
_HEADS = ("time", "identity", "camera", "detector", "appearance")


class TrajectoryExplorer(W.VBox):
    """The trajectories of some identities, to be played, clicked and brushed.

    Up to 10,000 sightings are drawn by plotly; more, up to a million, by a widget of our own
    (WebGL2), in which paths are not drawn.

    Parameters
    ----------
    sightings : DataFrame
        As in ``schema.SIGHTING``; ``timestamp`` and ``camera_id`` are needed.
    cameras : DataFrame
        As in ``schema.CAMERA``; ``id`` is needed.
    visits, gaps : DataFrame
        As ``bench.tracks`` gives them.
    floor_plans, adjacency, outages : DataFrame, optional
        As in ``schema.FLOOR_PLAN``, ``schema.ADJACENT_TO``, ``schema.OUTAGE``.
    identities : DataFrame, optional
        ``id, name``: what people are called.
    crop : callable, optional
        Given the id of an appearance, its picture (PNG or JPEG), or None.
    title : str, optional
    display_tz : str
        Time zone of the times shown.
    level : str, optional
        The only level to draw; by default all they were on.
    max_gap_s : float
        Longest time between two sightings of one visit, seconds.
    theme : {'light', 'dark'}

    Raises
    ------
    InvalidInputError
        When a column is missing, or the time zone or the theme is unknown.
    NotFoundError
        When there is no such level.
    """

    def __init__(
        self,
        sightings: pd.DataFrame,
        cameras: pd.DataFrame,
        *,
        visits: pd.DataFrame,
        gaps: pd.DataFrame,
        floor_plans: pd.DataFrame | None = None,
        adjacency: pd.DataFrame | None = None,
        outages: pd.DataFrame | None = None,
        identities: pd.DataFrame | None = None,
        crop: Callable[[str], bytes | None] | None = None,
        title: str | None = None,
        display_tz: str = "UTC",
        level: str | None = None,
        max_gap_s: float = 30.0,
        theme: ThemeName = "light",
    ) -> None:
        self._look = style.theme(theme)
        self._points, self._crop = points_of(sightings, cameras), crop
        ground = grounds(cameras, self._points, floor_plans=floor_plans, level=level)
        self._setting = Setting(
            ground=ground, sheet=Sheet.of(ground), look=self._look, zone=times.zone(display_tz),
            display_tz=display_tz, max_gap_s=max_gap_s, gaps=gaps, outages=outages,
            people=people_of(identities),
        )  # fmt: skip
        self._chosen: Stretch | None = None
        self._inside: np.ndarray | None = None
        self.clicked: str | None = None
        self._stage: Stage
        if len(self._points) > MOST:
            self._stage = CloudStage(self._points, self._setting)
        else:
            self._stage = FigureStage(
                self._points, self._setting, visits=visits, gaps=gaps,
                outages=_or_none(outages), adjacency=adjacency, title=title or self._titled(),
            )  # fmt: skip
        self._compose()
        self.player.on_move(self._show)
        self._stage.listen(Listener(self._click, self._brush, self._lasso))
        self._say_chosen()
        self._show(self.player.now)

    def _titled(self) -> str:
        people = self._setting.people
        who = self._points["identity_id"].dropna().astype("str").unique().tolist()
        names = [people.get(one, one) for one in who[:3]] or ["nobody identified"]
        more = [f"{len(who) - 3} more"] if len(who) > 3 else []
        return f"Trajector{'ies' if len(who) > 1 else 'y'} of {', '.join([*names, *more])}"

    def _compose(self) -> None:
        seen = self._stage.seen
        self.player = Player(
            *seen.span, preceding=seen.preceding, following=seen.following,
            dark_until=seen.dark_until,
        )  # fmt: skip
        self._details, self._table = W.HTML(self._invitation()), W.HTML()
        self._count, self._clear = W.HTML(), W.Button(description="show all")
        self._clear.on_click(lambda _: self.clear())
        for widget, name in (
            (self._details, "details"), (self._table, "table"), (self._count, "count"),
            (self._clear, "clear"),
        ):  # fmt: skip
            widget.add_class(f"wb-{name}")
        right = W.VBox([W.HBox([self._count, self._clear]), self._table])
        self._details.layout.flex, right.layout.flex = "0 0 270px", "1 1 0"
        right.layout.min_width, right.layout.overflow = "0", "auto"
        super().__init__([self.player, *self._stage.widgets, W.HBox([self._details, right])])
        self.add_class("wb-trajectory")
        self.add_class("wb-fitted")

    # ------------------------------------------------------------------ what it tells
    def selection(self) -> pd.DataFrame:
        """Return the sightings chosen by brush and lasso, in order of time; all if none is.

        A visit without floor positions is one mark on the map: a lasso around it chooses all its
        sightings.
        """
        return self._rows().drop(columns="us").reset_index(drop=True)

    def _rows(self) -> pd.DataFrame:
        chosen = np.ones(len(self._points), dtype=bool)
        if self._chosen is not None:
            start, end = times.to_us(pd.Series(self._chosen)).tolist()
            us = self._points["us"].to_numpy("int64")
            chosen = (us >= start) & (us < end)
        if self._inside is not None:
            chosen &= self._inside
        return self._points[chosen]

    @property
    def brush(self) -> Stretch | None:
        """Return the time that is brushed, from its start to before its end; may be set."""
        return self._chosen

    @brush.setter
    def brush(self, stretch: Stretch | None) -> None:
        self._chosen = stretch
        self._stage.restrict(self._chosen, self._inside)
        self._say_chosen()

    def clear(self) -> None:
        """Take brush and lasso away: everything is chosen."""
        self._inside = None
        self.brush = None

    def __repr__(self) -> str:
        return f"TrajectoryExplorer of {len(self._points)} sightings"

    # ------------------------------------------------------------------ what happens
    def _show(self, us: int) -> None:
        self._stage.show(us, self.player.trail.value)
        at = moment(us, self._setting.zone)
        zone = escape(self._setting.display_tz)
        self.player.clock.value = f"<b>{at}</b> <span style='color:{self._look.soft}'>{zone}</span>"

    def _click(self, row: int, said: str) -> None:
        one = self._points.iloc[row]
        self.clicked = None if pd.isna(one["id"]) else str(one["id"])
        self._details.value = f"{self._picture()}<div style='line-height:1.45'>{said}</div>"
        self.player.now = int(one["us"])

    def _brush(self, stretch: Stretch | None) -> None:
        self.brush = stretch

    def _lasso(self, inside: np.ndarray | None) -> None:
        self._inside = inside
        self._stage.restrict(self._chosen, inside)
        self._say_chosen()

    # ------------------------------------------------------------------ what it says
    def _invitation(self) -> str:
        return (
            f"<p style='color:{self._look.soft};line-height:1.45'>Click a mark on the map or a bar "
            "of the timeline: here stands what is known of it.</p>"
        )

    def _picture(self) -> str:
        data = None if self._crop is None or self.clicked is None else self._crop(self.clicked)
        if data is None:
            return f"<p style='color:{self._look.soft}'>no crop of this sighting</p>"
        media = "png" if data.startswith(b"\x89PNG") else "jpeg"
        text = base64.b64encode(data).decode("ascii")
        return (
            f"<img alt='crop of this sighting' style='max-height:160px;margin-bottom:6px' "
            f"src='data:image/{media};base64,{text}'>"
        )

    def _say_chosen(self) -> None:
        rows, everything = self._rows(), len(self._points)
        chosen = self._chosen is not None or self._inside is not None
        self._clear.layout.display = "" if chosen else "none"
        said = f"<b>{len(rows):,} of {everything:,} sightings</b>"
        if self._chosen is not None:
            start, end = (local(one, self._setting.zone) for one in self._chosen)
            said += f" · {start} – {end[11:] if start[:10] == end[:10] else end}"
        if not chosen:
            said += (
                f" <span style='color:{self._look.soft}'>· drag over the timeline to choose a "
                "time, lasso on the map</span>"
            )
        self._count.value = said
        self._table.value = _table(rows, self._setting)


def _table(rows: pd.DataFrame, setting: Setting) -> str:
    """Return the first sightings as an HTML table with all text escaped."""
    shown = rows.head(_ROWS).reindex(columns=_SHOWN)
    lines = [
        f"<td>{moment(us, setting.zone)}</td><td>{called('' if pd.isna(w) else w, setting.people)}"
        f"</td><td>{place(camera, setting.ground.names)}</td>"
        f"<td>{'' if pd.isna(score) else f'{score:.2f}'}</td><td>{escape(one, longest=24)}</td>"
        for us, w, camera, score, one in shown.itertuples(index=False)
    ]
    cell = "text-align:left;padding-right:12px"
    head = "".join(f"<th scope='col' style='{cell}'>{name}</th>" for name in _HEADS)
    body = "".join(f"<tr>{line}</tr>" for line in lines).replace("<td>", f"<td style='{cell}'>")
    more = len(rows) - len(shown)
    rest = f"<p>and {more:,} more: <code>.selection()</code></p>" if more else ""
    return (
        "<div style='max-height:240px;overflow:auto'><table style='width:100%;line-height:1.5;"
        f"white-space:nowrap;border-spacing:0;font-size:12px'><thead><tr>{head}</tr></thead>"
        f"<tbody>{body}</tbody></table>{rest}</div>"
    )


def _or_none(outages: pd.DataFrame | None) -> pd.DataFrame:
    return pd.DataFrame(columns=["camera_id", "start", "end"]) if outages is None else outages
