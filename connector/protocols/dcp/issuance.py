"""Issuance messages: deliveries, offers, requests, status and metadata; no I/O.

Source: Decentralized Claims Protocol 1.0, 6.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Literal, TypeVar

import msgspec
import orjson

from connector.errors import PartnerError
from connector.identifiers import Did
from connector.protocols.dcp.expanded import compacted, is_expanded
from connector.protocols.dcp.messages import CREDENTIALS_MAX, DCP_CONTEXT

ISSUANCE_BYTES_MAX = 1024 * 1024
DELIVERY = "CredentialMessage"
OFFER = "CredentialOfferMessage"
REQUEST = "CredentialRequestMessage"
STATUS = "CredentialStatus"
METADATA = "IssuerMetadata"
REJECTED = "REJECTED"
METADATA_BYTES_MAX = 256 * 1024
STATUS_BYTES_MAX = 64 * 1024
OFFERED_MAX = 500
JWT_FORMAT = "VC1_0_JWT"
JWT_PROFILE = "vc11-sl2021/jwt"
# One format under the names that issuers give it.
JWT_FORMATS = frozenset({JWT_FORMAT, JWT_PROFILE, "jwt", "jwt_vc", "vc+jwt", "application/vc+jwt"})

_Pid = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]


class DeliveredCredential(msgspec.Struct, frozen=True, rename="camel"):
    """One credential of a delivery, as it was sent."""

    credential_type: str
    payload: str
    format: str


class Delivery(msgspec.Struct, frozen=True, rename="camel"):
    """What an issuer sends in answer to a request, under the number that the request bore."""

    issuer_pid: _Pid
    holder_pid: _Pid
    status: Literal["ISSUED", "REJECTED"]
    type: str = ""
    at_type: str = msgspec.field(default="", name="@type")
    credentials: Annotated[
        list[DeliveredCredential], msgspec.Meta(max_length=CREDENTIALS_MAX)
    ] = []
    rejection_reason: str | None = None


class OfferedCredential(msgspec.Struct, frozen=True, rename="camel"):
    """One credential that an issuer offers: described, or by its number alone."""

    id: _Pid
    credential_type: str = ""


class CredentialOffer(msgspec.Struct, frozen=True, rename="camel"):
    """What an issuer says can be had from it."""

    issuer: str
    credentials: Annotated[
        list[OfferedCredential], msgspec.Meta(min_length=1, max_length=CREDENTIALS_MAX)
    ]
    type: str = ""
    at_type: str = msgspec.field(default="", name="@type")


class CredentialRequest(msgspec.Struct, frozen=True, rename="camel"):
    """What a holder asks an issuer for, by the numbers of the issuer's metadata."""

    holder_pid: _Pid
    credentials: Annotated[
        list[OfferedCredential], msgspec.Meta(min_length=1, max_length=CREDENTIALS_MAX)
    ]
    type: str = ""
    at_type: str = msgspec.field(default="", name="@type")


class RequestStatus(msgspec.Struct, frozen=True, rename="camel"):
    """How a request stands, as its issuer says."""

    status: Literal["RECEIVED", "ISSUED", "REJECTED"]
    type: str = ""
    at_type: str = msgspec.field(default="", name="@type")


class SupportedCredential(msgspec.Struct, frozen=True, rename="camel"):
    """One credential of an issuer's metadata; ``id`` is what a request names."""

    id: _Pid
    credential_type: str = ""
    profile: str = JWT_PROFILE


class IssuerMetadata(msgspec.Struct, frozen=True, rename="camel"):
    """What can be had from an issuer."""

    credentials_supported: Annotated[
        list[SupportedCredential], msgspec.Meta(max_length=OFFERED_MAX)
    ] = []
    type: str = ""
    at_type: str = msgspec.field(default="", name="@type")


M = TypeVar("M", Delivery, CredentialOffer, CredentialRequest, RequestStatus, IssuerMetadata)


