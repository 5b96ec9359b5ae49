"""Writes the ledger: rows in order, each bound to all before it, and signed heads.

One connection writes, and its scribe knows the end of the chain by heart; after any failure
it reads it anew. Rows and the head over them are one transaction, so that a kill at any
moment leaves a chain that goes on where it ended, with fewer unsigned rows than the pace
allows. Writing and making durable are two steps: nothing may go out before the second.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import structlog

from connector.errors import TransientError
from connector.store.database import Database
from connector.store.turns import Turn
from connector.transfer.chain import (
    ADOPTED,
    GENESIS,
    KEY_INTRODUCED,
    OURSELVES,
    USUAL_PACE,
    Content,
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

# Rows of one statement: twice as quick as one by one. A hash has 32 bytes.
ROWS_AT_ONCE = 64
_ROW = "(?,?,?,?,?,?,?,?,?)"
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


Statement = tuple[str, Sequence[object]]


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
    """The one writer of the ledger of a store; for one thread at a time."""

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
        self._knows_end = False
        self._unlogged: list[tuple[Head, str]] = []
        self.state = State()

    @property
    def db(self) -> Database:
        """The connection that writes; who reads with it keeps to the event loop's thread."""
        if self._db is None:
            self._db = Database.open(self._path, turn=self._turn, syncs=False)
        return self._db

    @property
    def is_free(self) -> bool:
        """Whether `write` would wait for nobody."""
        return self._knows_end and self.db.is_free

    def open(self, at: int) -> None:
        """Learn where the ledger ends; bind rows of before it, and sign a first head."""
        if self._knows_end:
            return
        db = self.db
        self.state = _state(db)
        # A kill may have come between the head and its line in the log.
        self._unlogged += _newest_head(db)
        if not self.state.intact:
            structlog.get_logger().error("ledger.damaged", rows=self.state.rows)
        if not self.state.heads:
            self._adopt(db, at)
        self._knows_end = True
        if self._notary is not None:
            self.write(self._introduction(db, self._notary, at), at, seal=True)

    def write(self, lines: Sequence[Line], at: int, *, seal: bool = False) -> None:
        """Write rows, with a head over them if one is due or asked for; `sync` has to follow.

        Raises `TransientError` when the store cannot take them; then none are written.
        """
        self.open(at)
        db = self.db
        state, statements = _appended(self.state, lines)
        is_due = state.unsigned_rows >= self._pace.rows_max or seal
        head = self._head(state, at) if is_due and self._notary else None
        if head is not None:
            statements.append(("INSERT INTO ledger_head VALUES (?,?,?,?)", _row(*head)))
        try:
            _commit(db, statements)
        except BaseException:
            # Whether it was written or not is asked when the next rows come.
            self._knows_end = False
            raise
        self.state = state
        if head is not None:
            self._unlogged.append(head)
            self.state = replace(state, heads=head[0].number, signed_rows=state.rows, signed_at=at)

    def has_room(self, rows: int) -> bool:
        """Return whether so many rows go after the end that is known, with no head due yet."""
        return self._knows_end and self.state.unsigned_rows + rows < self._pace.rows_max

    def write_beside(self, tx: Database, lines: Sequence[Line]) -> None:
        """Write rows for which there is room in the transaction of another connection.

        If that is undone, `forget_end`.
        """
        state, statements = _appended(self.state, lines)
        for statement in statements:
            tx.execute(*statement)
        self.state = state

    def forget_end(self) -> None:
        """Look at the store for the end of the ledger when the next rows come."""
        self._knows_end = False

    def sync(self) -> None:
        """Make durable what was written, and log the heads among it; any thread may call it.

        Raises `TransientError` when the disk does not take it.
        """
        try:
            self.db.sync()
        except TransientError:
            self._knows_end = False
            raise
        heads, self._unlogged = self._unlogged, []
        for head in heads:
            _log(*head)

    def close(self) -> None:
        """Let go of the store; the next row opens it again."""
        self._knows_end = False
        if self._db is not None:
            self._db.close()
            self._db = None

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
            state = replace(self.state, rows=rows[-1][0], hash=hashes[-1])
            with db.transaction() as tx:
                tx.execute(_BIND, (b"".join(hashes), rows[0][0], rows[-1][0]))
                if state.rows == last:
                    state, statements = _appended(state, [_own(at, ADOPTED, str(last))])
                    tx.execute(*statements[0])
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


def _newest_head(db: Database) -> list[tuple[Head, str]]:
    row = db.row("SELECT seal FROM ledger_head ORDER BY number DESC LIMIT 1")
    head = _head_in(row[0]) if row else None
    return [(head, row[0])] if row and head else []


def _hash_in(seal: str) -> bytes:
    """Return the hash that a head names, whoever signed it; empty where it is none."""
    head = _head_in(seal)
    try:
        return bytes.fromhex(head.hash) if head else b""
    except ValueError:
        return b""


def _head_in(seal: str) -> Head | None:
    """Return the head that a seal claims, whoever signed it."""
    payload = seal.split(".")[1] if seal.count(".") == SEAL_DOTS else ""
    try:
        return head_from_json(urlsafe_b64decode(payload + "=="))
    except ValueError:
        return None


def _appended(state: State, lines: Sequence[Line]) -> tuple[State, list[Statement]]:
    """Return the state after some rows, and the statements that write them."""
    rows = [(number, *line) for number, line in enumerate(lines, state.rows + 1)]
    hashes = links(state.hash, map(line_of, rows))
    statements = [
        _inserting(rows[first : first + ROWS_AT_ONCE], hashes[first : first + ROWS_AT_ONCE])
        for first in range(0, len(rows), ROWS_AT_ONCE)
    ]
    last = hashes[-1] if hashes else state.hash
    return replace(state, rows=state.rows + len(rows), hash=last), statements


def _inserting(rows: Sequence[Content], hashes: Sequence[bytes]) -> Statement:
    sql = f"INSERT INTO ledger VALUES {','.join([_ROW] * len(rows))}"  # noqa: S608 - only marks
    return sql, [
        value for row, digest in zip(rows, hashes, strict=True) for value in (*row, digest)
    ]


def _commit(db: Database, statements: Sequence[Statement]) -> None:
    """Run statements together, or none of them."""
    if len(statements) == 1:
        db.commit_one(*statements[0])
        return
    with db.transaction() as tx:
        for statement in statements:
            tx.execute(*statement)


def _own(at: int, action: str, subject: str) -> Line:
    return at, OURSELVES, "", "", action, subject, ""


def _row(head: Head, seal: str) -> tuple[int, int, int, str]:
    return head.number, head.rows, head.at, seal


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
