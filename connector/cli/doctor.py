"""``eslabon doctor``: finds out why an exchange does not work, and who has to act."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping

import click
from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table

from connector.cli.asking import Asked
from connector.cli.console import console
from connector.cli.labels import label
from connector.cli.output import FINDINGS, OK, show_json
from connector.cli.reaching import operations
from connector.errors import Severity
from connector.texts import word
from connector.web.operations import (
    Examination,
    ExaminationRequest,
    ExaminedStep,
    Remark,
    StepState,
)

COLUMNS_MAX = 100
NAME_COLUMNS = 20
_COLOURS: Mapping[StepState, str] = {
    StepState.OK: "green",
    StepState.WARNING: "yellow",
    StepState.FAILED: "red",
    StepState.SKIPPED: "dim",
}


def carry_out(asked: Asked, *, partner: str | None) -> int:
    """Look at everything, show it, and return 1 where something stands in the way."""
    if not asked.as_json and sys.stderr.isatty():
        click.echo(label("doctor_looking", asked.language), err=True)
    with operations(asked) as known:
        found = known.examine(ExaminationRequest(partner or ""))
    if asked.as_json:
        show_json(_plain(found, asked.language))
    else:
        _show(found, asked.language)
    return FINDINGS if found.failed else OK


def _show(found: Examination, language: str) -> None:
    paper = Console(highlight=False, width=min(console().width, COLUMNS_MAX))
    with paper.capture() as written:
        _write(paper, found, language)
    # Tables fill their lines with blanks, which only disturb where the text is passed on.
    click.echo("\n".join(line.rstrip() for line in written.get().splitlines()))


def _write(paper: Console, found: Examination, language: str) -> None:
    if not found.running:
        paper.print(f"[yellow]{escape(label('doctor_offline', language))}[/]\n")
    for name, steps in _sections(found.steps):
        title = word("cli:doctor_partner", language, partner=name) if name else ""
        paper.print(f"[bold]{escape(title or label('doctor_own', language))}[/]")
        for step in steps:
            _show_step(paper, step, language)
        paper.print()
    _show_sum(paper, found, language)


def _show_step(paper: Console, step: ExaminedStep, language: str) -> None:
    grid = Table(box=None, show_header=False, pad_edge=False, padding=(0, 1, 0, 0))
    grid.add_column(width=NAME_COLUMNS)
    grid.add_column(width=9)
    grid.add_column(overflow="fold")
    name = label(f"step_{step.name}", language)
    colour = _COLOURS[step.state]
    state = f"[{colour}]{label(f'state_{step.state}', language)}[/]"
    lines = [escape(fact.text(language).what) for fact in step.seen]
    if step.after:
        lines.append(escape(_after(step, language)))
    grid.add_row(escape(name), state, "\n".join(lines))
    paper.print(Padding(grid, (0, 0, 0, 2)))
    for remark in step.remarks:
        paper.print(Padding(_remark(remark, language), (0, 0, 0, 4)))


def _remark(remark: Remark, language: str) -> Table:
    """Return what is wrong as lines with labels before them: what, why, fix, and who."""
    text = remark.finding.text(language)
    colour = "red" if remark.finding.severity is Severity.ERROR else "yellow"
    grid = Table(box=None, show_header=False, pad_edge=False, padding=(0, 1, 0, 0))
    grid.add_column(min_width=8, no_wrap=True)
    grid.add_column(overflow="fold")
    grid.add_row(f"[{colour}]►[/]", f"[{colour}]{escape(text.what)}[/]")
    for part, said in (("why", text.why), ("fix", text.fix)):
        if said:
            grid.add_row(f"[dim]{label(part, language)}[/]", escape(said))
    who = label(f"actor_{remark.actor}", language)
    grid.add_row(f"[dim]{label('doctor_who', language)}[/]", f"[bold]{escape(who)}[/]")
    return grid


def _after(step: ExaminedStep, language: str) -> str:
    where, _, name = step.after.rpartition("/")
    key = "doctor_after_own" if where else "doctor_after"
    return word(f"cli:{key}", language, step=label(f"step_{name}", language))


def _show_sum(paper: Console, found: Examination, language: str) -> None:
    counts = {state: sum(one.state is state for one in found.steps) for state in StepState}
    told = ", ".join(
        f"[{_COLOURS[state]}]{count} {label(f'state_{state}', language)}[/]"
        for state, count in counts.items()
        if count
    )
    paper.print(told)
    for line in _to_do(found, language):
        paper.print(escape(line))


def _to_do(found: Examination, language: str) -> Iterator[str]:
    """Yield one line for each who has to act: about which failed steps."""
    acting: dict[str, dict[str, None]] = {}
    for step in found.steps:
        for remark in step.remarks:
            if step.state is StepState.FAILED and remark.finding.severity is Severity.ERROR:
                name = label(f"step_{step.name}", language)
                place = f"{step.partner}: {name}" if step.partner else name
                acting.setdefault(remark.actor, {})[place] = None
    for actor, places in acting.items():
        who = label(f"actor_{actor}", language)
        yield word("cli:doctor_acts", language, who=who, what="; ".join(places))


def _sections(
    steps: Iterable[ExaminedStep],
) -> Iterator[tuple[str, list[ExaminedStep]]]:
    sections: dict[str, list[ExaminedStep]] = {}
    for step in steps:
        sections.setdefault(step.partner, []).append(step)
    yield from sections.items()


def _plain(found: Examination, language: str) -> Mapping[str, object]:
    return {
        "at": found.at,
        "running": found.running,
        "failed": found.failed,
        "steps": [_plain_step(step, language) for step in found.steps],
    }


def _plain_step(step: ExaminedStep, language: str) -> Mapping[str, object]:
    return {
        "step": step.name,
        "partner": step.partner,
        "state": step.state.value,
        "seen": [fact.text(language).what for fact in step.seen],
        "after": step.after,
        "remarks": [_plain_remark(remark, language) for remark in step.remarks],
    }


def _plain_remark(remark: Remark, language: str) -> Mapping[str, object]:
    text = remark.finding.text(language)
    return {
        "severity": remark.finding.severity.value,
        "code": remark.finding.code,
        "who": remark.actor.value,
        "what": text.what,
        "why": text.why,
        "fix": text.fix,
    }
