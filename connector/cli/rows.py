"""A record's cells as a table, those with a mistake marked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.markup import escape
from rich.table import Table

from connector.cli.console import console
from connector.errors import Finding, Severity

ROWS_SHOWN_MAX = 12
CELL_CHARACTERS_MAX = 60

_STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "yellow"}


def cells_table(
    header: Sequence[str],
    rows: Sequence[Sequence[object]],
    findings: Iterable[Finding],
    read: Sequence[str] = (),
) -> Table:
    """Return one line per column and one column per row of the record.

    ``read`` are the columns that count, the others are dimmed; none given: all count.
    """
    marks = {
        column: _STYLES[finding.severity]
        for finding in findings
        for column in (finding.where.column or "").split(", ")
    }
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="dim", no_wrap=True)
    for _ in rows[:ROWS_SHOWN_MAX]:
        table.add_column(overflow="fold")
    for place, name in enumerate(header):
        cells = [_cell(row[place]) for row in rows[:ROWS_SHOWN_MAX] if place < len(row)]
        idle = "dim" if read and name not in read else None
        table.add_row(escape(name), *cells, style=marks.get(name, idle))
    return table


def print_cells(
    header: Sequence[str], rows: Sequence[Sequence[object]], findings: Iterable[Finding]
) -> None:
    """Print the cells of a record."""
    console().print(cells_table(header, rows, findings))


def _cell(value: object) -> str:
    text = "" if value is None else str(value)
    if len(text) > CELL_CHARACTERS_MAX:
        text = text[: CELL_CHARACTERS_MAX - 1] + "…"
    return escape(text)
