"""Used tokens are remembered while they hold, within bounds."""

from __future__ import annotations

import pytest

from connector.errors import PartnerError, TransientError
from connector.protocols.dcp import replay
from connector.protocols.dcp.replay import SeenTokens


def test_a_token_is_used_once_per_issuer() -> None:
    seen = SeenTokens()
    seen.use("a", "1", expires=100, now=50)
    seen.use("b", "1", expires=100, now=50)
    seen.use("a", "2", expires=100, now=50)

    with pytest.raises(PartnerError):
        seen.use("a", "1", expires=200, now=100)


def test_what_has_expired_is_forgotten() -> None:
    seen = SeenTokens()
    for number in range(100):
        seen.use("a", str(number), expires=number, now=0)
    seen.use("a", "last", expires=500, now=200)

    assert (1, 1, {"a": 1}) == (len(seen._seen), len(seen._by_expiry), seen._per_issuer)


def test_one_issuer_cannot_take_all_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "TOKENS_PER_ISSUER_MAX", 3)
    seen = SeenTokens()
    for number in range(3):
        seen.use("greedy", str(number), expires=100, now=0)

    with pytest.raises(TransientError):
        seen.use("greedy", "x", expires=100, now=0)
    seen.use("modest", "x", expires=100, now=0)
    seen.use("greedy", "x", expires=200, now=101)


def test_all_issuers_together_are_bounded_and_none_is_forgotten_early(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(replay, "TOKENS_MAX", 3)
    seen = SeenTokens()
    for number in range(3):
        seen.use(f"issuer {number}", "1", expires=100, now=0)

    with pytest.raises(TransientError):
        seen.use("issuer 9", "1", expires=100, now=0)
    with pytest.raises(PartnerError):
        seen.use("issuer 0", "1", expires=100, now=0)
