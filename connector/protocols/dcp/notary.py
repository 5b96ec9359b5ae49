"""Signs what must be provable later in the connector's own name, such as heads of the ledger.

A seal is a compact JWS (RFC 7515) of a type of its own, so that it can never pass for a
token, nor a token for a seal (RFC 8725, 3.11).
"""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from hashlib import sha256

import msgspec
import orjson

from connector.protocols.dcp.jwt import SEAL_TYPE
from connector.protocols.dcp.keys import SigningKey, VerificationKey, verification_key_from_jwk

SEAL_CHARACTERS_MAX = 4096
PARTS = 3

# What a thumbprint is made of, by kind of key (RFC 7638, 3.2 and RFC 8037, 2).
_THUMBPRINT_MEMBERS = {"EC": ("crv", "kty", "x", "y"), "OKP": ("crv", "kty", "x")}


class _Header(msgspec.Struct, frozen=True):
    alg: str
    typ: str
    kid: str


class DcpNotary:
    """Seals with the key that signs our tokens; opens seals of all keys that we publish."""

    def __init__(self, keys: Sequence[SigningKey]) -> None:
        """Take our keys, the one that signs first."""
        self._key = keys[0]
        self._known = {key.kid: key.verification_key() for key in keys}

    @property
    def kid(self) -> str:
        """The name of the key that signs."""
        return self._key.kid

    def seal(self, content: bytes) -> str:
        """Return a compact JWS over ``content``."""
        header = orjson.dumps({"alg": self._key.algorithm, "typ": SEAL_TYPE, "kid": self.kid})
        signed = _encoded(header) + b"." + _encoded(content)
        return (signed + b"." + _encoded(self._key.sign(signed))).decode()

    def public_key(self) -> str:
        """Return the public half of the key that signs as JWK, JSON."""
        return orjson.dumps(self._key.jwk()).decode()

    def kid_of(self, seal: str) -> str:
        """Return the name of the key that a seal claims; empty where it is no seal."""
        parts = _parts(seal)
        return parts[0].kid if parts else ""

    def opened(self, seal: str, jwk: str = "") -> bytes | None:
        """Return what was sealed, if one of our keys did it; None if none did.

        Without ``jwk`` one of the configured keys must have; with it, that key, under the
        name that its thumbprint gives it.
        """
        parts = _parts(seal)
        if parts is None:
            return None
        header, content, signature = parts
        key = _key_of(jwk, header.kid) if jwk else self._known.get(header.kid)
        if key is None or key.algorithm != header.alg:
            return None
        signed = seal.rpartition(".")[0].encode()
        return content if key.verifies(signed, signature) else None


def _parts(seal: str) -> tuple[_Header, bytes, bytes] | None:
    segments = seal.split(".")
    if len(segments) != PARTS or len(seal) > SEAL_CHARACTERS_MAX:
        return None
    try:
        header, content, signature = (_decoded(segment) for segment in segments)
        parsed = msgspec.json.decode(header, type=_Header)
    except (ValueError, msgspec.MsgspecError):
        return None
    return (parsed, content, signature) if parsed.typ == SEAL_TYPE else None


def _key_of(jwk: str, kid: str) -> VerificationKey | None:
    """Return the key of a JWK if its thumbprint (RFC 7638) is what ``kid`` ends with."""
    try:
        members = msgspec.json.decode(jwk, type=dict[str, str])
        named = {name: members[name] for name in _THUMBPRINT_MEMBERS[members["kty"]]}
        digest = sha256(orjson.dumps(named, option=orjson.OPT_SORT_KEYS)).digest()
        if kid.rpartition("#")[2].encode() != _encoded(digest):
            return None
        return verification_key_from_jwk(members)
    except (KeyError, ValueError, msgspec.MsgspecError):
        return None


def _encoded(raw: bytes) -> bytes:
    return urlsafe_b64encode(raw).rstrip(b"=")


def _decoded(segment: str) -> bytes:
    plain = segment.translate(str.maketrans("-_", "+/"))
    return binascii.a2b_base64(plain + "=" * (-len(plain) % 4), strict_mode=True)
