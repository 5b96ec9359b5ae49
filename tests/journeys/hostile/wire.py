"""Says anything to a connector by bare sockets, as slowly or as much of it as one likes."""

from __future__ import annotations

import json
import select
import socket
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

CHUNK = b"a" * 65536
SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Said:
    """What came back: status (0: the connection was closed), body, bytes sent until then."""

    status: int
    body: bytes
    sent_bytes: int
    seconds: float

    @property
    def json(self) -> Mapping[str, object]:
        """The body as an object."""
        found = json.loads(self.body)
        assert isinstance(found, dict), self.body
        return found


def post(url: str, authorization: str, body: bytes) -> Said:
    """POST one body."""
    return pour(url, authorization, [body], length=len(body))


def pour(
    url: str,
    authorization: str,
    parts: Iterable[bytes],
    *,
    length: int | None = None,
    pause_seconds: float = 0.0,
) -> Said:
    """POST parts one after the other until the answer comes; chunked where no length is said."""
    target = urlsplit(url)
    began = time.monotonic()
    with socket.create_connection((target.hostname or "", target.port or 80), SECONDS) as line:
        line.sendall(_head(url, authorization, length))
        sent = _send(line, parts, chunked=length is None, pause_seconds=pause_seconds)
        status, body = _answer(line)
    return Said(status, body, sent, time.monotonic() - began)


def much(byte_count: int) -> Iterator[bytes]:
    """Yield so many bytes of nothing."""
    for _ in range(byte_count // len(CHUNK)):
        yield CHUNK


def drops(text: bytes) -> Iterator[bytes]:
    """Yield a text byte by byte."""
    for one in text:
        yield bytes([one])


def _head(url: str, authorization: str, length: int | None) -> bytes:
    target = urlsplit(url)
    size = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
    lines = (
        f"POST {target.path} HTTP/1.1",
        f"Host: {target.netloc}",
        f"Authorization: {authorization}",
        "Content-Type: application/json",
        size,
        "Connection: close",
    )
    return "\r\n".join([*lines, "", ""]).encode()


def _send(
    line: socket.socket, parts: Iterable[bytes], *, chunked: bool, pause_seconds: float
) -> int:
    sent = 0
    try:
        for part in parts:
            if select.select([line], [], [], pause_seconds)[0]:
                return sent
            line.sendall(b"%x\r\n%b\r\n" % (len(part), part) if chunked else part)
            sent += len(part)
        if chunked:
            line.sendall(b"0\r\n\r\n")
    except OSError:
        # It was closed while we talked; what it said before may still be read.
        pass
    return sent


def _answer(line: socket.socket) -> tuple[int, bytes]:
    raw = b""
    try:
        while more := line.recv(65536):
            raw += more
    except ConnectionError:
        pass
    head, _, body = raw.partition(b"\r\n\r\n")
    words = head.split(b" ", 2)
    return (int(words[1]) if len(words) > 1 else 0), body
