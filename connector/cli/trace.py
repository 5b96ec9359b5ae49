"""``eslabon trace``: the way of one record, twin or exchange through every room."""

from __future__ import annotations

import click
from rich.table import Table

from connector.cli.asking import Asked
from connector.cli.console import console
from connector.cli.labels import label
from connector.cli.output import OK, show_json
from connector.cli.reaching import operations
from connector.errors import DataError
from connector.web.operations import Trace


def carry_out(asked: Asked, *, about: str) -> int:
    """Show what happened to one thing, when, and in which room."""
    with operations(asked) as known:
        trace = known.trace(about)
    if not trace.steps:
        raise DataError("cli:trace_unknown", about=about)
    if asked.as_json:
        show_json(trace)
    else:
        _show(trace, asked.language)
    return OK


def _show(trace: Trace, language: str) -> None:
    click.echo(click.style(trace.about, bold=True))
    table = Table(box=None, pad_edge=False)
    for heading in ("at", "after", "room", "event", "what"):
        title = label(f"heading_{heading}", language)
        table.add_column(title, overflow="fold", no_wrap=heading != "what")
    start = trace.steps[0].at
    for step in trace.steps:
        after = f"+{(step.at - start).total_seconds():.3f} s"
        table.add_row(
            f"{step.at:%Y-%m-%d %H:%M:%S.%f}"[:-3], after, step.room, step.event, step.what
        )
    console().print(table)
