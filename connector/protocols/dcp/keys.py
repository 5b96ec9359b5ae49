"""Keys: sign and verify ES256, ES256K and EdDSA; no I/O.

Signatures are the raw forms of JOSE (RFC 7518, 3.4 and RFC 8037, 3.1). The key objects of
``cryptography`` are made once and kept: importing a key costs as much as using it.
"""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)

from connector.identifiers import Did

_COORDINATE_BYTES = 32
_SHA256 = ec.ECDSA(hashes.SHA256())
_CURVES: Mapping[str, tuple[str, ec.EllipticCurve]] = {
    "P-256": ("ES256", ec.SECP256R1()),
    "secp256k1": ("ES256K", ec.SECP256K1()),
}
# The names of JOSE by those of the library.
_NAMES: Mapping[str, str] = {curve.name: name for name, (_, curve) in _CURVES.items()}

PrivateKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """A public key and the one algorithm that it is used with."""

    algorithm: str
    _key: ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey = field(repr=False)

    def goes_by(self, algorithm: str) -> bool:
        """Whether a token may call its algorithm so; Ed25519 has a second name (RFC 9864)."""
        return algorithm == self.algorithm or (algorithm, self.algorithm) == ("Ed25519", "EdDSA")

    def verifies(self, message: bytes, signature: bytes) -> bool:
        """Whether ``signature`` (raw JOSE form) is of ``message`` under this key."""
        try:
            if isinstance(self._key, ed25519.Ed25519PublicKey):
                self._key.verify(signature, message)
            else:
                self._key.verify(_der_from_raw(signature), message, _SHA256)
        except (InvalidSignature, ValueError):
            return False
        return True


@dataclass(frozen=True, slots=True)
class SigningKey:
    """Our private key under the name ``kid`` that the DID document gives it.

    The kind of the key decides on the algorithm: ES256 on P-256, ES256K on secp256k1, EdDSA
    with Ed25519.
    """

    kid: str
    _private: PrivateKey = field(repr=False)

    @property
    def algorithm(self) -> str:
        """The name of the algorithm (RFC 7518, RFC 8812, RFC 8037)."""
        return _algorithm(self._private)

    def sign(self, message: bytes) -> bytes:
        """Return the 64 byte signature of ``message`` in the raw form of JOSE."""
        if isinstance(self._private, ed25519.Ed25519PrivateKey):
            return self._private.sign(message)
        r, s = decode_dss_signature(self._private.sign(message, _SHA256))
        return r.to_bytes(_COORDINATE_BYTES, "big") + s.to_bytes(_COORDINATE_BYTES, "big")

    def jwk(self) -> dict[str, str]:
        """Return the public half as JSON Web Key (RFC 7517)."""
        return _public_jwk(self._private)

    def verification_key(self) -> VerificationKey:
        """Return the public half, ready to verify."""
        return VerificationKey(self.algorithm, self._private.public_key())


def signing_key(private: object, did: Did) -> SigningKey:
    """Return our key under the DID and its thumbprint (RFC 7638) as name.

    Raises `ValueError` for a key of a kind that we do not sign with.
    """
    if not isinstance(private, PrivateKey):
        raise ValueError(type(private).__name__)  # noqa: TRY004 - one error for every wrong key
    _algorithm(private)
    return SigningKey(f"{did}#{_thumbprint(_public_jwk(private))}", private)


def verification_key_from_jwk(jwk: Mapping[str, object]) -> VerificationKey:
    """Return the key of a JWK; raises `ValueError` when it is none that we verify with."""
    kind, curve = jwk.get("kty"), jwk.get("crv")
    if kind == "OKP" and curve == "Ed25519":
        key = ed25519.Ed25519PublicKey.from_public_bytes(_coordinate(jwk, "x"))
        return VerificationKey("EdDSA", key)
    if kind == "EC" and isinstance(curve, str) and curve in _CURVES:
        algorithm, on = _CURVES[curve]
        x, y = (int.from_bytes(_coordinate(jwk, name), "big") for name in "xy")
        return VerificationKey(algorithm, ec.EllipticCurvePublicNumbers(x, y, on).public_key())
    raise ValueError(f"{kind} {curve}")


def _algorithm(private: PrivateKey) -> str:
    if isinstance(private, ed25519.Ed25519PrivateKey):
        return "EdDSA"
    named = _NAMES.get(private.curve.name)
    if named is None:
        raise ValueError(private.curve.name)
    return _CURVES[named][0]


def _public_jwk(private: PrivateKey) -> dict[str, str]:
    if isinstance(private, ed25519.Ed25519PrivateKey):
        raw = private.public_key().public_bytes_raw()
        return {"kty": "OKP", "crv": "Ed25519", "x": _encoded(raw)}
    numbers = private.public_key().public_numbers()
    x, y = (_encoded(n.to_bytes(_COORDINATE_BYTES, "big")) for n in (numbers.x, numbers.y))
    return {"kty": "EC", "crv": _NAMES[private.curve.name], "x": x, "y": y}


def _thumbprint(jwk: Mapping[str, str]) -> str:
    canonical = orjson.dumps(dict(jwk), option=orjson.OPT_SORT_KEYS)
    return _encoded(hashlib.sha256(canonical).digest())


def _encoded(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def _coordinate(jwk: Mapping[str, object], name: str) -> bytes:
    value = jwk.get(name)
    if not isinstance(value, str):
        raise ValueError(name)  # noqa: TRY004 - one error for every key that cannot be used
    decoded = urlsafe_b64decode(value + "=" * (-len(value) % 4))
    if len(decoded) != _COORDINATE_BYTES:
        raise ValueError(name)
    return decoded


def _der_from_raw(signature: bytes) -> bytes:
    if len(signature) != 2 * _COORDINATE_BYTES:
        raise ValueError("signature")
    r = int.from_bytes(signature[:_COORDINATE_BYTES], "big")
    s = int.from_bytes(signature[_COORDINATE_BYTES:], "big")
    return encode_dss_signature(r, s)
