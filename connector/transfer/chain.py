"""The ledger as a chain: what a row's hash covers, and what a signed head says; no I/O.

The hash of a row is SHA-256 over the hash of the row before it (32 zero bytes before the
first) followed by the row as JSON array ``[number, at, partner, agreement, transfer, action,
subject, detail]`` in the canonical form of RFC 8785. A head is the number of rows and the
hash of the last of them; what signs it is the business of a `Notary`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Protocol

import msgspec
import orjson

HASH_BYTES = 32
GENESIS = bytes(HASH_BYTES)

# Rows that we write about the ledger itself bear no partner.
OURSELVES = ""
ADOPTED = "ledger.adopted"
KEY_INTRODUCED = "key.introduced"

# number, at (milliseconds since 1970, UTC), partner, agreement, transfer, action, subject, detail
Content = tuple[int, int, str, str, str, str, str, str]
# The same without the number, which a row gets when it is written.
Line = tuple[int, str, str, str, str, str, str]


@dataclass(frozen=True, slots=True)
class Pace:
    """When the next head is due: after so many rows, or so long after the first unsigned."""

    rows_max: int = 10_000
    seconds_max: float = 60.0


USUAL_PACE = Pace()


@dataclass(frozen=True, slots=True)
class Head:
    """What is signed: how long the ledger was, the hash of its last row, and when.

    ``rows_max`` and ``seconds_max`` are the pace that was kept after it: no honest ledger
    goes on longer than that without the next head. ``at`` is in milliseconds since 1970.
    """

    number: int
    rows: int
    hash: str
    at: int
    rows_max: int
    seconds_max: float


class Notary(Protocol):
    """Signs heads in the connector's name, with the key whose public half partners know."""

    @property
    def kid(self) -> str:
        """The name of the key that signs, as our DID document gives it."""
        ...

    def seal(self, content: bytes) -> str:
        """Return a compact JWS (RFC 7515) over ``content``."""
        ...

    def public_key(self) -> str:
        """Return the public half of that key as JWK (RFC 7517), JSON."""
        ...


class Seals(Protocol):
    """Opens what notaries sealed."""

    def kid_of(self, seal: str) -> str:
        """Return the name of the key that a seal claims; empty where it is no seal."""
        ...

    def opened(self, seal: str, jwk: str = "") -> bytes | None:
        """Return what was sealed, if one of our keys did it; None if none did.

        Without ``jwk``, only keys that are configured count; with it, only that key, and
        only if its name is the one that the seal claims.
        """
        ...


def line_of(content: Content) -> bytes:
    """Return what is hashed of a row; raises `TypeError` for what no row can hold."""
    return orjson.dumps(content)


def link(previous: bytes, line: bytes) -> bytes:
    """Return the hash of a row from the hash before it and its own content."""
    return sha256(previous + line).digest()


def links(previous: bytes, lines: Iterable[bytes]) -> list[bytes]:
    """Return the hashes of rows that follow each other."""
    hashes = []
    for line in lines:
        previous = sha256(previous + line).digest()
        hashes.append(previous)
    return hashes


def head_to_json(head: Head) -> bytes:
    """Return a head as it is signed."""
    return orjson.dumps(asdict(head))


def head_from_json(signed: bytes) -> Head:
    """Return a head that was signed; raises `ValueError` for anything else."""
    try:
        return msgspec.json.decode(signed, type=Head)
    except msgspec.MsgspecError as error:
        raise ValueError(str(error)) from error
