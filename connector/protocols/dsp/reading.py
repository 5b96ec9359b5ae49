"""Reads messages of partners into what they mean; lenient in shape, strict in substance."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from connector.agreement import model as agreement
from connector.agreement.model import (
    Agreement,
    ContractOffer,
    ContractRequest,
    NegotiationContent,
    Offer,
)
from connector.agreement.states import NegotiationMessage
from connector.errors import PartnerError
from connector.identifiers import Did
from connector.protocols.dsp.messages import wire_type
from connector.protocols.jsonld import compacted, parsed, short, text_of
from connector.transfer import model as transfer
from connector.transfer.model import (
    DataAddress,
    RefreshTerms,
    TransferContent,
    TransferRequest,
)
from connector.transfer.states import TransferMessage

ID_CHARACTERS_MAX = 500
REASONS_MAX = 20
# Values in one policy. The whole Catena-X profile, every operand used once, is about 100.
POLICY_VALUES_MAX = 2000
EXPIRES_SECONDS_MAX = 30 * 24 * 3600
REFRESH_CHARACTERS_MAX = 8 * 1024

Json = Mapping[str, Any]

# What an offer or agreement says beside its policy.
_FRAME = frozenset(
    {*("@id", "@type", "@context", "target", "assigner", "assignee", "timestamp")}
    | {"callbackAddress", "constraints"}
)


def request_from_wire(raw: bytes) -> ContractRequest:
    """Return a consumer's request; raises `PartnerError` when it is none."""
    node = _node(raw, NegotiationMessage.REQUEST)
    return _request(node, _pids(node))


def offer_from_wire(raw: bytes) -> ContractOffer:
    """Return a provider's offer; raises `PartnerError` when it is none."""
    node = _node(raw, NegotiationMessage.OFFER)
    return _contract_offer(node, _pids(node))


def transfer_request_from_wire(raw: bytes) -> TransferRequest:
    """Return a consumer's request for access; raises `PartnerError` when it is none."""
    node = _node(raw, TransferMessage.REQUEST)
    return _transfer_request(node, _pids(node))


def negotiation_from_wire(raw: bytes, expected: NegotiationMessage) -> NegotiationContent:
    """Return what a message of a negotiation says, which should be of one type.

    For either event, the other one is taken as well. Raises `PartnerError` when the message
    is of another type, or lacks what it must say.
    """
    node = _node(raw, expected)
    message = expected
    if expected in _EVENTS.values():
        event = _EVENTS.get(str(node.get("eventType", "")))
        if event is None:
            raise PartnerError("connector.protocols.dsp:value_missing", name="eventType")
        message = event
    return _NEGOTIATION[message](node, _pids(node))


def transfer_from_wire(raw: bytes, expected: TransferMessage) -> TransferContent:
    """Return what a message of a transfer says; raises as `negotiation_from_wire` does."""
    node = _node(raw, expected)
    return _TRANSFER[expected](node, _pids(node))


def pid_from_answer(raw: bytes, name: str) -> str:
    """Return a process id from an answer's body, or an empty text if it names none."""
    try:
        return _identifier(compacted(parsed(raw)), name)
    except PartnerError:
        return ""


def state_from_answer(raw: bytes) -> str:
    """Return the state that an answer names, or an empty text if it names none."""
    try:
        return short(text_of(compacted(parsed(raw)).get("state")))[:ID_CHARACTERS_MAX]
    except PartnerError:
        return ""


def reasons_from_answer(raw: bytes) -> str:
    """Return what an error body says, as one line; empty if it says nothing readable."""
    try:
        node = compacted(parsed(raw))
    except PartnerError:
        return ""
    told = [str(node["code"])] if node.get("code") else []
    told += _reasons(node)
    return "; ".join(told)


def policy_of(node: Json) -> dict[str, Any]:
    """Return the policy of an offer or agreement without what frames it.

    Raises `PartnerError` when it is larger than anybody would agree to.
    """
    policy = {key: value for key, value in node.items() if key not in _FRAME}
    values: list[object] = [policy]
    # It grows while it is walked: the nearest values come first.
    for one in values:
        if isinstance(one, dict):
            values += one.values()
        elif isinstance(one, list):
            values += one
        if len(values) > POLICY_VALUES_MAX:
            raise PartnerError("connector.protocols.dsp:policy_too_large", limit=POLICY_VALUES_MAX)
    return policy


def _node(raw: bytes, expected: str) -> Json:
    node = compacted(parsed(raw))
    found, wanted = node.get("@type", ""), wire_type(expected)
    if found != wanted:
        raise PartnerError("connector.protocols.dsp:type_unexpected", found=found, wanted=wanted)
    return node


def _pids(node: Json) -> dict[str, str]:
    return {
        "consumer_pid": _identifier(node, "consumerPid"),
        "provider_pid": _identifier(node, "providerPid"),
    }


def _identifier(node: Json, name: str) -> str:
    text = text_of(node.get(name))
    if len(text) > ID_CHARACTERS_MAX:
        raise PartnerError("connector.protocols.dsp:value_too_long", name=name)
    return text


def _required(node: Json, name: str) -> str:
    text = _identifier(node, name)
    if not text:
        raise PartnerError("connector.protocols.dsp:value_missing", name=name)
    return text


def _object(node: Json, name: str) -> Json:
    found = node.get(name)
    if not isinstance(found, dict):
        raise PartnerError("connector.protocols.dsp:value_missing", name=name)
    return found


def _offer(node: Json) -> Offer:
    offer = _object(node, "offer")
    dataset_id = _required(offer, "target")
    return Offer(_required(offer, "@id"), dataset_id, policy_of(offer))