def read_delivery(body: bytes, *, who: str) -> Delivery:
    """Return a delivery; raises `PartnerError` when it is malformed or brings nothing."""
    delivery = _read(body, Delivery, DELIVERY, who)
    if delivery.status == "ISSUED" and not delivery.credentials:
        raise _malformed(DELIVERY, who, "credentials")
    return delivery


def read_offer(body: bytes, *, who: str) -> CredentialOffer:
    """Return an offer; raises `PartnerError` when it is malformed."""
    return _read(body, CredentialOffer, OFFER, who)


def read_request(body: bytes, *, who: str) -> CredentialRequest:
    """Return a request; raises `PartnerError` when it is malformed."""
    return _read(body, CredentialRequest, REQUEST, who)


def read_metadata(body: bytes, *, who: str) -> Mapping[str, str]:
    """Return the ids of an issuer's credentials by type, of those that come as we read them.

    Raises `PartnerError` when the metadata is malformed.
    """
    supported = _read(body, IssuerMetadata, METADATA, who).credentials_supported
    fitting = [one for one in supported if one.profile in JWT_FORMATS]
    return {one.credential_type or one.id: one.id for one in reversed(fitting)}


def read_status(body: bytes, *, who: str) -> str:
    """Return how a request stands; raises `PartnerError` when the answer is malformed."""
    return _read(body, RequestStatus, STATUS, who).status


def request_message(holder_pid: str, ids: Iterable[str]) -> bytes:
    """Return a request for the credentials of an issuer's metadata with these ids."""
    wanted = [{"id": one} for one in ids]
    message = {"type": REQUEST, "holderPid": holder_pid, "credentials": wanted}
    return orjson.dumps({"@context": [DCP_CONTEXT], **message})


def delivery_message(
    issuer_pid: str, holder_pid: str, credentials: Mapping[str, str], rejection: str = ""
) -> bytes:
    """Return a delivery of these JWTs by type, or with none of them a refusal."""
    message: dict[str, object] = {
        "@context": [DCP_CONTEXT],
        "type": DELIVERY,
        "issuerPid": issuer_pid,
        "holderPid": holder_pid,
        "status": "ISSUED" if credentials else "REJECTED",
        "credentials": [
            {"credentialType": kind, "payload": text, "format": JWT_FORMAT}
            for kind, text in credentials.items()
        ],
    }
    return orjson.dumps(message if credentials else {**message, "rejectionReason": rejection})


def status_message(issuer_pid: str, holder_pid: str, status: str) -> bytes:
    """Return how a request stands: RECEIVED, ISSUED or REJECTED."""
    message = {"type": STATUS, "issuerPid": issuer_pid, "holderPid": holder_pid, "status": status}
    return orjson.dumps({"@context": [DCP_CONTEXT], **message})


def metadata_message(issuer: Did, kinds: Iterable[str]) -> bytes:
    """Return what can be had from an issuer; a credential's number is its type."""
    offered = [
        {
            "id": kind,
            "type": "CredentialObject",
            "credentialType": kind,
            "bindingMethods": ["did:web"],
            "profile": JWT_PROFILE,
        }
        for kind in kinds
    ]
    message = {"type": METADATA, "issuer": issuer, "credentialsSupported": offered}
    return orjson.dumps({"@context": [DCP_CONTEXT], **message})


def _read(body: bytes, kind: type[M], name: str, who: str) -> M:
    try:
        if is_expanded(body, name):
            message = msgspec.convert(compacted(body), kind)
        else:
            message = msgspec.json.decode(body, type=kind)
    except (msgspec.MsgspecError, ValueError, RecursionError) as trouble:
        raise _malformed(name, who, str(trouble)) from trouble
    if name not in (message.type, message.at_type):
        raise _malformed(name, who, f"type: {message.type or message.at_type}")
    return message


def _malformed(name: str, who: str, reason: str) -> PartnerError:
    return PartnerError(
        "connector.protocols.dcp:issuance_malformed", message=name, who=who, reason=reason
    )
