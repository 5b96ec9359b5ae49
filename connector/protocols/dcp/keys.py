"""Keys: signs ES256, verifies ES256, ES256K and EdDSA; no I/O.

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


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """A public key and the one algorithm that it is used with."""

    algorithm: str
    _key: ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey = field(repr=False)

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
    """Our private key under the name ``kid`` that the DID document gives it (ES256)."""

    kid: str
    _private: ec.EllipticCurvePrivateKey = field(repr=False)

    def sign(self, message: bytes) -> bytes:
        """Return the 64 byte ES256 signature of ``message``."""
        r, s = decode_dss_signature(self._private.sign(message, _SHA256))
        return r.to_bytes(_COORDINATE_BYTES, "big") + s.to_bytes(_COORDINATE_BYTES, "big")

    def jwk(self) -> dict[str, str]:
        """Return the public half as JSON Web Key (RFC 7517)."""
        return _public_jwk(self._private)

    def verification_key(self) -> VerificationKey:
        """Return the public half, ready to verify."""
        return VerificationKey("ES256", self._private.public_key())


def signing_key(private: object, did: Did) -> SigningKey:
    """Return our key under the DID and its thumbprint (RFC 7638) as name.

    Raises `ValueError` for any other kind than an elliptic curve key on P-256.
    """
    if not isinstance(private, ec.EllipticCurvePrivateKey) or private.curve.name != "secp256r1":
        raise ValueError(type(private).__name__)
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


def _public_jwk(private: ec.EllipticCurvePrivateKey) -> dict[str, str]:
    numbers = private.public_key().public_numbers()
    x, y = (
        urlsafe_b64encode(n.to_bytes(_COORDINATE_BYTES, "big")).rstrip(b"=").decode()
        for n in (numbers.x, numbers.y)
    )
    return {"kty": "EC", "crv": "P-256", "x": x, "y": y}


def _thumbprint(jwk: Mapping[str, str]) -> str:
    canonical = orjson.dumps(dict(jwk), option=orjson.OPT_SORT_KEYS)
    return urlsafe_b64encode(hashlib.sha256(canonical).digest()).rstrip(b"=").decode()


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
