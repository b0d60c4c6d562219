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
            "--longest",
            "longest_s",
            type=float,
            default=900.0,
            show_default=True,
            metavar="SECONDS",
            help="The longest shift; who stays together for longer looks like chance.",
        ),
        click.option(
            "--top",
            type=click.IntRange(1),
            default=20,
            show_default=True,
            metavar="N",
            help="How many are listed; those more than chance are listed beyond it.",
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
    with call.bench() as bench:
        found = bench.together.pairs(**asked)
    rows = _listed(found, top)
    _say_if_cut(call, len(rows), found, "pair")
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
    hers = _others(_listed(found, top), identity_id, "identity_id")
    _say_if_cut(call, len(hers), found, "companion")
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


def _listed(found: CoOccurrences, top: int) -> pd.DataFrame:
    """Return the first pairs, and those more than chance, which are rarely among the first."""
    from workbench.analytics.significance import MAX_Q

    first = found.pairs.index < top
    return found.pairs[first | (found.pairs["q"] <= MAX_Q).to_numpy()]


def _say_if_cut(call: Call, listed: int, found: CoOccurrences, word: str) -> None:
    """Say beside a CSV that it is not all: JSON and text have the total in them."""
    from workbench.cli.terminal import plural

    if call.as_csv and listed < len(found.pairs):
        whole = plural(len(found.pairs), word)
        click.echo(f"note: {listed:,} of {whole}; --top {len(found.pairs)} gives all", err=True)


def _drawn(found: CoOccurrences, asked: dict[str, Any]) -> dict[str, int | None]:
    """Return what chance was drawn with, over how many pairs q is, and how many are more."""
    if found.chance is None:
        return {"seed": None, "tested": None, "more_than_chance": None}
    meant = len(found.significant())
    return {"seed": asked["seed"], "tested": found.chance.tested, "more_than_chance": meant}


def _others(rows: pd.DataFrame, identity_id: str, name: str) -> pd.DataFrame:
    """Return the pairs of one identity with the other of each in a column of this name."""
    other = rows["a"].where(rows["a"] != identity_id, rows["b"])
    hers = rows.drop(columns=["a", "b"])
    hers.insert(0, name, other)
    return hers


_COUNT = ["count", "overlap_s", "cameras", "days", "first", "last"]
_CHANCE = ["count", "overlap_s", "cameras", "days", "expected", "lift", "q"]


def _list(screen: Screen, found: CoOccurrences, top: int, whose: str | None = None) -> str:
    from workbench.analytics.significance import MAX_Q

    if found.pairs.empty:
        who = "No two people were" if whose is None else "Nobody was"
        with_her = "" if whose is None else " with this identity"
        return f"{who} seen together{with_her} in what was asked about."
    names = _COUNT if found.chance is None else _CHANCE
    parts = [_first_line(found, whose)]
    if found.chance is not None:
        meant = found.significant().head(top)
        parts.append(f"More than chance (q <= {MAX_Q:g})\n{_table(screen, meant, names, whose)}")
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
    if "q" in names:
        rows = rows.assign(q=small(rows["q"]))
    shown = [name for name in names if name != "overlap_s" or rows[name].notna().any()]
    return screen.table(rows, who + shown)


def small(q: pd.Series) -> pd.Series:
    """Return q as a terminal shows it: of a very small one no more than that it is small.

    Examples
    --------
    >>> import pandas as pd
    >>> small(pd.Series([4e-11, 0.03])).tolist()
    ['<0.0001', 0.03]
    """
    return q.astype("object").where(~(q < 1e-4), "<0.0001")
