"""What was planted, in words a teacher can read, with the ids, cameras and times concerned."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import pandas as pd

from workbench.demo import mistakes
from workbench.demo.building import EYES
from workbench.demo.days import moment
from workbench.demo.mistakes import Mistake
from workbench.demo.stories import Meeting, Plan, Twists

Answer = dict[str, Any]

_REGULARS = (
    "{0} are counted together with each other, and with many others, more often than anybody "
    "else: each of them is always around, for reasons of their own. Against chance nothing is left "
    "of it."
)
_PAIR = (
    "{0} work in different departments, and by count the regulars are far ahead of them; yet again "
    "and again they meet where few people pass and walk on side by side over two or three "
    "cameras: {1}."
)
_GROUP = "{0} have a meeting of their own, same room and same hour: {1}."
_OUTAGE = (
    "{0} saw nobody for over an hour, as the maintenance log says. People who passed were not "
    "away: the outage explains their gaps."
)
_BLIND = (
    "No camera looks into the north corridor of the ground floor. Whoever goes round the back, "
    "between {0}, is out of sight for more than half a minute, and nothing is wrong."
)
_ONCE = "{0} was seen once: some minutes in the lobby, on one day, and never again."


def told(
    seen: pd.DataFrame,
    plan: Plan,
    twists: Twists,
    ids: Sequence[str],
    appearance_ids: pd.Series,
) -> list[Answer]:
    """Return the answers to all stories, in plain values.

    Parameters
    ----------
    seen : DataFrame
        As :func:`workbench.demo.watching.sightings` returns it.
    plan, twists : Plan, Twists
    ids : sequence of str
        What the identity of each label is called.
    appearance_ids : Series
        What each row of `seen` is called.
    """
    return [
        *_lived(plan, twists, ids),
        _once(seen, plan, ids),
        *(
            mistake(kind, who, seen[found.rows], appearance_ids[found.rows])
            for kind, who, found in _mistaken(twists, ids)
        ),
    ]


def _lived(plan: Plan, twists: Twists, ids: Sequence[str]) -> Iterator[Answer]:
    first, last = moment(0, 0), moment(plan.days, 0)
    regulars = [ids[n] for n in plan.regulars]
    yield answer("busy_regulars", _REGULARS.format(_listed(regulars)), regulars, (), first, last)
    for story, words, numbers, met in (
        ("hidden_pair", _PAIR, plan.pair, plan.trysts),
        ("scheduled_group", _GROUP, plan.group, plan.sessions),
    ):
        who = [ids[n] for n in numbers]
        cameras = sorted({camera for meeting in met for camera in meeting.cameras})
        what = words.format(_listed(who), _times(met))
        yield answer(
            story, what, who, cameras,
            moment(met[0].day, met[0].start), moment(met[-1].day, met[-1].end),
        )  # fmt: skip
    out = plan.outages().iloc[0]
    camera = str(out["camera_id"])
    yield answer("camera_outage", _OUTAGE.format(camera), (), (camera,), out["start"], out["end"])
    ends = ("cam_06", "cam_07")
    yield answer("blind_corridor", _BLIND.format(_listed(ends)), (), ends, first, last)


def _once(seen: pd.DataFrame, plan: Plan, ids: Sequence[str]) -> Answer:
    here = seen[seen["person"] == plan.guest]
    day, who = int(here["day"].iloc[0]), ids[plan.guest]
    cameras = sorted({EYES[number].id for number in here["camera"]})
    begin, end = moment(day, here["t"].min()), moment(day, here["t"].max())
    return answer("one_visit", _ONCE.format(who), (who,), cameras, begin, end)


def _mistaken(twists: Twists, ids: Sequence[str]) -> Iterator[tuple[str, tuple[str, ...], Mistake]]:
    trip, merge, split = twists.trip, twists.merge, twists.split
    yield "impossible_trip", (ids[trip.who], ids[trip.whom]), trip
    yield "wrong_merge", (ids[merge.who],), merge
    second = next(label for label, owner in twists.owners.items() if owner == split.who)
    yield "wrong_split", (ids[split.who], ids[second]), split


def mistake(kind: str, who: Sequence[str], rows: pd.DataFrame, appearance_ids: pd.Series) -> Answer:
    """Return the answer to a mistake of recognition: whom it concerns, and the wrong rows.

    Parameters
    ----------
    kind : str
        A key of ``mistakes.TOLD``.
    who : sequence of str
        The identities concerned, in the order of the words.
    rows : DataFrame
        ``day, t, camera`` of the sightings that are somebody else's.
    appearance_ids : Series
        What they are called.
    """
    seconds = rows["day"] * 86_400 + rows["t"]
    cameras = sorted({EYES[number].id for number in rows["camera"]})
    begin, end = moment(0, seconds.min()), moment(0, seconds.max())
    what = mistakes.TOLD[kind].format(*who)
    return answer(kind, what, who, cameras, begin, end) | {"appearances": list(appearance_ids)}


def answer(
    story: str,
    what: str,
    who: Iterable[str],
    cameras: Iterable[str],
    start: pd.Timestamp,
    end: pd.Timestamp,
) -> Answer:
    """Return an answer in plain values."""
    return {
        "story": story,
        "what": what,
        "identities": list(who),
        "cameras": list(cameras),
        "start": start.isoformat(),
        "end": end.isoformat(),
    }


def _listed(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}"


def _times(meetings: Sequence[Meeting]) -> str:
    return ", ".join(
        f"{moment(one.day, one.start):%a %H:%M} ({', '.join(one.cameras)})" for one in meetings
    )
