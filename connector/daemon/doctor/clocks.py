"""Holds our clock against that of others, as their answers date themselves."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from connector.protocols.dcp.did import DOCUMENT_BYTES_MAX
from connector.protocols.dcp.jwt import LEEWAY_SECONDS
from connector.protocols.http import GuardedClient

# Tokens are believed this long before and after their dates, here and elsewhere.
CLOCK_SECONDS_MAX = float(LEEWAY_SECONDS)
# The Date header counts in whole seconds: less than this is no sign of anything.
CLOCK_SECONDS_WARNED = 2.0


@dataclass(frozen=True, slots=True)
class Deviation:
    """How far clocks are apart: positive where the other side is ahead of us."""

    seconds: float

    @property
    def is_wrong(self) -> bool:
        """Whether tokens are refused for it."""
        return abs(self.seconds) > CLOCK_SECONDS_MAX

    @property
    def is_doubtful(self) -> bool:
        """Whether it is more than the way and the rounding explain."""
        return abs(self.seconds) > CLOCK_SECONDS_WARNED


def weighed(offsets: Iterable[float]) -> Deviation:
    """Return by how much we differ from most: one wrong clock among several says nothing."""
    return Deviation(statistics.median(offsets))


async def offset_seconds(
    client: GuardedClient, url: str, clock: Callable[[], datetime]
) -> float | None:
    """Return how far the clock behind a URL is ahead of ours; None if it tells no time.

    Any answer will do. Raises as `GuardedClient.request`.
    """
    asked = clock()
    answer = await client.request("GET", url, limit_bytes=DOCUMENT_BYTES_MAX)
    return offset_of(answer.headers.get("date", ""), asked, clock())


def offset_of(date: str, asked: datetime, answered: datetime) -> float | None:
    """Return how far a Date header (RFC 9110, 6.6.1) is ahead of the middle of a request."""
    try:
        told = parsedate_to_datetime(date)
    except ValueError:
        return None
    told = told if told.tzinfo else told.replace(tzinfo=UTC)
    middle = asked + (answered - asked) / 2
    # The header leaves out the fraction of its second: half of one on average.
    return (told - middle).total_seconds() + 0.5
