"""Who gets in at the partners' side, and for how long: connections, requests, slow senders.

A connection that takes too long to ask or to take its answer is cut; so is one too many. A
request too many is answered 503. What a partner may ask, once it is known, is decided behind.
"""

from __future__ import annotations

import asyncio
import ipaddress
import time
from asyncio import TimerHandle
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import structlog
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from connector.protocols.dataplane.warm import HttpHeaders, Reader, WarmReads, header_lines
from connector.protocols.dsp.answering import busy as dsp_busy
from connector.protocols.http import BODY_SECONDS
from connector.protocols.result import failure
from connector.texts import say
from connector.transfer.addresses import DATA_PATH, REGISTRY_PATH

LOOK_SECONDS = 0.5
TOLD_EVERY_SECONDS = 60.0
RETRY_SECONDS = 1

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Patience:
    """What one listener bears; ``proxy`` is whose connections are not counted per host."""

    connections_max: int = 2_000
    host_connections_max: int = 256
    head_seconds_max: float = 10.0
    body_seconds_max: float = 30.0
    stall_seconds_max: float = 30.0
    proxy: Network | None = None


class Notices:
    """Log lines about what comes in floods: one a minute for each kind and host."""

    def __init__(self) -> None:
        self._told: dict[tuple[str, str], float] = {}
        self._since: Counter[tuple[str, str]] = Counter()

    def tell(self, event: str, host: str) -> None:
        """Count it, and log how often it was if the last line is old enough."""
        about, now = (event, host), time.monotonic()
        self._since[about] += 1
        if now - self._told.get(about, float("-inf")) < TOLD_EVERY_SECONDS:
            return
        if len(self._told) >= 10_000:  # noqa: PLR2004 - hosts that are worth remembering
            self._told.clear()
            self._since.clear()
        self._told[about] = now
        structlog.get_logger().warning(event, host=host, times=self._since.pop(about, 1))


class Public:
    """The partners' side: the way to data is short, and all ways bear so many at once."""

    def __init__(
        self,
        app: ASGIApp,
        data: Mapping[str, ASGIApp],
        requests_max: int,
        body_seconds_max: float,
        warm: WarmReads | None = None,
    ) -> None:
        """Take what answers in general, and what answers below the paths of ``data``.

        ``warm`` answers at once what it knows.
        """
        self._app = app
        self._data = tuple(data.items())
        self._requests_max = requests_max
        self._body_seconds_max = body_seconds_max
        self._warm = warm
        self.notices = Notices()
        self._requests = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer 503."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if self._requests >= self._requests_max:
            client = scope.get("client")
            self.notices.tell("request.refused", client[0] if client else "")
            await _busy(scope["path"])(scope, receive, send)
            return
        self._requests += 1
        try:
            scope[BODY_SECONDS] = self._body_seconds_max
            await self._answering(scope["path"])(scope, receive, send)
        finally:
            self._requests -= 1

    def take(self, request: bytes, reader: Reader) -> bool:
        """Return whether these bytes are answered at once; then `done` is to be called."""
        if self._warm is None or self._requests >= self._requests_max:
            return False
        is_taken = self._warm.take(request, reader)
        self._requests += is_taken
        return is_taken

    def done(self) -> None:
        """Make room: what was taken has been answered, or goes the ordinary way."""
        self._requests -= 1

    def learn(self, request: bytes, headers: HttpHeaders) -> None:
        """Let one whole request, read as ``headers``, be known when it comes again."""
        if self._warm is not None:
            self._warm.learn(request, headers)

    def _answering(self, path: str) -> ASGIApp:
        for prefix, app in self._data:
            if path.startswith(prefix):
                return app
        return self._app


class Guest(Protocol):
    """A connection, as far as the doorway minds it."""

    @property
    def host(self) -> str:
        """The address at the other end."""
        ...

    def is_late(self, now: float) -> bool:
        """Return whether it takes too long to send, or to take what we send."""
        ...

    def is_idle(self, now: float) -> bool:
        """Return whether nothing has been asked for too long."""
        ...

    def abort(self) -> None:
        """End it at once."""
        ...

    def close(self) -> None:
        """End it when all is sent."""
        ...


class Doorway:
    """All connections of one listener; belongs to its event loop."""

    def __init__(self, patience: Patience, public: Public) -> None:
        self.patience = patience
        self.public = public
        self._inside: set[Guest] = set()
        self._of_host: Counter[str] = Counter()
        self._timer: TimerHandle | None = None
        self._always: list[tuple[bytes, bytes]] = []
        self._lines = b""

    def lines_of(self, always: list[tuple[bytes, bytes]]) -> bytes:
        """Return headers that all answers have as lines; uvicorn makes new ones each second."""
        if always is not self._always:
            self._always, self._lines = always, header_lines(always)
        return self._lines

    def enter(self, connection: Guest) -> bool:
        """Take a connection in; False where there is no room for it."""
        host, most = connection.host, self.patience
        is_crowded = self._of_host[host] >= most.host_connections_max and not self._is_proxy(host)
        if is_crowded or len(self._inside) >= most.connections_max:
            self.public.notices.tell("connection.refused", host)
            return False
        self._inside.add(connection)
        self._of_host[host] += 1
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(LOOK_SECONDS, self._look)
        return True

    def leave(self, connection: Guest) -> None:
        """Let a connection go; harmless for one that was never in."""
        if connection in self._inside:
            self._inside.discard(connection)
            self._of_host[connection.host] -= 1
            if not self._of_host[connection.host]:
                del self._of_host[connection.host]

    def _look(self) -> None:
        self._timer = None
        now = time.monotonic()
        for connection in [one for one in self._inside if one.is_late(now)]:
            self.public.notices.tell("connection.cut", connection.host)
            connection.abort()
        for connection in [one for one in self._inside if one.is_idle(now)]:
            connection.close()
        if self._inside:
            self._timer = asyncio.get_running_loop().call_later(LOOK_SECONDS, self._look)

    def _is_proxy(self, host: str) -> bool:
        proxy = self.patience.proxy
        try:
            return proxy is not None and ipaddress.ip_address(host) in proxy
        except ValueError:
            return False


def _busy(path: str) -> Response:
    """Return the answer to one request too many, in the words of the protocol asked for."""
    text = say("daemon:crowded")
    if path.startswith((DATA_PATH, REGISTRY_PATH)):
        return failure(503, str(text), {"retry-after": str(RETRY_SECONDS)})
    return dsp_busy(path, text, RETRY_SECONDS)
