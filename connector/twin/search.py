"""Turns specific asset ids into one SQL question that an index answers, where one can."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass, replace

import orjson

from connector.errors import PartnerError
from connector.identifiers import TwinType
from connector.twin.identity import key_of

INSTANCE_NAMES = ("partInstanceId", "batchId", "jisNumber")
GLOBAL_ASSET_ID = "globalAssetId"
INTRINSIC_ID = "intrinsicId"
PART_ID = "manufacturerPartId"
TWIN_TYPE = "digitalTwinType"

_WORD = "(SELECT id FROM interned WHERE kind = 'twin_word' AND value = ?)"
_CONDITIONS = {
    GLOBAL_ASSET_ID: "t.uuid = ?",
    "manufacturerId": f"t.manufacturer = {_WORD}",
    PART_ID: "t.part = ? AND t.part <> ''",
    TWIN_TYPE: f"t.twin_type = {_WORD}",
    **dict.fromkeys(
        INSTANCE_NAMES, f"t.instance = ? AND t.instance <> '' AND t.instance_name = {_WORD}"
    ),
    # Of a part just in sequence it may be composed of three ids; such a one is not found by it.
    INTRINSIC_ID: (
        "t.instance = ? AND t.instance <> '' AND NOT EXISTS (SELECT 1 FROM asset_id x WHERE"
        " x.twin = t.id AND x.name IN ('parentOrderNumber', 'jisCallDate'))"
    ),
}
_FURTHER = "EXISTS (SELECT 1 FROM asset_id x WHERE x.name = ? AND x.value = ? AND x.twin = t.id)"
_SELECTIVE = frozenset({GLOBAL_ASSET_ID, INTRINSIC_ID, *INSTANCE_NAMES})
_PART_TYPE = (TWIN_TYPE, TwinType.PART_TYPE)


@dataclass(frozen=True, slots=True)
class Position:
    """Where a page of results ended; ``instance`` counts only where results go by it."""

    twin: int = 0
    instance: str = ""

    @property
    def cursor(self) -> str:
        """The position as text that travels in a URL."""
        raw = orjson.dumps([self.twin, self.instance])
        return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def position_of(cursor: str | None) -> Position:
    """Return the position that a cursor names, the start if there is none.

    Raises `PartnerError` when the cursor is not one that we gave.
    """
    if not cursor:
        return Position()
    try:
        padded = cursor.rstrip("=") + "=" * (-len(cursor.rstrip("=")) % 4)
        twin, instance = orjson.loads(base64.urlsafe_b64decode(padded))
    except (ValueError, TypeError, binascii.Error):
        raise PartnerError("twin:cursor_unknown", cursor=cursor[:100]) from None
    if type(twin) is not int or not isinstance(instance, str):
        raise PartnerError("twin:cursor_unknown", cursor=cursor[:100])
    return Position(twin, instance)


@dataclass(frozen=True, slots=True)
class Question:
    """SQL of a search over ``twin t``.

    ``by_instance`` results come in the order of the index over parts, so that a page out of
    a hundred thousand pieces of one part costs no sorting; others come by number.
    """

    source: str
    conditions: tuple[str, ...]
    parameters: tuple[object, ...]
    is_indexed: bool
    by_instance: bool = False

    def between(self, first: int, last: int) -> Question:
        """Return the same question about a stretch of twins."""
        conditions = (*self.conditions, "t.id BETWEEN ? AND ?")
        return replace(self, conditions=conditions, parameters=(*self.parameters, first, last))

    def sql(self) -> str:
        """Return the query; after its parameters: audiences as JSON, position, limit."""
        order, later = "t.id", "t.id > ?"
        if self.by_instance:
            order, later = "t.instance, t.id", "t.instance >= ? AND (t.instance, t.id) > (?, ?)"
        return (
            f"SELECT t.instance, t.id, t.uuid FROM {self.source}"  # noqa: S608 - our own words
            " CROSS JOIN exposure e ON e.twin = t.id"
            f" WHERE {' AND '.join((*self.conditions, 'true'))}"
            f" AND +e.audience IN (SELECT value FROM json_each(?)) AND {later}"
            f" ORDER BY {order} LIMIT ?"
        )

    def after(self, position: Position) -> tuple[object, ...]:
        """Return the parameters that a position takes in the query."""
        if self.by_instance:
            return (position.instance, position.instance, position.twin)
        return (position.twin,)


def question(links: Sequence[tuple[str, str]]) -> Question:
    """Return the question that finds the twins which have all the given asset ids."""
    names = {name for name, _ in links}
    further = [link for link in links if link[0] not in _CONDITIONS]
    is_selective = not names.isdisjoint(_SELECTIVE)
    if further and not is_selective:
        return _by_asset_id(links, further[0])
    conditions, parameters = _conditions(links)
    by_instance = PART_ID in names and not is_selective
    if by_instance and _PART_TYPE in links:
        # A part type has no instance, so the index leads past all the instances.
        conditions = (*conditions, "t.instance = ''")
    is_indexed = is_selective or by_instance
    return Question("twin t", conditions, parameters, is_indexed, by_instance)


def _by_asset_id(links: Sequence[tuple[str, str]], driver: tuple[str, str]) -> Question:
    conditions, parameters = _conditions([link for link in links if link != driver])
    source = "asset_id d CROSS JOIN twin t ON t.id = d.twin"
    conditions = ("d.name = ?", "d.value = ?", *conditions)
    return Question(source, conditions, (*driver, *parameters), is_indexed=True)


def _conditions(
    links: Sequence[tuple[str, str]],
) -> tuple[tuple[str, ...], tuple[object, ...]]:
    conditions = tuple(_CONDITIONS.get(name, _FURTHER) for name, _ in links)
    return conditions, tuple(each for link in links for each in _values(*link))


def _values(name: str, value: str) -> tuple[str | bytes, ...]:
    """Return the parameters of one condition."""
    if name == GLOBAL_ASSET_ID:
        return (_key(value),)
    if name in INSTANCE_NAMES:
        return (value, name)
    return (value,) if name in _CONDITIONS else (name, value)


def _key(global_asset_id: str) -> bytes:
    """Return the key of an id, written with or without its scheme; of no id, nothing's key."""
    try:
        return key_of(global_asset_id)
    except ValueError:
        return b""
