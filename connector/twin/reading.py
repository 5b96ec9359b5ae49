"""Reads twins for one partner: what it may see is part of every question.

Visibility comes as the numbers of the audiences that the partner sees; a twin that has
none of them is as absent as one that does not exist.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from heapq import merge
from itertools import islice
from typing import NamedTuple
from uuid import UUID

import orjson

from connector.identifiers import SemanticId
from connector.store.database import Database, Row
from connector.store.interned import Words
from connector.store.journal import moment
from connector.twin.identity import ShellIds
from connector.twin.search import (
    GLOBAL_ASSET_ID,
    INTRINSIC_ID,
    PART_ID,
    TWIN_TYPE,
    Position,
    Question,
    position_of,
    question,
)

SCANNED_MAX = 5_000
SHELL_ID_VERSION = 4
SEMANTIC_IDS_KEPT_MAX = 1_000
KEYS_KEPT_MAX = 10_000

_SHELLS = (
    "SELECT t.id, e.audience, t.uuid, t.global_asset_id, k.value, m.value, t.part, n.value,"
    " t.instance, t.created_at FROM twin t CROSS JOIN exposure e ON e.twin = t.id"
    " LEFT JOIN interned k ON k.id = t.twin_type LEFT JOIN interned m ON m.id = t.manufacturer"
    " LEFT JOIN interned n ON n.id = t.instance_name"
)
_PAYLOAD = (
    "SELECT e.audience, t.global_asset_id, a.payload FROM twin t"
    " CROSS JOIN exposure e ON e.twin = t.id"
    " CROSS JOIN submodel s ON s.twin = t.id AND s.semantic = ?"
    " CROSS JOIN aspect a ON a.id = s.aspect WHERE t.uuid = ?"
)
_PAYLOADS = (
    "WITH wanted (semantic, uuid) AS (VALUES %s)"
    " SELECT s.semantic, t.uuid, e.audience, t.global_asset_id, a.payload FROM wanted w"
    " CROSS JOIN twin t ON t.uuid = w.uuid CROSS JOIN exposure e ON e.twin = t.id"
    " CROSS JOIN submodel s ON s.twin = t.id AND s.semantic = w.semantic"
    " CROSS JOIN aspect a ON a.id = s.aspect"
)
_COMPOSED = ("parentOrderNumber", "jisCallDate")


@dataclass(frozen=True, slots=True)
class Shell:
    """One twin as a partner may see it.

    ``asset_ids`` are all its specific asset ids, ``semantic_ids`` the aspects that hang on
    it, older versions of a model first; which of these the partner may have, its rules say.
    """

    id: int
    audience: int
    shell_id: UUID
    global_asset_id: str
    asset_ids: tuple[tuple[str, str], ...]
    semantic_ids: tuple[SemanticId, ...]
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Found:
    """Ids of the shells that were looked for; ``cursor`` is None when there are no more.

    A page may be short though more follow: a search reads a bounded number of twins.
    """

    shell_ids: tuple[UUID, ...]
    cursor: str | None


class SubmodelValue(NamedTuple):
    """The current payload of one aspect on a twin, with the audience of the twin."""

    audience: int
    global_asset_id: str
    payload: bytes


class TwinReader:
    """Questions about the twins in the store; belongs to the thread of its database."""

    def __init__(self, db: Database, shell_ids: ShellIds) -> None:
        self._db = db
        self._shell_ids = shell_ids
        self._semantics = Words("semantic_id")
        # Who has looked a twin up reads it next, and then its aspects. Ids never change.
        self._key_named = lru_cache(KEYS_KEPT_MAX)(self._key_in)

    def semantic_ids(self) -> list[SemanticId]:
        """Return the aspects in use."""
        found = self._db.rows("SELECT value FROM interned WHERE kind = 'semantic_id'")
        return [SemanticId(value) for (value,) in found]

    def shells(self, audiences: Collection[int], after: int, limit: int) -> list[Shell]:
        """Return the next shells after a twin's number, in order of numbers."""
        numbers = self._visible(audiences, after, limit)
        rows = self._db.rows_in(f"{_SHELLS} WHERE t.id IN (%s)", numbers)
        return self._described(sorted(rows))

    def shell(self, audiences: Collection[int], shell_id: UUID) -> Shell | None:
        """Return one shell, or None if there is none for this partner."""
        row = self._db.row(f"{_SHELLS} WHERE t.uuid = ?", (self._key_of(shell_id),))
        return self._described([row])[0] if row and row[1] in audiences else None

    def submodel(self, shell_id: UUID, semantic_id: SemanticId) -> SubmodelValue | None:
        """Return the payload of one aspect; the caller has to judge its audience."""
        number = self._semantics.find(self._db, semantic_id)
        row = self._db.row(_PAYLOAD, (number, self._key_of(shell_id))) if number else None
        return SubmodelValue(*row) if row else None

    def submodels(self, wanted: Sequence[tuple[str, SemanticId]]) -> list[SubmodelValue | None]:
        """Return what `submodel` would for each id of a shell, all as of one moment.

        Raises `ValueError` for what is no UUID.
        """
        find, key_named = self._semantics.find, self._key_named
        keys = [
            (find(self._db, semantic_id) or 0, key_named(shell_id))
            for shell_id, semantic_id in wanted
        ]
        size = 1 << (len(keys) - 1).bit_length()
        padded = [*keys, *[(0, b"")] * (size - len(keys))]
        sql = _PAYLOADS.replace("%s", ",".join(["(?,?)"] * size))
        rows = self._db.rows(sql, [value for key in padded for value in key])
        found = {(semantic, uuid): SubmodelValue(*row) for semantic, uuid, *row in rows}
        return [found.get(key) for key in keys]

    def search(
        self,
        audiences: Collection[int],
        links: Sequence[tuple[str, str]],
        cursor: str | None,
        limit: int,
    ) -> Found:
        """Return the shells that have all the given asset ids, compared exactly.

        Raises `PartnerError` when the cursor is not one that we gave.
        """
        asked, position = question(links), position_of(cursor)
        if not asked.is_indexed:
            return self._search_stretch(asked, audiences, position, limit)
        rows = self._matches(asked, audiences, position, limit + 1)
        more = _position(rows[limit - 1]).cursor if len(rows) > limit else None
        return Found(self._ids(rows[:limit]), more)

    def _search_stretch(
        self, asked: Question, audiences: Collection[int], position: Position, limit: int
    ) -> Found:
        """Walk through a stretch of what is visible, since no index fits the question."""
        numbers = self._visible(audiences, position.twin, SCANNED_MAX)
        if not numbers:
            return Found((), None)
        stretch = asked.between(numbers[0], numbers[-1])
        rows = self._matches(stretch, audiences, position, limit)
        last = _position(rows[-1]).twin if len(rows) == limit else numbers[-1]
        is_end = len(numbers) < SCANNED_MAX and last == numbers[-1]
        return Found(self._ids(rows), None if is_end else Position(last).cursor)

    def _matches(
        self, asked: Question, audiences: Collection[int], position: Position, limit: int
    ) -> list[Row]:
        seen = orjson.dumps(sorted(audiences)).decode()
        return self._db.rows(asked.sql(), (*asked.parameters, seen, *asked.after(position), limit))

    def _visible(self, audiences: Collection[int], after: int, limit: int) -> list[int]:
        each = (
            self._db.rows(
                "SELECT twin FROM exposure WHERE audience = ? AND twin > ? ORDER BY twin LIMIT ?",
                (audience, after, limit),
            )
            for audience in audiences
        )
        return [twin for (twin,) in islice(merge(*each), limit)]

    def _described(self, rows: Sequence[Row]) -> list[Shell]:
        numbers = [row[0] for row in rows]
        asset_ids = self._grouped("SELECT twin, name, value FROM asset_id", numbers)
        semantic_ids = self._grouped(
            "SELECT twin, value FROM submodel JOIN interned ON id = semantic", numbers
        )
        return [
            _shell(row, self._shell_ids.shell_of(row[2]), asset_ids[row[0]], semantic_ids[row[0]])
            for row in rows
        ]

    def _ids(self, rows: Iterable[Row]) -> tuple[UUID, ...]:
        return tuple(self._shell_ids.shell_of(key) for _, _, key in rows)

    def _key_of(self, shell_id: UUID) -> bytes:
        """Return the key of a shell's twin; an id that we cannot have given has none."""
        return self._shell_ids.key_of(shell_id) if shell_id.version == SHELL_ID_VERSION else b""

    def _key_in(self, shell_id: str) -> bytes:
        return self._key_of(UUID(shell_id))

    def _grouped(self, sql: str, numbers: Sequence[int]) -> defaultdict[int, list[Row]]:
        grouped: defaultdict[int, list[Row]] = defaultdict(list)
        for row in self._db.rows_in(f"{sql} WHERE twin IN (%s)", numbers):
            grouped[row[0]].append(row[1:])
        return grouped


