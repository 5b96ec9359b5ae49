"""A supplier's plant with two customers and a stranger: twins, offers, tokens, and doors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import orjson
from starlette.applications import Starlette

from connector.aspect.table import NewAspect, identity_to_json, insert_aspects
from connector.identifiers import Bpnl, Did, IdentityKey, SemanticId, TwinType
from connector.offer.datasets import Shelf
from connector.offer.model import Dataset, OfferRule, Policy
from connector.offer.publication import DOOR, Publication
from connector.offer.sights import Sights
from connector.partner.model import (
    PROOF_HEADER,
    Caller,
    HolderProofs,
    Standing,
    UnprovenHolderError,
    VerifiedCredential,
)
from connector.partner.rates import Rates, Share
from connector.pipeline import EVENTS
from connector.protocols.aas.inbound import Registry
from connector.protocols.dataplane.inbound import DataPlane
from connector.store import journal
from connector.store.database import Database
from connector.store.journal import millis
from connector.transfer.access import Access, check_access
from connector.transfer.gate import Gate
from connector.transfer.ledger import Ledger
from connector.transfer.scribe import Scribe
from connector.transfer.standing import Vigil, attested
from connector.transfer.table import keep_standing
from connector.transfer.verdicts import Verdicts
from connector.twin.identity import ShellIds, derive_id
from connector.twin.reading import TwinReader
from connector.twin.registration import Registration
from tests.doubles.asgi import Reply, call

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SECRET = b"s" * 32
PUBLIC_URL = "https://puebla.example"

SUPPLIER = Bpnl("BPNL00000000PUE1")
OEM = Bpnl("BPNL00000000OEM1")
NEIGHBOUR = Bpnl("BPNL00000000VEC1")
STRANGER = Bpnl("BPNL00000000EXT1")

SERIAL = SemanticId("urn:samm:io.catenax.serial_part:3.0.0#SerialPart")
SERIAL_4 = SemanticId("urn:samm:io.catenax.serial_part:4.0.0#SerialPart")
PART_TYPE = SemanticId("urn:samm:io.catenax.part_type_information:2.0.0#PartTypeInformation")
PCF = SemanticId("urn:samm:io.catenax.pcf:9.0.0#Pcf")

TRACEABILITY = Policy("traceability")
FOOTPRINT = Policy("footprint", purposes=("cx.pcf.base:1",))
RULES = (
    OfferRule("oem", (OEM,), "traceability", (SERIAL, SERIAL_4, PART_TYPE), ("A-*",)),
    OfferRule("oem footprints", (OEM,), "footprint", (PCF,), ("A-*",)),
    OfferRule("neighbour", (NEIGHBOUR,), "traceability", (), ("B-*",)),
)


def did_of(bpnl: Bpnl) -> Did:
    """Return the identifier under which a legal entity calls."""
    return Did(f"did:web:{bpnl.lower()}.example")


def credential(kind: str, bpnl: Bpnl, **subject: object) -> VerifiedCredential:
    """Return a verified credential that is valid for another year."""
    subject = {"holderIdentifier": bpnl} | subject
    return VerifiedCredential(kind, subject, "did:web:authority", NOW + timedelta(days=365))


def caller(bpnl: Bpnl, *credentials: VerifiedCredential) -> Caller:
    """Return a caller with the given credentials, by default all three of Catena-X."""
    held = credentials or (
        credential("MembershipCredential", bpnl),
        credential("BpnCredential", bpnl, bpn=bpnl),
        credential("DataExchangeGovernanceCredential", bpnl, contractVersion="1.0"),
    )
    return Caller(did_of(bpnl), bpnl, held, NOW + timedelta(minutes=1))


@dataclass
class PlayedProofs:
    """Proofs that name the holder and the token, and that anybody could write."""

    us: Did | None = None
    trouble: Exception | None = None
    audiences: set[Did] = field(default_factory=set)

    @staticmethod
    def of(holder: Did, token_digest: bytes) -> str:
        return f"{holder} {token_digest.hex()}"

    async def check(self, proof: str, token_digest: bytes, holder: Did) -> None:
        if self.trouble is not None:
            raise self.trouble
        if proof != self.of(holder, token_digest):
            raise UnprovenHolderError("connector.protocols.dcp:proof_of_other_token", who=holder)

    async def proof_for(self, audience: Did, token: str) -> str:
        self.audiences.add(audience)
        return self.of(self.us or audience, sha256(token.encode()).digest())


@dataclass(frozen=True)
class Part:
    """One asset to be made: its aspects, and further specific asset ids."""

    part: str
    serial: str = ""
    aspects: Sequence[SemanticId] = (SERIAL,)
    asset_ids: Sequence[tuple[str, str]] = ()
    instance_name: str = "partInstanceId"
    owner: str | None = None

    @property
    def key(self) -> IdentityKey:
        """The identity of the asset."""
        if not self.serial:
            return IdentityKey(TwinType.PART_TYPE, SUPPLIER, self.part)
        kind = TwinType.PART_INSTANCE
        return IdentityKey(kind, SUPPLIER, self.part, self.instance_name, self.serial)

    @property
    def id(self) -> str:
        """Its global asset id."""
        return derive_id(SECRET, self.key)


@dataclass
class Plant:
    """The supplier's connector from twin to data, without a network around it."""

    db: Database
    rules: Sequence[OfferRule] = RULES
    now: datetime = NOW
    proofs: HolderProofs | None = field(default_factory=PlayedProofs)
    standing: Standing | None = None
    publication: Publication = field(init=False)

    def __post_init__(self) -> None:
        self.twins = TwinReader(self.db, ShellIds(SECRET))
        self.registration = Registration()
        self.ledger = Ledger(Scribe(self.db.path), self.clock)
        self.rates = Rates(Share(1_000.0, 1_000), self._seconds)
        self.set_rules(*self.rules)

    def _seconds(self) -> float:
        return self.now.timestamp()

    def clock(self) -> datetime:
        """Return the time that the test has set."""
        return self.now

    def set_rules(self, *rules: OfferRule, policies: Sequence[Policy] = ()) -> None:
        """Start the connector anew with other rules; nothing is published again yet."""
        policies = policies or (TRACEABILITY, FOOTPRINT)
        self.publication = Publication(rules)
        self.shelf = Shelf(rules, policies, self.twins.semantic_ids, "puebla")
        self.vigil = Vigil(self.standing, self.clock)
        self.verdicts = Verdicts(self.db, self.shelf, self.clock, self.vigil)
        gate = Gate(self.verdicts, Sights(self.db, self.shelf), self.clock, self.proofs)
        registry = Registry(gate, self.twins, self.shelf, self.ledger, self.rates, PUBLIC_URL)
        self.plane = DataPlane(gate, self.twins, self.ledger, self.rates)
        self.app = Starlette(routes=[*registry.routes(), *self.plane.routes()])

    def make(self, *parts: Part) -> None:
        """Derive the aspects of parts, register their twins and publish them."""
        new = [
            NewAspect(0, semantic_id, _identity(part), part.id, payload)
            for part in parts
            for semantic_id in part.aspects
            for payload in [value_of(part, semantic_id)]
        ]
        with self.db.transaction() as tx:
            journal.append(tx, "aspect.derived", self.now, rows=insert_aspects(tx, new))
        while work := journal.next_work(self.db, "registration", ("aspect.derived",), 10_000):
            self.registration.register_twins(self.db, work, self.now)
        self.publish()

    def publish(self) -> None:
        """Open the door of publication until nothing is before it."""
        while work := journal.next_work(self.db, DOOR, EVENTS[DOOR], 10_000):
            self.publication.publish_offers(self.db, work, self.now)

    def dataset(self, semantic_id: SemanticId, policy: str = "traceability") -> Dataset:
        """Return the dataset of an aspect."""
        return self.shelf.submodels(semantic_id, policy)

    def grant(self, bpnl: Bpnl, dataset: Dataset | None = None, name: str = "") -> str:
        """Give a partner a token for a dataset, by default the registry."""
        dataset = dataset or self.shelf.registry()
        token = name or f"token-of-{bpnl}-for-{dataset.id}"
        pid, did, at = f"urn:uuid:{token}", did_of(bpnl), millis(self.now)
        with self.db.transaction() as tx:
            tx.execute(
                "INSERT INTO transfer (pid, role, partner, bpnl, url, dataset, state, digest,"
                " created_at, updated_at, agreement, format, endpoint)"
                " VALUES (?,'provider',?,?,'',?,'STARTED',x'',?,?,?,'HttpData-PULL','')",
                (pid, did, bpnl, dataset.id, at, at, f"agreement {token}"),
            )
            tx.execute(
                "INSERT INTO agreement (role, partner, id, negotiation, dataset, assigner,"
                " assignee, policy, signed_at) VALUES ('provider',?,?,'',?,'','',?,?)",
                (did, f"agreement {token}", dataset.id, orjson.dumps(dataset.policy), at),
            )
            keep_standing(tx, pid, attested(caller(bpnl)).credentials)
            tx.execute(
                "INSERT INTO access_token VALUES (?,?,?,?,?,?,?,NULL)",
                (
                    sha256(token.encode()).digest(),
                    pid,
                    f"agreement {token}",
                    dataset.id,
                    did,
                    bpnl,
                    at + 300_000,
                ),
            )
        return token

    def bind_to_holders(self) -> None:
        """Let all tokens so far open only with a proof that their holders send them."""
        self.db.execute("UPDATE transfer SET holder_bound = 1")

    def proof(self, token: str, bpnl: Bpnl) -> dict[str, str]:
        """Return the header by which a partner proves that it uses the token."""
        digest = sha256(token.encode()).digest()
        return {PROOF_HEADER: PlayedProofs.of(did_of(bpnl), digest)}

    def access(self, token: str) -> Access:
        """Return whose token it is."""
        return check_access(self.db, token, self.now)

    async def get(self, token: str, path: str, **headers: str) -> Reply:
        """Ask as the holder of a token."""
        return await call(self.app, "GET", path, headers={"Authorization": token} | headers)

    async def search(
        self, token: str, *links: tuple[str, str], query: str = "", **more: str
    ) -> Reply:
        """Look shells up by specific asset ids."""
        body = orjson.dumps([{"name": name, "value": value} for name, value in links])
        path = f"/api/v3/lookup/shellsByAssetLink{query}"
        headers = {"Authorization": token} | more
        return await call(self.app, "POST", path, headers=headers, body=body)

    def reads(self) -> list[tuple[str, str, str]]:
        """Return what the ledger holds: partner, action, subject."""
        return self.db.rows(
            "SELECT partner, action, subject FROM ledger WHERE partner <> '' ORDER BY number"
        )


def value_of(part: Part, semantic_id: SemanticId) -> bytes:
    """Return the payload that the plant gives an aspect of a part."""
    return orjson.dumps({"catenaXId": part.id, "aspect": semantic_id})


def _identity(part: Part) -> bytes:
    return identity_to_json(part.key, part.asset_ids, part.owner)
