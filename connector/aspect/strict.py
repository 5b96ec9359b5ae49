"""The strict form of a model's schema: what the model means, where the official form is silent.

It demands all that the official form does, and more: whole integers, patterns that hold for
the whole text and for the items of a list, days that exist, bounds of dates, texts by language,
digits and encodings. Where ``x-eslabon-warnings`` names a keyword, breaking it is only risky:
keys that the model does not know, and required lists that are empty.

What draft-04 has no word for stands under ``formatMinimum`` and its like, as ajv calls them,
and under words of ours, ``x-eslabon-``; who does not know them skips them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from connector.aspect.datatypes import JsonSchema, scalar_schema
from connector.aspect.limits import FRACTION_DIGITS, WHOLE_DIGITS
from connector.aspect.patterns import anchored
from connector.aspect.schema import OfficialForm, constraint_keywords
from connector.aspect.semantics import (
    KIND_BY_DATATYPE,
    AspectModel,
    Characteristic,
    Constraint,
    ConstraintKind,
    Entity,
    Kind,
    Property,
    payload_properties,
)
from connector.aspect.wording import LANGUAGES, WARNINGS

# RFC 5646, section 2.1, as far as its form goes.
_TAG = "^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$"
_FORMATS: Mapping[str, str] = {
    name: name for name in ("xsd:dateTime", "xsd:gMonthDay", "xsd:base64Binary")
}
_ENCODINGS: Mapping[str, str] = {
    "US-ASCII": r"^[\u0000-\u007f]*$",
    "ISO-8859-1": r"^[\u0000-\u00ff]*$",
}


def strict_schema_of(model: AspectModel) -> JsonSchema:
    """Return the strict JSON Schema of a model, draft-04."""
    return StrictForm(model).root()


class StrictForm(OfficialForm):
    """The making of one strict schema."""

    def _object(self, properties: Sequence[Property]) -> JsonSchema:
        body = super()._object(properties)
        return {**body, "additionalProperties": False, WARNINGS: ["additionalProperties"]}

    def _property(self, of: Property) -> JsonSchema:
        schema = super()._property(of)
        if not of.required or of.kind is not Kind.LIST or _may_be_empty(of.characteristic):
            return schema
        reference = {"$ref": schema.pop("$ref")}
        return {**schema, "allOf": [reference, {"minItems": 1, WARNINGS: ["minItems"]}]}

    def _entity_body(self, urn: str) -> JsonSchema:
        """Return an entity with all that it inherits, so that no key of it is unknown."""
        entity = self._model.entities[urn]
        named: dict[str, list[JsonSchema]] = {}
        required: dict[str, None] = {}
        for ancestor in self._lineage(entity):
            for of in payload_properties(ancestor.properties):
                named.setdefault(of.name, []).append(self._property(of))
                required.update({of.name: None} if of.required else {})
        body = {**self._described(entity), **self._object(())}
        body["properties"] = {name: _all_of(schemas) for name, schemas in named.items()}
        if entity.is_abstract:  # its heirs know more keys
            del body["additionalProperties"], body[WARNINGS]
        return {**body, "required": list(required)} if required else body

    def _lineage(self, entity: Entity) -> Iterator[Entity]:
        yield entity
        if entity.extends:
            yield from self._lineage(self._model.entities[entity.extends])

    def _define_heirs(self, urn: str) -> None:
        """Define none: an heir holds here what it inherits."""

    def _scalar(self, of: Characteristic) -> JsonSchema:
        return {**super()._scalar(of), **_exacting(of.datatype)}

    def _items(self, of: Characteristic) -> JsonSchema:
        if of.element or of.entity:
            return super()._items(of)
        return {**scalar_schema(of.datatype), **_exacting(of.datatype)}

    def _trait(self, of: Characteristic) -> JsonSchema:
        body = dict(self._characteristic(of.base)) if of.base else {}
        body.update(self._described(of))
        datatype = of.item.bare.datatype
        for limit in of.constraints:
            body.update({"description": limit.description} if limit.description else {})
            # The length of a list counts its items; all else is said of each of them.
            of_list = body.get("type") == "array"
            counted = of_list and limit.kind is ConstraintKind.LENGTH
            demands = strict_keywords(limit, datatype, is_array=counted)
            if of_list and not counted and demands:
                body["items"] = _both(_inner(body["items"]), demands)
            else:
                body = _both(body, demands)
        return body

    def _instances(self, of: Characteristic) -> JsonSchema:
        entity = self._entity_body(of.entity)
        known = entity.get("properties")
        loose: JsonSchema = {name: {} for name in known} if isinstance(known, dict) else {}
        keys = {"properties": loose, "additionalProperties": False}
        return {**super()._instances(of), **keys, WARNINGS: ["additionalProperties"]}


def strict_keywords(limit: Constraint, datatype: str, *, is_array: bool) -> JsonSchema:
    """Return what a constraint demands of a value, of a list's length where it is one."""
    special = _STRICT.get(limit.kind)
    return special(limit, datatype) if special else constraint_keywords(limit, is_array=is_array)


