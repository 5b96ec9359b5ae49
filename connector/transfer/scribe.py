"""Writes the ledger: rows in order, each bound to all before it, and signed heads.

One thread writes, and knows the end of the chain by heart; after any failure it reads it
anew. Rows and the head over them are one transaction, so that a kill at any moment leaves a
chain that goes on where it ended, with fewer unsigned rows than the pace allows.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import structlog

from connector.store.database import Database
from connector.store.turns import Turn
from connector.transfer.chain import (
    ADOPTED,
    GENESIS,
    HASH_BYTES,
    KEY_INTRODUCED,
    OURSELVES,
    USUAL_PACE,
    Head,
    Line,
    Notary,
    Pace,
    head_from_json,
    head_to_json,
    line_of,
    links,
)

ADOPTED_AT_ONCE = 10_000
SEAL_DOTS = 2

# A hash has 32 bytes; all of them come as one value.
_INSERT = (
    "INSERT INTO ledger SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4,"
    " value ->> 5, value ->> 6, value ->> 7, substr(?, key * 32 + 1, 32)"
    " FROM json_each(?)"
)
_UNBOUND = (
    "SELECT number, at, partner, agreement, transfer, action, subject, detail FROM ledger"
    " WHERE number > ? ORDER BY number LIMIT ?"
)
_BIND = (
    "UPDATE ledger SET hash = substr(?1, (number - ?2) * 32 + 1, 32)"
    " WHERE number BETWEEN ?2 AND ?3"
)
_OWN_ROW = "SELECT 1 FROM ledger WHERE partner = ? AND action = ? AND subject = ?"
_LAST_BOUND = "SELECT number, hash FROM ledger WHERE hash IS NOT NULL ORDER BY number DESC LIMIT 1"


@dataclass(frozen=True, slots=True)
class State:
    """How the ledger stands: rows, those under a head, and when that was signed.

    ``signed_at`` is in milliseconds since 1970, 0 when there is no head. ``intact`` says
    whether, at the start, the last head fitted the rows.
    """

    rows: int = 0
    hash: bytes = GENESIS
    heads: int = 0
    signed_rows: int = 0
    signed_at: int = 0
    intact: bool = True

    @property
    def unsigned_rows(self) -> int:
        """Rows that no head covers yet."""
        return self.rows - self.signed_rows


class Scribe:
    """The one writer of the ledger of a store; for one thread."""

    def __init__(
        self,
        path: Path,
        turn: Turn | None = None,
        notary: Notary | None = None,
        pace: Pace = USUAL_PACE,
    ) -> None:
        """Take the file of the store; without ``notary`` no heads are signed."""
        self._path = path
        self._turn = turn
        self._notary = notary
        self._pace = pace
        self._db: Database | None = None
        self.state = State()

    def open(self, at: int) -> None:
        """Open the store; bind rows of before the ledger, and sign a first head."""
        if self._db is not None:
            return
        db = Database.open(self._path, turn=self._turn)
        self.state = _state(db)
        _log_anew(db)
        if not self.state.intact:
            structlog.get_logger().error("ledger.damaged", rows=self.state.rows)
        if not self.state.heads:
            self._adopt(db, at)
        self._db = db
        if self._notary is not None:
            self.write(self._introduction(db, self._notary, at), at, seal=True)

    def write(self, lines: Sequence[Line], at: int, *, seal: bool = False) -> None:
        """Make rows durable, with a head over them if one is due or asked for.

        Raises `TransientError` when the store cannot take them; then none are written.
        """
        db = self._opened(at)
        state, statement = _appended(self.state, lines)
        is_due = state.unsigned_rows >= self._pace.rows_max or seal
        head = self._head(state, at) if is_due and self._notary else None
        try:
            if head is None:
                db.commit_one(*statement)
            else:
                with db.transaction() as tx:
                    tx.execute(*statement)
                    tx.execute("INSERT INTO ledger_head VALUES (?,?,?,?)", _row(*head))
        except BaseException:
            # Whether it was written or not is asked when the next rows come.
            self.close()
            raise
        self.state = state
        if head is not None:
            _log(*head)
            self.state = replace(state, heads=head[0].number, signed_rows=state.rows, signed_at=at)

    def close(self) -> None:
        """Let go of the store; the next row opens it again."""
        if self._db is not None:
            self._db.close()
            self._db = None

    def _opened(self, at: int) -> Database:
        if self._db is None:
            self.open(at)
        if self._db is None:  # pragma: no cover - `open` has set it, or raised
            raise RuntimeError
        return self._db

    def _head(self, state: State, at: int) -> tuple[Head, str]:
        if self._notary is None:
            raise RuntimeError
        pace = self._pace
        number, digest = state.heads + 1, state.hash.hex()
        head = Head(number, state.rows, digest, at, pace.rows_max, pace.seconds_max)
        return head, self._notary.seal(head_to_json(head))

    def _introduction(self, db: Database, notary: Notary, at: int) -> list[Line]:
        """Return the row that names a key before it signs its first head; none if it has."""
        if db.row(_OWN_ROW, (OURSELVES, KEY_INTRODUCED, notary.kid)):
            return []
        key = (notary.kid, notary.public_key())
        db.commit_one("INSERT OR REPLACE INTO ledger_key VALUES (?,?)", key)
        return [_own(at, KEY_INTRODUCED, notary.kid)]

    def _adopt(self, db: Database, at: int) -> None:
        """Bind rows that were written without hashes, and write down that this was done."""
        (last,) = db.row("SELECT coalesce(max(number), 0) FROM ledger") or (0,)
        while self.state.rows < last:
            rows = db.rows(_UNBOUND, (self.state.rows, ADOPTED_AT_ONCE))
            hashes = links(self.state.hash, map(line_of, rows))
            state = replace(self.state, rows=rows[-1][0], hash=hashes[-HASH_BYTES:])
            with db.transaction() as tx:
                tx.execute(_BIND, (hashes, rows[0][0], rows[-1][0]))
                if state.rows == last:
                    state, statement = _appended(state, [_own(at, ADOPTED, str(last))])
                    tx.execute(*statement)
                    structlog.get_logger().warning(ADOPTED, rows=last)
            self.state = state


def _state(db: Database) -> State:
    rows, digest = db.row(_LAST_BOUND) or (0, GENESIS)
    head = db.row("SELECT number, rows, at, seal FROM ledger_head ORDER BY number DESC LIMIT 1")
    if head is None:
        return State(rows, digest)
    number, signed_rows, signed_at, seal = head
    found = db.row("SELECT hash FROM ledger WHERE number = ?", (signed_rows,)) or (GENESIS,)
    intact = signed_rows <= rows and found[0] == _hash_in(seal)
    return State(rows, digest, number, signed_rows, signed_at, intact)


def _hash_in(seal: str) -> bytes:
    """Return the hash that a head names, whoever signed it; empty where it is none."""
    payload = seal.split(".")[1] if seal.count(".") == SEAL_DOTS else ""
    try:
        return bytes.fromhex(head_from_json(urlsafe_b64decode(payload + "==")).hash)
    except ValueError:
        return b""


def _appended(state: State, lines: Sequence[Line]) -> tuple[State, tuple[str, tuple[bytes, str]]]:
    """Return the state after some rows, and the statement that writes them."""
    first = state.rows + 1
    contents = [line_of((first + place, *line)) for place, line in enumerate(lines)]
    hashes = links(state.hash, contents)
    array = (b"[" + b",".join(contents) + b"]").decode()
    last = hashes[-HASH_BYTES:] or state.hash
    return replace(state, rows=state.rows + len(lines), hash=last), (_INSERT, (hashes, array))


def _own(at: int, action: str, subject: str) -> Line:
    return at, OURSELVES, "", "", action, subject, ""


def _row(head: Head, seal: str) -> tuple[int, int, int, str]:
    return head.number, head.rows, head.at, seal


def _log_anew(db: Database) -> None:
    """Log the last head once more: whoever is killed may have stored it and not logged it."""
    row = db.row("SELECT seal FROM ledger_head ORDER BY number DESC LIMIT 1")
    if row is None or row[0].count(".") != SEAL_DOTS:
        return
    with suppress(ValueError):
        _log(head_from_json(urlsafe_b64decode(row[0].split(".")[1] + "==")), row[0])


def _log(head: Head, seal: str) -> None:
    """Log a head in the flattened form of RFC 7515, 7.2.2: compact tokens never reach a log."""
    protected, payload, signature = seal.split(".")
    structlog.get_logger().info(
        "ledger.signed",
        rows=head.rows,
        hash=head.hash,
        protected=protected,
        payload=payload,
        signature=signature,
    )
