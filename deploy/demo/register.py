"""What the demo's authority remembers: its members, what it issued to them, what it withdrew.

Several processes may use one register at a time: the one that serves, and one that withdraws.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from connector.identifiers import Bpnl, Did

REGISTER = "register.db"
_TABLES = """
CREATE TABLE IF NOT EXISTS member (did TEXT PRIMARY KEY, bpnl TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS issued (
    place INTEGER PRIMARY KEY AUTOINCREMENT,
    holder TEXT NOT NULL,
    type TEXT NOT NULL,
    withdrawn INTEGER NOT NULL DEFAULT 0
) STRICT;
"""


class Register:
    """The register in ``folder``; it is made when there is none yet."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / REGISTER

    def admit(self, holder: Did, bpnl: Bpnl) -> None:
        """Take in a member, or give it another number."""
        with self._open() as db:
            db.execute("INSERT OR REPLACE INTO member VALUES (?, ?)", (holder, bpnl))

    def expel(self, holder: Did) -> None:
        """Forget a member; what was issued to it stays as it is."""
        with self._open() as db:
            db.execute("DELETE FROM member WHERE did = ?", (holder,))

    def bpnl_of(self, holder: Did) -> Bpnl | None:
        """Return the number of a member, and nothing of a stranger."""
        with self._open() as db:
            row = db.execute("SELECT bpnl FROM member WHERE did = ?", (holder,)).fetchone()
        return None if row is None else Bpnl.parse(row[0])

    def note(self, holder: Did, kind: str) -> int:
        """Note a credential that is being issued; return its place in the status list."""
        with self._open() as db:
            (place,) = db.execute(
                "INSERT INTO issued (holder, type) VALUES (?, ?) RETURNING place", (holder, kind)
            ).fetchone()
        return int(place)

    def withdraw(self, holder: Did, kind: str | None = None) -> int:
        """Withdraw what was issued to a holder, of one type or all; return how many."""
        with self._open() as db:
            done = db.execute(
                "UPDATE issued SET withdrawn = 1"
                " WHERE holder = ? AND withdrawn = 0 AND type = coalesce(?, type)",
                (holder, kind),
            )
        return done.rowcount

    def withdrawn(self) -> frozenset[int]:
        """Return the places whose credentials do not count any more."""
        with self._open() as db:
            rows = db.execute("SELECT place FROM issued WHERE withdrawn").fetchall()
        return frozenset(place for (place,) in rows)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self._file, timeout=10)) as db:
            db.executescript(_TABLES)
            with db:
                yield db
