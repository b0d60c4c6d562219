"""The report of ``bench.tracks``: what is known of some identities, as one page to hand on."""

from __future__ import annotations

import os
import shlex
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from workbench import times
from workbench.errors import InvalidInputError, StoreError
from workbench.queries.movement import Crop, Site, Timeline, Trajectory
from workbench.queries.picture import Picture
from workbench.queries.ranges import Ids, Moment, listed
from workbench.stores.graph.base import GraphStore

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

    from workbench.views.report import Origin, Subject
    from workbench.views.report_words import Wording
    from workbench.views.style import ThemeName

MOST = 60
"""Most identities of one report."""

_STRIP, _HOVERS = 6, 96  # crops side by side, an identity; beside hovers, on the whole page
_HTML = (b"<!doctype html", b"<html")


@dataclass(frozen=True, slots=True)
class Written:
    """A report that was written: where, how many bytes, and the headings on it."""

    file: Path
    bytes: int
    sections: tuple[str, ...]


@dataclass(frozen=True)
class Report(Picture):
    """What is known of where some identities were, and a page that says it.

    Parameters
    ----------
    trajectories : tuple of Trajectory
        One an identity, in the order of the page.
    files : DataFrame
        The files it rests on: ``role, file, sha256, load, loaded``.
    made : datetime
        When it was made: all else on the page follows from the store and from what was asked.
    """

    trajectories: tuple[Trajectory, ...]
    files: pd.DataFrame
    made: datetime
    max_speed_m_s: float
    display_tz: str
    _site: Site = field(repr=False)
    _people: pd.DataFrame = field(repr=False)
    _store: Mapping[str, Any] = field(repr=False)
    _range: Mapping[str, str | None] = field(repr=False)
    _crops: Mapping[str, bytes] = field(repr=False)

    def __repr__(self) -> str:
        few = ", ".join(repr(one.identity_id) for one in self.trajectories[:3])
        more = len(self.trajectories) - 3
        seen = sum(len(one.sightings) for one in self.trajectories)
        return f"Report on {few}{f' and {more} more' if more > 0 else ''}: {seen} sightings"

    # ------------------------------------------------------------------ table and picture
    def to_frame(self) -> pd.DataFrame:
        """Return one row an identity: how often what was found, first and last seen.

        Columns ``identity_id, name, sightings, visits, cameras, gaps, unseen_gaps, implausible,
        first_seen, last_seen``. The page lists the unseen gaps: those in which no other camera
        saw her either.
        """
        rows = [
            {
                "identity_id": one.identity_id,
                "name": self._names.get(one.identity_id),
                "sightings": len(one.sightings),
                "visits": len(one.visits),
                "cameras": one.visits["camera_id"].nunique(),
                "gaps": len(one.gaps),
                "unseen_gaps": len(one.unseen_gaps),
                "implausible": len(one.implausible),
                "first_seen": one.sightings["timestamp"].min(),
                "last_seen": one.sightings["timestamp"].max(),
            }
            for one in self.trajectories
        ]
        text = dict.fromkeys(["identity_id", "name"], "str")
        frame = pd.DataFrame(rows).astype(text)
        for name in ("first_seen", "last_seen"):  # where nobody was seen, they have no zone yet
            frame[name] = pd.to_datetime(frame[name], utc=True).astype(times.DTYPE)
        return frame

    def plot(self, *, theme: ThemeName = "light") -> Figure:
        """Return the timeline: one lane an identity, or by camera if there is one identity."""

        def joined(name: str) -> pd.DataFrame:
            tables = [getattr(one, name) for one in self.trajectories]
            kept = [table for table in tables if len(table)] or tables[:1]
            return pd.concat(kept, ignore_index=True)

        return Timeline(
            identity_ids=tuple(one.identity_id for one in self.trajectories),
            visits=joined("visits"),
            gaps=joined("gaps"),
            implausible=joined("implausible"),
            _site=self._site,
            _identities=self._people,
            _display_tz=self.display_tz,
        ).plot(theme=theme)

    @property
    def _names(self) -> dict[str, str]:
        known = self._people[["id", "name"]].dropna()
        return dict(zip(known["id"], known["name"], strict=True))

    # ------------------------------------------------------------------ the page
    @property
    def html(self) -> str:
        """Return the page: one text that holds all it needs, and asks no server."""
        return self._page[0]

    def to_html(self, path: str | Path) -> Written:
        """Write the page, whole or not at all, and return where, how large and what is on it.

        Parameters
        ----------
        path : path
            The file. An HTML file that is there is replaced.

        Raises
        ------
        InvalidInputError
            When its folder is not there, or something is there that is no HTML file: that stays
            as it is.
        StoreError
            When the disk refuses; what was there is as it was.
        """
        place = _writable(Path(path))
        text, sections = self._page
        content = text.encode("utf-8", "backslashreplace")
        _put(place, content)
        return Written(place, len(content), tuple(sections))

    @cached_property
    def _page(self) -> tuple[str, list[str]]:
        from workbench.views.report import report_page

        return report_page(
            [self._subject(one) for one in self.trajectories],
            origin=self._origin(),
            words=self._words(),
            together=self.plot() if len(self.trajectories) > 1 else None,
        )

    def _words(self) -> Wording:
        from workbench.views.report_words import Wording

        cameras = self._site.cameras[["id", "name"]].dropna()
        return Wording(
            cameras=dict(zip(cameras["id"], cameras["name"], strict=True)),
            display_tz=self.display_tz,
            max_gap_s=self.trajectories[0].max_gap_s,
            max_speed_m_s=self.max_speed_m_s,
        )

    def _subject(self, one: Trajectory) -> Subject:
        from workbench.views.report import Subject

        seen = len(one.sightings) > 0
        at_cameras = one.sightings["camera_id"].notna().any()
        ids = one.sightings["id"].tolist()
        return Subject(
            identity_id=one.identity_id,
            name=self._names.get(one.identity_id),
            sightings=one.sightings,
            visits=one.visits,
            gaps=one.gaps,
            implausible=one.implausible,
            map=one.plot() if at_cameras else None,
            timeline=one.timeline() if seen else None,
            csv_command=self._command(one, "--csv"),
            json_command=self._command(one, "--json"),
            strip=[(key, self._crops[key]) for key in _few(ids, _STRIP) if key in self._crops],
            crops={key: self._crops[key] for key in ids if key in self._crops},
        )

    def _command(self, one: Trajectory, form: str) -> str:
        words = ["workbench", "track", form]
        for name, moment in self._range.items():
            words += [] if moment is None else [f"--{name}", moment]
        words += [] if one.max_gap_s == 30 else ["--max-gap", f"{one.max_gap_s:g}"]
        words += [] if self.max_speed_m_s == 4 else ["--max-speed", f"{self.max_speed_m_s:g}"]
        words += ["--"] if one.identity_id.startswith("-") else []
        return shlex.join([*words, one.identity_id])

    def _origin(self) -> Origin:
        from workbench.views.report import Origin

        counts = self._store["counts"]
        return Origin(
            store=(
                f"store {self._store['id'][:12]} at commit {self._store['sequence']:,} "
                f"({counts['Appearance']:,} sightings, {counts['Identity']:,} identities, "
                f"{counts['Camera']:,} cameras)"
            ),
            period=self._period(),
            made=self.made,
            files=self.files,
            unrecorded=sum(int(one.sightings["load_id"].isna().sum()) for one in self.trajectories),
        )

    def _period(self) -> str:
        """Return the range that was asked for, in the zone of all other times of the page."""
        said = {"start": "from {}", "end": "up to {}, not included"}
        ends = [
            said[name].format(self._words().moment(pd.Timestamp(moment)))
            for name, moment in self._range.items()
            if moment is not None
        ]
        return f"{' '.join(ends)} ({self.display_tz})" if ends else "everything in the store"


