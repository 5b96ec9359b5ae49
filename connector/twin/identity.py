"""Ids of twins: given by the source, else derived once, then stored; the stored one wins.

A derived id is HMAC-SHA-256 with a secret of this installation over the asset's identity,
so that nobody can guess it from a serial number, and the same asset gets the same id from
whichever record mentions it first.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import TYPE_CHECKING
from uuid import UUID

from connector.aspect.model import Standing
from connector.identifiers import IdentityKey, TwinType
from connector.store.database import Database
from connector.store.interned import Words

if TYPE_CHECKING:
    from hashlib import _Hash as HASH

UUID_BYTES = 16
_SEPARATOR = "\x1f"
_ROUNDS = 4
_HALF_BITS = 61
# RFC 2104, 2.
_BLOCK_BYTES = 64
_MASKS = (0x36, 0x5C)
_BY_KEYS = (
    "WITH wanted (part, instance) AS (VALUES %s)"
    " SELECT t.part, t.instance, t.instance_name, t.twin_type, t.manufacturer, t.global_asset_id"
    " FROM wanted w JOIN twin t ON t.part = w.part AND t.instance = w.instance"
    " WHERE t.part <> ''"
)
_BY_ID = (
    "SELECT uuid, owner, twin_type, manufacturer, part, instance_name, instance"
    " FROM twin WHERE uuid IN (%s)"
)


def derive_id(secret: bytes, identity: IdentityKey) -> str:
    """Return the id of an asset as ``urn:uuid``.

    The 122 free bits come from the HMAC; the version says 4 (RFC 9562, 5.4), since to
    anyone without the secret they are random, and readers in the field expect that version.
    """
    message = _SEPARATOR.join(identity).encode()
    return "urn:uuid:" + uuid_text(hmac.digest(secret, message, "sha256")[:16])


def key_of(global_asset_id: str) -> bytes:
    """Return the 16 bytes under which an id is stored and found, however it is spelled.

    The six bits that every UUID fixes are set to those of version 4, so that what is left
    can be turned into the id of a shell and back. Raises `ValueError` for what is no UUID.
    """
    raw = bytearray.fromhex(global_asset_id.removeprefix("urn:uuid:").replace("-", ""))
    if len(raw) != UUID_BYTES:
        raise ValueError(global_asset_id)
    raw[6] = raw[6] & 0x0F | 0x40
    raw[8] = raw[8] & 0x3F | 0x80
    return bytes(raw)


class ShellIds:
    """Turns an asset's key into the id of its shell and back, by a secret permutation.

    So a shell has an id of its own, as the field expects, that tells nothing of the asset's
    and needs neither a column nor an index: a Feistel network of four rounds over the 122
    free bits, with HMAC-SHA-256 as its round function (Luby and Rackoff, 1988).
    """

    def __init__(self, secret: bytes) -> None:
        """Take the installation's secret."""
        self._rounds = tuple(_round(secret, number) for number in range(_ROUNDS))

    def shell_of(self, key: bytes) -> UUID:
        """Return the id of the shell of an asset."""
        left, right = _halves(int.from_bytes(key))
        for inner, outer in self._rounds:
            left, right = right, left ^ _mixed(inner, outer, right)
        return UUID(int=_joined(left, right))

    def key_of(self, shell_id: UUID) -> bytes:
        """Return the key of the asset whose shell bears this id."""
        left, right = _halves(shell_id.int)
        for inner, outer in reversed(self._rounds):
            left, right = right ^ _mixed(inner, outer, left), left
        return _joined(left, right).to_bytes(UUID_BYTES)


def _round(secret: bytes, number: int) -> tuple[HASH, HASH]:
    """Return both hashes of an HMAC of a round, as far as they are the same for every id.

    Each read goes through four rounds; to begin each HMAC anew takes three times as long.
    """
    key = sha256(secret).digest() if len(secret) > _BLOCK_BYTES else secret
    inner, outer = (bytes(b ^ mask for b in key.ljust(_BLOCK_BYTES, b"\0")) for mask in _MASKS)
    return sha256(inner + bytes((number,))), sha256(outer)


