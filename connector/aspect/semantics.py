"""What an aspect model says, as frozen values: its properties, their types and their rules.

An entity may contain itself through its properties, so characteristics name entities by URN
and `AspectModel` holds each entity once. Terms are those of the SAMM specification 2.1.0.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from connector.identifiers import SemanticId

JsonScalar = str | int | float | bool
EnumValue = JsonScalar | Mapping[str, str]


class Shape(StrEnum):
    """How a characteristic forms its value."""

    SCALAR = "scalar"
    ENTITY = "entity"
    SINGLE_ENTITY = "single_entity"
    LIST = "list"
    ENUMERATION = "enumeration"
    INSTANCES = "instances"
    EITHER = "either"
    TRAIT = "trait"


class Kind(StrEnum):
    """What a payload value is, as a mapping needs to know it."""

    OBJECT = "object"
    LIST = "list"
    ENUM = "enum"
    EITHER = "either"
    STRING = "string"
    NUMBER = "number"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    DATE = "date"
    TIME = "time"
    DATETIME = "datetime"
    DURATION = "duration"
    URI = "uri"
    BINARY = "binary"
    LANGUAGE_STRING = "language_string"


KIND_BY_DATATYPE: Mapping[str, Kind] = {
    **dict.fromkeys(("xsd:decimal", "xsd:float", "xsd:double"), Kind.NUMBER),
    **dict.fromkeys(("xsd:integer", "xsd:int", "xsd:long", "xsd:short", "xsd:byte"), Kind.INTEGER),
    **dict.fromkeys(("xsd:unsignedLong", "xsd:unsignedInt"), Kind.INTEGER),
    **dict.fromkeys(("xsd:unsignedShort", "xsd:unsignedByte"), Kind.INTEGER),
    **dict.fromkeys(("xsd:positiveInteger", "xsd:nonNegativeInteger"), Kind.INTEGER),
    **dict.fromkeys(("xsd:negativeInteger", "xsd:nonPositiveInteger"), Kind.INTEGER),
    **dict.fromkeys(("xsd:dateTime", "xsd:dateTimeStamp"), Kind.DATETIME),
    **dict.fromkeys(("xsd:base64Binary", "xsd:hexBinary"), Kind.BINARY),
    **dict.fromkeys(("xsd:dayTimeDuration", "xsd:yearMonthDuration"), Kind.DURATION),
    "xsd:duration": Kind.DURATION,
    "xsd:boolean": Kind.BOOLEAN,
    "xsd:date": Kind.DATE,
    "xsd:time": Kind.TIME,
    "xsd:anyURI": Kind.URI,
    "rdf:langString": Kind.LANGUAGE_STRING,
}


class ConstraintKind(StrEnum):
    """What a constraint limits; NOTE is one that says something but limits nothing."""

    PATTERN = "pattern"
    LENGTH = "length"
    RANGE = "range"
    FIXED_POINT = "fixed_point"
    LANGUAGE = "language"
    LOCALE = "locale"
    ENCODING = "encoding"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Constraint:
    """One constraint of a trait.

    ``least`` and ``most`` are inclusive unless the flag beside them says otherwise. Lengths
    are whole numbers; bounds of dates stay text in their XSD form. ``named`` is the language,
    the locale or the encoding; ``scale`` how many digits stand after the decimal point at
    most, ``digits`` how many before it.
    """

    kind: ConstraintKind
    urn: str = ""
    description: str = ""
    pattern: str = ""
    least: int | float | str | None = None
    most: int | float | str | None = None
    least_excluded: bool = False
    most_excluded: bool = False
    named: str = ""
    scale: int | None = None
    digits: int | None = None


@dataclass(frozen=True, slots=True)
class InstanceValue:
    """What an entity instance fixes one property to; more than one value if it is a list.

    ``inherited`` tells that the property is that of an entity which this one extends.
    """

    name: str
    datatype: str
    values: tuple[JsonScalar, ...] = ()
    is_list: bool = False
    instance: Instance | None = None
    description: str = ""
    inherited: bool = False


@dataclass(frozen=True, slots=True)
class Instance:
    """One entity instance that an enumeration allows.

    ``is_blank`` tells that the model states nothing of it, not even outside the payload.
    """

    urn: str
    name: str
    description: str
    values: tuple[InstanceValue, ...]
    is_blank: bool = False


@dataclass(frozen=True, slots=True)
class Characteristic:
    """The type of a property: which fields are filled follows from ``shape``.

    ``datatype`` is a scalar type such as ``xsd:decimal``; ``entity`` the URN of an entity;
    ``element`` the type of a list's items where the model gives a characteristic for them;
    ``values`` what an enumeration allows, a language string as ``{"en": "text"}``;
    ``base`` and ``constraints`` make up a trait; ``left`` and ``right`` an either.
    """

    name: str
    shape: Shape
    urn: str = ""
    description: str = ""
    datatype: str = ""
    entity: str = ""
    element: Characteristic | None = None
    unique: bool = False
    values: tuple[EnumValue, ...] = ()
    instances: tuple[Instance, ...] = ()
    left: Characteristic | None = None
    right: Characteristic | None = None
    base: Characteristic | None = None
    constraints: tuple[Constraint, ...] = ()
    unit: str = ""

    @property
    def bare(self) -> Characteristic:
        """Itself without the traits around it."""
        return self.base.bare if self.base else self

    @property
    def item(self) -> Characteristic:
        """The type of one item where this is a list, and this one itself otherwise.

        A list that names an entity or a datatype instead of a characteristic is answered
        with a nameless characteristic for it.
        """
        bare = self.bare
        if bare.shape is not Shape.LIST:
            return self
        if bare.element:
            return bare.element
        shape = Shape.ENTITY if bare.entity else Shape.SCALAR
        return Characteristic("", shape, datatype=bare.datatype, entity=bare.entity)

    @property
    def kind(self) -> Kind:
        """What a value of this characteristic is."""
        bare = self.bare
        if bare.shape in _KIND_BY_SHAPE:
            return _KIND_BY_SHAPE[bare.shape]
        return KIND_BY_DATATYPE.get(bare.datatype, Kind.STRING)

    @property
    def scalar_kind(self) -> Kind:
        """What a leaf is written as: the kind of its datatype, also for an enumeration."""
        return KIND_BY_DATATYPE.get(self.bare.datatype, Kind.STRING)

    def limits(self) -> Iterator[Constraint]:
        """Yield the constraints of this trait and of the traits under it, outermost first."""
        yield from self.constraints
        if self.base:
            yield from self.base.limits()


_KIND_BY_SHAPE: Mapping[Shape, Kind] = {
    Shape.ENTITY: Kind.OBJECT,
    Shape.SINGLE_ENTITY: Kind.OBJECT,
    Shape.INSTANCES: Kind.OBJECT,
    Shape.LIST: Kind.LIST,
    Shape.ENUMERATION: Kind.ENUM,
    Shape.EITHER: Kind.EITHER,
}


@dataclass(frozen=True, slots=True)
class Property:
    """One property where it is used, under the name that it bears in a payload."""

    name: str
    urn: str
    description: str
    characteristic: Characteristic
    optional: bool = False
    in_payload: bool = True
    example: JsonScalar | None = None
    preferred_name: str = ""

    @property
    def required(self) -> bool:
        """Whether a payload is invalid without it."""
        return self.in_payload and not self.optional

    @property
    def kind(self) -> Kind:
        """What its value is; for a list see ``item_kind`` too."""
        return self.characteristic.kind

    @property
    def item_kind(self) -> Kind:
        """What one item of a list is; the same as ``kind`` where it is no list."""
        return self.characteristic.item.kind

    @property
    def scalar_kind(self) -> Kind:
        """What a leaf (or a list's leaf item) is written as, also where it is an enum."""
        return self.characteristic.item.scalar_kind

    @property
    def values(self) -> tuple[EnumValue, ...]:
        """The allowed values of an enumeration, for a list of its items; else empty."""
        return self.characteristic.item.bare.values


@dataclass(frozen=True, slots=True)
class Entity:
    """A structure of properties; ``extends`` is the URN of the entity that it builds on."""

    urn: str
    name: str
    description: str
    properties: tuple[Property, ...]
    extends: str = ""
    is_abstract: bool = False


@dataclass(frozen=True, slots=True)
class AspectModel:
    """An aspect model: its own properties, and every entity that is reached from them."""

    semantic_id: SemanticId
    description: str
    properties: tuple[Property, ...]
    entities: Mapping[str, Entity] = field(default_factory=dict)

    def property_at(self, path: tuple[str, ...]) -> Property | None:
        """Return the property under payload names from the root, or None if there is none.

        Lists are walked through without an index: ``("childItems", "quantity", "value")``.
        """
        found: Property | None = None
        at = payload_properties(self.properties)
        for name in path:
            found = next((p for p in at if p.name == name), None)
            if found is None:
                return None
            at = self.properties_of(found.characteristic)
        return found

    def properties_of(self, characteristic: Characteristic) -> tuple[Property, ...]:
        """Return the properties of the object, or of a list's items; empty for a leaf.

        The two sides of an either are its optional properties ``left`` and ``right``.
        """
        bare = characteristic.item.bare
        if bare.shape is Shape.LIST:
            return self.properties_of(bare)
        if bare.left and bare.right:
            return tuple(
                Property(name, "", "", side, optional=True)
                for name, side in (("left", bare.left), ("right", bare.right))
            )
        return payload_properties(self._with_inherited(bare.entity))

    def _with_inherited(self, urn: str) -> tuple[Property, ...]:
        entity = self.entities.get(urn)
        if entity is None:
            return ()
        own = {p.name for p in entity.properties}
        inherited = (p for p in self._with_inherited(entity.extends) if p.name not in own)
        return (*entity.properties, *inherited)


def payload_properties(properties: tuple[Property, ...]) -> tuple[Property, ...]:
    """Return those properties that appear in a payload."""
    return tuple(p for p in properties if p.in_payload)
