"""The outbox: what we owe to partners is a row, written in the transaction that owes it.

A message is sent at once when its transaction is durable, again with growing waits when
that fails, at once again when the partner shows that it is back, and parked at its
deadline. Of one process at most one message is on its way,
so that a partner never sees them out of order. Sending twice is possible (a kill between
the send and the record of it) and harmless: receivers know a repeated message.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from datetime import datetime, timedelta

from connector.store.database import Database
from connector.store.journal import millis, moment

RETRY_SECONDS_FIRST = 0.2
# A receiver that is still writing down what it has just sent itself needs no more than that.
SOON_SECONDS_FIRST = 0.005
RETRY_SECONDS_MAX = 60.0
# Shorter waits are no sign that a partner was away: it may ask for a moment by an answer.
HASTEN_SECONDS = 5.0
DEADLINE_SECONDS = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message that we owe: its process, its type, whom it goes to, and what it says."""

    process: str
    message: str
    partner: str
    url: str
    body: bytes
    deadline_seconds: float = DEADLINE_SECONDS


@dataclass(frozen=True, slots=True)
class Owed:
    """A row of the outbox that is due."""

    id: int
    outgoing: Outgoing
    attempts: int
    deadline_at: datetime


def owe(tx: Database, outgoing: Outgoing, now: datetime) -> Owed:
    """Write a message inside the caller's transaction; it is due at once."""
    deadline = now + timedelta(seconds=outgoing.deadline_seconds)
    row_id = tx.execute(
        "INSERT INTO outbox (process, message, partner, url, body, next_at, deadline_at,"
        " created_at) VALUES (?,?,?,?,?,?,?,?)",
        (
            outgoing.process,
            outgoing.message,
            outgoing.partner,
            outgoing.url,
            outgoing.body,
            millis(now),
            millis(deadline),
            millis(now),
        ),
    )
    return Owed(row_id, outgoing, 0, deadline)


def due(
    db: Database, now: datetime, messages_max: int, known: Container[int] = frozenset()
) -> list[Owed]:
    """Return the messages to send now: of each process its oldest one, if that is due.

    Those that are ``known``, by number, are left out: with them many are not even read.
    """
    numbers = db.rows(
        "SELECT id FROM outbox WHERE state = 'owed' AND next_at <= ? ORDER BY next_at LIMIT ?",
        (millis(now), messages_max),
    )
    found = db.rows_in(_OLDEST, [number for (number,) in numbers if number not in known])
    return [Owed(r[0], Outgoing(r[1], r[2], r[3], r[4], r[5]), r[6], moment(r[7])) for r in found]


_OLDEST = (
    "SELECT id, process, message, partner, url, body, attempts, deadline_at FROM outbox o"
    " WHERE id IN (%s) AND NOT EXISTS (SELECT 1 FROM outbox p"
    " WHERE p.process = o.process AND p.state = 'owed' AND p.id < o.id) ORDER BY id"
)


def next_due(db: Database, now: datetime) -> datetime | None:
    """Return when the next message becomes due that is not due yet, or None."""
    sql = "SELECT min(next_at) FROM outbox WHERE state = 'owed' AND next_at > ?"
    found = db.row(sql, (millis(now),))
    return moment(found[0]) if found and found[0] is not None else None


def settle(tx: Database, owed: Owed, now: datetime) -> None:
    """Record that a message arrived."""
    tx.execute(
        "UPDATE outbox SET state = 'sent', attempts = attempts + 1, settled_at = ?, error = NULL"
        " WHERE id = ?",
        (millis(now), owed.id),
    )


def postpone(
    tx: Database, owed: Owed, now: datetime, error: str, seconds_first: float = RETRY_SECONDS_FIRST
) -> bool:
    """Record a failed attempt; return False when the deadline has passed and it is parked.

    The wait is ``seconds_first`` after the first attempt and doubles after every further one.
    """
    wait = min(seconds_first * 2**owed.attempts, RETRY_SECONDS_MAX)
    following = now + timedelta(seconds=wait)
    if following > owed.deadline_at:
        park(tx, owed, now, error)
        return False
    tx.execute(
        "UPDATE outbox SET attempts = attempts + 1, next_at = ?, error = ? WHERE id = ?",
        (millis(following), error, owed.id),
    )
    return True


