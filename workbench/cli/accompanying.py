"""``pairs``, ``together``: who was with whom, and whether it is chance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from workbench.cli.answer import Answer
from workbench.cli.options import TEXT, Call, answering, max_gap, several, time_range
from workbench.cli.options import cameras as camera_option

if TYPE_CHECKING:
    import pandas as pd

    from workbench.cli.terminal import Screen
    from workbench.queries.together import CoOccurrences

counting = several(
    click.option(
        "--method",
        type=click.Choice(["encounters", "pairs"]),
        default="encounters",
        show_default=True,
        help="Count overlapping visits, or every two sightings within the window.",
    ),
    click.option(
        "--window",
        type=float,
        default=60.0,
        show_default=True,
        metavar="SECONDS",
        help="What is farther apart in time is not together.",
    ),
    time_range,
    camera_option,
    max_gap,
    click.option("--significance", is_flag=True, help="Say whether it is chance."),
    click.option(
        "--seed",
        type=click.IntRange(0),
        default=0,
        show_default=True,
        metavar="N",
        help="Of the chance that is drawn.",
    ),
    click.option(
        "--top",
        type=click.IntRange(1),
        default=20,
        show_default=True,
        metavar="N",
        help="How many are listed.",
    ),
)


@click.command()
@counting
@answering
def pairs(call: Call, top: int, **given: Any) -> Answer:
    """List who was with whom, the most frequent first.

    Two are together where they are at one camera or place within the window. Who is often there
    meets many: --significance holds it against chance.
    """
    with call.bench() as bench:
        found = bench.together.pairs(**_asked(**given))
    rows = found.pairs.head(top)
    document = {
        "method": found.method,
        "window_s": found.window_s,
        "total_pairs": len(found.pairs),
        "total_count": found.total_count,
        "pairs": rows,
    }
    return Answer(document=document, table=rows, text=lambda screen: _list(screen, found, top))


@click.command()
@click.argument("identity_id", type=TEXT, metavar="ID")
@counting
@answering
def together(call: Call, identity_id: str, top: int, **given: Any) -> Answer:
    """List whom one identity was with, the most frequent first."""
    with call.bench() as bench:
        found = bench.together.of(identity_id, **_asked(**given))
    rows = found.pairs.head(top)
    other = rows["a"].where(rows["a"] != identity_id, rows["b"])
    hers = rows.drop(columns=["a", "b"])
    hers.insert(0, "identity_id", other)
    document = {"identity_id": identity_id, "companions": hers}
    return Answer(document=document, table=hers, text=lambda screen: _list(screen, found, top))


def _asked(window: float, cameras: Sequence[str], max_gap: float, **given: Any) -> dict[str, Any]:
    return {"window_s": window, "camera": cameras or None, "max_gap_s": max_gap, **given}


_COUNT = ["a", "b", "count", "overlap_s", "cameras", "days", "first", "last"]
_CHANCE = ["a", "b", "count", "overlap_s", "cameras", "days", "expected", "lift", "q"]


def _list(screen: Screen, found: CoOccurrences, top: int) -> str:
    if found.pairs.empty:
        return "Nobody was with anybody here."
    parts = [repr(found)]
    if found.chance is not None:
        meant = found.significant()
        parts.append(f"More than chance (q <= 0.05)\n{_table(screen, meant.head(top), _CHANCE)}")
    names = _COUNT if found.chance is None else _CHANCE
    parts.append(f"Most often\n{_table(screen, found.pairs.head(top), names)}")
    return "\n\n".join(parts)


def _table(screen: Screen, rows: pd.DataFrame, names: list[str]) -> str:
    shown = [name for name in names if name != "overlap_s" or rows[name].notna().any()]
    return screen.table(rows, shown) if len(rows) else "  none"
