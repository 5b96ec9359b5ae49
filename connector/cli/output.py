"""How answers look: text for people, JSON for programs, the same from every command."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields

import click
import msgspec

from connector.cli.asking import SettingsWrongError
from connector.cli.labels import label
from connector.errors import EslabonError, Finding, Location, Severity
from connector.texts import Text, catalogue, word
from connector.transfer.audit import Verdict
from connector.web.operations import (
    CollectionReport,
    CredentialRequestReport,
    IngestReport,
)
from connector.web.wire import error_to_json, to_json

OK, FINDINGS, SETUP, PARTNER, TEMPORARY = range(5)

_COLOURS = {Severity.ERROR: "red", Severity.WARNING: "yellow"}
_CODES = {"SetupError": SETUP, "PartnerError": PARTNER, "TransientError": TEMPORARY}


def show_json(value: object) -> None:
    """Print a value as indented JSON."""
    click.echo(msgspec.json.format(to_json(value), indent=2).decode())


def show_error(error: EslabonError, language: str, *, as_json: bool) -> int:
    """Print what went wrong, why, and what mends it; return the exit code that goes with it."""
    found = error.findings if isinstance(error, SettingsWrongError) else ()
    if as_json:
        told = msgspec.json.decode(error_to_json(error, language))
        show_json({**told, "findings": [plain_finding(f, language) for f in found]})
    else:
        show_findings(found, language, to_stderr=True)
        show_text(error.text(language), language)
    return exit_code(error)


def exit_code(error: EslabonError) -> int:
    """Return the exit code of an error: whose move is next."""
    kinds = [kind.__name__ for kind in type(error).__mro__]
    return next((_CODES[kind] for kind in kinds if kind in _CODES), FINDINGS)


def show_text(text: Text, language: str) -> None:
    """Print an error message to standard error."""
    click.echo(block(text, language, "red"), err=True)


def show_findings(findings: Iterable[Finding], language: str, *, to_stderr: bool = False) -> None:
    """Print findings one after the other, each with its place, reason and remedy."""
    for finding in findings:
        text = block(finding.text(language), language, _COLOURS[finding.severity])
        place = place_of(finding.where, language)
        click.echo((click.style(place, bold=True) + "\n" if place else "") + text, err=to_stderr)


def block(text: Text, language: str, colour: str) -> str:
    """Return a message as an indented block with its parts labelled."""
    lines = ["  " + click.style(text.what, fg=colour)]
    for part, said in (("why", text.why), ("fix", text.fix)):
        if said:
            lines.append(f"    {click.style(label(part, language), dim=True)} {said}")
    return "\n".join(lines)


def place_of(where: Location, language: str) -> str:
    """Return a place as ``file:row, column header``; empty where there is none."""
    place = where.source if where.row is None else f"{where.source}:{where.row}"
    if where.column:
        return f"{place}, {word('cli:column', language, column=where.column)}"
    return place


def fields_of(
    report: IngestReport | CollectionReport | CredentialRequestReport | Verdict,
) -> dict[str, object]:
    """Return the fields of a report by name, as JSON shows them."""
    return {field.name: getattr(report, field.name) for field in fields(report)}


def counted(figures: Mapping[str, int], language: str) -> str:
    """Return figures with their names in one language: ``twins 3, offers 2``."""
    known = catalogue("cli", language)
    names = {name: f"count_{name}" for name in figures}
    return ", ".join(
        f"{known[key]['what'] if key in known else name} {figures[name]}"
        for name, key in names.items()
    )


def plain_finding(finding: Finding, language: str) -> Mapping[str, object]:
    """Return a finding as JSON shows it, worded in one language."""
    text = finding.text(language)
    return {
        "severity": finding.severity.value,
        "code": finding.code,
        "source": finding.where.source,
        "row": finding.where.row,
        "column": finding.where.column,
        "path": finding.path,
        "what": text.what,
        "why": text.why,
        "fix": text.fix,
    }
