"""``%sql`` and ``%cypher``: a notebook asks the database itself.

::

    %load_ext workbench
    bench = workbench.open("my-store")
    who = "p2"

    %%sql -o seen
    SELECT appearance_id FROM has_appearance WHERE identity_id = :who

Names behind ``:`` (SQL) and ``$`` (Cypher) are those of the notebook. Their values go to the
database beside the text and never become part of it: a value that looks like a question is a value.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import pandas as pd

from workbench.errors import CapabilityError, InvalidInputError, NotFoundError, WorkbenchError
from workbench.session import Workbench
from workbench.session import open as open_workbench
from workbench.stores.asking import TIMEOUT_S, Askable

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

_COMMENT = r"/\*.*?\*/"
# What may hold the sign of a name without meaning it comes first.
_NAMES = {
    "sql": re.compile(
        rf"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|`[^`]*`|\[[^\]]*\]|--[^\n]*|{_COMMENT}"
        r"|[:@$](?P<name>\w+)",
        re.DOTALL,
    ),
    "cypher": re.compile(
        r"\$`(?P<quoted>[^`]+)`|'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|`[^`]*`|//[^\n]*"
        rf"|{_COMMENT}|\$(?P<name>\w+)",
        re.DOTALL,
    ),
}
_SIGN = {"sql": ":", "cypher": "$"}
_KEPT = {"sql": "SQLite", "cypher": "Neo4j"}
_OPTIONS = {"-o": "output", "--bench": "bench", "--store": "store", "--timeout": "timeout"}
_WORD = re.compile(r"\s*(?P<word>--?[A-Za-z][\w-]*)(?:=|(?=\s)|$)")
_VALUE = re.compile(r"\s*(?:'(?P<single>[^']*)'|\"(?P<double>[^\"]*)\"|(?P<bare>\S+))")
_USAGE = "[-o NAME] [--write] [--bench NAME | --store DIR] [--timeout S] QUESTION"


@dataclass(frozen=True, slots=True)
class Request:
    """What stands in a cell: the question, and how it is to be asked.

    ``output`` is the name that gets the answer, ``bench`` that of an open store, ``store`` the
    folder of another one, ``timeout`` seconds.
    """

    text: str
    output: str | None = None
    bench: str | None = None
    store: str | None = None
    timeout: float = TIMEOUT_S
    write: bool = False


def register(shell: InteractiveShell) -> None:
    """Give a notebook its ``%sql``, ``%%sql``, ``%cypher`` and ``%%cypher``."""
    from IPython.core.magic import no_var_expand

    def sql(line: str, cell: str | None = None) -> pd.DataFrame | None:
        """Ask the default store in SQL: %sql [-o NAME] [--bench NAME | --store DIR] QUESTION."""
        with _shown_briefly():
            return answered("sql", line, cell, shell.user_ns)

    def cypher(line: str, cell: str | None = None) -> pd.DataFrame | None:
        """Ask Neo4j in Cypher: %cypher [-o NAME] [--write] [--bench NAME | --store DIR] QUESTION.

        It reads unless --write says otherwise.
        """
        with _shown_briefly():
            return answered("cypher", line, cell, shell.user_ns)

    for magic in (sql, cypher):
        # Otherwise the notebook writes the values of $names into the question.
        shell.magics_manager.register_function(no_var_expand(magic), magic_kind="line_cell")


@contextmanager
def _shown_briefly() -> Iterator[None]:
    """Let the notebook show an error of ours without the frames below it.

    They are of the workbench and the driver; what is to be corrected stands in the cell.
    """
    try:
        yield
    except WorkbenchError as error:
        # The name by which IPython asks an error how it is to be shown.
        vars(error)["_render_traceback_"] = partial(_brief, error)
        raise error from None


def _brief(error: WorkbenchError) -> list[str]:
    parts = [f"{type(error).__name__}: {_safe(error.message)}"]
    parts += [f"  where: {_safe(error.where)}"] if error.where else []
    parts += [f"  next:  {_safe(error.next)}"] if error.next else []
    return parts


def _safe(text: str) -> str:
    """Return text in which nothing can change colours or lines: a notebook shows a terminal's."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def answered(
    language: str, line: str, cell: str | None, namespace: MutableMapping[str, Any]
) -> pd.DataFrame | None:
    """Return the answer to the question in a cell, or put it where ``-o`` says and return None.

    Parameters
    ----------
    language : str
        ``"sql"`` or ``"cypher"``.
    line : str
        What stands behind the magic: options, then the question or its beginning.
    cell : str, optional
        The lines below it.
    namespace : mutable mapping
        The names of the notebook.

    Raises
    ------
    InvalidInputError
        For an option, a name or a question that cannot be used; nothing was changed.
    NotFoundError
        When no store is open.
    CapabilityError
        When the store is asked in the other language.
    """
    request = read_request(line, cell)
    values = _bound(parameter_names(request.text, language), language, namespace)
    with _chosen(request, namespace) as bench:
        database = _database(bench, language)
        frame = database.ask(request.text, values, write=request.write, timeout_s=request.timeout)
    if request.output is None:
        return frame
    namespace[request.output] = frame
    return None


