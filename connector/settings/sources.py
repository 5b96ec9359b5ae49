"""Adapters by name: what is installed, whether its fields are right, and one built.

The house never names an adapter: it finds them by the entry point group, and an adapter's
own dataclass says which fields ``[feed.source]`` may hold.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from functools import cache, partial
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import cast, get_type_hints

from connector.errors import SetupError
from connector.record.model import Adapter
from connector.settings.secrets import in_plain_sight, is_reference, reveal
from connector.settings.sections import FeedSection
from connector.settings.shape import Problem, Shape, nearest

GROUP = "eslabon.adapters"


def installed() -> Mapping[str, EntryPoint]:
    """Return all installed adapters by the name that ``adapter = "..."`` gives."""
    return {entry.name: entry for entry in entry_points(group=GROUP)}


def source_problems(feed: FeedSection, folder: Path, env: Mapping[str, str]) -> Iterator[Problem]:
    """Yield what is wrong with a feed's adapter and its fields; paths start at the feed."""
    try:
        shape = _shape(feed.adapter)
    except SetupError as error:
        yield Problem(("adapter",), error.code, error.params)
        return
    hidden = {k: "text" if is_reference(v) else v for k, v in feed.source.items()}
    for found in shape.problems(hidden):
        yield dataclasses.replace(found, path=("source", *found.path))
    for key in in_plain_sight(feed.source):
        yield Problem(("source", key), "settings:secret_in_plain_sight", {"key": key})
    for key, value in feed.source.items():
        try:
            reveal(value, folder, env)
        except SetupError as error:
            yield Problem(("source", key), error.code, error.params)


def build_adapter(feed: FeedSection, folder: Path, env: Mapping[str, str]) -> Adapter:
    """Return the adapter of a feed; its paths are relative to ``folder``.

    A field whose default is a path itself is left as it is: what that is relative to is the
    adapter's own business. Raises `SetupError` where the adapter is unknown or a secret
    cannot be had.
    """
    kind = _kind(feed.adapter)
    given = {key: reveal(value, folder, env) for key, value in feed.source.items()}
    values = _shape(feed.adapter).convert(given)
    settings = {
        f.name: value if isinstance(f.default, Path) else anchored(value, folder)
        for f in _settings_of(kind)
        for value in [getattr(values, f.name)]
    }
    return cast("Adapter", kind(**settings))


def anchored(value: object, folder: Path) -> object:
    """Return a value with every relative path in it, at any depth, moved under a folder."""
    match value:
        case Path():
            return folder / value
        case tuple():
            return tuple(anchored(item, folder) for item in value)
        case dict():
            return {key: anchored(item, folder) for key, item in value.items()}
    return _anchored_fields(value, folder)


def _anchored_fields(value: object, folder: Path) -> object:
    if not dataclasses.is_dataclass(value) or isinstance(value, type):
        return value
    old = {f.name: getattr(value, f.name) for f in dataclasses.fields(value) if f.init}
    new = {name: anchored(item, folder) for name, item in old.items()}
    return value if new == old else dataclasses.replace(value, **new)


@cache
def _kind(name: str) -> type:
    known = installed()
    if name not in known:
        raise SetupError("settings:adapter_unknown", adapter=name, suggestion=nearest(name, known))
    try:
        return cast("type", known[name].load())
    except ImportError as error:
        raise SetupError("settings:adapter_broken", adapter=name, reason=error) from error


@cache
def _shape(name: str) -> Shape[object]:
    """Return the shape of the adapter's settings: the fields that its constructor takes."""
    kind = _kind(name)
    types = get_type_hints(kind, include_extras=True)
    taken = [(f.name, types[f.name], _copied(f)) for f in _settings_of(kind)]
    made = dataclasses.make_dataclass(kind.__name__, taken, frozen=True, kw_only=True)
    made.__doc__ = kind.__doc__
    return Shape(made)


def _settings_of(kind: type) -> list[dataclasses.Field[object]]:
    return [f for f in dataclasses.fields(kind) if f.init]


def _copied(old: dataclasses.Field[object]) -> object:
    """Return a field like the old one; a path becomes a factory, as the schema wants it."""
    if isinstance(old.default, Path):
        return dataclasses.field(default_factory=partial(Path, old.default))
    if old.default_factory is not dataclasses.MISSING:
        return dataclasses.field(default_factory=old.default_factory)
    if old.default is dataclasses.MISSING:
        return dataclasses.field()
    return dataclasses.field(default=old.default)
