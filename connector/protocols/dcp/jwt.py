"""Compact JSON Web Tokens (RFC 7515, RFC 7519): reads, writes and times them; no I/O.

What a token claims is typed by a `msgspec.Struct` per purpose; an unknown claim is ignored,
a claim of the wrong type is an error.
"""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Generic, TypeVar

import msgspec
import orjson

from connector.errors import PartnerError
from connector.protocols.dcp.keys import SigningKey

# What clocks of two companies may differ by; the same as the Eclipse connector's.
LEEWAY_SECONDS = 5
# Of what we sign for ourselves, such as heads of the ledger: it is no token.
SEAL_TYPE = "eslabon-seal+jws"

_PARTS = 3
# From the alphabet of URLs to the plain one, and from what only the plain one has to what
# neither has: it is refused (RFC 7515, 2: no padding).
_URL_TO_PLAIN = bytes.maketrans(b"-_+/=", b"+/!!!")


class Header(msgspec.Struct, frozen=True):
    """The protected header, as far as we read it."""

    alg: str
    typ: object = None
    kid: str = ""
    crit: list[str] | None = None


class Dated(msgspec.Struct, frozen=True):
    """The dates of a token, in seconds since 1970 (RFC 7519, 4.1.4 to 4.1.6)."""

    exp: float | None = None
    nbf: float | None = None
    iat: float | None = None


C = TypeVar("C", bound=msgspec.Struct)


@dataclass(frozen=True, slots=True)
class Jwt(Generic[C]):
    """A token as it was written; nothing in it is proven yet."""

    header: Header
    claims: C
    signed_part: bytes
    signature: bytes


def parse_jwt(text: str, claims_type: type[C], *, limit_bytes: int, who: str) -> Jwt[C]:
    """Return the parts of a compact token.

    Raises `PartnerError` when it is longer than ``limit_bytes``, malformed, unsigned, or
    demands an extension (``crit``); ``who`` is named in it.
    """
    if len(text) > limit_bytes:
        raise PartnerError("connector.protocols.dcp:token_too_long", who=who, limit=limit_bytes)
    parts = text.split(".", _PARTS)
    if len(parts) != _PARTS or not all(parts):
        raise PartnerError("connector.protocols.dcp:token_malformed", who=who, reason="a.b.c")
    try:
        header = _decoder(Header).decode(_decoded(parts[0]))
        claims = _decoder(claims_type).decode(_decoded(parts[1]))
        signature = _decoded(parts[2])
    except (msgspec.MsgspecError, RecursionError, ValueError) as trouble:
        reason = str(trouble)
        raise PartnerError(
            "connector.protocols.dcp:token_malformed", who=who, reason=reason
        ) from trouble
    if header.typ == SEAL_TYPE:
        # What we seal is never said to anybody (RFC 8725, 3.11).
        raise PartnerError("connector.protocols.dcp:token_malformed", who=who, reason="typ")
    if header.crit is not None:
        raise PartnerError("connector.protocols.dcp:token_malformed", who=who, reason="crit")
    return Jwt(header, claims, text[: -len(parts[2]) - 1].encode(), signature)


def payload_of(jwt: Jwt[C]) -> bytes:
    """Return the claims of a token as the bytes that were signed."""
    return _decoded(jwt.signed_part.partition(b".")[2].decode())


def write_jwt(claims: Mapping[str, object], key: SigningKey) -> str:
    """Return the compact token with these claims, signed by ``key``."""
    signed = _header_of(key.kid, key.algorithm) + b"." + _encoded(orjson.dumps(claims))
    return (signed + b"." + _encoded(key.sign(signed))).decode()


def check_dates(dates: Dated, *, now: float, who: str) -> None:
    """Raise `PartnerError` unless ``now`` (seconds since 1970) lies within the dates.

    A date that is absent does not bind; that one must be present is its reader's rule.
    """
    if dates.exp is not None and dates.exp <= now - LEEWAY_SECONDS:
        raise PartnerError(
            "connector.protocols.dcp:expired", who=who, seconds=round(now - dates.exp)
        )
    starts = max(dates.nbf or 0, dates.iat or 0)
    if starts > now + LEEWAY_SECONDS:
        raise PartnerError(
            "connector.protocols.dcp:not_yet_valid", who=who, seconds=round(starts - now)
        )


def absolute_kid(kid: str, did: str) -> str:
    """Return ``kid`` as DID URL: the DID itself may be left out of it."""
    if "#" not in kid:
        return f"{did}#{kid}"
    return did + kid if kid.startswith("#") else kid


@cache
def _decoder(kind: type[C]) -> msgspec.json.Decoder[C]:
    return msgspec.json.Decoder(kind)


@cache
def _header_of(kid: str, algorithm: str) -> bytes:
    return _encoded(orjson.dumps({"alg": algorithm, "typ": "JWT", "kid": kid}))


def _encoded(raw: bytes) -> bytes:
    return urlsafe_b64encode(raw).rstrip(b"=")


def _decoded(segment: str) -> bytes:
    plain = segment.encode("ascii").translate(_URL_TO_PLAIN)
    return binascii.a2b_base64(plain + b"=" * (-len(plain) % 4), strict_mode=True)
