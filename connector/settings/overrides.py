"""Settings from the environment: ``ESLABON_PUBLIC__PORT=9000`` wins over ``[public] port``.

Two underscores part table and key. An entry of a list is named by its ``name`` or its number
(``ESLABON_PARTNER__OEM__DID``); lower and upper case, and ``-`` and ``_``, are the same.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping

from connector.settings.lines import Path
from connector.settings.shape import Shape, as_json

PREFIX = "ESLABON_"
SEPARATOR = "__"


def apply(
    document: object, environment: Mapping[str, str], shape: Shape[object]
) -> tuple[object, dict[Path, str]]:
    """Return the document with all overrides in, and which variable set which path."""
    copy = as_json(document)
    origins: dict[Path, str] = {}
    for variable, text in sorted(environment.items()):
        steps = variable.removeprefix(PREFIX).split(SEPARATOR)
        if variable.startswith(PREFIX) and len(steps) > 1 and all(steps):
            path = _put(copy, steps, text, shape)
            origins[path] = variable
    return copy, origins


def _put(document: object, steps: list[str], text: str, shape: Shape[object]) -> Path:
    path: Path = ()
    at = document
    for step in steps[:-1]:
        key, at = _enter(at, step)
        path = (*path, key)
    key = _matching(at, steps[-1])
    path = (*path, key)
    if isinstance(at, dict):
        at[key] = _value(text, shape.part(path).get("type"))
    return path


def _enter(at: object, step: str) -> tuple[str | int, object]:
    key = _matching(at, step)
    if isinstance(at, list) and isinstance(key, int):
        return key, at[key]
    return key, at.setdefault(key, {}) if isinstance(at, dict) else None


def _matching(at: object, step: str) -> str | int:
    """Return the key or number that a step of a variable's name means."""
    wanted = _plain(step)
    if isinstance(at, list):
        names = [item.get("name", "") if isinstance(item, dict) else "" for item in at]
        found = [i for i, name in enumerate(names) if wanted in (_plain(str(name)), str(i))]
        return found[0] if found else wanted
    known = at if isinstance(at, dict) else {}
    return next((key for key in known if _plain(key) == wanted), wanted)


def _plain(name: str) -> str:
    return name.lower().replace("-", "_")


def _value(text: str, kind: object) -> object:
    """Read a text as TOML does, unless it stands where a text is wanted."""
    if kind == "string":
        return text
    try:
        return as_json(tomllib.loads(f"value = {text}")["value"])
    except tomllib.TOMLDecodeError:
        return text