# --------------------------------------------------------------------------------------------
# The cell
# --------------------------------------------------------------------------------------------
def read_request(line: str, cell: str | None) -> Request:
    """Return what stands in a cell: options first, then the question.

    Examples
    --------
    >>> read_request("-o cameras", "SELECT id FROM camera")
    Request(text='SELECT id FROM camera', output='cameras', ...)
    """
    said: dict[str, Any] = {}
    while option := _WORD.match(line):
        word, line = option["word"], line[option.end() :]
        if word == "--write":
            said["write"] = True
        elif word in _OPTIONS:
            value = _VALUE.match(line)
            if value is None:
                raise _misused(word, "needs a value")
            line = line[value.end() :]
            said[_OPTIONS[word]] = next(part for part in value.groups() if part is not None)
        else:
            raise _misused(word, "is no option")
    if "timeout" in said:
        said["timeout"] = _seconds(said["timeout"])
    for name in ("output", "bench"):
        if not said.get(name, "x").isidentifier() or keyword.iskeyword(said.get(name, "x")):
            raise _misused(said[name], "is no name of the notebook")
    if "bench" in said and "store" in said:
        raise _misused("--store", "and --bench say two stores")
    return Request("\n".join(part for part in (line.strip(), cell) if part), **said)


def _seconds(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise _misused("--timeout", "needs a number of seconds") from None


def _misused(word: str, why: str) -> InvalidInputError:
    return InvalidInputError(f"{word} {why}.", where=word, next=f"Write: {_USAGE}")


def parameter_names(text: str, language: str) -> list[str]:
    """Return the names that a question has values for, in order.

    What stands in text, comments and quoted names is none.

    Examples
    --------
    >>> parameter_names("SELECT ':no' WHERE id = :who -- :no", "sql")
    ['who']
    >>> parameter_names("MATCH (n {id: $who}) WHERE n.name = '$no' RETURN n", "cypher")
    ['who']
    """
    found = (match.groupdict() for match in _NAMES[language].finditer(text))
    names = (group["name"] or group.get("quoted") for group in found)
    return list(dict.fromkeys(name for name in names if name))


def _bound(names: list[str], language: str, namespace: Mapping[str, Any]) -> dict[str, Any]:
    for name in names:
        if name not in namespace:
            sign = _SIGN[language]
            raise NotFoundError(
                f"The question asks for {sign}{name}, and the notebook has no {name}.",
                where=f"{sign}{name}",
                next=f"Give it a value first: {name} = ...",
            )
    return {name: namespace[name] for name in names}


# --------------------------------------------------------------------------------------------
# The store
# --------------------------------------------------------------------------------------------
@contextmanager
def _chosen(request: Request, namespace: Mapping[str, Any]) -> Iterator[Workbench]:
    """Yield the store that is asked: one that is open, or that of a folder for this question."""
    if request.store is not None:
        with open_workbench(request.store) as bench:
            yield bench
    elif request.bench is not None:
        named = namespace.get(request.bench)
        if not isinstance(named, Workbench):
            raise _none_open(f"{request.bench} is no open store.", request.bench)
        yield named
    else:
        yield _the_only(namespace)


def _the_only(namespace: Mapping[str, Any]) -> Workbench:
    # Those with an underscore are the notebook's own: what a cell returned.
    benches = {
        name: value
        for name, value in namespace.items()
        if isinstance(value, Workbench) and not name.startswith("_") and not value.closed
    }
    if not benches:
        raise _none_open("No store is open in this notebook.", "the notebook")
    if len({id(bench) for bench in benches.values()}) > 1:
        raise InvalidInputError(
            f"Several stores are open here: {', '.join(sorted(benches))}.",
            where="the notebook",
            next=f"Say which: --bench {min(benches)}",
        )
    return next(iter(benches.values()))


def _none_open(message: str, where: str) -> NotFoundError:
    return NotFoundError(
        message,
        where=where,
        next='Open one: bench = workbench.open("my-store"), or give --store DIR',
    )


def _database(bench: Workbench, language: str) -> Askable:
    database = getattr(bench.manager.graph, "database", None)
    if not isinstance(database, Askable):
        raise CapabilityError(
            "This store keeps its graph where nothing can be asked by hand.",
            where=f"%{language}",
            next="Use the rooms of the workbench: bench.appearances.find(...) and so on.",
        )
    if database.language != language:
        raise CapabilityError(
            f"This store keeps its graph in {_KEPT[database.language]}.",
            where=f"%{language}",
            next=f"Ask it with %{database.language} or %%{database.language}.",
        )
    return database
