"""Rows of the record room, and its named SQL."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import orjson

from connector.record.model import Checkpoint, Document, Record
from connector.store.database import Database
from connector.store.journal import millis

_INSERT_RECORD = (
    "INSERT INTO record (id, key, revision, document, position, positions, content)"
    " VALUES (?,?,?,?,?,?,?)"
)
_LATEST = (
    "SELECT r.key, r.revision, r.content, r.document, r.id, r.position,"
    " EXISTS (SELECT 1 FROM quarantine q WHERE q.record = r.id AND q.state = 'open')"
    " FROM record r WHERE r.key IN (%s) ORDER BY r.revision"
)
# What rows of a document have superseded since it was begun, wherever they themselves stand.
_REOPEN_SUPERSEDED = (
    "UPDATE quarantine SET state = 'open', closed_at = NULL WHERE state = 'superseded'"
    " AND record IN (SELECT p.id FROM record r JOIN record p ON p.key = r.key"
    " WHERE r.id BETWEEN ? AND ?)"
    " AND closed_at >= (SELECT started_at FROM document WHERE id = ?)"
)
_CLOSE_HELD = (
    "UPDATE quarantine SET state = 'superseded', closed_at = at WHERE state = 'open'"
    " AND record BETWEEN ? AND ?"
)
_RENAME_KEYS = (
    "UPDATE record SET key = key || char(31) || 'void' || document WHERE id BETWEEN ? AND ?"
)
# What could not be read of a document, or the document as a whole.
_CLOSE_UNREADABLE = (
    "UPDATE quarantine SET state = 'superseded', closed_at = at WHERE state = 'open'"
    " AND record IS NULL AND (feed, source) = (SELECT feed, name FROM document WHERE id = ?1)"
    " AND at >= (SELECT started_at FROM document WHERE id = ?1)"
)
_RECORDS = (
    "SELECT r.id, d.feed, d.name, d.header, r.revision, r.position, r.positions, r.content"
    " FROM record r JOIN document d ON d.id = r.document"
)


class Prior(NamedTuple):
    """The newest thing that is known under a key."""

    revision: int
    content: bytes
    document: int
    record: int
    position: int
    quarantined: bool


class Entry(NamedTuple):
    """A record about to be stored: content is a JSON list of rows of cells."""

    key: str
    position: int
    positions: bytes | None
    content: bytes


@dataclass(frozen=True, slots=True)
class DocumentRow:
    """A document as the store knows it; ``rows`` counts what was taken of it so far."""

    id: int
    state: str
    rows: int


@dataclass(frozen=True, slots=True)
class _InState:
    """The fingerprints of a feed's documents in one state; each is looked up when asked for.

    A feed is polled every second and may have taken a hundred thousand files.
    """

    db: Database
    feed: str
    state: str

    def __contains__(self, fingerprint: object) -> bool:
        sql = "SELECT 1 FROM document WHERE feed = ? AND fingerprint = ? AND state = ?"
        return self.db.row(sql, (self.feed, fingerprint, self.state)) is not None


def checkpoint(db: Database, feed: str) -> Checkpoint:
    """Return which documents of a feed are done, and how far unfinished ones were read.

    It answers from the connection, so it is good only in that connection's thread.
    """
    sql = "SELECT fingerprint, rows FROM document WHERE feed = ? AND state = 'reading'"
    partial = {row[0]: row[1] for row in db.rows(sql, (feed,))}
    return Checkpoint(_InState(db, feed, "taken"), partial, _InState(db, feed, "failed"))


def find_document(db: Database, feed: str, document: Document) -> DocumentRow | None:
    """Return the row of a document, or None when it was never seen."""
    found = db.row(
        "SELECT id, state, rows FROM document WHERE feed = ? AND fingerprint = ?",
        (feed, document.fingerprint),
    )
    return DocumentRow(*found) if found else None


def insert_document(tx: Database, feed: str, document: Document, now: datetime) -> int:
    """Store a document that is being read and return its id."""
    header = orjson.dumps(document.header)
    return tx.execute(
        "INSERT INTO document (feed, name, fingerprint, header, state, started_at)"
        " VALUES (?,?,?,?,'reading',?)",
        (feed, document.name, document.fingerprint, header, millis(now)),
    )


def unfinished(db: Database, feed: str) -> list[int]:
    """Return the documents of a feed that were begun and not read to their end."""
    found = db.rows("SELECT id FROM document WHERE feed = ? AND state = 'reading'", (feed,))
    return [int(row[0]) for row in found]


def void_document(tx: Database, document: int, spans: Sequence[tuple[int, int]]) -> None:
    """Take back what was read of a document, so that its rows are known no more.

    ``spans`` are the ranges of its records. They stay as they are, under keys that nothing
    else has, and what they had superseded in the quarantine stands there again.
    """
    tx.executemany(_REOPEN_SUPERSEDED, ((*span, document) for span in spans))
    tx.executemany(_CLOSE_HELD, spans)
    tx.executemany(_RENAME_KEYS, spans)
    tx.execute(_CLOSE_UNREADABLE, (document,))
    tx.execute(
        "UPDATE document SET state = 'failed', fingerprint = fingerprint || ':' || id"
        " WHERE id = ?",
        (document,),
    )
    forget_sightings(tx, document)


def mark_document(tx: Database, document: int, rows: int, state: str, now: datetime) -> None:
    """Record how far a document was read, and what became of it."""
    tx.execute(
        "UPDATE document SET rows = ?, state = ?, finished_at = ? WHERE id = ?",
        (rows, state, None if state == "reading" else millis(now), document),
    )


def count_records(tx: Database, document: int, records: int) -> None:
    """Add to the number of records that came of a document."""
    tx.execute("UPDATE document SET records = records + ? WHERE id = ?", (records, document))


def latest(db: Database, keys: Sequence[str]) -> dict[str, Prior]:
    """Return the newest revision of each key that is known."""
    found = db.rows_in(_LATEST, keys)
    return {r[0]: Prior(r[1], r[2], r[3], r[4], r[5], bool(r[6])) for r in found}


def said(db: Database, keys: Sequence[str]) -> set[tuple[str, bytes]]:
    """Return all that was ever said under these keys: each with its content."""
    sql = "SELECT key, content FROM record WHERE key IN (%s)"
    return {(row[0], row[1]) for row in db.rows_in(sql, keys)}


def next_record_id(db: Database) -> int:
    """Return the id that the next record will bear."""
    found = db.row("SELECT coalesce(max(id), 0) + 1 FROM record")
    return int(found[0]) if found else 1


def insert_records(
    tx: Database, first: int, document: int, entries: Sequence[tuple[Entry, int]]
) -> None:
    """Store entries with their revisions under consecutive ids from ``first``."""
    tx.executemany(
        _INSERT_RECORD,
        (
            (first + i, e.key, revision, document, e.position, e.positions, e.content)
            for i, (e, revision) in enumerate(entries)
        ),
    )


def insert_sightings(tx: Database, document: int, seen: Mapping[str, int]) -> None:
    """Remember rows of an unfinished document that repeat what is known."""
    tx.executemany(
        "INSERT OR IGNORE INTO sighting (document, key, position) VALUES (?,?,?)",
        ((document, key, position) for key, position in seen.items()),
    )


def sightings(db: Database, document: int, keys: Sequence[str]) -> dict[str, int]:
    """Return the positions of those keys that this document repeated unchanged."""
    if db.row("SELECT 1 FROM sighting WHERE document = ? LIMIT 1", (document,)) is None:
        return {}
    sql = f"SELECT key, position FROM sighting WHERE document = {document} AND key IN (%s)"  # noqa: S608
    return {row[0]: row[1] for row in db.rows_in(sql, keys)}


def forget_sightings(tx: Database, document: int) -> None:
    """Drop what only mattered while a document was being read."""
    tx.execute("DELETE FROM sighting WHERE document = ?", (document,))


def records(db: Database, first: int, last: int) -> Iterator[Record]:
    """Yield the records with ids from ``first`` to ``last`` that are not in quarantine."""
    held = "SELECT record FROM quarantine WHERE state = 'open' AND record BETWEEN ? AND ?"
    found = db.rows(
        f"{_RECORDS} WHERE r.id BETWEEN ? AND ? AND r.id NOT IN ({held}) ORDER BY r.id",
        (first, last, first, last),
    )
    headers: dict[bytes, tuple[str, ...]] = {}
    for row in found:
        if row[3] not in headers:
            headers[row[3]] = tuple(orjson.loads(row[3]))
        positions = tuple(orjson.loads(row[6])) if row[6] else (row[5],)
        content = orjson.loads(row[7])
        yield Record(row[0], row[1], row[2], headers[row[3]], row[4], positions, content)


def record(db: Database, record_id: int) -> Record | None:
    """Return one record, in quarantine or not."""
    row = db.row(f"{_RECORDS} WHERE r.id = ?", (record_id,))
    if row is None:
        return None
    positions = tuple(orjson.loads(row[6])) if row[6] else (row[5],)
    header = tuple(orjson.loads(row[3]))
    return Record(row[0], row[1], row[2], header, row[4], positions, orjson.loads(row[7]))
