"""``eslabon status``: the connector in figures."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import Console
from rich.table import Table

from connector.cli.asking import Asked
from connector.cli.output import OK, show_json
from connector.cli.reaching import operations
from connector.texts import word
from connector.web.operations import FeedStatus, StatusReport


def carry_out(asked: Asked) -> int:
    """Show counts, backlog and feeds."""
    with operations(asked) as known:
        report = known.status()
    if asked.as_json:
        show_json(report)
    else:
        _show(report, asked.language)
    return OK


def _show(report: StatusReport, language: str) -> None:
    console = Console(highlight=False)
    state = word("cli:running" if report.running else "cli:stopped", language)
    since = f" · {report.started_at:%Y-%m-%d %H:%M:%S %Z}" if report.started_at else ""
    console.print(f"[bold]{report.name}[/]  {report.bpnl}  {report.did}  {state}{since}")
    _figures(console, word("cli:holds", language), report.counts)
    _figures(console, word("cli:negotiations", language), report.negotiations)
    _figures(console, word("cli:waiting", language), report.backlog)
    if report.feeds:
        console.print(_feeds(report.feeds, language))


def _figures(console: Console, title: str, figures: Mapping[str, int]) -> None:
    if figures:
        shown = "   ".join(f"{name} [bold]{count}[/]" for name, count in figures.items())
        console.print(f"{title}: {shown}")


def _feeds(feeds: tuple[FeedStatus, ...], language: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in ("feed", "adapter", "documents", "records", "quarantined", "last_error"):
        table.add_column(word(f"cli:heading_{heading}", language))
    for feed in feeds:
        counts = (str(feed.documents), str(feed.records), str(feed.quarantined))
        table.add_row(feed.name, feed.adapter, *counts, feed.last_error)
    return table
