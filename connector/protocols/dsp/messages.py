"""What the messages of the Dataspace Protocol are called on the wire, and where they go."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from connector.agreement import model as agreement
from connector.agreement.model import ContractOffer, ContractRequest
from connector.agreement.states import NegotiationMessage
from connector.transfer import model as transfer
from connector.transfer.states import TransferMessage

CONTEXT = "https://w3id.org/dspace/2025/1/context.jsonld"
VERSION = "2025-1"
BASE_PATH = "/dsp/2025-1"
WELL_KNOWN = "/.well-known/dspace-version"

NegotiationKind = (
    type[agreement.ContractRequest]
    | type[agreement.ContractOffer]
    | type[agreement.Acceptance]
    | type[agreement.ContractAgreement]
    | type[agreement.Verification]
    | type[agreement.Finalization]
    | type[agreement.Termination]
)
TransferKind = (
    type[transfer.TransferRequest]
    | type[transfer.TransferStart]
    | type[transfer.TransferSuspension]
    | type[transfer.TransferCompletion]
    | type[transfer.TransferTermination]
)
ProcessContent = agreement.NegotiationContent | transfer.TransferContent

KINDS: Mapping[str, NegotiationKind | TransferKind] = {
    NegotiationMessage.REQUEST: agreement.ContractRequest,
    NegotiationMessage.OFFER: agreement.ContractOffer,
    NegotiationMessage.ACCEPTANCE: agreement.Acceptance,
    NegotiationMessage.AGREEMENT: agreement.ContractAgreement,
    NegotiationMessage.VERIFICATION: agreement.Verification,
    NegotiationMessage.FINALIZATION: agreement.Finalization,
    NegotiationMessage.TERMINATION: agreement.Termination,
    TransferMessage.REQUEST: transfer.TransferRequest,
    TransferMessage.START: transfer.TransferStart,
    TransferMessage.SUSPENSION: transfer.TransferSuspension,
    TransferMessage.COMPLETION: transfer.TransferCompletion,
    TransferMessage.TERMINATION: transfer.TransferTermination,
}

# Below the receiver's base, by its id of the process (2025-1, HTTPS bindings).
_PATHS: Mapping[str, str] = {
    NegotiationMessage.REQUEST: "/negotiations/{pid}/request",
    NegotiationMessage.OFFER: "/negotiations/{pid}/offers",
    NegotiationMessage.ACCEPTANCE: "/negotiations/{pid}/events",
    NegotiationMessage.AGREEMENT: "/negotiations/{pid}/agreement",
    NegotiationMessage.VERIFICATION: "/negotiations/{pid}/agreement/verification",
    NegotiationMessage.FINALIZATION: "/negotiations/{pid}/events",
    NegotiationMessage.TERMINATION: "/negotiations/{pid}/termination",
    TransferMessage.START: "/transfers/{pid}/start",
    TransferMessage.SUSPENSION: "/transfers/{pid}/suspension",
    TransferMessage.COMPLETION: "/transfers/{pid}/completion",
    TransferMessage.TERMINATION: "/transfers/{pid}/termination",
}
_SAFE_IN_PATH = ":@!$&'()*+,;=~"


def path_to(content: ProcessContent, peer_pid: str) -> str:
    """Return where a message goes below the receiver's base address."""
    if isinstance(content, ContractRequest) and not peer_pid:
        return "/negotiations/request"
    if isinstance(content, ContractOffer) and not peer_pid:
        return "/negotiations/offers"
    if isinstance(content, transfer.TransferRequest):
        return "/transfers/request"
    return _PATHS[content.message].format(pid=in_path(peer_pid))


def in_path(identifier: str) -> str:
    """Return an identifier as one segment of a path."""
    return quote(identifier, safe=_SAFE_IN_PATH)


def wire_type(message: str) -> str:
    """Return the ``@type`` of a message; the two events share one."""
    return message.partition(":")[0]