# ------------------------------------------------------------------ from the store
def report_of(
    graph: GraphStore,
    trajectory: Callable[..., Trajectory],
    ids: Ids,
    *,
    made: Moment = None,
    max_speed_m_s: float,
    display_tz: str,
    **asked: Any,
) -> Report:
    """Return the report on these identities, all of one state of the store.

    Parameters
    ----------
    graph : GraphStore
    trajectory : callable
        Given an identity and what is asked of it, her trajectory: that of ``bench.tracks``.
    ids : str or sequence of str
    made : time, optional
        The time of making that stands on the page; now unless given.
    max_speed_m_s : float
    display_tz : str
    **asked
        ``start, end, tz, max_gap_s`` of a trajectory.

    Raises
    ------
    InvalidInputError
        When no identity is named, or more than 60.
    NotFoundError
        When one of them is not there.
    """
    wanted = _wanted(ids)
    tz = asked.get("tz")
    with graph.snapshot():
        tracks = tuple(trajectory(one, max_speed_m_s=max_speed_m_s, **asked) for one in wanted)
        site = tracks[0]._site
        assert site is not None  # the room gives it
        people = graph.nodes("Identity", ids=wanted)
        store = {"id": graph.store_id, "sequence": graph.sequence(), "counts": graph.counts()}
        files = _files(graph, _loads_of(tracks, site, people))
        crops = _crops_of(tracks)
    return Report(
        trajectories=tracks,
        files=files,
        made=datetime.now(UTC) if made is None else times.moment(times.instant(made, tz=tz)),
        max_speed_m_s=max_speed_m_s,
        display_tz=display_tz,
        _site=site,
        _people=people,
        _store=store,
        _range={name: _exact(asked.get(name), tz) for name in ("start", "end")},
        _crops=crops,
    )


