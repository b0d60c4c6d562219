"""``demo``: a simulated building, first answers in the terminal, and a page to open."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from workbench.cli.answer import Answer
from workbench.cli.options import Call, answering

if TYPE_CHECKING:
    from workbench.cli.demo_story import Story
    from workbench.cli.terminal import Screen

PAGE = "demo.html"


@click.command()
@click.option(
    "--small",
    is_flag=True,
    help="Fewer: two days and 100 people in the same building, made in a moment.",
)
@click.option("--reset", is_flag=True, help="Make the demo store anew.")
@click.option(
    "--seed",
    type=click.IntRange(0, 2**32 - 1),
    default=7,
    show_default=True,
    metavar="N",
    help="Seed of the simulated site: other people and days, the same building.",
)
@answering
def demo(call: Call, small: bool, reset: bool, seed: int) -> Answer:
    """Build a store of a simulated building, answer first questions, draw a map.

    The map and the answers are written as a page that opens in any browser.

    The store is ./workbench-demo unless --store says otherwise; one that the demo did not make is
    left alone.
    """
    from workbench.cli.demo_page import demo_page
    from workbench.cli.demo_story import story_of
    from workbench.cli.looking import per_camera
    from workbench.session import DEMO_FOLDER, Workbench, open_demo

    zone = call.settings.display_tz
    folder = call.store if call.store is not None else DEMO_FOLDER
    html = (Path(folder) / PAGE).absolute()
    with open_demo(folder, small=small, seed=seed, reset=reset) as made:
        story = story_of(Workbench(made.manager, display_tz=zone), str(folder))
        _put(html, demo_page(story, zone))
    return Answer(
        document=story.stats | {"html": str(html)},
        table=per_camera(story.stats),
        text=lambda screen: _text(screen, story, html),
    )


def _put(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    import os

    from workbench.errors import StoreError

    fresh = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        fresh.write_text(text, encoding="utf-8")
        os.replace(fresh, path)
    except OSError as error:
        raise StoreError(
            f"The page cannot be written ({error.strerror}).",
            where=str(path),
            next="Make room or mend the permissions, then repeat the same command.",
        ) from error
    finally:
        fresh.unlink(missing_ok=True)


def _wrapped(text: str) -> str:
    import textwrap

    return textwrap.fill(text, 96, initial_indent="  ", subsequent_indent="  ")


def _text(screen: Screen, story: Story, html: Path) -> str:
    parts = ["A demo site: who was where, and how sure is that?", *_paragraphs(screen, story)]
    parts.append(f"The same with pictures, to open in any browser:\n  {html}")
    commands = "\n".join(f"  {command}" for command, _ in story.next_commands)
    parts.append(f"Go on:\n{commands}")
    return "\n\n".join(parts)


def _paragraphs(screen: Screen, story: Story) -> list[str]:
    told = []
    for part in story.parts:
        lines = [f"{part.question}", _wrapped(screen.cell(part.answer, longest=600))]
        if part.frame is not None:
            lines.append(screen.table(part.frame))
        lines.append(f"  $ {part.command}")
        told.append("\n".join(lines))
    return told