def _mixed(inner: HASH, outer: HASH, half: int) -> int:
    """Return 61 bits of the HMAC over a round's number and 61 bits."""
    within, around = inner.copy(), outer.copy()
    within.update(half.to_bytes(8))
    around.update(within.digest())
    return int.from_bytes(around.digest()[:8]) >> 3


def _halves(uuid: int) -> tuple[int, int]:
    """Return the 122 bits that a UUID does not fix, as two numbers of 61 bits."""
    free = uuid >> 80 << 74 | (uuid >> 64 & 0xFFF) << 62 | uuid & (1 << 62) - 1
    return free >> _HALF_BITS, free & (1 << _HALF_BITS) - 1


def _joined(left: int, right: int) -> int:
    free = left << _HALF_BITS | right
    high, middle, low = free >> 74, free >> 62 & 0xFFF, free & (1 << 62) - 1
    return high << 80 | 4 << 76 | middle << 64 | 2 << 62 | low


def uuid_text(raw: bytes) -> str:
    """Return 16 bytes as the text of a version 4 UUID, overwriting its six fixed bits."""
    h = raw.hex()
    variant = "89ab"[raw[8] & 3]
    return f"{h[:8]}-{h[8:12]}-4{h[13:16]}-{variant}{h[17:20]}-{h[20:]}"


class TwinIdentities:
    """Answers derivation's questions about ids from the twins in the store."""

    def __init__(self, db: Database, secret: bytes) -> None:
        """Take the store and the installation's secret."""
        self._db = db
        self._secret = secret
        self._words = Words("twin_word")

    def allot(self, wanted: Mapping[IdentityKey, str | None]) -> Mapping[IdentityKey, str]:
        """Return the id of each asset: the stored one, else the given one, else a new one."""
        stored = self._stored(wanted)
        return {
            key: stored.get(key) or given or derive_id(self._secret, key)
            for key, given in wanted.items()
        }

    def known(self, wanted: frozenset[IdentityKey]) -> Mapping[IdentityKey, str]:
        """Return the ids of those assets that have a twin already."""
        return self._stored(wanted)

    def standing(self, ids: frozenset[str]) -> Mapping[str, Standing]:
        """Return what those ids stand for that are in use already."""
        wanted = {key_of(one): one for one in ids}
        found = {}
        for key, owner, *keys in self._db.rows_in(_BY_ID, sorted(wanted)):
            identity = self._identity(keys) if keys[2] else None
            spoken = None if owner is None else self._words.word(self._db, owner)
            found[wanted[key]] = Standing(identity, spoken)
        return found

    def _stored(self, wanted: Iterable[IdentityKey]) -> dict[IdentityKey, str]:
        keys = sorted({(k.manufacturer_part_id, k.instance) for k in wanted})
        found = {}
        for part, instance, name, kind, manufacturer, global_asset_id in self._rows(keys):
            identity = self._identity([kind, manufacturer, part, name, instance])
            found[identity] = str(global_asset_id)
        return found

    def _rows(self, keys: Sequence[tuple[str, str]]) -> list[tuple[str | int, ...]]:
        if not keys:
            return []
        size = 1 << (len(keys) - 1).bit_length()
        padded = [*keys, *[("", "")] * (size - len(keys))]
        sql = _BY_KEYS.replace("%s", ",".join(["(?,?)"] * size))
        return self._db.rows(sql, [value for key in padded for value in key])

    def _identity(self, row: Sequence[str | int]) -> IdentityKey:
        kind, manufacturer, part, name, instance = row
        return IdentityKey(
            TwinType(self._word(kind)),
            self._word(manufacturer),
            str(part),
            self._word(name),
            str(instance),
        )

    def _word(self, number: str | int | None) -> str:
        return self._words.word(self._db, int(number)) if number is not None else ""
