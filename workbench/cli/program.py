"""The commands, in the order of the work."""

from __future__ import annotations

import click

from workbench import __version__
from workbench.cli.accompanying import pairs, together
from workbench.cli.demo import demo
from workbench.cli.finding import find
from workbench.cli.keeping import backup, migrate, restore
from workbench.cli.loading import detect, ingest, loads, unload
from workbench.cli.looking import appearances, cameras, identities, identity, stats, verify
from workbench.cli.mending import compact, repair, sweep
from workbench.cli.reporting import report
from workbench.cli.serving import init, server
from workbench.cli.tracking import flow, path, track, visits


class InOrder(click.Group):
    """A group that lists its commands as they were added, not by the alphabet."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands."""
        return list(self.commands)


@click.group(
    cls=InOrder,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Start with: workbench demo. Every command: docs/reference/command-line.md",
)
@click.version_option(__version__, prog_name="workbench", message="%(prog)s %(version)s")
@click.pass_context
def program(context: click.Context) -> None:
    """Who, where, when, and how sure: an analytics workbench for identities seen by many cameras.

    Exit codes: 0 done; 1 done, with findings to look at; 2 refused; 3 not found; 4 the store is
    busy, damaged or newer; 5 a server is away.
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


for _command in (
    demo,
    detect,
    ingest,
    loads,
    unload,
    stats,
    identities,
    appearances,
    cameras,
    identity,
    track,
    visits,
    flow,
    find,
    pairs,
    together,
    path,
    report,
    verify,
    repair,
    sweep,
    compact,
    backup,
    restore,
    migrate,
    init,
    server,
):
    program.add_command(_command)
