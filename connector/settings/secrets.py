"""Secrets of a source: never in the configuration, but in a file or the environment.

``password = {file = "broker.password"}`` or ``password = {env = "BROKER_PASSWORD"}``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from connector.errors import SetupError

_REFERENCES = ({"file"}, {"env"})
_SECRET_NAMES = re.compile(r"password|passwd|secret|token|api_?key|private_?key", re.IGNORECASE)
_PLACES = re.compile(r"_(file|path|folder|url|env|seconds|max)$", re.IGNORECASE)


def is_reference(value: object) -> bool:
    """Return whether a value of the configuration says where a secret is."""
    return (
        isinstance(value, Mapping)
        and set(value) in _REFERENCES
        and all(isinstance(place, str) for place in value.values())
    )


def reveal(value: object, folder: Path, environment: Mapping[str, str]) -> object:
    """Return the secret that a reference names, and any other value as it is.

    A file is relative to ``folder``, and its last line break does not count. Raises
    `SetupError` where there is nothing.
    """
    if not isinstance(value, Mapping) or not is_reference(value):
        return value
    if "env" in value:
        name = str(value["env"])
        if name not in environment:
            raise SetupError("settings:secret_not_set", variable=name)
        return environment[name]
    file = folder / str(value["file"])
    try:
        return file.read_text(encoding="utf-8").rstrip("\r\n")
    except OSError as error:
        raise SetupError("settings:secret_unreadable", file=file, reason=error.strerror) from error


def in_plain_sight(source: Mapping[str, object]) -> Iterator[str]:
    """Yield the keys whose values are secrets, written where anybody reads them."""
    for key, value in source.items():
        is_secret = _SECRET_NAMES.search(key) and not _PLACES.search(key)
        if is_secret and isinstance(value, str) and value:
            yield key
