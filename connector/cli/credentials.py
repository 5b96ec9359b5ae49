"""``eslabon credentials``: what we hold, asking an issuer for more, and what became of that."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

import click
from rich.markup import escape
from rich.table import Table

from connector.cli.asking import Asked
from connector.cli.console import console
from connector.cli.labels import label
from connector.cli.output import (
    FINDINGS,
    OK,
    PARTNER,
    TEMPORARY,
    fields_of,
    plain_finding,
    show_findings,
    show_json,
)
from connector.cli.reaching import operations, running_operations
from connector.errors import Severity
from connector.texts import word
from connector.web.operations import (
    CredentialOrder,
    CredentialRequestReport,
    CredentialsReport,
    HeldCredential,
    WalletOperations,
)

WAIT_SECONDS = 30
LOOK_SECONDS = 0.25
_COLOURS = {
    **dict.fromkeys(("valid", "delivered"), "green"),
    **dict.fromkeys(("expires_soon", "asking", "waiting"), "yellow"),
}
_CODES = {"delivered": OK, "asking": TEMPORARY, "waiting": TEMPORARY}


def carry_out_list(asked: Asked) -> int:
    """List our credentials with their dates; 1 where one is missing or expired."""
    with operations(asked) as known:
        report = known.wallet.report()
    if asked.as_json:
        show_json(_plain(report, asked.language))
    else:
        _show(report, asked.language)
    wrong = any(one.severity is Severity.ERROR for one in report.findings)
    return FINDINGS if wrong else OK


def carry_out_request(
    asked: Asked, *, types: Sequence[str], issuer: str | None, wait: int | None
) -> int:
    """Ask an issuer, and follow the request for a while."""
    wallet = running_operations(asked).wallet
    number = wallet.request(CredentialOrder(tuple(types), issuer or ""))
    return _tell(_followed(wallet, number, WAIT_SECONDS if wait is None else wait), asked)


def carry_out_status(asked: Asked, *, number: Sequence[str]) -> int:
    """Show how one request stands, or all of them."""
    with operations(asked) as known:
        if number:
            return _tell(known.wallet.requested(number[0]), asked)
        requests = known.wallet.report().requests
    if asked.as_json:
        show_json({"requests": [_plain_request(one, asked.language) for one in requests]})
    elif requests:
        console().print(_requests(requests, asked.language))
    else:
        click.echo(word("cli:requests_none", asked.language))
    return OK


def _followed(wallet: WalletOperations, number: str, seconds: int) -> CredentialRequestReport:
    end = time.monotonic() + seconds
    report = wallet.requested(number)
    while report.is_open and time.monotonic() < end:
        time.sleep(LOOK_SECONDS)
        report = wallet.requested(number)
    return report


def _tell(report: CredentialRequestReport, asked: Asked) -> int:
    if asked.as_json:
        show_json(_plain_request(report, asked.language))
    else:
        facts = {"issuer": report.issuer, "types": ", ".join(report.types), "number": report.id}
        click.echo(label(f"request_told_{report.state}", asked.language, **facts))
        if report.failure:
            show_findings([report.failure], asked.language, to_stderr=True)
    return _CODES.get(report.state, PARTNER)


def _show(report: CredentialsReport, language: str) -> None:
    paper = console()
    paper.print(_held(report.credentials, language))
    show_findings(report.findings, language)
    waiting = [one for one in report.requests if one.is_open]
    if waiting:
        paper.print(f"[bold]{escape(label('requests_open', language))}[/]")
        paper.print(_requests(waiting, language))


def _held(credentials: Iterable[HeldCredential], language: str) -> Table:
    table = _table(("type", "issuer", "expires_at", "days", "state"), language)
    for one in credentials:
        until = f"{one.expires_at:%Y-%m-%d}" if one.expires_at else ""
        days = "" if one.days is None else str(one.days)
        table.add_row(escape(one.type), escape(one.issuer), until, days, _state(one, language))
    return table


def _requests(requests: Iterable[CredentialRequestReport], language: str) -> Table:
    table = _table(("number", "asked_at", "issuer", "type", "state"), language)
    for one in requests:
        asked_at = f"{one.asked_at:%Y-%m-%d %H:%M:%S}"
        types = escape("\n".join(one.types))
        table.add_row(one.id, asked_at, escape(one.issuer), types, _state(one, language))
    return table


def _table(headings: Iterable[str], language: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in headings:
        table.add_column(label(f"heading_{name}", language), overflow="fold")
    return table


def _state(one: HeldCredential | CredentialRequestReport, language: str) -> str:
    colour = _COLOURS.get(one.state, "red")
    return f"[{colour}]{escape(label(f'credential_{one.state}', language))}[/]"


def _plain(report: CredentialsReport, language: str) -> dict[str, object]:
    return {
        "credentials": report.credentials,
        "requests": [_plain_request(one, language) for one in report.requests],
        "findings": [plain_finding(one, language) for one in report.findings],
    }


def _plain_request(one: CredentialRequestReport, language: str) -> dict[str, object]:
    failure = plain_finding(one.failure, language) if one.failure else None
    return {**fields_of(one), "failure": failure}
