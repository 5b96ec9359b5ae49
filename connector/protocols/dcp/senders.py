"""Proves who sent a message by its self-issued token alone, and lets no token in twice.

Source: Decentralized Claims Protocol 1.0, 4.3.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from connector.errors import about
from connector.identifiers import Did
from connector.protocols.dcp.did import Purpose
from connector.protocols.dcp.jwt import LEEWAY_SECONDS
from connector.protocols.dcp.replay import SeenTokens
from connector.protocols.dcp.resolver import DidResolver
from connector.protocols.dcp.tokens import (
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
        now = self._clock().timestamp()
        who, jwt = read_token(bearer_token(authorization), audience=self._us, now=now)
        with about(who):
            if with_access:
                check_access(who, jwt)
            kid = check_kid(jwt.header.kid, who)
            key = await self._resolver.key(who, kid, Purpose.INVOCATION)
            check_signature(jwt, key, who=who)
            # Remembered only now: a forged token must not use up the identifier of a true one.
            expires = (jwt.claims.exp or now) + LEEWAY_SECONDS
            self._seen.use(who, jwt.claims.jti, expires=expires, now=now)
        return who, jwt.claims.token
