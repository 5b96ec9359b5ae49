"""Builds a connector out of its settings: every concrete class is chosen here.

Tests get in by the arguments of `build`, and by nothing else (design, rule 15): another
proof of identity, other reactions, further routes, a probe.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Protocol

from starlette.routing import BaseRoute, Router
from starlette.types import ASGIApp

from connector import pipeline
from connector.agreement.negotiation import NegotiationDoor
from connector.agreement.process import Ports
from connector.agreement.reactions import NegotiationReactions, PromptNegotiation
from connector.aspect.derivation import Workshop, derive_aspects
from connector.aspect.library import ModelLibrary, shipped_folder
from connector.collection.rounds import Rounds
from connector.daemon.doorway import Public
from connector.daemon.entrance import Entrance
from connector.daemon.feeds import (
    FeedPlan,
    Sources,
    feed_sources,
    judges_of,
    plan_feeds,
    secret_of,
)
from connector.daemon.ground import Ground, walking_on
from connector.daemon.intake import IntakeThread
from connector.daemon.listings import Listings
from connector.daemon.proving import dcp_settings
from connector.daemon.renewing import Renewing
from connector.daemon.seating import BookSeating
from connector.daemon.serving import rates_of
from connector.daemon.walking import Walking
from connector.errors import SetupError, Severity
from connector.loops.sending import Line, Sender
from connector.loops.taking import Taking
from connector.offer.datasets import Shelf
from connector.offer.publication import Publication
from connector.partner.book import AddressBook
from connector.partner.directory import Directory
from connector.partner.model import HolderProofs, Identity, Renewals, Standing
from connector.partner.rates import RatedIdentity
from connector.partner.reach import Reach
from connector.pipeline import Door
from connector.protocols.aas.inbound import Registry
from connector.protocols.aas.outbound import PartnerVisit
from connector.protocols.bdrs.outbound import DirectoryClient
from connector.protocols.dataplane.inbound import DataPlane
from connector.protocols.dataplane.warm import WarmReads
from connector.protocols.dcp import inbound as dcp
from connector.protocols.dcp.credentials import MEMBERSHIP
from connector.protocols.dcp.identity import DcpIdentity
from connector.protocols.dsp import inbound as dsp
from connector.protocols.dsp.discovery import VersionDirectory, Whereabouts
from connector.protocols.dsp.messages import BASE_PATH
from connector.protocols.dsp.outbound import CatalogClient, DspSender
from connector.protocols.http import ClientLimits, GuardedClient
from connector.settings.values import Settings
from connector.store.database import Database
from connector.store.journal import Work
from connector.store.outbox import Owed
from connector.store.signals import Signals
from connector.store.turns import Turns
from connector.transfer.acquisition import Acquisition
from connector.transfer.addresses import DATA_PATH, REGISTRY_PATH
from connector.transfer.chain import Notary, Pace
from connector.transfer.delivery import DataSide, DeliveryDoor
from connector.transfer.fates import Fates
from connector.transfer.lapsing import Lapsing
from connector.transfer.ledger import Ledger
from connector.transfer.reactions import PromptTransfer, TransferReactions
from connector.transfer.scribe import Scribe
from connector.transfer.standing import Vigil
from connector.transfer.tally import Tally
from connector.transfer.watch import AccessWatch
from connector.twin.identity import ShellIds, TwinIdentities
from connector.twin.reading import TwinReader
from connector.twin.registration import Registration

STORE_NAME = "eslabon.db"
MODELS_NAME = "models"

Clock = Callable[[], datetime]


class Proof(Identity, Whereabouts, Protocol):
    """An identity that also knows what partners say about themselves."""

    async def close(self) -> None:
        """Let go of connections."""
        ...


@dataclass(frozen=True, slots=True)
class Trust:
    """How the connector proves itself and believes others, with the routes that this takes.

    Without ``holders`` access tokens are not bound to the partner that they were given to,
    without ``renewals`` they are not renewed, and without ``standing`` what was attested of
    a partner counts until it expires; without ``notary`` nobody signs the ledger.
    ``membership`` presents our membership to the directory of the data space.
    """

    proof: Proof
    routes: Sequence[BaseRoute] = ()
    holders: HolderProofs | None = None
    membership: Callable[[], str] | None = None
    standing: Standing | None = None
    notary: Notary | None = None
    renewals: Renewals | None = None


def _unwatched(_: str) -> None:
    """Take no notice."""


def utc_now() -> datetime:
    """Return the time of this machine, aware UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Parts:
    """What a caller of `build` may put in place of the usual.

    ``beside`` runs in the event loop of a connector that is up; when it ends, so does the
    connector.
    """

    trust: Trust | None = None
    negotiation: NegotiationReactions = field(default_factory=PromptNegotiation)
    transfer: TransferReactions = field(default_factory=PromptTransfer)
    routes: Sequence[BaseRoute] = ()
    clock: Clock = utc_now
    probe: Callable[[str], None] = _unwatched
    beside: Callable[[House], Coroutine[None, None, None]] | None = None


