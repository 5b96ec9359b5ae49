"""Works out once per partner what it may see, and keeps that until something changes."""

from __future__ import annotations

from datetime import UTC, date, datetime

from connector.identifiers import Bpnl
from connector.offer import table
from connector.offer.datasets import Shelf
from connector.offer.visibility import Sight, sight_of
from connector.store.database import Database

PARTNERS_MAX = 10_000


class Sights:
    """The sight of each partner, on the rules of a shelf and the audiences in the store."""

    def __init__(self, db: Database, shelf: Shelf) -> None:
        self._db = db
        self._shelf = shelf
        self._audiences: dict[int, frozenset[str]] = {}
        self._newest = 0
        self._day: date | None = None
        self._sights: dict[Bpnl, Sight] = {}

    def of(self, bpnl: Bpnl, now: datetime) -> Sight:
        """Return what a partner may see now."""
        self._refresh(now)
        sight = self._sights.get(bpnl)
        if sight is None:
            sight = sight_of(bpnl, self._shelf.rules_in_force(now), self._audiences)
            self._sights[bpnl] = sight
        return sight

    def _refresh(self, now: datetime) -> None:
        """Read the audiences that are new; they are only ever added.

        Policies end with the day.
        """
        new = table.audiences(self._db, self._newest)
        today = now.astimezone(UTC).date()
        if new or today != self._day or len(self._sights) > PARTNERS_MAX:
            self._audiences |= new
            self._newest = max(self._audiences, default=0)
            self._day = today
            self._sights.clear()
