"""The lines of a timeline, from one visit to another: gaps, dashed, and moves that cannot be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from workbench.views.charts.chart import Chart, instants, note
from workbench.views.charts.lanes import spans
from workbench.views.style import duration, escape, share_of

_LABELS = 12
_LABEL_SHARE = 0.13
_SMALL_SHARE = 0.03
_REASONS = {
    "outage": ("unseen, a camera out", "square"),
    "blind": ("unseen, blind area", "diamond"),
    "unknown": ("unseen, unknown why", "circle"),
}


def unseen(gaps: pd.DataFrame | None) -> pd.DataFrame | None:
    """Return the gaps in which no other camera saw her either, or None where there is none.

    Where cameras overlap, a gap of one may lie within a visit at another: there she was seen.
    """
    if gaps is None or "unseen_s" not in gaps.columns:
        return gaps
    hidden = gaps["unseen_s"].isna() | (gaps["unseen_s"] >= gaps["gap_s"] - 1e-6)
    found = gaps[hidden].drop_duplicates(["identity_id", "start", "end"])
    return None if found.empty else found.reset_index(drop=True)


def joining(gaps: pd.DataFrame | None, shown: pd.DataFrame) -> pd.DataFrame | None:
    """Return the gaps that join two of these visits: a line from nowhere would tell nothing."""
    if gaps is None or not {"identity_id", "start", "end"} <= set(gaps.columns):
        return None
    kept = [
        pd.MultiIndex.from_frame(gaps[["identity_id", mine]]).isin(
            pd.MultiIndex.from_frame(shown[["identity_id", theirs]])
        )
        for mine, theirs in (("start", "end"), ("end", "start"))
    ]
    return gaps[kept[0] & kept[1]]


def gap_marks(
    gaps: pd.DataFrame | None, chart: Chart
) -> tuple[list[go.Scatter], list[dict[str, Any]], int]:
    """Return dashed lines, one trace a reason, words on the longest, and how many are not drawn."""
    if gaps is None:
        return [], [], 0
    steps = _steps(gaps, chart)
    rows = gaps.iloc[steps["row"]].reset_index(drop=True)
    hovers = pd.Series(_gap_hovers(rows, chart), dtype="object")
    reasons = rows["reason"].where(rows["reason"].isin(list(_REASONS)), "unknown")
    colour = chart.look.soft if chart.by_camera else chart.look.unknown
    traces: list[go.Scatter] = []
    for reason, (name, symbol) in _REASONS.items():
        chosen = (reasons == reason).to_numpy()
        if chosen.any():
            marker = {
                "symbol": symbol,
                "size": 8 if chart.by_camera else 6,
                "color": chart.look.paper,
                "line": {"color": colour, "width": 1.4},
            }
            line = {"color": colour, "width": 1.3 if chart.by_camera else 1.0, "dash": "dash"}
            found, texts = steps[chosen], hovers[chosen].tolist()
            traces += _connectors(found, texts, chart, name=name, line=line, marker=marker)
    return traces, _gap_notes(steps, rows, chart), len(gaps) - len(steps)


def _steps(frame: pd.DataFrame, chart: Chart) -> pd.DataFrame:
    """Return what can be drawn: ``row, day, x0, x1, y0, y1``."""
    steps = chart.clock.steps(*spans(frame, chart.clock))
    rows = frame.iloc[steps["row"]].reset_index(drop=True)
    if chart.by_camera:
        ends = [rows[name].astype("str") for name in ("from_camera", "to_camera")]
    else:
        ends = [rows["identity_id"]] * 2
    steps["y0"], steps["y1"] = (chart.lanes.find(steps["day"], key) for key in ends)
    return steps.dropna().reset_index(drop=True)


def _connectors(
    steps: pd.DataFrame,
    hovers: list[str],
    chart: Chart,
    *,
    name: str,
    line: dict[str, Any],
    marker: dict[str, Any],
    least: float = 0.6,
) -> list[go.Scatter]:
    """Return lines from (x0, y0) to (x1, y1) with a marker on the middle, and a legend's entry.

    The marker of a short one has `least` of its size.
    """
    n = len(steps)
    x = np.stack([steps["x0"], (steps["x0"] + steps["x1"]) // 2, steps["x1"]], axis=1)
    y = np.stack([steps["y0"], (steps["y0"] + steps["y1"]) / 2, steps["y1"]], axis=1)
    across = np.array(instants(x.ravel()), dtype=object).reshape(n, 3)
    nothing = np.full((n, 1), None, dtype=object)
    small = (steps["x1"] - steps["x0"]) < _SMALL_SHARE * chart.span
    size = np.zeros((n, 4))
    size[:, 1] = np.where(small, marker["size"] * least, marker["size"])
    drawn = go.Scatter(
        x=np.hstack([across, nothing]).ravel().tolist(),
        y=np.hstack([y.round(4).astype(object), nothing]).ravel().tolist(),
        mode="lines+markers",
        name=name,
        showlegend=False,
        line=line,
        marker=marker | {"size": size.ravel().tolist(), "opacity": [0, 1, 0, 0] * n},
        hovertext=[text for hover in hovers for text in ("", hover, "", "")],
        hovertemplate="%{hovertext}<extra></extra>",
    )
    entry = go.Scatter(
        x=[None], y=[None], mode="lines+markers", name=name, line=line, marker=marker
    )
    return [drawn, entry]


def _gap_hovers(rows: pd.DataFrame, chart: Chart) -> list[str]:
    lengths = (rows["end"] - rows["start"]).dt.total_seconds()
    people = {one: chart.person(one) for one in rows["identity_id"].unique()}
    return [
        f"<b>nobody saw {people[who]} for {duration(long)}</b><br>{when}<br>{way}<br>{reason}"
        "<br>no sighting is not absence"
        for who, long, when, way, reason in zip(
            rows["identity_id"],
            lengths,
            chart.when(rows),
            _ways(rows, chart),
            _reasons(rows, chart),
            strict=True,
        )
    ]


def _ways(rows: pd.DataFrame, chart: Chart) -> list[str]:
    return [
        " → ".join("a place" if pd.isna(one) else chart.camera(one) for one in pair)
        for pair in zip(rows["from_camera"], rows["to_camera"], strict=True)
    ]


def _reasons(rows: pd.DataFrame, chart: Chart) -> list[str]:
    """Return what explains each gap, in words."""
    said = rows.reindex(columns=["reason", "outage_camera", "outage_s"])
    long = (rows["end"] - rows["start"]).dt.total_seconds()
    meaning = {"blind": "reason: blind, no camera between"}
    return [
        f"reason: outage of {chart.camera(camera)}{share_of(out, whole)}"
        if reason == "outage" and pd.notna(camera)
        else meaning.get(reason, "reason: unknown")
        for reason, camera, out, whole in zip(*(said[n] for n in said), long, strict=True)
    ]


def _gap_notes(steps: pd.DataFrame, rows: pd.DataFrame, chart: Chart) -> list[dict[str, Any]]:
    """Return words for the longest gaps, where there is room for them."""
    if not chart.by_camera or steps.empty:
        return []
    camera = rows.reindex(columns=["outage_camera"])["outage_camera"].astype("str")
    length = (rows["end"] - rows["start"]).dt.total_seconds()
    partly = rows.reindex(columns=["outage_s"])["outage_s"] < length - 1e-6
    lane = chart.lanes.find(steps["day"], camera.fillna(""))
    long = (steps["x1"] - steps["x0"]).nlargest(_LABELS)
    notes = []
    for i in long[long > _LABEL_SHARE * chart.span].index:
        step, word = steps.loc[i], escape(rows.at[i, "reason"], longest=40)
        if word == "outage" and pd.notna(camera[i]):
            word = f"{'partly ' * bool(partly[i])}outage: {chart.short(camera[i])}"
        y = (step["y0"] + step["y1"]) / 2
        # Away from the lane of the camera that was out: there stands the hatched bar.
        shift = -13 if lane[i] < y else 13
        notes.append(note(int(step["x0"] + step["x1"]) // 2, y, word, chart, yshift=shift))
    return notes


def implausible_marks(
    odd: pd.DataFrame | None, chart: Chart
) -> tuple[list[go.Scatter], list[dict[str, Any]]]:
    """Return lines in the colour of alarm, with what is wrong in words on the first few."""
    steps = pd.DataFrame() if odd is None else _steps(odd, chart)
    if odd is None or steps.empty:
        return [], []
    rows = odd.iloc[steps["row"]].reset_index(drop=True)
    speeds = rows.reindex(columns=["speed_m_s"])["speed_m_s"]
    words = [
        escape(reason, longest=40) + ("" if pd.isna(speed) else f", {speed:.1f} m/s")
        for reason, speed in zip(rows["reason"], speeds, strict=True)
    ]
    hovers = [
        f"<b>implausible: {word}</b><br>{chart.person(who)}<br>{way}<br>{when}"
        "<br>a wrong identification, a wrong clock or a wrong position"
        for word, who, way, when in zip(
            words, rows["identity_id"], _ways(rows, chart), chart.when(rows), strict=True
        )
    ]
    alarm = chart.look.alarm
    marker = {"symbol": "x", "size": 10, "color": alarm,
              "line": {"color": chart.look.paper, "width": 1}}  # fmt: skip
    line = {"color": alarm, "width": 2.2}
    traces = _connectors(
        steps, hovers, chart, name="implausible move", line=line, marker=marker, least=1.0
    )
    first = zip(steps.head(_LABELS).to_dict("records"), words, strict=False)
    return traces, [_alarm_note(step, word, chart) for step, word in first]


def _alarm_note(step: Mapping[Any, Any], word: str, chart: Chart) -> dict[str, Any]:
    middle = int(step["x0"] + step["x1"]) // 2
    left = middle - chart.clock.low < 0.7 * chart.span
    return note(
        middle,
        (step["y0"] + step["y1"]) / 2,
        f"<b>{word}</b>",
        chart,
        font={"color": chart.look.alarm},
        xanchor="left" if left else "right",
        xshift=10 if left else -10,
        yshift=0 if chart.by_camera else round(chart.lane_px / 2),
    )