@dataclass(frozen=True, slots=True)
class House:
    """A connector, ready to run; everything in it belongs to the event loop but ``intake``."""

    settings: Settings
    db: Database
    library: ModelLibrary
    durable: Database
    intake: IntakeThread
    sender: Sender
    walking: Walking
    publication: Publication
    proof: Proof
    client: GuardedClient
    grants: Acquisition
    abroad: PartnerVisit
    ledger: Ledger
    listings: Listings | None
    watch: AccessWatch
    refreshes: Tally
    lapsing: Lapsing
    book: AddressBook
    shelf: Shelf
    public: Public
    clock: Clock


def build(settings: Settings, parts: Parts) -> House:
    """Put a connector together; raises `SetupError` for whatever cannot work."""
    store, turns, library = store_path(settings), Turns(), open_library(settings)
    db, durable = _gathering(store, parts.probe, turns), Database.open(store)
    directory = open_directory(settings, db, parts.clock)
    book = settings.address_book(directory)
    trust = parts.trust or dcp_trust(settings, book, parts.clock)
    client = GuardedClient(client_limits(settings))
    ledger = _ledger(settings, trust, turns, parts.clock, db)
    # What it has read stays known to the ledger's connection, which writes most of the time.
    reader, shelf = _shelf(settings, ledger.db)
    entrance = Entrance(db, shelf, parts.clock, _vigil(settings, trust, parts))
    signals = Signals(entrance.verdicts.forget)
    exchange = _Exchange(settings, parts, trust, client)
    doors, sender = exchange.doors(db, durable, shelf, signals)
    reach = Reach(trust.proof, settings.partner_hosts())
    renewing = Renewing(trust.renewals, reach, book, client)
    answering = _Answering(shelf, reader, doors, entrance, ledger, renewing)
    publication = Publication(settings.offer_rules())
    intake = _intake(settings, library, publication, parts, turns)
    grants = exchange.grants(doors, signals, renewing)
    abroad = PartnerVisit(client, grants, reach, trust.holders)
    rounds = Rounds(abroad, BookSeating(book, VersionDirectory(client, trust.proof)))
    return House(
        settings=settings,
        db=db,
        durable=durable,
        library=library,
        intake=intake,
        sender=sender,
        walking=walking_on(Ground(settings, db, library, book, parts.clock), rounds, intake.wake),
        publication=publication,
        proof=trust.proof,
        client=client,
        grants=grants,
        abroad=abroad,
        ledger=ledger,
        listings=open_listings(settings, trust, directory, book, client),
        watch=entrance.watch(doors[1]),
        refreshes=renewing.tally,
        lapsing=Lapsing(*doors),
        book=book,
        shelf=shelf,
        public=answering.public(settings, parts, trust),
        clock=parts.clock,
    )


def _shelf(settings: Settings, db: Database) -> tuple[TwinReader, Shelf]:
    reader = TwinReader(db, ShellIds(secret_of(settings.twin.secret_file)))
    return reader, Shelf(
        settings.offer_rules(),
        settings.policies().values(),
        reader.semantic_ids,
        settings.did,
        settings.partner_groups(),
    )


def _vigil(settings: Settings, trust: Trust, parts: Parts) -> Vigil:
    return Vigil(trust.standing, parts.clock, settings.limits.standing_seconds)


def _intake(
    settings: Settings, library: ModelLibrary, publication: Publication, parts: Parts, turns: Turns
) -> IntakeThread:
    watched = Watch(parts.clock, parts.probe, turns.is_crowded)
    taking = open_taking(settings, library, publication, watched)
    store = store_path(settings)
    return IntakeThread(partial(Database.open, store, parts.probe, turns.patient()), taking)


