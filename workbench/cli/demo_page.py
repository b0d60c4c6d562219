"""The page of the demo: one trajectory on the map, the questions, how to go on."""

from __future__ import annotations

from workbench import __version__
from workbench.cli.demo_story import Story, gaps_of
from workbench.views.page import Commands, Facts, Picture, Question, Section, Table, page

_LEAD = (
    "A small site computed by hand: nobody in it exists, and every answer can be checked with a "
    "pencil. The workbench keeps who was seen where and when, and says how sure that is. "
    "This file needs no network; below is the path of one person, then questions and answers."
)


def demo_page(story: Story, display_tz: str) -> str:
    """Return the page as HTML; times are in the display zone."""
    stats = story.stats
    facts = {
        "people": stats["identities"],
        "sightings": stats["appearances"],
        "cameras": stats["cameras"],
        "of nobody known": stats["unidentified"],
    }
    track = story.trajectory
    sections: list[Section] = [Facts(facts), _map(story, display_tz)]
    if len(track.gaps):
        note = "No sighting is not absence: each gap says what explains it."
        sections.append(Table(gaps_of(track), heading="Where nobody saw this person", note=note))
    sections += [
        Question(part.question, part.answer, part.frame, part.command) for part in story.questions
    ]
    sections.append(Commands(story.next_commands, heading="Go on in the terminal"))
    sections.append(
        Commands(
            [
                ("import workbench", ""),
                (f"bench = workbench.open({story.folder!r})", "the same store"),
                (f"bench.tracks.trajectory({track.identity_id!r}).plot()", "the map above"),
            ],
            heading="Or in Python",
        )
    )
    return page(
        story.title,
        sections,
        lead=_LEAD,
        footer=f"Written by workbench {__version__} with: workbench demo",
        display_tz=display_tz,
    )


def _map(story: Story, display_tz: str) -> Picture:
    from dataclasses import replace

    figure = replace(story.trajectory, _display_tz=display_tz).plot(
        title=f"The way of {story.name}"
    )
    note = (
        "Dots are sightings, coloured by time; the dashed line is where no camera saw this person."
    )
    return Picture(figure, heading="One person on the map", note=note)
