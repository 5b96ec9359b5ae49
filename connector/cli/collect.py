"""``eslabon collect``: asks a partner for a part and everything below it."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Sequence
from dataclasses import replace

import click
from rich.markup import escape
from rich.tree import Tree

from connector.cli.asking import Asked
from connector.cli.console import console
from connector.cli.labels import label
from connector.cli.output import (
    FINDINGS,
    OK,
    PARTNER,
    counted,
    fields_of,
    plain_finding,
    show_findings,
    show_json,
)
from connector.cli.reaching import running_operations
from connector.errors import SetupError
from connector.texts import word
from connector.web.operations import (
    CollectedPart,
    CollectionReport,
    CollectRequest,
    Operations,
    Tombstone,
)

POLL_SECONDS_FIRST = 0.05
POLL_SECONDS_MAX = 1.0

_UUID = re.compile(r"(urn:uuid:)?[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def carry_out(
    asked: Asked,
    *,
    partner: str | None,
    parts: Sequence[str],
    aspects: Sequence[str],
    depth: int | None,
) -> int:
    """Start a collection, follow it to its end, and show the tree."""
    if not partner or not parts:
        raise SetupError("cli:collect_what")
    known = running_operations(asked)
    report = _followed(known, known.collect(request_of(partner, parts, aspects, depth)), asked)
    if asked.as_json:
        failure = plain_finding(report.failure, asked.language) if report.failure else None
        show_json({**fields_of(report), "failure": failure})
    else:
        _show(report, asked.language)
    if report.state == "failed":
        return PARTNER
    return FINDINGS if report.tombstones else OK


def request_of(
    partner: str, parts: Sequence[str], aspects: Sequence[str], depth: int | None
) -> CollectRequest:
    """Return the request that the options mean.

    A part is a global asset id, ``name=value`` of a specific asset id, or a bare
    manufacturerPartId.
    """
    ids = [part for part in parts if _UUID.fullmatch(part)]
    named = [part.partition("=") for part in parts if not _UUID.fullmatch(part)]
    pairs = tuple((n, v) if equals else ("manufacturerPartId", n) for n, equals, v in named)
    request = CollectRequest(partner, ids[0] if ids else "", pairs, tuple(aspects))
    return request if depth is None else replace(request, depth_max=depth)


def tree_of(report: CollectionReport, language: str) -> Tree:
    """Return the walked bill of materials as a tree for the terminal."""
    tree = Tree(f"[bold]{escape(report.partner)}[/]")
    branches: dict[int | None, Tree] = {None: tree}
    for part in report.parts:
        holder = branches.get(part.parent, tree)
        branches[part.node] = holder.add(_line(part, language))
    return tree


def _followed(known: Operations, about: str, asked: Asked) -> CollectionReport:
    wait = POLL_SECONDS_FIRST
    report = known.collection(about)
    while not report.finished:
        if not asked.as_json:
            done = counted(report.counts, asked.language)
            _progress(word("cli:collecting", asked.language, done=done))
        time.sleep(wait)
        wait = min(wait * 1.5, POLL_SECONDS_MAX)
        report = known.collection(about)
    _progress("")
    return report


def _progress(text: str) -> None:
    if sys.stderr.isatty():
        click.echo(f"\r\x1b[2K{text}", nl=False, err=True)


def _show(report: CollectionReport, language: str) -> None:
    paper = console()
    if report.parts:
        paper.print(tree_of(report, language))
    if report.kg_co2e_total is not None:
        total = f"{report.kg_co2e_total:g}"
        paper.print(word("cli:footprint_total", language, total=total))
    for tombstone in report.tombstones:
        paper.print(_tombstone(tombstone, language))
    done = counted(report.counts, language)
    state = label(f"collection_{report.state}", language)
    paper.print(f"[bold]{state}[/] {escape(done)}")
    if report.failure:
        show_findings([report.failure], language, to_stderr=True)


def _line(part: CollectedPart, language: str) -> str:
    if part.tombstone:
        return "[red]✝ [/]" + _tombstone(part.tombstone, language)
    pieces = [f"[bold]{escape(part.name or part.manufacturer_part_id or part.global_asset_id)}[/]"]
    if part.name and part.manufacturer_part_id:
        pieces.append(escape(part.manufacturer_part_id))
    if part.instance:
        kind = label(f"instance_{part.instance_name or 'partInstanceId'}".lower(), language)
        pieces.append(f"[cyan]{kind} {escape(part.instance)}[/]")
    if part.quantity is not None:
        pieces.append(f"{part.quantity:g} {escape(_bare(part.unit))}".rstrip())
    if part.kg_co2e is not None:
        pieces.append(f"[green]{part.kg_co2e:g} kg CO2e[/]")
    return "  ".join(pieces)


def _tombstone(tombstone: Tombstone, language: str) -> str:
    said = word(
        "cli:tombstone",
        language,
        partner=tombstone.partner,
        id=f"{tombstone.aspect} {tombstone.id}".strip(),
        step=tombstone.step,
        reason=tombstone.reason,
    )
    return f"[red]{escape(said)}[/]"


def _bare(unit: str) -> str:
    return unit.removeprefix("unit:")