def _gathering(store: Path, probe: Callable[[str], None], turns: Turns) -> Database:
    """Open the event loop's connection, whose changes of one turn are one commit."""
    db = Database.open(store, probe, turns.hurried())
    db.gather(asyncio.get_running_loop().call_soon)
    return db


def store_path(settings: Settings) -> Path:
    """Return the file of the store, its folder made."""
    settings.connector.data.mkdir(parents=True, exist_ok=True)
    return settings.connector.data / STORE_NAME


def open_library(settings: Settings) -> ModelLibrary:
    """Return the aspect models: the user's own first, then those that come with the program."""
    cache = settings.connector.data / MODELS_NAME
    return ModelLibrary([*settings.model_folders, shipped_folder()], cache)


def planned(settings: Settings) -> list[FeedPlan]:
    """Return the feeds; raise `SetupError` for the first mapping that is wrong."""
    plans, findings = plan_feeds(settings)
    errors = [finding for finding in findings if finding.severity is Severity.ERROR]
    if errors:
        where = errors[0].where
        raise SetupError(
            "daemon:mapping_wrong",
            count=len(errors),
            first=errors[0].text(settings.connector.language or "en").what,
            file=where.source,
            line=where.row,
        )
    return plans


def open_workshop(
    settings: Settings, library: ModelLibrary, plans: Sequence[FeedPlan]
) -> Workshop:
    """Return what derivation works with; ids are looked up on the connection that asks."""
    secret = secret_of(settings.twin.secret_file)
    known: dict[int, TwinIdentities] = {}

    def identities(db: Database) -> TwinIdentities:
        if id(db) not in known:
            known[id(db)] = TwinIdentities(db, secret)
        return known[id(db)]

    sources = Sources(plans, settings.connector.bpnl, library)
    return Workshop(sources, library.get, identities, judges_of(plans, library))


@dataclass(frozen=True, slots=True)
class Watch:
    """What intake looks at while it works: the time, the tests' probe, and who else writes."""

    clock: Clock = utc_now
    probe: Callable[[str], None] = _unwatched
    is_crowded: Callable[[], bool] = lambda: False


def open_taking(
    settings: Settings, library: ModelLibrary, publication: Publication, watch: Watch
) -> Taking:
    """Return the intake loop with all feeds and the doors behind them, each door watched."""
    plans = planned(settings)
    workshop = open_workshop(settings, library, plans)
    doors = pipeline.provide(
        lambda db, work, now: derive_aspects(db, work, workshop, now),
        Registration().register_twins,
        publication.publish_offers,
    )
    watched = [_watched(door, watch.probe) for door in doors]
    sources = feed_sources(settings, plans)
    return Taking(sources, watched, watch.clock, watch.probe, watch.is_crowded)


def _watched(door: Door, probe: Callable[[str], None]) -> Door:
    """Return a door that tells the probe its name when it is opened."""

    def opening(db: Database, work: Work, now: datetime) -> None:
        probe(door.name)
        door.opening(db, work, now)

    return replace(door, opening=opening)


def dcp_trust(settings: Settings, book: AddressBook, clock: Clock) -> Trust:
    """Return the product's own identity; raises `SetupError` where its key cannot be read."""
    identity = DcpIdentity(dcp_settings(settings), book, clock)
    # Directories of the field take a presentation that is addressed to its own holder.
    membership = partial(identity.presentation, (MEMBERSHIP,), identity.did)
    return Trust(
        proof=identity,
        routes=dcp.routes(identity),
        holders=identity.holder_binding(),
        membership=membership,
        standing=identity.standing(),
        notary=identity.notary(),
        renewals=identity.renewals(),
    )


def open_directory(settings: Settings, db: Database, clock: Clock) -> Directory | None:
    """Return what the directory of the data space said so far; None where none is set."""
    url = settings.discovery.bdrs_url
    return Directory(db, url, clock) if url else None


def open_listings(
    settings: Settings,
    trust: Trust,
    directory: Directory | None,
    book: AddressBook,
    client: GuardedClient,
) -> Listings | None:
    """Return what keeps the directory's listing fresh; None where there is no directory."""
    if directory is None or trust.membership is None:
        return None
    asking = DirectoryClient(client, directory.source, trust.membership)
    return Listings(directory, asking, book, settings.discovery.bdrs_kept_seconds)


