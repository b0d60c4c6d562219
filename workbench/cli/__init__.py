"""The command line: ``workbench COMMAND``.

A command opens a store, asks one room and answers with a document (``--json``), a table (``--csv``)
or text for people. The modules of commands import click alone; pandas and the rest come when a
command runs, so that ``--help`` is quick.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code.

    Parameters
    ----------
    arguments : sequence of str, optional
        What was typed after ``workbench``; that of this process by default.
    """
    from workbench.cli.failing import failed
    from workbench.cli.program import program

    typed = list(sys.argv[1:] if arguments is None else arguments)
    warnings.showwarning = _warn
    try:
        code = program.main(typed, prog_name="workbench", standalone_mode=False)
    except Exception as error:
        return failed(error, typed)
    return int(code or 0)


def _warn(message: Warning | str, *_place: object, **_more: object) -> None:
    # Where in our code a warning arose helps nobody at a terminal.
    from workbench.cli.safe import safe_lines

    print(f"warning: {safe_lines(str(message))}", file=sys.stderr)  # noqa: T201
