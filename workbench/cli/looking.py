"""What is there: ``stats``, ``verify``, and the lists of who, what and where."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from workbench.cli.answer import FINDINGS, Answer
from workbench.cli.options import (
    COUNT,
    TEXT,
    Call,
    answering,
    several,
    time_range,
)
from workbench.cli.options import cameras as camera_option
from workbench.cli.options import identities as identity_option

if TYPE_CHECKING:
    import pandas as pd

    from workbench.cli.terminal import Screen

page = several(
    time_range,
    camera_option,
    identity_option,
    click.option("--limit", type=COUNT, metavar="N", help="At most so many."),
    click.option(
        "--after", type=TEXT, metavar="ID", help="Only what comes after this one: the next page."
    ),
)


@click.command()
@answering
def stats(call: Call) -> Answer:
    """Count what is in the store.

    Identities, appearances, cameras, vectors, bytes; each camera on its own.
    """
    with call.bench() as bench:
        said = bench.store.stats()
    return Answer(document=said, table=per_camera(said), text=lambda screen: counted(screen, said))


def per_camera(said: dict[str, Any]) -> pd.DataFrame:
    """Return the cameras of ``stats`` as a table."""
    import pandas as pd

    names = ["appearances", "identities", "first_seen", "last_seen"]
    rows = pd.DataFrame(list(said["per_camera"].values()), columns=names)
    for name in ("first_seen", "last_seen"):
        rows[name] = pd.to_datetime(rows[name], utc=True, format="ISO8601").dt.as_unit("us")
    rows.insert(0, "camera_id", pd.Series(list(said["per_camera"]), dtype="str"))
    return rows


def counted(screen: Screen, said: dict[str, Any]) -> str:
    """Return the counts of ``stats`` for a terminal."""
    import pandas as pd

    from workbench.cli.terminal import moment

    facts = {
        "identities": said["identities"],
        "appearances": said["appearances"],
        "  unidentified": said["unidentified"],
        "  per identity": said["mean_appearances_per_identity"],
        "cameras": said["cameras"],
        "first seen": moment(said["first_seen"]),
        "last seen": moment(said["last_seen"]),
        "bytes in its folder": said["bytes_total"],
        "  per appearance": said["bytes_per_appearance"],
    }
    parts = [screen.facts(facts), screen.table(per_camera(said))]
    if said["spaces"]:
        spaces = pd.DataFrame([{"space": n} | s for n, s in said["spaces"].items()])
        parts.append(screen.table(spaces))
    return "\n\n".join(parts)


@click.command()
@page
@answering
def identities(
    call: Call,
    start: str | None,
    end: str | None,
    tz: str | None,
    cameras: Sequence[str],
    identities: Sequence[str],
    limit: int | None,
    after: str | None,
) -> Answer:
    """List identities: everybody, or who was there."""
    with call.bench() as bench:
        rows = bench.identities.search(
            start=start, end=end, tz=tz, camera=cameras or None, identity=identities or None
        )
    columns = ["id", "name", "num_appearances", "num_cameras", "first_seen", "last_seen"]
    return _listed("identities", _paged(rows, limit, after), [*columns, "confidence_score"])


@click.command()
@page
@answering
def appearances(
    call: Call,
    start: str | None,
    end: str | None,
    tz: str | None,
    cameras: Sequence[str],
    identities: Sequence[str],
    limit: int | None,
    after: str | None,
) -> Answer:
    """List appearances in order of time.

    All of them, or those of some time, cameras, identities.
    """
    with call.bench() as bench:
        rows = bench.appearances.find(
            start=start,
            end=end,
            tz=tz,
            camera=cameras or None,
            identity=identities or None,
            limit=limit,
            after=after,
        )
    columns = ["id", "timestamp", "camera_id", "identity_id", "tracking_id", "confidence"]
    if rows["place_id"].notna().any():
        columns.insert(3, "place_id")
    return _listed("appearances", rows, columns)


@click.command()
@page
@answering
def cameras(
    call: Call,
    start: str | None,
    end: str | None,
    tz: str | None,
    cameras: Sequence[str],
    identities: Sequence[str],
    limit: int | None,
    after: str | None,
) -> Answer:
    """List cameras: all, or those that saw something of the kind."""
    with call.bench() as bench:
        rows = bench.cameras.search(
            start=start, end=end, tz=tz, camera=cameras or None, identity=identities or None
        )
    columns = ["id", "name", "location", "position_x", "position_y", "orientation", "fov"]
    return _listed("cameras", _paged(rows, limit, after), [*columns, "level", "clock_offset_s"])


def _paged(rows: pd.DataFrame, limit: int | None, after: str | None) -> pd.DataFrame:
    """Return one page of rows that are in order of id."""
    if after is not None:
        rows = rows[[one > after for one in rows["id"]]]
    return rows.reset_index(drop=True) if limit is None else rows.head(limit)


def _listed(name: str, rows: pd.DataFrame, columns: Sequence[str]) -> Answer:
    return Answer(
        document={name: rows}, table=rows, text=lambda screen: screen.table(rows, columns)
    )


@click.command()
@click.argument("identity_id", type=TEXT, metavar="ID")
@answering
def identity(call: Call, identity_id: str) -> Answer:
    """Show everything known about one identity."""
    from workbench.cli.cells import records

    with call.bench() as bench:
        bench.identities.get(identity_id)
        row = bench.manager.graph.nodes("Identity", ids=[identity_id])
        seen_by = bench.cameras.search(identity=identity_id)["id"].tolist()
    document = records(row)[0] | {"cameras": seen_by}

    def text(screen: Screen) -> str:
        said = {name: row[name].iloc[0] for name in row.columns}
        said |= {name: document[name] for name in ("properties", "merge_history", "cameras")}
        return screen.facts(said)

    return Answer(document=document, table=_with(row, seen_by), text=text)


def _with(row: pd.DataFrame, cameras: list[str]) -> pd.DataFrame:
    import pandas as pd

    return row.assign(cameras=pd.Series([cameras], index=row.index, dtype=object))


@click.command()
@answering
def verify(call: Call) -> Answer:
    """Check that nothing in the store is damaged.

    Every row and every vector is compared with its checksum, and rows and vectors with each
    other. Exit code 1 when something is wrong.
    """
    import dataclasses

    import pandas as pd

    with call.bench() as bench:
        found = bench.store.verify()
    problems = [dataclasses.asdict(problem) for problem in found.problems]
    table = pd.DataFrame(problems, columns=["kind", "count", "examples", "next"])

    def text(screen: Screen) -> str:
        looked = screen.facts({f"  {name}": n for name, n in found.checked.items()})
        if found.ok:
            return f"Nothing is wrong. Looked at:\n{looked}"
        shown = screen.table(table, ["kind", "count", "examples"])
        advice = [f"next ({screen.cell(p['kind'])}): {p['next']}" for p in problems]
        return "\n".join([f"Looked at:\n{looked}", "Wrong:", shown, *advice])

    return Answer(
        document={"ok": found.ok, "checked": found.checked, "problems": problems},
        table=table,
        text=text,
        code=0 if found.ok else FINDINGS,
    )
