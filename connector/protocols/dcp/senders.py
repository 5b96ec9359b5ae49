"""Proves who sent a message by its self-issued token alone, and lets no token in twice.

Source: Decentralized Claims Protocol 1.0, 4.3.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from hashlib import sha256

from connector.errors import PartnerError, about
from connector.identifiers import Did
from connector.protocols.dcp.did import Purpose
from connector.protocols.dcp.jwt import LEEWAY_SECONDS
from connector.protocols.dcp.replay import SeenTokens
from connector.protocols.dcp.resolver import DidResolver
from connector.protocols.dcp.tokens import (
    SelfIssued,
    bearer_token,
    check_access,
    check_kid,
    check_signature,
    read_token,
)


class Senders:
    """The senders of messages to ``us``; for one event loop."""

    def __init__(
        self,
        us: Did,
        resolver: DidResolver,
        clock: Callable[[], datetime],
        seen: SeenTokens | None = None,
    ) -> None:
        self._us = us
        self._resolver = resolver
        self._clock = clock
        self._seen = seen or SeenTokens()

    async def prove(self, authorization: str | None, *, with_access: bool) -> tuple[Did, str]:
        """Return who sent a message, and the access token that its token brings.

        ``with_access`` refuses a token without one. Raises `PartnerError` when the proof
        fails, and `TransientError` when the sender's DID document cannot be had.
        """
        who, jwt = await self._proven(authorization, with_access=with_access)
        self._use(who, jwt, jwt.claims.jti)
        return who, jwt.claims.token

    async def prove_renewal(self, authorization: str | None) -> tuple[Did, str, str]:
        """Return who wants an access token renewed, that token, and access to its credentials.

        The last is empty where the sender gives none. Connectors of Tractus-X name the
        transfer as identifier of every such request: what may not come twice is all that is
        signed. Nor is it taken as another message afterwards. Raises as `prove`.
        """
        who, jwt = await self._proven(authorization, with_access=True)
        self._use(who, jwt, sha256(jwt.signed_part).hexdigest())
        with suppress(PartnerError):
            self._use(who, jwt, jwt.claims.jti)
        return who, jwt.claims.token, jwt.claims.presentation_access

    async def _proven(
        self, authorization: str | None, *, with_access: bool
    ) -> tuple[Did, SelfIssued]:
        now = self._clock().timestamp()
        who, jwt = read_token(bearer_token(authorization), audience=self._us, now=now)
        with about(who):
            if with_access:
                check_access(who, jwt)
            kid = check_kid(jwt.header.kid, who)
            key = await self._resolver.key(who, kid, Purpose.INVOCATION)
            check_signature(jwt, key, who=who)
        return who, jwt

    def _use(self, who: Did, jwt: SelfIssued, identifier: str) -> None:
        # Remembered only now: a forged token must not use up the identifier of a true one.
        now = self._clock().timestamp()
        expires = (jwt.claims.exp or now) + LEEWAY_SECONDS
        with about(who):
            self._seen.use(who, identifier, expires=expires, now=now)
