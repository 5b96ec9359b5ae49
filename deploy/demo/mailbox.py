"""A listener that takes one message of the protocol, for a company that has no connector."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, HTTPServer
from queue import Empty, Queue
from threading import Thread
from types import TracebackType
from typing import ClassVar, Self

from deploy.demo.processes import HOST, DidNotHappenError

SECONDS = 10.0


class Mailbox:
    """Listens on a port of its own; use it in a ``with``."""

    def __init__(self) -> None:
        """Bind the port."""
        taken: Queue[dict[str, object]] = Queue()

        class Slot(_Slot):
            messages = taken

        self._messages = taken
        self._server = HTTPServer((HOST, 0), Slot)
        self.url = f"http://{HOST}:{self._server.server_port}"

    def __enter__(self) -> Self:
        """Begin to listen."""
        Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()

    def message(self) -> dict[str, object]:
        """Return the first message that came; raises `DidNotHappenError` where none does."""
        try:
            return self._messages.get(timeout=SECONDS)
        except Empty:
            raise DidNotHappenError("no answer came to the mailbox") from None


class _Slot(BaseHTTPRequestHandler):
    messages: ClassVar[Queue[dict[str, object]]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self.messages.put(json.loads(body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as overridden
        """Write nothing."""
