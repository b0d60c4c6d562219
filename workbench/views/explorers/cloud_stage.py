"""The stage of WebGL: every sighting a point, up to a million, with the timeline below them."""

from __future__ import annotations

from itertools import accumulate

import ipywidgets as W
import numpy as np
import pandas as pd

from workbench import times
from workbench.geography import Origin
from workbench.views.explorers.playback import Seen
from workbench.views.explorers.point_cloud import Ground, Mark, PointCloud
from workbench.views.explorers.stage import Listener, Stretch
from workbench.views.maps.plan import Plan, corners, level_name, position, spread
from workbench.views.maps.scene import Setting
from workbench.views.maps.stays import facts
from workbench.views.style import identity_colour

_NAMED = 12  # most identities that have a colour of their own
_JITTER = 997  # different places beside a camera for sightings without one


class CloudStage:
    """A map with its timeline in one widget of ours; the levels below each other.

    Parameters
    ----------
    points : DataFrame
        The sightings, as :func:`workbench.views.maps.trajectory_map.points_of` returns them.
    setting : Setting
        The ground and the looks.
    theme : {'light', 'dark'}
    """

    def __init__(self, points: pd.DataFrame, setting: Setting) -> None:
        self._points, self._setting = points, setting
        us = points["us"].to_numpy("int64")
        self._origin = int(us.min()) if len(us) else 0
        # Within the longest gap of a visit somebody is still held to be seen.
        self.seen = Seen(us, us + round(setting.max_gap_s * 1e6))
        plans = setting.ground.drawn
        shifts = _shifts(plans)
        x, y = _places(points, setting, dict(zip((p.panel for p in plans), shifts, strict=True)))
        codes, names = _codes(points, setting)
        self._cloud = PointCloud(
            x, y, codes=codes, names=[name for name, _ in names],
            palette=[colour for _, colour in names], seconds=(us - self._origin) / 1e6,
            equal_axes=True, theme=setting.look.name, height=560,
            ground=[image for p, s in zip(plans, shifts, strict=True) for image in _ground(p, s)],
            marks=[mark for p, s in zip(plans, shifts, strict=True) for mark in _marks(p, s)],
            hover=lambda row: facts(points.iloc[row].to_dict(), setting),
            clock=pd.Timestamp(times.moment(self._origin)), display_tz=setting.display_tz,
            x_title=_axis("east", setting.ground.globe),
            y_title=_axis("north", setting.ground.globe), controls=False,
        )  # fmt: skip
        self._cloud.add_class("wb-map")
        self.widgets: list[W.Widget] = [self._cloud]

    def listen(self, listener: Listener) -> None:
        """Tell it from now on what a hand did."""

        def brushed(ends: tuple[float, float] | None) -> None:
            listener.brushed(None if ends is None else (self._at(ends[0]), self._at(ends[1])))

        def selected(rows: np.ndarray) -> None:
            inside = np.zeros(len(self._points), dtype=bool)
            inside[rows] = True
            listener.lassoed(inside if len(rows) else None)

        def clicked(row: int) -> None:
            said = facts(self._points.iloc[row].to_dict(), self._setting, html=True)
            listener.clicked(row, said)

        self._cloud.on_click(clicked)
        self._cloud.on_brush(brushed)
        self._cloud.on_select(selected)

    def show(self, us: int, trail_s: float) -> None:
        """Show a moment: points of the last seconds brightly, those to come not at all.

        Before anything has been played, everything is there.
        """
        begun = us > self.seen.span[0]
        with self._cloud.hold_sync():
            self._cloud.trail_s = trail_s or 1.0
            self._cloud.now = (us - self._origin) / 1e6 if begun else None

    def restrict(self, stretch: Stretch | None, inside: np.ndarray | None) -> None:
        """Show what is chosen."""
        if stretch is None and self._cloud.brush is not None:
            self._cloud.brush = self._cloud.time_window = None
        if stretch is not None:
            start, end = times.to_us(pd.Series(stretch)).tolist()
            window = ((start - self._origin) / 1e6, (end - self._origin) / 1e6)
            if self._cloud.brush is None or tuple(self._cloud.brush) != window:
                self._cloud.time_window = window
        if inside is None and len(self._cloud.selected()):
            self._cloud.select([])

    def _at(self, seconds: float) -> pd.Timestamp:
        return pd.Timestamp(times.moment(self._origin + round(seconds * 1e6)))


def _axis(way: str, globe: Origin | None) -> str:
    return f"{way} (m)" if globe is None else f"{way} of {position(0, 0, globe)[3:]} (m)"


def _shifts(plans: list[Plan]) -> list[float]:
    """Return how far down each level is drawn, in metres, so that none covers another."""
    highs = [plan.frame()[1] for plan in plans]
    tall = [(high - low) * 1.08 for low, high in highs]
    tops = [0.0, *accumulate(tall)][:-1]
    return [top + high - highs[0][1] for top, (_, high) in zip(tops, highs, strict=True)]


def _places(
    points: pd.DataFrame, setting: Setting, shifts: dict[int, float]
) -> tuple[np.ndarray, np.ndarray]:
    """Return where each sighting is drawn: where it was, or beside its camera; NaN if nowhere."""
    x = points["floor_x_m"].to_numpy("float64", na_value=np.nan).copy()
    y = points["floor_y_m"].to_numpy("float64", na_value=np.nan).copy()
    for camera, at in points.groupby("camera_id").indices.items():
        plan = setting.ground.of(str(camera))
        lost = at[np.isnan(x[at]) | np.isnan(y[at])]
        spots = spread(plan, str(camera), min(_JITTER, max(len(lost), 1)))
        x[lost], y[lost] = spots[np.arange(len(lost)) % len(spots)].T
        y[at] -= shifts.get(plan.panel, np.nan)
    return x, y


def _codes(points: pd.DataFrame, setting: Setting) -> tuple[np.ndarray, list[tuple[str, str]]]:
    """Return the class of each sighting, and name and colour of each: those seen most have one."""
    whose = points["identity_id"]
    most = whose.value_counts().head(_NAMED).index.tolist()
    number = {who: n for n, who in enumerate(most)}
    codes = whose.map(number).fillna(len(most)).to_numpy("int64").copy()
    codes[whose.isna().to_numpy()] = -1
    classes = [(setting.people.get(who, who), identity_colour(who)) for who in most]
    return codes, [*classes, ("others", setting.look.soft)]


def _ground(plan: Plan, shift: float) -> list[Ground]:
    if plan.floor is None:
        return []
    (left, top), (right, bottom) = corners(plan.floor)
    opacity = 0.9 if plan.metric else 0.0
    return [Ground(bytes(plan.floor["image"]), left, bottom - shift, right, top - shift, opacity)]


def _marks(plan: Plan, shift: float) -> list[Mark]:
    """Return the cameras with their names, and the name of the level."""
    left, top = plan.frame()[0][0], plan.frame()[1][1] - shift
    level = [] if plan.level is None else [
        Mark(left, top, label=level_name(plan.level).capitalize(), width=1.0)
    ]  # fmt: skip
    spots = plan.spots
    return level + [
        Mark(x, y - shift, label=name[:28])
        for name, x, y in zip(spots["name"], spots["x"], spots["y"], strict=True)
    ]
