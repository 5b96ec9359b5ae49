"""Turn an aspect model into JSON Schema draft-04, in the form that Catena-X publishes.

Definitions bear the name of their characteristic or entity, with a number behind it where two
elements share a name; every element carries its URN and description. Unknown keys are
accepted and formats are not asserted: the published schemas say no more.
"""

from __future__ import annotations

from collections.abc import Sequence

from connector.aspect.datatypes import JsonSchema, json_type, scalar_schema
from connector.aspect.semantics import (
    AspectModel,
    Characteristic,
    Constraint,
    ConstraintKind,
    Entity,
    Instance,
    InstanceValue,
    Property,
    Shape,
    payload_properties,
)

DRAFT_04 = "http://json-schema.org/draft-04/schema"
_URN = "x-samm-aspect-model-urn"
DEFINITIONS = "#/components/schemas/"


def schema_of(model: AspectModel) -> JsonSchema:
    """Return the JSON Schema of a model; the official one means the same."""
    return OfficialForm(model).root()


class OfficialForm:
    """The making of one schema: names given so far, and definitions under these names."""

    def __init__(self, model: AspectModel) -> None:
        self._model = model
        self._names: dict[str, str] = {}
        self._taken: set[str] = set()
        self._definitions: dict[str, JsonSchema] = {}
        self._entity_bodies: dict[str, JsonSchema] = {}

    def root(self) -> JsonSchema:
        """Return the whole schema."""
        model = self._model
        body = self._object(model.properties)
        head = {"$schema": DRAFT_04, **_named(model.semantic_id, model.description)}
        if self._definitions:
            head["components"] = {"schemas": self._definitions}
        return {**head, **body}

    def _object(self, properties: Sequence[Property]) -> JsonSchema:
        shown = payload_properties(tuple(properties))
        body: JsonSchema = {"type": "object"}
        body["properties"] = {p.name: self._property(p) for p in shown}
        if required := [p.name for p in shown if p.required]:
            body["required"] = required
        return body

    def _property(self, of: Property) -> JsonSchema:
        reference = self._characteristic_reference(of.characteristic)
        return {**_named(of.urn, of.description), **reference}

    def _characteristic_reference(self, of: Characteristic) -> JsonSchema:
        name, is_new = self._name(of.urn or f"_:{id(of)}", of.name)
        if is_new:
            self._definitions[name] = self._characteristic(of)
        return {"$ref": DEFINITIONS + name}

    def _entity_reference(self, urn: str) -> JsonSchema:
        entity = self._model.entities[urn]
        name, is_new = self._name(urn, entity.name)
        if is_new:
            self._definitions[name] = self._entity_body(urn)
            self._define_heirs(urn)
        return {"$ref": DEFINITIONS + name}

    def _entity_body(self, urn: str) -> JsonSchema:
        # The official generator keeps one body per entity: whichever characteristic embeds it
        # last lends its description and URN to all of them.
        if urn not in self._entity_bodies:
            entity = self._model.entities[urn]
            body = self._entity_bodies[urn] = _named(urn, entity.description)
            body |= self._object(entity.properties)
            if entity.extends:
                body["allOf"] = [self._entity_reference(entity.extends)]
        return self._entity_bodies[urn]

    def _described(self, of: Characteristic | Entity) -> JsonSchema:
        return _named(of.urn, of.description)

    def _define_heirs(self, urn: str) -> None:
        if self._model.entities[urn].is_abstract:
            for heir in self._model.entities.values():
                if heir.extends == urn:
                    self._entity_reference(heir.urn)

    def _name(self, key: str, name: str) -> tuple[str, bool]:
        """Return the definition's name of an element, and whether it was given just now."""
        if key in self._names:
            return self._names[key], False
        free, number = name, 0
        while free in self._taken:
            free, number = f"{name}{number}", number + 1
        self._names[key] = free
        self._taken.add(free)
        return free, True

    def _characteristic(self, of: Characteristic) -> JsonSchema:
        if of.shape is Shape.TRAIT:
            return self._trait(of)
        if of.shape is Shape.ENTITY:
            body = self._entity_body(of.entity)
            body.update(_named(of.urn, of.description))
            return body
        return {**_named(of.urn, of.description), **self._value(of)}

    def _value(self, of: Characteristic) -> JsonSchema:
        return {
            Shape.LIST: self._list,
            Shape.SINGLE_ENTITY: self._single_entity,
            Shape.INSTANCES: self._instances,
            Shape.EITHER: self._either,
        }.get(of.shape, self._scalar)(of)

    def _scalar(self, of: Characteristic) -> JsonSchema:
        allowed: JsonSchema = {"enum": list(of.values)} if of.shape is Shape.ENUMERATION else {}
        return {**scalar_schema(of.datatype), **allowed}

    def _list(self, of: Characteristic) -> JsonSchema:
        unique: JsonSchema = {"uniqueItems": True} if of.unique else {}
        return {"type": "array", "items": self._items(of), **unique}

    def _single_entity(self, of: Characteristic) -> JsonSchema:
        return {"type": "object", "allOf": [self._entity_reference(of.entity)]}

    def _items(self, of: Characteristic) -> JsonSchema:
        if of.element:
            return self._characteristic(of.element)
        return self._entity_reference(of.entity) if of.entity else scalar_schema(of.datatype)

    def _either(self, of: Characteristic) -> JsonSchema:
        sides = {"left": of.left, "right": of.right}
        return {
            "additionalProperties": False,
            "properties": {name: self._characteristic(c) for name, c in sides.items() if c},
            "oneOf": [{"required": ["left"]}, {"required": ["right"]}],
        }

    def _trait(self, of: Characteristic) -> JsonSchema:
        body = dict(self._characteristic(of.base)) if of.base else {}
        body.update(_named(of.urn, of.description))
        for constraint in of.constraints:
            body.update(_named("", constraint.description))
            body.update(constraint_keywords(constraint, is_array=body.get("type") == "array"))
        return body

    def _instances(self, of: Characteristic) -> JsonSchema:
        asserted = [self._instance_reference(i) for i in of.instances if not i.is_blank]
        return {"type": "object", **({"oneOf": asserted} if asserted else {})}

    def _instance_reference(self, instance: Instance) -> JsonSchema:
        name, is_new = self._name(instance.urn or f"_:{id(instance)}", instance.name)
        if is_new:
            named = _named("", instance.description)
            self._definitions[name] = {**named, **_instance_body(instance)}
        return {"$ref": DEFINITIONS + name}