def _request(node: Json, pids: dict[str, str]) -> ContractRequest:
    callback = _identifier(node, "callbackAddress")
    return ContractRequest(**pids, offer=_offer(node), callback_address=callback)


def _contract_offer(node: Json, pids: dict[str, str]) -> ContractOffer:
    callback = _identifier(node, "callbackAddress")
    return ContractOffer(**pids, offer=_offer(node), callback_address=callback)


def _contract_agreement(node: Json, pids: dict[str, str]) -> NegotiationContent:
    found = _object(node, "agreement")
    settled = Agreement(
        id=_required(found, "@id"),
        dataset_id=_required(found, "target"),
        assigner=Did(_required(found, "assigner")),
        assignee=Did(_required(found, "assignee")),
        policy=policy_of(found),
        signed_at=_time(found),
    )
    return agreement.ContractAgreement(**pids, agreement=settled)


def _termination(node: Json, pids: dict[str, str]) -> NegotiationContent:
    return agreement.Termination(**pids, code=_code(node), reasons=_reasons(node))


def _transfer_request(node: Json, pids: dict[str, str]) -> TransferRequest:
    return TransferRequest(
        **pids,
        agreement_id=_required(node, "agreementId"),
        format=_required(node, "format"),
        callback_address=_identifier(node, "callbackAddress"),
    )


def _start(node: Json, pids: dict[str, str]) -> TransferContent:
    # Whoever resumes may leave the address out; what stands there must be one.
    is_given = node.get("dataAddress") is not None
    address = _data_address(_object(node, "dataAddress")) if is_given else None
    return transfer.TransferStart(**pids, address=address)


def _suspension(node: Json, pids: dict[str, str]) -> TransferContent:
    return transfer.TransferSuspension(**pids, code=_code(node), reasons=_reasons(node))


def _transfer_termination(node: Json, pids: dict[str, str]) -> TransferContent:
    return transfer.TransferTermination(**pids, code=_code(node), reasons=_reasons(node))


def _data_address(node: Json) -> DataAddress:
    """Read endpoint and token wherever peers put them: EDC's names, short ones, top level."""
    properties = {
        str(short(one.get("name", ""))): str(one.get("value", ""))
        for one in node.get("endpointProperties", ())
        if isinstance(one, dict)
    }
    return DataAddress(
        endpoint=properties.get("endpoint") or str(node.get("endpoint", "")),
        token=properties.get("authorization") or str(node.get("authorization", "")),
        expires_seconds=_seconds(_ending(properties, "expiresIn")),
        refresh=_refresh(properties),
    )


def _refresh(properties: Mapping[str, str]) -> RefreshTerms | None:
    """Read how the token is renewed, under the names of Tractus-X with any prefix."""
    token, endpoint, audience = (
        _ending(properties, f"refresh{one}") for one in ("Token", "Endpoint", "Audience")
    )
    # Without them we ask for another transfer; cut off they would mean something else.
    is_long = max(len(token), len(endpoint), len(audience)) > REFRESH_CHARACTERS_MAX
    return None if is_long or not token else RefreshTerms(token, endpoint, audience)


def _ending(properties: Mapping[str, str], name: str) -> str:
    found = (value for key, value in properties.items() if key.endswith(name))
    return next(found, "")


def _seconds(text: str) -> int | None:
    is_number = text.isascii() and text.isdigit() and len(text) <= len(str(EXPIRES_SECONDS_MAX))
    return min(int(text), EXPIRES_SECONDS_MAX) if is_number else None


def _code(node: Json) -> str:
    return _identifier(node, "code")


def _reasons(node: Json) -> tuple[str, ...]:
    told = node.get("reason", ())[:REASONS_MAX]
    return tuple(text for reason in told if (text := _reason(reason)))


def _reason(reason: object) -> str:
    if isinstance(reason, dict):
        reason = reason.get("@value") or reason.get("message") or reason.get("@id") or ""
    return str(reason)[:ID_CHARACTERS_MAX]


def _time(node: Json) -> datetime:
    """Return when an agreement was signed; the schema lets a provider leave it out."""
    try:
        found = datetime.fromisoformat(str(node.get("timestamp", "")))
    except ValueError:
        return datetime.fromtimestamp(0, tz=UTC)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


_EVENTS = {
    "ACCEPTED": NegotiationMessage.ACCEPTANCE,
    "FINALIZED": NegotiationMessage.FINALIZATION,
}
_NEGOTIATION: Mapping[str, Callable[[Json, dict[str, str]], NegotiationContent]] = {
    NegotiationMessage.REQUEST: _request,
    NegotiationMessage.OFFER: _contract_offer,
    NegotiationMessage.ACCEPTANCE: lambda _, pids: agreement.Acceptance(**pids),
    NegotiationMessage.AGREEMENT: _contract_agreement,
    NegotiationMessage.VERIFICATION: lambda _, pids: agreement.Verification(**pids),
    NegotiationMessage.FINALIZATION: lambda _, pids: agreement.Finalization(**pids),
    NegotiationMessage.TERMINATION: _termination,
}
_TRANSFER: Mapping[str, Callable[[Json, dict[str, str]], TransferContent]] = {
    TransferMessage.REQUEST: _transfer_request,
    TransferMessage.START: _start,
    TransferMessage.SUSPENSION: _suspension,
    TransferMessage.COMPLETION: lambda _, pids: transfer.TransferCompletion(**pids),
    TransferMessage.TERMINATION: _transfer_termination,
}
