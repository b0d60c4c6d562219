"""What is said of somebody and her companions, and of two: HTML in which all text is escaped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd

from workbench.views.charts.against_chance import chance_words
from workbench.views.charts.chart import at_cameras, plural
from workbench.views.charts.encounter_bands import how_long
from workbench.views.charts.network import Network, at_once
from workbench.views.explorers.strip import clock
from workbench.views.style import duration, escape, plain

_ROWS = 12
_CELL = "text-align:left;padding:0 10px 0 0"


def invitation(network: Network) -> str:
    """Return what stands there before anything is clicked."""
    return _framed(
        f"<p style='color:{network.look.soft}'>Click a dot: her companions, her "
        "timeline and her map. Click a line: when and where the two met. The wheel zooms, a drag "
        "moves.</p>"
    )


def nobody(asked: str, network: Network) -> str:
    """Return that nobody is called so."""
    return _framed(
        f"<p style='color:{network.look.alarm}'><b>Nobody here is called {escape(asked)}.</b></p>"
        "<p>Type some letters of a name or an id, and choose from the list.</p>"
    )


def unseen(network: Network) -> str:
    """Return why there is no map: contact lists say who met whom, and no camera saw anybody."""
    return _framed(
        f"<p style='color:{network.look.soft}'>No camera saw this: there is nothing to play on a "
        "map.</p>"
    )


def person(who: str, hers: pd.DataFrame, network: Network, *, of: int) -> str:
    """Return what is known of one identity: with how many she was, and with whom most.

    Parameters
    ----------
    who : str
    hers : DataFrame
        Her pairs that reach the thresholds, in the order in which they are to be listed.
    network : Network
        What people are called.
    of : int
        How many pairs of hers there are.
    """
    more = int(network.meant(hers).sum())
    few = "" if of == len(hers) else f"{len(hers):,} of "
    said = f"{few}{of:,} companion{'s' * (of != 1)}"
    said += " reach the thresholds" if few else ""
    said += f", {more:,} of them more than chance" if network.asked else ""
    other = hers["a"].where(hers["a"] != who, hers["b"])
    group = f" · group {network.groups[who] + 1}" if who in network.groups else ""
    rows = [
        [
            network.called(one),
            f"{row['count']:,}",
            "" if pd.isna(row["overlap_s"]) else duration(row["overlap_s"]),
            *([chance_words("q", row["q"])] if network.asked else []),
        ]
        for one, row in zip(other.head(_ROWS), hers.head(_ROWS).to_dict("records"), strict=True)
    ]
    heads = ("with", "times", "overlap", *(("chance",) if network.asked else ()))
    rest = len(hers) - len(rows)
    return _framed(
        f"{_heading(who, network)}<p>{said}{group}</p>{_table(heads, rows)}"
        f"{f'<p>and {rest:,} more: <code>.selection()</code></p>' if rest else ''}"
    )


def pair(row: Mapping[Any, Any], network: Network) -> str:
    """Return what is known of two: how often, where, how long, and what chance makes of it."""
    times = {1: "once", 2: "twice"}.get(row["count"], f"{row['count']:,} times")
    lines = [f"together {times}{at_cameras(row['cameras'])} on {plural(int(row['days']), 'day')}"]
    if pd.notna(row["overlap_s"]):
        lines.append(at_once(row["overlap_s"]))
    if pd.notna(row["q"]):
        lines.append(f"{row['expected']:.1f} expected by chance; {chance_words('q', row['q'])}")
        meant = row["q"] <= network.max_q
        lines.append("<b>more than chance</b>" if meant else "chance may explain it")
    both = " &amp; ".join(_name(row[side], network) for side in "ab")
    more = (
        f"<p style='color:{network.look.soft}'>The bars below only count; q also weighs over how "
        "many cameras they went, and how nearly together.</p>"
        if pd.notna(row["q"])
        else ""
    )
    return _framed(f"<p style='font-size:15px'><b>{both}</b></p><p>{'<br>'.join(lines)}</p>{more}")


def encounter_lines(
    encounters: pd.DataFrame, places: Mapping[str, str], zone: ZoneInfo
) -> list[str]:
    """Return each encounter in a line of plain text: when, where, how long."""
    if encounters.empty:
        return []
    start = clock(encounters["start"], zone)
    days = encounters["start"].dt.tz_convert(zone).dt.strftime("%a %d %b").tolist()
    spot = (
        encounters["camera_id"]
        .astype("object")
        .where(encounters["camera_id"].notna(), encounters["place_id"])
    )
    return [
        f"{day} {at[11:19]}  {plain(places.get(one, one), longest=28)}  "
        + how_long(row["overlap_s"], (row["end"] - row["start"]).total_seconds())
        for day, at, one, row in zip(days, start, spot, encounters.to_dict("records"), strict=True)
    ]  # fmt: skip


def _framed(said: str) -> str:
    return f"<div class='wb-said' style='line-height:1.45'>{said}</div>"


def _heading(who: str, network: Network) -> str:
    return f"<p style='font-size:15px'><b>{_name(who, network)}</b></p>"


def _name(who: str, network: Network) -> str:
    name = escape(network.names.get(who, who), longest=40)
    return name if name == escape(who) else f"{name} <small>{escape(who)}</small>"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th scope='col' style='{_CELL}'>{one}</th>" for one in heads)
    body = "".join(
        "<tr>" + "".join(f"<td style='{_CELL}'>{cell}</td>" for cell in row) + "</tr>"
        for row in rows
    )
    return (
        "<table style='line-height:1.5;white-space:nowrap;border-spacing:0;font-size:12px'>"
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    )
