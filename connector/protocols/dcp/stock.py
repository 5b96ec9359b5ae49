"""Tokens that are signed ahead: nobody waits for a signature where messages follow each other.

Each goes with one message, as one signed on the spot does. The next one is made at the loop's
next turn, when the message that asked for this one is on its way and its receiver at work.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime, timedelta

from connector.identifiers import Did
from connector.protocols.dcp.self_issuer import SelfIssuer

AUDIENCES_MAX = 1_000
# Far less than a token's life, and longer than a partner takes between two messages.
KEPT = timedelta(seconds=5)


class TokenStock:
    """One token ready for every partner that was written to a moment ago; for one event loop."""

    def __init__(self, issuer: SelfIssuer, clock: Callable[[], datetime]) -> None:
        self._issuer = issuer
        self._clock = clock
        self._ready: OrderedDict[Did, tuple[str, datetime]] = OrderedDict()

    def take(self, audience: Did) -> str:
        """Return a token for one message to ``audience``: no other message had it or gets it."""
        ready = self._ready.pop(audience, None)
        asyncio.get_running_loop().call_soon(self._replenish, audience)
        if ready is not None and timedelta() <= self._clock() - ready[1] < KEPT:
            return ready[0]
        return self._issuer.token_for(audience)

    def _replenish(self, audience: Did) -> None:
        if audience in self._ready:
            return
        self._ready[audience] = (self._issuer.token_for(audience), self._clock())
        if len(self._ready) > AUDIENCES_MAX:
            self._ready.popitem(last=False)
