"""Say a draft-04 schema of ours in JSON Schema 2020-12, with the same verdict on any payload.

Bounds that exclude become numbers of their own, whole numbers become ``integer``, definitions
move to ``$defs``. What stands beside a ``$ref`` only describes, so it may stay: draft-04 skips
it, 2020-12 collects it. Formats are annotations there as here.
"""

from __future__ import annotations

from collections.abc import Mapping

from connector.aspect.datatypes import JsonSchema
from connector.aspect.schema import DEFINITIONS

DRAFT_2020_12 = "https://json-schema.org/draft/2020-12/schema"
_EXCLUSIVE = {"exclusiveMinimum": "minimum", "exclusiveMaximum": "maximum"}
_BY_NAME = frozenset({"properties", "patternProperties"})
_DATA = frozenset({"enum", "required", "x-eslabon-warnings"})


def in_2020_12(schema: JsonSchema) -> JsonSchema:
    """Return the schema of a model in 2020-12."""
    body = {k: v for k, v in schema.items() if k not in {"$schema", "components"}}
    converted = {"$schema": DRAFT_2020_12, **_converted(body)}
    components = schema.get("components")
    named = components.get("schemas") if isinstance(components, Mapping) else None
    if isinstance(named, Mapping):
        converted["$defs"] = {name: _any(inner) for name, inner in named.items()}
    return converted


def _converted(schema: Mapping[str, object]) -> JsonSchema:
    converted = {keyword: _keyword(keyword, value) for keyword, value in schema.items()}
    for exclusive, inclusive in _EXCLUSIVE.items():
        if converted.pop(exclusive, False) is True:
            converted[exclusive] = converted.pop(inclusive)
    if converted.get("multipleOf") == 1:
        del converted["multipleOf"]
        converted["type"] = "integer"
    return converted


def _keyword(keyword: str, value: object) -> object:
    if keyword == "$ref":
        return str(value).replace(DEFINITIONS, "#/$defs/", 1)
    if keyword in _DATA:
        return value
    if keyword in _BY_NAME and isinstance(value, Mapping):
        return {name: _any(inner) for name, inner in value.items()}
    return _any(value)


def _any(value: object) -> object:
    if isinstance(value, Mapping):
        return _converted(value)
    return [_any(inner) for inner in value] if isinstance(value, list) else value
