"""How long a process with a partner may take, and how many a partner may have."""

from __future__ import annotations

from dataclasses import dataclass

_HOUR = 3600.0
_DAY = 24 * _HOUR


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeLimits:
    """Every deadline of an exchange, in seconds, and every bound on their number.

    ``delivery_seconds``: how long a message is sent again until it arrives.
    ``negotiation_seconds``: how long a negotiation waits in one state for the partner.
    ``request_seconds``: how long a transfer waits until it starts.
    ``started_seconds``, ``suspended_seconds``: how long a transfer stays in that state.
    ``kept_seconds``: how long the messages of an ended process are kept.
    ``partner_negotiations_max``, ``partner_transfers_max``: how many one partner may have
    that are not over.
    """

    delivery_seconds: float = _DAY
    negotiation_seconds: float = _HOUR
    request_seconds: float = _HOUR
    started_seconds: float = 30 * _DAY
    suspended_seconds: float = 7 * _DAY
    kept_seconds: float = 30 * _DAY
    partner_negotiations_max: int = 1000
    partner_transfers_max: int = 10_000

    def negotiation_patience(self, state: str | None) -> float:
        """Return for how many seconds a negotiation may stand still in a state: in any."""
        del state
        return self.negotiation_seconds

    def transfer_patience(self, state: str | None) -> float:
        """Return for how many seconds a transfer may stand still in a state."""
        known = {"STARTED": self.started_seconds, "SUSPENDED": self.suspended_seconds}
        return known.get(state or "", self.request_seconds)
