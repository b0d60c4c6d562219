"""Where everybody is at a moment: what is drawn when a trajectory plays. Tables in, tables out."""

from __future__ import annotations

from dataclasses import dataclass, field

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
    _codes: np.ndarray = field(init=False, repr=False)
    _people: np.ndarray = field(init=False, repr=False)

    def __post_init__(self) -> None:
        # Once: a picture every tenth of a second has no time for words.
        codes, people = pd.factorize(self.vertices["who"].to_numpy(dtype=object), sort=True)
        object.__setattr__(self, "_codes", codes)
        object.__setattr__(self, "_people", people)

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
        begun = np.flatnonzero(rows["us"].to_numpy("int64") <= us)
        last, until = self._last(begun), self._until(begun, us)
        known = last >= 0
        last, until = last[known], until[known]
        x, y = self._between(last, us)
        return pd.DataFrame(
            {
                "who": pd.Series(self._people[known], dtype="str"),
                "vertex": last,
                "plan": rows["plan"].to_numpy("int64")[last],
                "x": x,
                "y": y,
                "seen": until >= us,
                "since_s": np.maximum(us - until, 0) / 1e6,
            }
        )

    def _last(self, begun: np.ndarray) -> np.ndarray:
        """Return the last vertex of each identity that has begun, -1 if none has."""
        last = np.full(len(self._people), -1, dtype="int64")
        np.maximum.at(last, self._codes[begun], begun)
        return last

    def _until(self, begun: np.ndarray, us: int) -> np.ndarray:
        """Return until when each identity was seen, as far as it is known at a moment.

        A visit at another camera may have begun earlier and still go on.
        """
        until = np.full(len(self._people), np.iinfo("int64").min // 2)
        ends = np.minimum(self.vertices["until"].to_numpy("int64")[begun], us)
        np.maximum.at(until, self._codes[begun], ends)
        return until

    def _between(self, last: np.ndarray, us: int) -> tuple[np.ndarray, np.ndarray]:
        rows = self.vertices
        after = np.minimum(last + 1, len(rows) - 1)
        goes_on = self._codes[last] == self._codes[after]
        for name in ("stop", "plan"):
            values = rows[name].to_numpy()
            goes_on &= values[last] == values[after]
        moments = rows["us"].to_numpy("int64")
        start, end = moments[last], moments[after]
        share = np.where(goes_on & (end > start), (us - start) / np.maximum(end - start, 1), 0.0)
        x, y = (
            values[last] + share * (values[after] - values[last])
            for values in (rows[name].to_numpy("float64") for name in ("x", "y"))
        )
        return x, y

    def trail(self, us: int, trail_s: float, *, now: pd.DataFrame | None = None) -> pd.DataFrame:
        """Return the vertices of the last `trail_s` seconds: ``who, plan, x, y``, and where she is.

        Where nobody saw her for a while the trail of an identity has a row without a place, so
        that no line is drawn there; likewise where she changed the level. `now` is what :meth:`at`
        says of the moment, if that is known already.
        """
        rows = self.vertices
        moments = rows["us"].to_numpy("int64")
        recent = np.flatnonzero((moments <= us) & (moments >= us - round(trail_s * 1e6)))
        parts = rows[["who", "plan", "x", "y", "stop"]].iloc[recent].reset_index(drop=True)
        broken = (parts["stop"] != parts["stop"].shift()) & (parts["who"] == parts["who"].shift())
        breaks = parts[broken].assign(x=np.nan, y=np.nan)
        # A break comes before the row that begins the next visit.
        joined = pd.concat([breaks, parts]).sort_index(kind="stable", ignore_index=True)
        now = self.at(us) if now is None else now
        people = parts["who"].unique()
        heads = now[now["seen"] & now["who"].isin(people)]
        found = pd.concat([joined, heads.reindex(columns=joined.columns)])
        order = found["who"].map({who: i for i, who in enumerate(people)})
        found = found.assign(_order=order).sort_values("_order", kind="stable")
        return found[["who", "plan", "x", "y"]].reset_index(drop=True)
