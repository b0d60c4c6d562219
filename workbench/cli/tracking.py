"""``track``, ``visits``, ``flow``, ``path``: where they went, and what is not known about it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from workbench.cli.answer import Answer
from workbench.cli.options import TEXT, Call, answering, max_gap, max_speed, time_range
from workbench.cli.options import identities as identity_option

if TYPE_CHECKING:
    import pandas as pd

    from workbench.cli.terminal import Screen
    from workbench.queries.tracks import Trajectory


@click.command()
@click.argument("identity_id", type=TEXT, metavar="ID")
@time_range
@max_gap
@max_speed
@answering
def track(
    call: Call,
    identity_id: str,
    start: str | None,
    end: str | None,
    tz: str | None,
    max_gap: float,
    max_speed: float,
) -> Answer:
    """Show where one identity went, and what is not known.

    Sightings, visits, moves from camera to camera, the gaps with what explains them, and moves
    that cannot be.
    """
    with call.bench() as bench:
        found = bench.tracks.trajectory(
            identity_id,
            start=start,
            end=end,
            tz=tz,
            max_gap_s=max_gap,
            max_speed_m_s=max_speed,
        )
    whose = ["identity_id"]
    return Answer(
        document={
            "identity_id": identity_id,
            "sightings": sightings(found.sightings),
            "visits": found.visits.drop(columns=whose),
            "transitions": found.transitions.drop(columns=whose),
            "gaps": found.gaps.drop(columns=whose),
            "implausible": found.implausible.drop(columns=whose),
        },
        table=_flat(found.sightings),
        text=lambda screen: went(screen, found),
    )


_SIGHTING = ["appearance_id", "timestamp", "camera_id", "place_id", "tracking_id"]


def sightings(rows: pd.DataFrame) -> pd.DataFrame:
    """Return sightings as ``track`` shows them: the box as one list."""
    import pandas as pd

    from workbench.cli.cells import boxes

    named = rows.rename(columns={"id": "appearance_id"})
    named["bbox"] = pd.Series(boxes(rows), index=rows.index, dtype=object)
    return named[[*_SIGHTING, "bbox", "confidence", "method"]]


def _flat(rows: pd.DataFrame) -> pd.DataFrame:
    named = rows.rename(columns={"id": "appearance_id"})
    box = ["bbox_x", "bbox_y", "bbox_w", "bbox_h"]
    return named[[*_SIGHTING, *box, "confidence", "method"]]


def went(screen: Screen, found: Trajectory) -> str:
    """Return a trajectory for a terminal: visits, then what is not known or cannot be."""
    from workbench.cli.terminal import plural
    from workbench.queries.movement import unseen_words

    counts = ", ".join(
        [
            plural(len(found.sightings), "sighting"),
            plural(len(found.visits), "visit"),
            plural(len(found.gaps), "gap") + unseen_words(found.gaps),
            plural(len(found.implausible), "implausible move"),
        ]
    )
    visits = screen.table(found.visits, _known(found.visits, VISIT))
    parts = [f"{screen.cell(found.identity_id)}: {counts}", f"Visits\n{visits}"]
    # Cameras that overlap make gaps between two of them while a third one watched: people get
    # each absence once, the whole list is in the JSON.
    unseen = found.unseen_gaps
    if len(unseen):
        parts.append(f"Unseen gaps: no sighting is not absence\n{screen.table(unseen, GAP)}")
    if len(unseen) < len(found.gaps):
        more = plural(len(found.gaps) - len(unseen), "more gap")
        parts.append(
            f"{more}, not listed: another camera saw this identity meanwhile, or the time is one "
            "of those above; --json has all"
        )
    if len(found.implausible):
        parts.append(f"Implausible\n{screen.table(found.implausible, IMPLAUSIBLE)}")
    return "\n\n".join(parts)


VISIT = ["camera_id", "place_id", "start", "end", "dwell_s", "sightings"]
GAP = ["from_camera", "to_camera", "start", "end", "gap_s", "reason", "outage_camera"]
GAP += ["outage_s", "source"]
IMPLAUSIBLE = ["from_appearance", "to_appearance", "from_camera", "to_camera"]
IMPLAUSIBLE += ["reason", "speed_m_s", "distance_m", "gap_s"]


def _known(rows: pd.DataFrame, names: Sequence[str]) -> list[str]:
    """Return the columns worth their room: places only where there are any."""
    return [name for name in names if name != "place_id" or rows[name].notna().any()]


@click.command()
@click.argument("identity_ids", type=TEXT, nargs=-1, metavar="[ID]...")
@time_range
@max_gap
@answering
def visits(
    call: Call,
    identity_ids: Sequence[str],
    start: str | None,
    end: str | None,
    tz: str | None,
    max_gap: float,
) -> Answer:
    """List who stayed where, from when to when.

    Everybody, or the identities named.
    """
    with call.bench() as bench:
        ids = list(dict.fromkeys(identity_ids)) or None
        rows = bench.tracks.visits(ids, start=start, end=end, tz=tz, max_gap_s=max_gap)
    names = ["identity_id", *_known(rows, VISIT)]
    return Answer(
        document={"visits": rows}, table=rows, text=lambda screen: screen.table(rows, names)
    )


@click.command()
@time_range
@identity_option
@max_gap
@answering
def flow(
    call: Call,
    start: str | None,
    end: str | None,
    tz: str | None,
    identities: Sequence[str],
    max_gap: float,
) -> Answer:
    """Count the moves from camera to camera."""
    with call.bench() as bench:
        cells = bench.tracks.flow(
            identities or None, start=start, end=end, tz=tz, max_gap_s=max_gap
        )
    return Answer(document={"cells": cells}, table=cells, text=lambda screen: _moves(screen, cells))


def _moves(screen: Screen, cells: pd.DataFrame) -> str:
    """Return the moves between two cameras, the most frequent first, then the returns to one."""
    often = cells.sort_values("transitions", ascending=False, kind="stable")
    same = often["from_camera"] == often["to_camera"]
    parts = [f"From one camera to another\n{screen.table(often[~same])}"]
    if same.any():
        parts.append(f"Seen again at the same camera\n{screen.table(often[same])}")
    return "\n\n".join(parts)


@click.command()
@click.argument("from_camera", type=TEXT, metavar="CAM")
@click.argument("to_camera", type=TEXT, metavar="CAM")
@click.option(
    "--by",
    type=click.Choice(["hops", "distance", "time"]),
    default="hops",
    show_default=True,
    help="What is smallest on the way.",
)
@answering
def path(call: Call, from_camera: str, to_camera: str, by: str) -> Answer:
    """Find the best way from one camera to another."""
    import pandas as pd

    with call.bench() as bench:
        best = bench.cameras.path(from_camera, to_camera, by=by)  # type: ignore[arg-type]
    document = {
        "cameras": list(best.cameras),
        "hops": best.hops,
        "distance_m": best.distance_m,
        "time_s": best.time_s,
    }

    def text(screen: Screen) -> str:
        way = " -> ".join(screen.cell(camera) for camera in best.cameras)
        said = {name: document[name] for name in ("hops", "distance_m", "time_s")}
        return f"{way}\n{screen.facts(said)}"

    steps = pd.DataFrame({"camera_id": pd.Series(best.cameras, dtype="str")})
    steps.insert(0, "step", range(len(steps)))
    return Answer(document=document, table=steps, text=text)
