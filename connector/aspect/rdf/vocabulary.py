"""Which predicate stands for which payload key in each type of a model, and back."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from connector.aspect.rdf.terms import SIDES, key_iri, key_of
from connector.aspect.semantics import AspectModel, Characteristic, Property, Shape

_TYPED = frozenset({Shape.ENTITY, Shape.SINGLE_ENTITY, Shape.INSTANCES})


class Vocabulary:
    """The types of one model: its aspect and its entities, each with its own predicates.

    The same payload key may be another property elsewhere, and the same property may bear
    another key: both hold within one type only.
    """

    def __init__(self, model: AspectModel) -> None:
        """Take the model; its types are looked at when they are first met."""
        self.model = model
        self.root = str(model.semantic_id)
        self._by_key: dict[str, Mapping[str, Property]] = {}
        self._by_predicate: dict[str, Mapping[str, Property]] = {}

    @cached_property
    def types(self) -> tuple[str, ...]:
        """The aspect, and the entities that payloads reach, as URNs."""
        return (self.root, *map(str, self.model.entities))

    def type_of(self, of: Characteristic | None) -> str:
        """Return the URN of the entity that an object of this characteristic is, or nothing."""
        bare = of.bare if of else None
        return str(bare.entity) if bare and bare.shape in _TYPED else ""

    def properties(self, type_urn: str) -> Mapping[str, Property]:
        """Return the properties of a type by payload key, without those that are ambiguous."""
        if type_urn not in self._by_key:
            found: dict[str, Property] = {}
            taken: set[str] = set()
            for each in self._listed(type_urn):
                if each.urn and each.urn not in taken and each.name not in found:
                    found[each.name] = each
                    taken.add(each.urn)
            self._by_key[type_urn] = found
            self._by_predicate[type_urn] = {str(p.urn): p for p in found.values()}
        return self._by_key[type_urn]

    def property_of(self, type_urn: str, predicate: str) -> Property | None:
        """Return the property of a type that a predicate is, None where it has none such."""
        self.properties(type_urn)
        return self._by_predicate[type_urn].get(predicate)

    def predicate(self, type_urn: str, key: str, *, is_either: bool) -> str:
        """Return the predicate of a key: the model's, else one in our namespace."""
        if is_either and key in SIDES:
            return SIDES[key]
        found = self.properties(type_urn).get(key) if type_urn else None
        return str(found.urn) if found else key_iri(key)

    def key(self, type_urn: str, predicate: str) -> str | None:
        """Return the payload key of a predicate, None where the model knows no such thing."""
        found = self.property_of(type_urn, predicate) if type_urn else None
        if found:
            return found.name
        sides = {iri: side for side, iri in SIDES.items()}
        return sides.get(predicate) or key_of(predicate)

    def _listed(self, type_urn: str) -> tuple[Property, ...]:
        if type_urn == self.root:
            return tuple(p for p in self.model.properties if p.in_payload)
        return self.model.properties_of(Characteristic("", Shape.ENTITY, entity=type_urn))
