"""Takes in the body of an answer, unfolds it, and never lets it grow over a limit; no I/O.

RFC 9110, 8.4: only ``gzip`` is asked for, so nothing else may come. What a chunk unfolds to
is bounded before it is made, not after: a small answer may be a very large one.
"""

from __future__ import annotations

import zlib

from connector.errors import PartnerError

ACCEPTED = "gzip"

_GZIP_WINDOW = 16 + zlib.MAX_WBITS


class Intake:
    """The body of one answer of ``url``, as its chunks come."""

    def __init__(self, coding: str, limit_bytes: int, url: str) -> None:
        """Take what ``Content-Encoding`` says; raises `PartnerError` for what was not asked."""
        self._limit = limit_bytes
        self._url = url
        self._content = bytearray()
        self._unfolding = _unfolding(coding.strip().lower(), url)
        self._is_begun = False

    def feed(self, chunk: bytes) -> None:
        """Take a chunk; raises `PartnerError` when it is too much, or malformed."""
        if self._unfolding is None:
            self._add(chunk)
        else:
            self._unfold(chunk)

    def content(self) -> bytes:
        """Return all when there is no more; raises `PartnerError` when the end is missing."""
        if self._unfolding is not None and self._is_begun and not self._unfolding.eof:
            raise PartnerError("protocols:coding_malformed", url=self._url)
        return bytes(self._content)

    def _unfold(self, chunk: bytes) -> None:
        while chunk:
            if self._unfolding is None or self._unfolding.eof:
                # A file of several members (RFC 1952, 2.2) goes on where one ends.
                self._unfolding = zlib.decompressobj(_GZIP_WINDOW)
            self._is_begun = True
            room = self._limit - len(self._content) + 1
            try:
                self._add(self._unfolding.decompress(chunk, room))
            except zlib.error as error:
                raise PartnerError("protocols:coding_malformed", url=self._url) from error
            chunk = self._unfolding.unconsumed_tail or self._unfolding.unused_data

    def _add(self, part: bytes) -> None:
        self._content += part
        if len(self._content) > self._limit:
            raise PartnerError("protocols:answer_too_large", url=self._url, limit=self._limit)


def _unfolding(coding: str, url: str) -> zlib._Decompress | None:
    if coding in ("", "identity"):
        return None
    if coding not in (ACCEPTED, "x-gzip"):
        raise PartnerError("protocols:coding_unknown", url=url, coding=coding[:100])
    return zlib.decompressobj(_GZIP_WINDOW)
