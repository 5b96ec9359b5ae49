"""The listing that a BPN-DID resolution service gives out, read with bounds; no I/O.

Shape: one JSON object, business partner number to DID, packed with gzip (Tractus-X
bpn-did-resolution-service, Directory API).
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping

import orjson

from connector.errors import DataError, PartnerError
from connector.identifiers import Bpnl, Did

PATH = "/bpn-directory"
LISTING_BYTES_MAX = 16 * 1024 * 1024
ENTRIES_MAX = 100_000
_GZIP = b"\x1f\x8b"


def read_listing(raw: bytes, url: str) -> Mapping[Bpnl, Did]:
    """Return who has which DID; entries that are no BPNL or no DID are passed over.

    Raises `PartnerError` where it is not a JSON object, or too large.
    """
    try:
        listed = orjson.loads(_unpacked(raw, url))
    except orjson.JSONDecodeError as trouble:
        raise _malformed(url, trouble) from trouble
    if not isinstance(listed, dict):
        raise _malformed(url, "not an object")
    if len(listed) > ENTRIES_MAX:
        raise _malformed(url, f"> {ENTRIES_MAX} entries")
    return dict(pair for one in listed.items() if (pair := _entry(*one)))


def _entry(bpn: str, did: object) -> tuple[Bpnl, Did] | None:
    # Sites and addresses (BPNS, BPNA) may be listed too; only legal entities have connectors.
    try:
        return Bpnl.parse(bpn), Did.parse(did)
    except DataError:
        return None


def _unpacked(raw: bytes, url: str) -> bytes:
    """Unpack what a server packed without saying so in ``Content-Encoding``."""
    if not raw.startswith(_GZIP):
        return raw
    unpacking = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        unpacked = unpacking.decompress(raw, LISTING_BYTES_MAX)
    except zlib.error as trouble:
        raise _malformed(url, trouble) from trouble
    if not unpacking.eof:
        raise _malformed(url, f"> {LISTING_BYTES_MAX} bytes")
    return unpacked


def _malformed(url: str, reason: object) -> PartnerError:
    return PartnerError("connector.protocols.bdrs:listing_malformed", url=url, reason=reason)
