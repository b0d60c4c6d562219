"""What the demo tells about a site: four questions, answered by the rooms, nothing by heart."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import Any

import pandas as pd

from workbench.cli.looking import per_camera
from workbench.cli.terminal import number, plural
from workbench.cli.tracking import GAP, IMPLAUSIBLE
from workbench.errors import NotFoundError
from workbench.queries.tracks import Trajectory
from workbench.session import Workbench

_HITS = ["rank", "appearance_id", "identity_id", "similarity", "camera_id", "timestamp"]


@dataclass(frozen=True, slots=True)
class Part:
    """A question, its answer in a sentence or two, the rows behind it, the command that asks it."""

    question: str
    answer: str
    frame: pd.DataFrame | None
    command: str


@dataclass(frozen=True, slots=True)
class Story:
    """Everything that the demo says, for the terminal and for the page."""

    title: str
    folder: str
    stats: dict[str, Any]
    trajectory: Trajectory
    name: str
    questions: list[Part]
    next_commands: list[tuple[str, str]]


def story_of(bench: Workbench, folder: str) -> Story:
    """Return the story of a site; `folder` is its store, as commands name it."""
    store = f"--store {shlex.quote(folder)}"
    stats = bench.store.stats()
    people = bench.identities.all()["id"].tolist()
    tracks = {one: bench.tracks.trajectory(one) for one in people}
    chosen = _explained(tracks)
    parts = [
        _what(stats, store),
        _where(bench, chosen, store),
        _who(bench, store),
        _odd(bench, tracks, store),
    ]
    return Story(
        title="A demo site: who was where, and how sure is that?",
        folder=folder,
        stats=stats,
        trajectory=chosen,
        name=_called(bench, chosen.identity_id),
        questions=[part for part in parts if part is not None],
        next_commands=[
            (f"workbench identities {store}", "who is known"),
            (f"workbench visits {store}", "who stayed where, from when to when"),
            (f"workbench flow {store}", "how people move from camera to camera"),
            ("workbench detect FILE", "what a file of yours is, and the command that loads it"),
        ],
    )


def _explained(tracks: dict[str, Trajectory]) -> Trajectory:
    """Return a trajectory with a gap that an outage explains, else the one with most sightings."""
    for track in tracks.values():
        if (track.gaps["reason"] == "outage").any():
            return track
    return max(tracks.values(), key=lambda track: len(track.sightings))


def _called(bench: Workbench, identity_id: str | None) -> str:
    if identity_id is None or pd.isna(identity_id):
        return "nobody known"
    name = bench.identities.get(identity_id).name
    return f"{identity_id} ({name})" if name else identity_id


def _what(stats: dict[str, Any], store: str) -> Part:
    seen = plural(stats["appearances"], "sighting")
    people = plural(stats["identities"], "person", "people")
    nobody = plural(stats["unidentified"], "sighting")
    answer = (
        f"{seen} of {people} by {plural(stats['cameras'], 'camera')}; {nobody} of nobody known."
    )
    return Part("What is in this store?", answer, per_camera(stats), f"workbench stats {store}")


def _where(bench: Workbench, track: Trajectory, store: str) -> Part:
    who = _called(bench, track.identity_id)
    command = f"workbench track {shlex.quote(track.identity_id)} {store}"
    explained = track.gaps[track.gaps["reason"] == "outage"]
    visits = track.visits[["camera_id", "start", "end", "dwell_s", "sightings"]]
    if explained.empty:
        answer = f"{who} was seen {len(track.sightings)} times in {plural(len(visits), 'visit')}."
        return Part(f"Where did {track.identity_id} go?", answer, visits, command)
    gap = explained.iloc[0]
    answer = (
        f"{who} made {plural(len(visits), 'visit')}. For {number(gap['gap_s'])} s, between "
        f"{gap['from_camera']} and {gap['to_camera']}, nobody saw this person: the camera "
        f"{gap['outage_camera']} on the way was out ({gap['source']}). No sighting is not absence."
    )
    return Part(f"Where did {track.identity_id} go?", answer, visits, command)


def _who(bench: Workbench, store: str) -> Part | None:
    """Return whom the first unidentified sighting with a face looks like."""
    for one in bench.appearances.unidentified()["id"].head(20):
        try:
            found = bench.similarity.like(appearance=one, k=3)
        except NotFoundError:
            continue
        if len(found.hits):
            best = found.hits.iloc[0]
            whom = _called(bench, best["identity_id"])
            answer = (
                f"The nearest face is {best['appearance_id']}, {whom}, at a cosine of "
                f"{number(best['similarity'])}. A cosine is a hint, not proof."
            )
            command = f"workbench find --appearance {shlex.quote(one)} --k 3 {store}"
            question = f"Who looks like {one}, which is nobody known so far?"
            return Part(question, answer, found.hits[_HITS], command)
    return None


def _odd(bench: Workbench, tracks: dict[str, Trajectory], store: str) -> Part | None:
    """Return the first move that cannot be, and who the face at its end looks like."""
    for who, track in tracks.items():
        if track.implausible.empty:
            continue
        move = track.implausible.iloc[0]
        answer = (
            f"{_called(bench, who)} would have gone from {move['from_camera']} to "
            f"{move['to_camera']} at {number(move['speed_m_s'])} m/s."
        )
        answer += _rival(bench, who, str(move["to_appearance"]))
        command = f"workbench track {shlex.quote(who)} {store}"
        return Part("What is odd?", answer, track.implausible[IMPLAUSIBLE], command)
    return None


def _rival(bench: Workbench, who: str, appearance: str) -> str:
    try:
        hits = bench.similarity.like(appearance=appearance, k=5, by="identity").hits
    except NotFoundError:
        return ""
    others = hits[(hits["identity_id"] != who).fillna(False)]
    if others.empty:
        return ""
    best = others.iloc[0]
    return (
        f" The face of {appearance} is close to {_called(bench, best['identity_id'])} "
        f"({best['appearance_id']}, cosine {number(best['similarity'])}): perhaps a wrong "
        "identification."
    )


def gaps_of(track: Trajectory) -> pd.DataFrame:
    """Return the gaps of a trajectory in the columns people read."""
    return track.gaps[GAP]
