"""Who gets in at the partners' side, and for how long: connections, requests, slow senders.

A connection that takes too long to ask or to take its answer is cut; so is one too many. A
request too many is answered 503. What a partner may ask, once it is known, is decided behind.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import time
from asyncio import TimerHandle
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import structlog
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from connector.protocols.dsp.answering import busy as dsp_busy
from connector.protocols.http import BODY_SECONDS
from connector.protocols.result import failure
from connector.texts import say
from connector.transfer.addresses import DATA_PATH, REGISTRY_PATH

LOOK_SECONDS = 0.5
TELLING_SECONDS = 1.0
TOLD_EVERY_SECONDS = 60.0
HEAD_BYTES_MAX = 64 * 1024
RETRY_SECONDS = 1
# Larger ones are not worth the copy.
JOINED_BYTES_MAX = 16 * 1024

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


class Doorway:
    """All connections of one listener; belongs to its event loop."""

    def __init__(self, patience: Patience, notices: Notices) -> None:
        self.patience = patience
        self.notices = notices
        _FAULTS.setLevel(logging.ERROR)
        self._inside: set[Connection] = set()
        self._of_host: Counter[str] = Counter()
        self._timer: TimerHandle | None = None

    def connect(self, **given: Any) -> Connection:  # noqa: ANN401 - what uvicorn hands over
        """Return the protocol of a new connection, as uvicorn asks for it."""
        return Connection(self, **given)

    def enter(self, connection: Connection) -> bool:
        """Take a connection in; False where there is no room for it."""
        host, most = connection.host, self.patience
        is_crowded = self._of_host[host] >= most.host_connections_max and not self._is_proxy(host)
        if is_crowded or len(self._inside) >= most.connections_max:
            self.notices.tell("connection.refused", host)
            return False
        self._inside.add(connection)
        self._of_host[host] += 1
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(LOOK_SECONDS, self._look)
        return True

    def leave(self, connection: Connection) -> None:
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
            self.notices.tell("connection.cut", connection.host)
            connection.transport.abort()
        if self._inside:
            self._timer = asyncio.get_running_loop().call_later(LOOK_SECONDS, self._look)

    def _is_proxy(self, host: str) -> bool:
        proxy = self.patience.proxy
        try:
            return proxy is not None and ipaddress.ip_address(host) in proxy
        except ValueError:
            return False


class _Corked:
    """A transport that sends the head of an answer with what follows it: one packet, one call."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._head = b""

    def write(self, data: bytes) -> None:
        """Hold a head back, and let everything else go at once."""
        if self._head and len(data) <= JOINED_BYTES_MAX:
            data, self._head = self._head + data, b""
        elif self._head:
            self.flush()
        elif data.startswith(_STATUS) and not data.startswith(_CONTINUE):
            self._head = data
            return
        self._transport.write(data)

    def flush(self) -> None:
        """Let go of a head that nothing follows."""
        if self._head:
            head, self._head = self._head, b""
            self._transport.write(head)

    def close(self) -> None:
        """Close when all is sent."""
        self.flush()
        self._transport.close()

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever a transport has
        return getattr(self._transport, name)


class Connection(HttpToolsProtocol):
    """One connection with deadlines; what is asked on it is uvicorn's business."""

    def __init__(self, doorway: Doorway, **given: Any) -> None:  # noqa: ANN401 - uvicorn's
        super().__init__(**given)
        # Its warnings come once per request, for whoever wants to fill the disk.
        self.logger = _FAULTS
        self._doorway = doorway
        self._deadline = float("inf")
        self._head_bytes = 0
        self._is_head = True
        self._unsent = (0, 0.0)

    @property
    def host(self) -> str:
        """The address at the other end."""
        return self.client[0] if self.client else ""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Let it in, or close it at once."""
        self._corked = _Corked(transport)
        super().connection_made(cast("asyncio.Transport", self._corked))
        self._begin_head()
        if not self._doorway.enter(self):
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Make room for another."""
        self._doorway.leave(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take in what was sent, as long as the head of a request is not too large."""
        if self._is_head:
            self._head_bytes += len(data)
        super().data_received(data)
        if self._is_head and self._head_bytes > HEAD_BYTES_MAX:
            self._doorway.notices.tell("connection.cut", self.host)
            self.transport.write(_TOO_LARGE)
            self.transport.close()

    def on_message_begin(self) -> None:
        """Expect the head of a request from now on."""
        self._begin_head()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Expect the body, if there is one."""
        self._is_head, self._head_bytes = False, 0
        # What asks is told first that it is too slow.
        patience = self._doorway.patience.body_seconds_max + TELLING_SECONDS
        self._deadline = time.monotonic() + patience
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Expect nothing more until the next request."""
        self._is_head = True
        self._deadline = float("inf")
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Send what is held back, and go on to the next request."""
        self._corked.flush()
        super().on_response_complete()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP, and say so once in a while."""
        self._doorway.notices.tell("request.malformed", self.host)
        super().send_400_response(msg)

    def _unsupported_upgrade_warning(self) -> None:
        self._doorway.notices.tell("upgrade.refused", self.host)

    def is_late(self, now: float) -> bool:
        """Return whether it takes too long to send, or to take what we send."""
        if now > self._deadline:
            return True
        left = self.transport.get_write_buffer_size()
        before, since = self._unsent
        if left == 0 or left < before or before == 0:
            self._unsent = (left, now)
            return False
        # Growing is no progress of the reader's, and the clock goes on.
        self._unsent = (left, since)
        return now - since > self._doorway.patience.stall_seconds_max

    def _begin_head(self) -> None:
        self._is_head = True
        self._deadline = time.monotonic() + self._doorway.patience.head_seconds_max


class Public:
    """The partners' side: the way to data is short, and all ways bear so many at once."""

    def __init__(
        self,
        app: ASGIApp,
        data: Mapping[str, ASGIApp],
        requests_max: int,
        body_seconds_max: float,
    ) -> None:
        """Take what answers in general, and what answers below the paths of ``data``."""
        self._app = app
        self._data = tuple(data.items())
        self._requests_max = requests_max
        self._body_seconds_max = body_seconds_max
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

    def _answering(self, path: str) -> ASGIApp:
        for prefix, app in self._data:
            if path.startswith(prefix):
                return app
        return self._app


_FAULTS = logging.getLogger("uvicorn.error.faults")
_STATUS = b"HTTP/1.1 "
_CONTINUE = b"HTTP/1.1 1"
_TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-length: 0\r\nconnection: close\r\n\r\n"
)


def _busy(path: str) -> Response:
    """Return the answer to one request too many, in the words of the protocol asked for."""
    text = say("daemon:crowded")
    if path.startswith((DATA_PATH, REGISTRY_PATH)):
        return failure(503, str(text), {"retry-after": str(RETRY_SECONDS)})
    return dsp_busy(path, text, RETRY_SECONDS)
