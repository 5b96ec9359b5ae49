"""Makes our own tokens: one per message, and the access to our credentials inside it."""

from __future__ import annotations

import uuid
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from connector.identifiers import Did
from connector.protocols.dcp.jwt import write_jwt
from connector.protocols.dcp.keys import SigningKey
from connector.protocols.dcp.messages import presentation_claims
from connector.protocols.dcp.possession import PROOF_SECONDS_MAX, proof_claims
from connector.protocols.dcp.tokens import access_claims, renewal_claims, token_claims

AUDIENCES_MAX = 1_000


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """How long our tokens hold; an access token is given to one partner for several messages."""

    token_seconds: int = 60
    access_seconds: int = 300
    access_reused_seconds: int = 120


class SelfIssuer:
    """Signs in our name. ``scopes`` is what an access token opens, separated by blanks."""

    def __init__(
        self,
        key: SigningKey,
        did: Did,
        clock: Callable[[], datetime],
        *,
        scopes: str,
        lifetimes: Lifetimes = Lifetimes(),
    ) -> None:
        self._key = key
        self._did = did
        self._clock = clock
        self._scopes = scopes
        self.lifetimes = lifetimes
        self._access: OrderedDict[tuple[Did, str], tuple[str, int]] = OrderedDict()

    def token_for(self, audience: Did, scopes: str = "") -> str:
        """Return a token for one message, with access to our credentials inside it.

        Other ``scopes`` than the usual ones, separated by blanks, may be asked for.
        """
        now = self._now()
        return self._token(audience, self._access_for(audience, scopes or self._scopes, now), now)

    def token_with(self, audience: Did, access_token: str) -> str:
        """Return a token that hands back the access token which a partner gave us.

        Without one (empty) it proves us, and opens nothing.
        """
        return self._token(audience, access_token, self._now())

    def renewal(self, audience: Did, access_token: str, *, shows_credentials: bool) -> str:
        """Return a token that asks ``audience`` to renew an access token.

        If it ``shows_credentials``, the receiver may ask for our credentials with it.
        """
        now = self._now()
        claims = self._claims(audience, access_token, now)
        access = self._access_for(audience, self._scopes, now) if shows_credentials else ""
        return write_jwt(renewal_claims(claims, access), self._key)

    def possession(self, audience: Did, access_token: str) -> str:
        """Return a proof that it is we who use an access token of ``audience``."""
        now = self._now()
        lifetime = (now, now + PROOF_SECONDS_MAX)
        digest = sha256(access_token.encode()).digest()
        claims = proof_claims(
            self._did, audience, digest, jti=str(uuid.uuid4()), lifetime=lifetime
        )
        return write_jwt(claims, self._key)

    def presentation(self, audience: Did, credentials: tuple[str, ...]) -> str:
        """Return our credentials as one signed presentation for ``audience`` alone."""
        claims = presentation_claims(
            self._did, audience, credentials, jti=str(uuid.uuid4()), lifetime=self._span()
        )
        return write_jwt(claims, self._key)

    def _token(self, audience: Did, access_token: str, now: int) -> str:
        return write_jwt(self._claims(audience, access_token, now), self._key)

    def _claims(self, audience: Did, access_token: str, now: int) -> Mapping[str, object]:
        lifetime = (now, now + self.lifetimes.token_seconds)
        return token_claims(
            self._did, audience, access_token, jti=str(uuid.uuid4()), lifetime=lifetime
        )

    def _access_for(self, audience: Did, scopes: str, now: int) -> str:
        kept = self._access.get((audience, scopes))
        if kept is not None and now - kept[1] < self.lifetimes.access_reused_seconds:
            return kept[0]
        claims = access_claims(
            self._did,
            audience,
            scopes,
            jti=str(uuid.uuid4()),
            lifetime=(now, now + self.lifetimes.access_seconds),
        )
        text = write_jwt(claims, self._key)
        self._access[audience, scopes] = (text, now)
        self._access.move_to_end((audience, scopes))
        if len(self._access) > AUDIENCES_MAX:
            self._access.popitem(last=False)
        return text

    def _span(self) -> tuple[int, int]:
        now = self._now()
        return now, now + self.lifetimes.token_seconds

    def _now(self) -> int:
        return int(self._clock().timestamp())
