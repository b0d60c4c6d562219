"""The path of a map: what was seen, coloured by time, and the stretches nobody saw."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from workbench.views.maps.plan import Plan, broken
from workbench.views.maps.stays import moment
from workbench.views.style import Theme, duration, escape, viridis

MANY = 300
"""More steps or dots than this are drawn finer."""

_BINS = 20


def stretches_of(
    vertices: pd.DataFrame, gaps: pd.DataFrame | None, max_gap_s: float
) -> pd.DataFrame:
    """Return each step from one vertex to the next of the same identity.

    A step nobody saw begins where she was seen last: with overlapping cameras that may be an
    earlier vertex than the one before.

    Returns
    -------
    DataFrame
        ``x0, y0, x1, y1, plan0, plan1``, ``us`` (of the vertex before), ``from_us, to_us``
        (latest sighting so far, next one), ``from_camera, to_camera, who, unseen`` (longer than
        `max_gap_s`), ``reason, outage_camera, source`` (from `gaps`).
    """
    until = vertices.groupby("who", sort=False)["until"].cummax()
    latest = np.where(vertices["until"] == until, np.arange(len(vertices)), 0)
    latest = np.maximum.accumulate(latest)[:-1]
    before, after = vertices.iloc[:-1].reset_index(drop=True), vertices.iloc[1:]
    after = after.reset_index(drop=True)
    unseen = after["us"] - until.iloc[:-1].to_numpy() > round(max_gap_s * 1e6)
    one = vertices.iloc[latest].reset_index(drop=True).where(unseen, before)
    steps = pd.DataFrame(
        {
            "x0": one["x"],
            "y0": one["y"],
            "x1": after["x"],
            "y1": after["y"],
            "plan0": one["plan"],
            "plan1": after["plan"],
            "us": before["us"],
            "from_us": until.iloc[:-1],
            "to_us": after["us"],
            "from_camera": one["camera_id"],
            "to_camera": after["camera_id"],
            "who": before["who"],
            "unseen": unseen,
        }
    )
    steps = steps[(before["who"] == after["who"]).to_numpy()].reset_index(drop=True)
    return _explained(steps, gaps)


def _explained(steps: pd.DataFrame, gaps: pd.DataFrame | None) -> pd.DataFrame:
    wanted = ["reason", "outage_camera", "source"]
    if gaps is None or gaps.empty:
        return steps.reindex(columns=[*steps.columns, *wanted])
    known = gaps.reindex(columns=["identity_id", "start", "end", *wanted])
    known = known.assign(
        from_us=known["start"].dt.as_unit("us").astype("int64"),
        to_us=known["end"].dt.as_unit("us").astype("int64"),
    ).rename(columns={"identity_id": "who"})
    known["who"] = known["who"].fillna("")
    known = known.drop_duplicates(["who", "from_us", "to_us"])
    return steps.merge(
        known[["who", "from_us", "to_us", *wanted]], how="left", on=["who", "from_us", "to_us"]
    )


def on_plan(stretches: pd.DataFrame, number: int, *, unseen: bool) -> pd.DataFrame:
    """Return the steps on one level that somebody saw, or those that nobody did."""
    here = (stretches["plan0"] == number) & (stretches["plan1"] == number)
    return stretches[here & (stretches["unseen"] == unseen)]


def path_traces(
    seen: pd.DataFrame, plan: Plan, span: tuple[int, int], look: Theme
) -> list[go.Scatter]:
    """Return the lines of what was seen on a level, one a step of colour, and their casing.

    The casing, a wider line below, keeps both ends of the scale readable on any surface.
    """
    if seen.empty:
        return []
    first, last = span
    middle: pd.Series = (seen["us"] + seen["to_us"]) / 2
    share = (middle - first) / max(last - first, 1)
    step = np.clip((share.to_numpy("float64") * _BINS).astype("int64"), 0, _BINS - 1)
    width, opacity = (3.0, 1.0) if len(seen) <= MANY else (1.6, 0.8)

    def line(part: pd.DataFrame, colour: str, width: float, name: str) -> go.Scatter:
        return go.Scatter(
            x=broken(part[["x0", "x1"]].to_numpy("float64")),
            y=broken(part[["y0", "y1"]].to_numpy("float64")),
            mode="lines",
            name=name,
            showlegend=False,
            hoverinfo="skip",
            line={"color": colour, "width": width},
            **plan.axes,
        )

    lines = [line(seen, look.casing, width + 1.6, "casing")]
    for number in np.unique(step):
        colour = viridis((number + 0.5) / _BINS)
        lines.append(line(seen[step == number], colour, width, "seen"))
        lines[-1].opacity = opacity
    return lines


def path_entry() -> go.Scatter:
    """Return the legend's line for a path. A value has no colour: it gets the middle one."""
    return go.Scatter(
        x=[None], y=[None], mode="lines+markers", name="path (colour: time)",
        line={"color": viridis(0.5), "width": 3}, marker={"size": 8, "color": viridis(0.5)},
    )  # fmt: skip


