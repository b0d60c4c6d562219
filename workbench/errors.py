"""Every error this package raises on purpose, as one tree.

::

    WorkbenchError                 what went wrong, where, and what to do next
    ├── InvalidInputError          refused input or bad usage; nothing was changed       exit 2
    │   ├── ConflictError          it contradicts what the store already holds           exit 2
    │   ├── ConfigurationError     a key of the configuration, named                     exit 2
    │   ├── CapabilityError        this backend cannot do that                           exit 2
    │   └── MissingExtraError      an optional package is not installed                  exit 2
    ├── NotFoundError              an id, a file, a store, a path that is not there      exit 3
    ├── StoreError                 the store cannot be used as it is                     exit 4
    │   ├── StoreBusyError         another process kept writing                          exit 4
    │   ├── StoreDamagedError      bytes are not what was written                        exit 4
    │   └── StoreVersionError      written by a newer version                            exit 4
    └── ServerAwayError            a server did not answer                               exit 5
        └── UncertainCommitError   it was asked to keep what was written, and not heard  exit 5

The exit codes are those of the command line (``docs/reference/command-line.md``).
"""

import re

_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class WorkbenchError(Exception):
    """Base of all errors of this package.

    Parameters
    ----------
    message : str
        What went wrong, in one sentence.
    where : str, optional
        The file and line, row and column, id or configuration key concerned.
    next : str, optional
        What to do about it: a command or a change of the input.
    """

    exit_code = 1

    def __init__(self, message: str, *, where: str | None = None, next: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.next = next

    def __str__(self) -> str:
        lines = [self.message]
        if self.where:
            lines.append(f"  where: {_one_line(self.where)}")
        if self.next:
            lines.append(f"  next:  {self.next}")
        return "\n".join(lines)


def _one_line(text: str) -> str:
    r"""Return text with its controls as escapes: an id that was typed may break the line.

    Examples
    --------
    >>> _one_line("identity a\nb")
    'identity a\\nb'
    """
    return _CONTROLS.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)


class InvalidInputError(WorkbenchError, ValueError):
    """Refused input or bad usage; nothing was changed."""

    exit_code = 2


class ConflictError(InvalidInputError):
    """The input contradicts what the store already holds; nothing was changed."""


class ConfigurationError(InvalidInputError):
    """A key of the configuration has a value that cannot be used; ``where`` names the key."""


class CapabilityError(InvalidInputError):
    """The chosen backend cannot do what was asked."""


class MissingExtraError(InvalidInputError, ImportError):
    """An optional package is not installed; ``next`` is the pip line that installs it."""


class NotFoundError(WorkbenchError, LookupError):
    """An id, a file, a store or a path that is not there."""

    exit_code = 3


class StoreError(WorkbenchError):
    """The store cannot be used as it is."""

    exit_code = 4


class StoreBusyError(StoreError):
    """Another process held the writer lock for longer than the wait allowed."""


class StoreDamagedError(StoreError):
    """Bytes of the store are not what was written."""


class StoreVersionError(StoreError):
    """The store was written by a newer version of this package."""


class ServerAwayError(WorkbenchError):
    """A server that this store needs did not answer."""

    exit_code = 5


class UncertainCommitError(ServerAwayError):
    """A server was asked to keep what was written and its answer was lost: it may have."""
