"""Negotiations, agreements and what is said in a negotiation, as frozen values.

Messages are neutral: what they mean, not how they look on a wire. Each names its kind in
``message``, so that a door can look it up in its table of moves.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, Generic, TypeVar

from connector.agreement.states import NegotiationMessage, NegotiationState, Role
from connector.identifiers import Bpnl, Did
from connector.partner.model import Caller
from connector.transitions import State

Policy = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Offer:
    """A dataset under a policy, as one side puts it to the other.

    ``policy`` is the compact form of DSP 2025-1 without ``@id``, ``@type`` and ``target``;
    empty where the sender names the offer by its id alone.
    """

    id: str
    dataset_id: str
    policy: Policy = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Agreement:
    """What was settled: ``assigner`` (provider) lets ``assignee`` (consumer) use a dataset."""

    id: str
    dataset_id: str
    assigner: Did
    assignee: Did
    policy: Policy
    signed_at: datetime


@dataclass(frozen=True, slots=True)
class CatalogEntry:
    """A dataset in a partner's catalog: its offers, formats and further keys as on the wire."""

    dataset_id: str
    offers: tuple[Offer, ...]
    formats: tuple[str, ...] = ()
    properties: Mapping[str, object] = field(default_factory=dict)


class EndedBy(StrEnum):
    """Who terminated a process."""

    NOBODY = ""
    US = "us"
    PARTNER = "partner"


@dataclass(frozen=True, slots=True, kw_only=True)
class Process(Generic[State]):
    """One run of a state machine with one partner.

    ``state`` is what both sides know, None before the first message arrived. ``heading`` is
    the state that the message we owe leads to, None when nothing is owed; ``owing`` is that
    message's row in the outbox. ``url`` is where the partner's side of the process listens.
    ``updated_at`` is when it last changed: since when it waits, if nothing is owed.
    """

    pid: str
    role: Role
    partner: Did
    bpnl: Bpnl
    url: str
    dataset_id: str
    peer_pid: str = ""
    state: State | None = None
    heading: State | None = None
    owing: int | None = None
    reason: str = ""
    ended_by: EndedBy = EndedBy.NOBODY
    digest: bytes = b""
    updated_at: datetime | None = None

    @property
    def consumer_pid(self) -> str:
        """The consumer's id of this process; empty while it is unknown."""
        return self.pid if self.role is Role.CONSUMER else self.peer_pid

    @property
    def provider_pid(self) -> str:
        """The provider's id of this process; empty while it is unknown."""
        return self.pid if self.role is Role.PROVIDER else self.peer_pid

    @property
    def phase(self) -> str:
        """The state in one word for people: ``agreed``, or ``agreed, heading for verified``."""
        state = (self.state or "new").lower()
        return f"{state}, heading for {self.heading.lower()}" if self.heading else state


@dataclass(frozen=True, slots=True, kw_only=True)
class Negotiation(Process[NegotiationState]):
    """A contract negotiation about one offer."""

    offer: Offer
    agreement_id: str = ""


@dataclass(frozen=True, slots=True)
class Letter:
    """A message as it came in: who sent it, and its bytes."""

    caller: Caller
    raw: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What every message of a process carries; an id is empty where it is not known yet."""

    message: ClassVar[StrEnum]
    consumer_pid: str = ""
    provider_pid: str = ""

    def pid_of(self, role: Role) -> str:
        """Return the process id of one side."""
        return self.consumer_pid if role is Role.CONSUMER else self.provider_pid


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractRequest(Content):
    """The consumer asks for an offer: the first message, or a counter-offer."""

    message = NegotiationMessage.REQUEST
    offer: Offer
    callback_address: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractOffer(Content):
    """The provider makes an offer: the first message, or a counter-offer."""

    message = NegotiationMessage.OFFER
    offer: Offer
    callback_address: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance(Content):
    """The consumer accepts the provider's offer."""

    message = NegotiationMessage.ACCEPTANCE


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractAgreement(Content):
    """The provider signs."""

    message = NegotiationMessage.AGREEMENT
    agreement: Agreement


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification(Content):
    """The consumer confirms the agreement."""

    message = NegotiationMessage.VERIFICATION


@dataclass(frozen=True, slots=True, kw_only=True)
class Finalization(Content):
    """The provider makes the agreement valid."""

    message = NegotiationMessage.FINALIZATION


@dataclass(frozen=True, slots=True, kw_only=True)
class Termination(Content):
    """Either side ends the negotiation without an agreement."""

    message = NegotiationMessage.TERMINATION
    code: str = ""
    reasons: tuple[str, ...] = ()


NegotiationContent = (
    ContractRequest
    | ContractOffer
    | Acceptance
    | ContractAgreement
    | Verification
    | Finalization
    | Termination
)
ProcessT = TypeVar("ProcessT", bound=Process[Any])
