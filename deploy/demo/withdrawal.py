"""What the demo's authority writes about credentials that do not count any more: its lists.

Sources: StatusList2021 (DCP profile ``vc11-sl2021/jwt``) and Bitstring Status List 1.0.
"""

from __future__ import annotations

import gzip
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

LIST_BYTES = 16 * 1024
PURPOSE = "revocation"


class ListKind(Enum):
    """The two kinds of list: what a credential's entry is called, and the list's own subject."""

    STATUS_LIST_2021 = ("StatusList2021Entry", "StatusList2021")
    BITSTRING = ("BitstringStatusListEntry", "BitstringStatusList")


@dataclass(frozen=True, slots=True)
class StatusList:
    """One list, by where it lies."""

    url: str
    kind: ListKind

    @property
    def credential_type(self) -> str:
        """The type of the credential in which the list is published."""
        return f"{self.kind.value[1]}Credential"

    def entry(self, place: int) -> Mapping[str, str]:
        """Return how a credential names its place in the list."""
        return {
            "id": f"{self.url}#{place}",
            "type": self.kind.value[0],
            "statusPurpose": PURPOSE,
            "statusListIndex": str(place),
            "statusListCredential": self.url,
        }

    def subject(self, withdrawn: Iterable[int]) -> Mapping[str, object]:
        """Return the list itself, with the bits of these places set."""
        bits = bytearray(LIST_BYTES)
        for place in withdrawn:
            bits[place // 8] |= 1 << (7 - place % 8)
        return {
            "id": f"{self.url}#list",
            "type": self.kind.value[1],
            "statusPurpose": PURPOSE,
            "encodedList": self._encoded(gzip.compress(bytes(bits))),
        }

    def _encoded(self, packed: bytes) -> str:
        if self.kind is ListKind.STATUS_LIST_2021:
            return b64encode(packed).decode()
        return "u" + urlsafe_b64encode(packed).rstrip(b"=").decode()