@dataclass(frozen=True, slots=True)
class _Answering:
    """What partners are answered from."""

    shelf: Shelf
    twins: TwinReader
    doors: tuple[NegotiationDoor, DeliveryDoor]
    entrance: Entrance
    ledger: Ledger
    renewing: Renewing

    def public(self, settings: Settings, parts: Parts, trust: Trust) -> Public:
        """Put the partners' side together: each request counts as its partner's, once."""
        url, rates = settings.public.url, rates_of(settings)
        asked = RatedIdentity(trust.proof, rates)
        desk = dsp.Desk(asked, trust.proof, *self.doors, self.shelf, url)
        gate = self.entrance.gate(trust.holders, self.ledger.db)
        registry = Registry(gate, self.twins, self.shelf, self.ledger, rates, url)
        values = DataPlane(gate, self.twins, self.ledger, rates)
        renewed = self.entrance.desk(self.doors[1], settings.limits.access_grant_seconds)
        refreshing = self.renewing.routes(renewed, rates)
        exchange = [*dsp.routes(desk), *trust.routes, *refreshing, *parts.routes]
        data: dict[str, ASGIApp] = {f"{DATA_PATH}/": values, f"{REGISTRY_PATH}/": registry}
        limits = settings.limits
        borne = (limits.public_requests_max, limits.request_body_seconds_max)
        return Public(Router(exchange), data, *borne, WarmReads(values))


def _ledger(settings: Settings, trust: Trust, turns: Turns, clock: Clock, db: Database) -> Ledger:
    pace = Pace(settings.ledger.head_rows_max, settings.ledger.head_seconds_max)
    scribe = Scribe(store_path(settings), turns.hurried(), trust.notary, pace)
    return Ledger(scribe, clock, pace.seconds_max, db)


def client_limits(settings: Settings) -> ClientLimits:
    """Return what the settings allow on the way out."""
    return ClientLimits(
        settings.development.allow_http,
        settings.development.allow_private_networks,
        settings.limits.partner_request_seconds_max,
    )


@dataclass(frozen=True, slots=True)
class _Exchange:
    """Puts together what negotiates and transfers, in both roles."""

    settings: Settings
    parts: Parts
    trust: Trust
    client: GuardedClient

    def doors(
        self, db: Database, durable: Database, shelf: Shelf, signals: Signals
    ) -> tuple[tuple[NegotiationDoor, DeliveryDoor], Sender]:
        settings, parts = self.settings, self.parts
        sending: list[Sender] = []

        def told(pid: str, failure: Exception | None) -> None:
            if failure is None:
                signals.notify(pid)

        def committed(pid: str) -> None:
            db.when_durable(partial(told, pid))

        def owed(message: Owed | None) -> None:
            sending[0].take(message)

        address = settings.public.url + BASE_PATH
        limits = settings.exchange_limits()
        ports = Ports(db, settings.did, address, parts.clock, committed, limits, owed)
        seconds, renews = int(settings.limits.access_grant_seconds), bool(self.trust.renewals)
        side = DataSide(settings.public.url, seconds, renews=renews)
        negotiation = NegotiationDoor(ports, shelf, parts.negotiation)
        delivery = DeliveryDoor(ports, shelf, parts.transfer, side)
        transport = DspSender(self.client, self.trust.proof, self.trust.proof)
        effects = Fates(negotiation, delivery)
        line = Line(db, durable, transport, effects, parts.clock, committed, parts.probe)
        sending.append(Sender(line))
        return (negotiation, delivery), sending[0]

    def grants(
        self,
        doors: tuple[NegotiationDoor, DeliveryDoor],
        signals: Signals,
        renewing: Renewing,
    ) -> Acquisition:
        proof = self.trust.proof
        directory = VersionDirectory(self.client, proof)
        catalog = CatalogClient(self.client, proof, proof, directory)
        accepted = self.settings.accepted_terms()
        restarts = self.settings.limits.exchange_restarts_max
        refresher = renewing.refresher(doors[1])
        return Acquisition(
            *(*doors, catalog, signals, accepted), restarts_max=restarts, refresher=refresher
        )
