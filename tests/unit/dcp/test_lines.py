"""Strangers may be slow, many and unreachable: partners and issuers never wait for them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from connector.errors import EslabonError, TransientError
from connector.identifiers import Did, did_web
from connector.protocols.dcp import lines
from connector.protocols.dcp.keys import SigningKey
from connector.protocols.dcp.lines import Lines
from connector.protocols.http import ClientLimits, GuardedClient
from tests.unit.dcp.conftest import Pair

OPEN = ClientLimits(allow_http=True, allow_private_networks=True)


async def trickle() -> AsyncIterator[bytes]:
    while True:
        yield b" "
        await asyncio.sleep(0.05)


def slow(_: str) -> ASGIApp:
    """Serve documents that never end, at every path."""

    async def document(_: Request) -> Response:
        return StreamingResponse(trickle())

    return Starlette(routes=[Route("/{path:path}", document)])


async def called_by(pair: Pair, did: Did) -> EslabonError:
    key = SigningKey(f"{did}#k", pair.supplier.key._private)
    header = pair.supplier.signed_by(key, pair.oem.did, iss=did, sub=did)
    with pytest.raises(EslabonError) as caught:
        await pair.oem.identity.authenticate(header)
    return caught.value


async def test_a_thousand_slow_strangers_keep_no_partner_waiting(pair: Pair) -> None:
    url = await pair.space.serve(slow)
    strangers = [did_web(f"{url}/{number}") for number in range(1_000)]
    calls = [asyncio.create_task(called_by(pair, did)) for did in strangers]
    await asyncio.sleep(1.0)

    begun = time.monotonic()
    caller = await pair.oem.identity.authenticate(await pair.call())
    seconds = time.monotonic() - begun
    turned_away = [task.result() for task in calls if task.done()]
    for task in calls:
        task.cancel()
    await asyncio.gather(*calls, return_exceptions=True)

    assert pair.supplier.did == caller.did
    assert seconds < 5
    # All but those that wait are told at once to come again.
    assert len(turned_away) >= 1_000 - lines.STRANGERS_REQUESTS_MAX
    assert {(TransientError, "protocols:line_busy")} == {(type(e), e.code) for e in turned_away}


async def test_a_strangers_document_is_fetched_by_the_strangers_line(pair: Pair) -> None:
    identity = pair.oem.identity
    stranger = Did("did:web:stranger.example")

    assert identity._documents.to(pair.supplier.did) is identity._documents.known
    assert identity._documents.to(pair.authority.did) is identity._documents.known
    assert identity._documents.to(stranger) is identity._documents.strangers
    assert identity._presentations.to(stranger) is identity._presentations.strangers


async def test_a_stranger_with_credentials_is_served_all_the_same(pair: Pair) -> None:
    caller = await pair.supplier.identity.authenticate(
        await pair.oem.identity.authorization_for(pair.supplier.did)
    )

    assert pair.oem.did == caller.did


async def test_places_are_given_back(pair: Pair) -> None:
    url = f"{pair.supplier.identity._settings.public_url}/.well-known/did.json"
    async with GuardedClient(replace(OPEN, requests_max=1)) as client:
        for _ in range(3):
            assert 200 == (await client.request("GET", url)).status
        waiting = asyncio.create_task(client.request("GET", await pair.space.serve(slow)))
        await asyncio.sleep(0.2)
        with pytest.raises(TransientError):
            await client.request("GET", url)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)

        assert 200 == (await client.request("GET", url)).status


async def test_one_line_for_all_is_the_same_for_everybody() -> None:
    client = GuardedClient(OPEN)

    assert client is Lines.one(client).to(Did("did:web:anybody.example"))
