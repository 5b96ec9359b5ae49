"""Brings messages that are written in expanded JSON-LD into the form that we read; no I/O.

The protocol's own form is the compact one. Wallets that work in JSON-LD send what their
processor made of it: names as full IRIs, values as nodes, lists of one (IdentityHub does so
when it asks an issuer for credentials). The meaning is fixed, so it needs no processor.
"""

from __future__ import annotations

import orjson

NAMESPACE = "https://w3id.org/dspace-dcp/v1.0/"
DEPTH_MAX = 16

_LISTS = frozenset({"credentials", "credentialsSupported", "scope", "presentation"})


def is_expanded(body: bytes, message: str) -> bool:
    """Whether a body names this message, such as ``CredentialMessage``, by its full IRI."""
    return f'"{NAMESPACE}{message}"'.encode() in body


def compacted(body: bytes) -> dict[str, object]:
    """Return an expanded message in compact form.

    Raises `ValueError` when it is no JSON object, or nests deeper than `DEPTH_MAX`.
    """
    found = orjson.loads(body)
    if isinstance(found, list) and len(found) == 1:
        found = found[0]
    if not isinstance(found, dict):
        raise ValueError("not an object")  # noqa: TRY004 - one error for every unreadable body
    return _object(found, 0)


def _object(node: dict[str, object], depth: int) -> dict[str, object]:
    if depth > DEPTH_MAX:
        raise ValueError(f"depth > {DEPTH_MAX}")
    return {_short(key): _value(_short(key), value, depth) for key, value in node.items()}


def _value(name: str, value: object, depth: int) -> object:
    plain = _inner(value, depth + 1)
    if name in _LISTS:
        return plain if isinstance(plain, list) else [plain]
    if name == "@type":
        first = plain[0] if isinstance(plain, list) and plain else plain
        return _short(first) if isinstance(first, str) else first
    return plain


def _inner(value: object, depth: int) -> object:
    if depth > DEPTH_MAX:
        raise ValueError(f"depth > {DEPTH_MAX}")
    if isinstance(value, list):
        return _inner(value[0], depth + 1) if len(value) == 1 else _each(value, depth)
    if not isinstance(value, dict):
        return value
    if "@value" in value:
        return value["@value"]
    return value["@id"] if value.keys() == {"@id"} else _object(value, depth + 1)


def _each(values: list[object], depth: int) -> list[object]:
    return [_inner(one, depth + 1) for one in values]


def _short(iri: str) -> str:
    return iri.removeprefix(NAMESPACE)
