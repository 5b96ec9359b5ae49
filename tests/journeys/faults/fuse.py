"""A fuse: kills its own process at the n-th occurrence of a named moment.

The moments are those that a connector tells its probe. A transaction is named after the door
that it belongs to: ``taking.committing`` lies in the middle of a batch, and so does
``taking.halfway``, with other batches of the same document durable before it;
``taking.committed`` lies between durable and acknowledged, ``leaving`` between commit and
send, and ``sent`` between send and the record of it. Whatever the event loop commits is
``exchange``.
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import threading
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

DOORS = frozenset({"taking", "derivation", "registration", "publication"})
HALFWAY = "taking.halfway"
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
        moment = f"{door}.{name}" if name in TRANSACTION else name
        if self._is_meant(moment):
            self._seen += 1
            if self._seen == self.nth:
                self._blow()

    def _is_meant(self, moment: str) -> bool:
        if self.moment == HALFWAY:
            return moment == "taking.committing" and self._is_halfway()
        return self.moment == moment

    def _is_halfway(self) -> bool:
        """Whether some batches of a document are durable, and others not."""
        with closing(sqlite3.connect(self.store)) as other:
            halfway = "SELECT 1 FROM document WHERE state = 'reading' AND rows > 0"
            return other.execute(halfway).fetchone() is not None

    def _blow(self) -> None:
        said = {"moment": self.moment, "nth": self.nth, "in_transaction": self._is_locked()}
        self.notes.write_text(json.dumps(said), encoding="utf-8")
        os.kill(os.getpid(), signal.SIGKILL)

    def _is_locked(self) -> bool:
        """Whether somebody, that is we, has a transaction open that writes."""
        with closing(sqlite3.connect(self.store, timeout=0, isolation_level=None)) as other:
            try:
                other.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                return True
            return False
