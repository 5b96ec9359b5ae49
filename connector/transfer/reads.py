"""Asks the ledger who read what, how often, and when."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from connector.identifiers import Bpnl
from connector.store.database import Database
from connector.store.journal import millis, moment

PAGE_ROWS = 1_000
FOREVER = 1 << 62

_COLUMNS = "number, at, agreement, transfer, action, subject, detail"
_OF_PART = (
    " AND subject IN (SELECT ? UNION SELECT global_asset_id FROM twin WHERE instance = ?"
    " UNION SELECT global_asset_id FROM twin WHERE part = ?)"
)


@dataclass(frozen=True, slots=True)
class ReadsQuery:
    """Which reads: of one partner, from ``since`` (included) to ``until`` (excluded).

    ``part`` is a global asset id, or the serial, batch or part number of twins; empty: all.
    """

    partner: Bpnl
    since: datetime | None = None
    until: datetime | None = None
    part: str = ""


@dataclass(frozen=True, slots=True)
class Read:
    """One row: what was done to what, and under which agreement and transfer process."""

    number: int
    at: datetime
    action: str
    subject: str
    detail: str
    agreement: str
    transfer: str


@dataclass(frozen=True, slots=True)
class Tally:
    """How often one thing was done to one subject, and when first and last."""

    action: str
    subject: str
    detail: str
    times: int
    first_at: datetime
    last_at: datetime


def tally_actions(db: Database, query: ReadsQuery) -> list[Tally]:
    """Return how often the partner did each kind of thing, most often first."""
    columns = "action, '', '', count(*), min(at), max(at)"
    return _tallies(db, query, columns, "GROUP BY action ORDER BY 4 DESC, 1", 100)


def tally_subjects(db: Database, query: ReadsQuery, limit: int) -> list[Tally]:
    """Return how often each subject was read, the last one read first."""
    columns = "action, subject, detail, count(*), min(at), max(at)"
    group = "GROUP BY action, subject, detail ORDER BY 6 DESC, 2"
    return _tallies(db, query, columns, group, limit)


def list_reads(db: Database, query: ReadsQuery) -> Iterator[Read]:
    """Yield every row that fits, oldest first; memory does not grow with their number."""
    where, (partner, since, *others) = _where(query)
    sql = (
        f"SELECT {_COLUMNS} FROM ledger WHERE {where} AND (at > ? OR number > ?)"  # noqa: S608 - our own words
        " ORDER BY at, number LIMIT ?"
    )
    # Where a page ended is where the index is entered for the next.
    at, number = since, 0
    while page := db.rows(sql, (partner, at, *others, at, number, PAGE_ROWS)):
        for number, at, agreement, transfer, action, subject, detail in page:
            yield Read(number, moment(at), action, subject, detail, agreement, transfer)


def _tallies(db: Database, query: ReadsQuery, columns: str, group: str, limit: int) -> list[Tally]:
    where, parameters = _where(query)
    sql = f"SELECT {columns} FROM ledger WHERE {where} {group} LIMIT ?"  # noqa: S608 - our own words
    return [
        Tally(action, subject, detail, times, moment(first), moment(last))
        for action, subject, detail, times, first, last in db.rows(sql, (*parameters, limit))
    ]


def _where(query: ReadsQuery) -> tuple[str, tuple[object, int, *tuple[object, ...]]]:
    since = millis(query.since) if query.since else 0
    until = millis(query.until) if query.until else FOREVER
    part = (query.part,) * 3 if query.part else ()
    of_part = _OF_PART if query.part else ""
    return f"partner = ? AND at >= ? AND at < ?{of_part}", (query.partner, since, until, *part)
