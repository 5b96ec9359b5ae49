"""Asking a provider for new tokens: what it may answer, and where it may send us."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from urllib.parse import parse_qs

import aiohttp.web
import pytest

from connector.errors import EslabonError, PartnerError, TransientError
from connector.identifiers import Did
from connector.partner.model import Renewal
from connector.protocols.dataplane.outbound import ANSWER_BYTES_MAX, RefreshClient
from connector.protocols.http import ClientLimits, GuardedClient
from connector.transfer.model import AccessGrant, RefreshTerms
from tests.builders.exchange import NOW

PARTNER = Did("did:web:p.example")
GOOD = {"access_token": "A2", "refresh_token": "R2", "expires_in": 60, "token_type": "bearer"}
Answer = Callable[[aiohttp.web.Request], Awaitable[aiohttp.web.StreamResponse]]


class PlayedRenewals:
    async def renewal(self, authorization: str | None) -> Renewal:
        raise NotImplementedError

    async def renewal_authorization(self, provider: Did, audience: str, token: str) -> str:
        return f"Bearer {provider} {audience} {token}"


@dataclass
class Provider:
    """A provider that answers as a test says, and notes what it was asked."""

    url: str = ""
    answer: Answer = field(default=lambda _: _json(GOOD))
    asked: list[tuple[str, str, dict[str, list[str]], str]] = field(default_factory=list)

    async def handle(self, request: aiohttp.web.Request) -> aiohttp.web.StreamResponse:
        form = parse_qs(await request.text())
        authorization = request.headers["Authorization"]
        self.asked.append((request.path, request.query_string, form, authorization))
        return await self.answer(request)


async def _json(body: object, status: int = 200) -> aiohttp.web.Response:
    return aiohttp.web.json_response(body, status=status)


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    provider = Provider()
    app = aiohttp.web.Application()
    app.router.add_route("*", "/{tail:.*}", provider.handle)
    runner = aiohttp.web.AppRunner(app)
    await runner.setup()
    site = aiohttp.web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    provider.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield provider
    await runner.cleanup()


async def _vouched(_: Did) -> frozenset[str]:
    return frozenset({"127.0.0.1"})


@pytest.fixture
async def client() -> AsyncIterator[RefreshClient]:
    guarded = GuardedClient(ClientLimits(allow_http=True, allow_private_networks=True))
    async with guarded:
        yield RefreshClient(guarded, PlayedRenewals(), _vouched)


def _grant(endpoint: str, audience: str = PARTNER) -> AccessGrant:
    until = NOW + timedelta(minutes=5)
    terms = RefreshTerms("R1", endpoint, audience)
    return AccessGrant(
        PARTNER, "urn:d", "http://127.0.0.1:1/api", "A1", until, "urn:t", "a", None, terms
    )


@pytest.mark.parametrize("suffix", ["/refresh", "/refresh/", "/refresh/token"])
async def test_the_form_goes_to_the_token_address_with_a_proof_about_the_old_token(
    provider: Provider, client: RefreshClient, suffix: str
) -> None:
    answer = await client.renewed(_grant(provider.url + suffix))

    form = {"grant_type": ["refresh_token"], "refresh_token": ["R1"]}
    proof = f"Bearer {PARTNER} {PARTNER} A1"
    assert [("/refresh/token", "", form, proof)] == provider.asked
    assert ("A2", "R2", 60) == (answer.token, answer.refresh_token, answer.expires_seconds)


async def test_without_an_address_of_its_own_the_data_endpoint_is_asked(
    provider: Provider, client: RefreshClient
) -> None:
    await client.renewed(replace(_grant(""), endpoint=f"{provider.url}/api/public"))

    assert ["/api/public/token"] == [path for path, *_ in provider.asked]


async def test_an_older_connector_gets_the_form_in_the_address(
    provider: Provider, client: RefreshClient
) -> None:
    async def old(request: aiohttp.web.Request) -> aiohttp.web.Response:
        return await _json(GOOD, 200 if "refresh_token" in request.query else 400)

    provider.answer = old
    answer = await client.renewed(_grant(provider.url))

    assert "A2" == answer.token
    assert ["", "grant_type=refresh_token&refresh_token=R1"] == [q for _, q, *_ in provider.asked]


@pytest.mark.parametrize(
    ("body", "seconds", "refresh"),
    [
        ({"access_token": "A", "refresh_token": "R", "expires_in": "300"}, 300, "R"),
        ({"access_token": "A", "refresh_token": "R", "expires": 299}, 299, "R"),
        ({"access_token": "A", "refresh_token": "R"}, None, "R"),
        ({"access_token": "A", "expires_in": 5}, 5, "R1"),
        ({"access_token": "A", "refresh_token": "R", "expires_in": 10**12}, 2_592_000, "R"),
        ({"access_token": "A", "refresh_token": "R", "expires_in": 1, "more": [{}]}, 1, "R"),
    ],
)
async def test_the_answers_of_the_field_are_understood(
    provider: Provider,
    client: RefreshClient,
    body: dict[str, object],
    seconds: int | None,
    refresh: str,
) -> None:
    provider.answer = lambda _: _json(body)
    answer = await client.renewed(_grant(provider.url))

    assert ("A", refresh, seconds) == (answer.token, answer.refresh_token, answer.expires_seconds)


HOSTILE: tuple[object, ...] = (
    {},
    [],
    "x",
    {"access_token": ""},
    {"access_token": 7, "refresh_token": {}},
    {"access_token": "A", "expires_in": -1},
    {"access_token": "A", "expires_in": "soon"},
    {"access_token": "A" * 20_000},
    {"access_token": "A", "refresh_token": ""},
)


@pytest.mark.parametrize("body", HOSTILE, ids=lambda one: str(one)[:40])
async def test_an_answer_without_sense_is_the_partners_fault(
    provider: Provider, client: RefreshClient, body: object
) -> None:
    provider.answer = lambda _: _json(body)

    with pytest.raises(PartnerError, match="cannot be understood"):
        await client.renewed(_grant(provider.url))


@pytest.mark.parametrize("status", [401, 403, 404, 302])
async def test_a_refusal_is_the_partners_and_shows_no_token(
    provider: Provider, client: RefreshClient, status: int
) -> None:
    provider.answer = lambda _: _json({"error": "invalid_grant"}, status)

    with pytest.raises(PartnerError) as refused:
        await client.renewed(_grant(provider.url))
    assert "R1" not in str(refused.value)


async def test_a_refusal_of_the_second_form_shows_no_token_either(
    provider: Provider, client: RefreshClient
) -> None:
    provider.answer = lambda _: _json({}, 400)

    with pytest.raises(PartnerError) as refused:
        await client.renewed(_grant(provider.url))
    assert "R1" not in str(refused.value)
    assert 2 == len(provider.asked)


@pytest.mark.parametrize("status", [500, 503, 429])
async def test_a_provider_in_trouble_is_asked_again_later(
    provider: Provider, client: RefreshClient, status: int
) -> None:
    provider.answer = lambda _: _json({}, status)

    with pytest.raises(TransientError):
        await client.renewed(_grant(provider.url))


async def test_a_giant_answer_is_cut_off(provider: Provider, client: RefreshClient) -> None:
    async def giant(_: aiohttp.web.Request) -> aiohttp.web.Response:
        return aiohttp.web.Response(body=b"{" + b" " * ANSWER_BYTES_MAX)

    provider.answer = giant

    with pytest.raises(PartnerError) as refused:
        await client.renewed(_grant(provider.url))
    assert "protocols:answer_too_large" == refused.value.code


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://localhost:{port}/refresh",
        "http://169.254.169.254/latest",
        "https://foreign.example/refresh",
        "http://127.0.0.1.foreign.example/refresh",
        "http://127.0.0.1:{port}@foreign.example/refresh",
        "http://foreign.example\\@127.0.0.1:{port}/refresh",
        "ftp://127.0.0.1:{port}/refresh",
        "file:///etc/passwd",
        "//127.0.0.1:{port}/refresh",
        "not an address",
    ],
)
async def test_an_address_for_which_nobody_vouches_is_not_called(
    provider: Provider, client: RefreshClient, endpoint: str
) -> None:
    port = provider.url.rpartition(":")[2]

    with pytest.raises(PartnerError):
        await client.renewed(_grant(endpoint.format(port=port)))
    assert [] == provider.asked


@pytest.mark.parametrize("host", ["127.0.0.1", "10.1.2.3", "[::1]", "169.254.169.254"])
async def test_a_host_in_our_own_network_is_not_called_though_the_partner_vouches_for_it(
    provider: Provider, host: str
) -> None:
    async def vouched(_: Did) -> frozenset[str]:
        return frozenset({host.strip("[]")})

    async with GuardedClient(ClientLimits(allow_http=True)) as guarded:
        client = RefreshClient(guarded, PlayedRenewals(), vouched)
        port = provider.url.rpartition(":")[2]
        with pytest.raises(EslabonError) as refused:
            await client.renewed(_grant(f"http://{host}:{port}/refresh"))

    assert "protocols:address_private" == refused.value.code
    assert [] == provider.asked
