"""The quarantine: what was kept back, why, and how it gets out again.

Nothing that came in is ever dropped: a record, a row or a whole document that cannot go on
stands here with every reason, until it is replayed or a later revision takes its place.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import orjson

from connector.errors import Finding, Location, Severity
from connector.record.model import Quarantined
from connector.store import journal
from connector.store.database import Database, Row
from connector.store.journal import millis, moment

RAW_CHARACTERS_MAX = 2000

_SELECT = "SELECT id, feed, source, position, record, raw, findings, state, at FROM quarantine"


class Held(NamedTuple):
    """Something to keep back: its place in the source, its record if it became one, and why.

    ``awaits`` is the digest of an identity whose twin would cure it.
    """

    feed: str
    source: str
    position: int | None
    findings: Sequence[Finding]
    record: int | None = None
    raw: str = ""
    awaits: bytes | None = None


def hold(tx: Database, held: Iterable[Held], now: datetime) -> int:
    """Put things into the quarantine inside the caller's transaction; return how many."""
    rows = [
        (
            h.feed,
            h.source,
            h.position,
            h.record,
            kept(h.raw) or None,
            orjson.dumps([finding_to_json(f) for f in h.findings]),
            h.awaits,
            millis(now),
        )
        for h in held
    ]
    tx.executemany(
        "INSERT INTO quarantine (feed, source, position, record, raw, findings, awaits, at)"
        " VALUES (?,?,?,?,?,?,?,?)",
        rows,
    )
    return len(rows)


def kept(raw: str) -> str:
    """Return as much of an unreadable text as the quarantine keeps."""
    return raw[:RAW_CHARACTERS_MAX]


def raws_held(db: Database, feed: str, source: str) -> frozenset[str]:
    """Return the unreadable texts of a source that stand open."""
    found = db.rows(
        "SELECT raw FROM quarantine WHERE state = 'open' AND feed = ? AND source = ?"
        " AND record IS NULL AND raw IS NOT NULL",
        (feed, source),
    )
    return frozenset(row[0] for row in found)


def supersede(tx: Database, keys: Sequence[str], now: datetime) -> None:
    """Close what stands open under these record keys, since a later revision has come."""
    tx.executemany(
        "UPDATE quarantine SET state = 'superseded', closed_at = ?"
        " WHERE record IN (SELECT id FROM record WHERE key = ?) AND state = 'open'",
        ((millis(now), key) for key in keys),
    )


def supersede_refusal(tx: Database, feed: str, source: str, now: datetime) -> None:
    """Close what says that a document as a whole was refused: another one bears its name."""
    tx.execute(
        "UPDATE quarantine SET state = 'superseded', closed_at = ? WHERE state = 'open'"
        " AND feed = ? AND source = ? AND record IS NULL AND position IS NULL",
        (millis(now), feed, source),
    )


def reword(tx: Database, record_ids: Sequence[int], now: datetime) -> None:
    """Close what stands open for these records, since it is about to be said anew."""
    tx.executemany(
        "UPDATE quarantine SET state = 'superseded', closed_at = ?"
        " WHERE record = ? AND state = 'open'",
        ((millis(now), record_id) for record_id in record_ids),
    )


def release(tx: Database, ids: Sequence[int], now: datetime) -> int:
    """Let open entries try their way again; return how many records that are.

    An entry without a record (a line that could not be read) stays: only its source can
    mend it.
    """
    found = tx.rows_in(
        "SELECT id, record FROM quarantine WHERE id IN (%s) AND state = 'open'"
        " AND record IS NOT NULL",
        list(ids),
    )
    tx.executemany(
        "UPDATE quarantine SET state = 'replayed', closed_at = ? WHERE id = ?",
        ((millis(now), row[0]) for row in found),
    )
    for record_id in sorted({row[1] for row in found}):
        journal.append(tx, "record.replayed", now, rows=(record_id, record_id))
    return len(found)


