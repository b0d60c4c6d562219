"""Bytes on stdout: all of them, or none after the reader went away."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable

from workbench.errors import WorkbenchError


class OutputError(WorkbenchError):
    """Standard output cannot be written, as on a full disk."""

    exit_code = 74


def write_bytes(*parts: bytes) -> None:
    """Write parts to stdout and flush; a reader that closed its end (``| head``) is no error."""
    write_parts(parts)


def write_parts(parts: Iterable[bytes]) -> None:
    """Write one part after the other, without holding them all."""
    try:
        for part in parts:
            sys.stdout.buffer.write(part)
        sys.stdout.flush()
    except BrokenPipeError:
        # Python flushes stdout once more at its end: give it somewhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise OutputError(
            f"The answer cannot be written ({error.strerror}).",
            where="standard output",
            next="Make room, or write it elsewhere.",
        ) from error
