"""Read an aspect model: its properties and every entity that they lead to."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import structlog

from connector.aspect.samm import vocabulary
from connector.aspect.samm.characteristics import CharacteristicReader
from connector.aspect.samm.folders import Element, Lookup, ModelFolders
from connector.aspect.samm.literals import json_value
from connector.aspect.samm.turtle import Node, TurtleFile, is_blank
from connector.aspect.semantics import AspectModel, Characteristic, Entity, JsonScalar, Property
from connector.errors import SetupError
from connector.identifiers import SemanticId


def read_model(
    semantic_id: SemanticId, folders: ModelFolders
) -> tuple[AspectModel, tuple[Path, ...]]:
    """Return the model of a semantic id, and the files that it rests on.

    Raises:
        SetupError: it is in no folder, or it is incomplete; the text names file and element.

    """
    lookup = Lookup(folders)
    element = lookup.element(vocabulary.term(semantic_id))
    if "samm:Aspect" not in element.types:
        raise SetupError(
            "aspect:model_without_aspect", semantic_id=semantic_id, file=element.file.path
        )
    model = _Reading(lookup).model(element)
    return model, tuple(file.path for file in lookup.files)


class _Reading:
    """The reading of one model: entities met so far, and those still being read."""

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup
        self._characteristics = CharacteristicReader(lookup, self)
        self._entities: dict[str, Entity] = {}
        self._open: set[str] = set()
        self._requested: dict[str, TurtleFile] = {}

    def model(self, aspect: Element) -> AspectModel:
        """Return the model of an aspect element."""
        properties = self._properties(aspect)
        while self._requested or self._request_heirs():
            self.entity(*self._requested.popitem())
        return AspectModel(
            SemanticId.parse(aspect.urn),
            aspect.text("samm:description"),
            properties,
            self._entities,
        )

    def request(self, urn: str, used_in: TurtleFile) -> str:
        """Have an entity read later; return its full URN."""
        if built_in := vocabulary.BUILT_IN_ENTITIES.get(urn):
            return self._entities.setdefault(built_in.urn, built_in).urn
        if urn not in self._entities:
            self._requested[urn] = used_in
        return urn

    def entity(self, urn: str, used_in: TurtleFile) -> Entity | None:
        """Return an entity, read now or before; None while it is still being read."""
        if urn not in self._entities and urn not in self._open:
            element = self._lookup.element(urn, used_in)
            self._open.add(urn)
            self._entities[urn] = self._read_entity(element)
            self._open.remove(urn)
        return self._entities.get(urn)

    def _read_entity(self, element: Element) -> Entity:
        if not element.types & vocabulary.ENTITIES:
            raise SetupError(
                "aspect:model_datatype_unknown",
                datatype=element.urn,
                element=element.urn,
                file=element.file.path,
            )
        parent = element.one("samm:extends")
        return Entity(
            element.urn,
            element.name,
            element.text("samm:description"),
            self._properties(element),
            self._parent(str(parent), element) if parent else "",
            "samm:AbstractEntity" in element.types,
        )

    def _parent(self, urn: str, heir: Element) -> str:
        self._refuse_circle(heir)
        return self.request(urn, heir.file)

    def _refuse_circle(self, heir: Element) -> None:
        seen: set[str] = set()
        at: Element | None = heir
        while at:
            if at.node in seen:
                raise SetupError(
                    "aspect:model_inheritance_cycle", element=heir.urn, file=heir.file.path
                )
            seen.add(at.node)
            parent = str(at.one("samm:extends") or "")
            named = parent.startswith("urn:samm:")
            at = self._lookup.element(parent, at.file) if named else None

    def _request_heirs(self) -> bool:
        """Request the entities that extend an abstract one, in all files met so far."""
        abstract = {urn for urn, entity in self._entities.items() if entity.is_abstract}
        for file in self._lookup.files if abstract else ():
            for node, facts in file.subjects.items():
                heir = Element(node, facts, file)
                if heir.one("samm:extends") in abstract and heir.types & vocabulary.ENTITIES:
                    self.request(node, file)
        return bool(self._requested)

    def _properties(self, owner: Element) -> tuple[Property, ...]:
        found: dict[str, Property] = {}
        for node in owner.items("samm:properties"):
            read = self._property(str(node), owner.file)
            if read and (earlier := found.get(read.name)):
                structlog.get_logger().warning(
                    "model.property_repeated", property=read.urn, owner=owner.urn
                )
                read = _merged(earlier, read)
            if read:
                found[read.name] = read
        return tuple(found.values())

    def _property(self, node: str, used_in: TurtleFile) -> Property | None:
        """Return a property as it is used, or None if it is abstract."""
        usage = self._lookup.element(node, used_in)
        named = usage.one("samm:property")
        declared = self._lookup.element(str(named), used_in) if named else usage
        if "samm:AbstractProperty" in declared.types:
            return None
        original = self._extended(declared)
        characteristic = self._characteristic(declared, original)
        # An anonymous property goes by the name of the one that it extends.
        return Property(
            name=usage.text("samm:payloadName") or declared.name or original.name,
            urn=declared.urn or original.urn,
            description=declared.text("samm:description") or original.text("samm:description"),
            characteristic=characteristic,
            optional=usage.flag("samm:optional"),
            in_payload=not usage.flag("samm:notInPayload"),
            example=_example(declared, characteristic),
            preferred_name=declared.text("samm:preferredName"),
        )

    def _extended(self, declared: Element) -> Element:
        parent = declared.one("samm:extends")
        return self._lookup.element(str(parent), declared.file) if parent else declared

    def _characteristic(self, declared: Element, original: Element) -> Characteristic:
        name = declared.name or original.name
        nameless = f"{name[:1].upper()}{name[1:]}Characteristic"
        owner = declared if declared.one("samm:characteristic") else original
        node = owner.needed("samm:characteristic")
        return self._characteristics.read(node, owner.file, nameless)


def _merged(earlier: Property, later: Property) -> Property:
    """Return what counts of two that bear one name: the later, needed if either is."""
    if not (earlier.in_payload and later.in_payload):
        return later if later.in_payload else earlier
    return replace(later, optional=earlier.optional and later.optional)


def _example(declared: Element, characteristic: Characteristic) -> JsonScalar | None:
    value: Node | None = declared.one("samm:exampleValue")
    if value is None or is_blank(value):
        return None
    return json_value(value, characteristic.item.bare.datatype)