def hasten(tx: Database, partner: str, now: datetime) -> int:
    """Make due what waits long for a partner that has just shown that it is there again.

    Returns how many messages these are.
    """
    return tx.change(
        "UPDATE outbox SET next_at = ? WHERE state = 'owed' AND partner = ? AND next_at > ?",
        (millis(now), partner, millis(now + timedelta(seconds=HASTEN_SECONDS))),
    )


def park(tx: Database, owed: Owed, now: datetime, error: str) -> None:
    """Record that a message will not be sent again, and why."""
    tx.execute(
        "UPDATE outbox SET state = 'parked', attempts = attempts + 1, settled_at = ?, error = ?"
        " WHERE id = ?",
        (millis(now), error, owed.id),
    )


def drop(tx: Database, process: str, now: datetime, reason: str) -> None:
    """Park all that is still owed for a process that has ended."""
    tx.execute(
        "UPDATE outbox SET state = 'parked', settled_at = ?, error = ?"
        " WHERE process = ? AND state = 'owed'",
        (millis(now), reason, process),
    )


def reword(tx: Database, process: str, message: str, body: bytes) -> None:
    """Replace what a message said once it is owed no more, so that no secret stays behind."""
    tx.execute(
        "UPDATE outbox SET body = ? WHERE process = ? AND message = ? AND state <> 'owed'",
        (body, process, message),
    )


@dataclass(frozen=True, slots=True)
class Fate:
    """What has become of a message so far; ``state`` is owed, sent or parked.

    ``error`` is the last answer against it, ``next_at`` when it is sent again if it is owed.
    """

    message: str
    state: str
    attempts: int
    created_at: datetime
    next_at: datetime
    deadline_at: datetime
    settled_at: datetime | None
    error: str


def last_fate(db: Database, process: str) -> Fate | None:
    """Return what became of the last message of a process, None where it is kept no more."""
    found = db.row(
        "SELECT message, state, attempts, created_at, next_at, deadline_at, settled_at, error"
        " FROM outbox WHERE process = ? ORDER BY id DESC LIMIT 1",
        (process,),
    )
    if found is None:
        return None
    message, state, attempts, created, following, deadline, settled, error = found
    return Fate(
        *(message, state, attempts, moment(created), moment(following), moment(deadline)),
        moment(settled) if settled is not None else None,
        error or "",
    )


@dataclass(frozen=True, slots=True)
class Pruned:
    """How many messages were deleted, and behind which id to go on; None: nothing is left."""

    messages: int
    go_on_after: int | None


def prune(tx: Database, before: datetime, after_id: int, rows_max: int) -> Pruned:
    """Delete what is owed no more and was settled ``before``, in the next ``rows_max`` rows.

    Ids grow with time, so no index is needed that every message would have to pay for.
    """
    cut = millis(before)
    window = tx.rows(
        "SELECT id, created_at FROM outbox WHERE id > ? ORDER BY id LIMIT ?", (after_id, rows_max)
    )
    old = [row_id for row_id, created_at in window if created_at < cut]
    if not old:
        return Pruned(0, None)
    gone = tx.change(
        "DELETE FROM outbox WHERE id > ? AND id <= ? AND state <> 'owed' AND settled_at < ?",
        (after_id, old[-1], cut),
    )
    return Pruned(gone, old[-1] if len(old) == rows_max else None)


def trouble(db: Database, message_id: int) -> str:
    """Return why the last attempt to send a message failed; empty if none has."""
    found = db.row("SELECT error FROM outbox WHERE id = ?", (message_id,))
    return str(found[0]) if found and found[0] else ""
