"""Self-issued tokens: what we claim in ours, and what has to hold in a partner's; no I/O.

Source: Decentralized Claims Protocol 1.0, 4.3. The order of the checks is the cheapest
first: nothing is fetched for a token that is wrong in itself.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from connector.errors import DataError, PartnerError
from connector.identifiers import Did
from connector.protocols.dcp.jwt import C, Dated, Jwt, absolute_kid, check_dates, parse_jwt
from connector.protocols.dcp.keys import VerificationKey

TOKEN_BYTES_MAX = 16 * 1024
LIFETIME_SECONDS_MAX = 3600
JTI_CHARACTERS_MAX = 256


class TokenClaims(Dated, frozen=True):
    """The claims of a self-issued token; ``token`` opens the sender's credential service.

    In a request to renew an access token, ``token`` is that one instead (Tractus-X refresh
    token grant profile, 3.1), and ``presentation_access`` may open the credential service.
    """

    iss: str = ""
    sub: str = ""
    aud: str | list[str] = ""
    jti: str = ""
    token: str = ""
    presentation_access: str = ""
    sub_jwk: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class AccessClaims(Dated, frozen=True):
    """The claims of an access token of our own credential service, bound to ``sub``."""

    iss: str = ""
    sub: str = ""
    aud: str | list[str] = ""
    scope: str = ""


SelfIssued = Jwt[TokenClaims]


def bearer_token(authorization: str | None) -> str:
    """Return the token of an ``Authorization: Bearer`` header.

    Raises `PartnerError` when the header is missing or of another scheme.
    """
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise PartnerError("connector.protocols.dcp:token_missing")
    return token.strip()


def read_token(text: str, *, audience: Did, now: float) -> tuple[Did, SelfIssued]:
    """Return who claims to have sent a token, and the token; its signature is not proven.

    Raises `PartnerError` when it cannot be true whatever its signature: issuer and subject
    differ, another audience, outside its dates, or without what must be there. Whether it
    brings an access token is asked apart (`check_access`): one that delivers needs none.
    """
    jwt = parse_jwt(text, TokenClaims, limit_bytes=TOKEN_BYTES_MAX, who="?")
    claims = jwt.claims
    who = _issuer(claims)
    if claims.sub != who:
        raise _refusal("token_issuer_not_subject", who, subject=claims.sub)
    if not is_audience(claims.aud, audience):
        raise _refusal("token_for_other", who, audience=claims.aud, us=audience)
    if claims.exp is None or not 0 < len(claims.jti) <= JTI_CHARACTERS_MAX:
        raise _refusal("token_incomplete", who)
    check_dates(claims, now=now, who=who)
    if claims.exp - now > LIFETIME_SECONDS_MAX:
        raise _refusal("token_too_long_lived", who, seconds=LIFETIME_SECONDS_MAX)
    if claims.sub_jwk is not msgspec.UNSET:
        raise _refusal("token_brings_key", who)
    return who, jwt


def check_access(who: Did, jwt: SelfIssued) -> None:
    """Raise `PartnerError` unless a token brings access to its sender's credentials."""
    if not jwt.claims.token:
        raise _refusal("token_without_access", who)


def check_signature(jwt: Jwt[C], key: VerificationKey | None, *, who: str) -> None:
    """Raise `PartnerError` unless ``key`` is known and signed exactly this token."""
    if key is None:
        raise _refusal("key_not_listed", who, kid=jwt.header.kid)
    if not key.goes_by(jwt.header.alg) or not key.verifies(jwt.signed_part, jwt.signature):
        raise _refusal("signature_wrong", who, kid=jwt.header.kid)


def check_kid(kid: str, did: Did) -> str:
    """Return the absolute name of the key; raise `PartnerError` when it is not of ``did``."""
    name = absolute_kid(kid, did)
    if not kid or name.partition("#")[0] != did:
        raise _refusal("key_of_other", did, kid=kid)
    return name


def token_claims(
    us: Did, audience: Did, access_token: str, *, jti: str, lifetime: tuple[int, int]
) -> Mapping[str, object]:
    """Return the claims of one self-issued token of ours; ``lifetime`` is from and until."""
    issued, expires = lifetime
    claims = {
        "iss": us,
        "sub": us,
        "aud": audience,
        "jti": jti,
        "iat": issued,
        "nbf": issued,
        "exp": expires,
    }
    return {**claims, "token": access_token} if access_token else claims


def renewal_claims(claims: Mapping[str, object], presentation_access: str) -> Mapping[str, object]:
    """Return the claims of a request to renew, with access to our credentials if given."""
    return (
        {**claims, "presentation_access": presentation_access} if presentation_access else claims
    )


def access_claims(
    us: Did, verifier: Did, scopes: str, *, jti: str, lifetime: tuple[int, int]
) -> Mapping[str, object]:
    """Return the claims that let ``verifier`` ask our credential service for ``scopes``."""
    issued, expires = lifetime
    return {
        "iss": us,
        "aud": us,
        "sub": verifier,
        "scope": scopes,
        "jti": jti,
        "iat": issued,
        "exp": expires,
    }


def read_access_token(
    text: str, keys: Mapping[str, VerificationKey], *, us: Did, now: float
) -> AccessClaims:
    """Return the claims of an access token that we issued ourselves; ``keys`` are ours by name.

    Raises `PartnerError` when we did not, or its time is over.
    """
    jwt = parse_jwt(text, AccessClaims, limit_bytes=TOKEN_BYTES_MAX, who=us)
    claims = jwt.claims
    if claims.iss != us or claims.aud != us or claims.exp is None:
        raise _refusal("access_token_not_ours", us)
    check_signature(jwt, keys.get(jwt.header.kid), who=us)
    check_dates(claims, now=now, who=us)
    return claims


def is_audience(claimed: str | list[str], us: Did) -> bool:
    """Whether we are the audience of a token, or one of its audiences (RFC 7519, 4.1.3)."""
    return claimed == us if isinstance(claimed, str) else us in claimed


def _issuer(claims: TokenClaims) -> Did:
    try:
        return Did.parse(claims.iss)
    except DataError:
        raise _refusal("token_without_issuer", claims.iss or "?") from None


def _refusal(key: str, who: str, **params: object) -> PartnerError:
    return PartnerError(f"connector.protocols.dcp:{key}", who=who, **params)
