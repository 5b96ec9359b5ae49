"""Where a partner's data may lie: no message of its own sends us anywhere else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from connector.identifiers import Bpnl, Did
from connector.partner.model import Partner


class Vouching(Protocol):
    """The port to what partners say about themselves in their DID documents."""

    async def vouched_hosts(self, did: Did) -> frozenset[str]:
        """Return the hosts that a partner vouches for, in lower case."""
        ...


@dataclass(frozen=True, slots=True)
class Reach:
    """Hosts of partners: those of its DID document, and those that the address book allows.

    ``allowed`` holds the latter by legal entity, in lower case.
    """

    vouching: Vouching
    allowed: Mapping[Bpnl, frozenset[str]] = field(default_factory=dict)

    async def hosts_of(self, partner: Partner) -> frozenset[str]:
        """Return the hosts at which we ask for a partner's data.

        Raises as the resolution of its DID does.
        """
        vouched = await self.vouching.vouched_hosts(partner.did)
        return vouched | self.allowed.get(partner.bpnl, frozenset())
