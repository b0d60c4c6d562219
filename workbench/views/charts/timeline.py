"""When somebody was where: visits as bars in lanes, gaps dashed between them, outages in grey.

Where lanes are identities, encounters link them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from workbench import times
from workbench.views.charts.bars import bar_names, outage_marks, relevant, visit_traces
from workbench.views.charts.chart import (
    LETTERS,
    NAME,
    Chart,
    apart,
    busiest,
    column,
    instants,
    palette,
    plural,
    ranked,
    require,
)
from workbench.views.charts.encounter_bands import COLOUR as TOGETHER
from workbench.views.charts.encounter_bands import among, encounter_traces, links_of
from workbench.views.charts.lanes import (
    OUT,
    Clock,
    Kind,
    Lanes,
    clock_of,
    day_name,
    lanes_of,
    spans,
)
from workbench.views.charts.links import gap_marks, implausible_marks, joining, unseen
from workbench.views.maps.plan import level_name, levels_of
from workbench.views.style import (
    Theme,
    ThemeName,
    clock_word,
    escape,
    identity_colour,
)
from workbench.views.style import theme as theme_of

LANES = 160
"""Most lanes of identities that one timeline draws."""

_PANEL_LANES = 84
_STEPS_US = tuple(minutes * 60_000_000 for minutes in (1, 2, 5, 10, 15, 30, 60, 120, 180, 240))
_LEVEL = 16
_TOP, _BOTTOM, _MIDDLE_PX = 84, 74, 760


def timeline(
    visits: pd.DataFrame,
    *,
    outages: pd.DataFrame | None = None,
    gaps: pd.DataFrame | None = None,
    cameras: pd.DataFrame | None = None,
    implausible: pd.DataFrame | None = None,
    identities: pd.DataFrame | None = None,
    encounters: pd.DataFrame | None = None,
    order: Sequence[str] | None = None,
    title: str | None = None,
    display_tz: str = "UTC",
    theme: ThemeName = "light",
) -> go.Figure:
    """Return the picture of when who was where.

    One identity: a lane a camera, the top storey first, then in order of her first visit. Several:
    a lane an identity; the seven cameras with most visits have a colour and a letter, which stands
    above each visit where there is room, the others are grey, and a bar that is wide enough has
    the name of its camera on it. Several days are panels below each other
    over the same hours of the day, and nights are cut; where every day has only a short while of
    its own, each panel begins at its first visit. One identity over so many days that this would
    be too long has one lane a day. A visit too short to be seen is drawn as a tick.

    Times stand on the local clock; in an hour that a change of clocks repeats, both lie over one
    another, and the hovers tell them apart.

    Parameters
    ----------
    visits : DataFrame
        As :func:`workbench.analytics.visits.visits` returns them.
    outages : DataFrame, optional
        As in ``schema.OUTAGE``: grey and hatched in the lane of the camera, or in a lane of their
        own where lanes are identities. Only those of cameras visited, or that explain a gap.
    gaps : DataFrame, optional
        As :func:`workbench.analytics.gaps.gaps` returns them: dashed, with what explains them.
        Those in which another camera saw her are not drawn, nor, where days are cut, those from
        one day to another.
    cameras : DataFrame, optional
        As in ``schema.CAMERA``, for names, levels and stable colours.
    implausible : DataFrame, optional
        As :func:`workbench.analytics.plausibility.implausible` returns them.
    identities : DataFrame, optional
        ``id, name``: what people are called.
    encounters : DataFrame, optional
        As :func:`workbench.analytics.co_occurrence.encounters` returns them. Where lanes are
        identities, each between two of them is a bracket from lane to lane, over a filled band
        while visits overlap, dashed where they do not; on it is a marker, beside its time where
        they crowd. All markers are the points of the one trace whose ``meta`` is ``"encounters"``;
        ``customdata`` of a point is the position (int) of its row in this table. Days without a
        visit have no panel then, gaps that join no two visits given are not drawn, and cameras
        of encounters are the first to have a letter.
    order : sequence of str, optional
        Identities in the order of their lanes; one that has no visit has an empty lane. In order
        of first visit unless given.
    title : str, optional
        Text of the title; whom it shows by default.
    display_tz : str
        Time zone of the axis and the hovers.
    theme : str
        ``light`` or ``dark``.

    Returns
    -------
    plotly.graph_objects.Figure

    Raises
    ------
    InvalidInputError
        When a column is missing, or the time zone or the theme is unknown.
    """
    look, zone = theme_of(theme), times.zone(display_tz)
    stays = _checked(visits)
    who = _people(stays, order)
    linked = encounters is not None and len(encounters) > 0 and len(who) > 1
    clock = clock_of(stays, zone, empty=not linked)
    drawn = _drawable(stays, who, len(clock.days))
    shown = stays[stays["identity_id"].isin(drawn)].reset_index(drop=True)
    met = among(encounters, drawn)
    gaps = gaps if met is None else joining(gaps, shown)
    hidden, odd = _of(unseen(gaps), drawn), _of(implausible, drawn)
    out = relevant(outages, shown, hidden)
    levels = column(cameras, "level")
    lanes = _lanes(clock, shown, drawn, out, levels)
    letters = {} if lanes.kind == "camera" else _letters(shown, met)
    cameras_all = {*_ids(cameras), *shown["spot"]}
    chart = Chart(
        clock=clock,
        lanes=lanes,
        look=look,
        names=column(cameras, "name"),
        people=column(identities, "name"),
        levels=levels,
        colours=_colours(
            lanes, cameras_all, letters, look, taken=None if met is None else TOGETHER
        ),
        zone=display_tz,
        letters=letters,
        linked=met is not None,
    )
    links = None if met is None else links_of(met, chart)
    out_bars, out_notes = outage_marks(out, chart)
    dashes, gap_notes, far = gap_marks(hidden, chart)
    alarms, alarm_notes = implausible_marks(odd, chart)
    stays_of, between = visit_traces(shown, chart), encounter_traces(links, chart)
    figure = go.Figure([*out_bars, *dashes, *stays_of, *alarms, *between, *_top(chart)])
    entries = [trace.name for trace in figure.data if trace.showlegend is not False]
    figure.update_layout(_layout(chart, entries))
    every = _of(gaps, drawn)
    same = hidden is None or every is None or len(hidden) == len(every)
    counts = {
        "encounter": None if links is None else links.drop_duplicates("position"),
        "gap" if same else "unseen gap": hidden,
        "implausible move": odd,
    }
    figure.update_layout(
        title={
            "text": _title(title, who, chart),
            "subtitle": {"text": _subtitle(stays, counts, who, drawn, far)},
        },
        annotations=[
            *_level_notes(chart),
            *apart(
                [
                    *_day_notes(shown, links, chart),
                    *alarm_notes,
                    *out_notes,
                    *gap_notes,
                    *bar_names(shown, chart),
                ],
                chart,
            ),
        ],
        shapes=_lines(chart),
    )
    if stays.empty:  # no visit, no day: an axis would show one that nobody asked for
        figure.update_xaxes(visible=False)
    return figure


def _letters(shown: pd.DataFrame, met: pd.DataFrame | None) -> dict[str, str]:
    """Return the letters of a few cameras: where encounters are, then where most visits are."""
    first = [] if met is None else busiest(met)
    return dict(zip(dict.fromkeys([*first, *busiest(shown)]), LETTERS, strict=False))


def _colours(
    lanes: Lanes, cameras: set[str], letters: Mapping[str, str], look: Theme, *, taken: str | None
) -> dict[str, str]:
    """Return the colour of each camera: its own where lanes name it, else that of its letter."""
    if lanes.kind == "camera":
        return palette(cameras)
    return dict.fromkeys(cameras, look.unknown) | ranked(list(letters), taken=taken)


def _checked(visits: pd.DataFrame) -> pd.DataFrame:
    needed = ("identity_id", "camera_id", "start", "end")
    require(visits, needed, "visits", "bench.tracks.visits")
    rows = visits.reindex(columns=[*needed, "place_id", "sightings"])
    rows["spot"] = rows["camera_id"].astype("str").fillna(rows["place_id"].astype("str"))
    rows = rows.dropna(subset=["identity_id", "spot", "start", "end"])
    by = ["start", "end", "identity_id", "spot"]
    return rows.sort_values(by, kind="stable", ignore_index=True)


def _of(frame: pd.DataFrame | None, drawn: Sequence[str]) -> pd.DataFrame | None:
    """Return the rows of the identities drawn that say when, or None where there are none."""
    needed = ["identity_id", "from_camera", "to_camera", "start", "end", "reason"]
    if frame is None or not set(needed) <= set(frame.columns):
        return None
    rows = frame[frame["identity_id"].isin(drawn) & frame["start"].notna() & frame["end"].notna()]
    return None if rows.empty else rows.reset_index(drop=True)


def _people(stays: pd.DataFrame, order: Sequence[str] | None) -> list[str]:
    seen = stays["identity_id"].unique().tolist()
    return seen if order is None else list(dict.fromkeys([*map(str, order), *seen]))


def _drawable(stays: pd.DataFrame, who: list[str], days: int) -> list[str]:
    """Return the identities that are drawn: all, or those seen longest if they are too many."""
    most = max(1, LANES // max(1, days))
    if len(who) <= most:
        return who
    length = (stays["end"] - stays["start"]).dt.total_seconds()
    seen = length.groupby(stays["identity_id"]).agg(["sum", "size"])
    longest = seen.sort_values(["sum", "size"], ascending=False, kind="stable").index[:most]
    return [one for one in who if one in set(longest)]


def _ids(cameras: pd.DataFrame | None) -> list[str]:
    known = cameras is not None and "id" in cameras.columns
    return cameras["id"].dropna().astype("str").tolist() if known and cameras is not None else []


def _lanes(
    clock: Clock,
    shown: pd.DataFrame,
    drawn: list[str],
    out: pd.DataFrame | None,
    levels: Mapping[str, str],
) -> Lanes:
    if len(drawn) == 1:
        lanes = lanes_of("camera", clock, _by_level(shown, out, levels), _used(clock, shown, out))
        if len(lanes.table) <= _PANEL_LANES or not clock.cut:
            return lanes
    kind: Kind = "day" if len(drawn) == 1 else "identity"
    wanted = {(day, one) for day in clock.days for one in drawn}
    if kind == "identity" and out is not None:
        wanted |= {(day, OUT) for day in clock.pieces(*spans(out, clock))["day"].tolist()}
    return lanes_of(kind, clock, [*drawn, OUT], wanted)


def _used(clock: Clock, shown: pd.DataFrame, out: pd.DataFrame | None) -> set[tuple[int, str]]:
    """Return the cameras of each day: visited on it, or out while somebody was about."""
    found: set[tuple[int, str]] = set()
    for frame, name in ((shown, "spot"), (out, "camera_id")):
        if frame is not None and len(frame):
            pieces = clock.pieces(*spans(frame, clock))
            found |= set(zip(pieces["day"].tolist(), frame[name].iloc[pieces["row"]], strict=True))
    return found


def _by_level(
    shown: pd.DataFrame, out: pd.DataFrame | None, levels: Mapping[str, str]
) -> list[str]:
    """Return the cameras of the lanes: the top storey first, then in order of first visit."""
    keys = list(shown["spot"].unique())
    keys += [] if out is None else [one for one in out["camera_id"].unique() if one not in keys]
    known = pd.DataFrame({"level": pd.Series(levels.values(), dtype="str")})
    storeys = {name: n for n, name in enumerate(levels_of(known, None))}
    return sorted(keys, key=lambda key: storeys.get(levels.get(key, ""), len(storeys)))


# --------------------------------------------------------------------------------------------
# Frame
# --------------------------------------------------------------------------------------------
def _layout(chart: Chart, entries: Sequence[str]) -> dict[str, Any]:
    clock, lanes = chart.clock, chart.lanes
    high = max(round(lanes.bottom * chart.lane_px), 60)
    top = _TOP + (24 if _is_high(chart) else 0)
    bottom = _BOTTOM + _legend_px(entries)
    across: dict[str, Any] = {
        "type": "date",
        "range": instants([clock.low, clock.high]),
        "tickformatstops": [
            {"dtickrange": [None, 60_000], "value": "%H:%M:%S"},
            {"dtickrange": [60_000, 86_400_000], "value": "%H:%M"},
        ],
        "showgrid": True,
        "visible": bool(len(lanes.table)),
    }
    return {
        "template": chart.look.template,
        "height": top + high + bottom,
        "barmode": "overlay",
        "margin": {"t": top, "b": bottom, "l": 60, "r": _right_px(chart)},
        "xaxis": across | {"title": {"text": _axis_title(chart)}},
        "xaxis2": across
        | {"overlaying": "x", "matches": "x", "side": "top", "showgrid": False}
        | _fixed_ticks(chart),
        "yaxis": {
            "range": [max(lanes.bottom, 1.0), 0],
            "tickmode": "array",
            "tickvals": lanes.table["y"].tolist(),
            "ticktext": _labels(chart),
            "showgrid": True,
            "fixedrange": True,
            "ticks": "",
            "visible": bool(len(lanes.table)),
        },
        "legend": {
            "orientation": "h",
            "x": 0,
            "xanchor": "left",
            "y": round(-58 / high, 4),
            "yanchor": "top",
            "itemclick": False,
            "itemdoubleclick": False,
        },
        "uirevision": "timeline",
    }


def _axis_title(chart: Chart) -> str:
    zone, word = escape(chart.zone), clock_word(chart.zone)
    if chart.clock.aligned:
        first = "drawn of each day" if chart.linked else "of the day"  # others may be left out
        return f"hours and minutes since the first visit {first} (days and hovers: {zone})"
    if chart.clock.cut:
        return f"{word} of day ({zone})"
    return f"{word} on {day_name(chart.clock.days[0], year=True)} ({zone})"


def _fixed_ticks(chart: Chart) -> dict[str, Any]:
    # plotly puts the ticks of an axis that follows another a hair too early: 09:59 for 10:00.
    step = next((s for s in _STEPS_US if chart.span / s <= 8), _STEPS_US[-1])
    first = -(-chart.clock.low // step) * step
    ticks = list(range(first, chart.clock.high + 1, step))
    texts = [one[11:16] for one in instants(ticks)]
    return {"tickmode": "array", "tickvals": instants(ticks), "ticktext": texts}


def _is_high(chart: Chart) -> bool:
    return chart.lanes.bottom * chart.lane_px > 560


def _legend_px(entries: Sequence[str]) -> int:
    """Return the height of the legend in a window of middle width: its columns are all as wide."""
    widest = max((len(name) for name in entries), default=0) * 6.4 + 46
    columns = max(1, int(_MIDDLE_PX // widest))
    return 19 * -(-len(entries) // columns)


def _top(chart: Chart) -> list[go.Scatter]:
    """Return what makes plotly draw the axis on top, of a picture too high for one below."""
    if not _is_high(chart):
        return []
    low = instants([chart.clock.low])
    return [
        go.Scatter(x=low, y=[0], xaxis="x2", mode="markers", marker={"opacity": 0},
                   name="axis", showlegend=False, hoverinfo="skip")
    ]  # fmt: skip


def _labels(chart: Chart) -> list[str]:
    return [_label(day, key, chart) for day, key, _ in chart.lanes.table.itertuples(index=False)]


def _label(day: int, key: str, chart: Chart) -> str:
    if chart.lanes.kind == "day":
        return day_name(day)
    if key == OUT:
        return "<i>cameras out</i>"
    if chart.by_camera:
        return chart.short(key)
    name = escape(chart.people.get(key, key), longest=NAME)
    return f'{name} <span style="color:{identity_colour(key)}">■</span>'


def _day_notes(
    shown: pd.DataFrame, links: pd.DataFrame | None, chart: Chart
) -> list[dict[str, Any]]:
    """Return the line above each panel: which day, and from when to when somebody was seen."""
    if not chart.lanes.headers:
        return []
    start, end = spans(shown, chart.clock)
    pieces = chart.clock.pieces(start, end).groupby("day")
    seen = pd.DataFrame({"first": pieces["x0"].min(), "last": pieces["x1"].max()})
    begins = dict(zip(chart.clock.days, chart.clock.begins, strict=True))
    met = {} if links is None else links["day"].value_counts().to_dict()
    notes = []
    for day, y in chart.lanes.headers:
        said = "not seen" if chart.by_camera else "nobody was seen"
        if day in seen.index:
            shift = begins[day] - chart.clock.origin
            first, last = instants(seen.loc[day] + shift)
            said = f"{first[11:16]} – {last[11:16]}"
            said += f" · {plural(met[day], 'encounter')}" if day in met else ""
        notes.append(
            {
                "x": 0,
                "xref": "paper",
                "xanchor": "left",
                "y": y,
                "text": f"<b>{day_name(day)}</b>  {said}",
                "showarrow": False,
                "font": {"size": 12, "color": chart.look.ink, "shadow": chart.look.halo},
            }
        )
    return notes


def _storeys(chart: Chart) -> list[tuple[float, str]]:
    """Return y and name of each level at its first lane of each panel; none if there is but one."""
    if not chart.by_camera:
        return []
    table = chart.lanes.table
    level = pd.Series([chart.levels.get(key, "") for key in table["key"]], dtype="str")
    if level.nunique() < 2:
        return []
    first = (level != level.shift()) | (table["day"] != table["day"].shift())
    return [
        (y, level_name(name))
        for y, name in zip(table["y"][first], level[first], strict=True)
        if name
    ]


def _right_px(chart: Chart) -> int:
    longest = max((len(name) for _, name in _storeys(chart)), default=0)
    return 24 + round(6.2 * min(longest, _LEVEL))


def _level_notes(chart: Chart) -> list[dict[str, Any]]:
    return [
        {
            "x": 1,
            "xref": "paper",
            "xanchor": "left",
            "xshift": 6,
            "y": y,
            "text": escape(name, longest=_LEVEL),
            "hovertext": f"level {escape(name)}",
            "showarrow": False,
            "font": {"size": 11, "color": chart.look.soft},
        }
        for y, name in _storeys(chart)
    ]


def _lines(chart: Chart) -> list[dict[str, Any]]:
    """Return a line above each level, and a stronger one above each panel but the first."""
    line = {"type": "line", "xref": "paper", "x0": 0, "layer": "below"}
    soft = {"width": 1, "color": chart.look.grid}
    starts = {y - 0.75 + 0.25 for _, y in chart.lanes.headers}
    panels = [y for y in starts if y > 0.5]
    levels = [y - 0.5 for y, _ in _storeys(chart)]
    return [
        *(line | {"x1": 1.04, "y0": y, "y1": y, "line": soft} for y in levels),
        *(line | {"x1": 1, "y0": y, "y1": y, "line": soft | {"width": 2}} for y in panels),
    ]


def _title(title: str | None, who: list[str], chart: Chart) -> str:
    if title is not None:
        return escape(title)
    if not who:
        return "Timeline of nobody"
    if len(who) == 1:
        word = "" if who[0] in chart.people else "identity "
        return f"Timeline of {word}{chart.person(who[0])}"
    return f"Timeline of {len(who):,} identities"


def _subtitle(
    stays: pd.DataFrame,
    counts: Mapping[str, pd.DataFrame | None],
    who: list[str],
    drawn: list[str],
    far: int,
) -> str:
    if stays.empty:
        return "no visit: nothing to draw"
    parts = [f"{plural(len(stays), 'visit')} at {plural(stays['spot'].nunique(), 'camera')}"]
    beyond = f" ({far:,} of them between days, not drawn)" if far else ""
    parts += [
        plural(len(rows), word) + beyond * word.endswith("gap")
        for word, rows in counts.items()
        if rows is not None
    ]
    if len(drawn) < len(who):
        parts.append(f"{len(drawn)} of {len(who):,} identities drawn, those seen longest")
    return " · ".join(parts)
