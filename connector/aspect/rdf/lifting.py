"""Turn a payload into the tree of its RDF, and such a tree into its payload."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import cast

from connector.aspect.rdf.leaves import JsonLeaf, leaf_of, literal_of
from connector.aspect.rdf.terms import (
    DEPTH_MAX,
    LANGUAGE_STRING,
    Items,
    Literal,
    Null,
    Resource,
    Term,
    Texts,
)
from connector.aspect.rdf.vocabulary import Vocabulary
from connector.aspect.semantics import Characteristic, Kind, Shape
from connector.errors import DataError

_LANGUAGE = re.compile(r"[a-zA-Z]{1,8}(-[a-zA-Z0-9]{1,8})*")


class Lifting:
    """Lifts payloads of one model. Whatever JSON says is kept, valid or not."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        """Take the predicates of the model."""
        self._vocabulary = vocabulary

    def resource(self, payload: object) -> Resource:
        """Return the tree of a payload.

        Raises:
            DataError: it is no object, or nested too deeply.

        """
        if not isinstance(payload, Mapping):
            raise DataError("aspect:lift_no_object", model=self._vocabulary.root)
        return self._resource(payload, self._vocabulary.root, None, 0)

    def _term(self, value: object, of: Characteristic | None, depth: int) -> Term:
        if depth > DEPTH_MAX:
            raise DataError("aspect:lift_too_deep", depth_max=DEPTH_MAX)
        if isinstance(value, Mapping):
            return self._object(value, of, depth)
        if isinstance(value, list | tuple):
            item = of.item if of and of.kind is Kind.LIST else None
            return Items(tuple(self._term(each, item, depth + 1) for each in value))
        is_leaf = of and of.bare.shape in {Shape.SCALAR, Shape.ENUMERATION}
        return literal_of(cast("JsonLeaf", value), of.bare.datatype if of and is_leaf else "")

    def _object(self, value: Mapping[str, object], of: Characteristic | None, depth: int) -> Term:
        if of and of.scalar_kind is Kind.LANGUAGE_STRING and _is_texts(value):
            return Texts(tuple(Literal(str(t), LANGUAGE_STRING, n) for n, t in value.items()))
        either = of.bare if of and of.kind is Kind.EITHER else None
        return self._resource(value, self._vocabulary.type_of(of), either, depth)

    def _resource(
        self,
        value: Mapping[str, object],
        type_urn: str,
        either: Characteristic | None,
        depth: int,
    ) -> Resource:
        words = self._vocabulary
        known = words.properties(type_urn) if type_urn else {}
        types = {name: each.characteristic for name, each in known.items()}
        if either and either.left and either.right:
            types = {"left": either.left, "right": either.right}
        facts = tuple(
            (
                words.predicate(type_urn, key, is_either=either is not None),
                self._term(each, types.get(key), depth + 1),
            )
            for key, each in value.items()
        )
        return Resource(type_urn, facts)


class Lowering:
    """Turns trees back into payloads of one model."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        """Take the predicates of the model."""
        self._vocabulary = vocabulary

    def payload(self, resource: Resource) -> dict[str, object]:
        """Return the payload of a tree.

        Raises:
            DataError: the tree says what no payload of the model can say.

        """
        payload = {}
        for predicate, term in resource.facts:
            key = self._vocabulary.key(resource.type, predicate)
            if key is None:
                type_urn = resource.type or "-"
                raise DataError(
                    "aspect:lift_predicate_unknown", predicate=predicate, type=type_urn
                )
            payload[key] = self._value(term)
        return payload

    def _value(self, term: Term) -> object:
        if isinstance(term, Resource):
            return self.payload(term)
        if isinstance(term, Items):
            return [self._value(each) for each in term.terms]
        if isinstance(term, Texts):
            return {each.language: each.text for each in term.literals}
        return None if isinstance(term, Null) else leaf_of(term)


def _is_texts(value: Mapping[str, object]) -> bool:
    """Tell whether an object is a language string; tags differ by more than their case."""
    tags = {key.lower() for key in value if _LANGUAGE.fullmatch(key)}
    return (
        bool(value)
        and len(tags) == len(value)
        and all(isinstance(text, str) for text in value.values())
    )
