"""One message of every kind, in the forms in which we write it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from connector.agreement.model import (
    Acceptance,
    Agreement,
    ContractAgreement,
    ContractOffer,
    ContractRequest,
    Finalization,
    Offer,
    Termination,
    Verification,
)
from connector.agreement.states import NegotiationMessage
from connector.identifiers import Did
from connector.offer.model import Policy
from connector.offer.writing import usage_policy
from connector.protocols.dsp.messages import ProcessContent
from connector.protocols.dsp.reading import negotiation_from_wire, transfer_from_wire
from connector.transfer.model import (
    DataAddress,
    TransferCompletion,
    TransferRequest,
    TransferStart,
    TransferSuspension,
    TransferTermination,
)
from connector.transfer.states import TransferMessage

POLICY = usage_policy(Policy("traceability"))
OFFER = Offer("urn:o1", "urn:d1", POLICY)
SIGNED = Agreement(
    "urn:a1",
    "urn:d1",
    Did("did:web:supplier.test"),
    Did("did:web:oem.test"),
    POLICY,
    datetime(2026, 11, 22, 12, 0, 0, 123000, tzinfo=UTC),
)
PIDS: dict[str, Any] = {"consumer_pid": "urn:c1", "provider_pid": "urn:p1"}
BOTH = {"consumerPid": "urn:c1", "providerPid": "urn:p1"}
CONTENTS: list[ProcessContent] = [
    ContractRequest(consumer_pid="urn:c1", offer=OFFER, callback_address="https://c.example"),
    ContractRequest(**PIDS, offer=OFFER),
    ContractOffer(provider_pid="urn:p1", offer=OFFER, callback_address="https://p.example"),
    ContractOffer(**PIDS, offer=OFFER),
    Acceptance(**PIDS),
    ContractAgreement(**PIDS, agreement=SIGNED),
    Verification(**PIDS),
    Finalization(**PIDS),
    Termination(**PIDS, code="no", reasons=("one", "two")),
    TransferRequest(
        consumer_pid="urn:c1",
        agreement_id="urn:a1",
        format="HttpData-PULL",
        callback_address="https://c.example",
    ),
    TransferStart(**PIDS, address=DataAddress("https://p.example/api", "secret", 300)),
    TransferStart(**PIDS),
    TransferSuspension(**PIDS, reasons=("pause",)),
    TransferCompletion(**PIDS),
    TransferTermination(**PIDS),
]


def read_back(raw: bytes, content: ProcessContent) -> ProcessContent:
    """Return what a message says, read as one of the kind that ``content`` is of."""
    if isinstance(content.message, NegotiationMessage):
        return negotiation_from_wire(raw, content.message)
    return transfer_from_wire(raw, TransferMessage(content.message))
