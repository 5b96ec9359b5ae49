"""Read a characteristic, its constraints and its values, from the elements of a model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Protocol

from connector.aspect.samm import vocabulary
from connector.aspect.samm.folders import Element, Lookup
from connector.aspect.samm.literals import bound, json_value
from connector.aspect.samm.turtle import Literal, Node, TurtleFile, is_blank
from connector.aspect.semantics import (
    Characteristic,
    Constraint,
    ConstraintKind,
    Entity,
    EnumValue,
    Instance,
    InstanceValue,
    Kind,
    Property,
    Shape,
)
from connector.errors import SetupError

_LENGTH = "xsd:nonNegativeInteger"


class Entities(Protocol):
    """Where the entities of a model come from."""

    def request(self, urn: str, used_in: TurtleFile) -> str:
        """Have an entity read later, for it may lead back here; return its full URN."""

    def entity(self, urn: str, used_in: TurtleFile) -> Entity | None:
        """Return an entity now, or None while it is being read."""


class CharacteristicReader:
    """Reads the characteristics of one model; each is read once."""

    def __init__(self, lookup: Lookup, entities: Entities) -> None:
        """Take the ways to elements and to entities."""
        self._lookup = lookup
        self._entities = entities
        self._read: dict[str, Characteristic] = {}
        self._open: list[str] = []

    def read(self, node: Node, used_in: TurtleFile, nameless: str = "") -> Characteristic:
        """Return the characteristic of a node; ``nameless`` names it where it is anonymous.

        Raises:
            SetupError: the model is incomplete, refers to itself, or uses an unknown term.

        """
        key = str(node)
        if key in vocabulary.CHARACTERISTICS:
            return vocabulary.CHARACTERISTICS[key]
        if key not in self._read:
            element = self._lookup.element(key, used_in)
            with self._opened(element):
                self._read[key] = self._characteristic(element, element.name or nameless)
        return self._read[key]

    @contextmanager
    def _opened(self, element: Element) -> Iterator[None]:
        if element.node in self._open:
            raise SetupError(
                "aspect:model_characteristic_cycle",
                element=element.urn or "[]",
                file=element.file.path,
            )
        self._open.append(element.node)
        try:
            yield
        finally:
            self._open.pop()

    def _characteristic(self, element: Element, name: str) -> Characteristic:
        for types, read in (
            (vocabulary.TRAITS, self._trait),
            (vocabulary.EITHERS, self._either),
            (vocabulary.LISTS, self._list),
            (vocabulary.ENUMERATIONS, self._enumeration),
            (vocabulary.PLAIN, self._plain),
        ):
            if element.types & types:
                return read(element, name)
        raise SetupError(
            "aspect:model_characteristic_unknown",
            element=element.urn or "[]",
            type=", ".join(sorted(map(str, element.types))) or "-",
            file=element.file.path,
        )

    def _trait(self, element: Element, name: str) -> Characteristic:
        base = self.read(element.needed("samm-c:baseCharacteristic"), element.file, f"{name}Base")
        constraints = tuple(
            _constraint(self._lookup.element(str(node), element.file), base.bare.datatype)
            for node in element.facts.get("samm-c:constraint", ())
        )
        return Characteristic(
            name,
            Shape.TRAIT,
            element.urn,
            element.text("samm:description"),
            base=base,
            constraints=constraints,
        )

    def _either(self, element: Element, name: str) -> Characteristic:
        return Characteristic(
            name,
            Shape.EITHER,
            element.urn,
            element.text("samm:description"),
            left=self.read(element.needed("samm-c:left"), element.file, f"{name}Left"),
            right=self.read(element.needed("samm-c:right"), element.file, f"{name}Right"),
        )

    def _list(self, element: Element, name: str) -> Characteristic:
        item = element.one("samm-c:elementCharacteristic")
        datatype, entity = ("", "") if item else self._datatype(element)
        return Characteristic(
            name,
            Shape.LIST,
            element.urn,
            element.text("samm:description"),
            datatype,
            entity,
            element=self.read(item, element.file, f"{name}Element") if item else None,
            unique=bool(element.types & vocabulary.SETS),
        )

    def _plain(self, element: Element, name: str) -> Characteristic:
        datatype, entity = self._datatype(element)
        single = "samm-c:SingleEntity" in element.types
        shape = (Shape.SINGLE_ENTITY if single else Shape.ENTITY) if entity else Shape.SCALAR
        return Characteristic(
            name,
            shape,
            element.urn,
            element.text("samm:description"),
            datatype,
            entity,
            unit=vocabulary.local_name(str(element.one("samm-c:unit") or "")),
        )

    def _enumeration(self, element: Element, name: str) -> Characteristic:
        datatype, entity = self._datatype(element)
        element.needed("samm-c:values")
        nodes = element.items("samm-c:values")
        return Characteristic(
            name,
            Shape.INSTANCES if entity else Shape.ENUMERATION,
            element.urn,
            element.text("samm:description"),
            datatype,
            entity,
            values=() if entity else tuple(self._value(n, datatype, element) for n in nodes),
            instances=self._instances(nodes, entity, element) if entity else (),
        )

    def _datatype(self, element: Element) -> tuple[str, str]:
        """Return the scalar type, or the URN of the entity, one of them empty."""
        datatype = str(element.needed("samm:dataType"))
        if datatype in vocabulary.DATATYPES:
            return datatype, ""
        if datatype in vocabulary.BUILT_IN_ENTITIES or datatype.startswith("urn:samm:"):
            return "", self._entities.request(datatype, element.file)
        raise SetupError(
            "aspect:model_datatype_unknown",
            datatype=datatype,
            element=element.urn or "[]",
            file=element.file.path,
        )

    def _value(self, node: Node, datatype: str, element: Element) -> EnumValue:
        # SAMM 2.2 lets a value be a resource of its own, described and named.
        if isinstance(node, str) and datatype != vocabulary.CURIE:
            node = self._lookup.element(node, element.file).needed("samm:value")
        if isinstance(node, Literal) and datatype == vocabulary.LANGUAGE_STRING:
            return {node.language: node.text}
        return json_value(node, datatype)

    def _instances(self, nodes: list[Node], entity: str, element: Element) -> tuple[Instance, ...]:
        owner = self._entities.entity(entity, element.file)
        if owner is None:
            raise SetupError(
                "aspect:model_characteristic_cycle", element=element.urn, file=element.file.path
            )
        return tuple(self._instance(node, owner, element.file) for node in nodes)

    def _instance(self, node: Node, entity: Entity, used_in: TurtleFile) -> Instance:
        element = self._lookup.element(str(node), used_in)
        with self._opened(element):
            stated = [p for p in self._all_properties(entity, used_in) if p.urn in element.facts]
            values = tuple(
                self._instance_value(p, element, inherited=p not in entity.properties)
                for p in stated
                if p.in_payload
            )
        text = element.text("samm:description")
        return Instance(element.urn, element.name, text, values, is_blank=not stated)

    def _all_properties(self, entity: Entity, used_in: TurtleFile) -> tuple[Property, ...]:
        parent = self._entities.entity(entity.extends, used_in) if entity.extends else None
        inherited = self._all_properties(parent, used_in) if parent else ()
        return (*entity.properties, *inherited)

    def _instance_value(self, of: Property, element: Element, *, inherited: bool) -> InstanceValue:
        nodes = element.facts[of.urn]
        bare = of.characteristic.item.bare
        is_list = of.kind is Kind.LIST
        if is_list and (is_blank(nodes[0]) or nodes[0] == vocabulary.NIL):
            nodes = element.file.items(nodes[0])
        entity = self._entities.entity(bare.entity, element.file) if bare.entity else None
        nested = entity if of.kind is Kind.OBJECT else None
        return InstanceValue(
            of.name,
            bare.datatype,
            values=() if nested else tuple(json_value(node, bare.datatype) for node in nodes),
            is_list=is_list,
            instance=self._instance(nodes[0], nested, element.file) if nested else None,
            description=of.description,
            inherited=inherited,
        )


def _constraint(element: Element, datatype: str) -> Constraint:
    kind = _CONSTRAINTS.get(next(iter(element.types & _CONSTRAINTS.keys()), ""))
    described = Constraint(
        kind or ConstraintKind.NOTE, element.urn, element.text("samm:description")
    )
    if kind is ConstraintKind.PATTERN:
        return replace(described, pattern=_text(element.needed("samm:value")))
    if kind is ConstraintKind.FIXED_POINT:
        scale, digits = _count(element.one("samm-c:scale")), _count(element.one("samm-c:integer"))
        return replace(described, scale=scale, digits=digits)
    if kind in {ConstraintKind.LENGTH, ConstraintKind.RANGE}:
        scaled = _LENGTH if kind is ConstraintKind.LENGTH else datatype
        return _bounded(described, element, scaled)
    return replace(described, named=_text(element.one(_NAMED.get(kind, "")) or ""))


def _bounded(described: Constraint, element: Element, datatype: str) -> Constraint:
    least, most = element.one("samm-c:minValue"), element.one("samm-c:maxValue")
    return replace(
        described,
        least=bound(least, datatype) if isinstance(least, Literal) else None,
        most=bound(most, datatype) if isinstance(most, Literal) else None,
        least_excluded=element.one("samm-c:lowerBoundDefinition") == "samm-c:GREATER_THAN",
        most_excluded=element.one("samm-c:upperBoundDefinition") == "samm-c:LESS_THAN",
    )


def _text(value: Node) -> str:
    """Return a literal's text; an encoding is a term, ``samm:US-ASCII``."""
    return value.text if isinstance(value, Literal) else value.removeprefix("samm:")


def _count(value: Node | None) -> int | None:
    counted = bound(value, _LENGTH) if isinstance(value, Literal) else None
    return counted if isinstance(counted, int) else None


_CONSTRAINTS: Mapping[object, ConstraintKind] = {
    "samm-c:RegularExpressionConstraint": ConstraintKind.PATTERN,
    "samm-c:LengthConstraint": ConstraintKind.LENGTH,
    "samm-c:RangeConstraint": ConstraintKind.RANGE,
    "samm-c:FixedPointConstraint": ConstraintKind.FIXED_POINT,
    "samm-c:LanguageConstraint": ConstraintKind.LANGUAGE,
    "samm-c:LocaleConstraint": ConstraintKind.LOCALE,
    "samm-c:EncodingConstraint": ConstraintKind.ENCODING,
}
_NAMED: Mapping[ConstraintKind | None, str] = {
    ConstraintKind.LANGUAGE: "samm-c:languageCode",
    ConstraintKind.LOCALE: "samm-c:localeCode",
    ConstraintKind.ENCODING: "samm:value",
}
