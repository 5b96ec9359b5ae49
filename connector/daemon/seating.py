"""Knows the connectors of a partner: all entries of the address book, all their services."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

from connector.collection.rounds import Seats
from connector.errors import EslabonError, TransientError
from connector.partner.book import AddressBook
from connector.partner.model import Partner
from connector.protocols.dsp.discovery import VersionDirectory

CONNECTORS_MAX = 16


@dataclass(frozen=True, slots=True)
class BookSeating:
    """Connectors by address book and DID documents."""

    book: AddressBook
    directory: VersionDirectory

    async def seats(self, partner: Partner) -> Seats:
        """Return the connectors of the partner's legal entity, and why others are left out.

        Raises the trouble that weighs most where none is to be had.
        """
        entries = self.book.all_of(partner.bpnl) or (partner,)
        if len(entries) == 1 and len(await self.directory.roots(entries[0].did)) == 1:
            return Seats((entries[0],))
        found = await asyncio.gather(*(self._of(entry) for entry in entries[:CONNECTORS_MAX]))
        seats = [seat for one in found for seat in one.partners]
        troubles = [trouble for one in found for trouble in one.troubles]
        if not seats:
            passing = [error for _, error in troubles if isinstance(error, TransientError)]
            raise (*passing, *(error for _, error in troubles))[0]
        return Seats(tuple(seats[:CONNECTORS_MAX]), tuple(troubles))

    async def _of(self, entry: Partner) -> Seats:
        try:
            if len(await self.directory.roots(entry.did)) == 1:
                return Seats((entry,))
            found = await self.directory.connectors(entry.did)
        except EslabonError as trouble:
            return Seats((), ((entry.name, trouble),))
        troubles = tuple((entry.name, trouble) for trouble in found.troubles)
        return Seats(tuple(replace(entry, address=base) for base in found.base_urls), troubles)
