"""A report to hand on: one page about one identity or a dozen, each line with where it comes from.

Tables and figures in, HTML out. What is on it and in which order is decided here, what it says in
``report_words``, how it looks in ``page``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pandas as pd
import plotly.graph_objects as go

from workbench import __version__
from workbench.views.page import Chapter, Commands, Picture, Section, Strip, Table, Text, page
from workbench.views.page_table import Link
from workbench.views.report_words import (
    Wording,
    called,
    counted,
    gaps_table,
    implausible_table,
    links_words,
    sightings_table,
    summary,
    visits_table,
)
from workbench.views.style import identity_colour

# How many rows a table shows where the page is on one identity, and where it is on several.
_ROWS, _SIGHTINGS = (200, 60), (100, 30)
_LIST, _TOGETHER, _ORIGIN, _LIMITS = "identities", "together", "origin", "limits"
_NOT_CLAIMED = """
No sighting is not absence. A gap says that no camera recognised this identity, not that nobody was
there. A dashed or dotted line joins two sightings; what lies between was not seen.

Which sightings belong to an identity was decided by whoever made the files, or by hand, and may be
wrong. A confidence is what the source gave with that link, on its own scale. It is no probability
that it was this person, and neither is a cosine between two faces or bodies.

Times are those of the cameras, corrected where the offset of a clock is known. Positions are those
of the files, else that of the camera. An implausible move says that something is wrong, not what;
where none is found, an identification can still be wrong.

