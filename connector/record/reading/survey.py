"""One pass over a file before its first row: who it is, how long, and whether it is text.

A file is refused before its first row or not at all, so what can make it unreadable as a
whole is found here, at the speed of hashing it.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

CHUNK_BYTES = 1 << 20
FINGERPRINT_BYTES = 16

Decode = Callable[[bytes, bool], str]


@dataclass(frozen=True, slots=True)
class Undecodable:
    """The first byte that the encoding does not know: its line (1-based) and its offset."""

    line: int
    offset: int
    byte: int


@dataclass(frozen=True, slots=True)
class Survey:
    """What one pass over a file's bytes tells.

    ``lines`` counts line ends, and one more where the last line has none. ``head`` are its
    first bytes. ``long_line`` says that a line is longer than `CHUNK_BYTES`.
    """

    fingerprint: str
    size: int
    lines: int
    head: bytes
    has_nul: bool
    long_line: bool
    undecodable: Undecodable | None


def fingerprint_of(name: str, content: bytes = b"") -> str:
    """Return the fingerprint of a small document; a file's is that of its `survey`."""
    return _hash(name, content).hexdigest()


def survey(path: Path, name: str, encoding: str) -> Survey:
    """Read a file once and tell what it is; raises `OSError` where it cannot be read."""
    return _Pass(name, encoding).over(path)


def _hash(name: str, content: bytes = b"") -> blake2b:
    return blake2b(name.encode() + b"\0" + content, digest_size=FINGERPRINT_BYTES)


class _Pass:
    """The counts of a pass while it goes on."""

    def __init__(self, name: str, encoding: str) -> None:
        self._hash = _hash(name)
        self._decode: Decode = codecs.getincrementaldecoder(encoding)("strict").decode
        self._undecodable: Undecodable | None = None
        self._newlines = 0
        self._returns = 0
        self._size = 0
        self._has_nul = False
        self._long_line = False

    def over(self, path: Path) -> Survey:
        head = last = b""
        for chunk in _chunks(path):
            head = head or chunk[:256]
            last = chunk
            self._look(chunk)
        self._try_decoding(b"", final=True)
        ends = max(self._newlines, self._returns)
        open_line = bool(last) and not last.endswith((b"\n", b"\r"))
        return Survey(
            fingerprint=self._hash.hexdigest(),
            size=self._size,
            lines=ends + open_line,
            head=head,
            has_nul=self._has_nul,
            long_line=self._long_line,
            undecodable=self._undecodable,
        )

    def _look(self, chunk: bytes) -> None:
        self._hash.update(chunk)
        self._try_decoding(chunk, final=False)
        newlines, returns = chunk.count(b"\n"), chunk.count(b"\r")
        self._newlines += newlines
        self._returns += returns
        self._size += len(chunk)
        self._has_nul = self._has_nul or b"\0" in chunk
        if len(chunk) == CHUNK_BYTES and not newlines and not returns:
            self._long_line = True

    def _try_decoding(self, chunk: bytes, *, final: bool) -> None:
        if self._undecodable:
            return
        try:
            self._decode(chunk, final)
        except UnicodeDecodeError as error:
            line = self._newlines + error.object.count(b"\n", 0, error.start) + 1
            held_back = len(error.object) - len(chunk)
            offset = self._size - held_back + error.start
            self._undecodable = Undecodable(line, offset, error.object[error.start])


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb", buffering=0) as file:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk
