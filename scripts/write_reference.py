"""Write the generated parts of docs/reference: options of commands, columns of rows, the graph.

A part stands between ``<!-- begin: NAME -->`` and ``<!-- end -->``; what is outside is written by
hand and stays. `--check` writes nothing.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable
from pathlib import Path

import click

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import neo4j_reference  # noqa: E402 - found beside this script, as is the package, installed or not

from workbench import schema  # noqa: E402
from workbench.cli.options import _COMMON  # noqa: E402
from workbench.cli.program import program  # noqa: E402

FOLDER = ROOT / "docs" / "reference"
PAGES = ("command-line.md", "json.md", "neo4j.md")
PART = re.compile(r"(<!-- begin: (?P<name>[^>]+?) -->\n).*?(<!-- end -->)", re.DOTALL)
_TABLES = {
    "an identity": schema.IDENTITY,
    "an appearance": schema.SIGHTING,
    "a camera": schema.CAMERA,
}
_NEO4J = {
    "nodes": neo4j_reference.nodes,
    "relationships": neo4j_reference.relationships,
    "definitions": neo4j_reference.definitions,
}


def commands() -> str:
    """Return the table of commands."""
    rows = [
        f"| [`{name}`](#{name}) | {one.get_short_help_str(200)} |"
        for name, one in program.commands.items()
    ]
    return "\n".join(["| command | what it does |", "|---|---|", *rows, ""])


def command(name: str) -> str:
    """Return the help of a command as Markdown: text, usage, options."""
    one = program.commands[name]
    context = click.Context(one, info_name=f"workbench {name}")
    own = [p for p in one.get_params(context) if isinstance(p, click.Option)]
    shared = {option.name for option in _shared()}
    paragraphs = (" ".join(part.split()) for part in (one.help or "").split("\n\n"))
    rows = [_option(p, context) for p in own if p.name not in shared and "--help" not in p.opts]
    usage = one.get_usage(context).removeprefix("Usage: ")
    lines = ["\n\n".join(paragraphs), "", "```", " ".join(usage.split()), "```", ""]
    if rows:
        lines += ["| option | meaning |", "|---|---|", *rows, ""]
    return "\n".join(lines)


def common() -> str:
    """Return the options that every command has."""
    context = click.Context(program)
    rows = [_option(option, context) for option in _shared()]
    return "\n".join(["| option | meaning |", "|---|---|", *rows, ""])


def _shared() -> list[click.Option]:
    def nothing() -> None:
        return None

    decorated: Callable[..., object] = nothing
    for option in reversed(_COMMON):
        decorated = option(decorated)
    return list(reversed(decorated.__click_params__))  # type: ignore[attr-defined]


def _option(option: click.Parameter, context: click.Context) -> str:
    record = option.get_help_record(context)
    assert record is not None  # no option is hidden
    names, text = (part.replace("|", "\\|") for part in record)
    return f"| `{names}` | {' '.join(text.split())} |"


def columns(subject: str) -> str:
    """Return the columns of a row as Markdown."""
    rows = [
        f"| `{column.name}` | {column.doc} | {column.unit or ''} |"
        for column in _TABLES[subject].columns
    ]
    return "\n".join(["| key | meaning | unit |", "|---|---|---|", *rows, ""])


def part(name: str) -> str:
    """Return the text of one generated part."""
    if name == "commands":
        return commands()
    if name == "options of every command":
        return common()
    kind, _, subject = name.partition(" of ")
    if subject == "Neo4j":
        return _NEO4J[kind]()
    return columns(subject) if kind == "columns" else command(subject)


def render(text: str) -> str:
    """Return a page with its generated parts as they should be."""
    return PART.sub(lambda found: f"{found.group(1)}{part(found['name'])}{found.group(3)}", text)


def main() -> int:
    """Return 0 if the pages are what the code says, 1 if --check finds otherwise."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare only")
    check = parser.parse_args().check
    stale = False
    for name in PAGES:
        path = FOLDER / name
        text = path.read_text(encoding="utf-8")
        wanted = render(text)
        if wanted == text:
            continue
        stale = True
        if not check:
            path.write_text(wanted, encoding="utf-8")
    if check and stale:
        print("docs/reference is stale: python scripts/write_reference.py", file=sys.stderr)
    return int(check and stale)


if __name__ == "__main__":
    raise SystemExit(main())