def unseen_traces(
    gone: pd.DataFrame, plan: Plan, names: Mapping[str, str], zone: ZoneInfo, look: Theme
) -> list[go.Scatter]:
    """Return the dashed lines of what nobody saw, and a ring on each that tells about it."""
    if gone.empty:
        return []
    bows = arcs(gone)
    fine = len(gone) > 40
    return [
        go.Scatter(
            x=broken(bows[:, :, 0]),
            y=broken(bows[:, :, 1]),
            mode="lines",
            name="nobody saw",
            line={"color": look.soft, "width": 1 if fine else 2, "dash": "dash"},
            opacity=0.5 if fine else 1,
            hoverinfo="skip",
            **plan.axes,
        ),
        go.Scatter(
            x=bows[:, bows.shape[1] // 2, 0].tolist(),
            y=bows[:, bows.shape[1] // 2, 1].tolist(),
            mode="markers",
            name="nobody saw",
            showlegend=False,
            marker={"symbol": "circle", "size": 6 if fine else 9, "color": look.paper,
                    "line": {"color": look.soft, "width": 1.5}},
            hovertext=[gap_text(step, names, zone) for step in gone.to_dict("records")],
            hovertemplate="%{hovertext}<extra></extra>",
            **plan.axes,
        ),
    ]  # fmt: skip


def arcs(steps: pd.DataFrame, bend: float = 0.18) -> np.ndarray:
    """Return a bow for each step, (n, 13, 2): there and back do not cover each other."""
    start = steps[["x0", "y0"]].to_numpy("float64")[:, None, :]
    end = steps[["x1", "y1"]].to_numpy("float64")[:, None, :]
    across = end - start
    bow = start + across / 2 + bend * np.stack([-across[..., 1], across[..., 0]], axis=-1)
    t = np.linspace(0, 1, 13)[None, :, None]
    return (1 - t) ** 2 * start + 2 * t * (1 - t) * bow + t**2 * end


def gap_text(step: Mapping[Any, Any], names: Mapping[str, str], zone: ZoneInfo) -> str:
    """Return what the hover of a step that nobody saw says, escaped."""
    lines = [
        f"<b>nobody saw for {duration((step['to_us'] - step['from_us']) / 1e6)}</b>",
        f"{moment(step['from_us'], zone)} – {moment(step['to_us'], zone)} {escape(zone.key)}",
        f"{escape(names[step['from_camera']])} → {escape(names[step['to_camera']])}",
        f"reason: {_reason(step, names)}",
        "no sighting is not absence",
    ]
    return "<br>".join(lines)


def _reason(step: Mapping[Any, Any], names: Mapping[str, str]) -> str:
    if pd.isna(step["reason"]):
        return "not asked"
    if step["reason"] != "outage":
        meaning = {"blind": "blind (no camera between)"}
        return meaning.get(step["reason"], escape(step["reason"]))
    camera = step["outage_camera"]
    source = "" if pd.isna(step["source"]) else f" ({escape(step['source'])})"
    return f"outage of {escape(names.get(camera, camera))}{source}"
