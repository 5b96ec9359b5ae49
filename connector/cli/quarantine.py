"""``eslabon quarantine``: what was kept back, why, and trying it again."""

from __future__ import annotations

from collections.abc import Mapping

import click
import msgspec

from connector.cli.asking import Asked
from connector.cli.labels import label
from connector.cli.output import (
    FINDINGS,
    OK,
    block,
    place_of,
    plain_finding,
    show_findings,
    show_json,
)
from connector.cli.reaching import operations
from connector.cli.rows import print_cells
from connector.errors import Finding, Location, SetupError, Severity
from connector.texts import word
from connector.web.operations import QuarantineEntry, QuarantineQuery, ReplayRequest
from connector.web.wire import to_json

ENTRIES_SHOWN = 100


def carry_out_list(asked: Asked, *, feed: str | None, closed: bool, limit: int | None) -> int:
    """List what is kept back, newest first."""
    query = QuarantineQuery(feed or "", closed=closed, entries_max=limit or ENTRIES_SHOWN)
    with operations(asked) as known:
        found = known.quarantine(query)
    if asked.as_json:
        entries = [_plain(entry, asked.language) for entry in found.entries]
        show_json({"entries": entries, "total": found.total})
        return OK
    for entry in found.entries:
        _show_head(entry, asked.language)
        for finding in entry.findings:
            click.echo(block(finding.text(asked.language), asked.language, _colour(finding)))
    counts = {"shown": len(found.entries), "total": found.total}
    click.echo(word("cli:quarantine_counted", asked.language, **counts))
    return OK


def carry_out_show(asked: Asked, *, id: int) -> int:  # noqa: A002 - named as on the command line
    """Show one entry with its row and every reason."""
    with operations(asked) as known:
        entry = known.show(id)
    if asked.as_json:
        show_json(_plain(entry, asked.language))
        return OK
    _show_head(entry, asked.language)
    if entry.header:
        print_cells(entry.header, entry.rows, entry.findings)
    elif entry.raw:
        click.echo(entry.raw)
    show_findings(entry.findings, asked.language)
    return OK


def carry_out_replay(
    asked: Asked,
    *,
    ids: tuple[int, ...],
    feed: str | None,
    all: bool,  # noqa: A002 - named as on the command line
) -> int:
    """Try entries again, as after a corrected mapping; 1 where some are still wrong."""
    if not (ids or feed or all):
        raise SetupError("cli:replay_what")
    with operations(asked) as known:
        report = known.replay(ReplayRequest(tuple(ids), feed or ""))
    if asked.as_json:
        show_json(report)
    else:
        counts = {"replayed": report.replayed, "still": report.still_quarantined}
        click.echo(word("cli:replayed", asked.language, **counts))
    return FINDINGS if report.still_quarantined else OK


def _show_head(entry: QuarantineEntry, language: str) -> None:
    # A finding knows the very row and column; the entry, where its record begins.
    places = (finding.where for finding in entry.findings if finding.where.source)
    place = place_of(next(places, Location(entry.source, entry.position)), language)
    state = label(f"state_{entry.state}", language)
    click.echo(
        click.style(f"{entry.id}  {place}", bold=True)
        + f"  {entry.feed}  {state}  {entry.at:%Y-%m-%d %H:%M}"
    )


def _plain(entry: QuarantineEntry, language: str) -> Mapping[str, object]:
    stored = msgspec.json.decode(to_json(entry))
    return {**stored, "findings": [plain_finding(f, language) for f in entry.findings]}


def _colour(finding: Finding) -> str:
    return "red" if finding.severity is Severity.ERROR else "yellow"
