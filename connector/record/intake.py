"""Door ``intake``: source -> record. One batch of rows becomes durable, or nothing of it.

The records of a document go on together when its last batch is in: only then is it known
that no key stands in it twice with different content. A batch that was read twice changes
nothing, since the document's checkpoint is part of the same transaction. A document that
was not read to its end when the next one of its feed begins is void: it may have been
replaced half way, and its rows must not pass for known.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import blake2b
from itertools import pairwise

import orjson

from connector.errors import Finding, Location
from connector.record import quarantine, table
from connector.record.model import Batch, Cells, Feed
from connector.record.quarantine import Held, kept
from connector.record.table import DocumentRow, Entry, Prior
from connector.store import journal
from connector.store.database import Database

KEY_CHARACTERS_MAX = 200
_SEPARATOR = "\x1f"


@dataclass(frozen=True, slots=True)
class Taken:
    """What one batch came to: new records, rows that said nothing new, and rows kept back."""

    records: int = 0
    unchanged: int = 0
    quarantined: int = 0
    ended: bool = False


@dataclass(slots=True)
class _Sorting:
    """How the rows of one batch fall out, while they are being looked at."""

    document: int
    first: int
    stream: bool
    fresh: list[tuple[Entry, int]] = field(default_factory=list)
    unchanged: dict[str, int] = field(default_factory=dict)
    superseded: list[str] = field(default_factory=list)
    conflicts: dict[int, set[int]] = field(default_factory=dict)


def take(db: Database, feed: Feed, batch: Batch, now: datetime) -> Taken:
    """Store a batch with its rejects and its checkpoint; the last one sends them on."""
    with db.transaction() as tx:
        known = table.find_document(tx, feed.name, batch.document)
        if known and _is_done(known, batch):
            return Taken(ended=batch.ends)
        if known and known.state == "failed":
            _void(tx, known.id, now)
            known = None
        document = known.id if known else _open(tx, feed, batch, now)
        if batch.failure:
            return _refuse(tx, feed, batch, document, now)
        sorting = _sort(tx, feed, batch, document)
        kept = _store(tx, feed, batch, sorting, now)
        state = "taken" if batch.ends else "reading"
        table.mark_document(tx, document, batch.taken, state, now)
        if batch.ends and not batch.document.stream:
            _send_on(tx, document, now)
        return Taken(len(sorting.fresh), len(sorting.unchanged), kept, batch.ends)


def gathered(batches: Iterable[Batch]) -> Iterator[Batch]:
    """Join the batches of each document into one, for feeds whose records are many rows."""
    open_batches: list[Batch] = []
    for batch in batches:
        open_batches.append(batch)
        if batch.ends:
            yield _joined(open_batches)
            open_batches = []


def _joined(batches: Sequence[Batch]) -> Batch:
    return replace(
        batches[-1],
        positions=[p for b in batches for p in b.positions],
        rows=[r for b in batches for r in b.rows],
        rejects=[r for b in batches for r in b.rejects],
    )


def _is_done(known: DocumentRow, batch: Batch) -> bool:
    """Whether a batch says nothing new about a document that is known."""
    if batch.document.stream:
        return False
    if known.state == "reading":
        return known.rows >= batch.taken and not batch.ends
    # What was refused before may be readable by the settings of today.
    return known.state == "taken" or batch.failure is not None


def _open(tx: Database, feed: Feed, batch: Batch, now: datetime) -> int:
    for unfinished in table.unfinished(tx, feed.name):
        _void(tx, unfinished, now)
    quarantine.supersede_refusal(tx, feed.name, batch.document.name, now)
    document = table.insert_document(tx, feed.name, batch.document, now)
    detail = {"feed": feed.name, "name": batch.document.name}
    journal.append(tx, "document.opened", now, subject=_subject(document), detail=detail)
    return document


def _void(tx: Database, document: int, now: datetime) -> None:
    table.void_document(tx, document, _spans(tx, document))
    journal.append(tx, "document.voided", now, subject=_subject(document))


def _refuse(tx: Database, feed: Feed, batch: Batch, document: int, now: datetime) -> Taken:
    assert batch.failure is not None  # noqa: S101 - the caller asked
    table.mark_document(tx, document, batch.taken, "failed", now)
    detail = {"code": batch.failure.code}
    journal.append(tx, "document.refused", now, subject=_subject(document), detail=detail)
    held = Held(feed.name, batch.document.name, None, [batch.failure])
    return Taken(quarantined=quarantine.hold(tx, [held], now), ended=True)


def _sort(tx: Database, feed: Feed, batch: Batch, document: int) -> _Sorting:
    entries = _new(tx, list(_entries(feed, batch, document)), batch.repeated)
    keys = [entry.key for entry in entries]
    known = table.latest(tx, keys)
    seen = table.sightings(tx, document, keys)
    sorting = _Sorting(document, table.next_record_id(tx), batch.document.stream)
    for entry in entries:
        prior = known.get(entry.key)
        if prior is None:
            known[entry.key] = _accept(sorting, entry, 1)
        else:
            known[entry.key] = _compare(sorting, entry, prior, seen.get(entry.key))
    return sorting


def _new(tx: Database, entries: list[Entry], repeated: Container[int]) -> list[Entry]:
    """Leave out what a stream sends again because we were killed before it knew: it is known.

    Without this an older message would come after a newer one, and be taken for a correction.
    """
    again = {entry.key for entry in entries if entry.position in repeated}
    if not again:
        return entries
    said = table.said(tx, sorted(again))
    return [e for e in entries if e.position not in repeated or (e.key, e.content) not in said]


def _accept(sorting: _Sorting, entry: Entry, revision: int) -> Prior:
    record = sorting.first + len(sorting.fresh)
    sorting.fresh.append((entry, revision))
    return Prior(revision, entry.content, sorting.document, record, entry.position, False)  # noqa: FBT003


def _compare(sorting: _Sorting, entry: Entry, prior: Prior, seen: int | None) -> Prior:
    """Place an entry whose key is known; the comments give the rule of each branch."""
    same_document = prior.document == sorting.document and not sorting.stream
    if prior.content == entry.content and (same_document or not prior.quarantined):
        # Same key and same content: nothing happens.
        sorting.unchanged.setdefault(entry.key, entry.position)
        return prior
    seen = seen or sorting.unchanged.get(entry.key)
    newer = _accept(sorting, entry, prior.revision + 1)
    if same_document:
        # Same key, other content, one document: nobody can tell which row is right.
        _conflict(sorting, (prior.record, prior.position), (newer.record, entry.position))
    elif seen and not sorting.stream:
        _conflict(sorting, (prior.record, seen), (newer.record, entry.position))
        sorting.conflicts.pop(prior.record)  # it is an older document's and stays as it is
    elif prior.quarantined:
        sorting.superseded.append(entry.key)
    return newer


def _conflict(sorting: _Sorting, one: tuple[int, int], other: tuple[int, int]) -> None:
    rows = sorting.conflicts.get(one[0], set())
    rows |= {one[1], other[1]}
    sorting.conflicts[one[0]] = sorting.conflicts[other[0]] = rows


def _store(tx: Database, feed: Feed, batch: Batch, sorting: _Sorting, now: datetime) -> int:
    fresh = sorting.fresh
    if fresh:
        table.insert_records(tx, sorting.first, sorting.document, fresh)
        table.count_records(tx, sorting.document, len(fresh))
        rows = (sorting.first, sorting.first + len(fresh) - 1)
        if sorting.stream:
            journal.append(tx, "record.received", now, rows=rows)
        else:
            subject = _subject(sorting.document)
            journal.append(tx, "record.taken", now, rows=rows, subject=subject)
    if sorting.unchanged and not batch.ends:
        table.insert_sightings(tx, sorting.document, sorting.unchanged)
    quarantine.supersede(tx, sorting.superseded, now)
    quarantine.reword(tx, list(sorting.conflicts), now)
    held = [*_rejected(tx, feed, batch), *_conflicting(tx, feed, batch, sorting)]
    return quarantine.hold(tx, held, now)


def _rejected(tx: Database, feed: Feed, batch: Batch) -> Iterator[Held]:
    name = batch.document.name
    again = any(reject.position in batch.repeated for reject in batch.rejects)
    held = quarantine.raws_held(tx, feed.name, name) if again else ()
    for reject in batch.rejects:
        if reject.position in batch.repeated and kept(reject.raw) in held:
            continue
        yield Held(feed.name, name, reject.position, [reject.finding], raw=reject.raw)


def _conflicting(tx: Database, feed: Feed, batch: Batch, sorting: _Sorting) -> Iterator[Held]:
    name = batch.document.name
    for record, rows in sorting.conflicts.items():
        stored = table.record(tx, record)
        position = stored.positions[0] if stored else min(rows)
        others = sorted(rows - {position})
        finding = Finding(
            "record:key_repeated",
            {"key": _key_of(feed, batch, stored.rows[0] if stored else ()), "rows": others},
            Location(name, position, feed.key[0] if feed.key else None),
        )
        yield Held(feed.name, name, position, [finding], record=record)


def _key_of(feed: Feed, batch: Batch, row: Cells) -> str:
    header = batch.document.header
    return " / ".join(str(row[header.index(c)]) for c in feed.key if c in header and row)


def _send_on(tx: Database, document: int, now: datetime) -> None:
    """Open the next door to all records of a document, in as few lines as they allow."""
    for rows in _merged(_spans(tx, document)):
        journal.append(tx, "record.received", now, rows=rows)
    journal.append(tx, "document.taken", now, subject=_subject(document))
    table.forget_sightings(tx, document)


def _spans(db: Database, document: int) -> list[tuple[int, int]]:
    """Return the ranges of records that were taken of a document, batch by batch."""
    lines = journal.about(db, _subject(document))
    return [(x.first or 0, x.last or 0) for x in lines if x.event == "record.taken"]


def _subject(document: int) -> str:
    return f"document:{document}"


def _merged(spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    if not spans:
        return []
    breaks = [
        i for i, (one, other) in enumerate(pairwise(spans), start=1) if other[0] != one[1] + 1
    ]
    starts, ends = [0, *breaks], [*breaks, len(spans)]
    return [(spans[start][0], spans[end - 1][1]) for start, end in zip(starts, ends, strict=True)]


def _entries(feed: Feed, batch: Batch, document: int) -> Iterator[Entry]:
    header = batch.document.header
    places = [header.index(column) for column in feed.key if column in header]
    salt = f"{feed.name}{_SEPARATOR}"
    keys = [_key_text(salt, places, row) for row in batch.rows]
    own = f"{salt}{document}{_SEPARATOR}"
    if feed.grouped:
        yield from _groups(batch, keys, own)
        return
    for key, position, row in zip(keys, batch.positions, batch.rows, strict=True):
        content = orjson.dumps((row,))
        yield Entry(key or own + _own_key(batch, position, content), position, None, content)


def _own_key(batch: Batch, position: int, content: bytes) -> str:
    """Name a record without a key: the rows of a stream are numbered anew at every start."""
    return blake2b(content, digest_size=16).hexdigest() if batch.document.stream else str(position)


def _groups(batch: Batch, keys: Sequence[str], own: str) -> Iterator[Entry]:
    groups: dict[str, tuple[list[int], list[Cells]]] = {}
    for key, position, row in zip(keys, batch.positions, batch.rows, strict=True):
        positions, rows = groups.setdefault(key or f"{own}{position}", ([], []))
        positions.append(position)
        rows.append(row)
    for key, (positions, rows) in groups.items():
        content = orjson.dumps(rows)
        yield Entry(key, positions[0], orjson.dumps(positions), content)


def _key_text(salt: str, places: Sequence[int], row: Cells) -> str:
    """Return the key of a row, or nothing where a part of it is empty."""
    parts = [row[place] for place in places]
    if not all(parts) and any(part is None or part == "" for part in parts):
        return ""
    key = salt + _SEPARATOR.join(map(str, parts))
    if len(key) > KEY_CHARACTERS_MAX:
        return salt + blake2b(key.encode(), digest_size=32).hexdigest()
    return key
