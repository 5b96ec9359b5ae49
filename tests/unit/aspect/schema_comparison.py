"""Compare two JSON Schemas by what they mean: which payloads they let pass.

Names of definitions, descriptions and URNs do not count; references are followed, also where
they lead back; ``allOf`` is merged into its owner.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

Schema = dict[str, Any]

_SILENT = {"exclusiveMinimum": False, "exclusiveMaximum": False, "required": [], "properties": {}}
_UNHEARD = {"$schema", "$ref", "allOf", "components", "definitions", "description"}


def differences(one: Schema, other: Schema) -> list[str]:
    """Return where two schemas differ in meaning; empty where they do not."""
    return list(_compare((one, one), (other, other), "", set()))


def normal_form(schema: Any) -> Any:
    """Return a schema for comparison word by word: built-ins by name, required as a set."""
    if isinstance(schema, list):
        return [normal_form(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    normal = {key: normal_form(value) for key, value in schema.items()}
    if isinstance(normal.get("required"), list):
        normal["required"] = sorted(set(normal["required"]))
    urn = normal.get("x-samm-aspect-model-urn")
    if isinstance(urn, str) and "org.eclipse.esmf.samm:" in urn:
        # The wording of the built-in characteristics is ours; their version is the generator's.
        normal.pop("description", None)
        normal["x-samm-aspect-model-urn"] = urn.partition("#")[2]
    return normal


def _compare(
    one: tuple[Schema, Schema], other: tuple[Schema, Schema], at: str, seen: set[Any]
) -> Iterator[str]:
    (left, left_root), (right, right_root) = one, other
    pair = (left.get("$ref", id(left)), right.get("$ref", id(right)))
    if pair in seen:
        return
    seen.add(pair)
    a, b = _merged(left, left_root), _merged(right, right_root)
    for key in sorted(a.keys() | b.keys()):
        x, y = a.get(key), b.get(key)
        if isinstance(x, dict) and isinstance(y, dict):
            inner = {"items": {"items": x}}.get(key, x), {"items": {"items": y}}.get(key, y)
            yield from _compare_named(*inner, (left_root, right_root), f"{at}/{key}", seen)
        elif x != y:
            yield f"{at}/{key}: {x} <> {y}"


def _compare_named(
    one: Schema, other: Schema, roots: tuple[Schema, Schema], at: str, seen: set[Any]
) -> Iterator[str]:
    if one.keys() != other.keys():
        yield f"{at}: {sorted(one)} <> {sorted(other)}"
    for name in one.keys() & other.keys():
        pair = (one[name], roots[0]), (other[name], roots[1])
        yield from _compare(*pair, f"{at}/{name}", seen)


def _merged(schema: Schema, root: Schema) -> Schema:
    merged = _with_inherited(schema, root)
    for key in ("required", "enum"):
        if key in merged:
            merged[key] = sorted({_text(item) for item in merged[key]})
    if "oneOf" in merged:
        merged["oneOf"] = sorted(_written_out(option, root) for option in merged["oneOf"])
    if merged.get("type") == "array":
        merged.pop("pattern", None)
    return {key: value for key, value in merged.items() if _SILENT.get(key, ...) != value}


def _written_out(option: Schema, root: Schema) -> str:
    """Return an alternative as text; none leads back to itself in any form of SAMM."""
    merged = _merged(option, root)
    for name, schema in merged.get("properties", {}).items():
        merged["properties"] = {**merged["properties"], name: _written_out(schema, root)}
    if "items" in merged:
        merged["items"] = _written_out(merged["items"], root)
    return json.dumps(merged, sort_keys=True)


def _text(item: object) -> str:
    """Return a value as text; in JSON 1 and 1.0 are one."""
    whole = isinstance(item, float) and item.is_integer()
    return json.dumps(int(item) if whole else item, sort_keys=True)  # type: ignore[call-overload]


def _with_inherited(schema: Schema, root: Schema) -> Schema:
    while "$ref" in schema:
        schema = _target(schema["$ref"], root)
    merged = {k: v for k, v in schema.items() if k not in _UNHEARD and not k.startswith("x-")}
    for part in schema.get("allOf", ()):
        inherited = _with_inherited(part, root)
        properties = {**inherited.get("properties", {}), **merged.get("properties", {})}
        required = [*merged.get("required", ()), *inherited.get("required", ())]
        merged = {**inherited, **merged, "properties": properties, "required": required}
    return merged


def _target(reference: str, root: Schema) -> Schema:
    at: Any = root
    for step in reference.removeprefix("#/").split("/"):
        at = at[step]
    target: Schema = at
    return target
