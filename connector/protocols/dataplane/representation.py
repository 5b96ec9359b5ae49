"""Which form of a value answers a request: whole, a part, compressed, or not again; no I/O.

RFC 9110: validators (8.8), conditional requests (13), ranges (14), content codings (8.4).
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple

GZIP_BYTES_MIN = 4096
GZIP_LEVEL = 4
HEADER_CHARACTERS_MAX = 1024

_RANGE = re.compile(r"bytes\s*=\s*(\d{0,18})-(\d{0,18})\s*", re.ASCII | re.IGNORECASE)
_GZIP = frozenset({"gzip", "x-gzip"})
_TAG_BYTES = 12


class UnsatisfiableRangeError(Exception):
    """The part that is asked for lies behind the end of the value, which has ``size`` bytes."""

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.size = size


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request says about the form; header values as they came, None if absent."""

    range: str | None = None
    if_range: str | None = None
    if_none_match: str | None = None
    accept_encoding: str | None = None


class Representation(NamedTuple):
    """One answer: status, headers, body; ``part`` says in words what of the value it is."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    part: str = ""


NOTHING_ASKED = Asked()


def represent(payload: bytes, asked: Asked = NOTHING_ASKED) -> Representation:
    """Return the answer to a GET of a value.

    A single range of bytes is served; several, or what is no range, are ignored, as the
    standard allows. Raises `UnsatisfiableRangeError` (416).
    """
    tag = blake2b(payload, digest_size=_TAG_BYTES).hexdigest()
    if asked is NOTHING_ASKED:
        return _whole(payload, tag)
    is_coded = len(payload) >= GZIP_BYTES_MIN and accepts_gzip(asked.accept_encoding or "")
    if _is_known(asked.if_none_match, tag):
        return Representation(304, _described(tag, is_coded=is_coded), b"", "unchanged")
    wanted = _wanted(asked, tag, len(payload))
    if wanted is not None:
        return _part(payload, tag, *wanted)
    return _coded(payload, tag) if is_coded else _whole(payload, tag)


@lru_cache(maxsize=256)
def accepts_gzip(accept_encoding: str) -> bool:
    """Return whether an ``Accept-Encoding`` lets us compress (RFC 9110, 12.5.3)."""
    weights: dict[str, bool] = {}
    for part in accept_encoding[:HEADER_CHARACTERS_MAX].lower().split(","):
        coding, _, parameter = part.partition(";")
        weights[coding.strip()] = not re.fullmatch(r"\s*q\s*=\s*0(\.0{0,3})?\s*", parameter)
    named = [weights[name] for name in _GZIP if name in weights]
    return any(named) if named else weights.get("*", False)


def _whole(payload: bytes, tag: str) -> Representation:
    return Representation(200, _described(tag, is_coded=False), payload)


def _coded(payload: bytes, tag: str) -> Representation:
    headers = {**_described(tag, is_coded=True), "content-encoding": "gzip"}
    # No time in it: the same value gives the same bytes, as its strong validator promises.
    return Representation(200, headers, gzip.compress(payload, GZIP_LEVEL, mtime=0))


def _part(payload: bytes, tag: str, first: int, last: int) -> Representation:
    span = f"{first}-{last}"
    headers = _described(tag, is_coded=False)
    headers["content-range"] = f"bytes {span}/{len(payload)}"
    return Representation(206, headers, payload[first : last + 1], f"bytes {span}")


def _described(tag: str, *, is_coded: bool) -> dict[str, str]:
    validator = f'"{tag}-gzip"' if is_coded else f'"{tag}"'
    return {"etag": validator, "vary": "Accept-Encoding", "accept-ranges": "bytes"}


def _is_known(if_none_match: str | None, tag: str) -> bool:
    """Return whether the reader has this value already, in whatever form (weak comparison)."""
    if not if_none_match:
        return False
    tags = [one.strip().removeprefix("W/") for one in if_none_match.split(",")]
    return "*" in tags or f'"{tag}"' in tags or f'"{tag}-gzip"' in tags


def _wanted(asked: Asked, tag: str, size: int) -> tuple[int, int] | None:
    """Return the first and last byte of the part that is asked for; None means all."""
    found = _RANGE.fullmatch(asked.range or "")
    if found is None or (asked.if_range or f'"{tag}"').strip() != f'"{tag}"':
        return None
    first, last = found[1], found[2]
    if not first:
        return _suffix(int(last), size) if last else None
    return _span(int(first), int(last or max(int(first), size)), size)


def _span(first: int, last: int, size: int) -> tuple[int, int] | None:
    if last < first:
        return None
    if first >= size:
        raise UnsatisfiableRangeError(size)
    return first, min(last, size - 1)


def _suffix(length: int, size: int) -> tuple[int, int]:
    if length == 0 or size == 0:
        raise UnsatisfiableRangeError(size)
    return max(0, size - length), size - 1
