"""Puts together what renews access tokens, in both roles."""

from __future__ import annotations

from dataclasses import dataclass, field

from starlette.routing import BaseRoute

from connector.identifiers import Did
from connector.partner.book import AddressBook
from connector.partner.model import Renewals
from connector.partner.rates import Rates
from connector.partner.reach import Reach
from connector.protocols.dataplane.outbound import RefreshClient
from connector.protocols.dataplane.refreshing import RefreshPlane
from connector.protocols.http import GuardedClient
from connector.transfer.delivery import DeliveryDoor
from connector.transfer.refresh_desk import RefreshDesk
from connector.transfer.refresher import Refresher
from connector.transfer.tally import Tally


@dataclass(frozen=True, slots=True)
class Renewing:
    """What renews tokens; nothing without ``renewals``. ``tally`` counts what came of it."""

    renewals: Renewals | None
    reach: Reach
    book: AddressBook
    client: GuardedClient
    tally: Tally = field(default_factory=Tally)

    def routes(self, desk: RefreshDesk, rates: Rates) -> list[BaseRoute]:
        """Return where partners renew the tokens that we gave them."""
        if self.renewals is None:
            return []
        return RefreshPlane(desk, self.renewals, rates, self.tally).routes()

    def refresher(self, delivery: DeliveryDoor) -> Refresher | None:
        """Return what renews the tokens that we were given."""
        if self.renewals is None:
            return None
        source = RefreshClient(self.client, self.renewals, self._hosts)
        return Refresher(delivery.ports, source, self.tally)

    async def _hosts(self, did: Did) -> frozenset[str]:
        """Return where a partner's tokens may be renewed: where its data may lie."""
        known = self.book.by_did(did)
        if known is None:
            return await self.reach.vouching.vouched_hosts(did)
        return await self.reach.hosts_of(known)
