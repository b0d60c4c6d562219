"""Lines to type that name the store the user named: as they stand, they are about the same one."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Sequence
from itertools import pairwise

_PLACE = "--store DIR"
COMMANDS: set[str] = set()
"""The commands that know ``--store``; each adds itself when it is made."""

# These ask no store, or one of their own.
_STORELESS = {"detect", "demo", "server"}
_DEMO = r"demo(?= --reset)"


def named_store(store: object, config: object) -> str:
    """Return the words that name the store as the user did: by option, variable or configuration.

    Parameters
    ----------
    store, config : path or None
        What was given with ``--store`` and ``--config``.

    Returns
    -------
    str
        ``''`` where it is the default.
    """
    store = store or os.environ.get("WORKBENCH_STORE")
    if store:
        return shlex.join(["--store", str(store)])
    return shlex.join(["--config", str(config)]) if config else ""


def typed_store(typed: Sequence[str]) -> str:
    """Return the words that name the store, of the arguments as they were typed.

    Examples
    --------
    >>> typed_store(["track", "p1", "--store=my store", "--json"])
    "--store 'my store'"
    """
    said: dict[str, str] = {}
    for word, following in pairwise([*typed, ""]):
        if word == "--":
            break
        name, sign, value = word.partition("=")
        if name in ("--store", "--config"):
            said[name] = value if sign else following
    return named_store(said.get("--store"), said.get("--config"))


def at_store(text: str, words: str) -> str:
    """Return a text in which each command to type is about the store that `words` name.

    Examples
    --------
    >>> COMMANDS.update({"identities", "appearances"})  # as making them does
    >>> at_store("See who is there with: workbench identities", "--store s")
    'See who is there with: workbench identities --store s'
    >>> at_store("workbench appearances --limit 10", "--store s")
    'workbench appearances --store s --limit 10'
    """
    if not words:
        return text

    def put(command: re.Match[str]) -> str:
        name, more = command["name"], command["more"]
        if more:
            return f"workbench {name}{more.removesuffix(_PLACE)}{words}"
        return f"workbench {name} {words}"

    return _commands().sub(put, text)


def at_store_next(text: str, words: str) -> str:
    """Return an answer for people in which what to type next is about the store."""
    lines = text.split("\n")
    return "\n".join(at_store(line, words) if line.startswith("next") else line for line in lines)


def _commands() -> re.Pattern[str]:
    names = "|".join([*sorted(COMMANDS - _STORELESS), _DEMO])
    # A store that is named already stays; a place for one is filled.
    return re.compile(
        rf"\bworkbench (?P<name>{names})\b(?! --(?:help|store (?!DIR)))"
        rf"(?P<more>(?:(?!workbench)[^.;\n])*? {_PLACE}\b)?"
    )
