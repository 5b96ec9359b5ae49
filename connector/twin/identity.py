"""Ids of twins: given by the source, else derived once, then stored; the stored one wins.

A derived id is HMAC-SHA-256 with a secret of this installation over the asset's identity,
so that nobody can guess it from a serial number, and the same asset gets the same id from
whichever record mentions it first.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping, Sequence

from connector.aspect.model import Standing
from connector.identifiers import IdentityKey, TwinType
from connector.store.database import Database
from connector.store.interned import Words

_SEPARATOR = "\x1f"
_BY_KEYS = (
    "WITH wanted (part, instance) AS (VALUES %s)"
    " SELECT t.part, t.instance, t.instance_name, t.twin_type, t.manufacturer, t.global_asset_id"
    " FROM wanted w JOIN twin t ON t.part = w.part AND t.instance = w.instance"
    " WHERE t.part <> ''"
)
_BY_ID = (
    "SELECT global_asset_id, owner, twin_type, manufacturer, part, instance_name, instance"
    " FROM twin WHERE global_asset_id IN (%s)"
)


def derive_id(secret: bytes, identity: IdentityKey) -> str:
    """Return the id of an asset as ``urn:uuid``.

    The 122 free bits come from the HMAC; the version says 4 (RFC 9562, 5.4), since to
    anyone without the secret they are random, and readers in the field expect that version.
    """
    message = _SEPARATOR.join(identity).encode()
    return "urn:uuid:" + uuid_text(hmac.digest(secret, message, "sha256")[:16])


def derive_shell_id(secret: bytes, global_asset_id: str) -> bytes:
    """Return the 16 bytes of a shell's id; they differ from those of the asset's own id."""
    message = f"shell{_SEPARATOR}{global_asset_id}".encode()
    return bytes.fromhex(uuid_text(hmac.digest(secret, message, "sha256")[:16]).replace("-", ""))


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
        found = {}
        for global_asset_id, owner, *keys in self._db.rows_in(_BY_ID, sorted(ids)):
            identity = self._identity(keys) if keys[2] else None
            spoken = None if owner is None else self._words.word(self._db, owner)
            found[global_asset_id] = Standing(identity, spoken)
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
