"""Allowances that are used up and come back with time: they bound guessing and haste; no I/O."""

from __future__ import annotations

import ipaddress
import math
from collections import OrderedDict
from dataclasses import dataclass

PLACES_MAX = 10_000


@dataclass(frozen=True, slots=True)
class Allowance:
    """How much may be done at once, and how much of it comes back in a second."""

    at_once: int
    per_second: float


class Allowances:
    """What is left to each place, for at most `PLACES_MAX` places, those used last.

    A place that was forgotten has its whole allowance again: who has that many addresses is
    bounded by the length of the secret instead.
    """

    def __init__(self, allowance: Allowance) -> None:
        self._allowance = allowance
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait_seconds(self, place: str, now: float) -> int:
        """Return how long a place has to wait until it may do one more; 0 if it may now."""
        left = self._left_at(place, now)
        return 0 if left >= 1 else math.ceil((1 - left) / self._allowance.per_second)

    def use(self, place: str, now: float) -> None:
        """Take one from a place's allowance."""
        self._left[place] = (max(self._left_at(place, now) - 1, 0), now)
        self._left.move_to_end(place)
        if len(self._left) > PLACES_MAX:
            self._left.popitem(last=False)

    def _left_at(self, place: str, now: float) -> float:
        whole = self._allowance.at_once
        left, since = self._left.get(place, (whole, now))
        return min(left + max(now - since, 0) * self._allowance.per_second, whole)


def place_of(address: str) -> str:
    """Return the place that an address counts for: itself, or its network of 64 bits in IPv6.

    Whoever has one address of such a network has all of them.
    """
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((int(parsed) >> 64 << 64, 64)))