def _wanted(ids: Ids) -> list[str]:
    wanted = list(dict.fromkeys(listed(ids) or []))
    if not 0 < len(wanted) <= MOST:
        raise InvalidInputError(
            f"A report is on 1 to {MOST} identities, not {len(wanted):,}.",
            where="ids",
            next="Name some identities; write several reports where there are more.",
        )
    return wanted


def _exact(moment: Moment, tz: str | None) -> str | None:
    return None if moment is None else times.iso(times.instant(moment, tz=tz))


def _loads_of(tracks: tuple[Trajectory, ...], site: Site, people: pd.DataFrame) -> set[str]:
    """Return the loads that brought anything that is on the page."""
    tables = [people, site.cameras, site.adjacency, site.outages, site.floor_plans]
    tables += [one.sightings for one in tracks]
    return {load for table in tables for load in table["load_id"].dropna().unique()}


def _files(graph: GraphStore, loads: set[str]) -> pd.DataFrame:
    files, known = graph.nodes("LoadFile"), graph.nodes("Load")
    files = files[files["load_id"].isin(loads)].sort_values(["load_id", "position"])
    rows = files.merge(known[["id", "at"]], left_on="load_id", right_on="id", how="left")
    rows = rows.sort_values(["at", "load_id", "position"], kind="stable", ignore_index=True)
    named = {"name": "file", "load_id": "load", "at": "loaded"}
    rows = rows.rename(columns=named).assign(loaded=rows["at"].dt.floor("s"))
    return rows[["role", "file", "sha256", "load", "loaded"]]


def _crops_of(tracks: tuple[Trajectory, ...]) -> dict[str, bytes]:
    """Return the crops of a few sightings of each, spread over her time."""
    each = max(_STRIP, _HOVERS // len(tracks))
    found: dict[str, bytes | None] = {}
    for one in tracks:
        crop: Crop = one._crop or (lambda _: None)
        ids = one.sightings["id"].tolist()
        for key in {*_few(ids, _STRIP), *_few(ids, each)}:
            found[key] = crop(key)
    return {key: crop for key, crop in found.items() if crop is not None}


def _few(ids: list[str], most: int) -> list[str]:
    places = np.unique(np.linspace(0, len(ids) - 1, min(most, len(ids))).round().astype(int))
    return [ids[place] for place in places]


# ------------------------------------------------------------------ to the disk
def _writable(path: Path) -> Path:
    """Return the file that is meant, followed through links, if a page may be written there."""
    try:
        place = Path(os.path.realpath(path))
        if place.is_dir():
            raise _refused("This is a folder.", path, f"Give a file in it: {path / 'report.html'}")
        if not place.parent.is_dir():
            raise _refused(
                "There is no such folder to write a page into.",
                place.parent,
                "Make the folder first, or give another file.",
            )
        if place.exists():
            _replaceable(place)
    except (OSError, ValueError) as error:
        if isinstance(error, InvalidInputError):
            raise
        raise _unwritten(path, error) from error
    return place


def _replaceable(place: Path) -> None:
    """Refuse what is no HTML file: a slip of the keyboard must not cost a table."""
    if not stat.S_ISREG(place.stat().st_mode):
        raise _refused("This is no file, but a device or a pipe.", place, "Give a file.")
    with place.open("rb") as file:
        begin = file.read(256).lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if begin and not begin.startswith(_HTML):
        raise _refused(
            "There is a file that is no HTML page; it stays as it is.",
            place,
            "Give another name, or remove the file yourself.",
        )


def _put(path: Path, content: bytes) -> None:
    fresh = path.with_name(f".workbench-{os.getpid()}.new")
    try:
        fresh.write_bytes(content)
        os.replace(fresh, path)
    except OSError as error:
        raise _unwritten(path, error) from error
    finally:
        fresh.unlink(missing_ok=True)


def _refused(message: str, path: Path, todo: str) -> InvalidInputError:
    return InvalidInputError(message, where=str(path), next=todo)


def _unwritten(path: Path, error: OSError | ValueError) -> StoreError:
    return StoreError(
        f"The page cannot be written ({getattr(error, 'strerror', None) or error}).",
        where=str(path),
        next="Make room or mend the permissions, then repeat the same command.",
    )
