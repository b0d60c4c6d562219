"""``pairs``, ``together``: who was with whom, and whether it is chance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from workbench.cli.answer import Answer
from workbench.cli.options import (
    TEXT,
    Call,
    Decorator,
    answering,
    max_gap,
    several,
    time_range,
)
from workbench.cli.options import cameras as camera_option
from workbench.errors import InvalidInputError

if TYPE_CHECKING:
    import pandas as pd

    from workbench.cli.terminal import Screen
    from workbench.queries.co_occurrences import CoOccurrences


def _counting(identity_help: str) -> Decorator:
    """Return the options of both commands."""
    return several(
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
        click.option(
            "--identity",
            "identities",
            type=TEXT,
            multiple=True,
            metavar="ID",
            help=identity_help,
        ),
        click.option(
            "--min-overlap",
            type=float,
            default=0.0,
            show_default=True,
            metavar="SECONDS",
            help="Only who overlapped for at least so long in all.",
        ),
        click.option(
            "--min-days",
            type=click.IntRange(1),
            default=1,
            show_default=True,
            metavar="N",
            help="Only who met on at least so many days.",
        ),
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
@_counting("Only pairs of two of these; give it twice or more.")
@answering
def pairs(call: Call, top: int, **given: Any) -> Answer:
    """List who was with whom, the most frequent first.

    Two are together where they are at one camera or place within the window. Who is often there
    meets many: --significance holds it against chance.
    """
    asked = _asked(**given)
    if len(set(asked["identity"] or ())) == 1:
        raise InvalidInputError(
            "One identity alone makes no pair.",
            where="--identity",
            next="Name two or more, or list whom one was with: workbench together ID",
        )
    with call.bench() as bench:
        found = bench.together.pairs(**asked)
    rows = found.pairs.head(top)
    document = {
        "method": found.method,
        "window_s": found.window_s,
        "total_pairs": len(found.pairs),
        "total_count": found.total_count,
        **_drawn(found, asked),
        "pairs": rows,
    }
    return Answer(document=document, table=rows, text=lambda screen: _list(screen, found, top))


@click.command()
@click.argument("identity_id", type=TEXT, metavar="ID")
@_counting("Only with this one; repeat for several.")
@answering
def together(call: Call, identity_id: str, top: int, **given: Any) -> Answer:
    """List whom one identity was with, the most frequent first."""
    asked = _asked(**given)
    with call.bench() as bench:
        found = bench.together.of(identity_id, **asked)
    hers = _others(found.pairs.head(top), identity_id, "identity_id")
    document = {
        "identity_id": identity_id,
        "method": found.method,
        "window_s": found.window_s,
        "total_companions": len(found.pairs),
        "total_count": found.total_count,
        **_drawn(found, asked),
        "companions": hers,
    }
    return Answer(
        document=document,
        table=hers,
        text=lambda screen: _list(screen, found, top, identity_id),
    )


def _asked(
    window: float,
    cameras: Sequence[str],
    identities: Sequence[str],
    min_overlap: float,
    max_gap: float,
    **given: Any,
) -> dict[str, Any]:
    return {
        "window_s": window,
        "camera": cameras or None,
        "identity": identities or None,
        "min_overlap_s": min_overlap,
        "max_gap_s": max_gap,
        **given,
    }


def _drawn(found: CoOccurrences, asked: dict[str, Any]) -> dict[str, int | None]:
    """Return what chance was drawn with, and over how many pairs q is taken."""
    if found.chance is None:
        return {"seed": None, "tested": None}
    return {"seed": asked["seed"], "tested": found.chance.tested}


def _others(rows: pd.DataFrame, identity_id: str, name: str) -> pd.DataFrame:
    """Return the pairs of one identity with the other of each in a column of this name."""
    other = rows["a"].where(rows["a"] != identity_id, rows["b"])
    hers = rows.drop(columns=["a", "b"])
    hers.insert(0, name, other)
    return hers


_COUNT = ["count", "overlap_s", "cameras", "days", "first", "last"]
_CHANCE = ["count", "overlap_s", "cameras", "days", "expected", "lift", "q"]


def _list(screen: Screen, found: CoOccurrences, top: int, whose: str | None = None) -> str:
    if found.pairs.empty:
        return f"Nobody was with {'anybody' if whose is None else 'this identity'} here."
    names = _COUNT if found.chance is None else _CHANCE
    parts = [_first_line(found, whose)]
    if found.chance is not None:
        meant = found.significant().head(top)
        parts.append(f"More than chance (q <= 0.05)\n{_table(screen, meant, names, whose)}")
    parts.append(f"Most often\n{_table(screen, found.pairs.head(top), names, whose)}")
    return "\n\n".join(parts)


def _first_line(found: CoOccurrences, whose: str | None) -> str:
    from workbench.cli.terminal import plural

    said = repr(found)
    if whose is None:
        return said
    # Of one identity all are pairs with her: who the others are is what is counted.
    return f"{plural(len(found.pairs), 'companion')}, {said.partition(', ')[2]}"


def _table(screen: Screen, rows: pd.DataFrame, names: list[str], whose: str | None) -> str:
    if rows.empty:
        return "  none"
    who = ["a", "b"] if whose is None else ["companion"]
    rows = rows if whose is None else _others(rows, whose, "companion")
    shown = [name for name in names if name != "overlap_s" or rows[name].notna().any()]
    return screen.table(rows, who + shown)
