"""``eslabon processes`` and ``eslabon process``: how negotiations and transfers stand."""

from __future__ import annotations

from datetime import datetime

import click
import orjson
from rich.markup import escape
from rich.table import Table

from connector.cli.asking import Asked
from connector.cli.console import console
from connector.cli.labels import label
from connector.cli.output import FINDINGS, OK, block, show_json
from connector.cli.reaching import operations
from connector.texts import word
from connector.web.processes import ProcessLine, ProcessQuery, ProcessReport


def carry_out(asked: Asked, *, partner: str | None, stuck: bool, **more: bool) -> int:
    """List processes; with ``stuck`` the exit code says whether there are any."""
    query = ProcessQuery(partner or "", stuck, more["all"])
    with operations(asked) as known:
        found = known.processes(query).processes
    if asked.as_json:
        show_json(found)
    elif not found:
        click.echo(label("nothing_stuck" if stuck else "nothing_on_its_way", asked.language))
    else:
        for line in found:
            _show_line(line, asked.language)
    return FINDINGS if stuck and found else OK


def carry_out_one(asked: Asked, *, pid: str) -> int:
    """Show everything about one process, the partner's view included where it gives it."""
    with operations(asked) as known:
        report = known.process(pid)
    if asked.as_json:
        show_json(report)
    else:
        _show(report, asked.language)
    return FINDINGS if report.line.stuck else OK


def _show_line(line: ProcessLine, language: str) -> None:
    """Print a process in two lines, and what mends it where it is stuck."""
    click.echo(f"{click.style(line.pid, bold=True)}  {_kind(line, language)}, {line.partner}")
    since, until = _time(line.since), _time(line.deadline_at)
    span = word("cli:from_until", language, since=since, until=until)
    click.echo(f"  {_state(line)}  ·  {span}  ·  {_move(line, language)}")
    if line.stuck:
        click.echo(block(line.advice.text(language), language, "yellow"))


def _show(report: ProcessReport, language: str) -> None:
    line = report.line
    click.echo(click.style(line.pid, bold=True))
    click.echo(block(line.advice.text(language), language, "yellow" if line.stuck else "green"))
    for name, value in _facts(report, language):
        if value:
            click.echo(f"  {label(f'fact_{name}', language)}: {value}")
    table = Table(box=None, pad_edge=False)
    for heading in ("at", "event", "what"):
        title = label(f"heading_{heading}", language)
        table.add_column(title, overflow="fold", no_wrap=heading != "what")
    for event in report.history:
        table.add_row(f"{event.at:%Y-%m-%d %H:%M:%S.%f}"[:-3], event.event, escape(event.what))
    console().print(table)
    for name, raw in (("received", report.received), ("sent", report.sent)):
        title = label(f"fact_{name}", language)
        said = _pretty(raw) if raw else word("cli:not_kept", language)
        click.echo(f"{click.style(title, bold=True)}\n{said}")


def _facts(report: ProcessReport, language: str) -> tuple[tuple[str, str], ...]:
    line = report.line
    attempts = str(line.attempts) if line.message else ""
    peer_state = report.peer_state or report.peer_trouble
    if report.differs:
        peer_state = word("cli:states_differ", language, ours=line.state, theirs=peer_state)
    return (
        ("kind", _kind(line, language)),
        ("partner", f"{line.partner} ({line.bpnl}, {line.did})"),
        ("dataset", line.dataset),
        ("peer_pid", line.peer_pid),
        ("url", report.url),
        ("state", _state(line)),
        ("peer_state", peer_state),
        ("since", _time(line.since)),
        ("deadline", _time(line.deadline_at)),
        ("move", _move(line, language)),
        ("message", line.message),
        ("attempts", attempts),
        ("last_answer", line.last_answer),
        ("ended_by", label(f"mover_{line.ended_by}", language) if line.ended_by else ""),
        ("reason", line.reason),
    )


def _kind(line: ProcessLine, language: str) -> str:
    return word(f"cli:{line.kind}_as_{line.role}", language)


def _state(line: ProcessLine) -> str:
    state = line.state or "-"
    return f"{state} → {line.heading}" if line.heading else state


def _move(line: ProcessLine, language: str) -> str:
    who = label(f"mover_{line.mover}", language)
    what = line.message if line.heading else ", ".join(line.awaited)
    return f"{who}: {what}" if what and line.mover != "nobody" else who


def _time(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}" if moment else "-"


def _pretty(raw: str) -> str:
    try:
        return orjson.dumps(orjson.loads(raw), option=orjson.OPT_INDENT_2).decode()
    except orjson.JSONDecodeError:
        return raw
