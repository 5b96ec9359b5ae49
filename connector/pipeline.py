"""Which door each event opens, as a table; the way reads from top to bottom.

record.received, record.replayed  ->  derivation    ->  aspect.derived
aspect.derived                    ->  registration  ->  twin.registered, twin.named
twin.registered, twin.named       ->  publication   ->  offer.published
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from connector.errors import EslabonError, Finding, Location
from connector.record import quarantine, table
from connector.record.quarantine import Held
from connector.store import journal
from connector.store.database import Database
from connector.store.journal import Work

# Larger than a batch of intake: a commit costs milliseconds, and a random place in an index
# dirties a page of its own. While partners' messages are written, batches are short.
DOOR_ROWS_MAX = 4000
DOOR_ROWS_CROWDED = 250

Opening = Callable[[Database, Work, datetime], None]

EVENTS: Mapping[str, tuple[str, ...]] = {
    "derivation": ("record.received", "record.replayed"),
    "registration": ("aspect.derived",),
    "publication": ("twin.registered", "twin.named"),
}


@dataclass(frozen=True, slots=True)
class Door:
    """A door with the events that open it and what happens behind it.

    ``opening`` does one batch in one transaction, its own cursor included.
    """

    name: str
    opening: Opening

    @property
    def events(self) -> tuple[str, ...]:
        """The journal's events that this door waits for."""
        return EVENTS[self.name]


def provide(derive: Opening, register: Opening, publish: Opening) -> tuple[Door, ...]:
    """Return the doors from record to offer, in the order of the way."""
    openings = {"derivation": derive, "registration": register, "publication": publish}
    return tuple(Door(name, openings[name]) for name in EVENTS)


def step(
    db: Database, doors: Sequence[Door], now: datetime, rows_max: int = DOOR_ROWS_MAX
) -> bool:
    """Open the door nearest to the end that has work, for one batch; False if none has.

    The last doors go first, so that what has begun arrives before more is begun.
    """
    for door in reversed(doors):
        work = journal.next_work(db, door.name, door.events, rows_max)
        if work:
            _open(db, door, work, now)
            return True
    return False


def _open(db: Database, door: Door, work: Work, now: datetime) -> None:
    try:
        door.opening(db, work, now)
    except EslabonError:
        raise
    except Exception as error:  # noqa: BLE001 - a bug of ours costs one record, not the way
        structlog.get_logger().exception(
            "door.broke", door=door.name, rows=[work.first, work.last]
        )
        if work.first == work.last:
            _set_aside(db, door, work, now, error)
            return
        for row in range(work.first, work.last + 1):
            _open(db, door, Work(work.line, work.event, row, row), now)


def _set_aside(db: Database, door: Door, work: Work, now: datetime, error: Exception) -> None:
    """Keep back the one row on which a door breaks, so that all others go on."""
    reason = f"{type(error).__name__}: {error}"
    with db.transaction() as tx:
        record = table.record(tx, _record_of(tx, door, work.first))
        if record:
            where = Location(record.source, record.positions[0])
            finding = Finding(
                "connector:our_mistake", {"door": door.name, "reason": reason}, where
            )
            held = Held(record.feed, record.source, where.row, [finding], record=record.id)
            quarantine.hold(tx, [held], now)
        rows = (work.first, work.last)
        journal.append(tx, "door.broke", now, rows=rows, detail={"door": door.name, "why": reason})
        journal.advance(tx, door.name, work)


def _record_of(db: Database, door: Door, row: int) -> int:
    queries = {
        "derivation": "SELECT ?",
        "registration": "SELECT record FROM aspect WHERE id = ?",
        "publication": "SELECT max(a.record) FROM submodel s JOIN aspect a ON a.id = s.aspect"
        " WHERE s.twin = ?",
    }
    found = db.row(queries[door.name], (row,))
    return int(found[0]) if found and found[0] is not None else 0


def backlog(db: Database) -> dict[str, int]:
    """Return how many rows still lie before each door."""
    return {name: journal.backlog(db, name, events) for name, events in EVENTS.items()}
