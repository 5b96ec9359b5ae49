"""The guarded way out: every request to a partner goes through one bounded client.

No redirects, no cookies, no proxies from the environment. Plain http and private networks
are two development settings, off by default. An address is checked where it is resolved,
and the checked address is the one that is connected to, so that a name cannot change its
mind in between.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Self

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from starlette.requests import ClientDisconnect, Request
from yarl import URL

from connector.errors import PartnerError, TransientError
from connector.protocols.line import Asked, Line, Reply

ANSWER_BYTES_MAX = 1024 * 1024
CONNECTIONS_MAX = 200
REQUESTS_MAX = 10_000
# Shorter than the five seconds after which common servers close an idle connection, so that
# a request is rarely written to one that is just being closed.
KEEPALIVE_SECONDS = 4.0
DNS_CACHE_SECONDS = 30
# Addresses that are called or named again and again; how they are read depends on nothing else.
URLS_KEPT_MAX = 256
# Under this key the listener says in the scope how long the body of a request may take.
BODY_SECONDS = "eslabon.body_seconds"
TOO_SLOW = "protocols:body_too_slow"

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_TRY_LATER = frozenset({408, 425, 429})
_NO_HEADERS: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class ClientLimits:
    """What the client allows itself; the two switches are for development only.

    ``per_host_max`` is of connections (0: as many as in all), ``requests_max`` of requests
    that are under way or wait for a connection.
    """

    allow_http: bool = False
    allow_private_networks: bool = False
    total_seconds: float = 15.0
    connect_seconds: float = 5.0
    connections_max: int = CONNECTIONS_MAX
    per_host_max: int = 0
    requests_max: int = REQUESTS_MAX


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: HTTP status, headers with lower-case names, and the whole body."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str = ""

    @property
    def ok(self) -> bool:
        """Whether the request was accepted (2xx)."""
        return 200 <= self.status < 300  # noqa: PLR2004 - the HTTP class of success

    def expect_success(self) -> Self:
        """Return the answer itself if it is 2xx.

        Raises `TransientError` for 5xx and for the codes that ask to come again, and
        `PartnerError` for all else: a redirect is refused like any other wrong answer.
        """
        if self.ok:
            return self
        if self.status >= 500 or self.status in _TRY_LATER:  # noqa: PLR2004 - server errors
            raise TransientError("protocols:partner_troubled", url=self.url, status=self.status)
        code = "redirect_refused" if 300 <= self.status < 400 else "request_refused"  # noqa: PLR2004
        raise PartnerError(f"protocols:{code}", url=self.url, status=self.status)


class _Lines:
    """The one line of a client, opened when it is first needed, and how much is on it."""

    def __init__(self, limits: ClientLimits) -> None:
        self._limits = limits
        self._line: Line | None = None
        self._under_way = 0

    async def exchange(self, asked: Asked) -> Reply:
        """Take a place for one request; raises `TransientError` when there is none."""
        if self._under_way >= self._limits.requests_max:
            raise TransientError("protocols:line_busy", url=asked.url, limit=self._under_way)
        if self._line is None:
            self._line = self._open()
        self._under_way += 1
        try:
            return await self._line.exchange(asked)
        finally:
            self._under_way -= 1

    async def close(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            await line.close()

    def _open(self) -> Line:
        connector = aiohttp.TCPConnector(
            limit=self._limits.connections_max,
            limit_per_host=self._limits.per_host_max,
            keepalive_timeout=KEEPALIVE_SECONDS,
            ttl_dns_cache=DNS_CACHE_SECONDS,
            resolver=GuardedResolver(self._limits),
        )
        timeout = aiohttp.ClientTimeout(
            total=self._limits.total_seconds, sock_connect=self._limits.connect_seconds
        )
        return Line(connector, timeout)


class GuardedClient:
    """One keep-alive session whose every request is bounded in size, time and reach.

    It belongs to the event loop in which it is first used; close it there.
    """

    def __init__(self, limits: ClientLimits = ClientLimits()) -> None:
        self._limits = limits
        self._lines = _Lines(limits)
        self._hosts: frozenset[str] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def reaching(self, hosts: frozenset[str]) -> GuardedClient:
        """Return the same client, same session, for only these hosts (lower case, no port)."""
        narrowed = GuardedClient(self._limits)
        narrowed._lines, narrowed._hosts = self._lines, hosts
        return narrowed

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] = _NO_HEADERS,
        body: bytes | None = None,
        limit_bytes: int = ANSWER_BYTES_MAX,
    ) -> Answer:
        """Send one request and return its answer, whatever its status.

        Raises `PartnerError` when the address may not be called or the answer exceeds
        ``limit_bytes``, and `TransientError` when the other side is not reached or does not
        finish in time, or too many requests are under way.
        """
        target = permitted_url(url, self._limits, self._hosts)
        try:
            reply = await self._lines.exchange(
                Asked(method, url, target, headers, body, limit_bytes)
            )
            return Answer(reply.status, _by_name(reply.headers), reply.content, url)
        except TimeoutError as trouble:
            seconds = self._limits.total_seconds
            raise TransientError("protocols:timed_out", url=url, seconds=seconds) from trouble
        except aiohttp.InvalidURL:
            raise PartnerError("protocols:url_malformed", url=url) from None
        except (aiohttp.ClientError, OSError) as trouble:
            raise TransientError("protocols:unreachable", url=url, reason=trouble) from trouble

    async def get(
        self,
        url: str,
        *,
        headers: Mapping[str, str] = _NO_HEADERS,
        limit_bytes: int = ANSWER_BYTES_MAX,
    ) -> Answer:
        """GET and return the 2xx answer; raises as `request` and `Answer.expect_success`."""
        answer = await self.request("GET", url, headers=headers, limit_bytes=limit_bytes)
        return answer.expect_success()

    async def post(
        self,
        url: str,
        body: bytes,
        *,
        headers: Mapping[str, str] = _NO_HEADERS,
        limit_bytes: int = ANSWER_BYTES_MAX,
    ) -> Answer:
        """POST and return the 2xx answer; raises as `request` and `Answer.expect_success`."""
        answer = await self.request(
            "POST", url, headers=headers, body=body, limit_bytes=limit_bytes
        )
        return answer.expect_success()

    async def close(self) -> None:
        """Close the session and its connections; the next request opens a new one."""
        await self._lines.close()


class GuardedResolver(AbstractResolver):
    """Resolves names to those of their addresses that may be called, and to no others."""

    def __init__(self, limits: ClientLimits) -> None:
        self._limits = limits
        self._inner = aiohttp.ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return the permitted addresses of ``host``; raises `PartnerError` if none is."""
        found = await self._inner.resolve(host, port, family)
        permitted = [
            one
            for one in found
            if self._limits.allow_private_networks or is_public(ipaddress.ip_address(one["host"]))
        ]
        if not permitted:
            raise PartnerError("protocols:address_private", host=host)
        return permitted

    async def close(self) -> None:
        """Release nothing: names are resolved by the loop's own threads."""


