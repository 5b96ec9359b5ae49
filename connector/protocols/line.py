"""A request and its answer over the pooled connections of aiohttp; bounded, without rules of ours.

These are the connector, writer and parser of the library without its session: that one looks
after cookies, redirects, proxies and middlewares, none of which we use, and starts a task for
every body. It costs as much as all the rest of a request.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection
from aiohttp.http import HttpProcessingError, StreamWriter
from aiohttp.http_parser import RawResponseMessage
from aiohttp.streams import StreamReader
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from connector.errors import PartnerError
from connector.protocols.coding import ACCEPTED, Intake

CHUNK_BYTES = 64 * 1024
ORIGINS_MAX = 1_000

_IDEMPOTENT = frozenset({"GET", "HEAD"})
_ALWAYS = {"Accept-Encoding": ACCEPTED}
_INTERIM = range(100, 200)
_SWITCHING_PROTOCOLS = 101


@dataclass(frozen=True, slots=True)
class Asked:
    """One request to ``url``, which is ``target`` parsed; ``limit_bytes`` bounds its answer."""

    method: str
    url: str
    target: URL
    headers: Mapping[str, str]
    body: bytes | None
    limit_bytes: int


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back, the body whole."""

    status: int
    headers: CIMultiDictProxy[str]
    content: bytes


class Line:
    """The way out through one connector of aiohttp, which it closes; for one event loop."""

    def __init__(self, connector: aiohttp.TCPConnector, timeout: aiohttp.ClientTimeout) -> None:
        self._connector = connector
        self._timeout = timeout
        self._origins: dict[tuple[str, str | None, int | None], aiohttp.ClientRequest] = {}

    async def exchange(self, asked: Asked) -> Reply:
        """Send one request and return its answer, within the total time.

        Raises `PartnerError` when the answer is too large, and else what the library raises.
        """
        async with asyncio.timeout(self._timeout.total):
            try:
                return await self._exchanged(asked)
            except aiohttp.ClientConnectorError:
                raise
            except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError):
                if asked.method not in _IDEMPOTENT:
                    raise
            # It was closed while it lay idle: RFC 9110, 9.2.2 lets us ask once more.
            return await self._exchanged(asked)

    async def close(self) -> None:
        """Close all connections."""
        await self._connector.close()

    async def _exchanged(self, asked: Asked) -> Reply:
        origin = self._origin(asked.target)
        connection = await self._connector.connect(origin, [], self._timeout)
        try:
            protocol = _protocol_of(connection)
            await _write(protocol, _head(origin, asked), asked)
            reply = await _read(protocol, asked)
        except BaseException:
            _drop(connection)
            raise
        if protocol.transport and protocol.transport.get_write_buffer_size():
            # It answered before it had read all: the rest would be taken for the next request.
            _drop(connection)
        else:
            connection.release()
        return reply

    def _origin(self, target: URL) -> aiohttp.ClientRequest:
        """Return what the connector knows an origin by, and what every head to it begins with."""
        key = (target.scheme, target.raw_host, target.port)
        found = self._origins.get(key)
        if found is None:
            if len(self._origins) >= ORIGINS_MAX:
                self._origins.clear()
            loop = asyncio.get_running_loop()
            found = aiohttp.ClientRequest("GET", target.origin(), headers=_ALWAYS, loop=loop)
            self._origins[key] = found
        return found


def _drop(connection: Connection) -> None:
    """End a connection at once: what was not taken yet would keep it open for as long."""
    transport = connection.transport
    connection.close()
    if transport is not None:
        transport.abort()


def _protocol_of(connection: Connection) -> ResponseHandler:
    if connection.protocol is None:
        raise aiohttp.ServerDisconnectedError
    return connection.protocol


def _head(origin: aiohttp.ClientRequest, asked: Asked) -> CIMultiDict[str]:
    headers = origin.headers.copy()
    headers.update(asked.headers)
    if asked.body is not None or asked.method not in _IDEMPOTENT:
        headers["Content-Length"] = str(len(asked.body or b""))
        headers.setdefault("Content-Type", "application/octet-stream")
    return headers


async def _write(protocol: ResponseHandler, head: CIMultiDict[str], asked: Asked) -> None:
    """Write head and body at once; what does not fit into the socket waits beside the answer."""
    protocol.set_response_params(
        skip_payload=asked.method == "HEAD",
        read_until_eof=True,
        auto_decompress=False,  # It would unfold a whole chunk before anybody can count.
        read_bufsize=CHUNK_BYTES,
    )
    writer = StreamWriter(protocol, asyncio.get_running_loop())
    await writer.write_headers(f"{asked.method} {asked.target.raw_path_qs} HTTP/1.1", head)
    if asked.body:
        await writer.write(asked.body, drain=False)
    writer.set_eof()


async def _read(protocol: ResponseHandler, asked: Asked) -> Reply:
    try:
        message, payload = await protocol.read()
        while message.code in _INTERIM and message.code != _SWITCHING_PROTOCOLS:
            message, payload = await protocol.read()
    except HttpProcessingError as wrong:
        # It quotes what the other side sent, line by line.
        raise aiohttp.ClientPayloadError(f"{wrong.code}, message={wrong.message!r}") from wrong
    return Reply(message.code, message.headers, await _content(message, payload, asked))


async def _content(message: RawResponseMessage, payload: StreamReader, asked: Asked) -> bytes:
    url, limit = asked.url, asked.limit_bytes
    # The parser lets nothing but digits through.
    if int(message.headers.get("Content-Length", 0)) > limit:
        raise PartnerError("protocols:answer_too_large", url=url, limit=limit)
    intake = Intake(message.headers.get("Content-Encoding", ""), limit, url)
    while not payload.at_eof():
        intake.feed(await payload.readany())
    return intake.content()
