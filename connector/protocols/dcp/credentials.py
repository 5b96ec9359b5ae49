"""Verifiable credentials as JWT: what one holds and what has to be true in it; no I/O.

Sources: VC Data Model 1.1, 6.3.1 (``vc`` claim), and VC Data Model 2.0 secured by JOSE, where
the claims are the credential itself: DCP 1.0 profiles ``vc11-sl2021/jwt`` and
``vc20-bssl/jwt``. The shapes of the Catena-X credentials: CX-0050.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from connector.errors import DataError, PartnerError
from connector.identifiers import Bpnl, Did
from connector.partner.model import VerifiedCredential
from connector.protocols.dcp.jwt import Dated, Jwt, check_dates, parse_jwt, payload_of

CREDENTIAL_BYTES_MAX = 64 * 1024
MEMBERSHIP = "MembershipCredential"
BPN = "BpnCredential"
FRAMEWORK = "DataExchangeGovernanceCredential"
CATENA_X_TYPES = (MEMBERSHIP, BPN, FRAMEWORK)
VC_CONTEXT = "https://www.w3.org/2018/credentials/v1"
VC2_CONTEXT = "https://www.w3.org/ns/credentials/v2"
CX_CONTEXT = "https://w3id.org/catenax/credentials/v1.0.0"

_NEVER = datetime.max.replace(tzinfo=UTC)
_BPNL_PROPERTIES = ("bpn", "holderIdentifier")

_Json = dict[str, object]


class Issuer(msgspec.Struct, frozen=True):
    """An issuer that is written as an object."""

    id: str


class Credential(msgspec.Struct, frozen=True, rename="camel"):
    """A credential itself (VC Data Model 1.1 and 2.0, 4), under the names of both."""

    type: str | list[str]
    id: str | None = None
    issuer: str | Issuer = ""
    issuance_date: datetime | None = None
    expiration_date: datetime | None = None
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    credential_subject: _Json | list[_Json] = {}
    credential_status: _Json | list[_Json] | None = None
    credential_schema: _Json | list[_Json] | None = None

    def dated(self) -> Dated:
        """Return the dates that are written in it."""
        return Dated(
            nbf=_timestamp(self.valid_from or self.issuance_date),
            exp=_timestamp(self.valid_until or self.expiration_date),
        )


class CredentialClaims(Dated, frozen=True, kw_only=True):
    """The claims of a credential's JWT; without ``vc`` they are a credential of version 2."""

    iss: str = ""
    sub: str | None = None
    context: str | list[object] = msgspec.field(default="", name="@context")
    vc: Credential | None = None
    jti: str = ""


@dataclass(frozen=True, slots=True)
class IssuedCredential:
    """A credential as its issuer is said to have written it; its signature is not proven.

    ``types`` are its own types, without the general ``VerifiableCredential``.
    """

    jwt: Jwt[CredentialClaims]
    vc: Credential
    types: tuple[str, ...]
    issuer: Did
    subjects: tuple[Mapping[str, object], ...]
    statuses: tuple[Mapping[str, object], ...]
    schemas: tuple[Mapping[str, object], ...] = ()

    @property
    def identifier(self) -> str:
        """What the issuer calls it; empty if it does not say."""
        return self.vc.id or self.jwt.claims.jti

    def starts_at(self) -> datetime:
        """Return the later of the two start dates, aware UTC; the far past if none."""
        return _moment(max(self.jwt.claims.nbf or 0.0, self.vc.dated().nbf or 0.0))

    def expires_at(self) -> datetime:
        """Return the earlier of the two expiry dates, aware UTC; the far future if none."""
        dates = (self.jwt.claims.exp, self.vc.dated().exp)
        return min((_moment(date) for date in dates if date is not None), default=_NEVER)


def read_credential(
    text: str, *, who: str, limit_bytes: int = CREDENTIAL_BYTES_MAX
) -> IssuedCredential:
    """Return a credential that ``who`` holds or presents.

    Raises `PartnerError` when it is malformed or names two different issuers.
    """
    jwt = parse_jwt(text, CredentialClaims, limit_bytes=limit_bytes, who=who)
    vc = jwt.claims.vc or _whole(jwt, who)
    types = [vc.type] if isinstance(vc.type, str) else vc.type
    written = vc.issuer.id if isinstance(vc.issuer, Issuer) else vc.issuer
    issuer = jwt.claims.iss or written
    if written and written != issuer:
        raise _refusal("credential_of_two_issuers", who, issuer=issuer, other=written)
    try:
        did = Did.parse(issuer)
    except DataError:
        raise _refusal("credential_without_issuer", who, issuer=issuer) from None
    own_types = tuple(one for one in types if one != "VerifiableCredential")
    return IssuedCredential(
        jwt,
        vc,
        own_types,
        did,
        _many(vc.credential_subject),
        _many(vc.credential_status),
        _many(vc.credential_schema),
    )


