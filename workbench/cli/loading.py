"""``ingest``, ``detect``, ``loads``, ``unload``: from files to a store, and back out again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from workbench.cli.answer import FINDINGS, Answer
from workbench.cli.options import FILE, PAIR, TEXT, Call, answering, several
from workbench.errors import InvalidInputError

if TYPE_CHECKING:
    from workbench.cli.terminal import Screen
    from workbench.storage.load import LoadReport

# As workbench.readers.options has them, which is not imported to print a help.
FORMATS = ("auto", "csv", "parquet", "contacts", "mot", "aicity", "reid", "metropolis", "jsonl")
_table: dict[str, Any] = {"type": FILE, "metavar": "FILE"}
meaning = several(
    click.option(
        "--format",
        type=click.Choice(FORMATS),
        default="auto",
        show_default=True,
        help="What the files are.",
    ),
    click.option(
        "--columns",
        type=PAIR,
        multiple=True,
        metavar="OURS=THEIRS",
        help="Our column name and the file's; one of theirs may feed several of ours.",
    ),
    click.option("--camera", type=TEXT, metavar="ID", help="The camera of every row."),
    click.option(
        "--camera-columns",
        type=PAIR,
        multiple=True,
        metavar="OURS=THEIRS",
        help="As --columns, for the table of cameras.",
    ),
    click.option(
        "--box",
        type=click.Choice(["xywh", "xyxy"]),
        help="Boxes as corner and size, or as two corners.",
    ),
    click.option("--tz", type=TEXT, metavar="ZONE", help="Zone of times that carry none."),
    click.option(
        "--time-unit",
        type=click.Choice(["s", "ms", "us"]),
        help="Times are numbers, counted from --start-time or from 1970.",
    ),
    click.option(
        "--fps", type=TEXT, metavar="RATE", help="Times are frames; 30, 29.97 or 30000/1001."
    ),
    click.option("--start-time", type=TEXT, metavar="TIME", help="Time of frame 0 or of time 0."),
    click.option(
        "--where",
        type=TEXT,
        metavar="EXPRESSION",
        help="Rows wanted, as \"list == 'x' and identity_id > 0\", over the file's own names.",
    ),
    click.option(
        "--unidentified",
        type=TEXT,
        multiple=True,
        metavar="VALUE",
        help="An identity cell that means nobody; an empty one always does.",
    ),
    click.option(
        "--identity-from",
        type=click.Choice(["track"]),
        help="Make each camera and track a provisional identity.",
    ),
    click.option(
        "--dataset", type=TEXT, metavar="NAME", help='Put "NAME:" before identity and camera ids.'
    ),
    click.option(
        "--frames-root",
        type=FILE,
        metavar="DIR",
        help="The folder that frame_path is relative to; pictures are shown from below it only.",
    ),
    click.option(
        "--space",
        type=TEXT,
        default="reid",
        show_default=True,
        metavar="NAME",
        help="The space of vectors that stand in the rows (JSON: embedding, vector).",
    ),
    click.option(
        "--position-unit",
        type=click.Choice(["m", "ft", "mile"]),
        default="m",
        show_default=True,
        help="Unit of camera positions.",
    ),
    click.option(
        "--origin",
        metavar="LON,LAT",
        help="The point of the globe that is (0, 0): longitude and latitude become metres.",
    ),
)
tables = several(
    click.option("--cameras", **_table, help="Cameras: where they hang and look, their clocks."),
    click.option("--adjacency", **_table, help="Ways between cameras."),
    click.option("--outages", **_table, help="When which camera was out."),
    click.option(
        "--floor-plan", **_table, multiple=True, help="YAML beside an image; repeat for levels."
    ),
    click.option("--identities", **_table, help="Names and properties of identities."),
    click.option("--sources", **_table, help="Camera, start and frame rate of each video."),
)
vectors_of = several(
    click.option("--face", **_table, help="Vectors of the space face (.npy, .npz, Parquet)."),
    click.option("--reid", **_table, help="Vectors of the space reid."),
    click.option(
        "--vectors",
        type=PAIR,
        multiple=True,
        metavar="SPACE=FILE",
        help="Vectors of any space.",
    ),
    click.option(
        "--join",
        type=click.Choice(["auto", "id", "row"]),
        default="auto",
        show_default=True,
        help="How vectors find their rows.",
    ),
    click.option("--model-id", type=TEXT, metavar="NAME", help="The model that made the vectors."),
    click.option(
        "--precision",
        type=click.Choice(["float32", "float16", "int8"]),
        help="What vectors of a new space are stored in.",
    ),
)
policy = several(
    click.option("--update", is_flag=True, help="Overwrite what is there and differs."),
    click.option("--strict", is_flag=True, help="Refuse everything when a row is bad."),
    click.option("--dry-run", is_flag=True, help="Say what would happen and write nothing."),
)


@click.command()
@click.argument("files", type=FILE, nargs=-1, metavar="[FILE]...")
@meaning
@tables
@vectors_of
@policy
@answering
def ingest(call: Call, files: Sequence[Path], **given: Any) -> Answer:
    """Load files into a store, making it where there is none.

    FILE is a table of appearances (CSV or JSON lines, also gzipped, or Parquet), a tracker's
    output (MOTChallenge, AI City, NVIDIA Metropolis), a folder or a list of images named as in
    Market-1501, MARS or VeRi, or a contact list; a table of
    --cameras, --adjacency, --outages, --identities or a --floor-plan may be loaded without one.
    Bad rows go to a rejects file and the rest is loaded (exit code 1). The same file again changes
    nothing. Not sure what a file is? workbench detect FILE
    """
    import dataclasses

    import pandas as pd

    from workbench.session import ingest as load

    for name in ("columns", "camera_columns", "vectors"):
        given[name] = _once(f"--{name.replace('_', '-')}", given[name])
    settings = call.settings
    report = load(settings.store, list(files), config=settings, **given)
    document = dataclasses.asdict(report)
    found = report.rejected > 0 or report.rejects_file is not None
    return Answer(
        document=document,
        table=pd.DataFrame([document]),
        text=lambda screen: _loaded(screen, report, given["dry_run"]),
        code=FINDINGS if found else 0,
    )


def _once(option: str, pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
    for n, (name, _) in enumerate(pairs):
        if name in dict(pairs[:n]):
            raise InvalidInputError(
                f"{option} names {name!r} twice.", where=option, next="Name each of ours once."
            )
    return dict(pairs)


def _loaded(screen: Screen, report: LoadReport, dry: bool) -> str:
    from workbench.cli.safe import safe

    lines = _headline(screen, report, dry)
    lines.append(screen.facts(_counts(report)))
    lines += report.notes
    if report.columns_read_as:
        lines.append("Columns read as:")
        # Whose degrees turn the other way has to see that ours do not.
        turning = {"orientation": " (degrees clockwise from +y)"}
        lines += [
            f"  {safe(a)} -> {safe(b)}{turning.get(b, '')}"
            for a, b in report.columns_read_as.items()
        ]
    if report.columns_as_properties:
        lines.append(f"Columns not used, kept as properties: {few(report.columns_as_properties)}")
    if report.columns_ignored:
        lines.append(f"Columns not used, left out: {few(report.columns_ignored)}")
    if report.rejects_file:
        lines.append(f"Rows that could not be used, with reasons: {safe(report.rejects_file)}")
    if report.rejects_file and not dry:
        lines.append("next: correct them there or in the file, and ingest that file again.")
    elif dry:
        lines.append("next: the same command without --dry-run")
    else:
        lines.append("next: workbench stats")
    return "\n".join(line for line in lines if line)


def _headline(screen: Screen, report: LoadReport, dry: bool) -> list[str]:
    """Return what was loaded, then why not all of it, then how: a line each."""
    from workbench.cli.terminal import plural

    done = "Would load" if dry else "Loaded"
    kind = f" ({report.format})" if report.format else ""
    took = f"in {report.seconds:.1f} s"
    end = "nothing was written." if dry else f"as load {report.load_id}."
    loaded = report.rows - report.rejected - report.filtered
    rows = plural(report.rows, "row")
    if report.format is None and report.rows == 0:
        rows = "the tables"
    elif loaded < report.rows:
        rows = f"{loaded:,} of {rows}"
    if report.first_reject is None:
        return [f"{done} {rows}{kind} {took}" + (f" - {end}" if dry else f", {end}")]
    return [f"{done} {rows}; {_refused(screen, report)}", f"  {took}{kind}, {end}"]


def _refused(screen: Screen, report: LoadReport) -> str:
    first = report.first_reject or {}
    beside = report.rejected == 0  # rows of tables are counted only where they came alone
    place = f"{screen.cell(first['file'])}, " if beside or report.format in (None, "mixed") else ""
    value = f" {screen.cell(first['value'])!r}" if first["value"] else ""
    reason = f"{screen.cell(first['column'])}{value}: {screen.cell(first['reason'], longest=120)}"
    told = f"line {first['line']}: {reason.lstrip(' :')}"
    if beside:
        return f"rows of a table beside were refused: {place}{told}"
    more = f" (and {report.rejected - 1:,} more)" if report.rejected > 1 else ""
    return f"{report.rejected:,} refused: {place}{told}{more}"


def few(names: Sequence[str], most: int = 8) -> str:
    """Return the first of some names, made safe, and how many there are besides.

    Examples
    --------
    >>> few(["a", "b", "c"], most=2)
    'a, b and 1 more'
    """
    from workbench.cli.safe import clipped, safe

    shown = ", ".join(clipped(safe(name), 40) for name in names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown


def _counts(report: LoadReport) -> dict[str, object]:
    """Return what happened to the rows, then what is new; of that, what is not nothing.

    A table that was given is counted all the same: nothing else says what became of it.
    """
    names = ("added", "updated", "unchanged", "duplicates", "filtered", "rejected")
    said: dict[str, object] = {
        f"  {name}": getattr(report, name) for name in names if getattr(report, name)
    }
    for name in ("identities", "appearances", "cameras"):
        if getattr(report, name) or name in report.tables:
            said[f"  new {name}"] = getattr(report, name)
    for name, word in (
        ("adjacency", "ways"),
        ("outages", "outages"),
        ("floor_plans", "floor plans"),
    ):
        if name in report.tables:
            said[f"  new {word}"] = report.tables[name]
    return said | {f"  vectors in {space}": n for space, n in report.vectors.items()}


@click.command()
@click.argument("file", type=FILE)
@answering
def detect(call: Call, file: Path) -> Answer:
    """Say what a file is and which command loads it.

    No store is needed. Only the first rows are read.
    """
    import dataclasses

    import pandas as pd

    from workbench.readers import detect as look

    document = dataclasses.asdict(look(file))
    document["next"] = _at_store(document["next"], call.named_store)

    def text(screen: Screen) -> str:
        from workbench.cli.safe import safe

        said = {name: document[name] for name in ("format", "confidence", "columns")}
        for name, how in (
            ("columns_as_properties", "kept as properties"),
            ("columns_ignored", "left out"),
        ):
            if document[name]:
                said["not used"] = f"{few(document[name])} ({how})"
        said["rows looked at"] = document["rows_sampled"]
        # A command is to be copied: it is never shortened, nor is the reason for it.
        reason = safe(document["reason"]).replace("; ", "\n  ")
        return f"{screen.facts(said)}\nreason:\n  {reason}\nnext:\n  {safe(document['next'])}"

    return Answer(document=document, table=pd.DataFrame([document]), text=text)


def _at_store(line: str, words: str) -> str:
    """Return the command that loads a file, into the store that `words` name.

    It stands first, or last after the line that prepares the file, whose text is not to be touched.
    """
    if not words:
        return line
    start = "workbench ingest "
    if line.startswith(start):
        return f"{start}{words} {line.removeprefix(start)}"
    return f"{line} {words}" if f" && {start}" in line else line


@click.command()
@answering
def loads(call: Call) -> Answer:
    """List what was loaded, when, and under which options."""
    import dataclasses

    import pandas as pd

    with call.bench() as bench:
        found = [dataclasses.asdict(one) for one in bench.store.loads()]
    table = pd.DataFrame(
        found, columns=["load_id", "at", "files", "options", "rows", "appearances", "complete"]
    )

    def text(screen: Screen) -> str:
        from workbench.cli.terminal import moment
        from workbench.times import DTYPE

        shown = table.assign(
            at=pd.Series(map(moment, table["at"]), dtype=DTYPE),
            files=[", ".join(f["name"] for f in files) for files in table["files"]],
        ).drop(columns="options")
        return screen.table(shown)

    return Answer(document={"loads": found}, table=table, text=text)


@click.command()
@click.argument("load_id", type=TEXT, metavar="LOAD")
@answering
def unload(call: Call, load_id: str) -> Answer:
    """Take a load back, whole.

    Its rows go; what it had overwritten returns.
    """
    import pandas as pd

    with call.bench() as bench:
        removed = bench.store.unload(load_id)
    table = pd.DataFrame({"what": list(removed), "removed": list(removed.values())})
    return Answer(
        document={"removed": removed},
        table=table,
        text=lambda screen: f"Load {screen.cell(load_id)} was taken back.\n{screen.table(table)}",
    )
