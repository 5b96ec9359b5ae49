"""The journal: one line per thing that happened, and the queue that the doors work through.

A door has a cursor: all lines before it are done, and of the line that it stands on, the
rows up to ``done``. Moving the cursor is part of the door's own transaction, so a door that
was killed does its batch again, and one that committed never does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import orjson

from connector.store.database import Database


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the journal; ``first`` and ``last`` name a range of rows, inclusive."""

    id: int
    at: datetime
    event: str
    first: int | None
    last: int | None
    subject: str | None
    detail: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Work:
    """What a door has before it: rows ``first`` to ``last`` of one journal line."""

    line: int
    event: str
    first: int
    last: int


def millis(moment: datetime) -> int:
    """Return milliseconds since 1970 in UTC, the form in which times are stored."""
    return int(moment.timestamp() * 1000)


def moment(stored: int) -> datetime:
    """Return the time of a stored number of milliseconds."""
    return datetime.fromtimestamp(stored / 1000, tz=UTC)


def append(  # noqa: PLR0913 - each argument is a column of the line
    tx: Database,
    event: str,
    at: datetime,
    *,
    rows: tuple[int, int] | None = None,
    subject: str | None = None,
    detail: Mapping[str, object] | None = None,
) -> int:
    """Write one line inside the caller's transaction and return its number."""
    first, last = rows or (None, None)
    stored = orjson.dumps(detail, default=str).decode() if detail else None
    return tx.execute(
        "INSERT INTO journal (at, event, first, last, subject, detail) VALUES (?,?,?,?,?,?)",
        (millis(at), event, first, last, subject, stored),
    )


def next_work(db: Database, door: str, events: Iterable[str], rows_max: int) -> Work | None:
    """Return the next rows that a door has not done, at most ``rows_max`` of one line."""
    cursor = db.row("SELECT line, done FROM cursor WHERE door = ?", (door,))
    line, done = cursor or (0, None)
    known = ",".join(f"'{event}'" for event in events)
    found = db.row(
        "SELECT id, event, first, last FROM journal"  # noqa: S608 - events are our own words
        f" WHERE id >= ? AND event IN ({known}) AND first IS NOT NULL"
        " AND NOT (id = ? AND last <= ?) AND (id > ? OR ? IS NOT NULL) ORDER BY id LIMIT 1",
        (line, line, -1 if done is None else done, line, done),
    )
    if found is None:
        return None
    first = done + 1 if found[0] == line and done is not None else found[2]
    return Work(found[0], found[1], first, min(found[3], first + rows_max - 1))


def advance(tx: Database, door: str, work: Work) -> None:
    """Move a door's cursor past the rows that it has just done."""
    tx.execute(
        "INSERT INTO cursor (door, line, done) VALUES (?,?,?)"
        " ON CONFLICT (door) DO UPDATE SET line = excluded.line, done = excluded.done",
        (door, work.line, work.last),
    )


def backlog(db: Database, door: str, events: Iterable[str]) -> int:
    """Return how many rows still lie before a door."""
    cursor = db.row("SELECT line, done FROM cursor WHERE door = ?", (door,))
    line, done = cursor or (0, None)
    known = ",".join(f"'{event}'" for event in events)
    found = db.row(
        "SELECT coalesce(sum(last - CASE WHEN id = ? THEN ? ELSE first - 1 END), 0)"  # noqa: S608
        f" FROM journal WHERE id >= ? AND event IN ({known}) AND first IS NOT NULL",
        (line, done or 0, line),
    )
    return int(found[0]) if found else 0


def about(db: Database, subject: str) -> list[Line]:
    """Return all lines whose subject is the given one, in order."""
    found = db.rows(f"{_LINES} WHERE subject = ? ORDER BY id", (subject,))
    return [_line(row) for row in found]


def count(db: Database, event: str) -> int:
    """Return how often something has happened."""
    found = db.row("SELECT count(*) FROM journal WHERE event = ?", (event,))
    return int(found[0]) if found else 0


def covering(db: Database, event: str, row: int) -> list[Line]:
    """Return the lines of an event whose range holds a row, in order."""
    found = db.rows(
        f"{_LINES} WHERE event = ? AND first <= ? AND last >= ? ORDER BY id", (event, row, row)
    )
    return [_line(row) for row in found]


def tail(db: Database, lines_max: int) -> list[Line]:
    """Return the newest lines, oldest of them first."""
    found = db.rows(f"{_LINES} ORDER BY id DESC LIMIT ?", (lines_max,))
    return [_line(row) for row in reversed(found)]


_LINES = "SELECT id, at, event, first, last, subject, detail FROM journal"


def _line(row: tuple[int, int, str, int | None, int | None, str | None, str | None]) -> Line:
    detail = orjson.loads(row[6]) if row[6] else {}
    return Line(row[0], moment(row[1]), row[2], row[3], row[4], row[5], detail)
