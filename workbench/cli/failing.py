"""What went wrong, said once: text on stderr, or one JSON document on stdout; and the exit code."""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Sequence

import click

from workbench.cli.hints import at_store, typed_store
from workbench.cli.safe import safe_lines
from workbench.cli.writing import write_bytes
from workbench.errors import InvalidInputError, WorkbenchError

BUG = 70
INTERRUPTED = 130


class UnexpectedError(WorkbenchError):
    """A fault of this package, not of what was typed."""

    exit_code = BUG


def failed(error: Exception, typed: Sequence[str]) -> int:
    """Say what went wrong and return the exit code.

    Parameters
    ----------
    error : Exception
    typed : sequence of str
        The arguments: with ``--json`` among them the error is a document on stdout.
    """
    if isinstance(error, click.exceptions.Abort):
        sys.stderr.write(
            "Interrupted. What was written stays; the same command again goes on from there.\n"
        )
        return INTERRUPTED
    ours = explained(error)
    if ours.next:
        ours.next = at_store(ours.next, typed_store(typed))
    if isinstance(ours, UnexpectedError) and os.environ.get("WORKBENCH_DEBUG", "") not in ("", "0"):
        traceback.print_exception(error, file=sys.stderr)
    if "--json" in typed:
        write_bytes(document(ours))
    else:
        text = f"error: {safe_lines(str(ours))}\n"
        encoding = sys.stderr.encoding or "utf-8"
        sys.stderr.write(text.encode(encoding, "backslashreplace").decode(encoding))
    return ours.exit_code


def document(error: WorkbenchError) -> bytes:
    """Return the JSON document of an error, in UTF-8."""
    said = {
        "type": type(error).__name__,
        "message": error.message,
        "where": error.where,
        "next": error.next,
    }
    text = json.dumps({"error": said}, ensure_ascii=False)
    return (text + "\n").encode("utf-8", "backslashreplace")


def explained(error: Exception) -> WorkbenchError:
    """Return the error as one of ours: bad usage, or a bug where it is nobody's but ours."""
    if isinstance(error, WorkbenchError):
        return error
    if isinstance(error, click.ClickException):
        return _usage(error)
    return UnexpectedError(
        f"Something unexpected happened: {type(error).__name__}: {str(error)[:500]}",
        where=_place(error),
        next="This is a fault of the workbench: please report it with the command you typed. "
        "WORKBENCH_DEBUG=1 shows where it happened.",
    )


def _usage(error: click.ClickException) -> InvalidInputError:
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "workbench"
    if isinstance(error, click.NoSuchOption):
        where = error.option_name
    elif isinstance(error, click.BadParameter) and error.param is not None:
        where = error.param.get_error_hint(context) if context else str(error.param.name)
    else:
        where = command
    todo = f"See: {command} --help"
    if isinstance(error, click.NoSuchOption) and error.option_name[1:2].isdigit():
        todo = f"An id that begins with - comes after --, as in: {command} -- {error.option_name}"
    return InvalidInputError(error.format_message(), where=where.strip("'"), next=todo)


def _place(error: Exception) -> str | None:
    frames = traceback.extract_tb(error.__traceback__)
    if not frames:
        return None
    last = frames[-1]
    return f"{os.path.basename(last.filename)}, line {last.lineno}"
