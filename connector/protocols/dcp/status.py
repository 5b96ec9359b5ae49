"""Status lists: where a credential's revocation is written, and how a list is read; no I/O.

Sources: StatusList2021 (DCP profile ``vc11-sl2021/jwt``) and Bitstring Status List 1.0.
"""

from __future__ import annotations

import binascii
import zlib
from base64 import urlsafe_b64decode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from connector.errors import PartnerError
from connector.protocols.dcp.credentials import IssuedCredential

LIST_BYTES_MAX = 1024 * 1024
UNPACKED_BYTES_MAX = 8 * 1024 * 1024
ENTRIES_MAX = 5

# The type of an entry in a credential, and the type that the list itself has.
LIST_TYPES: Mapping[str, str] = {
    "StatusList2021Entry": "StatusList2021",
    "BitstringStatusListEntry": "BitstringStatusList",
}
# A bit under any other purpose is a message, no withdrawal.
_WITHDRAWING = frozenset({"revocation", "suspension"})


@dataclass(frozen=True, slots=True)
class StatusEntry:
    """One bit that tells whether a credential was withdrawn: in which list, and where in it."""

    url: str
    index: int
    purpose: str
    list_type: str


def status_entries(
    statuses: Sequence[Mapping[str, object]], *, who: str
) -> tuple[StatusEntry, ...]:
    """Return the bits that decide on a credential with these statuses; none without any.

    Raises `PartnerError` for a status that cannot be understood: what might be withdrawn is
    not accepted unseen.
    """
    if len(statuses) > ENTRIES_MAX:
        raise _refusal("status_unknown", who, type=f"{len(statuses)} entries")
    entries = [_entry(one, who) for one in statuses]
    return tuple(one for one in entries if one.purpose in _WITHDRAWING)


def read_list(credential: IssuedCredential, entry: StatusEntry, *, who: str) -> bytes:
    """Return the bits of the list that ``entry`` names; raises `PartnerError` if it is another."""
    subjects: Iterable[Mapping[str, object]] = credential.subjects
    for subject in subjects:
        purpose, encoded = subject.get("statusPurpose"), subject.get("encodedList")
        purposes = purpose if isinstance(purpose, list) else [purpose]
        if subject.get("type") == entry.list_type and entry.purpose in purposes:
            return _unpacked(encoded if isinstance(encoded, str) else "", entry, who)
    raise _refusal("status_list_malformed", who, url=entry.url, reason="credentialSubject")


def is_withdrawn(bits: bytes, entry: StatusEntry, *, who: str) -> bool:
    """Whether the bit of ``entry`` is set; the first bit is the highest of the first byte."""
    place, offset = divmod(entry.index, 8)
    if place >= len(bits):
        reason = f"statusListIndex {entry.index}"
        raise _refusal("status_list_malformed", who, url=entry.url, reason=reason)
    return bool(bits[place] >> (7 - offset) & 1)


def _entry(wire: Mapping[str, object], who: str) -> StatusEntry:
    kind, url = wire.get("type"), wire.get("statusListCredential")
    index, purpose = str(wire.get("statusListIndex")), wire.get("statusPurpose", "revocation")
    if not isinstance(kind, str) or kind not in LIST_TYPES or wire.get("statusSize", 1) != 1:
        raise _refusal("status_unknown", who, type=kind)
    if not isinstance(url, str) or not index.isascii() or not index.isdigit():
        raise _refusal("status_unknown", who, type=kind)
    if not isinstance(purpose, str) or len(index) > 10:  # noqa: PLR2004 - digits of an index
        raise _refusal("status_unknown", who, type=kind)
    return StatusEntry(url, int(index), purpose, LIST_TYPES[kind])


def _unpacked(encoded: str, entry: StatusEntry, who: str) -> bytes:
    # Bitstring lists mark the encoding with the multibase letter u.
    plain = encoded.removeprefix("u") if entry.list_type == "BitstringStatusList" else encoded
    try:
        packed = urlsafe_b64decode(plain + "=" * (-len(plain) % 4))
        unpacking = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        bits = unpacking.decompress(packed, UNPACKED_BYTES_MAX)
    except (binascii.Error, zlib.error, ValueError) as trouble:
        raise _refusal("status_list_malformed", who, url=entry.url, reason=trouble) from trouble
    if not unpacking.eof:
        reason = f"> {UNPACKED_BYTES_MAX} bytes"
        raise _refusal("status_list_malformed", who, url=entry.url, reason=reason)
    return bits


def _refusal(key: str, who: str, **params: object) -> PartnerError:
    return PartnerError(f"connector.protocols.dcp:{key}", who=who, **params)
