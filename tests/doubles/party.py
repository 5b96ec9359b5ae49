"""One whole party of the exchange on loopback: real store, doors, wire and sender.

Only identity is played: a token is the sender's DID, and everybody's credentials are good.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import uvicorn
from starlette.applications import Starlette

from connector.agreement.negotiation import NegotiationDoor
from connector.agreement.process import Ports
from connector.agreement.reactions import NegotiationReactions, PromptNegotiation
from connector.errors import PartnerError
from connector.identifiers import Bpnl, Did, SemanticId
from connector.loops.sending import Line, Sender
from connector.offer.datasets import Shelf
from connector.offer.model import AcceptedTerms, OfferRule, Policy
from connector.partner.model import Caller, Partner, Renewal, VerifiedCredential
from connector.partner.rates import Rates, Share
from connector.protocols.dataplane.outbound import RefreshClient
from connector.protocols.dataplane.refreshing import RefreshPlane
from connector.protocols.dsp.discovery import VersionDirectory
from connector.protocols.dsp.inbound import Desk, routes
from connector.protocols.dsp.messages import BASE_PATH, WELL_KNOWN
from connector.protocols.dsp.outbound import CatalogClient, DspSender
from connector.protocols.http import ClientLimits, GuardedClient
from connector.store.database import Database
from connector.store.outbox import Owed
from connector.store.signals import Signals
from connector.transfer.acquisition import Acquisition
from connector.transfer.delivery import DataSide, DeliveryDoor
from connector.transfer.fates import Fates
from connector.transfer.reactions import PromptTransfer, TransferReactions
from connector.transfer.refresh_desk import RefreshDesk
from connector.transfer.refresher import Refresher
from connector.transfer.standing import Vigil

SERIAL_PART = SemanticId("urn:samm:io.catenax.serial_part:3.0.0#SerialPart")
SUPPLIER = Partner("supplier", Bpnl("BPNL00000000PUE1"), Did("did:web:supplier.test"))
OEM = Partner("oem", Bpnl("BPNL00000000OEM1"), Did("did:web:oem.test"))
STRANGER = Partner("stranger", Bpnl("BPNL00000000EXT1"), Did("did:web:stranger.test"))


def now() -> datetime:
    return datetime.now(UTC)


def caller(partner: Partner) -> Caller:
    """A partner with the three credentials of Catena-X."""
    until = now() + timedelta(days=365)
    subjects: dict[str, dict[str, object]] = {
        "MembershipCredential": {},
        "BpnCredential": {"bpn": partner.bpnl},
        "DataExchangeGovernanceCredential": {"contractVersion": "1.0"},
    }
    held = (
        VerifiedCredential(
            kind, {"holderIdentifier": partner.bpnl, **subject}, "did:web:authority.test", until
        )
        for kind, subject in subjects.items()
    )
    return Caller(partner.did, partner.bpnl, tuple(held), until)


@dataclass
class Town:
    """Everybody's DID documents and credentials; ports as they are known."""

    addresses: dict[Did, str] = field(default_factory=dict)
    callers: dict[Did, Caller] = field(
        default_factory=lambda: {p.did: caller(p) for p in (SUPPLIER, OEM, STRANGER)}
    )

    async def endpoints(self, did: Did, kind: str) -> tuple[str, ...]:
        assert kind == "DataService"
        return (self.addresses.get(did, "http://127.0.0.1:9") + WELL_KNOWN,)

    async def vouched_hosts(self, did: Did) -> frozenset[str]:
        return frozenset({"127.0.0.1"})


@dataclass
class PlayedIdentity:
    """Believes every token that names a known DID."""

    town: Town
    us: Did

    async def authenticate(self, authorization: str | None) -> Caller:
        did = (authorization or "").removeprefix("Bearer ")
        if did not in self.town.callers:
            raise PartnerError("connector:did_malformed", value=did)
        return self.town.callers[Did(did)]

    async def authorization_for(self, audience: Did) -> str:
        del audience
        return f"Bearer {self.us}"

    async def renewal(self, authorization: str | None) -> Renewal:
        did, _, token = (authorization or "").removeprefix("Bearer ").partition(" about ")
        return Renewal(Did(did), token, await self.authenticate(f"Bearer {did}"))

    async def renewal_authorization(self, provider: Did, audience: str, token: str) -> str:
        assert provider == audience
        return f"Bearer {self.us} about {token}"


