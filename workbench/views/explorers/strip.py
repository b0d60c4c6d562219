"""The timeline of an explorer: a lane for each camera or identity, to be brushed and clicked."""

from __future__ import annotations

from collections.abc import Mapping
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from workbench.views import style
from workbench.views.maps.plan import broken
from workbench.views.style import Theme, duration, escape, identity_colour

_LANE_PX, _MOST_PX = 24, 420
_NAME = 24
CURSOR, BRUSH = 0, 1
"""The numbers of the shapes: the line at the moment shown, the rectangle of the time chosen."""


def strip(
    visits: pd.DataFrame,
    *,
    gaps: pd.DataFrame,
    outages: pd.DataFrame,
    names: Mapping[str, str],
    people: Mapping[str, str],
    zone: ZoneInfo,
    look: Theme,
) -> go.Figure:
    """Return the timeline: lanes are cameras for one identity, identities for several.

    Bars are visits, dashed lines the times nobody saw her, grey bars (in lanes of cameras) when
    the camera was out. A horizontal box chooses a time. What is clicked has ``customdata``:
    the start of its visit, microseconds since 1970.

    Parameters
    ----------
    visits, gaps, outages : DataFrame
        As ``bench.tracks`` gives them.
    names, people : mapping of str to str
        What cameras and identities are called, by id.
    zone : ZoneInfo
        Of the times on the axis.
    look : Theme
    """
    stays = visits[visits["camera_id"].notna()]
    whose = stays["identity_id"].astype("str").fillna("")
    several = whose.nunique() > 1
    keys = whose if several else stays["camera_id"].astype("str")
    lanes = {key: n for n, key in enumerate(dict.fromkeys(keys))}
    traces = []
    if not several:
        traces += _outages(outages, lanes, zone, look)
    traces += _gaps(gaps, lanes, several, zone, look)
    traces += [
        _bars(part, who, keys.loc[part.index].map(lanes), names, people, zone, look)
        for who, part in stays.assign(_who=whose).groupby("_who", sort=False)
    ]
    figure = go.Figure(traces)
    labels = [escape((people if several else names).get(k, k), longest=_NAME) for k in lanes]
    figure.update_layout(_layout(labels, stays, zone, look))
    return figure


def clock(instants: pd.Series, zone: ZoneInfo) -> list[str]:
    """Return instants as plotly writes local times."""
    naive = instants.dt.tz_convert(zone).dt.tz_localize(None)
    return naive.dt.strftime("%Y-%m-%d %H:%M:%S.%f").tolist()


def instant(text: object, zone: ZoneInfo) -> pd.Timestamp:
    """Return the instant of a local time as plotly writes it; of a repeated hour the first."""
    naive = pd.Timestamp(str(text))
    local = naive.tz_localize(zone, ambiguous=True, nonexistent="shift_forward")
    return local.tz_convert("UTC")


def _bars(
    stays: pd.DataFrame,
    who: object,
    lane: pd.Series,
    names: Mapping[str, str],
    people: Mapping[str, str],
    zone: ZoneInfo,
    look: Theme,
) -> go.Scatter:
    """Return the visits of one identity, each a thick line that begins with a dot."""
    start, end = clock(stays["start"], zone), clock(stays["end"], zone)
    y = lane.tolist()
    us = stays["start"].dt.as_unit("us").astype("int64").tolist()
    said = [
        f"<b>{escape(people.get(str(who), str(who)))}</b><br>"
        f"{escape(names.get(row['camera_id'], row['camera_id']))}<br>"
        f"{first[11:19]} – {last[11:19]} {escape(zone.key)}<br>"
        f"{duration(row['dwell_s'])}, {row['sightings']} sighting{'s' * (row['sightings'] != 1)}"
        for row, first, last in zip(stays.to_dict("records"), start, end, strict=True)
    ]
    many = 3
    cells = [cell for pair in zip(start, end, strict=True) for cell in (*pair, None)]
    colour = identity_colour(str(who) or None)
    return go.Scatter(
        x=cells,
        y=broken(np.repeat(np.array(y, dtype="float64"), 2).reshape(-1, 2)),
        mode="lines+markers",
        name="visit",
        showlegend=False,
        line={"color": colour, "width": 9},
        marker={"color": colour, "size": 9, "symbol": "square", "line": {"width": 0}},
        hovertext=[text for one in said for text in (one,) * many],
        hovertemplate="%{hovertext}<extra></extra>",
        customdata=[one for moment in us for one in (moment,) * many],
        unselected={"marker": {"opacity": 1}},  # the brush is shown by a rectangle
    )


