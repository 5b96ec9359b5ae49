"""Serves one document at every path, as fast as this machine can: what a proxy stands before.

python -m tests.benchmarks.document_process PORT BYTES
"""

from __future__ import annotations

import asyncio
import sys
from typing import cast

import uvloop

HOST = "127.0.0.1"
END_OF_HEAD = b"\r\n\r\n"


class Document(asyncio.Protocol):
    """One connection; requests are counted and not read, for none of them has a body."""

    def __init__(self, answer: bytes) -> None:
        """Take the whole answer, head and body."""
        self._answer = answer
        self._rest = b""
        self._out: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep where answers go."""
        self._out = cast("asyncio.WriteTransport", transport)

    def data_received(self, data: bytes) -> None:
        """Answer every request that is complete."""
        *complete, self._rest = (self._rest + data).split(END_OF_HEAD)
        if self._out is not None and complete:
            self._out.write(self._answer * len(complete))


def answer_of(body_bytes: int) -> bytes:
    """Return the answer that brings a JSON document of so many bytes."""
    frame = b'{"document":""}'
    body = frame[:-2] + b"x" * (body_bytes - len(frame)) + frame[-2:]
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return head.encode() + b"\r\n" + body


async def serve(port: int, body_bytes: int) -> None:
    """Serve until stopped."""
    answer = answer_of(body_bytes)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Document(answer), HOST, port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1]), int(sys.argv[2])))
