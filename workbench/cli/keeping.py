"""``backup``, ``restore``, ``migrate``: a store put away whole, brought back, written anew."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from workbench.cli.answer import Answer
from workbench.cli.options import FILE, Call, answering
from workbench.errors import InvalidInputError

if TYPE_CHECKING:
    import pandas as pd

    from workbench.cli.terminal import Screen
    from workbench.storage.manifest import Manifest


@click.command()
@click.argument("folder", type=FILE, metavar="[DIR]", required=False)
@click.option(
    "--into",
    type=FILE,
    metavar="PARENT",
    help="Instead of DIR: a folder of backups, in which this one is named by its time.",
)
@click.option(
    "--keep",
    type=click.IntRange(1, 1_000_000),
    metavar="N",
    help="With --into: afterwards remove the oldest backups of this store, so that N are left.",
)
@answering
def backup(call: Call, folder: Path | None, into: Path | None, keep: int | None) -> Answer:
    """Write a backup of the store into a new folder DIR.

    Others may go on writing: it holds the store as it was at one commit. It is verified, and
    appears whole or not at all. A damaged store is refused.
    """
    if (folder is None) == (into is None):
        raise InvalidInputError(
            "A backup goes into a new folder, or with --into under a name of its own.",
            where="DIR, --into",
            next="Give one of them: workbench backup DIR, or: workbench backup --into PARENT",
        )
    if keep is not None and into is None:
        raise InvalidInputError(
            "Only backups in one folder can be counted.",
            where="--keep",
            next="Give --into PARENT with it.",
        )
    with call.bench() as bench:
        made = bench.store.backup(folder, into=into, keep=keep)
    removed = [str(path) for path in made.removed]
    said = _document(made.folder, made.manifest) | {"removed": removed}
    return Answer(
        document=said,
        table=_counts(made.manifest),
        text=lambda screen: _backed_up(screen, said),
    )


@click.command()
@click.argument("backup", type=FILE, metavar="DIR")
@click.option(
    "--replace",
    is_flag=True,
    help="Take the place of the store that is there; its folder is removed.",
)
@answering
def restore(call: Call, backup: Path, replace: bool) -> Answer:
    """Bring back the store of the backup in DIR, into a new store.

    Every file is compared with its checksum before anything is changed, and the store with its
    content hash before it appears. A damaged or incomplete backup is refused (exit code 4).
    """
    from workbench.session import restore as bring_back

    done = bring_back(backup, replace=replace, config=call.settings)
    said = _document(done.folder, done.manifest) | {"replaced": done.replaced}
    return Answer(
        document=said,
        table=_counts(done.manifest),
        text=lambda screen: _restored(screen, said),
    )


@click.command()
@click.option(
    "--to",
    "target",
    type=FILE,
    required=True,
    metavar="CONFIG",
    help="The configuration of the new store: store, graph.backend, neo4j.",
)
@click.option("--dry-run", is_flag=True, help="Look at both stores and write nothing.")
@answering
def migrate(call: Call, target: Path, dry_run: bool) -> Answer:
    """Write everything into a new store, with its graph in a file or on a server.

    The new store is verified and compared with the old one before it gets its name; the old one
    stays as it is. An interrupted migration goes on where it stopped when the same command is
    given again.
    """
    import pandas as pd

    with call.bench() as bench:
        done = bench.store.migrate(target, dry_run=dry_run)
    said = {
        "from": done.source,
        "to": done.target,
        "counts": done.counts,
        "content_hash": done.content_hash,
        "equal": done.equal,
        "resumed": done.resumed,
    }
    table = pd.DataFrame({"what": list(done.counts), "count": list(done.counts.values())})
    return Answer(
        document=said,
        table=table.astype({"what": "str"}),
        text=lambda screen: _migrated(screen, said, target, call.named_store),
    )


def _migrated(screen: Screen, said: dict[str, Any], target: Path, old: str) -> str:
    import shlex

    from workbench.cli.safe import safe

    heading = "Migrated, verified and equal:" if said["equal"] else "Would be migrated:"
    facts = {f"  {name}": n for name, n in said["counts"].items()}
    parts = [
        f"{heading}\n  from {safe(said['from'])}\n  to   {safe(said['to'])}",
        screen.facts(facts | {"  content hash": said["content_hash"]}),
    ]
    if said["resumed"]:
        parts.append(f"{said['resumed']:,} rows were there from before it was interrupted.")
    if said["equal"]:
        words = shlex.join(["workbench", "stats", "--config", str(target)])
        parts.append(f"Look at it:\n  {safe(words)}")
    else:
        words = shlex.join(["workbench", "migrate", "--to", str(target)])
        parts.append(f"Do it:\n  {safe(f'{words} {old}'.strip())}")
    return "\n".join(parts)


def _document(folder: Path, manifest: Manifest) -> dict[str, Any]:
    return {
        "folder": str(folder),
        "created": manifest.created,
        "sequence": manifest.sequence,
        "counts": manifest.counts,
        "content_hash": manifest.content_hash,
        "bytes": manifest.total_bytes,
    }


def _counts(manifest: Manifest) -> pd.DataFrame:
    import pandas as pd

    counts = pd.Series(manifest.counts, dtype="int64")
    return pd.DataFrame({"what": counts.index.astype("str"), "count": counts.to_numpy()})


def _facts(screen: Screen, said: dict[str, Any]) -> str:
    from workbench.cli.terminal import moment

    facts = {f"  {name}": n for name, n in said["counts"].items()}
    facts |= {"  bytes": said["bytes"], "  as of": moment(said["created"])}
    return screen.facts(facts | {"  content hash": said["content_hash"]})


def _backed_up(screen: Screen, said: dict[str, Any]) -> str:
    import shlex

    from workbench.cli.safe import safe
    from workbench.cli.terminal import plural

    parts = [f"Backed up, whole and verified:\n  {safe(said['folder'])}", _facts(screen, said)]
    if said["removed"]:
        gone = "\n".join(f"  {safe(path)}" for path in said["removed"])
        parts.append(f"Removed {plural(len(said['removed']), 'older backup')}:\n{gone}")
    words = safe(shlex.join(["workbench", "restore", "--store", "DIR", "--", said["folder"]]))
    parts.append(f"Bring it back, as a new store in DIR:\n  {words}")
    return "\n".join(parts)


def _restored(screen: Screen, said: dict[str, Any]) -> str:
    import shlex

    from workbench.cli.safe import safe

    what = "Restored in place of the store that was there" if said["replaced"] else "Restored"
    words = safe(shlex.join(["workbench", "stats", "--store", said["folder"]]))
    return "\n".join(
        [
            f"{what}, whole and verified:\n  {safe(said['folder'])}",
            _facts(screen, said),
            f"Look at it:\n  {words}",
        ]
    )
