"""Where everybody is at a moment: what is drawn when a trajectory plays. Tables in, tables out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd


class Seen:
    """When anybody was seen at all: moments, and the times between them that nobody saw.

    Parameters
    ----------
    begin, end : array of int
        From when to when each sighting or visit lasted, microseconds since 1970.
    """

    def __init__(self, begin: np.ndarray, end: np.ndarray) -> None:
        order = np.argsort(begin, kind="stable")
        self._begin = np.asarray(begin, dtype="int64")[order]
        self._until = np.maximum.accumulate(np.asarray(end, dtype="int64")[order])

    @property
    def span(self) -> tuple[int, int]:
        """Return the first and the last moment; (0, 0) of nothing."""
        return (int(self._begin[0]), int(self._until[-1])) if len(self._begin) else (0, 0)

    def following(self, us: int) -> int | None:
        """Return when somebody is seen next after a moment, None if nobody is."""
        at = int(np.searchsorted(self._begin, us, side="right"))
        return int(self._begin[at]) if at < len(self._begin) else None

    def preceding(self, us: int) -> int | None:
        """Return when somebody was seen last before a moment, None if nobody was."""
        at = int(np.searchsorted(self._begin, us, side="left"))
        return int(self._begin[at - 1]) if at else None

    def dark_until(self, us: int) -> int | None:
        """Return when somebody is seen again where nobody is seen at a moment; None else."""
        at = int(np.searchsorted(self._begin, us, side="right"))
        return None if at and self._until[at - 1] >= us else self.following(us)


@dataclass(frozen=True, slots=True)
class Playback:
    """The sightings of some identities as a film.

    Parameters
    ----------
    vertices : DataFrame
        What is drawn of the sightings, as :func:`workbench.views.maps.stays.stops` returns it: in
        order of identity and time, ``who, us, until, stop, plan, x, y``.
    """

    vertices: pd.DataFrame

    def at(self, us: int) -> pd.DataFrame:
        """Return where each identity is at a moment, or was seen last.

        Returns
        -------
        DataFrame
            ``who, vertex`` (position of the vertex she is at or has left last), ``plan, x, y``,
            ``seen`` (whether somebody saw her then), ``since_s`` (seconds since somebody did).
            Nobody who has not appeared yet. Between two measured positions of one visit she is
            on the straight line.
        """
        rows = self.vertices
        begun = rows["us"].to_numpy("int64") <= us
        last = pd.Series(np.flatnonzero(begun)).groupby(rows["who"].to_numpy()[begun]).max()
        here = rows.iloc[last.to_numpy("int64")]
        x, y = self._between(last.to_numpy("int64"), us)
        # A visit at another camera may have begun earlier and still go on.
        until = self._until(begun, us).reindex(last.index).to_numpy("int64")
        return pd.DataFrame(
            {
                "who": pd.Series(last.index, dtype="str"),
                "vertex": last.to_numpy("int64"),
                "plan": here["plan"].to_numpy("int64"),
                "x": x,
                "y": y,
                "seen": until >= us,
                "since_s": np.maximum(us - until, 0) / 1e6,
            }
        )

    def _until(self, begun: np.ndarray, us: int) -> pd.Series:
        """Return until when each identity was seen, as far as it is known at a moment."""
        rows = self.vertices[begun]
        until = rows["until"].clip(upper=us) if len(rows) else rows["until"]
        return until.groupby(rows["who"].to_numpy()).max()

    def _between(self, last: np.ndarray, us: int) -> tuple[np.ndarray, np.ndarray]:
        rows = self.vertices
        after = np.minimum(last + 1, len(rows) - 1)
        one, two = rows.iloc[last], rows.iloc[after]
        same = ["who", "stop", "plan"]
        goes_on = (one[same].to_numpy() == two[same].to_numpy()).all(axis=1)
        start, end = one["us"].to_numpy("int64"), two["us"].to_numpy("int64")
        share = np.where(goes_on & (end > start), (us - start) / np.maximum(end - start, 1), 0.0)
        x, y = (
            one[name].to_numpy("float64")
            + share * (two[name].to_numpy("float64") - one[name].to_numpy("float64"))
            for name in ("x", "y")
        )
        return x, y

    def trail(self, us: int, trail_s: float) -> pd.DataFrame:
        """Return the vertices of the last `trail_s` seconds: ``who, plan, x, y``, and where she is.

        Where nobody saw her for a while the trail of an identity has a row without a place, so
        that no line is drawn there; likewise where she changed the level.
        """
        rows = self.vertices
        moments = rows["us"].to_numpy("int64")
        recent = rows[(moments <= us) & (moments >= us - round(trail_s * 1e6))]
        parts = recent[["who", "plan", "x", "y", "stop"]].reset_index(drop=True)
        broken = (parts["stop"] != parts["stop"].shift()) & (parts["who"] == parts["who"].shift())
        breaks = parts[broken].assign(x=np.nan, y=np.nan)
        # A break comes before the row that begins the next visit.
        joined = pd.concat([breaks, parts]).sort_index(kind="stable", ignore_index=True)
        now = self.at(us)
        heads = now[now["seen"] & now["who"].isin(set(recent["who"]))]
        found = pd.concat([joined, heads.reindex(columns=joined.columns)])
        order = found["who"].map({who: i for i, who in enumerate(dict.fromkeys(rows["who"]))})
        found = found.assign(_order=order).sort_values("_order", kind="stable")
        return found[["who", "plan", "x", "y"]].reset_index(drop=True)
