"""Writes messages in the compact form that the schemas of DSP 2025-1 ask for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from connector.agreement import model as agreement
from connector.agreement.model import Agreement, Offer, Process
from connector.agreement.states import NegotiationMessage
from connector.protocols.dsp.messages import CONTEXT, ProcessContent, wire_type
from connector.protocols.jsonld import EDC
from connector.transfer import model as transfer
from connector.transfer.model import DataAddress

ENDPOINT_TYPE = "https://w3id.org/idsa/v4.1/HTTP"
# The refresh token grant profile of Tractus-X, under the names that its connectors use.
TX_AUTH = "https://w3id.org/tractusx/auth/"

Json = dict[str, object]

_EVENTS = {
    NegotiationMessage.ACCEPTANCE: "ACCEPTED",
    NegotiationMessage.FINALIZATION: "FINALIZED",
}


def to_wire(content: ProcessContent) -> Json:
    """Return a message as it goes out; what is empty is left out."""
    message: Json = {
        "@context": [CONTEXT],
        "@type": wire_type(content.message),
        "consumerPid": content.consumer_pid,
        "providerPid": content.provider_pid,
        **_particulars(content),
    }
    # With a callback address a process begins: its receiver has no id for it yet.
    return {key: value for key, value in message.items() if value not in ("", [], None)}


def acknowledgement(kind: str, process: Process[Any]) -> Json:
    """Return the state of a process: a ContractNegotiation or a TransferProcess."""
    return {
        "@context": [CONTEXT],
        "@type": kind,
        "providerPid": process.provider_pid,
        "consumerPid": process.consumer_pid,
        "state": process.state or "REQUESTED",
    }


def failure(kind: str, pids: Mapping[str, str], code: str, reasons: Sequence[str]) -> Json:
    """Return an error body: CatalogError, ContractNegotiationError or TransferError."""
    told = {"reason": list(reasons)} if reasons else {}
    return {"@context": [CONTEXT], "@type": kind, **pids, "code": code, **told}


def offer_to_wire(offer: Offer) -> Json:
    """Return an offer as a message carries it; in a catalog it has no target."""
    return {**offer.policy, "@id": offer.id, "@type": "Offer", "target": offer.dataset_id}


def _particulars(content: ProcessContent) -> Json:
    match content:
        case agreement.ContractRequest() | agreement.ContractOffer():
            offer = offer_to_wire(content.offer)
            found: Json = {"offer": offer, "callbackAddress": content.callback_address}
        case agreement.ContractAgreement(agreement=settled):
            found = {"agreement": _agreement(settled)}
        case agreement.Acceptance() | agreement.Finalization():
            found = {"eventType": _EVENTS[content.message]}
        case transfer.TransferRequest():
            found = {
                "agreementId": content.agreement_id,
                "format": content.format,
                "callbackAddress": content.callback_address,
            }
        case transfer.TransferStart(address=address):
            found = {"dataAddress": _data_address(address)} if address else {}
        case (
            agreement.Termination()
            | transfer.TransferTermination()
            | transfer.TransferSuspension()
        ):
            found = {"code": content.code, "reason": list(content.reasons)}
        case _:
            found = {}
    return found


def _agreement(settled: Agreement) -> Json:
    return {
        **settled.policy,
        "@id": settled.id,
        "@type": "Agreement",
        "target": settled.dataset_id,
        "assigner": settled.assigner,
        "assignee": settled.assignee,
        "timestamp": _time(settled.signed_at),
    }


def _data_address(address: DataAddress) -> Json:
    """Return a data address twice over: as the specification has it, and as EDC reads it."""
    properties = {
        f"{EDC}endpoint": address.endpoint,
        f"{EDC}endpointType": ENDPOINT_TYPE,
        f"{EDC}authorization": address.token,
        f"{EDC}authType": "bearer",
    }
    if address.expires_seconds is not None:
        properties[f"{TX_AUTH}expiresIn"] = str(address.expires_seconds)
    if address.refresh is not None:
        properties[f"{TX_AUTH}refreshToken"] = address.refresh.token
        properties[f"{TX_AUTH}refreshEndpoint"] = address.refresh.endpoint
        properties[f"{TX_AUTH}refreshAudience"] = address.refresh.audience
    return {
        "@type": "DataAddress",
        "endpointType": ENDPOINT_TYPE,
        "endpoint": address.endpoint,
        "endpointProperties": [
            {"@type": "EndpointProperty", "name": name, "value": value}
            for name, value in properties.items()
        ],
    }


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