@dataclass
class Habits:
    """What a test may do otherwise than the product does."""

    negotiation: NegotiationReactions = field(default_factory=PromptNegotiation)
    transfer: TransferReactions = field(default_factory=PromptTransfer)
    clock: Callable[[], datetime] = now
    probe: Callable[[str], None] = lambda _: None
    policy: Policy = field(default_factory=lambda: Policy("traceability"))
    token_seconds: int = 300


class Party:
    """A connector without data: what it offers is a registry and one aspect model."""

    def __init__(self, folder: Path, who: Partner, town: Town, habits: Habits) -> None:
        """Take the address that the town knows, as after a restart, or a new one."""
        self.who, self.town = who, town
        store = folder / f"{who.name}.db"
        self.db, self.durable = Database.open(store), Database.open(store)
        self.db.gather(asyncio.get_running_loop().call_soon)
        self.socket = _listening(int(town.addresses.get(who.did, ":0").rpartition(":")[2]))
        self.public_url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        town.addresses[who.did] = self.public_url
        self.signals = Signals()
        self.client = GuardedClient(ClientLimits(allow_http=True, allow_private_networks=True))
        self.identity = PlayedIdentity(town, who.did)
        rule = OfferRule("all", (OEM.bpnl,), habits.policy.name)
        self.shelf = Shelf((rule,), (habits.policy,), lambda: (SERIAL_PART,), who.name)
        ports = self._ports(habits)
        self.negotiation = NegotiationDoor(ports, self.shelf, habits.negotiation)
        side = DataSide(self.public_url, habits.token_seconds)
        self.delivery = DeliveryDoor(ports, self.shelf, habits.transfer, side)
        transport = DspSender(self.client, self.identity, town)
        fates = Fates(self.negotiation, self.delivery)
        stores, notify = (self.db, self.durable), self.signals.notify
        self.sender = Sender(Line(*stores, transport, fates, habits.clock, notify, habits.probe))
        self.directory = VersionDirectory(self.client, town)
        self.catalog = CatalogClient(self.client, self.identity, town, self.directory)
        self.acquisition = Acquisition(
            self.negotiation, self.delivery, self.catalog, self.signals, AcceptedTerms()
        )
        self._open(habits)

    def _open(self, habits: Habits) -> None:
        source = RefreshClient(self.client, self.identity, self.town.vouched_hosts)
        self.refresher = Refresher(self.delivery.ports, source)
        self.acquisition.refresher = self.refresher
        vigil = Vigil(None, habits.clock)
        self.refreshes = RefreshDesk(self.delivery, self.shelf, vigil, habits.token_seconds)
        self.desk = Desk(
            *(self.identity, self.town, self.negotiation, self.delivery),
            *(self.shelf, self.public_url),
        )

    def _ports(self, habits: Habits) -> Ports:
        ours = (self.db, self.who.did, self.public_url + BASE_PATH)
        return Ports(*ours, habits.clock, self._changed, owed=self._owed)

    def _changed(self, pid: str) -> None:
        def told(failure: Exception | None) -> None:
            if failure is None:
                self.signals.notify(pid)

        self.db.when_durable(told)

    def _owed(self, message: Owed | None) -> None:
        self.sender.take(message)

    def kill(self) -> None:
        """Die on the spot: from now on nothing is recorded, and every request fails."""
        self.db.close()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Party]:
        rates = Rates(Share(1_000.0, 1_000), time.monotonic)
        plane = RefreshPlane(self.refreshes, self.identity, rates, self.refresher.tally)
        app = Starlette(routes=[*routes(self.desk), *plane.routes()])
        config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off")
        server = uvicorn.Server(config)
        server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
        serving = asyncio.create_task(server._serve([self.socket]))
        sending = asyncio.create_task(self.sender.run())
        while not server.started:  # noqa: ASYNC110 - the server has no event for it
            await asyncio.sleep(0.001)
        try:
            yield self
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
            await self.client.close()
            # Not by the server's own clock, which looks ten times a second.
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)
            server.force_exit = True
            await server.shutdown([self.socket])
            self.durable.close()
            self.db.close()


@asynccontextmanager
async def two_parties(
    folder: Path, supplier: Habits | None = None, oem: Habits | None = None
) -> AsyncIterator[tuple[Party, Party]]:
    """A supplier that offers, and an OEM that it names in its policy."""
    town = Town()
    offering = Party(folder, SUPPLIER, town, supplier or Habits())
    asking = Party(folder, OEM, town, oem or Habits())
    async with offering.running(), asking.running():
        yield offering, asking


def _listening(port: int) -> socket.socket:
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind(("127.0.0.1", port))
    return listening
