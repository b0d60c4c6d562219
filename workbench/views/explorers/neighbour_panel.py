"""Who is near: rows of HTML with crop, who, where, when, cosine, and how high that is for chance.

All text from data is escaped here.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from workbench.errors import WorkbenchError
from workbench.views.charts.point_colours import called
from workbench.views.style import Theme, escape, identity_colour

Crop = Callable[[str], bytes | None]
Standing = Callable[[float], str]
"""Where a cosine stands among random pairs, in words."""

_BINS = 60
_WIDE, _HIGH, _FOOT = 380, 64, 30
_KINDS = {b"\x89PNG": "png", b"\xff\xd8\xff": "jpeg"}


class NeighbourPanel:
    """Writes the panel; holds what names and crops are looked up in.

    Parameters
    ----------
    space : str
    random : array of float
        Cosines of random pairs, ascending.
    standing : callable
        Where a cosine stands among them, in words.
    names, cameras : mapping of str to str
        Names of identities and cameras by id.
    display_tz : str
    crop : callable, optional
        The picture of an appearance (PNG or JPEG), or None.
    look : Theme
    """

    def __init__(
        self,
        *,
        space: str,
        random: np.ndarray,
        standing: Standing,
        names: Mapping[str, str],
        cameras: Mapping[str, str],
        display_tz: str,
        crop: Crop | None,
        look: Theme,
    ) -> None:
        self._space, self._random, self._standing = space, random, standing
        self._names, self._cameras = names, cameras
        self._zone, self._crop, self._look = ZoneInfo(display_tz), crop, look

    def empty(self) -> str:
        """Return what stands there before anything was asked."""
        return self._framed(
            "<p>Click a point, or ask for an id: its nearest neighbours stand here, with their "
            "cosine and how high it is beside random pairs.</p>"
        )

    def failed(self, error: WorkbenchError) -> str:
        """Return an error in words."""
        more = f"<p>{escape(error.next, longest=400)}</p>" if error.next else ""
        said = escape(error.message, longest=400)
        return self._framed(f"<p class='wb-error' role='alert'><b>{said}</b></p>{more}")

    def of_appearance(self, row: Mapping[str, Any], hits: pd.DataFrame) -> str:
        """Return the neighbours of one sighting; `hits` as ``bench.similarity.like`` has them."""
        words = f"<b>{self._who(row['identity_id'])}</b><br>{self._where(row)}"
        head = f"{words} {escape(str(self._zone))}<br>appearance {escape(row['id'], longest=60)}"
        return self._answer(self._image(str(row["id"]), 84), head, hits)

    def of_identity(self, identity: str, points: int, hits: pd.DataFrame) -> str:
        """Return the neighbours of the mean of somebody's vectors, none of hers among them."""
        head = f"<b>{called(identity, self._names)}</b><br>the mean of {points:,} vectors"
        return self._answer("", f"{head}; none of hers is listed", hits)

    def _answer(self, crop: str, head: str, hits: pd.DataFrame) -> str:
        rows = "".join(self._row(row) for row in _records(hits))
        body = f"<table>{rows}</table>" if rows else "<p>Nothing else has a vector here.</p>"
        return self._framed(
            f"<div class='head'>{crop}<div>nearest to<br>{head}</div></div>"
            f"{self._histogram(hits['similarity'].to_numpy('float64'))}{body}"
            "<p class='soft'>A cosine is a hint, not proof. Random pairs: two vectors of "
            f"{escape(self._space)}, not of one track. Times in {escape(str(self._zone))}.</p>"
        )

    def _row(self, row: Mapping[str, Any]) -> str:
        cosine = float(row["similarity"])
        colour = identity_colour(_or_none(row["identity_id"]))
        dot = f"<span style='color:{colour}' aria-hidden='true'>●</span>"
        return (
            f"<tr><td class='soft'>{int(row['rank'])}</td>"
            f"<td>{self._image(str(row['appearance_id']), 46)}</td>"
            f"<td>{dot} <b>{self._who(row['identity_id'])}</b><br>"
            f"{self._place(row)} · {self._local(row):%a %d %b, %H:%M:%S}<br>cosine "
            f"<b>{cosine:.3f}</b>, {escape(self._standing(cosine))}</td></tr>"
        )

    def _who(self, identity: object) -> str:
        known = _or_none(identity)
        return "unidentified" if known is None else called(known, self._names)

    def _where(self, row: Mapping[str, Any]) -> str:
        key = _or_none(row["camera_id"])
        camera = "no camera" if key is None else called(key, self._cameras)
        return f"{camera}<br>{self._local(row):%a %d %b %Y, %H:%M:%S}"

    def _local(self, row: Mapping[str, Any]) -> pd.Timestamp:
        return row["timestamp"].tz_convert(self._zone)

    def _place(self, row: Mapping[str, Any]) -> str:
        """Return the name of a camera alone, its id where the mouse rests on it."""
        key = _or_none(row["camera_id"])
        if key is None:
            return "no camera"
        said = escape(self._cameras.get(key) or key, longest=40)
        return f"<span title='{escape(key)}'>{said}</span>"

    def _image(self, appearance: str, high: int) -> str:
        data = (self._crop(appearance) if self._crop else None) or b""
        kind = next((kind for mark, kind in _KINDS.items() if data.startswith(mark)), None)
        if kind is None:
            return ""
        text = base64.b64encode(data).decode("ascii")
        return f"<img alt='crop' style='height:{high}px' src='data:image/{kind};base64,{text}'>"

    def _histogram(self, cosines: np.ndarray) -> str:
        """Return how often random pairs have which cosine, with a line for each neighbour."""
        if not len(self._random):
            return ""
        low = min(float(self._random[0]), float(cosines.min(initial=1.0)), 0.0)
        counts = np.histogram(self._random, bins=_BINS, range=(low, 1.0))[0]
        top, wide = max(int(counts.max()), 1), _WIDE / _BINS
        grey, ink = self._look.unknown, self._look.ink
        bars = "".join(
            f"<rect x='{n * wide:.1f}' y='{_HIGH - _HIGH * count / top:.1f}' width='{wide:.1f}' "
            f"height='{_HIGH * count / top:.1f}' fill='{grey}'/>"
            for n, count in enumerate(counts.tolist())
            if count
        )
        places = ((cosines - low) / (1.0 - low) * _WIDE).round(1).tolist()
        lines = "".join(
            f"<line x1='{x}' x2='{x}' y1='4' y2='{_HIGH}' stroke='{ink}' "
            f"stroke-width='{2.2 if n == 0 else 1}'/>"
            for n, x in enumerate(places)
        )
        ticks = "".join(
            f"<text x='{(at - low) / (1.0 - low) * _WIDE:.1f}' y='{_HIGH + 13}' font-size='10' "
            f"fill='{self._look.soft}' text-anchor='{anchor}'>{at:.1f}</text>"
            for at, anchor in ((0.0, "middle" if low < -0.02 else "start"), (0.5, "middle"),
                               (1.0, "end"))
        )  # fmt: skip
        words = (
            f"<text x='{_WIDE / 2}' y='{_HIGH + 27}' font-size='10.5' fill='{self._look.soft}' "
            f"text-anchor='middle'>cosine: {len(self._random):,} random pairs (grey), "
            "these neighbours (lines)</text>"
        )
        return (
            f"<svg viewBox='0 0 {_WIDE} {_HIGH + _FOOT}' width='100%' role='img' "
            f"style='max-width:{_WIDE}px'>{bars}{lines}"
            f"<line x1='0' x2='{_WIDE}' y1='{_HIGH}' y2='{_HIGH}' stroke='{grey}'/>"
            f"{ticks}{words}</svg>"
        )

    def _framed(self, body: str) -> str:
        look = self._look
        return (
            "<style>"
            f".wb-panel{{font-size:12px;line-height:1.4;color:{look.ink};background:{look.paper};"
            f"border:1px solid {look.grid};padding:10px;box-sizing:border-box}}"
            ".wb-panel p{margin:4px 0}.wb-panel table{width:100%;border-collapse:collapse}"
            ".wb-panel td{padding:4px 5px;vertical-align:middle;text-align:left;"
            f"border-top:1px solid {look.grid};overflow-wrap:anywhere}}"
            ".wb-panel td:last-child{width:99%}"
            f".wb-panel .soft{{color:{look.soft}}}"
            ".wb-panel .head{display:flex;gap:10px;align-items:center;margin-bottom:8px}"
            ".wb-panel img{display:block;max-width:64px;object-fit:contain}"
            f"</style><div class='wb-panel'>{body}</div>"
        )


def _records(hits: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(name): value for name, value in row.items()} for row in hits.to_dict("records")]


def _or_none(value: object) -> str | None:
    return value if isinstance(value, str) else None
