"""Places in a payload as migrations name them: ``childItems[].quantity``, ``general[0].comment``.

``[]`` is every item of a list, and ``[0]`` its first one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import cast

_STEP = re.compile(r"([^.\[\]]+)|\[(\d*)\]")

Place = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Each:
    """Every item of a list."""


Step = str | int | Each


@dataclass(frozen=True, slots=True)
class Found:
    """A value, where it lies, and at which items of the lists on its way."""

    place: Place
    value: object
    items: tuple[int, ...] = ()


def parse_path(text: str) -> tuple[Step, ...]:
    """Return the steps of a path such as ``childItems[].quantity``."""
    return tuple(name or (int(index) if index else Each()) for name, index in _STEP.findall(text))


def pointer_of(place: Place) -> str:
    """Return a place as a JSON pointer (RFC 6901)."""
    return "".join("/" + str(s).replace("~", "~0").replace("/", "~1") for s in place)


def find(value: object, path: tuple[Step, ...], so_far: Found | None = None) -> Iterator[Found]:
    """Yield every value at a path; a list without items is none."""
    at = so_far or Found((), value)
    if not path:
        yield Found(at.place, value, at.items)
        return
    step, *rest = path
    for key, child in _children(value, step):
        items = (*at.items, cast("int", key)) if isinstance(step, Each) else at.items
        yield from find(child, tuple(rest), Found((*at.place, key), child, items))


def empty_lists(value: object, path: tuple[Step, ...]) -> Iterator[tuple[Found, int]]:
    """Yield the lists without items on a path, each with how many ``[]`` lie before it."""
    places = [number for number, step in enumerate(path) if isinstance(step, Each)]
    for before, number in enumerate(places):
        empty = (found for found in find(value, path[:number]) if found.value == [])
        yield from ((found, before) for found in empty)


def put(
    root: dict[str, object], path: tuple[Step, ...], items: tuple[int, ...], value: object
) -> Place:
    """Put a value at a path, with objects and lists on its way, and return where it lies.

    The nth ``[]`` stands for the nth of ``items``; where it ends the path, the value is
    added to the list.
    """
    at: object = root
    ahead = iter(items)
    place: list[str | int] = []
    for number, step in enumerate(path):
        is_last = number + 1 == len(path)
        key = _key(at, step, next(ahead, 0) if isinstance(step, Each) else 0, is_last=is_last)
        place.append(key)
        if is_last:
            _set(at, key, value)
        else:
            at = _child(at, key, is_list=not isinstance(path[number + 1], str))
    return tuple(place)


def holds(root: object, place: Place) -> bool:
    """Tell whether there is a value at a place."""
    return any(True for _ in find(root, place))


def _children(value: object, step: Step) -> Iterator[tuple[str | int, object]]:
    if isinstance(step, str):
        if isinstance(value, Mapping) and step in value:
            yield step, value[step]
    elif isinstance(value, list):
        if isinstance(step, Each):
            yield from enumerate(value)
        elif step < len(value):
            yield step, value[step]


def _key(at: object, step: Step, item: int, *, is_last: bool) -> str | int:
    if not isinstance(step, Each):
        return step
    return len(at) if is_last and isinstance(at, list) else item


def _child(at: object, key: str | int, *, is_list: bool) -> object:
    """Return the container under a key, made where there is none."""
    fresh: object = [] if is_list else {}
    if isinstance(at, list) and isinstance(key, int):
        while len(at) <= key:
            at.append([] if is_list else {})
        return at[key]
    return cast("dict[str | int, object]", at).setdefault(key, fresh)


def _set(at: object, key: str | int, value: object) -> None:
    if isinstance(at, list) and key == len(at):
        at.append(value)
    else:
        cast("dict[str | int, object]", at)[key] = value
