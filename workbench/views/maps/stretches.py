"""The path of a map: what was seen, coloured by time, and the stretches nobody saw."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from workbench.views.maps.plan import Plan, broken
from workbench.views.maps.stays import called, moment, place
from workbench.views.style import Theme, duration, escape, viridis

Kind = Literal["seen", "short", "gap"]
"""What a step is: see :func:`stretches_of`."""

MANY = 300
"""More steps or dots than this are drawn finer."""

_BINS = 20


@dataclass(frozen=True, slots=True)
class Tell:
    """What hovers say of a step: ``names`` of cameras and ``people`` of identities by id."""

    names: Mapping[str, str]
    people: Mapping[str, str]
    zone: ZoneInfo
    max_gap_s: float

    def gap(self, step: Mapping[Any, Any]) -> str:
        """Return what the hover of a step that nobody saw says, escaped."""
        away = duration((step["to_us"] - step["from_us"]) / 1e6)
        dark = step["to_us"] > step["from_us"]
        lines = [
            f"<b>{called(step['who'], self.people)}</b>",
            f"<b>nobody saw for {away}</b>" if dark else "<b>seen meanwhile by another camera</b>",
            self.when(*sorted((step["from_us"], step["to_us"]))),
            self.way(step["from_camera"], step["to_camera"]),
        ]
        if step["unseen"]:
            lines.append(f"reason: {self._reason(step)}")
        return "<br>".join([*lines, *["no sighting is not absence"] * dark])

    def seen(self, step: Mapping[Any, Any]) -> str:
        """Return what the hover of a step that somebody saw says, escaped."""
        return "<br>".join(
            [
                f"<b>{called(step['who'], self.people)}</b>",
                self.when(*sorted((step["from_us"], step["to_us"]))),
                self.way(step["from_camera"], step["to_camera"]),
            ]
        )

    def when(self, first: int, last: int) -> str:
        """Return "from - to zone"; the date of the end only where it is another."""
        one, two = moment(first, self.zone), moment(last, self.zone)
        return f"{one} – {two[11:] if one[:10] == two[:10] else two} {escape(self.zone.key)}"

    def way(self, one: object, two: object) -> str:
        """Return "camera → camera", escaped."""
        return f"{place(one, self.names)} → {place(two, self.names)}"

    def _reason(self, step: Mapping[Any, Any]) -> str:
        if pd.isna(step["reason"]):
            return "not asked"
        if step["reason"] != "outage":
            meaning = {"blind": "blind (no camera between)"}
            return meaning.get(step["reason"], escape(step["reason"]))
        source = "" if pd.isna(step["source"]) else f" ({escape(step['source'])})"
        return f"outage of {place(step['outage_camera'], self.names)}{source}"


def stretches_of(
    vertices: pd.DataFrame, gaps: pd.DataFrame | None, max_gap_s: float
) -> pd.DataFrame:
    """Return each step from one vertex to the next of the same identity.

    A step is ``seen`` within a visit, and between two cameras that saw her at once in these
    visits. It is a ``gap`` where nobody saw her for longer than `max_gap_s`, else ``short``: nobody
    followed her from the one to the other. One that nobody saw begins where she was seen last:
    with overlapping cameras that may be an earlier vertex than the one before.

    Returns
    -------
    DataFrame
        ``x0, y0, x1, y1, plan0, plan1``, ``us`` (of the vertex before), ``from_us, to_us``
        (latest sighting so far, next one), ``from_camera, to_camera, who, kind, unseen`` (whether
        it is a gap), ``reason, outage_camera, source`` (from `gaps`).
    """
    until = vertices.groupby("who", sort=False)["until"].cummax()
    latest = np.where(vertices["until"] == until, np.arange(len(vertices)), 0)
    latest = np.maximum.accumulate(latest)[:-1]
    before, after = vertices.iloc[:-1].reset_index(drop=True), vertices.iloc[1:]
    after = after.reset_index(drop=True)
    dark = after["us"] - until.iloc[:-1].to_numpy()
    unseen = dark > round(max_gap_s * 1e6)
    one = vertices.iloc[latest].reset_index(drop=True).where(dark > 0, before)
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
            "kind": np.select([unseen, before["until"] < after["since"]], ["gap", "short"], "seen"),
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


def on_plan(stretches: pd.DataFrame, number: int, kind: Kind) -> pd.DataFrame:
    """Return the steps of one kind that begin and end on one level."""
    here = (stretches["plan0"] == number) & (stretches["plan1"] == number)
    return stretches[here & (stretches["kind"] == kind)]


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


def short_traces(steps: pd.DataFrame, plan: Plan, tell: Tell, look: Theme) -> list[go.Scatter]:
    """Return the dotted lines from one visit to the next where nobody saw her for a moment.

    Straight, for where she really went nobody knows; told about under the middle of each.
    """
    if steps.empty:
        return []
    x, y = (steps[[f"{name}0", f"{name}1"]].to_numpy("float64") for name in ("x", "y"))
    name = f"not followed, {tell.max_gap_s:g} s at most"
    return [
        go.Scatter(
            x=broken(x), y=broken(y), mode="lines", name=name, hoverinfo="skip",
            line={"color": look.soft, "width": 1.6 if len(steps) <= MANY else 0.9, "dash": "dot"},
            opacity=0.85 if len(steps) <= MANY else 0.5, **plan.axes,
        ),
        go.Scatter(
            x=x.mean(axis=1).tolist(), y=y.mean(axis=1).tolist(), mode="markers", name=name,
            showlegend=False, marker={"size": 7, "color": look.soft, "opacity": 0},
            hovertext=[tell.gap(step) for step in steps.to_dict("records")],
            hovertemplate="%{hovertext}<extra></extra>", **plan.axes,
        ),
    ]  # fmt: skip


def unseen_traces(gone: pd.DataFrame, plan: Plan, tell: Tell, look: Theme) -> list[go.Scatter]:
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
            hovertext=[tell.gap(step) for step in gone.to_dict("records")],
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