def _named(urn: str, description: str) -> JsonSchema:
    named: JsonSchema = {_URN: str(urn)} if urn else {}
    return {**named, "description": description} if description else named


def _instance_body(instance: Instance) -> JsonSchema:
    # The official generator is silent about what an instance says of inherited properties.
    own = [value for value in instance.values if not value.inherited]
    body: JsonSchema = {"type": "object", "properties": {v.name: _instance_value(v) for v in own}}
    return {**body, "required": [value.name for value in own]} if own else body


def _instance_value(value: InstanceValue) -> JsonSchema:
    named = _named("", value.description)
    if value.instance:
        return {**named, **_instance_body(value.instance)}
    fixed: JsonSchema = {"type": json_type(value.datatype), "enum": list(value.values)}
    if not value.is_list:
        return {**named, **fixed}
    count = len(value.values)
    return {**named, "type": "array", "minItems": count, "maxItems": count, "items": fixed}


def constraint_keywords(constraint: Constraint, *, is_array: bool) -> JsonSchema:
    """Return what a constraint demands, in draft-04; of a list it may limit the length."""
    if constraint.kind is ConstraintKind.PATTERN:
        return {"pattern": constraint.pattern}
    if constraint.kind is ConstraintKind.LENGTH:
        counted = "Items" if is_array else "Length"
        bounds = {f"min{counted}": constraint.least, f"max{counted}": constraint.most}
        return {keyword: bound for keyword, bound in bounds.items() if bound is not None}
    return _range_keywords(constraint) if constraint.kind is ConstraintKind.RANGE else {}


def _range_keywords(constraint: Constraint) -> JsonSchema:
    keywords: JsonSchema = {}
    if isinstance(constraint.most, int | float):
        keywords["maximum"] = constraint.most
        keywords["exclusiveMaximum"] = constraint.most_excluded
    if isinstance(constraint.least, int | float):
        keywords["minimum"] = constraint.least
        keywords["exclusiveMinimum"] = constraint.least_excluded
    return keywords
