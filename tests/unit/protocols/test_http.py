"""The guarded client reaches what it may, and nothing else."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import ipaddress
import socket
from collections.abc import AsyncIterator, Awaitable
from typing import cast

import pytest

from connector.errors import EslabonError, PartnerError, TransientError
from connector.protocols.http import (
    Answer,
    ClientLimits,
    GuardedClient,
    GuardedResolver,
    is_public,
    permitted_url,
)

OPEN = ClientLimits(allow_http=True, allow_private_networks=True, total_seconds=0.5)


@pytest.fixture
async def client() -> AsyncIterator[GuardedClient]:
    async with GuardedClient(OPEN) as opened:
        yield opened


@contextlib.asynccontextmanager
async def server(raw: bytes, *, stays: bool = False, echo: bool = False) -> AsyncIterator[str]:
    """A server that reads a request's head and writes these bytes, whatever was asked.

    One that ``stays`` does not hang up before the test is over; one with an ``echo`` answers
    with the head that it was sent.
    """
    over = asyncio.Event()
    calls: list[asyncio.Task[None]] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        calls.append(cast("asyncio.Task[None]", asyncio.current_task()))
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            writer.write(http("200 OK", head) if echo else raw)
            await writer.drain()
            if stays:
                await over.wait()
            writer.close()
            await writer.wait_closed()

    listening = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with listening:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/x"
        over.set()
        await asyncio.gather(*calls)


def http(status: str, body: bytes = b"", **headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


async def trouble_of(call: Awaitable[Answer]) -> EslabonError:
    with pytest.raises(EslabonError) as caught:
        await call
    return caught.value


async def test_an_answer_comes_back_whole(client: GuardedClient) -> None:
    async with server(http("201 Created", b"hello", X_Kind="one")) as url:
        answer = await client.post(url, b"body")

    assert (201, b"hello", "one") == (answer.status, answer.body, answer.headers["x-kind"])


async def test_an_answer_may_come_compressed(client: GuardedClient) -> None:
    async with server(http("200 OK", gzip.compress(b"hello"), Content_Encoding="gzip")) as url:
        answer = await client.get(url)

    assert b"hello" == answer.body


async def test_compression_is_asked_for_by_name(client: GuardedClient) -> None:
    async with server(b"", echo=True) as url:
        answer = await client.get(url)

    assert b"Accept-Encoding: gzip\r\n" in answer.body


async def test_a_header_that_comes_twice_is_read_as_a_list(client: GuardedClient) -> None:
    async with server(http("200 OK", Link='</2>; rel="next"', link='</0>; rel="prev"')) as url:
        answer = await client.get(url)

    assert '</2>; rel="next", </0>; rel="prev"' == answer.headers["link"]


async def test_a_request_returns_every_status_and_get_only_success(client: GuardedClient) -> None:
    async with server(http("409 Conflict", b"why")) as url:
        answer = await client.request("GET", url)
        trouble = await trouble_of(client.get(url))

    assert (409, b"why") == (answer.status, answer.body)
    assert {"url": url, "status": 409} == trouble.params


@pytest.mark.parametrize(
    ("status", "kind", "code"),
    [
        ("302 Found", PartnerError, "protocols:redirect_refused"),
        ("400 Bad Request", PartnerError, "protocols:request_refused"),
        ("404 Not Found", PartnerError, "protocols:request_refused"),
        ("429 Too Many Requests", TransientError, "protocols:partner_troubled"),
        ("500 Oh", TransientError, "protocols:partner_troubled"),
        ("503 Later", TransientError, "protocols:partner_troubled"),
    ],
)
async def test_a_status_says_whose_move_is_next(
    client: GuardedClient, status: str, kind: type[EslabonError], code: str
) -> None:
    async with server(http(status, Location="http://127.0.0.1:1/")) as url:
        trouble = await trouble_of(client.get(url))

    assert (kind, code) == (type(trouble), trouble.code)


async def test_a_body_over_the_limit_is_refused_by_its_announced_length(
    client: GuardedClient,
) -> None:
    async with server(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n", stays=True) as url:
        trouble = await trouble_of(client.get(url, limit_bytes=1000))

    assert (PartnerError, "protocols:answer_too_large") == (type(trouble), trouble.code)


async def test_a_small_answer_that_unfolds_into_a_large_one_is_refused(
    client: GuardedClient,
) -> None:
    bomb = gzip.compress(b"\0" * 10_000_000)
    async with server(http("200 OK", bomb, Content_Encoding="gzip")) as url:
        trouble = await trouble_of(client.get(url, limit_bytes=100_000))

    assert "protocols:answer_too_large" == trouble.code
    assert len(bomb) < 100_000


@pytest.mark.parametrize("raw", [b"", b"garbage\r\n\r\n", b"HTTP/1.1 200 OK\r\nConte"])
async def test_what_is_no_http_is_tried_again_later(client: GuardedClient, raw: bytes) -> None:
    async with server(raw) as url:
        trouble = await trouble_of(client.get(url))

    assert (TransientError, "protocols:unreachable") == (type(trouble), trouble.code)


async def test_a_side_that_never_answers_is_given_up(client: GuardedClient) -> None:
    async with server(b"", stays=True) as url:
        trouble = await trouble_of(client.get(url))

    assert (TransientError, "protocols:timed_out") == (type(trouble), trouble.code)


async def test_a_port_where_nobody_listens_is_tried_again_later(client: GuardedClient) -> None:
    trouble = await trouble_of(client.get("http://127.0.0.1:1/"))

    assert (TransientError, "protocols:unreachable") == (type(trouble), trouble.code)


async def test_a_name_that_does_not_exist_is_tried_again_later(client: GuardedClient) -> None:
    trouble = await trouble_of(client.get("http://does-not-exist.invalid/"))

    assert (TransientError, "protocols:unreachable") == (type(trouble), trouble.code)


async def test_only_the_named_hosts_are_reached(client: GuardedClient) -> None:
    narrowed = client.reaching(frozenset({"partner.example"}))

    trouble = await trouble_of(narrowed.get("http://127.0.0.1:1/"))

    assert (PartnerError, "protocols:host_not_vouched") == (type(trouble), trouble.code)


async def test_a_closed_client_opens_again(client: GuardedClient) -> None:
    async with server(http("200 OK")) as url:
        await client.get(url)
        await client.close()

        assert 200 == (await client.get(url)).status


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://partner.example/", "scheme_refused"),
        ("ftp://partner.example/", "scheme_refused"),
        ("file:///etc/passwd", "url_malformed"),
        ("https:///x", "url_malformed"),
        ("/x", "url_malformed"),
        ("", "url_malformed"),
        ("https://[::1", "url_malformed"),
        ("https://host:port/", "url_malformed"),
        ("https://partner.example@127.0.0.1/", "url_malformed"),
        ("https://127.0.0.1/", "address_private"),
        ("https://10.1.2.3:8080/x", "address_private"),
        ("https://169.254.169.254/latest", "address_private"),
        ("https://[::1]/", "address_private"),
        ("https://[::ffff:10.0.0.1]/", "address_private"),
        ("https://[fe80::1]/", "address_private"),
        ("https://0.0.0.0/", "address_private"),
    ],
)
def test_an_address_that_may_not_be_called_says_why(url: str, code: str) -> None:
    with pytest.raises(PartnerError) as caught:
        permitted_url(url, ClientLimits())

    assert f"protocols:{code}" == caught.value.code


@pytest.mark.parametrize("name", ["localhost", "2130706433", "0x7f000001", "127.1"])
async def test_a_name_of_this_machine_is_refused_where_it_is_resolved(name: str) -> None:
    async with GuardedClient(ClientLimits(allow_http=True)) as client:
        trouble = await trouble_of(client.get(f"http://{name}:1/"))

    assert PartnerError is type(trouble)
    assert trouble.code in {"protocols:address_private", "protocols:url_malformed"}


async def test_the_resolver_hands_out_only_checked_addresses() -> None:
    with pytest.raises(PartnerError):
        await GuardedResolver(ClientLimits()).resolve("localhost", 80, socket.AF_UNSPEC)

    found = await GuardedResolver(OPEN).resolve("localhost", 80, socket.AF_INET)
    assert {"127.0.0.1"} == {one["host"] for one in found}


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1::1", True),
        ("64:ff9b::5db8:d822", True),
        ("192.168.1.1", False),
        ("100.64.0.1", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::", False),
        ("fc00::1", False),
        ("ff02::1", False),
        ("64:ff9b::a00:1", False),
        ("2002:a00:1::", False),
        ("2001:0:1::1", False),
        ("::ffff:127.0.0.1", False),
    ],
)
def test_an_address_is_public_or_not_also_in_disguise(address: str, public: bool) -> None:
    assert public == is_public(ipaddress.ip_address(address))
