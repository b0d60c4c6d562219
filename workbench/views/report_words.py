"""What a report says of one identity: its tables as people read them, and a summary in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from workbench.views.charts.links import unseen
from workbench.views.style import duration, share_of

_REASONS = {
    "blind": "blind area: no camera between",
    "unknown": "not explained",
}


@dataclass(frozen=True, slots=True)
class Wording:
    """How a report calls things: names of cameras, the zone of its times, what was assumed.

    Attributes
    ----------
    cameras : mapping of str to str
        Names of cameras by id.
    display_tz : str
        Zone of the times in sentences.
    max_gap_s : float
        Sightings at one camera with gaps of at most this are one visit, seconds.
    max_speed_m_s : float
        A faster move is implausible, m/s.
    """

    cameras: Mapping[str, str]
    display_tz: str = "UTC"
    max_gap_s: float = 30.0
    max_speed_m_s: float = 4.0

    def place(self, camera_id: object, place_id: object = None) -> str:
        """Return what a camera is called, with its id if that is another; else the place."""
        if isinstance(camera_id, str):
            return called(camera_id, self.cameras.get(camera_id))
        return place_id if isinstance(place_id, str) else "an unknown place"

    def places(self, rows: pd.DataFrame, camera: str = "camera_id") -> pd.Series:
        """Return what the cameras of a column are called, or else the places of the rows."""
        cameras = rows[camera].astype("str")
        names = {one: self.place(one) for one in cameras.dropna().unique()}
        found = cameras.map(names).astype("str")
        return found.fillna(rows["place_id"].astype("str")) if "place_id" in rows else found

    def moment(self, time: pd.Timestamp) -> str:
        """Return a time in a sentence: day of the week, date, clock."""
        return time.tz_convert(self.display_tz).strftime("%a %d %b %Y, %H:%M:%S")


def called(key: str, name: object) -> str:
    """Return a name with its id, or the id alone where there is no other name.

    Examples
    --------
    >>> called("p1", "Ana"), called("p2", None)
    ('Ana (p1)', 'p2')
    """
    known = isinstance(name, str) and name.strip() and name != key
    return f"{name} ({key})" if known else key


def counted(n: int, one: str, many: str | None = None) -> str:
    """Return a count with its noun.

    Examples
    --------
    >>> counted(1, "visit"), counted(1200, "visit")
    ('1 visit', '1,200 visits')
    """
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def summary(
    sightings: pd.DataFrame,
    visits: pd.DataFrame,
    gaps: pd.DataFrame,
    implausible: pd.DataFrame,
    words: Wording,
) -> str:
    """Return in a few sentences where somebody was seen, what is not known, and what cannot be.

    Parameters
    ----------
    sightings, visits, gaps, implausible : DataFrame
        Of one identity, as ``bench.tracks.trajectory`` gives them.
    words : Wording
    """
    if sightings.empty:
        return "No sighting in this period. No sighting is not absence: nobody recognised her."
    return "\n\n".join(
        [_seen(sightings, visits, words), _gone(visits, gaps, words), _odd(implausible, words)]
    )


def _seen(sightings: pd.DataFrame, visits: pd.DataFrame, words: Wording) -> str:
    rows = sightings.sort_values("timestamp", kind="stable")
    first, last = rows.iloc[0], rows.iloc[-1]
    places = words.places(visits).nunique()
    counts = (
        f"{counted(len(rows), 'sighting')} in {counted(len(visits), 'visit')} at "
        f"{counted(places, 'camera' if visits['camera_id'].notna().all() else 'place')}."
    )
    ends = [
        f"{word} seen {words.moment(one['timestamp'])} at "
        f"{words.place(one['camera_id'], one['place_id'])}"
        for word, one in (("First", first), ("last", last))
    ]
    return f"{counts} {ends[0]}; {ends[1]} ({words.display_tz})."


def _gone(visits: pd.DataFrame, gaps: pd.DataFrame, words: Wording) -> str:
    stays = visits.sort_values("start", kind="stable")
    holes = (stays["start"] - stays["end"].cummax().shift()).dt.total_seconds()
    holes = holes[holes > words.max_gap_s]
    whole = (stays["end"].max() - stays["start"].min()).total_seconds()
    if holes.empty:
        return f"Between the first and the last sighting lie {duration(whole)}, without a gap."
    hidden = unseen(gaps)
    reasons = {} if hidden is None else hidden["reason"].value_counts().to_dict()
    said = [
        (f"{reasons[key]:,} {word}" if len(reasons) > 1 else word)
        for key, word in (
            ("outage", f"while a camera on the way was out{_out_for(hidden)}"),
            ("blind", "in a blind area, where no camera is between"),
            ("unknown", "not explained"),
        )
        if reasons.get(key)
    ]
    return (
        f"Between the first and the last sighting lie {duration(whole)}; for "
        f"{duration(holes.sum())} of them nobody recognised this identity, the longest time "
        f"{duration(holes.max())}. {_counted_gaps(gaps, hidden)}: {', '.join(said)}."
    )


def _counted_gaps(gaps: pd.DataFrame, hidden: pd.DataFrame | None) -> str:
    unseen = 0 if hidden is None else len(hidden)
    part = "" if unseen == len(gaps) else f", {unseen:,} unseen"
    return counted(len(gaps), "gap") + part


def _out_for(gaps: pd.DataFrame | None) -> str:
    """Return for how much of the gaps that an outage explains the camera was out."""
    if gaps is None or "outage_s" not in gaps:
        return ""
    explained = gaps[gaps["reason"] == "outage"]
    if explained["outage_s"].isna().any():
        return ""
    return share_of(float(explained["outage_s"].sum()), float(explained["gap_s"].sum()))


def _odd(implausible: pd.DataFrame, words: Wording) -> str:
    if implausible.empty:
        return (
            "No move is implausible. That proves nothing: a wrong identification far away in time "
            "is not noticed."
        )
    fastest = implausible["speed_m_s"].max()
    speed = "" if pd.isna(fastest) else f", the fastest {fastest:,.1f} m/s"
    return (
        f"{counted(len(implausible), 'implausible move')}{speed}: an identification, a clock or a "
        "position is wrong there. See the table below."
    )


# ------------------------------------------------------------------ tables
def visits_table(visits: pd.DataFrame, words: Wording) -> pd.DataFrame:
    """Return the visits in order of time: number, camera, from, to, how long, sightings."""
    rows = visits.sort_values(["start", "end"], kind="stable", ignore_index=True)
    return pd.DataFrame(
        {
            "visit": range(1, len(rows) + 1),
            "camera": words.places(rows),
            "from": rows["start"],
            "to": rows["end"],
            "stayed": _durations(rows["dwell_s"]),
            "sightings": rows["sightings"],
        }
    )


def gaps_table(gaps: pd.DataFrame, words: Wording) -> pd.DataFrame:
    """Return the unseen gaps, those in which no other camera saw her, the reason in words."""
    hidden = unseen(gaps)
    rows = gaps.iloc[:0] if hidden is None else hidden
    return pd.DataFrame(
        {
            "from": rows["start"],
            "to": rows["end"],
            "how long": _durations(rows["gap_s"]),
            "last seen at": words.places(rows, "from_camera"),
            "next seen at": words.places(rows, "to_camera"),
            "why": pd.Series(
                [_why(row, words) for row in rows.to_dict("records")], index=rows.index, dtype="str"
            ),
        }
    )


def _why(gap: Mapping[object, object], words: Wording) -> str:
    if gap["reason"] != "outage":
        return _REASONS.get(str(gap["reason"]), str(gap["reason"]))
    said = f"{words.place(gap['outage_camera'])} was out"
    if "outage_s" in gap:
        said += share_of(float(str(gap["outage_s"])), float(str(gap["gap_s"])))
    return f"{said}: {gap['source']}" if isinstance(gap["source"], str) else said


def implausible_table(implausible: pd.DataFrame, words: Wording) -> pd.DataFrame:
    """Return the moves that cannot be: from where and when to where and when, and why."""
    rows = implausible.reset_index(drop=True)
    return pd.DataFrame(
        {
            "from": words.places(rows, "from_camera"),
            "left": rows["start"],
            "to": words.places(rows, "to_camera"),
            "arrived": rows["end"],
            "why": pd.Series(
                [_cannot(row, words) for row in rows.to_dict("records")],
                index=rows.index,
                dtype="str",
            ),
            "sightings": rows["from_appearance"] + " → " + rows["to_appearance"],
        }
    )


def _cannot(move: Mapping[object, object], words: Wording) -> str:
    far = f"{float(str(move['distance_m'])):,.1f} m"
    if pd.isna(move["speed_m_s"]):  # type: ignore[call-overload]
        return f"two places at once, {far} apart"
    speed, limit = float(str(move["speed_m_s"])), words.max_speed_m_s
    return f"{far} in {duration(float(str(move['gap_s'])))}: {speed:,.1f} m/s, over {limit:g} m/s"


def sightings_table(sightings: pd.DataFrame, words: Wording) -> pd.DataFrame:
    """Return the sightings: when, where, which track, who linked it, and where it came from."""
    rows = sightings.reset_index(drop=True)
    row = rows["source_row"].astype("Int64").astype("str")
    return pd.DataFrame(
        {
            "time": rows["timestamp"],
            "camera": words.places(rows),
            "track": rows["tracking_id"],
            "linked by": rows["method"],
            "confidence": rows["confidence"],
            "appearance": rows["id"],
            "file, row": (rows["source_file"].astype("str") + ", " + row).astype("str"),
        }
    )


def links_words(sightings: pd.DataFrame) -> str:
    """Return who or what said that these sightings are of one identity, and how sure."""
    if sightings.empty:
        return ""
    said = []
    for method, rows in sightings.groupby(sightings["method"].fillna("nobody says how"), sort=True):
        sure = rows["confidence"].dropna()
        least, most = f"{sure.min():.2f}", f"{sure.max():.2f}"
        spread = f"confidence {least}"
        if sure.empty:
            spread = "no confidence given"
        elif least != most:
            spread += f" to {most}, median {sure.median():.2f}"
        said.append(f"{len(rows):,} {method} ({spread})")
    return f"How the sightings were linked to this identity: {'; '.join(said)}."


def _durations(seconds: pd.Series) -> pd.Series:
    return pd.Series([duration(s) for s in seconds], index=seconds.index, dtype="str")
