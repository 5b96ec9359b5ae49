"""What is examined: a connector that runs, or what lies in its folder when none does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from connector.collection.model import Visit
from connector.daemon.listings import Listings
from connector.identifiers import Did
from connector.offer.datasets import Shelf
from connector.partner.book import AddressBook
from connector.partner.model import Identity
from connector.protocols.dcp.did import DidDocument
from connector.protocols.dcp.identity import DcpIdentity
from connector.protocols.dcp.resolver import DidResolver, Freshness
from connector.protocols.dsp.discovery import VersionDirectory
from connector.protocols.dsp.outbound import CatalogClient
from connector.protocols.http import ClientLimits, GuardedClient
from connector.settings.values import Settings
from connector.store.database import Database


@dataclass(frozen=True, slots=True)
class Patient:
    """A connector's parts, as far as they are there.

    ``identity`` is missing where a test hands in another proof; ``visit`` and ``shelf`` are
    there only while it runs.
    """

    settings: Settings
    db: Database
    book: AddressBook
    identity: Identity
    listings: Listings | None
    clock: Callable[[], datetime]
    visit: Visit | None = None
    shelf: Shelf | None = None

    @property
    def running(self) -> bool:
        """Whether a connector runs that partners can call back."""
        return self.visit is not None

    @property
    def dcp(self) -> DcpIdentity | None:
        """The identity, if it is the product's own."""
        return self.identity if isinstance(self.identity, DcpIdentity) else None


class Eyes:
    """What is looked with: connections and lookups of this examination alone, nothing kept.

    For one event loop; close it there.
    """

    def __init__(self, patient: Patient, limits: ClientLimits) -> None:
        self.limits = limits
        self.client = GuardedClient(limits)
        allow_http = patient.settings.development.allow_http
        self.resolver = DidResolver(
            self.client,
            patient.clock,
            allow_http=allow_http,
            freshness=Freshness(kept=timedelta(minutes=1)),
        )
        self.whereabouts = Fresh(self.resolver)
        self.versions = VersionDirectory(self.client, self.whereabouts)
        self.catalog = CatalogClient(
            self.client, patient.identity, self.whereabouts, self.versions
        )

    async def close(self) -> None:
        """Let go of connections."""
        await self.client.close()


@dataclass(frozen=True, slots=True)
class Fresh:
    """What DID documents say, as they are now."""

    resolver: DidResolver

    async def endpoints(self, did: Did, kind: str) -> tuple[str, ...]:
        """Return the URLs of all services of that type, without trailing slash."""
        document = await self.resolver.document(did)
        return endpoints_of(document, kind)

    async def vouched_hosts(self, did: Did) -> frozenset[str]:
        """Return the hosts that a partner's DID document vouches for."""
        return (await self.resolver.document(did)).hosts()


def endpoints_of(document: DidDocument, kind: str) -> tuple[str, ...]:
    """Return the URLs of one kind of service in a document, without trailing slash."""
    return tuple(one.url.rstrip("/") for one in document.endpoints if one.type == kind)
