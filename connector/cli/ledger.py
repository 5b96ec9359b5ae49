"""``eslabon ledger``: who read what, and whether anybody altered the record of it.

Both commands read the store themselves, beside a running connector or without one: whoever
audits a program does not ask that program.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import click
import msgspec
from rich.markup import escape
from rich.table import Table

from connector.cli.asking import Asked, settings_of
from connector.cli.console import console
from connector.cli.labels import label
from connector.cli.output import OK, fields_of, show_json
from connector.daemon.proving import ledger_seals
from connector.errors import SetupError
from connector.identifiers import Bpnl
from connector.settings.values import Settings
from connector.store.database import Database
from connector.store.journal import moment
from connector.transfer import reads
from connector.transfer.audit import Verdict
from connector.transfer.reads import Read, ReadsQuery, Tally
from connector.transfer.verification import Placed, heads_in_log, verify
from connector.web.wire import to_json

SHOWN = 100
STANDARD_INPUT = "-"


def carry_out_verify(asked: Asked, *, heads: Path | None) -> int:
    """Go through the whole ledger; raises `BrokenLedgerError` where it is not sound."""
    settings = settings_of(asked)
    seals = ledger_seals(settings)
    logged = _logged(heads) if heads else []
    with _store(settings) as db:
        verdict = verify(db, seals, logged)
    if asked.as_json:
        times = {
            name: moment(stored) if (stored := getattr(verdict, name)) else None
            for name in ("first_at", "last_at", "signed_at")
        }
        more = {"unsigned_rows": verdict.unsigned_rows}
        show_json({"sound": True, **fields_of(verdict), **more, **times})
    else:
        _show_verdict(verdict, asked.language)
    return OK


def carry_out_show(  # noqa: PLR0913 - one argument per option
    asked: Asked,
    *,
    partner: str | None,
    since: str | None,
    until: str | None,
    part: str | None,
    limit: int | None,
) -> int:
    """Show who read what, how often, and when."""
    settings = settings_of(asked)
    bpnl = _partner(settings, partner)
    query = ReadsQuery(bpnl, _time("since", since), _time("until", until), part or "")
    with _store(settings) as db:
        if asked.as_json:
            _print_json(db, query)
        else:
            _show(db, query, limit or SHOWN, asked.language)
    return OK


@contextmanager
def _store(settings: Settings) -> Iterator[Database]:
    if not settings.store_file.exists():
        raise SetupError("cli:store_missing", file=settings.store_file)
    db = Database.open_to_read(settings.store_file)
    try:
        yield db
    finally:
        db.close()


def _logged(file: Path) -> list[Placed]:
    """Return the heads in a log; raises `SetupError` where there is none in it."""
    if str(file) == STANDARD_INPUT:
        found = list(heads_in_log(sys.stdin, STANDARD_INPUT))
    else:
        try:
            with file.open(encoding="utf-8", errors="replace") as lines:
                found = list(heads_in_log(lines, file.name))
        except OSError as error:
            raise SetupError("cli:heads_unreadable", file=file, reason=error.strerror) from error
    if not found:
        raise SetupError("cli:heads_missing", file=file)
    return found


def _partner(settings: Settings, named: str | None) -> Bpnl:
    """Return the BPNL of a partner by name; a BPNL stands for itself, also of a former one."""
    known = settings.address_book().by_name(named or "")
    if known is not None:
        return known.bpnl
    if named and Bpnl.pattern.fullmatch(named):
        return Bpnl(named)
    names = ", ".join(sorted(partner.name for partner in settings.partner))
    raise SetupError("cli:ledger_partner", partner=named or "", known=names or "-")


def _time(name: str, text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise SetupError("cli:time_malformed", option=f"--{name}", value=text) from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _show_verdict(verdict: Verdict, language: str) -> None:
    if not verdict.rows:
        click.echo(label("ledger_empty", language))
        return
    first, last = _seconds(verdict.first_at), _seconds(verdict.last_at)
    click.echo(label("ledger_sound", language, rows=verdict.rows, first=first, last=last))
    told = {
        "ledger_signed": verdict.stored_heads,
        "ledger_logged": verdict.logged_heads,
        "ledger_unsigned": verdict.unsigned_rows,
        "ledger_adopted": verdict.adopted_rows,
    }
    for key, count in told.items():
        if count:
            at = _seconds(verdict.signed_at)
            line = label(key, language, count=count, rows=verdict.signed_rows, at=at)
            click.echo(f"  {line}")


def _show(db: Database, query: ReadsQuery, limit: int, language: str) -> None:
    actions = reads.tally_actions(db, query)
    if not actions:
        click.echo(label("ledger_nothing", language, partner=query.partner))
        return
    total = sum(tally.times for tally in actions)
    click.echo(click.style(f"{query.partner}: ", bold=True) + _summary(actions, language))
    _print_tallies(reads.tally_subjects(db, query, limit), language)
    rows = list(islice(reads.list_reads(db, query), limit))
    _print_rows(rows, language)
    if total > len(rows):
        click.echo(label("ledger_more", language, shown=len(rows), total=total))


def _summary(actions: list[Tally], language: str) -> str:
    times = ", ".join(f"{tally.action} {tally.times}" for tally in actions)
    first, last = min(t.first_at for t in actions), max(t.last_at for t in actions)
    return label("ledger_between", language, times=times, first=_when(first), last=_when(last))


def _print_tallies(tallies: Iterable[Tally], language: str) -> None:
    table = _table("ledger_tallies", ("event", "what", "times", "first", "last"), language)
    for tally in tallies:
        what = _what(tally.subject, tally.detail)
        first, last = _when(tally.first_at), _when(tally.last_at)
        table.add_row(tally.action, what, str(tally.times), first, last)
    console().print(table)


def _print_rows(rows: Iterable[Read], language: str) -> None:
    table = _table("ledger_rows", ("row", "at", "event", "what", "agreement"), language)
    for row in rows:
        what = _what(row.subject, row.detail)
        table.add_row(str(row.number), _when(row.at), row.action, what, escape(row.agreement))
    console().print(table)


def _table(title: str, headings: Iterable[str], language: str) -> Table:
    table = Table(title=label(title, language), title_justify="left", box=None, pad_edge=False)
    for heading in headings:
        table.add_column(label(f"heading_{heading}", language), overflow="fold")
    return table


def _what(subject: str, detail: str) -> str:
    return escape(f"{subject}  {detail}".rstrip())


def _print_json(db: Database, query: ReadsQuery) -> None:
    """Print one object whose rows are written as they are read, however many there are."""
    head = {"partner": query.partner, "actions": reads.tally_actions(db, query)}
    opened = msgspec.json.format(to_json(head), indent=2).decode().removesuffix("\n}")
    # Not flushed after every row, as `click.echo` does.
    out = sys.stdout
    out.write(f'{opened},\n  "rows": [')
    separator = "\n    "
    for row in reads.list_reads(db, query):
        out.write(separator + to_json(row).decode())
        separator = ",\n    "
    out.write("\n  ]\n}\n")


def _seconds(stored: int) -> str:
    return _when(moment(stored))


def _when(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
