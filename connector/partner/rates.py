"""How much one partner may ask: a bucket of requests that fills at a steady rate; no I/O."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from connector.errors import TransientError
from connector.identifiers import Did
from connector.partner.model import Caller, Identity

PARTNERS_MAX = 10_000
TOLD_EVERY_SECONDS = 60.0


class TooManyRequestsError(TransientError):
    """A partner asks more than its share; ``retry_seconds`` is when there is room again."""

    def __init__(self, partner: str, retry_seconds: int, rate: float) -> None:
        """Word it for the partner."""
        super().__init__("partner:too_many", partner=partner, seconds=retry_seconds, rate=rate)
        self.retry_seconds = retry_seconds


@dataclass(frozen=True, slots=True)
class Share:
    """What each partner may ask: so many requests per second, and so many at once."""

    requests_per_second: float
    burst_requests: int


@dataclass(slots=True)
class _Bucket:
    """What is left of one partner's share, as of a moment; how many it was refused since."""

    left: float
    at: float
    refused: int = 0
    told_at: float = -math.inf


@dataclass(frozen=True, slots=True)
class Excess:
    """One partner's requests that were refused since it was last told of."""

    partner: str
    refused: int


def _nobody(_: Excess) -> None:
    """Tell nobody."""


class Rates:
    """The buckets of all partners; ``clock`` gives seconds that only go forward."""

    def __init__(
        self,
        share: Share,
        clock: Callable[[], float],
        told: Callable[[Excess], None] = _nobody,
    ) -> None:
        """Take the share of each; ``told`` hears of an excess once in a while, not each time."""
        self._share = share
        self._clock = clock
        self._told = told
        self._buckets: dict[str, _Bucket] = {}

    def take(self, partner: str) -> None:
        """Count one request; raises `TooManyRequestsError` when there is no room for it."""
        now, share = self._clock(), self._share
        bucket = self._buckets.get(partner)
        if bucket is None:
            bucket = self._new(partner, now)
        gained = (now - bucket.at) * share.requests_per_second
        bucket.left = min(share.burst_requests, bucket.left + gained)
        bucket.at = now
        if bucket.left < 1:
            self._refuse(partner, bucket, now)
        bucket.left -= 1

    def _refuse(self, partner: str, bucket: _Bucket, now: float) -> None:
        bucket.refused += 1
        if now - bucket.told_at >= TOLD_EVERY_SECONDS:
            self._told(Excess(partner, bucket.refused))
            bucket.told_at, bucket.refused = now, 0
        rate = self._share.requests_per_second
        raise TooManyRequestsError(partner, math.ceil((1 - bucket.left) / rate), rate)

    def _new(self, partner: str, now: float) -> _Bucket:
        if len(self._buckets) >= PARTNERS_MAX:
            # Partners are in the address book: more than it can hold are none of ours.
            self._buckets.clear()
        bucket = self._buckets[partner] = _Bucket(float(self._share.burst_requests), now)
        return bucket


@dataclass(frozen=True, slots=True)
class RatedIdentity:
    """An identity that proves a caller, and then counts the request as that partner's."""

    identity: Identity
    rates: Rates

    async def authenticate(self, authorization: str | None) -> Caller:
        """Return who sent a request; raises as the identity, and `TooManyRequestsError`."""
        caller = await self.identity.authenticate(authorization)
        self.rates.take(caller.bpnl)
        return caller

    async def authorization_for(self, audience: Did) -> str:
        """Return the ``Authorization`` header value of one message to ``audience``."""
        return await self.identity.authorization_for(audience)