def _pattern(limit: Constraint, _datatype: str) -> JsonSchema:
    return {"pattern": anchored(limit.pattern)}


def _range(limit: Constraint, _datatype: str) -> JsonSchema:
    keywords = constraint_keywords(limit, is_array=False)
    for end, bound, excluded in (
        ("Minimum", limit.least, limit.least_excluded),
        ("Maximum", limit.most, limit.most_excluded),
    ):
        if isinstance(bound, str):
            keywords[f"format{'Exclusive' if excluded else ''}{end}"] = bound
    return keywords


def _fixed_point(limit: Constraint, _datatype: str) -> JsonSchema:
    digits = {FRACTION_DIGITS: limit.scale, WHOLE_DIGITS: limit.digits}
    return {keyword: count for keyword, count in digits.items() if count is not None}


def _language(limit: Constraint, datatype: str) -> JsonSchema:
    if KIND_BY_DATATYPE.get(datatype) is not Kind.LANGUAGE_STRING or not limit.named:
        return {}
    return _texts(f"^{limit.named}(-[A-Za-z0-9]{{1,8}})*$")


def _encoding(limit: Constraint, _datatype: str) -> JsonSchema:
    pattern = _ENCODINGS.get(limit.named)
    return {"pattern": pattern} if pattern else {}


def _exacting(datatype: str) -> JsonSchema:
    kind = KIND_BY_DATATYPE.get(datatype)
    if kind is Kind.LANGUAGE_STRING:
        return {"minProperties": 1, **_texts(_TAG)}
    exacting: JsonSchema = {"multipleOf": 1} if kind is Kind.INTEGER else {}
    pattern = scalar_schema(datatype).get("pattern")
    if pattern:
        exacting["pattern"] = anchored(str(pattern))
    if datatype in _FORMATS:
        exacting["format"] = _FORMATS[datatype]
    return exacting


def _texts(tag: str) -> JsonSchema:
    """Return what texts by language must be: every key a language, every value a text."""
    texts: JsonSchema = {tag: {"type": "string"}}
    return {"patternProperties": texts, "additionalProperties": False, LANGUAGES: tag}


def _may_be_empty(of: Characteristic) -> bool:
    """Tell whether the model speaks of the length of the list itself."""
    return any(c.kind is ConstraintKind.LENGTH and c.least is not None for c in of.limits())


def _both(body: JsonSchema, demands: JsonSchema) -> JsonSchema:
    """Return both demands; where they use one keyword, the second stands in ``allOf``."""
    if not demands:
        return body
    if demands.keys().isdisjoint(body) and "$ref" not in body:
        return {**body, **demands}
    if "$ref" in body:
        return {"allOf": [body, demands]}
    earlier = body.get("allOf")
    return {**body, "allOf": [*(earlier if isinstance(earlier, list) else []), demands]}


def _inner(schema: object) -> JsonSchema:
    return schema if isinstance(schema, dict) else {}


def _all_of(schemas: list[JsonSchema]) -> JsonSchema:
    return schemas[0] if len(schemas) == 1 else {"allOf": schemas}


_STRICT: Mapping[ConstraintKind, Callable[[Constraint, str], JsonSchema]] = {
    ConstraintKind.PATTERN: _pattern,
    ConstraintKind.RANGE: _range,
    ConstraintKind.FIXED_POINT: _fixed_point,
    ConstraintKind.LANGUAGE: _language,
    ConstraintKind.LOCALE: _language,
    ConstraintKind.ENCODING: _encoding,
}