def permitted_url(
    url: str, limits: ClientLimits, allowed_hosts: frozenset[str] | None = None
) -> URL:
    """Return the parsed URL if it may be called; raises `PartnerError` saying why not.

    Names are checked once more where they are resolved; here it is the scheme, the list of
    hosts, and addresses written out as numbers.
    """
    target = _parsed(url)
    host = target.host or ""
    if target.scheme != "https" and not (limits.allow_http and target.scheme == "http"):
        raise PartnerError("protocols:scheme_refused", url=url)
    if allowed_hosts is not None and host.lower() not in allowed_hosts:
        raise PartnerError("protocols:host_not_vouched", url=url, host=host)
    literal = None if limits.allow_private_networks else _literal(host)
    if literal is not None and not is_public(literal):
        raise PartnerError("protocols:address_private", host=host)
    return target


def host_of(url: str) -> str:
    """Return the host of an address of the web, in lower case.

    It is read as the client reads it that would call it: two readings of one address are a
    way in. Raises `PartnerError` when it is none.
    """
    target = _parsed(url)
    if target.scheme not in ("http", "https"):
        raise PartnerError("protocols:scheme_refused", url=url)
    return (target.host or "").lower()


def is_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Whether an address belongs to the public internet, also behind its IPv6 disguises."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or _nat64(address)
        if inner is not None:
            return is_public(inner)
        if address.teredo is not None:
            return False
    return address.is_global and not address.is_multicast


async def bounded_body(request: Request, limit_bytes: int) -> bytes:
    """Return the whole body of an inbound request.

    Raises `PartnerError` ``protocols:body_too_large`` as soon as more has arrived,
    ``protocols:body_too_slow`` when it takes longer than the scope's `BODY_SECONDS`, and
    ``protocols:body_cut_off`` when the sender leaves early.
    """
    body = bytearray()
    seconds = request.scope.get(BODY_SECONDS)
    try:
        async with asyncio.timeout(seconds):
            await _read_into(body, request, limit_bytes)
    except TimeoutError:
        raise PartnerError(TOO_SLOW, size=len(body), seconds=seconds) from None
    except ClientDisconnect:
        raise PartnerError("protocols:body_cut_off", size=len(body)) from None
    return bytes(body)


async def _read_into(body: bytearray, request: Request, limit_bytes: int) -> None:
    is_more = True
    while is_more:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunk = message.get("body", b"")
        if len(body) + len(chunk) > limit_bytes:
            raise PartnerError("protocols:body_too_large", limit=limit_bytes)
        body += chunk
        is_more = message.get("more_body", False)


@lru_cache(URLS_KEPT_MAX)
def _parsed(url: str) -> URL:
    try:
        target = URL(url)
        host = target.host
    except ValueError:
        raise PartnerError("protocols:url_malformed", url=url) from None
    if not host or target.user is not None:
        raise PartnerError("protocols:url_malformed", url=url)
    return target


def _by_name(headers: Mapping[str, str]) -> dict[str, str]:
    """Return headers by lower-case name; one that comes twice means a list (RFC 9110, 5.3)."""
    found: dict[str, str] = {}
    for name, value in headers.items():
        key = name.lower()
        found[key] = f"{found[key]}, {value}" if key in found else value
    return found


def _literal(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _nat64(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF) if address in _NAT64 else None
