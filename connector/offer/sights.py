"""Works out once per partner what it may see, and keeps that until something changes."""

from __future__ import annotations

from datetime import datetime

from connector.identifiers import Bpnl
from connector.offer import table
from connector.offer.datasets import Shelf
from connector.offer.model import OfferRule
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
        self._second = 0
        self._rules: tuple[OfferRule, ...] = ()
        self._sights: dict[Bpnl, Sight] = {}

    def of(self, bpnl: Bpnl, now: datetime) -> Sight:
        """Return what a partner may see now."""
        self.refresh(now)
        return self.seen(bpnl)

    def seen(self, bpnl: Bpnl) -> Sight:
        """Return what a partner may see as of the last `refresh`."""
        sight = self._sights.get(bpnl)
        if sight is None:
            sight = sight_of(bpnl, self._rules, self._audiences)
            self._sights[bpnl] = sight
        return sight

    def refresh(self, now: datetime) -> None:
        """Read the audiences that are new; they are only ever added.

        Policies begin and end by the second.
        """
        new = table.audiences(self._db, self._newest)
        second, rules = int(now.timestamp()), self._rules
        if second != self._second:
            self._second, rules = second, self._shelf.rules_in_force(now)
        if new or rules != self._rules or len(self._sights) > PARTNERS_MAX:
            self._audiences |= new
            self._newest = max(self._audiences, default=0)
            self._rules = rules
            self._sights.clear()
