"""Proofs of possession: what we claim in ours, and what has to hold in a partner's; no I/O.

A proof is a self-issued token without access inside it, and with the hash of the access
token that it goes with: the claim ``ath`` of RFC 9449, 4.2. Unlike there it names no
request, so that one proof serves many reads until it expires.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field

from connector.errors import PartnerError
from connector.identifiers import Did
from connector.protocols.dcp.jwt import Dated, Jwt, check_dates, parse_jwt
from connector.protocols.dcp.tokens import JTI_CHARACTERS_MAX, is_audience

PROOF_BYTES_MAX = 2 * 1024
PROOF_SECONDS_MAX = 60


class ProofClaims(Dated, frozen=True):
    """The claims of a proof; ``ath`` is the access token's SHA-256 in base64url."""

    iss: str = ""
    sub: str = ""
    aud: str | list[str] = ""
    jti: str = ""
    ath: str = ""


@dataclass(frozen=True, slots=True)
class Bond:
    """What a proof has to prove: the token, by its SHA-256, in the hands of its holder, for us."""

    holder: Did
    us: Did
    token_digest: bytes = field(repr=False)


def read_proof(text: str, bond: Bond, *, now: float) -> Jwt[ProofClaims]:
    """Return a proof that fits; its signature is not proven.

    Raises `PartnerError` when it is of another company, for another, with another token,
    outside its dates, or good for longer than `PROOF_SECONDS_MAX`.
    """
    who = bond.holder
    jwt = parse_jwt(text, ProofClaims, limit_bytes=PROOF_BYTES_MAX, who=who)
    claims = jwt.claims
    if claims.iss != who or claims.sub != who:
        raise _refusal("proof_of_other", who, issuer=claims.iss)
    if not is_audience(claims.aud, bond.us):
        raise _refusal("token_for_other", who, audience=claims.aud, us=bond.us)
    if claims.ath != _hash_claim(bond.token_digest):
        raise _refusal("proof_of_other_token", who)
    if claims.exp is None or claims.iat is None or not 0 < len(claims.jti) <= JTI_CHARACTERS_MAX:
        raise _refusal("proof_incomplete", who)
    check_dates(claims, now=now, who=who)
    if claims.exp - claims.iat > PROOF_SECONDS_MAX:
        raise _refusal("proof_too_long_lived", who, seconds=PROOF_SECONDS_MAX)
    return jwt


def proof_claims(
    us: Did, audience: Did, token_digest: bytes, *, jti: str, lifetime: tuple[int, int]
) -> Mapping[str, object]:
    """Return the claims of one proof of ours; ``lifetime`` is from and until."""
    issued, expires = lifetime
    return {
        "iss": us,
        "sub": us,
        "aud": audience,
        "jti": jti,
        "iat": issued,
        "exp": expires,
        "ath": _hash_claim(token_digest),
    }


def _hash_claim(token_digest: bytes) -> str:
    return urlsafe_b64encode(token_digest).rstrip(b"=").decode()


def _refusal(key: str, who: str, **params: object) -> PartnerError:
    return PartnerError(f"connector.protocols.dcp:{key}", who=who, **params)
