"""From a place in a payload back to the columns that it was read from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from connector.aspect.mapping.builders import is_constant
from connector.aspect.mapping.definition import (
    Expression,
    FixedList,
    MappingDefinition,
    Node,
    ObjectNode,
    Reference,
    RowList,
    columns_of,
)

Origins = Mapping[str, tuple[str, ...]]


def origins_of(definition: MappingDefinition) -> Origins:
    """Return the columns behind each JSON pointer; ``*`` stands for the item of a row."""
    found: dict[str, tuple[str, ...]] = {}
    for pointer, columns in _walk(definition.payload, ""):
        known = found.get(pointer, ())
        found[pointer] = (*known, *(c for c in columns if c not in known))
    return found


def columns_at(origins: Origins, path: str) -> tuple[tuple[str, ...], int | None]:
    """Return the columns behind a pointer or the nearest one above it, and the row's index."""
    steps = path.split("/")
    for end in range(len(steps), 0, -1):
        for candidate, row in _spellings(steps[:end]):
            if candidate in origins:
                return origins[candidate], row
    return (), None


def _spellings(steps: list[str]) -> Iterator[tuple[str, int | None]]:
    """Yield the pointer as it is, and with each of its indexes as the item of a row."""
    yield "/".join(steps), None
    for place, step in enumerate(steps):
        if step.isdecimal():
            yield "/".join([*steps[:place], "*", *steps[place + 1 :]]), int(step)


def _walk(node: Node, pointer: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    match node:
        case Expression() | Reference():
            yield pointer, tuple(dict.fromkeys(columns_of(node)))
        case ObjectNode(members=members):
            for member in members:
                name = member.name.replace("~", "~0").replace("/", "~1")
                yield from _walk(member.node, f"{pointer}/{name}")
        case RowList(item=item):
            yield f"{pointer}/*", tuple(dict.fromkeys(columns_of(item)))
            yield from _walk(item, f"{pointer}/*")
        case FixedList(items=items):
            yield from _walk_items(items, pointer)


def _walk_items(items: tuple[Node, ...], pointer: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the items under every index that they may get: those before may be left out."""
    droppable = 0
    for index, item in enumerate(items):
        for place in range(index - droppable, index + 1):
            yield from _walk(item, f"{pointer}/{place}")
        droppable += not is_constant(item)
