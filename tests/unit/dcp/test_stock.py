"""Tokens that are signed ahead are used once, soon, and by the partner that they are for."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from connector.identifiers import Did
from connector.protocols.dcp import stock
from connector.protocols.dcp.jwt import parse_jwt
from connector.protocols.dcp.keys import SigningKey
from connector.protocols.dcp.self_issuer import SelfIssuer
from connector.protocols.dcp.stock import TokenStock
from connector.protocols.dcp.tokens import TokenClaims
from tests.unit.dcp.conftest import Clock

US = Did("did:web:us.example")
PARTNER, OTHER = Did("did:web:partner.example"), Did("did:web:other.example")


def claims_of(token: str) -> TokenClaims:
    return parse_jwt(token, TokenClaims, limit_bytes=16_384, who="us").claims


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tokens(clock: Clock, signing_key: SigningKey) -> TokenStock:
    return TokenStock(SelfIssuer(signing_key, US, clock, scopes=""), clock)


async def taken(tokens: TokenStock, audience: Did = PARTNER) -> str:
    """One token, and a turn of the loop in which the next one is made."""
    token = tokens.take(audience)
    await asyncio.sleep(0)
    return token


async def test_no_two_messages_go_with_the_same_token(tokens: TokenStock) -> None:
    at_once = [tokens.take(PARTNER) for _ in range(3)]
    in_turn = [await taken(tokens) for _ in range(3)]

    assert 6 == len({claims_of(token).jti for token in at_once + in_turn})


async def test_every_partner_gets_tokens_for_itself(tokens: TokenStock) -> None:
    audiences = [PARTNER, OTHER, PARTNER, OTHER]

    assert audiences == [claims_of(await taken(tokens, one)).aud for one in audiences]


async def test_the_next_message_finds_its_token_made(tokens: TokenStock) -> None:
    await taken(tokens)
    made, _ = tokens._ready[PARTNER]

    assert made == await taken(tokens)


@pytest.mark.parametrize("seconds", [6, -6])
async def test_what_was_made_at_another_time_is_not_used(
    tokens: TokenStock, clock: Clock, seconds: int
) -> None:
    await taken(tokens)
    made, _ = tokens._ready[PARTNER]
    clock.shift += timedelta(seconds=seconds)
    token = await taken(tokens)

    assert made != token
    assert clock.seconds() - 1 <= (claims_of(token).iat or 0) <= clock.seconds()


async def test_tokens_are_kept_for_so_many_partners_only(
    tokens: TokenStock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stock, "AUDIENCES_MAX", 3)
    for number in range(10):
        await taken(tokens, Did(f"did:web:p{number}.example"))

    assert 3 == len(tokens._ready)
