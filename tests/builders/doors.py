"""The doors of negotiation and transfer of one company, without a network around them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from connector.agreement.limits import ExchangeLimits
from connector.agreement.model import ContractRequest, Letter, Negotiation, Offer, Verification
from connector.agreement.negotiation import NegotiationDoor
from connector.agreement.process import Ports
from connector.agreement.reactions import NegotiationReactions, PromptNegotiation
from connector.offer.datasets import Shelf
from connector.offer.model import Dataset, OfferRule, Policy
from connector.partner.model import Partner
from connector.store import outbox
from connector.store.database import Database
from connector.store.outbox import Owed
from connector.store.receipt import Outcome, Receipt
from connector.transfer.delivery import DataSide, DeliveryDoor
from connector.transfer.fates import Fates
from connector.transfer.reactions import PromptTransfer, TransferReactions
from tests.builders.exchange import NOW
from tests.doubles.party import OEM, SERIAL_PART, SUPPLIER, caller

CALLBACK = "https://oem.example/dsp/2025-1"
OURS = "https://puebla.example/dsp/2025-1"


@dataclass
class Doors:
    """What `who` has; the clock stands until a test moves it."""

    folder: Path
    who: Partner = SUPPLIER
    negotiation_reactions: NegotiationReactions = field(default_factory=PromptNegotiation)
    transfer_reactions: TransferReactions = field(default_factory=PromptTransfer)
    now: datetime = NOW
    limits: ExchangeLimits = field(default_factory=ExchangeLimits)
    policies: Sequence[Policy] = (Policy("traceability"),)
    changed: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.db = Database.open(self.folder / f"{self.who.name}.db")
        rule = OfferRule("all", (OEM.bpnl,), "traceability")
        self.shelf = Shelf((rule,), self.policies, lambda: (SERIAL_PART,), "puebla")
        clock = lambda: self.now  # noqa: E731
        ports = Ports(self.db, self.who.did, OURS, clock, self.changed.append, self.limits)
        self.negotiation = NegotiationDoor(ports, self.shelf, self.negotiation_reactions)
        side = DataSide("https://puebla.example", 300)
        self.delivery = DeliveryDoor(ports, self.shelf, self.transfer_reactions, side)
        self.fates = Fates(self.negotiation, self.delivery)

    @property
    def dataset(self) -> Dataset:
        return self.shelf.registry()

    @property
    def offer(self) -> Offer:
        """The registry's offer as the catalog shows it."""
        return Offer(self.dataset.offer_id, self.dataset.id, self.dataset.policy)

    def owed(self) -> Sequence[Owed]:
        return outbox.due(self.db, self.now, 100)

    def messages(self) -> list[tuple[str, dict[str, Any]]]:
        """What is owed now: the kind of message and what it says."""
        rows = self.db.rows("SELECT message, body FROM outbox WHERE state = 'owed' ORDER BY id")
        return [(message, orjson.loads(body)) for message, body in rows]

    def deliver(self, peer_pid: str = "", under_way: Sequence[Owed] | None = None) -> None:
        """Let everything that is owed arrive, or what was under way already."""
        for owed in self.owed() if under_way is None else under_way:
            with self.db.transaction() as tx:
                outbox.settle(tx, owed, self.now)
                receipt = Receipt(Outcome.ACCEPTED, peer_pid)
                self.fates.settled(tx, owed, receipt, self.now)

    def refuse(self, reason: str = "no") -> None:
        """Let the partner refuse everything that is owed."""
        for owed in self.owed():
            with self.db.transaction() as tx:
                outbox.park(tx, owed, self.now, reason)
                self.fates.refused(tx, owed, reason, self.now)

    def asked(self, consumer_pid: str = "urn:c1", **changed: Any) -> Negotiation:
        """Let the OEM ask for the registry."""
        request = ContractRequest(
            consumer_pid=consumer_pid, offer=self.offer, callback_address=CALLBACK
        )
        request = replace(request, **changed)
        return self.negotiation.receive_request(letter(request), request)

    def finalized(self) -> str:
        """Let the OEM have an agreement for the registry; return its id."""
        process = self.asked()
        self.deliver()
        said = Verification(consumer_pid="urn:c1", provider_pid=process.pid)
        self.negotiation.receive(letter(said), process.pid, said)
        self.deliver()
        found = self.negotiation.table.find(self.db, process.pid)
        assert found is not None
        return found.agreement_id

    def later(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def letter(content: object, who: Partner = OEM) -> Letter:
    """A message as it would come in from a partner."""
    return Letter(caller(who), orjson.dumps(content))
