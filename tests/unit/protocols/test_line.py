"""What goes out and comes back over one line, as a session of the library would do it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping

import aiohttp
import pytest
from yarl import URL

from connector.errors import TransientError
from connector.protocols import line
from connector.protocols.http import ClientLimits, GuardedClient

OPEN = ClientLimits(allow_http=True, allow_private_networks=True, total_seconds=2.0)
FINE = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine"
GIVEN = {"Authorization": "Bearer x", "Content-Type": "application/json", "Accept": "text/plain"}


class Host:
    """A server that answers request after request, and remembers their heads by connection."""

    def __init__(self, answer: bytes = FINE, *, answers_max: int = 1000) -> None:
        self.answer = answer
        self.answers_max = answers_max
        self.heads: list[list[bytes]] = []
        self._writers: list[asyncio.StreamWriter] = []

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[str]:
        listening = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        async with listening:
            try:
                yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/x/y?z=%20"
            finally:
                for writer in self._writers:
                    writer.transport.abort()
                await asyncio.sleep(0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        heads: list[bytes] = []
        self.heads.append(heads)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while len(heads) < self.answers_max:
                head = await reader.readuntil(b"\r\n\r\n")
                if b"content-length" in head.lower() and b"Expect-No-Reader" not in head:
                    await reader.readexactly(_announced(head))
                heads.append(head)
                writer.write(self.answer)
                await writer.drain()
        writer.close()


def _announced(head: bytes) -> int:
    return int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])


@pytest.fixture
async def client() -> AsyncIterator[GuardedClient]:
    async with GuardedClient(OPEN) as opened:
        yield opened


@pytest.mark.parametrize("headers", [GIVEN, {}])
@pytest.mark.parametrize(
    ("method", "body"),
    [("GET", None), ("POST", b'{"a": 1}'), ("POST", b""), ("POST", None), ("HEAD", None)],
)
async def test_a_request_is_what_a_session_of_the_library_would_send(
    client: GuardedClient, method: str, body: bytes | None, headers: Mapping[str, str]
) -> None:
    host = Host(FINE if method != "HEAD" else FINE.removesuffix(b"fine"))
    async with host.open() as url:
        await client.request(method, url, headers=headers, body=body)
        async with (
            aiohttp.ClientSession(headers={"Accept-Encoding": "gzip"}) as session,
            session.request(method, url, headers=headers, data=body) as reply,
        ):
            await reply.read()

    ours, theirs = (heads[0] for heads in host.heads)
    assert sorted(theirs.split(b"\r\n")) == sorted(ours.split(b"\r\n"))
    assert theirs.split(b"\r\n")[:2] == ours.split(b"\r\n")[:2]


async def test_a_connection_serves_many_requests(client: GuardedClient) -> None:
    host = Host()
    async with host.open() as url:
        answers = [await client.post(url, b"body") for _ in range(3)]

    assert [b"fine"] * 3 == [one.body for one in answers]
    assert [3] == [len(heads) for heads in host.heads]


async def test_a_get_is_asked_once_more_where_its_connection_was_just_closed(
    client: GuardedClient,
) -> None:
    host = Host(answers_max=1)
    async with host.open() as url:
        bodies = [(await client.get(url)).body for _ in range(3)]

    assert [b"fine"] * 3 == bodies


async def test_a_post_is_never_sent_twice_by_itself(client: GuardedClient) -> None:
    host = Host(b"", answers_max=1)
    async with host.open() as url:
        with pytest.raises(TransientError):
            await client.post(url, b"body")

    assert 1 == len(host.heads)


async def test_a_get_is_not_asked_a_third_time(client: GuardedClient) -> None:
    host = Host(b"", answers_max=1)
    async with host.open() as url:
        with pytest.raises(TransientError):
            await client.get(url)

    assert 2 == len(host.heads)


@pytest.mark.parametrize("code", [b"100 Continue", b"103 Early Hints"])
async def test_an_interim_answer_is_passed_over(client: GuardedClient, code: bytes) -> None:
    async with Host(b"HTTP/1.1 " + code + b"\r\n\r\n" + FINE).open() as url:
        answer = await client.post(url, b"body")

    assert (200, b"fine") == (answer.status, answer.body)


async def test_what_is_no_http_is_quoted_in_one_line(client: GuardedClient) -> None:
    async with Host(b"no\x1b[2J http\r\nat: all\r\n\r\n").open() as url:
        with pytest.raises(TransientError) as caught:
            await client.get(url)

    reason = str(caught.value.params["reason"])
    assert reason.startswith("400, message=")
    assert reason.isprintable()


async def test_an_answer_may_come_before_the_whole_body_was_taken(client: GuardedClient) -> None:
    host = Host()
    async with host.open() as url:
        large = bytes(20_000_000)
        answer = await client.post(url, large, headers={"Expect-No-Reader": "1"})
        again = await client.get(url)

    assert (b"fine", b"fine") == (answer.body, again.body)
    assert 2 == len(host.heads), "what was left of the body must not be read as a request"


@pytest.mark.parametrize("name", ["Authorization", "X\r\nInjected"])
async def test_a_header_cannot_begin_another_one(client: GuardedClient, name: str) -> None:
    async with Host().open() as url:
        with pytest.raises(ValueError, match="injection"):
            await client.get(url, headers={name: "Bearer x\r\nInjected: y"})

        assert b"fine" == (await client.get(url)).body


async def test_a_request_that_is_given_up_takes_its_connection_with_it(
    client: GuardedClient,
) -> None:
    host = Host(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n")
    async with host.open() as url:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await client.get(url)
        host.answer = FINE

        assert b"fine" == (await client.get(url)).body
    assert 2 == len(host.heads)


async def test_origins_are_remembered_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line, "ORIGINS_MAX", 2)
    opened = line.Line(aiohttp.TCPConnector(), aiohttp.ClientTimeout())

    for number in range(5):
        opened._origin(URL(f"http://host{number}.example/x"))

    assert 1 == len(opened._origins)
    await opened.close()
