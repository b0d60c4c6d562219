"""Text of others on a terminal: shown, never obeyed."""

from __future__ import annotations

import unicodedata

# Joiners belong to the spelling of some languages and move nothing.
_KEPT = {"\u200c", "\u200d"}
_UNSHOWN = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def safe(text: str) -> str:
    r"""Return text in which nothing can move the cursor, change colours or the direction.

    Examples
    --------
    >>> safe("Ana\x1b[2J\n")
    'Ana\\x1b[2J\\n'
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escaped(c) if _is_command(c) else c for c in text)


def safe_lines(text: str) -> str:
    """Return text made safe line by line: its line ends stay."""
    return "\n".join(safe(line) for line in text.split("\n"))


def _is_command(character: str) -> bool:
    return unicodedata.category(character) in _UNSHOWN and character not in _KEPT


def _escaped(character: str) -> str:
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")


def width(text: str) -> int:
    """Return how many cells of a terminal a safe text takes.

    Examples
    --------
    >>> width("Chloé"), width("山田"), width("e\u0301")
    (5, 4, 1)
    """
    if text.isascii():
        return len(text)
    return sum(_cells(character) for character in text)


def _cells(character: str) -> int:
    if character in _KEPT or unicodedata.category(character) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1


def clipped(text: str, longest: int) -> str:
    """Return a text of at most so many cells; an ellipsis stands for what was left out."""
    if width(text) <= longest:
        return text
    kept, used = [], 1
    for character in text:
        used += _cells(character)
        if used > longest:
            break
        kept.append(character)
    return "".join(kept) + "…"
