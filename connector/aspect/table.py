"""Rows of the aspect room, and its named SQL."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import orjson

from connector.aspect.model import AspectRow
from connector.identifiers import IdentityKey, SemanticId, TwinType
from connector.store.database import Database
from connector.store.interned import Words

_INSERT = (
    "INSERT INTO aspect (id, record, semantic, identity, global_asset_id, payload, digest)"
    " VALUES (?,?,?,?,?,?,?)"
)
_SELECT = (
    "SELECT a.id, i.value, a.identity, a.global_asset_id, a.digest"
    " FROM aspect a JOIN interned i ON i.id = a.semantic WHERE a.id BETWEEN ? AND ? ORDER BY a.id"
)


class NewAspect(NamedTuple):
    """An aspect about to be stored; ``identity`` is what `identity_to_json` made."""

    record: int
    semantic_id: SemanticId
    identity: bytes
    global_asset_id: str
    payload: bytes
    digest: bytes


def identity_to_json(
    identity: IdentityKey | None, asset_ids: Sequence[tuple[str, str]], owner: str | None
) -> bytes:
    """Return whom an aspect is about, in the form in which it is stored."""
    return orjson.dumps((tuple(identity) if identity else None, asset_ids, owner))


def insert_aspects(tx: Database, aspects: Sequence[NewAspect]) -> tuple[int, int]:
    """Store aspects under consecutive ids and return the first and the last of them."""
    found = tx.row("SELECT coalesce(max(id), 0) + 1 FROM aspect")
    first = int(found[0]) if found else 1
    words = Words("semantic_id")
    numbers = {a.semantic_id: words.number(tx, a.semantic_id) for a in aspects}
    tx.executemany(
        _INSERT,
        ((first + i, a.record, numbers[a.semantic_id], *a[2:]) for i, a in enumerate(aspects)),
    )
    return first, first + len(aspects) - 1


def aspects(db: Database, first: int, last: int) -> Iterator[AspectRow]:
    """Yield the aspects with ids from ``first`` to ``last``."""
    parsed: dict[str, SemanticId] = {}
    for number, semantic, identity, global_asset_id, digest in db.rows(_SELECT, (first, last)):
        if semantic not in parsed:
            parsed[semantic] = SemanticId.parse(semantic)
        key, asset_ids, owner = orjson.loads(identity)
        yield AspectRow(
            number,
            parsed[semantic],
            IdentityKey(TwinType(key[0]), *key[1:]) if key else None,
            global_asset_id,
            tuple((name, value) for name, value in asset_ids),
            owner,
            digest,
        )
