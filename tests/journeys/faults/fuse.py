"""A fuse: kills its own process at the n-th occurrence of a named moment.

The moments are those that a connector tells its probe. A transaction is named after the door
that it belongs to: ``taking.committing`` lies in the middle of a batch, ``taking.committed``
between durable and acknowledged, ``leaving`` between commit and send, and ``sent`` between
send and the record of it. Whatever the event loop commits is ``exchange``.
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import threading
from dataclasses import dataclass, field
from pathlib import Path

DOORS = frozenset({"taking", "derivation", "registration", "publication"})
TRANSACTION = frozenset({"committing", "committed"})


@dataclass
class Fuse:
    """What a test hands in as the probe of a connector; ``notes`` is where its last word goes."""

    moment: str
    nth: int
    notes: Path
    store: Path
    _seen: int = 0
    _thread: threading.local = field(default_factory=threading.local)

    def __call__(self, name: str) -> None:
        """Take note of a moment, and blow if it is the one."""
        if name in DOORS:
            self._thread.door = name
        door = getattr(self._thread, "door", "exchange")
        if self.moment == (f"{door}.{name}" if name in TRANSACTION else name):
            self._seen += 1
            if self._seen == self.nth:
                self._blow()

    def _blow(self) -> None:
        said = {"moment": self.moment, "nth": self.nth, "in_transaction": self._is_locked()}
        self.notes.write_text(json.dumps(said), encoding="utf-8")
        os.kill(os.getpid(), signal.SIGKILL)

    def _is_locked(self) -> bool:
        """Whether somebody, that is we, has a transaction open that writes."""
        other = sqlite3.connect(self.store, timeout=0, isolation_level=None)
        try:
            other.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return True
        other.execute("ROLLBACK")
        return False
