"""The way of one record through every room, put together from the journal and the rooms."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import orjson

from connector.record import quarantine, table
from connector.store import journal
from connector.store.database import Database
from connector.store.journal import Line, moment
from connector.web.operations import Trace, TraceStep

RECORDS_MAX = 50
READS_MAX = 200
_TWINS = (
    "SELECT id, global_asset_id FROM twin WHERE global_asset_id = ?"
    " UNION SELECT id, global_asset_id FROM twin WHERE instance = ? AND instance <> ''"
    " UNION SELECT id, global_asset_id FROM twin WHERE part = ? AND instance = '' AND part <> ''"
    " LIMIT 20"
)
_RECORDS_OF_TWIN = (
    "SELECT DISTINCT r2.id FROM submodel s JOIN aspect a ON a.id = s.aspect"
    " JOIN record r ON r.id = a.record JOIN record r2 ON r2.key = r.key"
    " WHERE s.twin = ? ORDER BY r2.id LIMIT ?"
)
_ASPECTS = (
    "SELECT a.id, i.value, a.global_asset_id FROM aspect a JOIN interned i ON i.id = a.semantic"
    " WHERE a.record = ? ORDER BY a.id"
)
_READS = (
    "SELECT at, partner, action, agreement, transfer FROM ledger WHERE subject = ?"
    " ORDER BY number LIMIT ?"
)


@dataclass(frozen=True, slots=True)
class _Subjects:
    """What an id leads to: the records that speak of it and the twins it stands for."""

    records: tuple[int, ...]
    twins: tuple[tuple[int, str], ...]


def trace_beside(path: Path, wanted: str) -> Trace:
    """Return the same as `trace` on a connection of its own, for a thread of its own.

    Who read a thing is found by going through the whole ledger: partners must not wait for it.
    """
    db = Database.open_to_read(path)
    try:
        return trace(db, wanted)
    finally:
        db.close()


def trace(db: Database, wanted: str) -> Trace:
    """Return the way of one thing, oldest step first.

    ``wanted`` is a global asset id, a serial, batch or part number, the key of a record, or
    ``record:N``.
    """
    subjects = _find(db, wanted)
    steps = [step for record in subjects.records for step in _of_record(db, record)]
    for twin, global_asset_id in subjects.twins:
        steps += _of_twin(db, twin, global_asset_id)
    steps += [_step(line) for line in journal.about(db, wanted)]
    return Trace(wanted, tuple(sorted(dict.fromkeys(steps), key=lambda step: step.at)))


def _find(db: Database, wanted: str) -> _Subjects:
    twins = db.rows(_TWINS, (wanted, wanted, wanted))
    records = [r[0] for twin in twins for r in db.rows(_RECORDS_OF_TWIN, (twin[0], RECORDS_MAX))]
    kind, _, number = wanted.partition(":")
    if kind == "record" and number.isdigit():
        records.append(int(number))
    for feed in db.rows("SELECT DISTINCT feed FROM document"):
        key = f"{feed[0]}\x1f{wanted}"
        records += [r[0] for r in db.rows("SELECT id FROM record WHERE key = ?", (key,))]
    found = sorted(dict.fromkeys(records))[:RECORDS_MAX]
    return _Subjects(tuple(found), tuple((row[0], row[1]) for row in twins))


def _of_record(db: Database, record_id: int) -> Iterator[TraceStep]:
    record = table.record(db, record_id)
    if record is None:
        return
    said = f"{record.feed}: {record.source}, row {record.positions[0]}"
    for event in ("record.taken", "record.received", "record.replayed"):
        for line in journal.covering(db, event, record_id):
            yield TraceStep(line.at, "record", event, f"{said}, revision {record.revision}")
    for entry in quarantine.of_record(db, record_id):
        reasons = "; ".join(finding.text().what for finding in entry.findings)
        yield TraceStep(entry.at, "record", "record.quarantined", f"{said}: {reasons}")
    for aspect, semantic, global_asset_id in db.rows(_ASPECTS, (record_id,)):
        for line in journal.covering(db, "aspect.derived", aspect):
            yield TraceStep(line.at, "aspect", line.event, f"{semantic} of {global_asset_id}")


def _of_twin(db: Database, twin: int, global_asset_id: str) -> Iterator[TraceStep]:
    for event in ("twin.registered", "twin.named"):
        for line in journal.covering(db, event, twin):
            yield TraceStep(line.at, "twin", event, global_asset_id)
    found = db.rows(
        "SELECT i.value, s.version, s.updated_at FROM submodel s"
        " JOIN interned i ON i.id = s.semantic WHERE s.twin = ?",
        (twin,),
    )
    for semantic, version, updated_at in found:
        what = f"{semantic}, version {version}"
        yield TraceStep(moment(updated_at), "twin", "submodel.current", what)
    for event in ("offer.published", "offer.republished"):
        for line in journal.covering(db, event, twin):
            yield TraceStep(line.at, "offer", event, _offers(db, twin))
    yield from _of_reads(db, global_asset_id)


def _of_reads(db: Database, global_asset_id: str) -> Iterator[TraceStep]:
    """Yield who read it, and the agreement and transfer under which that was done."""
    processes: set[str] = set()
    for at, partner, action, agreement, transfer in db.rows(_READS, (global_asset_id, READS_MAX)):
        yield TraceStep(moment(at), "transfer", action, f"by {partner} under {agreement}")
        processes.add(transfer)
        found = db.row("SELECT negotiation FROM agreement WHERE id = ?", (agreement,))
        processes.update(found or ())
    for pid in sorted(processes):
        for line in journal.about(db, pid):
            yield _step(line)


def _offers(db: Database, twin: int) -> str:
    row = db.row(
        "SELECT a.offers FROM exposure e JOIN audience a ON a.id = e.audience WHERE e.twin = ?",
        (twin,),
    )
    return (
        "offered to: " + ", ".join(map(str, orjson.loads(row[0]))) if row else "offered to nobody"
    )


def _step(line: Line) -> TraceStep:
    room = _ROOMS.get(line.event.partition(".")[0], "store")
    detail = ", ".join(f"{key} {value}" for key, value in line.detail.items())
    return TraceStep(line.at, room, line.event, detail or str(line.subject or ""))


_ROOMS = {
    "document": "record",
    "record": "record",
    "aspect": "aspect",
    "twin": "twin",
    "offer": "offer",
    "negotiation": "agreement",
    "agreement": "agreement",
    "transfer": "transfer",
    "collection": "collection",
}
