"""Presentation messages: query, response, and the presentation inside it; no I/O.

Source: Decentralized Claims Protocol 1.0, 5.4.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, TypeVar
from urllib.parse import unquote

import msgspec
import orjson

from connector.errors import PartnerError
from connector.identifiers import Did
from connector.protocols.dcp.expanded import compacted, is_expanded
from connector.protocols.dcp.jwt import Dated, Jwt, check_dates, parse_jwt
from connector.protocols.dcp.tokens import is_audience

QUERY_BYTES_MAX = 64 * 1024
ACCESS_BYTES_MAX = 16 * 1024
PRESENTATION_BYTES_MAX = 512 * 1024
SCOPES_MAX = 100
CREDENTIALS_MAX = 50
PRESENTATIONS_MAX = 10
DCP_CONTEXT = "https://w3id.org/dspace-dcp/v1.0/dcp.jsonld"
VC_CONTEXT = "https://www.w3.org/2018/credentials/v1"
QUERY = "PresentationQueryMessage"
RESPONSE = "PresentationResponseMessage"
# How a token is written into a document of JSON-LD.
ENVELOPES = frozenset(
    f"data:application/{kind}" for kind in ("vc+jwt", "vc+ld+json+jwt", "vp+jwt", "vp+ld+json+jwt")
)
# The specification's alias, that of Tractus-X connectors, and that of IdentityHub as it comes.
TYPE_ALIASES = (
    "org.eclipse.dspace.dcp.vc.type",
    "org.eclipse.tractusx.vc.type",
    "org.eclipse.edc.vc.type",
)

ID_ALIAS = "org.eclipse.dspace.dcp.vc.id"

# The specification ends a scope after its second part; Eclipse connectors add what may be done.
_SCOPE = re.compile(r"([A-Za-z0-9._\-]+):([A-Za-z0-9._\-]+)(:(?:read|\*|all))?")
_ID_SCOPE = re.compile(re.escape(ID_ALIAS) + r":(\S{1,512}?)(?::(?:read|\*|all))?")


class _Query(msgspec.Struct):
    type: str = ""
    at_type: str = msgspec.field(default="", name="@type")
    scope: Annotated[list[str], msgspec.Meta(max_length=SCOPES_MAX)] | None = None
    presentationDefinition: object = None  # noqa: N815 - the field's spelling


_Text = Annotated[str, msgspec.Meta(max_length=PRESENTATION_BYTES_MAX)]


class _Response(msgspec.Struct):
    type: str = ""
    at_type: str = msgspec.field(default="", name="@type")
    presentation: (
        Annotated[list[str | dict[str, object]], msgspec.Meta(max_length=PRESENTATIONS_MAX)]
        | _Text
    ) = []


_Presented = (
    Annotated[list[str | dict[str, object]], msgspec.Meta(max_length=CREDENTIALS_MAX)] | _Text
)


class _Presentation(msgspec.Struct, frozen=True, rename="camel"):
    verifiable_credential: _Presented = []


class _Access(msgspec.Struct, frozen=True):
    scope: str = ""


class PresentationClaims(Dated, frozen=True, kw_only=True):
    """The claims of a presentation's JWT; without ``vp`` they are one of version 2."""

    iss: str = ""
    sub: str | None = None
    aud: str | list[str] = ""
    vp: _Presentation | None = None
    verifiable_credential: _Presented = msgspec.field(default=[], name="verifiableCredential")


M = TypeVar("M", _Query, _Response)

_QUERY_READER = msgspec.json.Decoder(_Query)
_RESPONSE_READER = msgspec.json.Decoder(_Response)


class UnsupportedQueryError(PartnerError):
    """A query by presentation definition, which the specification leaves optional (501)."""


@dataclass(frozen=True, slots=True)
class Wording:
    """How a wallet writes scopes: its alias of types, and what it adds at the end."""

    alias: str
    ending: str = ":read"

    def scope(self, kind: str) -> str:
        """Return the scope that asks for credentials of one type."""
        return f"{self.alias}:{kind}{self.ending}"


def scope_of(kind: str, alias: str) -> str:
    """Return the scope that asks for credentials of one type, such as ``…:BpnCredential:read``."""
    return Wording(alias).scope(kind)


def types_of(scopes: Iterable[str]) -> tuple[str, ...]:
    """Return the credential types that scopes ask for, under any alias, in their order.

    A scope that asks for something else is left out: what is not understood is not granted.
    """
    matches = (_SCOPE.fullmatch(scope) for scope in scopes)
    return tuple(dict.fromkeys(m[2] for m in matches if m and m[1] in TYPE_ALIASES))


def ids_of(scopes: Iterable[str]) -> frozenset[str]:
    """Return the ids of credentials that scopes ask for (DCP 1.0, 5.4.1.2.2).

    Some wallets escape them and some do not, so that each is returned in both readings.
    """
    found = [m[1] for scope in scopes if (m := _ID_SCOPE.fullmatch(scope))]
    return frozenset([*found, *map(unquote, found)])


