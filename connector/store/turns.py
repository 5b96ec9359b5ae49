"""Whose turn it is to write, among the threads of one process.

SQLite lets one writer in, and lets the others ask again after naps of up to a tenth of a
second: far too long for a message that a partner waits for. Here who waits is woken at
once, and who is in a hurry goes before who is patient.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from types import TracebackType

from connector.store.upkeep import Upkeep

COURTESY_SECONDS = 1.0


class Turns:
    """The order of writers; hand one `Turn` to each connection."""

    def __init__(self) -> None:
        """Begin with nobody writing."""
        self.upkeep = Upkeep()
        self._changed = threading.Condition()
        self._is_taken = False
        self._hurried = 0
        self._hurried_at = float("-inf")

    def hurried(self) -> Turn:
        """Return the turn of a connection for which somebody outside waits."""
        return Turn(self, is_hurried=True)

    def patient(self) -> Turn:
        """Return the turn of a connection that has much to do and may wait."""
        return Turn(self, is_hurried=False)

    def is_crowded(self) -> bool:
        """Return whether somebody in a hurry has written a moment ago: keep turns short."""
        return time.monotonic() - self._hurried_at < COURTESY_SECONDS

    @property
    def is_taken(self) -> bool:
        """Whether somebody is writing; a moment later that may be otherwise."""
        return self._is_taken

    def begin(self, *, is_hurried: bool) -> None:
        """Wait until it is the caller's turn."""
        with self._changed:
            self._hurried += is_hurried
            while self._is_taken or (self._hurried and not is_hurried):
                self._changed.wait()
            self._hurried -= is_hurried
            self._is_taken = True
            if is_hurried:
                self._hurried_at = time.monotonic()

    def end(self) -> None:
        """Give the turn back."""
        with self._changed:
            self._is_taken = False
            self._changed.notify_all()


@dataclass(frozen=True, slots=True)
class Turn:
    """One connection's way to take its turn, around every transaction."""

    turns: Turns
    is_hurried: bool

    def __enter__(self) -> None:
        """Wait for the turn."""
        self.turns.begin(is_hurried=self.is_hurried)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give it back, however the transaction ended."""
        self.turns.end()
