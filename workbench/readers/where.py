"""Which rows are wanted: a small language of comparisons over the cells of a file.

``list == 'x' and identity_id > 0``: comparisons (chained too), ``and``, ``or``, ``not``, ``in`` and
``not in`` with literals in brackets, numbers, texts, and the file's own column names. No calls, no
attributes: the text is parsed, never run.

A text literal is compared with the cell letter by letter. A number is compared with the number in
the cell; a cell that holds none is not equal to it and neither less nor greater. Two columns are
compared as numbers where both cells are numbers and as text elsewhere.
"""

from __future__ import annotations

import ast
import operator
import unicodedata
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from workbench.errors import InvalidInputError
from workbench.readers.files import matches

LENGTH = 10_000
DEPTH = 40
LARGEST_NUMBER = 1e300
_NUMBER = r"^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*$"
_WHOLE = r"^\s*[+-]?\d{1,100}\s*$"
_EXACT = 2.0**53
_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_SIGNS = {ast.USub: -1, ast.UAdd: 1}
_MIRROR = {
    operator.eq: operator.eq,
    operator.ne: operator.ne,
    operator.lt: operator.gt,
    operator.le: operator.ge,
    operator.gt: operator.lt,
    operator.ge: operator.le,
}


@dataclass(frozen=True, slots=True)
class _Name:
    name: str


_Operand = _Name | str | int | float | tuple[Any, ...]


class Where:
    """The rows that an expression wants.

    Parameters
    ----------
    text : str
        The expression.

    Raises
    ------
    InvalidInputError
        When it is not in the language, too long or too deep.

    Examples
    --------
    >>> frame = pd.DataFrame({"who": ["2", "-1", "x"]}, dtype="str")
    >>> Where("who > 0").keep(frame)
    array([ True, False, False])
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self._tree = _parse(text)
        _check(self._tree, 0, text)

    def names(self) -> list[str]:
        """Return the names the expression uses, each once, sorted."""
        return sorted({node.id for node in ast.walk(self._tree) if isinstance(node, ast.Name)})

    def check(self, columns: Iterable[str]) -> None:
        """Refuse names that are none of the file's columns, listing those."""
        known = _lookup(columns)
        for name in self.names():
            if name not in known:
                raise InvalidInputError(
                    f"--where names {name!r}, which is no column of the file.",
                    where=f"--where {_short(self.text)}",
                    next="Its columns are: " + ", ".join(sorted(set(known.values()))),
                )

    def keep(self, frame: pd.DataFrame) -> np.ndarray:
        """Return which rows of a table of text are wanted (array of bool)."""
        self.check(frame.columns)
        return _Evaluation(frame).truth(self._tree)


def _short(text: str) -> str:
    return text if len(text) <= 200 else text[:197] + "..."


def _refuse(text: str, why: str) -> InvalidInputError:
    return InvalidInputError(
        f"--where cannot be used: {why}.",
        where=f"--where {_short(text)}",
        next="Write comparisons of columns with literals, as \"list == 'x' and identity_id > 0\".",
    )


def _lookup(columns: Iterable[str]) -> dict[str, str]:
    # Python's parser normalises the names it reads (NFKC); a file's header is not normalised.
    exact = [str(name) for name in columns]
    return {unicodedata.normalize("NFKC", name): name for name in exact} | {n: n for n in exact}


def _parse(text: str) -> ast.expr:
    if not isinstance(text, str) or not text.strip():
        raise _refuse(str(text), "it is empty")
    if len(text) > LENGTH:
        raise _refuse(text, f"it is longer than {LENGTH} characters")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text.strip(), mode="eval").body
    except SyntaxError as error:
        raise _refuse(text, f"it is not well formed ({error.msg})") from error
    except (ValueError, RecursionError, MemoryError, UnicodeError) as error:
        raise _refuse(text, f"it cannot be parsed ({type(error).__name__})") from error


def _check(node: ast.expr, depth: int, text: str) -> None:
    """Refuse everything that is not a truth: a comparison, or and/or/not of them."""
    if depth > DEPTH:
        raise _refuse(text, f"it is nested deeper than {DEPTH} levels")
    if isinstance(node, ast.BoolOp):
        for part in node.values:
            _check(part, depth + 1, text)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        _check(node.operand, depth + 1, text)
    elif isinstance(node, ast.Compare):
        for operation, left, right in _pairs(node):
            _check_pair(operation, left, right, text)
    else:
        raise _refuse(text, f"{_kind(node)} is not a comparison")


def _pairs(node: ast.Compare) -> Iterator[tuple[ast.cmpop, ast.expr, ast.expr]]:
    return zip(node.ops, [node.left, *node.comparators[:-1]], node.comparators, strict=True)


def _check_pair(operation: ast.cmpop, left: ast.expr, right: ast.expr, text: str) -> None:
    first, second = _operand(left, text), _operand(right, text)
    if isinstance(operation, ast.In | ast.NotIn):
        if not isinstance(first, _Name) or not isinstance(second, tuple):
            raise _refuse(text, "'in' takes a column and literals in brackets, as (1, 'x')")
    elif type(operation) not in _COMPARE:
        raise _refuse(text, "'is' is not a comparison of values")
    elif isinstance(first, tuple) or isinstance(second, tuple):
        raise _refuse(text, "brackets of literals stand on the right of 'in'")
    elif not isinstance(first, _Name) and not isinstance(second, _Name):
        raise _refuse(text, "a comparison needs a column")