def wording_of(access_token: str, default: Wording) -> Wording:
    """Return the words in which a holder gave access, ``default`` if its token does not say.

    An access token is its holder's affair, and may be unreadable to us. Where it is not, the
    words in which access was given are words that the holder's wallet understands.
    """
    try:
        jwt = parse_jwt(access_token, _Access, limit_bytes=ACCESS_BYTES_MAX, who="?")
    except PartnerError:
        return default
    matches = (_SCOPE.fullmatch(scope) for scope in jwt.claims.scope.split())
    known = (m for m in matches if m and m[1] in TYPE_ALIASES)
    return next((Wording(m[1], ":read" if m[3] else "") for m in known), default)


def query_message(scopes: Sequence[str]) -> bytes:
    """Return the body of a presentation query."""
    return orjson.dumps({"@context": [DCP_CONTEXT], "type": QUERY, "scope": list(scopes)})


def read_query(body: bytes, *, who: str) -> tuple[str, ...]:
    """Return the scopes of a presentation query.

    Raises `PartnerError` when it is malformed or names no scope, and `UnsupportedQueryError`
    when it asks by presentation definition alone.
    """
    try:
        query = _read(body, _QUERY_READER, QUERY)
    except (msgspec.MsgspecError, ValueError, RecursionError) as trouble:
        raise _refusal("query_malformed", who, reason=str(trouble)) from trouble
    if QUERY not in (query.type, query.at_type):
        raise _refusal("query_malformed", who, reason=f"type: {query.type or query.at_type}")
    if query.scope is None and query.presentationDefinition:
        raise UnsupportedQueryError("connector.protocols.dcp:query_by_definition", who=who)
    if query.presentationDefinition is not None:
        raise _refusal("query_malformed", who, reason="scope + presentationDefinition")
    if not query.scope:
        raise _refusal("query_without_scope", who)
    return tuple(query.scope)


def response_message(presentations: Sequence[str]) -> bytes:
    """Return the body of the answer to a query: one JWT per presentation."""
    return orjson.dumps(
        {"@context": [DCP_CONTEXT], "type": RESPONSE, "presentation": list(presentations)}
    )


def read_response(body: bytes, *, who: str) -> tuple[str, ...]:
    """Return the presentations of an answer, those in JWT form.

    Raises `PartnerError` when it is malformed or brings none.
    """
    try:
        response = _read(body, _RESPONSE_READER, RESPONSE)
    except (msgspec.MsgspecError, ValueError, RecursionError) as trouble:
        raise _refusal("response_malformed", who, reason=str(trouble)) from trouble
    if RESPONSE not in (response.type, response.at_type):
        raise _refusal("response_malformed", who, reason=f"type: {response.type}")
    return _texts(response.presentation)


def presentation_claims(
    us: Did, audience: Did, credentials: Sequence[str], *, jti: str, lifetime: tuple[int, int]
) -> Mapping[str, object]:
    """Return the claims of a presentation of ours (VC Data Model 1.1, 6.3.1)."""
    issued, expires = lifetime
    return {
        "iss": us,
        "sub": us,
        "aud": audience,
        "jti": jti,
        "iat": issued,
        "nbf": issued,
        "exp": expires,
        "vp": {
            "@context": [VC_CONTEXT],
            "type": ["VerifiablePresentation"],
            "id": f"urn:uuid:{jti}",
            "holder": us,
            "verifiableCredential": list(credentials),
        },
    }


def read_presentation(
    text: str, *, holder: Did, audience: Did, now: float
) -> tuple[Jwt[PresentationClaims], tuple[str, ...]]:
    """Return a presentation and the credentials in it; its signature is not proven.

    Raises `PartnerError` when the holder did not make it for us, or not for now.
    """
    jwt = parse_jwt(text, PresentationClaims, limit_bytes=PRESENTATION_BYTES_MAX, who=holder)
    claims = jwt.claims
    if claims.iss != holder or claims.sub not in {None, holder}:
        raise _refusal("presentation_of_other", holder, issuer=claims.iss)
    if not is_audience(claims.aud, audience):
        raise _refusal("presentation_for_other", holder, audience=claims.aud)
    check_dates(claims, now=now, who=holder)
    return jwt, _texts((claims.vp or claims).verifiable_credential)


def _read(body: bytes, reader: msgspec.json.Decoder[M], name: str) -> M:
    if is_expanded(body, name):
        return msgspec.convert(compacted(body), reader.type)
    return reader.decode(body)


def _texts(entries: Sequence[str | dict[str, object]]) -> tuple[str, ...]:
    if isinstance(entries, str):
        return (entries,)
    texts = (one if isinstance(one, str) else _enveloped(one) for one in entries)
    return tuple(one for one in texts if one)


def _enveloped(entry: Mapping[str, object]) -> str:
    """Return the token in an envelope of VC Data Model 2.0 (4.13); empty if it is none."""
    kind, _, token = str(entry.get("id", "")).partition(",")
    return token if kind in ENVELOPES else ""


def _refusal(key: str, who: str, **params: object) -> PartnerError:
    return PartnerError(f"connector.protocols.dcp:{key}", who=who, **params)
