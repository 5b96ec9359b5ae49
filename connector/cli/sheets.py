"""A preview as sheets for the terminal: a record's cells, its payload, and the findings."""

from __future__ import annotations

import orjson
from rich.console import Group, RenderableType
from rich.json import JSON
from rich.markup import escape
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from connector.aspect.derivation import Trial
from connector.cli.console import console
from connector.cli.labels import label
from connector.cli.output import place_of
from connector.cli.rows import cells_table
from connector.cli.trials import Preview
from connector.errors import Finding, Location, Severity
from connector.record.model import Quarantined
from connector.texts import word

POSITIONS_SHOWN_MAX = 6

_STYLES = {Severity.ERROR: "red", Severity.WARNING: "yellow"}


def show_preview(preview: Preview, language: str) -> None:
    """Print one sheet per record, then what could not be read, then the count."""
    paper = console()
    for trial in preview.trials:
        paper.print(_sheet(trial, preview.columns, language))
    for entry in preview.held:
        paper.print(_held(entry, language))
    counts = {
        "feed": preview.feed,
        "records": len(preview.trials) + len(preview.held),
        "wrong": preview.wrong,
    }
    paper.print(f"[bold]{escape(word('cli:previewed', language, **counts))}[/]")


def _sheet(trial: Trial, columns: tuple[str, ...], language: str) -> Panel:
    record, draft = trial.record, trial.draft
    beside = Table.grid(padding=(0, 3))
    beside.add_column(ratio=2)
    beside.add_column(ratio=3)
    payload = JSON(orjson.dumps(draft.payload, default=str).decode(), indent=2)
    beside.add_row(cells_table(record.header, record.rows, trial.findings, columns), payload)
    urn = draft.semantic_id
    aspect = f"{urn.aspect_name} {urn.version}" if urn else "?"
    place = place_of(Location(record.source), language)
    rows = ", ".join(map(str, record.positions[:POSITIONS_SHOWN_MAX]))
    rows += ", …" if len(record.positions) > POSITIONS_SHOWN_MAX else ""
    title = word("cli:sheet_title", language, source=place, rows=rows, aspect=aspect)
    content: list[RenderableType] = [beside, *_said(trial.findings, language)]
    return Panel(
        Group(*content),
        title=f"[bold]{escape(title)}[/]",
        title_align="left",
        subtitle=escape(trial.global_asset_id),
        subtitle_align="right",
        border_style=_border(trial.findings),
    )


def _held(entry: Quarantined, language: str) -> Panel:
    place = place_of(Location(entry.source, entry.position), language)
    raw = [Text(entry.raw, style="dim")] if entry.raw else []
    return Panel(
        Group(*raw, *_said(entry.findings, language)),
        title=f"[bold]{escape(place)}[/]",
        title_align="left",
        border_style="red",
    )


def _said(findings: tuple[Finding, ...], language: str) -> list[RenderableType]:
    return [_finding(finding, language) for finding in findings]


def _finding(finding: Finding, language: str) -> RenderableType:
    said = finding.text(language)
    text = Text()
    text.append(said.what, style=_STYLES[finding.severity])
    text.append(f"\n  {_spot(finding, language)}".rstrip(), style="dim")
    for part, line in (("why", said.why), ("fix", said.fix)):
        if line:
            text.append(f"\n  {label(part, language)} ", style="dim")
            text.append(line)
    return Padding(text, (1, 0, 0, 0))


def _spot(finding: Finding, language: str) -> str:
    row, column = finding.where.row, finding.where.column
    spot = [word("cli:row", language, row=row)] if row else []
    spot += [word("cli:column", language, column=column)] if column else []
    return "  ".join(part for part in (", ".join(spot), finding.path) if part)


def _border(findings: tuple[Finding, ...]) -> str:
    severities = {finding.severity for finding in findings}
    if Severity.ERROR in severities:
        return "red"
    return "yellow" if severities else "green"
