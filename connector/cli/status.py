"""``eslabon status``: the connector in figures."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from connector.cli.asking import Asked
from connector.cli.console import console
from connector.cli.labels import label
from connector.cli.output import OK, counted, show_json
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
    paper = console()
    state = label("running" if report.running else "stopped", language)
    since = f" · {report.started_at:%Y-%m-%d %H:%M:%S %Z}" if report.started_at else ""
    paper.print(f"[bold]{report.name}[/]  {report.bpnl}  {report.did}  {state}{since}")
    _figures(paper, report.counts, "cli:holds", language)
    _figures(paper, report.negotiations, "cli:negotiations", language)
    _figures(paper, report.backlog, "cli:waiting", language)
    if report.feeds:
        paper.print(_feeds(report.feeds, language))


def _figures(paper: Console, figures: Mapping[str, int], key: str, language: str) -> None:
    title = word(key, language)
    if figures:
        paper.print(f"[bold]{title}[/]: {escape(counted(figures, language))}")


def _feeds(feeds: tuple[FeedStatus, ...], language: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in ("feed", "adapter", "documents", "records", "quarantined", "last_error"):
        table.add_column(label(f"heading_{heading}", language))
    for feed in feeds:
        counts = (str(feed.documents), str(feed.records), str(feed.quarantined))
        table.add_row(feed.name, feed.adapter, *counts, feed.last_error)
    return table
