"""Remembers which tokens were used, so that none is accepted twice."""

from __future__ import annotations

import hashlib
import heapq
from collections import Counter

from connector.errors import PartnerError, TransientError

TOKENS_MAX = 200_000
TOKENS_PER_ISSUER_MAX = 100_000


class SeenTokens:
    """The identifiers of tokens that were accepted and have not expired yet.

    It forgets at a restart: within the remaining life of a token, a replay across a restart
    meets the state machines, which do not do the same thing twice. When it is full, further
    tokens are refused for the moment: forgetting an old one would let it in again.
    """

    def __init__(self) -> None:
        self._seen: set[bytes] = set()
        self._by_expiry: list[tuple[float, bytes, str]] = []
        self._per_issuer: Counter[str] = Counter()

    def use(self, issuer: str, jti: str, *, expires: float, now: float) -> None:
        """Note one use.

        Raises `PartnerError` when the token was used before, and `TransientError` when the
        issuer, or all together, sent more than we remember.
        """
        self._forget_expired(now)
        # A digest of fixed size, so that a sender cannot choose how much memory it takes.
        mark = hashlib.blake2b(f"{issuer}\n{jti}".encode(), digest_size=16).digest()
        if mark in self._seen:
            raise PartnerError("connector.protocols.dcp:token_used_before", who=issuer, jti=jti)
        if len(self._seen) >= TOKENS_MAX or self._per_issuer[issuer] >= TOKENS_PER_ISSUER_MAX:
            raise TransientError("connector.protocols.dcp:too_many_tokens", who=issuer)
        self._seen.add(mark)
        self._per_issuer[issuer] += 1
        heapq.heappush(self._by_expiry, (expires, mark, issuer))

    def _forget_expired(self, now: float) -> None:
        while self._by_expiry and self._by_expiry[0][0] < now:
            _, mark, issuer = heapq.heappop(self._by_expiry)
            self._seen.discard(mark)
            self._per_issuer[issuer] -= 1
            if not self._per_issuer[issuer]:
                del self._per_issuer[issuer]
