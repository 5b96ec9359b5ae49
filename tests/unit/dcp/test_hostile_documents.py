"""A caller's DID document may be anything; each kind of trouble has its own clear refusal."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import orjson
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from connector.errors import EslabonError, PartnerError, TransientError
from connector.identifiers import Did, did_web
from connector.protocols.dcp.did import write_document
from connector.protocols.dcp.keys import SigningKey
from tests.unit.dcp.conftest import Pair


async def answered(pair: Pair, response: Response) -> EslabonError:
    """Let a caller send a token whose DID document is answered like this."""

    async def document(_: Request) -> Response:
        return response

    def app(_: str) -> ASGIApp:
        return Starlette(routes=[Route("/.well-known/did.json", document)])

    did = did_web(await pair.space.serve(app))
    return await calls_as(pair, did)


async def calls_as(pair: Pair, did: Did) -> EslabonError:
    key = SigningKey(f"{did}#k", pair.supplier.key._private)
    header = pair.supplier.signed_by(key, pair.oem.did, iss=did, sub=did)
    with pytest.raises(EslabonError) as caught:
        await pair.oem.identity.authenticate(header)
    return caught.value


async def endless() -> AsyncIterator[bytes]:
    while True:
        yield b" " * 4096
        await asyncio.sleep(0)


async def slow() -> AsyncIterator[bytes]:
    while True:
        yield b" "
        await asyncio.sleep(0.05)


async def test_a_document_that_is_too_large_is_not_read_to_its_end(pair: Pair) -> None:
    trouble = await answered(pair, Response(b" " * 70_000))

    assert (PartnerError, "protocols:answer_too_large") == (type(trouble), trouble.code)


async def test_a_document_that_never_ends_is_cut_off(pair: Pair) -> None:
    trouble = await answered(pair, StreamingResponse(endless()))

    assert "protocols:answer_too_large" == trouble.code


async def test_a_document_that_trickles_is_given_up(pair: Pair) -> None:
    lines = pair.oem.identity._documents.known._lines
    lines._limits = replace(lines._limits, total_seconds=0.2)

    trouble = await answered(pair, StreamingResponse(slow()))

    assert (TransientError, "protocols:timed_out") == (type(trouble), trouble.code)


async def test_a_document_that_redirects_is_not_followed(pair: Pair) -> None:
    url = f"{pair.supplier.identity._settings.public_url}/.well-known/did.json"

    trouble = await answered(pair, RedirectResponse(url))

    assert (PartnerError, "protocols:redirect_refused") == (type(trouble), trouble.code)
    assert 0 == pair.supplier.asked.total()


async def test_a_document_that_is_missing_is_the_partners_move(pair: Pair) -> None:
    trouble = await answered(pair, Response(status_code=404))

    assert (PartnerError, "protocols:request_refused") == (type(trouble), trouble.code)


async def test_a_document_host_in_trouble_is_asked_again_later(pair: Pair) -> None:
    trouble = await answered(pair, Response(status_code=502))

    assert (TransientError, "protocols:partner_troubled") == (type(trouble), trouble.code)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"id":1}', b"[" * 60_000])
async def test_a_document_that_is_none_is_refused(pair: Pair, body: bytes) -> None:
    trouble = await answered(pair, Response(body))

    assert "connector.protocols.dcp:did_document_malformed" == trouble.code


async def test_a_document_of_somebody_else_is_refused(pair: Pair) -> None:
    body = orjson.dumps(write_document(pair.supplier.did, [pair.supplier.key], ()))

    trouble = await answered(pair, Response(body))

    assert "connector.protocols.dcp:did_document_of_other" == trouble.code


async def test_a_document_without_a_credential_service_is_refused(pair: Pair) -> None:
    async def document(request: Request) -> Response:
        did = did_web(str(request.base_url).rstrip("/"))
        key = SigningKey(f"{did}#k", pair.supplier.key._private)
        return Response(orjson.dumps(write_document(did, [key], ())))

    def app(_: str) -> ASGIApp:
        return Starlette(routes=[Route("/.well-known/did.json", document)])

    trouble = await calls_as(pair, did_web(await pair.space.serve(app)))

    assert "connector.protocols.dcp:no_credential_service" == trouble.code


async def test_private_networks_and_plain_http_are_refused_by_default(pair: Pair) -> None:
    strict = await pair.space.company(
        "strict", trusts=pair.authority, allow_http=False, allow_private_networks=False
    )
    plain = await pair.space.company("plain", trusts=pair.authority, allow_private_networks=False)
    for company in (strict, plain):
        header = pair.supplier.forged(company.did)

        with pytest.raises(PartnerError) as caught:
            await company.identity.authenticate(header)

        assert "protocols:address_private" == caught.value.code
    assert 0 == pair.supplier.asked.total()


@pytest.mark.parametrize(
    "did",
    [
        "did:key:z6Mk",
        "did:web:host%2Fpath",
        "did:web:user%40host",
        "did:web:host:..:x",
        "did:web:host:%2E%2E",
        "did:web:host:a%2Fb",
        "did:web:host%3Aport",
        "did:web:host:",
        "did:web:%5B::1%5D",
    ],
)
async def test_a_did_that_names_no_plain_place_is_refused(pair: Pair, did: str) -> None:
    trouble = await calls_as(pair, Did(did))

    assert "connector.protocols.dcp:did_not_web" == trouble.code
