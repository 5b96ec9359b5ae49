"""Tokens in our name are given to one program, by its secret, and to nobody else."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlencode

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.errors import PartnerError
from connector.identifiers import Did
from connector.protocols.dcp import attempts, token_desk
from connector.protocols.dcp.attempts import Allowance, Allowances, place_of
from connector.protocols.dcp.credentials import BPN
from connector.protocols.dcp.jwt import parse_jwt
from connector.protocols.dcp.keys import SigningKey
from connector.protocols.dcp.self_issuer import SelfIssuer
from connector.protocols.dcp.token_desk import WRONG_SECRETS, TokenClient, TokenDesk
from connector.protocols.dcp.tokens import AccessClaims, TokenClaims
from connector.protocols.http import Answer, ClientLimits, GuardedClient
from tests.unit.dcp.conftest import Clock, Company, Dataspace

CLIENT = TokenClient("edc", "a secret of sixteen characters")
PARTNER = Did("did:web:partner.example")
FORM = {
    "grant_type": "client_credentials",
    "client_id": CLIENT.client_id,
    "client_secret": CLIENT.secret,
    "audience": PARTNER,
}
SCOPE = f"org.eclipse.dspace.dcp.vc.type:{BPN}:read"


@pytest.fixture
async def plant(space: Dataspace) -> Company:
    return await space.company("plant", trusts=await space.authority(), token_client=CLIENT)


async def ask(plant: Company, form: dict[str, str]) -> Answer:
    url = f"{plant.identity._settings.public_url}/dcp/token"
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    limits = ClientLimits(allow_http=True, allow_private_networks=True)
    async with GuardedClient(limits) as client:
        return await client.request("POST", url, headers=headers, body=urlencode(form).encode())


def claims_of(answer: Answer) -> TokenClaims:
    text = orjson.loads(answer.body)["access_token"]
    return parse_jwt(text, TokenClaims, limit_bytes=16_384, who="us").claims


async def test_a_token_opens_our_credentials_for_the_scope_that_was_asked_for(
    plant: Company,
) -> None:
    answer = await ask(plant, {**FORM, "bearer_access_scope": SCOPE})

    claims = claims_of(answer)
    access = parse_jwt(claims.token, AccessClaims, limit_bytes=16_384, who="us").claims
    assert (200, "no-store") == (answer.status, answer.headers["cache-control"])
    assert (plant.did, plant.did, PARTNER) == (claims.iss, claims.sub, claims.aud)
    assert (SCOPE, PARTNER) == (access.scope, access.sub)


async def test_a_token_hands_back_the_access_that_a_partner_gave(plant: Company) -> None:
    assert "theirs" == claims_of(await ask(plant, {**FORM, "token": "theirs"})).token


async def test_a_token_that_nothing_was_asked_for_opens_nothing(plant: Company) -> None:
    assert claims_of(await ask(plant, FORM)).token == ""


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"client_secret": "wrong"}, 401),
        ({"client_secret": ""}, 401),
        ({"client_id": "other"}, 401),
        ({"grant_type": "password"}, 400),
        ({"audience": "nobody"}, 400),
        ({"audience": ""}, 400),
        ({"bearer_access_scope": SCOPE, "token": "theirs"}, 400),
        ({f"field{number}": "x" for number in range(30)}, 400),
    ],
)
async def test_a_wrong_request_gets_no_token(
    plant: Company, change: dict[str, str], status: int
) -> None:
    answer = await ask(plant, {**FORM, **change})

    assert status == answer.status
    assert "access_token" not in orjson.loads(answer.body)


async def test_nobody_gets_tokens_where_no_program_is_named(space: Dataspace) -> None:
    plant = await space.company("plant", trusts=await space.authority())

    assert 404 == (await ask(plant, FORM)).status


async def test_whoever_guesses_has_to_wait_even_for_the_right_secret(plant: Company) -> None:
    wrong = {**FORM, "client_secret": "a guess"}

    statuses = [(await ask(plant, wrong)).status for _ in range(WRONG_SECRETS.at_once)]
    refused = await ask(plant, FORM)
    plant.clock.shift += timedelta(seconds=10)
    granted = await ask(plant, FORM)

    assert {401} == set(statuses)
    assert (429, "10") == (refused.status, refused.headers["retry-after"])
    assert 200 == granted.status


def desk(clock: Clock, signing_key: SigningKey) -> TokenDesk:
    us = Did("did:web:us.example")
    return TokenDesk(CLIENT, SelfIssuer(signing_key, us, clock, scopes=""), clock)


def test_one_who_guesses_locks_nobody_else_out(signing_key: SigningKey) -> None:
    tokens = desk(Clock(), signing_key)
    for number in range(1_000):
        with pytest.raises(PartnerError):
            tokens.grant({**FORM, "client_secret": str(number)}, "192.0.2.1")

    assert b"access_token" in tokens.grant(FORM, "192.0.2.2")


def test_guesses_are_bounded_over_time(signing_key: SigningKey) -> None:
    """An hour of guessing from one address tests one secret in ten seconds."""
    moments = iter(Clock()() + timedelta(seconds=elapsed) for elapsed in range(0, 3_600, 2))
    issuer = SelfIssuer(signing_key, PARTNER, Clock(), scopes="")
    tokens = TokenDesk(CLIENT, issuer, lambda: next(moments))
    looked_at = 0
    for _ in range(1_800):
        with pytest.raises(PartnerError) as refused:
            tokens.grant({**FORM, "client_secret": "x"}, "192.0.2.1")
        looked_at += refused.value.code.endswith("token_client_refused")

    assert looked_at <= 3_600 / 10 + WRONG_SECRETS.at_once


def test_a_program_in_a_hurry_is_slowed_down(
    signing_key: SigningKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(token_desk, "TOKENS", Allowance(at_once=3, per_second=0.5))
    tokens = desk(Clock(), signing_key)
    for _ in range(3):
        tokens.grant(FORM, "192.0.2.1")

    with pytest.raises(PartnerError) as refused:
        tokens.grant(FORM, "192.0.2.1")

    assert refused.value.params["seconds"] == 2


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.1", "192.0.2.2", False),
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("?", "?", True),
    ],
)
def test_who_has_a_network_counts_as_one(one: str, other: str, *, same: bool) -> None:
    assert same == (place_of(one) == place_of(other))


@given(st.lists(st.tuples(st.sampled_from("ab"), st.floats(0, 100)), max_size=50))
def test_an_allowance_is_never_exceeded(uses: list[tuple[str, float]]) -> None:
    allowances = Allowances(Allowance(at_once=3, per_second=0.1))
    taken = {"a": 0, "b": 0}
    now = 0.0
    for place, pause in uses:
        now += pause
        if not allowances.wait_seconds(place, now):
            allowances.use(place, now)
            taken[place] += 1

    assert max(taken.values()) <= 3 + now * 0.1 + 1e-6


def test_the_places_that_are_remembered_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "PLACES_MAX", 2)
    allowances = Allowances(Allowance(at_once=1, per_second=0.1))
    for place in "abc":
        allowances.use(place, 0.0)

    assert [0, 10, 10] == [allowances.wait_seconds(place, 0.0) for place in "abc"]
