"""``eslabon ingest --once``: one round of intake from every feed."""

from __future__ import annotations

import click

from connector.cli.asking import Asked
from connector.cli.output import (
    FINDINGS,
    OK,
    fields_of,
    plain_finding,
    show_findings,
    show_json,
)
from connector.cli.reaching import operations
from connector.errors import SetupError
from connector.texts import word


def carry_out(asked: Asked, *, once: bool) -> int:
    """Take in what is there now; 1 where anything had to be kept back."""
    if not once:
        raise SetupError("cli:ingest_once")
    with operations(asked) as known:
        report = known.ingest()
    if asked.as_json:
        wrong = [plain_finding(finding, asked.language) for finding in report.errors]
        show_json({**fields_of(report), "errors": wrong})
    else:
        counted = word(
            "cli:ingested",
            asked.language,
            documents=report.documents,
            records=report.records,
            unchanged=report.unchanged,
            aspects=report.aspects,
            twins=report.twins,
            quarantined=report.quarantined,
            seconds=f"{report.seconds:.1f}",
        )
        click.echo(counted)
        show_findings(report.errors, asked.language)
    return FINDINGS if report.quarantined or report.errors else OK
