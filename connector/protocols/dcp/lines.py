"""The ways out to those who claim an identity: strangers have one of their own, and a narrow one.

Anybody can name a DID document that answers slowly, as often as they like. What waits for
strangers is bounded, and takes no connection from partners and trusted issuers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from connector.identifiers import Did
from connector.protocols.http import ClientLimits, GuardedClient

STRANGERS_CONNECTIONS_MAX = 20
STRANGERS_PER_HOST_MAX = 4
STRANGERS_REQUESTS_MAX = 100


@dataclass(frozen=True, slots=True)
class Lines:
    """Two clients, and who is called by which; close them in their event loop."""

    known: GuardedClient
    strangers: GuardedClient
    is_known: Callable[[Did], bool]

    @classmethod
    def laid(cls, limits: ClientLimits, is_known: Callable[[Did], bool]) -> Lines:
        """Return both, the strangers' within narrower limits."""
        narrow = replace(
            limits,
            connections_max=STRANGERS_CONNECTIONS_MAX,
            per_host_max=STRANGERS_PER_HOST_MAX,
            requests_max=STRANGERS_REQUESTS_MAX,
        )
        return cls(GuardedClient(limits), GuardedClient(narrow), is_known)

    @classmethod
    def one(cls, client: GuardedClient) -> Lines:
        """Return the same client for everybody."""
        return cls(client, client, lambda _: True)

    def to(self, did: Did) -> GuardedClient:
        """Return the client by which somebody is called."""
        return self.known if self.is_known(did) else self.strangers

    async def close(self) -> None:
        """Close both."""
        await self.known.close()
        await self.strangers.close()