def _operand(node: ast.expr, text: str) -> _Operand:
    if isinstance(node, ast.Name):
        return _Name(node.id)
    if isinstance(node, ast.Tuple | ast.List):
        return tuple(_literal(item, text) for item in node.elts)
    return _literal(node, text)


def _literal(node: ast.expr, text: str) -> str | int | float:
    sign = 1
    if isinstance(node, ast.UnaryOp) and type(node.op) in _SIGNS:
        sign, node = _SIGNS[type(node.op)], node.operand
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            raise _refuse(text, "a text has no sign")
    value = node.value if isinstance(node, ast.Constant) else None
    if isinstance(value, str):
        return _text_literal(value, text)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _refuse(text, f"{_kind(node)} is neither a number, a text nor a column")
    if not abs(value) <= LARGEST_NUMBER:
        raise _refuse(text, "a number beyond 1e300")
    return sign * value


def _text_literal(value: str, text: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise _refuse(text, "a text that is not UTF-8") from error
    return value


def _kind(node: ast.expr) -> str:
    if isinstance(node, ast.Name):
        return f"{node.id!r} alone"
    if isinstance(node, ast.Constant):
        return f"{str(node.value)[:50]!r}"
    return f"'{type(node).__name__}'"


class _Evaluation:
    """One table of text; the numbers of a column are made once."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self.frame = frame
        self._lookup = _lookup(frame.columns)
        self._numbers: dict[str, np.ndarray] = {}

    def truth(self, node: ast.expr) -> np.ndarray:
        if isinstance(node, ast.BoolOp):
            join = np.logical_and if isinstance(node.op, ast.And) else np.logical_or
            return join.reduce([self.truth(part) for part in node.values])
        if isinstance(node, ast.UnaryOp):
            return ~self.truth(node.operand)
        assert isinstance(node, ast.Compare)
        found = np.ones(len(self.frame), dtype=bool)
        for operation, left, right in _pairs(node):
            found &= self.pair(operation, _operand(left, ""), _operand(right, ""))
        return found

    def pair(self, operation: ast.cmpop, left: _Operand, right: _Operand) -> np.ndarray:
        if isinstance(operation, ast.In | ast.NotIn):
            assert isinstance(left, _Name) and isinstance(right, tuple)
            found = np.zeros(len(self.frame), dtype=bool)
            for value in dict.fromkeys((type(v) is str, v) for v in right):
                found |= self.literal(operator.eq, left, value[1])
            return ~found if isinstance(operation, ast.NotIn) else found
        compare = _COMPARE[type(operation)]
        if isinstance(left, _Name) and isinstance(right, _Name):
            return self.columns(compare, left, right)
        if isinstance(left, _Name):
            return self.literal(compare, left, right)
        assert isinstance(right, _Name)
        return self.literal(_MIRROR[compare], right, left)

    def literal(self, compare: Callable[..., Any], name: _Name, value: Any) -> np.ndarray:
        if isinstance(value, str):
            return np.asarray(compare(self.text(name), value), dtype=bool)
        numbers = self.numbers(name)
        found = np.asarray(compare(numbers, float(value)), dtype=bool)
        # float64 cannot tell whole numbers beyond 2**53 apart, and ids are often such numbers.
        if abs(value) >= _EXACT:
            close = numbers == float(value)
            found[close] = [compare(cell, value) for cell in self._exactly(name, close)]
        return found

    def columns(self, compare: Callable[..., Any], left: _Name, right: _Name) -> np.ndarray:
        first, second = self.numbers(left), self.numbers(right)
        both = ~np.isnan(first) & ~np.isnan(second)
        as_text = np.asarray(compare(self.text(left), self.text(right)), dtype=bool)
        found = np.where(both, compare(first, second), as_text)
        close = both & (first == second) & (np.abs(first) >= _EXACT)
        pairs = zip(self._exactly(left, close), self._exactly(right, close), strict=True)
        found[close] = [compare(one, other) for one, other in pairs]
        return found

    def _exactly(self, name: _Name, rows: np.ndarray) -> list[int | float]:
        """Return the numbers of some rows, whole ones with all their digits."""
        text = self.text(name)[rows]
        whole = matches(text, _WHOLE)
        return [
            int(cell) if exact else float(cell) for cell, exact in zip(text, whole, strict=True)
        ]

    def text(self, name: _Name) -> pd.Series:
        return self.frame[self._lookup[name.name]]

    def numbers(self, name: _Name) -> np.ndarray:
        """Return the numbers of a column, NaN where a cell holds none."""
        if name.name not in self._numbers:
            text = self.text(name)
            plain = matches(text, _NUMBER)
            numbers = np.full(len(text), np.nan)
            numbers[plain] = [float(cell) for cell in text[plain]]
            self._numbers[name.name] = numbers
        return self._numbers[name.name]
