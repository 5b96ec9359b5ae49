"""One connection of the partners' side: its deadlines, and the short way for what is known.

What is asked on it is uvicorn's business, but for a request whose bytes say that it can be
answered at once (`connector.protocols.dataplane.warm`): that one is not parsed and gets no
task. One request at a time is answered on a connection, whichever way it goes.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from functools import partial
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from connector.daemon.doorway import Doorway

TELLING_SECONDS = 1.0
HEAD_BYTES_MAX = 64 * 1024
# Larger ones are not worth the copy.
JOINED_BYTES_MAX = 16 * 1024

_NEVER = float("inf")
_FAULTS = logging.getLogger("uvicorn.error.faults")
_STATUS = b"HTTP/1.1 "
_CONTINUE = b"HTTP/1.1 1"
_CLOSE = b"connection: close\r\n"
_TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-length: 0\r\nconnection: close\r\n\r\n"
)


def connections(doorway: Doorway) -> Callable[..., Connection]:
    """Return what makes the protocol of each new connection, as uvicorn asks for it."""
    _FAULTS.setLevel(logging.ERROR)
    return partial(Connection, doorway)


class Corked:
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
    """One connection with deadlines; the reader of what is known on it."""

    def __init__(self, doorway: Doorway, **given: Any) -> None:  # noqa: ANN401 - uvicorn's
        super().__init__(**given)
        # Its warnings come once per request, for whoever wants to fill the disk.
        self.logger = _FAULTS
        self._doorway = doorway
        self._deadline = _NEVER
        self._head_bytes = 0
        self._is_head = True
        self._unsent = (0, 0.0)
        # Whether the parser is between two requests, and what goes round it meanwhile.
        self._is_between = True
        self._known = b""
        self._held = b""
        self._is_last = False
        # Set while uvicorn's own clock does not run.
        self._idle_since = _NEVER

    @property
    def host(self) -> str:
        """The address at the other end."""
        return self.client[0] if self.client else ""

    def close(self) -> None:
        """Close when all is sent."""
        self.transport.close()

    def abort(self) -> None:
        """End it at once."""
        self.transport.abort()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Let it in, or close it at once."""
        self._wire = transport
        self._corked = Corked(transport)
        super().connection_made(cast("asyncio.Transport", self._corked))
        self._begin_head()
        if not self._doorway.enter(self):
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Make room for another."""
        self._doorway.leave(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take in what was sent."""
        if self._known:
            # Its turn comes when what is asked already has been answered.
            self._held += data
            self.flow.pause_reading()
        elif self._is_free() and self._doorway.public.take(data, self):
            self._unset_keepalive_if_required()
            self._known, self._deadline, self._idle_since = data, _NEVER, _NEVER
        else:
            self._parse(data)

    def answer(self, status: int, fields: bytes, body: bytes) -> None:
        """Send what was asked in known bytes, and go on to the next request."""
        self._end_known()
        wire = self._wire
        if wire.is_closing():
            return
        always = self._doorway.lines_of(self.server_state.default_headers)
        last = _CLOSE if self._is_last else b""
        if len(body) <= JOINED_BYTES_MAX:
            wire.write(b"%b%b%b%b\r\n%b" % (STATUS_LINE[status], always, fields, last, body))
        else:
            head = b"%b%b%b%b\r\n" % (STATUS_LINE[status], always, fields, last)
            wire.writelines((head, body))
        self._end_answer()

    def decline(self) -> None:
        """Let the parser have what was asked in known bytes."""
        data = self._end_known()
        # Whoever has hung up has no parser any more.
        if self.parser is not None:
            held, self._held = self._held, b""
            self._parse(data + held)
            if self._is_last:
                super().shutdown()

    def shutdown(self) -> None:
        """Close when what is being answered has been."""
        self._is_last = True
        if not self._known:
            super().shutdown()

    def on_message_begin(self) -> None:
        """Expect the head of a request from now on."""
        self._is_between = False
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
        self._is_head = self._is_between = True
        self._deadline = _NEVER
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Send what is held back, and go on to the next request."""
        self._corked.flush()
        super().on_response_complete()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP, and say so once in a while."""
        self._doorway.public.notices.tell("request.malformed", self.host)
        super().send_400_response(msg)

    def _unsupported_upgrade_warning(self) -> None:
        self._doorway.public.notices.tell("upgrade.refused", self.host)

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

    def is_idle(self, now: float) -> bool:
        """Return whether nothing was asked for a long time since the last known request."""
        return now - self._idle_since > self.timeout_keep_alive

    def _is_free(self) -> bool:
        """Return whether nothing is asked already, and the reader takes what we send."""
        cycle = cast("RequestResponseCycle | None", self.cycle)  # none is there at first
        is_answered = cycle is None or cycle.response_complete
        return is_answered and self._is_between and not self.flow.write_paused

    def _parse(self, data: bytes) -> None:
        """Take the ordinary way, as long as the head of a request is not too large."""
        is_free = self._is_free()
        self._idle_since = _NEVER
        if self._is_head:
            self._head_bytes += len(data)
        super().data_received(data)
        if self._is_head and self._head_bytes > HEAD_BYTES_MAX:
            self._doorway.public.notices.tell("connection.cut", self.host)
            self.transport.write(_TOO_LARGE)
            self.transport.close()
        elif is_free and self._is_between:
            self._doorway.public.learn(data, self.headers)

    def _end_known(self) -> bytes:
        self._doorway.public.done()
        data, self._known = self._known, b""
        return data

    def _end_answer(self) -> None:
        self.server_state.total_requests += 1
        if self._is_last:
            self.transport.close()
            return
        self._idle_since = time.monotonic()
        if self._held:
            held, self._held = self._held, b""
            self.flow.resume_reading()
            self.data_received(held)

    def _begin_head(self) -> None:
        self._is_head = True
        self._deadline = time.monotonic() + self._doorway.patience.head_seconds_max
