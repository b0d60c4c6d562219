"""What the demo tells about a site: four questions, answered by the rooms, nothing by heart."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pandas as pd

from workbench.cli.terminal import number, plural
from workbench.cli.tracking import GAP, IMPLAUSIBLE
from workbench.errors import NotFoundError
from workbench.queries.similarity import Neighbours
from workbench.queries.tracks import Trajectory
from workbench.session import Workbench
from workbench.views.style import duration, share_of

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

_HITS = ["rank", "identity_id", "similarity", "appearance_id", "camera_id", "timestamp"]
_FACES = 5
_SHORT_S = 300.0  # a gap that a reader sees at a glance on the map of a day
_CAMERAS = 8  # seen by so many in a day: more is a tangle, less is no story
_CROPS = 150  # most crops on the page
_DECIMALS = 1  # of seconds, metres and metres per second, in sentences and in tables
_MEASURES = ("gap_s", "outage_s", "distance_m", "speed_m_s")
_ASKED = 20  # unidentified sightings that are looked at for one worth showing


@dataclass(frozen=True, slots=True)
class Drawing:
    """A picture that is drawn when the page is written, its heading and what to look for.

    ``crops`` gives the pictures of the appearances on it, by id, when they are asked for.
    """

    draw: Callable[[], Figure]
    note: str = ""
    heading: str = ""
    crops: Callable[[], dict[str, bytes]] = dict


@dataclass(frozen=True, slots=True)
class Part:
    """A question, its answer in a few sentences, the rows behind it, the command that asks it."""

    question: str
    answer: str
    command: str
    frame: pd.DataFrame | None = None
    drawings: list[Drawing] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Story:
    """Everything that the demo says, for the terminal and for the page."""

    folder: str
    stats: dict[str, Any]
    days: int
    parts: list[Part]
    example: str
    next_commands: list[tuple[str, str]]


def story_of(bench: Workbench, folder: str) -> Story:
    """Return the story of a site; `folder` is its store, as commands name it."""
    return _Teller(bench, folder).story()


@dataclass(frozen=True, slots=True)
class _Teller:
    """Asks the rooms of one store, and says what they answered."""

    bench: Workbench
    folder: str

    @property
    def store(self) -> str:
        return f"--store {shlex.quote(self.folder)}"

    def story(self) -> Story:
        stats = self.bench.store.stats()
        track = self._explained()
        parts = [self.what(stats), self.where(track), self.who(), self.odd()]
        return Story(
            folder=self.folder,
            stats=stats,
            days=_days(stats, self.bench.display_tz),
            parts=[part for part in parts if part is not None],
            example=track.identity_id,
            next_commands=[
                (f"workbench identities {self.store}", "who is known"),
                (f"workbench visits {self.store}", "who stayed where, from when to when"),
                (f"workbench flow {self.store}", "how people move from camera to camera"),
                ("workbench detect FILE", "what a file of yours is, and what loads it"),
            ],
        )

    # ------------------------------------------------------------------ the questions
    def what(self, stats: dict[str, Any]) -> Part:
        """Return what is in the store: the site, and when something happens there."""
        answer = (
            f"{plural(stats['appearances'], 'sighting')} of "
            f"{plural(stats['identities'], 'person', 'people')} by "
            f"{plural(stats['cameras'], 'camera')}; {plural(stats['unidentified'], 'sighting')} "
            "of nobody known."
        )
        return Part(
            "What is in this store?",
            answer,
            f"workbench stats {self.store}",
            drawings=[
                Drawing(
                    lambda: self.bench.cameras.map().plot(title="The site, and how people move"),
                    "Each arrow is a way people took from one camera to the next: the wider, the "
                    "more often. The sectors are what the cameras see.",
                ),
                Drawing(
                    lambda: self.bench.tracks.activity().plot(title="When is the building busy?"),
                    "An empty hour means that nobody was seen, not that nobody was there.",
                ),
            ],
        )

    def where(self, track: Trajectory) -> Part:
        """Return where somebody went on one day, and what nobody saw of it."""
        who = self._called(track.identity_id)
        visits = track.visits["camera_id"].nunique()
        answer = (
            f"{who} was seen {len(track.sightings)} times that day, at "
            f"{plural(visits, 'camera')}, in {plural(len(track.visits), 'visit')}."
        )
        answer += _unseen(track)
        explained = track.gaps[track.gaps["reason"] == "outage"]
        if len(explained):
            gap = explained.iloc[0]
            answer += (
                f" {_explained(len(explained))} in the {_rounded(gap['gap_s'])} s between "
                f"{self._place(gap['from_camera'])} and {self._place(gap['to_camera'])} the camera "
                f"{self._place(gap['outage_camera'])} on the way was out"
                f"{share_of(gap['outage_s'], gap['gap_s'])} ({gap['source']}). "
                "No sighting is not absence."
            )
        return Part(
            f"Where did {who} go, and what do we not know?",
            answer,
            f"workbench track {shlex.quote(track.identity_id)} {self._range(track)}{self.store}",
            frame=_shown(explained[GAP]) if len(explained) else None,
            drawings=[
                Drawing(
                    lambda: track.plot(title=f"The way of {who}"),
                    "Dots are sightings, coloured by time; small numbers give the order of the "
                    "visits. Dotted: nobody followed this person from one camera to the next. "
                    "Dashed: no camera saw this person for a longer time.",
                    crops=lambda: self._crops(track),
                ),
                Drawing(lambda: track.timeline(), "The same day by camera."),
            ],
        )

    def who(self) -> Part | None:
        """Return whom an unidentified sighting with a face looks like."""
        found = self._recognised()
        if found is None:
            return None
        one, people = found
        first, second = people.hits.iloc[0], people.hits.iloc[1:2]
        answer = (
            f"The nearest face of somebody known is that of {self._called(first['identity_id'])}, "
            f"at a cosine of {number(first['similarity'])}"
        )
        for rival in second.to_dict("records"):
            answer += (
                f"; the next other person is {self._called(rival['identity_id'])}, at "
                f"{number(rival['similarity'])}"
            )
        answer += ". A cosine is a hint, not proof: look at the pictures and the other sightings."
        return Part(
            f"Who is this? {one} is nobody known so far.",
            answer,
            f"workbench find --appearance {shlex.quote(one)} --by identity --k {_FACES} "
            f"{self.store}",
            frame=people.hits[_HITS],
            drawings=[
                Drawing(
                    lambda: people.plot(),
                    "The best face of each person. The pictures are drawings: nobody here exists.",
                )
            ],
        )

    def odd(self) -> Part | None:
        """Return a move that cannot be, and whom the face at its end looks like."""
        moves = self.bench.tracks.implausible()
        if moves.empty:
            return None
        move = self._telling(moves)
        who = str(move["identity_id"])
        answer = (
            f"{self._called(who)} would have gone from {self._place(move['from_camera'])} to "
            f"{self._place(move['to_camera'])}, {_rounded(move['distance_m'])} m, "
        ) + (
            "at one moment."
            if pd.isna(move["speed_m_s"])
            else f"in {_rounded(move['gap_s'])} s: {_rounded(move['speed_m_s'])} m/s."
        )
        answer += self._rival(who, str(move["to_appearance"]))
        track = self._on_day(who, move["start"])
        return Part(
            "What cannot be?",
            f"{answer} In all, {plural(len(moves), 'move')} of "
            f"{plural(moves['identity_id'].nunique(), 'person', 'people')} cannot be.",
            f"workbench track {shlex.quote(who)} {self._range(track)}{self.store}",
            frame=_shown(track.implausible[IMPLAUSIBLE]),
            drawings=[Drawing(lambda: track.timeline(), "One day of one identity, by camera.")],
        )

    # ------------------------------------------------------------------ what to show
    def _explained(self) -> Trajectory:
        """Return a day, of somebody seen by some cameras, with a gap that an outage explains."""
        gaps, visits = self.bench.tracks.gaps(), self.bench.tracks.visits()
        gaps = gaps[gaps["reason"] == "outage"]
        if gaps.empty:
            return self.bench.tracks.trajectory(visits["identity_id"].mode().iloc[0])
        for frame in (gaps, visits):
            frame["day"] = frame["start"].dt.tz_convert(self.bench.display_tz).dt.normalize()
        day = ["identity_id", "day"]
        cameras = visits.groupby(day)["camera_id"].nunique().rename("cameras").reset_index()
        short = gaps[gaps["gap_s"] < _SHORT_S].merge(cameras, on=day)
        if short.empty:
            short = gaps.merge(cameras, on=day)
        names = self.bench.identities.all().set_index("id")["name"]
        short["named"] = short["identity_id"].map(names).notna()
        short["off"] = (short["cameras"] - _CAMERAS).abs()
        best = short.sort_values(
            ["named", "off", "gap_s", "identity_id"], ascending=[False, True, False, True]
        ).iloc[0]
        return self._on_day(str(best["identity_id"]), best["start"])

    def _on_day(self, identity_id: str, moment: pd.Timestamp) -> Trajectory:
        zone = self.bench.display_tz
        start = moment.tz_convert(zone).normalize()
        end = start + pd.DateOffset(days=1)
        return self.bench.tracks.trajectory(identity_id, start=start, end=end)

    def _recognised(self) -> tuple[str, Neighbours] | None:
        """Return an unidentified sighting whose best person stands out most, and her rivals."""
        found: list[tuple[float, str, Neighbours]] = []
        for one in self.bench.appearances.unidentified()["id"]:
            try:
                near = self.bench.similarity.like(appearance=one, k=_FACES, by="identity")
            except NotFoundError:  # no face was seen
                continue
            cosines = near.hits["similarity"].tolist()
            if cosines:
                found.append((cosines[0] - sum(cosines[1:2]), one, near))
            if len(found) == _ASKED:
                break
        if not found:
            return None
        _, one, near = max(found, key=lambda row: (row[0], row[1]))
        return one, near

    @staticmethod
    def _telling(moves: pd.DataFrame) -> dict[str, Any]:
        """Return the move to show: of whoever has fewest such moves the one that is farthest."""
        often = moves.groupby("identity_id")["gap_s"].transform("size")
        order = moves.assign(often=often).sort_values(
            ["often", "distance_m", "identity_id"], ascending=[True, False, True]
        )
        return {str(name): cell for name, cell in order.iloc[0].items()}

    def _crops(self, track: Trajectory) -> dict[str, bytes]:
        ids = track.sightings["id"].head(_CROPS)
        found = {one: self.bench.appearances.crop(one) for one in ids}
        return {one: crop for one, crop in found.items() if crop is not None}

    # ------------------------------------------------------------------ words
    def _called(self, identity_id: Any) -> str:
        if identity_id is None or pd.isna(identity_id):
            return "nobody known"
        name = self.bench.identities.get(identity_id).name
        return f"{name} ({identity_id})" if name else str(identity_id)

    def _place(self, camera_id: Any) -> str:
        cameras = self.bench.cameras.all().set_index("id")["name"]
        name = cameras.get(camera_id)
        return str(camera_id) if name is None or pd.isna(name) else f"{name} ({camera_id})"

    def _range(self, track: Trajectory) -> str:
        zone = self.bench.display_tz
        first = track.sightings["timestamp"].min().tz_convert(zone)
        last = track.sightings["timestamp"].max().tz_convert(zone)
        if first.date() != last.date():
            return ""
        end = (first.normalize() + pd.DateOffset(days=1)).date()
        return f"--start {first.date()} --end {end} --tz {zone} "

    def _rival(self, who: str, appearance: str) -> str:
        try:
            hits = self.bench.similarity.like(appearance=appearance, k=5, by="identity").hits
        except NotFoundError:
            return ""
        others = hits[(hits["identity_id"] != who).fillna(False)]
        if others.empty:
            return ""
        best = others.iloc[0]
        return (
            f" The face of that last sighting is close to {self._called(best['identity_id'])} "
            f"(cosine {number(best['similarity'])}): perhaps a wrong identification."
        )


def _unseen(track: Trajectory) -> str:
    """Return in a sentence how much of the time nobody saw somebody, and the longest stretch."""
    visits = track.visits.sort_values("start")
    holes = (visits["start"] - visits["end"].cummax().shift()).dt.total_seconds()
    holes = holes[holes > track.max_gap_s]
    if holes.empty:
        return ""
    whole = (visits["end"].max() - visits["start"].min()).total_seconds()
    return (
        f" Between the first and the last sighting lie {duration(whole)}; for "
        f"{duration(holes.sum())} of them nobody saw this person, the longest time "
        f"{duration(holes.max())}."
    )


def _explained(gaps: int) -> str:
    """Return how many gaps have an explanation; the table has all, the sentence tells the first.

    Examples
    --------
    >>> _explained(1), _explained(2)
    ('One gap has an explanation:', '2 gaps have an explanation; the first:')
    """
    if gaps == 1:
        return "One gap has an explanation:"
    return f"{gaps:,} gaps have an explanation; the first:"


def _rounded(value: float) -> str:
    return number(round(value, _DECIMALS))


def _shown(frame: pd.DataFrame) -> pd.DataFrame:
    """Return rows with their seconds, metres and speeds as the sentences give them."""
    return frame.round({name: _DECIMALS for name in _MEASURES})


def _days(stats: dict[str, Any], zone: str) -> int:
    if stats["first_seen"] is None:
        return 0
    first, last = (
        pd.Timestamp(stats[name]).tz_convert(zone).date() for name in ("first_seen", "last_seen")
    )
    return (last - first).days + 1