def _outages(
    outages: pd.DataFrame, lanes: Mapping[str, int], zone: ZoneInfo, look: Theme
) -> list[go.Scatter]:
    out = outages[outages["camera_id"].isin(list(lanes))]
    if out.empty:
        return []
    start, end = clock(out["start"], zone), clock(out["end"], zone)
    y = out["camera_id"].map(lanes).to_numpy("float64")
    return [
        go.Scatter(
            x=[cell for pair in zip(start, end, strict=True) for cell in (*pair, None)],
            y=broken(np.repeat(y, 2).reshape(-1, 2)),
            mode="lines", name="camera out", line={"color": look.unknown, "width": 15},
            opacity=0.45, showlegend=True, hoverinfo="text",
            hovertext=[
                text
                for row, a, b in zip(out.to_dict("records"), start, end, strict=True)
                for text in (f"<b>camera out</b><br>{a[11:19]} – {b[11:19]}<br>"
                             f"{escape(row.get('source'))}",) * 3
            ],
        )
    ]  # fmt: skip


def _gaps(
    gaps: pd.DataFrame, lanes: Mapping[str, int], several: bool, zone: ZoneInfo, look: Theme
) -> list[go.Scatter]:
    """Return a dashed line from where she was seen last to where she was seen again."""
    if gaps.empty:
        return []
    ends = (gaps["identity_id"],) * 2 if several else (gaps["from_camera"], gaps["to_camera"])
    one, two = (part.astype("str").map(lanes) for part in ends)
    drawn = gaps[one.notna() & two.notna()]
    if drawn.empty:
        return []
    start, end = clock(drawn["start"], zone), clock(drawn["end"], zone)
    y = np.column_stack([one[drawn.index], two[drawn.index]]).astype("float64")
    return [
        go.Scatter(
            x=[cell for pair in zip(start, end, strict=True) for cell in (*pair, None)],
            y=broken(y), mode="lines", name="nobody saw", showlegend=True,
            line={"color": look.soft, "width": 1.5, "dash": "dash"}, hoverinfo="text",
            hovertext=[
                text
                for row in drawn.to_dict("records")
                for text in (f"<b>nobody saw for {duration(row['gap_s'])}</b><br>"
                             f"reason: {escape(row['reason'])}",) * 3
            ],
        )
    ]  # fmt: skip


def _layout(
    labels: list[str], stays: pd.DataFrame, zone: ZoneInfo, look: Theme
) -> dict[str, object]:
    first = clock(stays["start"].iloc[:1], zone) if len(stays) else ["1970-01-01 00:00:00"]
    line = {"color": look.alarm, "width": 2}
    return {
        "template": look.template,
        "height": min(_LANE_PX * max(len(labels), 2), _MOST_PX) + 108,
        "margin": {"l": 176, "r": 20, "t": 26, "b": 60},
        "dragmode": "select",
        "selectdirection": "h",
        "clickmode": "event",
        "uirevision": "strip",
        "modebar": {"remove": ["sendChartToCloud", "sendDataToCloud", "lasso2d"]},
        "newselection": {"line": {"color": look.ink, "width": 1}},
        "activeselection": {"fillcolor": look.flow, "opacity": 0.2},
        "xaxis": {
            "type": "date",
            "title": {"text": f"{style.clock_word(zone.key)} ({escape(zone.key)})"},
        },
        "yaxis": {
            "tickmode": "array",
            "tickvals": list(range(len(labels))),
            "ticktext": labels,
            "range": [len(labels) - 0.5, -0.5],
            "fixedrange": True,
            "automargin": False,
        },
        "legend": {"orientation": "h", "x": 1, "xanchor": "right", "y": 1, "yanchor": "bottom"},
        "shapes": [
            {"type": "line", "x0": first[0], "x1": first[0], "yref": "paper", "y0": 0, "y1": 1,
             "line": line},
            {"type": "rect", "x0": first[0], "x1": first[0], "yref": "paper", "y0": 0, "y1": 1,
             "visible": False, "layer": "below", "fillcolor": look.flow, "opacity": 0.25,
             "line": {"width": 0}},
        ],
    }  # fmt: skip
