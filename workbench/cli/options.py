"""Options that several commands share, and what a command is given of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from workbench.cli.answer import Answer
from workbench.cli.hints import COMMANDS, at_store_next, named_store
from workbench.errors import InvalidInputError

if TYPE_CHECKING:
    from workbench.config import WorkbenchConfig
    from workbench.session import Workbench

LARGEST = 2**62


class Text(click.ParamType):
    """Text that is Unicode: an id, a name, a time."""

    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the text; bytes that are no UTF-8 are refused."""
        text = str(value)
        try:
            text.encode("utf-8")
        except UnicodeEncodeError:
            self.fail("it holds bytes that are no UTF-8 text.", param, ctx)
        return text


class File(click.ParamType):
    """The path of a file or folder, as the system has it."""

    name = "path"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """Return the path; an empty one is refused."""
        if not str(value):
            self.fail("the path is empty.", param, ctx)
        return Path(value)


class Pair(click.ParamType):
    """Two texts with ``=`` between them, as ``ours=theirs``."""

    name = "a=b"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        """Return the two sides; the first ``=`` parts them."""
        if isinstance(value, tuple):
            return value
        left, sign, right = Text().convert(value, param, ctx).partition("=")
        if not (left and sign and right):
            self.fail(f"{value!r} is not of the form NAME=VALUE.", param, ctx)
        return left, right


TEXT, FILE, PAIR = Text(), File(), Pair()
COUNT = click.IntRange(0, LARGEST)


@dataclass(frozen=True)
class Call:
    """What every command is told: where the store is, and how to answer."""

    store: Path | None
    config: Path | None
    as_json: bool
    as_csv: bool
    display_tz: str | None

    @cached_property
    def settings(self) -> WorkbenchConfig:
        """The configuration, with what was said on the command line over it."""
        from workbench import times
        from workbench.config import load_config

        said: dict[str, Any] = {}
        if self.store is not None:
            said["store"] = self.store
        if self.display_tz is not None:
            times.zone(self.display_tz)
            said["display_tz"] = self.display_tz
        return load_config(self.config).model_copy(update=said)

    @property
    def named_store(self) -> str:
        """The words that name the store in a line to type, '' where it is the default."""
        return named_store(self.store, self.config)

    def bench(self) -> Workbench:
        """Return the workbench of the store.

        Raises
        ------
        NotFoundError
            When there is none; nothing is made.
        """
        from workbench.session import open as open_bench

        return open_bench(self.settings)


def answering(command: Callable[..., Answer]) -> Callable[..., int]:
    """Give a command the options that all have, and write what it answers.

    The command takes a :class:`Call` first and returns an :class:`Answer`.
    """

    @wraps(command)
    def run(**given: Any) -> int:
        if given["json"] and given["csv"]:
            raise InvalidInputError(
                "One answer cannot be JSON and CSV.",
                where="--json --csv",
                next="Give one of the two.",
            )
        call = Call(
            store=given.pop("store"),
            config=given.pop("config"),
            as_json=given.pop("json"),
            as_csv=given.pop("csv"),
            display_tz=given.pop("display_tz"),
        )
        # A configuration that cannot be used is refused before anything is done.
        display_tz = call.settings.display_tz
        return _write(command(call, **given), call, display_tz)

    for option in reversed(_COMMON):
        run = option(run)
    COMMANDS.add(command.__name__)
    return run


def _write(answer: Answer, call: Call, display_tz: str) -> int:
    from workbench.cli.cells import csv_parts, json_parts
    from workbench.cli.terminal import Screen
    from workbench.cli.writing import write_bytes, write_parts

    if call.as_json:
        write_parts(json_parts(answer.document))
    elif call.as_csv:
        write_parts(csv_parts(answer.table))
    else:
        import sys

        text = at_store_next(answer.text(Screen(display_tz)), call.named_store) + "\n"
        write_bytes(text.encode(sys.stdout.encoding or "utf-8", "backslashreplace"))
    return answer.code


_COMMON = (
    click.option(
        "--store",
        type=FILE,
        metavar="DIR",
        help="The store; else WORKBENCH_STORE, else ./workbench-store.",
    ),
    click.option("--config", type=FILE, metavar="FILE", help="A YAML file of configuration."),
    click.option("--json", is_flag=True, help="One JSON document on stdout."),
    click.option("--csv", is_flag=True, help="The main table as CSV on stdout."),
    click.option(
        "--display-tz",
        type=TEXT,
        metavar="ZONE",
        help="Time zone of text and pictures; JSON and CSV stay in UTC.",
    ),
)

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def several(*options: Decorator) -> Decorator:
    """Return one decorator of several options, in this order."""

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        """Return the command with these options."""
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


time_range = several(
    click.option("--start", type=TEXT, metavar="TIME", help="From this time on, included."),
    click.option("--end", type=TEXT, metavar="TIME", help="Up to this time, not included."),
    click.option("--tz", type=TEXT, metavar="ZONE", help="Zone of a --start or --end without one."),
)
cameras = click.option(
    "--camera",
    "cameras",
    type=TEXT,
    multiple=True,
    metavar="ID",
    help="Only at this camera or place; repeat for several.",
)
identities = click.option(
    "--identity",
    "identities",
    type=TEXT,
    multiple=True,
    metavar="ID",
    help="Only this identity; repeat for several.",
)
max_gap = click.option(
    "--max-gap",
    type=float,
    default=30.0,
    show_default=True,
    metavar="SECONDS",
    help="Sightings at one camera with gaps of at most this are one visit.",
)
max_speed = click.option(
    "--max-speed",
    type=float,
    default=4.0,
    show_default=True,
    metavar="M_S",
    help="A faster move is implausible, metres a second in a straight line.",
)
