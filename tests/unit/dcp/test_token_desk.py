"""Tokens in our name are given to one program, by its secret, and to nobody else."""

from __future__ import annotations

from urllib.parse import urlencode

import orjson
import pytest

from connector.identifiers import Did
from connector.protocols.dcp.credentials import BPN
from connector.protocols.dcp.jwt import parse_jwt
from connector.protocols.dcp.token_desk import TokenClient
from connector.protocols.dcp.tokens import AccessClaims, TokenClaims
from connector.protocols.http import Answer, ClientLimits, GuardedClient
from tests.unit.dcp.conftest import Company, Dataspace

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
