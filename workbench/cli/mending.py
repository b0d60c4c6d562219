"""What keeps a store sound and small: ``repair``, ``sweep``, ``compact``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from workbench.cli.answer import FINDINGS, Answer
from workbench.cli.options import Call, answering

if TYPE_CHECKING:
    from workbench.cli.terminal import Screen
    from workbench.storage.sweep import Freed


@click.command()
@click.option("--apply", is_flag=True, help="Do it; without, nothing is changed.")
@answering
def repair(call: Call, apply: bool) -> Answer:
    """Say what would be done about what verify finds, or do it.

    Rows and vectors whose bytes are lost are set aside in the store's folder and taken out; the
    rest is made sound, and verified again. Exit code 1 when something is left.
    """
    import dataclasses

    import pandas as pd

    with call.bench() as bench:
        done = bench.store.repair(apply=apply)
    problems = [dataclasses.asdict(problem) for problem in done.problems]
    document = {
        "ok": done.ok,
        "applied": done.applied,
        "checked": done.checked,
        "problems": problems,
        "done": done.done,
        "set_aside": None if done.set_aside is None else str(done.set_aside),
    }
    return Answer(
        document=document,
        table=pd.DataFrame(problems, columns=["kind", "count", "examples", "next"]),
        text=lambda screen: _repaired(screen, document),
        code=0 if done.ok else FINDINGS,
    )


def _repaired(screen: Screen, said: dict[str, Any]) -> str:
    import pandas as pd

    from workbench.cli.safe import safe

    parts = [safe(line) for line in said["done"]]
    if said["set_aside"]:
        parts.append(f"What was taken out lies in:\n  {safe(said['set_aside'])}")
    if said["ok"]:
        return "\n".join([*parts, "Nothing is wrong." if not parts else "Nothing is wrong now."])
    table = pd.DataFrame(said["problems"], columns=["kind", "count", "examples", "next"])
    heading = "Left:" if said["applied"] else "What would be done about it:"
    parts.append(screen.table(table, ["kind", "count", "examples"]))
    parts.append(heading)
    parts += [f"  {p['kind']}: {p['next']}" for p in said["problems"]]
    if not said["applied"]:
        parts.append("next: do it with: workbench repair --apply")
    return "\n".join(parts)


@click.command()
@answering
def sweep(call: Call) -> Answer:
    """Remove vectors that no appearance names, and files that an interrupted write left.

    They are invisible anyway; this gives their room back.
    """
    with call.bench() as bench:
        freed = bench.store.sweep()
    return _freed(freed)


@click.command()
@answering
def compact(call: Call) -> Answer:
    """Sweep, and write files anew that hold bytes of what was deleted or overwritten.

    Others may read meanwhile. A damaged row that would have to be moved is refused (exit code 4).
    """
    with call.bench() as bench:
        freed = bench.store.compact()
    return _freed(freed)


def _freed(freed: Freed) -> Answer:
    import dataclasses

    import pandas as pd

    said = dataclasses.asdict(freed)

    def text(screen: Screen) -> str:
        return screen.facts(
            {
                "removed": said["removed"],
                "bytes before": said["bytes_before"],
                "bytes after": said["bytes_after"],
            }
        )

    return Answer(document=said, table=pd.DataFrame([said]), text=text)
