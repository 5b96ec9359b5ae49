"""DID documents of ``did:web``: where they lie, what ours says, what theirs proves; no I/O.

Sources: did:web method specification; DID Core 1.0, 5; CX-0049.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated
from urllib.parse import unquote, urlsplit

import msgspec

from connector.errors import PartnerError
from connector.identifiers import Did
from connector.protocols.dcp.jwt import absolute_kid
from connector.protocols.dcp.keys import SigningKey, VerificationKey, verification_key_from_jwk

DOCUMENT_BYTES_MAX = 64 * 1024
ENTRIES_MAX = 50
CREDENTIAL_SERVICE = "CredentialService"
DATA_SERVICE = "DataService"
ISSUER_SERVICE = "IssuerService"
POSSESSION_SERVICE = "DataPullProof"
_HOST = re.compile(r"[A-Za-z0-9.\-]+(:\d{1,5})?")
_SEGMENT = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9._~\-]+")
CONTEXTS = (
    "https://www.w3.org/ns/did/v1",
    "https://w3id.org/security/suites/jws-2020/v1",
    "https://w3id.org/dspace-dcp/v1.0/dcp.jsonld",
    "https://w3id.org/dspace/2025/1/context.jsonld",
)


class Purpose(StrEnum):
    """What a DID document allows a key for: its verification relationships (DID Core, 5.3)."""

    AUTHENTICATION = "authentication"
    ASSERTION = "assertionMethod"
    INVOCATION = "capabilityInvocation"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One service of a DID document: type such as ``CredentialService``, and its URL."""

    type: str
    url: str


@dataclass(frozen=True, slots=True)
class DidDocument:
    """A DID document as far as we use it; key names are absolute DID URLs."""

    did: Did
    keys: Mapping[str, VerificationKey]
    purposes: Mapping[Purpose, frozenset[str]]
    endpoints: tuple[Endpoint, ...]
    _hosts: frozenset[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Work out once whom the document vouches for: every message asks."""
        own = _web_parts(self.did)[0].partition(":")[0].lower()
        hosts = frozenset({own, *(_host_of(one.url) for one in self.endpoints)}) - {""}
        object.__setattr__(self, "_hosts", hosts)

    def key_for(self, kid: str, purpose: Purpose) -> VerificationKey | None:
        """Return the key of that name if the document lists it for ``purpose``."""
        name = absolute_kid(kid, self.did)
        return self.keys.get(name) if name in self.purposes[purpose] else None

    def endpoint(self, kind: str) -> str | None:
        """Return the first URL of that type, without trailing slash."""
        return next((one.url.rstrip("/") for one in self.endpoints if one.type == kind), None)

    def hosts(self) -> frozenset[str]:
        """Return the hosts that the document vouches for: its own and its services'."""
        return self._hosts


def document_path(did: Did) -> str:
    """Return the path of the DID's document below its host."""
    _, segments = _web_parts(did)
    return "/" + "/".join([*(segments or [".well-known"]), "did.json"])


def document_url(did: Did, *, allow_http: bool) -> str:
    """Return where the document lies; raises `PartnerError` for other methods than ``web``.

    ``allow_http`` is the development switch: with it plain http is used, as the official
    test kit demands.
    """
    host, segments = _web_parts(did)
    if not _HOST.fullmatch(host) or not all(_SEGMENT.fullmatch(one) for one in segments):
        raise PartnerError("connector.protocols.dcp:did_not_web", did=did)
    return f"{'http' if allow_http else 'https'}://{host}{document_path(did)}"


def write_document(
    did: Did, keys: Sequence[SigningKey], endpoints: Iterable[Endpoint]
) -> dict[str, object]:
    """Return our document: every key is listed for all three purposes."""
    methods = [
        {"id": key.kid, "type": "JsonWebKey2020", "controller": did, "publicKeyJwk": key.jwk()}
        for key in keys
    ]
    services = [
        {"id": f"{did}#{one.type}", "type": one.type, "serviceEndpoint": one.url}
        for one in endpoints
    ]
    listed = {str(purpose): [key.kid for key in keys] for purpose in Purpose}
    return {
        "@context": list(CONTEXTS),
        "id": did,
        "verificationMethod": methods,
        **listed,
        "service": services,
    }


class _Method(msgspec.Struct):
    id: str
    publicKeyJwk: dict[str, object] | None = None  # noqa: N815 - the field's spelling


_Bounded = msgspec.Meta(max_length=ENTRIES_MAX)
_Methods = Annotated[list[_Method], _Bounded]
_References = Annotated[list[str | _Method], _Bounded]


class _Service(msgspec.Struct):
    type: str | list[str] = ""
    serviceEndpoint: object = None  # noqa: N815 - the field's spelling


class _Document(msgspec.Struct):
    id: str
    verificationMethod: _Methods = []  # noqa: N815 - the field's spelling
    authentication: _References = []
    assertionMethod: _References = []  # noqa: N815 - the field's spelling
    capabilityInvocation: _References = []  # noqa: N815 - the field's spelling
    service: Annotated[list[_Service], _Bounded] = []


_READER = msgspec.json.Decoder(_Document)


def read_document(raw: bytes, did: Did) -> DidDocument:
    """Return a partner's document.

    Raises `PartnerError` when it is malformed, unbounded, or speaks of another DID. Keys of
    kinds that we do not verify with are left out, so that a document may hold them.
    """
    try:
        wire = _READER.decode(raw)
    except (msgspec.MsgspecError, RecursionError) as trouble:
        raise PartnerError(
            "connector.protocols.dcp:did_document_malformed", did=did, reason=str(trouble)
        ) from trouble
    if wire.id != did:
        raise PartnerError("connector.protocols.dcp:did_document_of_other", did=did, id=wire.id)
    listed = {
        Purpose.AUTHENTICATION: wire.authentication,
        Purpose.ASSERTION: wire.assertionMethod,
        Purpose.INVOCATION: wire.capabilityInvocation,
    }
    embedded = [one for many in listed.values() for one in many if isinstance(one, _Method)]
    keys = _keys([*wire.verificationMethod, *embedded], did)
    purposes = {purpose: _names(references, did) for purpose, references in listed.items()}
    if not any(listed.values()):
        # A document that knows no purposes binds no key to one: simple wallets write so.
        purposes = dict.fromkeys(Purpose, frozenset(keys))
    return DidDocument(did, keys, purposes, tuple(_endpoints(wire.service)))


def _keys(methods: Iterable[_Method], did: Did) -> dict[str, VerificationKey]:
    found: dict[str, VerificationKey] = {}
    for method in methods:
        try:
            key = verification_key_from_jwk(method.publicKeyJwk or {})
        except ValueError:
            continue
        found[absolute_kid(method.id, did)] = key
    return found


def _names(references: Iterable[str | _Method], did: Did) -> frozenset[str]:
    ids = (one.id if isinstance(one, _Method) else one for one in references)
    return frozenset(absolute_kid(name, did) for name in ids)


def _endpoints(services: Iterable[_Service]) -> Iterable[Endpoint]:
    for service in services:
        types = [service.type] if isinstance(service.type, str) else service.type
        if isinstance(service.serviceEndpoint, str):
            yield from (Endpoint(kind, service.serviceEndpoint) for kind in types)


def _web_parts(did: Did) -> tuple[str, list[str]]:
    method, host, *segments = [unquote(one) for one in did.split(":")][1:]
    return (host if method == "web" else ""), segments


def _host_of(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
