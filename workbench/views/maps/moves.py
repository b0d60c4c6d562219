"""Marks on the path of a map: changes of level, and moves that nobody can make."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from workbench.views.maps.plan import Ground, Plan, broken, level_name, storey
from workbench.views.maps.stays import called
from workbench.views.maps.stretches import Tell
from workbench.views.style import Theme, duration, escape

ALARMS = 40
"""Most moves that one map marks as ones nobody can make, the fastest first."""


def level_changes(stretches: pd.DataFrame, ground: Ground, tell: Tell) -> pd.DataFrame:
    """Return where she left a level and where she came out on the other, two rows a change.

    Returns
    -------
    DataFrame
        ``plan`` (position of the level in the ground), ``x, y, us, leaving, symbol, way`` (up,
        down, over), ``words`` (with the level, escaped), ``why`` (the outage that explains why
        nobody saw it, escaped), ``hover``; in order of time.
    """
    rows = []
    moved = stretches[stretches["plan0"] != stretches["plan1"]]
    for step in moved.to_dict("records"):
        one, two = ground.plans[int(step["plan0"])].level, ground.plans[int(step["plan1"])].level
        way = _way(one, two)
        said = tell.seen(step) if step["kind"] == "seen" else tell.gap(step)
        for leaving in (True, False):
            end, there = ("0", two) if leaving else ("1", one)
            us = int(step["from_us"] if leaving else step["to_us"])
            words = f"{way} to" if leaving else f"{way} from"
            rows.append(
                {
                    "plan": int(step[f"plan{end}"]),
                    "x": step[f"x{end}"],
                    "y": step[f"y{end}"],
                    "us": us,
                    "leaving": leaving,
                    "symbol": {"up": "triangle-up", "down": "triangle-down"}.get(way, "diamond"),
                    "way": way,
                    "why": _why(step, tell.names),
                    "words": f"{words} {escape(level_name(there), longest=24)}",
                    "hover": f"<b>{words} {escape(level_name(there))}</b><br>{said}",
                }
            )
    wanted = ["plan", "x", "y", "us", "leaving", "symbol", "way", "words", "why", "hover"]
    return pd.DataFrame(rows, columns=wanted)


def _way(one: str | None, two: str | None) -> str:
    below, above = storey(one), storey(two)
    if below is None or above is None:
        return "over"
    return "up" if above > below else "down"


def _why(step: Mapping[Any, Any], names: Mapping[str, str]) -> str:
    if not step["unseen"] or pd.isna(step["reason"]) or step["reason"] != "outage":
        return ""
    camera = step["outage_camera"]
    return f" (outage: {escape(names.get(camera, camera), longest=28)})"


def change_traces(changes: pd.DataFrame, plan: Plan, look: Theme) -> list[go.Scatter]:
    """Return the marks of the changes of level on one panel."""
    if changes.empty:
        return []
    return [
        go.Scatter(
            x=changes["x"].tolist(),
            y=changes["y"].tolist(),
            mode="markers",
            name="change of level",
            marker={
                "symbol": changes["symbol"].tolist(),
                "size": 13,
                "color": look.paper,
                "line": {"color": look.ink, "width": 2},
            },
            hovertext=changes["hover"].tolist(),
            hovertemplate="%{hovertext}<extra></extra>",
            **plan.axes,
        )
    ]


def alarms(
    implausible: pd.DataFrame | None,
    points: pd.DataFrame,
    vertices: pd.DataFrame,
    ground: Ground,
    tell: Tell,
) -> pd.DataFrame:
    """Return the moves nobody can make that lie within one level, the fastest first.

    Returns
    -------
    DataFrame
        ``plan, x0, y0, x1, y1, words`` (escaped), ``hover``; at most :data:`ALARMS` rows.
    """
    wanted = ["plan", "x0", "y0", "x1", "y1", "words", "hover"]
    if implausible is None or implausible.empty:
        return pd.DataFrame(columns=wanted)
    ids = points.set_index("id")
    moves = implausible[
        implausible["from_appearance"].isin(ids.index)
        & implausible["to_appearance"].isin(ids.index)
    ]
    moves = moves.assign(_fast=moves["speed_m_s"].fillna(np.inf))
    moves = moves.sort_values("_fast", ascending=False, kind="stable").head(ALARMS)
    rows = []
    for move in moves.to_dict("records"):
        ends = [ids.loc[move[f"{end}_appearance"]] for end in ("from", "to")]
        (x0, y0), (x1, y1) = (_spot(end, vertices, ground) for end in ends)
        plans = ground.numbers(pd.Series([end["camera_id"] for end in ends]))
        if plans[0] == plans[1]:
            words = _impossible(move)
            rows.append(
                {"plan": plans[0], "x0": x0, "y0": y0, "x1": x1, "y1": y1, "words": words,
                 "hover": _alarm_text(move, words, ends, tell)}
            )  # fmt: skip
    return pd.DataFrame(rows, columns=wanted)


def _spot(seen: pd.Series, vertices: pd.DataFrame, ground: Ground) -> tuple[float, float]:
    """Return where a sighting is drawn: on the floor, else where its visit stands."""
    if pd.notna(seen["floor_x_m"]) and pd.notna(seen["floor_y_m"]):
        return float(seen["floor_x_m"]), float(seen["floor_y_m"])
    there = vertices[vertices["camera_id"] == seen["camera_id"]]
    if there.empty:
        spot = ground.of(str(seen["camera_id"])).spots.loc[seen["camera_id"]]
        return float(spot["x"]), float(spot["y"])
    far = np.maximum(there["us"] - seen["us"], seen["us"] - there["until"])
    nearest = there.loc[far.idxmin()]
    return float(nearest["x"]), float(nearest["y"])


def _impossible(move: Mapping[Any, Any]) -> str:
    if move["gap_s"] == 0:
        return f"{move['distance_m']:.1f} m apart at one moment"
    return f"{move['distance_m']:.1f} m in {duration(move['gap_s'])}"


def _alarm_text(move: Mapping[Any, Any], words: str, ends: list[pd.Series], tell: Tell) -> str:
    speed = "" if pd.isna(move["speed_m_s"]) else f": {move['speed_m_s']:.1f} m/s"
    first, last = (int(end["us"]) for end in ends)
    who = ends[0]["identity_id"]
    lines = [
        f"<b>{called('' if pd.isna(who) else str(who), tell.people)}</b>",
        f"<b>cannot be: {words}</b>",
        f"{escape(move['reason'])}{speed} in a straight line",
        tell.way(ends[0]["camera_id"], ends[1]["camera_id"]),
        tell.when(first, last),
        f"{escape(move['from_appearance'], longest=40)} → "
        f"{escape(move['to_appearance'], longest=40)}",
        "two people under one identity, or a clock that is wrong?",
    ]
    return "<br>".join(lines)


def alarm_traces(moves: pd.DataFrame, plan: Plan, look: Theme) -> list[go.Scatter]:
    """Return the moves nobody can make on one panel: a strong line, a sign that tells about it."""
    if moves.empty:
        return []
    x, y = (moves[[f"{name}0", f"{name}1"]].to_numpy("float64") for name in ("x", "y"))
    return [
        go.Scatter(
            x=broken(x), y=broken(y), mode="lines", name="cannot be", showlegend=False,
            line={"color": look.alarm, "width": 3}, hoverinfo="skip", **plan.axes,
        ),
        go.Scatter(
            x=x.mean(axis=1).tolist(),
            y=y.mean(axis=1).tolist(),
            mode="markers",
            name="cannot be",
            marker={"symbol": "octagon", "size": 11, "color": look.alarm,
                    "line": {"color": look.paper, "width": 1.5}},
            hovertext=moves["hover"].tolist(),
            hovertemplate="%{hovertext}<extra></extra>",
            **plan.axes,
        ),
    ]  # fmt: skip