@lru_cache(maxsize=SEMANTIC_IDS_KEPT_MAX)
def version_order(semantic_id: SemanticId) -> tuple[str, tuple[int, ...]]:
    """Return the sort key that lists older versions of a model first.

    Some readers take the first aspect whose name they know, and know old versions only.
    """
    return semantic_id.namespace, tuple(int(part) for part in semantic_id.version.split("."))


def _shell(row: Row, shell_id: UUID, further: Iterable[Row], semantics: Iterable[Row]) -> Shell:
    number, audience, _, global_asset_id, *identity, created_at = row
    semantic_ids = sorted((SemanticId(value) for (value,) in semantics), key=version_order)
    return Shell(
        id=number,
        audience=audience,
        shell_id=shell_id,
        global_asset_id=global_asset_id,
        asset_ids=_asset_ids(identity, sorted((name, value) for name, value in further)),
        semantic_ids=tuple(semantic_ids),
        created_at=moment(created_at),
    )


def _asset_ids(
    identity: Sequence[str | None], further: Sequence[tuple[str, str]]
) -> tuple[tuple[str, str], ...]:
    """Return the mandatory ids first (CX-0126 2.1.1, CX-0127 2.0.2), then the further ones."""
    twin_type, manufacturer, part, instance_name, instance = (value or "" for value in identity)
    rest = dict(further)
    intrinsic = instance + "".join(rest.get(name, "") for name in _COMPOSED)
    named = [
        ("manufacturerId", manufacturer),
        (PART_ID, part),
        (TWIN_TYPE, twin_type),
        *([(instance_name, instance), (INTRINSIC_ID, intrinsic)] if instance else []),
    ]
    given = {name for name, _ in named} | {GLOBAL_ASSET_ID}
    return (
        *((name, value) for name, value in named if value),
        *(link for link in further if link[0] not in given),
    )


def _position(row: Row) -> Position:
    instance, twin, _ = row
    return Position(twin, instance)
