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
    "INSERT INTO aspect (id, record, semantic, identity, global_asset_id, payload)"
    " VALUES (?,?,?,?,?,?)"
)
_SELECT = (
    "SELECT a.id, i.value, a.identity, a.global_asset_id"
    " FROM aspect a JOIN interned i ON i.id = a.semantic WHERE a.id BETWEEN ? AND ? ORDER BY a.id"
)


_TWIN_TYPES = {kind.value: kind for kind in TwinType}
_PLAIN = {kind: kind.value for kind in TwinType}


class NewAspect(NamedTuple):
    """An aspect about to be stored; ``identity`` is what `identity_to_json` made."""

    record: int
    semantic_id: SemanticId
    identity: bytes
    global_asset_id: str
    payload: bytes


def identity_to_json(
    identity: IdentityKey | None, asset_ids: Sequence[tuple[str, str]], owner: str | None
) -> bytes:
    """Return whom an aspect is about, in the form in which it is stored."""
    # A plain list of plain text: an enumeration's member costs more to write than all the rest.
    plain = [_PLAIN[identity[0]], *identity[1:]] if identity else None
    return orjson.dumps([plain, asset_ids, owner])


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
    for number, semantic, identity, global_asset_id in db.rows(_SELECT, (first, last)):
        if semantic not in parsed:
            parsed[semantic] = SemanticId.parse(semantic)
        key, links, owner = orjson.loads(identity)
        yield AspectRow(
            number,
            parsed[semantic],
            IdentityKey(_TWIN_TYPES[key[0]], key[1], key[2], key[3], key[4]) if key else None,
            global_asset_id,
            tuple((name, value) for name, value in links) if links else (),
            owner,
        )
