"""The page of the demo: what this is, the site, the questions with pictures, how to go on."""

from __future__ import annotations

from workbench import __version__
from workbench.cli.demo_story import Drawing, Part, Story
from workbench.views.page import Commands, Picture, Question, Section, page

_TITLE = "From a face to a story you can defend"
_LEAD = (
    "The workbench keeps who was seen by which camera and when, finds a face again, draws where "
    "somebody went, and says what nobody saw. This is its demo: a simulated building in which "
    "nobody exists. Every figure below was asked from the store beside this file; the page needs "
    "no network."
)


def demo_page(story: Story, display_tz: str) -> str:
    """Return the page as HTML; times are in the display zone."""
    stats = story.stats
    sections: list[Section] = [_question(part) for part in story.parts]
    sections.append(Commands(story.next_commands, heading="Go on in the terminal"))
    sections.append(
        Commands(
            [
                ("import workbench", ""),
                (f"bench = workbench.open({story.folder!r})", "the same store"),
                (f"track = bench.tracks.trajectory({story.example!r})", "one person"),
                ("track.plot()", "the map, in a notebook"),
            ],
            heading="Or in Python",
            note="In a clone of the repository, make lab opens JupyterLab with this store and a "
            "first notebook.",
        )
    )
    return page(
        _TITLE,
        sections,
        kicker="identity workbench · demo",
        lead=_LEAD,
        facts={
            "people": stats["identities"],
            "sightings": stats["appearances"],
            "cameras": stats["cameras"],
            "days": story.days,
            "sightings of nobody known": stats["unidentified"],
        },
        footer=f"Written by workbench {__version__} with: workbench demo",
        display_tz=display_tz,
    )


def _question(part: Part) -> Question:
    return Question(
        part.question,
        part.answer,
        part.frame,
        part.command,
        [_picture(drawing) for drawing in part.drawings],
    )


def _picture(drawing: Drawing) -> Picture:
    return Picture(drawing.draw(), drawing.heading, drawing.note, drawing.crops())
