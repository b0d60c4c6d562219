"""The bars of a timeline: visits, coloured by camera, and the times in which a camera was out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from workbench.views.charts.chart import Chart, instants, note, plural, words_px
from workbench.views.charts.lanes import OUT, spans, stacked
from workbench.views.style import duration, escape

_NARROW = 0.004
_LETTER_PX, _CHARACTER_PX = 8.0, 6.8
_LONGEST = 5  # most letters of visits that are too near each other for one each
_NAMED = 120  # most bars with words on them
_ON_BAR_PX, _LEAST_PX = 16.0, 7.0  # width and height of a bar that has room for a letter


def visit_traces(shown: pd.DataFrame, chart: Chart) -> list[Any]:
    """Return the bars of visits, one trace a camera, and ticks for those too short to be seen.

    Where lanes are identities, letters above them say which camera it was, and so does the legend.

    Parameters
    ----------
    shown : DataFrame
        Visits with ``spot``, the id of the camera or place.
    chart : Chart
    """
    if shown.empty:
        return []
    rows = _rows(shown, chart)
    rows["hover"] = np.array(_visit_hovers(shown, chart), dtype=object)[rows["row"]]
    narrow = rows["us"] < _NARROW * chart.span
    traces = [_bars(str(spot), hers, chart) for spot, hers in rows[~narrow].groupby("spot")]
    entries = [] if chart.by_camera else [*_letters(rows, chart),
                                          *_entries(rows, chart)]  # fmt: skip
    return [*traces, *([_ticks(rows[narrow], chart)] if narrow.any() else []), *entries]


def _words(rows: pd.DataFrame, chart: Chart) -> pd.Series:
    """Return what stands on each bar: the name of its camera, its letter, or nothing."""
    wide = rows["us"] / max(chart.span, 1) * chart.px(chart.clock.high)
    high = rows["height"] * chart.lane_px
    names = rows["spot"].map({spot: chart.short(spot) for spot in rows["spot"].unique()})
    letters = rows["spot"].map(chart.letters).fillna("") if chart.lettered else ""
    said = names.where(wide > names.map(words_px), pd.Series(letters, rows.index))
    room = (wide > _ON_BAR_PX) & (high >= _LEAST_PX)
    return said.where(room & ((said != "") & room).cumsum().le(_NAMED), "")


def bar_names(shown: pd.DataFrame, chart: Chart) -> list[dict[str, Any]]:
    """Return the names or letters of the cameras on bars wide enough, in lanes of identities."""
    if chart.by_camera or shown.empty:
        return []
    rows = _rows(shown, chart)
    rows["said"] = _words(rows, chart)
    rows["size"] = np.where(rows["height"] * chart.lane_px > 16, 11, 9)
    return [
        note(
            row["x0"] + row["us"] // 2,
            row["y"],
            row["said"],
            chart,
            font={"color": chart.look.ink, "size": row["size"]},
        )
        for row in rows[rows["said"] != ""].to_dict("records")
    ]


def _letters(rows: pd.DataFrame, chart: Chart) -> list[go.Scatter]:
    """Return the letters above the visits; those of visits close together stand together."""
    rows = rows[_words(rows, chart) == ""] if chart.lettered else rows.iloc[:0]
    if rows.empty:
        return []
    rows = rows.sort_values(["lane", "x0"], kind="stable")
    middle = rows["x0"] + rows["us"] // 2
    near = _LETTER_PX / max(chart.px(chart.clock.high), 1) * chart.span
    apart = (middle.diff() > near) | (rows["lane"] != rows["lane"].shift())
    letter = rows["spot"].map(chart.letters).fillna("·")
    again = (letter == letter.shift()) & ~apart
    bunches = pd.DataFrame(
        {"bunch": apart.cumsum(), "lane": rows["lane"], "x": middle, "letter": letter}
    )
    said = bunches[~again].groupby("bunch")["letter"].agg("".join)
    place = bunches.groupby("bunch").agg(lane=("lane", "first"), x=("x", "mean"))
    px = place["x"] / max(chart.span, 1) * chart.px(chart.clock.high)
    beside = px.groupby(place["lane"]).diff()
    room = pd.concat([beside, beside.groupby(place["lane"]).shift(-1)], axis=1).min(axis=1)
    most = np.minimum(room.fillna(np.inf) / _CHARACTER_PX, _LONGEST)
    return [
        go.Scatter(
            x=instants(place["x"].astype("int64")),
            y=(place["lane"] - chart.bar / 2 - 6 / chart.lane_px).round(4).tolist(),
            mode="text",
            text=[_fitting(word, int(n)) for word, n in zip(said, most, strict=True)],
            textfont={"size": 10, "color": chart.look.ink, "shadow": chart.look.halo},
            name="letters of cameras",
            showlegend=False,
            hoverinfo="skip",
            cliponaxis=False,
        )
    ]


def _fitting(letters: str, most: int) -> str:
    return letters if len(letters) <= most else letters[: most - 1] + "…" if most > 1 else ""


def _rows(shown: pd.DataFrame, chart: Chart) -> pd.DataFrame:
    """Return the pieces of visits with their place: ``row, lane, height, x0, us, y``."""
    pieces = chart.clock.pieces(*spans(shown, chart.clock))
    rows = shown.iloc[pieces["row"]].reset_index(drop=True)
    lane = chart.lanes.find(pieces["day"], rows["spot" if chart.by_camera else "identity_id"])
    level, deep = stacked(lane, pieces["x0"], pieces["x1"])
    height = chart.bar / deep
    return rows.assign(
        row=pieces["row"],
        lane=lane,
        height=height,
        x0=pieces["x0"],
        us=pieces["x1"] - pieces["x0"],
        y=(lane - chart.bar / 2 + height * (level + 0.5)).round(4),
    )


def _bars(spot: str, rows: pd.DataFrame, chart: Chart) -> go.Bar:
    return go.Bar(
        orientation="h",
        base=instants(rows["x0"]),
        x=(rows["us"] / 1000).tolist(),
        y=rows["y"].tolist(),
        width=(rows["height"] * 0.94).round(4).tolist(),
        name=chart.camera(spot),
        showlegend=False,
        marker={"color": chart.colours[spot], "line": {"color": chart.look.edge, "width": 0.6}},
        hovertext=rows["hover"].tolist(),
        hovertemplate="%{hovertext}<extra></extra>",
    )


def _ticks(rows: pd.DataFrame, chart: Chart) -> go.Scatter:
    long = np.maximum(5.0, rows["height"] * chart.lane_px)
    return go.Scatter(
        x=instants(rows["x0"] + rows["us"] // 2),
        y=rows["y"].tolist(),
        mode="markers",
        name="short visit",
        showlegend=False,
        # plotly draws this symbol 1.4 times as long as its size says.
        marker={
            "symbol": "line-ns",
            # Of several sizes plotly makes bubbles, which it lets shine through.
            "opacity": 1,
            "size": (long / 1.4).round(1).tolist(),
            "line": {"width": 3, "color": rows["spot"].map(chart.colours).tolist()},
        },
        hovertext=rows["hover"].tolist(),
        hovertemplate="%{hovertext}<extra></extra>",
    )


def _entries(rows: pd.DataFrame, chart: Chart) -> list[go.Scatter]:
    """Return one entry of the legend for each camera with a letter, and one for the others."""
    said = {spot: f"{letter}  " * chart.lettered for spot, letter in chart.letters.items()}
    colours = {said[spot] + chart.short(spot): chart.colours[spot] for spot in said}
    others = rows["spot"][~rows["spot"].isin(list(chart.letters))].nunique()
    if others:
        dot = "·  " * chart.lettered
        colours[f"{dot}{plural(others, 'other camera')}"] = chart.look.unknown
    return [
        go.Scatter(
            x=[None],
            y=[None],
            mode="markers",
            name=name,
            legendrank=100,
            marker={"symbol": "square", "size": 11, "color": colour,
                    "line": {"color": chart.look.edge, "width": 0.6}},
        )
        for name, colour in colours.items()
    ]  # fmt: skip


def _visit_hovers(shown: pd.DataFrame, chart: Chart) -> list[str]:
    people = {one: chart.person(one) for one in shown["identity_id"].unique()}
    spots = {one: chart.camera(one) for one in shown["spot"].unique()}
    lengths = (shown["end"] - shown["start"]).dt.total_seconds()
    counts = ["" if pd.isna(n) else f", {plural(int(n), 'sighting')}" for n in shown["sightings"]]
    return [
        f"<b>{people[who]}</b><br>{spots[spot]}<br>{when}<br>visit of {duration(long)}{count}"
        for who, spot, when, long, count in zip(
            shown["identity_id"], shown["spot"], chart.when(shown), lengths, counts, strict=True
        )
    ]


def relevant(
    outages: pd.DataFrame | None, shown: pd.DataFrame, gaps: pd.DataFrame | None
) -> pd.DataFrame | None:
    """Return the outages of the cameras visited, and of those that explain a gap."""
    if outages is None or outages.empty or shown.empty:
        return None
    wanted = set(shown["spot"])
    if gaps is not None and "outage_camera" in gaps.columns:
        wanted |= set(gaps["outage_camera"].dropna())
    rows = outages.dropna(subset=["camera_id", "start", "end"])
    rows = rows[
        rows["camera_id"].isin(wanted)
        & (rows["end"] > shown["start"].min())
        & (rows["start"] < shown["end"].max())
    ]
    return None if rows.empty else rows.sort_values(["start", "camera_id"], ignore_index=True)


def outage_marks(
    out: pd.DataFrame | None, chart: Chart
) -> tuple[list[go.Bar], list[dict[str, Any]]]:
    """Return grey hatched bars where cameras were out, and what stands on those wide enough."""
    if out is None or chart.lanes.kind == "day":
        return [], []
    pieces = chart.clock.pieces(*spans(out, chart.clock))
    rows = out.iloc[pieces["row"]].reset_index(drop=True)
    own = chart.by_camera
    key = rows["camera_id"] if own else pd.Series(OUT, index=rows.index, dtype="object")
    lane = chart.lanes.find(pieces["day"], key)
    x0 = pieces["x0"].clip(lower=chart.clock.low)
    x1 = pieces["x1"].clip(upper=chart.clock.high)
    level, deep = stacked(lane, x0, x1)
    height = (0.96 if own else 0.8) / deep
    y = (lane - height * deep / 2 + height * (level + 0.5)).round(4)
    bars = go.Bar(
        orientation="h",
        base=instants(x0),
        x=((x1 - x0) / 1000).tolist(),
        y=y.tolist(),
        width=(height * 0.94).round(4).tolist(),
        name="camera out",
        marker={
            "color": "rgba(0, 0, 0, 0)",
            "line": {"color": chart.look.unknown, "width": 1},
            "pattern": {"shape": "/", "fgcolor": chart.look.unknown, "size": 6, "solidity": 0.25},
        },
        hovertext=_outage_hovers(rows, chart),
        hovertemplate="%{hovertext}<extra></extra>",
    )
    said = ["out"] * len(rows) if own else [chart.short(one) for one in rows["camera_id"]]
    words = zip(x0, x1, y, height, said, strict=True)
    return [bars], [_word(a, b, up, text, chart) for a, b, up, high, text in words
                    if high * chart.lane_px >= 11]  # fmt: skip


def _word(x0: int, x1: int, y: float, text: str, chart: Chart) -> dict[str, Any]:
    """Return what stands on a bar, or behind it where it is too short."""
    ink = {"color": chart.look.ink}
    wide = chart.px(x1) - chart.px(x0)
    if wide > words_px(text):
        return note((x0 + x1) // 2, y, text, chart, font=ink)
    if chart.px(x1) + words_px(text) > chart.px(chart.clock.high):
        return note(x0, y, text, chart, font=ink, xanchor="right", xshift=-3)
    return note(x1, y, text, chart, font=ink, xanchor="left", xshift=3)


def _outage_hovers(rows: pd.DataFrame, chart: Chart) -> list[str]:
    sources = rows.reindex(columns=["source"])["source"]
    said = ["" if pd.isna(one) else f"<br>says: {escape(one)}" for one in sources]
    return [
        f"<b>{chart.camera(camera)} was out</b><br>{when}{source}<br>no sighting is not absence"
        for camera, when, source in zip(rows["camera_id"], chart.when(rows), said, strict=True)
    ]