def written_credential(one: IssuedCredential) -> Mapping[str, object]:
    """Return a credential as its issuer wrote it, nothing left out."""
    claims: _Json = msgspec.json.decode(payload_of(one.jwt))
    vc = claims if one.jwt.claims.vc is None else claims["vc"]
    return vc if isinstance(vc, dict) else {}


def check_credential(
    one: IssuedCredential, *, holder: Did, trusted: frozenset[Did], now: datetime
) -> None:
    """Raise `PartnerError` unless issuer, subject and dates of a credential are right.

    The signature is checked apart: it needs the issuer's DID document, which is fetched only
    for an issuer that is trusted.
    """
    name = ", ".join(one.types) or "?"
    if one.issuer not in trusted:
        raise _refusal("issuer_not_trusted", holder, type=name, issuer=one.issuer)
    owners = {subject.get("id") for subject in one.subjects}
    # Some issuers name the credential itself as subject of the token; its owner is in it.
    if owners != {holder} or one.jwt.claims.sub not in {None, holder, one.vc.id}:
        raise _refusal("credential_of_other", holder, type=name)
    _check_dates(one, now=now, who=f"{holder}, {name}")


def check_issued(one: IssuedCredential, *, by: Did, now: datetime) -> None:
    """Raise `PartnerError` unless ``by`` is the issuer and ``now`` lies within the dates.

    It is for credentials that speak of a list and belong to nobody.
    """
    if one.issuer != by:
        raise _refusal("credential_of_two_issuers", by, issuer=one.issuer, other=by)
    _check_dates(one, now=now, who=by)


def verified(one: IssuedCredential, kind: str) -> VerifiedCredential:
    """Return what rooms may rely on, of a credential that passed every check."""
    return VerifiedCredential(
        kind, one.subjects[0], one.issuer, one.expires_at(), tuple(one.statuses)
    )


def attested_bpnl(credentials: Iterable[VerifiedCredential], *, holder: Did) -> Bpnl:
    """Return the one BPNL that the credentials attest.

    Raises `PartnerError` when none attests one, when they disagree, or when it is malformed.
    """
    named = {
        (one.type, str(one.subject[key]))
        for one in credentials
        for key in _BPNL_PROPERTIES
        if key in one.subject
    }
    numbers = {number for _, number in named}
    if not numbers:
        raise _refusal("bpnl_not_attested", holder)
    if len(numbers) > 1:
        found = ", ".join(f"{kind}: {number}" for kind, number in sorted(named))
        raise _refusal("bpnl_contradicted", holder, found=found)
    try:
        return Bpnl.parse(numbers.pop())
    except DataError as trouble:
        raise _refusal("bpnl_malformed", holder, bpnl=trouble.params["value"]) from None


def _check_dates(one: IssuedCredential, *, now: datetime, who: str) -> None:
    seconds = now.timestamp()
    check_dates(one.jwt.claims, now=seconds, who=who)
    check_dates(one.vc.dated(), now=seconds, who=who)


def _whole(jwt: Jwt[CredentialClaims], who: str) -> Credential:
    """Return the claims as the credential of version 2 that they have to be."""
    context = jwt.claims.context
    first = context[:1] if isinstance(context, list) else [context]
    if first != [VC2_CONTEXT]:
        raise _refusal("token_malformed", who, reason=f"no vc, and no {VC2_CONTEXT}")
    try:
        return msgspec.json.decode(payload_of(jwt), type=Credential)
    except msgspec.MsgspecError as trouble:
        raise _refusal("token_malformed", who, reason=str(trouble)) from trouble


def _many(value: _Json | list[_Json] | None) -> tuple[Mapping[str, object], ...]:
    if isinstance(value, list):
        return tuple(value)
    return (value,) if value else ()


def _moment(seconds: float) -> datetime:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return _NEVER


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _timestamp(moment: datetime | None) -> float | None:
    return None if moment is None else _aware(moment).timestamp()


def _refusal(key: str, who: str, **params: object) -> PartnerError:
    return PartnerError(f"connector.protocols.dcp:{key}", who=who, **params)
