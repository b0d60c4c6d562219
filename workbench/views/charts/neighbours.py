"""The nearest appearances, by cosine: a row each with crop, who, where, when and a bar."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from workbench.views.style import Theme, ThemeName, escape, identity_colour
from workbench.views.style import theme as theme_of

Crops = Mapping[str, bytes] | Callable[[str], bytes | None]
"""The picture of an appearance by its id: PNG or JPEG; None where there is none."""

_MOST = 40
_WITH_CROPS_PX, _PLAIN_PX = 80, 66
_QUERY_PX = 232
_HEAD_PX, _FOOT_PX = 84, 52
_LABEL = 30


def neighbours(
    hits: pd.DataFrame,
    *,
    space: str,
    display_tz: str = "UTC",
    crops: Crops | None = None,
    query_crops: Crops | None = None,
    names: Mapping[str, str] | None = None,
    cameras: Mapping[str, str] | None = None,
    theme: ThemeName = "light",
) -> go.Figure:
    """Return a picture of hits: the query's crop at the left, a row for each hit beside it.

    A row has rank, crop, identity, camera, local time, and the cosine as a bar and a number. The
    first 40 hits are drawn.

    Parameters
    ----------
    hits : DataFrame
        ``query, rank, appearance_id, identity_id, similarity, camera_id, timestamp``.
    space : str
        The vector space the cosines are of.
    display_tz : str
        Zone of the times shown.
    crops : mapping or callable, optional
        The picture (PNG or JPEG bytes) of an appearance by its id.
    query_crops : mapping or callable, optional
        The picture of a query by its name in `hits`, which need not be an appearance's id.
    names, cameras : mapping of str to str, optional
        Names of identities and cameras by id, where known.
    theme : {'light', 'dark'}

    Raises
    ------
    InvalidInputError
        When there is no such theme.
    """
    ordered = hits.sort_values(["query", "rank"], kind="stable").reset_index(drop=True)
    shown = ordered.head(_MOST)
    sheet = _Sheet.of(
        shown,
        _pictures(shown["appearance_id"], crops),
        _pictures(shown["query"], query_crops),
        space=space,
        look=theme_of(theme),
        zone=ZoneInfo(display_tz),
    )
    figure = go.Figure(_bars(sheet, _hovers(sheet, names or {}, cameras or {})))
    figure.update_layout(
        template=sheet.look.template,
        title=_title(sheet, len(ordered)),
        showlegend=False,
        barmode="overlay",
        height=_HEAD_PX + _FOOT_PX + round(sheet.height_px),
        margin={"l": 24, "r": 28, "t": _HEAD_PX, "b": _FOOT_PX},
        xaxis=_cosine_axis(sheet),
        yaxis={"range": [sheet.rows, 0], "visible": False, "fixedrange": True},
        annotations=[*_words(sheet, names or {}, cameras or {}), *_query_words(sheet)],
        images=[*_row_crops(sheet), *_query_crops(sheet)],
        shapes=_rules(sheet),
    )
    return figure


@dataclass(frozen=True, slots=True)
class _Sheet:
    """The hits to draw and where they stand; rows are counted downwards from the top, in rows."""

    hits: pd.DataFrame
    space: str
    look: Theme
    zone: ZoneInfo
    crops: dict[str, str]
    query_crops: dict[str, str]
    row_px: int
    rows: float
    left: float
    lowest: float

    @classmethod
    def of(
        cls,
        hits: pd.DataFrame,
        crops: dict[str, str],
        query_crops: dict[str, str],
        *,
        space: str,
        look: Theme,
        zone: ZoneInfo,
    ) -> _Sheet:
        group = hits.groupby("query", sort=False).ngroup()
        several = group.max() > 0 if len(hits) else False
        row_px = _WITH_CROPS_PX if crops else _PLAIN_PX
        # Several queries: a heading of half a row above the hits of each.
        hits = hits.assign(at=np.arange(len(hits)) + (group + 1) * (0.5 if several else 0.0) + 0.5)
        rows = float(hits["at"].max() + 0.5) if len(hits) else 1.0
        least = (_QUERY_PX + 46) / row_px if query_crops and not several else 0.0
        return cls(
            hits=hits,
            space=space,
            look=look,
            zone=zone,
            crops=crops,
            query_crops=query_crops,
            row_px=row_px,
            rows=max(rows, least),
            left=(0.21 if query_crops else 0.0) + (0.11 if crops else 0.05),
            lowest=min(0.0, float(hits["similarity"].min())) if len(hits) else 0.0,
        )

    @property
    def entries(self) -> list[Any]:
        """Return the hits as tuples that know their columns by name."""
        return list(self.hits.itertuples())

    @property
    def height_px(self) -> float:
        return self.rows * self.row_px

    @property
    def several(self) -> bool:
        return self.hits["query"].nunique() > 1

    def paper(self, row: float) -> float:
        """Return how high on the sheet a row stands, 1 at the top."""
        return 1 - row / self.rows


def _pictures(ids: pd.Series, crops: Crops | None) -> dict[str, str]:
    """Return the pictures there are as data addresses; what is neither PNG nor JPEG is none."""
    if crops is None:
        return {}
    ask = crops.get if isinstance(crops, Mapping) else crops
    kinds = {b"\x89PNG": "png", b"\xff\xd8\xff": "jpeg"}
    found: dict[str, str] = {}
    for one in ids.unique():
        picture = ask(one)
        kind = next((k for mark, k in kinds.items() if (picture or b"").startswith(mark)), None)
        if picture and kind:
            found[one] = f"data:image/{kind};base64,{base64.b64encode(picture).decode()}"
    return found


def _title(sheet: _Sheet, total: int) -> dict[str, Any]:
    queries = [escape(query, longest=_LABEL) for query in sheet.hits["query"].unique()]
    if not queries:
        return {"text": "Nothing is near"}
    whom = ", ".join(queries[:3]) + (", …" if len(queries) > 3 else "")
    first = f"the first {_MOST} of {total:,} hits, " if total > len(sheet.hits) else ""
    zone = escape(str(sheet.zone))
    return {
        "text": f"Nearest to {whom} by {escape(sheet.space)}",
        "subtitle": {"text": f"{first}a cosine is a hint, not proof; times in {zone}"},
        "y": 1 - 30 / (_HEAD_PX + _FOOT_PX + sheet.height_px),
        "yanchor": "middle",
    }


def _cosine_axis(sheet: _Sheet) -> dict[str, Any]:
    return {
        "title": {"text": f"cosine ({escape(sheet.space)})", "standoff": 4},
        "domain": [sheet.left, 1],
        "range": [sheet.lowest - (0.02 if sheet.lowest < 0 else 0), 1],
        "dtick": 0.2,
        "showgrid": False,
        "fixedrange": True,
    }


def _who(row: Any, names: Mapping[str, str]) -> tuple[str, str]:
    """Return what a row calls somebody, and the id if that is another text."""
    if not isinstance(row.identity_id, str):
        return "unidentified", ""
    name = names.get(row.identity_id)
    known = escape(name if name else row.identity_id, longest=_LABEL)
    return known, escape(row.identity_id, longest=18) if name else ""


def _where(row: Any, cameras: Mapping[str, str]) -> str:
    if not isinstance(row.camera_id, str):
        return "no camera"
    return escape(cameras.get(row.camera_id, row.camera_id), longest=_LABEL)


def _camera(row: Any, cameras: Mapping[str, str]) -> str:
    """Return what a hover calls a camera: its name, and its id if that is another."""
    named = isinstance(row.camera_id, str) and cameras.get(row.camera_id) not in (
        None,
        row.camera_id,
    )
    return _where(row, cameras) + (f" ({escape(row.camera_id, longest=40)})" if named else "")


def _hovers(sheet: _Sheet, names: Mapping[str, str], cameras: Mapping[str, str]) -> list[str]:
    hovers = []
    for row in sheet.entries:
        known, key = _who(row, names)
        moment = row.timestamp.tz_convert(sheet.zone)
        lines = [
            f"<b>{known}</b>{f' ({key})' if key else ''}",
            f"cosine {row.similarity:.3f} in {escape(sheet.space)}, rank {row.rank}",
            _camera(row, cameras),
            f"{moment:%Y-%m-%d %H:%M:%S} {escape(str(sheet.zone))}",
            f"appearance {escape(row.appearance_id, longest=60)}",
        ]
        hovers.append("<br>".join(lines))
    return hovers


def _bars(sheet: _Sheet, hovers: list[str]) -> list[Any]:
    """Return the groove of each bar, the bar, and over the whole row what answers the mouse."""
    rows, look = sheet.hits["at"].tolist(), sheet.look
    thick = 9 / sheet.row_px
    start = sheet.lowest
    colours = [identity_colour(one) for one in sheet.hits["identity_id"]]
    groove = go.Bar(
        orientation="h", y=rows, x=[1 - start] * len(rows), base=start, width=thick,
        marker={"color": look.grid, "cornerradius": 4, "line": {"width": 0}}, hoverinfo="skip",
    )  # fmt: skip
    bars = go.Bar(
        orientation="h", y=rows, x=sheet.hits["similarity"].tolist(), base=0, width=thick,
        marker={"color": colours, "cornerradius": 4, "line": {"color": look.edge, "width": 0.6}},
        hoverinfo="skip",
    )  # fmt: skip
    whole = go.Bar(
        orientation="h", y=rows, x=[1 - start] * len(rows), base=start, width=0.96,
        marker={"color": "rgba(0,0,0,0)", "line": {"width": 0}},
        hovertext=hovers, hovertemplate="%{hovertext}<extra></extra>",
    )  # fmt: skip
    return [groove, bars, whole]


def _text(x: float, row: float, words: str, **more: Any) -> dict[str, Any]:
    place = {"xref": "paper", "yref": "y", "x": x, "y": row, "showarrow": False}
    return place | {"text": words, "xanchor": "left", "yanchor": "middle"} | more


def _words(
    sheet: _Sheet, names: Mapping[str, str], cameras: Mapping[str, str]
) -> list[dict[str, Any]]:
    soft = {"size": 12, "color": sheet.look.soft}
    crop_px = 37 if sheet.crops else 0
    found: list[dict[str, Any]] = []
    for row in sheet.entries:
        known, key = _who(row, names)
        named = f"<b>{known}</b>" if isinstance(row.identity_id, str) else f"<i>{known}</i>"
        beside = f"  <span style='color:{sheet.look.soft};font-size:12px'>{key}</span>"
        moment = row.timestamp.tz_convert(sheet.zone)
        rank = {"size": 13, "color": sheet.look.soft}
        found += [
            _text(sheet.left, row.at, str(row.rank), xanchor="right", font=rank,
                  xshift=-(crop_px + 24 if crop_px else 14)),
            _text(sheet.left, row.at, named + (beside if key else ""), yshift=18),
            _text(1, row.at, f"<b>{row.similarity:.3f}</b>", xanchor="right", yshift=18),
            _text(sheet.left, row.at, _where(row, cameras), yshift=-17, font=soft),
            _text(1, row.at, f"{moment:%a %d %b %Y, %H:%M:%S}", xanchor="right", yshift=-17,
                  font=soft),
        ]  # fmt: skip
    return found


def _image(source: str, **place: Any) -> dict[str, Any]:
    return {"source": source, "xref": "paper", "yref": "paper", "sizing": "contain"} | place


def _row_crops(sheet: _Sheet) -> list[dict[str, Any]]:
    return [
        _image(
            sheet.crops[row.appearance_id],
            x=sheet.left - 0.012,
            y=sheet.paper(row.at),
            xanchor="right",
            yanchor="middle",
            sizex=0.09,
            sizey=0.92 / sheet.rows,
        )
        for row in sheet.entries
        if row.appearance_id in sheet.crops
    ]


def _query_crops(sheet: _Sheet) -> list[dict[str, Any]]:
    """Return the crop of each query, as large as its hits are high and at most so many pixels."""
    found = []
    for name, hers in sheet.hits.groupby("query", sort=False):
        query = str(name)
        if query in sheet.query_crops:
            high = min(_QUERY_PX / sheet.row_px, len(hers) if sheet.several else sheet.rows)
            top = hers["at"].min() - 0.5
            found.append(
                _image(
                    sheet.query_crops[query],
                    x=0,
                    y=sheet.paper(top),
                    xanchor="left",
                    yanchor="top",
                    sizex=0.17,
                    sizey=high * 0.98 / sheet.rows,
                )
            )
    return found


def _query_words(sheet: _Sheet) -> list[dict[str, Any]]:
    soft = {"size": 12, "color": sheet.look.soft}
    if sheet.several:
        first = sheet.hits.groupby("query", sort=False)["at"].min()
        return [
            _text(0, at - 0.75, f"nearest to <b>{escape(query, longest=_LABEL)}</b>")
            for query, at in first.items()
        ]
    return [
        _text(0, 0, f"<b>query</b><br>{escape(query, longest=24)}", yref="paper", align="left",
              y=sheet.paper((_QUERY_PX + 6) / sheet.row_px), yanchor="top", font=soft)
        for query in sheet.hits["query"].unique()
        if query in sheet.query_crops
    ]  # fmt: skip


def _rules(sheet: _Sheet) -> list[dict[str, Any]]:
    """Return a thin line between two rows, and where a cosine is negative a stroke at 0."""
    start = sheet.left - (0.09 if sheet.crops else 0.04)
    line = {"color": sheet.look.grid, "width": 1}
    ends = sheet.hits["at"].to_numpy()[:-1] + 0.5
    between = [
        {"type": "line", "xref": "paper", "yref": "y", "x0": start, "x1": 1, "y0": y, "y1": y,
         "line": line, "layer": "below"}
        for y in ends
    ]  # fmt: skip
    half = 10 / sheet.row_px
    dark = {"color": sheet.look.soft, "width": 1.5}
    zeros = sheet.hits["at"] if sheet.lowest < 0 else ()
    return between + [
        {"type": "line", "x0": 0, "x1": 0, "y0": y - half, "y1": y + half, "line": dark}
        for y in zeros
    ]