def anybody_awaits(db: Database) -> bool:
    """Return whether any open entry waits for an identity: mostly none does."""
    sql = "SELECT 1 FROM quarantine WHERE state = 'open' AND awaits IS NOT NULL LIMIT 1"
    return db.row(sql) is not None


def release_awaiting(tx: Database, digests: Sequence[bytes], now: datetime) -> int:
    """Let those entries try again that wait for one of these identities."""
    found = tx.rows_in(
        "SELECT id FROM quarantine WHERE awaits IN (%s) AND state = 'open'", list(digests)
    )
    return release(tx, [row[0] for row in found], now) if found else 0


def records_of(db: Database, ids: Sequence[int]) -> list[int]:
    """Return the records behind entries; an entry without a record has none."""
    found = db.rows_in("SELECT record FROM quarantine WHERE id IN (%s)", list(ids))
    return sorted({row[0] for row in found if row[0] is not None})


def count_open(db: Database, record_ids: Sequence[int]) -> int:
    """Return how many of these records stand in the quarantine."""
    found = db.rows_in(
        "SELECT DISTINCT record FROM quarantine WHERE record IN (%s) AND state = 'open'",
        list(record_ids),
    )
    return len(found)


def listed(db: Database, feed: str | None, entries_max: int) -> list[Quarantined]:
    """Return open entries, oldest first, of one feed or of all."""
    where, parameters = ("AND feed = ?", (feed,)) if feed else ("", ())
    found = db.rows(
        f"{_SELECT} WHERE state = 'open' {where} ORDER BY id LIMIT ?", (*parameters, entries_max)
    )
    return [_entry(row) for row in found]


def page(
    db: Database, feed: str | None, entries_max: int, *, closed: bool
) -> tuple[list[Quarantined], int]:
    """Return the newest entries, open or closed, and how many there are in all."""
    where = f"WHERE state {'<>' if closed else '='} 'open'" + (" AND feed = ?" if feed else "")
    parameters = (feed,) if feed else ()
    sql = f"{_SELECT} {where} ORDER BY id DESC LIMIT ?"
    found = db.rows(sql, (*parameters, entries_max))
    total = db.row(f"SELECT count(*) FROM quarantine {where}", parameters)  # noqa: S608 - our words
    return [_entry(row) for row in found], int(total[0]) if total else 0


def show(db: Database, entry_id: int) -> Quarantined | None:
    """Return one entry, open or closed."""
    row = db.row(f"{_SELECT} WHERE id = ?", (entry_id,))
    return _entry(row) if row else None


def of_record(db: Database, record_id: int) -> list[Quarantined]:
    """Return all entries of a record, oldest first."""
    return [_entry(r) for r in db.rows(f"{_SELECT} WHERE record = ? ORDER BY id", (record_id,))]


def finding_to_json(finding: Finding) -> dict[str, object]:
    """Return a finding as JSON; parameters become text where JSON has no such type."""
    return {
        "code": finding.code,
        "params": {k: _plain(v) for k, v in finding.params.items()},
        "source": finding.where.source,
        "row": finding.where.row,
        "column": finding.where.column,
        "path": finding.path,
        "severity": str(finding.severity),
    }


def finding_from_json(stored: Mapping[str, object]) -> Finding:
    """Return the finding that `finding_to_json` stored."""
    params, row, column = stored["params"], stored["row"], stored["column"]
    where = Location(
        str(stored["source"]),
        row if isinstance(row, int) else None,
        column if isinstance(column, str) else None,
    )
    return Finding(
        str(stored["code"]),
        params if isinstance(params, dict) else {},
        where,
        str(stored["path"]),
        Severity(str(stored["severity"])),
    )


def _plain(value: object) -> object:
    if isinstance(value, (list, tuple, set, frozenset)):
        return ", ".join(str(item) for item in value)
    return value if isinstance(value, (str, int, float, bool)) or value is None else str(value)


def _entry(row: Row) -> Quarantined:
    findings = tuple(finding_from_json(f) for f in orjson.loads(row[6]))
    return Quarantined(
        row[0], row[1], row[2], row[3], row[4], row[5] or "", findings, row[7], moment(row[8])
    )
