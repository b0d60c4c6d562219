"""``report``: what is known of some identities, as one page to hand on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from workbench.cli.answer import Answer
from workbench.cli.options import FILE, TEXT, Call, answering, max_gap, max_speed, time_range

if TYPE_CHECKING:
    from workbench.cli.terminal import Screen
    from workbench.queries.report import Report, Written


@click.command()
@click.argument("identity_ids", type=TEXT, nargs=-1, required=True, metavar="ID [ID]...")
@click.option(
    "--html",
    type=FILE,
    required=True,
    metavar="FILE",
    help="The page to write; an HTML file that is there is replaced.",
)
@time_range
@max_gap
@max_speed
@click.option(
    "--made",
    type=TEXT,
    metavar="TIME",
    help="The time of making that stands on the page; now unless given.",
)
@answering
def report(
    call: Call,
    identity_ids: Sequence[str],
    html: Path,
    start: str | None,
    end: str | None,
    tz: str | None,
    max_gap: float,
    max_speed: float,
    made: str | None,
) -> Answer:
    """Write what is known of some identities into one page.

    Map, timeline and tables, the gaps with what explains them, and the files it all comes from.
    The page holds all it needs: it opens without a network, and can be handed on.
    """
    with call.bench() as bench:
        found = bench.tracks.report(
            identity_ids,
            start=start,
            end=end,
            tz=tz,
            max_gap_s=max_gap,
            max_speed_m_s=max_speed,
            made=made,
        )
        written = found.to_html(html)
    return Answer(
        document={
            "file": str(written.file),
            "bytes": written.bytes,
            "sections": list(written.sections),
        },
        table=found.to_frame(),
        text=lambda screen: _written(screen, found, written),
    )


def _written(screen: Screen, found: Report, written: Written) -> str:
    from workbench.cli.safe import safe

    rows = found.to_frame()
    lines = [
        screen.table(rows.drop(columns=["name"])),
        f"Written, {written.bytes:,} bytes, to open in any browser:\n  {safe(str(written.file))}",
    ]
    if rows["sightings"].eq(0).any():
        lines.append("No sighting is not absence: the page says of whom there is none.")
    return "\n\n".join(lines)