Of a gap only the known outages and the known ways between cameras are weighed. Whatever is not in
the store is not on this page.
"""


@dataclass(frozen=True, slots=True)
class Subject:
    """One identity of a report: tables of the room that made them, and figures of them.

    Attributes
    ----------
    identity_id : str
    name : str or None
        What people call her.
    sightings, visits, gaps, implausible : DataFrame
        As ``bench.tracks.trajectory`` gives them.
    map, timeline : plotly.graph_objects.Figure or None
        None where nothing was seen.
    csv_command, json_command : str
        What to type for every sighting, and for everything else.
    strip : sequence of (str, bytes)
        A few appearances with their crops.
    crops : mapping of str to bytes
        Crops beside the hovers of the map, by appearance.
    """

    identity_id: str
    name: str | None
    sightings: pd.DataFrame
    visits: pd.DataFrame
    gaps: pd.DataFrame
    implausible: pd.DataFrame
    map: go.Figure | None
    timeline: go.Figure | None
    csv_command: str
    json_command: str
    strip: Sequence[tuple[str, bytes]] = ()
    crops: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """Return what she is called."""
        return called(self.identity_id, self.name)


@dataclass(frozen=True, slots=True)
class Origin:
    """What a report was made from.

    Attributes
    ----------
    store : str
        Which store, at which commit, and how much is in it.
    period : str
        Of which times.
    made : datetime
        When.
    files : DataFrame
        The files that were loaded: ``role, file, sha256, load, loaded``.
    unrecorded : int
        Sightings that no load brought.
    """

    store: str
    period: str
    made: datetime
    files: pd.DataFrame
    unrecorded: int = 0


def report_page(
    subjects: Sequence[Subject],
    *,
    origin: Origin,
    words: Wording,
    together: go.Figure | None = None,
) -> tuple[str, list[str]]:
    """Return the report as an HTML page that works offline, and the headings of its chapters.

    Parameters
    ----------
    subjects : sequence of Subject
        One identity or several, in the order of the page.
    origin : Origin
        What it was made from.
    words : Wording
        Names of cameras, zone of the times, what was assumed.
    together : Figure, optional
        The timeline of all of them.
    """
    many = len(subjects) > 1
    made = f"Made {origin.made.astimezone(UTC):%Y-%m-%d %H:%M} UTC by workbench {__version__}"
    chapters = [_list(subjects, words)] if many else []
    chapters += [] if together is None else [_together(together)]
    chapters += [_subject(one, n, words, many=many) for n, one in enumerate(subjects, 1)]
    chapters += [_limits(), _origin(origin, words)]
    who = counted(len(subjects), "identity", "identities") if many else subjects[0].title
    text = page(
        f"Where {who} {'were' if many else 'was'} seen",
        chapters,
        kicker="identity workbench · report",
        lead=f"Period: {origin.period}. Times: {words.display_tz}.\n\n{made} from {origin.store}.",
        facts=_facts(subjects),
        footer=f"{made} from {origin.store}.",
        display_tz=words.display_tz,
    )
    return text, [chapter.heading for chapter in chapters]


def _facts(subjects: Sequence[Subject]) -> dict[str, object]:
    visits = pd.concat([one.visits for one in subjects])
    cameras = visits["camera_id"].fillna(visits["place_id"]).nunique()
    odd = sum(len(one.implausible) for one in subjects)
    facts: dict[str, object] = {"identities": len(subjects)} if len(subjects) > 1 else {}
    return facts | {
        "sightings": sum(len(one.sightings) for one in subjects),
        "visits": len(visits),
        "cameras": cameras,
        "implausible moves": odd,
    }


def _anchor(n: int) -> str:
    return f"identity-{n}"


def _list(subjects: Sequence[Subject], words: Wording) -> Chapter:
    """Return who is on the page, each with a link to her chapter."""
    rows = pd.DataFrame(
        {
            "identity": pd.Series(
                [
                    Link(one.title, _anchor(n), identity_colour(one.identity_id))
                    for n, one in enumerate(subjects, 1)
                ],
                dtype=object,
            ),
            "sightings": [len(one.sightings) for one in subjects],
            "visits": [len(one.visits) for one in subjects],
            "cameras": [words.places(one.visits).nunique() for one in subjects],
            "gaps": [len(one.gaps) for one in subjects],
            "unseen gaps": [len(gaps_table(one.gaps, words)) for one in subjects],
            "first seen": _ends(subjects, "min").dt.floor("s"),
            "last seen": _ends(subjects, "max").dt.floor("s"),
            "implausible moves": [len(one.implausible) for one in subjects],
        }
    )
    heading = "Who is on this page"
    return Chapter(heading, [Table(rows, rows=len(rows))], _LIST)


def _ends(subjects: Sequence[Subject], which: str) -> pd.Series:
    found = [one.sightings["timestamp"].agg(which) for one in subjects]
    return pd.Series(found, dtype="datetime64[us, UTC]")


def _together(figure: go.Figure) -> Chapter:
    note = (
        "A lane an identity; the colour of a mark is the camera, see below the picture. A mark "
        "says more under the mouse."
    )
    return Chapter(
        "All of them together", [Picture(figure, note=note)], _TOGETHER, own_sheet=True, back=_LIST
    )


def _subject(one: Subject, n: int, words: Wording, *, many: bool) -> Chapter:
    """Return the chapter of one identity: words, crops, map, timeline, tables."""
    said = summary(one.sightings, one.visits, one.gaps, one.implausible, words)
    sections: list[Section] = [Text(said)]
    if len(one.sightings):
        sections += [
            *([_strip(one, words)] if one.strip else []),
            *_pictures(one),
            *_tables(one, words, many=many),
        ]
    return Chapter(
        one.title,
        sections,
        _anchor(n),
        colour=identity_colour(one.identity_id),
        own_sheet=many,
        back=_LIST if many else "",
    )


def _strip(one: Subject, words: Wording) -> Strip:
    rows = one.sightings.set_index("id").to_dict("index")
    shown = []
    for key, crop in one.strip:
        seen = rows[key]
        where = words.place(seen["camera_id"], seen["place_id"])
        shown.append((crop, f"{words.moment(seen['timestamp'])} · {where}"))
    return Strip(shown, "Some of the sightings")


def _pictures(one: Subject) -> list[Section]:
    drawn: list[Section] = []
    if one.map is not None:
        note = (
            "Small numbers give the order of the visits. Dotted: nobody followed this identity "
            "from one camera to the next. Dashed: no camera saw it for a longer time."
        )
        drawn.append(Picture(one.map, "Map", note, one.crops))
    if one.timeline is not None:
        drawn.append(Picture(one.timeline, "Timeline", "The same by camera."))
    return drawn


def _tables(one: Subject, words: Wording, *, many: bool) -> list[Section]:
    gaps = gaps_table(one.gaps, words)
    watched = len(one.gaps) - len(gaps)
    more = (
        f"{counted(watched, 'more gap')}, not listed: another camera saw this identity meanwhile, "
        "or the time is one of those here."
    )
    drawn: list[tuple[str, pd.DataFrame, str]] = [
        ("Visits", visits_table(one.visits, words), ""),
        ("Unseen gaps: nobody recognised this identity", gaps, more if watched else ""),
        ("Implausible moves", implausible_table(one.implausible, words), ""),
    ]
    most = _ROWS[many]
    sections: list[Section] = [
        Table(rows, heading, f"{note} {_cut(rows, most, one)}".strip(), most, tall=True)
        if len(rows)
        else Text(f"None found. {note}".strip(), heading)
        for heading, rows, note in drawn
    ]
    return [
        *sections,
        Table(
            sightings_table(one.sightings, words),
            "Sightings",
            links_words(one.sightings),
            _SIGHTINGS[many],
            tall=True,
        ),
        Commands([(one.csv_command, f"all {counted(len(one.sightings), 'sighting')} as a table")]),
    ]


def _cut(rows: pd.DataFrame, most: int, one: Subject) -> str:
    if len(rows) <= most:
        return ""
    return f"The first {most:,} of {len(rows):,}; all of them: {one.json_command}"


def _limits() -> Chapter:
    return Chapter("What this page does not claim", [Text(_NOT_CLAIMED)], _LIMITS)


def _origin(origin: Origin, words: Wording) -> Chapter:
    missing = (
        f" {counted(origin.unrecorded, 'sighting')} came through Python: no file is known."
        if origin.unrecorded
        else ""
    )
    assumed = (
        f"Sightings at one camera with gaps of at most {words.max_gap_s:g} s are one visit; a "
        "longer time between two visits is a gap, unseen where no other camera saw this identity "
        f"meanwhile either. A move faster than {words.max_speed_m_s:g} m/s in a straight line is "
        "implausible."
    )
    return Chapter(
        "Where it comes from",
        [
            Text(f"Made from {origin.store}.{missing}\n\n{assumed}"),
            Table(
                origin.files,
                "Files",
                "The files that the identities, their sightings and the site on this page were "
                "loaded from. A file with the same SHA-256 is the same, byte for byte.",
                rows=len(origin.files),
            ),
        ],
        _ORIGIN,
    )
