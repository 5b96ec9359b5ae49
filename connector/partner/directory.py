"""Which legal entity has which identifier, as a directory of the data space says.

The last good listing is kept in the store, so that partners are found while the directory is
away; its age is said wherever it is used. It introduces nobody: a partner's own credentials
attest its number, and where they say another one the partner is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from connector.identifiers import Bpnl, Did
from connector.partner import table
from connector.partner.book import AddressBook
from connector.store.database import Database


@dataclass(frozen=True, slots=True)
class Contradiction:
    """A partner to whom the address book gives another DID than the directory does."""

    name: str
    bpnl: Bpnl
    ours: Did
    listed: Did


class Directory:
    """The listing of one directory, in memory and in the store."""

    def __init__(self, db: Database, source: str, clock: Callable[[], datetime]) -> None:
        """Take up what was read from ``source`` before, if anything was."""
        self.source = source
        self._db = db
        self._clock = clock
        self._read_at: datetime | None
        self._dids: Mapping[Bpnl, Did]
        self._read_at, self._dids = table.last_listing(db, source) or (None, {})

    def did_of(self, bpnl: Bpnl) -> Did | None:
        """Return the DID that the directory lists for a legal entity."""
        return self._dids.get(bpnl)

    def age(self) -> timedelta | None:
        """Return how long ago the listing was read; None if it never was."""
        return None if self._read_at is None else self._clock() - self._read_at

    def __len__(self) -> int:
        """Return how many legal entities are listed."""
        return len(self._dids)

    def keep(self, dids: Mapping[Bpnl, Did]) -> None:
        """Take a new listing, in memory and in the store."""
        now = self._clock()
        with self._db.transaction() as tx:
            table.keep_listing(tx, self.source, dids, now)
        self._read_at, self._dids = now, dids

    def contradictions(self, book: AddressBook) -> tuple[Contradiction, ...]:
        """Return where the address book, which wins, says otherwise."""
        found = []
        for partner in book.partners:
            listed = self.did_of(partner.bpnl)
            # Of several connectors of one legal entity the directory lists one.
            if listed and listed not in {one.did for one in book.all_of(partner.bpnl)}:
                found.append(Contradiction(partner.name, partner.bpnl, partner.did, listed))
        return tuple(found)
