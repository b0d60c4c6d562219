"""What a command answers, in its three forms: a document, a table, text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from workbench.cli.terminal import Screen

FINDINGS = 1


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer of a command.

    Parameters
    ----------
    document : mapping
        For ``--json``; a DataFrame in it becomes a list of rows.
    table : DataFrame
        For ``--csv``.
    text : callable
        Given the screen, returns the text for people.
    code : int
        Exit code: 0, or 1 where something was found that wants a look.
    """

    document: Mapping[str, Any]
    table: pd.DataFrame
    text: Callable[[Screen], str]
    code: int = 0
